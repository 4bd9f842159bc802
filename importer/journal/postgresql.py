"""PostgreSQL: a URL becomes an engine whose connections notice when they are lost, and write through to the disk."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from importer.errors import JournalError

if TYPE_CHECKING:
    from collections.abc import Mapping

SCHEMES: Final = ("postgresql", "postgres")

# Of libpq, where the URL does not say otherwise: a server that is gone is noticed within a minute.
_CLIENT: Final[Mapping[str, object]] = {
    "application_name": "invoice-importer",
    "connect_timeout": 10,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,  # ms
}
# Of the session, whatever the server's own defaults are; those that a server does not know yet are left out.
_SESSION: Final[Mapping[str, str]] = {
    "synchronous_commit": "on",  # a commit that is confirmed is on the disk
    "idle_session_timeout": "0",  # a sender that waits for its hour is idle, and still the sender
    "tcp_keepalives_idle": "30",  # a client that is gone is noticed, too, and no longer the sender
    "tcp_keepalives_interval": "10",
    "tcp_keepalives_count": "3",
}


@cache
def connect(place: str) -> sa.Engine:
    """Make an engine for a `postgresql://` URL, or return the one of before, which has compiled its statements.

    Whoever disposes of it ends its idle connections alone; it connects again for the next.

    Raises:
        JournalError: It is no such URL, or the driver is missing; never shows the password.
    """
    url = _read(place)
    try:
        engine = sa.create_engine(
            url,
            pool_pre_ping=True,
            hide_parameters=True,  # they are debtors' data, and an error goes to a log
            isolation_level="READ COMMITTED",
            use_native_hstore=False,  # nothing here is one, and each connection would ask for it
            connect_args={name: value for name, value in _CLIENT.items() if name not in url.query},
        )
    except ImportError:
        raise JournalError(
            "A journal in PostgreSQL needs a driver: install it with `pip install 'invoice-importer[postgresql]'`."
        ) from None

    @sa.event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: object) -> None:
        connection.autocommit = True
        with connection.cursor() as cursor:
            # All at once, since the server makes a list of all its settings for each such question. `remote_apply`
            # promises more than `on` does.
            query = (
                "SELECT set_config(name, value, false) FROM pg_settings JOIN unnest(%s::text[], %s::text[]) "
                "AS wanted (name, value) USING (name) WHERE setting <> 'remote_apply'"
            )
            cursor.execute(query, (list(_SESSION), list(_SESSION.values())))
        connection.autocommit = False

    return engine


def shown(url: sa.URL) -> str:
    """Write a URL for people: without the password, and without the options, which may hold one."""
    host = url.host or next(iter(url.normalized_query.get("host", ())), None)
    return sa.URL.create("postgresql", url.username, None, host, url.port, url.database).render_as_string()


def _read(place: str) -> sa.URL:
    form = (
        "IMPORTER_JOURNAL has to be a path or a URL such as postgresql://user:password@host:5432/database; "
        "signs other than letters and digits in its password are written as %40 for @, %2F for /, %3A for :."
    )
    scheme, _, rest = place.partition("://")
    if scheme not in SCHEMES:
        raise JournalError(form)
    try:
        url = sa.make_url(f"postgresql+psycopg://{rest}")
    except (sa.exc.ArgumentError, ValueError):
        raise JournalError(form) from None
    # What was meant as part of a password would be taken for a host or a database, and be shown as one.
    if rest.count("@") != (1 if url.username or url.password else 0):
        raise JournalError(form)
    return url
