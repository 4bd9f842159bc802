"""The command that writes an empty workbook to fill in: template."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import click

from importer.cli.opening import load_settings
from importer.cli.options import common, print_json, targeted


@click.command()
@common
@targeted
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The file to write, which must not be there yet; by default template-TARGET.xlsx in the workspace.",
)
def template(workspace: Path, *, as_json: bool, quiet: bool, target: str | None, output: Path | None) -> int:
    """Write an empty workbook to fill in, with lists, notes and an example."""
    settings = load_settings(workspace, target=target)  # which refuses one that there is not
    path = output or settings.workspace / f"template-{settings.target}.xlsx"
    if path.suffix.lower() != ".xlsx":
        raise click.BadParameter(f"{path} is no workbook: its name ends with .xlsx.", param_hint="--output")
    if output is None:
        with suppress(OSError):  # writing tells what is wrong
            settings.workspace.mkdir(mode=0o700, parents=True, exist_ok=True)
    import schemas  # noqa: PLC0415 - pandera
    from importer.report.template import write_template  # noqa: PLC0415 - as above

    columns = write_template(schemas.load(settings.target), path)
    if as_json:
        print_json({"template": str(path), "target": settings.target, "columns": columns, "exit": 0})
        return 0
    if not quiet:
        click.echo(f"{columns} columns; the sheet “Columns” explains each. Next: fill it in, then check it.", err=True)
    click.echo(path)
    return 0
