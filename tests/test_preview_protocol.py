"""What a preview asks, and what its answer means."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from importer.model import Forecast, Needed, PreviewGroup
from importer.protocol import Answer, Denied, Lost, Throttled, Unanswered
from importer.protocol.preview import LONGEST, ask_preview, read_preview

DEBTOR = {"type": "Company", "name": "Example GmbH", "address": "1 St", "city": "Town", "countryAlpha2": "DE"}
REQUEST = {"currencyCode": "EUR", "amountToRecover": Decimal("100.50"), "date": "2026-01-05", "debtor": DEBTOR}
ASKED = {"currencyCode": "EUR", "debtor": {"type": "Company", "countryAlpha2": "DE"}}
BUCKETS = {"amountToRecoverOver12Months": Decimal(10), "amountToRecoverOver24Months": Decimal(0)}
LINE = {"dueDate": "2026-01-05", "amount": Decimal("1.5")}
NOBODY = "We don't have an exclusive pre-legal partner in the provided jurisdiction."
SIGN = "https://app.example/sign"


def asked(**members: Any) -> tuple[dict[str, Any], str]:
    body, age = ask_preview({**REQUEST, **members})
    return json.loads(body, parse_float=Decimal), age


def answered(result: object, status: int = 200) -> Any:
    return read_preview(Answer(status, {}, json.dumps(result).encode()))


def test_a_preview_asks_for_no_more_than_it_needs() -> None:
    assert asked() == ({**ASKED, "amountToRecover": Decimal("100.50")}, "")


def test_money_is_asked_about_exactly() -> None:
    amount = Decimal("12345678901234567890.12")
    body, _ = ask_preview({**REQUEST, "amountToRecover": amount})

    assert b"12345678901234567890.12" in body


def test_the_state_of_an_american_debtor_alone_is_asked_with() -> None:
    american, _ = asked(debtor={**DEBTOR, "countryAlpha2": "US", "stateAlpha2": "CA"})
    other, _ = asked(debtor={**DEBTOR, "countryAlpha2": "CA", "stateAlpha2": "QC"})

    assert american["debtor"] == {"type": "Company", "countryAlpha2": "US", "stateAlpha2": "CA"}
    assert other["debtor"] == {"type": "Company", "countryAlpha2": "CA"}


@pytest.mark.parametrize(
    ("members", "told", "age"),
    [
        ({"dueDate": "2026-02-05"}, {"amountToRecover": Decimal("100.50"), "dueDate": "2026-02-05"}, "due 2026-02-05"),
        (
            {"dueDate": "2026-02-05", **BUCKETS},
            {"amountToRecover": Decimal("100.50"), **BUCKETS},
            "amounts by age",
        ),
        ({"claimLines": [LINE, LINE], "dueDate": "2026-02-05"}, {"claimLines": [LINE, LINE]}, "2 claim lines"),
    ],
)
def test_the_age_of_a_claim_is_told_in_one_way(members: dict[str, Any], told: dict[str, Any], age: str) -> None:
    assert asked(**members) == ({**ASKED, **told}, age)


def test_an_answer_is_read_whole() -> None:
    result = {
        "isEligible": True,
        "ineligibilityReason": None,
        "partnerAssignment": {"collectionPartnerId": "1", "partnerName": "Invented Collectors", "partnerCountry": "DK"},
        "requiredActions": [
            {"type": "MissingPowerOfAttorney", "message": "Sign it.", "solutionUrl": f"{SIGN}/poa", "isBlocking": True},
            {"type": "Hint", "message": "Read it.", "solutionUrl": None, "isBlocking": False},
            "nonsense",
        ],
        "jurisdiction": {"id": 1, "name": "Germany", "countryAlpha2": "DE", "stateAlpha2": None},
        "pricingPreview": {
            "baseSuccessFeePercentage": 9.5,
            "ageSurchargePercentage": 8.0,
            "totalSuccessFeePercentage": 17.5,
            "currencyCode": "EUR",
            "pricingSource": "Standard agreement",
            "pricingSourceDescription": "9.5% success fee",
        },
        "signingHandoff": {"combinedSigningUrl": SIGN},
    }

    assert answered({"result": result}) == Forecast(
        eligible=True,
        reason="",
        place="Germany",
        partner="Invented Collectors",
        needed=(Needed("MissingPowerOfAttorney", "Sign it.", f"{SIGN}/poa"),),
        link=SIGN,
        base=Decimal("9.5"),
        surcharge=Decimal("8.0"),
        total=Decimal("17.5"),
        basis="9.5% success fee",
    )


def test_a_partners_answer_has_nothing_around_it() -> None:
    told = {"isEligible": False, "ineligibilityReason": NOBODY, "pricingPreview": {"pricingSource": "Accepted quote"}}

    assert answered(told) == Forecast(
        eligible=False,
        reason=NOBODY,
        place="",
        partner="",
        needed=(),
        link="",
        base=None,
        surcharge=None,
        total=None,
        basis="Accepted quote",
    )


def test_a_link_that_is_none_is_left_out_and_a_long_sentence_is_cut() -> None:
    action = {"type": "MissingPowerOfAttorney", "message": "x" * 1000, "solutionUrl": "javascript:alert(1)"}
    found = answered({"result": {"isEligible": True, "requiredActions": [action]}})

    assert found.needed == (Needed("MissingPowerOfAttorney", f"{'x' * (LONGEST - 1)}…", ""),)


@pytest.mark.parametrize("document", [[], {"result": None}, {"result": {"isEligible": "yes"}}, {"result": {}}, None])
def test_an_answer_that_cannot_be_read_is_none(document: object) -> None:
    assert answered(document) == Unanswered("a preview could not be read")


def test_a_request_that_is_refused_says_why() -> None:
    refused = answered({"debtor.countryAlpha2": ["Invalid country code: ZZ"]}, 400)
    silent = answered({}, 422)

    assert refused == "The API makes no preview of it (400): Invalid country code: ZZ"
    assert silent == "The API makes no preview of it (422): it gives no reason"


def test_what_is_no_answer_is_told_apart() -> None:
    replies = (Lost("no answer"), Answer(401, {}, b""), Answer(429, {}, b'{"retryAfter": 3}'), Answer(503, {}, b""))

    assert [read_preview(reply) for reply in replies] == [
        Unanswered("no answer"),
        Denied(401, ""),
        Throttled(3.0),
        Unanswered("a preview was answered 503"),
    ]


def a_forecast(*needed: Needed, eligible: bool = True, link: str = "", reason: str = "") -> Forecast:
    return Forecast(eligible, reason, "Germany", "", needed, link, Decimal("9.5"), None, None, "")


def a_group(forecast: Forecast | None, failed: str = "", client: str = "") -> PreviewGroup:
    amount = Decimal("1.50")
    return PreviewGroup(client, "DE", "", "Company", "EUR", 2, 2, amount, amount, "", forecast, failed)


AGREEMENT = Needed("MissingDebtCollectionContract", "Sign the agreement.", f"{SIGN}/sdca")
POWER = Needed("MissingPowerOfAttorney", "", f"{SIGN}/poa")
IDENTITY = Needed("MissingKycVerification", "Show who you are.", "")
BLOCKED = Needed("CreditorBlocked", "Your account is blocked.", "")


@pytest.mark.parametrize(
    ("group", "verdict", "reasons"),
    [
        (a_group(a_forecast()), "would be taken", []),
        (
            a_group(a_forecast(AGREEMENT, POWER)),
            "contract missing",
            [("Sign the agreement.", f"{SIGN}/sdca"), ("MissingPowerOfAttorney", f"{SIGN}/poa")],
        ),
        (a_group(a_forecast(AGREEMENT, link=SIGN)), "contract missing", [("Sign the agreement.", SIGN)]),
        (a_group(a_forecast(BLOCKED, link=SIGN)), "would be refused", [("Your account is blocked.", "")]),
        (a_group(a_forecast(IDENTITY)), "would be refused", [("Show who you are.", "")]),
        (
            a_group(a_forecast(AGREEMENT, BLOCKED)),
            "would be refused",
            [("Sign the agreement.", f"{SIGN}/sdca"), ("Your account is blocked.", "")],
        ),
        (a_group(a_forecast(eligible=False, reason=NOBODY)), "would be refused", [(NOBODY, "")]),
        (
            a_group(a_forecast(eligible=False)),
            "would be refused",
            [("The API says that it is not eligible.", "")],
        ),
        (a_group(None, "It was not asked."), "not known", [("It was not asked.", "")]),
    ],
)
def test_what_would_become_of_a_group(group: PreviewGroup, verdict: str, reasons: list[tuple[str, str]]) -> None:
    assert (group.verdict, list(group.reasons())) == (verdict, reasons)


def test_a_group_of_a_partners_client_names_it() -> None:
    assert a_group(None, client="acme").title == "acme, DE, Company, EUR"
