"""The journal in PostgreSQL: what only a server can do to it."""

from __future__ import annotations

import asyncio
import sys
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from importer import history
from importer.errors import JournalError
from importer.journal import Journal
from importer.journal.commits import Commits
from importer.journal.database import connect
from importer.settings import load

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HOLDERS = """
    select state, xact_start from pg_stat_activity
    where datname = current_database() and pid in (select pid from pg_locks where locktype = 'advisory')
"""
END_HOLDERS = HOLDERS.replace("state, xact_start", "pg_terminate_backend(pid)")
HEADER = "Invoice number,Currency,Invoice date,Amount,Debtor type,Customer,Street,City,Country code"


@pytest.fixture
def url(postgresql: Any, monkeypatch: pytest.MonkeyPatch) -> str:
    url: str = postgresql.database()
    monkeypatch.setenv("IMPORTER_JOURNAL", url)
    return url


@pytest.fixture
def journal(url: str, tmp_path: Path) -> Iterator[Journal]:
    with closing(Journal.open(url, tmp_path / "locks")) as opened:
        yield opened


def write(journal: Journal, account: str) -> None:
    with journal.begin() as connection:
        journal.add_request(connection, account, 1.0, "post", None)


def test_a_sender_whose_connection_was_ended_writes_nothing_more(journal: Journal, postgresql: Any, url: str) -> None:
    with journal.sender("a", wait=False):
        write(journal, "before")
        postgresql.execute(END_HOLDERS, url)
        for _ in range(2):
            with pytest.raises(JournalError, match=r"terminating connection|was lost, and with it the right to send"):
                write(journal, "after")

    assert postgresql.execute("select account from requests", url) == [("before",)]


def test_changes_from_a_running_event_loop_fail_as_well_once_the_right_is_lost(
    journal: Journal, postgresql: Any, url: str
) -> None:
    async def change() -> list[Any]:
        async with Commits(journal) as commits:
            outcomes: list[Any] = []
            for account in "bcd":
                outcomes += await asyncio.gather(
                    commits.make(
                        lambda connection, account=account: journal.add_request(connection, account, 1.0, "post", None)
                    ),
                    return_exceptions=True,
                )
                if account == "b":
                    postgresql.execute(END_HOLDERS, url)
            return outcomes

    with journal.sender("a", wait=False):
        first, *others = asyncio.run(change())

    assert isinstance(first, int)
    assert [type(other) for other in others] == [JournalError, JournalError]
    assert postgresql.execute("select account from requests", url) == [("b",)]


def test_the_next_sender_may_begin_once_the_connection_of_the_last_one_is_lost(
    journal: Journal, postgresql: Any, url: str, tmp_path: Path
) -> None:
    with closing(Journal.open(url, tmp_path / "other machine" / "locks")) as other, journal.sender("a", wait=False):
        with pytest.raises(JournalError, match="right now"), other.sender("a", wait=False):
            pass
        postgresql.execute(END_HOLDERS, url)
        with other.sender("a", wait=True):
            write(other, "b")
            with pytest.raises(JournalError):
                write(journal, "a")

    assert postgresql.execute("select account from requests", url) == [("b",)]


def test_a_sender_that_only_waits_holds_no_transaction_and_may_be_idle_for_hours(
    journal: Journal, postgresql: Any, url: str
) -> None:
    with journal.sender("a", wait=False):
        ((state, transaction),) = postgresql.execute(HOLDERS, url)
        assert (state, transaction) == ("idle", None)
        with journal.begin() as connection:
            assert connection.exec_driver_sql("show idle_session_timeout").scalar() == "0"


def test_how_a_run_ended_is_noted_even_when_the_right_to_send_was_lost(
    journal: Journal, postgresql: Any, url: str
) -> None:
    with journal.sender("a", wait=False):
        with journal.begin() as connection:
            journal.add_run(
                connection, "r1", account="a", target="customer", mode="live", resumable=True, summary={"sources": []}
            )
        postgresql.execute(END_HOLDERS, url)
        journal.end_run("r1", exit_code=4, stopped="The connection was lost.", summary={})

    assert journal.run("r1")["exit_code"] == 4


def test_a_missing_driver_is_named_with_what_installs_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)

    with pytest.raises(JournalError, match=r"pip install 'invoice-importer\[postgresql\]'"):
        Journal.open("postgresql://h/d", tmp_path / "locks")


@pytest.mark.parametrize(
    "place",
    [
        "postgresql://bob:s3cret/x@127.0.0.1:1/d",
        "postgresql://bob:12/s3cret@127.0.0.1:1/d",
        "postgresql://bob:12?s3cret@127.0.0.1:1/d",
        "postgresql://bob:x@s3cret@127.0.0.1:1/d",
        "postgresql://bob:s3cret@127.0.0.1:port/d",
        "postgresql://127.0.0.1:1/d?user=bob&password=s3cret",
        "postgresql://bob:s3cret@127.0.0.1:1/d?sslmode=odd",
        "postgresql://bob:s3cret@127.0.0.1:1/d?strange=odd",
        "postgresql://bob:s3cret@nowhere.invalid/d",
        "mysql://bob:s3cret@127.0.0.1/d",
    ],
)
@pytest.mark.parametrize("command", ["runs", "doctor", "check", "submit"])
def test_no_form_of_a_url_shows_its_password(
    importer: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, place: str, command: str
) -> None:
    monkeypatch.setenv("IMPORTER_JOURNAL", place)
    file = tmp_path / "june.csv"
    file.write_text(f"{HEADER}\nINV-1,EUR,2026-01-15,100.50,Company,Example GmbH,1 St,Town,DE\n")
    arguments = {"check": [file], "submit": [file, "--sandbox", "--yes"]}.get(command, [])

    ran = importer(command, *arguments, "--json")

    assert ran.code == 3
    assert "s3cret" not in ran.out + ran.err
    assert not (tmp_path / "importer.log").exists()


def test_finding_a_case_takes_few_journeys_to_the_server(url: str, tmp_path: Path) -> None:
    settings = load(tmp_path, {}, {"IMPORTER_JOURNAL": url})
    Journal.open(url, tmp_path / "locks").close()
    history.find(settings, "INV-1")
    said: list[str] = []
    listener = (connect(url), "before_cursor_execute", lambda *given: said.append(given[2]))
    sa.event.listen(*listener)

    history.find(settings, "INV-1")

    assert len(said) == 2  # the layout, and the case; one that is found has three more
