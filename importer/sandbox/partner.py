"""The Collection Partner API: who calls, and the cases that a partner manages for clients.

Source: https://docs.debitura.com/collection-partners/concepts/managed-cases
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from importer.sandbox.accounts import identify
from importer.sandbox.answers import Answer, answer
from importer.sandbox.cases import Cases
from importer.sandbox.documents import describe_account
from importer.sandbox.managed import ManagedCreation
from importer.sandbox.webhooks import Webhooks

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route

    from importer.sandbox.accounts import Caller
    from importer.sandbox.gate import Gate, Operation
    from importer.sandbox.sender import Sender


class Partner:
    """The operations of collection partners."""

    def __init__(self, gate: Gate, sender: Sender) -> None:
        self._gate = gate
        self._webhooks = Webhooks(gate, sender, "partner", identify_partner, name_manager)
        self._managed = Cases(gate, ManagedCreation(gate.ledger, gate.clock, gate.outbox))

    def routes(self) -> list[Route]:
        """List the paths below the API's prefix, and what answers each."""
        asked, managed = self._gate.asked, self._managed
        by_reference = "/managed-cases/case-reference/{value}"
        return [
            self._route("/me", self._tell_account),
            self._route("/managed-cases", _as_manager(managed.create), "POST"),
            self._route("/managed-cases", _as_manager(asked(managed.list))),
            self._route(by_reference, _as_manager(asked(managed.find_by_reference))),
            self._route("/managed-cases/{value}", _as_manager(asked(managed.find))),
            *self._webhooks.routes(),
        ]

    def _route(self, path: str, operation: Operation, method: str = "GET") -> Route:
        return self._gate.route(path, operation, method, identify=identify_partner)

    async def _tell_account(self, _: Request, caller: Caller) -> Answer:
        account = describe_account(caller.account, self._gate.ledger.name_account(caller.account))
        return answer(account | {"companyName": f"Invented Collectors ({caller.account})"})


def identify_partner(headers: Mapping[str, str]) -> Caller | None:
    """Return who sent a request with *headers*; None where there is no API key: partners have no bearer tokens."""
    caller = identify(headers)
    return None if caller is None or caller.bearer else caller


def name_manager(account: str) -> str:
    """Name the account that has the cases which *account* manages."""
    return f"{account}:managed"


def _as_manager(operation: Operation) -> Operation:
    """Keep the cases that an account manages apart from its own: neither API shows the other's."""

    async def operate(request: Request, caller: Caller) -> Answer | Response:
        return await operation(request, replace(caller, account=name_manager(caller.account)))

    return operate
