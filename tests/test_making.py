"""What a mapping makes of columns that are no fields as they stand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import schemas
from importer.match import make, match
from importer.match.splitting import LONGEST, split
from importer.model import Making, Matching, Table, split_template

TARGET = schemas.load("customer")
TEXT = pd.ArrowDtype(pa.string())
ZIP_AND_CITY = "{debtor.zipCode} {debtor.city}"


def table(columns: dict[str, list[str | None]], **more: Any) -> Table:
    cells = {number: pd.array(texts, dtype=TEXT) for number, texts in enumerate(columns.values())}
    height = len(next(iter(columns.values())))
    index = pd.RangeIndex(2, 2 + height, name="row").astype("int64")
    return Table(
        path=Path("source.csv"),
        header=tuple(columns),
        cells=pd.DataFrame(cells, index=index),
        numbers=more.get("numbers", {}),
        damaged=more.get("damaged", {}),
        facts=(),
        sha256="",
    )


def matching(source: Table, **making: Any) -> Matching:
    needed = {field.name for field in TARGET.FIELDS.values()} | {name for group in TARGET.EITHER for name in group}
    return match(source.header, TARGET, mapping={}, constants={}, making=Making(**making), optional=needed)


def made(source: Table, **making: Any) -> dict[str, list[str | None]]:
    found = matching(source, **making)
    result, _, _ = make(source, found, TARGET)
    return {one.feeds: texts(result, found.columns[one.feeds]) for one in found.made}


def texts(source: Table, column: int) -> list[str | None]:
    cells: list[str | None] = pa.array(source.cells[column], pa.string()).to_pylist()
    return cells


def split_as(text: str, form: str = ZIP_AND_CITY) -> dict[str, str] | None:
    return split(text, split_template(form))


@pytest.mark.parametrize(
    ("text", "zip_code", "city"),
    [
        ("01067 Dresden", "01067", "Dresden"),
        ("2100 København Ø", "2100", "København Ø"),
        ("DK-2100 København", "DK-2100", "København"),
        ("D - 10115 Berlin", "D - 10115", "Berlin"),
        ("111 20 Stockholm", "111 20", "Stockholm"),
        ("SE-111 20  Stockholm", "SE-111 20", "Stockholm"),
        ("1011 AB Amsterdam", "1011 AB", "Amsterdam"),
        ("1011AB Amsterdam", "1011AB", "Amsterdam"),
        ("1011 AB 's-Gravenhage", None, None),
        ("1011 AB AMSTERDAM", "1011 AB", "AMSTERDAM"),
        ("00-950 Warszawa", "00-950", "Warszawa"),
        ("1100-148 Lisboa", "1100-148", "Lisboa"),
        ("00120 Helsinki", "00120", "Helsinki"),
        ("75008 Paris 8e", "75008", "Paris 8e"),
        ("101 Reykjavík", "101", "Reykjavík"),
        ("EC1A 1AA London", "EC1A 1AA", "London"),
        ("D02 X285 Dublin", "D02 X285", "Dublin"),
        ("02108-1234 Boston", "02108-1234", "Boston"),
        ("0151 OSLO", "0151", "OSLO"),
        ("7100 La Louvière", "7100", "La Louvière"),
        ("10115\nBerlin", "10115", "Berlin"),
        # Undecidable: a Dutch code, or a Belgian town in capitals.
        ("7100 LA LOUVIÈRE", None, None),
        ("10115", None, None),
        ("1011 2222 Ort", None, None),
        ("Postfach 12, Berlin", None, None),
        ("x" * LONGEST + " 1", None, None),
    ],
)
def test_a_postal_code_and_a_city_are_told_apart_or_not_at_all(text: str, zip_code: str | None, city: str) -> None:
    assert split_as(text) == (None if zip_code is None else {"debtor.zipCode": zip_code, "debtor.city": city})


def test_a_city_without_a_postal_code_is_a_city() -> None:
    assert split_as("Dublin") == {"debtor.city": "Dublin"}


@pytest.mark.parametrize(
    ("form", "text", "parts"),
    [
        ("{debtor.city} {debtor.zipCode}", "Amsterdam 1011 AB", ["Amsterdam", "1011 AB"]),
        ("{debtor.countryAlpha2}-" + ZIP_AND_CITY, "DK-2100 København", ["DK", "2100", "København"]),
        ("{currencyCode} {amountToRecover}", "EUR 1.234,50", ["EUR", "1.234,50"]),
        ("{amountToRecover} {currencyCode}", "1 234,50 zł", ["1 234,50", "zł"]),
        ("{debtor.address}, " + ZIP_AND_CITY, "Hof 1, Haus 2, 01067 Dresden", ["Hof 1, Haus 2", "01067", "Dresden"]),
        ("{date} / {dueDate}", "1.8.2026/31.8.2026", ["1.8.2026", "31.8.2026"]),
        ("{date} / {dueDate}", "1/8/2026/31/8/2026", None),
        ("{amountToRecover} {comments}", "1 234 days", None),
        ("{date} - {dueDate}", "01.08.2026 - 31.08.2026", ["01.08.2026", "31.08.2026"]),
        ("{debtor.name} {debtor.contactPerson}", "Anna Maria Muster", None),
        ("{debtor.name} {debtor.contactPerson}", "Anna Muster", ["Anna", "Muster"]),
        ("Tel. {debtor.phone}; {debtor.email}", "Tel. 12 ; a@b.example", ["12", "a@b.example"]),
    ],
)
def test_a_cell_is_taken_apart_where_there_is_one_way_to_do_it(form: str, text: str, parts: list[str] | None) -> None:
    found = split_as(text, form)

    assert (list(found.values()) if found else None) == parts


def test_the_parts_of_a_cell_are_columns_named_like_it_and_the_source_stays_as_it_is() -> None:
    source = table({"PLZ/Ort": ["01067 Dresden", None, " DK-2100 København "]})
    found = matching(source, splits={"PLZ/Ort": ZIP_AND_CITY})

    result, issues, unfit = make(source, found, TARGET)

    assert result.header == ("PLZ/Ort", "PLZ/Ort", "PLZ/Ort")
    assert [texts(result, column) for column in (0, 1, 2)] == [
        texts(source, 0),
        ["01067", None, "DK-2100"],
        ["Dresden", None, "København"],
    ]
    assert issues.empty
    assert unfit == {}


def test_a_cell_that_cannot_be_taken_apart_is_one_issue_and_no_value() -> None:
    source = table({"PLZ/Ort": ["01067 Dresden", "01067", "01067"]})
    found = matching(source, splits={"PLZ/Ort": ZIP_AND_CITY})

    result, issues, unfit = make(source, found, TARGET)

    assert texts(result, 1) == ["01067", None, None]
    assert issues[["row", "column", "field", "severity", "code", "value"]].to_numpy().tolist() == [
        [3, "PLZ/Ort", "debtor.zipCode", "error", "cell-not-split", "01067"],
        [4, "PLZ/Ort", "debtor.zipCode", "error", "cell-not-split", "01067"],
    ]
    assert issues["message"][0] == "PLZ/Ort cannot be taken apart as {debtor.zipCode} {debtor.city}: “01067”."
    assert {name: rows.tolist() for name, rows in unfit.items()} == {
        "debtor.zipCode": [False, True, True],
        "debtor.city": [False, True, True],
    }


def test_a_join_leaves_no_gap_for_a_blank_cell() -> None:
    source = table(
        {"A": ["Hof", "Hof", None, " ", None], "B": ["1", None, "2", "", None], "C": ["x", "y", "z", "u", None]}
    )

    found = made(source, joins={"comments": "{A} {B}, {C}"})

    assert found["comments"] == ["Hof 1, x", "Hof, y", "2, z", "u", None]


def test_a_join_keeps_its_own_words_beside_the_cell() -> None:
    source = table({"A": ["1", None], "B": [None, "2"]})

    assert made(source, joins={"comments": "No {A} and {B}!"})["comments"] == ["No 1!", "2!"]


def test_a_spreadsheets_error_is_never_a_part_of_a_value() -> None:
    source = table({"A": ["Hof", "#N/A"], "B": ["#REF!", "1"], "PLZ/Ort": ["#N/A", "01067 Dresden"]})
    found = made(source, joins={"comments": "{A} {B}"}, splits={"PLZ/Ort": ZIP_AND_CITY})

    assert found == {
        "comments": ["#REF!", "#N/A"],
        "debtor.zipCode": ["#N/A", "01067"],
        "debtor.city": ["#N/A", "Dresden"],
    }


def test_a_value_that_is_not_listed_passes_unchanged() -> None:
    source = table({"debtor.type": ["B2B", "b2b ", "Other", None]})

    assert made(source, values={"debtor.type": {"B2B": "Company"}}) == {
        "debtor.type": ["Company", "Company", "Other", None]
    }


def test_a_blank_may_be_listed() -> None:
    source = table({"debtor.type": ["B2B", None, " "]})

    assert made(source, values={"debtor.type": {"": "Private"}}) == {"debtor.type": ["B2B", "Private", "Private"]}


def test_values_are_put_in_the_place_of_parts_and_of_joined_cells() -> None:
    source = table({"PLZ/Ort": ["D-01067 Dresden"], "A": ["x"], "B": ["y"]})
    found = made(
        source,
        splits={"PLZ/Ort": "{debtor.countryAlpha2}-" + ZIP_AND_CITY},
        joins={"comments": "{A} {B}"},
        values={"debtor.countryAlpha2": {"D": "DE"}, "comments": {"X Y": "z"}},
    )

    assert (found["debtor.countryAlpha2"], found["comments"]) == (["DE"], ["z"])


def test_a_number_of_a_workbook_stays_one_unless_other_words_take_its_place() -> None:
    mask = np.array([True, True, False])
    source = table({"amountToRecover": ["1.5", "0", "n/a"]}, numbers={0: mask}, damaged={0: mask})
    found = matching(source, values={"amountToRecover": {"0": "12", "n/a": "1"}})

    result, _, _ = make(source, found, TARGET)

    assert result.cells[1].tolist() == ["1.5", "12", "1"]
    assert result.numbers[1].tolist() == [True, False, False]
    assert result.damaged[1].tolist() == [True, False, False]


def test_a_number_that_lost_digits_taints_what_it_is_joined_to() -> None:
    source = table({"A": ["1", "2"], "B": ["x", "y"]}, damaged={0: np.array([True, False])})
    found = matching(source, joins={"creditorReference": "{A}-{B}"})

    result, _, _ = make(source, found, TARGET)

    assert result.damaged[2].tolist() == [True, False]
    assert 2 not in result.numbers
