"""XLSX, XLSM, XLSB, XLS, ODS: which sheet, what it carries, and its cells as text; parsed in a child of bounded memory.

calamine is eight times as fast as openpyxl, but ends its process where a workbook asks for more memory than there is:
hence the child.
"""

from __future__ import annotations

import io
import json
import posixpath
import re
import zipfile
import zlib
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final
from xml.etree import ElementTree as ET

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from importer.errors import SourceError
from importer.model import EXPLAINED, IDENTIFIERS, column_letters, quote
from importer.read import apart
from importer.read.carried import MENDING, RUN, read_carried
from importer.read.grid import Grid, tell_columns
from importer.read.scan import refuse_entities
from importer.read.shape import SAMPLE, find_header, titles

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from importer.model import Carried, Reading

LARGEST: Final = 4 << 30  # bytes of an unpacked workbook
SMALL: Final = 64 << 20  # bytes that any part may unpack to
THICKEST: Final = 200  # times that a larger part may be larger than it is packed
MOST_PARTS: Final = 10_000  # a sheet, an image or a comment is one or two
LONGEST_LIST: Final = 16 << 20  # bytes of what names the sheets
CHUNK: Final = 1 << 20  # bytes
COMPOUND: Final = b"\xd0\xcf\x11\xe0"
LOOKED_AT: Final = 8  # sheets that are looked into for a table
HEADERS: Final = 60  # rows that a header may be merged over
AREAS: Final = 5  # merged areas named
PADDED: Final = re.compile("0[0-9]+")
TOLD: Final = "Results"  # and its continuations, Results (2)
BROKEN: Final = (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, ValueError)  # archives
_NAMED: Final = re.compile(b"|".join(re.escape(MENDING.encode(encoding)) for encoding in ("ascii", "utf-16-le")))

_FILLED: Final = re.compile(rb"<(?:\w+:)?(?:v(?:\s[^<>]*)?>[^<]|is>)")


NAMES: Final = {"xlsx": "workbook", "xlsb": "workbook (xlsb)", "xls": "workbook (xls)", "ods": "workbook (ods)"}


class _Sheet:
    """A sheet's cells from A1 on: texts by column, null where empty; masks as in `Table`; and its marks."""

    def __init__(self, table: pa.Table) -> None:
        self.marks: dict[str, Any] = json.loads((table.schema.metadata or {})[b"marks"])
        self.texts: list[pa.Array] = []
        self.numbers: dict[int, np.ndarray] = {}
        self.damaged: dict[int, np.ndarray] = {}
        for name in table.column_names:
            kind, _, number = name.partition(" ")
            if kind == "text":
                texts = table[name]
                self.texts.append(texts.chunk(0) if texts.num_chunks == 1 else texts.combine_chunks())  # which copies
            else:
                masks = {"number": self.numbers, "damaged": self.damaged}[kind]
                mask = table[name].to_numpy()
                if mask.any():
                    masks[int(number)] = mask

    def sample(self, number: int) -> list[list[str]]:
        """Give the first records."""
        columns = [column.slice(0, number).to_pylist() for column in self.texts]
        return [[cell or "" for cell in row] for row in zip(*columns, strict=True)]


@dataclass(slots=True)
class _Book:
    """A workbook: its kind, its sheets, each with whether it is visible, and their parts of an XLSX archive."""

    data: bytes
    kind: str
    sheets: dict[str, bool]
    parts: dict[str, str] = field(default_factory=dict)
    read: dict[str, _Sheet] = field(default_factory=dict)

    def sheet(self, name: str) -> _Sheet:
        """Read a sheet, once."""
        if name not in self.read:
            self.read[name] = _parse(self.data, self.kind, name, self.parts.get(name, ""))
        return self.read[name]


def read(data: bytes, reading: Reading) -> Grid:
    """Read one sheet of a workbook; of a results workbook of ours, its sheet `To fix` and what that carries.

    Raises:
        SourceError: It is no workbook, damaged, hostile, or it is not clear which sheet is meant.
    """
    book = _open(data)
    carried = None
    asked = reading.sheet is None or reading.sheet.casefold() == MENDING.casefold()
    if asked:
        carried = _take_carried(book)
    name = MENDING if carried else _choose(book, reading.sheet)
    grid = _to_grid(book, name, carried, reading)
    return _mark_unpadded(book, grid, carried) if carried else grid


def find_carried(data: bytes) -> Carried | None:
    """Read what a results workbook of ours carries; None of any other workbook, which costs hardly anything.

    Raises:
        SourceError: It is no workbook, damaged, or hostile.
    """
    return _take_carried(_open(data)) if _may_be_ours(data) else None


def find_unpadded(data: bytes) -> dict[str, list[str]]:
    """Say of the columns of `To fix` what is left of texts with zeros before them that a program took for numbers.

    What the column has besides, as it is, is left out.

    Raises:
        SourceError: As `find_carried`.
    """
    columns = [[text or "" for text in column.to_pylist()] for column in _open(data).sheet(MENDING).texts]
    found = {}
    for header, *texts in filter(None, columns):
        if lost := _unpad(texts):
            found[header.strip()] = lost
    return found


def _unpad(texts: Sequence[str]) -> list[str]:
    return sorted({text.lstrip("0") or "0" for text in texts if PADDED.fullmatch(text)} - set(texts))


def _mark_unpadded(book: _Book, grid: Grid, carried: Carried) -> Grid:
    """Mark identifiers that were made numbers in `To fix`, and had zeros before them: `Results` still has those."""
    damaged = dict(grid.damaged)
    for position, mask in grid.numbers.items():
        header = grid.header[position].strip()
        if carried.columns.get(header) in IDENTIFIERS and mask.any():
            lost = pa.array(_unpad([text for name in book.sheets for text in _told(book, name, header)]), pa.string())
            unpadded = mask & np.asarray(pc.is_in(grid.columns[position], value_set=lost))
            damaged[position] = damaged.get(position, np.zeros(len(mask), dtype=bool)) | unpadded
    return replace(grid, damaged=damaged)


def _told(book: _Book, name: str, header: str) -> list[str]:
    """Read what a sheet of `Results` has in the source's column of that header: the last one, behind our own."""
    if name.partition(" (")[0] != TOLD:
        return []
    columns = [column.to_pylist() for column in book.sheet(name).texts if column.slice(0, 1).to_pylist() == [header]]
    return [text or "" for text in columns[-1][1:]] if columns else []


def _take_carried(book: _Book) -> Carried | None:
    if not {MENDING, RUN} <= set(book.sheets):
        return None
    columns = [column.to_pylist() for column in book.sheet(RUN).texts]
    return read_carried([tuple(cell or "" for cell in row) for row in zip(*columns, strict=True)])


def _may_be_ours(data: bytes) -> bool:
    """Look for the name of a sheet where formats keep them, since to list the sheets is to read some formats whole."""
    if data.startswith(COMPOUND):
        return _NAMED.search(data) is not None
    if data.count(b"PK\1\2") > MOST_PARTS:
        return False
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            _guard(archive)
            lists = ("xl/workbook.xml", "xl/workbook.bin", "content.xml")
            return any(_is_named(archive, name) for name in lists if name in archive.NameToInfo)
    except BROKEN:
        return False


def _is_named(archive: zipfile.ZipFile, name: str) -> bool:
    seen = b""
    with archive.open(name) as part:
        while chunk := part.read(CHUNK):
            seen = seen[-2 * len(MENDING) :] + chunk
            if _NAMED.search(seen):
                return True
    return False


def _open(data: bytes) -> _Book:
    if data.startswith(COMPOUND):
        return _open_compound(data)
    if data.count(b"PK\1\2") > MOST_PARTS:  # looked for first: the directory takes memory as it is read
        raise SourceError(f"has more than {MOST_PARTS:,} parts; save it again from a spreadsheet program.")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            _guard(archive)
            names = set(archive.namelist())
            if "xl/workbook.xml" in names:
                found = _sheets(archive)
                sheets = {name: shown for name, (_, shown) in found.items()}
                return _Book(data, "xlsx", sheets, {name: part for name, (part, _) in found.items()})
    except BROKEN as error:
        raise SourceError(
            f"is damaged: {str(error).rstrip('. ')}. Open it in a spreadsheet program and save it again."
        ) from None
    kind = "xlsb" if "xl/workbook.bin" in names else "ods" if "content.xml" in names else None
    if kind is None:
        raise SourceError("is a zip archive and no workbook; unpack it and name the file in it.")
    return _Book(data, kind, _list_sheets(data, kind))


def _open_compound(data: bytes) -> _Book:
    """Open what old Excel wrote, and what Excel wraps a locked workbook in: the names of its streams tell."""
    if _stream("EncryptedPackage") in data:
        raise SourceError("is protected by a password; save it without one.")
    if _stream("Workbook") not in data and _stream("Book") not in data:
        raise SourceError("is an old document and not a workbook, or was cut short; save the data as .xlsx.")
    return _Book(data, "xls", _list_sheets(data, "xls"))


def _stream(name: str) -> bytes:
    return name.encode("utf-16-le") + b"\0\0"


def _list_sheets(data: bytes, kind: str) -> dict[str, bool]:
    return dict(json.loads(apart.run(data, kind)))


def _guard(archive: zipfile.ZipFile) -> None:
    """Refuse what is locked, unpacks to more than anybody's export, or is read one way here and another way there."""
    total = 0
    seen: set[str] = set()
    for info in archive.infolist():
        if info.flag_bits & 1:
            raise SourceError("is protected by a password; save it without one.")
        if info.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
            raise SourceError("is packed in a way that no spreadsheet program does; save it again from one.")
        name = posixpath.normpath(info.filename.replace("\\", "/").casefold())
        if name in seen:
            raise SourceError(f"has two parts called {info.filename}; save it again from a spreadsheet program.")
        seen.add(name)
        total += info.file_size
        if total > LARGEST or info.file_size > max(SMALL, info.compress_size * THICKEST):
            raise SourceError("unpacks to far more than it holds; save it again from a spreadsheet program.")
    if _is_locked_ods(archive):
        raise SourceError("is protected by a password; save it without one.")
    for info in archive.infolist():
        if info.filename.endswith((".xml", ".rels")):
            with archive.open(info) as part:
                refuse_entities(part.read(4096))


def _is_locked_ods(archive: zipfile.ZipFile) -> bool:
    """Tell by the list of parts, which is the only one that is not locked."""
    manifest = "META-INF/manifest.xml"
    return manifest in archive.NameToInfo and b":encryption-data" in archive.read(manifest)


def _sheets(archive: zipfile.ZipFile) -> dict[str, tuple[str, bool]]:
    """Name the sheets: each with its part of the archive, and whether it is visible."""
    names = set(archive.namelist())
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
        if archive.getinfo(part).file_size > LONGEST_LIST:
            raise SourceError("has a list of sheets that is far too long; save it again from a spreadsheet program.")
        data = archive.read(part)
        refuse_entities(data)
        return ET.fromstring(data)  # noqa: S314 - without entities there is nothing to blow up
    except (KeyError, ET.ParseError):
        raise SourceError(f"is damaged: {part} cannot be read. Save it again from a spreadsheet program.") from None


def _choose(book: _Book, sheet: str | None) -> str:
    """Choose the sheet that is named, or the only visible one that holds a table."""
    if sheet is not None:
        found = next((name for name in book.sheets if name.casefold() == sheet.casefold()), None)
        if found is None:
            raise SourceError(f"has no sheet {sheet!r}; it has {quote(book.sheets)}.")
        return found
    visible = [name for name, shown in book.sheets.items() if shown]
    filled = visible if len(visible) == 1 else _find_filled(book, visible)
    if len(filled) <= LOOKED_AT:
        filled = [name for name in filled if not _is_explaining(book.sheet(name))]
    if not filled:
        hidden = quote(name for name, shown in book.sheets.items() if not shown)
        remedy = f"name a hidden one with --sheet: {hidden}" if hidden else "export the data again"
        raise SourceError(f"has no visible sheet with anything in it; {remedy}.")
    if 1 < len(filled) <= LOOKED_AT:
        filled = [name for name in filled if _is_table(book.sheet(name))] or filled
    if len(filled) > 1:
        raise SourceError(f"has several sheets with data: {quote(filled)}. Name one with --sheet.")
    return filled[0]


def _is_explaining(sheet: _Sheet) -> bool:
    """Tell the sheets by which a template of ours explains itself: they are never data."""
    return any(row and row[0].startswith(EXPLAINED) for row in sheet.sample(1))


def _find_filled(book: _Book, visible: list[str]) -> list[str]:
    if book.kind != "xlsx":
        return [name for name in visible if any(_is_text(column).true_count for column in book.sheet(name).texts)]
    with zipfile.ZipFile(io.BytesIO(book.data)) as archive:
        return [name for name in visible if _is_filled(archive, book.parts[name])]


def _is_table(sheet: _Sheet) -> bool:
    """Tell a table from notes: it has a header of several texts, and something below it."""
    records = sheet.sample(SAMPLE)
    if not any(map(any, records)):
        return False
    header = find_header(records, None)
    return sum(bool(text.strip()) for text in records[header]) > 1 and any(map(any, records[header + 1 :]))


def _is_filled(archive: zipfile.ZipFile, part: str) -> bool:
    """Look for the first value; a sheet of formats alone has none."""
    seen = b""
    with archive.open(part) as xml:
        while chunk := xml.read(CHUNK):
            seen = seen[-256:] + chunk
            if _FILLED.search(seen):
                return True
    return False


def _parse(data: bytes, kind: str, sheet: str, part: str) -> _Sheet:
    return _Sheet(pa.ipc.open_stream(apart.run(data, kind, sheet, part)).read_all())


def _to_grid(book: _Book, name: str, carried: Carried | None, reading: Reading) -> Grid:
    sheet = book.sheet(name)
    height = len(sheet.texts[0]) if sheet.texts else 0
    filled = [row for row in (pc.index(_is_text(column), value=True).as_py() for column in sheet.texts) if row >= 0]
    if carried and (not filled or min(filled) + 1 == height):
        raise SourceError("is a results workbook with nothing to fix in it: there is nothing to be done.")
    if not filled:
        raise SourceError(f"has nothing in its sheet “{name}”.")
    start = 0 if reading.header_row else min(filled)
    records = sheet.sample(max(start + SAMPLE, reading.header_row or 0))
    spread = _fill_merged(records, sheet.marks["merged"])
    found = (
        start
        if carried
        else start + find_header(records[start:], reading.header_row, {row - start for row in spread}, first=start + 1)
    )
    below = found + 1
    return Grid(
        header=tuple(records[found]),
        header_row=below,
        columns=[column.slice(below) for column in sheet.texts],
        rows=np.arange(below + 1, height + 1),
        facts=(("format", NAMES[book.kind]), ("sheet", name), *_tell_marks(book, name, below)),
        numbers={number: mask[below:] for number, mask in sheet.numbers.items()},
        damaged={number: mask[below:] for number, mask in sheet.damaged.items()},
        carried=carried,
        titles=titles(records[:found]),
        hidden=_rows_of(sheet.marks["hidden_rows"], height),
    )


def _fill_merged(records: list[list[str]], merged: Iterable[Sequence[int]]) -> set[int]:
    """Write what is merged downwards into each of its rows, one of which may be the header; name rows merged across."""
    spread = set()
    for top, left, bottom, right in merged:
        if top >= len(records) or left >= len(records[top]) or not records[top][left].strip():
            continue
        if right > left:
            spread.add(top)
        elif bottom < min(len(records), HEADERS):
            for row in range(top + 1, bottom + 1):
                records[row][left] = records[row][left] or records[top][left]
    return spread


def _rows_of(stretches: Iterable[Sequence[int]], height: int) -> np.ndarray | None:
    """Give the row numbers of hidden stretches, as far as there are rows."""
    found = [np.arange(first, min(last, height - 1) + 1) + 1 for first, last in stretches]
    return np.concatenate(found) if found else None


def _tell_marks(book: _Book, name: str, header_row: int) -> Iterable[tuple[str, str]]:
    """Say what the eye does not see, and what is read of it."""
    marks = book.sheet(name).marks
    width = len(book.sheet(name).texts)
    hidden = [other for other, shown in book.sheets.items() if not shown and other != name]
    if hidden:
        yield "hidden sheets, not read", quote(hidden)
    others = [other for other, shown in book.sheets.items() if shown and other != name]
    if others:
        yield "other sheets, not read", quote(others)
    columns = np.zeros(width, dtype=bool)
    for first, last in marks["hidden_columns"]:
        columns[max(first, 0) : max(last + 1, 0)] = True
    if columns.any():
        yield "hidden columns, read", tell_columns(np.flatnonzero(columns).tolist())
    if marks["filtered"]:
        yield "filter", "active"
    merged = [area for area in marks["merged"] if area[0] >= header_row]
    if merged:
        areas = [
            f"{column_letters(left)}{top + 1}:{column_letters(right)}{bottom + 1}"
            for top, left, bottom, right in merged
        ]
        more = " and more" if len(areas) > AREAS else ""
        yield "merged cells, read as their first cell", ", ".join(areas[:AREAS]) + more


def _is_text(column: pa.Array) -> pa.Array:
    return pc.fill_null(pc.greater(pc.utf8_length(pc.utf8_trim_whitespace(column)), 0), fill_value=False)
