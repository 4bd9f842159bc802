"""XLSX and XLSM: which sheet, what it carries, and its cells as text; parsed in a child process of bounded memory.

calamine is eight times as fast as openpyxl, but ends its process where a workbook asks for more memory than there is:
hence the child.
"""

from __future__ import annotations

import io
import posixpath
import re
import subprocess
import sys
import zipfile
import zlib
from typing import TYPE_CHECKING, Final, cast, get_args
from xml.etree import ElementTree as ET

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from importer.errors import SourceError
from importer.model import MIXED, Bundling, Carried, DateOrder, DecimalStyle, Styles
from importer.read.grid import Grid

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

LARGEST: Final = 4 << 30  # bytes of an unpacked workbook
THICKEST: Final = 1000  # times that a part may be larger than it is packed
PATIENCE: Final = 600  # seconds for the child
TOLD: Final = 3  # exit code of the child: what it says on stderr is a sentence
TITLE: Final = "Invoice importer"  # in A1 of the sheet `Run` of our own workbooks
CARRIED: Final = ("Field", "Column", "Constant", "Decimal", "Date order")
MENDING: Final = "To fix"
CHUNK: Final = 1 << 20  # bytes

_FILLED: Final = re.compile(rb"<(?:\w+:)?(?:v(?:\s[^>]*)?>[^<]|is>)")


class _Sheet:
    """A sheet's cells from A1 on: texts by column, null where empty; masks as in `Table`."""

    def __init__(self, table: pa.Table) -> None:
        self.texts: list[pa.Array] = []
        self.numbers: dict[int, np.ndarray] = {}
        self.damaged: dict[int, np.ndarray] = {}
        for name in table.column_names:
            kind, _, number = name.partition(" ")
            if kind == "text":
                self.texts.append(table[name].combine_chunks())
            else:
                masks = {"number": self.numbers, "damaged": self.damaged}[kind]
                masks[int(number)] = table[name].to_numpy()


def read(data: bytes, sheet: str | None) -> Grid:
    """Read one sheet of a workbook; of a results workbook of ours, its sheet `To fix` and what that carries.

    Raises:
        SourceError: It is no workbook, damaged, hostile, or it is not clear which sheet is meant.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            _guard(archive)
            parts = _sheets(archive)
            carried = None
            if {MENDING, "Run"} <= set(parts) and (sheet is None or sheet.casefold() == MENDING.casefold()):
                carried = _read_carried(_parse(data, "Run", parts["Run"][0]))
            name = MENDING if carried else _choose(archive, parts, sheet)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, ValueError) as error:
        raise SourceError(f"is damaged: {error}. Open it in a spreadsheet program and save it again.") from None
    return _to_grid(name, _parse(data, name, parts[name][0]), carried)


def _guard(archive: zipfile.ZipFile) -> None:
    """Refuse what is locked, unpacks to more than anybody's export, or declares entities."""
    total = 0
    for info in archive.infolist():
        if info.flag_bits & 1:
            raise SourceError("is protected by a password; save it without one.")
        total += info.file_size
        if total > LARGEST or info.file_size > max(CHUNK, info.compress_size * THICKEST):
            raise SourceError("unpacks to far more than it holds; save it again from a spreadsheet program.")
    for info in archive.infolist():
        if info.filename.endswith((".xml", ".rels")):
            with archive.open(info) as part:
                _refuse_entities(part.read(4096))


def _refuse_entities(xml: bytes) -> None:
    # UTF-16 would hide what is looked for, here and in the child; no spreadsheet program writes it.
    if b"<!DOCTYPE" in xml or b"<!ENTITY" in xml or b"\0" in xml:
        raise SourceError("declares entities, as no spreadsheet program does; save it again from one.")


def _sheets(archive: zipfile.ZipFile) -> dict[str, tuple[str, bool]]:
    """Name the sheets: each with its part of the archive, and whether it is visible."""
    names = set(archive.namelist())
    if "xl/workbook.xml" not in names:
        if "content.xml" in names:
            raise SourceError("is an OpenDocument spreadsheet; save it as .xlsx.")
        if "xl/workbook.bin" in names:
            raise SourceError("is a binary workbook (.xlsb); save it as .xlsx.")
        raise SourceError("is a zip archive and no workbook; unpack it and name the file in it.")
    relations = {
        relation.get("Id"): posixpath.normpath(posixpath.join("/xl", relation.get("Target", ""))).lstrip("/")
        for relation in _xml(archive, "xl/_rels/workbook.xml.rels")
        if relation.get("Type", "").endswith("/worksheet")
    }
    sheets = {}
    for element in _xml(archive, "xl/workbook.xml").iter():
        if element.tag.endswith("}sheet"):
            identity = next((value for key, value in element.attrib.items() if key.endswith("}id")), "")
            part = relations.get(identity, "")
            if part in names:
                sheets[element.get("name", "")] = (part, element.get("state", "visible") == "visible")
    return sheets


def _xml(archive: zipfile.ZipFile, part: str) -> ET.Element:
    try:
        data = archive.read(part)
        _refuse_entities(data)
        return ET.fromstring(data)  # noqa: S314 - without entities there is nothing to blow up
    except (KeyError, ET.ParseError):
        raise SourceError(f"is damaged: {part} cannot be read. Save it again from a spreadsheet program.") from None


def _choose(archive: zipfile.ZipFile, parts: Mapping[str, tuple[str, bool]], sheet: str | None) -> str:
    if sheet is not None:
        found = next((name for name in parts if name.casefold() == sheet.casefold()), None)
        if found is None:
            raise SourceError(f"has no sheet {sheet!r}; it has {_quote(parts)}.")
        return found
    visible = [name for name, (_, shown) in parts.items() if shown]
    filled = visible if len(visible) == 1 else [name for name in visible if _is_filled(archive, parts[name][0])]
    if not filled:
        raise SourceError("has no visible sheet with anything in it; name a hidden one with --sheet.")
    if len(filled) > 1:
        raise SourceError(f"has several sheets with data: {_quote(filled)}. Name one with --sheet.")
    return filled[0]


def _quote(names: Iterable[str]) -> str:
    return ", ".join(f"“{name}”" for name in names)


def _is_filled(archive: zipfile.ZipFile, part: str) -> bool:
    """Look for the first value; a sheet of formats alone has none."""
    seen = b""
    with archive.open(part) as xml:
        while chunk := xml.read(CHUNK):
            seen = seen[-256:] + chunk
            if _FILLED.search(seen):
                return True
    return False


def _parse(data: bytes, sheet: str, part: str) -> _Sheet:
    """Read a sheet's cells in a process that may fail."""
    # -P keeps the current folder off the path: a file there could have the name of a module.
    command = [sys.executable, "-P", "-m", "importer.read.cells", sheet, part]
    try:
        child = subprocess.run(command, input=data, capture_output=True, check=False, timeout=PATIENCE)  # noqa: S603 - our own module
    except subprocess.TimeoutExpired:
        raise SourceError(f"could not be read within {PATIENCE} s; split it.") from None
    said = child.stderr.decode(errors="replace").strip()
    if child.returncode == TOLD:
        raise SourceError(said)
    if child.returncode == 1:
        raise SourceError(f"is damaged or of a kind that cannot be read: {said.splitlines()[-1]}.")
    if child.returncode:
        raise SourceError("needs more memory than a spreadsheet should: delete what lies far below or beside the data.")
    return _Sheet(pa.ipc.open_stream(child.stdout).read_all())


def _to_grid(name: str, sheet: _Sheet, carried: Carried | None) -> Grid:
    """Take the first row with anything in it as the header."""
    filled = [pc.index(_is_text(column), value=True).as_py() for column in sheet.texts]
    first = min((row for row in filled if row >= 0), default=None)
    if carried and (first is None or first + 1 == len(sheet.texts[0])):
        raise SourceError("is a results workbook with nothing to fix in it.")
    if first is None:
        raise SourceError(f"has nothing in its sheet “{name}”.")
    below = first + 1
    return Grid(
        header=tuple(column[first].as_py() or "" for column in sheet.texts),
        header_row=below,
        columns=[column.slice(below) for column in sheet.texts],
        rows=np.arange(below + 1, len(sheet.texts[0]) + 1),
        facts=(("format", "workbook"), ("sheet", name)),
        numbers={number: mask[below:] for number, mask in sheet.numbers.items()},
        damaged={number: mask[below:] for number, mask in sheet.damaged.items()},
        carried=carried,
    )


def _is_text(column: pa.Array) -> pa.Array:
    return pc.fill_null(pc.greater(pc.utf8_length(pc.utf8_trim_whitespace(column)), 0), fill_value=False)


def _read_carried(sheet: _Sheet) -> Carried | None:
    """Read what the sheet `Run` of a results workbook carries; None where the workbook is not ours."""
    columns = [column.to_pylist() for column in sheet.texts]
    rows = [tuple(cell or "" for cell in row) for row in zip(*columns, strict=True)]
    if not rows or rows[0][0] != TITLE:
        return None
    start = next((number for number, row in enumerate(rows) if row[: len(CARRIED)] == CARRIED), len(rows))
    told = {row[0]: row[1] for row in reversed(rows[:start]) if len(row) > 1}  # of one name, the first holds
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
        if decimal_style in get_args(DecimalStyle):
            decimal[name] = cast("DecimalStyle", decimal_style)
        if date_order in get_args(DateOrder):
            order[name] = cast("DateOrder", date_order)
        if MIXED in {decimal_style, date_order}:
            mixed.add(name)
    by = tuple(told[name] for name in sorted(told, key=len) if re.fullmatch("Bundle by( [0-9]+)?", name))
    return Carried(
        told.get("Run", ""),
        told.get("Target", ""),
        mapped,
        constants,
        Styles(decimal, order),
        frozenset(mixed),
        Bundling(by, "Claim lines" in told) if by else None,
    )
