"""The program, in a process that was forked with its modules loaded, as a fresh interpreter would run it.

The fixture `launch` has `runpy` run this file, with *given* among its globals.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING, Any

from importer.cli import main

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


def run(arguments: tuple[str, ...], folder: Path, environment: Mapping[str, str], out: Path, err: Path) -> None:
    for number, path in enumerate((out, err), start=1):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), number)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    code: Any = 0
    try:
        main(arguments, prog_name="importer")
    except SystemExit as end:
        code = end.code
    # What follows belongs to the fork and not to the program: no signal is to give it another exit code.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    run(**globals()["given"])
