"""What a notice says of how a run ended: figures and the next step, no value of any row.

Pure. A notice leaves the house by mail or by somebody else's servers, so it names no debtor and no reference: faults
are told by what the catalogue calls them, answers of the API by their codes, and of what stopped a run all that is
quoted is left out: headings and cells, of a source without a header both at once.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from importer.errors import printable
from importer.report.saying import count, write_amount

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from importer.model import Digest


REASONS: Final = 10  # of each kind
LONGEST_NAME: Final = 60  # characters of a source's name in the subject
QUOTED: Final = re.compile(r"“[^”]*”")
LEFT_OUT: Final = "What is quoted is left out here (“…”); the command's own output has it."
LONGEST_ERROR: Final = 1_000  # characters of what stopped a run
WHAT: Final = {"check": "Check of", "submit": "Import of", "resume": "Import of run"}
EXITS: Final[Mapping[int, str]] = {
    0: "every row is done",
    1: "some rows need mending or comparing",
    2: "the command was used wrongly",
    3: "it could not start, and nothing was sent",
    4: "it stopped before its end",
    5: "of some rows nobody knows yet whether they were made",
    70: "a bug in the importer",
    130: "it was interrupted",
}
FAILURES: Final[Mapping[int, str]] = {4: "stopped", 70: "ended by a bug", 130: "interrupted"}


@dataclass(frozen=True, slots=True)
class Notice:
    """What is sent.

    Attributes:
        subject: One line.
        text: Lines of plain text.
        exit_code: Of the command it is about.
    """

    subject: str
    text: str
    exit_code: int


@dataclass(frozen=True, slots=True)
class Origin:
    """The command that a notice is about.

    Attributes:
        kind: `check`, `submit` or `resume`.
        named: The names of its sources, or the run.
        workspace: Its folder.
        machine: What ran it.
        sandbox: Whether it was about cases that are none.
    """

    kind: str
    named: tuple[str, ...]
    workspace: str
    machine: str
    sandbox: bool = False


def tell_digest(origin: Origin, digest: Digest, *, report: str, exit_code: int) -> Notice:
    """Tell how a run or a check ended; *report* is where its report lies, blank for none."""
    run = digest.run
    prefix = "Check of" if run.kind == "check" else "Import of"
    ended = FAILURES.get(exit_code, "stopped") if run.stopped else ""
    figures = ", ".join(f"{one.rows:,} {one.caption}" for one in digest.highlights)
    kind = "Test cases: " if run.mode == "test" else ""
    subject = f"{kind}{prefix} {_name(tuple(source.name for source in run.sources))}{ended and ' '}{ended}: {figures}"
    facts = {
        "Report": report or "none was asked for",
        "Run": run.id if run.kind != "check" else "",
        **_facts(origin, exit_code),
    }
    parts = [
        _tell_error(digest.headline),
        ["What to do next:", *_tell_advice(digest)],
        ["Rows:", *_align([(one.status, f"{one.rows:,}") for one in digest.standings], "all rows", f"{digest.rows:,}")],
        ["Amounts:", *_tell_amounts(digest)],
        _list("Why rows did not get through, or may need a look:", _tell_reasons(digest)),
        _list("What the API answered:", _tell_answers(digest)),
        [f"{name}: {value}" for name, value in facts.items() if value],
    ]
    return _write(origin, subject, parts, exit_code)


def tell_failure(origin: Origin, error: str, exit_code: int) -> Notice:
    """Tell that a command ended without a report of rows: it could not start, for the most part."""
    subject = f"{WHAT[origin.kind]} {_name(origin.named)} {FAILURES.get(exit_code, 'could not start')}"
    facts = [f"{name}: {value}" for name, value in _facts(origin, exit_code).items()]
    return _write(origin, subject, [_tell_error(error), facts], exit_code)


def tell_test(machine: str) -> Notice:
    """Tell that notices arrive."""
    text = f"Notices of the invoice importer on {machine} arrive here. Nothing was imported."
    return Notice("Test notice of the invoice importer", text, 0)


def _write(origin: Origin, subject: str, parts: Sequence[Sequence[str]], exit_code: int) -> Notice:
    """Put lines together, none of which breaks; a name of a file may have any sign."""
    mark = "Sandbox: " if origin.sandbox else ""
    paragraphs = ["\n".join(printable(line) for line in lines) for lines in parts if lines]
    return Notice(printable(f"{mark}{subject}"), "\n\n".join(paragraphs) + "\n", exit_code)


def _tell_error(error: str) -> list[str]:
    told, quotes = QUOTED.subn("“…”", error)
    told = told if len(told) <= LONGEST_ERROR else f"{told[:LONGEST_ERROR]}…"
    return [told, LEFT_OUT] if quotes else [told]


def _name(names: Sequence[str]) -> str:
    first = names[0] if len(names[0]) <= LONGEST_NAME else f"{names[0][: LONGEST_NAME - 1]}…"
    return f"{first} and {len(names) - 1} more" if len(names) > 1 else first


def _facts(origin: Origin, exit_code: int) -> dict[str, str]:
    return {
        "Exit code": f"{exit_code} ({EXITS[exit_code]})",
        "Workspace": origin.workspace,
        "Machine": origin.machine,
    }


def _tell_advice(digest: Digest) -> Iterator[str]:
    for advice in digest.advice:
        yield f"- {advice.text}"
        if advice.command:
            yield f"  {advice.command}"


def _tell_amounts(digest: Digest) -> Iterator[str]:
    """Give a line for each currency: all of it, and how it parts by status."""
    totals = [write_amount(currency.total) for currency in digest.currencies]
    width = max(map(len, totals), default=0)
    for currency, total in zip(digest.currencies, totals, strict=True):
        sums = [f"{status} {write_amount(amount)}" for status, amount in currency.amounts.items()]
        parts = ", ".join(sums) if len(sums) != 1 else f"all {sums[0].partition(' ')[0]}"
        yield f"  {currency.code}  {total:>{width}}  {parts}"
    if digest.unreadable:
        rows = "1 row is" if digest.unreadable == 1 else f"{digest.unreadable:,} rows are"
        yield f"  {rows} in no amount: the amount, or its currency, cannot be read."


def _align(figures: Sequence[tuple[str, str]], whole: str, total: str) -> list[str]:
    lines = [*figures, (whole, total)]
    width, digits = (max(len(line[place]) for line in lines) for place in (0, 1))
    return [f"  {name:<{width}}  {figure:>{digits}}" for name, figure in lines]


def _tell_reasons(digest: Digest) -> list[str]:
    """Say by the catalogue's words what is wrong with how many rows."""
    warnings = {"error": "", "warning": "Warning: "}
    return [f"{count(reason.rows)}: {warnings[reason.severity]}{reason.title}" for reason in digest.reasons]


def _tell_answers(digest: Digest) -> list[str]:
    """Count answers by status and code: what the API says in words may quote the row."""
    rows: Counter[tuple[str, str]] = Counter()
    for answer in digest.answers:
        rows[answer.status, answer.error] += answer.rows
    return [f"{count(number)}: {status}{error and ', '}{error}" for (status, error), number in rows.most_common()]


def _list(title: str, lines: Sequence[str]) -> list[str]:
    if not lines:
        return []
    rest = [f"- … and {len(lines) - REASONS} more kinds"] if len(lines) > REASONS else []
    return [title, *(f"- {line}" for line in lines[:REASONS]), *rest]
