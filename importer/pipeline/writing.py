"""writing: the files of a report."""

from __future__ import annotations

from typing import TYPE_CHECKING

from importer.report import workbook
from importer.report.lines import write_lines
from importer.report.plain import write_to_fix
from importer.report.web import write_page

if TYPE_CHECKING:
    from pathlib import Path

    from importer.model import Digest, Doing, Report


def write_all(report: Report, path: Path, page: Path, lines: Path, doing: Doing) -> tuple[Digest, Path | None]:
    """Write workbook, page and lines, and the rows to mend beside them.

    Returns:
        What the summary says, and where the rows to mend are; None where there are none, or the source was no text.

    Raises:
        OSError: The disk does not take it.
    """
    said = workbook.write(report, path, doing)
    write_page(report, said, page)
    write_lines(report, lines)
    return said, write_to_fix(report, path.parent)
