"""Notices over real sockets: what arrives, what is said where nothing does, and that no address is ever quoted."""

from __future__ import annotations

import json
import logging
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
import zipfile
from contextlib import closing, contextmanager
from email import message_from_bytes, policy
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from importer import notify
from importer.errors import SettingsError
from importer.notice import Notice
from importer.sandbox import Fault, serving
from importer.sandbox import Settings as Faulty

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Importer = Callable[..., Any]

SAMPLES = Path(__file__).parent.parent / "samples"
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
def test_a_webhook_of_a_companys_own_authority_is_reached(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with web_server(certificate=certificate) as (port, taken):
        assert send(f"https://localhost:{port}/{SECRET}") == []

    assert len(taken) == 1


@needs_openssl
def test_a_server_with_a_certificate_of_nobody_gets_nothing(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
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


HEADER = "creditorReference,currencyCode,date,amountToRecover,debtor.type,debtor.name,debtor.address,debtor.city,"
HEADER += "debtor.countryAlpha2\n"


def write(path: Path, *faulty: int, rows: int = 4) -> Path:
    """Write invoices, of which the rows *faulty* have no currency."""
    lines = [
        f"INV-{row},{'' if row in faulty else 'EUR'},2026-01-15,100.50,Company,Anna Debtor {row},1 St,Town,DE\n"
        for row in range(2, rows + 2)
    ]
    path.write_text(HEADER + "".join(lines), encoding="utf-8")
    return path


@pytest.fixture
def hook(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    """Configure notices to a webhook that takes them; gives what it took."""
    with web_server() as (port, taken):
        monkeypatch.setenv("IMPORTER_NOTICE_URL", f"json://desk:{SECRET}@127.0.0.1:{port}/{SECRET}")
        yield taken


def told(taken: list[Any]) -> tuple[str, str]:
    """Give the subject and the text of the one notice."""
    ((_, document),) = taken
    return document["title"], document["message"]


def test_a_notice_tells_how_an_import_ended_and_names_no_debtor(
    importer: Importer, tmp_path: Path, hook: list[Any]
) -> None:
    write(tmp_path / "june.csv", 3)
    ran = importer("submit", "june.csv", "--sandbox", "--yes", "--json")

    subject, text = told(hook)
    assert (ran.code, ran.said["counts"]["created"]) == (1, 3)
    assert subject == "Sandbox: Import of june.csv: 3 created, 1 to mend"
    assert text.startswith("3 cases created from 4 rows. The others: 1 invalid.\n\nWhat to do next:\n- Mend the row")
    assert "Rows:\n  created   3\n  invalid   1\n  all rows  4\n" in text
    assert "Amounts:\n  EUR  301.50  all created\n  1 row is in no amount: the amount, or its" in text
    assert "- 1 row: currencyCode is missing" in text
    assert f"Report: {tmp_path / ran.said['report']}\nRun: {ran.said['run']}\nExit code: 1 (" in text
    assert "Anna" not in text
    assert "INV-" not in text


def test_without_an_address_nothing_is_sent_and_no_library_is_loaded(
    tmp_path: Path,
) -> None:
    write(tmp_path / "june.csv")
    program = "import sys; from importer.cli import main\ntry: main(['check', 'june.csv'])\nexcept SystemExit: pass\n"
    program += "print('apprise' in sys.modules, 'keyring' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True)

    assert ran.stdout.splitlines()[-1] == "False False"


@pytest.mark.parametrize(
    ("notify", "faulty", "sent"),
    [(None, (), True), ("always", (), True), ("problems", (), False), ("problems", (2,), True), ("never", (2,), False)],
)
def test_notify_says_which_endings_are_told(
    importer: Importer, tmp_path: Path, hook: list[Any], notify: str | None, faulty: tuple[int, ...], *, sent: bool
) -> None:
    checks = "notify_check = true\n"
    (tmp_path / "importer.toml").write_text(checks + (f'notify = "{notify}"\n' if notify else ""))

    importer("check", write(tmp_path / "june.csv", *faulty), "--no-report")

    assert len(hook) == sent


def test_a_check_is_told_only_where_that_is_asked_for(
    importer: Importer, tmp_path: Path, hook: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    importer("check", write(tmp_path / "june.csv", 2))
    assert hook == []
    monkeypatch.setenv("IMPORTER_NOTIFY_CHECK", "true")
    importer("check", "june.csv")

    assert told(hook)[0] == "Check of june.csv: 3 ready to send, 1 to mend"


def test_what_cannot_start_is_told(importer: Importer, hook: list[Any]) -> None:
    ran = importer("submit", "june.csv", "--sandbox", "--yes")

    subject, text = told(hook)
    assert (ran.code, subject) == (3, "Sandbox: Import of june.csv could not start")
    assert text.startswith(ran.err.strip())
    assert "Exit code: 3 (it could not start, and nothing was sent)" in text


def test_what_a_refusal_quotes_of_a_source_is_left_out_of_its_notice(
    importer: Importer, tmp_path: Path, hook: list[Any]
) -> None:
    (tmp_path / "june.csv").write_text("INV-1,EUR,Anna Debtor\nINV-2,EUR,Bert Debtor\n")
    ran = importer("submit", "june.csv", "--sandbox", "--yes")

    assert "“Anna Debtor”" in ran.err
    assert "The columns found are: “…”, “…”, “…”.\nWhat is quoted is left out here" in told(hook)[1]
    assert "Debtor" not in told(hook)[1]


def test_a_setting_that_cannot_be_read_is_told_even_where_it_is_that_of_notices(
    importer: Importer, tmp_path: Path, hook: list[Any]
) -> None:
    (tmp_path / "importer.toml").write_text('notify = "sometimes"')
    ran = importer("submit", write(tmp_path / "june.csv"), "--sandbox", "--yes")

    assert (ran.code, ran.err) == (
        3,
        f"notify in {Path('importer.toml')}: 'sometimes' is none of always, problems, never; choose one of these.\n",
    )
    assert told(hook)[1].startswith(ran.err.strip())


def test_a_command_that_wants_an_answer_without_a_terminal_is_told(importer: Importer, hook: list[Any]) -> None:
    ran = importer("submit", "june.csv")

    assert (ran.code, told(hook)[0]) == (2, "Import of june.csv could not start")
    assert told(hook)[1].startswith("Without a terminal to ask on, `submit` needs --yes.")


def test_a_run_that_stops_or_is_in_doubt_is_told_and_so_is_the_one_that_goes_on(
    importer: Importer, tmp_path: Path, hook: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IMPORTER_API_KEY", "sandbox")
    write(tmp_path / "june.csv")
    with serving(tmp_path / "outside.db", Faulty(faults=(Fault.parse("deny:after=2"),))) as url:
        stopped = importer("submit", "june.csv", "--yes", "--api-url", url, "--concurrency", 1, "--json")
    subject, text = told(hook)
    hook.clear()
    with serving(tmp_path / "outside.db") as url:
        resumed = importer("resume", stopped.said["run"], "--api-url", url, "--json")

    assert (stopped.code, resumed.code) == (4, 0)
    assert subject.startswith("Import of june.csv stopped: ")
    assert f"importer resume {stopped.said['run']}" in text
    assert told(hook)[0] == "Import of june.csv: 4 created"


def test_a_bug_is_told_without_what_it_was_about(
    importer: Importer, tmp_path: Path, hook: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise KeyError("Anna Debtor")

    monkeypatch.setattr("importer.pipeline.submitting.submit", fail)
    ran = importer("submit", write(tmp_path / "june.csv"), "--sandbox", "--yes")

    assert (ran.code, told(hook)[0]) == (70, "Sandbox: Import of june.csv ended by a bug")
    assert "importer.log" in told(hook)[1]
    assert "Anna" not in told(hook)[1]


def test_an_interruption_is_told(
    importer: Importer, tmp_path: Path, hook: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("importer.pipeline.submitting.submit", interrupt)

    assert importer("submit", write(tmp_path / "june.csv"), "--sandbox", "--yes").code == 130
    assert told(hook)[0] == "Sandbox: Import of june.csv interrupted"


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such names")
def test_a_name_of_a_file_puts_no_line_into_a_mail(
    importer: Importer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"june\r\nBcc: {'x' * 80}@example.com\r\n\r\nHello \u202egnp.csv"
    post = Post()
    monkeypatch.setenv("IMPORTER_NOTIFY_CHECK", "1")
    with mail_server(post) as port:
        monkeypatch.setenv("IMPORTER_NOTICE_URL", f"mailto://127.0.0.1:{port}?from=a@example.com&to=b@example.com")
        ran = importer("check", write(tmp_path / name))

    (mail,) = post.taken
    assert ran.code == 0
    assert mail["Subject"].startswith(r"Check of june\r\nBcc: xxx")
    assert (mail["Bcc"], "\u202e" in mail["Subject"], len(mail["Subject"]) < 150) == (None, False, True)
    assert mail.get_content().startswith("4 of 4 rows are valid")


@pytest.mark.parametrize("status", [200, 500])
def test_a_notice_changes_neither_what_is_printed_nor_the_journal_nor_the_report(
    importer: Importer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    write(tmp_path / "june.csv", 3)
    with web_server(status) as (port, taken):
        monkeypatch.setenv("IMPORTER_NOTICE_URL", f"json://desk:{SECRET}@127.0.0.1:{port}/{SECRET}")
        ran = importer("submit", "june.csv", "--sandbox", "--yes", "--json", "--quiet")

    assert len(taken) == 1
    assert (ran.code, ran.said["exit"]) == (1, 1)
    assert ran.err == ("" if status == 200 else "The notice by JSON was not sent: its server refuses it with 500.\n")
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert any(path.name == "results.xlsx" for path in files)
    assert [path for path in files if SECRET.encode() in read_all(path)] == []


def read_all(path: Path) -> bytes:
    """Read a file, and what is packed in it."""
    if not zipfile.is_zipfile(path):
        return path.read_bytes()
    with zipfile.ZipFile(path) as packed:
        return b"".join(packed.read(name) for name in packed.namelist())


def test_an_interruption_of_a_notice_leaves_the_runs_own_exit_code(
    importer: Importer, tmp_path: Path, hook: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setenv("IMPORTER_NOTIFY_CHECK", "1")
    monkeypatch.setattr("importer.notify.send", interrupt)
    ran = importer("check", write(tmp_path / "june.csv", 3))

    assert (ran.code, hook) == (1, [])
    assert ran.err.endswith("Interrupted: the notice may not have been sent. The run had ended before.\n")


def test_ctrl_c_ends_the_patience_with_a_server_that_hangs(launch: Callable[..., Any], tmp_path: Path) -> None:
    write(tmp_path / "june.csv", 3)
    with closing(socket.create_server(("127.0.0.1", 0))) as silent:
        address = f"json://127.0.0.1:{silent.getsockname()[1]}/{SECRET}"
        settings = {"IMPORTER_NOTICE_URL": address, "IMPORTER_NOTIFY_CHECK": "1"}
        started = launch("check", "june.csv", "--no-report", "--quiet", environment=settings)
        silent.settimeout(60)
        with closing(silent.accept()[0]):
            started.kill(signal.SIGINT)
            code = started.wait(5)

    assert (code, started.err) == (1, "Interrupted: the notice may not have been sent. The run had ended before.\n")


def test_a_bug_in_a_notice_leaves_the_runs_own_exit_code(
    importer: Importer, tmp_path: Path, hook: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IMPORTER_NOTIFY_CHECK", "1")
    monkeypatch.setattr("importer.notify.send", lambda *_: 1 / 0)
    ran = importer("check", write(tmp_path / "june.csv"))

    assert (ran.code, hook) == (0, [])
    assert "No notice was sent. This is a bug in the importer." in ran.err
    unasked = importer("submit", "june.csv")
    assert (unasked.code, "needs --yes" in unasked.err) == (2, True)


def test_an_address_in_a_file_is_used_and_others_that_can_read_it_are_warned_of(
    importer: Importer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "notice-url"
    monkeypatch.setenv("IMPORTER_NOTICE_URL_FILE", str(file))
    monkeypatch.setenv("IMPORTER_NOTIFY_CHECK", "1")
    with web_server() as (port, taken):
        file.write_text(f"json://127.0.0.1:{port}/one\njson://127.0.0.1:{port}/two\n")
        file.chmod(0o644)
        ran = importer("check", write(tmp_path / "june.csv"), "--no-report")

    assert sorted(path for path, _ in taken) == ["/one", "/two"]
    warning = f"Others can read the address of notices in {file}: `chmod 600 {file}` keeps it yours."
    assert (warning in ran.err) == (os.name != "nt")


@pytest.mark.parametrize(
    ("variable", "value", "sentence"),
    [
        ("IMPORTER_NOTICE_URL_FILE", "nowhere", "The file nowhere named by IMPORTER_NOTICE_URL_FILE cannot be read"),
        ("IMPORTER_NOTIFY", "problems", "`notify` is problems, and no address is set. Set IMPORTER_NOTICE_URL, or"),
        ("IMPORTER_NOTICE_URL", SECRET, "The address of notices is of no service that is known, or lacks a part."),
    ],
)
def test_notices_that_are_configured_wrongly_are_one_sentence_and_change_nothing(
    importer: Importer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, sentence: str
) -> None:
    monkeypatch.setenv(variable, value)
    monkeypatch.setenv("IMPORTER_NOTIFY_CHECK", "1")
    ran = importer("check", write(tmp_path / "june.csv", 2), "--no-report", "--quiet")

    assert ran.code == 1
    assert ran.err.startswith(f"No notice was sent: {sentence}")
    assert SECRET not in ran.err


def doctor(importer: Importer, *options: str) -> tuple[int, str]:
    """Say what `doctor` finds of notices."""
    ran = importer("doctor", "--sandbox", *options)
    (line,) = [line for line in ran.err.splitlines() if " notices: " in line]
    assert SECRET not in ran.err
    return ran.code, line


def test_doctor_says_whether_notices_are_configured(
    importer: Importer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert doctor(importer) == (0, "ok  notices: none is configured")
    monkeypatch.setenv("IMPORTER_NOTICE_URL", f"mailtos://a:{SECRET}@mail.example.com?from=a@b.example")
    assert doctor(importer) == (0, "ok  notices: E-Mail, of every run")
    (tmp_path / "importer.toml").write_text('notify = "problems"\nnotify_check = true\n')
    assert doctor(importer) == (0, "ok  notices: E-Mail, of runs that leave a problem, checks too")
    monkeypatch.delenv("IMPORTER_NOTICE_URL")
    assert doctor(importer)[0] == 3


def test_doctor_sends_a_notice_for_a_test(importer: Importer, hook: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    assert doctor(importer, "--notice") == (0, "ok  notices: JSON, of every run; a test notice was sent")
    assert told(hook)[0] == "Test notice of the invoice importer"
    monkeypatch.setenv("IMPORTER_NOTICE_URL", f"json://127.0.0.1:9/{SECRET}")
    assert doctor(importer, "--notice") == (
        4,
        "NO  notices: The notice by JSON was not sent: nothing answers at its address.",
    )
    monkeypatch.delenv("IMPORTER_NOTICE_URL")
    assert doctor(importer, "--notice")[0] == 3


def test_an_address_in_the_keyring_is_found_where_notify_is_set(
    importer: Importer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ring: dict[tuple[str, str], str] = {}
    monkeypatch.setattr("keyring.get_password", lambda *entry: ring.get(entry))
    monkeypatch.setenv("IMPORTER_NOTIFY_CHECK", "1")
    with web_server() as (port, taken):
        ring["invoice-importer", "notice"] = f"json://127.0.0.1:{port}/{SECRET}"
        importer("check", write(tmp_path / "june.csv"), "--no-report")
        assert taken == []
        assert doctor(importer)[1].endswith("an address (JSON), and is asked for it only where `notify` is set.")
        monkeypatch.setenv("IMPORTER_NOTIFY", "always")
        importer("check", "june.csv", "--no-report")

    assert len(taken) == 1
