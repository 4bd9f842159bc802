"""The Customer API: each of its operations."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from importer.sandbox.accounts import tell_signing_url
from importer.sandbox.answers import Answer, answer
from importer.sandbox.cases import Cases
from importer.sandbox.creating import Creation, read_body
from importer.sandbox.documents import describe_account, describe_agreement
from importer.sandbox.preview import preview

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.routing import Route

    from importer.sandbox.accounts import Caller
    from importer.sandbox.gate import Gate


class Customer:
    """The operations on the cases of creditors."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self._ledger = gate.ledger
        self._cases = Cases(gate, Creation(gate.ledger, gate.clock, gate.outbox))

    def routes(self) -> list[Route]:
        """List the paths, and what answers each."""
        route, asked, cases = self._gate.route, self._gate.asked, self._cases
        by_reference = "/cases/by-creditor-reference"
        return [
            route("/me", self._tell_account),
            route("/contracts/debt-collection/status", self._tell_agreement),
            route("/cases", cases.create, "POST"),
            route("/cases", asked(cases.list)),
            route("/cases/preview", asked(self._preview), "POST"),
            route(by_reference, asked(cases.find_by_creditor_reference)),
            route(f"{by_reference}/", asked(cases.find_by_creditor_reference)),
            route(f"{by_reference}/{{value}}", asked(cases.find_by_creditor_reference)),
            route("/cases/case-reference/{value}", asked(cases.find_by_reference)),
            route("/cases/{value}", asked(cases.find)),
        ]

    async def _preview(self, request: Request, caller: Caller) -> Answer:
        body = read_body(await request.body())
        if isinstance(body, Answer):
            return body
        today = datetime.fromtimestamp(self._gate.clock(), UTC).date()
        return preview(body, caller, today, tell_signing_url(self._ledger.name_account(caller.account)))

    async def _tell_account(self, _: Request, caller: Caller) -> Answer:
        return answer(describe_account(caller.account, self._ledger.name_account(caller.account)))

    async def _tell_agreement(self, _: Request, caller: Caller) -> Answer:
        return answer(describe_agreement(caller.account))
