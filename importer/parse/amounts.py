"""Amounts: which sign parts units from fractions, and what a text is worth under it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, cast

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from importer.parse.column import Column  # noqa: TC001 - the doctest makes one

if TYPE_CHECKING:
    import numpy as np

    from importer.model import DecimalStyle

AMOUNT: Final = pa.decimal128(38, 18)
SPACES: Final = " \u00a0\u2009\u202f"  # that people group digits with
QUOTES: Final = "'\u2019"  # the same, in Switzerland


def _grouped(signs: str) -> str:
    """Match units in groups of three: 20 digits at most, as the decimals hold, and the first of them no zero."""
    group = rf"([{signs}][0-9]{{3}})"
    return rf"[1-9][0-9]{{0,2}}{group}{{1,5}}|[1-9][0-9]?{group}{{6}}"


PATTERNS: Final = {
    style: rf"^[+-]?([0-9]{{1,20}}|{_grouped(sign)}|{_grouped(QUOTES)}|{_grouped(SPACES)})({mark}[0-9]{{1,18}})?$"
    for style, sign, mark in (("point", ",", r"\."), ("comma", ".", ","))
}
UNMISTAKABLE: Final = r"^[+-]?[0-9]{1,20}(\.[0-9]{1,2})?$"  # a point before one or two digits groups nothing
_COMPILED: Final = {style: re.compile(pattern) for style, pattern in PATTERNS.items()}


def decide(column: Column) -> DecimalStyle | None:
    """Decide the style of a column from all of its texts; None where all of them mean the same either way.

    >>> import pandas as pd, numpy as np
    >>> def column(*texts):
    ...     none = np.zeros(len(texts), bool)
    ...     return Column("Amount", pd.Series(texts, dtype="str"), none, none)
    >>> decide(column("1.234,56", "1.000")), decide(column("12.50")), decide(column("12"))
    ('comma', 'point', None)

    Raises:
        Undecided: No text decides it, or the texts contradict each other.
    """
    texts = column.texts[~column.numbers].dropna()
    array = pa.array(texts, pa.string())
    simple = pc.match_substring_regex(array, UNMISTAKABLE)
    found: dict[str, list[str]] = {"point": [], "comma": []}
    pointed = pc.and_(simple, pc.match_substring(array, "."))
    if pc.any(pointed).as_py():
        found["point"].append(array.filter(pointed)[0].as_py())
    open_ = []
    for text in array.filter(pc.invert(simple)).unique().to_pylist():
        fits = [style for style, pattern in _COMPILED.items() if pattern.match(text)]
        if len(fits) == 1:
            found[fits[0]].append(text)
        elif fits and ("," in text or "." in text):
            open_.append(text)
    style = column.settle(
        found, open_, both="both decimal points and decimal commas", options="--decimal point or --decimal comma"
    )
    return cast("DecimalStyle | None", style)


def convert(texts: pd.Series, numbers: np.ndarray, style: DecimalStyle | None) -> pd.Series:
    """Read texts under *style*; null where they cannot be read. Number cells of a workbook have a decimal point."""
    array = pa.array(texts, pa.string())
    pointed = _read(array, "point")
    if style == "comma":
        pointed = pc.if_else(pa.array(numbers), pointed, _read(array, "comma"))
    return pd.Series(pd.arrays.ArrowExtensionArray(pointed), index=texts.index)


def _read(array: pa.Array, style: DecimalStyle) -> pa.Array:
    fits = pc.match_substring_regex(array, PATTERNS[style])
    bare = pc.replace_substring_regex(array, f"[+{QUOTES}{SPACES}{',' if style == 'point' else '.'}]", "")
    if style == "comma":
        bare = pc.replace_substring(bare, ",", ".")
    return pc.cast(pc.if_else(fits, bare, None), AMOUNT)
