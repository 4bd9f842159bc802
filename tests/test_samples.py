from __future__ import annotations

import json
import os
import runpy
import shutil
from contextlib import closing
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import openpyxl
import pytest
from click.testing import CliRunner

if TYPE_CHECKING:
    from collections.abc import Callable

SAMPLES = Path(__file__).parent.parent / "samples"
EXPECTED = ".expected.json"
ASKED = {"details.csv"}  # nothing is made of their rows: the tests of their commands run them
SOURCES = sorted(
    path
    for path in SAMPLES.iterdir()
    if path.is_file() and path.suffix != ".py" and not path.name.endswith(EXPECTED) and path.name not in ASKED
)
REFUSED = {
    path.name.removesuffix(EXPECTED)
    for path in SAMPLES.glob("*" + EXPECTED)
    if json.loads(path.read_text(encoding="utf-8"))["exit"] == 3
}


class Sample:
    """One sample, run once through the command line in a workspace of its own."""

    def __init__(self, source: Path, workspace: Path) -> None:
        # The program is imported by the first sample that runs, so that collecting the tests stays quick.
        from importer.cli import main  # noqa: PLC0415

        self.expected = json.loads(expectation(source).read_text(encoding="utf-8"))
        self.original = source.read_bytes()
        self.copy = workspace / source.name
        self.copy.write_bytes(self.original)
        shutil.copytree(SAMPLES / "mappings", workspace / "mappings")
        arguments = [self.expected["command"], str(self.copy), "--json", *self.expected["options"]]
        arguments += ["--workspace", str(workspace)]
        if self.expected["command"] in {"submit", "references"}:
            arguments += ["--sandbox", "--yes"]
        result = CliRunner().invoke(main, arguments)
        self.exit_code = result.exit_code
        self.said = result.output
        self.told: dict[str, Any] = json.loads(result.stdout)
        self.results = workspace / self.told.get("report", "no report")

    def records(self, sheet: str) -> list[dict[str, Any]]:
        with closing(openpyxl.load_workbook(self.results)) as book:
            header, *rows = book[sheet].iter_rows(values_only=True)
        return [dict(zip(map(str, header), row, strict=True)) for row in rows]


def expectation(source: Path) -> Path:
    return source.with_name(source.stem + EXPECTED)


def money(totals: list[dict[str, str]]) -> dict[str, dict[str, Decimal]]:
    """Compare amounts as amounts: 10.5 and 10.50 are one."""
    return {
        entry["currency"]: {status: Decimal(amount) for status, amount in entry.items() if status != "currency"}
        for entry in totals
    }


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path], Sample]:
    @cache
    def run_once(source: Path) -> Sample:
        with pytest.MonkeyPatch.context() as patch:
            for name in [name for name in os.environ if name.startswith("IMPORTER_")]:
                patch.delenv(name)
            return Sample(source, tmp_path_factory.mktemp(source.stem))

    return run_once


@pytest.fixture(params=SOURCES, ids=lambda path: path.name)
def sample(request: pytest.FixtureRequest, run: Callable[[Path], Sample]) -> Sample:
    return run(request.param)


@pytest.fixture(params=[path for path in SOURCES if path.stem not in REFUSED], ids=lambda path: path.name)
def finished(request: pytest.FixtureRequest, run: Callable[[Path], Sample]) -> Sample:
    return run(request.param)


@pytest.fixture(params=[path for path in SOURCES if path.stem in REFUSED], ids=lambda path: path.name)
def refused(request: pytest.FixtureRequest, run: Callable[[Path], Sample]) -> Sample:
    return run(request.param)


def test_every_source_has_an_expectation_and_every_expectation_a_source() -> None:
    expectations = {path.name.removesuffix(EXPECTED) for path in SAMPLES.glob("*" + EXPECTED)}

    assert sorted(expectations) == [path.stem for path in SOURCES]
    assert len(SOURCES) >= 12


def test_a_sample_ends_with_the_exit_code_it_should(sample: Sample) -> None:
    assert (sample.exit_code, sample.told["exit"]) == (sample.expected["exit"],) * 2, sample.said


def test_a_sample_is_never_written_to(sample: Sample) -> None:
    assert sample.copy.read_bytes() == sample.original


def test_every_row_is_counted_once(finished: Sample) -> None:
    assert finished.told["counts"] == finished.expected["counts"]


def test_the_totals_reconcile_with_the_source(finished: Sample) -> None:
    assert money(finished.told.get("totals", [])) == money(finished.expected.get("totals", []))
    assert finished.told.get("unreadable", 0) == finished.expected.get("unreadable", 0)


def test_every_fault_is_reported_on_the_cell_that_must_change(finished: Sample) -> None:
    issues = [(issue["Row"], issue["Column"], issue["Code"]) for issue in finished.records("Issues")]

    expected = [(issue["row"], issue["column"], issue["code"]) for issue in finished.expected["issues"]]
    assert sorted(issues) == sorted(expected)


def test_every_row_has_the_status_it_should(finished: Sample) -> None:
    good = {"check": "valid", "submit": "created", "references": "set"}[finished.expected["command"]]

    statuses = {str(row["Row"]): row["Status"] for row in finished.records("Results")}

    assert len(statuses) == finished.expected["counts"]["rows"]
    assert {row: status for row, status in statuses.items() if status != good} == finished.expected["statuses"]


def test_every_case_made_has_an_id_and_a_reference(finished: Sample) -> None:
    made = [row for row in finished.records("Results") if row["Status"] in {"created", "set"}]

    assert len({row["Case id"] for row in made} - {None}) == finished.expected.get("cases", len(made))
    assert len({row["Reference"] for row in made} - {None}) == finished.expected.get("cases", len(made))


def test_references_are_sent_as_they_are_written(finished: Sample) -> None:
    references = {str(row["Row"]): row.get("Creditor reference") for row in finished.records("Results")}

    expected = finished.expected.get("references", {})
    assert {row: references[row] for row in expected} == expected


def test_no_cell_of_a_results_workbook_is_a_formula(finished: Sample) -> None:
    with closing(openpyxl.load_workbook(finished.results)) as book:
        formulas = [
            cell.coordinate for sheet in book for row in sheet.iter_rows() for cell in row if cell.data_type == "f"
        ]

    assert formulas == []


def test_a_refusal_is_one_message_that_names_what_is_wrong_and_what_settles_it(refused: Sample) -> None:
    missing = [words for words in refused.expected["error_names"] if words not in refused.told["error"]]

    assert missing == [], refused.told["error"]
    assert "Traceback" not in refused.said


@pytest.mark.parametrize("name", sorted(path.name for path in SOURCES if path.suffix == ".xlsx"))
def test_the_sample_workbooks_are_what_the_script_makes(name: str, tmp_path: Path) -> None:
    runpy.run_path(str(SAMPLES / "make.py"))["main"](tmp_path)

    def cells(path: Path) -> list[list[tuple[object, str]]]:
        with closing(openpyxl.load_workbook(path, data_only=True)) as book:
            return [[(cell.value, cell.data_type) for cell in row] for sheet in book for row in sheet.iter_rows()]

    assert cells(SAMPLES / name) == cells(tmp_path / name)
