"""What a row wishes, what is known of its case, and so what is to be done: decided without any request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal
from urllib.parse import quote

from importer import messages
from importer.protocol import survives_path
from importer.protocol.partner import is_waiting

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from importer.model import Status
    from importer.protocol import KnownCase

MOST_REFERENCES: Final = 100  # of one look-up, by the API
LONGEST_QUERY: Final = 4_000  # characters of a look-up's query; servers take 8,000 of the whole line
PORTAL: Final = "https://partner.debitura.com"

Action = Literal["start", "change"]


@dataclass(frozen=True, slots=True)
class Wish:
    """One row's case, and the reference that it is to have.

    Attributes:
        row: The row's key.
        case_id: Debitura's id in small letters; or blank, and then
        reference: Debitura's reference, which may be there with an id as well.
        wanted: The partner reference; blank to clear it.
        body: The request that starts the case.
    """

    row: int
    case_id: str
    reference: str
    wanted: str
    body: bytes

    def names(self, case: KnownCase) -> bool:
        """Tell whether *case* is the one meant."""
        if self.case_id and case.id.lower() != self.case_id:
            return False
        return not self.reference or case.reference == self.reference


@dataclass(frozen=True, slots=True)
class Known:
    """What the API said of a wish's case.

    Attributes:
        case: None where it knows no such case of this partner.
        held: The wanted reference was looked up, and it is this case's.
        other: It was looked up, and another case was named: which of several has it as well is not told.
    """

    case: KnownCase | None
    held: bool = False
    other: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a row.

    Attributes:
        status: As reports say it.
        case: The row's case, where it is known.
        before: What was stored, None where the API does not tell.
        after: What is stored now, the same.
        message: A sentence; blank where there is nothing to say.
        error: The API's own code of a refusal; blank where there is none.
        when: When it was set, seconds since the epoch.
        started: The case was started.
    """

    status: Status
    case: KnownCase | None = None
    before: str | None = None
    after: str | None = None
    message: str = ""
    error: str = ""
    when: float | None = None
    started: bool = False


def decide(wish: Wish, known: Known, *, activate: bool, changes: bool) -> Action | Outcome:
    """Say what is to be done about a wish, or what became of it where nothing is.

    Args:
        wish: The row's.
        known: What the API said.
        activate: Cases that wait to be accepted are to be started.
        changes: There is an operation that changes the reference of a case.
    """
    case = known.case
    if case is None:
        return Outcome(
            "refused",
            message=messages.NO_SUCH_CASE.say(),
        )
    if not wish.names(case):
        said = messages.TWO_CASES.say(reference=case.reference)
        return Outcome("refused", case, message=said)
    stored = stored_in(wish, known)
    if stored == wish.wanted:
        return Outcome("unchanged", case, stored, stored)
    if activate and wish.wanted and is_waiting(case.lifecycle):
        return "start"
    if changes:
        return "change"
    return by_hand(wish, known)


def stored_in(wish: Wish, known: Known) -> str | None:
    """Say which reference the case has; None where the API does not tell."""
    if known.held:
        return wish.wanted
    return known.case.partner_reference if known.case else None


def by_hand(wish: Wish, known: Known) -> Outcome:
    """Say that the reference has to be set by a person, and where."""
    case, stored = known.case, stored_in(wish, known)
    name = case.reference if case else wish.reference
    what = f"enter {wish.wanted}" if wish.wanted else "empty the field"
    said = [messages.BY_HAND.say(reference=name, what=what, portal=PORTAL)]
    if known.other:
        said.append(messages.PERHAPS_STORED.say())
    if case and is_waiting(case.lifecycle):
        said.append(messages.OR_START.say())
    return Outcome("by-hand", case, stored, stored, " ".join(said))


def find_contradictions(wishes: Iterable[Wish], cases: Mapping[int, Known]) -> dict[int, int]:
    """Return row → another row that wants another reference for the same case: two names may be one case's."""
    groups: dict[str, list[Wish]] = {}
    for wish in wishes:
        if case := cases[wish.row].case:
            groups.setdefault(case.id, []).append(wish)
    rivals: dict[int, int] = {}
    for group in groups.values():
        first = group[0]
        other = next((wish for wish in group if wish.wanted != first.wanted), None)
        if other:
            rivals |= {wish.row: (other if wish.wanted == first.wanted else first).row for wish in group}
    return rivals


def batches(references: Iterable[str]) -> Iterator[list[str]]:
    """Put together the references that are looked up at once; one with a comma would be taken for two.

    >>> list(batches(["A", "B,C", "D", "A"]))
    [['A', 'D']]
    """
    batch: list[str] = []
    length = 0
    for text in dict.fromkeys(references):
        if not text or "," in text:
            continue
        size = len(quote(text)) + 3
        if batch and (len(batch) == MOST_REFERENCES or length + size > LONGEST_QUERY):
            yield batch
            batch, length = [], 0
        batch.append(text)
        length += size
    if batch:
        yield batch


def singles(references: Iterable[str]) -> list[str]:
    """List the references that are looked up one by one: those with a comma, as far as they survive in a path.

    >>> singles(["A", "B,C", "B,C", "D,/"])
    ['B,C']
    """
    return [text for text in dict.fromkeys(references) if "," in text and survives_path(text)]


def is_asked_alone(reference: str) -> bool:
    """Tell whether the API can be asked who has *reference*.

    >>> is_asked_alone("A/B"), is_asked_alone("A,B"), is_asked_alone("A,/B"), is_asked_alone("")
    (True, True, False, False)
    """
    return bool(reference) and ("," not in reference or survives_path(reference))


def chunks(texts: Iterable[str], size: int) -> Iterator[Sequence[str]]:
    """Split *texts*, each once, into parts of at most *size*.

    >>> list(chunks(["a", "b", "a", "c"], 2))
    [['a', 'b'], ['c']]
    """
    distinct = list(dict.fromkeys(texts))
    for start in range(0, len(distinct), size):
        yield distinct[start : start + size]
