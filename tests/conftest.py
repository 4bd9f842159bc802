"""What several test files share: a run of the command line, in this process or in one of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

SAMPLES = Path(__file__).parent.parent / "samples"
IMPORTER = Path(sys.executable).with_name("importer")


@dataclass(frozen=True)
class Ran:
    """How a process ended, and what it said."""

    code: int
    out: str
    err: str

    @property
    def said(self) -> dict[str, Any]:
        """The object that `--json` prints."""
        said: dict[str, Any] = json.loads(self.out)
        return said


@pytest.fixture
def run_importer(tmp_path: Path) -> Callable[..., Ran]:
    """Run the installed program in a process of its own, in an empty workspace, as a user does."""

    def run(*arguments: object, **environment: str) -> Ran:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("IMPORTER_")}
        ended = subprocess.run(
            [str(IMPORTER), *map(str, arguments)],
            capture_output=True,
            text=True,
            check=False,
            cwd=tmp_path,
            stdin=subprocess.DEVNULL,
            env={**inherited, "IMPORTER_SETTLE_AFTER": "0.5", **environment},
        )
        return Ran(ended.returncode, ended.stdout, ended.stderr)

    return run
