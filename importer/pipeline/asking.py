"""Asks the API about an account's cases: within the windows, noted in the journal, again while no answer comes."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final, TypeVar

from importer.client import Client
from importer.errors import Stopped
from importer.pipeline.account import steady_clock, throttle_of
from importer.protocol import Answer, Denied, Throttled, Unanswered, request_id, told
from importer.submit import LONGEST_WAIT

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from importer.client import Query
    from importer.journal import Journal
    from importer.pipeline.account import Account, Api, Waiting
    from importer.protocol import Reply
    from importer.settings import Settings
    from importer.throttle import Throttle

PAUSES: Final = (0.0, 1.0, 2.0, 4.0, 8.0, 16.0)  # seconds before each try to get an answer

Meaning = TypeVar("Meaning")


class Asker:
    """Asks one question after the other, or several at once.

    Attributes:
        requests: How many have left.
    """

    def __init__(
        self, journal: Journal, account: str, client: Client, throttle: Throttle, clock: Callable[[], float]
    ) -> None:
        self._journal = journal
        self._account = account
        self._client = client
        self._throttle = throttle
        self._clock = clock
        self.requests = 0

    async def ask(
        self,
        kind: str,
        path: str,
        query: Query | None,
        read: Callable[[Reply], Meaning | Throttled | Denied | Unanswered],
    ) -> Meaning:
        """Ask until there is an answer that *read* can read; returns what it means.

        Args:
            kind: Of the request, as the journal calls it.
            path: Encoded already.
            query: Its parameters.
            read: Reads the answer.

        Raises:
            Stopped: The key does not allow it, the API cannot be asked, or the day's requests are spent.
        """
        reason = ""
        for pause in PAUSES:
            await asyncio.sleep(pause)
            match meaning := read(await self._request(kind, path, query)):
                case Denied(status, message):
                    raise Stopped(f"The API key does not allow to look for cases ({status}: {message}).")
                case Throttled(seconds):
                    reason = "it allows no more requests for now (429)"
                    if seconds is not None and seconds > LONGEST_WAIT:
                        break
                    self._throttle.pause(seconds or PAUSES[-1])
                case Unanswered(reason):
                    pass
                case _:
                    return meaning
        raise Stopped(f"The API's cases cannot be read: {reason}. Start again later; nothing is lost.")

    async def _request(self, kind: str, path: str, query: Query | None) -> Reply:
        left_at = await self._throttle.turn()
        with self._journal.begin() as connection:
            number = self._journal.add_request(connection, self._account, left_at, kind, None)
        left_at = self._throttle.depart()
        self.requests += 1
        reply = await self._client.get(path, query)
        named = request_id(reply) if isinstance(reply, Answer) else None
        with self._journal.begin() as connection:
            self._journal.end_request(connection, number, self._clock(), told(reply), named, left_at=left_at)
        return reply


@asynccontextmanager
async def asking(
    journal: Journal, account: Account, settings: Settings, api: Api, waiting: Waiting
) -> AsyncIterator[Asker]:
    """Connect to the API on behalf of *account*, whose sender's lock is held."""
    clock = steady_clock()
    throttle = throttle_of(account.id, journal, settings, clock, ahead=account.ahead, waiting=waiting)
    async with Client(api.url, api.key, header=api.header, timeout=settings.timeout) as client:
        yield Asker(journal, account.id, client, throttle, clock)
