"""Delivers events, signed, and again while nobody takes them; to this machine alone, so that none leaves it.

Source: https://docs.debitura.com/clients/integration-guides/webhooks
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import os
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from importer.sandbox.outbox import Outcome

if TYPE_CHECKING:
    import aiohttp

    from importer.sandbox.outbox import Letter, Outbox

PATIENCE: Final = 10.0  # seconds for an answer
AT_ONCE: Final = 16
SUCCESS: Final = range(200, 300)
LOOPBACK: Final = ("127.0.0.1", "::1", "localhost")


class Sender:
    """Brings what is in *outbox* to its receivers; all of it in one event loop."""

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox
        self._due = asyncio.Event()
        self._flying: dict[str, asyncio.Task[None]] = {}
        self._http: aiohttp.ClientSession | None = None
        outbox.wake = self._due.set

    async def run(self) -> None:
        """Deliver for as long as the server runs."""
        while True:
            self._due.clear()
            wait = self._dispatch()
            with suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await self._due.wait()

    async def finish(self, patience: float) -> None:
        """Deliver what is due, for *patience* seconds at most; what is left is kept for the next server."""
        with suppress(TimeoutError):
            async with asyncio.timeout(patience):
                self._dispatch()
                while self._flying:
                    await asyncio.wait(self._flying.values(), return_when=asyncio.FIRST_COMPLETED)
                    self._dispatch()
        for task in self._flying.values():
            task.cancel()
        await asyncio.gather(*self._flying.values(), return_exceptions=True)
        if self._http:
            await self._http.close()

    def _dispatch(self) -> float | None:
        """Begin what is due; returns after how many seconds there is more, None where nothing waits for its time."""
        for letter in self._outbox.waiting(2 * AT_ONCE):
            if letter.id in self._flying:
                continue
            if len(self._flying) >= AT_ONCE:
                return None  # whichever ends wakes the next
            if wait := self._outbox.wait_of(letter):
                return wait
            self._flying[letter.id] = asyncio.create_task(self._deliver(letter))
        return None

    async def _deliver(self, letter: Letter) -> None:
        try:
            outcome = await self.send(
                letter.url, letter.secret, letter.event, letter.payload, is_replay=letter.is_replay
            )
            self._outbox.note(letter, outcome)
        finally:
            del self._flying[letter.id]
            self._due.set()

    async def send(self, url: str, secret: str, event: str, payload: bytes, *, is_replay: bool = False) -> Outcome:
        """Make one attempt."""
        if urlsplit(url).hostname not in LOOPBACK:
            return Outcome(None, "The sandbox delivers to this machine alone.", 0, "NetworkError")
        stamp = str(int(self._outbox.clock()))
        digest = hmac.new(base64.b64decode(secret), f"{stamp}.".encode() + payload, hashlib.sha256).hexdigest()
        headers = {
            "Content-Type": "application/json",
            "X-Debitura-Signature": f"t={stamp},v1={digest}",
            "X-Debitura-Timestamp": stamp,
            "X-Debitura-Event": event,
            **({"X-Debitura-Replay": "true"} if is_replay else {}),
        }
        os.environ.pop("SSLKEYLOGFILE", None)  # aiohttp opens that file as it is loaded, or fails
        import aiohttp  # noqa: PLC0415 - a fifth of a second, for those alone who take webhooks

        self._http = self._http or aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar())
        began = time.monotonic()
        try:
            async with (
                asyncio.timeout(PATIENCE),
                self._http.post(url, data=payload, headers=headers, allow_redirects=False) as answer,
            ):
                await answer.read()
        except TimeoutError:
            return Outcome(None, f"No answer within {PATIENCE:g} s.", _since(began), "TimeoutError")
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return Outcome(None, str(error) or type(error).__name__, _since(began), "NetworkError")
        problem = None if answer.status in SUCCESS else f"The receiver answered {answer.status}."
        return Outcome(answer.status, problem, _since(began), "HttpError" if problem else None)


def _since(began: float) -> int:
    return round((time.monotonic() - began) * 1000)
