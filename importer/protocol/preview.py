"""Previews of cases: what is asked of a request that would be sent, and what the answer means.

Sources: https://docs.debitura.com/openapi/customer-api.json (`PreviewCaseRequestApiViewModel`, `PreviewResultDto`);
https://docs.debitura.com/referral-partners/integration-guides/preview-case-pricing, without `result` around it
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from importer.model import Forecast, Needed
from importer.protocol import Answer, Denied, Throttled, Unanswered, read_any
from importer.protocol.envelopes import amount_of, faults_of, link_of, parse, signing_link

if TYPE_CHECKING:
    from collections.abc import Mapping

    from importer.protocol import Reply

ForecastMeaning = Forecast | str | Throttled | Denied | Unanswered

LONGEST: Final = 300  # characters of a sentence that others wrote

_BUCKETS: Final = ("amountToRecoverOver6Months", "amountToRecoverOver12Months", "amountToRecoverOver24Months")
_to_json: Final = msgspec.json.Encoder(decimal_format="number").encode


def ask_preview(request: Mapping[str, Any]) -> tuple[bytes, str]:
    """Write what to ask about *request*, the body of a case; returns the question, and what it says of the case's age.

    The API takes the age in one way: claim lines, amounts by age, or a due date.
    """
    debtor = request["debtor"]
    american = debtor["countryAlpha2"] == "US"
    named = ("type", "countryAlpha2", *(["stateAlpha2"] if american else []))
    asked: dict[str, object] = {
        "currencyCode": request["currencyCode"],
        "debtor": {name: debtor[name] for name in named if name in debtor},
    }
    if "claimLines" in request:
        return _to_json({**asked, "claimLines": request["claimLines"]}), f"{len(request['claimLines'])} claim lines"
    asked["amountToRecover"] = request["amountToRecover"]
    if aged := {name: request[name] for name in _BUCKETS if name in request}:
        return _to_json({**asked, **aged}), "amounts by age"
    if due := request.get("dueDate"):
        return _to_json({**asked, "dueDate": due}), f"due {due}"
    return _to_json(asked), ""


def read_preview(reply: Reply) -> ForecastMeaning:
    """Tell what a reply to a preview means: a forecast, or why the API makes none of this request."""
    match read_any(reply):
        case Answer(200, _, body):
            return _forecast(parse(body))
        case Answer(status, _, body) if status in {400, 422}:
            said = "; ".join(fault.message for fault in faults_of(parse(body))) or "it gives no reason"
            return _short(f"The API makes no preview of it ({status}): {said}")
        case Answer(status):
            return Unanswered(f"a preview was answered {status}")
        case other:
            return other


def _forecast(document: object) -> Forecast | Unanswered:
    result: Any = document.get("result", document) if isinstance(document, dict) else None
    if not isinstance(result, dict) or not isinstance(result.get("isEligible"), bool):
        return Unanswered("a preview could not be read")
    place, partner = _members(result, "jurisdiction"), _members(result, "partnerAssignment")
    price = _members(result, "pricingPreview")
    actions = result.get("requiredActions")
    return Forecast(
        eligible=result["isEligible"],
        reason=_text(result, "ineligibilityReason"),
        place=_text(place, "name"),
        partner=_text(partner, "partnerName"),
        needed=tuple(
            Needed(_text(action, "type"), _text(action, "message"), link_of(action.get("solutionUrl")))
            for action in (actions if isinstance(actions, list) else [])
            if isinstance(action, dict) and action.get("isBlocking") is not False
        ),
        link=signing_link(result),
        base=amount_of(price.get("baseSuccessFeePercentage")),
        surcharge=amount_of(price.get("ageSurchargePercentage")),
        total=amount_of(price.get("totalSuccessFeePercentage")),
        basis=_text(price, "pricingSourceDescription") or _text(price, "pricingSource"),
    )


def _members(document: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = document.get(name)
    return found if isinstance(found, dict) else {}


def _text(document: Mapping[str, Any], name: str) -> str:
    return _short(str(document.get(name) or ""))


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
