"""`customer`: one case for each row, `POST /cases` of Debitura's Customer API.

Source: https://docs.debitura.com/clients/integration-guides/create-a-case
"""

from __future__ import annotations

from itertools import repeat
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import pandas as pd
import pandera.pandas as pa

from schemas import CLIENT, Context, Reading, claim, rules
from schemas.claim import STAND_INS, Claim
from schemas.codes import codes_of
from schemas.fields import FIELDS
from schemas.judging import LONGEST_TEXTS, details, judge_buckets, judge_references

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["FIELDS", "STAND_INS", "details"]  # as the protocol wants them here

NAME: Final = "customer"
API: Final = "customer"
COMMAND: Final = "submit"
ENDPOINT: Final = "/cases"
PRODUCTION_URL: Final = "https://customer-api.debitura.com"
REFERENCE: Final = "creditorReference"
GUARDED: Final = True
LOOKUP: Final = "/cases/by-creditor-reference"
READING: Final = Reading(by_id="/cases", by_reference="/cases/case-reference", by_ids="/cases")
PREVIEW: Final = "/cases/preview"
BUCKETS: Final = ("amountToRecoverOver6Months", "amountToRecoverOver12Months", "amountToRecoverOver24Months")
EITHER: Final = (("debtor.countryAlpha2", "debtor.country"),)
UNSUPPORTED: Final[Mapping[str, str]] = {
    name: name for name in ("creditorCompanyName", "creditorCountryAlpha2", "creditorCountry", CLIENT)
}
CODES: Final = codes_of(NAME)


class Schema(Claim):
    """A judged frame: the fields of `FIELDS`, then a bool column for each rule that `judged` derives."""

    over_6: pd.ArrowDtype = claim.amount("amountToRecoverOver6Months")
    over_12: pd.ArrowDtype = claim.amount("amountToRecoverOver12Months")
    over_24: pd.ArrowDtype = claim.amount("amountToRecoverOver24Months")
    division: pd.ArrowDtype = claim.text("creditorDivisionId")
    skip_verification: pd.ArrowDtype = claim.flag("skipDebituraVerification")
    assigned_user: pd.ArrowDtype = claim.text("assignedUserEmail")
    return_url: pd.ArrowDtype = claim.text("returnUrl")

    precise_6: bool = claim.rule("amount-too-precise", "amountToRecoverOver6Months")
    precise_12: bool = claim.rule("amount-too-precise", "amountToRecoverOver12Months")
    precise_24: bool = claim.rule("amount-too-precise", "amountToRecoverOver24Months")
    incomplete_12: bool = claim.rule("age-buckets-incomplete", "amountToRecoverOver12Months")
    incomplete_24: bool = claim.rule("age-buckets-incomplete", "amountToRecoverOver24Months")
    order_6: bool = claim.rule("age-buckets-order", "amountToRecoverOver6Months")
    order_12: bool = claim.rule("age-buckets-order", "amountToRecoverOver12Months")
    order_24: bool = claim.rule("age-buckets-order", "amountToRecoverOver24Months")

    @pa.check("assignedUserEmail", error="text-too-long")
    def _assignee_length(cls, column: pd.Series) -> pd.Series:  # noqa: N805 - as pandera calls it
        return rules.no_longer_than(column, LONGEST_TEXTS["assignedUserEmail"])

    @pa.check("assignedUserEmail", error="email-malformed")
    def _assignee(cls, column: pd.Series) -> pd.Series:  # noqa: N805
        return rules.looks_like_email(column)

    @pa.check("returnUrl", error="url-ignored")
    def _url(cls, column: pd.Series) -> pd.Series:  # noqa: N805
        return rules.holds(column, is_taken_url)

    @pa.check(*BUCKETS, error="age-bucket-negative")
    def _not_negative(cls, column: pd.Series) -> pd.Series:  # noqa: N805
        return rules.at_least(column, 0)


def judged(values: pd.DataFrame, unreadable: pd.DataFrame, context: Context) -> pd.DataFrame:
    """Add a bool column for each rule over several columns, or over more than the row; see `Schema`."""
    references = values["creditorReference"]
    hidden = {str(name): unreadable[name] for name in unreadable}
    never = pd.Series(data=False, index=values.index)
    derived = {
        **claim.judge(values, hidden, never, context),
        **judge_references(references, hidden.get("creditorReference", never), references),
        **{f"amount-too-precise@{name}": rules.fits_currency(values[name], values["currencyCode"]) for name in BUCKETS},
        **judge_buckets(values, ("amountToRecover", *BUCKETS), hidden, never),
    }
    return pd.concat([values, pd.DataFrame(derived, copy=False).astype(bool)], axis=1)


def is_taken_url(text: str) -> bool:
    """Tell whether the API keeps *text* as the link to return by: absolute, of http or https, not too long."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.netloc) and len(text) <= LONGEST_TEXTS["returnUrl"]


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
    return claim.write(claim.normalise(values, FIELDS), FIELDS, common)
