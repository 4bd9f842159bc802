"""Runs commands in processes of their own, and tells what they took: seconds, processor time and memory."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SAMPLE = 0.02  # seconds between two looks at the memory
PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass
class Spent:
    """What a command took: seconds, of the clock and of processors, and bytes of its own and of those it started.

    Attributes:
        seconds: From the start to the exit.
        processor: Of it and of those it started.
        own, children, together: The most that was held at once.
        code: Its exit code.
        said: What it printed.
    """

    seconds: float
    processor: float
    own: int
    children: int
    together: int
    code: int
    said: str = ""


def measure(command: Sequence[str], folder: Path, environment: Mapping[str, str] | None = None, code: int = 0) -> Spent:
    """Run a command in *folder*, and look at what it and its children hold; whatever ends otherwise than with *code*
    has not done the work."""
    with (folder / "said").open("w+") as said, (folder / "complaints").open("w+") as complaints:
        began = time.perf_counter()
        process = subprocess.Popen(
            command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=said, stderr=complaints
        )
        spent = Spent(0.0, 0.0, 0, 0, 0, 0)
        ended = threading.Event()

        def look() -> None:
            while not ended.wait(SAMPLE):
                own, children = held(process.pid), sum(map(held, children_of(process.pid)))
                spent.own, spent.children = max(spent.own, own), max(spent.children, children)
                spent.together = max(spent.together, own + children)

        looking = threading.Thread(target=look)
        looking.start()
        _, status, usage = os.wait4(process.pid, 0)
        spent.seconds = time.perf_counter() - began
        process.returncode = spent.code = os.waitstatus_to_exitcode(status)
        spent.processor = usage.ru_utime + usage.ru_stime
        ended.set()
        looking.join()
        said.seek(0)
        spent.said = said.read()
        if spent.code != code:
            complaints.seek(0)
            sys.exit(f"{' '.join(command)}\nended with {spent.code}:\n{spent.said[-2000:]}{complaints.read()[-2000:]}")
    return spent


def held(process: int) -> int:
    """Give the bytes of memory that a process has for itself; those of files that it maps can be taken from it."""
    try:
        fields = Path(f"/proc/{process}/statm").read_text().split()
    except OSError:
        return 0
    return (int(fields[1]) - int(fields[2])) * PAGE


def children_of(process: int) -> list[int]:
    try:
        return [int(child) for child in Path(f"/proc/{process}/task/{process}/children").read_text().split()]
    except OSError:
        return []
