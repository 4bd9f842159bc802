"""find --remote: a case by any of its identifiers, as the API has it now.

Source: https://docs.debitura.com/developer-concepts/case-identifiers
"""

from __future__ import annotations

import asyncio
import re
from contextlib import closing
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from importer.journal import Journal
from importer.pipeline.asking import asking, readable
from importer.pipeline.parties import name_clients, sending_parties
from importer.pipeline.rebuild import pages
from importer.protocol import Found, read_lookup, survives_path

if TYPE_CHECKING:
    from collections.abc import Iterator

    from importer.pipeline.account import Account, Api
    from importer.pipeline.deliver import Watcher
    from importer.protocol import KnownCase
    from importer.settings import Settings
    from importer.talk import Talk
    from schemas import Reading

_UUID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE | re.ASCII)
_REFERENCE: Final = re.compile(r"[A-Z0-9]{8}", re.IGNORECASE | re.ASCII)


def find_remote(
    value: str, settings: Settings, api: Api, *, client: str | None = None, watcher: Watcher, wait: bool = False
) -> list[KnownCase]:
    """Ask the API for the case with this id, Debitura reference or creditor reference.

    Raises:
        CannotStart: The journal is busy, the target's cases cannot be asked about, or the key is a partner's and no
            client is named.
        Stopped: The API does not accept the key, or cannot be asked.
    """
    readable(settings.target)
    named = name_clients(api, client)
    with (
        closing(Journal.open(settings.journal, settings.locks)) as journal,
        sending_parties(api, settings, journal, named, wait=wait, waiting=watcher.waiting) as parties,
    ):
        party = parties.only(client or "")
        return look_for(value, journal, party.account, settings, party.api, watcher)


def look_for(
    value: str, journal: Journal, account: Account, settings: Settings, api: Api, watcher: Watcher
) -> list[KnownCase]:
    """Ask the API for the case that *value* identifies; the sender's lock of *account* is held.

    A UUID can only be an id. Eight letters and digits may be Debitura's reference, and if they are none, the
    creditor's. A creditor reference that does not survive a path is looked for in the list of all cases.

    Raises:
        SettingsError: Cases of the settings' target cannot be asked about.
        Stopped: The API cannot be asked.
    """
    return asyncio.run(_look_for(value, journal, account, settings, api, watcher))


async def _look_for(
    value: str, journal: Journal, account: Account, settings: Settings, api: Api, watcher: Watcher
) -> list[KnownCase]:
    target, reading = readable(settings.target)
    async with asking(journal, account, settings, api, watcher.waiting) as talk:
        for path in _paths(value, reading, target.LOOKUP):
            if found := await _ask(talk, path):
                return [found]
    if _UUID.fullmatch(value) or (target.LOOKUP and survives_path(value)):
        return []
    found_in_list = []
    async for page in pages(journal, account, settings, api, target.ENDPOINT, watcher):
        found_in_list += [case for case in page.cases if case.creditor_reference == value]
        if found_in_list and target.GUARDED:
            break
    return found_in_list


def _paths(value: str, reading: Reading, lookup: str) -> Iterator[str]:
    if _UUID.fullmatch(value):
        yield f"{reading.by_id}/{value.lower()}"
        return
    if reading.by_reference and _REFERENCE.fullmatch(value):
        yield f"{reading.by_reference}/{value.upper()}"
    if lookup and survives_path(value):
        yield f"{lookup}/{quote(value, safe='')}"


async def _ask(talk: Talk, path: str) -> KnownCase | None:
    answer = await talk.ask("look-up", path, None, read_lookup)
    return answer.case if isinstance(answer, Found) else None
