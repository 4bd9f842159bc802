"""The Customer API as a Starlette application: each operation, behind the limits and the keys."""

from __future__ import annotations

import asyncio
import math
from datetime import UTC, datetime
from email.utils import formatdate
from typing import TYPE_CHECKING, Final
from uuid import uuid4

from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Route

from importer.sandbox.accounts import FORBIDDEN, Caller, identify, tell_signing_url
from importer.sandbox.answers import Answer, answer, refuse, tell_problem, throttle
from importer.sandbox.creating import LONGEST_KEY, Creation, read_body
from importer.sandbox.documents import describe_account, describe_agreement
from importer.sandbox.faults import Faults
from importer.sandbox.mishaps import CRASH, answer_in_place_of_answer, answer_in_place_of_work
from importer.sandbox.paging import BadQueryError, read_query
from importer.sandbox.preview import preview
from importer.sandbox.rules import is_uuid
from importer.sandbox.windows import Windows

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from starlette.requests import Request
    from starlette.types import Message, Receive, Scope, Send

    from importer.sandbox.faults import Fault
    from importer.sandbox.settings import Settings
    from importer.sandbox.store import Ledger

    Operation = Callable[[Request, Caller], Awaitable[Answer | Response]]

SAVE_EVERY: Final = 1.0  # seconds; what a killed sandbox forgets of its counts
KEYLESS: Final = ""  # all callers without a valid key share one window


class Api:
    """All operations on one ledger: what a server runs."""

    def __init__(self, ledger: Ledger, settings: Settings, clock: Callable[[], float]) -> None:
        self._ledger = ledger
        self._settings = settings
        self._clock = clock  # seconds since the epoch
        self._windows = Windows(settings, ledger.load_windows())
        self._saved = clock()
        self._faults = Faults(settings.faults, settings.seed)
        self._creation = Creation(ledger, clock)
        self._in_flight: set[tuple[str, str]] = set()
        by_reference = "/cases/by-creditor-reference"
        self._app = Starlette(
            routes=[
                self._route("/me", self._tell_account),
                self._route("/contracts/debt-collection/status", self._tell_agreement),
                self._route("/cases", self._create, "POST"),
                self._route("/cases", self._asked(self._list)),
                self._route("/cases/preview", self._preview, "POST"),
                self._route(by_reference, self._asked(self._find_by_creditor_reference)),
                self._route(f"{by_reference}/", self._asked(self._find_by_creditor_reference)),
                self._route(f"{by_reference}/{{value}}", self._asked(self._find_by_creditor_reference)),
                self._route("/cases/case-reference/{value}", self._asked(self._find_by_reference)),
                self._route("/cases/{value}", self._asked(self._find)),
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

    def save(self) -> None:
        """Keep the windows for the next sandbox on this file."""
        self._saved = self._clock()
        self._ledger.save_windows(self._windows.spent)

    def _route(self, path: str, operation: Operation, method: str = "GET") -> Route:
        async def serve(request: Request) -> Response:
            result = await self._admit(request, operation)
            if isinstance(result, Response):
                return result
            return Response(result.body, result.status, result.headers, result.media)

        return Route(path, serve, methods=[method])

    def _asked(self, operation: Operation) -> Operation:
        """Let the faults of look-ups befall an operation."""

        async def ask(request: Request, caller: Caller) -> Answer | Response:
            fate = self._faults.befall("ask")
            await _hang(fate, "lookups-hang")
            return answer_in_place_of_work(fate) or await operation(request, caller)

        return ask

    async def _admit(self, request: Request, operation: Operation) -> Answer | Response:
        caller = identify(request.headers)
        now = self._clock()
        wait = self._windows.admit(caller.key if caller else KEYLESS, now)
        if abs(now - self._saved) >= SAVE_EVERY:
            self.save()
        if wait:
            return throttle(wait)
        if caller is None:
            return tell_problem(401, "A valid API key or bearer token is required.")
        if caller.account == FORBIDDEN:
            return tell_problem(403, "This key may not do this.")
        return await operation(request, caller)

    async def _create(self, request: Request, caller: Caller) -> Answer | Response:
        if not _is_json(request.headers.get("content-type", "")):
            return tell_problem(415)
        key = request.headers.get("idempotency-key")
        if key is not None and not (key.strip() and len(key) <= LONGEST_KEY):
            message = f"The Idempotency-Key must have between 1 and {LONGEST_KEY} characters."
            return refuse(400, "InvalidIdempotencyKey", message)
        body = await request.body()
        fate = self._faults.befall("create")
        if early := answer_in_place_of_work(fate):
            return early
        return answer_in_place_of_answer(
            fate, await self._work(caller, body, None if "key-ignored" in fate else key, fate)
        )

    async def _work(self, caller: Caller, body: bytes, key: str | None, fate: Mapping[str, Fault]) -> Answer:
        claim = (caller.account, key) if key else None
        if claim in self._in_flight:
            return refuse(409, "IdempotencyInFlight", "A request with this Idempotency-Key is still being processed.")
        if claim:
            self._in_flight.add(claim)
        try:
            await _hang(fate, "hang-before")
            result = self._creation.create(caller, body, key, fate)
            await asyncio.sleep(self._settings.latency)
            await _hang(fate, "hang-after")
        finally:
            self._in_flight.discard(claim)
        return result

    async def _preview(self, request: Request, caller: Caller) -> Answer:
        body = read_body(await request.body())
        if isinstance(body, Answer):
            return body
        today = datetime.fromtimestamp(self._clock(), UTC).date()
        return preview(body, caller, today, tell_signing_url(self._ledger.name_account(caller.account)))

    async def _list(self, request: Request, caller: Caller) -> Answer:
        try:
            asked = read_query(request.query_params.multi_items())
        except BadQueryError as error:
            return refuse(400, "InvalidQuery", str(error))
        total, documents = self._ledger.list_page(
            caller.account, asked.filters, asked.order, asked.size, (asked.page - 1) * asked.size
        )
        page = answer(
            {
                "totalResults": total,
                "pageSize": asked.size,
                "currentPage": asked.page,
                "responseCount": len(documents),
                "totalPages": math.ceil(total / asked.size),
            }
        )
        return Answer(200, b'{"page":' + page.body + b',"cases":[' + b",".join(documents) + b"]}")

    async def _find(self, request: Request, caller: Caller) -> Answer:
        value = request.path_params["value"].lower()
        return self._look_up(caller, "id", value) if is_uuid(value) else refuse(400, "InvalidId", "The id is no UUID.")

    async def _find_by_reference(self, request: Request, caller: Caller) -> Answer:
        return self._look_up(caller, "reference", request.path_params["value"])

    async def _find_by_creditor_reference(self, request: Request, caller: Caller) -> Answer:
        value = request.path_params.get("value", "")
        if not value.strip():
            return refuse(400, "MissingReference", "The creditor reference is missing or empty.")
        return self._look_up(caller, "creditor_reference", value)

    def _look_up(self, caller: Caller, column: str, value: str) -> Answer:
        document = self._ledger.find(caller.account, column, value)
        return Answer(200, document) if document else refuse(404, "NotFound", "Case not found.")

    async def _tell_account(self, _: Request, caller: Caller) -> Answer:
        return answer(describe_account(caller.account, self._ledger.name_account(caller.account)))

    async def _tell_agreement(self, _: Request, caller: Caller) -> Answer:
        return answer(describe_agreement(caller.account))


async def _hang(fate: Mapping[str, Fault], name: str) -> None:
    if name in fate:
        await asyncio.sleep(fate[name].seconds)


def _is_json(content_type: str) -> bool:
    media = content_type.partition(";")[0].strip().lower()
    return media in {"application/json", "text/json"} or (media.startswith("application/") and media.endswith("+json"))


async def _answer_unrouted(_: Request, error: Exception) -> Response:
    """Answer what no operation matches as the real server does: with a status and nothing else."""
    return Response(status_code=error.status_code if isinstance(error, HTTPException) else 404)


async def _answer_crash(_: Request, __: Exception) -> Response:
    return Response(CRASH.body, CRASH.status, media_type=CRASH.media)
