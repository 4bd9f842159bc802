"""Tokens for a partner's clients: what the answers mean, and when the next one is asked for."""

from __future__ import annotations

import asyncio
import json

import pytest

from importer.errors import Stopped
from importer.pipeline.tokens import Pass, Token
from importer.protocol import Answer, Denied, Lost, Throttled, Unanswered
from importer.protocol.tokens import Granted, Unlinked, read_token

GRANTED = {"accessToken": "t", "tokenType": "Bearer", "expiresIn": 1800, "externalTenantId": "acme", "creditorId": "c"}
UNREADABLE = Unanswered("the answer to a request for a token could not be read")
NOBODYS = Unanswered("the answer to a request for a token does not say whose it is")
NO_TOKEN = Unanswered("the answer to a request for a token has none")


def answer(status: int, document: object) -> Answer:
    return Answer(status, {}, json.dumps(document).encode())


@pytest.mark.parametrize(
    ("changes", "meaning"),
    [
        ({}, Granted("t", 1800.0, "c")),
        ({"expiresIn": 90.5}, Granted("t", 90.5, "c")),
        ({"expiresIn": None}, Granted("t", 1800.0, "c")),
        ({"expiresIn": True}, Granted("t", 1800.0, "c")),
        ({"expiresIn": 0}, Granted("t", 1800.0, "c")),
        ({"expiresIn": 1e99}, Granted("t", 1800.0, "c")),
        ({"externalTenantId": "beta"}, UNREADABLE),
        ({"accessToken": ""}, NO_TOKEN),
        ({"accessToken": " "}, NO_TOKEN),
        ({"accessToken": "a\nb"}, NO_TOKEN),
        ({"accessToken": "é"}, NO_TOKEN),
        ({"accessToken": None}, NO_TOKEN),
        ({"creditorId": None}, NOBODYS),
        ({"creditorId": ""}, NOBODYS),
    ],
)
def test_a_token_is_taken_only_where_it_is_one_for_this_client(changes: dict[str, object], meaning: object) -> None:
    assert read_token(answer(200, GRANTED | changes), "acme") == meaning


@pytest.mark.parametrize(
    ("reply", "meaning"),
    [
        (answer(200, ["accessToken"]), UNREADABLE),
        (
            answer(404, {"error": "NotFound", "message": "No active link."}),
            Unlinked("the partner key has no active link to it (404: No active link)"),
        ),
        (
            answer(404, {"businessErrors": []}),
            Unlinked("the partner key has no active link to it (404: no reason given)"),
        ),
        (answer(404, {}), Unanswered("a request for a token was answered 404")),
        (
            answer(400, {"ExternalTenantId": ["Too long"]}),
            Unlinked("the API gives no token for it (400: Too long)"),
        ),
        (answer(400, {}), Unanswered("a request for a token was answered 400")),
        (answer(503, {}), Unanswered("a request for a token was answered 503")),
        (answer(401, {}), Denied(401, "")),
        (answer(429, {"retryAfter": 2}), Throttled(2.0)),
        (Lost("no answer"), Unanswered("no answer")),
    ],
)
def test_what_is_no_token_says_why(reply: Answer | Lost, meaning: object) -> None:
    assert read_token(reply, "acme") == meaning


def test_a_token_is_no_part_of_what_is_printed_of_it() -> None:
    assert "secret" not in repr(Pass(Granted("secret", 1.0, "c"), 1.0))


class Rig:
    """A client's token under a clock that is set by hand."""

    def __init__(self, *answers: Pass | Unlinked | Stopped) -> None:
        self.now = 0.0
        self.asked = 0
        self.used: list[str] = []
        self._answers = iter(answers)
        self.token = Token("acme", one("first", 100.0), self._grant, self.used.append, lambda: self.now)

    async def _grant(self, _: str) -> Pass | Unlinked:
        self.asked += 1
        await asyncio.sleep(0)
        found = next(self._answers)
        if isinstance(found, Stopped):
            raise found
        return found

    def refresh(self, times: int = 1) -> list[BaseException | None]:
        async def all_at_once() -> list[BaseException | None]:
            return await asyncio.gather(*(self.token.fresh() for _ in range(times)), return_exceptions=True)

        return asyncio.run(all_at_once())


def one(token: str, renew_at: float, creditor: str = "c") -> Pass:
    return Pass(Granted(token, 1800.0, creditor), renew_at)


def test_a_token_that_is_good_for_long_is_shown_again() -> None:
    rig = Rig()
    rig.refresh(5)
    assert (rig.asked, rig.used, rig.token.number) == (0, [], 0)


def test_one_new_token_is_asked_for_however_many_want_it() -> None:
    rig = Rig(one("second", 200.0))
    rig.now = 100.0
    assert rig.refresh(5) == [None] * 5
    assert (rig.asked, rig.used, rig.token.number) == (1, ["second"], 1)


def test_a_token_that_was_refused_is_renewed_and_one_that_was_refused_before_is_not() -> None:
    rig = Rig(one("second", 200.0))
    rig.token.refuse(0)
    rig.refresh()
    rig.token.refuse(0)
    rig.refresh()
    assert (rig.asked, rig.used, rig.token.number) == (1, ["second"], 1)


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (Unlinked("the partner key has no active link to it"), "Nothing is sent for it: the partner key has no active"),
        (one("second", 200.0, "d"), "It is linked to another account now"),
        (Stopped("The API cannot be asked."), "The API cannot be asked."),
    ],
)
def test_a_token_that_is_not_to_be_had_is_asked_for_once_for_all_that_wait(
    found: Pass | Unlinked | Stopped, said: str
) -> None:
    rig = Rig(found)
    rig.token.refuse(0)
    failures = rig.refresh(5)
    assert rig.asked == 1
    assert all(isinstance(failure, Stopped) and str(failure).startswith(said) for failure in failures)
    assert rig.used == []
