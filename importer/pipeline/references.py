"""references: the partner references of a sheet are looked up, and set where they are not what the sheet says."""

from __future__ import annotations

import re
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import msgspec
import pandas as pd

from importer import messages
from importer.errors import CannotStart, Interrupted, Stopped
from importer.journal import Journal
from importer.model import ISSUE_COLUMNS, REFERENCE_STATUSES, split_row_key
from importer.partner.changing import Task
from importer.partner.wish import Outcome, Wish, decide, find_contradictions
from importer.pipeline.account import sending_account
from importer.pipeline.describing import describe
from importer.pipeline.errands import Errands
from importer.pipeline.judge import judge
from importer.pipeline.outcomes import begin, report

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from importer.errors import ImporterError
    from importer.partner.wish import Known
    from importer.pipeline.account import Account, Api
    from importer.pipeline.deliver import Watcher
    from importer.pipeline.job import Job, Judged
    from importer.pipeline.reporting import Ending
    from importer.protocol import KnownCase
    from importer.settings import Settings

UUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE)
_to_json: Final = msgspec.json.Encoder(decimal_format="number").encode


@dataclass(frozen=True, slots=True)
class Errand:
    """What would be done, shown before it is.

    Attributes:
        account, host: Whose cases, and where.
        counts: Status → rows that are settled without a request that changes anything.
        starts: Cases to start.
        senders: Whose welcome messages they would get: addresses or ids of users.
        changes: Cases whose reference is to be changed.
        seconds: How long it will take at the allowed pace, at least.
    """

    account: str
    host: str
    counts: Mapping[str, int]
    starts: int
    senders: Sequence[str]
    changes: int
    seconds: float


def set_references(
    job: Job,
    settings: Settings,
    api: Api,
    *,
    confirm: Callable[[Errand], bool],
    watcher: Watcher,
    wait: bool = False,
) -> Ending:
    """Look up what is stored, and set what is to be stored; what is so already costs no more than the look.

    Args:
        job: The sources.
        settings: Of the command.
        api: Where the cases are.
        confirm: Asked before anything is changed.
        watcher: Told of the progress.
        wait: For another sender of the same account to end, instead of giving up.

    Raises:
        CannotStart: Nothing was changed: sources, columns, settings or the journal do not allow it.
        Stopped: Nothing was changed: the API does not accept the key or cannot be asked.
        Interrupted: Nothing was changed: *confirm* said no.
    """
    judged = judge(job, settings)
    job = judged.job
    with (
        closing(Journal.open(settings.journal, settings.locks)) as journal,
        sending_account(api, settings, journal, wait=wait, waiting=watcher.waiting) as account,
    ):
        errands = Errands(journal, account, settings, api)
        wishes = list(_read_wishes(judged, job))
        known = errands.look(wishes, watcher)
        judged = _add_contradictions(judged, wishes, known)
        outcomes, tasks = _plan(judged, job, wishes, known, settings)
        offered = tasks[: job.limit]
        if offered and not confirm(_describe(judged, outcomes, offered, settings, api, account)):
            raise Interrupted("Nothing was changed.")
        run = replace(describe(judged, job, settings, "references"), account=account.title, host=api.host)
        begin(run, account, journal)
        stopped: ImporterError | None = None
        try:
            errands.change(offered, watcher)
        except (Stopped, Interrupted) as error:
            stopped = error
        except CannotStart as error:
            stopped = Stopped(str(error))
        shared = dict(_share(wishes, known, outcomes | errands.outcomes, tasks, job.limit))
        return report(judged, shared, run, stopped, errands.requests, journal, settings)


def find_cases(references: Sequence[str], settings: Settings, api: Api, *, watcher: Watcher) -> dict[str, KnownCase]:
    """Return partner reference → the case that the API names for it.

    Raises:
        CannotStart: The journal is busy.
        Stopped: The API does not accept the key or cannot be asked.
    """
    with (
        closing(Journal.open(settings.journal, settings.locks)) as journal,
        sending_account(api, settings, journal, wait=False, waiting=watcher.waiting) as account,
    ):
        return Errands(journal, account, settings, api).find(references, watcher)


def _read_wishes(judged: Judged, job: Job) -> Iterator[Wish]:
    """Yield what each valid row wishes, but for blanks that are to change nothing."""
    valid = judged.values[~judged.values.index.isin(judged.faulty)]
    if not job.clear_blank:
        valid = valid[valid[judged.target.REFERENCE].notna()]
    names = [valid[name].fillna("") for name in ("caseId", "caseReference", judged.target.REFERENCE)]
    bodies = judged.target.payload(valid, test=False, allow_pending_contracts=False)
    for row, case_id, reference, wanted, body in zip(valid.index, *names, bodies, strict=True):
        if not case_id and UUID.fullmatch(reference):  # one column may name cases either way
            case_id, reference = reference.lower(), ""  # noqa: PLW2901 - the same name, in its place
        yield Wish(int(row), case_id, reference, wanted, _to_json(body))


def _add_contradictions(judged: Judged, wishes: Sequence[Wish], known: Mapping[int, Known]) -> Judged:
    """Add an issue for each row whose case, as it turned out, another row wants another reference for."""
    code, name = judged.target.CODES["case-twice"], judged.target.REFERENCE
    header = judged.headers.get(name, name)
    wanted = {wish.row: wish.wanted for wish in wishes}
    lines = []
    for row, rival in sorted(find_contradictions(wishes, known).items()):
        value, other = wanted[row], f"row {split_row_key(rival)[1]}"
        message = code.message.format(column=header, value=f"“{value}”", detail=other)
        lines.append((row, header, name, code.severity, code.code, value, message, code.hint))
    if not lines:
        return judged
    found = pd.DataFrame(lines, columns=list(ISSUE_COLUMNS)).astype(judged.issues.dtypes.to_dict())
    issues = pd.concat([judged.issues, found], ignore_index=True).sort_values("row", kind="stable", ignore_index=True)
    return replace(judged, issues=issues)


def _plan(
    judged: Judged, job: Job, wishes: Iterable[Wish], known: Mapping[int, Known], settings: Settings
) -> tuple[dict[int, Outcome], list[Task]]:
    """Say what becomes of each wish without a change, and what there is to change: one task a case."""
    faulty = set(judged.faulty)
    outcomes: dict[int, Outcome] = {}
    tasks: dict[str, Task] = {}
    for wish in wishes:
        if wish.row in faulty:
            continue
        decided = decide(wish, known[wish.row], activate=job.activate, changes=bool(settings.reference_path))
        if isinstance(decided, Outcome):
            outcomes[wish.row] = decided
        else:
            task = Task(wish, known[wish.row], decided)
            tasks.setdefault(task.case.id, task)
    return outcomes, list(tasks.values())


def _describe(
    judged: Judged,
    outcomes: Mapping[int, Outcome],
    tasks: Sequence[Task],
    settings: Settings,
    api: Api,
    account: Account,
) -> Errand:
    counts = Counter(str(outcome.status) for outcome in outcomes.values())
    counts["invalid"] = len(judged.faulty)
    starts = [task for task in tasks if task.action == "start"]
    values = judged.values.loc[[task.wish.row for task in starts]]
    senders = values["userEmail"].fillna(values["userId"]).dropna().unique()
    return Errand(
        account=account.title,
        host=api.host,
        counts={name: counts[name] for name in REFERENCE_STATUSES if counts[name]},
        starts=len(starts),
        senders=sorted(map(str, senders)),
        changes=len(tasks) - len(starts),
        seconds=settings.rate.seconds_for(len(tasks)),
    )


def _share(
    wishes: Iterable[Wish],
    known: Mapping[int, Known],
    outcomes: Mapping[int, Outcome],
    tasks: Sequence[Task],
    limit: int | None,
) -> Iterator[tuple[int, Outcome]]:
    """Give every row its outcome: rows of the same case share one, and what was not begun says so."""
    first = {task.case.id: (task.wish.row, number) for number, task in enumerate(tasks)}
    for wish in wishes:
        case = known[wish.row].case
        if wish.row in outcomes:
            yield wish.row, outcomes[wish.row]
        elif case and case.id in first:
            row, number = first[case.id]
            late = limit is not None and number >= limit
            message = messages.LIMIT_BEFORE.say(limit=limit) if late else messages.STOPPED_BEFORE.say()
            yield wish.row, outcomes.get(row) or Outcome("not-sent", case, case.partner_reference, message=message)
