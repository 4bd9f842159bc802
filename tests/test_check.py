"""Values and a schema become issues: all of them, on the right cells, whatever the environment says."""

from __future__ import annotations

import subprocess
import sys
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pandas as pd
import pandera.pandas as pa
import pyarrow  # noqa: ICN001 - pa is pandera here
import pytest

import schemas
from importer.check import check
from importer.model import row_key
from schemas import codes, geography

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

TARGET = schemas.load("customer")
CONTEXT = schemas.Context(date(2026, 11, 21))
TEXT = pd.ArrowDtype(pyarrow.string())
GOOD = {
    "creditorReference": "INV-1",
    "currencyCode": "EUR",
    "debtor.type": "Company",
    "debtor.name": "Example GmbH",
    "debtor.address": "1 Street",
    "debtor.city": "Town",
    "debtor.countryAlpha2": "DE",
}


def judged(rows: Sequence[Mapping[str, str | None]], *, index: Sequence[int] = (), **context: Any) -> pd.DataFrame:
    """Judge rows of texts, with a date and an amount that are good."""
    kinds = {"amount": pyarrow.decimal128(38, 18), "date": pyarrow.date32(), "boolean": pyarrow.bool_()}
    place = pd.Index(index or range(2, 2 + len(rows)), name="row")
    texts = pd.DataFrame(
        {name: pd.Series([{**GOOD, **row}.get(name) for row in rows], place, TEXT) for name in TARGET.FIELDS}
    )
    values = pd.DataFrame(
        {
            name: texts[name]
            if field.kind in {"text", "uuid"}
            else pd.Series(None, place, pd.ArrowDtype(kinds[field.kind]))
            for name, field in TARGET.FIELDS.items()
        }
    )
    values["date"] = pd.Series(date(2026, 1, 1), place, pd.ArrowDtype(pyarrow.date32()))
    values["amountToRecover"] = pd.Series(1, place).astype(pd.ArrowDtype(pyarrow.decimal128(38, 18)))
    headers = {"creditorReference": "Invoice no", "debtor.country": "Country", "debtor.state": "State"}
    unreadable = context.pop("unreadable", pd.DataFrame(index=place))
    return check(values, unreadable, texts, headers, TARGET, schemas.Context(date(2026, 11, 21), **context))


def test_a_good_row_has_no_issue() -> None:
    assert judged([{}]).empty


def test_every_fault_of_every_row_is_reported_in_the_order_of_rows_and_fields() -> None:
    rows = [
        {"debtor.city": "", "creditorReference": "x" * 51, "debtor.type": "?"},
        {"creditorReference": "b", "debtor.email": "nobody"},
    ]

    issues = judged([{name: text for name, text in row.items() if text} | {"debtor.city": None} for row in rows])

    assert issues[["row", "field", "code", "severity"]].to_numpy().tolist() == [
        [2, "creditorReference", "reference-too-long", "error"],
        [2, "debtor.type", "debtor-type-unknown", "error"],
        [2, "debtor.city", "required", "error"],
        [3, "debtor.city", "required", "error"],
        [3, "debtor.email", "email-malformed", "warning"],
    ]


def test_an_issue_names_the_header_the_value_and_the_remedy() -> None:
    (issue,) = judged([{"debtor.countryAlpha2": "Germny"}]).to_dict("records")

    assert (issue["column"], issue["value"]) == ("debtor.countryAlpha2", "Germny")
    assert issue["message"] == "debtor.countryAlpha2 is no country: “Germny”."
    assert issue["hint"] == "Write the two-letter code, such as DE. Is it DE?"


def test_a_rule_over_several_columns_is_reported_where_there_is_a_column_to_mend() -> None:
    (issue,) = judged([{"debtor.countryAlpha2": "US"}]).to_dict("records")

    assert (issue["code"], issue["field"], issue["column"]) == ("state-missing", "debtor.stateAlpha2", "State")


def test_a_cell_that_could_not_be_read_is_not_reported_again() -> None:
    unreadable = pd.DataFrame({"debtor.city": [True]}, index=pd.Index([2], name="row"))

    assert judged([{"debtor.city": None}], unreadable=unreadable).empty


def test_each_copy_of_a_reference_names_the_rows_of_the_others() -> None:
    issues = judged([{}, {"creditorReference": "B"}, {}, {}])

    assert issues["row"].tolist() == [2, 4, 5]
    assert issues["message"][0] == "The reference “INV-1” is in more than one row: row 4, row 5."


def test_many_copies_are_named_by_the_first_and_counted() -> None:
    issues = judged([{}] * 9)

    assert issues["message"][8].endswith("row 2, row 3, row 4, row 5, row 6 and 3 more.")


def test_a_copy_in_another_source_is_named_with_it() -> None:
    issues = judged([{}, {}], index=[row_key(0, 7), row_key(1, 7)])

    assert issues["row"].tolist() == [row_key(0, 7), row_key(1, 7)]
    assert ["row 7 of source 2" in issues["message"][0], "row 7 of source 1" in issues["message"][1]] == [True, True]


def test_references_that_look_alike_are_warned_about() -> None:
    issues = judged(
        [{"creditorReference": "inv\u00a0 1"}, {"creditorReference": "INV1"}, {"creditorReference": "INV-1"}]
    )

    assert issues[["row", "code", "severity"]].to_numpy().tolist() == [
        [2, "reference-lookalike", "warning"],
        [3, "reference-lookalike", "warning"],
    ]
    assert "row 3" in issues["message"][0]


def test_a_row_without_a_reference_is_an_error_unless_it_is_allowed() -> None:
    row = {"creditorReference": None}

    assert judged([row])["severity"].tolist() == ["error"]
    assert judged([row], allow_missing_reference=True)["severity"].tolist() == ["warning"]


def test_a_rule_that_breaks_down_is_a_bug_and_never_a_valid_row() -> None:
    class Broken(pa.DataFrameModel):
        x: int

        @pa.check("x")
        def _fails(cls, _column: pd.Series) -> pd.Series:  # noqa: N805
            raise ZeroDivisionError

    target: Any = SimpleNamespace(Schema=Broken, judged=lambda values, _unreadable, _context: values)
    values = pd.DataFrame({"x": [1]}, index=pd.Index([2], name="row"))

    with pytest.raises(AssertionError, match="The schema itself failed"):
        check(values, values, values, {}, target, CONTEXT)


@pytest.mark.parametrize("variable", ["PANDERA_VALIDATION_ENABLED=False", "PANDERA_VALIDATION_DEPTH=SCHEMA_ONLY"])
def test_no_environment_variable_switches_the_checks_off(tmp_path: Path, variable: str) -> None:
    source = tmp_path / "june.csv"
    source.write_text(
        "creditorReference,currencyCode,date,amountToRecover,debtor.type,debtor.name,debtor.address,debtor.city,"
        "debtor.countryAlpha2\nA,EUX,2026-01-01,1,Company,E,1 St,Town,DE\n"
    )
    command = ["check", str(source), "--no-report", "--workspace", str(tmp_path)]
    code = f"from importer.cli import main; main({command!r})"
    name, _, value = variable.partition("=")

    assert subprocess.run([sys.executable, "-c", code], env={name: value}, check=False).returncode == 1


def test_the_page_of_codes_is_current() -> None:
    page = Path(__file__).parent.parent / "docs" / "codes.md"

    assert page.read_text(encoding="utf-8") == codes.page()


def test_the_page_of_codes_is_printed() -> None:
    said = subprocess.run(
        [sys.executable, "-m", "schemas.codes"], capture_output=True, text=True, encoding="utf-8", check=True
    )

    assert said.stdout == codes.page()


def test_every_code_has_words() -> None:
    for code in TARGET.CODES.values():
        assert code.message
        assert code.hint
        assert code.source == "ours" or code.source.startswith("https://")


@pytest.mark.parametrize(
    ("text", "hint"), [("Euro", " Is it EUR?"), ("€", " Is it EUR?"), ("EURO", " Is it EUR?"), ("?", "")]
)
def test_currencies_are_suggested(text: str, hint: str) -> None:
    assert geography.suggest_currency(text) == hint


@pytest.mark.parametrize(("text", "hint"), [("Calif", " Is it CA?"), ("Californa", " Is it CA?"), ("Qwerty", "")])
def test_states_are_suggested(text: str, hint: str) -> None:
    assert geography.suggest_state(text) == hint


def test_countries_are_known_by_code_and_name() -> None:
    assert geography.find_country(" denmark ") == "DK"
    assert geography.find_country("Kingdom of Denmark") == "DK"
    assert geography.suggest_country("Atlantis") == ""
    for name, code in {"The Netherlands": "NL", "UK": "GB", "Côte d\u2019Ivoire": "CI", "Turkey": "TR"}.items():
        assert geography.find_country(name) == code
    assert geography.find_state("Washington, D.C.") == "DC"
