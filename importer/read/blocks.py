"""Blocks of a text → records: fast where a block allows it, exact where it does not."""

from __future__ import annotations

import csv
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv

from importer.errors import SourceError
from importer.read.dialect import lines_of, records_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from concurrent.futures import Future

    from importer.read.dialect import Dialect

BATCH: Final = 10_000  # records made into columns at once
SWALLOWING: Final = 4  # delimiters in a line of a cell that show it to be a record
LONGEST_RECORD: Final = 1 << 26  # bytes

LF, CR = 10, 13
_BREAKS: Final = "[\n\r]"


@dataclass(slots=True)
class Body:
    """What lies below a header, as it is gathered.

    Attributes:
        dialect: Of the text.
        width: Columns.
        next: The row number of the next record.
        parts: What was read, columns under each other.
        too_wide, short: Rows that are not as wide as the header.
    """

    dialect: Dialect
    width: int
    next: int
    parts: list[list[pa.Array]] = field(default_factory=list)
    too_wide: list[int] = field(default_factory=list)
    short: list[int] = field(default_factory=list)

    def take(self, chunks: Iterable[bytes], skipped: int) -> None:
        """Read the records of a text in UTF-8, but for its first bytes, in blocks that end where a line does.

        Raises:
            SourceError: A quote is out of place, or a record longer than `LONGEST_RECORD`.
        """
        rest = b""
        for block, columns in self._read_ahead(_cut(chunks, skipped)):
            if len(block) > LONGEST_RECORD and not block.endswith((b"\n", b"\r")):
                raise SourceError(tell_too_long(self.next))
            if rest:  # the record before goes on in this block
                block = rest + block  # noqa: PLW2901 - the same, whole
                columns = read_fast(block, self.dialect, self.width)  # noqa: PLW2901 - as above
            rest = block[self._take_block(block, columns, last=False) :]
            if len(rest) > LONGEST_RECORD:
                raise SourceError(tell_too_long(self.next))
        if rest:
            self._take_block(rest, None, last=True)

    def _read_ahead(self, blocks: Iterable[bytes]) -> Iterator[tuple[bytes, list[pa.Array] | None]]:
        """Read blocks fast, where that may be, and several at once; gives each with its columns, in order."""
        ahead: deque[tuple[bytes, Future[list[pa.Array] | None]]] = deque()
        with ThreadPoolExecutor(pa.cpu_count()) as pool:
            for block in blocks:
                ahead.append((block, pool.submit(read_fast, block, self.dialect, self.width)))
                if len(ahead) > pa.cpu_count():
                    first, columns = ahead.popleft()
                    yield first, columns.result()
            for first, columns in ahead:
                yield first, columns.result()

    def _take_block(self, block: bytes, columns: list[pa.Array] | None, *, last: bool) -> int:
        """Take the records of a block, as read fast or else exactly; returns how many of its bytes they are."""
        if columns is None:
            return self._take_exactly(block.decode(), last=last)
        lines = block.count(b"\n") + (not block.endswith(b"\n"))
        if lines > len(columns[0]):  # some break inside a cell
            self._refuse_swallowed_of(columns)
        self.parts.append(columns)
        self.next += len(columns[0])
        return len(block)

    def _take_exactly(self, text: str, *, last: bool) -> int:
        """Read with the standard library, record by record; a record with quoted line breaks is one row."""
        taken = ended = 0

        def lines() -> Iterator[str]:
            nonlocal taken
            for line in lines_of(text):
                taken += len(line)
                yield line

        reader = records_of(lines(), self.dialect)
        records: list[list[str]] = []
        before = 0
        try:
            for record in reader:
                records.append(record)
                ended = taken
                if len(records) == BATCH:
                    self._add(records, broken=reader.line_num - before > BATCH)
                    records, before = [], reader.line_num
        except csv.Error as error:
            if last or "unexpected end" not in str(error):
                raise SourceError(f"cannot be read at row {self.next + len(records)}: {explain(error)}.") from None
        self._add(records, broken=reader.line_num - before > len(records))
        return len(text[:ended].encode())

    def _add(self, records: list[list[str]], *, broken: bool) -> None:
        """Put records under those gathered; note those that are not as wide as the header."""
        if broken:
            for row, record in enumerate(records, self.next):
                _refuse_swallowed(row, record, len(record), self.dialect)
        uneven = [(row, record) for row, record in enumerate(records, self.next) if len(record) != self.width]
        for row, record in uneven:
            if any(cell.strip() for cell in record):
                # Blank cells beyond the header are refused as well: an unquoted delimiter may have pushed them there.
                (self.too_wide if len(record) > self.width else self.short).append(row)
        width = self.width
        even = [record if len(record) == width else (record + [""] * width)[:width] for record in records]
        columns = zip(*even, strict=True) if even else [()] * width
        self.parts.append([pa.array([cell or None for cell in column], pa.string()) for column in columns])
        self.next += len(records)

    def _refuse_swallowed_of(self, columns: list[pa.Array]) -> None:
        for column in columns:
            broken = pc.fill_null(pc.match_substring_regex(column, _BREAKS), fill_value=False)
            for position in np.flatnonzero(broken.to_numpy(zero_copy_only=False)).tolist():
                _refuse_swallowed(self.next + position, [column[position].as_py()], self.width, self.dialect)

    def columns(self) -> list[pa.ChunkedArray]:
        """Put the parts under each other."""
        return [pa.chunked_array([part[number] for part in self.parts], pa.string()) for number in range(self.width)]


def _cut(chunks: Iterable[bytes], skipped: int) -> Iterator[bytes]:
    """Cut a text, but for its first bytes, where lines end; of a line that is longer than any record, where it is."""
    rest = b""
    for whole in chunks:
        chunk = whole[skipped:]
        skipped = max(0, skipped - len(whole))
        # A CR at the very end may be half of what ends a line.
        end = max(chunk.rfind(b"\n"), chunk.rfind(b"\r", 0, -1)) + 1
        if end:
            yield b"".join((rest, memoryview(chunk)[:end]))
            rest = b""
        rest += chunk[end:]
        if len(rest) > LONGEST_RECORD:
            break
    if rest:
        yield rest


def read_fast(block: bytes, dialect: Dialect, width: int) -> list[pa.Array] | None:
    """Read a block of whole lines with Arrow; None where that might not read what the exact reader does.

    That is where a quote is out of place or not closed, a line is blank or ends with a lone CR, or rows are ragged.
    """
    signs = np.frombuffer(block, np.uint8)
    quoted = dialect.quote.encode() in block
    if not dialect.delimiter.isascii() or not _are_lines_plain(signs):
        return None
    if quoted and not _are_quotes_in_place(signs, dialect):
        return None
    names = [str(number) for number in range(width)]
    try:
        table = pa_csv.read_csv(
            pa.BufferReader(block),
            read_options=pa_csv.ReadOptions(column_names=names, block_size=len(block) + 1, use_threads=False),
            parse_options=pa_csv.ParseOptions(
                delimiter=dialect.delimiter,
                quote_char=dialect.quote if quoted else False,
                newlines_in_values=quoted,
                ignore_empty_lines=False,
            ),
            convert_options=pa_csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()),
                strings_can_be_null=True,
                quoted_strings_can_be_null=True,
                null_values=[""],
                check_utf8=False,
            ),
        )
    except pa.ArrowInvalid:
        return None  # ragged rows, or none: the exact reader says which
    return [column.chunk(0) for column in table.columns]


def _are_lines_plain(signs: np.ndarray) -> bool:
    """Tell whether no line is blank, and no CR stands without an LF."""
    ends = np.flatnonzero(signs == LF)
    after_cr = (ends > 0) & (signs[ends - 1] == CR)
    lengths = np.diff(ends, prepend=-1) - 1 - after_cr
    return bool(lengths.all()) and np.count_nonzero(signs == CR) == np.count_nonzero(after_cr)


def _are_quotes_in_place(signs: np.ndarray, dialect: Dialect) -> bool:
    """Tell whether each quote opens a cell at its beginning, closes it at its end, or is one of two inside it."""
    delimiter, quote = ord(dialect.delimiter), ord(dialect.quote)
    places = np.flatnonzero(signs == quote)
    if len(places) % 2:
        return False
    opening, closing = places[::2], places[1::2]
    before = signs[opening[opening > 0] - 1]
    after = signs[closing[closing + 1 < len(signs)] + 1]
    opened = (before == delimiter) | (before == LF) | (before == quote)
    closed = (after == delimiter) | (after == LF) | (after == CR) | (after == quote)
    return bool(opened.all() and closed.all())


def tell_too_long(row: int) -> str:
    """Say of a record that its end is out of sight."""
    return (
        f"cannot be read at row {row}: it is longer than {LONGEST_RECORD >> 20} MB, or a quote that is opened there "
        "never closes; export the source again."
    )


def _refuse_swallowed(row: int, cells: Iterable[str], width: int, dialect: Dialect) -> None:
    """Refuse a quote that was closed by another cell's: whole records lie between the two."""
    for cell in cells:
        inside = cell.splitlines()[1:-1]
        if any(line.count(dialect.delimiter) >= max(SWALLOWING, width - 1) for line in inside):
            raise SourceError(
                f"has a quote in row {row} that closes {len(inside) + 1} lines further down, over what look like "
                "rows: delete that quote, or write it twice."
            )


def explain(error: csv.Error) -> str:
    """Say in plain words what is wrong with a record, and the remedy."""
    said = str(error)
    if "field limit" in said:
        return f"a cell has more than {csv.field_size_limit():,} signs, or a quote in it does not close; mend it there"
    if "unexpected end" in said:
        return "a quote that is opened there never closes; close it, or export the source again"
    if "expected after" in said:
        return "text follows a closing quote; write a quote inside a quoted cell twice, or export the source again"
    return f"{said}; export the source again"
