"""The API's three windows: a minute sliding in segments, a clock hour, a day from the key's first request.

Source: https://docs.debitura.com/developer-concepts/rate-limiting
"""

from __future__ import annotations

import asyncio
import math
import re
from bisect import bisect_left, insort
from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, Self

from importer.errors import SettingsError, Stopped

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

MINUTE: Final = 60.0  # seconds
HOUR: Final = 3600.0
DAY: Final = 86_400.0
MARGIN: Final = 0.9915  # of the minute's pace: requests that leave evenly arrive a little less so
ARRIVAL: Final = 0.51  # seconds that a request may be longer on its way than others; at MARGIN's pace it costs nothing
REMEMBERED: Final = DAY + ARRIVAL  # seconds after which a request counts in no window
CATCH_UP: Final = 0.5  # seconds of lateness (of the event loop, of the disk) that are made up for
BOUNDARY: Final = 2.0  # seconds around the full hour in which the API may count a request to either hour
LONGEST_PAUSE: Final = 3600.0  # seconds; a retryAfter beyond the hour's window is a mistake


@dataclass(frozen=True, slots=True)
class Rate:
    """The most requests in each window.

    >>> Rate.parse("600/min,5000/h")
    Rate(minute=600, hour=5000, day=100000)
    """

    minute: int = 2_000
    hour: int = 20_000
    day: int = 100_000

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `2000/min,20000/h,100000/d`; a window that is left out keeps its published limit.

        Raises:
            SettingsError: The text has another form.
        """
        names = {"min": "minute", "h": "hour", "d": "day"}
        limits = {}
        for part in text.split(","):
            found = re.fullmatch(r"\s*([1-9][0-9]{0,8})\s*/\s*(min|h|d)\s*", part)
            if not found or names[found[2]] in limits:
                raise SettingsError(f"The rate {text!r} is not of the form 2000/min,20000/h,100000/d.")
            limits[names[found[2]]] = int(found[1])
        return cls(**limits)

    def seconds_for(self, requests: int) -> float:
        """Estimate how long *requests* take at least, in seconds: at the minute's pace, hour by hour, day by day."""
        days, requests = divmod(max(0, requests - 1), self.day)
        hours, rest = divmod(requests, self.hour)
        return (
            days * DAY + max(hours * HOUR, (requests - rest) * MINUTE / self.minute) + (rest + 1) * MINUTE / self.minute
        )

    def __str__(self) -> str:
        return f"{self.minute}/min,{self.hour}/h,{self.day}/d"


class Throttle:
    """Lets one request go at a time, evenly, and never more than the windows allow.

    Args:
        rate: The limits.
        past: When earlier requests left, seconds since the epoch, ascending; at least those of REMEMBERED seconds, by
            any process.
        clock: Seconds since the epoch.
        ahead: Seconds by which the API's clock is ahead of ours, where that is known.
        sleep: As `asyncio.sleep`.
        on_wait: Told why and until when (seconds since the epoch) everyone waits, whenever that is for more than the
            pace, and longer than a second.
        elsewhere: Gives when requests left that others have made since it was asked last.
    """

    def __init__(
        self,
        rate: Rate,
        past: Iterable[float],
        *,
        clock: Callable[[], float],
        ahead: float | None = None,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
        on_wait: Callable[[str, float], None] = lambda _reason, _until: None,
        elsewhere: Callable[[], Iterable[float]] = tuple,
    ) -> None:
        now = clock()
        self._rate = rate
        self._clock = clock
        self._ahead = ahead
        self._sleep = sleep
        self._on_wait = on_wait
        self._elsewhere = elsewhere
        self._lock = asyncio.Lock()
        self._interval = MINUTE / (rate.minute * MARGIN)
        # Ascending. What left in the future left under a clock that has been set back since: it is counted from now.
        self._left = [min(when, now) for when in past]
        self._next = max(now, self._left[-1] + self._interval) if self._left else now
        self._turns: deque[float] = deque()  # those that nobody has taken yet
        self._paused_until = 0.0
        self._pause_reason = ""

    def follow(self, api_time: float) -> None:
        """Take the API's clock, in seconds since the epoch: its hour is the one that counts.

        A `Date` has lost its fraction and some time on the way, so the most that was ever seen is nearest the truth.
        """
        ahead = api_time - self._clock()
        self._ahead = ahead if self._ahead is None else max(self._ahead, ahead)

    def pause(self, seconds: float, reason: str = "the API asked for a pause") -> None:
        """Hold everyone back, after a 429 or while the API is away; of several pauses the one that ends last counts."""
        until = self._clock() + min(seconds, LONGEST_PAUSE)
        if until > self._paused_until:
            self._paused_until, self._pause_reason = until, reason

    async def turn(self) -> float:
        """Wait until a request may leave; returns when that is, and counts it.

        Raises:
            Stopped: The day's requests are spent; says when there are some again.
        """
        async with self._lock:
            waited = 0.0
            while True:
                now = self._look()
                reason, due = self._due(now)
                if due <= now:
                    break
                waited = due
                if reason and due - now > 1:
                    self._on_wait(reason, due)
                await self._sleep(due - now)
            # Lateness is made up for, a wait is not: after it requests come back at the pace.
            self._count(now, max(due, waited))
            return now

    def take(self) -> bool:
        """Take a turn that is due now, if one is and nobody waits for one; as `turn`, which takes longer."""
        now = self._look()
        due = self._due(now)[1]
        if due > now or self._lock.locked():
            return False
        self._count(now, due)
        return True

    def _look(self) -> float:
        """Tell the time, when all that others asked until then is counted."""
        now = self._clock()
        for left in self._elsewhere():
            insort(self._left, min(left, now))
        return now

    def _count(self, now: float, due: float) -> None:
        self._next = max(due, now - CATCH_UP) + self._interval
        self._left.append(now)
        self._turns.append(now)

    def depart(self) -> float:
        """Count the oldest turn from now on, when its request leaves; returns when that is.

        What comes between a turn and its request, such as a disk that is slow for seconds, would else let requests out
        together that were counted apart.
        """
        now = max(self._clock(), self._left[-1])
        del self._left[bisect_left(self._left, self._turns.popleft())]
        self._left.append(now)
        return now

    def _due(self, now: float) -> tuple[str, float]:
        """Say when the next request may leave, and which limit decides it: none where that is the pace."""
        left, rate = self._left, self._rate
        if len(left) >= rate.day and (free := left[-rate.day] + DAY + ARRIVAL) > now:
            until = datetime.fromtimestamp(math.ceil(free / MINUTE) * MINUTE, UTC)
            raise Stopped(
                f"The {rate.day:,} requests that are allowed in a day are spent; "
                f"some are free again from {until:%Y-%m-%d %H:%M} UTC."
            )
        waits = [("", self._next), (self._pause_reason, self._paused_until)]
        if len(left) >= rate.minute:
            waits.append(("the minute's requests are spent", left[-rate.minute] + MINUTE + ARRIVAL))
        # Around the full hour a request counts to both hours: to the old one until it is surely over.
        ahead = self._ahead or 0.0
        began = (now + ahead - BOUNDARY) // HOUR * HOUR - ahead
        if len(left) >= rate.hour and left[-rate.hour] > began - BOUNDARY:
            waits.append(("the hour's requests are spent", began + HOUR + BOUNDARY))
        return max(waits, key=lambda wait: wait[1])
