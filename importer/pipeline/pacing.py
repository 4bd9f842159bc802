"""At what pace an account is asked: its throttle goes on where the last one ended, and sees what others ask."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, Final

from importer.journal import auditing
from importer.throttle import REMEMBERED, Throttle

if TYPE_CHECKING:
    from collections.abc import Callable

    from importer.journal import Journal
    from importer.pipeline.account import Waiting
    from importer.settings import Settings

LOOK_EVERY: Final = 1.0  # seconds between two looks at what others have asked meanwhile
LOOK_BACK: Final = 60.0  # seconds by which the clocks of two machines may differ


def throttle_of(
    who: str,
    journal: Journal,
    settings: Settings,
    clock: Callable[[], float],
    *,
    ahead: float | None,
    waiting: Waiting,
    alone: bool = True,
) -> Throttle:
    """Make the throttle of *who*, an account or, as yet, a key: it goes on where the last one ended.

    With *alone* the right to send is held: of what others do meanwhile previews alone count, which need none. Without
    it, whoever asks makes the throttle anew now and then.
    """
    elsewhere = _Previews(journal, who, clock) if alone else tuple
    past = journal.left_since(who, clock() - REMEMBERED)
    return Throttle(settings.rate, past, clock=clock, ahead=ahead, on_wait=waiting, elsewhere=elsewhere)


class _Previews:
    """Tells when previews left that other processes have made of an account since it was asked last."""

    def __init__(self, journal: Journal, account: str, clock: Callable[[], float]) -> None:
        self._journal = journal
        self._account = account
        self._clock = clock
        self._looked = clock()
        self._seen = 0
        self._look()

    def __call__(self) -> list[float]:
        return self._look() if self._clock() >= self._looked + LOOK_EVERY else []

    def _look(self) -> list[float]:
        since, self._looked = self._looked - LOOK_BACK, self._clock()
        with self._journal.reading() as connection:
            found = auditing.previews_since(connection, self._account, since)
        new = [left for number, left in found.items() if number > self._seen]
        self._seen = max([self._seen, *found])
        return new


def steady_clock() -> Callable[[], float]:
    """Make a clock of seconds since the epoch that no change of the system's time makes jump, nor a sleep slow."""
    # `time.monotonic` stands still while Linux or macOS sleeps: what is noted after that would look long past.
    clock = getattr(time, "CLOCK_BOOTTIME", getattr(time, "CLOCK_MONOTONIC", None))
    ticks = time.monotonic if clock is None else partial(time.clock_gettime, clock)
    start = time.time() - ticks()
    return lambda: start + ticks()
