"""What it costs to read columns of amounts and dates, beside pandas in the same run; prints a table.

    python tests/bench/values.py [--rows 1000000]

Each line is a column of so many cells from a fixed seed, decided and read, in seconds of processor time (the best of
three) and as a multiple of what pandas takes to read the same values as it likes them best: `to_numeric` of plain
numbers with a decimal point, which gives floats, and `to_datetime` of one given format. A second table has a tenth of
the rows: ten times the rows should cost about ten times as much.
"""

from __future__ import annotations

import argparse
import sys
import time
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyarrow as pa

from importer.parse.amounts import Amounts
from importer.parse.column import Column
from importer.parse.dates import Dates

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

SEED = 20261121
TEXT = pd.ArrowDtype(pa.string())


def cost(work: Callable[[], object]) -> float:
    best = float("inf")
    for _ in range(3):
        start = time.process_time()
        work()
        best = min(best, time.process_time() - start)
    return best


def column(texts: Iterable[str]) -> Column:
    cells = pd.Series(list(texts), dtype=TEXT)
    none = np.zeros(len(cells), dtype=bool)
    return Column("Column", "column", cells, none, none)


def read_amounts(texts: Column) -> pd.Series:
    amounts = Amounts(texts)
    return amounts.convert(amounts.decide())


def read_dates(texts: Column) -> pd.Series:
    dates = Dates(texts, 2027)
    return dates.convert(dates.decide())


def measure(rows: int) -> None:
    seeded = np.random.default_rng(SEED)
    cents = seeded.integers(100, 10**9, rows)
    plain = [f"{amount // 100}.{amount % 100:02d}" for amount in cents]
    grouped = [f"{amount // 100:,}.{amount % 100:02d}".translate(str.maketrans(",.", ".,")) for amount in cents]
    days = pd.date_range("2019-01-01", periods=2500)[seeded.integers(0, 2500, rows)]
    slashed = days.strftime("%d/%m/%Y")
    numbers = cost(lambda: pd.to_numeric(pd.Series(plain)))
    moments = cost(lambda: pd.to_datetime(pd.Series(slashed, dtype=object), format="%d/%m/%Y"))
    measured = [
        ("pandas.to_numeric, 1234.56", numbers, numbers),
        *(
            (f"amounts, {name}", cost(partial(read_amounts, column(texts))), numbers)
            for name, texts in (
                ("1234.56", plain),
                ("1.234,56", grouped),
                ("1.234,56 €", (f"{text} €" for text in grouped)),
                ("(1.234,56)", (f"({text})" for text in grouped)),
                ("no amounts at all", (f"x{text}y" for text in grouped)),
            )
        ),
        ("pandas.to_datetime, 31/01/2026", moments, moments),
        *(
            (f"dates, {name}", cost(partial(read_dates, column(texts))), moments)
            for name, texts in (
                ("31/01/2026", slashed),
                ("31. January 2026", days.strftime("%d. %B %Y")),
                (
                    "2026-01-31 13:45:07",
                    (days + pd.to_timedelta(cents % 86400, unit="s")).strftime("%Y-%m-%d %H:%M:%S"),
                ),
                ("no dates at all, each another", plain),
            )
        ),
    ]
    print(f"\n{rows:,} cells\n\n| column | seconds | times the peer |\n|---|--:|--:|")
    for name, seconds, peer in measured:
        print(f"| {name} | {seconds:.2f} | {seconds / peer:.1f} |")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    rows: int = parser.parse_args().rows
    measure(rows // 10)
    measure(rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
