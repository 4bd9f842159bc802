"""ODS: what the fast reader leaves out of a sheet (https://docs.oasis-open.org/office/OpenDocument/v1.3/)."""

from __future__ import annotations

import contextlib
import re
from datetime import timedelta
from itertools import product
from typing import TYPE_CHECKING, Final
from xml.parsers import expat

from importer.errors import SourceError
from importer.model import column_letters
from importer.read import odsstyles
from importer.read.marks import Marks, read_error
from importer.read.numberformats import EXACT, Percent, write_duration
from importer.read.scan import AGAIN
from importer.read.styles import Damaged

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

OFFICE: Final = "urn:oasis:names:tc:opendocument:xmlns:office:1.0 "
TABLE: Final = "urn:oasis:names:tc:opendocument:xmlns:table:1.0 "
TEXT: Final = "urn:oasis:names:tc:opendocument:xmlns:text:1.0 "
CALC: Final = "urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0 "
MOST: Final = 1_000_000  # cells that are read otherwise than the fast reader does
# Looked for first: most sheets have none of what follows.
_SIGNS: Final = (b'="error"', b":visibility=", b"-spanned=", b'="percentage"', b'="time"')
_SIGNS_IN_TEXT: Final = (b":tab/", b":tab>", b":line-break", b":ruby", b":note ", b":note>")
# LibreOffice says this of each result, and nothing of a result that is blank; others leave results out altogether.
_CALCULATED: Final = b"calcext:value-type="
_UNTYPED: Final = re.compile(
    rb"table-cell(?<!</table:table-cell)(?![^>]*:value-type=)"
    rb"(?:(?=[^>]*:formula=)|(?:\s[^>]*)?(?<!/)>\s*<(?!/|(?:\w+:)?annotation))"
)
_CELLS: Final = {TABLE + "table-cell", TABLE + "covered-table-cell"}
_BESIDE: Final = {OFFICE + "annotation", TEXT + "ruby-text", TEXT + "note"}  # text that is none of the cell's own
_SIGN_OF: Final = {TEXT + "tab": "\t", TEXT + "line-break": "\n"}
_SPAN: Final = re.compile(r"(-?)P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?")


class _Scan:
    """Follows the elements of one sheet, and where it is in it."""

    def __init__(self, sheet: str, padded: frozenset[str], *, calculated: bool) -> None:
        self.marks = Marks()
        self._sheet = sheet
        self._padded = padded
        self._calculated = calculated
        self._inside = False
        self._row = self._column = self._columns = 0
        self._rows = self._repeated = 1
        self._row_style: str | None = None
        self._column_styles: list[str | None] = []
        self._cell: Mapping[str, str] = {}
        self._paragraphs: list[str] | None = None
        self._in_text = self._beside = 0
        self._is_strange = False

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        if tag == TABLE + "table":
            self._inside = attributes.get(TABLE + "name") == self._sheet
        if not self._inside:
            return
        hidden = attributes.get(TABLE + "visibility", "visible") != "visible"
        if tag == TABLE + "table-column":
            repeated = int(attributes.get(TABLE + "number-columns-repeated", 1))
            if hidden:
                self.marks.hidden_columns.append((self._columns, self._columns + repeated - 1))
            style = attributes.get(TABLE + "default-cell-style-name")
            if style in self._padded and self._columns + repeated <= MOST:
                known = len(self._column_styles)
                self._column_styles += [None] * (self._columns - known) + [style] * repeated
            self._columns += repeated
        elif tag == TABLE + "table-row":
            self._rows = int(attributes.get(TABLE + "number-rows-repeated", 1))
            self._row_style = attributes.get(TABLE + "default-cell-style-name")
            self._column = 0
            if hidden:
                self.marks.hidden_rows.append((self._row, self._row + self._rows - 1))
                self.marks.filtered |= attributes[TABLE + "visibility"] == "filter"
        elif tag in _CELLS:
            self._start_cell(attributes)
        elif self._paragraphs is not None:
            self._start_text(tag, attributes, self._paragraphs)

    def _start_cell(self, attributes: Mapping[str, str]) -> None:
        self._cell = attributes
        self._paragraphs = []
        self._is_strange = False
        self._repeated = int(attributes.get(TABLE + "number-columns-repeated", 1))
        down = int(attributes.get(TABLE + "number-rows-spanned", 1))
        across = int(attributes.get(TABLE + "number-columns-spanned", 1))
        if down > 1 or across > 1:
            self.marks.merged.append((self._row, self._column, self._row + down - 1, self._column + across - 1))

    def _start_text(self, tag: str, attributes: Mapping[str, str], paragraphs: list[str]) -> None:
        if tag in _BESIDE:
            self._beside += 1
            self._is_strange = True
        elif self._beside:
            return
        elif tag in {TEXT + "p", TEXT + "h"}:
            paragraphs.append("")
            self._in_text += 1
        elif paragraphs and tag == TEXT + "s":
            paragraphs[-1] += " " * int(attributes.get(TEXT + "c", 1))
        elif paragraphs and tag in _SIGN_OF:
            paragraphs[-1] += _SIGN_OF[tag]
            self._is_strange = True

    def text(self, text: str) -> None:
        if self._paragraphs and self._in_text and not self._beside:
            self._paragraphs[-1] += text

    def end(self, tag: str) -> None:
        if not self._inside:
            return
        if tag in _CELLS:
            text = self._read_cell("\n".join(self._paragraphs or ()))
            if text:
                if len(self.marks.texts) + self._rows * self._repeated > MOST:
                    raise SourceError("repeats cells a million times; delete what lies far below or beside the data.")
                for place in product(range(self._rows), range(self._repeated)):
                    self.marks.texts[self._row + place[0], self._column + place[1]] = text
            self._paragraphs = None
            self._column += self._repeated
        elif tag in _BESIDE and self._beside:
            self._beside -= 1
        elif tag in {TEXT + "p", TEXT + "h"} and self._in_text and not self._beside:
            self._in_text -= 1
        elif tag == TABLE + "table-row":
            self._row += self._rows
        elif tag == TABLE + "table":
            self._inside = False

    def _read_cell(self, shown: str) -> str | None:
        """Read a cell that the fast reader leaves out or reads otherwise; None for all others."""
        if self._cell.get(CALC + "value-type") == "error":
            return read_error(shown)
        match self._cell.get(OFFICE + "value-type"):
            case None if TABLE + "formula" in self._cell and not shown and not self._calculated:
                place = f"{column_letters(self._column)}{self._row + 1}"
                raise SourceError(f"has formulas that were never calculated (cell {place}): {AGAIN}")
            case None:
                return shown
            case "string":
                return shown if self._is_strange and OFFICE + "string-value" not in self._cell else None
            case kind:
                return self._read_number(kind, shown)

    def _read_number(self, kind: str, shown: str) -> str | None:
        if kind == "time":
            return _write_span(self._cell.get(OFFICE + "time-value", ""))
        number = float(self._cell.get(OFFICE + "value", "nan"))
        if kind == "percentage":
            return Percent().show(number)
        if kind == "float" and number.is_integer() and self._style() in self._padded:
            return Damaged(shown) if abs(number) >= EXACT else shown
        return None

    def _style(self) -> str | None:
        """Name the style of the cell: its own, its row's, or its column's."""
        of_column = self._column_styles[self._column] if self._column < len(self._column_styles) else None
        return self._cell.get(TABLE + "style-name") or self._row_style or of_column


def _write_span(text: str) -> str:
    found = _SPAN.fullmatch(text)
    if not found:
        return text
    days, hours, minutes = (int(part or 0) for part in found.groups()[1:4])
    span = timedelta(days=days, hours=hours, minutes=minutes, seconds=float(found[5] or 0))
    return write_duration(-span if found[1] else span)


def refuse_malformed(content: bytes) -> None:
    """Refuse what is no XML: calamine looks for the end of a table for ever where another element ends first.

    Raises:
        SourceError: It is not well-formed.
    """
    with _damage_told():
        expat.ParserCreate().Parse(content, True)  # noqa: FBT003 - expat's own


@contextlib.contextmanager
def _damage_told() -> Iterator[None]:
    try:
        yield
    except (expat.ExpatError, ValueError) as error:
        raise SourceError(f"is damaged: {error}. Save it again from a spreadsheet program.") from None


def scan(content: bytes, sheet: str, styles: bytes = b"") -> Marks:
    """Find what the fast reader leaves out of a sheet, or reads otherwise than its styles show it.

    Raises:
        SourceError: The sheet is not well-formed, or does not hold the results of its formulas.
    """
    with _damage_told():
        padded = odsstyles.find_padded(content, styles)
        found = _Scan(sheet, padded, calculated=_CALCULATED in content)
        signs = (*_SIGNS, *_SIGNS_IN_TEXT)
        if padded or any(sign in content for sign in signs) or _UNTYPED.search(content):
            parser = expat.ParserCreate(namespace_separator=" ")
            parser.buffer_text = True
            parser.StartElementHandler = found.start
            parser.EndElementHandler = found.end
            parser.CharacterDataHandler = found.text
            parser.Parse(content, True)  # noqa: FBT003 - expat's own
    return found.marks
