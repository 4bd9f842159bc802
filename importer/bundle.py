"""Several invoices of one debtor and currency → one case: who belongs together, and what is sent for them.

Pure: the source's rows and what the journal knows of each go in; requests and issues come out. How old an amount is
counts from its invoice's due date. It is older than six months on the 181st day after it, and older than 12 or 24
months from the day after the due date's day of the month comes round again: what was due on 31 January 2025 is so from
1 February 2026, what was due on 29 February 2024 from 1 March 2025.

Source: https://docs.debitura.com/clients/integration-guides/create-a-case
"""

from __future__ import annotations

import calendar
import unicodedata
from collections import defaultdict
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Final

import pandas as pd
import pyarrow as pa

from importer.model import (
    HELD,
    ISSUE_COLUMNS,
    LONGEST_TEXT,
    add_exactly,
    head_breakdown,
    split_row_key,
    tell_invoice,
    tell_rest,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
    from decimal import Decimal

    from schemas.codes import Code

BUCKETS: Final = ("amountToRecoverOver6Months", "amountToRecoverOver12Months", "amountToRecoverOver24Months")
HALF_A_YEAR: Final = timedelta(days=180)
MOST_LINES: Final = 1000
OLDEST_LINE: Final = date(2000, 1, 1)
FINEST: Final = -2  # exponent of a line's amount
_TEXT: Final = pd.ArrowDtype(pa.string())
# What each invoice has of its own; texts are joined.
_OWN: Final = frozenset({"amountToRecover", "date", "dueDate", "creditorReference", "comments", "claimDescription"})


@dataclass(frozen=True, slots=True)
class Found:
    """Something to be said about a row: *field* and *value* are where, *detail* fills the code's sentence."""

    row: int
    field: str
    code: str
    value: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """Rows that belong together, of which none was sent before.

    Attributes:
        rows: Row keys, ascending.
        faulty: Those that have an error: the others are held.
    """

    rows: tuple[int, ...]
    faulty: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Bundle:
    """One case of several rows.

    Attributes:
        rows: Row keys, the oldest invoice's first: its reference is the case's.
        request: What is sent for all of them.
        amount: Their sum.
    """

    rows: tuple[int, ...]
    request: dict[str, object]
    amount: Decimal


def normalise(text: str) -> str:
    """Compare without regard to case, to how many spaces there are, and to how accents are encoded.

    >>> normalise("  Example  GMBH ") == normalise("example GmbH")
    True
    """
    return " ".join(unicodedata.normalize("NFC", text).casefold().split())


def group(
    fields: pd.DataFrame, currencies: pd.Series, faulty: Collection[int], apart: Mapping[int, str]
) -> Iterator[Group]:
    """Yield what belongs together: equal in all *fields* and in currency, and in what the journal says of it.

    A row with a blank field is in no group and stays alone, since two blanks are no one debtor. A faulty row whose
    currency cannot be read holds its debtor's rows of every currency.

    Args:
        fields: What tells debtors apart, as texts, null where blank; index: row keys.
        currencies: ISO codes, null where they cannot be read; the same index.
        faulty: Rows with an error.
        apart: Row → a name for the earlier request that has to be settled first: only rows of the same one go
            together, and none with those that were never sent.
    """
    texts = (fields[name].tolist() for name in fields)
    gathered: defaultdict[tuple[tuple[str, ...], str, str], list[int]] = defaultdict(list)
    stray: defaultdict[tuple[str, ...], list[int]] = defaultdict(list)
    for row, currency, *values in zip(fields.index.tolist(), currencies.tolist(), *texts, strict=True):
        if any(pd.isna(value) for value in values):
            continue
        debtor = tuple(normalise(str(value)) for value in values)
        if pd.isna(currency):
            stray[debtor].append(row)
        else:
            gathered[debtor, currency, apart.get(row, "")].append(row)
    for (debtor, _, _), rows in gathered.items():
        yield Group(tuple(rows), tuple(row for row in [*rows, *stray.get(debtor, ())] if row in faulty))


def hold(rows: Iterable[int], faulty: Collection[int]) -> Iterator[Found]:
    """Hold each of *rows* that has no fault of its own back for those that have one."""
    if faulty:
        others = _name_rows(sorted(faulty))
        yield from (Found(row, "creditorReference", HELD, detail=others) for row in rows if row not in faulty)


def _name_rows(rows: Sequence[int], most: int = 5) -> str:
    named = ", ".join(str(split_row_key(row)[1]) for row in rows[:most])
    rest = f" and {len(rows) - most} more" if len(rows) > most else ""
    return f"{'row' if len(rows) == 1 else 'rows'} {named}{rest}"


def join(requests: Mapping[int, Mapping[str, Any]], today: date, *, lines: bool) -> tuple[Bundle, list[Found]]:
    """Make one case of several rows.

    Args:
        requests: Row key → what would be sent for it alone.
        today: The day of sending, where the creditor is.
        lines: Send the invoices themselves (`claimLines`), from which the API derives sum and ages.

    Returns:
        The case, and what is to be said of its rows. With an error among that the case must not be sent.
    """
    rows = sorted(requests, key=lambda row: (requests[row]["date"], row))
    invoices = [requests[row] for row in rows]
    first = invoices[0]
    total = add_exactly(invoice["amountToRecover"] for invoice in invoices)
    found = [*_judge_lines(rows, invoices, lines=lines), *_compare(rows, invoices)]
    request = {name: value for name, value in first.items() if name not in BUCKETS}
    dues = [date.fromisoformat(invoice["dueDate"]) for invoice in invoices if "dueDate" in invoice]
    if lines:
        request = {name: value for name, value in request.items() if name not in {"amountToRecover", "dueDate"}}
        request["claimLines"] = [_line(invoice) for invoice in invoices]
    elif len(dues) == len(invoices):
        request |= {"amountToRecover": total, "dueDate": min(dues).isoformat()}
        request |= age([(due, invoice["amountToRecover"]) for due, invoice in zip(dues, invoices, strict=True)], today)
    said = [
        _describe(rows[0], invoices, request),
        _break_down(rows[0], invoices, total, request),
    ]
    return Bundle(tuple(rows), request, total), [*found, *(one for one in said if one)]


def age(invoices: Iterable[tuple[date, Decimal]], today: date) -> dict[str, Decimal]:
    """Add up what is older than six, twelve and 24 months, each with what is older still.

    >>> from datetime import date
    >>> from decimal import Decimal
    >>> invoices = [(date(2026, 1, 1), Decimal(5)), (date(2025, 1, 1), Decimal(7))]
    >>> [str(amount) for amount in age(invoices, date(2026, 2, 1)).values()]
    ['7', '7', '0']
    """
    kept = list(invoices)
    limits: tuple[Callable[[date], date], ...] = (
        lambda due: due + HALF_A_YEAR,
        lambda due: _years_later(due, 1),
        lambda due: _years_later(due, 2),
    )
    return {
        name: add_exactly(amount for due, amount in kept if limit(due) < today)
        for name, limit in zip(BUCKETS, limits, strict=True)
    }


def _years_later(day: date, years: int) -> date:
    """Find the same day of a later year, which for 29 February may be the 28th."""
    year = day.year + years
    return day.replace(year=year, day=min(day.day, calendar.monthrange(year, day.month)[1]))


def _line(invoice: Mapping[str, Any]) -> dict[str, object]:
    names = {"dueDate": "dueDate", "amount": "amountToRecover", "reference": "creditorReference"}
    return {ours: invoice[theirs] for ours, theirs in names.items() if theirs in invoice}


def _judge_lines(rows: Sequence[int], invoices: Sequence[Mapping[str, Any]], *, lines: bool) -> Iterator[Found]:
    """Say what keeps invoices out of a bundle: no age can be told, or the API takes no such line."""
    for row, invoice in zip(rows, invoices, strict=True):
        due, amount = invoice.get("dueDate"), invoice["amountToRecover"]
        if due is None:
            yield Found(row, "dueDate", "bundle-due-date-missing")
        elif lines and date.fromisoformat(due) < OLDEST_LINE:
            yield Found(row, "dueDate", "claim-line-too-old", due)
        if lines and amount.normalize().as_tuple().exponent < FINEST:
            yield Found(row, "amountToRecover", "claim-line-too-precise", str(amount))
    if lines and len(rows) > MOST_LINES:
        yield Found(rows[0], "creditorReference", "claim-lines-too-many", detail=f"{len(rows):,}")


def _compare(rows: Sequence[int], invoices: Sequence[Mapping[str, Any]]) -> Iterator[Found]:
    """Name each field in which a younger invoice differs from the oldest, whose value is sent."""
    oldest = dict(_flatten(invoices[0]))
    for row, invoice in zip(rows[1:], invoices[1:], strict=True):
        other = dict(_flatten(invoice))
        for name in {**oldest, **other}:
            if oldest.get(name) != other.get(name):
                sent = f"“{oldest[name]}”" if name in oldest else "nothing"
                told = f"{sent}, as row {split_row_key(rows[0])[1]} says"
                yield Found(row, name, "bundle-differs", str(other.get(name, "")), told)


def _flatten(request: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, object]]:
    for name, value in request.items():
        if isinstance(value, dict):
            yield from _flatten(value, f"{name}.")
        elif name not in _OWN:
            yield prefix + name, value


def _distinct(invoices: Iterable[Mapping[str, Any]], name: str) -> list[str]:
    return list(dict.fromkeys(str(invoice[name]) for invoice in invoices if name in invoice))


def _describe(leader: int, invoices: Sequence[Mapping[str, Any]], request: dict[str, object]) -> Found | None:
    """Put the invoices' descriptions under each other; where they do not fit, the first one alone."""
    texts = _distinct(invoices, "claimDescription")
    joined = "\n".join(texts)
    if texts:
        request["claimDescription"] = joined if len(joined) <= LONGEST_TEXT else texts[0]
    if len(joined) <= LONGEST_TEXT:
        return None
    return Found(leader, "claimDescription", "bundle-shortened", detail=f"{len(texts) - 1} of {len(texts)} texts")


def _break_down(
    leader: int, invoices: Sequence[Mapping[str, Any]], total: Decimal, request: dict[str, object]
) -> Found | None:
    """Put into the comments what was there, and a line for each invoice, as many as fit."""
    comments = _distinct(invoices, "comments")
    currency = invoices[0]["currencyCode"]
    heading = head_breakdown(len(invoices), total, currency)
    lines = [_tell(invoice, currency) for invoice in invoices]
    whole = "\n".join([*comments, heading, *lines])
    if len(whole) <= LONGEST_TEXT:
        request["comments"] = whole
        return None
    kept, left = [*comments[:1], heading], len(invoices)
    for line in lines:
        if len("\n".join([*kept, line, tell_rest(left - 1)])) > LONGEST_TEXT:
            break
        kept.append(line)
        left -= 1
    cut = "\n".join([*kept, tell_rest(left)] if left else kept)
    request["comments"] = cut if len(cut) <= LONGEST_TEXT else comments[0]
    said = [f"{len(comments) - 1} comments"] if len(comments) > 1 else []
    said += [f"{left} of {len(invoices)} invoices"] if left else []
    return Found(leader, "comments", "bundle-shortened", detail=" and ".join(said))


def _tell(invoice: Mapping[str, Any], currency: str) -> str:
    reference, due = invoice.get("creditorReference", ""), invoice.get("dueDate")
    return tell_invoice(reference, invoice["date"], due, invoice["amountToRecover"], currency)


def blanks(fields: pd.DataFrame) -> Iterator[Found]:
    """Warn of rows that stay alone since a field by which rows are bundled is blank."""
    for name in fields:
        yield from (Found(int(row), str(name), "bundle-field-blank") for row in fields.index[fields[name].isna()])


def describe(found: Iterable[Found], headers: Mapping[str, str], codes: Mapping[str, Code]) -> pd.DataFrame:
    """Make issues of what was *found*; columns as `ISSUE_COLUMNS`.

    Args:
        found: In any order.
        headers: Field → header that feeds it.
        codes: The target's.
    """
    lines = []
    for one in found:
        code, column = codes[one.code], headers.get(one.field, one.field)
        filled = {"column": column, "value": f"“{one.value[:80]}”", "detail": one.detail}
        told = (code.message.format(**filled), code.hint.format(**filled))
        lines.append((one.row, column, one.field, code.severity, one.code, one.value, *told))
    frame = pd.DataFrame(lines, columns=list(ISSUE_COLUMNS))
    return frame.astype({name: "int64" if name == "row" else _TEXT for name in ISSUE_COLUMNS})
