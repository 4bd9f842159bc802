"""Number formats that change what a number is: a date, a percentage, or digits with zeros in front.

All others change only how it looks (ECMA-376 part 1, 18.8.30 and 18.8.31).
"""

from __future__ import annotations

import math
import operator
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

DIGITS: Final = 15  # significant ones, which is what a spreadsheet program keeps
EXACT: Final = 1e15  # a number beyond has more of them
LAST_DAY: Final = 2958466  # the first day that no spreadsheet program shows: 10000-01-01
DAY_ZERO, DAY_ZERO_1904 = datetime(1899, 12, 30), datetime(1904, 1, 1)  # noqa: DTZ001 - a sheet has no time zone
FALSE_DAY: Final = 60  # 1900-02-29, which Excel has and the calendar has not

BUILT_IN: Final[Mapping[int, str]] = {
    **dict.fromkeys((9, 10), "0%"),
    **dict.fromkeys((*range(14, 18), *range(27, 32), 36, *range(50, 55), 57, 58), "yyyy-mm-dd"),
    **dict.fromkeys((*range(18, 22), *range(32, 36), 45, 47, 55, 56), "hh:mm:ss"),
    22: "yyyy-mm-dd hh:mm",
    46: "[h]:mm:ss",
}

_TOKEN: Final = re.compile(
    r'"(?P<quoted>[^"]*)"?|\\(?P<escaped>.)|(?P<width>[_*].)|\[(?P<bracket>[^\]]*)\]|(?P<word>General|AM/PM|A/P)|(?P<sign>.)',
    re.DOTALL | re.IGNORECASE,
)
_CONDITION: Final = re.compile(r"(<=|>=|<>|<|>|=)\s*(-?[0-9]+(?:\.[0-9]+)?)")
_ELAPSED: Final = re.compile(r"h+|m+|s+", re.IGNORECASE)
_CURRENCY: Final = re.compile(r"\$[^-]")
_COMPARE: Final[Mapping[str, Callable[[float, float], bool]]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "<>": operator.ne,
    "<": operator.lt,
    ">": operator.gt,
    "=": operator.eq,
}


@dataclass(frozen=True, slots=True)
class _Section:
    """One of the parts between semicolons.

    Attributes:
        pattern: The literals and zeros of a part that has nothing else, None for any other; `0` stands for a digit.
        condition: When it applies, if it says so.
    """

    pattern: tuple[tuple[bool, str], ...] | None
    condition: tuple[Callable[[float, float], bool], float] | None


@dataclass(frozen=True, slots=True)
class Digits:
    """Zeros, perhaps with a fixed text around them: as they show a whole number, it is an identifier.

    >>> [find("00000").show(1234), find('"INV-"0000').show(12), find("000 00").show(11122), find("00000").show(1.5)]
    ['01234', 'INV-0012', '111 22', None]
    """

    sections: tuple[_Section, ...]

    def show(self, number: float) -> str | None:
        """Write what people see; None where that is not the number."""
        digits = write_number(float(abs(number)))
        section, signed = self._choose(number)
        if not digits.isdecimal() or section is None or section.pattern is None:
            return None
        return ("-" if signed and number < 0 else "") + _fill(section.pattern, digits)

    def _choose(self, number: float) -> tuple[_Section | None, bool]:
        """Choose the part that applies, and whether it leaves the sign to the program."""
        if any(section.condition for section in self.sections):
            for section in self.sections:
                if section.condition is None or section.condition[0](number, section.condition[1]):
                    return section, True
            return None, True
        place = 1 if number < 0 else 2 if number == 0 else 0
        return (self.sections[place], False) if place < len(self.sections) else (self.sections[0], True)


class Percent:
    """A percentage: `0.19` is seen as 19 %, and is no amount.

    >>> Percent().show(0.1925)
    '19.25%'
    """

    def show(self, number: float) -> str | None:
        """Write it with all its digits; None where it is no number."""
        if not math.isfinite(number):
            return None
        hundredfold = Decimal(write_number(number)) * 100
        text = f"{hundredfold:f}"
        return (text.rstrip("0").rstrip(".") if "." in text else text) + "%"


@dataclass(frozen=True, slots=True)
class Moment:
    """A date, a time of day, or, where *elapsed*, a duration.

    >>> [Moment(days=True).show(serial) for serial in (46053, 46053.5, 60, 0, -1)]
    ['2026-01-31', '2026-01-31 12:00:00', '1900-02-29', '1900-01-00', None]
    >>> Moment(days=False).show(0.5), Moment(days=False, elapsed=True).show(1.5)
    ('12:00:00', '36:00:00')
    """

    days: bool
    elapsed: bool = False

    def show(self, number: float, *, is_1904: bool = False) -> str | None:
        """Write it as ISO 8601 does; None where it is no moment."""
        if self.elapsed:
            return write_duration(timedelta(days=number)) if abs(number) < LAST_DAY else None
        if not 0 <= number < LAST_DAY - (DAY_ZERO_1904 - DAY_ZERO).days * is_1904:
            return None
        day, part = divmod(timedelta(milliseconds=round(number * 86_400_000)), timedelta(days=1))
        if not self.days and not day:
            return write_duration(part)
        text = _write_day(day, is_1904=is_1904)
        return f"{text} {write_duration(part)}" if part else text


Format = Digits | Percent | Moment


def write_number(number: float) -> str:
    """Write the 15 digits that a spreadsheet program shows, without an exponent; an error for what is no number.

    >>> write_number(7.0), write_number(0.1 + 0.2), write_number(1e20), write_number(float("nan"))
    ('7', '0.3', '100000000000000000000', '#NUM!')
    """
    if number.is_integer() and abs(number) < EXACT:
        return str(int(number))
    if not math.isfinite(number):
        return "#NUM!"
    text = f"{number:.{DIGITS}g}"
    return f"{Decimal(text):f}" if "e" in text else text


def _write_day(day: int, *, is_1904: bool) -> str:
    if is_1904:
        return f"{DAY_ZERO_1904 + timedelta(days=day):%Y-%m-%d}"
    if day in (0, FALSE_DAY):
        return "1900-02-29" if day else "1900-01-00"
    return f"{DAY_ZERO + timedelta(days=day + (day < FALSE_DAY)):%Y-%m-%d}"


def write_duration(span: timedelta) -> str:
    """Write hours, minutes and seconds, with as much of a second as there is.

    >>> write_duration(timedelta(hours=36)), write_duration(timedelta(minutes=-90, milliseconds=-5))
    ('36:00:00', '-01:30:00.005')
    """
    seconds, rest = divmod(abs(span), timedelta(seconds=1))
    fraction = f".{rest.microseconds:06}".rstrip("0") if rest else ""
    sign = "-" if span < timedelta() else ""
    return f"{sign}{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}{fraction}"


def find_built_in(number: int) -> Format | None:
    """Find the meaning of a format that has a number and no code."""
    return find(BUILT_IN.get(number, ""))


def find(code: str) -> Format | None:
    """Find what a format makes of a number; None where that is only a look.

    >>> find("0.00"), find('#,##0 "€"'), find("0"), find('0.0 "days"'), type(find("0.0%")).__name__
    (None, None, None, None, 'Percent')
    """
    parts: list[list[re.Match[str]]] = [[]]
    for token in _TOKEN.finditer(code):
        if token["sign"] == ";":
            parts.append([])
        else:
            parts[-1].append(token)
    first = {token["sign"].lower() for token in parts[0] if token["sign"]}
    elapsed = any(token["bracket"] and _ELAPSED.fullmatch(token["bracket"]) for token in parts[0])
    if elapsed or first & set("ymdhs"):
        return Moment(days=bool(first & set("yd")) or not (elapsed or first & set("hs")), elapsed=elapsed)
    if "%" in first:
        return Percent()
    sections = tuple(map(_read_section, parts[:3]))
    return Digits(sections) if any(section.pattern for section in sections) else None


def _read_section(tokens: list[re.Match[str]]) -> _Section:
    pattern: list[tuple[bool, str]] = []
    condition = None
    plain = True
    for token in tokens:
        match token.lastgroup, token[token.lastgroup or 0]:
            case "bracket", inside:
                if found := _CONDITION.fullmatch(inside):
                    condition = (_COMPARE[found[1]], float(found[2]))
                plain = plain and not _CURRENCY.match(inside)  # whose numbers are amounts
            case "sign", "0":
                pattern.append((True, "0"))
            case ("word", _) | ("sign", "." | "," | "#" | "?" | "%" | "/" | "@" | "E" | "e"):
                plain = False
            case ("quoted" | "escaped" | "sign", text):
                pattern.append((False, text))
    zeros = sum(is_digit for is_digit, _ in pattern)
    return _Section(tuple(pattern) if plain and zeros > 1 else None, condition)


def _fill(pattern: tuple[tuple[bool, str], ...], digits: str) -> str:
    """Put digits in the place of zeros, from the right; the first zero takes all that are left."""
    zeros = sum(is_digit for is_digit, _ in pattern)
    digits = digits.rjust(zeros, "0")
    head, rest = digits[: len(digits) - zeros + 1], iter(digits[len(digits) - zeros + 1 :])
    written, first = "", True
    for is_digit, text in pattern:
        written += (head if first else next(rest)) if is_digit else text
        first = first and not is_digit
    return written
