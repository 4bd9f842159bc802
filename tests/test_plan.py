"""Valid rows become cases with exact bodies and keys; what the journal knows is set aside."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from importer.model import Case, Entry
from importer.plan import differing, make_cases, set_aside, with_key

WHO = {"account": "loopback/1", "target": "customer", "mode": "live"}


def payload(**changes: object) -> dict[str, object]:
    return {
        "currencyCode": "EUR",
        "date": "2026-01-15",
        "amountToRecover": Decimal("5000.10"),
        "creditorReference": "INV-1",
        "debtor": {"type": "Company", "name": "Example GmbH", "countryAlpha2": "DE"},
        **changes,
    }


def cases(*payloads: dict[str, object], **changes: str) -> list[Case]:
    rows = range(2, 2 + len(payloads))
    return list(
        make_cases(
            rows,
            [""] * len(payloads),
            payloads,
            **{**WHO, **changes},
            reference="creditorReference",
            guarded=True,
            secret=b"s",
        )
    )


def entry(case: Case, status: str, **changes: Any) -> Entry:
    blank = dict.fromkeys(name for name in Entry.__slots__ if name not in {"pk", "run", "case", "status"})
    numbers = {"attempts": 1, "doubts": 0, "by_server": True}
    return Entry(**{**blank, **numbers, "pk": 1, "run": "r", "case": case, "status": status, **changes})


def test_a_case_has_what_sending_needs() -> None:
    (case,) = cases(payload())

    assert json.loads(case.body, parse_float=Decimal) == payload()
    assert b'"amountToRecover":5000.10' in case.body
    assert (case.row, case.reference, case.has_reference, case.n) == (2, "INV-1", True, 0)
    assert (case.amount, case.currency, case.group) == (Decimal("5000.10"), "EUR", "DE EUR")
    assert (case.debtor, case.date) == ("Example GmbH", date(2026, 1, 15))


def test_the_same_row_has_the_same_key_in_every_run() -> None:
    assert cases(payload())[0].key == cases(payload())[0].key


@pytest.mark.parametrize("change", [{"account": "loopback/2"}, {"target": "managed"}, {"mode": "test"}])
def test_another_account_target_or_mode_has_another_key(change: dict[str, str]) -> None:
    assert cases(payload())[0].key != cases(payload(), **change)[0].key


def test_another_body_or_turn_has_another_key() -> None:
    first, second = cases(payload(), payload(comments="x"))

    keys = {first.key, second.key, with_key(first, 1, **WHO).key}
    assert len(keys) == 3
    assert with_key(first, 1, **WHO).n == 1


def test_a_row_without_a_reference_is_its_content_and_how_often_that_came() -> None:
    bare = payload()
    del bare["creditorReference"]

    first, second, other = cases(bare, bare, {**bare, "comments": "x"})

    assert not first.has_reference
    assert first.reference.endswith("#1")
    assert second.reference == first.reference.replace("#1", "#2")
    assert other.reference.endswith("#1")
    assert len({first.key, second.key, other.key}) == 3


def test_how_a_row_without_a_reference_is_sent_does_not_make_it_another_row() -> None:
    bare = payload()
    del bare["creditorReference"]

    (plain,), (pending,) = cases(bare), cases({**bare, "allowPendingContracts": True})

    assert plain.reference == pending.reference
    assert plain.key != pending.key


def test_fingerprints_tell_a_change_and_no_value() -> None:
    before, after = cases(payload(), payload(amountToRecover=Decimal(7), isTest=True))

    assert differing(after, entry(before, "created")) == ("amountToRecover",)
    assert set(before.fingerprints) == {
        "currencyCode",
        "date",
        "amountToRecover",
        "creditorReference",
        "debtor.type",
        "debtor.name",
        "debtor.countryAlpha2",
    }
    assert "Example" not in str(before.fingerprints)


def test_a_field_that_came_or_went_differs() -> None:
    with_comment, without = cases(payload(comments="x"), payload())

    assert differing(without, entry(with_comment, "created")) == ("comments",)
    assert differing(with_comment, entry(without, "created")) == ("comments",)


def planned(case: Case, *known: Entry) -> Any:
    (plan,) = set_aside([case], {("", case.reference): list(known)} if known else {}, **WHO)
    return plan


def test_what_nobody_knows_is_sent() -> None:
    (case,) = cases(payload())

    plan = planned(case)

    assert (plan.fate, plan.case) == ("send", case)


def test_what_was_made_is_not_sent_again_however_it_has_changed() -> None:
    before, now = cases(payload(), payload(comments="new"))
    made = entry(before, "created", pk=7)

    plan = planned(now, made, entry(before, "rejected"))

    assert (plan.fate, plan.entry, plan.differing) == ("already-imported", made, ("comments",))


def test_what_is_unsettled_is_settled_first() -> None:
    (case,) = cases(payload())
    unsettled = entry(case, "sending")

    plan = planned(case, unsettled)

    assert (plan.fate, plan.entry) == ("wait", unsettled)


def test_a_cured_refusal_is_sent_under_a_new_key() -> None:
    (case,) = cases(payload())

    plan = planned(case, entry(case, "rejected"), entry(replace(case, n=1), "rejected"))

    assert plan.fate == "send"
    assert plan.case == with_key(case, 2, **WHO)


def test_what_was_never_sent_keeps_its_key() -> None:
    (case,) = cases(payload())

    assert planned(case, entry(case, "not-sent")).case == case


def test_a_duplicate_that_the_api_shows_is_asked_about_again() -> None:
    (case,) = cases(payload())

    plan = planned(case, entry(case, "duplicate", case_id="1"))

    assert (plan.fate, plan.case.n) == ("send", 1)


def test_a_duplicate_that_the_api_does_not_show_is_never_sent_again() -> None:
    (case,) = cases(payload())
    taken = entry(case, "duplicate")

    plan = planned(case, taken)

    assert (plan.fate, plan.entry) == ("duplicate", taken)
