"""The results workbook as people meet it: the summary, its charts, links to cells, notes, print set-up, inert texts."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import openpyxl
import pytest

from importer.report import faults, package, sheets
from importer.report.charts import look_of
from importer.report.looks import STATUS_LOOKS, looks
from importer.report.packing import packed

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Check = Callable[..., openpyxl.Workbook]

HEADER = {
    "Invoice": "A-1",
    "Date": "2026-01-05",
    "Due date": "2026-02-05",
    "Amount": "100.50",
    "Currency": "EUR",
    "debtor.type": "Company",
    "Customer name": "Invented Trading",
    "debtor.address": "Road 1",
    "debtor.city": "Invented",
    "debtor.countryAlpha2": "DE",
    "Phone": "+49 555 0101",
}


@pytest.fixture
def check(importer: Callable[..., Any], tmp_path: Path) -> Check:
    """Check rows, each told by what is not as in `HEADER`, and open the workbook."""

    def checked(*rows: dict[str, str], **constants: str) -> openpyxl.Workbook:
        with (tmp_path / "june.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, HEADER)
            writer.writeheader()
            writer.writerows({**HEADER, "Invoice": f"A-{number}", **row} for number, row in enumerate(rows, 1))
        options = [option for name, value in constants.items() for option in ("--set", f"{name}={value}")]
        ran = importer("check", tmp_path / "june.csv", *options)
        return openpyxl.load_workbook(ran.out.strip())

    return checked


NO_CITY = {"debtor.city": ""}
NO_STATE = {"debtor.countryAlpha2": "US", "Currency": "USD"}


def lines(sheet: Any) -> list[list[Any]]:
    return [[cell for cell in line if cell is not None] for line in sheet.iter_rows(values_only=True)]


def links(sheet: Any) -> dict[str, str]:
    cells = (cell for line in sheet.iter_rows() for cell in line if cell.hyperlink)
    return {cell.coordinate: cell.hyperlink.location or cell.hyperlink.target for cell in cells}


def test_the_first_lines_say_whether_it_went_well(check: Check) -> None:
    said = lines(check({}, {}, NO_CITY)["Summary"])

    assert said[1] == ["!  1 of 3 rows needs mending"]
    assert [2, 1] in said  # two ready, one to mend
    assert ["ready to send · 67%", "to mend · 33%"] in said
    assert ["201.00 EUR", "100.50 EUR"] in said


def test_what_to_do_comes_by_the_money_at_stake_with_its_command(check: Check) -> None:
    said = lines(check({"Amount": "1"}, NO_CITY)["Summary"])

    first = said.index(["What to do next, in the order of the money at stake"]) + 1
    assert said[first][0].startswith("1. Mend the row on the sheet To fix")
    assert said[first][1] == "100.50 EUR"
    assert said[first + 1 : first + 3] == [
        ["2. Send the valid row, with the same options as this check.", "1.00 EUR"],
        ["importer submit june.csv"],
    ]


def test_reasons_are_grouped_in_plain_words_with_the_money_at_stake(check: Check) -> None:
    said = lines(check(NO_STATE, NO_STATE, {}, NO_CITY)["Summary"])

    grouped = next(line for line in said if "US debtor without a state" in line and line[0] == 2)
    assert grouped[-1] == "201.00 USD"
    assert [1, "debtor.city is missing", "debtor.city is missing. Fill it in.", "100.50 EUR"] in said


def test_the_charts_draw_the_tables_of_the_sheet(check: Check) -> None:
    sheet = check({}, NO_CITY, NO_STATE, {"Phone": "01 555"})["Summary"]

    def values(chart: Any) -> list[Any]:
        cells = [re.sub(r"^.*!|\$", "", series.val.numRef.f) for series in chart.series]
        return [[cell.value for (cell,) in sheet[place]] for place in cells]

    money, kinds, ages = sheet._charts
    assert values(money) == [[201, None], [100.5, 100.5]]
    assert sorted(values(kinds)[0][:2]) == [1, 1]
    assert sum(values(ages)[0]) == 4


def test_currencies_share_no_axis_but_that_of_their_shares(check: Check) -> None:
    chart = check({}, NO_STATE)["Summary"]._charts[0]

    assert chart.grouping == "percentStacked"
    assert chart.x_axis is not None


def test_bars_are_told_apart_without_colour() -> None:
    submitted = ("created", "already-imported", "duplicate", "rejected", "invalid", "held", "unknown", "not-sent")
    patterns = [look_of(status).get("pattern", {}).get("pattern") for status in submitted]
    fills = [look_of(status)["fill"]["color"] for status in submitted if "fill" in look_of(status)]

    assert len({pattern for pattern in patterns if pattern}) == 5
    brightness = sorted(sum(bytes.fromhex(fill[1:])) for fill in fills)
    assert all(lighter - darker > 150 for darker, lighter in pairwise(brightness))


def test_a_faultless_check_has_two_charts_and_nothing_to_mend(check: Check) -> None:
    book = check({}, {})

    assert len(book["Summary"]._charts) == 2
    assert lines(book["Summary"])[1] == ["✓  All 2 rows are ready to send"]
    assert links(book["Results"]) == links(book["Issues"]) == {}


def test_an_issue_links_to_its_cell_on_to_fix_and_a_warning_on_a_fine_row_to_results(check: Check) -> None:
    book = check({}, {"Phone": "01 555"}, NO_CITY)

    assert [cell.value for cell in book["Issues"]["B"]][1:] == ["Phone", "debtor.city"]
    found = links(book["Issues"])
    assert found == {"B2": "'Results'!U3", "B3": "'To fix'!I2"}
    assert book["Results"]["U3"].value == "01 555"
    assert book["To fix"]["I2"].font.bold
    assert book["Issues"]["B2"].font.underline == "single"


def test_a_row_to_mend_links_to_where_it_is_mended(check: Check) -> None:
    book = check({}, NO_CITY, {}, NO_CITY)

    assert links(book["Results"]) == {"A3": "'To fix'!A2", "A5": "'To fix'!A3"}
    assert [book["To fix"][f"A{row}"].value for row in (2, 3)] == ["A-2", "A-4"]


def test_links_follow_rows_that_went_on_on_another_sheet(check: Check, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (sheets, faults):
        monkeypatch.setattr(module, "TALLEST", 2)
    book = check({}, NO_CITY, {"Phone": "01 555"}, NO_CITY)

    assert links(book["Results (2)"]) == {"A3": "'To fix'!A3"}
    assert links(book["Issues"])["B3"] == "'Results (2)'!U2"
    assert links(book["Issues (2)"]) == {"B2": "'To fix'!I3"}


def test_no_sheet_has_more_links_than_the_format_holds(check: Check, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (sheets, faults):
        monkeypatch.setattr(module, "MOST_LINKS", 2)
    book = check(*[NO_CITY] * 4)

    assert len(links(book["Results"])) == len(links(book["Issues"])) == 2
    assert [book["Issues"][f"B{row}"].font.underline for row in (2, 3, 4, 5)] == ["single", "single", None, None]


def test_a_run_has_links_to_solutions_and_to_rows_and_times_as_the_reader_writes_them(
    importer: Callable[..., Any], tmp_path: Path
) -> None:
    source = tmp_path / "greek.csv"
    rows = [{"Invoice": f"G-{code}", "debtor.countryAlpha2": code} for code in ("GR", "", "DE")]
    with source.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, HEADER)
        writer.writeheader()
        writer.writerows({**HEADER, **row} for row in rows)
    sheet = openpyxl.load_workbook(importer("submit", source, "--sandbox", "--yes").out.strip())["Results"]

    assert [cell.value for cell in sheet["B"]] == ["Status", "rejected", "invalid", "created"]
    found = links(sheet)
    assert found.pop("I2").startswith("https://")
    assert found == {"A2": "'To fix'!A2", "A3": "'To fix'!A3"}
    assert sheet["J4"].number_format == "m/d/yy h:mm"  # the format's own: each program shows it in its reader's way


def test_headings_have_notes_that_are_a_legend(check: Check) -> None:
    book = check({}, NO_CITY)

    assert book["Results"]["B1"].comment.text == "valid: Would be sent.\ninvalid: A rule failed here; it was not sent."
    assert "UTC" in book["Results"]["J1"].comment.text
    assert "keeps the row from being sent" in book["Issues"]["D1"].comment.text


def test_severities_and_statuses_have_their_colours_and_words(check: Check) -> None:
    book = check(NO_CITY, {"Phone": "01 555"})

    fills = {cell.value: cell.fill.fgColor.rgb for cell in book["Issues"]["D"][1:]}
    assert list(fills) == ["error", "warning"]
    assert len(set(fills.values())) == 2


@pytest.mark.parametrize("name", ["Results", "Issues", "To fix"])
def test_a_printed_sheet_repeats_its_header_and_is_as_wide_as_the_paper(check: Check, name: str) -> None:
    sheet = check(NO_CITY)[name]

    assert sheet.print_title_rows == "$1:$1"
    assert (sheet.page_setup.orientation, sheet.page_setup.paperSize) == ("landscape", 9)
    assert (sheet.page_setup.fitToHeight, sheet.sheet_properties.pageSetUpPr.fitToPage) == (0, True)
    assert "Check of june.csv" in sheet.oddFooter.center.text
    assert sheet.auto_filter.ref
    assert sheet.freeze_panes


def test_amounts_that_are_numbers_are_shown_as_amounts_and_ids_stay_texts(
    importer: Callable[..., Any], tmp_path: Path
) -> None:
    book = openpyxl.Workbook()
    row = {**HEADER, "Invoice": "00123", "Amount": 12345.5}
    book.active.append(list(row))
    book.active.append(list(row.values()))
    book.save(tmp_path / "june.xlsx")
    sheet = openpyxl.load_workbook(importer("check", tmp_path / "june.xlsx").out.strip())["Results"]

    header = [cell.value for cell in sheet[1]]
    amount, invoice = sheet[2][header.index("Amount")], sheet[2][header.index("Invoice")]
    assert (amount.value, amount.number_format) == (12345.5, "#,##0.00######")
    assert (invoice.value, invoice.number_format) == ("00123", "General")


def test_a_message_over_several_lines_has_room_for_them(check: Check) -> None:
    long = {"Invoice": "R-" + "9" * 49}
    book = check({}, long)

    assert book["Results"].row_dimensions[2].height is None
    assert book["Results"].row_dimensions[3].height > 15
    assert book["Issues"].row_dimensions[2].height > 15


HOSTILE = ["=1+1", "+1", "-1+1", "@SUM(1)", "\t=1", "\r=1"]


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_is_a_formula_on_any_sheet(check: Check, text: str) -> None:
    book = check({"Customer name": text, "debtor.city": text, "debtor.countryAlpha2": text, "Invoice": text})

    kinds = {cell.data_type for sheet in book for line in sheet.iter_rows() for cell in line}
    assert "f" not in kinds


def test_a_heading_that_looks_like_a_formula_is_inert_where_it_is_told_of(
    importer: Callable[..., Any], tmp_path: Path
) -> None:
    mapping = tmp_path / "map.toml"
    mapping.write_text('[columns]\n"=cmd()" = "debtor.city"\n', encoding="utf-8")
    source = tmp_path / "june.csv"
    header = [{"debtor.city": "=cmd()"}.get(name, name) for name in HEADER]
    source.write_text(",".join(header) + "\n" + ",".join({**HEADER, **NO_CITY}.values()) + "\n", encoding="utf-8")
    book = openpyxl.load_workbook(importer("check", source, "--mapping", mapping).out.strip())

    cells = [cell for sheet in book for line in sheet.iter_rows() for cell in line]
    assert "f" not in {cell.data_type for cell in cells}
    assert any(cell.value == "=cmd() is missing" for cell in cells)


def test_twelve_currencies_have_a_line_each_and_a_chart_of_twelve_bars(check: Check) -> None:
    codes = ("EUR", "DKK", "SEK", "NOK", "GBP", "USD", "CHF", "PLN", "CZK", "HUF", "AUD", "CAD", "NZD")
    sheet = check(*({"Currency": code} for code in codes))["Summary"]

    told = [line[0] for line in lines(sheet) if line]
    assert all(told.count(code) == 2 for code in codes)  # amounts, and rows
    (first, last) = re.findall(r"\d+", sheet._charts[0].series[0].val.numRef.f)
    assert int(last) - int(first) == 11
    assert "Amounts are those of the 8 currencies with the most rows." in told


def test_every_look_that_a_sheet_asks_for_is_there() -> None:
    made = looks()

    assert {f"status {name}" for name in STATUS_LOOKS} <= set(made)
    assert {f"verdict {mood}" for mood in ("good", "act", "stopped")} <= set(made)


def test_a_title_with_an_ampersand_is_printed_as_it_is(tmp_path: Path) -> None:
    made = package.Package(looks(), "Import of Smith & Sons.csv")
    made.add_small("Summary").write_string(0, 0, "x")
    made.save(tmp_path / "book.xlsx")

    book = openpyxl.load_workbook(tmp_path / "book.xlsx")
    assert book["Summary"].oddFooter.center.text == "Import of Smith && Sons.csv"
    assert book.properties.title == "Import of Smith & Sons.csv"


def test_a_part_is_what_was_written_to_it_for_whoever_unpacks_it() -> None:
    file, lots = io.BytesIO(), [b"", b"<row/>" * 100_000, b"last"]
    with zipfile.ZipFile(file, "w") as package_file:
        for name in ("first.xml", "empty.xml", "second.xml"):
            with packed(package_file, file, name) as part:
                for lot in lots if name != "empty.xml" else []:
                    part.write(lot)

    with zipfile.ZipFile(file) as read:
        assert read.testzip() is None
        assert [entry.file_size for entry in read.infolist()] == [600_004, 0, 600_004]
        assert all(entry.compress_type == zipfile.ZIP_DEFLATED for entry in read.infolist())
        assert all(entry.compress_size < 10_000 for entry in read.infolist())
        assert read.read("second.xml") == b"".join(lots)


def test_a_part_that_the_disk_does_not_take_is_an_error_though_another_thread_packs_it() -> None:
    class Full(io.BytesIO):
        def write(self, data: Any) -> int:
            if self.tell() + len(data) > 5_000:
                raise OSError(28, "No space left on device")
            return super().write(data)

    def fill(file: Full) -> None:
        with zipfile.ZipFile(file, "w") as package_file, packed(package_file, file, "part.xml") as part:
            for number in range(100):
                part.write(bytes(hash((number, place)) % 251 for place in range(1_000)))

    with pytest.raises(OSError, match="No space"):
        fill(Full())
