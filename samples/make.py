"""Make the sample workbooks: `python samples/make.py` writes them beside this script, or into the folder it is given.

The text sources and the expectations beside every source are written by hand; workbooks need their cells to be real
numbers, dates and error cells. All people and companies are invented.
"""

from __future__ import annotations

import sys
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import xlsxwriter

MADE = datetime(2026, 1, 1, tzinfo=UTC).replace(tzinfo=None)  # a fixed date: the same script makes the same bytes

MONTH = """
Invoice number|Invoice date|Due date|Amount|Currency|Debtor type|Customer name|Contact|Address|Postal code|City|State|Country|Email|Phone|VAT number|Account manager
0000104711|2026-07-03|2026-08-02|1840.00|EUR|Company|Musterwerk GmbH|Erika Beispiel|Musterstraße 12|01067|Dresden||Germany|accounts@musterwerk.example.com|+49 351 555 0101|DE000000001|Ada
0000104712|2026-07-03|2026-08-02|12450.50|DKK|Company|Example Bakery ApS|Bo Eksempel|Prøvevej 4|2100|København||Denmark|bogholderi@example.com|+45 55 50 01 02|DK00000002|Ada
0000104713|2026-07-06|2026-08-05|310.25|EUR|Private|Jan Voorbeeld||Proefstraat 88|1011 AB|Amsterdam||Netherlands|jan.voorbeeld@example.com|+31 20 555 0103||Ben
0000104714|2026-07-06|2026-08-05|5290.00|USD|Company|Sample Freight Inc.|Pat Sample|100 Example Avenue|02108|Boston|MA|United States|ap@samplefreight.example.com|+1 617 555 0104||Ada
0000104715|2026-07-08|2026-08-07|980.40|GBP|Company|Placeholder Print Ltd|Sam Placeholder|7 Fictional Row|EC1A 1AA|London||United Kingdom|ledger@placeholder.example.com|+44 20 5550 0105|GB000000005|Ben
0000104716|2026-07-08|2026-08-07|2215.00|USD|Company|Made-up Motors LLC|Lee Madeup|42 Nowhere Road|00501|Holtsville||United States|billing@madeup.example.com|+1 631 555 0106||Ada
0000104717|2026-07-10|2026-08-09|18400.00|SEK|Company|Exempelbolaget AB|Eva Exempel|Provgatan 3|111 20|Stockholm||Sweden|ekonomi@exempel.example.com|+46 8 555 01 07|SE000000000701|Ben
0000104718|2026-07-10|2026-08-09|745.00|CHF|Company|Beispiel Uhren AG|Urs Muster|Probeweg 9|8001|Zürich||Switzerland|buchhaltung@uhren.example.com|+41 44 555 01 08||Ada
0000104719|2026-07-13|2026-08-12|1999.99|EUR|Private|Marie Exemple||5 rue de l'Essai|06000|Nice||France|marie.exemple@example.com|+33 4 55 50 01 09||Ben
0000104720|2026-07-13|2026-08-12|64000|JPY|Company|Mihon Shoji KK|Taro Mihon|1-2-3 Rei|060-0001|Sapporo||Japan|keiri@mihon.example.com|+81 11 555 0110||Ada
0000104721|2026-07-15|2026-07-01|430.00|EUR|Company|Backwards Calendar GmbH|Max Muster|Zeitgasse 1|20095|Hamburg||Germany|post@calendar.example.com|+49 40 555 0111||Ada
0000104722|2026-07-15|2026-08-14|3120.75|EUR|Company|Voorbeeld Logistiek BV|Piet Proef|Havenweg 21|3011 AA|Rotterdam||Netherlands|facturen@voorbeeld.example.com|+31 10 555 0112|NL000000012B01|Ben
0000104723|2026-07-17|2026-08-16|860.00|NOK|Company|Eksempel Fisk AS|Kari Eksempel|Prøvebrygga 2|5003|Bergen||Norway|regnskap@fisk.example.com|+47 55 55 01 13||Ada
0000104724|2026-07-17|2026-08-16|275.00|EUR|Private|Otto Beispiel||Testplatz 6|1010|Wien||Austria|otto.beispiel@example.com|01 555 0114||Ben
0000104725|2026-07-20|2026-08-19|15875.30|USD|Company|Fictional Fixtures Corp.|Kim Fiction|900 Sample Street|94103|San Francisco|California|United States|payables@fixtures.example.com|+1 415 555 0115||Ada
0000104726|2026-07-20|2026-08-19|2460.00|GBP|Company|Pretend Paper plc|Jo Pretend|12 Makebelieve Lane|M1 1AE|Manchester||United Kingdom|accounts@pretend.example.com|+44 161 555 0116|GB000000016|Ben
0000104727|2026-07-22|2026-08-21|1130.00|EUR|Company|Tippfehler Technik GmbH|Tina Tipp|Buchstabenweg 8|50667|Köln||Germny|info@tippfehler.example.com|+49 221 555 0117||Ada
0000104728|2026-07-22||640.60|EUR|Company|Sans Échéance SARL|Luc Essai|3 place du Test|69001|Lyon||France|compta@echeance.example.com|+33 4 55 50 01 18|FR00000000018|Ben
0000104729|2026-07-24|2026-08-23|9300.00|DKK|Company|Prøvehuset A/S|Ida Prøve|Testgade 17|8000|Aarhus||Denmark|faktura@provehuset.example.com|+45 55 50 01 19|DK00000019|Ada
0000104730|2026-07-24|2026-08-23|118.00|EUR|Private|Aino Esimerkki||Koekatu 5|00100|Helsinki||Finland|aino.esimerkki@example.com|+358 9 555 0120||Ben
0000104731|2026-07-27|2026-08-26|7755.00|EUR|Company|Ejemplo y Prueba SL|Ana Ejemplo|Calle de Prueba 30|08001|Barcelona||Spain|pagos@ejemplo.example.com|+34 93 555 0121|ES00000021|Ada
0000104732|2026-07-27|2026-08-26|0|EUR|Company|Nullsumme Handels GmbH|Nils Null|Leergasse 0|80331|München||Germany|kontakt@nullsumme.example.com|+49 89 555 0122||Ben
0000104733|2026-07-29|2026-08-28|4870.20|PLN|Company|Przykładowa Piekarnia Sp. z o.o.|Ewa Próba|ul. Próbna 11|00-001|Warszawa||Poland|ksiegowosc@piekarnia.example.com|+48 22 555 01 23|PL0000000023|Ada
0000104734|2026-07-29|2026-08-28|1525.00|USD|Private|Robin Example||15 Test Drive|78701|Austin|US-TX|United States|robin.example@example.com|+1 512 555 0124||Ben
0000104735|2026-07-31|2026-08-30|2045.00|EUR|Company|Esempio Ceramiche Srl|Gino Esempio|Via della Prova 2|00118|Roma||Italy|amministrazione@ceramiche.example.com|+39 06 555 0125|IT00000000025|Ada
0000104736|2026-07-31|2026-08-30|#N/A|EUR|Company|Lookup Lost GmbH|Lara Lost|Verweisweg 404|04109|Leipzig||Germany|office@lookup.example.com|+49 341 555 0126||Ben
0000104737|2026-08-03|2026-09-02|395.00|GBP|Private|Alex Placeholder||1 Imaginary Mews|BS1 4ST|Bristol||United Kingdom|alex.placeholder@example.com|+44 117 555 0127||Ada
0000104738|2026-08-03|2026-09-02|1210.00|EUR|Company|Falsch Geschrieben KG|Fritz Falsch|Adressallee 3|70173|Stuttgart||Germany|fritz.falsch(at)example.com|+49 711 555 0128||Ben
0000104739|2026-08-05|2026-09-04|22600.00|SEK|Company|Provföretaget AB|Nils Prov|Testvägen 14|411 03|Göteborg||Sweden|faktura@prov.example.com|+46 31 555 01 29|SE000000002901|Ada
0000104740|2026-08-05|2026-09-04|990.00|EUR|Company|Twice Told Trading GmbH|Theo Twice|Doppelstraße 2|90402|Nürnberg||Germany|theo@twice.example.com|+49 911 555 0130||Ben
0000104741|2026-08-07|2026-09-06|3333.33|EUR|Company|Ukázka s.r.o.|Jana Ukázka|Zkušební 6|110 00|Praha||Czechia|fakturace@ukazka.example.com|+420 255 501 310|CZ00000031|Ada
0000104742|2026-08-07|2026-09-06|510.00|AUD|Company|Sample Surf Pty Ltd|Mel Sample|8 Demo Parade|2026|Bondi||Australia|hello@surf.example.com|+61 2 5550 0132||Ben
0000104743|2026-08-10|2026-09-09|2750.00|USD|Company|Penguin Pretend Supplies|Fin Pretend|Ice Shelf 1|0000|Nowhere Station||Antarctica|stores@penguin.example.com|+672 155 0133||Ada
0000104744|2026-08-10|2026-09-09|1475.80|EUR|Company|Exemple & Fils NV|Zoé Exemple|Teststraat 19|1000|Brussel||Belgium|boekhouding@fils.example.com|+32 2 555 01 34|BE0000000034|Ben
0000104740|2026-08-12|2026-09-11|1090.00|EUR|Company|Twice Told Trading GmbH|Theo Twice|Doppelstraße 2|90402|Nürnberg||Germany|theo@twice.example.com|+49 911 555 0130||Ada
0000104745|2026-08-12|2026-09-11|6180.00|EUR|Company|Sampla Teoranta|Niamh Sampla|3 Bóthar Trialach|D02 XY45|Dublin||Ireland|cuntais@sampla.example.com|+353 1 555 0135||Ben
0000104746|2026-08-14|2026-09-13|1350.00|EUR|Company|Paradeigma AE|Nikos Dokimi|Odos Dokimis 7|105 57|Athina||Greece|logistirio@paradeigma.example.com|+30 21 0555 0136|EL000000036|Ada
0000104747|2026-08-14|2026-09-13|84.90|EUR|Private|Lena Mustermann||Beispielring 44|99084|Erfurt||Germany|lena.mustermann@example.com|+49 361 555 0137||Ben
0000104748|2026-08-17|2026-09-16|2930.00|USD|Company|Hypothetical Health Co.|Dana Hypo|77 Maybe Boulevard|20001|Washington|District of Columbia|United States|finance@hypothetical.example.com|+1 202 555 0138||Ada
0000104749|2026-08-17|2026-09-16|4015.45|CAD|Company|Érablière Exemple inc.|Guy Exemple|9 chemin du Test|H2X 1Y4|Montréal|Québec|Canada|comptes@erabliere.example.com|+1 514 555 0139||Ben
"""  # noqa: E501 - a row a line

DAMAGED = """
Invoice number|Invoice date|Due date|Amount|Currency|Debtor type|Customer name|Address|Postal code|City|Country|VAT number
1234567890123456789|2026-03-02|2026-04-01|150.00|EUR|Company|Long Number GmbH|Ziffernweg 1|10115|Berlin|DE|DE000000001
1234567890123456|2026-03-03|2026-04-02|250.00|EUR|Company|Sixteen Digits GmbH|Ziffernweg 2|10117|Berlin|DE|DE000000002
EX-3|2026-03-04|2026-04-03|350.00|EUR|Company|Long Register GmbH|Ziffernweg 3|10119|Berlin|DE|9876543210987654
123456789012345|2026-03-05|2026-04-04|450.00|EUR|Company|Fifteen Digits GmbH|Ziffernweg 4|10178|Berlin|DE|DE000000004
'1234567890123456780|2026-03-06|2026-04-05|550.00|EUR|Company|Text Number GmbH|Ziffernweg 5|10179|Berlin|DE|DE000000005
"""  # noqa: E501 - a row a line

ERROR_CELLS = """
Invoice number|Invoice date|Due date|Amount|Currency|Debtor type|Customer name|Address|Postal code|City|Country|Comments|Margin
EX-1|2026-03-02|2026-04-01|100.00|EUR|Company|NA|Beispielweg 1|10115|Berlin|DE|NA is this company's name|0.1
EX-2|2026-03-02|2026-04-01|#N/A|EUR|Company|Amount Gone GmbH|Beispielweg 2|10115|Berlin|DE||0.2
EX-3|2026-03-02|2026-04-01|300.00|EUR|Company|Country Gone GmbH|Beispielweg 3|10115|Berlin|#REF!||0.3
EX-4|2026-03-02|#VALUE!|400.00|EUR|Company|Date Gone GmbH|Beispielweg 4|10115|Berlin|DE||0.4
EX-5|2026-03-02|2026-04-01|500.00|EUR|Company|Comment Gone GmbH|Beispielweg 5|10115|Berlin|DE|#NAME?|0.5
EX-6|2026-03-02|2026-04-01|600.00|EUR|Company|Margin Gone GmbH|Beispielweg 6|10115|Berlin|DE||#DIV/0!
EX-7|#NUM!|#NULL!|700.00|EUR|Company|Both Dates Gone GmbH|Beispielweg 7|10115|Berlin|DE||0.7
"""  # noqa: E501 - a row a line

LEADING_ZEROS = """
Invoice number|Invoice date|Due date|Amount|Currency|Debtor type|Customer name|Address|Postal code|City|Country
'00123|2026-03-02|2026-04-01|100.00|EUR|Company|Two Zeros GmbH|Nullweg 1|01067|Dresden|DE
'0123|2026-03-02|2026-04-01|200.00|EUR|Company|One Zero GmbH|Nullweg 2|04109|Leipzig|DE
123|2026-03-02|2026-04-01|300.00|EUR|Company|No Zero GmbH|Nullweg 3|99084|Erfurt|DE
'000|2026-03-02|2026-04-01|400.00|EUR|Company|Nothing But Zeros GmbH|Nullweg 4|06108|Halle|DE
"""

WORKBOOKS = {
    "month-2026-10.xlsx": ("Open items", MONTH, ()),
    "damaged-identifiers.xlsx": ("Invoices", DAMAGED, ("Invoice number", "VAT number")),
    "error-cells.xlsx": ("Invoices", ERROR_CELLS, ("Margin",)),
    "leading-zeros.xlsx": ("Invoices", LEADING_ZEROS, ("Invoice number",)),
}


def make(path: Path, sheet: str, text: str, numeric: tuple[str, ...]) -> None:
    """Write the rows of *text* to one sheet: dates and amounts as such, error cells as formulas that failed.

    Args:
        path: The workbook to write.
        sheet: The name of its one sheet.
        text: A header and rows, cells parted by bars; an apostrophe in front keeps a cell text.
        numeric: Further columns whose cells are numbers where they can be.
    """
    header, *rows = (line.split("|") for line in text.strip().splitlines())
    with xlsxwriter.Workbook(path) as book:
        book.set_properties({"title": "Invented sample", "created": MADE})
        bold = book.add_format({"bold": True, "bottom": 1})
        day = book.add_format({"num_format": "yyyy-mm-dd"})
        money = book.add_format({"num_format": "#,##0.00"})
        whole = book.add_format({"num_format": "0"})
        page = book.add_worksheet(sheet)
        page.freeze_panes(1, 0)
        page.write_row(0, 0, header, bold)
        for column, name in enumerate(header):
            page.set_column(column, column, max(len(row[column]) for row in [header, *rows]) + 2)
            for line, row in enumerate(rows, start=1):
                cell = row[column]
                if cell.startswith("#"):
                    page.write_formula(line, column, "=VLOOKUP(A1,A1,1,0)", None, cell)
                elif name.endswith("date") and cell:
                    page.write_datetime(line, column, date.fromisoformat(cell), day)
                elif name == "Amount":
                    page.write_number(line, column, Decimal(cell), money)
                elif name in numeric and cell.replace(".", "").isdigit():
                    page.write_number(line, column, Decimal(cell), whole)
                elif cell:
                    page.write_string(line, column, cell.removeprefix("'"))


def main(folder: Path) -> None:
    """Write every workbook into *folder*."""
    for name, (sheet, text, numeric) in WORKBOOKS.items():
        make(folder / name, sheet, text, numeric)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
