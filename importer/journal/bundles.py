"""Rows that are parts of one case: who leads them, and who they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from importer.journal.tables import cases, entry_of

if TYPE_CHECKING:
    from importer.model import Entry


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
