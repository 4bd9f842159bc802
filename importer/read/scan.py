"""XLSX: what the fast reader leaves out of a sheet's XML; looked for only where there are signs of it."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Final

from importer.errors import SourceError
from importer.read.marks import ERROR, Marks, read_error

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

AGAIN: Final = "open it in a spreadsheet program and save it again."

LONGEST_CELL: Final = 1 << 17  # bytes of a formula as long as formulas get, with its tags

# No pattern goes over a sign twice, however the sheet is written: a tag ends before the next, and what is taken in
# possession (`*+`) is not given back. Places have no more digits than there are rows.
# Looked for first: a plain search is ten times as fast as a pattern.
_ERROR_SIGNS: Final = (b'="e"', b"='e'", b'= "e"', b"= 'e'")
_FORMULA_SIGNS: Final = (b"f>", b"f/>", b"<f ", b":f ")
_ERROR: Final = re.compile(rb"""t\s*=\s*["']e["']""")
_TYPE: Final = re.compile(rb"""\st\s*=\s*["'](?!n["'])""")
_STYLE: Final = rb"""s\s*=\s*["'](%s)["']"""
_TAG: Final = re.compile(rb"<(?:\w+:)?(row|c)(?=[\s/>])([^<>]*)>")
_COLUMN: Final = re.compile(rb"""\sr\s*=\s*["']([A-Z]{1,3})""")
_CELL: Final = re.compile(
    rb"""<(?:\w+:)?c\s(?P<attributes>[^<>]*)"""
    rb"""(?:(?<=/)>|>(?P<content>[^<]*+(?:<(?!/?(?:\w+:)?c[\s/>])[^<]*+)*+)</(?:\w+:)?c\s*>)"""
)
_VALUE: Final = re.compile(rb"""<(?:\w+:)?v(?:\s[^<>]*)?>([^<]+)<""")
_PLACE: Final = re.compile(rb"""\br\s*=\s*["']([A-Z]{1,3})([0-9]{1,7})["']""")
_NO_RESULT: Final = re.compile(
    rb"""(?:</(?:\w+:)?f\s*>|<(?:\w+:)?f(?:\s[^<>]*)?/>)\s*+"""
    rb"""(?:<(?:\w+:)?v\s*/>|<(?:\w+:)?v>\s*</(?:\w+:)?v>)?\s*+</(?:\w+:)?c\s*>"""
)
_TEXT_RESULT: Final = re.compile(rb"""\st\s*=\s*["']str["']""")
_ROOT: Final = re.compile(rb"<((?:\w+:)?)worksheet\b")
_HIDDEN: Final = re.compile(rb"""\shidden\s*=\s*["'](?:1|true)["']""")
_ROW: Final = re.compile(rb"<(?:\w+:)?row(?=[\s/>])([^<>]*)>")
_ROW_NUMBER: Final = re.compile(rb"""\sr\s*=\s*["']([0-9]{1,7})["']""")
_COLUMNS: Final = re.compile(rb"<(?:\w+:)?col\s([^<>]*)>")
_FIRST: Final = re.compile(rb"""\bmin\s*=\s*["']([0-9]{1,7})["']""")
_LAST: Final = re.compile(rb"""\bmax\s*=\s*["']([0-9]{1,7})["']""")
_FILTER: Final = re.compile(rb"<(?:\w+:)?filterColumn[\s>]")


def scan(xml: bytes) -> Marks:
    """Find what the fast reader leaves out, but for merged areas, which it knows.

    Raises:
        SourceError: Formulas have no results.
    """
    refuse_uncalculated(xml)
    marks = Marks(texts=find_errors(xml))
    if b"hidden" in xml:
        marks.hidden_rows = find_hidden_rows(xml)
        for columns in _COLUMNS.finditer(xml, 0, max(0, xml.find(b"sheetData"))):
            first, last = _FIRST.search(columns[1]), _LAST.search(columns[1])
            if first and last and _HIDDEN.search(b" " + columns[1]):
                marks.hidden_columns.append((int(first[1]) - 1, int(last[1]) - 1))
    marks.filtered = b"filterColumn" in xml and bool(_FILTER.search(xml))
    return marks


def refuse_entities(xml: bytes) -> bytes:
    """Refuse what could blow up, or lead elsewhere; give all else back.

    Raises:
        SourceError: It declares entities, or would hide that: UTF-16, which no spreadsheet program writes.
    """
    if b"<!DOCTYPE" in xml or b"<!ENTITY" in xml or b"\0" in xml:
        raise SourceError("declares entities, as no spreadsheet program does; save it again from one.")
    return xml


def find_hidden_rows(xml: bytes) -> list[tuple[int, int]]:
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
    """Find the cells that hold an error such as `#N/A`, by row and column from 0."""
    if not any(sign in xml for sign in _ERROR_SIGNS):
        return {}
    values = ((place, _VALUE.search(cell["content"] or b"")) for place, cell, _ in _find_cells(xml, _ERROR))
    return {place: read_error(error[1].decode()) if error else ERROR for place, error in values}


def tame_errors(xml: bytes) -> bytes:
    """Write errors of which the fast reader knows nothing as one that it knows."""
    parts, end = [], 0
    for _, cell, _ in _find_cells(xml, _ERROR):
        error = _VALUE.search(xml, cell.start(), cell.end())
        if error:
            parts += [xml[end : error.start(1)], ERROR.encode()]
            end = error.end(1)
    return b"".join([*parts, xml[end:]])


def find_numbers(xml: bytes, styles: Iterable[int]) -> Iterator[tuple[tuple[int, int], float, int]]:
    """Find the numbers that have one of *styles*: row and column from 0, the number, and its style."""
    listed = b"|".join(str(style).encode() for style in styles)
    if not listed:
        return
    sign = re.compile(_STYLE % listed)
    for place, cell, found in _find_cells(xml, sign):
        value = _VALUE.search(cell["content"] or b"")
        if value and not _TYPE.search(b" " + cell["attributes"]):
            yield place, float(value[1]), int(found[1])


def _find_cells(
    xml: bytes, sign: re.Pattern[bytes]
) -> Iterator[tuple[tuple[int, int], re.Match[bytes], re.Match[bytes]]]:
    """Find cells with *sign* in their own tag, since in somebody's text it means nothing: place, cell, sign."""
    places: Iterator[tuple[int, tuple[int, int]]] | None = None
    for found in sign.finditer(xml):  # a pattern that begins with a letter is found four times as fast
        start = found.start()
        if not xml[start - 1 : start].isspace():
            continue
        tag = xml.rfind(b"<", max(0, start - LONGEST_CELL), start)
        cell = _CELL.match(xml, tag) if tag >= 0 else None
        if not cell or start >= cell.end("attributes"):
            continue
        said = _PLACE.search(cell["attributes"])
        if said:
            yield (int(said[2]) - 1, _count_letters(said[1])), cell, found
        else:
            places = places or _count_places(xml)
            yield next(place for other, place in places if other == cell.start()), cell, found


def _count_places(xml: bytes) -> Iterator[tuple[int, tuple[int, int]]]:
    """Count where each cell is, as a reader does where they do not say so: one after the other."""
    row = column = -1
    for tag in _TAG.finditer(xml):
        if tag[1] == b"row":
            said = _ROW_NUMBER.search(tag[2])
            row, column = int(said[1]) - 1 if said else row + 1, -1
        else:
            letters = _COLUMN.search(tag[2])
            column = _count_letters(letters[1]) if letters else column + 1
            yield tag.start(), (row, column)


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
        start = max(0, end.start() - LONGEST_CELL)
        start = max(start, xml.rfind(tag, start, end.start()))
        attributes = xml[start : xml.find(b">", start)]
        if not _TEXT_RESULT.search(attributes):
            place = _PLACE.search(attributes)
            where = f" (cell {(place[1] + place[2]).decode()})" if place else ""
            raise SourceError(f"has formulas that were never calculated{where}: {AGAIN}")


@cache
def _count_letters(letters: bytes) -> int:
    column = 0
    for letter in letters:
        column = column * 26 + letter - 64
    return column - 1
