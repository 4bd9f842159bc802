"""The command that follows cases once they are made: refresh."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from importer.cli.opening import open_api, take_settings
from importer.cli.options import asking, common, in_flight, print_json, read_day, targeted

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console

    from importer.pipeline.refreshing import Refreshed


@click.command()
@common
@targeted
@asking
@in_flight
@click.argument("of_runs", nargs=-1, metavar="[RUN]...")
@click.option("--since", metavar="DATE", help="Cases that were made on this day (UTC) or later: 2026-11-01.")
@click.option("--until", metavar="DATE", help="Cases that were made on this day (UTC) or earlier.")
@click.option("--open", "only_open", is_flag=True, help="All cases that are open; with RUN..., those of the runs.")
@click.option("--all", "again", is_flag=True, help="Ask about cases that are closed for good, too.")
@click.option("--no-report", is_flag=True, help="Note and print only.")
@click.option("--client", help="For the target `referral`: the client whose cases these are.")
@click.option("--wait", is_flag=True, help="Wait for a sender of the same account to end.")
def refresh(
    workspace: Path,
    *,
    as_json: bool,
    quiet: bool,
    sandbox: bool,
    of_runs: tuple[str, ...],
    since: str | None,
    until: str | None,
    only_open: bool,
    again: bool,
    no_report: bool,
    client: str | None,
    wait: bool,
    **options: Any,
) -> int:
    """Ask the API where cases stand now, a hundred a request, and write a status workbook."""
    period = since is not None or until is not None
    if not (of_runs or period or only_open):
        raise click.UsageError("Say which cases: RUN..., --since DATE, --until DATE, or --open for all that are open.")
    if of_runs and period:
        raise click.UsageError("RUN... and a period exclude each other.")
    from importer import screen  # noqa: PLC0415 - imports that --help need not wait for
    from importer.pipeline import refreshing  # noqa: PLC0415 - the same

    scope = refreshing.Scope(
        of_runs=tuple(dict.fromkeys(of_runs)),
        since=read_day(since, "--since"),
        until=read_day(until, "--until", end=True),
        only_open=only_open,
        again=again,
        title=_title(of_runs, since, until, only_open=only_open),
    )
    settings, _ = take_settings(workspace, options)
    if of_runs:
        from importer.pipeline.submitting import target_of  # noqa: PLC0415 - the same

        settings = replace(settings, target=target_of(of_runs[0], settings))
    console = screen.console(quiet=quiet)
    with open_api(settings, sandbox=sandbox) as api, screen.Watching(console, "Asking", "asked") as watcher:
        done = refreshing.refresh(
            scope, settings, api, client=client, watcher=watcher, wait=wait, written=not no_report
        )
    return _finish(done, scope.of_runs, console, as_json=as_json)


def _title(of_runs: tuple[str, ...], since: str | None, until: str | None, *, only_open: bool) -> str:
    if len(of_runs) == 1:
        return f"run {of_runs[0]}"
    if of_runs:
        return f"{len(of_runs)} runs"
    words = [
        "open cases" if only_open else "cases",
        f"since {since}" if since else "",
        f"until {until}" if until else "",
    ]
    return " ".join(word for word in words if word)


def _finish(done: Refreshed, of_runs: tuple[str, ...], console: Console, *, as_json: bool) -> int:
    """Tell people on stderr and scripts on stdout what was found."""
    from importer import screen  # noqa: PLC0415 - imported by the caller already

    status = done.status
    code = 4 if status.stopped else 0
    screen.show_refreshed(console, done)
    if as_json:
        changed = [line for line in status.lines if line.changes]
        document: dict[str, object] = {
            "runs": list(of_runs),
            "cases": len(status.lines),
            "asked": sum(line.asked for line in status.lines),
            "open": sum(line.standing.is_open for line in status.lines),
            "closed": sum(line.standing.is_settled for line in status.lines),
            "not_found": sum(line.standing.is_missing for line in status.lines),
            "to_do": sum(bool(line.standing.to_do) for line in status.lines),
            "changed": len(changed),
            "changes": [
                {
                    "case_id": line.case_id,
                    "reference": line.reference,
                    "creditor_reference": line.creditor_reference,
                    "lifecycle": line.standing.lifecycle,
                    "what": {change.what: {"before": change.before, "now": change.now} for change in line.changes},
                }
                for line in changed
            ],
            "requests": status.requests,
            "report": str(done.report) if done.report else None,
            "exit": code,
        }
        print_json(document | ({"error": status.stopped} if status.stopped else {}))
    elif done.report:
        click.echo(done.report)
    return code
