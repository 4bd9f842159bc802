"""Where the journal lies, and who may send: SQLite with a lock file, or PostgreSQL with an advisory lock."""

from __future__ import annotations

import hashlib
import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa
from filelock import FileLock, Timeout

from importer.errors import JournalError

if TYPE_CHECKING:
    from collections.abc import Iterator

READING: Final = "importer_reading"  # the option of a connection that only reads
BUSY_PATIENCE: Final = 10.0  # seconds that SQLite waits for another writer


def connect(place: str | Path) -> sa.Engine:
    """Make an engine for a path or a `postgresql://` URL; SQLite is made to write through to the disk.

    Raises:
        JournalError: The place cannot be one, or its driver is missing.
    """
    if isinstance(place, Path):
        return _sqlite(place)
    try:
        url = sa.make_url(place.replace("postgresql://", "postgresql+psycopg://", 1))
        return sa.create_engine(url, pool_pre_ping=True, hide_parameters=True)
    except (sa.exc.ArgumentError, ImportError) as error:
        raise JournalError(f"IMPORTER_JOURNAL cannot be used: {error}.") from None


def _sqlite(path: Path) -> sa.Engine:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Made here, since SQLite would make it readable by all.
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError as error:
        raise JournalError(f"The journal {path} cannot be opened: {error.strerror}.") from None
    engine = sa.create_engine(
        sa.URL.create("sqlite", database=str(path)),
        connect_args={"timeout": BUSY_PATIENCE, "check_same_thread": False},
        hide_parameters=True,  # they are debtors' data, and an error goes to a log
    )

    @sa.event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: object) -> None:
        connection.isolation_level = None  # SQLAlchemy's BEGIN below is the only one
        for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
            connection.execute(f"PRAGMA {pragma}")

    @sa.event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        # Readers that become writers half way would fail at once instead of waiting; those that never do need not wait.
        connection.exec_driver_sql("BEGIN" if connection.get_execution_options().get(READING) else "BEGIN IMMEDIATE")

    return engine


@contextmanager
def explained(place: object) -> Iterator[None]:
    """Turn what a database raises into one sentence.

    Raises:
        JournalError: The journal is held by another program, damaged, or its disk is full.
    """
    try:
        yield
    except sa.exc.OperationalError as error:
        text = str(error.orig)
        if "locked" in text or "busy" in text:
            text = "another program is writing to it; close that program, or try again later"
        raise JournalError(f"The journal {place} cannot be used: {text}.") from None
    except sa.exc.IntegrityError:
        raise
    except sa.exc.DBAPIError as error:
        raise JournalError(f"The journal {place} cannot be used: {error.orig}.") from None


@contextmanager
def sender_lock(engine: sa.Engine, folder: Path, account: str, *, wait: bool) -> Iterator[None]:
    """Hold the right to send for *account*; the operating system takes it back when the holder dies.

    Raises:
        JournalError: Another process has it, and *wait* is false.
    """
    busy = JournalError(
        f"Another importer is sending for this account ({account}) right now. Wait for it to end, or start with --wait."
    )
    digest = hashlib.blake2b(account.encode(), person=b"sender").digest()
    if engine.dialect.name == "postgresql":
        number = int.from_bytes(digest[:8], "big", signed=True)
        with explained("in PostgreSQL"), engine.connect() as connection:
            function = sa.func.pg_advisory_lock if wait else sa.func.pg_try_advisory_lock
            if connection.scalar(sa.select(function(number))) is False:
                raise busy
            yield
        return
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = FileLock(folder / f"{digest.hex()[:16]}.lock", mode=0o600)
        lock.acquire(timeout=-1 if wait else 0)
    except Timeout:
        raise busy from None
    except OSError as error:
        raise JournalError(f"The lock in {folder} cannot be taken: {error.strerror}.") from None
    try:
        yield
    finally:
        lock.release()
