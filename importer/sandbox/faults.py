"""The faults that a sandbox makes to order: which there are, and which requests fall victim to which."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, Self

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Victim = Literal["create", "ask", "case", "token", "bearer", "all"]


@dataclass(frozen=True, slots=True)
class Kind:
    """One entry of the catalogue.

    Attributes:
        victim: `POST /cases`, look-ups and lists, both of these, requests for tokens, what is asked or made with one,
            or everything that the sandbox does.
        what: What happens.
        seconds: How long, or by how much, unless the order says otherwise; None where the fault has no such figure.
    """

    victim: Victim
    what: str
    seconds: float | None = None


CATALOGUE: Final[Mapping[str, Kind]] = {
    "drop-request": Kind("create", "the connection is cut before anything is made"),
    "lose-answer": Kind("create", "the connection is cut in place of the answer: the case may have been made"),
    "fail-500": Kind("create", "500, and nothing is made"),
    "fail-502": Kind("create", "502 with a page of HTML, and nothing is made"),
    "fail-503": Kind("create", "503 without a body, and nothing is made"),
    "fail-500-made": Kind("create", "500, though the case is made"),
    "fail-502-made": Kind("create", "502 with a page of HTML, though the case is made"),
    "fail-503-made": Kind("create", "503 without a body, though the case is made"),
    "refuse-422": Kind(
        "create", "422 `MissingPowerOfAttorney`, nothing is made, and the answer is kept for the `Idempotency-Key`"
    ),
    "fail-500-stored": Kind("create", "500, nothing is made, and the answer is kept for the `Idempotency-Key`"),
    "garbled": Kind("create", "the case is made, and the answer is half of its JSON"),
    "truncated": Kind("create", "the case is made, and the connection is cut in the midst of the body"),
    "slow-body": Kind("create", "the body of the answer trickles in over some seconds", 1.0),
    "hang-before": Kind(
        "create", "nothing for some seconds, then the case is made, whether the caller waits or not", 1.0
    ),
    "hang-after": Kind("create", "the case is made, and the answer comes some seconds later", 1.0),
    "key-ignored": Kind("create", "the `Idempotency-Key` has no meaning"),
    "duplicates-allowed": Kind("create", "a second case is made for a reference that exists"),
    "duplicate-fields": Kind("create", "a duplicate is told as a dictionary of fields, `CreditorReference`"),
    "duplicate-field": Kind("create", "the same, `creditorReference`"),
    "duplicate-409": Kind("create", "a duplicate is told as 409"),
    "duplicate-422": Kind(
        "create", "a duplicate is told as 422 `DuplicateCreditorReference`, with business errors alone"
    ),
    "duplicate-problem": Kind("create", "a duplicate is told as problem details"),
    "lookups-fail": Kind("ask", "503 for look-ups, lists and previews"),
    "lookups-hang": Kind("ask", "look-ups, lists and previews answer some seconds late", 1.0),
    "throttle": Kind("case", "429 with `retryAfter` in its body", 1.0),
    "throttle-header": Kind("case", "429 with a `Retry-After` header alone", 1.0),
    "throttle-silent": Kind("case", "429 that does not say how long"),
    "throttle-zero": Kind("case", "429 with a `retryAfter` of 0"),
    "throttle-absurd": Kind("case", "429 with a `retryAfter` of centuries"),
    "deny": Kind("case", "401, as if the key had just been revoked"),
    "unlink": Kind("token", "404, as if the partner had no such client any more"),
    "revoke-token": Kind("bearer", "401 for the client's token, now and ever after; a new one is accepted"),
    "expire-tokens": Kind(
        "all", "clients' tokens are good for some seconds, though they are said to be for longer", 1.0
    ),
    "short-tokens": Kind("all", "clients' tokens are said to be good for some seconds, and are", 2.0),
    "clock-skew": Kind("all", "the sandbox's clock is ahead by some seconds; behind, where they are negative", 3600.0),
    "close-idle": Kind("all", "connections that idle for some seconds are closed", 0.1),
}


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault to order, and which requests of its kind it befalls.

    Attributes:
        name: From the catalogue.
        every: Each Nth request.
        chance: Of these, so many at random, from 0 to 1.
        after: Not the first N.
        times: At most N times; None for no end.
        seconds: As the catalogue says.

    >>> Fault.parse("hang-before:every=5,seconds=3")
    Fault(name='hang-before', every=5, chance=1.0, after=0, times=None, seconds=3.0)
    """

    name: str
    every: int = 1
    chance: float = 1.0
    after: int = 0
    times: int | None = None
    seconds: float = 0.0

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `NAME[:option=value,…]`.

        Raises:
            ValueError: There is no such fault or option, or a value is no figure for it; says what there is.
        """
        name, _, rest = text.partition(":")
        if name not in CATALOGUE:
            raise ValueError(f"There is no fault {name!r}; there are: {', '.join(CATALOGUE)}.")
        kind = CATALOGUE[name]
        given: dict[str, float] = {}
        for part in filter(None, rest.split(",")):
            option, _, value = part.partition("=")
            try:
                given[option] = _read(option, value, kind)
            except (KeyError, ValueError):
                raise ValueError(
                    f"The fault {name!r} cannot have {part!r}; its options are every=N, chance=P, after=N, times=N"
                    f"{', seconds=S' if kind.seconds is not None else ''}."
                ) from None
        values: dict[str, float] = {"seconds": kind.seconds or 0.0} | given
        return cls(name, **values)  # type: ignore[arg-type]  # each read as its type


def _read(option: str, value: str, kind: Kind) -> float:
    if option == "seconds" and kind.seconds is not None:
        seconds = float(value)
        if not math.isfinite(seconds) or (seconds < 0 and kind.victim != "all"):
            raise ValueError
        return seconds
    lowest, highest = {"every": (1, 10**9), "after": (0, 10**9), "times": (0, 10**9), "chance": (0, 1)}[option]
    number = float(value) if option == "chance" else int(value)
    if not lowest <= number <= highest:
        raise ValueError
    return number


class Faults:
    """Counts the requests, and tells what befalls each."""

    def __init__(self, ordered: Iterable[Fault], seed: int) -> None:
        self._ordered = tuple(ordered)
        self._chance = random.Random(seed)  # noqa: S311 - a seed, so that a failure can be seen again
        self._requests = dict.fromkeys(range(len(self._ordered)), 0)
        self._befallen = dict.fromkeys(range(len(self._ordered)), 0)

    def befall(self, victim: Literal["create", "ask", "token"], *, bearer: bool = False) -> dict[str, Fault]:
        """Count a request, with a client's token or not, and return what befalls it, by name."""
        victims = {victim} if victim == "token" else {victim, "case", *(("bearer",) if bearer else ())}
        fate: dict[str, Fault] = {}
        for number, fault in enumerate(self._ordered):
            if CATALOGUE[fault.name].victim in victims and self._is_turn(number, fault):
                fate[fault.name] = fault
        return fate

    def _is_turn(self, number: int, fault: Fault) -> bool:
        self._requests[number] += 1
        counted = self._requests[number] - fault.after
        if counted <= 0 or counted % fault.every or (fault.times is not None and self._befallen[number] >= fault.times):
            return False
        if fault.chance < 1 and self._chance.random() >= fault.chance:
            return False
        self._befallen[number] += 1
        return True

    def always(self, name: str) -> float | None:
        """Return the seconds of a fault that befalls everything; None where it was not ordered."""
        return next((fault.seconds for fault in self._ordered if fault.name == name), None)
