"""A faithful emulator of the APIs on a loopback port, with faults to order; shares no rule with `schemas`.

Attributes:
    PREFIXES: API → where its paths begin; together with the server's address, its base URL.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from importer.sandbox.faults import Fault
from importer.sandbox.settings import Settings
from importer.sandbox.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

__all__ = ["PREFIXES", "Fault", "Settings", "Store", "serve_forever", "serving"]

FAITHFUL = Settings()
PREFIXES: Final = {"customer": "", "partner": "/collection-partner", "referral": "/referral", "confirma": "/confirma"}


@contextmanager
def serving(database: Path, settings: Settings = FAITHFUL, *, port: int = 0) -> Iterator[str]:
    """Serve the sandbox that lies in *database*, made where there is none, and yield its base URL.

    Args:
        database: An SQLite file, readable by its owner alone.
        settings: Limits, latency, faults.
        port: On 127.0.0.1; 0 takes a free one.

    Raises:
        OSError: The file cannot be made, or the port is taken.
        sqlite3.Error: The file is no database of a sandbox.
    """
    from importer.sandbox.server import serving as serving_it  # noqa: PLC0415 - costs 0.2 s that few commands need

    with serving_it(database, settings, port) as url:
        yield url


def serve_forever(database: Path, settings: Settings, port: int, on_ready: Callable[[str], None]) -> None:
    """Serve as `serving` does until the user interrupts; *on_ready* is told the base URL.

    Raises:
        OSError: The file cannot be made, or the port is taken.
        sqlite3.Error: The file is no database of a sandbox.
    """
    from importer.sandbox.server import serve_forever as serve_it  # noqa: PLC0415 - as above

    serve_it(database, settings, port, on_ready)
