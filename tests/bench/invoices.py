"""Invented invoices of 25 columns from a fixed seed, streamed into a file of any format: what the benchmarks read."""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from importer.model import column_letters

if TYPE_CHECKING:
    from collections.abc import Iterator

SEED = 26
AT_ONCE = 50_000  # rows
FAULTS = ("amountToRecover", "dueDate", "currencyCode", "debtor.type", "debtor.countryAlpha2", "debtor.city")
EPOCH = 25_569  # the day of a spreadsheet that 1970-01-01 is


@dataclass(frozen=True)
class Pool:
    """A column whose cells are drawn from so many texts; the last one may be a *fault* that only faulty rows have."""

    drawn: list[str]
    fault: str | None = None

    @property
    def texts(self) -> list[str]:
        return self.drawn if self.fault is None else [*self.drawn, self.fault]


@dataclass(frozen=True)
class Unique:
    """A column whose cells are all different: a text in front of the row's number."""

    prefix: str


@dataclass(frozen=True)
class Number:
    """A column of numbers from 0 to *most* with so many *decimals*."""

    most: int
    decimals: int


@dataclass(frozen=True)
class Day:
    """A column of dates, so many days from the first on."""

    days: int


def columns() -> dict[str, Pool | Unique | Number | Day]:
    """Describe the columns: fifteen that feed fields of `customer`, ten that any export has besides."""
    made = random.Random(SEED)  # noqa: S311 - a fixed series
    first = ["Anna", "Björn", "Chloé", "Dörte", "Emil", "Fiona", "Göran", "Hélène", "Ingrid", "Jürgen", "Kai", "Lærke"]
    last = ["Muster", "Beispiel", "Example", "Prøve", "Exempel", "Voorbeeld", "Exemple", "Ejemplo", "Esempio", "Malli"]
    kinds = ["GmbH", "ApS", "AB", "B.V.", "SARL", "S.L.", "Oy", "AS", "Handels GmbH & Co. KG"]
    streets = ["Musterstraße", "Prøvevej", "Exempelgatan", "Voorbeeldlaan", "Rue d'Exemple", "Esimerkkikatu"]
    cities = ["Berlin", "København", "Göteborg", "Utrecht", "Lyon", "Málaga", "Tampere", "München", "Aarhus", "Malmö"]
    people = [f"{made.choice(first)} {made.choice(last)} {number} {made.choice(kinds)}" for number in range(40_000)]
    notes = [
        "",
        "",
        "",
        "",
        "",
        "",
        "called, no answer",
        'says it was "paid in cash"',
        "asked for a copy",
        "in dispute",
    ]
    return {
        "creditorReference": Unique("RE-2026-"),
        "date": Day(700),
        "dueDate": Day(700),
        "amountToRecover": Number(5_000_000, 2),
        "currencyCode": Pool(["EUR", "EUR", "DKK", "SEK"], "EURO"),
        "debtor.type": Pool(["Company"], "Thing"),
        "debtor.name": Pool(people),
        "debtor.address": Pool([f"{made.choice(streets)} {number % 200 + 1}" for number in range(20_000)]),
        "debtor.zipCode": Pool([f"{made.randrange(1000, 99999):05}" for _ in range(5_000)]),
        "debtor.city": Pool(cities, ""),
        "debtor.countryAlpha2": Pool(["DE", "DE", "DK", "SE", "NL", "FR"], "Germny"),
        "debtor.email": Pool([f"accounts{number}@example.com" for number in range(40_000)]),
        "debtor.phone": Pool([f"+49 30 555 {number:05}" for number in range(40_000)]),
        "debtor.companyRegistrationNumber": Pool([f"HRB {number + 10_000}" for number in range(40_000)]),
        "claimDescription": Pool([f"Delivery of sample parts, order {number}" for number in range(500)]),
        "Customer number": Pool([f"K{number:07}" for number in range(40_000)]),
        "Order": Unique("4711-"),
        "Cost centre": Pool([f"{number:04}" for number in range(100)]),
        "Sales person": Pool([f"{one} {other}" for one in first for other in last]),
        "Payment terms": Pool(["30 days net", "14 days net", "30 days, 2 % discount within 10 days"]),
        "Reminders": Number(4, 0),
        "Last reminder": Day(300),
        "Net": Number(4_000_000, 2),
        "Tax": Number(900_000, 2),
        "Note": Pool(notes),
    }


def draw(rows: int, faulty: float = 0.0) -> Iterator[tuple[int, list[np.ndarray]]]:
    """Yield for each column the numbers that its cells are made of, so many rows at a time, with the first row's.

    The share *faulty* of the rows has one fault each: an amount of nothing, a day to come, or what no rule takes.
    """
    series = np.random.default_rng(SEED)
    names = list(columns())
    for start in range(0, rows, AT_ONCE):
        height = min(AT_ONCE, rows - start)
        drawn = []
        for column in columns().values():
            match column:
                case Pool(texts):
                    drawn.append(series.integers(0, len(texts), height))
                case Unique():
                    drawn.append(np.arange(start, start + height))
                case Number(most):
                    drawn.append(series.integers(0, most + 1, height))
                case Day(days):
                    drawn.append(20_000 + series.integers(0, days, height))
        drawn[2] = drawn[1] + 30  # due a month after the date
        drawn[3] += 1
        spoil(drawn, series.random(height) < faulty, series.integers(0, len(FAULTS), height), names)
        yield start, drawn


def spoil(drawn: list[np.ndarray], chosen: np.ndarray, kinds: np.ndarray, names: list[str]) -> None:
    """Give each chosen row the fault of its kind."""
    described = columns()
    for kind, name in enumerate(FAULTS):
        column, cells = described[name], drawn[names.index(name)]
        match column:
            case Pool(texts):
                cells[chosen & (kinds == kind)] = len(texts)
            case Number():
                cells[chosen & (kinds == kind)] = 0
            case _:
                cells[chosen & (kinds == kind)] += 20_000  # days: decades to come


def texts_of(column: Pool | Unique | Number | Day, drawn: np.ndarray) -> pa.Array:
    """Write the cells of a column as a CSV has them."""
    match column:
        case Pool():
            return pa.array(column.texts).take(pa.array(drawn))
        case Unique(prefix):
            return pc.binary_join_element_wise(prefix, pc.utf8_lpad(pc.cast(pa.array(drawn), pa.string()), 8, "0"), "")
        case Number(_, decimals):
            return numbers_of(drawn, decimals)
        case _:
            return pc.cast(pa.array(drawn.astype("int32")).cast(pa.date32()), pa.string())


def numbers_of(drawn: np.ndarray, decimals: int) -> pa.Array:
    whole = pc.cast(pa.array(drawn // 10**decimals), pa.string())
    if not decimals:
        return whole
    fraction = pc.utf8_lpad(pc.cast(pa.array(drawn % 10**decimals), pa.string()), decimals, "0")
    return pc.binary_join_element_wise(whole, fraction, ".")


def make_csv(path: Path, rows: int, faulty: float = 0.0) -> None:
    described = columns()
    with path.open("wb") as file:
        file.write((",".join(described) + "\r\n").encode())
        for _, drawn in draw(rows, faulty):
            cells = [quote(texts_of(column, values)) for column, values in zip(described.values(), drawn, strict=True)]
            lines = pc.binary_join_element_wise(*cells, ",")
            file.write(("\r\n".join(lines.to_pylist()) + "\r\n").encode())


def quote(texts: pa.Array) -> pa.Array:
    """Quote the cells that need it, as spreadsheet programs do."""
    doubled = pc.binary_join_element_wise('"', pc.replace_substring(texts, '"', '""'), '"', "")
    return pc.if_else(pc.match_substring_regex(texts, '[",]'), doubled, texts)


def make_xlsx(path: Path, rows: int, faulty: float = 0.0) -> None:
    """Write a workbook as Excel does: shared strings, dates and amounts as numbers with a format."""
    described = columns()
    shared = list(described)
    firsts = []
    for column in described.values():
        firsts.append(len(shared))
        shared += column.texts if isinstance(column, Pool) else []
    uniques = [number for number, column in enumerate(described.values()) if isinstance(column, Unique)]
    for rank, number in enumerate(uniques):
        firsts[number] = len(shared) + rank * rows
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, text in PARTS.items():
            archive.writestr(name, text)
        with archive.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as sheet:
            corner = f"{column_letters(len(described) - 1)}{rows + 1}"
            head = f'{XML}<worksheet xmlns="{MAIN}"><dimension ref="A1:{corner}"/><sheetData><row r="1">'
            cells = (f'<c r="{column_letters(n)}1" t="s"><v>{n}</v></c>' for n in range(len(described)))
            sheet.write(f"{head}{''.join(cells)}</row>".encode())
            for start, drawn in draw(rows, faulty):
                sheet.write(rows_of(described, firsts, drawn, start + 2))
            sheet.write(b"</sheetData></worksheet>")
        with archive.open("xl/sharedStrings.xml", "w", force_zip64=True) as strings:
            strings.write(f'{XML}<sst xmlns="{MAIN}">'.encode())
            strings.write(items(pa.array(shared)))
            for number in uniques:
                column = list(described.values())[number]
                for start in range(0, rows, AT_ONCE):
                    strings.write(items(texts_of(column, np.arange(start, min(rows, start + AT_ONCE)))))
            strings.write(b"</sst>")


XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
KIND = "application/vnd.openxmlformats-officedocument.spreadsheetml"
PARTS = {
    "[Content_Types].xml": f'{XML}<Types xmlns="{PACKAGE}/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    f'<Override PartName="/xl/workbook.xml" ContentType="{KIND}.sheet.main+xml"/>'
    f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{KIND}.worksheet+xml"/>'
    f'<Override PartName="/xl/styles.xml" ContentType="{KIND}.styles+xml"/>'
    f'<Override PartName="/xl/sharedStrings.xml" ContentType="{KIND}.sharedStrings+xml"/></Types>',
    "_rels/.rels": f'{XML}<Relationships xmlns="{PACKAGE}/relationships">'
    f'<Relationship Id="rId1" Type="{OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
    "xl/workbook.xml": f'{XML}<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}">'
    '<sheets><sheet name="Invoices" sheetId="1" r:id="rId1"/></sheets></workbook>',
    "xl/_rels/workbook.xml.rels": f'{XML}<Relationships xmlns="{PACKAGE}/relationships">'
    f'<Relationship Id="rId1" Type="{OFFICE}/worksheet" Target="worksheets/sheet1.xml"/>'
    f'<Relationship Id="rId2" Type="{OFFICE}/styles" Target="styles.xml"/>'
    f'<Relationship Id="rId3" Type="{OFFICE}/sharedStrings" Target="sharedStrings.xml"/></Relationships>',
    "xl/styles.xml": f'{XML}<styleSheet xmlns="{MAIN}"><fonts count="1"><font/></fonts>'
    '<fills count="1"><fill><patternFill patternType="none"/></fill></fills>'
    '<borders count="1"><border/></borders><cellStyleXfs count="1"><xf/></cellStyleXfs>'
    '<cellXfs count="3"><xf/><xf numFmtId="14" applyNumberFormat="1"/><xf numFmtId="4" applyNumberFormat="1"/>'
    "</cellXfs></styleSheet>",
}


def items(texts: pa.Array) -> bytes:
    for sign, written in (("&", "&amp;"), ("<", "&lt;")):
        texts = pc.replace_substring(texts, sign, written)
    return "".join(pc.binary_join_element_wise("<si><t>", texts, "</t></si>", "").to_pylist()).encode()


def rows_of(
    described: dict[str, Pool | Unique | Number | Day], firsts: list[int], drawn: list[np.ndarray], first: int
) -> bytes:
    row = pc.cast(pa.array(np.arange(first, first + len(drawn[0]))), pa.string())
    made = []
    for number, (column, values) in enumerate(zip(described.values(), drawn, strict=True)):
        head = (f'<c r="{column_letters(number)}', row)
        match column:
            case Pool() | Unique():
                text = pc.cast(pa.array(values + firsts[number]), pa.string())
                cell = pc.binary_join_element_wise(*head, '" t="s"><v>', text, "</v></c>", "")
                if isinstance(column, Pool) and "" in column.texts:
                    filled = pa.array(np.array([bool(text) for text in column.texts])[values])
                    cell = pc.if_else(filled, cell, "")
            case Number(_, decimals):
                cell = pc.binary_join_element_wise(*head, '" s="2"><v>', numbers_of(values, decimals), "</v></c>", "")
            case _:
                days = pc.cast(pa.array(values + EPOCH), pa.string())
                cell = pc.binary_join_element_wise(*head, '" s="1"><v>', days, "</v></c>", "")
        made.append(cell)
    return "".join(pc.binary_join_element_wise('<row r="', row, '">', *made, "</row>", "").to_pylist()).encode()


def make_xls(path: Path, rows: int) -> None:
    import xlwt  # noqa: PLC0415 - for this format alone

    book = xlwt.Workbook()
    sheet = book.add_sheet("Invoices")
    described = columns()
    looks = xlwt.easyxf(num_format_str="YYYY-MM-DD"), xlwt.easyxf()
    for place, name in enumerate(described):
        sheet.write(0, place, name)
    for start, drawn in draw(rows):
        for place, (column, values) in enumerate(zip(described.values(), drawn, strict=True)):
            match column:
                case Number(_, decimals):
                    cells = (values / 10**decimals).tolist()
                case Day():
                    cells = (values + EPOCH).tolist()
                case _:
                    cells = texts_of(column, values).to_pylist()
            for row, cell in enumerate(cells, start + 1):
                sheet.write(row, place, cell, looks[not isinstance(column, Day)])
    book.save(str(path))


def convert(path: Path, rows: int) -> None:
    """Make an XLSX, and have LibreOffice save it in the format that the path's ending names."""
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        source = Path(folder) / f"{path.stem}.xlsx"
        make_xlsx(source, rows)
        office = shutil.which("soffice") or sys.exit("LibreOffice is not there to make it.")
        command = [office, "--headless", "--convert-to", path.suffix[1:], "--outdir", str(path.parent), str(source)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


MAKERS = {"csv": make_csv, "xlsx": make_xlsx, "xls": make_xls, "xlsb": convert, "ods": convert}
