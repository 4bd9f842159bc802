"""By which headings exports in the languages of the countries that cases come from call the fields.

A *certain* heading means one field in every language that has the word, and a column is taken by it alone. A *likely*
one means it in most exports and something else in some ("Valuta" is a currency in Danish and a value date in German,
"Kunde" a name or a number), or is only a part of what the field needs ("Straße" without its number): it is proposed,
never taken. A *vague* one is certain only where no likely one stands beside it: of "Belopp" and "Saldo", or "Montant"
and "Montant TTC", either may be what is owed. Diacritics and ligatures make no difference, nor whether ä is written
as a or as ae.

The words are those of the languages, gathered by hand; no document has them.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from schemas import Field


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.replace("\n", "|").split("|") if word.strip())


# By language: German, Danish, Norwegian, Swedish, Dutch, French, Spanish, Italian, Finnish, Polish.
_CERTAIN: Final = {
    "creditorReference": """
        Rechnungsnummer | Rechnungsnr | Rechnung Nr | Rechnungs-Nr | Rg-Nr | Re-Nr
        Fakturanummer | Fakturanr | Faktura nr | Factuurnummer | Factuurnr
        Numéro de facture | Numéro facture | N° de facture | N° facture | No facture | Facture n°
        Número de factura | Número factura | N° de factura | Núm factura | Factura n°
        Numero fattura | Numero della fattura | N fattura | Nr fattura | Fattura n
        Laskunumero | Laskun numero | Laskunro | Numer faktury | Nr faktury""",
    "currencyCode": """
        Währung | Währungscode | Rechnungswährung | Valutakode | Valutakod | Valutacode | Valutaenhed
        Devise | Code devise | Moneda | Código de moneda | Codice valuta | Valuutta | Valuuttakoodi
        Waluta | Kod waluty
        """,
    "date": """
        Rechnungsdatum | Rechnungsdat | Fakturadato | Fakturadatum | Factuurdatum
        Date de facture | Date facture | Date de la facture | Date de facturation
        Fecha de factura | Fecha factura | Fecha de la factura | Data fattura | Data della fattura
        Laskun päivämäärä | Laskun päiväys | Laskupäivä | Laskutuspäivä | Laskun pvm | Laskupvm
        Data faktury | Data wystawienia | Data wystawienia faktury""",
    "dueDate": """
        Fälligkeit | Fälligkeitsdatum | Fällig am | Forfaldsdato | Forfaldsdag | Forfallsdato
        Förfallodatum | Förfallodag
        Vervaldatum | Vervaldag | Date d'échéance | Échéance | Fecha de vencimiento | Fecha vencimiento | Vencimiento
        Data di scadenza | Data scadenza | Scadenza | Eräpäivä | Termin płatności | Data wymagalności""",
    "amountToRecover": """
        Betrag | Offener Betrag | Offener Rechnungsbetrag | Forderungsbetrag | Restbetrag | Hauptforderung
        Beløb | Restbeløb | Udestående beløb | Skyldigt beløb | Beløp | Restbeløp | Utestående beløp | Skyldig beløp
        Belopp | Restbelopp | Utestående belopp | Kvarstående belopp | Bedrag | Openstaand bedrag | Restbedrag
        Montant | Montant dû | Montant restant dû | Solde dû | Reste à payer
        Importe | Importe pendiente | Importe adeudado | Saldo pendiente | Importo | Importo dovuto | Importo residuo
        Avoin summa | Avoin saldo | Avoinna oleva summa | Kwota | Kwota do zapłaty | Kwota należności""",
    "claimDescription": """
        Beschreibung | Beskrivelse | Beskrivning | Omschrijving | Descripción | Descrizione | Kuvaus | Opis""",
    "comments": "Kommentar | Commentaire | Comentario | Commento | Opmerking | Kommentti | Komentarz",
    "debtor.type": """
        Kundentyp | Kundenart | Schuldnertyp | Schuldnerart | Kundetype | Debitortype | Kundtyp
        Klanttype | Type klant
        Type de client | Type client | Type de débiteur | Tipo de cliente | Tipo cliente | Tipo de deudor
        Tipo di cliente | Tipo debitore | Asiakastyyppi | Typ klienta | Rodzaj klienta | Typ dłużnika""",
    "debtor.name": """
        Kundenname | Name des Kunden | Schuldner | Schuldnername | Debitorname | Name des Schuldners
        Kundenavn | Debitornavn | Skyldner | Skyldnernavn | Kundnamn | Kundens namn | Gäldenär | Klantnaam
        Debiteurnaam | Naam debiteur | Nom du client | Nom client | Nom du débiteur | Nombre del cliente
        Nombre cliente | Nombre del deudor | Nome cliente | Nome del cliente | Nome del debitore
        Asiakkaan nimi | Asiakasnimi | Velallinen | Nazwa klienta | Nazwa kontrahenta | Dłużnik""",
    "debtor.contactPerson": """
        Ansprechpartner | Kontaktperson | Kontaktpersoon | Contactpersoon | Personne de contact | Persona de contacto
        Persona di contatto | Yhteyshenkilö | Osoba kontaktowa""",
    "debtor.companyRegistrationNumber": """
        Handelsregisternummer | CVR-nr | CVR-nummer | Organisationsnummer | Organisasjonsnummer | Orgnr | Orgnummer
        KvK-nummer | KvK | SIREN | Numéro SIREN | CIF | Partita IVA | P IVA | Y-tunnus | NIP""",
    "debtor.address": """
        Anschrift | Adresse | Straße und Hausnummer | Straße Hausnummer | Straße Nr | Straße u Nr
        Kundenadresse | Kundeadresse | Gadeadresse | Gateadresse | Adress | Gatuadress | Kundadress
        Adres | Straat en huisnummer | Straat huisnummer | Adresse postale | Rue et numéro
        Dirección | Domicilio | Calle y número | Indirizzo | Via e numero
        Osoite | Katuosoite | Lähiosoite | Ulica i numer""",
    "debtor.zipCode": """
        PLZ | Postleitzahl | Postnr | Postnummer | Code postal | Código postal | Codice postale | Postinumero
        Kod pocztowy""",
    "debtor.city": """
        Ort | Wohnort | Stadt | Bynavn | Poststed | Postort | Stad | Plaats | Woonplaats | Ville
        Ciudad | Localidad | Población | Città | Località | Kaupunki | Postitoimipaikka | Miasto | Miejscowość""",
    "debtor.countryAlpha2": """
        Ländercode | Landeskennzeichen | Landekode | Landkode | Landkod | Landskod | Landcode
        Code pays | Código de país | Código país | Codice paese | Maakoodi | Maatunnus | Kod kraju""",
    "debtor.country": "Land | Pays | País | Nazione | Maa | Kraj",
    "debtor.email": """
        E-Mail-Adresse | Mailadresse | E-post | E-postadresse | E-postadress | E-mailadres
        Adresse e-mail | Adresse email | Courriel | Correo electrónico | Indirizzo email | Indirizzo e-mail
        Sähköposti | Sähköpostiosoite | Adres e-mail""",
    "debtor.phone": """
        Telefon | Telefonnummer | Telefonnr | Tel-Nr | Tlf | Tlfnr | Telefoon | Telefoonnummer
        Téléphone | Numéro de téléphone | Teléfono | Telefono | Puhelin | Puhelinnumero | Numer telefonu""",
    "creditorCompanyName": """
        Gläubiger | Gläubigername | Fordringshaver | Borgenär | Schuldeiser | Créancier | Acreedor
        Creditore | Velkoja | Wierzyciel""",
    "collectionPartnerReference": "Aktenzeichen | Unser Zeichen | Dossierkenmerk",
    "caseId": """
        Fallnummer | Sagsnummer | Sagsnr | Saksnummer | Saksnr | Ärendenummer | Dossiernummer | Numéro de dossier
        Número de expediente | Numero pratica | Asianumero | Numer sprawy""",
}
_LIKELY: Final = {
    "creditorReference": """
        Belegnummer | Belegnr | Beleg | Rechnung | Bilagsnr | Bilagsnummer | Faktura | Verifikationsnummer | Factuur
        Facture | Factura | Fattura | Lasku | Tosite | Dokument | Numer dokumentu | Referenz | Referanse | Referens
        Document no | Doc no | Voucher | Bill no | Bill number | Inv | Inv no | Inv nr | Inv number""",
    "currencyCode": "Valuta | Divisa | Ccy | Whg",
    "date": """
        Datum | Dato | Date de pièce | Belegdatum | Bilagsdato | Dokumentdatum | Fecha | Data
        Päivämäärä | Päiväys | Pvm
        Document date | Posting date | Billing date | Bill date | Inv date | Inv dt""",
    "dueDate": """
        Fällig | Zahlungsziel | Forfald | Forfall | Betaldatum | Betalingsfrist | Maturity | Due dt | Data płatności""",
    "amountToRecover": """
        Rechnungsbetrag | Bruttobetrag | Gesamtbetrag | Summe | Saldo | Brutto | Offen | OP-Betrag
        Fakturabeløb | Udestående
        Restance | Total | Fakturabeløp | Utestående | Fakturabelopp | Summa | Utestående saldo
        Factuurbedrag | Openstaand
        Totaal | Montant TTC | Solde | Total TTC | Importe total | Pendiente | Importo totale | Totale | Residuo
        Loppusumma | Yhteensä | Määrä | Kwota brutto | Należność | Suma | Total amount | Invoice amount
        Gross amount | Open amt | Inv amt | Amt due | Amt""",
    "claimDescription": """
        Leistung | Verwendungszweck | Tekst | Text | Libellé | Objet | Concepto | Causale | Selite | Tytuł""",
    "comments": """
        Bemerkung | Bemerkungen | Anmerkung | Notiz | Bemærkning | Bemærkninger | Merknad | Anmärkning | Opmerkingen
        Toelichting | Remarque | Remarques | Comentarios | Observaciones | Osservazioni | Huomautus | Uwagi""",
    "debtor.type": """
        Typ | Type | Art | Tipo | Tyyppi | Rodzaj | Kundengruppe | Kundegruppe | B2B/B2C | Segment | Cust type""",
    "debtor.name": """
        Kunde | Debitor | Kund | Klant | Debiteur | Débiteur | Cliente | Deudor | Debitore | Asiakas
        Klient | Kontrahent
        Firma | Firmenname | Empfänger | Rechnungsempfänger | Firmanavn | Navn | Företag | Företagsnamn | Namn
        Bedrijf | Bedrijfsnaam | Naam | Client | Raison sociale | Nom | Empresa | Razón social | Nombre
        Azienda | Ragione sociale | Nome | Yritys | Nimi | Nazwa | Nazwa firmy | Account name | Bill to | Sold to
        Cust name | Cust""",
    "debtor.contactPerson": "Kontakt | Att | z Hd | Contacto | Contatto | Referente | Referenceperson",
    "debtor.companyRegistrationNumber": """
        USt-IdNr | USt-ID | Umsatzsteuer-ID | HRB | BTW-nummer | BTW-nr | N° TVA | Numéro de TVA | SIRET | NIF
        Codice fiscale | ALV-numero | REGON | KRS | Tax id | Tax number | Momsnr""",
    "debtor.address": """
        Straße | Straßenname | Gade | Vej | Gate | Gata | Straat | Straatnaam | Rue | Calle | Via | Ulica""",
    "debtor.zipCode": "CP | CAP | Kod | Postal",
    "debtor.city": "By | Stadtteil | Gemeinde | Comune | Paikkakunta",
    "debtor.state": "Bundesland | Delstat | Provincia | Région | Estado | Osavaltio | Stan",
    "debtor.countryAlpha2": "LKZ | Landkürzel | ISO",
    "debtor.country": "Staat | Paese | Stato | Kraj klienta | Nation | Ctry",
    "debtor.email": "E-post kund | Correo | Posta elettronica | Posta | Mejl",
    "debtor.phone": "Mobil | Mobilnummer | Handy | Gsm | Móvil | Cellulare | Komórka | Matkapuhelin | Kontaktnummer",
    "creditorCompanyName": "Mandant | Auftraggeber | Opdrachtgever | Kreditor | Uppdragsgivare | Oppdragsgiver",
    "collectionPartnerReference": """
        Referenz | Referanse | Referens | Vår referens | Référence | Referencia | Riferimento
        Viite""",
    "caseId": "Fall | Sag | Sak | Ärende | Dossier | Expediente | Pratica | Asia | Sprawa",
}
_VAGUE: Final = {
    "amountToRecover": "Amount | Betrag | Beløb | Beløp | Belopp | Bedrag | Montant | Importe | Importo | Kwota",
}
# Words for the customer of whoever writes the sheet: for a collector or a partner that may be the creditor.
_CUSTOMER: Final = frozenset(
    _words(
        """
        Kundenname | Name des Kunden | Kundenavn | Kundnamn | Kundens namn | Klantnaam | Nom du client | Nom client
        Nombre del cliente | Nombre cliente | Nome cliente | Nome del cliente | Asiakkaan nimi | Asiakasnimi
        Nazwa klienta | Nazwa kontrahenta
        """
    )
)
# Parts of a field that exports keep in columns of their own: a join of the two is proposed.
PARTS: Final[Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]]] = {
    "debtor.address": (
        _words(
            """
            Straße | Straßenname | Street | Street name | Gade | Vej | Vejnavn | Gate | Gata | Straat | Straatnaam
            Rue | Calle | Via | Katu | Ulica
            """
        ),
        _words(
            """
            Hausnummer | Hausnr | House number | House no | Street number | Husnummer | Husnr | Huisnummer | Huisnr
            Numéro de rue | Número de calle | Civico | Numero civico | Talonumero | Numer domu | Nr domu
            """
        ),
    ),
    "debtor.name": (
        _words(
            """
            Vorname | First name | Given name | Fornavn | Förnamn | Voornaam | Prénom | Nombre | Nome | Etunimi | Imię
            """
        ),
        _words(
            """
            Nachname | Last name | Surname | Family name | Efternavn | Etternavn | Efternamn | Achternaam
            Nom de famille | Apellido | Apellidos | Cognome | Sukunimi | Nazwisko
            """
        ),
    ),
}
# What stands in a column of debtors' types; proposed as a table of values.
DEBTOR_TYPES: Final[Mapping[str, str]] = {
    word: kind
    for kind, words in {
        "Company": """
            Firma | Unternehmen | Geschäftskunde | Gewerbe | Gewerblich | Geschäftlich | Virksomhed | Erhverv
            Bedrift | Företag | Bedrijf | Zakelijk | Entreprise | Société | Professionnel | Empresa | Azienda | Società
            Impresa | Yritys | Przedsiębiorstwo | Juristische Person | Juridisk person | Persona jurídica
            Persona giuridica | Personne morale
            """,
        "Private": """
            Privat | Privatkunde | Privatperson | Verbraucher | Natürliche Person | Particulier | Forbruger | Forbruker
            Konsument | Consument | Particular | Consumidor | Privato | Consumatore | Yksityinen | Yksityishenkilö
            Henkilö | Kuluttaja | Osoba fizyczna | Osoba prywatna | Prywatny | Fysisk person | Persona física
            Persona fisica | Personne physique
            """,
    }.items()
    for word in _words(words)
}


def with_headings(fields: Iterable[Field], *, agent: bool = False) -> dict[str, Field]:
    """Give *fields* the headings of all languages, by name.

    With *agent*, of whoever collects for others: what they call a customer may be the creditor.
    """
    found = {}
    for field in fields:
        certain = _words(_CERTAIN.get(field.name, ""))
        unsure = tuple(word for word in certain if agent and word in _CUSTOMER)
        aliases = tuple(word for word in (*field.aliases, *certain) if word not in unsure)
        likely = (*field.likely, *unsure, *_words(_LIKELY.get(field.name, "")))
        found[field.name] = replace(
            field,
            aliases=tuple(dict.fromkeys(aliases)),
            likely=tuple(dict.fromkeys(likely)),
            vague=_words(_VAGUE.get(field.name, "")),
        )
    return found
