"""The status workbook: `Summary`, `To do`, `Changes`, `Cases`; it holds no debtor's data."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from importer.model import FIGURES
from importer.report.looks import looks
from importer.report.package import TALLEST, Large, Package
from importer.report.page import Page
from importer.report.rows import Cells, make_legible
from importer.report.sheets import DAY, EPOCH, LINKS, fit_widths
from importer.report.standing import SHOWN, write_money

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from importer.model import Line, StatusReport

TITLE: Final = "Where the cases stand:"
KINDS: Final = 8  # of changes, shown on `Summary`
SHOWN_LINKS: Final = 3  # of one thing to do
EXACT: Final = 15  # digits that a number cell keeps
SECONDS: Final = DAY / 1_000_000  # of a day

HEADINGS: Final = {
    "gross": "Claim",
    "interest": "Interest",
    "reminder": "Reminder fees",
    "collection": "Collection fees",
    "added": "Added in all",
    "paid": "Paid",
    "outstanding": "Outstanding",
}
_OWN_LOOKS: Final[dict[str, dict[str, Any]]] = {
    "money": {"num_format": "#,##0.00######", "align": "right", "valign": "top"},
    "head money": {"bold": True, "align": "right", "bottom": 1},
    "total money": {"bold": True, "top": 1, "num_format": "#,##0.00######", "align": "right"},
}


def write(report: StatusReport, path: Path) -> None:
    """Write the status workbook, beside *path* and renamed into place.

    Raises:
        OSError: The disk does not take it; nothing is left of it.
    """
    package = Package({**looks(), **_OWN_LOOKS}, f"{TITLE} {report.title}")
    _add_summary(package, report)
    _add_to_do(package, [line for line in report.lines if line.standing.to_do])
    _add_changes(package, [line for line in report.lines if line.changes])
    _add_cases(package, report.lines)
    package.save(path)


def _add_summary(package: Package, report: StatusReport) -> None:
    page = Page(package.add_small("Summary"), package.formats)
    page.write_title(f"{TITLE} {report.title}")
    page.write_text(_headline(report), "lead")
    page.start_section("What needs you")
    _write_to_do(page, report.lines)
    page.start_section("Where the money stands")
    write_money(page, package.book, report.lines)
    page.start_section("What changed since the cases were last asked about, or made")
    _write_changes(page, report.lines)
    page.start_section("About this workbook")
    when = f"{datetime.fromtimestamp(report.asked_at, UTC):%Y-%m-%d %H:%M} UTC"
    asked = sum(line.asked for line in report.lines)
    whose = f" of {report.account}" if report.account else ""
    page.write_text(f"Asked at {when} about {_count(asked)}{whose}, with {report.requests:,} requests.", "wrapped")
    if rest := len(report.lines) - asked:
        why = "could not be asked about" if report.stopped else "are closed for good and were not asked about again"
        page.write_text(f"{rest:,} {why}: they are shown as they stood at the time in Told at.", "wrapped")
    page.write_text(
        "What was paid is reckoned from what was claimed, added, and is outstanding. Where the API does not tell "
        "enough for that it is blank, and in no sum.",
        "wrapped",
    )


def _headline(report: StatusReport) -> str:
    total, open_ = len(report.lines), sum(line.standing.is_open for line in report.lines)
    said = [f"{open_:,} of {_count(total)} {'is' if open_ == 1 else 'are'} open."]
    if missing := sum(line.standing.is_missing for line in report.lines):
        said.append(f"The API does not have {missing:,}.")
    waiting = sum(bool(line.standing.to_do) for line in report.lines)
    said.append(f"{waiting:,} {'needs' if waiting == 1 else 'need'} you." if waiting else "None needs you.")
    changed = sum(bool(line.changes) for line in report.lines)
    said.append(f"{changed:,} changed." if changed else "Nothing changed.")
    if report.stopped:
        said.append(f"Not all could be asked about. {report.stopped}")
    return " ".join(said)


def _write_to_do(page: Page, lines: Iterable[Line]) -> None:
    counts: Counter[str] = Counter()
    links: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for line in lines:
        if to_do := line.standing.to_do:
            counts[to_do] += 1
            links[to_do][line.standing.where] += 1
    if not counts:
        page.write_text("Nothing: no case waits for you.", "wrapped")
    for to_do, number in counts.most_common():
        page.write_reason(_count(number), to_do)
        for link, _ in links[to_do].most_common(SHOWN_LINKS):
            page.write_link(f"Open {link}", link, first=1)
        if len(links[to_do]) > SHOWN_LINKS:
            page.write_text("The other links are on the sheet To do.", "wrapped")


def _write_changes(page: Page, lines: Iterable[Line]) -> None:
    kinds: Counter[str] = Counter()
    for line in lines:
        for change in line.changes:
            amount = change.what in FIGURES
            moved = "" if amount else f": {change.before or 'none'} → {change.now or 'none'}"
            kinds[f"{HEADINGS.get(change.what, change.what.capitalize())}{moved}"] += 1
    if not kinds:
        page.write_text("Nothing.", "wrapped")
    for text, number in kinds.most_common(KINDS):
        page.write_reason(_count(number), text)
    if len(kinds) > KINDS:
        page.write_text(f"… and {len(kinds) - KINDS} more kinds, on the sheet Changes.", "wrapped")


def _add_to_do(package: Package, lines: Sequence[Line]) -> None:
    header = (*_WHICH, "Lifecycle", "What to do", "Where", "Currency", "Outstanding")
    for name, part in _parts("To do", lines):
        columns = [
            *_which(part),
            _texts(line.standing.label for line in part),
            _texts(line.standing.to_do for line in part),
            _texts(line.standing.where for line in part),
            _texts(line.currency for line in part),
            _money(line.standing.figures.outstanding for line in part),
        ]
        links = [line.standing.where for line in part][:LINKS]

        def dress(sheet: Any, links: Sequence[str] = links) -> None:
            for row, link in enumerate(links, start=1):
                sheet.write_url(row, header.index("Where"), link)

        _add(package, name, header, columns, {"Where": "link", "Outstanding": "money"}, dress)


def _add_changes(package: Package, lines: Sequence[Line]) -> None:
    header = (*_WHICH, "What", "Before", "Now", "Currency")
    flat = [(line, change) for line in lines for change in line.changes]
    for name, part in _parts("Changes", flat):
        amounts = [change.what in FIGURES for _, change in part]
        columns = [
            *_which([line for line, _ in part]),
            _texts(HEADINGS.get(change.what, change.what.capitalize()) for _, change in part),
            _mixed([change.before for _, change in part], amounts),
            _mixed([change.now for _, change in part], amounts),
            _texts(line.currency if amount else None for (line, _), amount in zip(part, amounts, strict=True)),
        ]
        _add(package, name, header, columns, {"Before": "money", "Now": "money"})


def _add_cases(package: Package, lines: Sequence[Line]) -> None:
    """Add a line for each case; what is printed comes first."""
    printed = (*_WHICH, "Lifecycle", "Open", "Close code", "Partner", "Currency", *(HEADINGS[name] for name in SHOWN))
    parts = [name for name in FIGURES if name not in SHOWN]
    header = (*printed, *(HEADINGS[name] for name in parts), "To do", "Changed", "Told at", "Mode", "Run", "Row")
    for name, part in _parts("Cases", lines):
        standings = [line.standing for line in part]
        columns = [
            *_which(part),
            _texts(standing.label for standing in standings),
            _texts("yes" if standing.is_open else "no" for standing in standings),
            _texts(standing.close_code for standing in standings),
            _texts(standing.partner for standing in standings),
            _texts(line.currency for line in part),
            *(_money(getattr(standing.figures, figure) for standing in standings) for figure in (*SHOWN, *parts)),
            _texts(standing.to_do for standing in standings),
            _texts(", ".join(HEADINGS.get(change.what, change.what) for change in line.changes) for line in part),
            _moments(line.told_at for line in part),
            _texts(line.mode for line in part),
            _texts(line.run for line in part),
            Cells(pa.array([str(line.row) for line in part], pa.string()), numbers=True),
        ]

        def dress(sheet: Any, height: int = len(part)) -> None:
            sheet.freeze_panes(1, len(_WHICH))
            sheet.write_comment(0, header.index("Told at"), "When the API said so, UTC.")
            sheet.print_area(0, 0, height, len(printed) - 1)

        looks = {**dict.fromkeys(HEADINGS.values(), "money"), "Told at": "moment", "Row": "place"}
        _add(package, name, header, columns, looks, dress)


_WHICH: Final = ("Case id", "Reference", "Creditor reference")


def _which(lines: Sequence[Line]) -> list[Cells]:
    return [
        _texts(line.case_id for line in lines),
        _texts(line.reference for line in lines),
        _texts(line.creditor_reference for line in lines),
    ]


def _add(
    package: Package,
    name: str,
    header: Sequence[str],
    columns: Sequence[Cells],
    looks: dict[str, str],
    dress: Any = lambda _sheet: None,
) -> None:
    def fill(styles: dict[str, str]) -> Iterable[list[Cells]]:
        yield [
            Cells(column.texts, styles[looks.get(title, "plain")], column.numbers)
            for title, column in zip(header, columns, strict=True)
        ]

    widths = fit_widths(header, columns)
    if "Told at" in header:
        widths[header.index("Told at")] = 21.0  # of the time that its number is shown as
    formats = ("plain", *dict.fromkeys(looks.values()))
    height = len(columns[0].texts)
    package.add_large(Large(name, header, height, formats, fill, widths, dress))


def _parts(name: str, rows: Sequence[Any]) -> Iterable[tuple[str, Sequence[Any]]]:
    """Cut *rows* into what fits on a sheet; there is one sheet at least."""
    for number, start in enumerate(range(0, max(1, len(rows)), TALLEST), start=1):
        yield name if number == 1 else f"{name} ({number})", rows[start : start + TALLEST]


def _texts(texts: Iterable[str | None]) -> Cells:
    return Cells(pa.array([make_legible(text) if text else None for text in texts], pa.string()))


def _money(amounts: Iterable[Decimal | None]) -> Cells:
    listed = list(amounts)
    texts = [None if amount is None else f"{amount:f}" for amount in listed]
    return _mixed(texts, [amount is not None for amount in listed])


def _mixed(texts: Sequence[str | None], amounts: Sequence[bool]) -> Cells:
    """Write the *amounts* as numbers, but for those with more digits than a number cell keeps."""
    numbers = [bool(text) and amount and _keeps(str(text)) for text, amount in zip(texts, amounts, strict=True)]
    legible = [make_legible(text) if text else None for text in texts]
    return Cells(pa.array(legible, pa.string()), numbers=pa.array(numbers, pa.bool_()))


def _keeps(amount: str) -> bool:
    return len(Decimal(amount).normalize().as_tuple().digits) <= EXACT


def _moments(times: Iterable[float | None]) -> Cells:
    """Write times as the days that a spreadsheet program counts, UTC."""
    days = [None if time is None else f"{time / SECONDS + EPOCH:.6f}" for time in times]
    return Cells(pa.array(days, pa.string()), numbers=True)


def _count(cases: int) -> str:
    return "1 case" if cases == 1 else f"{cases:,} cases"
