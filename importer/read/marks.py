"""What a sheet says about its cells besides their values, in any format of workbook."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Final

from importer.model import CELL_ERRORS

ERROR: Final = "#VALUE!"

Place = tuple[int, int]  # row and column, from 0
Area = tuple[int, int, int, int]  # first row, first column, last row, last column, from 0


@dataclass(slots=True)
class Marks:
    """What a sheet says about its cells besides their values; rows and columns count from 0.

    Attributes:
        texts: What is read in the place of what the fast reader gives: an error such as `#N/A`, for which that has a
            blank, or a number as its format shows it.
        hidden_rows: First and last of each hidden stretch.
        hidden_columns: The same for columns.
        merged: The merged areas.
        filtered: Whether a filter is active.
    """

    texts: dict[Place, str] = field(default_factory=dict)
    hidden_rows: list[tuple[int, int]] = field(default_factory=list)
    hidden_columns: list[tuple[int, int]] = field(default_factory=list)
    merged: list[Area] = field(default_factory=list)
    filtered: bool = False

    def to_dict(self) -> dict[str, object]:
        """Give all but the texts, which have become cells."""
        told = asdict(self)
        del told["texts"]
        return told


def read_error(text: str) -> str:
    """Read what an error cell says; of errors that one program alone knows, such as `Err:508`, one that all know.

    >>> read_error("#N/A"), read_error("Err:508")
    ('#N/A', '#VALUE!')
    """
    return text if text in CELL_ERRORS else ERROR
