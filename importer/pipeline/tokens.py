"""Tokens for a partner's clients: asked for within the partner's own windows, renewed before they expire.

Source: https://docs.debitura.com/referral-partners/getting-started/authentication
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from importer.client import Client
from importer.errors import Stopped
from importer.pipeline.account import ask_again, credential_of
from importer.pipeline.pacing import steady_clock, throttle_of
from importer.protocol import Answer, request_id, told
from importer.protocol.tokens import Granted, Unlinked, read_token

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping

    from importer.journal import Connection, Journal
    from importer.journal.commits import Commits
    from importer.pipeline.account import Account, Api, Waiting
    from importer.protocol import Reply
    from importer.settings import Settings
    from importer.throttle import Throttle

    Change = Callable[[Connection], int | None]

MARGIN: Final = 60.0  # seconds before a token expires that the next one is asked for; a fifth of a short one's life


@dataclass(frozen=True, slots=True)
class Pass:
    """A token, and when it is to be renewed: seconds since the epoch."""

    granted: Granted
    renew_at: float


class Office:
    """Where the tokens of one partner come from; each request for one takes a turn, and is journaled.

    Args:
        api: The key is the partner's.
        partner: Whose windows count the requests.
        journal: Knows what left.
        settings: Of the command.
        waiting: Told why and until when a request has to wait.
        commits: Of the running sending; without it, nothing else writes.

    Attributes:
        waiting: As above.
    """

    def __init__(
        self,
        api: Api,
        partner: Account,
        journal: Journal,
        settings: Settings,
        *,
        waiting: Waiting,
        commits: Commits | None = None,
    ) -> None:
        self._api = replace(api, url=api.referral_url or "")
        self._partner = partner
        self._journal = journal
        self._settings = settings
        self._commits = commits
        self.waiting = waiting
        self._clock = steady_clock()
        self._throttle: Throttle = throttle_of(
            partner.id, journal, settings, self._clock, ahead=partner.ahead, waiting=waiting
        )

    async def grant(self, name: str) -> Pass | Unlinked:
        """Ask for a token for the client *name*.

        Raises:
            DeniedError: The partner's key is refused.
            Stopped: The API does not answer, or the day's requests are spent.
        """
        left_at = 0.0
        so_far = "what was sent is in the journal" if self._commits else "nothing was sent"

        async def ask() -> Reply:
            nonlocal left_at
            left_at = await self._throttle.turn()
            number = await self._make(
                lambda connection: self._journal.add_request(connection, self._partner.id, left_at, "token", None)
            )
            reply = await client.post("/oauth/token", json.dumps({"externalTenantId": name}).encode())
            named = request_id(reply) if isinstance(reply, Answer) else None
            await self._make(
                lambda connection: self._journal.end_request(connection, number or 0, self._clock(), told(reply), named)
            )
            return reply

        async with Client(self._api.url, self._api.key, timeout=self._settings.timeout) as client:
            asked: tuple[Granted | Unlinked, Reply] = await ask_again(
                ask, lambda reply: read_token(reply, name), self._throttle, self._api.host, so_far=so_far
            )
        found, _ = asked
        if isinstance(found, Unlinked):
            return found
        return Pass(found, left_at + found.seconds - min(MARGIN, found.seconds / 5))

    async def _make(self, change: Change) -> int | None:
        if self._commits:
            number: int | None = await self._commits.make(change)
            return number
        with self._journal.begin() as connection:
            return change(connection)


class Token:
    """One client's token while its cases are sent.

    Attributes:
        number: Which one it is, counted from 0.
    """

    def __init__(
        self,
        name: str,
        first: Pass,
        grant: Callable[[str], Awaitable[Pass | Unlinked]],
        use: Callable[[str], None],
        clock: Callable[[], float],
    ) -> None:
        self._name = name
        self._pass = first
        self._grant = grant
        self._use = use
        self._clock = clock
        self._stale = False
        self._failed: Stopped | None = None
        self._lock = asyncio.Lock()
        self.number = 0

    async def fresh(self) -> None:
        """Get the next one where this one is about to expire, or was refused.

        Raises:
            Stopped: There is none for this client any more, or it is another account's.
        """
        async with self._lock:
            if self._failed:  # all that were in flight ask, and one answer is for all of them
                raise self._failed
            if not self._stale and self._clock() < self._pass.renew_at:
                return
            try:
                self._pass = await self._next()
            except Stopped as error:
                self._failed = error
                raise
            self._stale = False
            self.number += 1
            self._use(self._pass.granted.token)

    async def _next(self) -> Pass:
        found = await self._grant(self._name)
        if isinstance(found, Unlinked):
            raise Stopped(tell_unlinked(found))
        if found.granted.creditor != self._pass.granted.creditor:
            raise Stopped("It is linked to another account now: submit its rows again.")
        return found

    def refuse(self, number: int) -> None:
        """Be told that the API does not accept token *number*."""
        self._stale = self._stale or number == self.number


def tell_unlinked(unlinked: Unlinked) -> str:
    """Say why a client's rows are not sent, and what to do."""
    return (
        f"Nothing is sent for it: {unlinked.reason}. Link it at Debitura, then `importer resume` goes on; "
        "if its name is wrong, mend that in the source and submit it again."
    )


def client_credential(api: Api, name: str, secret: bytes) -> str:
    """Return a keyed hash for all tokens that the partner's key gets for the client *name*."""
    return credential_of(replace(api, key=f"{api.key}\0{name}"), secret)


def grant_all(office: Office, names: Iterable[str]) -> Mapping[str, Pass | Unlinked]:
    """Ask for a token for each of *names*, outside of any event loop."""

    async def grant() -> dict[str, Pass | Unlinked]:
        return {name: await office.grant(name) for name in names}

    return asyncio.run(grant())
