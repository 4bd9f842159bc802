"""What months and weekdays are called in the languages that invoices are written in, after the Unicode CLDR.

Words are compared without case, accents and dots. https://cldr.unicode.org/translation/date-time/date-time-names
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final

from babel import Locale

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

LANGUAGES: Final = (
    *("bg", "ca", "cs", "da", "de", "el", "en", "es", "et", "fi", "fr", "hr", "hu", "is", "it", "lt", "lv", "nb"),
    *("nl", "nn", "pl", "pt", "ro", "sk", "sl", "sr_Latn", "sv", "tr", "uk"),
)
ALSO: Final = {"mrz": 3, "maerz": 3}  # as Excel abbreviates it, and as typed without an umlaut
# What stands beside day, month and year and says nothing of them.
FILLERS: Final = frozenset(
    {
        *("d", "de", "del", "den", "der", "do", "el", "er", "feira", "g", "gada", "il", "le", "m", "nd", "of", "r"),
        *("rd", "roku", "st", "th", "the", "\N{CYRILLIC SMALL LETTER GHE}", "\N{CYRILLIC SMALL LETTER ER}"),
    }
)
_WORD: Final = re.compile(r"[^\W\d_]+")


@dataclass(frozen=True, slots=True)
class Names:
    """Words and what they mean.

    Attributes:
        months: Word → month → the languages in which it is that.
        weekdays: Word → the weekdays that it may be, Monday 0.
    """

    months: Mapping[str, Mapping[int, frozenset[str]]]
    weekdays: Mapping[str, frozenset[int]]


def fold(text: str) -> str:
    """Take case and accents away.

    >>> fold("März"), fold("AOÛT"), fold("Agosto")
    ('marz', 'aout', 'agosto')
    """
    parts = unicodedata.normalize("NFKD", text.casefold())
    return "".join(sign for sign in parts if not unicodedata.combining(sign)).replace(
        "\N{LATIN SMALL LETTER DOTLESS I}", "i"
    )


def split(text: str) -> list[str]:
    """Give the folded words of *text*, in their order."""
    return _WORD.findall(fold(text))


@cache
def names() -> Names:
    """Gather the words of all languages."""
    months: dict[str, dict[int, set[str]]] = defaultdict(lambda: defaultdict(set))
    weekdays: dict[str, set[int]] = defaultdict(set)
    for language in LANGUAGES:
        locale = Locale.parse(language)
        for context in ("format", "stand-alone"):
            for width in ("wide", "abbreviated"):
                for month, name in locale.months[context][width].items():
                    months[split(name)[-1]][month].add(language)
                for day, name in locale.days[context][width].items():
                    weekdays[split(name)[0]].add(day)
    for word, month in ALSO.items():
        months[word][month] |= set(LANGUAGES)
    return Names(
        {word: {month: frozenset(languages) for month, languages in meant.items()} for word, meant in months.items()},
        {word: frozenset(days) for word, days in weekdays.items()},
    )


def months_in(words: Iterable[str]) -> Mapping[str, int]:
    """Give each word of a column that names a month; where languages differ in it, the other words settle it.

    >>> months_in(["listopada", "prosinca"])["listopada"], "listopada" in months_in(["listopada"])
    (10, False)
    """
    known = {word: names().months[word] for word in words if word in names().months}
    common = frozenset(LANGUAGES).intersection(
        *(frozenset().union(*meant.values()) for meant in known.values()),
    )
    found = {}
    for word, meant in known.items():
        possible = [month for month, languages in meant.items() if languages & common] or list(meant)
        if len(possible) == 1:
            found[word] = possible[0]
    return found
