"""What it takes to read and to judge a large source; prints the figures of docs/scale.md.

    python tests/bench/reading.py [--rows 200000] [--format csv|xlsx|xlsb|ods|xls] [--folder DIR] [--peers]

The source has 25 columns of invented invoices from a fixed seed and is made by streaming, once: it stays in the folder
that is named. Each command runs in a process of its own, and so does each peer; memory is the most that the process
and those it started held at once, sampled every 20 ms. Ratios are to the first peer that is there, in the same run.
XLSB, XLS and ODS are read by the same child as XLSX; XLSB is made by LibreOffice, which has to be there.
"""

from __future__ import annotations

import argparse
import importlib.util
import sys
import tempfile
from pathlib import Path

from invoices import MAKERS
from measuring import measure

PEERS = {
    "csv": {
        "pandas.read_csv(dtype=str)": "import pandas; pandas.read_csv(PATH, dtype=str)",
        "polars.read_csv": "import polars; polars.read_csv(PATH, infer_schema=False)",
    },
    "xlsx": {
        "python-calamine alone": "import python_calamine as c;"
        " c.CalamineWorkbook.from_path(PATH).get_sheet_by_index(0).to_python()",
    },
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--format", choices=MAKERS, default="csv")
    parser.add_argument("--folder", type=Path, default=None, help="Where the source is made, or is already.")
    parser.add_argument("--peers", action="store_true", help="Measure other readers as well.")
    parser.add_argument("--only", action="append", help="Of the commands, those whose name has this in it.")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as other:
        folder = given.folder or Path(other)
        source = (folder / f"{given.rows}.{given.format}").resolve()
        if not source.exists():
            MAKERS[given.format](source, given.rows)
        program = [sys.executable, "-m", "importer"]
        commands = {
            name: [sys.executable, "-c", code.replace("PATH", repr(str(source)))]
            for name, code in PEERS.get(given.format, {}).items()
            if given.peers and importlib.util.find_spec(code.split()[1].strip(";"))
        }
        commands |= {
            "importer peek": [*program, "peek", str(source)],
            "importer check --no-report": [*program, "check", "--no-report", str(source)],
            "importer check": [*program, "check", str(source)],
        }
        print(f"{given.rows:,} rows, {source.stat().st_size / 1e6:,.0f} MB of {given.format}\n")
        print("| command | seconds | rows/s | ratio | memory: own | its child | together | bytes a row | exit |")
        print("|---|---:|---:|---:|---:|---:|---:|---:|---:|", flush=True)
        first = None
        for name, command in commands.items():
            if given.only and not any(part in name for part in given.only):
                continue
            with tempfile.TemporaryDirectory(dir=folder) as workspace:
                spent = measure(command, Path(workspace))
            first = first or spent.seconds
            print(
                f"| {name} | {spent.seconds:.1f} | {given.rows / spent.seconds:,.0f} | {spent.seconds / first:.2f} "
                f"| {spent.own / 1e6:,.0f} MB | {spent.children / 1e6:,.0f} MB | {spent.together / 1e6:,.0f} MB "
                f"| {spent.together / given.rows:,.0f} | {spent.code} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
