"""XLSX and XLSM: which sheet, what it carries, and its cells as text; parsed in a child process of bounded memory.

calamine is eight times as fast as openpyxl, but ends its process where a workbook asks for more memory than there is,
and gives error cells as blanks: hence the child, and the look into the sheet's XML.
"""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from typing import TYPE_CHECKING, Final, cast
from xml.etree import ElementTree as ET

import numpy as np
import pyarrow as pa

from importer.errors import SourceError
from importer.model import MIXED, Carried, Styles
from importer.read.grid import Grid

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from importer.model import DateOrder, DecimalStyle

LARGEST: Final = 4 << 30  # bytes of an unpacked workbook
THICKEST: Final = 1000  # times that a part may be larger than it is packed
PATIENCE: Final = 600  # seconds for the child
TITLE: Final = "Invoice importer"  # in A1 of the sheet `Run` of our own workbooks
CARRIED: Final = ("Field", "Column", "Constant", "Decimal", "Date order")

_ERROR: Final = re.compile(rb"""\st\s*=\s*["']e["']""")
_VALUE: Final = re.compile(rb"<(?:\w+:)?v[^>]*>([^<]*)<")
_PLACE: Final = re.compile(rb"""\sr\s*=\s*["']([A-Z]+)([0-9]+)["']""")


def read(path: Path, sheet: str | None) -> Grid:
    """Read one sheet of a workbook; of a results workbook of ours, its sheet `To fix` and what that carries.

    Raises:
        SourceError: It is no workbook, damaged, hostile, or it is not clear which sheet is meant.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            parts = _sheets(archive)
            _guard(archive)
            carried = None
            if sheet is None and {"To fix", "Run"} <= set(parts):
                carried = _read_carried(path)
            name = "To fix" if carried else _choose(path, parts, sheet)
            errors = _error_cells(archive, parts[name][0])
    except (zipfile.BadZipFile, EOFError, NotImplementedError) as error:
        raise SourceError(f"is damaged: {error}. Open it in a spreadsheet program and save it again.") from None
    columns, masks, damage = _parse(path, name)
    _put_errors(columns, errors)
    return _to_grid(name, columns, masks, damage, carried)


def _sheets(archive: zipfile.ZipFile) -> dict[str, tuple[str, bool]]:
    """Name the sheets: each with its part of the archive, and whether it is visible."""
    names = set(archive.namelist())
    if "xl/workbook.xml" not in names:
        if "content.xml" in names:
            raise SourceError("is an OpenDocument spreadsheet; save it as .xlsx.")
        if "xl/workbook.bin" in names:
            raise SourceError("is a binary workbook (.xlsb); save it as .xlsx.")
        raise SourceError("is a zip archive and no workbook; unpack it and name the file in it.")
    if any(info.flag_bits & 1 for info in archive.infolist()):
        raise SourceError("is protected by a password; save it without one.")
    relations = {}
    for relation in _xml(archive, "xl/_rels/workbook.xml.rels"):
        target = relation.get("Target", "")
        relations[relation.get("Id")] = target.lstrip("/") if target.startswith("/") else f"xl/{target}"
    sheets = {}
    for element in _xml(archive, "xl/workbook.xml").iter():
        if element.tag.endswith("}sheet"):
            identity = next((value for key, value in element.attrib.items() if key.endswith("}id")), "")
            part = relations.get(identity, "")
            if "/worksheets/" in part and part in names:
                sheets[element.get("name", "")] = (part, element.get("state", "visible") == "visible")
    return sheets


def _xml(archive: zipfile.ZipFile, part: str) -> ET.Element:
    try:
        data = archive.read(part)
        if b"<!DOCTYPE" in data or b"<!ENTITY" in data:
            raise SourceError("declares entities, as no spreadsheet program does; save it again from one.")
        return ET.fromstring(data)  # noqa: S314 - without entities there is nothing to blow up
    except (KeyError, ET.ParseError):
        raise SourceError(f"is damaged: {part} cannot be read. Save it again from a spreadsheet program.") from None


def _guard(archive: zipfile.ZipFile) -> None:
    """Refuse what unpacks to more than anybody's export."""
    total = 0
    for info in archive.infolist():
        total += info.file_size
        if total > LARGEST or info.file_size > max(1 << 20, info.compress_size * THICKEST):
            raise SourceError("unpacks to far more than it holds; save it again from a spreadsheet program.")


def _choose(path: Path, parts: dict[str, tuple[str, bool]], sheet: str | None) -> str:
    if sheet is not None:
        found = next((name for name in parts if name.casefold() == sheet.casefold()), None)
        if found is None:
            raise SourceError(f"has no sheet {sheet!r}; it has {_quoted(parts)}.")
        return found
    visible = [name for name, (_, shown) in parts.items() if shown]
    filled = visible if len(visible) == 1 else [name for name in visible if _is_filled(path, name)]
    if not filled:
        raise SourceError("has no sheet with anything in it.")
    if len(filled) > 1:
        raise SourceError(f"has several sheets with data: {_quoted(filled)}. Name one with --sheet.")
    return filled[0]


def _quoted(names: Iterable[str]) -> str:
    return ", ".join(f"“{name}”" for name in names)


def _is_filled(path: Path, sheet: str) -> bool:
    columns, _, _ = _parse(path, sheet)
    return any(column.null_count < len(column) for column in columns)


def _error_cells(archive: zipfile.ZipFile, part: str) -> dict[tuple[int, int], str]:
    """Find the cells that hold an error, by row and column from 0."""
    data = archive.read(part)
    if b"<!DOCTYPE" in data[:4096] or b"<!ENTITY" in data[:4096]:
        raise SourceError("declares entities, as no spreadsheet program does; save it again from one.")
    found = {}
    for match in _ERROR.finditer(data):
        start, end = data.rfind(b"<", 0, match.start()), data.find(b">", match.end())
        place = _PLACE.search(data, start, end)
        if not place:
            raise SourceError(
                "has error cells that do not say where they are; save it again from a spreadsheet program."
            )
        column = 0
        for letter in place[1]:
            column = column * 26 + letter - 64
        closed = data[end - 1 : end] == b"/"
        value = None if closed else _VALUE.search(data, end, data.find(b"c>", end))
        found[int(place[2]) - 1, column - 1] = value[1].decode() if value else "#VALUE!"
    return found


def _put_errors(columns: list[pa.Array], errors: dict[tuple[int, int], str]) -> None:
    """Put the error cells where calamine has left blanks; only columns that have some are made anew."""
    for number in {column for _, column in errors if column < len(columns)}:
        cells = columns[number].to_pylist()
        for (row, column), text in errors.items():
            if column == number and row < len(cells):
                cells[row] = text
        columns[number] = pa.array(cells, pa.string())


def _parse(path: Path, sheet: str) -> tuple[list[pa.Array], dict[int, np.ndarray], dict[int, np.ndarray]]:
    """Read a sheet's cells, from A1 on, in a process that may fail."""
    # -P keeps the current folder off the path: a file there could have the name of a module.
    command = [sys.executable, "-P", "-m", "importer.read.cells", str(path.absolute()), sheet]
    try:
        child = subprocess.run(command, capture_output=True, check=False, timeout=PATIENCE)  # noqa: S603 - our own module
    except subprocess.TimeoutExpired:
        raise SourceError(f"could not be read within {PATIENCE} s; split it.") from None
    if child.returncode:
        said = child.stderr.decode(errors="replace").strip().splitlines()
        if child.returncode == 1 and said:
            raise SourceError(f"is damaged or of a kind that cannot be read: {said[-1]}.")
        raise SourceError("needs more memory than a spreadsheet should: delete what lies far below or beside the data.")
    table = pa.ipc.open_stream(child.stdout).read_all()
    columns: list[pa.Array] = []
    numbers: dict[int, np.ndarray] = {}
    damaged: dict[int, np.ndarray] = {}
    for name in table.column_names:
        kind, _, number = name.partition(" ")
        if kind == "text":
            columns.append(table[name].combine_chunks())
        else:
            {"number": numbers, "damaged": damaged}[kind][int(number)] = table[name].to_numpy()
    return columns, numbers, damaged


def _to_grid(
    sheet: str,
    columns: list[pa.Array],
    numbers: dict[int, np.ndarray],
    damaged: dict[int, np.ndarray],
    carried: Carried | None,
) -> Grid:
    """Take the first row with anything in it as the header."""
    height = len(columns[0]) if columns else 0
    first = next((row for row in range(height) if any((column[row].as_py() or "").strip() for column in columns)), None)
    if first is None:
        raise SourceError(f"has nothing in its sheet “{sheet}”.")
    below = first + 1
    if carried and below == height:
        raise SourceError("is a results workbook with nothing to fix in it.")
    return Grid(
        header=tuple(column[first].as_py() or "" for column in columns),
        header_row=below,
        columns=[column.slice(below) for column in columns],
        rows=np.arange(below + 1, height + 1),
        facts=(("format", "workbook"), ("sheet", sheet)),
        numbers={number: mask[below:] for number, mask in numbers.items()},
        damaged={number: mask[below:] for number, mask in damaged.items()},
        carried=carried,
    )


def _read_carried(path: Path) -> Carried | None:
    """Read what the sheet `Run` of a results workbook carries; None where the workbook is not ours."""
    columns, _, _ = _parse(path, "Run")
    rows = [tuple(cell or "" for cell in row) for row in zip(*(column.to_pylist() for column in columns), strict=True)]
    if not rows or rows[0][0] != TITLE:
        return None
    told = {row[0]: row[1] for row in rows if row[0] and len(row) > 1}
    start = next((number for number, row in enumerate(rows) if row[: len(CARRIED)] == CARRIED), len(rows))
    mapped: dict[str, str] = {}
    constants: dict[str, str] = {}
    decimal: dict[str, DecimalStyle] = {}
    order: dict[str, DateOrder] = {}
    mixed: set[str] = set()
    for row in rows[start + 1 :]:
        name, column, constant, decimal_style, date_order = row[: len(CARRIED)]
        if not name:
            break
        if column:
            mapped[column] = name
        if constant:
            constants[name] = constant
        if decimal_style in {"point", "comma"}:
            decimal[name] = cast("DecimalStyle", decimal_style)
        if MIXED in {decimal_style, date_order}:
            mixed.add(name)
        if date_order in {"dmy", "mdy", "ymd"}:
            order[name] = cast("DateOrder", date_order)
    return Carried(
        told.get("Run", ""), told.get("Target", ""), mapped, constants, Styles(decimal, order), frozenset(mixed)
    )
