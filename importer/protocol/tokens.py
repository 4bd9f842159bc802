"""What an answer to a request for a client's token means.

Source: https://docs.debitura.com/referral-partners/getting-started/authentication
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from importer.protocol import read_any
from importer.protocol.envelopes import first_message, is_api_shaped, parse
from importer.protocol.meaning import Answer, Denied, Reply, Throttled, Unanswered

LIFETIME: Final = 1800.0  # seconds, where the answer does not say
LONGEST: Final = 10**6  # seconds; more is taken for none that was said


@dataclass(frozen=True, slots=True)
class Granted:
    """A token for a client.

    Attributes:
        token: A secret.
        seconds: How long it is good.
        creditor: The id of the client's account.
    """

    token: str = field(repr=False)
    seconds: float
    creditor: str


@dataclass(frozen=True, slots=True)
class Unlinked:
    """The API gives no token for this client, and says why."""

    reason: str


def read_token(reply: Reply, client: str) -> Granted | Unlinked | Throttled | Denied | Unanswered:
    """Read the answer to `POST /oauth/token` for *client*; a 404 that is not the API's own says nothing."""
    match read_any(reply):
        case Answer(200, _, body):
            return _read_granted(parse(body), client)
        case Answer(404, _, body) if is_api_shaped(parse(body)):
            return Unlinked(f"the partner key has no active link to it (404: {_sentence(body)})")
        case Answer(400 | 409 | 422 as status, _, body) if first_message(body):
            return Unlinked(f"the API gives no token for it ({status}: {_sentence(body)})")
        case Answer(status):
            return Unanswered(f"a request for a token was answered {status}")
        case other:
            return other


def _sentence(body: bytes) -> str:
    return first_message(body).rstrip(".") or "no reason given"


def _read_granted(document: object, client: str) -> Granted | Unanswered:
    if not isinstance(document, dict) or document.get("externalTenantId", client) != client:
        return Unanswered("the answer to a request for a token could not be read")
    token, creditor, seconds = (document.get(name) for name in ("accessToken", "creditorId", "expiresIn"))
    if not (isinstance(token, str) and token.isascii() and token.isprintable() and token.strip()):
        return Unanswered("the answer to a request for a token has none")
    if not (isinstance(creditor, str) and creditor):
        return Unanswered("the answer to a request for a token does not say whose it is")
    known = isinstance(seconds, int | Decimal) and not isinstance(seconds, bool) and 0 < seconds < LONGEST
    return Granted(token, float(str(seconds)) if known else LIFETIME, creditor)
