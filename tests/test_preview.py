"""--preview: the API is asked once for all rows that are alike, and nothing is sent."""

from __future__ import annotations

import asyncio
import csv
import signal
import sqlite3
import time
from contextlib import closing
from typing import TYPE_CHECKING, Any

import openpyxl
import pytest

from importer.errors import Stopped
from importer.journal import Journal
from importer.pipeline.pacing import throttle_of
from importer.sandbox import Fault, Settings, Store, serving
from importer.settings import load

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    Importer = Callable[..., Any]

BOTH_JOURNALS = pytest.mark.usefixtures("place")
GOOD = {
    "creditorReference": "INV-{}",
    "currencyCode": "EUR",
    "date": "2026-01-15",
    "dueDate": "2026-02-14",
    "amountToRecover": "100.50",
    "debtor.type": "Company",
    "debtor.name": "Example {}",
    "debtor.address": "1 St",
    "debtor.city": "Town",
    "debtor.countryAlpha2": "DE",
    "debtor.stateAlpha2": "",
}
COUNTRY, STATE, TYPE, AMOUNT = "debtor.countryAlpha2", "debtor.stateAlpha2", "debtor.type", "amountToRecover"
NOBODY = "We don't have an exclusive pre-legal partner in the provided jurisdiction."
LATER = "refuses the row or, with --allow-pending-contracts, lets its case wait."
POWER = "A Power of Attorney with the collection partner must be signed before creating cases."


def source(folder: Path, *changes: dict[str, str], name: str = "june.csv") -> Path:
    """Write a CSV of good rows, each changed as said."""
    path = folder / name
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(
            file, [*GOOD, *dict.fromkeys(name for change in changes for name in change if name not in GOOD)]
        )
        writer.writeheader()
        for number, change in enumerate(changes):
            writer.writerow({**{name: text.format(number) for name, text in GOOD.items()}, **change})
    return path


@pytest.fixture
def serve(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Serve a sandbox with these faults, as the settings have it; it ends with the test."""
    monkeypatch.setenv("IMPORTER_API_KEY", "sandbox")
    monkeypatch.setenv("IMPORTER_TIMEOUT", "5")
    open_ones = []

    def start(*faults: str, **settings: Any) -> None:
        server = serving(tmp_path / "outside.db", Settings(faults=tuple(map(Fault.parse, faults)), **settings))
        monkeypatch.setenv("IMPORTER_API_URL", server.__enter__())
        open_ones.append(server)

    yield start
    for server in open_ones:
        server.__exit__(None, None, None)


def asked(folder: Path) -> dict[str, int]:
    """Count the requests in the journal, by kind; none where another process has not made it yet."""
    with closing(sqlite3.connect(folder / "journal.db")) as journal:
        if not journal.execute("select 1 from sqlite_master where name = 'requests'").fetchone():
            return {}
        return dict(journal.execute("select kind, count(*) from requests group by kind"))


def wait_for(condition: Callable[[], bool], patience: float = 30.0) -> None:
    """Wait for what another process does."""
    until = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.02)


def sheet(said: dict[str, Any], name: str) -> list[tuple[Any, ...]]:
    return list(openpyxl.load_workbook(said["report"])[name].iter_rows(values_only=True))


def lines(said: dict[str, Any]) -> list[dict[str, Any]]:
    """Read the table of `Preview`."""
    _, _, _, _, header, *rows = sheet(said, "Preview")
    return [dict(zip(header, row, strict=True)) for row in rows]


def groups(said: dict[str, Any]) -> list[tuple[Any, ...]]:
    names = ("country", "state", "debtorType", "currency", "rows", "amount", "verdict", "totalFee")
    return [tuple(group.get(name) for name in names) for group in said["preview"]["groups"]]


def test_all_rows_that_are_alike_are_asked_about_once(importer: Importer, tmp_path: Path, serve: Any) -> None:
    serve()
    kinds = [
        {},
        {COUNTRY: "FR"},
        {TYPE: "Private"},
        {"currencyCode": "DKK"},
        {COUNTRY: "US", STATE: "CA"},
        {COUNTRY: "US", STATE: "NY"},
    ]
    file = source(tmp_path, *kinds * 100)
    ran = importer("check", file, "--preview", "--json", "--no-report")

    assert (ran.code, ran.said["counts"]["valid"]) == (0, 600)
    assert asked(tmp_path) == {"me": 1, "preview": 6}
    assert ran.said["preview"]["requests"] == 6
    assert {group[:5] for group in groups(ran.said)} == {
        ("DE", None, "Company", "EUR", 100),
        ("FR", None, "Company", "EUR", 100),
        ("DE", None, "Private", "EUR", 100),
        ("DE", None, "Company", "DKK", 100),
        ("US", "CA", "Company", "EUR", 100),
        ("US", "NY", "Company", "EUR", 100),
    }
    assert Store(tmp_path / "outside.db").cases() == []


def test_names_and_codes_of_one_country_or_state_or_type_are_alike(
    importer: Importer, tmp_path: Path, serve: Any
) -> None:
    serve()
    file = source(
        tmp_path,
        {COUNTRY: "us", STATE: "CA", TYPE: "company"},
        {COUNTRY: "US", STATE: "California", TYPE: "B2B", "currencyCode": "eur"},
        {COUNTRY: "", "debtor.country": "United States", STATE: "US-CA"},
        {COUNTRY: "DE", STATE: "BY"},
        {COUNTRY: "DE", STATE: "BE"},
    )
    ran = importer("check", file, "--preview", "--json", "--no-report")

    assert [group[:5] for group in groups(ran.said)] == [
        ("US", "CA", "Company", "EUR", 3),
        ("DE", None, "Company", "EUR", 2),
    ]


def test_the_fee_is_that_of_the_largest_case(importer: Importer, tmp_path: Path, serve: Any) -> None:
    serve()
    old = {"date": "2020-01-15", "dueDate": "2020-02-14"}
    file = source(tmp_path, {AMOUNT: "10.00"}, {AMOUNT: "9000.00", **old}, {AMOUNT: "8999.99"})
    ran = importer("check", file, "--preview", "--json")

    assert groups(ran.said) == [("DE", None, "Company", "EUR", 3, "18009.99", "would-be-taken", "24.5")]
    assert lines(ran.said) == [
        {
            "Country": "DE",
            "Debtor": "Company",
            "Currency": "EUR",
            "Rows": 3,
            "Amount": 18009.99,
            "Verdict": "would be taken",
            "Why": None,
            "Link": None,
            "Partner": "Invented Collectors",
            "Fee": 0.245,
            "Of it for age": 0.15,
            "Largest case": 9000,
            "Its age": "due 2020-02-14",
            "Price list": "9.5% success fee — an invented price of the sandbox",
        }
    ]
    assert "24.50 %" in ran.err


def test_rows_that_would_be_refused_are_marked_and_stay_valid(importer: Importer, tmp_path: Path, serve: Any) -> None:
    serve()
    file = source(tmp_path, {}, {COUNTRY: "AQ"}, {COUNTRY: "GR"}, {COUNTRY: "AQ", AMOUNT: ""})
    ran = importer("check", file, "--preview", "--json")
    _, *issues = sheet(ran.said, "Issues")
    contract = next(group for group in ran.said["preview"]["groups"] if group["country"] == "GR")
    link = contract["reasons"][0]["link"]

    assert (ran.code, ran.said["counts"]["valid"], ran.said["counts"]["invalid"]) == (1, 3, 1)
    assert [(issue[0], issue[3], issue[4]) for issue in issues] == [
        (3, "warning", "would-be-refused"),
        (4, "warning", "contract-missing"),
        (5, "error", "required"),
    ]
    assert issues[0][6] == f"The API would refuse it now: {NOBODY}"
    assert issues[1][1:3] + issues[1][5:] == (
        COUNTRY,
        COUNTRY,
        "GR",
        f"A contract is not signed: {POWER}",
        f"Sign it at {link}. Until then the API {LATER}",
    )
    assert link.startswith("https://app.debitura.com/signing/")
    assert NOBODY in ran.err
    assert link in ran.err
    assert [line["Verdict"] for line in lines(ran.said)] == ["would be refused", "contract missing", "would be taken"]
    assert [(row[1], row[7], row[8]) for row in sheet(ran.said, "Results")[1:4]] == [
        ("valid", None, None),
        ("valid", f"Would be refused: {NOBODY}", None),
        ("valid", f"Contract missing: {POWER}", link),
    ]


def test_the_summary_says_it_in_words(importer: Importer, tmp_path: Path, serve: Any) -> None:
    serve()
    old = {"date": "2020-01-15", "dueDate": "2020-02-14"}
    file = source(tmp_path, {}, {COUNTRY: "FR", **old}, {COUNTRY: "AQ"}, {COUNTRY: "GR"})
    ran = importer("check", file, "--preview", "--json")
    link = ran.said["preview"]["groups"][1]["reasons"][0]["link"]
    said = [cell for row in sheet(ran.said, "Summary") for cell in row if cell]

    assert "would be refused: AQ, Company, EUR." in said
    assert "contract missing: GR, Company, EUR — expected success fee 9.5 %." in said
    told = "would be taken: DE, Company, EUR; FR, Company, EUR — expected success fee 9.5 % to 24.5 %."
    assert told in said
    assert f"2. Open {link} — it cures 1 row." in said
    assert "!  2 rows would not be taken now" in said
    assert "4 of 4 rows are valid and would be sent. Of them the API would not take 2 now. Nothing was sent." in said


def test_the_page_says_it_as_well(importer: Importer, tmp_path: Path, serve: Any) -> None:
    serve()
    ran = importer("check", source(tmp_path, {}, {COUNTRY: "GR"}), "--preview", "--json")
    page = (tmp_path / ran.said["report"]).with_name("report.html").read_text()
    link = ran.said["preview"]["groups"][0]["reasons"][0]["link"]

    assert '<h2 id="preview-head">What the API would say</h2>' in page
    assert f'{POWER} <a href="{link}"' in page
    assert page.index("GR, Company, EUR") < page.index("DE, Company, EUR")


def test_the_sheet_comes_last_and_its_links_can_be_opened(importer: Importer, tmp_path: Path, serve: Any) -> None:
    serve()
    ran = importer("check", source(tmp_path, {COUNTRY: "GR"}), "--preview", "--json")
    book = openpyxl.load_workbook(ran.said["report"])
    link = ran.said["preview"]["groups"][0]["reasons"][0]["link"]

    assert book.sheetnames == ["Summary", "Results", "Issues", "To fix", "Run", "Preview"]
    assert [cell.hyperlink.target for row in book["Preview"].iter_rows() for cell in row if cell.hyperlink] == [link]


def test_a_check_without_it_has_no_such_sheet_and_asks_nothing(importer: Importer, tmp_path: Path) -> None:
    ran = importer("check", source(tmp_path, {}), "--json")

    assert "preview" not in ran.said
    assert "Preview" not in openpyxl.load_workbook(ran.said["report"]).sheetnames
    assert not (tmp_path / "journal.db").exists()


def test_nothing_is_asked_where_no_row_would_be_sent(importer: Importer, tmp_path: Path, serve: Any) -> None:
    serve()
    file = source(tmp_path, {}, {COUNTRY: "FR"})
    importer("submit", file, "--yes")
    before = asked(tmp_path)
    ran = importer("check", file, "--preview", "--json")

    assert ran.said["preview"] == {"requests": 0, "groups": []}
    assert asked(tmp_path) == before
    assert sheet(ran.said, "Preview")[2][0] == "There was nothing to ask about: no row would be sent."


def test_the_journal_knows_the_requests_and_nothing_else(importer: Importer, tmp_path: Path, serve: Any) -> None:
    serve()
    file = source(tmp_path, {}, {COUNTRY: "FR"})
    for _ in range(2):
        importer("check", file, "--preview")
    with closing(sqlite3.connect(tmp_path / "journal.db")) as journal:
        tables = {name: journal.execute(f"select count(*) from {name}").fetchone()[0] for name in ("runs", "cases")}
        told = journal.execute("select distinct kind, result is null, ended_at is null from requests").fetchall()

    assert tables == {"runs": 0, "cases": 0}
    assert asked(tmp_path) == {"me": 1, "preview": 4}
    assert sorted(told) == [("me", 0, 0), ("preview", 0, 0)]


def test_the_sandbox_of_the_command_can_be_asked(importer: Importer, tmp_path: Path) -> None:
    ran = importer("check", source(tmp_path, {}), "--preview", "--sandbox", "--json", "--no-report")

    assert (ran.code, len(ran.said["preview"]["groups"])) == (0, 1)


@BOTH_JOURNALS
def test_a_submit_tells_it_before_it_asks_whether_to_send(
    importer: Importer, tmp_path: Path, serve: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve()
    monkeypatch.setattr("importer.cli.running.need_yes", lambda *_, **__: None)
    file = source(tmp_path, {}, {COUNTRY: "AQ"}, {COUNTRY: "GR"})
    ran = importer("submit", file, "--preview", answer="n\n")

    assert ran.code == 130
    assert ran.err.index("would be refused") < ran.err.index("Send?")
    assert Store(tmp_path / "outside.db").cases() == []


@BOTH_JOURNALS
def test_a_submit_holds_nothing_back_and_its_report_tells_what_was_said(
    importer: Importer, tmp_path: Path, serve: Any
) -> None:
    serve()
    file = source(tmp_path, {}, {COUNTRY: "AQ"}, {COUNTRY: "GR"})
    ran = importer("submit", file, "--preview", "--yes", "--json")
    told = lines(ran.said)
    issues = sheet(ran.said, "Issues")
    again = importer("report", ran.said["run"], "--json")

    assert (ran.code, ran.said["counts"]["created"], ran.said["counts"]["rejected"]) == (1, 1, 2)
    assert [line["Verdict"] for line in told] == ["would be refused", "contract missing", "would be taken"]
    assert [issue[4] for issue in issues[1:]] == ["would-be-refused", "contract-missing"]
    assert (lines(again.said), sheet(again.said, "Issues")) == (told, issues)
    assert again.said["preview"] == ran.said["preview"]


def test_a_submit_asks_only_about_what_it_would_send(importer: Importer, tmp_path: Path, serve: Any) -> None:
    serve()
    importer("submit", source(tmp_path, {}), "--yes")
    ran = importer("submit", source(tmp_path, {}, {COUNTRY: "FR"}), "--preview", "--yes", "--json")
    nothing = importer("submit", source(tmp_path, {}, {COUNTRY: "FR"}), "--preview", "--yes", "--json")

    assert [group[0] for group in groups(ran.said)] == ["FR"]
    assert nothing.said["preview"] == {"requests": 0, "groups": []}


def test_a_report_with_a_preview_can_be_mended_and_dropped_in_again(
    importer: Importer, tmp_path: Path, serve: Any
) -> None:
    serve()
    ran = importer("check", source(tmp_path, {}, {AMOUNT: "x"}), "--preview", "--json")
    again = importer("check", ran.said["report"], "--json")

    assert again.said["counts"] == {"rows": 1, "valid": 0, "already-imported": 0, "invalid": 1}


def test_a_bundle_is_asked_about_as_one_case(importer: Importer, tmp_path: Path, serve: Any) -> None:
    serve()
    same = {"debtor.name": "Example GmbH"}
    old = {"date": "2020-01-15", "dueDate": "2020-02-14"}
    file = source(tmp_path, {**same, **old, AMOUNT: "60.00"}, {**same, AMOUNT: "40.00"}, {AMOUNT: "90.00"})
    sums = importer("check", file, "--preview", "--json", "--bundle-by", "debtor.name")
    told = importer("check", file, "--preview", "--json", "--bundle-by", "debtor.name", "--claim-lines")
    group = sums.said["preview"]["groups"][0]

    assert {name: group[name] for name in ("rows", "cases", "amount", "asked", "age", "ageSurcharge")} == {
        "rows": 3,
        "cases": 2,
        "amount": "190.00",
        "asked": "100.00",
        "age": "amounts by age",
        "ageSurcharge": "9.00",
    }
    assert told.said["preview"]["groups"] == [{**group, "age": "2 claim lines"}]
    assert lines(sums.said)[0]["Cases"] == 2


def test_rows_of_a_bundle_are_in_the_group_of_its_case(importer: Importer, tmp_path: Path, serve: Any) -> None:
    serve()
    same = {"debtor.name": "Example GmbH"}
    file = source(tmp_path, {**same, "date": "2025-01-15", COUNTRY: "AQ"}, same)
    ran = importer("check", file, "--preview", "--json", "--bundle-by", "debtor.name")
    codes = [(issue[0], issue[4]) for issue in sheet(ran.said, "Issues")[1:]]

    assert [group[:1] + group[4:5] for group in groups(ran.said)] == [("AQ", 2)]
    assert [issue for issue in codes if issue[1] == "would-be-refused"] == [
        (2, "would-be-refused"),
        (3, "would-be-refused"),
    ]


@pytest.mark.parametrize(("key", "words"), [("wrong", "is not accepted"), ("sandbox-forbidden", "may not be used")])
def test_a_wrong_key_is_told_and_the_report_is_written(
    importer: Importer, tmp_path: Path, serve: Any, monkeypatch: pytest.MonkeyPatch, key: str, words: str
) -> None:
    serve()
    file = source(tmp_path, {}, {COUNTRY: "FR"})
    monkeypatch.setenv("IMPORTER_API_KEY", key)
    ran = importer("check", file, "--preview", "--json")

    assert ran.code == ran.said["exit"] == 4
    assert words in ran.said["error"]
    assert ran.said["counts"]["valid"] == 2
    assert [line["Verdict"] for line in lines(ran.said)] == ["not known", "not known"]
    assert ran.err.count(words) == 1
    assert "resume" not in ran.err


def test_a_key_that_was_revoked_since_is_told_as_well(importer: Importer, tmp_path: Path, serve: Any) -> None:
    serve("deny:times=9")
    ran = importer("check", source(tmp_path, {}), "--preview", "--json")

    assert (ran.code, asked(tmp_path)) == (4, {"me": 1, "preview": 1})
    assert "is not accepted" in ran.said["error"]


def test_a_wrong_key_keeps_a_submit_from_sending(importer: Importer, tmp_path: Path, serve: Any) -> None:
    serve("deny:times=9")
    ran = importer("submit", source(tmp_path, {}), "--preview", "--yes", "--json")

    assert ran.code == 4
    assert Store(tmp_path / "outside.db").cases() == []


def test_no_network_is_told_and_the_report_is_written(
    importer: Importer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IMPORTER_API_KEY", "k")
    monkeypatch.setattr("importer.pipeline.account.PAUSES", (0.0,))
    ran = importer("check", source(tmp_path, {}), "--preview", "--json", "--api-url", "http://127.0.0.1:9")

    assert ran.code == 4
    assert "cannot be asked" in ran.said["error"]
    assert lines(ran.said)[0]["Why"] == "It was not asked."


def test_no_key_is_one_sentence_before_anything_is_judged(importer: Importer, tmp_path: Path) -> None:
    ran = importer("check", tmp_path / "none.csv", "--preview", "--json")

    assert ran.code == 3
    assert "There is no API key" in ran.said["error"]


@pytest.mark.parametrize("command", [("check",), ("submit", "--yes")])
def test_a_target_without_previews_is_refused(importer: Importer, tmp_path: Path, command: Sequence[str]) -> None:
    ran = importer(*command, source(tmp_path, {}), "--preview", "--target", "managed", "--json")

    assert ran.code == 3
    assert ran.said["error"] == "--preview is not for managed: its API publishes no preview. Leave it out."


def test_a_group_without_an_answer_leaves_the_others_theirs(
    importer: Importer, tmp_path: Path, serve: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importer.pipeline.account.PAUSES", (0.0,))
    serve("lookups-fail:times=1")
    file = source(tmp_path, {}, {COUNTRY: "FR"}, {COUNTRY: "GR"})
    ran = importer("check", file, "--preview", "--json", "--concurrency", "1")
    told = {group["country"]: group["verdict"] for group in ran.said["preview"]["groups"]}

    assert (ran.code, "error" in ran.said) == (0, False)
    assert told == {"DE": "not-known", "FR": "would-be-taken", "GR": "contract-missing"}


def test_an_api_that_gives_no_answers_is_not_asked_for_ever(
    importer: Importer, tmp_path: Path, serve: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importer.pipeline.account.PAUSES", (0.0,))
    serve("lookups-fail:times=99")
    countries = ("DE", "FR", "ES", "IT", "PT", "SE", "NO", "FI")
    file = source(tmp_path, *({COUNTRY: country} for country in countries))
    ran = importer("check", file, "--preview", "--json", "--concurrency", "1")
    submitted = importer("submit", file, "--preview", "--yes", "--json", "--concurrency", "1")

    assert ran.code == 4
    assert "a preview was answered 503" in ran.said["error"]
    assert [group[6] for group in groups(ran.said)] == ["not-known"] * 8
    assert asked(tmp_path)["preview"] == 6
    assert (submitted.code, submitted.said["counts"]["created"]) == (0, 8)
    assert "The preview is not complete." in submitted.err


def test_a_pause_that_the_api_asks_for_is_kept(
    importer: Importer, tmp_path: Path, serve: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importer.pipeline.account.PAUSES", (0.0, 0.0))
    serve("throttle:times=1,seconds=0.5")
    file = source(tmp_path, {})
    importer("check", file)
    began = time.monotonic()
    ran = importer("check", file, "--preview", "--json", "--no-report")

    assert time.monotonic() - began > 0.5
    assert (ran.code, groups(ran.said)[0][6], asked(tmp_path)["preview"]) == (0, "would-be-taken", 2)


def test_the_days_requests_are_not_overdrawn(importer: Importer, tmp_path: Path, serve: Any) -> None:
    serve()
    file = source(tmp_path, {}, {COUNTRY: "FR"}, {COUNTRY: "ES"})
    ran = importer("check", file, "--preview", "--json", "--rate", "60000/min,60000/h,3/d")

    assert ran.code == 4
    assert "3 requests that are allowed in a day are spent" in ran.said["error"]
    assert asked(tmp_path) == {"me": 1, "preview": 2}


def test_what_another_process_sends_meanwhile_counts(
    importer: Importer, tmp_path: Path, serve: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve()
    monkeypatch.setattr("importer.pipeline.previewing.BATCH", 1)
    file = source(tmp_path, {}, {COUNTRY: "FR"}, {COUNTRY: "ES"})
    spent = []

    def spend(what: str, share: float | None) -> None:
        """Send something, as a submit does that runs beside it, when the first answer has come."""
        if share and what == "Asking for previews" and not spent:
            with closing(sqlite3.connect(tmp_path / "journal.db")) as journal, journal:
                spent.append(journal.execute("select account from requests where kind = 'preview'").fetchone()[0])
                journal.execute(
                    "insert into requests (account, left_at, kind) values (?, ?, 'post')", (spent[0], time.time())
                )

    monkeypatch.setattr("importer.screen.Working.__call__", lambda _self, what, share: spend(what, share))
    ran = importer("check", file, "--preview", "--json", "--rate", "60000/min,60000/h,3/d")

    assert "3 requests that are allowed in a day are spent" in ran.said["error"]
    assert asked(tmp_path) == {"me": 1, "post": 1, "preview": 1}


def test_whoever_sends_counts_the_previews_of_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importer.pipeline.pacing.LOOK_EVERY", 0.0)
    settings = load(tmp_path, {"rate": "60000/min,60000/h,4/d"})

    def left(account: str, kind: str) -> None:
        with journal.begin() as connection:
            journal.add_request(connection, account, time.time(), kind, None)

    with closing(Journal.open(settings.journal, settings.locks)) as journal:
        left("a", "preview")  # before: it is known as one of all
        throttle = throttle_of("a", journal, settings, time.time, ahead=None, waiting=lambda *_: None)
        asyncio.run(throttle.turn())
        left("a", "preview")
        left("another", "preview")
        left("a", "post")  # this one's own, which it has counted itself
        asyncio.run(throttle.turn())
        with pytest.raises(Stopped, match="4 requests that are allowed in a day"):
            asyncio.run(throttle.turn())


def test_a_check_needs_no_right_to_send(importer: Importer, tmp_path: Path, serve: Any, launch: Any) -> None:
    serve("hang-before:seconds=4")
    submitting = launch("submit", source(tmp_path, {}, name="may.csv"), "--yes", "--json")
    wait_for(lambda: "post" in asked(tmp_path))
    ran = importer("check", source(tmp_path, {COUNTRY: "FR"}), "--preview", "--json", "--no-report")

    assert (ran.code, groups(ran.said)[0][6]) == (0, "would-be-taken")
    assert submitting.runs


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_ends_it_cleanly(tmp_path: Path, serve: Any, launch: Any, number: int) -> None:
    serve("lookups-hang:seconds=30")
    launched = launch("check", source(tmp_path, {}), "--preview", "--json")
    wait_for(lambda: "preview" in asked(tmp_path))
    launched.kill(number)

    assert launched.wait(20) == 130
    assert launched.said == {"exit": 130, "error": "Interrupted; nothing more was done."}
    assert "Traceback" not in launched.err


def test_each_client_of_a_partner_is_asked_about_for_itself(
    importer: Importer, tmp_path: Path, serve: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve()
    monkeypatch.setenv("IMPORTER_TARGET", "referral")
    clients = ("acme", "acme", "sandbox-unsigned", "unlinked")
    file = source(tmp_path, *({"Client": client} for client in clients), {"Client": "acme", COUNTRY: "MT"})
    ran = importer("check", file, "--preview", "--json")
    told = {(group["client"], group["country"]): group for group in ran.said["preview"]["groups"]}

    assert {name: (group["rows"], group["verdict"]) for name, group in told.items()} == {
        ("acme", "DE"): (2, "would-be-taken"),
        ("acme", "MT"): (1, "would-be-refused"),
        ("sandbox-unsigned", "DE"): (1, "contract-missing"),
        ("unlinked", "DE"): (1, "not-known"),
    }
    assert "Link it at Debitura" in told["unlinked", "DE"]["reasons"][0]["message"]
    assert {line["Client"] for line in lines(ran.said)} == {"acme", "sandbox-unsigned", "unlinked"}
    assert asked(tmp_path) == {"me": 1, "token": 3, "preview": 3}
    submitted = importer("submit", file, "--preview", "--yes", "--json")

    assert submitted.said["counts"]["created"] == 2
    assert {group["client"] for group in submitted.said["preview"]["groups"]} == {"acme", "sandbox-unsigned"} | {
        "unlinked"
    }


def test_a_client_whose_token_is_refused_leaves_the_others_theirs(
    importer: Importer, tmp_path: Path, serve: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve("revoke-token:times=1")
    monkeypatch.setenv("IMPORTER_TARGET", "referral")
    file = source(tmp_path, {"Client": "acme"}, {"Client": "beta"})
    ran = importer("check", file, "--preview", "--json", "--no-report")

    assert {group["client"]: group["verdict"] for group in ran.said["preview"]["groups"]} == {
        "acme": "not-known",
        "beta": "would-be-taken",
    }


def test_a_column_with_a_heading_of_ones_own_is_named(importer: Importer, tmp_path: Path, serve: Any) -> None:
    serve()
    path = source(tmp_path, {COUNTRY: "AQ"})
    path.write_text(path.read_text().replace(COUNTRY, "Country*"))
    named = importer("check", path, "--preview", "--json")
    path.write_text(path.read_text().replace("Country*", "nothing"))
    constant = importer("check", path, "--preview", "--json", "--set", f"{COUNTRY}=AQ")

    assert sheet(named.said, "Issues")[1][1:3] == ("Country*", COUNTRY)
    assert sheet(constant.said, "Issues")[1][1:6] == (COUNTRY, COUNTRY, "warning", "would-be-refused", "AQ")


def test_previews_are_told_in_full_where_there_are_many(importer: Importer, tmp_path: Path, serve: Any) -> None:
    serve()
    codes = "DE FR ES IT PT SE NO FI DK NL BE AT CH PL CZ SK HU RO"
    file = source(tmp_path, *({COUNTRY: codes[start : start + 2]} for start in range(0, len(codes), 3)))
    ran = importer("check", file, "--preview", "--json")

    assert len(lines(ran.said)) == 18
    assert "3 more lines are in the report." in ran.err
    assert ran.said["preview"]["requests"] == 18
