"""Rules over whole columns: Arrow-backed series in, a bool series out that is true where the rule holds.

A cell that is absent passes every rule; that it is required is a rule of its own.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from schemas.geography import find_digits

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

BOOL: Final = pd.ArrowDtype(pa.bool_())
TEXT: Final = pd.ArrowDtype(pa.string())
SOURCE_SHIFT: Final = 32  # bits of a row key below its source
ROW_BITS: Final = (1 << SOURCE_SHIFT) - 1
NAMED_ROWS: Final = 5


def encode(array: pa.Array | pa.ChunkedArray, null_encoding: str = "mask") -> pa.DictionaryArray:
    """Number the distinct values of *array*; null stays null, or is one of them with *null_encoding* "encode"."""
    encoded = array.dictionary_encode(null_encoding=null_encoding)
    return encoded.combine_chunks() if isinstance(encoded, pa.ChunkedArray) else encoded


def by_value(column: pd.Series, judge: Callable[[str], object], type_: pd.ArrowDtype = TEXT) -> pd.Series:
    """Apply *judge* to each distinct text of *column* once; null stays null."""
    encoded = encode(pa.array(column, pa.string()))
    values = pa.array([judge(text) for text in encoded.dictionary.to_pylist()], type_.pyarrow_dtype)
    return pd.Series(pd.arrays.ArrowExtensionArray(values.take(encoded.indices)), index=column.index)


def holds(column: pd.Series, judge: Callable[[str], bool]) -> pd.Series:
    """Tell for each row whether its text passes *judge*; absent ones do."""
    return passed(by_value(column, judge, BOOL))


def passed(answers: pd.Series) -> pd.Series:
    """Make plain bools of *answers*: what is absent breaks no rule."""
    known = pc.fill_null(pa.array(answers, pa.bool_()), fill_value=True)
    return pd.Series(known.to_numpy(zero_copy_only=False), answers.index)


def is_currency(column: pd.Series) -> pd.Series:
    """ISO 4217 alphabetic code, in any case.

    Source: https://docs.debitura.com/clients/integration-guides/create-a-case
    """
    return holds(column, lambda text: find_digits(text) is not None)


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
    values = pc.cast(pa.array(amount), pa.decimal128(38, 18))
    fits = np.ones(len(values), dtype=bool)
    if values.null_count < len(values):
        codes = encode(pa.array(currency, pa.string()))
        digits = [find_digits(code) for code in codes.dictionary.to_pylist()]
        numbers = pc.fill_null(codes.indices, len(digits)).to_numpy()
        for number in set(digits) - {None}:
            rows = np.array([*(one == number for one in digits), False])[numbers]
            judged = values.filter(pa.array(rows))
            exact = pc.fill_null(pc.equal(judged, pc.round(judged, ndigits=number)), fill_value=True)
            fits[rows] = exact.to_numpy(zero_copy_only=False)
    return pd.Series(fits, amount.index)


def alone(column: pd.Series) -> tuple[pd.Series, pd.Series]:
    """Tell of each text whether no other row has it, and whether none has another that differs in case or spaces alone.

    Most share their form with none, and are not looked at any closer.
    """
    forms = encode(pa.array(fold_column(column)))
    seen = np.append(np.bincount(forms.indices.drop_null(), minlength=1), [0])
    shared = seen[pc.fill_null(forms.indices, len(seen) - 1)] > 1
    once, unlike = (pd.Series(data=True, index=column.index) for _ in range(2))
    if shared.any():
        texts = column[shared]
        distinct = texts.drop_duplicates()
        once[shared] = ~texts.duplicated(keep=False)
        unlike[shared] = ~texts.isin(distinct[fold_column(distinct).duplicated(keep=False)])
    return once, unlike


def fold_column(column: pd.Series) -> pd.Series:
    """Write every text without case and without spaces, of whatever kind: only to compare."""
    texts = pa.array(column, pa.string())
    texts = texts.combine_chunks() if isinstance(texts, pa.ChunkedArray) else texts
    folded = pc.ascii_lower(texts)
    others = pc.invert(pc.string_is_ascii(texts))
    if pc.any(others).as_py():
        cased = pa.array([text.casefold() for text in texts.filter(others).to_pylist()], pa.string())
        folded = pc.replace_with_mask(folded, others.fill_null(fill_value=False), cased)
    folded = pc.replace_substring_regex(folded, r"[\s\p{Z}]+", "")
    return pd.Series(pd.arrays.ArrowExtensionArray(folded), column.index)


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
    first: dict[str, list[int]] = {}
    for text, key in zip(shared, shared.index, strict=True):
        if len(keys := first.setdefault(text, [])) <= NAMED_ROWS:
            keys.append(key)
    counts = shared.value_counts().to_dict()
    known: dict[tuple[str, int], str] = {}
    said = []
    for text, row in zip(column.reindex(rows), rows, strict=True):
        # Copies beyond those that are named say the same in all of a source, so that a million cost no more than one.
        same = (text, row if row in first[text] else -1 - (row >> SOURCE_SHIFT))
        if same not in known:
            known[same] = _name_rows([key for key in first[text] if key != row], counts[text] - 1, row)
        said.append(known[same])
    return said


def _name_rows(keys: list[int], count: int, row: int) -> str:
    """Name the first of *count* rows, as they are called beside *row*."""
    source = row >> SOURCE_SHIFT
    named = [
        f"row {key & ROW_BITS}" + (f" of source {(key >> SOURCE_SHIFT) + 1}" if key >> SOURCE_SHIFT != source else "")
        for key in keys[:NAMED_ROWS]
    ]
    return ", ".join(named) + (f" and {count - NAMED_ROWS} more" if count > NAMED_ROWS else "")


def lookalikes(column: pd.Series, rows: pd.Index) -> list[str]:
    """Name, for each of *rows*, a row whose text differs only in case or inner spaces."""
    distinct = column.dropna().drop_duplicates()
    forms = dict(zip(distinct, fold_column(distinct), strict=True))
    two: dict[str, list[tuple[str, int]]] = {}
    for text, key in zip(distinct, distinct.index, strict=True):
        if len(places := two.setdefault(forms[text], [])) <= 1:
            places.append((text, key))
    return [
        _name_rows([next(key for other, key in two[forms[text]] if other != text)], 1, row)
        for text, row in zip(column.reindex(rows), rows, strict=True)
    ]


def plain(amount: Decimal) -> Decimal:
    """Drop trailing zeros beyond two decimals, and nothing else.

    >>> from decimal import Decimal
    >>> plain(Decimal("85062.420000")), plain(Decimal("5.000")), plain(Decimal("0.1250"))
    (Decimal('85062.42'), Decimal('5.00'), Decimal('0.125'))
    """
    whole, _, fraction = f"{amount:f}".partition(".")
    return Decimal(f"{whole}.{fraction.rstrip('0'):0<2}")
