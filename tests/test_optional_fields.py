"""Texts that are made from the row, and the fields that nobody has to fill in."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from importer.model import split_template
from importer.sandbox import Store
from schemas.customer import is_taken_url

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

HEADER = "Invoice number,Currency,Invoice date,Amount,Debtor type,Customer,Street,City,Country code,Ship,Ship"
ROWS = (
    "INV-1,EUR,31/01/2025,10.50,Company,Example 1,1 St,Town,DE,a,b",
    "INV-2,EUR,15/01/2025,7.00,Company,Example 2,1 St,Town,DE,,",
)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "june.csv"
    path.write_text("\n".join([HEADER, *ROWS]) + "\n")
    return path


def sent(workspace: Path) -> list[dict[str, Any]]:
    return [json.loads(bytes(case["body"])) for case in Store(workspace / "sandbox.db").cases()]  # type: ignore[call-overload]


def test_a_template_is_split_at_its_names() -> None:
    assert split_template("{ A } and {B}{{C}}") == [("", "A"), (" and ", "B"), ("{C}", None)]
    assert split_template("") == []


@pytest.mark.parametrize("text", ["{", "a}", "{a{b}"])
def test_a_brace_alone_is_no_template(text: str) -> None:
    with pytest.raises(ValueError, match=r"[{}]"):
        split_template(text)


@pytest.mark.parametrize("through", ["--set", "a mapping file"])
def test_each_row_has_a_text_of_its_own_cells(
    importer: Callable[..., Any], source: Path, tmp_path: Path, through: str
) -> None:
    text = "Invoice {invoice NUMBER} of {date}, {{{currencyCode}}} {debtor.name}"
    (tmp_path / "ours.toml").write_text(f'[constants]\nclaimDescription = "{text}"\n')
    options = ("--set", f"claimDescription={text}") if through == "--set" else ("--mapping", "ours.toml")

    assert importer("submit", source, *options, "--sandbox", "--yes").code == 0

    assert [body["claimDescription"] for body in sent(tmp_path)] == [
        "Invoice INV-1 of 31/01/2025, {EUR} Example 1",
        "Invoice INV-2 of 15/01/2025, {EUR} Example 2",
    ]


def test_a_name_may_be_a_constants_and_a_column_that_feeds_no_field(
    importer: Callable[..., Any], source: Path, tmp_path: Path
) -> None:
    source.write_text(source.read_text().replace("Ship,Ship", "Ship,Boat"))

    ran = importer(
        "submit",
        source,
        "--set",
        "comments=By {Ship} for {debtor.city}",
        "--set",
        "debtor.city=Odense",
        "--sandbox",
        "--yes",
    )

    assert [body["comments"] for body in sent(tmp_path)] == ["By a for Odense", "By  for Odense"]
    assert "kept in the report only: City, Boat." in ran.err


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{Invoice numbr}", "there is no such column or field (do you mean Invoice number?)"),
        ("{Ship}", "there are several such columns"),
        ("{comments}", "there is no such column or field"),
        ("{", "has a single {: write {{ or }} for the sign itself"),
    ],
)
def test_a_name_that_is_no_column_is_refused_and_the_columns_are_told(
    importer: Callable[..., Any], source: Path, text: str, words: str
) -> None:
    ran = importer("check", source, "--set", f"comments={text}")

    assert ran.code == 3
    assert words in ran.err
    assert "“Invoice number”, “Currency”" in ran.err


def test_a_text_that_gets_too_long_is_an_error_of_its_row(importer: Callable[..., Any], source: Path) -> None:
    ran = importer("check", source, "--set", f"comments={'x' * 3998}{{City}}", "--json")

    assert ran.said["counts"]["invalid"] == 2


def test_a_template_comes_back_with_the_rows_to_fix(importer: Callable[..., Any], source: Path, tmp_path: Path) -> None:
    source.write_text(source.read_text().replace("10.50", "0"))
    said = importer("submit", source, "--set", "comments=No {Invoice number}!", "--sandbox", "--yes", "--json").said

    again = importer("check", said["report"], "--json").said

    assert again["counts"]["invalid"] == 1
    assert [body["comments"] for body in sent(tmp_path)] == ["No INV-2!"]


def test_optional_fields_are_sent(importer: Callable[..., Any], source: Path, tmp_path: Path) -> None:
    given = {
        "creditorDivisionId": "3fa85f64-5717-4562-b3fc-2c963f66afa6",
        "collectionPartnerId": "3fa85f64-5717-4562-b3fc-2c963f66afa7",
        "assignedUserEmail": "colleague@creditor.example",
        "returnUrl": "https://shop.example/back",
        "tag": "trial",
    }
    options = [part for name, value in given.items() for part in ("--set", f"{name}={value}")]

    ran = importer("submit", source, *options, "--set", "skipDebituraVerification=yes", "--test", "--sandbox", "--yes")

    assert ran.code == 0
    for body in sent(tmp_path):
        assert given.items() <= body.items()
        assert body["skipDebituraVerification"] is True


@pytest.mark.parametrize(
    ("constant", "words"),
    [
        ("assignedUserEmail=nobody@creditor.example", "no active member"),
        ("creditorDivisionId=00000000-5717-4562-b3fc-2c963f66afa6", "not found"),
    ],
)
def test_colleagues_and_divisions_that_are_none_are_refused_by_the_api(
    importer: Callable[..., Any], source: Path, tmp_path: Path, constant: str, words: str
) -> None:
    ran = importer("submit", source, "--set", constant, "--sandbox", "--yes", "--json")

    assert ran.said["counts"]["rejected"] == 2
    assert not sent(tmp_path)
    assert words in importer("find", "INV-1", "--json").out


@pytest.mark.parametrize(
    ("constant", "options", "valid"),
    [
        ("returnUrl=ftp://shop.example", (), 2),
        ("assignedUserEmail=colleague", (), 2),
        ("tag=trial", (), 2),
        (f"tag={'x' * 101}", ("--test",), 0),
    ],
)
def test_what_the_api_would_drop_is_warned_of(
    importer: Callable[..., Any], source: Path, constant: str, options: tuple[str, ...], valid: int
) -> None:
    said = importer("check", source, "--set", constant, *options, "--json").said

    assert said["counts"]["valid"] == valid


@pytest.mark.parametrize(
    ("text", "taken"),
    [
        ("https://shop.example/a?b", True),
        ("HTTP://shop.example", True),
        ("shop.example", False),
        ("https://", False),
        ("https://[", False),
        ("https://shop.example/" + "x" * 2048, False),
    ],
)
def test_only_absolute_links_are_kept_by_the_api(text: str, *, taken: bool) -> None:
    assert is_taken_url(text) is taken
