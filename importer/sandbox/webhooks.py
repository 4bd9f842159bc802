"""The operations on webhooks, which the Customer API and the Collection Partner API have alike.

Sources: https://docs.debitura.com/clients/integration-guides/webhooks,
https://docs.debitura.com/developer-concepts/webhooks/strategy, https://docs.debitura.com/openapi/customer-api.json
"""

from __future__ import annotations

import ipaddress
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit
from uuid import uuid4

from importer.sandbox.accounts import identify
from importer.sandbox.answers import Answer, answer, refuse
from importer.sandbox.creating import read_body
from importer.sandbox.outbox import make_secret
from importer.sandbox.rules import is_uuid
from importer.sandbox.sender import LOOPBACK

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Mapping

    from starlette.requests import Request
    from starlette.routing import Route

    from importer.sandbox.accounts import Caller
    from importer.sandbox.gate import Gate, Identify
    from importer.sandbox.sender import Sender

EVENTS: Final = {
    "customer": ("case.created", "case.updated", "case.closed", "payment.created", "payment.deleted", "chat.created"),
    "partner": ("case.assigned", "case.updated", "case.closed", "payment.created", "chat.created"),
}
LONGEST_URL: Final = 1024
LOST: Final = "NotFound"


class Webhooks:
    """The operations on the subscriptions of one API, and on the events that they got.

    Args:
        gate: What the APIs share.
        sender: Delivers a test at once.
        api: "customer" or "partner".
        identify: Who calls, at that API.
        owner: The ledger's name of the account that has a caller's cases.
    """

    def __init__(
        self,
        gate: Gate,
        sender: Sender,
        api: str = "customer",
        identify: Identify = identify,
        owner: Callable[[str], str] = str,
    ) -> None:
        self._gate = gate
        self._outbox = gate.outbox
        self._sender = sender
        self._api = api
        self._identify = identify
        self._owner = owner

    def routes(self) -> list[Route]:
        """List the paths, and what answers each."""
        return [
            self._gate.route(path, operation, method, identify=self._identify)
            for path, operation, method in (
                ("/webhooks", self._add, "POST"),
                ("/webhooks", self._list, "GET"),
                ("/webhooks/events", self._list_events, "GET"),
                ("/webhooks/events/{value}/replay", self._replay, "POST"),
                ("/webhooks/{value}", self._find, "GET"),
                ("/webhooks/{value}", self._change, "PATCH"),
                ("/webhooks/{value}", self._remove, "DELETE"),
                ("/webhooks/{value}/test", self._test, "POST"),
                ("/test/webhooks/fire", self._fire, "POST"),
            )
        ]

    async def _add(self, request: Request, caller: Caller) -> Answer:
        body = read_body(await request.body())
        if isinstance(body, Answer):
            return body
        url, events = body.get("url"), body.get("events")
        if refusal := self._judge_url(url) or self._judge_events(events):
            return refusal
        wanted = [str(event) for event in events] if isinstance(events, list) else []
        made = self._outbox.subscribe(
            self._api, caller.account, str(url), wanted, is_test=body.get("isTestMode") is True
        )
        return answer(_describe(made, secret=made["secret"]), 201)

    async def _list(self, _: Request, caller: Caller) -> Answer:
        return answer([_describe(row) for row in self._outbox.subscriptions(self._api, caller.account)])

    async def _find(self, request: Request, caller: Caller) -> Answer:
        row = self._look_up(request, caller)
        return answer(_describe(row)) if row else _lost()

    async def _change(self, request: Request, caller: Caller) -> Answer:
        body = read_body(await request.body())
        row = self._look_up(request, caller)
        if isinstance(body, Answer) or row is None:
            return body if isinstance(body, Answer) else _lost()
        values: dict[str, object] = {}
        if (url := body.get("url")) is not None:
            if refusal := self._judge_url(url):
                return refusal
            values["url"] = url
        for member, column in (("isActive", "is_active"), ("isTestMode", "is_test")):
            if isinstance(body.get(member), bool):
                values[column] = body[member]
        if values.get("is_active"):
            values["disabled"] = None
        secret = make_secret() if body.get("regenerateSecret") is True else None
        self._outbox.change(row["id"], values | ({"secret": secret} if secret else {}))
        return answer(_describe(self._outbox.subscriptions(self._api, caller.account, row["id"])[0], secret=secret))

    async def _remove(self, request: Request, caller: Caller) -> Answer:
        row = self._look_up(request, caller)
        if row is None:
            return _lost()
        self._outbox.unsubscribe(row["id"])
        return Answer(204, b"")

    async def _test(self, request: Request, caller: Caller) -> Answer:
        row = self._look_up(request, caller)
        if row is None:
            return _lost()
        event, case = EVENTS[self._api][0], {"id": str(uuid4()), "reference": "TESTTEST"}
        payload = self._outbox.write(self._api, str(uuid4()), event, case, {"lifecycle": "Active"})
        outcome = await self._sender.send(row["url"], row["secret"], event, payload)
        return answer(
            {
                "success": outcome.success,
                "httpStatusCode": outcome.code,
                "durationMs": outcome.milliseconds,
                "errorMessage": outcome.error,
                "errorCategory": outcome.category,
                "testPayload": json.loads(payload),
            }
        )

    async def _list_events(self, request: Request, caller: Caller) -> Answer:
        case_id, since = request.query_params.get("caseId", "").lower(), request.query_params.get("since")
        if not is_uuid(case_id):
            return refuse(400, "InvalidCaseId", "caseId is required, and is a UUID.")
        try:
            after = _naive(since) if since else ""
        except ValueError:
            return refuse(400, "InvalidSince", "since is no ISO 8601 timestamp.")
        found = self._outbox.events(self._api, caller.account, case_id)
        return answer([_describe_event(row) for row in found if row["created"] >= after])

    async def _replay(self, request: Request, caller: Caller) -> Answer:
        row = self._outbox.replay(self._api, caller.account, request.path_params["value"].lower())
        if row is None:
            return refuse(404, LOST, "Event not found.")
        return answer({"eventId": row["id"], "subscriptionId": row["subscription"], "eventType": row["event"]})

    async def _fire(self, request: Request, caller: Caller) -> Answer:
        body = read_body(await request.body())
        if isinstance(body, Answer):
            return body
        event, only = str(body.get("event")), body.get("subscriptionId")
        name = str(only).lower() if only is not None else None
        found = self._gate.ledger.find(self._owner(caller.account), "id", str(body.get("caseId")).lower())
        case = json.loads(found) if found else None
        details = self._tell_state(event, case) if case else None
        if refusal := self._judge_fire(caller, event, case, name):
            return refusal
        if case is None or details is None:
            return refuse(422, "NothingToTell", f"The case has nothing that '{event}' could tell.")
        count = self._outbox.put(self._api, caller.account, event, case, details, only=name)
        return answer({"eventType": event, "caseId": case["id"], "enqueuedCount": count})

    def _judge_fire(
        self, caller: Caller, event: str, case: Mapping[str, Any] | None, name: str | None
    ) -> Answer | None:
        if event not in EVENTS[self._api]:
            return refuse(400, "InvalidEvent", f"'{event}' is no event of this API.")
        if case is None:
            return refuse(404, LOST, "Case not found.")
        if not case["isTestCase"]:
            return refuse(400, "NotATestCase", "Only events of test cases can be fired.")
        if name is not None and not self._takes_tests(caller, name):
            return refuse(400, "InvalidSubscription", "There is no such test subscription.")
        return None

    def _tell_state(self, event: str, case: Mapping[str, Any]) -> dict[str, object] | None:
        """Say what *event* would tell of the case as it is; None where there is nothing."""
        if event == "case.updated":
            return {"oldLifecycle": case["lifecycle"], "newLifecycle": case["lifecycle"]}
        if event == "case.closed":
            return {"closeCode": case["closeCode"], "closeComment": None}
        return {"lifecycle": case["lifecycle"]} if event.startswith("case.") else self._outbox.latest(case["id"], event)

    def _takes_tests(self, caller: Caller, name: str) -> bool:
        return any(row["is_test"] for row in self._outbox.subscriptions(self._api, caller.account, name))

    def _look_up(self, request: Request, caller: Caller) -> sqlite3.Row | None:
        name = request.path_params["value"].lower()
        return next(iter(self._outbox.subscriptions(self._api, caller.account, name)), None)

    def _judge_url(self, url: object) -> Answer | None:
        """Refuse an address that events cannot go to; this machine's own is taken, unlike at the real API."""
        try:
            parts = urlsplit(url) if isinstance(url, str) and len(url) <= LONGEST_URL else None
        except ValueError:
            parts = None
        if parts is None or not parts.hostname:
            return refuse(400, "InvalidUrl", f"The URL must be absolute and have {LONGEST_URL} characters at most.")
        if parts.hostname in LOOPBACK:
            return None
        if parts.scheme != "https":
            return refuse(400, "InvalidUrl", "The webhook URL must use HTTPS.")
        if not _is_public(parts.hostname):
            return refuse(400, "InvalidUrl", "The webhook URL must be publicly reachable; private addresses are not.")
        return None

    def _judge_events(self, events: object) -> Answer | None:
        known = EVENTS[self._api]
        if not isinstance(events, list) or not events:
            return refuse(400, "InvalidEvents", "At least one event is required.")
        strange = [str(event) for event in events if event not in known]
        return refuse(400, "InvalidEvents", f"Invalid events: {', '.join(strange)}.") if strange else None


def _is_public(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_global
    except ValueError:
        return "." in host


def _naive(text: str) -> str:
    time = datetime.fromisoformat(text)
    return (time.astimezone(UTC).replace(tzinfo=None) if time.tzinfo else time).isoformat(timespec="microseconds")


def _lost() -> Answer:
    return refuse(404, LOST, "Webhook not found.")


def _describe(row: sqlite3.Row, *, secret: str | None = None) -> dict[str, object]:
    return {
        "id": row["id"],
        "url": row["url"],
        "events": json.loads(row["events"]),
        "isActive": bool(row["is_active"]),
        "createdUtc": f"{row['created']}Z",
        "updatedUtc": f"{row['updated']}Z",
        "disabledReason": row["disabled"],
        "secret": secret,
        "isTestMode": bool(row["is_test"]),
    }


def _describe_event(row: sqlite3.Row) -> dict[str, object]:
    return {
        "id": row["id"],
        "subscriptionId": row["subscription"],
        "caseId": row["case_id"],
        "eventType": row["event"],
        "payload": row["payload"].decode(),
        "createdAt": f"{row['created']}Z",
        "deliveredAt": f"{row['delivered']}Z" if row["delivered"] else None,
        "attemptCount": row["attempts"],
        "lastResponseCode": row["code"],
        "lastError": row["error"],
    }
