"""rebuild: the account's cases come back into a journal that was lost, or restored from a backup."""

from __future__ import annotations

import asyncio
import secrets
from collections import Counter
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Final

import schemas
from importer.journal.held import holders, ids_known
from importer.journal.tables import DROPPED
from importer.model import Case
from importer.pipeline.asking import asking
from importer.protocol import read_list
from schemas.creditors import is_complete

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from importer.client import Query
    from importer.journal import Connection, Journal
    from importer.pipeline.account import Account, Api
    from importer.pipeline.deliver import Watcher
    from importer.protocol import KnownCase, Listed
    from importer.settings import Settings
    from schemas import Target

PAGE_SIZE: Final = 100  # the most that the API gives
FOUND: Final = "It was found at the API by `importer journal rebuild`."
UNRESUMABLE: Final = "it is a rebuilding of the journal, and has no rows of its own"


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What a rebuilding found.

    Attributes:
        run: The run under which the journal has what was added.
        cases: How many cases the account has.
        added: Those that the journal did not know.
        in_doubt: Those that a run of the journal has in doubt, and will settle itself.
        without_reference: Those that no row can be recognised by.
    """

    run: str
    cases: int
    added: int
    in_doubt: int
    without_reference: int


def read_all(
    journal: Journal, account: Account, settings: Settings, api: Api, watcher: Watcher, *, client: str = ""
) -> Rebuilt:
    """Read all cases of *account* and note in *journal* those that it does not know; its sender's lock is held.

    A partner calls it *client*; else that is blank.

    Raises:
        Stopped: The key is refused, the day's requests are spent, or the API cannot be read; what was read is kept,
            and another rebuilding adds the rest.
    """
    target = schemas.load(settings.target)
    run = f"{datetime.now(UTC):%Y%m%d-%H%M%S}-rebuilt-{secrets.token_hex(2)}"
    with journal.begin() as connection:
        journal.add_run(
            connection,
            run,
            account=account.id,
            target=target.NAME,
            mode="live",
            resumable=False,
            summary={"sources": [], "unresumable": UNRESUMABLE},
        )
    seen: Counter[str] = Counter()

    async def read() -> None:
        async for page in pages(journal, account, settings, api, target.ENDPOINT, watcher):
            with journal.begin() as connection:
                seen.update(_add_page(journal, connection, page, run, account.id, target, seen["added"], client))

    asyncio.run(read())
    counts = {"rows": seen["added"], "created": seen["added"]}
    journal.end_run(
        run, exit_code=0, stopped=None, summary={"sources": [], "unresumable": UNRESUMABLE, "counts": counts}
    )
    return Rebuilt(run, seen["cases"], seen["added"], seen["in doubt"], seen["without reference"])


async def pages(
    journal: Journal, account: Account, settings: Settings, api: Api, endpoint: str, watcher: Watcher
) -> AsyncIterator[Listed]:
    """Yield the pages of the account's cases, newest first, so that what is made meanwhile hides none."""
    async with asking(journal, account, settings, api, watcher.waiting) as talk:
        for page in count(1):
            query: Query = {"Page": page, "PageSize": PAGE_SIZE, "Sort": "DateCreated:desc"}
            listed = await talk.ask("list", endpoint, query, partial(read_list, asked=page))
            yield listed
            if listed.last:
                return


def _add_page(
    journal: Journal,
    connection: Connection,
    page: Listed,
    run: str,
    account: str,
    target: Target,
    row: int,
    client: str,
) -> Counter[str]:
    """Add those of a page that the journal does not know, with row numbers from *row*; count what there was."""
    seen: Counter[str] = Counter()
    known = ids_known(connection, account, [case.id for case in page.cases])
    for mode in ("live", "test"):
        ours = [case for case in page.cases if case.is_test == (mode == "test")]
        held = holders(connection, account, target.NAME, mode, [case.creditor_reference or "" for case in ours])
        planned = []
        for case in ours:
            reference = case.creditor_reference or ""
            identity = ("" if target.GUARDED else case.creditor, reference)
            if not reference.strip() or not (target.GUARDED or is_complete(case.creditor)):
                seen["without reference"] += 1
            elif held.get(identity) == "sending":
                seen["in doubt"] += 1
            elif case.id not in known and identity not in held:
                held[identity] = "created"
                seen["added"] += 1
                made = _case(case, row + seen["added"], identity, guarded=target.GUARDED)
                planned.append((replace(made, client=client), _known(case)))
        journal.add_cases(connection, run, account=account, target=target.NAME, mode=mode, planned=planned)
    seen["cases"] += len(page.cases)
    return seen


def _case(case: KnownCase, row: int, identity: tuple[str, str], *, guarded: bool) -> Case:
    """Make of what the API tells a case of the journal; what nobody will send needs neither key nor body."""
    return Case(
        row=row,
        creditor=identity[0],
        reference=identity[1],
        has_reference=True,
        guarded=guarded,
        n=0,
        key="",
        body=b"",
        amount=case.amount or Decimal(0),
        currency=case.currency,
        group="",
        fingerprints={},
        debtor="",
        date=date.min,
    )


def _known(case: KnownCase) -> dict[str, object]:
    return {
        "status": "created",
        "case_id": case.id,
        "case_reference": case.reference,
        "lifecycle": case.lifecycle,
        "message": FOUND,
        **DROPPED,
    }
