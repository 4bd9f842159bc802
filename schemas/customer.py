"""`customer`: one case for each row, `POST /cases` of Debitura's Customer API.

Source: https://docs.debitura.com/clients/integration-guides/create-a-case
"""

from __future__ import annotations

from decimal import Decimal
from itertools import repeat
from typing import TYPE_CHECKING, Any, Final

import pandas as pd
import pandera.pandas as pa
import pyarrow  # noqa: ICN001 - pa is pandera here

from schemas import Context, rules
from schemas.codes import CATALOGUE
from schemas.fields import FIELDS
from schemas.geography import find_country, find_state
from schemas.judging import LONGEST_TEXTS, details, judge_buckets, judge_places, judge_references

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["FIELDS", "details"]  # as the protocol wants them here

NAME: Final = "customer"
API: Final = "customer"
COMMAND: Final = "submit"
ENDPOINT: Final = "/cases"
PRODUCTION_URL: Final = "https://customer-api.debitura.com"
REFERENCE: Final = "creditorReference"
GUARDED: Final = True
LOOKUP: Final = "/cases/by-creditor-reference"
LONGEST_REFERENCE: Final = 50  # characters
AMOUNTS: Final = (
    "amountToRecover",
    "amountToRecoverOver6Months",
    "amountToRecoverOver12Months",
    "amountToRecoverOver24Months",
)
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
EITHER: Final = (("debtor.countryAlpha2", "debtor.country"),)
UNSUPPORTED: Final[Mapping[str, str]] = {
    name: name for name in ("creditorCompanyName", "creditorCountryAlpha2", "creditorCountry")
}
CODES: Final = CATALOGUE


def _text(name: str) -> Any:
    return pa.Field(alias=name, nullable=True, dtype_kwargs={"pyarrow_dtype": pyarrow.string()})


def _amount(name: str) -> Any:
    return pa.Field(alias=name, nullable=True, dtype_kwargs={"pyarrow_dtype": pyarrow.decimal128(38, 18)})


def _day(name: str) -> Any:
    return pa.Field(alias=name, nullable=True, dtype_kwargs={"pyarrow_dtype": pyarrow.date32()})


def _flag(name: str) -> Any:
    return pa.Field(alias=name, nullable=True, dtype_kwargs={"pyarrow_dtype": pyarrow.bool_()})


def _rule(code: str, field: str) -> Any:
    """Declare a derived column: a rule over several columns, or one that depends on more than the row."""
    return pa.Field(alias=f"{code}@{field}", eq=True)


class Schema(pa.DataFrameModel):
    """A judged frame: the fields of `FIELDS`, then a bool column for each rule that `judged` derives."""

    creditor_reference: pd.ArrowDtype = _text("creditorReference")
    currency_code: pd.ArrowDtype = _text("currencyCode")
    date: pd.ArrowDtype = _day("date")
    due_date: pd.ArrowDtype = _day("dueDate")
    amount: pd.ArrowDtype = _amount("amountToRecover")
    over_6: pd.ArrowDtype = _amount("amountToRecoverOver6Months")
    over_12: pd.ArrowDtype = _amount("amountToRecoverOver12Months")
    over_24: pd.ArrowDtype = _amount("amountToRecoverOver24Months")
    claim_description: pd.ArrowDtype = _text("claimDescription")
    comments: pd.ArrowDtype = _text("comments")
    division: pd.ArrowDtype = _text("creditorDivisionId")
    partner: pd.ArrowDtype = _text("collectionPartnerId")
    skip_verification: pd.ArrowDtype = _flag("skipDebituraVerification")
    assigned_user: pd.ArrowDtype = _text("assignedUserEmail")
    return_url: pd.ArrowDtype = _text("returnUrl")
    debtor_type: pd.ArrowDtype = _text("debtor.type")
    debtor_name: pd.ArrowDtype = _text("debtor.name")
    contact_person: pd.ArrowDtype = _text("debtor.contactPerson")
    registration_number: pd.ArrowDtype = _text("debtor.companyRegistrationNumber")
    address: pd.ArrowDtype = _text("debtor.address")
    zip_code: pd.ArrowDtype = _text("debtor.zipCode")
    city: pd.ArrowDtype = _text("debtor.city")
    state_alpha2: pd.ArrowDtype = _text("debtor.stateAlpha2")
    state: pd.ArrowDtype = _text("debtor.state")
    country_alpha2: pd.ArrowDtype = _text("debtor.countryAlpha2")
    country: pd.ArrowDtype = _text("debtor.country")
    email: pd.ArrowDtype = _text("debtor.email")
    phone: pd.ArrowDtype = _text("debtor.phone")

    required_currency: bool = _rule("required", "currencyCode")
    required_date: bool = _rule("required", "date")
    required_amount: bool = _rule("required", "amountToRecover")
    required_type: bool = _rule("required", "debtor.type")
    required_name: bool = _rule("required", "debtor.name")
    required_address: bool = _rule("required", "debtor.address")
    required_city: bool = _rule("required", "debtor.city")
    reference_missing: bool = _rule("reference-missing", "creditorReference")
    reference_duplicate: bool = _rule("reference-duplicate", "creditorReference")
    reference_lookalike: bool = _rule("reference-lookalike", "creditorReference")
    date_in_future: bool = _rule("date-in-future", "date")
    due_in_future: bool = _rule("due-in-future", "dueDate")
    due_before_date: bool = _rule("due-before-date", "dueDate")
    precise: bool = _rule("amount-too-precise", "amountToRecover")
    precise_6: bool = _rule("amount-too-precise", "amountToRecoverOver6Months")
    precise_12: bool = _rule("amount-too-precise", "amountToRecoverOver12Months")
    precise_24: bool = _rule("amount-too-precise", "amountToRecoverOver24Months")
    incomplete_12: bool = _rule("age-buckets-incomplete", "amountToRecoverOver12Months")
    incomplete_24: bool = _rule("age-buckets-incomplete", "amountToRecoverOver24Months")
    order_6: bool = _rule("age-buckets-order", "amountToRecoverOver6Months")
    order_12: bool = _rule("age-buckets-order", "amountToRecoverOver12Months")
    order_24: bool = _rule("age-buckets-order", "amountToRecoverOver24Months")
    country_missing: bool = _rule("country-missing", "debtor.countryAlpha2")
    country_name_unknown: bool = _rule("country-unknown", "debtor.country")
    country_mismatch: bool = _rule("country-mismatch", "debtor.country")
    state_missing: bool = _rule("state-missing", "debtor.stateAlpha2")
    state_code_unknown: bool = _rule("state-unknown", "debtor.stateAlpha2")
    state_name_unknown: bool = _rule("state-unknown", "debtor.state")

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

    @pa.check("assignedUserEmail", error="text-too-long")
    def _email_length(cls, column: pd.Series) -> pd.Series:  # noqa: N805
        return rules.no_longer_than(column, LONGEST_TEXTS["assignedUserEmail"])

    @pa.check("currencyCode", error="currency-unknown")
    def _currency(cls, column: pd.Series) -> pd.Series:  # noqa: N805
        return rules.is_currency(column)

    @pa.check("amountToRecover", error="amount-not-positive")
    def _positive(cls, column: pd.Series) -> pd.Series:  # noqa: N805
        return rules.above(column, 0)

    @pa.check(*AMOUNTS[1:], error="age-bucket-negative")
    def _not_negative(cls, column: pd.Series) -> pd.Series:  # noqa: N805
        return rules.at_least(column, 0)

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


def judged(values: pd.DataFrame, unreadable: pd.DataFrame, context: Context) -> pd.DataFrame:
    """Add a bool column for each rule over several columns, or over more than the row; see `Schema`."""
    hidden = {str(name): unreadable[name] for name in unreadable}
    never = pd.Series(data=False, index=values.index)
    derived: dict[str, pd.Series] = {}
    for name in REQUIRED:
        derived[f"required@{name}"] = values[name].notna() | hidden.get(name, never)
    derived |= judge_references(values["creditorReference"], hidden.get("creditorReference", never))
    today = context.today
    derived["date-in-future@date"] = rules.at_most(values["date"], today)
    derived["due-in-future@dueDate"] = rules.at_most(values["dueDate"], today)
    derived["due-before-date@dueDate"] = rules.at_least(values["dueDate"], values["date"])
    for name in AMOUNTS:
        derived[f"amount-too-precise@{name}"] = rules.fits_currency(values[name], values["currencyCode"])
    derived |= judge_buckets(values, AMOUNTS, hidden, never)
    derived |= judge_places(values, hidden, never)
    return pd.concat([values, pd.DataFrame(derived).astype(bool)], axis=1)


def creditors(values: pd.DataFrame) -> Iterator[str]:
    """Name nobody: an account is one creditor's."""
    return repeat("", len(values))


def payload(values: pd.DataFrame, *, test: bool, allow_pending_contracts: bool) -> Iterator[dict[str, object]]:
    """Yield the request of each row, in order: codes for countries and states, no blank fields, exact amounts."""
    common: dict[str, object] = {}
    if test:
        common["isTest"] = True
    if allow_pending_contracts:
        common["allowPendingContracts"] = True
    columns = _sent(values)
    own = [name for name in columns if not name.startswith("debtor.")]
    debtors = [name for name in columns if name.startswith("debtor.")]
    members = [name.removeprefix("debtor.") for name in debtors]
    for cells in zip(*(columns[name] for name in own + debtors), strict=True):
        request = {name: cell for name, cell in zip(own, cells[: len(own)], strict=True) if cell is not None}
        debtor = {name: cell for name, cell in zip(members, cells[len(own) :], strict=True) if cell is not None}
        yield {**request, "debtor": debtor, **common}


def _sent(values: pd.DataFrame) -> dict[str, list[object]]:
    """Bring each column that holds anything into the form that the API takes."""
    sent = {name: values[name] for name in FIELDS}
    sent["currencyCode"] = values["currencyCode"].str.upper()
    sent["debtor.type"] = rules.by_value(values["debtor.type"], debtor_type)
    country = values["debtor.countryAlpha2"].fillna(values["debtor.country"])
    sent["debtor.countryAlpha2"] = rules.by_value(country, find_country)
    del sent["debtor.country"]
    american = sent["debtor.countryAlpha2"] == "US"
    state, region = values["debtor.stateAlpha2"], values["debtor.state"]
    sent["debtor.stateAlpha2"] = rules.by_value(state.fillna(region), find_state).where(american, state)
    sent["debtor.state"] = region.mask(american)
    return {name: _write(name, column) for name, column in sent.items() if column.notna().any()}


def _write(name: str, column: pd.Series) -> list[object]:
    array = pyarrow.array(column, from_pandas=True)
    if FIELDS[name].kind == "date":
        array = array.cast(pyarrow.string())
    cells: list[object] = array.to_pylist()
    if name in AMOUNTS:
        return [_plain(cell) if isinstance(cell, Decimal) else None for cell in cells]
    return cells


def _plain(amount: Decimal) -> Decimal:
    """Drop trailing zeros beyond two decimals, and nothing else.

    >>> from decimal import Decimal
    >>> _plain(Decimal("85062.420000")), _plain(Decimal("5.000")), _plain(Decimal("0.1250"))
    (Decimal('85062.42'), Decimal('5.00'), Decimal('0.125'))
    """
    whole, _, fraction = f"{amount:f}".partition(".")
    return Decimal(f"{whole}.{fraction.rstrip('0'):0<2}")
