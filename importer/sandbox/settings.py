"""How one sandbox behaves: its limits, its slowness, its faults."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Settings:
    """What may differ from one sandbox to the next.

    Attributes:
        minute, hour, day: The most requests of one key in each window.
        latency: Seconds between the work of `POST /cases` and its answer.
        lose_answer_every: On every Nth `POST /cases` the connection is dropped after the work; 0: never.
        drop_request_every: On every Nth `POST /cases` the connection is dropped before any work; 0: never.
        bare_duplicates: A duplicate reference is told as a bare dictionary of fields, not as a business error: the
            API does not publish which.
    """

    minute: int = 2_000
    hour: int = 20_000
    day: int = 100_000
    latency: float = 0.0
    lose_answer_every: int = 0
    drop_request_every: int = 0
    bare_duplicates: bool = False
