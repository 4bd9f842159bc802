"""One cell → several fields, as a pattern says; a cell that fits in two ways fits in none."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

LONGEST: Final = 1_000  # characters of a cell that is looked at
PLACE: Final = frozenset({"debtor.zipCode", "debtor.city"})
# Two capitals after four digits end a Dutch postal code, or begin a name in capitals as LA LOUVIÈRE does in Belgium.
_ARTICLES: Final = "AL|AU|DA|DE|DI|DO|DU|EL|EN|ES|IL|LA|LE|LO|OS|ST|TE"
# Source: https://www.upu.int/en/postal-solutions/programmes-services/addressing-solutions (each country's form)
_ZIP: Final = (
    r"(?:[A-Z]{1,3} ?[-\u2013] ?)?"  # the country's sign, as letters abroad have it
    r"(?:"
    r"\d{3}-\d{4}|\d{4}-\d{3}|\d{5}-\d{3,4}|\d{2}-\d{3}"
    rf"|\d{{4}} ?(?!(?:{_ARTICLES})\s+[^\Wa-z]{{2,}})[A-Z]{{2}}(?![^\W\d_])"
    r"|\d{3} \d{2}|\d{5,7}|\d{3}"
    r"|\d{4}(?! ?[A-Z]{2}\s)"
    r"|[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}"
    r"|[A-Z]\d[A-Z] ?\d[A-Z]\d|[A-Z]\d[\dW] ?[A-Z\d]{4}"
    r")(?!\w)"
)
# Each as short and as long as it can be, since a cell that can be read both ways is undecided.
_ANY: Final = (r"\S.*?", r"\S.*")
_WORD: Final = (r"\S+?", r"\S+")
_AMOUNT: Final = (
    r"[-+(]?\d(?:[\d.,'\u2019 \u00a0\u202f]*?\d)??[-)]??",
    r"[-+(]?\d(?:[\d.,'\u2019 \u00a0\u202f]*\d)?[-)]?",
)
_FORMS: Final[Mapping[str, tuple[str, str]]] = {
    "debtor.zipCode": (_ZIP, _ZIP),
    "debtor.city": (r"[^\d\W].*?", r"[^\d\W].*"),
    "debtor.countryAlpha2": (r"[A-Za-z]{1,3}?", r"[A-Za-z]{1,3}"),
    "currencyCode": (r"[^\d\s.,+\-()]+?", r"[^\d\s.,+\-()]+"),
    "date": _WORD,
    "dueDate": _WORD,
    "amountToRecover": _AMOUNT,
}


def split(text: str, pattern: Sequence[tuple[str, str | None]]) -> dict[str, str] | None:
    """Take *text* apart; None where it does not fit the pattern, or fits it in more than one way.

    Args:
        text: A cell, stripped.
        pattern: Pairs of a text and the field that follows it.

    >>> zip_and_city = (("", "debtor.zipCode"), (" ", "debtor.city"))
    >>> split("111 20 Stockholm", zip_and_city)
    {'debtor.zipCode': '111 20', 'debtor.city': 'Stockholm'}
    >>> split("Dublin", zip_and_city)
    {'debtor.city': 'Dublin'}
    """
    names, longest, shortest = _read(tuple(pattern))
    if len(text) > LONGEST:
        return None
    found = longest.fullmatch(text)
    if found is None:
        is_city = set(names) == PLACE and not any(sign.isdigit() for sign in text)
        return {"debtor.city": text} if is_city else None
    parts = [part.strip() for part in found.groups()]
    if shortest is not None:
        other = shortest.fullmatch(text)
        if other is None or parts != [part.strip() for part in other.groups()]:
            return None
    return dict(zip(names, parts, strict=True))


@cache
def _read(pattern: tuple[tuple[str, str | None], ...]) -> tuple[list[str], re.Pattern[str], re.Pattern[str] | None]:
    """Give the fields, and the pattern with its parts as long, and as short, as they can be.

    Where only the last part has a length to choose there is one way to read a cell, and nothing to compare.
    """
    names = [name for _, name in pattern if name is not None]
    longest, shortest = (
        re.compile(
            "".join(
                _plain(plain, first=not number) + (f"({_FORMS.get(name, _ANY)[length]})" if name else "")
                for number, (plain, name) in enumerate(pattern)
            ),
            re.DOTALL,
        )
        for length in (1, 0)
    )
    fixed = all(_FORMS.get(name, _ANY)[0] == _FORMS.get(name, _ANY)[1] for name in names[:-1])
    return names, longest, None if fixed else shortest


def _plain(text: str, *, first: bool) -> str:
    """Take any white space for any other, and none around signs that part by themselves."""
    words = text.split()
    if not words:
        return r"\s+" if text and not first else ""
    return r"\s*" + r"\s+".join(map(re.escape, words)) + r"\s*"
