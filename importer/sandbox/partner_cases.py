"""The Collection Partner API: the cases that a partner collects, their start, and its own reference on each.

Source: https://docs.debitura.com/openapi/collection-partner-api.json
"""

from __future__ import annotations

import asyncio
import math
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Final

from importer.sandbox.answers import Answer, answer, refuse, refuse_fields
from importer.sandbox.assigned import WAITING, Assigned, creditor_of
from importer.sandbox.creating import read_body
from importer.sandbox.gate import hang
from importer.sandbox.mishaps import answer_in_place_of_answer, answer_in_place_of_work
from importer.sandbox.paging import BadQueryError, read_query
from importer.sandbox.partner import identify_partner
from importer.sandbox.rules import is_uuid, read_number, read_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route

    from importer.sandbox.accounts import Caller
    from importer.sandbox.gate import Gate

TEAM: Final = ("agent@collectors.example", "lead@collectors.example")
LONGEST_REFERENCE: Final = 128  # characters
LONGEST_MESSAGE: Final = 5000  # characters
MOST_REFERENCES: Final = 100  # of one look-up
FEES: Final = ("interestFees", "reminderFees", "collectionFees")
TOLD: Final = "collectionPartnerReference"


class PartnerCases:
    """The operations on the cases of collection partners."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self._ledger = gate.ledger
        self._assigned = Assigned(gate.ledger, tells_reference=bool(gate.settings.reference_path))

    def routes(self) -> list[Route]:
        """List the paths, and what answers each."""
        route, asked = partial(self._gate.route, identify=identify_partner), self._gate.asked
        by_reference = "/cases/by-partner-reference"
        unpublished = self._gate.settings.reference_path.split()
        return [
            route("/users", self._tell_team),
            route("/cases", asked(self._list)),
            route(by_reference, asked(self._find_by_partner_references)),
            route(f"{by_reference}/{{value}}", asked(self._find_by_partner_reference)),
            route("/cases/by-creditor-reference", asked(self._find_by_creditor_reference)),
            route("/cases/case-reference/{value}", asked(self._find_by_reference)),
            route("/cases/{value}", asked(self._find)),
            route("/cases/{id}/start", self._start, "POST"),
            *([route(unpublished[1], self._change, unpublished[0])] if unpublished else []),
        ]

    async def _tell_team(self, _: Request, __: Caller) -> Answer:
        return answer([{"id": self._ledger.name_account(email), "email": email} for email in TEAM])

    async def _list(self, request: Request, caller: Caller) -> Answer:
        try:
            asked = read_query(request.query_params.multi_items())
        except BadQueryError as error:
            return refuse(400, "InvalidQuery", str(error))
        offset = (asked.page - 1) * asked.size
        filters = {f"cases.{column}": values for column, values in asked.filters.items()}
        total, cases = self._assigned.page(caller.account, filters, asked.order, asked.size, offset)
        page = {
            "totalResults": total,
            "pageSize": asked.size,
            "currentPage": asked.page,
            "responseCount": len(cases),
            "totalPages": math.ceil(total / asked.size),
        }
        return answer({"page": page, "cases": cases})

    async def _find(self, request: Request, caller: Caller) -> Answer:
        value = request.path_params["value"].lower()
        if not is_uuid(value):
            return refuse(400, "InvalidId", "The id is no UUID.")
        return self._look_up(caller, "cases.id", value)

    async def _find_by_reference(self, request: Request, caller: Caller) -> Answer:
        return self._look_up(caller, "cases.reference", request.path_params["value"])

    async def _find_by_partner_reference(self, request: Request, caller: Caller) -> Answer:
        return self._look_up(caller, "partner_references.reference", request.path_params["value"].strip())

    async def _find_by_partner_references(self, request: Request, caller: Caller) -> Answer:
        given = request.query_params.get("references", "").split(",")
        wanted = [text.strip() for text in given if text.strip()]
        if not 1 <= len(wanted) <= MOST_REFERENCES:
            message = f"The parameter references takes between 1 and {MOST_REFERENCES} references."
            return refuse(400, "InvalidReferences", message)
        column = "partner_references.reference"
        found = ((text, self._assigned.find(caller.account, column, text)) for text in dict.fromkeys(wanted))
        return answer({text: case for text, case in found if case})

    async def _find_by_creditor_reference(self, request: Request, caller: Caller) -> Answer:
        reference, creditor = (request.query_params.get(name, "") for name in ("reference", "creditorId"))
        if not (reference.strip() and creditor.strip()):
            return refuse(400, "MissingReference", "Both reference and creditorId are needed.")
        found = self._assigned.select(caller.account, {"cases.creditor_reference": [reference]})
        case = next((case for case in found if creditor_of(case) == creditor.lower()), None)
        return answer(case) if case else refuse(404, "NotFound", "Case not found.")

    def _look_up(self, caller: Caller, column: str, value: str) -> Answer:
        case = self._assigned.find(caller.account, column, value)
        return answer(case) if case else refuse(404, "NotFound", "Case not found.")

    async def _start(self, request: Request, caller: Caller) -> Answer | Response:
        return await self._change_case(request, caller, self._activate)

    async def _change(self, request: Request, caller: Caller) -> Answer | Response:
        return await self._change_case(request, caller, self._refer)

    async def _change_case(
        self, request: Request, caller: Caller, work: Callable[[str, bytes, dict[str, object]], Answer]
    ) -> Answer | Response:
        """Let the faults of `POST /cases` befall what changes a case."""
        body = await request.body()
        fate = self._gate.faults.befall("create")
        if early := answer_in_place_of_work(fate):
            return early
        await hang(fate, "hang-before")
        result = self._judge_case(caller, request.path_params["id"].lower(), body, work)
        await asyncio.sleep(self._gate.settings.latency)
        await hang(fate, "hang-after")
        return answer_in_place_of_answer(fate, result)

    def _judge_case(
        self, caller: Caller, case_id: str, body: bytes, work: Callable[[str, bytes, dict[str, object]], Answer]
    ) -> Answer:
        document = read_body(body)
        if isinstance(document, Answer):
            return document
        if not self._assigned.find(caller.account, "cases.id", case_id):
            return refuse(404, "NotFound", "Case not found, or not assigned to you.")
        with self._ledger.transaction():
            return work(case_id, body, document)

    def _activate(self, case_id: str, body: bytes, asked: dict[str, object]) -> Answer:
        if faults := dict(self._judge_start(asked)):
            return refuse_fields(faults)
        lifecycle, reference = self._ledger.execute(
            "SELECT lifecycle, reference FROM cases WHERE id = ?", (case_id,)
        ).fetchone()
        if lifecycle != WAITING:
            message = f"The case must be in PendingVerification to be started; it is {lifecycle}."
            return refuse(400, "InvalidCaseStatus", message)
        now = datetime.fromtimestamp(self._gate.clock(), UTC).replace(tzinfo=None).isoformat(timespec="microseconds")
        fees: dict[str, object] = {name: asked[name] for name in FEES if name in asked}
        self._assigned.start(case_id, {**fees, "dateCollectionStarted": now, "dateUpdated": now}, body)
        self._assigned.set_reference(case_id, read_text(asked.get(TOLD)))
        stored = read_text(asked.get(TOLD)).strip() or None
        return answer(
            {"caseId": case_id, "caseReference": reference, "status": "Active", "activatedAt": now, TOLD: stored}
        )

    def _judge_start(self, asked: dict[str, object]) -> Iterator[tuple[str, list[str]]]:
        message, reference = read_text(asked.get("welcomeMessage")), read_text(asked.get(TOLD))
        if not message.strip():
            yield "WelcomeMessage", ["The WelcomeMessage field is required."]
        if len(message) > LONGEST_MESSAGE:
            yield "WelcomeMessage", [f"The WelcomeMessage field has more than {LONGEST_MESSAGE} characters."]
        if len(reference) > LONGEST_REFERENCE:
            yield "CollectionPartnerReference", [f"The reference has more than {LONGEST_REFERENCE} characters."]
        ids = [self._ledger.name_account(email) for email in TEAM]
        if not (asked.get("userEmail") or asked.get("userId")):
            yield "UserEmail", ["Either UserEmail or UserId must be provided."]
        for name, known in (("userEmail", TEAM), ("assignedUserEmail", TEAM), ("userId", ids)):
            if asked.get(name) and read_text(asked[name]).lower() not in known:
                yield name[0].upper() + name[1:], ["The user was not found in your team."]
        for name in FEES:
            fee = read_number(asked.get(name, 0))
            if fee is None or fee < 0:
                yield name[0].upper() + name[1:], ["A fee must be zero or more."]

    def _refer(self, case_id: str, _: bytes, asked: dict[str, object]) -> Answer:
        reference = read_text(asked.get(TOLD))
        if TOLD not in asked or len(reference) > LONGEST_REFERENCE:
            return refuse_fields({"CollectionPartnerReference": ["The reference is missing or too long."]})
        self._assigned.set_reference(case_id, reference)
        return answer({"id": case_id, TOLD: reference.strip() or None})
