"""The operations on cases that several APIs have in common: making one, listing them, looking one up."""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING

from importer.sandbox.answers import Answer, answer, refuse, tell_problem
from importer.sandbox.creating import LONGEST_KEY
from importer.sandbox.gate import hang
from importer.sandbox.mishaps import answer_in_place_of_answer, answer_in_place_of_work
from importer.sandbox.paging import BadQueryError, read_query
from importer.sandbox.rules import is_uuid

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request
    from starlette.responses import Response

    from importer.sandbox.accounts import Caller
    from importer.sandbox.creating import Creation
    from importer.sandbox.faults import Fault
    from importer.sandbox.gate import Gate


class Cases:
    """The cases of the accounts that call, made by one kind of *creation*."""

    def __init__(self, gate: Gate, creation: Creation) -> None:
        self._gate = gate
        self._ledger = gate.ledger
        self._creation = creation
        self._in_flight: set[tuple[str, str]] = set()

    async def create(self, request: Request, caller: Caller) -> Answer | Response:
        """Make one, or say why not; once for each idempotency key."""
        if not _is_json(request.headers.get("content-type", "")):
            return tell_problem(415)
        key = request.headers.get("idempotency-key")
        if key is not None and not (key.strip() and len(key) <= LONGEST_KEY):
            message = f"The Idempotency-Key must have between 1 and {LONGEST_KEY} characters."
            return refuse(400, "InvalidIdempotencyKey", message)
        body = await request.body()
        fate = self._gate.befall("create", request)
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

    async def list(self, request: Request, caller: Caller) -> Answer:
        """Answer a page of them."""
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

    async def find(self, request: Request, caller: Caller) -> Answer:
        """Answer the one whose id it is."""
        value = request.path_params["value"].lower()
        return self._look_up(caller, "id", value) if is_uuid(value) else refuse(400, "InvalidId", "The id is no UUID.")

    async def find_by_reference(self, request: Request, caller: Caller) -> Answer:
        """Answer the one that has this reference of Debitura's."""
        return self._look_up(caller, "reference", request.path_params["value"])

    async def find_by_creditor_reference(self, request: Request, caller: Caller) -> Answer:
        """Answer the one that has this reference of the creditor's."""
        value = request.path_params.get("value", "")
        if not value.strip():
            return refuse(400, "MissingReference", "The creditor reference is missing or empty.")
        return self._look_up(caller, "creditor_reference", value)

    def _look_up(self, caller: Caller, column: str, value: str) -> Answer:
        document = self._ledger.find(caller.account, column, value)
        return Answer(200, document) if document else refuse(404, "NotFound", "Case not found.")


def _is_json(content_type: str) -> bool:
    media = content_type.partition(";")[0].strip().lower()
    return media in {"application/json", "text/json"} or (media.startswith("application/") and media.endswith("+json"))
