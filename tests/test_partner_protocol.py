"""What the Collection Partner API says, read; and what is decided about a wish without asking anybody."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pandas as pd
import pyarrow as pa
import pytest

import schemas
from importer.partner.wish import Known, Outcome, Wish, batches, decide, find_contradictions
from importer.protocol import (
    Absent,
    Answer,
    Denied,
    Doubt,
    Found,
    KnownCase,
    Lost,
    NeverLeft,
    Refused,
    Throttled,
    Unanswered,
)
from importer.protocol.partner import NoOperation, Stored, read_cases_by_reference, read_change, read_partner_case

if TYPE_CHECKING:
    from importer.protocol import Reply

CASE = KnownCase("11-aa", "Q8OAXF3W", None, "PendingVerification", None, "", is_test=False, created=None, debtor="",
                 date=None, solution="")  # fmt: skip
WISH = Wish(2, "11-aa", "", "P-1", b"{}")
ERROR = {"error": "InvalidCaseStatus", "message": "It is Active."}


def answer(status: int, document: object = None) -> Answer:
    return Answer(status, {}, b"" if document is None else json.dumps(document).encode())


def told(**more: Any) -> dict[str, Any]:
    return {"id": "11-aa", "reference": "Q8OAXF3W", "lifecycle": "Active", **more}


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (told(), None),
        (told(collectionPartnerReference=None), ""),
        (told(collectionPartnerReference="P-1"), "P-1"),
    ],
)
def test_a_case_that_does_not_tell_its_partner_reference_is_not_taken_for_one_without(
    document: dict[str, Any], expected: str | None
) -> None:
    meaning = read_partner_case(answer(200, document))

    assert isinstance(meaning, Found)
    assert meaning.case.partner_reference == expected


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (answer(404, ERROR), Absent()),
        (answer(400, ERROR), Absent()),
        (answer(400), Unanswered("a look-up was answered 400")),
        (answer(404), Unanswered("a look-up was answered 404")),
        (Lost("gone"), Unanswered("gone")),
    ],
)
def test_only_the_api_itself_says_that_there_is_no_such_case(reply: Reply, expected: object) -> None:
    assert read_partner_case(reply) == expected


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (answer(200, {}), {}),
        (answer(200, {"P-1": ERROR}), Unanswered("a look-up of references could not be read")),
        (answer(200, []), Unanswered("a look-up of references could not be read")),
        (answer(400, ERROR), Unanswered("a look-up of references was answered 400")),
        (answer(401, ERROR), Denied(401, "It is Active.")),
        (answer(429), Throttled(None)),
    ],
)
def test_a_look_up_of_references_is_read_whole_or_not_at_all(reply: Reply, expected: object) -> None:
    assert read_cases_by_reference(reply) == expected


def test_a_look_up_of_references_names_one_case_each() -> None:
    found = read_cases_by_reference(answer(200, {"P-1": told(), "P-2": told(id="22-bb")}))

    assert isinstance(found, dict)
    assert {text: case.id for text, case in found.items()} == {"P-1": "11-aa", "P-2": "22-bb"}


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (answer(200, {"caseId": "11-aa", "collectionPartnerReference": "P-1"}), Stored("P-1")),
        (answer(200, {"caseId": "11-aa", "collectionPartnerReference": None}), Stored("")),
        (answer(200, {"caseId": "11-aa"}), Stored(None)),
        (answer(204), Stored(None)),
        (answer(200), Doubt("the API's answer (200) could not be read")),
        (answer(400, ERROR), Refused("InvalidCaseStatus", "It is Active.", "", "row")),
        (answer(404, ERROR), Refused("InvalidCaseStatus", "It is Active.", "", "row")),
        (answer(404, {"businessErrors": []}), NoOperation(404)),
        (answer(404), NoOperation(404)),
        (answer(405), NoOperation(405)),
        (answer(400), Doubt("the API's answer (400) could not be read")),
        (
            answer(409, {"error": "DuplicateReference", "message": "Taken."}),
            Doubt("the API's answer (409) could not be read"),
        ),
        (answer(500), Doubt("the API answered 500, a failure of its own", by_server=True)),
        (answer(403), Denied(403, "")),
        (answer(429), Throttled(None)),
        (Lost("gone"), Doubt("gone")),
        (NeverLeft("no such host"), NeverLeft("no such host")),
    ],
)
def test_an_answer_to_a_start_or_a_change_means_one_thing(reply: Reply, expected: object) -> None:
    assert read_change(reply) == expected


@pytest.mark.parametrize(
    ("wish", "known", "options", "expected"),
    [
        (WISH, Known(None), {}, "refused"),
        (WISH, Known(replace(CASE, id="22-bb")), {}, "refused"),
        (replace(WISH, reference="ANOTHER1"), Known(CASE), {"activate": True}, "refused"),
        (WISH, Known(CASE, held=True), {"activate": True}, "unchanged"),
        (WISH, Known(replace(CASE, partner_reference="P-1")), {"activate": True}, "unchanged"),
        (WISH, Known(CASE), {"activate": True, "changes": True}, "start"),
        (WISH, Known(replace(CASE, lifecycle="Pending Verification")), {"activate": True}, "start"),
        (WISH, Known(replace(CASE, lifecycle="Active")), {"activate": True}, "by-hand"),
        (WISH, Known(replace(CASE, lifecycle="Active")), {"activate": True, "changes": True}, "change"),
        (WISH, Known(CASE), {"changes": True}, "change"),
        (WISH, Known(CASE), {}, "by-hand"),
        (replace(WISH, wanted=""), Known(CASE), {"activate": True}, "by-hand"),
        (replace(WISH, wanted=""), Known(replace(CASE, partner_reference="")), {"changes": True}, "unchanged"),
        (replace(WISH, wanted=""), Known(CASE), {"changes": True}, "change"),
    ],
)
def test_what_is_done_follows_from_what_is_wanted_known_and_allowed(
    wish: Wish, known: Known, options: dict[str, bool], expected: str
) -> None:
    decided = decide(wish, known, **({"activate": False, "changes": False} | options))

    assert (decided.status if isinstance(decided, Outcome) else decided) == expected


def test_what_is_left_to_a_person_says_what_to_enter_or_to_empty() -> None:
    active = Known(replace(CASE, lifecycle="Active"))

    entered = decide(WISH, active, activate=False, changes=False)
    emptied = decide(replace(WISH, wanted=""), active, activate=False, changes=False)

    assert isinstance(entered, Outcome)
    assert isinstance(emptied, Outcome)
    assert "enter P-1" in entered.message
    assert "empty the field" in emptied.message


def test_every_row_of_a_contradiction_names_another() -> None:
    wishes = [Wish(row, "11-aa", "", wanted, b"") for row, wanted in ((2, "A"), (3, "A"), (4, "B"), (5, "C"))]

    rivals = find_contradictions(wishes, dict.fromkeys((2, 3, 4, 5), Known(CASE)))

    assert rivals == {2: 4, 3: 4, 4: 2, 5: 2}


def test_rows_that_agree_or_have_no_case_are_no_contradiction() -> None:
    wishes = [Wish(2, "11-aa", "", "A", b""), Wish(3, "", "Q8OAXF3W", "A", b""), Wish(4, "22-bb", "", "B", b"")]

    assert find_contradictions(wishes, {2: Known(CASE), 3: Known(CASE), 4: Known(None)}) == {}


def test_batches_hold_a_hundred_and_no_more_than_a_line_takes() -> None:
    short = list(batches(f"P-{number}" for number in range(250)))
    long = list(batches("Ø" * 120 + str(number) for number in range(100)))

    assert [len(batch) for batch in short] == [100, 100, 50]
    assert sum(map(len, long)) == 100
    assert max(len(quote(",".join(batch))) for batch in long) <= 4_000
    assert list(batches(["", "A,B"])) == []


# The rules

TARGET = schemas.load("references")
TYPES = {"text": pa.string(), "uuid": pa.string(), "amount": pa.decimal128(38, 18)}


def judged(*rows: dict[str, object], **options: bool) -> dict[str, list[int]]:
    """Return code@field → the rows that break the rule."""
    values = pd.DataFrame(
        {
            name: pd.Series([row.get(name) for row in rows], dtype=pd.ArrowDtype(TYPES[field.kind]))
            for name, field in TARGET.FIELDS.items()
        }
    )
    frame = TARGET.judged(values, pd.DataFrame(index=values.index), schemas.Context(date(2026, 1, 1), **options))
    rules = frame[[name for name in frame if "@" in str(name)]]
    return {str(name): rules.index[~rules[name]].tolist() for name in rules if not rules[name].all()}


def test_the_rules_about_starting_hold_only_for_what_is_started() -> None:
    bare = {"caseId": "a", "collectionPartnerReference": "P-1"}
    bad = bare | {"welcomeMessage": "Hi", "userEmail": "nobody", "interestFees": Decimal(-1), "caseId": "b"}
    blank = {"caseId": "c"}

    assert judged(bare, bad, blank) == {}
    assert judged(bare, bad, blank, activate=True) == {
        "required@welcomeMessage": [0],
        "required@userEmail": [0],
        "message-short@welcomeMessage": [1],
        "email-malformed@userEmail": [1],
        "fee-negative@interestFees": [1],
    }


def test_a_welcome_message_has_five_thousand_characters_at_most() -> None:
    rows = [
        {"caseId": str(size), "collectionPartnerReference": "P", "userId": "u", "welcomeMessage": "x" * size}
        for size in (5000, 5001)
    ]

    assert judged(*rows, activate=True) == {"text-too-long@welcomeMessage": [1]}


def test_a_start_leaves_out_what_is_blank() -> None:
    values = pd.DataFrame(
        {
            name: pd.Series(
                [{"collectionPartnerReference": "P-1", "interestFees": Decimal("10.5")}.get(name)],
                dtype=pd.ArrowDtype(TYPES[field.kind]),
            )
            for name, field in TARGET.FIELDS.items()
        }
    )

    (request,) = TARGET.payload(values, test=False, allow_pending_contracts=False)

    assert request == {"collectionPartnerReference": "P-1", "interestFees": Decimal("10.50")}
    assert list(TARGET.creditors(values)) == [""]
    assert TARGET.details("text-too-long", "welcomeMessage", pd.Series([0]), values) == ["5000"]
    assert TARGET.details("required", "userEmail", pd.Series([0]), values) == [""]
