"""Links between the sheets, made by whole columns: xlsxwriter would keep each of them, and its cell, in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from importer.model import column_letters

if TYPE_CHECKING:
    import numpy as np

MENDED: Final = "To fix"


def link_rows(column: int, lines: np.ndarray, targets: np.ndarray) -> bytes:
    """Link cells of a *column* on some *lines* to lines of `To fix`; all lines count from 0, below the header."""
    sheets, letters = (pa.array([text] * len(lines), pa.string()) for text in (MENDED, "A"))
    return link_cells(column, lines, sheets, targets, letters)


def link_cells(column: int, lines: np.ndarray, sheets: pa.Array, targets: np.ndarray, letters: pa.Array) -> bytes:
    """Link cells of a *column* on some *lines* to cells, each given by its sheet, its line and its column's letters."""
    made = pc.binary_join_element_wise(
        *(f'<hyperlink ref="{column_letters(column)}', _number(lines), '" location="\'', sheets, "'!", letters),
        *(_number(targets), '"/>', ""),
    )
    return "".join(made.to_pylist()).encode()


def _number(lines: Any) -> pa.Array:
    """Give the numbers of the rows, as the spreadsheet program counts them."""
    return pc.cast(pc.add(pa.array(lines, pa.int64()), 2), pa.string())
