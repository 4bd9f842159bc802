"""The currency that a cell names beside its amount.

A sign means every currency that is written with it somewhere, after the Unicode CLDR
(https://cldr.unicode.org/translation/currency-names-and-symbols): it can contradict a row's currency, never choose one.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final

from schemas.geography import currency_digits

if TYPE_CHECKING:
    from collections.abc import Mapping

_SIGNS: Final = {
    "€ euro euros eur.": "EUR",
    "$ $us us$ $a": (
        "ARS AUD BBD BMD BND BSD BZD CAD CLP COP CUP DOP FJD GYD HKD JMD KYD LRD MXN NAD NZD SBD SGD SRD TTD TWD USD "
        "UYU XCD"
    ),
    "us $us usd$ щ.д": "USD",
    "£ £st £stg": "GBP EGP FKP GIP LBP SHP SSP SYP SDG",
    "gb£ uk£ £gb": "GBP",
    "¥ \N{FULLWIDTH YEN SIGN}": "JPY CNY",
    "kr": "DKK NOK SEK ISK",
    "dkr": "DKK",
    "nkr": "NOK",
    "skr": "SEK",
    "ikr": "ISK",
    "fr sfr fr.s": "CHF",
    "zł zl": "PLN",
    "kč kc": "CZK",
    "ft": "HUF",
    "lei leu": "RON MDL",
    "лв lv": "BGN",
    "din дин": "RSD",
    "km км": "BAM",
    "ден den": "MKD",
    "lekë": "ALL",
    "₺ tl": "TRY",
    "₴": "UAH",
    "₽": "RUB",
    "₾": "GEL",
    "₼": "AZN",
    "֏": "AMD",
    "₸": "KZT",
    "₪ nis": "ILS",
    "₹": "INR",
    "rs": "INR LKR MUR NPR PKR SCR",
    "৳": "BDT",
    "฿": "THB",
    "₫": "VND",
    "₩": "KRW KPW",
    "₱": "PHP CUP",
    "₦": "NGN",
    "rm": "MYR",
    "rp": "IDR",
    "r": "ZAR",
    "ksh": "KES",
    "tsh": "TZS",
    "ush": "UGX",
    "dh dhs": "AED MAD",
    "a$ au$ $au": "AUD",
    "c$": "CAD NIO",
    "ca$ $ca": "CAD",
    "hk$ $hk": "HKD",
    "mx$ $mx": "MXN",
    "nt$": "TWD",
    "nz$ $nz": "NZD",
    "r$": "BRL",
    "s$": "SGD WST",
    "sg$ $sg": "SGD",
    "rmb cn¥ 元": "CNY",
    "jp¥": "JPY",
}


@cache
def _meanings() -> Mapping[str, frozenset[str]]:
    codes = {code.casefold(): frozenset({code}) for code in currency_digits()}
    signs: dict[str, frozenset[str]] = {}
    for written, meant in _SIGNS.items():
        for sign in written.split():
            signs[sign] = signs.get(sign, frozenset()) | set(meant.split())
    return signs | codes


def find_currencies(text: str) -> frozenset[str]:
    """Name the ISO 4217 codes that *text* may stand for, in any case and with or without a dot behind.

    >>> sorted(find_currencies("Kr.")), sorted(find_currencies("eur")), find_currencies("approx.")
    (['DKK', 'ISK', 'NOK', 'SEK'], ['EUR'], frozenset())
    """
    bare = text.replace("\u00a0", "").replace(" ", "").rstrip(".").casefold()
    return _meanings().get(bare, frozenset())
