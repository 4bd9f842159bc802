"""The order of the stages, and nothing else: read → match → parse → check → plan → submit → record → report."""

from __future__ import annotations

from contextlib import closing, suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import schemas
from importer.errors import CannotStart, ImporterError, Interrupted, NoJournalError, RunError, Stopped
from importer.journal import Journal, auditing
from importer.pipeline.account import Account, Api, credential_of, sending_account
from importer.pipeline.bundling import bundle_rows
from importer.pipeline.deliver import Watcher, send
from importer.pipeline.finding import look_for, readable
from importer.pipeline.judge import Job, judge
from importer.pipeline.prepare import (
    Offer,
    made_earlier,
    make_offer,
    past_of,
    plan_rest,
    plan_rows,
    take_up,
    with_fates,
)
from importer.pipeline.rebuild import Rebuilt, read_all
from importer.pipeline.record import run_of_dict
from importer.pipeline.refreshing import Refreshed, Scope, refresh
from importer.pipeline.reporting import Ending, describe, keep, report_check, report_run, rows_path
from importer.pipeline.sessions import begin_session, sessions_to_list, summarise
from importer.report import archive

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from importer.journal import RowMapping
    from importer.model import Run
    from importer.plan import Planned
    from importer.protocol import KnownCase
    from importer.settings import Settings

__all__ = [
    "Api",
    "Ending",
    "Job",
    "Offer",
    "Rebuilt",
    "Refreshed",
    "Scope",
    "Watcher",
    "check",
    "find_remote",
    "rebuild",
    "refresh",
    "resume",
    "rewrite",
    "submit",
    "target_of",
]

HELD: Final = "it was all-or-nothing and had errors; mend the source and submit it again"


def check(job: Job, settings: Settings, *, environment: str, written: bool = True) -> Ending:
    """Judge every row, say what is imported already, and write the report.

    Args:
        job: What to judge.
        settings: Of the command.
        environment: Which world's cases count as imported.
        written: Whether to leave a results workbook.

    Raises:
        CannotStart: A source or its columns cannot be used, or the workbook cannot be written.
    """
    judged = judge(job, settings)
    made = {}
    with suppress(NoJournalError), closing(_open(settings, create=False)) as journal:
        made = made_earlier(judged, job, journal, environment)
    judged = bundle_rows(judged, job, set(made), {})
    return report_check(describe(judged, job, settings, "check"), judged, made, settings, written=written)


def submit(
    job: Job,
    settings: Settings,
    api: Api,
    *,
    confirm: Callable[[Offer], bool],
    watcher: Watcher,
    wait: bool = False,
) -> Ending:
    """Judge every row and send what is valid, once.

    Args:
        job: What to send.
        settings: Of the command.
        api: Where to send it.
        confirm: Asked before anything is sent.
        watcher: Told of the progress.
        wait: For another sender of the same account to end, instead of giving up.

    Raises:
        CannotStart: Nothing was sent: sources, columns, settings or the journal do not allow it.
        Stopped: Nothing was sent: the API does not accept the key or cannot be reached.
        Interrupted: Nothing was sent: *confirm* said no.
    """
    judged = judge(job, settings)
    with (
        closing(_open(settings)) as journal,
        sending_account(api, settings, journal, wait=wait, waiting=watcher.waiting) as account,
    ):
        if judged.bundling:
            judged = bundle_rows(judged, job, *past_of(judged, job, journal, account))
        planned = plan_rows(judged, job, journal, account)
        offer = make_offer(planned, judged, job, settings, api, account)
        if offer.cases and not confirm(offer):
            raise Interrupted("Nothing was sent.")
        run = replace(describe(judged, job, settings, "submit"), account=account.title, host=api.host)
        keep(run, judged, settings)
        held = job.all_or_nothing and len(judged.faulty) > 0
        identity = {"account": account.id, "target": run.target, "mode": run.mode}
        with journal.begin() as connection:
            journal.add_run(connection, run.id, **identity, resumable=not held, summary=summarise(run))
            fates = with_fates(planned, job.limit, held=held)
            journal.add_cases(connection, run.id, **identity, planned=fates)
        return _deliver(run, planned, journal, settings, api, account, watcher)


def target_of(run_id: str, settings: Settings) -> str:
    """Say what a run sends its rows to, and so whose API resumes it.

    Raises:
        RunError: There is no such run.
        CannotStart: The journal cannot be opened.
    """
    with closing(_open(settings, create=False)) as journal:
        return str(journal.run(run_id)["target"])


def resume(run_id: str, settings: Settings, api: Api, *, watcher: Watcher, wait: bool = False) -> Ending:
    """Finish a run: first ask about what is in doubt, then send what was not sent.

    Raises:
        RunError: There is no such run, or it was purged, is another account's or environment's, or must not be resumed.
        CannotStart: The journal is busy.
        Stopped: The API does not accept the key, or cannot be reached.
    """
    with closing(_open(settings, create=False)) as journal:
        kept = journal.run(run_id)
        _refuse_purged(kept)
        if not kept["resumable"]:
            reason = kept["summary"].get("unresumable", HELD)
            raise RunError(f"Run {run_id} cannot be resumed: {reason}.")
        with sending_account(
            api, settings, journal, of_run=kept["account"], wait=wait, waiting=watcher.waiting
        ) as account:
            run = run_of_dict(archive.load(rows_path(settings, run_id)).metadata)
            with journal.begin() as connection:
                auditing.go_on(connection, run_id, sessions_to_list([begin_session(datetime.now(UTC))]))
            planned = plan_rest(run, journal, account)
            return _deliver(run, planned, journal, settings, api, account, watcher)


def rewrite(run_id: str, settings: Settings) -> Ending:
    """Write a run's report again, from the journal.

    Raises:
        RunError: There is no such run, or it was purged.
    """
    with closing(_open(settings, create=False)) as journal:
        kept = journal.run(run_id)
        _refuse_purged(kept)
        run = run_of_dict(archive.load(rows_path(settings, run_id)).metadata)
        finished = datetime.fromtimestamp(kept["finished"], UTC) if kept["finished"] else None
        stopped = kept["stopped"] or (None if finished else "The run was cut short.")
        run = replace(run, finished=finished, stopped=stopped, exit_code=kept["exit_code"] or 0)
        return report_run(run, journal, settings, ended=False)


def find_remote(value: str, settings: Settings, api: Api, *, watcher: Watcher, wait: bool = False) -> list[KnownCase]:
    """Ask the API for the case with this id, Debitura reference or creditor reference.

    Raises:
        CannotStart: The journal is busy, or the target's cases cannot be asked about.
        Stopped: The API does not accept the key, or cannot be asked.
    """
    readable(settings.target)
    with (
        closing(_open(settings)) as journal,
        sending_account(api, settings, journal, wait=wait, waiting=watcher.waiting) as account,
    ):
        return look_for(value, journal, account, settings, api, watcher)


def rebuild(settings: Settings, api: Api, *, watcher: Watcher, wait: bool = False) -> Rebuilt:
    """Note in the journal the cases that the account has and the journal does not know.

    Raises:
        CannotStart: The journal is busy.
        Stopped: The API does not accept the key, or cannot be read to the end.
    """
    with (
        closing(_open(settings)) as journal,
        sending_account(api, settings, journal, wait=wait, waiting=watcher.waiting) as account,
    ):
        return read_all(journal, account, settings, api, watcher)


def _deliver(
    run: Run,
    planned: Sequence[Planned],
    journal: Journal,
    settings: Settings,
    api: Api,
    account: Account,
    watcher: Watcher,
) -> Ending:
    """Send what is planned and in the journal, and report, however the sending ends."""
    stopped: ImporterError | None = None
    try:
        sendings = list(take_up(planned, journal, run, settings, credential_of(api, journal.secret())))
        if sendings:
            send(
                sendings,
                api=api,
                account=account,
                target=schemas.load(run.target),
                mode=run.mode,
                journal=journal,
                settings=settings,
                watcher=watcher,
            )
    except (Stopped, Interrupted) as error:
        stopped = error
    except CannotStart as error:
        stopped = Stopped(str(error))
    ended = replace(
        run,
        finished=datetime.now(UTC),
        stopped=str(stopped) if stopped else None,
        exit_code=stopped.exit_code if stopped else 0,
    )
    try:
        return report_run(ended, journal, settings, ended=True)
    except CannotStart as error:
        # Cases may have been made: this is no run that could not start.
        text = f"{error} What was sent is in the journal; `importer report {run.id}` writes the report again."
        raise Stopped(text) from None


def _refuse_purged(kept: RowMapping) -> None:
    if when := kept["summary"].get("purged"):
        raise RunError(f"Run {kept['id']} was purged on {when}: its rows and its report are gone.")


def _open(settings: Settings, *, create: bool = True) -> Journal:
    return Journal.open(settings.journal, settings.locks, create=create)
