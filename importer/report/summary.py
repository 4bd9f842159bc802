"""`Summary`: what happened in words and figures, what to do next, and why rows did not get through."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from importer.model import CHECK_STATUSES, STATUSES, split_row_key
from importer.report.figures import write_amounts, write_counts
from importer.report.page import Page
from importer.report.sheets import LINK, LONGEST_LINK, as_texts

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import pandas as pd

    from importer.model import Report
    from importer.report.package import Package

REASONS: Final = 15  # shown of each kind


def add_summary(package: Package, report: Report, remarks: Sequence[str]) -> None:
    """Add `Summary`: a headline, what to do next, figures by status and currency, and the reasons."""
    run = report.run
    page = Page(package.add_small("Summary"), package.formats)
    names = ", ".join(source.name for source in run.sources)
    counts = {str(name): int(rows) for name, rows in report.outcomes["status"].value_counts().items()}
    statuses = [name for name in (CHECK_STATUSES if run.kind == "check" else STATUSES) if counts.get(name)]
    page.write_title(f"{'Check of' if run.kind == 'check' else 'Import of'} {names}")
    page.write_text(_headline(report, counts), "lead")
    page.start_section("What to do next")
    for advice in _advice(report, counts):
        page.write_text(advice, "wrapped")
    for link, rows in _links(report.outcomes):
        page.write_link(f"Open {link} — it cures {_count(rows)}.", link)
    page.start_section("Rows")
    write_counts(page, counts, statuses)
    page.start_section("Amounts")
    write_amounts(page, report, statuses)
    write_reasons(page, report, ("rejected", "duplicate", "unknown"))
    write_remarks(page, remarks)


def write_reasons(page: Page, report: Report, answered: Sequence[str]) -> None:
    """Write why rows did not get through: faults found here, and what the API said of rows with a status *answered*."""
    for title, reasons in (
        ("Faults found here", _faults(report)),
        ("What the API said", _answers(report.outcomes, answered)),
    ):
        if reasons:
            page.start_section(title)
            for rows, text in reasons[:REASONS]:
                page.write_reason(_count(rows), text)
            if len(reasons) > REASONS:
                page.write_text(f"… and {len(reasons) - REASONS} more kinds.", "wrapped")


def write_remarks(page: Page, remarks: Sequence[str]) -> None:
    """Write what the workbook does not hold whole."""
    if remarks:
        page.start_section("About this workbook")
        for text in remarks:
            page.write_text(text, "wrapped")


def _headline(report: Report, counts: Mapping[str, int]) -> str:
    total = len(report.outcomes)
    if report.run.kind == "check":
        ready, already = counts.get("valid", 0), counts.get("already-imported", 0)
        verb = "is" if ready == 1 else "are"
        known = f"; {already:,} {'is' if already == 1 else 'are'} imported already" if already else ""
        return f"{ready:,} of {_count(total)} {verb} valid and would be sent{known}. Nothing was sent."
    made = counts.get("created", 0)
    kind = "test case" if report.run.mode == "test" else "case"
    said = [f"{made:,} {kind}{'' if made == 1 else 's'} created from {_count(total)}."]
    others = [f"{counts[name]:,} {name}" for name in STATUSES if name != "created" and counts.get(name)]
    if others:
        said.append(f"The others: {', '.join(others)}.")
    if report.run.stopped:
        said.append(f"The run stopped before its end. {report.run.stopped}")
    return " ".join(said)


def _advice(report: Report, counts: Mapping[str, int]) -> Iterator[str]:
    run = report.run
    left = counts.get("unknown", 0) + counts.get("not-sent", 0)
    mend = sum(counts.get(status, 0) for status in ("invalid", "rejected", "held"))
    if run.kind == "submit" and left:
        yield (
            f"Run `importer resume {run.id}`: it settles what is unknown and sends what was not sent ({_count(left)})."
        )
    if mend:
        again = "check or submit" if run.kind == "check" else "submit"
        yield (
            f"Mend the {'row' if mend == 1 else f'{mend:,} rows'} on the sheet To fix, save this workbook, and {again} "
            "it: the mapping is in it, and no row is sent twice."
        )
    if counts.get("duplicate"):
        yield "Compare the duplicates with their cases at Debitura: Results has the case ids."
    if run.kind == "check" and counts.get("valid"):
        sources = " ".join(shlex.quote(source.name) for source in run.sources)
        yield f"Send the valid {'row' if counts['valid'] == 1 else 'rows'}: `importer submit {sources}`."
    elif not (left or mend or counts.get("duplicate")):
        yield "Nothing: every row has its case."


def _links(outcomes: pd.DataFrame) -> list[tuple[str, int]]:
    """Give each link among the solutions once, with the number of its rows."""
    solutions = outcomes["solution"].dropna()
    links = solutions[solutions.str.match(LINK) & (solutions.str.len() <= LONGEST_LINK)]
    return [(str(link), int(rows)) for link, rows in links.value_counts().head(REASONS).items()]


def _faults(report: Report) -> list[tuple[int, str]]:
    """Group the issues by code and column: in how many rows, and what was said, errors first."""
    columns = {name: as_texts(report.issues[name]) for name in ("severity", "code", "column", "message", "hint")}
    columns["row"] = pa.array(report.issues["row"], pa.int64())
    groups = pa.table(columns).group_by(["severity", "code", "column"], use_threads=False)
    wanted = {"row": ("count_distinct", "first"), "message": ("first", "min", "max"), "hint": ("first",)}
    found = groups.aggregate([(name, kind) for name, kinds in wanted.items() for kind in kinds]).to_pylist()
    found.sort(key=lambda group: (group["severity"] != "error", -group["row_count_distinct"]))
    return [(group["row_count_distinct"], _tell_fault(group)) for group in found]


def _tell_fault(group: Mapping[str, Any]) -> str:
    """Say what is wrong; where each row has a sentence of its own, that of the first."""
    what = group["code"] if group["column"] is None else f"{group['code']}, {group['column']}"
    alike = group["message_min"] == group["message_max"]
    instance = "" if alike else f"for instance row {split_row_key(group['row_first'])[1]}: "
    said = " ".join(text for text in (group["message_first"], group["hint_first"]) if text)
    warning = "" if group["severity"] == "error" else "Warning: "
    return f"{warning}{what}: {instance}{said}"


def _answers(outcomes: pd.DataFrame, statuses: Sequence[str]) -> list[tuple[int, str]]:
    """Group what the API said by error and message."""
    answered = outcomes[outcomes["status"].isin(list(statuses))]
    said = answered["status"]
    for name in ("error", "message"):
        said = (said + ": " + answered[name]).fillna(said)
    return [(int(rows), str(text)) for text, rows in said.value_counts().items()]


def _count(rows: int) -> str:
    return "1 row" if rows == 1 else f"{rows:,} rows"
