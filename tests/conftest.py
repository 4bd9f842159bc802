"""What several test files share: runs of the command line, and a PostgreSQL server."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import tempfile
import time
from contextlib import closing
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from importer.cli import main

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@dataclass(frozen=True)
class Ran:
    """How a command ended, and what it said."""

    code: int
    out: str
    err: str

    @property
    def said(self) -> dict[str, Any]:
        """The object that `--json` prints."""
        said: dict[str, Any] = json.loads(self.out)
        return said


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave nothing of the machine's own settings."""
    for name in os.environ:
        if name.startswith("IMPORTER_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("IMPORTER_SETTLE_AFTER", "0.5")
    # No machine's keyring has a say in a test.
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")


@pytest.fixture
def importer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Ran]:
    """Run a command as a user does, in an empty folder that is its workspace."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: object, answer: str | None = None) -> Ran:
        ended = CliRunner().invoke(main, [str(argument) for argument in arguments], input=answer)
        if ended.exception and not isinstance(ended.exception, SystemExit):
            raise ended.exception
        return Ran(ended.exit_code, ended.stdout, ended.stderr)

    return run


class PostgreSQL:
    """A server of the tests' own, in a folder of its own, on a free port of the loopback interface."""

    def __init__(self, programs: Path, folder: Path) -> None:
        self._programs = programs
        self._folder = folder
        self._names = count()
        self._server: subprocess.Popen[bytes] | None = None
        # PostgreSQL refuses to run as root.
        self._owner: dict[str, Any] = {}
        if hasattr(os, "geteuid") and os.geteuid() == 0:
            import pwd  # noqa: PLC0415 - only where there is a root

            names = {user.pw_name for user in pwd.getpwall()}
            owner = pwd.getpwnam("postgres" if "postgres" in names else "nobody")
            os.chown(folder, owner.pw_uid, owner.pw_gid)
            self._owner = {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []}
        with closing(socket.socket()) as free:
            free.bind(("127.0.0.1", 0))
            self._port = free.getsockname()[1]
        (folder / "password").write_text("pass:w@rd/1")
        settings = ("--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-sync")
        subprocess.run(
            [programs / "initdb", "-D", folder / "data", "-U", "bob", "--pwfile", folder / "password", *settings],
            cwd=folder,
            check=True,
            stdout=subprocess.DEVNULL,
            **self._owner,
        )

    def url(self, database: str = "postgres") -> str:
        """Return what IMPORTER_JOURNAL is for *database*."""
        return f"postgresql://bob:pass%3Aw%40rd%2F1@127.0.0.1:{self._port}/{database}"

    def start(self) -> None:
        """Start the server, and wait until it can be used."""
        options = {"listen_addresses": "127.0.0.1", "port": self._port, "fsync": "off", "unix_socket_directories": ""}
        command = [self._programs / "postgres", "-D", self._folder / "data"]
        command += [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        with (self._folder / "log").open("ab") as log:
            self._server = subprocess.Popen(command, cwd=self._folder, stdout=log, stderr=log, **self._owner)
        until = time.monotonic() + 30
        while not self._answers():
            assert self._server.poll() is None, (self._folder / "log").read_text()
            assert time.monotonic() < until
            time.sleep(0.05)

    def stop(self) -> None:
        """End all connections, then the server."""
        if self._server:
            self._server.send_signal(signal.SIGINT)
            self._server.wait(30)
            self._server = None

    def database(self) -> str:
        """Make an empty database, and return its URL."""
        name = f"journal{next(self._names)}"
        self.execute(f"create database {name}")
        return self.url(name)

    def execute(self, statement: str, place: str | None = None) -> list[tuple[Any, ...]]:
        """Run a statement in a session of its own, and return the rows it gives."""
        import psycopg  # noqa: PLC0415 - where there is no server, there may be no driver

        with psycopg.connect(place or self.url(), autocommit=True) as connection:
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def _answers(self) -> bool:
        import psycopg  # noqa: PLC0415 - where there is no server, there may be no driver

        try:
            self.execute("select 1")
        except psycopg.OperationalError:
            return False
        return True


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgreSQL]:
    """Run a PostgreSQL server for as long as the tests run."""
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    initdb = installed[-1] if installed else shutil.which("initdb")
    if initdb is None:
        pytest.skip("There is no PostgreSQL server to test with: install it (on Debian: `apt install postgresql`).")
    folder = Path(tempfile.mkdtemp(prefix="importer-postgresql-"))
    try:
        server = PostgreSQL(Path(initdb).resolve().parent, folder)
        server.start()
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder)


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str | Path:
    """Name a journal that is not there yet, in each of the databases; commands that are run use it."""
    if request.param == "sqlite":
        return tmp_path / "journal.db"
    server: PostgreSQL = request.getfixturevalue("postgresql")
    url = server.database()
    monkeypatch.setenv("IMPORTER_JOURNAL", url)
    return url


@pytest.fixture
def query(place: str | Path, request: pytest.FixtureRequest) -> Callable[[str], list[tuple[Any, ...]]]:
    """Look into the journal past the program, or change it."""
    if isinstance(place, str):
        server: PostgreSQL = request.getfixturevalue("postgresql")
        return lambda statement: server.execute(statement, place)

    def ask(statement: str) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(place)) as database, database:
            return database.execute(statement).fetchall()

    return ask
