"""The command that makes mappings: map."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from importer.cli.opening import load_settings
from importer.cli.options import (
    STANDARD_INPUT,
    common,
    find_sources,
    print_json,
    read_constants,
    shaping,
    take_reading,
    targeted,
)
from importer.errors import ColumnsError, Interrupted, SettingsError, SourceError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from rich.console import Console

    from importer.match.proposing import Proposal
    from importer.model import SavedMapping, Table
    from importer.pipeline.mapping import Begun
    from schemas import Target

SAMPLES: Final = 3  # cells shown of a column
WIDEST: Final = 24  # signs of each
NAME: Final = 40  # characters of a mapping's name that is made of the source's


@click.command("map")
@common
@click.argument("source", type=click.Path(path_type=Path))
@targeted
@shaping
@click.option("--set", "constants", multiple=True, metavar="FIELD=VALUE", help="A value for every row.")
@click.option("--mapping", type=click.Path(path_type=Path), help="Begin with this mapping: a file, or a saved name.")
@click.option("--name", help="Save under this name; by default the source's.")
@click.option("--replace", is_flag=True, help="Replace a mapping that has the name already.")
@click.option("--yes", is_flag=True, help="Ask nothing: save what is certain.")
def map_(
    workspace: Path,
    *,
    as_json: bool,
    quiet: bool,
    source: Path,
    target: str | None,
    constants: tuple[str, ...],
    mapping: Path | None,
    name: str | None,
    replace: bool,
    yes: bool,
    **options: Any,
) -> int:
    """Propose which columns of SOURCE feed which fields, let you change it, and save it for all sources of its layout.

    On a terminal it asks. Without one, each line of standard input is a change, as `C = debtor.name`; at its end the
    mapping is saved.
    """
    from importer import screen  # noqa: PLC0415 - rich
    from importer.mappings import place_of  # noqa: PLC0415 - the settings need it
    from importer.pipeline.mapping import begin  # noqa: PLC0415 - pandas

    settings = load_settings(workspace, target=target)
    import schemas  # noqa: PLC0415 - pandera

    wanted = schemas.load(settings.target)
    found = find_sources([source])
    if len(found) > 1:
        raise SourceError(f"{source} names {len(found)} files; name one of them to make a mapping from.")
    reading = take_reading(options)
    begun = begin(found[0], reading, settings, wanted, constants=read_constants(constants), mapping=mapping)
    path = begun.path if name is None and begun.path else place_of(name or _name(begun.table), workspace)
    if path.exists() and path != begun.path and not replace:
        raise SettingsError(f"There is a mapping {path.stem} already: give another --name, or say --replace.")
    console = screen.console(quiet=quiet)
    asked = not yes and found[0] != STANDARD_INPUT
    changed = _Asking(console, begun, wanted).ask() if asked else begun.proposal.mapping
    return _save(console, begun, changed, wanted, path, as_json=as_json, asked=asked)


def _name(table: Table) -> str:
    """Name a mapping after its source, without the digits that change from month to month."""
    stem = re.sub(r"[^\w]+", "-", re.sub(r"[\d]{2,}", "", table.path.name.partition(".")[0]))
    return stem.strip("-_")[:NAME] or "mapping"


class _Asking:
    """Takes changes, one a line, until the mapping is to be saved."""

    def __init__(self, console: Console, begun: Begun, target: Target) -> None:
        self._console = console
        self._table = begun.table
        self._target = target
        self._proposal = begun.proposal
        self._terminal = sys.stdin.isatty()

    def ask(self) -> SavedMapping:
        """Go on until the mapping is to be saved.

        Raises:
            Interrupted: It is not to be.
            ColumnsError: A line that nobody could type again says nothing that can be done.
        """
        if self._terminal:
            self._show()
            self._console.print(
                "\nType a change as “C = debtor.name”; ? shows more, yes takes what is likely.", markup=False
            )
        for line in _lines(terminal=self._terminal):
            if line.casefold() == "quit":
                raise Interrupted("Nothing was saved.")
            if line.casefold() == "save":
                if self._is_done():
                    break
            elif line == "?":
                self._explain()
            else:
                self._try(line)
        return self._proposal.mapping

    def _is_done(self) -> bool:
        from importer.match.proposing import missing_from  # noqa: PLC0415 - pandas

        missing = missing_from(self._proposal.mapping, self._target)
        lacking = f"{', '.join(missing)}: nothing feeds this yet. Save all the same?"
        return not self._terminal or not missing or click.confirm(lacking, err=True)

    def _try(self, line: str) -> None:
        try:
            self._change(line)
        except ColumnsError as error:
            if not self._terminal:
                raise ColumnsError(f"{line}: {error} Nothing was saved.") from None
            self._console.print(str(error), style="yellow", markup=False)
        else:
            if self._terminal:
                self._show()

    def _change(self, line: str) -> None:
        from importer.match.editing import edit, take_likely  # noqa: PLC0415 - pandas
        from importer.match.proposing import Proposal, add_values, guess  # noqa: PLC0415 - the same

        mapping, header = self._proposal.mapping, self._table.header
        if line.casefold() == "yes":
            mapping = take_likely(mapping, self._proposal.likely)
        else:
            mapping = edit(mapping, line, header, self._target)
        mapping = add_values(mapping, self._table)
        self._proposal = Proposal(mapping, guess(mapping, header, self._target))

    def _show(self) -> None:
        _show(self._console, self._table, self._proposal, self._target)

    def _explain(self) -> None:
        from importer import screen  # noqa: PLC0415 - rich
        from importer.match.editing import HELP  # noqa: PLC0415 - pandas
        from schemas.meanings import tell_shortly  # noqa: PLC0415 - with the target

        screen.show_table(self._console, ("Type", "for"), HELP)
        meanings = tell_shortly(self._target.NAME)
        fields = [(name, meanings.get(name, "")) for name in self._target.FIELDS]
        screen.show_table(self._console, ("Field", "is"), fields)


def _lines(*, terminal: bool) -> Iterator[str]:
    """Yield what is typed, or what standard input holds, without blank ends."""
    if not terminal:
        yield from (line.strip() for line in sys.stdin if line.strip())
        return
    while True:
        yield str(click.prompt("Change, or save", default="save", err=True)).strip()


def _show(console: Console, table: Table, proposal: Proposal, target: Target) -> None:
    from importer import screen  # noqa: PLC0415 - imported by the caller already
    from importer.match.proposing import missing_from  # noqa: PLC0415 - the same
    from importer.model import column_letters  # noqa: PLC0415 - the same

    lines = [
        (column_letters(position), text, _tell(text, proposal), _samples(table, position))
        for position, text in enumerate(table.header)
    ]
    screen.show_table(console, ("", "Column", "Feeds", "Samples"), lines)
    mapping = proposal.mapping
    for name, form in mapping.making.joins.items():
        console.print(f"{name} is made of {form}", markup=False)
    for name, value in mapping.constants.items():
        console.print(f"{name} is {value} in every row", markup=False)
    for name, values in mapping.making.values.items():
        said = ", ".join(f"{text} → {meant}" for text, meant in values.items())
        console.print(f"{name}: {said}", markup=False)
    if missing := missing_from(mapping, target):
        console.print(f"Missing: {', '.join(missing)}", style="yellow", markup=False)


def _tell(text: str, proposal: Proposal) -> str:
    mapping = proposal.mapping
    if text in mapping.columns:
        return mapping.columns[text]
    if text in mapping.making.splits:
        return mapping.making.splits[text]
    if text in mapping.making.ignored:
        return "- (left out)"
    joined = [name for name, form in mapping.making.joins.items() if f"{{{text}}}" in form]
    likely = f"? {proposal.likely[text]}" if text in proposal.likely else ""
    return f"part of {joined[0]}" if joined else likely


def _samples(table: Table, position: int) -> str:
    """Show the first distinct cells of a column, fit for a terminal."""
    from importer.match.proposing import distinct  # noqa: PLC0415 - imported by the caller already

    return " · ".join(_shown(text) for text in distinct(table, position)[:SAMPLES])


def _shown(text: str) -> str:
    plain = "".join(sign if sign.isprintable() else " " for sign in text[: WIDEST + 1])
    return plain if len(plain) <= WIDEST else f"{plain[: WIDEST - 1]}…"


def _save(
    console: Console, begun: Begun, mapping: SavedMapping, target: Target, path: Path, *, as_json: bool, asked: bool
) -> int:
    from importer.mappings import write  # noqa: PLC0415 - imported by the caller already
    from importer.mappings.writing import to_toml  # noqa: PLC0415 - tomlkit
    from importer.match.proposing import Proposal, guess, missing_from, unused_in  # noqa: PLC0415 - as above
    from importer.pipeline.mapping import find_problem  # noqa: PLC0415 - the same
    from schemas.meanings import tell_shortly  # noqa: PLC0415 - the same

    table = begun.table
    missing, likely = missing_from(mapping, target), guess(mapping, table.header, target)
    unused = {text: likely.get(text, "") for text in unused_in(mapping, table.header)}
    problem = find_problem(table, mapping, target)
    if begun.path != path or mapping != begun.proposal.mapping:
        meanings = tell_shortly(target.NAME)
        write(path, to_toml(mapping, target, meanings, source=table.path.name, missing=missing, unused=unused))
    if not (asked and sys.stdin.isatty()):
        _show(console, table, Proposal(mapping, likely), target)
    if likely:
        console.print("A ? marks what is likely and was not taken: say it as a change.", markup=False)
    if problem and not missing:
        console.print(problem, style="yellow", markup=False)
    code = int(bool(problem))
    if as_json:
        told: dict[str, object] = {"problem": problem} if problem else {}
        print_json({**_document(table, mapping, likely, missing, path), **told, "exit": code})
    else:
        click.echo(path)
    return code


def _document(
    table: Table, mapping: SavedMapping, likely: Mapping[str, str], missing: Sequence[str], path: Path
) -> dict[str, object]:
    return {
        "source": table.path.name,
        "target": mapping.target,
        "mapping": str(path),
        "columns": dict(mapping.columns),
        "split": dict(mapping.making.splits),
        "join": dict(mapping.making.joins),
        "constants": dict(mapping.constants),
        "values": {name: dict(values) for name, values in mapping.making.values.items()},
        "ignore": list(mapping.making.ignored),
        "likely": dict(likely),
        "missing": list(missing),
    }
