"""An empty workbook to fill in: what it holds, and that what is filled in comes through, and nothing else."""

from __future__ import annotations

from contextlib import closing
from datetime import date
from typing import TYPE_CHECKING, Any

import openpyxl
import pytest

import schemas
from importer.check import check
from importer.match import match
from importer.parse import parse
from importer.read import read
from schemas import guide

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    Importer = Callable[..., Any]

CLAIMS = ("customer", "managed", "referral")
TYPED = {  # as at a German desk
    "Invoice number": "000123",
    "Invoice date": "03.08.2026",
    "Due date": "2.9.2026",
    "Amount to recover": "1234,5",
    "Currency": "EUR",
    "Debtor type": "Private",
    "Debtor name": "=Müller & Söhne, Łódź",
    "Registration number": "22E1",
    "Address": "3-4",
    "Postal code": "01234",
    "City": "Ångström",
    "State": "Massachusetts",
    "Country": "US",
    "Phone": "+4512345678",
    "Comments": "1.000",
    "Skip verification": "yes",
}
READ = TYPED | {"Invoice date": "2026-08-03", "Due date": "2026-09-02", "Amount to recover": "1234.5"}


@pytest.fixture
def template(importer: Importer, tmp_path: Path) -> Callable[[str], Path]:
    """Write the template of a target."""

    def write(target: str) -> Path:
        assert importer("template", "--target", target, "--quiet").code == 0
        return tmp_path / f"template-{target}.xlsx"

    return write


def fill(path: Path, rows: Sequence[Sequence[Any]], sheet: str | None = None) -> Path:
    """Write rows below the header of the first sheet, or of another."""
    with closing(openpyxl.load_workbook(path)) as book:
        for number, row in enumerate(rows, start=2):
            for column, value in enumerate(row, start=1):
                book[sheet or book.sheetnames[0]].cell(number, column).value = value
        filled = path.with_name("filled.xlsx")
        book.save(filled)
    return filled


def take_example(path: Path) -> list[list[Any]]:
    with closing(openpyxl.load_workbook(path)) as book:
        header, *rows = book["Example"].iter_rows(min_row=3, values_only=True)
        assert list(header) == [cell.value for cell in next(iter(book.worksheets[0].rows))]
        return [list(row) for row in rows]


@pytest.mark.parametrize("name", schemas.TARGETS)
def test_each_header_of_a_template_maps_by_itself(name: str, template: Callable[[str], Path]) -> None:
    target = schemas.load(name)
    with closing(openpyxl.load_workbook(template(name))) as book:
        header = [str(cell.value) for cell in next(iter(book.worksheets[0].rows))]

    matching = match(header, target, mapping={}, constants={})

    fields = [column.field for column in guide.explain(target)]
    assert matching.columns == {field: position for position, field in enumerate(fields)}
    assert (matching.unmapped, dict(matching.unsupported)) == ((), {})


@pytest.mark.parametrize("name", schemas.TARGETS)
def test_an_empty_template_says_that_it_has_no_rows(
    name: str, importer: Importer, template: Callable[[str], Path]
) -> None:
    ran = importer("check", template(name), "--target", name if name in CLAIMS else "customer")

    assert (ran.code, ran.err) == (
        3,
        f"template-{name}.xlsx has a header but no rows; nothing is to be done.\n",
    )


@pytest.mark.parametrize("name", schemas.TARGETS)
def test_the_example_is_faultless(name: str, template: Callable[[str], Path]) -> None:
    target = schemas.load(name)
    empty = template(name)

    table = read(fill(empty, take_example(empty)))
    matching = match(table.header, target, mapping={}, constants={})
    parsed = parse(table, matching, target, decimal=None, order=None)
    context = schemas.Context(date(2026, 11, 21), activate=True)
    headers = {field: table.header[position] for field, position in matching.columns.items()}
    issues = check(parsed.values, parsed.unreadable, parsed.texts, headers, target, context)

    assert len(table.cells) == 2
    assert parsed.issues.empty
    assert issues.empty


def test_a_filled_template_is_submitted_and_its_other_sheets_are_not(
    importer: Importer, template: Callable[[str], Path]
) -> None:
    empty = template("customer")
    row = [*take_example(empty)[0]]
    row[0] = "000123"

    ran = importer("submit", fill(empty, [row]), "--sandbox", "--yes", "--json")

    assert (ran.code, ran.said["counts"]["rows"], ran.said["counts"]["created"]) == (0, 1, 1)
    assert importer("find", "000123").code == 0
    assert importer("find", "EXAMPLE-0001").code == 1


def test_rows_in_a_new_sheet_beside_the_empty_one_are_found(
    importer: Importer, template: Callable[[str], Path]
) -> None:
    empty = template("customer")
    with closing(openpyxl.load_workbook(empty)) as book:
        own = book.create_sheet("August")
        own.append([cell.value for cell in next(iter(book.worksheets[0].rows))])
        own.append(take_example(empty)[0])
        book.save(empty)

    said = importer("peek", empty, "--json").said

    assert (said["facts"]["sheet"], said["rows"]) == ("August", 1)


def test_sheets_that_explain_are_never_data_whatever_they_are_called(
    importer: Importer, template: Callable[[str], Path]
) -> None:
    empty = template("customer")
    with closing(openpyxl.load_workbook(empty)) as book:
        book["Example"].title = "Beispiel"
        book["Columns"].title = "Spalten"
        book["Lists"].sheet_state = "visible"
        book.save(empty)

    assert importer("check", empty).err == "template-customer.xlsx has a header but no rows; nothing is to be done.\n"


def test_a_sheet_of_the_users_own_may_be_called_like_those_that_explain(importer: Importer) -> None:
    book = openpyxl.Workbook()
    book.active.title = "Columns"
    book.active.append(["Invoice", "Amount"])
    book.active.append(["A-1", 7])
    book.create_sheet("Example").append(["For example"])
    book.save("own.xlsx")

    assert importer("peek", "own.xlsx", "--json").said["facts"]["sheet"] == "Columns"


@pytest.mark.parametrize("name", schemas.TARGETS)
def test_columns_keep_identifiers_as_text_dates_as_dates_and_amounts_as_numbers(
    name: str, template: Callable[[str], Path]
) -> None:
    formats = {"text": "@", "uuid": "@", "boolean": "@", "date": "yyyy-mm-dd", "amount": "0.00##"}
    columns = guide.explain(schemas.load(name))

    with closing(openpyxl.load_workbook(template(name))) as book:
        sheet = book.worksheets[0]
        found = [
            stretch.number_format.replace("\\", "")
            for stretch in sheet.column_dimensions.values()
            for _ in range(stretch.min, stretch.max + 1)
        ]

    assert found == [formats[column.kind] for column in columns]


@pytest.mark.parametrize("name", schemas.TARGETS)
def test_each_header_says_what_it_is_whether_it_is_required_and_the_rule(
    name: str, template: Callable[[str], Path]
) -> None:
    columns = guide.explain(schemas.load(name))

    with closing(openpyxl.load_workbook(template(name))) as book:
        sheet = book.worksheets[0]
        assert sheet.freeze_panes == "A2"
        for cell, column in zip(sheet[1], columns, strict=True):
            said = cell.comment.text
            assert column.meaning in said
            assert f"Required: {column.required}" in said
            assert all(check.text in said for check in column.checks if check.severity == "error")
            assert str(cell.value).endswith("*") == column.needed
        told = [row[0].value for row in book["Columns"].iter_rows(min_row=8)]
        assert told == [cell.value for cell in sheet[1]]


def test_lists_offer_countries_currencies_states_types_and_yes_or_no(template: Callable[[str], Path]) -> None:
    with closing(openpyxl.load_workbook(template("customer"))) as book:
        sheet = book.worksheets[0]
        names = {name: defined.attr_text for name, defined in book.defined_names.items()}
        assert book["Lists"].sheet_state == "hidden"
        offered = {}
        for rule in sheet.data_validations.dataValidation:
            if rule.type == "list":
                place = names[rule.formula1].partition("!")[2].replace("$", "")
                offered[sheet[f"{str(rule.sqref).partition('2')[0]}1"].value] = [
                    cell[0].value for cell in book["Lists"][place]
                ]
                assert str(rule.sqref).endswith("1048576")

    assert offered.keys() == {"Currency*", "Debtor type*", "State", "Country*", "Skip verification"}
    assert offered["Debtor type*"] == ["Company", "Private"]
    assert {"Germany", "Denmark", "United States"} < set(offered["Country*"])
    assert {"EUR", "USD", "PLN"} < set(offered["Currency*"])
    assert {"California", "District of Columbia", "Puerto Rico"} < set(offered["State"])
    assert offered["Skip verification"] == ["yes", "no"]


def test_scripts_are_told_the_path_alone_or_one_object(importer: Importer, tmp_path: Path) -> None:
    plain = importer("template", "--output", "a.xlsx")
    told = importer("template", "--output", tmp_path / "b.xlsx", "--target", "managed", "--json")

    assert (plain.code, plain.out) == (0, "a.xlsx\n")
    assert told.said == {"template": str(tmp_path / "b.xlsx"), "target": "managed", "columns": 22, "exit": 0}


def test_a_workspace_that_is_not_there_yet_is_made(importer: Importer, tmp_path: Path) -> None:
    assert importer("template", "--workspace", "new/desk", "--quiet").code == 0
    assert (tmp_path / "new" / "desk" / "template-customer.xlsx").is_file()


def test_the_target_is_that_of_the_settings(importer: Importer, tmp_path: Path) -> None:
    (tmp_path / "importer.toml").write_text('target = "details"\n')

    assert importer("template").out == "template-details.xlsx\n"


def test_a_file_that_is_there_is_left_as_it_is(importer: Importer, tmp_path: Path) -> None:
    (tmp_path / "mine.xlsx").write_bytes(b"a month of work")

    ran = importer("template", "--output", "mine.xlsx", "--json")

    assert (ran.code, ran.said) == (
        3,
        {"exit": 3, "error": "mine.xlsx exists already: name another file with --output, or remove that one."},
    )
    assert (tmp_path / "mine.xlsx").read_bytes() == b"a month of work"


def test_a_place_that_cannot_be_written_is_told_in_a_sentence(importer: Importer) -> None:
    ran = importer("template", "--output", "nowhere/at/all.xlsx")

    assert (ran.code, ran.err) == (
        3,
        "nowhere/at/all.xlsx cannot be written: No such file or directory. Name another place with --output.\n",
    )


def test_a_disk_that_takes_no_more_leaves_no_half_of_a_template(importer: Importer, tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")
    usual = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, usual[1]))
    try:
        ran = importer("template", "--output", "half.xlsx")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, usual)

    assert (ran.code, ran.err) == (
        3,
        "half.xlsx cannot be written: File too large. Name another place with --output.\n",
    )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("given", "code"), [(("--target", "nonsense"), 3), (("--output", "template.csv"), 2), (("--output", "."), 2)]
)
def test_what_cannot_be_meant_is_refused(given: tuple[str, str], code: int, importer: Importer) -> None:
    assert importer("template", *given).code == code


@pytest.mark.parametrize("suffix", ["xlsx", "ods", "xls"])
def test_what_is_typed_into_a_template_in_libreoffice_comes_through_unchanged(
    suffix: str,
    importer: Importer,
    template: Callable[[str], Path],
    type_in: Callable[[Path, Path, Mapping[str, str]], None],
    tmp_path: Path,
) -> None:
    empty = template("customer")
    with closing(openpyxl.load_workbook(empty)) as book:
        places = {str(cell.value).rstrip("*"): f"{cell.column_letter}2" for cell in book.worksheets[0][1]}
    filled = tmp_path / f"filled.{suffix}"

    type_in(empty, filled, {places[heading]: text for heading, text in TYPED.items()})

    seen = importer("peek", filled, "--json").said
    assert seen["facts"]["sheet"] == "Invoices"
    cells = dict(zip((text.rstrip("*") for text in seen["header"]), seen["first"][0]["cells"], strict=True))
    assert {heading: cell for heading, cell in cells.items() if cell} == READ
    checked = importer("check", filled, "--json")
    assert (checked.code, checked.said["counts"]["rows"], checked.said["counts"]["valid"]) == (0, 1, 1)
    assert checked.said["totals"][0]["rows"] == "1234.50"
