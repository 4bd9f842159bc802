"""Headers and the fields that they mean."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import schemas
from importer.errors import ColumnsError
from importer.match import match

if TYPE_CHECKING:
    from importer.model import Matching

TARGET = schemas.load("customer")
NEEDED = [
    *("creditorReference", "currencyCode", "date", "amountToRecover", "debtor.type", "debtor.name"),
    *("debtor.address", "debtor.city", "debtor.countryAlpha2"),
]


def matched(*header: str, mapping: dict[str, str] | None = None, constants: dict[str, str] | None = None) -> Matching:
    return match(header, TARGET, mapping=mapping or {}, constants=constants or {})


def refusal(*header: str, mapping: dict[str, str] | None = None, constants: dict[str, str] | None = None) -> str:
    with pytest.raises(ColumnsError) as caught:
        matched(*header, mapping=mapping, constants=constants)
    return str(caught.value)


def test_the_apis_own_names_map_by_themselves() -> None:
    assert matched(*NEEDED).columns == {name: position for position, name in enumerate(NEEDED)}


def test_every_name_and_alias_means_one_field() -> None:
    for field in TARGET.FIELDS.values():
        for alias in (field.name, *field.aliases):
            others = [name for name in NEEDED if name != field.name]
            assert matched(*others, alias).columns[field.name] == len(others), alias


@pytest.mark.parametrize(
    "header", ["INVOICE_NUMBER", " invoice  number* ", "Invoice-Number", "\ufeffinvoice.number", "Invoice–Number"]
)
def test_case_spaces_and_decoration_make_no_difference(header: str) -> None:
    assert matched(header, *NEEDED[1:]).columns["creditorReference"] == 0


def test_debituras_template_maps_with_its_asterisks() -> None:
    given = (
        "InvoiceNumber*,DebtorName*,Address*,PostalCode*,City*,State,Country*,Email,PhoneNumber,InvoiceDate*,DueDate,"
        "PrincipalAmount*,CurrencyCode*"
    )
    header = given.split(",")

    found = matched(*header, constants={"debtor.type": "Company"})

    assert len(found.columns) == len(header)
    assert found.unmapped == ()


def test_what_feeds_no_field_is_named() -> None:
    assert matched(*NEEDED, "Margin", "").unmapped == ("Margin", "column K")


def test_a_field_that_another_target_takes_is_not_sent_here() -> None:
    found = matched(*NEEDED, "Creditor company name")

    assert found.unsupported == {"creditorCompanyName": "Creditor company name"}
    assert found.unmapped == ()


def test_a_mapping_beats_what_a_header_says_by_itself() -> None:
    found = matched(*NEEDED, "Notes", mapping={"notes": "claimDescription"})

    assert found.columns["claimDescription"] == len(NEEDED)
    assert "comments" not in found.columns


def test_a_column_that_loses_its_field_is_named() -> None:
    assert matched(*NEEDED, "Betrag", mapping={"Betrag": "amountToRecover"}).unmapped == ("amountToRecover",)
    assert matched(*NEEDED, constants={"currencyCode": "EUR"}).unmapped == ("currencyCode",)


def test_what_feeds_nothing_is_named_in_the_order_of_the_columns() -> None:
    found = matched("Margin", *NEEDED, "Betrag", "", mapping={"Betrag": "amountToRecover"})

    assert found.unmapped == ("Margin", "amountToRecover", "column L")


def test_a_second_column_for_a_field_of_another_target_is_not_lost() -> None:
    found = matched(*NEEDED, "Creditor company name", "creditorCompanyName")

    assert found.unsupported == {"creditorCompanyName": "Creditor company name"}
    assert found.unmapped == ("creditorCompanyName",)


def test_a_constant_beats_a_column() -> None:
    found = matched(*NEEDED, constants={"currencyCode": "EUR"})

    assert "currencyCode" not in found.columns
    assert found.constants == {"currencyCode": "EUR"}


def test_a_missing_column_is_named_with_what_was_found_and_what_would_settle_it() -> None:
    said = refusal(*(name for name in NEEDED if name != "debtor.type"), "Margin")

    assert "No column is debtor.type" in said
    assert "--mapping" in said
    assert "--set debtor.type=Company" in said
    assert "“creditorReference”, “currencyCode”" in said


def test_a_near_miss_is_suggested_and_not_taken() -> None:
    assert "(is it “Invoice numbr”?)" in refusal("Invoice numbr", *NEEDED[1:])


def test_all_problems_come_in_one_message() -> None:
    said = refusal("Amount", "Balance", mapping={"Nowhere": "comments"}, constants={"debtor.nme": "x"})

    assert "No column is creditorReference" in said
    assert "No column is debtor.countryAlpha2 or debtor.country" in said
    assert "“Amount” (column A) and “Balance” (column B) both mean amountToRecover" in said
    assert "names a column “Nowhere” that is not there" in said
    assert "debtor.nme is no field and cannot be set (do you mean debtor.name?)" in said


def test_a_mapping_to_what_is_no_field_is_named() -> None:
    assert "sends “Margin” to coments, which is no field (do you mean comments?)" in refusal(
        *NEEDED, "Margin", mapping={"Margin": "coments"}
    )


def test_two_columns_for_one_field_are_settled_by_the_mapping() -> None:
    header = [*NEEDED, "Balance"]
    assert "both mean amountToRecover" in refusal(*header)

    assert matched(*header, mapping={"Balance": "amountToRecover"}).columns["amountToRecover"] == len(NEEDED)


def test_two_columns_for_one_field_are_settled_by_a_constant() -> None:
    assert "amountToRecover" not in matched(*NEEDED, "Balance", constants={"amountToRecover": "1"}).columns


def test_two_columns_of_one_header_cannot_be_settled_by_the_mapping() -> None:
    assert "both mean comments" in refusal(*NEEDED, "Note", "Note", mapping={"note": "comments"})


def test_a_mapping_means_the_column_of_exactly_its_header_where_others_only_look_like_it() -> None:
    assert matched(*NEEDED, "Note", "note", mapping={"note": "comments"}).columns["comments"] == len(NEEDED) + 1


def test_what_is_optional_may_be_missing() -> None:
    match(NEEDED[1:], TARGET, mapping={}, constants={}, optional={"creditorReference"})
