"""The table of faults, in small: its command, as anyone runs it."""

from __future__ import annotations

import runpy
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent


MANAGED = ("drop-request", "lose-answer", "fail-500-stored+drop-request", "hang-before+key-ignored", "garbled+deny")


def test_no_fault_does_so_to_managed_cases_which_the_api_does_not_protect() -> None:
    only = [part for faults in MANAGED for part in ("--only", faults)]
    command = [sys.executable, str(HERE / "faults.py"), "--target", "managed", "--rows", "60", "--json", *only]

    ended = subprocess.run(command, capture_output=True, text=True, check=False)

    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert len(ended.stdout.splitlines()) == len(MANAGED)


def test_no_fault_makes_a_duplicate_loses_a_row_or_leaves_one_unknown() -> None:
    """Each fault of an API that protects nothing; with one that does, and in pairs, they are for `soak`."""
    program = runpy.run_path(str(HERE / "faults.py"))
    names = [name for name in program["faults_of"]("customer") if name not in program["UNPROTECTED"]]
    only = [part for name in names for part in ("--only", "+".join((name, *program["UNPROTECTED"])))]
    command = [sys.executable, str(HERE / "faults.py"), "--rows", "30", "--json", *only]

    ended = subprocess.run(command, capture_output=True, text=True, check=False)

    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert len(ended.stdout.splitlines()) == len(names)


@pytest.mark.soak
def test_every_fault_alone_and_some_pairs_are_written_into_the_table(tmp_path: Path) -> None:
    page = tmp_path / "faults.md"
    page.write_text("Words.\n\n| fault | of an older table |\n")
    command = [sys.executable, str(HERE / "faults.py"), "--rows", "30", "--pairs", "10", "--write", str(page)]

    ended = subprocess.run(command, capture_output=True, text=True, check=False)

    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert page.read_text().startswith("Words.\n\n| fault | ends with |")
    assert page.read_text().endswith("72 trials of 30 rows, 2,160 rows in all; 0 broke a promise.\n")
