"""Judges the body of one `POST /cases`, member by member, from the API's published rules; `managed` has others' rules.

Sources: https://docs.debitura.com/clients/integration-guides/create-a-case and, for the words of the messages,
https://docs.debitura.com/referral-partners/error-reference . Where a message is not published its words are ours.
"""

from __future__ import annotations

import re
from datetime import date, datetime
from decimal import ROUND_HALF_EVEN, Context, Decimal
from itertools import chain, pairwise
from typing import TYPE_CHECKING, Final

from importer.sandbox.lists import currencies, find_country, find_state, fold

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

Messages = dict[str, list[str]]

LONGEST_REFERENCE: Final = 50  # characters
LONGEST_TEXTS: Final = {"claimDescription": 4000, "comments": 4000, "tag": 100, "assignedUserEmail": 320}
BUCKETS: Final = ("amountToRecoverOver6Months", "amountToRecoverOver12Months", "amountToRecoverOver24Months")

_LARGEST: Final = Decimal(79_228_162_514_264_337_593_543_950_335)  # of the server's decimal type
_SCALE: Final = -28  # finer fractions are rounded away
_SMALLEST: Final = Decimal(1).scaleb(_SCALE)
_EXACT: Final = Context(prec=64, Emin=-9999999, Emax=9999999, rounding=ROUND_HALF_EVEN)
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:T[0-9].*)?", re.ASCII)
_UUID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_LONE_SURROGATE: Final = re.compile(r"[\ud800-\udfff]")


def read_number(value: object) -> Decimal | None:
    """Read a JSON number as the server does; None where it is none or out of its range."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return None
    number = Decimal(value) if isinstance(value, int) else Decimal(str(value))
    if not number.is_finite() or abs(number) > _LARGEST:
        return None
    exponent = number.as_tuple().exponent
    return number if int(exponent) >= _SCALE else number.quantize(_SMALLEST, context=_EXACT)


def read_day(value: object) -> date | None:
    """Read `YYYY-MM-DD`, with or without a time, which counts for nothing; None where it is no such day."""
    if not isinstance(value, str) or not _DAY.fullmatch(value):
        return None
    try:
        return datetime.fromisoformat(value).date()
    except ValueError:
        return None


def read_text(value: object) -> str:
    """Return the text, or a blank for null and for what is no text."""
    return value if isinstance(value, str) else ""


def is_uuid(value: object) -> bool:
    """Tell whether *value* is a UUID in its usual form."""
    return isinstance(value, str) and _UUID.fullmatch(value) is not None


def _is_text(value: object) -> bool:
    return isinstance(value, str) and not _LONE_SURROGATE.search(value)


_KINDS: Final[Mapping[str, Callable[[object], bool]]] = {
    "System.String": _is_text,
    "System.Decimal": lambda value: read_number(value) is not None,
    "System.DateTime": lambda value: read_day(value) is not None,
    "System.Guid": is_uuid,
    "System.Boolean": lambda value: isinstance(value, bool),
    "Debtor": lambda value: isinstance(value, dict),
    "ClaimLine[]": lambda value: isinstance(value, list) and all(isinstance(line, dict) for line in value),
}
MEMBERS: Final[Mapping[str, str]] = {
    "currencyCode": "System.String",
    "date": "System.DateTime",
    "dueDate": "System.DateTime",
    "amountToRecover": "System.Decimal",
    **dict.fromkeys(BUCKETS, "System.Decimal"),
    "claimLines": "ClaimLine[]",
    "creditorReference": "System.String",
    "claimDescription": "System.String",
    "comments": "System.String",
    "creditorDivisionId": "System.Guid",
    "collectionPartnerId": "System.Guid",
    "skipDebituraVerification": "System.Boolean",
    "skipCreationEmails": "System.Boolean",
    "allowPendingContracts": "System.Boolean",
    "isTest": "System.Boolean",
    "tag": "System.String",
    "assignedUserEmail": "System.String",
    "returnUrl": "System.String",
    "debtor": "Debtor",
}
DEBTOR_MEMBERS: Final = (
    "type",
    "name",
    "contactPerson",
    "companyRegistrationNumber",
    "address",
    "zipCode",
    "city",
    "state",
    "stateAlpha2",
    "countryAlpha2",
    "country",
    "email",
    "phone",
)


def judge(body: dict[str, object], today: date) -> Messages:
    """Return every reason why the API refuses *body*: member → messages, nothing where it is accepted.

    Args:
        body: The request, as JSON has it; numbers may be int, float or Decimal. Unknown members are ignored, null is
            as good as absent.
        today: The day in UTC.
    """
    found = find_misfits(body)
    misfits = frozenset(found)
    for member, message in chain(
        judge_claim(body), judge_dates(body, today), _judge_buckets(body), _judge_debtor(body.get("debtor"))
    ):
        if member not in misfits:
            found.setdefault(member, []).append(message)
    return found


def find_misfits(body: Mapping[str, object], members: Mapping[str, str] = MEMBERS) -> Messages:
    """Return member → message for each value of a JSON type that the server cannot even read."""
    debtor = body.get("debtor")
    values = [(name, kind, body.get(name)) for name, kind in members.items()]
    if isinstance(debtor, dict):
        values += [(f"debtor.{name}", "System.String", debtor.get(name)) for name in DEBTOR_MEMBERS]
    return {
        name: [f"The JSON value could not be converted to {kind}. Path: $.{name}"]
        for name, kind, value in values
        if value is not None and not _KINDS[kind](value)
    }


def judge_claim(body: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    """Yield member and message for what is wrong with currency, amount, reference and texts."""
    currency = read_text(body.get("currencyCode"))
    if not currency.strip():
        yield "currencyCode", "The currencyCode field is required."
    elif fold(currency) not in currencies():
        yield "currencyCode", f"Invalid currency code: {currency}"
    amount = read_number(body.get("amountToRecover"))
    if amount is None or amount <= 0:
        yield "amountToRecover", "Case total must be a positive amount"
    if len(read_text(body.get("creditorReference"))) > LONGEST_REFERENCE:
        yield "creditorReference", f"Creditor reference cannot exceed {LONGEST_REFERENCE} characters"
    for member, longest in LONGEST_TEXTS.items():
        if len(read_text(body.get(member))) > longest:
            yield member, f"The field {member} must be a string with a maximum length of {longest}."


def judge_dates(body: Mapping[str, object], today: date) -> Iterator[tuple[str, str]]:
    """Yield member and message for what is wrong with the dates."""
    day, due = read_day(body.get("date")), read_day(body.get("dueDate"))
    if day is None:
        yield "date", "The date field is required."
    elif day > today:
        yield "date", "Case date cannot be in the future"
    if due and day and due < day:
        yield "dueDate", "Due date cannot be earlier than the case date"
    if due and due > today:
        yield "dueDate", "Due date must be in the past"


def _judge_buckets(body: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    over_6, over_12, over_24 = BUCKETS
    amounts = {name: read_number(body.get(name)) for name in BUCKETS}
    given = {name for name in BUCKETS if body.get(name) is not None}
    for one, other in ((over_12, over_24), (over_24, over_12)):
        if one in given and other not in given:
            yield other, f"{one} and {other} must be provided together"
    if over_6 in given and not given >= {over_12, over_24}:
        yield over_6, f"{over_6} can only be provided alongside {over_12} and {over_24}"
    for name, amount in amounts.items():
        if amount is not None and amount < 0:
            yield name, f"{name} cannot be negative"
    rising = [(name, amount) for name, amount in reversed(amounts.items()) if amount is not None]
    rising += [("amountToRecover", total)] if (total := read_number(body.get("amountToRecover"))) is not None else []
    for (smaller, part), (larger, whole) in pairwise(rising):
        if part > whole:
            yield smaller, f"{smaller} cannot be greater than {larger}"


def _judge_debtor(debtor: object) -> Iterator[tuple[str, str]]:
    if not isinstance(debtor, dict):
        yield "debtor", "Debtor information is required"
        return
    for member in ("type", "name", "address", "city"):
        if not read_text(debtor.get(member)).strip():
            yield f"debtor.{member}", f"Debtor {member} is required"
    kind = read_text(debtor.get("type"))
    if kind.strip() and fold(kind) not in {"COMPANY", "PRIVATE"}:
        yield "debtor.type", "Invalid debtor type"
    yield from judge_country(debtor, "debtor.")
    if find_country(read_text(debtor.get("countryAlpha2")), read_text(debtor.get("country"))) != "US":
        return
    code, state = read_text(debtor.get("stateAlpha2")), read_text(debtor.get("state"))
    if find_state(code, state):
        return
    if code.strip():
        yield "debtor.stateAlpha2", f"Invalid state code: {code}"
    else:
        yield "debtor.stateAlpha2", "A state code (e.g. CA, NY, TX) is required for US debtors"


def judge_country(
    holder: Mapping[str, object], before: str, code_member: str = "countryAlpha2", name_member: str = "country"
) -> Iterator[tuple[str, str]]:
    """Yield member, with what stands *before* it, and message for what is wrong with a country; alpha-2 wins."""
    alpha_2, name = read_text(holder.get(code_member)), read_text(holder.get(name_member))
    country = find_country(alpha_2, name)
    if country is None and alpha_2.strip():
        yield f"{before}{code_member}", f"Invalid country code: {alpha_2}"
    elif country is None and name.strip():
        yield f"{before}{name_member}", f"Invalid country name: {name}. Use {code_member} instead"
    elif country is None:
        yield f"{before}{code_member}", f"A country is required: provide {code_member} or {name_member}"
