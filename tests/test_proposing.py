"""What a source's columns are proposed to be, and what people may change of it."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest

import schemas
from importer.errors import ColumnsError
from importer.match.editing import HELP, edit, take_likely
from importer.match.proposing import add_values, guess, missing_from, propose, unused_in
from importer.model import Making, SavedMapping, Styles, Table

TARGET = schemas.load("customer")


def table(**columns: list[str | None]) -> Table:
    return of(columns)


def of(columns: dict[str, list[str | None]]) -> Table:
    dtype = pd.ArrowDtype(pa.string())
    cells = {number: pd.array(texts, dtype=dtype) for number, texts in enumerate(columns.values())}
    height = len(next(iter(columns.values())))
    index = pd.Index(range(2, 2 + height), name="row", dtype="int64")
    return Table(Path("source.csv"), tuple(columns), pd.DataFrame(cells, index=index), {}, {}, (), "")


def headers(*names: str) -> Table:
    return of({name: ["x"] for name in names})


def test_what_is_certain_is_in_the_mapping_and_the_rest_is_not() -> None:
    found = propose(headers("Rechnungsnr.", "Betrag", "Valuta", "Filiale"), TARGET, {})

    assert found.mapping == SavedMapping(
        target="customer",
        headers=("Rechnungsnr.", "Betrag", "Valuta", "Filiale"),
        columns={"Rechnungsnr.": "creditorReference", "Betrag": "amountToRecover"},
    )
    assert found.likely == {"Valuta": "currencyCode"}


def test_a_near_miss_is_proposed_and_not_taken() -> None:
    found = propose(headers("Invoce numbr"), TARGET, {})

    assert found.mapping.columns == {}
    assert found.likely == {"Invoce numbr": "creditorReference"}


@pytest.mark.parametrize("heading", ["Kundennummer", "Customer number", "Kundennr", "Debitornr.", "Betreff"])
def test_what_only_begins_like_a_heading_is_not_proposed(heading: str) -> None:
    assert propose(headers(heading), TARGET, {}).likely == {}


def test_two_columns_that_mean_one_field_are_proposed_and_not_taken() -> None:
    found = propose(headers("Amount", "Balance"), TARGET, {})

    assert found.mapping.columns == {}
    assert found.likely == {"Amount": "amountToRecover", "Balance": "amountToRecover"}


def test_an_amount_beside_one_that_may_be_what_is_owed_is_proposed_and_not_taken() -> None:
    found = propose(headers("Amount", "Total"), TARGET, {})

    assert found.mapping.columns == {}
    assert found.likely == {"Amount": "amountToRecover", "Total": "amountToRecover"}


def test_columns_of_one_header_are_neither() -> None:
    source = headers("Amount", "City")
    source = Table(source.path, ("Amount", "Amount"), source.cells, {}, {}, (), "")

    assert propose(source, TARGET, {}).mapping.columns == {}


def test_a_constant_takes_the_place_of_a_column() -> None:
    found = propose(headers("Currency"), TARGET, {"currencyCode": "EUR"})

    assert found.mapping.columns == {}
    assert found.mapping.constants == {"currencyCode": "EUR"}
    assert found.likely == {}


@pytest.mark.parametrize(
    ("header", "cell", "form"),
    [
        ("PLZ/Ort", "01067 Dresden", "{debtor.zipCode} {debtor.city}"),
        ("PLZ Ort", "01067 Dresden", "{debtor.zipCode} {debtor.city}"),
        ("Postnr. og by", "2100 København", ""),
        ("Postnr og bynavn", "2100 København", "{debtor.zipCode} {debtor.city}"),
        ("City, Zip", "Boston 02108", "{debtor.city} {debtor.zipCode}"),
        ("Postal code and city", "02108 Boston", "{debtor.zipCode} {debtor.city}"),
        ("Code postal / Ville", "75002 Paris", "{debtor.zipCode} {debtor.city}"),
        ("PLZ/Ort", "01067", ""),
    ],
)
def test_postal_code_and_city_in_one_column_are_split_where_every_cell_is_both(
    header: str, cell: str, form: str
) -> None:
    found = propose(of({header: [cell, None, ""]}), TARGET, {}).mapping.making.splits

    assert found == ({header: form} if form else {})


def test_a_column_that_should_be_both_and_is_not_in_every_cell_is_proposed() -> None:
    found = propose(of({"PLZ/Ort": ["01067 Dresden", "Postfach 1, Berlin"]}), TARGET, {})

    assert found.likely == {"PLZ/Ort": "{debtor.zipCode} {debtor.city}"}
    taken = take_likely(found.mapping, found.likely)
    assert taken.making.splits == {"PLZ/Ort": "{debtor.zipCode} {debtor.city}"}


@pytest.mark.parametrize("header", ["Postnr. og by", "CAP/Città", "CP y población"])
def test_a_column_that_is_both_if_a_likely_heading_means_what_it_mostly_does_is_proposed(header: str) -> None:
    found = propose(of({header: ["21000 Odense"]}), TARGET, {})

    assert found.mapping.making.splits == {}
    assert found.likely == {header: "{debtor.zipCode} {debtor.city}"}


def test_a_region_may_be_one_of_sales_and_is_not_taken_for_a_state() -> None:
    found = propose(headers("Region"), TARGET, {})

    assert found.mapping.columns == {}
    assert found.likely == {"Region": "debtor.state"}


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ("Inv #", "creditorReference"),
        ("Inv. date", "date"),
        ("Open amt", "amountToRecover"),
        ("Cust. name", "debtor.name"),
        ("Cust Type", "debtor.type"),
        ("Ctry", "debtor.country"),
    ],
)
def test_what_english_exports_abbreviate_is_proposed(header: str, name: str) -> None:
    assert propose(headers(header), TARGET, {}).likely == {header: name}


def test_nothing_is_split_where_the_city_has_a_column_or_the_target_has_none() -> None:
    source = of({"PLZ/Ort": ["01067 Dresden"], "City": ["Dresden"]})

    assert propose(source, TARGET, {}).mapping.making.splits == {}
    assert propose(source, schemas.load("details"), {}).mapping.making.splits == {}


def test_street_and_number_are_joined_and_so_are_first_and_last_name() -> None:
    found = propose(headers("Straße", "Hausnr.", "Vorname", "Nachname"), TARGET, {})

    assert found.mapping.making.joins == {
        "debtor.address": "{Straße} {Hausnr.}",
        "debtor.name": "{Vorname} {Nachname}",
    }
    assert found.likely == {}


def test_a_street_that_would_be_the_address_by_itself_gives_way_to_the_join() -> None:
    found = propose(headers("Street", "House no"), TARGET, {})

    assert found.mapping.columns == {}
    assert found.mapping.making.joins == {"debtor.address": "{Street} {House no}"}


def test_names_are_not_joined_where_the_debtor_has_a_column() -> None:
    assert propose(headers("Kundenname", "Vorname", "Nachname"), TARGET, {}).mapping.making.joins == {}


def test_words_for_debtors_and_countries_become_values_unless_the_rules_know_them() -> None:
    source = of(
        {"Kundentyp": ["Firma", "Privat", "B2B", "Verein"], "Land": ["Dänemark", "DE", "Germany", "Schlaraffenland"]}
    )

    assert propose(source, TARGET, {}).mapping.making.values == {
        "debtor.type": {"Firma": "Company", "Privat": "Private"},
        "debtor.country": {"Dänemark": "DK"},
    }


def test_values_that_are_there_are_left_alone() -> None:
    mapping = SavedMapping(columns={"Art": "debtor.type"}, making=Making(values={"debtor.type": {"F": "Company"}}))

    assert add_values(mapping, table(Art=["Firma"])) == mapping


def test_what_is_missing_is_named_with_its_alternative() -> None:
    found = missing_from(SavedMapping(columns={"A": "creditorReference"}, constants={"currencyCode": "EUR"}), TARGET)

    assert "creditorReference" not in found
    assert "currencyCode" not in found
    assert found[-1] == "debtor.countryAlpha2 or debtor.country"


def test_what_is_unused_is_neither_in_a_join_nor_in_a_text_nor_ignored() -> None:
    mapping = SavedMapping(
        columns={"A": "comments"},
        constants={"claimDescription": "From {B}"},
        making=Making(splits={"C": ""}, joins={"debtor.address": "{D} {E}"}, ignored=("F",)),
    )

    assert unused_in(mapping, ["A", "B", "C", "D", "E", "F", "G", "", "G"]) == ["G"]


HEADER = ("Nr", "Kunde", "PLZ/Ort", "Straße", "Hausnr", "City", "Twice", "Twice")


def edited(*lines: str, mapping: SavedMapping | None = None) -> SavedMapping:
    changed = mapping or SavedMapping()
    for line in lines:
        changed = edit(changed, line, HEADER, TARGET)
    return changed


@pytest.mark.parametrize("line", ["A = creditorReference", "nr=Invoice number", " Nr. = creditorreference "])
def test_a_column_is_named_by_letter_or_header_and_a_field_by_any_of_its_names(line: str) -> None:
    assert edited(line).columns == {"Nr": "creditorReference"}


def test_a_field_has_one_column_at_a_time() -> None:
    assert edited("A = debtor.name", "B = debtor.name").columns == {"Kunde": "debtor.name"}


def test_a_column_takes_the_place_of_a_constant_and_of_a_join() -> None:
    found = edited(
        "debtor.phone = 1", "comments = x", "debtor.address = {D} {E}".replace("D", "Straße").replace("E", "Hausnr")
    )
    found = edited("A = debtor.phone", "D = debtor.address", mapping=found)

    assert found.columns == {"Nr": "debtor.phone", "Straße": "debtor.address"}
    assert found.constants == {"comments": "x"}
    assert found.making.joins == {}


def test_a_column_is_split_left_out_and_freed_again() -> None:
    split = edited("C = {debtor.zipCode} {debtor.city}")
    assert split.making.splits == {"PLZ/Ort": "{debtor.zipCode} {debtor.city}"}
    ignored = edited("C = -", mapping=split)
    assert (ignored.making.splits, ignored.making.ignored) == ({}, ("PLZ/Ort",))
    assert edited("C =", mapping=ignored) == SavedMapping()


def test_a_column_that_would_feed_a_field_by_itself_is_left_out_when_it_is_to_feed_nothing() -> None:
    assert edited("City =").making.ignored == ("City",)


def test_a_field_is_a_constant_a_join_or_nothing() -> None:
    constant = edited("B = debtor.name", "debtor.name = Somebody")
    assert (constant.columns, constant.constants) == ({}, {"debtor.name": "Somebody"})
    joined = edited("debtor.name = {Nr} {Kunde}", mapping=constant)
    assert (joined.constants, joined.making.joins) == ({}, {"debtor.name": "{Nr} {Kunde}"})
    assert edited("debtor.name =", mapping=joined) == SavedMapping()


def test_a_text_with_columns_in_it_stays_a_constant_where_the_field_takes_one() -> None:
    assert edited("comments = Invoice {Nr}").constants == {"comments": "Invoice {Nr}"}


def test_a_word_is_listed_and_dropped_again() -> None:
    listed = edited("debtor.type: Firma = Company", "Debtor type: = Private")
    assert listed.making.values == {"debtor.type": {"Firma": "Company", "": "Private"}}
    assert edited("debtor.type: Firma =", mapping=listed).making.values == {"debtor.type": {"": "Private"}}
    assert edited("debtor.type: Firma =", "debtor.type: =", mapping=listed).making.values == {}


def test_how_a_column_is_written_is_said_for_its_field() -> None:
    found = edited("amountToRecover as comma", "date as DMY", "amountToRecover AS point")

    assert found.styles == Styles({"amountToRecover": "point"}, {"date": "dmy"})


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("nonsense", "“nonsense” is none of what can be said; enter ? to see that."),
        ("Z = debtor.name", "Z is neither a column nor a field."),
        ("A = debtor.nam", "debtor.nam is neither a column nor a field (do you mean debtor.name?)."),
        ("H = comments", "There are several columns “Twice”; rename one of them in the source."),
        ("date as comma", "date cannot be written as comma: amounts are comma or point, dates dmy, mdy or ymd."),
        ("debtor.name as dmy", "debtor.name cannot be written as dmy"),
        ("C = {debtor.city}", "name two or more fields"),
        ("debtor.phone = {Telefon}", "The mapping joins to debtor.phone a column {Telefon} that is not there"),
    ],
)
def test_what_cannot_be_done_is_said(line: str, words: str) -> None:
    with pytest.raises(ColumnsError) as caught:
        edited(line)

    assert words in str(caught.value)


def test_every_line_that_is_shown_as_help_can_be_said() -> None:
    header = ("a", "b", "c", "Street", "No")

    for line, _ in HELP:
        edit(SavedMapping(), line, header, TARGET)


def test_what_is_likely_is_taken_once_for_a_field() -> None:
    source = headers("Amount", "Balance", "Valuta")
    found = propose(source, TARGET, {})

    taken = take_likely(found.mapping, found.likely)

    assert taken.columns == {"Amount": "amountToRecover", "Valuta": "currencyCode"}
    assert guess(taken, source.header, TARGET) == {}


LANGUAGES = {
    "German": "Rechnungsnr.;Rechnungsdatum;Fälligkeitsdatum;Offener Betrag;Währung;Kundentyp;Kundenname;"
    "Anschrift;PLZ;Ort;Land;Telefon",
    "Danish": "Fakturanr.;Fakturadato;Forfaldsdato;Restbeløb;Valutakode;Kundetype;Kundenavn;Adresse;Postnr.;"
    "Bynavn;Land;Tlf.",
    "Norwegian": "Fakturanummer;Fakturadato;Forfallsdato;Restbeløp;Valutakode;Kundetype;Kundenavn;Adresse;Postnr;"
    "Poststed;Land;Telefon",
    "Swedish": "Fakturanr;Fakturadatum;Förfallodatum;Restbelopp;Valutakod;Kundtyp;Kundnamn;Gatuadress;"
    "Postnummer;Postort;Land;Telefonnummer",
    "Dutch": "Factuurnummer;Factuurdatum;Vervaldatum;Openstaand bedrag;Valutacode;Type klant;Klantnaam;Adres;"
    "Postcode;Plaats;Land;Telefoon",
    "French": "N° de facture;Date de facture;Date d’échéance;Montant dû;Devise;Type de client;Nom du client;"
    "Adresse;Code postal;Ville;Pays;Téléphone",
    "Spanish": "Nº de factura;Fecha de factura;Fecha de vencimiento;Importe pendiente;Moneda;Tipo de cliente;"
    "Nombre del cliente;Dirección;Código postal;Ciudad;País;Teléfono",
    "Italian": "Numero fattura;Data fattura;Data di scadenza;Importo dovuto;Codice valuta;Tipo cliente;"
    "Nome cliente;Indirizzo;Codice postale;Città;Nazione;Telefono",
    "Finnish": "Laskun numero;Laskupäivä;Eräpäivä;Avoin summa;Valuutta;Asiakastyyppi;Asiakkaan nimi;Katuosoite;"
    "Postinumero;Postitoimipaikka;Maa;Puhelin",
    "Polish": "Numer faktury;Data wystawienia;Termin płatności;Kwota do zapłaty;Waluta;Typ klienta;"
    "Nazwa klienta;Adres;Kod pocztowy;Miejscowość;Kraj;Numer telefonu",
}


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_invoice_list_is_understood_whole(language: str) -> None:
    names = LANGUAGES[language].split(";")
    found = propose(headers(*names), TARGET, {})

    assert list(found.mapping.columns.values()) == [
        *("creditorReference", "date", "dueDate", "amountToRecover", "currencyCode", "debtor.type", "debtor.name"),
        *("debtor.address", "debtor.zipCode", "debtor.city", "debtor.country", "debtor.phone"),
    ]
    assert missing_from(found.mapping, TARGET) == []
    plain = unicodedata.normalize("NFD", LANGUAGES[language]).encode("ascii", "ignore").decode().upper().split(";")
    if language not in {"Danish", "Norwegian", "Polish"}:  # ø and ł are letters of their own, which nothing leaves out
        assert list(propose(headers(*plain), TARGET, {}).mapping.columns.values()) == list(
            found.mapping.columns.values()
        )
