"""Check: all rows of a source judged, from a cold start to the exit; ours with its report and without."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from contest import HERE, NONE, PROGRAM, Bound, run
from invoices import FAULTS, columns

if TYPE_CHECKING:
    from contest import Suite
    from measuring import Spent

AFTERNOON = str(HERE / "peers" / "afternoon.py")
ALL_OF_IT = 1_500.0  # MB that a million rows may take
OTHERS = 10  # columns of a source that feed no field; they come last
REQUIRED = ("creditorReference", "date", *FAULTS, "debtor.name", "debtor.address")
TYPES = {"date": "date", "dueDate": "date", "amountToRecover": "number"}
RULES: dict[str, dict[str, object]] = {
    "creditorReference": {"unique": True, "maxLength": 50},
    "date": {"maximum": "2026-11-01"},
    "dueDate": {"maximum": "2027-11-01"},
    "amountToRecover": {"minimum": 0.01},
    "currencyCode": {"enum": ["CHF", "DKK", "EUR", "GBP", "NOK", "PLN", "SEK", "USD"]},
    "debtor.type": {"enum": ["Company", "Private"]},
    "debtor.countryAlpha2": {
        "enum": ["AT", "BE", "CH", "DE", "DK", "ES", "FI", "FR", "GB", "IT", "NL", "NO", "SE", "US"]
    },
    "debtor.email": {"pattern": r"[^@\s]+@[^@\s]+"},
    "debtor.phone": {"pattern": r"(\+|00).*"},
    "claimDescription": {"maxLength": 4000},
}


@dataclass(frozen=True)
class Case:
    """A source, who else judges it, and what our ratio to frictionless keeps to, with the report and without."""

    kind: str
    rows: int
    faulty: float
    whole: Bound = NONE
    alone: Bound = NONE
    others: tuple[str, ...] = ("frictionless",)

    def __str__(self) -> str:
        return f"{self.kind.upper()}, {self.rows:,} rows, {self.faulty:.0%} faulty"


EVEN, HALF, QUARTER, SIXTH = (Bound(at_most=most) for most in (1.0, 1 / 2, 1 / 4, 1 / 6))
BOTH = ("frictionless", "pandas + pandera")
CASES = (
    Case("csv", 1_000, 0.01, others=BOTH),
    Case("csv", 10_000, 0.01, others=BOTH),
    Case("csv", 100_000, 0.0, EVEN, others=BOTH),
    Case("csv", 100_000, 0.01, EVEN),
    Case("csv", 100_000, 0.2, EVEN),
    Case("csv", 100_000, 1.0, others=("pandas + pandera",)),
    Case("xlsx", 10_000, 0.01, others=BOTH),
    Case("xlsx", 100_000, 0.0, QUARTER),
    Case("csv", 1_000_000, 0.0, HALF, SIXTH, others=BOTH),
    Case("csv", 1_000_000, 0.01, others=()),
    Case("csv", 1_000_000, 1.0, others=()),  # what it says of each error takes frictionless 12 GB
)


def check(suite: Suite, rows: list[int] | None) -> None:
    """Hold each case; afterwards what they show together: growth, faults, memory."""
    spent = {(case.kind, case.rows, case.faulty): judge(suite, case) for case in CASES if not rows or case.rows in rows}

    def compare(
        name: str, one: tuple[str, int, float], against: str, other: tuple[str, int, float], most: float
    ) -> None:
        if one in spent and other in spent:
            suite.hold(name, spent[one], (against, spent[other]), Bound(at_most=most))

    compare("growth, CSV, 1,000,000 rows", ("csv", 1_000_000, 0.0), "ours, 100,000 rows", ("csv", 100_000, 0.0), 12)
    for height in (100_000, 1_000_000):
        name = f"CSV, {height:,} rows, entirely faulty"
        compare(name, ("csv", height, 1.0), "ours, faultless", ("csv", height, 0.0), 2)
    for (kind, height, faulty), ours in spent.items():
        if height == 1_000_000:
            name = f"memory, {kind.upper()}, {height:,} rows, {faulty:.0%} faulty"
            limit = "the limit of 1.5 GB", ALL_OF_IT
            suite.hold(name, ours, limit, Bound(at_most=1.0), of=lambda spent: spent.together / 1e6, unit="MB")


def judge(suite: Suite, case: Case) -> list[Spent]:
    """Let all judge one source; gives what ours took with its report."""
    source = suite.source(case.kind, case.rows, case.faulty)
    ours = [*PROGRAM, "check", source, "--quiet"]
    found = int(case.faulty > 0)
    contenders = {"ours": run(ours, code=found), "alone": run([*ours, "--no-report"], code=found)}
    command = [suite.peer("check", "frictionless"), "validate", source, "--schema", schema(suite), "--trusted"]
    peers = {
        "frictionless": run([*command, "--limit-errors", "1000000000", "--json"], code=found),
        "pandas + pandera": run([suite.peer("check"), AFTERNOON, source, "failures.csv"]),
    }
    spent = suite.race({**contenders, **{name: peers[name] for name in case.others}})
    for peer in case.others:
        whole, alone = (case.whole, case.alone) if peer == "frictionless" else (NONE, NONE)
        suite.hold(f"check, {case}", spent["ours"], (peer, spent[peer]), whole)
        suite.hold(f"check --no-report, {case}", spent["alone"], (peer, spent[peer]), alone)
    return spent["ours"]


def schema(suite: Suite) -> str:
    """Write what the rules are in the words of frictionless: those that it can say, and nothing of other columns."""
    names, fields = list(columns()), []
    for name in names[:-OTHERS]:
        rules: dict[str, object] = {"required": True} if name in REQUIRED else {}
        fields.append({"name": name, "type": TYPES.get(name, "string"), "constraints": rules | RULES.get(name, {})})
    fields += [{"name": name, "type": "any"} for name in names[-OTHERS:]]
    path = suite.folder / "schema.json"
    path.write_text(json.dumps({"fields": fields}))
    return str(path)
