"""Readers that share no code with ours agree on every workbook of the corpus.

They are openpyxl, pyxlsb, calamine for XLS, and ElementTree for ODS.
"""

from __future__ import annotations

import datetime as dt
import gzip
import io
import json
import zipfile
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


def by_openpyxl(data: bytes, sheet: str) -> list[list[Any]]:
    page = openpyxl.load_workbook(io.BytesIO(data), data_only=True)[sheet]
    return [list(row) for row in page.iter_rows(min_row=1, min_col=1, values_only=True)]


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
    match cell.get(OFFICE + "value-type"):
        case "float":
            return float(cell.get(OFFICE + "value", ""))
        case "boolean":
            return cell.get(OFFICE + "boolean-value") == "true"
        case "date":
            return dt.datetime.fromisoformat(cell.get(OFFICE + "date-value", ""))
        case _:
            return "\n".join(part.text or "" for part in cell.iter(TEXT + "p"))


READERS = {".xlsx": by_openpyxl, ".xlsm": by_openpyxl, ".xlsb": by_pyxlsb, ".xls": by_calamine, ".ods": by_element_tree}
WORKBOOKS = [
    name
    for name, expected in EXPECTED.items()
    if Path(name.removesuffix(".gz")).suffix in READERS and "refused" not in expected and "csv" not in name
]


@pytest.mark.parametrize("name", WORKBOOKS)
def test_another_reader_sees_the_same_cells(name: str) -> None:
    expected = EXPECTED[name]
    path = CORPUS / "sources" / name
    data = gzip.decompress(path.read_bytes()) if name.endswith(".gz") else path.read_bytes()
    kind = Path(name.removesuffix(".gz")).suffix
    table = read(path, Reading(**expected.get("options", {})))

    other = READERS[kind](data, dict(table.facts)["sheet"])

    left_out = {out.row: out.cells for out in table.left_out}
    cells = table.cells.astype(object).where(table.cells.notna(), None)
    ours = {**left_out, **{int(row): tuple(found) for row, found in zip(cells.index, cells.to_numpy(), strict=True)}}
    below = int(dict(table.facts)["header row"])
    theirs = {row: _texts(found, len(table.header)) for row, found in enumerate(other, 1) if row != below}
    theirs = {row: found for row, found in theirs.items() if any(found)}
    if kind == ".xls":  # calamine gives an error as a blank, which is why it does not read XLS here
        ours = {row: tuple(None if cell in ERRORS.values() else cell for cell in found) for row, found in ours.items()}
    assert theirs == ours


def _texts(cells: list[Any], width: int) -> tuple[str | None, ...]:
    return tuple(write(cell) for cell in [*cells, *[None] * (width - len(cells))])
