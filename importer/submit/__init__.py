"""Which case next, and what an answer does to it: sending as never-twice, never-lost, never-too-fast work.

One turn of the throttle is one request, and one request is one step of one case. A case whose answer was lost is asked
about before anything else happens to it, and is sent again, same bytes and same key, only when a fresh look-up still
says that there is none after the time in which a request may still be running at the API.
"""

from __future__ import annotations

import asyncio
import contextlib
import heapq
from collections import defaultdict, deque
from itertools import count
from typing import TYPE_CHECKING, Any, Final, cast

from importer.errors import ImporterError, Interrupted, Stopped
from importer.submit.decision import Follower, Patience
from importer.submit.lessons import LONGEST_WAIT, Lessons
from importer.submit.sending import Sending
from importer.submit.step import Step

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from importer.model import Status
    from importer.submit.decision import Decision
    from importer.throttle import Throttle

__all__ = ["LONGEST_WAIT", "Follower", "Patience", "Sender", "Sending", "Step"]

LAST_WAIT: Final = 5.0  # seconds that what is in flight has after an interruption; containers are killed after ten


class Sender:
    """Sends cases until none is left, or until something says that the rest would not get through.

    Args:
        step: Does one request for one case, and journals it.
        throttle: Gives the turns.
        ceiling: The most requests in flight.
        patience: How long the API may be away.
        keep_going: Hold no group back.
        clock: Seconds since the epoch.
        observe: Told the status of each row as it is settled.
        credential: What is shown to the API, and
        remedy: what to do when it is not accepted, in words.
    """

    def __init__(
        self,
        step: Step,
        throttle: Throttle,
        *,
        ceiling: int,
        patience: Patience,
        keep_going: bool,
        clock: Callable[[], float],
        observe: Callable[[Status], None],
        credential: str = "API key",
        remedy: str = "Put the right one in IMPORTER_API_KEY.",
    ) -> None:
        self._step = step
        self._throttle = throttle
        self._ceiling = ceiling
        self._clock = clock
        self._observe = observe
        self._urgent: deque[Sending] = deque()
        self._ready: deque[Sending] = deque()
        self._parked: list[tuple[float, int, Sending]] = []
        self._order = count()
        self._running: set[asyncio.Task[None]] = set()
        self._halt = asyncio.Event()
        self._reason: ImporterError | None = None
        self._bug: BaseException | None = None
        self._going: dict[object, int] = {}
        self._behind: defaultdict[object, deque[Sending]] = defaultdict(deque)
        self._lessons = Lessons(
            throttle,
            patience,
            keep_going=keep_going,
            clock=clock,
            stop=self.stop,
            credential=credential,
            remedy=remedy,
        )

    def stop(self, reason: ImporterError) -> None:
        """Send nothing more; what is in flight comes to its end, after an interruption within `LAST_WAIT`."""
        if self._reason is None:
            self._reason = reason
            self._halt.set()

    async def send(self, sendings: Iterable[Sending]) -> None:
        """Send all of *sendings*; those that are in doubt are asked about first.

        Raises:
            Stopped: Sending ended early, or a group was held back; what was not settled is in the journal.
            Interrupted: `stop` was called with it.
        """
        for sending in sendings:
            (self._urgent if sending.asks else self._ready).append(sending)
        halted = asyncio.create_task(self._halt.wait())
        try:
            await self._dispatch(halted)
            if self._running:
                await asyncio.wait(self._running, timeout=LAST_WAIT if isinstance(self._reason, Interrupted) else None)
        finally:
            for task in {halted, *self._running}:
                task.cancel()
            await asyncio.gather(halted, *self._running, return_exceptions=True)
        if self._bug:
            raise self._bug
        if self._reason:
            raise self._reason
        if self._lessons.held:
            raise Stopped(" ".join(self._lessons.held.values()))

    async def _dispatch(self, halted: asyncio.Task[Any]) -> None:
        """Start a request at each turn, until nothing is left or all has to stop."""
        while not self._halt.is_set():
            picked = self._pick()
            if picked:
                if await self._turn(halted):
                    self._start(picked)
            elif self._running or self._parked:
                await self._rest(halted)
            else:
                return

    def _pick(self) -> Sending | None:
        """Take the next case: first what is in doubt, then what has waited long enough, then the next row."""
        while len(self._running) < self._ceiling:
            if self._urgent:
                sending = self._urgent.popleft()
            elif self._parked and self._parked[0][0] <= self._clock():
                sending = heapq.heappop(self._parked)[2]
            elif self._ready:
                sending = self._ready.popleft()
            else:
                return None
            if (sending.doubts or sending.case.group not in self._lessons.held) and self._may_go(sending):
                return sending
        return None

    def _may_go(self, sending: Sending) -> bool:
        """Let only one of several cases go at a time that could be taken for each other, until it is settled."""
        if sending.case.guarded:
            return True
        if self._going.setdefault(sending.likeness, sending.pk) == sending.pk:
            return True
        self._behind[sending.likeness].append(sending)
        return False

    async def _rest(self, halted: asyncio.Task[Any]) -> None:
        """Wait until a request ends, a parked case is due, or all has to stop."""
        due = None
        if self._parked and len(self._running) < self._ceiling:
            due = max(0.0, self._parked[0][0] - self._clock())
        await asyncio.wait({halted, *self._running}, timeout=due, return_when=asyncio.FIRST_COMPLETED)

    async def _turn(self, halted: asyncio.Task[Any]) -> bool:
        """Wait for a turn; false where all has to stop before it comes."""
        try:
            return self._throttle.take() or await self._wait(halted)
        except Stopped as error:
            self.stop(error)
            return False

    async def _wait(self, halted: asyncio.Task[Any]) -> bool:
        turn = asyncio.create_task(self._throttle.turn())
        await asyncio.wait({turn, halted}, return_when=asyncio.FIRST_COMPLETED)
        if not turn.done():
            turn.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await turn
            return False
        turn.result()
        return not self._halt.is_set()

    def _start(self, sending: Sending) -> None:
        task = asyncio.create_task(self._take(sending))
        self._running.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        if task.cancelled() or task.exception() is None:
            return
        error = cast("BaseException", task.exception())
        if isinstance(error, ImporterError):
            # The journal does not take what happened: nothing more may be sent that it would not know of.
            self.stop(error if isinstance(error, Stopped) else Stopped(f"Sending was stopped. {error}"))
        else:
            self._bug = error
            self._halt.set()

    async def _take(self, sending: Sending) -> None:
        """Do one step of a case, and put it where it belongs next."""
        turn = self._lessons.begin(sending)
        meaning, decision = await self._step.take(sending)
        self._lessons.learn(sending, meaning, turn)
        if decision.status:
            await self._settled(sending, decision)
        elif decision.due is not None:
            heapq.heappush(self._parked, (decision.due, next(self._order), sending))
        elif not decision.given_up:
            self._urgent.append(sending)

    async def _settled(self, sending: Sending, decision: Decision) -> None:
        if self._going.get(sending.likeness) == sending.pk:  # one with a reference may look the same, and holds nothing
            del self._going[sending.likeness]
            if self._behind[sending.likeness]:
                self._ready.appendleft(self._behind[sending.likeness].popleft())
        if not sending.earlier:
            self._observe(cast("Status", decision.status))
        for follower in sending.followers:
            released = await self._step.release(sending, follower, decision)
            if isinstance(released, Sending):
                self._ready.appendleft(released)
            else:
                self._observe(released)
