"""What a template says of its columns is what the rules do."""

from __future__ import annotations

from datetime import date
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

import schemas
from importer.check import check
from schemas import geography, guide, meanings

TYPES = {"amount": pa.decimal128(38, 18), "date": pa.date32(), "boolean": pa.bool_()}
LIMITED = [
    (name, column.field, column.longest)
    for name in schemas.TARGETS
    for column in guide.explain(schemas.load(name))
    if column.longest
]


def find_codes(name: str, **cells: Any) -> set[tuple[str, str]]:
    """Judge one row; gives the code and the field of each issue."""
    target = schemas.load(name)
    place = pd.Index([2], name="row")
    kinds = {field.name: pd.ArrowDtype(TYPES.get(field.kind, pa.string())) for field in target.FIELDS.values()}
    values = pd.DataFrame({field: pd.Series([cells.get(field)], place, kind) for field, kind in kinds.items()})
    texts = values.astype(pd.ArrowDtype(pa.string()))
    context = schemas.Context(date(2026, 11, 21), activate=True, test=True)
    issues = check(values, pd.DataFrame(index=place), texts, {}, target, context)
    return set(zip(issues["code"], issues["field"], strict=True))


@pytest.mark.parametrize(("name", "field", "longest"), LIMITED)
def test_a_limit_is_the_last_length_that_the_rules_take(name: str, field: str, longest: int) -> None:
    wanted = {("text-too-long", field), ("reference-too-long", field)}
    started = {"collectionPartnerReference": "K-1"} if name == "references" else {}

    assert not wanted & find_codes(name, **started | {field: "x" * longest})
    assert wanted & find_codes(name, **started | {field: "x" * (longest + 1)})


@pytest.mark.parametrize("name", schemas.TARGETS)
def test_every_text_that_the_rules_limit_has_its_limit_told(name: str) -> None:
    target = schemas.load(name)
    texts = [field.name for field in target.FIELDS.values() if field.kind == "text"]
    started = {"collectionPartnerReference": "K-1"} if name == "references" else {}

    codes = find_codes(name, **started | dict.fromkeys(texts, "x" * 10_000))

    limited = {field for code, field in codes if code in {"text-too-long", "reference-too-long"}}
    assert limited == {field for target_name, field, _ in LIMITED if target_name == name}


@pytest.mark.parametrize("name", schemas.TARGETS)
def test_every_field_has_a_column_or_one_that_stands_in_for_it(name: str) -> None:
    target = schemas.load(name)

    told = {column.field for column in guide.explain(target)}

    assert all(target.STAND_INS[field] in told for field in target.FIELDS.keys() - told)
    assert told <= meanings.MEANINGS[name].keys()


def test_a_blank_row_lacks_exactly_what_is_told_to_be_required() -> None:
    lacking = {"required", "country-missing", "reference-missing", "creditor-missing", "case-missing"}
    for name in ("customer", "managed", "referral", "details"):
        target = schemas.load(name)
        missing = {
            target.STAND_INS.get(field, field)
            for code, field in find_codes(name)
            if code in lacking and field not in target.CODES[code].mild
        }

        assert missing == {column.field for column in guide.explain(target) if column.needed}


def required(name: str) -> dict[str, str]:
    return {column.heading: column.required for column in guide.explain(schemas.load(name))}


def test_a_column_that_is_required_at_times_says_when() -> None:
    assert required("customer")["State"] == "for debtors in the United States"
    assert required("managed")["State"] == "wanted for debtors in the United States"
    assert required("managed")["Contact person"] == "for companies"
    assert required("managed")["City"] == "wanted: a warning without it"
    assert required("references")["Case id"] == "this or Debitura reference"
    assert required("references")["Welcome message"] == "with --activate"
    assert required("customer")["Email"] == "no"


def test_the_rules_of_a_column_are_told_without_a_cell_errors_first() -> None:
    columns = {column.heading: column for column in guide.explain(schemas.load("customer"))}

    assert [(check.severity, check.text) for check in columns["Invoice number"].checks] == [
        ("error", "The reference has more than 50 characters. Shorten it; it has to stay unique."),
        ("error", "The reference is in more than one row. Keep one of them, or give each its own."),
        (
            "warning",
            "The reference differs only in case or spaces from that of another row. Check that these are two invoices.",
        ),
    ]
    sentences = [
        check.text
        for name in schemas.TARGETS
        for column in guide.explain(schemas.load(name))
        for check in column.checks
    ]
    assert [text for text in sentences if "{" in text or "None" in text or not text.endswith(".")] == []


def test_everything_that_is_offered_is_understood_and_means_one_thing() -> None:
    countries = [geography.find_country(name) for name in guide.list_choices("Countries")]
    states = [geography.find_state(name) for name in guide.list_choices("States")]

    assert None not in countries + states
    assert len(set(countries)) == len(countries) == 249
    assert len(set(states)) == len(states)
    assert {"DC", "PR", "CA"} < set(states)
    assert all(geography.find_digits(code) is not None for code in guide.list_choices("Currencies"))
    assert "XAU" not in guide.list_choices("Currencies")
    assert guide.list_choices("Debtor types") == ("Company", "Private")
    assert guide.list_choices("Yes or no") == ("yes", "no")


def test_countries_are_listed_as_people_look_for_them() -> None:
    countries = guide.list_choices("Countries")

    assert countries.index("Åland Islands") < countries.index("Germany")
