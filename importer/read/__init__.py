"""A source's bytes → `Table`: a frame of text cells, indexed by the row number that a spreadsheet program shows.

The format is told by content, not by the name's ending. A reader for another format is a module with a function
`read(data …) -> Grid` and a line in `_read_grid`.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import stat
import sys
import zlib
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from importer.errors import SourceError
from importer.model import Reading

if TYPE_CHECKING:
    from collections.abc import Mapping

    from importer.model import Table
    from importer.read.grid import Grid

LARGEST: Final = 4 << 30  # bytes of a source
SMALL: Final = 64 << 20  # bytes that anything may unpack to
THICKEST: Final = 200  # times that a larger source may be larger than it is packed
LOOK: Final = 4096  # bytes that tell the format
STANDARD_INPUT: Final = "standard input"

_FOREIGN: Final = {
    b"%PDF": "is a PDF; export the data as CSV or XLSX",
    b"{\\rtf": "is a text document; export the data as CSV or XLSX",
    b"PAR1": "is a Parquet file; export the data as CSV or XLSX",
    b"<": "is HTML or XML, whatever its name says; open it in a spreadsheet program and save it as .xlsx",
}
_WORKBOOK: Final = (b"PK\x03\x04", b"PK\x05\x06", b"\xd0\xcf\x11\xe0")  # a text may begin with PK as well
_GZIP: Final = b"\x1f\x8b"
_TEXT_ONLY: Final = {"encoding": "--encoding", "delimiter": "--delimiter"}
_WORKBOOK_ONLY: Final = {"sheet": "--sheet", "hidden_rows": "--hidden-rows"}


def read(path: Path, reading: Reading = Reading()) -> Table:  # noqa: B008 - it is frozen
    """Read a source into text cells; it is never written to.

    Args:
        path: CSV, TSV, TXT, XLSX, XLSM, XLSB, XLS or ODS, plain or in gzip; `-` is standard input.
        reading: What the user says about it.

    Raises:
        SourceError: It cannot be read, is of another format, hostile, or without rows; the sentence says what to do.
    """
    data = _load(path)
    path = Path(STANDARD_INPUT) if str(path) == "-" else path
    from importer.read.grid import to_table  # noqa: PLC0415 - the child process imports this package without pandas

    try:
        sha256 = hashlib.sha256(data).hexdigest()
        packed = data.startswith(_GZIP)
        grid = _read_grid(_unpack(data) if packed else data, reading)
        if packed:
            grid = replace(grid, facts=(("packed with", "gzip"), *grid.facts))
        return to_table(path, grid, sha256, reading)
    except SourceError as error:
        raise SourceError(f"{path.name} {error}") from None


def _read_grid(data: bytes, reading: Reading) -> Grid:
    start = data[:LOOK].removeprefix(b"\xef\xbb\xbf").lstrip(b" \t\r\n")
    for magic, problem in _FOREIGN.items():
        if start.startswith(magic):
            raise SourceError(f"{problem}.")
    if data.startswith(_WORKBOOK):
        _refuse_options(reading, _TEXT_ONLY, "is a workbook")
        from importer.read import workbook  # noqa: PLC0415 - a child process and a zip archive: only for workbooks

        return workbook.read(data, reading)
    _refuse_options(reading, _WORKBOOK_ONLY, "is no workbook and has no sheets")
    from importer.read import text  # noqa: PLC0415 - the other reader

    return text.read(data, reading)


def _refuse_options(reading: Reading, options: Mapping[str, str], because: str) -> None:
    given = [option for name, option in options.items() if getattr(reading, name) is not None]
    if given:
        raise SourceError(f"{because}; leave {' and '.join(given)} out.")


def _unpack(data: bytes) -> bytes:
    try:
        with gzip.open(io.BytesIO(data)) as file:
            found = file.read(min(LARGEST, max(SMALL, len(data) * THICKEST)) + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise SourceError(f"is damaged: {error}. Pack it again with gzip.") from None
    if len(found) > min(LARGEST, max(SMALL, len(data) * THICKEST)):
        raise SourceError("unpacks to far more than a source should; unpack it yourself and look into it.")
    if found.startswith(_GZIP):
        raise SourceError("is packed with gzip twice; unpack it once.")
    if not found.strip():
        raise SourceError("is empty.")
    return found


def _load(path: Path) -> bytes:
    if str(path) == "-":
        data = sys.stdin.buffer.read(LARGEST + 1)
        if len(data) > LARGEST:
            raise SourceError("Standard input is longer than 4 GiB; split it.")
        if not data.strip():
            raise SourceError("Standard input is empty.")
        return data
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            raise SourceError(f"{path} is a folder; name the file in it.")
        if not stat.S_ISREG(mode):
            raise SourceError(
                f"{path} is no regular file; save the source as a file first, or give it as - to read it."
            )
        if path.stat().st_size > LARGEST:
            raise SourceError(f"{path} is larger than 4 GiB; split it.")
        data = path.read_bytes()
    except FileNotFoundError:
        raise SourceError(f"{path} does not exist; check the name and the folder.") from None
    except OSError as error:
        raise SourceError(
            f"{path} cannot be read: {error.strerror}. Close it elsewhere, or ask who may read it."
        ) from None
    if not data.strip():
        raise SourceError(f"{path} is empty.")
    return data
