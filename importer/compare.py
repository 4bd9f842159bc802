"""Rows against those of the last time: which run a source comes again from, and what differs, cell by cell."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from importer.past import Past


_TEXT: Final = pd.ArrowDtype(pa.string())
_BETWEEN: Final = "\x1f"  # cells of a row that is compared as a whole


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
