"""read → match → parse → check: sources become judged rows, without any network."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

import schemas
from importer.check import check
from importer.errors import ColumnsError, SettingsError
from importer.match import make, match
from importer.model import HELD, Reading, SourceInfo, Styles, Table, quietly, row_key
from importer.parse import parse
from importer.parse.said import find_fields
from importer.pipeline.bundling import take_bundling
from importer.pipeline.credits import refuse_credits
from importer.pipeline.remembering import remember
from importer.pipeline.sources import add_carried, take_sources

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import date
    from pathlib import Path

    from importer.bundle import Bundle
    from importer.model import Bundling, DateOrder, DecimalStyle, Doing, Making, Matching, Parsed, SavedMapping
    from importer.settings import Settings


@dataclass(frozen=True, slots=True)
class Job:
    """What the user asked for.

    Attributes:
        sources: In the order given.
        command: Which command takes them: the target's own.
        reading: How the sources are to be read.
        mapping: A mapping file, or the name of a saved one.
        constants: Field → text of every row, from `--set`.
        order: How dates are written, whatever the columns tell.
        decimal: How amounts are written, the same.
        said: How single columns are written, beating those two; by field, or by header.
        limit: The most cases to send.
        test: Make test cases; None, as `judge` gets it, where nothing is said: rows to mend know.
        all_or_nothing: One error, and nothing is sent.
        allow_pending_contracts: The API may take a case whose contracts are not signed yet.
        allow_missing_reference: A row may have no creditor reference; None as above.
        activate: Start the cases of a collection partner.
        clear_blank: A blank partner reference clears the one that is stored.
        bundle_by: Fields or headers by which rows are bundled.
        claim_lines: Send bundles as `claimLines`.
    """

    sources: tuple[Path, ...]
    command: str = "submit"
    reading: Reading = Reading()  # noqa: RUF009 - it is frozen
    mapping: Path | None = None
    constants: Mapping[str, str] = field(default_factory=dict)
    order: DateOrder | None = None
    decimal: DecimalStyle | None = None
    said: Styles = Styles()  # noqa: RUF009 - it is frozen
    limit: int | None = None
    test: bool | None = None
    all_or_nothing: bool = False
    allow_pending_contracts: bool = False
    allow_missing_reference: bool | None = None
    activate: bool = False
    clear_blank: bool = False
    bundle_by: tuple[str, ...] = ()
    claim_lines: bool = False

    @property
    def mode(self) -> Literal["live", "test"]:
        """Test cases are other cases than live ones."""
        return "test" if self.test else "live"


@dataclass(frozen=True, slots=True)
class Judged:
    """Every row of every source, judged; frames are indexed by row key.

    Attributes:
        job: What was asked for, completed by what the rows to mend of an earlier run remember.
        target: What the rows are judged for.
        sources: In the order given.
        header: Common to all.
        cells, numbers: As in `Table`, under each other.
        values: As in `Parsed`, under each other.
        issues: As in `Report`.
        headers: Field → header of the column that is named where its cell has to change.
        columns: Header → field, of columns that are a field as a whole.
        making: What is made of other columns.
        constants: Field → text.
        styles: One for each source.
        unmapped: Headers that feed no field.
        today: The day in the creditor's time zone.
        bundling: How rows become one case, where they do.
        bundles: Those of several rows.
        mends: The runs whose results workbooks the sources are.
        sent: Those of them that sent their valid rows.
    """

    job: Job
    target: schemas.Target
    sources: tuple[SourceInfo, ...]
    header: tuple[str, ...]
    cells: pd.DataFrame
    numbers: dict[int, np.ndarray]
    values: pd.DataFrame
    issues: pd.DataFrame
    headers: Mapping[str, str]
    columns: Mapping[str, str]
    making: Making
    constants: Mapping[str, str]
    styles: tuple[Styles, ...]
    unmapped: tuple[str, ...]
    today: date
    bundling: Bundling | None = None
    bundles: tuple[Bundle, ...] = ()
    mends: tuple[str, ...] = ()
    sent: tuple[str, ...] = ()

    @property
    def amounts(self) -> pd.DataFrame:
        """Amount, currency and due date of every row, null where they cannot be read; else the invoice's date."""
        amounts = self.values[["amountToRecover", "currencyCode"]].set_axis(["amount", "currency"], axis=1)
        amounts["due"] = self.values["dueDate"].fillna(self.values["date"])
        unknown = self.issues.loc[self.issues["code"] == "currency-unknown", "row"]
        amounts["currency"] = amounts["currency"].str.upper().mask(amounts.index.isin(unknown))
        return amounts

    @property
    def references(self) -> pd.Series:
        """The creditor reference of every row, null where there is none."""
        return self.values[self.target.REFERENCE]

    @property
    def has_clients(self) -> bool:
        """Whether each row says whose account it goes to."""
        return self.target.API == "referral"

    @property
    def clients(self) -> tuple[str, ...]:
        """Those that a valid row goes to."""
        return tuple(client for client, _ in self.by_client() if client)

    def by_client(self, *, faulty: bool = False) -> Iterator[tuple[str, pd.DataFrame]]:
        """Yield the values of the valid rows, client by client; all at once where there are none.

        With *faulty* those with errors are among them, as far as they have a client.
        """
        rows = self.values if faulty else self.values[~self.values.index.isin(self.faulty)]
        if not self.has_clients:
            yield "", rows
            return
        for client, values in rows.groupby(schemas.CLIENT):
            yield str(client), values

    @property
    def faulty(self) -> pd.Index:
        """Keys of the rows with at least one error."""
        errors = self.issues["severity"] == "error"
        faulty: pd.Index = pd.Index(self.issues["row"][errors].unique(), dtype="int64")
        return faulty

    @property
    def held(self) -> set[int]:
        """Keys of the rows that have no other error than that a row of their bundle has one."""
        errors = self.issues[self.issues["severity"] == "error"]
        return set(errors["row"]) - set(errors["row"][errors["code"] != HELD])


def judge(job: Job, settings: Settings, doing: Doing = quietly) -> Judged:
    """Read the sources of *job* and judge each of their rows; *doing* gets to know how far that is.

    Raises:
        SourceError: A source cannot be read.
        ColumnsError: Columns are missing, taken twice or undecided, the sources' headers differ, or credits are among
            the rows.
        SettingsError: The mapping file cannot be read, or a results workbook is another target's.
    """
    target = schemas.load(settings.target)
    if job.command != target.COMMAND:
        raise SettingsError(f"Sources for {target.NAME} are taken by `importer {target.COMMAND}`.")
    tables, named = take_sources(job, settings, target, doing)
    saved = add_carried(tables, target, named)
    job, tables = remember(job, tables)
    doing("Reading dates and amounts", None)
    matching = _match(tables, target, saved, job)
    refuse_credits(tables, matching)
    made = [make(table, matching, target) for table in tables]
    whole = [table for table, _, _ in made]
    said = find_fields(job.said, whole[0].header, matching, target)
    today = datetime.now(settings.timezone).date()
    parsed = _parse(whole, matching, target, saved, replace(job, said=said), today)
    values = _stack([part.values for part in parsed])
    unread = [
        part.unreadable.assign(**{name: bad | part.unreadable.get(name, bad) for name, bad in unfit.items()})
        for part, (_, _, unfit) in zip(parsed, made, strict=True)
    ]
    unreadable = _stack(unread).fillna(value=False).astype(bool)
    headers = {name: made[0][0].header[position] for name, position in matching.columns.items()}
    context = schemas.Context(
        today=today,
        allow_missing_reference=bool(job.allow_missing_reference),
        activate=job.activate,
        clear_blank=job.clear_blank,
        test=bool(job.test),
    )
    texts = _stack([part.texts for part in parsed])
    doing(f"Judging {len(values):,} rows", None)
    found = check(values, unreadable, texts, headers, target, context)
    bundling = take_bundling(tables, job, target, values)
    return Judged(
        job=job,
        target=target,
        sources=tuple(SourceInfo(table.path.name, table.sha256, table.facts, table.writing) for table in tables),
        header=tables[0].header,
        cells=_stack([table.cells for table in tables]),
        numbers=_stack_masks(tables),
        values=values,
        issues=_order(
            [
                *(_shift(part.issues, number) for number, part in enumerate(parsed)),
                *(_shift(issues, number) for number, (_, issues, _) in enumerate(made)),
                found,
            ]
        ),
        headers=headers,
        columns=matching.whole(tables[0].header),
        making=saved.making,
        constants=matching.constants,
        styles=tuple(part.styles for part in parsed),
        unmapped=tuple(name for name in matching.unmapped if bundling is None or name not in bundling.by),
        today=context.today,
        bundling=bundling,
        mends=tuple(table.carried.run for table in tables if table.carried),
        sent=tuple(table.carried.run for table in tables if table.carried and table.carried.sent),
    )


def _parse(
    tables: list[Table], matching: Matching, target: schemas.Target, saved: SavedMapping, job: Job, today: date
) -> list[Parsed]:
    """Read the values of all sources.

    Raises:
        ColumnsError: Columns are undecided; names those of all sources.
    """
    parsed, problems = [], []
    for table in tables:
        try:
            parsed.append(
                parse(
                    table,
                    matching,
                    target,
                    decimal=job.decimal,
                    order=job.order,
                    said=job.said,
                    carried=_carried_styles(table, saved),
                    latest=today.year + 1,
                )
            )
        except ColumnsError as problem:
            problems.append(str(problem))
    if problems:
        raise ColumnsError(" ".join(problems))
    return parsed


def _match(tables: list[Table], target: schemas.Target, saved: SavedMapping, job: Job) -> Matching:
    """Match the common header; what a mapping says gives way to `--set`."""
    return match(
        tables[0].header,
        target,
        mapping=saved.columns,
        constants={**saved.constants, **job.constants},
        making=saved.making,
        styles=saved.styles,
        optional={target.REFERENCE} if job.allow_missing_reference else (),
    )


def _carried_styles(table: Table, saved: SavedMapping) -> Styles:
    carried = table.carried.styles if table.carried else Styles()
    return Styles({**carried.decimal, **saved.styles.decimal}, {**carried.order, **saved.styles.order})


def _stack(frames: list[pd.DataFrame]) -> pd.DataFrame:
    """Put the sources' frames under each other, each row under its key."""
    keyed = []
    for number, frame in enumerate(frames):
        frame = frame.set_axis(frame.index + row_key(number, 0), axis=0)  # noqa: PLW2901 - the same rows, rekeyed
        keyed.append(frame)
    return (keyed[0] if len(keyed) == 1 else pd.concat(keyed)).rename_axis("row")


def _stack_masks(tables: list[Table]) -> dict[int, np.ndarray]:
    positions = {position for table in tables for position in table.numbers}
    return {
        position: np.concatenate(
            [table.numbers.get(position, np.zeros(len(table.cells), dtype=bool)) for table in tables]
        )
        for position in sorted(positions)
    }


def _shift(issues: pd.DataFrame, number: int) -> pd.DataFrame:
    return issues.assign(row=issues["row"] + row_key(number, 0))


def _order(parts: list[pd.DataFrame]) -> pd.DataFrame:
    filled = [part for part in parts if len(part)] or parts[:1]
    return pd.concat(filled, ignore_index=True).sort_values("row", kind="stable", ignore_index=True)
