"""What webhooks subscribed to, and what is on its way to them: kept in the ledger, so that it outlives the server.

Sources: https://docs.debitura.com/clients/integration-guides/webhooks,
https://docs.debitura.com/api/collection-partner-api/create-a-new-webhook-subscription
"""

from __future__ import annotations

import base64
import json
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

from importer.sandbox.answers import ENCODER

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Mapping, Sequence

    from importer.sandbox.lifecycle import Happening
    from importer.sandbox.store import Ledger

ATTEMPTS: Final = 8  # after these a subscription is disabled
FIRST_DELAY: Final = 10.0  # seconds before the second attempt; the API does not publish its own
GROWTH: Final = 3  # of the delay, from one attempt to the next
DISABLED: Final = f"An event could not be delivered in {ATTEMPTS} attempts."
SECRET_BYTES: Final = 32
HOSTS: Final = {
    "customer": "https://customer-api.debitura.com",
    "partner": "https://collectionpartner-api.debitura.com",
}

_TABLES: Final = (
    """
CREATE TABLE IF NOT EXISTS subscriptions (
    number INTEGER PRIMARY KEY, api TEXT NOT NULL, account TEXT NOT NULL, id TEXT NOT NULL UNIQUE, url TEXT NOT NULL,
    events TEXT NOT NULL, is_active INTEGER NOT NULL, is_test INTEGER NOT NULL, secret TEXT NOT NULL,
    created TEXT NOT NULL, updated TEXT NOT NULL, disabled TEXT
)""",
    """
CREATE TABLE IF NOT EXISTS events (
    number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, subscription TEXT NOT NULL, case_id TEXT NOT NULL,
    event TEXT NOT NULL, payload BLOB NOT NULL, created TEXT NOT NULL, due REAL, is_replay INTEGER NOT NULL DEFAULT 0,
    attempts INTEGER NOT NULL DEFAULT 0, delivered TEXT, code INTEGER, error TEXT
)""",
    """
CREATE TABLE IF NOT EXISTS latest (
    case_id TEXT NOT NULL, event TEXT NOT NULL, details BLOB NOT NULL, PRIMARY KEY (case_id, event)
)""",
    "CREATE INDEX IF NOT EXISTS events_of_case ON events (case_id, number)",
    "CREATE INDEX IF NOT EXISTS events_due ON events (due)",
)
_WITH_SUBSCRIPTION: Final = (
    "SELECT e.*, s.url, s.secret FROM events e JOIN subscriptions s ON s.id = e.subscription AND s.is_active"
    " WHERE e.due IS NOT NULL ORDER BY e.due, e.number LIMIT ?"
)


@dataclass(frozen=True, slots=True)
class Letter:
    """One attempt at delivering one event.

    Attributes:
        id: The event's, which is also that of its envelope.
        event: Its name.
        url, secret: The subscription's.
        payload: The bytes that are sent.
        due: Seconds since the epoch.
        is_replay: Whether somebody asked for it again.
    """

    id: str
    event: str
    url: str
    secret: str
    payload: bytes
    due: float
    is_replay: bool


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of an attempt: a status, or why there is none; and how long it took, in milliseconds."""

    code: int | None
    error: str | None
    milliseconds: int
    category: str | None = None

    @property
    def success(self) -> bool:
        """Whether the receiver took it."""
        return self.code is not None and 200 <= self.code < 300  # noqa: PLR2004 - the classes of HTTP


class Outbox:
    """The subscriptions of one ledger and their events; used from the thread that the ledger is used from.

    Attributes:
        clock: The API's, seconds since the epoch.
        wake: Called whenever something is due.

    Args:
        ledger: Where they are kept.
        clock: As above.
        speed: How many times faster than in earnest an event is tried again.
    """

    def __init__(self, ledger: Ledger, clock: Callable[[], float], speed: float) -> None:
        self._ledger = ledger
        self.clock = clock
        self._speed = speed
        self.wake: Callable[[], None] = lambda: None
        for statement in _TABLES:
            ledger.execute(statement)

    # Subscriptions

    def subscribe(self, api: str, account: str, url: str, events: Sequence[str], *, is_test: bool) -> sqlite3.Row:
        """Make a subscription, with a secret of its own."""
        name, now = str(uuid4()), self.now()
        self._ledger.execute(
            "INSERT INTO subscriptions (api, account, id, url, events, is_active, is_test, secret, created, updated)"
            " VALUES (?, ?, ?, ?, ?, 1, ?, ?, ?, ?)",
            (api, account, name, url, json.dumps(list(events)), is_test, make_secret(), now, now),
        )
        return self.subscriptions(api, account, name)[0]

    def subscriptions(self, api: str, account: str, name: str | None = None) -> list[sqlite3.Row]:
        """Return the account's subscriptions, or the one that is called *name*, if any."""
        return self._ledger.execute(
            "SELECT * FROM subscriptions WHERE api = ? AND account = ? AND (? IS NULL OR id = ?) ORDER BY number",
            (api, account, name, name),
        ).fetchall()

    def change(self, name: str, values: Mapping[str, object]) -> None:
        """Change columns of a subscription."""
        changes = {**values, "updated": self.now()}
        names = ", ".join(f"{column} = :{column}" for column in changes)
        self._ledger.execute(f"UPDATE subscriptions SET {names} WHERE id = :id", {**changes, "id": name})  # noqa: S608 - our own names
        self.wake()

    def unsubscribe(self, name: str) -> None:
        """Delete a subscription with its events."""
        self._ledger.execute("DELETE FROM events WHERE subscription = ?", (name,))
        self._ledger.execute("DELETE FROM subscriptions WHERE id = ?", (name,))

    # Events

    def put(
        self,
        api: str,
        account: str,
        event: str,
        case: Mapping[str, Any],
        details: Mapping[str, object] | None = None,
        *,
        only: str | None = None,
    ) -> int:
        """Put an event of *case* on its way to all who subscribed to it, or to the subscription *only*.

        Args:
            api: Whose subscribers are told: "customer" or "partner".
            account: The ledger's name of it; what comes after a colon is a part of the same account.
            event: Its name.
            case: As the API tells it.
            details: What `data` has besides the case's id and reference.
            only: The id of a subscription.

        Returns:
            How many subscriptions are told.
        """
        if details is not None and not event.startswith("case."):
            values = (str(case["id"]), event, ENCODER.encode(details))
            self._ledger.execute("INSERT OR REPLACE INTO latest VALUES (?, ?, ?)", values)
        told = [
            row
            for row in self.subscriptions(api, account.partition(":")[0], only)
            if row["is_active"] and bool(row["is_test"]) == case["isTestCase"] and event in json.loads(row["events"])
        ]
        for row in told:
            name = str(uuid4())
            self._ledger.execute(
                "INSERT INTO events (id, subscription, case_id, event, payload, created, due)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    *(name, row["id"], str(case["id"]), event),
                    *(self.write(api, name, event, case, details), self.now(), self.clock()),
                ),
            )
        if told:
            self.wake()
        return len(told)

    def tell(self, api: str, happening: Happening) -> None:
        """Put what became of a case on its way to the subscribers of *api*."""
        details: dict[str, object] = {}
        if happening.event == "case.updated":
            details = {"oldLifecycle": happening.old, "newLifecycle": happening.new}
        elif happening.event == "case.closed":
            details = {"closeCode": happening.case["closeCode"], "closeComment": None}
        elif happening.payment:
            details = describe_payment(happening.payment)
        self.put(api, happening.account, happening.event, happening.case, details)

    def write(
        self, api: str, name: str, event: str, case: Mapping[str, Any], details: Mapping[str, object] | None = None
    ) -> bytes:
        """Write the envelope of an event that is called *name*."""
        return ENCODER.encode(
            {
                "id": name,
                "specVersion": "1.0",
                "event": event,
                "timestamp": f"{self.now()}Z",
                "data": {"caseId": case["id"], "reference": case["reference"], **(details or {})},
                "links": {"self": f"{HOSTS[api]}/cases/{case['id']}"},
            }
        )

    def latest(self, case_id: str, event: str) -> dict[str, object] | None:
        """Return what the last such *event* of a case told, of payments and chats; None where there was none."""
        found = self._ledger.execute("SELECT details FROM latest WHERE case_id = ? AND event = ?", (case_id, event))
        row = found.fetchone()
        return json.loads(row["details"], parse_float=Decimal) if row else None

    def events(self, api: str, account: str, case_id: str) -> list[sqlite3.Row]:
        """Return the events of a case that went to the account's subscriptions, newest first."""
        return self._ledger.execute(
            "SELECT e.* FROM events e JOIN subscriptions s ON s.id = e.subscription"
            " WHERE s.api = ? AND s.account = ? AND e.case_id = ? ORDER BY e.number DESC",
            (api, account, case_id),
        ).fetchall()

    def replay(self, api: str, account: str, name: str) -> sqlite3.Row | None:
        """Put an event on its way once more, from its first attempt; None where the account has none so called."""
        row: sqlite3.Row | None = self._ledger.execute(
            "SELECT e.* FROM events e JOIN subscriptions s ON s.id = e.subscription"
            " WHERE s.api = ? AND s.account = ? AND e.id = ?",
            (api, account, name),
        ).fetchone()
        if row:
            self._ledger.execute(
                "UPDATE events SET due = ?, attempts = 0, is_replay = 1, delivered = NULL WHERE id = ?",
                (self.clock(), name),
            )
            self.wake()
        return row

    def waiting(self, most: int) -> list[Letter]:
        """Return what is on its way to active subscriptions, by when it is due."""
        return [
            Letter(
                *(row["id"], row["event"], row["url"], row["secret"]),
                *(row["payload"], row["due"], bool(row["is_replay"])),
            )
            for row in self._ledger.execute(_WITH_SUBSCRIPTION, (most,))
        ]

    def wait_of(self, letter: Letter) -> float:
        """Return in how many seconds *letter* is due; 0.0 where it is."""
        return max(0.0, letter.due - self.clock())

    def note(self, letter: Letter, outcome: Outcome) -> None:
        """Note what came of an attempt, and when there is another; after the last one its subscription is disabled."""
        row = self._ledger.execute("SELECT attempts, subscription FROM events WHERE id = ?", (letter.id,)).fetchone()
        if row is None:  # unsubscribed meanwhile
            return
        attempts = row["attempts"] + 1
        due = None
        if not outcome.success and attempts < ATTEMPTS:
            due = self.clock() + FIRST_DELAY * GROWTH ** (attempts - 1) / self._speed
        delivered = self.now() if outcome.success else None
        self._ledger.execute(
            "UPDATE events SET attempts = ?, due = ?, delivered = ?, code = ?, error = ? WHERE id = ?",
            (attempts, due, delivered, outcome.code, outcome.error, letter.id),
        )
        if not outcome.success and due is None:
            self.change(row["subscription"], {"is_active": 0, "disabled": DISABLED})

    def now(self) -> str:
        """Write the API's time as the API does: naive UTC."""
        return datetime.fromtimestamp(self.clock(), UTC).replace(tzinfo=None).isoformat(timespec="microseconds")


def describe_payment(payment: Mapping[str, Any]) -> dict[str, object]:
    """Return what an event tells of a payment."""
    return {"paymentId": payment["id"], "amount": payment["grossAmount"], "currency": payment["currency"]}


def make_secret() -> str:
    """Make the secret of a subscription, in Base64."""
    return base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()
