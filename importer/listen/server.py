"""The web server that takes deliveries: it answers as soon as one is verified and on the disk, and says little else."""

from __future__ import annotations

import asyncio
import os
import socket
import threading
import time
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Final

import uvicorn
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from uvicorn.protocols.http.h11_impl import H11Protocol

from importer.errors import JournalError, SettingsError
from importer.protocol.webhooks import read_event, why_not_genuine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from starlette.types import Receive, Scope, Send

    from importer.model import Event

    Keep = Callable[[Event, float, bool], None]

LARGEST: Final = 256 * 1024  # bytes of a body
PATIENCE: Final = 10.0  # seconds for a body to arrive
LIFE: Final = 20.0  # seconds of a connection, of which one request is taken; a slow head has no longer either
MOST: Final = 200  # connections at once; one more is answered 503, and its event delivered later
FAREWELL: Final = 5  # seconds that requests in flight have at the end


class Connection(H11Protocol):
    """A connection that ends after LIFE seconds, whatever it is doing."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as its parent has it
        """Set its end."""
        super().connection_made(transport)
        self._end = self.loop.call_later(LIFE, transport.abort)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget its end."""
        self._end.cancel()
        super().connection_lost(exc)


class Receiver:
    """Verifies each delivery and has it kept.

    Args:
        path: The one that is answered.
        secrets: Gives those that may have signed.
        keep: Keeps an event, received when, replayed or not; raises JournalError.
        refused: Told why a delivery was not taken.
        clock: Seconds since the epoch.
    """

    def __init__(
        self,
        path: str,
        secrets: Callable[[], tuple[bytes, ...]],
        keep: Keep,
        refused: Callable[[str], None],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._path = path
        self._secrets = secrets
        self._keep = keep
        self._refused = refused
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request: a status, and nothing else."""
        request = Request(scope, receive)
        status = self._look(request) or await self._take(request)
        await Response(status_code=status, headers={"connection": "close"})(scope, receive, send)

    def _look(self, request: Request) -> int | None:
        """Judge a request by its head; None where its body is worth reading."""
        if request.url.path != self._path:
            return 404
        if request.method != "POST":
            return 405
        if not _is_json(request.headers.get("content-type", "")):
            return 415
        if "x-debitura-signature" not in request.headers:
            self._refused("it is not signed")
            return 401
        length = request.headers.get("content-length", "0")
        return 413 if length.isdigit() and int(length) > LARGEST else None

    async def _take(self, request: Request) -> int:
        try:
            async with asyncio.timeout(PATIENCE):
                body = await _read(request)
        except (TimeoutError, ClientDisconnect):
            self._refused("its body did not arrive in time")
            return 408
        if body is None:
            self._refused(f"it is larger than {LARGEST // 1024} KiB")
            return 413
        now = self._clock()
        if reason := why_not_genuine(request.headers["x-debitura-signature"], body, self._secrets(), now):
            self._refused(reason)
            return 401
        event = read_event(body)
        if event is None:
            self._refused("it is signed, and cannot be read")
            return 400
        replayed = request.headers.get("x-debitura-replay", "").lower() == "true"
        try:
            await asyncio.to_thread(self._keep, event, now, replayed)
        except JournalError as error:
            self._refused(f"it cannot be kept, and will be delivered again: {error}")
            return 503
        return 200


def _is_json(content_type: str) -> bool:
    media = content_type.partition(";")[0].strip().lower()
    return media == "application/json" or (media.startswith("application/") and media.endswith("+json"))


async def _read(request: Request) -> bytes | None:
    """Read a body; None where it is larger than LARGEST, whatever its head says."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST:
            return None
    return bytes(body)


@contextmanager
def serving(receiver: Receiver, host: str, port: int) -> Iterator[str]:
    """Take deliveries in a thread of its own; yields where.

    Raises:
        SettingsError: There is no such host here, or the port is taken.
    """
    with closing(_listen(host, port)) as listener:
        server = uvicorn.Server(
            uvicorn.Config(
                receiver,
                http=Connection,
                loop="asyncio",
                ws="none",
                lifespan="off",
                log_config=None,
                log_level="critical",
                access_log=False,
                server_header=False,
                proxy_headers=False,
                limit_concurrency=MOST,
                timeout_graceful_shutdown=FAREWELL,
            )
        )
        thread = threading.Thread(target=server.run, args=([listener],), name="listener", daemon=True)
        thread.start()
        try:
            while not server.started:
                if not thread.is_alive():
                    raise SettingsError("The web server did not start.")
                time.sleep(0.01)
            bound = listener.getsockname()
            yield f"http://{f'[{bound[0]}]' if ':' in bound[0] else bound[0]}:{bound[1]}"
        finally:
            server.should_exit = True
            thread.join()


def _listen(host: str, port: int) -> socket.socket:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
    except OSError as error:
        raise SettingsError(
            f"{host} is no address of this machine: {error.strerror}. Name another with --host."
        ) from None
    try:
        if os.name != "nt":  # where it would let others take the port away
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except OSError as error:
        listener.close()
        raise SettingsError(
            f"Nothing can listen on {host}, port {port}: {error.strerror}. Choose another with --port."
        ) from None
    return listener
