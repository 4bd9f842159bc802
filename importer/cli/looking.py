"""The commands that only look: runs, show, doctor."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import click

from importer.cli.identifying import show_cases
from importer.cli.opening import load_settings, open_api, take_settings
from importer.cli.options import asking, common, print_json, targeted
from importer.errors import ImporterError

if TYPE_CHECKING:
    from pathlib import Path

    from importer.pipeline.account import Api


@click.command()
@common
def runs(workspace: Path, *, as_json: bool, quiet: bool) -> int:
    """List what has been run, newest first."""
    from importer import history, screen  # noqa: PLC0415 - SQLAlchemy takes half a second

    found = history.runs(load_settings(workspace))
    if as_json:
        print_json({"runs": found, "exit": 0})
    else:
        rows = [(run["run"], run["started"], ", ".join(run["sources"]), run["state"], run["rows"]) for run in found]
        screen.show_table(screen.console(quiet=quiet), ("Run", "Started", "Sources", "State", "Rows"), rows)
    return 0


@click.command()
@common
@click.argument("run")
@click.option(
    "--row",
    type=click.IntRange(min=1),
    help="Show what became of this row alone, each attempt at it, and all runs that met it.",
)
def show(workspace: Path, *, run: str, as_json: bool, quiet: bool, row: int | None) -> int:
    """Show one RUN: who, when, which files, counts, totals, requests, and where its report lies."""
    from importer import history, screen  # noqa: PLC0415 - SQLAlchemy takes half a second

    if row is not None:
        settings = load_settings(workspace)
        rows = history.show_row(settings, run, row)
        met = history.met(settings, *(one["creditor_reference"] for one in rows))
        return show_cases(rows, as_json=as_json, quiet=quiet, met=met)
    found = history.show(load_settings(workspace), run)
    if as_json:
        print_json({**found, "exit": 0})
    else:
        screen.show_facts(screen.console(quiet=quiet), found)
        if found["report"]:
            click.echo(found["report"])
    return 0


@click.command()
@common
@targeted
@asking
@click.option("--client", help="For the target `referral`: say whether the link to this client is active, too.")
@click.option("--notice", is_flag=True, help="Send a notice for a test to the addresses of notices.")
def doctor(
    workspace: Path,
    *,
    as_json: bool,
    quiet: bool,
    sandbox: bool,
    client: str | None,
    notice: bool,
    **options: Any,
) -> int:
    """Say whether settings, key, journal, webhooks, notices, clock and API are in order."""
    from importer import doctor as examining  # noqa: PLC0415 - SQLAlchemy takes half a second

    settings, _ = take_settings(workspace, options)
    with ExitStack() as stack:
        api: Api | ImporterError
        try:
            api = stack.enter_context(open_api(settings, sandbox=sandbox))
        except ImporterError as error:
            api = error
        findings = list(examining.examine(settings, api, client, noticing=notice))
    if as_json:
        listed = [{"what": finding.what, "ok": finding.ok, "text": finding.text} for finding in findings]
        print_json({"findings": listed, "exit": max(finding.exit_code for finding in findings)})
    elif not quiet:
        for finding in findings:
            click.echo(f"{'ok ' if finding.ok else 'NO '} {finding.what}: {finding.text}", err=True)
    return max(finding.exit_code for finding in findings)
