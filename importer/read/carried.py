"""What the sheet `Run` of a results workbook carries for its rows to mend."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, cast, get_args

from importer.model import (
    MIXED,
    Bundling,
    Carried,
    DateOrder,
    DecimalStyle,
    Making,
    Styles,
    find_delimiter,
    find_encoding,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

TITLE: Final = "Invoice importer"  # in A1 of the sheet `Run` of our own workbooks
CARRIED: Final = ("Field", "Column", "Constant", "Decimal", "Date order")
MADE: Final = ("Also mapped", "Of", "From", "To")
MENDING: Final = "To fix"
RUN: Final = "Run"


def read_carried(rows: Sequence[tuple[str, ...]]) -> Carried | None:
    """Read the rows of a sheet `Run`; None where the workbook is not ours."""
    if not rows or rows[0][0] != TITLE:
        return None
    start = next((number for number, row in enumerate(rows) if row[: len(CARRIED)] == CARRIED), len(rows))
    told = {row[0]: row[1] for row in reversed(rows[:start]) if len(row) > 1}  # of one name, the first holds
    mapped: dict[str, str] = {}
    constants: dict[str, str] = {}
    decimal: dict[str, DecimalStyle] = {}
    order: dict[str, DateOrder] = {}
    mixed: set[str] = set()
    for row in rows[start + 1 :]:
        name, column, constant, decimal_style, date_order = row[: len(CARRIED)]
        if not name:
            break
        if column:
            mapped[column] = name
        if constant:
            constants[name] = constant
        if decimal_style in get_args(DecimalStyle):
            decimal[name] = cast("DecimalStyle", decimal_style)
        if date_order in get_args(DateOrder):
            order[name] = cast("DateOrder", date_order)
        if MIXED in {decimal_style, date_order}:
            mixed.add(name)
    by = tuple(told[name] for name in sorted(told, key=len) if re.fullmatch("Bundle by( [0-9]+)?", name))
    return Carried(
        told.get("Run", ""),
        told.get("Target", ""),
        mapped,
        constants,
        Styles(decimal, order),
        frozenset(mixed),
        Bundling(by, "Claim lines" in told) if by else None,
        _read_made(rows[start + 1 :]),
        test=told.get("Mode") == "test",
        allow_missing_reference="Allow missing reference" in told,
        encoding=find_encoding(told.get("CSV encoding", "")),
        delimiter=find_delimiter(told.get("CSV delimiter", "")),
        sent=told.get("Kind") == "submit",
    )


def _read_made(rows: Sequence[tuple[str, ...]]) -> Making:
    """Read what a run made of columns that are no fields as they stand; nothing in workbooks of earlier versions."""
    start = next((number for number, row in enumerate(rows) if row[: len(MADE)] == MADE), len(rows))
    splits: dict[str, str] = {}
    joins: dict[str, str] = {}
    values: dict[str, dict[str, str]] = {}
    ignored: list[str] = []
    for kind, name, said, meant, *_ in rows[start + 1 :]:
        if kind == "Split":
            splits[name] = meant
        elif kind == "Join":
            joins[name] = said
        elif kind == "Value":
            values.setdefault(name, {})[said] = meant
        elif kind == "Ignored":
            ignored.append(name)
    return Making(splits, joins, values, tuple(ignored))
