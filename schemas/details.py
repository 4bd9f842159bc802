"""`details`: one look-up for each case id, `GET /api/v1/partner/invoice/case` of Confirma's integrations API.

Source: https://developer-partnerapi.confirmafinance.com/retrieve-case-details-4344614e0
"""

from __future__ import annotations

from itertools import repeat
from typing import TYPE_CHECKING, Any, Final

import pandas as pd
import pandera.pandas as pa
import pyarrow  # noqa: ICN001 - pa is pandera here

from schemas import Context, Field
from schemas.codes import codes_of
from schemas.headings import with_headings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

NAME: Final = "details"
API: Final = "confirma"
COMMAND: Final = "details"
ENDPOINT: Final = "/api/v1/partner/invoice/case"
PRODUCTION_URL: Final = "https://integrations.confirmafinance.com"
REFERENCE: Final = "caseId"
READING: Final = None  # it makes no cases
PREVIEW: Final = ""
GUARDED: Final = False
LOOKUP: Final = ""
FIELDS: Final[Mapping[str, Field]] = with_headings(
    [
        Field(
            "caseId",
            aliases=("Case", "Case no", "Case nr", "Case number", "Case identifier", "Case ref", "Case reference"),
            needed=True,
        )
    ]
)
EITHER: Final = ()
STAND_INS: Final[Mapping[str, str]] = {}
UNSUPPORTED: Final[Mapping[str, str]] = {}
CODES: Final = codes_of(NAME)

_WHOLE: Final = r"[0-9]{1,18}"
_NUMBER: Final = r"(?i)[+-]?[0-9]+([.,][0-9]*)?(E[+-]?[0-9]+)?"
_TOLD: Final = r"(?i)[+-]?[0-9]([.,][0-9]+)?E\+[0-9]{2,}"  # reading the cell has told of it already


def _rule(code: str) -> Any:
    return pa.Field(alias=f"{code}@{REFERENCE}", eq=True)


class Schema(pa.DataFrameModel):
    """A judged frame: the id, then a bool column for each rule."""

    case_id: pd.ArrowDtype = pa.Field(alias=REFERENCE, nullable=True, dtype_kwargs={"pyarrow_dtype": pyarrow.string()})
    required: bool = _rule("required")
    damaged: bool = _rule("damaged-identifier")
    malformed: bool = _rule("case-id-malformed")

    class Config:
        """Checks only: nothing is coerced, nothing is dropped."""

        strict = True
        coerce = False


def judged(values: pd.DataFrame, unreadable: pd.DataFrame, context: Context) -> pd.DataFrame:  # noqa: ARG001
    """Add a bool column for each rule: an id is there, whole, and not what a spreadsheet program made of one."""
    ids = values[REFERENCE]
    hidden = unreadable[REFERENCE] if REFERENCE in unreadable else pd.Series(data=False, index=values.index)

    def matches(pattern: str) -> pd.Series:
        return ids.str.fullmatch(pattern).fillna(value=False).astype(bool)

    whole, number, told = matches(_WHOLE), matches(_NUMBER), matches(_TOLD)
    broken = number & ~whole & matches(r"(?i).*[.,E].*")
    derived = {
        "required": ids.notna() | hidden,
        "damaged-identifier": ~broken | told,
        "case-id-malformed": ids.isna() | whole | broken,
    }
    columns = pd.DataFrame({f"{code}@{REFERENCE}": column.astype(bool) for code, column in derived.items()})
    return pd.concat([values, columns], axis=1)


def details(code: str, field: str, rows: pd.Series, texts: pd.DataFrame) -> list[str]:  # noqa: ARG001 - the protocol's
    """Say nothing: no sentence of these rules needs more than the value."""
    return [""] * len(rows)


def creditors(values: pd.DataFrame) -> Iterator[str]:
    """Name nobody: a token is one client's."""
    return repeat("", len(values))


def payload(
    values: pd.DataFrame,
    *,
    test: bool,  # noqa: ARG001 - there are no test cases to ask for
    allow_pending_contracts: bool,  # noqa: ARG001 - nor contracts
) -> Iterator[dict[str, object]]:
    """Yield what is asked of each row, in order."""
    return ({REFERENCE: text} for text in values[REFERENCE])
