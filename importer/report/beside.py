"""Files that are whole or not there: written beside their place, and renamed into it."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from io import BufferedWriter
    from pathlib import Path


@contextmanager
def written_beside(path: Path) -> Iterator[BufferedWriter]:
    """Open a file that becomes *path* on success; it is on the disk then, and readable by its owner alone.

    Raises:
        OSError: The disk does not take it; nothing is left of it.
    """
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
