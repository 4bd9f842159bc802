"""A sheet of XLSX that is read by whole columns is what it is where it is read cell by cell."""

from __future__ import annotations

import io
import re
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
import xlsxwriter
from hypothesis import example, given, settings
from hypothesis import strategies as st

from importer.errors import SourceError
from importer.read import cells, plain, styles, tags, workbook

if TYPE_CHECKING:
    from collections.abc import Callable

    from importer.read.marks import Marks

CORPUS = Path(__file__).parent / "corpus" / "sources"
SHEET = "xl/worksheets/sheet1.xml"
TEXT = 'xml:space="preserve"'


def change(data: bytes, *parts: str, by: Callable[[bytes], bytes]) -> bytes:
    changed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(changed, "w") as new:
        for name in old.namelist():
            xml = old.read(name)
            new.writestr(name, by(xml) if name in parts else xml)
    return changed.getvalue()


def is_plain(data: bytes, part: str = SHEET) -> bool:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        try:
            return plain.take_apart(archive, part, styles.read_xlsx(archive).plain) is not None
        except SourceError:
            return False


Read = tuple[pa.Table | None, dict[str, object]] | str


def read_by_columns(data: bytes, sheet: str, part: str) -> Read:
    return outcome(lambda: cells.read_arrow(data, "xlsx", sheet, part))


def read_by_cells(data: bytes, sheet: str, part: str) -> Read:
    def read() -> tuple[Any, Marks]:
        batches, marks = cells.read_batches(data, "xlsx", sheet, part)
        return map(cells.to_arrow, batches), marks

    return outcome(read)


def outcome(read: Callable[[], tuple[Any, Marks]]) -> Read:
    try:
        batches, marks = read()
        batches = list(batches)
    except SourceError as error:
        return str(error)
    return pa.Table.from_batches(batches) if batches else None, marks.to_dict()


def book(*rows: list[Any], strings: bool = True) -> bytes:
    made = io.BytesIO()
    with xlsxwriter.Workbook(made, {"constant_memory": not strings}) as written:
        page = written.add_worksheet()
        for number, row in enumerate(rows):
            page.write_row(number, 0, row)
    return made.getvalue()


@pytest.mark.parametrize("block", [tags.BLOCK, 300])
def test_all_workbooks_of_the_corpus_are_read_alike(monkeypatch: pytest.MonkeyPatch, block: int) -> None:
    monkeypatch.setattr(tags, "BLOCK", block)
    compared = set()
    for path in sorted(CORPUS.glob("*.xlsx")):
        data = path.read_bytes()
        try:
            parts = workbook._open(data).parts
        except SourceError:
            continue
        uncommented = change(data, *parts.values(), plain.STRINGS, by=lambda xml: re.sub(b"<!--.*?-->", b"", xml))
        for sheet, part in parts.items():
            if is_plain(uncommented, part):
                expected = read_by_cells(uncommented, sheet, part)
                assert read_by_columns(uncommented, sheet, part) == expected, path.name
                compared.add(path.stem)
    assert len(compared) > 40
    assert compared > {"cells-shared-strings", "cells-inline-strings", "cells-numbers", "cells-zeros", "cells-1904"}


@pytest.mark.parametrize("strings", [True, False])
def test_what_programs_write_is_read_by_columns(strings: bool) -> None:  # noqa: FBT001 - of pytest
    data = book(
        ["Nr", "Name"], ["0012", "Süd & Søn"], ["12", None], [None, True], [1.5, 2], [" x", 1e20], strings=strings
    )

    assert is_plain(data)
    read, marks = read_by_columns(data, "Sheet1", SHEET)
    assert isinstance(read, pa.Table)
    assert read["text 0"].to_pylist() == ["Nr", "0012", "12", None, "1.5", " x"]
    assert read["text 1"].to_pylist() == ["Name", "Süd & Søn", None, "TRUE", "2", "100000000000000000000"]
    assert read["number 1"].to_pylist() == [False, False, False, False, True, True]
    assert read["damaged 1"].to_pylist() == [False, False, False, False, False, True]
    assert (read, marks) == read_by_cells(data, "Sheet1", SHEET)


OTHER_FORMS = {
    "another prefix": lambda xml: re.sub(b"<(/?)(c|v|row)(?=[ >])", rb"<\1x:\2", xml),
    "single quotes": lambda xml: xml.replace(b'r="B2"', b"r='B2'"),
    "no place": lambda xml: xml.replace(b' r="B2"', b""),
    "a place that is none": lambda xml: xml.replace(b'r="B2"', b'r="b2"'),
    "a column beyond the last": lambda xml: xml.replace(b'r="B2"', b'r="XFE2"'),
    "a row beyond the last": lambda xml: xml.replace(b'r="B2"', b'r="B1048577"'),
    "a cell twice": lambda xml: xml.replace(b'r="B2"', b'r="A2"'),
    "cells backwards": lambda xml: xml.replace(b'r="B2"', b'r="A1"'),
    "a comment": lambda xml: xml.replace(b"</row>", b"<!-- no --></row>"),
    "a comment before": lambda xml: xml.replace(b"<sheetData>", b"<!-- no --><sheetData>"),
    "a sign that ends no tag": lambda xml: xml.replace(b"</v></c></row>", b"></v></c></row>", 1),
    "another element": lambda xml: xml.replace(b"</row>", b"<x></x></row>"),
    "rows in rows": lambda xml: xml.replace(b"<row", b"<row><row", 1).replace(b"</row>", b"</row></row>", 1),
    "a row of a strange number": lambda xml: xml.replace(b'<row r="2"', b'<row r="2x"'),
    "cells in cells": lambda xml: re.sub(b'(<c r="B2".*?</c>)', rb'<c r="B2">\1</c>', xml),
    "an error without a value": lambda xml: xml.replace(b"</row>", b'<c r="C1" t="e"/></row>', 1),
    "another encoding": lambda xml: xml.replace(b"UTF-8", b"ISO-8859-1"),
    "a text that is not there": lambda xml: xml.replace(b"<v>1</v>", b"<v>4</v>"),
    "a text of a negative number": lambda xml: xml.replace(b"<v>1</v>", b"<v>-1</v>"),
    "a text of no number": lambda xml: xml.replace(b"<v>1</v>", b"<v>one</v>"),
    "a cell far away": lambda xml: xml.replace(b"</row>", b'<c r="ZZZ1"><v>1</v></c></row>', 1).replace(b"ZZZ", b"XFA")
    .replace(b'r="B2"', b'r="B1000000"').replace(b'r="A2"', b'r="A1000000"'),
    "no cells": lambda xml: re.sub(b"<row.*</row>", b"", xml),
    "no data": lambda xml: xml.replace(b"sheetData", b"otherData"),
}  # fmt: skip


@pytest.mark.parametrize("name", OTHER_FORMS)
def test_a_sheet_of_another_form_is_left_to_the_other_reader(name: str) -> None:
    data = book(["Nr", "Name"], ["12", "x"])
    changed = change(data, SHEET, by=OTHER_FORMS[name])

    assert is_plain(data)
    assert change(data, SHEET, by=lambda xml: xml) != changed
    assert not is_plain(changed)


@pytest.mark.parametrize(
    "item", [b"<si/>", b"<si><t>x</t></si><t>y</t>", b"<x></x>", b"<si><t>x</si>", b"<si><r><t>x</r></t></si>"]
)
def test_strings_of_another_form_are_left_to_the_other_reader(item: bytes) -> None:
    data = change(book(["Nr", "Name"]), plain.STRINGS, by=lambda xml: xml.replace(b"</sst>", item + b"</sst>"))

    assert not is_plain(data)


def test_a_text_that_does_not_end_with_its_cell_is_left_to_the_other_reader() -> None:
    special = {b"<v>1</v>": b"<is><t>&lt;", b"<v>3</v>": b"<is><t>&gt;</t></is>"}
    data = book(["Nr", "Name"], ["12", "x"])
    for value, written in special.items():
        data = change(data, SHEET, by=lambda xml, value=value, written=written: xml.replace(value, written))

    assert is_plain(data)
    assert read_by_columns(data, "Sheet1", SHEET) == read_by_cells(data, "Sheet1", SHEET)


CELLS = st.sampled_from(
    [
        *("<v>0</v>", "<v>-0</v>", "<v>007</v>", "<v>1.50</v>", "<v>1.5</v>", "<v>1e3</v>", "<v>12345678901234567</v>"),
        *(
            "<v>0.1</v>",
            "<v>-0.30000000000000004</v>",
            "<v>46053</v>",
            "<v>0.5</v>",
            "<v>60</v>",
            "<v>1E-9</v>",
            "<v/>",
        ),
        *("<v></v>", "", "<f>1+1</f><v>2</v>", "<f/><v>2</v>", "<f>A1</f><v> 2</v>", "<v>1</v><v>2</v>", "<v>x</v>"),
        *(f"<is><t>{text}</t></is>" for text in ("x", " x", "x ", "", "_x000D_", "&amp;", "ä", "1.50", "\n", "a\r\nb")),
        *(
            f"<is><t {TEXT}> x </t></is>",
            "<is><r><t>x</t></r><r><t>y</t></r></is>",
            "<is></is>",
            "<is/>",
            "<is><t/></is>",
        ),
    ]
)
ATTRIBUTES = st.sampled_from(
    ["", ' t="n"', ' t="s"', ' t="b"', ' t="str"', ' t="inlineStr"', ' t="e"', ' s="1"', ' s="2"', ' s="3"', ' s="99"',
     ' s="1" t="n"', ' t="d"', ' s="1"  t="s"', ' x="1"', ' t = "e"', " t='n'"]
)  # fmt: skip


def styled() -> bytes:
    made = io.BytesIO()
    with xlsxwriter.Workbook(made) as written:
        page = written.add_worksheet()
        for row, form in enumerate(("yyyy-mm-dd", "00000", '0.00 "days"')):
            page.write(row, 0, 1, written.add_format({"num_format": form}))
        page.write_row(3, 0, ["Name", " x", "_x000D_", "Süd & Søn"])
    return made.getvalue()


STYLED = styled()


@settings(max_examples=300, deadline=None)
@given(st.lists(st.lists(st.tuples(ATTRIBUTES, CELLS), max_size=4), min_size=1, max_size=5))
@example([[("", "<v>1.5</v>")], [(' t="s"', "<v>007</v>"), (' t="str"', "<v></v>")]])
def test_cells_of_any_kind_are_read_alike(rows: list[list[tuple[str, str]]]) -> None:
    written = "".join(
        f'<row r="{row}">'
        + "".join(f'<c r="{"ABCD"[column]}{row}"{kind}>{cell}</c>' for column, (kind, cell) in enumerate(line))
        + "</row>"
        for row, line in enumerate(rows, 1)
    )
    data = change(
        STYLED, SHEET, by=lambda xml: re.sub(b"<sheetData>.*</sheetData>", b"", xml).replace(
            b"<pageMargins", f"<sheetData>{written}</sheetData><pageMargins".encode()
        ),
    )  # fmt: skip
    assert read_by_columns(data, "Sheet1", SHEET) == read_by_cells(data, "Sheet1", SHEET)
