"""What replies of the API can mean: for a POST that makes a case, for a look-up, for a list."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date, datetime
    from decimal import Decimal

Reach = Literal["row", "group", "run"]


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back over HTTP; header names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class NeverLeft:
    """No byte of the request can have reached the API: refused, no such host, no TLS."""

    reason: str


@dataclass(frozen=True, slots=True)
class Lost:
    """The request, or a part of it, may have reached the API; no answer was read."""

    reason: str


Reply = Answer | NeverLeft | Lost


@dataclass(frozen=True, slots=True)
class KnownCase:
    """A case as the API tells it.

    Attributes:
        id: UUID.
        reference: Debitura's own, eight characters.
        creditor_reference: Ours, or None.
        lifecycle: As sent: an enumeration's name or its label, both exist.
        amount: The principal, or None where it cannot be read.
        currency: ISO 4217, or blank.
        is_test: Whether it is a test case.
        created: UTC; the API sends naive times that are UTC.
        debtor: The debtor's name, or blank.
        date: The invoice's date, or None.
        solution: Where its contracts are signed, while they are not; else blank.
        creditor: Whose claim it is, named as in `schemas.creditors`; blank where that is not told.
        partner_reference: The collection partner's own, blank where there is none; None where the API does not tell.
        comments: What was said of it when it was made.
    """

    id: str
    reference: str
    creditor_reference: str | None
    lifecycle: str
    amount: Decimal | None
    currency: str
    is_test: bool
    created: datetime | None
    debtor: str
    date: date | None
    solution: str
    creditor: str = ""
    partner_reference: str | None = None
    comments: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Made:
    """The case exists, made by this request or by an earlier one with the same key."""

    case: KnownCase


@dataclass(frozen=True, slots=True)
class Refused:
    """The API says no; *reach* is what else will be refused for the same reason."""

    code: str
    message: str
    solution: str
    reach: Reach


@dataclass(frozen=True, slots=True)
class Taken:
    """A case has this reference already: whose it is must be asked."""

    message: str


@dataclass(frozen=True, slots=True)
class Throttled:
    """Not processed; *retry_after* in seconds, None where the API does not say."""

    retry_after: float | None


@dataclass(frozen=True, slots=True)
class Denied:
    """The key is not accepted (401), or not for this (403)."""

    status: int
    message: str


@dataclass(frozen=True, slots=True)
class Expired:
    """Not processed: the client's token is not accepted any more (401), and another one may be."""


@dataclass(frozen=True, slots=True)
class Doubt:
    """Whether the case was made cannot be told; *by_server*: a 5xx answer, which may be replayed for the key."""

    reason: str
    by_server: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """The look-up names a case."""

    case: KnownCase


@dataclass(frozen=True, slots=True)
class Listed:
    """One page of cases, and whether it is the last."""

    cases: tuple[KnownCase, ...]
    last: bool


@dataclass(frozen=True, slots=True)
class Absent:
    """The API itself says that there is none; not just any 404."""


@dataclass(frozen=True, slots=True)
class Unanswered:
    """The question was not answered; ask again."""

    reason: str


PostMeaning = Made | Refused | Taken | Throttled | Denied | Doubt | NeverLeft
AskMeaning = Found | Absent | Throttled | Denied | Unanswered
ListMeaning = Listed | Throttled | Denied | Unanswered
