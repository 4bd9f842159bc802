"""The figures of a report, counted and added up by whole columns: exact, and never across currencies."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date

    from importer.model import Report

Money = dict[str, Decimal]  # currency → amount, the currency with the most rows first

_OWN: Final = ("amount", "currency", "due")
_GROUPED: Final = ("severity", "code", "column")  # what makes two issues the same reason
_TOLD: Final = ("field", "message", "hint")  # what is told of a reason's first issue
CHUNK: Final = 20_000  # issues looked at together
_WIDE: Final = pa.decimal256(76, 18)  # wider than an amount: a sum that does not fit would wrap around in silence


@dataclass(frozen=True, slots=True)
class Share:
    """Some of the rows: how many, what they are about, and which part of all that is at stake (see `Tally.weigh`)."""

    rows: int
    amounts: Money
    weight: float


@dataclass(frozen=True, slots=True)
class Fault:
    """Issues of one severity, code and column.

    Attributes:
        severity, code, column, field, message, hint: Of the first of them; blank where there is none.
        alike: Whether all of them say the same.
        row: Key of the first row.
        count: Issues.
        share: The rows with at least one of them.
    """

    severity: str
    code: str
    column: str
    field: str
    message: str
    hint: str
    alike: bool
    row: int
    count: int
    share: Share


class Tally:
    """Counts and adds up the rows of one report, some or all of them.

    Attributes:
        height: Rows.
        unreadable: Rows without an amount or a currency; in no sum.
        currencies: Currency → its rows, the one with the most first.
    """

    def __init__(self, report: Report) -> None:
        self._report = report
        self.height = len(report.outcomes)
        empty = pa.nulls(self.height)
        told = {name: pa.array(report.amounts[name]) if name in report.amounts else empty for name in _OWN}
        currency = pc.cast(_whole(told["currency"]), pa.string())
        amount = pc.cast(_whole(told["amount"]), _WIDE)
        readable = pc.and_(currency.is_valid(), amount.is_valid())
        none = pa.scalar(None)
        self._currency = pc.if_else(readable, currency, none)
        self._amount = pc.if_else(readable, amount, none)
        self._due = pc.cast(_whole(told["due"]), pa.date32())
        self.unreadable = self.height - int(pc.sum(readable).as_py() or 0)
        counts = {each["values"]: each["counts"] for each in pc.value_counts(self._currency.drop_null()).to_pylist()}
        self.currencies = dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))

    @cached_property
    def _weights(self) -> np.ndarray:
        """Which part of all that is at stake each row is.

        Amounts of different currencies cannot be compared. So each currency is as much of the whole as it has rows, and
        a row is as much of that as it has of the currency's amounts; one that cannot be read is as much as a mean one.
        """
        weights = np.full(self.height, 1 / max(1, self.height))
        sizes = np.abs(pc.cast(self._amount, pa.float64()).to_numpy(zero_copy_only=False))
        for currency, rows in self.currencies.items():
            mask = pc.fill_null(pc.equal(self._currency, currency), fill_value=False).to_numpy(zero_copy_only=False)
            if whole := sizes[mask].sum():
                weights[mask] = sizes[mask] / whole * rows / self.height
        return weights

    def weigh(self, rows: np.ndarray) -> float:
        """Say which part of all that is at stake some rows are, given as a mask or positions."""
        return float(self._weights[rows].sum())

    def add_up(self, rows: np.ndarray) -> Money:
        """Add up some rows' amounts, given as positions."""
        return self.add_groups(rows, np.zeros(len(rows), dtype="int64")).get(0, {})

    def add_groups(self, rows: np.ndarray, groups: np.ndarray | pa.Array) -> dict[Any, Money]:
        """Add up amounts by group and currency; *groups* has one for each of *rows*."""
        if self.unreadable:
            readable = self._amount.is_valid().to_numpy(zero_copy_only=False)[rows]
            rows, groups = rows[readable], pc.filter(groups, pa.array(readable))
        chosen = pa.array(rows)
        table = pa.table(
            {"group": groups, "currency": self._currency.take(chosen), "amount": self._amount.take(chosen)}
        )
        lines = table.group_by(["group", "currency"]).aggregate([("amount", "sum")]).to_pylist()
        place = {currency: number for number, currency in enumerate(self.currencies)}
        sums: dict[Any, Money] = defaultdict(dict)
        for line in sorted(lines, key=lambda line: place[line["currency"]]):
            sums[line["group"]][line["currency"]] = line["amount_sum"]
        return dict(sums)

    def count_groups(self, groups: pa.Array) -> dict[tuple[Any, str], int]:
        """Count all rows by group and currency."""
        table = pa.table({"group": groups, "currency": self._currency}).filter(pc.field("currency").is_valid())
        lines = table.group_by(["group", "currency"]).aggregate([([], "count_all")]).to_pylist()
        return {(line["group"], line["currency"]): line["count_all"] for line in lines}

    @property
    def is_dated(self) -> bool:
        """Whether any row says how old its debt is."""
        return bool(self._due.null_count < self.height)

    def ages(self, today: date) -> tuple[np.ndarray, np.ndarray]:
        """Give the positions of the rows with a date, and how many days before *today* each of them was due."""
        positions = np.flatnonzero(self._due.is_valid().to_numpy(zero_copy_only=False))
        epoch = np.datetime64(today, "D").astype("int64")
        return positions, epoch - pc.cast(self._due.drop_null(), pa.int32()).to_numpy().astype("int64")

    def faults(self) -> list[Fault]:
        """Group the issues: errors first, then those with most at stake."""
        issues = self._report.issues
        group, first = _number(_texts(issues[name]) for name in _GROUPED)
        rows = self._report.outcomes.index.get_indexer(pd.Index(issues["row"]))
        told = {name: _texts(issues[name].iloc[first]) for name in (*_GROUPED, *_TOLD)}
        strange = np.bincount(group, weights=_differ(issues["message"], told["message"], group))
        counts, keys = np.bincount(group), issues["row"].to_numpy()[first]
        found = [
            Fault(
                **{name: texts[number].as_py() for name, texts in told.items()},
                alike=not strange[number],
                row=int(keys[number]),
                count=int(counts[number]),
                share=share,
            )
            for number, share in enumerate(self._shares(group, rows))
        ]
        return sorted(found, key=lambda fault: (fault.severity != "error", -fault.share.weight, -fault.share.rows))

    def answers(self, statuses: Sequence[str]) -> list[tuple[str, str, str, Share]]:
        """Group the rows of some *statuses* by status, error and message, those with most at stake first."""
        outcomes = self._report.outcomes
        rows = np.flatnonzero(outcomes["status"].isin(list(statuses)).to_numpy(dtype=bool))
        columns = [outcomes[name].iloc[rows] for name in ("status", "error", "message")]
        group, first = _number(map(_texts, columns))
        shares = self._shares(group, rows)
        told = [tuple(_texts(column.iloc[first]).to_pylist()) for column in columns]
        found = [(*texts, share) for *texts, share in zip(*told, shares, strict=True)]
        return sorted(found, key=lambda answer: (-answer[3].weight, -answer[3].rows))

    def _shares(self, groups: np.ndarray, rows: np.ndarray) -> list[Share]:
        """Say how much each group is, where *rows* has a row's position for each of *groups*, maybe several times.

        A position below zero is the header's, which counts as a row and is worth nothing.
        """
        pairs = np.sort(groups * (self.height + 1) + np.where(rows < 0, self.height, rows))
        pairs = pairs[np.diff(pairs, prepend=-1) > 0]  # each once; `numpy.unique` takes six times as long
        groups, rows = pairs // (self.height + 1), pairs % (self.height + 1)
        counts, own = np.bincount(groups), rows < self.height
        sums = self.add_groups(rows[own], groups[own])
        weights = np.bincount(groups[own], weights=self._weights[rows[own]], minlength=len(counts))
        return [Share(int(counts[n]), sums.get(n, {}), float(weights[n])) for n in range(len(counts))]


def _number(columns: Iterable[pa.Array]) -> tuple[np.ndarray, np.ndarray]:
    """Number the distinct combinations of some columns: that of each line, and where each is first."""
    numbers: Any = 0
    for column in columns:
        coded = column.dictionary_encode()
        numbers = numbers * (len(coded.dictionary) + 1) + coded.indices.to_numpy()
    _, first, group = np.unique(numbers, return_index=True, return_inverse=True)
    return group, first


def _differ(column: pd.Series, leading: pa.Array, group: np.ndarray) -> np.ndarray:
    """Tell which texts are not the leading one of their group; some at a time, since texts of messages are long."""
    parts = [np.empty(0, dtype=bool)]
    for start in range(0, len(column), CHUNK):
        part = slice(start, start + CHUNK)
        different = pc.not_equal(_texts(column.iloc[part]), leading.take(pa.array(group[part])))
        parts.append(different.to_numpy(zero_copy_only=False))
    return np.concatenate(parts)


def _texts(column: pd.Series) -> pa.Array:
    return pc.fill_null(_whole(pa.array(column, pa.string())), "")


def _whole(array: pa.Array | pa.ChunkedArray) -> pa.Array:
    return array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array
