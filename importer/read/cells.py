"""A process of its own: reads one sheet, and writes its cells as an Arrow stream to stdout.

`python -m importer.read.cells KIND SHEET PART < WORKBOOK`, where PART is the sheet's part of an XLSX archive; without
SHEET it lists the sheets as JSON: name, and whether it is visible. Exit `TOLD` with a sentence on stderr where that
cannot be done.
"""

from __future__ import annotations

import contextlib
import io
import json
import struct
import sys
import zipfile
import zlib
from datetime import date, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
from python_calamine import CalamineError, CalamineWorkbook, PasswordError, SheetVisibleEnum

from importer.errors import SourceError
from importer.read import binary, opendocument, scan

if TYPE_CHECKING:
    from collections.abc import Iterator

    from importer.read.marks import Marks

MEMORY: Final = 8 << 30  # bytes of address space; a million rows of 25 columns take 3
EXACT: Final = 1e15  # a number beyond has more digits than a spreadsheet keeps
TOLD, SHORT_OF_MEMORY = 3, 4  # exit codes


def main(kind: str, sheet: str = "", part: str = "") -> None:
    """Write the cells of *sheet* to stdout: columns `text N`, `number N`, `damaged N`; its marks are the metadata."""
    limit_memory()
    data = sys.stdin.buffer.read()
    try:
        if not sheet:
            sys.stdout.write(json.dumps(list_sheets(data, kind)))
            return
        rows, marks = read_rows(data, kind, sheet, part)
        table = to_arrow(rows).replace_schema_metadata({"marks": json.dumps(marks.to_dict())})
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


def list_sheets(data: bytes, kind: str) -> list[tuple[str, bool]]:
    """Name the sheets of a workbook, and whether each is visible."""
    if kind == "xls":
        from importer.read import oldexcel  # noqa: PLC0415 - the others need no xlrd

        book = oldexcel.open_book(data, formats=False)
        return [(sheet.name, sheet.visibility == 0) for sheet in book.sheets()]
    with _damage_told():
        found = CalamineWorkbook.from_filelike(io.BytesIO(data)).sheets_metadata
    return [(sheet.name, sheet.visible == SheetVisibleEnum.Visible) for sheet in found]


def read_rows(data: bytes, kind: str, sheet: str, part: str) -> tuple[list[list[Any]], Marks]:
    """Read a sheet's cells from A1 on, all rows of one length; errors, which calamine leaves out, as their text.

    Raises:
        SourceError: The workbook is damaged, or does not hold the results of its formulas.
    """
    if kind == "xls":
        from importer.read import oldexcel  # noqa: PLC0415 - the others need no xlrd

        return oldexcel.read_rows(oldexcel.open_book(data), sheet)
    with _damage_told():
        marks = _scan(data, kind, sheet, part)
        cells = CalamineWorkbook.from_filelike(io.BytesIO(data)).get_sheet_by_name(sheet)
        rows = cells.to_python(skip_empty_area=False)
        if kind == "xlsx":
            marks.merged = [(*first, *last) for first, last in cells.merged_cell_ranges or ()]
    _put_errors(rows, marks)
    return rows, marks


def _scan(data: bytes, kind: str, sheet: str, part: str) -> Marks:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        match kind:
            case "xlsb":
                return binary.scan(archive.read(binary.find_part(archive, sheet)))
            case "ods":
                return opendocument.scan(archive.read("content.xml"), sheet)
            case _:
                return scan.scan(archive.read(part))


def _put_errors(rows: list[list[Any]], marks: Marks) -> None:
    """Put errors in their cells, also where nothing else is in their row or column."""
    height = max((row + 1 for row, _ in marks.errors), default=0)
    width = max((column + 1 for _, column in marks.errors), default=0)
    width = max(width, len(rows[0]) if rows else 0)
    rows += [[] for _ in range(height - len(rows))]
    for cells in rows:
        cells.extend([""] * (width - len(cells)))
    for (row, column), text in marks.errors.items():
        rows[row][column] = text


@contextlib.contextmanager
def _damage_told() -> Iterator[None]:
    """Turn what a damaged workbook does to its readers into a sentence."""
    try:
        yield
    except PasswordError:
        raise SourceError("is protected by a password; save it without one.") from None
    except (
        CalamineError,
        zipfile.BadZipFile,
        zlib.error,
        EOFError,
        OSError,
        ValueError,
        LookupError,
        struct.error,
    ) as error:
        raise SourceError(
            f"is damaged or of a kind that cannot be read: {error}. Save it again from a spreadsheet program."
        ) from None


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
