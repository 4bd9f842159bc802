"""What is genuine, what an event says, and what the API answers about subscriptions: decided without any I/O."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any

import pytest

from importer.model import Event
from importer.protocol import Absent, Answer, Denied, Lost, NeverLeft, Refused, Throttled, Unanswered
from importer.protocol.webhooks import (
    Subscription,
    Told,
    Trial,
    read_admin,
    read_event,
    read_secret,
    subscription_of,
    subscriptions_of,
    trial_of,
    why_not_genuine,
)

SECRET = b"an invented secret of 32 bytes.."
OTHER = b"another invented secret, 32 byte"
NOW = 1_795_000_000
BODY = b'{"id": "e1", "event": "case.updated"}'


def sign(body: bytes = BODY, *, at: int = NOW, secret: bytes = SECRET) -> str:
    return hmac.new(secret, f"{at}.".encode() + body, hashlib.sha256).hexdigest()


def why_not(signature: str, body: bytes = BODY, *secrets: bytes, now: float = NOW) -> str | None:
    return why_not_genuine(signature, body, secrets or (SECRET,), now)


@pytest.mark.parametrize(
    "signature",
    [
        f"t={NOW},v1={sign()}",
        f"v1={sign()},t={NOW}",
        f"t={NOW}, v1={sign()}",
        f"t={NOW},v1={sign(secret=OTHER)},v1={sign()}",
        f"t={NOW},v0=old,v1={sign()}",
    ],
)
def test_what_the_api_signed_is_genuine(signature: str) -> None:
    assert why_not(signature) is None


def test_the_signature_is_the_one_that_the_api_documents() -> None:
    # Computed with: printf '1795000000.{}' | openssl dgst -sha256 -hmac 'an invented secret of 32 bytes..'
    known = "f67824acceddea0d50a9a98567199f839f56e200d2c31cfccdc8672be07cb58e"

    assert why_not(f"t={NOW},v1={known}", b"{}") is None


def test_while_secrets_change_either_of_them_may_have_signed() -> None:
    assert why_not(f"t={NOW},v1={sign(secret=OTHER)}", BODY, SECRET, OTHER) is None


@pytest.mark.parametrize(
    ("signature", "body"),
    [
        (f"t={NOW},v1={sign(secret=OTHER)}", BODY),
        (f"t={NOW},v1={sign()}", BODY + b" "),
        (f"t={NOW + 1},v1={sign()}", BODY),
        (f"t={NOW},v1={sign().upper()}", BODY),
        (f"t={NOW},v1={sign()[:-1]}", BODY),
        (f"t={NOW},v1=", BODY),
        (f"t={NOW},v1=\u00e9", BODY),
    ],
)
def test_what_somebody_else_signed_or_changed_is_not_genuine(signature: str, body: bytes) -> None:
    assert why_not(signature, body) == "no secret of ours made its signature"


def test_without_any_secret_nothing_is_genuine() -> None:
    assert why_not_genuine(f"t={NOW},v1={sign()}", BODY, (), NOW) is not None


@pytest.mark.parametrize(
    "signature",
    ["", "sha256=abc", f"t={NOW}", f"v1={sign()}", f"t=soon,v1={sign()}", f"t={NOW},t={NOW},v1={sign()}", "t=٣,v1=a"],
)
def test_a_malformed_signature_is_told_as_such(signature: str) -> None:
    assert why_not(signature) == "its signature is not of the form t=…,v1=…"


@pytest.mark.parametrize(("now", "said"), [(NOW + 301, "301 s ago"), (NOW - 301, "301 s ahead")])
def test_a_signature_of_another_time_is_refused(now: int, said: str) -> None:
    assert said in str(why_not(f"t={NOW},v1={sign()}", now=now))


@pytest.mark.parametrize("now", [NOW + 300, NOW - 300])
def test_a_signature_is_good_for_five_minutes(now: int) -> None:
    assert why_not(f"t={NOW},v1={sign()}", now=now) is None


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        (base64.b64encode(SECRET).decode(), SECRET),
        (f" {base64.b64encode(SECRET).decode()}\n", SECRET),
        (base64.b64encode(b"fifteen bytes..").decode(), None),
        ("not base64!", None),
        ("é", None),
        ("", None),
    ],
)
def test_a_secret_is_base64_of_some_length(text: str, secret: bytes | None) -> None:
    assert read_secret(text) == secret


def an_event(**members: Any) -> bytes:
    document: dict[str, Any] = {
        "id": "e1",
        "specVersion": "1.0",
        "event": "case.updated",
        "timestamp": "2026-01-31T15:23:45Z",
        "data": {"caseId": "c1", "reference": "Q8OAXF3W"},
        "links": {"self": "https://customer-api.debitura.com/cases/c1"},
    }
    return json.dumps(document | members).encode()


def test_an_event_says_where_the_case_stands() -> None:
    data = {"caseId": "c1", "reference": "Q8OAXF3W", "oldLifecycle": "Active", "newLifecycle": "Paused"}

    assert read_event(an_event(data=data)) == Event(
        "e1", "case.updated", "c1", "Q8OAXF3W", 1_769_873_025.0, "Paused", "Active"
    )


def test_a_closed_case_is_closed_whether_or_not_the_event_says_so() -> None:
    event = read_event(an_event(event="case.closed", data={"caseId": "c1", "closeCode": "Paid"}))

    assert event
    assert (event.lifecycle, event.close_code) == ("Closed", "Paid")


def test_what_somebody_wrote_is_not_read() -> None:
    event = read_event(an_event(event="chat.created", data={"caseId": "c1", "message": "Call Jane on Monday"}))

    assert event == Event("e1", "chat.created", "c1", happened_at=1_769_873_025.0)


@pytest.mark.parametrize(
    ("timestamp", "seconds"),
    [
        ("2026-01-31T15:23:45", 1_769_873_025.0),
        ("2026-01-31T16:23:45.1234567+01:00", 1_769_873_025.123456),
        ("yesterday", None),
        ("0001-01-01T00:00:00+23:59", None),
        (None, None),
        (17, None),
    ],
)
def test_times_are_utc_unless_they_say_otherwise(timestamp: object, seconds: float | None) -> None:
    event = read_event(an_event(timestamp=timestamp))

    assert event
    assert event.happened_at == seconds


@pytest.mark.parametrize(
    "data", [None, [], {"caseId": 3}, {"caseId": "c" * 201}, {"caseId": "c\x1b[2J"}, {"reference": None}]
)
def test_an_event_of_no_case_that_can_be_named_is_an_event(data: object) -> None:
    event = read_event(an_event(data=data))

    assert event
    assert event.case_id == ""


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'"case.updated"',
        an_event(id=None),
        an_event(id=""),
        an_event(id="e" * 201),
        an_event(event=4),
    ],
)
def test_what_has_no_id_and_no_name_is_no_event(body: bytes) -> None:
    assert read_event(body) is None


WEBHOOK = {
    "id": "550e8400-e29b-41d4-a716-446655440000",
    "url": "https://hooks.example.com/debitura",
    "events": ["case.created", "case.updated"],
    "isActive": True,
    "isTestMode": False,
    "createdUtc": "2026-01-31T15:23:45Z",
    "updatedUtc": "2026-01-31T15:23:45Z",
    "disabledReason": None,
    "secret": "dGhpc2lzYWJhc2U2NGVuY29kZWRzZWNyZXQ=",
}


def test_a_subscription_is_read_and_does_not_show_its_secret() -> None:
    read = subscription_of(WEBHOOK)

    assert read == Subscription(
        str(WEBHOOK["id"]),
        "https://hooks.example.com/debitura",
        ("case.created", "case.updated"),
        is_active=True,
        is_test=False,
        disabled_reason="",
        secret=str(WEBHOOK["secret"]),
    )
    assert "dGhpc2" not in repr(read)


def test_a_subscription_that_was_disabled_says_why() -> None:
    read = subscription_of(WEBHOOK | {"isActive": False, "disabledReason": "Too many failures", "events": None})

    assert read
    assert (read.is_active, read.disabled_reason, read.events) == (False, "Too many failures", ())


@pytest.mark.parametrize(
    "document", [None, [], {}, WEBHOOK | {"id": "../x"}, WEBHOOK | {"id": 3}, WEBHOOK | {"url": 3}]
)
def test_what_is_no_subscription_is_not_taken_for_one(document: object) -> None:
    assert subscription_of(document) is None
    assert subscriptions_of([WEBHOOK, document]) is None


def test_a_list_of_subscriptions_is_read_whole() -> None:
    assert [one.url for one in subscriptions_of([WEBHOOK, WEBHOOK]) or ()] == [WEBHOOK["url"]] * 2
    assert subscriptions_of({"webhooks": []}) is None
    assert subscriptions_of([]) == []


@pytest.mark.parametrize(
    ("document", "tested"),
    [
        ({"success": True, "httpStatusCode": 200}, Trial(True, 200, "")),  # noqa: FBT003 - as the class has it
        (
            {"success": False, "httpStatusCode": None, "errorMessage": "refused", "errorCategory": "NetworkError"},
            Trial(False, None, "refused"),  # noqa: FBT003
        ),
        ({"success": False, "errorCategory": "SslError"}, Trial(False, None, "SslError")),  # noqa: FBT003
        ({"success": "yes"}, None),
        ([], None),
    ],
)
def test_how_a_test_delivery_went_is_read(document: object, tested: Trial | None) -> None:
    assert trial_of(document) == tested


def answered(status: int, document: object = None, **headers: str) -> Answer:
    return Answer(status, headers, json.dumps(document).encode() if document is not None else b"")


STRUCTURED = {"error": "InvalidUrl", "message": "m", "businessErrors": [{"type": "InvalidUrl", "message": "No HTTPS."}]}


@pytest.mark.parametrize(
    ("reply", "meaning"),
    [
        (NeverLeft("refused"), NeverLeft("refused")),
        (Lost("no answer within 30 s"), Unanswered("no answer within 30 s")),
        (answered(401), Denied(401, "")),
        (answered(403, {"title": "Forbidden", "detail": "Not this key."}), Denied(403, "Not this key.")),
        (answered(429, {"error": "x", "message": "y", "retryAfter": 3}), Throttled(3.0)),
        (answered(404, {"error": "NotFound", "message": "Webhook not found."}), Absent()),
        (answered(404), Unanswered("it was answered 404")),
        (answered(400, STRUCTURED), Refused("InvalidUrl", "No HTTPS.", "", "row")),
        (answered(422, {"Url": ["a", "b", "a"]}), Refused("Url", "a; b", "", "row")),
        (answered(400), Unanswered("it was answered 400")),
        (answered(204), Told(None)),
        (answered(201, {"id": "x"}), Told({"id": "x"})),
        (answered(200, []), Told([])),
        (answered(200), Unanswered("it was answered 200")),
        (answered(503), Unanswered("it was answered 503")),
        (answered(302), Unanswered("it was answered 302")),
    ],
)
def test_each_answer_about_subscriptions_has_one_meaning(reply: Any, meaning: object) -> None:
    assert read_admin(reply) == meaning
