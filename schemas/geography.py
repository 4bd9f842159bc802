"""Countries, currencies and US states: what a text resolves to, and what it nearly is."""

from __future__ import annotations

import re
from difflib import get_close_matches
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import pycountry
import us

if TYPE_CHECKING:
    from collections.abc import Mapping


def fold(text: str) -> str:
    """Compare without case and without runs of spaces."""
    return re.sub(r"\s+", " ", text).strip().casefold()


LONGEST_CODE: Final = 2  # letters; longer than that is a name
# What people call them and ISO 3166-1 does not; each names one country and no other.
CALLED: Final[Mapping[str, str]] = {
    "uk": "GB",
    "great britain": "GB",
    "usa": "US",
    "u.s.a.": "US",
    "u.s.": "US",
    "turkey": "TR",
    "russia": "RU",
    "ivory coast": "CI",
    "macedonia": "MK",
    "holland": "NL",
    "brunei": "BN",
    "cape verde": "CV",
    "swaziland": "SZ",
    "east timor": "TL",
    "macau": "MO",
    "vatican": "VA",
}
ALSO_CALLED: Final[Mapping[str, str]] = {
    "washington dc": "DC",
    "washington, d.c.": "DC",
    "d.c.": "DC",
    "u.s. virgin islands": "VI",
    "us virgin islands": "VI",
}


@cache
def _countries() -> Mapping[str, str]:
    """Folded code or name → alpha-2."""
    names = dict(CALLED)
    for country in pycountry.countries:
        for name in ("alpha_2", "name", "official_name", "common_name"):
            if hasattr(country, name):
                names.setdefault(fold(getattr(country, name)), country.alpha_2)
    return names


def find_country(text: str) -> str | None:
    """Resolve a code or a name to alpha-2; a code in ASCII only, since folded `ß` would be South Sudan's SS.

    >>> find_country("germany"), find_country("de"), find_country("Germny")
    ('DE', 'DE', None)
    """
    name = fold(text).replace("\u2019", "'")
    if len(name) <= LONGEST_CODE and not text.isascii():
        return None
    return _countries().get(name) or _countries().get(name.removeprefix("the "))


def suggest_country(text: str) -> str:
    """Name what *text* is nearly, as a sentence; blank where it is near nothing."""
    near = get_close_matches(fold(text), [name for name in _countries() if len(name) > 2], n=1, cutoff=0.8)  # noqa: PLR2004
    return f" Is it {_countries()[near[0]]}?" if near else ""


@cache
def currency_digits() -> Mapping[str, int]:
    """ISO 4217 code → decimals of its minor unit."""
    exceptions = {
        0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
        3: "BHD IQD JOD KWD LYD OMR TND",
        4: "CLF UYW",
    }
    digits = {currency.alpha_3: 2 for currency in pycountry.currencies}
    return digits | {code: number for number, codes in exceptions.items() for code in codes.split()}


def find_digits(text: str) -> int | None:
    """Give the decimals of the currency whose ISO 4217 code *text* is in any case; None where it is none.

    >>> find_digits("eur"), find_digits("JPY"), find_digits("Euro")
    (2, 0, None)
    """
    return currency_digits().get(text.upper()) if text.isascii() else None


def suggest_currency(text: str) -> str:
    """Name the currency whose name or sign *text* is, as a sentence; blank where there is none."""
    signs = {"€": "EUR", "$": "USD", "£": "GBP", "¥": "JPY", "kr": "DKK, SEK or NOK", "zł": "PLN"}
    found = signs.get(fold(text))
    if found is None:
        names = {fold(currency.name): currency.alpha_3 for currency in pycountry.currencies}
        near = get_close_matches(fold(text), names, n=1, cutoff=0.8)
        near_codes = get_close_matches(text.upper(), list(currency_digits()), n=1, cutoff=0.6)
        found = names[near[0]] if near else (near_codes[0] if near_codes else "")
    return f" Is it {found}?" if found else ""


@cache
def _states() -> Mapping[str, str]:
    """Folded code, `US-` code or name → two letters; the states, DC and the territories.

    `us` leaves the Minor Outlying Islands out, which ISO 3166-2 counts among the subdivisions of the United States.
    """
    named = [(state.abbr, state.name) for state in [*us.STATES_AND_TERRITORIES, us.states.DC]]
    named += [(place.code.removeprefix("US-"), place.name) for place in _american_places()]
    return dict(ALSO_CALLED) | {fold(key): code for code, name in named for key in (code, f"US-{code}", name)}


def _american_places() -> list[Any]:
    return [place for place in pycountry.subdivisions if place.country_code == "US"]


def find_state(text: str) -> str | None:
    """Resolve a US state to its two letters.

    >>> find_state("US-CA"), find_state("new york"), find_state("Calif")
    ('CA', 'NY', None)
    """
    return _states().get(fold(text)) if text.isascii() else None


def states() -> tuple[str, ...]:
    """Name the states of the United States, DC and the territories, each once, as people write them."""
    named = {place.code.removeprefix("US-"): place.name for place in _american_places()}
    return tuple(sorted(named.values()))


def suggest_state(text: str) -> str:
    """Name the state that *text* is nearly, as a sentence; blank where it is near none."""
    near = get_close_matches(fold(text).rstrip("."), _states(), n=1, cutoff=0.6)
    return f" Is it {_states()[near[0]]}?" if near else ""
