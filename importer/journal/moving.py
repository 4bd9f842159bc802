"""move: a whole journal from SQLite to PostgreSQL, after which the old one is never sent from again.

The old journal is held by a transaction that writes until the end, and no lock of a sender may be taken: who wants to
send meanwhile waits, and is told then where the journal went (see `Journal.sender`). The new one is filled in one
transaction, which is committed first. If that is all that came to pass, moving again only notes it in the old one: both
have the same secret, and so the new one is its copy.
"""

from __future__ import annotations

from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa
from filelock import FileLock, Timeout

from importer.errors import JournalError
from importer.journal import Journal, layouts, postgresql
from importer.journal.database import explained, shown
from importer.journal.tables import meta, metadata

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

CHUNK: Final = 2_000  # rows in memory
MOVED: Final = [table for table in metadata.sorted_tables if table is not meta]


def move(place: str | Path, locks: Path, url: str) -> Mapping[str, object]:
    """Move the journal at *place* to the database at *url*; returns where it is, and the rows of each table.

    Raises:
        NoJournalError: There is none at *place*.
        JournalError: It is in PostgreSQL already, someone is sending, or the database holds something already.
    """
    if not isinstance(place, Path):
        raise JournalError("The journal is in PostgreSQL already: only one in SQLite is moved. Unset IMPORTER_JOURNAL.")
    with ExitStack() as stack:
        old = stack.enter_context(closing(Journal.open(place, locks, create=False)))
        engine = postgresql.connect(url)
        stack.callback(engine.dispose)
        source = stack.enter_context(old.begin())
        stack.enter_context(_nobody_sends(locks))
        with explained(engine), engine.begin() as target:
            _fill(source, target)
            rows = {table.name: _count(target, table) for table in MOVED}
        source.execute(meta.insert().values(name=layouts.MOVED_TO, value=shown(engine)))
    return {"journal": shown(engine), "rows": rows}


@contextmanager
def _nobody_sends(locks: Path) -> Iterator[None]:
    with ExitStack() as stack:
        for path in locks.glob("*.lock"):
            try:
                stack.enter_context(FileLock(path, mode=0o600).acquire(timeout=0))
            except Timeout:
                raise JournalError("An importer is sending right now; let it end, then move the journal.") from None
        yield


def _fill(source: sa.Connection, target: sa.Connection) -> None:
    layouts.settle(target, create=True)
    for table in (meta, *MOVED):
        target.execute(sa.text(f'LOCK TABLE "{table.name}" IN ACCESS EXCLUSIVE MODE'))
    if any(target.scalar(sa.select(sa.literal(1)).select_from(table).limit(1)) for table in MOVED):
        if _secret(source) == _secret(target):
            return
        raise JournalError(
            f"{shown(target.engine)} holds another journal already; nothing was moved. Name an empty one."
        )
    target.execute(meta.delete())
    for table in (meta, *MOVED):
        _copy(source, target, table)
    for table in MOVED:
        if "pk" in table.c:
            number = sa.func.coalesce(sa.func.max(table.c.pk), 0) + 1
            sequence = sa.func.pg_get_serial_sequence(table.name, "pk")
            target.execute(sa.select(sa.func.setval(sequence, number, False)))  # noqa: FBT003 - as PostgreSQL has it


def _copy(source: sa.Connection, target: sa.Connection, table: sa.Table) -> None:
    copied = 0
    reader = source.execution_options(yield_per=CHUNK)
    for rows in reader.execute(sa.select(table)).mappings().partitions(CHUNK):
        values: list[Any] = [dict(row) for row in rows]
        target.execute(table.insert(), values)
        copied += len(values)
    if not copied == _count(source, table) == _count(target, table):
        raise JournalError(f"Not all of {table.name} arrived; nothing was moved.")


def _secret(connection: sa.Connection) -> str | None:
    return connection.scalar(sa.select(meta.c.value).where(meta.c.name == "secret"))


def _count(connection: sa.Connection, table: sa.Table) -> int:
    return connection.scalars(sa.select(sa.func.count()).select_from(table)).one()
