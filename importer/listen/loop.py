"""listen: takes what webhooks deliver, and keeps the history of each case in the journal.

A delivery is answered once it is verified and on the disk; it is processed afterwards, here or, if this process dies
before that, by the next one. The journal's writes are short and need no sender's lock: a run may send meanwhile.
"""

from __future__ import annotations

import threading
import time
from contextlib import closing
from typing import TYPE_CHECKING, Final, Protocol

from importer.errors import JournalError, MovedJournalError
from importer.journal import Journal, deliveries
from importer.listen.secrets import need_secrets
from importer.listen.server import Receiver, serving

if TYPE_CHECKING:
    from importer.journal.deliveries import Processed
    from importer.model import Event
    from importer.settings import Settings

LOOK_EVERY: Final = 1.0  # seconds; for events of cases that the journal learns of later, and those another process left
PAUSE: Final = 5.0  # seconds before a journal that could not be used is tried again


class Listener(Protocol):
    """Whoever looks on while deliveries come in; told from several threads."""

    def ready(self, url: str, waiting: int) -> None:
        """Be told where deliveries are taken, and how many are left from an earlier time."""
        ...

    def refused(self, reason: str) -> None:
        """Be told why a delivery was not taken."""
        ...

    def repeated(self, event: Event, *, replayed: bool) -> None:
        """Be told of a delivery that is known already, and whether somebody had it replayed."""
        ...

    def processed(self, done: Processed) -> None:
        """Be told what a delivery said."""
        ...

    def troubled(self, reason: str) -> None:
        """Be told that deliveries cannot be processed for now, though they are kept."""
        ...


def listen(settings: Settings, host: str, port: int, path: str, watcher: Listener) -> None:
    """Take deliveries until interrupted; what has arrived by then is processed.

    Raises:
        SettingsError: There is no secret, or nothing can listen there.
        JournalError: The journal cannot be opened, or was moved elsewhere.
    """
    secrets = need_secrets(settings)
    with closing(Journal.open(settings.journal, settings.locks)) as journal:
        arrived = threading.Event()

        def keep(event: Event, received_at: float, replayed: bool) -> None:  # noqa: FBT001 - called by the server alone
            with journal.begin() as connection:
                new = deliveries.keep(connection, event, received_at)
            if new:
                arrived.set()
            else:
                watcher.repeated(event, replayed=replayed)

        receiver = Receiver(path, secrets.now, keep, watcher.refused)
        try:
            with serving(receiver, host, port) as url:
                with journal.reading() as connection:
                    waiting = deliveries.count_waiting(connection)
                watcher.ready(f"{url}{path}", waiting)
                while True:
                    _process(journal, settings, watcher)
                    arrived.wait(LOOK_EVERY)
                    arrived.clear()
        except KeyboardInterrupt:
            _process(journal, settings, watcher)


def _process(journal: Journal, settings: Settings, watcher: Listener) -> None:
    """Process all that waits; an event of an unknown case waits as long as a lost answer is in doubt."""
    while True:
        now = time.time()
        try:
            with journal.reading() as connection:
                if not deliveries.count_waiting(connection):
                    return
            with journal.begin() as connection:
                done = deliveries.process(connection, now, unknown_before=now - settings.settle_after)
        except MovedJournalError:
            raise
        except JournalError as error:
            watcher.troubled(str(error))
            time.sleep(PAUSE)
            return
        for one in done:
            watcher.processed(one)
        if not done:
            return
