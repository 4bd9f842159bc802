"""The results workbook at its edges: hostile texts, the format's limits, full disks, figures that must reconcile."""

from __future__ import annotations

import re
import resource
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np
import openpyxl
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook

from importer.errors import RunError
from importer.model import (
    FORMULA_LIKE,
    FORMULA_OPENINGS,
    ISSUE_COLUMNS,
    OUTCOME_COLUMNS,
    STATUSES,
    Report,
    Run,
    SourceInfo,
    Styles,
)
from importer.read import read
from importer.report import archive, mending, rows
from importer.report.workbook import write

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

TEXT = pd.ArrowDtype(pa.string())
WHEN = datetime(2026, 11, 21, 10, 15, tzinfo=UTC)
RUN = Run(
    id="20261121-101500-june-3f2a",
    kind="submit",
    sources=(SourceInfo("june.csv", "ab" * 32, (("format", "text"),)),),
    target="customer",
    mode="live",
    account="Invented ApS (1)",
    host="127.0.0.1:1",
    started=WHEN,
    finished=None,
    version="0.1.0",
    settings=(),
    columns={"No": "creditorReference", "Name": "debtor.name"},
    constants={},
    styles=(Styles(),),
    stopped=None,
    exit_code=1,
)


def report(
    texts: Sequence[str | None],
    *,
    status: str | Sequence[str] = "invalid",
    issues: Sequence[tuple[Any, ...]] = (),
    amounts: Any = None,
    header: tuple[str, str] = ("No", "Name"),
    **told: Sequence[str | None] | str,
) -> Report:
    """Make a report of two columns, "No" and "Name", the second of *texts*; *told* are columns of outcomes."""
    height = len(texts)
    index = pd.Index(range(2, 2 + height), name="row")

    def column(values: Any) -> pd.Series:
        return pd.Series([values] * height if isinstance(values, str) else values, index, TEXT)

    outcomes = pd.DataFrame(
        {name: column(told.get(name, [None] * height)) for name in OUTCOME_COLUMNS if name != "sent_at"}
    )
    outcomes["status"] = column(status)
    outcomes["sent_at"] = pd.Series([None] * height, index, pd.ArrowDtype(pa.timestamp("us", "UTC")))
    return Report(
        run=RUN,
        header=header,
        cells=pd.DataFrame({0: column([f"A-{n}" for n in range(height)]), 1: column(texts)}),
        numbers={},
        issues=pd.DataFrame(issues, columns=list(ISSUE_COLUMNS)).astype(
            {name: "int64" if name == "row" else TEXT for name in ISSUE_COLUMNS}
        ),
        outcomes=outcomes,
        amounts=pd.DataFrame(
            {
                "amount": pd.Series(amounts or [None] * height, index, pd.ArrowDtype(pa.decimal128(38, 18))),
                "currency": column("EUR"),
            }
        ),
    )


def fault(row: int, column: str | None = "Name", message: str = "It is wrong.", code: str = "required") -> Any:
    return (row, column, "debtor.name", "error", code, None, message, "Mend it.")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "results.xlsx"


def names(path: Path, sheet: str = "Results") -> list[Any]:
    """Read the column "Name", as calamine does: it gives escaped characters back."""
    header, *lines = CalamineWorkbook.from_path(str(path)).get_sheet_by_name(sheet).to_python()
    return [line[header.index("Name")] for line in lines]


def words(path: Path, sheet: str) -> str:
    lines = openpyxl.load_workbook(path)[sheet].iter_rows(values_only=True)
    return "\n".join(str(cell) for line in lines for cell in line if cell is not None)


# The characters of which escapes are made, so that texts that look like them, or overlap, are likely.
escapes = st.lists(
    st.sampled_from(["_", "x", "0041", "005F", "000D", "\x01", "\r", "\n", "é", "😀", "<&>"]), max_size=9
)


@settings(max_examples=20, deadline=None)
@given(st.lists(escapes.map("".join), min_size=20, max_size=40))
def test_texts_that_look_like_escapes_come_back_unchanged(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str]
) -> None:
    path = tmp_path_factory.mktemp("escapes") / "results.xlsx"
    write(report([f"|{text}|" for text in texts]), path)

    assert names(path) == names(path, "To fix") == [f"|{text}|" for text in texts]


@pytest.mark.parametrize("text", ["_x0041_x0042_", "_x0041\x01", "_x005F_x0041_"])
def test_an_escape_that_begins_where_another_ends_comes_back_unchanged(path: Path, text: str) -> None:
    write(report([text]), path)

    assert names(path) == [text]


def test_a_header_is_as_inert_and_as_faithful_as_a_cell(path: Path) -> None:
    header = ("=1+1", "_x0041_\r<&>")
    write(report(["a"], header=header), path)

    assert read(path).header == header


@pytest.mark.parametrize("header", ["caf\udce9", "a\ufffe"])
def test_what_no_file_can_hold_is_replaced_in_names(path: Path, header: str) -> None:
    told = report(["a"], header=("No", header))
    run = replace(RUN, sources=(SourceInfo("caf\udce9.csv", "", ()),), constants={"comments": "\ud800"})
    write(replace(told, run=run), path)

    assert openpyxl.load_workbook(path)["To fix"]["B1"].value.endswith("\ufffd")
    assert "caf\ufffd.csv" in words(path, "Run")
    assert "Import of caf\ufffd.csv" in words(path, "Summary")


def test_control_characters_in_a_note_leave_the_workbook_whole(path: Path) -> None:
    write(report(["a"], issues=[fault(2, message="“\x01\ufffe” is no name.")]), path)

    assert openpyxl.load_workbook(path)["To fix"]["B2"].comment.text.endswith("is no name. Mend it.")


def test_a_link_in_the_first_row_leaves_every_status_its_colour(path: Path) -> None:
    linked = "https://app.example/sign"
    write(report(["a"] * len(STATUSES), status=STATUSES, solution=linked), path)

    with_links = openpyxl.load_workbook(path)["Results"]
    write(report(["a"] * len(STATUSES), status=STATUSES), path)
    without = openpyxl.load_workbook(path)["Results"]
    assert [cell.fill.fgColor.rgb for cell in with_links["B"]] == [cell.fill.fgColor.rgb for cell in without["B"]]
    assert {cell.hyperlink.target for cell in with_links["I"][1:]} == {linked}


def test_a_solution_that_is_a_sentence_is_no_link(path: Path) -> None:
    write(report(["a", "b"], solution=["http is refused", "https://a.example/ then sign"]), path)

    assert [cell.hyperlink for cell in openpyxl.load_workbook(path)["Results"]["I"]] == [None, None, None]


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        *(("0", 0), ("-5", -5), ("1234.5", 1234.5), ("-0.01", -0.01), ("123456789012345", 123456789012345)),
        *((text, text) for text in ("007", "1.50", "-0", "1e5", "1234567890123456", "0.1234567890123456", "</v>")),
    ],
)
def test_a_number_is_a_number_cell_only_where_no_digit_is_lost(path: Path, text: str, cell: object) -> None:
    write(replace(report([text]), numbers={1: np.array([True])}), path)

    found = openpyxl.load_workbook(path)["Results"]["L2"].value
    assert (type(found), found) == (type(cell), cell)


def test_a_cut_counts_characters_as_the_format_does_and_is_told(path: Path) -> None:
    write(report(["😀" * 20_000, "ä" * 32_767, "short"]), path)

    emoji, umlauts, _ = names(path)
    assert len(emoji.encode("utf-16-le")) // 2 <= rows.LONGEST
    assert emoji.endswith(rows.CUT)
    assert umlauts == "ä" * 32_767
    assert "1 text of more than 32,767 characters" in words(path, "Run")
    assert "1 text of more than 32,767 characters" in words(path, "Summary")


def test_a_workbook_that_holds_everything_remarks_nothing(path: Path) -> None:
    write(report(["a"], issues=[fault(2)]), path)

    assert "Remark" not in words(path, "Run")
    assert "characters" not in words(path, "Summary")


def test_where_notes_stop_every_cell_is_coloured_and_it_is_told(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mending, "NOTES", 2)
    monkeypatch.setattr("importer.report.remarks.NOTES", 2)
    write(report(["a"] * 3, issues=[fault(row) for row in (2, 3, 4)]), path)

    cells = openpyxl.load_workbook(path)["To fix"]["B"][1:]
    assert [cell.comment is not None for cell in cells] == [True, True, False]
    assert len({cell.fill.fgColor.rgb for cell in cells}) == 1
    assert cells[2].font.bold
    assert "3 cells are coloured and the first 2" in words(path, "Run")


def test_rows_to_mend_that_no_sheet_holds_are_counted(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mending, "TALLEST", 2)
    write(report(["a", "b", "c"], issues=[fault(row) for row in (2, 3, 4)]), path)

    assert names(path, "To fix") == ["a", "b"]
    assert "1 more row to mend" in words(path, "Summary")


def test_two_faults_of_a_cell_share_a_note(path: Path) -> None:
    write(report(["a"], issues=[fault(2, message="One."), fault(2, message="Two.")]), path)

    assert openpyxl.load_workbook(path)["To fix"]["B2"].comment.text == "One. Mend it.\nTwo. Mend it."


@pytest.mark.parametrize("column", [None, "debtor.type"])
def test_a_fault_without_a_cell_is_marked_on_the_reference_and_in_the_summary(path: Path, column: str | None) -> None:
    write(report(["a"], issues=[fault(2, column)]), path)

    sheet = openpyxl.load_workbook(path)["To fix"]
    assert sheet["A2"].comment.text == "It is wrong. Mend it."
    assert sheet["A2"].font.bold
    assert "It is wrong. Mend it." in words(path, "Summary")


def test_of_two_columns_with_one_header_the_first_is_marked(path: Path) -> None:
    write(report(["a"], header=("Name", "Name"), issues=[fault(2)]), path)

    assert [bool(cell.font.bold) for cell in openpyxl.load_workbook(path)["To fix"][2]] == [True, False]


def test_a_refusal_without_a_mapped_reference_stands_on_the_first_cell(path: Path) -> None:
    told = report(["a"], status="rejected", error=[None], message="No.")
    write(replace(told, run=replace(RUN, columns={"Name": "debtor.name"})), path)

    assert openpyxl.load_workbook(path)["To fix"]["A2"].comment.text == "The API refused it. No."


def test_faults_with_sentences_of_their_own_show_one_instance(path: Path) -> None:
    write(report(["a", "b"], issues=[fault(3, message="“b” is no name."), fault(2, message="“a” is no name.")]), path)

    said = words(path, "Summary")
    assert "2\nName is missing\nFor instance row 3: “b” is no name. Mend it." in said


def test_amounts_reconcile_exactly_whatever_their_size(path: Path) -> None:
    amounts = [Decimal("12345678901234567.891"), Decimal("0.125"), Decimal("-0.125"), None]
    write(report(["a"] * 4, status=["created", "created", "invalid", "invalid"], amounts=amounts), path)

    lines = openpyxl.load_workbook(path)["Summary"].iter_rows(values_only=True)
    euros = next([cell for cell in line if cell is not None] for line in lines if line[0] == "EUR")
    assert euros == ["EUR", "12,345,678,901,234,568.016", -0.125, "12,345,678,901,234,567.891"]
    assert "1 row is in no amount" in words(path, "Summary")


def test_rows_by_status_add_up_to_the_source_and_say_what_they_mean(path: Path) -> None:
    write(report(["a"] * 4, status=["created", "created", "invalid", "unknown"]), path)

    lines = [line[:4] for line in openpyxl.load_workbook(path)["Summary"].iter_rows(values_only=True)]
    start = lines.index(("Status", "Rows", "Share", "Meaning"))
    assert [line[:3] for line in lines[start + 1 : start + 5]] == [
        ("created", 2, 0.5),
        ("invalid", 1, 0.25),
        ("unknown", 1, 0.25),
        ("All rows", 4, 1),
    ]
    assert all(line[3] for line in lines[start + 1 : start + 4])


def test_rows_too_heavy_to_be_made_at_once_are_made_in_parts(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "HEAVIEST", 1_000)
    texts = [str(number) * 200 for number in range(9)]
    write(report(texts), path)

    assert names(path) == texts


def test_a_check_has_no_account_to_name(path: Path) -> None:
    write(replace(report(["a"], status="valid"), run=replace(RUN, kind="check", account="", host="")), path)

    said = words(path, "Run")
    assert "dry run: nothing was sent" in said
    assert "Account" not in said


def test_a_full_disk_leaves_the_old_workbook_and_nothing_else(path: Path, tmp_path: Path) -> None:
    write(report(["a"]), path)
    before = path.read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2_000, hard))
    try:
        with pytest.raises(OSError, match="File too large"):
            write(report(["b"]), path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    assert list(tmp_path.iterdir()) == [path]
    assert path.read_bytes() == before


def test_the_workbook_is_its_owners_alone(path: Path) -> None:
    write(report(["a"]), path)

    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("kept", [0.2, 0.9])
def test_an_archive_that_was_cut_off_is_named(tmp_path: Path, kept: float) -> None:
    told = report(["a"] * 500, issues=[fault(2)] * 500)
    path = tmp_path / "rows.arrow"
    archive.save(
        path,
        header=told.header,
        cells=told.cells,
        numbers={},
        issues=told.issues,
        amounts=told.amounts,
        references=told.cells[0],
        metadata={},
    )
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * kept)])

    with pytest.raises(RunError, match=r"rows\.arrow cannot be read"):
        archive.load(path)


@pytest.mark.parametrize(
    ("text", "written"),
    [("\ufffe", "_xFFFE_"), ("\x02", "_x0002_"), ("_x0041_", "_x005F_x0041_"), ("\uff21", "\uff21"), ("a<b", "a&lt;b")],
)
def test_what_xml_cannot_hold_is_escaped_wherever_it_stands(text: str, written: str) -> None:
    around = pa.array(["plain", f"x{text}", None, "", f"y{text}y"])

    assert rows.escape(around.slice(2)).to_pylist() == [None, "", f"y{written}y"]
    assert rows.escape(around.slice(0, 2)).to_pylist() == ["plain", f"x{written}"]


def test_whatever_is_taken_for_a_formula_begins_with_a_sign_that_is_looked_for() -> None:
    signs = [chr(number) for number in range(0x1_1000) if not 0xD800 <= number < 0xE000]
    opening = {sign for sign in signs if re.search(FORMULA_LIKE, sign) or re.search(FORMULA_LIKE, f"{sign}=")}

    assert opening == set(FORMULA_OPENINGS)
