"""Where a case stands at the API, what changed since it was last asked about, and what its creditor has to do.

Sources: https://docs.debitura.com/developer-concepts/case-lifecycle,
https://support.debitura.com/en/articles/13905669-case-lifecycle-deep-dive-states-transitions-and-triggers
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from decimal import Decimal

NOT_FOUND: Final = "not found"  # in the place of a lifecycle: the API does not have the case
PORTAL: Final = "https://app.debitura.com"


@dataclass(frozen=True, slots=True)
class Lifecycle:
    """A state of a case.

    Attributes:
        label: As people know it; one name may have had several labels, the present one comes first.
        is_open: Whether something may still become of the case.
        to_do: What its creditor has to do for it to go on; blank for nothing.
    """

    label: str
    others: tuple[str, ...] = ()
    is_open: bool = True
    to_do: str = ""


# By the names of the API's enumeration, in the order in which a case goes through them.
LIFECYCLES: Final[Mapping[str, Lifecycle]] = {
    "PendingContractSigning": Lifecycle(
        "Pending contract signing", to_do="Sign the contracts: until then nobody works at the case."
    ),
    "PendingVerificationInternal": Lifecycle("Pending Verification Internal"),
    "PendingVerification": Lifecycle("Pending Verification"),
    "NeedsAdditionalDetails": Lifecycle(
        "More Info Required", to_do="Answer what is asked on the case in Debitura's portal."
    ),
    "Leads": Lifecycle("Collecting Quotes", ("Pending quote by partner",)),
    "LeadsQuoteGiven": Lifecycle(
        "Pending Quote Selection",
        ("Quote given by partner",),
        to_do="Choose one of the partners' quotes in Debitura's portal, before they expire.",
    ),
    "Active": Lifecycle("Active"),
    "Paused": Lifecycle("Paused"),
    "Closed": Lifecycle("Closed", is_open=False),
    "Merged": Lifecycle("Merged", is_open=False),
}
NEEDS_INFO: Final = LIFECYCLES["NeedsAdditionalDetails"].to_do
LOOK: Final = "Look for it in Debitura's portal: the API does not have it for this key. Test cases are deleted in time."

_NAMES: Final = {word.casefold(): name for name, one in LIFECYCLES.items() for word in (name, one.label, *one.others)}


def lifecycle_named(word: str) -> str:
    """Return the enumeration's name for a name or a label, in any case of letters; an unknown word as it is.

    >>> lifecycle_named("More Info Required"), lifecycle_named("paused"), lifecycle_named("Brand New")
    ('NeedsAdditionalDetails', 'Paused', 'Brand New')
    """
    return _NAMES.get(word.strip().casefold(), word.strip())


@dataclass(frozen=True, slots=True)
class Figures:
    """The amounts of a case, in its currency; None where the API does not tell them.

    Attributes:
        gross: The claim, as it was sent.
        interest, reminder, collection: What was added as such.
        added: All that was added.
        paid: What was paid, reckoned from the others; None too where that would take a guess.
        outstanding: What is still to be paid.
    """

    gross: Decimal | None = None
    interest: Decimal | None = None
    reminder: Decimal | None = None
    collection: Decimal | None = None
    added: Decimal | None = None
    paid: Decimal | None = None
    outstanding: Decimal | None = None


FIGURES: Final = tuple(field.name for field in fields(Figures))


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a case stands.

    Attributes:
        lifecycle: A name of LIFECYCLES, a word of the API's that is not among them, or NOT_FOUND.
        close_code: Why it was closed; blank while it is open.
        partner: Who collects it; blank for nobody, or where that is not known.
        figures: Its amounts.
        needs_info: Whether the API says that details are missing.
        link: Where its contracts are signed, while they are not.
    """

    lifecycle: str
    close_code: str = ""
    partner: str = ""
    figures: Figures = Figures()
    needs_info: bool = False
    link: str = ""

    @property
    def label(self) -> str:
        """The lifecycle as people know it."""
        known = LIFECYCLES.get(self.lifecycle)
        return known.label if known else self.lifecycle

    @property
    def is_open(self) -> bool:
        """Whether something may still become of it; of a state that is not known, it may."""
        return not self.is_missing and not self.is_settled

    @property
    def is_missing(self) -> bool:
        """Whether the API does not have it."""
        return self.lifecycle == NOT_FOUND

    @property
    def is_settled(self) -> bool:
        """Whether nothing more can become of it."""
        known = LIFECYCLES.get(self.lifecycle)
        return known is not None and not known.is_open

    @property
    def to_do(self) -> str:
        """What the creditor has to do; blank for nothing."""
        if self.is_missing:
            return LOOK
        known = LIFECYCLES.get(self.lifecycle)
        if known and known.to_do:
            return known.to_do
        return NEEDS_INFO if self.needs_info and self.is_open else ""

    @property
    def where(self) -> str:
        """The link under which that is done; blank where nothing is to do."""
        return (self.link or PORTAL) if self.to_do else ""


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that is not what it was: what, before and now, as people read them."""

    what: str
    before: str
    now: str


def compare(before: Standing, now: Standing) -> tuple[Change, ...]:
    """Say what changed; what was not known before, or is not told now, has not."""
    changes = []
    if before.lifecycle != now.lifecycle:
        changes.append(Change("lifecycle", before.label, now.label))
    if before.close_code != now.close_code and now.lifecycle != NOT_FOUND:
        changes.append(Change("close code", before.close_code, now.close_code))
    if now.partner and before.partner not in ("", now.partner):
        changes.append(Change("partner", before.partner, now.partner))
    for name in FIGURES:
        was, is_ = getattr(before.figures, name), getattr(now.figures, name)
        if was is not None and is_ is not None and was != is_:
            changes.append(Change(name, f"{was:f}", f"{is_:f}"))
    return tuple(changes)


@dataclass(frozen=True, slots=True)
class Line:
    """One case of a status workbook.

    Attributes:
        case_id: The API's.
        reference: Debitura's own.
        creditor_reference: Ours; None where it has none.
        mode: `live` or `test`.
        run: The first run that has it, and
        row: the row's number there.
        currency: ISO 4217.
        standing: Where it stands; where it was not asked about, where it stood.
        told_at: When the API said so, seconds since the epoch; None where it was never asked.
        asked: Whether it was asked about now.
        changes: Since it was last asked about.
        is_news: Whether the journal has to note where it stands.
    """

    case_id: str
    reference: str
    creditor_reference: str | None
    mode: str
    run: str
    row: int
    currency: str
    standing: Standing
    told_at: float | None
    asked: bool
    changes: tuple[Change, ...] = ()
    is_news: bool = False


@dataclass(frozen=True, slots=True)
class StatusReport:
    """What a status workbook tells.

    Attributes:
        title: Which cases these are.
        account: Whose, as people know it; blank where nothing was to be asked.
        asked_at: Seconds since the epoch.
        requests: How many it took.
        lines: One a case, in the order of the journal.
        stopped: Why not all could be asked about; None where all were.
    """

    title: str
    account: str
    asked_at: float
    requests: int
    lines: Sequence[Line]
    stopped: str | None
