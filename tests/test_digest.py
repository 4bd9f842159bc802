"""What a summary says, whoever draws it: figures that reconcile, plain words, advice by the money at stake."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow as pa
import pytest

from importer.model import ISSUE_COLUMNS, OUTCOME_COLUMNS, Report, Run, SourceInfo, Styles
from importer.report.digest import digest
from importer.report.saying import tell_money
from schemas.codes import CATALOGUE

if TYPE_CHECKING:
    from collections.abc import Sequence

TEXT = pd.ArrowDtype(pa.string())
WHEN = datetime(2026, 11, 21, 10, 15, tzinfo=UTC)
RUN = Run(
    id="20261121-101500-june-3f2a",
    kind="submit",
    sources=(SourceInfo("june.csv", "ab" * 32, (("format", "text"),)),),
    target="customer",
    mode="live",
    account="Invented ApS (1)",
    host="127.0.0.1:1",
    started=WHEN,
    finished=None,
    version="0.1.0",
    settings=(),
    columns={"No": "creditorReference"},
    constants={},
    styles=(Styles(),),
    stopped=None,
    exit_code=1,
)
DECIMAL = pd.ArrowDtype(pa.decimal128(38, 18))
DAY = pd.ArrowDtype(pa.date32())
SIGN = "https://app.example/sign"


def report(
    *rows: tuple[str, str | None, str | None],
    issues: Sequence[tuple[int, str | None, str, str]] = (),
    due: Sequence[date | None] | None = None,
    told: dict[str, Sequence[str | None]] | None = None,
    **changes: Any,
) -> Report:
    """Make a report of rows (status, amount, currency), the first of which is row 2; issues are (row, column, severity,
    code)."""
    index = pd.Index(range(2, 2 + len(rows)), name="row")
    outcomes = pd.DataFrame({name: pd.Series(None, index, TEXT) for name in OUTCOME_COLUMNS})
    outcomes["status"] = pd.Series([status for status, _, _ in rows], index, TEXT)
    for name, texts in (told or {}).items():
        outcomes[name] = pd.Series(list(texts), index, TEXT)
    amounts = pd.DataFrame(
        {
            "amount": pd.Series([None if amount is None else Decimal(amount) for _, amount, _ in rows], index, DECIMAL),
            "currency": pd.Series([currency for _, _, currency in rows], index, TEXT),
        }
    )
    if due is not None:
        amounts["due"] = pd.Series(list(due), index, DAY)
    faults = pd.DataFrame(
        [
            (row, column, "debtor.stateAlpha2", severity, code, None, f"Row {row} is wrong.", "Mend it.")
            for row, column, severity, code in issues
        ],
        columns=list(ISSUE_COLUMNS),
    ).astype({name: "int64" if name == "row" else TEXT for name in ISSUE_COLUMNS})
    cells = pd.DataFrame({0: pd.Series([f"A-{row}" for row in index], index, TEXT)})
    return Report(replace(RUN, **changes), ("No",), cells, {}, faults, outcomes, amounts)


def test_rows_add_up_to_the_source_and_each_status_has_its_meaning() -> None:
    made = digest(report(("invalid", "1", "EUR"), ("created", "2", "EUR"), ("created", "3", "EUR")))

    assert [(one.status, one.rows) for one in made.standings] == [("created", 2), ("invalid", 1)]
    assert sum(one.rows for one in made.standings) == made.rows == 3
    assert sum(one.share for one in made.standings) == pytest.approx(1)
    assert all(one.meaning for one in made.standings)


def test_amounts_are_exact_and_currencies_are_never_added() -> None:
    made = digest(
        report(
            ("created", "12345678901234567.891", "EUR"),
            ("invalid", "0.125", "EUR"),
            ("created", "7", "DKK"),
            ("invalid", None, "EUR"),
            ("invalid", "5", None),
        )
    )

    assert [(one.code, one.total_rows, one.total) for one in made.currencies] == [
        ("EUR", 2, Decimal("12345678901234568.016")),
        ("DKK", 1, Decimal(7)),
    ]
    assert made.currencies[0].amounts == {"created": Decimal("12345678901234567.891"), "invalid": Decimal("0.125")}
    assert made.currencies[0].rows == {"created": 1, "invalid": 1}
    assert made.unreadable == 2


def test_a_reason_counts_rows_once_and_says_in_plain_words_what_is_wrong() -> None:
    made = digest(
        report(
            ("invalid", "10", "USD"),
            ("invalid", "5", "USD"),
            ("created", "1", "EUR"),
            issues=[
                (2, "State", "error", "state-missing"),
                (2, "State", "error", "state-missing"),
                (3, "State", "error", "state-missing"),
                (4, "Phone", "warning", "phone-without-country"),
            ],
        )
    )

    first, second = made.reasons
    assert (first.title, first.rows, first.amounts) == ("US debtor without a state", 2, {"USD": Decimal(15)})
    assert first.said == "For instance row 2: Row 2 is wrong. Mend it."
    assert (second.severity, second.said) == ("warning", "Row 4 is wrong. Mend it.")
    assert [(kind.code, kind.issues) for kind in made.kinds] == [("state-missing", 3), ("phone-without-country", 1)]


def test_reasons_come_by_the_money_at_stake_not_by_their_rows() -> None:
    made = digest(
        report(
            *[("invalid", "1", "EUR")] * 3,
            ("invalid", "5000", "EUR"),
            issues=[
                *((row, "State", "error", "state-missing") for row in (2, 3, 4)),
                (5, "Due", "error", "not-a-date"),
            ],
        )
    )

    assert [(reason.title, reason.rows) for reason in made.reasons] == [
        ("Due is no date", 1),
        ("US debtor without a state", 3),
    ]


def test_the_same_code_in_two_columns_is_two_reasons_and_one_kind() -> None:
    issues = [(2, "Due", "error", "not-a-date"), (2, "Date", "error", "not-a-date")]
    made = digest(report(("invalid", "1", "EUR"), issues=issues))

    assert sorted(reason.title for reason in made.reasons) == ["Date is no date", "Due is no date"]
    assert [(kind.title, kind.issues) for kind in made.kinds] == [("A value is no date", 2)]


def test_a_code_that_is_in_no_catalogue_is_its_own_title() -> None:
    made = digest(report(("invalid", "1", "EUR"), issues=[(2, None, "error", "brand-new")]))

    assert (made.reasons[0].title, made.reasons[0].column) == ("brand-new", "")


def test_every_code_of_the_catalogue_has_a_title_for_people() -> None:
    for code in CATALOGUE.values():
        title = code.title.format(column="Amount")
        assert 5 < len(title) < 70, code.code
        assert not title.endswith("."), code.code


def test_advice_comes_by_the_money_at_stake() -> None:
    rows = [("invalid", "9000", "EUR"), ("not-sent", "10", "EUR"), ("duplicate", "500", "EUR")]
    made = digest(report(*rows))

    assert [advice.amounts for advice in made.advice] == [{"EUR": Decimal(n)} for n in (9000, 500, 10)]
    assert made.advice[2].command == f"importer resume {RUN.id}"
    assert "To fix" in made.advice[0].text


def test_what_is_at_stake_in_two_currencies_is_weighed_by_rows_not_by_bare_numbers() -> None:
    """A million yen is not more than a thousand euros, for all that anybody knows here."""
    rows = [("invalid", "1000000", "JPY"), *[("duplicate", "1000", "EUR")] * 3]
    made = digest(report(*rows))

    assert [list(advice.amounts) for advice in made.advice] == [["EUR"], ["JPY"]]


def test_a_row_whose_amount_cannot_be_read_counts_as_much_as_a_mean_one() -> None:
    rows = [("invalid", None, None), ("duplicate", "1", "EUR"), ("created", "999", "EUR")]
    made = digest(report(*rows))

    assert ["To fix" in advice.text for advice in made.advice] == [True, False]


def test_amounts_that_are_all_zero_weigh_alike() -> None:
    made = digest(report(("invalid", "0", "EUR"), ("invalid", "0", "EUR"), ("duplicate", "0", "EUR")))

    assert ["To fix" in advice.text for advice in made.advice] == [True, False]


def test_a_link_says_how_many_rows_it_cures() -> None:
    rows = [("rejected", "1", "EUR"), ("rejected", "2", "EUR"), ("rejected", "4", "EUR")]
    made = digest(report(*rows, told={"solution": [SIGN, SIGN, "Ask the support."]}))

    link = next(advice for advice in made.advice if advice.link)
    assert (link.link, link.rows, link.amounts) == (SIGN, 2, {"EUR": Decimal(3)})
    assert link.text == f"Open {SIGN} — it cures 2 rows."


def test_what_the_api_said_is_grouped_with_what_is_at_stake() -> None:
    rows = [("rejected", "1", "EUR"), ("rejected", "2", "EUR"), ("unknown", "50", "EUR"), ("created", "1", "EUR")]
    told = {"error": ["E1", "E1", None, None], "message": ["No.", "No.", None, "Fine."]}
    made = digest(report(*rows, told=told))

    assert [(one.status, one.error, one.message, one.rows) for one in made.answers] == [
        ("unknown", "", "", 1),
        ("rejected", "E1", "No.", 2),
    ]
    assert made.answers[1].amounts == {"EUR": Decimal(3)}


def test_debts_are_as_old_as_their_due_dates() -> None:
    days = [-1, 0, 30, 31, 90, 91, 180, 181, 365, 366, 730, 731, None]
    due = [None if day is None else date.fromordinal(WHEN.date().toordinal() - day) for day in days]
    made = digest(report(*[("created", "1", "EUR")] * len(days), due=due))

    assert [(age.label, age.rows) for age in made.ages] == [
        ("not due yet", 1),
        ("0 to 30 days", 2),
        ("31 to 90 days", 2),
        ("91 to 180 days", 2),
        ("181 to 365 days", 2),
        ("1 to 2 years", 2),
        ("over 2 years", 1),
    ]
    assert made.ages[1].amounts == {"EUR": Decimal(2)}
    assert (made.undated, made.today) == (1, date(2026, 11, 21))


@pytest.mark.parametrize("due", [None, [None]])
def test_without_dates_there_are_no_ages(due: list[None] | None) -> None:
    made = digest(report(("created", "1", "EUR"), due=due))

    assert (made.ages, made.undated) == ((), 1)


@pytest.mark.parametrize(
    ("kind", "statuses", "stopped", "said"),
    [
        ("submit", ["created"] * 3, None, ("good", "Every row has its case")),
        ("submit", ["created", "invalid", "rejected"], None, ("act", "2 of 3 rows need mending")),
        ("submit", ["created", "created", "held"], None, ("act", "1 of 3 rows needs mending")),
        ("submit", ["created", "duplicate"], None, ("act", "1 row is to be looked at")),
        ("submit", ["unknown", "not-sent", "invalid"], None, ("act", "2 rows are not settled yet")),
        ("submit", ["created", "not-sent"], "Away.", ("stopped", "Stopped before its end: 1 row is not settled")),
        ("check", ["valid"] * 2, None, ("good", "All 2 rows are ready to send")),
        ("check", ["valid"], None, ("good", "The only row is ready to send")),
        ("check", ["valid", "already-imported"], None, ("good", "1 row is ready to send")),
        ("check", ["already-imported"] * 2, None, ("good", "All 2 rows are imported already")),
        ("references", ["set", "unchanged"], None, ("good", "Every reference is as wanted")),
        ("references", ["set", "by-hand"], None, ("act", "1 row is to be looked at")),
    ],
)
def test_a_few_words_say_whether_it_went_well(
    kind: str, statuses: list[str], stopped: str | None, said: tuple[str, str]
) -> None:
    made = digest(report(*[(status, "1", "EUR") for status in statuses], kind=kind, stopped=stopped))

    assert (made.mood, made.verdict) == said


def test_the_large_figures_count_each_row_once() -> None:
    statuses = ["created", "already-imported", "duplicate", "rejected", "invalid", "held", "unknown", "not-sent"]
    made = digest(report(*[(status, "1", "EUR") for status in statuses]))

    assert [(one.caption, one.rows) for one in made.highlights] == [
        ("created", 1),
        ("imported already", 1),
        ("to mend", 3),
        ("to compare", 1),
        ("not settled", 2),
    ]
    assert sum(one.rows for one in made.highlights) == len(statuses)


def test_what_was_wanted_stands_large_even_where_none_was_done() -> None:
    made = digest(report(("invalid", "1", "EUR")))

    assert [(one.caption, one.rows) for one in made.highlights] == [("created", 0), ("to mend", 1)]


def test_partner_references_have_no_amounts_and_words_of_their_own() -> None:
    told = report(("set", None, None), ("unknown", None, None), ("refused", None, None), kind="references")
    outcomes = told.outcomes.assign(started=[True, False, False])
    made = digest(replace(told, outcomes=outcomes, amounts=told.cells[[]]))

    assert made.currencies == ()
    assert "1 row: the case was started with it." in made.headline
    assert [advice.command for advice in made.advice] == ["", ""]
    assert any("importer references" in advice.text for advice in made.advice)


def test_a_source_without_rows_to_mend_asks_for_nothing() -> None:
    made = digest(report(("created", "1", "EUR")))

    assert [advice.text for advice in made.advice] == ["Nothing: every row has its case."]


def test_amounts_in_a_sentence_name_some_currencies_and_count_the_rest() -> None:
    assert tell_money({}) == ""
    assert tell_money({"EUR": Decimal(1000)}) == "1,000.00 EUR"
    assert tell_money({name: Decimal(1) for name in "ABCDE"}).endswith("and 2 other currencies")


@pytest.mark.parametrize(
    ("mode", "command"), [("live", "importer submit june.csv"), ("test", "importer submit june.csv --test")]
)
def test_a_check_of_test_cases_does_not_advise_to_send_live_ones(mode: str, command: str) -> None:
    made = digest(report(("valid", "1.00", "EUR"), kind="check", mode=mode))

    assert [advice.command for advice in made.advice] == [command]


def test_a_source_that_is_called_like_an_option_is_advised_as_a_file() -> None:
    sources = (SourceInfo("-x.csv", "", ()), SourceInfo("a b.csv", "", ()))
    made = digest(report(("valid", "1.00", "EUR"), kind="check", sources=sources))

    assert [advice.command for advice in made.advice] == ["importer submit ./-x.csv 'a b.csv'"]
