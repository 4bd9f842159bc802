"""The operations that change a case: those of the API for test cases, and one of the sandbox's own for any case.

Source: https://docs.debitura.com/developer-concepts/test-cases
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from importer.sandbox.answers import Answer, answer, refuse
from importer.sandbox.creating import read_body
from importer.sandbox.lifecycle import FEES, NO_PAYMENT, PAID, Story, find_lifecycle
from importer.sandbox.rules import is_uuid, read_number, read_text

if TYPE_CHECKING:
    from decimal import Decimal

    from starlette.requests import Request
    from starlette.routing import Route

    from importer.sandbox.accounts import Caller
    from importer.sandbox.gate import Gate
    from importer.sandbox.lifecycle import Document, Tell

_CLOSINGS: Final = {"Closed:Paid": PAID, "Closed:NoPayment": NO_PAYMENT}
_STATES: Final = {code: state for state, code in _CLOSINGS.items()}
_TO_BE_VERIFIED: Final = ("PendingVerification", "PendingVerificationInternal")


class Changing:
    """The operations that change cases.

    Args:
        gate: What the APIs share.
        tell: As for `Story`.
    """

    def __init__(self, gate: Gate, tell: Tell = lambda _happening: None) -> None:
        self._gate = gate
        self._ledger = gate.ledger
        self._story = Story(gate.ledger, gate.clock, tell)

    def routes(self) -> list[Route]:
        """List the paths, and what answers each."""
        route = self._gate.route
        return [
            route("/test/cases/{value}/advance", self._advance, "POST"),
            route("/sandbox/cases/{value}", self._order, "POST"),
            route("/cases/{value}/payments", self._list_payments),
        ]

    async def _advance(self, request: Request, caller: Caller) -> Answer:
        body = read_body(await request.body())
        if isinstance(body, Answer):
            return body
        with self._ledger.transaction():
            case = self._find(request, caller)
            return case if isinstance(case, Answer) else self._advance_case(caller.account, case, body)

    def _advance_case(self, account: str, case: Document, body: Document) -> Answer:
        to, amount = read_text(body.get("to")), read_number(body.get("amount"))
        state = _tell_state(case)
        if reason := _why_not(case, state, to, paid=bool(amount and amount > 0)):
            return _refuse(reason)
        if state == to or (to == "Active" and case["lifecycle"] == "Closed"):
            return answer({"advanced": False, "state": state})
        self._story.move(account, case, "Active")
        if to in _CLOSINGS:
            if amount and to == "Closed:Paid":
                self._story.pay(account, case, amount)
            self._story.move(account, case, "Closed", _CLOSINGS[to])
        return answer({"advanced": True, "state": to})

    async def _order(self, request: Request, caller: Caller) -> Answer:
        """Change any case as its body says, the members of which may be left out; answer with the case."""
        body = read_body(await request.body())
        if isinstance(body, Answer):
            return body
        with self._ledger.transaction():
            case = self._find(request, caller)
            return case if isinstance(case, Answer) else self._order_change(caller.account, case, body)

    def _order_change(self, account: str, case: Document, body: Document) -> Answer:
        lifecycle = find_lifecycle(read_text(body.get("lifecycle")))
        if "lifecycle" in body and lifecycle is None:
            return _refuse(f"'{body['lifecycle']}' is no lifecycle.")
        amounts: dict[str, Decimal] = {}
        for name in ("payment", *FEES):
            if name in body:
                amount = read_number(body[name])
                if amount is None or amount < 0:
                    return _refuse(f"{name} must be 0 or more.")
                amounts[name] = amount
        payment = amounts.pop("payment", None)
        if amounts:
            self._story.charge(case, amounts)
        if payment:
            self._story.pay(account, case, payment)
        if lifecycle:
            self._story.move(account, case, lifecycle, read_text(body.get("closeCode")) or None)
        return answer(case)

    async def _list_payments(self, request: Request, caller: Caller) -> Answer:
        case = self._find(request, caller)
        if isinstance(case, Answer):
            return case
        return Answer(200, b"[" + b",".join(self._ledger.payments(case["id"])) + b"]")

    def _find(self, request: Request, caller: Caller) -> Document | Answer:
        value = request.path_params["value"]
        case = self._story.read(caller.account, value) if is_uuid(value) else None
        return case or refuse(404, "NotFound", "Case not found.")


def _tell_state(case: Document) -> str:
    if case["lifecycle"] != "Closed":
        return str(case["lifecycle"])
    return _STATES.get(case["closeCode"], "Closed")


def _why_not(case: Document, state: str, to: str, *, paid: bool) -> str:
    """Say what keeps the case from the state *to*; blank where nothing does, or where it is there already."""
    if to != "Active" and to not in _CLOSINGS:
        return f"'{to}' is no target state; use Active, Closed:Paid or Closed:NoPayment."
    if not case["isTestCase"]:
        return "Only test cases can be advanced."
    if to == "Closed:Paid" and not paid:
        return "Closed:Paid needs a positive amount."
    if case["lifecycle"] == "Closed":
        return "" if to in ("Active", state) else f"The case is closed already, as {state}."
    if case["lifecycle"] not in (*_TO_BE_VERIFIED, "Active"):
        return f"A case that is {case['lifecycle']} cannot be advanced."
    return ""


def _refuse(message: str) -> Answer:
    return refuse(400, "InvalidRequest", message)
