"""Sources become text, cell by cell, under the row numbers that a spreadsheet program shows."""

from __future__ import annotations

import csv
import datetime as dt
import io
import os
import zipfile
from typing import TYPE_CHECKING, Any

import openpyxl
import pandas as pd
import pytest
import xlsxwriter
import xlwt
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from importer.errors import SourceError
from importer.model import Reading
from importer.read import blocks, cells, read, text
from importer.read.dialect import Dialect
from importer.read.source import Plain

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from importer.model import Table


def rows(table: Table) -> dict[int, list[str | None]]:
    return {
        int(row): [None if cell is pd.NA else cell for cell in cells_]
        for row, cells_ in zip(table.cells.index, table.cells.to_numpy(dtype=object).tolist(), strict=True)
    }


def facts(table: Table) -> dict[str, str]:
    return dict(table.facts)


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    def put(content: bytes | str, name: str = "june.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return put


@pytest.mark.parametrize(
    ("encoding", "said"),
    [
        ("utf-8", "utf-8"),
        ("utf-8-sig", "utf-8"),
        ("utf-16", "utf-16"),
        ("utf-16-le", "utf-16-le"),
        ("utf-16-be", "utf-16-be"),
        ("cp1252", "cp1252"),
    ],
)
def test_encodings_are_told_apart(write: Callable[..., Path], encoding: str, said: str) -> None:
    table = read(write("No;Kunde\n1;Müller & Söhne – GmbH\n".encode(encoding)))

    assert (table.header, rows(table)) == (("No", "Kunde"), {2: ["1", "Müller & Söhne – GmbH"]})
    assert facts(table)["encoding"] == said


@pytest.mark.parametrize(("delimiter", "name"), [(",", "comma"), (";", "semicolon"), ("\t", "tab"), ("|", "pipe")])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_delimiters_are_told_by_evidence(write: Callable[..., Path], delimiter: str, name: str, end: str) -> None:
    lines = [delimiter.join(cells_) for cells_ in (("No", "Amount", "Text"), ("1", "x", "a"), ("2", "y", "b"))]

    table = read(write(end.join(lines) + end))

    assert facts(table)["delimiter"] == name
    assert rows(table) == {2: ["1", "x", "a"], 3: ["2", "y", "b"]}


def test_decimal_commas_do_not_make_a_comma_the_delimiter(write: Callable[..., Path]) -> None:
    assert rows(read(write("No;Amount\n1;1.234,56\n2;7,5\n"))) == {2: ["1", "1.234,56"], 3: ["2", "7,5"]}


def test_a_sep_line_decides_and_is_a_row(write: Callable[..., Path]) -> None:
    table = read(write("sep=;\nNo;A,B,C\n1;x\n"))

    assert (table.header, rows(table), facts(table)["header row"]) == (("No", "A,B,C"), {3: ["1", "x"]}, "2")


def test_text_stays_as_it_is(write: Callable[..., Path]) -> None:
    table = read(write("a,b,c,d\n00123,NA,null, x \n1e5,nan,TRUE,-\n"))

    assert rows(table) == {2: ["00123", "NA", "null", " x "], 3: ["1e5", "nan", "TRUE", "-"]}


def test_quotes_and_line_breaks_in_cells_are_one_row(write: Callable[..., Path]) -> None:
    table = read(write('a,b\n"x, ""y""","line 1\nline 2"\n2,3\n'))

    assert rows(table) == {2: ['x, "y"', "line 1\nline 2"], 3: ["2", "3"]}


def test_blank_rows_keep_counting_and_are_counted(write: Callable[..., Path]) -> None:
    table = read(write("\na,b\n\n1,2\n , \n,\n3,4\n\n"))

    assert rows(table) == {4: ["1", "2"], 7: ["3", "4"]}
    assert (facts(table)["header row"], facts(table)["rows"], facts(table)["blank rows"]) == ("2", "2", "4")


def test_short_rows_are_filled(write: Callable[..., Path]) -> None:
    assert rows(read(write("a,b,c\n1\n2,3,4\n,,,,,\n"))) == {2: ["1", None, None], 3: ["2", "3", "4"]}


def test_a_row_that_an_unquoted_comma_has_shifted_is_refused_even_where_it_ends_blank(
    write: Callable[..., Path],
) -> None:
    with pytest.raises(SourceError, match="more cells than the header: 2"):
        read(write("no,amount,comments\nR2,1,234,\n"))


def test_rows_with_more_cells_than_the_header_are_named(write: Callable[..., Path]) -> None:
    with pytest.raises(SourceError, match=r"june.csv has rows with more cells than the header: 3, 5\. Quote cells"):
        read(write("a,b\n1,2\n1,2,3\n4,5\n6,7,8\n"))
    with pytest.raises(SourceError, match="2, 3, 4, 5, 6 and more"):
        read(write("a,b\n" + "1,2,3\n" * 9))


def test_a_quote_that_never_closes_is_named_by_the_row_where_it_opened(write: Callable[..., Path]) -> None:
    with pytest.raises(SourceError, match="cannot be read at row 3: a quote that is opened there never closes"):
        read(write('a,b\n1,2\n3,"4\n5,6\n'))


def test_a_quote_in_the_wrong_place_is_named(write: Callable[..., Path]) -> None:
    with pytest.raises(SourceError, match="cannot be read at row 2"):
        read(write('a,b\n"1"x,2\n'))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b" \n\n", "is empty"),
        (b"a,b\n", "has a header but no rows"),
        (b"a,b\n , \n", "has a header but no rows"),
        (b"a,b\n1,\x00\n", "holds NUL characters"),
        (b"a,b\n1,2\n3,\x81\n", "make little sense in .*: say its encoding with --encoding"),
        (b"\xff\xfea\x00b", r"is utf-16, but for bytes that mean nothing in it \(row 1\)"),
        (b"%PDF-1.4", "is a PDF"),
        (b'{\n  "number": 1, "amount": 2\n}\n', "is JSON; export the data as CSV or XLSX"),
        (b'[\r\n  {"number": 1}\r\n]\r\n', "is JSON"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "not a workbook"),
        (b"\x1f\x8b\x08", "gzip"),
        (b"PK\x03\x04 broken", "is damaged"),
    ],
)
def test_what_cannot_be_read_is_one_sentence_with_a_remedy(
    write: Callable[..., Path], content: bytes, words: str
) -> None:
    with pytest.raises(SourceError, match=words) as caught:
        read(write(content))
    assert "june.csv" in str(caught.value)


def test_what_is_no_file_is_named(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()

    for name, words in (("pipe", "no regular file"), ("folder", "is a folder"), ("nowhere", "does not exist")):
        with pytest.raises(SourceError, match=words):
            read(tmp_path / name)


def test_a_sheet_of_a_text_is_a_misunderstanding(write: Callable[..., Path]) -> None:
    with pytest.raises(SourceError, match="is no workbook"):
        read(write("a,b\n1,2\n"), Reading(sheet="One"))


def held(data: bytes) -> Plain:
    return Plain(lambda: io.BytesIO(data))


@pytest.mark.parametrize(
    ("odd", "exactly"),
    [
        (b"1,2\n", False),
        (b'"1",2\r\n"a, b","c ""d"""\r\n', False),
        (b'"1\n2",2\n', False),
        (b'1,2"3\n4,5\n', True),
        (b'1,"2\n', True),
        (b'"1" ,2\n', True),
        (b"\n1,2\n", True),
        (b"1,2\n\r\n3,4\n", True),
        (b"1,2\r3,4\r", True),
        (b"1\n", True),
        (b"1,2,3\n", True),
    ],
)
def test_the_fast_reader_is_used_where_it_is_faithful_and_only_there(odd: bytes, exactly: bool) -> None:  # noqa: FBT001
    assert (blocks.read_fast(odd, Dialect(",", '"', ()), 2) is None) is exactly


def test_a_swallowed_record_is_found_in_the_last_line_too_where_nothing_ends_it() -> None:
    swallowing = b'a,b,c,d,e\n1,2,3,4,5\n5,6,7,8,"9\n1,2,3,4,5\x0b1"'

    with pytest.raises(SourceError, match="has a quote in row 3 that closes 2 lines further down"):
        text.read(held(swallowing), Reading())


@pytest.mark.parametrize("size", [2, 4, 6, 8])
def test_utf8_is_known_wherever_a_chunk_ends(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    monkeypatch.setattr("importer.read.source.CHUNK", size)

    grid = text.read(held("å,€\n😀😀,a€\nü€,😀\n".encode()), Reading())

    assert dict(grid.facts)["encoding"] == "utf-8"
    assert [column.to_pylist() for column in grid.columns] == [["😀😀", "ü€"], ["a€", "😀"]]


def test_a_block_that_the_fast_reader_leaves_does_not_slow_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importer.read.source.CHUNK", 64)
    lines = [f'{row},"b, {row}"\n' for row in range(2, 80)]
    lines[40:40] = ["x\n", "\n", '"lines\nof\none",z\n', '7,5" pipe\n']

    grid = text.read(held(("a,b\n" + "".join(lines)).encode()), Reading())

    assert [column.to_pylist()[39:45] for column in grid.columns] == [
        ["41", "x", None, "lines\nof\none", "7", "42"],
        ["b, 41", None, None, "z", '5" pipe', "b, 42"],
    ]
    assert (grid.rows[0], grid.rows[-1], grid.columns[1][-1].as_py()) == (2, 83, "b, 79")


cells_of_text = st.text(st.characters(exclude_characters="\0\ufeff", exclude_categories=["Cs"]), max_size=8)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.lists(cells_of_text, min_size=3, max_size=3), min_size=1, max_size=5),
    st.sampled_from([",", ";", "\t", "|"]),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    st.booleans(),
)
def test_whatever_is_written_as_csv_is_read_the_same(
    table: list[list[str]],
    delimiter: str,
    encoding: str,
    quoted: bool,  # noqa: FBT001 - hypothesis calls it
) -> None:
    file = io.StringIO(newline="")
    writer = csv.writer(file, delimiter=delimiter, quoting=csv.QUOTE_ALL if quoted else csv.QUOTE_MINIMAL)
    writer.writerows([["Number", "Name", "Town"], *table])

    grid = text.read(held(file.getvalue().encode(encoding)), Reading())

    assert grid.header == ("Number", "Name", "Town")
    found = [list(cells_) for cells_ in zip(*(column.to_pylist() for column in grid.columns), strict=True)]
    assert found == [[cell or None for cell in cells_] for cells_ in table]
    assert grid.rows.tolist() == list(range(2, 2 + len(table)))


def workbook(path: Path, *table: list[Any], name: str = "Sheet1", row: int = 0, column: int = 0) -> Path:
    """Write a workbook whose table begins at *row* and *column*."""
    with xlsxwriter.Workbook(path, {"default_date_format": "yyyy-mm-dd"}) as book:
        sheet = book.add_worksheet(name)
        moment = book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
        for number, line in enumerate(table):
            for place, cell in enumerate(line):
                look = moment if isinstance(cell, dt.datetime) and cell.time() != dt.time() else None
                if isinstance(cell, str) and cell.startswith("#"):
                    sheet.write_formula(row + number, column + place, "=1/0", None, cell)
                elif isinstance(cell, str):
                    sheet.write_string(row + number, column + place, cell)
                else:
                    sheet.write(row + number, column + place, cell, look)
    return path


def test_typed_cells_become_canonical_text(tmp_path: Path) -> None:
    line = [
        *("00123", 7, 7.0, 0.1, -1234.5, 1e20, 123456789012345, 1234567890123456, True, False),
        *(dt.date(2026, 1, 31), dt.datetime(2026, 1, 31, 13, 45), "#N/A", "#DIV/0!", " x ", None),
    ]

    table = read(workbook(tmp_path / "june.xlsx", [f"c{number}" for number in range(len(line))], line))

    assert rows(table)[2] == [
        *("00123", "7", "7", "0.1", "-1234.5", "100000000000000000000", "123456789012345", "1234567890123460"),
        *("TRUE", "FALSE", "2026-01-31", "2026-01-31 13:45:00", "#N/A", "#DIV/0!", " x ", None),
    ]
    assert sorted(table.numbers) == [1, 2, 3, 4, 5, 6, 7]
    assert sorted(table.damaged) == [5, 7, 10, 11]


def test_a_day_is_no_identifier_in_an_old_workbook_either(tmp_path: Path) -> None:
    book = xlwt.Workbook()
    page = book.add_sheet("June")
    for column, title in enumerate(("Number", "At")):
        page.write(0, column, title)
    page.write(1, 0, 46082, xlwt.easyxf(num_format_str="DD.MM.YYYY"))
    page.write(1, 1, 0.5, xlwt.easyxf(num_format_str="HH:MM"))
    book.save(str(tmp_path / "june.xls"))

    table = read(tmp_path / "june.xls")

    assert rows(table)[2] == ["2026-03-01", "12:00:00"]
    assert sorted(table.damaged) == [0]


def test_rows_have_the_numbers_that_a_spreadsheet_program_shows(tmp_path: Path) -> None:
    table = read(workbook(tmp_path / "june.xlsx", ["a", "b"], ["1", "2"], [], ["3", "4"], row=4, column=2))

    assert table.header[-2:] == ("a", "b")
    assert {row: cells_[-2:] for row, cells_ in rows(table).items()} == {6: ["1", "2"], 8: ["3", "4"]}


@pytest.mark.parametrize("row", [0, 3])
def test_two_readers_agree_on_a_workbook(tmp_path: Path, row: int) -> None:
    lines = [["a", "b", "c"], ["x", 1.5, dt.date(2026, 2, 3)], [None, 2, "#REF!"], ["y\nz", -0.25, "  "]]
    path = workbook(tmp_path / "june.xlsx", *lines, row=row, column=1)

    ours = rows(read(path))

    for cells_ in openpyxl.load_workbook(path, data_only=True).active.iter_rows(min_row=row + 2):
        told = [
            f"{cell.value:%Y-%m-%d}"
            if isinstance(cell.value, dt.datetime)
            else None
            if cell.value is None
            else str(cell.value)
            for cell in cells_
        ]
        assert ours[cells_[0].row] == told


def test_the_only_sheet_with_data_is_read(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.title = "Notes"
    data = book.create_sheet("Data")
    data.append(["a", "b"])
    data.append(["1", "2"])
    hidden = book.create_sheet("Hidden")
    hidden.append(["x", "y"])
    hidden.sheet_state = "hidden"
    book.save(tmp_path / "june.xlsx")

    assert rows(read(tmp_path / "june.xlsx")) == {2: ["1", "2"]}
    assert facts(read(tmp_path / "june.xlsx"))["sheet"] == "Data"


def test_of_several_sheets_one_has_to_be_named(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    for name in ("June", "July"):
        sheet = book.create_sheet(name)
        sheet.append(["a", "b"])
        sheet.append([name, "2"])
    book.save(tmp_path / "year.xlsx")

    with pytest.raises(SourceError, match=r"several sheets with data: “June”, “July”\. Name one with --sheet"):
        read(tmp_path / "year.xlsx")
    assert rows(read(tmp_path / "year.xlsx", Reading(sheet="july"))) == {2: ["July", "2"]}
    with pytest.raises(SourceError, match="has no sheet 'May'; it has “Sheet”, “June”, “July”"):
        read(tmp_path / "year.xlsx", Reading(sheet="May"))


def test_a_workbook_without_anything_in_it_says_so(tmp_path: Path) -> None:
    openpyxl.Workbook().save(tmp_path / "june.xlsx")

    with pytest.raises(SourceError, match="has nothing in its sheet"):
        read(tmp_path / "june.xlsx")


def test_a_foreign_workbook_with_our_sheets_names_is_not_taken_for_ours(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.title = "Run"
    book.active.append(["Something", "else"])
    book.active.append(["c", "d"])
    fix = book.create_sheet("To fix")
    fix.append(["a", "b"])
    fix.append(["1", "2"])
    book.save(tmp_path / "june.xlsx")

    with pytest.raises(SourceError, match="several sheets"):
        read(tmp_path / "june.xlsx")
    assert read(tmp_path / "june.xlsx", Reading(sheet="To fix")).carried is None


def archive(path: Path, **parts: bytes) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as package:
        for name, content in parts.items():
            package.writestr(name.replace("__", "/").replace("_DOT_", "."), content)
    return path


RELATIONS = (
    b'<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1" '
    b'Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" '
    b'Target="worksheets/sheet1.xml"/></Relationships>'
)
BOOK = (
    b'<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" '
    b'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets>'
    b'<sheet name="One" sheetId="1" r:id="r1"/></sheets></workbook>'
)
SHEET = b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>%s</sheetData></worksheet>'
TYPES = (
    b'<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    b'<Default Extension="xml" ContentType="application/xml"/></Types>'
)


def package(path: Path, sheet: bytes, book: bytes = BOOK) -> Path:
    parts = {
        "[Content_Types].xml": TYPES,
        "_rels/.rels": RELATIONS.replace(b"relationships/worksheet", b"relationships/officeDocument").replace(
            b"worksheets/sheet1.xml", b"xl/workbook.xml"
        ),
        "xl/workbook.xml": book,
        "xl/_rels/workbook.xml.rels": RELATIONS,
        "xl/worksheets/sheet1.xml": sheet,
    }
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in parts.items():
            file.writestr(name, content)
    return path


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ({"content_DOT_xml": b"x"}, "is damaged"),
        ({"xl__workbook_DOT_bin": b"x"}, "is damaged"),
        ({"june_DOT_csv": b"x"}, "is a zip archive and no workbook"),
        ({"xl__workbook_DOT_xml": b"<broken"}, "is damaged"),
    ],
)
def test_archives_that_are_no_workbooks_are_named(tmp_path: Path, parts: dict[str, bytes], words: str) -> None:
    with pytest.raises(SourceError, match=words):
        read(archive(tmp_path / "june.xlsx", **parts))


@pytest.mark.parametrize("hostile", [b'<!DOCTYPE x [<!ENTITY a "b">]>', b'<!ENTITY a "b">'])
def test_entities_are_refused(tmp_path: Path, hostile: bytes) -> None:
    with pytest.raises(SourceError, match="declares entities"):
        read(package(tmp_path / "one.xlsx", SHEET % b"", book=hostile + BOOK))
    with pytest.raises(SourceError, match="declares entities"):
        read(package(tmp_path / "two.xlsx", hostile + SHEET % b""))


def test_a_bomb_is_refused_before_it_goes_off(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="unpacks to far more than it holds"):
        read(package(tmp_path / "june.xlsx", SHEET % (b" " * (64 << 20))))


def test_one_cell_in_the_last_corner_ends_in_a_sentence(tmp_path: Path) -> None:
    corner = b'<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'

    with pytest.raises(SourceError, match="needs more memory than a spreadsheet should"):
        read(package(tmp_path / "june.xlsx", SHEET % corner))


def test_a_broken_sheet_ends_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="is damaged or of a kind that cannot be read"):
        read(package(tmp_path / "june.xlsx", b"<worksheet><sheetData><row"))


def test_a_sheet_that_cannot_be_read_in_time_ends_in_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importer.read.apart.PATIENCE", 0.001)

    with pytest.raises(SourceError, match="could not be read within"):
        read(workbook(tmp_path / "june.xlsx", ["a"], ["1"]))


@pytest.mark.parametrize(
    ("cell", "text_"),
    [(dt.time(13, 45), "13:45:00"), (dt.timedelta(hours=30), "30:00:00"), (None, None), (3, "3"), (1.5, "1.5")],
)
def test_cells_of_rarer_types_are_text_too(cell: object, text_: str | None) -> None:
    assert cells.write(cell) == text_


def test_error_cells_are_found_wherever_they_stand(tmp_path: Path) -> None:
    sheet = (
        b'<row r="1"><c r="A1" t="inlineStr"><is><t>a</t></is></c><c r="B1" t="inlineStr"><is><t>b</t></is></c></row>'
        b'<row r="2"><c r="A2" t="e"/><c r="B2"><v>5</v></c></row>'
        b'<row r="3"><c t="e" r="A3"><v>#N/A</v></c><c r="B3" t=\'e\'><f>1/0</f><v>#DIV/0!</v></c></row>'
    )

    assert rows(read(package(tmp_path / "june.xlsx", SHEET % sheet))) == {2: ["#VALUE!", "5"], 3: ["#N/A", "#DIV/0!"]}


def test_error_cells_that_do_not_say_where_they_are_follow_those_before(tmp_path: Path) -> None:
    text = b'<c t="inlineStr"><is><t>a</t></is></c>'
    sheet = b"<row>" + text + text + b'</row><row r="4">' + text + b'<c t="e"><v>#N/A</v></c></row>'

    assert rows(read(package(tmp_path / "june.xlsx", SHEET % sheet))) == {4: ["a", "#N/A"]}


def test_a_source_is_never_written_to(tmp_path: Path) -> None:
    path = workbook(tmp_path / "june.xlsx", ["a"], ["1"])
    before = (path.read_bytes(), path.stat().st_mtime_ns)

    read(path)

    assert (path.read_bytes(), path.stat().st_mtime_ns) == before
