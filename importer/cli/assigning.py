"""The command of collection partners: references."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from importer.cli.opening import open_api, take_settings
from importer.cli.options import asking, common, in_flight, need_yes, print_json, sources_read
from importer.cli.running import make_job

if TYPE_CHECKING:
    from pathlib import Path

    from importer.pipeline.references import Errand
    from importer.settings import Settings


@click.command()
@common
@sources_read(required=False)
@asking
@in_flight
@click.option("--limit", type=click.IntRange(min=0), help="Change at most so many cases.")
@click.option("--activate", is_flag=True, help="Start cases in PendingVerification, with their reference.")
@click.option("--clear-blank", is_flag=True, help="A blank cell clears the reference that is stored.")
@click.option("--find", "wanted", multiple=True, metavar="REFERENCE", help="Show whose reference it is; no SOURCE.")
@click.option("--yes", is_flag=True, help="Change without asking.")
@click.option("--wait", is_flag=True, help="Wait for another sender of the same account to end.")
def references(
    workspace: Path,
    *,
    as_json: bool,
    quiet: bool,
    sandbox: bool,
    sources: tuple[Path, ...],
    wanted: tuple[str, ...],
    activate: bool,
    yes: bool,
    wait: bool,
    **options: Any,
) -> int:
    """Set the partner references of collection cases, as the rows of SOURCE... say; one that is stored already is left.

    A source has a case id or a Debitura reference, and the partner reference. Cases are never started without
    --activate.
    """
    if bool(sources) == bool(wanted):
        raise click.UsageError("Give one or more sources, or --find REFERENCE.")
    settings, options = take_settings(workspace, {**options, "target": "references"})
    if wanted:
        return _find(wanted, settings, as_json=as_json, quiet=quiet, sandbox=sandbox)
    if activate or settings.reference_path:
        need_yes("references", yes=yes)
    from importer import screen  # noqa: PLC0415 - rich
    from importer.pipeline.references import set_references  # noqa: PLC0415 - pandas

    console = screen.console(quiet=quiet)

    def confirm(errand: Errand) -> bool:
        screen.show_errand(console, errand)
        return yes or click.confirm("Start and change?" if errand.starts else "Change?", err=True)

    job = make_job(sources=sources, command="references", activate=activate, **options)
    with open_api(settings, sandbox=sandbox) as api, screen.Watching(console) as watcher:
        ending = set_references(job, settings, api, confirm=confirm, watcher=watcher, wait=wait)
    screen.show_referred(console, ending)
    if as_json:
        document: dict[str, object] = {
            "run": ending.run,
            "sources": list(ending.sources),
            "target": ending.target,
            "report": str(ending.report),
            "counts": dict(ending.figures.counts),
            "started": ending.started,
            "requests": dict(ending.requests),
            "exit": ending.exit_code,
        }
        print_json(document | ({"error": ending.stopped} if ending.stopped else {}))
    else:
        click.echo(ending.report)
    return ending.exit_code


def _find(wanted: tuple[str, ...], settings: Settings, *, as_json: bool, quiet: bool, sandbox: bool) -> int:
    from importer import screen  # noqa: PLC0415 - rich
    from importer.pipeline.references import find_cases  # noqa: PLC0415 - pandas

    console = screen.console(quiet=quiet)
    texts = [text.strip() for text in wanted]
    with open_api(settings, sandbox=sandbox) as api, screen.Watching(console) as watcher:
        found = find_cases(texts, settings, api, watcher=watcher)
    cases = [
        {"partner_reference": text, "case_id": case.id, "reference": case.reference, "lifecycle": case.lifecycle}
        for text in texts
        if (case := found.get(text))
    ]
    code = 0 if len(cases) == len(texts) else 1
    if as_json:
        print_json({"cases": cases, "exit": code})
        return code
    for text in texts:
        if text not in found:
            click.echo(f"No case of yours has the partner reference {text}.", err=True)
    rows = [tuple(case.values()) for case in cases]
    screen.show_table(console, ("Partner reference", "Case id", "Reference", "Lifecycle"), rows)
    return code
