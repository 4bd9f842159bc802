"""Columns of text become values, decided for each column from all of its cells."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import schemas
from importer.errors import ColumnsError
from importer.model import Matching, Parsed, Styles, Table
from importer.parse import parse
from importer.parse.amounts import Amounts
from importer.parse.column import Column, by_text

if TYPE_CHECKING:
    from collections.abc import Sequence

TARGET = schemas.load("customer")
TEXT = pd.ArrowDtype(pa.string())


def read(
    columns: dict[str, Sequence[str | None]],
    *,
    numbers: dict[str, list[bool]] | None = None,
    damaged: dict[str, list[bool]] | None = None,
    constants: dict[str, str] | None = None,
    unsupported: dict[str, str] | None = None,
    **options: Any,
) -> Parsed:
    """Parse columns that are named as their fields."""
    names = list(columns)
    cells = pd.DataFrame({number: pd.Series(cells, dtype=TEXT) for number, cells in enumerate(columns.values())})
    cells.index = pd.RangeIndex(2, 2 + len(cells), name="row")
    masks = [
        {names.index(name): np.array(mask) for name, mask in (given or {}).items()} for given in (numbers, damaged)
    ]
    table = Table(Path("june.csv"), tuple(names), cells, *masks, facts=(("header row", "1"),), sha256="")
    fields = {name: number for number, name in enumerate(names)}
    matching = Matching(fields, constants or {}, (), unsupported or {})
    return parse(table, matching, TARGET, **{"latest": 2027, **options})


def amounts(*cells: str | None, **options: Any) -> list[Any]:
    values = read({"amountToRecover": cells}, **options).values["amountToRecover"]
    return [None if value is pd.NA else value for value in values]


def dates(*cells: str | None, **options: Any) -> list[Any]:
    values = read({"date": cells}, **options).values["date"]
    return [None if value is pd.NA else value for value in values]


def codes(parsed: Parsed) -> list[tuple[int, str, str]]:
    return list(parsed.issues[["row", "severity", "code"]].itertuples(index=False, name=None))


def test_one_decimal_comma_settles_the_column() -> None:
    assert amounts("1.234,56", "1.000", "7") == [Decimal("1234.56"), Decimal(1000), Decimal(7)]


def test_one_decimal_point_settles_the_column() -> None:
    assert amounts("1,234.56", "1,000", "7.5") == [Decimal("1234.56"), Decimal(1000), Decimal("7.5")]


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("10,00", "10"),
        ("0,5", "0.5"),
        ("1.234.567", "1234567"),
        ("-12,30", "-12.3"),
        ("+50,00", "50"),
        ("1 234,50", "1234.5"),
        ("10\u00a0237,65", "10237.65"),
        ("10\u2009237,65", "10237.65"),
        ("1'234,50", "1234.5"),
        ("1\u2019234,50", "1234.5"),
        ("1234,5678", "1234.5678"),
    ],
)
def test_decimal_commas_and_their_groupings_are_read(text: str, amount: str) -> None:
    assert amounts(text, "0,01") == [Decimal(amount), Decimal("0.01")]


@pytest.mark.parametrize(("text", "amount"), [("1'234.50", "1234.5"), ("1,234,567", "1234567"), ("12.5", "12.5")])
def test_decimal_points_and_their_groupings_are_read(text: str, amount: str) -> None:
    assert amounts(text, "0.01") == [Decimal(amount), Decimal("0.01")]


@pytest.mark.parametrize(("text", "amount"), [("0.500", "0.5"), ("-0,125", "-0.125"), ("0.050", "0.05")])
def test_a_zero_in_front_groups_nothing_and_so_settles_the_column(text: str, amount: str) -> None:
    assert amounts(text) == [Decimal(amount)]
    assert amounts(text, decimal="comma" if "." in text else "point") == [None]


def test_an_amount_of_more_digits_than_can_be_held_is_no_amount_however_it_is_grouped() -> None:
    assert amounts("12,345,678,901,234,567,890.00", "123,456,789,012,345,678,901.00") == [
        Decimal(12345678901234567890),
        None,
    ]


def test_whole_numbers_and_spaces_decide_nothing_and_need_nothing() -> None:
    parsed = read({"amountToRecover": ["7", "1 234", " 12 ", None]})

    assert [str(value) for value in parsed.values["amountToRecover"].dropna()] == [
        f"{number}.{'0' * 18}" for number in (7, 1234, 12)
    ]
    assert parsed.styles == Styles()


@pytest.mark.parametrize("text", ["1.000", "1,000", "12.345"])
def test_what_may_be_a_thousand_or_a_fraction_is_refused_with_the_option(text: str) -> None:
    with pytest.raises(ColumnsError, match=rf"june.csv: amountToRecover may be read in two ways \(“{text}” in row 3\)"):
        amounts("7", text)
    with pytest.raises(
        ColumnsError, match="say --decimal amountToRecover=point or --decimal amountToRecover=comma, or set it"
    ):
        amounts(text)


def test_points_and_commas_in_one_column_are_refused_and_those_that_do_not_fit_are_named() -> None:
    with pytest.raises(
        ColumnsError,
        match=r"amountToRecover is not written in one way: some cells have decimal commas "
        r"\(“1,5” in row 3, “2,5” in row 4\), others have not \(“1.5” in row 2\)",
    ):
        amounts("1.5", "1,5", "2,5")


def test_with_the_option_those_that_do_not_fit_are_issues_of_their_rows() -> None:
    parsed = read({"amountToRecover": ["1.5", "1,5", "2,5"]}, decimal="comma")

    assert codes(parsed) == [(2, "error", "not-a-number")]
    assert parsed.issues["hint"][0].endswith("The column is read with decimal commas.")


def test_the_option_decides_what_the_column_does_not() -> None:
    assert amounts("1.000", decimal="comma") == [Decimal(1000)]
    assert amounts("1.000", decimal="point") == [Decimal(1)]


def test_what_was_decided_before_decides_again_and_gives_way_to_the_option() -> None:
    carried = Styles({"amountToRecover": "comma"}, {})

    assert amounts("1.000", carried=carried) == [Decimal(1000)]
    assert amounts("1.000", carried=carried, decimal="point") == [Decimal(1)]


def test_number_cells_of_a_workbook_have_a_point_and_decide_nothing() -> None:
    numbers = {"amountToRecover": [True, False, False]}

    assert amounts("1.234", "1.234,56", "1.000", numbers=numbers) == [
        Decimal("1.234"),
        Decimal("1234.56"),
        Decimal(1000),
    ]
    assert amounts("1.234", numbers={"amountToRecover": [True]}) == [Decimal("1.234")]


@pytest.mark.parametrize(
    "text", ["abc", "1.2.3", "12,34,5", "1e3", "--5", "EUR", "1..5", "9" * 21, ".", "-", "١٢", "∞"]
)
def test_what_is_no_amount_is_an_issue_and_hidden_from_the_rules(text: str) -> None:
    parsed = read({"amountToRecover": [text, "7.5"]})

    assert codes(parsed) == [(2, "error", "not-a-number")]
    assert text in parsed.issues["value"][0]
    assert parsed.unreadable["amountToRecover"].tolist() == [True, False]


@settings(max_examples=20)
@given(st.decimals(min_value=-(10**15), max_value=10**15, places=2), st.sampled_from(["point", "comma"]))
def test_an_amount_is_exactly_what_was_written(amount: Decimal, style: str) -> None:
    text = f"{amount:,.2f}"
    if style == "comma":
        text = text.translate(str.maketrans(",.", ".,"))

    assert amounts(text) == [amount]


def test_one_day_past_twelve_settles_the_order() -> None:
    assert dates("31/01/2026", "03/08/2026") == [date(2026, 1, 31), date(2026, 8, 3)]
    assert dates("01/31/2026", "03/08/2026") == [date(2026, 1, 31), date(2026, 3, 8)]
    assert read({"date": ["31-1-2026"]}).styles == Styles({}, {"date": "dmy"})


@pytest.mark.parametrize(
    "text",
    [
        *("2026-01-31", "2026-1-31", "2026/01/31", "2026.01.31", "20260131", "31.01.2026", "31.1.2026"),
        *("2026-01-31 13:45:00", "2026-01-31T13:45:00Z", "2026-01-31T13:45:00.123+01:00"),
    ],
)
def test_dates_that_need_no_order_are_read(text: str) -> None:
    assert dates(text) == [date(2026, 1, 31)]


def test_a_column_that_was_put_together_from_parts_is_read_as_one() -> None:
    parts = [pd.Series([text], dtype=TEXT) for text in ("2026-01-31", "2026-02-01")]
    whole = pd.concat(parts)
    none = np.zeros(2, dtype=bool)

    assert by_text(whole, date.fromisoformat, pa.date32()).tolist() == [date(2026, 1, 31), date(2026, 2, 1)]
    assert Amounts(Column("Amount", "amountToRecover", pd.concat([parts[0], parts[1]]), none, none)).decide() is None


def test_dotted_dates_are_day_first() -> None:
    assert dates("03.08.2026") == [date(2026, 8, 3)]


def test_the_same_day_and_month_needs_no_order() -> None:
    assert dates("05/05/2026") == [date(2026, 5, 5)]


def test_an_order_that_nothing_settles_is_refused_with_the_option() -> None:
    with pytest.raises(ColumnsError, match=r"date may be read in two ways \(“03/08/2026” in row 2\): say --date-order"):
        dates("03/08/2026", "2026-01-31")


def test_both_orders_in_one_column_are_refused() -> None:
    with pytest.raises(ColumnsError, match=r"some cells have days first \(“31/01/2026” in row 2\), others have not"):
        dates("31/01/2026", "01/31/2026")
    assert dates("31/01/2026", "01/31/2026", order="mdy") == [None, date(2026, 1, 31)]


def test_the_option_decides_the_order() -> None:
    assert dates("03/08/2026", order="dmy") == [date(2026, 8, 3)]
    assert dates("03/08/2026", order="mdy") == [date(2026, 3, 8)]
    assert dates("03/08/2026", carried=Styles({}, {"date": "mdy"})) == [date(2026, 3, 8)]


@pytest.mark.parametrize(
    "text",
    [
        *("31/01/1", "2026-13-01", "2026-02-30", "1899-12-31", "2201-01-01", "yesterday", "45356", "2026131"),
        *("31/01-2026", "2026-01-31 noon", "00/00/2026", "٣١/٠١/٢٠٢٦"),
    ],
)
def test_what_is_no_date_is_an_issue(text: str) -> None:
    assert codes(read({"date": [text]})) == [(2, "error", "not-a-date")]


def test_all_undecided_columns_come_in_one_message() -> None:
    with pytest.raises(ColumnsError) as caught:
        read({"date": ["03/08/2026"], "dueDate": ["04/08/2026"], "amountToRecover": ["1.000"]})

    assert str(caught.value).count("may be read in two ways") == 3


def test_text_is_kept_as_it_is_but_for_spaces_around_it() -> None:
    parsed = read(
        {"creditorReference": [" 00123 ", "NA", "null", "  ", None], "debtor.name": ["=1+1", "é", "a  b", "1", ""]}
    )

    assert parsed.values["creditorReference"].tolist() == ["00123", "NA", "null", pd.NA, pd.NA]
    assert parsed.values["debtor.name"].tolist() == ["=1+1", "é", "a  b", "1", pd.NA]
    assert parsed.texts["creditorReference"].tolist() == ["00123", "NA", "null", pd.NA, pd.NA]


def test_fields_without_a_column_are_absent_and_constants_are_everywhere() -> None:
    parsed = read({"date": ["2026-01-31", "2026-01-31"]}, constants={"currencyCode": "EUR", "amountToRecover": "1,5"})

    assert parsed.values["currencyCode"].tolist() == ["EUR", "EUR"]
    assert parsed.values["amountToRecover"].tolist() == [Decimal("1.5")] * 2
    assert parsed.values["comments"].isna().all()
    assert list(parsed.values) == list(TARGET.FIELDS)


@pytest.mark.parametrize("error", ["#N/A", "#DIV/0!", "#REF!", "#VALUE!", "#NAME?", "#NUM!", "#NULL!", "#SPILL!"])
def test_an_error_of_the_spreadsheet_is_an_issue_in_every_kind_of_field(error: str) -> None:
    parsed = read({"debtor.name": [error], "amountToRecover": [error], "date": [error], "creditorDivisionId": [error]})

    assert codes(parsed) == [(2, "error", "cell-error")] * 4
    assert parsed.values["debtor.name"].isna().all()
    assert len(parsed.unreadable.columns) == 4


def test_ids_and_yes_or_no_are_read() -> None:
    parsed = read(
        {
            "creditorDivisionId": ["3FA85F64-5717-4562-b3fc-2c963f66afa6", "x", None],
            "skipDebituraVerification": ["Yes", "FALSE", "maybe"],
        }
    )

    assert parsed.values["creditorDivisionId"].tolist() == ["3fa85f64-5717-4562-b3fc-2c963f66afa6", pd.NA, pd.NA]
    assert parsed.values["skipDebituraVerification"].tolist() == [True, False, pd.NA]
    assert codes(parsed) == [(3, "error", "not-a-uuid"), (4, "error", "not-a-boolean")]


def test_digits_that_a_spreadsheet_has_lost_are_noticed() -> None:
    parsed = read(
        {
            "creditorReference": ["1,23457e+12", "22E1", "1234567890123450000", "7"],
            "debtor.phone": [None, None, None, "4.51234E+10"],
            "debtor.name": ["1.23457E+12", "a", "b", "c"],
        },
        damaged={"creditorReference": [False, False, True, False]},
    )

    assert codes(parsed) == [
        (2, "error", "damaged-identifier"),
        (4, "error", "damaged-identifier"),
        (5, "warning", "damaged-identifier"),
    ]


def test_a_field_of_another_target_is_warned_about_once_at_the_header() -> None:
    parsed = read({"date": ["2026-01-31"] * 3}, unsupported={"creditorCountry": "Creditor"})

    assert codes(parsed) == [(1, "warning", "field-not-supported")]
    assert "Creditor maps to creditorCountry" in parsed.issues["message"][0]
