"""Commits for many at once: what the requests in flight have to say goes to the disk in one transaction."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Self

from sqlalchemy.exc import IntegrityError

from importer.errors import JournalError
from importer.journal.tables import DROPPED, END_REQUEST, INSERT_REQUESTS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    import sqlalchemy as sa

    from importer.journal import Journal
    from importer.model import Departure, Ending

    Change = Callable[[sa.Connection], Any]
    Doing = Callable[[sa.Connection, Sequence[Any]], Sequence[Any]]  # notes many, and has a result for each


class Commits:
    """Makes changes from a running event loop, in a thread of its own; while one commit runs, the next one gathers."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._thread = ThreadPoolExecutor(1, "journal")
        self._gathered: list[tuple[tuple[Doing, Any], asyncio.Future[Any]]] = []
        self._flushing: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        try:
            if self._flushing:
                await self._flushing
        finally:
            # Even where this is cancelled, what is being committed is committed before anybody reads the journal.
            self._thread.shutdown()

    async def make(self, change: Change) -> Any:
        """Make *change*, and return what it returned once it is on the disk.

        Raises:
            JournalError: The journal cannot be written, or *change* would have a case in flight twice; the changes
                beside it are made all the same.
        """
        return await self._together(_each, change)

    async def leave(self, departure: Departure) -> int:
        """Note that a request leaves, and what it changes; returns its number once that is on the disk, as `make`."""
        number: int = await self._together(self._leave, departure)
        return number

    async def end(self, ending: Ending) -> None:
        """Note how a request ended, and what that changes; returns once that is on the disk, as `make`."""
        await self._together(self._end, ending)

    async def _together(self, doing: Doing, item: Any) -> Any:
        """Have *doing* note *item* together with those of others, as none of them are about the same row."""
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._gathered.append(((doing, item), future))
        if self._flushing is None:
            self._flushing = asyncio.create_task(self._flush())
        return await future

    async def _flush(self) -> None:
        while self._gathered:
            batch, self._gathered = self._gathered, []
            noted = [one for one, _ in batch]
            results = await asyncio.get_running_loop().run_in_executor(self._thread, self._commit, noted)
            for (_, future), result in zip(batch, results, strict=True):
                if future.cancelled():
                    continue  # whoever asked for it has gone; it is on the disk all the same
                if isinstance(result, Exception):
                    future.set_exception(result)
                else:
                    future.set_result(result)
        self._flushing = None

    def _commit(self, noted: list[tuple[Doing, Any]]) -> list[Any]:
        places: dict[Doing, list[int]] = {}
        for place, (doing, _) in enumerate(noted):
            places.setdefault(doing, []).append(place)
        results: dict[int, Any] = {}
        try:
            with self._journal.begin() as connection:
                for doing, alike in places.items():
                    found = doing(connection, [noted[place][1] for place in alike])
                    results.update(zip(alike, found, strict=True))
            return [results[place] for place in range(len(noted))]
        except IntegrityError:
            if len(noted) == 1:
                return [JournalError("Another importer is sending one of these rows; let it end, then resume.")]
            return [self._commit([one])[0] for one in noted]
        except Exception as error:  # noqa: BLE001 - whoever asked for the change has to know
            return [error] * len(noted)

    def _leave(self, connection: sa.Connection, departures: Sequence[Departure]) -> list[int]:
        self._change(connection, (change for one in departures for change in one.changes.items()))
        rows = [{"account": one.account, "left_at": one.at, "kind": one.kind, "case_pk": one.pk} for one in departures]
        numbers = {case: number for case, number in connection.execute(INSERT_REQUESTS, rows)}  # noqa: C416 - typed
        return [numbers[one.pk] for one in departures]

    def _end(self, connection: sa.Connection, endings: Sequence[Ending]) -> list[None]:
        rows = [
            {
                "at": one.number,
                "left": one.left_at,
                "ended_at": one.ended_at,
                "result": one.result,
                "request_id": one.request_id,
            }
            for one in endings
        ]
        connection.execute(END_REQUEST, rows)
        changes = (
            (pk, {**values, **DROPPED} if one.settles else values)
            for one in endings
            for pk, values in one.changes.items()
        )
        self._change(connection, changes)
        return [None] * len(endings)

    def _change(self, connection: sa.Connection, changes: Iterable[tuple[int, Mapping[str, object]]]) -> None:
        # Those of the same columns side by side, so that one statement serves them.
        self._journal.update_all(connection, sorted(changes, key=lambda change: tuple(change[1])))


def _each(connection: sa.Connection, changes: Sequence[Change]) -> list[Any]:
    return [change(connection) for change in changes]
