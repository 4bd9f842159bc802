"""CSV, TSV, TXT: bytes → records; fast where the bytes allow it, exact where they do not."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv

from importer.errors import SourceError
from importer.read.decoding import UndecodableError, decode
from importer.read.dialect import SAMPLED, Dialect, find_dialect, records_of, start_of_content
from importer.read.grid import Grid
from importer.read.shape import SAMPLE, find_header, tell_rows, titles

if TYPE_CHECKING:
    from collections.abc import Iterator

    from importer.model import LeftOut, Reading
    from importer.read.grid import Facts

NAMED: Final = 5  # rows named of those with too many cells
BATCH: Final = 1000  # records
SWALLOWING: Final = 4  # delimiters in a line of a cell that show it to be a record

_UNDECODABLE: Final = re.compile("[\udc80-\udcff\ufffd]")
_NUL: Final = re.compile("\0")


@dataclass(frozen=True, slots=True)
class _Header:
    texts: tuple[str, ...]
    row: int
    titles: tuple[LeftOut, ...]


@dataclass(slots=True)
class _Body:
    """What lies below a header, as it is gathered."""

    width: int
    parts: list[list[pa.Array]] = field(default_factory=list)
    too_wide: list[int] = field(default_factory=list)
    short: list[int] = field(default_factory=list)


def read(data: bytes, reading: Reading) -> Grid:
    """Read the records of a text source.

    Raises:
        SourceError: It is no text, a quote never closes, rows have more cells than the header, or what parts its cells
            cannot be told.
    """
    try:
        text, encoding = decode(data, reading.encoding)
    except UndecodableError as error:
        rows = _rows_with(_UNDECODABLE, error.text, reading)
        raise SourceError(
            f"is {error.encoding}, but for bytes that mean nothing in it ({rows}). {error.remedy}."
        ) from None
    if "\0" in text:
        rows = _rows_with(_NUL, text, reading)
        raise SourceError(f"holds NUL characters ({rows}): it is no text, or was cut short; export it again.")
    text, dialect, first = find_dialect(text, reading.delimiter)
    facts = (("format", "text"), ("encoding", encoding), *dialect.facts)
    header = _find_header(text, dialect, first, reading.header_row)
    return _read_fast(text, dialect, facts, header, first) or _read_exactly(text, dialect, facts, header, first)


def _rows_with(what: re.Pattern[str], text: str, reading: Reading) -> str:
    """Name the rows in which *what* is found, as far as its records can be read."""
    found = []
    try:
        text, dialect, first = find_dialect(text, reading.delimiter)
        for row, record in enumerate(records_of(text, dialect, strict=False), first):
            if any(map(what.search, record)):
                found.append(row)
    except (csv.Error, SourceError):
        found = found or [text.count("\n", 0, what.search(text).start()) + 1]  # type: ignore[union-attr]
    return f"row{'s' if len(found) > 1 else ''} {tell_rows(found)}"


def _find_header(text: str, dialect: Dialect, first: int, wanted: int | None) -> _Header:
    """Find the header among the first records that hold anything."""
    start = 0 if wanted else start_of_content(text)
    above = sum(1 for _ in records_of(text[:start], dialect))
    records: list[list[str]] = []
    try:
        records += islice(records_of(text[start : start + SAMPLED], dialect), max(SAMPLE, wanted or 0))
    except csv.Error:
        if not records:
            records = next(_batches(text, dialect, first))[1]
    row = first + above
    position = find_header(records, wanted, first=row)
    return _Header(tuple(records[position]), row + position, titles(records[:position], row))


def _read_fast(text: str, dialect: Dialect, facts: Facts, header: _Header, first: int) -> Grid | None:
    """Read with Arrow where one line is one record of equal width: no quotes, no blank lines, no lone CR."""
    if dialect.quote in text:
        return None
    unix = text.replace("\r\n", "\n")
    if "\r" in unix:
        return None
    *_, body = unix.split("\n", header.row - first)
    if "\n\n" in body:
        return None
    names = [str(number) for number in range(len(header.texts))]
    try:
        table = pa_csv.read_csv(
            pa.BufferReader(body.encode()),
            read_options=pa_csv.ReadOptions(column_names=names, skip_rows=1, block_size=1 << 24),
            parse_options=pa_csv.ParseOptions(delimiter=dialect.delimiter, quote_char=False, ignore_empty_lines=False),
            convert_options=pa_csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()),
                strings_can_be_null=True,
                null_values=[""],
            ),
        )
    except (pa.ArrowInvalid, UnicodeEncodeError):
        return None  # ragged rows, or none: the exact reader says which
    rows = np.arange(header.row + 1, header.row + 1 + table.num_rows)
    columns = [column.combine_chunks() for column in table.columns]
    return Grid(header.texts, header.row, columns, rows, facts, titles=header.titles)


def _read_exactly(text: str, dialect: Dialect, facts: Facts, header: _Header, first: int) -> Grid:
    """Read with the standard library, record by record; a record with quoted line breaks is one row."""
    body = _Body(len(header.texts))
    last = header.row
    for start, records in _batches(text, dialect, first):
        last = start + len(records) - 1
        below = records[max(0, header.row - start + 1) :]
        _gather(body, below, last - len(below) + 1)
    if body.too_wide:
        named = ", ".join(map(str, body.too_wide[:NAMED])) + (" and more" if len(body.too_wide) > NAMED else "")
        place = f" in row {header.row}" if header.row > 1 else ""
        raise SourceError(
            f"has rows with more cells than the header{place}: {named}. "
            f"Quote cells that contain a {dialect.name}, or say where the header is with --header-row."
        )
    columns = [pa.concat_arrays(column) for column in zip(*body.parts, strict=True)]
    if not columns:
        columns = [pa.array([], pa.string())] * body.width
    short = (("short rows, filled up with blanks", tell_rows(body.short)),) if body.short else ()
    rows = np.arange(header.row + 1, last + 1)
    return Grid(header.texts, header.row, columns, rows, (*facts, *short), titles=header.titles)


def _batches(text: str, dialect: Dialect, start: int) -> Iterator[tuple[int, list[list[str]]]]:
    """Yield records, so many at a time that memory stays small, with the row number of the first."""
    reader = records_of(text, dialect)
    lines = 0
    while True:
        records: list[list[str]] = []
        try:
            records.extend(islice(reader, BATCH))
        except csv.Error as error:
            raise SourceError(f"cannot be read at row {start + len(records)}: {_explain(error)}.") from None
        if not records:
            return
        if reader.line_num - lines > len(records):
            _refuse_swallowed(records, start, dialect)
        lines = reader.line_num
        yield start, records
        start += len(records)


def _refuse_swallowed(records: list[list[str]], start: int, dialect: Dialect) -> None:
    """Refuse a quote that was closed by another cell's: whole records lie between the two."""
    for row, record in enumerate(records, start):
        for cell in record:
            inside = cell.splitlines()[1:-1]
            if any(line.count(dialect.delimiter) >= max(SWALLOWING, len(record) - 1) for line in inside):
                raise SourceError(
                    f"has a quote in row {row} that closes {len(inside) + 1} lines further down, over what look like "
                    "rows: delete that quote, or write it twice."
                )


def _gather(body: _Body, records: list[list[str]], start: int) -> None:
    """Put records under those gathered; note those that are not as wide as the header."""
    uneven = [(row, record) for row, record in enumerate(records, start) if len(record) != body.width]
    for row, record in uneven:
        if any(cell.strip() for cell in record):
            # Blank cells beyond the header are refused as well: an unquoted delimiter may have pushed them there.
            (body.too_wide if len(record) > body.width else body.short).append(row)
    even = [record if len(record) == body.width else (record + [""] * body.width)[: body.width] for record in records]
    columns = zip(*even, strict=True) if even else [()] * body.width
    body.parts.append([pa.array([cell or None for cell in column], pa.string()) for column in columns])


def _explain(error: csv.Error) -> str:
    said = str(error)
    if "unexpected end" in said:
        return "a quote that is opened there never closes; close it, or export the source again"
    if "expected after" in said:
        return "text follows a closing quote; write a quote inside a quoted cell twice, or export the source again"
    return f"{said}; export the source again"
