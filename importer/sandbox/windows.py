"""Counts each key's requests in the API's three windows.

Source: https://docs.debitura.com/developer-concepts/rate-limiting
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from importer.sandbox.settings import Settings

SEGMENT: Final = 10  # seconds; the minute slides in steps of this
SEGMENTS: Final = 6  # of a minute
HOUR: Final = 3600  # seconds
DAY: Final = 86_400


@dataclass(slots=True)
class Spent:
    """What one key has spent.

    Attributes:
        segments: Segment's number since the epoch → requests in it.
        hour: Number of the clock hour since the epoch, and
        in_hour: the requests in it.
        first: Seconds since the epoch of the key's first request ever: its days begin at that time.
        day: Number of the day since then, and
        in_day: the requests in it.
    """

    segments: dict[int, int] = field(default_factory=dict)
    hour: int = 0
    in_hour: int = 0
    first: float = 0.0
    day: int = 0
    in_day: int = 0


class Windows:
    """Three windows for each key; any one of them rejects, and what is rejected is not counted."""

    def __init__(self, settings: Settings, spent: dict[str, Spent]) -> None:
        self._settings = settings
        self.spent = spent

    def admit(self, key: str, now: float) -> float:
        """Count a request of *key* at *now*, in seconds since the epoch.

        Returns:
            0.0, or after how many seconds to try again: then nothing was counted.
        """
        spent = self.spent.setdefault(key, Spent(first=now))
        segment, hour, day = int(now // SEGMENT), int(now // HOUR), int((now - spent.first) // DAY)
        spent.segments = {number: count for number, count in spent.segments.items() if number > segment - SEGMENTS}
        if hour != spent.hour:
            spent.hour, spent.in_hour = hour, 0
        if day != spent.day:
            spent.day, spent.in_day = day, 0
        waits = [0.0]
        if sum(spent.segments.values()) >= self._settings.minute:
            waits.append((min(spent.segments, default=segment) + SEGMENTS) * SEGMENT - now)
        if spent.in_hour >= self._settings.hour:
            waits.append((hour + 1) * HOUR - now)
        if spent.in_day >= self._settings.day:
            waits.append(spent.first + (day + 1) * DAY - now)
        if (wait := max(waits)) > 0:
            return wait
        spent.segments[segment] = spent.segments.get(segment, 0) + 1
        spent.in_hour += 1
        spent.in_day += 1
        return 0.0
