"""Reads the query of `GET /cases`: the page, what is filtered, how it is sorted.

Source: https://docs.debitura.com/developer-concepts/pagination
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from importer.sandbox.lifecycle import find_lifecycle
from importer.sandbox.rules import is_uuid

if TYPE_CHECKING:
    from collections.abc import Iterable

LARGEST_PAGE: Final = 100
NEWEST_FIRST: Final = "number DESC"

_ORDERS: Final = {
    "datecreated": "number",  # cases are numbered as they are made
    "duedate": "due_date",
    "date": "date",
    "grossamount": "CAST(amount AS REAL)",
    "lifecycle": "lifecycle",
}
_ORDERS_BY_MEMBER: Final = {
    name.lower(): f"json_extract(CAST(document AS TEXT), '$.{name}')"
    for name in (
        *("dateUpdated", "dateFinished", "dateCollectionStarted", "closeCode"),
        *("remainder", "interestFees", "collectionFees", "reminderFees"),
    )
}


class BadQueryError(Exception):
    """A parameter cannot be read; the message says which."""


@dataclass(frozen=True, slots=True)
class Paging:
    """What page of which cases.

    Attributes:
        page: From 1.
        size: At most 100.
        filters: Column of the cases' table → wanted values.
        order: As SQL.
    """

    page: int = 1
    size: int = 10
    filters: dict[str, list[str]] = field(default_factory=dict)
    order: str = NEWEST_FIRST


def read_query(pairs: Iterable[tuple[str, str]]) -> Paging:
    """Read the parameters; their names in any case, lists repeated or with commas.

    Raises:
        BadQueryError: A page, an id or a status cannot be read.
    """
    given: dict[str, list[str]] = {}
    for name, value in pairs:
        given.setdefault(name.lower().removesuffix("[]"), []).append(value)
    filters: dict[str, list[str]] = {}
    for name, column in (("ids", "id"), ("divisionids", "division")):
        if name in given:
            filters[column] = [_read_id(value) for value in _split(given[name])]
    if "statuses" in given:
        filters["lifecycle"] = [_read_status(value) for value in _split(given["statuses"])]
    return Paging(
        page=_read_count(given.get("page"), "Page", default=1, largest=10**9),
        size=_read_count(given.get("pagesize"), "PageSize", default=10, largest=LARGEST_PAGE),
        filters=filters,
        order=_read_order(_split(given.get("sort", []))),
    )


def _split(values: Iterable[str]) -> list[str]:
    return [part.strip() for value in values for part in value.split(",") if part.strip()]


def _read_count(values: list[str] | None, name: str, *, default: int, largest: int) -> int:
    if values is None:
        return default
    number = int(values[-1]) if re.fullmatch(r"[0-9]{1,10}", values[-1]) else 0
    if not 1 <= number <= largest:
        raise BadQueryError(f"{name} must be a number between 1 and {largest}.")
    return number


def _read_id(value: str) -> str:
    if not is_uuid(value):
        raise BadQueryError(f"The value '{value}' is not a valid id.")
    return value.lower()


def _read_status(value: str) -> str:
    if name := find_lifecycle(value):
        return name
    raise BadQueryError(f"The status '{value}' is not valid.")


def _read_order(parts: Iterable[str]) -> str:
    orders = []
    for part in parts:
        name, _, direction = part.partition(":")
        if column := (_ORDERS | _ORDERS_BY_MEMBER).get(name.strip().lower()):
            orders.append(f"{column} {'DESC' if direction.strip().lower() == 'desc' else 'ASC'}")
    return ", ".join([*orders, NEWEST_FIRST])
