"""The floor: for each stage what no program can go below, beside ours.

Each of these is a command of this script in a process of its own:

    python floor.py bytes PATH                    read the bytes
    python floor.py cells PATH                    split a CSV into cells, with Arrow's reader in C++
    python floor.py expat PATH                    unpack a workbook's sheet and texts, and have expat parse them
    python floor.py deflate PATH                  pack the parts of a workbook, once more
    python floor.py fsync FOLDER TIMES            put so many pages on the disk, one after the other
    python floor.py post DATABASE URL AT_ONCE     send requests over sockets, and look at nothing but their status
"""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
import sys
import zipfile
import zlib
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from xml.parsers import expat

if TYPE_CHECKING:
    from collections.abc import Iterator

    from contest import Suite

BLOCK = 1 << 20
PAGE = 4096
TEXTS = "xl/sharedStrings.xml"


def floor(suite: Suite, _rows: list[int] | None) -> None:
    """Hold each stage against its floor."""
    from contest import PROGRAM, run  # noqa: PLC0415 - the commands below begin without them
    from posting import POSTED, keep_rows, posting  # noqa: PLC0415 - the same

    def below(*command: str) -> list[str]:
        return [sys.executable, __file__, *command]

    csv, xlsx = suite.source("csv", 1_000_000, 0.0), suite.source("xlsx", 100_000, 0.0)
    for source, name, others in (
        (csv, "CSV, 1,000,000 rows", {"reading its bytes": "bytes", "Arrow splitting it into cells": "cells"}),
        (xlsx, "XLSX, 100,000 rows", {"reading its bytes": "bytes", "expat parsing it": "expat"}),
    ):
        spent = suite.race(
            {"ours": run([*PROGRAM, "check", source, "--quiet", "--no-report"])}
            | {other: run(below(command, source)) for other, command in others.items()}
        )
        for other in others:
            suite.hold(f"check --no-report, {name}", spent["ours"], (other, spent[other]))
    written = suite.folder / "floor"
    report = [*PROGRAM, "check", suite.source("csv", 100_000, 0.0), "--quiet", "--workspace", str(written)]
    run(report)(suite.folder)
    made = max((written / "reports").glob("*/results.xlsx"))
    spent = suite.race({"ours": run(report[:-2]), "deflate": run(below("deflate", str(made)))})
    suite.hold("check, CSV, 100,000 rows", spent["ours"], ("packing its workbook, made before", spent["deflate"]))
    source, database = suite.source("csv", POSTED, 0.0), suite.folder / "rows.db"
    keep_rows(Path(source), database)
    ours = posting(POSTED, lambda _url, _place: [*PROGRAM, "submit", source, "--yes", "--quiet"])
    raw = posting(POSTED, lambda url, _place: below("post", str(database), url, "64"))
    spent = suite.race({"ours": ours, "raw": raw, "fsync": run(below("fsync", ".", str(2 * POSTED // GROUP)))})
    suite.hold(f"submit, {POSTED:,} rows", spent["ours"], ("sockets and asyncio alone, 64 at once", spent["raw"]))
    suite.hold(f"submit, {POSTED:,} rows", spent["ours"], (f"one fsync for every {GROUP} changes", spent["fsync"]))


GROUP = 16  # changes of rows that one commit holds, of two a row; as tests/bench/safety.py finds it


def read_bytes(path: str) -> None:
    with Path(path).open("rb", buffering=0) as file:
        block = bytearray(BLOCK)
        while file.readinto(block):
            pass


def read_cells(path: str) -> None:
    from pyarrow import csv, string  # noqa: PLC0415 - for this floor alone

    names = Path(path).open(encoding="utf-8").readline().strip().split(",")  # noqa: SIM115 - it ends with the program
    csv.read_csv(path, convert_options=csv.ConvertOptions(column_types=dict.fromkeys(names, string())))


def parse_xml(path: str) -> None:
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            if name == TEXTS or name.startswith("xl/worksheets/sheet"):
                parser = expat.ParserCreate()
                with archive.open(name) as part:
                    parser.ParseFile(part)


def deflate(path: str) -> None:
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            packer = zlib.compressobj(1)
            with archive.open(name) as part:
                while block := part.read(BLOCK):
                    packer.compress(block)


def sync(folder: str, times: str) -> None:
    with (Path(folder) / "pages").open("wb", buffering=0) as file:
        for _ in range(int(times)):
            file.write(bytes(PAGE))
            os.fsync(file.fileno())


def post(database: str, url: str, at_once: str) -> None:
    place = urlsplit(url)
    rows = iter(sqlite3.connect(database).execute("SELECT reference, body FROM invoices").fetchall())
    asyncio.run(_send_all(rows, str(place.hostname), int(place.port or 80), int(at_once)))


async def _send_all(rows: Iterator[tuple[str, str]], host: str, port: int, at_once: int) -> None:
    async def work() -> None:
        reader, writer = await asyncio.open_connection(host, port)
        for reference, body in rows:
            head = f"POST /cases HTTP/1.1\r\nHost: {host}\r\nIdempotency-Key: {reference}\r\nContent-Length: "
            writer.write(f"{head}{len(body.encode())}\r\n\r\n{body}".encode())
            answer = await reader.readuntil(b"\r\n\r\n")
            assert answer.startswith(b"HTTP/1.1 200")
            length = next(line for line in answer.lower().split(b"\r\n") if line.startswith(b"content-length:"))
            json.loads(await reader.readexactly(int(length.partition(b":")[2])))
        writer.close()

    await asyncio.gather(*(work() for _ in range(at_once)))


COMMANDS = {
    "bytes": read_bytes,
    "cells": read_cells,
    "expat": parse_xml,
    "deflate": deflate,
    "fsync": sync,
    "post": post,
}

if __name__ == "__main__":
    COMMANDS[sys.argv[1]](*sys.argv[2:])
