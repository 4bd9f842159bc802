"""The eleven rules by which no row is ever sent twice: each with the course of events that breaks a program without it.

Where it matters the sandbox protects nothing: it ignores idempotency keys and makes a second case for a reference.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self

import openpyxl
import pytest

from importer import messages, settings
from importer.client import Client
from importer.errors import JournalError
from importer.pipeline.account import Api
from importer.pipeline.job import Job
from importer.pipeline.pacing import steady_clock
from importer.pipeline.submitting import submit
from importer.protocol import Answer, Lost
from importer.sandbox import Fault, Settings, Store, serving

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from importer.pipeline.reporting import Ending
    from importer.protocol import Reply

    Importer = Callable[..., Any]

PROGRAM = [sys.executable, "-c", "from importer.cli import main; main(prog_name='importer')"]
ENDLESS = Settings(minute=10**9, hour=10**9, day=10**9)
UNPROTECTED = ("key-ignored", "duplicates-allowed")
SETTLE_AFTER = 0.8  # seconds
TIMEOUT = 0.5  # seconds


def faulty(*orders: str) -> Settings:
    return replace(ENDLESS, faults=tuple(map(Fault.parse, orders)))


class World:
    """A finance desk with its workspace, and an API outside of it."""

    def __init__(self, folder: Path, importer: Importer, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.file = folder / "june.csv"
        self._importer = importer
        self._monkeypatch = monkeypatch
        self.patience = 20.0  # seconds with one request
        self.be("sandbox")
        monkeypatch.setenv("IMPORTER_SETTLE_AFTER", str(SETTLE_AFTER))
        self.write("INV-1")

    def be(self, key: str) -> None:
        self._monkeypatch.setenv("IMPORTER_API_KEY", key)

    def write(self, *references: str, amount: str = "100.50") -> None:
        header = "Invoice number,Currency,Invoice date,Amount,Debtor type,Customer,Street,City,Country code"
        rows = (f"{name},EUR,2026-01-15,{amount},Company,Example {n},1 St,Town,DE" for n, name in enumerate(references))
        self.file.write_text("\n".join([header, *rows]) + "\n")

    def run(self, command: str, *arguments: object, faults: tuple[str, ...] = ()) -> dict[str, Any]:
        """Run a command against an API with *faults*; return what it said."""
        options = [*arguments, "--json", "--timeout", self.patience, "--rate", "60000/min"]
        with serving(self.folder / "outside.db", faulty(*faults)) as url:
            self._monkeypatch.setenv("IMPORTER_API_URL", url)
            said: dict[str, Any] = self._importer(*command.split(), *options).said
        return said

    def submit(self, *arguments: object, faults: tuple[str, ...] = ()) -> dict[str, Any]:
        return self.run("submit", self.file, "--yes", *arguments, faults=faults)

    def enter_by_hand(self, reference: str, faults: tuple[str, ...] = (), amount: float = 100.50) -> None:
        """Make a case in the portal, with what else the file says."""
        body = {
            "currencyCode": "EUR",
            "date": "2026-01-15",
            "amountToRecover": amount,
            "creditorReference": reference,
            "debtor": {
                "type": "Company",
                "name": "Example 0",
                "address": "1 St",
                "city": "Town",
                "countryAlpha2": "DE",
            },
        }

        async def post(url: str) -> None:
            async with Client(url, "sandbox", timeout=5) as client:
                await client.post("/cases", json.dumps(body).encode(), "by-hand")

        with serving(self.folder / "outside.db", faulty(*faults)) as url:
            asyncio.run(post(url))

    def cases(self) -> list[dict[str, object]]:
        return Store(self.folder / "outside.db").cases()

    def journal(self, query: str) -> list[Any]:
        with closing(sqlite3.connect(self.folder / "journal.db")) as database:
            return database.execute(query).fetchall()


@pytest.fixture
def world(tmp_path: Path, importer: Importer, monkeypatch: pytest.MonkeyPatch) -> World:
    return World(tmp_path, importer, monkeypatch)


def statuses(said: dict[str, Any]) -> dict[str, int]:
    return {status: rows for status, rows in said["counts"].items() if rows and status != "rows"}


class Silent:
    """A watcher that only looks on."""

    def begin(self, total: int) -> None: ...
    def settled(self, status: object) -> None: ...
    def waiting(self, reason: str, until: float) -> None: ...
    def stopping(self) -> None: ...


class Spying(Client):
    """A client that tells of each case before it is sent."""

    sent: Callable[[bytes, str], None]

    async def post(self, path: str, body: bytes, key: str | None = None) -> Reply:
        type(self).sent(body, key or "")
        return await super().post(path, body, key)


def spy(monkeypatch: pytest.MonkeyPatch, sent: Callable[[bytes, str], None]) -> None:
    monkeypatch.setattr(Spying, "sent", sent, raising=False)
    monkeypatch.setattr("importer.pipeline.deliver.Client", Spying)


# 1. Lock, then plan


def test_1_a_second_run_plans_only_after_the_first_has_ended(world: World) -> None:
    world.write("INV-1", "INV-2")
    endings: list[Ending] = []
    waiting = threading.Event()

    with serving(world.folder / "outside.db", faulty(*UNPROTECTED)) as url:
        api, job = Api(url, "sandbox"), Job((world.file,))
        chosen = replace(settings.load(world.folder, {}), api_url=url)

        def second() -> None:
            waiting.set()
            ended = submit(job, chosen, api, confirm=lambda _: True, watcher=Silent(), wait=True)
            endings.append(ended)

        beside = threading.Thread(target=second)

        def ask(_: object) -> bool:
            """While the first run's question stands on the screen, a scheduler starts the same file again."""
            with pytest.raises(JournalError, match="Another importer is sending for this account"):
                submit(job, chosen, api, confirm=lambda _: True, watcher=Silent())
            beside.start()
            waiting.wait()
            return True

        first = submit(job, chosen, api, confirm=ask, watcher=Silent())
        beside.join()

    assert first.figures.counts["created"] == 2
    assert [ending.figures.counts["already-imported"] for ending in endings] == [2]
    assert len(world.cases()) == 2


def test_1_two_workspaces_that_share_a_journal_share_the_right_to_send(world: World) -> None:
    world.write("INV-1")
    (world.folder / "beside").mkdir()
    (world.folder / "beside" / "journal.db").symlink_to(world.folder / "journal.db")

    with serving(world.folder / "outside.db") as url:
        api, job = Api(url, "sandbox"), Job((world.file,))
        chosen = replace(settings.load(world.folder, {}), api_url=url)
        named = settings.load(world.folder / "other", {}, {"IMPORTER_JOURNAL": str(world.folder / "journal.db")})
        linked = settings.load(world.folder / "beside", {}, {})

        def ask(_: object) -> bool:
            for other in (named, linked):
                with pytest.raises(JournalError, match="Another importer is sending for this account"):
                    submit(job, other, api, confirm=lambda _: True, watcher=Silent())
            return True

        ending = submit(job, chosen, api, confirm=ask, watcher=Silent())

    assert ending.figures.counts["created"] == 1


# 2. Plan, then send


def test_2_what_leaves_is_in_the_journal_before_it_leaves(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.write("INV-1", "INV-2", "INV-3")
    seen: list[bytes] = []

    def sent(body: bytes, key: str) -> None:
        rows = world.journal("select status, body, key, attempted_at is not null from cases")
        assert len(rows) == 3
        assert all(journaled for status, journaled, *_ in rows if status != "created")  # whose body has gone
        assert ("sending", body, key, 1) in rows
        seen.append(body)

    spy(monkeypatch, sent)

    assert statuses(world.submit()) == {"created": 3}
    assert len(seen) == 3


# 3. The key


def test_3_every_attempt_sends_the_same_key_and_the_same_bytes(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[tuple[bytes, str]] = []
    spy(monkeypatch, lambda body, key: sent.append((body, key)))

    assert statuses(world.submit(faults=("drop-request:times=2",))) == {"created": 1}

    assert len(sent) == 3
    assert len(set(sent)) == 1


def test_3_a_refusal_that_was_cured_is_not_given_again_from_the_store(world: World) -> None:
    assert statuses(world.submit(faults=("refuse-422",))) == {"rejected": 1}

    assert statuses(world.submit()) == {"created": 1}
    assert [n for (n,) in world.journal("select n from cases order by pk")] == [0, 1]


def test_3_a_failure_that_is_stored_for_a_key_does_not_hold_the_row_for_ever(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys: list[str] = []
    spy(monkeypatch, lambda _, key: keys.append(key))
    monkeypatch.setenv("IMPORTER_SETTLE_AFTER", "0.1")

    first = world.submit(faults=("fail-500-stored:times=1",))
    assert statuses(first) == {"rejected": 1}
    assert len(keys) > 1
    assert len(set(keys)) == 1

    assert statuses(world.submit()) == {"created": 1}
    assert len(set(keys)) == 2
    assert len(world.cases()) == 1


def test_3_a_rotated_key_neither_forgets_nor_repeats(world: World) -> None:
    world.write("INV-1", "INV-2")
    first = world.submit(faults=("lose-answer:times=1", "lookups-fail", *UNPROTECTED))
    assert statuses(first) == {"created": 1, "unknown": 1}
    world.be("sandbox:rotated")

    assert statuses(world.run("resume", first["run"], faults=UNPROTECTED)) == {"created": 2}
    assert statuses(world.submit(faults=UNPROTECTED)) == {"already-imported": 2}
    assert len(world.cases()) == 2


# 4. An answer settles only its own attempt


class Scripted:
    """An API that answers as it is told, one answer after the other, the last one for ever."""

    posts: list[Reply]
    looks: list[Reply]

    def __init__(self, *_: object, **__: object) -> None:
        pass

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        pass

    async def post(self, *_: object) -> Reply:
        return self.posts.pop(0) if len(self.posts) > 1 else self.posts[0]

    async def get(self, path: str, *_: object) -> Reply:
        if path == "/me":
            return answer(200, {"id": "5c0ce7ef-0000-4000-8000-000000000001", "companyName": "Example ApS"})
        return self.looks.pop(0) if len(self.looks) > 1 else self.looks[0]


def answer(status: int, document: object) -> Answer:
    return Answer(status, {}, json.dumps(document).encode())


ABSENT = answer(404, {"error": "NotFound", "message": "Case not found.", "businessErrors": []})
REFUSED = answer(
    422, {"businessErrors": [{"type": "NoPartnerAvailable", "message": "No partner.", "solutionUrl": None}]}
)
MADE_LATE = {"id": "made-late", "reference": "ABCDEFGH", "creditorReference": "INV-1", "lifecycle": "Active"}
LATE = answer(
    200,
    {**MADE_LATE, "grossAmount": 100.5, "currency": "EUR", "isTestCase": False, "dateCreated": "2999-01-01T00:00:00"},
)


@pytest.mark.parametrize(
    ("looks", "expected"),
    [
        pytest.param([ABSENT, ABSENT, LATE], {"created": 1}, id="and the lost one was made"),
        pytest.param([ABSENT], {"rejected": 1}, id="and the lost one was not"),
    ],
)
def test_4_a_refusal_after_a_lost_answer_is_believed_only_with_a_look_up(
    world: World, monkeypatch: pytest.MonkeyPatch, looks: list[Reply], expected: dict[str, int]
) -> None:
    monkeypatch.setattr("importer.pipeline.deliver.Client", Scripted)
    monkeypatch.setattr(Scripted, "posts", [Lost("cut"), REFUSED], raising=False)
    monkeypatch.setattr(Scripted, "looks", list(looks), raising=False)

    said = world.submit()

    assert statuses(said) == expected
    assert said["exit"] == (0 if "created" in expected else 1)


# 5. Doubt is asked about, not resent


def test_5_a_404_is_not_believed_while_the_first_request_may_still_run(world: World) -> None:
    """The API takes longer than our patience with one request, and makes the case all the same."""
    world.patience = TIMEOUT
    hang = f"hang-before:times=1,seconds={TIMEOUT + SETTLE_AFTER / 2}"

    assert statuses(world.submit(faults=(hang, *UNPROTECTED))) == {"created": 1}
    assert len(world.cases()) == 1


@pytest.mark.parametrize(
    ("fault", "lookups"), [("lose-answer", "lookups-fail"), ("drop-request", "lookups-fail")], ids=["made", "not made"]
)
def test_5_a_row_that_is_edited_while_it_is_in_doubt_waits_for_what_was_sent(
    world: World, fault: str, lookups: str
) -> None:
    assert statuses(world.submit(faults=(fault, lookups, *UNPROTECTED))) == {"unknown": 1}
    world.write("INV-1", amount="999.00")

    said = world.submit(faults=UNPROTECTED)

    assert statuses(said) == {"already-imported": 1}
    assert [case["amount"] for case in world.cases()] == ["100.50"]
    assert world.journal("select message from cases where status = 'already-imported'") == [
        (messages.CHANGED_SINCE.say(fields="amountToRecover"),)
    ]


# 6. What was being sent when a process died is in doubt


def test_6_a_request_in_flight_when_the_process_is_killed_is_asked_about_first(world: World) -> None:
    with serving(world.folder / "outside.db", faulty("hang-after:seconds=30", *UNPROTECTED)) as url:
        command = [*PROGRAM, "submit", str(world.file), "--yes", "--workspace", str(world.folder)]
        with subprocess.Popen(command, env={**os.environ, "IMPORTER_API_URL": url}, stderr=subprocess.PIPE) as process:
            until = time.monotonic() + 30
            while not world.cases() and time.monotonic() < until:
                time.sleep(0.01)
            process.kill()
    ((run, status),) = world.journal("select run, status from cases")
    assert status == "sending"

    assert statuses(world.run("resume", run, faults=UNPROTECTED)) == {"created": 1}
    assert len(world.cases()) == 1


# 7. Whose case is it?


def test_7_a_test_case_that_holds_the_reference_is_not_ours(world: World) -> None:
    assert statuses(world.submit("--test")) == {"created": 1}

    said = world.submit()

    assert statuses(said) == {"duplicate": 1}
    ((message,),) = world.journal("select message from cases where mode = 'live'")
    assert "it is a test case" in message


def test_6_what_left_after_the_machine_slept_is_not_taken_for_long_past(monkeypatch: pytest.MonkeyPatch) -> None:
    """While a machine sleeps, `time.monotonic` stands still, and these clocks do not."""
    ticks = [1_000.0]
    monkeypatch.setattr(time, "clock_gettime", lambda _clock: ticks[0])
    clock = steady_clock()
    began = clock()

    ticks[0] += 3_600

    assert clock() - began == 3_600


@pytest.mark.parametrize("skew", [0, 3_600, -3_600], ids=["clocks agree", "theirs is ahead", "theirs is behind"])
def test_7_the_same_invoice_entered_by_hand_is_a_duplicate_whatever_the_clocks_say(world: World, skew: int) -> None:
    clock = f"clock-skew:seconds={skew}"
    world.enter_by_hand("INV-1", faults=(clock,))
    time.sleep(3.1)  # the API's times are whole seconds, and two of tolerance: no less tells before from after

    said = world.submit(faults=(clock,))

    assert statuses(said) == {"duplicate": 1}
    ((case_id, message),) = world.journal("select case_id, message from cases")
    assert case_id == world.cases()[0]["id"]
    assert "it was created before this row was sent" in message


def test_7_a_case_of_another_amount_is_not_ours_even_if_it_was_made_at_the_same_moment(world: World) -> None:
    world.enter_by_hand("INV-1", amount=7)

    assert statuses(world.submit()) == {"duplicate": 1}
    ((message,),) = world.journal("select message from cases")
    assert "its amount differs" in message


@pytest.mark.parametrize("skew", [3_600, -3_600], ids=["theirs is ahead", "theirs is behind"])
def test_7_a_case_whose_answer_was_lost_is_ours_though_the_clocks_disagree(world: World, skew: int) -> None:
    faults = (f"clock-skew:seconds={skew}", "lose-answer:times=1", *UNPROTECTED)

    assert statuses(world.submit(faults=faults)) == {"created": 1}
    assert len(world.cases()) == 1


# 8. References that do not survive a path


@pytest.mark.parametrize("reference", ["2026/11/7", "50%", "a\\b", "%2F"])
def test_8_a_reference_with_a_slash_is_looked_for_in_the_list(world: World, reference: str) -> None:
    world.write(reference)

    assert statuses(world.submit(faults=("lose-answer:times=1", *UNPROTECTED))) == {"created": 1}
    assert [case["creditorReference"] for case in world.cases()] == [reference]


def test_8_a_duplicate_whose_case_cannot_be_found_is_never_sent_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = answer(400, {"creditorReference": ["The reference is already in use"]})
    monkeypatch.setattr("importer.pipeline.deliver.Client", Scripted)
    monkeypatch.setattr(Scripted, "posts", [taken], raising=False)
    monkeypatch.setattr(Scripted, "looks", [ABSENT], raising=False)
    assert statuses(world.submit()) == {"duplicate": 1}

    monkeypatch.setattr(Scripted, "posts", [answer(200, MADE_LATE)], raising=False)
    assert statuses(world.submit()) == {"duplicate": 1}
    assert world.journal("select status, case_id, attempts from cases order by pk") == [
        ("duplicate", None, 1),
        ("duplicate", None, 0),
    ]


# 9. Where the reference protects nothing


def test_9_rows_without_a_reference_are_recognised_by_all_that_they_say(world: World) -> None:
    world.write("", "", "")

    said = world.submit("--allow-missing-reference", faults=("lose-answer:every=2", *UNPROTECTED))

    assert statuses(said) == {"created": 3}
    assert len(world.cases()) == 3
    assert statuses(world.submit("--allow-missing-reference", faults=UNPROTECTED)) == {"already-imported": 3}


def test_9_a_row_without_a_reference_is_not_sent_again_under_another_key(world: World) -> None:
    world.write("")
    first = world.submit("--allow-missing-reference", faults=("drop-request", "lookups-fail"))
    assert statuses(first) == {"unknown": 1}
    world.be("sandbox:rotated")

    assert statuses(world.run("resume", first["run"])) == {"unknown": 1}
    assert world.cases() == []
    world.be("sandbox")
    assert statuses(world.run("resume", first["run"])) == {"created": 1}


def test_9_a_row_that_waits_for_its_like_says_so(world: World) -> None:
    world.write("")
    header, row = world.file.read_text().splitlines()
    world.file.write_text(f"{header}\n{row}\n{row}\n")

    said = world.submit("--allow-missing-reference", faults=("drop-request", "lookups-fail"))

    assert statuses(said) == {"unknown": 1, "not-sent": 1}
    results = openpyxl.load_workbook(said["report"])["Results"]
    message = next(column[2].value for column in results.columns if column[0].value == "Message")
    assert message.startswith("A row that could be taken for this one is unknown")


# 10. The same reference with other content; a run and its own bytes


def test_10_the_same_reference_with_other_content_is_imported_already(world: World) -> None:
    world.submit()
    world.write("INV-1", amount="7.00")

    assert statuses(world.submit(faults=UNPROTECTED)) == {"already-imported": 1}
    ((message,),) = world.journal("select message from cases where status = 'already-imported'")
    assert message == messages.CHANGED_SINCE.say(fields="amountToRecover")
    assert len(world.cases()) == 1


def test_10_a_run_is_resumed_with_its_own_bytes_and_by_its_own_account(world: World) -> None:
    world.write("INV-1", "INV-2")
    first = world.submit("--limit", 1)
    world.write("INV-1", "INV-2", amount="7.00")

    world.be("sandbox-other")
    assert world.run("resume", first["run"])["exit"] == 3
    world.be("sandbox")
    assert statuses(world.run("resume", first["run"])) == {"created": 2}
    assert [case["amount"] for case in world.cases()] == ["100.50", "100.50"]


# 11. The journal can be lost


@pytest.fixture
def restored(world: World) -> World:
    """Yesterday's journal, in which one of four rows is made; the API has all four, and one by hand."""
    world.write("INV-1", "INV-2", "INV-3", "a/4")
    first = world.submit("--limit", 1)
    shutil.copy(world.folder / "journal.db", world.folder / "yesterday.db")
    assert statuses(world.run("resume", first["run"])) == {"created": 4}
    world.enter_by_hand("BY-HAND")
    for name in ("journal.db-wal", "journal.db-shm"):
        (world.folder / name).unlink(missing_ok=True)
    shutil.copy(world.folder / "yesterday.db", world.folder / "journal.db")
    return world


def test_11_a_journal_of_yesterday_is_mended_from_the_api(restored: World) -> None:
    said = restored.run("journal rebuild", faults=UNPROTECTED)

    assert (said["cases"], said["added"], said["exit"]) == (5, 4, 0)
    assert statuses(restored.submit(faults=UNPROTECTED)) == {"already-imported": 4}
    restored.write("BY-HAND")
    assert statuses(restored.submit(faults=UNPROTECTED)) == {"already-imported": 1}
    assert len(restored.cases()) == 5


def test_11_a_run_of_yesterday_is_resumed_without_making_anything_again(restored: World) -> None:
    ((run,),) = restored.journal("select distinct run from cases")
    restored.run("journal rebuild", faults=UNPROTECTED)

    assert statuses(restored.run("resume", run, faults=UNPROTECTED)) == {"created": 1, "already-imported": 3}
    assert len(restored.cases()) == 5


def test_11_a_rebuilding_adds_nothing_twice_and_survives_an_api_that_stumbles(restored: World) -> None:
    restored.run("journal rebuild", faults=("lookups-fail:times=1",))

    again = restored.run("journal rebuild")

    assert (again["cases"], again["added"]) == (5, 0)
    assert Counter(restored.journal("select reference from cases where status = 'created'")).most_common(1)[0][1] == 1


def test_11_a_lost_journal_is_made_anew_page_by_page_test_and_live_apart(world: World) -> None:
    world.write(*(f"T-{number}" for number in range(150)))
    world.submit("--test")
    world.write(*(f"L-{number}" for number in range(120)))
    world.submit()
    for path in world.folder.glob("journal.db*"):
        path.unlink()

    said = world.run("journal rebuild")

    assert (said["cases"], said["added"]) == (270, 270)
    assert dict(world.journal("select mode, count(*) from cases group by mode")) == {"test": 150, "live": 120}
    assert statuses(world.submit(faults=UNPROTECTED)) == {"already-imported": 120}


def test_11_a_case_without_a_reference_is_counted_since_no_row_is_recognised_by_it(world: World) -> None:
    world.write("")
    world.submit("--allow-missing-reference")
    (world.folder / "journal.db").unlink()

    assert world.run("journal rebuild")["without_reference"] == 1


def test_11_a_rebuilding_is_no_run_to_resume(restored: World) -> None:
    run = restored.run("journal rebuild")["run"]

    said = restored.run("resume", run)

    assert said == {
        "exit": 3,
        "error": f"Run {run} cannot be resumed: it is a rebuilding of the journal, and has no rows of its own.",
    }
