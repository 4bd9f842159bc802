"""XLS, the format of Excel before 2007: xlrd knows what the fast reader leaves out, and 65,536 rows are soon read."""

from __future__ import annotations

import io
from typing import Any, Final

import xlrd

from importer.errors import SourceError
from importer.read.marks import Marks
from importer.read.styles import Styles, find_all

ERROR_TEXTS: Final = xlrd.error_text_from_code


def open_book(data: bytes, *, formats: bool = True) -> xlrd.Book:
    """Open a workbook; *formats* tell dates from numbers, and what is hidden.

    Raises:
        SourceError: It is locked, or damaged.
    """
    try:
        return xlrd.open_workbook(file_contents=data, logfile=io.StringIO(), formatting_info=formats, on_demand=True)
    except xlrd.XLRDError as error:
        if "encrypted" in str(error):
            raise SourceError("is protected by a password; save it without one.") from None
        raise SourceError(f"is damaged or of a kind that cannot be read: {error}. Save it as .xlsx.") from None


def read_columns(book: xlrd.Book, name: str) -> tuple[list[list[Any]], Marks]:
    """Read a sheet's typed cells from A1 on, by column, all of one length; errors as their text."""
    sheet = book.sheet_by_name(name)
    codes = {number: one.format_str or "" for number, one in book.format_map.items()}
    known = Styles.of(find_all((xf.format_key for xf in book.xf_list), codes), is_1904=bool(book.datemode))
    columns: list[list[Any]] = [[""] * sheet.nrows for _ in range(sheet.ncols)]
    for row in range(sheet.nrows):
        cells = zip(sheet.row_types(row), sheet.row_values(row), range(sheet.row_len(row)), strict=True)
        for kind, value, column in cells:
            match kind:
                case xlrd.XL_CELL_ERROR:
                    columns[column][row] = ERROR_TEXTS.get(value, "#VALUE!")
                case xlrd.XL_CELL_BOOLEAN:
                    columns[column][row] = bool(value)
                case xlrd.XL_CELL_NUMBER | xlrd.XL_CELL_DATE:
                    text = known.show(value, sheet.cell_xf_index(row, column))
                    columns[column][row] = value if text is None else text
                case _:
                    columns[column][row] = value
    marks = Marks(
        hidden_rows=[(row, row) for row, info in sorted(sheet.rowinfo_map.items()) if info.hidden],
        hidden_columns=[(column, column) for column, info in sorted(sheet.colinfo_map.items()) if info.hidden],
        merged=[(top, left, bottom - 1, right - 1) for top, bottom, left, right in sheet.merged_cells],
    )
    return columns, marks
