"""Changes sources of the corpus, and feeds them to the program: `python tests/fuzz.py --minutes N --seed S`.

Whatever `read`, `match`, `parse` and `check` are given, they answer with a table or with one sentence, soon, in little
memory, and the same each time. An input that reaches new lines of the program is changed further. Each runs in a
process of its own; what breaks a promise is kept in a folder, and the exit code is 1.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import hashlib
import io
import os
import pickle
import resource
import shutil
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from types import FrameType, SimpleNamespace
from typing import Any, Self

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))
sys.path.insert(0, str(HERE.parent))

from click.testing import CliRunner
from mutations import TEXTS, mutate

# All of it is loaded before processes are forked.
import importer.pipeline.submitting
import importer.read.oldexcel
import importer.read.source
import importer.read.text
import importer.read.workbook
import importer.screen  # noqa: F401
import schemas
import schemas.customer
import schemas.managed
from importer.cli import main as cli
from importer.errors import ImporterError
from importer.match import match
from importer.model import Reading, Table
from importer.parse import parse
from importer.read import apart, cells, read

CORPUS = HERE / "corpus" / "sources"
SECONDS = 20  # of the processor for an input, which has a megabyte at most
MEGABYTES = 1500
LONGEST = 6000  # signs of what names all columns in doubt at once
WATCHED = tuple(str(HERE.parent / "importer" / part) for part in ("read", "match", "parse"))

Lines = set[tuple[str, int]]


@dataclass
class Outcome:
    """How an input ended: *problem* is a promise that was broken."""

    told: str = ""
    problem: str = ""
    where: str = ""
    lines: Lines = field(default_factory=set)
    seconds: float = 0.0
    megabytes: int = 0


class Watch:
    """Notes the lines that run of what is watched."""

    def __init__(self) -> None:
        self.lines: Lines = set()

    def __enter__(self) -> Self:
        sys.settrace(self._call)
        return self

    def __exit__(self, *_: object) -> None:
        sys.settrace(None)

    def _call(self, frame: FrameType, _event: str, _arg: object) -> Any:
        return self._line if frame.f_code.co_filename.startswith(WATCHED) else None

    def _line(self, frame: FrameType, event: str, _arg: object) -> Any:
        if event == "line":
            self.lines.add((frame.f_code.co_filename, frame.f_lineno))
        return self._line


def run_forked(command: list[str], *, timeout: float, **given: Any) -> subprocess.CompletedProcess[bytes]:
    """Do what `subprocess.run` does with the reader of workbooks, in a fork that has all modules loaded already."""
    del timeout  # the processor's time is bounded
    out, err, lines = (tempfile.TemporaryFile() for _ in range(3))  # noqa: SIM115 - they end with the process
    pid = os.fork()
    if not pid:
        code = 1
        watch = Watch()
        try:
            sys.stdin = io.TextIOWrapper(io.BytesIO(given["input"]))
            sys.stdout = io.TextIOWrapper(os.fdopen(os.dup(out.fileno()), "wb"))
            os.dup2(err.fileno(), 2)
            with watch:
                cells.main(*command[command.index("importer.read.cells") + 1 :])
            code = 0
        except SystemExit as end:
            code = int(end.code or 0)
        except BaseException:
            os.write(2, traceback.format_exc().encode(errors="replace"))
        with suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
            pickle.dump(watch.lines, lines)
            lines.flush()
        os._exit(code)
    _, status = os.waitpid(pid, 0)
    for file in (out, err, lines):
        file.seek(0)
    with suppress(EOFError, pickle.UnpicklingError):
        seen.update(pickle.load(lines))
    code = os.waitstatus_to_exitcode(status)
    said = err.read()
    frames = [line for line in said.decode(errors="replace").splitlines() if line.startswith("  File ")]
    # A panic of calamine is told like damage.
    if code == 1 and frames and b"PanicException" not in said and str(HERE.parent / "importer") in frames[-1]:
        untold.append(said.decode(errors="replace"))
    return subprocess.CompletedProcess(command, code, out.read(), said)


seen: Lines = set()
untold: list[str] = []  # exceptions of the reader of workbooks that it has no sentence for, and that are ours


def attempt(data: bytes, name: str, seed: int, *, whole: bool) -> Outcome:
    """Give an input to the program in a process of its own."""
    receiving, sending = os.pipe()
    pid = os.fork()
    if not pid:
        os.close(receiving)
        resource.setrlimit(resource.RLIMIT_CPU, (3 * SECONDS, 3 * SECONDS))
        resource.setrlimit(resource.RLIMIT_AS, (10 << 30, resource.RLIM_INFINITY))
        outcome = _judge(data, name, Random(seed), whole=whole)
        with os.fdopen(sending, "wb") as file:
            pickle.dump(outcome, file)
        os._exit(0)
    os.close(sending)
    with os.fdopen(receiving, "rb") as file:
        answer = file.read()
    _, status = os.waitpid(pid, 0)
    if not answer:
        return Outcome(problem=f"ended by {os.waitstatus_to_exitcode(status)}", where="killed")
    found: Outcome = pickle.loads(answer)
    return found


def _judge(data: bytes, name: str, random: Random, *, whole: bool) -> Outcome:
    outcome = Outcome()
    apart.subprocess = SimpleNamespace(run=run_forked, TimeoutExpired=subprocess.TimeoutExpired)  # type: ignore[assignment]
    folder = Path(tempfile.mkdtemp())
    path = folder / name
    path.write_bytes(data)
    try:
        with Watch() as watch:
            outcome.told, outcome.problem = _whole(path, folder) if whole else _stages(path, data, random)
        outcome.lines = watch.lines | seen
    except ImporterError as error:
        outcome.lines = watch.lines | seen
        outcome.told = str(error)
        outcome.problem = _judge_sentence(error, name)
    except Exception as error:
        frames = [frame for frame in traceback.extract_tb(error.__traceback__) if "importer" in frame.filename]
        outcome.where = f"{Path(frames[-1].filename).name}:{frames[-1].lineno} {type(error).__name__}"
        outcome.problem = "".join(traceback.format_exception(error))
    finally:
        shutil.rmtree(folder)
    if untold and not outcome.problem:
        outcome.problem = untold[0]
        outcome.where = untold[0].splitlines()[-1][:60]
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    outcome.seconds = sum(one.ru_utime + one.ru_stime for one in used)
    outcome.megabytes = max(one.ru_maxrss for one in used) >> 10
    if not outcome.problem and outcome.seconds > SECONDS:
        outcome.problem = outcome.where = "slow"
    if not outcome.problem and outcome.megabytes > MEGABYTES and "more memory" not in outcome.told:
        outcome.problem = outcome.where = "large"
    outcome.where = outcome.where or outcome.problem[:60]
    return outcome


def _judge_sentence(error: ImporterError, name: str) -> str:
    said = str(error)
    wrong = (
        "has control signs" if not said.isprintable() else
        "does not end like a sentence" if not said.endswith(".") or said.endswith("..") else
        "does not name the source" if type(error).__name__ == "SourceError" and not said.startswith((name, "/")) else
        "is too long" if len(said) > LONGEST else ""
    )  # fmt: skip
    return f"a sentence {wrong}: {said[:500]!r}" if wrong else ""


def _stages(path: Path, data: bytes, random: Random) -> tuple[str, str]:
    reading = Reading()
    if random.random() < 0.2:
        reading = Reading(
            header_row=random.choice((None, 1, 2, 9)),
            hidden_rows=random.choice((None, "take", "skip")),  # type: ignore[arg-type]
        )
    table = read(path, reading)
    problem = _count(table, data)
    target = schemas.load(random.choice(("customer", "managed")))
    mapping = {text: random.choice(list(target.FIELDS)) for text in table.header if text and random.random() < 0.8}
    claimed: set[str] = set()
    mapping = {text: name for text, name in mapping.items() if not (name in claimed or claimed.add(name))}
    constants = {name: random.choice(TEXTS) for name in target.FIELDS if name not in claimed}
    told = hashlib.sha256(
        repr((table.header, table.cells.to_dict("tight"), table.facts, table.left_out)).encode()
    ).hexdigest()
    if random.random() < 0.3:
        match(table.header, target, mapping={}, constants={})
    matching = match(table.header, target, mapping=mapping, constants=constants)
    parsed = parse(
        table,
        matching,
        target,
        decimal=random.choice((None, "comma", "point")),  # type: ignore[arg-type]
        order=random.choice((None, "dmy", "mdy", "ymd")),  # type: ignore[arg-type]
    )
    if not problem and list(parsed.values.index) != list(table.cells.index):
        problem = "parse gives other rows than it was given"
    return told, problem


def _count(table: Table, data: bytes) -> str:
    """Count what the source holds in another way; blank where that is not known, or agrees."""
    facts = dict(table.facts)
    header = int(facts["header row"])
    below = [out.row for out in table.left_out if out.row > header]
    counted = len(table.cells) + int(facts.get("blank rows", 0)) + len(set(below))
    data = gzip.decompress(data) if "packed with" in facts else data
    if facts["format"] == "text" and "single" not in facts.get("quotes", ""):
        csv.field_size_limit(1 << 24)
        words = {"comma": ",", "semicolon": ";", "tab": "\t", "pipe": "|"}
        sign = (
            words.get(facts["delimiter"]) or facts["delimiter"].strip("'\"")
            if "none" not in facts["delimiter"]
            else ","
        )
        decoded = data.decode(facts["encoding"]).removeprefix("\ufeff")
        if len(sign) != 1:
            return ""
        if "sep= line" in facts:
            decoded = decoded[len(decoded.splitlines(keepends=True)[0]) :]
            header -= 1
        records = sum(1 for _ in csv.reader(io.StringIO(decoded, newline=""), delimiter=sign))
        if counted != records - header:
            return f"{counted} rows, blank or left out ones among them, of {records - header} records"
    if facts["format"] == "workbook" and data.startswith(b"PK"):
        return _count_workbook(table, data, facts["sheet"])
    return ""


def _count_workbook(table: Table, data: bytes, sheet: str) -> str:
    import warnings

    import openpyxl

    with warnings.catch_warnings(), suppress(Exception):
        warnings.simplefilter("ignore")
        page = openpyxl.load_workbook(io.BytesIO(data), data_only=True)[sheet]
        filled = {
            number
            for number, row in enumerate(page.iter_rows(min_row=1, min_col=1, values_only=True), 1)
            if any(cell is not None and str(cell).strip() for cell in row)
        }
        header = int(dict(table.facts)["header row"])
        read_ = {*table.cells.index, *(out.row for out in table.left_out), header}
        if filled - read_:
            return f"rows {sorted(filled - read_)[:5]} are not read"
    return ""


def _whole(path: Path, folder: Path) -> tuple[str, str]:
    os.chdir(folder)
    ended = CliRunner().invoke(cli, ["check", path.name, "--json"])
    if ended.exit_code not in {0, 1, 3}:
        log = (folder / "importer.log").read_text() if (folder / "importer.log").exists() else ""
        return "", f"`check` ends with {ended.exit_code}: {ended.stderr}\n{log}\n{ended.exception!r}"
    return f"{ended.exit_code}", ""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path, default=Path("fuzzed"), help="folder for what breaks a promise")
    parser.add_argument("--only", default="", help="of the corpus, sources with this in their names")
    given = parser.parse_args()
    random = Random(given.seed)
    pool = [(path.name, path.read_bytes()) for path in sorted(CORPUS.iterdir()) if given.only in path.name]
    names = {name for name, _ in pool}
    reached: Lines = set()
    problems: Counter[str] = Counter()
    ends: Counter[str] = Counter()

    tried = slowest = largest = 0
    first = len(pool)
    for name, data in pool[:first]:
        reached |= attempt(data, name, 0, whole=False).lines
    before = len(reached)
    began = said = time.monotonic()
    while time.monotonic() - began < 60 * given.minutes:
        name, data = random.choice(pool if random.random() < 0.6 else pool[first:] or pool)
        changed = mutate(data, random, [other for _, other in random.sample(pool, 3)])
        seed = random.randrange(1 << 30)
        whole = random.random() < 0.05
        outcome = attempt(changed, name, seed, whole=whole)
        tried += 1
        slowest, largest = max(slowest, outcome.seconds), max(largest, outcome.megabytes)
        ends[
            "problem" if outcome.problem else "whole" if whole else "read" if len(outcome.told) == 64 else "sentence"
        ] += 1
        if not outcome.problem and random.random() < 0.05:
            again = attempt(changed, name, seed, whole=whole)
            if again.told != outcome.told:
                outcome.problem = outcome.where = f"another answer: {outcome.told} {again.told}"
        if outcome.problem:
            problems[outcome.where] += 1
            if problems[outcome.where] <= 3:
                given.keep.mkdir(exist_ok=True)
                kept = given.keep / f"{tried}-{seed}-{int(whole)}-{name}"
                kept.write_bytes(changed)
                kept.with_name(kept.name + ".problem").write_text(f"{outcome.where}\n{outcome.problem}\n")
                print(f"{kept}: {outcome.where}", flush=True)
        elif not whole and outcome.lines - reached and len(changed) < 1 << 20:
            reached |= outcome.lines
            pool.append((name, changed))
        if time.monotonic() - said > 60:
            said = time.monotonic()
            print(
                f"{tried} inputs, {len(reached) - before} new lines, {dict(ends)}",
                flush=True,
            )
    print(
        f"{tried:,} inputs of {len(names)} sources in {(time.monotonic() - began) / 60:.0f} minutes: "
        f"{ends['read']:,} read, "
        f"{ends['sentence']:,} refused in a sentence, {ends['whole']:,} checked from end to end, {ends['problem']:,} "
        f"broke a promise; {len(reached) - before} lines beyond the {before:,} that the corpus reaches; "
        f"at most {slowest:.1f} s and {largest:,} MB."
    )
    sys.exit(bool(problems))


if __name__ == "__main__":
    main()
