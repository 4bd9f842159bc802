"""Requests that send no case: each takes a turn of the throttle, and is in the journal before it leaves."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, TypeVar

from importer.errors import Stopped
from importer.protocol import Answer, Denied, Throttled, Unanswered, request_id, told
from importer.submit import LONGEST_WAIT

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Awaitable, Callable, Sequence

    from importer.client import Client, Query
    from importer.journal import Journal
    from importer.protocol import Reply
    from importer.throttle import Throttle

Meaning = TypeVar("Meaning")
Item = TypeVar("Item")

PAUSES: Final = (0.0, 1.0, 2.0, 4.0, 8.0, 16.0)  # seconds before each try to get an answer


class Talk:
    """Speaks to the API on behalf of one account, whose sender's lock is held; one request at a time, or several.

    Attributes:
        clock: Seconds since the epoch.
        requests: Kind → how many have left.
    """

    def __init__(
        self,
        client: Client,
        journal: Journal,
        account: str,
        throttle: Throttle,
        clock: Callable[[], float],
        requests: Counter[str],
    ) -> None:
        self._client = client
        self._journal = journal
        self._account = account
        self._throttle = throttle
        self.clock = clock
        self.requests = requests

    async def request(
        self,
        kind: str,
        path: str,
        query: Query | None = None,
        *,
        method: str = "GET",
        body: bytes | None = None,
        leaves: Callable[[], None] = lambda: None,
    ) -> Reply:
        """Make one request.

        Args:
            kind: As the journal calls it.
            path: Encoded already.
            query: Its parameters.
            method: Of HTTP.
            body: What is sent.
            leaves: Is called as the request goes.

        Raises:
            Stopped: The day's requests are spent; nothing left.
        """
        left_at = await self._throttle.turn()
        with self._journal.begin() as connection:
            number = self._journal.add_request(connection, self._account, left_at, kind, None)
        left_at = self._throttle.depart()
        self.requests[kind] += 1
        leaves()
        if method == "GET":
            reply = await self._client.get(path, query)
        else:
            reply = await self._client.send(method, path, body)
        named = request_id(reply) if isinstance(reply, Answer) else None
        with self._journal.begin() as connection:
            self._journal.end_request(connection, number, self.clock(), told(reply), named, left_at=left_at)
        return reply

    async def ask(
        self,
        kind: str,
        path: str,
        query: Query | None,
        read: Callable[[Reply], Meaning | Throttled | Denied | Unanswered],
        *,
        method: str = "GET",
        body: bytes | None = None,
    ) -> Meaning:
        """Ask until there is an answer that *read* can read; returns what it means.

        Raises:
            Stopped: The key is refused, the limits are spent, or the API does not answer.
        """
        reason = ""
        for pause in PAUSES:
            await asyncio.sleep(pause)
            meaning = read(await self.request(kind, path, query, method=method, body=body))
            match meaning:
                case Denied():
                    raise denied(meaning)
                case Throttled(seconds):
                    self.hold_back(seconds)
                    reason = "it allows no more requests for now (429)"
                case Unanswered(said):
                    reason = said
                case answer:
                    return answer
        raise Stopped(f"The API cannot be asked: {reason}. Start again later; nothing is lost.")

    def hold_back(self, seconds: float | None) -> None:
        """Let everyone wait after a 429.

        Raises:
            Stopped: It would be for longer than the hour's window.
        """
        if seconds is not None and seconds > LONGEST_WAIT:
            raise Stopped("The API allows no more requests today (429). Start again tomorrow.")
        self._throttle.pause(seconds or PAUSES[-1])


def denied(meaning: Denied) -> Stopped:
    """Say that the key is refused, and what to do."""
    said = f": {meaning.message}" if meaning.message else ""
    what = "is not accepted" if meaning.status == 401 else "may not be used for this"  # noqa: PLR2004
    return Stopped(f"The API key {what} ({meaning.status}{said}). Mend it, and start again.")


async def for_each(items: Sequence[Item], work: Callable[[Item], Awaitable[None]], ceiling: int) -> None:
    """Do *work* for all *items*, at most *ceiling* of them at a time; the first exception ends all."""
    queue = iter(items)

    async def labour() -> None:
        for item in queue:
            await work(item)

    tasks = [asyncio.create_task(labour()) for _ in range(min(ceiling, len(items)))]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
