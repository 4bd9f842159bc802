"""Sources that are damaged, odd or hostile are read right or refused: never read wrong."""

from __future__ import annotations

import datetime as dt
import io
import os
import re
import stat
import subprocess
import sys
import zipfile
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import openpyxl
import pandas as pd
import pytest
import xlsxwriter
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from openpyxl.utils.datetime import CALENDAR_MAC_1904

from importer.errors import SourceError
from importer.model import Carried, Reading, Styles
from importer.read import blocks, cells, dialect, read, scan

if TYPE_CHECKING:
    from collections.abc import Callable

    from importer.model import Table

SHEET = "xl/worksheets/sheet1.xml"


def rows(table: Table) -> dict[int, list[str | None]]:
    return {
        int(row): [None if cell is pd.NA else cell for cell in line]
        for row, line in zip(table.cells.index, table.cells.to_numpy(dtype=object).tolist(), strict=True)
    }


@pytest.fixture
def write(tmp_path: Path) -> Callable[[bytes | str], Path]:
    def put(content: bytes | str) -> Path:
        path = tmp_path / "june.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return put


def save(path: Path, *lines: list[Any], **sheets: list[list[Any]]) -> Path:
    book = openpyxl.Workbook()
    for line in lines:
        book.active.append(line)
    for name, content in sheets.items():
        sheet = book.create_sheet(name.replace("_", " "))
        for line in content:
            sheet.append(line)
    if sheets and not lines:
        book.remove(book["Sheet"])
    book.save(path)
    return path


def change(path: Path, edit: Callable[[bytes], bytes], part: str = SHEET) -> Path:
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    assert parts[part] != edit(parts[part])
    parts[part] = edit(parts[part])
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return path


def test_a_text_whose_first_header_begins_like_a_zip_archive_is_a_text(write: Callable[..., Path]) -> None:
    assert read(write("PK;Name\n1;a\n")).header == ("PK", "Name")


def test_a_first_record_of_blanks_is_no_header(write: Callable[..., Path]) -> None:
    table = read(write(";;\na;b;c\n1;2;3\n"))

    assert (table.header, rows(table)) == (("a", "b", "c"), {3: ["1", "2", "3"]})


def test_utf_8_with_one_wrong_byte_is_refused_and_not_garbled(write: Callable[..., Path]) -> None:
    with pytest.raises(SourceError, match=r"is utf-8, but for bytes that mean nothing in it \(row 3\)\. Mend it"):
        read(write("No;Name\n1;Müller\n".encode() + b"2;J\xf6rg\n"))


def test_a_mark_of_utf_8_is_believed(write: Callable[..., Path]) -> None:
    with pytest.raises(SourceError, match=r"is utf-8, but for bytes that mean nothing in it \(row 2\)"):
        read(write(b"\xef\xbb\xbfa;b\nJ\xf6rg;2\n"))


def test_german_quotes_in_cp1252_are_no_utf_8(write: Callable[..., Path]) -> None:
    assert rows(read(write("No;Name\n1;»MENÜ« Spaß–Groß GmbH\n".encode("cp1252")))) == {
        2: ["1", "»MENÜ« Spaß–Groß GmbH"]
    }


def test_a_lone_nul_does_not_make_a_text_utf_16(write: Callable[..., Path]) -> None:
    with pytest.raises(SourceError, match="holds NUL characters"):
        read(write(b"a\0b,c\n1,2\n"))


@pytest.mark.parametrize("line", ["SEP=|", "sep=|", '"sep=|"'])
def test_a_sep_line_is_known_in_any_form(write: Callable[..., Path], line: str) -> None:
    table = read(write(f"{line}\r\na|b,c\r\n1|2\r\n"))

    assert (table.header, rows(table)) == (("a", "b,c"), {3: ["1", "2"]})


def test_text_after_a_closing_quote_is_explained(write: Callable[..., Path]) -> None:
    with pytest.raises(SourceError, match="row 2: text follows a closing quote; write a quote inside"):
        read(write('a;b\n1;"x"y\n'))


def test_a_cell_of_absurd_length_is_named_by_its_row(write: Callable[..., Path], monkeypatch: Any) -> None:
    monkeypatch.setattr(dialect, "WIDEST_CELL", 100)

    with pytest.raises(SourceError, match="row 3: a cell has more than 100 signs"):
        read(write("a,b\n1\n3," + "x" * 200 + "\n"))


@pytest.mark.parametrize("number", [999, 1000, 1001, 2500])
def test_rows_are_numbered_and_named_across_batches(write: Callable[..., Path], number: int) -> None:
    good = "".join(f'"{row}",x\n' for row in range(2, number))

    assert list(rows(read(write("a,b\n" + good + "last,y\n"))))[-1] == number
    with pytest.raises(SourceError, match=f"more cells than the header: {number}\\. "):
        read(write("a,b\n" + good + "1,2,3\n"))
    with pytest.raises(SourceError, match=f"at row {number}: a quote that is opened there"):
        read(write("a,b\n" + good + '1,"2\n'))


def test_a_header_below_many_blank_records_is_found(write: Callable[..., Path]) -> None:
    assert rows(read(write(",\n" * 1500 + "a,b\n1,2\n"))) == {1502: ["1", "2"]}


@pytest.mark.parametrize("start", ["<html><table>", "<!DOCTYPE html>", '<?xml version="1.0"?>', "\ufeff\n <table>"])
def test_a_web_page_called_a_spreadsheet_is_refused(write: Callable[..., Path], start: str) -> None:
    with pytest.raises(SourceError, match=r"is HTML or XML, .* save it as \.xlsx"):
        read(write(start))


def test_a_device_is_refused() -> None:
    with pytest.raises(SourceError, match="is no regular file"):
        read(Path(os.devnull))


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is forbidden to root")
def test_a_source_that_may_not_be_read_says_so(write: Callable[..., Path]) -> None:
    path = write("a,b\n1,2\n")
    path.chmod(stat.S_IWUSR)

    with pytest.raises(SourceError, match="cannot be read: Permission denied"):
        read(path)


def test_a_name_that_no_file_can_have_says_so(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="cannot be read: File name too long"):
        read(tmp_path / ("x" * 300))


lines_of_text = st.lists(
    st.lists(st.text(st.characters(codec="cp1252", exclude_characters="\0"), max_size=6), min_size=2, max_size=2),
    min_size=1,
    max_size=4,
)


@settings(max_examples=100, deadline=None)
@given(lines_of_text)
@example([["\x1c", "\x85"], ["\x0b", "\x0c"]])
def test_the_fast_and_the_exact_reader_agree_wherever_both_read(lines: list[list[str]]) -> None:
    content = "\n".join(";".join(cell.replace(";", "") for cell in line) for line in lines) + "\n"

    semicolon = dialect.Dialect(";", '"', ())
    fast = blocks.read_fast(content.encode(), semicolon, 2)

    if fast:
        exact = blocks.Body(semicolon, 2, 2)
        exact._take_exactly(content, last=True)
        assert [column.to_pylist() for column in fast] == cells_of(exact)


@settings(max_examples=300, deadline=None)
@given(st.text(st.sampled_from('"";\n\rx '), max_size=24), st.integers(1, 9))
@example('"";"x\n"\nx;"" ""\n', 3)
def test_what_is_read_does_not_depend_on_where_blocks_end(content: str, size: int) -> None:
    """Quotes, breaks and delimiters in any order, in blocks of any size, are read as by the exact reader alone."""
    semicolon = dialect.Dialect(";", '"', ())
    whole, cut = blocks.Body(semicolon, 2, 2), blocks.Body(semicolon, 2, 2)
    data = content.encode()

    said = [outcome(lambda: whole._take_exactly(content, last=True))]
    said.append(outcome(lambda: cut.take((data[at : at + size] for at in range(0, len(data), size)), 0)))

    assert said[0] == said[1]
    if not said[0]:
        assert [cells_of(body) for body in (whole, cut)] == [cells_of(whole)] * 2
        assert (cut.next, cut.short, cut.too_wide) == (whole.next, whole.short, whole.too_wide)


def outcome(read_: Callable[[], object]) -> str:
    try:
        read_()
    except SourceError as error:
        return str(error)
    return ""


def cells_of(body: blocks.Body) -> list[list[str | None]]:
    return [[cell for part in body.parts for cell in part[number].to_pylist()] for number in range(body.width)]


def test_an_error_cell_without_a_value_does_not_take_its_neighbours(tmp_path: Path) -> None:
    path = save(tmp_path / "june.xlsx", ["a", "b", "c"], ["x", 1, 2])
    change(path, lambda xml: xml.replace(b'<c r="B2" t="n"><v>1</v></c>', b'<c r="B2" t="e"/>'))

    assert rows(read(path)) == {2: ["x", "#VALUE!", "2"]}


def test_a_text_that_looks_like_the_xml_of_an_error_is_a_text(tmp_path: Path) -> None:
    table = read(save(tmp_path / "june.xlsx", ["a", "b"], [' t="e"', '<c r="A9" t="e"><v>#N/A</v></c>']))

    assert rows(table) == {2: [' t="e"', '<c r="A9" t="e"><v>#N/A</v></c>']}


def test_error_cells_are_found_in_any_spelling_of_the_xml() -> None:
    xml = b"<x:worksheet><x:c r = 'AB3' s='1' t = 'e'><x:f>1/0</x:f><x:v>#DIV/0!</x:v></x:c></x:worksheet>"

    assert scan.find_errors(xml) == {(2, 27): "#DIV/0!"}


def test_an_error_cell_without_a_place_is_found_and_not_blank(tmp_path: Path) -> None:
    path = save(tmp_path / "june.xlsx", ["a", "b"], ["x", "#N/A"])
    change(path, lambda xml: re.sub(rb'<c r="[A-Z]+\d+"', b"<c", xml))

    assert rows(read(path)) == {2: ["x", "#N/A"]}


def test_formulas_that_were_never_calculated_are_refused_and_not_blank(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"never calculated \(cell B3\): open it in a spreadsheet program"):
        read(save(tmp_path / "june.xlsx", ["a", "b"], ["x", 1], ["y", "=B2*2"]))


@pytest.mark.parametrize(
    "cell",
    [
        b'<c r="B2"><f>A1</f><v>7</v></c>',
        b'<c r="B2" t="str"><f>A1</f><v></v></c>',
        b'<c r="B2" t="str"><f>A1</f></c>',
        b'<c r="B2"><f t="shared" si="0"/><v>7</v></c>',
        b'<c r="B2"/>',
    ],
)
def test_formulas_with_a_result_are_fine_even_an_empty_text(cell: bytes) -> None:
    scan.refuse_uncalculated(b"<worksheet>" + cell + b"</worksheet>")


@pytest.mark.parametrize(
    "cell",
    [
        b"<c><f>A1</f></c>",
        b'<c s="1"><f>A1</f><v/></c>',
        b'<c r="B2"><f>A1</f> <v></v></c>',
        b'<c r="B2"><f t="shared" si="0"/></c>',
    ],
)
@pytest.mark.parametrize("prefix", [b"", b"x:"])
def test_formulas_without_a_result_are_found(cell: bytes, prefix: bytes) -> None:
    xml = b"<worksheet>" + cell + b"</worksheet>"

    with pytest.raises(SourceError, match="never calculated"):
        scan.refuse_uncalculated(re.sub(rb"<(/?)(\w)", rb"<\1" + prefix + rb"\2", xml))


def test_days_counted_from_1904_are_the_same_days(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.epoch = CALENDAR_MAC_1904
    book.active.append(["a"])
    book.active.append([dt.date(2026, 1, 31)])
    book.save(tmp_path / "june.xlsx")

    assert rows(read(tmp_path / "june.xlsx")) == {2: ["2026-01-31"]}


cell_values = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**14), 10**14),
    st.floats(-1e14, 1e14, allow_nan=False, allow_subnormal=False).map(lambda number: float(f"{number:.12g}")),
    st.dates(dt.date(1970, 1, 1), dt.date(2099, 12, 31)),
    st.text(st.characters(codec="utf-8", min_codepoint=32, exclude_characters="\ufffe\uffff_\x7f"), max_size=8),
    st.sampled_from(["#N/A", "#REF!", "00123", "NA", " x ", "a\nb", "=1+1", "1e5"]),
)


def as_told(value: object) -> str | None:
    """Write what openpyxl tells of a cell as a table does, in another way than the reader."""
    if value is None or isinstance(value, bool):
        return None if value is None else str(value).upper()
    if isinstance(value, dt.datetime):
        return value.date().isoformat()
    if isinstance(value, int | float):
        return format(Decimal(repr(value)).normalize() + 0, "f")
    return str(value) or None


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.lists(cell_values, min_size=3, max_size=3), min_size=1, max_size=5),
    st.integers(0, 3),
    st.integers(0, 2),
)
def test_whatever_is_in_a_workbook_two_readers_agree_on_it(
    tmp_path: Path, lines: list[list[Any]], row: int, column: int
) -> None:
    path = tmp_path / "june.xlsx"
    with xlsxwriter.Workbook(path, {"default_date_format": "yyyy-mm-dd", "strings_to_formulas": False}) as book:
        sheet = book.add_worksheet()
        for number, line in enumerate([["a", "b", "c"], *lines, ["last", "row", "."]]):
            for place, cell in enumerate(line):
                sheet.write(row + number, column + place, cell)

    table = read(path)

    book = openpyxl.load_workbook(path, data_only=True)
    told = {line[0].row: [as_told(cell.value) for cell in line] for line in book.active.iter_rows(min_row=row + 2)}
    numeric = {
        (cell.row, cell.column - 1)
        for line in book.active.iter_rows(min_row=row + 2)
        for cell in line
        if cell.data_type == "n" and cell.value is not None
    }
    assert rows(table) == {number: line for number, line in told.items() if any((cell or "").strip() for cell in line)}
    ours = {
        (int(table.cells.index[place]), position)
        for position, mask in table.numbers.items()
        for place in mask.nonzero()[0]
    }
    assert ours == numeric


def results(path: Path, fix: list[list[Any]], run: list[list[Any]]) -> Path:
    return save(path, Summary=[["2 rows"]], Results=[["Row"], [2]], To_fix=fix, Run=run)


RUN = [
    ["Invoice importer"],
    ["Run", "20261121-101500-june-3f2a"],
    ["Target", "customer"],
    ["Source", "june.xlsx"],
    [],
    ["Field", "Column", "Constant", "Decimal", "Date order"],
    ["debtor.name", "Kunde"],
    ["amountToRecover", "Betrag", None, "comma"],
    ["date", "Datum", None, None, "dmy"],
    ["dueDate", "Fällig", None, None, "mixed"],
    ["debtor.type", None, "Company"],
    [],
    ["dueDate", "not part of the table"],
]
CARRIED = Carried(
    run="20261121-101500-june-3f2a",
    target="customer",
    columns={"Kunde": "debtor.name", "Betrag": "amountToRecover", "Datum": "date", "Fällig": "dueDate"},
    constants={"debtor.type": "Company"},
    styles=Styles({"amountToRecover": "comma"}, {"date": "dmy"}),
    mixed=frozenset({"dueDate"}),
)


@pytest.mark.parametrize("sheet", [None, "to fix"])
def test_a_results_workbook_gives_its_rows_to_fix_and_what_it_carries(tmp_path: Path, sheet: str | None) -> None:
    table = read(
        results(tmp_path / "results.xlsx", [["Kunde", "Betrag"], ["Beispiel AG", 12.5]], RUN), Reading(sheet=sheet)
    )

    assert (table.header, rows(table)) == (("Kunde", "Betrag"), {2: ["Beispiel AG", "12.5"]})
    assert table.carried == CARRIED
    assert {position: mask.tolist() for position, mask in table.numbers.items()} == {1: [True]}


def test_a_results_workbook_saved_as_ods_still_carries_what_it_did(tmp_path: Path) -> None:
    rows_ = "".join(f"<table:table-row>{''.join(map(_ods_cell, row))}</table:table-row>" for row in RUN)
    fix = "<table:table-row>" + _ods_cell("Kunde") + "</table:table-row><table:table-row>" + _ods_cell("Beispiel AG")
    content = (
        '<office:document-content xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" '
        'xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" '
        'xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"><office:body><office:spreadsheet>'
        f'<table:table table:name="To fix">{fix}</table:table-row></table:table><table:table table:name="Run">{rows_}'
        "</table:table></office:spreadsheet></office:body></office:document-content>"
    )
    with zipfile.ZipFile(tmp_path / "results.ods", "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("META-INF/manifest.xml", "<a/>")
        archive.writestr("content.xml", content)

    table = read(tmp_path / "results.ods")

    assert rows(table) == {2: ["Beispiel AG"]}
    assert table.carried == read(results(tmp_path / "results.xlsx", [["Kunde"], ["Beispiel AG"]], RUN)).carried


def _ods_cell(cell: object) -> str:
    return f'<table:table-cell office:value-type="string"><text:p>{cell or ""}</text:p></table:table-cell>'


def test_another_sheet_of_a_results_workbook_carries_nothing(tmp_path: Path) -> None:
    path = results(tmp_path / "results.xlsx", [["a"], ["1"]], RUN)

    assert read(path, Reading(sheet="Results")).carried is None


@pytest.mark.parametrize("fix", [[], [["Kunde", "Betrag"]]])
def test_a_results_workbook_with_nothing_to_fix_says_so(tmp_path: Path, fix: list[list[Any]]) -> None:
    with pytest.raises(SourceError, match="is a results workbook with nothing to fix in it"):
        read(results(tmp_path / "results.xlsx", fix, RUN))


def test_a_source_called_like_a_name_of_the_run_sheet_changes_nothing(tmp_path: Path) -> None:
    run = [*RUN[:4], ["Run", "another"], ["Target", "managed"], *RUN[4:]]

    assert read(results(tmp_path / "results.xlsx", [["a"], ["1"]], run)).carried == CARRIED


def test_a_run_sheet_without_its_table_carries_only_the_run(tmp_path: Path) -> None:
    table = read(results(tmp_path / "results.xlsx", [["a"], ["1"]], RUN[:4]))

    assert table.carried == Carried("20261121-101500-june-3f2a", "customer", {}, {}, Styles())


def test_a_locked_archive_is_refused(tmp_path: Path) -> None:
    path = save(tmp_path / "june.xlsx", ["a"], ["1"])
    data = bytearray(path.read_bytes())
    for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        for found in re.finditer(re.escape(mark), bytes(data)):
            data[found.start() + place] |= 1
    path.write_bytes(data)

    with pytest.raises(SourceError, match="is protected by a password; save it without one"):
        read(path)


def test_a_bomb_in_the_list_of_sheets_is_refused_unread(tmp_path: Path) -> None:
    path = save(tmp_path / "june.xlsx", ["a"], ["1"])
    change(path, lambda xml: xml + b" " * (64 << 20), "xl/workbook.xml")

    with pytest.raises(SourceError, match="unpacks to far more than it holds"):
        read(path)


@pytest.mark.parametrize("part", [SHEET, "xl/workbook.xml", "xl/styles.xml"])
def test_entities_and_utf_16_that_could_hide_them_are_refused_in_every_part(tmp_path: Path, part: str) -> None:
    for number, edit in enumerate(
        (lambda xml: b'<!DOCTYPE x [<!ENTITY a "b">]>' + xml, lambda xml: b"\xff\xfe<\0" + xml)
    ):
        with pytest.raises(SourceError, match="declares entities"):
            read(change(save(tmp_path / f"{number}.xlsx", ["a"], ["1"]), edit, part))


def test_an_archive_that_was_cut_short_or_changed_is_damaged(tmp_path: Path) -> None:
    path = save(tmp_path / "june.xlsx", ["a", "b"], *([str(row), "x"] for row in range(300)))
    data = path.read_bytes()
    with zipfile.ZipFile(path) as archive:
        sheet = archive.getinfo(SHEET)

    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(SourceError, match="is damaged"):
        read(path)
    middle = sheet.header_offset + 30 + len(SHEET) + sheet.compress_size // 2
    path.write_bytes(data[:middle] + bytes(byte ^ 0x55 for byte in data[middle : middle + 40]) + data[middle + 40 :])
    with pytest.raises(SourceError, match="is damaged"):
        read(path)


def test_sheets_of_other_programs_are_found_wherever_they_lie(tmp_path: Path) -> None:
    path = save(tmp_path / "june.xlsx", ["a"], ["1"])
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    parts["xl/data/one.xml"] = parts.pop(SHEET)
    for name in ("xl/_rels/workbook.xml.rels", "[Content_Types].xml"):
        parts[name] = parts[name].replace(b"worksheets/sheet1.xml", b"data/one.xml")
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)

    assert rows(read(path)) == {2: ["1"]}


def test_several_sheets_without_anything_in_them_say_so(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="has no visible sheet with anything in it; export the data again"):
        read(save(tmp_path / "june.xlsx", One=[], Two=[]))


def test_a_large_sheet_is_seen_to_be_filled_though_its_first_value_lies_deep() -> None:
    from importer.read.workbook import CHUNK, _is_filled  # noqa: PLC0415 - the one inner function looked at

    for before in (0, CHUNK - 2, CHUNK, 3 * CHUNK + 1):
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            archive.writestr("full", b" " * before + b"<v>1</v>")
            archive.writestr("bare", b" " * before + b"<c/><v/><view>x")
        with zipfile.ZipFile(packed) as archive:
            assert (_is_filled(archive, "full"), _is_filled(archive, "bare")) == (True, False)


def test_a_module_in_the_current_folder_is_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "python_calamine.py").write_text("raise SystemExit('taken over')", encoding="utf-8")
    monkeypatch.chdir(tmp_path)

    assert rows(read(save(tmp_path / "june.xlsx", ["a"], ["1"]))) == {2: ["1"]}


def test_the_child_needs_no_pandas() -> None:
    loaded = "import sys, importer.read.cells; print('pandas' in sys.modules)"

    ended = subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True, check=True)

    assert ended.stdout == "False\n"


@pytest.mark.parametrize(
    ("number", "written"),
    [
        (1e-7, "0.0000001"),
        (-0.0, "0"),
        (999_999_999_999_999.0, "999999999999999"),
        (1e15, "1000000000000000"),
        (1234.5678901234567, "1234.56789012346"),
    ],
)
def test_numbers_are_written_as_a_spreadsheet_shows_them(number: float, written: str) -> None:
    assert cells.write_number(number) == written
