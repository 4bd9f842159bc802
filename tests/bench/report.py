"""What a report costs, faultless and entirely faulty; prints the figures of docs/scale.md.

    python tests/bench/report.py [--rows 100000] [--rows 1000000] [--alone]

Each line is `importer check` of a CSV of invented invoices in a process of its own: all of it, the workbook alone, and
the most memory that was held. Beside it openpyxl writes the same cells, write-only, without styles, links and notes;
not with `--alone`, since a million faulty rows take it half an hour.
Seconds depend on the machine and on what else it does; ratios say more.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import openpyxl

from importer.__main__ import main
from importer.report import workbook
from importer.report.package import Package

HEADER = "creditorReference,currencyCode,date,dueDate,amountToRecover,debtor.type,debtor.name,debtor.address,"
HEADER += "debtor.zipCode,debtor.city,debtor.countryAlpha2,claimDescription\n"


class Peer(Package):
    """Writes the large sheets' cells with openpyxl."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self._larges: list[Any] = []

    def add_large(self, large: Any) -> None:
        """Keep a sheet until it is written."""
        self._larges.append(large)

    def save(self, path: Path, *_: Any) -> None:
        """Write all sheets, row by row."""
        book = openpyxl.Workbook(write_only=True)
        for large in self._larges:
            sheet = book.create_sheet(large.name)
            sheet.append(list(large.header))
            for columns in large.fill(dict.fromkeys(large.formats, "0")):
                for row in zip(*map(_values, columns), strict=True):
                    sheet.append(row)
        book.save(path)


def _values(cells: Any) -> list[Any]:
    texts = cells.texts.to_pylist()
    if cells.numbers is None:
        return texts
    masks = [True] * len(texts) if cells.numbers is True else cells.numbers.to_pylist()
    return [float(text) if number and text else text for text, number in zip(texts, masks, strict=True)]


def make(path: Path, rows: int, *, faulty: bool) -> None:
    """Write the invoices; each has two faults where they are to be *faulty*."""
    city, country = ("", "Germny") if faulty else ("Invented", "DE")
    with path.open("w", encoding="utf-8") as file:
        file.write(HEADER)
        file.writelines(
            f"R-{n:07},EUR,2026-03-{n % 28 + 1:02},2026-04-{n % 28 + 1:02},{n % 9000 + 1}.50,Company,Invented {n},"
            f"Road {n % 300},{n % 90000 + 10000},{city},{country},Delivery of sample parts no. {n}\n"
            for n in range(rows)
        )


def measure(source: str, workspace: str, peer: str) -> None:
    """Check a source, and print what it took."""
    write, took = workbook.write, 0.0
    if peer:
        workbook.Package = Peer  # type: ignore[misc]

    def timed(*given: Any) -> None:
        nonlocal took
        began = time.perf_counter()
        write(*given)
        took = time.perf_counter() - began

    workbook.write = timed  # type: ignore[assignment]
    began = time.perf_counter()
    sys.argv = ["importer", "check", source, "--workspace", workspace, "--quiet", "--json"]
    stdout, sys.stdout = sys.stdout, sys.stderr
    try:
        main()
    except SystemExit:
        pass
    finally:
        sys.stdout = stdout
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({"all": time.perf_counter() - began, "workbook": took, "memory": memory}))


def run(source: Path, workspace: Path, peer: str = "") -> dict[str, float]:
    """Measure in a process of its own."""
    command = [sys.executable, __file__, "--measure", str(source), str(workspace), peer]
    ran = subprocess.run(command, check=True, capture_output=True, text=True)
    told: dict[str, float] = json.loads(ran.stdout.splitlines()[-1])
    return told


def compare(rows: int, *, alone: bool) -> None:
    """Print a line for a faultless source, and one for an entirely faulty one."""
    for faulty in (False, True):
        with tempfile.TemporaryDirectory() as place:
            source = Path(place) / "source.csv"
            make(source, rows, faulty=faulty)
            ours = run(source, Path(place) / "ours")
            size = next((Path(place) / "ours" / "reports").glob("*/results.xlsx")).stat().st_size
            peer = None if alone else run(source, Path(place) / "peer", "openpyxl")
        told = [
            f"{ours['all']:.1f}",
            f"{ours['workbook']:.1f}",
            f"{ours['memory'] / 1e6:,.0f} MB",
            f"{size / 1e6:,.0f} MB",
        ]
        if peer:
            ratio = peer["workbook"] / ours["workbook"]
            told += [f"{peer['workbook']:.1f}", f"{ratio:.1f}", f"{peer['memory'] / 1e6:,.0f} MB"]
        print(f"| {rows:,} | {'entirely faulty' if faulty else 'faultless'} | {' | '.join(told)} |", flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--measure"]:
        measure(*sys.argv[2:5])
    else:
        parser = argparse.ArgumentParser()
        parser.add_argument("--rows", type=int, action="append")
        parser.add_argument("--alone", action="store_true")
        given = parser.parse_args()
        peers = () if given.alone else ("openpyxl, s", "ratio", "memory")
        heads = ("rows", "source", "check, s", "workbook, s", "memory", "file", *peers)
        print(f"| {' | '.join(heads)} |\n|---:|---|{'---:|' * (len(heads) - 2)}")
        for number in given.rows or [100_000]:
            compare(number, alone=given.alone)
