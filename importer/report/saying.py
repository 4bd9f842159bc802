"""What a summary says in sentences: how it went, and what to do next."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Final

from importer.model import CHECK_STATUSES, REFERENCE_STATUSES, STATUSES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from decimal import Decimal

    from importer.model import Mood, Run, Status

Counts = dict[str, int]  # status → rows; none is 0

ORDERS: Final[Mapping[str, Sequence[Status]]] = {
    "check": CHECK_STATUSES,
    "submit": STATUSES,
    "references": REFERENCE_STATUSES,
}
MENDED: Final = ("invalid", "rejected", "refused", "held")  # statuses of rows on `To fix`
UNSETTLED: Final = ("unknown", "not-sent")
AGAIN: Final = "the same command again looks up what is stored, and changes only what is not as it should be."
MEANINGS: Final[Mapping[str, str]] = {
    "created": "The API made the case now.",
    "valid": "Would be sent.",
    "already-imported": "An earlier run made the case; nothing was sent.",
    "duplicate": "The API has a case with this reference that this importer did not make.",
    "rejected": "The API refused it; no case exists.",
    "invalid": "A rule failed here; it was not sent.",
    "held": "Faultless, but another row of its bundle is not; it was not sent.",
    "unknown": "It may have been made; `importer resume` settles it.",
    "not-sent": "Valid, and not sent; `importer resume` goes on.",
    "set": "The API stores the reference now.",
    "unchanged": "It was so already, or nothing was wanted; nothing was sent.",
    "refused": "The API refused it, or knows no such case.",
    "by-hand": "The API offers no way: Results says where it is set in the portal.",
}
_OF_REFERENCES: Final[Mapping[str, str]] = {
    "unknown": f"No answer came; {AGAIN}",
    "not-sent": f"Valid, and not sent; {AGAIN}",
}
# What stands large: a caption, and the statuses whose rows it counts.
HIGHLIGHTS: Final[Mapping[str, Sequence[tuple[str, Sequence[str]]]]] = {
    "check": (("ready to send", ("valid",)), ("imported already", ("already-imported",)), ("to mend", MENDED)),
    "submit": (
        ("created", ("created",)),
        ("imported already", ("already-imported",)),
        ("to mend", MENDED),
        ("to compare", ("duplicate",)),
        ("not settled", UNSETTLED),
    ),
    "references": (
        ("set", ("set",)),
        ("as wanted already", ("unchanged",)),
        ("to mend", MENDED),
        ("to set by hand", ("by-hand",)),
        ("not settled", UNSETTLED),
    ),
}


def tell_meaning(kind: str, status: str) -> str:
    """Say what a status means."""
    return (_OF_REFERENCES if kind == "references" else {}).get(status, MEANINGS[status])


def tell_title(run: Run) -> str:
    """Name what was run, and on which sources."""
    what = {"check": "Check of", "references": "Partner references of"}.get(run.kind, "Import of")
    return f"{what} {', '.join(source.name for source in run.sources)}"


def tell_verdict(run: Run, counts: Counts, total: int) -> tuple[Mood, str]:
    """Say in a few words whether it went well."""
    left, mend = _sum(counts, UNSETTLED), _sum(counts, MENDED)
    if run.stopped:
        return "stopped", f"Stopped before its end: {are(left)} not settled"
    if left:
        return "act", f"{are(left)} not settled yet"
    if mend:
        return "act", f"{mend:,} of {count(total)} {'needs' if mend == 1 else 'need'} mending"
    if counts.get("duplicate") or counts.get("by-hand"):
        return "act", f"{are(counts.get('duplicate', 0) + counts.get('by-hand', 0))} to be looked at"
    if run.kind == "check":
        return _tell_checked(run, counts, total)
    return "good", "Every reference is as wanted" if run.kind == "references" else "Every row has its case"


def _tell_checked(run: Run, counts: Counts, total: int) -> tuple[Mood, str]:
    ready = counts.get("valid", 0)
    if doubted := _doubted(run):
        return "act", f"{count(doubted)} would not be taken now"
    return "good", f"{_all(ready, total)} ready to send" if ready else f"{_all(total, total)} imported already"


def _all(rows: int, total: int) -> str:
    if rows != total:
        return are(rows)
    return "The only row is" if rows == 1 else f"All {rows:,} rows are"


def tell_headline(run: Run, counts: Counts, total: int, started: int = 0) -> str:
    """Say in a sentence or two what became of the rows; *started* is how many cases references started."""
    if run.kind == "check":
        ready, already = counts.get("valid", 0), counts.get("already-imported", 0)
        verb = "is" if ready == 1 else "are"
        known = f"; {already:,} {'is' if already == 1 else 'are'} imported already" if already else ""
        doubted = _doubted(run)
        refused = f" Of them the API would not take {doubted:,} now." if doubted else ""
        return f"{ready:,} of {count(total)} {verb} valid and would be sent{known}.{refused} Nothing was sent."
    best = ORDERS[run.kind][0]
    done = counts.get(best, 0)
    if run.kind == "references":
        said = [f"{done:,} of {count(total)} set."]
        said += [f"{count(started)}: the case was started with it."] if started else []
    else:
        kind = "test case" if run.mode == "test" else "case"
        said = [f"{done:,} {kind}{'' if done == 1 else 's'} created from {count(total)}."]
    others = [f"{rows:,} {status}" for status, rows in counts.items() if status != best]
    if others:
        said.append(f"The others: {', '.join(others)}.")
    if run.stopped:
        stopped = "It" if run.kind == "references" else "The run"
        said.append(f"{stopped} stopped before its end. {run.stopped}")
    return " ".join(said)


def advise(run: Run, counts: Counts) -> Iterator[tuple[tuple[str, ...], str, str]]:
    """Yield what to do: the statuses of the rows that it is about, a sentence, and a command or nothing."""
    left, mend = _sum(counts, UNSETTLED), _sum(counts, MENDED)
    if run.kind == "references":
        if left:
            yield UNSETTLED, f"Run the same command again: {AGAIN.partition('again ')[2]}", ""
        if counts.get("by-hand"):
            told = "Set the rest by hand in the portal; Results says for each row where. The next run finds them"
            yield ("by-hand",), f"{told} unchanged, as far as the API tells.", ""
    elif left:
        told = "Let the run go on: it settles what is unknown and sends what was not sent."
        yield UNSETTLED, told, f"importer resume {run.id}"
    if mend:
        again = {"check": "check or submit it", "references": "give it to `importer references` again"}
        rows = "row" if mend == 1 else f"{mend:,} rows"
        told = f"Mend the {rows} on the sheet To fix, save the workbook, and {again.get(run.kind, 'submit it')}"
        why = "" if run.kind == "references" else ": the mapping is in it, and no row is sent twice"
        yield MENDED, f"{told}{why}.", ""
    if counts.get("duplicate"):
        yield ("duplicate",), "Compare the duplicates with their cases at Debitura: Results has the case ids.", ""
    if run.kind == "check" and (ready := counts.get("valid")):
        names = (source.name for source in run.sources)
        sources = " ".join(shlex.quote(f"./{name}" if name.startswith("-") else name) for name in names)
        told = f"Send the valid {'row' if ready == 1 else 'rows'}, with the same options as this check."
        yield ("valid",), told, f"importer submit {sources}{' --test' if run.mode == 'test' else ''}"


def tell_peace(run: Run) -> str:
    """Say that there is nothing to do."""
    if run.kind == "references":
        return "Nothing: every reference is as the source has it."
    return "Nothing: every row has its case."


def tell_money(amounts: Mapping[str, Decimal], most: int = 3) -> str:
    """Write amounts for a sentence, exactly.

    >>> from decimal import Decimal
    >>> tell_money({"EUR": Decimal("1234.5"), "DKK": Decimal("-0.125"), "USD": Decimal(1)}, 2)
    '1,234.50 EUR, -0.125 DKK and 1 other currency'
    """
    told = ", ".join(f"{write_amount(amount)} {currency}" for currency, amount in list(amounts.items())[:most])
    rest = len(amounts) - most
    return told if rest <= 0 else f"{told} and {rest:,} other {'currency' if rest == 1 else 'currencies'}"


def write_amount(amount: Decimal) -> str:
    """Write an amount with at least two decimals, and as many as it has, in groups of three digits."""
    whole, _, fraction = f"{amount:,f}".partition(".")
    return f"{whole}.{fraction.rstrip('0'):0<2}"


def count(rows: int) -> str:
    """Write a number of rows."""
    return "1 row" if rows == 1 else f"{rows:,} rows"


def are(rows: int) -> str:
    """Begin a sentence with a number of rows."""
    return f"{count(rows)} {'is' if rows == 1 else 'are'}"


def _doubted(run: Run) -> int:
    """Count the rows of a check of which the API said beforehand that it would not take them."""
    if run.kind != "check" or run.preview is None:
        return 0
    return sum(group.rows for group in run.preview.groups if group.verdict in {"would be refused", "contract missing"})


def _sum(counts: Counts, statuses: Sequence[str]) -> int:
    return sum(counts.get(status, 0) for status in statuses)
