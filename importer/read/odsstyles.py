"""ODS: which styles show a number as digits with zeros in front, perhaps with a fixed text around them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from xml.parsers import expat

if TYPE_CHECKING:
    from collections.abc import Mapping

NUMBER: Final = "urn:oasis:names:tc:opendocument:xmlns:datastyle:1.0 "
STYLE: Final = "urn:oasis:names:tc:opendocument:xmlns:style:1.0 "
_SIGN: Final = re.compile(rb"""min-integer-digits=["'](?:[2-9]|[1-9][0-9])""")
_LITERALS: Final = {NUMBER + "text", NUMBER + "embedded-text", NUMBER + "fill-character"}


@dataclass(slots=True)
class _Number:
    """A number style: whether it has zeros and literals alone, and the styles it leaves some numbers to."""

    zeros: bool = False
    others: bool = False
    left_to: list[str] = field(default_factory=list)


class _Styles:
    """Follows the elements of styles."""

    def __init__(self) -> None:
        self.numbers: dict[str, _Number] = {}
        self.cells: dict[str, tuple[str, str]] = {}
        self._number: _Number | None = None

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        if tag == NUMBER + "number-style":
            self._number = self.numbers[attributes.get(STYLE + "name", "")] = _Number()
        elif tag == STYLE + "style":
            told = (attributes.get(STYLE + name, "") for name in ("data-style-name", "parent-style-name"))
            self.cells[attributes.get(STYLE + "name", "")] = (next(told), next(told))
        elif self._number is None:
            return
        elif tag == NUMBER + "number":
            zeros = int(attributes.get(NUMBER + "min-integer-digits", 0)) > 1
            whole = attributes.get(NUMBER + "decimal-places") == "0"
            grouped = attributes.get(NUMBER + "grouping") == "true"
            self._number.zeros = zeros and whole and not grouped
        elif tag == STYLE + "map":
            self._number.left_to.append(attributes.get(STYLE + "apply-style-name", ""))
        elif tag.startswith(NUMBER) and tag not in _LITERALS:
            self._number.others = True

    def end(self, tag: str) -> None:
        if tag == NUMBER + "number-style":
            self._number = None

    def is_padded(self, name: str) -> bool:
        style = self.numbers.get(name, _Number())
        parts = [style, *(self.numbers.get(other, _Number()) for other in style.left_to)]
        return all(part.zeros and not part.others for part in parts)

    def number_of(self, cell: str) -> str:
        """Name the number style of a cell style: its own, or that of the nearest it inherits from."""
        seen: set[str] = set()
        while cell in self.cells and cell not in seen:
            seen.add(cell)
            number, parent = self.cells[cell]
            if number:
                return number
            cell = parent
        return ""


def find_padded(content: bytes, styles: bytes) -> frozenset[str]:
    """Name the cell styles that show identifiers, of the content's own and of the workbook's.

    Raises:
        expat.ExpatError, ValueError: They are damaged.
    """
    own = content[: max(content.find(b":body"), 0)]
    if not _SIGN.search(own) and not _SIGN.search(styles):
        return frozenset()
    found = _Styles()
    for xml in (styles, own):
        parser = expat.ParserCreate(namespace_separator=" ")
        parser.StartElementHandler = found.start
        parser.EndElementHandler = found.end
        parser.Parse(xml, False)  # noqa: FBT003 - expat's own; what is the content's ends in its midst
    return frozenset(cell for cell in found.cells if found.is_padded(found.number_of(cell)))
