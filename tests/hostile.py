"""Hostile files, and what each costs: `python tests/hostile.py` measures; with `--write PAGE` into its table.

Each is made when it is needed, small or as a sparse stream, and is read by `importer peek` in a process of its own.
"""

from __future__ import annotations

import argparse
import gzip
import io
import json
import os
import re
import struct
import subprocess
import sys
import tempfile
import warnings
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "corpus"))

from typing import TYPE_CHECKING

import writers
from writers import RELATION, XLSX, Error, Sheet
from xlwt.CompoundDoc import XlsDoc

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

PROGRAM = (sys.executable, "-c", "from importer.cli import main; main(prog_name='importer')")
MEGABYTE = 1 << 20
SMALL = Sheet([["Invoice", "Amount"], ["A-1", 10.5], ["A-2", 20]])
SHOWN = 200  # signs of a sentence
HEADING = "| file | bytes | seconds | MB | ends with |\n|---|---:|---:|---:|---|\n"


@dataclass(frozen=True)
class Hostile:
    """A hostile file.

    Attributes:
        name: Of the file.
        make: Gives its content, in parts.
        said: What the sentence has in it that refuses it; blank where it is read.
        options: Given to `peek`.
        soak: Whether it takes long, or gigabytes.
    """

    name: str
    make: Callable[[], Iterable[bytes]]
    said: str = ""
    options: tuple[str, ...] = ()
    soak: bool = False

    def write(self, folder: Path) -> Path:
        path = folder / self.name
        with path.open("wb") as file:
            for part in self.make():
                file.write(part)
        return path


@dataclass(frozen=True)
class Cost:
    """How reading ended: *megabytes* are the peak of the largest process."""

    code: int
    said: str
    seconds: float
    megabytes: int


# What a process was before it became another counts to its peak: hence a small one in between.
MEASURE = """
import json, os, sys, time
began = time.monotonic()
pid = os.posix_spawn(sys.argv[2], sys.argv[2:], os.environ)
_, status, used = os.wait4(pid, 0)
with open(sys.argv[1], "w") as file:
    json.dump([os.waitstatus_to_exitcode(status), time.monotonic() - began, used.ru_maxrss], file)
"""


def look(path: Path, workspace: Path, *options: str) -> Cost:
    """Run `importer peek` on *path* in a process of its own, and measure it."""
    with tempfile.TemporaryDirectory() as folder:
        figures = Path(folder) / "figures"
        ended = subprocess.run(
            [sys.executable, "-S", "-c", MEASURE, figures, *PROGRAM, "peek", path, *options],
            cwd=workspace,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=True,
        )
        code, seconds, kilobytes = json.loads(figures.read_text())
    return Cost(code, ended.stderr.decode(), seconds, kilobytes * 1024 // MEGABYTE)


def archive(parts: dict[str, bytes | str], kind: int = zipfile.ZIP_DEFLATED) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", kind) as file:
        for name, content in parts.items():
            file.writestr(name, content)
    return packed.getvalue()


def unpacked(data: bytes) -> dict[str, bytes | str]:
    with zipfile.ZipFile(io.BytesIO(data)) as file:
        return {name: file.read(name) for name in file.namelist()}


def changed(data: bytes, **parts: bytes) -> bytes:
    """Replace parts of a workbook; in their names, `__` stands for `/` and the ending is left out."""
    found = unpacked(data)
    ends = {"rels": ".rels"}
    for name, content in parts.items():
        place = name.replace("__", "/") + ends.get(name.rpartition("_")[2], ".xml")
        found[place] = content
    return archive(found)


def sheet_xml(rows: bytes | str, before: str = "") -> bytes:
    rows = rows if isinstance(rows, bytes) else rows.encode()
    return b"%b<worksheet xmlns='%b'><sheetData>%b</sheetData></worksheet>" % (before.encode(), XLSX.encode(), rows)


def with_sheet(xml: bytes) -> bytes:
    return changed(writers.xlsx(SMALL), xl__worksheets__sheet1=xml)


CELLS = (
    '<row r="1"><c r="A1" t="inlineStr"><is><t>Invoice</t></is></c>'
    '<c r="B1" t="inlineStr"><is><t>Amount</t></is></c></row>'
)


def with_cell(place: str) -> bytes:
    row = int(re.sub("[A-Z]", "", place))
    return with_sheet(sheet_xml(f'{CELLS}<row r="{row}"><c r="{place}"><v>1</v></c></row>'))


def lying(data: bytes, part: str, size: int) -> bytes:
    """Change the unpacked size of a part, and its sum, in the directory and before the part itself."""
    with zipfile.ZipFile(io.BytesIO(data)) as file:
        info = file.getinfo(part)
        said = struct.pack("<I", zlib.crc32(file.read(part)[:size]))
    changed_ = bytearray(data)
    for place, start in ((info.header_offset, 14), (data.rfind(b"PK\1\2", 0, data.rfind(part.encode())), 16)):
        changed_[place + start : place + start + 4] = said
        changed_[place + start + 8 : place + start + 12] = struct.pack("<I", size)
    return bytes(changed_)


def overlapping() -> bytes:
    """Let many entries of the directory name one and the same part."""
    data = archive({"xl/workbook.xml": b"x", "xl/a.xml": b"y" * MEGABYTE})
    directory = data.index(b"PK\1\2")
    second = data.index(b"PK\1\2", directory + 1)
    end = data.index(b"PK\5\6")
    entries = [data[second:end].replace(b"a.xml", b"%c.xml" % letter) for letter in range(97, 123)]
    listed = data[directory:second] + b"".join(entries)
    number = struct.pack("<HH", len(entries) + 1, len(entries) + 1)
    return data[:directory] + listed + b"PK\5\6\0\0\0\0" + number + struct.pack("<IIH", len(listed), directory, 0)


def twice() -> bytes:
    packed = io.BytesIO()
    other = sheet_xml(CELLS + '<row r="2"><c r="A2"><v>7</v></c></row>')
    parts = unpacked(writers.xlsx(SMALL))
    with zipfile.ZipFile(packed, "w") as file:
        for name, content in parts.items():
            file.writestr(name, content)
        with warnings.catch_warnings(action="ignore"):
            file.writestr("xl/worksheets/sheet1.xml", other)
    return packed.getvalue()


def laughs(levels: int = 12) -> str:
    entities = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, levels))
    return f'<!DOCTYPE x [<!ENTITY a0 "ha">{entities}]>'


def compound(streams: dict[str, bytes]) -> bytes:
    """Write a compound file of one sector a stream ([MS-CFB]): enough to be told by its names."""
    names = ["Root Entry", *streams]
    entries = b""
    for number, name in enumerate(names):
        wide = name.encode("utf-16-le")
        kind = 5 if not number else 2
        child = 1 if not number else 0xFFFFFFFF
        following = number + 1 if 0 < number < len(names) - 1 else 0xFFFFFFFF
        size = 0 if not number else max(4096, len(streams[name]))
        entries += wide.ljust(64, b"\0") + struct.pack("<HBBIII", len(wide) + 2, kind, 1, 0xFFFFFFFF, following, child)
        entries += bytes(36) + struct.pack("<IQ", 0xFFFFFFFE if not number else 2 + 8 * (number - 1), size)
    entries = entries.ljust(-(-len(entries) // 512) * 512, b"\0")
    return (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504) + entries + b"".join(streams.values())).ljust(8192, b"\0")


def biff(change: Callable[[bytes], bytes]) -> bytes:
    """Change the stream of records of an XLS."""
    import xlwt

    book = xlwt.Workbook()
    page = book.add_sheet("Data")
    for r, row in enumerate(SMALL.rows):
        for c, cell in enumerate(row):
            page.write(r, c, cell)
    stream = change(book.get_biff_data())
    packed = io.BytesIO()
    XlsDoc().save(packed, stream)
    return packed.getvalue()


def locked_xls(method: bytes) -> Callable[[bytes], bytes]:
    """Put FILEPASS ([MS-XLS] 2.4.117) behind the first record."""
    record = struct.pack("<HH", 0x2F, len(method)) + method

    def change(stream: bytes) -> bytes:
        first = 4 + struct.unpack_from("<H", stream, 2)[0]
        return stream[:first] + record + stream[first:]

    return change


def record_length(kind: int, length: int) -> Callable[[bytes], bytes]:
    """Let the first record of a kind lie about its length."""

    def change(stream: bytes) -> bytes:
        place = 0
        while struct.unpack_from("<H", stream, place)[0] != kind:
            place += 4 + struct.unpack_from("<H", stream, place + 2)[0]
        return stream[: place + 2] + struct.pack("<H", length) + stream[place + 4 :]

    return change


def xls_corner(stream: bytes) -> bytes:
    """Move the last number to the last row and column."""
    place = stream.rfind(struct.pack("<HH", 0x027E, 10))
    return stream[: place + 4] + struct.pack("<HH", 65535, 255) + stream[place + 8 :]


def xlsb_with(records: bytes) -> bytes:
    """Put records before the end of the rows."""
    parts = unpacked(writers.xlsb(SMALL))
    part = parts["xl/worksheets/sheet1.bin"]
    assert isinstance(part, bytes)
    end = part.rfind(writers._record(146))
    parts["xl/worksheets/sheet1.bin"] = part[:end] + records + part[end:]
    return archive(parts)


def ods_with(rows: str, before: str = "") -> bytes:
    parts = unpacked(writers.ods(SMALL))
    content = parts["content.xml"]
    assert isinstance(content, bytes)
    parts["content.xml"] = before.encode() + content.replace(b"</table:table>", rows.encode() + b"</table:table>")
    return archive(parts)


def ods_locked() -> bytes:
    parts = unpacked(writers.ods(SMALL))
    parts["content.xml"] = os.urandom(900)
    parts["META-INF/manifest.xml"] = (
        '<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0">'
        '<manifest:file-entry manifest:full-path="content.xml" manifest:media-type="text/xml" manifest:size="3000">'
        '<manifest:encryption-data manifest:checksum-type="SHA1/1K" manifest:checksum="x">'
        '<manifest:algorithm manifest:algorithm-name="Blowfish CFB" manifest:initialisation-vector="x"/>'
        "</manifest:encryption-data></manifest:file-entry></manifest:manifest>"
    )
    return archive(parts, zipfile.ZIP_STORED)


def remote(address: str = "http://127.0.0.1:9/") -> bytes:
    """Refer to an address wherever a workbook can."""
    relation = (
        '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
        + "".join(
            f'<Relationship Id="x{n}" Type="{RELATION}/{kind}" Target="{address}{kind}" TargetMode="External"/>'
            for n, kind in enumerate(("externalLinkPath", "image", "hyperlink", "oleObject", "attachedTemplate"))
        )
        + "</Relationships>"
    )
    found = unpacked(writers.xlsx(SMALL))
    book = found["xl/workbook.xml"]
    assert isinstance(book, bytes)
    return archive(
        found
        | {
            "xl/workbook.xml": book.replace(
                b"</sheets>", b'</sheets><externalReferences><externalReference r:id="x0"/></externalReferences>'
            ),
            "xl/externalLinks/externalLink1.xml": f'<externalLink xmlns="{XLSX}" xmlns:r="{RELATION}">'
            '<externalBook r:id="x0"/></externalLink>',
            "xl/externalLinks/_rels/externalLink1.xml.rels": relation,
            "xl/worksheets/_rels/sheet1.xml.rels": relation,
            "xl/connections.xml": f'<connections xmlns="{XLSX}"><connection id="1" name="c" type="4" refreshOnLoad="1">'
            f'<webPr url="{address}connection" xml="1"/></connection></connections>',
            "xl/drawings/_rels/drawing1.xml.rels": relation,
        }
    )


def with_number(data: bytes, place: int, number: int) -> bytes:
    return data[:place] + struct.pack("<I", number) + data[place + 4 :]


def parts_of(total: int, part: bytes) -> Iterator[bytes]:
    for _ in range(total // len(part)):
        yield part


def one(make: Callable[[], bytes]) -> Callable[[], Iterable[bytes]]:
    return lambda: [make()]


def deep(depth: int) -> bytes:
    return with_sheet(sheet_xml(CELLS + "<row><c>" + "<x>" * depth + "</x>" * depth + "</c></row>"))


def columns_of_blank(width: int, rows: int) -> Callable[[], Iterable[bytes]]:
    return lambda: [b"Invoice,Amount" + b"," * (width - 2) + b"\n", *([b"A-1,10" + b"," * (width - 2) + b"\n"] * rows)]


def wide_workbook(rows: int, *, header: bool) -> bytes:
    """Fill all columns that a sheet has; without *header*, all but two have no heading."""
    names = [f"c{n}" if header or n < 2 else None for n in range(16_384)]
    return writers.xlsx(Sheet([names, *([[f"v{r}"] * 16_384] for r in range(rows))]))


def styled(rows: int) -> bytes:
    lines = "".join(f'<row r="{r}"><c r="A{r}" s="1"/><c r="B{r}" s="1"/></row>' for r in range(4, rows + 1))
    body = CELLS + '<row r="2"><c r="A2"><v>7</v></c><c r="B2"><v>8</v></c></row>' + lines
    return with_sheet(sheet_xml(body))


def bomb_of_strings(size: int) -> bytes:
    """One shared string of so many letters."""
    text = b"<sst xmlns='%b'><si><t>" % XLSX.encode() + b"a" * size + b"</t></si></sst>"
    return changed(
        with_sheet(sheet_xml(CELLS + '<row r="2"><c r="A2" t="s"><v>0</v></c></row>')), xl__sharedStrings=text
    )


def many_strings(size: int, number: int) -> bytes:
    """Repeat one long shared string in many cells."""
    text = b"<sst xmlns='%b'><si><t>%b</t></si></sst>" % (XLSX.encode(), os.urandom(size // 2).hex().encode())
    cells = "".join(f'<row r="{r}"><c r="A{r}" t="s"><v>0</v></c></row>' for r in range(2, number + 2))
    return changed(with_sheet(sheet_xml(CELLS + cells)), xl__sharedStrings=text)


def many_parts(number: int) -> bytes:
    """Write a directory of so many parts, all of them empty, sign by sign."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as file:
        for name in ("xl/workbook.xml", *(f"x{n}.xml" for n in range(number))):
            file.writestr(zipfile.ZipInfo(name), b"")
    return packed.getvalue()


def repeated(rows: str, columns: str, cell: str) -> bytes:
    return ods_with(
        f'<table:table-row table:number-rows-repeated="{rows}">'
        f'<table:table-cell table:number-columns-repeated="{columns}"{cell}</table:table-row>'
    )


VALUE = ' office:value-type="float" office:value="1"><text:p>1</text:p></table:table-cell>'
ERROR = (
    ' office:value-type="string" office:string-value="" calcext:value-type="error"><text:p>#N/A</text:p>'
    "</table:table-cell>"
)
EMPTY = "/>"

MEMORY = "needs more memory than a spreadsheet should"
DAMAGED = "is damaged"
BOMB = "unpacks to far more than it holds"
ENTITIES = "declares entities"
LOCKED = "is protected by a password"

FILES = (
    # zip
    Hostile("zip-bomb.xlsx", one(lambda: with_sheet(sheet_xml(b" " * (64 * MEGABYTE)))), BOMB),
    Hostile("bomb-of-one-string.xlsx", one(lambda: bomb_of_strings(200 * MEGABYTE)), BOMB),
    Hostile("string-repeated.xlsx", one(lambda: many_strings(MEGABYTE, 20_000)), MEMORY),
    Hostile(
        "lying-size.xlsx", one(lambda: lying(bomb_of_strings(200 * MEGABYTE), "xl/sharedStrings.xml", 999)), DAMAGED
    ),
    Hostile(
        "lying-size-of-sheet.xlsx",
        one(lambda: lying(with_sheet(sheet_xml(b" " * (64 * MEGABYTE))), "xl/worksheets/sheet1.xml", 99)),
        DAMAGED,
    ),
    Hostile("overlapping.xlsx", one(overlapping), DAMAGED),
    Hostile(
        "zip-in-zip.xlsx", one(lambda: archive({"a.zip": archive({"b.zip": bytes(MEGABYTE)})})), "is a zip archive"
    ),
    Hostile("parts.xlsx", one(lambda: many_parts(200_000)), "parts"),
    Hostile("twice.xlsx", one(twice), "twice"),
    Hostile("bzip2.xlsx", one(lambda: archive(unpacked(writers.xlsx(SMALL)), zipfile.ZIP_BZIP2)), "is packed in a way"),
    Hostile("lzma.xlsx", one(lambda: archive(unpacked(writers.xlsx(SMALL)), zipfile.ZIP_LZMA)), "is packed in a way"),
    Hostile(
        "absolute-names.xlsx",
        one(lambda: archive(unpacked(writers.xlsx(SMALL)) | {"/etc/x": "x", "../../x": "x", "C:\\x": "x"})),
    ),
    # xml
    Hostile("laughs.xlsx", one(lambda: with_sheet(sheet_xml(CELLS.replace("Invoice", "&a11;"), laughs()))), ENTITIES),
    Hostile(
        "laughs-deep.xlsx",
        one(
            lambda: with_sheet(b"<!--" + b" " * 9000 + b"-->" + sheet_xml(CELLS.replace("Invoice", "&a11;"), laughs()))
        ),
        ENTITIES,
    ),
    Hostile("laughs.ods", one(lambda: ods_with("", "<!--" + " " * 9000 + "-->" + laughs())), ENTITIES),
    Hostile(
        "external-entity.xlsx",
        one(lambda: with_sheet(sheet_xml(CELLS, '<!DOCTYPE x SYSTEM "http://127.0.0.1:9/x.dtd">'))),
        ENTITIES,
    ),
    Hostile("remote.xlsx", one(remote)),
    Hostile(
        "attribute.xlsx",
        one(
            lambda: with_sheet(
                sheet_xml(f'{CELLS}<row r="2" x="{os.urandom(8 * MEGABYTE).hex()}"><c r="A2"><v>1</v></c></row>')
            )
        ),
    ),
    Hostile("deep.xlsx", one(lambda: deep(1_000_000)), DAMAGED),
    Hostile(
        "deep-list.xlsx",
        one(lambda: changed(writers.xlsx(SMALL), xl__workbook=b"<x>" * 1_000_000 + b"</x>" * 1_000_000)),
        "has no visible sheet",
    ),
    Hostile(
        "deep.ods",
        one(
            lambda: ods_with(
                "<table:table-row><table:table-cell>"
                + '<text:p calcext:value-type="error">' * 300_000
                + "</text:p>" * 300_000
                + "</table:table-cell></table:table-row>"
            )
        ),
        "",
    ),
    Hostile(
        "nested-tables.ods",
        one(
            lambda: ods_with(
                "<table:table-row><table:table-cell>"
                + "<table:table table:name='x'><table:table-row><table:table-cell>" * 10_000
                + "</table:table-cell></table:table-row></table:table>" * 10_000
                + "</table:table-cell></table:table-row>"
            )
        ),
    ),
    Hostile(
        "crossed.ods",
        one(lambda: ods_with("<table:table-row><table:table-cell></table:table></table:table-cell></table:table-row>")),
        DAMAGED,
    ),
    Hostile(
        "open-errors.xlsx", one(lambda: with_sheet(sheet_xml(CELLS + "<row>" + ' <c r="A2" t="e">' * 200_000))), DAMAGED
    ),
    Hostile("open-tags.xlsx", one(lambda: with_sheet(sheet_xml(CELLS + "<row " * 300_000 + "hidden<f "))), DAMAGED),
    Hostile(
        "open-columns.xlsx", one(lambda: with_sheet(b"<worksheet><cols>" + b"<col " * 300_000 + b"hidden")), DAMAGED
    ),
    Hostile(
        "spaces-after-formula.xlsx",
        one(lambda: with_sheet(sheet_xml(CELLS + f'<row r="2"><c r="A2"><f>1</f>{" " * 300_000}<x/></c></row>'))),
        DAMAGED,
    ),
    Hostile(
        "errors-in-text.xlsx",
        one(
            lambda: with_sheet(
                sheet_xml(
                    CELLS + '<row r="2"><c r="A2" t="inlineStr"><is><t>' + ' t="e"' * 300_000 + "</t></is></c></row>"
                )
            )
        ),
        "",
    ),
    # places
    Hostile("last-corner.xlsx", one(lambda: with_cell("XFD1048576")), MEMORY),
    Hostile("last-row.xlsx", one(lambda: with_cell("A1048576"))),
    Hostile("last-row-z.xlsx", one(lambda: with_cell("Z1048576")), soak=True),
    Hostile("last-column.xlsx", one(lambda: with_cell("XFD2"))),
    Hostile("beyond.xlsx", one(lambda: with_cell("ZZZZZZ99999999")), MEMORY),
    Hostile("row-zero.xlsx", one(lambda: with_cell("A0")), DAMAGED),
    Hostile(
        "lying-dimension.xlsx",
        one(
            lambda: with_sheet(
                sheet_xml(CELLS + '<row r="2"><c r="A2"><v>1</v></c></row>').replace(
                    b"<sheetData>", b'<dimension ref="A1:XFD1048576"/><sheetData>'
                )
            )
        ),
    ),
    Hostile(
        "error-corner.xlsx",
        one(lambda: with_sheet(sheet_xml(CELLS + '<row r="1048576"><c r="XFD1048576" t="e"><v>#N/A</v></c></row>'))),
        MEMORY,
    ),
    Hostile(
        "merged-all.xlsx",
        one(
            lambda: with_sheet(
                sheet_xml(CELLS + '<row r="2"><c r="A2"><v>1</v></c></row>').replace(
                    b"</sheetData>", b'</sheetData><mergeCells count="1"><mergeCell ref="A1:XFD1048576"/></mergeCells>'
                )
            )
        ),
        "",
    ),
    Hostile(
        "hidden-columns.xlsx",
        one(
            lambda: with_sheet(
                sheet_xml(CELLS + '<row r="2"><c r="A2"><v>1</v></c></row>').replace(
                    b"<sheetData>", b'<cols><col min="1" max="99999999999" hidden="1"/></cols><sheetData>'
                )
            )
        ),
    ),
    Hostile("all-columns.xlsx", one(lambda: wide_workbook(5, header=True)), soak=True),
    Hostile("blank-headers.xlsx", one(lambda: wide_workbook(5, header=False))),
    Hostile("styled-emptiness.xlsx", one(lambda: styled(1_048_576))),
    # locked
    Hostile(
        "locked-agile.xlsx",
        one(
            lambda: compound(
                {
                    "EncryptionInfo": b"\4\0\4\0\x40\0\0\0<?xml version='1.0'?>".ljust(4096, b" "),
                    "EncryptedPackage": os.urandom(4096),
                }
            )
        ),
        LOCKED,
    ),
    Hostile(
        "locked-standard.xlsb",
        one(lambda: compound({"EncryptionInfo": b"\3\0\2\0".ljust(4096, b"\0"), "EncryptedPackage": os.urandom(4096)})),
        LOCKED,
    ),
    Hostile("locked-rc4.xls", one(lambda: biff(locked_xls(struct.pack("<HHH", 1, 1, 1) + bytes(48)))), LOCKED),
    Hostile("locked-xor.xls", one(lambda: biff(locked_xls(struct.pack("<HHH", 0, 0x1234, 0x5678)))), LOCKED),
    Hostile("locked.ods", one(ods_locked), LOCKED),
    # binary
    Hostile("corner.xls", one(lambda: biff(xls_corner)), soak=True),
    Hostile("lying-record.xls", one(lambda: biff(record_length(0x00FC, 0xFFFF))), DAMAGED),
    Hostile("lying-row.xls", one(lambda: biff(record_length(0x0208, 0x7FFF))), DAMAGED),
    Hostile("lying-bof.xls", one(lambda: biff(lambda stream: b"\x09\x08\xff\xff" + stream[4:])), DAMAGED),
    Hostile(
        "sectors.xls",
        one(lambda: with_number(writers.xls(SMALL), 44, 0x7FFFFFFF)),
    ),
    Hostile(
        "sector-loop.xls",
        one(lambda: with_number(writers.xls(SMALL), 48, 0)),
        DAMAGED,
    ),
    Hostile("lying-record.xlsb", one(lambda: xlsb_with(b"\x07\xff\xff\xff\x7f")), DAMAGED),
    Hostile(
        "lying-text.xlsb", one(lambda: xlsb_with(writers._record(6, struct.pack("<III", 0, 0, 0xFFFFFFFF)))), DAMAGED
    ),
    Hostile(
        "corner.xlsb",
        one(
            lambda: xlsb_with(
                writers._record(0, struct.pack("<IIHBBBI", 1048575, 0, 300, 0, 0, 0, 0))
                + writers._cell_binary(16383, 1.0, [])
            )
        ),
        MEMORY,
    ),
    Hostile(
        "beyond.xlsb",
        one(
            lambda: xlsb_with(
                writers._record(0, struct.pack("<IIHBBBI", 0xFFFFFFFE, 0, 300, 0, 0, 0, 0))
                + writers._cell_binary(0xFFFFFFFE, 1.0, [])
            )
        ),
        DAMAGED,
    ),
    Hostile(
        "error-beyond.xlsb",
        one(
            lambda: xlsb_with(
                writers._record(0, struct.pack("<IIHBBBI", 0x7FFFFFFE, 0, 300, 0, 0, 0, 0))
                + writers._cell_binary(0x7FFFFFFE, Error("#N/A"), [])
            )
        ),
        DAMAGED,
    ),
    Hostile("rows.ods", one(lambda: repeated("1000000000", "1", VALUE))),
    Hostile("rows-and-columns.ods", one(lambda: repeated("1048576", "16384", VALUE)), DAMAGED),
    Hostile("empty-rows-and-columns.ods", one(lambda: repeated("1000000000", "1000000000", EMPTY))),
    Hostile("errors.ods", one(lambda: repeated("1000000000", "1000000000", ERROR)), DAMAGED),
    Hostile("number.ods", one(lambda: repeated("99999999999999999999999", "-5", VALUE)), DAMAGED),
    # text
    Hostile("one-line.csv", lambda: parts_of(70 * MEGABYTE, b"a" * MEGABYTE), "line"),
    Hostile("one-line-of-2-gigabytes.csv", lambda: parts_of(2048 * MEGABYTE, b"a" * MEGABYTE), "line", soak=True),
    Hostile("one-cell.csv", lambda: [b'a,b\n1,"', *parts_of(40 * MEGABYTE, b"aaaaaaa\n" * (MEGABYTE // 8))], "cell"),
    Hostile(
        "one-cell-of-2-gigabytes.csv",
        lambda: [b'a,b\n1,"', *parts_of(2048 * MEGABYTE, b"aaaaaaa\n" * (MEGABYTE // 8))],
        "cell",
        soak=True,
    ),
    Hostile("delimiters.csv", lambda: [b"a,b\n1,2\n", b"," * 2_000_000, b"\n"], ""),
    Hostile("delimiters-first.csv", lambda: [b"," * 2_000_000, b"\na,b\n1,2\n"], ""),
    Hostile("quotes.csv", lambda: [b"a,b\n1,", b'"' * 2_000_000, b"\n"], ""),
    Hostile("columns.csv", columns_of_blank(1_000_000, 3), "columns"),
    Hostile("16384-columns.csv", columns_of_blank(16_384, 100), soak=True),
    Hostile("line-ends.csv", lambda: [b"a,b\n1,2\n", b"\n" * 1_000_000], soak=True),
    Hostile("one-column.csv", lambda: [b"a\n", b"1\n" * 1_000_000], ""),
    Hostile("nul.csv", lambda: parts_of(64 * MEGABYTE, bytes(MEGABYTE)), "line"),
    Hostile(
        "high-bytes.csv",
        lambda: [b"a,b\n", *[os.urandom(MEGABYTE).translate(bytes(range(128, 256)) * 2)] * 4],
        "make little sense",
    ),
    # gzip
    Hostile("bomb.csv.gz", lambda: [gzip.compress(bytes(100 * MEGABYTE))], "unpacks to far more"),
    Hostile(
        "bomb-of-rows.csv.gz", lambda: [gzip.compress(b"a,b\n1,2\n" + b"1,2\n" * 20_000_000)], "unpacks to far more"
    ),
    Hostile("members.csv.gz", lambda: [gzip.compress(b"a,b\n1,2\n"), gzip.compress(b"") * 100_000]),
    Hostile("corner.xlsx.gz", lambda: [gzip.compress(with_cell("XFD1048576"))], MEMORY),
    Hostile("laughs.xlsx.gz", lambda: [gzip.compress(with_sheet(sheet_xml(CELLS, laughs())))], ENTITIES),
    # nothing
    Hostile("empty.csv", list, "is empty"),
    Hostile("empty.xlsx", lambda: [b"PK\5\6" + bytes(18)], "is a zip archive"),
    Hostile("magic.xlsx", lambda: [b"PK\3\4" + b"nothing of the kind"], DAMAGED),
    Hostile("magic.xls", lambda: [b"\xd0\xcf\x11\xe0" + bytes(600)], "is an old document"),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", type=Path)
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--soak", action="store_true")
    given = parser.parse_args()
    given.write = given.write and given.write.resolve()
    lines = []
    with tempfile.TemporaryDirectory() as folder:
        for file in FILES:
            if (given.only and file.name not in given.only) or (file.soak and not given.soak):
                continue
            path = file.write(Path(folder))
            size = path.stat().st_size
            cost = look(Path(path.name), Path(folder), *file.options)
            path.unlink()
            told = cost.said.strip().removeprefix(f"{file.name} ") if cost.code else "is read"
            told = told if len(told) <= SHOWN else f"{told[:SHOWN]}…"
            lines.append(f"| `{file.name}` | {size:,} | {cost.seconds:.1f} | {cost.megabytes:,} | {told} |\n")
            print(cost.code, lines[-1], end="", flush=True)
    if given.write:
        page = given.write.read_text(encoding="utf-8")
        given.write.write_text(page.partition(HEADING)[0] + HEADING + "".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main()
