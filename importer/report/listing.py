"""A workbook that is one long table, written a row at a time: memory does not grow with it."""

from __future__ import annotations

import tempfile
from decimal import Decimal
from typing import IO, TYPE_CHECKING, Any, Final

import xlsxwriter

from importer.report.package import TALLEST
from importer.report.rows import make_legible

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from pathlib import Path

EXACT: Final = 15  # digits that a number cell keeps


def write_listing(
    file: IO[bytes],
    folder: Path,
    name: str,
    header: Sequence[str],
    rows: Iterable[Sequence[Any]],
    *,
    numbers: Collection[str],
) -> int:
    """Write *rows* to *file*, on as many sheets as they need; returns how many there were.

    Args:
        file: Where to.
        folder: Where rows wait until the workbook is closed; in a folder that its owner alone can read.
        name: Of the sheet.
        header: Of each sheet.
        rows: Texts, numbers and None.
        numbers: The columns that are numbers where a number cell keeps all their digits; all else is inert text.

    Raises:
        OSError: The disk does not take it.
    """
    numeric = [title in numbers for title in header]
    count = 0
    with tempfile.TemporaryDirectory(dir=folder) as rest:
        options = {"constant_memory": True, "tmpdir": rest, "strings_to_urls": False, "strings_to_formulas": False}
        book = xlsxwriter.Workbook(file, {**options, "strings_to_numbers": False})
        look = book.add_format({"bold": True, "bg_color": "#1F3A4D", "font_color": "#FFFFFF"})
        sheet = _add_sheet(book, name, header, look)
        sheets = 1
        for count, row in enumerate(rows, start=1):
            line = (count - 1) % TALLEST + 1
            if line == 1 and count > 1:
                sheets += 1
                sheet = _add_sheet(book, f"{name} ({sheets})", header, look)
            for column, value in enumerate(row):
                if value is None:
                    continue
                if numeric[column] and _keeps(value):
                    sheet.write_number(line, column, float(value))
                else:
                    sheet.write_string(line, column, make_legible(str(value)))
        book.close()
    return count


def _add_sheet(book: Any, name: str, header: Sequence[str], look: Any) -> Any:
    sheet = book.add_worksheet(name)
    sheet.set_column(0, len(header) - 1, 20)
    sheet.freeze_panes(1, 0)
    for column, title in enumerate(header):
        sheet.write_string(0, column, title, look)
    return sheet


def _keeps(value: object) -> bool:
    return len(Decimal(str(value)).normalize().as_tuple().digits) <= EXACT
