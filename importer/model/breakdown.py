"""The invoices of a case of several, as its comments list them: written when it is sent, read back from the API.

The API keeps one reference a case. What its other invoices are is told by its comments alone, so that a journal that
was lost has nothing else to know them by.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal, localcontext
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

LONGEST_TEXT: Final = 4000  # characters
ROOM: Final = 150  # more than the characters of a heading, and of how many invoices were left out
_BEGINS: Final = "This case is made of "
_HEADING: Final = re.compile(rf"{_BEGINS}([0-9]{{1,9}}) invoices, ([0-9]+(?:\.[0-9]+)?) ([A-Z]{{3}}) in all:")
_DAY: Final = "[0-9]{4}-[0-9]{2}-[0-9]{2}"
_LINE: Final = re.compile(rf"(.*): of {_DAY}, (?:due {_DAY}, )?([0-9]+(?:\.[0-9]+)?) ([A-Z]{{3}})", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Invoice:
    """One of a case's: its creditor reference, and its own amount in the case's currency."""

    reference: str
    amount: Decimal


def head_breakdown(count: int, total: Decimal, currency: str) -> str:
    """Write what the list of *count* invoices begins with."""
    return f"{_BEGINS}{count} invoices, {total:f} {currency} in all:"


def tell_invoice(reference: str, date: str, due: str | None, amount: Decimal, currency: str) -> str:
    """Write an invoice's line; *date* and *due* as `2026-11-21`."""
    told = f"due {due}, " if due else ""
    return f"{reference}: of {date}, {told}{amount:f} {currency}"


def tell_rest(left: int) -> str:
    """Write how many invoices there was no room for."""
    return f"and {left} more."


def add_exactly(amounts: Iterable[Decimal]) -> Decimal:
    """Add up without rounding."""
    with localcontext(prec=80):
        return sum(amounts, Decimal(0))


def read_invoices(comments: str, reference: str, amount: Decimal | None, currency: str) -> tuple[Invoice, ...] | None:
    """Read the invoices of a case back from its *comments*.

    Args:
        comments: As the API has them.
        reference: The case's creditor reference, which is its first invoice's.
        amount: The case's, which is the sum.
        currency: The case's, as an ISO code.

    Returns:
        All of its invoices, that of *reference* first; empty where the case is of one invoice. None where it is, or
        may be, of several and the comments do not tell which: they were cut or changed.

    >>> lines = "This case is made of 2 invoices, 3 EUR in all:", "A: of 2026-01-01, 1 EUR", "B: of 2026-01-02, 2 EUR"
    >>> [invoice.reference for invoice in read_invoices(chr(10).join(lines), "A", Decimal("3.00"), "EUR")]
    ['A', 'B']
    """
    for text in dict.fromkeys((comments, comments.replace("\r\n", "\n"))):
        # At most one: another would have the same number of invoices below another heading, and another first of them.
        for found in _readings(text.rstrip().split("\n"), reference, amount, currency):
            return found
    return None if _BEGINS in comments or len(comments) > LONGEST_TEXT - ROOM else ()


def _readings(
    lines: Sequence[str], reference: str, amount: Decimal | None, currency: str
) -> Iterator[tuple[Invoice, ...]]:
    """Yield the lists that agree with their headings, and with the case."""
    for number, line in enumerate(lines):
        said = _HEADING.fullmatch(line)
        if said and Decimal(said[2]) == amount and said[3] == currency:
            invoices = tuple(_list(lines[number + 1 :], currency))
            total = add_exactly(invoice.amount for invoice in invoices)
            if len(invoices) == int(said[1]) > 1 and total == amount and invoices[0].reference == reference:
                yield invoices


def _list(lines: Iterable[str], currency: str) -> Iterator[Invoice]:
    """Yield the invoices that *lines* tell; a reference may have line breaks of its own."""
    begun = ""
    for line in lines:
        found = _LINE.fullmatch(begun + line)
        if found and found[3] == currency:
            yield Invoice(found[1], Decimal(found[2]))
            begun = ""
        else:
            begun += f"{line}\n"
    if begun:
        yield Invoice(begun, Decimal(0))
