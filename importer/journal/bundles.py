"""Rows that are parts of one case: who leads them, and who they are."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal, localcontext
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa

from importer.journal.tables import cases, entry_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from importer.model import Entry

CHUNK: Final = 500  # rows asked about at once


def leader_of(connection: sa.Connection, entry: Entry) -> Entry:
    """Return the row whose case *entry* is a part of; itself, where it is sent alone."""
    if entry.case.leads:
        return entry
    query = sa.select(cases).where(cases.c.run == entry.run, cases.c.row == entry.case.bundle)
    return entry_of(connection.execute(query).mappings().one())


def parts_of(connection: sa.Connection, leader: Entry) -> tuple[int, ...]:
    """Return the numbers of the other rows of *leader*'s case."""
    if leader.case.bundle is None:
        return ()
    query = sa.select(cases.c.pk).where(
        cases.c.run == leader.run, cases.c.bundle == leader.case.bundle, cases.c.pk != leader.pk
    )
    return tuple(connection.scalars(query.order_by(cases.c.row)))


def own_amounts(connection: sa.Connection, rows: Sequence[sa.RowMapping]) -> Mapping[int, str]:
    """Return number → what the row itself claims, of those of *rows* whose amount is that of a whole bundle.

    Args:
        connection: To read from.
        rows: With "pk", "run", "row", "bundle" and "amount".
    """
    leaders = {(row["run"], row["row"]): row for row in rows if row["bundle"] == row["row"]}
    others: defaultdict[tuple[str, int], list[Decimal]] = defaultdict(list)
    wanted = list(leaders)
    for start in range(0, len(wanted), CHUNK):
        chosen = sa.tuple_(cases.c.run, cases.c.bundle).in_(wanted[start : start + CHUNK])
        query = sa.select(cases.c.run, cases.c.bundle, cases.c.amount).where(chosen, cases.c.bundle != cases.c.row)
        for run, bundle, amount in connection.execute(query):
            others[run, bundle].append(Decimal(amount))
    with localcontext(prec=80):
        return {row["pk"]: f"{Decimal(row['amount']) - sum(others[name]):f}" for name, row in leaders.items()}
