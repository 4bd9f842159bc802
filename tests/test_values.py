"""Amounts and dates as people write them: every example of docs/values.md, and every locale of the CLDR."""

from __future__ import annotations

import json
import re
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from babel import Locale, localedata
from babel.dates import format_date
from babel.numbers import format_currency, format_decimal
from hypothesis import given, settings
from hypothesis import strategies as st

import schemas
from importer.errors import ColumnsError
from importer.model import Carried, Matching, Parsed, Reading, Styles, Table
from importer.parse import parse
from importer.parse.amounts import QUOTES, SPACES, UNSEEN, Amounts, explain
from importer.parse.column import Column, Undecided
from importer.parse.currencies import find_currencies
from importer.parse.dates import Dates
from importer.parse.said import find_fields
from importer.parse.words import LANGUAGES, fold, months_in, names
from importer.read import read as read_source
from schemas.geography import currency_digits

if TYPE_CHECKING:
    from importer.model import DateOrder

TARGET = schemas.load("customer")
TEXT = pd.ArrowDtype(pa.string())
GUIDE = Path(__file__).parent.parent / "docs" / "values.md"
CORPUS: dict[str, dict[str, Any]] = json.loads(
    (Path(__file__).parent / "corpus" / "expected.json").read_text(encoding="utf-8")
)


def read(columns: dict[str, list[str]], *, mixed: frozenset[str] = frozenset(), **options: Any) -> Parsed:
    """Parse columns that are named as their fields, in a row whose currency is EUR if nothing else says it."""
    fields = list(columns)
    cells = pd.DataFrame({place: pd.Series(texts, dtype=TEXT) for place, texts in enumerate(columns.values())})
    cells.index = pd.RangeIndex(2, 2 + len(cells), name="row")
    carried = Carried("run", "customer", {}, {}, Styles(), mixed) if mixed else None
    table = Table(Path("june.csv"), tuple(fields), cells, {}, {}, (("header row", "1"),), "", carried)
    constants = {} if "currencyCode" in columns else {"currencyCode": "EUR"}
    matching = Matching({name: place for place, name in enumerate(fields)}, constants, (), {})
    few = {name: field for name, field in TARGET.FIELDS.items() if name in {*fields, "currencyCode"}}
    target: Any = SimpleNamespace(FIELDS=few, CODES=TARGET.CODES, REFERENCE=TARGET.REFERENCE)
    return parse(table, matching, target, **{"latest": 2027, **options})


def values(field: str, *texts: str, **options: Any) -> list[Any]:
    """Read one column; None where a cell could not be read, and an issue says so."""
    parsed = read({field: list(texts)}, **options)
    found = [None if value is pd.NA else value for value in parsed.values[field]]
    assert [row - 2 for row in sorted(set(parsed.issues["row"]))] == [
        place for place, value in enumerate(found) if value is None and texts[place].strip()
    ]
    return found


def amounts(*texts: str, **options: Any) -> list[Any]:
    return values("amountToRecover", *texts, **options)


def dates(*texts: str, **options: Any) -> list[Any]:
    return values("date", *texts, **options)


def column(field: str, texts: list[str]) -> Column:
    none = np.zeros(len(texts), dtype=bool)
    return Column(field, field, pd.Series(texts, dtype=TEXT), none, none)


def all_amounts(*texts: str) -> list[Any]:
    """Read amounts without all that is around them."""
    found = Amounts(column("amountToRecover", list(texts)))
    return [None if value is pd.NA else value for value in found.convert(found.decide())]


def all_dates(*texts: str, order: DateOrder | None = None) -> list[Any]:
    """Read dates in the same way."""
    found = Dates(column("date", list(texts)), 2027)
    return [None if value is pd.NA else value for value in found.convert(order or found.decide())]


def hints(field: str, *texts: str, **options: Any) -> list[str]:
    hints: list[str] = read({field: list(texts)}, **options).issues["hint"].tolist()
    return hints


def examples() -> list[Any]:
    """Take the lines of the guide's tables apart: what kind of column, its cells, and what they are read as."""
    found, kind = [], ""
    for line in GUIDE.read_text(encoding="utf-8").splitlines():
        if line.startswith("## "):
            kind = line.removeprefix("## ")
        if not line.startswith("| `") or kind not in {"Amounts", "Dates"}:
            continue
        cells, results, _ = line.strip("|").split(" | ")
        texts = re.findall("`([^`]*)`", cells)
        read_as = re.findall("`([^`]*)`|(not read|refused)", results)
        found.append(pytest.param(kind, texts, [value or said for value, said in read_as], id=cells.strip()))
    return found


@pytest.mark.parametrize(("kind", "texts", "read_as"), examples())
def test_each_example_of_the_guide_holds(kind: str, texts: list[str], read_as: list[str]) -> None:
    take = amounts if kind == "Amounts" else dates

    if read_as == ["refused"]:
        with pytest.raises(ColumnsError, match="say --d"):
            take(*texts)
    else:
        understand: Any = Decimal if kind == "Amounts" else date.fromisoformat
        assert take(*texts) == [None if said == "not read" else understand(said) for said in read_as]


def test_the_guide_has_many_examples() -> None:
    assert len(examples()) > 45


@pytest.mark.parametrize("name", [name for name, told in CORPUS.items() if "values" in told or "undecided" in told])
def test_the_columns_of_the_corpus_mean_what_is_expected(name: str) -> None:
    table = read_source(GUIDE.parent.parent / "tests" / "corpus" / "sources" / name, Reading())
    columns = dict(zip(table.header, range(len(table.header)), strict=True))

    def parsed() -> Parsed:
        return parse(table, Matching(columns, {}, (), {}), TARGET, latest=2027)

    if "undecided" in CORPUS[name]:
        with pytest.raises(ColumnsError, match=re.escape(CORPUS[name]["undecided"])):
            parsed()
        return
    for field, meant in CORPUS[name]["values"].items():
        understand: Any = Decimal if TARGET.FIELDS[field].kind == "amount" else date.fromisoformat
        found = parsed()
        assert [None if value is pd.NA else value for value in found.values[field]] == [
            text and understand(text) for text in meant
        ]
        assert found.issues["row"].tolist() == [row for row, text in enumerate(meant, 2) if text is None]


# What Babel writes with its own signs that nobody writes invoices with.
OTHER_SIGNS = {"\u060c", "\u066b", "\u2e41"}


def locales() -> list[str]:
    """Name the locales whose numbers, in Latin digits, are grouped by threes or as in India."""
    found = []
    for name in localedata.locale_identifiers():
        locale = Locale.parse(name)
        signs = locale.number_symbols.get("latn", {})
        if not OTHER_SIGNS & set(signs.values()) and locale.decimal_formats[None].pattern != "#,#0.###":
            found.append(name)
    return found


LOCALES = locales()


def test_nearly_every_locale_is_known() -> None:
    assert len(LOCALES) > 0.95 * len(localedata.locale_identifiers())


@settings(max_examples=200)
@given(
    st.sampled_from(LOCALES),
    st.lists(st.decimals(min_value=-(10**12), max_value=10**12, places=2), min_size=1, max_size=5),
)
def test_amounts_in_the_style_of_any_locale_come_back_exactly(locale: str, written: list[Decimal]) -> None:
    texts = [format_decimal(amount, "#,##0.00" if locale == "en_US_POSIX" else None, locale) for amount in written]
    assert all_amounts(*texts, format_decimal(Decimal("0.5"), locale=locale))[:-1] == written


@settings(max_examples=300)
@given(st.sampled_from(LOCALES), st.decimals(min_value=-(10**9), max_value=10**9, places=2))
def test_amounts_with_the_currency_of_any_locale_come_back_exactly(locale: str, amount: Decimal) -> None:
    text = format_currency(amount, "EUR", locale=locale)
    accounting = format_currency(amount, "EUR", locale=locale, format_type="accounting")
    assert all_amounts(text, accounting) == [amount, amount]


@settings(max_examples=300)
@given(
    st.sampled_from(LANGUAGES),
    st.dates(min_value=date(1990, 1, 1), max_value=date(2027, 12, 31)),
    st.sampled_from(["full", "long", "medium"]),
    st.sampled_from([str, str.upper, str.lower, lambda text: re.sub(r"(?<=[^\W\d])[.]", "", text)]),
)
def test_dates_with_names_in_any_language_are_read(language: str, day: date, width: Any, change: Any) -> None:
    text = change(format_date(day, width, locale=language))
    known = months_in(re.findall(r"[^\W\d_]+", fold(text)))
    if any(fold(word) in names().months and fold(word) not in known for word in re.findall(r"[^\W\d_]+", text)):
        assert all_dates(text) == [None]
    else:
        assert all_dates(text, order="dmy") == [day]


@settings(max_examples=300)
@given(st.lists(st.dates(date(2000, 1, 1), date(2027, 12, 31)), min_size=1, max_size=5), st.data())
def test_dates_of_numbers_come_back_or_are_refused(days: list[date], data: st.DataObject) -> None:
    written = data.draw(st.sampled_from(["%d/%m/%Y", "%m/%d/%Y", "%d-%m-%y", "%m/%d/%y", "%Y-%m-%d", "%d.%m.%Y"]))
    texts = [day.strftime(written) for day in days]
    try:
        found = all_dates(*texts)
    except Undecided:
        found = all_dates(*texts, order="mdy" if written.startswith("%m") else "dmy")
    assert found == days or len(set(texts)) == 1 or not any(day.day > 12 for day in days)
    assert found == days or "%y" in written


anything = st.text(
    st.one_of(
        st.characters(codec="utf-8"),
        st.sampled_from("0123456789.,'-+()/: €$kr%E#TZ" + SPACES + QUOTES + UNSEEN),
    )
)


@settings(max_examples=300)
@given(st.lists(anything, min_size=1, max_size=4))
def test_any_text_is_read_or_refused_and_never_a_crash(texts: list[str]) -> None:
    for read_all in (all_amounts, all_dates):
        try:
            assert len(read_all(*texts)) == len(texts)
        except Undecided as refused:
            assert "say --" in str(refused)  # noqa: PT017 - either is right
    dates = Dates(column("date", texts), 2027)
    for text in texts:
        assert isinstance(explain(text, "comma") + dates.explain(text, "dmy"), str)


@given(st.lists(anything, min_size=1, max_size=4))
@settings(max_examples=20)
def test_every_text_that_is_not_read_is_an_issue(texts: list[str]) -> None:
    for field in ("amountToRecover", "date", "skipDebituraVerification", "debtor.name"):
        options = {"decimal": "comma", "order": "dmy"}
        values(field, *texts, **options)


@settings(max_examples=200)
@given(
    st.lists(
        st.sampled_from(
            [
                *("3", "12", "31", "2026", "26", "mars", "Mar", "März", "listopada", "srp", "Mon", "mandag", "den"),
                *("T", "10:00", "W09", "-", "/", ".", ",", " ", "'", "th", "+01:00", "45356"),
            ]
        ),
        max_size=8,
    ).map("".join)
)
def test_parts_of_dates_in_any_order_are_a_date_or_none(text: str) -> None:
    try:
        all_dates(text)
    except Undecided as refused:
        assert "--date-order" in str(refused)  # noqa: PT017 - as above


def test_a_currency_that_is_not_the_rows_is_an_error_and_keeps_the_amount_from_the_rules() -> None:
    parsed = read(
        {
            "amountToRecover": ["5 EUR", "5 EUR", "kr 5", "$5", "5", "EUR 5", "EUR 5", "DKK x"],
            "currencyCode": ["eur", "usd", "SEK", "NOK", "USD", "Euro", "", "EUR"],
        }
    )

    told = parsed.issues[parsed.issues["code"] == "currency-contradicts"]
    assert told["row"].tolist() == [3, 5]
    assert set(told["severity"]) == {"error"}
    assert told["message"].tolist() == [
        "amountToRecover names another currency than its row: “5 EUR”, and the row's is USD.",
        "amountToRecover names another currency than its row: “$5”, and the row's is NOK.",
    ]
    assert parsed.unreadable["amountToRecover"].tolist() == [False, True, False, True, False, False, False, True]
    assert parsed.values["amountToRecover"].isna().tolist() == [False, True, False, True, False, False, False, True]


def test_each_column_of_amounts_is_compared_with_the_rows_currency() -> None:
    issues = read({"amountToRecover": ["5 EUR"], "amountToRecoverOver12Months": ["$1"]}).issues

    assert issues["field"].tolist() == ["amountToRecoverOver12Months"]


def test_no_sign_means_less_than_some_locale_writes_with_it() -> None:
    for name in localedata.locale_identifiers():
        for code, sign in Locale.parse(name).currency_symbols.items():
            if (meant := find_currencies(sign)) and code in currency_digits():
                assert code in meant, f"{sign} is {code} in {name}"


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_signs_of_the_larger_currencies_are_known_in_each_language(language: str) -> None:
    larger = {"EUR", "USD", "GBP", "DKK", "SEK", "NOK", "CZK", "PLN", "HUF", "CHF"}
    signs = {code: sign for code, sign in Locale.parse(language).currency_symbols.items() if code in larger}

    assert signs
    assert all(code in find_currencies(sign) for code, sign in signs.items())


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("45356", "keeps 2024-03-05: format the column as dates there, and export again."),
        ("45356,5", "keeps 2024-03-05: format the column as dates there, and export again."),
        ("2026-W09-1", "The dates of weeks are not read."),
        ("1/31/2026", "The column is read with days first."),
        ("15-Oct-98", "Two digits are a year from 2000 to 2027."),
        ("Wed 3 March 2026", "That day is another day of the week."),
        ("3 listopada 2026", "“listopada” is another month in another language."),
        ("Wed soon", "such as 2026-01-31."),
        ("soon", "such as 2026-01-31."),
    ],
)
def test_a_date_that_is_not_read_says_why(text: str, hint: str) -> None:
    assert hints("date", text, order="dmy")[0].endswith(hint)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("1.25E+05", "show all of its digits there, and export again."),
        ("1.5 EUR", "The column is read with decimal commas."),
        ("1.2.3", "such as 1234.50."),
        ("ca. 1.5", "such as 1234.50."),
        ("soon", "such as 1234.50."),
    ],
)
def test_an_amount_that_is_not_read_says_why(text: str, hint: str) -> None:
    assert hints("amountToRecover", text, decimal="comma")[0].endswith(hint)
    assert not hints("amountToRecover", "soon")[0].endswith("commas.")


def test_a_serial_number_is_named_whatever_the_column_says() -> None:
    assert dates("31/01/2026", "45356") == [date(2026, 1, 31), None]


def test_what_is_said_of_a_column_beats_what_is_said_of_all_and_that_what_was_carried() -> None:
    columns = {"amountToRecover": ["1.000"], "amountToRecoverOver12Months": ["1.000"], "date": ["03/08/2026"]}
    found = read(
        columns,
        decimal="comma",
        said=Styles({"amountToRecover": "point"}, {}),
        carried=Styles({"amountToRecoverOver12Months": "point"}, {"date": "mdy"}),
    )

    assert found.styles == Styles({"amountToRecover": "point", "amountToRecoverOver12Months": "comma"}, {"date": "mdy"})
    assert found.values["amountToRecover"][2] == Decimal(1)
    assert found.values["amountToRecoverOver12Months"][2] == Decimal(1000)
    assert found.values["date"][2] == date(2026, 3, 8)


def test_columns_that_sources_wrote_differently_are_refused_until_they_are_said() -> None:
    with pytest.raises(ColumnsError, match="comes from sources that wrote it differently"):
        read({"date": ["2026-01-31"]}, mixed=frozenset({"date"}))
    assert read({"date": ["2026-01-31"]}, mixed=frozenset({"date"}), order="ymd").values["date"][2]


@pytest.mark.parametrize("name", ["date", "DATE", " Rechnungsdatum ", "rechnungsdatum"])
def test_a_column_is_named_by_its_field_or_its_header(name: str) -> None:
    matching = Matching({"date": 0}, {}, (), {})

    assert find_fields(Styles({}, {name: "dmy"}), ["Rechnungsdatum"], matching, TARGET) == Styles({}, {"date": "dmy"})


def test_columns_that_are_not_there_or_of_another_kind_are_named_together() -> None:
    said = Styles({"amountToRecove": "comma", "date": "point"}, {"amountToRecover": "dmy"})

    with pytest.raises(ColumnsError) as caught:
        find_fields(said, ["A"], Matching({}, {}, (), {}), TARGET)
    assert "--decimal amountToRecove=comma names no column of amounts: did you mean amountToRecover?" in str(
        caught.value
    )
    assert "--decimal date=point names no column of amounts: say one of amountToRecover," in str(caught.value)
    assert "--date-order amountToRecover=dmy names no column of dates: say one of date, dueDate." in str(caught.value)


def test_a_target_without_amounts_says_so() -> None:
    with pytest.raises(ColumnsError, match="the target details has none"):
        find_fields(Styles({"a": "comma"}, {}), [], Matching({}, {}, (), {}), schemas.load("details"))


def test_all_that_does_not_fit_is_counted() -> None:
    with pytest.raises(ColumnsError, match=r"“02/15/2026” in row 26\b.* in row 30 and 10 more\)"):
        dates(*["31/01/2026"] * 24, *["02/15/2026"] * 15)


def test_a_year_of_two_digits_is_never_before_2000_nor_after_the_next() -> None:
    assert dates("31.12.00", "1.1.27", "1.1.28", "1.1.99", "31.12.26") == [
        date(2000, 12, 31),
        date(2027, 1, 1),
        None,
        None,
        date(2026, 12, 31),
    ]


def test_years_of_two_digits_are_first_only_where_it_is_said() -> None:
    with pytest.raises(ColumnsError, match=r"date may have years of two digits first .* say --date-order date=ymd"):
        dates("26-01-31", "26-02-28")
    assert dates("26-01-31", "26-okt-15", order="ymd") == [date(2026, 1, 31), date(2026, 10, 15)]
    with pytest.raises(ColumnsError, match="three ways"):
        dates("03-08-26")


def test_words_that_are_months_of_several_languages_are_settled_by_the_others_or_not_at_all() -> None:
    assert dates("3 listopada 2026", "3 prosinca 2026") == [date(2026, 10, 3), date(2026, 12, 3)]
    assert dates("3 listopada 2026", "3 prosinca 2026", "3 grudnia 2026")[0] is None
    assert months_in([]) == {}


def test_a_weekday_settles_what_the_numbers_do_not() -> None:
    assert dates("Mon 03/08/2026", "04/08/2026") == [date(2026, 8, 3), date(2026, 8, 4)]
    assert dates("Fri 03/08/2026", order="dmy") == [None]


@pytest.mark.parametrize(
    "part", ["d ", "den, ", " ", "1 ", "1/", "Mon ", "listopada ", "(", "1,", "10:00 ", ", ", "1e"]
)
def test_endless_texts_are_no_dates_and_no_amounts_and_cost_little(part: str) -> None:
    text = f"x{part * 20_000}x"
    assert dates(text) == amounts(text) == [None]


def test_long_columns_are_read_in_their_order() -> None:
    days = [date(2026, 1, 1) + timedelta(days=place % 300) for place in range(3000)]

    assert all_dates(*(f"{day:%d/%m/%Y} 10:{place % 60:02d}" for place, day in enumerate(days))) == days
    assert all_amounts(*(f"{place},5" for place in range(3000))) == [Decimal(f"{n}.5") for n in range(3000)]
