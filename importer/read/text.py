"""CSV, TSV, TXT: bytes → records, a block at a time; fast where a block allows it, exact where it does not."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING, Final

import numpy as np

from importer.errors import SourceError
from importer.read.blocks import LONGEST_RECORD, Body, explain, tell_too_long
from importer.read.decoding import UndecodableError, find_text
from importer.read.dialect import (
    SAMPLED,
    Dialect,
    find_dialect,
    find_writing,
    lines_of,
    records_of,
    start_of_content,
)
from importer.read.grid import Grid
from importer.read.shape import SAMPLE, find_header, tell_rows, titles
from importer.read.source import Text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from importer.model import LeftOut, Reading
    from importer.read.grid import Facts
    from importer.read.source import Source

MOST_COLUMNS: Final = 1 << 14  # as in a workbook
NAMED: Final = 5  # rows named of those with too many cells

_UNDECODABLE: Final = re.compile("[\udc80-\udcff\ufffd]")
_NUL: Final = re.compile("\0")


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
    if len(header.texts) > MOST_COLUMNS:
        raise SourceError(
            f"has {len(header.texts):,} columns in row {header.row}, where no spreadsheet has more than "
            f"{MOST_COLUMNS:,}: delete the empty ones, or say where the header is with --header-row."
        )
    facts = (("format", "text"), ("encoding", text.name), *dialect.facts)
    body = Body(dialect, len(header.texts), header.row + 1)
    body.take(text.utf8(), len(head[: offset + header.end].encode()))
    writing = find_writing(text, head[offset:], dialect, announced=offset > 0)
    return replace(_to_grid(body, header, facts), writing=writing)


def _to_grid(body: Body, header: _Header, facts: Facts) -> Grid:
    if body.too_wide:
        named = ", ".join(map(str, body.too_wide[:NAMED])) + (" and more" if len(body.too_wide) > NAMED else "")
        place = f" in row {header.row}" if header.row > 1 else ""
        raise SourceError(
            f"has rows with more cells than the header{place}: {named}. "
            f"Quote cells that contain a {body.dialect.name}, add one to the header's end if each row ends with one, "
            "or say where the header is with --header-row."
        )
    short = (("short rows, filled up with blanks", tell_rows(body.short)),) if body.short else ()
    rows = np.arange(header.row + 1, body.next)
    return Grid(header.texts, header.row, body.columns(), rows, (*facts, *short), titles=header.titles)


def _head(pieces: Iterable[str], enough: int) -> str:
    """Give the beginning of a text: what is blank, and so many characters more.

    Raises:
        SourceError: Nothing but blanks comes first, for longer than any record.
    """
    head = ""
    for piece in pieces:
        head += piece
        start = start_of_content(head)
        if len(head) - start >= enough and head[start:].strip():
            return head[: start + enough]
        if len(head) - enough > LONGEST_RECORD:
            raise SourceError(f"begins with {LONGEST_RECORD >> 20} MB of blank rows; delete them.")
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
        *lines, rest = [*lines_of(rest + piece[offset:])] or [""]
        offset = max(0, offset - len(piece))
        yield from lines
        if len(rest) > LONGEST_RECORD:
            raise SourceError(tell_too_long(1))
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
            raise SourceError(f"cannot be read at row {row}: {explain(error)}.") from None
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
