"""Rows against the journal: what earlier runs have made of each, and what a submit would do because of it."""

from __future__ import annotations

import sys
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import pandas as pd
import pyarrow as pa

from importer import messages
from importer.model import ISSUE_COLUMNS, WAYS
from importer.plan import differing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from importer.model import Entry, Trace, Way
    from importer.plan import Planned
    from schemas.codes import Code

CHANGED: Final = "changed-since-import"
_TEXT: Final = pd.ArrowDtype(pa.string())
SHOWN: Final = 80  # signs of a cell in an issue
COUNTED: Final = {"amountToRecover", "currencyCode"}  # of these alone the journal keeps the values


@dataclass(frozen=True, slots=True)
class Past:
    """What the journal knows of a valid row; no more than is needed, since a million rows may have one.

    Attributes:
        row: Its key.
        way: What a submit does because of it.
        run: Which run that is from.
        case_id, case_reference, lifecycle, error: As in `Entry`.
        differing: Fields that are not what was sent.
        was: When that was, and the amount of then where that differs; for an issue.
        last: The newest run that had the row, whatever became of it there.
        alike: Runs to which it was what it is now.
    """

    row: int
    way: Way
    run: str
    case_id: str | None
    case_reference: str | None
    lifecycle: str | None
    error: str | None
    differing: tuple[str, ...]
    was: str
    last: str
    alike: frozenset[str]


def recall(plan: Planned) -> Past | None:
    """Say what of *plan* is known from earlier runs; None where nothing is, and its row is new."""
    if plan.last is None:
        return None
    entry = plan.entry or plan.last
    alike = {sys.intern(entry.run)} if plan.entry and not plan.differing else set()
    if plan.last is not plan.entry and not differing(plan.case, plan.last):
        alike.add(sys.intern(plan.last.run))
    return Past(
        row=plan.case.row,
        way=_way(plan),
        run=sys.intern(entry.run),
        case_id=entry.case_id,
        case_reference=entry.case_reference,
        lifecycle=entry.lifecycle,
        error=entry.error,
        differing=plan.differing,
        was=_tell_then(entry) if plan.differing else "",
        last=sys.intern(plan.last.run),
        alike=frozenset(alike),
    )


def recall_unchanged(row: int, traces: Sequence[Trace], key_of: Callable[[int], str]) -> Past | None:
    """Say of a row that it is imported already, and what it was then; None where that takes a closer look.

    Args:
        row: Its key.
        traces: All that the journal has under its identity, oldest first.
        key_of: The key of its request, after so many refusals.
    """
    made = next((trace for trace in reversed(traces) if trace.status == "created"), None)
    if made is None or made.key != key_of(made.n):
        return None
    last = traces[-1]
    alike = {made.run} if last is made or last.key != key_of(last.n) else {made.run, last.run}
    return Past(
        row=row,
        way="already-imported",
        run=sys.intern(made.run),
        case_id=made.case_id,
        case_reference=made.case_reference,
        lifecycle=made.lifecycle,
        error=None,
        differing=(),
        was="",
        last=sys.intern(last.run),
        alike=frozenset(map(sys.intern, alike)),
    )


def _way(plan: Planned) -> Way:
    match plan.fate:
        case "already-imported" | "duplicate":
            return plan.fate
        case "wait":
            return "unsettled"
        case _:
            status = plan.last.status if plan.last else ""
            return "rejected" if status == "rejected" else "duplicate" if status == "duplicate" else "not-sent"


def _tell_then(entry: Entry) -> str:
    when = f"{datetime.fromtimestamp(entry.sent_at, UTC):%Y-%m-%d}" if entry.sent_at else f"by run {entry.run}"
    return when if entry.case.bundle == entry.case.row else f"{when}, as {entry.case.amount:f} {entry.case.currency}"


def count(pasts: Iterable[Past], valid: int) -> dict[str, int]:
    """Count *valid* rows by what a submit would do with them; see `Against.counts`."""
    ways: Counter[str] = Counter()
    changed = 0
    for past in pasts:
        ways[past.way] += 1
        changed += past.way == "already-imported" and bool(past.differing)
    return {"new": valid - ways.total(), **{way: ways[way] for way in WAYS}, "changed": changed}


def runs_to_resume(pasts: Iterable[Past]) -> tuple[str, ...]:
    """Name the runs that have left something, oldest first: their ids begin with when they began."""
    return tuple(sorted({past.run for past in pasts if past.way in {"unsettled", "not-sent"}}))


def tell_past(past: Past) -> str | None:
    """Say of one row what `Results` says of it before it is sent; None where its status says all."""
    match past.way:
        case "already-imported":
            return messages.WOULD_CHANGE.say(fields=", ".join(past.differing)) if past.differing else None
        case "unsettled":
            return messages.IN_DOUBT.say(run=past.run)
        case "not-sent":
            return messages.LEFT_UNSENT.say(run=past.run)
        case "rejected":
            return messages.TRIED_AGAIN.say(run=past.run, error=f" ({past.error})" if past.error else "")
        case _:
            return messages.ELSEWHERE.say(run=past.run)


def describe(
    pasts: Iterable[Past],
    cells: pd.DataFrame,
    header: Sequence[str],
    headers: Mapping[str, str],
    codes: Mapping[str, Code],
) -> pd.DataFrame:
    """Make an issue of each field that is not what was sent, on the cell that says it now.

    Args:
        pasts: Of any rows.
        cells: As in `Table`.
        header: Of *cells*.
        headers: Field → header that feeds it; a field without a column is named by itself.
        codes: The target's.

    Returns:
        Columns as `ISSUE_COLUMNS`.
    """
    changed = [past for past in pasts if past.way == "already-imported" and past.differing]
    code = codes[CHANGED] if changed else None
    by_field: dict[str, list[Past]] = {}
    for past in changed:
        for name in past.differing:
            by_field.setdefault(name, []).append(past)
    places = {text: position for position, text in reversed(list(enumerate(header)))}
    parts = []
    for name, found in by_field.items():
        column = headers.get(name, name)
        rows = [past.row for past in found]
        values = cells[places[column]].loc[rows].fillna("").str.strip() if column in places else [""] * len(rows)
        shown = [str(value)[:SHOWN] for value in values]
        told = [past.was if name in COUNTED else past.was.partition(",")[0] for past in found]
        part = pd.DataFrame({"row": rows, "column": column, "field": name, "value": shown})
        for place, text in (("message", code.message), ("hint", code.hint)) if code else ():
            part[place] = [
                text.format(column=column, value=f"“{value}”", detail=detail)
                for value, detail in zip(shown, told, strict=True)
            ]
        parts.append(part.assign(severity="warning", code=CHANGED))
    if not parts:
        return pd.DataFrame({name: pd.Series([], dtype="int64" if name == "row" else _TEXT) for name in ISSUE_COLUMNS})
    issues = pd.concat(parts, ignore_index=True).sort_values("row", kind="stable", ignore_index=True)
    return issues[list(ISSUE_COLUMNS)].astype({name: _TEXT for name in ISSUE_COLUMNS if name != "row"})


def count_columns(issues: pd.DataFrame) -> dict[str, int]:
    """Count the rows in which each column is another now, the most first."""
    return {str(name): int(rows) for name, rows in issues["column"].value_counts().items()}
