"""Where cases stood when the API was last asked: which to ask about, and what is noted of the answers."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa

from importer.journal.identifying import KNOWN
from importer.journal.tables import cases, runs, standings
from importer.model import FIGURES, NOT_FOUND, Figures, Standing, lifecycle_named

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

CHUNK: Final = 500  # rows inserted at once
REFRESH: Final = "refresh"  # in `standings.told_by`
_MOVE: Final = cases.update().where(cases.c.case_id == sa.bindparam("of")).values(lifecycle=sa.bindparam("to"))
_NOTHING: Final = Decimal(0)


@dataclass(frozen=True, slots=True)
class Followed:
    """A case of the journal, and where it stood.

    Attributes:
        case_id: The API's.
        reference: Debitura's own.
        creditor_reference: Ours; None where it has none.
        mode: `live` or `test`.
        run: The first run that has it, and
        row: the row's key there.
        currency: ISO 4217.
        before: Where it stood when `refresh` last asked or, if it never did, when it was made.
        seen_at: When that was first seen, seconds since the epoch; None if `refresh` never asked.
    """

    case_id: str
    reference: str
    creditor_reference: str | None
    mode: str
    run: str
    row: int
    currency: str
    before: Standing
    seen_at: float | None

    @property
    def settled(self) -> bool:
        """Whether nothing more can become of it, as the API itself has said."""
        return self.seen_at is not None and self.before.is_settled


def follow(
    connection: sa.Connection,
    account: str,
    target: str,
    *,
    of_runs: Sequence[str] = (),
    since: float | None = None,
    until: float | None = None,
) -> Iterator[Followed]:
    """Yield the cases of *account* and *target*, each once, in the order of the journal.

    Args:
        connection: To read from.
        account: The API's world and the account's id in it.
        target: By name.
        of_runs: Of these runs' rows; none for all that the journal made.
        since: Of runs that began then or later, seconds since the epoch.
        until: Of runs that began before, seconds since the epoch.
    """
    last = (
        sa.select(standings.c.case_id, sa.func.max(standings.c.pk).label("pk"))
        .where(standings.c.account == account, standings.c.told_by == REFRESH)
        .group_by(standings.c.case_id)
        .subquery()
    )
    known = (standings.c.lifecycle, standings.c.close_code, standings.c.partner, standings.c.figures)
    made = (cases.c.case_id, cases.c.case_reference, cases.c.reference, cases.c.has_reference, cases.c.mode)
    sent = (
        cases.c.run,
        cases.c.row,
        cases.c.amount,
        cases.c.currency,
        cases.c.lifecycle.label("first"),
        cases.c.bundle,
    )
    query = (
        sa.select(*made, *sent, *known, standings.c.seen_at)
        .join(runs, runs.c.id == cases.c.run)
        .outerjoin(last, last.c.case_id == cases.c.case_id)
        .outerjoin(standings, standings.c.pk == last.c.pk)
        .where(cases.c.account == account, cases.c.target == target, cases.c.case_id.is_not(None))
        .where(cases.c.run.in_(of_runs) if of_runs else cases.c.status == "created")
        .where(cases.c.status.in_(KNOWN))
        .order_by(cases.c.pk)
    )
    if since is not None:
        query = query.where(runs.c.started >= since)
    if until is not None:
        query = query.where(runs.c.started < until)
    met: set[str] = set()
    for row in connection.execute(query).mappings():
        if row["case_id"] not in met:
            met.add(row["case_id"])
            yield _followed(row)


def _followed(row: sa.RowMapping) -> Followed:
    if row["seen_at"] is None:
        # A row of a bundle has its own amount, which is a part of what its case claims.
        amount = Decimal(row["amount"]) if row["bundle"] is None else None
        figures = Figures(amount, _NOTHING, _NOTHING, _NOTHING, _NOTHING, _NOTHING, amount)
        before = Standing(lifecycle_named(row["first"] or ""), figures=figures)
    else:
        told: Mapping[str, str] = row["figures"]
        figures = Figures(**{name: Decimal(told[name]) for name in FIGURES if name in told})
        before = Standing(row["lifecycle"], row["close_code"] or "", row["partner"] or "", figures)
    return Followed(
        case_id=row["case_id"],
        reference=row["case_reference"] or "",
        creditor_reference=row["reference"] if row["has_reference"] else None,
        mode=row["mode"],
        run=row["run"],
        row=row["row"],
        currency=row["currency"],
        before=before,
        seen_at=row["seen_at"],
    )


def count_left_out(connection: sa.Connection, account: str, target: str) -> int:
    """Count the cases that the journal made for other accounts or targets."""
    others = sa.or_(cases.c.account != account, cases.c.target != target)
    return connection.scalars(sa.select(sa.func.count()).where(others, cases.c.status == "created")).one()


def note(connection: sa.Connection, account: str, when: float, news: Sequence[tuple[str, Standing]]) -> None:
    """Note where the cases of *news* (by id) stand since *when*, seconds since the epoch."""
    for start in range(0, len(news), CHUNK):
        part = news[start : start + CHUNK]
        rows = [
            {
                "account": account,
                "case_id": case_id,
                "seen_at": when,
                "told_by": REFRESH,
                "lifecycle": standing.lifecycle,
                "close_code": standing.close_code or None,
                "partner": standing.partner or None,
                "figures": {
                    name: f"{amount:f}" for name in FIGURES if (amount := getattr(standing.figures, name)) is not None
                },
            }
            for case_id, standing in part
        ]
        connection.execute(standings.insert(), rows)
        moved = [{"of": case_id, "to": told.lifecycle} for case_id, told in part if told.lifecycle != NOT_FOUND]
        if moved:
            connection.execute(_MOVE, moved)
