"""What the API compares codes and names with: ISO 4217, ISO 3166-1, and ISO 3166-2 of the United States."""

from __future__ import annotations

from functools import cache

import pycountry


@cache
def currencies() -> frozenset[str]:
    """Return the alphabetic codes of ISO 4217."""
    return frozenset(currency.alpha_3 for currency in pycountry.currencies)


@cache
def countries() -> dict[str, str]:
    """Return alpha-2 code → English short name, of ISO 3166-1."""
    return {country.alpha_2: country.name for country in pycountry.countries}


@cache
def country_names() -> dict[str, str]:
    """Return name → alpha-2 code, for the English short and official names of ISO 3166-1, spelled exactly so."""
    return {
        name: country.alpha_2
        for country in pycountry.countries
        for name in (country.name, getattr(country, "official_name", country.name))
    }


@cache
def states() -> dict[str, str]:
    """Return two-letter code → name of the states, the District and the outlying areas of the United States."""
    return {part.code.removeprefix("US-"): part.name for part in pycountry.subdivisions if part.country_code == "US"}


@cache
def _state_names() -> dict[str, str]:
    return {name.casefold(): code for code, name in states().items()}


def fold(code: str) -> str:
    """Write *code* in capitals, as codes are compared; only ASCII has them (`ß` would become South Sudan's SS)."""
    return code.upper() if code.isascii() else code


def find_country(alpha_2: str, name: str) -> str | None:
    """Return the alpha-2 code that *alpha_2* stands for or, where that is blank, the one of *name*."""
    if alpha_2.strip():
        return fold(alpha_2) if fold(alpha_2) in countries() else None
    return country_names().get(name)


def find_state(code: str, name: str) -> str | None:
    """Return the two-letter code of a US state: from *code* as `CA`, `US-CA` or `California`, else from its *name*."""
    if code.strip():
        short = fold(code).removeprefix("US-")
        return short if short in states() else _state_names().get(code.casefold())
    return _state_names().get(name.casefold())
