from __future__ import annotations

import json
import signal
import socket
import sqlite3
import stat
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from importer.sandbox import Fault, Settings, Store, serving
from importer.sandbox.faults import CATALOGUE, Faults
from importer.sandbox.windows import Spent, Windows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

NUMBERS = count(1)
ENDLESS = Settings(minute=10**9, hour=10**9, day=10**9)


def a_body(**members: Any) -> dict[str, Any]:
    debtor = {
        "type": "Company",
        "name": "Example GmbH",
        "address": "Hauptstrasse 1",
        "city": "Berlin",
        "countryAlpha2": "DE",
    }
    debtor |= members.pop("debtor", {})
    body = {
        "currencyCode": "EUR",
        "date": "2025-01-15",
        "dueDate": "2025-02-15",
        "amountToRecover": 5000.00,
        "creditorReference": f"INV-{next(NUMBERS)}",
        "debtor": debtor,
    }
    return body | members


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    database = tmp_path_factory.mktemp("sandbox") / "sandbox.db"
    with serving(database, ENDLESS) as url:
        yield url, database


@pytest.fixture
def api(sandbox: tuple[str, Path]) -> Iterator[httpx.Client]:
    with connect(sandbox[0]) as client:
        yield client


def connect(url: str, key: str = "sandbox") -> httpx.Client:
    return httpx.Client(base_url=url, headers={"XApiKey": key}, trust_env=False)


def as_account(account: str) -> dict[str, str]:
    return {"XApiKey": account}


def test_an_accepted_body_becomes_a_case_with_every_field_of_the_contract(api: httpx.Client) -> None:
    body = a_body(amountToRecover=1234.50, comments="Call first", isTest=True)

    answer = api.post("/cases", json=body)
    case = answer.json()

    assert answer.status_code == 200
    assert set(case) == set(CASE_FIELDS.split())
    assert {name: case[name] for name in ("creditorReference", "grossAmount", "currency", "isTestCase")} == {
        "creditorReference": body["creditorReference"],
        "grossAmount": 1234.5,
        "currency": "EUR",
        "isTestCase": True,
    }
    assert case["creditorComments"] == "Call first"
    assert len(case["reference"]) == 8


CASE_FIELDS = (
    "id dateCreated dateUpdated reference creditorReference creditorComments claimDescription grossAmount remainder"
    " interestFees reminderFees collectionFees totalAddedFees currency isTestCase lifecycle dueDate date dateFinished"
    " dateCollectionStarted closeCode currentEngagementPhase claimType creditorDivisionId debtor collectionPartner"
    " creditor bankAccount blendedAgeUpliftPoints preLegalSuccessFee solutionUrl signingHandoff exclusivePeriodEndDate"
    " disputeStatus validation assignedUser allocationOutstanding"
)


def test_times_are_naive_utc_and_every_answer_is_dated(api: httpx.Client) -> None:
    answer = api.post("/cases", json=a_body())
    created = datetime.fromisoformat(answer.json()["dateCreated"])

    assert created.tzinfo is None
    assert abs(datetime.now(UTC) - created.replace(tzinfo=UTC)) < timedelta(seconds=30)
    for path in ("/me", "/cases/nothing", "/nowhere"):
        assert abs(datetime.now(UTC) - parsedate_to_datetime(api.get(path).headers["Date"])) < timedelta(seconds=30)


def test_amounts_go_in_and_out_exactly(api: httpx.Client) -> None:
    text = json.dumps(a_body(amountToRecover=1)).replace('"amountToRecover": 1', '"amountToRecover": 90071992547409.93')

    answer = api.post("/cases", content=text, headers={"Content-Type": "application/json"})

    assert '"grossAmount":90071992547409.93,' in answer.text


PUBLISHED = {
    "the guide's request": {
        "currencyCode": "EUR",
        "date": "2025-01-15",
        "dueDate": "2025-02-15",
        "amountToRecover": 5000.00,
        "creditorReference": "INV-2025-001",
        "claimDescription": "Consulting services - January 2025",
        "debtor": {
            "type": "Company",
            "name": "Example GmbH",
            "companyRegistrationNumber": "HRB 12345",
            "address": "Hauptstrasse 1",
            "city": "Berlin",
            "zipCode": "10115",
            "countryAlpha2": "DE",
            "email": "accounts@example.de",
            "phone": "+49 30 12345678",
        },
    },
    "a division": a_body(creditorDivisionId="3fa85f64-5717-4562-b3fc-2c963f66afa6"),
    "age buckets": a_body(
        amountToRecover=10000.00,
        amountToRecoverOver6Months=5000.00,
        amountToRecoverOver12Months=4000.00,
        amountToRecoverOver24Months=1000.00,
    ),
    "pending contracts": a_body(allowPendingContracts=True),
    "a test": a_body(isTest=True),
}


@pytest.mark.parametrize("body", PUBLISHED.values(), ids=PUBLISHED)
def test_every_published_request_is_accepted(api: httpx.Client, body: dict[str, Any]) -> None:
    # https://docs.debitura.com/clients/integration-guides/create-a-case
    assert api.post("/cases", json=body).status_code == 200


def test_age_buckets_show_their_blended_uplift(api: httpx.Client) -> None:
    body = a_body(amountToRecover=10000, amountToRecoverOver12Months=4000, amountToRecoverOver24Months=1000)

    assert api.post("/cases", json=body).json()["blendedAgeUpliftPoints"] == 5


VALIDATION = {
    "currency": ({"currencyCode": "XYZ"}, "currencyCode", "Invalid currency code: XYZ"),
    "future": ({"date": "2999-01-01", "dueDate": None}, "date", "Case date cannot be in the future"),
    "due before": ({"dueDate": "2025-01-14"}, "dueDate", "Due date cannot be earlier than the case date"),
    "due in future": ({"dueDate": "2999-01-01"}, "dueDate", "Due date must be in the past"),
    "amount": ({"amountToRecover": 0}, "amountToRecover", "Case total must be a positive amount"),
    "type": ({"debtor": {"type": "Person"}}, "debtor.type", "Invalid debtor type"),
    "country": ({"debtor": {"countryAlpha2": "ZZ"}}, "debtor.countryAlpha2", "Invalid country code: ZZ"),
    "reference": ({"creditorReference": "x" * 51}, "creditorReference", "cannot exceed 50 characters"),
}


@pytest.mark.parametrize(("members", "field", "text"), VALIDATION.values(), ids=VALIDATION)
def test_a_validation_error_is_a_bare_dictionary(
    api: httpx.Client, members: dict[str, Any], field: str, text: str
) -> None:
    answer = api.post("/cases", json=a_body(**members))

    assert answer.status_code == 400
    assert list(answer.json()) == [field]
    assert text in answer.json()[field][0]


@pytest.mark.parametrize(
    "body",
    ["", "{", "[]", "null", '{"amountToRecover": NaN}', '{"amountToRecover": 1e99999999999999999999}', "[" * 9999],
)
def test_what_is_no_request_is_answered_with_problem_details(api: httpx.Client, body: str) -> None:
    answer = api.post("/cases", content=body, headers={"Content-Type": "application/json"})

    assert (answer.status_code, answer.json()["status"]) == (400, 400)
    assert answer.headers["Content-Type"].startswith("application/problem+json")
    assert list(answer.json()["errors"]) == ["$"]


def test_a_wrong_type_is_answered_with_problem_details(api: httpx.Client) -> None:
    answer = api.post("/cases", json=a_body(amountToRecover="5000"))

    assert answer.status_code == 400
    assert list(answer.json()["errors"]) == ["$.amountToRecover"]


def test_only_json_is_read(api: httpx.Client) -> None:
    plain, vendor = ({"Content-Type": kind} for kind in ("text/plain", "application/vnd.example+json"))

    assert api.post("/cases", content=json.dumps(a_body()), headers=plain).status_code == 415
    assert api.post("/cases", content=json.dumps(a_body()), headers=vendor).status_code == 200


def test_a_reference_is_taken_once_an_account_live_and_test_together(api: httpx.Client) -> None:
    body = a_body()
    first = api.post("/cases", json=body)
    again = api.post("/cases", json=body | {"isTest": True, "amountToRecover": 1})

    assert (first.status_code, again.status_code) == (200, 400)
    assert again.json()["error"] == "DuplicateReference"
    assert again.json()["businessErrors"][0]["type"] == "DuplicateReference"
    assert api.post("/cases", json=body, headers=as_account("sandbox-other")).status_code == 200


def test_references_are_compared_exactly_and_blank_ones_not_at_all(api: httpx.Client) -> None:
    for reference in ("exact-1", "EXACT-1", "exact-1 ", "", "", None, None):
        assert api.post("/cases", json=a_body(creditorReference=reference)).status_code == 200


def test_a_duplicate_can_be_told_as_a_bare_dictionary(tmp_path: Path) -> None:
    body = a_body()
    with serving(tmp_path / "sandbox.db", Settings(faults=(Fault("duplicate-fields"),))) as url, connect(url) as api:
        api.post("/cases", json=body)
        again = api.post("/cases", json=body)

    assert again.status_code == 400
    assert list(again.json()) == ["CreditorReference"]


BUSINESS: dict[str, tuple[dict[str, str], str, str]] = {
    "blocked": (as_account("sandbox-blocked"), "DE", "CreditorBlocked"),
    "demo": (as_account("sandbox-demo"), "DE", "DemoAccountBlocked"),
    "unsigned": (as_account("sandbox-unsigned"), "DE", "MissingDebtCollectionContract"),
    "another key of the same account": (as_account("sandbox-unsigned:2"), "DE", "MissingDebtCollectionContract"),
    "no power of attorney": (as_account("sandbox"), "GR", "MissingPowerOfAttorney"),
    "no partner": (as_account("sandbox"), "AQ", "NoPartnerAvailable"),
    "no identity": ({"XApiKey": "", "Authorization": "Bearer sandbox"}, "MT", "MissingKycVerification"),
}


@pytest.mark.parametrize(("headers", "country", "kind"), BUSINESS.values(), ids=BUSINESS)
def test_each_trigger_brings_its_business_error(
    api: httpx.Client, headers: dict[str, str], country: str, kind: str
) -> None:
    answer = api.post("/cases", json=a_body(debtor={"countryAlpha2": country}), headers=headers)

    assert answer.status_code == 422
    assert [error["type"] for error in answer.json()["businessErrors"]] == [kind]
    if kind.startswith("Missing"):
        assert answer.json()["businessErrors"][0]["solutionUrl"].startswith("https://app.debitura.com/")


def test_unsigned_contracts_come_with_one_link_for_all(api: httpx.Client) -> None:
    answer = api.post(
        "/cases", json=a_body(debtor={"countryAlpha2": "GR"}), headers=as_account("sandbox-unsigned")
    ).json()

    assert [error["type"] for error in answer["businessErrors"]] == [
        "MissingDebtCollectionContract",
        "MissingPowerOfAttorney",
    ]
    assert answer["signingHandoff"]["combinedSigningUrl"].startswith("https://app.debitura.com/")


def test_a_case_may_wait_for_its_contracts(api: httpx.Client) -> None:
    body = a_body(allowPendingContracts=True, debtor={"countryAlpha2": "GR"})
    answer = api.post("/cases", json=body, headers=as_account("sandbox-unsigned"))

    assert answer.status_code == 200
    assert answer.json()["lifecycle"] == "PendingContractSigning"
    assert answer.json()["solutionUrl"].startswith("https://app.debitura.com/")
    assert answer.json()["signingHandoff"]["combinedSigningUrl"].startswith("https://app.debitura.com/")


def test_an_identity_is_not_waited_for_and_asked_of_bearers_alone(api: httpx.Client) -> None:
    body = a_body(allowPendingContracts=True, debtor={"countryAlpha2": "MT"})

    assert api.post("/cases", json=body, headers={"XApiKey": "", "Authorization": "Bearer sandbox"}).status_code == 422
    assert api.post("/cases", json=body).status_code == 200


@pytest.mark.parametrize("headers", [{"XApiKey": ""}, {"XApiKey": "live"}, {"XApiKey": "", "Authorization": "Basic x"}])
def test_other_keys_are_not_accepted(api: httpx.Client, headers: dict[str, str]) -> None:
    answer = api.get("/me", headers=headers)

    assert (answer.status_code, answer.json()["title"]) == (401, "Unauthorized")


def test_a_key_may_be_valid_and_forbidden(api: httpx.Client) -> None:
    answer = api.post("/cases", json=a_body(), headers=as_account("sandbox-forbidden"))

    assert (answer.status_code, answer.json()["status"]) == (403, 403)


def test_a_rotated_key_is_the_same_account(api: httpx.Client) -> None:
    ids = [api.get("/me", headers=as_account(key)).json()["id"] for key in ("sandbox", "sandbox:2", "sandbox-other")]

    assert ids[0] == ids[1] != ids[2]


def test_an_account_keeps_its_id_in_its_database_and_has_another_elsewhere(tmp_path: Path) -> None:
    ids = []
    for name in ("one.db", "one.db", "two.db"):
        with serving(tmp_path / name) as url, connect(url) as api:
            ids.append(api.get("/me").json()["id"])

    assert ids[0] == ids[1] != ids[2]


def test_a_case_is_found_by_each_of_its_identifiers(api: httpx.Client) -> None:
    case = api.post("/cases", json=a_body(creditorReference="Rechnung 1/ä%".replace("/", "-"))).json()

    for path in (
        f"/cases/{case['id']}",
        f"/cases/{case['id'].upper()}",
        f"/cases/case-reference/{case['reference']}",
        "/cases/by-creditor-reference/Rechnung%201-%C3%A4%25",
    ):
        assert api.get(path).json() == case


@pytest.mark.parametrize(
    "path",
    [
        "/cases/3fa85f64-5717-4562-b3fc-2c963f66afa6",
        "/cases/case-reference/QQQQQQQQ",
        "/cases/by-creditor-reference/nobody",
    ],
)
def test_what_does_not_exist_is_an_api_shaped_404(api: httpx.Client, path: str) -> None:
    answer = api.get(path)

    assert answer.status_code == 404
    assert answer.json()["businessErrors"][0]["type"] == "NotFound"


def test_another_accounts_case_is_not_found(api: httpx.Client) -> None:
    case = api.post("/cases", json=a_body()).json()

    assert api.get(f"/cases/{case['id']}", headers=as_account("sandbox-other")).status_code == 404


def test_a_reference_with_a_slash_does_not_survive_the_path(api: httpx.Client) -> None:
    reference = f"2025/{next(NUMBERS)}"
    api.post("/cases", json=a_body(creditorReference=reference))
    answer = api.get(f"/cases/by-creditor-reference/{reference.replace('/', '%2F')}")

    assert (answer.status_code, answer.content) == (404, b"")


@pytest.mark.parametrize(
    "path", ["/cases/nothing", "/cases/by-creditor-reference/", "/cases/by-creditor-reference/%20"]
)
def test_an_empty_or_malformed_identifier_is_a_400(api: httpx.Client, path: str) -> None:
    assert api.get(path).status_code == 400


@pytest.fixture(scope="module")
def ten(sandbox: tuple[str, Path]) -> list[dict[str, Any]]:
    """Ten cases of an account of their own, in the order of making."""
    with connect(sandbox[0], "sandbox-ten") as api:
        return [
            api.post("/cases", json=a_body(amountToRecover=(7 * number) % 10 + 1, isTest=number > 4)).json()
            for number in range(10)
        ]


def list_ids(api: httpx.Client, query: str) -> list[str]:
    answer = api.get(f"/cases?{query}", headers=as_account("sandbox-ten"))
    return [case["id"] for case in answer.json()["cases"]]


def test_cases_are_listed_newest_first_page_by_page(api: httpx.Client, ten: list[dict[str, Any]]) -> None:
    answer = api.get("/cases?page=2&PAGESIZE=4", headers=as_account("sandbox-ten")).json()

    assert answer["page"] == {
        "totalResults": 10,
        "pageSize": 4,
        "currentPage": 2,
        "responseCount": 4,
        "totalPages": 3,
    }
    assert answer["cases"] == ten[::-1][4:8]
    assert list_ids(api, "Page=4&PageSize=4") == []


def test_cases_are_sorted_as_asked_and_unknown_fields_ignored(api: httpx.Client, ten: list[dict[str, Any]]) -> None:
    by_amount = sorted(ten, key=lambda case: float(case["grossAmount"]))

    assert list_ids(api, "Sort=DateCreated:asc") == [case["id"] for case in ten]
    assert list_ids(api, "sort=Colour,GrossAmount") == [case["id"] for case in by_amount]
    assert list_ids(api, "sort=DateCreated:desc") == [case["id"] for case in ten[::-1]]


def test_cases_are_filtered_by_id_status_and_division(api: httpx.Client, ten: list[dict[str, Any]]) -> None:
    first, second = ten[0]["id"], ten[1]["id"]

    assert set(list_ids(api, f"Ids={first.upper()},{second}")) == {first, second}
    assert set(list_ids(api, f"ids={first}&ids={second}")) == {first, second}
    assert set(list_ids(api, "Statuses[]=active")) == {case["id"] for case in ten[:5]}
    assert set(list_ids(api, "statuses=Pending+Verification+Internal")) == {case["id"] for case in ten[5:]}
    assert list_ids(api, "DivisionIds=3fa85f64-5717-4562-b3fc-2c963f66afa6") == []
    assert list_ids(api, f"DebtorIds={first}") == [case["id"] for case in ten[::-1]]


@pytest.mark.parametrize("query", ["Page=0", "Page=x", "PageSize=101", "PageSize=-1", "Ids=7", "Statuses=Lost"])
def test_a_query_that_cannot_be_read_is_a_400_with_business_errors(api: httpx.Client, query: str) -> None:
    answer = api.get(f"/cases?{query}")

    assert answer.status_code == 400
    assert answer.json()["businessErrors"]


def test_the_agreement_is_signed_but_for_the_unsigned(api: httpx.Client) -> None:
    signed = api.get("/contracts/debt-collection/status").json()
    unsigned = api.get("/contracts/debt-collection/status", headers=as_account("sandbox-unsigned")).json()

    assert (signed["signed"], signed["solutionUrl"]) == (True, None)
    assert unsigned["signed"] is False
    assert unsigned["solutionUrl"].startswith("https://app.debitura.com/")


def a_preview(**debtor: str) -> dict[str, Any]:
    return {
        "currencyCode": "EUR",
        "amountToRecover": 100,
        "debtor": {"type": "Company", "countryAlpha2": "DE"} | debtor,
    }


def days_ago(days: int) -> str:
    return f"{datetime.now(UTC).date() - timedelta(days=days)}"


def test_a_preview_makes_no_case_and_needs_no_names(sandbox: tuple[str, Path], api: httpx.Client) -> None:
    before = len(Store(sandbox[1]).cases())
    result = api.post("/cases/preview", json=a_preview(countryAlpha2="US", stateAlpha2="CA")).json()["result"]

    assert (result["isEligible"], result["requiredActions"]) == (True, [])
    assert result["jurisdiction"]["name"] == "United States - California"
    assert len(Store(sandbox[1]).cases()) == before


def test_a_preview_names_what_is_missing(api: httpx.Client) -> None:
    alone = api.post("/cases/preview", json=a_preview(countryAlpha2="AQ")).json()["result"]
    unsigned = api.post("/cases/preview", json=a_preview(countryAlpha2="GR")).json()["result"]

    assert (alone["isEligible"], alone["partnerAssignment"]) == (False, None)
    assert "exclusive pre-legal partner" in alone["ineligibilityReason"]
    assert [action["type"] for action in unsigned["requiredActions"]] == ["MissingPowerOfAttorney"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (a_preview(countryAlpha2="DEU"), "debtor.countryAlpha2"),
        (a_preview(countryAlpha2="US", stateAlpha2="California"), "debtor.stateAlpha2"),
        (a_preview() | {"currencyCode": "EURO"}, "currencyCode"),
        (a_preview() | {"debtor": None}, "debtor"),
        (
            a_preview() | {"dueDate": "2025-01-01", "amountToRecoverOver12Months": 1, "amountToRecoverOver24Months": 1},
            "dueDate",
        ),
    ],
)
def test_a_preview_is_stricter_with_codes(api: httpx.Client, body: dict[str, Any], field: str) -> None:
    answer = api.post("/cases/preview", json=body)

    assert answer.status_code == 400
    assert field in answer.json()


@pytest.mark.parametrize(
    ("members", "surcharge"),
    [
        ({}, 0),
        ({"dueDate": days_ago(300)}, 0),
        ({"dueDate": days_ago(400)}, 8),
        ({"dueDate": days_ago(800)}, 15),
        ({"amountToRecoverOver12Months": 50, "amountToRecoverOver24Months": 20}, 5.4),
        (
            {
                "amountToRecover": None,
                "claimLines": [
                    {"dueDate": days_ago(800), "amount": 25},
                    {"dueDate": days_ago(0), "amount": 75},
                ],
            },
            3.75,
        ),
    ],
)
def test_a_preview_adds_to_the_fee_for_age(api: httpx.Client, members: dict[str, Any], surcharge: float) -> None:
    price = api.post("/cases/preview", json=a_preview() | members).json()["result"]["pricingPreview"]

    assert (price["ageSurchargePercentage"], price["totalSuccessFeePercentage"]) == (surcharge, 9.5 + surcharge)


def test_a_preview_takes_claim_lines_without_a_due_date_alone(api: httpx.Client) -> None:
    lines = {"amountToRecover": None, "claimLines": [{"dueDate": "2026-01-05", "amount": 25}]}
    answer = api.post("/cases/preview", json=a_preview() | lines | {"dueDate": "2026-01-05"})

    assert (answer.status_code, [*answer.json()]) == (400, ["dueDate"])


def test_a_partners_preview_tells_the_price_alone(api: httpx.Client) -> None:
    taken, alone, wrong = (
        api.post("/referral/cases/preview", json=a_preview(countryAlpha2=country)) for country in ("GR", "AQ", "GRC")
    )

    assert {name: taken.json()[name] for name in ("isEligible", "ineligibilityReason")} == {
        "isEligible": True,
        "ineligibilityReason": None,
    }
    assert taken.json()["pricingPreview"]["totalSuccessFeePercentage"] == 9.5
    assert "requiredActions" not in taken.json()
    assert (alone.json()["isEligible"], alone.json()["pricingPreview"]) == (False, None)
    assert wrong.status_code == 400


def test_a_preview_of_no_request_is_refused(api: httpx.Client) -> None:
    assert api.post("/cases/preview", content="[]").status_code == 400
    assert api.post("/referral/cases/preview", content="[]").status_code == 400


def keyed(key: str) -> dict[str, str]:
    return {"Idempotency-Key": key, "Content-Type": "application/json"}


def test_the_same_key_and_bytes_bring_the_same_answer_and_no_second_case(
    sandbox: tuple[str, Path], api: httpx.Client
) -> None:
    body = json.dumps(a_body(creditorReference=None, claimDescription="once"))
    first, again = (api.post("/cases", content=body, headers=keyed("key-1")) for _ in range(2))
    made = [case for case in Store(sandbox[1]).cases("sandbox") if case["body"] == body.encode()]

    assert first.status_code == again.status_code == 200
    assert first.content == again.content
    assert len(made) == 1


def test_the_same_key_with_another_body_is_a_conflict(api: httpx.Client) -> None:
    first = api.post("/cases", json=a_body(), headers=keyed("key-2"))
    other = api.post("/cases", json=a_body(), headers=keyed("key-2"))
    stranger = api.post("/cases", json=a_body(), headers=keyed("key-2") | as_account("sandbox-other"))

    assert (first.status_code, other.status_code, stranger.status_code) == (200, 422, 200)
    assert other.json()["businessErrors"][0]["type"] == "IdempotencyConflict"


def test_a_400_is_not_stored_so_a_mended_body_may_use_its_key(api: httpx.Client) -> None:
    assert api.post("/cases", json=a_body(amountToRecover=0), headers=keyed("key-3")).status_code == 400
    assert api.post("/cases", json=a_body(), headers=keyed("key-3")).status_code == 200


def test_a_422_is_stored_and_given_again(api: httpx.Client) -> None:
    body = json.dumps(a_body())
    blocked = keyed("key-4") | as_account("sandbox-unsigned")
    first, again = (api.post("/cases", content=body, headers=blocked) for _ in range(2))
    other = api.post("/cases", json=a_body(allowPendingContracts=True), headers=blocked)

    assert (first.status_code, again.status_code) == (422, 422)
    assert first.content == again.content
    assert other.json()["businessErrors"][0]["type"] == "IdempotencyConflict"


@pytest.mark.parametrize("key", ["", "k" * 256])
def test_a_key_is_neither_blank_nor_longer_than_255(api: httpx.Client, key: str) -> None:
    answer = api.post("/cases", json=a_body(), headers={"Idempotency-Key": key})

    assert answer.status_code == 400
    assert answer.json()["businessErrors"][0]["type"] == "InvalidIdempotencyKey"


def test_a_key_in_flight_is_a_409_and_other_requests_overlap(tmp_path: Path) -> None:
    body = json.dumps(a_body(creditorReference=None))

    def send(key: str) -> int:
        with connect(url) as api:
            return api.post("/cases", content=body, headers=keyed(key)).status_code

    with serving(tmp_path / "sandbox.db", Settings(latency=0.5)) as url, ThreadPoolExecutor(8) as pool:
        same = sorted(pool.map(send, ["a", "a"]))
        begun = time.monotonic()
        others = list(pool.map(send, "bcdefghi"))
        lasted = time.monotonic() - begun

    assert (same, others) == ([200, 409], [200] * 8)
    assert 0.5 <= lasted < 2
    assert len(Store(tmp_path / "sandbox.db").cases()) == 9


def test_a_client_that_hangs_up_during_the_latency_leaves_a_made_case(tmp_path: Path) -> None:
    database = tmp_path / "sandbox.db"
    with serving(database, Settings(latency=0.5)) as url, connect(url) as api:
        with pytest.raises(httpx.ReadTimeout):
            api.post("/cases", json=a_body(creditorReference="left"), timeout=0.2)
        found = api.get("/cases/by-creditor-reference/left")

    assert found.status_code == 200
    assert [case["creditorReference"] for case in Store(database).cases()] == ["left"]


def test_lost_answers_leave_cases_and_dropped_requests_leave_none(tmp_path: Path) -> None:
    database, outcomes = tmp_path / "sandbox.db", []
    with (
        serving(database, Settings(faults=(Fault("lose-answer", every=2), Fault("drop-request", every=3)))) as url,
        connect(url) as api,
    ):
        for number in range(1, 7):
            try:
                outcomes.append(api.post("/cases", json=a_body(creditorReference=str(number))).status_code)
            except httpx.RemoteProtocolError:
                outcomes.append(0)

    assert outcomes == [200, 0, 0, 0, 200, 0]
    assert [case["creditorReference"] for case in Store(database).cases()] == ["1", "2", "4", "5"]


def befallen(text: str, requests: int, seed: int = 0) -> list[int]:
    fault = Fault.parse(text)
    faults = Faults([fault], seed)
    return [number for number in range(1, requests + 1) if faults.befall("create") == {fault.name: fault}]


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("fail-500", [1, 2, 3, 4, 5, 6]),
        ("fail-500:every=3", [3, 6]),
        ("fail-500:after=4", [5, 6]),
        ("fail-500:after=1,every=2,times=2", [3, 5]),
        ("lookups-fail", []),
        ("clock-skew", []),
        ("throttle:times=1", [1]),
    ],
)
def test_a_fault_befalls_the_requests_that_were_ordered(text: str, numbers: list[int]) -> None:
    assert befallen(text, 6) == numbers


def test_chance_follows_its_seed() -> None:
    first = befallen("fail-500:chance=0.2", 1_000, seed=1)

    assert 150 < len(first) < 250
    assert befallen("fail-500:chance=0.2", 1_000, seed=1) == first
    assert befallen("fail-500:chance=0.2", 1_000, seed=2) != first


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("fial-500", "no fault 'fial-500'; there are: drop-request, lose-answer"),
        ("fail-500:often=1", "cannot have 'often=1'; its options are every=N, chance=P, after=N, times=N[.]"),
        ("fail-500:every=0", "cannot have 'every=0'"),
        ("fail-500:seconds=1", "cannot have 'seconds=1'"),
        ("fail-500:chance=2", "cannot have 'chance=2'"),
        ("hang-after:seconds=-1", "cannot have 'seconds=-1'.*seconds=S"),
        ("hang-after:seconds=nan", "cannot have 'seconds=nan'"),
    ],
)
def test_an_order_that_cannot_be_met_is_named(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Fault.parse(text)


def befall(tmp_path: Path, *orders: str, posts: int = 1) -> tuple[list[httpx.Response | str], list[Any]]:
    """Send one body again and again under one key; return what came back each time, and the cases there are."""
    answers: list[httpx.Response | str] = []
    database = tmp_path / "sandbox.db"
    body = json.dumps(a_body(creditorReference="one"))
    with serving(database, Settings(faults=tuple(map(Fault.parse, orders)))) as url, connect(url) as api:
        for _ in range(posts):
            try:
                answers.append(api.post("/cases", content=body, headers=keyed("k"), timeout=0.4))
            except httpx.HTTPError as error:
                answers.append(type(error).__name__)
        time_is_up = time.monotonic() + 2
        while "hang-before" in orders[0] and not Store(database).cases() and time.monotonic() < time_is_up:
            api.get("/me")
    return answers, Store(database).cases()


@pytest.mark.parametrize(
    ("order", "answer", "made"),
    [
        ("drop-request", "RemoteProtocolError", 0),
        ("lose-answer", "RemoteProtocolError", 1),
        ("fail-500", 500, 0),
        ("fail-502", 502, 0),
        ("fail-503", 503, 0),
        ("fail-500-made", 500, 1),
        ("fail-502-made", 502, 1),
        ("fail-503-made", 503, 1),
        ("fail-500-stored", 500, 0),
        ("refuse-422", 422, 0),
        ("garbled", 200, 1),
        ("truncated", "RemoteProtocolError", 1),
        ("slow-body:seconds=0.2", 200, 1),
        ("hang-before:seconds=0.6", "ReadTimeout", 1),
        ("hang-after:seconds=0.6", "ReadTimeout", 1),
        ("throttle", 429, 0),
        ("deny", 401, 0),
    ],
)
def test_each_fault_answers_and_makes_what_it_says(tmp_path: Path, order: str, answer: object, made: int) -> None:
    (came,), cases = befall(tmp_path, order)

    assert (came if isinstance(came, str) else came.status_code, len(cases)) == (answer, made)


def test_a_page_of_html_and_half_of_a_json_are_no_answers_of_the_api(tmp_path: Path) -> None:
    (page, half, whole), _ = befall(tmp_path, "fail-502:times=1", "garbled:after=1,times=1", posts=3)

    assert not isinstance(page, str)
    assert page.headers["content-type"].startswith("text/html")
    assert not isinstance(half, str)
    with pytest.raises(json.JSONDecodeError):
        half.json()
    assert not isinstance(whole, str)
    assert whole.content.startswith(half.content)


def test_a_stored_failure_is_given_again_for_its_key(tmp_path: Path) -> None:
    answers, cases = befall(tmp_path, "fail-500-stored:times=1", posts=3)

    assert [isinstance(one, str) or one.status_code for one in answers] == [500, 500, 500]
    assert cases == []


@pytest.mark.parametrize(
    ("order", "header", "body"),
    [
        ("throttle:seconds=7", None, 7.0),
        ("throttle-header:seconds=7", "7", None),
        ("throttle-silent", None, None),
        ("throttle-zero", None, 0),
        ("throttle-absurd", None, 1e10),
    ],
)
def test_a_429_says_how_long_in_the_way_that_was_ordered(
    tmp_path: Path, order: str, header: str | None, body: float | None
) -> None:
    (came,), _ = befall(tmp_path, order)

    assert not isinstance(came, str)
    assert (came.headers.get("Retry-After"), came.json().get("retryAfter")) == (header, body)


@pytest.mark.parametrize(
    ("order", "status", "first"),
    [
        ("duplicate-fields", 400, "CreditorReference"),
        ("duplicate-field", 400, "creditorReference"),
        ("duplicate-409", 409, "error"),
        ("duplicate-422", 422, "businessErrors"),
        ("duplicate-problem", 400, "type"),
    ],
)
def test_a_duplicate_is_told_in_the_form_that_was_ordered(tmp_path: Path, order: str, status: int, first: str) -> None:
    (_, again), cases = befall(tmp_path, order, "key-ignored", posts=2)

    assert not isinstance(again, str)
    assert (again.status_code, next(iter(again.json())), len(cases)) == (status, first, 1)


def test_an_api_that_knows_neither_keys_nor_duplicates_makes_a_case_each_time(tmp_path: Path) -> None:
    _, cases = befall(tmp_path, "key-ignored", "duplicates-allowed", posts=3)

    assert [case["creditorReference"] for case in cases] == ["one"] * 3


def test_look_ups_fail_and_hang_on_their_own(tmp_path: Path) -> None:
    orders = (Fault("lookups-fail", times=1), Fault("lookups-hang", after=1, times=1, seconds=0.6))
    with serving(tmp_path / "sandbox.db", Settings(faults=orders)) as url, connect(url) as api:
        assert api.post("/cases", json=a_body(creditorReference="one")).status_code == 200
        assert api.get("/cases/by-creditor-reference/one").status_code == 503
        with pytest.raises(httpx.ReadTimeout):
            api.get("/cases", timeout=0.3)
        assert api.get("/cases").status_code == 200


def test_a_skewed_clock_dates_answers_cases_and_hours(tmp_path: Path) -> None:
    ahead = Settings(faults=(Fault("clock-skew", seconds=5_000),))
    with serving(tmp_path / "sandbox.db", ahead) as url, connect(url) as api:
        made = api.post("/cases", json=a_body())
    now = datetime.now(UTC)

    assert abs(parsedate_to_datetime(made.headers["date"]) - now - timedelta(seconds=5_000)) < timedelta(seconds=10)
    created = datetime.fromisoformat(made.json()["dateCreated"]).replace(tzinfo=UTC)
    assert abs(created - now - timedelta(seconds=5_000)) < timedelta(seconds=10)


def test_an_idle_connection_is_closed(tmp_path: Path) -> None:
    with serving(tmp_path / "sandbox.db", Settings(faults=(Fault("close-idle", seconds=0.1),))) as url:
        host, port = url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=5) as connection:
            connection.sendall(b"GET /me HTTP/1.1\r\nHost: x\r\nXApiKey: sandbox\r\n\r\n")
            while connection.recv(65_536):
                pass


def test_every_fault_is_in_the_documentation() -> None:
    written = Path(__file__).parent.parent.joinpath("docs", "sandbox.md").read_text()

    assert [name for name, kind in CATALOGUE.items() if f"| `{name}` | {kind.what} |" not in written] == []


def test_the_minute_slides_in_segments_of_ten_seconds() -> None:
    windows = Windows(Settings(minute=3), {})

    assert [windows.admit("k", now) for now in (1000.0, 1015.0, 1015.0)] == [0, 0, 0]
    assert windows.admit("k", 1052.5) == 7.5
    assert [windows.admit("k", 1060.0), windows.admit("k", 1060.0)] == [0, 10]
    assert windows.admit("another", 1060.0) == 0


def test_the_hour_ends_on_the_clock() -> None:
    windows = Windows(Settings(hour=2), {})

    assert [windows.admit("k", 7100.0 + second) for second in range(3)] == [0, 0, 98]
    assert windows.admit("k", 7200.0) == 0


def test_the_day_begins_with_the_keys_first_request() -> None:
    windows = Windows(Settings(day=2), {})

    assert [windows.admit("k", now) for now in (5000.0, 50_000.0, 86_400.0)] == [0, 0, 5000]
    assert windows.admit("k", 91_400.0) == 0


def test_the_longest_wait_is_told_and_nothing_refused_is_counted() -> None:
    spent: dict[str, Spent] = {}
    windows = Windows(Settings(minute=1, hour=1), spent)

    assert windows.admit("k", 3600.0) == 0
    assert [windows.admit("k", 3601.0) for _ in range(5)] == [3599] * 5
    assert (spent["k"].in_hour, spent["k"].in_day) == (1, 1)


def test_a_minute_may_last_longer_than_the_rest_of_its_hour() -> None:
    windows = Windows(Settings(minute=1, hour=1), {})

    assert [windows.admit("k", 7195.0), windows.admit("k", 7195.0)] == [0, 55]


def test_a_spent_window_is_a_429_without_a_header(tmp_path: Path) -> None:
    with serving(tmp_path / "sandbox.db", Settings(hour=1)) as url, connect(url) as api:
        first, second = api.get("/me"), api.post("/cases", json=a_body())
        rotated = api.get("/me", headers=as_account("sandbox:2"))

    assert (first.status_code, second.status_code, rotated.status_code) == (200, 429, 200)
    assert "Retry-After" not in second.headers
    assert second.json()["error"] == "rate_limit_exceeded"
    assert 0 < second.json()["retryAfter"] <= 3600
    assert isinstance(second.json()["retryAfter"], float)


def test_callers_without_a_key_share_one_window(tmp_path: Path) -> None:
    with serving(tmp_path / "sandbox.db", Settings(day=1)) as url, connect(url) as api:
        statuses = [api.get("/me", headers=as_account(key)).status_code for key in ("one", "two", "sandbox")]

    assert statuses == [401, 429, 200]


def test_windows_outlive_the_server(tmp_path: Path) -> None:
    statuses = []
    for _ in range(2):
        with serving(tmp_path / "sandbox.db", Settings(day=1)) as url, connect(url) as api:
            statuses.append(api.get("/me").status_code)

    assert statuses == [200, 429]


def test_the_store_tells_what_was_made(tmp_path: Path) -> None:
    database, body = tmp_path / "sandbox.db", json.dumps(a_body(creditorReference="R", isTest=True)).encode()
    with serving(database) as url, connect(url) as api:
        case = api.post("/cases", content=body, headers={"Content-Type": "application/json"}).json()

    assert Store(database).cases() == Store(database).cases("sandbox")
    assert Store(database).cases("sandbox-other") == []
    assert Store(database).cases() == [
        {
            "account": "sandbox",
            "id": case["id"],
            "reference": case["reference"],
            "creditorReference": "R",
            "amount": "5000.0",
            "currency": "EUR",
            "isTest": True,
            "lifecycle": "PendingVerificationInternal",
            "created": case["dateCreated"],
            "body": body,
        }
    ]


def test_the_database_is_its_owners_alone(sandbox: tuple[str, Path]) -> None:
    assert stat.S_IMODE(sandbox[1].stat().st_mode) == 0o600


def test_a_file_that_is_no_database_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "sandbox.db").write_text("no database, whatever its name says" * 99, encoding="ascii")

    with pytest.raises(sqlite3.DatabaseError), serving(tmp_path / "sandbox.db"):
        pass


def test_a_taken_port_is_an_error_and_leaves_nothing_running(sandbox: tuple[str, Path], tmp_path: Path) -> None:
    port = int(sandbox[0].rpartition(":")[2])

    with pytest.raises(OSError, match="in use"), serving(tmp_path / "sandbox.db", port=port):
        pass


def test_a_sandbox_hangs_up_at_its_end_on_whoever_has_just_come(tmp_path: Path) -> None:
    met: list[socket.socket] = []

    def keep_coming(address: tuple[str, int]) -> None:
        with suppress(ConnectionRefusedError):
            while True:
                met.append(socket.create_connection(address))

    with serving(tmp_path / "sandbox.db") as url:  # without the farewell, two runs of three leave somebody hanging
        comer = threading.Thread(target=keep_coming, args=(("127.0.0.1", int(url.rpartition(":")[2])),))
        comer.start()
    comer.join()
    for client in met:
        client.settimeout(5)
        with client, suppress(ConnectionResetError):
            assert client.recv(1) == b""


def test_a_sandbox_starts_and_stops_fast_and_without_a_word(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    begun, threads = time.monotonic(), threading.active_count()
    with serving(tmp_path / "sandbox.db") as url, connect(url) as api:
        api.get("/me")

    assert time.monotonic() - begun < 2
    assert capfd.readouterr() == ("", "")
    assert threading.active_count() == threads


def test_answers_do_not_wait_for_the_network_to_fill_a_packet(api: httpx.Client) -> None:
    begun = time.monotonic()
    for _ in range(50):
        api.get("/me")

    assert time.monotonic() - begun < 1.5  # seconds; 40 ms each without TCP_NODELAY


def test_an_unexpected_failure_is_answered_with_business_errors_alone(
    tmp_path: Path, break_ledger: Callable[[], None]
) -> None:
    with serving(tmp_path / "sandbox.db") as url, connect(url) as api:
        break_ledger()
        answer = api.post("/cases", json=a_body())

    assert answer.status_code == 500
    assert answer.json() == {
        "businessErrors": [{"type": "UnexpectedError", "message": "An unexpected error occurred.", "solutionUrl": None}]
    }


@pytest.fixture
def break_ledger(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    def fail(*_: object) -> None:
        raise RuntimeError("broken on purpose")

    return lambda: monkeypatch.setattr("importer.sandbox.store.Ledger.add", fail)


FOREVER = """
import sys
from pathlib import Path
from importer.sandbox import Settings, serve_forever
serve_forever(Path(sys.argv[1]), Settings(), 0, lambda url: print(url, flush=True))
"""


def test_an_interrupt_ends_it_cleanly(tmp_path: Path) -> None:
    command = [sys.executable, "-W", "error", "-c", FOREVER, str(tmp_path / "sandbox.db")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        with connect(process.stdout.readline().strip()) as api:
            assert api.get("/me").status_code == 200
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=10)

    assert (process.returncode, errors) == (0, "")


def test_importing_the_sandbox_imports_no_server() -> None:
    command = "import sys, importer.sandbox; print({'starlette', 'uvicorn', 'aiohttp'} & set(sys.modules))"
    printed = subprocess.run([sys.executable, "-c", command], capture_output=True, text=True, check=True).stdout

    assert printed == "set()\n"
