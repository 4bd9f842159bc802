"""Certificates, proxies and redirects, over real sockets: the key goes to the API alone; a refusal is one sentence."""

from __future__ import annotations

import base64
import json
import os
import shutil
import socket
import ssl
import subprocess
import threading
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Importer = Callable[..., Any]

KEY = "Zx93kQ7secret"
HOST = "api.example.test"
ME = json.dumps({"id": "1b4e28ba-2fa1-11d2-883f-0016d3cca427", "name": "Creditor", "companyName": "Creditor"}).encode()
OPENSSL = shutil.which("openssl")

needs_openssl = pytest.mark.skipif(OPENSSL is None, reason="openssl makes the certificates")


def certify(folder: Path, name: str, *, days: int = 2) -> Path:
    """Make a certificate that signs itself, with its key, in one file."""
    made, key, asked, both = (folder / f"{name}{end}" for end in (".pem", ".key", ".csr", "-both.pem"))
    request = ["req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", key]
    request += ["-out", asked, "-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}"]
    sign = ["x509", "-req", "-in", asked, "-signkey", key, "-days", days, "-copy_extensions", "copy", "-out", made]
    for command in (request, sign):
        subprocess.run([str(OPENSSL), *map(str, command)], check=True, capture_output=True)
    both.write_bytes(made.read_bytes() + key.read_bytes())
    return both


def read_request(connection: socket.socket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data:
        piece = connection.recv(65_536)
        if not piece:
            break
        data += piece
    return data


@contextmanager
def listening(behave: Callable[[socket.socket], None]) -> Iterator[int]:
    """Do with each connection what the test says, each in a thread of its own; yields the port."""
    threads = []

    def handle(connection: socket.socket) -> None:
        with connection:
            try:
                behave(connection)
            except OSError:
                return

    def accept() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            connection.settimeout(10)
            threads.append(threading.Thread(target=handle, args=(connection,), daemon=True))
            threads[-1].start()

    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        taker = threading.Thread(target=accept, daemon=True)
        taker.start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
        taker.join()
        for thread in threads:
            thread.join()


@contextmanager
def api(certificate: Path | None, received: list[bytes], answer: bytes = b"") -> Iterator[int]:
    """Serve `GET /me`, over TLS where there is a certificate, and keep what was received."""
    head = (
        f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(ME)}\r\nConnection: close\r\n\r\n"
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    if certificate:
        context.load_cert_chain(certificate)

    def behave(connection: socket.socket) -> None:
        secure = context.wrap_socket(connection, server_side=True) if certificate else connection
        with secure:
            received.append(read_request(secure))
            secure.sendall(answer or head.encode() + ME)

    with listening(behave) as port:
        yield port


@contextmanager
def proxy(to: int, seen: list[bytes], password: str = "") -> Iterator[int]:
    """Serve CONNECT: whatever is asked for leads to the port *to*."""

    def pump(source: socket.socket, target: socket.socket) -> None:
        try:
            while piece := source.recv(65_536):
                target.sendall(piece)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            return

    def behave(connection: socket.socket) -> None:
        asked = read_request(connection)
        seen.append(asked)
        if password and base64.b64encode(password.encode()) not in asked:
            connection.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
            return
        connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        with socket.create_connection(("127.0.0.1", to)) as beyond:
            back = threading.Thread(target=pump, args=(beyond, connection), daemon=True)
            back.start()
            pump(connection, beyond)
            back.join()

    with listening(behave) as port:
        yield port


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.lower().endswith("_proxy") or name.startswith("SSL"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("IMPORTER_API_KEY", KEY)
    # Each failure is final: three tries with pauses would only take time.
    monkeypatch.setattr("importer.pipeline.account.PAUSES", (0.0,))


def doctor(importer: Importer, url: str) -> tuple[int, str]:
    """Ask whose key it is; returns the exit code, and what is said of the API."""
    ran = importer("doctor", "--json", "--api-url", url)
    said = next((finding["text"] for finding in ran.said["findings"] if finding["what"] == "API"), ran.out)
    return ran.code, said


@needs_openssl
def test_a_server_that_certifies_itself_is_refused_until_its_authority_is_trusted(
    importer: Importer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    received: list[bytes] = []
    with api(certify(tmp_path, "localhost"), received) as port:
        code, said = doctor(importer, f"https://localhost:{port}")

        assert (code, received) == (4, [])
        assert "the server's certificate is not accepted (self-signed certificate)" in said
        assert "set SSL_CERT_FILE to a file with its authority's certificate" in said

        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "localhost.pem"))
        code, said = doctor(importer, f"https://localhost:{port}")

    assert (code, said) == (0, "the key is for Creditor (loopback/1b4e28ba-2fa1-11d2-883f-0016d3cca427)")
    assert f"XApiKey: {KEY}".lower() in received[0].decode().lower()


@needs_openssl
@pytest.mark.parametrize(
    ("name", "days", "told"),
    [
        ("elsewhere.example", 2, "put the right address into IMPORTER_API_URL"),
        ("localhost", -1, "this machine's clock"),
    ],
)
def test_a_certificate_for_another_host_or_of_the_past_is_refused(
    importer: Importer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    days: int,
    told: str,
) -> None:
    received: list[bytes] = []
    certificate = certify(tmp_path, name, days=days)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / f"{name}.pem"))
    with api(certificate, received) as port:
        code, said = doctor(importer, f"https://localhost:{port}")

    assert (code, received) == (4, [])
    assert "the server's certificate is not accepted (" in said
    assert told in said


@needs_openssl
def test_a_proxy_is_gone_through_and_sees_neither_key_nor_data(
    importer: Importer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    received: list[bytes] = []
    seen: list[bytes] = []
    certificate = certify(tmp_path, HOST)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / f"{HOST}.pem"))
    with api(certificate, received) as port, proxy(port, seen, "ann:pass") as through:
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{through}")
        refused, said = doctor(importer, f"https://{HOST}")
        assert (refused, received) == (4, [])
        assert f"the proxy 127.0.0.1:{through} wants a name and the right password" in said

        monkeypatch.setenv("HTTPS_PROXY", f"http://ann:pass@127.0.0.1:{through}")
        taken, said = doctor(importer, f"https://{HOST}")

    assert taken == 0, said
    assert len(received) == 1
    assert seen[-1].startswith(f"CONNECT {HOST}:443 ".encode())
    assert not any(KEY.encode() in asked for asked in seen)


def test_a_proxy_that_is_not_there_is_named_without_its_password(
    importer: Importer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
    monkeypatch.setenv("HTTPS_PROXY", f"http://ann:pass@127.0.0.1:{port}")

    code, said = doctor(importer, f"https://{HOST}")

    assert code == 4
    assert f"through the proxy 127.0.0.1:{port}" in said
    assert "pass" not in said


def test_what_a_proxy_says_instead_of_going_through_is_told(
    importer: Importer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(connection: socket.socket) -> None:
        read_request(connection)
        connection.sendall(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")

    with listening(refuse) as port:
        monkeypatch.setenv("ALL_PROXY", f"ann:pass@127.0.0.1:{port}")
        code, said = doctor(importer, f"https://{HOST}")

    assert code == 4
    assert f"the proxy 127.0.0.1:{port} answered 502 Bad Gateway" in said
    assert "pass" not in said


def test_what_no_proxy_names_goes_around_the_proxy(importer: Importer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", HOST)

    assert "through the proxy" not in doctor(importer, f"https://{HOST}")[1]


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy"])
def test_the_sandbox_is_reached_whatever_proxy_is_set(
    importer: Importer, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, "http://127.0.0.1:9")

    assert importer("doctor", "--sandbox").code == 0


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("HTTPS_PROXY", "gopher://127.0.0.1:9"),
        ("ALL_PROXY", "http://127.0.0.1:port"),
        ("SSL_CERT_FILE", "/nowhere/at-all.pem"),
        ("SSL_CERT_FILE", __file__),
    ],
)
def test_a_variable_that_cannot_be_used_is_named(
    importer: Importer, monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)

    ran = importer("doctor", "--json", "--api-url", f"https://{HOST}")

    assert ran.code == 3
    assert variable in ran.out


@needs_openssl
def test_no_variable_makes_the_program_write_down_the_keys_of_its_connections(
    importer: Importer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate = certify(tmp_path, "localhost")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "localhost.pem"))
    with api(certificate, []) as port:
        monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "keys.log"))
        assert doctor(importer, f"https://localhost:{port}")[0] == 0

    assert not (tmp_path / "keys.log").exists()


def test_a_file_for_keys_that_cannot_be_made_stops_nothing(importer: Importer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSLKEYLOGFILE", "/nowhere/at-all")

    assert importer("doctor", "--sandbox").code == 0


def test_no_netrc_has_a_say(importer: Importer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "netrc").write_text("default login ann password pass\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    received: list[bytes] = []

    with api(None, received) as port:
        assert doctor(importer, f"http://127.0.0.1:{port}")[0] == 0

    assert b"authorization" not in received[0].lower()


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_never_followed(importer: Importer, status: int) -> None:
    elsewhere: list[bytes] = []
    asked: list[bytes] = []
    with api(None, elsewhere) as other:
        moved = f"HTTP/1.1 {status} Moved\r\nLocation: http://127.0.0.1:{other}/me\r\nContent-Length: 0\r\n\r\n"
        with api(None, asked, moved.encode()) as port:
            code, said = doctor(importer, f"http://127.0.0.1:{port}")

    assert (code, elsewhere) == (4, [])
    assert asked
    assert str(status) in said


@pytest.mark.parametrize("url", ["http://api.example.test", f"https://ann:{KEY}@api.example.test"])
def test_an_address_that_would_give_something_away_is_refused_and_no_password_shown(
    importer: Importer, url: str
) -> None:
    ran = importer("doctor", "--api-url", url)

    assert ran.code == 3
    assert KEY not in ran.out + ran.err
