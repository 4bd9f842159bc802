"""XLSB: which part is which sheet, and what the fast reader leaves out.

A part is a sequence of records: a type, a length, and so many bytes
(https://learn.microsoft.com/en-us/openspecs/office_file_formats/ms-xlsb/, 2.1.4 *Record*).
"""

from __future__ import annotations

import posixpath
import struct
from typing import TYPE_CHECKING, Final
from xml.etree import ElementTree as ET

from importer.errors import SourceError
from importer.read.marks import Marks
from importer.read.scan import refuse_entities
from importer.read.styles import Styles, find_all

if TYPE_CHECKING:
    import zipfile
    from collections.abc import Iterator

ERRORS: Final = {
    0x00: "#NULL!",
    0x07: "#DIV/0!",
    0x0F: "#VALUE!",
    0x17: "#REF!",
    0x1D: "#NAME?",
    0x24: "#NUM!",
    0x2A: "#N/A",
    0x2B: "#GETTING_DATA",
}  # [MS-XLSB] 2.5.97.2 BErr

ROW, CELL_ERROR, FORMULA_ERROR, COLUMNS, SHEET, FILTER_COLUMN, MERGED = 0, 3, 11, 60, 156, 163, 176
PACKED, REAL, FORMULA_REAL = 2, 5, 9
ERROR_CELLS: Final = {CELL_ERROR, FORMULA_ERROR}
CELLS: Final = {PACKED, REAL, FORMULA_REAL, *ERROR_CELLS}
FORMAT, CELL_STYLE, CELL_STYLES, END_CELL_STYLES, PROPERTIES = 44, 47, 617, 618, 153
STYLES: Final = "xl/styles.bin"
STYLE: Final = 0xFFFFFF  # the bits of a cell that say which
HIDDEN_ROW: Final = 0x10
HIDDEN_COLUMN: Final = 0x01
MOST_ROWS, MOST_COLUMNS = 1 << 20, 1 << 14


def find_part(archive: zipfile.ZipFile, sheet: str) -> str:
    """Find the part of the archive that holds a sheet.

    Raises:
        SourceError: The list of sheets does not have it.
    """
    relations = {
        relation.get("Id"): relation.get("Target", "")
        for relation in ET.fromstring(refuse_entities(archive.read("xl/_rels/workbook.bin.rels")))  # noqa: S314 - no entities
    }
    for kind, body in records(archive.read("xl/workbook.bin")):
        if kind == SHEET:
            relation, end = _text(body, 8)
            if _text(body, end)[0] == sheet:
                return posixpath.normpath(posixpath.join("/xl", relations.get(relation, ""))).lstrip("/")
    raise SourceError("is damaged: its list of sheets cannot be read. Save it again from a spreadsheet program.")


def read_styles(archive: zipfile.ZipFile) -> Styles:
    """Read the styles of an XLSB archive."""
    properties = next((body for kind, body in records(archive.read("xl/workbook.bin")) if kind == PROPERTIES), b"\0")
    is_1904 = bool(properties[0] & 1)
    if STYLES not in archive.namelist():
        return Styles(is_1904=is_1904)
    codes: dict[int, str] = {}
    numbers: list[int] = []
    inside = False
    for kind, body in records(archive.read(STYLES)):
        if kind == FORMAT:
            codes[struct.unpack_from("<H", body)[0]] = _text(body, 2)[0]
        elif kind in {CELL_STYLES, END_CELL_STYLES}:
            inside = kind == CELL_STYLES
        elif kind == CELL_STYLE and inside:
            numbers.append(struct.unpack_from("<H", body, 2)[0])
    return Styles.of(find_all(numbers, codes), is_1904=is_1904)


def scan(part: bytes, styles: Styles) -> Marks:
    """Find what the fast reader leaves out, or reads otherwise than *styles* show it.

    Raises:
        ValueError: A cell lies beyond the last row or column.
    """
    marks = Marks()
    shown = {*styles.identifiers, *styles.moments}
    row = 0
    for kind, body in records(part):
        if kind == ROW:
            (row,) = struct.unpack_from("<I", body)
            _refuse_beyond(row, MOST_ROWS)
            if body[11] & HIDDEN_ROW:
                marks.hidden_rows.append((row, row))
        elif kind in CELLS:
            column, style = struct.unpack_from("<II", body)
            _refuse_beyond(column, MOST_COLUMNS)
            text = None
            if kind in ERROR_CELLS:
                text = ERRORS.get(body[8], "#VALUE!")
            elif style & STYLE in shown:
                text = styles.mend(_number(kind, body), style & STYLE, packed=kind == PACKED)
            if text is not None:
                marks.texts[row, column] = text
        else:
            _note(marks, kind, body)
    return marks


def _note(marks: Marks, kind: int, body: bytes) -> None:
    """Note what is said of columns and areas."""
    if kind == COLUMNS:
        first, last = struct.unpack_from("<II", body)
        if body[16] & HIDDEN_COLUMN:
            marks.hidden_columns.append((first, last))
    elif kind == MERGED:
        top, bottom, left, right = struct.unpack_from("<IIII", body)
        marks.merged.append((top, left, bottom, right))
    elif kind == FILTER_COLUMN:
        marks.filtered = True


def _refuse_beyond(place: int, most: int) -> None:
    if place >= most:
        raise ValueError("it has cells beyond the last row or column")


def records(part: bytes) -> Iterator[tuple[int, bytes]]:
    """Split a part into its records: type and content."""
    place = 0
    while place < len(part):
        kind = part[place]
        place += 1
        if kind & 0x80:
            kind = (kind & 0x7F) | part[place] << 7
            place += 1
        length = shift = 0
        while True:
            byte = part[place]
            place += 1
            length |= (byte & 0x7F) << shift
            shift += 7
            if not byte & 0x80 or shift > 21:  # noqa: PLR2004 - four bytes at most
                break
        yield kind, part[place : place + length]
        place += length


def _number(kind: int, body: bytes) -> float:
    """Read a number; a packed one is the upper half of its eight bytes, or whole, and perhaps of hundredths."""
    if kind != PACKED:
        return float(struct.unpack_from("<d", body, 8)[0])
    (packed,) = struct.unpack_from("<i", body, 8)
    number = float(packed >> 2) if packed & 2 else struct.unpack("<d", bytes(4) + struct.pack("<i", packed & ~3))[0]
    return float(number / 100 if packed & 1 else number)


def _text(body: bytes, place: int) -> tuple[str, int]:
    (length,) = struct.unpack_from("<I", body, place)
    end = place + 4 + 2 * length
    return body[place + 4 : end].decode("utf-16-le"), end
