"""Whether a workbook has a text in one of its cells: told from its XML, since opening a large one takes minutes."""

from __future__ import annotations

import re
import zipfile
from typing import TYPE_CHECKING, Final

import pyarrow as pa

from importer.report.rows import escape

if TYPE_CHECKING:
    from pathlib import Path

PIECE: Final = 1 << 20  # bytes looked at together


def mentions(path: Path, text: str) -> bool:
    """Tell whether *text* is the whole of some cell of the workbook.

    Raises:
        OSError: It cannot be read, or is no workbook.
    """
    cell = re.compile(rb"<t(?: [^>]*)?>\s*" + re.escape(escape(pa.array([text]))[0].as_py().encode()) + rb"\s*</t>")
    longest = 2 * len(cell.pattern) + 200  # spaces and attributes with it
    try:
        with zipfile.ZipFile(path) as package:
            for name in package.namelist():
                if name.startswith("xl/worksheets/") or name == "xl/sharedStrings.xml":
                    with package.open(name) as part:
                        tail = b""
                        while piece := part.read(PIECE):
                            if cell.search(tail + piece):
                                return True
                            tail = (tail + piece)[-longest:]
    except zipfile.BadZipFile as error:
        raise OSError(str(error)) from None
    return False
