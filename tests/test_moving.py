"""`importer journal move`: everything goes to PostgreSQL at once, and the old journal is never sent from again."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from importer.errors import JournalError
from importer.journal import Journal, moving
from importer.sandbox import Store

if TYPE_CHECKING:
    from pathlib import Path

TABLES = ("credentials", "runs", "cases", "requests", "standings", "deliveries", "kept_back")


def source(path: Path, rows: int) -> Path:
    header = "Invoice number,Currency,Invoice date,Amount,Debtor type,Customer,Street,City,Country code"
    lines = (f"INV-{number},EUR,2026-01-15,1.50,Company,Example,1 St,Town,DE" for number in range(rows))
    path.write_text("\n".join([header, *lines]) + "\n")
    return path


def ask(path: Path, statement: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(path)) as database, database:
        return database.execute(statement).fetchall()


def count(postgresql: Any, url: str) -> list[int]:
    return [postgresql.execute(f"SELECT count(*) FROM {table}", url)[0][0] for table in TABLES]


def test_a_run_that_was_stopped_goes_on_in_the_journal_that_was_moved(
    importer: Any, postgresql: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = source(tmp_path / "june.csv", 9)
    file.write_text(f"{file.read_text()}INV-X,EUR,2026-01-15,0,Company,Example,1 St,Town,DE\n")
    first = importer("submit", file, "--sandbox", "--yes", "--limit", 5, "--json").said
    doubt = "status = 'sending', attempts = 1, attempted_at = 1, since = 1, sent_at = 1"
    ask(tmp_path / "journal.db", f"UPDATE cases SET {doubt} WHERE reference = 'INV-7'")
    before = [ask(tmp_path / "journal.db", f"SELECT count(*) FROM {table}")[0][0] for table in TABLES]
    monkeypatch.setattr(moving, "CHUNK", 2)
    url = postgresql.database()

    moved = importer("journal", "move", url, "--json")

    assert moved.code == 0
    assert moved.said["rows"] == dict(zip(TABLES, before, strict=True))
    assert "pass" not in moved.out + moved.err
    assert count(postgresql, url) == before
    refused = importer("resume", first["run"], "--sandbox", "--json")
    assert refused.code == 3
    assert "was moved to postgresql://bob@127.0.0.1" in refused.said["error"]
    monkeypatch.setenv("IMPORTER_JOURNAL", url)
    assert importer("resume", first["run"], "--sandbox", "--json").said["counts"]["created"] == 9
    assert importer("submit", file, "--sandbox", "--yes", "--json").said["counts"]["already-imported"] == 9
    assert len(Store(tmp_path / "sandbox.db").cases()) == 9


def test_a_database_that_holds_another_journal_is_refused(importer: Any, postgresql: Any, tmp_path: Path) -> None:
    url = postgresql.database()
    with closing(Journal.open(url, tmp_path / "locks")) as other, other.begin() as connection:
        other.add_request(connection, "a", 1.0, "post", None)
    importer("submit", source(tmp_path / "june.csv", 1), "--sandbox", "--yes")

    moved = importer("journal", "move", url)

    assert moved.code == 3
    assert "holds another journal already" in moved.err
    assert dict(zip(TABLES, count(postgresql, url), strict=True)) == dict.fromkeys(TABLES, 0) | {"requests": 1}
    assert importer("runs").code == 0


def test_a_journal_is_not_moved_while_someone_sends(importer: Any, postgresql: Any, tmp_path: Path) -> None:
    importer("submit", source(tmp_path / "june.csv", 1), "--sandbox", "--yes")
    url = postgresql.database()

    with (
        closing(Journal.open(tmp_path / "journal.db", tmp_path / "locks")) as journal,
        journal.sender("a new account", wait=False),
    ):
        moved = importer("journal", "move", url)

    assert (moved.code, moved.err) == (3, "An importer is sending right now; let it end, then move the journal.\n")
    assert postgresql.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'", url) == []


def test_who_opened_the_journal_before_it_was_moved_sends_nothing_from_it(
    importer: Any, postgresql: Any, tmp_path: Path
) -> None:
    importer("submit", source(tmp_path / "june.csv", 1), "--sandbox", "--yes")
    with closing(Journal.open(tmp_path / "journal.db", tmp_path / "locks")) as journal:
        assert importer("journal", "move", postgresql.database()).code == 0
        with pytest.raises(JournalError, match="was moved to"), journal.sender("a", wait=False):
            pass


def test_a_move_that_was_cut_short_after_the_copy_is_ended_by_another(
    importer: Any, postgresql: Any, tmp_path: Path
) -> None:
    importer("submit", source(tmp_path / "june.csv", 3), "--sandbox", "--yes")
    url = postgresql.database()
    importer("journal", "move", url)
    before = count(postgresql, url)
    ask(tmp_path / "journal.db", "DELETE FROM meta WHERE name = 'moved_to'")

    assert importer("journal", "move", url).code == 0

    assert count(postgresql, url) == before
    assert "was moved to" in importer("runs").err


def test_a_move_that_fails_half_way_leaves_both_as_they_were(
    importer: Any, postgresql: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    importer("submit", source(tmp_path / "june.csv", 3), "--sandbox", "--yes")
    url = postgresql.database()
    whole = moving._count
    monkeypatch.setattr(moving, "_count", lambda *of: whole(*of) + (of[1].name == "requests"))

    assert importer("journal", "move", url).err == "Not all of requests arrived; nothing was moved.\n"

    assert postgresql.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'", url) == []
    assert importer("runs").code == 0


def test_what_is_not_in_sqlite_is_not_moved(importer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "There is no journal at" in importer("journal", "move", "postgresql://127.0.0.1:1/d").err
    monkeypatch.setenv("IMPORTER_JOURNAL", "postgresql://127.0.0.1:1/d")

    assert "in PostgreSQL already" in importer("journal", "move", "postgresql://127.0.0.1:1/e").err
