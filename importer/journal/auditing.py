"""The audit trail: each attempt at a row, one row's history, and the sessions of a run."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from importer.journal.tables import cases, requests, runs

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

CHUNK = 500  # cases asked for at once
ROW_BITS = (1 << 32) - 1  # of a row's key; see `importer.model.row_key`


def attempts_of(connection: sa.Connection, pks: Iterable[int]) -> dict[int, list[sa.RowMapping]]:
    """Return every request that was made for the cases *pks*, oldest first."""
    wanted = list(pks)
    found: defaultdict[int, list[sa.RowMapping]] = defaultdict(list)
    for start in range(0, len(wanted), CHUNK):
        query = sa.select(requests).where(requests.c.case_pk.in_(wanted[start : start + CHUNK])).order_by(requests.c.pk)
        for request in connection.execute(query).mappings():
            found[request["case_pk"]].append(request)
    return found


def cases_of_row(connection: sa.Connection, run: str, row: int) -> Sequence[sa.RowMapping]:
    """Return the cases of *run* that come from row number *row*, one of each source at most."""
    query = sa.select(cases).where(cases.c.run == run, cases.c.row.bitwise_and(ROW_BITS) == row).order_by(cases.c.row)
    return connection.execute(query).mappings().all()


def purged_on(connection: sa.Connection, names: Iterable[str]) -> dict[str, str]:
    """Return, for those of the runs *names* that were purged, the day."""
    wanted = set(names)
    if not wanted:
        return {}
    query = sa.select(runs.c.id, runs.c.summary).where(runs.c.id.in_(wanted))
    return {run.id: run.summary["purged"] for run in connection.execute(query) if "purged" in run.summary}


def previews_since(connection: sa.Connection, account: str, when: float) -> dict[int, float]:
    """Return number → departure of the previews of *account* that left after *when*, in seconds since the epoch."""
    query = sa.select(requests.c.pk, requests.c.left_at).where(
        requests.c.account == account, requests.c.left_at > when, requests.c.kind == "preview"
    )
    return {request.pk: request.left_at for request in connection.execute(query)}


def go_on(connection: sa.Connection, run: str, sessions: Sequence[Mapping[str, Any]]) -> None:
    """Note that *sessions* work at a run again: it has not ended until they have."""
    summary = connection.scalars(sa.select(runs.c.summary).where(runs.c.id == run)).one()
    told = {**summary, "sessions": [*summary["sessions"], *sessions]}
    values = {"summary": told, "finished": None, "exit_code": None, "stopped": None}
    connection.execute(runs.update().where(runs.c.id == run).values(values))
