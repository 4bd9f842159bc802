"""The large sheets of all rows and all issues, and how the source's own cells are written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from importer.report.digest import LINK, LONGEST_LINK
from importer.report.package import TALLEST, Large, Package
from importer.report.rows import CHUNK, Cells, make_legible

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np
    import pandas as pd

    from importer.model import Report

RESULT_COLUMNS: Final = {
    "Status": "status",
    "Case id": "case_id",
    "Reference": "reference",
    "Creditor reference": "creditor_reference",
    "Lifecycle": "lifecycle",
    "Error": "error",
    "Message": "message",
    "Solution": "solution",
    "Sent at": "sent_at",
}
LONG_COLUMNS: Final = ("creditor_reference", "error", "message", "solution")  # of outcomes, of unknown length
ISSUE_HEADER: Final = ("Column", "Field", "Severity", "Code", "Value", "Message", "Hint")
NARROWEST, WIDEST = 8.0, 60.0  # characters
SAMPLED: Final = 1_000  # rows that decide a column's width
LINKS: Final = 60_000  # of a sheet; the format allows 65,530
EPOCH: Final = 25_569  # days from the spreadsheet's day 0 to 1970-01-01
DAY: Final = 86_400_000_000  # microseconds
# A number that a spreadsheet program gives back as it was written: no zeros to lose, and at most 15 digits.
_WHOLE: Final = r"^(?:0|-?[1-9][0-9]{0,14}0*)$"
_BROKEN: Final = r"^-?(?:0|[1-9][0-9]*)\.[0-9]*[1-9]$"
_DIGITS: Final = 15

_STATUS_FILLS: Final = (
    "created",
    "valid",
    "already-imported",
    "duplicate",
    "rejected",
    "invalid",
    "held",
    "unknown",
    "not-sent",
)


def add_results(package: Package, report: Report) -> None:
    """Add `Results`: a line for each source row, then its own cells, untouched."""
    several = len(report.run.sources) > 1
    lead = [*(["Source"] if several else []), "Row", *RESULT_COLUMNS]
    header = [*lead, *report.header]

    def columns(start: int, end: int) -> list[Cells]:
        part = slice(start, end)
        outcomes = report.outcomes.iloc[part]
        own = own_cells(report, part)
        texts = [*places(report, outcomes.index, several=several)]
        texts += [Cells(as_texts(outcomes[name])) for name in RESULT_COLUMNS.values() if name != "sent_at"]
        return [*texts, moments(outcomes["sent_at"]), *own]

    for number, (start, end) in enumerate(stretches(len(report.cells), TALLEST)):
        outcomes = report.outcomes.iloc[start:end]

        def fill(styles: dict[str, str], start: int = start, end: int = end) -> Iterator[list[Cells]]:
            for begin, stop in stretches(end, CHUNK, start):
                yield _style_results(columns(begin, stop), styles, len(lead))

        def dress(sheet: Any, outcomes: pd.DataFrame = outcomes) -> None:
            _link(sheet, outcomes["solution"], lead.index("Solution"))
            status = lead.index("Status")
            sheet.write_comment(0, lead.index("Sent at"), "Times are UTC.")
            sheet.freeze_panes(1, status + 1)
            sheet.print_area(0, 0, len(outcomes), len(lead) - 1)

        package.add_large(
            Large(
                name="Results" if number == 0 else f"Results ({number + 1})",
                header=header,
                height=len(outcomes),
                formats=("plain", "place", "moment", "link", *(f"status {name}" for name in _STATUS_FILLS)),
                fill=fill,
                widths=fit_widths(header, columns(start, min(end, start + SAMPLED))),
                dress=dress,
            )
        )


def stretches(end: int, length: int, start: int = 0) -> Iterator[tuple[int, int]]:
    """Cut rows into stretches of one length; there is one at least."""
    for begin in range(start, max(end, start + 1), length):
        yield begin, min(end, begin + length)


def _style_results(columns: list[Cells], styles: dict[str, str], lead: int) -> list[Cells]:
    styled = [Cells(column.texts, styles["plain"], column.numbers) for column in columns]
    status = lead - len(RESULT_COLUMNS)
    styled[status - 1] = Cells(columns[status - 1].texts, styles["place"], numbers=True)
    statuses = columns[status].texts
    looks = pa.array([styles[f"status {name}"] for name in _STATUS_FILLS])
    positions = pc.index_in(statuses, pa.array(_STATUS_FILLS))
    styled[status] = Cells(statuses, looks.take(positions))
    link = pc.fill_null(pc.match_substring_regex(columns[lead - 2].texts, LINK), fill_value=False)
    styled[lead - 2] = Cells(columns[lead - 2].texts, pc.if_else(link, styles["link"], styles["plain"]))
    styled[lead - 1] = Cells(columns[lead - 1].texts, styles["moment"], numbers=True)
    return styled


def add_issues(package: Package, report: Report) -> None:
    """Add `Issues`: a line for each fault."""
    several = len(report.run.sources) > 1
    issues = report.issues
    header = [*(["Source"] if several else []), "Row", *ISSUE_HEADER]

    def columns(start: int, end: int) -> list[Cells]:
        part = issues.iloc[start:end]
        cells = [Cells(as_texts(part[name.lower()].mask(part[name.lower()] == ""))) for name in ISSUE_HEADER]
        return [*places(report, part["row"], several=several), *cells]

    for number, (start, end) in enumerate(stretches(len(issues), TALLEST)):

        def fill(styles: dict[str, str], start: int = start, end: int = end) -> Iterator[list[Cells]]:
            for begin, stop in stretches(end, CHUNK, start):
                made = columns(begin, stop)
                looks = [styles["place" if column.numbers else "plain"] for column in made]
                yield [Cells(column.texts, look, column.numbers) for column, look in zip(made, looks, strict=True)]

        package.add_large(
            Large(
                name="Issues" if number == 0 else f"Issues ({number + 1})",
                header=header,
                height=end - start,
                formats=("plain", "place"),
                fill=fill,
                widths=fit_widths(header, columns(start, min(end, start + SAMPLED))),
            )
        )


def places(report: Report, keys: Any, *, several: bool) -> list[Cells]:
    """Write row keys as people know them: the source, where there are several, and the row number."""
    array = pa.array(keys, pa.int64())
    row = Cells(pc.cast(pc.bit_wise_and(array, (1 << 32) - 1), pa.string()), numbers=True)
    if not several:
        return [row]
    names = pa.array([make_legible(source.name) for source in report.run.sources])
    return [Cells(names.take(pc.shift_right(array, 32))), row]


def own_cells(report: Report, part: slice | np.ndarray) -> list[Cells]:
    """Take the source's own cells: numbers that survive as numbers stay numbers, all else is text."""
    columns = []
    for position in range(len(report.header)):
        texts = as_texts(report.cells[position].iloc[part])
        mask = report.numbers.get(position)
        if mask is None:
            columns.append(Cells(texts))
            continue
        kept = pc.fill_null(_keeps_digits(texts), fill_value=False)
        columns.append(Cells(texts, numbers=pc.and_(pa.array(mask[part]), kept)))
    return columns


def _keeps_digits(texts: pa.Array) -> pa.Array:
    significant = pc.utf8_length(pc.replace_substring_regex(texts, r"^[-0.]+|\.", ""))
    broken = pc.and_(pc.match_substring_regex(texts, _BROKEN), pc.less_equal(significant, _DIGITS))
    return pc.or_(pc.match_substring_regex(texts, _WHOLE), broken)


def as_texts(column: pd.Series) -> pa.Array:
    """Take a column of texts as one Arrow array."""
    array = pa.array(column, pa.string())
    return array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array


def moments(column: pd.Series) -> Cells:
    """Write UTC times as the days that a spreadsheet program counts."""
    array = pa.array(column)
    array = pc.cast(array, pa.timestamp("us", "UTC"))
    array = array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array
    days = pc.add(pc.divide(pc.cast(pc.cast(array, pa.int64()), pa.float64()), float(DAY)), float(EPOCH))
    return Cells(pc.cast(days, pa.string()), numbers=True)


def _link(sheet: Any, solutions: pd.Series, column: int) -> None:
    links = solutions.fillna("").reset_index(drop=True)
    links = links[links.str.match(LINK) & (links.str.len() <= LONGEST_LINK)].head(LINKS)
    for row, link in zip(links.index.tolist(), links.tolist(), strict=True):
        sheet.write_url(row + 1, column, link)


def fit_widths(header: Sequence[str], columns: Sequence[Cells]) -> list[float]:
    """Make each column as wide as its first rows need, within reason."""
    widths = []
    for text, column in zip(header, columns, strict=True):
        longest = pc.max(pc.utf8_length(column.texts.slice(0, SAMPLED))).as_py() or 0
        if text == "Sent at":
            longest = len("2026-01-31 12:00:00")
        widths.append(min(WIDEST, max(NARROWEST, longest + 2.0, len(text) + 4.0)))
    return widths
