"""The results workbook: five sheets that agree with what they were given, inert, and openable everywhere."""

from __future__ import annotations

import shutil
import subprocess
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

from importer.errors import RunError
from importer.model import ISSUE_COLUMNS, OUTCOME_COLUMNS, Reading, Report, Run, SourceInfo, Styles, row_key
from importer.read import read
from importer.report import archive, package, rows, sheets
from importer.report.workbook import write

if TYPE_CHECKING:
    from pathlib import Path

TEXT = pd.ArrowDtype(pa.string())
MOMENT = pd.ArrowDtype(pa.timestamp("us", "UTC"))
WHEN = datetime(2026, 11, 21, 10, 15, tzinfo=UTC)
RUN = Run(
    id="20261121-101500-june-3f2a",
    kind="submit",
    sources=(SourceInfo("june.xlsx", "ab" * 32, (("format", "workbook"), ("sheet", "June"))),),
    target="customer",
    mode="live",
    account="Invented ApS (1)",
    host="127.0.0.1:1",
    started=WHEN,
    finished=WHEN,
    version="0.1.0",
    settings=(("Rate", "2000/min"),),
    columns={"No": "creditorReference", "Amount": "amountToRecover", "Name": "debtor.name"},
    constants={"debtor.type": "Company"},
    styles=(Styles({"amountToRecover": "comma"}, {}),),
    stopped=None,
    exit_code=1,
)
HEADER = ("No", "Amount", "Name")
CELLS = [
    ("00123", "1234.5", "=HYPERLINK(1)"),
    ("A-2", "7", "Example & <Sons>"),
    ("A-3", "0.1", None),
    ("A-4", "x", "+45 555"),
]
OUTCOMES: list[dict[str, Any]] = [
    {"status": "created", "case_id": "id-1", "reference": "ABCDEFGH", "creditor_reference": "00123", "sent_at": WHEN},
    {
        "status": "rejected",
        "error": "MissingPowerOfAttorney",
        "message": "Sign it.",
        "solution": "https://app.example/sign?a=1&b=2",
    },
    {"status": "invalid", "error": "required", "message": "Name is missing."},
    {"status": "not-sent", "message": "The API is away."},
]
ISSUES = [
    (4, "Name", "debtor.name", "error", "required", "", "Name is missing.", "Fill it in."),
    (4, "No", "creditorReference", "warning", "reference-lookalike", "A-3", "It looks like another.", "Compare."),
]


def report(
    cells: list[tuple[str | None, ...]] = CELLS,
    outcomes: list[dict[str, Any]] = OUTCOMES,
    issues: list[tuple[Any, ...]] = ISSUES,
    keys: list[int] | None = None,
    **changes: Any,
) -> Report:
    index = pd.Index(keys or range(2, 2 + len(cells)), name="row")
    frame = pd.DataFrame({n: pd.Series(list(column), index, TEXT) for n, column in enumerate(zip(*cells, strict=True))})
    told = pd.DataFrame(
        {
            name: pd.Series([outcome.get(name) for outcome in outcomes], index).astype(
                MOMENT if name == "sent_at" else TEXT
            )
            for name in OUTCOME_COLUMNS
        }
    )
    faults = pd.DataFrame(issues, columns=list(ISSUE_COLUMNS))
    amounts = pd.DataFrame(
        {
            "amount": pd.Series(
                ([Decimal("1234.5"), Decimal(7), Decimal("0.1")] + [None] * 9)[: len(cells)], index
            ).astype(pd.ArrowDtype(pa.decimal128(38, 18))),
            "currency": pd.Series((["EUR", "DKK", "EUR", "EUR"] * 3)[: len(cells)], index, TEXT),
        }
    )
    numbers = {1: np.array(([True, True, True] + [False] * 9)[: len(cells)])} if len(frame.columns) > 1 else {}
    return Report(replace(RUN, **changes), HEADER, frame, numbers, faults.astype({"row": "int64"}), told, amounts)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "results.xlsx"


def table(path: Path, sheet: str) -> list[dict[str, Any]]:
    header, *lines = openpyxl.load_workbook(path)[sheet].iter_rows(values_only=True)
    return [dict(zip(header, line, strict=True)) for line in lines]


def words(path: Path, sheet: str) -> str:
    return "\n".join(
        str(cell) for line in openpyxl.load_workbook(path)[sheet].iter_rows(values_only=True) for cell in line if cell
    )


def test_the_sheets_come_in_their_order(path: Path) -> None:
    write(report(), path)

    assert openpyxl.load_workbook(path).sheetnames == ["Summary", "Results", "Issues", "To fix", "Run"]


def test_results_has_a_line_for_each_row_and_the_sources_own_cells(path: Path) -> None:
    write(report(), path)

    lines = table(path, "Results")
    assert list(lines[0]) == [
        *("Row", "Status", "Case id", "Reference", "Creditor reference", "Lifecycle", "Error", "Message", "Solution"),
        *("Sent at", "No", "Amount", "Name"),
    ]
    assert [line["Row"] for line in lines] == [2, 3, 4, 5]
    assert (lines[0]["Case id"], lines[0]["Sent at"]) == ("id-1", datetime(2026, 11, 21, 10, 15))
    assert [(line["No"], line["Amount"], line["Name"]) for line in lines] == [
        ("00123", 1234.5, "=HYPERLINK(1)"),
        ("A-2", 7, "Example & <Sons>"),
        ("A-3", 0.1, None),
        ("A-4", "x", "+45 555"),
    ]


def test_nothing_in_it_is_a_formula(path: Path) -> None:
    cells = [(f"{sign}1+1", f"{sign}cmd", f"{sign}2") for sign in ("=", "+", "-", "@", "\t", "\r")]
    told = report(cells, [{"status": "invalid", "message": "=1+1", "error": "@x"}] * 6, [])
    write(replace(told, header=("=A1", "+b", "@c"), numbers={}), path)

    book = openpyxl.load_workbook(path)
    assert {cell.data_type for sheet in book for line in sheet.iter_rows() for cell in line} <= {
        "s",
        "n",
        "d",
        "inlineStr",
    }
    assert [cell.value for cell in book["To fix"][1]] == ["=A1", "+b", "@c"]
    assert rows_of(path, "To fix") == [list(line) for line in cells]


def rows_of(path: Path, sheet: str) -> list[list[str | None]]:
    """Read a sheet with the importer's own reader."""
    found = read(path, Reading(sheet=sheet))
    return [[None if cell is pd.NA else cell for cell in line] for line in found.cells.to_numpy(dtype=object).tolist()]


# No source has a NUL: one that has is refused.
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\ufffe\uffff"), max_size=12)


@settings(max_examples=15, deadline=None)
@given(st.lists(st.tuples(texts, texts), min_size=5, max_size=12))
def test_any_text_comes_back_unchanged(tmp_path_factory: pytest.TempPathFactory, pairs: list[tuple[str, str]]) -> None:
    path = tmp_path_factory.mktemp("any") / "results.xlsx"
    lines: list[tuple[str | None, ...]] = [("first", *pair) for pair in pairs]
    write(replace(report(lines, [{"status": "invalid"}] * len(lines), []), numbers={}), path)

    assert rows_of(path, "To fix") == [[cell or None for cell in line] for line in lines]


@pytest.mark.parametrize("text", ["_x000D_", "a_x0041_b", "\r\n", "\x01", "a\tb\nc", "]]>", "&amp;", "  x  "])
def test_odd_texts_come_back_unchanged(path: Path, text: str) -> None:
    write(replace(report([("r", text, text)], [{"status": "invalid"}], []), numbers={}), path)

    assert rows_of(path, "To fix")[0][1:] == [text, text]


def test_a_text_that_is_too_long_for_a_cell_is_cut_and_says_so(path: Path) -> None:
    write(replace(report([("r", "x" * 40_000, None)], [{"status": "invalid"}], []), numbers={}), path)

    value = table(path, "To fix")[0]["Amount"]
    assert len(value) == rows.LONGEST
    assert value.endswith(rows.CUT)


def test_issues_name_rows_columns_and_remedies(path: Path) -> None:
    write(report(), path)

    first, second = table(path, "Issues")
    assert first == {
        "Row": 4,
        "Column": "Name",
        "Field": "debtor.name",
        "Severity": "error",
        "Code": "required",
        "Value": None,
        "Message": "Name is missing.",
        "Hint": "Fill it in.",
    }
    assert second["Severity"] == "warning"


def test_to_fix_has_only_what_did_not_get_through_marked_and_noted(path: Path) -> None:
    write(report(), path)

    sheet = openpyxl.load_workbook(path)["To fix"]
    assert [[cell.value for cell in line] for line in sheet.iter_rows()] == [
        list(HEADER),
        ["A-2", 7, "Example & <Sons>"],
        ["A-3", 0.1, None],
    ]
    assert sheet["C3"].comment.text == "Name is missing. Fill it in."
    assert sheet["A2"].comment.text.startswith("The API refused it. MissingPowerOfAttorney: Sign it. https://")
    assert sheet["C3"].fill.fgColor.rgb != sheet["B3"].fill.fgColor.rgb
    assert sheet["A3"].comment is None


def test_large_sheets_have_a_frozen_header_filters_and_a_print_set_up(path: Path) -> None:
    write(report(), path)

    book = openpyxl.load_workbook(path)
    assert book["Results"].freeze_panes == "C2"
    assert book["Results"].auto_filter.ref == "A1:M5"
    assert book["To fix"].freeze_panes == "A2"
    assert book["Results"].print_title_rows == "$1:$1"
    assert book["Results"].page_setup.orientation == "landscape"
    assert 8 <= book["Results"].column_dimensions["H"].width <= 60
    assert book["Results"].dimensions == "A1:M5"


def test_links_to_a_solution_can_be_followed(path: Path) -> None:
    write(report(), path)

    assert openpyxl.load_workbook(path)["Results"]["I3"].hyperlink.target == "https://app.example/sign?a=1&b=2"


def test_statuses_are_told_apart_by_colour_and_word(path: Path) -> None:
    write(report(), path)

    sheet = openpyxl.load_workbook(path)["Results"]
    assert len({sheet[f"B{row}"].fill.fgColor.rgb for row in (2, 3, 5)}) == 3


def test_several_sources_are_named(path: Path) -> None:
    two = (*RUN.sources, SourceInfo("july.xlsx", "cd" * 32, ()))
    issues = [(row_key(1, 2), "Name", "debtor.name", "error", "required", "", "m", "h")]
    write(report(CELLS[:2], OUTCOMES[:2], issues, keys=[2, row_key(1, 2)], sources=two, styles=RUN.styles * 2), path)

    assert [(line["Source"], line["Row"]) for line in table(path, "Results")] == [("june.xlsx", 2), ("july.xlsx", 2)]
    assert table(path, "Issues")[0]["Source"] == "july.xlsx"


def test_past_the_limit_of_a_sheet_it_goes_on_in_another(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sheets, "TALLEST", 3)
    write(report(), path)

    assert openpyxl.load_workbook(path).sheetnames[:3] == ["Summary", "Results", "Results (2)"]
    assert [line["Row"] for line in table(path, "Results (2)")] == [5]


def test_rows_are_made_in_blocks_that_join(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "BLOCK", 3)
    write(report(), path)

    assert [line["No"] for line in table(path, "Results")] == ["00123", "A-2", "A-3", "A-4"]


def test_the_summary_says_what_happened_and_what_to_do(path: Path) -> None:
    write(report(stopped="The API is away."), path)

    said = words(path, "Summary")
    assert "Import of june.xlsx" in said
    assert "1 case created from 4 rows. The others: 1 rejected, 1 invalid, 1 not-sent." in said
    assert "The run stopped before its end. The API is away." in said
    assert "importer resume 20261121-101500-june-3f2a" in said
    assert "Mend the 2 rows on the sheet To fix" in said
    assert "Open https://app.example/sign?a=1&b=2 — it cures 1 row." in said
    assert "1\nName is missing\nName is missing. Fill it in." in said
    assert "1 row is in no amount" in said


def test_the_summary_of_a_check_is_a_dry_run(path: Path) -> None:
    outcomes = [{"status": "valid"}, {"status": "already-imported"}, {"status": "invalid"}, {"status": "invalid"}]
    write(report(outcomes=outcomes, kind="check"), path)

    said = words(path, "Summary")
    assert "1 of 4 rows is valid and would be sent; 1 is imported already. Nothing was sent." in said
    assert "importer submit june.xlsx" in said


def test_a_run_without_faults_asks_for_nothing(path: Path) -> None:
    write(report(CELLS[:1], OUTCOMES[:1], []), path)

    assert "Nothing: every row has its case." in words(path, "Summary")
    assert openpyxl.load_workbook(path)["To fix"].max_row == 1


def test_duplicates_are_to_be_compared(path: Path) -> None:
    write(report(CELLS[:1], [{"status": "duplicate", "case_id": "x"}], []), path)

    assert "Compare the duplicates" in words(path, "Summary")


def test_many_kinds_of_reasons_are_cut_with_a_count(path: Path) -> None:
    issues = [(4, f"c{n}", "debtor.name", "error", f"code-{n}", "", "m", "h") for n in range(20)]
    write(report(issues=issues), path)

    assert "… and 5 more kinds." in words(path, "Summary")


def test_run_says_what_was_run_and_carries_the_mapping(path: Path) -> None:
    write(report(stopped="It stopped."), path)

    told = [[cell for cell in line if cell] for line in openpyxl.load_workbook(path)["Run"].iter_rows(values_only=True)]
    assert told[0] == ["Invoice importer"]
    assert ["Run", RUN.id] in told
    assert ["Stopped", "It stopped."] in told
    carried = read(path).carried
    assert carried
    assert (carried.run, carried.target) == (RUN.id, "customer")
    assert (carried.columns, carried.constants) == (RUN.columns, RUN.constants)
    assert carried.styles == Styles({"amountToRecover": "comma"}, {})


def test_styles_that_differ_between_sources_are_not_carried(path: Path) -> None:
    write(report(styles=(RUN.styles[0], Styles({"amountToRecover": "point"}, {"date": "dmy"}))), path)

    carried = read(path).carried
    assert carried
    assert carried.styles == Styles()


def test_a_workbook_that_cannot_be_written_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(package.Package, "_stream", full)
    with pytest.raises(OSError, match="No space"):
        write(report(), tmp_path / "results.xlsx")

    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(shutil.which("soffice") is None, reason="needs LibreOffice: apt-get install libreoffice-calc")
def test_libreoffice_opens_it_and_gives_to_fix_back_unchanged(path: Path, tmp_path: Path) -> None:
    write(report(), path)
    command = ["soffice", "--headless", f"-env:UserInstallation=file://{tmp_path}/profile", "--convert-to", "xlsx"]

    subprocess.run([*command, "--outdir", str(tmp_path / "out"), str(path)], check=True, capture_output=True)

    mended = read(tmp_path / "out" / "results.xlsx")
    assert mended.carried
    assert mended.carried.columns == RUN.columns
    assert mended.cells.to_numpy(dtype=object).tolist()[0] == ["A-2", "7", "Example & <Sons>"]


def test_what_a_run_needs_later_comes_back_as_it_was_kept(tmp_path: Path) -> None:
    kept = report()
    path = tmp_path / "rows.arrow"

    archive.save(
        path,
        header=kept.header,
        cells=kept.cells,
        numbers=kept.numbers,
        issues=kept.issues,
        amounts=kept.amounts,
        references=kept.cells[0],
        metadata={"id": "é"},
    )
    found = archive.load(path)

    assert (found.header, found.metadata) == (HEADER, {"id": "é"})
    pd.testing.assert_frame_equal(found.cells, kept.cells, check_column_type=False)
    pd.testing.assert_frame_equal(found.amounts, kept.amounts)
    assert found.issues.to_numpy(dtype=object).tolist() == kept.issues.to_numpy(dtype=object).tolist()
    assert found.numbers[1].tolist() == [True, True, True, False]
    assert found.references.tolist() == ["00123", "A-2", "A-3", "A-4"]
    assert path.stat().st_mode & 0o777 == 0o600


def test_what_is_gone_or_damaged_is_named(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"rows.arrow is gone"):
        archive.load(tmp_path / "rows.arrow")
    (tmp_path / "rows.arrow").write_bytes(b"broken")
    with pytest.raises(RunError, match=r"rows.arrow cannot be read"):
        archive.load(tmp_path / "rows.arrow")
