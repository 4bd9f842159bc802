"""Dates: in which order day, month and year are written, and what a text is under it."""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING, Final, cast

import pyarrow as pa

from importer.parse.column import Column, by_text

if TYPE_CHECKING:
    import pandas as pd

    from importer.model import DateOrder

FIRST_YEAR, LAST_YEAR = 1900, 2200  # what is beyond is a slip, not an invoice
TIME: Final = r"(?:[ T][0-9]{1,2}:[0-9]{2}[0-9:.]*(?:Z|[+-][0-9:]+)?)?"
_YEAR_FIRST: Final = re.compile(rf"([0-9]{{4}})([-/.]?)([0-9]{{1,2}})\2([0-9]{{1,2}}){TIME}", re.ASCII)
_YEAR_LAST: Final = re.compile(rf"([0-9]{{1,2}})([-/.])([0-9]{{1,2}})\2([0-9]{{4}}){TIME}", re.ASCII)


def decide(column: Column) -> DateOrder | None:
    """Decide the order of a column from all of its texts; None where none needs one.

    >>> import pandas as pd
    >>> def column(*texts):
    ...     return Column("Date", pd.Series(texts, dtype="str"), None, None)
    >>> decide(column("31/01/2026", "03/08/2026")), decide(column("01/31/2026")), decide(column("2026-01-31"))
    ('dmy', 'mdy', None)

    Raises:
        Undecided: No text decides it, or the texts contradict each other.
    """
    found: dict[str, list[str]] = {"dmy": [], "mdy": []}
    open_ = []
    for text in column.texts.dropna().unique():
        if not _YEAR_LAST.fullmatch(text):
            continue
        readings = {order: read(text, order) for order in ("dmy", "mdy")}
        fits = [order for order, day in readings.items() if day]
        if len(fits) == 1:
            found[fits[0]].append(text)
        elif readings["dmy"] != readings["mdy"]:
            open_.append(text)
    order = column.settle(
        found, open_, both="both days first and months first", options="--date-order dmy or --date-order mdy"
    )
    return cast("DateOrder | None", order)


def convert(texts: pd.Series, order: DateOrder | None) -> pd.Series:
    """Read texts under *order*; null where they cannot be read."""
    return by_text(texts, lambda text: read(text, order), pa.date32())


def read(text: str, order: DateOrder | None) -> date | None:
    """Read one text; a year in front needs no order, and a dotted date is written day first everywhere.

    >>> read("2026-01-31", None), read("31.01.2026", "mdy"), read("31/01/26", "dmy")
    (datetime.date(2026, 1, 31), datetime.date(2026, 1, 31), None)
    """
    if found := _YEAR_FIRST.fullmatch(text):
        if not found[2] and len(found[3] + found[4]) != 4:  # noqa: PLR2004 - two digits each, where nothing parts them
            return None
        return _day(found[1], found[3], found[4])
    found = _YEAR_LAST.fullmatch(text)
    if not found:
        return None
    day_first = found[2] == "." or order == "dmy" or int(found[1]) == int(found[3])
    if day_first or order == "mdy":
        return _day(found[4], *((found[3], found[1]) if day_first else (found[1], found[3])))
    return None


def _day(year: str, month: str, day: str) -> date | None:
    try:
        found = date(int(year), int(month), int(day))
    except ValueError:
        return None
    return found if FIRST_YEAR <= found.year <= LAST_YEAR else None
