"""The commands that look after what is kept: the journal, debtors' data, old runs."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from importer.cli.opening import load_settings, open_api, take_settings
from importer.cli.options import asking, common, need_yes, print_json, targeted

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from importer.pipeline.forgetting import Forgotten


@click.command()
@common
@click.argument("reference")
@click.option("--yes", is_flag=True, help="Forget without asking.")
def forget(workspace: Path, *, reference: str, as_json: bool, quiet: bool, yes: bool) -> int:
    """Erase what is kept of the debtor with this creditor REFERENCE; what prevents a second case stays."""
    need_yes("forget", yes=yes)
    from importer.pipeline import forgetting  # noqa: PLC0415 - pandas

    def confirm(cases: int, files: int) -> bool:
        question = f"Erase what is kept of {reference}? Cases in the journal: {cases:,}, reports: {files:,}."
        return yes or click.confirm(question, err=True)

    settings = load_settings(workspace)
    done = forgetting.forget(reference, settings, confirm)
    trial = workspace / "sandbox.db"
    unread = forgetting.unread(settings)
    document: dict[str, Any] = {"reference": reference, "left": unread, "exit": 0 if done else 1}
    if done:
        document |= {"cases": done.cases, "runs": done.runs, "deleted": done.deleted, "left": (*done.left, *unread)}
    if as_json:
        print_json(document | {"sandbox": trial if trial.exists() else None})
    if not quiet:
        for line in (*_tell_forgotten(reference, done), *unread):
            click.echo(line, err=True)
        if trial.exists():
            click.echo(f"{trial} is the sandbox's own file; it was left alone, and may simply be deleted.", err=True)
    return 0 if done else 1


@click.command()
@common
@click.option(
    "--older-than",
    "age",
    required=True,
    metavar="AGE",
    help="Of finished runs, and of checks and workbooks: 90d, or 12w.",
)
@click.option("--yes", is_flag=True, help="Purge without asking.")
def purge(workspace: Path, *, as_json: bool, quiet: bool, age: str, yes: bool) -> int:
    """Delete the reports of old runs, checks, refreshes and details; and what the journal need not keep of old runs."""
    from importer.pipeline import purging  # noqa: PLC0415 - pandas

    try:
        seconds = purging.read_age(age)
    except ValueError:
        raise click.BadParameter(f"{age!r} is no age; say 90d or 12w.", param_hint="--older-than") from None
    need_yes("purge", yes=yes)

    def confirm(runs: int, checks: int) -> bool:
        return yes or click.confirm(
            f"Purge {runs:,} runs, and {checks:,} checks and workbooks, older than {age}?", err=True
        )

    done = purging.purge(seconds, load_settings(workspace), confirm)
    if as_json:
        print_json({"runs": done.runs, "checks": done.checks, "left": done.left, "exit": 0})
    if not quiet:
        click.echo(f"Purged runs: {len(done.runs):,}, checks and workbooks: {len(done.checks):,}.", err=True)
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


@click.group()
def journal() -> None:
    """Look after the journal: the record of what was sent."""


@journal.command()
@common
@targeted
@asking
@click.option("--wait", is_flag=True, help="Wait for another sender of the same account to end.")
@click.option("--client", help="For the target `referral`: the client whose cases are read.")
def rebuild(
    workspace: Path, *, as_json: bool, quiet: bool, sandbox: bool, wait: bool, client: str | None, **options: Any
) -> int:
    """Read the account's cases from the API into the journal: after it was lost, or restored from a backup."""
    from importer import screen  # noqa: PLC0415 - imports that --help need not wait for
    from importer.pipeline.rebuild import rebuild as read_all  # noqa: PLC0415 - the same

    settings, _ = take_settings(workspace, options)
    console = screen.console(quiet=quiet)
    with open_api(settings, sandbox=sandbox) as api, screen.Watching(console) as watcher:
        rebuilt = read_all(settings, api, client=client, watcher=watcher, wait=wait)
    if as_json:
        told = {**asdict(rebuilt), "incomplete": len(rebuilt.incomplete), "incomplete_references": rebuilt.incomplete}
        print_json({**told, "exit": rebuilt.exit_code})
    screen.show_rebuilt(console, rebuilt)
    return rebuilt.exit_code


@journal.command()
@common
@click.argument("url")
def move(workspace: Path, *, url: str, as_json: bool, quiet: bool) -> int:
    """Move the journal from SQLite to the empty PostgreSQL database at URL, for several machines to share.

    URL is as in postgresql://user@host:5432/database; leave the password to PGPASSWORD or to the file ~/.pgpass.
    """
    from importer.journal.moving import move as move_journal  # noqa: PLC0415 - SQLAlchemy takes half a second

    settings = load_settings(workspace)
    moved = move_journal(settings.journal, settings.locks, url)
    if as_json:
        print_json({**moved, "exit": 0})
    elif not quiet:
        click.echo(f"The journal is at {moved['journal']} now. Set IMPORTER_JOURNAL to it on every machine.", err=True)
    return 0
