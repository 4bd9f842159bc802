"""Notices over real sockets: what arrives, what is said where nothing does, and that no address is ever quoted."""

from __future__ import annotations

import json
import logging
import shutil
import socket
import ssl
import subprocess
import threading
import time
from contextlib import closing, contextmanager
from email import message_from_bytes, policy
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from importer import notify
from importer.errors import SettingsError
from importer.notice import Notice

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SECRET = "Zx93kQ7secret"  # noqa: S105 - it opens nothing
OPENSSL = shutil.which("openssl")
NOTICE = Notice("Import of june.csv: 31 created, 9 to mend", "31 cases created.\n\nRows:\n  created  31\n", 1)

needs_openssl = pytest.mark.skipif(OPENSSL is None, reason="openssl makes the certificates")


class Post:
    """A mail server's own part: keeps what it takes, and refuses whom the test names."""

    def __init__(self, refused: str = "") -> None:
        self.taken: list[Any] = []
        self._refused = refused

    async def handle_RCPT(self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any) -> str:  # noqa: N802 - aiosmtpd's name
        if address == self._refused:
            return "550 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        self.taken.append(message_from_bytes(envelope.content, policy=policy.default))
        return "250 OK"


@contextmanager
def mail_server(post: Post, **options: Any) -> Iterator[int]:
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        port = free.getsockname()[1]
    controller = Controller(post, hostname="127.0.0.1", port=port, **options)
    controller.start()
    try:
        yield port
    finally:
        controller.stop()


@contextmanager
def web_server(status: int = 200, *, certificate: Path | None = None) -> Iterator[tuple[int, list[Any]]]:
    taken: list[Any] = []

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            taken.append((self.path, json.loads(body)))
            self.send_response(status)
            self.send_header("Location", "/elsewhere")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Hook)
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield server.server_port, taken
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    both = tmp_path_factory.mktemp("tls") / "both.pem"
    made, key = both.with_name("made.pem"), both.with_name("key.pem")
    request = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    request += ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", str(key)]
    subprocess.run([str(OPENSSL), *request, "-out", str(made)], check=True, capture_output=True)
    both.write_bytes(made.read_bytes() + key.read_bytes())
    return both


def send(*addresses: str, notice: Notice = NOTICE, patience: float = 5) -> list[str]:
    return notify.send(notify.open_services(addresses), notice, patience)


def test_a_notice_arrives_by_mail() -> None:
    post = Post()
    with mail_server(post) as port:
        said = send(f"mailto://127.0.0.1:{port}?from=importer@example.com&to=manager@example.com")

    (mail,) = post.taken
    assert said == []
    assert (mail["Subject"], mail["To"]) == (NOTICE.subject, "manager@example.com")
    assert mail["From"] == "importer@example.com"
    assert mail.get_content_type() == "text/plain"
    assert mail.get_content().replace("\r\n", "\n").rstrip() == NOTICE.text.rstrip()
    assert not list(mail.iter_attachments())


def test_a_notice_arrives_at_a_webhook_with_the_parameters_of_its_address() -> None:
    with web_server() as (port, taken):
        said = send(f"http://127.0.0.1:{port}/hooks/{SECRET}?token=a%20b&to=desk")

    ((path, document),) = taken
    assert said == []
    assert path == f"/hooks/{SECRET}?token=a+b&to=desk"
    assert (document["title"], document["message"], document["type"]) == (
        NOTICE.subject,
        NOTICE.text.rstrip(),
        "warning",
    )


def test_all_addresses_get_the_notice_and_each_that_does_not_is_told() -> None:
    with web_server() as (port, taken), web_server(503) as (down, _):
        said = send(f"json://127.0.0.1:{port}/one", f"json://127.0.0.1:{down}", f"json://127.0.0.1:{port}/two")

    assert sorted(path for path, _ in taken) == ["/one", "/two"]
    assert said == ["The notice by JSON was not sent: its server refuses it with 503."]


@needs_openssl
@pytest.mark.parametrize("mode", ["ssl", "starttls"])
def test_a_mail_goes_out_over_tls_with_its_password(
    certificate: Path, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    seen = []

    def admit(_server: Any, _session: Any, _envelope: Any, _mechanism: str, given: Any) -> AuthResult:
        seen.append((given.login, given.password))
        return AuthResult(success=True)

    options = {"ssl_context": context} if mode == "ssl" else {"tls_context": context, "require_starttls": True}
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    post = Post()
    with mail_server(post, **options, authenticator=admit, auth_require_tls=mode != "ssl") as port:
        said = send(f"mailtos://desk:{SECRET}@localhost:{port}?mode={mode}&from=a@example.com&to=b@example.com")

    assert (said, seen, len(post.taken)) == ([], [(b"desk", SECRET.encode())], 1)


@needs_openssl
def test_a_server_with_a_certificate_of_nobody_gets_nothing(certificate: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    post = Post()
    with mail_server(post, tls_context=context) as port, web_server(certificate=certificate) as (web, taken):
        said = send(
            f"mailtos://desk:{SECRET}@localhost:{port}?mode=starttls&from=a@example.com&to=b@example.com",
            f"https://localhost:{web}/{SECRET}",
        )

    assert said == [
        f"The notice by {name} was not sent: the certificate of its server cannot be verified."
        for name in ("E-Mail", "JSON")
    ]
    assert (post.taken, taken) == ([], [])


def refusing_mail(port: int) -> str:
    return f"mailto://127.0.0.1:{port}?from=a@example.com&to=nobody@example.com"


def test_a_mailbox_that_is_refused_is_told() -> None:
    with mail_server(Post(refused="nobody@example.com")) as port:
        assert send(refusing_mail(port)) == ["The notice by E-Mail was not sent: its server refuses it with 550."]


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (401, "it does not accept the name, password or token in its address"),
        (404, "its server refuses it with 404"),
        (302, "its server refuses it with 302"),
    ],
)
def test_a_webhook_that_refuses_is_told(status: int, reason: str) -> None:
    with web_server(status) as (port, taken):
        assert send(f"json://127.0.0.1:{port}/{SECRET}") == [f"The notice by JSON was not sent: {reason}."]
    assert [path for path, _ in taken] == [f"/{SECRET}"]


@pytest.mark.parametrize(
    "address", ["json://127.0.0.1:{}/Zx93kQ7secret", "mailto://127.0.0.1:{}?from=b@example.com&to=a@example.com"]
)
def test_a_port_where_nothing_listens_is_told(address: str) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        port = free.getsockname()[1]

    (said,) = send(address.format(port))

    assert said.endswith(" was not sent: nothing answers at its address.")


@pytest.mark.parametrize(
    "address", ["json://127.0.0.1:{}/Zx93kQ7secret", "mailto://127.0.0.1:{}?from=b@example.com&to=a@example.com"]
)
def test_a_server_that_hangs_is_waited_for_no_longer_than_patience_lasts(address: str) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as silent:
        began = time.monotonic()
        (said,) = send(address.format(silent.getsockname()[1]), patience=0.3)

    assert said.endswith(" was not sent: its server did not confirm it within 0.3 s.")
    assert time.monotonic() - began < 2


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        (f"nonsense-{SECRET}", "of no service that is known"),
        (f"unknown://{SECRET}", "of no service that is known"),
        (f"https://[{SECRET}", "of no service that is known"),
        (f"jsons://{SECRET}.example.com/?verify=no", "says verify=no"),
        (f"json://{SECRET}.example.com/", "would be used unencrypted; begin it with jsons://."),
        (f"http://{SECRET}.example.com/", "would be used unencrypted; begin it with jsons://."),
        (f"mailto://a:{SECRET}@mail.example.com?to=b@example.com", "unencrypted; begin it with mailtos://"),
        (f"mailtos://a:{SECRET}@mail.example.com?to=b@example.com&mode=insecure", "leave mode=insecure out"),
    ],
)
def test_an_address_that_cannot_be_used_is_told_without_being_quoted(
    address: str, sentence: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SettingsError, match=r".") as refused:
        notify.open_services([address, address])

    assert sentence in str(refused.value)
    assert "number 1 of 2" in str(refused.value)
    assert SECRET not in str(refused.value) + "".join(capfd.readouterr())


@pytest.mark.parametrize(
    "address", ["mailto://mail.example.com?from=a@example.com&to=b@example.com", "mailto://a:b@gmail.com"]
)
def test_a_mail_relay_without_a_password_may_be_unencrypted_and_known_services_never_are(address: str) -> None:
    (service,) = notify.open_services([address])

    assert service.name == "E-Mail"
    assert service.plugin.secure == ("gmail" in address)


def test_what_the_library_logs_reaches_no_handler_of_others(capfd: pytest.CaptureFixture[str]) -> None:
    class Others(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            seen.append(record.getMessage())

    seen: list[str] = []
    root, others = logging.getLogger(), Others(logging.DEBUG)
    root.addHandler(others)
    try:
        with closing(socket.create_server(("127.0.0.1", 0))) as free:
            port = free.getsockname()[1]
        send(f"json://desk:{SECRET}@127.0.0.1:{port}/{SECRET}", refusing_mail(port))
        with pytest.raises(SettingsError):
            notify.open_services([f"mailto://{SECRET}"])
    finally:
        root.removeHandler(others)

    assert [line for line in seen if "127.0.0.1" in line or SECRET in line] == []
    assert "".join(capfd.readouterr()) == ""


def test_a_library_that_raises_is_one_that_did_not_send(monkeypatch: pytest.MonkeyPatch) -> None:
    (service,) = notify.open_services(["json://127.0.0.1:1"])
    monkeypatch.setattr(service.plugin, "send", lambda **_: 1 / 0)

    assert notify.send([service], NOTICE) == ["The notice by JSON was not sent: its service refuses it."]
