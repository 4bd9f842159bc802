"""The catalogue of issue codes, by target: severity, message, hint and source; `python -m schemas.codes` prints it."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

GUIDE: Final = "https://docs.debitura.com/clients/integration-guides/create-a-case"
ERRORS: Final = "https://docs.debitura.com/referral-partners/error-reference"
MANAGING: Final = "https://docs.debitura.com/api/collection-partner-api/create-case-as-managing-partner"
STARTING: Final = "https://docs.debitura.com/collection-partners/integration-guides/start-a-case"
PARTNER: Final = (
    "https://support.debitura.com/en/articles/"
    "14461769-collection-partners-how-to-assign-and-use-your-own-case-reference"
)
LINES: Final = "https://docs.debitura.com/openapi/customer-api.json"
DETAILS: Final = "https://developer-partnerapi.confirmafinance.com/retrieve-case-details-4344614e0"
SUBMISSION: Final = "https://docs.debitura.com/referral-partners/integration-guides/case-submission"
OURS: Final = "ours"


@dataclass(frozen=True, slots=True)
class Code:
    """One kind of issue.

    Attributes:
        code: Stable; scripts match on it.
        severity: An error keeps the row from being sent, a warning does not.
        title: What a group of such rows is called, after "23 rows: "; `{column}` is filled in.
        fields: Where it is reported, in words.
        message: A sentence; `{column}`, `{value}` and `{detail}` are filled in.
        hint: What to do; the same.
        source: URL of the rule, or `ours` for our own policy.
        mild: Fields on which an error is only a warning.
    """

    code: str
    severity: Literal["error", "warning"]
    title: str
    fields: str
    message: str
    hint: str
    source: str
    mild: tuple[str, ...] = ()


_COMMON: Final = (  # to all targets whose rows are claims
    Code(
        "tag-without-test",
        "warning",
        "{column} without --test",
        "tag",
        "A tag means something for test cases alone.",
        "Add --test, or leave {column} out.",
        LINES,
    ),
    Code(
        "not-a-number",
        "error",
        "{column} is no amount",
        "every amount",
        "{column} is no amount: {value}.",
        "Write digits only, such as 1234.50.{detail}",
        OURS,
    ),
    Code(
        "currency-contradicts",
        "error",
        "{column} names another currency than its row",
        "every amount",
        "{column} names another currency than its row: {value}, and the row's is {detail}.",
        "Check which of the two is right.",
        OURS,
    ),
    Code(
        "not-a-date",
        "error",
        "{column} is no date",
        "every date",
        "{column} is no date: {value}.",
        "Write it with a year of four digits, such as 2026-01-31.{detail}",
        OURS,
    ),
    Code(
        "not-a-boolean",
        "error",
        "{column} is neither yes nor no",
        "yes-or-no fields",
        "{column} is neither yes nor no: {value}.",
        "Write true or false.",
        OURS,
    ),
    Code(
        "not-a-uuid",
        "error",
        "{column} is no id",
        "ids",
        "{column} is no id: {value}.",
        "Copy the id from the portal.",
        OURS,
    ),
    Code(
        "cell-error",
        "error",
        "{column} holds a spreadsheet error",
        "any",
        "{column} holds a spreadsheet error: {value}.",
        "Mend the formula, or write the value itself.",
        OURS,
    ),
    Code(
        "cell-not-split",
        "error",
        "{column} cannot be taken apart",
        "fields that a mapping's [split] takes out of one column",
        "{column} cannot be taken apart as {detail}: {value}.",
        "Write it in that form, or each part in a column of its own.",
        OURS,
    ),
    Code(
        "damaged-identifier",
        "warning",
        "{column} was changed by the spreadsheet program",
        "texts that identify; an error for creditorReference",
        "The spreadsheet program has changed or lost digits of {column}: {value}.",
        "Format the column as text in the spreadsheet and enter the full number again.",
        OURS,
    ),
    Code(
        "field-not-supported",
        "warning",
        "{column} is not taken, and not sent",
        "any",
        "{column} maps to {detail}, which cases of this kind do not have.",
        "It is not sent, and stays in the report: leave it, or map the column to another field.",
        GUIDE,
    ),
    Code(
        "required",
        "error",
        "{column} is missing",
        "currencyCode, date, amountToRecover, debtor.type, debtor.name, debtor.address, debtor.city",
        "{column} is missing.",
        "Fill it in.",
        GUIDE,
    ),
    Code(
        "currency-unknown",
        "error",
        "unknown currency",
        "currencyCode",
        "{column} is no currency: {value}.",
        "Write its code of three letters, such as EUR.{detail}",
        GUIDE,
    ),
    Code(
        "date-in-future",
        "error",
        "invoice date in the future",
        "date",
        "The invoice date {value} is in the future.",
        "Correct it: an invoice is dated today at the latest.",
        GUIDE,
    ),
    Code(
        "due-before-date",
        "error",
        "due before the invoice date",
        "dueDate",
        "The due date {value} is before the invoice date.",
        "Check which of the two dates is right.",
        GUIDE,
    ),
    Code(
        "due-in-future",
        "error",
        "not due yet",
        "dueDate",
        "The due date {value} is in the future.",
        "Only what is due can be collected: wait until then.",
        ERRORS,
    ),
    Code(
        "amount-not-positive",
        "error",
        "amount not above zero",
        "amountToRecover",
        "The amount {value} is not above zero.",
        "Leave credit notes and settled invoices out.",
        GUIDE,
    ),
    Code(
        "amount-too-precise",
        "warning",
        "{column} has more decimals than its currency",
        "every amount",
        "{column} has more decimals than its currency: {value}.",
        "Check that the decimal sign was read as you mean it.",
        "https://www.iso.org/iso-4217-currency-codes.html",
    ),
    Code(
        "reference-too-long",
        "error",
        "reference too long",
        "creditorReference",
        "The reference has more than 50 characters: {value}.",
        "Shorten it; it has to stay unique.",
        GUIDE,
    ),
    Code(
        "reference-missing",
        "error",
        "no reference",
        "creditorReference",
        "The invoice has no reference: {column} is blank.",
        "Give each invoice its number: without it nothing protects from a second case.",
        OURS,
    ),
    Code(
        "reference-duplicate",
        "error",
        "the same reference in several rows",
        "creditorReference",
        "The reference {value} is in more than one row: {detail}.",
        "Keep one of them, or give each its own.",
        GUIDE,
    ),
    Code(
        "reference-lookalike",
        "warning",
        "reference that looks like another",
        "creditorReference",
        "The reference {value} differs only in case or spaces from that of {detail}.",
        "Check that these are two invoices.",
        OURS,
    ),
    Code(
        "text-too-long",
        "error",
        "{column} is too long",
        "claimDescription, comments (4000); assignedUserEmail (320); tag (100)",
        "{column} has more than {detail} characters.",
        "Shorten it.",
        "https://docs.debitura.com/openapi/customer-api.json",
    ),
    Code(
        "country-missing",
        "error",
        "debtor without a country",
        "debtor.countryAlpha2",
        "The debtor has no country.",
        "Write the two-letter code, such as DE.",
        GUIDE,
    ),
    Code(
        "country-unknown",
        "error",
        "unknown country",
        "debtor.countryAlpha2, debtor.country",
        "{column} is no country: {value}.",
        "Write the two-letter code, such as DE.{detail}",
        GUIDE,
    ),
    Code(
        "country-mismatch",
        "warning",
        "country and its code differ",
        "debtor.country",
        "{column} is not the country that the code names: {value}.",
        "The code is sent: correct it if the name is the right one.",
        GUIDE,
    ),
    Code(
        "state-missing",
        "error",
        "US debtor without a state",
        "debtor.stateAlpha2",
        "A debtor in the United States needs a state.",
        "Write its two letters, such as CA.",
        GUIDE,
    ),
    Code(
        "state-unknown",
        "error",
        "unknown US state",
        "debtor.stateAlpha2, debtor.state",
        "{column} is no state of the United States: {value}.",
        "Write its two letters, such as CA.{detail}",
        GUIDE,
    ),
    Code(
        "email-malformed",
        "warning",
        "{column} does not look like an e-mail address",
        "debtor.email, assignedUserEmail",
        "{column} does not look like an e-mail address: {value}.",
        "It is sent as it is: correct it if it is wrong.",
        OURS,
    ),
    Code(
        "changed-since-import",
        "warning",
        "{column} changed since its import",
        "every field that is sent",
        "{column} is not what it was when this row was imported ({detail}): {value}.",
        "Nothing is sent: the case has what was sent then. If this is right, enter it in the portal.",
        OURS,
    ),
    Code(
        "phone-without-country",
        "warning",
        "phone number without a country code",
        "debtor.phone",
        "The phone number {value} has no country code.",
        "Begin it with + or 00.",
        GUIDE,
    ),
)

_OF_CUSTOMER: Final = (
    Code(
        "debtor-type-unknown",
        "error",
        "unknown type of debtor",
        "debtor.type",
        "{column} is neither a company nor a private person: {value}.",
        "Write Company or Private.",
        GUIDE,
    ),
    Code(
        "age-buckets-incomplete",
        "error",
        "amounts by age are not complete",
        "amountToRecoverOver6Months, …Over12Months, …Over24Months",
        "The amounts by age are not complete.",
        "Give the amounts over 12 and over 24 months together, the one over 6 months only with both.",
        GUIDE,
    ),
    Code(
        "age-bucket-negative",
        "error",
        "{column} is below zero",
        "amountToRecoverOver6Months, …Over12Months, …Over24Months",
        "{column} is below zero: {value}.",
        "Write zero or more, as each amount by age is.",
        GUIDE,
    ),
    Code(
        "age-buckets-order",
        "error",
        "amounts by age do not contain each other",
        "amountToRecoverOver6Months, …Over12Months, …Over24Months",
        "The amounts by age do not contain each other.",
        "Correct them, since each contains the older: over 24 ≤ over 12 ≤ over 6 ≤ the whole amount.",
        GUIDE,
    ),
)

_OF_MANAGED: Final = (  # beside those above, or in their place
    Code(
        "required",
        "error",
        "{column} is missing",
        "currencyCode, date, amountToRecover, debtor.type, debtor.name, debtor.address, debtor.city",
        "{column} is missing.",
        "Fill it in.",
        MANAGING,
        mild=("debtor.address", "debtor.city"),
    ),
    Code(
        "reference-duplicate",
        "error",
        "the same reference in several rows",
        "creditorReference",
        "The reference {value} is in more than one row of its creditor: {detail}.",
        "Keep one of them, or give each its own: the API would make a case of each.",
        OURS,
    ),
    Code(
        "text-too-long",
        "error",
        "{column} is too long",
        "claimDescription, comments (4000); tag (100); creditorCompanyName (255: *ours*)",
        "{column} has more than {detail} characters.",
        "Shorten it.",
        MANAGING,
    ),
    Code(
        "country-unknown",
        "error",
        "unknown country",
        "debtor.countryAlpha2, debtor.country, creditorCountryAlpha2, creditorCountry",
        "{column} is no country: {value}.",
        "Write the two-letter code, such as DE.{detail}",
        MANAGING,
    ),
    Code(
        "country-mismatch",
        "warning",
        "country and its code differ",
        "debtor.country, creditorCountry",
        "{column} is not the country that the code names: {value}.",
        "The code is sent: correct it if the name is the right one.",
        MANAGING,
    ),
    Code(
        "state-missing",
        "warning",
        "US debtor without a state",
        "debtor.stateAlpha2",
        "A debtor in the United States has no state.",
        "Write its two letters, such as CA, if the API asks for it.",
        MANAGING,
    ),
    Code(
        "debtor-type-unknown",
        "error",
        "unknown type of debtor",
        "debtor.type",
        "{column} is neither a company nor a person: {value}.",
        "Write Company or Person.",
        MANAGING,
    ),
    Code(
        "creditor-missing",
        "error",
        "creditor not named",
        "creditorCompanyName, creditorCountryAlpha2",
        "It is not said whose claim this is: {column} is missing.",
        "Write the creditor's company name and its country, such as DE.",
        MANAGING,
    ),
    Code(
        "contact-missing",
        "error",
        "company without a contact person",
        "debtor.contactPerson",
        "A company needs a contact person.",
        "Write who is to be spoken to there.",
        MANAGING,
    ),
)

_CELLS: Final = frozenset(  # what may be wrong with a cell, whatever it holds
    ("not-a-number", "not-a-uuid", "cell-error", "cell-not-split", "damaged-identifier", "field-not-supported")
)
_OF_REFERENCES: Final = (
    Code(
        "case-missing",
        "error",
        "no case is named",
        "caseId, caseReference",
        "No case is named.",
        "Give the case id or the Debitura reference, such as Q8OAXF3W.",
        OURS,
    ),
    Code(
        "case-twice",
        "error",
        "two references for one case",
        "collectionPartnerReference",
        "Another row wants another reference for the same case: {detail}.",
        "A case has one reference: keep the row that is right.",
        OURS,
    ),
    Code(
        "reference-too-long",
        "error",
        "reference too long",
        "collectionPartnerReference",
        "The partner reference has more than 128 characters: {value}.",
        "Shorten it.",
        PARTNER,
    ),
    Code(
        "required",
        "error",
        "{column} is missing",
        "welcomeMessage, userEmail (or userId), with --activate",
        "{column} is missing, and no case is started without it.",
        "Fill it in, or say it for all rows with --set.",
        STARTING,
    ),
    Code(
        "text-too-long",
        "error",
        "{column} is too long",
        "welcomeMessage (5000), with --activate",
        "{column} has more than {detail} characters.",
        "Shorten it.",
        STARTING,
    ),
    Code(
        "message-short",
        "warning",
        "{column} is very short",
        "welcomeMessage, with --activate",
        "{column} has fewer than ten characters: {value}.",
        "Write ten characters or more: an older guide says that shorter messages are refused.",
        STARTING,
    ),
    Code(
        "fee-negative",
        "error",
        "{column} is below zero",
        "interestFees, reminderFees, collectionFees, with --activate",
        "{column} is below zero: {value}.",
        "Write zero or more.",
        STARTING,
    ),
    Code(
        "email-malformed",
        "warning",
        "{column} does not look like an e-mail address",
        "userEmail, assignedUserEmail, with --activate",
        "{column} does not look like an e-mail address: {value}.",
        "It is sent as it is: correct it if it is wrong.",
        OURS,
    ),
)

_OPTIONAL: Final = (
    Code(
        "url-ignored",
        "warning",
        "{column} is no address that the API keeps",
        "returnUrl",
        "The API would leave {column} out without a word: {value}.",
        "Write an absolute address that begins with https://, of at most 2,048 characters.",
        LINES,
    ),
)

_OF_BUNDLES: Final = (
    Code(
        "bundle-held",
        "error",
        "held back with the rest of its bundle",
        "creditorReference",
        "It was not sent, since its bundle has errors in {detail}.",
        "Mend the others: the bundle is sent as a whole.",
        OURS,
    ),
    Code(
        "bundle-due-date-missing",
        "error",
        "invoice of a bundle without a due date",
        "dueDate",
        "An invoice of a bundle needs a due date: without it nothing tells how old its amount is.",
        "Write the date on which it was to be paid.",
        GUIDE,
    ),
    Code(
        "bundle-differs",
        "warning",
        "{column} differs within a bundle",
        "whatever is not an invoice's own",
        "{column} differs within the bundle: {value}. What is sent is {detail}.",
        "Write the same in all rows of the debtor, unless the oldest invoice is right.",
        OURS,
    ),
    Code(
        "bundle-field-blank",
        "warning",
        "{column} is blank, so that the row is not bundled",
        "fields of --bundle-by",
        "{column} is blank, so that the row is a case of its own.",
        "Write what tells the debtor apart, if it belongs to a bundle.",
        OURS,
    ),
    Code(
        "bundle-shortened",
        "warning",
        "{column} of a bundle is shortened",
        "comments, claimDescription",
        "{column} has at most 4,000 characters; left out are {detail}.",
        "Upload a list of the invoices to the case, if the collector needs it.",
        GUIDE,
    ),
    Code(
        "claim-lines-too-many",
        "error",
        "bundle with too many claim lines",
        "creditorReference",
        "A bundle has at most 1,000 claim lines, and this one {detail}.",
        "Leave --claim-lines out: sum and ages know no such limit.",
        LINES,
    ),
    Code(
        "claim-line-too-old",
        "error",
        "claim line due before 2000",
        "dueDate",
        "A claim line is due in 2000 or later, and this one on {value}.",
        "Leave --claim-lines out, or send the row by itself.",
        LINES,
    ),
    Code(
        "claim-line-too-precise",
        "error",
        "claim line with more than two decimals",
        "amountToRecover",
        "A claim line's amount has at most two decimals: {value}.",
        "Round it, or leave --claim-lines out.",
        LINES,
    ),
)

_OF_DETAILS: Final = (
    *(code for code in _COMMON if code.code in {"cell-error", "cell-not-split", "field-not-supported"}),
    Code(
        "required",
        "error",
        "{column} is missing",
        "caseId",
        "{column} is missing.",
        "Write the id of a case, or leave the row out.",
        OURS,
    ),
    Code(
        "damaged-identifier",
        "error",
        "{column} was changed by the spreadsheet program",
        "caseId",
        "The spreadsheet program has changed or lost digits of {column}: {value}.",
        "Format the column as text in the spreadsheet and enter the whole number again.",
        OURS,
    ),
    Code(
        "case-id-malformed",
        "error",
        "{column} is no case id",
        "caseId",
        "{column} is no whole number: {value}.",
        "Write the id as digits only, at most 18 of them.",
        DETAILS,
    ),
    Code(
        "balance-mismatch",
        "warning",
        "balance that does not add up",
        "answers: the balance of a case",
        "{detail}",
        "Nothing was corrected; ask the agency which figure is right.",
        OURS,
    ),
)

_OF_REFERRAL: Final = (  # beside those above, or in their place
    Code(
        "required",
        "error",
        "{column} is missing",
        "externalTenantId, currencyCode, date, amountToRecover, debtor.type, debtor.name, debtor.address, debtor.city",
        "{column} is missing.",
        "Fill it in.",
        SUBMISSION,
    ),
    Code(
        "reference-duplicate",
        "error",
        "the same reference in several rows",
        "creditorReference",
        "The reference {value} is in more than one row of its client: {detail}.",
        "Keep one of them, or give each its own.",
        SUBMISSION,
    ),
    Code(
        "text-too-long",
        "error",
        "{column} is too long",
        "claimDescription, comments (4000); assignedUserEmail (320); tag (100); externalTenantId (255)",
        "{column} has more than {detail} characters.",
        "Shorten it.",
        "https://docs.debitura.com/openapi/customer-api.json",
    ),
)

_OF_PREVIEWS: Final = (
    Code(
        "would-be-refused",
        "warning",
        "the API would refuse it now",
        "debtor.countryAlpha2; only with --preview",
        "The API would refuse it now: {detail}",
        "Leave the row out, or settle it{detail} first: it is sent all the same, and refused.",
        LINES,
    ),
    Code(
        "contract-missing",
        "warning",
        "a contract is not signed",
        "debtor.countryAlpha2; only with --preview",
        "A contract is not signed: {detail}",
        "Sign it{detail}. Until then the API refuses the row or, with --allow-pending-contracts, lets its case wait.",
        LINES,
    ),
)
_BY_TARGET: Final = {
    "customer": (*_COMMON, *_OF_CUSTOMER, *_OPTIONAL, *_OF_BUNDLES, *_OF_PREVIEWS),
    "managed": (*_COMMON, *_OF_MANAGED),
    "references": (*(code for code in _COMMON if code.code in _CELLS), *_OF_REFERENCES),
    "details": _OF_DETAILS,
    "referral": (*_COMMON, *_OF_CUSTOMER, *_OPTIONAL, *_OF_BUNDLES, *_OF_PREVIEWS, *_OF_REFERRAL),
}
CATALOGUE: Final[Mapping[tuple[str, str], Code]] = {
    (target, code.code): code for target, codes in _BY_TARGET.items() for code in codes
}


def codes_of(target: str) -> Mapping[str, Code]:
    """Return the codes that judging for *target* may yield; where two targets differ, its own."""
    return {name: code for (owner, name), code in CATALOGUE.items() if owner == target}


def page() -> str:
    """Render the catalogue as Markdown: the whole of `docs/codes.md`."""
    lines = [
        "# Issue codes",
        "",
        "Made by `python -m schemas.codes > docs/codes.md`; a test holds it current. An error keeps the row from being",
        "sent, a warning does not. *ours* marks a policy of this program; every other rule mirrors what the API says.",
        "Where targets differ, each has a line of its own.",
        "",
        "| code | target | severity | fields | message | hint | source |",
        "|---|---|---|---|---|---|---|",
    ]
    takers: dict[Code, list[str]] = {}
    for (target, _), code in CATALOGUE.items():
        takers.setdefault(code, []).append(target)
    first = {code.code: number for number, code in reversed(list(enumerate(takers)))}
    for code, targets in sorted(takers.items(), key=lambda item: first[item[0].code]):
        source = f"[documentation]({code.source})" if code.source != OURS else "*ours*"
        severity = f"{code.severity}; warning: {', '.join(code.mild)}" if code.mild else code.severity
        told = [
            text.replace("{column}", "*column*").replace("{value}", "*value*").replace("{detail}", "…")
            for text in (code.message, code.hint)
        ]
        shared = "all" if len(targets) == len(_BY_TARGET) else ", ".join(targets)
        lines.append(f"| `{code.code}` | {shared} | {severity} | {code.fields} | {' | '.join(told)} | {source} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(page())
