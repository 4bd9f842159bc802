"""CSV, TSV, TXT: bytes → records; fast where the bytes allow it, exact where they do not."""

from __future__ import annotations

import csv
import io
import re
from itertools import islice
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv

from importer.errors import SourceError
from importer.read.grid import Grid

if TYPE_CHECKING:
    from collections.abc import Iterator

    Facts = tuple[tuple[str, str], ...]

DELIMITERS: Final = {",": "comma", ";": "semicolon", "\t": "tab", "|": "pipe"}
LOOK: Final = 128  # bytes that tell UTF-16 without a mark
SAMPLE: Final = 200  # records that tell the delimiter
SAMPLED: Final = 1 << 20  # characters that they are taken from
NAMED: Final = 5  # rows named of those with too many cells
WIDEST_CELL: Final = 1 << 24  # characters
BATCH: Final = 1000  # records

_CONTENT: Final = re.compile(r"""[^,;\t| \r\n"]""")
_SEPARATOR_LINE: Final = re.compile(r'"?sep=([,;\t|])"?[ ]*(?:\r\n|\n|\r)', re.IGNORECASE)
_UTF8_LETTER: Final = re.compile(rb"\xc3[\x80-\xbf]")  # as in "Ã¼" for "ü"; no language has it in cp1252


def read(data: bytes) -> Grid:
    """Read the records of a text source.

    Raises:
        SourceError: It is no text, a quote never closes, or rows have more cells than the header.
    """
    text, encoding = _decode(data)
    if "\0" in text:
        raise SourceError("holds NUL characters: it is no text, or was cut short; export it again.")
    text, delimiter, first = _find_delimiter(text)
    facts = (("format", "text"), ("encoding", encoding), ("delimiter", DELIMITERS[delimiter]))
    return _read_fast(text, delimiter, facts, first) or _read_exactly(text, delimiter, facts, first)


def _decode(data: bytes) -> tuple[str, str]:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        encodings = ["utf-16"]
    elif data.startswith(b"\xef\xbb\xbf"):
        encodings = ["utf-8"]
    elif _is_every_other_nul(data[1:LOOK:2], data[:LOOK:2]):
        encodings = ["utf-16-le"]
    elif _is_every_other_nul(data[:LOOK:2], data[1:LOOK:2]):
        encodings = ["utf-16-be"]
    else:
        encodings = ["utf-8", "cp1252"]
    starts = []
    for encoding in encodings:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError as error:
            starts.append(error.start)
            continue
        if encoding == "cp1252" and _UTF8_LETTER.search(data):
            row = data[: starts[0]].count(b"\n") + 1
            raise SourceError(f"is utf-8, but for a byte near row {row}. Mend it there, or save it as CSV UTF-8 again.")
        return text.removeprefix("\ufeff"), encoding
    row = data[: starts[-1]].count(b"\n") + 1
    tried = " nor ".join(encodings)
    raise SourceError(
        f"is {'neither ' if len(encodings) > 1 else 'not '}{tried}: a byte near row {row} means nothing in it. "
        "Save it as CSV UTF-8."
    )


def _is_every_other_nul(high: bytes, low: bytes) -> bool:
    """Tell whether a text is UTF-16 without a mark: the high byte of most letters is NUL, the low byte of none."""
    return 2 * high.count(0) > len(high) and 0 not in low


def _find_delimiter(text: str) -> tuple[str, str, int]:
    """Tell the delimiter by how evenly it parts the first records; a `sep=;` line in front decides.

    Returns:
        The text below that line, the delimiter, and the row number of the text's first record: the line is a row.
    """
    separator = _SEPARATOR_LINE.match(text)
    if separator:
        return text[separator.end() :], separator[1], 2
    scores = {}
    for delimiter in DELIMITERS:
        widths = [len(record) for record in _sample(text, delimiter) if any(record)]
        width = widths[0] if widths else 0
        scores[delimiter] = (width > 1, widths.count(width), width)
    return text, max(scores, key=lambda delimiter: scores[delimiter]), 1


def _sample(text: str, delimiter: str) -> Iterator[list[str]]:
    content = _CONTENT.search(text)
    start = max(text.rfind(end, 0, content.start()) for end in "\r\n") + 1 if content else 0
    try:
        for number, record in enumerate(_records(text[start : start + SAMPLED], delimiter)):
            if number == SAMPLE:
                return
            yield record
    except csv.Error:
        return


def _records(text: str, delimiter: str) -> Iterator[list[str]]:
    csv.field_size_limit(WIDEST_CELL)
    return csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)


def _read_fast(text: str, delimiter: str, facts: Facts, first: int) -> Grid | None:
    """Read with Arrow where one line is one record of equal width: no quotes, no blank lines, no lone CR."""
    if '"' in text:
        return None
    unix = text.replace("\r\n", "\n")
    if "\r" in unix or "\n\n" in unix:
        return None
    header = unix.split("\n", 1)[0].split(delimiter)
    if not any(cell.strip() for cell in header):
        return None
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
    rows = np.arange(first + 1, first + 1 + table.num_rows)
    columns = [column.combine_chunks() for column in table.columns]
    return Grid(tuple(header), first, columns, rows, facts)


def _read_exactly(text: str, delimiter: str, facts: Facts, first: int) -> Grid:
    """Read with the standard library, record by record; a record with quoted line breaks is one row."""
    header: list[str] = []
    header_row = last = 0
    too_wide: list[int] = []
    parts: list[list[pa.Array]] = []
    for start, records in _batches(text, delimiter, first):
        last = start + len(records) - 1
        if not header:
            above = next((n for n, record in enumerate(records) if any(cell.strip() for cell in record)), None)
            if above is None:
                continue
            header, header_row = records[above], start + above
            records = records[above + 1 :]  # noqa: PLW2901 - what lies below the header
        too_wide += _find_too_wide(records, last - len(records) + 1, len(header))
        parts.append(_to_columns(records, len(header)))
    if not header:
        raise SourceError("is empty.")
    if too_wide:
        named = ", ".join(map(str, too_wide[:NAMED])) + (" and more" if len(too_wide) > NAMED else "")
        raise SourceError(
            f"has rows with more cells than the header: {named}. "
            f"Quote cells that contain a {DELIMITERS[delimiter]}, and delete titles above the header."
        )
    columns = [pa.concat_arrays(column) for column in zip(*parts, strict=True)]
    return Grid(tuple(header), header_row, columns, np.arange(header_row + 1, last + 1), facts)


def _batches(text: str, delimiter: str, start: int) -> Iterator[tuple[int, list[list[str]]]]:
    """Yield records, so many at a time that memory stays small, with the row number of the first."""
    reader = _records(text, delimiter)
    while True:
        records: list[list[str]] = []
        try:
            records.extend(islice(reader, BATCH))
        except csv.Error as error:
            raise SourceError(f"cannot be read at row {start + len(records)}: {_explain(error)}.") from None
        if not records:
            return
        yield start, records
        start += len(records)


def _find_too_wide(records: list[list[str]], start: int, width: int) -> list[int]:
    # Blank cells beyond the header are refused as well: an unquoted delimiter may have pushed them there.
    return [
        number
        for number, record in enumerate(records, start)
        if len(record) > width and any(cell.strip() for cell in record)
    ]


def _to_columns(records: list[list[str]], width: int) -> list[pa.Array]:
    even = [record if len(record) == width else (record + [""] * width)[:width] for record in records]
    columns = zip(*even, strict=True) if even else [()] * width
    return [pa.array([cell or None for cell in column], pa.string()) for column in columns]


def _explain(error: csv.Error) -> str:
    said = str(error)
    if "unexpected end" in said:
        return "a quote that is opened there never closes; close it, or export the source again"
    if "expected after" in said:
        return "text follows a closing quote; write a quote inside a quoted cell twice, or export the source again"
    return f"{said}; export the source again"
