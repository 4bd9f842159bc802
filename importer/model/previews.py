"""What the API would say of cases that are not sent yet, asked once for all that are alike."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal  # noqa: TC003 - what keeps a run reads the annotations at run time
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator

Verdict = Literal["would be taken", "contract missing", "would be refused", "not known"]

IDENTITY: Final = "missingkycverification"  # of all that is "Missing…" the only thing that is not signed


@dataclass(frozen=True, slots=True)
class Needed:
    """What has to be done before the API takes such a case.

    Attributes:
        code: The API's own word for it, as in its refusals.
        message: A sentence.
        link: Where it is done; blank where that is not told.
    """

    code: str
    message: str
    link: str

    @property
    def is_missing(self) -> bool:
        """Whether something is to be brought along, to all of which one link leads."""
        return self.code.casefold().startswith("missing")

    @property
    def is_contract(self) -> bool:
        """Whether it is a signature, for which the API may let a case wait."""
        return self.is_missing and self.code.casefold() != IDENTITY


@dataclass(frozen=True, slots=True)
class Forecast:
    """What the API says of a case that is not there.

    Attributes:
        eligible: Whether there is anybody to collect it.
        reason: Why not; blank where there is.
        place: The jurisdiction, as the API names it.
        partner: Who would collect it.
        needed: What has to be done first; all of it keeps the case from being made.
        link: Where all of it is signed in one go; blank where that is not told.
        base: The success fee of a claim that is not old, in percent.
        surcharge: What its age adds to that, in percentage points.
        total: Both.
        basis: Which price list that is from.
    """

    eligible: bool
    reason: str
    place: str
    partner: str
    needed: tuple[Needed, ...]
    link: str
    base: Decimal | None
    surcharge: Decimal | None
    total: Decimal | None
    basis: str


@dataclass(frozen=True, slots=True)
class PreviewGroup:
    """Cases that differ in nothing that decides whether the API takes them.

    Attributes:
        client: Whose account they go to, where a partner sends; else blank.
        country, state: Of the debtors: alpha-2 codes; a state for debtors in the US alone.
        debtor_type: Company or Private.
        currency: ISO 4217.
        rows: How many.
        cases: That they make: fewer where rows are bundled.
        amount: Their sum.
        asked: The amount of the largest case, which is the one that was asked about.
        age: What was said of its age: its due date, or that there are amounts by age; blank where there is neither.
        forecast: What the API said; None where it said nothing.
        failed: Why it said nothing, in a sentence; else blank.
    """

    client: str
    country: str
    state: str
    debtor_type: str
    currency: str
    rows: int
    cases: int
    amount: Decimal
    asked: Decimal
    age: str
    forecast: Forecast | None = None
    failed: str = ""

    @property
    def verdict(self) -> Verdict:
        """What would become of these cases now."""
        if self.forecast is None:
            return "not known"
        if not self.forecast.eligible or any(not one.is_contract for one in self.forecast.needed):
            return "would be refused"
        return "contract missing" if self.forecast.needed else "would be taken"

    @property
    def title(self) -> str:
        """The group as people know it.

        >>> from decimal import Decimal
        >>> two = Decimal(2)
        >>> PreviewGroup("", "US", "CA", "Company", "USD", 1, 1, two, two, "").title
        'US-CA, Company, USD'
        """
        return ", ".join(part for part in (self.client, self.place, self.debtor_type, self.currency) if part)

    @property
    def place(self) -> str:
        """The country, with the state where there is one, as ISO 3166-2 writes it."""
        return f"{self.country}-{self.state}" if self.state else self.country

    def reasons(self) -> Iterator[tuple[str, str]]:
        """Yield why cases like these would not be taken now: a sentence and, where there is one, a link."""
        if self.forecast is None:
            yield self.failed, ""
            return
        if not self.forecast.eligible:
            yield self.forecast.reason or "The API says that it is not eligible.", ""
        for one in self.forecast.needed:
            yield one.message or one.code, (one.is_missing and self.forecast.link) or one.link


@dataclass(frozen=True, slots=True)
class Preview:
    """What the API would say of all that a source would send.

    Attributes:
        groups: In the order of amounts at stake: those first that would be refused.
        requests: How many were needed.
        stopped: Why it came to no end, in a sentence; else blank.
    """

    groups: tuple[PreviewGroup, ...]
    requests: int
    stopped: str = ""
