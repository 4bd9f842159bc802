"""Chats of a case, as the API has them; and what only the sandbox can be told to do: to delete a payment.

Source: https://docs.debitura.com/openapi/customer-api.json
"""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

from importer.sandbox.answers import ENCODER, Answer, answer, refuse
from importer.sandbox.creating import read_body
from importer.sandbox.outbox import describe_payment
from importer.sandbox.rules import is_uuid, read_text

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.routing import Route

    from importer.sandbox.accounts import Caller
    from importer.sandbox.gate import Gate

LONGEST: Final = 10_000  # characters of a message
CREDITOR: Final = (1, "Creditor")  # a role and its label; the API does not publish which number is whose

_TABLE: Final = (
    "CREATE TABLE IF NOT EXISTS chats (number INTEGER PRIMARY KEY, case_id TEXT NOT NULL, document BLOB NOT NULL)"
)


class Talking:
    """The operations on chats, and the one that deletes a payment."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self._ledger = gate.ledger
        self._outbox = gate.outbox
        self._ledger.execute(_TABLE)

    def routes(self) -> list[Route]:
        """List the paths, and what answers each."""
        route = self._gate.route
        return [
            route("/cases/{value}/chats", self._list),
            route("/cases/{value}/chats", self._say, "POST"),
            route("/sandbox/cases/{value}/payments/{payment}", self._delete_payment, "DELETE"),
        ]

    async def _list(self, request: Request, caller: Caller) -> Answer:
        case = self._find(request, caller)
        if case is None:
            return _lost()
        found = self._ledger.execute("SELECT document FROM chats WHERE case_id = ? ORDER BY number", (case["id"],))
        return Answer(200, b"[" + b",".join(row["document"] for row in found) + b"]")

    async def _say(self, request: Request, caller: Caller) -> Answer:
        body = read_body(await request.body())
        case = self._find(request, caller)
        if isinstance(body, Answer) or case is None:
            return body if isinstance(body, Answer) else _lost()
        message, email = read_text(body.get("message")), read_text(body.get("userEmail"))
        if not message.strip() or len(message) > LONGEST:
            return refuse(400, "InvalidMessage", f"The message must have between 1 and {LONGEST} characters.")
        if not email and not body.get("userId"):
            return refuse(400, "MissingUserIdentifier", "Either UserEmail or UserId must be provided.")
        chat: dict[str, Any] = {
            "id": str(uuid4()),
            "dateCreated": self._outbox.now(),
            "dateUpdated": None,
            "role": CREDITOR[0],
            "roleLabel": CREDITOR[1],
            "message": message,
            "isSeen": False,
            "user": {"email": email or "colleague@creditor.example"},
        }
        with self._ledger.transaction():
            self._ledger.execute(
                "INSERT INTO chats (case_id, document) VALUES (?, ?)", (case["id"], ENCODER.encode(chat))
            )
            details = {"chatId": chat["id"], "message": message}
            self._outbox.put("customer", caller.account, "chat.created", case, details)
        return answer(chat)

    async def _delete_payment(self, request: Request, caller: Caller) -> Answer:
        case = self._find(request, caller)
        payments = [json.loads(one, parse_float=Decimal) for one in self._ledger.payments(case["id"])] if case else []
        name = request.path_params["payment"].lower()
        payment = next((one for one in payments if one["id"] == name), None)
        if case is None or payment is None:
            return _lost()
        amount = Decimal(payment["grossAmount"])
        case["remainder"] += amount
        case["allocationOutstanding"]["principal"] += amount
        with self._ledger.transaction():
            self._ledger.execute("DELETE FROM payments WHERE id = ?", (name,))
            self._ledger.change(case["id"], case["lifecycle"], ENCODER.encode(case))
            self._outbox.put("customer", caller.account, "payment.deleted", case, describe_payment(payment))
        return Answer(204, b"")

    def _find(self, request: Request, caller: Caller) -> dict[str, Any] | None:
        value = request.path_params["value"].lower()
        found = self._ledger.find(caller.account, "id", value) if is_uuid(value) else None
        return json.loads(found, parse_float=Decimal) if found else None


def _lost() -> Answer:
    return refuse(404, "NotFound", "There is no such case, or no such payment of it.")
