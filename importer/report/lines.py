"""`issues.jsonl`: every issue as a JSON object on a line of its own, for programs."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Final

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from importer.model import ISSUE_COLUMNS
from importer.report.beside import written_beside
from importer.report.rows import BLOCK, make_legible, utf8
from importer.report.sheets import as_texts

if TYPE_CHECKING:
    from pathlib import Path

    from importer.model import Report

_ROW: Final = (1 << 32) - 1  # of a row key


def write_lines(report: Report, path: Path) -> None:
    """Write the issues of *report*, in the order of rows, beside *path* and renamed into place.

    Raises:
        OSError: The disk does not take it; nothing is left of it.
    """
    with written_beside(path) as file:
        for start in range(0, len(report.issues), BLOCK):
            file.write(_objects(report, slice(start, start + BLOCK)))


def _objects(report: Report, part: slice) -> memoryview:
    """Make the objects of a part of the issues; what is blank in the workbook is null."""
    issues = report.issues.iloc[part]
    keys = pa.array(issues["row"], pa.int64())
    columns = {"row": pc.cast(pc.bit_wise_and(keys, _ROW), pa.string())}
    if len(report.run.sources) > 1:
        names = pa.array([make_legible(source.name) for source in report.run.sources])
        columns = {"source": _as_json(names.take(pc.shift_right(keys, 32))), **columns}
    columns |= {name: _as_json(as_texts(issues[name])) for name in ISSUE_COLUMNS[1:]}
    first, *others = ((f'"{name}":', column) for name, column in columns.items())
    members = chain(first, *((f",{name}", column) for name, column in others))
    return utf8(pc.binary_join_element_wise("{", *members, "}\n", ""))


def _as_json(texts: pa.Array) -> pa.Array:
    """Write texts as JSON, each distinct one once."""
    coded = pc.fill_null(texts, "").dictionary_encode()
    written = [msgspec.json.encode(text or None).decode() for text in coded.dictionary.to_pylist()]
    return pa.array(written, pa.string()).take(coded.indices)
