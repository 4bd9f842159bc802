"""What has cost people money with importers of invoices, each as a test that would have caught it.

All of them go through the command line, and most look at what the API was sent.
"""

from __future__ import annotations

import csv
import datetime as dt
import hashlib
import io
import json
import signal
import time
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import openpyxl
import pytest
from openpyxl.utils.datetime import CALENDAR_MAC_1904
from openpyxl.utils.escape import unescape

from importer.sandbox import Fault, Settings, Store, serving

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Importer = Callable[..., Any]

GOOD = {
    "Invoice number": "INV-1",
    "Invoice date": "2026-01-15",
    "Amount": "100,50",
    "Currency": "EUR",
    "Debtor type": "Company",
    "Debtor name": "Beispiel GmbH",
    "Address": "Musterstraße 1",
    "Postal code": "10115",
    "City": "Berlin",
    "Country": "DE",
}
NBSP, THIN, NARROW = "\u00a0", "\u2009", "\u202f"


def rows(*changes: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Make good rows, each changed as said, with invoice numbers of their own."""
    return [GOOD | {"Invoice number": f"INV-{number}"} | change for number, change in enumerate(changes, start=1)]


def write(
    name: str,
    *changes: Mapping[str, Any],
    delimiter: str = ";",
    encoding: str = "utf-8",
    above: str = "",
    quoting: Any = csv.QUOTE_MINIMAL,
) -> Path:
    """Write a CSV as spreadsheet programs in most of Europe do."""
    made = rows(*changes)
    text = io.StringIO(newline="")
    table = csv.writer(text, delimiter=delimiter, quoting=quoting)
    table.writerow(made[0])
    table.writerows([list(row.values()) for row in made])
    path = Path(name)
    path.write_bytes((above + text.getvalue()).encode(encoding))
    return path


def write_workbook(name: str, *changes: Mapping[str, Any], formats: Mapping[str, str] | None = None) -> Path:
    made = rows(*changes)
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append(list(made[0]))
    for row in made:
        sheet.append(list(row.values()))
    for place, form in (formats or {}).items():
        sheet[place].number_format = form
    book.save(name)
    return Path(name)


@pytest.fixture
def send(importer: Importer, tmp_path: Path) -> Callable[..., dict[str, dict[str, Any]]]:
    """Submit a source, and give what the API was sent: reference → request, amounts exact."""

    def submit(source: Path, *options: str) -> dict[str, dict[str, Any]]:
        importer("submit", source, "--sandbox", "--yes", "--quiet", *options)
        return sent(tmp_path)

    return submit


def sent(workspace: Path) -> dict[str, dict[str, Any]]:
    if not (workspace / "sandbox.db").exists():
        return {}
    bodies = [json.loads(str_of(case["body"]), parse_float=Decimal) for case in Store(workspace / "sandbox.db").cases()]
    assert len({body.get("creditorReference") for body in bodies}) == len(bodies), "a reference was sent twice"
    return {body["creditorReference"]: body for body in bodies}


def str_of(body: object) -> str:
    assert isinstance(body, bytes)
    return body.decode()


def amounts(bodies: Mapping[str, Mapping[str, Any]]) -> list[str]:
    return [str(body["amountToRecover"]) for body in bodies.values()]


def dates(bodies: Mapping[str, Mapping[str, Any]]) -> list[str]:
    return [str(body["date"]) for body in bodies.values()]


def sheet_of(said: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    with closing(openpyxl.load_workbook(said["report"])) as book:
        header, *lines = book[name].iter_rows(values_only=True)
    return [dict(zip(map(str, header), line, strict=True)) for line in lines]


def look(folder: Path) -> dict[str, str]:
    """Take a picture of a folder: every file in it, with what it holds and when it was written to."""
    return {
        str(path.relative_to(folder)): f"{hashlib.sha256(path.read_bytes()).hexdigest()} {path.stat().st_mtime_ns}"
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


# Numbers


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("10,00", "10.00"),
        ("1.355,90", "1355.90"),
        ("1234,50", "1234.50"),
        ("1'355.90", "1355.90"),
        ("1\u2019355.90", "1355.90"),
        ("1,355.90", "1355.90"),
        ("10 237,65", "10237.65"),
        (f"10{NBSP}237,65", "10237.65"),
        (f"10{THIN}237,65", "10237.65"),
        (f"10{NARROW}237,65", "10237.65"),
        ("+50,00", "50.00"),
    ],
)
def test_an_amount_is_sent_as_it_was_meant_wherever_it_was_written(
    written: str, meant: str, send: Callable[..., Any]
) -> None:
    assert amounts(send(write("june.csv", {"Amount": written}))) == [meant]


@pytest.mark.parametrize("written", ["€ 1.355,90", "1.355,90 €", "EUR 1.355,90", "1.355,90 EUR"])
def test_a_currency_beside_an_amount_keeps_nobody_from_reading_it(written: str, send: Callable[..., Any]) -> None:
    assert amounts(send(write("june.csv", {"Amount": written}))) == ["1355.90"]


def test_one_decimal_comma_in_the_column_makes_a_point_in_another_row_group_thousands(
    send: Callable[..., Any],
) -> None:
    assert amounts(send(write("june.csv", {"Amount": "1.000"}, {"Amount": "10,50"}))) == ["1000.00", "10.50"]


@pytest.mark.parametrize("written", ["1.000", "12,345"])
def test_a_column_that_may_mean_a_thousand_times_more_is_refused_with_the_option_that_decides(
    written: str, importer: Importer, tmp_path: Path
) -> None:
    source = write("june.csv", {"Amount": written}, {"Amount": written})

    ran = importer("submit", source, "--sandbox", "--yes", "--json")

    assert ran.code == 3
    assert "--decimal" in ran.said["error"]
    assert written in ran.said["error"]
    assert sent(tmp_path) == {}
    assert importer("check", source, "--decimal", "comma").code == 0


@pytest.mark.parametrize("written", ["(50,00)", "50,00-", "-50,00", "\u221250,00", "(EUR 50,00)"])
def test_an_amount_below_zero_is_refused_and_never_sent_as_one_above(
    written: str, importer: Importer, tmp_path: Path
) -> None:
    ran = importer("submit", write("june.csv", {"Amount": written}, {"Amount": "7,00"}), "--sandbox", "--yes", "--json")

    assert (ran.code, ran.said["counts"]["invalid"], ran.said["counts"]["created"]) == (1, 1, 1)
    assert amounts(sent(tmp_path)) == ["7.00"]
    (issue,) = [issue for issue in sheet_of(ran.said, "Issues") if issue["Severity"] == "error"]
    assert (issue["Row"], issue["Column"], issue["Value"]) == (2, "Amount", written)


@pytest.mark.parametrize("written", ["nil", "N/A", "n/a", "-", "abc", "#N/A"])
def test_a_word_in_the_place_of_an_amount_is_refused_and_never_a_zero(written: str, importer: Importer) -> None:
    said = importer("check", write("june.csv", {"Amount": written}, {"Amount": "7,00"}), "--json").said

    assert (said["counts"]["invalid"], said["counts"]["valid"], said["unreadable"]) == (1, 1, 1)
    assert said["totals"] == [{"currency": "EUR", "rows": "7.00", "valid": "7.00"}]


# Dates


def test_one_day_beyond_twelve_settles_the_order_for_every_row(send: Callable[..., Any]) -> None:
    source = write("june.csv", {"Invoice date": "03/08/2026"}, {"Invoice date": "25/08/2026"})

    assert dates(send(source)) == ["2026-08-03", "2026-08-25"]


def test_one_american_date_settles_the_order_for_every_row(send: Callable[..., Any]) -> None:
    source = write("june.csv", {"Invoice date": "03/08/2026"}, {"Invoice date": "08/25/2026"})

    assert dates(send(source)) == ["2026-03-08", "2026-08-25"]


def test_a_file_with_both_orders_is_refused_whole_and_never_half_right(importer: Importer, tmp_path: Path) -> None:
    source = write("june.csv", {"Invoice date": "25/08/2026"}, {"Invoice date": "08/26/2026"})

    ran = importer("submit", source, "--sandbox", "--yes", "--json")

    assert ran.code == 3
    assert all(words in ran.said["error"] for words in ("25/08/2026", "08/26/2026", "--date-order"))
    assert sent(tmp_path) == {}


def test_a_column_of_dates_that_are_all_ambiguous_is_refused_until_the_order_is_said(
    importer: Importer, send: Callable[..., Any], tmp_path: Path
) -> None:
    source = write("june.csv", {"Invoice date": "03/08/2026"}, {"Invoice date": "04/05/2026"})

    ran = importer("submit", source, "--sandbox", "--yes", "--json")

    assert ran.code == 3
    assert "--date-order" in ran.said["error"]
    assert sent(tmp_path) == {}
    assert dates(send(source, "--date-order", "dmy")) == ["2026-08-03", "2026-05-04"]


@pytest.mark.parametrize(("written", "meant"), [("25.08.26", "2026-08-25"), ("25.08.91", "1991-08-25")])
def test_a_year_of_two_digits_is_never_one_of_the_first_century(
    written: str, meant: str, send: Callable[..., Any]
) -> None:
    assert set(dates(send(write("june.csv", {"Invoice date": written})))) <= {meant}


def test_two_digits_that_may_be_year_or_day_are_refused_with_the_option_that_decides(importer: Importer) -> None:
    source = write("june.csv", {"Invoice date": "25/08/26"})

    ran = importer("check", source, "--json")

    assert ran.code == 3
    assert "--date-order" in ran.said["error"]


def test_a_date_with_the_name_of_its_month_is_that_day(send: Callable[..., Any]) -> None:
    assert dates(send(write("june.csv", {"Invoice date": "3. März 2026"}))) == ["2026-03-03"]


def test_a_date_in_a_workbook_is_the_same_day_in_the_system_of_1904(send: Callable[..., Any]) -> None:
    day = dt.datetime(2026, 1, 15)
    for name in ("windows.xlsx", "mac.xlsx"):
        book = openpyxl.Workbook()
        book.epoch = CALENDAR_MAC_1904 if name == "mac.xlsx" else book.epoch
        made = GOOD | {"Invoice number": name, "Invoice date": day}
        book.active.append(list(made))
        book.active.append(list(made.values()))
        book.save(name)

    send(Path("windows.xlsx"))

    assert dates(send(Path("mac.xlsx"))) == ["2026-01-15", "2026-01-15"]


def test_the_number_behind_a_date_is_no_date(importer: Importer) -> None:
    said = importer("check", write_workbook("june.xlsx", {"Invoice date": 46037}), "--json").said

    assert said["counts"]["invalid"] == 1


# Identifiers


@pytest.mark.parametrize("quoting", [csv.QUOTE_MINIMAL, csv.QUOTE_ALL])
def test_leading_zeros_stay_quoted_or_not(quoting: Any, send: Callable[..., Any]) -> None:
    change = {"Invoice number": "000123", "Postal code": "01067"}

    (body,) = send(write("june.csv", change, quoting=quoting)).values()

    assert (body["creditorReference"], body["debtor"]["zipCode"]) == ("000123", "01067")


def test_leading_zeros_stay_in_a_workbook_whether_they_are_text_or_the_cells_format(send: Callable[..., Any]) -> None:
    change = {"Invoice number": "000123", "Postal code": 1067}

    (body,) = send(write_workbook("june.xlsx", change, formats={"H2": "00000"})).values()

    assert (body["creditorReference"], body["debtor"]["zipCode"]) == ("000123", "01067")


def test_a_ledger_with_debits_and_credits_is_no_list_of_claims(importer: Importer) -> None:
    ran = importer("check", write("june.csv", {"S/H": "S"}, {"S/H": "H", "Invoice number": "CREDIT-1"}))

    assert ran.code == 3
    assert "“S/H” tells debits from credits (“H”, “S”), and a credit would be sent as a claim" in ran.err


def test_a_ledger_of_debits_alone_is_taken_and_so_is_one_whose_mapping_ignores_the_column(
    importer: Importer, tmp_path: Path
) -> None:
    assert importer("check", write("june.csv", {"S/H": "S"}, {"S/H": "S", "Invoice number": "A-2"})).code == 0

    source = write("july.csv", {"S/H": "S"}, {"S/H": "H", "Invoice number": "A-2"})
    mapping = tmp_path / "ledger.toml"
    mapping.write_text('ignore = ["S/H"]\n', encoding="utf-8")
    assert importer("check", source, "--mapping", mapping).code == 0


def test_a_number_with_more_digits_than_a_spreadsheet_keeps_is_no_reference(importer: Importer, tmp_path: Path) -> None:
    source = write_workbook("june.xlsx", {"Invoice number": 12345678901234567890})

    ran = importer("submit", source, "--sandbox", "--yes", "--json")

    assert ran.said["counts"]["invalid"] == 1
    assert [issue["Code"] for issue in sheet_of(ran.said, "Issues")] == ["damaged-identifier"]
    assert sent(tmp_path) == {}


def test_rows_that_all_end_with_a_delimiter_are_read_once_the_header_does(importer: Importer, tmp_path: Path) -> None:
    header, row = write("june.csv", {}).read_text("utf-8").splitlines()
    source = tmp_path / "ends.csv"
    source.write_text(f"{header}\n{row};\n", encoding="utf-8")
    assert "add one to the header's end if each row ends with one" in importer("check", source).err

    source.write_text(f"{header};\n{row};\n", encoding="utf-8")
    assert importer("check", source).code == 0


@pytest.mark.parametrize("day", [dt.date(2026, 3, 1), dt.datetime(2026, 3, 1, 5), dt.date(1902, 3, 1)])
def test_an_invoice_number_that_became_a_date_is_no_reference(importer: Importer, day: dt.date) -> None:
    ran = importer("check", write_workbook("june.xlsx", {"Invoice number": day}), "--json")
    again = importer("check", ran.said["report"], "--json")

    for said in (ran.said, again.said):
        assert said["counts"]["invalid"] == 1
        assert [issue["Code"] for issue in sheet_of(said, "Issues")] == ["damaged-identifier"]
    assert [issue["Value"] for issue in sheet_of(again.said, "Issues")] == [
        issue["Value"] for issue in sheet_of(ran.said, "Issues")
    ]


def test_a_reference_that_looks_like_a_power_of_ten_stays_what_it_is(send: Callable[..., Any]) -> None:
    send(write("june.csv", {"Invoice number": "22E1"}))

    assert list(send(write_workbook("july.xlsx", {"Invoice number": "23E1"}))) == ["22E1", "23E1"]


def test_a_reference_that_a_spreadsheet_has_made_a_power_of_ten_is_refused(importer: Importer) -> None:
    said = importer("check", write("june.csv", {"Invoice number": "1,23457E+15"}), "--json").said

    assert said["counts"]["invalid"] == 1


def test_a_whole_number_in_a_workbook_gets_no_point_and_zero(send: Callable[..., Any]) -> None:
    change = {"Invoice number": 123456.0, "Postal code": 10115.0, "Amount": 50.0}

    (body,) = send(write_workbook("june.xlsx", change)).values()

    assert (body["creditorReference"], body["debtor"]["zipCode"], str(body["amountToRecover"])) == (
        *("123456", "10115"),
        "50.00",
    )


# Shape of files


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_mark_in_front_of_a_file_is_no_part_of_its_first_header(encoding: str, importer: Importer) -> None:
    source = write("june.csv", {}, encoding=encoding)

    assert importer("peek", source, "--json").said["header"][0] == "Invoice number"
    assert importer("check", source).code == 0


@pytest.mark.parametrize("delimiter", [";", ",", "\t", "|"])
def test_cells_are_parted_as_the_program_of_the_country_parts_them(delimiter: str, send: Callable[..., Any]) -> None:
    assert list(send(write("june.csv", {"Debtor name": "Möbel; mehr, GmbH"}, delimiter=delimiter))) == ["INV-1"]


@pytest.mark.parametrize("encoding", ["cp1252", "mac-roman", "utf-8", "utf-16"])
def test_names_with_umlauts_arrive_whole_in_any_encoding(encoding: str, send: Callable[..., Any]) -> None:
    changes = [
        {"Debtor name": "Müller & Söhne Verlag", "Address": "Große Straße 4", "City": "München"},
        {"Debtor name": "Bäckerei Jürgens Köln", "Address": "Königsallee 7", "City": "Düsseldorf"},
    ]

    first, second = send(write("june.csv", *changes, encoding=encoding)).values()

    assert [first["debtor"][name] for name in ("name", "address", "city")] == list(changes[0].values())
    assert [second["debtor"][name] for name in ("name", "address", "city")] == list(changes[1].values())


def test_the_same_invoices_in_another_encoding_are_the_same_invoices(importer: Importer, tmp_path: Path) -> None:
    change = {"Debtor name": "Müller & Söhne", "City": "München"}
    importer("submit", write("june.csv", change, encoding="utf-8"), "--sandbox", "--yes")

    ran = importer("submit", write("again.csv", change, encoding="cp1252"), "--sandbox", "--yes", "--json")

    assert (ran.said["counts"]["already-imported"], len(sent(tmp_path))) == (1, 1)
    assert sheet_of(ran.said, "Results")[0]["Message"] is None  # nothing has changed since


def test_titles_above_the_header_and_blank_rows_around_the_data_are_no_rows(importer: Importer, tmp_path: Path) -> None:
    source = write("june.csv", {}, {}, above="Example Ltd\r\nOpen items;;June\r\n\r\n")
    lines = source.read_text(encoding="utf-8").splitlines()
    blank = ";" * 9
    source.write_text("\n".join([*lines[:4], blank, *lines[4:], blank, blank, ""]), encoding="utf-8")

    ran = importer("submit", source, "--sandbox", "--yes", "--json")

    assert (ran.code, ran.said["counts"]["rows"], list(sent(tmp_path))) == (0, 2, ["INV-1", "INV-2"])
    assert [line["Row"] for line in sheet_of(ran.said, "Results")] == [6, 7]


# Headers


@pytest.mark.parametrize(
    "names",
    [
        {"Invoice number": "INVOICE NO.", "Amount": "Open_Amount", "Invoice date": "invoice-date"},
        {"Invoice number": "InvoiceNumber*", "Amount": "PrincipalAmount*", "Debtor name": "DebtorName*"},
        {"Invoice number": "creditorReference", "Amount": "amountToRecover", "Debtor name": "debtor.name"},
    ],
)
def test_common_headings_find_their_fields_by_themselves(names: dict[str, str], importer: Importer) -> None:
    source = write("june.csv", {})
    text = source.read_text(encoding="utf-8")
    for heading, other in names.items():
        text = text.replace(heading, other)
    source.write_text(text, encoding="utf-8")

    assert importer("check", source).code == 0


def test_a_heading_that_is_nearly_known_is_proposed_and_never_taken(importer: Importer) -> None:
    source = write("june.csv", {})
    source.write_text(source.read_text(encoding="utf-8").replace("Amount", "Ammount"), encoding="utf-8")

    ran = importer("check", source, "--json")

    assert ran.code == 3
    assert "Ammount" in ran.said["error"]


def test_headings_that_nobody_knows_lead_to_a_mapping_and_lose_nothing(
    importer: Importer, send: Callable[..., Any]
) -> None:
    source = write("june.csv", {"Sales person": "Kim"})
    source.write_text(source.read_text(encoding="utf-8").replace("Invoice number", "Zq-Nr"), encoding="utf-8")

    refused = importer("check", source, "--json")
    Path("ours.toml").write_text('[columns]\n"Zq-Nr" = "creditorReference"\n', encoding="utf-8")
    body = send(source, "--mapping", "ours.toml")

    assert refused.code == 3
    assert all(words in refused.said["error"] for words in ("Zq-Nr", "creditorReference", "mapping"))
    assert list(body) == ["INV-1"]
    line = sheet_of(importer("check", source, "--mapping", "ours.toml", "--json").said, "Results")[0]
    assert (line["Zq-Nr"], line["Sales person"]) == ("INV-1", "Kim")


def test_a_mapping_is_saved_once_under_a_name_and_the_next_file_of_its_layout_finds_it(
    importer: Importer, tmp_path: Path
) -> None:
    def export(name: str, number: str) -> Path:
        source = write(name, {"Invoice number": number})
        source.write_text(source.read_text(encoding="utf-8").replace("Invoice number", "Zq-Nr"), encoding="utf-8")
        return source

    june, july, august = (export(f"{number}.csv", number) for number in ("INV-6", "INV-7", "INV-8"))
    saved = importer("map", june, "--name", "ours", answer="A = creditorReference\n")
    by_name = importer("submit", july, "--sandbox", "--yes", "--mapping", "ours")
    by_layout = importer("submit", august, "--sandbox", "--yes")

    assert (saved.code, by_name.code, by_layout.code) == (0, 0, 0)
    assert "ours" in by_layout.err
    assert list(sent(tmp_path)) == ["INV-7", "INV-8"]


# Duplicates and reruns


def test_the_same_file_again_counts_nothing_twice(importer: Importer, tmp_path: Path) -> None:
    source = write("june.csv", {}, {})
    importer("submit", source, "--sandbox", "--yes")

    ran = importer("submit", source, "--sandbox", "--yes", "--json")

    assert (ran.code, ran.said["counts"]["already-imported"], ran.said["counts"]["created"]) == (0, 2, 0)
    assert len(sent(tmp_path)) == 2


def test_a_file_that_was_renamed_sorted_or_added_to_counts_nothing_twice(importer: Importer, tmp_path: Path) -> None:
    importer("submit", write("june.csv", {}, {"Amount": "7,00"}), "--sandbox", "--yes")
    header, first, second = Path("june.csv").read_text(encoding="utf-8").splitlines()
    third = second.replace("INV-2", "INV-3")
    Path("july.csv").write_text(f"{header}\n{third}\n{second}\n{first}\n", encoding="utf-8")

    ran = importer("submit", "july.csv", "--sandbox", "--yes", "--json")

    assert [line["Status"] for line in sheet_of(ran.said, "Results")] == ["created", *["already-imported"] * 2]
    assert list(sent(tmp_path)) == ["INV-1", "INV-2", "INV-3"]


def test_invoices_that_agree_in_all_but_their_number_are_all_sent(send: Callable[..., Any]) -> None:
    assert list(send(write("june.csv", {}, {}, {}))) == ["INV-1", "INV-2", "INV-3"]


def test_rows_that_are_identical_are_told_apart_by_how_many_there_are(importer: Importer, tmp_path: Path) -> None:
    source = write("june.csv", *[{"Invoice number": ""}] * 3)
    options = ("--sandbox", "--yes", "--json", "--allow-missing-reference")

    first = importer("submit", source, *options).said["counts"]
    second = importer("submit", source, *options).said["counts"]

    assert (first["rows"], first["created"]) == (3, 3)
    assert (second["already-imported"], second["created"]) == (3, 0)
    assert len(Store(tmp_path / "sandbox.db").cases()) == 3


def test_rows_without_a_number_that_differ_in_one_cell_alone_are_two_invoices(
    importer: Importer, tmp_path: Path
) -> None:
    options = ("--sandbox", "--yes", "--json", "--allow-missing-reference")
    blank = {"Invoice number": "", "Comments": "first"}
    importer("submit", write("june.csv", blank), *options)

    other = write("july.csv", blank, blank | {"Comments": "second"}, blank | {"Invoice date": "2026-01-16"})
    counts = importer("submit", other, *options).said["counts"]

    assert (counts["already-imported"], counts["created"]) == (1, 2)
    assert len(Store(tmp_path / "sandbox.db").cases()) == 3


def test_a_number_that_comes_twice_is_reported_in_every_row_and_dropped_in_none(importer: Importer) -> None:
    said = importer("check", write("june.csv", *[{"Invoice number": "INV-7"}] * 2, {}), "--json").said

    assert (said["counts"]["rows"], said["counts"]["invalid"], said["counts"]["valid"]) == (3, 2, 1)
    assert [(issue["Row"], issue["Code"]) for issue in sheet_of(said, "Issues")] == [
        (2, "reference-duplicate"),
        (3, "reference-duplicate"),
    ]


def test_looking_never_changes_what_is_skipped(importer: Importer, tmp_path: Path) -> None:
    source = write("june.csv", {}, {})
    run = importer("submit", source, "--sandbox", "--yes", "--json").said["run"]
    for looking in (("peek", source), ("check", source), ("show", run), ("report", run), ("find", "INV-1"), ("runs",)):
        importer(*looking)

    again = importer("submit", source, "--sandbox", "--yes", "--json").said["counts"]

    assert (again["already-imported"], again["created"], len(sent(tmp_path))) == (2, 0, 2)


# Safety


def test_a_dry_run_writes_nothing_but_its_report(importer: Importer, tmp_path: Path) -> None:
    importer("submit", write("june.csv", {}), "--sandbox", "--yes")
    source = write("july.csv", {}, {"Amount": "7,00"}, {"Amount": "nil"})
    before = look(tmp_path)

    importer("check", source, "--sandbox", "--no-report")
    importer("peek", source)
    unchanged = look(tmp_path) == before
    report = Path(importer("check", source, "--sandbox", "--json").said["report"])
    after = look(tmp_path)

    assert unchanged
    assert {
        name: picture for name, picture in after.items() if (tmp_path / name).parent != tmp_path / report.parent
    } == before


def test_a_dry_run_in_an_empty_folder_makes_no_journal(importer: Importer, tmp_path: Path) -> None:
    source = write("june.csv", {})

    importer("check", source, "--no-report")

    assert [path.name for path in tmp_path.iterdir()] == ["june.csv"]


def test_a_dry_run_predicts_what_becomes_of_each_line(importer: Importer) -> None:
    importer("submit", write("june.csv", {}), "--sandbox", "--yes")

    said = importer("check", write("july.csv", {}, {"Amount": "7,00"}, {"Amount": "nil"}), "--sandbox", "--json").said

    assert [line["Status"] for line in sheet_of(said, "Results")] == ["already-imported", "valid", "invalid"]


def test_errors_are_seen_before_anything_is_sent(importer: Importer, tmp_path: Path) -> None:
    source = write("june.csv", {}, {"Amount": "nil"})

    unasked = importer("submit", source, "--sandbox")
    nothing = importer("submit", source, "--sandbox", "--yes", "--all-or-nothing", "--json")

    assert unasked.code == 2
    assert "--yes" in unasked.err
    assert (nothing.code, nothing.said["counts"]["invalid"], nothing.said["counts"]["not-sent"]) == (1, 1, 1)
    assert sent(tmp_path) == {}


def test_every_row_that_failed_is_listed_with_its_reason_however_many_there_are(importer: Importer) -> None:
    said = importer("check", write("june.csv", *[{"Country": "Atlantis"}] * 1_200), "--json").said

    assert len(sheet_of(said, "Issues")) == len(sheet_of(said, "To fix")) == 1_200
    assert {issue["Code"] for issue in sheet_of(said, "Issues")} == {"country-unknown"}


def test_every_case_that_a_run_made_is_listed_with_its_id_so_that_it_can_be_taken_back(importer: Importer) -> None:
    said = importer("submit", write("june.csv", {}, {}, {"Amount": "nil"}), "--sandbox", "--yes", "--json").said

    made = [line["Case id"] for line in sheet_of(said, "Results") if line["Status"] == "created"]
    listed = importer("identifiers", "--run", said["run"], "--json").said["identifiers"]

    assert len(set(made)) == 2
    assert [entry["case_id"] for entry in listed] == made


def test_a_request_whose_answer_was_lost_is_never_blindly_sent_again(
    importer: Importer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IMPORTER_API_KEY", "sandbox")
    source = write("june.csv", *[{}] * 6)
    with serving(tmp_path / "sandbox.db", Settings(faults=(Fault("lose-answer", every=2),))) as url:
        said = importer("submit", source, "--yes", "--json", "--api-url", url).said

    assert (said["counts"]["created"], len(sent(tmp_path))) == (6, 6)


def test_a_run_can_be_cancelled_says_how_far_it_came_and_goes_on_without_a_second_case(
    launch: Callable[..., Any], tmp_path: Path
) -> None:
    source = write(str(tmp_path / "june.csv"), *[{}] * 30)
    slow = Settings(faults=(Fault.parse("hang-after:every=5,seconds=20"),))
    key = {"IMPORTER_API_KEY": "sandbox"}
    with serving(tmp_path / "outside.db", slow) as url:
        running = launch("submit", source, "--yes", "--json", "--api-url", url, environment=key)
        until = time.monotonic() + 60
        while len(Store(tmp_path / "outside.db").cases()) < 30:
            assert time.monotonic() < until
            time.sleep(0.02)
        running.kill(signal.SIGINT)
        code, counts = running.wait(), running.said["counts"]
    with serving(tmp_path / "outside.db", Settings()) as url:
        resumed = launch("resume", running.said["run"], "--json", "--api-url", url, environment=key)
        resumed.wait()

    assert (code, counts["created"] + counts["unknown"]) == (130, 30)
    assert resumed.said["counts"]["created"] == len(Store(tmp_path / "outside.db").cases()) == 30


def test_a_fault_in_the_last_line_stops_the_file_before_its_first_is_sent(importer: Importer, tmp_path: Path) -> None:
    source = write("june.csv", *[{}] * 50)
    with source.open("a", encoding="utf-8") as file:
        file.write("INV-51;2026-01-15;100,50;EUR;Company;one;cell;too;many;in;this;line\n")

    ran = importer("submit", source, "--sandbox", "--yes", "--json")

    assert ran.code == 3
    assert "52" in ran.said["error"]
    assert sent(tmp_path) == {}


def test_the_counts_add_up_to_every_line_of_the_source(importer: Importer) -> None:
    faults = [{}, {"Amount": "nil"}, {"Country": "Atlantis"}, {"Invoice date": ""}, {"Debtor name": ""}, {"City": ""}]
    source = write("june.csv", *[faults[number % len(faults)] for number in range(2_278)])

    said = importer("check", source, "--json").said

    counts = said["counts"]
    assert counts["rows"] == sum(count for name, count in counts.items() if name != "rows") == 2_278
    assert (counts["valid"], len(sheet_of(said, "Results"))) == (380, 2_278)


def test_a_line_that_is_no_row_is_named_and_never_lost_in_silence(importer: Importer) -> None:
    source = write("june.csv", {}, {}, above="Open items;;June\r\n\r\n")
    header = source.read_text(encoding="utf-8").splitlines()[2]
    lines = source.read_text(encoding="utf-8").splitlines()
    source.write_text("\n".join([*lines, ";" * 9, header, "Total;;201,00;;;;;;;", "Printed 2026-02-01", ""]), "utf-8")

    said = importer("peek", source, "--json").said

    left_out = [(line["row"], line["why"]) for line in said["left_out"]]
    assert left_out == [(1, "title"), (7, "header again"), (8, "total"), (9, "footer")]
    rows_, blank, header_row = said["rows"], int(said["facts"]["blank rows"]), 1
    above = 1  # the blank line between title and header
    assert rows_ + blank + header_row + above + len(left_out) == len(source.read_text(encoding="utf-8").splitlines())


def test_an_optional_cell_that_cannot_be_read_keeps_its_row_back_and_is_not_left_out(
    importer: Importer, tmp_path: Path
) -> None:
    source = write("june.csv", {"Due date": "soon"}, {"Due date": "2026-02-14"})

    ran = importer("submit", source, "--sandbox", "--yes", "--json")

    assert (ran.said["counts"]["invalid"], list(sent(tmp_path))) == (1, ["INV-2"])


# Security of the report itself

FORMULAS = ("=1+1", "+1+1", "-1+1", "@SUM(1)", '=HYPERLINK("http://example.com")', "\t=1+1", "\r=1+1", "'=1+1")


def test_what_looks_like_a_formula_is_inert_text_in_every_sheet(importer: Importer) -> None:
    changes = [{"Debtor name": text, "City": text, "Amount": "nil"} for text in FORMULAS]

    said = importer("check", write("june.csv", *changes, quoting=csv.QUOTE_ALL), "--json").said

    with closing(openpyxl.load_workbook(said["report"])) as book:
        kinds = {cell.data_type for sheet in book for row in sheet.iter_rows() for cell in row}
    assert "f" not in kinds
    told = [line["Debtor name"] for line in sheet_of(said, "To fix")]
    assert [unescape(text).strip() for text in told] == [text.strip() for text in FORMULAS]


def test_what_looks_like_a_formula_comes_back_from_the_report_as_it_was(
    importer: Importer, send: Callable[..., Any]
) -> None:
    changes = [{"Debtor name": text, "Amount": "nil"} for text in FORMULAS]
    said = importer("check", write("june.csv", *changes, quoting=csv.QUOTE_ALL), "--json").said
    with closing(openpyxl.load_workbook(said["report"])) as book:
        for (cell,) in book["To fix"].iter_rows(min_row=2, min_col=3, max_col=3):
            cell.value = 7
        book.save("mended.xlsx")

    bodies = send(Path("mended.xlsx"))

    assert [body["debtor"]["name"] for body in bodies.values()] == [text.strip() for text in FORMULAS]


def test_phone_numbers_and_amounts_below_zero_are_no_formulas_and_stay_as_they_are(
    importer: Importer, tmp_path: Path
) -> None:
    changes = [{"Phone": "+4512345678"}, {"Phone": "+4512345678", "Amount": "-50,00"}]

    said = importer("submit", write("june.csv", *changes), "--sandbox", "--yes", "--json").said

    assert sent(tmp_path)["INV-1"]["debtor"]["phone"] == "+4512345678"
    assert [line["Phone"] for line in sheet_of(said, "Results")] == ["+4512345678"] * 2
    assert [(line["Phone"], line["Amount"]) for line in sheet_of(said, "To fix")] == [("+4512345678", "-50,00")]
