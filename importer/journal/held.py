"""What the journal has of cases that the API shows: asked while it is rebuilt."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import sqlalchemy as sa

from importer.journal.tables import cases

if TYPE_CHECKING:
    from collections.abc import Iterable

CHUNK: Final = 500  # references asked for at once


def ids_known(connection: sa.Connection, account: str, ids: Iterable[str]) -> set[str]:
    """Return those of the case *ids* that some row of the journal names, whoever made the case."""
    query = sa.select(cases.c.case_id).where(cases.c.account == account, cases.c.case_id.in_(list(ids)))
    return set(connection.scalars(query))


def ids_sent(connection: sa.Connection, account: str, ids: Iterable[str]) -> set[str]:
    """Return those of the case *ids* that a run of this journal sent: it knows all of their rows."""
    query = sa.select(cases.c.case_id).where(
        cases.c.account == account,
        cases.c.case_id.in_(list(ids)),
        cases.c.status == "created",
        cases.c.sent_at.is_not(None),
    )
    return set(connection.scalars(query))


def holders(
    connection: sa.Connection, account: str, target: str, mode: str, references: Iterable[str]
) -> dict[tuple[str, str], str]:
    """Return (creditor, reference) → status, for those of *references* that are in flight or made."""
    wanted = list(references)
    held: dict[tuple[str, str], str] = {}
    for start in range(0, len(wanted), CHUNK):
        query = sa.select(cases.c.creditor, cases.c.reference, cases.c.status).where(
            cases.c.account == account,
            cases.c.target == target,
            cases.c.mode == mode,
            cases.c.status.in_(("sending", "created")),
            cases.c.reference.in_(wanted[start : start + CHUNK]),
        )
        held |= {(creditor, reference): status for creditor, reference, status in connection.execute(query)}
    return held
