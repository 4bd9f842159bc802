"""The nouns of the program: frozen values that the stages hand to each other."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date, datetime
    from decimal import Decimal
    from pathlib import Path

    import numpy as np
    import pandas as pd

Severity = Literal["error", "warning"]
DecimalStyle = Literal["point", "comma"]
DateOrder = Literal["dmy", "mdy", "ymd"]
MIXED: Final = "mixed"  # in a results workbook: its sources were written differently, so that nothing may be assumed

Status = Literal["created", "already-imported", "duplicate", "rejected", "invalid", "unknown", "not-sent", "valid"]

STATUSES: Final[tuple[Status, ...]] = (
    "created",
    "already-imported",
    "duplicate",
    "rejected",
    "invalid",
    "unknown",
    "not-sent",
)
CHECK_STATUSES: Final[tuple[Status, ...]] = ("valid", "already-imported", "invalid")

ISSUE_COLUMNS: Final = ("row", "column", "field", "severity", "code", "value", "message", "hint")
OUTCOME_COLUMNS: Final = (
    "status",
    "case_id",
    "reference",
    "creditor_reference",
    "lifecycle",
    "error",
    "message",
    "solution",
    "sent_at",
)

_SOURCE_SHIFT: Final = 32  # bits; a spreadsheet has at most 2**20 rows, a CSV fewer than 2**32


def row_key(source: int, row: int) -> int:
    """Make one number of a source's position in its run and a row number in it.

    Frames of a whole run are indexed by it. For the first source, and so for every run of one source, it is the row
    number itself.

    >>> row_key(0, 17), split_row_key(row_key(2, 17))
    (17, (2, 17))
    """
    return (source << _SOURCE_SHIFT) | row


def split_row_key(key: int) -> tuple[int, int]:
    """Give back the source's position in its run, and the row number that the spreadsheet program shows."""
    return key >> _SOURCE_SHIFT, key & ((1 << _SOURCE_SHIFT) - 1)


def column_letters(position: int) -> str:
    """Name a column as a spreadsheet program does.

    >>> [column_letters(position) for position in (0, 25, 26, 702)]
    ['A', 'Z', 'AA', 'AAA']
    """
    name = ""
    position += 1
    while position:
        position, digit = divmod(position - 1, 26)
        name = chr(ord("A") + digit) + name
    return name


@dataclass(frozen=True, slots=True)
class Styles:
    """How a source writes values, decided for each column from all of its cells.

    Attributes:
        decimal: For each field of amounts, the sign between units and fractions.
        order: For each field of dates, the order of day, month and year.
    """

    decimal: Mapping[str, DecimalStyle] = field(default_factory=dict)
    order: Mapping[str, DateOrder] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Carried:
    """What a results workbook carries for the day its `To fix` sheet is dropped in again.

    Attributes:
        run: The run that wrote the workbook.
        target: Its target.
        columns: Header → field, as that run mapped them.
        constants: Field → value for every row.
        styles: The styles that run decided.
        mixed: Fields that its sources wrote differently.
    """

    run: str
    target: str
    columns: Mapping[str, str]
    constants: Mapping[str, str]
    styles: Styles
    mixed: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Table:
    """One source, read: every cell as the source's own text, nothing judged yet.

    Attributes:
        path: Where the source lies; people are shown its name.
        header: The text of each column's header, stripped of surrounding white space; blank where there is none.
        cells: One row a row of data. Index "row" (int64): the row number that a spreadsheet program shows, unique and
            increasing; columns 0 … n-1, one a header, `ArrowDtype(string)`, null where the cell is empty. Text is
            unchanged (not stripped); a workbook's typed cells are canonical text: whole numbers without `.0`, other
            numbers with a decimal point, dates as `YYYY-MM-DD`, times after it as ` HH:MM:SS`, booleans as TRUE and
            FALSE, error cells as their error (`#N/A`).
        numbers: Column position → mask over the rows of *cells* (bool): the cell is a number in a workbook, so that
            its text has a decimal point whatever the column's style. Positions without such cells are absent.
        damaged: The same for numbers that have lost digits already: more than 15 significant ones.
        facts: How it was read, as pairs for people: format, encoding, delimiter, sheet, header row, blank rows …
        sha256: Of the source's bytes, in hexadecimal.
        carried: Set where the source is the `To fix` sheet of a results workbook.
    """

    path: Path
    header: tuple[str, ...]
    cells: pd.DataFrame
    numbers: Mapping[int, np.ndarray]
    damaged: Mapping[int, np.ndarray]
    facts: tuple[tuple[str, str], ...]
    sha256: str
    carried: Carried | None = None


@dataclass(frozen=True, slots=True)
class Matching:
    """Which column feeds which field.

    Attributes:
        columns: Field → position of its column in the table.
        constants: Field → text that every row has, from `--set` or a mapping; a constant beats a column.
        unmapped: Headers that feed no field; kept in the report.
        unsupported: Field → header, for fields of other targets that this one does not take.
    """

    columns: Mapping[str, int]
    constants: Mapping[str, str]
    unmapped: tuple[str, ...]
    unsupported: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Parsed:
    """A source's columns as values.

    Attributes:
        values: Index "row" as in the table; one column for each field of the target in the target's order, absent
            columns all null. Kinds: text, uuid → `ArrowDtype(string)`, stripped, null where blank; amount →
            `ArrowDtype(decimal128(38, 18))`; date → `ArrowDtype(date32)`; boolean → `ArrowDtype(bool_)`.
        unreadable: The same index; a bool column for each field in which at least one cell holds something that
            could not be read (null in *values*, and an issue already).
        texts: The same index and columns; the source's own text of each field, stripped, null where blank.
        issues: Columns as `ISSUE_COLUMNS`; "column" is the header in the source.
        styles: What was decided.
    """

    values: pd.DataFrame
    unreadable: pd.DataFrame
    texts: pd.DataFrame
    issues: pd.DataFrame
    styles: Styles


@dataclass(frozen=True, slots=True)
class Case:
    """What one valid row asks the API to make; everything that sending needs, and nothing else.

    Attributes:
        row: The row's key in its run (see `row_key`).
        creditor: Whose claim it is, where an account serves several; else blank.
        reference: The creditor reference; for a row without one, its identity (see `plan`).
        has_reference: Whether *reference* is known to the API.
        n: How many definite refusals of this identity came before.
        key: The `Idempotency-Key` of every attempt.
        body: The exact bytes of every attempt.
        amount: In units of *currency*.
        currency: ISO 4217 alphabetic code.
        group: Country and currency, as `DE EUR`: contracts and partners depend on them.
        fingerprints: Field → keyed hash of its value, to name what differs without keeping values.
        debtor: The debtor's name, and
        date: the invoice's date: with them a case is recognised where there is no reference.
    """

    row: int
    creditor: str
    reference: str
    has_reference: bool
    n: int
    key: str
    body: bytes
    amount: Decimal
    currency: str
    group: str
    fingerprints: Mapping[str, str]
    debtor: str
    date: date


@dataclass(frozen=True, slots=True)
class Entry:
    """A case of some run as the journal has it.

    Attributes:
        pk: Its number in the journal.
        run: The run it belongs to.
        case: With a body only while it is unsettled.
        status: As in the journal's own words; see `journal`.
        since, sent_at, attempted_at, doubted_at: Seconds since the epoch, None where it did not come to that.
        attempts, doubts: Counts.
        by_server: Whether all doubts were 5xx answers.
        credential: Keyed hash of the API key of the first attempt.
        case_id, case_reference, lifecycle, error, message, solution: What became of it; None where nothing did.
    """

    pk: int
    run: str
    case: Case
    status: str
    credential: str | None
    since: float | None
    sent_at: float | None
    attempted_at: float | None
    attempts: int
    doubts: int
    doubted_at: float | None
    by_server: bool
    case_id: str | None
    case_reference: str | None
    lifecycle: str | None
    error: str | None
    message: str | None
    solution: str | None


@dataclass(frozen=True, slots=True)
class SourceInfo:
    """What a report says of a source: its name, the hash of its bytes, and how it was read."""

    name: str
    sha256: str
    facts: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Session:
    """One process that worked at a run: the first submits or checks, each later one resumes.

    Attributes:
        began: UTC.
        by: Who started it, as `user@host`.
        version: This program's.
        ended: UTC; None while it goes on, and for one that was cut short.
        exit_code: As it exited; None where it did not end.
        stopped: Why it ended before the run's end, in a sentence; else None.
    """

    began: datetime
    by: str
    version: str
    ended: datetime | None = None
    exit_code: int | None = None
    stopped: str | None = None


@dataclass(frozen=True, slots=True)
class Run:
    """One run, or one check, as a report's `Summary` and `Run` sheets tell it.

    Attributes:
        id: `YYYYMMDD-HHMMSS-<source stem>-<4 hex>`.
        kind: A check calls no API and is no run of the journal.
        sources: In the order given.
        target: The API operation.
        mode: Test cases are other cases than live ones.
        account: The account's name and id as people know it; blank for a check.
        host: The API's host; blank for a check.
        started, finished: UTC; *finished* is None for a run that is still open.
        version: This program's.
        settings: Name and value of every setting that shaped the run; no secret among them.
        columns: Header → field.
        constants: Field → value.
        styles: For each source.
        stopped: Why it ended before its end, in a sentence; else None.
        exit_code: As the process exits.
        sessions: Who worked at it, and when; the first one first.
        requests: Kind → how many requests it took.
    """

    id: str
    kind: Literal["check", "submit"]
    sources: tuple[SourceInfo, ...]
    target: str
    mode: Literal["live", "test"]
    account: str
    host: str
    started: datetime
    finished: datetime | None
    version: str
    settings: tuple[tuple[str, str], ...]
    columns: Mapping[str, str]
    constants: Mapping[str, str]
    styles: tuple[Styles, ...]
    stopped: str | None
    exit_code: int
    sessions: tuple[Session, ...] = ()
    requests: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that people read about a run.

    Attributes:
        run: What was run, and how it ended.
        header: The sources' common header.
        cells: The sources' own cells, as in `Table`, under each other; index: row key.
        numbers: As in `Table`.
        issues: Columns as `ISSUE_COLUMNS`; "row" holds row keys; in the order of rows.
        outcomes: Columns as `OUTCOME_COLUMNS`, `ArrowDtype(string)` but for "sent_at" (`ArrowDtype(timestamp("us",
            "UTC"))`); index: row key, the same rows as *cells*. "error" is a machine code, "message" a sentence,
            "solution" a link or a sentence, "creditor_reference" the text sent or read.
        amounts: Index as *outcomes*; "amount" (`decimal128(38, 18)`) and "currency" (string), null where they cannot
            be read.
    """

    run: Run
    header: tuple[str, ...]
    cells: pd.DataFrame
    numbers: Mapping[int, np.ndarray]
    issues: pd.DataFrame
    outcomes: pd.DataFrame
    amounts: pd.DataFrame
