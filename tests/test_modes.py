"""Whatever the umask, all that the program leaves in its workspace is its owner's alone."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from importer.sandbox import Settings, Store, serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has no modes")

HEADER = "Invoice number,Currency,Invoice date,Amount,Debtor type,Customer,Street,City,Country code"
CODE = "from importer.cli import main; main(prog_name='importer')"
BUG = "import importer.pipeline.submitting as p; p.sending_parties = None;"
KILLED = "import os, importer.report.package as p; p.Package._write = lambda *_: os.kill(os.getpid(), 9);"


@pytest.fixture(autouse=True)
def widest_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


def source(path: Path, rows: int) -> Path:
    lines = (f"INV-{number},EUR,2026-01-15,5.50,Company,Example,1 St,Town,DE" for number in range(rows))
    path.write_text("\n".join([HEADER, *lines]) + "\n")
    return path


def start(workspace: Path, *arguments: object, before: str = "") -> subprocess.Popen[str]:
    command = [sys.executable, "-c", before + CODE, *map(str, arguments), "--workspace", str(workspace)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def run(workspace: Path, *arguments: object, before: str = "") -> int:
    with start(workspace, *arguments, before=before) as process:
        process.communicate()
    return process.returncode


def open_to_others(workspace: Path) -> list[str]:
    """Name what is not 0600, or as a folder 0700."""
    wanted = {True: 0o700, False: 0o600}
    found = {path: stat.S_IMODE(path.stat().st_mode) for path in [workspace, *workspace.rglob("*")]}
    return [f"{path} {mode:o}" for path, mode in found.items() if mode != wanted[path.is_dir()]]


def names(workspace: Path) -> set[str]:
    return {path.name for path in workspace.rglob("*")}


def test_all_that_the_commands_leave_is_their_owners_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace = tmp_path / "deep" / "workspace"
    file = source(tmp_path / "june.csv", 3)
    monkeypatch.delenv("IMPORTER_API_KEY", raising=False)

    assert run(workspace, "check", file) == 0
    assert run(workspace, "submit", file, "--yes", "--sandbox") == 0
    assert run(workspace, "submit", file, "--yes", "--sandbox", before=BUG) == 70
    assert run(workspace, "submit", source(tmp_path / "july.csv", 1), "--yes", "--sandbox", before=KILLED) == -9
    assert open_to_others(workspace) == []
    assert any(name.endswith(".part") for name in names(workspace))
    assert run(workspace, "doctor", "--sandbox") == 0
    assert run(workspace, "forget", "INV-1", "--yes") == 0
    assert run(workspace, "purge", "--older-than", "0d", "--yes") == 0

    assert open_to_others(workspace) == []
    assert {"journal.db", "importer.log", "sandbox.db", "locks", "reports"} <= names(workspace)
    assert any(name.endswith(".lock") for name in names(workspace))


def test_what_a_kill_leaves_is_its_owners_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace = tmp_path / "workspace"
    with serving(tmp_path / "outside.db", Settings(latency=0.05)) as url:
        monkeypatch.setenv("IMPORTER_API_URL", url)
        monkeypatch.setenv("IMPORTER_API_KEY", "sandbox")
        with start(workspace, "submit", source(tmp_path / "june.csv", 300), "--yes", "--concurrency", "1") as process:
            until = time.monotonic() + 30
            while not Store(tmp_path / "outside.db").cases() and time.monotonic() < until:
                time.sleep(0.01)
            process.send_signal(signal.SIGKILL)
            process.communicate()

    assert {"journal.db-wal", "journal.db-shm", "rows.arrow"} <= names(workspace)
    assert open_to_others(workspace) == []


def test_the_sandboxs_files_are_its_owners_alone(tmp_path: Path) -> None:
    workspace = tmp_path / "workspace"
    with start(workspace, "sandbox", "--port", "0") as process:
        assert process.stdout
        process.stdout.readline()
        found = open_to_others(workspace)
        seen = names(workspace)
        process.terminate()
        process.communicate()

    assert {"sandbox.db", "sandbox.db-wal", "sandbox.db-shm"} <= seen
    assert found == []
