"""The cases of a collection partner: what it sees of them, and the reference of its own that each may have.

A partner has the live cases of the customer account of its own name, and from the first look on twelve invented ones
of other creditors, whose ids are the same in each sandbox.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Final
from uuid import NAMESPACE_URL, uuid5

from importer.sandbox.answers import ENCODER
from importer.sandbox.documents import describe_account, describe_case
from importer.sandbox.store import StoredCase

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from importer.sandbox.store import Ledger

WAITING: Final = "PendingVerification"
HIDDEN: Final = ("PendingContractSigning", "PendingVerificationInternal")  # Debitura's own stages
SEEDED: Final = (*(WAITING,) * 6, *("Active",) * 4, "Paused", "Closed")
SEEDED_REFERENCE: Final = 9  # the seeded case that has a partner reference from the beginning
_DIGITS: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_VISIBLE: Final = (
    "FROM cases LEFT JOIN partner_references ON case_id = id WHERE account IN (?, ?) AND NOT is_test"
    f" AND lifecycle NOT IN {HIDDEN}"
)


class Assigned:
    """The cases of all partners of one ledger."""

    def __init__(self, ledger: Ledger, *, tells_reference: bool) -> None:
        self._ledger = ledger
        self._tells = tells_reference

    def find(self, partner: str, column: str, value: str) -> dict[str, object] | None:
        """Return the partner's case whose *column* is *value*."""
        return next(iter(self.select(partner, {column: [value]})), None)

    def select(self, partner: str, filters: Mapping[str, Sequence[str]]) -> list[dict[str, object]]:
        """Return the partner's cases that pass all *filters* (column → values), oldest first."""
        where, values = self._where(partner, filters)
        found = self._ledger.execute(
            f"SELECT document, lifecycle, partner_references.reference {_VISIBLE}{where} ORDER BY number",
            values,
        )
        return [self._tell(*row) for row in found]

    def page(
        self, partner: str, filters: Mapping[str, Sequence[str]], order: str, limit: int, offset: int
    ) -> tuple[int, list[dict[str, object]]]:
        """Count the partner's cases that pass all *filters*, and return a page of them."""
        where, values = self._where(partner, filters)
        total = self._ledger.execute(f"SELECT count(*) {_VISIBLE}{where}", values).fetchone()[0]
        found = self._ledger.execute(
            f"SELECT document, lifecycle, partner_references.reference {_VISIBLE}{where}"
            f" ORDER BY {order} LIMIT ? OFFSET ?",
            (*values, limit, offset),
        )
        return total, [self._tell(*row) for row in found]

    def set_reference(self, case_id: str, reference: str) -> None:
        """Store a partner reference, without the spaces around it; a blank one is none."""
        self._ledger.execute("DELETE FROM partner_references WHERE case_id = ?", (case_id,))
        if reference.strip():
            values = (case_id, reference.strip())
            self._ledger.execute("INSERT INTO partner_references VALUES (?, ?)", values)

    def start(self, case_id: str, changes: Mapping[str, object], body: bytes) -> None:
        """Make a case active, with *changes* to its document; inside a transaction."""
        (kept,) = self._ledger.execute("SELECT document FROM cases WHERE id = ?", (case_id,)).fetchone()
        document = ENCODER.encode({**_read(kept), **changes, "lifecycle": "Active"})
        self._ledger.execute("UPDATE cases SET lifecycle = 'Active', document = ? WHERE id = ?", (document, case_id))
        self._ledger.execute("INSERT INTO starts VALUES (?, ?)", (case_id, body))

    def _where(self, partner: str, filters: Mapping[str, Sequence[str]]) -> tuple[str, list[str]]:
        self._seed(partner)
        where, values = "", [partner, _clients(partner)]
        for column, wanted in filters.items():
            where += f" AND {column} IN ({', '.join('?' * len(wanted))})"
            values += wanted
        return where, values

    def _tell(self, document: bytes, lifecycle: str, reference: str | None) -> dict[str, object]:
        told = {"collectionPartnerReference": reference} if self._tells else {}
        return {**_read(document), "lifecycle": lifecycle, **told}

    def _seed(self, partner: str) -> None:
        with self._ledger.transaction():
            known = "SELECT 1 FROM cases WHERE account = ?"
            if not self._ledger.execute(known, (_clients(partner),)).fetchone():
                for number, lifecycle in enumerate(SEEDED, 1):
                    self._ledger.add(_invent(partner, number, lifecycle))
                self.set_reference(seeded(partner, SEEDED_REFERENCE)[0], f"P-100{SEEDED_REFERENCE}")


def seeded(partner: str, number: int) -> tuple[str, str]:
    """Return the id and Debitura's reference of an invented case, numbered from 1."""
    made = uuid5(NAMESPACE_URL, f"https://{partner}.example/cases/{number}")
    rest, letters = made.int, []
    for _ in range(8):
        rest, letter = divmod(rest, len(_DIGITS))
        letters.append(_DIGITS[letter])
    return str(made), "".join(letters)


def creditor_of(document: Mapping[str, object]) -> str:
    """Return the id of the creditor of a case."""
    creditor = document["creditor"]
    return str(creditor["id"]) if isinstance(creditor, dict) else ""


def _clients(partner: str) -> str:
    return f"{partner}~clients"


def _invent(partner: str, number: int, lifecycle: str) -> StoredCase:
    case_id, reference = seeded(partner, number)
    clients = _clients(partner)
    body: dict[str, object] = {
        "currencyCode": "EUR",
        "date": "2026-01-15",
        "amountToRecover": Decimal(1000 + number),
        "creditorReference": f"CLIENT-{number}",
        "debtor": {"type": "Company", "name": f"Invented Debtor {number}", "countryAlpha2": "DE"},
    }
    document = describe_case(
        body,
        case_id=case_id,
        reference=reference,
        created=datetime(2026, 2, number, tzinfo=UTC).replace(tzinfo=None).isoformat(timespec="microseconds"),
        account=describe_account(clients, str(uuid5(NAMESPACE_URL, f"https://{partner}.example/clients"))),
        solution=(None, None),
    )
    document["lifecycle"] = lifecycle
    return StoredCase(
        account=clients,
        id=case_id,
        reference=reference,
        creditor_reference=f"CLIENT-{number}",
        amount=str(1000 + number),
        currency="EUR",
        is_test=False,
        lifecycle=lifecycle,
        date=str(document["date"]),
        due_date=str(document["dueDate"]),
        division=None,
        created=str(document["dateCreated"]),
        body=b"",
        document=ENCODER.encode(document),
    )


def _read(document: bytes) -> dict[str, object]:
    told: dict[str, object] = json.loads(document, parse_float=Decimal)
    return told
