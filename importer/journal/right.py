"""Who may send: one process an account, or several accounts at once, by a lock that is taken back when its holder dies.

SQLite: a locked file beside the journal. The operating system keeps it for as long as the process lives.

PostgreSQL: a session's advisory lock. The server keeps it for as long as the *connection* lives, and a connection can
end while its process goes on: the server restarts, someone ends the session, the network drops. Then another machine
may begin to send. So whoever sends commits on the very connection that holds the lock: a commit that the server
confirms proves that the lock was held at that moment, and when the connection is lost, nothing more can be noted as
`sending`, and so nothing more is sent. No check can be forgotten or come too early, since there is none. What was
committed just before the connection was lost may still leave; to the next sender it is what a dead process leaves
behind: in doubt, and asked about before anything else happens to it.

A commit whose answer was lost is of unknown fate, and taken for one that failed. If it said `sending` and was made, the
request has not left and never will: the next run asks, finds nothing, and sends. If it said how a request ended and was
not made, the row is still `sending`, and the next run asks.
"""

from __future__ import annotations

import hashlib
import time
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa
from filelock import FileLock, Timeout

from importer.errors import JournalError
from importer.journal.database import explained

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

RETRY: Final = 0.5  # seconds between two tries to take a lock that another has


@contextmanager
def right_to_send(
    engine: sa.Engine, folder: Path, accounts: Iterable[str], *, wait: bool
) -> Iterator[sa.Connection | None]:
    """Hold the right to send for *accounts*; yields the connection that every change must be made on, if there is one.

    They are taken in one order by everybody, so that two who want the same ones never wait for each other.

    Raises:
        JournalError: Another process has one of them, and *wait* is false.
    """
    with ExitStack() as stack:
        session = stack.enter_context(_session(engine)) if engine.dialect.name == "postgresql" else None
        for account in sorted(set(accounts)):
            digest = hashlib.blake2b(account.encode(), person=b"sender").digest()
            busy = JournalError(
                f"Another importer is sending for this account ({account}) right now. "
                "Wait for it to end, or start with --wait."
            )
            if session:
                number = int.from_bytes(digest[:8], "big", signed=True)
                stack.enter_context(_advisory(session, number, busy, wait=wait))
            else:
                stack.enter_context(_file(folder, digest.hex()[:16], busy, wait=wait))
        yield session


@contextmanager
def _file(folder: Path, name: str, busy: JournalError, *, wait: bool) -> Iterator[None]:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = FileLock(folder / f"{name}.lock", mode=0o600)
        lock.acquire(timeout=-1 if wait else 0)
    except Timeout:
        raise busy from None
    except OSError as error:
        raise JournalError(
            f"The lock in {folder} cannot be taken: {error.strerror}. Ask who may write there."
        ) from None
    try:
        yield
    finally:
        lock.release()


@contextmanager
def _session(engine: sa.Engine) -> Iterator[sa.Connection]:
    with explained(engine):
        connection = engine.connect()
        connection.detach()  # closed at the end, not kept: a pooled connection would keep the locks as well
    try:
        yield connection
    finally:
        connection.close()


@contextmanager
def _advisory(connection: sa.Connection, number: int, busy: JournalError, *, wait: bool) -> Iterator[None]:
    try:
        while not _call(connection, sa.func.pg_try_advisory_lock(number)):
            if not wait:
                raise busy
            # Asked again and again, not waited for: a statement that waits for hours holds up the server's cleaning.
            time.sleep(RETRY)
        yield
    finally:
        with suppress(sa.exc.SQLAlchemyError, JournalError):
            _call(connection, sa.func.pg_advisory_unlock(number))


def _call(connection: sa.Connection, function: sa.Function[bool]) -> bool:
    # In a transaction that ends here, so that the connection never idles inside of one.
    with transaction(connection):
        return bool(connection.scalar(sa.select(function)))


@contextmanager
def transaction(connection: sa.Connection) -> Iterator[None]:
    """Run a transaction on the connection that holds the lock.

    Raises:
        JournalError: It is lost, now or earlier; SQLAlchemy would connect again, and go on without the lock.
    """
    if connection.invalidated:
        raise JournalError(
            "The connection to the journal was lost, and with it the right to send. Start again once it is back."
        )
    with explained(connection.engine), connection.begin():
        yield
