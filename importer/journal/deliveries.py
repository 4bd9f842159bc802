"""What webhooks delivered: kept as it arrives, processed once, told as the history of a case.

A delivery is a row of *deliveries* from the moment it is answered, by the API's own id, so that one that comes again is
told from a new one. Processing it, in a transaction that also marks it, adds to *standings* and moves `cases.lifecycle`
on; after that nothing is left of its payload.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from importer.journal import layouts
from importer.journal.tables import cases, deliveries, standings
from importer.model import Event

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

CHUNK: Final = 100  # deliveries processed, or cases asked for, at once


@dataclass(frozen=True, slots=True)
class Processed:
    """A delivery, and the case that it is about.

    Attributes:
        event: As it was kept; its time is never None.
        received_at: Seconds since the epoch.
        case: The newest row of *cases* that has the case's id; None where there is none.
    """

    event: Event
    received_at: float
    case: sa.RowMapping | None


def keep(connection: sa.Connection, event: Event, received_at: float) -> bool:
    """Keep a delivery until it is processed; returns False, and keeps nothing, where it is known already.

    Raises:
        MovedJournalError: The journal is used no more.
    """
    layouts.refuse_moved(connection)
    happened_at = received_at if event.happened_at is None else event.happened_at
    payload = {name: getattr(event, name) for name in ("reference", "lifecycle", "before", "close_code")}
    values = {
        "id": event.id,
        "event": event.name,
        "case_id": event.case_id,
        "happened_at": happened_at,
        "received_at": received_at,
        "payload": payload,
    }
    insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    return connection.execute(insert(deliveries).values(values).on_conflict_do_nothing()).rowcount == 1


def process(connection: sa.Connection, now: float, *, unknown_before: float) -> list[Processed]:
    """Process some of what waits, oldest first; nothing is left to do where none is returned.

    Args:
        connection: Its transaction is committed by the caller.
        now: Seconds since the epoch.
        unknown_before: Events of cases that the journal does not know wait unless they were received before this
            moment: an event may overtake the answer to the POST that made its case.
    """
    known = sa.exists().where(cases.c.case_id == deliveries.c.case_id)
    due = sa.or_(deliveries.c.case_id == "", deliveries.c.received_at < unknown_before, known)
    query = sa.select(deliveries).where(deliveries.c.processed_at.is_(None), due)
    waiting = connection.execute(query.order_by(deliveries.c.happened_at, deliveries.c.received_at).limit(CHUNK))
    done = (_process(connection, row, now) for row in waiting.mappings().all())
    return [one for one in done if one]


def _process(connection: sa.Connection, row: sa.RowMapping, now: float) -> Processed | None:
    """Process one delivery; None where another process has just done so."""
    payload = row["payload"]
    event = Event(row["id"], row["event"], row["case_id"], happened_at=row["happened_at"], **payload)
    query = sa.select(cases).where(cases.c.case_id == event.case_id).order_by(cases.c.pk.desc()).limit(1)
    case = connection.execute(query).mappings().one_or_none() if event.case_id else None
    account = case["account"] if case else None
    mine = (deliveries.c.id == event.id, deliveries.c.processed_at.is_(None))
    changes: dict[str, Any] = {"processed_at": now, "payload": sa.null(), "account": account}
    if connection.execute(deliveries.update().where(*mine).values(changes)).rowcount != 1:
        return None
    if event.lifecycle and event.case_id:
        _move_on(connection, event, account)
    return Processed(event, row["received_at"], case)


def _move_on(connection: sa.Connection, event: Event, account: str | None) -> None:
    """Note where a case stands: events may arrive in another order than they happened in."""
    own = sa.select(standings).where(standings.c.case_id == event.case_id)
    earlier = own.where(standings.c.seen_at <= event.happened_at).order_by(
        standings.c.seen_at.desc(), standings.c.pk.desc()
    )
    last = connection.execute(earlier.limit(1)).mappings().one_or_none()
    known = last and last["lifecycle"] == event.lifecycle and event.close_code in (None, last["close_code"])
    if not known:
        connection.execute(
            standings.insert().values(
                account=account,
                case_id=event.case_id,
                seen_at=event.happened_at,
                told_by=event.name,
                lifecycle=event.lifecycle,
                close_code=event.close_code,
                figures={},
            )
        )
    if connection.execute(own.where(standings.c.seen_at > event.happened_at).limit(1)).first() is None:
        connection.execute(cases.update().where(cases.c.case_id == event.case_id).values(lifecycle=event.lifecycle))


def histories(connection: sa.Connection, ids: Iterable[str]) -> dict[str, list[dict[str, Any]]]:
    """Return what became of the cases *ids* since they were made, oldest first: where they stood, and what happened.

    Returns:
        Case id → for each change "at" (seconds since the epoch), "told_by", "lifecycle", "close_code" and "figures";
        of events that tell of no change of lifecycle, such as payments, the first two.
    """
    wanted = sorted(set(ids))
    told: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for start in range(0, len(wanted), CHUNK):
        chosen = wanted[start : start + CHUNK]
        query = sa.select(standings).where(standings.c.case_id.in_(chosen)).order_by(standings.c.pk)
        for row in connection.execute(query).mappings():
            names = ("told_by", "lifecycle", "close_code", "figures")
            told[row["case_id"]].append({"at": row["seen_at"], **{name: row[name] for name in names}})
        others = sa.select(deliveries).where(deliveries.c.case_id.in_(chosen), deliveries.c.event.not_like("case.%"))
        for row in connection.execute(others).mappings():
            told[row["case_id"]].append({"at": row["happened_at"], "told_by": row["event"]})
    return {case: sorted(changes, key=lambda change: change["at"]) for case, changes in told.items()}


def stands(connection: sa.Connection, run: str) -> dict[str, int]:
    """Count the cases of a run by where they stand."""
    query = (
        sa.select(cases.c.lifecycle, sa.func.count(cases.c.case_id.distinct()))
        .where(cases.c.run == run, cases.c.lifecycle.is_not(None), cases.c.lifecycle != "")
        .group_by(cases.c.lifecycle)
        .order_by(cases.c.lifecycle)
    )
    return {lifecycle: count for lifecycle, count in connection.execute(query)}  # noqa: C416 - typed pairs from rows


def count_waiting(connection: sa.Connection) -> int:
    """Count what is kept and not yet processed.

    Raises:
        MovedJournalError: The journal is used no more.
    """
    layouts.refuse_moved(connection)
    query = sa.select(sa.func.count()).select_from(deliveries).where(deliveries.c.processed_at.is_(None))
    return connection.scalars(query).one()


def drop_old(connection: sa.Connection, purged: Sequence[str], before: float) -> None:
    """Drop what was processed *before* (seconds since the epoch), and the history of cases of the runs *purged*."""
    connection.execute(deliveries.delete().where(deliveries.c.processed_at < before))
    connection.execute(standings.delete().where(standings.c.account.is_(None), standings.c.seen_at < before))
    for start in range(0, len(purged), CHUNK):
        own = sa.select(cases.c.case_id).where(cases.c.run.in_(purged[start : start + CHUNK]))
        connection.execute(standings.delete().where(standings.c.case_id.in_(own), standings.c.seen_at < before))
