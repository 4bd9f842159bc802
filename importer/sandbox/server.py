"""Runs a sandbox on a loopback port, in a thread of its own."""

from __future__ import annotations

import asyncio
import socket
import sqlite3
import threading
import time
from contextlib import closing, contextmanager, suppress
from typing import TYPE_CHECKING, Final

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from importer.sandbox.app import Apis
from importer.sandbox.faults import Faults
from importer.sandbox.store import Ledger

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from importer.sandbox.sender import Sender
    from importer.sandbox.settings import Settings

HOST: Final = "127.0.0.1"
KEEP_IDLE: Final = 5  # seconds
FAREWELL: Final = 1  # seconds that requests in flight have at the end


class Connection(H11Protocol):
    """An HTTP connection that the application can cut off."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as its parent has it
        """Hand the application the means to hang up."""
        super().connection_made(transport)
        self.app_state = {**self.app_state, "hang_up": transport.abort}


class Server(uvicorn.Server):
    """A server that says when it is ready, and has *sender* deliver events meanwhile."""

    def __init__(self, config: uvicorn.Config, sender: Sender) -> None:
        super().__init__(config)
        self.ready = threading.Event()
        self._sender = sender

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to listen."""
        await super().startup(sockets)
        self._sending = asyncio.create_task(self._sender.run())
        self.ready.set()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let what is on its way arrive, and hang up on whoever is still there."""
        await super().shutdown(sockets)
        for connection in list(self.server_state.connections):
            connection.transport.abort()  # else it outlives its loop
        self._sending.cancel()
        await self._sender.finish(FAREWELL)


@contextmanager
def serving(database: Path, settings: Settings, port: int) -> Iterator[str]:
    """Serve the sandbox that lies in *database*; see the package."""
    with closing(Ledger(database)) as ledger, closing(_listen(port)) as listener:
        always = Faults(settings.faults, settings.seed).always
        skew, idle = always("clock-skew") or 0.0, always("close-idle")
        apis = Apis(ledger, settings, lambda: time.time() + skew)
        server = Server(
            uvicorn.Config(
                apis,
                http=Connection,
                loop="asyncio",
                ws="none",
                lifespan="off",
                log_config=None,
                log_level="critical",
                access_log=False,
                server_header=False,
                date_header=False,  # the application has its own clock
                timeout_keep_alive=KEEP_IDLE if idle is None else idle,  # type: ignore[arg-type]  # used as a float
                timeout_graceful_shutdown=FAREWELL,
            ),
            apis.sender,
        )
        thread = threading.Thread(target=server.run, args=([listener],), name="sandbox", daemon=True)
        thread.start()
        try:
            while not server.ready.wait(0.1):
                if not thread.is_alive():
                    raise OSError("The sandbox's server did not start.")
            yield f"http://{HOST}:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()
            # What is lost with it is only how much of the limits was spent.
            with suppress(sqlite3.Error):
                apis.save()


def serve_forever(database: Path, settings: Settings, port: int, on_ready: Callable[[str], None]) -> None:
    """Serve until interrupted; see the package."""
    with suppress(KeyboardInterrupt), serving(database, settings, port) as url:
        on_ready(url)
        while True:
            time.sleep(1)


def _listen(port: int) -> socket.socket:
    # With the protocol named: asyncio sets TCP_NODELAY only then, and without it each answer takes 40 ms.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((HOST, port))
    except BaseException:
        listener.close()
        raise
    return listener
