"""A case: as it is sent, and as the journal has it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date
    from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Case:
    """What one valid row asks the API to make; everything that sending needs, and nothing else.

    Attributes:
        row: The row's key in its run (see `row_key`).
        creditor: Whose claim it is, where an account serves several; else blank.
        reference: The creditor reference; for a row without one, its identity (see `plan`).
        has_reference: Whether *reference* is known to the API.
        guarded: Whether the API refuses a second case under it, so that a look-up by it tells whether there is one.
        n: How many definite refusals of this identity came before.
        key: The `Idempotency-Key` of every attempt.
        body: The exact bytes of every attempt.
        amount: In units of *currency*.
        currency: ISO 4217 alphabetic code.
        group: Country and currency, as `DE EUR`: contracts and partners depend on them.
        fingerprints: Field → keyed hash of its value, to name what differs without keeping values.
        debtor: The debtor's name, and
        date: the invoice's date: with them a case is recognised where there is no reference.
        bundle: Of a row whose invoice is sent together with others: the row whose case that is, maybe its own. That
            row's body and amount are all of theirs; the others have no body, and the amount of their own.
        client: What a partner calls the client whose account it goes to; blank where the key's own account takes it.
    """

    row: int
    creditor: str
    reference: str
    has_reference: bool
    guarded: bool
    n: int
    key: str
    body: bytes
    amount: Decimal
    currency: str
    group: str
    fingerprints: Mapping[str, str]
    debtor: str
    date: date
    bundle: int | None = None
    client: str = ""

    @property
    def leads(self) -> bool:
        """Tell whether it is sent itself, not as a part of another row's case."""
        return self.bundle in {None, self.row}


@dataclass(frozen=True, slots=True)
class Entry:
    """A case of some run as the journal has it.

    Attributes:
        pk: Its number in the journal.
        run: The run it belongs to.
        case: With a body only while it is unsettled.
        status: As in the journal's own words; see `journal`.
        since, sent_at, attempted_at, doubted_at: Seconds since the epoch, None where it did not come to that.
        attempts, doubts: Counts.
        by_server: Whether all doubts were 5xx answers.
        credential: Keyed hash of the API key of the first attempt.
        account: Whose case it is to be.
        case_id, case_reference, lifecycle, error, message, solution: What became of it; None where nothing did.
    """

    pk: int
    run: str
    case: Case
    status: str
    credential: str | None
    since: float | None
    sent_at: float | None
    attempted_at: float | None
    attempts: int
    doubts: int
    doubted_at: float | None
    by_server: bool
    case_id: str | None
    case_reference: str | None
    lifecycle: str | None
    error: str | None
    message: str | None
    solution: str | None
    account: str = ""


class Trace(NamedTuple):
    """Of an `Entry`, what tells whether a row is what it was, and which case it has; see there and `Case`."""

    creditor: str
    reference: str
    run: str
    status: str
    n: int
    key: str
    case_id: str | None
    case_reference: str | None
    lifecycle: str | None
