"""The HTTP edge: what never left, what may have arrived, and what was answered."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

import httpx
import pytest

from importer.client import NEVER_LEFT, Client
from importer.protocol import Answer, Lost, NeverLeft

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


def test_every_failure_that_httpx_knows_before_a_connection_stands_is_one_that_never_left() -> None:
    known = {httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError, httpx.UnsupportedProtocol}

    assert set(NEVER_LEFT) == known
    assert all(issubclass(error, httpx.HTTPError) for error in known)


def test_certificates_are_verified() -> None:
    client = Client("https://127.0.0.1", "secret", timeout=1)

    assert client._tls.verify_mode == ssl.CERT_REQUIRED
    assert client._tls.check_hostname
