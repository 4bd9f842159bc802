"""The API's windows, with a clock that the tests move."""

from __future__ import annotations

import asyncio
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from importer.errors import SettingsError, Stopped
from importer.throttle import ARRIVAL, CATCH_UP, DAY, HOUR, LONGEST_PAUSE, MARGIN, MINUTE, Rate, Throttle

NOON = 1_800_000_000.0 // HOUR * HOUR  # seconds since the epoch, at a full hour


class Clock:
    """Stands still but for sleeping."""

    def __init__(self, now: float = NOON) -> None:
        self.now = now
        self.waits: list[str] = []

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds

    def wait(self, reason: str, _until: float) -> None:
        self.waits.append(reason)


def throttle(clock: Clock, rate: Rate, past: tuple[float, ...] = ()) -> Throttle:
    return Throttle(rate, past, clock=clock, sleep=clock.sleep, on_wait=clock.wait)


def departures(limits: Throttle, count: int) -> list[float]:
    async def go() -> list[float]:
        return [await limits.turn() for _ in range(count)]

    return asyncio.run(go())


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("600/min", Rate(minute=600)),
        (" 5 / h , 6/d", Rate(hour=5, day=6)),
        ("2000/min,20000/h,100000/d", Rate()),
    ],
)
def test_a_rate_is_read(text: str, rate: Rate) -> None:
    assert Rate.parse(text) == rate


@pytest.mark.parametrize("text", ["", "fast", "0/min", "5/min,6/min", "-1/h", "5/week", "1e3/min"])
def test_a_rate_of_another_form_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match="2000/min,20000/h,100000/d"):
        Rate.parse(text)


def test_a_rate_is_written_as_it_is_read() -> None:
    assert Rate.parse(str(Rate(1, 2, 3))) == Rate(1, 2, 3)


@pytest.mark.parametrize(("requests", "seconds"), [(0, 0.06), (1_000, 60.0), (5_000, 300.0), (20_000, 3_600 + 600.0)])
def test_the_time_a_run_takes_follows_from_the_windows(requests: int, seconds: float) -> None:
    assert Rate(minute=1_000, hour=10_000).seconds_for(requests) == pytest.approx(seconds)


def test_requests_leave_evenly_at_the_minutes_pace() -> None:
    left = departures(throttle(Clock(), Rate(minute=600)), 100)

    gaps = [after - before for before, after in pairwise(left[10:])]
    assert min(gaps) == pytest.approx(max(gaps)) == pytest.approx(0.1 / MARGIN)


def test_a_little_lateness_is_made_up_for_and_no_more() -> None:
    clock = Clock()
    limits = throttle(clock, Rate(minute=600))
    departures(limits, 50)
    clock.now += 10

    left = departures(limits, 20)

    assert sum(when == left[0] for when in left) == int(CATCH_UP / (0.1 / MARGIN)) + 1


def test_what_another_process_spent_in_the_last_minute_counts() -> None:
    clock = Clock()
    past = tuple(NOON - 30 + number * 0.001 for number in range(600))

    left = departures(throttle(clock, Rate(minute=600), past), 1)

    assert left[0] == pytest.approx(past[0] + MINUTE + ARRIVAL)
    assert clock.waits == ["the minute's requests are spent"]


def test_a_spent_hour_is_waited_for_until_the_next_by_the_apis_clock() -> None:
    clock = Clock(NOON + 600)
    limits = throttle(clock, Rate(hour=10))
    limits.follow(clock.now + 100)
    limits.follow(clock.now + 99)

    left = departures(limits, 11)

    assert left[9] < NOON + 610
    assert left[10] == pytest.approx(NOON + HOUR - 100 + 2)
    assert clock.waits == ["the hour's requests are spent"]


def test_requests_of_the_hour_before_do_not_count() -> None:
    past = tuple(NOON - 100 + number for number in range(10))

    left = departures(throttle(Clock(), Rate(hour=10), past), 10)

    assert left[-1] < NOON + 10


def test_a_spent_day_ends_the_run_and_says_when_to_come_back() -> None:
    clock = Clock()
    limits = throttle(clock, Rate(day=3), (NOON - DAY + 600,))

    with pytest.raises(Stopped, match=r"The 3 requests .* again from 2027-01-15 08:11 UTC"):
        departures(limits, 3)


def test_a_day_ago_is_forgotten() -> None:
    assert departures(throttle(Clock(), Rate(day=1), (NOON - DAY - ARRIVAL,)), 1) == [NOON]


def test_all_wait_for_as_long_as_the_api_asks_and_come_back_evenly() -> None:
    clock = Clock()
    limits = throttle(clock, Rate(minute=600))
    departures(limits, 5)
    limits.pause(42)
    limits.pause(1)

    left = departures(limits, 20)

    assert left[0] == pytest.approx(NOON + 42 + 4 * 0.1 / MARGIN)
    assert left[-1] - left[0] > 1.5
    assert clock.waits == ["the API asked for a pause"]


def test_an_absurd_pause_is_cut_to_an_hour() -> None:
    clock = Clock()
    limits = throttle(clock, Rate())
    limits.pause(1e12)

    assert departures(limits, 1) == [NOON + LONGEST_PAUSE]


@settings(max_examples=60, deadline=None)
@given(
    minute=st.integers(1, 30),
    hour=st.integers(5, 120),
    past=st.lists(st.floats(NOON - 4000, NOON), max_size=40),
    idle=st.lists(st.tuples(st.integers(0, 60), st.floats(0, 900)), max_size=4),
)
def test_no_window_is_ever_exceeded(minute: int, hour: int, past: list[float], idle: list[tuple[int, float]]) -> None:
    clock = Clock()
    past = sorted(past)
    limits = throttle(clock, Rate(minute=minute, hour=hour, day=10_000), tuple(past))
    left = []
    for count, pause in [*idle, (5, 0.0)]:
        left += departures(limits, count)
        clock.now += pause

    every = [*past, *left]
    for when in left:
        assert sum(when - MINUTE < other <= when for other in every) <= max(
            minute, sum(when - MINUTE < other for other in past)
        )
        began = when // HOUR * HOUR
        assert sum(began <= other <= when for other in every) <= max(hour, sum(began <= other for other in past))
