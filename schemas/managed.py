"""`managed`: one case for each row in the name of a client, `POST /managed-cases` of the Collection Partner API.

The API makes a new creditor on every call, so that a reference keeps nobody from making a second case.

Source: https://docs.debitura.com/api/collection-partner-api/create-case-as-managing-partner
"""

from __future__ import annotations

from dataclasses import replace
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Final

import pandas as pd
import pandera.pandas as pa

from schemas import Context, Reading, claim, judging, rules
from schemas.claim import Claim
from schemas.codes import codes_of
from schemas.creditors import name_creditor
from schemas.fields import AGENT_FIELDS, CREDITOR_FIELDS
from schemas.geography import find_country

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from schemas import Field

NAME: Final = "managed"
API: Final = "partner"
COMMAND: Final = "submit"
ENDPOINT: Final = "/managed-cases"
PRODUCTION_URL: Final = "https://collectionpartner-api.debitura.com"
REFERENCE: Final = "creditorReference"
GUARDED: Final = False
LOOKUP: Final = ""  # by Debitura's own reference alone
READING: Final = Reading(by_id="/managed-cases", by_reference="/managed-cases/case-reference")
PREVIEW: Final = ""
_NOT_TAKEN: Final = (
    "amountToRecoverOver6Months",
    "amountToRecoverOver12Months",
    "amountToRecoverOver24Months",
    "creditorDivisionId",
    "skipDebituraVerification",
    "assignedUserEmail",
    "returnUrl",
)
_MAY_BE_BLANK: Final = ("debtor.address", "debtor.city")
FIELDS: Final[Mapping[str, Field]] = dict(CREDITOR_FIELDS) | {
    name: replace(field, needed=field.needed and name not in _MAY_BE_BLANK)
    for name, field in AGENT_FIELDS.items()
    if name not in _NOT_TAKEN
}
EITHER: Final = (("creditorCountryAlpha2", "creditorCountry"), ("debtor.countryAlpha2", "debtor.country"))
STAND_INS: Final = {**claim.STAND_INS, "creditorCountryAlpha2": "creditorCountry"}
UNSUPPORTED: Final[Mapping[str, str]] = {"allowPendingContracts": "allowPendingContracts"} | {
    heading: name for name in _NOT_TAKEN for heading in (name, *AGENT_FIELDS[name].aliases)
}
CODES: Final = codes_of(NAME)


class Schema(Claim):
    """A judged frame: the fields of `FIELDS`, then a bool column for each rule that `judged` derives."""

    creditor: pd.ArrowDtype = claim.text("creditorCompanyName")
    creditor_country_alpha2: pd.ArrowDtype = claim.text("creditorCountryAlpha2")
    creditor_country: pd.ArrowDtype = claim.text("creditorCountry")

    creditor_missing: bool = claim.rule("creditor-missing", "creditorCompanyName")
    creditor_country_missing: bool = claim.rule("creditor-missing", "creditorCountryAlpha2")
    creditor_country_unknown: bool = claim.rule("country-unknown", "creditorCountry")
    creditor_country_mismatch: bool = claim.rule("country-mismatch", "creditorCountry")
    contact_missing: bool = claim.rule("contact-missing", "debtor.contactPerson")

    @pa.check("creditorCompanyName", error="text-too-long")
    def _creditor_length(cls, column: pd.Series) -> pd.Series:  # noqa: N805 - as pandera calls it
        return rules.no_longer_than(column, judging.LONGEST_TEXTS["creditorCompanyName"])

    @pa.check("creditorCountryAlpha2", error="country-unknown")
    def _creditor_country_code(cls, column: pd.Series) -> pd.Series:  # noqa: N805
        return rules.holds(column, lambda text: find_country(text) is not None)


def judged(values: pd.DataFrame, unreadable: pd.DataFrame, context: Context) -> pd.DataFrame:
    """Add a bool column for each rule over several columns, or over more than the row; see `Schema`."""
    hidden = {str(name): unreadable[name] for name in unreadable}
    never = pd.Series(data=False, index=values.index)
    company = rules.by_value(values["debtor.type"], claim.debtor_type) == "Company"
    unread = reduce(or_, (hidden.get(name, never) for name in CREDITOR_FIELDS))
    country_given, places = judging.judge_country(values, hidden, never, "creditorCountryAlpha2", "creditorCountry")
    derived = {
        **claim.judge(values, hidden, never, context),
        **judging.judge_references(
            values["creditorReference"], hidden.get("creditorReference", never), _identities(values).mask(unread)
        ),
        "creditor-missing@creditorCompanyName": values["creditorCompanyName"].notna()
        | hidden.get("creditorCompanyName", never),
        "creditor-missing@creditorCountryAlpha2": country_given,
        **places,
        "contact-missing@debtor.contactPerson": ~company.fillna(value=False).astype(bool)
        | values["debtor.contactPerson"].notna()
        | hidden.get("debtor.contactPerson", never),
    }
    return pd.concat([values, pd.DataFrame(derived, copy=False).astype(bool)], axis=1)


def details(code: str, field: str, rows: pd.Series, texts: pd.DataFrame) -> list[str]:
    """Say for each of *rows* what its issue's sentence needs; another row's reference is one of the same creditor."""
    if code in {"reference-duplicate", "reference-lookalike"}:
        texts = pd.DataFrame({field: _identities(texts)})
    return judging.details(code, field, rows, texts)


def creditors(values: pd.DataFrame) -> Iterator[str]:
    """Name the creditor of each row by company and country."""
    return iter(_creditors(values).fillna("").tolist())


def payload(
    values: pd.DataFrame,
    *,
    test: bool,
    allow_pending_contracts: bool,  # noqa: ARG001 - contracts are bypassed here: there is nothing to allow
) -> Iterator[dict[str, object]]:
    """Yield the request of each row, in order: codes for countries and states, no blank fields, exact amounts."""
    columns = claim.normalise(values, FIELDS)
    columns["debtor.type"] = columns["debtor.type"].replace("Private", "Person")
    columns["creditorCountryAlpha2"] = _country(values)
    del columns["creditorCountry"]
    return claim.write(columns, FIELDS, {"isTest": True} if test else {})


def _country(values: pd.DataFrame) -> pd.Series:
    return rules.by_value(values["creditorCountryAlpha2"].fillna(values["creditorCountry"]), find_country)


def _creditors(values: pd.DataFrame) -> pd.Series:
    """Name the creditor of each row; null where its company or its country is not known."""
    both = values["creditorCompanyName"] + "\0" + _country(values)
    return rules.by_value(both, lambda text: name_creditor(*text.rsplit("\0", 1)))


def _identities(values: pd.DataFrame) -> pd.Series:
    """Write creditor and reference as one text, null where either is: what must not come twice."""
    return _creditors(values) + "\0" + values["creditorReference"]
