"""What a summary of a run says, whoever draws it; amounts are exact, and those of different currencies never added."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from datetime import date

    from importer.model.runs import Run

Mood = Literal["good", "act", "stopped"]
Money = Mapping[str, Decimal]  # currency → amount, the currency with the most rows first


@dataclass(frozen=True, slots=True)
class Highlight:
    """A figure that stands large.

    Attributes:
        caption: What is counted, such as "to mend".
        statuses: Of the rows that are counted.
        rows: Their number.
        share: Of all rows, 0 to 1.
        amounts: Currency → their sum.
    """

    caption: str
    statuses: tuple[str, ...]
    rows: int
    share: float
    amounts: Money


@dataclass(frozen=True, slots=True)
class Advice:
    """Something to do next.

    Attributes:
        text: A sentence.
        command: The command line that does it, or blank.
        link: The address that it opens, or blank.
        rows: How many it is about; 0 where there is nothing to do.
        amounts: Currency → what is at stake.
    """

    text: str
    command: str = ""
    link: str = ""
    rows: int = 0
    amounts: Money = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Counted:
    """The rows of one status: how many, which share of all, and what the status means."""

    status: str
    rows: int
    share: float
    meaning: str


@dataclass(frozen=True, slots=True)
class Currency:
    """What the rows of one currency are about; `rows` and `amounts` by status, then all of them."""

    code: str
    rows: Mapping[str, int]
    amounts: Mapping[str, Decimal]
    total_rows: int
    total: Decimal


@dataclass(frozen=True, slots=True)
class Reason:
    """Faults found here, of one severity, code and column.

    Attributes:
        severity: "error" keeps a row from being sent, "warning" does not.
        code: Of the catalogue.
        title: Plain words for it, such as "US debtor without a state".
        column: The source's heading, or blank.
        rows: How many have it.
        amounts: Currency → what these rows are about.
        example: Where rows differ in what is said of them, the row whose message this is, as people know it; else None.
        message, hint: What was said, and the remedy.
    """

    severity: str
    code: str
    title: str
    column: str
    rows: int
    amounts: Money
    example: int | None
    message: str
    hint: str

    @property
    def said(self) -> str:
        """The message, with the row it is about where that matters, and the remedy."""
        instance = "" if self.example is None else f"For instance row {self.example:,}: "
        return f"{instance}{' '.join(text for text in (self.message, self.hint) if text)}"


@dataclass(frozen=True, slots=True)
class Answer:
    """What the API said of some rows: their status, its code and its message, blank where there is none."""

    status: str
    error: str
    message: str
    rows: int
    amounts: Money


@dataclass(frozen=True, slots=True)
class IssueKind:
    """Issues of one code and severity, of whatever columns: how many, and in how many rows at least."""

    code: str
    severity: str
    title: str
    issues: int


@dataclass(frozen=True, slots=True)
class Age:
    """Rows whose debt is so many days past its due date; its invoice date where it has none."""

    label: str
    rows: int
    amounts: Money


@dataclass(frozen=True, slots=True)
class Digest:
    """All that a summary says.

    Attributes:
        run: What was run, and how it ended.
        title: Names it.
        mood: "good" needs nobody, "act" somebody, "stopped" somebody soon.
        verdict: A few words on how it went.
        headline: A sentence or two on what became of the rows.
        rows: All of them.
        highlights: Figures to stand large; the first is what was wanted.
        advice: What to do next, that with most at stake first; what is at stake in different currencies is weighed as
            `Tally.weigh` says.
        standings: By status, in the order of statuses; only those that rows have.
        currencies: The one with the most rows first.
        unreadable: Rows whose amount or currency cannot be read; in no amount.
        reasons: Errors first, then those with most at stake.
        answers: The one with most at stake first.
        kinds: Issues by code, errors first, then the most.
        ages: From not due to oldest, all of them; empty where no row has a date.
        undated: Rows that are in none of them.
        today: The day that ages are reckoned from.
        remarks: What the report does not hold whole.
    """

    run: Run
    title: str
    mood: Mood
    verdict: str
    headline: str
    rows: int
    highlights: tuple[Highlight, ...]
    advice: tuple[Advice, ...]
    standings: tuple[Counted, ...]
    currencies: tuple[Currency, ...]
    unreadable: int
    reasons: tuple[Reason, ...]
    answers: tuple[Answer, ...]
    kinds: tuple[IssueKind, ...]
    ages: tuple[Age, ...]
    undated: int
    today: date
    remarks: tuple[str, ...]
