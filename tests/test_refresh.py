"""Where cases stand: asked a hundred at a time, told in a workbook, and what changed noted once."""

from __future__ import annotations

import csv
import json
import shutil
import sqlite3
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import openpyxl
import pytest

from importer.model.standings import (
    LIFECYCLES,
    NEEDS_INFO,
    NOT_FOUND,
    PORTAL,
    Change,
    Figures,
    Standing,
    compare,
    lifecycle_named,
)
from importer.protocol import Answer, Denied, Lost, Throttled, Unanswered
from importer.protocol.standings import Stand, read_standing, read_standings
from importer.sandbox import Fault, Settings, serving
from importer.sandbox.lifecycle import LABELS
from schemas import Reading, customer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Importer = Callable[..., Any]

HEADER = (
    *("creditorReference", "currencyCode", "date", "amountToRecover", "debtor.type", "debtor.name"),
    *("debtor.address", "debtor.city", "debtor.countryAlpha2"),
)
ID = "3fa85f64-5717-4562-b3fc-2c963f66afa6"


class Sandbox:
    """A sandbox that runs, and what can become of its cases."""

    def __init__(self, url: str, importer: Importer) -> None:
        self.url = url
        self._importer = importer
        self.http = httpx.Client(base_url=url, headers={"XApiKey": "sandbox"}, trust_env=False)

    def submit(self, *references: str, options: tuple[str, ...] = ()) -> str:
        path = Path(f"source-{references[0]}.csv")
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(HEADER)
            for reference in references:
                writer.writerow(
                    (reference, "EUR", "2026-01-15", "100.50", "Company", "Example GmbH", "1 St", "Town", "DE")
                )
        ran = self._importer("submit", path, "--api-url", self.url, "--yes", "--json", "--quiet", *options)
        run: str = ran.said["run"]
        return run

    def order(self, reference: str, **members: object) -> dict[str, Any]:
        found = self.http.get(f"/cases/by-creditor-reference/{reference}").json()
        changed = self.http.post(f"/sandbox/cases/{found['id']}", json=members)
        assert changed.status_code == 200
        answer: dict[str, Any] = changed.json()
        return answer

    def refresh(self, *arguments: str) -> Any:
        return self._importer("refresh", *arguments, "--api-url", self.url, "--json", "--quiet")


@pytest.fixture
def sandbox(importer: Importer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Sandbox]:
    monkeypatch.setenv("IMPORTER_API_KEY", "sandbox")
    with serving(tmp_path / "sandbox.db") as url:
        running = Sandbox(url, importer)
        with running.http:
            yield running


def journal(query: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect("journal.db")) as database, database:
        return database.execute(query).fetchall()


def asked() -> int:
    count: int = journal("SELECT count(*) FROM requests WHERE kind = 'refresh'")[0][0]
    return count


def sheet(said: dict[str, Any], name: str) -> list[dict[str, Any]]:
    header, *rows = openpyxl.load_workbook(said["report"])[name].values
    return [dict(zip(header, row, strict=True)) for row in rows]


# The command


@pytest.mark.usefixtures("place")
def test_what_changed_is_told_once_and_what_did_not_is_not_told(sandbox: Sandbox) -> None:
    run = sandbox.submit("INV-1", "INV-2", "INV-3")
    assert sandbox.refresh(run).said["changed"] == 0

    sandbox.order("INV-2", lifecycle="Paused", payment=20.5)
    said = sandbox.refresh(run).said

    (change,) = said["changes"]
    assert (change["creditor_reference"], change["lifecycle"]) == ("INV-2", "Paused")
    assert change["what"] == {
        "lifecycle": {"before": "Active", "now": "Paused"},
        "paid": {"before": "0", "now": "20.50"},
        "outstanding": {"before": "100.50", "now": "80.00"},
    }
    assert {name: said[name] for name in ("cases", "asked", "open", "closed", "requests", "exit")} == {
        "cases": 3,
        "asked": 3,
        "open": 3,
        "closed": 0,
        "requests": 2,
        "exit": 0,
    }
    assert sandbox.refresh(run).said["changed"] == 0


def test_a_row_of_standings_is_written_only_where_something_changed(sandbox: Sandbox) -> None:
    run = sandbox.submit("INV-1", "INV-2")
    sandbox.order("INV-1", lifecycle="Paused")

    for _ in range(3):
        sandbox.refresh(run)

    assert journal("SELECT told_by, lifecycle FROM standings") == [("refresh", "Paused")]
    assert journal("SELECT lifecycle FROM cases ORDER BY pk") == [("Paused",), ("Active",)]


def test_what_is_closed_is_not_asked_about_again_but_stays_in_the_workbook(sandbox: Sandbox) -> None:
    run = sandbox.submit("INV-1", "INV-2")
    sandbox.order("INV-1", payment=100.5)
    sandbox.order("INV-1", lifecycle="Closed")
    sandbox.order("INV-2", lifecycle="Merged")
    assert sandbox.refresh(run).said["closed"] == 2
    before = journal("SELECT count(*) FROM requests")

    said = sandbox.refresh(run).said

    assert (said["asked"], said["requests"], said["changed"]) == (0, 0, 0)
    assert journal("SELECT count(*) FROM requests") == before
    paid, _ = sheet(said, "Cases")
    assert (paid["Lifecycle"], paid["Close code"], paid["Open"], paid["Paid"]) == ("Closed", "Paid", "no", 100.5)
    assert sandbox.refresh(run, "--all").said["asked"] == 2


def test_a_case_that_the_api_does_not_have_is_said_to_be_missing_and_asked_about_again(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    run = sandbox.submit("INV-1", "INV-2")
    with closing(sqlite3.connect(tmp_path / "sandbox.db")) as database, database:
        database.execute("DELETE FROM cases WHERE creditor_reference = 'INV-1'")

    said = sandbox.refresh(run).said

    assert (said["not_found"], said["open"], said["changed"], said["exit"]) == (1, 1, 1, 0)
    lost, _ = sheet(said, "Cases")
    assert (lost["Lifecycle"], lost["Outstanding"]) == ("not found", None)
    again = sandbox.refresh(run).said
    assert (again["asked"], again["changed"]) == (2, 0)


def test_the_amount_of_a_row_of_a_bundle_is_not_taken_for_that_of_its_case(sandbox: Sandbox) -> None:
    run = sandbox.submit("INV-1")
    journal("UPDATE cases SET bundle = row, amount = '40.00'")

    assert sandbox.refresh(run).said["changed"] == 0


def test_a_hundred_cases_are_one_request_and_none_is_asked_about_twice(sandbox: Sandbox) -> None:
    first = sandbox.submit(*(f"INV-{number}" for number in range(150)))
    second = sandbox.submit(*(f"INV-{number}" for number in range(100, 201)))

    said = sandbox.refresh(first, second).said

    assert (said["cases"], said["asked"], said["requests"], asked()) == (201, 201, 1 + 3, 3)


def test_open_and_period_ask_about_all_the_account_has(sandbox: Sandbox) -> None:
    sandbox.submit("INV-1", "INV-2")
    sandbox.submit("INV-3")
    sandbox.order("INV-1", lifecycle="Closed")
    sandbox.refresh("--open")

    assert [sandbox.refresh(*which).said["cases"] for which in (("--open",), ("--since", "2026-01-01"))] == [2, 3]
    assert sandbox.refresh("--since", "2999-01-01").said["cases"] == 0
    assert sandbox.refresh("--until", "2026-01-01").said["cases"] == 0


def test_rows_whose_case_an_earlier_run_made_are_refreshed_with_their_run(sandbox: Sandbox) -> None:
    sandbox.submit("INV-1")
    again = sandbox.submit("INV-1", "INV-2")

    assert sandbox.refresh(again).said["cases"] == 2


def test_which_cases_has_to_be_said(sandbox: Sandbox) -> None:
    run = sandbox.submit("INV-1")

    for arguments in ((), (run, "--since", "2026-01-01"), ("--since", "soon")):
        assert sandbox.refresh(*arguments).code == 2
    assert "Say which cases" in sandbox.refresh().err
    assert sandbox.refresh("r9").code == 3


def test_a_run_of_another_account_is_refused(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    run = sandbox.submit("INV-1")
    monkeypatch.setenv("IMPORTER_API_KEY", "sandbox-other")
    other = sandbox.submit("INV-2")

    ran = sandbox.refresh(run)
    assert (ran.code, asked()) == (3, 0)
    assert "another account" in ran.err
    assert "several accounts" in sandbox.refresh(run, other).err


def test_managed_cases_are_read_one_at_a_time_for_want_of_a_documented_list_by_ids(importer: Importer) -> None:
    with Path("june.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("creditorCompanyName", "creditorCountryAlpha2", "debtor.contactPerson", *HEADER))
        row = ("EUR", "2026-01-15", "100.50", "Company", "Example GmbH", "1 St", "Town", "DE")
        for number in range(3):
            writer.writerow(("Client A/S", "DK", "Jane Invented", f"INV-{number}", *row))
    ran = importer("submit", "june.csv", "--target", "managed", "--sandbox", "--yes", "--json", "--quiet")
    assert ran.said["counts"]["created"] == 3

    said = importer("refresh", ran.said["run"], "--sandbox", "--json", "--quiet").said
    found = importer("find", sheet(said, "Cases")[0]["Reference"], "--remote", "--target", "managed", "--sandbox")

    assert (said["asked"], said["open"], said["requests"], said["exit"], asked()) == (3, 3, 4, 0, 3)
    assert found.code == 0


def test_cases_of_other_accounts_are_left_out_and_counted(
    sandbox: Sandbox, importer: Importer, monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox.submit("INV-1")
    monkeypatch.setenv("IMPORTER_API_KEY", "sandbox-other")
    sandbox.submit("INV-2", "INV-3")

    ran = importer("refresh", "--open", "--api-url", sandbox.url)

    assert ran.code == 0
    assert "1 cases of other accounts or targets were left out" in ran.err
    assert "Active         2        0" in ran.err


def test_a_target_whose_cases_cannot_be_read_is_refused(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    run = sandbox.submit("INV-1")
    monkeypatch.setattr(customer, "READING", None)

    ran = sandbox.refresh(run)

    assert (ran.code, asked()) == (3, 0)
    assert "cannot be asked about cases of the target `customer`" in ran.err


def test_a_target_without_a_list_by_ids_is_asked_a_case_at_a_time(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    run = sandbox.submit("INV-1", "INV-2", "INV-3")
    with closing(sqlite3.connect(tmp_path / "sandbox.db")) as database, database:
        database.execute("DELETE FROM cases WHERE creditor_reference = 'INV-1'")
    monkeypatch.setattr(customer, "READING", Reading(by_id="/cases"))

    said = sandbox.refresh(run).said

    assert (said["asked"], said["not_found"], said["open"], asked()) == (3, 1, 2, 3)


def test_an_api_that_goes_away_leaves_a_report_and_exit_4_and_the_next_refresh_tells_the_rest(
    sandbox: Sandbox, importer: Importer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    run = sandbox.submit(*(f"INV-{number}" for number in range(250)))
    sandbox.order("INV-0", lifecycle="Paused")
    monkeypatch.setattr("importer.talk.PAUSES", (0.0, 0.0))
    monkeypatch.setattr("importer.pipeline.refreshing.IN_FLIGHT", 1)
    with serving(tmp_path / "sandbox.db", Settings(faults=(Fault.parse("lookups-fail:after=1"),))) as url:
        ran = importer("refresh", run, "--api-url", url, "--json")

    assert ran.code == ran.said["exit"] == 4
    assert "503" in ran.said["error"]
    assert (ran.said["asked"], ran.said["cases"], ran.said["changed"]) == (100, 250, 1)
    assert len([row for row in sheet(ran.said, "Cases") if row["Told at"]]) == 100
    assert "503" in ran.err
    said = sandbox.refresh(run).said
    assert (said["asked"], said["changed"], said["exit"]) == (250, 0, 0)


def test_a_request_that_is_throttled_waits_and_is_asked_again(
    sandbox: Sandbox, importer: Importer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    run = sandbox.submit("INV-1")
    monkeypatch.setattr("importer.talk.PAUSES", (0.0, 0.0))
    with serving(tmp_path / "sandbox.db", Settings(faults=(Fault.parse("throttle:times=1,seconds=0.1"),))) as url:
        ran = importer("refresh", run, "--api-url", url, "--json")

    assert (ran.said["asked"], ran.said["requests"]) == (1, 3)


def test_an_interrupted_refresh_notes_nothing_so_that_the_next_one_tells_all(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = sandbox.submit("INV-1")
    sandbox.order("INV-1", lifecycle="Paused")

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("importer.report.status.write", interrupt)
        assert sandbox.refresh(run).code == 130

    assert sandbox.refresh(run).said["changed"] == 1


def test_a_disk_that_takes_no_report_is_one_sentence_and_loses_no_change(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = sandbox.submit("INV-1")
    sandbox.order("INV-1", lifecycle="Paused")

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("importer.report.status.write", fail)
        ran = sandbox.refresh(run)
    assert (ran.code, "No space left" in ran.err) == (3, True)
    assert sandbox.refresh(run).said["changed"] == 1


def test_two_refreshes_leave_two_workbooks_and_without_a_report_none(sandbox: Sandbox) -> None:
    run = sandbox.submit("INV-1")

    reports = {sandbox.refresh(run).said["report"] for _ in range(2)}

    assert all(Path(report).stat().st_mode & 0o077 == 0 for report in reports)
    assert sandbox.refresh(run, "--no-report").said["report"] is None
    assert len(list(Path("reports").glob("*-status-*"))) == len(reports) == 2


def test_stdout_carries_the_report_and_stderr_where_the_cases_stand(sandbox: Sandbox, importer: Importer) -> None:
    run = sandbox.submit("INV-1", "INV-2")
    sandbox.order("INV-1", lifecycle="LeadsQuoteGiven")

    ran = importer("refresh", run, "--api-url", sandbox.url)

    assert Path(ran.out.strip()).name == "status.xlsx"
    assert "Pending Quote Selection      1        1" in ran.err
    assert "2 cases, 1 changed, 1 wait for you; 2 requests." in ran.err
    assert importer("refresh", run, "--no-report", "--api-url", sandbox.url).out == ""


# The workbook


def test_the_workbook_tells_amounts_changes_and_what_to_do_and_no_debtor(sandbox: Sandbox) -> None:
    run = sandbox.submit("INV-1", "=1+1", "INV-3")
    sandbox.order("INV-1", lifecycle="PendingContractSigning")
    sandbox.order("INV-3", payment=50, interestFees=2.5, reminderFees=1, collectionFees=10)

    said = sandbox.refresh(run).said

    first, formula, third = sheet(said, "Cases")
    assert (formula["Creditor reference"], formula["Partner"]) == ("=1+1", "Invented Collectors")
    names = ("Claim", "Interest", "Reminder fees", "Collection fees", "Added in all", "Paid", "Outstanding")
    assert [third[name] for name in names] == [100.5, 2.5, 1, 10, 13.5, 50, 64]
    assert (first["Open"], first["Row"], first["Run"], first["Mode"]) == ("yes", 2, run, "live")
    (to_do,) = sheet(said, "To do")
    assert to_do["What to do"].startswith("Sign the contracts")
    assert to_do["Where"].startswith("https://app.debitura.com/signing/")
    changes = {(change["Creditor reference"], change["What"]): change for change in sheet(said, "Changes")}
    assert changes["INV-1", "Lifecycle"]["Now"] == "Pending contract signing"
    assert (changes["INV-3", "Paid"]["Before"], changes["INV-3", "Paid"]["Now"]) == (0, 50)
    book = openpyxl.load_workbook(said["report"])
    assert book.sheetnames == ["Summary", "To do", "Changes", "Cases"]
    assert len(book["Summary"]._charts) == 1
    assert "Example GmbH" not in json.dumps([list(one.values) for one in book], default=str)
    assert next(cell for cell in book["Cases"]["C"] if cell.value == "=1+1").data_type != "f"


def test_the_sums_of_the_summary_are_those_of_its_cases(sandbox: Sandbox) -> None:
    run = sandbox.submit("INV-1", "INV-2", "INV-3")
    sandbox.order("INV-1", payment=0.1)

    summary = list(openpyxl.load_workbook(sandbox.refresh(run).said["report"])["Summary"].values)

    (total,) = [row for row in summary if row[0] == "All"]
    assert total[2:7] == (3, 301.5, 0, 0.1, 301.4)


def test_a_workbook_of_no_cases_is_whole(sandbox: Sandbox) -> None:
    sandbox.submit("INV-1")

    said = sandbox.refresh("--since", "2999-01-01").said

    assert sheet(said, "Cases") == []


# What answers mean


def a_case(**members: object) -> dict[str, Any]:
    return {"id": ID, "reference": "Q8OAXF3W", "lifecycle": "Active"} | members


def an_answer(document: object, status: int = 200) -> Answer:
    return Answer(status, {}, json.dumps(document).encode())


def a_page(*cases: object, total: int | None = None, key: str = "page") -> Answer:
    return an_answer({key: {"totalResults": len(cases) if total is None else total}, "cases": list(cases)})


def standing(**members: object) -> Standing:
    meaning = read_standing(an_answer(a_case(**members)))
    assert isinstance(meaning, Stand)
    return meaning.standings[ID]


@pytest.mark.parametrize("key", ["page", "pageData"])
def test_a_page_tells_where_its_cases_stand_and_leaves_out_those_that_are_not_there(key: str) -> None:
    meaning = read_standings(a_page(a_case(id=ID.upper()), key=key), {ID, "other"})

    assert meaning == Stand({ID: Standing("Active")})
    assert read_standings(a_page(), {ID}) == Stand({})


@pytest.mark.parametrize(
    "reply",
    [
        a_page(a_case(), total=2),
        a_page(a_case(id="another")),
        a_page({"error": "broken"}),
        an_answer({"cases": [a_case()]}),
        an_answer({"cases": "none"}),
        an_answer([]),
        an_answer({}, 404),
        an_answer({}, 503),
        Lost("no answer within 30 s"),
    ],
)
def test_a_page_that_is_not_whole_or_not_what_was_asked_for_is_no_answer(reply: Answer | Lost) -> None:
    assert isinstance(read_standings(reply, {ID}), Unanswered)


def test_a_look_up_tells_where_one_case_stands_or_that_there_is_none() -> None:
    assert read_standing(an_answer({"error": "NotFound", "message": "None."}, 404)) == Stand({})
    assert read_standing(an_answer({"retryAfter": 3}, 429)) == Throttled(3.0)
    assert read_standings(an_answer({}, 401), {ID}) == Denied(401, "")
    assert isinstance(read_standing(an_answer({}, 500)), Unanswered)


@pytest.mark.parametrize("name", LIFECYCLES)
def test_a_lifecycle_is_understood_by_its_name_and_by_each_of_its_labels(name: str) -> None:
    one = LIFECYCLES[name]
    for word in (name, name.lower(), one.label, *one.others):
        assert standing(lifecycle=word) == Standing(name)
    assert LABELS[name] == one.label
    assert Standing(name).label == one.label
    assert Standing(name).is_settled is (name in ("Closed", "Merged"))


def test_a_lifecycle_that_nobody_knows_is_kept_as_it_is_and_may_still_move() -> None:
    strange = standing(lifecycle=" Brand New ")

    assert (strange.lifecycle, strange.label, strange.is_open, strange.to_do) == ("Brand New", "Brand New", True, "")
    assert lifecycle_named("") == ""


def test_what_the_creditor_has_to_do_comes_with_its_place() -> None:
    signing = standing(
        lifecycle="PendingContractSigning", signingHandoff={"combinedSigningUrl": "https://sign.example"}
    )
    assert (signing.to_do[:4], signing.where) == ("Sign", "https://sign.example")
    assert standing(lifecycle="More Info Required").to_do == NEEDS_INFO
    assert standing(validation={"needsInfo": True}).to_do == NEEDS_INFO
    assert standing(validation={"needsInfo": True}, lifecycle="Closed").to_do == ""
    assert standing(lifecycle="Quote given by partner").where == PORTAL
    assert (standing().to_do, standing().where) == ("", "")
    assert Standing(NOT_FOUND).to_do.startswith("Look for it")
    assert (Standing(NOT_FOUND).is_open, Standing(NOT_FOUND).is_settled) == (False, False)


def test_partner_and_close_code_are_told_where_there_are_any() -> None:
    told = standing(lifecycle="Closed", closeCode="Debtor Untraceable", collectionPartner={"name": "Collectors"})

    assert (told.close_code, told.partner) == ("Debtor Untraceable", "Collectors")
    assert standing(collectionPartner={"name": None}).partner == ""


def parts(principal: object, interest: object, reminder: object = 0, collection: object = 0) -> dict[str, object]:
    return {
        "principal": principal,
        "interest": interest,
        "reminderFees": reminder,
        "collectionFees": collection,
    }


@pytest.mark.parametrize(
    ("remainder", "allocation", "paid"),
    [
        (60, parts(50, 10), "50"),  # with what was added
        (50, parts(50, 10), "50"),  # without it
        (55, parts(50, 10), None),  # neither
        (60, parts(50, None), None),
        (60, None, None),
        (None, parts(50, 10), None),
    ],
)
def test_what_was_paid_is_reckoned_without_a_guess(remainder: object, allocation: object, paid: str | None) -> None:
    told = standing(grossAmount=100, totalAddedFees=10, remainder=remainder, allocationOutstanding=allocation)

    assert told.figures.paid == (Decimal(paid) if paid else None)


def test_where_nothing_was_added_what_is_missing_was_paid() -> None:
    assert standing(grossAmount=100, totalAddedFees=0, remainder=99.9).figures.paid == Decimal("0.1")


def test_a_change_is_what_is_known_before_and_now_and_differs() -> None:
    before = Standing("Active", "", "Old Partner", Figures(gross=Decimal("1.0"), paid=Decimal(0)))
    now = Standing("Closed", "Paid", "New Partner", Figures(gross=Decimal(1), paid=Decimal(1), added=Decimal(5)))

    assert compare(before, now) == (
        Change("lifecycle", "Active", "Closed"),
        Change("close code", "", "Paid"),
        Change("partner", "Old Partner", "New Partner"),
        Change("paid", "0", "1"),
    )
    assert compare(before, before) == ()
    assert compare(before, Standing("Active")) == ()
    assert compare(now, Standing(NOT_FOUND)) == (Change("lifecycle", "Closed", "not found"),)


def test_a_report_that_cannot_be_written_is_noticed_before_anything_is_asked(
    importer: Importer, tmp_path: Path
) -> None:
    importer("submit", Path(__file__).parent.parent / "samples/all-good.csv", "--sandbox", "--yes")
    shutil.rmtree(tmp_path / "reports")
    (tmp_path / "reports").write_text("in the way")

    ran = importer("refresh", "--open", "--sandbox", "--json")

    assert ran.code == 3
    assert "reports" in ran.said["error"]
    with closing(sqlite3.connect(tmp_path / "journal.db")) as journal:
        assert journal.execute("select count(*) from requests where kind = 'refresh'").fetchone() == (0,)
