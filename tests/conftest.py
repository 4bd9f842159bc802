"""What several test files share: runs of the command line, and a PostgreSQL server."""

from __future__ import annotations

import gc
import json
import multiprocessing
import os
import runpy
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import closing, suppress
from dataclasses import dataclass
from functools import cache
from itertools import count
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import hypothesis
import pytest
from click.testing import CliRunner

from importer.cli import main
from importer.read import apart

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

GERMAN = """<?xml version="1.0" encoding="UTF-8"?>
<oor:items xmlns:oor="http://openoffice.org/2001/registry">
<item oor:path="/org.openoffice.Setup/L10N">
<prop oor:name="ooSetupSystemLocale" oor:op="fuse"><value>de-DE</value></prop>
</item></oor:items>
"""
LIBREOFFICE = {"xlsx": "Calc MS Excel 2007 XML", "ods": "calc8", "xls": "MS Excel 97"}
FILLING = Path(__file__).with_name("filling.py")
PROGRAM = "from importer.cli import main; main(prog_name='importer')"
# Loaded once: a process of its own then begins in milliseconds, not in seconds. None of them starts a thread of ours.
LOADED = (
    *(
        "importer.history",
        "importer.pipeline.submitting",
        "importer.sandbox.server",
        "importer.screen",
        "schemas.customer",
    ),
    *("importer.cli.running", "importer.read.cells", "importer.read.oldexcel", "importer.read.text"),
    # What libraries load where it is first used.
    *(
        "anyio._backends._asyncio",
        "httpcore",
        "pandera.backends.pandas.builtin_checks",
        "pandera.backends.pandas.register",
    ),
    *("pyarrow.acero", "pyarrow.dataset"),
)


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


# How long an example takes says how busy the machine is.
hypothesis.settings.register_profile("unhurried", deadline=None)
hypothesis.settings.load_profile("unhurried")


def pytest_collection_finish() -> None:
    """Let the search for garbage leave out what stays until the end: all modules, and all tests."""
    gc.collect()
    gc.freeze()


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


class Launched:
    """The program in a process of its own.

    Attributes:
        pid: Of the process.
        arguments: What it was started with.
        code: Its exit code, less than 0 for the signal that killed it; None while it runs.
    """

    def __init__(
        self, arguments: tuple[str, ...], folder: Path, environment: Mapping[str, str], said: Path, before: str
    ) -> None:
        self.arguments = arguments
        self._out, self._err = said.with_suffix(".out"), said.with_suffix(".err")
        self._started = time.monotonic()
        self._wait = (_fork if FORKS else _start)(self, folder, dict(environment), before)
        self.code: int | None = None

    @property
    def runs(self) -> bool:
        return self._ended(0) is None

    @property
    def catches_signals(self) -> bool:
        """Tell whether the program's own handler of SIGTERM is in place, and not yet gone."""
        try:
            status = Path(f"/proc/{self.pid}/status").read_text()
        except OSError:  # no such process any more, or no such file on this system
            return self.runs and time.monotonic() > self._started + 1
        caught = int(status.partition("SigCgt:")[2].split(maxsplit=1)[0], 16)
        return bool(caught >> (signal.SIGTERM - 1) & 1)

    @property
    def out(self) -> str:
        return self._out.read_text(encoding="utf-8")

    @property
    def err(self) -> str:
        return self._err.read_text(encoding="utf-8")

    @property
    def said(self) -> dict[str, Any]:
        """The object that `--json` prints."""
        said: dict[str, Any] = json.loads(self.out)
        return said

    def wait(self, patience: float = 120) -> int:
        """Wait for its end, *patience* seconds at most, and return its exit code."""
        code = self._ended(patience)
        assert code is not None, f"{' '.join(self.arguments)} has not ended after {patience} s: {self.err}"
        return code

    def kill(self, number: int = signal.SIGKILL) -> None:
        """Send it a signal; one that has ended takes none."""
        if self.runs:
            os.kill(self.pid, number)

    def _ended(self, patience: float) -> int | None:
        if self.code is None:
            self.code = self._wait(patience)
        return self.code


def _fork(launched: Launched, folder: Path, environment: dict[str, str], before: str) -> Callable[[float], int | None]:
    streams = (Path(os.devnull), launched._out, launched._err)
    process = _forked("importer", launched.arguments, folder, environment, streams, before)
    launched.pid = process.pid

    def wait(patience: float) -> int | None:
        process.join(patience)
        return process.exitcode

    return wait


def _forked(
    program: str,
    arguments: Sequence[str],
    folder: Path,
    environment: dict[str, str],
    streams: tuple[Path, Path, Path],
    before: str = "",
) -> Any:
    """Start one of the programs of `launched.py` as a fork of a process that has loaded their modules."""
    given = {
        "program": program,
        "arguments": arguments,
        "folder": folder,
        "environment": environment,
        "streams": streams,
        "before": before,
    }
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([*LOADED])
    path = str(Path(__file__).with_name("launched.py"))
    process = context.Process(target=runpy.run_path, args=(path, {"given": given}, "__main__"), daemon=True)
    with pytest.MonkeyPatch.context() as patch:
        # Else each process would load the test runner first.
        patch.setitem(sys.modules, "__main__", ModuleType("__main__"))
        process.start()
    return process


def _start(launched: Launched, folder: Path, environment: dict[str, str], before: str) -> Callable[[float], int | None]:
    with launched._out.open("wb") as out, launched._err.open("wb") as err:
        process = subprocess.Popen(
            [sys.executable, "-c", f"{before}\n{PROGRAM}", *launched.arguments],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
        )
    launched.pid = process.pid

    def wait(patience: float) -> int | None:
        try:
            return process.wait(patience)
        except subprocess.TimeoutExpired:
            return None

    return wait


@cache
def find_python() -> str | None:
    """Find the Python that LibreOffice speaks to."""
    candidates = [sys.executable, *filter(None, map(shutil.which, ("python3", "/usr/bin/python3")))]
    candidates += map(str, Path("/opt").glob("libreoffice*/program/python"))
    for python in candidates if shutil.which("soffice") else ():
        if subprocess.run([python, "-c", "import uno"], check=False, capture_output=True).returncode == 0:
            return python
    return None


@pytest.fixture
def type_in(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path, Path, Mapping[str, str]], None]:
    """Type into a workbook at the keyboard of a German LibreOffice, and save it as what the second path is called."""
    python = find_python()
    if python is None:
        pytest.skip("needs LibreOffice and its Python: apt-get install libreoffice-calc python3-uno")
    profile = tmp_path_factory.mktemp("office") / "profile"
    (profile / "user").mkdir(parents=True)
    (profile / "user" / "registrymodifications.xcu").write_text(GERMAN, encoding="utf-8")

    def type_(path: Path, done: Path, entries: Mapping[str, str]) -> None:
        pipe = f"filling{uuid4().hex}"
        office = ["soffice", "--headless", "--norestore", f"-env:UserInstallation={profile.as_uri()}"]
        command = [
            python,
            FILLING,
            pipe,
            path.resolve(),
            done.resolve(),
            LIBREOFFICE[done.suffix[1:]],
            json.dumps(entries),
        ]
        accept = f"--accept=pipe,name={pipe};urp"
        # `soffice` is a script that starts the program: a group of their own, so that none is left behind.
        with subprocess.Popen(
            [*office, accept], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        ) as running:
            try:
                subprocess.run(command, check=True, capture_output=True, timeout=180)
                running.wait(60)
            finally:
                with suppress(ProcessLookupError):
                    os.killpg(running.pid, signal.SIGKILL)

    return type_


FORKS = "forkserver" in multiprocessing.get_all_start_methods()


@pytest.fixture(autouse=True)
def reader(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the reader of workbooks be a process that begins in milliseconds; tests of its bounds override this.

    It is one of its own as ever, with the same arguments, bounds, streams and exit codes.
    """
    if FORKS:
        monkeypatch.setattr(apart, "subprocess", SimpleNamespace(run=_read, TimeoutExpired=subprocess.TimeoutExpired))


def _read(command: list[str], *, input: bytes, timeout: float, **_: Any) -> subprocess.CompletedProcess[bytes]:  # noqa: A002 - as in subprocess
    with tempfile.TemporaryDirectory() as folder:
        streams = Path(folder, "in"), Path(folder, "out"), Path(folder, "err")
        streams[0].write_bytes(input)
        program = command.index("importer.read.cells")
        process = _forked(command[program], command[program + 1 :], Path.cwd(), dict(os.environ), streams)
        process.join(timeout)
        if process.is_alive():
            process.kill()
            process.join()
            raise subprocess.TimeoutExpired(command, timeout)
        out, err = (stream.read_bytes() if stream.exists() else b"" for stream in streams[1:])
        code = process.exitcode
        process.close()
        return subprocess.CompletedProcess(command, code, out, err)


@pytest.fixture
def launch(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Launched]]:
    """Start a command in a process of its own, in a folder that is its workspace, and let none outlive the test.

    `before` is code that the process runs first.
    """
    said = tmp_path_factory.mktemp("said")
    numbers = count()
    all_launched: list[Launched] = []

    def start(
        *arguments: object, workspace: Path = tmp_path, environment: Mapping[str, str] | None = None, before: str = ""
    ) -> Launched:
        texts = tuple(str(argument) for argument in arguments)
        launched = Launched(texts, workspace, {**os.environ, **(environment or {})}, said / f"{next(numbers)}", before)
        all_launched.append(launched)
        return launched

    yield start
    for launched in all_launched:
        launched.kill()
        launched.wait()
