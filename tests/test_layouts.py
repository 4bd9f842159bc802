"""Journals of earlier layouts: brought to the present one with everything in them, once, by whoever opens them."""

from __future__ import annotations

import subprocess
import sys
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from importer import __version__
from importer.errors import JournalError, NoJournalError
from importer.journal import Journal, layouts
from importer.journal.tables import LAYOUT, metadata
from importer.sandbox import Store

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Query = Callable[[str], list[tuple[Any, ...]]]

# As the first release laid a journal out.
FIRST = """
CREATE TABLE meta (name VARCHAR NOT NULL, value VARCHAR NOT NULL, PRIMARY KEY (name));
CREATE TABLE runs (
    id VARCHAR NOT NULL, account VARCHAR NOT NULL, target VARCHAR NOT NULL, mode VARCHAR NOT NULL,
    started FLOAT NOT NULL, finished FLOAT, resumable BOOLEAN NOT NULL, exit_code INTEGER, stopped VARCHAR,
    summary JSON NOT NULL, PRIMARY KEY (id)
);
CREATE INDEX ix_runs_started ON runs (started);
CREATE TABLE cases (
    pk {number} NOT NULL, run VARCHAR NOT NULL, "row" BIGINT NOT NULL, account VARCHAR NOT NULL,
    target VARCHAR NOT NULL, mode VARCHAR NOT NULL, creditor VARCHAR NOT NULL, reference VARCHAR NOT NULL,
    has_reference BOOLEAN NOT NULL, status VARCHAR NOT NULL, n INTEGER NOT NULL, "key" VARCHAR NOT NULL, body {bytes},
    amount VARCHAR NOT NULL, currency VARCHAR NOT NULL, grouped VARCHAR NOT NULL, fingerprints JSON NOT NULL,
    debtor VARCHAR, dated VARCHAR, credential VARCHAR, since FLOAT, sent_at FLOAT, attempted_at FLOAT,
    attempts INTEGER NOT NULL, doubts INTEGER NOT NULL, doubted_at FLOAT, by_server BOOLEAN NOT NULL, case_id VARCHAR,
    case_reference VARCHAR, lifecycle VARCHAR, error VARCHAR, message VARCHAR, solution VARCHAR,
    PRIMARY KEY (pk), UNIQUE (run, "row"), FOREIGN KEY(run) REFERENCES runs (id)
);
CREATE INDEX cases_identity ON cases (account, target, mode, creditor, reference);
CREATE UNIQUE INDEX cases_once ON cases (account, target, mode, creditor, reference)
    WHERE status IN ('sending', 'created');
CREATE INDEX ix_cases_case_id ON cases (case_id);
CREATE INDEX ix_cases_case_reference ON cases (case_reference);
CREATE TABLE requests (
    pk {number} NOT NULL, account VARCHAR NOT NULL, left_at FLOAT NOT NULL, kind VARCHAR NOT NULL, case_pk INTEGER,
    ended_at FLOAT, result VARCHAR, PRIMARY KEY (pk)
);
CREATE INDEX requests_window ON requests (account, left_at);
"""
COLUMNS = {
    "meta": "name, value",
    "runs": "id, account, target, mode, started, finished, resumable, exit_code, stopped, summary",
    "cases": (
        'pk, run, "row", account, target, mode, creditor, reference, has_reference, status, n, "key", body, amount, '
        "currency, grouped, fingerprints, debtor, dated, credential, since, sent_at, attempted_at, attempts, doubts, "
        "doubted_at, by_server, case_id, case_reference, lifecycle, error, message, solution"
    ),
    "requests": "pk, account, left_at, kind, case_pk, ended_at, result",
}


def lay_out_as_the_first_release_did(place: str | Path, query: Query) -> None:
    kinds = {"number": "SERIAL", "bytes": "BYTEA"} if isinstance(place, str) else {"number": "INTEGER", "bytes": "BLOB"}
    for statement in FIRST.format(**kinds).split(";")[:-1]:
        query(statement)
    query("INSERT INTO meta VALUES ('layout', '1'), ('secret', '5ec7e7')")


def take_back_to_the_first_layout(place: str | Path, query: Query) -> None:
    """Put what a journal holds into tables of the first layout."""
    for table in COLUMNS:
        query(f"CREATE TABLE kept_{table} AS SELECT * FROM {table}")
    for table in reversed(metadata.sorted_tables):
        query(f"DROP TABLE {table.name}")
    lay_out_as_the_first_release_did(place, query)
    query("DELETE FROM meta")
    for table, columns in COLUMNS.items():
        query(f"INSERT INTO {table} ({columns}) SELECT {columns} FROM kept_{table}")
        query(f"DROP TABLE kept_{table}")
    query("UPDATE meta SET value = '1' WHERE name = 'layout'")
    if isinstance(place, str):
        for table in ("cases", "requests"):
            query(f"SELECT setval('{table}_pk_seq', (SELECT max(pk) FROM {table}))")


def source(path: Path, rows: int) -> Path:
    header = "Invoice number,Currency,Invoice date,Amount,Debtor type,Customer,Street,City,Country code"
    lines = (f"INV-{number},EUR,2026-01-15,1.50,Company,Example,1 St,Town,DE" for number in range(rows))
    path.write_text("\n".join([header, *lines]) + "\n")
    return path


def test_a_run_of_the_first_layout_is_resumed_with_all_that_was_in_doubt(
    importer: Any, place: str | Path, query: Query, tmp_path: Path
) -> None:
    first = importer("submit", source(tmp_path / "june.csv", 5), "--sandbox", "--yes", "--limit", 3, "--json").said
    doubt = "status = 'sending', attempts = 1, attempted_at = 1, since = 1, sent_at = 1, message = NULL"
    query(f"UPDATE cases SET {doubt} WHERE reference = 'INV-3'")
    query('UPDATE runs SET summary = \'{"sources": ["june.csv"]}\'')
    take_back_to_the_first_layout(place, query)
    before = [query(f"SELECT {columns} FROM {table} ORDER BY 1") for table, columns in COLUMNS.items()]

    assert [run["run"] for run in importer("runs", "--json").said["runs"]] == [first["run"]]
    after = [query(f"SELECT {columns} FROM {table} ORDER BY 1") for table, columns in COLUMNS.items()]
    resumed = importer("resume", first["run"], "--sandbox", "--json").said
    sessions = importer("show", first["run"], "--json").said["sessions"]

    assert (after[1][0][:-1], after[2:]) == (before[1][0][:-1], before[2:])
    assert dict(after[0]) == dict(before[0]) | {"layout": LAYOUT}
    assert (resumed["counts"]["created"], resumed["exit"]) == (5, 0)
    assert [session["version"] for session in sessions] == ["unknown", __version__]
    references = sorted(case["creditorReference"] for case in Store(tmp_path / "sandbox.db").cases())
    assert references == [f"INV-{number}" for number in range(5)]


def test_a_journal_that_was_brought_up_to_date_is_laid_out_as_a_new_one(
    place: str | Path, query: Query, tmp_path: Path
) -> None:
    Journal.open(place, tmp_path / "locks").close()
    assert differences(place, tmp_path) == []
    for table in reversed(metadata.sorted_tables):
        query(f"DROP TABLE {table.name}")
    lay_out_as_the_first_release_did(place, query)

    Journal.open(place, tmp_path / "locks").close()

    assert differences(place, tmp_path) == []
    if isinstance(place, str):
        assert set(query("SELECT data_type::text FROM pg_sequences")) == {("bigint",)}


def differences(place: str | Path, tmp_path: Path) -> list[Any]:
    with closing(Journal.open(place, tmp_path / "locks")) as journal, journal.begin() as connection:
        found: list[Any] = compare_metadata(MigrationContext.configure(connection), metadata)
    return found


def test_a_step_that_fails_leaves_the_journal_as_it_was(
    place: str | Path, query: Query, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lay_out_as_the_first_release_did(place, query)

    def broken(operations: Any) -> None:
        layouts._from_1(operations)
        raise JournalError("The disk is full.")

    monkeypatch.setattr(layouts, "STEPS", {"1": ("2", broken)})
    with pytest.raises(JournalError, match="full"):
        Journal.open(place, tmp_path / "locks")

    assert query("SELECT value FROM meta WHERE name = 'layout'") == [("1",)]
    monkeypatch.undo()
    with closing(Journal.open(place, tmp_path / "locks")) as journal:
        assert journal.secret().hex() == "5ec7e7"


@pytest.mark.parametrize("kind", ["new", "of the first layout"])
def test_programs_that_start_at_once_lay_a_journal_out_once(
    place: str | Path, query: Query, tmp_path: Path, kind: str
) -> None:
    if kind != "new":
        lay_out_as_the_first_release_did(place, query)
    code = (
        "import sys; from pathlib import Path; from importer.journal import Journal\n"
        "place = sys.argv[1] if '://' in sys.argv[1] else Path(sys.argv[1])\n"
        "print('ready', flush=True); sys.stdin.readline()\n"
        "journal = Journal.open(place, Path(sys.argv[2]))\nprint(journal.secret().hex())"
    )
    command = [sys.executable, "-c", code, str(place), str(tmp_path / "locks")]
    pipe = subprocess.PIPE
    processes = [subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True) for _ in range(4)]
    for process in processes:
        assert process.stdout
        process.stdout.readline()

    for process in processes:
        assert process.stdin
        process.stdin.write("\n")
        process.stdin.flush()
    said = [process.communicate() for process in processes]

    assert [err for _, err in said] == [""] * 4
    assert len({out for out, _ in said}) == 1


def test_a_database_without_a_journal_stays_as_it_is_when_it_is_only_looked_into(
    importer: Any, postgresql: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    url = postgresql.database()
    monkeypatch.setenv("IMPORTER_JOURNAL", url)

    assert "nothing was sent from there yet" in importer("runs").err
    assert importer("check", source(tmp_path / "june.csv", 1)).code == 0
    assert "there is none yet" in importer("doctor", "--sandbox").err
    with pytest.raises(NoJournalError, match=r"postgresql://bob@127\.0\.0\.1"):
        Journal.open(url, tmp_path / "locks", create=False)

    assert postgresql.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'", url) == []
