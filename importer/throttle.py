"""The API's three windows: a minute sliding in segments, a clock hour, a day from the key's first request.

Source: https://docs.debitura.com/developer-concepts/rate-limiting
"""

from __future__ import annotations

import asyncio
import re
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
MARGIN: Final = 0.99  # of the minute's pace: requests that leave evenly arrive a little less so
CATCH_UP: Final = 0.25  # seconds of lateness (of the event loop, of the disk) that are made up for
BOUNDARY: Final = 2.0  # seconds around the full hour in which the API may count a request to either side
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
        """Estimate how long *requests* take at least, in seconds: at the minute's pace, hour by hour."""
        hours, rest = divmod(max(0, requests - 1), self.hour)
        return max(hours * HOUR, (requests - rest - 1) * MINUTE / self.minute) + (rest + 1) * MINUTE / self.minute

    def __str__(self) -> str:
        return f"{self.minute}/min,{self.hour}/h,{self.day}/d"


class Throttle:
    """Lets one request go at a time, evenly, and never more than the windows allow.

    Args:
        rate: The limits.
        past: When earlier requests left, seconds since the epoch, ascending; a day's worth, by any process.
        clock: Seconds since the epoch.
        sleep: As `asyncio.sleep`.
        on_wait: Told why and until when (seconds since the epoch) everyone waits, whenever that is longer than a pace.
    """

    def __init__(
        self,
        rate: Rate,
        past: Iterable[float],
        *,
        clock: Callable[[], float],
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
        on_wait: Callable[[str, float], None] = lambda _reason, _until: None,
    ) -> None:
        self._rate = rate
        self._clock = clock
        self._sleep = sleep
        self._on_wait = on_wait
        self._lock = asyncio.Lock()
        self._interval = MINUTE / (rate.minute * MARGIN)
        self._next = 0.0
        self._paused_until = 0.0
        self._ahead: float | None = None  # seconds by which the API's clock is ahead of ours
        self._day = deque(past)
        self._hour = deque(when for when in self._day if when > clock() - HOUR - BOUNDARY)
        self._minute = deque(when for when in self._day if when > clock() - MINUTE)
        if self._minute:
            self._next = self._minute[-1] + self._interval

    def follow(self, api_time: float) -> None:
        """Take the API's clock, in seconds since the epoch: its hour is the one that counts.

        A `Date` has lost its fraction and some time on the way, so the most that was ever seen is nearest the truth.
        """
        ahead = api_time - self._clock()
        self._ahead = ahead if self._ahead is None else max(self._ahead, ahead)

    def pause(self, seconds: float) -> None:
        """Hold everyone back, after a 429 or while the API is away."""
        self._paused_until = max(self._paused_until, self._clock() + min(seconds, LONGEST_PAUSE))

    async def turn(self) -> float:
        """Wait until a request may leave; returns when that is, and counts it.

        Raises:
            Stopped: The day's requests are spent; says when there are some again.
        """
        async with self._lock:
            while True:
                now = self._clock()
                reason, earliest = self._earliest(now)
                if earliest <= now:
                    break
                if earliest - now > 1:
                    self._on_wait(reason, earliest)
                await self._sleep(earliest - now)
            self._next = max(self._next, now - CATCH_UP) + self._interval
            for window in (self._minute, self._hour, self._day):
                window.append(now)
            return now

    def _earliest(self, now: float) -> tuple[str, float]:
        """Say when the next request may leave, and which limit decides it."""
        ahead = self._ahead or 0.0
        hour_began = (now + ahead) // HOUR * HOUR - ahead
        for window, began in (
            (self._minute, now - MINUTE),
            (self._hour, hour_began - BOUNDARY),
            (self._day, now - DAY),
        ):
            while window and window[0] <= began:
                window.popleft()
        if len(self._day) >= self._rate.day:
            until = datetime.fromtimestamp(self._day[0] + DAY, UTC)
            raise Stopped(
                f"The {self._rate.day:,} requests that the API allows in a day are spent; "
                f"some are free again from {until:%Y-%m-%d %H:%M} UTC."
            )
        candidates = [("pace", self._next), ("the API asked for a pause", self._paused_until)]
        if len(self._minute) >= self._rate.minute:
            candidates.append(("the minute's requests are spent", self._minute[0] + MINUTE))
        if len(self._hour) >= self._rate.hour:
            candidates.append(("the hour's requests are spent", hour_began + HOUR + BOUNDARY))
        return max(candidates, key=lambda candidate: candidate[1])
