"""`importer references`: partner references looked up, set with the start of a case, changed, or left to a person."""

from __future__ import annotations

import csv
import json
import signal
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import openpyxl
import pytest

from importer import talk
from importer.partner import changing
from importer.sandbox import Fault, Settings, Store, serving
from importer.sandbox.assigned import seeded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    Importer = Callable[..., Any]

SAMPLES = Path(__file__).parent.parent / "samples"
BOTH_JOURNALS = pytest.mark.usefixtures("place")
WAITING, ACTIVE, STORED, CLOSED = 1, 7, 9, 12  # numbers of the sandbox's own cases
PATH = "PATCH /cases/{id}"
START = (
    *("--activate", "--yes", "--set", "welcomeMessage=We have received your case."),
    *("--set", "userEmail=agent@collectors.example"),
)


def sheet(folder: Path, *rows: Sequence[str], header: Sequence[str] = ("caseId", "Partner reference")) -> Path:
    path = folder / "refs.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *rows])
    return path


def case(number: int) -> str:
    return seeded("sandbox", number)[0]


def reference(number: int) -> str:
    return seeded("sandbox", number)[1]


def results(said: dict[str, Any], name: str = "Results") -> list[dict[str, Any]]:
    with closing(openpyxl.load_workbook(said["report"])) as book:
        header, *rows = book[name].iter_rows(values_only=True)
    return [dict(zip(header, row, strict=True)) for row in rows]


def counts(said: dict[str, Any]) -> dict[str, int]:
    return {name: count for name, count in said["counts"].items() if count and name != "rows"}


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., str]]:
    """Serve a sandbox that behaves as ordered; one at a time."""
    monkeypatch.setenv("IMPORTER_API_KEY", "sandbox")
    for module in (talk, changing):
        monkeypatch.setattr(module, "PAUSES", (0.0, 0.1, 0.1))
    running: list[Any] = []

    def serve(*faults: str, path: str = "", minute: int = 2_000) -> str:
        while running:
            running.pop().__exit__(None, None, None)
        settings = Settings(minute=minute, faults=tuple(map(Fault.parse, faults)), reference_path=path)
        running.append(serving(tmp_path / "sandbox.db", settings))
        url: str = running[-1].__enter__()
        monkeypatch.setenv("IMPORTER_API_URL", f"{url}/collection-partner")
        return url

    yield serve
    while running:
        running.pop().__exit__(None, None, None)


def stored(folder: Path) -> dict[str, str]:
    return {id_: text for id_, text in Store(folder / "sandbox.db").partner_references().items() if id_ != case(STORED)}


def starts(folder: Path) -> list[dict[str, Any]]:
    return [{"id": id_, **json.loads(body)} for id_, body in Store(folder / "sandbox.db").starts()]


# What is stored already


@BOTH_JOURNALS
def test_a_reference_that_is_stored_is_unchanged_and_a_second_run_sends_nothing(
    importer: Importer, served: Callable[..., str], tmp_path: Path
) -> None:
    served()
    file = sheet(tmp_path, (case(WAITING), "P-1"), (case(2), "P-2"), (case(STORED), f"P-100{STORED}"))

    first = importer("references", file, *START, "--json").said
    second = importer("references", file, *START, "--json").said

    assert (counts(first), first["exit"], first["started"]) == ({"set": 2, "unchanged": 1}, 0, 2)
    assert (counts(second), second["exit"], second["started"]) == ({"unchanged": 3}, 0, 0)
    assert second["requests"] == {"by-reference": 1}
    assert stored(tmp_path) == {case(WAITING): "P-1", case(2): "P-2"}
    assert len(starts(tmp_path)) == 2


def test_two_hundred_references_that_are_stored_cost_three_requests(
    importer: Importer, served: Callable[..., str], tmp_path: Path
) -> None:
    served()
    importer("references", "--find", "none")
    with closing(sqlite3.connect(tmp_path / "sandbox.db")) as database, database:
        rows = database.execute("SELECT * FROM cases WHERE id = ?", (case(ACTIVE),)).fetchall()
        marks = ", ".join("?" * len(rows[0]))
        for number in range(201):
            id_ = f"00000000-0000-0000-0000-{number:012}"
            document = rows[0][-1].replace(case(ACTIVE).encode(), id_.encode())
            row = (1000 + number, rows[0][1], id_, f"REF{number:05}", *rows[0][4:-1], document)
            database.execute(f"INSERT INTO cases VALUES ({marks})", row)
            database.execute("INSERT INTO partner_references VALUES (?, ?)", (id_, f"Ours {number}"))
    wanted = [(f"00000000-0000-0000-0000-{number:012}", f"Ours {number}") for number in range(201)]

    said = importer("references", sheet(tmp_path, *wanted), "--json").said

    assert (counts(said), said["requests"]) == ({"unchanged": 201}, {"by-reference": 3})


def test_a_reference_is_compared_exactly_but_for_the_spaces_around_it(
    importer: Importer, served: Callable[..., str], tmp_path: Path
) -> None:
    served()
    spaced = importer("references", sheet(tmp_path, (case(STORED), f"  P-100{STORED} ")), "--json").said
    lower = importer("references", sheet(tmp_path, (case(STORED), f"p-100{STORED}")), "--json").said

    assert (counts(spaced), counts(lower)) == ({"unchanged": 1}, {"by-hand": 1})


def test_a_reference_with_a_comma_is_looked_up_by_itself(
    importer: Importer, served: Callable[..., str], tmp_path: Path
) -> None:
    served()
    file = sheet(tmp_path, (case(WAITING), "112179442, 112179443"), (case(2), "A&B + Ø/1"))

    first = importer("references", file, *START, "--json").said
    second = importer("references", file, *START, "--json").said

    assert (counts(first), counts(second)) == ({"set": 2}, {"unchanged": 2})
    assert second["requests"] == {"by-reference": 2}


def test_a_case_may_be_named_by_debituras_reference(
    importer: Importer, served: Callable[..., str], tmp_path: Path
) -> None:
    served()
    header = ("Debitura reference", "Partner reference")
    file = sheet(tmp_path, (reference(WAITING), "P-1"), (case(2).upper(), "P-2"), ("A/B", "P-3"), header=header)

    said = importer("references", file, *START, "--json").said

    assert counts(said) == {"set": 2, "refused": 1}
    assert stored(tmp_path) == {case(WAITING): "P-1", case(2): "P-2"}


def test_one_reference_may_be_that_of_several_cases(
    importer: Importer, served: Callable[..., str], tmp_path: Path
) -> None:
    served()
    file = sheet(tmp_path, (case(1), "SAME"), (case(2), "SAME"))

    first = importer("references", file, *START, "--json").said
    second = importer("references", file, *START, "--json").said

    assert counts(first) == {"set": 2}
    assert counts(second) == {"unchanged": 1, "by-hand": 1}
    assert "it may be stored already" in results(second)[1]["Message"]
    assert len(starts(tmp_path)) == 2


# Starting cases


def test_nothing_is_started_unless_it_is_asked_for(
    importer: Importer, served: Callable[..., str], tmp_path: Path
) -> None:
    served()

    said = importer("references", sheet(tmp_path, (case(WAITING), "P-1")), "--json").said

    assert (counts(said), said["exit"], starts(tmp_path)) == ({"by-hand": 1}, 1, [])
    assert f"case {reference(WAITING)}, the pencil beside Partner reference, enter P-1" in results(said)[0]["Message"]
    assert "Or start the case with --activate" in results(said)[0]["Message"]


def test_without_a_terminal_a_start_needs_yes(importer: Importer, served: Callable[..., str], tmp_path: Path) -> None:
    served()
    file = sheet(tmp_path, (case(WAITING), "P-1"))

    ran = importer("references", file, *(option for option in START if option != "--yes"))

    assert (ran.code, starts(tmp_path) if (tmp_path / "sandbox.db").stat().st_size else []) == (2, [])


def test_who_says_no_starts_nothing(
    importer: Importer, served: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    served()
    monkeypatch.setattr("importer.cli.assigning.need_yes", lambda *_, **__: None)
    file = sheet(tmp_path, (case(WAITING), "P-1"), (case(ACTIVE), "P-7"))

    ran = importer("references", file, *(option for option in START if option != "--yes"), answer="n\n")

    assert (ran.code, starts(tmp_path)) == (130, [])
    assert "1 case to start" in ran.err
    assert "sent as agent@collectors.example" in ran.err
    assert "1 by-hand" in ran.err


def test_a_start_sends_what_the_columns_say_and_exact_fees(
    importer: Importer, served: Callable[..., str], tmp_path: Path
) -> None:
    served()
    header = ("Debitura reference", "Partner reference", "reminderFees", "assignedUserEmail")
    file = sheet(tmp_path, (reference(1), "P-1", "100.10", "lead@collectors.example"), header=header)

    said = importer("references", file, *START, "--json").said

    assert counts(said) == {"set": 1}
    body = Store(tmp_path / "sandbox.db").starts()[0][1]
    assert b'"reminderFees":100.10' in body
    assert starts(tmp_path) == [
        {
            "id": case(1),
            "collectionPartnerReference": "P-1",
            "welcomeMessage": "We have received your case.",
            "userEmail": "agent@collectors.example",
            "assignedUserEmail": "lead@collectors.example",
            "reminderFees": 100.10,
        }
    ]


def test_a_case_that_is_active_is_never_started_again(
    importer: Importer, served: Callable[..., str], tmp_path: Path
) -> None:
    served()
    file = sheet(tmp_path, (case(ACTIVE), "P-7"), (case(CLOSED), "P-12"))

    said = importer("references", file, *START, "--json").said

    assert (counts(said), starts(tmp_path)) == ({"by-hand": 2}, [])


def test_a_start_that_is_refused_says_why_and_can_be_mended(
    importer: Importer, served: Callable[..., str], tmp_path: Path
) -> None:
    served()
    file = sheet(tmp_path, (case(1), "P-1"))

    ran = importer("references", file, *START[:-1], "userEmail=stranger@collectors.example", "--json")

    assert (ran.code, counts(ran.said)) == (1, {"refused": 1})
    assert "not found in your team" in results(ran.said)[0]["Message"]
    again = importer("references", ran.said["report"], *START, "--json").said
    assert counts(again) == {"set": 1}


def test_who_starts_a_case_must_be_named(importer: Importer, served: Callable[..., str], tmp_path: Path) -> None:
    served()
    file = sheet(tmp_path, (case(1), "P-1"), (case(2), ""))

    said = importer("references", file, "--activate", "--yes", "--json").said

    assert counts(said) == {"invalid": 1, "unchanged": 1}
    assert [(issue["Field"], issue["Code"]) for issue in results(said, "Issues")] == [
        ("welcomeMessage", "required"),
        ("userEmail", "required"),
    ]


def test_a_case_that_somebody_starts_meanwhile_is_refused_and_not_started_again(
    importer: Importer, served: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    served()
    monkeypatch.setattr("importer.cli.assigning.need_yes", lambda *_, **__: None)
    file = sheet(tmp_path, (case(1), "P-1"))
    importer("references", "--find", "none")

    def colleague(*_: object, **__: object) -> bool:
        with closing(sqlite3.connect(tmp_path / "sandbox.db")) as database, database:
            database.execute("UPDATE cases SET lifecycle = 'Active' WHERE id = ?", (case(1),))
        return True

    monkeypatch.setattr("importer.cli.assigning.click.confirm", colleague)
    said = importer("references", file, *(option for option in START if option != "--yes"), "--json").said

    assert (counts(said), starts(tmp_path)) == ({"refused": 1}, [])
    assert results(said)[0]["Error"] == "InvalidCaseStatus"


# Answers that are lost


@pytest.mark.parametrize(
    "fault", ["lose-answer", "fail-500-made", "fail-502-made", "garbled", "truncated", "fail-503-made"]
)
def test_a_start_whose_answer_is_lost_is_looked_up_and_not_sent_again(
    importer: Importer, served: Callable[..., str], tmp_path: Path, fault: str
) -> None:
    served(f"{fault}:times=1")

    said = importer("references", sheet(tmp_path, (case(1), "P-1")), *START, "--json").said

    assert (counts(said), said["requests"]["start"], len(starts(tmp_path))) == ({"set": 1}, 1, 1)
    assert "The answer was lost" in results(said)[0]["Message"]


@pytest.mark.parametrize("fault", ["drop-request", "fail-500", "fail-502", "fail-503"])
def test_a_start_that_got_lost_is_sent_again_when_it_cannot_be_running_any_more(
    importer: Importer, served: Callable[..., str], tmp_path: Path, fault: str
) -> None:
    served(f"{fault}:times=1")
    began = time.monotonic()

    said = importer("references", sheet(tmp_path, (case(1), "P-1")), *START, "--json").said

    assert (counts(said), said["requests"]["start"], len(starts(tmp_path))) == ({"set": 1}, 2, 1)
    assert time.monotonic() - began > 0.5  # IMPORTER_SETTLE_AFTER


def test_a_start_that_is_slower_than_the_patience_is_not_made_twice(
    importer: Importer, served: Callable[..., str], tmp_path: Path
) -> None:
    served("hang-before:times=1,seconds=0.6")

    said = importer("references", sheet(tmp_path, (case(1), "P-1")), *START, "--timeout", "0.3", "--json").said

    assert (counts(said), len(starts(tmp_path))) == ({"set": 1}, 1)


def test_a_case_whose_start_is_never_answered_is_unknown_and_the_next_run_settles_it(
    importer: Importer, served: Callable[..., str], tmp_path: Path
) -> None:
    served("drop-request")
    file = sheet(tmp_path, (case(1), "P-1"))

    ran = importer("references", file, *START, "--json")
    served()
    again = importer("references", file, *START, "--json").said

    assert (ran.code, counts(ran.said), ran.said["requests"]["start"]) == (5, {"unknown": 1}, 3)
    assert (counts(again), len(starts(tmp_path))) == ({"set": 1}, 1)


def test_when_the_api_goes_away_after_a_lost_answer_the_row_is_unknown_and_the_rest_not_sent(
    importer: Importer, served: Callable[..., str], tmp_path: Path
) -> None:
    served("lose-answer:times=1", "lookups-fail:after=2")
    file = sheet(tmp_path, (case(1), "P-1"), (case(2), "P-2"))

    ran = importer("references", file, *START, "--concurrency", 1, "--json")

    assert (ran.code, counts(ran.said)) == (4, {"unknown": 1, "not-sent": 1})
    assert "The API cannot be asked" in ran.said["error"]
    served()
    again = importer("references", file, *START, "--json").said
    assert (counts(again), len(starts(tmp_path))) == ({"unchanged": 1, "set": 1}, 2)


# Changing and clearing


def test_without_a_configured_operation_an_active_case_is_left_to_a_person(
    importer: Importer, served: Callable[..., str], tmp_path: Path
) -> None:
    served()

    ran = importer("references", sheet(tmp_path, (case(ACTIVE), "P-7")), "--json")

    assert (ran.code, counts(ran.said)) == (1, {"by-hand": 1})
    row = results(ran.said)[0]
    assert (row["Case id"], row["Reference"]) == (case(ACTIVE), reference(ACTIVE))
    assert f"Cases Received, case {reference(ACTIVE)}, the pencil beside Partner reference" in row["Message"]


def test_with_a_configured_operation_references_are_set_changed_and_cleared(
    importer: Importer, served: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    served(path=PATH)
    monkeypatch.setenv("IMPORTER_REFERENCE_PATH", PATH)
    file = sheet(tmp_path, (case(ACTIVE), "P-7"), (case(STORED), "NEW-9"), (case(WAITING), ""))

    first = importer("references", file, "--yes", "--json").said
    second = importer("references", file, "--yes", "--json").said

    assert (counts(first), counts(second)) == ({"set": 2, "unchanged": 1}, {"unchanged": 3})
    assert [(row["Before"], row["After"]) for row in results(first)] == [
        (None, "P-7"),
        (f"P-100{STORED}", "NEW-9"),
        (None, None),
    ]
    assert "change" not in second["requests"]
    file = sheet(tmp_path, (case(ACTIVE), ""), (case(WAITING), ""))
    kept = importer("references", file, "--yes", "--json").said
    assert (counts(kept), stored(tmp_path)[case(ACTIVE)]) == ({"unchanged": 2}, "P-7")
    cleared = importer("references", file, "--yes", "--clear-blank", "--json").said
    assert (counts(cleared), case(ACTIVE) in stored(tmp_path)) == ({"set": 1, "unchanged": 1}, False)


@pytest.mark.parametrize("fault", ["lose-answer", "drop-request", "fail-500", "garbled"])
def test_a_change_whose_answer_is_lost_is_looked_up(
    importer: Importer, served: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    served(f"{fault}:times=1", path=PATH)
    monkeypatch.setenv("IMPORTER_REFERENCE_PATH", PATH)

    said = importer("references", sheet(tmp_path, (case(ACTIVE), "P-7")), "--yes", "--json").said

    assert (counts(said), stored(tmp_path)) == ({"set": 1}, {case(ACTIVE): "P-7"})


def test_a_configured_operation_that_does_not_exist_stops_with_its_name(
    importer: Importer, served: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    served()
    monkeypatch.setenv("IMPORTER_REFERENCE_PATH", "PUT /cases/{id}/reference")

    ran = importer("references", sheet(tmp_path, (case(ACTIVE), "P-7"), (case(8), "P-8")), "--yes", "--json")

    assert (ran.code, counts(ran.said)) == (4, {"not-sent": 2})
    assert "PUT /cases/{id}/reference (404)" in ran.said["error"]
    assert "reference_path" in ran.said["error"]


@pytest.mark.parametrize(
    "path", ["/cases/{id}", "GET /cases/{id}", "PATCH /cases", "PATCH cases/{id}", "PUT /{id}/{x}"]
)
def test_an_operation_that_cannot_be_one_is_refused(importer: Importer, tmp_path: Path, path: str) -> None:
    ran = importer("references", sheet(tmp_path, (case(1), "P")), "--sandbox", "--yes", "--json")
    assert ran.code == 1

    (tmp_path / "importer.toml").write_text(f"reference_path = '{path}'")
    ran = importer("references", sheet(tmp_path, (case(1), "P")), "--sandbox", "--yes", "--json")

    assert ran.code == 3
    assert "PATCH /cases/{id}" in ran.said["error"]


# Rows that are no good


def test_the_longest_reference_is_set_and_a_longer_one_is_invalid(
    importer: Importer, served: Callable[..., str], tmp_path: Path
) -> None:
    served()
    file = sheet(tmp_path, (case(1), " " + "Ø" * 128 + " "), (case(2), "Ø" * 129))

    said = importer("references", file, *START, "--json").said

    assert counts(said) == {"set": 1, "invalid": 1}
    assert stored(tmp_path) == {case(1): "Ø" * 128}
    assert results(said, "Issues")[0]["Code"] == "reference-too-long"


def test_a_case_that_two_rows_want_different_references_for_is_invalid_however_it_is_named(
    importer: Importer, served: Callable[..., str], tmp_path: Path
) -> None:
    served()
    header = ("caseId", "Debitura reference", "Partner reference")
    rows = [(case(1), "", "A"), (case(1), "", "B"), (case(2), "", "C"), ("", reference(2), "D"), (case(3), "", "E")]
    rows += [("", reference(3), "E"), (case(4), "", "F"), (case(4), "", "")]

    said = importer("references", sheet(tmp_path, *rows, header=header), *START, "--json").said

    assert [row["Status"] for row in results(said)] == [*["invalid"] * 4, "set", "set", "set", "unchanged"]
    assert {issue["Code"] for issue in results(said, "Issues")} == {"case-twice"}
    assert [issue["Row"] for issue in results(said, "Issues")] == [2, 3, 4, 5]
    assert len(starts(tmp_path)) == 2


def test_with_clear_blank_a_blank_contradicts_a_reference(
    importer: Importer, served: Callable[..., str], tmp_path: Path
) -> None:
    served()
    file = sheet(tmp_path, (case(4), "F"), (case(4), ""))

    said = importer("references", file, *START, "--clear-blank", "--json").said

    assert (counts(said), starts(tmp_path)) == ({"invalid": 2}, [])


def test_strange_ids_missing_cases_and_unknown_ones_stop_their_row_alone(
    importer: Importer, served: Callable[..., str], tmp_path: Path
) -> None:
    served()
    nobody = "00000000-0000-0000-0000-000000000000"
    file = sheet(tmp_path, ("no id", "A"), ("", "B"), (nobody, "C"), (case(1), "D"))

    said = importer("references", file, *START, "--json").said

    assert [row["Status"] for row in results(said)] == ["invalid", "invalid", "refused", "set"]
    assert [issue["Code"] for issue in results(said, "Issues")] == ["not-a-uuid", "case-missing"]
    assert [row["Partner reference"] for row in results(said, "To fix")] == ["A", "B", "C"]


def test_an_id_and_a_reference_of_two_cases_are_refused(
    importer: Importer, served: Callable[..., str], tmp_path: Path
) -> None:
    served()
    header = ("caseId", "Debitura reference", "Partner reference")

    said = importer(
        "references",
        sheet(tmp_path, (case(1), reference(2), "A"), header=header),
        *START,
        "--json",
    ).said

    assert (counts(said), starts(tmp_path)) == ({"refused": 1}, [])


def test_text_that_looks_like_a_formula_stays_text(
    importer: Importer, served: Callable[..., str], tmp_path: Path
) -> None:
    served()

    said = importer("references", sheet(tmp_path, (case(1), "=1+1")), *START, "--json").said

    assert stored(tmp_path) == {case(1): "=1+1"}
    with closing(openpyxl.load_workbook(said["report"])) as book:
        assert not [cell for page in book for row in page.iter_rows() for cell in row if cell.data_type == "f"]
    assert results(said)[0]["After"] == "=1+1"


# Trouble


def test_a_refused_key_stops_before_anything(importer: Importer, served: Callable[..., str], tmp_path: Path) -> None:
    served("deny:times=1")

    ran = importer("references", sheet(tmp_path, (case(1), "P-1")), *START, "--json")

    assert (ran.code, ran.said["exit"], starts(tmp_path)) == (4, 4, [])
    assert "401" in ran.said["error"]


def test_a_key_that_is_revoked_between_look_and_start_leaves_the_rows_not_sent(
    importer: Importer, served: Callable[..., str], tmp_path: Path
) -> None:
    served("deny:after=2")
    file = sheet(tmp_path, (case(1), "P-1"), (case(2), "P-2"))

    ran = importer("references", file, *START, "--concurrency", 1, "--json")

    assert (ran.code, counts(ran.said), starts(tmp_path)) == (4, {"not-sent": 2}, [])


@pytest.mark.parametrize("fault", ["throttle:every=2,seconds=0.1", "throttle-header:after=2,times=1,seconds=1"])
def test_a_throttled_request_is_made_again(
    importer: Importer, served: Callable[..., str], tmp_path: Path, fault: str
) -> None:
    served(fault)
    file = sheet(tmp_path, (case(1), "P-1"), (case(2), "P-2"))

    said = importer("references", file, *START, "--json").said

    assert (counts(said), len(starts(tmp_path))) == ({"set": 2}, 2)


@pytest.mark.parametrize("after", [0, 2])
def test_a_day_that_is_spent_stops(importer: Importer, served: Callable[..., str], tmp_path: Path, after: int) -> None:
    served(f"throttle-absurd:after={after}")

    ran = importer("references", sheet(tmp_path, (case(1), "P-1")), *START, "--json")

    assert (ran.code, starts(tmp_path)) == (4, [])
    assert "no more requests today" in ran.said["error"]


def test_nothing_can_be_done_where_nobody_listens(
    importer: Importer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IMPORTER_API_KEY", "sandbox")
    monkeypatch.setattr("importer.pipeline.account.PAUSES", (0.0,))

    ran = importer("references", sheet(tmp_path, (case(1), "P-1")), *START, "--api-url", "http://127.0.0.1:9", "--json")

    assert ran.code == 4


def test_limit_changes_so_many_and_the_next_run_the_rest(
    importer: Importer, served: Callable[..., str], tmp_path: Path
) -> None:
    served()
    file = sheet(tmp_path, *((case(number), f"P-{number}") for number in range(1, 5)))

    first = importer("references", file, *START, "--limit", 3, "--json").said
    second = importer("references", file, *START, "--json").said

    assert (counts(first), counts(second)) == ({"set": 3, "not-sent": 1}, {"unchanged": 3, "set": 1})
    assert results(first)[3]["Message"] == "--limit 3 came before its turn. The same command again goes on."


@BOTH_JOURNALS
@pytest.mark.parametrize("seconds", [1, 30])
def test_an_interruption_lets_what_is_in_flight_end_and_a_second_one_does_not(
    importer: Importer, launch: Callable[..., Any], served: Callable[..., str], tmp_path: Path, seconds: int
) -> None:
    served(f"hang-after:seconds={seconds}")
    file = sheet(tmp_path, (case(1), "P-1"), (case(2), "P-2"))

    running = launch("references", file, *START, "--concurrency", 1, "--json")
    until = time.monotonic() + 60
    while not (starts(tmp_path) if (tmp_path / "sandbox.db").exists() else []):
        assert time.monotonic() < until
        assert running.runs, running.err
        time.sleep(0.02)
    running.kill(signal.SIGINT)
    if seconds > 5:  # more than what is in flight has
        while "Stopping" not in running.err:
            time.sleep(0.02)
        running.kill(signal.SIGINT)

    assert running.wait() == 130
    assert counts(running.said) == {"set" if seconds == 1 else "unknown": 1, "not-sent": 1}
    served()
    again = importer("references", file, *START, "--json").said
    assert (counts(again), len(starts(tmp_path))) == ({"unchanged": 1, "set": 1}, 2)


# What people see


def test_the_run_is_on_record_with_its_report_and_its_requests(
    importer: Importer, served: Callable[..., str], tmp_path: Path
) -> None:
    served()
    said = importer("references", sheet(tmp_path, (case(1), "P-1")), *START, "--json").said

    listed = importer("runs", "--json").said["runs"]
    shown = importer("show", said["run"], "--json").said

    assert [run["run"] for run in listed] == [said["run"]]
    assert (shown["counts"]["set"], shown["target"], shown["report"]) == (1, "references", said["report"])
    assert shown["requests"] == {"by-reference": 1, "list": 1, "start": 1, "me": 1}
    assert "`importer references` again" in importer("resume", said["run"]).err


def test_an_old_run_can_be_purged(importer: Importer, served: Callable[..., str], tmp_path: Path) -> None:
    served()
    said = importer("references", sheet(tmp_path, (case(1), "P-1")), *START, "--json").said
    with closing(sqlite3.connect(tmp_path / "journal.db")) as database, database:
        database.execute("UPDATE runs SET started = 0, finished = 1")

    purged = importer("purge", "--older-than", "90d", "--yes", "--json").said

    assert (purged["runs"], Path(said["report"]).exists()) == ([said["run"]], False)
    assert importer("show", said["run"], "--json").said["requests"]["start"] == 1


def test_the_workbook_has_five_sheets_and_before_and_after(
    importer: Importer, served: Callable[..., str], tmp_path: Path
) -> None:
    served()

    ran = importer("references", sheet(tmp_path, (case(1), "P-1")), *START)

    with closing(openpyxl.load_workbook(ran.out.strip())) as book:
        assert book.sheetnames == ["Summary", "Results", "Issues", "To fix", "Run"]
        header = [cell.value for cell in book["Results"][1]]
    assert header[:9] == [
        *("Row", "Status", "Case id", "Reference", "Before", "After", "Error", "Message", "Sent at"),
    ]
    assert "Cases started" in ran.err


def test_two_sources_are_one_run(importer: Importer, served: Callable[..., str], tmp_path: Path) -> None:
    served()
    one = sheet(tmp_path, (case(1), "P-1"))
    two = one.rename(tmp_path / "two.csv")
    one = sheet(tmp_path, (case(2), "P-2"))

    said = importer("references", one, two, *START, "--json").said

    assert counts(said) == {"set": 2}
    assert [row["Source"] for row in results(said)] == ["refs.csv", "two.csv"]


def test_find_shows_whose_reference_it_is(importer: Importer, served: Callable[..., str]) -> None:
    served()

    ran = importer("references", "--find", f"P-100{STORED}", "--json")
    none = importer("references", "--find", f"p-100{STORED}", "--find", f"P-100{STORED}")

    expected = {"partner_reference": f"P-100{STORED}", "case_id": case(STORED), "reference": reference(STORED)}
    assert (ran.code, ran.said["cases"]) == (0, [{**expected, "lifecycle": "Active"}])
    assert (none.code, none.err.count(case(STORED))) == (1, 1)
    assert f"No case of yours has the partner reference p-100{STORED}" in none.err


def test_sources_or_find_but_not_both(importer: Importer, tmp_path: Path) -> None:
    file = sheet(tmp_path, (case(1), "P-1"))

    assert [importer("references").code, importer("references", file, "--find", "x").code] == [2, 2]


@pytest.mark.parametrize("command", ["submit", "check"])
def test_other_commands_say_which_one_takes_these_sources(importer: Importer, tmp_path: Path, command: str) -> None:
    options = ("--yes", "--sandbox") if command == "submit" else ()

    ran = importer(command, sheet(tmp_path, (case(1), "P-1")), "--target", "references", *options)

    assert (ran.code, ran.err.strip()) == (3, "Sources for references are taken by `importer references`.")


def test_doctor_looks_at_the_partners_api(importer: Importer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMPORTER_REFERENCE_PATH", PATH)

    ran = importer("doctor", "--target", "references", "--sandbox", "--json")

    assert ran.code == 0
    texts = {finding["what"]: finding["text"] for finding in ran.said["findings"]}
    assert "Invented Collectors (sandbox)" in texts["API"]
    assert PATH in texts["settings"]


def test_a_case_made_at_the_customer_api_waits_for_its_partner(importer: Importer, tmp_path: Path) -> None:
    header = ("creditorReference", "currencyCode", "date", "amountToRecover", "debtor.type", "debtor.name")
    more = ("debtor.address", "debtor.city", "debtor.countryAlpha2")
    with (tmp_path / "june.csv").open("w", newline="") as file:
        csv.writer(file).writerows(
            [(*header, *more), ("INV-1", "EUR", "2026-01-15", "100", "Company", "Example", "1 St", "Town", "IS")]
        )
    importer("submit", "june.csv", "--sandbox", "--yes")
    made = Store(tmp_path / "sandbox.db").cases()[0]

    said = importer("references", sheet(tmp_path, (str(made["id"]), "P-1")), *START, "--sandbox", "--json").said

    assert (made["lifecycle"], counts(said)) == ("PendingVerification", {"set": 1})
