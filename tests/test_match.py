"""Headers and the fields that they mean."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import schemas
from importer.errors import ColumnsError
from importer.match import match
from importer.model import Making, Styles, fold, spellings

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


def test_what_helps_against_missing_columns_is_said_once() -> None:
    one = refusal(*(name for name in NEEDED if name != "debtor.city"))
    several = refusal("Margin")

    assert "No column is debtor.city. Rename its column, or name it in a --mapping file, as `importer map`" in one
    assert several.count("--mapping") == 1
    assert ". Rename their columns, or name them in a --mapping file, as `importer map` makes one." in several


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


@pytest.mark.parametrize(
    ("plain", "other"),
    [
        ("Belopp", "Saldo"),
        ("Montant", "Montant TTC"),
        ("Betrag", "Offen"),
        ("Amount", "Total"),
        ("Beløb", "Udestående"),
    ],
)
def test_an_amount_beside_one_that_may_be_what_is_owed_is_not_taken(plain: str, other: str) -> None:
    header = [plain if name == "amountToRecover" else name for name in NEEDED] + [other]
    assert f"“{plain}” (column {chr(65 + header.index(plain))}) and “{other}”" in refusal(*header)

    for chosen in (plain, other):
        columns = matched(*header, mapping={chosen: "amountToRecover"}).columns
        assert columns["amountToRecover"] == header.index(chosen)


def test_an_amount_is_taken_once_the_other_is_ignored() -> None:
    header = ["Amount" if name == "amountToRecover" else name for name in NEEDED] + ["Total"]
    found = match(header, TARGET, mapping={}, constants={}, making=Making(ignored=("Total",)))

    assert found.columns["amountToRecover"] == header.index("Amount")


@pytest.mark.parametrize("owed", ["Amount due", "Offener Betrag", "Restbelopp", "Open balance"])
def test_what_is_owed_is_taken_beside_a_total(owed: str) -> None:
    header = [owed if name == "amountToRecover" else name for name in NEEDED] + ["Total"]
    found = matched(*header)

    assert found.columns["amountToRecover"] == header.index(owed)
    assert found.unmapped == ("Total",)


def test_two_columns_for_one_field_are_settled_by_a_constant() -> None:
    assert "amountToRecover" not in matched(*NEEDED, "Balance", constants={"amountToRecover": "1"}).columns


def test_two_columns_of_one_header_cannot_be_settled_by_the_mapping() -> None:
    assert "both mean comments" in refusal(*NEEDED, "Note", "Note", mapping={"note": "comments"})


def test_a_mapping_means_the_column_of_exactly_its_header_where_others_only_look_like_it() -> None:
    assert matched(*NEEDED, "Note", "note", mapping={"note": "comments"}).columns["comments"] == len(NEEDED) + 1


def test_what_is_optional_may_be_missing() -> None:
    match(NEEDED[1:], TARGET, mapping={}, constants={}, optional={"creditorReference"})


def made(*header: str, mapping: dict[str, str] | None = None, **making: Any) -> Matching:
    return match(header, TARGET, mapping=mapping or {}, constants={}, making=Making(**making))


def made_in_vain(*header: str, mapping: dict[str, str] | None = None, **making: Any) -> str:
    with pytest.raises(ColumnsError) as caught:
        made(*header, mapping=mapping, **making)
    return str(caught.value)


def without(*names: str) -> list[str]:
    return [name for name in NEEDED if name not in names]


@pytest.mark.parametrize("header", ["Fälligkeit", "FAELLIGKEIT", "Falligkeit", "Fälligkeit:", "Fälligkeit "])
def test_diacritics_and_how_they_are_spelt_out_make_no_difference(header: str) -> None:
    assert matched(*NEEDED, header).columns["dueDate"] == len(NEEDED)


@pytest.mark.parametrize("header", ["Invoice #", "N° de facture", "Nº de factura", "Laskun numero", "Numer faktury"])
def test_a_reference_is_known_in_other_languages(header: str) -> None:
    assert matched(header, *NEEDED[1:]).columns["creditorReference"] == 0


@pytest.mark.parametrize("header", ["Betrag (%)", "Over 12 months %", "Betrag €"])
def test_a_sign_that_changes_what_a_column_is_keeps_it_from_being_another(header: str) -> None:
    assert matched(*NEEDED, header).unmapped == (header,)


@pytest.mark.parametrize("name", sorted(schemas.TARGETS))
def test_no_certain_heading_means_two_fields(name: str) -> None:
    meant: dict[str, set[str]] = {}
    for field in schemas.load(name).FIELDS.values():
        for heading in (field.name, *field.aliases):
            for way in spellings(heading):
                meant.setdefault(way, set()).add(field.name)

    assert {way: fields for way, fields in meant.items() if len(fields) > 1} == {}


@pytest.mark.parametrize("name", sorted(schemas.TARGETS))
def test_no_likely_heading_is_proposed_for_two_fields(name: str) -> None:
    meant: dict[str, set[str]] = {}
    for field in schemas.load(name).FIELDS.values():
        for heading in field.likely:
            meant.setdefault(fold(heading), set()).add(field.name)

    assert {way: fields for way, fields in meant.items() if len(fields) > 1} == {}


@pytest.mark.parametrize(
    "heading", ["Valuta", "Dato", "Straße", "Saldo", "Name der Firma", "Nummer", "Firma", "By", "Kunde", "Debitor"]
)
def test_a_heading_that_is_not_certain_is_never_taken(heading: str) -> None:
    assert matched(*NEEDED, heading).unmapped == (heading,)


@pytest.mark.parametrize("target", ["managed", "referral"])
def test_whose_customer_a_collector_means_is_not_taken_for_certain(target: str) -> None:
    fields = schemas.load(target).FIELDS["debtor.name"]

    assert "Kundenname" not in fields.aliases
    assert "Kundenname" in fields.likely
    assert "Schuldner" in fields.aliases


def test_a_likely_column_is_suggested_for_a_field_that_is_missing() -> None:
    assert "No column is currencyCode (is it “Valuta”?)" in refusal(*without("currencyCode"), "Valuta")


def test_a_column_is_split_into_fields_that_come_after_the_sources_own_columns() -> None:
    header = (*without("debtor.city"), "PLZ/Ort")
    found = made(*header, splits={"plz ort": "{debtor.zipCode} {debtor.city}"})

    assert {name: found.columns[name] for name in ("debtor.zipCode", "debtor.city")} == {
        "debtor.zipCode": len(header),
        "debtor.city": len(header) + 1,
    }
    assert [(one.feeds, one.column, one.is_whole) for one in found.made] == [
        ("debtor.zipCode", len(header) - 1, False),
        ("debtor.city", len(header) - 1, False),
    ]
    assert found.unmapped == ()


def test_columns_are_joined_to_a_field_and_a_header_that_means_it_gives_way() -> None:
    header = (*without("debtor.address"), "Street", "House no")
    found = made(*header, joins={"debtor.address": "{Street} {House no}"})

    assert found.columns["debtor.address"] == len(header)
    assert found.made[0].parts == (("", len(header) - 2), (" ", len(header) - 1))
    assert found.unmapped == ()


def test_a_constant_beats_what_is_made() -> None:
    header = (*without("debtor.address"), "A", "B")
    found = match(
        header,
        TARGET,
        mapping={},
        constants={"debtor.address": "Nowhere 1"},
        making=Making(joins={"debtor.address": "{A} {B}"}),
    )

    assert found.made == ()
    assert found.unmapped == ("A", "B")


def test_other_words_in_a_column_leave_it_whole() -> None:
    found = made(*NEEDED, values={"debtor.type": {" B2B ": "Company"}})

    assert found.made[0].is_whole
    assert found.made[0].values == {"b2b": "Company"}
    assert found.whole(NEEDED)["debtor.type"] == "debtor.type"


def test_what_a_field_as_a_whole_is_fed_by_leaves_splits_and_joins_out() -> None:
    header = (*without("debtor.city"), "PLZ/Ort")
    found = made(*header, splits={"PLZ/Ort": "{debtor.zipCode} {debtor.city}"})

    assert found.whole(header) == {name: name for name in without("debtor.city")}


def test_an_ignored_column_is_neither_used_nor_named() -> None:
    found = made(*NEEDED, "Note", "Margin", ignored=("Note", "Margin"))

    assert "comments" not in found.columns
    assert found.unmapped == ()


def test_a_text_may_name_a_field_that_is_made() -> None:
    header = (*without("debtor.city"), "PLZ/Ort")
    found = match(
        header,
        TARGET,
        mapping={},
        constants={"comments": "In {debtor.city}"},
        making=Making(splits={"PLZ/Ort": "{debtor.zipCode} {debtor.city}"}),
    )

    assert found.templates["comments"] == (("In ", len(header) + 1),)


@pytest.mark.parametrize(
    ("making", "words"),
    [
        ({"splits": {"Nowhere": "{debtor.zipCode} {debtor.city}"}}, "names a column “Nowhere” that is not there"),
        ({"splits": {"A": "{debtor.zip} {debtor.city}"}}, "into debtor.zip, which is no field (do you mean debtor."),
        ({"splits": {"A": "{debtor.city"}}, "splits “A” by “{debtor.city”, in which { stands alone"),
        ({"splits": {"A": "{comments}"}}, "name two or more fields, each once, in braces"),
        ({"splits": {"A": "{comments} {comments}"}}, "name two or more fields, each once, in braces"),
        ({"splits": {"A": "{comments}{debtor.phone}"}}, "put what parts two fields between them"),
        ({"splits": {"Twice": "{comments} {debtor.phone}"}}, "there are several such columns: rename one of them"),
        (
            {"joins": {"debtor.phones": "{A}"}},
            "joins columns to debtor.phones, which is no field",
        ),
        ({"joins": {"debtor.phone": "{A"}}, "joins to debtor.phone “{A”, in which { stands alone"),
        ({"joins": {"debtor.phone": "{Aa} {Nowhere}"}}, "joins to debtor.phone a column {Aa} that is not there"),
        ({"joins": {"debtor.phone": "{A} {Twice}"}}, "a column {Twice}, and there are several: rename one of them"),
        ({"joins": {"debtor.phone": "+49"}}, "names no column in braces; say it under [constants]"),
        ({"values": {"debtor.typ": {"B2B": "Company"}}}, "has values for debtor.typ, which is no field"),
        ({"values": {"debtor.type": {"b": "Company", "B ": "Private"}}}, "say Company and Private of “B ”"),
        ({"ignored": ("Nowhere",)}, "names a column “Nowhere” that is not there"),
        ({"ignored": ("A",), "splits": {"A": "{comments} {debtor.phone}"}}, "uses “A” more than once"),
        ({"joins": {"comments": "{A}"}, "splits": {"A": "{comments} {debtor.phone}"}}, "feeds comments more than once"),
    ],
)
def test_what_a_mapping_makes_in_vain_is_named(making: dict[str, Any], words: str) -> None:
    assert words in made_in_vain(*NEEDED, "A", "Twice", "Twice", **making)


def test_a_column_that_is_both_used_and_ignored_is_named() -> None:
    assert "both uses and ignores “A”" in made_in_vain(*NEEDED, "A", mapping={"A": "comments"}, ignored=("A",))


def test_a_field_with_a_column_and_a_join_is_named() -> None:
    said = made_in_vain(*NEEDED, "A", "B", mapping={"A": "comments"}, joins={"comments": "{A} {B}"})

    assert "The mapping feeds comments more than once" in said


@pytest.mark.parametrize(
    ("styles", "words"),
    [
        (Styles({"amount": "comma"}), "[decimal] in the mapping has amount, which is no field of amounts"),
        (
            Styles({}, {"amountToRecover": "dmy"}),
            "[date_order] in the mapping has amountToRecover, which is no",
        ),
    ],
)
def test_a_style_for_what_is_no_such_field_is_named(styles: Styles, words: str) -> None:
    with pytest.raises(ColumnsError) as caught:
        match(NEEDED, TARGET, mapping={}, constants={}, styles=styles)

    assert words in str(caught.value)


def test_a_word_may_be_listed_twice_if_it_means_the_same() -> None:
    found = made(*NEEDED, values={"debtor.type": {"b2b": "Company", "B2B": "Company"}})

    assert found.made[0].values == {"b2b": "Company"}


def test_a_text_that_names_no_column_is_named() -> None:
    with pytest.raises(ColumnsError, match=r"The text for comments names \{Nowhere\}, and there is no such column"):
        match(NEEDED, TARGET, mapping={}, constants={"comments": "{Nowhere}"})


def test_a_text_may_name_a_constant() -> None:
    constants = {"comments": "From {debtor.phone}", "debtor.phone": "+45 1"}

    assert match(NEEDED, TARGET, mapping={}, constants=constants).templates["comments"] == (("From +45 1", None),)


def test_a_text_may_name_a_column_and_end_in_words() -> None:
    found = match([*NEEDED, "Margin"], TARGET, mapping={}, constants={"comments": "At {margin} today"})

    assert found.templates["comments"] == (("At ", len(NEEDED)), (" today", None))


def test_a_brace_that_stands_alone_is_named() -> None:
    with pytest.raises(ColumnsError, match=r"The text for comments has a single \{"):
        match(NEEDED, TARGET, mapping={}, constants={"comments": "{"})
