"""A process of its own: reads one sheet with calamine, and writes its cells as an Arrow stream to stdout.

`python -m importer.read.cells SHEET PART < WORKBOOK`, where PART is the sheet's part of the archive. Exit `TOLD` with a
sentence on stderr where the sheet cannot be read.
"""

from __future__ import annotations

import contextlib
import io
import sys
import zipfile
import zlib
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, Final

import pyarrow as pa
from python_calamine import CalamineError, CalamineWorkbook

from importer.errors import SourceError
from importer.read.scan import find_errors, refuse_uncalculated

MEMORY: Final = 8 << 30  # bytes of address space; a million rows of 25 columns take 3
EXACT: Final = 1e15  # a number beyond has more digits than a spreadsheet keeps
TOLD, SHORT_OF_MEMORY = 3, 4  # exit codes


def main(sheet: str, part: str) -> None:
    """Write the cells of *sheet* to stdout: columns `text N`, `number N`, `damaged N`."""
    limit_memory()
    try:
        table = to_arrow(read_rows(sys.stdin.buffer.read(), sheet, part))
    except MemoryError:
        sys.exit(SHORT_OF_MEMORY)
    except SourceError as error:
        sys.stderr.write(str(error))
        sys.exit(TOLD)
    with pa.ipc.new_stream(sys.stdout.buffer, table.schema) as stream:
        stream.write_table(table)


def limit_memory() -> None:
    """Let a workbook that asks for the impossible end this process, and not the machine."""
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource  # noqa: PLC0415 - not on every system

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


def read_rows(data: bytes, sheet: str, part: str) -> list[list[Any]]:
    """Read a sheet's cells from A1 on, all rows of one length; errors, which calamine leaves out, as their text.

    Raises:
        SourceError: The workbook is damaged, or does not hold the results of its formulas.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            xml = archive.read(part)
        refuse_uncalculated(xml)
        errors = find_errors(xml)
        del xml
        cells = CalamineWorkbook.from_filelike(io.BytesIO(data)).get_sheet_by_name(sheet)
        rows = cells.to_python(skip_empty_area=False)
    except (CalamineError, zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError) as error:
        raise SourceError(
            f"is damaged or of a kind that cannot be read: {error}. Save it again from a spreadsheet program."
        ) from None
    for (row, column), text in errors.items():
        rows[row][column] = text
    return rows


def to_arrow(rows: list[list[Any]]) -> pa.Table:
    """Write typed cells as text, column by column, beside masks of what was a number and what has lost digits."""
    arrays: dict[str, pa.Array] = {}
    for number, column in enumerate(zip(*rows, strict=True)):
        types = set(map(type, column))
        if types <= {str}:
            arrays[f"text {number}"] = pa.array([cell or None for cell in column], pa.string())
            continue
        arrays[f"text {number}"] = pa.array([write(cell) for cell in column], pa.string())
        if types & {int, float}:
            numeric = [isinstance(cell, int | float) and not isinstance(cell, bool) for cell in column]
            arrays[f"number {number}"] = pa.array(numeric)
            lost = [is_number and abs(cell) >= EXACT for cell, is_number in zip(column, numeric, strict=True)]
            if any(lost):
                arrays[f"damaged {number}"] = pa.array(lost)
    return pa.table(arrays)


def write(cell: object) -> str | None:
    """Write a typed cell as canonical text.

    >>> [write(cell) for cell in (7.0, 0.1 + 0.2, 1e20, True, date(2026, 1, 31), "")]
    ['7', '0.3', '100000000000000000000', 'TRUE', '2026-01-31', None]
    """
    match cell:
        case str():
            return cell or None
        case bool():
            return "TRUE" if cell else "FALSE"
        case int() | float():
            return write_number(float(cell))
        case datetime():
            return f"{cell:%Y-%m-%d}" if cell.time() == time() else f"{cell:%Y-%m-%d %H:%M:%S}"
        case date() | time():
            return cell.isoformat()
        case _:
            return None if cell is None else str(cell)  # a duration, say


def write_number(number: float) -> str:
    """Write the 15 digits that a spreadsheet program shows, without an exponent."""
    if number.is_integer() and abs(number) < EXACT:
        return str(int(number))
    text = f"{number:.15g}"
    return f"{Decimal(text):f}" if "e" in text else text


if __name__ == "__main__":
    main(*sys.argv[1:])
