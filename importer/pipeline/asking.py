"""Opens a talk with the API about an account's cases, where the target's cases can be asked about."""

from __future__ import annotations

from collections import Counter
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import schemas
from importer.client import Client
from importer.errors import SettingsError
from importer.pipeline.pacing import steady_clock, throttle_of
from importer.talk import Talk

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from importer.journal import Journal
    from importer.pipeline.account import Account, Api, Waiting
    from importer.settings import Settings
    from schemas import Reading, Target


def readable(name: str) -> tuple[Target, Reading]:
    """Return the target called *name*, and how its cases are read.

    Raises:
        SettingsError: They cannot be.
    """
    target = schemas.load(name)
    if target.READING is None:
        raise SettingsError(f"The API cannot be asked about cases of the target `{name}`.")
    return target, target.READING


@asynccontextmanager
async def asking(
    journal: Journal,
    account: Account,
    settings: Settings,
    api: Api,
    waiting: Waiting,
    requests: Counter[str] | None = None,
) -> AsyncIterator[Talk]:
    """Connect to the API on behalf of *account*, whose sender's lock is held; *requests* are those of earlier talks."""
    clock = steady_clock()
    throttle = throttle_of(account.id, journal, settings, clock, ahead=account.ahead, waiting=waiting)
    async with Client(api.url, api.key, header=api.header, timeout=settings.timeout) as client:
        yield Talk(client, journal, account.id, throttle, clock, Counter() if requests is None else requests)
