"""`listen` end to end: real sockets, real processes, the sandbox's deliveries, and those that nobody should send."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import signal
import socket
import sqlite3
import stat
import threading
import time
from contextlib import closing
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx
import pytest

from importer.errors import JournalError
from importer.journal import Journal, deliveries
from importer.listen import server
from importer.listen.secrets import Secrets
from importer.model import Event
from importer.sandbox import Settings, serving
from importer.settings import load

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Importer = Callable[..., Any]

HEADER = "Invoice number,Currency,Invoice date,Amount,Debtor type,Customer,Street,City,Country code"
SECRET = b"an invented secret of 32 bytes.."
GIVEN = {"IMPORTER_WEBHOOK_SECRET": base64.b64encode(SECRET).decode(), "IMPORTER_API_KEY": "sandbox"}
SLOW_BODY = (
    b"POST /webhooks HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
    b"X-Debitura-Signature: t=1,v1=a\r\nContent-Length: 100\r\n\r\n{"
)
UNHURRIED = {"IMPORTER_SETTLE_AFTER": "60"}
QUICK = Settings(webhook_speed=100)
numbers = count()


def until(condition: Callable[[], Any], patience: float = 20) -> Any:
    """Wait until *condition* holds, and return what it says."""
    end = time.monotonic() + patience
    while not (said := condition()):
        assert time.monotonic() < end, "it did not come to pass"
        time.sleep(0.02)
    return said


@dataclass
class Listening:
    """A listener in a process of its own."""

    process: Any

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.process.out.splitlines(keepends=True) if line.endswith("\n")]

    @property
    def events(self) -> list[dict[str, Any]]:
        return self.lines[1:]

    @property
    def url(self) -> str:
        return str(self.lines[0]["url"])

    def deliver(self, event: dict[str, Any], **headers: str) -> int:
        body = json.dumps(event).encode()
        return self.post(body, {"X-Debitura-Signature": sign(body), **headers})

    def post(self, body: Any, headers: dict[str, str], **given: Any) -> int:
        given.setdefault("method", "POST")
        answer = httpx.request(
            url=given.pop("url", self.url),
            content=body,
            headers={"Content-Type": "application/json", **headers},
            trust_env=False,
            timeout=30,
            **given,
        )
        assert answer.content == b""
        return answer.status_code

    def stop(self) -> int:
        self.process.kill(signal.SIGTERM)
        code: int = self.process.wait()
        return code


@pytest.fixture
def listening(launch: Callable[..., Any]) -> Callable[..., Listening]:
    def start(*arguments: object, **environment: str) -> Listening:
        given = GIVEN | environment
        process = launch("listen", "--port", 0, "--json", *arguments, environment=given)
        until(lambda: process.catches_signals or not process.runs)
        until(lambda: process.out.endswith("\n") or not process.runs)
        return Listening(process)

    return start


def sign(body: bytes, *, at: float | None = None, secret: bytes = SECRET) -> str:
    stamp = str(int(time.time() if at is None else at))
    return f"t={stamp},v1={hmac.new(secret, f'{stamp}.'.encode() + body, hashlib.sha256).hexdigest()}"


def an_event(case_id: str = "", name: str = "case.updated", **data: object) -> dict[str, Any]:
    return {
        "id": f"event-{next(numbers)}",
        "event": name,
        "timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "data": {"caseId": case_id, "reference": "Q8OAXF3W", **data},
    }


def source(folder: Path, rows: int = 1, *, series: str = "INV") -> Path:
    path = folder / f"{series}.csv"
    lines = (f"{series}-{n},EUR,2026-01-15,{n + 1}.50,Company,Example {n},1 St,Town,DE" for n in range(rows))
    path.write_text("\n".join([HEADER, *lines]) + "\n")
    return path


def ask(url: str, path: str, document: object = None, method: str = "POST") -> Any:
    answer = httpx.request(method, url + path, json=document, headers={"XApiKey": "sandbox"}, trust_env=False)
    assert answer.is_success, answer.text
    return answer.json() if answer.content else None


def found(importer: Importer, value: str = "INV-0") -> dict[str, Any]:
    (case,) = importer("find", value, "--json").said["cases"]
    return dict(case)


def told(case: dict[str, Any]) -> list[tuple[str, str | None]]:
    return [(change["told_by"], change.get("lifecycle")) for change in case["history"]]


# The whole path


def test_from_the_subscription_to_the_history_of_a_case(
    importer: Importer,
    tmp_path: Path,
    listening: Any,
    place: str | Path,  # noqa: ARG001 - of the journal, in each of the databases
    query: Callable[[str], list[tuple[Any, ...]]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("IMPORTER_API_KEY", "sandbox")
    listener = listening()
    with serving(tmp_path / "outside.db", QUICK) as url:
        added = importer("webhooks", "add", listener.url, "--api-url", url, "--json")
        assert importer("submit", source(tmp_path, 2), "--yes", "--api-url", url, "--quiet").code == 0
        until(lambda: len(listener.events) == 2)
        case = found(importer)
        ask(url, f"/sandbox/cases/{case['case_id']}", {"lifecycle": "Paused", "payment": 0.5})
        ask(url, f"/sandbox/cases/{case['case_id']}", {"lifecycle": "Closed", "closeCode": "Paid"})
        until(lambda: len(listener.events) == 6)

    assert added.code == 0
    assert listener.stop() == 0
    case = found(importer)
    assert case["lifecycle"] == "Closed"
    assert told(case) == [
        ("case.created", "Active"),
        ("payment.created", None),
        ("case.updated", "Paused"),
        ("case.updated", "Closed"),
        ("case.closed", "Closed"),
    ]
    assert case["history"][-1]["close_code"] == "Paid"
    assert importer("show", case["run"], "--json").said["stands"] == {"Active": 1, "Closed": 1}
    assert {event["creditor_reference"] for event in listener.events} == {"INV-0", "INV-1"}
    assert query("select count(*) from deliveries where processed_at is null or payload is not null") == [(0,)]
    assert query("select count(*) from standings where account is null") == [(0,)]


def test_events_of_test_cases_come_to_test_subscriptions_alone(
    importer: Importer, tmp_path: Path, listening: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IMPORTER_API_KEY", "sandbox")
    listener = listening()
    with serving(tmp_path / "outside.db", QUICK) as url:
        assert importer("webhooks", "add", listener.url, "--api-url", url, "--test").code == 0
        assert importer("submit", source(tmp_path), "--yes", "--api-url", url, "--quiet").code == 0
        assert importer("submit", source(tmp_path, series="TRY"), "--yes", "--api-url", url, "--test").code == 0
        until(lambda: listener.events)
        case = found(importer, "TRY-0")
        ask(url, f"/test/cases/{case['case_id']}/advance", {"to": "Active"})
        until(lambda: len(listener.events) == 2)
        fired = ask(url, "/test/webhooks/fire", {"event": "case.closed", "caseId": case["case_id"]})
        until(lambda: len(listener.events) == 3)

    assert fired["enqueuedCount"] == 1
    assert [event["event"] for event in listener.events] == ["case.created", "case.updated", "case.closed"]


def test_an_event_that_overtakes_the_answer_to_its_post_waits_for_it(
    importer: Importer, tmp_path: Path, listening: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IMPORTER_API_KEY", "sandbox")
    listener = listening(**UNHURRIED)
    with serving(tmp_path / "outside.db", Settings(latency=1.5)) as url:
        assert importer("webhooks", "add", listener.url, "--api-url", url).code == 0
        assert importer("submit", source(tmp_path), "--yes", "--api-url", url, "--quiet").code == 0
    until(lambda: listener.events)

    assert listener.events[0]["known"]
    assert told(found(importer)) == [("case.created", "Active")]


def test_what_nobody_took_is_delivered_again_when_the_listener_is_back(
    importer: Importer, tmp_path: Path, listening: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IMPORTER_API_KEY", "sandbox")
    listener = listening()
    port = urlsplit(listener.url).port
    with serving(tmp_path / "outside.db", Settings(webhook_speed=10)) as url:
        assert importer("webhooks", "add", listener.url, "--api-url", url).code == 0
        assert listener.stop() == 0
        assert importer("submit", source(tmp_path), "--yes", "--api-url", url, "--quiet").code == 0
        case_id = found(importer)["case_id"]
        path = f"/webhooks/events?caseId={case_id}"
        until(lambda: ask(url, path, method="GET")[0]["attemptCount"])
        listener = listening("--port", port)
        (event,) = until(lambda: listener.events)
        kept = until(lambda: [row for row in ask(url, path, method="GET") if row["deliveredAt"]])

    assert event["case_id"] == case_id
    assert kept[0]["attemptCount"] > 1
    assert told(found(importer)) == [("case.created", "Active")]


# What is refused


@pytest.fixture(scope="module")
def never() -> dict[str, Any]:
    return an_event("never-kept")


def kept_nothing(query_journal: Path) -> bool:
    with sqlite3.connect(query_journal) as journal:
        (number,) = journal.execute("select count(*) from deliveries").fetchone()
    journal.close()
    return bool(number == 0)


def test_what_is_not_genuine_is_answered_without_a_word_and_nothing_of_it_is_kept(
    tmp_path: Path, listening: Any, never: dict[str, Any]
) -> None:
    listener = listening()
    body, now = json.dumps(never).encode(), time.time()
    refused = {
        "unsigned": listener.post(body, {}),
        "empty": listener.post(body, {"X-Debitura-Signature": ""}),
        "another's": listener.post(body, {"X-Debitura-Signature": sign(body, secret=b"x" * 32)}),
        "changed": listener.post(body + b" ", {"X-Debitura-Signature": sign(body)}),
        "old": listener.post(body, {"X-Debitura-Signature": sign(body, at=now - 310)}),
        "future": listener.post(body, {"X-Debitura-Signature": sign(body, at=now + 310)}),
    }

    assert set(refused.values()) == {401}
    assert kept_nothing(tmp_path / "journal.db")
    assert "A delivery was not taken: it is not signed." in listener.process.err
    assert "never-kept" not in listener.process.err + listener.process.out


@pytest.mark.parametrize(
    ("status", "given"),
    [
        (404, {"url": "/"}),
        (404, {"url": "/webhooks/"}),
        (404, {"url": "/webhooks/../journal.db"}),
        (405, {"method": "GET"}),
        (405, {"method": "PUT"}),
        (415, {"headers": {"Content-Type": "text/plain"}}),
        (400, {"body": b"{"}),
        (400, {"body": b"[" * 100_000}),
        (413, {"body": b"x" * (server.LARGEST + 1)}),
    ],
)
def test_what_is_no_delivery_is_refused(
    tmp_path: Path, listening: Any, never: dict[str, Any], status: int, given: dict[str, Any]
) -> None:
    listener = listening()
    body = given.pop("body", json.dumps(never).encode())
    headers = {"X-Debitura-Signature": sign(body), **given.pop("headers", {})}
    if "url" in given:
        given["url"] = listener.url.removesuffix("/webhooks") + given["url"]

    assert listener.post(body, headers, **given) == status
    assert kept_nothing(tmp_path / "journal.db")


def test_a_body_that_hides_its_length_is_bounded_all_the_same(tmp_path: Path, listening: Any) -> None:
    listener = listening()

    def endless() -> Any:
        for _ in range(20):
            yield b"x" * 64 * 1024

    try:
        status = listener.post(endless(), {"X-Debitura-Signature": "t=1,v1=a"})
    except httpx.TransportError:  # it hung up while we were still writing
        status = 413

    assert status == 413
    assert kept_nothing(tmp_path / "journal.db")


@pytest.mark.parametrize(
    ("said", "first"), [(b"POST /webhooks HTTP/1.1\r\nHost: a\r\n", b""), (SLOW_BODY, b"HTTP/1.1 408")]
)
def test_who_is_slow_is_not_waited_for_and_holds_nobody_up(
    monkeypatch: pytest.MonkeyPatch, said: bytes, first: bytes
) -> None:
    monkeypatch.setattr(server, "PATIENCE", 0.3)
    monkeypatch.setattr(server, "LIFE", 1.0)
    kept: list[str] = []
    receiver = server.Receiver(
        "/webhooks", lambda: (SECRET,), lambda event, _at, _replayed: kept.append(event.id), lambda _reason: None
    )
    with server.serving(receiver, "127.0.0.1", 0) as url:
        parts = urlsplit(url)
        with socket.create_connection((str(parts.hostname), parts.port or 0)) as slow:
            slow.sendall(said)
            body = json.dumps(an_event()).encode()
            headers = {"Content-Type": "application/json", "X-Debitura-Signature": sign(body)}
            quick = httpx.post(f"{url}/webhooks", content=body, headers=headers, trust_env=False)
            slow.settimeout(10)
            try:
                answer = slow.recv(1000)
            except ConnectionError:
                answer = b""

    assert quick.status_code == 200
    assert len(kept) == 1
    assert answer.startswith(first)
    assert bool(answer) == bool(first)


def test_a_journal_that_cannot_be_written_has_the_api_deliver_again() -> None:
    said: list[str] = []

    def fail(*_: object) -> None:
        raise JournalError("The disk is full.")

    with server.serving(server.Receiver("/", lambda: (SECRET,), fail, said.append), "127.0.0.1", 0) as url:
        body = json.dumps(an_event()).encode()
        headers = {"Content-Type": "application/json", "X-Debitura-Signature": sign(body)}
        assert httpx.post(url, content=body, headers=headers, trust_env=False).status_code == 503

    assert said == ["it cannot be kept, and will be delivered again: The disk is full."]


# What is taken


def test_an_event_that_comes_again_is_taken_and_processed_once(
    listening: Any,
    place: str | Path,  # noqa: ARG001 - of the journal, in each of the databases
    query: Callable[[str], list[tuple[Any, ...]]],
) -> None:
    listener = listening()
    event = an_event("c", newLifecycle="Paused")

    assert [listener.deliver(event), listener.deliver(event), listener.deliver(event, **{"X-Debitura-Replay": "true"})]
    until(lambda: listener.events)
    assert listener.deliver(event) == 200
    assert listener.stop() == 0
    assert [line["id"] for line in listener.events] == [event["id"]]
    assert query("select count(*) from standings") == [(1,)]
    assert "came again, and is known already" in listener.process.err
    assert "was replayed, and is known already" in listener.process.err


def test_an_event_of_an_unknown_case_is_kept_and_said(listening: Any, tmp_path: Path) -> None:
    listener = listening()

    assert listener.deliver(an_event("elsewhere", newLifecycle="Active")) == 200
    (event,) = until(lambda: listener.events)
    assert (event["known"], event["lifecycle"]) == (False, "Active")
    assert "a case that the journal does not know" in listener.process.err
    assert not kept_nothing(tmp_path / "journal.db")


def test_an_event_that_this_version_does_not_know_is_taken(listening: Any) -> None:
    listener = listening()

    assert listener.deliver({"id": "new", "event": "agreement.signed", "timestamp": "soon", "data": {}}) == 200
    (event,) = until(lambda: listener.events)
    assert (event["event"], event["case_id"]) == ("agreement.signed", "")


def test_what_somebody_wrote_is_kept_nowhere(listening: Any, tmp_path: Path) -> None:
    listener = listening(**UNHURRIED)

    assert listener.deliver(an_event("c", "chat.created", message="Jane moved away")) == 200
    listener.process.kill()
    listener.process.wait()
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert files
    assert not [path for path in files if b"Jane" in path.read_bytes()]
    assert "Jane" not in listener.process.out + listener.process.err


def test_events_that_arrive_in_another_order_are_told_in_their_own(
    importer: Importer, tmp_path: Path, listening: Any
) -> None:
    assert importer("submit", source(tmp_path), "--yes", "--sandbox", "--quiet").code == 0
    case_id = found(importer)["case_id"]
    listener = listening()
    late = an_event(case_id, newLifecycle="Paused") | {"timestamp": "2026-11-01T10:00:00Z"}
    latest = an_event(case_id, newLifecycle="Active") | {"timestamp": "2026-11-02T10:00:00Z"}
    for event in (latest, late):
        assert listener.deliver(event) == 200
        until(lambda event=event: event["id"] in listener.process.out)

    case = found(importer)
    assert case["lifecycle"] == "Active"
    assert told(case) == [("case.updated", "Paused"), ("case.updated", "Active")]


def test_the_same_news_from_two_subscriptions_is_one_line_of_the_history(
    importer: Importer, tmp_path: Path, listening: Any
) -> None:
    assert importer("submit", source(tmp_path), "--yes", "--sandbox", "--quiet").code == 0
    case_id = found(importer)["case_id"]
    listener = listening()
    for _ in range(2):
        assert listener.deliver(an_event(case_id, newLifecycle="Paused")) == 200
    until(lambda: len(listener.events) == 2)

    assert told(found(importer)) == [("case.updated", "Paused")]


# Ends and beginnings


def test_what_was_answered_before_a_kill_is_processed_at_the_next_start(
    listening: Any,
    place: str | Path,  # noqa: ARG001 - of the journal, in each of the databases
    query: Callable[[str], list[tuple[Any, ...]]],
) -> None:
    listener = listening(**UNHURRIED)
    assert listener.deliver(an_event("c", newLifecycle="Paused")) == 200
    listener.process.kill(signal.SIGKILL)
    assert listener.process.wait() == -signal.SIGKILL
    assert query("select count(*) from deliveries where processed_at is null") == [(1,)]
    assert query("select count(*) from standings") == [(0,)]

    again = listening()
    until(lambda: again.events)
    assert query("select count(*) from deliveries where processed_at is null") == [(0,)]
    assert query("select lifecycle from standings") == [("Paused",)]
    assert "Processing 1 that were left." in again.process.err


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_cleanly(listening: Any, number: int) -> None:
    listener = listening()
    listener.process.kill(number)

    assert listener.process.wait(20) == 0
    assert "Traceback" not in listener.process.err


def test_it_says_in_one_sentence_why_it_cannot_start(importer: Importer, monkeypatch: pytest.MonkeyPatch) -> None:
    none = importer("listen", "--port", 0)
    monkeypatch.setenv("IMPORTER_WEBHOOK_SECRET", "hunter2-hunter2")
    malformed = importer("listen", "--port", 0, "--json")
    monkeypatch.setenv("IMPORTER_WEBHOOK_SECRET", GIVEN["IMPORTER_WEBHOOK_SECRET"])
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = importer("listen", "--port", taken.getsockname()[1])
    host = importer("listen", "--port", 0, "--host", "203.0.113.7")

    assert (none.code, malformed.code, port.code, host.code) == (3, 3, 3, 3)
    assert "There is no webhook secret." in none.err
    assert "IMPORTER_WEBHOOK_SECRET holds something that is no webhook secret" in malformed.said["error"]
    assert "hunter2" not in malformed.out + malformed.err
    assert "Nothing can listen on 127.0.0.1" in port.err
    assert "203.0.113.7" in host.err
    assert importer("listen", "--path", "hooks").code == 2


def test_a_listener_of_a_journal_that_was_moved_ends(
    importer: Importer, listening: Any, postgresql: Any, tmp_path: Path
) -> None:
    listener = listening()
    assert listener.deliver(an_event("c", newLifecycle="Paused")) == 200
    until(lambda: listener.events)
    moved = importer("journal", "move", postgresql.database(), "--json")

    assert moved.code == 0
    assert moved.said["rows"]["deliveries"] == 1
    assert listener.process.wait(20) == 3
    assert "was moved to" in listener.process.err
    assert (tmp_path / "journal.db").exists()


# Secrets


def test_secrets_come_from_a_file_and_several_at_once(
    tmp_path: Path, listening: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    secrets = [bytes([n]) * 32 for n in range(2)]
    file = tmp_path / "secrets"
    file.write_text("\n".join(base64.b64encode(secret).decode() for secret in secrets))
    monkeypatch.setenv("IMPORTER_WEBHOOK_SECRET_FILE", str(file))
    listener = listening(IMPORTER_WEBHOOK_SECRET="")
    body = json.dumps(an_event()).encode()

    for secret in secrets:
        assert listener.post(body, {"X-Debitura-Signature": sign(body, secret=secret)}) == 200
    assert listener.deliver(an_event()) == 401


def test_secrets_that_come_and_go_while_it_listens_are_noticed(tmp_path: Path) -> None:
    secrets, known = Secrets(load(tmp_path, {}, {}), {}), [bytes([n]) * 32 for n in range(2)]
    (tmp_path / "webhooks").mkdir()
    seen = [secrets.now()]
    for number, secret in enumerate(known):
        (tmp_path / "webhooks" / f"{number}.secret").write_bytes(base64.b64encode(secret))
        seen.append(secrets.now())
    (tmp_path / "webhooks" / "0.secret").unlink()
    seen.append(secrets.now())

    assert seen == [(), (known[0],), tuple(known), (known[1],)]


def test_the_secret_of_a_new_webhook_is_kept_for_its_owner_alone_and_never_shown(
    importer: Importer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IMPORTER_API_KEY", "sandbox")
    with serving(tmp_path / "outside.db") as url:
        ran = importer("webhooks", "add", "http://127.0.0.1:9/webhooks", "--api-url", url, "--json")
        listed = importer("webhooks", "list", "--api-url", url, "--json")
        doctor = importer("doctor", "--api-url", url)

    file = tmp_path / "webhooks" / f"{ran.said['id']}.secret"
    secret = file.read_text().strip()
    assert tmp_path / ran.said["secret_file"] == file
    if os.name != "nt":
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    said = "".join(one.out + one.err for one in (ran, listed, doctor))
    assert len(base64.b64decode(secret)) == 32
    assert secret not in said
    journal = b"".join(path.read_bytes() for path in tmp_path.glob("journal.db*"))
    assert secret.encode() not in journal
    assert "secrets that deliveries may be signed with: 1" in doctor.err


def test_doctor_says_that_no_webhook_secret_is_set_or_what_is_wrong_with_it(
    importer: Importer, monkeypatch: pytest.MonkeyPatch
) -> None:
    none = importer("doctor", "--sandbox")
    monkeypatch.setenv("IMPORTER_WEBHOOK_SECRET", "hunter2-hunter2")
    malformed = importer("doctor", "--sandbox")

    assert none.code == 0
    assert "ok  webhooks: no secret is set; only `importer listen` needs one" in none.err
    assert malformed.code == 3
    assert "NO  webhooks: IMPORTER_WEBHOOK_SECRET holds something that is no webhook secret" in malformed.err


def test_purging_takes_what_is_old_of_the_history_along(importer: Importer, tmp_path: Path, listening: Any) -> None:
    assert importer("submit", source(tmp_path), "--yes", "--sandbox", "--quiet").code == 0
    listener = listening()
    case_id = found(importer)["case_id"]
    for case in (case_id, "elsewhere"):
        assert listener.deliver(an_event(case, newLifecycle="Paused") | {"timestamp": "2026-01-02T10:00:00Z"}) == 200
    until(lambda: len(listener.events) == 2)
    assert listener.stop() == 0
    assert len(found(importer)["history"]) == 1
    with sqlite3.connect(tmp_path / "journal.db") as journal:
        journal.execute("update runs set finished = 1, started = 1")
        journal.execute("update deliveries set processed_at = 1")
    journal.close()

    assert importer("purge", "--older-than", "1d", "--yes").code == 0
    assert found(importer)["history"] == []
    assert found(importer)["lifecycle"] == "Paused"
    with sqlite3.connect(tmp_path / "journal.db") as journal:
        counts = [journal.execute(f"select count(*) from {name}").fetchone() for name in ("deliveries", "standings")]
    journal.close()
    assert counts == [(0,), (0,)]


def test_a_listener_outlives_a_restart_of_the_journals_server(
    listening: Any, postgresql: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = postgresql.database()
    monkeypatch.setenv("IMPORTER_JOURNAL", url)
    listener = listening()
    assert listener.deliver(an_event()) == 200
    postgresql.stop()
    try:
        away = listener.deliver(an_event())
    finally:
        postgresql.start()
    event = an_event("c", newLifecycle="Paused")
    until(lambda: listener.deliver(event) == 200)

    assert away == 503
    until(lambda: event["id"] in listener.process.out)
    assert postgresql.execute("select lifecycle from standings", url) == [("Paused",)]


def test_of_two_listeners_on_one_journal_one_processes_an_event(postgresql: Any, tmp_path: Path) -> None:
    url, now = postgresql.database(), time.time()
    with closing(Journal.open(url, tmp_path)) as one, closing(Journal.open(url, tmp_path)) as other:
        with one.begin() as connection:
            deliveries.keep(connection, Event("e", "case.updated", "c", lifecycle="Paused"), now)
        processed: list[Any] = []

        def process() -> None:
            with other.begin() as connection:
                processed.extend(deliveries.process(connection, now, unknown_before=now + 1))

        thread = threading.Thread(target=process)
        with one.begin() as connection:
            processed.extend(deliveries.process(connection, now, unknown_before=now + 1))
            thread.start()
            waits = "select 1 from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"
            until(lambda: postgresql.execute(waits, url))
        thread.join()

    assert [one.event.id for one in processed] == ["e"]
    assert postgresql.execute("select count(*) from standings", url) == [(1,)]


def test_a_webhook_secret_that_others_can_read_is_warned_of(
    tmp_path: Path, listening: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "secret"
    file.write_text(GIVEN["IMPORTER_WEBHOOK_SECRET"])
    file.chmod(0o644)
    monkeypatch.setenv("IMPORTER_WEBHOOK_SECRET_FILE", str(file))

    assert f"Others can read the webhook secret in {file}" in listening(IMPORTER_WEBHOOK_SECRET="").process.err
