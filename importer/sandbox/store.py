"""Where a sandbox keeps its cases and answers: one SQLite file, which outlives the server."""

from __future__ import annotations

import json
import os
import sqlite3
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Final
from uuid import UUID, uuid4, uuid5

from importer.sandbox.windows import Spent

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

_TABLES: Final = """
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS cases (
    number INTEGER PRIMARY KEY, account TEXT NOT NULL, id TEXT NOT NULL UNIQUE, reference TEXT NOT NULL UNIQUE,
    creditor_reference TEXT, amount TEXT NOT NULL, currency TEXT NOT NULL, is_test INTEGER NOT NULL,
    lifecycle TEXT NOT NULL, date TEXT NOT NULL, due_date TEXT NOT NULL, division TEXT, created TEXT NOT NULL,
    body BLOB NOT NULL, document BLOB NOT NULL
);
DROP INDEX IF EXISTS one_reference_an_account;
CREATE INDEX IF NOT EXISTS cases_by_reference ON cases (account, creditor_reference);
CREATE INDEX IF NOT EXISTS cases_of_account ON cases (account, number);
CREATE TABLE IF NOT EXISTS answers (
    account TEXT NOT NULL, key TEXT NOT NULL, body BLOB NOT NULL, status INTEGER NOT NULL, answer BLOB NOT NULL,
    PRIMARY KEY (account, key)
);
CREATE TABLE IF NOT EXISTS payments (
    number INTEGER PRIMARY KEY, account TEXT NOT NULL, case_id TEXT NOT NULL, id TEXT NOT NULL UNIQUE,
    document BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS payments_of_case ON payments (case_id);
CREATE TABLE IF NOT EXISTS windows (key TEXT PRIMARY KEY, spent TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS partner_references (case_id TEXT PRIMARY KEY, reference TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS cases_by_partner_reference ON partner_references (reference);
CREATE TABLE IF NOT EXISTS starts (case_id TEXT NOT NULL, body BLOB NOT NULL);
"""
_PATIENCE: Final = 30.0  # seconds to wait for another sandbox on the same file
_ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_REFERENCES: Final = len(_ALPHABET) ** 8
_STRIDE: Final = (
    1_618_033_988_747  # shares no factor with _REFERENCES: consecutive references look unlike, none repeats
)


@dataclass(frozen=True, slots=True)
class StoredCase:
    """One case: what it is looked up and sorted by, the body as sent and the document as answered."""

    account: str
    id: str
    reference: str
    creditor_reference: str | None
    amount: str
    currency: str
    is_test: bool
    lifecycle: str
    date: str
    due_date: str
    division: str | None
    created: str
    body: bytes
    document: bytes


class Ledger:
    """The server's side of the file: reads and writes, from one thread at a time."""

    def __init__(self, path: Path) -> None:
        # The file holds what debtors' data somebody tries out: made before SQLite does it with a wider mode.
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        self._database = sqlite3.connect(path, timeout=_PATIENCE, isolation_level=None, check_same_thread=False)
        try:
            self._database.execute("PRAGMA journal_mode = WAL")
            self._database.execute("PRAGMA synchronous = NORMAL")
            self._database.executescript(_TABLES)
            fresh = ("namespace", str(uuid4()))
            self._database.execute("INSERT OR IGNORE INTO facts VALUES (?, ?)", fresh)
            found = self._database.execute("SELECT value FROM facts WHERE name = 'namespace'").fetchone()
        except BaseException:
            self._database.close()
            raise
        self._namespace = UUID(found[0])

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()

    def execute(self, statement: str, values: Sequence[object] | Mapping[str, object] = ()) -> sqlite3.Cursor:
        """Run a statement of a module that has tables of its own here; rows are known by their columns' names."""
        cursor = self._database.cursor()
        cursor.row_factory = sqlite3.Row
        return cursor.execute(statement, values)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Keep all other writers out; all that is written inside is kept, or nothing where an exception leaves."""
        self._database.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._database.execute("ROLLBACK")
            raise
        self._database.execute("COMMIT")

    def name_account(self, account: str) -> str:
        """Return the account's UUID: its own in each database."""
        return str(uuid5(self._namespace, account))

    def next_reference(self) -> str:
        """Return a reference of eight characters that no case has; inside the transaction that adds the case."""
        last = self._database.execute("SELECT coalesce(max(number), 0) FROM cases").fetchone()[0]
        rest = (last + 1) * _STRIDE % _REFERENCES
        letters = []
        for _ in range(8):
            rest, letter = divmod(rest, len(_ALPHABET))
            letters.append(_ALPHABET[letter])
        return "".join(reversed(letters))

    def add(self, case: StoredCase) -> None:
        """Keep a new case."""
        values = asdict(case)
        names, marks = ", ".join(values), ", ".join(f":{name}" for name in values)
        self._database.execute(f"INSERT INTO cases ({names}) VALUES ({marks})", values)  # noqa: S608 - our own names

    def change(self, case_id: str, lifecycle: str, document: bytes) -> None:
        """Keep where a case stands now."""
        values = (lifecycle, document, case_id)
        self._database.execute("UPDATE cases SET lifecycle = ?, document = ? WHERE id = ?", values)

    def add_payment(self, account: str, case_id: str, payment_id: str, document: bytes) -> None:
        """Keep a new payment."""
        values = (account, case_id, payment_id, document)
        self._database.execute("INSERT INTO payments (account, case_id, id, document) VALUES (?, ?, ?, ?)", values)

    def payments(self, case_id: str) -> list[bytes]:
        """Return the documents of a case's payments, oldest first."""
        found = self._database.execute("SELECT document FROM payments WHERE case_id = ? ORDER BY number", (case_id,))
        return [document for (document,) in found]

    def find(self, account: str, column: str, value: str) -> bytes | None:
        """Return the document of the account's case whose *column* is *value*."""
        found = self._database.execute(
            f"SELECT document FROM cases WHERE account = ? AND {column} = ? ORDER BY number",  # noqa: S608 - a column's name of ours
            (account, value),
        ).fetchone()
        return found[0] if found else None

    def list_page(
        self, account: str, filters: Mapping[str, Sequence[str]], order: str, limit: int, offset: int
    ) -> tuple[int, list[bytes]]:
        """Count the account's cases that pass all *filters* (column → values), and return a page of documents."""
        where, values = "account = ?", [account]
        for column, wanted in filters.items():
            where += f" AND {column} IN ({', '.join('?' * len(wanted))})"
            values += wanted
        total = self._database.execute(f"SELECT count(*) FROM cases WHERE {where}", values).fetchone()[0]  # noqa: S608 - our own names
        page = self._database.execute(
            f"SELECT document FROM cases WHERE {where} ORDER BY {order} LIMIT ? OFFSET ?",  # noqa: S608 - our own names
            (*values, limit, offset),
        )
        return total, [document for (document,) in page]

    def recall(self, account: str, key: str) -> tuple[bytes, int, bytes] | None:
        """Return the hash of the body, the status and the answer stored for an idempotency key."""
        found = self._database.execute(
            "SELECT body, status, answer FROM answers WHERE account = ? AND key = ?", (account, key)
        ).fetchone()
        return (found[0], found[1], found[2]) if found else None

    def remember(self, account: str, key: str, body: bytes, status: int, answer: bytes) -> None:
        """Store the terminal answer for an idempotency key."""
        self._database.execute("INSERT INTO answers VALUES (?, ?, ?, ?, ?)", (account, key, body, status, answer))

    def load_windows(self) -> dict[str, Spent]:
        """Return key → what it has spent."""
        rows = self._database.execute("SELECT key, spent FROM windows")
        spent = {key: Spent(**json.loads(text)) for key, text in rows}
        for one in spent.values():
            one.segments = {int(number): count for number, count in one.segments.items()}
        return spent

    def save_windows(self, spent: Mapping[str, Spent]) -> None:
        """Keep what each key has spent."""
        rows = [(key, json.dumps(asdict(one))) for key, one in spent.items()]
        with self.transaction():
            self._database.executemany("INSERT OR REPLACE INTO windows VALUES (?, ?)", rows)


class Store:
    """The reading side of the file, for whoever wants to know which cases were made; safe while a server runs."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def cases(self, account: str | None = None) -> list[dict[str, object]]:
        """Return all cases, or those of the account so called, in the order of making.

        Returns:
            For each: account, id, reference, creditorReference, amount (exact, as text), currency, isTest, lifecycle,
            created (naive UTC, ISO 8601), body (the bytes as sent).
        """
        with closing(sqlite3.connect(self._path, timeout=_PATIENCE)) as database:
            rows = database.execute(
                "SELECT account, id, reference, creditor_reference, amount, currency, is_test, lifecycle, created, body"
                " FROM cases WHERE ? IS NULL OR account = ? ORDER BY number",
                (account, account),
            ).fetchall()
        names = ("account", "id", "reference", "creditorReference", "amount", "currency", "isTest", "lifecycle")
        return [
            dict(zip((*names, "created", "body"), row, strict=True)) | {"isTest": bool(row[names.index("isTest")])}
            for row in rows
        ]

    def partner_references(self) -> dict[str, str]:
        """Return case id → the partner reference that is stored."""
        with closing(sqlite3.connect(self._path, timeout=_PATIENCE)) as database:
            return dict(database.execute("SELECT case_id, reference FROM partner_references").fetchall())

    def starts(self) -> list[tuple[str, bytes]]:
        """Return the case id and the body of every request that started a case, in order."""
        with closing(sqlite3.connect(self._path, timeout=_PATIENCE)) as database:
            return database.execute("SELECT case_id, body FROM starts ORDER BY rowid").fetchall()
