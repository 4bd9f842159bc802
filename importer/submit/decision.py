"""What can become of a case on its way, and how long to wait for what."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from importer import messages

if TYPE_CHECKING:
    from collections.abc import Mapping

    from importer.model import Case
    from importer.protocol import KnownCase, Refused


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait, in seconds.

    Attributes:
        settle_after: After a lost answer, before a 404 is believed; so long may look-ups fail, and the API be away.
        timeout: For one request; a process that died was waiting no longer than that.
    """

    settle_after: float = 60.0
    timeout: float = 30.0


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of a case.

    Attributes:
        status: It is settled as this; None where it is not settled yet.
        values: What the journal is to note of it.
        due: Seconds since the epoch before which nothing is to be done; None for at once.
        given_up: It stays in doubt; a later run asks again.
    """

    status: str | None = None
    values: Mapping[str, object] = field(default_factory=dict)
    due: float | None = None
    given_up: bool = False


AT_ONCE: Final = Decision()


@dataclass(frozen=True, slots=True)
class Follower:
    """The case of this run that waits for an earlier run's under the same identity.

    Attributes:
        pk: Its number in the journal.
        case: What would be sent.
        message: In what it differs from the earlier one.
        parts: Number and message of each other row of it.
    """

    pk: int
    case: Case
    message: str | None
    parts: tuple[tuple[int, str | None], ...] = ()


def tell_part(reference: str, *, shown: bool) -> str:
    """Say of a bundle's other rows that *reference*, its first, is a duplicate: they may have no case at all.

    Args:
        reference: Of the first row.
        shown: Whether the API shows the case; where it does not, no row of the bundle is sent again.
    """
    remedy = messages.SUBMIT_WITHOUT.say(reference=reference) if shown else messages.BY_PORTAL.say()
    return messages.PART_OF_DUPLICATE.say(reference=reference, remedy=remedy)


def created(case: KnownCase) -> Decision:
    """Settle a case as made: this is what the API has."""
    return Decision(
        "created",
        {
            "case_id": case.id,
            "case_reference": case.reference,
            "lifecycle": case.lifecycle,
            "solution": case.solution or None,
            "error": None,
            "message": None,
        },
    )


def rejected(refusal: Refused) -> Decision:
    """Settle a case as refused: this is why."""
    return Decision(
        "rejected", {"error": refusal.code, "message": refusal.message, "solution": refusal.solution or None}
    )
