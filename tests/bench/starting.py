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
# The modules that a command has loaded by its end.
LOADED = """
import contextlib, io, json, sys
from importer.__main__ import main
sys.argv = ["importer", *sys.argv[1:]]
with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):
    main()
print(json.dumps([name for name, module in sys.modules.items() if module and not name.startswith("__")]))
"""
BARE = """
import contextlib, gc, importlib, json, sys
gc.set_threshold(100_000)
for name in json.load(open(sys.argv[1])):
    with contextlib.suppress(ImportError):
        importlib.import_module(name)
"""
OURS = ("importer", "schemas")


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
    workspace = ["--workspace", str(suite.folder / "start")]
    loading = [sys.executable, "-c", LOADED, *command, *workspace]
    loaded = json.loads(subprocess.run(loading, check=True, capture_output=True, text=True).stdout)
    lists = {"all": loaded, "others'": [name for name in loaded if name.partition(".")[0] not in OURS]}
    contenders = {"check": run([*PROGRAM, *command]), "alone": run([*PROGRAM, *command, "--no-report"])}
    for name, modules in lists.items():
        path = suite.folder / f"{name.rstrip(chr(39))}.json"
        path.write_text(json.dumps(modules))
        contenders[name] = run([sys.executable, "-c", BARE, str(path)])
    spent = suite.race(contenders)
    for name, modules in lists.items():
        bare = f"python importing {name} {len(modules)} modules that it needs", spent[name]
        limit = bound if name == "all" else NONE
        suite.hold("check, CSV, 10 rows", spent["check"], bare, limit, of=milliseconds, unit="ms")
        suite.hold("check --no-report, CSV, 10 rows", spent["alone"], bare, of=milliseconds, unit="ms")


def milliseconds(spent: Spent) -> float:
    return spent.seconds * 1_000
