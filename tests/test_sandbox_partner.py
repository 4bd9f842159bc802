"""The sandbox's Collection Partner API: the cases that a partner collects, held to the published contract."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest

from importer.sandbox import Settings, serving
from importer.sandbox.assigned import SEEDED, seeded

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

START = {"welcomeMessage": "We have received your case.", "userEmail": "Agent@collectors.example"}
PATH = "PATCH /cases/{id}"


@pytest.fixture(params=[""])
def api(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[httpx.Client]:
    with (
        serving(tmp_path / "sandbox.db", Settings(reference_path=request.param)) as url,
        httpx.Client(base_url=f"{url}/collection-partner", headers={"XApiKey": "sandbox"}, trust_env=False) as client,
    ):
        yield client


def case(number: int) -> str:
    return seeded("sandbox", number)[0]


def start(api: httpx.Client, number: int, **changes: Any) -> httpx.Response:
    return api.post(f"/cases/{case(number)}/start", json=START | changes)


def test_a_partner_sees_its_cases_but_none_of_debituras_own_stages(api: httpx.Client) -> None:
    listed = api.get("/cases", params={"PageSize": 100}).json()

    assert listed["page"]["totalResults"] == len(SEEDED) == 12
    assert {found["id"] for found in listed["cases"]} == {case(number) for number in range(1, 13)}
    assert {found["lifecycle"] for found in listed["cases"]} == {"PendingVerification", "Active", "Paused", "Closed"}
    assert not [found for found in listed["cases"] if "collectionPartnerReference" in found]


def test_the_list_is_filtered_by_ids_and_statuses(api: httpx.Client) -> None:
    two = api.get("/cases", params={"Ids": f"{case(1)},{case(7)}", "includeTestCases": "true"}).json()
    waiting = api.get("/cases", params={"statuses": "PendingVerification"}).json()

    assert {found["id"] for found in two["cases"]} == {case(1), case(7)}
    assert waiting["page"]["totalResults"] == 6
    assert api.get("/cases", params={"Ids": "x"}).status_code == 400


def test_each_account_has_cases_of_its_own(api: httpx.Client) -> None:
    other = {"XApiKey": "sandbox-two"}

    assert api.get(f"/cases/{case(1)}", headers=other).status_code == 404
    assert api.get("/cases", headers=other).json()["page"]["totalResults"] == 12
    assert api.get("/cases", headers={"XApiKey": "nobody"}).status_code == 401
    assert api.get("/cases", headers={"XApiKey": "", "Authorization": "Bearer sandbox"}).status_code == 401


def test_a_case_is_found_by_id_and_by_every_reference(api: httpx.Client) -> None:
    id_, reference = seeded("sandbox", 9)
    creditor = api.get(f"/cases/{id_}").json()["creditor"]["id"]
    query = {"reference": "CLIENT-9", "creditorId": creditor}

    found = [
        api.get(f"/cases/{id_}"),
        api.get(f"/cases/case-reference/{reference}"),
        api.get("/cases/by-partner-reference/P-1009"),
        api.get("/cases/by-creditor-reference", params=query),
    ]

    assert [answer.json()["id"] for answer in found] == [id_] * 4
    assert api.get("/cases/by-creditor-reference", params={"reference": "CLIENT-9"}).status_code == 400
    assert api.get("/cases/by-creditor-reference", params=query | {"reference": "x"}).status_code == 404
    assert api.get("/cases/by-partner-reference/p-1009").status_code == 404
    assert api.get("/cases/x").status_code == 400


def test_references_are_looked_up_a_hundred_at_a_time_and_missing_ones_left_out(api: httpx.Client) -> None:
    path = "/cases/by-partner-reference"

    found = api.get(path, params={"references": "P-1009, none,P-1009"})

    assert {text: one["id"] for text, one in found.json().items()} == {"P-1009": case(9)}
    assert api.get(path).status_code == 400
    assert api.get(path, params={"references": ","}).status_code == 400
    assert api.get(path, params={"references": ",".join(map(str, range(101)))}).status_code == 400
    assert api.get(path, params={"references": ",".join(map(str, range(100)))}).json() == {}


def test_a_start_makes_the_case_active_and_echoes_what_is_stored(api: httpx.Client) -> None:
    answer = start(api, 1, collectionPartnerReference="  P-1 ", reminderFees=100.1)

    told = answer.json()
    assert answer.status_code == 200
    assert (told["caseId"], told["status"], told["collectionPartnerReference"]) == (case(1), "Active", "P-1")
    found = api.get("/cases/by-partner-reference/P-1").json()
    assert (found["id"], found["lifecycle"], found["reminderFees"]) == (case(1), "Active", 100.1)


def test_a_case_is_started_once(api: httpx.Client) -> None:
    first, second = start(api, 1), start(api, 1)

    assert (first.status_code, first.json()["collectionPartnerReference"], second.status_code) == (200, None, 400)
    assert second.json()["error"] == "InvalidCaseStatus"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"welcomeMessage": " "}, "WelcomeMessage"),
        ({"welcomeMessage": "x" * 5001}, "WelcomeMessage"),
        ({"userEmail": None}, "UserEmail"),
        ({"userEmail": "stranger@collectors.example"}, "UserEmail"),
        ({"assignedUserEmail": "stranger@collectors.example"}, "AssignedUserEmail"),
        ({"userId": case(1)}, "UserId"),
        ({"collectionPartnerReference": "x" * 129}, "CollectionPartnerReference"),
        ({"interestFees": -1}, "InterestFees"),
        ({"reminderFees": "1"}, "ReminderFees"),
    ],
)
def test_a_start_that_lacks_something_says_what(api: httpx.Client, changes: dict[str, Any], field: str) -> None:
    answer = start(api, 1, **changes)

    assert (answer.status_code, list(answer.json())) == (400, [field])
    assert api.get(f"/cases/{case(1)}").json()["lifecycle"] == "PendingVerification"


def test_a_start_takes_the_limits_and_an_id_of_the_team(api: httpx.Client) -> None:
    user = api.get("/users").json()[0]["id"]
    most = {"collectionPartnerReference": "x" * 128, "welcomeMessage": "x" * 5000}

    assert start(api, 1, userEmail=None, userId=user, **most).status_code == 200


def test_only_ones_own_cases_can_be_started(api: httpx.Client) -> None:
    strange = seeded("sandbox-two", 1)[0]

    assert api.post(f"/cases/{strange}/start", json=START).status_code == 404
    assert api.post(f"/cases/{case(1)}/start", content=b"[").status_code == 400


def test_nothing_changes_a_reference_unless_it_is_ordered(api: httpx.Client) -> None:
    answer = api.patch(f"/cases/{case(7)}", json={"collectionPartnerReference": "P-7"})

    assert (answer.status_code, answer.content) == (405, b"")


@pytest.mark.parametrize("api", [PATH], indirect=True)
def test_an_ordered_operation_changes_and_clears_a_reference_and_cases_tell_it(api: httpx.Client) -> None:
    def told() -> object:
        return api.get(f"/cases/{case(9)}").json()["collectionPartnerReference"]

    before = told()
    changed = api.patch(f"/cases/{case(9)}", json={"collectionPartnerReference": " NEW "}).json()
    after = told()
    api.patch(f"/cases/{case(9)}", json={"collectionPartnerReference": ""})

    assert (before, changed["collectionPartnerReference"], after, told()) == ("P-1009", "NEW", "NEW", None)
    assert api.patch(f"/cases/{case(9)}", json={}).status_code == 400
    assert api.patch(f"/cases/{case(9)}", json={"collectionPartnerReference": "x" * 129}).status_code == 400
