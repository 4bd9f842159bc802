"""rebuild: the account's cases come back into a journal that was lost, or restored from a backup."""

from __future__ import annotations

import asyncio
import secrets
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Final

import schemas
from importer import messages
from importer.bundle import BUCKETS
from importer.journal import Journal
from importer.journal.held import holders, ids_known, ids_sent
from importer.journal.tables import DROPPED
from importer.model import Case, read_invoices
from importer.pipeline.asking import asking, readable
from importer.pipeline.parties import name_clients, sending_parties
from importer.protocol import read_list
from schemas.creditors import is_complete

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from importer.client import Query
    from importer.journal import Connection
    from importer.model import Invoice
    from importer.pipeline.account import Account, Api
    from importer.pipeline.deliver import Watcher
    from importer.protocol import KnownCase, Listed
    from importer.settings import Settings
    from schemas import Target

PAGE_SIZE: Final = 100  # the most that the API gives
OTHER_RUN: Final = 0  # no row of a run: that of a part whose first invoice is in another one
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
        invoices: How many further invoices of cases of several were added.
        incomplete: Names of the cases that have, or may have, further invoices that are not known: submitting these
            would make second cases of them.
    """

    run: str
    cases: int
    added: int
    in_doubt: int
    without_reference: int
    invoices: int
    incomplete: tuple[str, ...]

    @property
    def exit_code(self) -> int:
        """Return 1 where something is left for people to see to."""
        return 1 if self.incomplete else 0


def rebuild(
    settings: Settings, api: Api, *, client: str | None = None, watcher: Watcher, wait: bool = False
) -> Rebuilt:
    """Note in the journal the cases that the account, or a partner's client's, has and the journal does not know.

    Raises:
        CannotStart: The journal is busy, the target makes no cases, or the key is a partner's and no client is named.
        Stopped: The API does not accept the key, or cannot be read to the end.
    """
    readable(settings.target)
    named = name_clients(api, client)
    with (
        closing(Journal.open(settings.journal, settings.locks)) as journal,
        sending_parties(api, settings, journal, named, wait=wait, waiting=watcher.waiting) as parties,
    ):
        party = parties.only(client or "")
        return read_all(journal, party.account, settings, party.api, watcher, client=client or "")


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
    rebuilding = _Rebuilding(journal, run, account.id, target, client)

    async def read() -> None:
        async for page in pages(journal, account, settings, api, target.ENDPOINT, watcher):
            with journal.begin() as connection:
                rebuilding.add_page(connection, page)

    asyncio.run(read())
    seen, incomplete = rebuilding.seen, tuple(rebuilding.incomplete)
    found = Rebuilt(
        run, seen["cases"], seen["added"], seen["in doubt"], seen["without reference"], seen["invoices"], incomplete
    )
    counts = {"rows": seen["rows"], "created": seen["rows"]}
    summary = {"sources": [], "unresumable": UNRESUMABLE, "counts": counts}
    journal.end_run(run, exit_code=found.exit_code, stopped=None, summary=summary)
    return found


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


class _Rebuilding:
    """Adds to *journal*, as rows of *run*, what it does not know of the cases of *account*.

    Attributes:
        seen: How much of each kind there was.
        incomplete: Names of cases of several invoices of which not all are known.
    """

    def __init__(self, journal: Journal, run: str, account: str, target: Target, client: str) -> None:
        self._journal = journal
        self._run = run
        self._account = account
        self._target = target
        self._client = client
        self._bundles = set(BUCKETS) <= set(target.FIELDS)
        self.seen: Counter[str] = Counter()
        self.incomplete: list[str] = []

    def add_page(self, connection: Connection, page: Listed) -> None:
        """Add those of a page that the journal does not know."""
        ids = [case.id for case in page.cases]
        known, sent = ids_known(connection, self._account, ids), ids_sent(connection, self._account, ids)
        for mode in ("live", "test"):
            ours = [case for case in page.cases if case.is_test == (mode == "test")]
            invoices = {case.id: self._read(case) if case.id not in sent else () for case in ours}
            references = {case.creditor_reference or "" for case in ours}
            references |= {one.reference for of_one in invoices.values() for one in of_one or ()}
            identity = {"account": self._account, "target": self._target.NAME, "mode": mode}
            held = holders(connection, **identity, references=references)
            planned = [
                (row, _known(case, complete=invoices[case.id] is not None))
                for case in ours
                for row in self._rows(case, invoices[case.id], held, known=case.id in known)
            ]
            self._journal.add_cases(connection, self._run, **identity, planned=planned)
        self.seen["cases"] += len(page.cases)

    def _read(self, case: KnownCase) -> tuple[Invoice, ...] | None:
        if not self._bundles:
            return ()
        return read_invoices(case.comments, case.creditor_reference or "", case.amount, case.currency.upper())

    def _rows(
        self, case: KnownCase, invoices: tuple[Invoice, ...] | None, held: dict[tuple[str, str], str], *, known: bool
    ) -> Iterator[Case]:
        """Yield what is to be added of a case and of its further *invoices*, and note in *held* that it will be."""
        reference = case.creditor_reference or ""
        creditor = "" if self._target.GUARDED else case.creditor
        status = held.get((creditor, reference))
        recognised = bool(reference.strip()) and (self._target.GUARDED or is_complete(creditor))
        missing = []
        if not recognised:
            self.seen["without reference"] += 1
        elif status == "sending":
            self.seen["in doubt"] += 1
        elif not known and status is None:
            self.seen["added"] += 1
            missing.append((reference, case.amount or Decimal(0)))
        # One that is in doubt as a part of another request could be sent after all.
        doubtful = status != "sending" and any(
            held.get((creditor, one.reference)) == "sending" for one in invoices or ()
        )
        if doubtful or (invoices is None and status != "sending"):
            self.incomplete.append(reference.strip() or case.reference)
        further = [one for one in (invoices or ())[1:] if (creditor, one.reference) not in held]
        self.seen["invoices"] += len(further)
        missing += [(one.reference, one.amount) for one in further]
        elsewhere = bool(further) and len(missing) == len(further)  # its first invoice is a row of another run
        lead = None if invoices == () else OTHER_RUN if elsewhere else self.seen["rows"] + 1
        for name, amount in missing:
            self.seen["rows"] += 1
            held[creditor, name] = "created"
            added = _case(case, self.seen["rows"], (creditor, name), guarded=self._target.GUARDED)
            yield replace(added, amount=amount, bundle=lead, client=self._client)


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
        amount=Decimal(0),
        currency=case.currency,
        group="",
        fingerprints={},
        debtor="",
        date=date.min,
    )


def _known(case: KnownCase, *, complete: bool) -> dict[str, object]:
    return {
        "status": "created",
        "case_id": case.id,
        "case_reference": case.reference,
        "lifecycle": case.lifecycle,
        "message": (messages.FOUND if complete else messages.INCOMPLETE).say(),
        **DROPPED,
    }
