"""A process of its own: reads one sheet, and writes its cells as an Arrow stream to stdout.

`python -m importer.read.cells KIND SHEET PART < WORKBOOK`, where PART is the sheet's part of an XLSX archive; without
SHEET it lists the sheets as JSON: name, and whether it is visible. Exit `TOLD` with a sentence on stderr where that
cannot be done.
"""

from __future__ import annotations

import contextlib
import gc
import io
import json
import struct
import sys
import zipfile
import zlib
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any, Final
from xml.etree import ElementTree as ET

import pyarrow as pa
import pyarrow.compute as pc
from python_calamine import CalamineError, CalamineWorkbook, PasswordError, SheetVisibleEnum

from importer.errors import SourceError
from importer.read import binary, opendocument, scan, styles
from importer.read.numberformats import EXACT, write_duration, write_number
from importer.read.styles import Damaged

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from importer.read.marks import Marks

MEMORY: Final = 8 << 30  # bytes of address space; a million rows of 25 columns take 3
EARLY: Final = 1904  # the last year of which the fast reader reads dates wrongly
TOLD, SHORT_OF_MEMORY = 3, 4  # exit codes


def main(kind: str, sheet: str = "", part: str = "") -> None:
    """Write the cells of *sheet* to stdout: columns `text N`, `number N`, `damaged N`; its marks are the metadata."""
    limit_memory()
    gc.disable()  # a million lists are looked through again and again, and nothing refers to itself
    data = sys.stdin.buffer.read()
    try:
        if not sheet:
            sys.stdout.write(json.dumps(list_sheets(data, kind)))
            return
        columns, marks = read_columns(data, kind, sheet, part)
        table = to_arrow(columns).replace_schema_metadata({"marks": json.dumps(marks.to_dict())})
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


def read_columns(data: bytes, kind: str, sheet: str, part: str) -> tuple[list[list[Any]], Marks]:
    """Read a sheet's cells from A1 on, by column, all of one length.

    What the fast reader does not know is put right: errors are their text, numbers are as their format shows them.

    Raises:
        SourceError: The workbook is damaged, or does not hold the results of its formulas.
    """
    if kind == "xls":
        from importer.read import oldexcel  # noqa: PLC0415 - the others need no xlrd

        return oldexcel.read_columns(oldexcel.open_book(data), sheet)
    with _damage_told(), zipfile.ZipFile(io.BytesIO(data)) as archive:
        cells = CalamineWorkbook.from_filelike(io.BytesIO(data)).get_sheet_by_name(sheet)
        rows = cells.to_python(skip_empty_area=False)
        match kind:
            case "xlsb":
                marks = binary.scan(archive.read(binary.find_part(archive, sheet)), binary.read_styles(archive))
            case "ods":
                own = archive.read("styles.xml") if "styles.xml" in archive.namelist() else b""
                marks = opendocument.scan(archive.read("content.xml"), sheet, own)
            case _:
                xml = archive.read(part)
                marks = scan.scan(xml)
                marks.merged = [(*first, *last) for first, last in cells.merged_cell_ranges or ()]
        columns = _to_columns(rows, marks)
        if kind == "xlsx":
            _show_numbers(columns, xml, styles.read_xlsx(archive))
    return columns, marks


def _to_columns(rows: list[list[Any]], marks: Marks) -> list[list[Any]]:
    """Part cells by column, and put the texts of *marks* in their cells, also where nothing else is in their row."""
    height = max((row + 1 for row, _ in marks.texts), default=0)
    width = max((column + 1 for _, column in marks.texts), default=0)
    columns = [list(column) for column in zip(*rows, strict=True)]
    height = max(height, len(rows))
    columns += [[] for _ in range(width - len(columns))]
    for column in columns:
        column.extend([""] * (height - len(column)))
    for (row, place), text in marks.texts.items():
        columns[place][row] = text
    return columns


def _show_numbers(columns: list[list[Any]], xml: bytes, known: styles.Styles) -> None:
    """Write numbers as their format shows them, where the fast reader does not."""
    wanted = [*known.identifiers, *(known.moments if any(map(_is_strange, columns)) else ())]
    for (row, column), number, style in scan.find_numbers(xml, wanted):
        text = known.mend(number, style)
        if text is not None:
            columns[column][row] = text


def _is_strange(column: list[Any]) -> bool:
    """Tell whether a column has dates that the fast reader may have read wrongly: early ones, and bare times."""
    types = set(map(type, column))
    return time in types or (
        bool(types & {date, datetime}) and any(isinstance(cell, date) and cell.year <= EARLY for cell in column)
    )


@contextlib.contextmanager
def _damage_told() -> Iterator[None]:
    """Turn what a damaged workbook does to its readers into a sentence."""
    try:
        yield
    except PasswordError:
        raise SourceError("is protected by a password; save it without one.") from None
    except (
        CalamineError,
        OverflowError,
        ET.ParseError,
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


def to_arrow(columns: list[list[Any]]) -> pa.Table:
    """Write typed cells as text, column by column, beside masks of what was a number and what has lost digits."""
    arrays: dict[str, pa.Array] = {}
    for number, column in enumerate(columns):
        types = set(map(type, column))
        texts = [cell or None for cell in column] if types <= {str} else list(map(write, column))
        arrays[f"text {number}"] = pa.array(texts, pa.string())
        lost = [type(cell) is Damaged for cell in column] if Damaged in types else []
        if types & {int, float}:
            numeric = [isinstance(cell, int | float) and not isinstance(cell, bool) for cell in column]
            arrays[f"number {number}"] = pc.and_(
                pa.array(numeric), pc.fill_null(pc.not_equal(arrays[f"text {number}"], "#NUM!"), fill_value=False)
            )
            beyond = [is_number and abs(cell) >= EXACT for cell, is_number in zip(column, numeric, strict=True)]
            lost = [one or other for one, other in zip(lost, beyond, strict=True)] if lost else beyond
        _refuse_nul(arrays[f"text {number}"])
        if any(lost):
            arrays[f"damaged {number}"] = pa.array(lost)
    return pa.table(arrays)


def _refuse_nul(texts: pa.Array) -> None:
    row = pc.index(pc.match_substring(texts, "\0"), value=True).as_py()
    if row >= 0:
        raise SourceError(f"holds NUL characters (row {row + 1}): it was written by a faulty program; export it again.")


def write(cell: object) -> str | None:
    """Write a typed cell as canonical text.

    >>> [write(cell) for cell in (7.0, 0.1 + 0.2, 1e20, True, date(2026, 1, 31), "")]
    ['7', '0.3', '100000000000000000000', 'TRUE', '2026-01-31', None]
    """
    return _WRITERS[type(cell)](cell)


def _write_moment(cell: date | time) -> str:
    text = cell.isoformat(" ") if isinstance(cell, datetime) else cell.isoformat()
    return text.rstrip("0") if "." in text else text.removesuffix(" 00:00:00")


# By type, since a million cells are asked for theirs.
_WRITERS: Final[Mapping[type, Callable[[Any], str | None]]] = {
    str: lambda cell: cell or None,
    Damaged: str,
    bool: lambda cell: "TRUE" if cell else "FALSE",
    float: write_number,
    int: lambda cell: write_number(float(cell)),
    date: date.isoformat,
    datetime: _write_moment,
    time: _write_moment,
    timedelta: write_duration,
    type(None): lambda _: None,
}


if __name__ == "__main__":
    main(*sys.argv[1:])
