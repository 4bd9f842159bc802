"""What goes when a debtor is forgotten or old runs are purged, and what has to stay so that nothing is sent twice.

Identity, status, ids, key and counts stay; bodies, debtors, hashes of fields and what the API said go, and in SQLite
the bytes of the file with them.
"""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from importer.errors import JournalError
from importer.journal.tables import DROPPED, cases, kept_back, requests, runs

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from importer.journal import Journal

CHUNK: Final = 500  # cases changed at once
IN_DOUBT: Final = ("sending", "waiting")
ERASED: Final[Mapping[str, Any]] = {**DROPPED, "fingerprints": {}, "error": None, "message": None, "solution": None}


def cases_of_reference(connection: sa.Connection, reference: str) -> Sequence[sa.RowMapping]:
    """Return every case of a creditor reference, whosever it is, with "resumable" of its run, oldest first."""
    query = (
        sa.select(cases.c.pk, cases.c.run, cases.c.account, cases.c.status, runs.c.resumable)
        .join(runs, runs.c.id == cases.c.run)
        .where(cases.c.reference == reference, cases.c.has_reference)
        .order_by(cases.c.pk)
    )
    return connection.execute(query).mappings().all()


def forget_cases(connection: sa.Connection, pks: Sequence[int], message: str) -> None:
    """Erase what the cases *pks* tell of their debtors, and say so in their *message*."""
    for start in range(0, len(pks), CHUNK):
        chosen = cases.c.pk.in_(pks[start : start + CHUNK])
        connection.execute(cases.update().where(chosen).values({**ERASED, "message": message}))


def runs_in_doubt(connection: sa.Connection) -> set[str]:
    """Name the runs that have a case of which nobody knows whether it was made."""
    return set(connection.scalars(sa.select(cases.c.run).where(cases.c.status.in_(IN_DOUBT)).distinct()))


def purge_run(connection: sa.Connection, run: str, summary: Mapping[str, object]) -> None:
    """Erase what the cases of a run without doubts tell of their debtors; it cannot be resumed, and tells *summary*."""
    connection.execute(cases.update().where(cases.c.run == run).values(ERASED))
    connection.execute(kept_back.delete().where(kept_back.c.run == run))
    connection.execute(runs.update().where(runs.c.id == run).values(resumable=False, summary=dict(summary)))


def drop_requests(connection: sa.Connection, purged: Sequence[str], before: float) -> None:
    """Drop the requests that left *before* (seconds since the epoch), of runs *purged* and of no case at all."""
    old = requests.c.left_at < before
    connection.execute(requests.delete().where(old, requests.c.case_pk.is_(None)))
    for start in range(0, len(purged), CHUNK):
        own = sa.select(cases.c.pk).where(cases.c.run.in_(purged[start : start + CHUNK]))
        connection.execute(requests.delete().where(old, requests.c.case_pk.in_(own)))


def scrub(journal: Journal) -> None:
    """Write a SQLite journal anew, so that what was erased is not in its files either; PostgreSQL has its own vacuum.

    Raises:
        JournalError: Another program has it open.
    """
    engine = journal.engine
    if engine.dialect.name != "sqlite":
        return
    busy = JournalError(
        f"The data are erased, but another program has {engine.url.database} open, so that their bytes are still "
        "in its files: close that program, and give the same command again."
    )
    raw = engine.raw_connection()
    try:
        raw.cursor().execute("VACUUM")
        (blocked, *_) = raw.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    except sqlite3.OperationalError:
        raise busy from None
    finally:
        raw.close()
    if blocked:
        raise busy
