"""(status, headers, body) → what it means: every envelope that the API is known to send is read here, and only here.

The meanings of an answer to a POST are `Made`, `Refused`, `Taken`, `Throttled`, `Denied` and `Doubt`; those of a
look-up `Found`, `Listed`, `Absent`, `Throttled`, `Denied` and `Unanswered`.

Sources: https://docs.debitura.com/developer-concepts/error-handling,
https://docs.debitura.com/developer-concepts/idempotency, https://docs.debitura.com/developer-concepts/rate-limiting,
https://docs.debitura.com/clients/integration-guides/create-a-case
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from importer.model import Case

Reach = Literal["row", "group", "run"]

CREATED_TOLERANCE: Final = 2.0  # seconds; the API's `Date` has whole seconds, and its machines are not one clock


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back over HTTP; header names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class NeverLeft:
    """No byte of the request can have reached the API: refused, no such host, no TLS."""

    reason: str


@dataclass(frozen=True, slots=True)
class Lost:
    """The request, or a part of it, may have reached the API; no answer was read."""

    reason: str


Reply = Answer | NeverLeft | Lost


@dataclass(frozen=True, slots=True)
class KnownCase:
    """A case as the API tells it.

    Attributes:
        id: UUID.
        reference: Debitura's own, eight characters.
        creditor_reference: Ours, or None.
        lifecycle: As sent: an enumeration's name or its label, both exist.
        amount: The principal, or None where it cannot be read.
        currency: ISO 4217, or blank.
        is_test: Whether it is a test case.
        created: UTC; the API sends naive times that are UTC.
        debtor: The debtor's name, or blank.
        date: The invoice's date, or None.
    """

    id: str
    reference: str
    creditor_reference: str | None
    lifecycle: str
    amount: Decimal | None
    currency: str
    is_test: bool
    created: datetime | None
    debtor: str
    date: date | None


@dataclass(frozen=True, slots=True)
class Made:
    """The case exists, made by this request or by an earlier one with the same key."""

    case: KnownCase


@dataclass(frozen=True, slots=True)
class Refused:
    """The API says no; *reach* is what else will be refused for the same reason."""

    code: str
    message: str
    solution: str
    reach: Reach


@dataclass(frozen=True, slots=True)
class Taken:
    """A case has this reference already: whose it is must be asked."""

    message: str


@dataclass(frozen=True, slots=True)
class Throttled:
    """Not processed; *retry_after* in seconds, None where the API does not say."""

    retry_after: float | None


@dataclass(frozen=True, slots=True)
class Denied:
    """The key is not accepted (401), or not for this (403)."""

    status: int
    message: str


@dataclass(frozen=True, slots=True)
class Doubt:
    """Whether the case was made cannot be told; *by_server*: a 5xx answer, which may be replayed for the key."""

    reason: str
    by_server: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """The look-up names a case."""

    case: KnownCase


@dataclass(frozen=True, slots=True)
class Listed:
    """One page of cases, and whether it is the last."""

    cases: tuple[KnownCase, ...]
    last: bool


@dataclass(frozen=True, slots=True)
class Absent:
    """The API itself says that there is none; not just any 404."""


@dataclass(frozen=True, slots=True)
class Unanswered:
    """The question was not answered; ask again."""

    reason: str


PostMeaning = Made | Refused | Taken | Throttled | Denied | Doubt | NeverLeft
AskMeaning = Found | Absent | Throttled | Denied | Unanswered
ListMeaning = Listed | Throttled | Denied | Unanswered

_API_MEMBERS: Final = ("error", "message", "businessErrors", "title", "status")
_RUN_WIDE: Final = frozenset({"creditorblocked", "missingdebtcollectioncontract"})
_GROUP_WIDE: Final = frozenset({"missingpowerofattorney", "nopartneravailable", "missingkycverification"})
_DUPLICATE: Final = re.compile(r"duplicate\s*(creditor)?\s*reference", re.IGNORECASE)
_LENGTH: Final = re.compile(r"\b(50|length|long|exceed|characters?)\b", re.IGNORECASE)
_NO_PARTNER: Final = re.compile(r"\bpartner\b.*\bjurisdiction\b", re.IGNORECASE | re.DOTALL)
_DEMO: Final = re.compile(r"demo\s*account|demoaccount", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Fault:
    """One error of an envelope: a machine code or a field's name, a sentence, a link."""

    code: str
    message: str
    link: str = ""
    of_field: bool = False


def read_post(reply: Reply) -> PostMeaning:  # noqa: PLR0911 - one return for each meaning
    """Tell what a reply to a POST that makes a case means for the case."""
    match reply:
        case NeverLeft():
            return reply
        case Lost(reason):
            return Doubt(reason)
        case Answer(status) if status in {401, 403}:
            return Denied(status, _first_message(reply))
        case Answer(429):
            return Throttled(retry_after(reply))
        case Answer(status) if 200 <= status < 300:  # noqa: PLR2004 - the classes of HTTP
            case = _case(_json(reply.body))
            return Made(case) if case else Doubt(f"answer {status} could not be read")
        case Answer(400 | 409 | 422):
            return _read_refusal(reply)
        case Answer(status):
            return Doubt(f"answer {status}", by_server=status >= 500)  # noqa: PLR2004


def _read_refusal(answer: Answer) -> Refused | Taken | Doubt:
    document = _json(answer.body)
    faults = list(_faults(document))
    if not faults:
        return Doubt(f"answer {answer.status} could not be read")
    if any("idempotency" in f"{fault.code} {fault.message}".lower() for fault in faults):
        return Doubt(f"answer {answer.status}: {faults[0].message}")
    if any(_tells_duplicate(answer.status, fault) for fault in faults):
        return Taken(faults[0].message)
    if answer.status == 409:  # noqa: PLR2004 - the documents know no conflict here but a duplicate
        return Doubt(f"answer 409: {faults[0].message}")
    first = faults[0]
    if first.of_field:
        code = "ValidationError" if answer.status == 400 else first.code  # noqa: PLR2004
        message = "; ".join(f"{fault.code}: {fault.message}" for fault in faults)
    else:
        code, message = first.code or "BusinessError", "; ".join(dict.fromkeys(fault.message for fault in faults))
    link = next((fault.link for fault in faults if fault.link), "") or _signing_link(document)
    return Refused(code, message, link, _reach(answer.status, faults))


def _tells_duplicate(status: int, fault: _Fault) -> bool:
    if _DUPLICATE.search(f"{fault.code} {fault.message}"):
        return True
    names_reference = fault.of_field and fault.code.lower() == "creditorreference"
    return status in {400, 409} and names_reference and not _LENGTH.search(fault.message)


def _reach(status: int, faults: list[_Fault]) -> Reach:
    codes = {fault.code.lower() for fault in faults}
    text = " ".join(f"{fault.code} {fault.message}" for fault in faults)
    if codes & _RUN_WIDE or _DEMO.search(text):
        return "run"
    if codes & _GROUP_WIDE or (status == 422 and _NO_PARTNER.search(text)):  # noqa: PLR2004
        return "group"
    return "row"


def read_lookup(reply: Reply) -> AskMeaning:
    """Tell what a reply to a look-up of one case means."""
    match _read_any(reply):
        case Answer(200, _, body):
            case = _case(_json(body))
            return Found(case) if case else Unanswered("the answer to a look-up could not be read")
        case Answer(404, _, body) if _is_api_shaped(_json(body)):
            return Absent()
        case Answer(status):
            return Unanswered(f"a look-up was answered {status}")
        case other:
            return other


def read_list(reply: Reply) -> ListMeaning:
    """Tell what a reply to a page of cases means; the page's key is `page` or, in some documents, `pageData`."""
    match _read_any(reply):
        case Answer(200, _, body):
            document = _json(body)
            found = [_case(item) for item in document.get("cases") or []] if isinstance(document, dict) else [None]
            page = (document.get("page") or document.get("pageData")) if isinstance(document, dict) else None
            cases = tuple(case for case in found if case)
            if len(cases) != len(found) or not isinstance(page, dict):
                return Unanswered("a list of cases could not be read")
            return Listed(cases, last=not cases or _number(page, "currentPage") >= _number(page, "totalPages"))
        case Answer(status):
            return Unanswered(f"a list of cases was answered {status}")
        case other:
            return other


def _read_any(reply: Reply) -> Answer | Throttled | Denied | Unanswered:
    match reply:
        case NeverLeft(reason) | Lost(reason):
            return Unanswered(reason)
        case Answer(status) if status in {401, 403}:
            return Denied(status, _first_message(reply))
        case Answer(429):
            return Throttled(retry_after(reply))
        case Answer():
            return reply


def read_account(reply: Reply) -> tuple[str, str] | Throttled | Denied | Unanswered:
    """Read `GET /me`: the account's id and the company's name."""
    match _read_any(reply):
        case Answer(200, _, body):
            document = _json(body)
            if isinstance(document, dict) and isinstance(document.get("id"), str):
                return document["id"], str(document.get("companyName") or "")
            return Unanswered("the answer to GET /me could not be read")
        case Answer(status):
            return Unanswered(f"GET /me was answered {status}")
        case other:
            return other


def differences(case: Case, found: KnownCase, *, test: bool, since: float) -> list[str]:
    """Say in what *found* cannot be the case that *case* asked for; an empty list means that it is ours.

    Args:
        case: What we sent.
        found: What the API has.
        test: Whether we sent a test case.
        since: Seconds since the epoch, by the API's clock, before our first attempt.
    """
    said = []
    if found.is_test != test:
        said.append("it is a test case" if found.is_test else "it is a live case")
    if found.created is None or found.created.timestamp() < since - CREATED_TOLERANCE:
        when = f"{found.created:%Y-%m-%d %H:%M:%S} UTC" if found.created else "at an unknown time"
        said.append(f"it was created before this row was sent ({when})")
    if found.amount != case.amount:
        said.append("its amount differs")
    if found.currency.upper() != case.currency:
        said.append(f"its currency is {found.currency or 'unknown'}")
    if (found.creditor_reference or "") != (case.reference if case.has_reference else ""):
        said.append(f"its reference is {found.creditor_reference or 'blank'}")
    return said


def is_same_claim(case: Case, found: KnownCase) -> bool:
    """Tell whether *found* has the debtor and date of *case*: how one without a reference is recognised."""
    return found.debtor.strip() == case.debtor and found.date == case.date


def retry_after(answer: Answer) -> float | None:
    """Read how many seconds a 429 asks for: from the body, or from a header (seconds or an HTTP date)."""
    header = answer.headers.get("retry-after", "")
    if re.fullmatch(r"[0-9]+(\.[0-9]+)?", header):
        return float(header)
    if header:
        asked, now = _http_date(header), api_date(answer)
        if asked and now:
            return max(0.0, asked - now)
    document = _json(answer.body)
    value = document.get("retryAfter") if isinstance(document, dict) else None
    return float(value) if isinstance(value, Decimal | int) and not isinstance(value, bool) and value >= 0 else None


def api_date(answer: Answer) -> float | None:
    """Read the `Date` of an answer, in seconds since the epoch: the API's own clock."""
    return _http_date(answer.headers.get("date", ""))


def _http_date(text: str) -> float | None:
    try:
        return parsedate_to_datetime(text).timestamp()
    except (ValueError, TypeError):
        return None


def survives_path(reference: str) -> bool:
    """Tell whether a 404 for *reference* in a path is an answer; slashes may be decoded, dots resolved, on the way."""
    return not any(sign in reference for sign in "/\\%") and reference not in {".", ".."}


def _json(body: bytes) -> object:
    try:
        return json.loads(body, parse_float=Decimal)
    except (ValueError, RecursionError):
        return None


def _case(document: object) -> KnownCase | None:
    if not isinstance(document, dict) or not isinstance(document.get("id"), str) or not document["id"]:
        return None
    debtor = document.get("debtor")
    created, dated = _time(document.get("dateCreated")), _time(document.get("date"))
    creditor_reference = document.get("creditorReference")
    return KnownCase(
        id=document["id"],
        reference=str(document.get("reference") or ""),
        creditor_reference=creditor_reference if isinstance(creditor_reference, str) else None,
        lifecycle=str(document.get("lifecycle") or ""),
        amount=_amount(document.get("grossAmount")),
        currency=str(document.get("currency") or ""),
        is_test=document.get("isTestCase") is True,
        created=created,
        debtor=str(debtor.get("name") or "") if isinstance(debtor, dict) else "",
        date=dated.date() if dated else None,
    )


def _amount(value: object) -> Decimal | None:
    try:
        return Decimal(str(value))
    except InvalidOperation:
        return None


def _time(value: object) -> datetime | None:
    try:
        time = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def _number(document: Mapping[str, object], name: str) -> int:
    value = document.get(name)
    return value if isinstance(value, int) else 0


def _is_api_shaped(document: object) -> bool:
    """Tell an API's own 404 from one that a proxy or a wrong address gives."""
    return isinstance(document, dict) and not document.keys().isdisjoint(_API_MEMBERS)


def _signing_link(document: object) -> str:
    handoff = document.get("signingHandoff") if isinstance(document, dict) else None
    return _link(handoff.get("combinedSigningUrl")) if isinstance(handoff, dict) else ""


def _link(value: object) -> str:
    return value if isinstance(value, str) and value.startswith(("https://", "http://")) else ""


def _faults(document: object) -> Iterator[_Fault]:
    """Yield the errors of any envelope: business errors, problem details, or a bare dictionary of fields."""
    if not isinstance(document, dict):
        return
    business = document.get("businessErrors")
    if isinstance(business, list) and business:
        for error in business:
            if isinstance(error, dict):
                message = str(error.get("message") or document.get("message") or error.get("type") or "")
                yield _Fault(str(error.get("type") or ""), message, _link(error.get("solutionUrl")))
        return
    nested = document.get("errors")
    fields = nested if isinstance(nested, dict) else document
    listed = {name: texts for name, texts in fields.items() if isinstance(texts, list) and texts}
    if listed:
        for name, texts in listed.items():
            for text in texts:
                yield _Fault(name, str(text), of_field=True)
        return
    for code, message in (("error", "message"), ("title", "detail")):
        if isinstance(document.get(code), str):
            yield _Fault(document[code], str(document.get(message) or document[code]))
            return


def _first_message(answer: Answer) -> str:
    return next((fault.message for fault in _faults(_json(answer.body))), "")
