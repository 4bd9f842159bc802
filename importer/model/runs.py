"""A run, and what people read about it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

from importer.model.making import Making

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    import numpy as np
    import pandas as pd

    from importer.model.against import Against
    from importer.model.dialects import Writing
    from importer.model.previews import Preview
    from importer.model.sources import Styles


# Facts about a source that nobody is surprised by.
ORDINARY: Final = frozenset(
    (
        "format",
        "packed with",
        "encoding",
        "delimiter",
        "sep= line",
        "quotes",
        "sheet",
        "header row",
        "rows",
        "blank rows",
    )
)


@dataclass(frozen=True, slots=True)
class SourceInfo:
    """What a report says of a source: its name, the hash of its bytes, and how it was read; *writing* of a text."""

    name: str
    sha256: str
    facts: tuple[tuple[str, str], ...]
    writing: Writing | None = None

    @property
    def noticed(self) -> tuple[str, ...]:
        """What is to be said aloud: rows left out, what the eye does not see, what was filled up."""
        return tuple(f"{self.name}: {name}: {value}." for name, value in self.facts if name not in ORDINARY)


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
        making: What was made of columns that are no fields as they stand.
        preview: What the API said of what was not sent yet, where it was asked.
        against: What the journal knew of the rows before anything was sent.
    """

    id: str
    kind: Literal["check", "submit", "references", "details"]
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
    making: Making = field(default_factory=Making)
    preview: Preview | None = None
    against: Against | None = None


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
        amounts: Index as *outcomes*; "amount" (`decimal128(38, 18)`), "currency" (string) and "due" (`date32`), null
            where they cannot be read. What has no amounts has no columns, runs of earlier versions no "due".
    """

    run: Run
    header: tuple[str, ...]
    cells: pd.DataFrame
    numbers: Mapping[int, np.ndarray]
    issues: pd.DataFrame
    outcomes: pd.DataFrame
    amounts: pd.DataFrame
