"""A referral partner's clients: one run, an account for each, and nothing of one client stops another."""

from __future__ import annotations

import json
import sqlite3
import time
from collections import Counter
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

import httpx
import openpyxl
import pytest

from importer.sandbox import Fault, Settings, Store, serving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

BOTH_JOURNALS = pytest.mark.usefixtures("place")
HEADER = "Client,Invoice number,Currency,Invoice date,Amount,Debtor type,Customer,Street,City,Country code"
WIDE = {"minute": 1_000_000, "hour": 1_000_000, "day": 1_000_000}
KEY = "sandbox:Zx93kQ7secret"


def line(client: str, number: int = 1, country: str = "DE") -> str:
    return f"{client},INV-{number},EUR,2026-01-15,{number + 1}.50,Company,Example {number},1 St,Town,{country}"


def source(folder: Path, *lines: str, name: str = "june.csv") -> Path:
    path = folder / name
    path.write_text("\n".join([HEADER, *lines]) + "\n")
    return path


def due(folder: Path, *lines: str) -> Path:
    """Write invoices that can be bundled."""
    path = folder / "bundles.csv"
    path.write_text("\n".join([f"{HEADER},Due date", *(f"{one},2026-02-14" for one in lines)]) + "\n")
    return path


@pytest.fixture
def partner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Any]]:
    """Serve a sandbox with these faults, as a partner's settings have it."""
    monkeypatch.setenv("IMPORTER_TARGET", "referral")
    monkeypatch.setenv("IMPORTER_API_KEY", KEY)
    monkeypatch.setenv("IMPORTER_RATE", "60000/min,1000000/h,1000000/d")
    monkeypatch.setenv("IMPORTER_TIMEOUT", "5")

    @contextmanager
    def serve(*faults: str, **settings: Any) -> Iterator[str]:
        ordered = tuple(map(Fault.parse, faults))
        with serving(tmp_path / "outside.db", Settings(**{**WIDE, "faults": ordered, **settings})) as url:
            monkeypatch.setenv("IMPORTER_API_URL", url)
            yield url

    return serve


def granted(url: str, client: str) -> dict[str, Any]:
    """Ask the sandbox for a token for *client*."""
    body, key = {"externalTenantId": client}, {"XApiKey": KEY}
    given: dict[str, Any] = httpx.post(f"{url}/referral/oauth/token", json=body, headers=key, trust_env=False).json()
    return given


def made(folder: Path) -> Counter[tuple[str, str]]:
    """Count the cases of each client and reference."""
    cases = Store(folder / "outside.db").cases()
    return Counter((str(case["account"]).rpartition("/")[2], str(case["creditorReference"])) for case in cases)


def bodies(folder: Path) -> list[tuple[str, str, dict[str, Any]]]:
    """Return client, reference and request of each case."""
    return [
        (str(case["account"]).rpartition("/")[2], str(case["creditorReference"]), json.loads(case["body"]))
        for case in Store(folder / "outside.db").cases()
    ]


def results(folder: Path, said: dict[str, Any]) -> list[dict[str, Any]]:
    header, *lines = openpyxl.load_workbook(folder / said["report"])["Results"].iter_rows(values_only=True)
    return [dict(zip(map(str, header), line, strict=True)) for line in lines]


def test_one_reference_of_two_clients_is_a_case_for_each(importer: Any, partner: Any, tmp_path: Path) -> None:
    with partner():
        ran = importer("submit", source(tmp_path, line("acme"), line("beta")), "--yes", "--json")

    assert (ran.code, ran.said["counts"]["created"]) == (0, 2)
    assert made(tmp_path) == {("acme", "INV-1"): 1, ("beta", "INV-1"): 1}
    assert "for acme, beta at 127.0.0.1" in ran.err


def test_the_clients_name_is_not_sent(importer: Any, partner: Any, tmp_path: Path) -> None:
    with partner():
        importer("submit", source(tmp_path, line("acme")), "--yes")

    (case,) = Store(tmp_path / "outside.db").cases()
    assert b"acme" not in case["body"]
    assert b"externalTenantId" not in case["body"]


def test_a_reference_that_one_client_has_twice_is_a_fault(importer: Any, tmp_path: Path) -> None:
    path = source(tmp_path, line("acme"), line("beta"), line("beta", 2), line("beta"))

    ran = importer("check", path, "--target", "referral", "--json")

    assert ran.said["counts"] == {"rows": 4, "valid": 2, "already-imported": 0, "invalid": 2}
    rows = openpyxl.load_workbook(tmp_path / ran.said["report"])["Issues"].iter_rows(min_row=2, values_only=True)
    assert [(row[0], row[4], row[6].rpartition(": ")[2]) for row in rows] == [
        (3, "reference-duplicate", "row 5."),
        (5, "reference-duplicate", "row 3."),
    ]


@pytest.mark.parametrize(("name", "code"), [("", "required"), ("x" * 256, "text-too-long")])
def test_a_row_without_a_name_of_a_client_that_can_be_one_is_invalid(
    importer: Any, tmp_path: Path, name: str, code: str
) -> None:
    ran = importer("check", source(tmp_path, line(name), line("x" * 255)), "--target", "referral", "--json")

    issues = openpyxl.load_workbook(tmp_path / ran.said["report"])["Issues"].iter_rows(min_row=2, values_only=True)
    assert [(row[0], row[1], row[2], row[4]) for row in issues] == [(2, "Client", "externalTenantId", code)]


@pytest.mark.parametrize("option", [("--client", "acme"), ("--set", "externalTenantId=acme")])
def test_a_source_of_one_client_needs_no_column(
    importer: Any, partner: Any, tmp_path: Path, option: tuple[str, str]
) -> None:
    path = tmp_path / "june.csv"
    path.write_text("\n".join(text.partition(",")[2] for text in (HEADER, line("-"))) + "\n")
    with partner():
        without = importer("check", path)
        ran = importer("submit", path, "--yes", "--json", *option)

    assert without.code == 3
    assert "--set externalTenantId=acme" in without.err
    assert (ran.code, made(tmp_path)) == (0, {("acme", "INV-1"): 1})


def test_a_client_that_is_not_linked_is_left_out_and_the_others_go_on(
    importer: Any, partner: Any, tmp_path: Path
) -> None:
    path = source(tmp_path, line("unlinked-a"), line("beta"), line("unlinked-a", 2))
    with partner():
        ran = importer("submit", path, "--yes", "--json")
        again = importer("resume", ran.said["run"], "--json")

    assert ran.code == again.code == 4
    assert ran.said["counts"] | {"created": 1, "not-sent": 2} == ran.said["counts"] == again.said["counts"]
    assert ran.said["error"].startswith("Client unlinked-a: Nothing is sent for it: the partner key has no active")
    assert made(tmp_path) == {("beta", "INV-1"): 1}
    assert [row["Message"] for row in results(tmp_path, ran.said)] == [ran.said["error"], None, ran.said["error"]]


def test_a_client_that_is_linked_again_is_sent_by_resume(importer: Any, partner: Any, tmp_path: Path) -> None:
    with partner("unlink:times=1"):
        ran = importer("submit", source(tmp_path, line("acme"), line("beta")), "--yes", "--json")
        assert made(tmp_path) == {("beta", "INV-1"): 1}
        nobodys = key_of(tmp_path, "acme")
        again = importer("resume", ran.said["run"], "--json")
        assert key_of(tmp_path, "acme") != nobodys  # an account is part of its cases' keys
        third = importer("submit", tmp_path / "june.csv", "--yes", "--json")

    assert (ran.code, again.code, again.said["counts"]["created"]) == (4, 0, 2)
    assert (third.code, third.said["counts"]["already-imported"]) == (0, 2)
    assert made(tmp_path) == {("acme", "INV-1"): 1, ("beta", "INV-1"): 1}


def key_of(folder: Path, client: str) -> str:
    with closing(sqlite3.connect(folder / "journal.db")) as journal:
        ((key,),) = journal.execute("select key from cases where client = ?", (client,)).fetchall()
    return str(key)


def test_a_partner_key_that_is_refused_stops_all_before_anything(
    importer: Any, partner: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IMPORTER_API_KEY", "wrong")
    with partner():
        ran = importer("submit", source(tmp_path, line("acme")), "--yes", "--json")

    assert ran.code == 4
    assert "The API key is not accepted by 127.0.0.1" in ran.said["error"]
    assert importer("runs", "--json").said["runs"] == []


@pytest.mark.parametrize(
    "fault", ["short-tokens:seconds=1", "expire-tokens:seconds=1", "revoke-token:every=25", "revoke-token:times=1"]
)
def test_tokens_that_end_in_mid_run_are_renewed(importer: Any, partner: Any, tmp_path: Path, fault: str) -> None:
    lines = [line(client, number) for number in range(60) for client in ("acme", "beta")]
    with partner(fault, latency=0.05):
        ran = importer(
            "submit", source(tmp_path, *lines), "--yes", "--json", "--rate", "1500/min", "--concurrency", "4"
        )

    assert (ran.code, ran.said["counts"]["created"]) == (0, 120), ran.err
    assert set(made(tmp_path).values()) == {1}
    assert tokens_asked_for(tmp_path) > 2


def tokens_asked_for(folder: Path) -> int:
    with closing(sqlite3.connect(folder / "journal.db")) as journal:
        number: int = journal.execute("select count(*) from requests where kind = 'token'").fetchone()[0]
    return number


def test_a_second_401_ends_the_sending_for_that_client_and_says_what_to_do(
    importer: Any, partner: Any, tmp_path: Path
) -> None:
    with partner("revoke-token:after=1"):
        ran = importer(
            "submit", source(tmp_path, line("acme"), line("acme", 2)), "--yes", "--json", "--concurrency", "1"
        )

    assert ran.code == 4
    assert ran.said["error"] == (
        "Client acme: The client's token is not accepted (401: The token was revoked.). "
        "Link the client again at Debitura, then `importer resume` goes on."
    )
    assert (ran.said["counts"]["created"], ran.said["counts"]["not-sent"]) == (1, 1)


def test_a_link_that_ends_in_mid_run_stops_that_client_alone(importer: Any, partner: Any, tmp_path: Path) -> None:
    lines = [line("acme"), line("acme", 2), line("beta"), line("beta", 2)]
    with partner("revoke-token:times=1", "unlink:after=2"):
        ran = importer("submit", source(tmp_path, *lines), "--yes", "--json", "--concurrency", "2")
        counts = Counter(client for client, _ in made(tmp_path))
    assert ran.code == 4
    assert ran.said["error"].count("Client ") == 1
    assert "the partner key has no active link to it" in ran.said["error"]
    assert sorted(counts.values()) == [2]
    with partner():
        assert importer("resume", ran.said["run"]).code == 0
    assert set(made(tmp_path).values()) == {1}
    assert len(made(tmp_path)) == 4


def test_a_missing_verification_holds_back_the_country_of_one_client_only(
    importer: Any, partner: Any, tmp_path: Path
) -> None:
    lines = [line(client, number, "MT") for number in range(8) for client in ("acme", "verified-b")]
    path = source(tmp_path, *lines, line("acme", 9, "DE"))
    with partner():
        ran = importer("submit", path, "--yes", "--json", "--concurrency", "2")

    counts = ran.said["counts"]
    assert (ran.code, counts["created"], counts["rejected"], counts["not-sent"]) == (4, 9, 3, 5)
    assert ran.said["error"].startswith("Client acme: No more rows for MT in EUR are sent.")
    assert ran.said["error"].count("https://app.debitura.com/settings/kyc") == 1
    assert sum(made(tmp_path)["verified-b", f"INV-{number}"] for number in range(8)) == 8


@pytest.mark.parametrize("client", ["sandbox-blocked", "sandbox-unsigned", "sandbox-forbidden"])
def test_what_stops_one_client_lets_the_others_go_on(importer: Any, partner: Any, tmp_path: Path, client: str) -> None:
    with partner():
        ran = importer("submit", source(tmp_path, line(client), line("beta"), line("beta", 2)), "--yes", "--json")

    assert (ran.code, ran.said["counts"]["created"]) == (4, 2)
    assert ran.said["error"].startswith(f"Client {client}: ")
    assert ran.said["error"].count("Client ") == 1


@BOTH_JOURNALS
def test_what_was_imported_is_told_for_each_client(importer: Any, partner: Any, tmp_path: Path) -> None:
    with partner():
        importer("submit", source(tmp_path, line("acme"), line("acme", 2)), "--yes")
        path = source(tmp_path, line("acme"), line("beta"))
        checked = importer("check", path, "--json")
        ran = importer("submit", path, "--yes", "--json")

    assert checked.said["counts"] == {"rows": 2, "valid": 1, "already-imported": 1, "invalid": 0}
    assert [row["Status"] for row in results(tmp_path, checked.said)] == ["already-imported", "valid"]
    assert [row["Status"] for row in results(tmp_path, ran.said)] == ["already-imported", "created"]
    assert set(made(tmp_path).values()) == {1}


@BOTH_JOURNALS
def test_a_run_for_two_clients_that_is_killed_again_and_again_makes_each_case_once(
    launch: Any, partner: Any, tmp_path: Path
) -> None:
    lines = [line(client, number) for number in range(150) for client in ("acme", "beta")]
    path = source(tmp_path, *lines)
    with partner("lose-answer:every=7", "revoke-token:every=60", latency=0.05):
        command: tuple[object, ...] = ("submit", path, "--yes")
        for cases in (20, 90, 180):
            process = launch(*command, "--json", "--timeout", "2", "--rate", "3000/min")
            wait_until(lambda cases=cases, process=process: sum(made(tmp_path).values()) >= cases or not process.runs)
            process.kill()
            process.wait()
            (run,) = (tmp_path / "reports").iterdir()
            command = ("resume", run.name)
        for _ in range(3):
            process = launch(*command, "--json", "--timeout", "2")
            if process.wait() == 0:
                break

    assert process.code == 0, process.err
    assert process.said["counts"]["created"] == 300
    assert set(made(tmp_path).values()) == {1}
    assert len(made(tmp_path)) == 300


def wait_until(true: Callable[[], object]) -> None:
    until = time.monotonic() + 30
    while not true():
        assert time.monotonic() < until
        time.sleep(0.01)


@BOTH_JOURNALS
def test_two_runs_with_overlapping_clients_go_one_after_the_other(launch: Any, partner: Any, tmp_path: Path) -> None:
    first = source(tmp_path, *(line(client, n) for n in range(40) for client in ("acme", "beta")), name="a.csv")
    second = source(
        tmp_path, *(line(client, n) for n in range(40) for client in ("gamma", "beta", "acme")), name="b.csv"
    )
    with partner(latency=0.05):
        both = [launch("submit", path, "--yes", "--wait", "--json", "--concurrency", "8") for path in (first, second)]
        codes = [process.wait() for process in both]

    assert codes == [0, 0], [process.err for process in both]
    assert set(made(tmp_path).values()) == {1}
    assert len(made(tmp_path)) == 120
    assert sum(process.said["counts"]["already-imported"] for process in both) == 80


def test_a_run_whose_client_another_one_sends_for_is_told_so_and_sends_nothing(
    launch: Any, partner: Any, tmp_path: Path
) -> None:
    # A minute and more, however long the others take to begin; it is killed after them.
    first = source(tmp_path, *(line("beta", n) for n in range(1000)), name="a.csv")
    with partner(latency=0.05):
        sending = launch("submit", first, "--yes", "--rate", "600/min")
        wait_until(lambda: made(tmp_path))
        beside = launch("submit", source(tmp_path, line("acme"), name="b.csv"), "--yes")
        assert beside.wait() == 0, beside.err
        refused = launch("submit", source(tmp_path, line("acme", 2), line("beta", 99), name="c.csv"), "--yes", "--json")
        assert refused.wait() == 3
        sending.kill()

    assert "Another importer is sending for this account" in refused.said["error"]
    assert made(tmp_path)["acme", "INV-2"] == 0


def test_an_interruption_stops_all_clients_and_resume_goes_on(launch: Any, partner: Any, tmp_path: Path) -> None:
    path = source(tmp_path, *(line(client, n) for n in range(60) for client in ("acme", "beta")))
    with partner(latency=0.05):
        process = launch("submit", path, "--yes", "--json", "--rate", "600/min")
        wait_until(lambda: len({client for client, _ in made(tmp_path)}) == 2 and process.catches_signals)
        process.kill(2)
        assert process.wait() == 130, process.err
        left = Counter(client for client, _ in made(tmp_path))
        assert max(left.values()) < 60
        last = launch("resume", process.said["run"], "--json")
        assert last.wait() == 0, last.err

    assert last.said["counts"]["created"] == 120
    assert set(made(tmp_path).values()) == {1}


def test_limit_counts_the_cases_of_all_clients_in_the_order_of_rows(
    importer: Any, partner: Any, tmp_path: Path
) -> None:
    path = source(tmp_path, line("beta"), line("acme"), line("beta", 2), line("acme", 2))
    with partner():
        ran = importer("submit", path, "--yes", "--json", "--limit", "3")

    assert [row["Status"] for row in results(tmp_path, ran.said)] == ["created"] * 3 + ["not-sent"]


def test_find_and_show_tell_the_client(importer: Any, partner: Any, tmp_path: Path) -> None:
    with partner():
        run = importer("submit", source(tmp_path, line("acme"), line("beta")), "--yes", "--json").said["run"]

    found = importer("find", "INV-1", "--json").said["cases"]
    shown = importer("show", run, "--json").said
    assert {case["client"]: case["account"] for case in found} == shown["clients"]
    assert sorted(shown["clients"]) == ["acme", "beta"]
    assert shown["account"] not in shown["clients"].values()
    assert "Invented Partner" in shown["account_name"]


def test_no_token_and_no_key_is_kept_or_printed(importer: Any, partner: Any, tmp_path: Path) -> None:
    with partner("revoke-token:every=2"):
        ran = importer("submit", source(tmp_path, *(line("acme", n) for n in range(5))), "--yes", "--json")
        importer("doctor", "--client", "acme")

    kept = b"".join(
        path.read_bytes() for path in tmp_path.rglob("*") if path.is_file() and not path.name.startswith("outside")
    )
    said = kept.decode("latin-1") + ran.out + ran.err
    # Each token begins with the same header.
    assert "eyJhbGciOiAiSFMyNTYi" not in said
    assert "Zx93kQ7secret" not in said


def test_the_doctor_tells_of_the_partners_key_and_of_a_clients_link(
    importer: Any, partner: Any, tmp_path: Path
) -> None:
    with partner():
        ran = importer("doctor", "--client", "acme", "--json")
        unlinked = importer("doctor", "--client", "unlinked-a")
        customer = importer("doctor", "--client", "acme", "--target", "customer")

    told = {finding["what"]: finding["text"] for finding in ran.said["findings"]}
    assert told["API"].startswith("the key is for Invented Partner (sandbox)")
    assert told["client"].startswith("acme is Invented Creditor (sandbox/acme)")
    assert (ran.code, unlinked.code, customer.code) == (0, 4, 3)
    assert "NO  client: Client unlinked-a: Nothing is sent for it" in unlinked.err
    assert not (tmp_path / "journal.db").exists()


def test_a_lost_journal_is_rebuilt_client_by_client(importer: Any, partner: Any, tmp_path: Path) -> None:
    path = source(tmp_path, line("acme"), line("beta"))
    with partner():
        importer("submit", path, "--yes")
        for file in tmp_path.glob("journal.db*"):
            file.unlink()
        nameless = importer("journal", "rebuild")
        rebuilt = [importer("journal", "rebuild", "--client", client, "--json") for client in ("acme", "beta")]
        ran = importer("submit", path, "--yes", "--json")
        unlinked = importer("journal", "rebuild", "--client", "unlinked-a")

    assert (nameless.code, unlinked.code) == (3, 4)
    assert "--client" in nameless.err
    assert [one.said["added"] for one in rebuilt] == [1, 1]
    assert ran.said["counts"]["already-imported"] == 2
    assert set(made(tmp_path).values()) == {1}


@BOTH_JOURNALS
def test_a_bundle_is_one_clients_alone(importer: Any, partner: Any, tmp_path: Path) -> None:
    path = due(tmp_path, line("acme"), line("beta"), line("acme", 2), line("beta", 2), line("Acme", 3))
    by = ("--bundle-by", "debtor.city", "--yes", "--json")
    with partner():
        ran = importer("submit", path, *by)
        again = importer("submit", due(tmp_path, line("acme"), line("acme", 4), line("beta", 5)), *by)

    assert (ran.code, again.code, ran.said["counts"]["created"]) == (0, 0, 5)
    cases = {(account, reference): body for account, reference, body in bodies(tmp_path)}
    assert {case: body["amountToRecover"] for case, body in cases.items()} == {
        ("acme", "INV-1"): 6,
        ("beta", "INV-1"): 6,
        ("Acme", "INV-3"): 4.5,
        ("acme", "INV-4"): 5.5,
        ("beta", "INV-5"): 6.5,
    }
    assert again.said["counts"]["already-imported"] == 1


def test_one_debtor_of_two_clients_with_an_invoice_each_is_two_cases(
    importer: Any, partner: Any, tmp_path: Path
) -> None:
    path = due(tmp_path, line("acme"), line("beta"))
    with partner():
        told = importer("check", path, "--bundle-by", "debtor.name", "--json")
        ran = importer("submit", path, "--bundle-by", "debtor.name", "--yes", "--json")

    assert (told.said["cases"], ran.said["counts"]["created"]) == (2, 2)
    assert made(tmp_path) == {("acme", "INV-1"): 1, ("beta", "INV-1"): 1}


@pytest.mark.parametrize(("client", "held"), [("beta", {"beta"}), ("", {"acme", "beta"})])
def test_a_faulty_row_holds_back_its_clients_bundle_or_that_of_all_where_it_names_none(
    importer: Any, tmp_path: Path, client: str, held: set[str]
) -> None:
    faulty = line(client, 3).replace("4.50", "none")
    path = due(tmp_path, line("acme"), line("beta"), line("acme", 2), line("beta", 2), faulty)

    ran = importer("check", path, "--target", "referral", "--bundle-by", "debtor.city", "--json")

    found = openpyxl.load_workbook(tmp_path / ran.said["report"])["Issues"].iter_rows(min_row=2, values_only=True)
    rows = {row[0] for row in found if row[4] == "bundle-held"}
    assert rows == {row for row, name in ((2, "acme"), (3, "beta"), (4, "acme"), (5, "beta")) if name in held}


def test_a_bundle_of_a_client_that_is_not_there_is_sent_once_it_is(importer: Any, partner: Any, tmp_path: Path) -> None:
    path = due(tmp_path, line("acme"), line("beta"), line("acme", 2), line("beta", 2))
    with partner("unlink:times=1"):
        ran = importer("submit", path, "--bundle-by", "debtor.city", "--yes", "--json")
        assert made(tmp_path) == {("beta", "INV-1"): 1}
        again = importer("resume", ran.said["run"], "--json")

    assert (ran.code, again.code, again.said["counts"]["created"]) == (4, 0, 4)
    assert made(tmp_path) == {("acme", "INV-1"): 1, ("beta", "INV-1"): 1}


@BOTH_JOURNALS
def test_a_bundle_in_doubt_is_settled_for_its_client(importer: Any, partner: Any, tmp_path: Path) -> None:
    path = due(tmp_path, line("acme"), line("beta"), line("acme", 2), line("beta", 2))
    with partner("lose-answer:every=1"):
        ran = importer("submit", path, "--bundle-by", "debtor.city", "--yes", "--json")

    assert (ran.code, ran.said["counts"]["created"]) == (0, 4)
    assert made(tmp_path) == {("acme", "INV-1"): 1, ("beta", "INV-1"): 1}


def test_invoices_of_a_clients_bundle_are_known_again_after_a_rebuilding(
    importer: Any, partner: Any, tmp_path: Path
) -> None:
    path = due(tmp_path, line("acme"), line("beta"), line("acme", 2), line("beta", 2))
    with partner():
        importer("submit", path, "--bundle-by", "debtor.city", "--yes")
        for file in tmp_path.glob("journal.db*"):
            file.unlink()
        rebuilt = [importer("journal", "rebuild", "--client", client, "--json") for client in ("acme", "beta")]
        ran = importer("submit", path, "--yes", "--json")

    assert [(one.code, one.said["cases"], one.said["invoices"]) for one in rebuilt] == [(0, 1, 1)] * 2
    assert ran.said["counts"]["already-imported"] == 4
    assert made(tmp_path) == {("acme", "INV-1"): 1, ("beta", "INV-1"): 1}


def test_a_clients_case_is_found_at_the_api(importer: Any, partner: Any, tmp_path: Path) -> None:
    with partner():
        importer("submit", source(tmp_path, line("acme", 1), line("beta", 1), line("beta", 2)), "--yes")
        found = importer("find", "INV-1", "--remote", "--client", "acme", "--json")
        absent = importer("find", "INV-2", "--remote", "--client", "acme")
        nameless = importer("find", "INV-1", "--remote")
        unlinked = importer("find", "INV-1", "--remote", "--client", "unlinked-a")
        local = importer("find", "INV-1", "--client", "acme")

    (case,) = found.said["cases"]
    assert (case["creditor_reference"], case["amount"]) == ("INV-1", "2.50")
    assert [one.rpartition(" ")[2] for one in case["journaled"]] == ["2"]
    assert (absent.code, nameless.code, unlinked.code, local.code) == (1, 3, 4, 2)
    assert "--client" in nameless.err


def test_where_a_clients_cases_stand_is_asked_with_its_token(importer: Any, partner: Any, tmp_path: Path) -> None:
    with partner() as url:
        path = source(tmp_path, line("acme"), line("beta"), line("beta", 2))
        run = importer("submit", path, "--yes", "--json").said["run"]
        (case,) = importer("find", "INV-2", "--json").said["cases"]
        shown = {"Authorization": f"Bearer {granted(url, 'beta')['accessToken']}"}
        address = f"{url}/sandbox/cases/{case['case_id']}"
        httpx.post(address, json={"lifecycle": "Closed"}, headers=shown, trust_env=False).raise_for_status()
        done = [
            importer("refresh", run, "--client", "beta", "--json"),
            importer("refresh", "--open", "--client", "acme", "--json"),
        ]
        nameless = importer("refresh", run)

    assert [(one.code, one.said["cases"]) for one in done] == [(0, 2), (0, 1)]
    assert [change["creditor_reference"] for change in done[0].said["changes"]] == ["INV-2"]
    assert (nameless.code, "--client" in nameless.err) == (3, True)


def test_identifiers_tell_the_client(importer: Any, partner: Any, tmp_path: Path) -> None:
    with partner():
        importer("submit", source(tmp_path, line("acme"), line("beta")), "--yes")

    listed = json.loads(importer("identifiers", "--format", "json").out)["identifiers"]
    assert [(one["client"], one["creditor_reference"]) for one in listed] == [("acme", "INV-1"), ("beta", "INV-1")]


def test_a_client_that_is_linked_elsewhere_is_asked_nothing_about_what_is_in_doubt(
    importer: Any, partner: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IMPORTER_SETTLE_AFTER", "0.1")
    with partner("lose-answer:times=1", "lookups-fail"):
        ran = importer("submit", source(tmp_path, line("acme"), line("beta")), "--yes", "--json", "--concurrency", "1")
    assert ran.code == 5
    (doubtful,) = [row["Client"] for row in results(tmp_path, ran.said) if row["Status"] == "unknown"]
    with closing(sqlite3.connect(tmp_path / "journal.db")) as journal, journal:
        journal.execute("update cases set account = 'loopback/another' where status = 'sending'")
    with partner():
        again = importer("resume", ran.said["run"], "--json")

    assert (again.code, again.said["counts"]["unknown"]) == (4, 1)
    assert again.said["error"].startswith(f"Client {doubtful}: It is linked to another account now; rows of this run")


def test_two_names_of_one_account_are_refused(importer: Any, partner: Any, tmp_path: Path) -> None:
    with partner():
        ran = importer("submit", source(tmp_path, line("acme"), line("acme:2", 2)), "--yes", "--json")

    assert ran.code == 3
    assert ran.said["error"].startswith("The clients acme and acme:2 are one account (loopback/")
    assert not made(tmp_path)


def test_a_client_whose_day_is_spent_lets_the_others_go_on(importer: Any, partner: Any, tmp_path: Path) -> None:
    path = source(tmp_path, *(line("acme", number) for number in range(5)), line("beta"))
    with partner():
        ran = importer("submit", path, "--yes", "--json", "--rate", "4/d")
        # Those that the partner's own key made: for its account and its tokens.
        with closing(sqlite3.connect(tmp_path / "journal.db")) as journal, journal:
            journal.execute("delete from requests where account = (select account from runs)")
        again = importer("submit", path, "--yes", "--json", "--rate", "4/d")

    assert ran.code == again.code == 4
    assert ran.said["error"].startswith("Client acme: The 4 requests that are allowed in a day are spent")
    assert again.said["error"].startswith("Client acme: The 4 requests that are allowed in a day are spent")
    assert (ran.said["counts"]["created"], ran.said["counts"]["not-sent"]) == (4, 2)
    assert (again.said["counts"]["already-imported"], again.said["counts"]["not-sent"]) == (1, 5)


def test_a_customer_api_that_is_down_stops_all_before_anything(
    importer: Any, partner: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with partner() as url:
        monkeypatch.setenv("IMPORTER_REFERRAL_URL", f"{url}/referral")
        monkeypatch.setenv("IMPORTER_API_URL", "http://127.0.0.1:9")
        ran = importer("submit", source(tmp_path, line("acme"), line("beta")), "--yes", "--json")

    assert ran.code == 4
    assert ran.said["error"].startswith("The API at 127.0.0.1:9 cannot be asked")
    assert importer("runs", "--json").said["runs"] == []


@pytest.mark.parametrize(
    ("body", "field"), [({}, "ExternalTenantId"), ({"externalTenantId": "x" * 256}, "ExternalTenantId")]
)
def test_the_sandbox_wants_a_name_that_can_be_one(partner: Any, body: dict[str, str], field: str) -> None:
    with partner() as url:
        answer = httpx.post(f"{url}/referral/oauth/token", json=body, headers={"XApiKey": KEY}, trust_env=False)

    assert (answer.status_code, list(answer.json())) == (400, [field])


def test_the_sandbox_accepts_no_token_that_it_did_not_sign(partner: Any) -> None:
    with partner() as url:
        given = granted(url, "acme")
        codes = [
            httpx.get(f"{url}/me", headers={"Authorization": f"Bearer {token}"}, trust_env=False).status_code
            for token in (given["accessToken"], f"{given['accessToken']}x", "a.b.c")
        ]

    assert (given["tokenType"], given["expiresIn"], given["externalTenantId"]) == ("Bearer", 1800, "acme")
    assert codes == [200, 401, 401]


def test_each_host_of_the_customer_api_has_its_own_for_tokens(importer: Any, tmp_path: Path) -> None:
    ran = importer(
        "submit",
        source(tmp_path, line("acme")),
        "--yes",
        "--target",
        "referral",
        "--api-url",
        "https://api.example.com",
    )

    assert ran.code == 3
    assert "IMPORTER_REFERRAL_URL" in ran.err
