"""Rows against what the journal knows of them, and against the last time that their file was submitted."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from importer.compare import Differences, Side, Submitted, choose, compare, compare_hashes
from importer.model import Against, Case, Earlier, Entry, Trace
from importer.past import Past, count, count_columns, describe, recall, recall_unchanged, runs_to_resume, tell_past
from importer.plan import key_of, make_cases, set_aside, with_key
from schemas.codes import codes_of

if TYPE_CHECKING:
    from collections.abc import Sequence

WHO = {"account": "loopback/1", "target": "customer", "mode": "live"}
TEXT = pd.ArrowDtype(pa.string())
SENT = datetime(2026, 11, 20, 12, tzinfo=UTC).timestamp()


def payload(**changes: object) -> dict[str, object]:
    return {
        "currencyCode": "EUR",
        "date": "2026-01-15",
        "amountToRecover": Decimal("100.50"),
        "creditorReference": "INV-1",
        "debtor": {"type": "Company", "name": "Example GmbH", "countryAlpha2": "DE"},
        **changes,
    }


def case(row: int = 2, **changes: object) -> Case:
    (made,) = make_cases(
        [row], [""], [payload(**changes)], **WHO, reference="creditorReference", guarded=True, secret=b"s"
    )
    return made


def entry(made: Case, status: str, run: str = "r1", **changes: Any) -> Entry:
    blank = dict.fromkeys(name for name in Entry.__slots__ if name not in {"pk", "run", "case", "status"})
    numbers = {"attempts": 1, "doubts": 0, "by_server": True}
    return Entry(**{**blank, **numbers, "pk": 1, "run": run, "case": made, "status": status, **changes})


def past(*entries: Entry, now: Case | None = None) -> Past | None:
    (plan,) = set_aside([now or case()], {("", "INV-1"): list(entries)} if entries else {}, **WHO)
    return recall(plan)


def known(*entries: Entry, now: Case | None = None) -> Past:
    found = past(*entries, now=now)
    assert found
    return found


def test_a_row_that_the_journal_does_not_know_is_new() -> None:
    assert past() is None


@pytest.mark.parametrize(
    ("status", "way"),
    [
        ("created", "already-imported"),
        ("sending", "unsettled"),
        ("planned", "not-sent"),
        ("not-sent", "not-sent"),
        ("waiting", "not-sent"),
        ("rejected", "rejected"),
        ("duplicate", "duplicate"),
    ],
)
def test_what_an_earlier_run_left_says_what_a_submit_would_do(status: str, way: str) -> None:
    assert known(entry(case(), status)).way == way


def test_a_duplicate_whose_case_is_known_is_one_as_well() -> None:
    assert known(entry(case(), "duplicate", case_id="c1")).way == "duplicate"


def test_an_imported_row_has_its_case_the_fields_that_changed_and_what_it_was() -> None:
    made = entry(case(), "created", case_id="c1", case_reference="Q1", lifecycle="Active", sent_at=SENT)

    assert known(made, now=case(amountToRecover=Decimal(200), comments="x")) == Past(
        row=2,
        way="already-imported",
        run="r1",
        case_id="c1",
        case_reference="Q1",
        lifecycle="Active",
        error=None,
        differing=("amountToRecover", "comments"),
        was="2026-11-20, as 100.50 EUR",
        last="r1",
        alike=frozenset(),
    )


def test_a_row_of_a_bundle_does_not_show_the_amount_of_all() -> None:
    leader = entry(replace(case(), bundle=2), "created", sent_at=SENT)

    assert known(leader, now=case(comments="x")).was == "2026-11-20"


def test_a_case_that_was_found_at_the_api_is_named_by_its_run() -> None:
    assert known(entry(case(), "created"), now=case(comments="x")).was == "by run r1, as 100.50 EUR"


def test_each_run_is_named_to_which_the_row_was_what_it_is_now() -> None:
    first, second = entry(case(), "created", "r1"), entry(case(comments="x"), "already-imported", "r2")

    assert (known(first, second).last, known(first, second).alike) == ("r2", {"r1"})
    assert known(first, second, now=case(comments="x")).alike == {"r2"}
    assert known(first, entry(case(), "already-imported", "r2")).alike == {"r1", "r2"}
    assert known(entry(case(), "rejected")).alike == {"r1"}


def trace(made: Case, status: str, run: str = "r1") -> Trace:
    return Trace("", "INV-1", run, status, made.n, made.key, "c1", "Q1", "Active")


def unchanged(*traces: Trace, now: dict[str, object] | None = None) -> Past | None:
    identity = {**WHO, "creditor": "", "reference": "INV-1"}
    return recall_unchanged(2, traces, lambda n: key_of(now or payload(), identity, n))


def test_a_row_with_the_key_of_its_case_is_known_without_a_closer_look() -> None:
    made = entry(case(), "created", case_id="c1", case_reference="Q1", lifecycle="Active")

    assert unchanged(trace(case(), "created")) == known(made)


def test_the_short_way_says_what_the_long_one_says_after_a_refusal_and_a_second_submit() -> None:
    refused, again = entry(case(), "rejected", "r1"), entry(with_key(case(), 1, **WHO), "created", "r2", case_id="c1")
    third = entry(case(), "already-imported", "r3")
    traces = [trace(one.case, one.status, one.run) for one in (refused, again, third)]

    found = unchanged(*traces)

    assert found
    assert (found.run, found.last, found.alike) == ("r2", "r3", {"r2", "r3"})
    assert replace(found, case_reference=None, lifecycle=None) == known(refused, again, third)


@pytest.mark.parametrize("status", ["sending", "rejected", "not-sent"])
def test_a_row_that_was_not_imported_takes_a_closer_look(status: str) -> None:
    assert unchanged(trace(case(), status)) is None


def test_a_row_with_another_content_takes_a_closer_look() -> None:
    assert unchanged(trace(case(), "created"), now=payload(comments="x")) is None


def test_a_later_run_that_had_another_content_is_not_alike() -> None:
    found = unchanged(trace(case(), "created"), trace(case(comments="x"), "already-imported", "r2"))

    assert found
    assert (found.last, found.alike) == ("r2", {"r1"})


def test_rows_are_counted_by_what_a_submit_would_do() -> None:
    pasts = [
        known(entry(case(), "created")),
        known(entry(case(comments="x"), "created")),
        known(entry(case(comments="x"), "sending", "r9")),
        known(entry(case(), "not-sent", "r8")),
        known(entry(case(), "rejected")),
    ]

    assert count(pasts, 10) == {
        "new": 5,
        "already-imported": 2,
        "unsettled": 1,
        "not-sent": 1,
        "rejected": 1,
        "duplicate": 0,
        "changed": 1,
    }
    assert runs_to_resume(pasts) == ("r8", "r9")


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (known(entry(case(), "created")), None),
        (
            known(entry(case(comments="x"), "created")),
            (
                "It was imported with another content; nothing would be sent. Different now: comments. If the "
                "case is to change, change it in the portal."
            ),
        ),
        (
            known(entry(case(), "sending")),
            "Run r1 has sent it, and the answer was lost. `importer resume r1` settles it.",
        ),
        (
            known(entry(case(), "planned")),
            "Run r1 has left it unsent. `importer resume r1` sends it, as a new submit does.",
        ),
        (
            known(entry(case(), "rejected")),
            "The API refused it in run r1. A submit tries it again: mend first what was said then.",
        ),
        (
            known(entry(case(), "rejected", error="NoGo")),
            "The API refused it in run r1. A submit tries it again: mend first what was said then (NoGo).",
        ),
        (
            known(entry(case(), "duplicate")),
            "The API said in run r1 that a case with this reference was made elsewhere. Compare that one with the row.",
        ),
    ],
)
def test_a_row_says_what_is_known_of_it(found: Past, said: str | None) -> None:
    assert tell_past(found) == said


# Issues


def frame(*rows: Sequence[str | None], start: int = 2) -> pd.DataFrame:
    index = pd.RangeIndex(start, start + len(rows), name="row")
    return pd.DataFrame({n: pd.array(column, dtype=TEXT) for n, column in enumerate(zip(*rows, strict=True))}, index)


def test_each_field_that_changed_is_an_issue_on_its_cell() -> None:
    made = [entry(case(row), "created", sent_at=SENT) for row in (2, 3)]
    pasts = [
        known(made[0]),
        known(made[1], now=case(3, amountToRecover=Decimal(7), comments="x")),
    ]
    cells = frame(("INV-1", "100.50"), ("INV-1", " 7.00 "))

    issues = describe(
        pasts, cells, ("Invoice", "Amount"), {"amountToRecover": "Amount", "comments": "Note"}, codes_of("customer")
    )

    hint = "Nothing is sent: the case has what was sent then. If this is right, enter it in the portal."
    assert issues.to_dict("records") == [
        {
            "row": 3,
            "column": "Amount",
            "field": "amountToRecover",
            "severity": "warning",
            "code": "changed-since-import",
            "value": "7.00",
            "message": "Amount is not what it was when this row was imported (2026-11-20, as 100.50 EUR): “7.00”.",
            "hint": hint,
        },
        {
            "row": 3,
            "column": "Note",
            "field": "comments",
            "severity": "warning",
            "code": "changed-since-import",
            "value": "",
            "message": "Note is not what it was when this row was imported (2026-11-20): “”.",
            "hint": hint,
        },
    ]
    assert count_columns(issues) == {"Amount": 1, "Note": 1}


def test_where_nothing_changed_there_is_no_issue() -> None:
    assert describe([known(entry(case(), "created"))], frame(("INV-1",)), ("Invoice",), {}, {}).empty


# Which run had the sources


RUNS = [Submitted("r3", ("c",), ("july.csv",)), Submitted("r2", ("b",), ("june.csv",)), Submitted("r1", ("a",), ("x",))]


@pytest.mark.parametrize(
    ("sha256", "name", "lasts", "chosen"),
    [
        ("a", "any.csv", {"r2": 9}, ("r1", True)),
        ("z", "any.csv", {"r2": 5}, ("r2", False)),
        ("z", "any.csv", {"r2": 4}, None),
        ("z", "june.xlsx", {"r2": 1}, ("r2", False)),
        ("z", "june.csv", {"r2": 1, "r1": 6}, ("r1", False)),
        ("z", "any.csv", {"r3": 5, "r2": 5}, ("r3", False)),
        ("z", "june.csv", {}, ("r2", False)),
        ("z", "any.csv", {}, None),
        ("z", "any.csv", {"purged": 10}, None),
    ],
)
def test_bytes_choose_the_earlier_run_then_most_rows_then_the_name(
    sha256: str, name: str, lasts: dict[str, int], chosen: tuple[str, bool] | None
) -> None:
    assert choose(RUNS, [sha256], [name], lasts, 10) == chosen


# Cell by cell


def side(header: Sequence[str], *rows: Sequence[str | None], start: int = 2) -> Side:
    cells = frame(*rows, start=start)
    return Side(tuple(header), cells, cells[0].str.strip())


HEADER = ("Invoice", "Amount", "Note")


def test_rows_are_compared_by_reference_wherever_they_stand() -> None:
    then = side(HEADER, ("A", "1", None), ("B", "2", "x"), ("C", "3", "y"), ("D", "4", "z"))
    now = side(HEADER, ("D", "4", "z"), ("E", "5", ""), ("C", "30", "y"), ("B", "20", "w"), ("A", " 1 ", " "), start=7)

    assert compare(now, then, {"Amount"}, []) == Differences(
        same=2,
        changed=2,
        new=1,
        missing=0,
        rewritten=0,
        columns={"Amount": 2, "Note": 1},
        cells={"Amount": 9, "Note": 10},
        added=(),
        dropped=(),
    )


def test_a_row_that_is_not_there_any_more_is_missing() -> None:
    found = compare(side(HEADER, ("A", "1", "")), side(HEADER, ("A", "1", ""), ("B", "2", "")), (), [])

    assert found
    assert (found.same, found.new, found.missing) == (1, 0, 1)


def test_another_way_of_writing_is_no_change_where_the_journal_says_that_what_is_sent_is_the_same() -> None:
    then = side(HEADER, ("A", "1,00", "x"), ("B", "2,00", "x"), ("C", "3,00", "x"))
    now = side(HEADER, ("A", "1.00", "x"), ("B", "2.00", "y"), ("C", "4.00", "x"))

    found = compare(now, then, {"Invoice", "Amount"}, [2, 3])

    assert found
    assert (found.same, found.changed, found.rewritten) == (1, 2, 1)
    assert found.columns == {"Amount": 1, "Note": 1}


def test_sources_without_a_row_in_common_are_not_the_same() -> None:
    assert compare(side(HEADER, ("A", "1", "")), side(HEADER, ("B", "1", "")), (), []) is None
    assert compare(side(("I",), ("A",)), side(("J",), ("B",)), (), []) is None


def test_columns_that_came_or_went_are_named_and_those_of_one_header_pair_in_order() -> None:
    then = side(("Invoice", "Old", "X", "X"), ("A", "1", "2", "3"))
    now = side(("Invoice", "X", "New", "X", "X"), ("A", "2", "9", "4", "5"))

    found = compare(now, then, (), [])

    assert found
    assert (found.added, found.dropped, found.columns) == (("New", "X"), ("Old",), {"X": 1})


def test_rows_without_a_reference_or_with_a_shared_one_are_compared_as_a_whole() -> None:
    then = side(HEADER, (None, "1", "x"), (None, "1", "x"), ("A", "1", ""), ("A", "2", ""), ("B", "3", ""))
    now = side(HEADER, (None, "1", "x"), (None, "2", "x"), ("A", "2", None), ("B", "3", ""), ("B", "4", ""))

    found = compare(now, then, (), [])

    assert found
    assert (found.same, found.changed, found.new, found.missing) == (3, 0, 2, 2)


ROWS = st.lists(st.tuples(st.sampled_from([None, "A", "B", "C", "D"]), st.sampled_from(["1", "2"])), min_size=1)


@given(ROWS, ROWS)
def test_every_row_of_both_sides_is_counted_once(ours: list[Any], theirs: list[Any]) -> None:
    found = compare(side(("Invoice", "Amount"), *ours), side(("Invoice", "Amount"), *theirs), (), [])

    if found is None:
        assert not set(ours) & set(theirs)
        return
    assert found.same + found.changed + found.new == len(ours)
    assert found.same + found.changed + found.missing == len(theirs)
    assert min(found.same, found.changed, found.new, found.missing) >= 0


@given(ROWS)
def test_nothing_differs_from_itself(rows: list[Any]) -> None:
    found = compare(side(("Invoice", "Amount"), *rows), side(("Invoice", "Amount"), *reversed(rows)), (), [])

    assert found == Differences(len(rows), 0, 0, 0, 0, {}, {}, (), ())


def test_where_the_rows_of_a_run_are_gone_the_hashes_of_the_journal_are_compared() -> None:
    changed = known(entry(case(), "created"), now=case(5, comments="x"))
    other = known(entry(case(), "created", "r7"))

    found = compare_hashes(["A", "B", "C"], {"A", "B", "D"}, [changed, other, known(entry(case(), "created"))], "r1")

    assert found == Differences(1, 1, 1, 1, 0, {"comments": 1}, {"comments": 5}, (), ())
    assert compare_hashes(["A"], {"B"}, [], "r1") is None


# Words


COUNTS = {"new": 90, "already-imported": 3, "unsettled": 1, "not-sent": 2, "rejected": 1, "duplicate": 2, "changed": 1}
EARLIER = Earlier("r1", "2026-11-20", ("june.csv",), "cells", mended=False, same=1)


def test_people_are_told_what_a_submit_would_do_and_nothing_of_what_is_none() -> None:
    told = Against(
        "Example (1)", COUNTS, others=("Other (2)",), columns={"Amount": 1}, resume=("r8", "r9"), earlier=EARLIER
    )

    assert told.sentences == (
        "Against the journal of Example (1): 90 rows are new.",
        "3 rows are imported already and are not sent.",
        "1 of these differs from what was sent, and a case keeps what it has: Amount in 1 row.",
        "1 row is not settled: an earlier run has sent it, and its answer was lost.",
        "2 rows were left unsent by an earlier run.",
        "1 row was refused by the API before, and is tried again.",
        "2 rows are of cases that were made elsewhere, as the API said before.",
        "Finish first what earlier runs have left: `importer resume r8` and `importer resume r9`.",
        "Not compared with Other (2): another account's cases are other cases.",
        *EARLIER.sentences,
    )
    none = dict.fromkeys(COUNTS, 0)
    assert Against("Example (1)", {**none, "new": 1}).sentences == (
        "Against the journal of Example (1): 1 row is new.",
    )
    assert Against("", {**none, "new": 1}).sentences == ()


@pytest.mark.parametrize(
    ("known", "columns", "runs"), [(6, "1 more column", "1 more run"), (7, "2 more columns", "2 more runs")]
)
def test_more_than_a_few_runs_and_columns_are_counted(known: int, columns: str, runs: str) -> None:
    left, changed = tuple(f"r{n}" for n in range(known)), {f"C{n}": 2 for n in range(known)}
    said = Against("A", COUNTS, columns=changed, resume=left).sentences

    assert said[2].endswith(f"C4 in 2 rows, and {columns}.")
    assert said[-1].endswith(f"`importer resume r4`, and {runs}.")


def test_people_are_told_what_differs_from_the_last_time() -> None:
    told = replace(
        EARLIER, same=9, changed=2, new=1, missing=1, rewritten=1, columns={"Amount": 2}, cells={"Amount": "row 5"}
    )

    assert replace(told, added=tuple("ABCDEFG"), dropped=("Note",)).sentences == (
        "Of june.csv, submitted on 2026-11-20, run r1: 9 rows are the same, 2 changed, 1 new, 1 of then is missing.",
        "1 row of the same is only written in another way.",
        "Changed since then: Amount in 2 rows (first in row 5).",
        "New columns: A, B, C, D, E and 2 more.",
        "Columns that are gone: Note.",
    )
    assert replace(told, rewritten=0, mended=True).sentences[0] == (
        "Of the rows to fix of run r1, 2026-11-20: 9 rows are the same, 2 changed, 1 new."
    )
    assert replace(EARLIER, by="hashes").sentences[1] == (
        "The rows of that run are not here any more: only what was sent is compared."
    )
    assert replace(EARLIER, by="bytes").sentences == (
        "The same bytes were submitted on 2026-11-20, run r1, as june.csv: nothing in them has changed.",
    )


@pytest.mark.parametrize("account", ["A", ""])
def test_rows_to_mend_of_a_run_that_the_journal_does_not_know_are_told_first(account: str) -> None:
    assert Against(account, COUNTS, strange=("r7",)).sentences[0] == (
        "This journal does not know run r7, whose rows to mend these are: rows that are cases by now would be sent "
        "again. Submit them in the workspace of that run."
    )


@pytest.mark.parametrize("earlier", [None, replace(EARLIER, columns={"Amount": 2}, cells={"Amount": "row 5"})])
def test_what_is_told_can_be_kept_as_json(earlier: Earlier | None) -> None:
    told = Against("A", COUNTS, ("B",), {"Amount": 1}, ("r8",), earlier, ("r7",))

    assert Against.of_dict(json.loads(json.dumps(told.to_dict()))) == told
    assert told.to_dict()["new"] == 90
