"""The HTTP edge: what never left, what may have arrived, and what was answered."""

from __future__ import annotations

import asyncio
import socket
import ssl
import subprocess
import sys
import threading
from contextlib import closing, contextmanager, suppress
from typing import TYPE_CHECKING

import aiohttp
import pytest

from importer.client import Client
from importer.protocol import Answer, Lost, NeverLeft
from importer.wire import NEVER_LEFT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from importer.protocol import Reply


@contextmanager
def server(behave: Callable[[socket.socket], None]) -> Iterator[str]:
    """Take connections one after the other, and do with each what the test says."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:

        def serve() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection:
                    behave(connection)

        threading.Thread(target=serve, daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)


def ask(url: str, *, timeout: float = 5.0) -> Reply:
    async def go() -> Reply:
        async with Client(url, "secret", timeout=timeout) as client:
            return await client.post("/cases", b"{}", "key-1")

    return asyncio.run(go())


def test_a_request_carries_exactly_the_bytes_the_key_and_the_idempotency_key() -> None:
    received = []

    def behave(connection: socket.socket) -> None:
        data = b""
        while not data.endswith(b"{}"):
            data += connection.recv(65_536)
        received.append(data)
        connection.sendall(b"HTTP/1.1 200 OK\r\nDate: now\r\nContent-Length: 2\r\n\r\n{}")

    with server(behave) as url:
        reply = ask(url)

    head = received[0].lower()
    assert isinstance(reply, Answer)
    assert (reply.status, reply.body, reply.headers["date"]) == (200, b"{}", "now")
    assert b"post /cases http/1.1" in head
    assert b"xapikey: secret" in head
    assert b"idempotency-key: key-1" in head
    assert head.endswith(b"\r\n\r\n{}")


def test_a_redirect_is_an_answer_and_is_not_followed() -> None:
    def behave(connection: socket.socket) -> None:
        connection.recv(65_536)
        connection.sendall(b"HTTP/1.1 307 Moved\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n")

    with server(behave) as url:
        reply = ask(url)

    assert isinstance(reply, Answer)
    assert reply.status == 307


def test_a_refused_connection_never_left() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        port = listener.getsockname()[1]

    assert isinstance(ask(f"http://127.0.0.1:{port}"), NeverLeft)


def test_a_host_that_does_not_exist_never_got_anything() -> None:
    assert isinstance(ask("http://nowhere.invalid"), NeverLeft)


def test_a_server_that_speaks_no_tls_never_got_anything() -> None:
    with server(lambda connection: connection.sendall(b"plain")) as url:
        assert isinstance(ask(url.replace("http://", "https://")), NeverLeft)


def drop(connection: socket.socket) -> None:
    connection.recv(65_536)


def truncate(connection: socket.socket) -> None:
    connection.recv(65_536)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")


def babble(connection: socket.socket) -> None:
    connection.recv(65_536)
    connection.sendall(b"what?\r\n\r\n")


def garble(connection: socket.socket) -> None:
    connection.recv(65_536)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}")


@pytest.mark.parametrize("behave", [drop, truncate, babble, garble])
def test_an_answer_that_does_not_come_or_cannot_be_read_is_lost(behave: Callable[[socket.socket], None]) -> None:
    with server(behave) as url:
        assert isinstance(ask(url), Lost)


def test_a_server_that_hangs_or_trickles_is_lost_within_the_patience_with_it() -> None:
    done = threading.Event()

    def trickle(connection: socket.socket) -> None:
        connection.recv(65_536)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n")
        while not done.wait(0.02):
            connection.sendall(b" ")

    with server(trickle) as url:
        reply = ask(url, timeout=0.2)
        done.set()

    assert reply == Lost("no answer within 0.2 s")


def test_a_connection_counts_as_none_only_where_aiohttp_says_so_itself() -> None:
    errors = [thing for name, thing in vars(aiohttp).items() if name.endswith("Error") and isinstance(thing, type)]
    early = {error.__name__ for error in errors if issubclass(error, NEVER_LEFT)}

    assert early == {
        "ClientConnectorError",
        "ClientConnectorDNSError",
        "ClientConnectorSSLError",
        "ClientConnectorCertificateError",
        "ClientSSLError",
        "ClientProxyConnectionError",
        "ClientHttpProxyError",
        "ConnectionTimeoutError",
    }


def test_a_host_that_takes_no_connection_never_got_anything() -> None:
    with closing(socket.socket()) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        port = listener.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)):  # fills the queue of those who wait to be taken

            async def go() -> Reply:
                async with Client(f"http://127.0.0.1:{port}", "secret", timeout=5) as client:
                    # As if the whole of a request had more time than a connection.
                    client._wire._session._timeout = aiohttp.ClientTimeout(connect=0.1)
                    return await client.post("/cases", b"{}", "key-1")

            reply = asyncio.run(go())

    assert reply == NeverLeft("no connection within 5 s")


@pytest.mark.parametrize("method", ["POST", "GET", "PUT", "PATCH", "DELETE"])
def test_a_request_on_a_connection_that_ends_is_sent_once(method: str) -> None:
    received = []

    def behave(connection: socket.socket) -> None:
        received.append(connection.recv(65_536))
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
        received.append(connection.recv(65_536))

    async def go(url: str) -> list[Reply]:
        async with Client(url, "secret", timeout=5) as client:
            return [await client.send(method, "/cases/1", key="key-1") for _ in range(2)]

    with server(behave) as url:
        first, second = asyncio.run(go(url))

    assert isinstance(first, Answer)
    assert second == Lost("Server disconnected (ServerDisconnectedError)")
    assert len(received) == 2


def test_a_path_and_its_query_arrive_as_they_were_given_and_no_cookie_comes_back() -> None:
    received = []

    def behave(connection: socket.socket) -> None:
        for _ in range(2):
            received.append(connection.recv(65_536))
            connection.sendall(b"HTTP/1.1 200 OK\r\nSet-Cookie: a=b\r\nContent-Length: 2\r\n\r\n{}")

    async def go(url: str) -> None:
        async with Client(f"{url}/v1", "secret", timeout=5) as client:
            await client.get("/cases/by-reference/A%2F1%20%C3%A6%27")
            await client.get("/cases", {"Sort": "DateCreated:desc", "Ids": ["a b", "&c"], "Page": 2})

    with server(behave) as url:
        asyncio.run(go(url))

    assert received[0].startswith(b"GET /v1/cases/by-reference/A%2F1%20%C3%A6%27 HTTP/1.1\r\n")
    assert received[1].startswith(b"GET /v1/cases?Sort=DateCreated%3Adesc&Ids=a+b&Ids=%26c&Page=2 HTTP/1.1\r\n")
    assert b"cookie" not in received[1].lower()


def test_headers_of_an_answer_are_text_whatever_their_bytes_and_repeated_ones_are_kept() -> None:
    def behave(connection: socket.socket) -> None:
        connection.recv(65_536)
        connection.sendall(b"HTTP/1.1 200 OK\r\nX-Id: \xe6\xff\r\nx-id: 2\r\nContent-Length: 2\r\n\r\n{}")

    with server(behave) as url:
        reply = ask(url)

    assert isinstance(reply, Answer)
    assert reply.headers["x-id"] == "\xe6\xff, 2"


@pytest.mark.parametrize("endless", [b"X-Long: " + 8192 * b"y", b"HTTP/1.1 200 " + 8192 * b"O", 999 * b"X-Y: z\r\n"])
def test_an_endless_head_is_given_up_and_lost(endless: bytes) -> None:
    def behave(connection: socket.socket) -> None:
        connection.recv(65_536)
        with suppress(OSError):
            connection.sendall(b"" if endless.startswith(b"HTTP") else b"HTTP/1.1 200 OK\r\n")
            while True:
                connection.sendall(endless)

    with server(behave) as url:
        assert isinstance(ask(url), Lost)


def test_a_token_that_no_header_can_carry_is_lost_and_not_sent() -> None:
    received = []

    def behave(connection: socket.socket) -> None:
        received.append(connection.recv(65_536))

    async def go(url: str) -> Reply:
        async with Client(url, "secret\r\nX-Evil: 1", timeout=5) as client:
            return await client.post("/cases", b"{}", "key-1")

    with server(behave) as url:
        assert isinstance(asyncio.run(go(url)), Lost)

    assert received in ([], [b""])


def test_whoever_asks_nobody_loads_nothing_to_ask_with() -> None:
    command = "import sys, importer.client, importer.sandbox.sender; print({'aiohttp', 'yarl'} & set(sys.modules))"
    printed = subprocess.run([sys.executable, "-c", command], capture_output=True, text=True, check=True).stdout

    assert printed == "set()\n"


def test_certificates_are_verified() -> None:
    client = Client("https://127.0.0.1", "secret", timeout=1)

    assert client._tls.verify_mode == ssl.CERT_REQUIRED
    assert client._tls.check_hostname
