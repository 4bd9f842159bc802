"""Guard: small contests with generous margins, for every change; only ratios, never seconds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from checking import Case, judge
from contest import Bound
from posting import contend
from starting import hold_start
from writing import hold_workbook

if TYPE_CHECKING:
    from contest import Suite


def guard(suite: Suite, _rows: list[int] | None) -> None:
    """Hold what would show a mistake that makes the program several times slower."""
    hold_start(suite, Bound(at_most=1.8))
    judge(suite, Case("csv", 50_000, 0.2, Bound(at_most=1.5), Bound(at_most=1.0)))
    judge(suite, Case("xlsx", 20_000, 0.0, Bound(at_most=0.8), Bound(at_most=0.7)))
    hold_workbook(suite, 20_000, 1.0, Bound(at_most=1 / 2.5))
    contend(suite, 1_500, drt=None, httpx=Bound(at_least=0.35))
