"""How fast a case is found in a large journal, and all are exported; prints the tables of docs/identifiers.md.

    python tests/bench/identifiers.py --cases 250000 [--journal postgresql://…]

The journal is made anew from a fixed seed: runs of 10,000 rows, each case with one request, a tenth of them with a
standing. A PostgreSQL database has to be empty.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

from importer import history, settings
from importer.journal import Journal, identifying
from importer.journal.tables import requests
from importer.model import Case

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SEED = 20261121
RUN = 10_000  # cases of a run
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
ACCOUNT = "loopback/3fa85f64-5717-4562-b3fc-2c963f66afa6"


def case(row: int, reference: str) -> Case:
    return Case(
        row=row,
        creditor="",
        reference=reference,
        has_reference=True,
        guarded=True,
        n=0,
        key=f"{row:064x}",
        body=b"",
        amount=Decimal("1250.00"),
        currency="EUR",
        group="DE EUR",
        fingerprints={f"field{number}": "0" * 16 for number in range(12)},
        debtor="",
        date=date(2026, 1, 1),
    )


def build(place: str | Path, folder: Path, count: int, account: str = ACCOUNT) -> list[tuple[str, str, str]]:
    """Make the journal; return the identifiers of each case."""
    seeded = random.Random(SEED)  # noqa: S311 - a fixed series
    made: list[tuple[str, str, str]] = []
    with closing(Journal.open(place, folder)) as journal:
        for number, start in enumerate(range(0, count, RUN)):
            run = f"20260101-{number:06d}-bench-0000"
            identity = {"account": account, "target": "customer", "mode": "live"}
            found = [
                (str(UUID(int=seeded.getrandbits(128), version=4)), "".join(seeded.choices(LETTERS, k=8)), f"INV-{n}")
                for n in range(start, min(count, start + RUN))
            ]
            planned = [
                (
                    case(row, reference),
                    {
                        "status": "created",
                        "case_id": case_id,
                        "case_reference": short,
                        "lifecycle": "Active",
                        "body": None,
                        "attempts": 1,
                        "sent_at": 1.7e9 + start + row,
                    },
                )
                for row, (case_id, short, reference) in enumerate(found, start=2)
            ]
            with journal.begin() as connection:
                summary = {"sources": [f"bench-{number}.csv"]}
                journal.add_run(connection, run, **identity, resumable=False, summary=summary)
                journal.add_cases(connection, run, **identity, planned=planned)
                left = [
                    {
                        "account": account,
                        "left_at": 1.7e9 + start + row,
                        "kind": "post",
                        "case_pk": start + row + 1,
                        "ended_at": 1.7e9 + start + row + 1,
                        "result": "200",
                    }
                    for row in range(len(found))
                ]
                connection.execute(requests.insert(), left)
            made += found
    return made


def timed(repeat: int, work: Callable[[], Any]) -> Iterator[float]:
    for _ in range(repeat):
        began = time.perf_counter()
        work()
        yield (time.perf_counter() - began) * 1000


def told(figures: list[float]) -> str:
    ordered = sorted(figures)
    return f"{statistics.median(ordered):.1f} | {ordered[int(len(ordered) * 0.95)]:.1f}"


def measure_finding(found: settings.Settings, made: list[tuple[str, str, str]], repeat: int) -> None:
    """Print what it takes to find cases: the query, the call in a process that runs, and a process of its own."""
    picked = random.Random(SEED).sample(made, repeat)  # noqa: S311 - a fixed series
    print("| by | query, ms | 95 % | in-process call, ms | 95 % | its processor time | whole process, ms | 95 % |")
    print("|---|---:|---:|---:|---:|---:|---:|---:|")
    nobody = "nothing-of-the-kind"
    for name, values in (
        ("case id", [one[0] for one in picked]),
        ("Debitura's reference", [one[1] for one in picked]),
        ("creditor reference", [one[2] for one in picked]),
        ("one that nobody has", [nobody] * repeat),
    ):
        with closing(Journal.open(found.journal, found.locks)) as journal, journal.reading() as connection:
            asked = iter(values)
            query = list(timed(repeat, lambda asked=asked, via=connection: identifying.find(via, next(asked))))
        asked = iter(values)

        def call(asked: Iterator[str] = asked) -> None:
            value = next(asked)
            assert len(history.find(found, value)) == (value != nobody)

        began = time.process_time()
        calls = list(timed(repeat, call))
        spent = (time.process_time() - began) * 1000 / repeat
        asked = iter(values)
        process = list(timed(5, lambda asked=asked: run_find(found, next(asked))))
        print(f"| {name} | {told(query)} | {told(calls)} | {spent:.1f} | {told(process)} |", flush=True)


def run_find(found: settings.Settings, value: str) -> None:
    program = "from importer.cli import main; main(prog_name='importer')"
    environment = {**os.environ, "IMPORTER_JOURNAL": str(found.journal)}
    command = [sys.executable, "-c", program, "find", value, "--workspace", str(found.workspace), "--quiet"]
    subprocess.run(command, env=environment, check=False, capture_output=True)


def measure_exports(found: settings.Settings) -> None:
    """Print what each export takes, each in a process of its own, so that its memory is its own."""
    print("| format | seconds | most memory, MB | file, MB |")
    print("|---|---:|---:|---:|")
    for kind in ("csv", "json", "xlsx"):
        path = found.workspace / f"identifiers.{kind}"
        environment = {**os.environ, "IMPORTER_JOURNAL": str(found.journal)}
        command = [
            sys.executable,
            "-c",
            EXPORT,
            "identifiers",
            "--workspace",
            str(found.workspace),
            "--output",
            str(path),
        ]
        began = time.perf_counter()
        ran = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
        seconds = time.perf_counter() - began
        memory = int(ran.stderr.rsplit("memory ", 1)[1]) / 1024
        print(f"| {kind} | {seconds:.1f} | {memory:.0f} | {path.stat().st_size / 1e6:.0f} |", flush=True)


# Not `ru_maxrss`, which begins with the memory of the process that started this one.
EXPORT = """
import re, sys
from pathlib import Path
from importer.cli import main
try:
    main(prog_name="importer")
finally:
    peak = re.search(r"VmHWM:\\s+([0-9]+)", Path("/proc/self/status").read_text())[1]
    print("memory", peak, file=sys.stderr)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=250_000)
    parser.add_argument("--journal", help="An empty PostgreSQL database; by default an SQLite file.")
    parser.add_argument("--repeat", type=int, default=200)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        workspace = Path(folder)
        place = given.journal or workspace / "journal.db"
        began = time.perf_counter()
        made = build(place, workspace / "locks", given.cases)
        print(f"{given.cases:,} cases journaled in {time.perf_counter() - began:.0f} s\n", flush=True)
        found = settings.load(workspace, {}, {"IMPORTER_JOURNAL": str(place)})
        measure_finding(found, made, given.repeat)
        print()
        measure_exports(found)


if __name__ == "__main__":
    main()
