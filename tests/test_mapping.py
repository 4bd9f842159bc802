"""`importer map`, and what a saved mapping does for the sources that have its layout."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import openpyxl
import pytest

from importer.mappings import read_mapping
from importer.model import Making, Reading
from importer.pipeline.describing import describe
from importer.pipeline.job import Job
from importer.pipeline.judge import judge
from importer.pipeline.record import run_of_dict, run_to_dict
from importer.settings import load

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Ran

    Run = Callable[..., Ran]

SAMPLES = Path(__file__).parent.parent / "samples"
HEADER = "Rechnungsnr.;Rechnungsdatum;Fällig am;Betrag;Valuta;Kundentyp;Kundenname;Straße;Hausnr.;PLZ/Ort;Land;Filiale"
ROWS = (
    "RE-1;03.08.2026;13.08.2026;1.234,50;EUR;Firma;Musterwerk GmbH;Musterstraße;12;01067 Dresden;DE;Nord",
    "RE-2;04.08.2026;14.08.2026;89,90;EUR;Privat;Erika Beispiel;Beispielweg;3 a;10115 Berlin;DE;Süd",
)
SETTLED = "E = currencyCode\nL = -\n"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "posten-2026-08.csv"
    path.write_text("\n".join([HEADER, *ROWS]), encoding="utf-8")
    return path


def rows_of(path: str | Path, sheet: str) -> list[tuple[Any, ...]]:
    with closing(openpyxl.load_workbook(path)) as book:
        return list(book[sheet].iter_rows(values_only=True))


def typed(source: Path, keys: str) -> tuple[int, str, str]:
    """Run `map` on a terminal of its own, and type *keys*."""
    keyboard, terminal = os.openpty()
    try:
        program = (sys.executable, "-c", "from importer.cli import main; main(prog_name='importer')")
        process = subprocess.Popen(
            (*program, "map", str(source)),
            cwd=source.parent,
            stdin=terminal,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )
        os.write(keyboard, keys.encode())
        out, err = process.communicate(timeout=120)
    finally:
        os.close(terminal)
        os.close(keyboard)
    return process.returncode, out, err


on_a_terminal = pytest.mark.skipif(not hasattr(os, "openpty"), reason="has no terminals of this kind")


@on_a_terminal
def test_on_a_terminal_each_change_is_shown_and_a_wrong_one_may_be_said_again(source: Path) -> None:
    code, out, err = typed(source, "?\nE = currencyCod\nsave\nn\nyes\nL = -\nsave\n")

    assert (code, out) == (0, "mappings/posten.toml\n")
    assert "column C holds both" in err
    assert "The invoice's currency" in err
    assert "currencyCod is neither a column nor a field (do you mean currencyCode?)." in err
    assert "currencyCode: nothing feeds this yet. Save all the same? [y/N]" in err
    assert "- (left out)" in err
    saved = read_mapping(source.parent / "mappings/posten.toml")
    assert (saved.columns["Valuta"], saved.making.ignored) == ("currencyCode", ("Filiale",))


@on_a_terminal
def test_on_a_terminal_what_is_missing_may_be_left_and_enter_saves(source: Path) -> None:
    code, _, err = typed(source, "\ny\n")

    assert code == 1
    assert "Missing: currencyCode" in err
    assert (source.parent / "mappings/posten.toml").exists()


@on_a_terminal
def test_an_interrupted_terminal_saves_nothing(source: Path) -> None:
    code, _, _ = typed(source, "E = currencyCode\n\x04")

    assert code == 130
    assert not (source.parent / "mappings").exists()


def test_what_is_certain_is_saved_and_what_is_missing_is_said(importer: Run, source: Path) -> None:
    ran = importer("map", source, "--yes", "--json")

    assert ran.code == 1
    assert ran.said["mapping"] == "mappings/posten.toml"
    assert ran.said["missing"] == ["currencyCode"]
    assert ran.said["likely"] == {"Valuta": "currencyCode"}
    assert ran.said["join"] == {"debtor.address": "{Straße} {Hausnr.}"}
    assert ran.said["split"] == {"PLZ/Ort": "{debtor.zipCode} {debtor.city}"}
    assert ran.said["values"] == {"debtor.type": {"Firma": "Company", "Privat": "Private"}}
    assert "Missing: currencyCode" in ran.err
    assert "? currencyCode" in ran.err
    assert "No column is currencyCode (is it “Valuta”?)" in ran.said["problem"]


def test_three_samples_of_each_column_are_shown_and_none_is_saved(importer: Run, source: Path) -> None:
    ran = importer("map", source, "--yes")

    assert "RE-1 · RE-2" in ran.err
    saved = Path(ran.out.strip()).read_text(encoding="utf-8")
    assert "RE-1" not in saved
    assert "Musterwerk" not in saved


def test_changes_come_from_standard_input_and_are_saved_at_its_end(importer: Run, source: Path) -> None:
    ran = importer("map", source, answer=SETTLED + "\ndebtor.phone = +49 1\nsave\nnever read\n")

    assert (ran.code, ran.out) == (0, "mappings/posten.toml\n")
    saved = read_mapping(Path("mappings/posten.toml"))
    assert saved.columns["Valuta"] == "currencyCode"
    assert saved.making.ignored == ("Filiale",)
    assert saved.constants == {"debtor.phone": "+49 1"}


def test_a_change_that_cannot_be_made_saves_nothing(importer: Run, source: Path) -> None:
    ran = importer("map", source, answer="E = currencyCod\n")

    assert ran.code == 3
    assert "E = currencyCod: currencyCod is neither a column nor a field (do you mean currencyCode?)." in ran.err
    assert not Path("mappings").exists()


def test_quitting_saves_nothing(importer: Run, source: Path) -> None:
    ran = importer("map", source, answer="quit\n")

    assert (ran.code, ran.err) == (130, "Nothing was saved.\n")
    assert not Path("mappings").exists()


def test_next_months_source_finds_the_mapping_by_itself_and_says_so(
    importer: Run, source: Path, tmp_path: Path
) -> None:
    importer("map", source, answer=SETTLED)
    first = importer("submit", source, "--sandbox", "--yes", "--json")
    other = tmp_path / "september.csv"
    columns = HEADER.split(";")
    cells = ROWS[0].replace("RE-1;", "RE-3;").split(";")
    other.write_text("\n".join([";".join(reversed(columns)), ";".join(reversed(cells))]), encoding="utf-8")

    ran = importer("submit", other, "--sandbox", "--yes", "--json")

    assert (first.code, first.said["counts"]["created"]) == (0, 2)
    assert (ran.code, ran.said["counts"]["created"]) == (0, 1)
    assert "september.csv: mapping, found by its headers: posten." in ran.err
    told = dict(row[:2] for row in rows_of(ran.said["report"], "Run") if row[0])
    assert told["Read as"].endswith("mapping, found by its headers posten")
    header, row = rows_of(ran.said["report"], "Results")
    assert header[-12:] == tuple(reversed(columns))
    assert dict(zip(header, row, strict=True))["PLZ/Ort"] == "01067 Dresden"


def test_what_is_made_of_the_columns_is_what_is_sent(importer: Run, source: Path) -> None:
    importer("map", source, answer=SETTLED)
    job = Job((source,))

    judged = judge(job, load(Path(), {}))
    bodies = list(judged.target.payload(judged.values, test=False, allow_pending_contracts=False))

    assert [body["debtor"] for body in bodies] == [
        {
            "type": "Company",
            "name": "Musterwerk GmbH",
            "address": "Musterstraße 12",
            "zipCode": "01067",
            "city": "Dresden",
            "countryAlpha2": "DE",
        },
        {
            "type": "Private",
            "name": "Erika Beispiel",
            "address": "Beispielweg 3 a",
            "zipCode": "10115",
            "city": "Berlin",
            "countryAlpha2": "DE",
        },
    ]


def test_an_issue_names_the_sources_column_and_its_row_comes_back_with_the_mapping(
    importer: Run, source: Path, tmp_path: Path
) -> None:
    source.write_text(source.read_text(encoding="utf-8").replace("10115 Berlin", "10115").replace("RE-1;03", "RE-1;99"))
    importer("map", source, answer=f"{SETTLED}J = {{debtor.zipCode}} {{debtor.city}}\n")
    ran = importer("submit", source, "--sandbox", "--yes", "--json")
    assert [row[:5] for row in rows_of(ran.said["report"], "Issues")[1:]] == [
        (2, "Rechnungsdatum", "date", "error", "not-a-date"),
        (3, "PLZ/Ort", "debtor.zipCode", "error", "cell-not-split"),
    ]

    mended = tmp_path / "mended.xlsx"
    with closing(openpyxl.load_workbook(ran.said["report"])) as book:
        book["To fix"]["B2"] = "03.08.2026"
        book["To fix"]["J3"] = "10115 Berlin"
        book.save(mended)
    Path("mappings/posten.toml").unlink()
    again = importer("submit", mended, "--sandbox", "--yes", "--json")

    assert (again.code, again.said["counts"]["created"]) == (0, 2)
    assert "feed no field" not in again.err


def test_a_report_is_written_again_with_what_was_made(importer: Run, source: Path) -> None:
    importer("map", source, answer=SETTLED)
    ran = importer("submit", source, "--sandbox", "--yes", "--json")
    before = rows_of(ran.said["report"], "Run")

    importer("report", ran.said["run"])

    carried = [row[:4] for row in rows_of(ran.said["report"], "Run") if row in before][-6:]
    assert carried == [
        ("Also mapped", "Of", "From", "To"),
        ("Split", "PLZ/Ort", None, "{debtor.zipCode} {debtor.city}"),
        ("Join", "debtor.address", "{Straße} {Hausnr.}", None),
        ("Value", "debtor.type", "Firma", "Company"),
        ("Value", "debtor.type", "Privat", "Private"),
        ("Ignored", "Filiale", None, None),
    ]


def test_two_saved_mappings_that_fit_are_asked_about(importer: Run, source: Path) -> None:
    importer("map", source, answer=SETTLED)
    text = Path("mappings/posten.toml").read_text(encoding="utf-8")
    Path("mappings/other.toml").write_text(text, encoding="utf-8")

    ran = importer("check", source)

    assert ran.code == 3
    assert "saved mappings “other” and “posten”: say which with --mapping other." in ran.err
    assert importer("check", source, "--mapping", "posten").code == 0
    assert importer("map", source, "--yes").code == 3


def test_a_mapping_of_another_target_is_named(importer: Run, source: Path) -> None:
    importer("map", source, answer=SETTLED)

    ran = importer("check", source, "--mapping", "posten", "--target", "managed")

    assert ran.code == 3
    assert "mappings/posten.toml is a mapping for customer: add --target customer" in ran.err


def test_a_known_layout_begins_with_its_mapping_and_is_saved_where_it_was(importer: Run, source: Path) -> None:
    importer("map", source, "--name", "ours", answer=SETTLED)

    ran = importer("map", source, answer="debtor.phone = 1\n")

    assert (ran.code, ran.out) == (0, "mappings/ours.toml\n")
    saved = read_mapping(Path("mappings/ours.toml"))
    assert saved.constants == {"debtor.phone": "1"}
    assert saved.columns["Valuta"] == "currencyCode"


def test_a_file_that_nothing_changes_is_left_as_people_wrote_it(importer: Run, source: Path) -> None:
    importer("map", source, answer=SETTLED)
    path = Path("mappings/posten.toml")
    path.write_text(f"# Ask Ada.\n{path.read_text(encoding='utf-8')}", encoding="utf-8")

    assert importer("map", source, "--yes").code == 0
    assert path.read_text(encoding="utf-8").startswith("# Ask Ada.\n")


def test_a_name_that_is_taken_is_not_replaced_unasked(importer: Run, source: Path, tmp_path: Path) -> None:
    importer("map", source, answer=SETTLED)
    other = tmp_path / "posten-2026-09.csv"
    other.write_text("Rechnungsnr.;Neu\nRE-9;x\n", encoding="utf-8")

    ran = importer("map", other, "--yes")

    assert ran.code == 3
    assert "There is a mapping posten already: give another --name, or say --replace." in ran.err
    assert importer("map", other, "--yes", "--replace").code == 1
    assert read_mapping(Path("mappings/posten.toml")).headers == ("Rechnungsnr.", "Neu")


def test_how_a_source_is_to_be_read_is_saved_and_found_again(importer: Run, source: Path) -> None:
    text = source.read_text(encoding="utf-8")
    source.write_text(text.replace(";", "~"), encoding="cp1252")
    assert importer("check", source).code == 3

    ran = importer("map", source, "--encoding", "cp1252", "--delimiter", "~", answer=SETTLED)
    again = importer("check", source, "--json")

    assert ran.code == 0
    assert read_mapping(Path("mappings/posten.toml")).reading == Reading(encoding="cp1252", delimiter="~")
    assert (again.code, again.said["counts"]["valid"]) == (0, 2)


def test_a_header_that_is_found_only_by_its_row_finds_its_mapping(importer: Run, source: Path) -> None:
    strange = HEADER.replace("Rechnungsnr.", "Nr of 2026")
    source.write_text("\n".join([HEADER, strange, *ROWS]), encoding="utf-8")
    importer("map", source, "--header-row", "2", answer=f"A = creditorReference\n{SETTLED}")

    ran = importer("check", source, "--json")

    assert (ran.code, ran.said["counts"]["valid"]) == (0, 2)
    assert "mapping, found by its headers: posten" in ran.err


def test_two_mappings_that_want_a_source_read_differently_are_asked_about(importer: Run, source: Path) -> None:
    source.write_text(source.read_text(encoding="utf-8").replace(";", "~"), encoding="utf-8")
    importer("map", source, "--delimiter", "~", answer=SETTLED)
    Path("mappings/other.toml").write_text(Path("mappings/posten.toml").read_text(encoding="utf-8"), encoding="utf-8")

    assert "saved mappings “other” and “posten”" in importer("check", source).err


def test_reading_that_a_mapping_wants_in_vain_is_named_as_its(importer: Run, source: Path) -> None:
    importer("map", source, answer=SETTLED)
    path = Path("mappings/posten.toml")
    path.write_text(f"{path.read_text(encoding='utf-8')}\n[source]\nsheet = 'OP'\n", encoding="utf-8")

    ran = importer("check", source)

    assert ran.code == 3
    assert "is no workbook and has no sheets" in ran.err
    assert "(It was read as [source] in the mapping posten says.)" in ran.err


def test_a_results_workbook_is_not_mapped(importer: Run, source: Path) -> None:
    importer("map", source, answer=SETTLED)
    source.write_text(source.read_text(encoding="utf-8").replace("10115 Berlin", "10115"), encoding="utf-8")
    report = importer("check", source, "--json").said["report"]

    ran = importer("map", report, "--yes")

    assert ran.code == 3
    assert "results.xlsx is a results workbook and carries its mapping; map its source instead." in ran.err


def test_a_mapping_beats_what_a_results_workbook_carries(importer: Run, source: Path, tmp_path: Path) -> None:
    importer("map", source, answer=SETTLED)
    source.write_text(source.read_text(encoding="utf-8").replace("10115 Berlin", "10115"), encoding="utf-8")
    report = importer("check", source, "--json").said["report"]
    ours = tmp_path / "ours.toml"
    ours.write_text(
        '[columns]\n"PLZ/Ort" = "debtor.city"\n"Filiale" = "comments"\n'
        '[join]\n"debtor.name" = "{Kundenname} {Filiale}"\n'
    )

    ran = importer("check", report, "--mapping", ours, "--json")

    assert (ran.code, ran.said["counts"]["valid"]) == (0, 1)


def test_standard_input_finds_its_mapping_too(importer: Run, source: Path) -> None:
    importer("map", source, answer=SETTLED)

    ran = importer("check", "-", "--json", answer=source.read_text(encoding="utf-8"))
    mapped = importer("map", "-", "--name", "again", answer=source.read_text(encoding="utf-8"))

    assert (ran.code, ran.said["counts"]["valid"]) == (0, 2)
    assert (mapped.code, mapped.out) == (0, "mappings/again.toml\n")


def test_standard_input_that_would_have_to_be_read_twice_is_refused(importer: Run, source: Path) -> None:
    importer("map", source, "--delimiter", ";", answer=SETTLED)

    ran = importer("check", "-", answer=source.read_text(encoding="utf-8"))
    named = importer("check", "-", "--mapping", "posten", answer=source.read_text(encoding="utf-8"))

    assert ran.code == 3
    assert "add --mapping posten." in ran.err
    assert named.code == 0


def test_a_constant_for_what_is_no_field_saves_nothing(importer: Run, source: Path) -> None:
    ran = importer("map", source, "--yes", "--set", "debtor.typ=Company")

    assert ran.code == 3
    assert "debtor.typ is no field and cannot be set (do you mean debtor.type?)." in ran.err
    assert not Path("mappings").exists()


def test_a_constant_is_saved_with_the_mapping(importer: Run, source: Path) -> None:
    importer("map", source, "--yes", "--set", "currencyCode=EUR")
    ran = importer("map", source, "--yes", "--set", "currencyCode=DKK", "--name", "danish")

    assert ran.code == 0
    assert read_mapping(Path("mappings/danish.toml")).constants == {"currencyCode": "DKK"}


def test_a_mapping_to_begin_with_has_to_fit(importer: Run, source: Path, tmp_path: Path) -> None:
    ours = tmp_path / "ours.toml"
    ours.write_text('[columns]\n"Rechnungsnummer" = "creditorReference"\n', encoding="utf-8")

    assert "names a column “Rechnungsnummer” that is not there" in importer("map", source, "--mapping", ours).err


def test_doctor_names_a_mapping_that_cannot_be_read(importer: Run, source: Path) -> None:
    importer("map", source, "--yes")
    assert "mappings: saved are: posten" in importer("doctor", "--sandbox").err
    Path("mappings/other.toml").write_text("[colums]", encoding="utf-8")

    ran = importer("doctor", "--sandbox")

    assert ran.code == 3
    assert "mappings/other.toml has colums (do you mean columns?)" in ran.err


def test_a_run_that_an_earlier_version_kept_is_read_as_one_that_made_nothing(importer: Run, source: Path) -> None:
    importer("map", source, answer=SETTLED)
    job, settings = Job((source,)), load(Path(), {})
    kept = run_to_dict(describe(judge(job, settings), job, settings, "submit"))
    assert run_of_dict(kept).making.ignored == ("Filiale",)

    del kept["making"]

    assert run_of_dict(kept).making == Making()


def test_one_mapping_is_made_from_one_file(importer: Run, source: Path) -> None:
    source.with_name("posten-2026-09.csv").write_bytes(source.read_bytes())

    ran = importer("map", "posten-*.csv", "--yes")

    assert ran.code == 3
    assert "posten-*.csv names 2 files; name one of them to make a mapping from." in ran.err


@pytest.mark.parametrize(
    ("target", "header", "cells", "missing"),
    [
        ("details", "Sagsnr", "17", []),
        ("references", "Debitura reference;Aktenzeichen", "D-1;A-1", []),
        ("managed", "Gläubiger;Schuldner;Kundenname", "A;B;C", "creditorReference"),
        ("referral", "Client;Schuldner;Kundenname", "A;B;C", "creditorReference"),
    ],
)
def test_every_target_has_mappings(
    importer: Run, tmp_path: Path, target: str, header: str, cells: str, missing: list[str] | str
) -> None:
    (tmp_path / "some.csv").write_text(f"{header}\n{cells}\n{cells}2\n", encoding="utf-8")

    ran = importer("map", "some.csv", "--target", target, "--yes", "--json")

    assert ran.said["target"] == target
    assert ran.said["missing"] == [] if missing == [] else missing in ran.said["missing"]
    assert "Kundenname" not in ran.said["columns"]


def test_a_saved_mapping_serves_details(importer: Run, tmp_path: Path) -> None:
    (tmp_path / "cases.csv").write_text("Fall;Note\n1001;x\n", encoding="utf-8")
    importer("map", "cases.csv", "--target", "details", answer="A = caseId\nB = -\n")

    ran = importer("details", "cases.csv", "--sandbox", "--json")

    assert ran.said["counts"]["rows"] == 1
    assert "feed no field" not in ran.err


def test_the_sample_mapping_is_what_the_walk_through_makes(importer: Run) -> None:
    ran = importer("map", SAMPLES / "german-export.csv", answer="yes\nFiliale = -\nMahnstufe = -\n")

    assert ran.code == 0
    made, shipped = (
        read_mapping(Path("mappings/german-export.toml")),
        read_mapping(SAMPLES / "mappings/german-export.toml"),
    )
    assert made == replace(shipped, reading=Reading())
