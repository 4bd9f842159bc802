"""Case details of Confirma's API: reading the answers, judging the ids, and the command from sheet to workbook."""

from __future__ import annotations

import json
import re
import shutil
import signal
import stat
import time
from contextlib import closing
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import openpyxl
import pandas as pd
import pyarrow as pa
import pytest

import schemas
from importer.check import check
from importer.protocol import Absent, Answer, Denied, Lost, NeverLeft, Throttled, Unanswered
from importer.protocol.details import SHEETS, CaseDetails, Odd, Told, read_details, read_validation
from importer.sandbox import Fault, Settings, serving
from importer.sandbox.confirma import make_case
from schemas import details as target

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from conftest import Launched, Ran

SAMPLE = Path(__file__).parent.parent / "samples" / "details.csv"
FAST = ("--rate", "60000/min")
TEXT = pd.ArrowDtype(pa.string())
BALANCE = {
    "capitalAmount": 100.10,
    "capitalPaid": 0.10,
    "capitalOutstanding": 100,
    "interestAmount": 1,
    "interestPaid": 0,
    "interestOutstanding": 1,
    "costsAmount": 0,
    "costsPaid": 0,
    "costsOutstanding": 0,
    "totalOutstanding": 101,
}


def reply(document: object, status: int = 200) -> Answer:
    return Answer(status, {}, document if isinstance(document, bytes) else json.dumps(document).encode())


def read_one(case: dict[str, Any], asked: str = "5") -> CaseDetails:
    told = read_details(reply({"cases": [case]}), asked)
    assert isinstance(told, Told)
    return told.cases[0]


def named(sheet: str, record: tuple[object, ...]) -> dict[str, object]:
    return dict(zip((column.heading for column in SHEETS[sheet]), record, strict=True))


@pytest.mark.parametrize("document", [{"cases": [{"summary": {"caseId": 5}}]}, {"case": {"summary": {"caseId": 5}}}])
def test_both_published_forms_of_an_answer_are_read(document: object) -> None:
    told = read_details(reply(document), "5")

    assert isinstance(told, Told)
    assert [case.id for case in told.cases] == ["5"]


@pytest.mark.parametrize("document", [{}, {"case": None}, {"cases": []}, {"cases": None}, {"cases": [None, {}]}])
def test_an_answer_without_a_case_says_that_there_is_none(document: object) -> None:
    assert read_details(reply(document), "5") == Absent()


def test_a_404_says_that_there_is_none() -> None:
    assert read_details(reply(b"", 404), "5") == Absent()


@pytest.mark.parametrize("occurred", ["occurredAt", "occuredAt"])
def test_a_note_tells_its_time_in_either_spelling(occurred: str) -> None:
    case = read_one({"notes": [{"title": "Call", occurred: "2026-02-03T10:00:00.500+02:00"}]})

    assert named("notes", case.lists["notes"][0])["Occurred"] == datetime(2026, 2, 3, 8, 0, 0, 500_000)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("2026-02-03", date(2026, 2, 3)),
        ("2026-02-03T00:00:00", date(2026, 2, 3)),
        ("2026-02-03T00:00:00Z", datetime(2026, 2, 3)),
        ("2026-02-03 10:20", datetime(2026, 2, 3, 10, 20)),
        ("03.02.2026", "03.02.2026"),
        ("2026-02-30", "2026-02-30"),
        ("0001-01-01T00:00:00", "0001-01-01T00:00:00"),
        ("0001-01-01T00:00:00+14:00", "0001-01-01T00:00:00+14:00"),
        ("", None),
        (None, None),
        (20260203, "20260203"),
        (True, "yes"),
    ],
)
def test_a_date_is_read_in_whichever_iso_form_and_else_stays_text(written: object, read: object) -> None:
    case = read_one({"invoices": [{"dueDate": written}]})

    assert (
        dict(zip((column.heading for column in SHEETS["invoices"]), case.lists["invoices"][0], strict=False))[
            "Due date"
        ]
        == read
    )


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (b"10.10", Decimal("10.10")),
        (b'"10.10"', Decimal("10.10")),
        (b"1e400", "1E+400"),
        (b'"ten"', "ten"),
        (b'"NaN"', "NaN"),
        (b"[1.5]", '["1.5"]'),
        (b"false", "no"),
        (b"null", None),
    ],
)
def test_an_amount_is_exact_and_what_is_none_stays_as_it_is(written: bytes, read: object) -> None:
    told = read_details(reply(b'{"case": {"payments": [{"amount": %b}]}}' % written), "5")

    assert isinstance(told, Told)
    assert named("payments", told.cases[0].lists["payments"][0])["Amount"] == read


def test_words_that_nobody_published_are_kept() -> None:
    case = read_one({"summary": {"status": "AWAITING_ORACLE"}, "events": [{"state": 99}]})

    assert named("summary", case.summary)["Case status"] == "AWAITING_ORACLE"
    assert named("events", case.lists["events"][0])["State"] == "99"


def test_a_balance_that_adds_up_has_no_fault() -> None:
    assert read_one({"balance": BALANCE}).faults == ()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            {"capitalOutstanding": 110, "totalOutstanding": 111},
            "Capital: 100.10 less 0.10 paid is 100.00, and 110.00 is said to be outstanding.",
        ),
        (
            {"totalOutstanding": 102.005},
            "Total: 100.00 + 1.00 + 0.00 is 101.00, and 102.005 is said to be outstanding.",
        ),
    ],
)
def test_a_balance_that_does_not_add_up_is_told_with_its_figures(change: dict[str, object], said: str) -> None:
    assert read_one({"balance": BALANCE | change}).faults == (said,)


@pytest.mark.parametrize("member", sorted(BALANCE))
def test_a_sum_with_a_part_missing_is_not_judged(member: str) -> None:
    wrong = BALANCE | {"totalOutstanding": 101}

    assert read_one({"balance": wrong | {member: None}}).faults == ()


def test_members_that_nobody_knows_are_named_by_their_paths() -> None:
    case = {
        "priority": 1,
        "summary": {"caseId": 5, "mood": "good"},
        "invoices": [{"colour": "red", "distribution": {"speed": 1}, "timeline": [{"by": "post"}]}, "no object"],
    }

    told = read_details(reply({"cases": [case], "page": 1}), "5")

    assert isinstance(told, Told)
    paths = {"page", "priority", "summary.mood", "invoices[].colour"}
    assert told.cases[0].strangers == paths | {"invoices[].distribution.speed", "invoices[].timeline[].by"}


def test_a_timeline_names_the_invoice_that_it_is_of() -> None:
    case = read_one({"invoices": [{"invoiceNumber": "77", "timeline": [{"type": "SENT", "occurredAt": "2026-01-02"}]}]})

    assert case.lists["timeline"] == (("77", "SENT", date(2026, 1, 2)),)


def test_an_answer_about_another_case_is_not_taken_for_the_one_asked_for() -> None:
    assert isinstance(read_details(reply({"cases": [{"summary": {"caseId": 7}}]}), "5"), Odd)


def test_of_several_cases_the_one_asked_for_is_taken_whatever_zeros_it_begins_with() -> None:
    told = read_details(reply({"cases": [{"summary": {"caseId": number}} for number in (7, 5)]}), "005")

    assert isinstance(told, Told)
    assert [case.id for case in told.cases] == ["5"]


def test_by_the_number_of_an_invoice_its_case_is_found() -> None:
    case = {"summary": {"caseId": 5}, "invoices": [{"invoiceNumber": "77"}]}

    told = read_details(reply({"case": case}), "77", by_invoice=True)

    assert isinstance(told, Told)
    assert told.cases[0].id == "5"
    assert isinstance(read_details(reply({"case": case}), "5", by_invoice=True), Odd)


@pytest.mark.parametrize(
    ("said", "meaning"),
    [
        (reply({"message": "No."}, 401), Denied(401, "")),
        (reply(b"", 403), Denied(403, "")),
        (reply({"retryAfter": 3}, 429), Throttled(3.0)),
        (reply(b"", 500), Unanswered("the API answered 500, a failure of its own")),
        (reply(b"", 408), Unanswered("the API answered 408")),
        (reply(b"<html>"), Unanswered("the API's answer (200) could not be read")),
        (
            reply({"title": "Bad Request", "detail": "caseId is missing"}, 400),
            Odd("the API answered 400: caseId is missing"),
        ),
        (reply(b"", 302), Odd("the API answered 302")),
        (Lost("no answer within 30 s"), Unanswered("no answer within 30 s")),
        (NeverLeft("refused"), Unanswered("refused")),
    ],
)
def test_what_is_no_case_has_its_meaning(said: Any, meaning: object) -> None:
    assert read_details(said, "5") == meaning


@pytest.mark.parametrize(
    ("said", "meaning"),
    [
        (reply({"isValid": True, "message": "ok"}), ""),
        (reply({"isValid": False, "message": "expired"}), "expired"),
        (reply({"isValid": False}, 400), "no reason is given"),
        (reply({"isValid": "?"}), Unanswered("the API answered 200")),
        (reply(b"", 401), Denied(401, "")),
        (reply(b"", 429), Throttled(None)),
        (reply(b"", 500), Unanswered("the API answered 500, a failure of its own")),
        (Lost("cut"), Unanswered("cut")),
    ],
)
def test_what_the_api_says_of_its_token_is_read(said: Any, meaning: object) -> None:
    assert read_validation(said) == meaning


def faults_of(*ids: str | None) -> list[str]:
    column = pd.Series(ids, dtype=TEXT)
    values = pd.DataFrame({"caseId": column})
    unreadable = pd.DataFrame(index=values.index, dtype=bool)
    context = schemas.Context(today=date(2026, 11, 21))
    found = check(values, unreadable, values, {"caseId": "Case id"}, schemas.load("details"), context)
    return found["code"].tolist()


@pytest.mark.parametrize("text", ["1.0", "1,5", "1e5", "5001.", "-1.5"])
def test_what_a_spreadsheet_program_made_of_an_id_is_damaged(text: str) -> None:
    assert faults_of(text) == ["damaged-identifier"]


@pytest.mark.parametrize("text", ["A-17", "-5", "5 001", "1" * 19, "=1+1"])
def test_what_is_no_whole_number_is_no_id(text: str) -> None:
    assert faults_of(text) == ["case-id-malformed"]


def test_an_id_is_needed_and_may_come_twice() -> None:
    assert faults_of("5001", None, "5001", "00123") == ["required"]


def test_an_id_that_could_not_be_read_is_not_missing() -> None:
    values = pd.DataFrame({"caseId": pd.Series([None], dtype=TEXT)})

    judged = target.judged(values, pd.DataFrame({"caseId": [True]}), schemas.Context(today=date(2026, 11, 21)))

    assert judged["required@caseId"].all()


def test_the_target_asks_for_each_id_and_names_no_creditor() -> None:
    values = pd.DataFrame({"caseId": pd.Series(["5001", "5002"], dtype=TEXT)})

    asked = list(target.payload(values, test=False, allow_pending_contracts=False))

    assert asked == [{"caseId": "5001"}, {"caseId": "5002"}]
    assert list(target.creditors(values)) == ["", ""]


def write_ids(folder: Path, ids: Any) -> Path:
    path = folder / "ids.csv"
    path.write_text("caseId\n" + "".join(f"{one}\n" for one in ids))
    return path


def rows_of(path: str | Path, sheet: str) -> list[dict[str, Any]]:
    with closing(openpyxl.load_workbook(path)) as book:
        header, *rows = book[sheet].iter_rows(values_only=True)
    return [dict(zip(map(str, header), row, strict=True)) for row in rows]


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., str]]:
    """Serve the API with faults, and give its base URL."""
    from contextlib import ExitStack  # noqa: PLC0415

    monkeypatch.setenv("IMPORTER_API_KEY", "sandbox")
    with ExitStack() as stack:

        def serve(*faults: str) -> str:
            settings = Settings(minute=10**6, hour=10**6, day=10**6, faults=tuple(map(Fault.parse, faults)))
            return stack.enter_context(serving(tmp_path / "api.db", settings)) + "/confirma"

        yield serve


def test_the_sample_becomes_one_workbook(importer: Callable[..., Ran], tmp_path: Path) -> None:
    shutil.copy(SAMPLE, tmp_path)

    ran = importer("details", "details.csv", "--sandbox", "--json", *FAST)

    assert ran.code == ran.said["exit"] == 1
    counts = {"rows": 15, "found": 8, "not-found": 4, "denied": 0, "failed": 0, "invalid": 3, "not-asked": 0}
    assert ran.said["counts"] == counts
    assert (ran.said["cases"], ran.said["mismatches"]) == (7, 1)
    path = Path(ran.said["report"])
    assert path.name == "details.xlsx"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [file.name for file in path.parent.iterdir()] == ["details.xlsx"]
    with closing(openpyxl.load_workbook(path)) as book:
        names = "Summary Cases Balances Invoices Timeline Payments Events Actions Notes Issues Run"
        assert book.sheetnames == names.split()
    assert "priority" in ran.err


def test_an_id_that_comes_twice_is_asked_once_and_shown_for_both_rows(
    importer: Callable[..., Ran], tmp_path: Path
) -> None:
    ran = importer("details", write_ids(tmp_path, [5001, 5001]), "--sandbox", "--json", *FAST)

    assert ran.said["counts"]["found"] == 2
    assert "1 of 1 asked" in ran.err
    assert [row["Case id"] for row in rows_of(ran.said["report"], "Cases")] == ["5001", "5001"]
    assert len(rows_of(ran.said["report"], "Balances")) == 1


def test_amounts_are_numbers_ids_are_text_and_dates_are_dates(importer: Callable[..., Ran], tmp_path: Path) -> None:
    ran = importer("details", write_ids(tmp_path, [5001]), "--sandbox", "--json", *FAST)

    case = make_case(5001)
    balance = rows_of(ran.said["report"], "Balances")[0]
    assert balance["Case id"] == "5001"
    assert balance["Total outstanding"] == float(case["balance"]["totalOutstanding"])
    assert balance["As of"] == datetime(2026, 11, 20, 22)
    total = ran.said["totals"][0]
    assert Decimal(total["totalOutstanding"]) == case["balance"]["totalOutstanding"]
    assert ran.code == 0


def test_a_balance_that_does_not_add_up_is_an_issue_and_nothing_is_corrected(
    importer: Callable[..., Ran], tmp_path: Path
) -> None:
    ran = importer("details", write_ids(tmp_path, [5008]), "--sandbox", "--json", *FAST)

    issues = rows_of(ran.said["report"], "Issues")
    assert {(issue["Case id"], issue["Code"]) for issue in issues} == {("5008", "balance-mismatch")}
    told = rows_of(ran.said["report"], "Balances")[0]
    assert told["Adds up"] == "no"
    assert told["Capital outstanding"] == float(make_case(5008)["balance"]["capitalOutstanding"])


def test_text_that_begins_like_a_formula_stays_text(importer: Callable[..., Ran], tmp_path: Path) -> None:
    ran = importer("details", write_ids(tmp_path, [5018]), "--sandbox", "--json", *FAST)

    with closing(openpyxl.load_workbook(ran.said["report"])) as book:
        cell = book["Notes"]["C2"]
    assert (cell.value, cell.data_type) == ("=Debtor asks for a plan", "s")


def test_several_sources_say_which_a_row_is_of(importer: Callable[..., Ran], tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("caseId\n5001\n")
    (tmp_path / "b.csv").write_text("caseId\n5002\nx\n")

    ran = importer("details", "a.csv", "b.csv", "--sandbox", "--json", *FAST)

    rows = [(row["Source"], row["Row"], row["Status"]) for row in rows_of(ran.said["report"], "Cases")]
    assert rows == [("a.csv", 2, "found"), ("b.csv", 2, "found"), ("b.csv", 3, "invalid")]


def test_only_so_many_are_asked_for_as_the_limit_says(importer: Callable[..., Ran], tmp_path: Path) -> None:
    ran = importer("details", write_ids(tmp_path, [5001, 5002, 5003]), "--sandbox", "--json", "--limit", 2, *FAST)

    assert (ran.said["counts"]["found"], ran.said["counts"]["not-asked"], ran.code) == (2, 1, 0)


def test_a_sheet_without_a_valid_id_asks_nothing(importer: Callable[..., Ran], tmp_path: Path) -> None:
    ran = importer("details", write_ids(tmp_path, ["x"]), "--sandbox", "--json")

    assert (ran.said["counts"]["invalid"], ran.code) == (1, 1)


def test_without_a_column_of_ids_nothing_starts(importer: Callable[..., Ran], tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("Amount\n5\n")

    ran = importer("details", "x.csv", "--sandbox")

    assert ran.code == 3
    assert "No column is caseId" in ran.err


def test_a_token_that_expires_in_mid_run_stops_the_asking(
    importer: Callable[..., Ran], served: Callable[..., str], tmp_path: Path
) -> None:
    url = served("deny:after=5")
    ids = [number for number in range(6000, 6040) if number % 10 != 4]

    ran = importer("details", write_ids(tmp_path, ids), "--api-url", url, "--json", "--concurrency", 1, *FAST)

    assert (ran.code, ran.said["exit"]) == (4, 4)
    counts = ran.said["counts"]
    assert (counts["found"], counts["denied"], counts["not-asked"]) == (5, 3, len(ids) - 8)
    assert "401" in ran.said["error"]
    assert len(rows_of(ran.said["report"], "Balances")) == 5


def test_a_wrong_token_asks_no_further_than_it_must(
    importer: Callable[..., Ran], served: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IMPORTER_API_KEY", "sandbox-expired")

    ran = importer("details", write_ids(tmp_path, [5001]), "--api-url", served(), "--json")

    assert (ran.code, ran.said["counts"]["denied"]) == (4, 1)
    assert "sandbox-expired" not in ran.out + ran.err


@pytest.mark.parametrize("fault", ["lookups-fail:times=2", "throttle:times=2,seconds=0.2", "throttle-header:times=1"])
def test_what_passes_is_asked_again(
    fault: str, importer: Callable[..., Ran], served: Callable[..., str], tmp_path: Path
) -> None:
    ran = importer("details", write_ids(tmp_path, [5001]), "--api-url", served(fault), "--json", *FAST)

    assert (ran.code, ran.said["counts"]["found"]) == (0, 1)


def test_an_answer_that_takes_too_long_is_asked_for_again(
    importer: Callable[..., Ran], served: Callable[..., str], tmp_path: Path
) -> None:
    url = served("lookups-hang:times=1,seconds=3")

    ran = importer("details", write_ids(tmp_path, [5001]), "--api-url", url, "--json", "--timeout", 0.5, *FAST)

    assert (ran.code, ran.said["counts"]["found"]) == (0, 1)


def test_an_api_that_is_away_stops_the_asking(
    importer: Callable[..., Ran], served: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importer.pipeline.details.PAUSES", (0.01, 0.01))

    ran = importer(
        "details", write_ids(tmp_path, range(5005, 5055)), "--api-url", served("lookups-fail"), "--json", *FAST
    )

    assert ran.code == 4
    assert "503" in ran.said["error"]
    assert ran.said["counts"]["failed"] >= 10
    assert ran.said["counts"]["not-asked"] > 0


def test_another_name_of_the_parameter_can_be_set(
    importer: Callable[..., Ran], served: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IMPORTER_DETAILS_PARAMETER", "invoiceNumber")

    ran = importer("details", write_ids(tmp_path, [500101]), "--api-url", served(), "--json", *FAST)

    row = rows_of(ran.said["report"], "Cases")[0]
    assert (row["Asked for"], row["Case id"]) == ("500101", "5001")


def test_a_parameter_that_the_api_does_not_know_fails_the_row(
    importer: Callable[..., Ran], served: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IMPORTER_DETAILS_PARAMETER", "id")

    ran = importer("details", write_ids(tmp_path, [5001]), "--api-url", served(), "--json", *FAST)

    assert (ran.code, ran.said["counts"]["failed"]) == (1, 1)
    assert "The API answered 400: " in rows_of(ran.said["report"], "Cases")[0]["Message"]


def test_a_parameter_with_odd_signs_is_refused(
    importer: Callable[..., Ran], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IMPORTER_DETAILS_PARAMETER", "a&b")

    assert importer("details", write_ids(tmp_path, [5001]), "--sandbox").code == 3


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_leaves_what_was_fetched(
    number: signal.Signals, launch: Callable[..., Launched], served: Callable[..., str], tmp_path: Path
) -> None:
    url = served("lookups-hang:seconds=0.1")
    ids = [number for number in range(6000, 6400) if number % 10 != 4]
    given = ("--api-url", url, "--json", "--concurrency", 2, *FAST)
    launched = launch("details", write_ids(tmp_path, ids), *given)
    until = time.monotonic() + 60
    while not list(tmp_path.glob("reports/*")) and time.monotonic() < until:
        time.sleep(0.05)
    time.sleep(1)

    launched.kill(number)

    assert launched.wait() == 130
    counts = launched.said["counts"]
    assert counts["found"] >= 1
    assert counts["not-asked"] >= 1
    assert len(rows_of(tmp_path / launched.said["report"], "Balances")) == counts["found"]


def test_no_name_of_a_debtor_is_printed_or_journaled(importer: Callable[..., Ran], tmp_path: Path) -> None:
    ran = importer("details", write_ids(tmp_path, [5001, 5002]), "--sandbox", *FAST)

    assert not re.search("Erika|instalment", ran.out + ran.err)
    assert not (tmp_path / "journal.db").exists()
    assert not (tmp_path / "importer.log").exists()


@pytest.mark.parametrize(("key", "code", "said"), [("sandbox", 0, "is valid"), ("sandbox-expired", 4, "401")])
def test_doctor_says_whether_the_token_works(
    key: str, code: int, said: str, importer: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IMPORTER_API_KEY", key)

    ran = importer("doctor", "--target", "details", "--sandbox")

    assert ran.code == code
    assert said in ran.err
    assert "300/min" in ran.err


def test_ids_are_not_submitted(importer: Callable[..., Ran], tmp_path: Path) -> None:
    ran = importer("check", write_ids(tmp_path, [5001]), "--target", "details")

    assert ran.code == 3
    assert "importer details" in ran.err
