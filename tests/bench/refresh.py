"""What it takes to ask where many cases stand; prints the figures of docs/refresh.md.

    python tests/bench/refresh.py [--journaled 250000] [--refreshed 10000]

The journal has so many cases from a fixed seed, and so many of them, those of one run, are in a sandbox that keeps the
published limits. The requests are counted by the sandbox's own windows and by the journal.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import sqlite3
import tempfile
import time
from contextlib import closing
from pathlib import Path
from uuid import UUID

from click.testing import CliRunner
from identifiers import RUN, SEED, build

from importer.cli import main as importer
from importer.sandbox import serving
from importer.sandbox.store import Ledger, StoredCase


def fill(database: Path, made: list[tuple[str, str, str]]) -> None:
    """Put the cases *made* into the sandbox, as its account `sandbox` would have made them."""
    moved = random.Random(SEED)  # noqa: S311 - a fixed series
    with closing(Ledger(database)) as ledger, ledger.transaction():
        for case_id, short, reference in made:
            lifecycle = moved.choices(("Active", "Paused", "Closed", "NeedsAdditionalDetails"), (80, 5, 12, 3))[0]
            document = {
                "id": case_id,
                "reference": short,
                "creditorReference": reference,
                "lifecycle": lifecycle,
                "closeCode": "Debtor Untraceable" if lifecycle == "Closed" else None,
                "grossAmount": 1250.00,
                "remainder": 1250.00,
                "totalAddedFees": 0,
                "currency": "EUR",
                "isTestCase": False,
            }
            ledger.add(
                StoredCase(
                    account="sandbox",
                    id=case_id,
                    reference=short,
                    creditor_reference=reference,
                    amount="1250.00",
                    currency="EUR",
                    is_test=False,
                    lifecycle=lifecycle,
                    date="2026-01-01",
                    due_date="2026-01-01",
                    division=None,
                    created="2026-01-01T00:00:00",
                    body=b"",
                    document=json.dumps(document).encode(),
                )
            )


def spent(database: Path) -> int:
    """Count what the sandbox's own windows have of today."""
    with closing(sqlite3.connect(database)) as sandbox:
        found = sandbox.execute("SELECT spent FROM windows WHERE key = 'sandbox'").fetchone()
    return int(json.loads(found[0])["in_day"]) if found else 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--journaled", type=int, default=250_000)
    parser.add_argument("--refreshed", type=int, default=10_000, help=f"At most {RUN:,}, the cases of a run.")
    given = parser.parse_args()
    os.environ["IMPORTER_API_KEY"] = "sandbox"
    with tempfile.TemporaryDirectory() as folder:
        workspace, database = Path(folder), Path(folder) / "sandbox.db"
        with closing(Ledger(database)) as ledger:
            account = f"loopback/{UUID(ledger.name_account('sandbox'))}"
        made = build(workspace / "journal.db", workspace / "locks", given.journaled, account=account)
        fill(database, made[: given.refreshed])
        print("| refresh | asked about | changed | requests: command | journal | sandbox | seconds |")
        print("|---|---:|---:|---:|---:|---:|---:|")
        for name in ("first", "second"):
            with serving(database) as url:
                began = time.perf_counter()
                command = ["refresh", "20260101-000000-bench-0000", "--api-url", url, "--workspace", folder]
                ran = CliRunner().invoke(importer, [*command, "--json", "--quiet"])
                seconds = time.perf_counter() - began
            said = json.loads(ran.stdout)
            with closing(sqlite3.connect(workspace / "journal.db")) as journal:
                count = "SELECT kind || ' ' || count(*) FROM requests WHERE kind != 'post' GROUP BY kind"
                journaled = ", ".join(kind for (kind,) in journal.execute(count))
            counted = f"{said['requests']} | {journaled} | {spent(database)}"
            print(f"| {name} | {said['asked']:,} | {said['changed']:,} | {counted} | {seconds:.1f} |", flush=True)
        print(f"\nMost memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


if __name__ == "__main__":
    main()
