"""Submit: the same rows sent to the same server; ours with its journal on the disk."""

from __future__ import annotations

import csv
import json
import sqlite3
import subprocess
import sys
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.request import urlopen

from checking import OTHERS
from contest import HERE, NONE, PROGRAM, Bound, surroundings
from measuring import Spent, measure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from contest import Contender, Suite

ENDLESS = "900000000/min,900000000/h,900000000/d"
POSTED = 3_000  # rows


def submit(suite: Suite, _rows: list[int] | None) -> None:
    """Send as fast as the server answers, which takes 2 ms for each row."""
    contend(suite, POSTED, drt=Bound(at_least=2.5), httpx=Bound(at_least=0.7))


def contend(suite: Suite, rows: int, *, drt: Bound | None, httpx: Bound) -> None:
    """Hold ours against httpx alone, and against drt and dlt unless *drt* is None."""
    source = Path(suite.source("csv", rows, 0.0))
    database = suite.folder / "rows.db"
    keep_rows(source, database)
    python = suite.peer("submit") if drt else sys.executable

    def script(name: str, *more: str) -> Contender:
        return posting(rows, lambda url, _: [python, str(HERE / "peers" / name), str(database), url, *more])

    def run_drt(url: str, place: Path) -> Sequence[str]:
        set_up_drt(url, place, database)
        return [suite.peer("submit", "drt"), "run"]

    contenders = {
        "ours": posting(rows, lambda _url, _place: [*PROGRAM, "submit", str(source), "--yes", "--quiet"]),
        "httpx": script("post_with_httpx.py"),
    }
    if drt:
        contenders |= {"drt": posting(rows, run_drt), "dlt": script("post_with_dlt.py", "pipelines")}
    spent = suite.race(contenders)
    bounds = {"drt": drt or NONE, "dlt": NONE, "httpx": httpx}
    for name in list(contenders)[1:]:
        peer = name, spent[name]
        suite.hold(
            f"submit, {rows:,} rows",
            spent["ours"],
            peer,
            bounds[name],
            of=lambda spent: rows / spent.seconds,
            unit="rows/s",
        )


def keep_rows(source: Path, database: Path) -> None:
    """Put the bodies of all rows into a table: the peers are spared reading, judging and building them."""
    database.unlink(missing_ok=True)
    with closing(sqlite3.connect(database)) as table, source.open(encoding="utf-8", newline="") as file:
        table.execute("CREATE TABLE invoices (reference TEXT, body TEXT)")
        for row in csv.DictReader(file):
            body: dict[str, object] = {"debtor": {}}
            for name, text in list(row.items())[:-OTHERS]:
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


def posting(rows: int, command: Callable[[str, Path], Sequence[str]]) -> Contender:
    """Give a contender whose command gets the URL of a server of its own, and has to post all rows there."""

    def post(place: Path) -> Spent:
        with responder() as url:
            spent = measure(command(url, place), place, {**surroundings(), **settings(url), "HOME": str(place)})
            posted = counted(url)["posted"]
        if posted != rows:
            sys.exit(f"{posted} of {rows} rows were posted by {command(url, place)}")
        return spent

    return post


def settings(url: str, rate: str = ENDLESS) -> dict[str, str]:
    """Give the environment in which ours sends to a server."""
    return {"IMPORTER_API_URL": url, "IMPORTER_API_KEY": "key", "IMPORTER_RATE": rate}


def counted(url: str) -> dict[str, int]:
    """Ask a server what it has counted."""
    with urlopen(f"{url}/counted") as answer:  # noqa: S310 - a server of ours
        told: dict[str, int] = json.load(answer)
    return told


@contextmanager
def responder(delay: float = 0.002) -> Iterator[str]:
    """Serve the API that takes every case, after so many seconds; yields its URL."""
    command = [sys.executable, str(HERE / "peers" / "responder.py"), str(delay)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()
