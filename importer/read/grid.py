"""What every reader yields: all records of a source as text, with their row numbers; and the table that it becomes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from importer.errors import SourceError
from importer.model import Table

if TYPE_CHECKING:
    from pathlib import Path

    from importer.model import Carried

TEXT = pd.ArrowDtype(pa.string())


@dataclass(frozen=True, slots=True)
class Grid:
    """All records of a source below its header.

    Attributes:
        header: The header's texts.
        header_row: Its row number.
        columns: One Arrow array of strings a column; null where a cell is empty. Blank records may be among them.
        rows: The row number of each record.
        facts: How it was read.
        numbers: Column → mask of number cells; see `Table`.
        damaged: The same for numbers that have lost digits.
        carried: See `Table`.
    """

    header: tuple[str, ...]
    header_row: int
    columns: list[pa.Array]
    rows: np.ndarray
    facts: tuple[tuple[str, str], ...]
    numbers: dict[int, np.ndarray] = field(default_factory=dict)
    damaged: dict[int, np.ndarray] = field(default_factory=dict)
    carried: Carried | None = None


def to_table(path: Path, grid: Grid, sha256: str) -> Table:
    """Leave blank rows out, count them, and index the rest by row number.

    Raises:
        SourceError: No row is left, or there is no header.
    """
    filled = np.zeros(len(grid.rows), dtype=bool)
    for column in grid.columns:
        blank = pc.equal(pc.utf8_length(pc.utf8_trim_whitespace(column)), 0)
        filled |= pc.invert(pc.fill_null(blank, fill_value=True)).to_numpy(zero_copy_only=False)
    if not filled.any():
        raise SourceError("has a header but no rows; nothing is to be done.")
    index = pd.Index(grid.rows[filled], name="row", dtype="int64")
    mask = pa.array(filled)
    cells = pd.DataFrame(
        {number: pd.arrays.ArrowExtensionArray(column.filter(mask)) for number, column in enumerate(grid.columns)},
        index=index,
    )
    blank_rows = int((~filled).sum())
    facts = (*grid.facts, ("header row", str(grid.header_row)), ("rows", str(len(index))))
    return Table(
        path=path,
        header=tuple(text.strip() for text in grid.header),
        cells=cells,
        numbers={number: mask[filled] for number, mask in grid.numbers.items() if mask[filled].any()},
        damaged={number: mask[filled] for number, mask in grid.damaged.items() if mask[filled].any()},
        facts=(*facts, ("blank rows", str(blank_rows))) if blank_rows else facts,
        sha256=sha256,
        carried=grid.carried,
    )
