"""The results workbook: `Summary`, `Results`, `Issues`, `To fix`, `Run` and, where it was asked for, `Preview`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from importer.model import quietly
from importer.report.carried import add_run
from importer.report.digest import digest
from importer.report.faults import add_issues
from importer.report.looks import looks
from importer.report.mending import add_to_fix, find_marks
from importer.report.package import Package
from importer.report.previewed import add_preview
from importer.report.remarks import remark
from importer.report.sheets import add_results
from importer.report.summary import add_summary

if TYPE_CHECKING:
    from pathlib import Path

    from importer.model import Digest, Doing, Report


def write(report: Report, path: Path, doing: Doing = quietly) -> Digest:
    """Write the results workbook of *report*, beside *path* and renamed into place; *doing* is told how far that is.

    Returns:
        What its summary says.

    Raises:
        OSError: The disk does not take it; nothing is left of it.
    """
    marks = find_marks(report)
    remarks = remark(report, marks)
    told = digest(report, remarks)
    package = Package(looks(), told.title)
    add_summary(package, told)
    add_results(package, report, marks)
    add_issues(package, report, marks)
    add_to_fix(package, report, marks)
    add_run(package, report.run, remarks)
    if report.run.preview:
        add_preview(package, report.run.preview)
    package.save(path, doing)
    return told
