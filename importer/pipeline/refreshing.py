"""refresh: where cases stand now, asked a hundred at a time, and what changed since they were last asked about."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections import deque
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Final

from importer.errors import CannotStart, ImporterError, RunError, Stopped
from importer.journal import Journal
from importer.journal.following import count_left_out, follow, note
from importer.model import NOT_FOUND, Line, Standing, StatusReport, compare, split_row_key
from importer.pipeline.account import credential_of
from importer.pipeline.asking import asking, readable
from importer.pipeline.parties import name_clients, sending_parties
from importer.pipeline.reporting import make_folder
from importer.protocol.standings import read_standing, read_standings
from importer.report import status as workbook

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from importer.client import Query
    from importer.journal.following import Followed
    from importer.pipeline.account import Account, Api
    from importer.pipeline.deliver import Watcher
    from importer.settings import Settings
    from importer.talk import Talk
    from schemas import Reading

BATCH: Final = 100  # ids asked about at once: the largest page that the API gives
IN_FLIGHT: Final = 8  # requests; the windows set the pace, and more are not needed to keep it


@dataclass(frozen=True, slots=True)
class Scope:
    """Which cases are wanted: those of runs, or those that the account's runs of a period made.

    Attributes:
        of_runs: Ids of runs.
        since: Of runs that began then or later, seconds since the epoch.
        until: Of runs that began before, seconds since the epoch.
        only_open: Leave out what is closed.
        again: Ask about what is settled, too.
        title: What that is to people.
    """

    of_runs: tuple[str, ...] = ()
    since: float | None = None
    until: float | None = None
    only_open: bool = False
    again: bool = False
    title: str = ""


@dataclass(frozen=True, slots=True)
class Refreshed:
    """What a refresh found.

    Attributes:
        report: The status workbook, where there is one.
        status: What is in it.
        left_out: Cases of other accounts and targets that the scope would have, were they this key's.
    """

    report: Path | None
    status: StatusReport
    left_out: int = 0


def refresh(
    scope: Scope,
    settings: Settings,
    api: Api,
    *,
    client: str | None = None,
    watcher: Watcher,
    wait: bool = False,
    written: bool = True,
) -> Refreshed:
    """Ask where the cases of *scope* stand, write the status workbook, and note what changed.

    What changed is noted after it was told: a crash in between tells it again, and never keeps it to itself.

    Raises:
        CannotStart: There is no such run, it is another account's, its cases cannot be asked about, the journal is
            busy, or the key is a partner's and no *client* is named.
        Stopped: The key is not accepted, or the API cannot be reached.
    """
    named = name_clients(api, client)
    with closing(Journal.open(settings.journal, settings.locks, create=False)) as journal:
        account_id, target = _whose(journal, scope, settings, api)
        _, reading = readable(target)
        if account_id is not None and not named:
            # Where nothing is left to be asked, not even whose key it is needs to be.
            followed = _select(journal, account_id, target, scope)
            if not _due(followed, scope):
                return _finish(
                    journal, account_id, target, scope, settings, _tell(followed, {}, scope), written=written
                )
        of_run = account_id if scope.of_runs else None
        with sending_parties(
            api, settings, journal, named, of_run=of_run, wait=wait, waiting=watcher.waiting
        ) as parties:
            party = parties.only(client or "")
            account = party.account
            followed = _select(journal, account.id, target, scope)
            due = _due(followed, scope)
            if written:
                make_folder(settings.reports)  # before anything is asked that could not be told
            watcher.begin(len(due))
            told, requests, stopped = asyncio.run(
                _ask_all(due, journal, account, settings, party.api, reading, watcher)
            )
            asked_who = 1 + 2 * len(named)  # whose key it is; of a client its token, and whose that is
            status = replace(
                _tell(followed, told, scope), account=account.title, requests=requests + asked_who, stopped=stopped
            )
            return _finish(journal, account.id, target, scope, settings, status, written=written)


def _whose(journal: Journal, scope: Scope, settings: Settings, api: Api) -> tuple[str | None, str]:
    """Return the account and the target of the cases; an account that only the API can tell is None."""
    if not scope.of_runs:
        found = journal.account_of(credential_of(api, journal.secret()))
        return (found[0] if found else None), settings.target
    kept = [journal.run(run) for run in scope.of_runs]
    if len({(run["account"], run["target"]) for run in kept}) > 1:
        raise RunError("These runs are of several accounts or targets: refresh those of each by themselves.")
    return kept[0]["account"], kept[0]["target"]


def _select(journal: Journal, account: str, target: str, scope: Scope) -> list[Followed]:
    with journal.reading() as connection:
        found = follow(connection, account, target, of_runs=scope.of_runs, since=scope.since, until=scope.until)
        return [case for case in found if scope.again or not (scope.only_open and case.settled)]


def _due(followed: Sequence[Followed], scope: Scope) -> list[str]:
    return [case.case_id.lower() for case in followed if scope.again or not case.settled]


async def _ask_all(
    due: Sequence[str],
    journal: Journal,
    account: Account,
    settings: Settings,
    api: Api,
    reading: Reading,
    watcher: Watcher,
) -> tuple[dict[str, Standing], int, str | None]:
    """Ask about all ids that are *due*; returns where they stand, the requests it took, and what stopped it."""
    size = BATCH if reading.by_ids else 1
    batches = deque(due[start : start + size] for start in range(0, len(due), size))
    told: dict[str, Standing] = {}

    async def work(talk: Talk) -> None:
        while batches:
            batch = batches.popleft()
            answer = await _ask(talk, reading, batch)
            for case_id in batch:
                told[case_id] = answer.get(case_id, Standing(NOT_FOUND))
                watcher.settled("created")

    stopped: list[ImporterError] = []
    async with asking(journal, account, settings, api, watcher.waiting) as talk:
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(min(IN_FLIGHT, settings.concurrency, len(batches))):
                    group.create_task(work(talk))
        except* ImporterError as errors:
            stopped += [error for error in errors.exceptions if isinstance(error, ImporterError)]
        if stopped and not isinstance(stopped[0], Stopped):
            raise stopped[0]
        return told, talk.requests.total(), str(stopped[0]) if stopped else None


async def _ask(talk: Talk, reading: Reading, batch: Sequence[str]) -> Mapping[str, Standing]:
    if reading.by_ids:
        query: Query = {"Ids": batch, "PageSize": BATCH}
        answer = await talk.ask("refresh", reading.by_ids, query, partial(read_standings, asked=frozenset(batch)))
    else:
        answer = await talk.ask("refresh", f"{reading.by_id}/{batch[0]}", None, read_standing)
    return answer.standings


def _tell(followed: Sequence[Followed], told: Mapping[str, Standing], scope: Scope) -> StatusReport:
    now = time.time()
    lines = [_line(case, told.get(case.case_id.lower()), now) for case in followed]
    return StatusReport(scope.title, "", now, 0, lines, None)


def _finish(
    journal: Journal,
    account: str,
    target: str,
    scope: Scope,
    settings: Settings,
    status: StatusReport,
    *,
    written: bool,
) -> Refreshed:
    """Write the workbook, then note what is news."""
    path = _write(status, settings) if written else None
    news = [(line.case_id, line.standing) for line in status.lines if line.is_news]
    if news:
        with journal.begin() as connection:
            note(connection, account, status.asked_at, news)
    if scope.of_runs:
        return Refreshed(path, status)
    with journal.reading() as connection:
        return Refreshed(path, status, count_left_out(connection, account, target))


def _line(case: Followed, now: Standing | None, when: float) -> Line:
    changes = compare(case.before, now) if now else ()
    return Line(
        case_id=case.case_id,
        reference=case.reference,
        creditor_reference=case.creditor_reference,
        mode=case.mode,
        run=case.run,
        row=split_row_key(case.row)[1],
        currency=case.currency,
        standing=now or case.before,
        told_at=when if now else case.seen_at,
        asked=now is not None,
        changes=changes,
        # What is closed has to be known to be, even where it never changed, or it would be asked about for ever.
        is_news=bool(changes) or (now is not None and case.seen_at is None and now.is_settled),
    )


def _write(report: StatusReport, settings: Settings) -> Path:
    """Write the workbook into a folder of its own: the next one must not take away what this one tells has changed."""
    folder = settings.reports / f"{datetime.now(UTC):%Y%m%d-%H%M%S}-status-{secrets.token_hex(2)}"
    path = folder / "status.xlsx"
    try:
        for place in (folder.parent.parent, folder.parent, folder):
            place.mkdir(mode=0o700, parents=True, exist_ok=True)
        workbook.write(report, path)
    except OSError as error:
        raise CannotStart(f"The report {path} cannot be written: {error.strerror or error}.") from None
    return path
