"""The journal's layout: made where there is none, and taken to the present one where an earlier version made it.

Whoever opens a journal takes it there, also one who only reads. All of it is one transaction, behind a lock, so that of
two programs that start at once one does it, and none ever sees a journal that is half way.

The steps are Alembic's operations; the row `layout` of *meta* says how far a journal is. A step never changes after its
release, and names no table of `tables`, since those go on changing.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa

from importer.errors import JournalError, MovedJournalError, NoJournalError
from importer.journal.database import shown
from importer.journal.tables import LAYOUT, meta, metadata

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from alembic.operations import Operations

MOVED_TO: Final = "moved_to"  # in *meta*: where a journal went, which is used no more
LOCK: Final = 0x696D706F72746572  # of PostgreSQL, for the length of the transaction


def is_present(connection: sa.Connection) -> bool:
    """Tell whether the journal has the present layout; one who reads, and finds that, holds up no writer.

    Raises:
        JournalError: It was moved.
    """
    query = sa.select(meta.c.name, meta.c.value).where(meta.c.name.in_(("layout", MOVED_TO)))
    try:
        told = {name: value for name, value in connection.execute(query)}  # noqa: C416 - typed pairs from rows
    except (sa.exc.ProgrammingError, sa.exc.OperationalError):
        return False  # mostly: there is no such table; whatever else it is, who settles it says so
    if told.get("layout") != LAYOUT:
        return False
    _refuse(connection, told.get(MOVED_TO))
    return True


def settle(connection: sa.Connection, *, create: bool) -> None:
    """Bring the journal behind *connection* to the present layout.

    Raises:
        NoJournalError: There is none, and *create* is false.
        JournalError: A later version of this program made it, or it was moved.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(LOCK)))
    found = _find(connection)
    if found is None and not create:
        raise NoJournalError(f"There is no journal at {shown(connection.engine)}: nothing was sent from there yet.")
    if found is None:
        metadata.create_all(connection)
        connection.execute(meta.insert(), [{"name": "layout", "value": LAYOUT}, _new_secret()])
    elif found in STEPS:
        _upgrade(connection, found)
    elif found != LAYOUT:
        raise JournalError(
            f"The journal {shown(connection.engine)} has layout {found}; "
            f"this version of the importer knows {LAYOUT}. Install the version that made it, or a later one."
        )


def refuse_moved(connection: sa.Connection) -> None:
    """Let nobody use a journal that was moved.

    Raises:
        MovedJournalError: It was; names where it is now.
    """
    _refuse(connection, connection.scalar(sa.select(meta.c.value).where(meta.c.name == MOVED_TO)))


def _refuse(connection: sa.Connection, moved_to: str | None) -> None:
    if moved_to is not None:
        raise MovedJournalError(
            f"The journal {shown(connection.engine)} was moved to {moved_to} and is used no more: "
            "set IMPORTER_JOURNAL to that URL, with its password."
        )


def _find(connection: sa.Connection) -> str | None:
    if not sa.inspect(connection).has_table(meta.name):
        return None
    return connection.scalar(sa.select(meta.c.value).where(meta.c.name == "layout"))


def _new_secret() -> dict[str, str]:
    return {"name": "secret", "value": secrets.token_hex(32)}


def _upgrade(connection: sa.Connection, found: str) -> None:
    # Half a second of imports that only an earlier layout needs.
    from alembic.operations import Operations  # noqa: PLC0415
    from alembic.runtime.migration import MigrationContext  # noqa: PLC0415

    operations = Operations(MigrationContext.configure(connection))
    while found in STEPS:
        found, step = STEPS[found]
        step(operations)
    connection.execute(meta.update().where(meta.c.name == "layout").values(value=found))


def _from_1(op: Operations) -> None:
    op.create_table(
        "credentials",
        sa.Column("credential", sa.String, primary_key=True),
        sa.Column("account", sa.String, nullable=False),
        sa.Column("name", sa.String, nullable=False),
    )
    op.add_column("requests", sa.Column("request_id", sa.String))
    op.create_index("requests_case", "requests", ["case_pk"])
    op.drop_index("cases_identity", "cases")
    op.create_index("cases_identity", "cases", ["reference", "account", "target", "mode", "creditor"])
    _add_sessions(op.get_bind())
    if op.get_bind().dialect.name == "postgresql":
        for table, column in (("cases", "pk"), ("requests", "pk"), ("requests", "case_pk")):
            op.alter_column(table, column, type_=sa.BigInteger)
        for table in ("cases", "requests"):
            op.execute(f"ALTER SEQUENCE {table}_pk_seq AS bigint")


def _add_sessions(connection: sa.Connection) -> None:
    """Tell of each run who worked at it, as far as the first layout knew."""
    kept = sa.table("runs", *map(sa.column, ("id", "started", "finished", "exit_code", "stopped")))
    kept.append_column(sa.column("summary", sa.JSON))
    for run in connection.execute(sa.select(kept)).all():
        session = {
            "began": run.started,
            "by": "unknown",
            "version": "unknown",
            "ended": run.finished,
            "exit_code": run.exit_code,
            "stopped": run.stopped,
        }
        told = {**run.summary, "sessions": [session]}
        connection.execute(kept.update().where(kept.c.id == run.id).values(summary=told))


def _from_2(op: Operations) -> None:
    op.add_column("cases", sa.Column("guarded", sa.Boolean, nullable=False, server_default=sa.true()))
    kept = sa.table("cases", sa.column("has_reference", sa.Boolean), sa.column("guarded", sa.Boolean))
    op.execute(kept.update().values(guarded=kept.c.has_reference))
    op.add_column("cases", sa.Column("bundle", sa.BigInteger))
    op.add_column("cases", sa.Column("client", sa.String, nullable=False, server_default=""))
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "standings",
        sa.Column("pk", number, primary_key=True),
        sa.Column("account", sa.String),
        sa.Column("case_id", sa.String, nullable=False),
        sa.Column("seen_at", sa.Float, nullable=False),
        sa.Column("told_by", sa.String, nullable=False),
        sa.Column("lifecycle", sa.String, nullable=False),
        sa.Column("close_code", sa.String),
        sa.Column("partner", sa.String),
        sa.Column("figures", sa.JSON, nullable=False),
    )
    op.create_index("standings_case", "standings", ["case_id", "pk"])
    op.create_table(
        "deliveries",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("account", sa.String),
        sa.Column("event", sa.String, nullable=False),
        sa.Column("case_id", sa.String, nullable=False),
        sa.Column("happened_at", sa.Float, nullable=False),
        sa.Column("received_at", sa.Float, nullable=False),
        sa.Column("processed_at", sa.Float),
        sa.Column("payload", sa.JSON),
    )
    op.create_index("deliveries_case", "deliveries", ["case_id"])
    op.create_index("deliveries_waiting", "deliveries", ["processed_at"])


def _from_3(op: Operations) -> None:
    op.create_table(
        "kept_back",
        sa.Column("pk", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True),
        sa.Column("run", sa.String, sa.ForeignKey("runs.id"), nullable=False),
        sa.Column("row", sa.BigInteger, nullable=False),
        sa.Column("reference", sa.String),
        sa.Column("status", sa.String, nullable=False),
        sa.Column("codes", sa.String, nullable=False),
    )
    op.create_index("kept_back_reference", "kept_back", ["reference"])
    op.create_index("kept_back_row", "kept_back", ["run", "row"])


# from → to, how
STEPS: Final[Mapping[str, tuple[str, Callable[[Operations], None]]]] = {
    "1": ("2", _from_1),
    "2": ("3", _from_2),
    "3": ("4", _from_3),
}
