"""The loop of mending: rows that did not get through come back, mended, and nothing has to be said again."""

from __future__ import annotations

import csv
import json
import shutil
import subprocess
import zipfile
from contextlib import closing
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import openpyxl
import pandas as pd
import pyarrow as pa
import pytest

from importer.model import ISSUE_COLUMNS, OUTCOME_COLUMNS, Reading, Report, Run, SourceInfo, Styles
from importer.read import read
from importer.report.plain import write_to_fix
from importer.report.workbook import write as write_report
from importer.sandbox import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from importer.model import Table

    Importer = Callable[..., Any]
    TypeIn = Callable[[Path, Path, Mapping[str, str]], None]

COLUMNS = ("Rg-Nr", "Kunde", "Art", "Straße", "Nr", "PLZ/Ort", "Land", "Betrag", "Datum", "Bemerkung")
MAPPING = """
[columns]
"Rg-Nr" = "creditorReference"
Kunde = "debtor.name"
Art = "debtor.type"
Land = "debtor.country"
Betrag = "amountToRecover"
Datum = "date"
Bemerkung = "comments"
[split]
"PLZ/Ort" = "{debtor.zipCode} {debtor.city}"
[join]
"debtor.address" = "{Straße} {Nr}"
[values."debtor.type"]
Firma = "Company"
Privat = "Private"
[values."debtor.country"]
Deutschland = "DE"
[constants]
currencyCode = "EUR"
"""
FAULTS = {  # number of the invoice → what is wrong with it
    3: {"Kunde": ""},
    7: {"Land": "Germny"},
    11: {"Betrag": "viel"},
    12: {"Datum": "31.02.2026"},
    18: {"PLZ/Ort": "01067"},
    22: {"Art": "Verein"},
    25: {"Betrag": "0,00"},
    31: {"Land": "", "PLZ/Ort": ""},
    40: {"Datum": "bald", "Kunde": ""},
}
SENT = ("--sandbox", "--yes", "--json")


def invoice(number: int) -> dict[str, str]:
    return {
        "Rg-Nr": f"{number:04}",
        "Kunde": f"Müller & Söhne {number}",
        "Art": "Firma" if number % 3 else "Privat",
        "Straße": "=1+1" if number in FAULTS else "Musterweg",
        "Nr": str(number),
        "PLZ/Ort": "01067 Dresden",
        "Land": "Deutschland",
        "Betrag": f"1.{number:03},50",
        "Datum": f"{1 + number % 12:02}.03.2026",
        "Bemerkung": "-1",
    }


def write(path: Path, rows: list[dict[str, str]], **dialect: Any) -> Path:
    with path.open("w", newline="", encoding=dialect.pop("encoding", "cp1252")) as file:
        writer = csv.DictWriter(file, COLUMNS, **{"delimiter": ";", **dialect})
        writer.writeheader()
        writer.writerows(rows)
    return path


@pytest.fixture
def forty(tmp_path: Path) -> Path:
    """Write forty invoices, nine of them faulty, and the mapping that they need."""
    (tmp_path / "ours.toml").write_text(MAPPING, encoding="utf-8")
    return write(tmp_path / "june.csv", [invoice(number) | FAULTS.get(number, {}) for number in range(1, 41)])


def lines(path: Path | str, sheet: str = "To fix") -> list[dict[str, Any]]:
    with closing(openpyxl.load_workbook(path)) as book:
        header, *rows = book[sheet].iter_rows(values_only=True)
    return [dict(zip(header, row, strict=True)) for row in rows]


def place(path: Path | str, reference: str, column: str) -> str:
    """Name a cell of `To fix` as LibreOffice goes to it."""
    number = next(n for n, line in enumerate(lines(path), 2) if line["Rg-Nr"] == reference)
    return f"$'To fix'.{'ABCDEFGHIJ'[COLUMNS.index(column)]}{number}"


def cases(tmp_path: Path) -> list[dict[str, Any]]:
    return Store(tmp_path / "sandbox.db").cases()


def sent(tmp_path: Path) -> dict[str, Any]:
    """Give the bodies of all cases, by reference; none may be there twice."""
    bodies = [json.loads(bytes(case["body"]), parse_float=Decimal) for case in cases(tmp_path)]
    assert len({body["creditorReference"] for body in bodies}) == len(bodies)
    return {body["creditorReference"]: body for body in bodies}


def mends(path: Path | str, *numbers: int) -> dict[str, str]:
    """Say what a clerk types to mend these invoices."""
    return {place(path, f"{n:04}", column): invoice(n)[column] for n in numbers for column in FAULTS[n]}


@pytest.mark.parametrize("suffixes", [("xlsx", "ods")])
def test_forty_rows_of_which_nine_are_mended_in_libreoffice_in_two_rounds_become_forty_cases(
    suffixes: tuple[str, str], importer: Importer, type_in: TypeIn, forty: Path, tmp_path: Path
) -> None:
    first = importer("submit", forty, "--mapping", "ours.toml", "--test", *SENT).said
    assert (first["counts"]["created"], first["counts"]["invalid"]) == (31, 9)
    (tmp_path / "ours.toml").unlink()
    wrongly = {place(first["report"], "0011", "Betrag"): "sehr viel", place(first["report"], "0022", "Art"): "Bund"}
    one = tmp_path / f"one.{suffixes[0]}"
    type_in(Path(first["report"]), one, mends(first["report"], 3, 7, 12, 18) | wrongly)

    second = importer("submit", one, *SENT)

    assert (second.said["counts"]["created"], second.said["counts"]["invalid"]) == (4, 5)
    assert "test cases; --live makes live ones" in second.err
    assert "-june-" in second.said["run"]
    assert next(line["Betrag"] for line in lines(second.said["report"])) == "sehr viel"
    two = tmp_path / f"two.{suffixes[1]}"
    type_in(Path(second.said["report"]), two, mends(second.said["report"], 11, 22, 25, 31, 40))
    third = importer("submit", two, *SENT).said
    assert (third["counts"]["rows"], third["counts"]["created"], third["exit"]) == (5, 5, 0)
    again = importer("submit", one, *SENT).said
    assert (again["counts"]["already-imported"], again["counts"]["invalid"]) == (4, 5)

    bodies = sent(tmp_path)
    assert sorted(bodies) == [f"{number:04}" for number in range(1, 41)]
    assert all(body["isTest"] for body in bodies.values())
    assert {bodies[f"{number:04}"]["debtor"]["address"] for number in FAULTS} == {f"=1+1 {number}" for number in FAULTS}
    assert {body["comments"] for body in bodies.values()} == {"-1"}
    assert (bodies["0012"]["date"][:10], bodies["0040"]["amountToRecover"]) == ("2026-03-01", 1040.5)


def to_fix(said: Mapping[str, Any]) -> Path:
    return Path(said["report"]).with_name("to-fix.csv")


def test_the_rows_to_mend_of_a_text_are_written_as_it_is_and_come_back_mended_with_all_that_was_said(
    importer: Importer, forty: Path, tmp_path: Path
) -> None:
    first = importer("submit", forty, "--mapping", "ours.toml", "--test", *SENT).said
    (tmp_path / "ours.toml").unlink()
    path = to_fix(first)
    text = path.read_bytes().decode("cp1252")

    assert text.split("\r\n")[0] == ";".join(COLUMNS)
    assert text.count("\r\n") == text.count("\n") == 10
    assert "0003;;Privat;'=1+1;3;01067 Dresden;Deutschland;1.003,50;04.03.2026;'-1" in text
    assert path.stat().st_mode & 0o777 == 0o600

    mended = text.replace("0003;;", "0003;Müller;").replace("Germny", "Deutschland").replace("viel", "sehr viel")
    path.write_bytes(mended.encode("cp1252"))
    second = importer("submit", path, *SENT)

    assert (second.said["counts"]["created"], second.said["counts"]["invalid"]) == (2, 7)
    assert "-june-" in second.said["run"]
    assert sent(tmp_path)["0003"]["debtor"]["address"] == "=1+1 3"
    assert sent(tmp_path)["0003"]["isTest"]
    assert importer("submit", to_fix(second.said), *SENT).said["counts"]["invalid"] == 7


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1250"])
def test_rows_to_mend_that_were_saved_in_another_way_are_read_as_they_are(
    encoding: str, importer: Importer, tmp_path: Path
) -> None:
    (tmp_path / "ours.toml").write_text(MAPPING, encoding="utf-8")
    rows = [invoice(number) | FAULTS.get(number, {}) for number in range(1, 12)]
    june = write(tmp_path / "june.csv", rows, encoding="cp1250")
    said = importer("check", june, "--mapping", "ours.toml", "--encoding", "cp1250", "--json").said
    (tmp_path / "ours.toml").unlink()
    path = to_fix(said)

    text = path.read_bytes().decode("cp1250").replace(";", "\t" if encoding == "utf-16" else ";")
    path.write_bytes(text.encode(encoding))
    again = importer("check", path, "--json").said

    assert (again["counts"]["rows"], again["counts"]["invalid"]) == (3, 3)
    told = [line["Kunde"] for line in lines(again["report"])]
    assert told == [None, "Müller & Söhne 7", "Müller & Söhne 11"]


def test_rows_to_mend_that_lost_their_run_are_asked_about(importer: Importer, forty: Path, tmp_path: Path) -> None:
    said = importer("check", forty, "--mapping", "ours.toml", "--json").said
    alone = tmp_path / "To-Fix (2).csv"
    alone.write_bytes(to_fix(said).read_bytes())

    ran = importer("check", alone)

    assert ran.code == 3
    assert "the results.xlsx of their run is not beside it" in ran.err
    (tmp_path / "results.xlsx").write_bytes(Path(said["report"]).read_bytes())
    assert importer("check", alone, "--json").said["counts"]["rows"] == 9


@pytest.mark.parametrize("kept", [0, 100, 5000])
def test_rows_to_mend_beside_a_workbook_that_is_damaged_say_so(kept: int, importer: Importer, tmp_path: Path) -> None:
    said = importer("check", small(tmp_path / "june.csv", ("A-1", "XX")), "--json").said
    report = Path(said["report"])
    report.write_bytes(report.read_bytes()[:kept])

    assert importer("check", to_fix(said)).code == 3
    assert importer("check", report).code == 3


def test_apostrophes_of_a_source_of_any_other_name_are_kept_and_named(importer: Importer, tmp_path: Path) -> None:
    said = importer("check", small(tmp_path / "june.csv", ("=1", "XX"), ("A-2", "DE")), "--json").said
    copy = tmp_path / "mended.csv"
    copy.write_bytes(to_fix(said).read_bytes())

    ran = importer("peek", copy, "--json").said

    assert ran["first"][0]["cells"][0] == "'=1"
    assert ran["facts"]["apostrophes before signs of formulas, kept"] == "in A"
    assert "apostrophes" not in importer("check", to_fix(said)).err


def test_where_nothing_is_to_be_mended_there_is_no_text_of_it(importer: Importer, tmp_path: Path) -> None:
    (tmp_path / "ours.toml").write_text(MAPPING, encoding="utf-8")
    june = write(tmp_path / "june.csv", [invoice(1)])

    assert not to_fix(importer("check", june, "--mapping", "ours.toml", "--json").said).exists()


STARTS = ("=1+1", "+1", "-1", "@x", "\tx", "\rx", "\t=1+1", " =1+1", "'=1+1", "''x", "'x", '=1;"2"\n3', "\uff1d1")


@pytest.mark.parametrize(
    ("delimiter", "quoting"), [(",", csv.QUOTE_ALL), (";", csv.QUOTE_MINIMAL), ("\t", csv.QUOTE_NONNUMERIC)]
)
def test_what_begins_like_a_formula_is_inert_in_every_column_and_comes_back_unchanged(
    delimiter: str, quoting: Any, tmp_path: Path
) -> None:
    path = tmp_path / "june.csv"
    header = [f"Column {number}" for number in range(len(STARTS) - 1)] + ["=1+1"]
    told = [[STARTS[(row + column) % len(STARTS)] for column in range(len(STARTS))] for row in range(len(STARTS))]
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, delimiter=delimiter, quoting=quoting).writerows([header, *told])
    table = read(path, Reading(delimiter=delimiter))
    assert table.cells.to_numpy(dtype=object).tolist() == told

    write_report(report_of(table), tmp_path / "results.xlsx")
    write_to_fix(report_of(table), tmp_path)

    with (tmp_path / "to-fix.csv").open(newline="", encoding="utf-8") as file:
        opened = list(csv.reader(file, delimiter=delimiter))
    amount = 1  # where a plain number below zero is left to be one
    assert [cell for line in opened for cell in line if cell.strip(" ").startswith(tuple("=+-@\t\r\uff1d"))] == ["-1"]
    assert "-1" in [line[amount] for line in opened]
    with closing(openpyxl.load_workbook(tmp_path / "results.xlsx")) as book:
        cells = [cell for line in book["To fix"].iter_rows() for cell in line]
        assert {cell.data_type for cell in cells} == {"s"}
    for name in ("to-fix.csv", "results.xlsx"):
        again = read(tmp_path / name)
        assert again.header == table.header
        assert again.cells.to_numpy(dtype=object).tolist() == told


def report_of(table: Table) -> Report:
    """Make a report in which every row of a source is to be mended."""
    index, none = table.cells.index, [None] * len(table.cells)
    text = pd.ArrowDtype(pa.string())
    outcomes = pd.DataFrame({name: pd.Series(none, index, text) for name in OUTCOME_COLUMNS})
    outcomes["status"] = pd.Series(["invalid"] * len(index), index, text)
    outcomes["sent_at"] = pd.Series(none, index, pd.ArrowDtype(pa.timestamp("us", "UTC")))
    run = Run(
        id="20261121-101500-june-3f2a",
        kind="check",
        sources=(SourceInfo("june.csv", "", (), table.writing),),
        target="customer",
        mode="live",
        account="",
        host="",
        started=datetime(2026, 11, 21, tzinfo=UTC),
        finished=None,
        version="0",
        settings=(),
        columns={table.header[0]: "creditorReference", table.header[1]: "amountToRecover"},
        constants={},
        styles=(Styles(),),
        stopped=None,
        exit_code=1,
    )
    issues = pd.DataFrame({name: pd.Series([], dtype="int64" if name == "row" else text) for name in ISSUE_COLUMNS})
    amounts = pd.DataFrame(
        {
            "amount": pd.Series(none, index, pd.ArrowDtype(pa.decimal128(38, 18))),
            "currency": pd.Series(none, index, text),
        }
    )
    return Report(run, table.header, table.cells, {}, issues, outcomes, amounts)


@pytest.mark.parametrize(
    "written",
    [
        "a,b\n1,x\n",
        "a;b\r\n1;x\r\n",
        "sep=;\r\na;b\r\n1;x\r\n",
        '"a","b"\n"1","x"\n',
        '"a","b"\r\n1,"x"\r\n',
        "'a';'b'\n'1';'x'\n",
        "a\tb\n1\tx\n",
        "a|b\n1|\n",
        'a,b\r1,"x\ny"\r',
        "a,b\n-1,-2.50\n",
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
def test_rows_to_mend_are_written_in_the_dialect_of_their_source(written: str, encoding: str, tmp_path: Path) -> None:
    path, plain = tmp_path / "june.csv", "utf-16-le" if encoding == "utf-16" else "ascii"
    path.write_bytes(written.replace("x", "é").encode(encoding))

    write_to_fix(report_of(read(path, Reading(encoding="cp1252" if encoding == "cp1252" else None))), tmp_path)

    assert (tmp_path / "to-fix.csv").read_bytes() == path.read_bytes().replace(
        "-1,".encode(plain), "'-1,".encode(plain)
    )


HEADINGS = "creditorReference,currencyCode,date,amountToRecover,debtor.type,debtor.name,debtor.address,debtor.city"


def small(path: Path, *rows: tuple[str, str]) -> Path:
    """Write invoices of a reference and a country each."""
    lines_ = (f"{reference},EUR,2026-01-15,1.50,Company,Example,1 St,Town,{country}" for reference, country in rows)
    path.write_text("\n".join([f"{HEADINGS},debtor.countryAlpha2", *lines_]) + "\n", encoding="utf-8")
    return path


@pytest.mark.usefixtures("place")
def test_what_became_of_a_row_over_the_runs_is_found_by_its_reference(importer: Importer, tmp_path: Path) -> None:
    june = tmp_path / "june.csv"
    runs = [
        importer("submit", small(june, ("A-1", "DE"), ("A-2", country)), *SENT).said["run"]
        for country in ("XX", "", "DE", "DE")
    ]

    ran = importer("find", "A-2", "--json")
    met = ran.said["met"]

    assert [(one["run"], one["row"], one["status"]) for one in met] == [
        (runs[0], 3, "invalid"),
        (runs[1], 3, "invalid"),
        (runs[2], 3, "created"),
        (runs[3], 3, "already-imported"),
    ]
    assert [one["codes"] for one in met] == [["country-unknown"], ["country-missing"], [], []]
    assert {one["creditor_reference"] for one in met} == {"A-2"}
    assert importer("find", met[2]["case_id"], "--json").said["met"] == met
    shown = importer("show", runs[0], "--row", 3, "--json")
    assert (shown.code, shown.said["met"]) == (0, met)
    assert shown.said["cases"][0]["status"] == "invalid"
    told = importer("find", "A-2").err
    assert all(word in told for word in ("country-unknown", "country-missing", "already-imported"))


def test_a_reference_that_was_only_ever_kept_back_is_no_case_and_found_all_the_same(
    importer: Importer, tmp_path: Path
) -> None:
    importer("submit", small(tmp_path / "june.csv", ("A-1", "DE"), ("A-2", "XX")), *SENT)

    ran = importer("find", "A-2")

    assert ran.code == 1
    assert "The journal knows no case A-2." in ran.err
    assert "country-unknown" in ran.err


def test_a_row_without_a_reference_or_with_one_that_is_far_too_long_is_shown_by_its_number(
    importer: Importer, tmp_path: Path
) -> None:
    june = small(tmp_path / "june.csv", ("A-1", "DE"), ("", "XX"), ("x" * 5000, "DE"))
    run = importer("submit", june, *SENT).said["run"]

    shown = [importer("show", run, "--row", row, "--json").said for row in (3, 4)]

    assert [one["cases"][0]["creditor_reference"] for one in shown] == [None, None]
    assert [one["met"] for one in shown] == [[], []]
    assert "reference-missing" in shown[0]["cases"][0]["codes"]


def test_what_is_forgotten_or_purged_is_not_met_any_more(importer: Importer, tmp_path: Path) -> None:
    source = small(tmp_path / "june.csv", ("A-1", "DE"), ("A-2", "XX"), ("A-3", "XX"))
    said = importer("submit", source, *SENT).said
    assert "A-2" in to_fix(said).read_text(encoding="utf-8")

    forgotten = importer("forget", "A-2", "--yes", "--json")

    assert forgotten.code == 0
    assert importer("find", "A-2", "--json").said["met"] == []
    assert "A-2,EUR,,1.50,,,,,\n" in to_fix(said).read_text(encoding="utf-8")
    assert len(importer("find", "A-3", "--json").said["met"]) == 1
    assert importer("purge", "--older-than", "0d", "--yes").code == 0
    assert importer("find", "A-3", "--json").said["met"] == []
    assert not to_fix(said).exists()


def test_forgetting_takes_the_rows_to_mend_of_a_check_with_it(importer: Importer, tmp_path: Path) -> None:
    said = importer("check", small(tmp_path / "june.csv", ("A-1", "DE"), ("A-2", "XX")), "--json").said
    importer("submit", small(tmp_path / "june.csv", ("A-1", "DE")), *SENT)
    assert to_fix(said).exists()

    importer("forget", "A-2", "--yes")

    assert not to_fix(said).exists()


def change(path: Path | str, done: Path, **cells: str) -> Path:
    """Change cells of `To fix`, and save the workbook elsewhere."""
    with closing(openpyxl.load_workbook(path)) as book:
        for cell, text in cells.items():
            book["To fix"][cell] = text
        book.save(done)
    return done


def test_what_a_run_was_told_holds_for_its_rows_to_mend_unless_they_are_told_otherwise(
    importer: Importer, tmp_path: Path
) -> None:
    june = small(tmp_path / "june.csv", ("A-1", "DE"), ("", "XX"), ("A-3", "XX"))
    said = importer("submit", june, "--test", "--allow-missing-reference", *SENT).said
    mended = change(said["report"], tmp_path / "mended.xlsx", I2="DE", I3="DE")

    checked = importer("check", mended, "--live", "--need-reference", "--set", "debtor.name=Other", "--json")
    ran = importer("submit", mended, "--limit", 1, *SENT)
    live = importer("submit", mended, "--live", *SENT)

    assert checked.said["counts"]["invalid"] == 1
    for told in (
        f"mended.xlsx: rows to mend of run: {said['run']}, for customer, test cases.",
        "not as in that run: live cases, as --live says.",
        "not as in that run: rows without a creditor reference are refused.",
        "not as in that run: debtor.name has one value in every row, whatever its column says.",
    ):
        assert told in checked.err
    assert ran.said["counts"]["created"] == 1
    assert "as in that run: test cases; --live makes live ones." in ran.err
    assert "as in that run: rows without a creditor reference are taken; --need-reference refuses them." in ran.err
    assert [json.loads(bytes(case["body"])).get("isTest", False) for case in cases(tmp_path)] == [
        *(True, True),
        *(False, False),
    ]
    assert live.said["counts"]["created"] == 2


def test_rows_to_mend_of_a_live_run_become_test_cases_only_where_that_is_said(
    importer: Importer, tmp_path: Path
) -> None:
    said = importer("submit", small(tmp_path / "june.csv", ("A-1", "XX")), *SENT).said
    mended = change(said["report"], tmp_path / "mended.xlsx", I2="DE")

    tested = importer("check", mended, "--test", "--json")
    plain = importer("check", mended, "--json")

    assert "not as in that run: test cases, as --test says." in tested.err
    assert "test" not in plain.err


def test_rows_to_mend_go_to_the_target_of_their_run_unless_another_is_named(
    importer: Importer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = importer("check", small(tmp_path / "june.csv", ("A-1", "XX"), ("A-2", "DE")), "--json").said
    monkeypatch.setenv("IMPORTER_TARGET", "managed")

    remembered = [importer("check", path, "--json") for path in (said["report"], to_fix(said))]
    named = importer("check", said["report"], "--target", "managed", "--json")

    assert [ran.said["target"] for ran in remembered] == ["customer", "customer"]
    assert named.code == 3
    assert "submit it with --target customer" in named.err


def test_styles_bundles_and_mappings_that_are_said_anew_are_told(importer: Importer, tmp_path: Path) -> None:
    june = small(tmp_path / "june.csv", ("A-1", "XX"), ("A-2", "DE"))
    june.write_text(june.read_text(encoding="utf-8").replace("2026-01-15", "03/04/2026"), encoding="utf-8")
    (tmp_path / "ours.toml").write_text('[constants]\ncurrencyCode = "USD"\n', encoding="utf-8")
    options = ("--date-order", "dmy", "--bundle-by", "debtor.name", "--set", "debtor.city=Town")
    said = importer("check", june, *options, "--json").said

    again = importer("check", said["report"], "--json").err
    options = ("--date-order", "date=mdy", "--decimal", "comma", "--bundle-by", "debtor.city", "--claim-lines")
    other = importer("check", said["report"], *options, "--mapping", "ours.toml", "--set", "debtor.city=Ort").err

    assert "as in that run: bundled by debtor.name." in again
    for told in (
        "date is read as mdy",
        "bundled by debtor.city",
        "bundles are sent as claimLines",
        "where the mapping ours and that run both feed a field, the mapping does",
        "debtor.city has another value in every row",
    ):
        assert f"not as in that run: {told}." in other


def test_rows_that_were_sorted_left_out_or_added_are_taken_as_they_are_now(importer: Importer, tmp_path: Path) -> None:
    said = importer("submit", small(tmp_path / "june.csv", *((f"A-{n}", "XX") for n in range(4))), *SENT).said
    with closing(openpyxl.load_workbook(said["report"])) as book:
        sheet = book["To fix"]
        rows = [[cell.value for cell in row] for row in sheet.iter_rows(min_row=2)]
        rows = [[*row[:-1], "DE"] for row in [*reversed(rows[1:]), ["B-1", *rows[0][1:]]]]
        for number, row in enumerate(rows, 2):
            for column, text in enumerate(row, 1):
                sheet.cell(number, column).value = text
        book.save(tmp_path / "mended.xlsx")

    assert importer("submit", "mended.xlsx", *SENT).said["counts"]["created"] == 4
    assert list(sent(tmp_path)) == ["A-3", "A-2", "A-1", "B-1"]


def test_who_mends_the_source_itself_sends_only_what_was_not_made_yet(importer: Importer, tmp_path: Path) -> None:
    june = tmp_path / "june.csv"
    importer("submit", small(june, ("A-1", "DE"), ("A-2", "XX")), *SENT)

    said = importer("submit", small(june, ("A-1", "DE"), ("A-2", "DE")), *SENT).said

    assert (said["counts"]["already-imported"], said["counts"]["created"]) == (1, 1)
    assert list(sent(tmp_path)) == ["A-1", "A-2"]


def test_the_rows_to_mend_alone_without_their_run_are_a_source_like_any_other(
    importer: Importer, tmp_path: Path
) -> None:
    said = importer("submit", small(tmp_path / "june.csv", ("A-1", "XX"), ("A-2", "DE")), "--test", *SENT).said
    with closing(openpyxl.load_workbook(said["report"])) as book:
        for name in book.sheetnames:
            if name != "To fix":
                del book[name]
        book["To fix"]["I2"] = "DE"
        book.save(tmp_path / "alone.xlsx")

    ran = importer("submit", "alone.xlsx", *SENT)

    assert ran.said["counts"]["created"] == 1
    assert "rows to mend of run" not in ran.err
    assert "-alone-" in ran.said["run"]


def test_rows_to_mend_of_runs_with_other_options_are_no_one_run(importer: Importer, tmp_path: Path) -> None:
    june = small(tmp_path / "june.csv", ("A-1", "XX"))
    reports = [importer("check", june, *options, "--json").said["report"] for options in ((), ("--test",))]

    ran = importer("check", *reports)

    assert ran.code == 3
    assert "options that the other sources do not share" in ran.err


@pytest.mark.parametrize("again", ["copy.csv", "mended.xlsx"])
def test_the_same_rows_without_a_reference_in_two_sources_of_a_run_are_not_sent_twice(
    again: str, importer: Importer, tmp_path: Path
) -> None:
    june = small(tmp_path / "june.csv", ("", "XX"), ("", "DE"))
    report = importer("submit", june, "--allow-missing-reference", *SENT).said["report"]
    shutil.copy(june, tmp_path / "copy.csv")
    with closing(openpyxl.load_workbook(report)) as book:
        book["To fix"]["I2"] = "DK"
        book.save(tmp_path / "mended.xlsx")
    same = (june, "copy.csv") if again == "copy.csv" else (report, "mended.xlsx")

    ran = importer("submit", *same, "--allow-missing-reference", *SENT)

    assert ran.code == 3
    assert f"{Path(same[0]).name} and {again} are the same rows" in ran.err
    assert len(cases(tmp_path)) == 1
    assert importer("submit", again, "--allow-missing-reference", *SENT).code in {0, 1}


def test_zeros_that_a_spreadsheet_program_took_from_a_reference_are_noticed(importer: Importer, tmp_path: Path) -> None:
    june = small(tmp_path / "june.csv", ("0012", "XX"), ("0013", "XX"), ("13", "XX"), ("14", "XX"))
    path = to_fix(importer("submit", june, *SENT).said)
    path.write_text(path.read_text(encoding="utf-8").replace("XX", "DE").replace("0012", "12").replace("0013", "13"))

    ran = importer("submit", path, *SENT)

    assert (ran.said["counts"]["invalid"], sorted(sent(tmp_path))) == (3, ["14"])
    assert lines(ran.said["report"], "Issues")[0]["Code"] == "damaged-identifier"


def test_spreadsheet_programs_do_not_offer_to_make_numbers_of_references(importer: Importer, tmp_path: Path) -> None:
    said = importer("check", small(tmp_path / "june.csv", ("0012", "XX"), ("14", "DE")), "--json").said

    with zipfile.ZipFile(said["report"]) as package:
        sheets = [package.read(name).decode() for name in package.namelist() if name.startswith("xl/worksheets/sheet")]
    assert [sheet for sheet in sheets if '<ignoredError sqref="A1:I2" numberStoredAsText="1"/>' in sheet]


def test_zip_codes_that_were_made_numbers_in_the_workbook_are_warned_of(importer: Importer, tmp_path: Path) -> None:
    june = small(tmp_path / "june.csv", ("A1", "XX"))
    june.write_text(june.read_text().replace("countryAlpha2", "countryAlpha2,Zip code").replace("XX", "XX,01067"))
    with closing(openpyxl.load_workbook(importer("submit", june, *SENT).said["report"])) as book:
        sheet = book["To fix"]
        sheet.cell(2, 9).value, sheet.cell(2, 10).value = "DE", 1067
        book.save(tmp_path / "mended.xlsx")

    ran = importer("submit", "mended.xlsx", *SENT)

    issue = lines(ran.said["report"], "Issues")[0]
    assert (issue["Column"], issue["Code"], issue["Severity"]) == ("Zip code", "damaged-identifier", "warning")


def test_references_that_were_made_numbers_in_the_workbook_are_noticed(importer: Importer, tmp_path: Path) -> None:
    june = small(tmp_path / "june.csv", ("0012", "XX"), ("14", "XX"), ("0015", "XX"), ("0016", "DE"))
    with closing(openpyxl.load_workbook(importer("submit", june, *SENT).said["report"])) as book:
        for row, number, shown in ((2, 12, "General"), (3, 14, "General"), (4, 15, "0000")):
            cell = book["To fix"].cell(row, 1)
            cell.value, cell.number_format = number, shown
            book["To fix"].cell(row, 9).value = "DE"
        book.save(tmp_path / "mended.xlsx")

    ran = importer("submit", "mended.xlsx", *SENT)

    assert (ran.said["counts"]["invalid"], sorted(sent(tmp_path))) == (1, ["0015", "0016", "14"])
    assert lines(ran.said["report"], "Issues")[0]["Code"] == "damaged-identifier"


def test_an_export_for_people_is_inert(importer: Importer, tmp_path: Path) -> None:
    importer("submit", small(tmp_path / "june.csv", ("=1", "DE"), ("A-2", "DE")), *SENT)

    assert [line.split(",")[0] for line in importer("identifiers").out.splitlines()[1:]] == ["=1", "A-2"]
    assert [line.split(",")[0] for line in importer("identifiers", "--inert").out.splitlines()[1:]] == ["'=1", "A-2"]
    assert importer("identifiers", "--inert", "--format", "json").code == 2


@pytest.mark.skipif(shutil.which("soffice") is None, reason="needs LibreOffice: apt-get install libreoffice-calc")
def test_libreoffice_finds_formulas_in_the_source_and_none_in_what_is_to_be_mended_of_it(tmp_path: Path) -> None:
    path = tmp_path / "june.csv"
    path.write_text("No;Name\n=1+1;a\nb;=2+2\n'=3;\t=4+4\n", encoding="utf-8")
    write_to_fix(report_of(read(path)), tmp_path)
    profile = f"-env:UserInstallation=file://{tmp_path}/profile"
    command = ["soffice", "--headless", profile, "--infilter=CSV:59,34,76,1", "--convert-to", "fods"]

    subprocess.run(
        [*command, "--outdir", tmp_path / "out", path, tmp_path / "to-fix.csv"], check=True, capture_output=True
    )

    opened = [(tmp_path / "out" / f"{name}.fods").read_text(encoding="utf-8") for name in ("june", "to-fix")]
    assert [text.count("table:formula=") for text in opened] == [2, 0]
    assert "<text:p>&apos;=2+2</text:p>" in opened[1]
