"""The proof: whatever is killed, edited, lost and started twice, in the end each valid row's case exists exactly once.

Hypothesis draws what people, schedulers, networks and the API do to the program: real processes, real sockets, real
signals. Half of the worlds that it draws protect nothing themselves: there the API makes a second case for a reference
that exists, or gives the `Idempotency-Key` no meaning, so that a row that is sent twice is seen to be made twice.
"""

from __future__ import annotations

import json
import random
import secrets
import signal
import sqlite3
import sys
import time
from collections import Counter, defaultdict
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

import hypothesis
import openpyxl
import pytest
from hypothesis import HealthCheck, Phase
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from importer.plan import _fingerprints
from importer.sandbox import Fault, Settings, Store, serving

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path


TIMEOUT = 0.5  # seconds of patience with one request
SETTLE_AFTER = 1.0  # seconds before a 404 is believed
HANG = 0.65  # seconds for which a request may run on unseen: less than the two together, else no client could know
OTHER_KEY = "sandbox-other"  # of another account
HEADER = "Invoice number,Currency,Invoice date,Amount,Debtor type,Customer,Street,City,Country code"
INVALID = "BAD-1"  # a row that no rule lets through
SOURCES = ("june.csv", "july.csv")

SHOWN = {"sending": "unknown", "waiting": "unknown"}  # status in the journal → in a workbook

# What each of these leaves behind is in the journal, and the next run goes on.
CONTRACT = frozenset({0, 1, 4, 5})


class Row(NamedTuple):
    reference: str
    amount: str
    debtor: str

    @property
    def content(self) -> tuple[Decimal, str]:
        return (Decimal(self.amount), self.debtor)

    @property
    def line(self) -> str:
        country = "XX" if self.reference == INVALID else "DE"
        return f"{self.reference},EUR,2026-01-15,{self.amount},Company,{self.debtor},1 St,Town,{country}"


def first_rows() -> dict[str, list[Row]]:
    """Two files that share rows: one has a reference that does not survive a path, some have none."""
    every = [Row("A/1" if n == 1 else f"A-{n}", f"{n + 1}.50", f"Example {n}") for n in range(18)]
    nameless = Row("", "70.00", "Nameless")
    return {
        "june.csv": [nameless, *every[:12], Row(INVALID, "9.00", "Nobody"), nameless],
        "july.csv": [nameless, Row("", "71.00", "Nameless"), *every[8:]],
    }


@dataclass(frozen=True)
class Blow:
    """How a running process is hit: when it has made so many cases and *delay* seconds have passed.

    By *signals*; where there is none, the API goes away.
    """

    signals: tuple[signal.Signals, ...]
    cases: int
    delay: float


KILL, TERM, INT = signal.SIGKILL, signal.SIGTERM, signal.SIGINT

BLOWS = st.none() | st.builds(
    Blow,
    signals=st.sampled_from([(KILL,), (KILL,), (KILL,), (TERM,), (INT,), (INT, INT), (TERM, TERM), (INT, KILL), ()]),
    cases=st.sampled_from([0, 0, 1, 2, 4, 8]),
    delay=st.sampled_from([0.0, 0.0, 0.01, 0.03, 0.1, 0.2, 0.3]),
)


def faults_named(*names: str, **fixed: Any) -> st.SearchStrategy[Fault]:
    return st.builds(
        lambda name, every, after: replace(Fault.parse(name), **{"every": every, "after": after, **fixed}),
        st.sampled_from(names),
        st.sampled_from([1, 2, 2, 3, 5]),
        st.sampled_from([0, 0, 1, 4]),
    )


MISHAPS = (
    faults_named("lose-answer", "fail-500-made", "fail-502-made", "fail-503-made", "garbled", "truncated")
    | faults_named("drop-request", "fail-500", "fail-502", "fail-503")
    | faults_named("hang-before", "hang-before", "hang-after", "slow-body", "lookups-hang", seconds=HANG)
    | faults_named(
        "duplicate-fields", "duplicate-field", "duplicate-409", "duplicate-422", "duplicate-problem", every=1
    )
    | faults_named("throttle", "throttle-header", "throttle-silent", "throttle-zero", "deny", "lookups-fail", times=1)
    | faults_named("fail-500-stored", times=1)
    | faults_named("close-idle", every=1, after=0, seconds=0.05)
)
UNPROTECTED = st.sampled_from([(), ("key-ignored",), ("duplicates-allowed",), ("duplicates-allowed", "key-ignored")])


class Edit(NamedTuple):
    """What somebody does to a source: another value for a row's amount or debtor, new rows, or another order."""

    name: str
    what: str
    which: int


CHANGES = st.lists(
    st.builds(
        Edit,
        st.sampled_from(SOURCES),
        st.sampled_from(["amount", "debtor", "grow", "grow", "sort"]),
        st.integers(0, 12),
    ),
    max_size=4,
)


class Weather(NamedTuple):
    """What differs from one step to the next: the API's faults, and the key, one of those of an account."""

    faults: tuple[Fault, ...]
    seed: int
    key: str


WEATHERS = st.builds(
    Weather, st.lists(MISHAPS, max_size=3).map(tuple), st.integers(0, 9), st.sampled_from(["sandbox", "sandbox:2"])
)
FAIR = Weather((), 0, "sandbox")


class Post(NamedTuple):
    """A request of the journal that was to make a case, and those that asked about it: as the journal has them."""

    identity: str
    kind: str
    left_at: float
    ended_at: float | None
    result: str | None


class World:
    """A workspace, its sources, and the API outside."""

    def __init__(self, launch: Callable[..., Any], folder: Path) -> None:
        self.launch = launch
        self.folder = folder
        self.outside = folder / "outside.db"
        self.rows = first_rows()
        self.versions: defaultdict[str, set[tuple[Decimal, str]]] = defaultdict(set)
        self.nameless: Counter[tuple[Decimal, str]] = Counter()
        self.key = FAIR.key
        self.standing: tuple[Fault, ...] = ()
        self.story: list[str] = []
        self._server = ExitStack()
        self._url = ""
        for name in SOURCES:
            self.write(name)

    def write(self, name: str) -> None:
        (self.folder / name).write_text("\n".join([HEADER, *(row.line for row in self.rows[name])]) + "\n")

    def serve(self, weather: Weather) -> None:
        """Have the API outside go on, on another port, in another *weather*."""
        self._server.close()
        self.key = weather.key
        settings = Settings(
            minute=10**6,
            hour=10**6,
            day=10**6,
            latency=0.05,
            faults=(*self.standing, *weather.faults),
            seed=weather.seed,
        )
        self._url = self._server.enter_context(serving(self.outside, settings))

    def edit(self, edit: Edit) -> None:
        rows = self.rows[edit.name]
        if edit.what == "sort":
            random.Random(edit.which).shuffle(rows)  # noqa: S311 - an order, no secret
        elif edit.what == "grow":
            first = sum(map(len, self.rows.values()))
            rows += [Row(f"{edit.name}-{n}", f"{n}.00", f"Example {n}") for n in range(first, first + 8)]
        else:
            row = rows[edit.which % len(rows)]
            new = {"amount": str(Decimal(row.amount) + 100), "debtor": f"{row.debtor} Ltd"}
            rows[edit.which % len(rows)] = row._replace(**{edit.what: new[edit.what]})
        self.write(edit.name)

    def close(self) -> None:
        self._server.close()

    def start(self, *command: str, key: str | None = None) -> Any:
        if command[0] == "submit":
            for row in self.rows[command[1]]:
                self.versions[row.reference].add(row.content)
            # Rows without a reference are told by their content: the same in two files is the same case.
            self.nameless |= Counter(row.content for row in self.rows[command[1]] if not row.reference)
            command = (*command, "--yes", "--allow-missing-reference")
        environment = {
            "IMPORTER_API_KEY": key or self.key,
            "IMPORTER_API_URL": self._url,
            "IMPORTER_SETTLE_AFTER": str(SETTLE_AFTER),
            "IMPORTER_TIMEOUT": str(TIMEOUT),
            "IMPORTER_CONCURRENCY": "4",
            "IMPORTER_RATE": "60000/min,1000000/h,1000000/d",
        }
        return self.launch(*command, "--json", workspace=self.folder, environment=environment)

    def ended(self, process: Any) -> int:
        """Wait for the end of *process*, and hold it to what it promises of every end."""
        code: int = process.wait()
        self.story.append(f"    {' '.join(process.arguments)} ended with {code}: {process.err.strip()[-300:]}")
        if code >= 0:
            assert process.said["exit"] == code, process.out
            counts = process.said.get("counts", {"rows": 0})
            assert counts.pop("rows") == sum(counts.values()), process.out
        # The journal's second guard, which the lock is to keep from ever having to act.
        assert "Another importer is sending one of these rows" not in process.err
        assert not (self.folder / "importer.log").exists(), (self.folder / "importer.log").read_text()
        return code

    def run(self, *command: str, blow: Blow | None = None) -> int:
        process = self.start(*command)
        if blow:
            self._strike(process, blow)
        code = self.ended(process)
        allowed = CONTRACT | ({130} if blow else set()) | ({-KILL} if blow and KILL in blow.signals else set())
        assert code in allowed, f"{command} ended with {code}: {process.err}"
        return code

    def _strike(self, process: Any, blow: Blow) -> None:
        wanted, until = self.count() + blow.cases, time.monotonic() + 2
        while process.runs and not process.catches_signals:
            time.sleep(0.001)
        while process.runs and self.count() < wanted and time.monotonic() < until:
            time.sleep(0.005)
        for number in blow.signals:
            time.sleep(blow.delay)
            # Past its own end, an interpreter has its handlers no more, and would be killed by what it was to handle.
            if number == KILL or process.catches_signals:
                process.kill(number)
        if not blow.signals:
            time.sleep(blow.delay)
            self.close()

    # What is outside, and what the journal says of it

    def count(self) -> int:
        return int(_select(self.outside, "select count(*) from cases")[0][0])

    def cases(self) -> list[dict[str, Any]]:
        return Store(self.outside).cases()

    def journal(self, query: str) -> list[Any]:
        """Ask the journal; one that was killed before it was laid out has nothing to say."""
        path = self.folder / "journal.db"
        laid_out = path.exists() and _select(path, "select 1 from sqlite_master where name = 'requests'")
        return _select(path, query) if laid_out else []

    def runs(self) -> list[str]:
        return [run["id"] for run in self.journal("select id from runs order by started")]

    def entries(self) -> list[Any]:
        return self.journal("select * from cases order by pk")


def _select(path: Path, query: str) -> list[Any]:
    with closing(sqlite3.connect(path, timeout=30)) as database:
        database.row_factory = sqlite3.Row
        return database.execute(query).fetchall()


def _content(case: dict[str, Any]) -> tuple[Decimal, str]:
    return (Decimal(case["amount"]), json.loads(case["body"])["debtor"]["name"])


# The promises


def assert_nothing_exists_twice(world: World) -> None:
    cases = world.cases()
    made = Counter(case["creditorReference"] for case in cases if case["creditorReference"])
    assert [reference for reference, count in made.items() if count > 1] == []
    assert Counter(_content(case) for case in cases if not case["creditorReference"]) <= world.nameless


def assert_the_journal_knew_first(world: World) -> None:
    """Every case outside was under way in the journal before its request left; nothing else holds its reference."""
    holding = [entry for entry in world.entries() if entry["status"] in {"sending", "created"}]
    known = Counter(entry["reference"] if entry["has_reference"] else Decimal(entry["amount"]) for entry in holding)
    assert Counter(case["creditorReference"] or Decimal(case["amount"]) for case in world.cases()) <= known
    keys = {entry["key"] for entry in world.entries()}
    assert {row["key"] for row in _select(world.outside, "select key from answers")} <= keys


def assert_doubt_is_asked_about(world: World) -> None:
    """No request to make a case follows another one unless a look-up, late enough, has said that there is none."""
    requests = world.journal(
        "select cases.reference, requests.kind, requests.left_at, requests.ended_at, requests.result"
        " from requests join cases on cases.pk = requests.case_pk order by requests.pk"
    )
    open_posts: dict[str, Post] = {}
    for post in (Post(*request) for request in requests):
        before = open_posts.get(post.identity)
        result = post.result or ""
        if post.kind == "post":
            assert before is None, f"{post} left though {before} was not settled"
            if not (result in {"401", "403", "429"} or result.startswith("NeverLeft")):
                open_posts[post.identity] = post
        elif before and result == ("404" if post.kind == "look-up" else "200"):
            late_enough = (before.ended_at or before.left_at) + SETTLE_AFTER
            if post.ended_at and post.ended_at >= late_enough:
                del open_posts[post.identity]


def assert_all_is_settled(world: World) -> None:
    """Everyone tells the same story: the API, the journal, each run's workbook."""
    outside = {case["id"]: case for case in world.cases()}
    references = {case["creditorReference"] for case in outside.values()} - {None}
    assert references == set(world.versions) - {"", INVALID}
    secret = bytes.fromhex(world.journal("select value from meta where name = 'secret'")[0]["value"])
    made = [entry for entry in world.entries() if entry["status"] == "created"]
    assert len({entry["case_id"] for entry in made}) == len(made)
    for entry in made:
        case = outside[entry["case_id"]]
        assert (entry["case_reference"], entry["body"]) == (case["reference"], None)
        assert _content(case) in world.versions[case["creditorReference"] or ""]
        body = json.loads(case["body"], parse_float=Decimal)
        assert json.loads(entry["fingerprints"]) == dict(_fingerprints(body, secret))
    by_identity = {entry["reference"]: entry for entry in made}
    assert references <= set(by_identity)
    for entry in world.entries():
        if entry["status"] == "already-imported":
            assert entry["case_id"] == by_identity[entry["reference"]]["case_id"], dict(entry)
        elif entry["status"] == "rejected":
            assert entry["error"] == "ServerError", dict(entry)
        elif entry["status"] != "created":
            # Where no reference protects, a row is sent once more at most, and under the same key or not at all.
            assert entry["status"] in {"sending", "waiting"}, dict(entry)
            assert not entry["has_reference"], dict(entry)
    for run in world.runs():
        assert_workbook_agrees(world, run)


def assert_workbook_agrees(world: World, run: str) -> None:
    path = world.folder / "reports" / run / "results.xlsx"
    with closing(openpyxl.load_workbook(path, read_only=True)) as book:
        header, *lines = book["Results"].iter_rows(values_only=True)
    told = {line[header.index("Row")]: dict(zip(header, line, strict=True)) for line in lines}
    noted = {entry["row"]: entry for entry in world.entries() if entry["run"] == run}
    assert {row: (told[row]["Status"], told[row]["Case id"]) for row in noted} == {
        row: (SHOWN.get(entry["status"], entry["status"]), entry["case_id"]) for row, entry in noted.items()
    }
    assert {told[row]["Status"] for row in told.keys() - noted.keys()} <= {"invalid"}


class Proof(RuleBasedStateMachine):
    """Whatever happens: submits, resumes, kills, edits, faults."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self.world = world

    def tell(self, line: str) -> None:
        self.world.story.append(line)

    @initialize(unprotected=UNPROTECTED, skew=st.sampled_from([0.0, 0.0, 3600.0, -90_000.0]))
    def begin(self, unprotected: tuple[str, ...], skew: float) -> None:
        self.tell(f"the API: {unprotected}, its clock {skew} s ahead")
        skewed = (Fault("clock-skew", seconds=skew),) if skew else ()
        self.world.standing = (*(Fault(name) for name in unprotected), *skewed)

    @rule(name=st.sampled_from(SOURCES), edits=CHANGES, weather=WEATHERS, blow=BLOWS)
    def submit(self, name: str, edits: list[Edit], weather: Weather, blow: Blow | None) -> None:
        self.tell(f"{edits}; {weather}; submit {name}: {blow}")
        for edit in edits:
            self.world.edit(edit)
        self.world.serve(weather)
        self.world.run("submit", name, blow=blow)

    @rule(which=st.integers(0, 4), weather=WEATHERS, blow=BLOWS, stranger=st.booleans())
    def resume(self, which: int, weather: Weather, blow: Blow | None, *, stranger: bool) -> None:
        runs = self.world.runs()
        if not runs:
            self.submit(SOURCES[0], [], weather, blow)
            return
        run = runs[which % len(runs)]
        self.tell(f"{weather}; resume {run}: {blow}; with another account's key before: {stranger}")
        self.world.serve(weather)
        if stranger:
            before = self.world.count()
            process = self.world.start("resume", run, key=OTHER_KEY)
            assert self.world.ended(process) == 3, process.err
            assert "belongs to another account" in process.err
            assert self.world.count() == before
        self.world.run("resume", run, blow=blow)

    @rule(
        names=st.permutations(SOURCES),
        edits=CHANGES,
        weather=WEATHERS,
        head_start=st.sampled_from([0.0, 0.02, 0.1, 0.3]),
        wait=st.booleans(),
        killed=st.booleans(),
    )
    def two_at_once(
        self, names: Sequence[str], edits: list[Edit], weather: Weather, head_start: float, *, wait: bool, killed: bool
    ) -> None:
        self.tell(f"{edits}; {weather}; submit {names}, {head_start} s apart; waiting: {wait}; first killed: {killed}")
        for edit in edits:
            self.world.edit(edit)
        self.world.serve(weather)
        options = ["--wait"] if wait else []
        first = self.world.start("submit", names[0], *options)
        time.sleep(head_start)
        second = self.world.start("submit", names[1], *options)
        if killed:
            time.sleep(0.3)
            first.kill()
        codes = [self.world.ended(first), self.world.ended(second)]
        busy = [process for process in (first, second) if process.code == 3]
        assert all("Another importer is sending" in process.err for process in busy)
        assert len(busy) <= (0 if wait else 1)
        assert set(codes) - {3} <= CONTRACT | ({-KILL} if killed else set())

    @invariant()
    def nothing_exists_twice(self) -> None:
        if self.world.outside.exists():
            assert_nothing_exists_twice(self.world)
            assert_the_journal_knew_first(self.world)
            assert_doubt_is_asked_about(self.world)

    def teardown(self) -> None:
        failure = sys.exc_info()[1]
        try:
            if failure is None:
                self.finish()
        except Exception as error:
            failure = error
            raise
        finally:
            if failure is not None:
                failure.add_note("\n".join(["What was done:", *self.world.story]))
            self.world.close()

    def finish(self) -> None:
        """Let all end well: without faults, every run is resumed and every source submitted again, all at once."""
        self.tell("the end: no faults, all is resumed")
        self.world.serve(FAIR)
        last = [self.world.start("resume", run, "--wait") for run in self.world.runs()]
        last += [self.world.start("submit", name, "--wait") for name in SOURCES]
        for process in last:
            code = self.world.ended(process)
            counts = process.said["counts"]
            expected = 5 if counts["unknown"] else 1 if counts["invalid"] or counts["rejected"] else 0
            assert code == expected, process.err
        self.nothing_exists_twice()
        assert_all_is_settled(self.world)


# Time is real here: what failed need not fail again, so that neither shrinking nor a store of examples has a use; and a
# step takes as long as processes and time-outs take.
REAL_TIME = hypothesis.settings(
    deadline=None,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)


def test_whatever_happens_each_valid_row_exists_once(
    launch: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory
) -> None:
    run_state_machine_as_test(
        lambda: Proof(World(launch, tmp_path_factory.mktemp("proof"))),
        settings=hypothesis.settings(REAL_TIME, derandomize=True, max_examples=5, stateful_step_count=4),
    )


@pytest.mark.soak
def test_whatever_happens_for_ten_minutes_each_valid_row_exists_once(
    launch: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory
) -> None:
    until = time.monotonic() + 600
    while time.monotonic() < until:
        seed = secrets.randbelow(2**32)
        print(f"seed {seed}")  # noqa: T201 - with it, the same steps can be drawn again

        def prove() -> Proof:
            return Proof(World(launch, tmp_path_factory.mktemp("proof")))

        run_state_machine_as_test(
            hypothesis.seed(seed)(prove),
            settings=hypothesis.settings(REAL_TIME, max_examples=8, stateful_step_count=7),
        )
