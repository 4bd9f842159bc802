"""The command that shows how a source is read: peek."""

from __future__ import annotations

import csv
import io
import os
import sys
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from importer.cli.options import common, find_sources, print_json, shaping, take_reading
from importer.errors import SourceError, printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from rich.console import Console

    from importer.model import Table

FIRST: Final = 10  # rows told to scripts
SHOWN: Final = 4  # rows shown to people
COLUMNS: Final = 100  # columns shown to people
LEFT_OUT: Final = 10  # rows shown of those that are no data
AT_ONCE: Final = 10_000  # rows written
WIDEST: Final = 30  # signs of a cell shown to people

Cells = tuple[str | None, ...]


@click.command()
@common
@click.argument("source", type=click.Path(path_type=Path))
@shaping
@click.option("--csv", "as_csv", is_flag=True, help="Write the header and every row, as read, to stdout as CSV.")
def peek(workspace: Path, *, source: Path, as_json: bool, quiet: bool, as_csv: bool, **options: Any) -> int:
    """Show how SOURCE is read, before any mapping or rule; it need not hold invoices."""
    del workspace  # nothing is looked up there
    if as_csv and as_json:
        raise click.UsageError("--csv and --json both write to stdout: leave one of them out.")
    from importer import screen  # noqa: PLC0415 - rich

    found = find_sources([source])
    if len(found) > 1:
        raise SourceError(f"{source} names {len(found)} files; name one of them.")
    with screen.Working(screen.console(quiet=quiet)) as doing:
        from importer.read import read  # noqa: PLC0415 - pandas

        table = read(found[0], take_reading(options), doing)
    if as_json:
        print_json(_tell(table))
        return 0
    _show(screen.console(quiet=quiet), table)
    if as_csv:
        try:
            for text in _as_csv(table):
                click.echo(text.encode(), nl=False)
        except BrokenPipeError:  # whoever reads has seen enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _tell(table: Table) -> dict[str, object]:
    return {
        "source": table.path.name,
        "sha256": table.sha256,
        "facts": dict(table.facts),
        "header": list(table.header),
        "rows": len(table.cells),
        "first": [{"row": row, "cells": cells} for row, cells in _rows(table, stop=FIRST)],
        "left_out": [{"row": out.row, "why": out.why, "cells": out.cells} for out in table.left_out],
        "exit": 0,
    }


def _show(screen: Console, table: Table) -> None:
    from importer import screen as showing  # noqa: PLC0415 - rich
    from importer.model import column_letters  # noqa: PLC0415 - --help needs none

    showing.show_facts(screen, {"source": table.path.name, **dict(table.facts)})
    rows = list(_rows(table, stop=SHOWN))
    headings = ("", "Header", *(f"Row {row}" for row, _ in rows))
    columns = zip(*(cells for _, cells in rows), strict=True)
    lines = (
        (column_letters(number), _shown(text), *map(_shown, cells))
        for number, (text, cells) in enumerate(islice(zip(table.header, columns, strict=True), COLUMNS))
    )
    showing.show_table(screen, headings, lines)
    if len(table.header) > COLUMNS:
        screen.print(f"and {len(table.header) - COLUMNS:,} more columns", markup=False)
    if len(table.cells) > SHOWN:
        screen.print(f"and {len(table.cells) - SHOWN:,} more rows", markup=False)
    if table.left_out:
        screen.print("\nNo rows of data:", markup=False)
        listed = ((out.row, out.why, _join(out.cells)) for out in table.left_out[:LEFT_OUT])
        showing.show_table(screen, ("Row", "Why", "Cells"), listed)
        if len(table.left_out) > LEFT_OUT:
            screen.print(f"and {len(table.left_out) - LEFT_OUT:,} more", markup=False)


def _shown(text: str | None) -> str:
    """Make a cell short enough for a terminal."""
    plain = printable((text or "")[: WIDEST + 1])
    return plain if len(plain) <= WIDEST else f"{plain[: WIDEST - 1]}…"


def _join(cells: Iterable[str | None]) -> str:
    return " | ".join(_shown(cell) for cell in islice(filter(None, cells), COLUMNS) if cell.strip())


def _rows(table: Table, *, start: int = 0, stop: int) -> Iterator[tuple[int, Cells]]:
    part = table.cells.iloc[start:stop]
    columns = [column.astype(object).where(column.notna(), None).tolist() for _, column in part.items()]
    for row, cells in zip(part.index, zip(*columns, strict=True), strict=True):
        yield int(row), cells


def _as_csv(table: Table) -> Iterator[str]:
    """Write RFC 4180, the header first; a part of the rows at a time."""
    lines: list[Sequence[str | None]] = [table.header]
    for start in range(0, len(table.cells), AT_ONCE):
        lines += [cells for _, cells in _rows(table, start=start, stop=start + AT_ONCE)]
        text = io.StringIO(newline="")
        csv.writer(text, lineterminator="\r\n").writerows(lines)
        yield text.getvalue()
        lines = []
