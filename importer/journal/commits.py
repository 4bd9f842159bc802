"""Commits for many at once: what the requests in flight have to say goes to the disk in one transaction."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Self

from sqlalchemy.exc import IntegrityError

from importer.errors import JournalError

if TYPE_CHECKING:
    from collections.abc import Callable

    import sqlalchemy as sa

    from importer.journal import Journal

    Change = Callable[[sa.Connection], Any]


class Commits:
    """Makes changes from a running event loop, in a thread of its own; while one commit runs, the next one gathers."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._thread = ThreadPoolExecutor(1, "journal")
        self._gathered: list[tuple[Change, asyncio.Future[Any]]] = []
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
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._gathered.append((change, future))
        if self._flushing is None:
            self._flushing = asyncio.create_task(self._flush())
        return await future

    async def _flush(self) -> None:
        while self._gathered:
            batch, self._gathered = self._gathered, []
            changes = [change for change, _ in batch]
            results = await asyncio.get_running_loop().run_in_executor(self._thread, self._commit, changes)
            for (_, future), result in zip(batch, results, strict=True):
                if future.cancelled():
                    continue  # whoever asked for it has gone; it is made all the same
                if isinstance(result, Exception):
                    future.set_exception(result)
                else:
                    future.set_result(result)
        self._flushing = None

    def _commit(self, changes: list[Change]) -> list[Any]:
        try:
            with self._journal.begin() as connection:
                return [change(connection) for change in changes]
        except IntegrityError:
            if len(changes) == 1:
                return [JournalError("Another importer is sending one of these rows; let it end, then resume.")]
            return [self._commit([change])[0] for change in changes]
        except Exception as error:  # noqa: BLE001 - whoever asked for the change has to know
            return [error] * len(changes)
