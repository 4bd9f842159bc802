"""The Customer API: each of its operations."""

from __future__ import annotations

import asyncio
import math
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from importer.sandbox.accounts import tell_signing_url
from importer.sandbox.answers import Answer, answer, refuse, tell_problem
from importer.sandbox.creating import LONGEST_KEY, Creation, read_body
from importer.sandbox.documents import describe_account, describe_agreement
from importer.sandbox.gate import hang
from importer.sandbox.mishaps import answer_in_place_of_answer, answer_in_place_of_work
from importer.sandbox.paging import BadQueryError, read_query
from importer.sandbox.preview import preview
from importer.sandbox.rules import is_uuid

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route

    from importer.sandbox.accounts import Caller
    from importer.sandbox.faults import Fault
    from importer.sandbox.gate import Gate


class Customer:
    """The operations on the cases of creditors."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self._ledger = gate.ledger
        self._creation = Creation(gate.ledger, gate.clock)
        self._in_flight: set[tuple[str, str]] = set()

    def routes(self) -> list[Route]:
        """List the paths, and what answers each."""
        route, asked = self._gate.route, self._gate.asked
        by_reference = "/cases/by-creditor-reference"
        return [
            route("/me", self._tell_account),
            route("/contracts/debt-collection/status", self._tell_agreement),
            route("/cases", self._create, "POST"),
            route("/cases", asked(self._list)),
            route("/cases/preview", self._preview, "POST"),
            route(by_reference, asked(self._find_by_creditor_reference)),
            route(f"{by_reference}/", asked(self._find_by_creditor_reference)),
            route(f"{by_reference}/{{value}}", asked(self._find_by_creditor_reference)),
            route("/cases/case-reference/{value}", asked(self._find_by_reference)),
            route("/cases/{value}", asked(self._find)),
        ]

    async def _create(self, request: Request, caller: Caller) -> Answer | Response:
        if not _is_json(request.headers.get("content-type", "")):
            return tell_problem(415)
        key = request.headers.get("idempotency-key")
        if key is not None and not (key.strip() and len(key) <= LONGEST_KEY):
            message = f"The Idempotency-Key must have between 1 and {LONGEST_KEY} characters."
            return refuse(400, "InvalidIdempotencyKey", message)
        body = await request.body()
        fate = self._gate.faults.befall("create")
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
            await hang(fate, "hang-before")
            result = self._creation.create(caller, body, key, fate)
            await asyncio.sleep(self._gate.settings.latency)
            await hang(fate, "hang-after")
        finally:
            self._in_flight.discard(claim)
        return result

    async def _preview(self, request: Request, caller: Caller) -> Answer:
        body = read_body(await request.body())
        if isinstance(body, Answer):
            return body
        today = datetime.fromtimestamp(self._gate.clock(), UTC).date()
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


def _is_json(content_type: str) -> bool:
    media = content_type.partition(";")[0].strip().lower()
    return media in {"application/json", "text/json"} or (media.startswith("application/") and media.endswith("+json"))
