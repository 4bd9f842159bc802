"""The documents that the API answers with: a case, an account, the state of its agreement.

Source: https://docs.debitura.com/openapi/customer-api.json
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final

from importer.sandbox.accounts import PORTAL, UNSIGNED
from importer.sandbox.lifecycle import PARTNER, PENDING
from importer.sandbox.lists import countries, find_country, fold
from importer.sandbox.rules import BUCKETS, DEBTOR_MEMBERS, read_day, read_number, read_text

if TYPE_CHECKING:
    from collections.abc import Mapping

ASKED: Final = "IS"  # debtors' country whose cases wait for their partner to accept them
NOTHING: Final = Decimal(0)


def describe_account(account: str, account_id: str) -> dict[str, object]:
    """Return the profile of the creditor, as `GET /me` tells it."""
    return {
        "id": account_id,
        "companyName": f"Invented Creditor ({account})",
        "companyRegistrationNumber": "00000000",
        "address": "1 Example Street",
        "zipCode": "0000",
        "city": "Exampletown",
        "state": None,
        "country": "Denmark",
        "officeEmail": "office@creditor.example",
        "officePhone": "+45 00 00 00 01",
    }


def describe_agreement(account: str) -> dict[str, object]:
    """Return the state of the account's collection agreement."""
    signed = account != UNSIGNED
    return {
        "signed": signed,
        "requiresResigning": False,
        "invalidationReason": "None",
        "termsUrl": f"{PORTAL}/contracts/agreement.pdf" if signed else None,
        "solutionUrl": None if signed else f"{PORTAL}/settings/contracts",
    }


def name_reference(body: Mapping[str, object]) -> str | None:
    """Return the creditor reference as sent; None where it is absent or blank."""
    reference = read_text(body.get("creditorReference"))
    return reference if reference.strip() else None


def describe_case(
    body: Mapping[str, object],
    *,
    case_id: str,
    reference: str,
    created: str,
    account: Mapping[str, object],
    solution: tuple[str | None, str | None],
) -> dict[str, object]:
    """Return the case that an accepted *body* makes.

    Args:
        body: The request, judged and found without fault.
        case_id: UUID.
        reference: Debitura's own.
        created: Naive UTC, as the API writes it.
        account: The creditor's profile.
        solution: The link to the missing contract and the one to all of them; None where nothing is missing.
    """
    amount, day = read_number(body["amountToRecover"]) or NOTHING, read_day(body["date"])
    is_test, pending = body.get("isTest") is True, solution[1] is not None
    division = body.get("creditorDivisionId")
    assigned = body.get("assignedUserEmail")
    return {
        "id": case_id,
        "dateCreated": created,
        "dateUpdated": None,
        "reference": reference,
        "creditorReference": name_reference(body),
        "creditorComments": body.get("comments"),
        "claimDescription": body.get("claimDescription"),
        "grossAmount": amount,
        "remainder": amount,
        "interestFees": NOTHING,
        "reminderFees": NOTHING,
        "collectionFees": NOTHING,
        "totalAddedFees": NOTHING,
        "currency": fold(read_text(body["currencyCode"])),
        "isTestCase": is_test,
        "lifecycle": PENDING if pending else _begin(body["debtor"], is_test=is_test),
        "dueDate": f"{read_day(body.get('dueDate')) or day}T00:00:00",
        "date": f"{day}T00:00:00",
        "dateFinished": None,
        "dateCollectionStarted": None,
        "closeCode": None,
        "currentEngagementPhase": None,
        "claimType": None,
        "creditorDivisionId": division,
        "debtor": _describe_debtor(body["debtor"]),
        "collectionPartner": None if is_test else PARTNER,
        "creditor": dict(account) | {"division": {"id": division, "name": "Invented Division"} if division else None},
        "bankAccount": None,
        "blendedAgeUpliftPoints": _blend_uplift(body, amount),
        "preLegalSuccessFee": None,
        "solutionUrl": solution[0],
        "signingHandoff": {"combinedSigningUrl": solution[1]} if pending else None,
        "exclusivePeriodEndDate": None,
        "disputeStatus": None,
        "validation": {"needsInfo": False},
        "assignedUser": {"email": assigned, "name": "Invented Colleague"} if assigned else None,
        "allocationOutstanding": {
            "principal": amount,
            "interest": NOTHING,
            "reminderFees": NOTHING,
            "collectionFees": NOTHING,
        },
    }


def _begin(debtor: object, *, is_test: bool) -> str:
    if is_test:
        return "PendingVerificationInternal"
    return "PendingVerification" if _describe_debtor(debtor)["countryAlpha2"] == ASKED else "Active"


def _describe_debtor(debtor: object) -> dict[str, object]:
    sent = debtor if isinstance(debtor, dict) else {}
    country = find_country(read_text(sent.get("countryAlpha2")), read_text(sent.get("country")))
    return {name: sent.get(name) for name in DEBTOR_MEMBERS} | {
        "type": read_text(sent.get("type")).capitalize(),
        "countryAlpha2": country,
        "country": countries()[country] if country else None,
    }


def _blend_uplift(body: Mapping[str, object], total: Decimal) -> Decimal | None:
    over_12, over_24 = (read_number(body.get(name)) for name in BUCKETS[1:])
    if over_12 is None or over_24 is None:
        return None
    return round(((over_12 - over_24) * 10 + over_24 * 20) / total, 2)
