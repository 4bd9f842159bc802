"""Forgetting one debtor, purging old runs: the data are gone from every byte, and nothing is ever sent twice for it."""

from __future__ import annotations

import os
import sqlite3
import time
import zipfile
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import openpyxl
import pytest

from importer.sandbox import Fault, Settings, Store, serving

if TYPE_CHECKING:
    from collections.abc import Callable

    Importer = Callable[..., Any]

HEADER = "Invoice number,Currency,Invoice date,Amount,Debtor type,Customer,Street,City,Country code,Email"
PERSON = ("Wilhelmine Raubach", "Lerchenpfad 17", "raubach@example.org")


def source(path: Path, rows: int = 3, *, name: str = PERSON[0], amount: str = "100.50") -> Path:
    """Write rows INV-0 …; the first is of somebody who can be recognised."""
    lines = [f"INV-0,EUR,2026-01-15,{amount},Private,{name},{PERSON[1]},Town,DE,{PERSON[2]}"]
    lines += [f"INV-{number},EUR,2026-01-15,200.00,Company,Example {number},1 St,Town,DE," for number in range(1, rows)]
    path.write_text("\n".join([HEADER, *lines]) + "\n")
    return path


def contents(workspace: Path, *besides: str) -> bytes:
    """Gather every byte below the workspace but for its sources and the sandbox's own file; workbooks unpacked."""
    gathered = []
    for path in sorted(workspace.rglob("*")):
        if path.is_dir() or path.suffix == ".csv" or path.name.startswith(("sandbox.db", "outside.db", *besides)):
            continue
        if path.suffix == ".xlsx":
            with zipfile.ZipFile(path) as package:
                gathered += [package.read(name) for name in package.namelist()]
        gathered.append(path.read_bytes())
    return b"\0".join(gathered)


def told(report: str, sheet: str = "Results") -> list[dict[str, Any]]:
    header, *rows = openpyxl.load_workbook(report)[sheet].iter_rows(values_only=True)
    return [dict(zip(header, row, strict=True)) for row in rows]


def is_gone(workspace: Path) -> bool:
    return not any(text.encode() in contents(workspace) for text in PERSON)


def age(workspace: Path, days: float) -> None:
    """Make all that happened so far older."""
    with closing(sqlite3.connect(workspace / "journal.db")) as journal, journal:
        for table, columns in (("runs", ("started", "finished")), ("requests", ("left_at", "ended_at"))):
            for column in columns:
                journal.execute(f"UPDATE {table} SET {column} = {column} - ?", (days * 86_400,))
    for path in (workspace / "reports").rglob("*"):
        os.utime(path, (time.time() - days * 86_400,) * 2)


def test_a_forgotten_debtor_is_in_no_byte_of_the_workspace(importer: Importer, tmp_path: Path) -> None:
    said = importer("submit", source(tmp_path / "june.csv"), "--sandbox", "--yes", "--json").said
    assert not is_gone(tmp_path)

    ran = importer("forget", "INV-0", "--yes", "--json")

    assert (ran.code, ran.said["cases"], ran.said["runs"]) == (0, 1, [said["run"]])
    assert is_gone(tmp_path)
    assert str(tmp_path / "sandbox.db").endswith(ran.said["sandbox"])
    assert "sandbox.db is the sandbox's own file" in ran.err


def test_the_report_of_a_forgotten_row_keeps_its_place_its_case_and_the_totals(
    importer: Importer, tmp_path: Path
) -> None:
    said = importer("submit", source(tmp_path / "june.csv"), "--sandbox", "--yes", "--json").said
    before = told(said["report"])

    importer("forget", "INV-0", "--yes")

    after = told(said["report"])
    again = importer("report", said["run"], "--json").said
    assert (again["counts"], again["totals"]) == (said["counts"], said["totals"])
    assert [row["Row"] for row in after] == [row["Row"] for row in before]
    assert after[1:] == before[1:]
    kept = ("Row", "Status", "Case id", "Reference", "Creditor reference", "Lifecycle", "Sent at")
    assert {name: after[0][name] for name in kept} == {name: before[0][name] for name in kept}
    assert after[0]["Message"] == "Forgotten on request."
    assert (after[0]["Invoice number"], after[0]["Amount"], after[0]["Currency"]) == ("INV-0", "100.50", "EUR")
    blank = ("Customer", "Street", "City", "Email", "Invoice date", "Debtor type", "Country code")
    assert {after[0][name] for name in blank} == {None}
    summary = openpyxl.load_workbook(said["report"])["Summary"].iter_rows(values_only=True)
    assert ("1 row without a date that can be read.",) in {line[:1] for line in summary}  # nor how old its debt is


def test_a_forgotten_debtor_is_not_sent_again_and_differs_in_nothing(importer: Importer, tmp_path: Path) -> None:
    file = source(tmp_path / "june.csv")
    importer("submit", file, "--sandbox", "--yes")
    importer("forget", "INV-0", "--yes")

    said = importer("submit", source(file, name="Somebody Else"), "--sandbox", "--yes", "--json").said

    assert said["counts"]["already-imported"] == 3
    assert told(said["report"])[0]["Message"] is None
    assert len(Store(tmp_path / "sandbox.db").cases()) == 3


def test_an_invalid_row_is_forgotten_with_what_its_issues_quote(importer: Importer, tmp_path: Path) -> None:
    said = importer("submit", source(tmp_path / "june.csv", amount=PERSON[2]), "--sandbox", "--yes", "--json").said
    assert said["counts"]["invalid"] == 1

    ran = importer("forget", "INV-0", "--yes", "--json")

    assert (ran.said["cases"], ran.said["runs"]) == (0, [said["run"]])
    assert is_gone(tmp_path)
    issue = told(said["report"], "Issues")[0]
    assert (issue["Row"], issue["Value"], issue["Message"]) == (2, None, "Forgotten on request.")


def test_the_report_of_a_check_that_has_the_debtor_is_deleted_and_named(importer: Importer, tmp_path: Path) -> None:
    with_him = importer("check", source(tmp_path / "june.csv"), "--json").said["report"]
    (tmp_path / "july.csv").write_text(f"{HEADER}\nINV-00,EUR,2026-01-15,5,Company,INV-01,1 St,Town,DE,\n")
    without = importer("check", tmp_path / "july.csv", "--json").said["report"]

    ran = importer("forget", "INV-0", "--yes")

    assert ran.code == 0
    assert with_him in ran.err
    assert [file.name for file in Path(with_him).parent.iterdir()] == []
    assert {"results.xlsx", "report.html", "issues.jsonl"} <= {file.name for file in Path(without).parent.iterdir()}


def test_issues_whose_rows_are_gone_are_named_when_somebody_is_forgotten(importer: Importer, tmp_path: Path) -> None:
    said = importer("check", source(tmp_path / "june.csv", amount=PERSON[2]), "--json").said
    Path(said["report"]).unlink()

    ran = importer("forget", "INV-0", "--yes", "--json")

    left = [said[name] for name in ("issues", "page", "to_fix")]
    assert [path in line for path, line in zip(left, ran.said["left"], strict=True)] == [True] * 3
    assert Path(said["page"]).exists()


def test_what_nobody_knows_cannot_be_forgotten(importer: Importer, tmp_path: Path) -> None:
    assert importer("forget", "INV-9", "--yes").code == 1
    importer("submit", source(tmp_path / "june.csv"), "--sandbox", "--yes")

    ran = importer("forget", "INV-9", "--yes", "--json")

    assert (ran.code, ran.said["exit"]) == (1, 1)
    assert "Nothing is known of INV-9: neither the journal nor a report has it." in ran.err


def test_forgetting_asks_first(importer: Importer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    importer("submit", source(tmp_path / "june.csv"), "--sandbox", "--yes")
    assert importer("forget", "INV-0").code == 2
    monkeypatch.setattr("importer.cli.keeping.need_yes", lambda *_, **__: None)  # as on a terminal

    refused = importer("forget", "INV-0", answer="n\n")

    assert (refused.code, "Nothing was forgotten." in refused.err) == (130, True)
    assert not is_gone(tmp_path)
    assert importer("forget", "INV-0", answer="y\n").code == 0
    assert is_gone(tmp_path)


def test_a_row_in_doubt_or_still_to_be_sent_is_not_forgotten(
    importer: Importer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IMPORTER_API_KEY", "sandbox")
    faults = (Fault.parse("lose-answer"), Fault.parse("lookups-fail"))
    with serving(tmp_path / "outside.db", Settings(faults=faults)) as url:
        doubtful = importer(
            "submit", source(tmp_path / "june.csv", 2), "--yes", "--json", "--api-url", url, "--limit", "1"
        )
    assert doubtful.said["counts"]["unknown"] == 1

    in_doubt, unsent = importer("forget", "INV-0", "--yes"), importer("forget", "INV-1", "--yes")

    assert (in_doubt.code, unsent.code) == (3, 3)
    assert f"`importer resume {doubtful.said['run']}`" in in_doubt.err
    assert "is still to be sent" in unsent.err


def test_a_purged_run_leaves_only_what_prevents_duplicates(importer: Importer, tmp_path: Path) -> None:
    file = source(tmp_path / "june.csv")
    said = importer("submit", file, "--sandbox", "--yes", "--json").said
    importer("check", file)
    age(tmp_path, 91)

    ran = importer("purge", "--older-than", "90d", "--yes", "--json")

    assert (ran.code, ran.said["runs"], len(ran.said["checks"]), ran.said["left"]) == (0, [said["run"]], 1, [])
    assert is_gone(tmp_path)
    assert list((tmp_path / "reports").iterdir()) == []
    again = importer("submit", source(file, amount="7"), "--sandbox", "--yes", "--json").said
    assert again["counts"]["already-imported"] == 3
    assert len(Store(tmp_path / "sandbox.db").cases()) == 3


def test_a_purged_run_is_said_to_be_purged_wherever_it_is_asked_for(importer: Importer, tmp_path: Path) -> None:
    said = importer("submit", source(tmp_path / "june.csv"), "--sandbox", "--yes", "--json").said
    age(tmp_path, 100)
    importer("purge", "--older-than", "12w", "--yes")
    run = said["run"]

    shown = importer("show", run, "--json").said
    assert (shown["state"], shown["counts"], shown["report"]) == ("purged", said["counts"], None)
    assert shown["requests"] == {"post": 3, "me": 1}
    assert importer("runs", "--json").said["runs"][0]["state"] == "purged"
    assert importer("find", "INV-0", "--json").said["cases"][0]["purged"].startswith("on 2")
    for command in (("report", run), ("resume", run, "--sandbox")):
        ran = importer(*command)
        assert (ran.code, ran.err.count("\n")) == (3, 1)
        assert f"Run {run} was purged on " in ran.err


def test_what_is_young_or_in_doubt_or_not_ours_is_not_purged(
    importer: Importer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IMPORTER_API_KEY", "sandbox")
    faults = (Fault.parse("lose-answer"), Fault.parse("lookups-fail"))
    with serving(tmp_path / "outside.db", Settings(faults=faults)) as url:
        doubtful = importer("submit", source(tmp_path / "june.csv", 1), "--yes", "--json", "--api-url", url).said["run"]
    own = tmp_path / "reports" / "quarterly"
    own.mkdir()
    age(tmp_path, 100)
    young = importer("check", source(tmp_path / "july.csv"), "--json").said["run"]

    ran = importer("purge", "--older-than", "90d", "--yes", "--json")

    assert (ran.said["runs"], ran.said["checks"]) == ([], [])
    assert ran.said["left"] == [
        f"Run {doubtful} has rows in doubt and was left: `importer resume {doubtful}` settles them."
    ]
    assert {path.name for path in (tmp_path / "reports").iterdir()} == {doubtful, young, "quarterly"}
    assert not is_gone(tmp_path)


def test_requests_that_the_windows_need_outlive_a_purge(importer: Importer, tmp_path: Path) -> None:
    importer("submit", source(tmp_path / "june.csv"), "--sandbox", "--yes")
    age(tmp_path, 1.5)

    importer("purge", "--older-than", "1d", "--yes")

    with closing(sqlite3.connect(tmp_path / "journal.db")) as journal:
        assert journal.execute("SELECT count(*) FROM requests").fetchone() == (4,)
    age(tmp_path, 1)
    importer("purge", "--older-than", "1d", "--yes")
    with closing(sqlite3.connect(tmp_path / "journal.db")) as journal:
        assert journal.execute("SELECT count(*) FROM requests").fetchone() == (0,)


def test_a_purge_that_was_cut_short_is_finished_by_the_next(importer: Importer, tmp_path: Path) -> None:
    said = importer("submit", source(tmp_path / "june.csv"), "--sandbox", "--yes", "--json").said
    folder = Path(said["report"]).parent
    aside = tmp_path / "aside"
    folder.rename(aside)
    age(tmp_path, 100)
    importer("purge", "--older-than", "90d", "--yes")
    aside.rename(folder)

    ran = importer("purge", "--older-than", "90d", "--yes", "--json")

    assert ran.said["runs"] == [said["run"]]
    assert not folder.exists()


@pytest.mark.parametrize("text", ["90", "d", "-1d", "3m", "1.5d", ""])
def test_what_is_no_age_is_refused(importer: Importer, text: str) -> None:
    ran = importer("purge", "--older-than", text, "--yes")

    assert ran.code == 2
    assert "is no age; say 90d or 12w." in ran.err


def test_what_another_program_has_open_is_said_to_be_in_the_file_still(importer: Importer, tmp_path: Path) -> None:
    importer("submit", source(tmp_path / "june.csv"), "--sandbox", "--yes")
    with closing(sqlite3.connect(tmp_path / "journal.db", isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM cases").fetchone()

        ran = importer("forget", "INV-0", "--yes")

        assert ran.code == 3
        assert "close that program, and give the same command again" in ran.err
    assert importer("forget", "INV-0", "--yes").code == 0
    assert is_gone(tmp_path)


def test_purging_asks_first_and_needs_no_journal_for_checks(
    importer: Importer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    importer("check", source(tmp_path / "june.csv"))
    for path in (tmp_path / "reports").rglob("*"):
        os.utime(path, (0, 0))
    assert importer("purge", "--older-than", "1d").code == 2
    monkeypatch.setattr("importer.cli.keeping.need_yes", lambda *_, **__: None)  # as on a terminal

    refused = importer("purge", "--older-than", "1d", answer="n\n")

    assert (refused.code, "Nothing was purged." in refused.err) == (130, True)
    assert not is_gone(tmp_path)
    assert importer("purge", "--older-than", "1d", answer="y\n").code == 0
    assert is_gone(tmp_path)


def test_what_the_journal_does_not_know_is_forgotten_but_never_purged(importer: Importer, tmp_path: Path) -> None:
    said = importer("submit", source(tmp_path / "june.csv"), "--sandbox", "--yes", "--json").said
    age(tmp_path, 100)
    for path in tmp_path.glob("journal.db*"):
        path.unlink()

    purged = importer("purge", "--older-than", "1d", "--yes", "--json").said
    forgotten = importer("forget", "INV-0", "--yes", "--json").said

    assert (purged["runs"], purged["checks"]) == ([], [])
    assert "belongs to a run that this journal does not know" in purged["left"][0]
    assert (forgotten["cases"], forgotten["runs"]) == (0, [said["run"]])
    assert [Path(path).name for path in forgotten["deleted"]] == ["results.xlsx", "report.html", "issues.jsonl"]
    assert is_gone(tmp_path)


def test_a_run_that_was_cut_short_is_not_purged_and_what_it_half_wrote_is(importer: Importer, tmp_path: Path) -> None:
    run = importer("submit", source(tmp_path / "june.csv"), "--sandbox", "--yes", "--json").said["run"]
    half = tmp_path / "reports" / run / ".results.xlsx.99999.part"
    half.write_text(PERSON[0])
    age(tmp_path, 100)
    with closing(sqlite3.connect(tmp_path / "journal.db")) as journal, journal:
        journal.execute("UPDATE runs SET finished = NULL")

    ran = importer("purge", "--older-than", "90d", "--yes", "--json")

    assert ran.said["left"] == [f"Run {run} was cut short and was left: `importer resume {run}` finishes it."]
    assert not half.exists()


def test_a_damaged_report_is_named_when_somebody_is_forgotten(importer: Importer, tmp_path: Path) -> None:
    importer("submit", source(tmp_path / "june.csv"), "--sandbox", "--yes")
    check = Path(importer("check", tmp_path / "june.csv", "--json").said["report"])
    check.write_bytes(b"no workbook")
    other = tmp_path / "reports" / "20260101-000000-old-abcd" / "rows.arrow"
    other.parent.mkdir()
    other.write_bytes(b"no rows")

    ran = importer("forget", "INV-0", "--yes")

    assert ran.code == 0
    assert f"{check} cannot be read" in ran.err
    assert f"{other.relative_to(tmp_path)} cannot be read" in ran.err


def test_workbooks_of_details_are_named_when_forgetting_and_gone_when_purging(
    importer: Importer, tmp_path: Path
) -> None:
    (tmp_path / "ids.csv").write_text("caseId\n5001\n")
    kept = [importer("details", "ids.csv", "--sandbox").out.strip()]

    ran = importer("forget", "INV-0", "--yes", "--json")

    assert ran.code == 1
    assert [kept[0] in said for said in ran.said["left"]] == [True]
    assert kept[0] in ran.err

    importer("submit", source(tmp_path / "june.csv"), "--sandbox", "--yes")
    kept.append(importer("refresh", "--open", "--sandbox").out.strip())
    assert all(Path(path).exists() for path in kept)
    for path in kept:
        for one in (Path(path), Path(path).parent):
            os.utime(one, (time.time() - 100 * 86_400,) * 2)

    assert len(importer("purge", "--older-than", "90d", "--yes", "--json").said["checks"]) == len(kept)
    assert not any(Path(path).parent.exists() for path in kept)
