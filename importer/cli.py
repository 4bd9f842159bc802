"""click: options → settings → pipeline → exit code."""

from __future__ import annotations

import os
import sys
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

import click

from importer import __version__
from importer.errors import ImporterError, SettingsError
from importer.options import common, print_json, reading, sending

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from rich.console import Console

    from importer.pipeline import Api, Ending, Job, Offer
    from importer.pipeline.forgetting import Forgotten
    from importer.settings import Settings

SANDBOX_KEY: Final = "sandbox"


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="importer")
def main() -> None:
    """Bulk invoice importer: every invoice becomes one debt-collection case, or a line that says why not.

    Start with `importer check SOURCE`, which sends nothing; then `importer submit SOURCE`. `--sandbox` tries everything
    without a key and without a network.
    """


@main.command()
@common
@reading
@click.option("--sandbox", is_flag=True, help="Say what is imported already in the sandbox, not at the live API.")
@click.option("--no-report", is_flag=True, help="Judge and print only.")
def check(
    workspace: Path, *, as_json: bool, quiet: bool, sandbox: bool, no_report: bool, target: str | None, **given: Any
) -> int:
    """Judge every row of SOURCE... and write a report; sends nothing."""
    from importer import pipeline, screen  # noqa: PLC0415 - a second of imports that --help need not wait for

    settings = _settings(workspace, target=target)
    environment = "loopback" if sandbox else _environment(settings)
    ending = pipeline.check(_job(**given), settings, environment=environment, written=not no_report)
    return _finish(ending, screen.console(quiet=quiet), as_json=as_json)


@main.command()
@common
@reading
@sending
@click.option("--yes", is_flag=True, help="Send without asking.")
@click.option("--wait", is_flag=True, help="Wait for another sender of the same account to end.")
@click.option("--all-or-nothing", is_flag=True, help="Send nothing if any row has an error.")
@click.option("--allow-pending-contracts", is_flag=True, help="Let the API take cases whose contracts are not signed.")
def submit(
    workspace: Path,
    *,
    as_json: bool,
    quiet: bool,
    sandbox: bool,
    yes: bool,
    wait: bool,
    **options: Any,
) -> int:
    """Judge every row of SOURCE..., show what would be sent, ask, and send what is valid."""
    _need_yes("submit", yes=yes)
    from importer import pipeline, screen  # noqa: PLC0415 - a second of imports that --help need not wait for

    settings, options = _take_settings(workspace, options)
    console = screen.console(quiet=quiet)

    def confirm(offer: Offer) -> bool:
        screen.show_offer(console, offer)
        return yes or click.confirm("Send?", err=True)

    with _api(settings, sandbox=sandbox) as api, screen.Watching(console) as watcher:
        ending = pipeline.submit(_job(**options), settings, api, confirm=confirm, watcher=watcher, wait=wait)
    return _finish(ending, console, as_json=as_json)


@main.command()
@common
@click.argument("run")
@sending
@click.option("--wait", is_flag=True, help="Wait for another sender of the same account to end.")
def resume(workspace: Path, *, run: str, as_json: bool, quiet: bool, sandbox: bool, wait: bool, **options: Any) -> int:
    """Finish RUN: ask about what is unknown, send what was not sent."""
    from importer import pipeline, screen  # noqa: PLC0415 - a second of imports that --help need not wait for

    settings, _ = _take_settings(workspace, options)
    console = screen.console(quiet=quiet)
    with _api(settings, sandbox=sandbox) as api, screen.Watching(console) as watcher:
        ending = pipeline.resume(run, settings, api, watcher=watcher, wait=wait)
    return _finish(ending, console, as_json=as_json)


@main.command()
@common
@click.argument("run")
def report(workspace: Path, *, run: str, as_json: bool, quiet: bool) -> int:
    """Write the report of RUN again, from the journal."""
    from importer import pipeline, screen  # noqa: PLC0415 - a second of imports that --help need not wait for

    ending = pipeline.rewrite(run, _settings(workspace))
    _finish(ending, screen.console(quiet=quiet), as_json=as_json)
    return 0


@main.command()
@common
def runs(workspace: Path, *, as_json: bool, quiet: bool) -> int:
    """List what has been run, newest first."""
    from importer import history, screen  # noqa: PLC0415 - SQLAlchemy takes half a second

    found = history.runs(_settings(workspace))
    if as_json:
        print_json({"runs": found, "exit": 0})
    else:
        rows = [(run["run"], run["started"], ", ".join(run["sources"]), run["state"], run["rows"]) for run in found]
        screen.show_table(screen.console(quiet=quiet), ("Run", "Started", "Sources", "State", "Rows"), rows)
    return 0


@main.command()
@common
@click.argument("run")
@click.option("--row", type=click.IntRange(min=1), help="Show what became of this row alone, and each attempt at it.")
def show(workspace: Path, *, run: str, as_json: bool, quiet: bool, row: int | None) -> int:
    """Show one RUN: who, when, which files, counts, totals, requests, and where its report lies."""
    from importer import history, screen  # noqa: PLC0415 - SQLAlchemy takes half a second

    if row is not None:
        return _show_cases(history.show_row(_settings(workspace), run, row), as_json=as_json, quiet=quiet)
    found = history.show(_settings(workspace), run)
    if as_json:
        print_json({**found, "exit": 0})
    else:
        screen.show_facts(screen.console(quiet=quiet), found)
        if found["report"]:
            click.echo(found["report"])
    return 0


@main.command()
@common
@click.argument("value")
def find(workspace: Path, *, value: str, as_json: bool, quiet: bool) -> int:
    """Find a case by VALUE: Debitura's id or reference, or the creditor reference; with each attempt at it."""
    from importer import history  # noqa: PLC0415 - SQLAlchemy takes half a second

    found = history.find(_settings(workspace), value)
    if not found and not as_json:
        click.echo(f"The journal knows no case {value}.", err=True)
    return _show_cases(found, as_json=as_json, quiet=quiet)


def _show_cases(found: list[dict[str, Any]], *, as_json: bool, quiet: bool) -> int:
    from importer import screen  # noqa: PLC0415 - rich

    code = 0 if found else 1
    if as_json:
        print_json({"cases": found, "exit": code})
    else:
        for case in found:
            screen.show_facts(screen.console(quiet=quiet), case)
    return code


@main.command()
@common
@click.argument("reference")
@click.option("--yes", is_flag=True, help="Forget without asking.")
def forget(workspace: Path, *, reference: str, as_json: bool, quiet: bool, yes: bool) -> int:
    """Erase what is kept of the debtor with this creditor REFERENCE; what prevents a second case stays."""
    _need_yes("forget", yes=yes)
    from importer.pipeline import forgetting  # noqa: PLC0415 - pandas

    def confirm(cases: int, files: int) -> bool:
        question = f"Erase what is kept of {reference}? Cases in the journal: {cases:,}, reports: {files:,}."
        return yes or click.confirm(question, err=True)

    settings = _settings(workspace)
    done = forgetting.forget(reference, settings, confirm)
    trial = workspace / "sandbox.db"
    document: dict[str, Any] = {"reference": reference, "exit": 0 if done else 1}
    if done:
        document |= {"cases": done.cases, "runs": done.runs, "deleted": done.deleted, "left": done.left}
    if as_json:
        print_json(document | {"sandbox": trial if trial.exists() else None})
    if not quiet:
        for line in _tell_forgotten(reference, done):
            click.echo(line, err=True)
        if trial.exists():
            click.echo(f"{trial} is the sandbox's own file; it was left alone, and may simply be deleted.", err=True)
    return 0 if done else 1


@main.command()
@common
@click.option("--older-than", "age", required=True, metavar="AGE", help="Of finished runs and of checks: 90d, or 12w.")
@click.option("--yes", is_flag=True, help="Purge without asking.")
def purge(workspace: Path, *, as_json: bool, quiet: bool, age: str, yes: bool) -> int:
    """Delete the reports of old runs and checks, and all that the journal does not need to prevent duplicates."""
    _need_yes("purge", yes=yes)
    from importer.pipeline import purging  # noqa: PLC0415 - pandas

    try:
        seconds = purging.read_age(age)
    except ValueError:
        raise click.BadParameter(f"{age!r} is no age; say 90d or 12w.", param_hint="--older-than") from None

    def confirm(runs: int, checks: int) -> bool:
        return yes or click.confirm(f"Purge {runs:,} runs and {checks:,} checks older than {age}?", err=True)

    done = purging.purge(seconds, _settings(workspace), confirm)
    if as_json:
        print_json({"runs": done.runs, "checks": done.checks, "left": done.left, "exit": 0})
    if not quiet:
        click.echo(f"Purged: {len(done.runs):,} runs, {len(done.checks):,} checks.", err=True)
        for line in done.left:
            click.echo(line, err=True)
    return 0


def _tell_forgotten(reference: str, done: Forgotten | None) -> Iterator[str]:
    if done is None:
        yield f"Nothing is known of {reference}: neither the journal nor a report has it."
        return
    cases = "1 case" if done.cases == 1 else f"{done.cases:,} cases"
    yield f"Forgotten: {reference}, with {cases} of the journal; identity and status stay."
    for run in done.runs:
        yield f"Run {run}: its row is blank but for reference, amount and currency, and its report written again."
    for path in done.deleted:
        yield f"Deleted, since it had the reference: {path}"
    yield from done.left


def _need_yes(command: str, *, yes: bool) -> None:
    if not yes and not sys.stdin.isatty():
        raise click.UsageError(f"Without a terminal to ask on, `{command}` needs --yes.")


@main.group()
def journal() -> None:
    """Look after the journal: the record of what was sent."""


@journal.command()
@common
@sending
@click.option("--wait", is_flag=True, help="Wait for another sender of the same account to end.")
def rebuild(workspace: Path, *, as_json: bool, quiet: bool, sandbox: bool, wait: bool, **options: Any) -> int:
    """Read the account's cases from the API into the journal: after it was lost, or restored from a backup."""
    from importer import pipeline, screen  # noqa: PLC0415 - a second of imports that --help need not wait for

    settings, _ = _take_settings(workspace, options)
    console = screen.console(quiet=quiet)
    with _api(settings, sandbox=sandbox) as api, screen.Watching(console) as watcher:
        rebuilt = pipeline.rebuild(settings, api, watcher=watcher, wait=wait)
    if as_json:
        print_json({**asdict(rebuilt), "exit": 0})
    else:
        screen.show_rebuilt(console, rebuilt)
    return 0


@journal.command()
@common
@click.argument("url")
def move(workspace: Path, *, url: str, as_json: bool, quiet: bool) -> int:
    """Move the journal from SQLite to the empty PostgreSQL database at URL, for several machines to share.

    URL is as in postgresql://user@host:5432/database; leave the password to PGPASSWORD or to the file ~/.pgpass.
    """
    from importer.journal.moving import move as move_journal  # noqa: PLC0415 - SQLAlchemy takes half a second

    settings = _settings(workspace)
    moved = move_journal(settings.journal, settings.locks, url)
    if as_json:
        print_json({**moved, "exit": 0})
    elif not quiet:
        click.echo(f"The journal is at {moved['journal']} now. Set IMPORTER_JOURNAL to it on every machine.", err=True)
    return 0


@main.command()
@common
@click.option("--port", type=click.IntRange(0, 65535), default=8080, show_default=True, help="0 takes a free one.")
@click.option("--latency", type=click.FloatRange(min=0), default=0.0, help="Seconds before each answer to a new case.")
@click.option("--limits", help="The three windows, as 2000/min,20000/h,100000/d.")
@click.option(
    "--fault",
    "faults",
    multiple=True,
    metavar="NAME[:OPTION=VALUE,...]",
    help="What goes wrong, such as lose-answer:every=3; may be repeated. An unknown NAME lists all.",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Of the faults that come by chance.")
def sandbox(
    workspace: Path,
    *,
    as_json: bool,
    quiet: bool,
    port: int,
    latency: float,
    limits: str | None,
    faults: tuple[str, ...],
    seed: int,
) -> int:
    """Serve the sandbox until interrupted; its data lie in the workspace's sandbox.db."""
    from importer import sandbox as server  # noqa: PLC0415 - a web server
    from importer.throttle import Rate  # noqa: PLC0415 - only here

    rate = Rate.parse(limits) if limits else Rate()
    try:
        ordered = tuple(map(server.Fault.parse, faults))
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--fault") from None
    settings = server.Settings(rate.minute, rate.hour, rate.day, latency, ordered, seed)

    def tell(url: str) -> None:
        if as_json:
            print_json({"url": url})
        else:
            click.echo(url)
        if not quiet:
            click.echo(f"Use it with: IMPORTER_API_KEY={SANDBOX_KEY} importer submit SOURCE --api-url {url}", err=True)

    workspace.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _sandbox_explained(workspace):
        server.serve_forever(workspace / "sandbox.db", settings, port, tell)
    return 0


@main.command()
@common
@sending
def doctor(workspace: Path, *, as_json: bool, quiet: bool, sandbox: bool, **options: Any) -> int:
    """Say whether settings, key, journal, clock and API are in order."""
    from importer import doctor as examining  # noqa: PLC0415 - SQLAlchemy takes half a second

    settings, _ = _take_settings(workspace, options)
    with ExitStack() as stack:
        api: Api | ImporterError
        try:
            api = stack.enter_context(_api(settings, sandbox=sandbox))
        except ImporterError as error:
            api = error
        findings = list(examining.examine(settings, api))
    if as_json:
        listed = [{"what": finding.what, "ok": finding.ok, "text": finding.text} for finding in findings]
        print_json({"findings": listed, "exit": max(finding.exit_code for finding in findings)})
    elif not quiet:
        for finding in findings:
            click.echo(f"{'ok ' if finding.ok else 'NO '} {finding.what}: {finding.text}", err=True)
    return max(finding.exit_code for finding in findings)


def _take_settings(workspace: Path, options: Mapping[str, Any]) -> tuple[Settings, dict[str, Any]]:
    """Split the options of a command into its settings and the rest."""
    from importer.settings import NAMES  # noqa: PLC0415 - --help needs none

    given = {name: value for name, value in options.items() if name in NAMES}
    return _settings(workspace, **given), {name: value for name, value in options.items() if name not in NAMES}


def _settings(workspace: Path, **options: Any) -> Settings:
    from importer import settings  # noqa: PLC0415 - --help needs none

    return settings.load(workspace, options)


def _job(*, sources: tuple[Path, ...], constants: tuple[str, ...], date_order: Any, **options: Any) -> Job:
    from importer.pipeline import Job  # noqa: PLC0415 - pandas

    fields: dict[str, str] = {}
    for constant in constants:
        name, equals, value = constant.partition("=")
        if not equals or not name.strip():
            raise click.BadParameter(f"{constant!r} is not of the form FIELD=VALUE.", param_hint="--set")
        fields[name.strip()] = value
    return Job(sources, constants=fields, order=date_order, **options)


def _environment(settings: Settings) -> str:
    from importer.settings import environment_of  # noqa: PLC0415 - with the settings

    return environment_of(_url(settings))


def _url(settings: Settings) -> str:
    import schemas  # noqa: PLC0415 - pandera

    return settings.api_url or schemas.load(settings.target).PRODUCTION_URL


@contextmanager
def _api(settings: Settings, *, sandbox: bool) -> Iterator[Api]:
    """Find the API and its key; with *sandbox* serve one for as long as it is used."""
    from importer.pipeline import Api  # noqa: PLC0415 - pandas

    if not sandbox:
        from importer.settings import api_key, exposed_key_file  # noqa: PLC0415 - with the settings

        if exposed := exposed_key_file():
            click.echo(f"Others can read the API key in {exposed}: `chmod 600 {exposed}` keeps it yours.", err=True)
        yield Api(_url(settings), api_key(_url(settings)))
        return
    if settings.api_url:
        raise SettingsError("--sandbox serves an API of its own: leave --api-url and IMPORTER_API_URL out.")
    from importer.sandbox import serving  # noqa: PLC0415 - a web server

    settings.workspace.mkdir(mode=0o700, parents=True, exist_ok=True)
    given = os.environ.get("IMPORTER_API_KEY", "")
    # Only a sandbox's own key is ever shown to it: these choose one of its accounts.
    key = given if given.startswith(SANDBOX_KEY) else SANDBOX_KEY
    with ExitStack() as stack:
        with _sandbox_explained(settings.workspace):
            url = stack.enter_context(serving(settings.workspace / "sandbox.db"))
        yield Api(url, key)


@contextmanager
def _sandbox_explained(workspace: Path) -> Iterator[None]:
    import sqlite3  # noqa: PLC0415 - only with a sandbox

    try:
        yield
    except (OSError, sqlite3.Error) as error:
        place = workspace / "sandbox.db"
        raise SettingsError(
            f"The sandbox in {place} cannot be served: {error}. Delete that file, or choose another port."
        ) from None


def _finish(ending: Ending, console: Console, *, as_json: bool) -> int:
    """Tell people on stderr and scripts on stdout how it ended."""
    from importer import screen  # noqa: PLC0415 - imported by every caller already

    screen.show_ending(console, ending)
    if as_json:
        document: dict[str, object] = {
            "run": ending.run,
            "sources": list(ending.sources),
            "target": ending.target,
            "report": str(ending.report) if ending.report else None,
            "counts": dict(ending.figures.counts),
            "totals": [dict(total) for total in ending.figures.totals],
            "unreadable": ending.figures.unreadable,
            "exit": ending.exit_code,
        }
        print_json(document | ({"error": ending.stopped} if ending.stopped else {}))
    elif ending.report:
        click.echo(ending.report)
    return ending.exit_code
