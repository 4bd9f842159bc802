"""Writers of small workbooks, sign by sign: what they leave out is left out on purpose, and each run writes the same.

A sheet is a list of rows of cells: str, int, float, bool, None, `Cell` for what Python has no type for.
"""

from __future__ import annotations

import datetime as dt
import io
import struct
import zipfile
from dataclasses import dataclass, field
from typing import Any
from xml.sax.saxutils import escape, quoteattr

import xlwt

DAY_ZERO = dt.datetime(1899, 12, 30)
XLSX = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
RELATION = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
BERR = {"#NULL!": 0, "#DIV/0!": 7, "#VALUE!": 15, "#REF!": 23, "#NAME?": 29, "#NUM!": 36, "#N/A": 42}


@dataclass(frozen=True)
class Error:
    """An error cell."""

    text: str


@dataclass
class Sheet:
    """A sheet; rows and columns count from 0, and last ones are within."""

    rows: list[list[Any]]
    name: str = "Data"
    state: str = "visible"
    hidden_rows: tuple[int, ...] = ()
    hidden_columns: tuple[int, ...] = ()
    merged: tuple[tuple[int, int, int, int], ...] = ()
    filtered: bool = False
    styled_rows: int = 0  # rows with a format and nothing in them, below the data
    extra: dict[str, Any] = field(default_factory=dict)


def letters(column: int) -> str:
    """Name a column."""
    return (letters(column // 26 - 1) if column > 25 else "") + chr(65 + column % 26)


def archive(parts: dict[str, bytes | str]) -> bytes:
    """Pack parts, at no particular time."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in parts.items():
            info = zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0))
            info.compress_type = zipfile.ZIP_STORED if name == "mimetype" else zipfile.ZIP_DEFLATED
            file.writestr(info, content)
    return packed.getvalue()


def serial(cell: dt.date) -> float:
    """Count the days that a spreadsheet stores."""
    moment = cell if isinstance(cell, dt.datetime) else dt.datetime(cell.year, cell.month, cell.day)
    return (moment - DAY_ZERO) / dt.timedelta(days=1)


def xlsx(*sheets: Sheet) -> bytes:
    """Write XLSX."""
    parts: dict[str, bytes | str] = _package(sheets, "xml")
    parts["xl/workbook.xml"] = (
        f'<workbook xmlns="{XLSX}" xmlns:r="{RELATION}"><sheets>'
        + "".join(
            f'<sheet name={quoteattr(sheet.name)} sheetId="{n}" state="{sheet.state}" r:id="r{n}"/>'
            for n, sheet in enumerate(sheets, 1)
        )
        + "</sheets></workbook>"
    )
    parts["xl/styles.xml"] = (
        f'<styleSheet xmlns="{XLSX}"><fonts count="1"><font/></fonts>'
        '<fills count="1"><fill><patternFill patternType="none"/></fill></fills>'
        '<borders count="1"><border/></borders><cellStyleXfs count="1"><xf/></cellStyleXfs>'
        '<cellXfs count="2"><xf numFmtId="0"/><xf numFmtId="14" applyNumberFormat="1"/></cellXfs>'
        '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>'
    )
    for n, sheet in enumerate(sheets, 1):
        parts[f"xl/worksheets/sheet{n}.xml"] = _sheet_xml(sheet)
    return archive(parts)


def _package(sheets: tuple[Sheet, ...], end: str) -> dict[str, bytes | str]:
    main = {
        "xml": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml",
        "bin": "application/vnd.ms-excel.sheet.binary.macroEnabled.main",
    }[end]
    part = {"xml": "application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"}.get(
        end, "application/vnd.ms-excel.worksheet"
    )
    extra = {"xml": "styles", "bin": "sharedStrings"}[end]
    numbers = range(1, len(sheets) + 1)
    return {
        "[Content_Types].xml": f'<Types xmlns="{PACKAGE}/content-types"><Default Extension="rels" '
        'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/xl/workbook.{end}" ContentType="{main}"/>'
        + "".join(f'<Override PartName="/xl/worksheets/sheet{n}.{end}" ContentType="{part}"/>' for n in numbers)
        + "</Types>",
        "_rels/.rels": f'<Relationships xmlns="{PACKAGE}/relationships"><Relationship Id="r1" '
        f'Type="{RELATION}/officeDocument" Target="xl/workbook.{end}"/></Relationships>',
        f"xl/_rels/workbook.{end}.rels": f'<Relationships xmlns="{PACKAGE}/relationships">'
        + "".join(
            f'<Relationship Id="r{n}" Type="{RELATION}/worksheet" Target="worksheets/sheet{n}.{end}"/>' for n in numbers
        )
        + f'<Relationship Id="s" Type="{RELATION}/{extra}" Target="{extra}.{end}"/>'
        + "</Relationships>",
    }


def _sheet_xml(sheet: Sheet) -> str:
    rows = [
        f'<row r="{r}"{_flag(r - 1 in sheet.hidden_rows)}>'
        + "".join(_cell_xml(f"{letters(c)}{r}", cell) for c, cell in enumerate(row))
        + "</row>"
        for r, row in enumerate(sheet.rows, 1)
    ]
    start = len(rows) + 1
    rows += [f'<row r="{r}"><c r="A{r}" s="1"/></row>' for r in range(start, start + sheet.styled_rows)]
    columns = "".join(
        f'<col min="{column + 1}" max="{column + 1}" width="9" hidden="1"/>' for column in sheet.hidden_columns
    )
    merged = "".join(f'<mergeCell ref="{letters(a)}{t + 1}:{letters(b)}{u + 1}"/>' for t, a, u, b in sheet.merged)
    columns = f"<cols>{columns}</cols>" if columns else ""
    return (
        f'<worksheet xmlns="{XLSX}">{columns}<sheetData>{"".join(rows)}</sheetData>'
        + (
            '<autoFilter ref="A1:B9"><filterColumn colId="0"><filters/></filterColumn></autoFilter>'
            if sheet.filtered
            else ""
        )
        + (f"<mergeCells>{merged}</mergeCells>" if merged else "")
        + "</worksheet>"
    )


def _flag(hidden: bool) -> str:  # noqa: FBT001 - what it is about
    return ' hidden="1"' if hidden else ""


def _cell_xml(place: str, cell: object) -> str:
    match cell:
        case None:
            return ""
        case Error():
            return f'<c r="{place}" t="e"><v>{cell.text}</v></c>'
        case bool():
            return f'<c r="{place}" t="b"><v>{int(cell)}</v></c>'
        case dt.date():
            return f'<c r="{place}" s="1"><v>{serial(cell):.15g}</v></c>'
        case int() | float():
            return f'<c r="{place}"><v>{cell}</v></c>'
        case _:
            return f'<c r="{place}" t="inlineStr"><is><t xml:space="preserve">{escape(str(cell))}</t></is></c>'


def xlsb(*sheets: Sheet) -> bytes:
    """Write XLSB ([MS-XLSB]); a date is a number there, since it has no formats."""
    parts = _package(sheets, "bin")
    strings: list[str] = []
    listed = b"".join(
        _record(
            156, struct.pack("<II", {"visible": 0, "hidden": 1}[sheet.state], n) + _wide(f"r{n}") + _wide(sheet.name)
        )
        for n, sheet in enumerate(sheets, 1)
    )
    parts["xl/workbook.bin"] = _record(131) + _record(143) + listed + _record(144) + _record(132)
    for n, sheet in enumerate(sheets, 1):
        parts[f"xl/worksheets/sheet{n}.bin"] = _sheet_binary(sheet, strings)
    items = b"".join(_record(19, b"\0" + _wide(text)) for text in strings)
    count = struct.pack("<II", len(strings), len(strings))
    parts["xl/sharedStrings.bin"] = _record(159, count) + items + _record(160)
    return archive(parts)


def _sheet_binary(sheet: Sheet, strings: list[str]) -> bytes:
    width = max(map(len, sheet.rows))
    columns = b"".join(_record(60, struct.pack("<IIIIH", c, c, 2304, 0, 1)) for c in sheet.hidden_columns)
    body = b"".join(
        _record(0, struct.pack("<IIHBBBI", r, 0, 300, 0, 0x10 if r in sheet.hidden_rows else 0, 0, 0))
        + b"".join(_cell_binary(c, cell, strings) for c, cell in enumerate(row) if cell is not None)
        for r, row in enumerate(sheet.rows)
    )
    merged = b"".join(_record(176, struct.pack("<IIII", t, u, a, b)) for t, a, u, b in sheet.merged)
    return (
        _record(129)
        + _record(148, struct.pack("<IIII", 0, len(sheet.rows) - 1, 0, width - 1))
        + (_record(390) + columns + _record(391) if columns else b"")
        + _record(145)
        + body
        + _record(146)
        + (_record(177, struct.pack("<I", len(sheet.merged))) + merged + _record(178) if merged else b"")
        + (
            _record(161, struct.pack("<IIII", 0, 9, 0, 1)) + _record(163, bytes(6)) + _record(164)
            if sheet.filtered
            else b""
        )
        + _record(130)
    )


def _cell_binary(column: int, cell: object, strings: list[str]) -> bytes:
    head = struct.pack("<II", column, 0)
    match cell:
        case Error():
            return _record(3, head + bytes([BERR[cell.text]]))
        case bool():
            return _record(4, head + bytes([cell]))
        case int() | float():
            return _record(5, head + struct.pack("<d", cell))
        case _:
            if cell not in strings:
                strings.append(str(cell))
            return _record(7, head + struct.pack("<I", strings.index(str(cell))))


def _record(kind: int, body: bytes = b"") -> bytes:
    number = bytes([kind]) if kind < 128 else bytes([kind & 0x7F | 0x80, kind >> 7])
    length, size = b"", len(body)
    while size > 127:
        length += bytes([size & 0x7F | 0x80])
        size >>= 7
    return number + length + bytes([size]) + body


def _wide(text: str) -> bytes:
    return struct.pack("<I", len(text)) + text.encode("utf-16-le")


ODS = (
    'xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" '
    'xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" '
    'xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0" '
    'xmlns:style="urn:oasis:names:tc:opendocument:xmlns:style:1.0" '
    'xmlns:calcext="urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0"'
)


def ods(*sheets: Sheet) -> bytes:
    """Write ODS."""
    mime = "application/vnd.oasis.opendocument.spreadsheet"
    tables = "".join(map(_table_xml, sheets))
    hidden = (
        '<style:style style:name="hidden" style:family="table"><style:table-properties table:display="false"/>'
        "</style:style>"
    )
    return archive(
        {
            "mimetype": mime,
            "META-INF/manifest.xml": "<manifest:manifest "
            'xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0">'
            f'<manifest:file-entry manifest:full-path="/" manifest:media-type="{mime}"/></manifest:manifest>',
            "content.xml": f"<office:document-content {ODS}><office:automatic-styles>{hidden}</office:automatic-styles>"
            f"<office:body><office:spreadsheet>{tables}</office:spreadsheet></office:body></office:document-content>",
        }
    )


def _table_xml(sheet: Sheet) -> str:
    width = max(map(len, sheet.rows))
    away = ' table:visibility="collapse"'
    columns = "".join(f"<table:table-column{away if c in sheet.hidden_columns else ''}/>" for c in range(width))
    gone = ' table:visibility="filter"' if sheet.filtered else away
    covered = {
        (row, column): (top, left) == (row, column) and (bottom - top + 1, right - left + 1)
        for top, left, bottom, right in sheet.merged
        for row in range(top, bottom + 1)
        for column in range(left, right + 1)
    }
    rows = "".join(
        f"<table:table-row{gone if r in sheet.hidden_rows else ''}>"
        + "".join(_cell_ods(cell, covered.get((r, c))) for c, cell in enumerate(row + [None] * (width - len(row))))
        + "</table:table-row>"
        for r, row in enumerate(sheet.rows)
    )
    if sheet.styled_rows:
        rows += (
            f'<table:table-row table:number-rows-repeated="{sheet.styled_rows}"><table:table-cell/></table:table-row>'
        )
    style = ' table:style-name="hidden"' if sheet.state == "hidden" else ""
    return f"<table:table table:name={quoteattr(sheet.name)}{style}>{columns}{rows}</table:table>"


def _cell_ods(cell: object, span: tuple[int, int] | bool | None) -> str:  # noqa: FBT001 - false: covered
    if span is False:
        return "<table:covered-table-cell/>"
    spanned = ""
    if isinstance(span, tuple):
        spanned = f' table:number-rows-spanned="{span[0]}" table:number-columns-spanned="{span[1]}"'
    kind, text = _typed_ods(cell)
    return f"<table:table-cell{kind}{spanned}>{text}</table:table-cell>"


def _typed_ods(cell: object) -> tuple[str, str]:
    kind = " office:value-type="
    match cell:
        case None:
            return "", ""
        case Error():
            return f'{kind}"string" office:string-value="" calcext:value-type="error"', f"<text:p>{cell.text}</text:p>"
        case bool():
            return f'{kind}"boolean" office:boolean-value="{str(cell).lower()}"', f"<text:p>{cell}</text:p>"
        case dt.date():
            return f'{kind}"date" office:date-value="{cell.isoformat()}"', f"<text:p>{cell}</text:p>"
        case int() | float():
            return f'{kind}"float" office:value="{cell}"', f"<text:p>{cell}</text:p>"
        case _:
            lines = str(cell).split("\n")
            return f'{kind}"string"', "".join(f"<text:p>{escape(line)}</text:p>" for line in lines)


def xls(*sheets: Sheet) -> bytes:
    """Write XLS."""
    book = xlwt.Workbook(encoding="utf-8")
    day = xlwt.easyxf(num_format_str="YYYY-MM-DD")
    for sheet in sheets:
        page = book.add_sheet(sheet.name)
        page.visibility = 0 if sheet.state == "visible" else 1
        covered = {(top, left): (top, bottom, left, right) for top, left, bottom, right in sheet.merged}
        for r, row in enumerate(sheet.rows):
            for c, cell in enumerate(row):
                if (r, c) in covered:
                    page.write_merge(*covered[r, c], cell)
                elif isinstance(cell, Error):
                    page.row(r).set_cell_error(c, BERR[cell.text])
                elif isinstance(cell, dt.date):
                    page.write(r, c, cell, day)
                elif cell is not None:
                    page.write(r, c, cell)
        for r in sheet.hidden_rows:
            page.row(r).hidden = True
        for c in sheet.hidden_columns:
            page.col(c).hidden = True
    packed = io.BytesIO()
    book.save(packed)
    return packed.getvalue()


WRITERS = {"xlsx": xlsx, "xlsb": xlsb, "ods": ods, "xls": xls}
