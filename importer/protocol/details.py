"""What Confirma's API says of a case: both published forms of the answer, read into the records of one sheet each.

Sources: https://developer-partnerapi.confirmafinance.com/retrieve-case-details-4083664e0 (`case`, an object) and
https://developer-partnerapi.confirmafinance.com/retrieve-case-details-4344614e0 (`cases`, an array). No list of values
is published for any enumeration, and nothing is said of what cannot be found.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Final, Literal

from importer import messages
from importer.protocol import retry_after
from importer.protocol.envelopes import first_message, parse
from importer.protocol.meaning import Absent, Answer, Denied, Throttled, Unanswered

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from importer.protocol.meaning import Reply

Kind = Literal["text", "amount", "number", "moment"]
Value = str | Decimal | date | datetime | None
Record = tuple[Value, ...]

EARLIEST: Final = 1900  # year; a spreadsheet program knows none before
LARGEST, FINEST = 14, 12  # powers of ten: within them sums of Decimals are exact, and more is no money
PARTS: Final = ("capital", "interest", "costs")
_MOMENT: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9].*)?")
_OCCURRED: Final = ("occurredAt", "occuredAt")  # both spellings are published


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a sheet: its heading, the members that it may come from, and what it holds."""

    heading: str
    members: tuple[str, ...]
    kind: Kind = "text"


def _column(heading: str, *members: str, kind: Kind = "text") -> Column:
    return Column(heading, members, kind)


_AMOUNTS: Final = tuple(
    _column(f"{part} {what}".capitalize(), f"{part}{what.capitalize()}", kind="amount")
    for part in PARTS
    for what in ("amount", "paid", "outstanding")
)
SHEETS: Final[Mapping[str, tuple[Column, ...]]] = {
    "summary": (
        _column("Case id", "caseId"),
        _column("Case status", "status"),
        _column("Stage", "stage"),
        _column("Created", "createdAt", kind="moment"),
        _column("Closed", "closedAt", kind="moment"),
        _column("Active days", "activeDays", kind="number"),
        _column("Creditor", "creditor"),
        _column("Currency", "currency"),
        _column("Agency", "agency"),
    ),
    "balance": (
        *_AMOUNTS,
        _column("Total outstanding", "totalOutstanding", kind="amount"),
        _column("As of", "asOf", kind="moment"),
    ),
    "invoices": (
        _column("Invoice number", "invoiceNumber"),
        _column("Reference", "reference"),
        _column("Original reference", "originalReference"),
        _column("Invoice date", "invoiceDate", kind="moment"),
        _column("Due date", "dueDate", kind="moment"),
        _column("Created", "createdDate", kind="moment"),
        _column("Subject", "subject"),
        _column("Document", "invoiceDocUrl"),
        _column("Interest calculation", "interestCalculation"),
        _column("Interest rate", "interestRate", kind="number"),
        _column("Capital amount", "capitalAmount", kind="amount"),
        _column("Capital paid", "capitalPaid", kind="amount"),
        _column("Interest amount", "interestAmount", kind="amount"),
        _column("Interest paid", "interestPaid", kind="amount"),
    ),
    "distribution": (  # the invoice's, on its line
        _column("Sent by", "method"),
        _column("Channel", "channel"),
        _column("Distributed", "distributedAt", kind="moment"),
        _column("Payment control", "paymentControlEnabled"),
        _column("Information", "information"),
        _column("Updated", "updatedAt", kind="moment"),
    ),
    "timeline": (_column("Type", "type"), _column("Occurred", *_OCCURRED, kind="moment")),
    "payments": (
        _column("Invoice number", "invoiceNumber"),
        _column("Created", "createdAt", kind="moment"),
        _column("Paid at bank", "bankPaymentDate", kind="moment"),
        _column("Allocated", "allocatedAt", kind="moment"),
        _column("Amount", "amount", kind="amount"),
        _column("Currency", "currency"),
        _column("Description", "description"),
        _column("Method", "method"),
        _column("Status", "status"),
    ),
    "events": (
        _column("Title", "title"),
        _column("Description", "description"),
        _column("State", "state"),
        _column("Occurred", *_OCCURRED, kind="moment"),
    ),
    "actions": (
        _column("Type", "type"),
        _column("Status", "status"),
        _column("Comment", "comment"),
        _column("Occurred", *_OCCURRED, kind="moment"),
    ),
    "notes": (
        _column("Title", "title"),
        _column("Content", "content"),
        _column("Occurred", *_OCCURRED, kind="moment"),
    ),
}
LISTS: Final = ("invoices", "payments", "events", "actions", "notes")


@dataclass(frozen=True, slots=True)
class CaseDetails:
    """One case as the API tells it; records have the values of the columns that `SHEETS` names, in their order.

    Attributes:
        id: The case's, or what was asked for where the API gives none.
        currency: As sent, or blank.
        summary, balance: Records of one line each; *balance* is None where the API sends none.
        lists: Sheet → its records; those of "invoices" end with the distribution's values, those of "timeline" begin
            with the invoice's number.
        faults: Sentences, one for each sum of the balance that is not right.
        strangers: Members that nothing here reads, as paths.
    """

    id: str
    currency: str
    summary: Record
    balance: Record | None
    lists: Mapping[str, tuple[Record, ...]]
    faults: tuple[str, ...]
    strangers: frozenset[str]


@dataclass(frozen=True, slots=True)
class Told:
    """What the API knows under what was asked for: one case, or several."""

    cases: tuple[CaseDetails, ...]


@dataclass(frozen=True, slots=True)
class Odd:
    """An answer that asking again will not change."""

    reason: str


DetailsMeaning = Told | Absent | Denied | Throttled | Unanswered | Odd


def read_details(reply: Reply, asked: str, *, by_invoice: bool = False) -> DetailsMeaning:
    """Tell what a reply to the question for the case *asked* means; with *by_invoice* it is an invoice's number."""
    if not isinstance(reply, Answer):
        return Unanswered(reply.reason)
    if not 200 <= reply.status < 300:  # noqa: PLR2004 - the classes of HTTP
        return _read_failure(reply)
    document = parse(reply.body)
    if not isinstance(document, dict):
        return Unanswered(messages.UNREADABLE.say(status=reply.status))
    cases = document["cases"] if isinstance(document.get("cases"), list) else [document.get("case")]
    found = [case for case in cases if isinstance(case, dict) and case]
    if not found:
        return Absent()
    ours = [case for case in found if _is_asked(case, asked, by_invoice=by_invoice)]
    if not ours:
        what = "an invoice" if by_invoice else "a case"
        return Odd(f"the answer tells of {what} that was not asked for; is details_parameter the right name?")
    strangers = {str(name) for name in document if name not in {"cases", "case"}}
    return Told(tuple(_read_case(case, asked, by_invoice=by_invoice, strangers=strangers) for case in ours))


def _read_failure(answer: Answer) -> Absent | Denied | Throttled | Unanswered | Odd:
    match answer.status:
        case 401 | 403:
            return Denied(answer.status, first_message(answer.body))
        case 404:
            return Absent()
        case 429:
            return Throttled(retry_after(answer))
        case status if status >= 500 or status == 408:  # noqa: PLR2004
            return Unanswered(messages.tell_answer(status))
        case status:
            return Odd(messages.tell_answer(status, first_message(answer.body)))


def read_validation(reply: Reply) -> str | Denied | Throttled | Unanswered:
    """Read what the API says of its token: blank where it is valid, else why not.

    Source: https://developer-partnerapi.confirmafinance.com/validate-access-token-4087227e0
    """
    match reply:
        case Answer(401 | 403):
            return Denied(reply.status, first_message(reply.body))
        case Answer(429):
            return Throttled(retry_after(reply))
        case Answer(200 | 400):
            document = parse(reply.body)
            if isinstance(document, dict) and isinstance(document.get("isValid"), bool):
                return "" if document["isValid"] else str(document.get("message") or "no reason is given")
    return Unanswered(messages.tell_answer(reply.status) if isinstance(reply, Answer) else reply.reason)


def _is_asked(case: dict[str, object], asked: str, *, by_invoice: bool) -> bool:
    if by_invoice:
        return any(_same(invoice.get("invoiceNumber"), asked) for invoice in _objects(case.get("invoices")))
    id_ = _object(case.get("summary")).get("caseId")
    return id_ is None or _same(id_, asked)


def _same(told: object, asked: str) -> bool:
    return str(told).strip().lstrip("0") == asked.lstrip("0")


def _read_case(case: dict[str, object], asked: str, *, by_invoice: bool, strangers: set[str]) -> CaseDetails:
    strange = set(strangers)
    summary = _object(case.get("summary"))
    id_ = _read(summary.get("caseId"), "text")
    balance = _object(case.get("balance"))
    lists = {name: _objects(case.get(name)) for name in LISTS}
    strange |= {str(name) for name in case if name not in {"summary", "balance", *LISTS}}
    strange |= _strangers("summary", summary) | _strangers("balance", balance)
    for name, records in lists.items():
        for record in records:
            strange |= _strangers(name, record, nested={"distribution", "timeline"} if name == "invoices" else set())
    read = {name: tuple(_record(name, record) for record in records) for name, records in lists.items()}
    invoices = lists["invoices"]
    distributions = [_object(invoice.get("distribution")) for invoice in invoices]
    timelines = [(invoice, _objects(invoice.get("timeline"))) for invoice in invoices]
    for member, inner in (
        *(("distribution", one) for one in distributions),
        *(("timeline", one) for _, several in timelines for one in several),
    ):
        strange |= {f"invoices[].{path}" for path in _strangers(member, inner)}
    read["invoices"] = tuple(
        record + _record("distribution", one) for record, one in zip(read["invoices"], distributions, strict=True)
    )
    read["timeline"] = tuple(
        (_read(invoice.get("invoiceNumber"), "text"), *_record("timeline", one))
        for invoice, several in timelines
        for one in several
    )
    return CaseDetails(
        id=str(id_ or ("" if by_invoice else asked)),
        currency=str(_read(summary.get("currency"), "text") or "").strip().upper(),
        summary=_record("summary", summary),
        balance=_record("balance", balance) if balance else None,
        lists=read,
        faults=tuple(_add_up(balance)),
        strangers=frozenset(strange),
    )


def _strangers(name: str, document: dict[str, object], nested: set[str] | None = None) -> set[str]:
    known = {member for column in SHEETS[name] for member in column.members} | (nested or set())
    place = f"{name}[]" if name in {*LISTS, "timeline"} else name
    return {f"{place}.{member}" for member in document if member not in known}


def _record(name: str, document: dict[str, object]) -> Record:
    return tuple(
        next((_read(document[member], column.kind) for member in column.members if member in document), None)
        for column in SHEETS[name]
    )


def _read(value: object, kind: Kind) -> Value:
    """Read a member's value; what is not of its *kind* stays the text that it is."""
    if value is None or value == "":
        return None
    if isinstance(value, bool):
        return "yes" if value else "no"
    if kind in {"amount", "number"} and (amount := _amount(value)) is not None:
        return amount
    if kind == "moment" and isinstance(value, str) and (moment := _moment(value.strip())) is not None:
        return moment
    if isinstance(value, str | int | Decimal):
        return str(value)
    return json.dumps(value, ensure_ascii=False, default=str)


def _amount(value: object) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, int | Decimal | str):
        return None
    try:
        amount = Decimal(value)
    except InvalidOperation:
        return None
    fits = amount.is_finite() and amount.adjusted() <= LARGEST and int(amount.as_tuple().exponent) >= -FINEST
    return amount if fits else None


def _moment(text: str) -> date | datetime | None:
    """Read a date, or a time as UTC without saying so, as a spreadsheet knows no zones; a bare midnight is a date."""
    if not _MOMENT.fullmatch(text):
        return None
    try:
        moment = datetime.fromisoformat(text)
        zoneless = moment.tzinfo is None
        if not zoneless:
            moment = moment.astimezone(UTC).replace(tzinfo=None)
    except (ValueError, OverflowError):
        return None
    if moment.year < EARLIEST:
        return None
    return moment.date() if zoneless and moment.time() == time() else moment


def _add_up(balance: dict[str, object]) -> Iterator[str]:
    """Say which sums of a balance are not right; a sum with a part missing is not judged."""
    outstanding = [_amount(balance.get(f"{part}Outstanding")) for part in PARTS]
    for part, left in zip(PARTS, outstanding, strict=True):
        amount, paid = (_amount(balance.get(f"{part}{what}")) for what in ("Amount", "Paid"))
        if amount is not None and paid is not None and left is not None and amount - paid != left:
            name = part.capitalize()
            yield (
                f"{name}: {_figure(amount)} less {_figure(paid)} paid is {_figure(amount - paid)}, "
                f"and {_figure(left)} is said to be outstanding."
            )
    total, parts = _amount(balance.get("totalOutstanding")), [left for left in outstanding if left is not None]
    if total is not None and len(parts) == len(PARTS) and sum(parts) != total:
        told = " + ".join(map(_figure, parts))
        yield f"Total: {told} is {_figure(sum(parts, Decimal(0)))}, and {_figure(total)} is said to be outstanding."


def _figure(amount: Decimal) -> str:
    return f"{amount:,.2f}" if amount == round(amount, 2) else f"{amount:,}"


def _object(value: object) -> dict[str, object]:
    return value if isinstance(value, dict) else {}


def _objects(value: object) -> Sequence[dict[str, object]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
