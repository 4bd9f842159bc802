"""Dates: in which order day, month and year are written, and what a text is under it.

The rules, for people: docs/values.md.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import partial
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from importer.parse.amounts import MINUS, SPACES, UNSEEN
from importer.parse.column import Column, Undecided
from importer.parse.words import FILLERS, fold, months_in, names, split
from schemas.rules import encode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from collections.abc import Set as AbstractSet

    from importer.model import DateOrder

FIRST_YEAR, LAST_YEAR = 1900, 2200  # what is beyond is a slip, not an invoice
LONGEST: Final = 80  # characters of a date, with its weekday and a time
CENTURY: Final = 2000  # that two digits are a year of
ORDERS: Final[tuple[DateOrder, ...]] = ("dmy", "mdy", "ymd")
WORDS: Final[dict[DateOrder, str]] = {"dmy": "days first", "mdy": "months first", "ymd": "years first"}
# A time after a date, with or without an offset: the day is the one that is written.
TIME: Final = (
    rf"(?i)(?:[{SPACES},]+(?:kl\.? ?)?|T)(?:[01]?[0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9](?:[.,][0-9]{{1,9}})?)?"
    rf"[{SPACES}]*(?:[ap]\.?m\.?|uhr)?[{SPACES}]*(?:Z|UTC|GMT|CES?T|(?:UTC|GMT)?[+-][0-9]{{2}}:?(?:[0-9]{{2}})?)?$"
)
_OTHER_TIME: Final = re.compile(  # as in Denmark and Finland, in France, and in the short form of ISO 8601
    r"(?:(?:(?<=[0-9]{4})|(?<=[-/.][0-9]{2}))[ ,]+(?:kl\.? ?|klo )?(?:[01]?[0-9]|2[0-3])[.h][0-5][0-9](?:\.[0-5][0-9])?"
    r"|(?<=[0-9]{8})T(?:[01][0-9]|2[0-3])[0-5][0-9](?:[0-5][0-9])?)(?: ?uhr|Z|[+-][0-9]{2,4})?$",
    re.IGNORECASE,
)
_COMPACT: Final = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})")
_NUMBERS: Final = re.compile(r"([0-9]{1,2}|[0-9]{4})([-/. ])([0-9]{1,2})\2([0-9]{1,2}|[0-9]{4})")
_ROOM: Final = re.compile(r" *([-/.]) *")
_LETTER: Final = re.compile(r"[^\W\d_]")
_TOKEN: Final = re.compile(r"[0-9]+|[^\W\d_]+|[^-/. ,'\u2019]")
_FIRST_WORD: Final = re.compile(r"(?P<word>[^\W\d_]+)[-., ]+(?P<rest>.+)")
_LAST_WORD: Final = re.compile(r"(?P<rest>.*[0-9].*?)[., ]+(?P<word>[^\W\d_]+)\.?")
_SERIAL: Final = re.compile(r"([1-9][0-9]{4})(?:[.,][0-9]+)?")
_WEEK: Final = re.compile(r"[0-9]{4}-?W[0-9]{2}(?:-?[1-7])?", re.IGNORECASE)
_TIDY: Final = str.maketrans({**dict.fromkeys(MINUS, "-"), **dict.fromkeys(UNSEEN, None), **dict.fromkeys(SPACES, " ")})


@dataclass(frozen=True, slots=True)
class Reading:
    """What a text may be.

    Attributes:
        days: Order → the day that the text is under it.
        evidence: The orders that it may be written in; none where it says by itself what is what.
        weak: The evidence is only how people use to write, and settles nothing for other texts.
    """

    days: Mapping[DateOrder, date] = field(default_factory=dict)
    evidence: frozenset[DateOrder] = frozenset()
    weak: bool = False

    def under(self, order: DateOrder | None) -> date | None:
        """Give the day, if the column is written in *order*."""
        return self.days.get(order or "dmy")

    def on(self, weekdays: frozenset[int]) -> Reading:
        """Leave the days that are one of *weekdays*."""
        days = {order: day for order, day in self.days.items() if day.weekday() in weekdays}
        return Reading(days, self.evidence & set(days), self.weak)


NOTHING: Final = Reading()
EVERY_DAY: Final = frozenset(range(7))


class Dates:
    """A column of dates; each distinct text is looked at once.

    >>> import pandas as pd, numpy as np
    >>> def order(*texts):
    ...     none = np.zeros(len(texts), bool)
    ...     return Dates(Column("Date", "date", pd.Series(texts, dtype="str"), none, none), 2027).decide()
    >>> order("31/01/2026", "03/08/2026"), order("1/31/26"), order("3. März 2026")
    ('dmy', 'mdy', None)
    """

    def __init__(self, column: Column, latest: int) -> None:
        """Look at *column*; two digits are a year up to *latest*."""
        self._column = column
        self._latest = latest
        encoded = encode(pa.array(column.texts, pa.string()))
        if pc.any(pc.match_substring(encoded.dictionary, ":")).as_py():
            encoded = encode(pc.replace_substring_regex(encoded.dictionary, TIME, "").take(encoded.indices))
        distinct = encoded.dictionary.to_pylist()
        self._of = pc.fill_null(encoded.indices, len(distinct)).to_numpy(zero_copy_only=False)
        self._months = months_in({word for text in distinct if _LETTER.search(text) for word in split(text)})
        self._readings = [*(read(text, self._months, latest) for text in distinct), NOTHING]

    def decide(self) -> DateOrder | None:
        """Decide the order of the column from all of its texts; None where none needs one.

        Raises:
            Undecided: No text decides it, or the texts contradict each other.
        """

        def holds(order: DateOrder) -> np.ndarray:
            return self._mask(lambda reading: order in reading.evidence)

        def differ(orders: AbstractSet[DateOrder]) -> np.ndarray:
            return self._mask(lambda reading: len({reading.days[order] for order in orders & reading.evidence}) > 1)

        reads = {order: holds(order) for order in ORDERS}
        settle = partial(self._column.settle, reads, option="--date-order", words=WORDS)
        settle(self._mask(lambda reading: bool(reading.evidence) and not reading.weak), differ)
        matters = self._mask(lambda reading: bool(reading.evidence))
        order: DateOrder | None = settle(matters, differ)
        if order == "ymd":
            raise Undecided(
                f"{self._column.header} may have years of two digits first ({self._column.show(matters)}): say "
                f"--date-order {self._column.field}=ymd if it has, or write years with four digits."
            )
        return order

    def _mask(self, holds: Callable[[Reading], bool]) -> np.ndarray:
        mask: np.ndarray = np.array([holds(reading) for reading in self._readings])[self._of]
        return mask

    def convert(self, order: DateOrder | None) -> pd.Series:
        """Read the column under *order*; null where it cannot be read."""
        days = pa.array([reading.under(order) for reading in self._readings], pa.date32())
        return pd.Series(pd.arrays.ArrowExtensionArray(days.take(pa.array(self._of))), index=self._column.texts.index)

    def explain(self, text: str, order: DateOrder | None) -> str:
        """Say more of a text that could not be read, as a sentence with a space before it; blank where nothing is."""
        if told := _explain(text):
            return told
        bare = re.sub(TIME, "", text) if len(text) <= LONGEST else ""
        if order and read(bare, self._months, self._latest).days:
            return f" The column is read with {WORDS[order]}."
        if read(bare, self._months, CENTURY + 99).days:
            return f" Two digits are a year from {CENTURY} to {self._latest}."
        if any(read(rest, self._months, self._latest).days for _, rest in _part(bare)):
            return " That day is another day of the week."
        ambiguous = [word for word in split(bare) if word in names().months and word not in self._months]
        return f" “{ambiguous[0]}” is another month in another language." if ambiguous else ""


def _explain(text: str) -> str:
    """Tell what a text without day or month is taken for; blank where it is nothing known."""
    if serial := _SERIAL.fullmatch(text):
        day = date(1899, 12, 30) + timedelta(days=int(serial[1]))
        return (
            f" It may be the number by which a spreadsheet program keeps {day}: "
            "format the column as dates there, and export again."
        )
    return " The dates of weeks are not read." if _WEEK.fullmatch(text) else ""


def read(text: str, months: Mapping[str, int], latest: int) -> Reading:
    """Read one text without a time of day.

    Args:
        text: Stripped.
        months: Folded word → month.
        latest: The last year that two digits may mean.
    """
    if len(text) > LONGEST:
        return NOTHING
    plain = text if text.isascii() else unicodedata.normalize("NFC", text).translate(_TIDY)
    found = _read(plain, months, latest)
    if found is None and (time := _OTHER_TIME.search(plain)):
        found = _read(plain[: time.start()], months, latest)
    if found is None:
        for weekdays, rest in _part(plain):
            return read(rest, months, latest).on(weekdays)
    return found or NOTHING


def _part(text: str) -> Iterator[tuple[frozenset[int], str]]:
    """Yield the weekdays that *text* begins or ends with, and the rest; all of them for a word that says nothing."""
    for pattern in (_FIRST_WORD, _LAST_WORD):
        if found := pattern.fullmatch(text):
            word = fold(found["word"])
            weekdays = names().weekdays.get(word) or (EVERY_DAY if word in FILLERS else None)
            if weekdays:
                yield weekdays, found["rest"]


def _read(text: str, months: Mapping[str, int], latest: int) -> Reading | None:
    """Read a text of numbers, or of numbers and a month's name."""
    years = range(CENTURY, latest + 1)
    if months and _LETTER.search(text):
        return _read_words(text, months, years)
    return _read_numbers(text, years)


def _read_numbers(text: str, years: range) -> Reading | None:
    tight = (_ROOM.sub(r"\1", text) if " " in text else text).removesuffix(".")
    if found := _COMPACT.fullmatch(tight):
        return _alike(_day(found[1], found[2], found[3], years))
    found = _NUMBERS.fullmatch(tight)
    if not found:
        return None
    first, sign, second, third = found.groups()
    if len(first) == 4:  # noqa: PLR2004 - a whole year
        return _alike(_day(first, second, third, years))
    possible: dict[DateOrder, date | None] = {
        "dmy": _day(third, second, first, years),
        "mdy": _day(third, first, second, years),
        "ymd": _day(first, second, third, years),
    }
    days = {order: day for order, day in possible.items() if day}
    if sign == "." and "dmy" in days:  # points are between days, months and years, everywhere
        return Reading(days, frozenset({"dmy"}), weak="mdy" in days)
    if len(third) == 4 and len(set(days.values())) == 1 and len(days) > 1:  # noqa: PLR2004 - as above
        return _alike(days["dmy"])
    return Reading(days, frozenset(days)) if days else None


def _read_words(text: str, months: Mapping[str, int], years: range) -> Reading | None:
    """Read a date with its month's name; of two short numbers the last is the year."""
    numbers, shape = [], ""
    month = 0
    for token in _TOKEN.findall(text):
        if token.isdecimal():
            numbers.append(token)
            shape += "n"
        elif fold(token) in months:
            month = months[fold(token)]
            shape += "m"
        elif fold(token) not in FILLERS:
            return None
    if shape not in {"nmn", "mnn", "nnm"}:
        return None
    first, last = numbers
    if shape == "nnm" or (shape == "nmn" and len(first) == 4):  # noqa: PLR2004 - a whole year
        return _alike(_day(first, str(month), last, years)) if len(first) == 4 else None  # noqa: PLR2004 - as above
    day = _day(last, str(month), first, years)
    turned = _day(first, str(month), last, years) if shape == "nmn" and len(last) == 2 else day  # noqa: PLR2004
    days: dict[DateOrder, date | None] = {"dmy": day, "mdy": day, "ymd": turned}
    return Reading({order: day for order, day in days.items() if day})


def _alike(day: date | None) -> Reading | None:
    return Reading(dict.fromkeys(ORDERS, day)) if day else None


def _day(year: str, month: str, day: str, years: range) -> date | None:
    """Make a day; None where there is none, or where *year* has two digits and is none of *years*."""
    short = len(year) == 2  # noqa: PLR2004 - as people shorten years
    number = int(year) + CENTURY * short
    if len(year) not in {2, 4} or len(day) > 2 or (short and number not in years):  # noqa: PLR2004 - as above
        return None
    try:
        found = date(number, int(month), int(day))
    except ValueError:
        return None
    return found if FIRST_YEAR <= number <= LAST_YEAR else None
