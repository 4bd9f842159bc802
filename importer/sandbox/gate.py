"""What every request passes on its way to an operation: the limits, the keys, the faults."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, Literal

from starlette.responses import Response
from starlette.routing import Route

from importer.sandbox.accounts import FORBIDDEN, Caller, identify, read_token
from importer.sandbox.answers import Answer, tell_problem, throttle
from importer.sandbox.faults import Faults
from importer.sandbox.mishaps import answer_in_place_of_work
from importer.sandbox.outbox import Outbox
from importer.sandbox.tokens import Tokens
from importer.sandbox.windows import Windows

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from starlette.requests import Request

    from importer.sandbox.faults import Fault
    from importer.sandbox.settings import Settings
    from importer.sandbox.store import Ledger

    Operation = Callable[[Request, Caller], Awaitable[Answer | Response]]
    Identify = Callable[[Mapping[str, str]], Caller | None]

SAVE_EVERY: Final = 1.0  # seconds; what a killed sandbox forgets of its counts
KEYLESS: Final = ""  # all callers without a valid key share one window


class Gate:
    """What the APIs of one sandbox share.

    Attributes:
        ledger: Where everything is kept.
        settings: How the sandbox behaves.
        clock: The APIs' own, seconds since the epoch.
        faults: What goes wrong, and when.
        outbox: What webhooks are told.
        tokens: Of clients that partners send for.
    """

    def __init__(self, ledger: Ledger, settings: Settings, clock: Callable[[], float]) -> None:
        self.ledger = ledger
        self.settings = settings
        self.clock = clock
        self.faults = Faults(settings.faults, settings.seed)
        self.outbox = Outbox(ledger, clock, settings.webhook_speed)
        self.tokens = Tokens(ledger, clock, self.faults)
        self._windows = Windows(settings, ledger.load_windows())
        self._saved = clock()

    def save(self) -> None:
        """Keep the windows for the next sandbox on this file."""
        self._saved = self.clock()
        self.ledger.save_windows(self._windows.spent)

    def route(self, path: str, operation: Operation, method: str = "GET", *, identify: Identify | None = None) -> Route:
        """Let callers whom *identify* knows to *operation*, within the limits; by default creditors."""

        async def serve(request: Request) -> Response:
            result = await self._admit(request, operation, identify or self._identify)
            if isinstance(result, Response):
                return result
            return Response(result.body, result.status, result.headers, result.media)

        return Route(path, serve, methods=[method])

    def _identify(self, headers: Mapping[str, str]) -> Caller | None:
        token = read_token(headers)
        return (self.tokens.identify(token) if token else None) or identify(headers)

    def befall(self, victim: Literal["create", "ask"], request: Request) -> Mapping[str, Fault]:
        """Count a request of a creditor, and return what befalls it, by name."""
        token = read_token(request.headers)
        fate = self.faults.befall(victim, bearer=bool(token) and self.tokens.identify(token) is not None)
        if "revoke-token" in fate:
            self.tokens.revoke(token)
        return fate

    def asked(self, operation: Operation) -> Operation:
        """Let the faults of look-ups befall *operation*."""

        async def ask(request: Request, caller: Caller) -> Answer | Response:
            fate = self.befall("ask", request)
            await hang(fate, "lookups-hang")
            return answer_in_place_of_work(fate) or await operation(request, caller)

        return ask

    async def _admit(self, request: Request, operation: Operation, identify: Identify) -> Answer | Response:
        caller = identify(request.headers)
        now = self.clock()
        wait = self._windows.admit(caller.key if caller else KEYLESS, now)
        if abs(now - self._saved) >= SAVE_EVERY:
            self.save()
        if wait:
            return throttle(wait)
        if caller is None:
            return tell_problem(401, "A valid API key or bearer token is required.")
        if caller.trait == FORBIDDEN:
            return tell_problem(403, "This key may not do this.")
        return await operation(request, caller)


async def hang(fate: Mapping[str, Fault], name: str) -> None:
    """Keep a request waiting if the fault *name* is in its *fate*."""
    if name in fate:
        await asyncio.sleep(fate[name].seconds)
