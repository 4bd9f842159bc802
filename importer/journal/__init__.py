"""What was sent and what became of it: SQLite, or PostgreSQL by URL, through SQLAlchemy Core.

A row of *cases* is one spreadsheet row of one run; (account, target, mode, creditor, reference) is the identity under
which all runs see what was made. Its status goes

    planned → sending → created | rejected | duplicate
    already-imported, not-sent: never sent by this run
    waiting: an earlier run's request for the same identity has to be settled first

and a row that ends as `sending` or `waiting` is shown to people as `unknown`. A body is dropped as soon as its case is
settled. *requests* holds every request that left, for the windows of the API and for the record.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

import sqlalchemy as sa

from importer.errors import NoJournalError, RunError
from importer.journal import layouts
from importer.journal.database import connect, explained, reader_of
from importer.journal.right import right_to_send, transaction
from importer.journal.tables import (
    DROPPED,
    END_REQUEST,
    INSERT_REQUEST,
    cases,
    columns_of,
    credentials,
    entry_of,
    meta,
    requests,
    runs,
    update_case,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from importer.model import Case, Entry

Connection = sa.Connection  # for those who hand one on
RowMapping = sa.RowMapping

CHUNK: Final = 500  # references asked for at once, rows inserted at once


class Journal:
    """The durable record of one workspace, or of all that share a database.

    Every method that takes a *connection* is one step of a transaction that the caller commits: `begin` opens one, and
    returns only when it is on the disk.
    """

    def __init__(self, engine: sa.Engine, folder: Path) -> None:
        self._engine = engine
        self._folder = folder
        self._right: sa.Connection | None = None  # the connection that holds the right to send, where one does

    @classmethod
    def open(cls, place: str | Path, folder: Path, *, create: bool = True) -> Self:
        """Open the journal at *place*, a path or a `postgresql://` URL; one of an earlier layout is brought up to date.

        Args:
            place: Where it is.
            folder: Where the locks of a SQLite journal lie.
            create: Make it if it is not there.

        Raises:
            NoJournalError: It is not there, and not to be made.
            JournalError: It is no journal, of a later layout, or held by another program.
        """
        if isinstance(place, Path) and not place.exists() and not create:
            raise NoJournalError(f"There is no journal at {place}: nothing was sent from this workspace yet.")
        engine = connect(place)
        try:
            with explained(engine), reader_of(engine).begin() as connection:
                present = layouts.is_present(connection)
            if not present:
                with explained(engine), engine.begin() as connection:
                    layouts.settle(connection, create=create)
        except BaseException:
            engine.dispose()
            raise
        return cls(engine, folder)

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()

    @contextmanager
    def begin(self) -> Iterator[sa.Connection]:
        """Run a transaction; on return it is on the disk, and the right to send was still held, if it is held at all.

        Raises:
            JournalError: Another program holds the journal, the disk is full, or the right to send is lost.
        """
        if self._right is not None:
            with transaction(self._right):
                yield self._right
            return
        with explained(self._engine), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def _reading(self) -> Iterator[sa.Connection]:
        """Open what is read in, and writes nothing: it holds nobody up."""
        with explained(self._engine), reader_of(self._engine).begin() as connection:
            yield connection

    @contextmanager
    def sender(self, *accounts: str, wait: bool) -> Iterator[None]:
        """Hold the right to send for all of *accounts*; see `right`.

        Raises:
            JournalError: Another process has one, and *wait* is false; or the journal was moved since it was opened.
        """
        with right_to_send(self._engine, self._folder, accounts, wait=wait) as held:
            self._right = held
            try:
                # As one who writes, so that a move that is under way has ended.
                with self.begin() as connection:
                    layouts.refuse_moved(connection)
                yield
            finally:
                self._right = None

    def secret(self) -> bytes:
        """Return the key of this journal's keyed hashes."""
        with self._reading() as connection:
            return bytes.fromhex(connection.scalars(sa.select(meta.c.value).where(meta.c.name == "secret")).one())

    # Keys

    def account_of(self, credential: str) -> tuple[str, str] | None:
        """Return whose key *credential* was when it was last used: the account's id and its name; None if it is new."""
        query = sa.select(credentials.c.account, credentials.c.name).where(credentials.c.credential == credential)
        with self._reading() as connection:
            found = connection.execute(query).one_or_none()
        return (found.account, found.name) if found else None

    def remember_key(self, connection: sa.Connection, credential: str, account: str, name: str) -> None:
        """Note whose key *credential* is; what left under it before that was known was the account's."""
        connection.execute(requests.update().where(requests.c.account == credential).values(account=account))
        connection.execute(credentials.delete().where(credentials.c.credential == credential))
        connection.execute(credentials.insert().values(credential=credential, account=account, name=name))

    def ahead_of(self, account: str) -> float | None:
        """Return by how many seconds the API's clock was ahead of ours when it was last seen; None if it never was."""
        with self._reading() as connection:
            found = connection.scalar(sa.select(meta.c.value).where(meta.c.name == f"ahead {account}"))
        return float(found) if found else None

    def remember_ahead(self, connection: sa.Connection, account: str, ahead: float) -> None:
        """Note by how many seconds the API's clock is ahead of ours."""
        connection.execute(meta.delete().where(meta.c.name == f"ahead {account}"))
        connection.execute(meta.insert().values(name=f"ahead {account}", value=str(ahead)))

    # Runs

    def add_run(
        self,
        connection: sa.Connection,
        run: str,
        *,
        account: str,
        target: str,
        mode: str,
        resumable: bool,
        summary: Mapping[str, object],
    ) -> None:
        """Note that a run begins."""
        connection.execute(
            runs.insert().values(
                id=run,
                account=account,
                target=target,
                mode=mode,
                started=time.time(),
                resumable=resumable,
                summary=dict(summary),
            )
        )

    def end_run(self, run: str, *, exit_code: int, stopped: str | None, summary: Mapping[str, object]) -> None:
        """Note how a run ended, this time; even where the right to send was lost, and ended it."""
        with explained(self._engine), self._engine.begin() as connection:
            connection.execute(
                runs.update()
                .where(runs.c.id == run)
                .values(finished=time.time(), exit_code=exit_code, stopped=stopped, summary=dict(summary))
            )

    def run(self, run: str) -> sa.RowMapping:
        """Return a run by its id.

        Raises:
            RunError: There is none.
        """
        with self._reading() as connection:
            found = connection.execute(sa.select(runs).where(runs.c.id == run)).mappings().one_or_none()
        if found is None:
            raise RunError(f"There is no run {run} in this journal; `importer runs` lists those there are.")
        return found

    def runs(self) -> Sequence[sa.RowMapping]:
        """Return all runs, newest first."""
        with self._reading() as connection:
            return connection.execute(sa.select(runs).order_by(runs.c.started.desc())).mappings().all()

    # Cases

    def add_cases(
        self,
        connection: sa.Connection,
        run: str,
        *,
        account: str,
        target: str,
        mode: str,
        planned: Iterable[tuple[Case, Mapping[str, object]]],
    ) -> None:
        """Note the cases of a run, each with its status and whatever is known of it already."""
        common = {"run": run, "account": account, "target": target, "mode": mode}
        blank = dict.fromkeys(("case_id", "case_reference", "lifecycle", "error", "message", "solution"))
        rows: list[dict[str, object]] = []
        for case, known in planned:
            rows.append({**blank, **columns_of(case), **common, **known})
            if len(rows) == CHUNK:
                connection.execute(cases.insert(), rows)
                rows = []
        if rows:
            connection.execute(cases.insert(), rows)

    def update(self, connection: sa.Connection, pk: int, *, parts: Sequence[int] = (), **values: object) -> None:
        """Change what is known of a case, and of the rows that are *parts* of it."""
        changed = [{"at": one, **values} for one in (pk, *parts)]
        connection.execute(update_case(tuple(values)), changed if parts else changed[0])

    def update_all(self, connection: sa.Connection, changes: Iterable[tuple[int, Mapping[str, object]]]) -> None:
        """Change what is known of many cases; those whose changes are of the same columns go together."""
        for (_, names), group in groupby(enumerate(changes), lambda item: (item[0] // CHUNK, tuple(item[1][1]))):
            connection.execute(update_case(names), [{"at": pk, **values} for _, (pk, values) in group])

    def settle(
        self, connection: sa.Connection, pk: int, status: str, *, parts: Sequence[int] = (), **values: object
    ) -> None:
        """Note what became of a case, and of the rows that are *parts* of it, and drop its body."""
        self.update(connection, pk, parts=parts, status=status, **values, **DROPPED)

    def of_run(self, run: str) -> list[Entry]:
        """Return the cases of a run, in the order of its rows."""
        with self._reading() as connection:
            found = (
                connection.execute(sa.select(cases).where(cases.c.run == run).order_by(cases.c.row)).mappings().all()
            )
        return [entry_of(row) for row in found]

    def known(
        self, account: str, target: str, mode: str, references: Iterable[str]
    ) -> dict[tuple[str, str], list[Entry]]:
        """Return what the journal has of *references*, by (creditor, reference), oldest first."""
        wanted = list(references)
        entries: dict[tuple[str, str], list[Entry]] = {}
        with self._reading() as connection:
            for start in range(0, len(wanted), CHUNK):
                found = connection.execute(
                    sa.select(cases)
                    .where(
                        cases.c.account == account,
                        cases.c.target == target,
                        cases.c.mode == mode,
                        cases.c.reference.in_(wanted[start : start + CHUNK]),
                    )
                    .order_by(cases.c.pk)
                )
                for row in found.mappings():
                    entry = entry_of(row)
                    entries.setdefault((entry.case.creditor, entry.case.reference), []).append(entry)
        return entries

    def owned(self, connection: sa.Connection, account: str, ids: Iterable[str]) -> set[str]:
        """Return those of the case *ids* that some row of the journal has made."""
        query = sa.select(cases.c.case_id).where(
            cases.c.account == account, cases.c.status == "created", cases.c.case_id.in_(list(ids))
        )
        return set(connection.scalars(query))

    # Requests

    def add_request(
        self, connection: sa.Connection, account: str, left_at: float, kind: str, case_pk: int | None
    ) -> int:
        """Note that a request leaves; returns its number."""
        row = {"account": account, "left_at": left_at, "kind": kind, "case_pk": case_pk}
        number = connection.execute(INSERT_REQUEST, row).inserted_primary_key
        return int(number[0]) if number else 0

    def end_request(
        self,
        connection: sa.Connection,
        number: int,
        ended_at: float,
        result: str,
        request_id: str | None = None,
        *,
        left_at: float | None = None,
    ) -> None:
        """Note how a request ended, the API's own name for it, and when it left if that was later than was noted."""
        ended = {"at": number, "ended_at": ended_at, "result": result, "request_id": request_id, "left": left_at}
        connection.execute(END_REQUEST, ended)

    def left_since(self, account: str, when: float) -> list[float]:
        """Return when the account's requests left, ascending, seconds since the epoch."""
        with self._reading() as connection:
            query = sa.select(requests.c.left_at).where(requests.c.account == account, requests.c.left_at > when)
            return list(connection.scalars(query.order_by(requests.c.left_at)))

    def count_requests(self, run: str) -> dict[str, int]:
        """Count the requests that a run's cases needed, by kind."""
        query = (
            sa.select(requests.c.kind, sa.func.count())
            .join(cases, cases.c.pk == requests.c.case_pk)
            .where(cases.c.run == run)
            .group_by(requests.c.kind)
        )
        with self._reading() as connection:
            return {kind: count for kind, count in connection.execute(query)}  # noqa: C416 - typed pairs from rows

    # For the rest of this package's methods, which lie in modules of their own.

    reading = _reading

    @property
    def engine(self) -> sa.Engine:
        """The database itself."""
        return self._engine
