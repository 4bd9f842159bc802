"""What large sources cost, and what is seen of them while they are read; docs/scale.md has figures of larger ones."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import pty
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest

from importer.errors import SourceError
from importer.read import cells, workbook

if TYPE_CHECKING:
    from collections.abc import Callable

CORPUS = Path(__file__).parent / "corpus" / "sources"

# The most memory that a program of its own has held, and that its reader of workbooks has.
MEASURED = """
import resource, sys
from importer.cli import main
try:
    main(sys.argv[1:], prog_name="importer")
finally:
    own = next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM"))
    print(own + resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=sys.stderr)
"""


@pytest.fixture(scope="module")
def make() -> Any:
    """The makers of sources of the benchmark."""
    spec = importlib.util.spec_from_file_location("invoices", Path(__file__).parent / "bench" / "invoices.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules["invoices"] = module
    spec.loader.exec_module(module)
    yield module.MAKERS
    del sys.modules["invoices"]


def held(source: Path) -> int:
    """Return the bytes that judging a source takes at most."""
    command = [sys.executable, "-c", MEASURED, "check", "--no-report", "--quiet", str(source)]
    ended = subprocess.run(command, cwd=source.parent, capture_output=True, check=True, text=True)
    return int(ended.stderr.splitlines()[-1]) * 1024


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the system does not tell the memory in use")
@pytest.mark.parametrize(
    ("kind", "few", "many", "most"), [("csv", 30_000, 110_000, 1_700), ("xlsx", 5_000, 30_000, 7_000)]
)
def test_a_row_more_costs_a_bounded_amount_of_memory(
    tmp_path: Path, make: Any, kind: str, few: int, many: int, most: int
) -> None:
    for rows in (few, many):
        make[kind](tmp_path / f"{rows}.{kind}", rows)

    a_row = (held(tmp_path / f"{many}.{kind}") - held(tmp_path / f"{few}.{kind}")) / (many - few)

    assert a_row < most


class Terminal:
    """The program on a terminal of its own."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self._main, side = pty.openpty()
        self.seen = b""
        environment = {**os.environ, "TERM": "xterm", "COLUMNS": "120"}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "importer", *arguments],
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=side,
            env=environment,
        )
        os.close(side)
        os.set_blocking(self._main, False)

    def shows(self, words: bytes, patience: float = 60.0) -> bool:
        """Wait until *words* are on the screen."""
        until = time.monotonic() + patience
        while words not in self.seen and time.monotonic() < until:
            select.select([self._main], [], [], 1.0)
            with contextlib.suppress(OSError):  # the program has closed it
                self.seen += os.read(self._main, 1 << 16)
        return words in self.seen

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()
        os.close(self._main)


@pytest.fixture
def terminal(tmp_path: Path) -> Any:
    """Run a command on a terminal."""
    begun: list[Terminal] = []

    def begin(*arguments: str) -> Terminal:
        begun.append(Terminal(tmp_path, *arguments))
        return begun[-1]

    yield begin
    for one in begun:
        one.close()


@pytest.mark.parametrize("command", ["check", "peek"])
def test_a_terminal_shows_how_far_reading_is_and_an_interrupt_ends_it(
    tmp_path: Path, terminal: Callable[..., Terminal], command: str
) -> None:
    running = terminal(command, "-")

    assert running.shows(b"Starting")
    assert running.shows(b"Reading standard input")
    assert running.process.poll() is None  # it waits for the rest
    running.process.send_signal(signal.SIGINT)
    if not running.shows(b"Interrupted", 2.0):  # Python misses a signal that comes just before it waits for input
        running.process.send_signal(signal.SIGINT)

    assert running.shows(b"Interrupted; nothing more was done.")
    assert running.process.wait(30) == 130
    assert list(tmp_path.iterdir()) == []


def test_each_step_of_a_check_is_shown_while_it_goes_on(
    tmp_path: Path, make: Any, terminal: Callable[..., Terminal]
) -> None:
    make["csv"](tmp_path / "june.csv", 2_000)

    running = terminal("check", "june.csv")

    for step in ("Looking at june.csv", "Reading june.csv", "Reading dates and amounts", "Judging 2,000 rows"):
        assert running.shows(step.encode())
    assert running.shows(b"Writing the report")
    assert running.shows(b"all rows")
    assert running.process.wait(30) == 0


@pytest.mark.parametrize("quiet", [["--quiet"], []])
def test_nothing_of_it_is_written_where_nobody_looks(tmp_path: Path, make: Any, quiet: list[str]) -> None:
    make["csv"](tmp_path / "june.csv", 10)

    command = [sys.executable, "-m", "importer", "check", "june.csv", *quiet]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, check=True, text=True)

    assert "Reading" not in ended.stderr + ended.stdout
    assert not (quiet and ended.stderr)


def batches(data: bytes, kind: str, sheet: str, part: str) -> list[pa.RecordBatch]:
    found, _ = cells.read_batches(data, kind, sheet, part)
    made = []
    for columns in found:
        made.append(cells.to_arrow(columns, sum(batch.num_rows for batch in made)))
    return made


def test_a_sheet_is_the_same_however_many_rows_are_read_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    compared = 0
    for path in sorted(CORPUS.glob("*.[xo]*s*")):
        data = path.read_bytes()
        with contextlib.suppress(SourceError):  # how it is refused is told elsewhere
            for asked in sheets_of(data, path.suffix[1:]):
                whole = batches(data, *asked)
                monkeypatch.setattr(cells, "AT_ONCE", 2)
                parts = batches(data, *asked)
                monkeypatch.undo()
                assert len(whole) == min(len(parts), 1)
                assert not whole or pa.Table.from_batches(parts).equals(pa.Table.from_batches(whole)), path.name
                compared += len(parts) > 1
    assert compared > 20


def sheets_of(data: bytes, kind: str) -> list[tuple[str, str, str]]:
    if kind not in {"xlsx", "xlsm"}:
        return [(kind, name, "") for name, _ in cells.list_sheets(data, kind)] if kind in {"xlsb", "ods"} else []
    return [("xlsx", name, part) for name, part in workbook._open(data).parts.items()]
