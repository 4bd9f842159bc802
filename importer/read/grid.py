"""What every reader yields: all records of a source as text, with their row numbers; and the table that it becomes."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from importer.errors import SourceError
from importer.model import LeftOut, Table, column_letters
from importer.read.shape import NAMED, find_no_data, tell_rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from importer.model import Carried, Reading, Writing


Facts = tuple[tuple[str, str], ...]

TEXT = pd.ArrowDtype(pa.string())
STRETCHES = 50  # of rows that are kept


@dataclass(frozen=True, slots=True)
class Grid:
    """All records of a source below its header.

    Attributes:
        header: The header's texts.
        header_row: Its row number.
        columns: Arrow strings of each column, in one array or in several; null where a cell is empty. Blank records
            may be among them.
        rows: The row number of each record.
        facts: How it was read.
        numbers: Column → mask of number cells; see `Table`.
        damaged: The same for numbers that have lost digits, and for dates.
        carried: See `Table`.
        titles: What lies above the header.
        hidden: Row numbers that a workbook hides.
        writing: See `Table`.
    """

    header: tuple[str, ...]
    header_row: int
    columns: list[pa.Array | pa.ChunkedArray]
    rows: np.ndarray
    facts: Facts
    numbers: dict[int, np.ndarray] = field(default_factory=dict)
    damaged: dict[int, np.ndarray] = field(default_factory=dict)
    carried: Carried | None = None
    titles: tuple[LeftOut, ...] = ()
    hidden: np.ndarray | None = None
    writing: Writing | None = None


def to_table(path: Path, grid: Grid, sha256: str, reading: Reading) -> Table:
    """Leave out what is no row of data, say so, and index the rest by row number.

    Raises:
        SourceError: No row is left, or it is not said whether hidden rows are data.
    """
    with ThreadPoolExecutor(pa.cpu_count()) as pool:
        filled = [*pool.map(_is_filled, grid.columns)]
    kept = np.logical_or.reduce(filled)
    blank_rows = int((~kept).sum())
    left_out = [*grid.titles]
    told: list[tuple[str, str]] = []
    if not grid.carried:  # our own workbooks hold rows of data alone
        left_out += find_no_data(grid.header, grid.columns, filled, grid.rows)
        told += _tell_headers(grid, filled)
    hidden = np.isin(grid.rows, grid.hidden) & kept if grid.hidden is not None else np.zeros(0, dtype=bool)
    if hidden.any():
        told.append(_judge_hidden(grid.rows[hidden], reading))
        if reading.hidden_rows == "skip":
            known = {out.row for out in left_out}
            left_out += [
                LeftOut(int(grid.rows[position]), "hidden", tuple(column[position].as_py() for column in grid.columns))
                for position in np.flatnonzero(hidden).tolist()
                if int(grid.rows[position]) not in known
            ]
    kept &= ~np.isin(grid.rows, [out.row for out in left_out])
    if not kept.any():
        raise SourceError("has a header but no rows; nothing is to be done.")
    index = pd.Index(grid.rows[kept], name="row", dtype="int64")
    cells = pd.DataFrame(
        {number: pd.arrays.ArrowExtensionArray(column) for number, column in enumerate(_keep(grid.columns, kept))},
        index=index,
    )
    facts = (*grid.facts, ("header row", str(grid.header_row)), *told, ("rows", str(len(index))))
    facts += (("blank rows", str(blank_rows)),) if blank_rows else ()
    return Table(
        path=path,
        header=tuple(text.strip() for text in grid.header),
        cells=cells,
        numbers={number: mask[kept] for number, mask in grid.numbers.items() if mask[kept].any()},
        damaged={number: mask[kept] for number, mask in grid.damaged.items() if mask[kept].any()},
        facts=(*facts, *_tell_left_out(left_out)),
        sha256=sha256,
        carried=grid.carried,
        left_out=tuple(sorted(left_out, key=lambda out: out.row)),
        writing=grid.writing,
    )


def _keep(columns: Iterable[pa.Array | pa.ChunkedArray], kept: np.ndarray) -> Iterator[pa.Array | pa.ChunkedArray]:
    """Leave the other cells out; without a copy where the rows that stay lie in few stretches, as they mostly do."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], kept, [False]])))
    if len(edges) > 2 * STRETCHES:
        mask = pa.array(kept)
        yield from (column.filter(mask) for column in columns)
        return
    for column in columns:
        parts = [column.slice(start, end - start) for start, end in edges.reshape(-1, 2).tolist()]
        chunks = [chunk for part in parts for chunk in (part.chunks if isinstance(part, pa.ChunkedArray) else [part])]
        yield pa.chunked_array(chunks, pa.string())


def _is_filled(column: pa.Array | pa.ChunkedArray) -> np.ndarray:
    chunks = column.chunks if isinstance(column, pa.ChunkedArray) else [column]
    filled = [
        pc.fill_null(pc.invert(pc.or_(pc.utf8_is_space(chunk), pc.equal(pc.binary_length(chunk), 0))), fill_value=False)
        for chunk in chunks
    ]
    return np.concatenate([np.zeros(0, bool), *(chunk.to_numpy(zero_copy_only=False) for chunk in filled)])


def _judge_hidden(rows: np.ndarray, reading: Reading) -> tuple[str, str]:
    named = tell_rows(rows.tolist())
    if reading.hidden_rows is None:
        raise SourceError(
            f"hides rows that have something in them, by a filter or by hand: {named}. "
            "Say --hidden-rows take to read them, or --hidden-rows skip to leave them out."
        )
    return "hidden rows", f"{'read' if reading.hidden_rows == 'take' else 'left out'}: {named}"


def _tell_headers(grid: Grid, filled: list[np.ndarray]) -> Iterator[tuple[str, str]]:
    places: dict[str, list[int]] = {}
    for number, text in enumerate(grid.header):
        places.setdefault(text.strip(), []).append(number)
    again = {text: numbers for text, numbers in places.items() if text and len(numbers) > 1}
    if again:
        named = [f"“{text}” in {tell_columns(numbers)}" for text, numbers in islice(again.items(), NAMED)]
        yield "headers that repeat", "; ".join(named) + (" and more" if len(again) > NAMED else "")
    unnamed = [number for number in places.get("", ()) if filled[number].any()]
    if unnamed:
        yield "columns without a header", tell_columns(unnamed)


def tell_columns(columns: Sequence[int]) -> str:
    """Name columns, not more than can be read."""
    return ", ".join(map(column_letters, columns[:NAMED])) + (" and more" if len(columns) > NAMED else "")


def _tell_left_out(left_out: list[LeftOut]) -> Iterator[tuple[str, str]]:
    """Name the rows alone: their cells may be personal data, and facts are kept in the journal."""
    for why, name in (
        ("title", "titles"),
        ("header again", "headers again"),
        ("total", "totals"),
        ("footer", "footers"),
    ):
        rows = [out.row for out in left_out if out.why == why]
        if rows:
            yield f"{name}, left out", f"row{'s' if len(rows) > 1 else ''} {tell_rows(rows)}"
