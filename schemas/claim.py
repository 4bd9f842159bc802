"""A claim: what every target that makes cases of invoices has in common, its columns, its rules and its request.

Sources: https://docs.debitura.com/clients/integration-guides/create-a-case and, for what a managing partner may send,
https://docs.debitura.com/api/collection-partner-api/create-case-as-managing-partner
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import pandas as pd  # noqa: TC002 - pandera reads the annotations at run time
import pandera.pandas as pa
import pyarrow  # noqa: ICN001 - pa is pandera here

from schemas import rules
from schemas.geography import find_country, find_state
from schemas.judging import LONGEST_TEXTS, judge_places

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from schemas import Context, Field

LONGEST_REFERENCE: Final = 50  # characters
REQUIRED: Final = (
    "currencyCode",
    "date",
    "amountToRecover",
    "debtor.type",
    "debtor.name",
    "debtor.address",
    "debtor.city",
)
DEBTOR_TYPES: Final[Mapping[str, str]] = {
    word: kind
    for kind, words in {
        "Company": "company business b2b corporate corporation organisation organization firm legal",
        "Private": "private person b2c consumer individual natural",
    }.items()
    for word in words.split()
} | {
    "legal entity": "Company",
    "legal person": "Company",
    "private person": "Private",
    "private individual": "Private",
    "natural person": "Private",
}
STAND_INS: Final[Mapping[str, str]] = {
    "debtor.countryAlpha2": "debtor.country",
    "debtor.stateAlpha2": "debtor.state",
}


def text(name: str) -> Any:
    """Declare a column of texts."""
    return pa.Field(alias=name, nullable=True, dtype_kwargs={"pyarrow_dtype": pyarrow.string()})


def amount(name: str) -> Any:
    """Declare a column of amounts."""
    return pa.Field(alias=name, nullable=True, dtype_kwargs={"pyarrow_dtype": pyarrow.decimal128(38, 18)})


def day(name: str) -> Any:
    """Declare a column of dates."""
    return pa.Field(alias=name, nullable=True, dtype_kwargs={"pyarrow_dtype": pyarrow.date32()})


def flag(name: str) -> Any:
    """Declare a column of yes and no."""
    return pa.Field(alias=name, nullable=True, dtype_kwargs={"pyarrow_dtype": pyarrow.bool_()})


def rule(code: str, field: str) -> Any:
    """Declare a derived column: a rule over several columns, or one that depends on more than the row."""
    return pa.Field(alias=f"{code}@{field}", eq=True)


class Claim(pa.DataFrameModel):
    """A judged frame: the fields that all claims have, then a bool column for each rule that `judge` derives."""

    creditor_reference: pd.ArrowDtype = text("creditorReference")
    currency_code: pd.ArrowDtype = text("currencyCode")
    date: pd.ArrowDtype = day("date")
    due_date: pd.ArrowDtype = day("dueDate")
    amount: pd.ArrowDtype = amount("amountToRecover")
    claim_description: pd.ArrowDtype = text("claimDescription")
    comments: pd.ArrowDtype = text("comments")
    partner: pd.ArrowDtype = text("collectionPartnerId")
    tag: pd.ArrowDtype = text("tag")
    debtor_type: pd.ArrowDtype = text("debtor.type")
    debtor_name: pd.ArrowDtype = text("debtor.name")
    contact_person: pd.ArrowDtype = text("debtor.contactPerson")
    registration_number: pd.ArrowDtype = text("debtor.companyRegistrationNumber")
    address: pd.ArrowDtype = text("debtor.address")
    zip_code: pd.ArrowDtype = text("debtor.zipCode")
    city: pd.ArrowDtype = text("debtor.city")
    state_alpha2: pd.ArrowDtype = text("debtor.stateAlpha2")
    state: pd.ArrowDtype = text("debtor.state")
    country_alpha2: pd.ArrowDtype = text("debtor.countryAlpha2")
    country: pd.ArrowDtype = text("debtor.country")
    email: pd.ArrowDtype = text("debtor.email")
    phone: pd.ArrowDtype = text("debtor.phone")

    required_currency: bool = rule("required", "currencyCode")
    required_date: bool = rule("required", "date")
    required_amount: bool = rule("required", "amountToRecover")
    required_type: bool = rule("required", "debtor.type")
    required_name: bool = rule("required", "debtor.name")
    required_address: bool = rule("required", "debtor.address")
    required_city: bool = rule("required", "debtor.city")
    reference_missing: bool = rule("reference-missing", "creditorReference")
    reference_duplicate: bool = rule("reference-duplicate", "creditorReference")
    reference_lookalike: bool = rule("reference-lookalike", "creditorReference")
    date_in_future: bool = rule("date-in-future", "date")
    due_in_future: bool = rule("due-in-future", "dueDate")
    due_before_date: bool = rule("due-before-date", "dueDate")
    precise: bool = rule("amount-too-precise", "amountToRecover")
    tag_without_test: bool = rule("tag-without-test", "tag")
    country_missing: bool = rule("country-missing", "debtor.countryAlpha2")
    country_name_unknown: bool = rule("country-unknown", "debtor.country")
    country_mismatch: bool = rule("country-mismatch", "debtor.country")
    state_missing: bool = rule("state-missing", "debtor.stateAlpha2")
    state_code_unknown: bool = rule("state-unknown", "debtor.stateAlpha2")
    state_name_unknown: bool = rule("state-unknown", "debtor.state")

    class Config:
        """Checks only: nothing is coerced, nothing is dropped."""

        strict = True
        coerce = False

    @pa.check("creditorReference", error="reference-too-long")
    def _reference_length(cls, column: pd.Series) -> pd.Series:  # noqa: N805 - as pandera calls it
        return rules.no_longer_than(column, LONGEST_REFERENCE)

    @pa.check("claimDescription", "comments", error="text-too-long")
    def _text_length(cls, column: pd.Series) -> pd.Series:  # noqa: N805
        return rules.no_longer_than(column, LONGEST_TEXTS["comments"])

    @pa.check("tag", error="text-too-long")
    def _tag_length(cls, column: pd.Series) -> pd.Series:  # noqa: N805
        return rules.no_longer_than(column, LONGEST_TEXTS["tag"])

    @pa.check("currencyCode", error="currency-unknown")
    def _currency(cls, column: pd.Series) -> pd.Series:  # noqa: N805
        return rules.is_currency(column)

    @pa.check("amountToRecover", error="amount-not-positive")
    def _positive(cls, column: pd.Series) -> pd.Series:  # noqa: N805
        return rules.above(column, 0)

    @pa.check("debtor.type", error="debtor-type-unknown")
    def _type(cls, column: pd.Series) -> pd.Series:  # noqa: N805
        return rules.holds(column, lambda text: debtor_type(text) is not None)

    @pa.check("debtor.countryAlpha2", error="country-unknown")
    def _country_code(cls, column: pd.Series) -> pd.Series:  # noqa: N805
        return rules.holds(column, lambda text: find_country(text) is not None)

    @pa.check("debtor.email", error="email-malformed")
    def _email(cls, column: pd.Series) -> pd.Series:  # noqa: N805
        return rules.looks_like_email(column)

    @pa.check("debtor.phone", error="phone-without-country")
    def _phone(cls, column: pd.Series) -> pd.Series:  # noqa: N805
        return rules.has_country_prefix(column)


def debtor_type(text: str) -> str | None:
    """Read what kind of debtor *text* means: `Company`, `Private`, or None."""
    return DEBTOR_TYPES.get(" ".join(text.casefold().split()))


def judge(
    values: pd.DataFrame, hidden: Mapping[str, pd.Series], never: pd.Series, context: Context
) -> dict[str, pd.Series]:
    """Derive a bool column for each rule over several columns, or over more than the row, but for the references'.

    Args:
        values: As in `Target.judged`.
        hidden: Field → rows whose cell could not be read.
        never: False for every row.
        context: What judging depends on besides the row.
    """
    today = context.today
    return {
        **{f"required@{name}": values[name].notna() | hidden.get(name, never) for name in REQUIRED},
        "date-in-future@date": rules.at_most(values["date"], today),
        "due-in-future@dueDate": rules.at_most(values["dueDate"], today),
        "due-before-date@dueDate": rules.at_least(values["dueDate"], values["date"]),
        "amount-too-precise@amountToRecover": rules.fits_currency(values["amountToRecover"], values["currencyCode"]),
        "tag-without-test@tag": values["tag"].isna() | context.test,
        **judge_places(values, hidden, never),
    }


def normalise(values: pd.DataFrame, fields: Mapping[str, Field]) -> dict[str, pd.Series]:
    """Bring each column into the form that the API takes: codes for currencies, countries and states."""
    sent = {name: values[name] for name in fields}
    sent["currencyCode"] = values["currencyCode"].str.upper()
    sent["debtor.type"] = rules.by_value(values["debtor.type"], debtor_type)
    country = values["debtor.countryAlpha2"].fillna(values["debtor.country"])
    sent["debtor.countryAlpha2"] = rules.by_value(country, find_country)
    del sent["debtor.country"]
    american = sent["debtor.countryAlpha2"] == "US"
    state, region = values["debtor.stateAlpha2"], values["debtor.state"]
    sent["debtor.stateAlpha2"] = rules.by_value(state.fillna(region), find_state).where(american, state)
    sent["debtor.state"] = region.mask(american)
    return sent


def write(
    columns: Mapping[str, pd.Series], fields: Mapping[str, Field], common: Mapping[str, object]
) -> Iterator[dict[str, object]]:
    """Yield the request of each row, in order: no blank fields, exact amounts, and *common* in each."""
    written = {name: _cells(fields[name], column) for name, column in columns.items() if column.notna().any()}
    own = [name for name in written if not name.startswith("debtor.")]
    debtors = [name for name in written if name.startswith("debtor.")]
    members = [name.removeprefix("debtor.") for name in debtors]
    for cells in zip(*(written[name] for name in own + debtors), strict=True):
        request = {name: cell for name, cell in zip(own, cells[: len(own)], strict=True) if cell is not None}
        debtor = {name: cell for name, cell in zip(members, cells[len(own) :], strict=True) if cell is not None}
        yield {**request, "debtor": debtor, **common}


def _cells(field: Field, column: pd.Series) -> list[object]:
    array = pyarrow.array(column, from_pandas=True)
    if field.kind == "date":
        array = array.cast(pyarrow.string())
    cells: list[object] = array.to_pylist()
    if field.kind == "amount":
        return [rules.plain(cell) if isinstance(cell, Decimal) else None for cell in cells]
    return cells
