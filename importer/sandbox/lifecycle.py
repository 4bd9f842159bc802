"""Changes stored cases: where they stand, what was paid, what was added; whoever has to know of it is told.

Sources: https://docs.debitura.com/developer-concepts/case-lifecycle,
https://docs.debitura.com/developer-concepts/test-cases
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, Literal
from uuid import uuid4

from importer.sandbox.accounts import tell_signing_url
from importer.sandbox.answers import ENCODER

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from importer.sandbox.store import Ledger

    Tell = Callable[["Happening"], None]

LABELS: Final = {
    "PendingContractSigning": "Pending contract signing",
    "PendingVerificationInternal": "Pending Verification Internal",
    "PendingVerification": "Pending Verification",
    "NeedsAdditionalDetails": "More Info Required",
    "Leads": "Collecting Quotes",
    "LeadsQuoteGiven": "Pending Quote Selection",
    "Active": "Active",
    "Paused": "Paused",
    "Closed": "Closed",
    "Merged": "Merged",
}
PENDING: Final = "PendingContractSigning"
PAID: Final = "Paid"
NO_PAYMENT: Final = "Pre-Legal Exhausted – No Payment"  # noqa: RUF001 - the API's own dash
PARTNER: Final = {
    "name": "Invented Collectors",
    "officeEmail": "office@collectors.example",
    "officePhone": "+45 00 00 00 00",
    "publicSite": "https://collectors.example",
    "surveyCadenceMode": 0,
}
FEES: Final = {"interestFees": "interest", "reminderFees": "reminderFees", "collectionFees": "collectionFees"}

_NAMES: Final = {word.lower(): name for name, label in LABELS.items() for word in (name, label)}
_WORKED_ON: Final = ("Active", "Paused")

Document = dict[str, Any]  # a case or a payment as the API tells it, amounts as Decimal


@dataclass(frozen=True, slots=True)
class Happening:
    """What became of a case.

    Attributes:
        event: As webhooks call it.
        account: The ledger's name of the account (see `Caller.account`).
        case: As it is told after the change; another change alters it, so whoever is told takes what is needed at once.
        old, new: Lifecycles, by their enumeration's names; the same where only money moved.
        payment: As it is told; None of other events.
    """

    event: Literal["case.updated", "case.closed", "payment.created"]
    account: str
    case: Document
    old: str
    new: str
    payment: Document | None = None


def find_lifecycle(word: str) -> str | None:
    """Return the enumeration's name for a name or a label, in any case; None for any other word."""
    return _NAMES.get(word.strip().lower())


class Story:
    """What can become of the cases of one ledger; each change belongs into a transaction of the caller's.

    Args:
        ledger: Where the cases are.
        clock: The API's, seconds since the epoch.
        tell: Told of each change, in order, inside the same transaction.
    """

    def __init__(self, ledger: Ledger, clock: Callable[[], float], tell: Tell = lambda _happening: None) -> None:
        self._ledger = ledger
        self._clock = clock
        self._tell = tell

    def read(self, account: str, case_id: str) -> Document | None:
        """Return the account's case as it is told; None where there is none."""
        document = self._ledger.find(account, "id", case_id.lower())
        return json.loads(document, parse_float=Decimal) if document else None

    def move(self, account: str, case: Document, lifecycle: str, close_code: str | None = None) -> None:
        """Let *case* stand at *lifecycle*, a name of LABELS; nothing happens where it stands there already."""
        old = case["lifecycle"]
        if old == lifecycle:
            return
        now = self._now()
        closed = lifecycle == "Closed"
        case["lifecycle"] = lifecycle
        case["validation"] = {"needsInfo": lifecycle == "NeedsAdditionalDetails"}
        case["closeCode"] = (close_code or (PAID if case["remainder"] <= 0 else "Other")) if closed else None
        case["dateFinished"] = now if closed or lifecycle == "Merged" else None
        link = tell_signing_url(self._ledger.name_account(account)) if lifecycle == PENDING else None
        case["signingHandoff"] = {"combinedSigningUrl": link} if link else None
        case["solutionUrl"] = link
        if lifecycle in _WORKED_ON:
            case["dateCollectionStarted"] = case["dateCollectionStarted"] or now
            case["collectionPartner"] = case["collectionPartner"] or PARTNER
            case["currentEngagementPhase"] = case["currentEngagementPhase"] or "Pre-legal"
        self._keep(case, now)
        self._tell(Happening("case.updated", account, case, old, lifecycle))
        if closed:
            self._tell(Happening("case.closed", account, case, old, lifecycle))

    def pay(self, account: str, case: Document, amount: Decimal) -> None:
        """Record a payment of *amount*, above 0: it settles the principal first, then what was added."""
        now, stands = self._now(), case["lifecycle"]
        rest = min(amount, case["remainder"])
        case["remainder"] -= rest
        outstanding = case["allocationOutstanding"]
        for part in ("principal", *FEES.values()):
            settled = min(rest, outstanding[part])
            outstanding[part] -= settled
            rest -= settled
        payment: Document = {
            "id": str(uuid4()),
            "dateCreated": now,
            "dateUpdated": None,
            "date": now,
            "grossAmount": amount,
            "recipient": "Creditor",
            "method": "BankTransfer",
            "currency": case["currency"],
            "invoice": {"status": stands, "reference": case["reference"], "invoiceId": case["id"]},
        }
        self._ledger.add_payment(account, case["id"], payment["id"], ENCODER.encode(payment))
        self._keep(case, now)
        self._tell(Happening("payment.created", account, case, stands, stands, payment))

    def charge(self, case: Document, fees: Mapping[str, Decimal]) -> None:
        """Set what the partner has added: a member of FEES → its amount, 0 or more."""
        for name, amount in fees.items():
            added = amount - case[name]
            case[name] = amount
            case["totalAddedFees"] += added
            case["remainder"] += added
            case["allocationOutstanding"][FEES[name]] += added
        self._keep(case, self._now())

    def _keep(self, case: Document, now: str) -> None:
        case["dateUpdated"] = now
        self._ledger.change(case["id"], case["lifecycle"], ENCODER.encode(case))

    def _now(self) -> str:
        return datetime.fromtimestamp(self._clock(), UTC).replace(tzinfo=None).isoformat(timespec="microseconds")
