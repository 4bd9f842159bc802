"""What the Collection Partner API says of partner references: cases by reference, a case that was started or changed.

Source: https://docs.debitura.com/openapi/collection-partner-api.json
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from importer import messages
from importer.protocol import (
    Absent,
    Answer,
    Denied,
    Doubt,
    NeverLeft,
    Refused,
    Throttled,
    Unanswered,
    read_any,
    read_lookup,
    read_post,
)
from importer.protocol.envelopes import case_of, faults_of, is_api_shaped, parse, partner_reference

if TYPE_CHECKING:
    from collections.abc import Mapping

    from importer.protocol import Found, KnownCase, Reply


@dataclass(frozen=True, slots=True)
class Stored:
    """The case was started, or its reference changed; *reference* is what is stored, None where that is not told."""

    reference: str | None


@dataclass(frozen=True, slots=True)
class NoOperation:
    """The API knows no such operation: nothing was done, nor will it be for another case."""

    status: int


ChangeMeaning = Stored | Refused | Throttled | Denied | Doubt | NeverLeft | NoOperation


def read_cases_by_reference(reply: Reply) -> Mapping[str, KnownCase] | Throttled | Denied | Unanswered:
    """Read the object that a look-up of several partner references gives: what is missing has no case."""
    match read_any(reply):
        case Answer(200, _, body):
            document = parse(body)
            found = {text: case_of(item) for text, item in document.items()} if isinstance(document, dict) else {}
            if not isinstance(document, dict) or None in found.values():
                return Unanswered("a look-up of references could not be read")
            return {text: case for text, case in found.items() if case}
        case Answer(status):
            return Unanswered(f"a look-up of references was answered {status}")
        case other:
            return other


def read_partner_case(reply: Reply) -> Found | Absent | Throttled | Denied | Unanswered:
    """Read one case of the partner; what is none of its collection cases may be told as 400 as well as 404."""
    if isinstance(reply, Answer) and reply.status == 400 and list(faults_of(parse(reply.body))):  # noqa: PLR2004
        return Absent()
    return read_lookup(reply)


def read_change(reply: Reply) -> ChangeMeaning:
    """Tell what a reply means to a request that starts a case, or changes its reference."""
    match reply:
        case Answer(204):
            return Stored(None)
        case Answer(status, _, body) if 200 <= status < 300:  # noqa: PLR2004 - the classes of HTTP
            document = parse(body)
            return Stored(partner_reference(document)) if isinstance(document, dict) else _doubt(status)
        case Answer(404, _, body):
            document = parse(body)
            fault = next(faults_of(document), None) if is_api_shaped(document) else None
            return Refused(fault.code, fault.message, "", "row") if fault else NoOperation(404)
        case Answer(405):
            return NoOperation(405)
    meaning = read_post(reply)
    match meaning:
        case Refused() | Throttled() | Denied() | Doubt() | NeverLeft():
            return meaning
        case _:  # a conflict that reads like a duplicate: nothing here can be one
            return _doubt(409)


def _doubt(status: int) -> Doubt:
    return Doubt(messages.UNREADABLE.say(status=status))


def is_waiting(lifecycle: str) -> bool:
    """Tell whether a case waits for its partner to accept it; the API writes the name or the label.

    >>> is_waiting("PendingVerification"), is_waiting("Pending Verification"), is_waiting("Active")
    (True, True, False)
    """
    return re.sub(r"\s", "", lifecycle).casefold() == "pendingverification"
