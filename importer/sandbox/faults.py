"""The faults that a sandbox makes to order: which requests fall victim to which."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from importer.sandbox.settings import Settings


@dataclass(frozen=True, slots=True)
class Fate:
    """What befalls one call.

    Attributes:
        drop_request: The connection is dropped before any work.
        lose_answer: The connection is dropped after the work, in place of the answer.
    """

    drop_request: bool
    lose_answer: bool


class Faults:
    """Counts the calls of `POST /cases` and tells what befalls each."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._posts = 0

    def next_post(self) -> Fate:
        """Count a call and return what befalls it."""
        self._posts += 1
        return Fate(
            drop_request=_is_turn(self._posts, self._settings.drop_request_every),
            lose_answer=_is_turn(self._posts, self._settings.lose_answer_every),
        )


def _is_turn(number: int, every: int) -> bool:
    return every > 0 and number % every == 0
