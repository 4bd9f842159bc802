"""Where the API key comes from: the environment, a file, the system's keyring; what is said when others can read it."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from importer.sandbox import serving

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Importer = Callable[..., Any]

KEY = "sandbox:Zx93kQ7secret"
RING = f"""
from keyring.backend import KeyringBackend


class Ring(KeyringBackend):
    priority = 1

    def get_password(self, service, username):
        return {KEY!r} if (service, username) == ("invoice-importer", "loopback") else None

    def set_password(self, service, username, password):
        raise NotImplementedError

    def delete_password(self, service, username):
        raise NotImplementedError
"""


def key_file(folder: Path, mode: int) -> Path:
    path = folder / "key"
    path.write_text(f"{KEY}\n")
    path.chmod(mode)
    return path


@pytest.mark.skipif(os.name == "nt", reason="Windows has no modes")
@pytest.mark.parametrize(("mode", "warned"), [(0o600, False), (0o400, False), (0o640, True), (0o644, True)])
def test_a_key_file_that_others_can_read_is_used_and_warned_of(
    importer: Importer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: int, *, warned: bool
) -> None:
    file = key_file(tmp_path, mode)
    monkeypatch.setenv("IMPORTER_API_KEY_FILE", str(file))
    with serving(tmp_path / "outside.db") as url:
        ran = importer("doctor", "--api-url", url)

    assert ran.code == 0
    assert (f"Others can read the API key in {file}: `chmod 600 {file}` keeps it yours." in ran.err) == warned
    assert "Zx93" not in ran.out + ran.err


def test_a_key_file_that_is_not_used_is_not_warned_of(
    importer: Importer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IMPORTER_API_KEY_FILE", str(key_file(tmp_path, 0o644)))
    monkeypatch.setenv("IMPORTER_API_KEY", KEY)
    with serving(tmp_path / "outside.db") as url:
        assert "Others can read" not in importer("doctor", "--api-url", url).err


def test_a_key_file_that_is_not_there_is_one_sentence(importer: Importer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMPORTER_API_KEY_FILE", "nowhere")

    ran = importer("submit", "june.csv", "--yes")

    assert ran.code == 3
    assert ran.err == (
        "The file nowhere named by IMPORTER_API_KEY_FILE cannot be read: No such file or directory. "
        "Mend or unset that variable.\n"
    )


def test_the_key_in_the_systems_keyring_is_found_by_the_program(tmp_path: Path) -> None:
    (tmp_path / "rings.py").write_text(RING)
    environment = {**os.environ, "PYTHON_KEYRING_BACKEND": "rings.Ring", "PYTHONPATH": str(tmp_path)}
    with serving(tmp_path / "outside.db") as url:
        ran = subprocess.run(
            [sys.executable, "-c", "from importer.cli import main; main()", "doctor", "--api-url", url],
            env=environment,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )

    assert ran.returncode == 0, ran.stderr
    assert "ok  API: the key is for " in ran.stderr
    assert "Zx93" not in ran.stdout + ran.stderr
