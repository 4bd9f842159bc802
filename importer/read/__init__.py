"""A source's bytes → `Table`: a frame of text cells, indexed by the row number that a spreadsheet program shows.

The format is told by content, not by the name's ending. A reader for another format is a module with a function
`read(data …) -> Grid` and a line in `_read_grid`.
"""

from __future__ import annotations

import hashlib
import stat
from typing import TYPE_CHECKING, Final

from importer.errors import SourceError

if TYPE_CHECKING:
    from pathlib import Path

    from importer.model import Table
    from importer.read.grid import Grid

LARGEST: Final = 4 << 30  # bytes of a source

_FOREIGN: Final = {
    b"\xd0\xcf\x11\xe0": "is an old Excel file (.xls) or a password-protected workbook; "
    "save it as .xlsx without a password",
    b"%PDF": "is a PDF; export the data as CSV or XLSX",
    b"\x1f\x8b": "is compressed with gzip; unpack it first",
    b"{\\rtf": "is a text document; export the data as CSV or XLSX",
    b"PAR1": "is a Parquet file; export the data as CSV or XLSX",
    b"<": "is HTML or XML, whatever its name says; open it in a spreadsheet program and save it as .xlsx",
}
_ZIP: Final = (b"PK\x03\x04", b"PK\x05\x06")  # a text may begin with PK as well


def read(path: Path, *, sheet: str | None = None) -> Table:
    """Read a source into text cells; it is never written to.

    Args:
        path: CSV, TSV, TXT, XLSX or XLSM.
        sheet: The sheet of a workbook that has several.

    Raises:
        SourceError: It cannot be read, is of another format, hostile, or without rows; the sentence says what to do.
    """
    data = _load(path)
    from importer.read.grid import to_table  # noqa: PLC0415 - the child process imports this package without pandas

    try:
        grid = _read_grid(data, sheet)
        return to_table(path, grid, hashlib.sha256(data).hexdigest())
    except SourceError as error:
        raise SourceError(f"{path.name} {error}") from None


def _read_grid(data: bytes, sheet: str | None) -> Grid:
    for magic, problem in _FOREIGN.items():
        if data.removeprefix(b"\xef\xbb\xbf").lstrip(b" \t\r\n").startswith(magic):
            raise SourceError(f"{problem}.")
    if data.startswith(_ZIP):
        from importer.read import workbook  # noqa: PLC0415 - a child process and a zip archive: only for workbooks

        return workbook.read(data, sheet)
    if sheet is not None:
        raise SourceError("is no workbook and has no sheets; leave --sheet out.")
    from importer.read import text  # noqa: PLC0415 - the other reader

    return text.read(data)


def _load(path: Path) -> bytes:
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            raise SourceError(f"{path} is a folder; name the file in it.")
        if not stat.S_ISREG(mode):
            raise SourceError(f"{path} is no regular file; save the source as a file first.")
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
