"""What the API's answers mean: every envelope that it is known to send."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from importer.model import Case
from importer.protocol import (
    Absent,
    Answer,
    Denied,
    Doubt,
    Found,
    KnownCase,
    Listed,
    Lost,
    Made,
    NeverLeft,
    Refused,
    Taken,
    Throttled,
    Unanswered,
    api_date,
    differences,
    is_same_claim,
    read_account,
    read_list,
    read_lookup,
    read_post,
    retry_after,
    survives_path,
)

CASE = {
    "id": "3fa85f64-5717-4562-b3fc-2c963f66afa6",
    "reference": "Q8OAXF3W",
    "creditorReference": "INV-1",
    "lifecycle": "Active",
    "isTestCase": False,
    "grossAmount": 5000.10,
    "currency": "EUR",
    "debtor": {"name": "Example GmbH", "countryAlpha2": "DE"},
    "dateCreated": "2025-01-20T10:30:00",
    "date": "2025-01-15T00:00:00",
}
KNOWN = KnownCase(
    id="3fa85f64-5717-4562-b3fc-2c963f66afa6",
    reference="Q8OAXF3W",
    creditor_reference="INV-1",
    lifecycle="Active",
    amount=Decimal("5000.1"),
    currency="EUR",
    is_test=False,
    created=datetime(2025, 1, 20, 10, 30, tzinfo=UTC),
    debtor="Example GmbH",
    date=date(2025, 1, 15),
    solution="",
)
SENT = Case(
    row=2,
    creditor="",
    reference="INV-1",
    has_reference=True,
    guarded=True,
    n=0,
    key="k",
    body=b"{}",
    amount=Decimal("5000.10"),
    currency="EUR",
    group="DE EUR",
    fingerprints={},
    debtor="Example GmbH",
    date=date(2025, 1, 15),
)
NO_PARTNER = "We don't have an exclusive pre-legal partner in the provided jurisdiction"
BEFORE = datetime(2025, 1, 20, 10, 29, tzinfo=UTC).timestamp()


def answer(status: int, body: object = None, **headers: str) -> Answer:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Answer(status, {name.replace("_", "-"): value for name, value in headers.items()}, raw)


def business(type_: str, message: str, url: str | None = None) -> dict[str, object]:
    return {"businessErrors": [{"type": type_, "message": message, "solutionUrl": url}]}


@pytest.mark.parametrize("status", [200, 201])
def test_a_readable_case_is_made(status: int) -> None:
    assert read_post(answer(status, CASE)) == Made(KNOWN)


def test_a_case_with_unsigned_contracts_says_where_to_sign() -> None:
    body = {**CASE, "signingHandoff": {"combinedSigningUrl": "https://app.example/sign"}}

    made = read_post(answer(200, body))

    assert isinstance(made, Made)
    assert made.case.solution == "https://app.example/sign"


def test_a_case_with_strange_members_is_read_as_far_as_it_goes() -> None:
    body = {"id": "1", "reference": 5, "grossAmount": "many", "dateCreated": "soon", "creditorReference": 7}

    assert read_post(answer(200, body)) == Made(
        KnownCase("1", "5", None, "", None, "", is_test=False, created=None, debtor="", date=None, solution="")
    )


@pytest.mark.parametrize(
    "reply",
    [
        Lost("connection closed"),
        answer(200, b'{"id": "3fa8'),
        answer(200, b"[" * 100_000),
        answer(200, {"reference": "Q8OAXF3W"}),
        answer(202, {"id": "job-1", "status": "queued"}),
        answer(200, {"id": "trace-7", "error": "Upstream failed"}),
        answer(302, b""),
        answer(404, {"error": "Not Found"}),
        answer(408, b""),
        answer(409, business("Conflict", "A request with this key is in flight")),
        answer(422, business("IdempotencyConflict", "The key was used with another body")),
        answer(400, {"Idempotency-Key": ["must not be blank"]}),
        answer(400, b"<html>Bad Request</html>"),
        answer(422, {"businessErrors": ["?"]}),
        answer(422, []),
        answer(422, {"error": 5}),
        answer(418, b""),
    ],
)
def test_whatever_proves_nothing_is_doubt(reply: Answer | Lost) -> None:
    meaning = read_post(reply)

    assert isinstance(meaning, Doubt)
    assert not meaning.by_server


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_failure_of_the_server_is_doubt_of_its_own_kind(status: int) -> None:
    assert read_post(answer(status, b"<html>Bad Gateway</html>")) == Doubt(
        f"the API answered {status}, a failure of its own", by_server=True
    )


def test_what_never_left_is_no_doubt() -> None:
    assert read_post(NeverLeft("refused")) == NeverLeft("refused")


@pytest.mark.parametrize(
    ("reply", "refused"),
    [
        (
            answer(400, {"amountToRecover": ["Case total must be a positive amount"], "dueDate": ["a", "b"]}),
            Refused(
                "ValidationError",
                "amountToRecover: Case total must be a positive amount; dueDate: a; dueDate: b",
                "",
                "row",
            ),
        ),
        (
            answer(400, {"title": "One or more validation errors occurred.", "errors": {"$.date": ["not a date"]}}),
            Refused("ValidationError", "$.date: not a date", "", "row"),
        ),
        (
            answer(400, {"error": "InvalidUserEmail", "message": "No such user", "businessErrors": []}),
            Refused("InvalidUserEmail", "No such user", "", "row"),
        ),
        (
            answer(400, {"title": "Bad Request", "status": 400, "detail": "Malformed JSON"}),
            Refused("Bad Request", "Malformed JSON", "", "row"),
        ),
        (
            answer(422, business("NoPartnerAvailable", "No partner covers AQ")),
            Refused("NoPartnerAvailable", "No partner covers AQ", "", "group"),
        ),
        (
            answer(422, business("MissingPowerOfAttorney", "Sign it", "https://app.example/poa")),
            Refused("MissingPowerOfAttorney", "Sign it", "https://app.example/poa", "group"),
        ),
        (
            answer(
                422, {"BusinessRule": ["We don't have an exclusive pre-legal partner in the provided jurisdiction"]}
            ),
            Refused(
                "BusinessRule",
                f"BusinessRule: {NO_PARTNER}",
                "",
                "group",
            ),
        ),
        (
            answer(
                422,
                {
                    **business("MissingDebtCollectionContract", "Sign first", "javascript:alert(1)"),
                    "signingHandoff": {"combinedSigningUrl": "https://app.example/all"},
                },
            ),
            Refused("MissingDebtCollectionContract", "Sign first", "https://app.example/all", "run"),
        ),
        (answer(422, business("CreditorBlocked", "Blocked")), Refused("CreditorBlocked", "Blocked", "", "run")),
        (
            answer(422, business("", "Demo accounts cannot create cases: demo account")),
            Refused("BusinessError", "Demo accounts cannot create cases: demo account", "", "run"),
        ),
        (
            answer(400, {"creditorReference": ["The value is not valid"]}),
            Refused("ValidationError", "creditorReference: The value is not valid", "", "row"),
        ),
        (
            answer(400, {"creditorReference": ["The reference must not exceed 50 characters"]}),
            Refused("ValidationError", "creditorReference: The reference must not exceed 50 characters", "", "row"),
        ),
    ],
)
def test_a_refusal_says_why_and_whom_else_it_concerns(reply: Answer, refused: Refused) -> None:
    assert read_post(reply) == refused


@pytest.mark.parametrize(
    "reply",
    [
        answer(400, {"error": "DuplicateReference", "message": "In use", **business("DuplicateReference", "In use")}),
        answer(400, {"CreditorReference": ["In use"]}),
        answer(400, {"error": "Duplicate creditor reference", "message": "In use"}),
        answer(409, business("DuplicateReference", "In use")),
        answer(422, business("DuplicateCreditorReference", "In use")),
    ],
)
def test_a_taken_reference_is_a_question_in_each_envelope(reply: Answer) -> None:
    assert read_post(reply) == Taken("In use")


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_key_is_denied_everywhere(status: int) -> None:
    reply = answer(status, {"title": "Unauthorized", "detail": "Unknown key"})

    assert read_post(reply) == read_lookup(reply) == read_list(reply, 1) == read_account(reply)
    assert read_post(reply) == Denied(status, "Unknown key")


def test_a_refused_key_needs_no_words() -> None:
    assert read_post(answer(401, b"")) == Denied(401, "")


def test_too_many_requests_say_how_long_to_wait() -> None:
    reply = answer(429, {"error": "rate_limit_exceeded", "message": "Too many", "retryAfter": 42.5})

    assert read_post(reply) == read_lookup(reply) == read_list(reply, 1) == read_account(reply) == Throttled(42.5)


@pytest.mark.parametrize(
    ("reply", "seconds"),
    [
        (answer(429, {"retryAfter": 7}), 7.0),
        (answer(429, {"retryAfter": 7}, retry_after="9"), 9.0),
        (
            answer(429, b"", retry_after="Fri, 20 Nov 2026 10:00:30 GMT", date="Fri, 20 Nov 2026 10:00:00 GMT"),
            30.0,
        ),
        (answer(429, {"retryAfter": 7}, retry_after="Fri, 20 Nov 2026 10:00:30 GMT"), 7.0),
        (answer(429, {"retryAfter": 7}, retry_after="later"), 7.0),
        (answer(429, {"retryAfter": "later"}), None),
        (answer(429, {"retryAfter": True}), None),
        (answer(429, {"retryAfter": -1}), None),
        (answer(429, {"retryAfter": 10**400}), 1e12),
        (answer(429, b'{"retryAfter": 1e400}'), 1e12),
        (answer(429, b'{"retryAfter": 1e99999999999999999999}'), None),
        (answer(429, []), None),
    ],
)
def test_retry_after_is_read_from_header_or_body(reply: Answer, seconds: float | None) -> None:
    assert retry_after(reply) == seconds


def test_texts_that_no_journal_takes_are_made_such_as_it_takes() -> None:
    reply = answer(422, {"businessErrors": [{"type": "Other", "message": "cut \ud83d off \0 here \U0001f600"}]})

    assert read_post(reply) == Refused("Other", "cut ? off ? here \U0001f600", "", "row")


@pytest.mark.parametrize("amount", ["sNaN", "NaN", "Infinity"])
def test_an_amount_that_is_no_number_differs_from_any(amount: str) -> None:
    found = read_lookup(answer(200, {**CASE, "grossAmount": amount}))

    assert isinstance(found, Found)
    assert found.case.amount is None


def test_the_api_date_is_its_own_clock() -> None:
    assert (
        api_date(answer(200, date="Fri, 20 Nov 2026 10:00:00 GMT"))
        == datetime(2026, 11, 20, 10, tzinfo=UTC).timestamp()
    )
    assert api_date(answer(200)) is None


def test_a_look_up_finds_a_case() -> None:
    assert read_lookup(answer(200, CASE)) == Found(KNOWN)


@pytest.mark.parametrize(
    "body",
    [
        {"error": "x", "message": "x", "businessErrors": []},
        {"businessErrors": [{"type": "NotFound"}]},
        {"title": "Not Found", "status": 404, "detail": "Case with ID 'abc123' not found"},
    ],
)
def test_only_a_404_in_the_apis_own_form_says_that_there_is_none(body: object) -> None:
    assert read_lookup(answer(404, body)) == Absent()


@pytest.mark.parametrize(
    "reply",
    [
        answer(404, b"<html>Not Found</html>"),
        answer(404, {"message": "no Route matched with those values"}),
        answer(404, {"statusCode": 404, "message": "Resource not found"}),
        answer(404, {"title": "Not Found", "status": 404}),
        answer(200, b"{}"),
        answer(500, b""),
        Lost("x"),
        NeverLeft("x"),
    ],
)
def test_any_other_reply_to_a_look_up_is_no_answer(reply: Answer | Lost | NeverLeft) -> None:
    assert isinstance(read_lookup(reply), Unanswered)


@pytest.mark.parametrize("name", ["page", "pageData"])
def test_a_page_of_cases_is_read_under_both_names(name: str) -> None:
    assert read_list(answer(200, {name: {"currentPage": 1, "totalPages": 2}, "cases": [CASE]}), 1) == Listed(
        (KNOWN,), last=False
    )


@pytest.mark.parametrize(
    ("document", "asked"),
    [
        ({"page": {"currentPage": 2, "totalPages": 2}, "cases": [CASE]}, 2),
        ({"page": {"currentPage": 1, "totalPages": 0}, "cases": []}, 1),
    ],
)
def test_the_last_page_is_known(document: object, asked: int) -> None:
    listed = read_list(answer(200, document), asked)

    assert isinstance(listed, Listed)
    assert listed.last


@pytest.mark.parametrize(
    "reply",
    [
        answer(200, []),
        answer(200, {"cases": [CASE]}),
        answer(200, {"page": {}, "cases": [{}]}),
        answer(200, {"page": {"currentPage": 1, "totalPages": 1}, "cases": [{}]}),
        answer(200, {"page": {"currentPage": 1, "totalPages": 2}}),
        answer(200, {"page": {"currentPage": 1, "totalPages": 2}, "cases": 5}),
        answer(200, {"page": {"currentPage": "?", "totalPages": 1}, "cases": [CASE]}),
        answer(200, {"page": {"currentPage": 1}, "cases": [CASE]}),
        answer(200, {"page": 7, "cases": []}),
        answer(200, {"page": {"currentPage": 2, "totalPages": 3}, "cases": [CASE]}),
        answer(500, b""),
        Lost("x"),
    ],
)
def test_a_list_that_cannot_be_read_is_no_answer(reply: Answer | Lost) -> None:
    assert isinstance(read_list(reply, 1), Unanswered)


def test_an_account_is_its_id_and_name() -> None:
    assert read_account(answer(200, {"id": "1", "companyName": "Example ApS"})) == ("1", "Example ApS")
    assert read_account(answer(200, {"id": "1", "companyName": None})) == ("1", "")


@pytest.mark.parametrize("reply", [answer(200, {"id": 7}), answer(200, []), answer(500, b""), Lost("x")])
def test_an_account_that_cannot_be_read_is_no_answer(reply: Answer | Lost) -> None:
    assert isinstance(read_account(reply), Unanswered)


def test_a_case_with_what_we_sent_and_made_since_is_ours() -> None:
    assert differences(SENT, KNOWN, test=False, since=BEFORE) == []


def test_two_seconds_of_the_apis_clocks_are_tolerated() -> None:
    made = KNOWN.created.timestamp() if KNOWN.created else 0.0

    assert differences(SENT, KNOWN, test=False, since=made + 2) == []
    assert differences(SENT, KNOWN, test=False, since=made + 3) != []


def test_a_case_that_is_not_ours_says_all_that_differs() -> None:
    other = KnownCase(
        "1", "", "INV-2", "", Decimal(1), "SEK", is_test=True, created=None, debtor="", date=None, solution=""
    )

    assert differences(SENT, other, test=False, since=BEFORE) == [
        "it is a test case",
        "it was created before this row was sent (at an unknown time)",
        "its amount differs",
        "its currency is SEK",
        "its reference is INV-2",
    ]


def test_a_live_case_is_not_the_test_case_that_was_sent() -> None:
    assert differences(SENT, KNOWN, test=True, since=BEFORE) == ["it is a live case"]


def test_a_claim_without_a_reference_is_known_by_debtor_and_date() -> None:
    assert is_same_claim(SENT, KNOWN)


@pytest.mark.parametrize(
    ("creditor", "named"),
    [
        ({"companyName": "Acme  ApS", "country": "Denmark"}, "acme aps, DK"),
        ({"companyName": "Acme ApS", "country": "Atlantis"}, "acme aps"),
        ({"companyName": "Acme ApS"}, "acme aps"),
        ({"companyName": None, "country": "Denmark"}, ""),
        (None, ""),
    ],
)
def test_a_creditor_is_named_as_far_as_the_api_tells_it(creditor: object, named: str) -> None:
    found = read_lookup(answer(200, {**CASE, "creditor": creditor}))

    assert isinstance(found, Found)
    assert found.case.creditor == named


@pytest.mark.parametrize("told", ["acme aps, DK", "acme aps", ""])
def test_what_the_api_leaves_out_of_a_creditor_decides_nothing(told: str) -> None:
    ours = replace(SENT, creditor="acme aps, DK")

    assert differences(ours, replace(KNOWN, creditor=told), test=False, since=BEFORE) == []


@pytest.mark.parametrize("told", ["acme aps, SE", "bravo, DK", "bravo"])
def test_a_case_of_another_creditor_is_not_ours(told: str) -> None:
    ours = replace(SENT, creditor="acme aps, DK")

    assert differences(ours, replace(KNOWN, creditor=told), test=False, since=BEFORE) == [f"its creditor is {told}"]


def test_the_creditor_of_an_account_that_is_one_itself_decides_nothing() -> None:
    assert differences(SENT, replace(KNOWN, creditor="acme aps, DK"), test=False, since=BEFORE) == []


@pytest.mark.parametrize("reference", ["INV-1", "a b", "ä", "#1?"])
def test_most_references_survive_a_path(reference: str) -> None:
    assert survives_path(reference)


@pytest.mark.parametrize("reference", ["2026/11", "a\\b", "100%", ".", ".."])
def test_some_references_do_not(reference: str) -> None:
    assert not survives_path(reference)
