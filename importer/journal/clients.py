"""What the journal has of a partner's clients: which there are, and whose accounts they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from importer.journal.tables import cases, runs

if TYPE_CHECKING:
    from collections.abc import Mapping


def all_accounts(connection: sa.Connection) -> set[str]:
    """Name every account that a run was for, or a case."""
    return {*connection.scalars(sa.select(runs.c.account)), *connection.scalars(sa.select(cases.c.account).distinct())}


def clients_left(connection: sa.Connection, run: str) -> set[str]:
    """Name the clients of *run* that have rows to send or to ask about."""
    left = cases.c.status.in_(("planned", "sending", "waiting", "not-sent"))
    return set(connection.scalars(sa.select(cases.c.client).where(cases.c.run == run, left).distinct()))


def accounts_of_run(connection: sa.Connection, run: str) -> dict[str, str]:
    """Return client → account, for the clients of *run*."""
    query = sa.select(cases.c.client, cases.c.account).where(cases.c.run == run, cases.c.client != "").distinct()
    return {client: account for client, account in connection.execute(query)}  # noqa: C416 - typed pairs from rows


def accounts_last_sent(connection: sa.Connection, target: str, environment: str) -> dict[str, str]:
    """Return client → account, as they were when a case of theirs was last made in *environment*."""
    last = (
        sa.select(sa.func.max(cases.c.pk))
        .where(
            cases.c.target == target,
            cases.c.status == "created",
            cases.c.account.startswith(f"{environment}/", autoescape=True),
        )
        .group_by(cases.c.client)
    )
    query = sa.select(cases.c.client, cases.c.account).where(cases.c.pk.in_(last))
    return {client: account for client, account in connection.execute(query)}  # noqa: C416 - as above


def explain(connection: sa.Connection, run: str, reasons: Mapping[str, str]) -> None:
    """Note why the rows of a run that were not sent were not, client by client."""
    for client, reason in reasons.items():
        of_client = (cases.c.run == run, cases.c.client == client, cases.c.status == "planned")
        connection.execute(cases.update().where(*of_client).values(message=reason))
