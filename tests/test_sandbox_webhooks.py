"""The sandbox's webhooks: subscriptions as the API has them, events signed, delivered again, replayed, given up."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from importer.sandbox import Settings, serving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

FAST = Settings(webhook_speed=100_000)
CASE = {
    "currencyCode": "EUR",
    "date": "2026-01-15",
    "amountToRecover": 100,
    "debtor": {"type": "Company", "name": "Example", "address": "1 St", "city": "Town", "countryAlpha2": "DE"},
}
EVENTS = ["case.created", "case.updated", "case.closed", "payment.created", "payment.deleted", "chat.created"]


def until(condition: Callable[[], Any], patience: float = 20) -> Any:
    """Wait until *condition* holds, and return what it says."""
    end = time.monotonic() + patience
    while not (said := condition()):
        assert time.monotonic() < end, "it did not come to pass"
        time.sleep(0.02)
    return said


class Receiver:
    """Takes deliveries on a loopback port.

    Attributes:
        url: Where.
        got: The headers and the body of each.
        status: How each is answered, and
        pause: after how many seconds.
    """

    def __init__(self) -> None:
        self.url = ""
        self.got: list[tuple[Any, bytes]] = []
        self.status = 200
        self.pause = 0.0

    @property
    def events(self) -> list[dict[str, Any]]:
        return [json.loads(body) for _, body in self.got]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            time.sleep(receiver.pause)
            receiver.got.append((self.headers, body))
            self.send_response(receiver.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Hook) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        receiver.url = f"http://127.0.0.1:{server.server_port}/hook"
        yield receiver
        server.shutdown()
        thread.join()


class Caller:
    """A user of the API."""

    def __init__(self, url: str, key: str = "sandbox") -> None:
        self._url = url
        self._key = key

    def ask(self, method: str, path: str, document: object = None) -> tuple[int, Any]:
        answer = httpx.request(method, self._url + path, json=document, headers={"XApiKey": self._key}, trust_env=False)
        return answer.status_code, answer.json() if answer.content else None

    def add(self, url: str, events: object = EVENTS, **members: object) -> Any:
        status, webhook = self.ask("POST", "/webhooks", {"url": url, "events": events, **members})
        assert status == 201, webhook
        return webhook

    def make(self, reference: str = "A", **members: object) -> Any:
        status, case = self.ask("POST", "/cases", CASE | {"creditorReference": reference} | members)
        assert status == 200, case
        return case

    def events(self, case: Any) -> Any:
        return self.ask("GET", f"/webhooks/events?caseId={case['id']}")[1]


@contextmanager
def called(folder: Path, settings: Settings = FAST) -> Iterator[Caller]:
    with serving(folder / "sandbox.db", settings) as url:
        yield Caller(url)


def test_an_event_is_signed_as_the_api_documents_it(tmp_path: Path, receiver: Receiver) -> None:
    with called(tmp_path) as api:
        webhook = api.add(receiver.url)
        case = api.make()
        headers, body = until(lambda: receiver.got)[0]

    fields = dict(part.split("=", 1) for part in headers["X-Debitura-Signature"].split(","))
    signed = f"{fields['t']}.".encode() + body
    assert hmac.new(base64.b64decode(webhook["secret"]), signed, hashlib.sha256).hexdigest() == fields["v1"]
    assert headers["X-Debitura-Timestamp"] == fields["t"]
    assert abs(int(fields["t"]) - time.time()) < 30
    assert headers["X-Debitura-Event"] == "case.created"
    assert headers["X-Debitura-Replay"] is None
    event = json.loads(body)
    assert event["data"] == {"caseId": case["id"], "reference": case["reference"], "lifecycle": "Active"}
    assert event["links"] == {"self": f"https://customer-api.debitura.com/cases/{case['id']}"}


def test_each_change_of_a_case_is_told(tmp_path: Path, receiver: Receiver) -> None:
    with called(tmp_path) as api:
        api.add(receiver.url)
        case = api.make()
        api.ask("POST", f"/sandbox/cases/{case['id']}", {"payment": 40.5})
        api.ask("POST", f"/sandbox/cases/{case['id']}", {"lifecycle": "Closed", "closeCode": "Paid"})
        until(lambda: len(receiver.got) == 4)

    told = {event["event"]: event["data"] for event in receiver.events}
    assert set(told) == {"case.created", "payment.created", "case.updated", "case.closed"}
    assert (told["payment.created"]["amount"], told["payment.created"]["currency"]) == (40.5, "EUR")
    assert (told["case.updated"]["oldLifecycle"], told["case.updated"]["newLifecycle"]) == ("Active", "Closed")
    assert told["case.closed"]["closeCode"] == "Paid"
    assert not any("creditorReference" in data for data in told.values())


def test_a_subscription_gets_the_events_that_it_asked_for_of_its_own_account(
    tmp_path: Path, receiver: Receiver
) -> None:
    with serving(tmp_path / "sandbox.db", FAST) as url:
        Caller(url).add(receiver.url, ["case.closed"])
        Caller(url, "sandbox-other").add(receiver.url)
        case = Caller(url).make()
        Caller(url).ask("POST", f"/sandbox/cases/{case['id']}", {"lifecycle": "Closed"})
        until(lambda: receiver.got)

    assert [event["event"] for event in receiver.events] == ["case.closed"]


def test_an_event_that_nobody_takes_is_tried_eight_times_and_then_the_subscription_is_disabled(
    tmp_path: Path, receiver: Receiver
) -> None:
    receiver.status = 500
    with called(tmp_path) as api:
        webhook = api.add(receiver.url)
        case = api.make()
        disabled = until(lambda: [one for one in api.ask("GET", "/webhooks")[1] if not one["isActive"]])
        (event,) = api.events(case)
        assert len(receiver.got) == 8
        api.make("B")
        receiver.status = 200
        api.ask("PATCH", f"/webhooks/{webhook['id']}", {"isActive": True})
        api.make("C")
        until(lambda: len(receiver.got) == 9)

    assert disabled[0]["disabledReason"] == "An event could not be delivered in 8 attempts."
    assert (event["attemptCount"], event["lastResponseCode"], event["deliveredAt"]) == (8, 500, None)
    assert len({event["id"] for event in receiver.events[:8]}) == 1


def test_a_redirection_is_not_followed_and_not_taken_for_an_answer(tmp_path: Path, receiver: Receiver) -> None:
    receiver.status = 302
    with called(tmp_path, Settings()) as api:
        api.add(receiver.url)
        case = api.make()
        until(lambda: api.events(case)[0]["attemptCount"])

        assert api.events(case)[0]["lastError"] == "The receiver answered 302."


def test_an_event_is_replayed_with_a_header_that_says_so(tmp_path: Path, receiver: Receiver) -> None:
    with called(tmp_path) as api:
        webhook = api.add(receiver.url)
        case = api.make()
        (event,) = until(lambda: [one for one in api.events(case) if one["deliveredAt"]])
        replayed = api.ask("POST", f"/webhooks/events/{event['id']}/replay")
        until(lambda: len(receiver.got) == 2)

    assert replayed == (
        200,
        {"eventId": event["id"], "subscriptionId": webhook["id"], "eventType": "case.created"},
    )
    assert receiver.got[0][1] == receiver.got[1][1]
    assert receiver.got[1][0]["X-Debitura-Replay"] == "true"


def test_what_could_not_be_delivered_outlives_the_server(tmp_path: Path, receiver: Receiver) -> None:
    receiver.status = 503
    with called(tmp_path, Settings(webhook_speed=20)) as api:
        api.add(receiver.url)
        case = api.make()
        until(lambda: receiver.got)
        until(lambda: api.events(case)[0]["attemptCount"])
    receiver.status = 200
    with called(tmp_path) as api:
        (event,) = until(lambda: [one for one in api.events(case) if one["deliveredAt"]])

    assert event["attemptCount"] == 2


def test_what_is_due_is_delivered_before_the_server_ends(tmp_path: Path, receiver: Receiver) -> None:
    receiver.pause = 0.3
    with called(tmp_path) as api:
        api.add(receiver.url)
        for number in range(20):
            api.make(str(number))

    assert len({event["id"] for event in receiver.events}) == 20


def test_nothing_leaves_this_machine(tmp_path: Path) -> None:
    with called(tmp_path, Settings()) as api:
        webhook = api.add("https://hooks.example.com/debitura")
        case = api.make()
        (event,) = until(lambda: [one for one in api.events(case) if one["attemptCount"]])
        tested = api.ask("POST", f"/webhooks/{webhook['id']}/test")

    assert event["lastError"] == "The sandbox delivers to this machine alone."
    assert (tested[1]["success"], tested[1]["httpStatusCode"]) == (False, None)


def test_a_receiver_that_is_not_there_is_told_as_a_network_error(tmp_path: Path) -> None:
    with called(tmp_path, Settings()) as api:
        gone = api.ask("POST", f"/webhooks/{api.add('http://127.0.0.1:9/')['id']}/test")
        strange = api.ask("POST", f"/webhooks/{api.add('ftp://127.0.0.1/')['id']}/test")

    assert [answer["errorCategory"] for _, answer in (gone, strange)] == ["NetworkError"] * 2


def test_a_test_delivers_an_event_of_no_case_at_once(tmp_path: Path, receiver: Receiver) -> None:
    with called(tmp_path) as api:
        tested = api.ask("POST", f"/webhooks/{api.add(receiver.url)['id']}/test")[1]

    assert (tested["success"], tested["httpStatusCode"], tested["errorMessage"]) == (True, 200, None)
    assert receiver.events == [tested["testPayload"]]


@pytest.mark.parametrize(
    ("members", "label"),
    [
        ({"url": "http://hooks.example.com/"}, "InvalidUrl"),
        ({"url": "https://10.1.2.3/"}, "InvalidUrl"),
        ({"url": "https://[fd00::1]/"}, "InvalidUrl"),
        ({"url": "https://intranet/"}, "InvalidUrl"),
        ({"url": "https://[/"}, "InvalidUrl"),
        ({"url": "hooks"}, "InvalidUrl"),
        ({"url": None}, "InvalidUrl"),
        ({"url": "https://hooks.example.com/" + "x" * 1000}, "InvalidUrl"),
        ({"events": []}, "InvalidEvents"),
        ({"events": "case.created"}, "InvalidEvents"),
        ({"events": ["case.created", "case.assigned"]}, "InvalidEvents"),
    ],
)
def test_a_subscription_that_the_api_would_refuse_is_refused(
    tmp_path: Path, members: dict[str, object], label: str
) -> None:
    with called(tmp_path) as api:
        document = {"url": "https://hooks.example.com/", "events": EVENTS} | members
        status, refusal = api.ask("POST", "/webhooks", document)

    assert (status, refusal["error"]) == (400, label)


def test_a_subscription_is_changed_and_its_secret_told_only_when_it_is_new(tmp_path: Path, receiver: Receiver) -> None:
    with called(tmp_path) as api:
        made = api.add("https://hooks.example.com/")
        path = f"/webhooks/{made['id']}"
        _, changed = api.ask("PATCH", path, {"url": receiver.url, "isTestMode": True})
        refused, _ = api.ask("PATCH", path, {"url": "http://hooks.example.com/"})
        broken, _ = api.ask("PATCH", path, [])
        _, renewed = api.ask("PATCH", path, {"regenerateSecret": True})
        _, read = api.ask("GET", path)
        removed, _ = api.ask("DELETE", path)
        gone = [api.ask(method, path, {})[0] for method in ("GET", "PATCH", "DELETE")]
        gone += [api.ask("POST", f"{path}/test")[0], api.ask("POST", f"/webhooks/events/{made['id']}/replay")[0]]

    assert (changed["url"], changed["isTestMode"], changed["secret"]) == (receiver.url, True, None)
    assert (refused, broken, removed) == (400, 400, 204)
    assert renewed["secret"] not in (None, made["secret"])
    assert read == renewed | {"secret": None}
    assert gone == [404] * 5


def test_events_are_fired_for_test_cases_alone_and_only_what_there_is(tmp_path: Path, receiver: Receiver) -> None:
    with called(tmp_path) as api:
        live = api.add(receiver.url)
        test = api.add(receiver.url, isTestMode=True)
        real, case = api.make("R"), api.make("T", isTest=True)

        def fire(event: str, case: Any = case, **members: object) -> Any:
            status, told = api.ask("POST", "/test/webhooks/fire", {"event": event, "caseId": case["id"], **members})
            return told["enqueuedCount"] if status == 200 else status

        assert fire("case.closed") == 1
        assert fire("case.updated", subscriptionId=test["id"]) == 1
        assert fire("payment.created") == 422
        api.ask("POST", f"/sandbox/cases/{case['id']}", {"payment": 1})
        assert fire("payment.created") == 1
        assert [fire("payment.deleted"), fire("chat.created")] == [422, 422]
        (payment,) = api.ask("GET", f"/cases/{case['id']}/payments")[1]
        assert api.ask("DELETE", f"/sandbox/cases/{case['id']}/payments/{payment['id']}")[0] == 204
        assert fire("payment.deleted") == 1
        assert [fire("case.paid"), fire("case.closed", real)] == [400, 400]
        assert [fire("case.closed", subscriptionId=other) for other in (live["id"], case["id"])] == [400, 400]
        assert fire("case.closed", {"id": test["id"]}) == 404
        assert api.ask("POST", "/test/webhooks/fire", [])[0] == 400


def test_the_history_of_a_case_is_filtered_by_time(tmp_path: Path) -> None:
    with called(tmp_path) as api:
        api.add("https://hooks.example.com/")
        case = api.make()
        path = f"/webhooks/events?caseId={case['id']}"

        assert len(api.ask("GET", f"{path}&since=2026-01-01T00:00:00Z")[1]) == 1
        assert api.ask("GET", f"{path}&since=2126-01-01T00:00:00%2B02:00")[1] == []
        assert api.ask("GET", f"{path}&since=soon")[0] == 400
        assert api.ask("GET", "/webhooks/events")[0] == 400


def test_partners_have_webhooks_of_their_own(tmp_path: Path, receiver: Receiver) -> None:
    debtor = CASE["debtor"] | {"contactPerson": "Jane Invented"}
    creditor = {"creditorCompanyName": "Invented Bakery", "creditorCountryAlpha2": "DK"}
    with serving(tmp_path / "sandbox.db", FAST) as url:
        partner = Caller(f"{url}/collection-partner")
        Caller(url).add("https://hooks.example.com/")
        refused = partner.ask("POST", "/webhooks", {"url": receiver.url, "events": ["case.created"]})
        partner.add(receiver.url, ["case.assigned", "case.updated"], isTestMode=True)
        _, case = partner.ask("POST", "/managed-cases", CASE | creditor | {"debtor": debtor, "isTest": True})
        until(lambda: receiver.got)
        fired = partner.ask("POST", "/test/webhooks/fire", {"event": "case.updated", "caseId": case["id"]})
        until(lambda: len(receiver.got) == 2)
        listed = partner.events(case)
        other = Caller(url).events(case)

    assert refused[0] == 400
    assert fired[1]["enqueuedCount"] == 1
    assert [event["event"] for event in receiver.events] == ["case.assigned", "case.updated"]
    assert receiver.events[0]["links"]["self"] == f"https://collectionpartner-api.debitura.com/cases/{case['id']}"
    assert (len(listed), other) == (2, [])


def test_chats_and_deleted_payments_are_told(tmp_path: Path, receiver: Receiver) -> None:
    with called(tmp_path) as api:
        api.add(receiver.url, ["chat.created", "payment.deleted"])
        case = api.make()
        path = f"/cases/{case['id']}"
        said = api.ask("POST", f"{path}/chats", {"message": "Jane has moved", "userEmail": "a@creditor.example"})
        refused = [
            api.ask("POST", f"{path}/chats", body)[0]
            for body in ({"message": "No one's"}, {"message": " ", "userEmail": "a@creditor.example"}, [])
        ]
        paid = api.ask("POST", f"/sandbox{path}", {"payment": 40})[1]
        (payment,) = api.ask("GET", f"{path}/payments")[1]
        deleted = api.ask("DELETE", f"/sandbox{path}/payments/{payment['id']}")
        gone = [api.ask("DELETE", f"/sandbox{path}/payments/{payment['id']}")[0]]
        gone += [api.ask(method, "/cases/none/chats", {})[0] for method in ("GET", "POST")]
        restored = api.ask("GET", path)[1]
        until(lambda: len(receiver.got) == 2)

        assert api.ask("GET", f"{path}/chats") == (200, [said[1]])
        assert api.ask("GET", f"{path}/payments") == (200, [])
    assert (refused, deleted, gone) == ([400] * 3, (204, None), [404] * 3)
    assert (paid["remainder"], restored["remainder"]) == (60, 100)
    assert restored["allocationOutstanding"]["principal"] == 100
    told = {event["event"]: event["data"] for event in receiver.events}
    assert told["chat.created"]["message"] == "Jane has moved"
    assert told["payment.deleted"]["amount"] == 40
