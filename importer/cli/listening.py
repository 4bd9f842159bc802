"""The commands about webhooks: the subscriptions at the API, and the listener that takes what they deliver."""

from __future__ import annotations

import re
import time
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import click

from importer.cli.opening import load_settings, open_api, take_settings, warn_of_exposed
from importer.cli.options import asking, common, print_json
from importer.errors import SettingsError
from importer.model import split_row_key

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from importer.cli.options import Command
    from importer.journal.deliveries import Processed
    from importer.model import Event
    from importer.pipeline.subscribing import Desk
    from importer.protocol.webhooks import Subscription
    from importer.settings import Settings

LOOPBACK: Final = ("127.0.0.1", "::1", "localhost")
REFUSALS_EVERY: Final = 10.0  # seconds between two lines about deliveries that were not taken


@click.command()
@common
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), default=8090, show_default=True, help="0 takes a free one.")
@click.option("--path", default="/webhooks", show_default=True, help="The path of the webhook's URL.")
def listen(workspace: Path, *, as_json: bool, quiet: bool, host: str, port: int, path: str) -> int:
    """Take what webhooks deliver, and keep each case's history in the journal, until interrupted.

    The API delivers to public https addresses alone: put a web server that ends TLS in front. With --json each event is
    one line on stdout, after one that tells the URL.
    """
    if not path.startswith("/"):
        raise click.BadParameter("a path begins with /.", param_hint="--path")
    from importer.listen.loop import listen as take  # noqa: PLC0415 - a web server
    from importer.listen.secrets import VARIABLE  # noqa: PLC0415 - with it

    warn_of_exposed(VARIABLE, "webhook secret")
    take(load_settings(workspace), host, port, path, Teller(as_json=as_json, quiet=quiet))
    return 0


class Teller:
    """Says on stderr what comes in, and with *as_json* on stdout what it said."""

    def __init__(self, *, as_json: bool, quiet: bool) -> None:
        self._as_json = as_json
        self._quiet = quiet
        self._refused_at = float("-inf")
        self._unsaid = 0

    def ready(self, url: str, waiting: int) -> None:
        """Say where deliveries are taken."""
        if self._as_json:
            print_json({"url": url})
        left = f" Processing {waiting:,} that were left." if waiting else ""
        self._say(f"Listening on {url}; Ctrl-C ends it.{left}")

    def refused(self, reason: str) -> None:
        """Say why a delivery was not taken; who is flooded is told how many, not each."""
        self._unsaid += 1
        if time.monotonic() - self._refused_at < REFUSALS_EVERY:
            return
        more = f" ({self._unsaid - 1:,} more since the last such line)" if self._unsaid > 1 else ""
        self._refused_at, self._unsaid = time.monotonic(), 0
        self._say(f"A delivery was not taken: {reason}{more}.")

    def repeated(self, event: Event, *, replayed: bool) -> None:
        """Say that nothing new came."""
        self._say(f"{event.name} {event.id} {'was replayed' if replayed else 'came again'}, and is known already.")

    def processed(self, done: Processed) -> None:
        """Say what an event said."""
        event, case = done.event, done.case
        if self._as_json:
            print_json(_describe(done))
        named = event.reference or event.case_id or "no case"
        if case and case["has_reference"]:
            named = f"{case['reference']} ({named})"
        told = f" is {event.lifecycle}" if event.lifecycle else ""
        told += f" ({event.close_code})" if event.close_code else ""
        told += f", was {event.before}" if event.before and event.before != event.lifecycle else ""
        unknown = "" if case else ", a case that the journal does not know"
        self._say(f"{_moment(event.happened_at)} {event.name}: {named}{told}{unknown}.")

    def troubled(self, reason: str) -> None:
        """Say that what was kept waits."""
        self._say(f"{reason} What was delivered is kept, and processed later.")

    def _say(self, text: str) -> None:
        if not self._quiet:
            click.echo(text, err=True)


def _describe(done: Processed) -> dict[str, object]:
    event, case = done.event, done.case
    return {
        **{("event" if name == "name" else name): value for name, value in asdict(event).items()},
        "happened_at": _moment(event.happened_at),
        "received_at": _moment(done.received_at),
        "known": case is not None,
        "creditor_reference": case["reference"] if case and case["has_reference"] else None,
        "run": case["run"] if case else None,
        "row": split_row_key(case["row"])[1] if case else None,
    }


def _moment(seconds: float | None) -> str:
    return f"{datetime.fromtimestamp(seconds or 0.0, UTC):%Y-%m-%d %H:%M:%S}Z"


@click.group()
def webhooks() -> None:
    """Look after the webhooks: what the API tells by itself, and where to."""


def asks(function: Command) -> Command:
    """Add what the commands share that ask the API about webhooks."""
    for option in (
        click.option("--target", help="Whose API is asked; by default that of `customer`."),
        click.option("--wait", is_flag=True, help="Wait for another sender of the same account to end."),
    ):
        function = option(function)
    return common(asking(function))


@webhooks.command()
@asks
@click.argument("url")
@click.option("--event", "events", multiple=True, metavar="EVENT", help="Such as case.updated; by default all.")
@click.option("--test", is_flag=True, help="Deliver the events of test cases, and only those.")
def add(
    workspace: Path, *, as_json: bool, quiet: bool, url: str, events: tuple[str, ...], test: bool, **options: Any
) -> int:
    """Have the API deliver events to URL; the secret that signs them is kept in the workspace, for `listen`."""
    from importer.listen.secrets import place_for_secret  # noqa: PLC0415 - with the settings
    from importer.protocol import Refused  # noqa: PLC0415 - with the API

    _need_https(url)
    with _desk(workspace, options, quiet=quiet) as (desk, settings, known):
        if strange := [event for event in events if event not in known]:
            text = f"there is no event {', '.join(strange)}; there are: {', '.join(known)}."
            raise click.BadParameter(text, param_hint="--event")
        with place_for_secret(settings) as keep:
            made = desk.add(url, events or known, test=test)
            if isinstance(made, Refused):
                return _fail(f"The API refused the webhook: {made.message}", as_json=as_json)
            kept = keep(made.id, made.secret)
    if as_json:
        print_json({**_show(made), "secret_file": str(kept), "exit": 0})
    else:
        click.echo(made.id)
    if not quiet:
        click.echo(f"Its secret is in {kept}, where `importer listen` finds it; the API tells it only once.", err=True)
    return 0


@webhooks.command("list")
@asks
def list_all(workspace: Path, *, as_json: bool, quiet: bool, **options: Any) -> int:
    """List the webhooks of the account, and whether each is active."""
    from importer import screen  # noqa: PLC0415 - rich

    with _desk(workspace, options, quiet=quiet) as (desk, _, _):
        found = desk.list_all()
    if as_json:
        print_json({"webhooks": [_show(one) for one in found], "exit": 0})
        return 0
    if not found and not quiet:
        click.echo("The account has no webhook; `importer webhooks add URL` makes one.", err=True)
    for one in found:
        state = "active" if one.is_active else f"disabled: {one.disabled_reason or 'the API does not say why'}"
        facts = {"id": one.id, "url": one.url, "events": list(one.events)}
        facts |= {"cases": "test" if one.is_test else "live", "state": state}
        screen.show_facts(screen.console(quiet=quiet), facts)
    return 0


@webhooks.command()
@asks
@click.argument("name", metavar="ID")
def remove(workspace: Path, *, as_json: bool, quiet: bool, name: str, **options: Any) -> int:
    """Remove the webhook ID, and its secret from the workspace."""
    from importer.listen.secrets import forget_secret  # noqa: PLC0415 - with the settings

    _need_id(name)
    with _desk(workspace, options, quiet=quiet) as (desk, settings, _):
        removed = desk.remove(name)
        forget_secret(settings, name)
    if not removed:
        return _fail(f"There is no webhook {name}; `importer webhooks list` lists those there are.", as_json=as_json)
    if as_json:
        print_json({"id": name, "exit": 0})
    elif not quiet:
        click.echo(f"Removed: {name}.", err=True)
    return 0


@webhooks.command()
@asks
@click.argument("name", metavar="ID")
def test(workspace: Path, *, as_json: bool, quiet: bool, name: str, **options: Any) -> int:
    """Have the API deliver an event of no real case to the webhook ID, and say how that went."""
    _need_id(name)
    with _desk(workspace, options, quiet=quiet) as (desk, _, _):
        tested = desk.test(name)
    if tested is None:
        return _fail(f"There is no webhook {name}; `importer webhooks list` lists those there are.", as_json=as_json)
    code = 0 if tested.success else 1
    if as_json:
        print_json({**asdict(tested), "exit": code})
    elif not quiet:
        answered = f"it was answered {tested.status}" if tested.status else "it was not answered"
        problem = f": {tested.problem}" if tested.problem else ""
        taken = "" if tested.success else "not "
        click.echo(f"The test event was {taken}taken; {answered}{problem}".rstrip(".") + ".", err=True)
    return code


@contextmanager
def _desk(workspace: Path, options: dict[str, Any], *, quiet: bool) -> Iterator[tuple[Desk, Settings, tuple[str, ...]]]:
    """Open where webhooks are asked for, with the events that the API has."""
    import schemas  # noqa: PLC0415 - pandera
    from importer import screen  # noqa: PLC0415 - rich
    from importer.pipeline.subscribing import Desk  # noqa: PLC0415 - pandas
    from importer.protocol.webhooks import EVENTS  # noqa: PLC0415 - with the API

    settings, rest = take_settings(workspace, options)
    known = EVENTS.get(schemas.load(settings.target).API)
    if known is None:
        raise SettingsError(
            f"The API of the target {settings.target} has no webhooks that this program can look after."
        )
    with open_api(settings, sandbox=rest["sandbox"]) as api, screen.Watching(screen.console(quiet=quiet)) as watcher:
        yield Desk(settings, api, wait=rest["wait"], waiting=watcher.waiting), settings, known


def _show(one: Subscription) -> dict[str, object]:
    return {name: value for name, value in asdict(one).items() if name != "secret"}


def _fail(text: str, *, as_json: bool) -> int:
    click.echo(text, err=True)
    if as_json:
        print_json({"exit": 1, "error": text})
    return 1


def _need_https(url: str) -> None:
    """Refuse what the API would: only a sandbox delivers to this machine, and without TLS."""
    try:
        parts = urlsplit(url)
        host = None if parts.username else parts.hostname
    except ValueError:
        host = None
    if host and parts.scheme != "https" and not (parts.scheme == "http" and host in LOOPBACK):
        raise click.BadParameter(f"{url!r} does not begin with https://.", param_hint="URL")
    if not host:
        raise click.BadParameter(
            f"{url!r} is no address that anything can be delivered to; give a public one.", param_hint="URL"
        )


def _need_id(name: str) -> None:
    """Refuse what would be another path of the API."""
    if not re.fullmatch("[0-9A-Za-z-]+", name):
        raise click.BadParameter(
            f"{name!r} is no id of a webhook; `importer webhooks list` lists them.", param_hint="ID"
        )
