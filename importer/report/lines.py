"""`issues.jsonl`: every issue as a JSON object on a line of its own, for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from importer.model import ISSUE_COLUMNS
from importer.report.beside import written_beside
from importer.report.rows import CHUNK, make_legible
from importer.report.sheets import as_texts

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from importer.model import Report

_ROW: Final = (1 << 32) - 1  # of a row key


def write_lines(report: Report, path: Path) -> None:
    """Write the issues of *report*, in the order of rows, beside *path* and renamed into place.

    Raises:
        OSError: The disk does not take it; nothing is left of it.
    """
    encode = msgspec.json.Encoder().encode_lines
    with written_beside(path) as file:
        for start in range(0, len(report.issues), CHUNK):
            file.write(encode(list(_objects(report, slice(start, start + CHUNK)))))


def _objects(report: Report, part: slice) -> Iterator[dict[str, Any]]:
    """Make the objects of a part of the issues; what is blank in the workbook is null."""
    issues = report.issues.iloc[part]
    keys = pa.array(issues["row"], pa.int64())
    columns = {"row": pc.bit_wise_and(keys, _ROW).to_pylist()}
    if len(report.run.sources) > 1:
        names = [make_legible(source.name) for source in report.run.sources]
        columns = {"source": [names[number] for number in pc.shift_right(keys, 32).to_pylist()], **columns}
    columns |= {name: as_texts(issues[name]).to_pylist() for name in ISSUE_COLUMNS[1:]}
    for line in zip(*columns.values(), strict=True):
        yield {name: value if value != "" else None for name, value in zip(columns, line, strict=True)}
