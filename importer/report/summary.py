"""The small sheets: `Summary` says what happened and what to do next, `Run` what was run and how."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from importer.model import CHECK_STATUSES, STATUSES
from importer.report.rows import CUT, LONGEST

if TYPE_CHECKING:
    from collections.abc import Iterator

    from importer.model import Report, Run
    from importer.report.package import Package

TITLE: Final = "Invoice importer"  # by this in A1 of `Run` a results workbook is recognised
CARRIED: Final = ("Field", "Column", "Constant", "Decimal", "Date order")
REASONS: Final = 15  # shown of each kind
WIDTH: Final = 8  # columns of the page

_MEANINGS: Final = {
    "created": "the API made the case now",
    "valid": "would be sent",
    "already-imported": "an earlier run made the case; nothing was sent",
    "duplicate": "the API has a case with this reference that this journal did not make",
    "rejected": "the API refused it; no case exists",
    "invalid": "a rule failed here; nothing was sent",
    "unknown": "it may have been made; resume settles it",
    "not-sent": "valid, and not sent",
}


def add_summary(package: Package, report: Report) -> None:
    """Add `Summary`: a headline, what to do next, figures by status and currency, and the reasons."""
    sheet = package.add_small("Summary")
    sheet.hide_gridlines(2)
    sheet.set_column(0, WIDTH, 14)
    sheet.fit_to_pages(1, 0)
    sheet.set_margins(left=0.5, right=0.5)
    page = _Page(sheet, package.formats)
    run = report.run
    names = ", ".join(source.name for source in run.sources)
    page.line(f"{'Check of' if run.kind == 'check' else 'Import of'} {names}", "title", height=24)
    page.wide(_headline(report), "lead")
    page.gap()
    page.line("What to do next", "section", across=WIDTH)
    for advice in _advice(report):
        page.wide(advice, "wrapped")
    page.gap()
    page.line("Rows and amounts", "section", across=WIDTH)
    _write_figures(page, report)
    for title, reasons in (("Faults found here", _faults(report)), ("What the API said", _answers(report))):
        if reasons:
            page.gap()
            page.line(title, "section", across=WIDTH)
            for count, text in reasons[:REASONS]:
                page.reason(count, text)
            if len(reasons) > REASONS:
                page.wide(f"… and {len(reasons) - REASONS} more kinds.", "wrapped")


class _Page:
    """Writes a sheet from top to bottom."""

    def __init__(self, sheet: Any, formats: dict[str, Any]) -> None:
        self.sheet = sheet
        self.formats = formats
        self.row = 0

    def line(self, text: str, look: str, *, height: float | None = None, across: int = 1) -> None:
        """Write one line, its look running over several columns."""
        if height:
            self.sheet.set_row(self.row, height)
        self.sheet.write_string(self.row, 0, text, self.formats[look])
        for column in range(1, across):
            self.sheet.write_blank(self.row, column, None, self.formats[look])
        self.row += 1

    def wide(self, text: str, look: str) -> None:
        """Write a sentence over the whole width, as high as it needs to be."""
        self.sheet.set_row(self.row, 16 * (1 + len(text) // 120))
        self.sheet.merge_range(self.row, 0, self.row, WIDTH - 1, "", self.formats[look])
        self.sheet.write_string(self.row, 0, text, self.formats[look])
        self.row += 1

    def reason(self, count: int, text: str) -> None:
        """Write how often something happened, and what it is."""
        self.sheet.set_row(self.row, 15 * (1 + len(text) // 110))
        self.sheet.write_string(self.row, 0, "1 row" if count == 1 else f"{count:,} rows", self.formats["key"])
        self.sheet.merge_range(self.row, 1, self.row, WIDTH - 1, "", self.formats["wrapped"])
        self.sheet.write_string(self.row, 1, text, self.formats["wrapped"])
        self.row += 1

    def gap(self) -> None:
        """Leave a line free."""
        self.row += 1


def _headline(report: Report) -> str:
    counts = report.outcomes["status"].value_counts()
    total = len(report.outcomes)
    if report.run.kind == "check":
        ready = int(counts.get("valid", 0))
        already = int(counts.get("already-imported", 0))
        known = f"; {already:,} are imported already" if already else ""
        return f"{ready:,} of {total:,} rows are valid and would be sent{known}. Nothing was sent."
    made = int(counts.get("created", 0))
    kind = "test case" if report.run.mode == "test" else "case"
    said = [f"{made:,} {kind}{'' if made == 1 else 's'} created from {total:,} rows."]
    others = [f"{int(counts[name]):,} {name}" for name in STATUSES if name != "created" and counts.get(name)]
    if others:
        said.append(f"The others: {', '.join(others)}.")
    if report.run.stopped:
        said.append(f"The run stopped before its end. {report.run.stopped}")
    return " ".join(said)


def _advice(report: Report) -> Iterator[str]:
    run, counts = report.run, report.outcomes["status"].value_counts()
    left = sum(int(counts.get(name, 0)) for name in ("unknown", "not-sent"))
    mend = sum(int(counts.get(name, 0)) for name in ("invalid", "rejected"))
    if run.kind == "submit" and left:
        yield f"Run: importer resume {run.id} — it settles what is unknown and sends what was not sent ({left:,} rows)."
    if mend:
        again = "check or submit" if run.kind == "check" else "submit"
        yield (
            f"Mend the {'row' if mend == 1 else f'{mend:,} rows'} on the sheet To fix, save this workbook, and {again} "
            "it: what it needs to know is in it, and no row is sent twice."
        )
    links = report.outcomes["solution"].dropna()
    for link, count in links[links.str.startswith("http")].value_counts().head(REASONS).items():
        yield f"Open {link} — it cures {count:,} row{'' if count == 1 else 's'}."
    if counts.get("duplicate"):
        yield "Compare the duplicates with their cases at Debitura: the case id is in Results."
    if run.kind == "check" and counts.get("valid"):
        yield f"Send the valid rows: importer submit {' '.join(source.name for source in run.sources)}"
    elif not (left or mend or counts.get("duplicate")):
        yield "Nothing: every row has its case."


def _write_figures(page: _Page, report: Report) -> None:
    """Write rows and exact amounts, a column a status and a line a currency; the last column is the whole source."""
    every = CHECK_STATUSES if report.run.kind == "check" else STATUSES
    frame = pd.DataFrame(
        {
            "status": report.outcomes["status"].astype(object),
            "currency": report.amounts["currency"].astype(object),
            "amount": report.amounts["amount"].astype(object),
        }
    )
    counts = frame["status"].value_counts()
    statuses = [status for status in every if counts.get(status)]
    last = len(statuses) + 1
    page.sheet.write_blank(page.row, 0, None, page.formats["head left"])
    for column, status in enumerate(statuses, start=1):
        page.sheet.write_string(page.row, column, status, page.formats[f"head {status}"])
        page.sheet.write_comment(page.row, column, _MEANINGS[status])
        page.sheet.write_number(page.row + 1, column, int(counts[status]), page.formats["count"])
    page.sheet.write_string(page.row, last, "all rows", page.formats["head right"])
    page.sheet.write_string(page.row + 1, 0, "Rows", page.formats["key"])
    page.sheet.write_number(page.row + 1, last, len(frame), page.formats["total count"])
    page.row += 2
    readable = frame.dropna(subset=["currency", "amount"])
    sums = readable.groupby(["currency", "status"])["amount"].sum().to_dict()
    for currency in sorted(readable["currency"].unique()):
        page.sheet.write_string(page.row, 0, currency, page.formats["key"])
        amounts = [sums.get((currency, status)) for status in statuses]
        for column, amount in enumerate(amounts, start=1):
            if amount is not None:
                page.sheet.write_number(page.row, column, float(amount), page.formats["amount"])
        total = sum((amount for amount in amounts if amount is not None), Decimal(0))
        page.sheet.write_number(page.row, last, float(total), page.formats["total amount"])
        page.row += 1
    unreadable = len(frame) - len(readable)
    if unreadable:
        rows = "1 row is" if unreadable == 1 else f"{unreadable:,} rows are"
        page.wide(f"{rows} in no amount: the amount, or its currency, cannot be read.", "wrapped")


def _faults(report: Report) -> list[tuple[int, str]]:
    """Group the issues by code and column: in how many rows, and an example of what was said."""
    groups = report.issues.groupby(["severity", "code", "column"], sort=False)
    found = [
        (
            len(part["row"].unique()),
            str(severity),
            f"{code}, {column}: {part['message'].iloc[0]} {part['hint'].iloc[0]}",
        )
        for (severity, code, column), part in groups
    ]
    found.sort(key=lambda reason: (reason[1], -reason[0]))
    return [(count, text if severity == "error" else f"(warning) {text}") for count, severity, text in found]


def _answers(report: Report) -> list[tuple[int, str]]:
    """Group what the API said by error and message."""
    answered = report.outcomes[report.outcomes["status"].isin(["rejected", "duplicate", "unknown"])]
    said = answered[["error", "message", "solution"]].fillna("")
    told = (said["error"] + ": " + said["message"] + " " + said["solution"]).str.strip()
    return [(int(count), str(text)) for text, count in told.value_counts().items()]


def add_run(package: Package, run: Run) -> None:
    """Add `Run`: what was run and how, and the mapping that a mended `To fix` takes with it."""
    sheet = package.add_small("Run")
    sheet.set_column(0, 0, 32)
    sheet.set_column(1, 1, 48)
    sheet.set_column(2, 4, 18)
    sheet.write_string(0, 0, TITLE, package.formats["title"])
    row = 1
    for name, value in _told(run):
        sheet.write_string(row, 0, name, package.formats["key"])
        sheet.write_string(row, 1, _shorten(value), package.formats["wrapped"])
        row += 1
    row += 1
    for column, text in enumerate(CARRIED):
        sheet.write_string(row, column, text, package.formats["header"])
    for line in _carried(run):
        row += 1
        for column, text in enumerate(line):
            if text:
                sheet.write_string(row, column, _shorten(text), package.formats["plain"])


def _told(run: Run) -> Iterator[tuple[str, str]]:
    yield "Run", run.id
    yield "Kind", "dry run: nothing was sent" if run.kind == "check" else "submit"
    yield "Target", run.target
    yield "Mode", run.mode
    if run.account:
        yield "Account", run.account
        yield "Host", run.host
    yield "Started", f"{run.started:%Y-%m-%d %H:%M:%S} UTC"
    yield "Finished", f"{run.finished:%Y-%m-%d %H:%M:%S} UTC" if run.finished else "cut short"
    yield "Exit code", str(run.exit_code)
    if run.stopped:
        yield "Stopped", run.stopped
    yield "Importer", run.version
    for source in run.sources:
        yield "Source", source.name
        yield "SHA-256", source.sha256
        yield "Read as", ", ".join(f"{name} {value}" for name, value in source.facts)
    yield from run.settings


def _carried(run: Run) -> Iterator[tuple[str, str, str, str, str]]:
    columns = {name: header for header, name in run.columns.items()}
    for name, header in columns.items():
        decimal = {styles.decimal.get(name, "") for styles in run.styles}
        order = {styles.order.get(name, "") for styles in run.styles}
        # Sources that are written differently cannot both be right about the rows of the one sheet.
        yield name, header, "", decimal.pop() if len(decimal) == 1 else "", order.pop() if len(order) == 1 else ""
    for name, value in run.constants.items():
        yield name, "", value, "", ""


def _shorten(text: str) -> str:
    return text if len(text) <= LONGEST else text[: LONGEST - len(CUT)] + CUT
