"""The rows of a large sheet as SpreadsheetML, made by whole columns.

xlsxwriter takes eight seconds for 100,000 rows of 20 columns, this less than one. It is safe because it writes two
kinds of cells only: plain decimal numbers, and inline strings, which no spreadsheet program ever evaluates.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from importer.model import column_letters

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

CHUNK: Final = 20_000  # rows made at once
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


def rows_xml(columns: Sequence[Cells], first: int, lines: pa.Array | None = None) -> Iterator[memoryview]:
    """Yield the `<row>` elements of a sheet, a chunk at a time.

    Args:
        columns: The cells.
        first: The number of the first row.
        lines: How many lines of text each row is high; None for one each.
    """
    height = len(columns[0].texts)
    for start in range(0, height, CHUNK):
        yield from _chunk_xml(columns, first, start, min(CHUNK, height - start), lines)


def _chunk_xml(
    columns: Sequence[Cells], first: int, start: int, length: int, lines: pa.Array | None
) -> Iterator[memoryview]:
    texts = sum(pc.sum(pc.binary_length(column.texts.slice(start, length))).as_py() or 0 for column in columns)
    if length > 1 and texts + FRAME * length * len(columns) > HEAVIEST:
        half = length // 2
        yield from _chunk_xml(columns, first, start, half, lines)
        yield from _chunk_xml(columns, first, start + half, length - half, lines)
        return
    row = pc.cast(pa.array(range(first + start, first + start + length)), pa.string())
    made = [_cells_xml(column, row, column_letters(number), start, length) for number, column in enumerate(columns)]
    high = '">' if lines is None else _heights(lines.slice(start, length))
    joined = pc.binary_join_element_wise('<row r="', row, high, *made, "</row>", "")
    # The strings of an Arrow array lie one after the other: together they are the XML.
    offsets = memoryview(joined.buffers()[1]).cast("i")
    begin, end = offsets[joined.offset], offsets[joined.offset + len(joined)]
    yield memoryview(joined.buffers()[2])[begin:end]


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


def _cells_xml(column: Cells, row: pa.Array, place: str, start: int, length: int) -> pa.Array:
    texts = column.texts.slice(start, length)
    style = column.style if isinstance(column.style, str) else column.style.slice(start, length)
    head = (f'<c r="{place}', row, '" s="', style)
    if column.numbers is True:
        made = pc.binary_join_element_wise(*head, '"><v>', texts, "</v></c>", "")
    else:
        made = pc.binary_join_element_wise(
            *head, '" t="inlineStr"><is><t xml:space="preserve">', escape(texts), "</t></is></c>", ""
        )
        if column.numbers is not None:
            numbers = pc.binary_join_element_wise(*head, '"><v>', texts, "</v></c>", "")
            made = pc.if_else(column.numbers.slice(start, length), numbers, made)
    if isinstance(style, str):
        return pc.fill_null(made, "")
    return pc.coalesce(made, pc.binary_join_element_wise(*head, '"/>', ""))


def escape(texts: pa.Array) -> pa.Array:
    """Write texts so that XML, and what a spreadsheet program makes of it, give them back unchanged."""
    if _may_be_long(texts) or pc.any(pc.match_substring_regex(texts, _STRANGE_RE2)).as_py():
        texts = pa.array([None if text is None else _escape_strange(text) for text in texts.to_pylist()], pa.string())
    for sign, written in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        texts = pc.replace_substring(texts, sign, written)
    return texts


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
    return len(text) + sum(sign > "\uffff" for sign in text)


def make_legible(text: str) -> str:
    """Replace what no file holds: lone surrogates, as of file names that are not UTF-8, and two noncharacters."""
    return shorten(re.sub("[\ud800-\udfff\ufffe\uffff]", "\ufffd", text))
