"""Where the key and the debtors' data are, whatever goes wrong: the key nowhere, the data where they belong."""

from __future__ import annotations

import json
import zipfile
from typing import TYPE_CHECKING, Any

import pytest

from importer import bugs
from importer.sandbox import Fault, Settings, serving

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Run = Callable[..., tuple[int, bytes]]

KEY = "sandbox:Zx93kQ7secret"  # the account is named by what stands before the colon
SECRETS = {
    "name": "Wilhelmine Raubach",
    "street": "Lerchenpfad 17",
    "email": "raubach@example.org",
    "phone": "+49 171 5550101",
}
HEADER = "Invoice number,Currency,Invoice date,Amount,Debtor type,Customer,Street,City,Country code,Email,Phone"
BUG = """
import importer.pipeline.account as account
def broken(*_, **__):
    raise KeyError("Wilhelmine Raubach") from ValueError("raubach@example.org, Lerchenpfad 17")
account.read_account = broken
"""
HOLDERS = {"rows.arrow", "results.xlsx", "report.html", "issues.jsonl", "to-fix.csv"}


@pytest.fixture
def run(launch: Callable[..., Any], workspace: Path) -> Callable[..., tuple[int, bytes]]:
    """Run a command in a process of its own, as talkative as can be; gives exit code, and all that it printed."""

    def ended(*arguments: object, before: str = "", key: str = KEY) -> tuple[int, bytes]:
        environment = {"IMPORTER_API_KEY": key, "PYTHONASYNCIODEBUG": "1"}
        verbose = f"import logging\nlogging.basicConfig(level='DEBUG')\n{before}"
        process = launch(*arguments, "--workspace", workspace, environment=environment, before=verbose)
        process.wait()
        return process.code, (process.out + process.err).encode()

    return ended


def source(path: Path) -> Path:
    """Write a row for each thing that can become of one, all of the same person."""
    person = ",".join(SECRETS[name] for name in ("name", "street"))
    contact = f"{SECRETS['email']},{SECRETS['phone']}"
    rows = [
        ("OK-1", "EUR", "100.50", "DE"),
        ("OK-2", "EUR", "200.50", "DE"),
        ("REFUSED", "EUR", "300.50", "AQ"),
        ("TWICE", "EUR", "1", "DE"),
        ("TWICE", "EUR", "1", "DE"),
        ("INVALID", "EUR", SECRETS["email"], "DE"),
    ]
    lines = [
        f"{reference},{currency},2026-01-15,{amount},Private,{person},Town,{country},{contact}"
        for reference, currency, amount, country in rows
    ]
    path.write_text("\n".join([HEADER, *lines]) + "\n")
    return path


def bytes_of(path: Path) -> bytes:
    """Read a file, and what is packed in it."""
    if path.suffix != ".xlsx":
        return path.read_bytes()
    with zipfile.ZipFile(path) as package:
        return path.read_bytes() + b"".join(package.read(name) for name in package.namelist())


def places(workspace: Path, *words: str) -> set[str]:
    """Name the files that hold one of *words*."""
    return {
        path.name
        for path in workspace.rglob("*")
        if path.is_file() and any(word.encode() in bytes_of(path) for word in words)
    }


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    folder = tmp_path / "workspace"
    folder.mkdir(mode=0o700)
    return folder


def test_nothing_that_goes_wrong_lets_the_key_or_a_debtor_out(run: Run, workspace: Path, tmp_path: Path) -> None:
    said: list[bytes] = []
    file = source(tmp_path / "june.csv")
    faults = (Fault.parse("lose-answer:every=2"), Fault.parse("throttle-zero:every=7,times=1"))
    with serving(tmp_path / "outside.db", Settings(faults=faults)) as url:
        common = ("--api-url", url)
        for command, code in (
            (("check", file), 1),
            (("submit", file, "--yes", "--json", *common), 1),
            (("submit", file, "--yes", *common), 1),
            (("find", "OK-1"), 0),
            (("runs",), 0),
            (("doctor", *common), 0),
        ):
            ended, output = run(*command)
            assert ended == code, output.decode()
            said.append(output)
        said.append(run("submit", file, "--yes", *common, key="wrong-Zx93kQ7secret")[1])
        ended, output = run("submit", file, "--yes", *common, before=BUG)
        assert ended == 70
        said.append(output)

    everything = b"".join(said).decode()
    assert "DEBUG:asyncio:" in everything
    assert [line for line in everything.splitlines() if any(word in line for word in (*SECRETS.values(), "Zx93"))] == []
    assert places(workspace, "Zx93kQ7secret") == set()
    assert places(workspace, *SECRETS.values()) == HOLDERS
    log = (workspace / "importer.log").read_text()
    assert "builtins.KeyError (a text of 20 characters is left out" in log
    assert "builtins.ValueError" in log
    assert "in broken" in log


def test_bodies_are_in_the_journal_only_until_their_case_is_settled(run: Run, workspace: Path, tmp_path: Path) -> None:
    file = source(tmp_path / "june.csv")
    faults = (Fault.parse("lose-answer:times=2"), Fault.parse("lookups-fail:times=40"))
    with serving(tmp_path / "outside.db", Settings(faults=faults)) as url:
        _, output = run("submit", file, "--yes", "--json", "--quiet", "--api-url", url, "--concurrency", "1")
        said = json.loads(output[output.index(b'{"run"') :].splitlines()[0])
        assert said["counts"]["unknown"] > 0
        assert "journal.db" in places(workspace, SECRETS["email"])

    with serving(tmp_path / "outside.db") as url:
        ended, output = run("resume", said["run"], "--api-url", url)
        assert ended == 1, output.decode()

    assert places(workspace, *SECRETS.values()) == HOLDERS


def test_a_bug_is_told_by_types_and_places_alone() -> None:
    def fail() -> None:
        try:
            open("/nowhere/Wilhelmine Raubach")  # noqa: SIM115, PTH123 - it is not there
        except OSError as error:
            error.add_note("raubach@example.org")
            raise ExceptionGroup("Lerchenpfad 17", [ValueError("Raubach"), error]) from None

    with pytest.raises(ExceptionGroup) as caught:
        fail()

    told = bugs.describe(caught.value)

    assert not any(word in told for word in ("Raubach", "raubach", "Lerchenpfad"))
    assert "builtins.ExceptionGroup (a text of " in told
    assert "builtins.FileNotFoundError 2 (a text of " in told
    assert "test_redaction.py, line " in told
