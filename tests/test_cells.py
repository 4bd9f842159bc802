"""What a cell's format says arrives at the API, and comes back in the report."""

from __future__ import annotations

import json
from datetime import date
from typing import TYPE_CHECKING, Any

import openpyxl
import pytest

from importer.read.numberformats import find
from importer.sandbox import Store

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

HEADER = (
    *("creditorReference", "currencyCode", "date", "amountToRecover", "debtor.type", "debtor.name"),
    *("debtor.address", "debtor.city", "debtor.zipCode", "debtor.countryAlpha2"),
)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Make two invoices; the amount of the second is a percentage."""
    book = openpyxl.Workbook()
    page = book.active
    page.append(HEADER)
    for number in (12, 13):
        page.append(
            [number, "EUR", date(2026, 1, 31), 1250, "Company", "Example", "1 St", "Dresden", 1067, "DE"],
        )
        page.cell(number - 10, 1).number_format = '"INV-"0000'
        page.cell(number - 10, 4).number_format = "00000"
        page.cell(number - 10, 9).number_format = "00000"
    page["D3"].number_format = "0.00%"
    book.save(tmp_path / "june.xlsx")
    return tmp_path / "june.xlsx"


def test_identifiers_are_sent_as_people_see_them_and_amounts_as_they_are_worth(
    importer: Callable[..., Any], source: Path, tmp_path: Path
) -> None:
    ran = importer("submit", source, "--sandbox", "--yes", "--json")

    (case,) = Store(tmp_path / "sandbox.db").cases()
    body = json.loads(bytes(case["body"]))  # type: ignore[call-overload]
    assert (body["creditorReference"], body["debtor"]["zipCode"]) == ("INV-0012", "01067")
    assert (body["amountToRecover"], body["date"][:10]) == (1250, "2026-01-31")
    assert ran.said["counts"] == ran.said["counts"] | {"created": 1, "invalid": 1}


def test_a_percentage_is_no_amount_and_is_given_back_with_the_zeros_of_the_others(
    importer: Callable[..., Any], source: Path
) -> None:
    ran = importer("check", source, "--json")

    book = openpyxl.load_workbook(source.parent / ran.said["report"])
    (issue,) = book["Issues"].iter_rows(min_row=2, values_only=True)
    assert issue[:6] == (3, "amountToRecover", "amountToRecover", "error", "not-a-number", "125000%")
    assert [cell.value for cell in book["To fix"][2]][:4] == ["INV-0013", "EUR", "2026-01-31", "125000%"]
    assert book["To fix"]["I2"].value == "01067"


@pytest.mark.parametrize("code", ['"', "\\", "[", "[<x]00", ";", ";;;;;", "", "_", "*", '00"', "[<=]00000"])
def test_a_format_that_is_none_harms_nothing(code: str) -> None:
    found = find(code)

    assert found is None or found.show(7.0) in {"07", "00007"}
