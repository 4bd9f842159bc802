"""Where the journal lies: SQLite by its path, PostgreSQL by its URL; and what goes wrong there, in one sentence."""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from importer.errors import JournalError
from importer.journal import postgresql

if TYPE_CHECKING:
    from collections.abc import Iterator

READING: Final = "importer_reading"  # the option of a connection that only reads
BUSY_PATIENCE: Final = 10.0  # seconds that SQLite waits for another writer


def connect(place: str | Path) -> sa.Engine:
    """Make an engine for a path or a `postgresql://` URL; SQLite is made to write through to the disk.

    Raises:
        JournalError: The place cannot be one, or its driver is missing.
    """
    return _sqlite(place) if isinstance(place, Path) else postgresql.connect(place)


def reader_of(engine: sa.Engine) -> sa.Engine:
    """Return *engine* for those who only read: they hold nobody up.

    In PostgreSQL each statement is on its own there: at READ COMMITTED a transaction of several sees no more than they
    do, and costs two more journeys to the server.
    """
    alone = {"isolation_level": "AUTOCOMMIT"} if engine.dialect.name == "postgresql" else {}
    return engine.execution_options(**{READING: True}, **alone)


def _sqlite(path: Path) -> sa.Engine:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Made here, since SQLite would make it readable by all.
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError as error:
        raise JournalError(f"The journal {path} cannot be opened: {error.strerror}. Ask who may write there.") from None
    engine = sa.create_engine(
        sa.URL.create("sqlite", database=str(path)),
        connect_args={"timeout": BUSY_PATIENCE, "check_same_thread": False},
        hide_parameters=True,  # they are debtors' data, and an error goes to a log
    )

    @sa.event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: object) -> None:
        connection.isolation_level = None  # SQLAlchemy's BEGIN below is the only one
        _write_ahead(connection)
        for pragma in ("synchronous = FULL", "foreign_keys = ON", "secure_delete = ON"):
            connection.execute(f"PRAGMA {pragma}")

    @sa.event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        # Readers that become writers half way would fail at once instead of waiting; those that never do need not wait.
        connection.exec_driver_sql("BEGIN" if connection.get_execution_options().get(READING) else "BEGIN IMMEDIATE")

    return engine


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Have changes written ahead; of several who begin with a fresh file, SQLite lets all but one fail at once."""
    until = time.monotonic() + BUSY_PATIENCE
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > until:
                raise
            time.sleep(0.02)
        else:
            return


def shown(engine: sa.Engine) -> str:
    """Name the place of a journal to people; never shows a password."""
    return engine.url.database or "" if engine.dialect.name == "sqlite" else postgresql.shown(engine.url)


@contextmanager
def explained(engine: sa.Engine) -> Iterator[None]:
    """Turn what a database raises into one sentence.

    Raises:
        JournalError: The journal is held by another program, damaged, out of reach, or its disk is full.
    """
    try:
        yield
    except sa.exc.IntegrityError:
        raise
    except sa.exc.DBAPIError as error:
        text = _said(error)
        if engine.dialect.name == "sqlite" and ("locked" in text or "busy" in text):
            text = "another program is writing to it; close that program, or try again later"
        raise JournalError(f"The journal {shown(engine)} cannot be used: {text}.") from None


def _said(error: sa.exc.DBAPIError) -> str:
    """Take the first sentence of what a driver says: PostgreSQL's next ones show whole rows."""
    diagnosis = getattr(error.orig, "diag", None)
    text = (diagnosis and diagnosis.message_primary) or str(error.orig)
    return " ".join(text.split()).rstrip(".")
