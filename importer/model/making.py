"""What is made of columns that are no fields as they stand: said by a mapping, and found in a source."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Making:
    """What is made of columns that are no fields as they stand.

    Attributes:
        splits: Header → the fields that are in its cells, as `{debtor.zipCode} {debtor.city}`.
        joins: Field → the columns that it is made of, as `{Street} {No}`.
        values: Field → what a cell says → what is meant; all else stays as it is.
        ignored: Headers of columns that nobody needs to be told of.
    """

    splits: Mapping[str, str] = field(default_factory=dict)
    joins: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    ignored: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Made:
    """A column that is made of the source's own ones and comes after them.

    Attributes:
        feeds: The field that it is for.
        parts: Pairs of a text and the position of the column whose cell follows it, None for no cell.
        split: Pairs of a text and the field that follows it, where a cell holds several; else empty.
        values: What a cell says, without case and outer spaces → what is meant.
    """

    feeds: str
    parts: tuple[tuple[str, int | None], ...]
    split: tuple[tuple[str, str | None], ...] = ()
    values: Mapping[str, str] = field(default_factory=dict)

    @property
    def column(self) -> int:
        """The position of the column that is named where a cell has to change: the first."""
        return next(position for _, position in self.parts if position is not None)

    @property
    def is_whole(self) -> bool:
        """Whether it is one column, with other words in the place of its own."""
        return len(self.parts) == 1 and not self.parts[0][0] and not self.split
