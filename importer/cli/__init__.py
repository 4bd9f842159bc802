"""click: options → settings → pipeline → exit code."""

from __future__ import annotations

import click

from importer import __version__
from importer.cli import assigning, details, following, identifying, keeping, listening, looking, running, serving


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
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
    serving.sandbox,
):
    main.add_command(command)
