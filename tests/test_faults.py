"""The table of faults, in small: its command, as anyone runs it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent


def test_no_fault_makes_a_duplicate_loses_a_row_or_leaves_one_unknown(tmp_path: Path) -> None:
    page = tmp_path / "faults.md"
    page.write_text("Words.\n\n| fault | of an older table |\n")
    command = [sys.executable, str(HERE / "faults.py"), "--rows", "30", "--pairs", "10", "--write", str(page)]

    ended = subprocess.run(command, capture_output=True, text=True, check=False)

    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert page.read_text().startswith("Words.\n\n| fault | ends with |")
    assert page.read_text().endswith("72 trials of 30 rows, 2,160 rows in all; 0 broke a promise.\n")
