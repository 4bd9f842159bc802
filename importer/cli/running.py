"""The commands that judge and send: check, submit, resume, report."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from importer.cli import noticing
from importer.cli.opening import environment_told, load_settings, open_api, take_settings
from importer.cli.options import (
    common,
    find_sources,
    in_flight,
    need_yes,
    print_json,
    reaching,
    read_constants,
    reading,
    sending,
    take_reading,
)
from importer.cli.previews import tell_preview

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from rich.console import Console

    from importer.pipeline.job import Job
    from importer.pipeline.prepare import Offer
    from importer.pipeline.reporting import Ending
    from importer.settings import Settings


_PREVIEW = "Ask the API first what it would say, once for all rows that are alike: fee, missing contracts, refusals."


@click.command()
@common
@reading
@click.option("--preview", is_flag=True, help=f"{_PREVIEW} Needs the key and the network; sends nothing.")
@in_flight
@click.option(
    "--sandbox",
    is_flag=True,
    help="Say what is imported already in the sandbox, not at the live API; --preview asks the sandbox.",
)
@reaching
@click.option("--no-report", is_flag=True, help="Judge and print only.")
def check(
    workspace: Path, *, as_json: bool, quiet: bool, sandbox: bool, preview: bool, no_report: bool, **options: Any
) -> int:
    """Judge every row of SOURCE... and write a report; sends nothing.

    Without --preview the API is not called, and nothing is written to the journal; with it, the journal counts the
    requests.
    """
    noticing.expect("check", options["sources"], workspace, sandbox=sandbox)
    from importer import screen  # noqa: PLC0415 - imports that --help need not wait for

    console = screen.console(quiet=quiet)
    with ExitStack() as stack:
        doing = stack.enter_context(screen.Working(console))
        from importer.pipeline import checking  # noqa: PLC0415 - half a second of imports

        settings, job = _take_up(workspace, options)
        environment = "loopback" if sandbox else environment_told(settings)
        ask = None
        if preview:
            _require_preview(settings)
            ask = stack.enter_context(open_api(settings, sandbox=sandbox)), screen.Watching(console).waiting
        ending = checking.check(job, settings, environment=environment, written=not no_report, doing=doing, ask=ask)
    if ending.preview:
        screen.show_preview(console, ending.preview)
    return _finish(ending, console, as_json=as_json)


@click.command()
@common
@reading
@sending
@click.option("--preview", is_flag=True, help=f"{_PREVIEW} Only tells: it holds no row back.")
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
    preview: bool,
    yes: bool,
    wait: bool,
    **options: Any,
) -> int:
    """Judge every row of SOURCE..., show what would be sent, ask, and send what is valid."""
    noticing.expect("submit", options["sources"], workspace, sandbox=sandbox)
    need_yes("submit", yes=yes)
    from importer import screen  # noqa: PLC0415 - imports that --help need not wait for
    from importer.pipeline import submitting  # noqa: PLC0415 - the same

    settings, job = _take_up(workspace, options)
    console = screen.console(quiet=quiet)
    if preview:
        _require_preview(settings)
    doing = screen.Working(console)
    asked: list[Offer] = []

    def confirm(offer: Offer) -> bool:
        asked.append(offer)
        doing.stop()
        screen.show_offer(console, offer)
        return yes or click.confirm("Send?", err=True)

    with open_api(settings, sandbox=sandbox) as api, screen.Watching(console) as watcher, doing:
        ending = submitting.submit(
            job, settings, api, confirm=confirm, watcher=watcher, wait=wait, preview=preview, doing=doing
        )
    return _finish(ending, console, as_json=as_json, told=bool(asked))


@click.command()
@common
@click.argument("run")
@sending
@click.option("--wait", is_flag=True, help="Wait for another sender of the same account to end.")
def resume(workspace: Path, *, run: str, as_json: bool, quiet: bool, sandbox: bool, wait: bool, **options: Any) -> int:
    """Finish RUN: ask about what is unknown, send what was not sent."""
    noticing.expect("resume", (run,), workspace, sandbox=sandbox)
    from importer import screen  # noqa: PLC0415 - imports that --help need not wait for
    from importer.pipeline import submitting  # noqa: PLC0415 - the same

    settings, _ = take_settings(workspace, options)
    settings = replace(settings, target=submitting.target_of(run, settings))
    console = screen.console(quiet=quiet)
    with open_api(settings, sandbox=sandbox) as api, screen.Watching(console) as watcher:
        ending = submitting.resume(run, settings, api, watcher=watcher, wait=wait)
    return _finish(ending, console, as_json=as_json)


@click.command()
@common
@click.argument("run")
def report(workspace: Path, *, run: str, as_json: bool, quiet: bool) -> int:
    """Write the report of RUN again, from the journal."""
    from importer import screen  # noqa: PLC0415 - imports that --help need not wait for
    from importer.pipeline import submitting  # noqa: PLC0415 - the same

    ending = submitting.rewrite(run, load_settings(workspace))
    _finish(ending, screen.console(quiet=quiet), as_json=as_json)
    return 0


def _take_up(workspace: Path, options: Mapping[str, Any]) -> tuple[Settings, Job]:
    """Gather settings and what the user asked for; rows to mend know their target, where none is named."""
    from importer.pipeline.remembering import take_target  # noqa: PLC0415 - pandas

    settings, rest = take_settings(workspace, options)
    job = make_job(**rest)
    return take_target(job, settings, options["target"]), job


def _require_preview(settings: Settings) -> None:
    from importer.pipeline.preview import require_preview  # noqa: PLC0415 - pandas

    require_preview(settings.target)


def make_job(
    *,
    sources: tuple[Path, ...],
    constants: tuple[str, ...],
    decimal: Mapping[str, Any] | None = None,
    date_order: Mapping[str, Any] | None = None,
    client: str | None = None,
    **options: Any,
) -> Job:
    """Gather what the user asked for."""
    from importer.model import Styles  # noqa: PLC0415 - pandas
    from importer.pipeline.job import Job  # noqa: PLC0415 - as above
    from schemas import CLIENT  # noqa: PLC0415 - as above

    fields = {**({} if client is None else {CLIENT: client}), **read_constants(constants)}
    job_reading = take_reading(options)
    decimals, orders = dict(decimal or {}), dict(date_order or {})
    return Job(
        find_sources(sources),
        reading=job_reading,
        constants=fields,
        decimal=decimals.pop("", None),
        order=orders.pop("", None),
        said=Styles(decimals, orders),
        **options,
    )


def _finish(ending: Ending, console: Console, *, as_json: bool, told: bool = False) -> int:
    """Tell people on stderr and scripts on stdout how it ended; what the journal knew, unless that was *told*."""
    from importer import screen  # noqa: PLC0415 - imported by every caller already

    noticing.note(ending)
    screen.show_ending(console, ending)
    if ending.against and not told:
        screen.show_against(console, ending.against)
    if as_json:
        document: dict[str, object] = {
            "run": ending.run,
            "sources": list(ending.sources),
            "target": ending.target,
            "report": str(ending.report) if ending.report else None,
            "page": str(ending.page) if ending.page else None,
            "issues": str(ending.issues) if ending.issues else None,
            "to_fix": str(ending.to_fix) if ending.to_fix else None,
            "counts": dict(ending.figures.counts),
            "totals": [dict(total) for total in ending.figures.totals],
            "unreadable": ending.figures.unreadable,
            "exit": ending.exit_code,
        }
        if ending.cases is not None:
            document["cases"] = ending.cases
        if ending.preview is not None:
            document["preview"] = tell_preview(ending.preview)
        if ending.against is not None:
            document["against"] = ending.against.to_dict()
        print_json(document | ({"error": ending.stopped} if ending.stopped else {}))
    elif ending.report:
        click.echo(ending.report)
    return ending.exit_code
