"""What several test files share: runs of the command line, in this process or in one of its own."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from importer.cli import main

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


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
