"""The fields of a case, and the headings by which people's exports call them.

Sources: https://docs.debitura.com/clients/integration-guides/create-a-case, and the CSV template of
https://support.debitura.com/en/articles/13905861-clients-how-to-submit-multiple-cases-via-csv-import
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from schemas import Field
from schemas.headings import with_headings

if TYPE_CHECKING:
    from collections.abc import Mapping


# Whose claim it is, where an account serves several creditors.
_CREDITOR: Final = (
    Field(
        "creditorCompanyName",
        aliases=("Creditor", "Creditor name", "Creditor company", "Client", "Client name", "Client company"),
        needed=True,
    ),
    Field("creditorCountryAlpha2", aliases=("Creditor country code", "Client country code")),
    Field("creditorCountry", aliases=("Creditor country name", "Client country")),
)


_FIELDS: Final = (
    Field(
        "creditorReference",
        aliases=(
            "InvoiceNumber",
            "Invoice no",
            "Invoice nr",
            "Invoice",
            "Invoice id",
            "Invoice ref",
            "Invoice reference",
            "Reference",
            "Ref",
            "Our reference",
            "Document number",
        ),
        needed=True,
    ),
    Field("currencyCode", aliases=("Currency", "Curr", "ISO currency"), needed=True),
    Field("date", "date", ("InvoiceDate", "Date of invoice", "Issue date", "Date issued"), needed=True),
    Field("dueDate", "date", ("Due", "Due on", "Date due", "Payment due", "Payment due date")),
    Field(
        "amountToRecover",
        "amount",
        (
            "PrincipalAmount",
            "Principal",
            "Amount",
            "Amount due",
            "Open amount",
            "Open balance",
            "Outstanding",
            "Outstanding amount",
            "Outstanding balance",
            "Remaining balance",
            "Balance",
            "Balance due",
        ),
        needed=True,
    ),
    Field("amountToRecoverOver6Months", "amount", ("Over 6 months", "Amount over 6 months")),
    Field("amountToRecoverOver12Months", "amount", ("Over 12 months", "Amount over 12 months")),
    Field("amountToRecoverOver24Months", "amount", ("Over 24 months", "Amount over 24 months")),
    Field("claimDescription", aliases=("Description", "Claim", "Subject")),
    Field("comments", aliases=("Comment", "Note", "Notes", "Remarks")),
    Field("creditorDivisionId", "uuid", ("Division", "Division id")),
    Field("collectionPartnerId", "uuid", ("Collection partner", "Partner id")),
    Field("skipDebituraVerification", "boolean", ("Skip verification",)),
    Field("assignedUserEmail", aliases=("Assigned user", "Case owner")),
    Field("returnUrl", aliases=("Return link",)),
    Field("tag", aliases=("Test tag",)),
    Field("debtor.type", aliases=("DebtorType", "Customer type", "Type of debtor"), needed=True),
    Field(
        "debtor.name",
        aliases=("DebtorName", "Debtor", "Customer", "Customer name", "Name", "Company name", "Company"),
        needed=True,
    ),
    Field(
        "debtor.contactPerson",
        aliases=("DebtorContactPerson", "Contact", "Contact person", "Contact name", "Attention"),
    ),
    Field(
        "debtor.companyRegistrationNumber",
        aliases=(
            "Registration number",
            "Company registration number",
            "Company number",
            "VAT number",
            "VAT no",
            "VAT id",
            "Org number",
            "CVR",
        ),
    ),
    Field(
        "debtor.address",
        aliases=("Address", "Debtor address", "Street", "Street address", "Address line 1"),
        needed=True,
    ),
    Field("debtor.zipCode", aliases=("PostalCode", "Post code", "Postcode", "Zip", "Zip code", "Debtor zip")),
    Field("debtor.city", aliases=("City", "Town", "Debtor city"), needed=True),
    Field("debtor.stateAlpha2", aliases=("State code",)),
    Field("debtor.state", aliases=("State", "Debtor state", "Province"), likely=("Region",)),
    Field("debtor.countryAlpha2", aliases=("Country code", "Country ISO", "ISO country")),
    Field("debtor.country", aliases=("Country", "Debtor country", "Country name")),
    Field("debtor.email", aliases=("Email", "E-mail address", "Email address", "Mail", "Debtor email")),
    Field("debtor.phone", aliases=("PhoneNumber", "Phone", "Phone no", "Telephone", "Tel", "Mobile")),
)

FIELDS: Final[Mapping[str, Field]] = with_headings(_FIELDS)
# The same for whoever collects for others: what they call a customer may be the creditor.
AGENT_FIELDS: Final[Mapping[str, Field]] = with_headings(_FIELDS, agent=True)
CREDITOR_FIELDS: Final[Mapping[str, Field]] = with_headings(_CREDITOR)
