"""How one sandbox behaves: its limits, its slowness, its faults."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from importer.sandbox.faults import Fault


@dataclass(frozen=True, slots=True)
class Settings:
    """What may differ from one sandbox to the next.

    Attributes:
        minute, hour, day: The most requests of one key in each window.
        latency: Seconds between the work of `POST /cases` and its answer.
        faults: What goes wrong.
        seed: Of the faults that come by chance.
        webhook_speed: How many times faster than in earnest a webhook's event is tried again.
        reference_path: An operation of the Collection Partner API that no document names, such as `PATCH /cases/{id}`:
            it changes a case's partner reference. Blank for none. Where there is one, cases also tell that reference.
    """

    minute: int = 2_000
    hour: int = 20_000
    day: int = 100_000
    latency: float = 0.0
    faults: tuple[Fault, ...] = ()
    seed: int = 0
    webhook_speed: float = 1.0
    reference_path: str = ""
