"""The commands about identifiers: find, identifiers."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import click

from importer.cli.opening import load_settings, open_api, take_settings
from importer.cli.options import asking, common, print_json, read_day, targeted


@click.command()
@common
@targeted
@asking
@click.option("--remote", is_flag=True, help="Ask the API, not the journal; needs a key.")
@click.option("--client", help="With --remote, for the target `referral`: the client whose case it is.")
@click.option("--wait", is_flag=True, help="With --remote: wait for a sender of the same account to end.")
@click.argument("value")
def find(
    workspace: Path,
    *,
    as_json: bool,
    quiet: bool,
    sandbox: bool,
    value: str,
    remote: bool,
    client: str | None,
    wait: bool,
    **options: Any,
) -> int:
    """Find a case by VALUE: Debitura's id or reference, or the creditor reference; with all runs that met it."""
    value = value.strip()
    if not value:
        raise click.BadParameter("it is blank; give an id or a reference.", param_hint="VALUE")
    settings, _ = take_settings(workspace, options)
    met: list[dict[str, Any]] | None = None
    if not remote:
        from importer import history  # noqa: PLC0415 - SQLAlchemy takes half a second

        if client is not None:
            raise click.UsageError(
                "--client chooses whose cases --remote asks about; the journal has all. Add --remote, or leave it out."
            )
        if sandbox:
            raise click.UsageError(
                "--sandbox chooses which API --remote asks; the journal has both. Add --remote, or leave it out."
            )
        found, missing = history.find(settings, value), f"The journal knows no case {value}."
        met = history.met(settings, value, *(case["creditor_reference"] for case in found))
    else:
        from importer import history, screen  # noqa: PLC0415 - imports that --help need not wait for
        from importer.pipeline.finding import find_remote  # noqa: PLC0415 - the same

        with open_api(settings, sandbox=sandbox) as api, screen.Watching(screen.console(quiet=quiet)) as watcher:
            told = find_remote(value, settings, api, client=client, watcher=watcher, wait=wait)
            found = [
                {
                    "creditor_reference": case.creditor_reference,
                    "case_id": case.id,
                    "reference": case.reference,
                    "lifecycle": case.lifecycle,
                    "amount": None if case.amount is None else f"{case.amount:f}",
                    "currency": case.currency,
                    "mode": "test" if case.is_test else "live",
                    "created": f"{case.created:%Y-%m-%d %H:%M:%S}Z" if case.created else None,
                    "journaled": history.rows_of(settings, case.id),
                }
                for case in told
            ]
            missing = f"{api.host} knows no case {value} of this account."
    if not found and not quiet:
        click.echo(missing, err=True)
    return show_cases(found, as_json=as_json, quiet=quiet, met=met)


def show_cases(found: list[dict[str, Any]], *, as_json: bool, quiet: bool, met: list[dict[str, Any]] | None) -> int:
    """Print cases as tables or as one object, then all rows of runs that *met* their references; no case is code 1."""
    from importer import screen  # noqa: PLC0415 - rich

    code = 0 if found else 1
    if as_json:
        print_json({"cases": found, **({} if met is None else {"met": met}), "exit": code})
    else:
        for case in found:
            screen.show_facts(screen.console(quiet=quiet), case)
        if met:
            rows = [(one["at"][:16], one["run"], one["row"], one["status"], ", ".join(one["codes"])) for one in met]
            screen.show_table(screen.console(quiet=quiet), ("Date (UTC)", "Run", "Row", "Status", "Why"), rows)
    return code


@click.command()
@common
@click.option(
    "--run", "of_runs", multiple=True, metavar="RUN", help="Each row of this run that has a case; repeatable."
)
@click.option("--since", metavar="DATE", help="Of runs that began on this day (UTC) or later: 2026-11-01.")
@click.option("--target", help="Of this target alone.")
@click.option("--format", "kind", type=click.Choice(["csv", "xlsx", "json"]), help="By default csv.")
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), help="A file, in place of stdout.")
@click.option(
    "--inert",
    is_flag=True,
    help="For people: write an apostrophe before a text in CSV that a spreadsheet program could take for a formula.",
)
def identifiers(
    workspace: Path,
    *,
    as_json: bool,
    quiet: bool,
    of_runs: tuple[str, ...],
    since: str | None,
    target: str | None,
    kind: str | None,
    output: Path | None,
    inert: bool,
) -> int:
    """Export which creditor reference is which case id and reference, for other systems."""
    if as_json and output is None and kind not in (None, "json"):
        raise click.UsageError(f"--json prints JSON to stdout; give the {kind} a file with --output.")
    named = output.suffix.lstrip(".").lower() if output else ""
    kind = kind or ("json" if as_json and output is None else named if named in ("xlsx", "json") else "csv")
    if kind == "xlsx" and output is None:
        raise click.UsageError("A workbook needs a file: add --output FILE.")
    if inert and kind == "json":
        raise click.UsageError(
            "--inert is for CSV: JSON is for programs, and carries every text unchanged. Leave it out."
        )
    from importer import exporting  # noqa: PLC0415 - SQLAlchemy takes half a second

    wanted = exporting.Wanted(of_runs=of_runs, since=read_day(since, "--since"), target=target, inert=inert)
    settings = load_settings(workspace, target=target)  # which refuses one that there is not
    if output is None:
        return _print(settings, wanted, kind, quiet=quiet)
    rows = exporting.write(settings, wanted, kind, output)
    if as_json:
        print_json({"output": output, "identifiers": rows, "exit": 0})
    else:
        if not quiet:
            click.echo(f"{rows:,} identifiers.", err=True)
        click.echo(output)
    return 0


def _print(settings: Any, wanted: Any, kind: str, *, quiet: bool) -> int:
    from importer import exporting  # noqa: PLC0415 - imported by the caller already

    try:
        rows = exporting.write_to(settings, wanted, kind, sys.stdout.buffer)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        # Whoever read, as `head` does, has enough; Python would complain once more as it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except exporting.CutShort as error:
        # Its object says so itself, and would be followed by another one.
        sys.stdout.buffer.flush()
        click.echo(str(error), err=True)
        return error.exit_code
    if not quiet:
        click.echo(f"{rows:,} identifiers.", err=True)
    return 0
