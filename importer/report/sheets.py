"""The large sheets: `Results`, `Issues`, `To fix`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from importer.report.package import TALLEST, Large, Package
from importer.report.rows import Cells

if TYPE_CHECKING:
    from collections.abc import Sequence

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
ISSUE_HEADER: Final = ("Column", "Field", "Severity", "Code", "Value", "Message", "Hint")
NARROWEST, WIDEST = 8.0, 60.0  # characters
SAMPLED: Final = 1_000  # rows that decide a column's width
LINKS: Final = 60_000  # of a sheet; the format allows 65,530
NOTES: Final = 5_000  # of a sheet; each is a drawing of its own
LONGEST_LINK: Final = 2_079  # characters; a spreadsheet program opens no longer ones
EPOCH: Final = 25_569  # days from the spreadsheet's day 0 to 1970-01-01
DAY: Final = 86_400_000_000  # microseconds
EXACT: Final = 15  # digits that a number cell keeps
TO_MEND: Final = ("invalid", "rejected")

_STATUS_FILLS: Final = (
    "created",
    "valid",
    "already-imported",
    "duplicate",
    "rejected",
    "invalid",
    "unknown",
    "not-sent",
)


def add_results(package: Package, report: Report) -> None:
    """Add `Results`: a line for each source row, then its own cells, untouched."""
    several = len(report.run.sources) > 1
    lead = [*(["Source"] if several else []), "Row", *RESULT_COLUMNS]
    header = [*lead, *report.header]
    for number, start in enumerate(range(0, max(1, len(report.cells)), TALLEST)):
        part = slice(start, start + TALLEST)
        outcomes = report.outcomes.iloc[part]
        own = _own_cells(report, part)
        texts = [*_places(report, outcomes.index, several=several)]
        texts += [Cells(_texts(outcomes[name])) for name in RESULT_COLUMNS.values() if name != "sent_at"]
        moments = _moments(outcomes["sent_at"])
        columns = [*texts, moments, *own]

        def fill(
            styles: dict[str, str], columns: list[Cells] = columns, outcomes: pd.DataFrame = outcomes
        ) -> list[Cells]:
            return _style_results(columns, styles, outcomes, len(lead))

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
                formats=("plain", "moment", "link", *(f"status {name}" for name in _STATUS_FILLS)),
                fill=fill,
                widths=_widths(header, columns),
                dress=dress,
            )
        )


def _style_results(columns: list[Cells], styles: dict[str, str], outcomes: pd.DataFrame, lead: int) -> list[Cells]:
    styled = [Cells(column.texts, styles["plain"], column.numbers) for column in columns]
    status = lead - len(RESULT_COLUMNS)
    statuses = columns[status].texts
    looks = pa.array([styles[f"status {name}"] for name in _STATUS_FILLS])
    positions = pc.index_in(statuses, pa.array(_STATUS_FILLS))
    styled[status] = Cells(statuses, looks.take(positions))
    link = pc.starts_with(pc.fill_null(_texts(outcomes["solution"]), ""), "http")
    styled[lead - 2] = Cells(columns[lead - 2].texts, pc.if_else(link, styles["link"], styles["plain"]))
    styled[lead - 1] = Cells(columns[lead - 1].texts, styles["moment"], numbers=True)
    return styled


def add_issues(package: Package, report: Report) -> None:
    """Add `Issues`: a line for each fault."""
    several = len(report.run.sources) > 1
    issues = report.issues
    header = [*(["Source"] if several else []), "Row", *ISSUE_HEADER]
    for number, start in enumerate(range(0, max(1, len(issues)), TALLEST)):
        part = issues.iloc[start : start + TALLEST]
        columns = list(_places(report, part["row"], several=several))
        columns += [Cells(_texts(part[name.lower()].mask(part[name.lower()] == ""))) for name in ISSUE_HEADER]

        def fill(styles: dict[str, str], columns: list[Cells] = columns) -> list[Cells]:
            return [Cells(column.texts, styles["plain"], column.numbers) for column in columns]

        package.add_large(
            Large(
                name="Issues" if number == 0 else f"Issues ({number + 1})",
                header=header,
                height=len(part),
                formats=("plain",),
                fill=fill,
                widths=_widths(header, columns),
            )
        )


def add_to_fix(package: Package, report: Report) -> None:
    """Add `To fix`: the source's own header and only the rows that did not get through, the faulty cells marked."""
    chosen = report.outcomes["status"].isin(TO_MEND).to_numpy(dtype=bool)
    positions = np.flatnonzero(chosen)[:TALLEST]
    columns = _own_cells(report, positions)
    index = report.cells.index[positions]
    rows = {int(row): number for number, row in enumerate(index)}
    errors = report.issues[(report.issues["severity"] == "error") & report.issues["row"].isin(index)]
    places = {text: number for number, text in reversed(list(enumerate(report.header)))}

    def fill(styles: dict[str, str]) -> list[Cells]:
        marked = []
        for number, column in enumerate(columns):
            faulty = errors.loc[errors["column"] == report.header[number], "row"]
            mask = pa.array(index.isin(faulty))
            marked.append(Cells(column.texts, pc.if_else(mask, styles["fault"], styles["plain"]), column.numbers))
        return marked

    def dress(sheet: Any) -> None:
        for place, said in _notes(report, errors, rows, places).items():
            sheet.write_comment(*place, "\n".join(said), {"x_scale": 2, "y_scale": 1.5})

    package.add_large(
        Large("To fix", report.header, len(positions), ("plain", "fault"), fill, _widths(report.header, columns), dress)
    )


def _notes(
    report: Report, errors: pd.DataFrame, rows: dict[int, int], places: dict[str, int]
) -> dict[tuple[int, int], list[str]]:
    """Gather what is to be said on which cell: each fault, and what the API said on the reference."""
    notes: dict[tuple[int, int], list[str]] = {}
    for row, column, message, hint in errors[["row", "column", "message", "hint"]].head(NOTES).itertuples(index=False):
        notes.setdefault((rows[row] + 1, places.get(column, 0)), []).append(f"{message} {hint}")
    reference = next((header for header, name in report.run.columns.items() if name == "creditorReference"), "")
    rejected = report.outcomes[report.outcomes["status"] == "rejected"].head(NOTES - len(notes))
    for row, error, message, solution in rejected[["error", "message", "solution"]].itertuples():
        if row in rows:
            said = " ".join(str(part) for part in (f"{error}:", message, solution) if isinstance(part, str))
            notes.setdefault((rows[row] + 1, places.get(reference, 0)), []).append(f"The API refused it. {said}")
    return notes


def _places(report: Report, keys: Any, *, several: bool) -> list[Cells]:
    """Write row keys as people know them: the source, where there are several, and the row number."""
    array = pa.array(keys, pa.int64())
    row = Cells(pc.cast(pc.bit_wise_and(array, (1 << 32) - 1), pa.string()), numbers=True)
    if not several:
        return [row]
    names = pa.array([source.name for source in report.run.sources])
    return [Cells(names.take(pc.shift_right(array, 32))), row]


def _own_cells(report: Report, part: slice | np.ndarray) -> list[Cells]:
    """Take the source's own cells: numbers that survive as numbers stay numbers, all else is text."""
    columns = []
    for position in range(len(report.header)):
        texts = _texts(report.cells[position].iloc[part])
        mask = report.numbers.get(position)
        if mask is None:
            columns.append(Cells(texts))
            continue
        exact = pc.less_equal(pc.utf8_length(pc.replace_substring_regex(texts, r"[-.]", "")), EXACT)
        columns.append(Cells(texts, numbers=pc.and_(pa.array(mask[part]), pc.fill_null(exact, fill_value=False))))
    return columns


def _texts(column: pd.Series) -> pa.Array:
    array = pa.array(column, pa.string())
    return array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array


def _moments(column: pd.Series) -> Cells:
    """Write UTC times as the days that a spreadsheet program counts."""
    array = pa.array(column)
    array = array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array
    days = pc.add(pc.divide(pc.cast(pc.cast(array, pa.int64()), pa.float64()), float(DAY)), float(EPOCH))
    return Cells(pc.cast(days, pa.string()), numbers=True)


def _link(sheet: Any, solutions: pd.Series, column: int) -> None:
    links = solutions.fillna("").reset_index(drop=True)
    links = links[links.str.startswith("http") & (links.str.len() <= LONGEST_LINK)].head(LINKS)
    for row, link in zip(links.index.tolist(), links.tolist(), strict=True):
        sheet.write_url(row + 1, column, link)


def _widths(header: Sequence[str], columns: Sequence[Cells]) -> list[float]:
    """Make each column as wide as its first rows need, within reason."""
    widths = []
    for text, column in zip(header, columns, strict=True):
        longest = pc.max(pc.utf8_length(column.texts.slice(0, SAMPLED))).as_py() or 0
        if text == "Sent at":
            longest = len("2026-01-31 12:00:00")
        widths.append(min(WIDEST, max(NARROWEST, longest + 2.0, len(text) + 4.0)))
    return widths
