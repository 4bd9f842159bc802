"""The command that serves the sandbox."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from importer.cli.opening import SANDBOX_KEY, sandbox_explained
from importer.cli.options import common, print_json

if TYPE_CHECKING:
    from pathlib import Path


@click.command()
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
@click.option(
    "--webhook-speed",
    type=click.FloatRange(min=0, min_open=True),
    default=1.0,
    help="How many times faster events that nobody took are delivered again.",
)
@click.option(
    "--reference-path",
    default="",
    metavar="'PATCH /cases/{id}'",
    help="An operation for collection partners that no document names: it changes a partner reference.",
)
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
    webhook_speed: float,
    reference_path: str,
) -> int:
    """Serve the sandbox until interrupted; its data lie in the workspace's sandbox.db."""
    from importer import sandbox as server  # noqa: PLC0415 - a web server
    from importer.settings import read_operation  # noqa: PLC0415 - only here
    from importer.throttle import Rate  # noqa: PLC0415 - only here

    rate = Rate.parse(limits) if limits else Rate()
    path = read_operation(reference_path) if reference_path else ""
    try:
        ordered = tuple(map(server.Fault.parse, faults))
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--fault") from None
    settings = server.Settings(rate.minute, rate.hour, rate.day, latency, ordered, seed, webhook_speed, path)

    def tell(url: str) -> None:
        if as_json:
            print_json({"url": url})
        else:
            click.echo(url)
        if not quiet:
            click.echo(f"Use it with: IMPORTER_API_KEY={SANDBOX_KEY} importer submit SOURCE --api-url {url}", err=True)

    workspace.mkdir(mode=0o700, parents=True, exist_ok=True)
    with sandbox_explained(workspace):
        server.serve_forever(workspace / "sandbox.db", settings, port, tell)
    return 0
