"""XML of a plain form, taken apart by numpy: where its tags are, and what is between them, without a loop over them."""

from __future__ import annotations

import re
from typing import IO, TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from collections.abc import Iterator

LONGEST: Final = 64 << 20  # bytes of a row, and of what lies before the first
BLOCK: Final = 8 << 20  # bytes taken apart at once, to the end of a row
HIGHEST, WIDEST = 1_048_576, 16_384  # rows and columns of a sheet, by the format
ROOM: Final = 8  # bytes that are read at once, also behind the last sign

_ROW: Final = r'^<row(?: r="[0-9]{1,7}")?(?: (?:[a-qs-z]|[a-zA-Z0-9:]{2,})="[^"]*")*/?$'
_OTHER_ENCODING: Final = re.compile(rb"""encoding\s*=\s*["'](?!utf-8["'])""", re.IGNORECASE)


class OtherFormError(Exception):
    """The XML is not of the plain form, and for another reader."""


class Blocks:
    """The rows of a sheet, or the shared strings, parted into blocks, each with `ROOM` behind it.

    Attributes:
        before, behind: The XML around them, with the tags of what they are in; *behind* once they were gone through.
    """

    def __init__(self, part: IO[bytes], name: bytes, row: bytes) -> None:
        """Read the beginning of *part*, as far as the element *name*, whose blocks end with the tag *row*.

        Raises:
            OtherFormError: It has none, is of another encoding than UTF-8, or has a comment before.
        """
        self._part, self._end, self._row = part, b"</" + name + b">", row
        beginning, seen = re.compile(b"<" + name + b"(?: [^<>]*)?>"), b""
        while not (found := beginning.search(seen)):
            seen += self._read(len(seen))
        self.before, self._seen, self.behind = seen[: found.end()], seen[found.end() :], b""
        if b"<!" in self.before or _OTHER_ENCODING.search(self.before):
            raise OtherFormError

    def __iter__(self) -> Iterator[bytes]:
        """Give block by block.

        Raises:
            OtherFormError: The element does not end, a row is too long, or there are NUL.
        """
        seen = self._seen
        while True:
            stop = seen.rfind(self._row) + len(self._row)
            if stop >= len(self._row):
                yield self._pad(seen[:stop])
                seen = seen[stop:]
            if (end := seen.rfind(self._end)) >= 0:
                break
            seen += self._read(len(seen))
        if end:
            yield self._pad(seen[:end])
        self.behind = seen[end:] + self._part.read()

    def _read(self, held: int) -> bytes:
        more = self._part.read(BLOCK)
        if not more or held > LONGEST:
            raise OtherFormError
        return more

    @staticmethod
    def _pad(block: bytes) -> bytes:
        if b"\0" in block:
            raise OtherFormError
        return block + bytes(ROOM)


class Tags:
    """The tags of a block of XML, each named by its number.

    Attributes:
        xml: The block's bytes.
        starts, ends: Where each tag's `<` and `>` are.

    Raises:
        OtherFormError: There are comments, sections of text or instructions, or a `>` that ends no tag.
    """

    def __init__(self, block: bytes) -> None:
        self._block = block
        self.xml = np.frombuffer(block, np.uint8)
        self.starts = np.flatnonzero(self.xml == ord("<")).astype(np.int32)
        self.ends = np.flatnonzero(self.xml == ord(">")).astype(np.int32)
        if len(self.starts) != len(self.ends) or (self.starts > self.ends).any():
            raise OtherFormError
        if (self.starts[1:] < self.ends[:-1]).any():
            raise OtherFormError
        # The eight bytes from each byte on, as one number: a name is compared at once.
        words: np.ndarray = np.ndarray(len(block) - ROOM + 1, "<u8", block, strides=(1,))
        self._names = words[self.starts + 1]
        if (self.begin(b"!") | self.begin(b"?")).any():
            raise OtherFormError

    def begin(self, name: bytes, tags: np.ndarray | slice = slice(None)) -> np.ndarray:
        """Tell which of *tags* begin with *name*, of eight bytes at most, behind their `<`."""
        mask = np.uint64((1 << 8 * len(name)) - 1)
        told: np.ndarray = (self._names[tags] & mask) == int.from_bytes(name, "little")
        return told

    def find(self, name: bytes) -> np.ndarray:
        """Find the tags that begin with *name*."""
        return np.flatnonzero(self.begin(name))

    def is_single(self, tags: np.ndarray) -> np.ndarray:
        """Tell which of *tags* have neither content nor end."""
        told: np.ndarray = self.xml[self.ends[tags] - 1] == ord("/")
        return told

    def follow(self, tags: np.ndarray) -> np.ndarray:
        """Tell which of *tags* begin where the tag before them ends."""
        told: np.ndarray = self.starts[tags] == self.ends[tags - 1] + 1
        return told

    def are_texts(self, tags: np.ndarray) -> np.ndarray:
        """Tell which of *tags* begin a text, and are followed at once by its end."""
        kept = b't xml:space="preserve"'
        preserved = self.begin(kept[:ROOM], tags) & (self.ends[tags] - self.starts[tags] == len(kept) + 1)
        told: np.ndarray = (self.begin(b"t>", tags) | preserved) & self.begin(b"/t>", tags + 1)
        return told

    @staticmethod
    def alternate(opening: np.ndarray, closing: np.ndarray) -> None:
        """Make sure that elements follow each other.

        Raises:
            OtherFormError: They do not.
        """
        if len(opening) != len(closing) or (opening > closing).any() or (opening[1:] < closing[:-1]).any():
            raise OtherFormError

    def pair(self, opening: np.ndarray, closing: np.ndarray, others: int) -> None:
        """Make sure that elements follow each other, and that outside of them there are only *others* tags.

        Raises:
            OtherFormError: They do not, or there are.
        """
        self.alternate(opening, closing)
        if int((closing - opening + 1).sum()) + others != len(self.starts):
            raise OtherFormError

    def slices(self, starts: np.ndarray, ends: np.ndarray) -> pa.Array:
        """Give the bytes of several places, which are in order."""
        if not len(starts):
            return pa.array([], pa.binary())
        offsets = np.stack([starts, ends], axis=1).astype(np.int32).ravel()
        buffers = [None, pa.py_buffer(offsets), pa.py_buffer(self._block)]
        wanted_and_others = pa.Array.from_buffers(pa.binary(), len(offsets) - 1, buffers)
        return wanted_and_others.take(pa.array(np.arange(0, len(offsets), 2, dtype=np.int32)))

    def read(self, tags: np.ndarray) -> pa.Array:
        """Read the texts behind *tags*.

        Raises:
            ArrowInvalid: One is no UTF-8.
        """
        return self.slices(self.ends[tags] + 1, self.starts[tags + 1]).cast(pa.string())


def count_rows(tags: Tags) -> int:
    """Count the tags of rows.

    Raises:
        OtherFormError: They are not in order, or one has an odd attribute.
    """
    opening, closing = np.flatnonzero(tags.begin(b"row ") | tags.begin(b"row>")), tags.find(b"/row>")
    if not pc.all(pc.match_substring_regex(tags.slices(tags.starts[opening], tags.ends[opening]), _ROW)).as_py():
        raise OtherFormError
    single = tags.is_single(opening)
    tags.alternate(opening[~single], closing)
    return len(opening) + len(closing)


def find_values(tags: Tags, cells: np.ndarray, ends: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Find the tag of the value in cells with nothing else but a formula, and of the only text in those with one.

    The number is -1 in all others.
    """
    inside = ends - cells - 1
    first, last = cells + 1, ends - 1
    one, formula, whole = 2, 3, 4  # tags of a value alone, with `<f/>`, and with `<f></f>`, or of a text
    is_closed = tags.follow(ends)
    opening = np.maximum(ends - one, 0)
    behind = np.minimum(first + 1, last)
    has_formula = tags.begin(b"f", first) & np.where(
        inside == formula, tags.is_single(first), (inside == whole) & tags.begin(b"/f>", behind)
    )
    valued = is_closed & tags.begin(b"v>", opening) & tags.begin(b"/v>", last)
    valued &= ((inside == one) & tags.follow(first)) | has_formula
    inline = is_closed & (inside == whole) & tags.begin(b"is>", first) & tags.begin(b"/is>", last)
    inline &= tags.are_texts(behind) & tags.follow(first) & tags.follow(behind) & tags.follow(last)
    return np.where(valued, opening, -1), np.where(inline, behind, -1)


def find_places(tags: Tags, cells: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Read where cells are, rows and columns from 0; and find where the rest of each tag begins.

    Raises:
        OtherFormError: One does not say so first, or lies beyond the last row or column.
    """
    sign = b'c r="'
    at = tags.starts[cells] + 1 + len(sign)
    columns = np.zeros(len(cells), dtype=np.int32)
    is_letter = tags.begin(sign, cells)
    for _ in "XFD":
        letters = tags.xml[at] - (ord("A") - 1)
        is_letter &= (letters >= 1) & (letters <= 26)  # noqa: PLR2004 - of the alphabet; unsigned, as are figures
        columns = np.where(is_letter, columns * 26 + letters, columns)
        at += is_letter
    rows = np.zeros(len(cells), dtype=np.int32)
    is_figure = columns > 0
    for _ in str(HIGHEST):
        figures = tags.xml[at] - ord("0")
        is_figure &= figures <= 9  # noqa: PLR2004
        rows = np.where(is_figure, rows * 10 + figures, rows)
        at += is_figure
    inside = (columns > 0) & (columns <= WIDEST) & (rows > 0) & (rows <= HIGHEST)
    if not (inside & (tags.xml[at] == ord('"'))).all():
        raise OtherFormError
    return rows - 1, (columns - 1).astype(np.uint16), at + 1
