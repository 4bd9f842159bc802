"""The durable record: who may send, what is known of a case, what is on the disk."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import stat
import subprocess
import sys
import threading
from contextlib import closing
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from importer.errors import JournalError, RunError
from importer.journal import Journal, identifying
from importer.journal.commits import Commits
from importer.model import Case, Departure, Ending

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Query = Callable[[str], list[tuple[Any, ...]]]

WHO = {"account": "loopback/1", "target": "customer", "mode": "live"}


def case(row: int = 2, reference: str = "INV-1") -> Case:
    return Case(
        row=row,
        creditor="",
        reference=reference,
        has_reference=True,
        guarded=True,
        n=0,
        key="key",
        body=b'{"debtor":{"name":"Example GmbH"}}',
        amount=Decimal("100.10"),
        currency="EUR",
        group="DE EUR",
        fingerprints={"debtor.name": "a1"},
        debtor="Example GmbH",
        date=date(2026, 1, 15),
    )


@pytest.fixture
def journal(place: str | Path, tmp_path: Path) -> Iterator[Journal]:
    with closing(Journal.open(place, tmp_path / "locks")) as opened:
        yield opened


def plan(journal: Journal, *cases: Case, run: str = "r1", status: str = "planned", **known: Any) -> None:
    with journal.begin() as connection:
        journal.add_run(connection, run, **WHO, resumable=True, summary={"sources": ["june.csv"]})
        journal.add_cases(connection, run, **WHO, planned=[(one, {"status": status, **known}) for one in cases])


def test_a_case_comes_back_as_it_was_planned(journal: Journal) -> None:
    plan(journal, case())

    (entry,) = journal.of_run("r1")

    assert entry.case == case()
    assert (entry.status, entry.attempts, entry.case_id) == ("planned", 0, None)


def test_more_cases_than_one_statement_takes_are_all_kept_in_the_order_of_rows(journal: Journal) -> None:
    plan(journal, *(case(row, f"INV-{row}") for row in range(1_200, 1, -1)))

    assert [entry.case.row for entry in journal.of_run("r1")] == list(range(2, 1_201))
    known = journal.known(**WHO, references=[f"INV-{row}" for row in range(2, 1_300)])
    assert len(known) == 1_199


def test_a_settled_case_keeps_no_personal_data(journal: Journal, query: Query) -> None:
    plan(journal, case())
    (entry,) = journal.of_run("r1")
    with journal.begin() as connection:
        journal.settle(connection, entry.pk, "created", case_id="id-1")

    (row,) = query("select * from cases")
    assert "Example" not in str(row)


def test_other_accounts_modes_and_targets_know_nothing_of_a_case(journal: Journal) -> None:
    plan(journal, case())

    assert journal.known("loopback/2", "customer", "live", ["INV-1"]) == {}
    assert journal.known("loopback/1", "managed", "live", ["INV-1"]) == {}
    assert journal.known("loopback/1", "customer", "test", ["INV-1"]) == {}
    assert list(journal.known(**WHO, references=["INV-1", "INV-2"])) == [("", "INV-1")]


def test_a_case_is_found_by_each_of_its_identifiers(journal: Journal) -> None:
    plan(journal, case(), status="created", case_id="id-1", case_reference="Q8OAXF3W")

    with journal.reading() as connection:
        for value in ("INV-1", "id-1", "ID-1", "Q8OAXF3W", "q8oaxf3w"):
            (found,) = identifying.find(connection, value)
            assert found["case_id"] == "id-1"
        assert identifying.find(connection, "inv-1") == []


def test_an_unknown_run_is_named_with_the_command_that_lists_them(journal: Journal) -> None:
    with pytest.raises(RunError, match=r"no run r9 .* `importer runs`"):
        journal.run("r9")


def test_runs_come_newest_first_and_say_how_they_ended(journal: Journal) -> None:
    plan(journal, run="r1")
    plan(journal, run="r2")
    journal.end_run("r1", exit_code=4, stopped="The API is away.", summary={"counts": {}})

    newer, older = journal.runs()

    assert (newer["id"], newer["finished"]) == ("r2", None)
    assert (older["id"], older["exit_code"], older["stopped"]) == ("r1", 4, "The API is away.")


def test_requests_are_counted_for_the_windows_and_for_the_record(journal: Journal) -> None:
    plan(journal, case())
    with journal.begin() as connection:
        journal.add_request(connection, WHO["account"], 20.0, "me", None)
        number = journal.add_request(connection, WHO["account"], 10.0, "post", 1)
        journal.end_request(connection, number, 11.0, "200")
        journal.add_request(connection, "loopback/2", 15.0, "post", None)

    assert journal.left_since(WHO["account"], 5.0) == [10.0, 20.0]
    assert journal.left_since(WHO["account"], 10.0) == [20.0]
    assert journal.count_requests("r1") == {"post": 1}


def test_the_journals_secret_stays_the_same_and_is_its_own(journal: Journal, place: str | Path, tmp_path: Path) -> None:
    with closing(Journal.open(place, tmp_path / "locks")) as again:
        assert again.secret() == journal.secret()
    with closing(Journal.open(tmp_path / "other.db", tmp_path / "locks")) as other:
        assert other.secret() != journal.secret()


def test_only_its_owner_can_read_it(tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        with closing(Journal.open(tmp_path / "w" / "journal.db", tmp_path / "w" / "locks")) as journal:
            plan(journal, case())
            with journal.sender("a", wait=False):
                files = [path for path in (tmp_path / "w").rglob("*") if path.is_file()]
                modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in files}
    finally:
        os.umask(old)

    assert {"journal.db", "journal.db-wal"} <= set(modes)
    assert set(modes.values()) == {0o600}


def test_a_second_sender_of_one_account_is_told_to_wait(journal: Journal, place: str | Path, tmp_path: Path) -> None:
    with (
        closing(Journal.open(place, tmp_path / "locks")) as second,
        journal.sender("a", wait=False),
        pytest.raises(JournalError, match="--wait"),
        second.sender("a", wait=False),
    ):
        pass


def test_two_accounts_send_beside_each_other(journal: Journal, place: str | Path, tmp_path: Path) -> None:
    with (
        closing(Journal.open(place, tmp_path / "locks")) as second,
        journal.sender("a", wait=False),
        second.sender("b", wait=False),
    ):
        pass


HOLDER = """
import os, sys, time; from pathlib import Path; from importer.journal import Journal
place = os.environ.get("IMPORTER_JOURNAL") or Path(sys.argv[1]) / "journal.db"
journal = Journal.open(place, Path(sys.argv[1]) / "locks")
with journal.sender("a", wait=False):
    print("held", flush=True); time.sleep(60)
"""


def test_the_right_to_send_ends_with_the_process_that_holds_it(journal: Journal, tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", HOLDER, tmp_path], stdout=subprocess.PIPE) as holder:
        try:
            assert holder.stdout
            holder.stdout.readline()
            with pytest.raises(JournalError, match="right now"), journal.sender("a", wait=False):
                pass
        finally:
            holder.kill()
        with journal.sender("a", wait=True):
            pass


def test_the_right_to_send_can_be_had_again_once_it_was_given_back(
    journal: Journal, place: str | Path, tmp_path: Path
) -> None:
    with closing(Journal.open(place, tmp_path / "locks")) as second:
        for holder in (journal, second, journal):
            with holder.sender("a", wait=False):
                pass


def test_a_journal_that_another_program_writes_is_busy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Journal.open(tmp_path / "journal.db", tmp_path / "locks").close()
    monkeypatch.setattr("importer.journal.database.BUSY_PATIENCE", 0.1)
    with closing(sqlite3.connect(tmp_path / "journal.db", isolation_level=None)) as other:
        other.execute("begin exclusive")
        journal = Journal.open(tmp_path / "journal.db", tmp_path / "locks")  # to read holds nobody up
        with closing(journal), pytest.raises(JournalError, match="another program is writing to it"), journal.begin():
            pass


@pytest.mark.parametrize("content", [b"Row,Status\n2,created\n" * 50, b"SQLite format 3\0" + b"\xff" * 4_000])
def test_a_file_that_is_no_journal_is_not_touched(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "journal.db"
    path.write_bytes(content)

    with pytest.raises(JournalError, match="cannot be used"):
        Journal.open(path, tmp_path / "locks")

    assert path.read_bytes() == content


def test_a_journal_of_a_later_version_is_refused(
    journal: Journal, place: str | Path, query: Query, tmp_path: Path
) -> None:
    journal.close()
    query("update meta set value = '99' where name = 'layout'")

    with pytest.raises(JournalError, match="layout 99"):
        Journal.open(place, tmp_path / "locks")


def test_looking_into_a_journal_that_is_not_there_makes_none(tmp_path: Path) -> None:
    with pytest.raises(JournalError, match="nothing was sent from this workspace yet"):
        Journal.open(tmp_path / "journal.db", tmp_path / "locks", create=False)

    assert list(tmp_path.iterdir()) == []


def test_a_folder_in_its_place_is_named(tmp_path: Path) -> None:
    (tmp_path / "journal.db").mkdir()

    with pytest.raises(JournalError, match="cannot be opened: Is a directory"):
        Journal.open(tmp_path / "journal.db", tmp_path / "locks")


def test_changes_of_many_are_committed_together_and_one_that_fails_hurts_no_other(journal: Journal) -> None:
    plan(journal, case(2, "INV-1"), run="r0", status="created")
    plan(journal, case(2, "INV-1"), case(3, "INV-2"))
    first, second = journal.of_run("r1")

    async def change() -> list[Any]:
        async with Commits(journal) as commits:
            return await asyncio.gather(
                *(
                    commits.make(lambda connection, pk=pk: journal.update(connection, pk, status="sending"))
                    for pk in (first.pk, second.pk)
                ),
                return_exceptions=True,
            )

    broken, fine = asyncio.run(change())

    assert isinstance(broken, JournalError)
    assert fine is None
    assert [entry.status for entry in journal.of_run("r1")] == ["planned", "sending"]


def test_a_change_whose_asker_has_gone_is_made_all_the_same(journal: Journal) -> None:
    plan(journal, case(2, "INV-1"), case(3, "INV-2"))

    async def change() -> None:
        async with Commits(journal) as commits:
            gone, beside = (
                asyncio.create_task(
                    commits.make(lambda connection, pk=entry.pk: journal.update(connection, pk, status="sending"))
                )
                for entry in journal.of_run("r1")
            )
            await asyncio.sleep(0)
            gone.cancel()
            await beside
        with pytest.raises(asyncio.CancelledError):
            await gone

    asyncio.run(change())

    assert [entry.status for entry in journal.of_run("r1")] == ["sending", "sending"]


def test_requests_that_leave_and_end_together_are_told_apart(journal: Journal, query: Query) -> None:
    plan(journal, *(case(row, f"INV-{row}") for row in range(2, 6)))
    pks = [entry.pk for entry in journal.of_run("r1")]
    noted: dict[str, object] = {"status": "sending", "attempts": 1}

    async def go() -> None:
        async with Commits(journal) as commits:
            numbers = await asyncio.gather(
                *(
                    commits.leave(Departure("a", float(pk), "post", pk, {pk: noted} if pk != pks[1] else {}))
                    for pk in reversed(pks)
                )
            )
            await asyncio.gather(
                *(
                    commits.end(Ending(number, pk + 0.5, pk + 1.0, str(pk), f"id-{pk}", *made))
                    for number, pk, made in zip(
                        numbers,
                        reversed(pks),
                        [
                            ({pks[3]: {"status": "created", "case_id": "C"}}, True),
                            ({pks[2]: {"status": "planned"}}, False),
                            ({}, False),
                            ({pks[0]: {"status": "created", "case_id": "D"}}, True),
                        ],
                        strict=True,
                    )
                )
            )

    asyncio.run(go())

    told = query("select case_pk, left_at, ended_at, result, request_id from requests order by case_pk")
    assert told == [(pk, pk + 0.5, pk + 1.0, str(pk), f"id-{pk}") for pk in pks]
    entries = journal.of_run("r1")
    assert [entry.status for entry in entries] == ["created", "planned", "planned", "created"]
    assert [entry.case_id for entry in entries] == ["D", None, None, "C"]
    assert [bool(entry.case.body) for entry in entries] == [False, True, True, False]
    assert [entry.attempts for entry in entries] == [1, 0, 1, 1]


def test_a_change_that_was_made_is_on_the_disk(journal: Journal, place: str | Path, query: Query) -> None:
    plan(journal, case())

    assert query("select count(*) from cases") == [(1,)]
    with journal.begin() as connection:
        if isinstance(place, str):
            assert connection.exec_driver_sql("show synchronous_commit").scalar() == "on"
        else:
            assert connection.exec_driver_sql("pragma journal_mode").scalar() == "wal"
            assert connection.exec_driver_sql("pragma synchronous").scalar() == 2


def test_what_the_api_says_is_kept_whatever_signs_are_in_it(journal: Journal) -> None:
    plan(journal, case())
    (entry,) = journal.of_run("r1")

    with journal.begin() as connection:
        journal.settle(connection, entry.pk, "rejected", message="odd \0 \N{PILE OF POO}", error="E\0")

    (entry,) = journal.of_run("r1")
    assert (entry.status, entry.message) == ("rejected", "odd \N{REPLACEMENT CHARACTER} \N{PILE OF POO}")


def test_references_are_looked_for_by_index_however_many_cases_there_are(
    journal: Journal, place: str | Path, query: Query
) -> None:
    with journal.begin() as connection:
        journal.add_run(connection, "r1", **WHO, resumable=True, summary={})
        planned = [(case(row, f"INV-{row}"), {"status": "created", "case_id": f"id-{row}"}) for row in range(2, 3_000)]
        journal.add_cases(connection, "r1", **WHO, planned=planned)
    explain = "explain" if isinstance(place, str) else "explain query plan"
    who = "account = 'loopback/1' and target = 'customer' and mode = 'live'"

    known = str(query(f"{explain} select * from cases where {who} and reference in ('INV-5', 'INV-6') order by pk"))
    found = str(query(f"{explain} select * from cases where case_id = 'x' or case_reference = 'x' or reference = 'x'"))

    if isinstance(place, str):
        assert "Seq Scan" not in known + found
        assert "(reference)::text = ANY" in known.partition("Index Cond")[2].partition("Filter")[0]
    else:
        assert "cases_identity (reference=?" in known
        assert "SCAN" not in known + found


def test_many_cases_are_changed_each_in_its_own_columns(journal: Journal) -> None:
    plan(journal, *(case(row, f"INV-{row}") for row in range(2, 1_203)))
    entries = journal.of_run("r1")

    with journal.begin() as connection:
        changes = ({"status": "not-sent"} if entry.pk % 3 else {"n": 1, "message": None} for entry in entries)
        journal.update_all(connection, zip((entry.pk for entry in entries), changes, strict=True))

    changed = [(entry.status, entry.case.n) for entry in journal.of_run("r1")]
    assert changed == [("not-sent", 0) if entry.pk % 3 else ("planned", 1) for entry in entries]


def test_a_commit_that_runs_is_made_before_its_end_is_told_even_to_the_impatient(journal: Journal) -> None:
    begun, go_on, made = threading.Event(), threading.Event(), []

    def change(_: object) -> None:
        begun.set()
        go_on.wait()
        made.append(True)

    async def commit() -> None:
        async with Commits(journal) as commits:
            making = asyncio.create_task(commits.make(change))
            await asyncio.to_thread(begun.wait)
        await making

    async def interrupted() -> None:
        committing = asyncio.create_task(commit())
        await asyncio.to_thread(begun.wait)
        asyncio.get_running_loop().call_later(0.05, committing.cancel)
        threading.Timer(0.2, go_on.set).start()
        with pytest.raises(asyncio.CancelledError):
            await committing
        assert made

    asyncio.run(interrupted())
