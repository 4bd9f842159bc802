"""XLSX: what the fast reader leaves out of a sheet's XML; looked for only where there are signs of it."""

from __future__ import annotations

import re
from typing import Final

from importer.errors import SourceError
from importer.read.marks import Marks

_AGAIN: Final = "open it in a spreadsheet program and save it again."

# Looked for first: a plain search is ten times as fast as a pattern.
_ERROR_SIGNS: Final = (b'="e"', b"='e'", b'= "e"', b"= 'e'")
_FORMULA_SIGNS: Final = (b"f>", b"f/>", b"<f ", b":f ")
_ERROR: Final = re.compile(rb"""\st\s*=\s*["']e["']""")
_CELL: Final = re.compile(
    rb"""<(?:\w+:)?c\s(?P<attributes>[^>]*)(?:(?<=/)>|>(?P<content>.*?)</(?:\w+:)?c\s*>)""", re.DOTALL
)
_VALUE: Final = re.compile(rb"""<(?:\w+:)?v(?:\s[^>]*)?>([^<]+)<""")
_PLACE: Final = re.compile(rb"""\br\s*=\s*["']([A-Z]+)([0-9]+)["']""")
_NO_RESULT: Final = re.compile(
    rb"""(?:</(?:\w+:)?f\s*>|<(?:\w+:)?f(?:\s[^>]*)?/>)\s*"""
    rb"""(?:<(?:\w+:)?v\s*/>|<(?:\w+:)?v>\s*</(?:\w+:)?v>)?\s*</(?:\w+:)?c\s*>"""
)
_TEXT_RESULT: Final = re.compile(rb"""\st\s*=\s*["']str["']""")
_ROOT: Final = re.compile(rb"<((?:\w+:)?)worksheet\b")
_HIDDEN: Final = re.compile(rb"""\shidden\s*=\s*["'](?:1|true)["']""")
_ROW: Final = re.compile(rb"<(?:\w+:)?row(?=[\s/>])([^>]*)>")
_ROW_NUMBER: Final = re.compile(rb"""\sr\s*=\s*["']([0-9]+)["']""")
_COLUMNS: Final = re.compile(rb"<(?:\w+:)?col\s([^>]*)>")
_FIRST: Final = re.compile(rb"""\bmin\s*=\s*["']([0-9]+)["']""")
_LAST: Final = re.compile(rb"""\bmax\s*=\s*["']([0-9]+)["']""")
_FILTER: Final = re.compile(rb"<(?:\w+:)?filterColumn[\s>]")


def scan(xml: bytes) -> Marks:
    """Find what the fast reader leaves out, but for merged areas, which it knows.

    Raises:
        SourceError: An error cell does not say where it is, or formulas have no results.
    """
    refuse_uncalculated(xml)
    marks = Marks(errors=find_errors(xml))
    if b"hidden" in xml:
        marks.hidden_rows = _find_hidden_rows(xml)
        for columns in _COLUMNS.finditer(xml, 0, max(0, xml.find(b"sheetData"))):
            first, last = _FIRST.search(columns[1]), _LAST.search(columns[1])
            if first and last and _HIDDEN.search(b" " + columns[1]):
                marks.hidden_columns.append((int(first[1]) - 1, int(last[1]) - 1))
    marks.filtered = b"filterColumn" in xml and bool(_FILTER.search(xml))
    return marks


def _find_hidden_rows(xml: bytes) -> list[tuple[int, int]]:
    """Find the hidden rows; a row that does not say its number follows the one before."""
    found = []
    row = 0
    for tag in _ROW.finditer(xml):
        number = _ROW_NUMBER.search(tag[1])
        row = int(number[1]) if number else row + 1
        if _HIDDEN.search(tag[1]):
            found.append((row - 1, row - 1))
    return found


def find_errors(xml: bytes) -> dict[tuple[int, int], str]:
    """Find the cells that hold an error such as `#N/A`, by row and column from 0.

    Raises:
        SourceError: Such a cell does not say where it is.
    """
    found: dict[tuple[int, int], str] = {}
    if not any(sign in xml for sign in _ERROR_SIGNS):
        return found
    for sign in _ERROR.finditer(xml):
        # The sign may be part of somebody's text: only in a cell's own tag it means an error.
        cell = _CELL.match(xml, xml.rfind(b"<", 0, sign.start()))
        if not cell:
            continue
        place = _PLACE.search(cell["attributes"])
        if place is None:
            raise SourceError(f"has error cells that do not say where they are: {_AGAIN}")
        error = _VALUE.search(cell["content"] or b"")
        found[int(place[2]) - 1, _count_letters(place[1])] = error[1].decode() if error else "#VALUE!"
    return found


def refuse_uncalculated(xml: bytes) -> None:
    """Refuse a sheet with formulas whose results it does not hold: programs that write workbooks leave them out.

    Raises:
        SourceError: There is one; the sentence says where.
    """
    if not any(sign in xml for sign in _FORMULA_SIGNS):
        return
    root = _ROOT.search(xml)
    tag = b"<" + (root[1] if root else b"") + b"c "
    for end in _NO_RESULT.finditer(xml):
        start = max(0, xml.rfind(tag, 0, end.start()))
        attributes = xml[start : xml.find(b">", start)]
        if not _TEXT_RESULT.search(attributes):
            place = _PLACE.search(attributes)
            where = f" (cell {(place[1] + place[2]).decode()})" if place else ""
            raise SourceError(f"has formulas that were never calculated{where}: {_AGAIN}")


def _count_letters(letters: bytes) -> int:
    column = 0
    for letter in letters:
        column = column * 26 + letter - 64
    return column - 1
