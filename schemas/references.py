"""`references`: a collection partner's own reference on each of its cases, stored on its own or as the case is started.

Sources: https://support.debitura.com/en/articles/14461769 (what a partner reference is, and its limits),
https://docs.debitura.com/collection-partners/integration-guides/start-a-case and
https://docs.debitura.com/openapi/collection-partner-api.json (starting a case).
"""

from __future__ import annotations

from itertools import repeat
from typing import TYPE_CHECKING, Any, Final

import pandas as pd
import pandera.pandas as pa
import pyarrow  # noqa: ICN001 - pa is pandera here

from schemas import Context, Field, rules
from schemas.codes import codes_of
from schemas.headings import with_headings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

NAME: Final = "references"
API: Final = "partner"
COMMAND: Final = "references"
ENDPOINT: Final = "/cases"
PRODUCTION_URL: Final = "https://collectionpartner-api.debitura.com"
REFERENCE: Final = "collectionPartnerReference"
GUARDED: Final = False
LOOKUP: Final = "/cases/by-partner-reference"
READING: Final = None  # it makes no cases
PREVIEW: Final = ""
LONGEST_REFERENCE: Final = 128  # characters
LONGEST_MESSAGE: Final = 5000  # characters
SHORTEST_MESSAGE: Final = 10  # characters; an older guide refuses shorter ones, the newest does not
FEES: Final = ("interestFees", "reminderFees", "collectionFees")
STARTING: Final = ("welcomeMessage", "userEmail", "userId", "assignedUserEmail", *FEES)

_FIELDS: Final = (
    Field("caseId", "uuid", ("Debitura case id", "Debitura id", "Case GUID")),
    Field("caseReference", aliases=("Debitura reference", "Debitura ref", "Case ref", "Reference")),
    Field(
        "collectionPartnerReference",
        aliases=("Partner reference", "Partner ref", "Our reference", "Our ref", "Internal reference", "Own reference"),
        needed=True,
    ),
    Field("welcomeMessage", aliases=("Welcome", "Message")),
    Field("userEmail", aliases=("User", "Sent by")),
    Field("userId", "uuid"),
    Field("assignedUserEmail", aliases=("Assigned user", "Handler", "Case handler")),
    Field("interestFees", "amount", ("Interest",)),
    Field("reminderFees", "amount"),
    Field("collectionFees", "amount"),
)
FIELDS: Final[Mapping[str, Field]] = with_headings(_FIELDS)
EITHER: Final = (("caseId", "caseReference"),)
STAND_INS: Final[Mapping[str, str]] = {"caseId": "caseReference", "userEmail": "userId"}
UNSUPPORTED: Final[Mapping[str, str]] = {}
CODES: Final = codes_of(NAME)


def _text(name: str) -> Any:
    return pa.Field(alias=name, nullable=True, dtype_kwargs={"pyarrow_dtype": pyarrow.string()})


def _amount(name: str) -> Any:
    return pa.Field(alias=name, nullable=True, dtype_kwargs={"pyarrow_dtype": pyarrow.decimal128(38, 18)})


def _rule(code: str, field: str) -> Any:
    return pa.Field(alias=f"{code}@{field}", eq=True)


class Schema(pa.DataFrameModel):
    """A judged frame: the fields of `FIELDS`, then a bool column for each rule that `judged` derives."""

    case_id: pd.ArrowDtype = _text("caseId")
    case_reference: pd.ArrowDtype = _text("caseReference")
    partner_reference: pd.ArrowDtype = _text("collectionPartnerReference")
    welcome_message: pd.ArrowDtype = _text("welcomeMessage")
    user_email: pd.ArrowDtype = _text("userEmail")
    user_id: pd.ArrowDtype = _text("userId")
    assigned_user: pd.ArrowDtype = _text("assignedUserEmail")
    interest: pd.ArrowDtype = _amount("interestFees")
    reminders: pd.ArrowDtype = _amount("reminderFees")
    collection: pd.ArrowDtype = _amount("collectionFees")

    case_missing: bool = _rule("case-missing", "caseId")
    case_twice: bool = _rule("case-twice", "collectionPartnerReference")
    required_message: bool = _rule("required", "welcomeMessage")
    required_user: bool = _rule("required", "userEmail")
    message_long: bool = _rule("text-too-long", "welcomeMessage")
    message_short: bool = _rule("message-short", "welcomeMessage")
    interest_negative: bool = _rule("fee-negative", "interestFees")
    reminders_negative: bool = _rule("fee-negative", "reminderFees")
    collection_negative: bool = _rule("fee-negative", "collectionFees")
    user_email_form: bool = _rule("email-malformed", "userEmail")
    assigned_email_form: bool = _rule("email-malformed", "assignedUserEmail")

    class Config:
        """Checks only: nothing is coerced, nothing is dropped."""

        strict = True
        coerce = False

    @pa.check("collectionPartnerReference", error="reference-too-long")
    def _reference_length(cls, column: pd.Series) -> pd.Series:  # noqa: N805 - as pandera calls it
        return rules.no_longer_than(column, LONGEST_REFERENCE)


def judged(values: pd.DataFrame, unreadable: pd.DataFrame, context: Context) -> pd.DataFrame:
    """Add a bool column for each rule over several columns; those about starting hold where nothing is started."""
    hidden = {str(name): unreadable[name] for name in unreadable}
    never = pd.Series(data=False, index=values.index)
    named = values["caseId"].notna() | values["caseReference"].notna()
    unread = hidden.get("caseId", never) | hidden.get("caseReference", never)
    wanted = values[REFERENCE]
    idle = ~(wanted.notna() & context.activate)  # a blank starts nothing
    user = values["userEmail"].notna() | values["userId"].notna() | hidden.get("userId", never)
    message = values["welcomeMessage"]
    derived = {
        "case-missing@caseId": named | unread,
        "case-twice@collectionPartnerReference": ~_contradict(values, context),
        "required@welcomeMessage": idle | message.notna() | hidden.get("welcomeMessage", never),
        "required@userEmail": idle | user | hidden.get("userEmail", never),
        "text-too-long@welcomeMessage": idle | rules.no_longer_than(message, LONGEST_MESSAGE),
        "message-short@welcomeMessage": idle | rules.passed(message.str.len() >= SHORTEST_MESSAGE),
    }
    derived |= {f"fee-negative@{name}": idle | rules.at_least(values[name], 0) for name in FEES}
    for name in ("userEmail", "assignedUserEmail"):
        derived[f"email-malformed@{name}"] = idle | rules.looks_like_email(values[name])
    return pd.concat([values, pd.DataFrame(derived, copy=False).astype(bool)], axis=1)


def _contradict(values: pd.DataFrame, context: Context) -> pd.Series:
    """Tell which rows name a case that another row wants another reference for."""
    wanted = values[REFERENCE].fillna("") if context.clear_blank else values[REFERENCE]
    told = pd.Series(data=False, index=values.index)
    for name in EITHER[0]:
        asked = pd.DataFrame({"case": values[name], "wanted": wanted}).dropna()
        counts = asked.groupby("case")["wanted"].nunique()
        told |= values[name].isin(counts[counts > 1].index) & wanted.notna()
    return told.astype(bool)


def details(code: str, field: str, rows: pd.Series, texts: pd.DataFrame) -> list[str]:
    """Say for each of *rows* what its issue's sentence needs besides the value: the other rows of its case."""
    if code == "case-twice":
        named = texts["caseId"].str.lower().fillna(texts["caseReference"])
        return rules.other_rows(named, pd.Index(rows))
    return [str(LONGEST_MESSAGE) if field == "welcomeMessage" else ""] * len(rows)


def creditors(values: pd.DataFrame) -> Iterator[str]:
    """Name nobody: cases are told by their ids."""
    return repeat("", len(values))


def payload(
    values: pd.DataFrame,
    *,
    test: bool,  # noqa: ARG001 - a case is what it is
    allow_pending_contracts: bool,  # noqa: ARG001 - its contracts are signed
) -> Iterator[dict[str, object]]:
    """Yield the request that starts the case of each row, in order; blank fields are left out, amounts are exact."""
    names = (REFERENCE, *STARTING)
    columns = [pyarrow.array(values[name], from_pandas=True).to_pylist() for name in names]
    for cells in zip(*columns, strict=True):
        told = zip(names, cells, strict=True)
        yield {name: rules.plain(cell) if name in FEES else cell for name, cell in told if cell is not None}
