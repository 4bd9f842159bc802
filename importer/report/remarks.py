"""What the results workbook does not hold whole, said in it and never left to be found out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from importer.report.mending import NOTES
from importer.report.rows import LONGEST, count_long
from importer.report.sheets import LONG_COLUMNS

if TYPE_CHECKING:
    from importer.model import Report
    from importer.report.mending import Marks


def remark(report: Report, marks: Marks) -> list[str]:
    """Say in sentences what the workbook leaves out, if anything."""
    said = []
    frames = [
        report.cells,
        report.issues[["column", "value", "message", "hint"]],
        report.outcomes[[*LONG_COLUMNS]],
    ]
    cut = sum(count_long(pa.array(frame[name], pa.string())) for frame in frames for name in frame)
    if cut:
        said.append(
            f"{_count(cut, 'text')} of more than {LONGEST:,} characters, which the spreadsheet format cannot hold: "
            "cut in this workbook and marked where the cut is. Take the whole text from the source before a row is "
            "submitted again from To fix."
        )
    if marks.cells > NOTES:
        said.append(
            f"On To fix {marks.cells:,} cells are coloured and the first {NOTES:,} of them have a note; "
            "what is wrong with the others is on Issues and Results."
        )
    if marks.left_out:
        said.append(
            f"To fix holds as many rows as a sheet can; {_count(marks.left_out, 'more row')} to mend "
            "will be on the To fix of the next report, once these are mended and the source is submitted again."
        )
    return said


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
