"""The command line as a contract: names, exit codes, what is printed where, and what each stop leaves behind."""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
import sqlite3
import stat
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import openpyxl
import pytest

from importer.errors import JournalError
from importer.sandbox import Settings, Store, serving

if TYPE_CHECKING:
    from collections.abc import Callable

    Importer = Callable[..., Any]

SAMPLES = Path(__file__).parent.parent / "samples"
BOTH_JOURNALS = pytest.mark.usefixtures("place")
PROGRAM = [sys.executable, "-c", "from importer.cli import main; main(prog_name='importer')"]
HEADER = (
    *("creditorReference", "currencyCode", "date", "amountToRecover", "debtor.type", "debtor.name"),
    *("debtor.address", "debtor.city", "debtor.countryAlpha2"),
)


def source(path: Path, *changes: dict[str, str], rows: int | None = None) -> Path:
    """Write a CSV of good rows, each changed as said."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, HEADER)
        writer.writeheader()
        for number, change in enumerate(changes or [{}] * (rows or 1)):
            good = (
                "INV-" + str(number),
                "EUR",
                "2026-01-15",
                "100.50",
                "Company",
                f"Example {number}",
                "1 St",
                "Town",
                "DE",
            )
            writer.writerow({**dict(zip(HEADER, good, strict=True)), **change})
    return path


def results(said: dict[str, Any], sheet: str = "Results") -> list[dict[str, Any]]:
    book = openpyxl.load_workbook(said["report"])
    header, *rows = book[sheet].iter_rows(values_only=True)
    return [dict(zip(header, row, strict=True)) for row in rows]


def test_every_command_is_helped_and_quickly_imported() -> None:
    code = (
        "import sys; from click.testing import CliRunner; from importer.cli import main\n"
        "assert CliRunner().invoke(main, ['submit', '--help']).exit_code == 0\n"
        "slow = {'pandas', 'pyarrow', 'aiohttp', 'sqlalchemy', 'rich', 'openpyxl', 'starlette'} & set(sys.modules)\n"
        "sys.exit(str(slow) if slow else 0)"
    )
    assert subprocess.run([PROGRAM[0], "-c", code], capture_output=True, text=True, check=False).stderr == ""


@pytest.mark.parametrize(
    ("options", "unused"),
    [
        ([], {"aiohttp", "alembic", "openpyxl", "sqlalchemy", "starlette"}),
        (
            ["--no-report"],
            {"aiohttp", "alembic", "isal", "jinja2", "openpyxl", "sqlalchemy", "starlette", "xlsxwriter"},
        ),
    ],
)
def test_a_check_loads_nothing_that_it_does_not_use(tmp_path: Path, options: list[str], unused: set[str]) -> None:
    source(tmp_path / "june.csv")
    code = (
        "import sys, importer.cli as cli\n"
        f"cli.main(['check', 'june.csv', '--quiet', *{options}], standalone_mode=False)\n"
        f"sys.exit(' '.join(set({sorted(unused)}) & set(sys.modules)) or None)"
    )
    ended = subprocess.run([PROGRAM[0], "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ended.stderr == ""


def test_the_help_names_every_command(importer: Importer) -> None:
    said = importer("--help").out

    for command in (
        "check",
        "submit",
        "resume",
        "runs",
        "show",
        "report",
        "find",
        "forget",
        "purge",
        "sandbox",
        "doctor",
        "references",
        "template",
    ):
        assert re.search(rf"^  {command} ", said, re.MULTILINE)


@BOTH_JOURNALS
def test_submit_says_one_object_that_agrees_with_workbook_and_sandbox(importer: Importer, tmp_path: Path) -> None:
    ran = importer("submit", SAMPLES / "month-2026-10.xlsx", "--sandbox", "--yes", "--json")

    said = ran.said
    assert ran.code == said["exit"] == 1
    places = {"report", "page", "issues", "to_fix"}
    assert set(said) == {"run", "sources", "target", *places, "counts", "totals", "unreadable", "exit", "against"}
    assert said["counts"]["rows"] == sum(count for name, count in said["counts"].items() if name != "rows")
    assert openpyxl.load_workbook(said["report"]).sheetnames == ["Summary", "Results", "Issues", "To fix", "Run"]
    created = {row["Creditor reference"]: row for row in results(said) if row["Status"] == "created"}
    cases = {case["creditorReference"]: case for case in Store(tmp_path / "sandbox.db").cases()}
    assert set(created) == set(cases)
    for reference, row in created.items():
        assert (row["Case id"], row["Reference"]) == (cases[reference]["id"], cases[reference]["reference"])
    mended = [row["Status"] for row in results(said) if row["Status"] in {"invalid", "rejected"}]
    assert len(results(said, "To fix")) == len(mended) == said["counts"]["invalid"] + said["counts"]["rejected"]


@BOTH_JOURNALS
def test_a_second_run_creates_nothing_and_says_already_imported(importer: Importer, tmp_path: Path) -> None:
    file = source(tmp_path / "june.csv", rows=3)
    first = importer("submit", file, "--sandbox", "--yes", "--json").said

    second = importer("submit", file, "--sandbox", "--yes", "--json").said

    assert (first["counts"]["created"], second["counts"]["already-imported"], second["exit"]) == (3, 3, 0)
    assert [row["Case id"] for row in results(first)] == [row["Case id"] for row in results(second)]
    assert len(Store(tmp_path / "sandbox.db").cases()) == 3


@BOTH_JOURNALS
def test_a_row_that_has_changed_since_is_not_sent_and_says_which_field(importer: Importer, tmp_path: Path) -> None:
    file = source(tmp_path / "june.csv", {"debtor.city": "Old", "amountToRecover": "5"})
    importer("submit", file, "--sandbox", "--yes")

    said = importer(
        "submit", source(file, {"debtor.city": "New", "amountToRecover": "6"}), "--sandbox", "--yes", "--json"
    ).said

    assert said["counts"]["already-imported"] == 1
    assert "Different now: amountToRecover, debtor.city" in results(said)[0]["Message"]


@BOTH_JOURNALS
def test_a_sorted_copy_and_an_overlapping_file_send_only_what_is_new(importer: Importer, tmp_path: Path) -> None:
    rows = [{"creditorReference": f"INV-{number}"} for number in range(6)]
    importer("submit", source(tmp_path / "june.csv", *rows[:4]), "--sandbox", "--yes")

    said = importer("submit", source(tmp_path / "july.csv", *reversed(rows)), "--sandbox", "--yes", "--json").said

    assert (said["counts"]["created"], said["counts"]["already-imported"]) == (2, 4)
    assert len(Store(tmp_path / "sandbox.db").cases()) == 6


@BOTH_JOURNALS
def test_test_cases_are_other_cases(importer: Importer, tmp_path: Path) -> None:
    file = source(tmp_path / "june.csv", {"creditorReference": "T-1"})

    assert importer("submit", file, "--sandbox", "--yes", "--test", "--json").said["counts"]["created"] == 1

    (case,) = Store(tmp_path / "sandbox.db").cases()
    assert case["isTest"]
    assert importer("submit", file, "--sandbox", "--yes", "--json").said["counts"]["duplicate"] == 1


@BOTH_JOURNALS
def test_check_sends_nothing_and_knows_what_is_imported(importer: Importer, tmp_path: Path) -> None:
    file = source(tmp_path / "june.csv", rows=2)
    assert importer("check", file, "--json").said["counts"] == {
        "rows": 2,
        "valid": 2,
        "already-imported": 0,
        "invalid": 0,
    }
    assert not (tmp_path / "journal.db").exists()
    importer("submit", file, "--sandbox", "--yes")

    said = importer("check", file, "--sandbox", "--json").said

    assert said["counts"]["already-imported"] == 2
    assert results(said)[0]["Case id"]
    assert len(importer("runs", "--json").said["runs"]) == 1


def test_check_without_a_report_writes_none(importer: Importer, tmp_path: Path) -> None:
    said = importer("check", source(tmp_path / "june.csv"), "--no-report", "--json").said

    assert said["report"] is None
    assert not (tmp_path / "reports").exists()


def test_the_question_shows_what_would_be_sent_and_no_sends_nothing(
    importer: Importer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("click.testing._NamedTextIOWrapper.isatty", lambda _: True, raising=False)

    ran = importer("submit", source(tmp_path / "june.csv", rows=2), "--sandbox", answer="n\n")

    assert ran.code == 130
    said = re.sub(r"\x1b\[[0-9;]*m", "", ran.err)
    assert "2 cases to create: 201.00 EUR" in said
    assert re.search(r"For Invented Creditor \(sandbox\) \(.+\) at 127.0.0.1:", said)
    assert Store(tmp_path / "sandbox.db").cases() == []
    assert importer("runs", "--json").said["runs"] == []


def test_without_a_terminal_submit_needs_yes(importer: Importer, tmp_path: Path) -> None:
    ran = importer("submit", source(tmp_path / "june.csv"), "--sandbox")

    assert ran.code == 2
    assert "--yes" in ran.err


@BOTH_JOURNALS
def test_limit_sends_so_many_and_resume_the_rest(importer: Importer, tmp_path: Path) -> None:
    said = importer("submit", source(tmp_path / "june.csv", rows=5), "--sandbox", "--yes", "--limit", 2, "--json").said

    assert (said["counts"]["created"], said["counts"]["not-sent"], said["exit"]) == (2, 3, 0)
    assert results(said)[4]["Message"] == "--limit 2 came before its turn. `importer resume` sends it."
    rest = importer("resume", said["run"], "--sandbox", "--json").said
    assert (rest["run"], rest["counts"]["created"], rest["exit"]) == (said["run"], 5, 0)


@BOTH_JOURNALS
def test_all_or_nothing_sends_nothing_for_one_error_and_cannot_be_resumed(importer: Importer, tmp_path: Path) -> None:
    file = source(tmp_path / "june.csv", {}, {"debtor.city": ""})

    said = importer("submit", file, "--sandbox", "--yes", "--all-or-nothing", "--json").said

    assert (said["counts"]["not-sent"], said["counts"]["invalid"], said["exit"]) == (1, 1, 1)
    assert Store(tmp_path / "sandbox.db").cases() == []
    again = importer("resume", said["run"], "--sandbox", "--json")
    assert again.code == 3
    assert "all-or-nothing" in again.err


@pytest.mark.parametrize("option", [["--all-or-nothing"], ["--limit", "0"]])
def test_what_an_earlier_run_left_in_doubt_is_not_sent_either_when_nothing_may_be(
    importer: Importer, tmp_path: Path, option: list[str]
) -> None:
    file = source(tmp_path / "june.csv", {"creditorReference": "A"})
    importer("submit", file, "--sandbox", "--yes", "--limit", 0)
    with closing(sqlite3.connect(tmp_path / "journal.db")) as journal, journal:
        journal.execute("update cases set status = 'sending', attempts = 1, attempted_at = 1, since = 1")
    both = source(tmp_path / "july.csv", {"creditorReference": "A"}, {"debtor.city": ""})

    said = importer("submit", both, "--sandbox", "--yes", "--json", *option).said

    assert (said["counts"]["not-sent"], said["counts"]["invalid"]) == (1, 1)
    assert Store(tmp_path / "sandbox.db").cases() == []


@BOTH_JOURNALS
def test_a_journal_that_fails_after_sending_is_no_run_that_could_not_start(
    importer: Importer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise JournalError("The journal is gone.")

    monkeypatch.setattr("importer.pipeline.reporting.add_entries", broken)
    ran = importer("submit", source(tmp_path / "june.csv"), "--sandbox", "--yes", "--json")

    assert ran.code == 4
    assert "The journal is gone. What was sent is in the journal; `importer report " in ran.said["error"]


def test_a_password_of_the_journal_is_not_shown(importer: Importer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMPORTER_JOURNAL", "postgresql://bob:s3cret@127.0.0.1:1/x")

    for command in ("runs", "doctor"):
        ran = importer(command)
        assert ran.code == 3
        assert "s3cret" not in ran.out + ran.err


@BOTH_JOURNALS
def test_a_rejected_row_is_tried_again_by_the_next_submit(importer: Importer, tmp_path: Path) -> None:
    file = source(tmp_path / "june.csv", {"debtor.countryAlpha2": "AQ"})
    first = importer("submit", file, "--sandbox", "--yes", "--json").said
    assert (first["counts"]["rejected"], results(first)[0]["Error"]) == (1, "NoPartnerAvailable")

    mended = source(file, {"debtor.countryAlpha2": "DE"})

    assert importer("submit", mended, "--sandbox", "--yes", "--json").said["counts"]["created"] == 1


def test_an_unsigned_agreement_stops_the_run_and_is_taken_when_it_may_be_pending(
    importer: Importer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IMPORTER_API_KEY", "sandbox-unsigned")
    file = source(tmp_path / "june.csv", rows=30)

    ran = importer("submit", file, "--sandbox", "--yes", "--json", "--concurrency", 1)

    assert ran.code == 4
    assert "https://app.debitura.com/" in ran.said["error"]
    assert ran.said["counts"]["not-sent"] == 29
    pending = importer("submit", file, "--sandbox", "--yes", "--json", "--allow-pending-contracts").said
    assert pending["counts"]["created"] == 30
    assert results(pending)[0]["Solution"].startswith("https://app.debitura.com/")


@pytest.mark.parametrize("key", ["sandbox-blocked", "sandbox-demo"])
def test_an_account_that_may_not_create_cases_stops_the_run(
    importer: Importer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    monkeypatch.setenv("IMPORTER_API_KEY", key)

    ran = importer("submit", source(tmp_path / "june.csv", rows=9), "--sandbox", "--yes", "--concurrency", 1, "--json")

    assert ran.code == 4
    assert (ran.said["counts"]["rejected"], ran.said["counts"]["not-sent"]) == (1, 8)
    assert len(results(ran.said)) == 9


def test_a_rotated_key_is_the_same_account(importer: Importer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = source(tmp_path / "june.csv", rows=2)
    importer("submit", file, "--sandbox", "--yes")
    monkeypatch.setenv("IMPORTER_API_KEY", "sandbox:second")

    assert importer("submit", file, "--sandbox", "--yes", "--json").said["counts"]["already-imported"] == 2


@BOTH_JOURNALS
def test_another_accounts_key_cannot_resume_a_run(
    importer: Importer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = importer("submit", source(tmp_path / "june.csv", rows=2), "--sandbox", "--yes", "--limit", 1, "--json").said
    monkeypatch.setenv("IMPORTER_API_KEY", "sandbox-other")

    ran = importer("resume", said["run"], "--sandbox", "--json")

    assert ran.code == 3
    assert "belongs to another account" in ran.said["error"]
    assert len(Store(tmp_path / "sandbox.db").cases()) == 1


@pytest.mark.parametrize(("key", "words"), [("wrong", "is not accepted"), ("sandbox-forbidden", "may not be used")])
def test_a_wrong_key_is_one_sentence_and_exit_4(
    importer: Importer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: str, words: str
) -> None:
    monkeypatch.setenv("IMPORTER_API_KEY", key)
    with serving(tmp_path / "other.db") as url:
        ran = importer("submit", source(tmp_path / "june.csv"), "--yes", "--api-url", url, "--json")

    assert ran.code == ran.said["exit"] == 4
    assert words in ran.said["error"]
    assert key not in ran.out + ran.err.replace("IMPORTER_API_KEY", "")
    assert ran.err.count("\n") == 1


def test_no_key_is_one_sentence_and_exit_3(importer: Importer, tmp_path: Path) -> None:
    ran = importer("submit", source(tmp_path / "june.csv"), "--yes", "--api-url", "https://localhost:1", "--json")

    assert ran.code == 3
    assert "There is no API key" in ran.said["error"]


def test_no_network_is_one_sentence_and_exit_4(
    importer: Importer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IMPORTER_API_KEY", "k")
    monkeypatch.setattr("importer.pipeline.account.PAUSES", (0.0,))

    ran = importer("submit", source(tmp_path / "june.csv"), "--yes", "--api-url", "https://api.invalid", "--json")

    assert ran.code == 4
    assert "The API at api.invalid cannot be asked" in ran.said["error"]
    assert ran.err.count("\n") == 1


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "is a folder"),
        (b"", "is empty"),
        (",".join(HEADER).encode() + b"\n", "has a header but no rows"),
        (b"a,b\n1,2\n", "The columns found are: “a”, “b”."),
        (b"%PDF-1.7", "is a PDF"),
        (b"\xd0\xcf\x11\xe0rest", "old document"),
    ],
)
def test_a_source_that_cannot_be_used_is_one_sentence_and_exit_3(
    importer: Importer, tmp_path: Path, content: bytes | None, words: str
) -> None:
    path = tmp_path / "june.csv"
    if content is None:
        path.mkdir()
    else:
        path.write_bytes(content)

    for command in (["check"], ["submit", "--sandbox", "--yes"]):
        ran = importer(*command, path, "--json")
        assert ran.code == ran.said["exit"] == 3
        assert words in ran.said["error"]
        assert ran.err.count("\n") == 1


def test_a_source_that_is_not_there_is_named(importer: Importer) -> None:
    ran = importer("check", "nowhere.csv")

    assert ran.code == 3
    assert ran.err == "nowhere.csv does not exist; check the name and the folder.\n"


def test_an_unknown_column_is_a_warning_and_stays_in_the_report(importer: Importer, tmp_path: Path) -> None:
    path = source(tmp_path / "june.csv")
    head, row = path.read_text().splitlines()
    path.write_text(f"{head},Margin\n{row},=1+1\n")

    ran = importer("check", path)

    assert ran.code == 0
    assert "Columns that feed no field, kept in the report only: Margin." in ran.err
    assert results({"report": ran.out.strip()})[0]["Margin"] == "=1+1"


@pytest.mark.parametrize("constant", ["EUR", "=EUR"])
def test_a_constant_of_another_form_is_wrong_usage(importer: Importer, tmp_path: Path, constant: str) -> None:
    ran = importer("check", source(tmp_path / "june.csv"), "--set", constant)

    assert ran.code == 2
    assert "FIELD=VALUE" in ran.err


def test_a_busy_journal_is_one_sentence_and_exit_3(importer: Importer, tmp_path: Path) -> None:
    file = source(tmp_path / "june.csv", rows=3)
    importer("submit", file, "--sandbox", "--yes", "--limit", 1)
    locks = [str(lock) for lock in (tmp_path / "locks").iterdir()]
    code = (
        f"import filelock, time\nheld = [filelock.FileLock(path) for path in {locks}]\n"
        "[lock.acquire() for lock in held]\nprint('held', flush=True)\ntime.sleep(60)"
    )
    with subprocess.Popen([PROGRAM[0], "-c", code], stdout=subprocess.PIPE) as holder:
        assert holder.stdout
        holder.stdout.readline()
        ran = importer("submit", file, "--sandbox", "--yes", "--json")
        holder.kill()

    assert ran.code == 3
    assert "Another importer is sending for this account" in ran.said["error"]
    assert len(Store(tmp_path / "sandbox.db").cases()) == 1


def test_a_locked_database_holds_up_who_writes_with_one_sentence_and_exit_3_and_nobody_who_reads(
    importer: Importer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    importer("submit", source(tmp_path / "june.csv"), "--sandbox", "--yes")
    monkeypatch.setattr("importer.journal.database.BUSY_PATIENCE", 0.1)
    with closing(sqlite3.connect(tmp_path / "journal.db", isolation_level=None)) as other:
        other.execute("begin exclusive")
        listed = importer("runs", "--json")
        ran = importer("submit", tmp_path / "june.csv", "--sandbox", "--yes", "--json")

    assert (listed.code, len(listed.said["runs"])) == (0, 1)
    assert ran.code == 3
    assert "another program is writing to it" in ran.said["error"]


def test_a_report_that_cannot_be_written_loses_nothing(
    importer: Importer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("importer.report.package.Package.save", full)
        ran = importer("submit", source(tmp_path / "june.csv", rows=3), "--sandbox", "--yes", "--json")

    assert ran.code == 4
    assert "No space left on device. What was sent is in the journal; `importer report " in ran.said["error"]
    (run,) = importer("runs", "--json").said["runs"]
    again = importer("report", run["run"], "--json")
    assert again.code == 0
    assert [row["Status"] for row in results(again.said)] == ["created"] * 3


@BOTH_JOURNALS
def test_runs_show_and_find_tell_what_the_journal_knows(importer: Importer, tmp_path: Path) -> None:
    said = importer("submit", source(tmp_path / "june.csv", rows=2), "--sandbox", "--yes", "--json").said

    (run,) = importer("runs", "--json").said["runs"]
    shown = importer("show", said["run"], "--json").said
    (found,) = importer("find", "INV-1", "--json").said["cases"]

    assert (run["run"], run["state"], run["rows"], run["sources"]) == (said["run"], "finished", 2, ["june.csv"])
    assert (shown["counts"], shown["totals"], shown["report"]) == (said["counts"], said["totals"], said["report"])
    assert shown["requests"] == {"post": 2, "me": 1}
    assert (found["status"], found["row"], found["run"]) == ("created", 3, said["run"])
    assert importer("find", found["case_id"]).code == importer("find", found["reference"]).code == 0
    assert importer("show", said["run"]).out.strip() == said["report"]
    assert said["run"] in importer("runs").err


@BOTH_JOURNALS
def test_what_is_not_known_is_said_so(importer: Importer, tmp_path: Path) -> None:
    assert importer("runs").code == 3
    importer("submit", source(tmp_path / "june.csv"), "--sandbox", "--yes")

    assert importer("find", "nothing").code == 1
    for command in ("show", "report", "resume"):
        ran = importer(command, "nothing", *(["--sandbox"] if command == "resume" else []))
        assert (ran.code, "There is no run nothing" in ran.err) == (3, True)


@BOTH_JOURNALS
def test_doctor_finds_a_sandbox_in_order(importer: Importer) -> None:
    ran = importer("doctor", "--sandbox", "--json")

    assert ran.code == 0
    assert [finding["what"] for finding in ran.said["findings"]] == [
        *("settings", "journal", "webhooks", "mappings", "notices", "key", "API", "clock")
    ]


def test_doctor_says_what_is_missing(importer: Importer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert importer("doctor").code == 3
    monkeypatch.setenv("IMPORTER_API_KEY", "wrong")
    with serving(tmp_path / "other.db") as url:
        ran = importer("doctor", "--api-url", url)

    assert ran.code == 4
    assert "NO  API: The API key is not accepted" in ran.err


def test_sandbox_and_an_api_url_exclude_each_other(importer: Importer, tmp_path: Path) -> None:
    ran = importer("submit", source(tmp_path / "june.csv"), "--sandbox", "--api-url", "https://x.example", "--yes")

    assert ran.code == 3
    assert "leave --api-url" in ran.err


def test_a_damaged_sandbox_is_one_sentence(importer: Importer, tmp_path: Path) -> None:
    (tmp_path / "sandbox.db").write_bytes(b"no database " * 100)

    ran = importer("submit", source(tmp_path / "june.csv"), "--sandbox", "--yes")

    assert ran.code == 3
    assert "sandbox.db" in ran.err


def test_a_mended_results_workbook_is_a_source(importer: Importer, tmp_path: Path) -> None:
    path = tmp_path / "offene.csv"
    path.write_text(
        "Rg-Nr;Kunde;Straße;Ort;Land;Betrag;Datum\n"
        "R-1;Example A;Weg 1;Ort;Germany;1.000,50;03.04.2026\n"
        "R-2;Example B;Weg 2;;Germany;1.000;03.04.2026\n"
        "R-3;Example C;Weg 3;Ort;Germny;2.000;04.05.2026\n",
        encoding="cp1252",
    )
    (tmp_path / "ours.toml").write_text(
        '[columns]\n"Rg-Nr"="creditorReference"\nKunde="debtor.name"\n"Straße"="debtor.address"\nOrt="debtor.city"\n'
        'Land="debtor.country"\nBetrag="amountToRecover"\nDatum="date"\n[constants]\ncurrencyCode="EUR"\n',
        encoding="utf-8",
    )
    options = ("--mapping", "ours.toml", "--set", "debtor.type=Company", "--sandbox", "--yes", "--json")
    first = importer("submit", path, *options).said
    assert (first["counts"]["created"], first["counts"]["invalid"]) == (1, 2)

    book = openpyxl.load_workbook(first["report"])
    sheet = book["To fix"]
    assert [cell.value for cell in sheet[1]] == ["Rg-Nr", "Kunde", "Straße", "Ort", "Land", "Betrag", "Datum"]
    assert sheet["D2"].comment.text.startswith("Ort is missing.")
    sheet["D2"] = "Ort"
    book.save(tmp_path / "mended.xlsx")
    second = importer("submit", "mended.xlsx", "--sandbox", "--yes", "--json").said

    assert (second["counts"]["rows"], second["counts"]["created"], second["counts"]["invalid"]) == (2, 1, 1)
    assert second["totals"] == [{"currency": "EUR", "rows": "3000.00", "created": "1000.00", "invalid": "2000.00"}]
    third = importer("submit", second["report"], "--sandbox", "--yes", "--json").said
    assert (third["counts"]["rows"], third["counts"]["invalid"]) == (1, 1)
    assert len(Store(tmp_path / "sandbox.db").cases()) == 2


def test_a_results_workbook_with_nothing_to_fix_says_so(importer: Importer, tmp_path: Path) -> None:
    said = importer("submit", source(tmp_path / "june.csv"), "--sandbox", "--yes", "--json").said

    ran = importer("check", said["report"])

    assert ran.code == 3
    assert "nothing to fix" in ran.err


def test_rows_of_sources_that_were_written_differently_are_not_read_in_one_way(
    importer: Importer, tmp_path: Path
) -> None:
    header = ",".join(HEADER)
    one, two = tmp_path / "one.csv", tmp_path / "two.csv"
    tail = "EUR,{},{},Company,E,1 St,{},DE"
    rows = [("A", "31/01/2026", '"1.234,56"', "Town"), ("B", "03/08/2026", '"1.000"', "")]
    one.write_text("\n".join([header, *(f"{r}," + tail.format(d, a, c) for r, d, a, c in rows)]))
    two.write_text(f"{header}\nC,{tail.format('01/31/2026', '12.50', '')}")
    first = importer("check", one, two, "--json").said
    assert first["totals"] == [{"currency": "EUR", "rows": "2247.06", "valid": "1234.56", "invalid": "1012.50"}]

    ran = importer("check", first["report"])

    assert ran.code == 3
    assert "amountToRecover comes from sources that wrote it differently" in ran.err
    assert "date comes from sources that wrote it differently" in ran.err


def test_workbooks_with_other_constants_are_no_one_run(importer: Importer, tmp_path: Path) -> None:
    reports = []
    for currency in ("EUR", "DKK"):
        path = source(tmp_path / f"{currency}.csv", {"debtor.city": ""})
        reports.append(importer("check", path, "--set", f"currencyCode={currency}", "--json").said["report"])
        reports.append(source(tmp_path / "plain.csv"))

    for sources in ((reports[0], reports[2]), (reports[0], reports[1]), (reports[1], reports[0])):
        ran = importer("check", *sources)
        assert ran.code == 3
        assert "submit the sources one by one" in ran.err


def test_a_workbook_of_another_target_is_named(importer: Importer, tmp_path: Path) -> None:
    said = importer("check", source(tmp_path / "june.csv", {"debtor.city": ""}), "--json").said
    book = openpyxl.load_workbook(said["report"])
    for row in book["Run"].iter_rows(max_col=2):
        if row[0].value == "Target":
            row[1].value = "managed"
    book.save(tmp_path / "other.xlsx")

    ran = importer("check", "other.xlsx", "--target", "customer")

    assert ran.code == 3
    assert "submit it with --target managed" in ran.err


def test_lost_digits_stay_an_error_when_the_workbook_comes_back(importer: Importer) -> None:
    said = importer("check", SAMPLES / "damaged-identifiers.xlsx", "--json").said
    first = [issue["Code"] for issue in results(said, "Issues") if issue["Severity"] == "error"]

    again = importer("check", said["report"], "--json").said

    assert "damaged-identifier" in first
    assert [issue["Code"] for issue in results(again, "Issues") if issue["Severity"] == "error"] == first


def test_totals_of_absurd_amounts_are_exact(importer: Importer, tmp_path: Path) -> None:
    huge = [{"creditorReference": str(n), "amountToRecover": "9" * 20} for n in range(3)]

    said = importer("check", source(tmp_path / "june.csv", *huge), "--json").said

    assert said["totals"] == [{"currency": "EUR", "rows": f"2{'9' * 19}7.00", "valid": f"2{'9' * 19}7.00"}]


def test_several_sources_are_one_run(importer: Importer, tmp_path: Path) -> None:
    one = source(tmp_path / "one.csv", {"creditorReference": "A"}, {"creditorReference": "B"})
    two = source(tmp_path / "two.csv", {"creditorReference": "B"}, {"creditorReference": "C"})

    said = importer("submit", one, two, "--sandbox", "--yes", "--json").said

    assert said["sources"] == ["one.csv", "two.csv"]
    assert (said["counts"]["created"], said["counts"]["invalid"]) == (2, 2)
    rows = results(said)
    assert [(row["Source"], row["Row"]) for row in rows] == [
        ("one.csv", 2),
        ("one.csv", 3),
        ("two.csv", 2),
        ("two.csv", 3),
    ]
    (first, _) = results(said, "Issues")
    assert first["Message"].endswith("row 2 of source 2.")


def test_sources_of_one_run_need_one_header(importer: Importer, tmp_path: Path) -> None:
    other = tmp_path / "two.csv"
    other.write_text("a,b\n1,2\n")

    ran = importer("check", source(tmp_path / "one.csv"), other)

    assert ran.code == 3
    assert "two.csv has other columns than one.csv" in ran.err


@BOTH_JOURNALS
def test_rows_without_a_reference_are_taken_when_that_is_allowed(importer: Importer, tmp_path: Path) -> None:
    path = source(tmp_path / "june.csv", rows=2)
    path.write_text("\n".join(line.partition(",")[2] for line in path.read_text().splitlines()))
    options = (path, "--sandbox", "--yes", "--json")
    assert importer("submit", *options).code == 3

    said = importer("submit", *options, "--allow-missing-reference").said

    assert said["counts"]["created"] == 2
    again = importer("submit", *options, "--allow-missing-reference").said
    assert again["counts"]["already-imported"] == 2
    assert len(Store(tmp_path / "sandbox.db").cases()) == 2


def test_amounts_are_sent_exactly(importer: Importer, tmp_path: Path) -> None:
    amounts = ["100", "0.1", "5000.10", "12345678901234.56", "7.125"]
    file = source(tmp_path / "june.csv", *({"creditorReference": text, "amountToRecover": text} for text in amounts))

    importer("submit", file, "--sandbox", "--yes")

    bodies = {case["creditorReference"]: case["body"] for case in Store(tmp_path / "sandbox.db").cases()}
    sent = {text: re.search(rb'"amountToRecover":([^,]+),', bodies[text]) for text in amounts}
    assert [found[1].decode() if found else None for found in sent.values()] == [
        *("100.00", "0.10", "5000.10", "12345678901234.56", "7.125")
    ]


def test_a_report_that_is_written_again_leaves_a_stopped_run_stopped(
    importer: Importer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IMPORTER_API_KEY", "sandbox-blocked")
    said = importer("submit", source(tmp_path / "june.csv", rows=3), "--sandbox", "--yes", "--json").said

    assert importer("report", said["run"], "--json").said["exit"] == 4
    shown = importer("show", said["run"], "--json").said
    assert (shown["exit_code"], shown["stopped"]) == (4, said["error"])


def test_files_of_a_workspace_are_their_owners_alone(importer: Importer, tmp_path: Path) -> None:
    workspace = tmp_path / "workspace"
    old = os.umask(0)
    try:
        importer("submit", source(tmp_path / "june.csv"), "--sandbox", "--yes", "--workspace", workspace)
    finally:
        os.umask(old)

    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in [workspace, *workspace.rglob("*")]}
    assert {mode for path, mode in modes.items() if path.is_dir()} == {0o700}
    assert {mode for path, mode in modes.items() if path.is_file()} == {0o600}


@BOTH_JOURNALS
def test_the_key_is_nowhere_in_what_a_run_leaves(
    importer: Importer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IMPORTER_API_KEY", "sandbox:very-secret-key")
    ran = importer("submit", source(tmp_path / "june.csv"), "--sandbox", "--yes", "--workspace", "w", "--json")
    (tmp_path / "w" / "sandbox.db").unlink()

    shutil.unpack_archive(ran.said["report"], tmp_path / "w" / "unpacked", "zip")
    left = b"".join(path.read_bytes() for path in (tmp_path / "w").rglob("*") if path.is_file())
    assert b"very-secret" not in left + (ran.out + ran.err).encode()


def test_the_sandbox_serves_until_it_is_interrupted(tmp_path: Path) -> None:
    command = [*PROGRAM, "sandbox", "--port", "0", "--json", "--workspace", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as server:
        assert server.stdout
        url = json.loads(server.stdout.readline())["url"]
        assert url.startswith("http://127.0.0.1:")
        server.terminate()
        assert server.wait(10) == 0


@BOTH_JOURNALS
def test_an_interruption_ends_in_good_order_and_resume_goes_on(tmp_path: Path) -> None:
    file = source(tmp_path / "june.csv", rows=300)
    command = [*PROGRAM, "submit", str(file), "--yes", "--json", "--workspace", str(tmp_path), "--rate", "3000/min"]
    with serving(tmp_path / "outside.db", Settings(minute=100_000, latency=0.2)) as url:
        environment = {**os.environ, "IMPORTER_API_URL": url, "IMPORTER_API_KEY": "sandbox"}
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
        ) as run:
            wait_for(lambda: len(Store(tmp_path / "outside.db").cases()) > 20)
            run.terminate()
            out, err = run.communicate()
        said = json.loads(out)
        assert (run.returncode, said["exit"]) == (130, 130), err
        counts = said["counts"]
        assert counts["created"] == len(Store(tmp_path / "outside.db").cases())
        assert counts["created"] + counts["not-sent"] == 300
        assert Path(said["report"]).exists()
        resumed = subprocess.run(
            [*PROGRAM, "resume", said["run"], "--json", "--workspace", str(tmp_path), "--rate", "60000/min"],
            capture_output=True,
            text=True,
            check=False,
            env=environment,
        )

    assert json.loads(resumed.stdout)["counts"]["created"] == 300
    assert len(Store(tmp_path / "outside.db").cases()) == 300


def wait_for(condition: Callable[[], bool], patience: float = 30.0) -> None:
    """Wait for what another process does."""
    until = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.02)


@pytest.mark.parametrize(
    "arguments",
    [
        ("details",),
        ("details", "a.csv", "--decimal", "comma"),
        ("refresh",),
        ("references",),
        ("find", " "),
        ("submit", "a.csv"),
        ("webhooks", "add", "http://example.com"),
        ("nonsense",),
    ],
)
def test_wrong_usage_is_told_to_scripts_as_well(importer: Importer, arguments: tuple[str, ...]) -> None:
    ran = importer(*arguments, "--json")

    assert (ran.code, ran.said["exit"]) == (2, 2)
    assert ran.said["error"] in " ".join(ran.err.split())
    assert importer(*arguments).out == ""


@pytest.mark.parametrize(
    ("option", "commands"),
    [
        ("--keep-going", {"submit", "resume"}),
        ("--concurrency", {"check", "submit", "resume", "refresh", "references", "details"}),
        ("--decimal", {"check", "submit", "references"}),
    ],
)
def test_a_command_offers_the_options_that_do_something(importer: Importer, option: str, commands: set[str]) -> None:
    asking = ("check", "submit", "resume", "refresh", "find", "doctor", "references", "details")

    assert {command for command in asking if f"{option} " in importer(command, "--help").out} == commands


@pytest.mark.parametrize(
    "arguments",
    [("refresh", "--open"), ("find", "a", "--remote"), ("journal", "rebuild")],
)
@pytest.mark.parametrize("target", ["details", "references"])
def test_what_makes_no_cases_cannot_be_asked_about_them(
    importer: Importer, target: str, arguments: tuple[str, ...]
) -> None:
    importer("submit", SAMPLES / "all-good.csv", "--sandbox", "--yes")

    ran = importer(*arguments, "--target", target, "--sandbox", "--json")

    assert (ran.code, ran.said["error"]) == (3, f"The API cannot be asked about cases of the target `{target}`.")


def test_a_wrong_rate_is_named_by_the_option_that_was_given(importer: Importer) -> None:
    ran = importer("details", SAMPLES / "details.csv", "--sandbox", "--rate", "fast", "--json")

    assert ran.said["error"].startswith("--rate: ")
