"""Several machines on one journal in PostgreSQL, which may go away at any moment: each case is made exactly once."""

from __future__ import annotations

import time
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from importer.sandbox import Fault, Settings, Store, serving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

ROWS = 300
WIDE = {"minute": 1_000_000, "hour": 1_000_000, "day": 1_000_000}
SENDERS = """
    select pid from pg_stat_activity
    where datname = current_database() and pid in (select pid from pg_locks where locktype = 'advisory' and granted)
"""
END_SENDERS = SENDERS.replace("select pid from pg_stat", "select pg_terminate_backend(pid) from pg_stat")
ACCOUNTS = "select distinct account from cases where status = 'created'"
OTHER = "sandbox-other"


class Machines:
    """Processes with workspaces of their own, one journal, and one API."""

    def __init__(self, folder: Path, server: Any, url: str, launch: Callable[..., Any]) -> None:
        self._launch = launch
        self._folder = folder
        self.server = server
        self.journal = url
        self.store = Store(folder / "outside.db")
        self.source = folder / "june.csv"
        header = "Invoice number,Currency,Invoice date,Amount,Debtor type,Customer,Street,City,Country code"
        rows = (f"INV-{n},EUR,2026-01-15,{n + 1}.50,Company,Example {n},1 St,Town,DE" for n in range(ROWS))
        self.source.write_text("\n".join([header, *rows]) + "\n")

    def start(
        self, name: str, *arguments: object, rate: str = "1200/min", key: str = "sandbox", patience: str = "2"
    ) -> Any:
        """Start a command on the machine *name*."""
        environment = {"IMPORTER_API_KEY": key, "IMPORTER_RATE": rate, "IMPORTER_TIMEOUT": patience}
        return self._launch(*arguments, "--workspace", self._folder / name, "--json", environment=environment)

    def submit(self, name: str, *options: str, **how: str) -> Any:
        return self.start(name, "submit", self.source, "--yes", *options, **how)

    def resume(self, name: str, run: str) -> dict[str, Any]:
        return ended(self.start(name, "resume", run, rate="60000/min"))

    def run(self, name: str) -> str:
        (run,) = ended(self.start(name, "runs"))["runs"]
        return str(run["run"])

    def wait_for_cases(self, number: int) -> None:
        wait_until(lambda: len(self.store.cases()) >= number)

    def assert_each_row_exists_once(self) -> None:
        made = Counter(case["creditorReference"] for case in self.store.cases())
        assert made == Counter(f"INV-{number}" for number in range(ROWS))


def wait_until(true: Callable[[], object]) -> None:
    until = time.monotonic() + 30
    while not true():
        assert time.monotonic() < until
        time.sleep(0.01)


def ended(process: Any) -> dict[str, Any]:
    process.wait(60)
    said: dict[str, Any] = process.said
    assert process.code == said["exit"], process.err
    return said


@pytest.fixture
def machines(
    tmp_path: Path, postgresql: Any, monkeypatch: pytest.MonkeyPatch, launch: Callable[..., Any]
) -> Iterator[Machines]:
    with serving(
        tmp_path / "outside.db", Settings(**WIDE, latency=0.05, faults=(Fault("lose-answer", every=29),))
    ) as url:
        journal = postgresql.database()
        monkeypatch.setenv("IMPORTER_JOURNAL", journal)
        monkeypatch.setenv("IMPORTER_API_URL", url)
        yield Machines(tmp_path, postgresql, journal, launch)


def test_two_machines_with_the_same_file_make_each_case_once(machines: Machines) -> None:
    first = machines.submit("first", "--wait", rate="60000/min", patience="20")
    second = machines.submit("second", "--wait", rate="60000/min", patience="20")

    counts = [ended(process)["counts"] for process in (first, second)]

    machines.assert_each_row_exists_once()
    assert sorted((count["created"], count["already-imported"]) for count in counts) == [(0, ROWS), (ROWS, 0)]


def test_a_second_machine_is_told_to_wait_while_the_first_sends(machines: Machines) -> None:
    first = machines.submit("first", rate="300/min")
    machines.wait_for_cases(1)
    said = ended(machines.submit("second"))
    first.kill()

    assert said["exit"] == 3
    assert "Another importer is sending for this account" in said["error"]


def test_a_killed_machine_is_followed_by_the_next_at_once_and_no_case_is_made_twice(machines: Machines) -> None:
    first = machines.submit("first")
    machines.wait_for_cases(20)
    first.kill()
    said = ended(machines.submit("second", "--wait", rate="60000/min"))

    machines.assert_each_row_exists_once()
    assert said["exit"] == 0
    assert said["counts"]["created"] + said["counts"]["already-imported"] == ROWS


def test_two_accounts_are_sent_for_at_the_same_time(machines: Machines) -> None:
    senders = [machines.submit("first", rate="300/min"), machines.submit("second", rate="300/min", key=OTHER)]

    wait_until(lambda: len(machines.server.execute(SENDERS, machines.journal)) == 2)
    wait_until(lambda: len(machines.server.execute(ACCOUNTS, machines.journal)) == 2)
    for sender in senders:
        sender.kill()


@pytest.mark.parametrize("then", ["the server restarts", "the session is ended"])
def test_a_run_whose_connection_is_lost_stops_and_is_resumed_without_a_duplicate(machines: Machines, then: str) -> None:
    process = machines.submit("first")
    machines.wait_for_cases(20)
    if then == "the server restarts":
        machines.server.stop()
        machines.server.start()
    else:
        machines.server.execute(END_SENDERS, machines.journal)
    said = ended(process)
    assert said["exit"] == 4
    assert said["error"].startswith(("Sending was stopped. The ", "The journal postgresql://bob@127.0.0.1"))
    assert len(machines.store.cases()) < ROWS

    assert machines.resume("first", machines.run("first"))["exit"] == 0

    machines.assert_each_row_exists_once()


def test_a_server_that_stays_away_stops_the_run_and_loses_nothing(machines: Machines) -> None:
    process = machines.submit("first")
    machines.wait_for_cases(20)
    run = machines.run("first")
    machines.server.stop()
    try:
        said = ended(process)
    finally:
        machines.server.start()
    assert said["exit"] == 4
    assert f"What was sent is in the journal; `importer report {run}` writes the report again." in said["error"]

    assert machines.resume("first", run)["exit"] == 0

    machines.assert_each_row_exists_once()


def test_a_machine_that_lost_its_connection_sends_nothing_after_the_next_one_has_begun(machines: Machines) -> None:
    first = machines.submit("first")
    machines.wait_for_cases(20)
    machines.server.execute(END_SENDERS, machines.journal)
    second = machines.submit("second", "--wait", rate="60000/min")
    assert ended(first)["exit"] == 4
    assert ended(second)["exit"] == 0

    machines.assert_each_row_exists_once()
