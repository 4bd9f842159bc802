"""What a check, and the question before a submit, say of rows against the journal and against the last time."""

from __future__ import annotations

from collections import Counter
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Final

import pandas as pd

from importer.compare import Side, Submitted, choose, compare, compare_hashes
from importer.errors import RunError
from importer.journal import Journal, clients
from importer.journal.traces import references_of_run, traces_of
from importer.model import Against, Earlier, split_row_key
from importer.past import count, count_columns, describe, recall, recall_unchanged, runs_to_resume
from importer.pipeline.bundling import bundle_rows
from importer.pipeline.job import Compared
from importer.pipeline.prepare import cases_of, past_of
from importer.pipeline.reporting import rows_path
from importer.plan import key_of, set_aside
from importer.report import archive

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from importer.compare import Differences
    from importer.journal import RowMapping
    from importer.model.against import How
    from importer.past import Past
    from importer.pipeline.job import Job, Judged
    from importer.pipeline.parties import Parties
    from importer.plan import Planned
    from importer.settings import Settings

LOT: Final = 20_000  # rows looked up at once: all of a file that is submitted again are known
SANDBOX: Final = "the sandbox (--sandbox compares with them)"
NOBODY: Final = ""  # an account that has no cases


@dataclass(frozen=True, slots=True)
class Whose:
    """Whose cases rows are compared with.

    Attributes:
        account: Whose runs they are; None where there are none of that API.
        title: As people know it.
        by_client: Client → account, of a partner's; else blank → *account*.
        others: Further accounts of the same API, as people know them; where there are none of it, the other APIs.
    """

    account: str | None
    title: str
    by_client: Mapping[str, str]
    others: tuple[str, ...] = ()

    def of(self, client: str) -> str:
        """Return the account of a client's cases; of one that is not known, one that has none."""
        return self.by_client.get(client, NOBODY)


def compare_check(judged: Judged, job: Job, settings: Settings, environment: str) -> Compared:
    """Say what a submit would do, by the journal as it is now; nothing is written to it, and nobody is held up.

    Args:
        judged: Every row, not bundled yet.
        job: What was asked for.
        settings: Of the command.
        environment: Which world's cases count.

    Raises:
        NoJournalError: There is none.
        JournalError: It cannot be read.
    """
    with closing(Journal.open(settings.journal, settings.locks, create=False)) as journal:
        whose = _find_accounts(judged, journal, environment)
        if judged.bundling:
            judged = bundle_rows(judged, job, *past_of(judged, job, journal, whose.of))
        pasts = list(_recall_all(judged, job, journal, whose))
        return _compare(judged, pasts, whose, job, journal, settings)


def compare_planned(
    judged: Judged, planned: Sequence[Planned], job: Job, journal: Journal, parties: Parties, settings: Settings
) -> Compared:
    """Say the same of what is planned already, before the question whether to send it."""
    pasts = [past for plan in planned if (past := recall(plan))]
    account = parties.account.id
    return _compare(judged, pasts, Whose(account, parties.title, {"": account}), job, journal, settings)


def _find_accounts(judged: Judged, journal: Journal, environment: str) -> Whose:
    """Choose the account of *environment* that was last sent for: a check has no key that tells."""
    target = judged.target.NAME
    titles: dict[str, str] = {}
    elsewhere = set()
    for run in journal.runs():
        account = run["account"]
        world, _, own = account.partition("/")
        if run["target"] == target and world == environment:
            titles.setdefault(account, (run["summary"].get("account_name") or own).partition(", for ")[0])
        elif run["target"] == target:
            elsewhere.add(SANDBOX if world == "loopback" else world)
    if not titles:
        return Whose(None, "", {}, tuple(sorted(elsewhere)))
    account, *others = titles
    by_client = {"": account}
    if judged.has_clients:
        with journal.reading() as connection:
            by_client = clients.accounts_last_sent(connection, target, environment)
    return Whose(account, titles[account], by_client, tuple(titles[other] for other in others))


def _recall_all(judged: Judged, job: Job, journal: Journal, whose: Whose) -> Iterator[Past]:
    """Yield what the journal knows of the valid rows, those that it knows."""
    secret = journal.secret()
    for client, values in judged.by_client():
        identity = {"account": whose.of(client), "target": judged.target.NAME, "mode": job.mode}
        if not identity["account"]:
            continue
        bare = values[judged.target.REFERENCE].isna()
        named = values[~bare]
        closer: list[int] = []
        for start in range(0, len(named), LOT):
            for row, past in _recall_unchanged(judged, job, journal, named.iloc[start : start + LOT], identity):
                if past:
                    yield past
                else:
                    closer.append(row)
        lots = [named.loc[closer[start : start + LOT]] for start in range(0, len(closer), LOT)]
        for lot in [*lots, values[bare]]:  # what rows without a reference are called depends on all of them
            cases = list(cases_of(judged, job, lot, client, identity, secret))
            known = journal.known(**identity, references=(case.reference for case in cases))
            yield from (past for plan in set_aside(cases, known, **identity) if (past := recall(plan)))


def _recall_unchanged(
    judged: Judged, job: Job, journal: Journal, values: pd.DataFrame, identity: Mapping[str, str]
) -> Iterator[tuple[int, Past | None]]:
    """Yield the rows of *values* that the journal knows, with their past where they are certainly what they were."""
    references = values[judged.target.REFERENCE].tolist()
    with journal.reading() as connection:
        found = traces_of(connection, references, **identity)
    identities = zip(judged.target.creditors(values), references, strict=True)
    traces = [found.get(one) for one in identities]
    known = values[[one is not None for one in traces]]
    payloads = judged.target.payload(known, test=bool(job.test), allow_pending_contracts=job.allow_pending_contracts)
    for row, past, payload in zip(known.index.tolist(), filter(None, traces), payloads, strict=True):
        (creditor, reference, *_) = past[0]
        yield (
            row,
            recall_unchanged(
                row, past, partial(key_of, payload, {"creditor": creditor, "reference": reference, **identity})
            ),
        )


def _compare(
    judged: Judged, pasts: Sequence[Past], whose: Whose, job: Job, journal: Journal, settings: Settings
) -> Compared:
    valid = len(judged.values) - len(judged.faulty)
    issues = describe(pasts, judged.cells, judged.header, judged.headers, judged.target.CODES)
    against = Against(
        account=whose.title,
        counts=count(pasts, valid),
        others=whose.others,
        columns=count_columns(issues),
        resume=runs_to_resume(pasts),
        earlier=_look_back(judged, pasts, whose, job, journal, settings),
        strange=tuple(set(judged.sent) - {run["id"] for run in journal.runs()}) if judged.sent else (),
    )
    if len(issues):
        both = [judged.issues, issues] if len(judged.issues) else [issues]
        told = pd.concat(both, ignore_index=True).sort_values("row", kind="stable", ignore_index=True)
        judged = replace(judged, issues=told)
    return Compared(judged, against, {past.row: past for past in pasts})


def _look_back(
    judged: Judged, pasts: Sequence[Past], whose: Whose, job: Job, journal: Journal, settings: Settings
) -> Earlier | None:
    """Say what differs from the last time that these sources were submitted; None where they were not."""
    wanted = (whose.account, judged.target.NAME, job.mode)
    runs = {
        run["id"]: run
        for run in journal.runs()
        if (run["account"], run["target"], run["mode"]) == wanted and run["summary"].get("sources")
    }
    submitted = [
        Submitted(name, tuple(run["summary"].get("sha256", ())), tuple(run["summary"]["sources"]))
        for name, run in runs.items()
    ]
    lasts = Counter(past.last for past in pasts)
    mended = next((name for name in judged.mends if name in runs), None)
    sources = judged.sources
    chosen = choose(submitted, [one.sha256 for one in sources], [one.name for one in sources], lasts, len(judged.cells))
    name, whole = (mended, False) if mended else chosen or (None, False)
    if name is None:
        return None
    if whole:
        return _tell(judged, runs[name], "bytes", None, mended=False)
    found: Differences | None
    try:
        then = archive.load(rows_path(settings, name))
    except RunError:  # purged, or in another workspace
        with journal.reading() as connection:
            theirs = references_of_run(connection, name)
        by: How = "hashes"
        found = compare_hashes(judged.references.dropna().tolist(), theirs, pasts, name)
    else:
        by = "cells"
        found = compare(
            Side(judged.header, judged.cells, judged.references),
            Side(then.header, then.cells, then.references),
            set(judged.header) - set(judged.unmapped),
            [past.row for past in pasts if name in past.alike],
        )
    return _tell(judged, runs[name], by, found, mended=bool(mended)) if found else None


def _tell(judged: Judged, run: RowMapping, by: How, found: Differences | None, *, mended: bool) -> Earlier:
    """Name what was *found* as people do; without it all is as it was."""
    told = Earlier(
        run=run["id"],
        day=f"{datetime.fromtimestamp(run['started'], UTC):%Y-%m-%d}",
        sources=tuple(run["summary"]["sources"]),
        by=by,
        mended=mended,
        same=len(judged.cells),
    )
    if found is None:
        return told
    cells = {judged.headers.get(name, name): _name_row(judged, row) for name, row in found.cells.items()}
    columns = {judged.headers.get(name, name): rows for name, rows in found.columns.items()}
    return replace(told, **{**asdict(found), "cells": cells, "columns": columns})


def _name_row(judged: Judged, key: int) -> str:
    source, row = split_row_key(key)
    return f"row {row} of {judged.sources[source].name}" if len(judged.sources) > 1 else f"row {row}"
