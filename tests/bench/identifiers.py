"""How fast a case is found in a large journal, and exported from it; prints the table of docs/identifiers.md.

    python tests/bench/identifiers.py --cases 250000 [--journal postgresql://…] [--keep FILE]

The journal is made anew from a fixed seed: runs of 10,000 rows, each case with one request, a tenth of them with a
standing. A PostgreSQL database has to be empty.
"""

from __future__ import annotations

import argparse
import random
import statistics
import tempfile
import time
from contextlib import closing
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

from importer import history, settings
from importer.journal import Journal
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


def build(place: str | Path, folder: Path, count: int) -> list[tuple[str, str, str]]:
    """Make the journal; return the identifiers of each case."""
    seeded = random.Random(SEED)  # noqa: S311 - a fixed series
    made: list[tuple[str, str, str]] = []
    with closing(Journal.open(place, folder)) as journal:
        for number, start in enumerate(range(0, count, RUN)):
            run = f"20260101-{number:06d}-bench-0000"
            identity = {"account": ACCOUNT, "target": "customer", "mode": "live"}
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
                        "sent_at": 1.8e9 + start + row,
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
                        "account": ACCOUNT,
                        "left_at": 1.8e9 + start + row,
                        "kind": "post",
                        "case_pk": start + row + 1,
                        "ended_at": 1.8e9 + start + row + 1,
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
    return f"{statistics.median(figures):.1f} / {sorted(figures)[int(len(figures) * 0.95)]:.1f} ms"


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
        print(f"{given.cases:,} cases journaled in {time.perf_counter() - began:.0f} s", flush=True)
        found = settings.load(workspace, {"journal": place} if given.journal else {})
        picked = random.Random(SEED).sample(made, given.repeat)  # noqa: S311 - a fixed series
        for name, position in (("case id", 0), ("Debitura's reference", 1), ("creditor reference", 2)):
            values = iter([one[position] for one in picked] * 2)

            def in_process(values: Iterator[str] = values) -> None:
                assert len(history.find(found, next(values))) == 1

            with closing(Journal.open(place, found.locks)) as journal:
                asked = iter([one[position] for one in picked] * 2)
                query = list(timed(given.repeat, lambda asked=asked, journal=journal: journal.find(next(asked))))
            calls = list(timed(given.repeat, in_process))
            print(f"| {name} | query {told(query)} | in-process call {told(calls)} |", flush=True)
        none = list(timed(given.repeat, lambda: history.find(found, "nothing-of-the-kind")))
        print(f"| none | | in-process call {told(none)} |", flush=True)


if __name__ == "__main__":
    main()
