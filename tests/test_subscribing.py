"""`importer webhooks`: subscriptions at the API, against the sandbox and against servers that answer otherwise."""

from __future__ import annotations

import json
import signal
import sqlite3
import threading
import time
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from importer.sandbox import Settings, serving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Importer = Callable[..., Any]

URL = "https://hooks.example.com/debitura"
ID = "550e8400-e29b-41d4-a716-446655440000"
WEBHOOK = {"id": ID, "url": URL, "events": ["case.updated"], "isActive": True, "isTestMode": False}
SECRET = "YW4gaW52ZW50ZWQgc2VjcmV0IG9mIDMyIGJ5dGVzLi4="  # noqa: S105 - invented
ME = {"id": "3fa85f64-5717-4562-b3fc-2c963f66afa6", "companyName": "Invented"}
CUT = (0, None)
HANG = (-1, None)

Answers = list[tuple[int, Any]]


@contextmanager
def answering(answers: Answers) -> Iterator[tuple[str, list[str]]]:
    """Serve an API whose every request but `GET /me` gets the next of *answers*; CUT and HANG are none."""
    asked: list[str] = []

    class Api(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, document = (200, ME)
            if self.path != "/me":
                asked.append(f"{self.command} {self.path}")
                status, document = answers.pop(0)
            self.close_connection = True
            if status < 0:
                self.connection.recv(1)  # until the other side hangs up
            elif status:
                body = b"" if document is None else json.dumps(document).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        def do_POST(self) -> None:
            self.do_GET()

        def do_DELETE(self) -> None:
            self.do_GET()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Api) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", asked
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMPORTER_API_KEY", "sandbox")


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    with serving(tmp_path / "outside.db", Settings()) as served:
        yield served


def test_a_webhook_is_made_listed_tested_and_removed(importer: Importer, tmp_path: Path, url: str) -> None:
    added = importer("webhooks", "add", URL, "--event", "case.updated", "--test", "--api-url", url)
    name = added.out.strip()
    listed = importer("webhooks", "list", "--api-url", url, "--json")
    shown = importer("webhooks", "list", "--api-url", url)
    tested = importer("webhooks", "test", name, "--api-url", url)
    removed = importer("webhooks", "remove", name, "--api-url", url)

    webhook = {"id": name, "url": URL, "events": ["case.updated"], "is_active": True, "is_test": True}
    assert listed.said == {"webhooks": [webhook | {"disabled_reason": ""}], "exit": 0}
    assert name in shown.err
    assert (tested.code, tested.err) == (
        1,
        "The test event was not taken; it was not answered: The sandbox delivers to this machine alone.\n",
    )
    assert removed.code == 0
    assert list((tmp_path / "webhooks").iterdir()) == []
    assert importer("webhooks", "list", "--api-url", url).err.startswith("The account has no webhook")


def test_all_requests_are_counted_in_the_journal(importer: Importer, tmp_path: Path, url: str) -> None:
    importer("webhooks", "add", URL, "--api-url", url)
    importer("webhooks", "list", "--api-url", url)

    with closing(sqlite3.connect(tmp_path / "journal.db")) as journal:
        counted = journal.execute("select kind, result from requests order by pk").fetchall()
    assert counted == [("me", "200"), ("webhooks", "201"), ("me", "200"), ("webhooks", "200")]


@pytest.mark.parametrize(
    "arguments",
    [
        ("add", "http://hooks.example.com/"),
        ("add", "hooks.example.com"),
        ("add", "https://user@hooks.example.com/"),
        ("add", "https://"),
        ("add", "https://[::1/"),
        ("add", URL, "--event", "case.deleted"),
        ("remove", "../cases"),
        ("test", "a/b"),
    ],
)
def test_what_the_api_would_not_take_is_not_sent(importer: Importer, url: str, arguments: tuple[str, ...]) -> None:
    assert importer("webhooks", *arguments, "--api-url", url).code == 2


def test_what_the_api_refuses_is_said_in_its_words_and_leaves_nothing(
    importer: Importer, tmp_path: Path, url: str
) -> None:
    ran = importer("webhooks", "add", "https://10.0.0.7/hook", "--api-url", url, "--json")

    assert ran.code == 1
    assert "The API refused the webhook: The webhook URL must be publicly reachable" in ran.said["error"]
    assert list((tmp_path / "webhooks").iterdir()) == []


@pytest.mark.parametrize("verb", ["remove", "test"])
def test_a_webhook_that_is_not_there_is_told_as_such(importer: Importer, url: str, verb: str) -> None:
    ran = importer("webhooks", verb, ID, "--api-url", url, "--json")

    assert (ran.code, ran.said["exit"]) == (1, 1)
    assert ran.said["error"] == f"There is no webhook {ID}; `importer webhooks list` lists those there are."


def test_a_refused_key_ends_it(importer: Importer, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMPORTER_API_KEY", "wrong")

    assert importer("webhooks", "list", "--api-url", url).code == 4


@pytest.mark.parametrize("lost", [CUT, (500, None), (502, None), (201, None), (201, {"id": 3})])
def test_a_webhook_whose_answer_is_lost_is_not_asked_for_again(
    importer: Importer, tmp_path: Path, lost: tuple[int, Any]
) -> None:
    with answering([lost]) as (api, asked):
        ran = importer("webhooks", "add", URL, "--api-url", api)

    assert asked == ["POST /webhooks"]
    assert ran.code == 4
    assert "whether the webhook was made is not known" in ran.err
    assert "See `importer webhooks list`" in ran.err
    assert list((tmp_path / "webhooks").iterdir()) == []


def test_a_webhook_that_was_not_even_looked_at_is_asked_for_again(importer: Importer) -> None:
    throttled = (429, {"error": "rate_limit_exceeded", "message": "Wait.", "retryAfter": 0.1})
    with answering([throttled, (201, WEBHOOK | {"secret": SECRET})]) as (api, asked):
        ran = importer("webhooks", "add", URL, "--api-url", api)

    assert asked == ["POST /webhooks"] * 2
    assert (ran.code, ran.out) == (0, f"{ID}\n")


def test_a_webhook_without_a_secret_is_of_no_use(importer: Importer) -> None:
    with answering([(201, WEBHOOK)]) as (api, _):
        ran = importer("webhooks", "add", URL, "--api-url", api)

    assert ran.code == 4
    assert f"The webhook {ID} was made, but its secret not told" in ran.err


def test_what_may_be_asked_twice_is_asked_again(importer: Importer) -> None:
    with answering([CUT, (200, [WEBHOOK]), (503, None), (204, None)]) as (api, asked):
        listed = importer("webhooks", "list", "--api-url", api, "--json")
        removed = importer("webhooks", "remove", ID, "--api-url", api, "--json")

    assert (listed.code, removed.code) == (0, 0)
    assert asked == ["GET /webhooks"] * 2 + [f"DELETE /webhooks/{ID}"] * 2


@pytest.mark.parametrize(
    ("verb", "answer", "said"),
    [
        (
            ("list",),
            (200, {"no": "list"}),
            "The webhooks cannot be listed: its answer could not be read. Try again later.",
        ),
        (("remove", ID), (400, {"error": "e", "message": "No."}), f"The webhook {ID} cannot be removed: No."),
        (("test", ID), (200, {}), f"The webhook {ID} cannot be tested: its answer could not be read."),
        (("list",), (403, None), "The API key may not be used for this (403)"),
        (
            ("list",),
            (429, {"retryAfter": 90_000}),
            "The API allows no more requests today (429).",
        ),
    ],
)
def test_what_cannot_be_done_is_said_in_one_sentence(
    importer: Importer, verb: tuple[str, ...], answer: tuple[int, Any], said: str
) -> None:
    with answering([answer]) as (api, _):
        ran = importer("webhooks", *verb, "--api-url", api)

    assert ran.code == 4
    assert said in ran.err


def test_a_folder_that_takes_no_secret_is_noticed_before_one_exists(
    importer: Importer, tmp_path: Path, url: str
) -> None:
    (tmp_path / "webhooks").write_text("not a folder")
    ran = importer("webhooks", "add", URL, "--api-url", url)

    assert ran.code == 3
    assert "No webhook was made." in ran.err
    assert importer("webhooks", "list", "--api-url", url, "--json").said["webhooks"] == []


def test_a_partner_subscribes_at_the_partners_api(importer: Importer) -> None:
    added = importer("webhooks", "add", URL, "--target", "managed", "--sandbox", "--json")
    elsewhere = importer("webhooks", "list", "--sandbox", "--json")

    assert added.said["events"] == ["case.assigned", "case.updated", "case.closed", "payment.created", "chat.created"]
    assert elsewhere.said["webhooks"] == []


def test_an_interruption_says_that_the_webhook_may_have_been_made(launch: Callable[..., Any], tmp_path: Path) -> None:
    with answering([HANG]) as (api, asked):
        process = launch("webhooks", "add", URL, "--api-url", api)
        end = time.monotonic() + 20
        while not asked:
            assert time.monotonic() < end, process.err
            time.sleep(0.02)
        process.kill(signal.SIGTERM)
        code = process.wait()

    assert code == 130
    assert "Interrupted: whether the webhook was made is not known. See `importer webhooks list`" in process.err
    assert list((tmp_path / "webhooks").iterdir()) == []
