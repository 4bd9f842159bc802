"""Writes the API's answers, in each of the envelopes that its documents show.

Source: https://docs.debitura.com/developer-concepts/error-handling
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import TYPE_CHECKING, Final
from uuid import uuid4

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ENCODER: Final = msgspec.json.Encoder(decimal_format="number")  # money goes out as exact as it came in

_TROUBLE: Final = "Too many requests. Please try again later or contact support if you need higher limits."
_SECTIONS: Final = {400: "15.5.1", 401: "15.5.2", 403: "15.5.4", 415: "15.5.16"}


@dataclass(frozen=True, slots=True)
class Answer:
    """A status and a JSON body."""

    status: int
    body: bytes
    media: str = "application/json; charset=utf-8"
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class BusinessError:
    """One entry of `businessErrors`."""

    type: str
    message: str
    solution_url: str | None = None

    def to_json(self) -> dict[str, str | None]:
        """Return it as the API writes it."""
        return {"type": self.type, "message": self.message, "solutionUrl": self.solution_url}


def answer(document: object, status: int = 200) -> Answer:
    """Answer with any document."""
    return Answer(status, ENCODER.encode(document))


def refuse_fields(messages: Mapping[str, Sequence[str]]) -> Answer:
    """Answer 400 as a bare dictionary, field → messages."""
    return answer(messages, 400)


def refuse(status: int, label: str, message: str, kind: str | None = None) -> Answer:
    """Answer with a label, a message and the same as a business error, of type *kind* where that is not the label."""
    error = BusinessError(kind or label, message)
    return answer({"error": label, "message": message, "businessErrors": [error.to_json()]}, status)


def refuse_business(errors: Sequence[BusinessError], signing_url: str | None = None) -> Answer:
    """Answer 422 with business errors, and with the link under which everything is signed."""
    handoff = {"combinedSigningUrl": signing_url} if signing_url else None
    return answer({"businessErrors": [error.to_json() for error in errors], "signingHandoff": handoff}, 422)


def tell_problem(status: int, detail: str | None = None, errors: Mapping[str, Sequence[str]] | None = None) -> Answer:
    """Answer with problem details (RFC 9457), as the server's framework writes them."""
    document: dict[str, object] = {
        "type": f"https://tools.ietf.org/html/rfc9110#section-{_SECTIONS[status]}",
        "title": "One or more validation errors occurred." if errors else HTTPStatus(status).phrase,
        "status": status,
        "traceId": f"00-{uuid4().hex}-{uuid4().hex[:16]}-00",
    }
    document |= {"detail": detail} if detail else {}
    document |= {"errors": errors} if errors else {}
    return Answer(status, ENCODER.encode(document), "application/problem+json; charset=utf-8")


def throttle(seconds: float | None, *, header: float | None = None) -> Answer:
    """Answer 429; the wait is in the body: the API's newest documents know no `Retry-After` header."""
    wait = {} if seconds is None else {"retryAfter": round(seconds, 3)}
    refusal = answer({"error": "rate_limit_exceeded", "message": _TROUBLE, **wait}, 429)
    return refusal if header is None else replace(refusal, headers={"Retry-After": f"{header:g}"})
