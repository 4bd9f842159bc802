"""The workbook of `importer references`: `Summary`, `Results`, `Issues`, `To fix`, `Run`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from importer.model import REFERENCE_STATUSES
from importer.report import LOOKS
from importer.report.carried import add_run
from importer.report.figures import MEANINGS, write_counts
from importer.report.mending import add_to_fix, find_marks
from importer.report.package import TALLEST, Large, Package
from importer.report.page import Page
from importer.report.remarks import remark
from importer.report.rows import Cells
from importer.report.sheets import add_issues, as_texts, fit_widths, moments, own_cells, places
from importer.report.summary import write_reasons, write_remarks

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from importer.model import Report

COLUMNS: Final = {
    "Status": "status",
    "Case id": "case_id",
    "Reference": "reference",
    "Before": "before",
    "After": "after",
    "Error": "error",
    "Message": "message",
}
AGAIN: Final = "the same command again looks up what is stored, and changes only what is not as it should be."
OWN_MEANINGS: Final = {
    **MEANINGS,
    "unknown": f"No answer came; {AGAIN}",
    "not-sent": f"Valid, and not sent; {AGAIN}",
}
BLANK_BEFORE: Final = (
    "Before is blank where nothing was stored, and where the API does not tell: it names a case by its partner "
    "reference, not the partner reference of a case."
)


def write(report: Report, path: Path) -> None:
    """Write the workbook of *report*, whose outcomes also have the columns "before", "after" and "started".

    Raises:
        OSError: The disk does not take it; nothing is left of it.
    """
    package = Package({name: dict(look) for name, look in LOOKS.items()})
    marks = find_marks(report)
    remarks = [BLANK_BEFORE, *remark(report, marks)]
    _add_summary(package, report, remarks)
    _add_results(package, report)
    add_issues(package, report)
    add_to_fix(package, report, marks)
    add_run(package, report.run, remarks)
    package.save(path)


def _add_summary(package: Package, report: Report, remarks: Sequence[str]) -> None:
    page = Page(package.add_small("Summary"), package.formats)
    counts = {str(name): int(rows) for name, rows in report.outcomes["status"].value_counts().items()}
    page.write_title(f"Partner references of {', '.join(source.name for source in report.run.sources)}")
    page.write_text(_headline(report, counts), "lead")
    page.start_section("What to do next")
    for advice in _advice(counts):
        page.write_text(advice, "wrapped")
    page.start_section("Rows")
    write_counts(page, counts, [name for name in REFERENCE_STATUSES if counts.get(name)], OWN_MEANINGS)
    write_reasons(page, report, ("refused", "unknown"))
    write_remarks(page, remarks)


def _headline(report: Report, counts: Mapping[str, int]) -> str:
    rows = len(report.outcomes)
    done = counts.get("set", 0)
    started = int(report.outcomes["started"].sum())
    said = [f"{done:,} of {'1 row' if rows == 1 else f'{rows:,} rows'} set."]
    if started:
        said.append(f"{'1 row' if started == 1 else f'{started:,} rows'}: the case was started with it.")
    others = [f"{counts[name]:,} {name}" for name in REFERENCE_STATUSES if name != "set" and counts.get(name)]
    if others:
        said.append(f"The others: {', '.join(others)}.")
    if report.run.stopped:
        said.append(f"It stopped before its end. {report.run.stopped}")
    return " ".join(said)


def _advice(counts: Mapping[str, int]) -> Iterator[str]:
    if counts.get("unknown") or counts.get("not-sent"):
        yield f"Run the same command again: {AGAIN.partition('again ')[2]}"
    if counts.get("by-hand"):
        yield (
            "Set the rest by hand in the portal; Results says for each row where. The next run finds them unchanged, "
            "as far as the API tells."
        )
    if counts.get("invalid") or counts.get("refused"):
        yield "Mend the rows on the sheet To fix, save this workbook, and give it to `importer references` again."
    if not any(counts.get(name) for name in REFERENCE_STATUSES[2:]):
        yield "Nothing: every reference is as the source has it."


def _add_results(package: Package, report: Report) -> None:
    several = len(report.run.sources) > 1
    lead = [*(["Source"] if several else []), "Row", *COLUMNS, "Sent at"]
    header = [*lead, *report.header]
    status = lead.index("Status")
    for number, start in enumerate(range(0, max(1, len(report.cells)), TALLEST)):
        part = slice(start, start + TALLEST)
        outcomes = report.outcomes.iloc[part]
        columns = [*places(report, outcomes.index, several=several)]
        columns += [Cells(as_texts(outcomes[name])) for name in COLUMNS.values()]
        columns += [moments(outcomes["sent_at"]), *own_cells(report, part)]

        def fill(styles: dict[str, str], columns: list[Cells] = columns) -> Iterator[list[Cells]]:
            styled = [Cells(column.texts, styles["plain"], column.numbers) for column in columns]
            styled[status - 1] = Cells(columns[status - 1].texts, styles["place"], numbers=True)
            looks = pa.array([styles[f"status {name}"] for name in REFERENCE_STATUSES])
            positions = pc.index_in(columns[status].texts, pa.array(REFERENCE_STATUSES))
            styled[status] = Cells(columns[status].texts, looks.take(positions))
            styled[len(lead) - 1] = Cells(columns[len(lead) - 1].texts, styles["moment"], numbers=True)
            yield styled

        def dress(sheet: Any, height: int = len(outcomes)) -> None:
            sheet.write_comment(0, lead.index("Sent at"), "Times are UTC.")
            sheet.freeze_panes(1, status + 1)
            sheet.print_area(0, 0, height, len(lead) - 1)

        package.add_large(
            Large(
                name="Results" if number == 0 else f"Results ({number + 1})",
                header=header,
                height=len(outcomes),
                formats=("plain", "place", "moment", *(f"status {name}" for name in REFERENCE_STATUSES)),
                fill=fill,
                widths=fit_widths(header, columns),
                dress=dress,
            )
        )
