"""values and a pandera schema → issues: every fault of every row, in one pass, with no cap."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pandera.config import ValidationDepth, config_context
from pandera.errors import SchemaErrors

from importer.model import ISSUE_COLUMNS
from schemas.rules import encode

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pandera.pandas import Column, DataFrameSchema

    from schemas import Context, Target

SAID: Final = ISSUE_COLUMNS[1:]  # besides the row
SHOWN: Final = 80  # characters of a cell in a message
LOT: Final = 1 << 20  # faults


def check(
    values: pd.DataFrame,
    unreadable: pd.DataFrame,
    texts: pd.DataFrame,
    headers: Mapping[str, str],
    target: Target,
    context: Context,
) -> pd.DataFrame:
    """Judge all rows of a run against the target's schema.

    Args:
        values: As in `Parsed`, of all sources under each other; index: row keys, unique.
        unreadable: As in `Parsed`.
        texts: The source's own text of each field, for the offending value; index and columns as *values*.
        headers: Field → header that feeds it.
        target: Whose schema.
        context: What judging depends on besides the row.

    Returns:
        Issues, columns as `ISSUE_COLUMNS`, in the order of rows and, in a row, of fields.
    """
    faults = _find_faults(values, unreadable, target, context)
    return _describe(faults, texts, headers, target, context)


def _find_faults(
    values: pd.DataFrame, unreadable: pd.DataFrame, target: Target, context: Context
) -> dict[tuple[str, str], np.ndarray]:
    """Run the schema over each distinct value of each column; gives by code and field a mask of the faulty rows.

    Environment variables can switch pandera's checks off; a context here switches them on whatever those say.
    """
    schema = target.Schema.to_schema()
    columns = {name: column for name, column in schema.columns.items() if column.checks}
    with ThreadPoolExecutor(1) as pool:
        numbered = {name: pool.submit(_number, values[name]) for name in columns if name in values}
        judged = target.judged(values, unreadable, context)
    with config_context(validation_enabled=True, validation_depth=ValidationDepth.SCHEMA_ONLY):
        _validate(schema, judged.head(0))  # which columns there are, and of what type
    faults: dict[tuple[str, str], np.ndarray] = {}
    with config_context(validation_enabled=True, validation_depth=ValidationDepth.DATA_ONLY):
        for name, column in columns.items():
            distinct, kinds = numbered[name].result() if name in numbered else _number(judged[name])
            code, derived, field = name.partition("@")
            for check, places in _validate(column, distinct.to_frame(name)).items():
                wrong = np.zeros(len(distinct), dtype=bool)
                wrong[places] = True
                faults[(code, field) if derived else (check, name)] = wrong[kinds]
    return faults


def _number(column: pd.Series) -> tuple[pd.Series, np.ndarray]:
    """Give the distinct values of *column*, and for each row which of them it has."""
    if column.dtype == bool:
        holds = column.to_numpy()
        return pd.Series([True] if holds.all() else [True, False]), (~holds).view(np.int8)
    encoded = encode(pa.array(column), null_encoding="encode")
    return pd.Series(pd.arrays.ArrowExtensionArray(encoded.dictionary)), encoded.indices.to_numpy()


def _validate(schema: DataFrameSchema | Column, frame: pd.DataFrame) -> dict[str, np.ndarray]:
    """Give for each check that fails the positions in *frame* where it does.

    Raises:
        AssertionError: It is the schema that fails, and no value.
    """
    try:
        schema.validate(frame, lazy=True)
    except SchemaErrors as error:
        cases: pd.DataFrame = error.failure_cases
    else:
        return {}
    if cases["index"].isna().any():
        broken = cases[cases["index"].isna()].iloc[0]
        raise AssertionError(f"The schema itself failed: {broken['column']} {broken['check']} {broken['failure_case']}")
    return {str(check): part.to_numpy(np.int64) for check, part in cases["index"].groupby(cases["check"], sort=False)}


def _describe(
    faults: Mapping[tuple[str, str], np.ndarray],
    texts: pd.DataFrame,
    headers: Mapping[str, str],
    target: Target,
    context: Context,
) -> pd.DataFrame:
    """Say of each fault its severity, value, message and hint, put together once for all that are the same."""
    order = {name: number for number, name in enumerate(target.FIELDS)}
    lines: list[tuple[str, ...]] = [("",) * len(SAID)]
    found = [(texts.index.to_numpy()[:0], np.zeros(0, np.int64), np.zeros(0, np.int64))]
    for (code_name, name), mask in faults.items():
        code, rows = target.CODES[code_name], texts.index[mask].to_series()
        absent = texts[name].isna().all()
        column = headers.get((absent and target.STAND_INS.get(name)) or name, headers.get(name, name))
        lenient = name in code.mild or (code_name == "reference-missing" and context.allow_missing_reference)
        severity = "warning" if lenient else code.severity
        values = pc.fill_null(pa.array(texts[name]).filter(pa.array(mask)), "")
        kinds, kind_of = _pair(values, pa.array(target.details(code_name, name, rows, texts), pa.string()))
        found.append((rows.to_numpy(), np.full(len(rows), order.get(name, len(order))), kind_of + len(lines)))
        for value, detail in kinds:
            said = {"column": column, "value": f"“{value[:SHOWN]}”", "detail": detail}
            message, hint = code.message.format(**said), code.hint.format(**said)
            lines.append((column, name, severity, code_name, value, message, hint))
    keys, fields, numbers = (np.concatenate(parts) for parts in zip(*found, strict=True))
    sequence = np.lexsort((fields, keys))
    told = {
        name: _spread(pa.array(parts, pa.string()), numbers[sequence])
        for name, parts in zip(SAID, zip(*lines, strict=True), strict=True)
    }
    return pd.DataFrame({"row": keys[sequence].astype("int64"), **told})


def _pair(values: pa.ChunkedArray, details: pa.Array) -> tuple[list[tuple[str, str]], np.ndarray]:
    """Give the distinct pairs of both, and which of them comes at each place."""
    one, two = encode(values), encode(details)
    pairs = one.indices.to_numpy().astype(np.int64) * len(two.dictionary) + two.indices.to_numpy()
    kinds, kind_of = np.unique(pairs, return_inverse=True)
    firsts, seconds = np.divmod(kinds, len(two.dictionary))
    return list(
        zip(one.dictionary.take(firsts).to_pylist(), two.dictionary.take(seconds).to_pylist(), strict=True)
    ), kind_of


def _spread(texts: pa.Array, numbers: np.ndarray) -> pd.arrays.ArrowExtensionArray:
    """Take the texts with these *numbers*; in lots, since one array holds 2 GiB at most."""
    lots = [texts.take(pa.array(numbers[start : start + LOT])) for start in range(0, len(numbers), LOT)]
    return pd.arrays.ArrowExtensionArray(pa.chunked_array(lots, pa.string()))
