"""The API's windows, kept by whole programs: over restarts, by several at once, while an hour or a day is spent."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from importer.journal import Journal
from importer.pipeline.account import Api, credential_of, sending_account
from importer.protocol import Answer, Lost
from importer.sandbox import Fault, Settings, Store, serving
from importer.settings import load

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from importer.protocol import Reply

    Importer = Callable[..., Any]

PROGRAM = [sys.executable, "-c", "from importer.cli import main; main(prog_name='importer')"]
HEADER = "Invoice number,Currency,Invoice date,Amount,Debtor type,Customer,Street,City,Country code"
HOUR = 3600.0  # seconds


def source(path: Path, name: str, rows: int) -> str:
    lines = (f"{name}-{number},EUR,2026-01-15,{number + 1},Company,Example,1 St,Town,DE" for number in range(rows))
    (path / f"{name}.csv").write_text("\n".join([HEADER, *lines]) + "\n")
    return str(path / f"{name}.csv")


def start(workspace: Path, url: str, *arguments: str, rate: str, key: str = "sandbox") -> subprocess.Popen[str]:
    command = [*PROGRAM, *arguments, "--workspace", str(workspace), "--json", "--rate", rate]
    environment = {**os.environ, "IMPORTER_API_URL": url, "IMPORTER_API_KEY": key}
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)


def requests(workspace: Path, columns: str = "left_at, kind, result, account") -> list[Any]:
    with closing(sqlite3.connect(workspace / "journal.db")) as journal:
        return journal.execute(f"select {columns} from requests order by left_at").fetchall()


def counted(database: Path, key: str = "sandbox") -> dict[str, Any]:
    """Tell what the API has counted of *key*; once its server has ended."""
    with closing(sqlite3.connect(database)) as sandbox:
        (spent,) = sandbox.execute("select spent from windows where key = ?", (key,)).fetchone()
    told: dict[str, Any] = json.loads(spent)
    return told


def until_the_full_hour(seconds: float) -> Fault:
    """Set the API's clock so that its next hour begins in so many seconds."""
    return Fault("clock-skew", seconds=-time.time() % HOUR - seconds)


def pace(left: list[float]) -> float:
    """Return requests a minute, from the first to the last."""
    return (len(left) - 1) / (left[-1] - left[0]) * 60


@pytest.mark.soak
def test_an_hour_is_used_up_by_two_runs_and_the_next_one_is_waited_for(tmp_path: Path) -> None:
    """30 a minute, 100 an hour: 46 and 78 requests, and an hour of the API's that ends after 280 seconds."""
    skew = until_the_full_hour(280)
    first, second = source(tmp_path, "first", 45), source(tmp_path, "second", 77)
    with serving(tmp_path / "outside.db", Settings(minute=30, hour=100, faults=(skew,))) as url:
        for file in (first, second):
            with start(tmp_path, url, "submit", file, "--yes", rate="30/min,100/h") as process:
                _, err = process.communicate()
            assert process.returncode == 0, err

    left = [when for when, *_ in requests(tmp_path)]
    hours = Counter((when + skew.seconds) // HOUR for when in left)
    spent = [when for when in left if (when + skew.seconds) // HOUR == min(hours)]
    boundary = (max(hours) * HOUR) - skew.seconds
    print(f"{pace(spent):.1f} a minute; by hour {dict(hours)}; {left[len(spent)] - boundary:.1f} s into the next")  # noqa: T201 - the figures are what the proof is for
    assert Counter(result for _, _, result, _ in requests(tmp_path)) == {"200": 124}
    assert counted(tmp_path / "outside.db")["in_hour"] == max(hours.items())[1]
    assert 95 <= len(spent) <= 100
    assert 0.95 * 30 <= pace(spent) <= 30
    assert left[len(spent)] - boundary < 5
    assert "the hour's requests are spent" in err


@pytest.mark.soak
def test_two_runs_of_one_account_and_one_of_another_keep_each_keys_windows(tmp_path: Path) -> None:
    skew = until_the_full_hour(3000)
    with serving(tmp_path / "outside.db", Settings(minute=30, hour=100, faults=(skew,))) as url:
        began = [
            start(tmp_path, url, "submit", source(tmp_path, name, rows), "--yes", "--wait", rate="30/min", key=key)
            for name, rows, key in [("a", 35, "sandbox"), ("b", 35, "sandbox"), ("c", 70, "sandbox-other")]
        ]
        ends = [(*process.communicate(), process.returncode) for process in began]

    assert [code for *_, code in ends] == [0, 0, 0], ends
    every = requests(tmp_path)
    assert {result for _, _, result, _ in every} == {"200"}
    accounts = {account for *_, account in every}
    left = {account: [when for when, *_, who in every if who == account] for account in accounts}
    print(*(f"{pace(times):.1f} a minute" for times in left.values()))  # noqa: T201 - as above
    assert sorted(map(len, left.values())) == [71, 72]
    assert [counted(tmp_path / "outside.db", key)["in_hour"] for key in ("sandbox", "sandbox-other")] == [72, 71]
    assert all(0.95 * 30 <= pace(times) <= 30 for times in left.values())
