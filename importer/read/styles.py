"""Which style of a workbook has which number format, and from which day its dates count."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final
from xml.etree import ElementTree as ET

from importer.read.numberformats import EXACT, FALSE_DAY, Digits, Moment, Percent, find, find_built_in, write_number
from importer.read.scan import refuse_entities

if TYPE_CHECKING:
    import zipfile
    from collections.abc import Iterable, Iterator, Mapping

    from importer.read.numberformats import Format

XML: Final = "xl/styles.xml"
_MAY_BE_DATE: Final = re.compile("[dmyhs]", re.IGNORECASE)


class Damaged(str):
    """A number as shown that is no identifier: a day, or more digits than a spreadsheet program keeps."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Styles:
    """What the styles of a workbook make of numbers.

    Attributes:
        identifiers: Style → format, of those that show digits or percentages.
        moments: The same of those that show dates, times and durations.
        plain: Those that show numbers, and nothing that could be taken for a date.
        is_1904: Whether days are counted from 1904 on, as in workbooks of old Macs.
    """

    identifiers: Mapping[int, Digits | Percent] = field(default_factory=dict)
    moments: Mapping[int, Moment] = field(default_factory=dict)
    is_1904: bool = False
    plain: frozenset[int] = frozenset()

    @classmethod
    def of(cls, formats: Iterable[Format | None], *, is_1904: bool) -> Styles:
        """Sort the formats of the styles, which count from 0."""
        known = dict(enumerate(formats))
        return cls(
            {style: found for style, found in known.items() if isinstance(found, Digits | Percent)},
            {style: found for style, found in known.items() if isinstance(found, Moment)},
            is_1904,
        )

    def show(self, number: float, style: int) -> str | None:
        """Write a number as its style shows it; None where that is the number as it is stored."""
        if style in self.moments:
            moment = self.moments[style]
            text = moment.show(number, is_1904=self.is_1904)
            return Damaged(text) if text is not None and moment.days else text
        text = self.identifiers[style].show(number) if style in self.identifiers else None
        return Damaged(text) if text is not None and abs(number) >= EXACT else text

    def mend(self, number: float, style: int, *, packed: bool = False) -> str | None:
        """Write a number where the fast reader does not: it knows no early day, and none that is *packed*."""
        if style in self.moments:
            early = number <= FALSE_DAY + 1
            return (self.show(number, style) or write_number(number)) if early or packed else None
        return self.show(number, style)


def read_xlsx(archive: zipfile.ZipFile) -> Styles:
    """Read the styles of an XLSX archive.

    Raises:
        ElementTree.ParseError, ValueError: They are damaged.
    """
    book = ET.fromstring(refuse_entities(archive.read("xl/workbook.xml")))  # noqa: S314 - no entities
    flags = [element.get("date1904") for element in book if _name(element) == "workbookPr"]
    is_1904 = any(flag in {"1", "true"} for flag in flags)
    if XML not in archive.namelist():
        return Styles(is_1904=is_1904)
    root = ET.fromstring(refuse_entities(archive.read(XML)))  # noqa: S314 - no entities
    codes = {int(one.get("numFmtId", 0)): one.get("formatCode", "") for one in _children(root, "numFmts", "numFmt")}
    numbers = [int(one.get("numFmtId", 0)) for one in _children(root, "cellXfs", "xf")]
    known = Styles.of(find_all(numbers, codes), is_1904=is_1904)
    meant = {style for style, number in enumerate(numbers) if not _MAY_BE_DATE.search(codes.get(number, ""))}
    return replace(known, plain=frozenset(meant - known.identifiers.keys() - known.moments.keys()))


def find_all(numbers: Iterable[int], codes: Mapping[int, str]) -> Iterator[Format | None]:
    """Find what each style's format is, by the format's number."""
    known: dict[int, Format | None] = {number: find(code) for number, code in codes.items()}
    for number in numbers:
        if number not in known:
            known[number] = find_built_in(number)
        yield known[number]


def _children(root: ET.Element, parent: str, name: str) -> Iterator[ET.Element]:
    """Give the elements that lie in one list: others of the same name mean other things."""
    for listed in root:
        if _name(listed) == parent:
            yield from (element for element in listed if _name(element) == name)


def _name(element: ET.Element) -> str:
    return element.tag.rpartition("}")[2]
