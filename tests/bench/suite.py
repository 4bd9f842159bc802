"""Holds the importer against others that do the same work, in the same run: prints a table and writes it as JSON.

    python tests/bench/suite.py [--rounds 5] [--only PART] [--rows 100000] [--json FILE] [--write PAGE]

The others are set up in virtual environments of their own, in the folder, and stay there for the next time, as do the
sources, which are made from a fixed seed. Each command runs in a process of its own, from a cold start, in turn with
those it is held against; a line gives the medians, and the median of the ratios of each round. Seconds say something
about a machine, a ratio about the programs. Memory is the most that a process and those it started held at once.
It ends with 1 where a ratio is not what it is to be.

`--only guard` is the small form: it needs no minute, and its margins are wide enough for a busy machine.
"""

from __future__ import annotations

import argparse
import compileall
import json
import sys
from pathlib import Path

from checking import check
from contest import HEADINGS, HERE, Line, Suite
from floor import floor
from growth import growth
from guarding import guard
from pacing import pace
from posting import submit
from starting import start
from writing import workbook

PARTS = {
    "start": (start, "Start-up"),
    "check": (check, "Check"),
    "workbook": (workbook, "Workbook"),
    "submit": (submit, "Submit"),
    "pace": (pace, "Under the published limits"),
    "floor": (floor, "The floor"),
    "growth": (growth, "Growth"),
    "guard": (guard, "Guard"),
}
TABLE = f"| {' | '.join(HEADINGS)} |\n|---|---|{'---:|' * (len(HEADINGS) - 2)}"
BEGIN, END = "<!-- made by tests/bench/suite.py -->\n", "<!-- until here -->\n"


def main() -> None:
    """Run the parts, and say what they missed."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", choices=PARTS, action="append", help="All but the guard, where nothing is said.")
    parser.add_argument("--rows", type=int, action="append", help="Of the checks, those of so many rows.")
    parser.add_argument("--folder", type=Path, default=HERE / "made", help="Where peers and sources lie.")
    parser.add_argument("--json", type=Path, help="Where the lines are written to as well; other parts' lines stay.")
    parser.add_argument("--write", type=Path, metavar="PAGE", help="Write the tables of --json into a page.")
    given = parser.parse_args()
    suite = Suite(given.folder.resolve(), given.rounds)
    for package in ("importer", "schemas"):  # as pip does where it installs a program
        compileall.compile_dir(HERE.parent.parent / package, quiet=1)
    print(TABLE, flush=True)
    for name in given.only or [name for name in PARTS if name != "guard"]:
        suite.part = name
        PARTS[name][0](suite, given.rows)
        if given.json:
            suite.write(given.json)
    if given.json and given.write:
        write_page(given.write, [Line(**line) for line in json.loads(given.json.read_text(encoding="utf-8"))])
    missed = [line for line in suite.lines if line.met is False]
    for line in missed:
        print(f"Missed: {line.name}, against {line.against}: {line.ratio:.2f}, to be {line.bound}")
    sys.exit(bool(missed))


def write_page(page: Path, lines: list[Line]) -> None:
    """Put a table for each part between the marks of a page."""
    tables = []
    for name, (_, title) in PARTS.items():
        told = [str(line) for line in lines if line.part == name]
        if told:
            tables.append("\n".join([f"### {title}\n", TABLE, *told]) + "\n")
    before, _, rest = page.read_text(encoding="utf-8").partition(BEGIN)
    page.write_text(before + BEGIN + "\n" + "\n".join(tables) + "\n" + END + rest.partition(END)[2], encoding="utf-8")


if __name__ == "__main__":
    main()
