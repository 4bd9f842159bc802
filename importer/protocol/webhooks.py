"""Webhooks: whether a delivery is genuine, what its event says, and what the API answers about subscriptions.

Sources: https://docs.debitura.com/clients/integration-guides/webhooks,
https://docs.debitura.com/developer-concepts/webhooks,
https://docs.debitura.com/api/collection-partner-api/create-a-new-webhook-subscription
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from importer.model import Event
from importer.protocol import Absent, Answer, Denied, Lost, NeverLeft, Refused, Throttled, Unanswered, retry_after
from importer.protocol.envelopes import faults_of, first_message, is_api_shaped, parse

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from importer.protocol import Reply

# API → the events that it tells.
EVENTS: Final[Mapping[str, tuple[str, ...]]] = {
    "customer": (
        *("case.created", "case.updated", "case.closed"),
        *("payment.created", "payment.deleted", "chat.created"),
    ),
    "partner": ("case.assigned", "case.updated", "case.closed", "payment.created", "chat.created"),
}
SHORTEST_SECRET: Final = 16  # bytes; less is a word, or a part of a secret
TOLERANCE: Final = 300  # seconds that a signature may be away from now
LONGEST_WORD: Final = 200  # characters of an id, an event's name, a lifecycle, a reference, a code
CLOSED: Final = "Closed"

_TIMESTAMP: Final = re.compile(r"[0-9]{1,12}")
_ID: Final = re.compile(r"[0-9A-Za-z-]{1,64}")


@dataclass(frozen=True, slots=True)
class Subscription:
    """A subscription as the API tells it.

    Attributes:
        id: UUID.
        url: Where it delivers to.
        events: Which ones.
        is_active: False where it was disabled: *disabled_reason* may say why.
        is_test: Whether it delivers the events of test cases, and only those.
        disabled_reason: A sentence, or blank.
        secret: Base64; told once, when it is made; else blank.
    """

    id: str
    url: str
    events: tuple[str, ...]
    is_active: bool
    is_test: bool
    disabled_reason: str
    secret: str = field(repr=False, default="")


@dataclass(frozen=True, slots=True)
class Trial:
    """How the delivery of a test event went: the status of its answer if there was one, and what went wrong if so."""

    success: bool
    status: int | None
    problem: str


@dataclass(frozen=True, slots=True)
class Told:
    """What the API answered, as JSON; None where it has no body."""

    document: object


AdminMeaning = Told | Refused | Absent | Throttled | Denied | Unanswered | NeverLeft


def read_secret(text: str) -> bytes | None:
    """Read a secret as the API shows it; None where it cannot be one.

    >>> read_secret(" aW52ZW50ZWQgZm9yIHRlc3Rz "), read_secret("hunter2")
    (b'invented for tests', None)
    """
    try:
        secret = base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError):
        return None
    return secret if len(secret) >= SHORTEST_SECRET else None


def why_not_genuine(signature: str, body: bytes, secrets: Iterable[bytes], now: float) -> str | None:
    """Say why a delivery is not the API's; None where it is.

    Args:
        signature: The header `X-Debitura-Signature`: `t=<unix>,v1=<lowercase hex>`, with several `v1` while secrets are
            changed; what else it has is left aside.
        body: As it came.
        secrets: Any of them may have signed.
        now: Seconds since the epoch.
    """
    parts = [part.strip().partition("=") for part in signature.split(",")]
    stamps = [value for name, _, value in parts if name == "t"]
    given = [value for name, _, value in parts if name == "v1"]
    if len(stamps) != 1 or not _TIMESTAMP.fullmatch(stamps[0]) or not given:
        return "its signature is not of the form t=…,v1=…"
    signed = stamps[0].encode() + b"." + body
    own = [hmac.new(secret, signed, hashlib.sha256).hexdigest().encode() for secret in secrets]
    if not any(hmac.compare_digest(mine, value.encode()) for mine in own for value in given):
        return "no secret of ours made its signature"
    away = now - int(stamps[0])
    if abs(away) > TOLERANCE:
        side = "ago" if away > 0 else "ahead"
        return f"it was signed {abs(away):,.0f} s {side}: it is an old one sent again, or this machine's clock is wrong"
    return None


def read_event(body: bytes) -> Event | None:
    """Read the event of a genuine delivery; None where it has no id or no name, and so cannot be told from others.

    >>> read_event(b'{"id": "e", "event": "case.updated", "data": {"caseId": "c", "newLifecycle": "Paused"}}').lifecycle
    'Paused'
    """
    document = parse(body)
    if not isinstance(document, dict):
        return None
    id_, name = _word(document, "id"), _word(document, "event")
    if not id_ or not name:
        return None
    data = document.get("data")
    lifecycle = _word(data, "newLifecycle") or _word(data, "lifecycle")
    return Event(
        id=id_,
        name=name,
        case_id=_word(data, "caseId"),
        reference=_word(data, "reference"),
        happened_at=_seconds(document.get("timestamp")),
        lifecycle=lifecycle or (CLOSED if name == "case.closed" else ""),
        before=_word(data, "oldLifecycle"),
        close_code=_word(data, "closeCode") or None,
    )


def _word(document: object, name: str) -> str:
    value = document.get(name) if isinstance(document, dict) else None
    return value if isinstance(value, str) and len(value) <= LONGEST_WORD and value.isprintable() else ""


def _seconds(value: object) -> float | None:
    try:
        time = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    seconds = (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp()
    return seconds if seconds >= 0 else None


def read_admin(reply: Reply) -> AdminMeaning:  # noqa: PLR0911 - one return for each meaning
    """Tell what a reply to a request about subscriptions means."""
    match reply:
        case NeverLeft():
            return reply
        case Lost(reason):
            return Unanswered(reason)
        case Answer(401 | 403 as status, _, body):
            return Denied(status, first_message(body))
        case Answer(429):
            return Throttled(retry_after(reply))
        case Answer(404, _, body) if is_api_shaped(parse(body)):
            return Absent()
        case Answer(400 | 409 | 422, _, body) if faults := list(faults_of(parse(body))):
            said = "; ".join(dict.fromkeys(fault.message for fault in faults))
            return Refused(faults[0].code, said, faults[0].link, "row")
        case Answer(204):
            return Told(None)
        case Answer(200 | 201, _, body) if (document := parse(body)) is not None:
            return Told(document)
        case _:
            return Unanswered(f"it was answered {reply.status}")


def subscription_of(document: object) -> Subscription | None:
    """Read a subscription; None where the document is none."""
    if not isinstance(document, dict):
        return None
    id_, url, events = document.get("id"), document.get("url"), document.get("events")
    # The id becomes a part of paths and of file names.
    if not isinstance(id_, str) or not _ID.fullmatch(id_) or not isinstance(url, str):
        return None
    return Subscription(
        id=id_,
        url=url,
        events=tuple(map(str, events)) if isinstance(events, list) else (),
        is_active=document.get("isActive") is not False,
        is_test=document.get("isTestMode") is True,
        disabled_reason=str(document.get("disabledReason") or ""),
        secret=str(document.get("secret") or ""),
    )


def subscriptions_of(document: object) -> Sequence[Subscription] | None:
    """Read a list of subscriptions; None where it is not wholly one."""
    if not isinstance(document, list):
        return None
    read = [subscription_of(item) for item in document]
    found = [one for one in read if one]
    return found if len(found) == len(read) else None


def trial_of(document: object) -> Trial | None:
    """Read how a test delivery went; None where the document does not say."""
    if not isinstance(document, dict) or not isinstance(document.get("success"), bool):
        return None
    status = document.get("httpStatusCode")
    problem = str(document.get("errorMessage") or document.get("errorCategory") or "")
    return Trial(document["success"], status if isinstance(status, int) else None, problem)
