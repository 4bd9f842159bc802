"""Holds the importer against others that do the same work, in the same run: prints a table and writes it as JSON.

    python tests/bench/suite.py [--rounds 5] [--only check|start|submit] [--rows 100000] [--folder DIR] [--json FILE]

The others are set up in a virtual environment of their own, in the folder, and stay there for the next time, as do the
sources, which are made from a fixed seed. Each command runs in a process of its own, from a cold start, in turn with the
one it is held against; a line gives the medians and the median of the ratios. Seconds say something about a machine, a
ratio about the programs. Memory is the most that a process and those it started held at once.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import venv
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from invoices import FAULTS, MAKERS, columns
from measuring import Spent, measure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

HERE = Path(__file__).parent
PROGRAM = [sys.executable, "-m", "importer"]
ENDLESS = "900000000/min,900000000/h,900000000/d"
POSTED = 3_000  # rows of a contest in posting
FIELDS = 15  # columns of a source that feed fields; they come first


@dataclass(frozen=True)
class Line:
    """A contest's outcome.

    Attributes:
        name: What was done, by whom.
        ours, peer: Seconds, medians.
        ratio: The median of ours to the peer's, of each round.
        target: What it is to be at most.
        our_memory, peer_memory: Bytes.
        our_processor, peer_processor: Seconds.
    """

    name: str
    ours: float
    peer: float
    ratio: float
    target: float | None
    our_memory: int
    peer_memory: int
    our_processor: float
    peer_processor: float

    def __str__(self) -> str:
        target = "" if self.target is None else f"{self.target:.2f}"
        return (
            f"| {self.name} | {self.ours:.2f} | {self.peer:.2f} | {self.ratio:.2f} | {target} "
            f"| {self.our_memory / 1e6:,.0f} | {self.peer_memory / 1e6:,.0f} "
            f"| {self.our_processor:.2f} | {self.peer_processor:.2f} |"
        )


HEADINGS = (
    "what, and against whom",
    "ours (s)",
    "peer (s)",
    "ratio",
    "at most",
    "our MB",
    "peer's MB",
    "our CPU (s)",
    "peer's CPU (s)",
)


class Suite:
    """Runs contests, and keeps their lines.

    Attributes:
        folder: Where the peers and the sources lie.
        rounds: How often each command runs.
        lines: What came of it.
    """

    def __init__(self, folder: Path, rounds: int) -> None:
        self.folder = folder
        self.rounds = rounds
        self.lines: list[Line] = []
        folder.mkdir(parents=True, exist_ok=True)
        self._peers = set_up_peers(folder)

    def hold(
        self, name: str, ours: Callable[[Path], Spent], peer: Callable[[Path], Spent], target: float | None = None
    ) -> None:
        """Run ours and the peer's in turn, each in an empty folder, and print the line."""
        pairs = []
        for _ in range(self.rounds):
            pair = []
            for run in (ours, peer):
                with tempfile.TemporaryDirectory(dir=self.folder) as place:
                    pair.append(run(Path(place)))
            pairs.append(pair)
        our, theirs = [one for one, _ in pairs], [other for _, other in pairs]
        line = Line(
            name,
            median(one.seconds for one in our),
            median(one.seconds for one in theirs),
            median(one.seconds / other.seconds for one, other in pairs),
            target,
            int(median(one.together for one in our)),
            int(median(one.together for one in theirs)),
            median(one.processor for one in our),
            median(one.processor for one in theirs),
        )
        self.lines.append(line)
        print(line, flush=True)

    def peer(self, program: str) -> str:
        """Give the path of a program of the peers' environment."""
        return str(self._peers / "bin" / program)

    def source(self, kind: str, rows: int, faulty: float) -> Path:
        """Give a source, made once."""
        path = self.folder / f"{rows}-{faulty:.2f}.{kind}"
        if not path.exists():
            MAKERS[kind](path, rows, faulty)
        return path

    def schema(self) -> Path:
        """Write what the rules are in the words of frictionless: those that it can say."""
        fields = []
        for name in columns():
            rules: dict[str, object] = {"required": True} if name in REQUIRED else {}
            fields.append({"name": name, "type": TYPES.get(name, "string"), "constraints": rules | RULES.get(name, {})})
        path = self.folder / "schema.json"
        path.write_text(json.dumps({"fields": fields}))
        return path


REQUIRED = ("creditorReference", "date", *FAULTS, "debtor.name", "debtor.address")
TYPES = {"date": "date", "dueDate": "date", "amountToRecover": "number"}
RULES: dict[str, dict[str, object]] = {
    "creditorReference": {"unique": True, "maxLength": 50},
    "date": {"maximum": "2026-11-01"},
    "dueDate": {"maximum": "2027-11-01"},
    "amountToRecover": {"minimum": 0.01},
    "currencyCode": {"enum": ["CHF", "DKK", "EUR", "GBP", "NOK", "PLN", "SEK", "USD"]},
    "debtor.type": {"enum": ["Company", "Private"]},
    "debtor.countryAlpha2": {
        "enum": ["AT", "BE", "CH", "DE", "DK", "ES", "FI", "FR", "GB", "IT", "NL", "NO", "SE", "US"]
    },
    "debtor.email": {"pattern": r"[^@\s]+@[^@\s]+"},
    "debtor.phone": {"pattern": r"(\+|00).*"},
    "claimDescription": {"maxLength": 4000},
}


def set_up_peers(folder: Path) -> Path:
    """Set up the others' virtual environment where it is not there yet, or is another one."""
    wanted = (HERE / "peers" / "requirements.txt").read_text()
    path, mark = folder / "peers", folder / "peers" / "requirements.txt"
    if not mark.exists() or mark.read_text() != wanted:
        venv.create(path, clear=True, with_pip=True)
        requirements = str(HERE / "peers" / "requirements.txt")
        subprocess.run([path / "bin" / "pip", "install", "-q", "-r", requirements], check=True)
        mark.write_text(wanted)
    return path


def check(suite: Suite, rows: Sequence[int] | None) -> None:
    """Judge all rows: from a cold start to the exit, ours with its report and without."""
    schema = str(suite.schema())
    for kind, height, faulty, target, alone in CHECKS:
        if rows and height not in rows:
            continue
        source = str(suite.source(kind, height, faulty))
        frictionless = [suite.peer("frictionless"), "validate", source, "--schema", schema, "--trusted"]
        frictionless += ["--limit-errors", "1000000000", "--json"]
        afternoon = [suite.peer("python"), str(HERE / "peers" / "afternoon.py"), source, "failures.csv"]
        ours = [*PROGRAM, "check", source, "--quiet"]
        title = f"check, {kind.upper()}, {height:,} rows, {faulty:.0%} faulty"
        suite.hold(f"{title}: frictionless", run(ours), run(frictionless), target)
        suite.hold(f"{title}, no report: frictionless", run([*ours, "--no-report"]), run(frictionless), alone)
        suite.hold(f"{title}: pandas and pandera", run(ours), run(afternoon))


CHECKS = (
    ("csv", 1_000, 0.01, None, None),
    ("csv", 10_000, 0.01, None, None),
    ("xlsx", 10_000, 0.01, None, None),
    ("csv", 100_000, 0.0, 1.0, None),
    ("csv", 100_000, 0.01, 1.0, None),
    ("csv", 100_000, 0.2, 1.0, None),
    ("csv", 100_000, 1.0, 1.0, None),
    ("xlsx", 100_000, 0.0, 0.25, None),
    ("xlsx", 100_000, 0.01, 0.25, None),
    ("csv", 1_000_000, 0.0, 0.5, 1 / 6),
    ("csv", 1_000_000, 0.01, 0.5, 1 / 6),
)


def run(command: Sequence[str], environment: dict[str, str] | None = None) -> Callable[[Path], Spent]:
    """Run a command where it is told to."""
    return lambda place: measure(command, place, {**os.environ, **(environment or {})})


def start(suite: Suite, _rows: Sequence[int] | None) -> None:
    """Start: what the shortest command takes beside the import of what it needs."""
    bare = "import pandas, pyarrow.compute, pyarrow.csv, pandera.pandas, xlsxwriter, click"
    source = str(suite.source("csv", 10, 0.0))
    empty = [sys.executable, "-c", "import click"]
    suite.hold("--help: python that imports click", run([*PROGRAM, "--help"]), run(empty))
    ours = run([*PROGRAM, "check", source, "--quiet"])
    suite.hold("check, 10 rows: python that imports what it needs", ours, run([sys.executable, "-c", bare]), 1.2)


def submit(suite: Suite, _rows: Sequence[int] | None) -> None:
    """Send the same rows to the same server, which takes 2 ms for each; ours with its journal on the disk."""
    source = suite.source("csv", POSTED, 0.0)
    database = suite.folder / "rows.db"
    ours = [*PROGRAM, "submit", str(source), "--yes", "--quiet"]
    keep_rows(source, database)

    def posting(command: Callable[[str, Path], Sequence[str]]) -> Callable[[Path], Spent]:
        def post(place: Path) -> Spent:
            with responder() as url:
                settings = {"IMPORTER_API_URL": url, "IMPORTER_API_KEY": "key", "IMPORTER_RATE": ENDLESS}
                return measure(command(url, place), place, {**os.environ, **settings, "HOME": str(place)})

        return post

    def drt(url: str, place: Path) -> Sequence[str]:
        set_up_drt(url, place, database)
        return [suite.peer("drt"), "run"]

    def script(name: str, *more: str) -> Callable[[str, Path], Sequence[str]]:
        return lambda url, _: [suite.peer("python"), str(HERE / "peers" / name), str(database), url, *more]

    send = posting(lambda _url, _place: ours)
    suite.hold(f"submit, {POSTED:,} rows: drt", send, posting(drt), 1 / 2.5)
    suite.hold(f"submit, {POSTED:,} rows: dlt", send, posting(script("post_with_dlt.py", "pipelines")))
    suite.hold(
        f"submit, {POSTED:,} rows: httpx, one at a time", send, posting(script("post_with_httpx.py", "1")), 1 / 0.7
    )
    suite.hold(
        f"submit, {POSTED:,} rows: httpx, 64 at once", send, posting(script("post_with_httpx.py", "64")), 1 / 0.7
    )


def keep_rows(source: Path, database: Path) -> None:
    """Put the bodies of all rows into a table: the peers are spared reading, judging and building them."""
    database.unlink(missing_ok=True)
    with closing(sqlite3.connect(database)) as table, source.open(encoding="utf-8", newline="") as file:
        table.execute("CREATE TABLE invoices (reference TEXT, body TEXT)")
        for row in csv.DictReader(file):
            body: dict[str, object] = {"debtor": {}}
            for name, text in list(row.items())[:FIELDS]:
                owner, _, key = name.rpartition(".")
                value = float(text) if name == "amountToRecover" else text
                (body["debtor"] if owner else body)[key] = value  # type: ignore[index]  # the debtor's own
            table.execute("INSERT INTO invoices VALUES (?, ?)", (row["creditorReference"], json.dumps(body)))
        table.commit()


def set_up_drt(url: str, place: Path, database: Path) -> None:
    """Write a drt project that posts the table's rows, as fast as it can."""
    (place / ".drt").mkdir()
    (place / ".drt" / "profiles.yml").write_text(f"bench:\n  type: sqlite\n  database: {database}\n")
    (place / "drt_project.yml").write_text('name: bench\nversion: "0.1"\nprofile: bench\n')
    (place / "syncs").mkdir()
    (place / "syncs" / "cases.yml").write_text(
        f"name: cases\nmodel: ref('invoices')\ndestination:\n  type: rest_api\n  url: {url}/cases\n"
        "  headers: {Content-Type: application/json}\n  body_template: '{{ row.body }}'\n"
        "  native_idempotency_key: '{{ row.reference }}'\n  rate_limit: {requests_per_second: 1000000}\n"
        "sync:\n  mode: full\n  batch_size: 1000\n  rate_limit: {requests_per_second: 1000000}\n"
    )


@contextmanager
def responder() -> Iterator[str]:
    """Serve the API that takes every case; yields its URL."""
    command = [sys.executable, str(HERE / "peers" / "responder.py")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


PARTS = {"check": check, "start": start, "submit": submit}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", choices=PARTS, action="append")
    parser.add_argument("--rows", type=int, action="append", help="Of the checks, those of so many rows.")
    parser.add_argument("--folder", type=Path, default=HERE / "made", help="Where peers and sources lie.")
    parser.add_argument("--json", type=Path, help="Where the lines are written to as well.")
    given = parser.parse_args()
    suite = Suite(given.folder.resolve(), given.rounds)
    print(f"| {' | '.join(HEADINGS)} |\n|---|{'---:|' * (len(HEADINGS) - 1)}", flush=True)
    for name, part in PARTS.items():
        if not given.only or name in given.only:
            part(suite, given.rows)
    if given.json:
        given.json.write_text(json.dumps([asdict(line) for line in suite.lines], indent=1) + "\n", encoding="utf-8")
    missed = [line for line in suite.lines if line.target is not None and line.ratio > line.target]
    for line in missed:
        print(f"Missed: {line.name}: {line.ratio:.2f}, at most {line.target:.2f}")
    sys.exit(bool(missed))


if __name__ == "__main__":
    main()
