from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from importer.sandbox.lists import find_country, find_state
from importer.sandbox.rules import BUCKETS, DEBTOR_MEMBERS, judge, read_day, read_number

TODAY = date(2026, 11, 21)
OVER_6, OVER_12, OVER_24 = BUCKETS
MEMBERS = [
    "currencyCode",
    "date",
    "dueDate",
    "amountToRecover",
    *BUCKETS,
    "creditorReference",
    "claimDescription",
    "comments",
    "creditorDivisionId",
    "collectionPartnerId",
    "skipDebituraVerification",
    "skipCreationEmails",
    "allowPendingContracts",
    "isTest",
    "tag",
    "assignedUserEmail",
    "returnUrl",
    "debtor",
]


def a_body(**members: object) -> dict[str, object]:
    """Give an acceptable body; *members* replace its own, `debtor_…` those of the debtor, and `...` leaves one out."""
    debtor: dict[str, object] = {
        "type": "Company",
        "name": "Example GmbH",
        "address": "Hauptstrasse 1",
        "city": "Berlin",
        "countryAlpha2": "DE",
    }
    debtor |= {name.removeprefix("debtor_"): value for name, value in members.items() if name.startswith("debtor_")}
    body: dict[str, object] = {
        "currencyCode": "EUR",
        "date": "2026-01-15",
        "amountToRecover": Decimal("5000.00"),
        "debtor": {name: value for name, value in debtor.items() if value is not ...},
    }
    body |= {name: value for name, value in members.items() if not name.startswith("debtor_")}
    return {name: value for name, value in body.items() if value is not ...}


ACCEPTED: dict[str, dict[str, Any]] = {
    "no due date": {},
    "a case of today, due today": {"date": "2026-11-21", "dueDate": "2026-11-21"},
    "a day with a time": {"date": "2026-01-15T23:59:59Z"},
    "a due date on the case's date": {"dueDate": "2026-01-15"},
    "a cent": {"amountToRecover": Decimal("0.01")},
    "a whole number": {"amountToRecover": 1},
    "a reference of 50 characters": {"creditorReference": "é" * 50},
    "a description of 4000 characters": {"claimDescription": "x" * 4000, "comments": "x" * 4000},
    "a currency in small letters": {"currencyCode": "eur"},
    "members that are null": {"dueDate": None, "creditorReference": None, OVER_12: None, "isTest": None},
    "unknown members": {"colour": {"of": ["money"]}, "debtor_shoeSize": 43},
    "a type in any case": {"debtor_type": "pRIVATE"},
    "a country's short name": {"debtor_countryAlpha2": ..., "debtor_country": "Viet Nam"},
    "a country's official name": {"debtor_countryAlpha2": None, "debtor_country": "Federal Republic of Germany"},
    "alpha-2 before a wrong name": {"debtor_country": "Nowhere"},
    "a state's code": {"debtor_countryAlpha2": "US", "debtor_stateAlpha2": "CA"},
    "a state's ISO code": {"debtor_countryAlpha2": "US", "debtor_stateAlpha2": "us-ca"},
    "a state's name as its code": {"debtor_countryAlpha2": "US", "debtor_stateAlpha2": "California"},
    "a state's name": {"debtor_countryAlpha2": "US", "debtor_state": "cALIFORNIA"},
    "a state of another country": {"debtor_stateAlpha2": "ZZ", "debtor_state": "Bavaria"},
    "all buckets": {OVER_6: 5000, OVER_12: 4000, OVER_24: 4000},
    "two buckets": {OVER_12: 10, OVER_24: 0},
    "identifiers": {"creditorDivisionId": "3FA85F64-5717-4562-b3fc-2c963f66afa6"},
}


@pytest.mark.parametrize("members", ACCEPTED.values(), ids=ACCEPTED)
def test_what_the_documents_allow_is_accepted(members: dict[str, Any]) -> None:
    assert judge(a_body(**members), TODAY) == {}


REFUSED: dict[str, tuple[dict[str, Any], dict[str, list[str]]]] = {
    "no currency": ({"currencyCode": " "}, {"currencyCode": ["The currencyCode field is required."]}),
    "an unknown currency": ({"currencyCode": "XYZ"}, {"currencyCode": ["Invalid currency code: XYZ"]}),
    "no date": ({"date": ...}, {"date": ["The date field is required."]}),
    "a date tomorrow": ({"date": "2026-11-22"}, {"date": ["Case date cannot be in the future"]}),
    "due before the date": (
        {"dueDate": "2026-01-14"},
        {"dueDate": ["Due date cannot be earlier than the case date"]},
    ),
    "due tomorrow": ({"dueDate": "2026-11-22"}, {"dueDate": ["Due date must be in the past"]}),
    "no amount": ({"amountToRecover": ...}, {"amountToRecover": ["Case total must be a positive amount"]}),
    "nothing to recover": ({"amountToRecover": 0}, {"amountToRecover": ["Case total must be a positive amount"]}),
    "a negative amount": ({"amountToRecover": -1}, {"amountToRecover": ["Case total must be a positive amount"]}),
    "a reference of 51 characters": (
        {"creditorReference": "x" * 51},
        {"creditorReference": ["Creditor reference cannot exceed 50 characters"]},
    ),
    "4001 characters of comments": (
        {"comments": "x" * 4001},
        {"comments": ["The field comments must be a string with a maximum length of 4000."]},
    ),
    "4001 characters of description": (
        {"claimDescription": "x" * 4001},
        {"claimDescription": ["The field claimDescription must be a string with a maximum length of 4000."]},
    ),
    "no debtor": ({"debtor": None}, {"debtor": ["Debtor information is required"]}),
    "a debtor's unknown type": ({"debtor_type": "Person"}, {"debtor.type": ["Invalid debtor type"]}),
    "no type": ({"debtor_type": ...}, {"debtor.type": ["Debtor type is required"]}),
    "no name": ({"debtor_name": "\t"}, {"debtor.name": ["Debtor name is required"]}),
    "no address": ({"debtor_address": ...}, {"debtor.address": ["Debtor address is required"]}),
    "no city": ({"debtor_city": ""}, {"debtor.city": ["Debtor city is required"]}),
    "no country": (
        {"debtor_countryAlpha2": ...},
        {"debtor.countryAlpha2": ["A country is required: provide countryAlpha2 or country"]},
    ),
    "an unknown country": ({"debtor_countryAlpha2": "ZZ"}, {"debtor.countryAlpha2": ["Invalid country code: ZZ"]}),
    "a wrong code before a right name": (
        {"debtor_countryAlpha2": "ZZ", "debtor_country": "Germany"},
        {"debtor.countryAlpha2": ["Invalid country code: ZZ"]},
    ),
    "a country's name in its own language": (
        {"debtor_countryAlpha2": ..., "debtor_country": "Deutschland"},
        {"debtor.country": ["Invalid country name: Deutschland. Use countryAlpha2 instead"]},
    ),
    "no state": (
        {"debtor_countryAlpha2": "US"},
        {"debtor.stateAlpha2": ["A state code (e.g. CA, NY, TX) is required for US debtors"]},
    ),
    "an abbreviated state": (
        {"debtor_countryAlpha2": "US", "debtor_state": "Calif"},
        {"debtor.stateAlpha2": ["A state code (e.g. CA, NY, TX) is required for US debtors"]},
    ),
    "an unknown state's code": (
        {"debtor_countryAlpha2": "US", "debtor_stateAlpha2": "ZZ", "debtor_state": "California"},
        {"debtor.stateAlpha2": ["Invalid state code: ZZ"]},
    ),
    "over 12 months alone": ({OVER_12: 1}, {OVER_24: [f"{OVER_12} and {OVER_24} must be provided together"]}),
    "over 24 months alone": ({OVER_24: 1}, {OVER_12: [f"{OVER_24} and {OVER_12} must be provided together"]}),
    "over 6 months alone": (
        {OVER_6: 1},
        {OVER_6: [f"{OVER_6} can only be provided alongside {OVER_12} and {OVER_24}"]},
    ),
    "a negative bucket": ({OVER_12: 1, OVER_24: -1}, {OVER_24: [f"{OVER_24} cannot be negative"]}),
    "24 above 12": ({OVER_12: 1, OVER_24: 2}, {OVER_24: [f"{OVER_24} cannot be greater than {OVER_12}"]}),
    "12 above 6": (
        {OVER_6: 1, OVER_12: 2, OVER_24: 1},
        {OVER_12: [f"{OVER_12} cannot be greater than {OVER_6}"]},
    ),
    "6 above the total": (
        {OVER_6: 5001, OVER_12: 1, OVER_24: 1},
        {OVER_6: [f"{OVER_6} cannot be greater than amountToRecover"]},
    ),
    "12 above the total": (
        {OVER_12: 5001, OVER_24: 1},
        {OVER_12: [f"{OVER_12} cannot be greater than amountToRecover"]},
    ),
}


@pytest.mark.parametrize(("members", "messages"), REFUSED.values(), ids=REFUSED)
def test_what_breaks_a_rule_is_refused_with_its_words(members: dict[str, Any], messages: dict[str, list[str]]) -> None:
    assert judge(a_body(**members), TODAY) == messages


WRONG_TYPES: dict[str, Any] = {
    "currencyCode": 1,
    "date": "15/01/2026",
    "dueDate": "2026-02-30",
    "amountToRecover": "5000",
    OVER_12: True,
    "creditorReference": "\ud800",
    "creditorDivisionId": "{3fa85f64-5717-4562-b3fc-2c963f66afa6}",
    "isTest": "yes",
    "debtor": [],
    "debtor.name": 5,
}


@pytest.mark.parametrize("member", WRONG_TYPES)
def test_a_value_of_the_wrong_type_is_told_once(member: str) -> None:
    value = WRONG_TYPES[member]
    members = {member.replace(".", "_"): value} | ({OVER_24: 0} if member == OVER_12 else {})

    found = judge(a_body(**members), TODAY)

    assert list(found) == [member]
    assert len(found[member]) == 1
    assert found[member][0].startswith("The JSON value could not be converted")


def test_all_faults_of_a_body_are_told_at_once() -> None:
    found = judge({"dueDate": "2999-01-01", "debtor": {"type": "Robot"}}, TODAY)

    assert set(found) == {
        "currencyCode",
        "amountToRecover",
        "date",
        "dueDate",
        "debtor.type",
        "debtor.name",
        "debtor.address",
        "debtor.city",
        "debtor.countryAlpha2",
    }


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.decimals()
    | st.text(st.characters(exclude_categories=()))
    | st.dates().map(str),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.sampled_from(DEBTOR_MEMBERS), children),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from(MEMBERS), json_values))
def test_no_value_whatever_makes_the_judge_stumble(body: dict[str, object]) -> None:
    assert all(messages for messages in judge(body, TODAY).values())


@given(st.sampled_from(MEMBERS), json_values)
def test_one_strange_value_in_a_good_body_makes_no_judge_stumble(member: str, value: object) -> None:
    judge(a_body(**{member: value}), TODAY)


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (1, Decimal(1)),
        (0.1, Decimal("0.1")),
        (Decimal("1e-999999999"), Decimal(0)),
        (Decimal("7e28"), Decimal("7e28")),
        (Decimal("8e28"), None),
        (10**400, None),
        (float("nan"), None),
        (Decimal("-Infinity"), None),
        (False, None),
        ("1", None),
    ],
)
def test_a_number_is_read_exactly_or_not_at_all(value: object, number: Decimal | None) -> None:
    assert read_number(value) == number


@pytest.mark.parametrize("text", ["2026-1-5", "20260105", "2026-01-05 10:00", "0000-01-01", "２０２６-01-01", "", None])
def test_a_day_has_one_form(text: str | None) -> None:
    assert read_day(text) is None


def test_letters_that_only_turn_into_ascii_are_no_code() -> None:
    assert find_country("ß", "") is None
    assert find_state("ﬂ", "") is None  # a ligature whose capitals are Florida's
