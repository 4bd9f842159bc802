"""Columns that are made of the source's own: parts of a cell, several cells together, other words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd
import pyarrow as pa

from importer.match.splitting import split
from importer.model import CELL_ERRORS, ISSUE_COLUMNS, Table

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from importer.model import Made, Matching
    from schemas import Target

TEXT: Final = pd.ArrowDtype(pa.string())


def make(table: Table, matching: Matching, target: Target) -> tuple[Table, pd.DataFrame, dict[str, pd.Series]]:
    """Add the columns of `Matching.made` to *table*, each under the header of the column that it is made of.

    A cell that does not fit its split is null in what is made of it. A spreadsheet's error stays an error, whatever
    it would be a part of.

    Returns:
        The table; one issue for each cell that does not fit, columns as `ISSUE_COLUMNS`; and for each field of a split
        the rows whose cell does not fit, if any.
    """
    cells, header = dict(table.cells.items()), list(table.header)
    numbers, damaged = dict(table.numbers), dict(table.damaged)
    taken: dict[int, dict[str, dict[str, str] | None]] = {}
    unfit: dict[str, pd.Series] = {}
    issues = [_tell(table.cells[0].iloc[:0], "", "", "", target)]
    for made in matching.made:
        position, places = len(header), [place for _, place in made.parts if place is not None]
        texts = _join(table, made)
        if made.split:
            if made.column not in taken:
                taken[made.column] = {text: _take(text, made) for text in texts.dropna().unique()}
                wrong = texts[texts.isin([text for text, parts in taken[made.column].items() if parts is None])]
                issues.append(_tell(wrong, table.header[made.column], *_name(made), target))
            parts = taken[made.column]
            bad = texts.isin([text for text, found in parts.items() if found is None]).astype(bool)
            unfit.update({made.feeds: bad} if bad.any() else {})
            texts = _by_text(texts, {text: (found or {}).get(made.feeds) for text, found in parts.items()}.get)
        said = _translate(texts, made.values)
        same = (said.isna() | (said == texts)).fillna(value=False).to_numpy(dtype=bool)
        if made.is_whole and places[0] in numbers:
            numbers[position] = numbers[places[0]] & same
        lost = [damaged[place] for place in places if place in damaged]
        if lost:
            damaged[position] = np.logical_or.reduce(lost) & same
        cells[position] = said
        header.append(table.header[made.column])
    made_table = Table(
        path=table.path,
        header=tuple(header),
        cells=pd.DataFrame(cells, index=table.cells.index),
        numbers=numbers,
        damaged=damaged,
        facts=table.facts,
        sha256=table.sha256,
        carried=table.carried,
        left_out=table.left_out,
    )
    return made_table, pd.concat(issues, ignore_index=True), unfit


def _join(table: Table, made: Made) -> pd.Series:
    """Put the cells together; what stands before a blank cell goes with it, and nothing begins with a separator."""
    index = table.cells.index
    texts = pd.Series([None] * len(index), index=index, dtype=TEXT)
    error = pd.Series([None] * len(index), index=index, dtype=TEXT)
    if len(made.parts) == 1 and not made.parts[0][0]:
        stripped = table.cells[made.column].str.strip()
        return stripped.mask(stripped == "")
    for number, (plain, position) in enumerate(made.parts):
        if position is None:
            texts += plain
            continue
        cell = table.cells[position].str.strip()
        cell = cell.mask(cell == "")
        error = error.fillna(cell.where(cell.isin(CELL_ERRORS)))
        first = cell if number else plain + cell
        texts = (texts + plain + cell).fillna(texts).fillna(first)
    return error.fillna(texts)


def _take(text: str, made: Made) -> dict[str, str] | None:
    if text[0] == "#" and text in CELL_ERRORS:
        return {name: text for _, name in made.split if name}
    return split(text, made.split)


def _name(made: Made) -> tuple[str, str]:
    """Name the first field that is sought in a cell, and the form in which it is."""
    form = "".join(plain + (f"{{{name}}}" if name else "") for plain, name in made.split)
    return next(name for _, name in made.split if name), form


def _translate(texts: pd.Series, values: Mapping[str, str]) -> pd.Series:
    """Put what is meant in the place of what is said; what is not listed stays."""
    if not values:
        return texts
    told = _by_text(texts, lambda text: values.get(text.strip().casefold(), text))
    return told.fillna(values[""]) if "" in values else told


def _by_text(texts: pd.Series, read: Callable[[str], str | None]) -> pd.Series:
    """Read each distinct text once."""
    encoded = pa.array(texts.to_numpy(dtype=object), pa.string(), from_pandas=True).dictionary_encode()
    values = pa.array([read(text) for text in encoded.dictionary.to_pylist()], pa.string())
    return pd.Series(pd.arrays.ArrowExtensionArray(values.take(encoded.indices)), index=texts.index)


def _tell(texts: pd.Series, column: str, field: str, form: str, target: Target) -> pd.DataFrame:
    """Say once of each of *texts* that it does not fit."""
    code = target.CODES["cell-not-split"]
    said = {text: code.message.format(column=column, value=f"“{text[:80]}”", detail=form) for text in texts.unique()}
    found = pd.DataFrame(
        {
            "row": texts.index,
            "column": column,
            "field": field,
            "severity": code.severity,
            "code": code.code,
            "value": texts.array,
            "message": texts.map(said).array,
            "hint": code.hint,
        }
    )
    return found[list(ISSUE_COLUMNS)].astype({name: "int64" if name == "row" else TEXT for name in ISSUE_COLUMNS})
