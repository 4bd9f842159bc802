"""What the schemas package offers: fields and their headings, requests, geography, and rules at scale."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow as pa
import pytest

import schemas
from importer.match import match
from schemas import geography, judging, rules

if TYPE_CHECKING:
    from collections.abc import Sequence

TARGET = schemas.load("customer")
TEXT = pd.ArrowDtype(pa.string())
TYPES = {
    "text": pa.string(),
    "uuid": pa.string(),
    "amount": pa.decimal128(38, 18),
    "date": pa.date32(),
    "boolean": pa.bool_(),
}
ROW = {
    "creditorReference": "INV-1",
    "currencyCode": "eur",
    "date": date(2026, 1, 15),
    "amountToRecover": Decimal(5000),
    "debtor.type": "b2b",
    "debtor.name": "Example GmbH",
    "debtor.address": "Hauptstrasse 1",
    "debtor.city": "Berlin",
    "debtor.country": "germany",
}
TEMPLATE = (
    "InvoiceNumber*,DebtorName*,Address*,PostalCode*,City*,State,Country*,Email,PhoneNumber,InvoiceDate*,DueDate,"
    "PrincipalAmount*,CurrencyCode*,DebtorContactPerson"
)


def requests(*changes: dict[str, object], test: bool = False, pending: bool = False) -> list[dict[str, Any]]:
    """Build the requests of rows that differ from ROW."""
    rows = [ROW | change for change in changes]
    values = pd.DataFrame(
        {
            name: pd.Series([row.get(name) for row in rows], dtype=pd.ArrowDtype(TYPES[field.kind]))
            for name, field in TARGET.FIELDS.items()
        }
    )
    return list(TARGET.payload(values, test=test, allow_pending_contracts=pending))


def texts(cells: Sequence[str | None], start: int = 2) -> pd.Series:
    return pd.Series(cells, pd.RangeIndex(start, start + len(cells)), TEXT)


def test_a_request_has_codes_in_their_form_and_no_blank_member() -> None:
    assert requests({}) == [
        {
            "creditorReference": "INV-1",
            "currencyCode": "EUR",
            "date": "2026-01-15",
            "amountToRecover": Decimal(5000),
            "debtor": {
                "type": "Company",
                "name": "Example GmbH",
                "address": "Hauptstrasse 1",
                "city": "Berlin",
                "countryAlpha2": "DE",
            },
        }
    ]


def test_a_request_asks_for_a_test_case_and_for_pending_contracts_only_when_told() -> None:
    (asked,) = requests({}, test=True, pending=True)

    assert (asked["isTest"], asked["allowPendingContracts"]) == (True, True)


def test_each_row_has_its_own_members() -> None:
    first, second = requests({"comments": "late", "skipDebituraVerification": True}, {"dueDate": date(2026, 2, 1)})

    assert (first["comments"], first["skipDebituraVerification"], "dueDate" in first) == ("late", True, False)
    assert (second["dueDate"], "comments" in second) == ("2026-02-01", False)


@pytest.mark.parametrize(
    ("state", "sent"),
    [
        ({"debtor.stateAlpha2": "us-ca"}, {"stateAlpha2": "CA"}),
        ({"debtor.state": "new york"}, {"stateAlpha2": "NY"}),
        ({"debtor.stateAlpha2": "CA", "debtor.state": "California"}, {"stateAlpha2": "CA"}),
    ],
)
def test_a_state_of_the_united_states_is_sent_as_two_letters(state: dict[str, object], sent: dict[str, str]) -> None:
    (request,) = requests({"debtor.country": "US", **state})

    assert {name: text for name, text in request["debtor"].items() if name.startswith("state")} == sent


def test_a_region_of_another_country_is_sent_as_it_is() -> None:
    (request,) = requests({"debtor.state": "Bavaria"})

    assert request["debtor"]["state"] == "Bavaria"


@pytest.mark.parametrize(
    ("amount", "sent"),
    [
        ("85062.420000", "85062.42"),
        ("0.125", "0.125"),
        ("7", "7.00"),
        ("9999999999999999999.999999999999999999", "9999999999999999999.999999999999999999"),
    ],
)
def test_an_amount_is_sent_to_the_last_digit_without_zeros_at_its_end(amount: str, sent: str) -> None:
    (request,) = requests({"amountToRecover": Decimal(amount)})

    assert str(request["amountToRecover"]) == sent


def test_every_heading_of_the_portals_template_maps_by_itself() -> None:
    matching = match(TEMPLATE.split(","), TARGET, mapping={}, constants={"debtor.type": "Company"})

    assert matching.unmapped == ()
    assert len(matching.columns) == TEMPLATE.count(",") + 1


def test_no_heading_means_two_fields() -> None:
    headings = [
        heading
        for field in TARGET.FIELDS.values()
        for heading in {"".join(filter(str.isalnum, text.casefold())) for text in (field.name, *field.aliases)}
    ]

    assert len(set(headings)) == len(headings)
    assert "number" not in headings


def test_the_schema_has_a_column_for_every_field() -> None:
    columns = {name for name in TARGET.Schema.to_schema().columns if "@" not in name}

    assert columns == set(TARGET.FIELDS)


@pytest.mark.parametrize("text", ["ß", "ﬁ"])
def test_a_sign_that_only_folds_into_a_code_is_no_country(text: str) -> None:
    assert geography.find_country(text) is None


def test_codes_of_currencies_and_states_are_ascii() -> None:
    assert geography.find_digits("ıdr") is None
    assert geography.find_state("ſc") is None
    assert geography.find_country("åland islands") == "AX"


def test_near_misses_are_looked_for_among_the_first_distinct_values_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judging, "SUGGESTED", 2)
    column = texts(["Germny", None, "Germny", "Frnce", "Spian"])

    said = judging.details(
        "country-unknown", "debtor.country", pd.Series(column.index), pd.DataFrame({"debtor.country": column})
    )

    assert said == [" Is it DE?", "", " Is it DE?", " Is it FR?", ""]


def test_a_hundred_thousand_copies_of_one_reference_are_named_without_comparing_each_with_each() -> None:
    column = texts(["INV-1"] * 100_000)

    said = rules.other_rows(column, column.index)

    assert (said[0], said[6], said[-1]) == (
        "row 3, row 4, row 5, row 6, row 7 and 99994 more",
        *["row 2, row 3, row 4, row 5, row 6 and 99994 more"] * 2,
    )
    assert len(set(said)) == 6


def test_a_row_beside_more_than_one_lookalike_names_the_first_other() -> None:
    column = texts(["inv 1", "INV 1", "Inv  1", None])

    assert rules.lookalikes(column, column.index[:3]) == ["row 3", "row 2", "row 2"]


def test_an_amount_fits_when_its_currency_has_its_decimals_or_is_unknown() -> None:
    amounts = ["1.5", "1.05", "1.005", "1.005", "1.0005", "1.001", None]
    currencies = ["JPY", "EUR", "EUR", "kwd", "CLF", "EUX", "EUR"]
    amount = pd.Series([one and Decimal(one) for one in amounts], dtype=pd.ArrowDtype(pa.decimal128(38, 18)))

    fits = rules.fits_currency(amount, pd.Series(currencies, dtype=TEXT))

    assert fits.tolist() == [False, True, False, True, True, True, True]
