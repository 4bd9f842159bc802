"""`referral`: cases of a referral partner's clients, `POST /cases` of the Customer API with a token for each client.

Source: https://docs.debitura.com/referral-partners/integration-guides/case-submission
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pandas as pd
import pandera.pandas as pa

from schemas import CLIENT, Field, claim, customer, judging, rules
from schemas.codes import codes_of
from schemas.customer import (
    COMMAND,
    EITHER,
    ENDPOINT,
    GUARDED,
    LOOKUP,
    PREVIEW,
    PRODUCTION_URL,
    READING,
    REFERENCE,
    STAND_INS,
    creditors,
    payload,
)
from schemas.fields import AGENT_FIELDS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from schemas import Context

__all__ = [
    "COMMAND",
    "EITHER",
    "ENDPOINT",
    "GUARDED",
    "LOOKUP",
    "PREVIEW",
    "PRODUCTION_URL",
    "READING",
    "REFERENCE",
    "STAND_INS",
    "creditors",
    "payload",
]  # as the protocol wants them here

NAME: Final = "referral"
API: Final = "referral"
UNSUPPORTED: Final[Mapping[str, str]] = {name: name for name in customer.UNSUPPORTED if name != CLIENT}
CODES: Final = codes_of(NAME)
FIELDS: Final[Mapping[str, Field]] = {
    CLIENT: Field(
        CLIENT,
        aliases=(
            "Client",
            "Client id",
            "Client no",
            "Client number",
            "Client reference",
            "Tenant",
            "Tenant id",
            "External tenant",
            "External client id",
        ),
        needed=True,
    ),
    **AGENT_FIELDS,
}


class Schema(customer.Schema):
    """A judged frame: the client, the fields of `customer`, then a bool column for each rule that `judged` derives."""

    client: pd.ArrowDtype = claim.text(CLIENT)
    required_client: bool = claim.rule("required", CLIENT)

    @pa.check(CLIENT, error="text-too-long")
    def _client_length(cls, column: pd.Series) -> pd.Series:  # noqa: N805 - as pandera calls it
        return rules.no_longer_than(column, judging.LONGEST_TEXTS[CLIENT])


def judged(values: pd.DataFrame, unreadable: pd.DataFrame, context: Context) -> pd.DataFrame:
    """Add the rules of `customer`, a client for each row, and references that are unique for each client."""
    found = customer.judged(values, unreadable, context)
    never = pd.Series(data=False, index=values.index)
    found[f"required@{CLIENT}"] = (values[CLIENT].notna() | unreadable.get(CLIENT, never)).astype(bool)
    hidden = unreadable.get(REFERENCE, never)
    return found.assign(**judging.judge_references(values[REFERENCE], hidden, _identities(values)))


def details(code: str, field: str, rows: pd.Series, texts: pd.DataFrame) -> list[str]:
    """Say what an issue's sentence needs; other rows with a reference are those of the same client."""
    if code in {"reference-duplicate", "reference-lookalike"}:
        texts = pd.DataFrame({field: _identities(texts)})
    return judging.details(code, field, rows, texts)


def _identities(values: pd.DataFrame) -> pd.Series:
    """Write client and reference as one text, null where either is: what must not come twice."""
    return pd.Series(values[CLIENT].str.strip() + "\0" + values[REFERENCE].str.strip())
