"""Makes managed cases: one `POST /managed-cases`, judged by rules of its own, for a creditor that is new each time.

Sources: https://docs.debitura.com/api/collection-partner-api/create-case-as-managing-partner and
https://docs.debitura.com/collection-partners/concepts/managed-cases
"""

from __future__ import annotations

from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING, Final
from uuid import uuid4

from importer.sandbox.accounts import Obstacles, find_obstacles
from importer.sandbox.creating import Creation, debtor_country
from importer.sandbox.lists import countries, find_country, find_state
from importer.sandbox.rules import find_misfits, judge_claim, judge_country, judge_dates, read_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import date

    from importer.sandbox.accounts import Caller
    from importer.sandbox.answers import Answer
    from importer.sandbox.rules import Messages

CREDITOR: Final = ("creditorCompanyName", "creditorCountryAlpha2", "creditorCountry")
MEMBERS: Final[Mapping[str, str]] = {
    **dict.fromkeys(CREDITOR, "System.String"),
    "currencyCode": "System.String",
    "date": "System.DateTime",
    "dueDate": "System.DateTime",
    "amountToRecover": "System.Decimal",
    "creditorReference": "System.String",
    "claimDescription": "System.String",
    "comments": "System.String",
    "collectionPartnerId": "System.Guid",
    "isTest": "System.Boolean",
    "tag": "System.String",
    "debtor": "Debtor",
}


class ManagedCreation(Creation):
    """Makes managed cases: contracts are bypassed, and a reference that exists keeps nobody from a second case."""

    members = MEMBERS
    api = "partner"
    born = "case.assigned"  # to the partner who made it

    def judge(self, request: dict[str, object], today: date) -> Messages:
        """Return every reason why a request is refused: member → messages."""
        return judge(request, today)

    def add_up(self, request: Mapping[str, object], _: date) -> dict[str, object]:
        """Take *request* as it is: claim lines are unknown here."""
        return dict(request)

    def find_obstacles(self, caller: Caller, request: Mapping[str, object]) -> Obstacles:
        """Return what keeps *caller* from the case: never a contract."""
        known = replace(caller, account=caller.account.partition(":")[0])  # as keys name it
        return Obstacles(final=find_obstacles(known, debtor_country(request)).final)

    def find_duplicate(self, *_: object) -> Answer | None:
        """Refuse nothing: a reference is its creditor's, and the creditor is new."""
        return None

    def describe_creditor(self, caller: Caller, request: Mapping[str, object]) -> Mapping[str, object]:  # noqa: ARG002 - as `Creation`
        """Return the profile of a creditor that nobody has seen before."""
        name, alpha_2, country = (read_text(request.get(member)) for member in CREDITOR)
        return {
            "id": str(uuid4()),
            "companyName": name,
            "companyRegistrationNumber": None,
            "officeEmail": None,
            "officePhone": None,
            "address": None,
            "city": None,
            "zipCode": None,
            "state": None,
            "country": countries()[find_country(alpha_2, country) or ""],
        }


def judge(body: dict[str, object], today: date) -> Messages:
    """Return every reason why the API refuses *body*: member → messages, nothing where it is accepted.

    Args:
        body: The request, as JSON has it; unknown members are ignored, null is as good as absent.
        today: The day in UTC.
    """
    found = find_misfits(body, MEMBERS)
    misfits = frozenset(found)
    for member, message in chain(
        _judge_creditor(body), judge_claim(body), judge_dates(body, today), _judge_debtor(body.get("debtor"))
    ):
        if member not in misfits:
            found.setdefault(member, []).append(message)
    return found


def _judge_creditor(body: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    if not read_text(body.get("creditorCompanyName")).strip():
        yield "creditorCompanyName", "The creditorCompanyName field is required."
    yield from judge_country(body, "", "creditorCountryAlpha2", "creditorCountry")


def _judge_debtor(debtor: object) -> Iterator[tuple[str, str]]:
    if not isinstance(debtor, dict):
        yield "debtor", "Debtor information is required"
        return
    for member in ("type", "name"):
        if not read_text(debtor.get(member)).strip():
            yield f"debtor.{member}", f"Debtor {member} is required"
    kind = read_text(debtor.get("type"))
    if kind.strip() and kind not in {"Company", "Person"}:
        yield "debtor.type", 'The debtor type must be "Company" or "Person"'
    if kind == "Company" and not read_text(debtor.get("contactPerson")).strip():
        yield "debtor.contactPerson", "A contact person is required for company debtors"
    yield from judge_country(debtor, "debtor.")
    country = find_country(read_text(debtor.get("countryAlpha2")), read_text(debtor.get("country")))
    code, state = read_text(debtor.get("stateAlpha2")), read_text(debtor.get("state"))
    if country == "US" and (code.strip() or state.strip()) and not find_state(code, state):
        member = "stateAlpha2" if code.strip() else "state"
        yield f"debtor.{member}", f"Invalid state: {code or state}"
