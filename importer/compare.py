"""Rows against what is known of them: what the journal has made of each, and what differs from the last time."""

from __future__ import annotations

import sys
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import PurePath
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from importer import messages
from importer.model import ISSUE_COLUMNS, WAYS
from importer.plan import differing

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from importer.model import Entry, Trace, Way
    from importer.plan import Planned
    from schemas.codes import Code

CHANGED: Final = "changed-since-import"
SHOWN: Final = 80  # signs of a cell in an issue
COUNTED: Final = {"amountToRecover", "currencyCode"}  # of these alone the journal keeps the values

_TEXT: Final = pd.ArrowDtype(pa.string())
_BETWEEN: Final = "\x1f"  # cells of a row that is compared as a whole


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


@dataclass(frozen=True, slots=True)
class Side:
    """The rows of sources, now or then.

    Attributes:
        header: Common to the sources.
        cells: As in `Table`; index: row keys.
        references: The creditor reference of each row, null where there is none.
    """

    header: tuple[str, ...]
    cells: pd.DataFrame
    references: pd.Series


@dataclass(frozen=True, slots=True)
class Submitted:
    """An earlier run, as far as it may have had the same sources: its id, their hashes and names."""

    run: str
    sha256: tuple[str, ...]
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Differences:
    """How two sides differ; as in `Earlier`, with row keys."""

    same: int
    changed: int
    new: int
    missing: int
    rewritten: int
    columns: Mapping[str, int]
    cells: Mapping[str, int]
    added: tuple[str, ...]
    dropped: tuple[str, ...]


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


def choose(
    runs: Sequence[Submitted], sha256: Collection[str], names: Collection[str], lasts: Mapping[str, int], rows: int
) -> tuple[str, bool] | None:
    """Choose the run that had these sources last.

    The same bytes decide. Else it is the run that was the last for most of the rows, if these are half of all or its
    sources had the same names. Else one whose sources had the same names may be it, which common references tell.

    Args:
        runs: Newest first.
        sha256: Of the sources.
        names: Of the sources.
        lasts: Run → rows that it was the last to have.
        rows: How many there are.

    Returns:
        Its id, and whether it has the same bytes; None where there is none.
    """
    for run in runs:
        if sorted(run.sha256) == sorted(sha256):
            return run.run, True
    stems = {PurePath(name).stem for name in names}
    namesakes = [run.run for run in runs if {PurePath(name).stem for name in run.names} == stems]
    likely = [run.run for run in runs if lasts.get(run.run, 0) * 2 >= max(rows, 1)]
    likely += [run for run in namesakes if run in lasts]
    if likely:
        return max(likely, key=lambda run: lasts[run]), False  # of equal ones the first, which is the newest
    return (namesakes[0], False) if namesakes else None


def compare(now: Side, then: Side, fed: Collection[str], alike: Collection[int]) -> Differences | None:
    """Compare rows by creditor reference, cell by cell; None where they have no row in common.

    A row without a reference, or with one that several rows have, is compared as a whole.

    Args:
        now: Of the sources.
        then: Of the earlier run.
        fed: Columns that feed a field.
        alike: Rows of *now* of which the journal says that what is sent is what was sent then; their cells under *fed*
            are only written in another way.
    """
    pairs = _pair_columns(now.header, then.header)
    ours, theirs = pa.array(now.references, pa.string()), pa.array(then.references, pa.string())
    single, their_single = _is_single(ours), _is_single(theirs)
    # One that several rows have on either side pairs none of them.
    single &= ~_is_in(ours, theirs.filter(pa.array(~their_single)))
    their_single &= ~_is_in(theirs, ours.filter(pa.array(~single)))
    singles = np.flatnonzero(their_single)
    found = pc.index_in(ours, value_set=theirs.take(pa.array(singles)))
    paired = single & _mask(found.is_valid())
    places = singles[found.filter(pa.array(paired)).to_numpy()]
    mine = np.flatnonzero(paired)
    whole = _count_whole(now, then, pairs, ~single, ~their_single)
    if not len(mine) and not whole:
        return None
    keys = now.cells.index.to_numpy()[mine]
    written = np.isin(keys, np.fromiter(alike, dtype="int64", count=len(alike)))
    changed, rewritten = np.zeros(len(mine), dtype=bool), np.zeros(len(mine), dtype=bool)
    columns: dict[str, np.ndarray] = {}
    for own, other in pairs:
        differs = _differ(now.cells[own], then.cells[other], mine, places)
        if now.header[own] in fed:
            rewritten |= differs & written
            differs &= ~written
        if differs.any():
            columns[now.header[own]] = differs
            changed |= differs
    same = int((~changed).sum()) + whole
    return Differences(
        same=same,
        changed=int(changed.sum()),
        new=len(ours) - same - int(changed.sum()),
        missing=len(theirs) - same - int(changed.sum()),
        rewritten=int((rewritten & ~changed).sum()),
        columns=dict(sorted(((name, int(where.sum())) for name, where in columns.items()), key=lambda one: -one[1])),
        cells={name: int(keys[where.argmax()]) for name, where in columns.items()},
        added=tuple(text for place, text in enumerate(now.header) if place not in {own for own, _ in pairs}),
        dropped=tuple(text for place, text in enumerate(then.header) if place not in {other for _, other in pairs}),
    )


def _pair_columns(ours: Sequence[str], theirs: Sequence[str]) -> list[tuple[int, int]]:
    """Pair the columns that have the same header; of several with one header, the first with the first."""
    places: dict[tuple[str, int], int] = {}
    seen: Counter[str] = Counter()
    for position, text in enumerate(theirs):
        places[text, seen[text]] = position
        seen[text] += 1
    seen.clear()
    pairs = []
    for position, text in enumerate(ours):
        if (text, seen[text]) in places:
            pairs.append((position, places[text, seen[text]]))
        seen[text] += 1
    return pairs


def _is_single(references: pa.Array) -> np.ndarray:
    counts = references.value_counts()
    often = counts.field("values").filter(pc.greater(counts.field("counts"), 1))
    single: np.ndarray = ~_is_in(references, often) & _mask(references.is_valid())
    return single


def _is_in(references: pa.Array, some: pa.Array) -> np.ndarray:
    return _mask(pc.is_in(references, value_set=some.drop_null()))


def _mask(array: pa.Array) -> np.ndarray:
    """Make of booleans of Arrow a mask; contiguous or in chunks."""
    return np.asarray(array, dtype=bool)


def _differ(ours: pd.Series, theirs: pd.Series, mine: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Tell where two columns differ, whatever spaces are around the cells."""
    sides = (pa.array(column, pa.string()).take(pa.array(at)) for column, at in ((ours, mine), (theirs, places)))
    trimmed = (pc.fill_null(pc.utf8_trim_whitespace(side), "") for side in sides)
    return _mask(pc.not_equal(*trimmed))


def _count_whole(now: Side, then: Side, pairs: Sequence[tuple[int, int]], ours: np.ndarray, theirs: np.ndarray) -> int:
    """Count the rows of *ours* that are among *theirs* with all their cells, each once."""
    if not pairs or not ours.any() or not theirs.any():
        return 0
    sides = []
    for side, chosen, which in ((now, ours, 0), (then, theirs, 1)):
        columns = [pa.array(side.cells[pair[which]], pa.string()).filter(pa.array(chosen)) for pair in pairs]
        filled = [pc.fill_null(pc.utf8_trim_whitespace(column), "") for column in columns]
        sides.append(Counter(pc.binary_join_element_wise(*filled, _BETWEEN).to_pylist()))
    return (sides[0] & sides[1]).total()


def compare_hashes(
    ours: Collection[str], theirs: Collection[str], pasts: Iterable[Past], run: str
) -> Differences | None:
    """Compare by what the journal keeps of *run*, whose rows are gone: references, and hashes of what was sent.

    None where they have no reference in common.

    Args:
        ours: The references of the sources.
        theirs: Those of the run's cases.
        pasts: Of the valid rows.
        run: Its id.
    """
    common = len(set(ours) & set(theirs))
    if not common:
        return None
    known = [past for past in pasts if run in {past.last, past.run}]
    changed = [past for past in known if run not in past.alike]
    columns = Counter(name for past in changed for name in past.differing)
    first = {name: past.row for past in reversed(changed) for name in past.differing}
    return Differences(
        same=common - len(changed),
        changed=len(changed),
        new=len(ours) - common,
        missing=len(set(theirs)) - common,
        rewritten=0,
        columns=dict(columns.most_common()),
        cells=first,
        added=(),
        dropped=(),
    )
