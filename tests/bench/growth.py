"""Growth: ours alone at each size, once, and the plot of time and memory against rows in the documentation.

python tests/bench/suite.py --only growth
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from contest import HERE, PROGRAM, Suite, run

if TYPE_CHECKING:
    from measuring import Spent

SIZES = (1_000, 10_000, 100_000, 1_000_000)
PICTURE = HERE.parent.parent / "docs" / "pictures" / "growth.svg"
COMMANDS: dict[str, tuple[str, float, list[str]]] = {
    "check, XLSX": ("xlsx", 0.0, []),
    "check, CSV, entirely faulty": ("csv", 1.0, []),
    "check, CSV": ("csv", 0.0, []),
    "check --no-report, CSV": ("csv", 0.0, ["--no-report"]),
}


def growth(suite: Suite, rows: list[int] | None) -> None:
    """Measure each size of each kind, and draw."""
    once = Suite(suite.folder, 1)
    drawn = {}
    for name, (kind, faulty, options) in COMMANDS.items():
        spent: dict[int, Spent] = {}
        for height in rows or (SIZES[:-1] if kind == "xlsx" else SIZES):
            command = [*PROGRAM, "check", suite.source(kind, height, faulty), "--quiet", *options]
            (spent[height],) = once.race({"": run(command, code=int(faulty > 0))})[""]
        drawn[name] = [(height, one.seconds, one.together) for height, one in spent.items()]
        (least, first), *_, (most, last) = spent.items()
        suite.hold(f"{name}, {most:,} rows", [last], (f"ours, {least:,} rows", [first]))
    path = suite.folder / "growth.json"
    path.write_text(json.dumps(drawn))
    run([suite.peer("plot"), str(HERE / "peers" / "plot.py"), str(path), str(PICTURE)])(suite.folder)
