"""Answers `POST /cases/preview`: what would become of a case, without making one."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from importer.sandbox.accounts import NO_IDENTITY, NO_PARTNER, find_obstacles
from importer.sandbox.answers import Answer, answer, refuse_fields
from importer.sandbox.lifecycle import PARTNER
from importer.sandbox.lists import countries, fold, states
from importer.sandbox.rules import BUCKETS, judge, read_number, read_text

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from importer.sandbox.accounts import Caller

BASE_FEE = Decimal("9.5")  # percent; an invented one


def preview(body: dict[str, object], caller: Caller, today: date, signing_url: str) -> Answer:
    """Answer a preview of *body*; stricter than `POST /cases` where codes are concerned."""
    if faults := _judge_preview(body, today):
        return refuse_fields(faults)
    sent = body["debtor"]
    debtor = sent if isinstance(sent, dict) else {}
    country, state = fold(read_text(debtor.get("countryAlpha2"))), fold(read_text(debtor.get("stateAlpha2")))
    obstacles = find_obstacles(caller, country)
    errors = obstacles.left(allow_pending=False)
    partner = country != NO_PARTNER
    place = countries()[country] + (f" - {states()[state]}" if country == "US" else "")
    return answer(
        {
            "result": {
                "isEligible": partner,
                "ineligibilityReason": None if partner else errors[0].message,
                "partnerAssignment": _describe_partner() if partner else None,
                "requiredActions": [error.to_json() | {"isBlocking": True} for error in errors] if partner else [],
                "jurisdiction": {
                    "id": sorted(countries()).index(country) + 1,
                    "name": place,
                    "countryAlpha2": country,
                    "stateAlpha2": state or None,
                },
                "pricingPreview": _describe_price(fold(read_text(body.get("currencyCode")))) if partner else None,
                "requiresKycVerification": country == NO_IDENTITY,
                "hasKycOnFile": False,
                "signingHandoff": {"combinedSigningUrl": signing_url} if obstacles.unsigned else None,
            }
        }
    )


def _judge_preview(body: dict[str, object], today: date) -> dict[str, list[str]]:
    """Judge what a preview looks at, by the rules of a case; it looks at no names, addresses or references."""
    sent = body.get("debtor")
    debtor = {"name": "-", "address": "-", "city": "-"} | sent if isinstance(sent, dict) else sent
    whole = {"date": body.get("dueDate") or today.isoformat()} | body | {"debtor": debtor, "creditorReference": None}
    found = judge(whole, today)
    if isinstance(sent, dict):
        for member in ("countryAlpha2", "stateAlpha2"):
            text = read_text(sent.get(member))
            if (member == "countryAlpha2" or text) and len(text) != 2:  # noqa: PLR2004 - the length of an alpha-2 code
                found.setdefault(f"debtor.{member}", []).append(f"The field {member} must have a length of 2.")
    if body.get("dueDate") and any(read_number(body.get(name)) is not None for name in BUCKETS):
        found.setdefault("dueDate", []).append("dueDate and age buckets are mutually exclusive")
    return found


def _describe_partner() -> Mapping[str, object]:
    return {
        "collectionPartnerId": "00000000-0000-4000-8000-000000000001",
        "partnerName": PARTNER["name"],
        "partnerCountry": "Denmark",
    }


def _describe_price(currency: str) -> Mapping[str, object]:
    return {
        "baseSuccessFeePercentage": BASE_FEE,
        "ageSurchargePercentage": Decimal(0),
        "totalSuccessFeePercentage": BASE_FEE,
        "currencyCode": currency,
        "pricingSource": "Standard agreement",
        "pricingSourceDescription": "An invented price of the sandbox, whatever the age of the claim",
    }
