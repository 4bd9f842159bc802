"""plan: valid rows become cases and their fates, in the journal before the first request."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Final

from importer.journal.bundles import leader_of, parts_of
from importer.journal.tables import DROPPED
from importer.pipeline.deliver import patience_of
from importer.plan import Planned, judge_past, keep_together, lead, make_cases, name_leader, set_aside, with_key
from importer.submit import Follower, Sending

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from importer.bundle import Bundle
    from importer.journal import Journal
    from importer.model import Case, Entry, Run
    from importer.pipeline.account import Account, Api
    from importer.pipeline.judge import Job, Judged
    from importer.settings import Settings


CHANGED: Final = "Another run has taken a part of its bundle since; the next submit bundles what is left."


@dataclass(frozen=True, slots=True)
class Offer:
    """What would be sent, shown before anything is.

    Attributes:
        cases: How many.
        rows: Of how many rows.
        totals: Currency → amount.
        account, host: Whose cases, and where to.
        test: Whether they are test cases.
        already: Rows that an earlier run imported.
        invalid: Rows that will not be sent.
        held: Rows that will not be sent since another row of their bundle has an error.
        seconds: How long it will take at the allowed pace, at least.
    """

    cases: int
    rows: int
    totals: Mapping[str, Decimal]
    account: str
    host: str
    test: bool
    already: int
    invalid: int
    held: int
    seconds: float


def plan_rows(judged: Judged, job: Job, journal: Journal, account: Account) -> list[Planned]:
    """Make the cases of the valid rows, and set aside what earlier runs did."""
    valid = judged.values[~judged.values.index.isin(judged.faulty)]
    identity = {"account": account.id, "target": judged.target.NAME, "mode": job.mode}
    cases = list(
        make_cases(
            (int(row) for row in valid.index),
            judged.target.creditors(valid),
            judged.target.payload(valid, test=job.test, allow_pending_contracts=job.allow_pending_contracts),
            **identity,
            reference=judged.target.REFERENCE,
            guarded=judged.target.GUARDED,
            secret=journal.secret(),
        )
    )
    known = journal.known(**identity, references=(case.reference for case in cases))
    planned = list(set_aside(cases, known, **identity))
    return _put_together(planned, judged.bundles, identity) if judged.bundles else planned


def _put_together(planned: list[Planned], bundles: Iterable[Bundle], identity: Mapping[str, str]) -> list[Planned]:
    """Give the first row of each bundle the request of all of them."""
    by_row = {plan.case.row: plan for plan in planned}
    for bundle in bundles:
        cases = (by_row[row].case for row in bundle.rows)
        for case in lead(next(cases), cases, bundle.request, bundle.amount):
            keyed = with_key(case, case.n, **identity) if case.leads else case
            by_row[case.row] = replace(by_row[case.row], case=keyed)
    return list(by_row.values())


def plan_rest(run: Run, journal: Journal, account: Account) -> list[Planned]:
    """Plan again what a run has left: other runs may have made some of it since."""
    entries = journal.of_run(run.id)
    left = [entry for entry in entries if entry.status in {"planned", "not-sent", "waiting"}]
    identity = {"account": account.id, "target": run.target, "mode": run.mode}
    found = journal.known(**identity, references=(entry.case.reference for entry in left))
    others = {key: [entry for entry in known if entry.run != run.id] for key, known in found.items()}
    planned = list(keep_together(list(set_aside((entry.case for entry in left), others, **identity))))
    fates = zip(left, with_fates(planned, None, held=False), strict=True)
    with journal.begin() as connection:
        journal.update_all(
            connection,
            ((entry.pk, {"message": None, "key": case.key, "n": case.n, **fate}) for entry, (case, fate) in fates),
        )
    return planned


def made_earlier(judged: Judged, job: Job, journal: Journal, environment: str) -> dict[int, Entry]:
    """Tell of which rows the last account of *environment* has had the case made already."""
    target = judged.target.NAME
    accounts = (run["account"] for run in journal.runs() if run["target"] == target)
    account = next((account for account in accounts if account.startswith(f"{environment}/")), None)
    if account is None:
        return {}
    rows = judged.values[judged.references.notna()]
    references = judged.references.reindex(rows.index)
    known = journal.known(account, target, job.mode, references)
    made = {identity: entry for identity, entries in known.items() for entry in entries if entry.status == "created"}
    identities = zip(rows.index, judged.target.creditors(rows), references, strict=True)
    return {
        int(row): made[creditor, reference] for row, creditor, reference in identities if (creditor, reference) in made
    }


def past_of(judged: Judged, job: Job, journal: Journal, account: Account) -> tuple[set[int], dict[int, str]]:
    """Tell which rows no bundle may have again, and which wait for an earlier request: row → its name."""
    rows = judged.values[judged.references.notna()]
    references = judged.references.reindex(rows.index)
    known = journal.known(account.id, judged.target.NAME, job.mode, references)
    gone: set[int] = set()
    apart: dict[int, str] = {}
    for row, identity in zip(
        rows.index.tolist(), zip(judged.target.creditors(rows), references, strict=True), strict=True
    ):
        fate, entry = judge_past(known.get(identity, ()))
        if fate == "wait":
            apart[row] = str(name_leader(entry))
        elif fate != "send":
            gone.add(row)
    return gone, apart


def with_fates(
    planned: Iterable[Planned], limit: int | None, *, held: bool
) -> Iterator[tuple[Case, Mapping[str, object]]]:
    """Say of each planned case what the journal is to note of it."""
    turns: dict[int, int] = {}
    for plan in planned:
        fate: dict[str, object]
        match plan:
            case Planned(fate="already-imported", entry=entry) if entry:
                fate = {
                    "status": "already-imported",
                    "case_id": entry.case_id,
                    "case_reference": entry.case_reference,
                    "lifecycle": entry.lifecycle,
                    "message": _differs(plan),
                    **DROPPED,
                }
            case Planned(fate="duplicate", entry=entry) if entry:
                fate = {"status": "duplicate", "error": entry.error, "message": entry.message, **DROPPED}
            case Planned(fate="changed"):
                fate = {"status": "rejected", "error": "BundleChanged", "message": CHANGED, **DROPPED}
            case _:
                leader = plan.case.row if plan.case.bundle is None else plan.case.bundle
                turn = turns.setdefault(leader, len(turns) + 1)
                fate = {"status": "waiting" if plan.fate == "wait" else "planned"}
                if held:
                    fate = {"status": "not-sent", "message": "Nothing was sent, since another row has an error."}
                elif limit is not None and turn > limit:
                    fate = {"status": "not-sent", "message": f"--limit {limit} came before its turn."}
        yield plan.case, fate


def _differs(plan: Planned) -> str | None:
    if not plan.differing:
        return None
    return f"It was imported with another content; nothing was sent. Different now: {', '.join(plan.differing)}."


def take_up(
    planned: Iterable[Planned], journal: Journal, run: Run, settings: Settings, credential: str
) -> Iterator[Sending]:
    """Take up the run's cases where the journal has them."""
    waits = {plan.case.row: plan for plan in planned if plan.fate == "wait"}
    find = partial(
        Sending.found,
        now=datetime.now(UTC).timestamp(),
        test=run.mode == "test",
        patience=patience_of(settings),
        credential=credential,
    )
    entries = journal.of_run(run.id)
    parts: defaultdict[int | None, list[Entry]] = defaultdict(list)
    for entry in entries:
        if not entry.case.leads:
            parts[entry.case.bundle].append(entry)
    waiting: defaultdict[tuple[str, int] | None, list[Follower]] = defaultdict(list)
    awaited: dict[tuple[str, int] | None, Entry] = {}
    for entry in entries:
        if not entry.case.leads:
            continue
        others = parts[entry.case.row]
        if entry.status in {"planned", "sending"}:
            yield find(entry, parts=tuple(other.pk for other in others))
        elif entry.status == "waiting" and (plan := waits[entry.case.row]).entry:
            told = tuple((other.pk, _differs(waits[other.case.row])) for other in others)
            earlier = name_leader(plan.entry)
            waiting[earlier].append(Follower(entry.pk, entry.case, _differs(plan), told))
            awaited[earlier] = plan.entry
    for earlier, followers in waiting.items():
        with journal.reading() as connection:
            leader = leader_of(connection, awaited[earlier])
            its_parts = parts_of(connection, leader)
        yield find(leader, followers=tuple(followers), parts=its_parts)


def make_offer(
    planned: list[Planned], judged: Judged, job: Job, settings: Settings, api: Api, account: Account
) -> Offer:
    """Say what would be sent."""
    held = job.all_or_nothing and len(judged.faulty) > 0
    sent: dict[int, list[Case]] = {}
    for plan in planned if not held else ():
        if plan.fate in {"send", "wait"}:
            sent.setdefault(plan.case.row if plan.case.bundle is None else plan.case.bundle, []).append(plan.case)
    offered = list(sent.values())[: job.limit]
    cases = [case for rows in offered for case in rows if case.leads]
    totals: dict[str, Decimal] = {}
    for case in cases:
        totals[case.currency] = totals.get(case.currency, Decimal(0)) + case.amount
    return Offer(
        cases=len(cases),
        rows=sum(map(len, offered)),
        totals=totals,
        account=account.title,
        host=api.host,
        test=job.test,
        already=sum(plan.fate == "already-imported" for plan in planned),
        invalid=len(judged.faulty) - len(judged.held),
        held=len(judged.held),
        seconds=settings.rate.seconds_for(len(cases)),
    )
