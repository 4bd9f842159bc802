"""CSV, TSV, TXT: bytes → records, a block at a time; fast where a block allows it, exact where it does not."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv

from importer.errors import SourceError
from importer.read.decoding import Text, UndecodableError, find_text
from importer.read.dialect import SAMPLED, Dialect, find_dialect, lines_of, records_of, start_of_content
from importer.read.grid import Grid
from importer.read.shape import SAMPLE, find_header, tell_rows, titles

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from importer.model import LeftOut, Reading
    from importer.read.grid import Facts
    from importer.read.source import Source

NAMED: Final = 5  # rows named of those with too many cells
BATCH: Final = 10_000  # records made into columns at once
SWALLOWING: Final = 4  # delimiters in a line of a cell that show it to be a record
LONGEST_RECORD: Final = 1 << 26  # bytes

_UNDECODABLE: Final = re.compile("[\udc80-\udcff\ufffd]")
_NUL: Final = re.compile("\0")
_BREAKS: Final = "[\n\r]"


@dataclass(frozen=True, slots=True)
class _Header:
    texts: tuple[str, ...]
    row: int
    titles: tuple[LeftOut, ...]
    end: int  # characters up to the end of its record


def read(source: Source, reading: Reading) -> Grid:
    """Read the records of a text source.

    Raises:
        SourceError: It is no text, a quote never closes, rows have more cells than the header, or what parts its cells
            cannot be told.
    """
    try:
        text = find_text(source, reading.encoding)
    except UndecodableError as error:
        rows = _rows_with(_UNDECODABLE, Text(source, error.encoding, error.encoding).marked, reading)
        raise SourceError(
            f"is {error.encoding}, but for bytes that mean nothing in it ({rows}). {error.remedy}."
        ) from None
    if text.nul:
        rows = _rows_with(_NUL, text.pieces, reading)
        raise SourceError(f"holds NUL characters ({rows}): it is no text, or was cut short; export it again.")
    head = _head(text.pieces(), SAMPLED)
    offset, dialect, first = find_dialect(head, reading.delimiter)
    header = _find_header(head[offset:], dialect, first, reading.header_row, cut=len(head) >= SAMPLED)
    if offset + header.end == len(head):  # the beginning may end within it
        head = _head(text.pieces(), LONGEST_RECORD)
        header = _find_header(head[offset:], dialect, first, reading.header_row, cut=False)
    facts = (("format", "text"), ("encoding", text.name), *dialect.facts)
    body = Body(dialect, len(header.texts), header.row + 1)
    body.take(text.utf8(), len(head[: offset + header.end].encode()))
    return body.to_grid(header, facts)


def _head(pieces: Iterable[str], enough: int) -> str:
    """Give the beginning of a text: what is blank, and so many characters more."""
    head = ""
    for piece in pieces:
        head += piece
        start = start_of_content(head)
        if len(head) - start >= enough and head[start:].strip():
            return head[: start + enough]
    return head


def _rows_with(what: re.Pattern[str], pieces: Callable[[], Iterator[str]], reading: Reading) -> str:
    """Name the rows in which *what* is found, as far as its records can be read."""
    found = []
    try:
        offset, dialect, first = find_dialect(_head(pieces(), SAMPLED), reading.delimiter)
        for row, record in enumerate(records_of(_lines(pieces(), offset), dialect, strict=False), first):
            if any(map(what.search, record)):
                found.append(row)
    except (csv.Error, SourceError):
        found = found or [_first_line_with(what, pieces())]
    return f"row{'s' if len(found) > 1 else ''} {tell_rows(found)}"


def _first_line_with(what: re.Pattern[str], pieces: Iterable[str]) -> int:
    lines = 1
    for piece in pieces:
        place = what.search(piece)
        lines += piece.count("\n", 0, place.start() if place else len(piece))
        if place:
            break
    return lines


def _lines(pieces: Iterable[str], offset: int) -> Iterator[str]:
    """Give the lines of a text from *offset* on, each with what ends it.

    Raises:
        SourceError: One is longer than any record.
    """
    rest = ""
    for piece in pieces:
        *lines, rest = lines_of(rest + piece[offset:])
        offset = 0
        yield from lines
        if len(rest) > LONGEST_RECORD:
            raise SourceError(_tell_too_long(1))
    yield rest


def _find_header(text: str, dialect: Dialect, first: int, wanted: int | None, *, cut: bool) -> _Header:
    """Find the header among the first records that hold anything; all of *text* where it is *cut* in the first.

    Raises:
        SourceError: There is none, or the first record cannot be read.
    """
    start = 0 if wanted else start_of_content(text)
    above = sum(1 for _ in records_of(lines_of(text[:start]), dialect))
    row = first + above
    records: list[list[str]] = []
    try:
        records += islice(records_of(lines_of(text[start:]), dialect), max(SAMPLE, wanted or 0))
    except csv.Error as error:
        if not records and cut:
            return _Header((), row, (), len(text))
        if not records:
            raise SourceError(f"cannot be read at row {row}: {_explain(error)}.") from None
    position = find_header(records, wanted, first=row)
    end = _end_of_record(text, dialect, above + position + 1)
    return _Header(tuple(records[position]), row + position, titles(records[:position], row), end)


def _end_of_record(text: str, dialect: Dialect, number: int) -> int:
    """Count the characters of so many records."""
    taken = 0

    def lines() -> Iterator[str]:
        nonlocal taken
        for line in lines_of(text):
            taken += len(line)
            yield line

    for _ in islice(records_of(lines(), dialect), number):
        pass
    return taken


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
        for chunk in chunks:
            block = rest + chunk[skipped:]
            skipped = max(0, skipped - len(chunk))
            # A CR at the very end may be half of what ends a line.
            end = max(block.rfind(b"\n"), block.rfind(b"\r", 0, -1)) + 1
            taken = self._take_block(block[:end], last=False) if end else 0
            rest = block[taken:]
            if len(rest) > LONGEST_RECORD:
                raise SourceError(_tell_too_long(self.next))
        if rest:
            self._take_block(rest, last=True)

    def _take_block(self, block: bytes, *, last: bool) -> int:
        """Read the records of a block; returns how many of its bytes they are."""
        columns = read_fast(block, self.dialect, self.width)
        if columns is None:
            return self._take_exactly(block.decode(), last=last)
        if self.dialect.quote.encode() in block:
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
                raise SourceError(f"cannot be read at row {self.next + len(records)}: {_explain(error)}.") from None
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

    def to_grid(self, header: _Header, facts: Facts) -> Grid:
        """Put the parts under each other.

        Raises:
            SourceError: Rows have more cells than the header.
        """
        if self.too_wide:
            named = ", ".join(map(str, self.too_wide[:NAMED])) + (" and more" if len(self.too_wide) > NAMED else "")
            place = f" in row {header.row}" if header.row > 1 else ""
            raise SourceError(
                f"has rows with more cells than the header{place}: {named}. "
                f"Quote cells that contain a {self.dialect.name}, or say where the header is with --header-row."
            )
        columns = [pa.chunked_array([part[number] for part in self.parts], pa.string()) for number in range(self.width)]
        short = (("short rows, filled up with blanks", tell_rows(self.short)),) if self.short else ()
        rows = np.arange(header.row + 1, self.next)
        return Grid(header.texts, header.row, columns, rows, (*facts, *short), titles=header.titles)


def read_fast(block: bytes, dialect: Dialect, width: int) -> list[pa.Array] | None:
    """Read a block of whole lines with Arrow; None where that might not read what the exact reader does.

    That is where a quote is out of place or not closed, a line is blank or ends with a lone CR, or rows are ragged.
    """
    blank = block.startswith((b"\n", b"\r\n")) or b"\n\n" in block or b"\n\r\n" in block
    if blank or not dialect.delimiter.isascii() or block.count(b"\r") != block.count(b"\r\n"):
        return None
    quoted = dialect.quote.encode() in block
    if quoted and not _are_quotes_in_place(np.frombuffer(block, np.uint8), dialect):
        return None
    names = [str(number) for number in range(width)]
    try:
        table = pa_csv.read_csv(
            pa.BufferReader(block),
            read_options=pa_csv.ReadOptions(column_names=names, block_size=len(block) + 1),
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
    return [column.combine_chunks() for column in table.columns]


def _are_quotes_in_place(signs: np.ndarray, dialect: Dialect) -> bool:
    """Tell whether each quote opens a cell at its beginning, closes it at its end, or is one of two inside it."""
    delimiter, quote = ord(dialect.delimiter), ord(dialect.quote)
    places = np.flatnonzero(signs == quote)
    if len(places) % 2:
        return False
    framed = np.concatenate([[ord("\n")], signs, [ord("\n")]])
    before, after = framed[places[::2]], framed[places[1::2] + 2]
    opened = (before == delimiter) | (before == ord("\n")) | (before == quote)
    closed = (after == delimiter) | (after == ord("\n")) | (after == ord("\r")) | (after == quote)
    return bool(opened.all() and closed.all())


def _tell_too_long(row: int) -> str:
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


def _explain(error: csv.Error) -> str:
    said = str(error)
    if "unexpected end" in said:
        return "a quote that is opened there never closes; close it, or export the source again"
    if "expected after" in said:
        return "text follows a closing quote; write a quote inside a quoted cell twice, or export the source again"
    return f"{said}; export the source again"
