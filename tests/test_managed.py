"""Managed cases: one for each row in a client's name, at an API that itself keeps nobody from a second one."""

from __future__ import annotations

import asyncio
import json
import random
import sqlite3
import time
from collections import Counter
from contextlib import closing
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import openpyxl
import pandas as pd
import pyarrow as pa
import pytest

import schemas
from importer.client import Client
from importer.sandbox import Fault, Settings, Store, serving
from schemas import codes

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from importer.protocol import Answer

TARGET = schemas.load("managed")
ENDLESS = Settings(minute=10**9, hour=10**9, day=10**9)
HEADER = (
    "Client,Client country,Invoice number,Currency,Invoice date,Amount,Debtor type,Customer,Contact,Street,City,"
    "Country code"
)
TYPES = {
    "text": pa.string(),
    "uuid": pa.string(),
    "amount": pa.decimal128(38, 18),
    "date": pa.date32(),
}
ROW = {
    "creditorCompanyName": "Example Bakery ApS",
    "creditorCountry": "denmark",
    "creditorReference": "INV-1",
    "currencyCode": "eur",
    "date": date(2026, 1, 15),
    "amountToRecover": Decimal(5000),
    "debtor.type": "private",
    "debtor.name": "Robin Example",
    "debtor.country": "germany",
}


def values_of(*changes: dict[str, object]) -> pd.DataFrame:
    rows = [ROW | change for change in changes]
    return pd.DataFrame(
        {
            name: pd.Series([row.get(name) for row in rows], dtype=pd.ArrowDtype(TYPES[field.kind]))
            for name, field in TARGET.FIELDS.items()
        }
    )


def payloads(*changes: dict[str, object], **asked: bool) -> list[dict[str, Any]]:
    return list(TARGET.payload(values_of(*changes), **{"test": False, "allow_pending_contracts": False} | asked))


def line(creditor: str, reference: str, *, amount: str = "100.50", debtor: str = "Example") -> str:
    return f"{creditor},DK,{reference},EUR,2026-01-15,{amount},Company,{debtor},Bo,1 St,Town,DE"


class World:
    """A collection partner's desk with its workspace, and the API outside of it."""

    def __init__(self, folder: Path, importer: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.file = folder / "june.csv"
        self._importer = importer
        self._monkeypatch = monkeypatch
        self.timeout = 20.0  # seconds
        monkeypatch.setenv("IMPORTER_API_KEY", "sandbox")

    def be(self, key: str) -> None:
        self._monkeypatch.setenv("IMPORTER_API_KEY", key)

    def write(self, *lines: str) -> None:
        self.file.write_text("\n".join([HEADER, *lines]) + "\n")

    def run(self, command: str, *arguments: object, faults: tuple[str, ...] = ()) -> dict[str, Any]:
        settings = replace(ENDLESS, faults=tuple(map(Fault.parse, faults)))
        options = [*arguments, "--json", "--timeout", self.timeout, "--rate", "60000/min"]
        with serving(self.folder / "outside.db", settings) as url:
            self._monkeypatch.setenv("IMPORTER_API_URL", f"{url}/collection-partner")
            said: dict[str, Any] = self._importer(*command.split(), *options).said
        return said

    def submit(self, *arguments: object, faults: tuple[str, ...] = ()) -> dict[str, Any]:
        return self.run("submit", self.file, "--target", "managed", "--yes", *arguments, faults=faults)

    def cases(self) -> list[tuple[str, str]]:
        """Name each case that was made, by creditor and reference."""
        return [
            (json.loads(str(case["body"], "utf-8"))["creditorCompanyName"], str(case["creditorReference"]))
            for case in self.stored()
        ]

    def stored(self) -> list[dict[str, Any]]:
        return Store(self.folder / "outside.db").cases()

    def journal(self, query: str) -> list[Any]:
        with closing(sqlite3.connect(self.folder / "journal.db")) as database:
            return database.execute(query).fetchall()

    def results(self, said: dict[str, Any]) -> list[dict[str, Any]]:
        header, *rows = openpyxl.load_workbook(said["report"])["Results"].iter_rows(values_only=True)
        return [dict(zip(header, row, strict=True)) for row in rows]


@pytest.fixture
def world(tmp_path: Path, importer: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> World:
    return World(tmp_path, importer, monkeypatch)


def statuses(said: dict[str, Any]) -> dict[str, int]:
    return {status: rows for status, rows in said["counts"].items() if rows and status != "rows"}


# The request


def test_a_request_names_the_creditor_and_has_codes_in_their_form() -> None:
    assert payloads({}) == [
        {
            "creditorCompanyName": "Example Bakery ApS",
            "creditorCountryAlpha2": "DK",
            "creditorReference": "INV-1",
            "currencyCode": "EUR",
            "date": "2026-01-15",
            "amountToRecover": Decimal(5000),
            "debtor": {"type": "Person", "name": "Robin Example", "countryAlpha2": "DE"},
        }
    ]


@pytest.mark.parametrize(
    ("word", "sent"), [("Private", "Person"), ("person", "Person"), ("b2c", "Person"), ("B2B", "Company")]
)
def test_debtors_are_companies_or_persons(word: str, sent: str) -> None:
    assert payloads({"debtor.type": word})[0]["debtor"]["type"] == sent


def test_a_request_asks_for_a_test_case_when_told_and_never_for_pending_contracts() -> None:
    (asked,) = payloads({}, test=True, allow_pending_contracts=True)

    assert asked["isTest"] is True
    assert "allowPendingContracts" not in asked


def test_a_creditor_is_known_by_company_and_country_however_they_are_written() -> None:
    values = values_of(
        {},
        {"creditorCompanyName": " EXAMPLE  bakery ApS", "creditorCountryAlpha2": "dk"},
        {"creditorCountryAlpha2": "SE"},
        {"creditorCompanyName": None},
    )

    assert list(TARGET.creditors(values)) == [
        "example bakery aps, DK",
        "example bakery aps, DK",
        "example bakery aps, SE",
        "",
    ]


def test_the_schema_has_a_column_for_every_field() -> None:
    assert {name for name in TARGET.Schema.to_schema().columns if "@" not in name} == set(TARGET.FIELDS)


def test_no_heading_means_two_fields() -> None:
    headings = [
        heading
        for names in [
            *((field.name, *field.aliases) for field in TARGET.FIELDS.values()),
            TARGET.UNSUPPORTED,
        ]
        for heading in {"".join(filter(str.isalnum, text.casefold())) for text in names}
    ]

    assert len(set(headings)) == len(headings)


def test_the_catalogue_differs_between_targets_where_the_api_does() -> None:
    told = [codes.CATALOGUE[target, "state-missing"].severity for target in ("customer", "managed")]

    assert told == ["error", "warning"]
    assert ("managed", "age-buckets-order") not in codes.CATALOGUE


# What is judged


def test_a_reference_is_once_a_creditors(world: World) -> None:
    world.write(line("Acme", "1"), line("Bravo", "1"), line("ACME ", "1"), line("Charlie", "2"))

    said = world.submit()

    assert statuses(said) == {"created": 2, "invalid": 2}
    assert Counter(world.cases()) == {("Bravo", "1"): 1, ("Charlie", "2"): 1}
    assert [row["Message"] for row in world.results(said) if row["Status"] == "invalid"] == [
        "The reference “1” is in more than one row of its creditor: row 4.",
        "The reference “1” is in more than one row of its creditor: row 2.",
    ]


def test_references_of_rows_whose_creditor_is_not_known_are_not_compared(world: World) -> None:
    world.write(line("", "1"), line("#N/A", "1"), line("#REF!", "1"), line("Acme", "1"))

    said = world.submit()

    assert statuses(said) == {"created": 1, "invalid": 3}
    assert [row["Error"] for row in world.results(said)] == ["creditor-missing", "cell-error", "cell-error", None]


def test_a_country_whose_code_cannot_be_read_names_no_creditor_whatever_its_name_says(world: World) -> None:
    world.write(line("Acme", "1"), line("Acme", "1"))
    header, *rows = world.file.read_text().splitlines()
    world.file.write_text("\n".join([f"{header},Creditor country code", *(f"{row},#N/A" for row in rows)]))

    said = world.submit()

    assert [row["Error"] for row in world.results(said)] == ["cell-error", "cell-error"]


def test_references_that_look_alike_are_told_within_a_creditor_alone(world: World) -> None:
    world.write(line("Acme", "INV-1"), line("Acme", "inv-1"), line("Bravo", "Inv-1"))

    report = world.submit()["report"]

    issues = openpyxl.load_workbook(report)["Issues"].iter_rows(min_row=2, values_only=True)
    assert [(row, code) for row, _, _, _, code, *_ in issues] == [
        (2, "reference-lookalike"),
        (3, "reference-lookalike"),
    ]


def test_a_column_that_managed_cases_do_not_take_is_named_once(world: World) -> None:
    world.write(line("Acme", "1"), line("Acme", "2"))
    header, *rows = world.file.read_text().splitlines()
    world.file.write_text("\n".join([f"{header},Over 12 months", *(f"{row},5" for row in rows)]))

    said = world.submit()

    assert statuses(said) == {"created": 2}
    issues = openpyxl.load_workbook(said["report"])["Issues"].iter_rows(min_row=2, values_only=True)
    assert [(column, field, code) for _, column, field, _, code, *_ in issues] == [
        ("Over 12 months", "amountToRecoverOver12Months", "field-not-supported")
    ]
    assert b"Over12" not in world.stored()[0]["body"]


def test_a_client_is_a_name_and_no_paragraph(world: World) -> None:
    world.write(line("A" * 255, "1"), line("B" * 256, "1"))

    said = world.submit()

    assert [row["Error"] for row in world.results(said)] == [None, "text-too-long"]


def test_a_source_that_says_no_client_is_refused_with_the_option_that_says_it(
    world: World, importer: Callable[..., Any]
) -> None:
    world.write(line("Acme", "1"))
    header, row = world.file.read_text().splitlines()
    world.file.write_text(header.removeprefix("Client,Client country,") + "\n" + row.removeprefix("Acme,DK,"))
    common = ("--target", "managed", "--sandbox", "--yes", "--json")

    refused = importer("submit", world.file, *common)
    told = ("--set", "creditorCompanyName=Acme", "--set", "creditorCountry=Denmark")

    assert refused.code == 3
    assert '--set creditorCompanyName="Example ApS"' in refused.said["error"]
    assert "--set creditorCountryAlpha2=DK" in refused.said["error"]
    assert statuses(importer("submit", world.file, *common, *told).said) == {"created": 1}
    assert statuses(importer("submit", world.file, *common, *told).said) == {"already-imported": 1}


# Once


def test_what_was_made_is_made_again_by_nobody_and_another_creditors_reference_is_another(world: World) -> None:
    world.write(line("Acme", "1"))
    world.submit()
    world.write(line("ACME", "1"), line("Bravo", "1"))

    assert statuses(world.submit()) == {"created": 1, "already-imported": 1}
    assert world.cases() == [("Acme", "1"), ("Bravo", "1")]


def test_a_lost_answer_is_found_in_the_list_and_not_sent_again(world: World) -> None:
    world.write(*(line(creditor, f"{n}") for n in range(40) for creditor in ("Acme", "Bravo", "Charlie")))

    said = world.submit(faults=("lose-answer:every=2", "key-ignored"))

    assert statuses(said) == {"created": 120}
    assert max(Counter(world.cases()).values()) == 1
    by_id = {case["id"]: case for case in world.stored()}
    told = {(row["Client"], row["Creditor reference"]): by_id[row["Case id"]] for row in world.results(said)}
    assert all(json.loads(case["body"])["creditorCompanyName"] == creditor for (creditor, _), case in told.items())
    assert all(case["creditorReference"] == reference for (_, reference), case in told.items())


@pytest.mark.parametrize(
    ("own", "other"),
    [
        (line("Acme", "1"), line("Bravo", "1")),
        (line("Acme", "1"), line("Acme", "2")),
        (line("Acme", "1"), line("Acme", "1", amount="7.00")),
        (line("Acme", "1"), line("Acme", "1", debtor="Another")),
    ],
    ids=["another creditor's", "another reference", "another amount", "another debtor"],
)
def test_a_case_that_differs_is_not_taken_for_one_whose_request_was_lost(world: World, own: str, other: str) -> None:
    world.write(own)
    world.timeout = 0.5
    lost = world.submit(faults=("drop-request", "lookups-fail"))
    assert statuses(lost) == {"unknown": 1}
    make_elsewhere(world, other)
    world.timeout = 20.0

    assert statuses(world.run("resume", lost["run"])) == {"created": 1}
    assert len(world.stored()) == 2
    ((case_id,),) = world.journal("select case_id from cases")
    assert case_id == world.stored()[1]["id"]


def make_elsewhere(world: World, text: str) -> None:
    """Let somebody without our journal make the case of a line."""
    company, country, reference, currency, day, amount, kind, name, contact, street, city, place = text.split(",")
    debtor = {"type": kind, "name": name, "contactPerson": contact, "address": street, "city": city}
    body = {
        "creditorCompanyName": company,
        "creditorCountryAlpha2": country,
        "creditorReference": reference,
        "currencyCode": currency,
        "date": day,
        "amountToRecover": float(amount),
        "debtor": {**debtor, "countryAlpha2": place},
    }
    with serving(world.folder / "outside.db", ENDLESS) as url:
        asyncio.run(ask(url, "POST", "/managed-cases", json.dumps(body).encode()))


async def ask(url: str, method: str, path: str, body: bytes | None = None, *, key: str | None = None) -> Answer:
    async with Client(f"{url}/collection-partner", "sandbox", timeout=5) as client:
        reply: Any = await client.send(method, path, body, key)
    return reply


def test_what_stays_lost_is_sent_once_more_by_each_who_resumes_and_by_nobody_with_another_key(world: World) -> None:
    world.write(line("Acme", "1"))
    lost = world.submit(faults=("drop-request",))
    assert statuses(lost) == {"unknown": 1}
    assert world.journal("select attempts from cases") == [(2,)]

    world.be("sandbox:rotated")
    assert statuses(world.run("resume", lost["run"])) == {"unknown": 1}
    world.be("sandbox")
    assert statuses(world.run("resume", lost["run"], faults=("drop-request",))) == {"unknown": 1}
    assert world.journal("select attempts from cases") == [(3,)]
    assert statuses(world.run("resume", lost["run"])) == {"created": 1}
    assert len(world.stored()) == 1


def test_rows_without_a_reference_are_told_apart_by_their_client_too(world: World) -> None:
    world.write(*(line(creditor, "") for creditor in ("Acme", "Acme", "Bravo")))

    said = world.submit("--allow-missing-reference", faults=("lose-answer:every=2", "key-ignored"))

    assert statuses(said) == {"created": 3}
    assert len({row["Case id"] for row in world.results(said)}) == 3
    assert Counter(creditor for creditor, _ in world.cases()) == {"Acme": 2, "Bravo": 1}
    assert statuses(world.submit("--allow-missing-reference")) == {"already-imported": 3}


def test_test_cases_are_other_cases(world: World) -> None:
    world.write(line("Acme", "1"))
    world.submit("--test")

    assert statuses(world.submit()) == {"created": 1}
    assert [case["isTest"] for case in world.stored()] == [True, False]


def test_a_run_is_resumed_at_the_api_of_its_own_target(
    tmp_path: Path, importer: Callable[..., Any], world: World
) -> None:
    world.write(line("Acme", "1"), line("Acme", "2"))
    first = importer("submit", world.file, "--target", "managed", "--sandbox", "--yes", "--limit", 1, "--json").said

    said = importer("resume", first["run"], "--sandbox", "--json").said

    assert statuses(said) == {"created": 2}
    assert len(Store(tmp_path / "sandbox.db").cases("sandbox:managed")) == 2


@pytest.mark.usefixtures("place")
def test_killed_again_and_again_with_answers_lost_each_case_is_made_once(
    tmp_path: Path, launch: Callable[..., Any], world: World
) -> None:
    rows = [line(creditor, f"{n}") for n in range(100) for creditor in ("Acme", "Bravo", "Charlie")]
    world.write(*rows)
    choose = random.Random(7)  # noqa: S311 - a seed, so that a failure can be seen again
    faults = (Fault("lose-answer", every=7), Fault("key-ignored"))
    with serving(tmp_path / "outside.db", replace(ENDLESS, latency=0.05, faults=faults)) as url:
        common = ("--json", "--quiet", "--timeout", "2", "--api-url", f"{url}/collection-partner")
        environment = {"IMPORTER_API_KEY": "sandbox"}
        command = ["submit", world.file, "--target", "managed", "--yes"]
        for wanted in (40, 90, 150):
            process = launch(*command, *common, "--rate", "6000/min", environment=environment)
            while process.runs and count_cases(tmp_path) < wanted:
                time.sleep(0.005)
            time.sleep(choose.uniform(0, 0.1))
            process.kill()
            process.wait()
            (run,) = (tmp_path / "reports").iterdir()
            command = ["resume", run.name]
        process = launch(*command, *common, "--rate", "60000/min", environment=environment)
        assert process.wait() == 0, process.err

    assert Counter(world.cases()) == {
        (creditor, f"{n}"): 1 for n in range(100) for creditor in ("Acme", "Bravo", "Charlie")
    }
    assert process.said["counts"]["created"] == 300


def count_cases(workspace: Path) -> int:
    with closing(sqlite3.connect(workspace / "outside.db", timeout=30)) as database:
        count: int = database.execute("select count(*) from cases").fetchone()[0]
    return count


# Looking at it


def test_find_and_show_name_the_creditor(world: World, importer: Callable[..., Any]) -> None:
    world.write(line("Acme", "1"), line("Bravo", "1"))
    run = world.submit()["run"]

    found = importer("find", "1", "--json").said["cases"]
    (shown,) = importer("show", run, "--row", 2, "--json").said["cases"]

    assert [case["creditor"] for case in found] == ["bravo, DK", "acme, DK"]
    assert shown["creditor"] == "acme, DK"


def test_a_check_knows_what_is_imported_by_creditor_and_reference(importer: Callable[..., Any], world: World) -> None:
    world.write(line("Acme", "1"))
    importer("submit", world.file, "--target", "managed", "--sandbox", "--yes")
    world.write(line("acme", "1"), line("Bravo", "1"))

    said = importer("check", world.file, "--target", "managed", "--sandbox", "--json").said

    assert statuses(said) == {"valid": 1, "already-imported": 1}
    assert [row["Status"] for row in world.results(said)] == ["already-imported", "valid"]


def test_doctor_asks_the_api_of_the_target(importer: Callable[..., Any], world: World) -> None:
    del world
    findings = importer("doctor", "--target", "managed", "--sandbox", "--json").said["findings"]

    told = {finding["what"]: finding["text"] for finding in findings if finding["ok"]}
    assert told["settings"].startswith("target managed")
    assert told["API"].startswith("the key is for Invented Collectors (sandbox)")


def test_a_lost_journal_is_rebuilt_with_the_creditors(world: World) -> None:
    world.write(line("Acme", "1"), line("Bravo", "1"), line("Acme", "2"))
    world.submit()
    world.write(line("Acme", "3"))
    world.submit("--test")
    for path in world.folder.glob("journal.db*"):
        path.unlink()

    said = world.run("journal rebuild", "--target", "managed")

    assert (said["cases"], said["added"], said["without_reference"]) == (4, 4, 0)
    world.write(line("ACME", "1"), line("Bravo", "1"), line("Bravo", "2"), line("Acme", "3"))
    assert statuses(world.submit()) == {"created": 2, "already-imported": 2}
    again = world.run("journal rebuild", "--target", "managed")
    assert (again["cases"], again["added"]) == (6, 0)


# The sandbox


@pytest.fixture
def partner(tmp_path: Path) -> Any:
    with serving(tmp_path / "outside.db", ENDLESS) as url:
        yield url


def request(**changes: object) -> bytes:
    debtor = {"type": "Person", "name": "Robin Example", "countryAlpha2": "GR"}
    body = {
        "creditorCompanyName": "Acme",
        "creditorCountry": "Denmark",
        "creditorReference": "1",
        "currencyCode": "EUR",
    }
    body |= {"date": "2026-01-15", "amountToRecover": 10, "debtor": debtor | dict(changes.pop("debtor", {}))}
    return json.dumps(body | changes).encode()


def told(reply: Answer) -> Any:
    return json.loads(reply.body)


def test_each_call_makes_a_case_for_a_creditor_that_is_new_whatever_contracts_are_missing(partner: str) -> None:
    first, second = (asyncio.run(ask(partner, "POST", "/managed-cases", request())) for _ in range(2))

    assert (first.status, second.status) == (200, 200)
    assert told(first)["creditor"]["companyName"] == told(second)["creditor"]["companyName"] == "Acme"
    assert told(first)["creditor"]["country"] == "Denmark"
    assert told(first)["creditor"]["id"] != told(second)["creditor"]["id"]


def test_the_same_key_is_answered_from_the_store(partner: str) -> None:
    first, second = (asyncio.run(ask(partner, "POST", "/managed-cases", request(), key="k")) for _ in range(2))

    assert first.body == second.body


@pytest.mark.parametrize(
    ("changes", "member"),
    [
        ({"creditorCompanyName": " "}, "creditorCompanyName"),
        ({"creditorCountry": None}, "creditorCountryAlpha2"),
        ({"creditorCountry": "Denmrk"}, "creditorCountry"),
        ({"creditorCountryAlpha2": "ZZ"}, "creditorCountryAlpha2"),
        ({"creditorCompanyName": 7}, "$.creditorCompanyName"),
        ({"amountToRecover": 0}, "amountToRecover"),
        ({"date": "2999-01-01"}, "date"),
        ({"debtor": {"type": "Private"}}, "debtor.type"),
        ({"debtor": {"type": "person"}}, "debtor.type"),
        ({"debtor": {"type": "Company"}}, "debtor.contactPerson"),
        ({"debtor": {"name": ""}}, "debtor.name"),
        ({"debtor": {"countryAlpha2": ""}}, "debtor.countryAlpha2"),
        ({"debtor": {"countryAlpha2": "US", "stateAlpha2": "XX"}}, "debtor.stateAlpha2"),
        ({"debtor": {"countryAlpha2": "US", "state": "Calif"}}, "debtor.state"),
    ],
)
def test_a_request_that_breaks_a_rule_is_refused_by_member(partner: str, changes: dict[str, Any], member: str) -> None:
    reply = asyncio.run(ask(partner, "POST", "/managed-cases", request(**changes)))

    document = told(reply)
    assert (reply.status, list(document.get("errors", document))) == (400, [member])


def test_a_request_without_a_debtor_is_refused(partner: str) -> None:
    body = json.loads(request())
    del body["debtor"]

    assert list(told(asyncio.run(ask(partner, "POST", "/managed-cases", json.dumps(body).encode())))) == ["debtor"]


def test_managed_cases_are_listed_and_looked_up_below_their_own_path_alone(partner: str) -> None:
    made = told(asyncio.run(ask(partner, "POST", "/managed-cases", request())))

    async def look() -> list[Any]:
        async with Client(partner, "sandbox", timeout=5) as client:
            below = "/collection-partner/managed-cases"
            paths = (f"{below}/{made['id']}", f"{below}/case-reference/{made['reference']}", below)
            others = (f"/cases/{made['id']}", "/cases", f"{below}/", f"{below}/by-creditor-reference/1")
            return [await client.get(path) for path in (*paths, *others)]

    by_id, by_reference, listed, elsewhere, customers, unrouted, unknown = asyncio.run(look())

    assert told(by_id) == told(by_reference) == made
    assert told(listed)["cases"] == [made]
    assert elsewhere.status == 404
    assert told(customers)["cases"] == []
    assert (unrouted.status, unknown.status, unknown.body) == (404, 404, b"")


@pytest.mark.parametrize(
    ("key", "error"), [("sandbox-blocked", "CreditorBlocked"), ("sandbox-demo", "DemoAccountBlocked")]
)
def test_a_partner_that_is_blocked_makes_no_case(partner: str, key: str, error: str) -> None:
    async def post() -> Any:
        async with Client(f"{partner}/collection-partner", key, timeout=5) as client:
            return await client.post("/managed-cases", request())

    assert told(asyncio.run(post()))["businessErrors"][0]["type"] == error


def test_partners_have_no_bearer_tokens(partner: str) -> None:
    async def look() -> Any:
        async with Client(f"{partner}/collection-partner", "sandbox", header="Authorization", timeout=5) as client:
            return await client.get("/me")

    assert asyncio.run(look()).status == 401
