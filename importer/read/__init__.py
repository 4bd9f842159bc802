"""A source's bytes → `Table`: a frame of text cells, indexed by the row number that a spreadsheet program shows.

The format is told by content, not by the name's ending. A reader for another format is a module with a function
`read(data …) -> Grid` and a line in `_read_grid`.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from importer.errors import SourceError
from importer.model import Reading, quietly
from importer.read.source import GZIP, LOOK, READING, WORKBOOK, Packed, open_source

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from importer.model import Carried, Doing, Table
    from importer.read.grid import Grid
    from importer.read.source import Source

STANDARD_INPUT: Final = "standard input"

_FOREIGN: Final = {
    b"%PDF": "is a PDF; export the data as CSV or XLSX",
    b"{\\rtf": "is a text document; export the data as CSV or XLSX",
    b"PAR1": "is a Parquet file; export the data as CSV or XLSX",
    b'{"': "is JSON; export the data as CSV or XLSX",
    b'[{"': "is JSON; export the data as CSV or XLSX",
    b"<": "is HTML or XML, whatever its name says; open it in a spreadsheet program and save it as .xlsx",
}
_TEXT_ONLY: Final = {"encoding": "--encoding", "delimiter": "--delimiter"}
_WORKBOOK_ONLY: Final = {"sheet": "--sheet", "hidden_rows": "--hidden-rows"}


def read(path: Path, reading: Reading = Reading(), doing: Doing = quietly) -> Table:  # noqa: B008 - it is frozen
    """Read a source into text cells; it is never written to.

    Args:
        path: CSV, TSV, TXT, XLSX, XLSM, XLSB, XLS or ODS, plain or in gzip; `-` is standard input.
        reading: What the user says about it.
        doing: Gets to know what is done and how far it is, several times a second.

    Raises:
        SourceError: It cannot be read, is of another format, hostile, or without rows; the sentence says what to do.
    """
    name = Path(STANDARD_INPUT) if str(path) == "-" else path
    doing(f"{READING} {name.name}", None)
    plain = open_source(path, lambda what, share: doing(f"{what} {name.name}", share))
    path = name
    from importer.read.grid import to_table  # noqa: PLC0415 - the child process imports this package without pandas

    try:
        sha256 = plain.digest()
        packed = plain.start.startswith(GZIP)
        unpacked = Packed(plain) if packed else plain
        grid = _read_grid(unpacked, name, reading, lambda: doing(f"{READING} {name.name}", None))
        if packed:
            grid = replace(grid, facts=(("packed with", "gzip"), *grid.facts))
        return to_table(path, grid, sha256, reading)
    except SourceError as error:
        raise SourceError(f"{path.name} {error}") from None


def recall(path: Path) -> Carried | None:
    """Read what a source carries besides its rows, without these; None where it is no results workbook of ours.

    What cannot be read says so when all of it is.
    """
    if str(path) == "-":
        return None
    try:
        plain = open_source(path)
        if not plain.start.startswith(WORKBOOK):
            from importer.read import mending  # noqa: PLC0415 - the other reader

            return mending.find_run(path) if mending.is_to_mend(path) else None
        from importer.read import workbook  # noqa: PLC0415 - only for workbooks

        return workbook.find_carried(b"".join(plain.chunks()))
    except SourceError:
        return None


def _read_grid(source: Source, path: Path, reading: Reading, begin: Callable[[], None]) -> Grid:
    start = b"".join(source.start[:LOOK].removeprefix(b"\xef\xbb\xbf").split())
    for magic, problem in _FOREIGN.items():
        if start.startswith(magic):
            raise SourceError(f"{problem}.")
    if source.start.startswith(WORKBOOK):
        _refuse_options(reading, _TEXT_ONLY, "is a workbook")
        from importer.read import workbook  # noqa: PLC0415 - a child process and a zip archive: only for workbooks

        data = b"".join(source.chunks())
        begin()  # how far its reader is, nobody knows
        return workbook.read(data, reading)
    _refuse_options(reading, _WORKBOOK_ONLY, "is no workbook and has no sheets")
    from importer.read import mending, text  # noqa: PLC0415 - the other reader

    if mending.is_to_mend(path):
        return mending.read_to_mend(source, path, reading)
    return mending.tell_guards(text.read(source, reading))


def _refuse_options(reading: Reading, options: Mapping[str, str], because: str) -> None:
    given = [option for name, option in options.items() if getattr(reading, name) is not None]
    if given:
        raise SourceError(f"{because}; leave {' and '.join(given)} out.")
