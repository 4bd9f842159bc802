"""Pace: what is sent in ten minutes under the published limits, at several latencies."""

from __future__ import annotations

import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from contest import PROGRAM, Bound, surroundings
from measuring import Spent, measure
from posting import counted, responder, settings

if TYPE_CHECKING:
    from contest import Suite

PUBLISHED = "2000/min,20000/h,100000/d"
PERMITTED = 20_000.0  # requests in ten minutes
ROWS = 19_950  # with the questions, no more than an hour permits
LATENCIES = (0.05, 0.3, 1.0)  # seconds


def pace(suite: Suite, _rows: list[int] | None) -> None:
    """Send for ten minutes at each latency, all at once, since none has much to do; a single round."""
    source = suite.source("csv", ROWS, 0.0)
    with ThreadPoolExecutor() as pool:
        for latency, spent in zip(LATENCIES, pool.map(partial(send, suite.folder, source), LATENCIES), strict=True):
            suite.hold(
                f"requests in ten minutes, {latency * 1_000:,.0f} ms of latency",
                [spent],
                ("what is permitted", PERMITTED),
                Bound(at_least=0.99),
                of=lambda spent: float(spent.said),
                unit="requests",
            )


def send(folder: Path, source: str, latency: float) -> Spent:
    """Send to a server of that latency; what it says is how many requests came there in the first ten minutes."""
    with tempfile.TemporaryDirectory(dir=folder) as place, responder(latency) as url:
        command = [*PROGRAM, "submit", source, "--yes", "--quiet"]
        spent = measure(command, Path(place), {**surroundings(), **settings(url, PUBLISHED)})
        return replace(spent, said=str(counted(url)["ten minutes"]))
