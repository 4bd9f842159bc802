"""The loop of mending: rows that did not get through come back, mended, and nothing has to be said again."""

from __future__ import annotations

import csv
import json
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import openpyxl
import pytest

from importer.sandbox import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Importer = Callable[..., Any]
    TypeIn = Callable[[Path, Path, Mapping[str, str]], None]

COLUMNS = ("Rg-Nr", "Kunde", "Art", "Straße", "Nr", "PLZ/Ort", "Land", "Betrag", "Datum", "Bemerkung")
MAPPING = """
[columns]
"Rg-Nr" = "creditorReference"
Kunde = "debtor.name"
Art = "debtor.type"
Land = "debtor.country"
Betrag = "amountToRecover"
Datum = "date"
Bemerkung = "comments"
[split]
"PLZ/Ort" = "{debtor.zipCode} {debtor.city}"
[join]
"debtor.address" = "{Straße} {Nr}"
[values."debtor.type"]
Firma = "Company"
Privat = "Private"
[values."debtor.country"]
Deutschland = "DE"
[constants]
currencyCode = "EUR"
"""
FAULTS = {  # number of the invoice → what is wrong with it
    3: {"Kunde": ""},
    7: {"Land": "Germny"},
    11: {"Betrag": "viel"},
    12: {"Datum": "31.02.2026"},
    18: {"PLZ/Ort": "01067"},
    22: {"Art": "Verein"},
    25: {"Betrag": "0,00"},
    31: {"Land": "", "PLZ/Ort": ""},
    40: {"Datum": "bald", "Kunde": ""},
}
SENT = ("--sandbox", "--yes", "--json")


def invoice(number: int) -> dict[str, str]:
    return {
        "Rg-Nr": f"{number:04}",
        "Kunde": f"Müller & Söhne {number}",
        "Art": "Firma" if number % 3 else "Privat",
        "Straße": "=1+1" if number in FAULTS else "Musterweg",
        "Nr": str(number),
        "PLZ/Ort": "01067 Dresden",
        "Land": "Deutschland",
        "Betrag": f"1.{number:03},50",
        "Datum": f"{1 + number % 12:02}.03.2026",
        "Bemerkung": "-1",
    }


def write(path: Path, rows: list[dict[str, str]], **dialect: Any) -> Path:
    with path.open("w", newline="", encoding=dialect.pop("encoding", "cp1252")) as file:
        writer = csv.DictWriter(file, COLUMNS, **{"delimiter": ";", **dialect})
        writer.writeheader()
        writer.writerows(rows)
    return path


@pytest.fixture
def forty(tmp_path: Path) -> Path:
    """Write forty invoices, nine of them faulty, and the mapping that they need."""
    (tmp_path / "ours.toml").write_text(MAPPING, encoding="utf-8")
    return write(tmp_path / "june.csv", [invoice(number) | FAULTS.get(number, {}) for number in range(1, 41)])


def lines(path: Path | str, sheet: str = "To fix") -> list[dict[str, Any]]:
    with closing(openpyxl.load_workbook(path)) as book:
        header, *rows = book[sheet].iter_rows(values_only=True)
    return [dict(zip(header, row, strict=True)) for row in rows]


def place(path: Path | str, reference: str, column: str) -> str:
    """Name a cell of `To fix` as LibreOffice goes to it."""
    number = next(n for n, line in enumerate(lines(path), 2) if line["Rg-Nr"] == reference)
    return f"$'To fix'.{'ABCDEFGHIJ'[COLUMNS.index(column)]}{number}"


def cases(tmp_path: Path) -> list[dict[str, Any]]:
    return Store(tmp_path / "sandbox.db").cases()


def sent(tmp_path: Path) -> dict[str, Any]:
    """Give the bodies of all cases, by reference; none may be there twice."""
    bodies = [json.loads(bytes(case["body"]), parse_float=Decimal) for case in cases(tmp_path)]
    assert len({body["creditorReference"] for body in bodies}) == len(bodies)
    return {body["creditorReference"]: body for body in bodies}


def mends(path: Path | str, *numbers: int) -> dict[str, str]:
    """Say what a clerk types to mend these invoices."""
    return {place(path, f"{n:04}", column): invoice(n)[column] for n in numbers for column in FAULTS[n]}


@pytest.mark.parametrize("suffixes", [("xlsx", "ods")])
def test_forty_rows_of_which_nine_are_mended_in_libreoffice_in_two_rounds_become_forty_cases(
    suffixes: tuple[str, str], importer: Importer, type_in: TypeIn, forty: Path, tmp_path: Path
) -> None:
    first = importer("submit", forty, "--mapping", "ours.toml", "--test", *SENT).said
    assert (first["counts"]["created"], first["counts"]["invalid"]) == (31, 9)
    (tmp_path / "ours.toml").unlink()
    wrongly = {place(first["report"], "0011", "Betrag"): "sehr viel", place(first["report"], "0022", "Art"): "Bund"}
    one = tmp_path / f"one.{suffixes[0]}"
    type_in(Path(first["report"]), one, mends(first["report"], 3, 7, 12, 18) | wrongly)

    second = importer("submit", one, *SENT)

    assert (second.said["counts"]["created"], second.said["counts"]["invalid"]) == (4, 5)
    assert "test cases; --live makes live ones" in second.err
    assert "-june-" in second.said["run"]
    assert next(line["Betrag"] for line in lines(second.said["report"])) == "sehr viel"
    two = tmp_path / f"two.{suffixes[1]}"
    type_in(Path(second.said["report"]), two, mends(second.said["report"], 11, 22, 25, 31, 40))
    third = importer("submit", two, *SENT).said
    assert (third["counts"]["rows"], third["counts"]["created"], third["exit"]) == (5, 5, 0)
    again = importer("submit", one, *SENT).said
    assert (again["counts"]["already-imported"], again["counts"]["invalid"]) == (4, 5)

    bodies = sent(tmp_path)
    assert sorted(bodies) == [f"{number:04}" for number in range(1, 41)]
    assert all(body["isTest"] for body in bodies.values())
    assert {bodies[f"{number:04}"]["debtor"]["address"] for number in FAULTS} == {f"=1+1 {number}" for number in FAULTS}
    assert {body["comments"] for body in bodies.values()} == {"-1"}
    assert (bodies["0012"]["date"][:10], bodies["0040"]["amountToRecover"]) == ("2026-03-01", 1040.5)
