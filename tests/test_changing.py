"""Starting cases and changing references, against an API that answers as each test says."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from importer import talk
from importer.errors import Interrupted, Stopped
from importer.partner import changing
from importer.partner.changing import Changes, Operation, Task
from importer.partner.wish import Known, Wish
from importer.protocol import Answer, KnownCase, Lost, NeverLeft
from importer.talk import Talk

if TYPE_CHECKING:
    from collections.abc import Sequence

    from importer.partner.wish import Action, Outcome
    from importer.protocol import Reply

WAITING = {"id": "11-aa", "reference": "Q8OAXF3W", "lifecycle": "Pending Verification"}
ACTIVE = WAITING | {"lifecycle": "Active"}
CASE = KnownCase("11-aa", "Q8OAXF3W", None, "Pending Verification", None, "", is_test=False, created=None, debtor="",
                 date=None, solution="")  # fmt: skip
REFUSED = {"error": "InvalidCaseStatus", "message": "It is Active."}


def answer(status: int = 200, **document: Any) -> Answer:
    return Answer(status, {}, json.dumps(document).encode())


class Scripted(Talk):
    """Answers each kind of request with the next of its replies; the last one again and again."""

    def __init__(self, **replies: Sequence[Reply]) -> None:
        self._replies = {kind: list(given) for kind, given in replies.items()}
        self.made: Counter[str] = Counter()
        self.paused: list[float | None] = []
        self.clock = lambda: 0.0

    async def request(self, kind: str, path: str, *_: Any, method: str = "GET", **options: Any) -> Reply:
        assert method in {"GET", "POST", "PATCH"}
        assert path
        kind = kind.replace("-", "_")
        self.made[kind] += 1
        options.get("leaves", lambda: None)()
        replies = self._replies[kind]
        return replies.pop(0) if len(replies) > 1 else replies[0]

    def hold_back(self, seconds: float | None) -> None:
        self.paused.append(seconds)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (talk, changing):
        monkeypatch.setattr(module, "PAUSES", (0.0, 0.01))


def carry_out(api: Scripted, action: Action = "start", wanted: str = "P-1", case: KnownCase = CASE) -> Changes:
    changes = Changes(api, operation=Operation("PATCH", "/cases/{id}"), settle_after=0.02, observe=lambda _status: None)
    task = Task(Wish(2, "11-aa", "", wanted, b"{}"), Known(case), action)
    asyncio.run(changes.carry_out([task], 1))
    return changes


def outcome(api: Scripted, action: Action = "start", wanted: str = "P-1", case: KnownCase = CASE) -> Outcome:
    return carry_out(api, action, wanted, case).outcomes[2]


def test_a_start_that_echoes_the_reference_needs_no_look() -> None:
    api = Scripted(start=[answer(collectionPartnerReference="P-1")])

    assert outcome(api).status == "set"
    assert api.made == {"start": 1}


def test_a_start_that_echoes_another_reference_is_left_to_a_person() -> None:
    found = outcome(Scripted(start=[answer(collectionPartnerReference="OTHER")]))

    assert (found.status, found.after, found.started) == ("by-hand", "OTHER", True)
    assert "The case is active, but the API has stored “OTHER”" in found.message
    assert "--activate" not in found.message


def test_a_start_that_echoes_nothing_is_looked_up() -> None:
    api = Scripted(start=[answer(caseId="11-aa")], by_reference=[answer(**{"P-1": ACTIVE})])

    assert outcome(api).status == "set"


def test_a_reference_that_no_case_has_after_the_start_is_not_called_set() -> None:
    api = Scripted(start=[answer(caseId="11-aa")], by_reference=[answer()], case=[answer(**ACTIVE)])

    assert (outcome(api).status, api.made["start"]) == ("by-hand", 1)


@pytest.mark.parametrize("case", [CASE, replace(CASE, is_test=True)])
def test_what_the_api_cannot_tell_is_said(case: KnownCase) -> None:
    other = ACTIVE | {"id": "22-bb"}
    named = {} if case.is_test else {"P-1": other}
    api = Scripted(start=[answer(caseId="11-aa")], by_reference=[answer(**named)], case=[answer(**ACTIVE)])

    found = outcome(api, case=case)

    assert (found.status, found.message) == ("set", "The API does not tell what it has stored.")


def test_a_case_that_a_colleague_started_without_the_reference_is_not_called_set() -> None:
    api = Scripted(start=[Lost("gone")], by_reference=[answer()], case=[answer(**ACTIVE)])

    found = outcome(api)

    assert (found.status, api.made["start"]) == ("by-hand", 1)


def test_a_refusal_after_a_lost_answer_is_looked_up_before_it_is_believed() -> None:
    api = Scripted(
        start=[Lost("gone"), answer(400, **REFUSED)],
        case=[answer(**WAITING), answer(**WAITING), answer(**ACTIVE)],
        by_reference=[answer(**{"P-1": ACTIVE})],
    )

    assert (outcome(api).status, api.made["start"]) == ("set", 2)


def test_a_refusal_of_a_case_that_still_waits_is_believed() -> None:
    api = Scripted(start=[Lost("gone"), answer(400, **REFUSED)], case=[answer(**WAITING)])

    found = outcome(api)

    assert (found.status, found.error, api.made["start"], api.made["case"]) == ("refused", "InvalidCaseStatus", 2, 4)


def test_a_case_that_vanishes_after_a_lost_answer_is_unknown() -> None:
    api = Scripted(start=[Lost("gone")], case=[answer(404, **REFUSED)])

    assert (outcome(api).status, api.made["start"]) == ("unknown", 1)


def test_a_case_is_sent_three_times_at_most() -> None:
    api = Scripted(start=[Lost("gone")], case=[answer(**WAITING)])

    assert (outcome(api).status, api.made["start"]) == ("unknown", 3)


def test_what_never_left_is_sent_again_and_is_no_doubt() -> None:
    api = Scripted(start=[NeverLeft("no route"), answer(collectionPartnerReference="P-1")])

    assert (outcome(api).status, api.made) == ("set", {"start": 2})


def test_what_cannot_leave_at_all_stops_the_run_and_is_not_sent() -> None:
    api = Scripted(start=[NeverLeft("no route")])
    changes = Changes(api, operation=None, settle_after=0.02, observe=lambda _status: None)
    task = Task(Wish(2, "11-aa", "", "P-1", b"{}"), Known(CASE), "start")

    with pytest.raises(Stopped, match="no route"):
        asyncio.run(changes.carry_out([task], 1))

    assert changes.outcomes == {}


def test_what_is_in_doubt_stays_so_when_the_key_is_revoked() -> None:
    api = Scripted(start=[Lost("gone"), answer(401, **REFUSED)], case=[answer(**WAITING)])
    changes = Changes(api, operation=None, settle_after=0.02, observe=lambda _status: None)
    task = Task(Wish(2, "11-aa", "", "P-1", b"{}"), Known(CASE), "start")

    with pytest.raises(Stopped, match="401"):
        asyncio.run(changes.carry_out([task], 1))

    assert changes.outcomes[2].status == "unknown"


def test_an_api_that_knows_no_start_is_the_wrong_one() -> None:
    with pytest.raises(Stopped, match="is its address right"):
        carry_out(Scripted(start=[Answer(404, {}, b"")]))


def test_a_throttled_start_waits_and_is_sent_again() -> None:
    api = Scripted(start=[answer(429, retryAfter=2.5), answer(collectionPartnerReference="P-1")])

    assert (outcome(api).status, api.paused) == ("set", [2.5])


@pytest.mark.parametrize("reply", [Answer(204, {}, b""), answer(id="11-aa")])
def test_a_clearing_that_echoes_nothing_is_believed_where_the_case_does_not_tell(reply: Answer) -> None:
    api = Scripted(change=[reply], case=[answer(**ACTIVE)])

    found = outcome(api, "change", wanted="")

    assert (found.status, api.made["change"]) == ("set", 1)


def test_a_clearing_that_the_case_contradicts_is_left_to_a_person() -> None:
    api = Scripted(change=[Answer(204, {}, b"")], case=[answer(**ACTIVE, collectionPartnerReference="P-1")])

    found = outcome(api, "change", wanted="")

    assert (found.status, found.after) == ("by-hand", "P-1")


def test_a_change_is_refused_in_the_apis_words() -> None:
    found = outcome(Scripted(change=[answer(400, **REFUSED)]), "change")

    assert (found.status, found.error, found.message) == ("refused", "InvalidCaseStatus", "It is Active.")


def test_a_change_that_is_never_answered_is_unknown_after_three() -> None:
    api = Scripted(change=[Lost("gone")], by_reference=[answer()], case=[answer(**ACTIVE)])

    assert (outcome(api, "change").status, api.made["change"]) == ("unknown", 3)


def test_an_interruption_leaves_what_waits_in_doubt_as_unknown_at_once() -> None:
    api = Scripted(start=[Lost("gone")], case=[answer(**WAITING)])
    changes = Changes(api, operation=None, settle_after=60, observe=lambda _status: None)
    tasks = [Task(Wish(row, "11-aa", "", "P-1", b"{}"), Known(CASE), "start") for row in (2, 3)]

    async def interrupt() -> None:
        working = asyncio.create_task(changes.carry_out(tasks, 1))
        while not api.made["case"]:  # noqa: ASYNC110 - nobody else would tell
            await asyncio.sleep(0)
        changes.stop(Interrupted("enough"))
        await working

    with pytest.raises(Interrupted, match="enough"):
        asyncio.run(interrupt())

    assert {row: found.status for row, found in changes.outcomes.items()} == {2: "unknown"}


def test_a_bug_in_one_task_is_not_hidden() -> None:
    with pytest.raises(KeyError):
        carry_out(Scripted())
