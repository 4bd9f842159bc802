"""The sandbox's cases move on: by the API's operation for test cases, and by an order of the sandbox's own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest

from importer.sandbox import serving
from importer.sandbox.lifecycle import LABELS, Story
from importer.sandbox.store import Ledger

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from importer.sandbox.lifecycle import Happening

NOBODY = "3fa85f64-5717-4562-b3fc-2c963f66afa6"


@pytest.fixture
def api(tmp_path: Path) -> Iterator[httpx.Client]:
    with (
        serving(tmp_path / "sandbox.db") as url,
        httpx.Client(base_url=url, headers={"XApiKey": "sandbox"}, trust_env=False) as client,
    ):
        yield client


def make(api: httpx.Client, *, is_test: bool = True, amount: float = 1000.5) -> dict[str, Any]:
    debtor = {"type": "Private", "name": "Jane Invented", "address": "Way 1", "city": "Aarhus", "countryAlpha2": "DK"}
    body = {"currencyCode": "EUR", "date": "2025-01-15", "amountToRecover": amount, "debtor": debtor, "isTest": is_test}
    made: dict[str, Any] = api.post("/cases", json=body).json()
    return made


def advance(api: httpx.Client, case: dict[str, Any], to: str, amount: float | None = None) -> httpx.Response:
    return api.post(f"/test/cases/{case['id']}/advance", json={"to": to, "amount": amount})


def look(api: httpx.Client, case: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = api.get(f"/cases/{case['id']}").json()
    return found


def test_a_test_case_becomes_active_and_is_paid_and_each_step_is_told_once(api: httpx.Client) -> None:
    case = make(api)

    assert advance(api, case, "Active").json() == {"advanced": True, "state": "Active"}
    assert advance(api, case, "Active").json() == {"advanced": False, "state": "Active"}
    assert advance(api, case, "Closed:Paid", 1000.5).json() == {"advanced": True, "state": "Closed:Paid"}
    assert advance(api, case, "Closed:Paid", 1000.5).json() == {"advanced": False, "state": "Closed:Paid"}
    assert advance(api, case, "Active").json() == {"advanced": False, "state": "Closed:Paid"}

    told = look(api, case)
    assert (told["lifecycle"], told["closeCode"], told["remainder"]) == ("Closed", "Paid", 0)
    assert told["dateCollectionStarted"] <= told["dateFinished"] == told["dateUpdated"]
    (payment,) = api.get(f"/cases/{case['id']}/payments").json()
    assert (payment["grossAmount"], payment["invoice"]["reference"]) == (1000.5, case["reference"])


def test_a_case_is_closed_without_a_payment_from_where_it_stands(api: httpx.Client) -> None:
    case = make(api)

    assert advance(api, case, "Closed:NoPayment").json() == {"advanced": True, "state": "Closed:NoPayment"}

    assert look(api, case)["closeCode"] == "Pre-Legal Exhausted – No Payment"
    assert advance(api, case, "Closed:Paid", 5).status_code == 400


@pytest.mark.parametrize(
    ("to", "amount", "is_test", "said"),
    [
        ("Paused", None, True, "no target state"),
        ("Closed:Paid", None, True, "positive amount"),
        ("Closed:Paid", -1, True, "positive amount"),
        ("Active", None, False, "Only test cases"),
    ],
)
def test_what_cannot_be_advanced_is_refused(
    api: httpx.Client, to: str, amount: float | None, said: str, *, is_test: bool
) -> None:
    answer = advance(api, make(api, is_test=is_test), to, amount)

    assert answer.status_code == 400
    assert said in answer.json()["message"]


def test_a_paused_case_cannot_be_advanced(api: httpx.Client) -> None:
    case = make(api)
    api.post(f"/sandbox/cases/{case['id']}", json={"lifecycle": "Paused"})

    assert "Paused cannot be advanced" in advance(api, case, "Active").json()["message"]


def test_a_case_of_another_account_is_not_found(api: httpx.Client) -> None:
    case = make(api)
    other = {"XApiKey": "sandbox-other"}

    assert api.post(f"/test/cases/{case['id']}/advance", json={"to": "Active"}, headers=other).status_code == 404
    assert api.get(f"/cases/{case['id']}/payments", headers=other).status_code == 404
    assert api.post(f"/sandbox/cases/{NOBODY}", json={}).status_code == 404
    assert api.post("/sandbox/cases/nothing", json={}).status_code == 404


def test_any_case_is_moved_by_order_in_the_words_of_the_api_or_of_its_labels(api: httpx.Client) -> None:
    case = make(api, is_test=False)

    for name, label in LABELS.items():
        assert api.post(f"/sandbox/cases/{case['id']}", json={"lifecycle": label}).json()["lifecycle"] == name

    listed = api.get("/cases", params={"Statuses": "Merged"}).json()["cases"]
    assert [found["id"] for found in listed] == [case["id"]]


def test_by_order_a_case_waits_for_signatures_or_details_and_says_so(api: httpx.Client) -> None:
    case = make(api, is_test=False)

    pending = api.post(f"/sandbox/cases/{case['id']}", json={"lifecycle": "PendingContractSigning"}).json()
    asked = api.post(f"/sandbox/cases/{case['id']}", json={"lifecycle": "More Info Required"}).json()

    assert pending["signingHandoff"]["combinedSigningUrl"].startswith("https://")
    assert (asked["signingHandoff"], asked["validation"]) == (None, {"needsInfo": True})


def test_fees_are_added_to_what_is_outstanding_and_payments_taken_from_it(api: httpx.Client) -> None:
    case = make(api, is_test=False, amount=100)

    api.post(f"/sandbox/cases/{case['id']}", json={"interestFees": 10.25, "collectionFees": 5})
    told = api.post(f"/sandbox/cases/{case['id']}", json={"payment": 107.25}).json()

    assert (told["totalAddedFees"], told["remainder"]) == (15.25, 8)
    assert told["allocationOutstanding"] == {"principal": 0, "interest": 3, "reminderFees": 0, "collectionFees": 5}
    by_remainder = api.get("/cases", params={"Sort": "Remainder:asc"}).json()["cases"]
    assert by_remainder[0]["remainder"] == 8


@pytest.mark.parametrize("body", [{"lifecycle": "Lost"}, {"payment": -1}, {"interestFees": "1"}, []])
def test_an_order_that_cannot_be_read_changes_nothing(api: httpx.Client, body: object) -> None:
    case = make(api)

    assert api.post(f"/sandbox/cases/{case['id']}", json=body).status_code == 400
    assert look(api, case) == case


def test_whoever_asked_is_told_of_each_change_in_order(tmp_path: Path) -> None:
    with serving(tmp_path / "sandbox.db") as url, httpx.Client(base_url=url, headers={"XApiKey": "sandbox"}) as client:
        case = make(client)
    told: list[Happening] = []
    ledger = Ledger(tmp_path / "sandbox.db")
    story = Story(ledger, lambda: 1_800_000_000.0, told.append)

    with ledger.transaction():
        stored = story.read("sandbox", case["id"])
        assert stored
        story.move("sandbox", stored, "Active")
        story.move("sandbox", stored, "Active")
        story.pay("sandbox", stored, stored["remainder"])
        story.move("sandbox", stored, "Closed")
    ledger.close()

    assert [(one.event, one.old, one.new) for one in told] == [
        ("case.updated", "PendingVerificationInternal", "Active"),
        ("payment.created", "Active", "Active"),
        ("case.updated", "Active", "Closed"),
        ("case.closed", "Active", "Closed"),
    ]
    assert told[-1].case["closeCode"] == "Paid"
