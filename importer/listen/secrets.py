"""The secrets that deliveries are signed with: several while one replaces another; never printed."""

from __future__ import annotations

import os
import secrets
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from importer.errors import SettingsError, Stopped
from importer.protocol.webhooks import read_secret
from importer.settings import KEYRING_SERVICE, from_keyring

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from importer.settings import Settings

VARIABLE: Final = "IMPORTER_WEBHOOK_SECRET"
IN_KEYRING: Final = "webhook"
SUFFIX: Final = ".secret"


class Secrets:
    """All secrets that may have signed: those of the environment, and those that `importer webhooks add` left.

    Raises:
        SettingsError: One cannot be read, or is none; its text is never part of a message.
    """

    def __init__(self, settings: Settings, environment: Mapping[str, str] | None = None) -> None:
        self._folder = settings.webhooks
        self._given = tuple(_given(os.environ if environment is None else environment))
        self._seen: list[tuple[Path, int]] = []
        self._kept: tuple[bytes, ...] = ()
        self._look()

    def now(self) -> tuple[bytes, ...]:
        """Return them; one that was added or removed meanwhile is noticed."""
        with suppress(SettingsError, OSError):  # one that is being removed just now
            self._look()
        return self._given + self._kept

    def _look(self) -> None:
        files = sorted(self._folder.glob(f"*{SUFFIX}"))
        seen = [(path, path.stat().st_mtime_ns) for path in files]
        if seen != self._seen:
            self._kept = tuple(secret for path in files for secret in _read_file(path, str(path)))
            self._seen = seen


def need_secrets(settings: Settings) -> Secrets:
    """Find the secrets, of which there has to be one.

    Raises:
        SettingsError: There is none, or one is malformed.
    """
    found = Secrets(settings)
    if not found.now():
        raise SettingsError(
            f"There is no webhook secret. `importer webhooks add URL` makes one; or set {VARIABLE}, or {VARIABLE}_FILE "
            f"to a file that holds it, or run `keyring set {KEYRING_SERVICE} {IN_KEYRING}`."
        )
    return found


def _given(environment: Mapping[str, str]) -> Iterator[bytes]:
    if text := environment.get(VARIABLE, ""):
        yield from _read_all(text, VARIABLE)
    elif file := environment.get(f"{VARIABLE}_FILE", ""):
        yield from _read_file(Path(file), f"The file {file} named by {VARIABLE}_FILE")
    else:
        yield from _read_all(from_keyring(IN_KEYRING), f"The keyring's entry {IN_KEYRING}")


def _read_file(path: Path, origin: str) -> list[bytes]:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise SettingsError(f"{origin} cannot be read: {reason}. Ask who may read it.") from None
    return _read_all(text, origin)


def _read_all(text: str, origin: str) -> list[bytes]:
    """Read secrets with spaces, commas or line breaks between them."""
    read = [read_secret(part) for part in text.replace(",", " ").split()]
    found = [secret for secret in read if secret]
    if len(found) != len(read):
        raise SettingsError(f"{origin} holds something that is no webhook secret. Copy it again, as the API showed it.")
    return found


@contextmanager
def place_for_secret(settings: Settings) -> Iterator[Callable[[str, str], Path]]:
    """Open a file for a secret that the API is about to show once; yields what keeps it there, by the webhook's id.

    Raises:
        SettingsError: The folder takes no file: found out before the secret exists.
    """
    folder = settings.webhooks
    temporary = folder / f"new-{secrets.token_hex(4)}"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise SettingsError(
            f"{folder} takes no file for the secret: {error.strerror}. Ask who may write there. No webhook was made."
        ) from None

    def keep(name: str, secret: str) -> Path:
        try:
            os.write(descriptor, f"{secret}\n".encode())
            os.fsync(descriptor)
            return temporary.rename(folder / f"{name}{SUFFIX}")
        except OSError as error:
            raise Stopped(
                f"The webhook {name} was made, but its secret cannot be kept: {error.strerror}. "
                f"Give `importer webhooks remove {name}`, mend that, and add it again."
            ) from None

    try:
        yield keep
    finally:
        os.close(descriptor)
        temporary.unlink(missing_ok=True)


def forget_secret(settings: Settings, name: str) -> None:
    """Delete the secret of a webhook that is no more, where this workspace has it."""
    (settings.webhooks / f"{name}{SUFFIX}").unlink(missing_ok=True)
