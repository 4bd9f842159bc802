"""The benchmarks' own arithmetic: a suite that counts wrongly would praise what is slow."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

BENCH = Path(__file__).parent / "bench"
NAMES = ("contest", "invoices", "measuring")


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The modules of the suite, which are found as its scripts find them."""
    monkeypatch.syspath_prepend(str(BENCH))
    import contest  # noqa: PLC0415 - it lies beside the tests
    import measuring  # noqa: PLC0415 - the same

    yield contest, measuring
    for name in NAMES:
        sys.modules.pop(name, None)


def spent(measuring: Any, seconds: float) -> Any:
    return measuring.Spent(seconds, seconds, 10, 0, 10, 0)


def test_a_ratio_is_the_median_of_those_of_each_round(bench: Any, tmp_path: Path) -> None:
    contest, measuring = bench
    suite = contest.Suite(tmp_path, 3)
    ours = [spent(measuring, seconds) for seconds in (1.0, 8.0, 2.0)]
    theirs = [spent(measuring, seconds) for seconds in (2.0, 2.0, 8.0)]

    suite.hold("check", ours, ("another", theirs), contest.Bound(at_most=0.5))

    (line,) = suite.lines
    assert (line.ours, line.peer, line.ratio, line.met) == (2.0, 2.0, 0.5, True)


@pytest.mark.parametrize(
    ("at_most", "at_least", "ratio", "met"),
    [(0.5, None, 0.51, False), (0.5, None, 0.5, True), (None, 2.5, 2.4, False), (None, 2.5, 2.5, True)],
)
def test_a_bound_is_kept_or_missed(
    bench: Any, at_most: float | None, at_least: float | None, ratio: float, *, met: bool
) -> None:
    contest, _ = bench

    assert contest.Bound(at_most, at_least).holds(ratio) is met


def test_a_contender_that_fails_stops_the_suite(bench: Any, tmp_path: Path) -> None:
    contest, _ = bench
    suite = contest.Suite(tmp_path, 1)

    with pytest.raises(SystemExit, match=r"ended with 3:\nno such file"):
        suite.race({"peer": contest.run([sys.executable, "-c", "print('no such file'); raise SystemExit(3)"])})


def test_the_same_seed_makes_the_same_source(bench: Any, tmp_path: Path) -> None:
    contest, _ = bench
    made = [Path(contest.Suite(tmp_path / name, 1).source("csv", 200, 0.2)).read_bytes() for name in ("one", "other")]

    assert made[0] == made[1]
    assert made[0].count(b"\n") == 201
