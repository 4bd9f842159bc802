"""Rules over whole columns: Arrow-backed series in, a bool series out that is true where the rule holds.

A cell that is absent passes every rule; that it is required is a rule of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from schemas.geography import currency_digits

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

BOOL: Final = pd.ArrowDtype(pa.bool_())
TEXT: Final = pd.ArrowDtype(pa.string())
NUMBER: Final = pd.ArrowDtype(pa.int64())
SOURCE_SHIFT: Final = 32  # bits of a row key below its source
ROW_BITS: Final = (1 << SOURCE_SHIFT) - 1
NAMED_ROWS: Final = 5


def by_value(column: pd.Series, judge: Callable[[str], object], type_: pd.ArrowDtype = TEXT) -> pd.Series:
    """Apply *judge* to each distinct text of *column* once; null stays null."""
    encoded = pa.array(column, pa.string()).dictionary_encode()
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.combine_chunks()
    values = pa.array([judge(text) for text in encoded.dictionary.to_pylist()], type_.pyarrow_dtype)
    return pd.Series(pd.arrays.ArrowExtensionArray(values.take(encoded.indices)), index=column.index)


def holds(column: pd.Series, judge: Callable[[str], bool]) -> pd.Series:
    """Tell for each row whether its text passes *judge*; absent ones do."""
    return passed(by_value(column, judge, BOOL))


def passed(answers: pd.Series) -> pd.Series:
    """Make plain bools of *answers*: what is absent breaks no rule."""
    return answers.fillna(value=True).astype(bool)


def is_currency(column: pd.Series) -> pd.Series:
    """ISO 4217 alphabetic code, in any case.

    Source: https://docs.debitura.com/clients/integration-guides/create-a-case
    """
    return holds(column, lambda text: text.upper() in currency_digits())


def at_most(column: pd.Series, limit: date | pd.Series) -> pd.Series:
    """The date, or amount, is not beyond *limit*."""
    return passed(column <= limit)


def at_least(column: pd.Series, limit: object) -> pd.Series:
    """The date, or amount, is not below *limit*."""
    return passed(column >= limit)


def above(column: pd.Series, limit: object) -> pd.Series:
    """The amount is more than *limit*."""
    return passed(column > limit)


def no_longer_than(column: pd.Series, characters: int) -> pd.Series:
    """The text has at most so many code points."""
    return passed(column.str.len() <= characters)


def fits_currency(amount: pd.Series, currency: pd.Series) -> pd.Series:
    """The amount has no more decimals than its currency's minor unit; an unknown currency allows any.

    Source: https://www.iso.org/iso-4217-currency-codes.html
    """
    digits = by_value(currency, lambda text: currency_digits().get(text.upper()), NUMBER)
    fits = pd.Series(data=True, index=amount.index)
    values = pc.cast(pa.array(amount), pa.decimal128(38, 18))
    for number in {int(one) for one in digits.dropna().unique()}:
        rounded = pc.round(values, ndigits=number)
        exact = pd.Series(
            pc.fill_null(pc.equal(values, rounded), fill_value=True).to_numpy(zero_copy_only=False), amount.index
        )
        fits &= exact | (digits != number).fillna(value=True).astype(bool)
    return fits


def once(column: pd.Series) -> pd.Series:
    """No other row has the same text."""
    return ~(column.duplicated(keep=False) & column.notna())


def fold_column(column: pd.Series) -> pd.Series:
    """Write every text without case and without spaces, of whatever kind: only to compare."""
    return column.str.casefold().str.replace(r"[\s\p{Z}]+", "", regex=True)


def looks_like_no_other(column: pd.Series) -> pd.Series:
    """No row with another text has the same but for case and inner spaces."""
    folded = fold_column(column)
    texts = pd.DataFrame({"text": column, "folded": folded}).dropna().drop_duplicates()
    alike = texts.loc[texts["folded"].duplicated(keep=False), "text"]
    return ~column.isin(alike)


def looks_like_email(column: pd.Series) -> pd.Series:
    """Something, one @, something with a dot; no spaces."""
    return passed(column.str.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s.]+"))


def has_country_prefix(column: pd.Series) -> pd.Series:
    """Begins with + or 00.

    Source: https://docs.debitura.com/clients/integration-guides/create-a-case
    """
    return passed(column.str.match(r"\s*\(?(\+|00)"))


def other_rows(column: pd.Series, rows: pd.Index) -> list[str]:
    """Name, for each of *rows*, the other rows with the same text: at most five of them."""
    shared = column[column.duplicated(keep=False) & column.notna()]
    places = {text: list(group) for text, group in shared.groupby(shared).groups.items()}
    return [_name_rows([key for key in places[column[row]] if key != row], row) for row in rows]


def _name_rows(keys: list[int], row: int) -> str:
    source = row >> SOURCE_SHIFT
    named = [
        f"row {key & ROW_BITS}" + (f" of source {(key >> SOURCE_SHIFT) + 1}" if key >> SOURCE_SHIFT != source else "")
        for key in keys[:NAMED_ROWS]
    ]
    return ", ".join(named) + (f" and {len(keys) - NAMED_ROWS} more" if len(keys) > NAMED_ROWS else "")


def lookalikes(column: pd.Series, rows: pd.Index) -> list[str]:
    """Name, for each of *rows*, a row whose text differs only in case or inner spaces."""
    folded = fold_column(column)
    texts = pd.DataFrame({"text": column, "folded": folded}).dropna().reset_index(names="key").drop_duplicates("text")
    groups = {name: list(zip(part["text"], part["key"], strict=True)) for name, part in texts.groupby("folded")}
    said = []
    for row in rows:
        other = next((key for text, key in groups[folded[row]] if text != column[row]), row)
        said.append(_name_rows([other], row))
    return said
