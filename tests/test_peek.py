"""`importer peek`: how a source is read, for people and for scripts; and what every command takes as a source."""

from __future__ import annotations

import csv
import io
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import xlsxwriter

from importer.read import read

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

ITEMS = 'Open items\n\nNo;Name;Town;Amount\n001;"Nord\nAG";Kiel;1,50\n002;"Süd; ""Alt""";Ulm;2,00\nTotal;;;3,50\n'


@pytest.fixture
def items(tmp_path: Path) -> Path:
    path = tmp_path / "items.csv"
    path.write_bytes(ITEMS.encode("cp1252"))
    return path


def test_peek_says_how_a_source_was_read(importer: Callable[..., Any], items: Path) -> None:
    ran = importer("peek", items)

    assert (ran.code, ran.out) == (0, "")
    for said in ("cp1252", "semicolon", "header row", "row 1", "row 6", 'Süd; "Alt"', "Open items", "Total | 3,50"):
        assert said in ran.err


def test_peek_tells_scripts_the_same(importer: Callable[..., Any], items: Path) -> None:
    ran = importer("peek", "--json", items)

    told = ran.said
    assert told["facts"] | {"encoding": "cp1252", "delimiter": "semicolon", "header row": "3"} == told["facts"]
    assert (told["source"], told["rows"], told["exit"]) == ("items.csv", 2, 0)
    assert told["header"] == ["No", "Name", "Town", "Amount"]
    assert told["first"][0] == {"row": 4, "cells": ["001", "Nord\nAG", "Kiel", "1,50"]}
    assert told["left_out"][-1] == {"row": 6, "why": "total", "cells": ["Total", None, None, "3,50"]}


def test_peek_writes_every_text_cell_as_read(items: Path) -> None:
    command = [sys.executable, "-c", "from importer.cli import main; main()", "peek", "--csv", "--quiet", items]
    ran = subprocess.run(command, capture_output=True, check=True)

    assert (ran.stderr, ran.stdout.count(b"\r\n")) == (b"", 3)
    assert list(csv.reader(io.StringIO(ran.stdout.decode(), newline=""))) == [
        ["No", "Name", "Town", "Amount"],
        ["001", "Nord\nAG", "Kiel", "1,50"],
        ["002", 'Süd; "Alt"', "Ulm", "2,00"],
    ]


def test_a_reader_that_has_seen_enough_ends_peek_quietly(tmp_path: Path) -> None:
    (tmp_path / "large.csv").write_text("No,Name\n" + "1,Nord AG\n" * 100_000, encoding="utf-8")
    command = [sys.executable, "-c", "from importer.cli import main; main()", "peek", "--csv", "--quiet", "large.csv"]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        assert running.stdout
        assert running.stderr
        assert running.stdout.readline() == b"No,Name\r\n"
        running.stdout.close()

        assert running.stderr.read() == b""
    assert running.returncode == 0


def test_what_peek_writes_is_read_the_same_again(importer: Callable[..., Any], tmp_path: Path) -> None:
    rows = [["No", "Note"], *([f"{number:05}", f'=a"{number}", b\n c '] for number in range(25_000))]
    with (tmp_path / "large.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)

    ran = importer("peek", "--csv", "--quiet", tmp_path / "large.csv")

    assert list(csv.reader(io.StringIO(ran.out, newline=""))) == rows


def test_peek_looks_at_sources_that_are_no_invoices(importer: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "towns.csv").write_text("Town\nKiel\n", encoding="utf-8")

    assert importer("peek", "--json", "towns.csv").said["header"] == ["Town"]


def test_signs_that_would_steer_a_terminal_are_shown_harmless(importer: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "bad.csv").write_text("No,Name\n1,\x1b[31mred\x07\n", encoding="utf-8")

    ran = importer("peek", "bad.csv")

    assert "\\x1b[31mred\\x07" in ran.err
    assert "\x1b[31mred" not in ran.err


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["nowhere.csv"], 3, "does not exist"),
        (["items.csv", "--sheet", "One"], 3, "is no workbook"),
        (["items.csv", "--header-row", "2"], 3, "has nothing in row 2"),
        (["items.csv", "--encoding", "klingon"], 2, "is no encoding"),
        (["items.csv", "--encoding", "base64"], 2, "is no encoding"),
        (["items.csv", "--encoding", "idna"], 2, "is no encoding"),
        (["items.csv", "--encoding", "utf-7"], 3, "is utf-7, but for bytes that mean nothing in it (row 5)"),
        (["items.csv", "--delimiter", "ab"], 2, "cannot part cells"),
        (["items.csv", "--delimiter", "a"], 2, "give one sign, such as ; or tab"),
        (["items.csv", "--csv", "--json"], 2, "leave one of them out"),
        (["*.nothing"], 3, "No file is named like"),
    ],
)
def test_what_peek_cannot_do_ends_as_everywhere(
    importer: Callable[..., Any], items: Path, arguments: list[str], code: int, words: str
) -> None:
    ran = importer("peek", *arguments)

    assert ran.code == code
    assert words in ran.err
    assert items.exists()


def test_options_of_reading_beat_what_the_source_tells(importer: Callable[..., Any], items: Path) -> None:
    ran = importer("peek", "--json", "--encoding", "CP1250", "--delimiter", "TAB", "--header-row", 3, items)

    assert ran.said["header"] == ["No;Name;Town;Amount"]
    assert ran.said["facts"]["encoding"] == "cp1250"


INVOICE = (
    "creditorReference,date,amountToRecover,currencyCode,debtor.type,debtor.name,debtor.address,debtor.zipCode,"
    "debtor.city,debtor.countryAlpha2\n{},2026-01-05,100.00,EUR,Company,Muster GmbH,Straße 1,10115,Berlin,DE\n"
)


def test_patterns_are_expanded_by_the_program_itself(importer: Callable[..., Any], tmp_path: Path) -> None:
    for name in ("b", "a", "c"):
        (tmp_path / f"june-{name}.csv").write_text(INVOICE.format(name), encoding="utf-8")
    (tmp_path / "june-folder.csv").mkdir()

    ran = importer("check", "--json", "--no-report", "june-c.csv", "june-*.csv")

    assert ran.said["sources"] == ["june-c.csv", "june-a.csv", "june-b.csv"]
    assert ran.said["counts"]["valid"] == 3


def test_a_file_whose_name_looks_like_a_pattern_is_a_file(importer: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "june[1].csv").write_text(INVOICE.format("1"), encoding="utf-8")

    assert importer("check", "--json", "--no-report", "june[1].csv").said["counts"]["valid"] == 1


def test_several_files_are_too_many_for_peek(importer: Callable[..., Any], tmp_path: Path) -> None:
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_text("x,y\n1,2\n", encoding="utf-8")

    ran = importer("peek", "*.csv")

    assert (ran.code, "names 2 files" in ran.err) == (3, True)


def test_standard_input_is_a_source(importer: Callable[..., Any]) -> None:
    ran = importer("check", "--json", "--no-report", "-", answer=INVOICE.format("1"))

    assert ran.said["sources"] == ["standard input"]
    assert ran.said["counts"]["valid"] == 1
    assert (importer("peek", "-", answer="").code, importer("check", "-", "-").code) == (3, 3)


def test_a_workbook_comes_through_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    packed = io.BytesIO()
    with xlsxwriter.Workbook(packed) as book:
        book.add_worksheet().write_row(0, 0, ["a", "b"])
        book.worksheets()[0].write_row(1, 0, ["1", 2])
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(packed.getvalue())))

    assert read(Path("-")).header == ("a", "b")


def test_what_was_left_out_is_said_before_anything_is_sent(importer: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "june.csv").write_text(
        "Open items\n" + INVOICE.format("1") + "Total,,100.00,EUR,,,,,,\n", encoding="utf-8"
    )

    checked = importer("check", "june.csv")
    sent = importer("submit", "june.csv", "--sandbox", "--yes")

    for ran in (checked, sent):
        assert "june.csv: totals, left out: row 4." in ran.err
        assert "june.csv: titles, left out: row 1." in ran.err
