"""What one answer says of all that is still to be sent: wait, hold a group back, or stop."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from typing import TYPE_CHECKING, Final

from importer import messages
from importer.errors import ImporterError, Stopped
from importer.protocol import Denied, Doubt, Made, NeverLeft, Refused, Taken, Throttled, Unanswered

if TYPE_CHECKING:
    from collections.abc import Callable

    from importer.submit.decision import Patience
    from importer.submit.sending import Sending
    from importer.throttle import Throttle

DOUBTS_IN_A_ROW: Final = 10
THROTTLED_IN_A_ROW: Final = 10
LONGEST_WAIT: Final = 3660.0  # seconds that a 429 is waited for: the hour's window; more is a day's that is spent
DAY: Final = 86_400.0  # seconds; a longer wait is no window's, and taken for one that was not said
REFUSALS_IN_A_ROW: Final = 3  # of one country and currency, for a reason that depends on these
LONGEST_BACKOFF: Final = 30.0  # seconds, of everyone, while the API is away or says 429 without saying how long


@dataclass(frozen=True, slots=True)
class Turn:
    """Which request of the run it was, and which of those that were to make a case; None for a question."""

    step: int
    post: int | None


class Lessons:
    """Learns from each answer, in whatever order they come in.

    Args:
        throttle: Holds everyone back.
        patience: How long the API may be away.
        keep_going: Hold no group back.
        clock: Seconds since the epoch.
        stop: Told why nothing more is to be sent.
        credential: What is shown to the API, and
        remedy: what to do when it is not accepted, in words.

    Attributes:
        held: Country and currency → why its rows are not sent any more.
    """

    def __init__(
        self,
        throttle: Throttle,
        patience: Patience,
        *,
        keep_going: bool,
        clock: Callable[[], float],
        stop: Callable[[ImporterError], None],
        credential: str,
        remedy: str,
    ) -> None:
        self._throttle = throttle
        self._patience = patience
        self._keep_going = keep_going
        self._clock = clock
        self._stop = stop
        self._credential = credential
        self._remedy = remedy
        self._posts = count()
        self._steps = count(1)
        self._last_step = 0
        self._together = 0  # steps up to this one were in flight when the API last failed: they fail with it
        self._doubtful: set[int] = set()
        self._refusals: Counter[str] = Counter()
        self._throttled = 0
        self._away = 0
        self._away_since = 0.0
        self.held: dict[str, str] = {}

    def begin(self, sending: Sending) -> Turn:
        """Be told that the next request of *sending* is about to leave."""
        self._last_step = next(self._steps)
        return Turn(self._last_step, None if sending.asks else next(self._posts))

    def learn(self, sending: Sending, meaning: object, turn: Turn) -> None:
        """Draw from one answer what it says of all that is still to be sent."""
        if isinstance(meaning, Doubt) and turn.post is not None and not (meaning.by_server and sending.attempts > 1):
            # A row that the API fails again and again, perhaps from its store, says nothing of the other rows.
            self._doubt(turn.post, meaning.reason)
        fresh = turn.step > self._together
        match meaning:
            case Throttled(seconds):
                self._back_off(seconds, fresh=fresh)
                return
            case NeverLeft(reason):
                if fresh:
                    self._unreachable(reason)
                return
            case Unanswered():
                return
            case Denied(status, message):
                text = "is not accepted" if status == 401 else "may not do this"  # noqa: PLR2004
                said = f": {message}" if message else ""
                self._stop(Stopped(f"The {self._credential} {text} ({status}{said}). {self._remedy}"))
            case Made() | Taken():
                self._refusals.pop(sending.case.group, None)
            case Refused():
                self._refused(sending.case.group, meaning)
        if fresh:
            self._throttled = self._away = 0

    def _doubt(self, number: int, reason: str) -> None:
        """Stop after ten doubts in a row: of requests that left one after the other, however their answers came in."""
        self._doubtful.add(number)
        first = last = number
        while first - 1 in self._doubtful:
            first -= 1
        while last + 1 in self._doubtful:
            last += 1
        if last - first + 1 >= DOUBTS_IN_A_ROW:
            said = f"{DOUBTS_IN_A_ROW} answers in a row were lost or unreadable, the last: {reason}."
            self._stop(Stopped(said))

    def _refused(self, group: str, refusal: Refused) -> None:
        said = f"{refusal.message} {refusal.solution}".strip()
        if refusal.reach == "run":
            self._stop(Stopped(f"The API takes no cases from this account. {said}"))
        elif refusal.reach == "group":
            self._refusals[group] += 1
            if self._refusals[group] >= REFUSALS_IN_A_ROW and not self._keep_going:
                country, _, currency = group.partition(" ")
                self.held[group] = messages.GROUP_STOPPED.say(country=country, currency=currency, said=said)
        else:
            self._refusals.pop(group, None)

    def _back_off(self, seconds: float | None, *, fresh: bool) -> None:
        """Hold everyone back after a 429; all that were in flight together are one failure, not many."""
        if seconds is not None and seconds > LONGEST_WAIT:
            if seconds <= DAY:
                until = datetime.fromtimestamp(self._clock() + seconds, UTC)
                self._stop(
                    Stopped(
                        f"The API allows this key no more requests until {until:%Y-%m-%d %H:%M} UTC. "
                        "`importer resume` goes on then."
                    )
                )
            seconds = None
        if fresh:
            self._together = self._last_step
            self._throttled += 1
            if self._throttled >= THROTTLED_IN_A_ROW:
                self._stop(
                    Stopped(
                        "The API keeps answering 429: another program may be using up the key's requests. "
                        "`importer resume` goes on later."
                    )
                )
        self._throttle.pause(max(1.0, seconds or min(LONGEST_BACKOFF, 2.0**self._throttled)))

    def _unreachable(self, reason: str) -> None:
        """Hold everyone back while the API is away, and stop when it stays away."""
        now = self._clock()
        self._together = self._last_step
        if not self._away:
            self._away_since = now
        self._away += 1
        if now - self._away_since >= self._patience.settle_after:
            self._stop(Stopped(f"The API cannot be reached: {reason}. `importer resume` goes on once it can be."))
        self._throttle.pause(min(LONGEST_BACKOFF, 2.0 ** min(self._away, 5) / 2), "the API cannot be reached")
