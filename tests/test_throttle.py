"""The API's windows, with a clock that the tests move."""

from __future__ import annotations

import asyncio
from itertools import cycle, pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from importer.errors import SettingsError, Stopped
from importer.sandbox import Settings as Sandbox
from importer.sandbox.windows import Windows
from importer.throttle import ARRIVAL, BOUNDARY, CATCH_UP, DAY, HOUR, LONGEST_PAUSE, MARGIN, MINUTE, Rate, Throttle

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


@pytest.mark.parametrize(
    ("requests", "seconds"),
    [(0, 0.06), (1_000, 60.0), (5_000, 300.0), (20_000, 3_600 + 600.0), (250_000, 2 * DAY + 4 * HOUR + 600)],
)
def test_the_time_a_run_takes_follows_from_the_windows(requests: int, seconds: float) -> None:
    assert Rate(minute=1_000, hour=10_000).seconds_for(requests) == pytest.approx(seconds)


def test_requests_leave_evenly_at_the_minutes_pace() -> None:
    left = departures(throttle(Clock(), Rate(minute=600)), 100)

    assert gaps(left) == pytest.approx([0.1 / MARGIN] * 99)


def test_what_others_send_meanwhile_counts_in_all_windows() -> None:
    clock = Clock()
    others = iter([[NOON - 1, NOON + 5], [], [NOON]])
    limits = Throttle(
        Rate(minute=60_000, day=5),
        (),
        clock=clock,
        sleep=clock.sleep,
        elsewhere=lambda: next(others, []),
    )

    left = departures(limits, 2)
    with pytest.raises(Stopped, match="The 5 requests that are allowed in a day are spent"):
        departures(limits, 1)

    assert left == pytest.approx([NOON, NOON], abs=0.01)


def test_a_turn_that_departs_is_told_from_what_others_send() -> None:
    clock = Clock()
    others = iter([[], [NOON, NOON]])
    limits = Throttle(Rate(minute=3), (), clock=clock, sleep=clock.sleep, elsewhere=lambda: next(others, []))
    departures(limits, 1)
    clock.now += 30
    limits.depart()

    assert departures(limits, 1)[0] == pytest.approx(NOON + MINUTE + ARRIVAL)


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


def test_a_turn_that_is_due_is_taken_at_once_but_not_from_whoever_waits_for_it() -> None:
    clock = Clock()
    limits = throttle(clock, Rate(minute=60, day=3))

    async def go() -> list[bool]:
        taken = [limits.take(), limits.take()]
        clock.now += 2
        async with limits._lock:
            taken.append(limits.take())
        taken += [limits.take(), limits.take()]
        await limits.turn()
        return taken

    assert asyncio.run(go()) == [True, False, False, True, False]
    with pytest.raises(Stopped, match="3 requests"):
        limits.take()


def test_a_request_counts_from_when_it_leaves_however_long_after_its_turn() -> None:
    """A disk that is slow for eight seconds keeps two requests back, which then leave together."""
    now = Clock()
    throttle = Throttle(Rate(minute=12), (), clock=now, sleep=now.sleep)

    async def go() -> list[float]:
        left = []
        await throttle.turn()
        await throttle.turn()
        await now.sleep(8)
        left += [throttle.depart(), throttle.depart()]
        for _ in range(20):
            await throttle.turn()
            left.append(throttle.depart())
        return left

    left = asyncio.run(go())

    assert left[0] == left[1]
    assert max(sum(moment - 60 < other <= moment for other in left) for moment in left) == 12


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


def gaps(left: list[float]) -> list[float]:
    return [after - before for before, after in pairwise(left)]


def test_nothing_comes_back_in_a_burst_after_a_pause() -> None:
    clock = Clock()
    limits = throttle(clock, Rate())
    departures(limits, 5)
    limits.pause(7)

    left = departures(limits, 50)

    assert gaps(left) == pytest.approx([MINUTE / 2000 / MARGIN] * 49, abs=1e-6)


def test_nothing_comes_back_in_a_burst_after_the_hour() -> None:
    clock = Clock(NOON + HOUR - 100)
    limits = throttle(clock, Rate(hour=20))

    left = departures(limits, 40)

    assert left[20] == pytest.approx(NOON + HOUR + BOUNDARY)
    assert gaps(left[20:]) == pytest.approx([MINUTE / 2000 / MARGIN] * 19, abs=1e-6)


def test_around_the_full_hour_a_request_counts_to_both_hours() -> None:
    past = tuple(NOON - 100 + number for number in range(9))

    left = departures(throttle(Clock(NOON + 0.5), Rate(hour=10), past), 2)

    assert left == pytest.approx([NOON + 0.5, NOON + BOUNDARY])


def test_a_pause_that_begins_while_somebody_waits_holds_him_as_well() -> None:
    clock = Clock()
    limits = throttle(clock, Rate(minute=60))
    departures(limits, 1)
    waited = iter([30.0])

    async def sleep(seconds: float) -> None:
        clock.now += seconds
        for longer in waited:
            limits.pause(longer)

    limits._sleep = sleep

    assert departures(limits, 1)[0] == pytest.approx(NOON + 1 / MARGIN + 30)


def test_of_several_pauses_the_one_that_ends_last_counts_with_its_reason() -> None:
    clock = Clock()
    limits = throttle(clock, Rate())
    limits.pause(10, "first")
    clock.now += 5
    limits.pause(20, "second")
    limits.pause(3, "third")

    assert departures(limits, 1) == [NOON + 25]
    assert clock.waits == ["second"]


def test_the_pace_is_no_wait_that_people_are_told_of() -> None:
    clock = Clock()

    departures(throttle(clock, Rate(minute=6)), 5)

    assert clock.waits == []


def test_a_restart_waits_no_longer_than_the_pace() -> None:
    clock = Clock()
    left = departures(throttle(clock, Rate(minute=30, hour=100)), 20)

    after = departures(throttle(clock, Rate(minute=30, hour=100), tuple(left)), 1)

    assert after[0] - left[-1] == pytest.approx(2 / MARGIN)


def test_what_left_by_a_clock_that_was_set_back_since_is_counted_from_now() -> None:
    future = tuple(NOON + 30 * DAY + number for number in range(5))

    left = departures(throttle(Clock(), Rate(minute=5), future), 1)

    assert left == [pytest.approx(NOON + MINUTE + ARRIVAL)]


@pytest.mark.parametrize(("minute", "hour"), [(30, 100), (100, 1_000), (2_000, 20_000)])
def test_the_allowance_is_used_to_95_percent_across_restarts(minute: int, hour: int) -> None:
    """Each process begins two seconds after the last one ended; the hour that is spent is waited for."""
    clock = Clock(NOON + 60)
    left: list[float] = []
    while len(left) < hour + minute:
        left += departures(throttle(clock, Rate(minute=minute, hour=hour), tuple(left)), minute)
        clock.now += 2
    spent = [when for when in left if when < NOON + HOUR]

    pace = (len(spent) - 1) / (spent[-1] - spent[0]) * MINUTE

    assert len(spent) >= 0.95 * hour
    assert 0.95 * minute <= pace <= minute
    assert left[len(spent)] == pytest.approx(NOON + HOUR + BOUNDARY)


class World:
    """Requests on their way to the sandbox's own counters, and the journal that outlives each process.

    Args:
        rate: The limits of both sides.
        ahead: Seconds by which the API's clock is ahead of ours.
        ways: Seconds that requests take there, and answers back, one after the other and then over again.
        lateness: Seconds by which a sleep is too long, the same; and by which the server that answers is ahead of the
            one that counts.
        begins: Seconds before the API's full hour.
    """

    def __init__(
        self, rate: Rate, ahead: float, ways: list[float], lateness: list[float], begins: float = 1_000.0
    ) -> None:
        self.rate = rate
        self.clock = Clock(NOON - ahead - begins)
        self.journal: list[float] = []
        self.remembered: float | None = None
        self.left: list[float] = []
        self.arrived: list[float] = []
        self._ahead = ahead
        self._ways = cycle(ways)
        self._lateness = cycle(lateness)

    async def _sleep(self, seconds: float) -> None:
        self.clock.now += seconds + next(self._lateness)

    def _begin(self) -> Throttle:
        return Throttle(self.rate, self.journal, clock=self.clock, ahead=self.remembered, sleep=self._sleep)

    async def _go(self, limits: Throttle) -> float:
        """Take a turn, note it, send; returns the API's clock as it would be seen at this moment."""
        now = self.clock.now if limits.take() else await limits.turn()
        self.journal.append(now)
        there, back = next(self._ways), next(self._ways)
        self.left.append(now)
        self.arrived.append(now + there + self._ahead)
        date = (now + there + self._ahead + next(self._lateness)) // 1  # a `Date` has no fraction
        return date - there - back

    async def run(self, acts: list[tuple[str, float]]) -> None:
        """Live as a process does: ask whose key it is, then send, until it ends, or is killed, which is the same."""
        try:
            self.remembered = await self._go(self._begin()) - self.clock.now
            limits = self._begin()
            for act, amount in acts:
                if act == "idle":
                    self.clock.now += amount
                elif act == "pause":
                    limits.pause(amount)
                elif act == "killed between a turn and its note":
                    await limits.turn()
                    return
                else:
                    for _ in range(int(amount)):
                        limits.follow(await self._go(limits))
        except Stopped:
            self.clock.now = max(self.clock.now, self.journal[-self.rate.day] + DAY + 2 * next(self._lateness))


ACTS = st.lists(
    st.one_of(
        st.tuples(st.just("send"), st.integers(1, 45)),
        st.tuples(
            st.just("idle"), st.one_of(st.floats(0, 9), st.floats(0, 90), st.floats(0, 5_000), st.floats(0, DAY))
        ),
        st.tuples(st.just("pause"), st.floats(0, 4_000)),
        st.tuples(st.just("killed between a turn and its note"), st.just(0.0)),
    ),
    max_size=5,
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    rate=st.builds(Rate, minute=st.integers(1, 60), hour=st.integers(1, 120), day=st.integers(1, 250)),
    ahead=st.one_of(st.just(0.0), st.floats(-5_000, 5_000)),
    ways=st.lists(st.floats(0, 0.5), min_size=1, max_size=7),
    lateness=st.lists(st.one_of(st.just(0.0), st.floats(0, 0.5)), min_size=1, max_size=5),
    begins=st.one_of(st.floats(0, 60), st.floats(0, HOUR)),
    processes=st.lists(ACTS, min_size=1, max_size=5),
)
def test_whatever_happens_the_apis_own_counters_refuse_nothing(
    rate: Rate,
    ahead: float,
    ways: list[float],
    lateness: list[float],
    begins: float,
    processes: list[list[tuple[str, float]]],
) -> None:
    world = World(rate, ahead, ways, lateness, begins)
    for acts in processes:
        asyncio.run(world.run(acts))

    arrived = sorted(world.arrived)
    counters = Windows(Sandbox(minute=rate.minute, hour=rate.hour, day=rate.day), {})
    assert [counters.admit("key", when) for when in arrived] == [0.0] * len(arrived)
    # The same by brute force: any sixty seconds, any clock hour, any day.
    for when in arrived:
        assert sum(when - MINUTE < other <= when for other in arrived) <= rate.minute
        assert sum(when // HOUR == other // HOUR for other in arrived) <= rate.hour
        assert sum(when - DAY < other <= when for other in arrived) <= rate.day
    # And evenly: no second has more than its share, and what lateness may catch up with.
    share = int((1 + CATCH_UP) * rate.minute * MARGIN / MINUTE) + 1
    assert all(sum(when - 1 < other <= when for other in world.left) <= share for when in world.left)


@settings(max_examples=40, deadline=None)
@given(
    ways=st.lists(st.floats(0, 0.5), min_size=2, max_size=7),
    idle=st.lists(st.floats(0, 100), min_size=2, max_size=4),
)
def test_two_that_know_nothing_of_each_other_share_a_key_at_half_the_rate_each(
    ways: list[float], idle: list[float]
) -> None:
    worlds = [World(Rate(15, 50, 200), 0.0, ways, [0.0]) for _ in range(2)]
    for number, world in enumerate(worlds):
        world.clock.now += idle[number]
        for pause in idle[number:]:
            asyncio.run(world.run([("send", 20), ("idle", pause), ("send", 10)]))

    counters = Windows(Sandbox(minute=30, hour=100, day=400), {})
    arrived = sorted(worlds[0].arrived + worlds[1].arrived)
    assert {counters.admit("key", when) for when in arrived} == {0.0}
