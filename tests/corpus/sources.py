"""What every list of sources is made of."""

from __future__ import annotations

from dataclasses import dataclass, field

Row = list[str | None]


@dataclass(frozen=True)
class Source:
    """A small source, and what is expected of it.

    Attributes:
        name: Of the file.
        content: Of the file.
        header: The headers.
        rows: Row number → cells.
        facts: Some of the facts that are told.
        left_out: Row number → why it is no row of data.
        refused: What the sentence has in it that refuses the source.
        options: What the user says: `sheet`, `encoding`, …
        values: Field → what its cells mean, in their order; None where one cannot be read.
        undecided: What the sentence has in it that refuses a column.
    """

    name: str
    content: bytes
    header: Row = field(default_factory=list)
    rows: dict[int, Row] = field(default_factory=dict)
    facts: dict[str, str] = field(default_factory=dict)
    left_out: dict[int, str] = field(default_factory=dict)
    refused: str | None = None
    options: dict[str, str | int] = field(default_factory=dict)
    values: dict[str, list[str | None]] = field(default_factory=dict)
    undecided: str | None = None
