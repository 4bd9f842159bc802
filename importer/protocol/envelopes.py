"""The forms in which the API writes cases and errors; each is read here into one."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Final

from importer.protocol.meaning import KnownCase
from schemas.creditors import name_creditor

if TYPE_CHECKING:
    from collections.abc import Iterator

_ERRORS: Final = ("error", "errors", "businessErrors")
_FORMS_OF_404: Final = (("businessErrors",), ("error", "message"), ("title", "detail"))


@dataclass(frozen=True, slots=True)
class Fault:
    """One error of an envelope: a machine code or a field's name, a sentence, a link."""

    code: str
    message: str
    link: str = ""
    of_field: bool = False


def parse(body: bytes) -> object:
    """Read JSON with exact numbers; None where it is none, or holds numbers beyond all measure."""
    try:
        return _storable(json.loads(body, parse_float=Decimal))
    except (ValueError, RecursionError, InvalidOperation):
        return None


def _storable(value: object) -> object:
    """Replace halves of characters and NULs in all texts: no journal takes them, and each resume would meet them."""
    if isinstance(value, str):
        if value.isascii() and "\0" not in value:
            return value
        return value.encode(errors="replace").decode().replace("\0", "?")
    if isinstance(value, list):
        return [_storable(item) for item in value]
    if isinstance(value, dict):
        return {_storable(name): _storable(item) for name, item in value.items()}
    return value


def case_of(document: object) -> KnownCase | None:
    """Read a case; None where the document is not one."""
    if not isinstance(document, dict) or not isinstance(document.get("id"), str) or not document["id"]:
        return None
    if any(document.get(name) for name in _ERRORS):  # an error may have an id of its own
        return None
    if not (document.get("reference") or document.get("lifecycle")):  # so may a job in a queue
        return None
    debtor = document.get("debtor")
    created, dated = _time(document.get("dateCreated")), _time(document.get("date"))
    creditor_reference = document.get("creditorReference")
    return KnownCase(
        id=document["id"],
        reference=str(document.get("reference") or ""),
        creditor_reference=creditor_reference if isinstance(creditor_reference, str) else None,
        lifecycle=str(document.get("lifecycle") or ""),
        amount=amount_of(document.get("grossAmount")),
        currency=str(document.get("currency") or ""),
        is_test=document.get("isTestCase") is True,
        created=created,
        debtor=str(debtor.get("name") or "") if isinstance(debtor, dict) else "",
        date=dated.date() if dated else None,
        solution=signing_link(document) or link_of(document.get("solutionUrl")),
        creditor=_creditor(document.get("creditor")),
        partner_reference=partner_reference(document),
        comments=str(document.get("creditorComments") or ""),
    )


def partner_reference(document: object) -> str | None:
    """Read a collection partner's own reference, blank where there is none; None where the document does not tell."""
    if not isinstance(document, dict) or "collectionPartnerReference" not in document:
        return None
    return str(document["collectionPartnerReference"] or "")


def _creditor(document: object) -> str:
    if not isinstance(document, dict):
        return ""
    return name_creditor(*(str(document.get(name) or "") for name in ("companyName", "country")))


def amount_of(value: object) -> Decimal | None:
    """Read an amount; None where there is none."""
    try:
        amount = Decimal(str(value))
    except InvalidOperation:
        return None
    return amount if amount.is_finite() else None


def _time(value: object) -> datetime | None:
    try:
        time = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def number(document: object, name: str) -> int:
    """Read a whole number; 0 where there is none."""
    value = document.get(name) if isinstance(document, dict) else None
    return value if isinstance(value, int) else 0


def is_api_shaped(document: object) -> bool:
    """Tell the API's own 404 from a gateway's or a wrong address's, which have a message or a title alone."""
    return isinstance(document, dict) and any(document.keys() >= set(form) for form in _FORMS_OF_404)


def signing_link(document: object) -> str:
    """Read the link under which all contracts are signed; blank where there is none."""
    handoff = document.get("signingHandoff") if isinstance(document, dict) else None
    return link_of(handoff.get("combinedSigningUrl")) if isinstance(handoff, dict) else ""


def link_of(value: object) -> str:
    """Read a link; blank where there is none."""
    return value if isinstance(value, str) and value.startswith(("https://", "http://")) else ""


def faults_of(document: object) -> Iterator[Fault]:
    """Yield the errors of any envelope: business errors, problem details, or a bare dictionary of fields."""
    if not isinstance(document, dict):
        return
    business = document.get("businessErrors")
    if isinstance(business, list) and business:
        for error in business:
            if isinstance(error, dict):
                message = str(error.get("message") or document.get("message") or error.get("type") or "")
                yield Fault(str(error.get("type") or ""), message, link_of(error.get("solutionUrl")))
        return
    nested = document.get("errors")
    fields = nested if isinstance(nested, dict) else document
    listed = {name: texts for name, texts in fields.items() if isinstance(texts, list) and texts}
    if listed:
        for name, texts in listed.items():
            for text in texts:
                yield Fault(name, str(text), of_field=True)
        return
    code, message = ("error", "message") if "error" in document else ("title", "detail")
    if isinstance(document.get(code), str):
        yield Fault(document[code], str(document.get(message) or document[code]))


def first_message(body: bytes) -> str:
    """Return the first sentence of an error; blank where there is none."""
    return next((fault.message for fault in faults_of(parse(body))), "")
