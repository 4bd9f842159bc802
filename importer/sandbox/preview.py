"""Answers `POST /cases/preview`: what would become of a case, without making one.

Sources: https://docs.debitura.com/openapi/customer-api.json (`PreviewResultDto`) and, for partners,
https://docs.debitura.com/referral-partners/integration-guides/preview-case-pricing
"""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from importer.sandbox.accounts import NO_IDENTITY, NO_PARTNER, find_obstacles
from importer.sandbox.answers import Answer, answer, refuse_fields
from importer.sandbox.lifecycle import PARTNER
from importer.sandbox.lines import add_up, judge
from importer.sandbox.lists import countries, fold, states
from importer.sandbox.rules import BUCKETS, read_day, read_number, read_text

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from importer.sandbox.accounts import Caller

BASE_FEE: Final = Decimal("9.5")  # percent; an invented one
OVER_12: Final = Decimal(8)  # percentage points
OVER_24: Final = Decimal(15)
YEAR: Final = timedelta(days=365)


def preview(body: dict[str, object], caller: Caller, today: date, signing_url: str) -> Answer:
    """Answer a preview of *body*; stricter than `POST /cases` where codes are concerned."""
    if faults := _judge_preview(body, today):
        return refuse_fields(faults)
    country = _country(body)
    obstacles = find_obstacles(caller, country)
    errors = obstacles.left(allow_pending=False)
    partner = country != NO_PARTNER
    checked = country == NO_IDENTITY and caller.bearer  # others than clients are never asked for it
    return answer(
        {
            "result": {
                **_tell_price(body, today, None if partner else errors[0].message),
                "partnerAssignment": _describe_partner() if partner else None,
                "requiredActions": [error.to_json() | {"isBlocking": True} for error in errors] if partner else [],
                "requiresKycVerification": checked,
                "hasKycOnFile": checked and not any(error.type == "MissingKycVerification" for error in errors),
                "signingHandoff": {"combinedSigningUrl": signing_url} if obstacles.unsigned else None,
            }
        }
    )


def preview_price(body: dict[str, object], today: date) -> Answer:
    """Answer a partner's preview, which is of no client and so knows no contracts."""
    if faults := _judge_preview(body, today):
        return refuse_fields(faults)
    partnerless = "We don't have an exclusive pre-legal partner in the provided jurisdiction."
    return answer(_tell_price(body, today, partnerless if _country(body) == NO_PARTNER else None))


def _judge_preview(body: dict[str, object], today: date) -> dict[str, list[str]]:
    """Judge what a preview looks at, by the rules of a case; it looks at no names, addresses or references."""
    sent = body.get("debtor")
    debtor = {"name": "-", "address": "-", "city": "-"} | sent if isinstance(sent, dict) else sent
    lines = body.get("claimLines")
    day = body.get("dueDate") or ("2000-01-01" if lines else today.isoformat())
    found = judge({"date": day} | body | {"debtor": debtor, "creditorReference": None}, today)
    if isinstance(sent, dict):
        for member in ("countryAlpha2", "stateAlpha2"):
            text = read_text(sent.get(member))
            if (member == "countryAlpha2" or text) and len(text) != 2:  # noqa: PLR2004 - the length of an alpha-2 code
                found.setdefault(f"debtor.{member}", []).append(f"The field {member} must have a length of 2.")
    if body.get("dueDate") and (lines or any(read_number(body.get(name)) is not None for name in BUCKETS)):
        found.setdefault("dueDate", []).append("dueDate, age buckets and claimLines are mutually exclusive")
    return found


def _country(body: Mapping[str, object]) -> str:
    return fold(_debtor(body, "countryAlpha2"))


def _debtor(body: Mapping[str, object], member: str) -> str:
    debtor = body["debtor"]
    return read_text(debtor.get(member)) if isinstance(debtor, dict) else ""


def _tell_price(body: Mapping[str, object], today: date, reason: str | None) -> dict[str, object]:
    country, state = _country(body), fold(_debtor(body, "stateAlpha2"))
    return {
        "isEligible": reason is None,
        "ineligibilityReason": reason,
        "jurisdiction": {
            "id": sorted(countries()).index(country) + 1,
            "name": countries()[country] + (f" - {states()[state]}" if country == "US" else ""),
            "countryAlpha2": country,
            "stateAlpha2": state or None,
        },
        "pricingPreview": None if reason else _describe_price(body, today),
    }


def _describe_partner() -> Mapping[str, object]:
    return {
        "collectionPartnerId": "00000000-0000-4000-8000-000000000001",
        "partnerName": PARTNER["name"],
        "partnerCountry": "Denmark",
    }


def _describe_price(body: Mapping[str, object], today: date) -> Mapping[str, object]:
    surcharge = _add_for_age(add_up(body, today) if body.get("claimLines") else body, today)
    return {
        "baseSuccessFeePercentage": BASE_FEE,
        "ageSurchargePercentage": surcharge,
        "totalSuccessFeePercentage": BASE_FEE + surcharge,
        "currencyCode": fold(read_text(body.get("currencyCode"))),
        "pricingSource": "Standard agreement",
        "pricingSourceDescription": f"{BASE_FEE}% success fee — an invented price of the sandbox",
    }


def _add_for_age(body: Mapping[str, object], today: date) -> Decimal:
    """Add 8 points for what is older than a year and 15 for what is older than two; of amounts by age a blend."""
    _, over_12, over_24 = (read_number(body.get(name)) for name in BUCKETS)
    total = read_number(body.get("amountToRecover"))
    if over_12 is not None and over_24 is not None and total:
        return round(((over_12 - over_24) * OVER_12 + over_24 * OVER_24) / total, 2)
    due = read_day(body.get("dueDate"))
    age = today - due if due else timedelta(0)
    return OVER_24 if age > 2 * YEAR else OVER_12 if age > YEAR else Decimal(0)
