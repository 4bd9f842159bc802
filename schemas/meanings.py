"""What each field is called on a template, what it means, and two examples; in the order in which people fill them in.

Sources: https://docs.debitura.com/clients/integration-guides/create-a-case,
https://docs.debitura.com/openapi/customer-api.json and, for partner references,
https://docs.debitura.com/collection-partners/integration-guides/start-a-case
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

Value = str | date | Decimal | None


@dataclass(frozen=True, slots=True)
class Meaning:
    """What people need to know of a field to fill it in.

    Attributes:
        heading: Of its column; it maps to the field by itself.
        text: What it is, in a sentence or two.
        examples: What stands in it in each row of the example; `None` where it is blank there.
    """

    heading: str
    text: str
    examples: tuple[Value, Value]


_CLIENT: Final = {
    "externalTenantId": Meaning(
        "Client id", "Which of your clients the case is made for: the id by which you linked it.", ("acme", "bolt")
    ),
}
_CREDITOR: Final = {
    "creditorCompanyName": Meaning(
        "Creditor name",
        "The company whose claim it is, written the same way in each row and each month.",
        ("Example Bakery ApS", "Example Tools GmbH"),
    ),
    "creditorCountry": Meaning("Creditor country", "The country of that company.", ("Denmark", "Germany")),
}
_CLAIM: Final = {
    "creditorReference": Meaning(
        "Invoice number",
        "Your number of the invoice. It keeps an invoice from becoming a second case, so each has its own.",
        ("EXAMPLE-0001", "EXAMPLE-0002"),
    ),
    "date": Meaning("Invoice date", "The day on which the invoice was issued.", (date(2025, 10, 1), date(2025, 9, 15))),
    "dueDate": Meaning("Due date", "The day on which it was to be paid.", (date(2025, 10, 31), date(2025, 9, 29))),
    "amountToRecover": Meaning(
        "Amount to recover",
        "What is still open of the invoice, without fees and interest.",
        (Decimal("1234.50"), Decimal("89.90")),
    ),
    "currencyCode": Meaning("Currency", "The invoice's currency, by its code of three letters.", ("EUR", "USD")),
    "debtor.type": Meaning("Debtor type", "Whether a company or a private person owes it.", ("Company", "Private")),
    "debtor.name": Meaning(
        "Debtor name", "The company's registered name, or the person's name.", ("Beispiel Möbel GmbH", "Jane Example")
    ),
    "debtor.contactPerson": Meaning("Contact person", "Whom to speak to at a company.", ("Anna Muster", None)),
    "debtor.companyRegistrationNumber": Meaning(
        "Registration number",
        "The company's number in its public register; it helps to find the right company.",
        ("HRB 01234", None),
    ),
    "debtor.address": Meaning("Address", "Street and number.", ("Musterstraße 1", "12 Sample Street")),
    "debtor.zipCode": Meaning("Postal code", "The postal code, with the zeros it begins with.", ("01067", "02108")),
    "debtor.city": Meaning("City", "The town.", ("Dresden", "Boston")),
    "debtor.state": Meaning(
        "State",
        "A state of the United States; elsewhere it may be left blank.",
        (None, "Massachusetts"),
    ),
    "debtor.country": Meaning(
        "Country", "The debtor's country, by name or by its code of two letters.", ("Germany", "United States")
    ),
    "debtor.email": Meaning("Email", "The debtor's address for e-mail.", ("anna@example.com", "jane@example.com")),
    "debtor.phone": Meaning(
        "Phone", "The debtor's telephone number, with the country's prefix.", ("+49 351 0000000", "+1 617 555 0100")
    ),
    "claimDescription": Meaning(
        "Description", "What the claim is about; the debtor may get to read it.", ("Office chairs", None)
    ),
    "comments": Meaning(
        "Comments", "For the collector: what was paid, written or agreed so far.", ("Two reminders were sent", None)
    ),
    "amountToRecoverOver6Months": Meaning(
        "Over 6 months",
        "For a case of several invoices: how much of the amount is more than 180 days overdue, older parts included.",
        (None, None),
    ),
    "amountToRecoverOver12Months": Meaning(
        "Over 12 months", "How much of the amount is more than 12 months overdue, older parts included.", (None, None)
    ),
    "amountToRecoverOver24Months": Meaning(
        "Over 24 months", "How much of the amount is more than 24 months overdue.", (None, None)
    ),
    "creditorDivisionId": Meaning(
        "Division id", "Which of your divisions the claim is of; the portal shows its id.", (None, None)
    ),
    "collectionPartnerId": Meaning(
        "Collection partner id", "Which collection partner is to handle the case, if you choose it.", (None, None)
    ),
    "assignedUserEmail": Meaning(
        "Assigned user", "The member of your team who owns the case, by e-mail address.", (None, None)
    ),
    "skipDebituraVerification": Meaning(
        "Skip verification",
        "Whether the case goes to the partner at once, without Debitura's verification.",
        (None, None),
    ),
    "returnUrl": Meaning("Return link", "Where a person is sent after signing what the case needs.", (None, None)),
    "tag": Meaning("Test tag", "A name for a group of test cases; only with --test.", (None, None)),
}
_ASSIGNING: Final = {
    "caseId": Meaning("Case id", "Debitura's id of the case.", ("00000000-0000-4000-8000-000000000001", None)),
    "caseReference": Meaning("Debitura reference", "Debitura's reference of the case.", (None, "Q8OAXF3W")),
    "collectionPartnerReference": Meaning(
        "Partner reference", "Your own number of the case; blank leaves the case as it is.", ("0012345", "K-2025/17")
    ),
    "welcomeMessage": Meaning(
        "Welcome message", "What the client reads as you start the case.", ("We have begun with your case.",) * 2
    ),
    "userEmail": Meaning("User email", "Who of your team starts the case.", ("kim@example.com",) * 2),
    "userId": Meaning("User id", "Who of your team starts the case, by id.", (None, None)),
    "assignedUserEmail": Meaning("Assigned user", "Who of your team handles the case.", (None, "kim@example.com")),
    "interestFees": Meaning("Interest fees", "What is added for interest.", (Decimal("12.50"), None)),
    "reminderFees": Meaning("Reminder fees", "What is added for reminders.", (Decimal("10.00"), None)),
    "collectionFees": Meaning("Collection fees", "What is added for collection.", (None, None)),
}
_LOOKING_UP: Final = {"caseId": Meaning("Case id", "Confirma's number of the case.", ("100045", "100046"))}

MEANINGS: Final[Mapping[str, Mapping[str, Meaning]]] = {
    "customer": _CLAIM,
    "managed": _CREDITOR | _CLAIM,
    "referral": _CLIENT | _CLAIM,
    "references": _ASSIGNING,
    "details": _LOOKING_UP,
}
_BY_CODE: Final = {  # a template has the names, and takes codes among them
    "debtor.countryAlpha2": "The debtor's country, by its code of two letters.",
    "debtor.stateAlpha2": "A state of the United States, by its code of two letters.",
    "creditorCountryAlpha2": "The creditor's country, by its code of two letters.",
}
SHEETS: Final[Mapping[str, str]] = {"references": "Cases", "details": "Cases"}  # what the rest calls "Invoices"


def tell_shortly(target: str) -> dict[str, str]:
    """Say what each field of *target* is in a few words: the first sentence of its meaning.

    >>> tell_shortly("customer")["creditorReference"]
    'Your number of the invoice'
    """
    texts = _BY_CODE | {name: meaning.text for name, meaning in MEANINGS[target].items()}
    return {name: text.partition(". ")[0].rstrip(".") for name, text in texts.items()}
