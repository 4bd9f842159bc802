"""Whose claim it is: how a creditor is named for an account that serves several, and when two names mean one.

The API keeps no list of such creditors: it makes a new one for each case. So a company is known by its name, whatever
its case and spaces, and by its country.
"""

from __future__ import annotations

from unicodedata import normalize

from schemas.geography import LONGEST_CODE, find_country, fold


def name_creditor(company: str, country: str) -> str:
    """Name a creditor by its company's name and its country's code or name; blank where there is no name.

    >>> name_creditor("Example  Bakery ApS", "Denmark"), name_creditor("EXAMPLE BAKERY APS", "dk")
    ('example bakery aps, DK', 'example bakery aps, DK')
    """
    name, code = fold(normalize("NFKC", company)), find_country(country)
    return f"{name}, {code}" if name and code else name


def is_complete(creditor: str) -> bool:
    """Tell whether a creditor is named with its country.

    >>> is_complete("acme, DK"), is_complete("acme, inc")
    (True, False)
    """
    country = creditor.rpartition(", ")[2]
    return len(country) == LONGEST_CODE and country.isupper()


def may_be(ours: str, told: str) -> bool:
    """Tell whether the creditor that the API has *told* may be *ours*: what it leaves out decides nothing.

    >>> may_be("acme, DK", "acme, DK"), may_be("acme, DK", "acme"), may_be("acme, DK", "acme, SE")
    (True, True, False)
    """
    return told in {ours, ours.rpartition(", ")[0], ""}
