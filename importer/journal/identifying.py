"""Case identifiers: one case by any of them, and all of them, a part at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from importer.journal.bundles import own_amounts
from importer.journal.tables import cases, runs

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

PART: Final = 5_000  # cases read at once
MADE: Final = ("created", "duplicate")
KNOWN: Final = (*MADE, "already-imported")  # a later run's row, whose case an earlier one made

_TOLD: Final = (
    *(
        cases.c.pk,
        cases.c.run,
        cases.c.row,
        cases.c.account,
        cases.c.client,
        cases.c.target,
        cases.c.mode,
        cases.c.creditor,
    ),
    *(cases.c.reference, cases.c.has_reference, cases.c.status, cases.c.amount, cases.c.currency),
    cases.c.bundle,
    *(cases.c.case_id, cases.c.case_reference),
)


def find(connection: sa.Connection, value: str) -> Sequence[sa.RowMapping]:
    """Return the cases whose id, Debitura reference or creditor reference is *value*, newest first.

    Debitura's own identifiers are found in any case of letters, the creditor's as it is written alone.
    """
    # One statement an index: an OR over three indices is left to a planner's estimates, and a table scan away.
    wanted = (
        cases.c.case_id.in_({value, value.lower()}),
        cases.c.case_reference.in_({value, value.upper()}),
        cases.c.reference == value,
    )
    found = sa.union(*(sa.select(cases.c.pk).where(one) for one in wanted)).subquery()
    query = (
        sa.select(cases, runs.c.started)
        .join(found, found.c.pk == cases.c.pk)
        .join(runs, runs.c.id == cases.c.run)
        .order_by(cases.c.pk.desc())
    )
    return connection.execute(query).mappings().all()


def list_all(
    connection: sa.Connection, *, of_runs: Sequence[str] = (), since: float | None = None, target: str | None = None
) -> Iterator[Mapping[str, Any]]:
    """Yield what maps a creditor reference to a case, in the order of the journal; a part is in memory at a time.

    The amount is the row's own, of a bundle's rows, too.

    Args:
        connection: To read from.
        of_runs: The runs whose rows are wanted, each row that has a case; none for all runs, and each case once.
        since: Of runs that began then or later, seconds since the epoch.
        target: Of this target alone.
    """
    wanted = sa.select(*_TOLD).join(runs, runs.c.id == cases.c.run).where(cases.c.case_id.is_not(None))
    wanted = wanted.where(cases.c.run.in_(of_runs)) if of_runs else wanted.where(_is_first())
    wanted = wanted.where(cases.c.status.in_(KNOWN if of_runs else MADE))
    # The case that a bundle's first invoice turned out to have may have none of the others.
    leads = sa.or_(cases.c.bundle.is_(None), cases.c.bundle == cases.c.row)
    wanted = wanted.where(sa.or_(cases.c.status != "duplicate", leads))
    if since is not None:
        wanted = wanted.where(runs.c.started >= since)
    if target is not None:
        wanted = wanted.where(cases.c.target == target)
    last = 0
    while True:
        part = connection.execute(wanted.where(cases.c.pk > last).order_by(cases.c.pk).limit(PART)).mappings().all()
        own = own_amounts(connection, part)
        yield from ({**case, "amount": own.get(case["pk"], case["amount"])} for case in part)
        if len(part) < PART:
            return
        last = part[-1]["pk"]


def _is_first() -> sa.ColumnElement[bool]:
    """Tell the cases that this journal made, and of the others each once: every run that meets one notes it again."""
    earlier = cases.alias()
    met = sa.exists().where(
        earlier.c.case_id == cases.c.case_id,
        earlier.c.account == cases.c.account,
        earlier.c.pk < cases.c.pk,
        earlier.c.status.in_(MADE),
    )
    return sa.or_(cases.c.status == "created", ~met)
