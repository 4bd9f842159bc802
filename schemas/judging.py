"""Rules over several columns, each as one derived column, and what an issue's sentence needs besides its value.

A derived column is named `code@field`: the code of the issue, and the field whose cell must change.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pyarrow as pa

from schemas import rules
from schemas.geography import find_country, find_state, suggest_country, suggest_currency, suggest_state

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import pandas as pd

LONGEST_TEXTS: Final[Mapping[str, int]] = {  # characters
    "claimDescription": 4000,
    "comments": 4000,
    "assignedUserEmail": 320,
    "creditorCompanyName": 255,  # the API publishes none; a whole paragraph is no name, and no part of an identity
    "returnUrl": 2048,
    "tag": 100,
    "externalTenantId": 255,
}
SUGGESTED: Final = 200  # distinct values that a near miss is looked for: each costs most of a millisecond
_SUGGEST: Final[Mapping[str, Callable[[str], str]]] = {
    "currency-unknown": suggest_currency,
    "country-unknown": suggest_country,
    "state-unknown": suggest_state,
}


def judge_references(column: pd.Series, hidden: pd.Series, identities: pd.Series) -> dict[str, pd.Series]:
    """A reference is there, once in the run, and looks like no other.

    Args:
        column: The references.
        hidden: Which of them could not be read.
        identities: What must not come twice: the references, or each with whose it is.
    """
    once, unlike = rules.alone(identities)
    return {
        "reference-missing@creditorReference": column.notna() | hidden,
        "reference-duplicate@creditorReference": once,
        "reference-lookalike@creditorReference": unlike,
    }


def judge_buckets(
    values: pd.DataFrame, amounts: Sequence[str], hidden: Mapping[str, pd.Series], never: pd.Series
) -> dict[str, pd.Series]:
    """Over 12 and 24 months together or not at all, over 6 only with both; each contains the older."""
    total, over_6, over_12, over_24 = (values[name] for name in amounts)
    given_6, given_12, given_24 = (values[name].notna() | hidden.get(name, never) for name in amounts[1:])
    incomplete_12 = ~given_12 & (given_6 | given_24)
    incomplete_24 = given_12 & ~given_24
    wrong_24 = ~rules.at_most(over_24, over_12)
    wrong_12 = ~wrong_24 & ~(rules.at_most(over_12, over_6) & rules.at_most(over_12, total.where(over_6.isna())))
    wrong_6 = ~wrong_24 & ~wrong_12 & ~rules.at_most(over_6, total)
    complete = ~incomplete_12 & ~incomplete_24
    return {
        "age-buckets-incomplete@amountToRecoverOver12Months": ~incomplete_12,
        "age-buckets-incomplete@amountToRecoverOver24Months": ~incomplete_24,
        "age-buckets-order@amountToRecoverOver6Months": ~(wrong_6 & complete),
        "age-buckets-order@amountToRecoverOver12Months": ~(wrong_12 & complete),
        "age-buckets-order@amountToRecoverOver24Months": ~(wrong_24 & complete),
    }


def judge_country(
    values: pd.DataFrame, hidden: Mapping[str, pd.Series], never: pd.Series, code_field: str, name_field: str
) -> tuple[pd.Series, dict[str, pd.Series]]:
    """Tell whether a country is given at all, and judge its name: alpha-2 wins over it."""
    code, name = values[code_field], values[name_field]
    by_code, by_name = rules.by_value(code, find_country), rules.by_value(name, find_country)
    unread = hidden.get(code_field, never) | hidden.get(name_field, never)
    agree = (by_code == by_name).fillna(value=False).astype(bool)
    return code.notna() | name.notna() | unread, {
        f"country-unknown@{name_field}": code.notna() | name.isna() | by_name.notna() | unread,
        f"country-mismatch@{name_field}": by_code.isna() | name.isna() | agree,
    }


def judge_places(values: pd.DataFrame, hidden: Mapping[str, pd.Series], never: pd.Series) -> dict[str, pd.Series]:
    """Judge the debtor's country and state; only debtors in the United States need a state."""
    given, derived = judge_country(values, hidden, never, "debtor.countryAlpha2", "debtor.country")
    code, name = values["debtor.countryAlpha2"], values["debtor.country"]
    american = (rules.by_value(code.fillna(name), find_country) == "US").fillna(value=False).astype(bool)
    state_code, state_name = values["debtor.stateAlpha2"], values["debtor.state"]
    unread_state = hidden.get("debtor.stateAlpha2", never) | hidden.get("debtor.state", never)
    known = {
        column.name: rules.holds(column, lambda text: find_state(text) is not None)
        for column in (state_code, state_name)
    }
    return {
        "country-missing@debtor.countryAlpha2": given,
        **derived,
        "state-missing@debtor.stateAlpha2": ~american | state_code.notna() | state_name.notna() | unread_state,
        "state-unknown@debtor.stateAlpha2": ~american | known["debtor.stateAlpha2"],
        "state-unknown@debtor.state": ~american | state_code.notna() | unread_state | known["debtor.state"],
    }


def details(code: str, field: str, rows: pd.Series, texts: pd.DataFrame) -> list[str]:
    """Say for each of *rows* what its issue's sentence needs besides the value: a near miss, or the other rows."""
    values = texts[field].reindex(rows)
    if code in _SUGGEST:
        near = {text: _SUGGEST[code](text) for text in values.dropna().drop_duplicates().head(SUGGESTED)}
        found: list[str] = pa.array(rules.by_value(values, lambda text: near.get(text, "")).fillna("")).to_pylist()
        return found
    if code == "text-too-long":
        return [str(LONGEST_TEXTS[field])] * len(rows)
    if code == "reference-duplicate":
        return rules.other_rows(texts[field].str.strip(), values.index)
    if code == "reference-lookalike":
        return rules.lookalikes(texts[field].str.strip(), values.index)
    return [""] * len(rows)
