"""Workbook: what a report's large sheets take, beside openpyxl writing the same cells write-only."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

from contest import HERE, Bound, run

if TYPE_CHECKING:
    from contest import Suite
    from measuring import Spent


def workbook(suite: Suite, _rows: list[int] | None) -> None:
    """Write a hundred thousand rows; and twenty thousand that are all faulty, which openpyxl takes as long for."""
    hold_workbook(suite, 100_000, 0.0, Bound(at_most=1 / 5))
    hold_workbook(suite, 20_000, 1.0, Bound(at_most=1 / 5))


def hold_workbook(suite: Suite, rows: int, faulty: float, bound: Bound) -> None:
    """Hold the writing of a workbook to *bound*, as the ratio to openpyxl's."""
    source = suite.source("csv", rows, faulty)
    command = [sys.executable, str(HERE / "report.py"), "--measure", source, "workspace"]
    spent = suite.race({"ours": run([*command, ""]), "openpyxl": run([*command, "openpyxl"])})
    name = f"workbook, {rows:,} rows, {faulty:.0%} faulty"
    suite.hold(name, spent["ours"], ("openpyxl, write-only", spent["openpyxl"]), bound, of=writing)


def writing(spent: Spent) -> float:
    """Give the seconds that the workbook alone took."""
    told: float = json.loads(spent.said.splitlines()[-1])["workbook"]
    return told
