"""Start: what the shortest commands take, beside Python importing what they need."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

from contest import NONE, PROGRAM, Bound, run

if TYPE_CHECKING:
    from contest import Suite
    from measuring import Spent

HELP = 150.0  # ms
# What a command has loaded by its end: all that is not ours.
NEEDED = """
import contextlib, io, json, sys
from importer.__main__ import main
sys.argv = ["importer", *sys.argv[1:]]
with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):
    main()
ours = ("importer", "schemas", "__main__", "__mp_main__")
print(json.dumps([name for name, module in sys.modules.items() if module and name.partition(".")[0] not in ours]))
"""
BARE = """
import contextlib, gc, importlib, json, sys
gc.set_threshold(100_000)
for name in json.load(open(sys.argv[1])):
    with contextlib.suppress(ImportError):
        importlib.import_module(name)
"""


def start(suite: Suite, _rows: list[int] | None) -> None:
    """Start, tell the options and end; and check ten rows, with the report and without."""
    bare = "python that imports click"
    spent = suite.race({"help": run([*PROGRAM, "--help"]), bare: run([sys.executable, "-c", "import click"])})
    suite.hold("importer --help", spent["help"], ("the limit", HELP), Bound(at_most=1.0), of=milliseconds, unit="ms")
    suite.hold("importer --help", spent["help"], (bare, spent[bare]), of=milliseconds, unit="ms")
    hold_start(suite, Bound(at_most=1.2))


def hold_start(suite: Suite, bound: Bound) -> None:
    """Hold a check of ten rows to *bound*, as the ratio to the bare cost of importing what it needs."""
    source = suite.source("csv", 10, 0.0)
    command = ["check", source, "--quiet"]
    listed = suite.folder / "needed.json"
    listed.write_text(
        subprocess.run(
            [sys.executable, "-c", NEEDED, *command, "--workspace", str(suite.folder / "needed")],
            check=True,
            capture_output=True,
            text=True,
        ).stdout
    )
    needed = len(json.loads(listed.read_text()))
    spent = suite.race(
        {
            "check": run([*PROGRAM, *command]),
            "alone": run([*PROGRAM, *command, "--no-report"]),
            "bare": run([sys.executable, "-c", BARE, str(listed)]),
        }
    )
    bare = f"python importing the {needed} modules it needs", spent["bare"]
    suite.hold("check, CSV, 10 rows", spent["check"], bare, bound, of=milliseconds, unit="ms")
    suite.hold("check --no-report, CSV, 10 rows", spent["alone"], bare, NONE, of=milliseconds, unit="ms")


def milliseconds(spent: Spent) -> float:
    return spent.seconds * 1_000
