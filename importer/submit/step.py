"""One step of one case: its intent journaled, one request, the answer read, what it decides journaled."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar
from urllib.parse import quote

from importer.model import Departure, Ending
from importer.protocol import (
    Answer,
    Denied,
    Expired,
    Listed,
    api_date,
    read_list,
    read_lookup,
    read_post,
    request_id,
    told,
)
from importer.submit.decision import tell_part
from importer.submit.sending import Sending

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from importer.client import Client
    from importer.journal import Connection, Journal
    from importer.journal.commits import Commits
    from importer.model import Case, Status
    from importer.protocol import AskMeaning, ListMeaning, PostMeaning, Reply
    from importer.submit.decision import Decision, Follower

    Changes = Mapping[int, Mapping[str, object]]  # a row's number in the journal → its columns → what they become

PAGE_SIZE: Final = 100  # the most that the API gives
UNAUTHORIZED: Final = 401

M = TypeVar("M")


class Bearer(Protocol):
    """A token that is shown with each request, and lasts for a while."""

    @property
    def number(self) -> int:
        """Which of the tokens is shown now, counted from 0."""
        ...

    async def fresh(self) -> None:
        """Get the next one where this one is about to expire, or was refused.

        Raises:
            Stopped: There is none.
        """
        ...

    def refuse(self, number: int) -> None:
        """Be told that the API does not accept token *number*."""
        ...


class Step:
    """Does what the next request of a case is, and notes it before and after.

    Args:
        client: The API.
        journal: The record.
        commits: Its transactions.
        endpoint: The path that cases are posted to, and listed at.
        lookup: The path below which a case is looked up by its reference.
        account: Whose cases these are.
        credential: Keyed hash of the API key.
        rekey: Gives a case the key of its n-th run.
        clock: Seconds since the epoch.
        depart: Told that a request leaves; returns when that is.
        follow: Told the API's time whenever it sends one.
        api_time: What it told last, if it did; seconds since the epoch.
        bearer: What the client shows, where it expires.
    """

    def __init__(
        self,
        client: Client,
        journal: Journal,
        commits: Commits,
        *,
        endpoint: str,
        lookup: str,
        account: str,
        credential: str,
        rekey: Callable[[Case, int], Case],
        clock: Callable[[], float],
        depart: Callable[[], float],
        follow: Callable[[float], None],
        api_time: float | None,
        bearer: Bearer | None = None,
    ) -> None:
        self._client = client
        self._journal = journal
        self._commits = commits
        self._endpoint = endpoint
        self._lookup = lookup
        self._account = account
        self._credential = credential
        self._rekey = rekey
        self._clock = clock
        self._depart = depart
        self._follow = follow
        self._api_time = api_time
        self._bearer = bearer
        self._claimed: dict[str, int] = {}  # case id → the row that it was found for

    async def take(self, sending: Sending) -> tuple[PostMeaning | AskMeaning | ListMeaning | Expired, Decision]:
        """Do the next request of *sending*; returns what the answer means, and what it decides.

        Raises:
            JournalError: The journal cannot be written; nothing was sent that it does not know of.
            Stopped: There is no token to send it with.
        """
        if self._bearer:
            await self._bearer.fresh()
        if sending.asks:
            return await (self._list(sending) if sending.asks_by_list else self._look_up(sending))
        return await self._post(sending)

    async def _post(self, sending: Sending) -> tuple[PostMeaning | Expired, Decision]:
        now = self._clock()
        first = sending.since is None
        sending.leave(now if self._api_time is None else self._api_time)
        noted: dict[str, object] = {"status": "sending", "attempted_at": now, "attempts": sending.attempts}
        if first:
            noted |= {"since": sending.since, "sent_at": now, "credential": self._credential}

        changes = dict.fromkeys((sending.pk, *sending.parts), noted)
        number = await self._left("post", sending.pk, now, changes)
        while self._clock() - now > sending.patience.timeout:
            # The journal took so long that who finds this row after a crash would think the request over too early.
            now = self._clock()
            await self._commits.make(
                partial(self._journal.update, pk=sending.pk, parts=sending.parts, attempted_at=now)
            )
        left_at, shown = self._depart(), self._shown
        reply = await self._client.post(self._endpoint, sending.case.body, sending.case.key)
        meaning = self._admitted(read_post(reply), sending, shown)
        decision = sending.on_post(meaning, self._clock())
        await self._note(sending, number, left_at, reply, decision)
        return meaning, decision

    async def _look_up(self, sending: Sending) -> tuple[AskMeaning | Expired, Decision]:
        path = f"{self._lookup}/{quote(sending.case.reference, safe='')}"
        number = await self._left("look-up", sending.pk, self._clock())
        sending.ask(self._clock())
        left_at, shown = self._depart(), self._shown
        reply = await self._client.get(path)
        meaning = self._admitted(read_lookup(reply), sending, shown)
        decision = sending.on_ask(meaning, self._clock())
        await self._note(sending, number, left_at, reply, decision)
        return meaning, decision

    async def _list(self, sending: Sending) -> tuple[AskMeaning | ListMeaning | Expired, Decision]:
        number = await self._left("list", sending.pk, self._clock())
        query: dict[str, str | int] = {"Page": sending.page, "PageSize": PAGE_SIZE, "Sort": "DateCreated:desc"}
        sending.ask(self._clock())
        left_at, shown = self._depart(), self._shown
        reply = await self._client.get(self._endpoint, query)
        meaning = self._admitted(read_list(reply, sending.page), sending, shown)
        if isinstance(meaning, Listed):
            ids = [case.id for case in meaning.cases]
            owned: set[str] = await self._commits.make(
                lambda connection: self._journal.owned(connection, self._account, ids)
            )
            owned |= {id_ for id_, row in self._claimed.items() if row != sending.pk}
            decision = sending.on_list(meaning, owned, self._clock())
            if decision.status == "created":
                self._claimed[str(decision.values["case_id"])] = sending.pk
        else:
            decision = sending.on_ask(meaning, self._clock())
        await self._note(sending, number, left_at, reply, decision)
        return meaning, decision

    @property
    def _shown(self) -> int:
        return self._bearer.number if self._bearer else 0

    def _admitted(self, meaning: M, sending: Sending, shown: int) -> M | Expired:
        """Ask for a new token after a 401, unless it came for the new one, too: then none helps."""
        if not (self._bearer and isinstance(meaning, Denied) and meaning.status == UNAUTHORIZED):
            sending.expired = False
            return meaning
        if sending.expired and shown == self._bearer.number:
            return meaning
        self._bearer.refuse(shown)
        sending.expired = True
        return Expired()

    async def _left(self, kind: str, pk: int, now: float, changes: Changes | None = None) -> int:
        departure = Departure(self._account, now, kind, pk, changes or {})
        return await self._commits.leave(departure)

    async def _note(self, sending: Sending, number: int, left_at: float, reply: Reply, decision: Decision) -> None:
        """Put on the disk how the request ended, and what that decides."""
        now = self._clock()
        result = told(reply)
        # A 5xx may be a gateway's own, and tell the gateway's time.
        api_time = api_date(reply) if isinstance(reply, Answer) and reply.status < 500 else None  # noqa: PLR2004
        if api_time is not None:
            self._api_time = api_time
            self._follow(api_time)

        named = request_id(reply) if isinstance(reply, Answer) else None
        values = {"status": decision.status, **decision.values} if decision.status else decision.values
        changes = dict.fromkeys((sending.pk, *sending.parts), values) if values else {}
        for part in sending.parts if decision.status == "duplicate" else ():
            message = tell_part(sending.case.reference, shown="case_id" in decision.values)
            changes[part] = {**values, "message": message}
        ending = Ending(number, left_at, now, result, named, changes, settles=decision.status is not None)
        await self._commits.end(ending)

    async def release(self, sending: Sending, follower: Follower, decision: Decision) -> Status | Sending:
        """Decide for a case that waited for *sending*: its status, or what is to be sent now."""
        parts = tuple(pk for pk, _ in follower.parts)
        if decision.status == "rejected":
            case = self._rekey(follower.case, max(sending.case.n, follower.case.n) + 1)
            await self._commits.make(
                lambda connection: self._journal.update(
                    connection, follower.pk, parts=parts, status="planned", n=case.n, key=case.key
                )
            )
            return Sending(follower.pk, case, sending.test, sending.patience, parts=parts)
        status: Status = "duplicate" if decision.status == "duplicate" else "already-imported"
        told = dict([(follower.pk, follower.message), *follower.parts])
        own = status == "already-imported"

        def settle(connection: Connection) -> None:
            for pk, message in told.items():
                values: dict[str, Any] = {**decision.values, **({"message": message} if own else {})}
                if not own and (pk != follower.pk or follower.case.reference != sending.case.reference):
                    values["message"] = tell_part(sending.case.reference, shown="case_id" in values)
                self._journal.settle(connection, pk, status, **values)

        await self._commits.make(settle)
        return status
