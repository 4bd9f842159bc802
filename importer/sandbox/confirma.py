"""Confirma's integrations API, as far as case details go: invented cases, which follow from their ids alone.

Sources: https://developer-partnerapi.confirmafinance.com/retrieve-case-details-4344614e0,
https://developer-partnerapi.confirmafinance.com/validate-access-token-4087227e0
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import TYPE_CHECKING, Any, Final

from importer.sandbox.accounts import Caller
from importer.sandbox.answers import answer, tell_problem

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request
    from starlette.routing import Route

    from importer.sandbox.answers import Answer
    from importer.sandbox.gate import Gate

PREFIX: Final = "/api/v1/partner"
EXPIRED: Final = "sandbox-expired"
EPOCH: Final = datetime(2026, 1, 5, 8, 30, 0, 123_000, tzinfo=UTC)
NOBODY: Final = 4  # last digit of the ids that nothing is found under, in one of four forms by the digit before
_NOWHERE: Final[tuple[dict[str, object], ...]] = ({"cases": []}, {"case": None}, {})


class Confirma:
    """The operations on the cases of the payment-control agency."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate

    def routes(self) -> list[Route]:
        """List the paths, and what answers each."""
        route = self._gate.route
        return [
            route(f"{PREFIX}/invoice/case", self._gate.asked(_tell_case), identify=identify),
            route(f"{PREFIX}/validate", _validate, identify=identify),
        ]


def identify(headers: Mapping[str, str]) -> Caller | None:
    """Return whose token came; None for none, another one, or one that has expired."""
    token = headers.get("x-api-key", "").strip()
    account = token.partition(":")[0]
    return Caller(token, account, bearer=False) if token.startswith("sandbox") and account != EXPIRED else None


async def _validate(_: Request, __: Caller) -> Answer:
    return answer({"isValid": True, "message": "The token is valid."})


async def _tell_case(request: Request, _: Caller) -> Answer:
    number = request.query_params.get("caseId") or request.query_params.get("invoiceNumber", "")[:-2]
    if not re.fullmatch(r"[0-9]{1,18}", number):
        return tell_problem(400, "caseId or invoiceNumber is missing, or no number.")
    id_ = int(number)
    if id_ % 10 == NOBODY:
        form = id_ // 10 % 4
        return answer(_NOWHERE[form]) if form < len(_NOWHERE) else answer({"message": "Case not found."}, 404)
    case = make_case(id_)
    return answer({"case": case} if id_ % 7 == 0 else {"cases": [case]})


def make_case(id_: int) -> dict[str, Any]:
    """Invent the case *id_*: always the same one."""
    chance = Random(id_)  # noqa: S311 - so that each id has its own case for good
    strange = id_ % 13 == 0
    invoices = [_make_invoice(id_, number, chance) for number in range(1, chance.randint(1, 3) + 1)]
    capital = sum((invoice["capitalAmount"] for invoice in invoices), Decimal(0))
    paid = sum((invoice["capitalPaid"] for invoice in invoices), Decimal(0))
    interest = sum((invoice["interestAmount"] for invoice in invoices), Decimal(0))
    balance = _make_balance(capital, paid, interest, Decimal(chance.choice(["0", "40", "180.00"])))
    if id_ % 11 == 3:  # noqa: PLR2004 - these do not add up
        balance["capitalOutstanding"] += Decimal("10.00")
    closed = balance["totalOutstanding"] == 0
    currency = ("SEK", "EUR", "NOK", "DKK")[id_ % 4]
    opened = EPOCH + timedelta(days=chance.randint(0, 120))
    case: dict[str, Any] = {
        "summary": {
            "caseId": id_,
            "status": "AWAITING_ORACLE" if strange else ("CLOSED" if closed else "OPEN"),
            "stage": chance.choice(["REMINDER", "COLLECTION"]),
            "createdAt": _time(opened),
            "closedAt": f"{opened + timedelta(days=60):%Y-%m-%d}" if closed else None,
            "activeDays": chance.randint(1, 200),
            "creditor": "Example Bakery AB",
            "currency": currency,
            "agency": "CashIn" if id_ % 7 == 0 else "CASH-IN",
        },
        "balance": balance,
        "invoices": invoices,
        "payments": [_make_payment(invoice, currency, opened) for invoice in invoices if invoice["capitalPaid"]],
        "events": [
            {
                "title": "Reminder sent",
                "description": "A reminder went to the address on file.",
                "state": 99 if strange else chance.randint(0, 3),
                "occurredAt": _time(opened + timedelta(days=14)),
            }
        ],
        "actions": [
            {
                "type": "SEANCE" if strange else "PAUSE",
                "status": -1 if strange else 2,
                "comment": None,
                "occurredAt": _time(opened + timedelta(days=20)),
            }
        ],
        "notes": [
            {
                "title": "Call",
                "content": "=Debtor asks for a plan" if strange else "The debtor asks for an instalment plan.",
                "occurredAt" if id_ % 5 == 0 else "occuredAt": _time(opened + timedelta(days=21)),
            }
        ],
    }
    return case | ({"priority": 1} if strange else {})


def _make_invoice(id_: int, number: int, chance: Random) -> dict[str, Any]:
    issued = EPOCH + timedelta(days=chance.randint(-90, 0))
    amount = Decimal(chance.randint(5_000, 900_000)) / 100
    distributed = issued + timedelta(days=1)
    return {
        "invoiceNumber": f"{id_}{number:02d}",
        "reference": None,
        "originalReference": f"RF{chance.randint(10, 99)}{id_}{number:02d}",
        "invoiceDate": f"{issued:%Y-%m-%d}",
        "dueDate": f"{issued + timedelta(days=30):%d.%m.%Y}" if id_ % 17 == 0 else f"{issued:%Y-%m-%dT00:00:00}",
        "createdDate": _time(issued),
        "subject": None,
        "invoiceDocUrl": f"https://documents.example.com/{id_}{number:02d}.pdf",
        "interestCalculation": "STATUTORY",
        "interestRate": Decimal("10.5"),
        "capitalAmount": amount,
        "capitalPaid": chance.choice([Decimal(0), amount, (amount / 3).quantize(Decimal("0.01"))]),
        "interestAmount": (amount / 40).quantize(Decimal("0.01")),
        "interestPaid": Decimal(0),
        "distribution": {
            "method": "PRINT",
            "channel": "POSTNORD",
            "distributedAt": _time(distributed),
            "paymentControlEnabled": True,
            "information": None,
            "updatedAt": _time(distributed),
        },
        "timeline": [
            {"type": kind, "occurredAt": _time(distributed + timedelta(days=days))}
            for kind, days in (("DISTRIBUTED", 0), ("REMINDED", 35))
        ],
    }


def _make_payment(invoice: Mapping[str, Any], currency: str, opened: datetime) -> dict[str, Any]:
    day = opened + timedelta(days=10)
    return {
        "invoiceNumber": invoice["invoiceNumber"],
        "createdAt": _time(day),
        "bankPaymentDate": f"{day:%Y-%m-%d}",
        "allocatedAt": _time(day + timedelta(hours=5)),
        "amount": invoice["capitalPaid"],
        "currency": currency,
        "description": "Payment from Erika Example",
        "method": "BANKGIRO",
        "status": "ALLOCATED",
    }


def _make_balance(capital: Decimal, paid: Decimal, interest: Decimal, costs: Decimal) -> dict[str, Any]:
    return {
        "capitalAmount": capital,
        "interestAmount": interest,
        "costsAmount": costs,
        "capitalPaid": paid,
        "interestPaid": Decimal(0),
        "costsPaid": Decimal(0),
        "capitalOutstanding": capital - paid,
        "interestOutstanding": interest,
        "costsOutstanding": costs,
        "totalOutstanding": capital - paid + interest + costs,
        "asOf": "2026-11-20T22:00:00.000Z",
    }


def _time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"
