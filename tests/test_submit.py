"""Sending many cases: over real sockets to the sandbox, and against scripted answers where those say it better."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from email.utils import format_datetime
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Any, Self

import pytest

from importer.client import Client
from importer.errors import Interrupted, JournalError, Stopped
from importer.journal import Journal
from importer.journal.commits import Commits
from importer.plan import make_cases, with_key
from importer.protocol import Answer, Lost, NeverLeft
from importer.sandbox import Fault, Settings, Store, serving
from importer.submit import Follower, Patience, Sender, Sending, Step
from importer.throttle import Rate, Throttle

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from importer.model import Case, Entry
    from importer.protocol import Reply

WHO = {"account": "loopback/1", "target": "customer", "mode": "live"}
PATIENCE = Patience(settle_after=0.3, timeout=2.0)


def payload(number: int, **changes: object) -> dict[str, object]:
    debtor = {"type": "Company", "name": f"Example {number}", "address": "1 Street", "city": "Town"}
    country = changes.pop("country", "DE")
    return {
        "currencyCode": "EUR",
        "date": "2026-01-15",
        "amountToRecover": Decimal(100 + number),
        "creditorReference": f"INV-{number}",
        "debtor": {**debtor, "countryAlpha2": country},
        **changes,
    }


def cases(*payloads: dict[str, object]) -> list[Case]:
    rows = range(2, 2 + len(payloads))
    return list(
        make_cases(
            rows, [""] * len(payloads), payloads, **WHO, reference="creditorReference", guarded=True, secret=b"s"
        )
    )


class Rig:
    """A journal with one run, and a sender over it."""

    def __init__(self, journal: Journal) -> None:
        self.journal = journal
        self.seen: Counter[str] = Counter()
        self.sender: Sender | None = None
        self.keep_going = False
        self.patience = PATIENCE

    def plan(self, planned: Iterable[Case], run: str = "r1", status: str = "planned", **known: object) -> list[Sending]:
        with self.journal.begin() as connection:
            self.journal.add_run(connection, run, **WHO, resumable=True, summary={})
            fates = ((case, {"status": status, **known}) for case in planned)
            self.journal.add_cases(connection, run, **WHO, planned=fates)
        return [self.found(entry) for entry in self.journal.of_run(run)]

    def found(self, entry: Entry, *followers: Follower) -> Sending:
        return Sending.found(
            entry, time.time(), test=False, patience=self.patience, credential="c", followers=followers
        )

    def send(self, client: Any, sendings: list[Sending], *, ceiling: int = 16, rate: Rate | None = None) -> None:
        async def go() -> None:
            throttle = Throttle(rate or Rate(minute=60_000), (), clock=time.time)
            async with client, Commits(self.journal) as commits:
                step = Step(
                    client,
                    self.journal,
                    commits,
                    endpoint="/cases",
                    lookup="/cases/by-creditor-reference",
                    account=WHO["account"],
                    credential="c",
                    rekey=partial(with_key, **WHO),
                    clock=time.time,
                    depart=throttle.depart,
                    follow=throttle.follow,
                    api_time=None,
                )
                self.sender = Sender(
                    step,
                    throttle,
                    ceiling=ceiling,
                    patience=self.patience,
                    keep_going=self.keep_going,
                    clock=time.time,
                    observe=lambda status: self.seen.update([status]),
                )
                await self.sender.send(sendings)

        asyncio.run(go())

    def statuses(self, run: str = "r1") -> list[str]:
        return [entry.status for entry in self.journal.of_run(run)]


class Scripted:
    """An API that answers as it is told."""

    def __init__(self, post: Callable[[str], Reply], get: Callable[[str], Reply] | None = None) -> None:
        self._post = post
        self._get = get
        self.posts: list[tuple[str, str]] = []
        self.asked: list[str] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        pass

    async def post(self, _path: str, body: bytes, key: str) -> Reply:
        reference = json.loads(body)["creditorReference"]
        self.posts.append((reference, key))
        await asyncio.sleep(0)
        return self._post(reference)

    async def get(self, path: str, _params: object = None) -> Reply:
        self.asked.append(path)
        assert self._get
        return self._get(path)


def answer(status: int, body: object) -> Answer:
    return Answer(status, {}, json.dumps(body).encode())


def made(reference: str) -> Answer:
    return answer(200, {"id": f"id-{reference}", "reference": "ABCDEFGH", "lifecycle": "Active"})


def refused(type_: str, url: str | None = None) -> Answer:
    return answer(422, {"businessErrors": [{"type": type_, "message": f"{type_}.", "solutionUrl": url}]})


NOT_FOUND = answer(404, {"error": "Not found", "message": "Not found", "businessErrors": []})


@pytest.fixture
def rig(place: str | Path, tmp_path: Path) -> Iterator[Rig]:
    with (
        closing(Journal.open(place, tmp_path / "locks")) as journal,
        journal.sender(WHO["account"], wait=False),
    ):
        yield Rig(journal)


def test_every_case_is_made_once_and_its_body_forgotten(rig: Rig, tmp_path: Path) -> None:
    with serving(tmp_path / "sandbox.db") as url:
        rig.send(Client(url, "sandbox", timeout=5), rig.plan(cases(*map(payload, range(200)))))

    entries = rig.journal.of_run("r1")
    in_sandbox = {case["creditorReference"]: case["id"] for case in Store(tmp_path / "sandbox.db").cases()}
    assert rig.seen == {"created": 200}
    assert {entry.case.reference: entry.case_id for entry in entries} == in_sandbox
    assert all(entry.case.body == b"" and entry.case.debtor == "" for entry in entries)
    assert rig.journal.count_requests("r1") == {"post": 200}


@pytest.mark.parametrize("fault", ["lose-answer:every=3", "drop-request:every=3"])
def test_lost_answers_and_lost_requests_make_no_case_twice_and_lose_none(rig: Rig, tmp_path: Path, fault: str) -> None:
    with serving(tmp_path / "sandbox.db", Settings(faults=(Fault.parse(fault),))) as url:
        left = rig.plan(cases(*map(payload, range(60))))
        while left:  # chance may drop one row's request again and again, until it is left to the next run
            rig.send(Client(url, "sandbox", timeout=5), left, ceiling=2)
            left = [rig.found(entry) for entry in rig.journal.of_run("r1") if entry.status == "sending"]

    made_cases = Counter(case["creditorReference"] for case in Store(tmp_path / "sandbox.db").cases())
    assert made_cases == Counter({f"INV-{number}": 1 for number in range(60)})
    assert rig.seen == {"created": 60}


def test_a_reference_with_a_slash_is_found_in_the_list(rig: Rig, tmp_path: Path) -> None:
    planned = cases(*(payload(number, creditorReference=f"2026/{number}") for number in range(9)))
    with serving(tmp_path / "sandbox.db", Settings(faults=(Fault("lose-answer", every=3),))) as url:
        rig.send(Client(url, "sandbox", timeout=5), rig.plan(planned))

    assert len(Store(tmp_path / "sandbox.db").cases()) == 9
    assert rig.seen == {"created": 9}
    assert rig.journal.count_requests("r1")["list"] >= 3


def test_rows_without_a_reference_are_made_once_each(rig: Rig, tmp_path: Path) -> None:
    bare = payload(1)
    del bare["creditorReference"]
    with serving(tmp_path / "sandbox.db", Settings(faults=(Fault("lose-answer", every=2),))) as url:
        rig.send(Client(url, "sandbox", timeout=5), rig.plan(cases(bare, bare, bare)))

    assert len(Store(tmp_path / "sandbox.db").cases()) == 3
    assert rig.seen == {"created": 3}
    assert len({entry.case_id for entry in rig.journal.of_run("r1")}) == 3


def test_rows_that_could_be_taken_for_each_other_go_one_after_the_other(rig: Rig) -> None:
    bare = payload(1)
    del bare["creditorReference"]
    open_: set[str] = set()

    class OneByOne(Scripted):
        async def post(self, _path: str, _body: bytes, key: str) -> Reply:
            assert not open_
            open_.add(key)
            await asyncio.sleep(0.05)
            open_.clear()
            return answer(200, {"id": f"id-{key}", "lifecycle": "Active"})

    rig.send(OneByOne(made), rig.plan(cases(bare, {**bare, "comments": "x"}, bare)))

    assert rig.seen == {"created": 3}


def test_a_row_with_a_reference_does_not_free_those_without_that_look_like_it(rig: Rig) -> None:
    bare = payload(1)
    del bare["creditorReference"]
    first, second, referenced = cases(bare, {**bare, "comments": "x"}, payload(1))
    settled = asyncio.Event()

    class Api(Scripted):
        async def post(self, _path: str, _body: bytes, key: str) -> Reply:
            if key == first.key:
                await settled.wait()
                await asyncio.sleep(0.1)
                assert second.key not in [sent for _, sent in self.posts]
            self.posts.append(("", key))
            if key == referenced.key:
                settled.set()
            return answer(200, {"id": f"id-{key}", "lifecycle": "Active"})

    rig.send(Api(made), rig.plan([first, second, referenced]))

    assert rig.seen == {"created": 3}


def test_a_row_that_stays_in_doubt_holds_its_likes_back(rig: Rig) -> None:
    bare = payload(1)
    del bare["creditorReference"]
    lost = Scripted(lambda _: Lost("x"), lambda _: answer(503, {}))
    lost.post = lambda _path, _body, key: lost_reply(lost, key)  # type: ignore[method-assign,assignment]

    rig.send(lost, rig.plan(cases(bare, bare)))

    assert rig.statuses() == ["sending", "planned"]


async def lost_reply(api: Scripted, key: str) -> Reply:
    api.posts.append(("", key))
    return Lost("x")


def test_a_case_from_elsewhere_is_a_duplicate_with_its_id(rig: Rig, tmp_path: Path) -> None:
    with serving(tmp_path / "sandbox.db") as url:

        async def by_hand() -> None:
            async with Client(url, "sandbox", timeout=5) as client:
                await client.post("/cases", cases(payload(1, amountToRecover=Decimal(7)))[0].body, "by-hand")

        asyncio.run(by_hand())
        rig.send(Client(url, "sandbox", timeout=5), rig.plan(cases(payload(1), payload(2))))

    first, second = rig.journal.of_run("r1")
    assert (first.status, second.status) == ("duplicate", "created")
    assert first.case_id == Store(tmp_path / "sandbox.db").cases()[0]["id"]
    assert "its amount differs" in str(first.message)


def test_the_time_of_a_gateway_is_not_taken_for_the_apis(rig: Rig) -> None:
    """A proxy in between, whose clock is a day ahead, fails one request; the next case is made, and its answer lost."""
    ahead = {"date": format_datetime(datetime.now(UTC) + timedelta(days=1), usegmt=True)}
    posts = iter([Answer(502, ahead, b"<html>"), Lost("cut")])

    def found(path: str) -> Reply:
        reference = path.rpartition("/")[2]
        claim = {"grossAmount": 100 + int(reference[4:]), "currency": "EUR", "isTestCase": False}
        made_now = datetime.now(UTC).isoformat()
        return answer(
            200, {"id": reference, "reference": "A", "creditorReference": reference, "dateCreated": made_now, **claim}
        )

    rig.send(Scripted(lambda _: next(posts), found), rig.plan(cases(payload(1), payload(2))), ceiling=1)

    assert rig.seen == {"created": 2}


def test_what_is_refused_says_why(rig: Rig) -> None:
    api = Scripted(lambda _: answer(400, {"dueDate": ["Due date must be in the past"]}))

    rig.send(api, rig.plan(cases(payload(1))))

    (entry,) = rig.journal.of_run("r1")
    assert (entry.status, entry.error, entry.message) == (
        "rejected",
        "ValidationError",
        "dueDate: Due date must be in the past",
    )


@pytest.mark.parametrize("reason", ["CreditorBlocked", "MissingDebtCollectionContract"])
def test_what_concerns_the_account_stops_the_run_with_its_remedy(rig: Rig, reason: str) -> None:
    api = Scripted(lambda _: refused(reason, "https://app.example/cure"))

    with pytest.raises(Stopped, match=f"{reason}. https://app.example/cure"):
        rig.send(api, rig.plan(cases(*map(payload, range(50)))), ceiling=1)

    assert Counter(rig.statuses()) == {"rejected": 1, "planned": 49}


def test_what_concerns_a_country_and_currency_holds_these_back_after_three(rig: Rig) -> None:
    def reply(reference: str) -> Reply:
        return refused("NoPartnerAvailable") if int(reference[4:]) % 2 else made(reference)

    planned = cases(*(payload(number, country="AQ" if number % 2 else "DE") for number in range(20)))
    api = Scripted(reply)

    with pytest.raises(Stopped, match=r"No more rows for AQ in EUR are sent. NoPartnerAvailable\."):
        rig.send(api, rig.plan(planned), ceiling=1)

    assert Counter(rig.statuses()) == {"created": 10, "rejected": 3, "planned": 7}


def test_a_group_that_is_refused_is_sent_on_when_asked_to_keep_going(rig: Rig) -> None:
    rig.keep_going = True

    rig.send(Scripted(lambda _: refused("NoPartnerAvailable")), rig.plan(cases(*map(payload, range(7)))), ceiling=1)

    assert rig.seen == {"rejected": 7}


def test_a_success_between_refusals_holds_nothing_back(rig: Rig) -> None:
    def reply(reference: str) -> Reply:
        return made(reference) if int(reference[4:]) % 3 == 0 else refused("MissingPowerOfAttorney")

    rig.send(Scripted(reply), rig.plan(cases(*map(payload, range(12)))), ceiling=1)

    assert rig.seen == {"created": 4, "rejected": 8}


@pytest.mark.parametrize(("status", "words"), [(401, "is not accepted"), (403, "may not do this")])
def test_a_key_that_is_refused_in_mid_run_stops_it(rig: Rig, status: int, words: str) -> None:
    api = Scripted(lambda reference: made(reference) if reference < "INV-3" else answer(status, {"error": "No"}))

    with pytest.raises(Stopped, match=words):
        rig.send(api, rig.plan(cases(*map(payload, range(9)))), ceiling=1)

    assert Counter(rig.statuses()) == {"created": 3, "planned": 6}


def test_ten_doubts_in_a_row_stop_the_run(rig: Rig) -> None:
    rig.patience = replace(PATIENCE, settle_after=60)  # so that nothing is sent a second time meanwhile
    api = Scripted(lambda _: Lost("connection closed"), lambda _: NOT_FOUND)

    with pytest.raises(Stopped, match="10 answers in a row were lost or unreadable, the last: connection closed"):
        rig.send(api, rig.plan(cases(*map(payload, range(50)))), ceiling=1)

    assert Counter(rig.statuses()) == {"sending": 10, "planned": 40}


def test_rows_that_the_api_fails_again_and_again_do_not_stop_the_others(rig: Rig) -> None:
    """The API stores its failures: every attempt under the same key gets the same answer."""
    stored = {f"INV-{number}" for number in range(0, 60, 3)}
    api = Scripted(lambda reference: answer(500, {}) if reference in stored else made(reference), lambda _: NOT_FOUND)

    rig.send(api, rig.plan(cases(*map(payload, range(60)))))

    assert rig.seen == {"created": 40, "rejected": 20}


def test_an_api_that_stays_away_stops_the_run_and_leaves_no_doubt(rig: Rig) -> None:
    api = Scripted(lambda _: NeverLeft("connection refused"))

    with pytest.raises(Stopped, match="cannot be reached: connection refused"):
        rig.send(api, rig.plan(cases(*map(payload, range(9)))))

    assert set(rig.statuses()) == {"planned"}


def test_an_api_that_comes_back_is_forgiven(rig: Rig) -> None:
    replies = iter([NeverLeft("refused")] * 3)
    api = Scripted(lambda reference: next(replies, None) or made(reference))

    rig.send(api, rig.plan(cases(*map(payload, range(9)))), ceiling=3)

    assert rig.seen == {"created": 9}


def test_a_throttled_request_is_repeated_after_the_pause_with_the_same_key(rig: Rig) -> None:
    replies = iter([answer(429, {"retryAfter": 0})])
    api = Scripted(lambda reference: next(replies, None) or made(reference))

    rig.send(api, rig.plan(cases(payload(1))))

    assert rig.seen == {"created": 1}
    assert len(api.posts) == 2
    assert len(set(api.posts)) == 1


def test_429s_of_requests_that_were_in_flight_together_are_one_failure_however_late_they_come(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The pause after the first is over when the second comes; what both asked for is waited for."""
    monkeypatch.setattr("importer.submit.lessons.THROTTLED_IN_A_ROW", 2)
    left: list[float] = []

    class Slow(Scripted):
        async def post(self, path: str, body: bytes, key: str) -> Reply:
            left.append(time.time())
            if len(left) == 2:
                await asyncio.sleep(1.3)
                return answer(429, {"retryAfter": 1.5})
            if len(left) == 3:
                await asyncio.sleep(0.8)
            return await super().post(path, body, key)

    replies = iter([answer(429, {"retryAfter": 1})])
    api = Slow(lambda reference: next(replies, None) or made(reference))

    rig.send(api, rig.plan(cases(*map(payload, range(2)))), ceiling=2)

    assert rig.seen == {"created": 2}
    assert left[-1] >= left[1] + 1.3 + 1.5


def test_a_lost_request_is_repeated_with_the_same_key(rig: Rig) -> None:
    replies = iter([Lost("x")])
    api = Scripted(lambda reference: next(replies, None) or made(reference), lambda _: NOT_FOUND)

    rig.send(api, rig.plan(cases(payload(1))))

    assert rig.seen == {"created": 1}
    assert len(set(api.posts)) == 1
    assert api.asked == ["/cases/by-creditor-reference/INV-1"] * 2


def test_a_row_that_cannot_be_asked_about_stays_in_doubt_for_the_next_run(rig: Rig) -> None:
    api = Scripted(lambda _: Lost("x"), lambda _: answer(503, {}))

    rig.send(api, rig.plan(cases(payload(1))))

    (entry,) = rig.journal.of_run("r1")
    assert entry.status == "sending"
    assert entry.case.body
    assert rig.seen == {}


def test_nothing_is_sent_that_the_journal_does_not_know(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    api = Scripted(made)
    sendings = rig.plan(cases(*map(payload, range(9))))

    def full(*_: object) -> None:
        raise JournalError("The disk is full.")

    monkeypatch.setattr(rig.journal, "update_all", full)
    with pytest.raises(Stopped, match=r"Sending was stopped\. The disk is full."):
        rig.send(api, sendings)

    assert api.posts == []


def test_no_identity_is_in_flight_twice_even_for_a_second_program(rig: Rig) -> None:
    planned = cases(payload(1))
    rig.plan(planned, "other", "sending", attempted_at=time.time())
    api = Scripted(made)

    with pytest.raises(Stopped, match="Another importer is sending one of these rows"):
        rig.send(api, rig.plan(planned, "r1"))

    assert api.posts == []


def test_an_interruption_settles_what_is_in_flight_and_sends_nothing_more(rig: Rig) -> None:
    def reply(reference: str) -> Reply:
        assert rig.sender
        rig.sender.stop(Interrupted("Interrupted."))
        return made(reference)

    with pytest.raises(Interrupted):
        rig.send(Scripted(reply), rig.plan(cases(*map(payload, range(9)))), ceiling=1)

    assert Counter(rig.statuses()) == {"created": 1, "planned": 8}


def test_a_bug_is_not_swallowed(rig: Rig) -> None:
    def bug(_: str) -> Reply:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        rig.send(Scripted(bug), rig.plan(cases(payload(1))))


def behind(rig: Rig, now: Case, earlier: Case, **known: object) -> list[Sending]:
    """Plan *now* behind what an earlier run has left in doubt."""
    rig.plan([earlier], "r0", "sending", attempts=1, attempted_at=time.time() - 99, since=0.0, **known)
    rig.plan([now], "r1", "waiting")
    (before,), (after,) = rig.journal.of_run("r0"), rig.journal.of_run("r1")
    return [rig.found(before, Follower(after.pk, after.case, "It differs."))]


def test_what_an_earlier_run_made_is_imported_already(rig: Rig, tmp_path: Path) -> None:
    earlier, now = cases(payload(1)), cases(payload(1, comments="new"))
    with serving(tmp_path / "sandbox.db") as url:
        rig.send(Client(url, "sandbox", timeout=5), behind(rig, now[0], earlier[0]))

    (before,), (after,) = rig.journal.of_run("r0"), rig.journal.of_run("r1")
    (only,) = Store(tmp_path / "sandbox.db").cases()
    assert (before.status, after.status, after.message) == ("created", "already-imported", "It differs.")
    assert before.case_id == after.case_id == only["id"]
    assert rig.seen == {"already-imported": 1}


def test_what_an_earlier_run_was_refused_is_sent_anew_under_another_key(rig: Rig) -> None:
    (case,) = cases(payload(1))
    api = Scripted(made, lambda _: NOT_FOUND)

    rig.send(api, behind(rig, case, case, doubts=1, doubted_at=time.time() - 9, by_server=True))

    assert (rig.statuses("r0"), rig.statuses("r1")) == (["rejected"], ["created"])
    assert api.posts == [("INV-1", with_key(case, 1, **WHO).key)]


def test_what_turns_out_to_be_anothers_case_is_a_duplicate_for_both(rig: Rig) -> None:
    (case,) = cases(payload(1))
    other = {"id": "id-9", "reference": "A", "grossAmount": 1, "currency": "EUR", "creditorReference": "INV-1"}
    api = Scripted(made, lambda _: answer(200, other))

    rig.send(api, behind(rig, case, replace(case, date=date(2026, 1, 1))))

    assert (rig.statuses("r0"), rig.statuses("r1")) == (["duplicate"], ["duplicate"])
    assert rig.journal.of_run("r1")[0].case_id == "id-9"


def lose_answer_of_commit(monkeypatch: pytest.MonkeyPatch, rig: Rig, number: int, *, made: bool) -> None:
    """Have the *number*th commit from now on fail, after it was made or before."""
    dialect: Any = rig.journal._engine.dialect
    commit, turns = dialect.do_commit, count(1)

    def lose(connection: Any) -> None:
        if next(turns) != number:
            commit(connection)
            return
        if made:
            commit(connection)
        else:
            dialect.do_rollback(connection)
        raise dialect.dbapi.OperationalError("the answer was lost")

    monkeypatch.setattr(dialect, "do_commit", lose)


@pytest.mark.parametrize("made_all_the_same", [True, False])
@pytest.mark.parametrize(("number", "posts"), [(1, 0), (2, 1)], ids=["of what leaves", "of the answer"])
def test_a_commit_of_unknown_fate_stops_the_sending_and_makes_nothing_twice(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, number: int, posts: int, *, made_all_the_same: bool
) -> None:
    shown = {"id": "id-INV-1", "reference": "A", "creditorReference": "INV-1", "grossAmount": 101, "currency": "EUR"}
    shown["dateCreated"] = datetime.now(UTC).isoformat()
    api = Scripted(made, lambda _: answer(200, shown) if api.posts else NOT_FOUND)
    planned = rig.plan(cases(payload(1)))

    with monkeypatch.context() as losing:
        lose_answer_of_commit(losing, rig, number, made=made_all_the_same)
        with pytest.raises(Stopped, match=r"Sending was stopped\..*the answer was lost"):
            rig.send(api, planned)
    assert len(api.posts) == posts

    left = [rig.found(entry) for entry in rig.journal.of_run("r1") if entry.status in {"planned", "sending"}]
    rig.send(api, left)

    assert rig.statuses() == ["created"]
    assert len(api.posts) == 1


def test_a_request_never_leaves_long_after_the_journal_says_it_did(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    dialect: Any = rig.journal._engine.dialect
    commit, turns, late, now = dialect.do_commit, count(1), [0.0], time.time
    left: list[float] = []

    def delay(connection: Any) -> None:
        commit(connection)
        late[0] += 20 if next(turns) == 1 else 0

    def reply(reference: str) -> Reply:
        left.append(time.time())
        return made(reference)

    planned = rig.plan(cases(payload(1)))
    monkeypatch.setattr(time, "time", lambda: now() + late[0])
    monkeypatch.setattr(dialect, "do_commit", delay)
    rig.send(Scripted(reply), planned)

    (entry,) = rig.journal.of_run("r1")
    assert entry.attempted_at is not None
    assert left[0] - entry.attempted_at < PATIENCE.timeout
