"""`Issues`: a line for each fault, with a link to its cell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from importer.model import column_letters
from importer.report.links import MENDED, link_cells
from importer.report.mending import REFERENCE
from importer.report.package import TALLEST, Large, Package
from importer.report.rows import CHUNK, Cells, make_legible
from importer.report.sheets import (
    MOST_LINKS,
    RESULT_COLUMNS,
    SAMPLED,
    as_texts,
    find_lines,
    fit_widths,
    note,
    places,
    stretches,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from importer.model import Report
    from importer.report.mending import Marks

HEADER: Final = ("Column", "Field", "Severity", "Code", "Value", "Message", "Hint")
WRAPPED: Final = {"Message": 50.0, "Hint": 50.0}  # characters of columns whose texts go over lines
VALUE: Final = 30.0  # characters; a longer value is in the source's own cell, and in the message
_LOOKS: Final = ("plain", "place", "wide link", "wrapped", "severity error", "severity warning")


def add_issues(package: Package, report: Report, marks: Marks, told: int = len(RESULT_COLUMNS)) -> None:
    """Add `Issues`; each links to its cell on `To fix`, or on `Results` where its row needs no mending.

    On `Results` stand *told* columns between the row's number and the source's own.
    """
    several = len(report.run.sources) > 1
    issues = report.issues
    lead = [*(["Source"] if several else []), "Row"]
    header = [*lead, *HEADER]
    targets = _Targets(report, marks, len(lead) + told)

    def columns(start: int, end: int) -> list[Cells]:
        part = issues.iloc[start:end]
        told = [as_texts(part[name.lower()]) for name in HEADER]
        cells = [Cells(pc.if_else(pc.not_equal(texts, ""), texts, None)) for texts in told]
        return [*places(report, part["row"], several=several), *cells]

    for number, (start, end) in enumerate(stretches(len(issues), TALLEST)):

        def fill(styles: dict[str, str], start: int = start, end: int = end) -> Iterator[list[Cells]]:
            for begin, stop in stretches(end, CHUNK, start):
                linked = np.arange(begin - start, stop - start) < MOST_LINKS
                yield _style(columns(begin, stop), header, styles, linked)

        def dress(sheet: Any) -> None:
            note(sheet, lead.index("Row"), "The row's number in the source.")
            note(sheet, header.index("Column"), "A link opens the cell that this is about.")
            note(sheet, header.index("Severity"), "An error keeps the row from being sent, a warning does not.")
            sheet.freeze_panes(1, len(lead))

        widths = fit_widths(header, columns(start, min(end, start + SAMPLED)))
        package.add_large(
            Large(
                name="Issues" if number == 0 else f"Issues ({number + 1})",
                header=header,
                height=end - start,
                formats=_LOOKS,
                fill=fill,
                widths=[
                    min(width, {**WRAPPED, "Value": VALUE}.get(name, width))
                    for name, width in zip(header, widths, strict=True)
                ],
                dress=dress,
                wrapped={header.index(name): width for name, width in WRAPPED.items()},
                links=targets.links(header.index("Column"), start, min(end, start + MOST_LINKS)),
            )
        )


def _style(columns: list[Cells], header: list[str], styles: dict[str, str], linked: np.ndarray) -> list[Cells]:
    looks: dict[str, Any] = dict.fromkeys(WRAPPED, styles["wrapped"])
    severe = pc.equal(columns[header.index("Severity")].texts, "error")
    looks["Severity"] = pc.if_else(severe, styles["severity error"], styles["severity warning"])
    looks["Column"] = pc.if_else(pa.array(linked), styles["wide link"], styles["plain"])
    looks["Row"] = styles["place"]
    return [
        Cells(column.texts, looks.get(name, styles["plain"]), column.numbers)
        for name, column in zip(header, columns, strict=True)
    ]


class _Targets:
    """Where each issue's cell is: on `To fix`, else on `Results`."""

    def __init__(self, report: Report, marks: Marks, lead: int) -> None:
        headers = pa.array([make_legible(text) for text in report.header])
        reference = next((header for header, name in report.run.columns.items() if name == REFERENCE), None)
        fallback = report.header.index(reference) if reference in report.header else 0
        self._places = pc.fill_null(pc.index_in(as_texts(report.issues["column"]), headers), fallback).to_numpy()
        self._rows = report.cells.index.get_indexer(pd.Index(report.issues["row"]))
        self._lines = find_lines(report, marks)
        self._letters = pa.array([column_letters(number) for number in range(lead + len(report.header))])
        self._lead = lead

    def links(self, column: int, start: int, end: int) -> bytes:
        """Link the issues from *start* to *end*, the first of which is on a sheet's first line."""
        rows, places = self._rows[start:end], self._places[start:end]
        heads = rows < 0  # of issues with the header, which is above the first line
        mended = np.where(heads, -1, self._lines[rows])
        here = mended >= 0
        results = ["Results", *(f"Results ({number + 1})" for number in range(1, 1 + len(self._lines) // TALLEST))]
        sheets = pc.if_else(pa.array(here), MENDED, pa.array(results).take(pa.array(np.maximum(rows, 0) // TALLEST)))
        targets = np.where(here, mended, np.where(heads, -1, rows % TALLEST))
        letters = self._letters.take(pa.array(np.where(here, places, places + self._lead)))
        return link_cells(column, np.arange(end - start), sheets, targets, letters)
