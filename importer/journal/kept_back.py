"""Rows that a run kept back since a rule failed, and so all runs that met a creditor reference, case or not."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa

from importer.journal.tables import cases, kept_back, runs

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

CHUNK: Final = 500  # rows inserted at once
LONGEST: Final = 200  # characters of a reference; what is longer is none, and too long for an index
ROW_BITS: Final = (1 << 32) - 1  # of a row's key; see `importer.model.row_key`


def add(connection: sa.Connection, run: str, rows: Iterable[tuple[int, str | None, str, str]]) -> None:
    """Note the rows that *run* keeps back: row key, creditor reference, status, codes of its errors, a line each."""
    left = iter(rows)
    while part := list(islice(left, CHUNK)):
        connection.execute(
            kept_back.insert(),
            [
                {
                    "run": run,
                    "row": row,
                    "reference": reference if reference and len(reference) <= LONGEST else None,
                    "status": status,
                    "codes": codes,
                }
                for row, reference, status, codes in part
            ],
        )


def met(connection: sa.Connection, references: Iterable[str]) -> Sequence[sa.RowMapping]:
    """Return each row of each run that had one of *references*, oldest first; "case_id" of those that have one."""
    wanted = list(references)
    names = ("run", "row", "reference", "status")
    of_cases = sa.select(*(cases.c[name] for name in names), cases.c.error.label("codes"), cases.c.case_id)
    of_others = sa.select(*(kept_back.c[name] for name in names), kept_back.c.codes, sa.null().label("case_id"))
    rows = sa.union_all(
        of_cases.where(cases.c.reference.in_(wanted), cases.c.has_reference),
        of_others.where(kept_back.c.reference.in_(wanted)),
    ).subquery()
    query = sa.select(rows, runs.c.started, runs.c.target, runs.c.mode).join(runs, runs.c.id == rows.c.run)
    return connection.execute(query.order_by(runs.c.started, rows.c.run, rows.c.row)).mappings().all()


def is_noted(connection: sa.Connection, reference: str) -> bool:
    """Tell whether a run kept back a row of *reference*."""
    query = sa.select(kept_back.c.pk).where(kept_back.c.reference == reference).limit(1)
    return connection.scalar(query) is not None


def of_row(connection: sa.Connection, run: str, row: int) -> Sequence[sa.RowMapping]:
    """Return what *run* kept back from row number *row*, one of each source at most."""
    wanted = (kept_back.c.run == run, kept_back.c.row.bitwise_and(ROW_BITS) == row)
    return connection.execute(sa.select(kept_back).where(*wanted).order_by(kept_back.c.row)).mappings().all()


def forget(connection: sa.Connection, reference: str) -> None:
    """Erase the rows of *reference*."""
    connection.execute(kept_back.delete().where(kept_back.c.reference == reference))
