"""Files that are made to harm, or that harm as they are: bounded time and memory, one sentence, nothing left behind."""

from __future__ import annotations

import contextlib
import gzip
import http.server
import importlib.util
import io
import os
import re
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import xlsxwriter

from importer.errors import SourceError
from importer.model import Reading
from importer.read import apart, read, scan, source

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType


@pytest.fixture(autouse=True)
def reader() -> None:
    """Let the reader start as it does for a user: its bounds are what is proven."""


def load(name: str) -> ModuleType:
    """Load a module that lies beside the tests."""
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


hostile = load("hostile")
FILES = {file.name: file for file in hostile.FILES}
MEMORY = "needs more memory than a spreadsheet should"
TERMINAL = "\x1b[2J\x1b]0;owned\x07\r\u202e"
CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


@pytest.mark.parametrize("name", [name for name, file in FILES.items() if not file.soak])
def test_a_hostile_file_is_read_or_refused_in_one_sentence(
    importer: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    monkeypatch.setenv("TMPDIR", str(folder))
    path = FILES[name].write(tmp_path)

    ran = importer("peek", name)

    path.unlink()
    assert ran.code == (3 if FILES[name].said else 0), ran.err
    assert FILES[name].said in ran.err
    if ran.code:
        assert ran.err.startswith(name)
        assert ran.err.endswith(".\n")
        assert ran.err.count("\n") == 1
        assert len(ran.err) < 500
    assert not CONTROL.search(ran.err)
    assert [*tmp_path.iterdir()] == [folder]
    assert not [*folder.iterdir()]


@pytest.mark.parametrize(
    "name", ["last-corner.xlsx", "one-line.csv", "bomb-of-one-string.xlsx", "errors.ods", "columns.csv"]
)
def test_a_bomb_takes_no_more_than_a_small_file(tmp_path: Path, name: str) -> None:
    cost = hostile.look(FILES[name].write(tmp_path), tmp_path)

    assert cost.code == 3
    assert cost.megabytes < 400
    assert cost.seconds < 60


@pytest.mark.soak
@pytest.mark.parametrize("name", FILES)
def test_every_hostile_file_costs_bounded_time_and_memory(tmp_path: Path, name: str) -> None:
    path = FILES[name].write(tmp_path)
    size = path.stat().st_size

    cost = hostile.look(path, tmp_path)

    assert cost.code == (3 if FILES[name].said else 0), cost.said
    assert FILES[name].said in cost.said
    assert cost.megabytes < 4096 + 12 * size / hostile.MEGABYTE
    assert cost.seconds < apart.PATIENCE + 60


def test_nothing_is_left_of_a_run_whose_source_is_refused(importer: Callable[..., Any], tmp_path: Path) -> None:
    FILES["last-corner.xlsx"].write(tmp_path)

    ran = importer("check", "last-corner.xlsx", "--json")

    assert ran.code == 3
    assert ran.said["error"].startswith("last-corner.xlsx needs more memory")
    assert [path.name for path in tmp_path.iterdir()] == ["last-corner.xlsx"]


# --- the process apart


def sources() -> dict[str, bytes]:
    writers = hostile.writers
    books = {f"small.{end}": write(hostile.SMALL) for end, write in writers.WRITERS.items()}
    return books | {f"{name}.gz": gzip.compress(data) for name, data in books.items()}


FILLED = {
    "xlsx": lambda: hostile.with_cell("ZZ300000"),
    "xlsx.gz": lambda: gzip.compress(hostile.with_cell("ZZ300000")),
    "xlsb": lambda: b"".join(FILES["corner.xlsb"].make()),
    "ods": lambda: hostile.repeated("1000000", "60", hostile.VALUE),
    "xls": lambda: b"".join(FILES["corner.xls"].make()),
}


@pytest.mark.parametrize("end", FILLED)
def test_every_kind_of_workbook_is_read_in_bounded_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, end: str
) -> None:
    monkeypatch.setattr(apart, "MEMORY", 500 << 20)
    (tmp_path / f"june.{end}").write_bytes(FILLED[end]())

    with pytest.raises(SourceError, match=f"june.{end} {MEMORY}"):
        read(tmp_path / f"june.{end}")


@pytest.mark.parametrize("name", sources())
def test_every_kind_of_workbook_is_read_in_bounded_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(apart, "PATIENCE", 0.001)
    (tmp_path / name).write_bytes(sources()[name])

    with pytest.raises(SourceError, match=f"{name} could not be read within 0 s; split it"):
        read(tmp_path / name)


def test_a_larger_workbook_may_take_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apart, "MEMORY", 1)
    monkeypatch.setattr(apart, "TIMES", 1 << 30)
    (tmp_path / "june.xlsx").write_bytes(sources()["small.xlsx"])

    assert len(read(tmp_path / "june.xlsx").cells) == 2


def test_a_reader_that_nobody_waits_for_any_more_ends_by_itself() -> None:
    data = hostile.with_cell("Z1048576")
    command = [sys.executable, "-P", "-m", "importer.read.cells", str(8 << 30), "1", "xlsx", "Data"]

    ended = subprocess.run(
        [*command, "xl/worksheets/sheet1.xml"], input=data, stdout=subprocess.DEVNULL, timeout=120, check=False
    )

    assert ended.returncode < 0


# --- cut short


@pytest.mark.parametrize("end", ["xlsx", "xlsb", "ods", "xlsx.gz", "csv.gz"])
def test_an_archive_that_is_cut_short_anywhere_is_refused(tmp_path: Path, end: str) -> None:
    data = gzip.compress(b"a,b\n1,2\n") if end == "csv.gz" else sources()[f"small.{end}"]
    path = tmp_path / f"june.{end}"
    for length in range(len(data) if end.endswith("gz") or len(data) < 2000 else 0):
        path.write_bytes(data[:length])
        with pytest.raises(SourceError, match=r"june.*\.$"):
            read(path)


@pytest.mark.parametrize("part", [0.1, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 0.99])
def test_an_old_workbook_that_is_cut_short_is_refused_or_read_whole(tmp_path: Path, part: float) -> None:
    data = sources()["small.xls"]
    path = tmp_path / "june.xls"
    path.write_bytes(data)
    whole = read(path).cells
    path.write_bytes(data[: int(len(data) * part)])

    with contextlib.suppress(SourceError):
        assert read(path).cells.equals(whole)


# --- what is no file, or not for long


def test_a_link_is_followed_and_told_by_its_own_name(importer: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "june.csv").write_text("a,b\n1,2\n")
    (tmp_path / "link.csv").symlink_to(tmp_path / "there" / "june.csv")

    assert importer("peek", "link.csv", "--json").said["source"] == "link.csv"


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("nowhere.csv", "does not exist"),
        ("link.csv", "cannot be read: Too many levels of symbolic links"),
        (".", "is a folder"),
    ],
)
def test_a_link_to_nothing_is_refused(tmp_path: Path, target: str, words: str) -> None:
    (tmp_path / "link.csv").symlink_to(tmp_path / target)

    with pytest.raises(SourceError, match=f"link.csv {words}"):
        read(tmp_path / "link.csv")


def test_a_pipe_that_nobody_writes_to_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "june.csv")

    with pytest.raises(SourceError, match="is no regular file"):
        read(tmp_path / "june.csv")


def test_a_socket_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # the name of a socket is short
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("june.csv")
        with pytest.raises(SourceError, match="is no regular file"):
            read(Path("june.csv"))


@pytest.mark.parametrize("device", ["/dev/zero", "/dev/tty", "/dev/full"])
def test_devices_are_refused(device: str) -> None:
    with pytest.raises(SourceError, match="is no regular file"):
        read(Path(device))


def test_an_endless_stream_on_standard_input_is_refused_soon(tmp_path: Path) -> None:
    with Path("/dev/zero").open("rb") as endless:
        ended = subprocess.run(
            [*hostile.PROGRAM, "peek", "-"], stdin=endless, capture_output=True, text=True, cwd=tmp_path, check=False
        )

    assert ended.returncode == 3
    assert ended.stderr == "Standard input has a line of more than 32 MiB: no table has; export it again.\n"


def test_a_stream_that_is_too_long_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "LARGEST", 1000)
    monkeypatch.setattr(source, "LONGEST_LINE", 100)
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"a,b\n" * 1000)))

    with pytest.raises(SourceError, match="Standard input is longer than 4 GiB; split it"):
        read(Path("-"))


def test_a_file_that_changes_while_it_is_read_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "CHUNK", 64)  # so that reading takes a while
    path = tmp_path / "june.csv"
    path.write_bytes(b"a,b\n" + b"1,2\n" * 20_000)
    done = threading.Event()

    def go_on_writing() -> None:
        with path.open("ab") as file:
            while not done.is_set():
                file.write(b"1,2\n")
                file.flush()
                time.sleep(0.001)

    writer = threading.Thread(target=go_on_writing)
    writer.start()
    try:
        with pytest.raises(SourceError, match="changed while it was read; wait until it is written, and try again"):
            [read(path) for _ in range(1000)]
    finally:
        done.set()
        writer.join()


# --- terminals


@pytest.mark.parametrize("command", [["peek"], ["check", "--no-report"]])
@pytest.mark.parametrize("content", ["", "a,b\n1,2\n", f"a{TERMINAL},b\n{TERMINAL},2\n3,4,5\n"])
def test_a_files_name_does_not_steer_the_terminal(
    importer: Callable[..., Any], tmp_path: Path, command: list[str], content: str
) -> None:
    name = f"june{TERMINAL}\nsecond.csv".replace("/", "")
    (tmp_path / name).write_text(content)

    ran = importer(*command, name)

    assert ran.code in {0, 3}
    assert not CONTROL.search(ran.err)
    if ran.code:
        assert ran.err.count("\n") == 1
        assert r"june\x1b[2J" in ran.err or "The columns found are" in ran.err


def test_names_of_sheets_and_headers_do_not_steer_the_terminal(importer: Callable[..., Any], tmp_path: Path) -> None:
    sheets = [hostile.Sheet([["a\u009b2J", "b"], ["\u009b31m", "2"]], name=f"x\u009b{n}\u202e") for n in range(2)]
    (tmp_path / "two.xlsx").write_bytes(hostile.writers.xlsx(*sheets))
    (tmp_path / "one.xlsx").write_bytes(hostile.writers.xlsx(sheets[0]))

    for arguments in (["peek", "two.xlsx"], ["peek", "one.xlsx"], ["check", "one.xlsx", "--no-report"]):
        ran = importer(*arguments)
        assert r"\x9b" in ran.err
        assert not CONTROL.search(ran.err)


# --- elsewhere


def test_nothing_is_fetched_whatever_a_workbook_refers_to(tmp_path: Path) -> None:
    asked: list[str] = []

    class Listener(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(404)

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Listener) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        address = f"http://127.0.0.1:{server.server_port}/"
        entity = f'<!DOCTYPE x SYSTEM "{address}dtd" [<!ENTITY e SYSTEM "{address}entity">]>'
        (tmp_path / "refers.xlsx").write_bytes(hostile.remote(address))
        (tmp_path / "entity.xlsx").write_bytes(hostile.with_sheet(hostile.sheet_xml(hostile.CELLS, entity)))
        (tmp_path / "entity.ods").write_bytes(hostile.ods_with("", f"<!--{' ' * 5000}-->{entity}"))
        rows = len(read(tmp_path / "refers.xlsx").cells)
        for name in ("entity.xlsx", "entity.ods"):
            with pytest.raises(SourceError, match="declares entities"):
                read(tmp_path / name)
        server.shutdown()
        thread.join()

    assert rows == 2
    assert asked == []


def test_names_in_an_archive_lead_nowhere(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    folder.mkdir(parents=True)

    read(FILES["absolute-names.xlsx"].write(folder))

    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["absolute-names.xlsx"]


def test_a_workbook_of_many_columns_tells_only_some(importer: Callable[..., Any], tmp_path: Path) -> None:
    header = [f"column {n}" for n in range(1000)]
    (tmp_path / "many.xlsx").write_bytes(hostile.writers.xlsx(hostile.Sheet([header, ["x"] * 1000])))
    (tmp_path / "many.csv").write_text(",".join(header) + "\n" + ",".join("x" * 1000))

    assert "and 900 more columns" in importer("peek", "many.xlsx").err
    ran = importer("check", "many.csv")
    assert "and 950 more" in ran.err
    assert len(ran.err) < 6000


def test_a_workbook_with_fewer_facts_than_columns_is_told_in_ranges(tmp_path: Path) -> None:
    book = xlsxwriter.Workbook(str(tmp_path / "june.xlsx"))
    page = book.add_worksheet()
    for column in range(30):
        page.write(0, column, "same")
        page.write(1, column, column)
    page.set_column(3, 29, options={"hidden": True})
    book.close()

    facts = dict(read(tmp_path / "june.xlsx", Reading()).facts)

    assert facts["headers that repeat"] == "“same” in A, B, C, D, E, F, G, H, I, J and more"
    assert facts["hidden columns, read"] == "D, E, F, G, H, I, J, K, L, M and more"


def test_no_sheet_is_searched_again_and_again_however_it_is_written() -> None:
    began = time.process_time()

    for xml in (
        b'<c r="A1" t="e">' * 100_000,
        b"<row " * 100_000 + b"hidden",
        b"<cols>" + b"<col " * 100_000 + b"hidden sheetData",
        b"<c><f>1</f>" + b" " * 200_000,
        b'<c r="A1"><f ' * 100_000,
        b' t="e"' * 100_000,
    ):
        with contextlib.suppress(SourceError):
            scan.scan(xml)

    assert time.process_time() - began < 10
