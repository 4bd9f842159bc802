"""Runs the reader of workbooks apart: in a process of bounded memory and time, so that its end is always a sentence.

A workbook may ask for any amount of either: what is said about its size, by its own directory, is what it gets.
"""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import sys
import zipfile
from typing import Final

from importer.errors import SourceError

MEMORY: Final = 3 << 30  # bytes of address space for any workbook; Arrow alone reserves one
TIMES: Final = 16  # times its unpacked size that a workbook may take beside that; a usual one takes five
MOST_MEMORY: Final = 8 << 30  # bytes of address space at most; a million rows of 25 columns take three
PATIENCE: Final = 120  # seconds for any workbook
PACE: Final = 1 << 20  # bytes a second, unpacked, for a larger one; a usual computer reads twenty times as fast
TOLD, SHORT_OF_MEMORY = 3, 4  # exit codes of the process: what it says on stderr is a sentence; there is no more memory
_NO_MEMORY: Final = {SHORT_OF_MEMORY, -6, -9}  # calamine aborts; the system kills


def run(data: bytes, *arguments: str) -> bytes:
    """Read a workbook apart; give what that writes to stdout.

    Raises:
        SourceError: It takes more memory or time than a workbook should, or cannot be read.
    """
    size = _unpacked(data)
    memory = min(MEMORY + TIMES * size, MOST_MEMORY, _installed())
    patience = PATIENCE + size / PACE
    # -P keeps the current folder off the path: a file there could have the name of a module.
    command = [sys.executable, "-P", "-m", "importer.read.cells", str(memory), str(2 * int(patience) + 1), *arguments]
    try:
        child = subprocess.run(command, input=data, capture_output=True, check=False, timeout=patience)  # noqa: S603 - our own module
    except subprocess.TimeoutExpired:
        raise SourceError(f"could not be read within {patience:.0f} s; split it.") from None
    if child.returncode == TOLD:
        raise SourceError(child.stderr.decode(errors="replace"))
    if child.returncode in _NO_MEMORY:
        raise SourceError("needs more memory than a spreadsheet should: delete what lies far below or beside the data.")
    if child.returncode:
        raise SourceError("is damaged or of a kind that cannot be read. Save it again from a spreadsheet program.")
    return child.stdout


def _unpacked(data: bytes) -> int:
    """Add up what the directory of an archive says; what it says was looked at before."""
    if not data.startswith(b"PK"):
        return len(data)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return sum(info.file_size for info in archive.infolist())


def _installed() -> int:
    """Tell the memory of this machine, where it says."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return MOST_MEMORY


def limit(memory: int, seconds: int) -> None:
    """Bound the present process: what goes beyond ends it, and not the machine; nothing of it is left on the disk."""
    with contextlib.suppress(ImportError):
        import resource  # noqa: PLC0415 - not on every system

        # The processor's time is for where nobody waits any more.
        for kind, most in (
            (resource.RLIMIT_AS, memory),
            (resource.RLIMIT_CPU, seconds),
            (resource.RLIMIT_CORE, 0),
        ):
            with contextlib.suppress(ValueError, OSError):
                resource.setrlimit(kind, (most, most))
