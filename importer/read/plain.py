"""XLSX: a sheet in the plain form that programs write, read by whole columns of its XML.

What is read here are cells that can be read in one way alone: strings without markup or escapes, and numbers as they
are shown. Each other cell (a date, an error, a rich text) is told once, however often it is there, for the reader that
knows them all. A sheet of any other form is left to that altogether.
"""

from __future__ import annotations

import io
import posixpath
import re
import zipfile
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from importer.read.opendocument import refuse_malformed
from importer.read.tags import HIGHEST, WIDEST, Blocks, OtherFormError, Tags, count_rows, find_places, find_values

if TYPE_CHECKING:
    from collections.abc import Collection

SPARSE: Final = 20  # times as many places as cells, beyond a million, that are taken for a table
STRINGS: Final = "xl/sharedStrings.xml"

_ATTRIBUTES: Final = re.compile(rb'(?: [a-z]+="[A-Za-z0-9]*")*')
_ATTRIBUTE: Final = re.compile(rb'([a-z]+)="([A-Za-z0-9]*)"')
_ERROR: Final = re.compile(rb"""t\s*=\s*["']e["']""")
# Of at most 15 digits and without an exponent: what a spreadsheet program shows of it is the same text.
_NUMBER: Final = r"^(?:0|-?[1-9][0-9]{0,13}|-?(?:0|[1-9][0-9]{0,9})\.[0-9]{0,4}[1-9])$"
_SPECIAL: Final = r"[&\r\x00]|_x|^\s|\s$|^$"  # what means something else, or may be left out
_UNREAD: Final = np.iinfo(np.int32).min

ODD, ERROR, SHARED, NUMBER, RESULT, INLINE = range(6)
_KINDS: Final = {b"s": SHARED, b"n": NUMBER, b"": NUMBER, b"str": RESULT, b"inlineStr": INLINE}


@dataclass(slots=True)
class Plain:
    """The cells of a sheet that have something in them, in the order of rows.

    Attributes:
        rows, columns: Where each is, from 0.
        texts: Which text it has: a place in *known*, or, below 0, -1 for the first of *odd*.
        known: Texts, some of them several times.
        numeric: Which of them are numbers.
        odd: XML of the cells that the other reader has to read, each once, without place: ` s="1"><v>46053</v>`.
        before, behind: The XML around the rows.
        hides: Whether something may be hidden.
    """

    rows: np.ndarray
    columns: np.ndarray
    texts: np.ndarray
    known: pa.Array
    numeric: np.ndarray
    odd: list[bytes]
    before: bytes = b""
    behind: bytes = b""
    hides: bool = False

    def sheet(self) -> bytes:
        """Write a sheet like this one that has the odd cells alone, one below the other."""
        cells = (b'<row r="%d"><c r="A%d"%b</c></row>' % (row, row, cell) for row, cell in enumerate(self.odd, 1))
        return b"".join([self.before, *cells, self.behind])

    def to_arrow(self, odd: pa.Table) -> pa.RecordBatch | None:
        """Put all texts in columns, as `cells.to_arrow` does; None where it is not clear how far the sheet reaches.

        Args:
            odd: What it made of the odd cells, down to the last that is not empty.
        """
        texts, numeric, damaged = (column.combine_chunks() for column in odd.columns)
        empty = len(self.odd) - len(texts)
        known = pa.concat_arrays([self.known, texts, pa.nulls(empty, pa.string())])
        none = np.zeros(empty, dtype=bool)
        masks = {
            "number": np.concatenate([self.numeric, np.asarray(numeric), none]),
            "damaged": np.concatenate([np.zeros(len(self.known), dtype=bool), np.asarray(damaged), none]),
        }
        places = np.where(self.texts < 0, len(self.known) - 1 - self.texts, self.texts)
        filled = np.asarray(known.is_valid())[places]
        height, width = int(self.rows.max()) + 1, int(self.columns.max()) + 1
        if not (filled[self.rows == height - 1].any() and filled[self.columns == width - 1].any()):
            return None  # a text without a sign in it counts as a cell, nothing does not
        order = np.argsort(self.columns, kind="stable")
        arrays: dict[str, pa.Array] = {}
        ends = np.searchsorted(self.columns, np.arange(width + 1), sorter=order)
        for column, (start, end) in enumerate(pairwise(ends.tolist())):
            cells = order[start:end]
            dense = np.full(height, -1, dtype=np.int32)
            dense[self.rows[cells]] = places[cells]
            blank = dense < 0
            arrays[f"text {column}"] = known.take(pa.array(dense, mask=blank))
            arrays |= {f"{name} {column}": pa.array(mask[dense] & ~blank) for name, mask in masks.items()}
        return pa.RecordBatch.from_pydict(arrays)


def take_apart(archive: zipfile.ZipFile, part: str, plain_styles: Collection[int]) -> Plain | None:
    """Take a sheet's XML apart; None where it is of another form.

    Args:
        archive: The workbook.
        part: The sheet's part of it.
        plain_styles: Those whose numbers are shown as they are.

    Raises:
        BadZipFile, EOFError, OSError, SourceError, zlib.error: It is damaged.
    """
    try:
        reader = _Reader(_read_strings(archive), plain_styles)
        hides = False
        with archive.open(part) as sheet:
            blocks = Blocks(sheet, b"sheetData", b"</row>")
            for block in blocks:
                reader.read(block)
                hides = hides or b"hidden" in block
        return replace(reader.finish(), before=blocks.before, behind=blocks.behind, hides=hides)
    except (OtherFormError, pa.ArrowInvalid):
        return None


def write_workbook(archive: zipfile.ZipFile, part: str, sheet: bytes) -> bytes:
    """Write a workbook like that of *archive*, with *sheet* as the part of that name, and without the other sheets."""
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as other:
        for name in archive.namelist():
            if name != part and posixpath.dirname(name) in {"", "_rels", "xl", "xl/_rels"}:
                other.writestr(name, archive.read(name))
        other.writestr(part, sheet)
    return written.getvalue()


def _read_strings(archive: zipfile.ZipFile) -> pa.Array:
    """Read the shared strings; null where one is more than a plain text."""
    if STRINGS not in archive.NameToInfo:
        return pa.array([], pa.string())
    with archive.open(STRINGS) as part:
        found = [_read_texts(block) for block in Blocks(part, b"sst", b"</si>")]
    return pa.concat_arrays(found)


def _read_texts(block: bytes) -> pa.Array:
    tags = Tags(block)
    items, ends = tags.find(b"si>"), tags.find(b"/si>")
    tags.pair(items, ends, 0)
    plain = ends - items == len(("text", "its end", "end"))
    plain[plain] = tags.are_texts(items[plain] + 1) & tags.follow(items[plain] + 1) & tags.follow(ends[plain])
    texts = np.full(len(items), -1, dtype=np.int32)
    texts[plain] = np.arange(np.count_nonzero(plain))
    read = tags.read(items[plain] + 1)
    plain[plain] = ~_are_special(read)
    others = tags.slices(tags.starts[items[~plain]], tags.ends[ends[~plain]] + 1)
    refuse_malformed(b"<sst>%b</sst>" % b"".join(others.to_pylist()))
    return read.take(pa.array(texts, mask=~plain))


def _are_special(texts: pa.Array) -> np.ndarray:
    special: np.ndarray = np.asarray(pc.match_substring_regex(texts, _SPECIAL))
    return special


class _Reader:
    """Takes one block after the other apart."""

    def __init__(self, shared: pa.Array, plain_styles: Collection[int]) -> None:
        self._shared_are_plain = np.asarray(shared.is_valid())
        self._plain_styles = plain_styles
        self._kinds: dict[bytes, int] = {}
        self._odd: dict[bytes, int] = {}
        self._known: list[pa.Array] = [shared]
        self._numeric: list[np.ndarray] = [np.zeros(len(shared), dtype=bool)]
        self._count = len(shared)
        self._last = -1
        self._found: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []

    def read(self, block: bytes) -> None:
        """Read the cells of a block.

        Raises:
            OtherFormError, ArrowInvalid: It is not of the plain form.
        """
        tags = Tags(block)
        cells, ends = tags.find(b"c "), tags.find(b"/c>")
        single = tags.is_single(cells)
        tags.pair(cells[~single], ends, int(single.sum()) + count_rows(tags))
        rows, columns, behind = find_places(tags, cells)
        kinds = self._sort(tags.slices(behind, tags.ends[cells] - single))
        filled = ~single
        filled[filled] = ends - cells[filled] > 1
        if (kinds[~filled] == ERROR).any():
            raise OtherFormError  # it is one whatever is in it
        ends = ends[filled[~single]]
        cells, rows, columns, behind, kinds = (of[filled] for of in (cells, rows, columns, behind, kinds))
        self._count_on(rows, columns)
        values, inline = find_values(tags, cells, ends)
        texts = np.full(len(cells), _UNREAD, dtype=np.int32)
        self._take_shared(texts, tags, np.where(kinds == SHARED, values, -1))
        self._take(texts, tags, np.where(kinds == NUMBER, values, -1), numeric=True)
        self._take(texts, tags, np.select([kinds == RESULT, kinds == INLINE], [values, inline], -1), numeric=False)
        self._take_odd(texts, tags, behind, ends)
        self._found.append((rows, columns, texts))

    def finish(self) -> Plain:
        """Give all that was read.

        Raises:
            OtherFormError: That is nothing, or cells far apart.
        """
        if not self._found:
            raise OtherFormError
        rows, columns, texts = (np.concatenate(parts) for parts in zip(*self._found, strict=True))
        if not len(rows) or (int(rows.max()) + 1) * (int(columns.max()) + 1) > HIGHEST + SPARSE * len(rows):
            raise OtherFormError
        return Plain(rows, columns, texts, pa.concat_arrays(self._known), np.concatenate(self._numeric), [*self._odd])

    def _count_on(self, rows: np.ndarray, columns: np.ndarray) -> None:
        """Make sure that no cell comes twice, or before another."""
        places = np.concatenate([[self._last], rows.astype(np.int64) * WIDEST + columns])
        if (np.diff(places) <= 0).any():
            raise OtherFormError
        self._last = int(places[-1])

    def _sort(self, attributes: pa.Array) -> np.ndarray:
        """Tell the kind of each cell by its attributes, each spelling of which is looked at once."""
        spelled = attributes.dictionary_encode()
        spellings = spelled.dictionary.to_pylist()
        self._kinds |= {spelling: self._find_kind(spelling) for spelling in spellings if spelling not in self._kinds}
        kinds: np.ndarray = np.array([self._kinds[spelling] for spelling in spellings], dtype=np.int8)
        found: np.ndarray = kinds[np.asarray(spelled.indices)]
        return found

    def _find_kind(self, spelling: bytes) -> int:
        said = _ATTRIBUTE.findall(spelling)
        named = dict(said)
        if _ERROR.search(spelling):
            return ERROR
        if not _ATTRIBUTES.fullmatch(spelling) or len(named) < len(said):
            return ODD
        kind = _KINDS.get(named.get(b"t", b""), ODD)
        style = named.get(b"s")
        is_plain = style is None or (style.isdigit() and int(style) in self._plain_styles)
        return ODD if kind == NUMBER and not is_plain else kind

    def _take_shared(self, texts: np.ndarray, tags: Tags, values: np.ndarray) -> None:
        which = values >= 0
        places = np.asarray(tags.read(values[which]).cast(pa.int32()))
        if len(places) and not 0 <= places.min() <= places.max() < len(self._shared_are_plain):
            raise OtherFormError
        texts[which] = np.where(self._shared_are_plain[places], places, _UNREAD)

    def _take(self, texts: np.ndarray, tags: Tags, values: np.ndarray, *, numeric: bool) -> None:
        which = np.flatnonzero(values >= 0)
        read = tags.read(values[which])
        plain = np.asarray(pc.match_substring_regex(read, _NUMBER)) if numeric else ~_are_special(read)
        taken = which[plain]
        texts[taken] = np.arange(self._count, self._count + len(taken))
        self._count += len(taken)
        self._known.append(read.filter(pa.array(plain)))
        self._numeric.append(np.full(len(taken), numeric))

    def _take_odd(self, texts: np.ndarray, tags: Tags, behind: np.ndarray, ends: np.ndarray) -> None:
        unread = np.flatnonzero(texts == _UNREAD)
        spelled = tags.slices(behind[unread], tags.starts[ends[unread]]).dictionary_encode()
        places = [self._odd.setdefault(cell, len(self._odd)) for cell in spelled.dictionary.to_pylist()]
        texts[unread] = -1 - np.array(places, dtype=np.int32)[np.asarray(spelled.indices)]
