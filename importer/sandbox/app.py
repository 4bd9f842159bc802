"""The APIs as one Starlette application: the Customer API at the root, each other one below a prefix of its own."""

from __future__ import annotations

from email.utils import formatdate
from functools import partial
from typing import TYPE_CHECKING
from uuid import uuid4

from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Mount, Router

from importer.sandbox import PREFIXES
from importer.sandbox.changing import Changing
from importer.sandbox.confirma import Confirma
from importer.sandbox.customer import Customer
from importer.sandbox.gate import Gate
from importer.sandbox.mishaps import CRASH
from importer.sandbox.partner import Partner
from importer.sandbox.partner_cases import PartnerCases
from importer.sandbox.referral import Referral
from importer.sandbox.sender import Sender
from importer.sandbox.talking import Talking
from importer.sandbox.webhooks import Webhooks

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from starlette.requests import Request
    from starlette.routing import BaseRoute
    from starlette.types import Message, Receive, Scope, Send

    from importer.sandbox.settings import Settings
    from importer.sandbox.store import Ledger


class Apis:
    """All operations on one ledger: what a server runs."""

    def __init__(self, ledger: Ledger, settings: Settings, clock: Callable[[], float]) -> None:
        self._clock = clock  # seconds since the epoch
        gate = Gate(ledger, settings, clock)
        self.save = gate.save
        self.sender = Sender(gate.outbox)
        self._app = Starlette(
            routes=[
                *Customer(gate).routes(),
                *Changing(gate, partial(gate.outbox.tell, "customer")).routes(),
                *Talking(gate).routes(),
                *Webhooks(gate, self.sender).routes(),
                _below("partner", [*Partner(gate, self.sender).routes(), *PartnerCases(gate).routes()]),
                _below("confirma", Confirma(gate).routes()),
                _below("referral", Referral(gate).routes()),
            ],
            exception_handlers={HTTPException: _answer_unrouted, Exception: _answer_crash},
        )
        self._app.router.redirect_slashes = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; every answer tells the API's time, and the request's id."""

        async def dated(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["date"] = formatdate(self._clock(), usegmt=True)
                headers["x-request-id"] = uuid4().hex
            await send(message)

        await self._app(scope, receive, dated)


def _below(api: str, routes: Sequence[BaseRoute]) -> Mount:
    return Mount(PREFIXES[api], app=Router(routes, redirect_slashes=False))


async def _answer_unrouted(_: Request, error: Exception) -> Response:
    """Answer what no operation matches as the real server does: with a status and nothing else."""
    return Response(status_code=error.status_code if isinstance(error, HTTPException) else 404)


async def _answer_crash(_: Request, __: Exception) -> Response:
    return Response(CRASH.body, CRASH.status, media_type=CRASH.media)
