"""plan: valid rows become cases and their fates, in the journal before the first request."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING

from importer import messages
from importer.journal.bundles import leader_of, parts_of
from importer.journal.tables import DROPPED
from importer.pipeline.deliver import patience_of
from importer.plan import Planned, judge_past, keep_together, lead, make_cases, name_leader, set_aside, with_key
from importer.submit import Follower, Sending

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    import pandas as pd

    from importer.bundle import Bundle
    from importer.journal import Journal
    from importer.model import Against, Case, Entry, Preview, Run
    from importer.pipeline.account import Api
    from importer.pipeline.job import Job, Judged
    from importer.pipeline.parties import Parties
    from importer.settings import Settings


@dataclass(frozen=True, slots=True)
class Offer:
    """What would be sent, shown before anything is.

    Attributes:
        cases: How many.
        rows: Of how many rows.
        totals: Currency → amount.
        account, host: Whose cases, and where to.
        test: Whether they are test cases.
        absent: For which clients nothing can be sent, and why.
        against: What the journal knows of the rows.
        invalid: Rows that will not be sent.
        held: Rows that will not be sent since another row of their bundle has an error.
        seconds: How long it will take at the allowed pace, at least.
        noticed: What was not read as it stands, or is not seen in a spreadsheet program.
        preview: What the API says of it, where it was asked.
    """

    cases: int
    rows: int
    totals: Mapping[str, Decimal]
    account: str
    host: str
    test: bool
    absent: tuple[str, ...]
    against: Against
    invalid: int
    held: int
    seconds: float
    noticed: tuple[str, ...] = ()
    preview: Preview | None = None


def plan_rows(judged: Judged, job: Job, journal: Journal, parties: Parties) -> list[Planned]:
    """Make the cases of the valid rows, and set aside what earlier runs did; in the order of rows."""
    secret = journal.secret()
    planned: list[Planned] = []
    for client, values in judged.by_client():
        identity = {"account": parties.account_of(client), "target": judged.target.NAME, "mode": job.mode}
        cases = list(cases_of(judged, job, values, client, identity, secret))
        known = journal.known(**identity, references=(case.reference for case in cases))
        planned += _put_together(set_aside(cases, known, **identity), judged.bundles, identity)
    return sorted(planned, key=lambda plan: plan.case.row)


def cases_of(
    judged: Judged, job: Job, values: pd.DataFrame, client: str, identity: Mapping[str, str], secret: bytes
) -> Iterator[Case]:
    """Make the cases of some of the rows, all of one client; see `make_cases`."""
    return make_cases(
        (int(row) for row in values.index),
        judged.target.creditors(values),
        judged.target.payload(values, test=bool(job.test), allow_pending_contracts=job.allow_pending_contracts),
        account=identity["account"],
        target=identity["target"],
        mode=identity["mode"],
        client=client,
        reference=judged.target.REFERENCE,
        guarded=judged.target.GUARDED,
        secret=secret,
    )


def _put_together(planned: Iterable[Planned], bundles: Iterable[Bundle], identity: Mapping[str, str]) -> list[Planned]:
    """Give the first row of each bundle the request of all of them; bundles of other clients' rows are not for here."""
    by_row = {plan.case.row: plan for plan in planned}
    for bundle in bundles:
        if bundle.rows[0] not in by_row:
            continue
        cases = (by_row[row].case for row in bundle.rows)
        for case in lead(next(cases), cases, bundle.request, bundle.amount):
            keyed = with_key(case, case.n, **identity) if case.leads else case
            by_row[case.row] = replace(by_row[case.row], case=keyed)
    return list(by_row.values())


def plan_rest(run: Run, journal: Journal, parties: Parties) -> list[Planned]:
    """Plan again what a run has left: other runs may have made some of it since."""
    entries = [entry for entry in journal.of_run(run.id) if entry.status in {"planned", "not-sent", "waiting"}]
    planned: list[Planned] = []
    for client in {entry.case.client for entry in entries}:
        identity = {"account": parties.account_of(client), "target": run.target, "mode": run.mode}
        # What was not sent for want of the client's account has no key of that account yet.
        left = [
            entry.case if entry.account == identity["account"] else with_key(entry.case, 0, **identity)
            for entry in entries
            if entry.case.client == client
        ]
        found = journal.known(**identity, references=(case.reference for case in left))
        others = {key: [entry for entry in known if entry.run != run.id] for key, known in found.items()}
        planned += keep_together(list(set_aside(left, others, **identity)))
    planned.sort(key=lambda plan: plan.case.row)
    fates = zip(entries, with_fates(planned, parties, None, held=False), strict=True)
    with journal.begin() as connection:
        journal.update_all(
            connection,
            ((entry.pk, {"message": None, "key": case.key, "n": case.n, **fate}) for entry, (case, fate) in fates),
        )
    return planned


def past_of(
    judged: Judged, job: Job, journal: Journal, account_of: Callable[[str], str]
) -> tuple[set[int], dict[int, str]]:
    """Tell which rows no bundle may have again, and which wait for an earlier request: row → its name."""
    gone: set[int] = set()
    apart: dict[int, str] = {}
    for client, values in judged.by_client(faulty=True):
        rows = values[values[judged.target.REFERENCE].notna()]
        references = rows[judged.target.REFERENCE]
        known = journal.known(account_of(client), judged.target.NAME, job.mode, references)
        identities = zip(judged.target.creditors(rows), references, strict=True)
        for row, identity in zip(rows.index.tolist(), identities, strict=True):
            fate, entry = judge_past(known.get(identity, ()))
            if fate == "wait":
                apart[row] = str(name_leader(entry))
            elif fate != "send":
                gone.add(row)
    return gone, apart


def with_fates(
    planned: Iterable[Planned], parties: Parties, limit: int | None, *, held: bool
) -> Iterator[tuple[Case, Mapping[str, object]]]:
    """Say of each planned case what the journal is to note of it."""
    turns: dict[int, int] = {}
    for plan in planned:
        fate: dict[str, object]
        match plan:
            case _ if plan.case.client in parties.absent:
                fate = {
                    "status": "not-sent",
                    "message": messages.OF_CLIENT.say(client=plan.case.client, reason=parties.absent[plan.case.client]),
                }
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
                fate = {
                    "status": "rejected",
                    "error": messages.BUNDLE_CHANGED.error,
                    "message": messages.BUNDLE_CHANGED.say(),
                    **DROPPED,
                }
            case _:
                leader = plan.case.row if plan.case.bundle is None else plan.case.bundle
                turn = turns.setdefault(leader, len(turns) + 1)
                fate = {"status": "waiting" if plan.fate == "wait" else "planned"}
                if held:
                    fate = {"status": "not-sent", "message": messages.NOT_ALL.say()}
                elif limit is not None and turn > limit:
                    fate = {"status": "not-sent", "message": messages.BEYOND_LIMIT.say(limit=limit)}
        yield plan.case, {**fate, "account": parties.account_of(plan.case.client)}


def _differs(plan: Planned) -> str | None:
    if not plan.differing:
        return None
    return messages.CHANGED_SINCE.say(fields=", ".join(plan.differing))


def take_up(
    planned: Iterable[Planned], journal: Journal, run: Run, settings: Settings, parties: Parties
) -> dict[str, list[Sending]]:
    """Take up the run's cases where the journal has them; client → what is to be sent and asked for it."""
    waits = {plan.case.row: plan for plan in planned if plan.fate == "wait"}
    find = partial(
        Sending.found,
        now=datetime.now(UTC).timestamp(),
        test=run.mode == "test",
        patience=patience_of(settings),
    )
    entries = journal.of_run(run.id)
    parts: defaultdict[int | None, list[Entry]] = defaultdict(list)
    for entry in entries:
        if not entry.case.leads:
            parts[entry.case.bundle].append(entry)
    taken: defaultdict[str, list[Sending]] = defaultdict(list)
    waiting: defaultdict[tuple[str, int] | None, list[Follower]] = defaultdict(list)
    awaited: dict[tuple[str, int] | None, Entry] = {}
    for entry in entries:
        party = parties.by_client.get(entry.case.client)
        if party is None or not entry.case.leads:
            continue
        others = parts[entry.case.row]
        if entry.status in {"planned", "sending"}:
            sending = find(entry, credential=party.credential, parts=tuple(other.pk for other in others))
            taken[entry.case.client].append(sending)
        elif entry.status == "waiting" and (plan := waits[entry.case.row]).entry:
            told = tuple((other.pk, _differs(waits[other.case.row])) for other in others)
            earlier = name_leader(plan.entry)
            waiting[earlier].append(Follower(entry.pk, entry.case, _differs(plan), told))
            awaited[earlier] = plan.entry
    for earlier, followers in waiting.items():
        client = followers[0].case.client  # of all: requests of several clients are none
        with journal.reading() as connection:
            leader = leader_of(connection, awaited[earlier])
            its_parts = parts_of(connection, leader)
        credential = parties.by_client[client].credential
        taken[client].append(find(leader, credential=credential, followers=tuple(followers), parts=its_parts))
    return taken


def make_offer(
    planned: list[Planned],
    judged: Judged,
    against: Against,
    job: Job,
    settings: Settings,
    api: Api,
    parties: Parties,
) -> Offer:
    """Say what would be sent; clients are sent for side by side, each at the whole pace."""
    held = job.all_or_nothing and len(judged.faulty) > 0
    sent: dict[int, list[Case]] = {}
    for plan in planned if not held else ():
        if plan.fate in {"send", "wait"} and plan.case.client not in parties.absent:
            sent.setdefault(plan.case.row if plan.case.bundle is None else plan.case.bundle, []).append(plan.case)
    offered = list(sent.values())[: job.limit]
    cases = [case for rows in offered for case in rows if case.leads]
    most = max(Counter(case.client for case in cases).values(), default=0)
    totals: dict[str, Decimal] = {}
    for case in cases:
        totals[case.currency] = totals.get(case.currency, Decimal(0)) + case.amount
    return Offer(
        cases=len(cases),
        rows=sum(map(len, offered)),
        totals=totals,
        account=parties.title,
        host=api.host,
        test=bool(job.test),
        absent=tuple(f"Client {client}: {reason}" for client, reason in parties.absent.items()),
        against=against,
        invalid=len(judged.faulty) - len(judged.held),
        held=len(judged.held),
        seconds=settings.rate.seconds_for(most),
        noticed=tuple(said for source in judged.sources for said in source.noticed),
    )
