"""Several invoices of one debtor become one case, and no invoice is ever in two, whatever happens in between."""

from __future__ import annotations

import json
import signal
import sqlite3
import time
from contextlib import closing
from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import openpyxl
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from importer.bundle import BUCKETS, Found, age, describe, group, hold, join
from importer.sandbox import Fault, Settings, Store, serving
from importer.sandbox.lines import judge as judge_body
from schemas import customer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

TODAY = date(2026, 11, 21)
HEADER = (
    "Customer number,Invoice number,Currency,Invoice date,Due date,Amount,Debtor type,Debtor,Address,City,Country code"
)
BY = ("--bundle-by", "Customer number")


def line(debtor: int, number: object, **changes: object) -> dict[str, str]:
    cells = dict(
        zip(
            HEADER.split(","),
            (f"C-{debtor}", f"INV-{number}", "EUR", "2025-01-15", "2025-02-14", "10.50", "Company"),
            strict=False,
        )
    )
    cells |= {"Debtor": f"Example {debtor}", "Address": "1 St", "City": "Town", "Country code": "DE"}
    return cells | {name.replace("_", " "): str(value) for name, value in changes.items()}


def write(path: Path, lines: Iterable[dict[str, str]]) -> Path:
    rows = list(lines)
    names = list(rows[0])
    path.write_text(
        "\n".join(",".join(row) for row in [names, *([row[name] for name in names] for row in rows)]) + "\n"
    )
    return path


def invoice(number: int, **changes: Any) -> dict[str, Any]:
    return {
        "creditorReference": f"INV-{number}",
        "currencyCode": "EUR",
        "date": f"2025-01-{number:02}",
        "dueDate": f"2025-02-{number:02}",
        "amountToRecover": Decimal("10.50"),
        "debtor": {"type": "Company", "name": "Example GmbH", "countryAlpha2": "DE"},
        **changes,
    }


def joined(*invoices: dict[str, Any], lines: bool = False) -> tuple[dict[str, Any], list[Found]]:
    bundle, found = join(dict(enumerate(invoices, 2)), TODAY, lines=lines)
    return bundle.request, found


def grouped(
    *rows: tuple[str | None, ...], faulty: tuple[int, ...] = (), apart: dict[int, str] | None = None
) -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
    """Group rows of (debtor, currency)."""
    frame = pd.DataFrame(rows, columns=["debtor", "currency"], index=range(2, 2 + len(rows)))
    return [(one.rows, one.faulty) for one in group(frame[["debtor"]], frame["currency"], faulty, apart or {})]


def test_rows_of_one_debtor_and_currency_belong_together_whatever_the_case_and_spaces() -> None:
    assert grouped(("Ex A", "EUR"), ("ex  a", "EUR"), ("Ex A", "USD"), ("Ex B", "EUR")) == [
        ((2, 3), ()),
        ((4,), ()),
        ((5,), ()),
    ]


def test_blanks_are_no_one_debtor() -> None:
    assert grouped((None, "EUR"), (None, "EUR")) == []


def test_a_faulty_row_holds_those_of_its_bundle_and_one_without_currency_those_of_every_currency() -> None:
    assert grouped(("A", "EUR"), ("A", "EUR"), ("A", "USD"), faulty=(3,)) == [((2, 3), (3,)), ((4,), ())]
    assert grouped(("A", "EUR"), ("A", None), ("A", "USD"), faulty=(3,)) == [((2,), (3,)), ((4,), (3,))]
    assert [(found.row, found.detail) for found in hold((2, 3), {3})] == [(2, "row 3")]
    assert [found.detail for found in hold((2,), set(range(3, 10)))] == ["rows 3, 4, 5, 6, 7 and 2 more"]


def test_rows_that_wait_for_an_earlier_request_go_with_no_others() -> None:
    assert grouped(("A", "EUR"), ("A", "EUR"), ("A", "EUR"), apart={3: "r 2", 4: "r 2"}) == [((2,), ()), ((3, 4), ())]


@given(
    st.lists(
        st.tuples(st.dates(date(2020, 1, 1), TODAY), st.decimals("0.01", "999999", places=2)), min_size=2, max_size=30
    )
)
def test_the_sum_is_exact_and_each_bucket_is_what_a_plain_recount_says(parts: list[tuple[date, Decimal]]) -> None:
    request, found = joined(
        *(
            invoice(
                1, creditorReference=f"I{number}", date="2019-01-01", dueDate=due.isoformat(), amountToRecover=amount
            )
            for number, (due, amount) in enumerate(parts)
        )
    )

    cents = [(due, int(amount * 100)) for due, amount in parts]
    assert request["amountToRecover"] * 100 == sum(amount for _, amount in cents)
    older = (
        lambda due: (TODAY - due).days > 180,
        lambda due: (due.year + 1, due.month, due.day) < (2026, 11, 21),
        lambda due: (due.year + 2, due.month, due.day) < (2026, 11, 21),
    )
    for name, is_older in zip(BUCKETS, older, strict=True):
        assert request[name] * 100 == sum(amount for due, amount in cents if is_older(due))
    over_6, over_12, over_24 = (request[name] for name in BUCKETS)
    assert 0 <= over_24 <= over_12 <= over_6 <= request["amountToRecover"]
    assert not found
    assert request["dueDate"] == min(due for due, _ in parts).isoformat()


@pytest.mark.parametrize(
    ("due", "today", "reached"),
    [
        (TODAY - timedelta(days=180), TODAY, 0),
        (TODAY - timedelta(days=181), TODAY, 1),
        (date(2025, 11, 21), TODAY, 1),
        (date(2025, 11, 20), TODAY, 2),
        (date(2024, 11, 21), TODAY, 2),
        (date(2024, 11, 20), TODAY, 3),
        (date(2024, 2, 29), date(2025, 2, 28), 1),
        (date(2024, 2, 29), date(2025, 3, 1), 2),
    ],
)
def test_an_amount_is_older_from_the_day_after(due: date, today: date, reached: int) -> None:
    assert [amount > 0 for amount in age([(due, Decimal(1))], today).values()] == [
        number < reached for number in range(3)
    ]


def test_the_oldest_invoice_names_the_case_and_younger_ones_that_differ_are_told() -> None:
    other = {"type": "Company", "name": "Example", "countryAlpha2": "DE", "phone": "+45 1"}
    request, found = joined(invoice(3, debtor=other), invoice(1))

    assert request["creditorReference"] == "INV-1"
    assert request["debtor"] == invoice(1)["debtor"]
    assert [(one.row, one.field, one.code, one.value, one.detail) for one in found] == [
        (2, "debtor.name", "bundle-differs", "Example", "“Example GmbH”, as row 3 says"),
        (2, "debtor.phone", "bundle-differs", "+45 1", "nothing, as row 3 says"),
    ]


def test_an_invoice_without_a_due_date_is_not_guessed_at() -> None:
    bare = invoice(1)
    del bare["dueDate"]

    assert [(one.row, one.code) for one in joined(bare, invoice(2))[1]] == [(2, "bundle-due-date-missing")]
    assert [(one.row, one.code) for one in joined(bare, invoice(2), lines=True)[1]] == [(2, "bundle-due-date-missing")]


def test_claim_lines_stand_in_the_place_of_the_sum() -> None:
    request, found = joined(invoice(1), invoice(2), lines=True)

    assert request["claimLines"] == [
        {"dueDate": "2025-02-01", "amount": Decimal("10.50"), "reference": "INV-1"},
        {"dueDate": "2025-02-02", "amount": Decimal("10.50"), "reference": "INV-2"},
    ]
    assert set(request).isdisjoint({"amountToRecover", "dueDate", *BUCKETS})
    assert not found


def test_claim_lines_that_the_api_does_not_take_are_told() -> None:
    fine, old = invoice(1, amountToRecover=Decimal("1.005")), invoice(2, dueDate="1999-12-31")
    many = [invoice(1, creditorReference=str(number)) for number in range(1001)]

    assert [(one.row, one.code) for one in joined(fine, old, lines=True)[1]] == [
        (2, "claim-line-too-precise"),
        (3, "claim-line-too-old"),
    ]
    assert [one.code for one in joined(*many, lines=True)[1]] == ["claim-lines-too-many", "bundle-shortened"]


def test_the_comments_keep_what_was_there_and_list_the_invoices() -> None:
    request, _ = joined(invoice(1, comments="Called."), invoice(2, comments="Called."), invoice(3, comments="Wrote."))

    assert request["comments"].splitlines() == [
        "Called.",
        "Wrote.",
        "This case is made of 3 invoices, 31.50 EUR in all:",
        "INV-1: of 2025-01-01, due 2025-02-01, 10.50 EUR",
        "INV-2: of 2025-01-02, due 2025-02-02, 10.50 EUR",
        "INV-3: of 2025-01-03, due 2025-02-03, 10.50 EUR",
    ]


@given(st.integers(2, 300), st.integers(0, 4000), st.integers(0, 4000))
def test_texts_never_exceed_what_the_api_takes_and_what_is_left_out_is_told(count: int, one: int, two: int) -> None:
    comments = ["c" * one, "d" * two]
    request, found = joined(
        *(
            invoice(
                1,
                creditorReference=f"INV-{number:04}",
                comments=comments[number % 2],
                claimDescription=comments[number % 2],
            )
            for number in range(count)
        )
    )

    assert len(request["comments"]) <= 4000
    assert len(request["claimDescription"]) <= 4000
    assert comments[0] in request["comments"]
    told = {found.field for found in found}
    listed = sum(f"INV-{number:04}:" in request["comments"] for number in range(count))
    whole = listed == count and comments[1] in request["comments"]
    assert ("comments" in told) is not whole
    assert ("claimDescription" in told) is (comments[1] not in request["claimDescription"])


def test_what_was_found_becomes_issues_with_the_sources_own_headers() -> None:
    frame = describe([Found(7, "dueDate", "claim-line-too-old", "1999-12-31")], {"dueDate": "Due"}, customer.CODES)

    assert frame.loc[0, ["row", "column", "severity"]].tolist() == [7, "Due", "error"]
    assert "“1999-12-31”" in str(frame.loc[0, "message"])


# Through the command line


def cases_of(workspace: Path, name: str = "sandbox.db") -> list[tuple[str, Decimal]]:
    return [(str(case["creditorReference"]), Decimal(str(case["amount"]))) for case in Store(workspace / name).cases()]


def journal_of(workspace: Path) -> list[dict[str, Any]]:
    with closing(sqlite3.connect(workspace / "journal.db")) as database:
        database.row_factory = sqlite3.Row
        return [dict(row) for row in database.execute("select * from cases order by pk")]


def results(workspace: Path, said: dict[str, Any], sheet: str = "Results") -> list[dict[str, Any]]:
    with closing(openpyxl.load_workbook(workspace / said["report"])) as book:
        header, *rows = book[sheet].iter_rows(values_only=True)
    return [dict(zip(map(str, header), row, strict=True)) for row in rows]


def test_all_rows_of_a_bundle_tell_its_case(importer: Callable[..., Any], tmp_path: Path) -> None:
    write(
        tmp_path / "june.csv",
        [line(1, 1), line(2, 2), line(1, 3, Invoice_date="2024-12-01"), line(1, 4, Currency="USD")],
    )

    checked = importer("check", "june.csv", *BY, "--json").said
    ran = importer("submit", "june.csv", *BY, "--sandbox", "--yes", "--json")

    assert (checked["cases"], checked["counts"]["held"]) == (3, 0)
    assert "3 cases of 4 rows to create" in ran.err
    assert ran.code == 0
    assert ran.said["counts"]["created"] == 4
    listed = importer("identifiers", "--format", "json").said["identifiers"]
    assert {one["creditor_reference"]: one["amount"] for one in listed} == {
        f"INV-{number}": "10.50" for number in range(1, 5)
    }
    assert [one["amount"] for one in importer("find", "INV-3", "--json").said["cases"]] == ["10.50"]
    assert sorted(cases_of(tmp_path)) == [
        ("INV-2", Decimal("10.50")),
        ("INV-3", Decimal("21.00")),
        ("INV-4", Decimal("10.50")),
    ]
    told = results(tmp_path, ran.said)
    assert told[0]["Case id"] == told[2]["Case id"] != told[1]["Case id"]
    assert [row["Creditor reference"] for row in told] == ["INV-1", "INV-2", "INV-3", "INV-4"]
    assert [(row["reference"], row["bundle"], row["body"]) for row in journal_of(tmp_path)] == [
        ("INV-1", 4, None),
        ("INV-2", None, None),
        ("INV-3", 4, None),
        ("INV-4", None, None),
    ]


def test_next_months_export_bundles_what_is_new_alone(importer: Callable[..., Any], tmp_path: Path) -> None:
    old = [line(1, 1), line(1, 2)]
    importer("submit", write(tmp_path / "june.csv", old), *BY, "--sandbox", "--yes")
    broken = line(1, 1) | {"City": ""}
    source = write(tmp_path / "july.csv", [broken, old[1], line(1, 3), line(1, 4)])

    ran = importer("submit", source, *BY, "--sandbox", "--yes", "--json")

    assert ran.said["counts"]["already-imported"] == 1
    assert ran.said["counts"]["created"] == 2
    assert ran.said["counts"]["held"] == 0  # a row that was sent holds nobody back
    assert cases_of(tmp_path) == [("INV-1", Decimal("21.00")), ("INV-3", Decimal("21.00"))]


def test_what_changed_since_is_told_of_the_rows_own_fields(importer: Callable[..., Any], tmp_path: Path) -> None:
    importer("submit", write(tmp_path / "june.csv", [line(1, 1), line(1, 2)]), *BY, "--sandbox", "--yes")

    changed = [line(1, 1), line(1, 2, Amount="9.00")]
    said = importer("submit", write(tmp_path / "june.csv", changed), *BY, "--sandbox", "--yes", "--json").said

    assert [row["Message"] for row in results(tmp_path, said)] == [
        None,
        (
            "It was imported with another content; nothing was sent. Different now: amountToRecover. If the case is to "
            "change, change it in the portal."
        ),
    ]


def test_a_faulty_row_holds_its_bundle_until_it_is_mended(importer: Callable[..., Any], tmp_path: Path) -> None:
    source = write(tmp_path / "june.csv", [line(1, 1), line(1, 2, Amount="minus"), line(2, 3)])

    ran = importer("submit", source, *BY, "--sandbox", "--yes", "--json")

    assert ran.code == 1
    assert {name: rows for name, rows in ran.said["counts"].items() if rows} == {
        "rows": 3,
        "created": 1,
        "invalid": 1,
        "held": 1,
    }
    assert ran.said["totals"][0]["held"] == "10.50"
    assert cases_of(tmp_path) == [("INV-3", Decimal("10.50"))]
    report = tmp_path / ran.said["report"]
    with closing(openpyxl.load_workbook(report)) as book:
        sheet = book["To fix"]
        assert [row[1].value for row in sheet.iter_rows(min_row=2)] == ["INV-1", "INV-2"]
        assert [cell.coordinate for row in sheet.iter_rows() for cell in row if cell.comment] == ["F3"]
        sheet["F3"] = "4.50"
        book.save(report)
    assert importer("submit", report, "--sandbox", "--yes").code == 0
    assert cases_of(tmp_path)[1:] == [("INV-1", Decimal("15.00"))]


def test_a_missing_due_date_holds_the_bundle_and_no_single_row(importer: Callable[..., Any], tmp_path: Path) -> None:
    source = write(tmp_path / "june.csv", [line(1, 1), line(1, 2, Due_date=""), line(2, 3, Due_date="")])

    said = importer("check", source, *BY, "--json").said

    assert [row["Status"] for row in results(tmp_path, said)] == ["held", "invalid", "valid"]
    assert said["cases"] == 1


def test_limits_count_cases(importer: Callable[..., Any], tmp_path: Path) -> None:
    source = write(tmp_path / "june.csv", [line(number % 2, number) for number in range(4)])

    said = importer("submit", source, *BY, "--sandbox", "--yes", "--json", "--limit", 1).said

    assert (said["counts"]["created"], said["counts"]["not-sent"]) == (2, 2)
    said = importer("resume", said["run"], "--sandbox", "--json").said
    assert said["counts"]["created"] == 4
    assert sorted(amount for _, amount in cases_of(tmp_path)) == [Decimal(21), Decimal(21)]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--bundle-by", "nonsense"), "“Customer number”"),
        (("--bundle-by", "debtor.phone"), "no row has it"),
        (("--claim-lines",), "add --bundle-by, or leave it out"),
        ((*BY, "--allow-missing-reference"), "do not go together"),
        ((*BY, "--set", "amountToRecoverOver12Months=1"), "made from each invoice's due date"),
        (
            (*BY, "--target", "managed", "--set", "creditorCompanyName=X", "--set", "creditorCountry=DE"),
            "not for managed",
        ),
    ],
)
def test_what_cannot_be_bundled_is_refused_in_a_sentence(
    importer: Callable[..., Any], tmp_path: Path, options: tuple[str, ...], words: str
) -> None:
    ran = importer("check", write(tmp_path / "june.csv", [line(1, 1)]), *options)

    assert ran.code == 3
    assert words in ran.err


def test_a_refused_bundle_is_tried_again_as_a_whole(importer: Callable[..., Any], tmp_path: Path) -> None:
    source = write(tmp_path / "june.csv", [line(1, 1), line(1, 2)])
    with serving(tmp_path / "outside.db", Settings(faults=(Fault("refuse-422", times=1),))) as url:
        common = ("--yes", "--json", "--api-url", url)
        environ = pytest.MonkeyPatch()
        environ.setenv("IMPORTER_API_KEY", "sandbox")
        first = importer("submit", source, *BY, *common)
        second = importer("submit", source, *BY, *common)
        environ.undo()

    assert first.said["counts"]["rejected"] == 2
    assert second.said["counts"]["created"] == 2
    assert cases_of(tmp_path, "outside.db") == [("INV-1", Decimal("21.00"))]
    assert {row["n"] for row in journal_of(tmp_path) if row["status"] == "created" and row["bundle"] == row["row"]} == {
        1
    }


def in_doubt(workspace: Path, *, made: bool, by_server: bool = False) -> None:
    """Make of what was sent a request whose process died with it in flight, or that the server failed."""
    with closing(sqlite3.connect(workspace / "sandbox.db")) as ledger, ledger:
        bodies = dict(ledger.execute("select creditor_reference, body from cases").fetchall())
        if not made:
            ledger.execute("delete from cases")
            ledger.execute("delete from answers")
    with closing(sqlite3.connect(workspace / "journal.db")) as journal, journal:
        journal.execute("update cases set status = 'sending', case_id = null, case_reference = null")
        journal.execute(
            "update cases set doubts = ?, by_server = ?, doubted_at = attempted_at + 0.01", (int(by_server), by_server)
        )
        if not by_server:
            journal.execute("update cases set doubted_at = null")
        for reference, body in bodies.items():
            journal.execute("update cases set body = ? where reference = ?", (body, reference))


def assert_no_invoice_is_in_two_cases(workspace: Path, rows: list[dict[str, str]], name: str = "sandbox.db") -> None:
    listed = [
        text.partition(":")[0]
        for case in Store(workspace / name).cases()
        for text in json.loads(bytes(case["body"])).get("comments", f"{case['creditorReference']}: of ").splitlines()  # type: ignore[call-overload]
        if ": of " in text
    ]
    assert sorted(listed) == sorted(row["Invoice number"] for row in rows)
    assert sum(amount for _, amount in cases_of(workspace, name)) == sum(Decimal(row["Amount"]) for row in rows)
    held = [row["reference"] for row in journal_of(workspace) if row["status"] == "created"]
    assert sorted(held) == sorted(listed)


@pytest.mark.parametrize("made", [True, False])
@pytest.mark.parametrize("bundled", [True, False], ids=["bundled again", "each row alone"])
def test_a_bundle_in_doubt_is_settled_with_its_own_bytes_before_anything_else(
    importer: Callable[..., Any], tmp_path: Path, *, made: bool, bundled: bool
) -> None:
    rows = [line(1, 1), line(1, 2), line(1, 3)]
    importer("submit", write(tmp_path / "june.csv", rows[:2]), *BY, "--sandbox", "--yes")
    in_doubt(tmp_path, made=made)

    said = importer(
        "submit", write(tmp_path / "july.csv", rows), *(BY if bundled else ()), "--sandbox", "--yes", "--json"
    ).said

    assert (said["counts"]["already-imported"], said["counts"]["created"]) == (2, 1)
    assert_no_invoice_is_in_two_cases(tmp_path, rows)
    ids = [row["Case id"] for row in results(tmp_path, said)]
    assert ids[0] == ids[1] != ids[2]


@pytest.mark.parametrize("bundled", [True, False], ids=["bundled again", "each row alone"])
def test_a_bundle_that_the_server_failed_is_sent_anew_by_the_next_run(
    importer: Callable[..., Any], tmp_path: Path, *, bundled: bool
) -> None:
    rows = [line(1, 1), line(1, 2), line(1, 3)]
    importer("submit", write(tmp_path / "june.csv", rows[:2]), *BY, "--sandbox", "--yes")
    in_doubt(tmp_path, made=False, by_server=True)

    said = importer(
        "submit", write(tmp_path / "july.csv", rows), *(BY if bundled else ()), "--sandbox", "--yes", "--json"
    ).said

    assert said["counts"]["created"] == 3
    assert_no_invoice_is_in_two_cases(tmp_path, rows)
    assert len(cases_of(tmp_path)) == (2 if bundled else 3)
    assert [row["status"] for row in journal_of(tmp_path)][:2] == ["rejected", "rejected"]


def test_a_bundle_of_which_another_run_took_a_part_is_not_sent_as_it_was(
    importer: Callable[..., Any], tmp_path: Path
) -> None:
    rows = [line(1, 1), line(1, 2)]
    source = write(tmp_path / "june.csv", rows)
    run = importer("submit", source, *BY, "--limit", 0, "--sandbox", "--yes", "--json").said["run"]
    importer("submit", write(tmp_path / "july.csv", rows[1:]), "--sandbox", "--yes")

    resumed = importer("resume", run, "--sandbox", "--json")

    assert resumed.code == 1
    assert (resumed.said["counts"]["rejected"], resumed.said["counts"]["already-imported"]) == (1, 1)
    assert "BundleChanged" in {row["Error"] for row in results(tmp_path, resumed.said)}
    assert importer("submit", source, *BY, "--sandbox", "--yes").code == 0
    assert_no_invoice_is_in_two_cases(tmp_path, rows)


def test_a_case_that_somebody_else_made_makes_duplicates_of_all_rows(
    importer: Callable[..., Any], tmp_path: Path
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    rows = [line(1, 1), line(1, 2)]
    source = write(tmp_path / "june.csv", rows)
    with serving(tmp_path / "outside.db") as url, pytest.MonkeyPatch.context() as environ:
        environ.setenv("IMPORTER_API_KEY", "sandbox")
        importer("submit", source, "--limit", 1, "--yes", "--api-url", url, "--workspace", other)
        ran = importer("submit", source, *BY, "--yes", "--json", "--api-url", url)

        told = importer("identifiers", "--format", "json").out

    assert ran.said["counts"]["duplicate"] == 2
    first, second = results(tmp_path, ran.said)
    assert first["Case id"] == second["Case id"]
    assert "did not make: " in first["Message"]
    assert second["Message"].startswith("Not sent: it was to be a part of the case INV-1")
    assert [one["creditor_reference"] for one in json.loads(told)["identifiers"]] == ["INV-1"]
    assert cases_of(tmp_path, "outside.db") == [("INV-1", Decimal("10.50"))]


def test_forgotten_rows_of_a_bundle_stay_imported_and_do_not_seem_changed(
    importer: Callable[..., Any], tmp_path: Path
) -> None:
    source = write(tmp_path / "june.csv", [line(1, 1), line(1, 2)])
    importer("submit", source, *BY, "--sandbox", "--yes")
    importer("forget", "INV-1", "--yes")

    said = importer("submit", source, *BY, "--sandbox", "--yes", "--json").said

    assert said["counts"]["already-imported"] == 2
    assert {row["Message"] for row in results(tmp_path, said)} == {None}


@pytest.mark.usefixtures("place")
@pytest.mark.parametrize("faults", [(), (Fault("lose-answer", every=3),)], ids=["killed", "killed, and answers lost"])
def test_kills_and_lost_answers_leave_each_invoice_in_one_case(
    tmp_path: Path, launch: Callable[..., Any], query: Callable[[str], list[tuple[Any, ...]]], faults: tuple[Fault, ...]
) -> None:
    rows = [line(number % 40, number, Amount=f"{number + 1}.25") for number in range(120)]
    source = write(tmp_path / "june.csv", rows)
    with serving(tmp_path / "outside.db", Settings(latency=0.05, faults=faults)) as url:
        environment = {"IMPORTER_API_KEY": "sandbox", "IMPORTER_CONCURRENCY": "3"}
        common = ("--json", "--quiet", "--timeout", "2", "--api-url", url)
        command = ["submit", source, *BY, "--yes"]
        for wanted in (5, 15, 25):
            process = launch(*command, *common, environment=environment)
            while len(Store(tmp_path / "outside.db").cases()) < wanted and process.runs:
                time.sleep(0.005)
            process.kill(signal.SIGKILL)
            assert process.wait() == -signal.SIGKILL, process.err
            torn = query("select run, bundle from cases group by run, bundle having count(distinct status) > 1")
            assert not torn
            (run,) = (tmp_path / "reports").iterdir()
            command = ["resume", run.name]
        process = launch(*command, *common, environment=environment)
        assert process.wait() == 0, process.err

    assert process.said["counts"]["created"] == 120
    cases = cases_of(tmp_path, "outside.db")
    assert len({reference for reference, _ in cases}) == len(cases) == 40
    assert sum(amount for _, amount in cases) == sum(Decimal(row["Amount"]) for row in rows)
    assert query("select count(distinct reference), count(*) from cases where status = 'created'") == [(120, 120)]


def test_claim_lines_make_the_same_case_at_the_sandbox(importer: Callable[..., Any], tmp_path: Path) -> None:
    source = write(tmp_path / "june.csv", [line(1, 1), line(1, 2, Due_date="2023-02-14", Invoice_date="2023-01-15")])

    ran = importer("submit", source, *BY, "--claim-lines", "--sandbox", "--yes", "--json")

    assert ran.said["counts"]["created"] == 2
    (case,) = Store(tmp_path / "sandbox.db").cases()
    body = json.loads(bytes(case["body"]))  # type: ignore[call-overload]
    assert (case["amount"], case["creditorReference"]) == ("21.00", "INV-2")
    assert [entry["reference"] for entry in body["claimLines"]] == ["INV-2", "INV-1"]
    assert "INV-1: of 2025-01-15" in body["comments"]


def lose_the_journal(workspace: Path) -> None:
    for path in workspace.glob("journal.db*"):
        path.unlink()


@pytest.mark.parametrize("lines", [(), ("--claim-lines",)], ids=["sums", "claim lines"])
def test_a_rebuilt_journal_knows_every_invoice_of_a_bundle(
    importer: Callable[..., Any], tmp_path: Path, lines: tuple[str, ...]
) -> None:
    rows = [line(1, 1), line(1, 2, Amount="4.25"), line(2, 3), line(1, "4: of 2025-01-15 1.00 EUR")]
    importer("submit", write(tmp_path / "june.csv", rows), *BY, *lines, "--sandbox", "--yes")
    (case_id,) = {row["case_id"] for row in journal_of(tmp_path) if row["bundle"]}
    lose_the_journal(tmp_path)

    rebuilt = importer("journal", "rebuild", "--sandbox", "--json")

    assert (rebuilt.code, rebuilt.said["added"], rebuilt.said["invoices"], rebuilt.said["incomplete"]) == (0, 2, 2, 0)
    assert {row["reference"] for row in journal_of(tmp_path) if row["case_id"] == case_id} == {
        rows[number]["Invoice number"] for number in (0, 1, 3)
    }
    again = importer("journal", "rebuild", "--sandbox", "--json").said
    assert (again["added"], again["invoices"]) == (0, 0)
    (found,) = importer("find", "INV-2", "--json").said["cases"]
    assert (found["case_id"], found["amount"]) == (case_id, "4.25")
    changed = write(tmp_path / "july.csv", [rows[0], line(1, 2, Amount="9.00"), *rows[2:], line(1, 5)])
    for options in ((), BY):
        said = importer("submit", changed, *options, "--sandbox", "--yes", "--json").said
        assert said["counts"]["already-imported"] == (4 if not options else 5)
    assert [row["Message"] for row in results(tmp_path, said)][:3] == [
        None,
        (
            "It was imported with another content; nothing was sent. Different now: amountToRecover. If the case is to "
            "change, change it in the portal."
        ),
        None,
    ]
    assert len(cases_of(tmp_path)) == 3
    refreshed = importer("refresh", "--open", "--sandbox", "--json").said
    assert refreshed["open"] == 3


def test_a_journal_that_was_rebuilt_with_the_first_invoice_alone_is_given_the_others(
    importer: Callable[..., Any], tmp_path: Path
) -> None:
    rows = [line(1, 1), line(1, 2), line(1, 3)]
    importer("submit", write(tmp_path / "june.csv", rows), *BY, "--sandbox", "--yes")
    lose_the_journal(tmp_path)
    importer("journal", "rebuild", "--sandbox")
    with closing(sqlite3.connect(tmp_path / "journal.db")) as journal, journal:
        journal.execute("delete from cases where reference <> 'INV-1'")
        journal.execute("update cases set bundle = null")

    said = importer("journal", "rebuild", "--sandbox", "--json").said

    assert (said["added"], said["invoices"]) == (0, 2)
    (found,) = importer("find", "INV-2", "--json").said["cases"]
    assert (found["amount"], found["bundled_with_row"]) == ("10.50", None)
    assert importer("submit", "june.csv", "--sandbox", "--yes", "--json").said["counts"]["already-imported"] == 3


def test_yesterdays_run_of_a_bundle_is_resumed_after_a_rebuilding_without_a_second_case(
    importer: Callable[..., Any], tmp_path: Path
) -> None:
    rows = [line(1, 1), line(1, 2), line(2, 3)]
    source = write(tmp_path / "june.csv", rows)
    run = importer("submit", source, *BY, "--limit", 0, "--sandbox", "--yes", "--json").said["run"]
    with closing(sqlite3.connect(tmp_path / "journal.db")) as database:
        database.execute("vacuum into ?", (str(tmp_path / "yesterday.db"),))
    importer("resume", run, "--sandbox")
    lose_the_journal(tmp_path)
    (tmp_path / "yesterday.db").rename(tmp_path / "journal.db")

    assert importer("journal", "rebuild", "--sandbox").code == 0
    resumed = importer("resume", run, "--sandbox", "--json")

    assert resumed.said["counts"]["already-imported"] == 3
    assert importer("submit", source, "--sandbox", "--yes", "--json").said["counts"]["already-imported"] == 3
    assert_no_invoice_is_in_two_cases(tmp_path, rows)


def test_a_rebuilding_says_which_cases_have_invoices_that_their_comments_do_not_tell(
    importer: Callable[..., Any], tmp_path: Path
) -> None:
    cut = [line(1, f"{number:03}-of-many-with-a-long-reference", Comments="") for number in range(60)]
    full = [line(2, number, Comments="x" * 4000) for number in (900, 901)]
    alone = [line(3, 950, Comments="Call first")]
    source = write(tmp_path / "june.csv", [*cut, *full, *alone])
    importer("submit", source, *BY, "--sandbox", "--yes")

    healthy = importer("journal", "rebuild", "--sandbox", "--json")
    lose_the_journal(tmp_path)
    ran = importer("journal", "rebuild", "--sandbox", "--json")
    shown = importer("journal", "rebuild", "--sandbox")

    assert (healthy.code, healthy.said["incomplete"]) == (0, 0)
    assert (ran.code, ran.said["exit"], ran.said["added"], ran.said["invoices"]) == (1, 1, 3, 0)
    assert ran.said["incomplete"] == 2
    assert sorted(ran.said["incomplete_references"]) == ["INV-000-of-many-with-a-long-reference", "INV-900"]
    assert shown.code == 1
    assert "Do not submit yet: 2 of the cases" in shown.err
    assert "INV-900" in shown.err
    (found,) = importer("find", "INV-900", "--json").said["cases"]
    assert "Which further invoices" in found["message"]


def test_invoices_of_a_case_that_another_journal_made_are_noted_as_well(
    importer: Callable[..., Any], tmp_path: Path
) -> None:
    rows = [line(1, 1), line(1, 2)]
    importer("submit", write(tmp_path / "june.csv", rows), *BY, "--sandbox", "--yes")
    lose_the_journal(tmp_path)
    first = write(tmp_path / "first.csv", rows[:1])
    assert importer("submit", first, "--sandbox", "--yes", "--json").said["counts"]["duplicate"] == 1

    said = importer("journal", "rebuild", "--sandbox", "--json").said

    assert (said["added"], said["invoices"]) == (0, 1)
    again = importer("submit", "june.csv", "--sandbox", "--yes", "--json").said["counts"]
    assert (again["duplicate"], again["already-imported"]) == (1, 1)
    assert cases_of(tmp_path) == [("INV-1", Decimal("21.00"))]


def test_an_invoice_that_is_in_doubt_by_itself_though_a_case_has_it_is_told(
    importer: Callable[..., Any], tmp_path: Path
) -> None:
    rows = [line(1, 1), line(1, 2)]
    importer("submit", write(tmp_path / "june.csv", rows), *BY, "--sandbox", "--yes")
    with closing(sqlite3.connect(tmp_path / "journal.db")) as journal, journal:
        journal.execute("delete from cases where reference = 'INV-1'")
        journal.execute("update cases set status = 'sending', bundle = null, case_id = null, case_reference = null")

    ran = importer("journal", "rebuild", "--sandbox", "--json")

    assert (ran.code, ran.said["incomplete_references"]) == (1, ["INV-1"])


LINE = {"dueDate": "2025-02-14", "amount": Decimal("10.50"), "reference": "A"}


@pytest.mark.parametrize(
    ("changes", "members"),
    [
        ({}, set()),
        ({"claimLines": [{**LINE, "dueDate": "1999-12-31"}], "dueDate": "2025-02-14"}, {"ClaimLines[0].DueDate"}),
        ({"claimLines": [LINE, {**LINE, "reference": "B", "dueDate": "2026-11-22"}]}, {"ClaimLines[1].DueDate"}),
        ({"claimLines": [{"amount": 1}]}, {"ClaimLines[0].DueDate"}),
        ({"claimLines": [{**LINE, "amount": 0}]}, {"ClaimLines[0].Amount"}),
        ({"claimLines": [{**LINE, "amount": Decimal("1.005")}]}, {"ClaimLines[0].Amount"}),
        ({"claimLines": [LINE, LINE]}, {"ClaimLines[0].Reference", "ClaimLines[1].Reference"}),
        ({"claimLines": [{**LINE, "reference": None}] * 1001}, {"ClaimLines"}),
        ({"amountToRecover": 5}, {"amountToRecover"}),
        ({"amountToRecoverOver12Months": 5}, {"amountToRecoverOver12Months"}),
        ({"date": "2025-03-01"}, {"date"}),
        ({"claimLines": [7], "amountToRecover": 5}, {"claimLines"}),
    ],
)
def test_the_sandbox_judges_claim_lines(changes: dict[str, Any], members: set[str]) -> None:
    debtor = {"type": "Company", "name": "Example", "address": "1 St", "city": "Town", "countryAlpha2": "DE"}
    body = {"currencyCode": "EUR", "date": "2025-01-15", "claimLines": [LINE], "debtor": debtor, **changes}

    assert set(judge_body(body, TODAY)) == members
