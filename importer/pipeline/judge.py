"""read → match → parse → check: sources become judged rows, without any network."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

import schemas
from importer.check import check
from importer.errors import ColumnsError, SettingsError
from importer.match import make, match
from importer.model import SourceInfo, Styles, Table, quietly, row_key
from importer.parse import parse
from importer.parse.said import find_fields
from importer.pipeline.bundling import take_bundling
from importer.pipeline.credits import refuse_credits
from importer.pipeline.job import Job, Judged
from importer.pipeline.remembering import remember
from importer.pipeline.sources import add_carried, take_sources

if TYPE_CHECKING:
    from datetime import date

    from importer.model import Doing, Matching, Parsed, SavedMapping
    from importer.settings import Settings


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
