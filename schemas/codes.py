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
        fields: Where it is reported, in words.
        message: A sentence; `{column}`, `{value}` and `{detail}` are filled in.
        hint: What to do; the same.
        source: URL of the rule, or `ours` for our own policy.
        mild: Fields on which an error is only a warning.
    """

    code: str
    severity: Literal["error", "warning"]
    fields: str
    message: str
    hint: str
    source: str
    mild: tuple[str, ...] = ()


_COMMON: Final = (  # to all targets whose rows are claims
    Code(
        "tag-without-test",
        "warning",
        "tag",
        "A tag means something for test cases alone.",
        "Add --test, or leave {column} out.",
        LINES,
    ),
    Code(
        "not-a-number",
        "error",
        "every amount",
        "{column} is no amount: {value}.",
        "Write digits only, such as 1234.50.{detail}",
        OURS,
    ),
    Code(
        "currency-contradicts",
        "error",
        "every amount",
        "{column} names another currency than its row: {value}, and the row's is {detail}.",
        "Check which of the two is right.",
        OURS,
    ),
    Code(
        "not-a-date",
        "error",
        "every date",
        "{column} is no date: {value}.",
        "Write it with a year of four digits, such as 2026-01-31.{detail}",
        OURS,
    ),
    Code(
        "not-a-boolean",
        "error",
        "yes-or-no fields",
        "{column} is neither yes nor no: {value}.",
        "Write true or false.",
        OURS,
    ),
    Code("not-a-uuid", "error", "ids", "{column} is no id: {value}.", "Copy the id from the portal.", OURS),
    Code(
        "cell-error",
        "error",
        "any",
        "{column} holds a spreadsheet error: {value}.",
        "Mend the formula, or write the value itself.",
        OURS,
    ),
    Code(
        "cell-not-split",
        "error",
        "fields that a mapping's [split] takes out of one column",
        "{column} cannot be taken apart as {detail}: {value}.",
        "Write it in that form, or each part in a column of its own.",
        OURS,
    ),
    Code(
        "damaged-identifier",
        "warning",
        "texts that identify; an error for creditorReference",
        "The spreadsheet program has changed or lost digits of {column}: {value}.",
        "Format the column as text in the spreadsheet and enter the full number again.",
        OURS,
    ),
    Code(
        "field-not-supported",
        "warning",
        "any",
        "{column} maps to {detail}, which this target does not take.",
        "It is not sent; it stays in the report.",
        GUIDE,
    ),
    Code(
        "required",
        "error",
        "currencyCode, date, amountToRecover, debtor.type, debtor.name, debtor.address, debtor.city",
        "{column} is missing.",
        "Fill it in.",
        GUIDE,
    ),
    Code(
        "currency-unknown",
        "error",
        "currencyCode",
        "{value} is no ISO 4217 currency code.",
        "Write three letters, such as EUR.{detail}",
        GUIDE,
    ),
    Code(
        "date-in-future",
        "error",
        "date",
        "The invoice date {value} is in the future.",
        "An invoice is dated today at the latest.",
        GUIDE,
    ),
    Code(
        "due-before-date",
        "error",
        "dueDate",
        "The due date {value} is before the invoice date.",
        "Check which of the two dates is right.",
        GUIDE,
    ),
    Code(
        "due-in-future",
        "error",
        "dueDate",
        "The due date {value} is in the future.",
        "Only what is due can be collected: wait until then.",
        ERRORS,
    ),
    Code(
        "amount-not-positive",
        "error",
        "amountToRecover",
        "The amount {value} is not above zero.",
        "Leave credit notes and settled invoices out.",
        GUIDE,
    ),
    Code(
        "amount-too-precise",
        "warning",
        "every amount",
        "{value} has more decimals than its currency.",
        "Check that the decimal sign was read as you mean it.",
        "https://www.iso.org/iso-4217-currency-codes.html",
    ),
    Code(
        "reference-too-long",
        "error",
        "creditorReference",
        "The reference has more than 50 characters: {value}.",
        "Shorten it; it has to stay unique.",
        GUIDE,
    ),
    Code(
        "reference-missing",
        "error",
        "creditorReference",
        "There is no reference.",
        "Give each invoice its number: without it nothing protects from a second case.",
        OURS,
    ),
    Code(
        "reference-duplicate",
        "error",
        "creditorReference",
        "The reference {value} is in more than one row: {detail}.",
        "Keep one of them, or give each its own.",
        GUIDE,
    ),
    Code(
        "reference-lookalike",
        "warning",
        "creditorReference",
        "The reference {value} differs only in case or spaces from that of {detail}.",
        "Check that these are two invoices.",
        OURS,
    ),
    Code(
        "text-too-long",
        "error",
        "claimDescription, comments (4000); assignedUserEmail (320); tag (100)",
        "{column} has more than {detail} characters.",
        "Shorten it.",
        "https://docs.debitura.com/openapi/customer-api.json",
    ),
    Code(
        "country-missing",
        "error",
        "debtor.countryAlpha2",
        "The debtor has no country.",
        "Write the two-letter code, such as DE.",
        GUIDE,
    ),
    Code(
        "country-unknown",
        "error",
        "debtor.countryAlpha2, debtor.country",
        "{value} is no country.",
        "Write the two-letter code, such as DE.{detail}",
        GUIDE,
    ),
    Code(
        "country-mismatch",
        "warning",
        "debtor.country",
        "{value} is not the country that the code names.",
        "The code is sent.",
        GUIDE,
    ),
    Code(
        "state-missing",
        "error",
        "debtor.stateAlpha2",
        "A debtor in the United States needs a state.",
        "Write its two letters, such as CA.",
        GUIDE,
    ),
    Code(
        "state-unknown",
        "error",
        "debtor.stateAlpha2, debtor.state",
        "{value} is no state of the United States.",
        "Write its two letters, such as CA.{detail}",
        GUIDE,
    ),
    Code(
        "email-malformed",
        "warning",
        "debtor.email, assignedUserEmail",
        "{value} does not look like an e-mail address.",
        "It is sent as it is.",
        OURS,
    ),
    Code(
        "phone-without-country",
        "warning",
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
        "debtor.type",
        "{value} is neither a company nor a private person.",
        "Write Company or Private.",
        GUIDE,
    ),
    Code(
        "age-buckets-incomplete",
        "error",
        "amountToRecoverOver6Months, …Over12Months, …Over24Months",
        "The amounts by age are not complete.",
        "Give the amounts over 12 and over 24 months together, the one over 6 months only with both.",
        GUIDE,
    ),
    Code(
        "age-bucket-negative",
        "error",
        "amountToRecoverOver6Months, …Over12Months, …Over24Months",
        "{column} is below zero: {value}.",
        "An amount by age is zero or more.",
        GUIDE,
    ),
    Code(
        "age-buckets-order",
        "error",
        "amountToRecoverOver6Months, …Over12Months, …Over24Months",
        "The amounts by age do not contain each other.",
        "Each contains the older: over 24 ≤ over 12 ≤ over 6 ≤ the whole amount.",
        GUIDE,
    ),
)

_OF_MANAGED: Final = (  # beside those above, or in their place
    Code(
        "required",
        "error",
        "currencyCode, date, amountToRecover, debtor.type, debtor.name, debtor.address, debtor.city",
        "{column} is missing.",
        "Fill it in.",
        MANAGING,
        mild=("debtor.address", "debtor.city"),
    ),
    Code(
        "reference-duplicate",
        "error",
        "creditorReference",
        "The reference {value} is in more than one row of its creditor: {detail}.",
        "Keep one of them, or give each its own: the API would make a case of each.",
        OURS,
    ),
    Code(
        "text-too-long",
        "error",
        "claimDescription, comments (4000); tag (100); creditorCompanyName (255: *ours*)",
        "{column} has more than {detail} characters.",
        "Shorten it.",
        MANAGING,
    ),
    Code(
        "country-unknown",
        "error",
        "debtor.countryAlpha2, debtor.country, creditorCountryAlpha2, creditorCountry",
        "{value} is no country.",
        "Write the two-letter code, such as DE.{detail}",
        MANAGING,
    ),
    Code(
        "country-mismatch",
        "warning",
        "debtor.country, creditorCountry",
        "{value} is not the country that the code names.",
        "The code is sent.",
        MANAGING,
    ),
    Code(
        "state-missing",
        "warning",
        "debtor.stateAlpha2",
        "A debtor in the United States has no state.",
        "Write its two letters, such as CA, if the API asks for it.",
        MANAGING,
    ),
    Code(
        "debtor-type-unknown",
        "error",
        "debtor.type",
        "{value} is neither a company nor a person.",
        "Write Company or Person.",
        MANAGING,
    ),
    Code(
        "creditor-missing",
        "error",
        "creditorCompanyName, creditorCountryAlpha2",
        "It is not said whose claim this is: {column} is missing.",
        "Write the creditor's company name and its country, such as DE.",
        MANAGING,
    ),
    Code(
        "contact-missing",
        "error",
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
        "caseId, caseReference",
        "No case is named.",
        "Give the case id or the Debitura reference, such as Q8OAXF3W.",
        OURS,
    ),
    Code(
        "case-twice",
        "error",
        "collectionPartnerReference",
        "Another row wants another reference for the same case: {detail}.",
        "A case has one reference: keep the row that is right.",
        OURS,
    ),
    Code(
        "reference-too-long",
        "error",
        "collectionPartnerReference",
        "The partner reference has more than 128 characters: {value}.",
        "Shorten it.",
        PARTNER,
    ),
    Code(
        "required",
        "error",
        "welcomeMessage, userEmail (or userId), with --activate",
        "{column} is missing, and no case is started without it.",
        "Fill it in, or say it for all rows with --set.",
        STARTING,
    ),
    Code(
        "text-too-long",
        "error",
        "welcomeMessage (5000), with --activate",
        "{column} has more than {detail} characters.",
        "Shorten it.",
        STARTING,
    ),
    Code(
        "message-short",
        "warning",
        "welcomeMessage, with --activate",
        "{column} has fewer than ten characters: {value}.",
        "An older guide says that such a message is refused.",
        STARTING,
    ),
    Code(
        "fee-negative",
        "error",
        "interestFees, reminderFees, collectionFees, with --activate",
        "{column} is below zero: {value}.",
        "A fee is zero or more.",
        STARTING,
    ),
    Code(
        "email-malformed",
        "warning",
        "userEmail, assignedUserEmail, with --activate",
        "{value} does not look like an e-mail address.",
        "It is sent as it is.",
        OURS,
    ),
)

_OPTIONAL: Final = (
    Code(
        "url-ignored",
        "warning",
        "returnUrl",
        "The API drops {column} without a word: {value}.",
        "Write an absolute address that begins with https://, of at most 2,048 characters.",
        LINES,
    ),
)

_OF_BUNDLES: Final = (
    Code(
        "bundle-held",
        "error",
        "creditorReference",
        "It was not sent, since its bundle has errors in {detail}.",
        "Mend the others: the bundle is sent as a whole.",
        OURS,
    ),
    Code(
        "bundle-due-date-missing",
        "error",
        "dueDate",
        "An invoice of a bundle needs a due date: without it nothing tells how old its amount is.",
        "Write the date on which it was to be paid.",
        GUIDE,
    ),
    Code(
        "bundle-differs",
        "warning",
        "whatever is not an invoice's own",
        "{column} differs within the bundle: {value}. What is sent is {detail}.",
        "Write the same in all rows of the debtor, unless the oldest invoice is right.",
        OURS,
    ),
    Code(
        "bundle-field-blank",
        "warning",
        "fields of --bundle-by",
        "{column} is blank, so that the row is a case of its own.",
        "Write what tells the debtor apart, if it belongs to a bundle.",
        OURS,
    ),
    Code(
        "bundle-shortened",
        "warning",
        "comments, claimDescription",
        "{column} has at most 4,000 characters; left out are {detail}.",
        "Upload a list of the invoices to the case, if the collector needs it.",
        GUIDE,
    ),
    Code(
        "claim-lines-too-many",
        "error",
        "creditorReference",
        "A bundle has at most 1,000 claim lines, and this one {detail}.",
        "Leave --claim-lines out: sum and ages know no such limit.",
        LINES,
    ),
    Code(
        "claim-line-too-old",
        "error",
        "dueDate",
        "A claim line is due in 2000 or later, and this one on {value}.",
        "Leave --claim-lines out, or send the row by itself.",
        LINES,
    ),
    Code(
        "claim-line-too-precise",
        "error",
        "amountToRecover",
        "A claim line's amount has at most two decimals: {value}.",
        "Round it, or leave --claim-lines out.",
        LINES,
    ),
)

_OF_DETAILS: Final = (
    *(code for code in _COMMON if code.code in {"cell-error", "cell-not-split", "field-not-supported"}),
    Code("required", "error", "caseId", "{column} is missing.", "Write the id of a case, or leave the row out.", OURS),
    Code(
        "damaged-identifier",
        "error",
        "caseId",
        "The spreadsheet program has changed or lost digits of {column}: {value}.",
        "Format the column as text in the spreadsheet and enter the whole number again.",
        OURS,
    ),
    Code(
        "case-id-malformed",
        "error",
        "caseId",
        "{column} is no whole number: {value}.",
        "Write the id as digits only, at most 18 of them.",
        DETAILS,
    ),
    Code(
        "balance-mismatch",
        "warning",
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
        "externalTenantId, currencyCode, date, amountToRecover, debtor.type, debtor.name, debtor.address, debtor.city",
        "{column} is missing.",
        "Fill it in.",
        SUBMISSION,
    ),
    Code(
        "reference-duplicate",
        "error",
        "creditorReference",
        "The reference {value} is in more than one row of its client: {detail}.",
        "Keep one of them, or give each its own.",
        SUBMISSION,
    ),
    Code(
        "text-too-long",
        "error",
        "claimDescription, comments (4000); assignedUserEmail (320); tag (100); externalTenantId (255)",
        "{column} has more than {detail} characters.",
        "Shorten it.",
        "https://docs.debitura.com/openapi/customer-api.json",
    ),
)

_BY_TARGET: Final = {
    "customer": (*_COMMON, *_OF_CUSTOMER, *_OPTIONAL, *_OF_BUNDLES),
    "managed": (*_COMMON, *_OF_MANAGED),
    "references": (*(code for code in _COMMON if code.code in _CELLS), *_OF_REFERENCES),
    "details": _OF_DETAILS,
    "referral": (*_COMMON, *_OF_CUSTOMER, *_OPTIONAL, *_OF_BUNDLES, *_OF_REFERRAL),
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
