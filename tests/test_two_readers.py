"""Readers that share no code with ours agree on every workbook of the corpus, or it is said where they do not, and why.

They are openpyxl, pyxlsb, calamine for XLS, and ElementTree for ODS.
"""

from __future__ import annotations

import datetime as dt
import gzip
import io
import json
import re
import zipfile
from decimal import Decimal
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import openpyxl
import pytest
import pyxlsb
from python_calamine import CalamineWorkbook

from importer.model import Reading
from importer.read import read
from importer.read.cells import write

CORPUS = Path(__file__).parent / "corpus"
EXPECTED: dict[str, dict[str, Any]] = json.loads((CORPUS / "expected.json").read_text(encoding="utf-8"))
OFFICE, TABLE, TEXT = (f"{{urn:oasis:names:tc:opendocument:xmlns:{name}:1.0}}" for name in ("office", "table", "text"))
ERRORS = {0x2A: "#N/A", 0x07: "#DIV/0!"}
LOOSE = {
    b"http://purl.oclc.org/ooxml/spreadsheetml/main": b"http://schemas.openxmlformats.org/spreadsheetml/2006/main",
    b"http://purl.oclc.org/ooxml/officeDocument/relationships": (
        b"http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    ),
}

NO_DAY = "openpyxl takes a number below one for a time, though the format shows a day: Excel shows 1900-01-00"
NO_DAY_1904 = "openpyxl takes a number below one for a time, though the format shows a day: Excel shows 1904-01-01"
NEVER_WAS = "openpyxl reads 1900-02-29, which Excel shows, as the day before"
NEGATIVE = "openpyxl counts back from the first day, where Excel shows no day"
BEYOND = "openpyxl makes an error of a number that is no day; it stays visible here"
ESCAPES = "openpyxl leaves _x000D_ and its like as they are, which Excel shows as the signs that they mean"
TWICE = "openpyxl undoes an escape of the escape before others, not from left to right"
BARE = "openpyxl keeps spaces that the XML does not ask to be kept"
ZEROS = "openpyxl does not show numbers, and the test shows plain zeros alone"
LONG = "openpyxl keeps digits of a whole number that Excel loses; it is read as Excel shows it"
NO_FORMAT = "neither calamine nor pyxlsb tells how a number is formatted"
ONLY = "the other reader keeps the text of errors that one program alone knows"
EARLY = "calamine has a time for what is no day, and the day before for one that never was"
SERIAL = "pyxlsb gives days, times and durations as numbers"

# For a workbook, and the reason why the other reader differs: what it has in the last column of a row.
Texts = dict[int, str]
MAC: dict[str, Texts] = {
    NO_DAY_1904: {2: "00:00:00", 3: "12:00:00"},
    NEGATIVE: {7: "1903-12-31"},
    BEYOND: {11: "#VALUE!"},
}
MIXED: dict[str, Texts] = {NEVER_WAS: {3: "1900-02-28"}}
DIFFERENCES: dict[str, dict[str, Texts]] = {
    "cells-early-dates.xlsx": {
        NO_DAY: {2: "00:00:00", 3: "12:00:00"},
        NEVER_WAS: {6: "1900-02-28", 7: "1900-02-28 12:00:00"},
        NEGATIVE: {9: "1899-12-29", 10: "1899-12-28 12:00:00"},
        BEYOND: {12: "#VALUE!"},
    },
    "cells-1904.xlsx": MAC,
    "cells-strict-1904.xlsx": MAC,
    **{f"cells-{how}.xlsx": MIXED for how in ("strict", "prefixed", "single-quotes", "without-places")},
    "cells-zeros.xlsx": {
        ZEROS: {
            10: "1234",
            12: "12",
            13: "12",
            14: "12",
            15: "12345678",
            16: "1234",
            17: "12345678",
            18: "11122",
            19: "1234",
            20: "1234",
            21: "-1234",
            23: "1234",
        },
        LONG: {24: "004006381333931123"},
    },
    "cells-later-errors.xlsx": {ONLY: {4: "Err:508"}},
    "cells-of-each-type.ods": {ONLY: {17: "Err:508"}},
    "cells-shared-strings.xlsx": {
        BARE: {4: "  two  "},
        ESCAPES: {12: "one_x000D_\ntwo", 13: "one_x000d_two", 16: "one_x0009_two"},
        TWICE: {15: "one_x000D_"},
    },
    "cells-inline-strings.xlsx": {
        ESCAPES: {
            11: "one_x000D_\ntwo",
            12: "one_x000d_two",
            15: "one_x0009_two",
            13: "one_x005F_x000D_two",
            14: "one_x005F_x005F_x000D_",
        }
    },
    "cells-of-each-type.xls": {
        NO_FORMAT: {5: "1234", 6: "12", 7: "0.19"},
        EARLY: {11: "00:00:00", 13: "1900-02-28", 14: "00:00:00"},
    },
    "cells-1904.xls": {EARLY: {3: "00:00:00", 6: "00:00:00"}},
    "cells-of-each-type.xlsb": {
        NO_FORMAT: {5: "1234", 6: "12", 7: "0.19"},
        SERIAL: {9: "46053", 10: "46053.5", 11: "0", 12: "59", 13: "60", 16: "0.25", 17: "1.5"},
    },
    "cells-1904.xlsb": {SERIAL: {2: "44591", 3: "0", 4: "0.25", 5: "1.5"}},
}


def by_openpyxl(data: bytes, sheet: str) -> list[list[Any]]:
    page = openpyxl.load_workbook(io.BytesIO(loosen(data)), data_only=True)[sheet]
    return [[_as_shown(cell) for cell in row] for row in page.iter_rows(min_row=1, min_col=1)]


def _as_shown(cell: Any) -> object:
    """Show what openpyxl tells apart and leaves to its user: percentages, and numbers padded with zeros."""
    code = cell.number_format
    if cell.data_type != "n" or isinstance(cell.value, dt.date | dt.time | dt.timedelta | None):
        return cell.value
    if re.fullmatch(r'[^"]*0%.*', code):
        return f"{(Decimal(str(cell.value)) * 100).normalize():f}%"
    if re.fullmatch("00+", code) and float(cell.value).is_integer():
        return f"{cell.value:0{len(code) + (cell.value < 0)}.0f}"
    return cell.value


def loosen(data: bytes) -> bytes:
    """Write strict Open XML, which openpyxl does not know, as the transitional one."""
    packed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as strict, zipfile.ZipFile(packed, "w") as loose:
        for name in strict.namelist():
            part = strict.read(name)
            for namespace, other in LOOSE.items():
                part = part.replace(namespace, other)
            loose.writestr(name, part)
    return packed.getvalue()


def by_pyxlsb(data: bytes, sheet: str) -> list[list[Any]]:
    with pyxlsb.open_workbook(io.BytesIO(data)) as book, book.get_sheet(sheet) as page:
        return [[_error(cell.v) for cell in row] for row in page.rows()]


def _error(cell: object) -> object:
    """Read the number of an error, which pyxlsb gives as text."""
    return ERRORS[int(cell, 16)] if isinstance(cell, str) and cell.startswith("0x") else cell


def by_calamine(data: bytes, sheet: str) -> list[list[Any]]:
    return CalamineWorkbook.from_filelike(io.BytesIO(data)).get_sheet_by_name(sheet).to_python(skip_empty_area=False)


def by_element_tree(data: bytes, sheet: str) -> list[list[Any]]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        root = ET.fromstring(archive.read("content.xml"))  # noqa: S314 - our own
    table = next(one for one in root.iter(TABLE + "table") if one.get(TABLE + "name") == sheet)
    rows = [row for row in table.iter(TABLE + "table-row") if row.get(TABLE + "number-rows-repeated") is None]
    return [[_typed(cell) for cell in row] for row in rows]


def _typed(cell: ET.Element) -> object:
    shown = "\n".join(_text(part) for part in cell.findall(TEXT + "p"))
    match cell.get(OFFICE + "value-type"):
        case "float" | "currency":
            number = float(cell.get(OFFICE + "value", ""))
            return shown if number.is_integer() and re.fullmatch("-?[A-Z]*-?0[0-9-]+", shown) else number
        case "percentage":
            return f"{(Decimal(cell.get(OFFICE + 'value', '')) * 100).normalize():f}%"
        case "boolean":
            return cell.get(OFFICE + "boolean-value") == "true"
        case "date":
            return dt.datetime.fromisoformat(cell.get(OFFICE + "date-value", ""))
        case "time":
            value = cell.get(OFFICE + "time-value", "")
            found = re.fullmatch(r"(-?)P(?:(\d+)D)?T(?:(\d+)H)?(?:(\d+)M)?([\d.]+)?S?", value)
            assert found
            days, hours, minutes, seconds = (float(part or 0) for part in found.groups()[1:])
            span = dt.timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
            return -span if found[1] else span
        case _:
            return cell.get(OFFICE + "string-value") or shown


def _text(part: ET.Element) -> str:
    if part.tag in {TEXT + "ruby-text", OFFICE + "annotation"}:
        return ""
    own = {TEXT + "tab": "\t", TEXT + "line-break": "\n", TEXT + "s": " " * int(part.get(TEXT + "c", "1"))}
    return own.get(part.tag, part.text or "") + "".join(_text(child) + (child.tail or "") for child in part)


READERS = {
    "workbook": by_openpyxl,
    "workbook (xlsb)": by_pyxlsb,
    "workbook (xls)": by_calamine,
    "workbook (ods)": by_element_tree,
}


def load(name: str) -> bytes:
    data = (CORPUS / "sources" / name).read_bytes()
    return gzip.decompress(data) if data.startswith(b"\x1f\x8b") and "refused" not in EXPECTED[name] else data


WORKBOOKS = [
    name
    for name, expected in EXPECTED.items()
    if "refused" not in expected and load(name).startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0"))
]


@pytest.mark.filterwarnings("ignore:Cell .* is marked as a date:UserWarning")  # BEYOND
@pytest.mark.parametrize("name", WORKBOOKS)
def test_another_reader_sees_the_same_cells_or_it_is_known_why_not(name: str) -> None:
    table = read(CORPUS / "sources" / name, Reading(**EXPECTED[name].get("options", {})))
    told = dict(table.facts)

    other = READERS[told["format"]](load(name), told["sheet"])

    left_out = {out.row: out.cells for out in table.left_out}
    cells = table.cells.astype(object).where(table.cells.notna(), None)
    ours = {**left_out, **{int(row): tuple(found) for row, found in zip(cells.index, cells.to_numpy(), strict=True)}}
    below = int(told["header row"])
    theirs = {row: _texts(found, len(table.header)) for row, found in enumerate(other, 1) if row != below}
    theirs = {row: found for row, found in theirs.items() if any(found)}
    if told["format"] == "workbook (xls)":  # calamine gives an error as a blank, which is why it does not read XLS here
        ours = {row: tuple(None if cell in ERRORS.values() else cell for cell in found) for row, found in ours.items()}
    known = {row: text for rows in DIFFERENCES.get(name, {}).values() for row, text in rows.items()}
    assert {row: found[-1] for row, found in theirs.items() if found != ours.get(row)} == known
    assert {row: found[:-1] for row, found in theirs.items()} == {row: found[:-1] for row, found in ours.items()}


def test_each_difference_is_one_of_a_workbook_that_is_compared() -> None:
    assert set(DIFFERENCES) <= set(WORKBOOKS)


def _texts(cells: list[Any], width: int) -> tuple[str | None, ...]:
    return tuple(write(cell) for cell in [*cells, *[None] * (width - len(cells))])
