"""A case by any of its identifiers, from the journal and from the API; and all identifiers, for other systems."""

from __future__ import annotations

import csv
import io
import json
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import openpyxl
import pytest

from importer.errors import JournalError, SettingsError
from importer.journal import Journal, identifying, kept_back
from importer.pipeline.finding import readable
from importer.report.listing import write_listing
from importer.sandbox import Fault, Settings, Store, serving
from schemas import TARGETS, customer, load

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Importer = Callable[..., Any]

HEADER = (
    *("creditorReference", "currencyCode", "date", "amountToRecover", "debtor.type", "debtor.name"),
    *("debtor.address", "debtor.city", "debtor.countryAlpha2"),
)
NOBODY = "3fa85f64-5717-4562-b3fc-2c963f66afa6"
BOTH_JOURNALS = pytest.mark.usefixtures("place")


def source(path: Path, *references: str, amount: str = "100.50") -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(HEADER)
        for reference in references:
            writer.writerow((reference, "EUR", "2026-01-15", amount, "Company", "Example GmbH", "1 St", "Town", "DE"))
    return path


def submit(importer: Importer, *references: str, name: str = "june.csv") -> str:
    ran = importer("submit", source(Path(name), *references), "--sandbox", "--yes", "--json", "--quiet")
    assert ran.code == 0, ran.err
    run: str = ran.said["run"]
    return run


def requests(kind: str) -> int:
    with closing(sqlite3.connect("journal.db")) as journal:
        found: int = journal.execute("SELECT count(*) FROM requests WHERE kind = ?", (kind,)).fetchone()[0]
    return found


def exported(importer: Importer, *arguments: object) -> list[dict[str, str]]:
    ran = importer("identifiers", *arguments)
    assert ran.code == 0, ran.err
    return list(csv.DictReader(io.StringIO(ran.out, newline="")))


# One case, from the journal


@BOTH_JOURNALS
def test_a_case_is_found_by_each_identifier_however_it_was_copied(importer: Importer) -> None:
    submit(importer, "INV-1", "INV-2")
    (case,) = importer("find", "INV-1", "--json").said["cases"]

    for value in (case["case_id"], case["case_id"].upper(), case["reference"], case["reference"].lower(), " INV-1 "):
        assert importer("find", value, "--json").said["cases"] == [case]
    assert importer("find", "inv-1", "--json").said == {"cases": [], "met": [], "exit": 1}


def test_what_met_a_reference_is_found_without_looking_through_all_rows(tmp_path: Path) -> None:
    asked: list[str] = []
    with closing(Journal.open(tmp_path / "journal.db", tmp_path)) as journal, journal.reading() as connection:
        connection.connection.driver_connection.set_trace_callback(asked.append)  # type: ignore[union-attr]
        kept_back.met(connection, ["INV-1"])
        kept_back.of_row(connection, "20261121-101500-june-3f2a", 2)
        connection.connection.driver_connection.set_trace_callback(None)  # type: ignore[union-attr]
        plans = [connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {one}").all() for one in asked[-2:]]

    steps = [step[3] for plan in plans for step in plan]
    assert not [step for step in steps if step.startswith(("SCAN cases", "SCAN kept_back", "SCAN runs"))]


@pytest.mark.parametrize("column", ["case_id", "case_reference", "reference"])
def test_no_identifier_makes_the_journal_look_through_all_its_cases(tmp_path: Path, column: str) -> None:
    asked: list[str] = []
    with closing(Journal.open(tmp_path / "journal.db", tmp_path)) as journal, journal.reading() as connection:
        connection.connection.driver_connection.set_trace_callback(asked.append)  # type: ignore[union-attr]
        identifying.find(connection, "INV-1")
        connection.connection.driver_connection.set_trace_callback(None)  # type: ignore[union-attr]
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {asked[-1]}").all()

    steps = [step[3] for step in plan]
    assert not [step for step in steps if step.startswith("SCAN cases")]
    assert [step for step in steps if step.startswith("SEARCH cases") and f"({column}=" in step]


def test_a_sender_at_work_does_not_hold_up_whoever_looks(importer: Importer) -> None:
    submit(importer, "INV-1")

    with closing(sqlite3.connect("journal.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert importer("find", "INV-1").code == 0


def test_a_blank_identifier_is_refused(importer: Importer) -> None:
    assert importer("find", " ").code == 2
    assert "--remote" in importer("find", "INV-1", "--sandbox").err


# One case, from the API


def test_the_api_finds_a_case_by_each_identifier_at_one_request_each(importer: Importer) -> None:
    run = submit(importer, "INV-1")
    (case,) = Store(Path("sandbox.db")).cases()

    for count, value in enumerate((case["id"], str(case["id"]).upper(), case["reference"], "INV-1"), start=1):
        ran = importer("find", value, "--remote", "--sandbox", "--json")
        (found,) = ran.said["cases"]
        assert (ran.code, found["case_id"], found["creditor_reference"]) == (0, case["id"], "INV-1")
        assert (found["amount"], found["mode"], found["journaled"]) == ("100.50", "live", [f"{run} row 2"])
        assert requests("look-up") == count


def test_what_looks_like_debituras_reference_may_be_the_creditors(importer: Importer) -> None:
    submit(importer, "AB12CD34")

    (found,) = importer("find", "AB12CD34", "--remote", "--sandbox", "--json").said["cases"]

    assert (found["creditor_reference"], requests("look-up")) == ("AB12CD34", 2)


def test_a_uuid_is_asked_for_as_an_id_alone_and_may_be_nobodys(importer: Importer) -> None:
    submit(importer, "INV-1")

    ran = importer("find", NOBODY, "--remote", "--sandbox")

    assert (ran.code, ran.out, requests("look-up"), requests("list")) == (1, "", 1, 0)
    assert f"knows no case {NOBODY} of this account" in ran.err


@pytest.mark.parametrize("reference", ["2026/17", "50%", "A\\B", ".."])
def test_a_reference_that_survives_no_path_is_looked_for_in_the_list(importer: Importer, reference: str) -> None:
    submit(importer, "INV-1", reference, "INV-3")
    before = requests("list")

    (found,) = importer("find", reference, "--remote", "--sandbox", "--json").said["cases"]

    assert (found["creditor_reference"], requests("look-up"), requests("list") - before) == (reference, 0, 1)
    assert importer("find", "no/such", "--remote", "--sandbox").code == 1


def test_a_workspace_without_a_journal_can_ask_the_api(importer: Importer) -> None:
    ran = importer("find", "INV-1", "--remote", "--sandbox", "--json")

    assert ran.said == {"cases": [], "exit": 1}
    assert (requests("me"), requests("look-up")) == (1, 1)


def test_without_a_key_the_api_is_not_asked(importer: Importer) -> None:
    ran = importer("find", "INV-1", "--remote")

    assert ran.code == 3
    assert "IMPORTER_API_KEY" in ran.err


@pytest.mark.parametrize(("fault", "said"), [("deny:after=0", "401"), ("throttle-absurd", "429")])
def test_an_api_that_cannot_be_asked_is_exit_4(
    importer: Importer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, fault: str, said: str
) -> None:
    monkeypatch.setenv("IMPORTER_API_KEY", "sandbox")
    with serving(tmp_path / "sandbox.db", Settings(faults=(Fault.parse(fault),))) as url:
        ran = importer("find", "INV-1", "--remote", "--api-url", url, "--json")

    assert (ran.code, ran.said["exit"]) == (4, 4)
    assert said in ran.said["error"]


def test_a_lookup_that_fails_is_asked_again(
    importer: Importer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("IMPORTER_API_KEY", "sandbox")
    with serving(tmp_path / "sandbox.db", Settings(faults=(Fault.parse("lookups-fail:times=1"),))) as url:
        ran = importer("find", "INV-1", "--remote", "--api-url", url)

    assert (ran.code, requests("look-up")) == (1, 2)


def test_every_target_says_how_its_cases_are_read() -> None:
    assert readable("customer") == (customer, customer.READING)
    assert all(hasattr(load(name), "READING") for name in TARGETS)


def test_a_target_whose_cases_cannot_be_read_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(customer, "READING", None)

    with pytest.raises(SettingsError, match="cannot be asked about cases of the target `customer`"):
        readable("customer")


# All of them, for other systems


@BOTH_JOURNALS
def test_identifiers_come_as_csv_on_stdout_and_nothing_else_does(importer: Importer) -> None:
    run = submit(importer, "INV-1", '=HYPERLINK("x")', "Ünï, code")

    rows = exported(importer)

    assert [row["creditor_reference"] for row in rows] == ["INV-1", '=HYPERLINK("x")', "Ünï, code"]
    stored = {case["creditorReference"]: case for case in Store(Path("sandbox.db")).cases()}
    for number, row in enumerate(rows, start=2):
        case = stored[row["creditor_reference"]]
        assert (row["case_id"], row["reference"]) == (case["id"], case["reference"])
        assert (row["amount"], row["currency"], row["mode"]) == ("100.50", "EUR", "live")
        assert (row["run"], row["source"], row["row"], row["status"]) == (run, "june.csv", str(number), "created")


def test_a_second_run_of_the_same_rows_exports_each_case_once_and_by_name_each_row(importer: Importer) -> None:
    submit(importer, "INV-1", "INV-2")
    again = submit(importer, "INV-2", "INV-1", "INV-3")

    assert [row["creditor_reference"] for row in exported(importer)] == ["INV-1", "INV-2", "INV-3"]
    rows = exported(importer, "--run", again)
    assert [(row["creditor_reference"], row["status"]) for row in rows] == [
        ("INV-2", "already-imported"),
        ("INV-1", "already-imported"),
        ("INV-3", "created"),
    ]


def test_a_case_that_was_there_before_is_exported_once_however_often_it_is_met(importer: Importer) -> None:
    submit(importer, "INV-1")
    Path("journal.db").unlink()
    for _ in range(2):
        ran = importer("submit", source(Path("june.csv"), "INV-1", amount="7"), "--sandbox", "--yes", "--json")
        assert ran.said["counts"]["duplicate"] == 1

    assert [row["status"] for row in exported(importer)] == ["duplicate"]


def test_filters_choose_by_day_and_target(importer: Importer) -> None:
    submit(importer, "INV-1")

    assert len(exported(importer, "--since", "2026-01-01", "--target", "customer")) == 1
    assert exported(importer, "--since", "2999-01-01T10:00:00+02:00") == []
    assert exported(importer, "--target", "managed") == []
    assert importer("identifiers", "--since", "soon").code == 2
    assert importer("identifiers", "--run", "r9").code == 3


def test_rows_without_a_case_or_a_reference_leave_those_cells_blank(importer: Importer) -> None:
    ran = importer(
        *("submit", source(Path("june.csv"), "", "INV-2"), "--allow-missing-reference"),
        *("--limit", "1", "--sandbox", "--yes", "--json"),
    )
    assert ran.said["counts"]["not-sent"] == 1

    assert [row["creditor_reference"] for row in exported(importer)] == [""]


def test_json_is_one_object_on_stdout_or_in_a_file(importer: Importer) -> None:
    submit(importer, "INV-1", "=1")

    said = importer("identifiers", "--json").said
    ran = importer("identifiers", "--output", "ids.json", "--json")

    assert [row["creditor_reference"] for row in said["identifiers"]] == ["INV-1", "=1"]
    assert said == importer("identifiers", "--format", "json").said
    assert json.loads(Path("ids.json").read_text("utf-8")) == said
    assert ran.said == {"output": "ids.json", "identifiers": 2, "exit": 0}


def test_an_export_of_nothing_is_still_whole(importer: Importer) -> None:
    importer("find", "INV-1", "--remote", "--sandbox")

    assert importer("identifiers", "--format", "json").said == {"identifiers": [], "exit": 0}
    assert exported(importer) == []
    assert importer("identifiers", "--output", "ids.xlsx").code == 0


def test_a_file_is_its_owners_alone_and_its_path_is_printed(importer: Importer) -> None:
    submit(importer, "INV-1")

    ran = importer("identifiers", "--output", "ids.csv")

    assert (ran.code, ran.out) == (0, "ids.csv\n")
    assert "1 identifiers" in ran.err
    assert Path("ids.csv").stat().st_mode & 0o077 == 0
    assert Path("ids.csv").read_bytes().count(b"\r\n") == 2
    assert importer("identifiers", "--output", "nowhere/ids.csv").code == 3


def test_a_workbook_has_amounts_as_numbers_and_formulas_as_text(importer: Importer) -> None:
    submit(importer, "=1+1", "00123")

    assert importer("identifiers", "--output", "ids.xlsx", "--quiet").err == ""
    sheet = openpyxl.load_workbook("ids.xlsx")["Identifiers"]

    header, *rows = list(sheet.iter_rows())
    titles = [cell.value for cell in header]
    assert titles[:3] == ["Creditor reference", "Case id", "Reference"]
    cells = [dict(zip(titles, row, strict=True)) for row in rows]
    assert [(row["Creditor reference"].value, row["Creditor reference"].data_type) for row in cells] == [
        ("=1+1", "s"),
        ("00123", "s"),
    ]
    assert [(row["Amount"].value, row["Row"].value) for row in cells] == [(100.5, 2), (100.5, 3)]
    assert not list(Path().glob("tmp*"))


def test_a_workbook_needs_a_file_and_json_is_not_csv(importer: Importer) -> None:
    assert importer("identifiers", "--format", "xlsx").code == 2
    assert importer("identifiers", "--format", "csv", "--json").code == 2


def test_a_long_table_goes_on_on_another_sheet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importer.report.listing.TALLEST", 2)
    with (tmp_path / "long.xlsx").open("wb") as file:
        rows = [("a", "1"), ("b", "12345678901234567"), ("c", None)]
        assert write_listing(file, tmp_path, "Long", ("Text", "Amount"), rows, numbers=["Amount"]) == 3

    book = openpyxl.load_workbook(tmp_path / "long.xlsx")
    assert {sheet.title: list(sheet.values) for sheet in book} == {
        "Long": [("Text", "Amount"), ("a", 1), ("b", "12345678901234567")],
        "Long (2)": [("Text", "Amount"), ("c", None)],
    }


@BOTH_JOURNALS
def test_more_rows_than_are_read_at_once_come_all_and_in_order(
    importer: Importer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(identifying, "PART", 3)
    references = [f"INV-{number}" for number in range(9)]
    submit(importer, *references)

    assert [row["creditor_reference"] for row in exported(importer)] == references


def test_a_reader_that_has_enough_ends_the_export_quietly(importer: Importer) -> None:
    submit(importer, *(f"INV-{number}" for number in range(400)))
    program = "from importer.cli import main; main(['identifiers'], prog_name='importer')"
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.close()
        said = process.stderr.read()

    assert (process.wait(30), said) == (0, b"")


def test_identifiers_are_in_the_order_of_the_journal(importer: Importer) -> None:
    submit(importer, "B", "A")
    submit(importer, "C", name="july.csv")

    assert [row["creditor_reference"] for row in exported(importer)] == ["B", "A", "C"]


@pytest.mark.parametrize("flag", [("--json",), ("--format", "json")])
@pytest.mark.parametrize(("trouble", "code"), [(KeyboardInterrupt(), 130), (JournalError("The journal is gone."), 3)])
def test_an_export_that_is_cut_short_is_still_one_object_and_says_so(
    importer: Importer,
    monkeypatch: pytest.MonkeyPatch,
    flag: tuple[str, ...],
    trouble: BaseException,
    code: int,
) -> None:
    submit(importer, "INV-1", "INV-2")
    listed = identifying.list_all

    def begun(*given: Any, **wanted: Any) -> Iterator[Any]:
        yield next(iter(listed(*given, **wanted)))
        raise trouble

    monkeypatch.setattr(identifying, "list_all", begun)
    ran = importer("identifiers", *flag)

    assert (ran.code, ran.said["exit"], len(ran.said["identifiers"])) == (code, code, 1)
    assert ran.said["error"] in ran.err
    assert importer("identifiers", "--output", "a.json").code == code
    assert not Path("a.json").exists()


@pytest.mark.parametrize(("option", "value"), [("--run", "nope"), ("--target", "nope")])
def test_what_there_is_not_is_refused_before_anything_is_written(importer: Importer, option: str, value: str) -> None:
    submit(importer, "INV-1")

    assert importer("identifiers", option, value).out == ""
    ran = importer("identifiers", option, value, "--json")

    assert (ran.code, ran.said["exit"]) == (3, 3)
    assert "nope" in ran.said["error"]
