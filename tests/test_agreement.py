"""Two independent readings of one contract, held against each other: our schema and the sandbox's rules."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow as pa
import pytest

import schemas
from importer.check import check
from importer.model import Matching, Table
from importer.parse import parse
from importer.sandbox import managed, rules

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

TODAY = date(2026, 11, 21)
TEXT = pd.ArrowDtype(pa.string())
CONTEXT = schemas.Context(TODAY)
GOOD = {
    "creditorReference": "INV-1",
    "currencyCode": "EUR",
    "date": "2026-01-15",
    "dueDate": "2026-02-15",
    "amountToRecover": "5000.00",
    "debtor.type": "Company",
    "debtor.name": "Example GmbH",
    "debtor.address": "Hauptstrasse 1",
    "debtor.city": "Berlin",
    "debtor.countryAlpha2": "DE",
}
CREDITOR = {"creditorCompanyName": "Example Bakery ApS", "creditorCountryAlpha2": "DK"}
# What we refuse as our own policy, or because a cell cannot become a value: the API never sees it.
OURS = {"reference-missing", "reference-duplicate", "not-a-number", "not-a-date", "not-a-uuid", "not-a-boolean"}
WORDS = {"Person", "person", "B2B", "b2c", "Business", "Consumer"}  # read as what they mean before they are sent


Row = dict[str, str]
Change = dict[str, str]


@dataclass(frozen=True)
class Contract:
    """What one operation of the API takes, in two readings.

    Attributes:
        target: Our reading.
        judge: The sandbox's.
        good: A row without fault.
        edges: Code → a row that breaks its rule, and one that just passes; what is not named is as in *good*.
        required: Fields without which a row is refused.
        odd: Field → texts to try in it.
    """

    target: schemas.Target
    judge: Callable[[dict[str, Any], date], Mapping[str, Any]]
    good: Row
    edges: Mapping[str, tuple[Change, Change]]
    required: tuple[str, ...]
    odd: Mapping[str, list[str]]


def codes_of(contract: Contract, rows: list[Row]) -> tuple[list[set[str]], list[set[str]], pd.DataFrame]:
    """Judge *rows* by our schema: the codes of errors and of warnings in each, and the values."""
    target = contract.target
    names = list(target.FIELDS)
    cells = pd.DataFrame(
        {number: pd.Series([row.get(name) for row in rows], dtype=TEXT) for number, name in enumerate(names)}
    )
    cells.index = pd.RangeIndex(2, 2 + len(rows), name="row")
    table = Table(Path("rows.csv"), tuple(names), cells, {}, {}, (), "")
    matching = Matching({name: number for number, name in enumerate(names)}, {}, (), {})
    parsed = parse(table, matching, target, decimal="point", order="ymd")
    headers = {name: name for name in names}
    found = check(parsed.values, parsed.unreadable, parsed.texts, headers, target, CONTEXT)
    errors: list[set[str]] = [set() for _ in rows]
    warnings: list[set[str]] = [set() for _ in rows]
    for issues in (parsed.issues, found):
        for row, severity, code in issues[["row", "severity", "code"]].itertuples(index=False):
            (errors if severity == "error" else warnings)[row - 2].add(code)
    return errors, warnings, parsed.values


def naive_body(row: dict[str, str]) -> dict[str, Any]:
    """Build a request as a sender would who judges nothing: texts as they are, numbers where they can be read."""
    body: dict[str, Any] = {"debtor": {}}
    for name, text in row.items():
        value: object = text.strip()
        if not value:
            continue
        if name.startswith("amount"):
            try:
                value = Decimal(str(value))
            except InvalidOperation:
                continue
        if name.startswith("debtor."):
            body["debtor"][name.removeprefix("debtor.")] = value
        else:
            body[name] = value
    return body


def sent_bodies(contract: Contract, values: pd.DataFrame) -> list[dict[str, Any]]:
    return list(contract.target.payload(values, test=False, allow_pending_contracts=False))


def judge_sent(contract: Contract, values: pd.DataFrame, number: int) -> Mapping[str, Any]:
    return contract.judge(sent_bodies(contract, values.iloc[[number]])[0], TODAY)


def judge_naive(contract: Contract, row: Row) -> Mapping[str, Any]:
    return contract.judge(naive_body(row), TODAY)


DAY = timedelta(days=1)
# Code → a row that breaks its rule, and one that just passes; what is not named is as in GOOD.
COMMON_EDGES: dict[str, tuple[Change, Change]] = {
    "currency-unknown": ({"currencyCode": "EUX"}, {"currencyCode": "eur"}),
    "date-in-future": ({"date": f"{TODAY + DAY}", "dueDate": ""}, {"date": f"{TODAY}", "dueDate": ""}),
    "due-before-date": ({"dueDate": "2026-01-14"}, {"dueDate": "2026-01-15"}),
    "due-in-future": ({"dueDate": f"{TODAY + DAY}"}, {"dueDate": f"{TODAY}"}),
    "amount-not-positive": ({"amountToRecover": "0"}, {"amountToRecover": "0.01"}),
    "reference-too-long": ({"creditorReference": "é" * 51}, {"creditorReference": "é" * 50}),
    "text-too-long": ({"comments": "x" * 4001}, {"comments": "x" * 4000, "claimDescription": "y" * 4000}),
    "country-missing": ({"debtor.countryAlpha2": ""}, {"debtor.countryAlpha2": "", "debtor.country": "Germany"}),
    "country-unknown": ({"debtor.countryAlpha2": "ZZ"}, {"debtor.countryAlpha2": "dk"}),
    "state-unknown": (
        {"debtor.countryAlpha2": "US", "debtor.state": "Calif"},
        {"debtor.countryAlpha2": "US", "debtor.stateAlpha2": "US-CA"},
    ),
    "debtor-type-unknown": ({"debtor.type": "Alien"}, {"debtor.type": "pRIVATE"}),
}
CUSTOMER_EDGES: dict[str, tuple[Change, Change]] = {
    "state-missing": ({"debtor.countryAlpha2": "US"}, {"debtor.countryAlpha2": "US", "debtor.state": "california"}),
    "age-buckets-incomplete": (
        {"amountToRecoverOver12Months": "10"},
        {"amountToRecoverOver12Months": "10", "amountToRecoverOver24Months": "0"},
    ),
    "age-bucket-negative": (
        {"amountToRecoverOver12Months": "10", "amountToRecoverOver24Months": "-0.01"},
        {"amountToRecoverOver12Months": "0", "amountToRecoverOver24Months": "0"},
    ),
    "age-buckets-order": (
        {"amountToRecoverOver12Months": "10", "amountToRecoverOver24Months": "10.01"},
        {
            "amountToRecoverOver6Months": "5000",
            "amountToRecoverOver12Months": "5000",
            "amountToRecoverOver24Months": "5000",
        },
    ),
}
MANAGED_EDGES: dict[str, tuple[Change, Change]] = {
    "creditor-missing": ({"creditorCompanyName": ""}, {"creditorCountryAlpha2": "", "creditorCountry": "Denmark"}),
    "contact-missing": ({"debtor.contactPerson": ""}, {"debtor.contactPerson": "", "debtor.type": "Private"}),
}
CREDITORS = {
    "creditorCompanyName": ["", " ", "Acme", "Ü"],
    "creditorCountryAlpha2": ["", "dk", "ZZ", "DEN", "ß"],
    "creditorCountry": ["", "Denmark", "denmark", "Denmrk", "Sweden"],
    "debtor.contactPerson": ["", " ", "Bo"],
}
REQUIRED = ("currencyCode", "date", "amountToRecover", "debtor.type", "debtor.name")
STATES = [
    "CA",
    "us-ny",
    "PR",
    "DC",
    "GU",
    "XX",
    "California",
    "UM",
    "AS",
    "Puerto Rico",
    "US-VI",
    "U.S. Virgin Islands",
]
ODD = {
    "currencyCode": ["EUR", "usd", "DKK", "XXX", "EU", "€", "", "EURO", "JPY", "ıdr"],
    "date": ["2026-11-21", "2026-11-22", "1999-12-31", "2024-02-29", "", "2026-13-01", "01/02/2026"],
    "dueDate": ["", "2026-11-21", "2026-11-22", "2026-01-14", "2026-01-15", "soon"],
    "amountToRecover": ["0", "-1", "0.001", "1e3", "99999999999.99", "", "12,5", "5000", "0.00"],
    "amountToRecoverOver6Months": ["", "", "10", "5000", "5000.01", "-1"],
    "amountToRecoverOver12Months": ["", "", "10", "4000", "0", "-1"],
    "amountToRecoverOver24Months": ["", "", "10", "4000.01", "0", "-1"],
    "creditorReference": ["a/b", "x" * 50, "x" * 51, "ü" * 50, " INV-2 ", ""],
    "creditorDivisionId": ["", "3fa85f64-5717-4562-b3fc-2c963f66afa6", "division"],
    "debtor.type": ["company", "PRIVATE", "Person", "B2B", "", "Alien", "Company "],
    "debtor.name": ["NA", "=1+1", "", "  ", "Ü"],
    "debtor.address": ["", " ", "x"],
    "debtor.city": ["", " ", "x"],
    "debtor.countryAlpha2": ["", "US", "us", "ZZ", "GB", "UK", "DEU", "XK", "ß"],
    "debtor.country": ["", "Germany", "germany", "Germny", "United States", "Denmark", "Czechia", "Russia"],
    "debtor.stateAlpha2": ["", "CA", "us-ny", "PR", "DC", "XX", "California", "UM"],
    "debtor.state": ["", "california", "Calif", "New York", "Guam", "Bavaria"],
    "debtor.email": ["", "a@b.de", "nobody"],
    "comments": ["", "x" * 4000, "x" * 4001, "a\nb"],
}
CUSTOMER = Contract(
    schemas.load("customer"),
    rules.judge,
    GOOD,
    COMMON_EDGES | CUSTOMER_EDGES,
    (*REQUIRED, "debtor.address", "debtor.city"),
    ODD,
)
MANAGED = Contract(
    schemas.load("managed"),
    managed.judge,
    GOOD | CREDITOR | {"debtor.contactPerson": "Erika Beispiel"},
    COMMON_EDGES | MANAGED_EDGES,
    REQUIRED,
    {name: texts for name, texts in ODD.items() if name in schemas.load("managed").FIELDS} | CREDITORS,
)
CONTRACTS = (CUSTOMER, MANAGED)


@pytest.mark.parametrize(
    ("contract", "code"),
    [(contract, code) for contract in CONTRACTS for code in contract.edges],
    ids=lambda value: value.target.NAME if isinstance(value, Contract) else value,
)
def test_a_row_that_breaks_a_rule_is_refused_here_and_there_and_one_that_just_passes_is_not(
    contract: Contract, code: str
) -> None:
    broken, passing = ({**contract.good, **change} for change in contract.edges[code])
    if broken["creditorReference"] == passing["creditorReference"]:
        passing["creditorReference"] = "INV-2"

    (errors, passed), _, values = codes_of(contract, [broken, passing])

    assert errors == {code}
    assert judge_naive(contract, broken)
    assert passed == set()
    assert judge_sent(contract, values, 1) == {}


def test_the_address_of_an_assigned_user_has_its_own_limit_here_and_there() -> None:
    broken, passing = ({"assignedUserEmail": "x" * length + "@example.com"} for length in (309, 308))
    rows = [{**GOOD, **broken}, {**GOOD, **passing, "creditorReference": "INV-2"}]

    errors, _, values = codes_of(CUSTOMER, rows)

    assert errors == [{"text-too-long"}, set()]
    assert judge_naive(CUSTOMER, rows[0])
    assert judge_sent(CUSTOMER, values, 1) == {}


@pytest.mark.parametrize(
    ("contract", "name"),
    [(contract, name) for contract in CONTRACTS for name in contract.required],
    ids=lambda value: value.target.NAME if isinstance(value, Contract) else value,
)
def test_a_row_without_a_required_field_is_refused_here_and_there(contract: Contract, name: str) -> None:
    row = {**contract.good, name: "  "}

    (errors,), _, _ = codes_of(contract, [row])

    assert errors == {"required"}
    assert judge_naive(contract, row)


@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda contract: contract.target.NAME)
def test_warnings_keep_nothing_from_being_sent(contract: Contract) -> None:
    change = {
        "amountToRecover": "10.001",
        "debtor.country": "France",
        "debtor.email": "nobody",
        "debtor.phone": "123",
    }

    (errors,), (warnings,), values = codes_of(contract, [{**contract.good, **change}])

    assert errors == set()
    assert warnings == {"amount-too-precise", "country-mismatch", "email-malformed", "phone-without-country"}
    assert judge_sent(contract, values, 0) == {}


def test_a_managed_case_may_lack_the_debtors_address_city_and_state() -> None:
    change = {"debtor.address": "", "debtor.city": "", "debtor.countryAlpha2": "US"}

    (errors,), (warnings,), values = codes_of(MANAGED, [{**MANAGED.good, **change}])

    assert (errors, warnings) == (set(), {"required", "state-missing"})
    assert judge_sent(MANAGED, values, 0) == {}


def random_row(contract: Contract, choose: random.Random) -> Row:
    """Make a row that is mostly right, and at the edge of a rule or two where it is not."""
    edges = [change for pair in contract.edges.values() for change in pair]
    odd = contract.odd
    row = dict(contract.good)
    for _ in range(choose.choice([0, 1, 1, 2, 3])):
        if choose.random() < 0.4:
            row |= choose.choice([*edges, {"debtor.countryAlpha2": "US", "debtor.stateAlpha2": choose.choice(STATES)}])
        else:
            name = choose.choice(list(odd))
            row[name] = choose.choice(odd[name])
    return row


def disagreements(contract: Contract, rows: list[Row]) -> Counter[str]:
    errors, _, values = codes_of(contract, rows)
    found: Counter[str] = Counter()
    sent = iter(sent_bodies(contract, values[[not codes for codes in errors]]))
    for row, codes in zip(rows, errors, strict=True):
        if not codes:
            refused = contract.judge(next(sent), TODAY)
            if refused:
                found[f"we send what the sandbox refuses: {refused}"] += 1
        elif codes - OURS and not judge_naive(contract, row):
            found[f"we refuse what the sandbox takes: {codes}"] += 1
    return found


@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda contract: contract.target.NAME)
def test_what_we_call_valid_the_sandbox_accepts_and_what_we_call_invalid_it_refuses(contract: Contract) -> None:
    choose = random.Random(20261121)  # noqa: S311 - a seed, so that a failure can be seen again
    rows = [random_row(contract, choose) for _ in range(6_000)]
    for number, row in enumerate(rows):
        if row["creditorReference"] == "INV-1":
            row["creditorReference"] = f"INV-{number}"

    errors, _, _ = codes_of(contract, rows)

    assert 1_000 < sum(not codes for codes in errors) < 5_000
    assert set().union(*errors) >= set(contract.edges)
    assert disagreements(contract, rows) == Counter()


@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda contract: contract.target.NAME)
def test_words_for_a_kind_of_debtor_are_read_as_what_they_mean(contract: Contract) -> None:
    rows = [{**contract.good, "creditorReference": word, "debtor.type": word} for word in sorted(WORDS)]

    errors, _, values = codes_of(contract, rows)

    assert errors == [set()] * len(rows)
    assert all(judge_sent(contract, values, number) == {} for number in range(len(rows)))
