"""`--decimal` and `--date-order`, for all columns and for single ones."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any

import openpyxl
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Importer = Callable[..., Any]

HEADER = "Invoice no;Invoice date;Due date;Amount;Currency;Debtor type;Customer name;Address;City;Country\n"
REST = ";EUR;Company;Musterwerk GmbH;Musterstr. 12;Dresden;DE\n"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "june.csv"
    path.write_text(f"{HEADER}R-1;03/08/2026;04/08/2026;1.000{REST}", encoding="utf-8")
    return path


def test_all_that_is_undecided_in_all_sources_is_one_message_with_its_options(
    importer: Importer, source: Path, tmp_path: Path
) -> None:
    july = tmp_path / "july.csv"
    july.write_text(f"{HEADER}R-2;2026-08-03;2026-09-03;2.000{REST}", encoding="utf-8")

    ran = importer("check", source, july, "--json")

    assert ran.code == 3
    for part in ("june.csv: Invoice date may", "Due date may", "Amount may", "july.csv: Amount may"):
        assert part in ran.said["error"]
    for option in ("--date-order date=dmy or --date-order date=mdy", "dueDate=dmy", "--decimal amountToRecover=comma"):
        assert option in ran.said["error"]


@pytest.mark.parametrize(
    "options",
    [
        ("--decimal", "comma", "--date-order", "dmy"),
        ("--decimal", "amountToRecover=comma", "--date-order", "date=dmy", "--date-order", "dueDate=dmy"),
        (
            *("--decimal", "Amount=comma", "--date-order", "mdy"),
            *("--date-order", "invoice date=dmy", "--date-order", "Due Date=dmy"),
        ),
    ],
)
def test_the_options_decide_and_are_told_in_the_workbook(
    importer: Importer, source: Path, options: tuple[str, ...], tmp_path: Path
) -> None:
    ran = importer("check", source, *options, "--json")

    assert ran.code == 0
    assert ran.said["totals"] == [{"currency": "EUR", "rows": "1000.00", "valid": "1000.00"}]
    with closing(openpyxl.load_workbook(tmp_path / ran.said["report"])) as book:
        told = {str(row[0]): row[1] for row in book["Run"].iter_rows(values_only=True)}
    assert told["Decimal"] == options[1]
    assert told["Date order"] == ", ".join(options[3::2])


@pytest.mark.parametrize(
    ("option", "said"),
    [
        (("--decimal", "period"), "'period' is not comma or point, nor FIELD=comma; say one of these."),
        (("--decimal", "=comma"), "'=comma' is not comma or point"),
        (("--date-order", "date=dym"), "'date=dym' is not dmy or mdy or ymd, nor FIELD=dmy; say one of these."),
        (("--date-order", "dmy", "--date-order", "mdy"), "the whole source is said to be dmy and mdy."),
        (("--decimal", "a=point", "--decimal", "a=comma"), "a is said to be point and comma."),
    ],
)
def test_what_is_no_style_is_wrong_usage(importer: Importer, source: Path, option: tuple[str, ...], said: str) -> None:
    ran = importer("check", source, *option, "--json")

    assert (ran.code, ran.said["exit"]) == (2, 2)
    assert said in ran.said["error"]


def test_a_style_of_a_column_that_is_not_there_cannot_start(importer: Importer, source: Path) -> None:
    ran = importer("check", source, "--decimal", "amountToRecovr=comma", "--date-order", "dmy", "--json")

    assert ran.code == 3
    assert (
        "--decimal amountToRecovr=comma names no column of amounts: did you mean amountToRecover" in ran.said["error"]
    )


def test_an_amount_in_another_currency_than_its_row_is_not_sent(importer: Importer, source: Path) -> None:
    written = ("€ 10,00", "$ 10,00", "10,00 eur")
    rows = [f"R-{number};2026-08-03;2026-09-03;{amount}{REST}" for number, amount in enumerate(written)]
    source.write_text(HEADER + "".join(rows), encoding="utf-8")

    ran = importer("submit", source, "--sandbox", "--yes", "--json")

    assert ran.code == 1
    assert (ran.said["counts"]["created"], ran.said["counts"]["invalid"], ran.said["unreadable"]) == (2, 1, 1)
    assert ran.said["totals"] == [{"currency": "EUR", "rows": "20.00", "created": "20.00"}]
