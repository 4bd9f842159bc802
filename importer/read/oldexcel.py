"""XLS, the format of Excel before 2007: xlrd knows what the fast reader leaves out, and 65,536 rows are soon read."""

from __future__ import annotations

import io
from typing import Any, Final

import xlrd

from importer.errors import SourceError
from importer.read.marks import Marks

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


def read_rows(book: xlrd.Book, name: str) -> tuple[list[list[Any]], Marks]:
    """Read a sheet's typed cells from A1 on, all rows of one length; errors as their text."""
    sheet = book.sheet_by_name(name)
    rows = [
        [
            _value(kind, value, book.datemode)
            for kind, value in zip(sheet.row_types(row), sheet.row_values(row), strict=True)
        ]
        for row in range(sheet.nrows)
    ]
    width = max(map(len, rows), default=0)
    marks = Marks(
        hidden_rows=[(row, row) for row, info in sorted(sheet.rowinfo_map.items()) if info.hidden],
        hidden_columns=[(column, column) for column, info in sorted(sheet.colinfo_map.items()) if info.hidden],
        merged=[(top, left, bottom - 1, right - 1) for top, bottom, left, right in sheet.merged_cells],
    )
    return [row + [""] * (width - len(row)) for row in rows], marks


def _value(kind: int, value: Any, datemode: int) -> object:
    match kind:
        case xlrd.XL_CELL_ERROR:
            return ERROR_TEXTS.get(value, "#VALUE!")
        case xlrd.XL_CELL_BOOLEAN:
            return bool(value)
        case xlrd.XL_CELL_DATE:
            return _moment(value, datemode)
        case _:
            return value


def _moment(days: float, datemode: int) -> object:
    try:
        moment = xlrd.xldate.xldate_as_datetime(days, datemode)
    except (ValueError, OverflowError):
        return days  # no day at all, whatever its format says: the number stays visible
    return moment.time() if 0 <= days < 1 else moment
