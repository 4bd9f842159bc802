"""Rules over several columns, each as one derived column, and what an issue's sentence needs besides its value.

A derived column is named `code@field`: the code of the issue, and the field whose cell must change.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from schemas import rules
from schemas.geography import find_country, find_state, suggest_country, suggest_currency, suggest_state

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import pandas as pd

LONGEST_TEXTS: Final[Mapping[str, int]] = {  # characters
    "claimDescription": 4000,
    "comments": 4000,
    "assignedUserEmail": 320,
}
SUGGESTED: Final = 200  # distinct values that a near miss is looked for: each costs most of a millisecond
_SUGGEST: Final[Mapping[str, Callable[[str], str]]] = {
    "currency-unknown": suggest_currency,
    "country-unknown": suggest_country,
    "state-unknown": suggest_state,
}


def judge_references(column: pd.Series, hidden: pd.Series) -> dict[str, pd.Series]:
    """A reference is there, once in the run, and looks like no other; *hidden* marks cells that could not be read."""
    return {
        "reference-missing@creditorReference": column.notna() | hidden,
        "reference-duplicate@creditorReference": rules.once(column),
        "reference-lookalike@creditorReference": rules.looks_like_no_other(column),
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


def judge_places(values: pd.DataFrame, hidden: Mapping[str, pd.Series], never: pd.Series) -> dict[str, pd.Series]:
    """Alpha-2 wins over a name; only debtors in the United States need a state."""
    code, name = values["debtor.countryAlpha2"], values["debtor.country"]
    state_code, state_name = values["debtor.stateAlpha2"], values["debtor.state"]
    by_code, by_name = rules.by_value(code, find_country), rules.by_value(name, find_country)
    unread = hidden.get("debtor.countryAlpha2", never) | hidden.get("debtor.country", never)
    american = (by_code.where(code.notna(), by_name) == "US").fillna(value=False).astype(bool)
    unread_state = hidden.get("debtor.stateAlpha2", never) | hidden.get("debtor.state", never)
    known = {
        column.name: rules.holds(column, lambda text: find_state(text) is not None)
        for column in (state_code, state_name)
    }
    return {
        "country-missing@debtor.countryAlpha2": code.notna() | name.notna() | unread,
        "country-unknown@debtor.country": code.notna() | name.isna() | by_name.notna() | unread,
        "country-mismatch@debtor.country": by_code.isna()
        | name.isna()
        | (by_code == by_name).fillna(value=False).astype(bool),
        "state-missing@debtor.stateAlpha2": ~american | state_code.notna() | state_name.notna() | unread_state,
        "state-unknown@debtor.stateAlpha2": ~american | known["debtor.stateAlpha2"],
        "state-unknown@debtor.state": ~american | state_code.notna() | unread_state | known["debtor.state"],
    }


def details(code: str, field: str, rows: pd.Series, texts: pd.DataFrame) -> list[str]:
    """Say for each of *rows* what its issue's sentence needs besides the value: a near miss, or the other rows."""
    values = texts[field].reindex(rows)
    if code in _SUGGEST:
        near = {text: _SUGGEST[code](text) for text in values.dropna().drop_duplicates().head(SUGGESTED)}
        return rules.by_value(values, lambda text: near.get(text, "")).fillna("").tolist()
    if code == "text-too-long":
        return [str(LONGEST_TEXTS[field])] * len(rows)
    if code == "reference-duplicate":
        return rules.other_rows(texts[field].str.strip(), values.index)
    if code == "reference-lookalike":
        return rules.lookalikes(texts[field].str.strip(), values.index)
    return [""] * len(rows)
