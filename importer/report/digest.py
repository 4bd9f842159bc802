"""All that a summary of a run says, decided once: the workbook, the HTML page and notices draw the same from it.

Pure: no library of workbooks, no I/O. Amounts are exact, and those of different currencies are never added.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from importer.model import Advice, Age, Answer, Counted, Currency, Digest, Highlight, IssueKind, Reason, split_row_key
from importer.report.saying import (
    HIGHLIGHTS,
    ORDERS,
    advise,
    count,
    tell_headline,
    tell_meaning,
    tell_peace,
    tell_title,
    tell_verdict,
)
from importer.report.tally import Tally
from schemas.codes import codes_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from importer.model import Report, Run
    from importer.report.tally import Fault

LINK: Final = r"^https?://[!-~]+$"  # a solution may be a sentence as well
LONGEST_LINK: Final = 2_079  # characters; a spreadsheet program opens no longer ones
LINKS: Final = 15
ANSWERED: Final = ("rejected", "refused", "duplicate", "unknown")  # statuses whose message is the API's
AGES: Final = (  # days past the due date up to which a debt is called so
    (-1, "not due yet"),
    (30, "0 to 30 days"),
    (90, "31 to 90 days"),
    (180, "91 to 180 days"),
    (365, "181 to 365 days"),
    (730, "1 to 2 years"),
)
OLDEST: Final = "over 2 years"


def digest(report: Report, remarks: Sequence[str] = ()) -> Digest:
    """Decide all that a summary of *report* says; takes time in proportion to its rows and issues."""
    run, tally = report.run, Tally(report)
    statuses = pa.array(report.outcomes["status"], pa.string())
    seen = {str(status): int(rows) for status, rows in report.outcomes["status"].value_counts().items()}
    counts = {str(status): seen[status] for status in ORDERS[run.kind] if status in seen}
    started = int(report.outcomes["started"].sum()) if "started" in report.outcomes else 0
    mood, verdict = tell_verdict(run, counts, tally.height)
    faults = tally.faults()
    today = run.started.date()
    ages = _ages(tally, today)
    return Digest(
        run=run,
        title=tell_title(run),
        mood=mood,
        verdict=verdict,
        headline=tell_headline(run, counts, tally.height, started),
        rows=tally.height,
        highlights=_highlights(run, tally, statuses, counts),
        advice=(*_advice(run, tally, report, statuses, counts),) or (Advice(tell_peace(run)),),
        standings=tuple(
            Counted(status, rows, rows / tally.height, tell_meaning(run.kind, status))
            for status, rows in counts.items()
        ),
        currencies=_currencies(tally, statuses, counts),
        unreadable=tally.unreadable,
        reasons=tuple(_reason(run, fault) for fault in faults),
        answers=tuple(
            Answer(status, error, message, share.rows, share.amounts)
            for status, error, message, share in tally.answers(ANSWERED)
        ),
        kinds=_kinds(run, faults),
        ages=ages,
        undated=tally.height - sum(age.rows for age in ages),
        today=today,
        remarks=tuple(remarks),
    )


def _where(statuses: pa.Array, wanted: Sequence[str]) -> np.ndarray:
    mask = pc.is_in(statuses, pa.array(wanted, pa.string()))
    return np.flatnonzero(mask.to_numpy(zero_copy_only=False))


def _highlights(run: Run, tally: Tally, statuses: pa.Array, counts: Mapping[str, int]) -> tuple[Highlight, ...]:
    found: list[Highlight] = []
    for caption, wanted in HIGHLIGHTS[run.kind]:
        rows = sum(counts.get(status, 0) for status in wanted)
        if rows or not found:
            sums = tally.add_up(_where(statuses, wanted))
            found.append(Highlight(caption, tuple(wanted), rows, rows / max(1, tally.height), sums))
    return tuple(found)


def _advice(run: Run, tally: Tally, report: Report, statuses: pa.Array, counts: Mapping[str, int]) -> list[Advice]:
    weighed = []
    for wanted, text, command in advise(run, dict(counts)):
        rows = _where(statuses, wanted)
        weighed.append((tally.weigh(rows), Advice(text, command, rows=len(rows), amounts=tally.add_up(rows))))
    for link, rows in _links(report):
        text = f"Open {link} — it cures {count(len(rows))}."
        weighed.append((tally.weigh(rows), Advice(text, link=link, rows=len(rows), amounts=tally.add_up(rows))))
    return [advice for _, advice in sorted(weighed, key=lambda one: -one[0])]


def _links(report: Report) -> list[tuple[str, np.ndarray]]:
    """Give each link among the solutions once, those of the most rows, with the positions of its rows."""
    solutions = report.outcomes["solution"].reset_index(drop=True).dropna()
    links = solutions[solutions.str.match(LINK) & (solutions.str.len() <= LONGEST_LINK)]
    most = links.value_counts().head(LINKS).index
    return [(str(link), np.asarray(links.index[links == link])) for link in most]


def _currencies(tally: Tally, statuses: pa.Array, counts: Mapping[str, int]) -> tuple[Currency, ...]:
    everything = np.arange(tally.height)
    sums = tally.add_groups(everything, statuses)
    totals = tally.add_up(everything)
    rows = tally.count_groups(statuses)
    return tuple(
        Currency(
            code=code,
            rows={status: rows[status, code] for status in counts if (status, code) in rows},
            amounts={status: sums[status][code] for status in counts if code in sums.get(status, {})},
            total_rows=number,
            total=totals[code],
        )
        for code, number in tally.currencies.items()
    )


def _reason(run: Run, fault: Fault) -> Reason:
    return Reason(
        severity=fault.severity,
        code=fault.code,
        title=_title(run, fault.code, fault.column or fault.field),
        column=fault.column,
        rows=fault.share.rows,
        amounts=fault.share.amounts,
        example=None if fault.alike else split_row_key(fault.row)[1],
        message=fault.message,
        hint=fault.hint,
    )


def _title(run: Run, code: str, column: str) -> str:
    """Call a kind of issue what the catalogue calls it; one that is not in it by its code."""
    known = codes_of(run.target).get(code)
    if known is None:
        return code
    title = known.title if known.title.startswith("{") else f"{known.title[0].upper()}{known.title[1:]}"
    return title.format(column=column)


def _kinds(run: Run, faults: Sequence[Fault]) -> tuple[IssueKind, ...]:
    issues: Counter[tuple[str, str]] = Counter()
    columns: dict[tuple[str, str], set[str]] = {}
    for fault in faults:
        issues[fault.code, fault.severity] += fault.count
        columns.setdefault((fault.code, fault.severity), set()).add(fault.column or fault.field)
    kinds = []
    for (code, severity), number in issues.most_common():
        (column, *others) = columns[code, severity]
        kinds.append(IssueKind(code, severity, _title(run, code, "A value" if others else column), number))
    return tuple(sorted(kinds, key=lambda kind: kind.severity != "error"))


def _ages(tally: Tally, today: date) -> tuple[Age, ...]:
    if not tally.is_dated:
        return ()
    rows, days = tally.ages(today)
    groups = np.searchsorted([limit for limit, _ in AGES], days)
    counts, sums = np.bincount(groups, minlength=len(AGES) + 1), tally.add_groups(rows, groups)
    labels = [*(label for _, label in AGES), OLDEST]
    return tuple(Age(label, int(counts[number]), sums.get(number, {})) for number, label in enumerate(labels))
