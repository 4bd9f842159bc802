"""(status, headers, body) → what it means: every envelope that the API is known to send is read here, and only here.

Sources: https://docs.debitura.com/developer-concepts/error-handling,
https://docs.debitura.com/developer-concepts/idempotency, https://docs.debitura.com/developer-concepts/rate-limiting,
https://docs.debitura.com/clients/integration-guides/create-a-case
"""

from __future__ import annotations

import re
from decimal import Decimal
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from importer import messages
from importer.protocol.envelopes import (
    Fault,
    case_of,
    faults_of,
    first_message,
    is_api_shaped,
    number,
    parse,
    signing_link,
)
from importer.protocol.meaning import (
    Absent,
    Answer,
    AskMeaning,
    Denied,
    Doubt,
    Expired,
    Found,
    KnownCase,
    Listed,
    ListMeaning,
    Lost,
    Made,
    NeverLeft,
    PostMeaning,
    Reach,
    Refused,
    Reply,
    Taken,
    Throttled,
    Unanswered,
)
from schemas.creditors import may_be

if TYPE_CHECKING:
    from importer.model import Case

__all__ = [
    "Absent",
    "Answer",
    "AskMeaning",
    "Denied",
    "Doubt",
    "Expired",
    "Found",
    "KnownCase",
    "ListMeaning",
    "Listed",
    "Lost",
    "Made",
    "NeverLeft",
    "PostMeaning",
    "Refused",
    "Reply",
    "Taken",
    "Throttled",
    "Unanswered",
    "api_date",
    "differences",
    "is_same_claim",
    "read_account",
    "read_any",
    "read_list",
    "read_lookup",
    "read_post",
    "request_id",
    "retry_after",
    "survives_path",
    "told",
]

CREATED_TOLERANCE: Final = 2.0  # seconds; the API's `Date` has whole seconds, and its machines are not one clock

LONGEST_RETRY: Final = 10**12  # seconds; more is no time that anybody can mean, or compute with

LONGEST_REQUEST_ID: Final = 200  # characters; what is longer is none

_REQUEST_IDS: Final = ("x-request-id", "request-id", "x-correlation-id", "traceparent")
_RUN_WIDE: Final = frozenset({"creditorblocked", "missingdebtcollectioncontract"})
_GROUP_WIDE: Final = frozenset({"missingpowerofattorney", "nopartneravailable", "missingkycverification"})
_DUPLICATE: Final = re.compile(r"duplicate\s*(creditor)?\s*reference", re.IGNORECASE)
_IN_USE: Final = re.compile(r"\b(exist|already|unique|in use|used|taken|duplicate)", re.IGNORECASE)
_NO_PARTNER: Final = re.compile(r"\bpartner\b.*\bjurisdiction\b", re.IGNORECASE | re.DOTALL)
_DEMO: Final = re.compile(r"demo\s*account|demoaccount", re.IGNORECASE)


def read_post(reply: Reply) -> PostMeaning:  # noqa: PLR0911 - one return for each meaning
    """Tell what a reply to a POST that makes a case means for the case."""
    match reply:
        case NeverLeft():
            return reply
        case Lost(reason):
            return Doubt(reason)
        case Answer(status) if status in {401, 403}:
            return Denied(status, first_message(reply.body))
        case Answer(429):
            return Throttled(retry_after(reply))
        case Answer(status) if 200 <= status < 300:  # noqa: PLR2004 - the classes of HTTP
            case = case_of(parse(reply.body))
            return Made(case) if case else Doubt(messages.UNREADABLE.say(status=status))
        case Answer(400 | 409 | 422):
            return _read_refusal(reply)
        case _:
            return Doubt(messages.tell_answer(reply.status), by_server=reply.status >= 500)  # noqa: PLR2004


def _read_refusal(answer: Answer) -> Refused | Taken | Doubt:
    document = parse(answer.body)
    faults = list(faults_of(document))
    if not faults:
        return Doubt(messages.UNREADABLE.say(status=answer.status))
    if any("idempotency" in f"{fault.code} {fault.message}".lower() for fault in faults):
        return Doubt(messages.tell_answer(answer.status, faults[0].message))
    if any(_tells_duplicate(answer.status, fault) for fault in faults):
        return Taken(faults[0].message)
    if answer.status == 409:  # noqa: PLR2004 - the documents know no conflict here but a duplicate
        return Doubt(messages.tell_answer(409, faults[0].message))
    first = faults[0]
    if first.of_field:
        code = "ValidationError" if answer.status == 400 else first.code  # noqa: PLR2004
        message = "; ".join(f"{fault.code}: {fault.message}" for fault in faults)
    else:
        code, message = first.code or "BusinessError", "; ".join(dict.fromkeys(fault.message for fault in faults))
    link = next((fault.link for fault in faults if fault.link), "") or signing_link(document)
    return Refused(code, message, link, _reach(answer.status, faults))


def _tells_duplicate(status: int, fault: Fault) -> bool:
    if _DUPLICATE.search(f"{fault.code} {fault.message}"):
        return True
    names_reference = fault.of_field and fault.code.lower() == "creditorreference"
    return status in {400, 409} and names_reference and bool(_IN_USE.search(fault.message))


def _reach(status: int, faults: list[Fault]) -> Reach:
    codes = {fault.code.lower() for fault in faults}
    text = " ".join(f"{fault.code} {fault.message}" for fault in faults)
    if codes & _RUN_WIDE or _DEMO.search(text):
        return "run"
    if codes & _GROUP_WIDE or (status == 422 and _NO_PARTNER.search(text)):  # noqa: PLR2004
        return "group"
    return "row"


def read_lookup(reply: Reply) -> AskMeaning:
    """Tell what a reply to a look-up of one case means."""
    match read_any(reply):
        case Answer(200, _, body):
            case = case_of(parse(body))
            return Found(case) if case else Unanswered("the answer to a look-up could not be read")
        case Answer(404, _, body) if is_api_shaped(parse(body)):
            return Absent()
        case Answer(status):
            return Unanswered(f"a look-up was answered {status}")
        case other:
            return other


def read_list(reply: Reply, asked: int) -> ListMeaning:
    """Tell what a reply to page *asked* of the cases means; its key is `page` or, in some documents, `pageData`."""
    match read_any(reply):
        case Answer(200, _, body):
            return _read_page(parse(body), asked)
        case Answer(status):
            return Unanswered(f"a list of cases was answered {status}")
        case other:
            return other


def _read_page(document: object, asked: int) -> Listed | Unanswered:
    """Read one page; one that is not whole, or another, is no answer: what it leaves out would be taken for absent."""
    if isinstance(document, dict) and isinstance(document.get("cases"), list):
        page = document.get("page") or document.get("pageData")
        current, total = (number(page, name) for name in ("currentPage", "totalPages"))
        cases = [case_of(item) for item in document["cases"]]
        if None not in cases and current == asked and (total >= 1 or not cases):
            return Listed(tuple(case for case in cases if case), last=not cases or current >= total)
    return Unanswered("a list of cases could not be read")


def read_any(reply: Reply) -> Answer | Throttled | Denied | Unanswered:
    """Sort out what any question may be answered with; what is left is an answer to this one."""
    match reply:
        case NeverLeft(reason) | Lost(reason):
            return Unanswered(reason)
        case Answer(status) if status in {401, 403}:
            return Denied(status, first_message(reply.body))
        case Answer(429):
            return Throttled(retry_after(reply))
        case _:
            return reply


def read_account(reply: Reply) -> tuple[str, str] | Throttled | Denied | Unanswered:
    """Read `GET /me`: the account's id and the company's name."""
    match read_any(reply):
        case Answer(200, _, body):
            document = parse(body)
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
        said.append((messages.IS_TEST if found.is_test else messages.IS_LIVE).say())
    if found.created is None or found.created.timestamp() < since - CREATED_TOLERANCE:
        when = f"{found.created:%Y-%m-%d %H:%M:%S} UTC" if found.created else "at an unknown time"
        said.append(messages.CREATED_BEFORE.say(when=when))
    if found.amount != case.amount:
        said.append(messages.OTHER_AMOUNT.say())
    if found.currency.upper() != case.currency:
        said.append(messages.OTHER_CURRENCY.say(currency=found.currency or "unknown"))
    if (found.creditor_reference or "") != (case.reference if case.has_reference else ""):
        said.append(messages.OTHER_REFERENCE.say(reference=found.creditor_reference or "blank"))
    if case.creditor and not may_be(case.creditor, found.creditor):
        said.append(messages.OTHER_CREDITOR.say(creditor=found.creditor))
    return said


def is_same_claim(case: Case, found: KnownCase) -> bool:
    """Tell whether *found* has the debtor and date of *case*: how one is recognised that no reference protects."""
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
    document = parse(answer.body)
    value = document.get("retryAfter") if isinstance(document, dict) else None
    if isinstance(value, Decimal | int) and not isinstance(value, bool) and value >= 0:
        return float(min(value, LONGEST_RETRY))
    return None


def api_date(answer: Answer) -> float | None:
    """Read the `Date` of an answer, in seconds since the epoch: the API's own clock."""
    return _http_date(answer.headers.get("date", ""))


def request_id(answer: Answer) -> str | None:
    """Read the API's own name for a request, which its support can look up; None where it gives none.

    The documents name no header: the usual ones are tried, then the `traceId` of problem details.
    """
    given: object = next((answer.headers[name] for name in _REQUEST_IDS if answer.headers.get(name)), None)
    if given is None and answer.status >= 400:  # noqa: PLR2004 - what has gone well has no problem details
        document = parse(answer.body)
        given = document.get("traceId") if isinstance(document, dict) else None
    return given if isinstance(given, str) and 0 < len(given) <= LONGEST_REQUEST_ID else None


@lru_cache(maxsize=16)  # many answers are of the same second
def _http_date(text: str) -> float | None:
    try:
        return parsedate_to_datetime(text).timestamp()
    except (ValueError, TypeError):
        return None


def told(reply: Reply) -> str:
    """Write how a request ended, for the record.

    >>> told(Answer(200, {}, b"")), told(Lost("no answer within 30 s"))
    ('200', 'Lost: no answer within 30 s')
    """
    return str(reply.status) if isinstance(reply, Answer) else f"{type(reply).__name__}: {reply.reason}"


def survives_path(reference: str) -> bool:
    """Tell whether a 404 for *reference* in a path is an answer; slashes may be decoded, dots resolved, on the way."""
    return not any(sign in reference for sign in "/\\%") and reference not in {".", ".."}
