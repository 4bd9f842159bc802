"""The audit trail: who did what, when, with what; and each attempt at each row."""

from __future__ import annotations

import getpass
import re
import socket
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import openpyxl
import pytest

from importer import __version__
from importer.protocol import Answer, request_id
from importer.sandbox import Fault, Settings, serving

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Importer = Callable[..., Any]

HEADER = "Invoice number,Currency,Invoice date,Amount,Debtor type,Customer,Street,City,Country code"


def source(path: Path, rows: int) -> Path:
    lines = (
        f"INV-{number},EUR,2026-01-15,{number + 1}.50,Company,Example {number},1 St,Town,DE" for number in range(rows)
    )
    path.write_text("\n".join([HEADER, *lines]) + "\n")
    return path


def told(report: str) -> dict[str, str]:
    """Read the names and values of the sheet `Run`."""
    rows = openpyxl.load_workbook(report)["Run"].iter_rows(values_only=True)
    return {str(row[0]): str(row[1]) for row in rows if row[0]}


def test_show_tells_who_when_what_and_how(importer: Importer, tmp_path: Path) -> None:
    file = source(tmp_path / "june.csv", 3)
    said = importer("submit", file, "--sandbox", "--yes", "--json", "--rate", "600/min").said

    shown = importer("show", said["run"], "--json").said

    me = f"{getpass.getuser()}@{socket.gethostname()}"
    assert shown["sha256"] == [sha256(file.read_bytes()).hexdigest()]
    assert shown["version"] == __version__
    assert shown["settings"]["Rate"].startswith("600/min")
    assert shown["account_name"]
    assert shown["host"].startswith("127.0.0.1:")
    assert shown["requests"] == {"post": 3, "me": 1}
    (session,) = shown["sessions"]
    assert (session["by"], session["version"], session["exit_code"], session["stopped"]) == (me, __version__, 0, None)
    assert session["began"] <= session["ended"] <= shown["finished"]
    for text in (me, "sha256", "Rate 600/min", "post 3"):
        assert text in importer("show", said["run"]).err


def test_the_sheet_run_tells_the_same(importer: Importer, tmp_path: Path) -> None:
    file = source(tmp_path / "june.csv", 3)
    said = importer("submit", file, "--sandbox", "--yes", "--json").said

    run = told(said["report"])

    assert run["SHA-256"] == sha256(file.read_bytes()).hexdigest()
    assert run["Requests"] == "me 1, post 3"
    assert run["Session 1"].startswith(f"{getpass.getuser()}@{socket.gethostname()}, importer {__version__}: ")
    assert run["Session 1"].endswith(" UTC, exit code 0")


def test_a_check_tells_who_made_it(importer: Importer, tmp_path: Path) -> None:
    said = importer("check", source(tmp_path / "june.csv", 1), "--json").said

    run = told(said["report"])

    assert run["Session 1"].startswith(f"{getpass.getuser()}@")
    assert "Requests" not in run


def test_each_session_of_a_run_is_told(importer: Importer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMPORTER_API_KEY", "sandbox")
    denied = Settings(faults=(Fault.parse("deny:after=1,times=1"),))
    file = source(tmp_path / "june.csv", 3)
    with serving(tmp_path / "outside.db", denied) as url:
        said = importer("submit", file, "--yes", "--json", "--api-url", url, "--concurrency", "1").said
        resumed = importer("resume", said["run"], "--json", "--api-url", url).said

    sessions = importer("show", said["run"], "--json").said["sessions"]

    assert (said["exit"], resumed["exit"]) == (4, 0)
    assert [session["exit_code"] for session in sessions] == [4, 0]
    assert "401" in sessions[0]["stopped"]
    assert sessions[1]["stopped"] is None
    assert "exit code 4" in told(resumed["report"])["Session 1"]
    assert "exit code 0" in told(resumed["report"])["Session 2"]
    assert importer("show", said["run"], "--json").said["requests"]["me"] == 2


def test_each_attempt_at_a_row_is_told_with_the_apis_name_of_the_request(
    importer: Importer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IMPORTER_API_KEY", "sandbox")
    file = source(tmp_path / "june.csv", 1)
    with serving(tmp_path / "outside.db", Settings(faults=(Fault.parse("lose-answer:times=1"),))) as url:
        said = importer("submit", file, "--yes", "--json", "--api-url", url).said

    (case,) = importer("find", "INV-0", "--json").said["cases"]
    by_row = importer("show", said["run"], "--row", "2", "--json").said

    post, look_up = case["attempts"]
    assert (post["kind"], look_up["kind"], look_up["result"]) == ("post", "look-up", "200")
    assert post["result"].startswith("Lost: ")
    assert post["request_id"] is None
    assert re.fullmatch("[0-9a-f]{32}", look_up["request_id"])
    assert post["left"] <= post["ended"] <= look_up["left"] <= look_up["ended"]
    assert (by_row["cases"], by_row["exit"]) == ([case], 0)
    assert look_up["request_id"] in importer("find", "INV-0").err


def test_a_row_that_made_no_case_is_said_to_have_none(importer: Importer, tmp_path: Path) -> None:
    said = importer("submit", source(tmp_path / "june.csv", 1), "--sandbox", "--yes", "--json").said

    ran = importer("show", said["run"], "--row", "9")

    assert ran.code == 3
    none = "made no case of row 9 and kept none back: see Results in its report for the rows it has."
    assert ran.err == f"Run {said['run']} {none}\n"


def test_a_user_without_a_name_is_unknown(importer: Importer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def nameless() -> str:
        raise KeyError

    monkeypatch.setattr(getpass, "getuser", nameless)

    said = importer("check", source(tmp_path / "june.csv", 1), "--json").said

    assert told(said["report"])["Session 1"].startswith("unknown@")


@pytest.mark.parametrize(
    ("headers", "body", "name"),
    [
        ({"x-request-id": "a", "traceparent": "b"}, b'{"traceId": "c"}', "a"),
        ({"x-request-id": "", "request-id": "a"}, b"", "a"),
        ({"x-correlation-id": "a"}, b"", "a"),
        ({"traceparent": "00-4bf9-00f0-01"}, b"", "00-4bf9-00f0-01"),
        ({}, b'{"traceId": "00-4bf9"}', "00-4bf9"),
        ({}, b'{"traceId": 7}', None),
        ({}, b'{"traceId": ""}', None),
        ({}, b"[]", None),
        ({}, b"<html>", None),
        ({"x-request-id": "a" * 201}, b"", None),
    ],
)
def test_the_apis_name_of_a_request_is_read_wherever_it_stands(
    headers: dict[str, str], body: bytes, name: str | None
) -> None:
    assert request_id(Answer(400, headers, body)) == name


def test_a_case_that_was_made_tells_its_request_in_a_header_alone() -> None:
    assert request_id(Answer(200, {}, b'{"traceId": "00-4bf9"}')) is None
    assert request_id(Answer(200, {"x-request-id": "a"}, b"{}")) == "a"
