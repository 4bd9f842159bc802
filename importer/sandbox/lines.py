"""Judges `claimLines`, and makes of them what a case has: a total, amounts by age, a due date.

Source: https://docs.debitura.com/openapi/customer-api.json . Where a message is not published its words are ours.
"""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from decimal import Decimal
from itertools import chain
from typing import TYPE_CHECKING, Any, Final

from importer.sandbox import rules
from importer.sandbox.rules import BUCKETS, read_day, read_number, read_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from importer.sandbox.rules import Messages

MOST: Final = 1000
EARLIEST: Final = date(2000, 1, 1)
AGES: Final = (timedelta(days=180), timedelta(days=365), timedelta(days=730))


def judge(body: dict[str, object], today: date) -> Messages:
    """Return every reason why the API refuses *body*, which may have its amount and ages as claim lines."""
    if not body.get("claimLines") or "claimLines" in rules.find_misfits(body):
        return rules.judge(body, today)
    # Of the total that is made of them nothing is said: the lines themselves are judged.
    whole = add_up(body, today) | {"amountToRecover": 1, "dueDate": body.get("dueDate"), **dict.fromkeys(BUCKETS)}
    found = rules.judge(whole, today)
    for member, message in chain(_judge_beside(body), _judge_lines(body["claimLines"], today)):
        found.setdefault(member, []).append(message)
    return found


def _judge_beside(body: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    lines = body["claimLines"]
    if len(lines) > MOST:
        yield "ClaimLines", f"At most {MOST} claim lines are allowed"
    for name in ("amountToRecover", *BUCKETS):
        if read_number(body.get(name)):
            yield name, f"{name} cannot be combined with claimLines"
    day, dues = read_day(body.get("date")), [due for line in lines if (due := read_day(line.get("dueDate")))]
    if not body.get("dueDate") and day and dues and day > min(dues):
        yield "date", "Case date cannot be later than the oldest claim line"


def _judge_lines(lines: Any, today: date) -> Iterator[tuple[str, str]]:
    counted = Counter(read_text(line.get("reference")) for line in lines)
    for number, line in enumerate(lines):
        due, amount, reference = (
            read_day(line.get("dueDate")),
            read_number(line.get("amount")),
            read_text(line.get("reference")),
        )
        before = f"ClaimLines[{number}]"
        if due is None:
            yield f"{before}.DueDate", "The dueDate of a claim line is required"
        elif not EARLIEST <= due <= today:
            yield f"{before}.DueDate", f"The dueDate of a claim line must be from {EARLIEST} to today"
        if amount is None or amount <= 0:
            yield f"{before}.Amount", "The amount of a claim line must be positive"
        elif amount != round(amount, 2):
            yield f"{before}.Amount", "The amount of a claim line has at most two decimals"
        if reference and counted[reference] > 1:
            yield f"{before}.Reference", f"The reference {reference} is in several claim lines"


def add_up(body: Mapping[str, object], today: date) -> dict[str, object]:
    """Return *body* with total, amounts by age and due date in the place of its lines, as far as they can be read."""
    lines: Any = body.get("claimLines")
    if not lines:
        return dict(body)
    parts = [(read_day(line.get("dueDate")) or today, read_number(line.get("amount")) or Decimal(0)) for line in lines]
    total = sum((amount for _, amount in parts), Decimal(0))
    aged = {
        name: sum((amount for due, amount in parts if today - due > limit), Decimal(0))
        for name, limit in zip(BUCKETS, AGES, strict=True)
    }
    due = body.get("dueDate") or min(due for due, _ in parts).isoformat()
    rest = {name: value for name, value in body.items() if name != "claimLines"}
    return {**rest, "amountToRecover": total, **aged, "dueDate": due}
