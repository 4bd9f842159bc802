"""What countries are called in the languages of the countries that cases come from.

Source: the Unicode CLDR, https://cldr.unicode.org/, by way of Babel.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final

from babel import Locale

from schemas.geography import find_country

if TYPE_CHECKING:
    from collections.abc import Mapping

LANGUAGES: Final = ("de", "da", "nb", "sv", "nl", "fr", "es", "it", "fi", "pl")


@cache
def country_names() -> Mapping[str, str]:
    """Give name → alpha-2 code, of the names that mean one country in all of the languages."""
    found: dict[str, str] = {}
    unsure = set()
    for language in LANGUAGES:
        for code, name in Locale(language).territories.items():
            if find_country(code) and found.setdefault(name, code) != code:
                unsure.add(name)
    return {name: code for name, code in found.items() if name not in unsure}
