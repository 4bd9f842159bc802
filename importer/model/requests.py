"""A request, as the journal notes it before it leaves and when it has ended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    Changes = Mapping[int, Mapping[str, object]]  # a row's number in the journal → its columns → what they become


@dataclass(frozen=True, slots=True)
class Departure:
    """A request that is about to leave.

    Attributes:
        account: In whose windows it counts.
        at: When it leaves, seconds since the epoch.
        kind: What it asks for.
        pk: Number of the case that it is about.
        changes: What else is to be known before it leaves.
    """

    account: str
    at: float
    kind: str
    pk: int
    changes: Changes


@dataclass(frozen=True, slots=True)
class Ending:
    """How a request ended.

    Attributes:
        number: Its own, in the journal.
        left_at: When it left indeed, seconds since the epoch.
        ended_at: When it ended, seconds since the epoch.
        result: In what.
        request_id: The API's own name for it, or None.
        changes: What it makes of rows.
        settles: Nothing more is sent of them, and their bodies go.
    """

    number: int
    left_at: float
    ended_at: float
    result: str
    request_id: str | None
    changes: Changes
    settles: bool
