"""click: options → settings → pipeline → exit code."""

from __future__ import annotations

from typing import Any

import click

from importer import __version__
from importer.cli import (
    assigning,
    details,
    following,
    identifying,
    keeping,
    listening,
    looking,
    mapping,
    peeking,
    running,
    serving,
    template,
)
from importer.cli.options import print_json
from importer.errors import Interrupted


class Commands(click.Group):
    """The commands; what keeps one from beginning is told to scripts as well, where they ask for it."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Remember whether an object was asked for, since a command that is used wrongly never reads its options."""
        ctx.meta["importer.json"] = "--json" in args
        return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; prints the one object of `--json` where its usage was wrong."""
        try:
            return super().invoke(ctx)
        except click.ClickException as error:
            if ctx.meta["importer.json"]:
                print_json({"exit": error.exit_code, "error": error.format_message()})
            raise
        except KeyboardInterrupt:
            # Before a command begins, or as it ends; click would make another exit code of it.
            raise SystemExit(Interrupted.exit_code) from None


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="importer")
def main() -> None:
    """Bulk invoice importer: every invoice becomes one debt-collection case, or a line that says why not.

    Start with `importer check SOURCE`, which sends nothing; then `importer submit SOURCE`. `--sandbox` tries everything
    without a key and without a network.
    """


for command in (
    *(running.check, running.submit, running.resume, running.report),
    *(looking.runs, looking.show, looking.doctor),
    *(identifying.find, identifying.identifiers, following.refresh),
    *(keeping.journal, keeping.forget, keeping.purge),
    *(listening.listen, listening.webhooks),
    assigning.references,
    details.details,
    peeking.peek,
    template.template,
    mapping.map_,
    serving.sandbox,
):
    main.add_command(command)
