"""The large sheets of all rows and all issues, and how the source's own cells are written."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

import schemas
from importer.report.digest import LINK, LONGEST_LINK
from importer.report.links import link_rows
from importer.report.package import TALLEST, Large, Package
from importer.report.rows import CHUNK, Cells, make_legible
from importer.report.saying import ORDERS, tell_meaning

if TYPE_CHECKING:
    from collections.abc import Container, Iterator, Sequence

    import pandas as pd

    from importer.model import Report
    from importer.report.mending import Marks

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
WRAPPED: Final = {"Message": 45.0, "Solution": 45.0}  # characters of columns whose texts go over lines
NARROWEST, WIDEST = 8.0, 60.0  # characters
SAMPLED: Final = 1_000  # rows that decide a column's width
LINKS: Final = 60_000  # to addresses, of a sheet
MOST_LINKS: Final = 65_000  # of a sheet, to cells too; the format allows 65,530
NOTE_WIDTH: Final = 56  # characters of a line
NOTE_LINE: Final = 16  # pixels
EPOCH: Final = 25_569  # days from the spreadsheet's day 0 to 1970-01-01
DAY: Final = 86_400_000_000  # microseconds
# A number that a spreadsheet program gives back as it was written: no zeros to lose, and at most 15 digits.
_WHOLE: Final = r"^(?:0|-?[1-9][0-9]{0,14}0*)$"
_BROKEN: Final = r"^-?(?:0|[1-9][0-9]*)\.[0-9]*[1-9]$"
_DIGITS: Final = 15

_RESULT_LOOKS: Final = ("plain", "place", "place link", "moment", "wide link", "wrapped", "figure")
STATUS_FILLS: Final = (
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


def add_results(package: Package, report: Report, marks: Marks) -> None:
    """Add `Results`: a line for each source row, then its own cells, untouched; rows to mend link to `To fix`."""
    lead = [*(["Source"] if len(report.run.sources) > 1 else []), "Row", *RESULT_COLUMNS]
    amounts = find_amounts(report)
    lines = find_lines(report, marks)
    for number, (start, end) in enumerate(stretches(len(report.cells), TALLEST)):
        solutions = _find_links(report.outcomes["solution"].iloc[start:end])
        mended = np.flatnonzero(lines[start:end] >= 0)[: MOST_LINKS - len(solutions)]
        linked = np.zeros(end - start, dtype=bool)
        linked[mended] = True

        def fill(styles: dict[str, str], start: int = start, end: int = end, linked: Any = linked) -> Iterator[Any]:
            for begin, stop in stretches(end, CHUNK, start):
                mask = pa.array(linked[begin - start : stop - start])
                yield _style_results(_columns(report, begin, stop), styles, lead, mask, amounts)

        header = [*lead, *report.header]
        widths = fit_widths(header, _columns(report, start, min(end, start + SAMPLED)))
        package.add_large(
            Large(
                name="Results" if number == 0 else f"Results ({number + 1})",
                header=header,
                height=end - start,
                formats=(*_RESULT_LOOKS, *(f"status {name}" for name in STATUS_FILLS)),
                fill=fill,
                widths=[min(width, WRAPPED.get(name, width)) for name, width in zip(header, widths, strict=True)],
                dress=partial(_dress, report, lead, end - start, solutions),
                wrapped={header.index(name): width for name, width in WRAPPED.items()},
                links=link_rows(lead.index("Row"), mended, lines[start:end][mended]),
            )
        )


def find_lines(report: Report, marks: Marks) -> np.ndarray:
    """Say on which line of `To fix` each row is, from 0; -1 for a row that is not on it."""
    lines = np.full(len(report.cells), -1)
    lines[marks.positions] = np.arange(len(marks.positions))
    return lines


def _columns(report: Report, start: int, end: int) -> list[Cells]:
    part = slice(start, end)
    outcomes = report.outcomes.iloc[part]
    told = [Cells(as_texts(outcomes[name])) for name in RESULT_COLUMNS.values() if name != "sent_at"]
    where = places(report, outcomes.index, several=len(report.run.sources) > 1)
    return [*where, *told, moments(outcomes["sent_at"]), *own_cells(report, part)]


def _dress(report: Report, lead: Sequence[str], height: int, solutions: pd.Series, sheet: Any) -> None:
    for row, link in zip(solutions.index.tolist(), solutions.tolist(), strict=True):
        sheet.write_url(row + 1, lead.index("Solution"), link)
    note(sheet, lead.index("Row"), "The row's number in the source. A link opens the row on To fix.")
    note(sheet, lead.index("Status"), tell_statuses(report))
    note(sheet, lead.index("Sent at"), "Times are UTC.")
    sheet.freeze_panes(1, lead.index("Status") + 1)
    sheet.print_area(0, 0, height, len(lead) - 1)


def stretches(end: int, length: int, start: int = 0) -> Iterator[tuple[int, int]]:
    """Cut rows into stretches of one length; there is one at least."""
    for begin in range(start, max(end, start + 1), length):
        yield begin, min(end, begin + length)


def _style_results(
    columns: list[Cells], styles: dict[str, str], lead: Sequence[str], linked: pa.Array, amounts: Container[int]
) -> list[Cells]:
    styled = [Cells(column.texts, styles["plain"], column.numbers) for column in columns]
    names = ("Row", "Status", "Message", "Solution", "Sent at")
    row, status, message, solution, sent = (lead.index(name) for name in names)
    styled[row] = Cells(columns[row].texts, pc.if_else(linked, styles["place link"], styles["place"]), numbers=True)
    looks = pa.array([styles[f"status {name}"] for name in STATUS_FILLS])
    styled[status] = Cells(
        columns[status].texts, looks.take(pc.index_in(columns[status].texts, pa.array(STATUS_FILLS)))
    )
    link = pc.fill_null(pc.match_substring_regex(columns[solution].texts, LINK), fill_value=False)
    styled[solution] = Cells(columns[solution].texts, pc.if_else(link, styles["wide link"], styles["wrapped"]))
    styled[message] = Cells(columns[message].texts, styles["wrapped"])
    styled[sent] = Cells(columns[sent].texts, styles["moment"], numbers=True)
    for position, column in enumerate(columns[len(lead) :]):
        if position in amounts and column.numbers is not None:
            look = pc.if_else(column.numbers, styles["figure"], styles["plain"])
            styled[len(lead) + position] = Cells(column.texts, look, column.numbers)
    return styled


def find_amounts(report: Report) -> frozenset[int]:
    """Say which of the source's columns are amounts."""
    fields = schemas.load(report.run.target).FIELDS
    kinds = {header: fields[name].kind for header, name in report.run.columns.items() if name in fields}
    return frozenset(number for number, header in enumerate(report.header) if kinds.get(header) == "amount")


def note(sheet: Any, column: int, text: str) -> None:
    """Explain a column in a note on its heading."""
    height = NOTE_LINE * (1 + sum(1 + len(part) // NOTE_WIDTH for part in text.split("\n")))
    sheet.write_comment(0, column, text, {"width": 7 * NOTE_WIDTH, "height": height})


def tell_statuses(report: Report) -> str:
    """Say what each status on the sheet means."""
    seen = set(report.outcomes["status"].unique())
    known = (status for status in ORDERS[report.run.kind] if status in seen)
    return "\n".join(f"{status}: {tell_meaning(report.run.kind, status)}" for status in known) or "No rows."


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


def as_slice(positions: np.ndarray) -> slice | np.ndarray:
    """Make a slice of ascending positions without a gap, since taking that copies nothing."""
    if len(positions) and positions[-1] - positions[0] == len(positions) - 1:
        return slice(int(positions[0]), int(positions[-1]) + 1)
    return positions


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


def _find_links(solutions: pd.Series) -> pd.Series:
    """Find the solutions that are links, as many as a sheet may have, by the line that they are in."""
    links = solutions.fillna("").reset_index(drop=True)
    return links[links.str.match(LINK) & (links.str.len() <= LONGEST_LINK)].head(LINKS)


def fit_widths(header: Sequence[str], columns: Sequence[Cells]) -> list[float]:
    """Make each column as wide as its first rows need, within reason."""
    widths = []
    for text, column in zip(header, columns, strict=True):
        longest = pc.max(pc.utf8_length(column.texts.slice(0, SAMPLED))).as_py() or 0
        if text == "Sent at":
            longest = len("31-12-2026 12:00 PM")
        widths.append(min(WIDEST, max(NARROWEST, longest + 2.0, len(text) + 4.0)))
    return widths
