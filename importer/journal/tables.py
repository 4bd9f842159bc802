"""The journal's tables, and its rows as the other stages know them."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from importer.model import Case, Entry

if TYPE_CHECKING:
    from collections.abc import Mapping

LAYOUT: Final = "4"  # of the tables below

metadata = sa.MetaData()

# A hundred thousand requests a day outgrow four bytes within a life; SQLite counts up only what it calls INTEGER.
_NUMBER: Final = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


class Said(sa.TypeDecorator[str]):
    """Text that someone else wrote: PostgreSQL holds no NUL, and what an API says must not stop the record of it."""

    impl = sa.String
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: sa.Dialect) -> str | None:  # noqa: ARG002 - the base's
        """Put the sign for what cannot be shown in the place of each NUL."""
        return value.replace("\0", "\N{REPLACEMENT CHARACTER}") if value else value


meta = sa.Table(
    "meta",
    metadata,
    sa.Column("name", sa.String, primary_key=True),
    sa.Column("value", sa.String, nullable=False),
)

# Whose key is whose, so that an account's lock and windows are known before the key is used.
credentials = sa.Table(
    "credentials",
    metadata,
    sa.Column("credential", sa.String, primary_key=True),  # keyed hash of an API key, for one API
    sa.Column("account", sa.String, nullable=False),
    sa.Column("name", Said, nullable=False),
)

runs = sa.Table(
    "runs",
    metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("account", sa.String, nullable=False),
    sa.Column("target", sa.String, nullable=False),
    sa.Column("mode", sa.String, nullable=False),
    sa.Column("started", sa.Float, nullable=False, index=True),
    sa.Column("finished", sa.Float),
    sa.Column("resumable", sa.Boolean, nullable=False),
    sa.Column("exit_code", sa.Integer),
    sa.Column("stopped", Said),
    sa.Column("summary", sa.JSON, nullable=False),
)

cases = sa.Table(
    "cases",
    metadata,
    sa.Column("pk", _NUMBER, primary_key=True),
    sa.Column("run", sa.ForeignKey(runs.c.id), nullable=False),
    sa.Column("row", sa.BigInteger, nullable=False),
    sa.Column("account", sa.String, nullable=False),
    sa.Column("target", sa.String, nullable=False),
    sa.Column("mode", sa.String, nullable=False),
    sa.Column("client", sa.String, nullable=False, server_default=""),  # what a partner calls the account
    sa.Column("creditor", sa.String, nullable=False),
    sa.Column("reference", sa.String, nullable=False),
    sa.Column("has_reference", sa.Boolean, nullable=False),
    sa.Column("guarded", sa.Boolean, nullable=False, server_default=sa.true()),
    sa.Column("bundle", sa.BigInteger),  # the row of the same run whose case this row is a part of
    sa.Column("status", sa.String, nullable=False),
    sa.Column("n", sa.Integer, nullable=False),
    sa.Column("key", sa.String, nullable=False),
    sa.Column("body", sa.LargeBinary),
    sa.Column("amount", sa.String, nullable=False),
    sa.Column("currency", sa.String, nullable=False),
    sa.Column("grouped", sa.String, nullable=False),
    sa.Column("fingerprints", sa.JSON, nullable=False),
    sa.Column("debtor", sa.String),
    sa.Column("dated", sa.String),
    # How far the sending of it got; times in seconds since the epoch, UTC.
    sa.Column("credential", sa.String),  # keyed hash of the API key of the first attempt
    sa.Column("since", sa.Float),  # by the API's clock, before the first attempt
    sa.Column("sent_at", sa.Float),  # when the first attempt left
    sa.Column("attempted_at", sa.Float),  # when the last one left
    sa.Column("attempts", sa.Integer, nullable=False, default=0),
    sa.Column("doubts", sa.Integer, nullable=False, default=0),  # attempts of which nothing is known
    sa.Column("doubted_at", sa.Float),  # when the last of these ended
    sa.Column("by_server", sa.Boolean, nullable=False, default=True),  # all of these were 5xx answers
    # What became of it.
    sa.Column("case_id", Said, index=True),
    sa.Column("case_reference", Said, index=True),
    sa.Column("lifecycle", Said),
    sa.Column("error", Said),
    sa.Column("message", Said),
    sa.Column("solution", Said),
    sa.UniqueConstraint("run", "row"),
)

_IDENTITY: Final = (cases.c.account, cases.c.target, cases.c.mode, cases.c.creditor, cases.c.reference)
_HOLDS: Final = cases.c.status.in_(("sending", "created"))

# The reference first: it is what is looked for, and alone tells nearly all cases apart.
sa.Index("cases_identity", cases.c.reference, cases.c.account, cases.c.target, cases.c.mode, cases.c.creditor)
# No identity can be in flight twice, or again after it was made, whatever a program does.
sa.Index("cases_once", *_IDENTITY, unique=True, sqlite_where=_HOLDS, postgresql_where=_HOLDS)

# Rows that a run kept back since a rule failed: they are no cases, and met all the same.
kept_back = sa.Table(
    "kept_back",
    metadata,
    sa.Column("pk", _NUMBER, primary_key=True),
    sa.Column("run", sa.ForeignKey(runs.c.id), nullable=False),
    sa.Column("row", sa.BigInteger, nullable=False),
    sa.Column("reference", Said),
    sa.Column("status", sa.String, nullable=False),
    sa.Column("codes", sa.String, nullable=False),  # of its errors, a line each
    sa.Index("kept_back_reference", "reference"),
    sa.Index("kept_back_row", "run", "row"),
)

requests = sa.Table(
    "requests",
    metadata,
    sa.Column("pk", _NUMBER, primary_key=True),
    sa.Column("account", sa.String, nullable=False),
    sa.Column("left_at", sa.Float, nullable=False),
    sa.Column("kind", sa.String, nullable=False),
    sa.Column("case_pk", _NUMBER),
    sa.Column("ended_at", sa.Float),
    sa.Column("result", Said),
    sa.Column("request_id", Said),  # the API's own name for it, where it gives one
    sa.Index("requests_window", "account", "left_at"),
    sa.Index("requests_case", "case_pk"),
)

# Where the API said that a case stands: one row for each change that was seen.
standings = sa.Table(
    "standings",
    metadata,
    sa.Column("pk", _NUMBER, primary_key=True),
    sa.Column("account", sa.String),  # NULL while no row of *cases* has the case
    sa.Column("case_id", Said, nullable=False),
    sa.Column("seen_at", sa.Float, nullable=False),
    sa.Column("told_by", sa.String, nullable=False),  # `refresh`, or the event of a webhook
    sa.Column("lifecycle", Said, nullable=False),
    sa.Column("close_code", Said),
    sa.Column("partner", Said),
    sa.Column("figures", sa.JSON, nullable=False),  # exact decimals in strings
    sa.Index("standings_case", "case_id", "pk"),
)

# Events that webhooks delivered, by the API's own id, so that a repeated one is told from a new one.
deliveries = sa.Table(
    "deliveries",
    metadata,
    sa.Column("id", Said, primary_key=True),
    sa.Column("account", sa.String),
    sa.Column("event", Said, nullable=False),
    sa.Column("case_id", Said, nullable=False),
    sa.Column("happened_at", sa.Float, nullable=False),
    sa.Column("received_at", sa.Float, nullable=False),
    sa.Column("processed_at", sa.Float),
    sa.Column("payload", sa.JSON),  # until it is processed
    sa.Index("deliveries_case", "case_id"),
    sa.Index("deliveries_waiting", "processed_at"),
)

DROPPED: Final[Mapping[str, object]] = {"body": None, "debtor": None, "dated": None}  # personal data, once settled

INSERT_REQUEST: Final = requests.insert()
INSERT_REQUESTS: Final = requests.insert().returning(requests.c.case_pk, requests.c.pk)
END_REQUEST: Final = (
    requests.update()
    .where(requests.c.pk == sa.bindparam("at"))
    .values(
        left_at=sa.func.coalesce(sa.bindparam("left", type_=sa.Float), requests.c.left_at),
        ended_at=sa.bindparam("ended_at"),
        result=sa.bindparam("result"),
        request_id=sa.bindparam("request_id"),
    )
)
_updates: dict[tuple[str, ...], sa.Update] = {}


def update_case(names: tuple[str, ...]) -> sa.Update:
    """Return the statement that sets the columns *names*; built once, since building costs more than running."""
    if names not in _updates:
        values: Any = {name: sa.bindparam(name) for name in names}
        _updates[names] = cases.update().where(cases.c.pk == sa.bindparam("at")).values(values)
    return _updates[names]


def columns_of(case: Case) -> dict[str, object]:
    """Spread a new case over the columns of *cases*."""
    return {
        "row": case.row,
        "client": case.client,
        "creditor": case.creditor,
        "reference": case.reference,
        "has_reference": case.has_reference,
        "guarded": case.guarded,
        "bundle": case.bundle,
        "n": case.n,
        "key": case.key,
        "body": case.body,
        "amount": str(case.amount),
        "currency": case.currency,
        "grouped": case.group,
        "fingerprints": dict(case.fingerprints),
        "debtor": case.debtor,
        "dated": case.date.isoformat(),
        "attempts": 0,
        "doubts": 0,
        "by_server": True,
    }


def entry_of(row: sa.RowMapping) -> Entry:
    """Gather a row of *cases* into what the other stages know."""
    case = Case(
        row=row["row"],
        creditor=row["creditor"],
        reference=row["reference"],
        has_reference=row["has_reference"],
        guarded=row["guarded"],
        bundle=row["bundle"],
        n=row["n"],
        key=row["key"],
        body=row["body"] or b"",
        amount=Decimal(row["amount"]),
        currency=row["currency"],
        group=row["grouped"],
        fingerprints=row["fingerprints"],
        debtor=row["debtor"] or "",
        date=date.fromisoformat(row["dated"]) if row["dated"] else date.min,
        client=row["client"],
    )
    names = (name for name in Entry.__slots__ if name != "case")
    return Entry(case=case, **{name: row[name] for name in names})
