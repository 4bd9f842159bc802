"""Tells people who are not at the screen how a run ended; nothing that goes wrong with that changes how it ended."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from importer.cli.opening import warn_of_exposed
from importer.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from importer.notice import Notice, Origin
    from importer.pipeline.reporting import Ending

META: Final = "importer.notice"


@dataclass(slots=True)
class Expected:
    """A command whose end is told of: what it was asked for, and how it ended once that is known."""

    kind: str
    named: tuple[str, ...]
    workspace: Path
    sandbox: bool
    ending: Ending | None = None


def expect(kind: str, named: Sequence[str | Path], workspace: Path, *, sandbox: bool) -> None:
    """Say at its beginning that the end of this command is to be told."""
    names = tuple(
        ("standard input" if str(name) == "-" else name.name) if isinstance(name, Path) else name for name in named
    )
    click.get_current_context().meta[META] = Expected(kind, names, workspace, sandbox)


def note(ending: Ending) -> None:
    """Keep how the rows of this command ended."""
    expected = click.get_current_context().meta.get(META)
    if isinstance(expected, Expected):
        expected.ending = ending


def tell(exit_code: int, error: str = "") -> None:
    """Send a notice of how the command ended, if it is one that is told of, and notices are wanted."""
    expected = click.get_current_context().meta.pop(META, None)
    if not isinstance(expected, Expected):
        return
    try:
        for sentence in _tell(expected, exit_code, error):
            click.echo(sentence, err=True)
    except SettingsError as refused:
        click.echo(f"No notice was sent: {refused}", err=True)
    except (KeyboardInterrupt, click.Abort):
        click.echo("Interrupted: the notice may not have been sent. The run had ended before.", err=True)


def _tell(expected: Expected, exit_code: int, error: str) -> list[str]:
    from importer import notify  # noqa: PLC0415 - most commands send none

    addresses = notify.find_wanted(expected.workspace, checking=expected.kind == "check", well=exit_code == 0)
    if not addresses:
        return []
    warn_of_exposed(notify.VARIABLE, "address of notices")
    services = notify.open_services(addresses)
    return notify.send(services, _write(expected, exit_code, error))


def _write(expected: Expected, exit_code: int, error: str) -> Notice:
    from importer import notice  # noqa: PLC0415 - most commands send none

    ending = expected.ending
    origin = _origin(expected)
    if ending is None or ending.digest is None:
        return notice.tell_failure(origin, error, exit_code)
    report = str(ending.report.resolve()) if ending.report else ""
    return notice.tell_digest(origin, ending.digest, report=report, exit_code=exit_code)


def _origin(expected: Expected) -> Origin:
    from importer.notice import Origin  # noqa: PLC0415 - most commands send none

    workspace = str(expected.workspace.resolve())
    return Origin(expected.kind, expected.named, workspace, platform.node(), expected.sandbox)
