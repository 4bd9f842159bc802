"""The command that fetches the details of cases in bulk."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from importer.cli.opening import open_api, take_settings
from importer.cli.options import asking, common, in_flight, print_json, sources_read
from importer.cli.running import make_job

if TYPE_CHECKING:
    from pathlib import Path

    from importer.pipeline.details import Fetched


@click.command()
@common
@sources_read(amounts=False)
@click.option("--limit", type=click.IntRange(min=0), help="Ask for at most so many cases.")
@asking
@in_flight
def details(workspace: Path, *, as_json: bool, quiet: bool, sandbox: bool, **options: Any) -> int:
    """Confirma: fetch the details of every case whose id is in SOURCE... into one workbook."""
    from importer import screen  # noqa: PLC0415 - a second of imports that --help need not wait for
    from importer.pipeline import details as fetching  # noqa: PLC0415

    given = {**options, "target": "details", "details_rate": options.pop("rate")}
    given.pop("rate")
    settings, options = take_settings(workspace, given)
    job = replace(make_job(**options), command="details")
    console = screen.console(quiet=quiet)
    with open_api(settings, sandbox=sandbox) as api, screen.Watching(console, "Asking", "asked") as watcher:
        ended = fetching.fetch(job, settings, api, watcher)
    screen.show_fetched(console, ended)
    if as_json:
        print_json(_document(ended))
    else:
        click.echo(ended.report)
    return ended.exit_code


def _document(ended: Fetched) -> dict[str, object]:
    found = ended.findings
    totals = [
        {"currency": currency, **{name: f"{amount:f}" for name, amount in sums.items()}, "cases": int(sums["cases"])}
        for currency, sums in sorted(found.totals.items())
    ]
    document = {
        "run": ended.run,
        "sources": list(ended.sources),
        "target": "details",
        "report": str(ended.report),
        "counts": {"rows": sum(found.counts.values()), **found.counts},
        "cases": found.cases,
        "totals": totals,
        "mismatches": found.faulty,
        "exit": ended.exit_code,
    }
    return document | ({"error": ended.stopped} if ended.stopped else {})
