"""Kills at any moment, answers lost after the case was made: every valid row's case exists exactly once."""

from __future__ import annotations

import json
import os
import random
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from contextlib import closing
from typing import TYPE_CHECKING, Any

import openpyxl
import pytest

from importer.sandbox import Fault, Settings, Store, serving

if TYPE_CHECKING:
    from pathlib import Path

PROGRAM = [sys.executable, "-c", "from importer.cli import main; main(prog_name='importer')"]
ROWS = 500


def source(path: Path) -> Path:
    header = "Invoice number,Currency,Invoice date,Amount,Debtor type,Customer,Street,City,Country code"
    rows = (
        f"INV-{number},EUR,2026-01-15,{number + 1}.50,Company,Example {number},1 St,Town,DE" for number in range(ROWS)
    )
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


def start(workspace: Path, *arguments: str, rate: str) -> subprocess.Popen[str]:
    command = [*PROGRAM, *arguments, "--workspace", str(workspace), "--json", "--rate", rate, "--timeout", "2"]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ)


def run_of(workspace: Path) -> str:
    listed = subprocess.run(
        [*PROGRAM, "runs", "--json", "--workspace", str(workspace)], capture_output=True, text=True, check=True
    )
    (run,) = json.loads(listed.stdout)["runs"]
    return str(run["run"])


def kill_and_resume(workspace: Path, kills: int, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Submit, kill, resume and kill again; then let the last resume come to its end, and return what it said."""
    choose = random.Random(kills)  # noqa: S311 - a seed, so that a failure can be seen again
    with serving(workspace / "outside.db", settings) as url:
        monkeypatch.setenv("IMPORTER_API_URL", url)
        monkeypatch.setenv("IMPORTER_API_KEY", "sandbox")
        store = Store(workspace / "outside.db")
        arguments = ["submit", str(source(workspace / "june.csv")), "--yes"]
        for _ in range(kills):
            before = len(store.cases())
            with start(workspace, *arguments, rate="6000/min") as process:
                until = time.monotonic() + 20
                while len(store.cases()) == before and process.poll() is None and time.monotonic() < until:
                    time.sleep(0.01)
                time.sleep(choose.uniform(0, 0.6))
                process.kill()
            arguments = ["resume", run_of(workspace)]
        with start(workspace, *arguments, rate="60000/min") as process:
            out, err = process.communicate()
    assert process.returncode == 0, err
    said: dict[str, Any] = json.loads(out)
    return said


def assert_each_row_exists_once(workspace: Path, said: dict[str, Any]) -> None:
    cases = Store(workspace / "outside.db").cases()
    assert Counter(case["creditorReference"] for case in cases) == Counter(f"INV-{number}" for number in range(ROWS))
    assert said["counts"]["created"] == ROWS
    header, *rows = openpyxl.load_workbook(said["report"])["Results"].iter_rows(values_only=True)
    told = [dict(zip(header, row, strict=True)) for row in rows]
    assert {(row["Creditor reference"], row["Case id"], row["Status"]) for row in told} == {
        (case["creditorReference"], case["id"], "created") for case in cases
    }


@pytest.mark.parametrize(
    "settings",
    [
        Settings(minute=1_000_000, hour=1_000_000, day=1_000_000, latency=0.05),
        Settings(
            minute=1_000_000, hour=1_000_000, day=1_000_000, latency=0.05, faults=(Fault("lose-answer", every=7),)
        ),
    ],
    ids=["killed", "killed, and answers lost"],
)
def test_a_run_that_is_killed_again_and_again_makes_each_case_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    said = kill_and_resume(tmp_path, 3, settings, monkeypatch)

    assert_each_row_exists_once(tmp_path, said)


def test_answers_lost_after_the_case_was_made_make_no_second_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(minute=1_000_000, hour=1_000_000, day=1_000_000, faults=(Fault("lose-answer", every=3),))

    said = kill_and_resume(tmp_path, 0, settings, monkeypatch)

    assert_each_row_exists_once(tmp_path, said)


@pytest.mark.soak
@pytest.mark.parametrize("kills", [20, 21, 22, 23])
def test_many_kills_and_lost_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kills: int) -> None:
    settings = Settings(
        minute=1_000_000, hour=1_000_000, day=1_000_000, latency=0.1, faults=(Fault("lose-answer", every=11),)
    )

    said = kill_and_resume(tmp_path, kills, settings, monkeypatch)

    assert_each_row_exists_once(tmp_path, said)


@pytest.mark.soak
def test_the_permitted_pace_is_used_evenly_and_never_exceeded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """5,000 rows at 2,000 a minute and 300 ms of latency: at least 97 % of the pace, and no 429."""
    path = tmp_path / "many.csv"
    header = "Invoice number,Currency,Invoice date,Amount,Debtor type,Customer,Street,City,Country code"
    path.write_text(
        "\n".join([header, *(f"P-{n},EUR,2026-01-15,{n + 1},Company,E,1 St,Town,DE" for n in range(5_000))])
    )
    with serving(tmp_path / "outside.db", Settings(latency=0.3)) as url:
        monkeypatch.setenv("IMPORTER_API_URL", url)
        monkeypatch.setenv("IMPORTER_API_KEY", "sandbox")
        with start(tmp_path, "submit", str(path), "--yes", rate="2000/min") as process:
            out, err = process.communicate()

    with closing(sqlite3.connect(tmp_path / "journal.db")) as journal:
        left = [
            when for (when,) in journal.execute("select left_at from requests where kind = 'post' order by left_at")
        ]
        results = dict(journal.execute("select result, count(*) from requests group by result"))
    pace = (len(left) - 1) / (left[-1] - left[0]) * 60
    print(f"{pace:.1f} a minute; answers: {results}")  # noqa: T201 - the figure is what the proof is for
    assert json.loads(out)["counts"]["created"] == 5_000, err
    assert set(results) == {None, "200"}
    assert 0.97 * 2_000 <= pace <= 2_000
    busiest = max(sum(1 for other in left[i : i + 60] if other < moment + 1) for i, moment in enumerate(left))
    assert busiest <= 45
