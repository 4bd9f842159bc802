"""`check` and the question before a submit say what the journal knows, and what differs from the last time."""

from __future__ import annotations

import shutil
import time
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import openpyxl
import pytest

from importer import settings
from importer.journal import Journal
from importer.pipeline import prepare
from importer.pipeline.account import Account, Api
from importer.pipeline.bundling import bundle_rows
from importer.pipeline.checking import check
from importer.pipeline.comparing import compare_check, compare_planned
from importer.pipeline.describing import describe
from importer.pipeline.job import Job
from importer.pipeline.judge import judge
from importer.pipeline.parties import Parties, Party
from importer.pipeline.prepare import past_of, plan_rows
from importer.pipeline.record import run_of_dict
from importer.pipeline.reporting import Ending, keep
from importer.pipeline.sessions import summarise
from importer.report import archive

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from importer.model import Against, Earlier

HEADER = "Invoice number,Invoice date,Due date,Amount,Currency,Debtor type,Customer name,Address,City,Country,Note"
WHO = "loopback/1"


def line(number: int, amount: str = "100.50", note: str = "", **changes: str) -> str:
    cells = {
        "number": f"INV-{number}",
        "date": "2026-02-02",
        "due": "2026-03-04",
        "amount": amount,
        "currency": "EUR",
        "type": "Company",
        "name": f"Example {number} GmbH",
        "address": "1 Invented Street",
        "city": "Berlin",
        "country": "DE",
        "note": note,
        **changes,
    }
    return ",".join(cells.values())


def write(path: Path, *lines: str, header: str = HEADER) -> Path:
    path.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
    return path


class World:
    """A workspace whose journal is filled without any API."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.settings = settings.load(folder, {})

    def job(self, *paths: Path, **options: Any) -> Job:
        return Job(paths, **options)

    def submitted(
        self, *paths: Path, status: str = "created", account: str = WHO, clients: Sequence[str] = (), **options: Any
    ) -> str:
        """Have the rows of sources in the journal as a run leaves them; returns its id."""
        job = self.job(*paths, **options)
        judged = judge(job, self.settings)
        parties = self.parties(account, clients)
        with closing(Journal.open(self.settings.journal, self.settings.locks)) as journal:
            if judged.bundling:
                judged = bundle_rows(judged, job, *past_of(judged, job, journal, parties.account_of))
            planned = plan_rows(judged, job, journal, parties)
            against = compare_planned(judged, planned, job, journal, parties, self.settings).against
            run = replace(describe(judged, job, self.settings, "submit"), account=parties.title, against=against)
            keep(run, judged, self.settings)
            identity = {"account": account, "target": run.target, "mode": run.mode}
            with journal.begin() as connection:
                journal.add_run(connection, run.id, **identity, resumable=True, summary=summarise(run))
                fates = (
                    (
                        case,
                        {**fate, "status": status, "sent_at": time.time(), "case_id": f"id-{case.reference}"}
                        if fate["status"] == "planned"
                        else fate,
                    )
                    for case, fate in prepare.with_fates(planned, parties, None, held=False)
                )
                journal.add_cases(connection, run.id, **identity, planned=fates)
        return run.id

    def parties(self, account: str = WHO, clients: Sequence[str] = ()) -> Parties:
        api = Api("http://127.0.0.1", "k")
        by_client = {
            name: Party(Account(f"{account}-{name}" if name else account, "Example", None, None), api, "c")
            for name in clients or ("",)
        }
        return Parties(Account(account, "Example", None, None), by_client)

    def check(self, *paths: Path, environment: str = "loopback", written: bool = False, **options: Any) -> Ending:
        return check(self.job(*paths, **options), self.settings, environment=environment, written=written)

    def against(self, *paths: Path, **options: Any) -> Against:
        told = self.check(*paths, **options).against
        assert told
        return told

    def earlier(self, *paths: Path, **options: Any) -> Earlier:
        told = self.against(*paths, **options).earlier
        assert told
        return told


@pytest.fixture
def world(tmp_path: Path, place: str | Path) -> World:  # noqa: ARG001 - in each of the databases
    return World(tmp_path)


@pytest.fixture
def lone(tmp_path: Path) -> World:
    return World(tmp_path)


def shown(ending: Ending, sheet: str) -> list[dict[str, Any]]:
    with closing(openpyxl.load_workbook(str(ending.report), read_only=True)) as book:
        header, *rows = book[sheet].iter_rows(values_only=True)
    return [dict(zip(map(str, header), row, strict=True)) for row in rows]


def told(against: Against) -> dict[str, int]:
    return {name: rows for name, rows in against.counts.items() if rows}


def test_without_a_journal_all_valid_rows_are_new_and_none_is_made(lone: World, tmp_path: Path) -> None:
    ending = lone.check(write(tmp_path / "june.csv", line(1), line(2), line(3, "x")))

    assert ending.against
    assert (told(ending.against), ending.against.sentences, ending.against.earlier) == ({"new": 2}, (), None)
    assert not (tmp_path / "journal.db").exists()


def test_a_check_says_what_a_submit_would_do(world: World, tmp_path: Path) -> None:
    world.submitted(write(tmp_path / "may.csv", *(line(number) for number in (1, 2))))
    lost = world.submitted(write(tmp_path / "lost.csv", line(3)), status="sending")
    left = world.submitted(write(tmp_path / "left.csv", line(4)), status="not-sent")
    world.submitted(write(tmp_path / "no.csv", line(5)), status="rejected")
    june = write(tmp_path / "june.csv", line(1), line(2, "7.00", city="Bonn"), *map(line, range(3, 8)), line(8, "x"))

    ending = world.check(june, written=True)

    against = ending.against
    assert against
    knows = {"new": 2, "already-imported": 2, "changed": 1, "unsettled": 1, "not-sent": 1, "rejected": 1}
    assert told(against) == knows
    assert (against.columns, against.resume) == ({"Amount": 1, "City": 1}, tuple(sorted((left, lost))))
    assert dict(ending.figures.counts) == {"rows": 8, "valid": 5, "already-imported": 2, "invalid": 1}
    messages = {row["Row"]: row["Message"] for row in shown(ending, "Results")}
    assert [messages[row] for row in (2, 7, 8)] == [None, None, None]
    assert messages[3] == (
        "It was imported with another content; nothing would be sent. Different now: amountToRecover, debtor.city. "
        "If the case is to change, change it in the portal."
    )
    assert messages[4].startswith(f"Run {lost} has sent it")
    assert messages[5].startswith(f"Run {left} has left it unsent")
    issues = [row for row in shown(ending, "Issues") if row["Code"] == "changed-since-import"]
    assert [(row["Row"], row["Column"], row["Severity"], row["Value"]) for row in issues] == [
        (3, "Amount", "warning", "7.00"),
        (3, "City", "warning", "Bonn"),
    ]
    with closing(openpyxl.load_workbook(str(ending.report), read_only=True)) as book:
        summary = [cell for row in book["Summary"].iter_rows(values_only=True) for cell in row if cell]
    assert [*against.sentences] == [text for text in summary if text in against.sentences]
    assert "Against the journal" in summary
    assert ending.page
    page = ending.page.read_text(encoding="utf-8")
    assert page.count("Against the journal") == 2
    assert f"<code>importer resume {left}</code>" in page


def test_a_submit_offers_what_the_check_said(world: World, tmp_path: Path) -> None:
    world.submitted(write(tmp_path / "june.csv", *map(line, range(1, 5))))
    july = write(tmp_path / "july.csv", line(1), line(2, "7.00"), line(3, note="paid?"), line(9))
    job = world.job(july)
    judged = judge(job, world.settings)

    with closing(Journal.open(world.settings.journal, world.settings.locks)) as journal:
        planned = plan_rows(judged, job, journal, world.parties())
        offered = compare_planned(judged, planned, job, journal, world.parties(), world.settings)
    checked = compare_check(judged, job, world.settings, "loopback")

    assert offered.against == checked.against
    assert list(offered.pasts) == list(checked.pasts)
    assert offered.judged.issues.equals(checked.judged.issues)


def test_a_check_leaves_the_journal_as_it_was(lone: World, tmp_path: Path) -> None:
    june = write(tmp_path / "june.csv", line(1))
    lone.submitted(june)
    before = (tmp_path / "journal.db").read_bytes()

    lone.check(june)

    assert (tmp_path / "journal.db").read_bytes() == before


def test_a_check_waits_for_no_sender(world: World, tmp_path: Path) -> None:
    june = write(tmp_path / "june.csv", line(1))
    world.submitted(june)

    with (
        closing(Journal.open(world.settings.journal, world.settings.locks)) as journal,
        journal.sender(WHO, wait=False),
        journal.begin() as connection,
    ):
        journal.remember_ahead(connection, WHO, 1.0)
        began = time.monotonic()
        assert told(world.against(june)) == {"already-imported": 1}
        assert time.monotonic() - began < 8


def test_cases_of_another_world_or_of_tests_do_not_count(lone: World, tmp_path: Path) -> None:
    june = write(tmp_path / "june.csv", line(1))
    lone.submitted(june)

    assert lone.against(june, environment="api.example.com").sentences == (
        "Compared with nothing: the journal has cases of the sandbox (--sandbox compares with them) alone.",
    )
    elsewhere = lone.against(june, test=True)
    assert (told(elsewhere), elsewhere.earlier) == ({"new": 1}, None)


def test_a_journal_of_the_live_api_says_nothing_of_the_sandbox(lone: World, tmp_path: Path) -> None:
    june = write(tmp_path / "june.csv", line(1))
    lone.submitted(june, account="api.example.com/1")

    assert lone.against(june).others == ("api.example.com",)
    assert told(lone.against(june)) == {"new": 1}


def test_of_several_accounts_the_last_one_is_compared_with_and_the_others_are_named(
    lone: World, tmp_path: Path
) -> None:
    june = write(tmp_path / "june.csv", line(1))
    lone.submitted(june, account="loopback/old")
    lone.submitted(write(tmp_path / "july.csv", line(2)), account="loopback/new")

    against = lone.against(june)

    assert (against.account, against.others) == ("Example (new)", ("Example (old)",))
    assert (told(against), against.earlier) == ({"new": 1}, None)


def test_clients_of_a_partner_are_compared_each_with_its_own_account(
    lone: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IMPORTER_TARGET", "referral")
    lone = World(tmp_path)
    header = f"{HEADER},externalTenantId"
    june = write(tmp_path / "june.csv", f"{line(1)},acme", f"{line(1)},beta", f"{line(2)},acme", header=header)
    lone.submitted(june, clients=("acme", "beta"))
    july = write(tmp_path / "july.csv", f"{line(1)},beta", f"{line(1, '7.00')},acme", f"{line(2)},new", header=header)

    against = lone.against(july)

    assert against.account == "Example (1)"
    assert told(against) == {"new": 1, "already-imported": 2, "changed": 1}
    assert against.columns == {"Amount": 1}


def test_creditors_of_a_managing_partner_are_told_apart(
    lone: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IMPORTER_TARGET", "managed")
    lone = World(tmp_path)
    header = f"{HEADER},creditorCompanyName,creditorCountryAlpha2,debtor.contactPerson"
    june = write(tmp_path / "june.csv", f"{line(1)},Acme,DK,Ann", f"{line(2)},Acme,DK,Ann", header=header)
    lone.submitted(june)
    july = write(tmp_path / "july.csv", f"{line(1)},Other,DK,Ann", f"{line(2, '7.00')},Acme,DK,Bob", header=header)

    against = lone.against(july)

    assert told(against) == {"new": 1, "already-imported": 1, "changed": 1}
    assert against.columns == {"Amount": 1, "debtor.contactPerson": 1}


def test_rows_without_a_reference_are_known_by_their_content(lone: World, tmp_path: Path) -> None:
    bare = line(1).removeprefix("INV-1")
    lone.submitted(write(tmp_path / "june.csv", bare, bare), allow_missing_reference=True)

    against = lone.against(write(tmp_path / "july.csv", bare, bare, bare), allow_missing_reference=True)

    assert told(against) == {"new": 1, "already-imported": 2}


def test_invoices_of_bundles_are_known_each(lone: World, tmp_path: Path) -> None:
    by = {"bundle_by": ("Address",)}
    lone.submitted(write(tmp_path / "june.csv", line(1), line(2)), **by)
    july = write(tmp_path / "july.csv", line(1), line(2, "7.00"), line(3), line(4))

    ending = lone.check(july, **by)

    assert ending.against
    assert told(ending.against) == {"new": 2, "already-imported": 2, "changed": 1}
    assert ending.cases == 1


def test_a_bundle_in_doubt_stays_apart_in_a_check_as_in_a_submit(lone: World, tmp_path: Path) -> None:
    by = {"bundle_by": ("Address",)}
    lone.submitted(write(tmp_path / "june.csv", line(1), line(2)), status="sending", **by)

    ending = lone.check(write(tmp_path / "july.csv", line(1), line(2), line(3)), **by)

    assert ending.against
    assert (told(ending.against), ending.cases) == ({"new": 1, "unsettled": 2}, 2)


# The last time


def test_the_same_bytes_are_told_in_one_sentence(lone: World, tmp_path: Path) -> None:
    june = write(tmp_path / "june.csv", line(1), line(2, "x"))
    run = lone.submitted(june)

    earlier = lone.earlier(shutil.copy(june, tmp_path / "copy.csv"))

    assert (earlier.run, earlier.by, earlier.same) == (run, "bytes", 2)
    assert len(earlier.sentences) == 1


def test_a_file_that_comes_again_says_what_changed(world: World, tmp_path: Path) -> None:
    run = world.submitted(write(tmp_path / "june.csv", line(1), line(2, "x"), line(3), line(4)))
    june = write(tmp_path / "june.csv", line(4), line(3, note="paid?"), line(2, "2.00"), line(5))

    earlier = world.earlier(june)

    assert (earlier.run, earlier.by, earlier.sources) == (run, "cells", ("june.csv",))
    assert (earlier.same, earlier.changed, earlier.new, earlier.missing) == (1, 2, 1, 1)
    assert earlier.columns == {"Amount": 1, "Note": 1}
    assert earlier.cells == {"Amount": "row 4", "Note": "row 3"}


def test_a_file_that_is_only_written_in_another_way_has_not_changed(lone: World, tmp_path: Path) -> None:
    lone.submitted(write(tmp_path / "june.csv", line(1, "1100.50"), line(2)))
    workbook = openpyxl.Workbook()
    for row in (HEADER, line(1, "1.100,50"), line(2, '"100,50"').replace('"', "").replace("100,50", "100;50")):
        workbook.active.append([cell.replace(";", ",") for cell in row.replace("1.100,50", "1.100;50").split(",")])
    workbook.save(tmp_path / "june.xlsx")

    earlier = lone.earlier(tmp_path / "june.xlsx")

    assert (earlier.same, earlier.changed, earlier.rewritten, earlier.columns) == (2, 0, 2, {})


def test_next_month_is_not_this_month_again(lone: World, tmp_path: Path) -> None:
    lone.submitted(write(tmp_path / "export.csv", line(1), line(2)))

    assert lone.against(write(tmp_path / "export.csv", line(3), line(4))).earlier is None


def test_a_namesake_none_of_whose_rows_got_through_is_found_by_its_references(lone: World, tmp_path: Path) -> None:
    run = lone.submitted(write(tmp_path / "june.csv", line(1, "x"), line(2, "y")))

    earlier = lone.earlier(write(tmp_path / "june.csv", line(1, "1.00"), line(2, "y")))

    assert (earlier.run, earlier.same, earlier.changed) == (run, 1, 1)


def test_rows_of_several_sources_are_named_with_their_source(lone: World, tmp_path: Path) -> None:
    one, two = write(tmp_path / "one.csv", line(1)), write(tmp_path / "two.csv", line(2))
    lone.submitted(one, two)
    write(two, line(2, "7.00"))

    assert lone.earlier(one, two).cells == {"Amount": "row 2 of two.csv"}


def test_where_a_runs_rows_are_gone_the_journal_says_what_changed(world: World, tmp_path: Path) -> None:
    run = world.submitted(write(tmp_path / "june.csv", line(1), line(2), line(3)))
    shutil.rmtree(tmp_path / "reports" / run)

    earlier = world.earlier(write(tmp_path / "june.csv", line(1), line(2, "7.00"), line(4)))

    assert (earlier.by, earlier.same, earlier.changed, earlier.new, earlier.missing) == ("hashes", 1, 1, 1, 1)
    assert (earlier.columns, earlier.cells) == ({"Amount": 1}, {"Amount": "row 3"})


def test_what_a_submit_said_is_in_its_archive_for_the_report(lone: World, tmp_path: Path) -> None:
    june = write(tmp_path / "june.csv", line(1))
    lone.submitted(june)
    before = lone.against(june)
    run = lone.submitted(june)

    kept = run_of_dict(archive.load(tmp_path / "reports" / run / "rows.arrow").metadata)

    assert kept.against == before


@pytest.mark.parametrize(("kind", "told"), [("submit", True), ("check", False)])
def test_rows_to_mend_in_another_workspace_are_told_before_they_are_sent(
    importer: Callable[..., Any], tmp_path: Path, kind: str, *, told: bool
) -> None:
    june = write(tmp_path / "june.csv", line(1), line(2, "x"))
    said = importer(kind, june, "--sandbox", "--json", *(["--yes"] if kind == "submit" else [])).said
    others = ("--workspace", tmp_path / "other", "--sandbox", "--json")

    checked = importer("check", said["report"], *others)
    submitted = importer("submit", said["report"], *others, "--yes")

    strange = [said["run"]] if told else []
    assert [ran.said["against"]["strange"] for ran in (checked, submitted)] == [strange, strange]
    assert ("This journal does not know run" in " ".join(submitted.err.split())) == told


def test_a_results_workbook_that_comes_back_says_what_was_mended(importer: Callable[..., Any], tmp_path: Path) -> None:
    june = write(tmp_path / "june.csv", line(1), line(2, "x"), line(3, "y"))
    first = importer("submit", june, "--sandbox", "--yes", "--json").said
    book = openpyxl.load_workbook(first["report"])
    (header, *_) = book["To fix"].iter_rows(values_only=True)
    book["To fix"].cell(2, header.index("Amount") + 1).value = "5.00"
    book.save(tmp_path / "mended.xlsx")

    ran = importer("check", "mended.xlsx", "--sandbox", "--json")

    earlier = ran.said["against"]["earlier"]
    assert (earlier["run"], earlier["mended"], earlier["same"], earlier["changed"]) == (first["run"], True, 1, 1)
    assert "Of the rows to fix of run" in " ".join(ran.err.split())
    again = importer("submit", june, "--sandbox", "--yes", "--json")
    assert "1 row is imported already and is not sent." in again.err
    assert again.said["against"]["earlier"]["by"] == "bytes"
    assert "against" not in importer("report", first["run"], "--json").said
