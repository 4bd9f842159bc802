"""What each answer does to a case: the protocol that makes no case twice and loses none."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from importer.model import Case, Entry
from importer.protocol import (
    Absent,
    Denied,
    Doubt,
    Expired,
    Found,
    KnownCase,
    Listed,
    Made,
    NeverLeft,
    Refused,
    Taken,
    Throttled,
    Unanswered,
)
from importer.submit.decision import AT_ONCE, Decision, Patience
from importer.submit.sending import ATTEMPTS, Sending

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC).timestamp()
PATIENCE = Patience(settle_after=60.0, timeout=30.0)
CASE = Case(
    row=2,
    creditor="",
    reference="INV-1",
    has_reference=True,
    guarded=True,
    n=0,
    key="key",
    body=b"{}",
    amount=Decimal(100),
    currency="EUR",
    group="DE EUR",
    fingerprints={},
    debtor="Example GmbH",
    date=date(2026, 1, 15),
)
MINE = KnownCase(
    id="id-1",
    reference="Q8OAXF3W",
    creditor_reference="INV-1",
    lifecycle="Active",
    amount=Decimal("100.00"),
    currency="EUR",
    is_test=False,
    created=datetime(2026, 11, 20, 12, 0, 5, tzinfo=UTC),
    debtor="Example GmbH",
    date=date(2026, 1, 15),
    solution="",
)
CREATED = {
    "case_id": "id-1",
    "case_reference": "Q8OAXF3W",
    "lifecycle": "Active",
    "solution": None,
    "error": None,
    "message": None,
}
REFUSED = Refused("NoPartnerAvailable", "No partner", "", "group")
NAMELESS = replace(CASE, reference="~hash#1", has_reference=False, guarded=False)


def sending(case: Case = CASE, **changes: Any) -> Sending:
    """A case whose first attempt has just left."""
    fresh = Sending(1, case, test=False, patience=PATIENCE, **changes)
    fresh.leave(NOW)
    return fresh


def doubtful(case: Case = CASE, *, by_server: bool = False) -> Sending:
    lost = sending(case)
    lost.on_post(Doubt("lost", by_server), NOW)
    return lost


def entry(status: str, **changes: Any) -> Entry:
    blank = dict.fromkeys(name for name in Entry.__slots__ if name not in {"pk", "run", "case", "status"})
    numbers = {"attempts": 0, "doubts": 0, "by_server": True, "credential": "mine"}
    return Entry(**{**blank, **numbers, "pk": 1, "run": "r", "case": CASE, "status": status, **changes})


def found(kept: Entry, **changes: Any) -> Sending:
    return Sending.found(kept, NOW, test=False, patience=PATIENCE, credential="mine", **changes)


def test_an_answer_with_the_case_settles_it() -> None:
    assert sending().on_post(Made(MINE), NOW) == Decision("created", CREATED)


def test_a_refusal_of_the_only_attempt_settles_it() -> None:
    decision = sending().on_post(REFUSED, NOW)

    assert decision == Decision("rejected", {"error": "NoPartnerAvailable", "message": "No partner", "solution": None})


@pytest.mark.parametrize("meaning", [Throttled(3), Denied(401, ""), Expired(), NeverLeft("refused")])
def test_what_was_never_processed_leaves_the_row_as_it_was(meaning: Any) -> None:
    fresh = sending()

    never_left = {"attempts": 0, "status": "planned", "since": None, "sent_at": None}
    assert fresh.on_post(meaning, NOW) == Decision(values=never_left)
    assert not fresh.asks


def test_a_lost_answer_is_asked_about_at_once() -> None:
    lost = sending()

    decision = lost.on_post(Doubt("no answer within 30 s"), NOW)

    assert lost.asks
    assert not lost.asks_by_list
    assert decision.status is None
    assert decision.due is None
    assert decision.values["doubts"] == 1
    assert decision.values["message"] == (
        "It may have been made: no answer within 30 s. `importer resume` asks the API and settles it."
    )


def test_a_later_throttling_does_not_take_the_doubt_away() -> None:
    lost = doubtful()

    lost.leave(NOW)
    assert lost.on_post(Throttled(None), NOW) == Decision(values={"attempts": 1})
    assert lost.asks


def test_a_case_found_after_a_lost_answer_is_ours() -> None:
    assert doubtful().on_ask(Found(MINE), NOW + 1) == Decision("created", CREATED)


def test_a_case_that_was_there_before_is_a_duplicate_and_says_so() -> None:
    older = replace(MINE, created=datetime(2026, 11, 1, tzinfo=UTC))

    decision = doubtful().on_ask(Found(older), NOW + 1)

    assert decision.status == "duplicate"
    assert decision.values["case_id"] == "id-1"
    assert "created before this row was sent (2026-11-01" in str(decision.values["message"])


def test_a_404_proves_nothing_while_the_first_request_may_still_run() -> None:
    lost = doubtful()

    assert lost.on_ask(Absent(), NOW + 1) == Decision(due=NOW + 60)
    assert lost.asks


def test_a_404_after_settle_after_sends_the_same_again() -> None:
    lost = doubtful()

    assert lost.on_ask(Absent(), NOW + 60) == AT_ONCE
    assert not lost.asks
    lost.leave(NOW + 61)
    assert (lost.attempts, lost.since) == (2, NOW)
    assert lost.asks


def test_a_refusal_after_a_lost_answer_settles_nothing_alone() -> None:
    lost = doubtful()
    lost.on_ask(Absent(), NOW + 60)
    lost.leave(NOW + 60)

    assert lost.on_post(REFUSED, NOW + 61) == AT_ONCE
    assert lost.asks
    assert lost.on_ask(Absent(), NOW + 62).status == "rejected"


def test_a_refusal_gives_way_to_the_case_that_the_lost_attempt_made() -> None:
    lost = doubtful()
    lost.on_post(REFUSED, NOW + 1)

    assert lost.on_ask(Found(MINE), NOW + 2).status == "created"


def test_a_taken_reference_is_asked_about() -> None:
    fresh = sending()

    assert fresh.on_post(Taken("In use"), NOW) == AT_ONCE
    assert fresh.asks
    assert fresh.on_ask(Found(MINE), NOW).status == "created"


def test_a_taken_reference_whose_case_is_not_shown_is_a_duplicate_without_an_id() -> None:
    fresh = sending()
    fresh.on_post(Taken("In use"), NOW)

    decision = fresh.on_ask(Absent(), NOW)

    assert decision.status == "duplicate"
    assert "case_id" not in decision.values


def test_a_taken_reference_after_a_lost_answer_may_be_ours_and_shown_late() -> None:
    lost = doubtful()
    lost.on_post(Taken("In use"), NOW + 70)

    assert lost.on_ask(Absent(), NOW + 71) == Decision(due=NOW + 130)
    assert replace(lost).on_ask(Found(MINE), NOW + 130).status == "created"
    assert lost.on_ask(Absent(), NOW + 130).status == "duplicate"


def test_failures_of_the_server_that_made_nothing_are_a_refusal_after_the_last_attempt() -> None:
    failing = doubtful(by_server=True)
    for _ in range(ATTEMPTS - 1):
        assert failing.on_ask(Absent(), NOW + 60) == AT_ONCE
        failing.leave(NOW)
        failing.on_post(Doubt("answer 500", by_server=True), NOW)

    decision = failing.on_ask(Absent(), NOW + 60)

    assert decision.status == "rejected"
    assert decision.values["error"] == "ServerError"


def test_a_failure_that_is_kept_for_the_key_does_not_hold_a_row_for_ever() -> None:
    """The first answer, itself the failure that is kept, was lost with its process; each attempt is given it again."""
    kept = found(entry("sending", attempts=1, attempted_at=NOW - 300))
    for _ in range(ATTEMPTS):
        assert kept.on_ask(Absent(), NOW + 60) == AT_ONCE
        kept.leave(NOW)
        kept.on_post(Doubt("answer 500", by_server=True), NOW)

    assert kept.on_ask(Absent(), NOW + 60).status == "rejected"


def test_a_lost_answer_among_failures_of_the_server_keeps_a_row_unknown() -> None:
    kept = found(entry("sending", attempts=1, attempted_at=NOW - 300))
    for number in range(ATTEMPTS):
        kept.on_ask(Absent(), NOW + 60)
        kept.leave(NOW)
        kept.on_post(Doubt("answer 500 or none", by_server=number != 2), NOW)

    assert kept.on_ask(Absent(), NOW + 60) == Decision(given_up=True)


def test_a_row_that_is_lost_again_and_again_stays_unknown() -> None:
    lost = doubtful()
    lost.tries = ATTEMPTS

    assert lost.on_ask(Absent(), NOW + 60) == Decision(given_up=True)


def test_a_later_process_has_attempts_of_its_own() -> None:
    kept = found(entry("sending", attempts=ATTEMPTS, attempted_at=NOW - 300, since=NOW - 301))

    assert kept.on_ask(Absent(), NOW) == AT_ONCE


def test_an_attempt_that_was_never_processed_does_not_count() -> None:
    lost = sending(NAMELESS)
    lost.on_post(Throttled(1), NOW)
    lost.leave(NOW)
    lost.on_post(Doubt("lost"), NOW)

    assert lost.on_list(Listed((), last=True), set(), NOW + 60) == AT_ONCE


def test_look_ups_that_fail_are_repeated_more_and_more_seldom() -> None:
    lost = doubtful()

    dues = [lost.on_ask(Unanswered("answer 503"), NOW + 1).due for _ in range(8)]

    assert dues == [NOW + 1 + pause for pause in (1, 2, 4, 8, 16, 30, 30, 30)]


def test_what_cannot_be_asked_within_the_patience_is_unknown() -> None:
    lost = doubtful()
    lost.on_ask(Unanswered("answer 503"), NOW + 1)

    decision = lost.on_ask(Unanswered("answer 503"), NOW + 61)

    assert decision.given_up
    assert decision.values["message"] == (
        "It may have been made, and the API could not be asked: answer 503. "
        "`importer resume` asks again and settles it."
    )


def test_an_answer_renews_the_patience_with_look_ups() -> None:
    lost = doubtful()
    lost.on_ask(Unanswered("x"), NOW + 1)
    lost.on_ask(Absent(), NOW + 2)

    assert not lost.on_ask(Unanswered("x"), NOW + 61).given_up


def test_a_throttled_look_up_is_repeated_and_a_denied_one_is_not() -> None:
    assert doubtful().on_ask(Throttled(1), NOW) == AT_ONCE
    assert doubtful().on_ask(Expired(), NOW) == AT_ONCE
    assert doubtful().on_ask(Denied(401, ""), NOW) == Decision(given_up=True)


def test_a_row_found_in_flight_at_restart_is_in_doubt() -> None:
    kept = found(entry("sending", attempts=1, attempted_at=NOW - 300, since=NOW - 301))

    assert kept.asks
    assert (kept.doubts, kept.doubted_at, kept.since) == (1, NOW - 270, NOW - 301)
    assert kept.on_ask(Absent(), NOW) == AT_ONCE


def test_a_row_that_was_in_flight_a_moment_ago_may_still_be_processed() -> None:
    kept = found(entry("sending", attempts=1, attempted_at=NOW - 1, since=NOW - 2))

    assert kept.on_ask(Absent(), NOW) == Decision(due=NOW + 60)


def test_a_doubt_that_was_noted_is_not_counted_twice() -> None:
    kept = found(entry("sending", attempts=1, attempted_at=NOW - 9, doubts=1, doubted_at=NOW - 8, by_server=True))

    assert (kept.doubts, kept.doubted_at, kept.by_server) == (1, NOW - 8, True)


def test_a_row_that_was_planned_is_simply_sent() -> None:
    assert not found(entry("planned")).asks


def test_an_earlier_runs_failure_of_the_server_is_settled_without_sending_it_again() -> None:
    kept = found(
        entry("sending", attempts=1, attempted_at=NOW - 300, doubts=1, doubted_at=NOW - 299, by_server=True),
        followers=(object(),),
    )

    assert kept.on_ask(Absent(), NOW).status == "rejected"


@pytest.mark.parametrize("reference", ["2026/11", "50%"])
def test_for_references_that_a_path_may_spoil_the_list_is_read(reference: str) -> None:
    lost = doubtful(replace(CASE, reference=reference))

    assert lost.asks_by_list
    match = replace(MINE, creditor_reference=reference)
    assert lost.on_list(Listed((replace(MINE, id="2"), match), last=False), set(), NOW).status == "created"


def test_the_list_is_read_back_to_the_time_of_sending() -> None:
    lost = doubtful(replace(CASE, reference="a/b"))
    newer, older = MINE, replace(MINE, created=datetime(2026, 11, 20, 11, 59, 57, tzinfo=UTC))

    assert lost.on_list(Listed((newer,), last=False), set(), NOW + 60) == AT_ONCE
    assert lost.page == 2
    assert lost.on_list(Listed((newer, older), last=False), set(), NOW + 60) == AT_ONCE
    assert not lost.asks


def test_in_the_list_our_own_case_comes_before_anothers_with_its_reference() -> None:
    ours = replace(MINE, creditor_reference="a/b")
    trial = replace(ours, id="2", is_test=True)

    lost = doubtful(replace(CASE, reference="a/b"))
    assert lost.on_list(Listed((trial, ours), last=True), set(), NOW).values["case_id"] == "id-1"
    lost = doubtful(replace(CASE, reference="a/b"))
    assert lost.on_list(Listed((trial,), last=False), set(), NOW) == AT_ONCE
    assert lost.on_list(Listed((), last=True), set(), NOW).values["case_id"] == "2"


def test_the_end_of_the_list_is_an_answer_too() -> None:
    lost = doubtful(replace(CASE, reference="a/b"))

    assert lost.on_list(Listed((), last=True), set(), NOW + 1) == Decision(due=NOW + 60)


def test_a_row_without_a_reference_is_asked_about_when_no_other_can_be_in_flight() -> None:
    lost = sending(NAMELESS)

    assert lost.on_post(Doubt("lost"), NOW).due == NOW + 60
    assert lost.asks_by_list


def test_a_row_without_a_reference_is_recognised_by_all_it_says() -> None:
    bare = replace(MINE, creditor_reference=None)
    others = (replace(bare, debtor="Another"), replace(bare, amount=Decimal(1)))

    assert doubtful(NAMELESS).on_list(Listed((*others, bare), last=True), set(), NOW).status == "created"


def test_of_several_cases_without_a_reference_the_oldest_is_that_of_the_row_sent_first() -> None:
    newer, older = (replace(MINE, id=id_, creditor_reference=None) for id_ in ("newer", "older"))

    lost = doubtful(NAMELESS)
    assert lost.on_list(Listed((newer,), last=False), set(), NOW) == AT_ONCE
    assert lost.on_list(Listed((older,), last=True), set(), NOW).values["case_id"] == "older"


def test_a_case_that_another_row_owns_is_not_taken() -> None:
    bare = replace(MINE, creditor_reference=None)

    assert doubtful(NAMELESS).on_list(Listed((bare,), last=True), {"id-1"}, NOW + 60) == AT_ONCE


def test_a_row_without_a_reference_is_sent_once_more_and_no_more() -> None:
    lost = doubtful(NAMELESS)
    assert lost.on_list(Listed((), last=True), set(), NOW + 60) == AT_ONCE
    lost.leave(NOW)
    lost.on_post(Doubt("lost"), NOW)

    assert lost.on_list(Listed((), last=True), set(), NOW + 60) == Decision(given_up=True)


def test_a_row_without_a_reference_is_not_sent_again_under_another_api_key() -> None:
    kept = found(entry("sending", case=NAMELESS, attempts=1, attempted_at=NOW - 300, credential="other"))

    assert kept.on_list(Listed((), last=True), set(), NOW) == Decision(given_up=True)


MANAGED = replace(CASE, creditor="acme, DK", guarded=False)
TOLD = replace(MINE, creditor="acme, DK")


def test_a_managed_row_is_asked_about_at_once_and_by_the_list_since_its_reference_tells_it_from_others() -> None:
    lost = sending(MANAGED)

    assert lost.on_post(Doubt("lost"), NOW).due is None
    assert lost.asks_by_list
    assert lost.on_list(Listed((TOLD,), last=True), set(), NOW + 1).values["case_id"] == "id-1"


@pytest.mark.parametrize(
    "other",
    [
        replace(TOLD, creditor="bravo, DK"),
        replace(TOLD, creditor_reference="INV-2"),
        replace(TOLD, debtor="Another"),
        replace(TOLD, date=date(2026, 1, 16)),
        replace(TOLD, amount=Decimal(1)),
        replace(TOLD, currency="SEK"),
        replace(TOLD, is_test=True),
    ],
)
def test_a_managed_case_that_differs_in_anything_is_not_ours(other: KnownCase) -> None:
    assert doubtful(MANAGED).on_list(Listed((other,), last=True), set(), NOW + 1) == Decision(due=NOW + 60)


@pytest.mark.parametrize("change", [{"creditor": "bravo, DK"}, {"reference": "INV-2"}, {"debtor": "Another"}])
def test_managed_rows_of_other_creditors_or_references_do_not_wait_for_each_other(change: dict[str, Any]) -> None:
    assert sending(MANAGED).likeness != sending(replace(MANAGED, **change)).likeness
    assert sending(NAMELESS).likeness == sending(replace(NAMELESS, reference="~hash#2")).likeness


def test_a_managed_row_that_stays_lost_is_sent_once_more_by_each_process() -> None:
    lost = doubtful(MANAGED)
    assert lost.on_list(Listed((), last=True), set(), NOW + 60) == AT_ONCE
    assert not lost.asks
    lost.leave(NOW + 60)
    lost.on_post(Doubt("lost"), NOW + 60)
    assert lost.on_list(Listed((), last=True), set(), NOW + 120) == Decision(given_up=True)

    kept = found(entry("sending", case=MANAGED, attempts=2, attempted_at=NOW - 300, doubts=2, doubted_at=NOW - 299))
    assert kept.on_list(Listed((), last=True), set(), NOW) == AT_ONCE
    kept.leave(NOW)
    kept.on_post(Doubt("lost"), NOW)
    assert kept.on_list(Listed((), last=True), set(), NOW + 60) == Decision(given_up=True)


def test_a_managed_row_that_the_api_fails_is_tried_as_often_as_any() -> None:
    lost = doubtful(MANAGED, by_server=True)
    for _ in range(ATTEMPTS - 1):
        assert lost.on_list(Listed((), last=True), set(), NOW + 60) == AT_ONCE
        lost.leave(NOW)
        lost.on_post(Doubt("answer 500", by_server=True), NOW)

    assert lost.on_list(Listed((), last=True), set(), NOW + 60).status == "rejected"


def test_a_managed_row_is_not_sent_again_under_another_api_key() -> None:
    kept = found(entry("sending", case=MANAGED, attempts=1, attempted_at=NOW - 300, credential="other"))

    assert kept.on_list(Listed((), last=True), set(), NOW) == Decision(given_up=True)


def test_an_absence_is_as_old_as_the_question_however_late_the_answer() -> None:
    lost = doubtful()
    lost.ask(NOW + 59)

    assert lost.on_ask(Absent(), NOW + 61) == Decision(due=NOW + 60)
    lost.ask(NOW + 61)
    assert lost.on_ask(Absent(), NOW + 62) == AT_ONCE
    assert not lost.asks


def test_a_list_is_as_old_as_its_first_page() -> None:
    lost = doubtful(MANAGED)
    newer = replace(TOLD, id="2", creditor_reference="INV-2")
    lost.ask(NOW + 59)
    assert lost.on_list(Listed((newer,), last=False), set(), NOW + 60) == AT_ONCE
    lost.ask(NOW + 61)

    assert lost.on_list(Listed((), last=True), set(), NOW + 62) == Decision(due=NOW + 60)
    assert lost.asks
    lost.ask(NOW + 63)
    assert lost.on_list(Listed((), last=True), set(), NOW + 64) == AT_ONCE
    assert not lost.asks
