"""Amounts: which sign parts units from fractions, and what a text is worth under it.

A text is taken apart into number, sign and currency; how its number is written is for the whole column to tell.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from importer.parse.currencies import find_currencies
from importer.parse.shapes import Shapes
from schemas.rules import encode

if TYPE_CHECKING:
    from collections.abc import Iterator
    from collections.abc import Set as AbstractSet

    from importer.model import DecimalStyle
    from importer.parse.column import Column

AMOUNT: Final = pa.decimal128(38, 18)
SPACES: Final = " \u00a0\u2007\u2009\u202f"  # that people group digits with
QUOTES: Final = "'\u2019"  # the same, in Switzerland
MINUS: Final = "\u2010\u2011\u2012\u2013\u2014\u2212\ufe63\uff0d"  # that programs and people write for a minus
UNSEEN: Final = "\u200b\u200e\u200f\u061c\ufeff"
WORDS: Final[dict[DecimalStyle, str]] = {"point": "decimal points", "comma": "decimal commas"}
SCIENTIFIC: Final = re.compile(r"[+-]?[0-9]([.,][0-9]+)?E[+-]?[0-9]+", re.IGNORECASE)


def _pattern(group: str, mark: str) -> str:
    """Match a number: 20 digits of units at most, as the decimals hold, and the first of those in groups no zero.

    Groups are of three digits, or as in India of two and at last three.
    """
    grouped = "|".join(
        rf"[1-9][0-9]{{0,2}}(?:[{signs}][0-9]{{3}}){{1,5}}|[1-9][0-9]?(?:[{signs}][0-9]{{3}}){{6}}"
        for signs in (group, QUOTES, SPACES)
    )
    indian = rf"[1-9][0-9]?(?:{group}[0-9]{{2}}){{1,8}}{group}[0-9]{{3}}"
    fraction = rf"{mark}[0-9]{{1,18}}"
    return rf"^-?(?:(?:[0-9]{{1,20}}|{grouped}|{indian})(?:{fraction})?|{fraction})$"


PATTERNS: Final[dict[DecimalStyle, str]] = {"point": _pattern(",", r"\."), "comma": _pattern(r"\.", ",")}
_BARE: Final = r"^-?[0-9](?:[0-9.,]*[0-9])?$"
_SHAPE: Final = r"(?s)^(?P<before>[^0-9]*)(?P<digits>[0-9](?:.*[0-9])?)(?P<after>[^0-9]*)$"
_WHOLE: Final = re.compile(r"([.,])-+")  # 100,- and 1'000.- are whole amounts
_SIGNS: Final = {"": "", "+": "", "-": "-", "()": "-"}
_TIDY: Final = str.maketrans({**dict.fromkeys(MINUS, "-"), **dict.fromkeys(UNSEEN, None), **dict.fromkeys(SPACES, " ")})


@dataclass(frozen=True, slots=True)
class Frame:
    """What stands around the digits of a number.

    Attributes:
        front: Its minus, and the mark before a fraction without units.
        back: The fraction that `,-` stands for.
        currencies: Codes of those that may be meant; empty where none is named.
    """

    front: str
    back: str
    currencies: frozenset[str]


def read_frame(before: str, after: str) -> Frame | None:
    """Understand what stands before and after the digits; None where that is more than a sign and a currency.

    >>> read_frame("(", " EUR)")
    Frame(front='-', back='', currencies=frozenset({'EUR'}))
    >>> read_frame("approx. ", ""), read_frame("-", "-"), read_frame("", ",-").back
    (None, None, ',0')
    """
    before, after = before.translate(_TIDY).lstrip(), after.translate(_TIDY).rstrip()
    whole = _WHOLE.match(after)
    if whole:
        after = after[whole.end() :]
    mark = before[-1:] if before.endswith((".", ",")) and not before[-2:-1].isalpha() else ""
    before = before.removesuffix(mark)
    sign = _SIGNS.get(re.sub("[^-+()]", "", f"{before}{after}"))
    texts = [re.sub("[-+()]", "|", text).strip(" |") for text in (before, after)]
    named = [find_currencies(text) for text in texts if text]
    meant = frozenset.intersection(*named) if named else frozenset()
    if sign is None or (named and not meant) or (mark and whole):
        return None
    return Frame(sign + mark, f"{whole[1]}0" if whole else "", meant)


class Amounts:
    """A column of amounts, taken apart.

    >>> import pandas as pd, numpy as np
    >>> from importer.parse.column import Column
    >>> def style(*texts):
    ...     none = np.zeros(len(texts), bool)
    ...     return Amounts(Column("Amount", "amountToRecover", pd.Series(texts, dtype="str"), none, none)).decide()
    >>> style("1.234,56 kr", "1.000"), style("12.50"), style("(12)")
    ('comma', 'point', None)
    """

    def __init__(self, column: Column) -> None:
        self._column = column
        texts = pa.array(column.texts, pa.string())
        self._numbers = texts.combine_chunks() if isinstance(texts, pa.ChunkedArray) else texts
        self._currencies: list[frozenset[str]] = [frozenset()]
        self._named = np.zeros(len(texts), dtype=np.int32)  # for each cell, an index into those
        self._shapes = Shapes(self._numbers)
        odd = ~self._shapes.match(_BARE) & self._numbers.is_valid().to_numpy(zero_copy_only=False)
        if odd.any():
            self._take_apart(odd)
            self._shapes = Shapes(self._numbers)
        self._fits = {style: self._shapes.match(pattern) for style, pattern in PATTERNS.items()}

    def _take_apart(self, odd: np.ndarray) -> None:
        """Leave of the texts of *odd* their numbers; null where there is anything else but a sign and a currency."""
        parts = pc.extract_regex(self._numbers.filter(pa.array(odd)), _SHAPE)
        before, digits, after = (pc.struct_field(parts, name) for name in ("before", "digits", "after"))
        around = encode(pc.binary_join_element_wise(before, after, "\0"))
        frames = [read_frame(*text.split("\0", 1)) for text in around.dictionary.to_pylist()]
        front, back = (
            pa.array([getattr(frame, name, None) for frame in frames], pa.string()).take(around.indices)
            for name in ("front", "back")
        )
        numbers = pc.binary_join_element_wise(front, digits, back, "")
        self._numbers = pc.replace_with_mask(self._numbers, pa.array(odd), numbers)
        self._currencies += sorted({frame.currencies for frame in frames if frame and frame.currencies}, key=sorted)
        places = {meant: place for place, meant in enumerate(self._currencies)}
        known = pa.array([places[frame.currencies] if frame else 0 for frame in frames], pa.int32())
        self._named[odd] = pc.fill_null(known.take(around.indices), 0).to_numpy(zero_copy_only=False)

    def decide(self) -> DecimalStyle | None:
        """Decide the style of the column from all of its texts; None where all of them mean the same either way.

        Raises:
            Undecided: No text decides it, or the texts contradict each other.
        """
        reads = {style: fits & ~self._column.numbers for style, fits in self._fits.items()}
        matters = (reads["point"] | reads["comma"]) & self._shapes.match("[.,]")

        def differ(styles: AbstractSet[DecimalStyle]) -> np.ndarray:
            return matters if len(styles) > 1 else np.zeros_like(matters)

        return self._column.settle(reads, matters, differ, option="--decimal", words=WORDS)

    def convert(self, style: DecimalStyle | None) -> pd.Series:
        """Read the column under *style*; null where it cannot be read. Number cells of a workbook have a point."""
        pointed = self._read("point")
        if style == "comma":
            pointed = pc.if_else(pa.array(self._column.numbers), pointed, self._read("comma"))
        return pd.Series(pd.arrays.ArrowExtensionArray(pointed), index=self._column.texts.index)

    def _read(self, style: DecimalStyle) -> pa.Array:
        bare = pc.if_else(pa.array(self._fits[style]), self._numbers, None)
        grouping = {",", *QUOTES, *SPACES} if style == "point" else {".", *QUOTES, *SPACES}
        for sign in grouping & self._shapes.signs(PATTERNS[style]):
            bare = pc.replace_substring(bare, sign, "")
        if style == "comma":
            bare = pc.replace_substring(bare, ",", ".")
        return pc.cast(bare, AMOUNT)

    @property
    def names_currencies(self) -> bool:
        """Whether any cell does."""
        return len(self._currencies) > 1

    def named(self) -> Iterator[tuple[frozenset[str], np.ndarray]]:
        """Yield each set of currencies that cells name, and the mask of those cells."""
        for place, meant in enumerate(self._currencies[1:], start=1):
            yield meant, self._named == place


def explain(text: str, style: DecimalStyle | None) -> str:
    """Say more of a text that could not be read, as a sentence with a space before it; blank where nothing is.

    >>> explain("1.5 EUR", "comma"), explain("soon", None)
    (' The column is read with decimal commas.', '')
    """
    if SCIENTIFIC.fullmatch(text):
        return " A spreadsheet program has cut it short: show all of its digits there, and export again."
    parts = re.match(_SHAPE, text)
    frame = read_frame(parts["before"], parts["after"]) if parts else None
    if parts and frame and style:
        other = PATTERNS["comma" if style == "point" else "point"]
        if re.match(other, f"{frame.front}{parts['digits']}{frame.back}"):
            return f" The column is read with {WORDS[style]}."
    return ""
