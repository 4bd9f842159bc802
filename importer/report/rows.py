"""The rows of a large sheet as SpreadsheetML, made by whole columns.

xlsxwriter takes eight seconds for 100,000 rows of 20 columns, this less than one. It is safe because it writes two
kinds of cells only: plain decimal numbers, and inline strings, which no spreadsheet program ever evaluates.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import chain, groupby
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from importer.model import column_letters

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

CHUNK: Final = 20_000  # rows taken at once
BLOCK: Final = 4_000  # rows written at once: few enough to stay in the processor's cache
HEAVIEST: Final = 64 << 20  # bytes made at once, before escaping; an Arrow array of strings ends at 2 GiB
FRAME: Final = 80  # bytes of XML around a cell's text
LINE: Final = 15  # points
FITTING: Final = 1.15  # signs of a sentence that fit where a column has one character
HIGHEST: Final = 6  # lines of a row
LONGEST: Final = 32_767  # UTF-16 units of a cell, by the format
CUT: Final = "… [cut: the spreadsheet format holds no more]"

_BARRED: Final = "\x00-\x08\x0b-\x1f\ufffe\uffff"  # what XML cannot hold, and CR, which it would make a line feed
# The underscore of a text that would be read as an escape, be it that the escape of a control character completes it.
_STRANGE: Final = re.compile(f"[{_BARRED}]|_(?=x[0-9A-Fa-f]{{4}}(?:_|[{_BARRED}]))")
_STRANGE_RE2: Final = r"[\x00-\x08\x0B-\x1F\x{FFFE}\x{FFFF}]|_x[0-9A-Fa-f]{4}_"
_NONCHARACTER: Final = 0xEF  # the first byte of U+FFFE and U+FFFF in UTF-8


@dataclass(frozen=True, slots=True)
class Cells:
    """One column of a sheet.

    Attributes:
        texts: Arrow strings; of a number its digits; null for an empty cell.
        style: Index of the cell format; one for all, or an Arrow array of strings, one a row.
        numbers: Arrow mask of the cells that are numbers; None for none, `True` for all.
    """

    texts: pa.Array
    style: str | pa.Array = "0"
    numbers: Any = None

    def slice(self, start: int, length: int) -> Cells:
        """Take some of the rows."""
        style, numbers = (
            part.slice(start, length) if isinstance(part, pa.Array) else part for part in (self.style, self.numbers)
        )
        return Cells(self.texts.slice(start, length), style, numbers)


def rows_xml(columns: Sequence[Cells], first: int, lines: pa.Array | None = None) -> Iterator[memoryview]:
    """Yield the `<row>` elements of a sheet, a block at a time.

    Args:
        columns: The cells.
        first: The number of the first row.
        lines: How many lines of text each row is high; None for one each.
    """
    height = len(columns[0].texts)
    for start in range(0, height, BLOCK):
        yield from _block_xml(columns, first, start, min(BLOCK, height - start), lines)


def _block_xml(
    columns: Sequence[Cells], first: int, start: int, length: int, lines: pa.Array | None
) -> Iterator[memoryview]:
    parts = [column.slice(start, length) for column in columns]
    texts = sum(len(utf8(part.texts)) for part in parts)
    if length > 1 and texts + FRAME * length * len(columns) > HEAVIEST:
        half = length // 2
        yield from _block_xml(columns, first, start, half, lines)
        yield from _block_xml(columns, first, start + half, length - half, lines)
        return
    rows = _Rows(first + start, length)
    high = '">' if lines is None else _heights(lines.slice(start, length))
    cells = chain.from_iterable(rows.cells_xml(part, column_letters(number)) for number, part in enumerate(parts))
    # The strings of an Arrow array lie one after the other: together they are the XML.
    yield utf8(_join('<row r="', rows.numbers, high, *cells, "</row>"))


class _Rows:
    """Makes the cells of some rows, a column at a time.

    Attributes:
        numbers: Of the rows, as texts.
    """

    def __init__(self, first: int, length: int) -> None:
        self.numbers = pc.cast(pa.array(np.arange(first, first + length)), pa.string())
        self._openings: dict[str, pa.Array] = {}

    def cells_xml(self, column: Cells, letters: str) -> list[Any]:
        """Make what is to be joined: texts, and Arrow arrays of them without a null."""
        if isinstance(column.style, str) and column.texts.null_count == len(column.texts):
            return []
        place = f'<c r="{letters}'
        if column.numbers is True:
            made = [place, *self._open(column.style, '"><v>'), column.texts, "</v></c>"]
        else:
            opening = self._open(column.style, '" t="inlineStr"><is><t xml:space="preserve">')
            made = [place, *opening, escape(column.texts), "</t></is></c>"]
            if column.numbers is not None:
                number = [place, *self._open(column.style, '"><v>'), column.texts, "</v></c>"]
                made = [pc.if_else(column.numbers, _join(*number), _join(*made))]
        if not column.texts.null_count:
            return made
        blank = "" if isinstance(column.style, str) else _join(place, *self._open(column.style, '"/>'))
        return [pc.coalesce(_join(*made), blank)]

    def _open(self, style: str | pa.Array, rest: str) -> list[Any]:
        """Go on from a cell's letters to its text; made once for the columns that have one style."""
        if not isinstance(style, str):
            return [self.numbers, '" s="', style, rest]
        opening = f'" s="{style}{rest}'
        if opening not in self._openings:
            self._openings[opening] = _join(self.numbers, opening)
        return [self._openings[opening]]


def _join(*parts: Any) -> pa.Array:
    """Join texts and Arrow arrays of them, row by row; texts beside each other count as one."""
    runs = groupby(parts, key=lambda part: isinstance(part, str))
    merged = chain.from_iterable(("".join(run),) if plain else run for plain, run in runs)
    return pc.binary_join_element_wise(*merged, "")


def utf8(texts: pa.Array) -> memoryview:
    """Give the bytes of all texts, one after the other."""
    _, offsets, data = texts.buffers()
    if data is None:
        return memoryview(b"")
    places = memoryview(offsets).cast("i")
    return memoryview(data)[places[texts.offset] : places[texts.offset + len(texts)]]


def _heights(lines: pa.Array) -> pa.Array:
    """Say how high rows of several lines are: programs that print a workbook do not make room for what wraps."""
    points = pc.cast(pc.multiply(lines, LINE), pa.string())
    several = pc.binary_join_element_wise('" ht="', points, '" customHeight="1">', "")
    return pc.if_else(pc.greater(lines, 1), several, '">')


def count_lines(columns: Sequence[Cells], widths: Mapping[int, float]) -> pa.Array:
    """Count the lines that the texts of some columns take, wrapped at their widths in characters; `HIGHEST` at most."""
    lines = pa.array(np.ones(len(columns[0].texts), dtype="int64"))
    for number, width in widths.items():
        signs = pc.fill_null(pc.cast(pc.utf8_length(columns[number].texts), pa.int64()), 0)
        lines = pc.max_element_wise(lines, pc.add(pc.divide(signs, int(width * FITTING)), 1))
    return pc.min_element_wise(lines, HIGHEST)


def escape(texts: pa.Array) -> pa.Array:
    """Write texts so that XML, and what a spreadsheet program makes of it, give them back unchanged."""
    signs = np.frombuffer(utf8(texts), dtype="uint8")
    if _may_be_long(texts) or (
        _may_be_strange(signs) and pc.any(pc.match_substring_regex(texts, _STRANGE_RE2)).as_py()
    ):
        texts = pa.array([None if text is None else _escape_strange(text) for text in texts.to_pylist()], pa.string())
    for sign, written in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        if (signs == ord(sign)).any():
            texts = pc.replace_substring(texts, sign, written)
    return texts


def _may_be_strange(signs: np.ndarray) -> bool:
    """Tell whether some bytes may have in them what `_STRANGE` finds: nine times as fast as looking for it."""
    return bool((signs < ord(" ")).any() or (signs == ord("_")).any() or (signs == _NONCHARACTER).any())


def _escape_strange(text: str) -> str:
    return _STRANGE.sub(lambda found: f"_x{ord(found[0]):04X}_", shorten(text))


def shorten(text: str) -> str:
    """Cut a text that is too long for a cell, and mark it."""
    if _measure(text) <= LONGEST:
        return text
    units = text.encode("utf-16-le")[: 2 * (LONGEST - len(CUT))]
    return units.decode("utf-16-le", "ignore") + CUT


def count_long(texts: pa.Array | pa.ChunkedArray) -> int:
    """Count the texts that `shorten` cuts."""
    if not _may_be_long(texts):
        return 0
    candidates = texts.filter(pc.greater(pc.binary_length(texts), LONGEST))
    return sum(_measure(text) > LONGEST for text in candidates.to_pylist())


def _may_be_long(texts: pa.Array | pa.ChunkedArray) -> bool:
    """Tell whether a text may be too long: it has at least as many bytes as UTF-16 units."""
    return bool((pc.max(pc.binary_length(texts)).as_py() or 0) > LONGEST)


def _measure(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def make_legible(text: str) -> str:
    """Replace what no file holds: lone surrogates, as of file names that are not UTF-8, and two noncharacters."""
    return shorten(re.sub("[\ud800-\udfff\ufffe\uffff]", "\ufffd", text))
