"""What a caller gets when a fault befalls its request: in place of the work, or in place of the answer."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from starlette.responses import Response

from importer.sandbox.answers import Answer, answer, tell_problem, throttle

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import Receive, Scope, Send

    from importer.sandbox.faults import Fault

CENTURIES: Final = 1e10  # seconds
SLICES: Final = 10  # of a body that trickles

CRASH: Final = answer(
    {"businessErrors": [{"type": "UnexpectedError", "message": "An unexpected error occurred.", "solutionUrl": None}]},
    500,
)
_FAILURES: Final[Mapping[str, Answer]] = {
    "fail-500": CRASH,
    "fail-502": Answer(502, b"<html><head><title>502 Bad Gateway</title></head></html>", "text/html"),
    "fail-503": Answer(503, b"", "text/plain"),
}


class HangUp(Response):
    """No answer: the connection is cut. The server puts the means into the connection's state."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - nothing is sent
        """Cut the connection and wait until the server has noticed."""
        scope["state"]["hang_up"]()
        await receive()


class Cut(Response):
    """The status, the headers, half of the body; then the connection is cut."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send half, and hang up."""
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        half = bytes(self.body[: len(self.body) // 2])
        await send({"type": "http.response.body", "body": half, "more_body": True})
        scope["state"]["hang_up"]()
        await receive()


class Trickle(Response):
    """The whole body, slowly."""

    def __init__(self, whole: Answer, seconds: float) -> None:
        super().__init__(whole.body, whole.status, media_type=whole.media)
        self._pause = seconds / SLICES

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - as every response
        """Send slice by slice."""
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        body = bytes(self.body)
        size = max(1, -(-len(body) // SLICES))
        for start in range(0, len(body), size):
            await asyncio.sleep(self._pause)
            await send({"type": "http.response.body", "body": body[start : start + size], "more_body": True})
        await send({"type": "http.response.body", "body": b""})


def answer_in_place_of_work(fate: Mapping[str, Fault]) -> Answer | Response | None:
    """Return what a request gets that is not worked on at all; None where it is."""
    throttled = next((fault for name, fault in fate.items() if name.startswith("throttle")), None)
    if throttled:
        asked = {"throttle": throttled.seconds, "throttle-zero": 0.0, "throttle-absurd": CENTURIES}
        header = throttled.seconds if throttled.name == "throttle-header" else None
        return throttle(asked.get(throttled.name), header=header)
    if "deny" in fate:
        return tell_problem(401, "The API key was revoked.")
    if "revoke-token" in fate:
        return tell_problem(401, "The token was revoked.")
    if "drop-request" in fate:
        return HangUp()
    if "lookups-fail" in fate:
        return _FAILURES["fail-503"]
    return next((failure for name, failure in _FAILURES.items() if name in fate), None)


def answer_in_place_of_answer(fate: Mapping[str, Fault], result: Answer) -> Answer | Response:
    """Return what the caller gets for the *result* of the work."""
    if "lose-answer" in fate:
        return HangUp()
    for name, failure in _FAILURES.items():
        if f"{name}-made" in fate:
            return failure
    if "garbled" in fate:
        return Answer(result.status, result.body[: len(result.body) // 2], result.media)
    if "truncated" in fate:
        return Cut(result.body, result.status, media_type=result.media)
    if "slow-body" in fate:
        return Trickle(result, fate["slow-body"].seconds)
    return result
