"""The catalogue of issue codes: severity, message, hint and source; `python -m schemas.codes` prints its page."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

GUIDE: Final = "https://docs.debitura.com/clients/integration-guides/create-a-case"
ERRORS: Final = "https://docs.debitura.com/referral-partners/error-reference"
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
    """

    code: str
    severity: Literal["error", "warning"]
    fields: str
    message: str
    hint: str
    source: str


_ALL: Final = (
    Code(
        "not-a-number",
        "error",
        "every amount",
        "{column} is no amount: {value}.",
        "Write digits only, such as 1234.50.",
        OURS,
    ),
    Code(
        "not-a-date",
        "error",
        "every date",
        "{column} is no date: {value}.",
        "Write it with a year of four digits, such as 2026-01-31.",
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
        "damaged-identifier",
        "warning",
        "texts that identify; an error for creditorReference",
        "The spreadsheet program has lost digits of {column}: {value}.",
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
        "claimDescription, comments (4000); assignedUserEmail (320)",
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
        "debtor.email",
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

CATALOGUE: Final[Mapping[str, Code]] = {code.code: code for code in _ALL}


def page() -> str:
    """Render the catalogue as Markdown: the whole of `docs/codes.md`."""
    lines = [
        "# Issue codes",
        "",
        "Made by `python -m schemas.codes > docs/codes.md`; a test holds it current. An error keeps the row from being",
        "sent, a warning does not. *ours* marks a policy of this program; every other rule mirrors what the API says.",
        "",
        "| code | severity | fields | message | hint | source |",
        "|---|---|---|---|---|---|",
    ]
    for code in CATALOGUE.values():
        source = f"[documentation]({code.source})" if code.source != OURS else "*ours*"
        told = [
            text.replace("{column}", "*column*").replace("{value}", "*value*").replace("{detail}", "…")
            for text in (code.message, code.hint)
        ]
        lines.append(f"| `{code.code}` | {code.severity} | {code.fields} | {' | '.join(told)} | {source} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(page())
