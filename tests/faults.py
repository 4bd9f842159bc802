"""Every fault that the sandbox knows, alone and in pairs: are there duplicates, is anything lost, is anything unknown?

    python tests/faults.py                                  every fault alone, and all pairs: about half an hour
    python tests/faults.py --pairs 20 --rows 60             every fault alone, and twenty pairs by chance
    python tests/faults.py --write docs/faults.md           the same, and writes the table
    python tests/faults.py --target managed                 cases of another target, or of two clients: `referral`
    IMPORTER_JOURNAL=postgresql://… python tests/faults.py  with that journal

Each trial submits a file to a sandbox with the fault, resumes the run with the fault still there, and resumes it until
nothing is left once the fault is gone. It exits with 1 if a trial ends with a duplicate, a lost or an unknown row, or
one whose status says other than the sandbox.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import multiprocessing
import os
import random
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
from click.testing import CliRunner
from python_calamine import CalamineWorkbook

import schemas
from importer.cli import main as importer
from importer.sandbox import PREFIXES, Fault, Settings, Store, serving
from importer.sandbox.faults import CATALOGUE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

UNPROTECTED = ("key-ignored", "duplicates-allowed")
ENDLESS = Settings(minute=10**9, hour=10**9, day=10**9, latency=0.005)
TIMEOUT = 0.5  # seconds, while the faults last
PATIENCE = 20  # seconds, when they are gone: a busy machine is no fault
SETTLE_AFTER = 0.7  # seconds
HANG = 0.9  # seconds: longer than the patience with a request, shorter than until a 404 is believed
ORDERS = {
    "hang-before": f"chance=0.1,seconds={HANG}",
    "hang-after": f"chance=0.1,seconds={HANG}",
    "slow-body": f"chance=0.1,seconds={HANG}",
    "lookups-fail": "chance=0.5",
    "lookups-hang": f"chance=0.3,seconds={HANG}",
    "throttle": "chance=0.02,seconds=0.2",
    "throttle-header": "chance=0.02,seconds=0.2",
    "throttle-silent": "chance=0.01",
    "throttle-zero": "chance=0.02",
    "throttle-absurd": "chance=0.01",
    "deny": "after=20,times=1",
    "clock-skew": "seconds=-3600",
    "close-idle": "seconds=0.02",
    "unlink": "chance=0.5",
    "revoke-token": "chance=0.02",
    "expire-tokens": "seconds=0.3",
    "short-tokens": "seconds=0.3",
}
OF_TOKENS = ("unlink", "revoke-token", "expire-tokens", "short-tokens")
HEADINGS = (
    *("fault", "ends with", "left for `resume`", "requests", "duplicates", "lost", "unknown", "untrue"),
    *("trials with others", "of these rows duplicate, lost, unknown or untrue"),
    *("duplicates of a client that retries", "unknowns of one that does not"),
)
ALWAYS = {"key-ignored", "duplicates-allowed"} | {name for name in CATALOGUE if name.startswith("duplicate-")}


@dataclass(frozen=True)
class Shape:
    """What the rows of a target have besides those of `customer`.

    Attributes:
        headings: Of the columns.
        cells: What stands in them; `{n}` is a row's number.
        members: What a request has besides, for a client that keeps no journal.
        debtor: The same for its debtor.
        creditors: How many there are; each has the same references.
    """

    headings: str = ""
    cells: str = ""
    members: dict[str, str] = field(default_factory=dict)
    debtor: dict[str, str] = field(default_factory=dict)
    creditors: int = 1


SHAPES = {
    "customer": Shape(),
    "managed": Shape(
        ",Client,Client country code,Contact",
        ",Client {creditor},DK,Example",
        {"creditorCompanyName": "Client 0", "creditorCountryAlpha2": "DK"},
        {"contactPerson": "Example"},
        creditors=3,
    ),
    "referral": Shape(",Client", ",client-{creditor}", creditors=2),
}


@dataclass(frozen=True)
class Trial:
    """How one trial ended.

    Attributes:
        target: What the rows were sent to.
        faults: Names.
        exit: Of the submit, while the fault was there.
        unsettled: Rows unknown or not sent after that.
        requests: Of all runs together.
        duplicates: Cases beyond the first of a creditor's reference.
        lost: Rows without a case after everything, the last submit included.
        unknown: Rows unknown or not sent after the last resume.
        untrue: Rows whose status says other than the sandbox after the last resume.
        seconds: That it all took.
    """

    target: str
    faults: tuple[str, ...]
    exit: int
    unsettled: int
    requests: int
    duplicates: int
    lost: int
    unknown: int
    untrue: int
    seconds: float

    @property
    def failed(self) -> bool:
        """Whether a promise was broken."""
        return any((self.duplicates, self.lost, self.unknown, self.untrue))


def faults_of(target: str) -> list[str]:
    """Name the faults that can befall a target's requests: only partners for clients have tokens."""
    return [name for name in CATALOGUE if target == "referral" or name not in OF_TOKENS]


def prefix_of(target: str) -> str:
    """Say where the API is that a target's rows are posted to: a client's cases go to the Customer API."""
    return PREFIXES["customer" if target == "referral" else schemas.load(target).API]


def order(name: str) -> Fault:
    """Order a fault as the table has it: those of single requests befall every seventh or so, by chance."""
    return Fault.parse(f"{name}:{ORDERS.get(name, '' if name in ALWAYS else 'chance=0.15')}")


def write_source(path: Path, rows: int, shape: Shape) -> Path:
    """Write a file of good rows."""
    header = (
        f"Invoice number,Currency,Invoice date,Amount,Debtor type,Customer,Street,City,Country code{shape.headings}"
    )
    lines = [header]
    for n in range(rows):
        # Invoices of several creditors that are told apart by nothing else.
        number, creditor = divmod(n, shape.creditors)
        own = shape.cells.format(creditor=creditor)
        lines.append(f"INV-{number},EUR,2026-01-15,{number + 1}.50,Company,Example {number},1 St,Town,DE{own}")
    path.write_text("\n".join(lines) + "\n")
    return path


def run(target: str, workspace: Path, url: str, *arguments: object, timeout: float = PATIENCE) -> dict[str, Any]:
    """Run a command of the importer in this process; returns what `--json` printed."""
    environment = {
        "IMPORTER_API_URL": url + prefix_of(target),
        "IMPORTER_TARGET": target,
        # Trials may share a journal, which remembers whose a key is; what follows the colon makes another key.
        "IMPORTER_API_KEY": f"sandbox:{workspace.name}",
        "IMPORTER_TIMEOUT": str(timeout),
        "IMPORTER_SETTLE_AFTER": str(SETTLE_AFTER),
        "IMPORTER_CONCURRENCY": "16",
        "IMPORTER_RATE": "600000/min,1000000/h,1000000/d",
    }
    command = [str(argument) for argument in (*arguments, "--workspace", workspace, "--json")]
    ended = CliRunner().invoke(importer, command, env=environment)
    if not ended.stdout:
        raise RuntimeError(f"{arguments}: {ended.exit_code} {ended.stderr} {ended.exception!r}")
    said: dict[str, Any] = json.loads(ended.stdout)
    return said


def attempt(target: str, faults: tuple[str, ...], rows: int, seed: int) -> Trial:
    """Do one trial."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        workspace = Path(folder)
        database, source = workspace / "outside.db", write_source(workspace / "june.csv", rows, SHAPES[target])
        perform = partial(run, target, workspace)
        with serving(database, replace(ENDLESS, faults=tuple(map(order, faults)), seed=seed)) as url:
            first = said = perform(url, "submit", source, "--yes", timeout=TIMEOUT)
            if first["exit"] in {4, 5}:
                said = perform(url, "resume", first["run"], timeout=TIMEOUT)
        with serving(database, ENDLESS) as url:
            said = finish(partial(perform, url), said)
            made = {str(case["id"]): identify(case) for case in Store(database).cases()}
            untrue = sum(_is_untrue(row, made) for row in read_results(Path(said["report"])))
            last = finish(partial(perform, url), perform(url, "submit", source, "--yes"))
            requests = sum(perform(url, "show", first["run"])["requests"].values())
        cases = Counter(identify(case) for case in Store(database).cases())
    return Trial(
        target,
        faults,
        exit=first["exit"],
        unsettled=first["counts"]["unknown"] + first["counts"]["not-sent"],
        requests=requests,
        duplicates=cases.total() - len(cases),
        lost=rows - len(cases),
        unknown=sum(one["counts"][status] for one in (said, last) for status in ("unknown", "not-sent")),
        untrue=untrue,
        seconds=time.monotonic() - began,
    )


def identify(case: Mapping[str, Any]) -> tuple[str, str]:
    """Name a case of the sandbox by creditor and reference, as it was sent."""
    creditor = json.loads(case["body"]).get("creditorCompanyName") or str(case["account"]).partition("/")[2]
    return str(creditor), str(case["creditorReference"])


def finish(perform: Callable[..., dict[str, Any]], said: dict[str, Any]) -> dict[str, Any]:
    """Resume a run until nothing is left of it, three times at most."""
    for _ in range(3):
        if said["exit"] not in {4, 5}:
            break
        said = perform("resume", said["run"])
    return said


def read_results(report: Path) -> Iterator[dict[str, str]]:
    """Yield the lines of a workbook's `Results`."""
    header, *lines = CalamineWorkbook.from_path(report).get_sheet_by_name("Results").to_python()
    for line in lines:
        yield dict(zip(map(str, header), map(str, line), strict=True))


def _is_untrue(row: dict[str, str], made: dict[str, tuple[str, str]]) -> bool:
    identity = row.get("Client", ""), row["Creditor reference"]
    if row["Status"] == "created":
        return made.get(row["Case id"]) != identity
    return identity in made.values()  # every case was made by this run


def compare(target: str, fault: str, rows: int, *, retries: int) -> tuple[int, int]:
    """Let a client without a journal send the rows to an API that protects nothing; returns duplicates and unknowns."""
    with tempfile.TemporaryDirectory() as folder:
        database = Path(folder) / "outside.db"
        faults = (order(fault), *(order(name) for name in UNPROTECTED if name != fault))
        with serving(database, replace(ENDLESS, faults=faults)) as url:
            unknown = asyncio.run(_send_plainly(url, target, rows, retries))
        cases = Counter(identify(case) for case in Store(database).cases())
    return cases.total() - len(cases), unknown


async def _send_plainly(url: str, target: str, rows: int, retries: int) -> int:
    shape, named = SHAPES[target], schemas.load(target)
    debtor = {"type": "Company", "name": "Example", "address": "1 St", "city": "Town", "countryAlpha2": "DE"}
    common = {"currencyCode": "EUR", "date": "2026-01-15", "amountToRecover": 1.5, "debtor": debtor | shape.debtor}
    common |= shape.members
    path = prefix_of(target) + named.ENDPOINT
    headers = {"XApiKey": "sandbox"}
    gate = asyncio.Semaphore(16)
    async with httpx.AsyncClient(base_url=url, headers=headers, timeout=TIMEOUT, trust_env=False) as client:

        async def send(number: int) -> bool:
            for _ in range(1 + retries):
                try:
                    async with gate:
                        answer = await client.post(path, json={**common, "creditorReference": f"INV-{number}"})
                    if answer.status_code == 429:
                        await asyncio.sleep(0.2)
                    elif answer.status_code == 200 and answer.json():
                        return True
                except (httpx.HTTPError, ValueError):
                    continue
            return False

        return sum(not told for told in await asyncio.gather(*map(send, range(rows))))


def choose(names: Sequence[str], pairs: int | None, seed: int) -> list[tuple[str, ...]]:
    """Name the trials: every fault alone, alone against an API that protects nothing, and in pairs."""
    alone = [(name,) for name in names]
    unprotected = [(name, *UNPROTECTED) for name in names if name not in UNPROTECTED]
    pairs_there_are = list(itertools.combinations(names, 2))
    if pairs is not None:
        pairs_there_are = random.Random(seed).sample(pairs_there_are, pairs)  # noqa: S311 - a seed, to see it again
    return [*alone, *unprotected, *pairs_there_are]


def tell(trials: Sequence[Trial], rows: int, peers: dict[str, tuple[tuple[int, int], tuple[int, int]]]) -> str:
    """Write the table: a line a fault, alone and over all its trials with others."""
    lines = [
        f"| {' | '.join(HEADINGS)} |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for name, (retrying, giving_up) in peers.items():
        alone = next(trial for trial in trials if trial.faults == (name,))
        others = [trial for trial in trials if name in trial.faults and len(trial.faults) > 1]
        broken = sum(trial.duplicates + trial.lost + trial.unknown + trial.untrue for trial in others)
        lines.append(
            f"| `{name}` | {alone.exit} | {alone.unsettled} | {alone.requests} | {alone.duplicates} | {alone.lost} "
            f"| {alone.unknown} | {alone.untrue} | {len(others)} | {broken} | {retrying[0]} | {giving_up[1]} |"
        )
    bad = sum(trial.failed for trial in trials)
    lines += [
        "",
        f"{len(trials):,} trials of {rows:,} rows, {len(trials) * rows:,} rows in all; {bad} broke a promise.",
    ]
    return "\n".join(lines)


def main() -> int:
    """Run the trials that the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--target", choices=SHAPES, default="customer")
    parser.add_argument("--rows", type=int, default=300)
    parser.add_argument("--pairs", type=int, help="so many by chance; all of them, where it is left out")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--only", action="append", help="one trial: names with + between them; may be repeated")
    parser.add_argument("--write", type=Path, help="the page whose table is to be written anew")
    parser.add_argument("--json", action="store_true", help="a line of JSON a trial in place of the table")
    chosen = parser.parse_args()
    names = faults_of(chosen.target)
    asked = [tuple(one.split("+")) for one in chosen.only or ()] or choose(names, chosen.pairs, chosen.seed)
    with ProcessPoolExecutor(chosen.jobs, multiprocessing.get_context("spawn")) as pool:
        trials = []
        do = partial(attempt, chosen.target, rows=chosen.rows, seed=chosen.seed)
        for trial in pool.map(do, asked):
            trials.append(trial)
            if chosen.json or trial.failed:
                print(json.dumps(asdict(trial)), flush=True)
    if not (chosen.json or chosen.only):
        peers = {
            name: tuple(compare(chosen.target, name, chosen.rows, retries=retries) for retries in (3, 0))
            for name in names
        }
        table = tell(trials, chosen.rows, peers)
        print(table)
        if chosen.write:
            before, _, _ = chosen.write.read_text(encoding="utf-8").partition("| fault |")
            chosen.write.write_text(f"{before}{table}\n", encoding="utf-8")
    return int(any(trial.failed for trial in trials))


if __name__ == "__main__":
    sys.exit(main())
