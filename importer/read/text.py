"""CSV, TSV, TXT: bytes → records; fast where the bytes allow it, exact where they do not."""

from __future__ import annotations

import csv
import io
from collections import Counter
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv

from importer.errors import SourceError
from importer.read.grid import Grid

if TYPE_CHECKING:
    from collections.abc import Iterator

DELIMITERS: Final = {",": "comma", ";": "semicolon", "\t": "tab", "|": "pipe"}
SAMPLE: Final = 200  # records that tell the delimiter
NAMED: Final = 5  # rows named of those with too many cells
WIDEST_CELL: Final = 1 << 24  # characters


def read(data: bytes) -> Grid:
    """Read the records of a text source.

    Raises:
        SourceError: It is no text, a quote never closes, or rows have more cells than the header.
    """
    text, encoding = _decode(data)
    if "\0" in text:
        raise SourceError("holds NUL characters: it is no text, or was cut short; export it again.")
    text, delimiter = _find_delimiter(text)
    facts = (("format", "text"), ("encoding", encoding), ("delimiter", DELIMITERS[delimiter]))
    return _read_fast(text, delimiter, facts) or _read_exactly(text, delimiter, facts)


def _decode(data: bytes) -> tuple[str, str]:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        encodings = ["utf-16"]
    elif data[1:2] == b"\0":
        encodings = ["utf-16-le"]
    elif data[:1] == b"\0":
        encodings = ["utf-16-be"]
    else:
        encodings = ["utf-8-sig", "cp1252"]
    for encoding in encodings:
        try:
            return data.decode(encoding), encoding.removesuffix("-sig")
        except UnicodeDecodeError as error:
            row = data[: error.start].count(b"\n") + 1
    raise SourceError(
        f"is neither utf-8 nor {encodings[-1]}: a byte near row {row} means nothing in it. Save it as CSV UTF-8."
    )


def _find_delimiter(text: str) -> tuple[str, str]:
    """Tell the delimiter by how evenly it parts the first records; a `sep=;` line in front decides."""
    first = text.split("\n", 1)[0].strip().strip('"')
    if first.lower().startswith("sep=") and first[4:5] in DELIMITERS:
        # The line stays a record of its own, so that row numbers are those that a spreadsheet program shows.
        return text, first[4]
    scores = {}
    for delimiter in DELIMITERS:
        widths = [len(record) for record in _sample(text, delimiter) if record]
        width, often = Counter(widths).most_common(1)[0] if widths else (0, 0)
        scores[delimiter] = (width > 1 and len(widths[:1]) > 0 and widths[0] > 1, often if width > 1 else 0, width)
    best = max(scores, key=lambda delimiter: scores[delimiter])
    return text, best


def _sample(text: str, delimiter: str) -> Iterator[list[str]]:
    try:
        for number, record in enumerate(_records(text[: 1 << 20], delimiter)):
            if number == SAMPLE:
                return
            yield record
    except csv.Error:
        return


def _records(text: str, delimiter: str) -> Iterator[list[str]]:
    csv.field_size_limit(WIDEST_CELL)
    return csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)


def _read_fast(text: str, delimiter: str, facts: tuple[tuple[str, str], ...]) -> Grid | None:
    """Read with Arrow where one line is one record of equal width: no quotes, no blank lines, no lone CR."""
    if '"' in text or text.startswith(("\n", "\r", "sep=")):
        return None
    unix = text.replace("\r\n", "\n")
    if "\r" in unix or "\n\n" in unix:
        return None
    header = unix.split("\n", 1)[0].split(delimiter)
    names = [str(number) for number in range(len(header))]
    try:
        table = pa_csv.read_csv(
            pa.BufferReader(unix.encode()),
            read_options=pa_csv.ReadOptions(column_names=names, skip_rows=1, block_size=1 << 24),
            parse_options=pa_csv.ParseOptions(delimiter=delimiter, quote_char=False, ignore_empty_lines=False),
            convert_options=pa_csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()),
                strings_can_be_null=True,
                null_values=[""],
            ),
        )
    except pa.ArrowInvalid:
        return None  # ragged rows, or none: the exact reader says which
    rows = np.arange(2, 2 + table.num_rows)
    columns = [column.combine_chunks() for column in table.columns]
    return Grid(tuple(header), 1, columns, rows, facts)


def _read_exactly(text: str, delimiter: str, facts: tuple[tuple[str, str], ...]) -> Grid:
    """Read with the standard library, record by record; a record with quoted line breaks is one row."""
    header: list[str] = []
    header_row = 0
    columns: list[list[str | None]] = []
    rows, too_wide = [], []
    opened = 0
    try:
        for number, record in enumerate(_records(text, delimiter), start=1):
            opened = number
            if not header:
                if any(cell.strip() for cell in record) and not _is_separator_line(number, record):
                    header, header_row = record, number
                    columns = [[] for _ in header]
                continue
            # Blank cells beyond the header are refused as well: an unquoted delimiter may have pushed them there.
            if len(record) > len(header) and any(cell.strip() for cell in record):
                too_wide.append(number)
            rows.append(number)
            for position, column in enumerate(columns):
                column.append((record[position] or None) if position < len(record) else None)
    except csv.Error as error:
        said = "a quote that is opened there never closes" if "unexpected end" in str(error) else str(error)
        raise SourceError(f"cannot be read at row {opened + 1}: {said}. Mend that row.") from None
    if not header:
        raise SourceError("is empty.")
    if too_wide:
        named = ", ".join(map(str, too_wide[:NAMED])) + (" and more" if len(too_wide) > NAMED else "")
        raise SourceError(
            f"has rows with more cells than the header: {named}. "
            f"Quote cells that contain a {DELIMITERS[delimiter]}, and delete titles above the header."
        )
    return Grid(
        tuple(header), header_row, [pa.array(column, pa.string()) for column in columns], np.array(rows, "int64"), facts
    )


def _is_separator_line(number: int, record: list[str]) -> bool:
    return number == 1 and record[0].lower().startswith("sep=")
