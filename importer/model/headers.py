"""Headers, compared as people do: without case, diacritics, spaces and decoration."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

# Not among them: % and the signs of currencies, which change what a column is.
_DECORATION: Final = re.compile(r"[\s*._\-\u2010-\u2015\u200b\ufeff:;,/\\()\[\]#°º'\u2018\u2019\u00b4`\"\u201c\u201d]+")
_LETTERS: Final = str.maketrans(
    {"ø": "o", "æ": "ae", "œ": "oe", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "\u0131": "i", "№": "no"}
)
_SPELT_OUT: Final = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ø": "oe", "å": "aa"})


@lru_cache(maxsize=8192)  # all that every target's fields are called, asked for again with each source
def fold(text: str) -> str:
    """Write *text* so that headers that people take for the same are equal; itself where nothing would be left.

    >>> fold("Fälligkeits-Datum *"), fold("Beløb"), fold("N° de facture"), fold("#")
    ('falligkeitsdatum', 'belob', 'ndefacture', '#')
    """
    plain = unicodedata.normalize("NFKD", _DECORATION.sub("", text).casefold().translate(_LETTERS))
    return "".join(sign for sign in plain if not unicodedata.combining(sign)) or text.strip()


def spellings(text: str) -> set[str]:
    """Fold *text* in each way that keyboards without its letters write it.

    >>> sorted(spellings("Fällig")), sorted(spellings("Due"))
    (['faellig', 'fallig'], ['due'])
    """
    return {fold(text), fold(unicodedata.normalize("NFC", text).casefold().translate(_SPELT_OUT))}


def layout(header: Iterable[str]) -> frozenset[str]:
    """Name a layout: the set of its folded headers, whatever their order; columns without a header do not count.

    >>> layout(["Invoice No.", "", "Due"]) == layout(["due", "invoice-no"])
    True
    """
    return frozenset(fold(text) for text in header if text.strip())
