"""What a sheet says about its cells besides their values, in any format of workbook."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field

Place = tuple[int, int]  # row and column, from 0
Area = tuple[int, int, int, int]  # first row, first column, last row, last column, from 0


@dataclass(slots=True)
class Marks:
    """What a sheet says about its cells besides their values; rows and columns count from 0.

    Attributes:
        errors: Where an error such as `#N/A` stands, which fast readers give as blank.
        hidden_rows: First and last of each hidden stretch.
        hidden_columns: The same for columns.
        merged: The merged areas.
        filtered: Whether a filter is active.
    """

    errors: dict[Place, str] = field(default_factory=dict)
    hidden_rows: list[tuple[int, int]] = field(default_factory=list)
    hidden_columns: list[tuple[int, int]] = field(default_factory=list)
    merged: list[Area] = field(default_factory=list)
    filtered: bool = False

    def to_dict(self) -> dict[str, object]:
        """Give all but the errors, which have become cells."""
        told = asdict(self)
        del told["errors"]
        return told
