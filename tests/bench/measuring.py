"""Runs commands in processes of their own, and tells what they took: seconds, processor time and memory."""

from __future__ import annotations

import os
import subprocess
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
    """What a command took: seconds, of the clock and of processors, and bytes of its own and of those it started."""

    seconds: float
    processor: float
    own: int
    children: int
    together: int
    code: int


def measure(command: Sequence[str], folder: Path, environment: Mapping[str, str] | None = None) -> Spent:
    """Run a command in *folder*, and look at what it and its children hold."""
    began = time.perf_counter()
    process = subprocess.Popen(
        command,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
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
