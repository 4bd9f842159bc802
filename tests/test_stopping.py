"""How a run ends before its end: by a signal, by the API, by the account; nothing is lost, and `resume` goes on."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from importer.sandbox import Fault, Settings, Store, serving

if TYPE_CHECKING:
    from collections.abc import Callable

HEADER = "Invoice number,Currency,Invoice date,Amount,Debtor type,Customer,Street,City,Country code"
ENDLESS = Settings(minute=10**9, hour=10**9, day=10**9)


def source(path: Path, *countries: str) -> Path:
    rows = (f"INV-{n},EUR,2026-01-15,{n + 1},Company,Example {n},1 St,Town,{c}" for n, c in enumerate(countries))
    path.write_text("\n".join([HEADER, *rows]) + "\n")
    return path


def faulty(*orders: str) -> Settings:
    return replace(ENDLESS, faults=tuple(map(Fault.parse, orders)))


@dataclass
class Outside:
    """A workspace, and an API outside of it."""

    workspace: Path
    launch: Callable[..., Any]
    settings: Settings = ENDLESS

    def start(self, url: str, *arguments: object, before: str = "") -> Any:
        options = ("--workspace", self.workspace, "--json", "--timeout", 20, "--rate", "60000/min")
        environment = {"IMPORTER_API_URL": url, "IMPORTER_API_KEY": "sandbox"}
        return self.launch(*arguments, *options, environment=environment, before=before)

    def submit(self, *countries: str, options: tuple[str, ...] = ()) -> Any:
        """Submit a row for each of *countries*, and wait for the end."""
        with self.serve() as url:
            process = self.start(url, "submit", source(self.workspace / "june.csv", *countries), "--yes", *options)
            process.wait()
        return process

    def cases(self) -> list[dict[str, object]]:
        return Store(self.workspace / "outside.db").cases()

    def serve(self, settings: Settings | None = None) -> Any:
        return serving(self.workspace / "outside.db", settings or self.settings)

    def resume(self, run: str) -> dict[str, Any]:
        with self.serve(ENDLESS) as url:
            process = self.start(url, "resume", run)
            process.wait()
        said: dict[str, Any] = process.said
        return said


@pytest.fixture
def outside(tmp_path: Path, launch: Callable[..., Any]) -> Outside:
    return Outside(tmp_path, launch)


def wait_for(condition: Callable[[], bool], patience: float = 30.0) -> None:
    until = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.01)


def assert_resume_makes_each_case_once(outside: Outside, said: dict[str, Any], rows: int) -> None:
    again = outside.resume(said["run"])

    assert again["counts"]["created"] == rows
    assert Counter(case["creditorReference"] for case in outside.cases()) == Counter(f"INV-{n}" for n in range(rows))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda number: number.name)
def test_a_signal_ends_the_run_in_bounded_time_though_no_answer_comes(outside: Outside, number: signal.Signals) -> None:
    """Every fifth case is made, and its answer would come in twenty seconds."""
    outside.settings = faulty("hang-after:every=5,seconds=20")
    file = source(outside.workspace / "june.csv", *["DE"] * 30)
    with outside.serve() as url:
        process = outside.start(url, "submit", file, "--yes")
        wait_for(lambda: len(outside.cases()) == 30)
        process.kill(number)
        began = time.monotonic()
        process.wait()
        lasted = time.monotonic() - began

    said = process.said
    assert (process.code, said["exit"]) == (130, 130), process.err
    assert (said["counts"]["created"], said["counts"]["unknown"]) == (24, 6)
    assert lasted < 12
    assert Path(said["report"]).exists()
    assert_resume_makes_each_case_once(outside, said, 30)


def test_a_second_signal_stops_at_once_and_loses_nothing(outside: Outside) -> None:
    outside.settings = faulty("hang-after:every=5,seconds=20")
    file = source(outside.workspace / "june.csv", *["DE"] * 30)
    with outside.serve() as url:
        process = outside.start(url, "submit", file, "--yes")
        wait_for(lambda: len(outside.cases()) == 30)
        process.kill(signal.SIGINT)
        wait_for(lambda: "Interrupt again to stop at once" in process.err)
        process.kill(signal.SIGINT)
        began = time.monotonic()
        process.wait()
        lasted = time.monotonic() - began

    said = process.said
    assert said["exit"] == 130, process.err
    assert lasted < 4.5
    assert Path(said["report"]).exists()
    assert_resume_makes_each_case_once(outside, said, 30)


def test_a_run_that_was_told_to_ignore_hang_ups_does(outside: Outside) -> None:
    outside.settings = replace(ENDLESS, latency=0.1)
    file = source(outside.workspace / "june.csv", *["DE"] * 200)
    with outside.serve() as url:
        process = outside.start(
            url, "submit", file, "--yes", before="import signal; signal.signal(signal.SIGHUP, signal.SIG_IGN)"
        )
        wait_for(lambda: len(outside.cases()) > 5)
        process.kill(signal.SIGHUP)
        process.wait()

    assert process.said["counts"]["created"] == 200, process.err


def test_a_key_that_is_revoked_in_mid_run_stops_it_and_says_how_many_rows_are_left(outside: Outside) -> None:
    outside.settings = faulty("deny:after=40")

    process = outside.submit(*["DE"] * 100)

    said = process.said
    assert said["exit"] == 4
    assert said["error"] == (
        "The API key is not accepted (401: The API key was revoked.). Put the right one in IMPORTER_API_KEY."
    )
    assert f"Rows not sent: 60, unknown: 0. Go on with: importer resume {said['run']}" in process.err
    assert (said["counts"]["created"], said["counts"]["not-sent"], len(outside.cases())) == (40, 60, 40)
    assert_resume_makes_each_case_once(outside, said, 100)


def test_an_api_that_goes_away_for_long_stops_the_run(outside: Outside) -> None:
    outside.settings = replace(ENDLESS, latency=0.3)
    file = source(outside.workspace / "june.csv", *["DE"] * 500)
    with outside.serve() as url:
        process = outside.start(url, "submit", file, "--yes")
        wait_for(lambda: len(outside.cases()) > 20)
    process.wait()

    said = process.said
    assert said["exit"] == 4, process.err
    assert said["error"].startswith(("The API cannot be reached: ", "10 answers in a row were lost or unreadable"))
    assert said["counts"]["created"] + said["counts"]["unknown"] + said["counts"]["not-sent"] == 500
    assert_resume_makes_each_case_once(outside, said, 500)


def test_a_country_without_a_contract_is_held_back_with_the_link_that_cures_it(outside: Outside) -> None:
    process = outside.submit(*["DE", "GR"] * 40)

    said = process.said
    assert said["exit"] == 4, process.err
    assert said["error"] == (
        "No more rows for GR in EUR are sent. A Power of Attorney with the collection partner must be signed before "
        "creating cases. https://app.debitura.com/settings/power-of-attorney `importer resume` sends them once that is "
        "settled."
    )
    assert said["counts"]["created"] == 40
    assert said["counts"]["rejected"] >= 3
    assert said["counts"]["rejected"] + said["counts"]["not-sent"] == 40


def test_who_keeps_going_is_told_of_each_row_that_is_refused(outside: Outside) -> None:
    process = outside.submit(*["DE", "GR"] * 20, options=("--keep-going",))

    counts = process.said["counts"]
    assert (process.code, counts["created"], counts["rejected"]) == (1, 20, 20), process.err


def test_a_pause_of_hours_ends_the_run_and_says_until_when(outside: Outside) -> None:
    outside.settings = faulty("throttle:after=40,seconds=20000")

    said = outside.submit(*["DE"] * 100).said

    assert said["exit"] == 4
    assert said["error"].startswith("The API allows this key no more requests until ")
    assert_resume_makes_each_case_once(outside, said, 100)


def test_a_pause_of_centuries_is_taken_for_one_that_was_not_said(outside: Outside) -> None:
    outside.settings = faulty("throttle-absurd:after=40,times=1")

    assert outside.submit(*["DE"] * 100).said["counts"]["created"] == 100


@pytest.mark.parametrize("where", ["importer.cli", "importer.cli.options"])
def test_an_interrupt_while_the_program_is_loading_is_one_like_any_other(tmp_path: Path, where: str) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import sys\n"
        "class Interrupting:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        f"        if name == {where!r}:\n"
        "            raise KeyboardInterrupt\n"
        "sys.meta_path.insert(0, Interrupting())\n"
    )
    program = [sys.executable, "-m", "importer", "find", "INV-1", "--json"]
    root = Path(__file__).parent.parent

    ran = subprocess.run(
        program,
        env={**os.environ, "PYTHONPATH": f"{tmp_path}:{root}"},
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )

    assert (ran.returncode, json.loads(ran.stdout)["exit"]) == (130, 130)
    assert ran.stderr == "Interrupted; nothing more was done.\n"
