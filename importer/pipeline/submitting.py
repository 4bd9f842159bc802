"""submit and resume: what is valid is sent, once, and reported however the sending ends."""

from __future__ import annotations

from contextlib import closing, suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import schemas
from importer import messages
from importer.errors import CannotStart, ImporterError, Interrupted, JournalError, RunError, Stopped
from importer.journal import Journal, auditing, clients, kept_back
from importer.model import quietly
from importer.pipeline.bundling import bundle_rows
from importer.pipeline.comparing import compare_planned
from importer.pipeline.deliver import Delivery
from importer.pipeline.describing import describe
from importer.pipeline.judge import judge
from importer.pipeline.parties import sending_parties
from importer.pipeline.prepare import (
    Offer,
    make_offer,
    past_of,
    plan_rest,
    plan_rows,
    take_up,
    with_fates,
)
from importer.pipeline.previewing import preview_planned
from importer.pipeline.record import run_of_dict, tell_kept_back
from importer.pipeline.reporting import keep, report_run, rows_path
from importer.pipeline.sessions import begin_session, sessions_to_list, summarise
from importer.report import archive

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from importer.journal import RowMapping
    from importer.model import Doing, Run
    from importer.pipeline.account import Api
    from importer.pipeline.deliver import Watcher
    from importer.pipeline.job import Job
    from importer.pipeline.parties import Parties
    from importer.pipeline.reporting import Ending
    from importer.plan import Planned
    from importer.settings import Settings

HELD: Final = "it was all-or-nothing and had errors; mend the source and submit it again"


def submit(
    job: Job,
    settings: Settings,
    api: Api,
    *,
    confirm: Callable[[Offer], bool],
    watcher: Watcher,
    wait: bool = False,
    preview: bool = False,
    doing: Doing = quietly,
) -> Ending:
    """Judge every row and send what is valid, once.

    Args:
        job: What to send.
        settings: Of the command.
        api: Where to send it.
        confirm: Asked before anything is sent.
        watcher: Told of the progress.
        wait: For another sender of the same account to end, instead of giving up.
        preview: Ask the API first what it would say, for *confirm* and the report to tell.
        doing: Gets to know, before that, what is done and how far it is.

    Raises:
        CannotStart: Nothing was sent: sources, columns, settings or the journal do not allow it.
        Stopped: Nothing was sent: the API does not accept the key or cannot be reached.
        Interrupted: Nothing was sent: *confirm* said no.
    """
    judged = judge(job, settings, doing)
    job = judged.job
    with (
        closing(Journal.open(settings.journal, settings.locks)) as journal,
        sending_parties(api, settings, journal, judged.clients, wait=wait, waiting=watcher.waiting) as parties,
    ):
        if judged.bundling:
            judged = bundle_rows(judged, job, *past_of(judged, job, journal, parties.account_of))
        planned = plan_rows(judged, job, journal, parties)
        compared = compare_planned(judged, planned, job, journal, parties, settings)
        judged, against, said = compared.judged, compared.against, None
        if preview:
            judged, said = preview_planned(judged, job, planned, parties, journal, settings, watcher.waiting, doing)
        offer = replace(make_offer(planned, judged, against, job, settings, api, parties), preview=said)
        if offer.cases and not confirm(offer):
            raise Interrupted("Nothing was sent.")
        run = describe(judged, job, settings, "submit")
        run = replace(run, account=parties.title, host=api.host, preview=said, against=against)
        keep(run, judged, settings)
        held = job.all_or_nothing and len(judged.faulty) > 0
        identity = {"account": parties.account.id, "target": run.target, "mode": run.mode}
        with journal.begin() as connection:
            journal.add_run(connection, run.id, **identity, resumable=not held, summary=summarise(run))
            fates = with_fates(planned, parties, job.limit, held=held)
            journal.add_cases(connection, run.id, **identity, planned=fates)
            kept_back.add(connection, run.id, tell_kept_back(judged.issues, judged.references))
        return replace(_deliver(run, planned, journal, settings, api, parties, watcher), against=against)


def target_of(run_id: str, settings: Settings) -> str:
    """Say what a run sends its rows to, and so whose API resumes it.

    Raises:
        RunError: There is no such run.
        CannotStart: The journal cannot be opened.
    """
    with closing(Journal.open(settings.journal, settings.locks, create=False)) as journal:
        return str(journal.run(run_id)["target"])


def resume(run_id: str, settings: Settings, api: Api, *, watcher: Watcher, wait: bool = False) -> Ending:
    """Finish a run: first ask about what is in doubt, then send what was not sent.

    Raises:
        RunError: There is no such run, or it was purged, is another account's or environment's, or must not be resumed.
        CannotStart: The journal is busy.
        Stopped: The API does not accept the key, or cannot be reached.
    """
    with closing(Journal.open(settings.journal, settings.locks, create=False)) as journal:
        kept = journal.run(run_id)
        _refuse_purged(kept)
        if not kept["resumable"]:
            reason = kept["summary"].get("unresumable", HELD)
            raise RunError(f"Run {run_id} cannot be resumed: {reason}.")
        with journal.reading() as connection:
            left = clients.clients_left(connection, run_id)
        with sending_parties(
            api, settings, journal, left, of_run=kept["account"], wait=wait, waiting=watcher.waiting
        ) as found:
            run = run_of_dict(archive.load(rows_path(settings, run_id)).metadata)
            with journal.begin() as connection:
                auditing.go_on(connection, run_id, sessions_to_list([begin_session(datetime.now(UTC))]))
            parties = found.of_run(journal.of_run(run_id))
            planned = plan_rest(run, journal, parties)
            return _deliver(run, planned, journal, settings, api, parties, watcher)


def rewrite(run_id: str, settings: Settings) -> Ending:
    """Write a run's report again, from the journal.

    Raises:
        RunError: There is no such run, or it was purged.
    """
    with closing(Journal.open(settings.journal, settings.locks, create=False)) as journal:
        kept = journal.run(run_id)
        _refuse_purged(kept)
        run = run_of_dict(archive.load(rows_path(settings, run_id)).metadata)
        finished = datetime.fromtimestamp(kept["finished"], UTC) if kept["finished"] else None
        stopped = kept["stopped"] or (None if finished else messages.CUT_SHORT.say())
        run = replace(run, finished=finished, stopped=stopped, exit_code=kept["exit_code"] or 0)
        return report_run(run, journal, settings, ended=False)


def _deliver(
    run: Run,
    planned: Sequence[Planned],
    journal: Journal,
    settings: Settings,
    api: Api,
    parties: Parties,
    watcher: Watcher,
) -> Ending:
    """Send what is planned and in the journal, and report, however the sending ends."""
    stopped: ImporterError | None = None
    try:
        lots = take_up(planned, journal, run, settings, parties)
        delivery = Delivery(parties, api, schemas.load(run.target), run.mode, journal, settings, watcher)
        reasons = delivery.send(lots) if lots else {}
        stopped = _explain(run.id, {**parties.absent, **reasons}, journal)
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


def _explain(run: str, reasons: Mapping[str, str], journal: Journal) -> Stopped | None:
    """Note for each client why its rows are not sent, and say it of the run; None where there are no reasons."""
    told = {client: f"Client {client}: {reason}" if client else reason for client, reason in reasons.items()}
    if told.keys() - {""}:
        # Where the journal is lost, that is the reason, and the run's end tells it.
        with suppress(JournalError), journal.begin() as connection:
            clients.explain(connection, run, told)
    return Stopped(" ".join(told.values())) if told else None


def _refuse_purged(kept: RowMapping) -> None:
    if when := kept["summary"].get("purged"):
        raise RunError(f"Run {kept['id']} was purged on {when}: its rows and its report are gone.")
