"""Contests: each contender's command runs in a process of its own, in turn with the others', round after round."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import venv
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

from invoices import MAKERS
from measuring import Spent, measure

HERE = Path(__file__).parent
PROGRAM = [sys.executable, "-m", "importer"]

Contender = Callable[[Path], Spent]  # runs in an empty folder
Quantity = Callable[[Spent], float]


@dataclass(frozen=True)
class Bound:
    """What a ratio keeps to."""

    at_most: float | None = None
    at_least: float | None = None

    def holds(self, ratio: float) -> bool:
        return (self.at_most is None or ratio <= self.at_most) and (self.at_least is None or ratio >= self.at_least)

    def __str__(self) -> str:
        most = "" if self.at_most is None else f"≤ {self.at_most:.2f}"
        return most or ("" if self.at_least is None else f"≥ {self.at_least:.2f}")


NONE = Bound()


@dataclass(frozen=True)
class Line:
    """A contest's outcome.

    Attributes:
        part: What it is about.
        name: What was done.
        against: By whom else, or what limit it is held to.
        unit: Of *ours* and *peer*, which are medians.
        ratio: The median of ours to the peer's, of each round.
        bound: What the ratio keeps to.
        met: Whether it does; None where nothing is demanded.
        our_memory, peer_memory: Bytes, the most that was held at once; None of a limit.
        our_processor, peer_processor: Seconds.
    """

    part: str
    name: str
    against: str
    unit: str
    ours: float
    peer: float
    ratio: float
    bound: str
    met: bool | None
    our_memory: int | None
    peer_memory: int | None
    our_processor: float | None
    peer_processor: float | None

    def __str__(self) -> str:
        kept = {None: "", True: f"{self.bound} ✓", False: f"{self.bound} **missed**"}[self.met]
        told = [
            self.name,
            self.against,
            _figure(self.ours, self.unit),
            _figure(self.peer, self.unit),
            f"{self.ratio:.2f}",
            kept,
        ]
        told += ["" if held is None else f"{held / 1e6:,.0f}" for held in (self.our_memory, self.peer_memory)]
        told += ["" if spent is None else f"{spent:.2f}" for spent in (self.our_processor, self.peer_processor)]
        return f"| {' | '.join(told)} |"


def _figure(value: float, unit: str) -> str:
    return f"{value:,.0f} {unit}" if value >= 1_000 or unit in {"MB", "ms"} else f"{value:.2f} {unit}"


HEADINGS = ("what", "against", "ours", "theirs", "ratio", "to be", "MB", "their MB", "CPU s", "their CPU s")


def seconds(spent: Spent) -> float:
    return spent.seconds


class Suite:
    """Runs contests, and keeps their lines.

    Attributes:
        folder: Where the peers and the sources lie.
        rounds: How often each command runs.
        lines: What came of it.
        part: What the next lines are about.
    """

    def __init__(self, folder: Path, rounds: int) -> None:
        self.folder = folder
        self.rounds = rounds
        self.lines: list[Line] = []
        self.part = ""
        folder.mkdir(parents=True, exist_ok=True)

    def race(self, contenders: Mapping[str, Contender]) -> dict[str, list[Spent]]:
        """Run all in turn, each in an empty folder, round after round."""
        spent: dict[str, list[Spent]] = {name: [] for name in contenders}
        for _ in range(self.rounds):
            for name, contend in contenders.items():
                with tempfile.TemporaryDirectory(dir=self.folder) as place:
                    spent[name].append(contend(Path(place)))
        return spent

    def hold(
        self,
        name: str,
        ours: Sequence[Spent],
        peer: tuple[str, Sequence[Spent] | float],
        bound: Bound = NONE,
        *,
        of: Quantity = seconds,
        unit: str = "s",
    ) -> None:
        """Hold ours against a peer's, or against a limit, in seconds or *of* another quantity; prints the line."""
        against, theirs = peer
        our = [of(spent) for spent in ours]
        their = [theirs] * len(our) if isinstance(theirs, float) else [of(spent) for spent in theirs]
        ratio = median(one / other for one, other in zip(our, their, strict=True))
        line = Line(
            self.part,
            name,
            against,
            unit,
            median(our),
            median(their),
            ratio,
            str(bound),
            None if bound == NONE else bound.holds(ratio),
            _most(ours),
            None if isinstance(theirs, float) else _most(theirs),
            median(spent.processor for spent in ours),
            None if isinstance(theirs, float) else median(spent.processor for spent in theirs),
        )
        self.lines.append(line)
        print(line, flush=True)

    def peer(self, environment: str, program: str = "python") -> str:
        """Give the path of a program of the peers' *environment*, which is set up where it is not there yet."""
        requirements = HERE / "peers" / f"{environment}.txt"
        path = self.folder / "peers" / environment
        mark = path / requirements.name
        if not mark.exists() or mark.read_text() != requirements.read_text():
            venv.create(path, clear=True, with_pip=True)
            subprocess.run(
                [path / "bin" / "pip", "install", "-q", "-r", str(requirements)], check=True, stderr=subprocess.DEVNULL
            )
            mark.write_text(requirements.read_text())
        return str(path / "bin" / program)

    def source(self, kind: str, rows: int, faulty: float) -> str:
        """Give a source, made once."""
        path = self.folder / f"{rows}-{faulty:.2f}.{kind}"
        if not path.exists():
            MAKERS[kind](path, rows, faulty)
        return str(path)

    def write(self, path: Path) -> None:
        """Keep the lines as JSON, beside those of other parts that are there."""
        parts = {line.part for line in self.lines}
        kept = json.loads(path.read_text(encoding="utf-8")) if path.exists() else []
        lines = [line for line in kept if line["part"] not in parts] + [asdict(line) for line in self.lines]
        path.write_text(json.dumps(lines, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _most(spent: Sequence[Spent]) -> int | None:
    return int(median(one.together for one in spent)) or None


def run(command: Sequence[str], environment: Mapping[str, str] | None = None, code: int = 0) -> Contender:
    """Run a command where it is told to; it has to end with *code*."""
    return lambda place: measure(command, place, {**surroundings(), **(environment or {})}, code)


def surroundings() -> dict[str, str]:
    """Give an environment in which Python keeps what it has compiled, as it does where a program is installed."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
