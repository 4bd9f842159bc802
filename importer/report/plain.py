"""`to-fix.csv`: the rows that did not get through, for whoever works with texts; written as the source was."""

from __future__ import annotations

import codecs
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

import schemas
from importer.model import FORMULA_GUARD, FORMULA_LIKE, FORMULA_OPENINGS, NEGATIVE, NUMBER
from importer.report.beside import written_beside
from importer.report.carried import written_like
from importer.report.mending import TO_MEND
from importer.report.names import TO_FIX
from importer.report.rows import BLOCK, utf8
from importer.report.sheets import as_slice, as_texts, stretches

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from importer.model import Report, Writing

_RISKY: Final = np.isin(np.arange(256), [sign.encode()[0] for sign in FORMULA_OPENINGS])  # of first bytes
ANY: Final = "utf-8-sig"  # what holds every text, and what spreadsheet programs know by its mark


def write_to_fix(report: Report, folder: Path) -> Path | None:
    """Write the rows to mend into *folder*; where there are none, or a source was no text, leave no such file there.

    Returns:
        Where they are.

    Raises:
        OSError: The disk does not take it; nothing is left of it.
    """
    path = folder / TO_FIX
    positions = np.flatnonzero(report.outcomes["status"].isin(TO_MEND).to_numpy(dtype=bool))
    writing = written_like(report.run)
    if writing is None or not len(positions):
        path.unlink(missing_ok=True)
        return None
    try:
        _write(report, positions, writing, path)
    except UnicodeEncodeError:  # a source after the first one has signs that the first one's encoding has not
        _write(report, positions, replace(writing, encoding=ANY), path)
    return path


def _write(report: Report, positions: np.ndarray, writing: Writing, path: Path) -> None:
    encoder = codecs.getincrementalencoder(writing.encoding)()
    is_utf8 = codecs.lookup(writing.encoding).name == "utf-8"
    with written_beside(path) as file:
        if writing.announced:
            file.write(encoder.encode(f"sep={writing.delimiter}{writing.line_end}"))
        for part in _records(report, positions, writing):
            file.write(part if is_utf8 else encoder.encode(str(part, "utf-8")))


def _records(report: Report, positions: np.ndarray, writing: Writing) -> Iterator[memoryview]:
    """Yield the records as UTF-8, many at once: the header first."""
    fields = schemas.load(report.run.target).FIELDS
    named = (fields.get(report.run.columns.get(header, "")) for header in report.header)
    amounts = [field is not None and field.kind == "amount" for field in named]
    header = [pa.array([text], pa.string()) for text in report.header]
    yield _join([_cells(text, writing, amount=False) for text in header], writing)
    for start, end in stretches(len(positions), BLOCK):
        part = as_slice(positions[start:end])
        columns = (as_texts(report.cells[place].iloc[part]) for place in range(len(report.header)))
        yield _join(
            [_cells(texts, writing, amount=amount) for texts, amount in zip(columns, amounts, strict=True)], writing
        )


def _join(columns: list[pa.Array], writing: Writing) -> memoryview:
    *others, last = columns
    ended = pc.binary_join_element_wise(last, writing.line_end, "")
    return utf8(pc.binary_join_element_wise(*others, ended, writing.delimiter))


def _cells(texts: pa.Array, writing: Writing, *, amount: bool) -> pa.Array:
    """Make cells of texts: inert, and quoted where they need it, or where the source quotes."""
    texts = pc.fill_null(texts, "")
    if _may_be_risky(texts):
        risky = pc.match_substring_regex(texts, FORMULA_LIKE)
        if amount:
            risky = pc.and_not(risky, pc.match_substring_regex(texts, NEGATIVE))
        texts = pc.if_else(risky, pc.binary_join_element_wise(FORMULA_GUARD, texts, ""), texts)
    signs = bytes(utf8(texts))
    parting = any(sign.encode() in signs for sign in (writing.delimiter, writing.quote, "\r", "\n"))
    if writing.quoted == "few" and not parting:
        return texts
    needed = f"[{re.escape(writing.delimiter + writing.quote)}\r\n]"
    quoted = pc.match_substring_regex(texts, needed)
    if writing.quoted == "all":
        quoted = pa.scalar(value=True)
    elif writing.quoted == "texts":
        numbers = pc.or_(pc.match_substring_regex(texts, NUMBER), pc.equal(texts, ""))
        quoted = pc.or_(quoted, pc.invert(numbers))
    doubled = pc.replace_substring(texts, writing.quote, 2 * writing.quote) if parting else texts
    return pc.if_else(quoted, pc.binary_join_element_wise(writing.quote, doubled, writing.quote, ""), texts)


def _may_be_risky(texts: pa.Array) -> bool:
    """Tell by their first bytes whether any text may be taken for a formula: ten times as fast as looking at all."""
    offsets = np.frombuffer(texts.buffers()[1], dtype="int32")[texts.offset :][: len(texts) + 1]
    data = texts.buffers()[2]
    firsts = np.frombuffer(data, dtype="uint8")[offsets[:-1][np.diff(offsets) > 0]] if data else np.empty(0, "uint8")
    return bool(_RISKY[firsts].any())
