"""ODS: what the fast reader leaves out of a sheet (https://docs.oasis-open.org/office/OpenDocument/v1.3/)."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Final
from xml.parsers import expat

from importer.errors import SourceError
from importer.read.marks import Marks

if TYPE_CHECKING:
    from collections.abc import Mapping

TABLE: Final = "urn:oasis:names:tc:opendocument:xmlns:table:1.0 "
TEXT: Final = "urn:oasis:names:tc:opendocument:xmlns:text:1.0 "
CALC: Final = "urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0 "
MOST_ERRORS: Final = 1_000_000
_SIGNS: Final = (b'="error"', b":visibility=", b"-spanned=")  # looked for first: most sheets have none
_CELLS: Final = {TABLE + "table-cell", TABLE + "covered-table-cell"}


class _Scan:
    """Follows the elements of one sheet, and where it is in it."""

    def __init__(self, sheet: str) -> None:
        self.marks = Marks()
        self._sheet = sheet
        self._inside = False
        self._row = self._column = self._columns = 0
        self._rows = self._repeated = 1
        self._error: str | None = None
        self._in_text = False

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
            self._columns += repeated
        elif tag == TABLE + "table-row":
            self._rows = int(attributes.get(TABLE + "number-rows-repeated", 1))
            self._column = 0
            if hidden:
                self.marks.hidden_rows.append((self._row, self._row + self._rows - 1))
                self.marks.filtered |= attributes[TABLE + "visibility"] == "filter"
        elif tag in _CELLS:
            self._start_cell(attributes)
        self._in_text = tag == TEXT + "p"

    def _start_cell(self, attributes: Mapping[str, str]) -> None:
        self._repeated = int(attributes.get(TABLE + "number-columns-repeated", 1))
        down = int(attributes.get(TABLE + "number-rows-spanned", 1))
        across = int(attributes.get(TABLE + "number-columns-spanned", 1))
        if down > 1 or across > 1:
            self.marks.merged.append((self._row, self._column, self._row + down - 1, self._column + across - 1))
        self._error = "" if attributes.get(CALC + "value-type") == "error" else None

    def text(self, text: str) -> None:
        if self._error is not None and self._in_text:
            self._error += text

    def end(self, tag: str) -> None:
        self._in_text = False
        if not self._inside:
            return
        if tag in _CELLS:
            if self._error is not None:
                for place in product(range(self._rows), range(self._repeated)):
                    self.marks.errors[self._row + place[0], self._column + place[1]] = self._error or "#VALUE!"
                if len(self.marks.errors) > MOST_ERRORS:
                    raise SourceError("has errors in nearly all of its cells; mend its formulas and save it again.")
                self._error = None
            self._column += self._repeated
        elif tag == TABLE + "table-row":
            self._row += self._rows
        elif tag == TABLE + "table":
            self._inside = False


def scan(content: bytes, sheet: str) -> Marks:
    """Find what the fast reader leaves out of a sheet.

    Raises:
        SourceError: The sheet is not well-formed.
    """
    found = _Scan(sheet)
    if any(sign in content for sign in _SIGNS):
        parser = expat.ParserCreate(namespace_separator=" ")
        parser.StartElementHandler = found.start
        parser.EndElementHandler = found.end
        parser.CharacterDataHandler = found.text
        try:
            parser.Parse(content, True)  # noqa: FBT003 - expat's own
        except (expat.ExpatError, ValueError) as error:
            raise SourceError(f"is damaged: {error}. Save it again from a spreadsheet program.") from None
    return found.marks
