"""values and a pandera schema → issues: every fault of every row, in one pass, with no cap."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pandas as pd
import pyarrow as pa
from pandera.config import ValidationDepth, config_context
from pandera.errors import SchemaErrors

from importer.model import ISSUE_COLUMNS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from schemas import Context, Target

TEXT: Final = pd.ArrowDtype(pa.string())


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
    judged = target.judged(values, unreadable, context)
    failures = _validate(judged, target)
    return _describe(failures, texts, headers, target, context)


def _validate(judged: pd.DataFrame, target: Target) -> pd.DataFrame:
    """Run the schema; returns one line a fault: row, field, code.

    Environment variables can switch pandera's checks off; a context here switches them on whatever those say.
    """
    with config_context(validation_enabled=True, validation_depth=ValidationDepth.SCHEMA_AND_DATA):
        try:
            target.Schema.validate(judged, lazy=True)
        except SchemaErrors as error:
            cases = error.failure_cases
        else:
            return pd.DataFrame({"row": [], "field": [], "code": []})
    if cases["index"].isna().any():
        broken = cases[cases["index"].isna()].iloc[0]
        raise AssertionError(f"The schema itself failed: {broken['column']} {broken['check']} {broken['failure_case']}")
    derived = cases["column"].str.partition("@")
    by_rule = derived[1] == "@"
    return pd.DataFrame(
        {
            "row": cases["index"].astype("int64"),
            "field": derived[2].where(by_rule, cases["column"]),
            "code": derived[0].where(by_rule, cases["check"]),
        }
    )


def _describe(
    failures: pd.DataFrame, texts: pd.DataFrame, headers: Mapping[str, str], target: Target, context: Context
) -> pd.DataFrame:
    """Add severity, value, message and hint to each fault, working on distinct values."""
    order = {name: number for number, name in enumerate(target.FIELDS)}
    parts = []
    for (failed, place), part in failures.groupby(["code", "field"], sort=False):
        code_name, name = str(failed), str(place)
        code = target.CODES[code_name]
        rows = part["row"]
        value = texts[name].reindex(rows).fillna("")
        detail = target.details(code_name, name, rows, texts)
        absent = texts[name].isna().all()
        column = headers.get((absent and target.STAND_INS.get(name)) or name, headers.get(name, name))
        told = pd.DataFrame({"row": rows.array, "value": value.array, "detail": detail})
        shown = told["value"].str.slice(0, 80)
        distinct = pd.DataFrame({"shown": shown, "detail": told["detail"]}).drop_duplicates()
        keys = list(zip(distinct["shown"], distinct["detail"], strict=True))
        filled = pd.DataFrame(
            {
                "shown": distinct["shown"].array,
                "detail": distinct["detail"].array,
                "message": [code.message.format(column=column, value=f"“{one}”", detail=two) for one, two in keys],
                "hint": [code.hint.format(column=column, value=f"“{one}”", detail=two) for one, two in keys],
            }
        )
        told = told.assign(shown=shown).merge(filled, on=["shown", "detail"], how="left")
        lenient = name in code.mild or (code_name == "reference-missing" and context.allow_missing_reference)
        parts.append(
            told.assign(
                column=column,
                field=name,
                code=code_name,
                severity="warning" if lenient else code.severity,
                order=order.get(name, len(order)),
            )
        )
    if not parts:
        return pd.DataFrame({name: pd.Series([], dtype="int64" if name == "row" else TEXT) for name in ISSUE_COLUMNS})
    found = pd.concat(parts, ignore_index=True).sort_values(["row", "order"], kind="stable", ignore_index=True)
    return found[list(ISSUE_COLUMNS)].astype({name: TEXT for name in ISSUE_COLUMNS if name != "row"})
