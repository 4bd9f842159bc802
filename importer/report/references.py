"""The workbook of `importer references`: `Summary`, `Results`, `Issues`, `To fix`, `Run`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from importer.model import REFERENCE_STATUSES
from importer.report.carried import add_run
from importer.report.digest import digest
from importer.report.faults import add_issues
from importer.report.links import link_rows
from importer.report.looks import looks
from importer.report.mending import add_to_fix, find_marks
from importer.report.package import TALLEST, Large, Package
from importer.report.remarks import remark
from importer.report.rows import Cells
from importer.report.sheets import (
    MOST_LINKS,
    as_texts,
    find_lines,
    fit_widths,
    moments,
    note,
    own_cells,
    places,
    tell_statuses,
)
from importer.report.summary import add_summary

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from importer.model import Report
    from importer.report.mending import Marks

COLUMNS: Final = {
    "Status": "status",
    "Case id": "case_id",
    "Reference": "reference",
    "Before": "before",
    "After": "after",
    "Error": "error",
    "Message": "message",
}
BLANK_BEFORE: Final = (
    "Before is blank where nothing was stored, and where the API does not tell: it names a case by its partner "
    "reference, not the partner reference of a case."
)


def write(report: Report, path: Path) -> None:
    """Write the workbook of *report*, whose outcomes also have the columns "before", "after" and "started".

    Raises:
        OSError: The disk does not take it; nothing is left of it.
    """
    marks = find_marks(report)
    remarks = [BLANK_BEFORE, *remark(report, marks)]
    told = digest(report, remarks)
    package = Package(looks(), told.title)
    add_summary(package, told)
    _add_results(package, report, marks)
    add_issues(package, report, marks, len(COLUMNS) + 1)
    add_to_fix(package, report, marks)
    add_run(package, report.run, remarks)
    package.save(path)


def _add_results(package: Package, report: Report, marks: Marks) -> None:
    several = len(report.run.sources) > 1
    lead = [*(["Source"] if several else []), "Row", *COLUMNS, "Sent at"]
    header = [*lead, *report.header]
    status = lead.index("Status")
    lines = find_lines(report, marks)
    for number, start in enumerate(range(0, max(1, len(report.cells)), TALLEST)):
        part = slice(start, start + TALLEST)
        outcomes = report.outcomes.iloc[part]
        columns = [*places(report, outcomes.index, several=several)]
        columns += [Cells(as_texts(outcomes[name])) for name in COLUMNS.values()]
        columns += [moments(outcomes["sent_at"]), *own_cells(report, part)]
        mended = np.flatnonzero(lines[part] >= 0)[:MOST_LINKS]
        linked = pa.array(lines[part] >= 0)

        def fill(styles: dict[str, str], columns: list[Cells] = columns, linked: Any = linked) -> Iterator[list[Cells]]:
            styled = [Cells(column.texts, styles["plain"], column.numbers) for column in columns]
            shown = pc.if_else(linked, styles["place link"], styles["place"])
            styled[status - 1] = Cells(columns[status - 1].texts, shown, numbers=True)
            looks = pa.array([styles[f"status {name}"] for name in REFERENCE_STATUSES])
            positions = pc.index_in(columns[status].texts, pa.array(REFERENCE_STATUSES))
            styled[status] = Cells(columns[status].texts, looks.take(positions))
            styled[len(lead) - 1] = Cells(columns[len(lead) - 1].texts, styles["moment"], numbers=True)
            yield styled

        def dress(sheet: Any, height: int = len(outcomes)) -> None:
            note(sheet, status - 1, "The row's number in the source. A link opens the row on To fix.")
            note(sheet, status, tell_statuses(report))
            note(sheet, lead.index("Sent at"), "Times are UTC.")
            sheet.freeze_panes(1, status + 1)
            sheet.print_area(0, 0, height, len(lead) - 1)

        package.add_large(
            Large(
                name="Results" if number == 0 else f"Results ({number + 1})",
                header=header,
                height=len(outcomes),
                formats=("plain", "place", "place link", "moment", *(f"status {name}" for name in REFERENCE_STATUSES)),
                fill=fill,
                widths=fit_widths(header, columns),
                dress=dress,
                links=link_rows(status - 1, mended, lines[part][mended]),
            )
        )
