"""A process of its own: reads one sheet, and writes its cells as an Arrow stream to stdout.

`python -m importer.read.cells MEMORY SECONDS KIND SHEET PART < WORKBOOK`, where PART is the sheet's part of an XLSX
archive; without SHEET it lists the sheets as JSON: name, and whether it is visible. Exit `TOLD` with a sentence on
stderr where that cannot be done. `apart` starts it, and says how much memory and time it has.
"""

from __future__ import annotations

import contextlib
import gc
import io
import json
import os
import struct
import sys
import zipfile
import zlib
from datetime import date, datetime, time, timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any, Final
from xml.etree import ElementTree as ET

import numpy as np
import pyarrow as pa
from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook, PasswordError, SheetVisibleEnum

from importer.errors import SourceError
from importer.read import apart, binary, opendocument, plain, scan, styles
from importer.read.numberformats import EXACT, write_duration, write_number
from importer.read.styles import Damaged

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from importer.read.marks import Marks

AT_ONCE: Final = 20_000  # rows that are Python's objects at once, which take five times as much as their texts
NONE: Final = np.zeros(0, [("row", "i8"), ("column", "i8"), ("number", "f8"), ("style", "i8")])
_ODD: Final = pa.schema([("text 0", pa.string()), ("number 0", pa.bool_()), ("damaged 0", pa.bool_())])
EARLY: Final = 1904  # the last year of which the fast reader reads dates wrongly
UNKNOWN_ERROR: Final = "Unsupported cell error value"  # what calamine says of `#SPILL!` and its like


def main(memory: str, seconds: str, kind: str, sheet: str = "", part: str = "") -> None:
    """Write the cells of *sheet* to stdout: columns `text N`, `number N`, `damaged N`; its marks are the metadata."""
    apart.limit(int(memory), int(seconds))
    gc.disable()  # a million lists are looked through again and again, and nothing refers to itself
    try:
        data = sys.stdin.buffer.read()
        if not sheet:
            sys.stdout.write(json.dumps(list_sheets(data, kind)))
            return
        batches, marks = read_arrow(data, kind, sheet, part)
        del data
        write_stream(batches, {"marks": json.dumps(marks.to_dict())})
    except MemoryError:
        os._exit(apart.SHORT_OF_MEMORY)  # an orderly end wants memory as well
    except SourceError as error:
        sys.stderr.write(str(error))
        sys.exit(apart.TOLD)


def write_stream(batches: Iterable[pa.RecordBatch], told: Mapping[str, str]) -> None:
    """Write batches to stdout as they come, in one Arrow stream."""
    with contextlib.ExitStack() as stack:
        stream = None
        for batch in batches:
            schema = batch.schema.with_metadata(told)
            stream = stream or stack.enter_context(pa.ipc.new_stream(sys.stdout.buffer, schema))
            stream.write_batch(batch.replace_schema_metadata(told))
        if stream is None:
            stack.enter_context(pa.ipc.new_stream(sys.stdout.buffer, pa.schema([], told)))


def list_sheets(data: bytes, kind: str) -> list[tuple[str, bool]]:
    """Name the sheets of a workbook, and whether each is visible."""
    if kind == "xls":
        from importer.read import oldexcel  # noqa: PLC0415 - the others need no xlrd

        book = oldexcel.open_book(data, formats=False)
        return [(sheet.name, sheet.visibility == 0) for sheet in book.sheets()]
    with _damage_told():
        if kind == "ods":
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                opendocument.refuse_malformed(scan.refuse_entities(archive.read("content.xml")))
        found = CalamineWorkbook.from_filelike(io.BytesIO(data)).sheets_metadata
    return [(sheet.name, sheet.visible == SheetVisibleEnum.Visible) for sheet in found]


def read_arrow(data: bytes, kind: str, sheet: str, part: str) -> tuple[Iterable[pa.RecordBatch], Marks]:
    """Read a sheet as `read_batches` does, and write its cells as `to_arrow` does.

    Raises:
        SourceError: As `read_batches`.
    """
    if kind == "xlsx":
        with contextlib.suppress(SourceError):  # whoever reads it cell by cell says where
            if found := _read_plain(data, sheet, part):
                return found
    batches, marks = read_batches(data, kind, sheet, part)
    return _to_arrow(batches), marks


def _to_arrow(batches: Iterable[list[list[Any]]]) -> Iterator[pa.RecordBatch]:
    start = 0
    for columns in batches:
        batch = to_arrow(columns, start)
        start += batch.num_rows
        yield batch


def _read_plain(data: bytes, sheet: str, part: str) -> tuple[Iterable[pa.RecordBatch], Marks] | None:
    """Read a sheet in the plain form that programs write: what is special in it as another sheet, where it is once.

    None where it is of another form.
    """
    with _damage_told(), zipfile.ZipFile(io.BytesIO(data)) as archive:
        cells = plain.take_apart(archive, part, styles.read_xlsx(archive).plain)
        if cells is None:
            return None
        other = cells.sheet()
        opendocument.refuse_malformed(other)  # so that each cell ends where it seems to
        batches, marks = read_batches(plain.write_workbook(archive, part, other), "xlsx", sheet, part)
        if cells.hides:
            marks.hidden_rows = scan.find_hidden_rows(archive.read(part))
        batch = cells.to_arrow(pa.Table.from_batches(_to_arrow(batches), _ODD))
    return ([batch], marks) if batch else None


def read_batches(data: bytes, kind: str, sheet: str, part: str) -> tuple[Iterator[list[list[Any]]], Marks]:
    """Read a sheet's cells from A1 on, so many rows at a time, by column; all columns of a batch are of one length.

    What the fast reader does not know is put right: errors are their text, numbers are as their format shows them.

    Raises:
        SourceError: The workbook is damaged, or does not hold the results of its formulas.
    """
    if kind == "xls":
        from importer.read import oldexcel  # noqa: PLC0415 - the others need no xlrd

        columns, marks = oldexcel.read_columns(oldexcel.open_book(data), sheet)
        return iter([columns] if columns else []), marks
    mend: Callable[[list[list[Any]], int], None] = _leave
    with _damage_told(), zipfile.ZipFile(io.BytesIO(data)) as archive:
        match kind:
            case "xlsb":
                marks = binary.scan(archive.read(binary.find_part(archive, sheet)), binary.read_styles(archive))
            case "ods":
                own = scan.refuse_entities(archive.read("styles.xml")) if "styles.xml" in archive.namelist() else b""
                marks = opendocument.scan(archive.read("content.xml"), sheet, own)
            case _:
                marks = scan.scan(scan.refuse_entities(archive.read(part)))
                mend = _Mender(data, part, styles.read_xlsx(archive)).mend
        cells = _open_sheet(data, sheet, archive, part)
        if kind == "xlsx":
            marks.merged = [(*first, *last) for first, last in cells.merged_cell_ranges or ()]
    return _batches(cells, marks, mend), marks


def _open_sheet(data: bytes, sheet: str, archive: zipfile.ZipFile, part: str) -> CalamineSheet:
    try:
        return CalamineWorkbook.from_filelike(io.BytesIO(data)).get_sheet_by_name(sheet)
    except CalamineError as error:
        if UNKNOWN_ERROR not in str(error):
            raise
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as tamed:
        for name in archive.namelist():
            tamed.writestr(name, scan.tame_errors(archive.read(name)) if name == part else archive.read(name))
    packed.seek(0)
    return CalamineWorkbook.from_filelike(packed).get_sheet_by_name(sheet)


def _batches(cells: Any, marks: Marks, mend: Callable[[list[list[Any]], int], None]) -> Iterator[list[list[Any]]]:
    """Part cells by column, and put the texts of *marks* in them, also where nothing else is in their row."""
    rows = cells.iter_rows()
    before: list[list[Any]] = [[] for _ in range(cells.start[1] if cells.start else 0)]  # columns that it leaves out
    texts = sorted(marks.texts.items(), reverse=True)
    width = max((column + 1 for _, column in marks.texts), default=0)
    height = texts[0][0][0] + 1 if texts else 0
    start = 0
    while (block := _take(rows)) or start < height:
        columns = [*map(list, before), *map(list, zip(*block, strict=True))]
        columns += [[] for _ in range(width - len(columns))]
        width = len(columns)
        end = start + (len(block) or min(AT_ONCE, height - start))
        for column in columns:
            column.extend([""] * (end - start - len(column)))
        while texts and texts[-1][0][0] < end:
            (row, place), text = texts.pop()
            columns[place][row - start] = text
        mend(columns, start)
        yield columns
        start = end


def _take(rows: Iterator[list[Any]]) -> list[list[Any]]:
    with _damage_told():  # a cell may hold what Python has nothing for
        return list(islice(rows, AT_ONCE))


def _leave(_columns: list[list[Any]], _start: int) -> None:
    """Leave cells as they are."""


class _Mender:
    """Writes numbers as their format shows them, where the fast reader does not."""

    def __init__(self, data: bytes, part: str, known: styles.Styles) -> None:
        self._data, self._part, self._known = data, part, known
        self._identifiers = self._find(known.identifiers) if known.identifiers else NONE
        self._moments: np.ndarray | None = None  # looked for only where they are needed

    def _find(self, wanted: Iterable[int]) -> np.ndarray:
        with zipfile.ZipFile(io.BytesIO(self._data)) as archive:
            found = scan.find_numbers(archive.read(self._part), wanted)
            listed = np.fromiter(((*place, number, style) for place, number, style in found), NONE.dtype)
        return listed[np.argsort(listed["row"], kind="stable")]

    def mend(self, columns: list[list[Any]], start: int) -> None:
        """Mend the cells of a batch, whose first row is *start*."""
        with _damage_told():
            self._write(columns, start, self._identifiers)
            if any(map(_is_strange, columns)):
                if self._moments is None:
                    self._moments = self._find(self._known.moments)
                self._write(columns, start, self._moments)

    def _write(self, columns: list[list[Any]], start: int, numbers: np.ndarray) -> None:
        height = len(columns[0]) if columns else 0
        first, last = np.searchsorted(numbers["row"], [start, start + height]).tolist()
        for row, column, number, style in numbers[first:last].tolist():
            text = self._known.mend(number, style)
            if text is not None:
                columns[column][row - start] = text


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
    except OverflowError:
        raise SourceError(
            "has a duration of more days than can be counted: mend the cell in a spreadsheet program and save it again."
        ) from None
    except (
        CalamineError,
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


def to_arrow(columns: list[list[Any]], start: int = 0) -> pa.RecordBatch:
    """Write typed cells as text, column by column, beside masks of what was a number and what is no identifier.

    That is a number that has lost digits, or a date, which a program makes of a number such as 3-1.
    """
    arrays: dict[str, pa.Array] = {}
    none = np.zeros(len(columns[0]) if columns else 0, dtype=bool)
    for number, column in enumerate(columns):
        types = set(map(type, column))
        texts = [cell or None for cell in column] if types <= {str} else list(map(write, column))
        _refuse_nul(texts, start)
        numeric = lost = none
        if types & {Damaged, date, datetime}:
            lost = np.array([isinstance(cell, Damaged | date) for cell in column])
        if types & {int, float}:
            is_number = [isinstance(cell, int | float) and not isinstance(cell, bool) for cell in column]
            lost = lost | [one and abs(cell) >= EXACT for cell, one in zip(column, is_number, strict=True)]
            numeric = np.array([one and text != "#NUM!" for text, one in zip(texts, is_number, strict=True)])
        arrays[f"text {number}"] = pa.array(texts, pa.string())
        arrays |= {f"number {number}": pa.array(numeric), f"damaged {number}": pa.array(lost)}
    return pa.RecordBatch.from_pydict(arrays)


def _refuse_nul(texts: list[str | None], start: int) -> None:
    if "\0" in "".join(filter(None, texts)):
        row = next(row for row, text in enumerate(texts, start + 1) if text and "\0" in text)
        raise SourceError(f"holds NUL characters (row {row}): it was written by a faulty program; export it again.")


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
