"""`to-fix.csv`: rows to mend as text; what they are, the `results.xlsx` beside them tells."""

from __future__ import annotations

import codecs
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from importer.errors import SourceError
from importer.model import FORMULA_GUARD, FORMULA_GUARDED
from importer.read import text
from importer.read.grid import tell_columns
from importer.read.source import WORKBOOK, open_source

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from importer.model import Carried, Reading
    from importer.read.grid import Grid
    from importer.read.source import Source

CALLED: Final = "to-fix"  # as names begin, in any case: copies get a number or a word behind it
BESIDE: Final = "results.xlsx"


def is_to_mend(path: Path) -> bool:
    """Tell rows to mend by their name."""
    return path.name.casefold().startswith(CALLED)


def find_run(path: Path) -> Carried | None:
    """Read what the run of rows to mend tells of them; None where its workbook is not beside them.

    Raises:
        SourceError: The workbook cannot be read.
    """
    data = _read_beside(path)
    from importer.read import workbook  # noqa: PLC0415 - only here

    try:
        return workbook.find_carried(data) if data.startswith(WORKBOOK) else None
    except SourceError as error:
        raise SourceError(
            f"lies beside a {BESIDE} that {error} Or move these rows into a folder of their own: there they are a "
            "source like any other."
        ) from None


def _read_beside(path: Path) -> bytes:
    beside = path.with_name(BESIDE)
    return b"".join(open_source(beside).chunks()) if beside.exists() else b""


def read_to_mend(source: Source, path: Path, reading: Reading) -> Grid:
    """Read rows to mend as they were written or, where they were saved in another way since, as they are.

    Raises:
        SourceError: They cannot be read, or their run's workbook is not beside them.
    """
    carried = find_run(path)
    if carried is None:
        raise SourceError(
            f"is called like rows to mend, and the {BESIDE} of their run is not beside it: put both into one folder, "
            "or rename it to have it read as any other source."
        )
    as_written = replace(
        reading,
        encoding=reading.encoding or (None if _is_unicode(source) else carried.encoding or None),
        delimiter=reading.delimiter or carried.delimiter or None,
        header_row=reading.header_row or (2 if _is_announced(source) else 1),
    )
    try:
        grid = text.read(source, as_written)
        fits = set(carried.columns) <= {_unguard(header.strip()) for header in grid.header}
    except SourceError:
        fits = False
    if not fits:
        grid = text.read(source, replace(reading, header_row=as_written.header_row))
    header = tuple(map(_unguard, grid.header))
    columns = [pc.replace_substring_regex(column, FORMULA_GUARDED, r"\1") for column in grid.columns]
    return replace(grid, header=header, columns=columns, carried=carried, damaged=_find_damaged(path, header, columns))


def _find_damaged(
    path: Path, header: Sequence[str], columns: Sequence[pa.Array | pa.ChunkedArray]
) -> dict[int, np.ndarray]:
    """Find what was `0012` when it was written, and `12` after a spreadsheet program had it: no identifier any more."""
    from importer.read import workbook  # noqa: PLC0415 - only here

    unpadded = workbook.find_unpadded(_read_beside(path))
    masks = {}
    for position, (text_, column) in enumerate(zip(header, columns, strict=True)):
        found = pc.is_in(column, value_set=pa.array(unpadded.get(text_.strip(), []), pa.string()))
        mask = np.asarray(found.to_numpy(zero_copy_only=False) if isinstance(found, pa.Array) else found.to_numpy())
        if mask.any():
            masks[position] = mask
    return masks


def tell_guards(grid: Grid) -> Grid:
    """Say in which columns of another source an apostrophe stands before what looks like a formula: it is kept.

    It may be the one that rows to mend have, under another name.
    """
    guarded = [
        position
        for position, column in enumerate(grid.columns)
        if pc.any(pc.starts_with(column, FORMULA_GUARD)).as_py()
        and pc.any(pc.match_substring_regex(column, FORMULA_GUARDED)).as_py()
    ]
    told = (("apostrophes before signs of formulas, kept", f"in {tell_columns(guarded)}"),) if guarded else ()
    return replace(grid, facts=(*grid.facts, *told))


def _unguard(header: str) -> str:
    return re.sub(FORMULA_GUARDED, r"\1", header)


def _is_unicode(source: Source) -> bool:
    """Tell what says itself what it is: UTF-16 by its mark, UTF-8 by being it."""
    if source.start.startswith((codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return True
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        for chunk in source.chunks():
            decoder.decode(chunk)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _is_announced(source: Source) -> bool:
    return b"sep=" in source.start[:24].replace(b"\0", b"").lower()
