"""What the program starts as a process, in one that was forked with its modules loaded, as a fresh interpreter would.

The fixtures `launch` and `reader` have `runpy` run this file, with *given* among its globals.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING, Any

from importer.cli import main
from importer.read import cells

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

STARTS: Mapping[str, Callable[[Sequence[str]], object]] = {
    "importer": lambda arguments: main(arguments, prog_name="importer"),
    "importer.read.cells": lambda arguments: cells.main(*arguments),
}


def run(
    program: str,
    arguments: Sequence[str],
    folder: Path,
    environment: Mapping[str, str],
    streams: tuple[Path, Path, Path],
    before: str,
) -> None:
    ways = (os.O_RDONLY, *2 * [os.O_WRONLY | os.O_CREAT | os.O_TRUNC])
    for number, (path, way) in enumerate(zip(streams, ways, strict=True)):
        os.dup2(os.open(path, way, 0o600), number)
    sys.stdin = open(0, closefd=False)  # noqa: SIM115 - whoever forks gives it another
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    exec(before, {})  # noqa: S102 - a test's own
    code: Any = 0
    try:
        STARTS[program](arguments)
    except SystemExit as end:
        code = end.code
    # What follows belongs to the fork and not to the program: no signal is to give it another exit code.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code or 0)


if __name__ == "__main__":
    run(**globals()["given"])
