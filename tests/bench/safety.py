"""What durability costs: rows a second with the journal on the disk, against the same requests without any journal.

    python tests/bench/safety.py                                          SQLite
    IMPORTER_JOURNAL=postgresql://… python tests/bench/safety.py          that journal

The sandbox runs beside it, without limits and in a process of its own. Every figure is the median of the rounds.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from importer import settings
from importer.client import Client
from importer.journal.commits import Commits
from importer.pipeline.account import Api
from importer.pipeline.job import Job
from importer.pipeline.submitting import submit
from importer.protocol import Answer
from importer.throttle import Rate

if TYPE_CHECKING:
    from collections.abc import Iterator

    from importer.protocol import Reply

PROGRAM = [sys.executable, "-c", "from importer.cli import main; main(prog_name='importer')"]
LIMITS = "900000000/min,900000000/h,900000000/d"
LEVELS = (1, 8, 32)
HEADINGS = ("in flight", "rows/s", "rows/s without journal", "ratio", "rows a commit", "waits: journal", "waits: API")
CPU_HEADINGS = ("CPU ms a row: importer", "of it sending without journal", "sandbox")


@dataclass(frozen=True)
class Measured:
    """One round at one level.

    Attributes:
        speed: Rows a second, from the first request to the last answer.
        bare: The same, of the client alone.
        commits: Transactions that the sending took.
        journal, api: Seconds that rows waited for a commit, and for an answer, added up.
        cpu, bare_cpu, sandbox_cpu: Seconds of processor time.
    """

    speed: float
    bare: float
    commits: int
    journal: float
    api: float
    cpu: float
    bare_cpu: float
    sandbox_cpu: float


class Watched:
    """Looks on, and keeps the time."""

    def begin(self, _total: int) -> None:
        """Start the clock when the sending starts."""
        self.began, self.cpu = time.monotonic(), time.process_time()

    def settled(self, _status: object) -> None:
        """Stop the clock with the last row."""
        self.ended, self.cpu_ended = time.monotonic(), time.process_time()

    def waiting(self, _reason: str, _until: float) -> None:
        """Take no notice."""

    def stopping(self) -> None:
        """Take no notice."""


@contextmanager
def counted() -> Iterator[Counter[str]]:
    """Add up what rows wait for."""
    waits: Counter[str] = Counter()
    note, commit, post = Commits._together, Commits._commit, Client.post

    async def timed_note(self: Commits, doing: Any, item: Any) -> Any:
        began = time.monotonic()
        try:
            return await note(self, doing, item)
        finally:
            waits["journal"] += time.monotonic() - began  # type: ignore[assignment]  # seconds

    def counted_commit(self: Commits, noted: Any) -> Any:
        waits["commits"] += 1
        return commit(self, noted)

    async def timed_post(self: Client, path: str, body: bytes, key: str) -> Reply:
        began = time.monotonic()
        try:
            return await post(self, path, body, key)
        finally:
            waits["api"] += time.monotonic() - began  # type: ignore[assignment]  # seconds

    Commits._together, Commits._commit, Client.post = timed_note, counted_commit, timed_post  # type: ignore[method-assign]
    try:
        yield waits
    finally:
        Commits._together, Commits._commit, Client.post = note, commit, post  # type: ignore[method-assign]


@contextmanager
def sandbox(folder: Path) -> Iterator[tuple[str, list[float]]]:
    """Serve a sandbox in a process of its own; yields its URL, and a list that holds its processor time afterwards."""
    command = [*PROGRAM, "sandbox", "--port", "0", "--limits", LIMITS, "--workspace", str(folder), "--quiet"]
    used: list[float] = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            yield process.stdout.readline().strip(), used
        finally:
            process.send_signal(signal.SIGINT)
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = status
            used.append(usage.ru_utime + usage.ru_stime)


async def send_bare(url: str, bodies: list[bytes], ceiling: int) -> None:
    """Send the same bodies with the same client, and keep no journal."""
    rows = iter(enumerate(bodies))
    async with Client(url, "sandbox-bare", timeout=30) as client:

        async def work() -> None:
            for number, body in rows:
                reply = await client.post("/cases", body, f"key-{number}")
                assert isinstance(reply, Answer)
                assert reply.status == 200

        await asyncio.gather(*(work() for _ in range(ceiling)))


def measure(rows: int, ceiling: int) -> Measured:
    """Send *rows* with at most *ceiling* requests in flight, with the journal and without."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source = folder / "june.csv"
        header = "Invoice number,Currency,Invoice date,Amount,Debtor type,Customer,Street,City,Country code"
        lines = (f"INV-{n},EUR,2026-01-15,{n + 1}.50,Company,Example {n},1 St,Town,DE" for n in range(rows))
        source.write_text("\n".join([header, *lines]) + "\n")
        chosen = replace(settings.load(folder, {}), concurrency=ceiling, rate=Rate(10**9, 10**9, 10**9))
        watched = Watched()
        with sandbox(folder) as (url, used), counted() as waits:
            api = Api(url, "sandbox")
            ending = submit(Job((source,)), chosen, api, confirm=lambda _: True, watcher=watched)
        assert ending.figures.counts["created"] == rows
        bodies = [
            b'{"creditorReference":"INV-%d","currencyCode":"EUR","date":"2026-01-15","amountToRecover":%d.50,"debtor":{'
            b'"type":"Company","name":"Example %d","address":"1 St","city":"Town","countryAlpha2":"DE"}}'
            % (n, n + 1, n)
            for n in range(rows)
        ]
        with sandbox(folder) as (url, _):
            began, cpu = time.monotonic(), time.process_time()
            asyncio.run(send_bare(url, bodies, ceiling))
            lasted, bare_cpu = time.monotonic() - began, time.process_time() - cpu
    return Measured(
        speed=rows / (watched.ended - watched.began),
        bare=rows / lasted,
        commits=waits["commits"],
        journal=waits["journal"],
        api=waits["api"],
        cpu=watched.cpu_ended - watched.cpu,
        bare_cpu=bare_cpu,
        sandbox_cpu=used[0],
    )


def main() -> None:
    """Measure at each level, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rows", type=int, default=2_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--write", type=Path, help="the page whose table is to be written anew")
    chosen = parser.parse_args()
    headings = (*HEADINGS, *CPU_HEADINGS)
    lines = [f"| {' | '.join(headings)} |", f"|{'---:|' * len(headings)}"]
    for ceiling in LEVELS:
        rounds = [measure(chosen.rows, ceiling) for _ in range(chosen.rounds)]

        def middle(name: str, rounds: list[Measured] = rounds) -> float:
            return median(getattr(one, name) for one in rounds)

        waited = middle("journal") + middle("api")
        each = 1_000 / chosen.rows
        lines.append(
            f"| {ceiling} | {middle('speed'):.0f} | {middle('bare'):.0f} "
            f"| {median(one.speed / one.bare for one in rounds):.2f} | {chosen.rows / middle('commits'):.1f} "
            f"| {middle('journal') / waited:.0%} | {middle('api') / waited:.0%} "
            f"| {middle('cpu') * each:.2f} | {middle('bare_cpu') * each:.2f} | {middle('sandbox_cpu') * each:.2f} |"
        )
        print(lines[-1], flush=True)
    if chosen.write:
        before, _, _ = chosen.write.read_text(encoding="utf-8").partition("| in flight |")
        chosen.write.write_text(before + "\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
