"""The requests of `importer references`: what is looked up, and what is changed."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING

from importer.errors import Interrupted
from importer.partner.changing import Changes, Operation
from importer.partner.looking import find_holders, look
from importer.pipeline.asking import asking
from importer.pipeline.deliver import interruptible

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractAsyncContextManager

    from importer.journal import Journal
    from importer.partner.changing import Task
    from importer.partner.wish import Known, Outcome, Wish
    from importer.pipeline.account import Account, Api
    from importer.pipeline.deliver import Watcher
    from importer.protocol import KnownCase
    from importer.settings import Settings
    from importer.talk import Talk


class Errands:
    """The requests of one command.

    Attributes:
        requests: Kind → how many there were.
        outcomes: What became of tasks, also where the changes came to no good end.
    """

    def __init__(self, journal: Journal, account: Account, settings: Settings, api: Api) -> None:
        self._journal = journal
        self._account = account
        self._settings = settings
        self._api = api
        self.requests: Counter[str] = Counter()
        self.outcomes: dict[int, Outcome] = {}

    def look(self, wishes: Sequence[Wish], watcher: Watcher) -> dict[int, Known]:
        """Look up the case of each of *wishes*: row → what is known of it."""

        async def run() -> dict[int, Known]:
            async with self._talk(watcher) as talk:
                return await look(talk, wishes, self._settings.concurrency)

        return asyncio.run(run())

    def find(self, references: Sequence[str], watcher: Watcher) -> dict[str, KnownCase]:
        """Return partner reference → the case that the API names for it."""

        async def run() -> dict[str, KnownCase]:
            async with self._talk(watcher) as talk:
                return await find_holders(talk, references, self._settings.concurrency)

        return asyncio.run(run())

    def change(self, tasks: Sequence[Task], watcher: Watcher) -> None:
        """Carry out *tasks*; `outcomes` tells what became of them, however it ends.

        Raises:
            Stopped: It ended before its end.
            Interrupted: By the user.
        """
        if not tasks:
            return
        watcher.begin(len(tasks))

        async def run() -> None:
            async with self._talk(watcher) as talk:
                changes = Changes(
                    talk,
                    operation=_operation(self._settings),
                    settle_after=self._settings.settle_after,
                    observe=watcher.settled,
                )
                self.outcomes = changes.outcomes
                with interruptible([changes], watcher):
                    await changes.carry_out(tasks, self._settings.concurrency)

        try:
            asyncio.run(run())
        except asyncio.CancelledError:
            raise Interrupted("Interrupted at once; what was in flight is unknown.") from None

    def _talk(self, watcher: Watcher) -> AbstractAsyncContextManager[Talk]:
        return asking(self._journal, self._account, self._settings, self._api, watcher.waiting, self.requests)


def _operation(settings: Settings) -> Operation | None:
    method, _, path = settings.reference_path.partition(" ")
    return Operation(method, path) if path else None
