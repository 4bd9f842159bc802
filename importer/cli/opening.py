"""What the commands open: settings, the API and its key, the sandbox."""

from __future__ import annotations

import os
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, Final

import click

from importer.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from importer.client import Header
    from importer.pipeline.account import Api
    from importer.settings import Settings

SANDBOX_KEY: Final = "sandbox"
HEADERS: Final[Mapping[str, Header]] = {"confirma": "X-Api-Key"}  # of APIs that take the key in another than most


def take_settings(workspace: Path, options: Mapping[str, Any]) -> tuple[Settings, dict[str, Any]]:
    """Split the options of a command into its settings and the rest."""
    from importer.settings import NAMES  # noqa: PLC0415 - --help needs none

    given = {name: value for name, value in options.items() if name in NAMES}
    return load_settings(workspace, **given), {name: value for name, value in options.items() if name not in NAMES}


def load_settings(workspace: Path, **options: Any) -> Settings:
    """Gather the settings of a command, whose options beat what else says them."""
    from importer import settings  # noqa: PLC0415 - --help needs none

    return settings.load(workspace, options)


def environment_told(settings: Settings) -> str:
    """Name the world that cases live in, as the settings tell it."""
    from importer.settings import environment_of  # noqa: PLC0415 - with the settings

    return environment_of(_url(settings))


def _url(settings: Settings) -> str:
    import schemas  # noqa: PLC0415 - pandera

    return settings.api_url or schemas.load(settings.target).PRODUCTION_URL


def _referral_url(settings: Settings) -> str | None:
    import schemas  # noqa: PLC0415 - pandera
    from importer.settings import referral_url_of  # noqa: PLC0415 - with the settings

    return referral_url_of(_url(settings), settings) if schemas.load(settings.target).API == "referral" else None


@contextmanager
def open_api(settings: Settings, *, sandbox: bool) -> Iterator[Api]:
    """Find the API and its key; with *sandbox* serve one for as long as it is used."""
    from importer.pipeline.account import Api  # noqa: PLC0415 - pandas

    if not sandbox:
        from importer.settings import api_key  # noqa: PLC0415 - with the settings

        warn_of_exposed("IMPORTER_API_KEY", "API key")
        referral_url = _referral_url(settings)
        key = api_key(referral_url or _url(settings))
        yield Api(_url(settings), key, _header(settings), referral_url=referral_url)
        return
    if settings.api_url or settings.referral_url:
        raise SettingsError("--sandbox serves an API of its own: leave --api-url and IMPORTER_API_URL out.")
    import schemas  # noqa: PLC0415 - pandera
    from importer.sandbox import PREFIXES, serving  # noqa: PLC0415 - a web server

    settings.workspace.mkdir(mode=0o700, parents=True, exist_ok=True)
    given = os.environ.get("IMPORTER_API_KEY", "")
    # Only a sandbox's own key is ever shown to it: these choose one of its accounts.
    key = given if given.startswith(SANDBOX_KEY) else SANDBOX_KEY
    with ExitStack() as stack:
        with sandbox_explained(settings.workspace):
            url = stack.enter_context(serving(settings.workspace / "sandbox.db"))
        name = schemas.load(settings.target).API
        if name == "referral":  # its cases go to the Customer API
            yield Api(url + PREFIXES["customer"], key, referral_url=url + PREFIXES[name])
        else:
            yield Api(url + PREFIXES[name], key, _header(settings))


def warn_of_exposed(variable: str, what: str) -> None:
    """Say where others can read the file that holds a secret, of what *variable* or `_FILE` is for."""
    from importer.settings import exposed_key_file  # noqa: PLC0415 - with the settings

    if exposed := exposed_key_file(variable=variable):
        click.echo(f"Others can read the {what} in {exposed}: `chmod 600 {exposed}` keeps it yours.", err=True)


def _header(settings: Settings) -> Header:
    import schemas  # noqa: PLC0415 - pandera

    return HEADERS.get(schemas.load(settings.target).API, "XApiKey")


@contextmanager
def sandbox_explained(workspace: Path) -> Iterator[None]:
    """Turn what keeps a sandbox from being served into one sentence."""
    import sqlite3  # noqa: PLC0415 - only with a sandbox

    try:
        yield
    except (OSError, sqlite3.Error) as error:
        place = workspace / "sandbox.db"
        raise SettingsError(
            f"The sandbox in {place} cannot be served: {error}. Delete that file, or choose another port."
        ) from None
