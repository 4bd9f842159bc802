"""An event: what a webhook tells of a case."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Event:
    """What is kept of a delivery; whatever else its payload tells, such as what somebody wrote, is left out.

    Attributes:
        id: The API's own, the same for every attempt at delivering it.
        name: Such as `case.updated`.
        case_id: The case's UUID; blank where the event is of none.
        reference: Debitura's own reference of the case, or blank.
        happened_at: Seconds since the epoch by the API's clock; None where it does not say.
        lifecycle: Where the case stands now; blank where the event does not say.
        before: Where it stood before; blank as above.
        close_code: Why it was closed; None as above.
    """

    id: str
    name: str
    case_id: str
    reference: str = ""
    happened_at: float | None = None
    lifecycle: str = ""
    before: str = ""
    close_code: str | None = None
