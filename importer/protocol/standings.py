"""Answers that tell where cases stand → values.

Source: https://docs.debitura.com/openapi/customer-api.json (`InvoiceDto`, `InvoiceListDto`)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from importer.model import Figures, Standing, lifecycle_named
from importer.protocol import Absent, Answer, Denied, Throttled, Unanswered, read_any, read_lookup
from importer.protocol.envelopes import amount_of, case_of, number, parse, signing_link

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from decimal import Decimal

    from importer.protocol import Reply

_PARTS: Final = ("principal", "interest", "reminderFees", "collectionFees")


@dataclass(frozen=True, slots=True)
class Stand:
    """Where cases stand, by their ids in small letters; one that was asked about and is not here, is not there."""

    standings: Mapping[str, Standing]


StandMeaning = Stand | Throttled | Denied | Unanswered


def read_standings(reply: Reply, asked: Collection[str]) -> StandMeaning:
    """Tell what a reply to a list of the cases with the ids *asked* (in small letters) means.

    One that is not whole, or has other cases, is no answer: what it leaves out would be taken for absent.
    """
    match read_any(reply):
        case Answer(200, _, body):
            return _read_page(parse(body), asked)
        case Answer(status):
            return Unanswered(f"a list of cases was answered {status}")
        case other:
            return other


def read_standing(reply: Reply) -> StandMeaning:
    """Tell what a reply to a look-up of one case means."""
    match read_lookup(reply):
        case Absent():
            return Stand({})
        case Throttled() | Denied() | Unanswered() as other:
            return other
        case found:
            document: Any = parse(reply.body) if isinstance(reply, Answer) else None
            return Stand({found.case.id.lower(): standing_of(document)})


def _read_page(document: object, asked: Collection[str]) -> Stand | Unanswered:
    cases = document.get("cases") if isinstance(document, dict) else None
    if not isinstance(document, dict) or not isinstance(cases, list) or any(case_of(one) is None for one in cases):
        return Unanswered("a list of cases could not be read")
    standings = {one["id"].lower(): standing_of(one) for one in cases}
    if not standings.keys() <= set(asked):
        return Unanswered("a list of some cases by their ids has others")
    page = document.get("page") or document.get("pageData")
    if not isinstance(page, dict) or number(page, "totalResults") != len(standings):
        return Unanswered("a list of cases is not whole")
    return Stand(standings)


def standing_of(case: Mapping[str, Any]) -> Standing:
    """Read where *case*, a document of the API, stands."""
    partner, validation = case.get("collectionPartner"), case.get("validation")
    return Standing(
        lifecycle=lifecycle_named(str(case.get("lifecycle") or "")),
        close_code=str(case.get("closeCode") or ""),
        partner=str(partner.get("name") or "") if isinstance(partner, dict) else "",
        figures=_figures(case),
        needs_info=isinstance(validation, dict) and validation.get("needsInfo") is True,
        link=signing_link(case),
    )


def _figures(case: Mapping[str, Any]) -> Figures:
    gross, added = amount_of(case.get("grossAmount")), amount_of(case.get("totalAddedFees"))
    outstanding = amount_of(case.get("remainder"))
    return Figures(
        gross=gross,
        interest=amount_of(case.get("interestFees")),
        reminder=amount_of(case.get("reminderFees")),
        collection=amount_of(case.get("collectionFees")),
        added=added,
        paid=_reckon_paid(gross, added, outstanding, case.get("allocationOutstanding")),
        outstanding=outstanding,
    )


def _reckon_paid(
    gross: Decimal | None, added: Decimal | None, outstanding: Decimal | None, allocation: object
) -> Decimal | None:
    """Reckon what was paid, which a case does not tell; None where that takes a guess.

    The documents do not say whether what is outstanding has in it what was added. Its parts say so, where they agree
    with it; where nothing was added it makes no difference.
    """
    if gross is None or added is None or outstanding is None:
        return None
    if isinstance(allocation, dict):
        parts = [amount_of(allocation.get(name)) for name in _PARTS]
        known = [part for part in parts if part is not None]
        if len(known) == len(_PARTS) and outstanding in (total := sum(known[1:], known[0]), known[0]):
            return gross + added - total
    return gross - outstanding if not added else None
