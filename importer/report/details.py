"""The workbook of case details: a sheet for each kind of record; rows go to the disk at once."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import xlsxwriter

from importer.report.beside import written_beside
from importer.report.carried import LINE, VALUE_WIDTH, tell_run
from importer.report.looks import looks
from importer.report.package import TALLEST
from importer.report.page import WIDTH, Page
from importer.report.rows import make_legible
from importer.report.sheets import NARROWEST, SAMPLED, WIDEST

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from importer.model import Run

TITLE: Final = "Case details"  # not that of a results workbook, which is read from its sheet To fix
FOOTER: Final = "&L&A&RPage &P of &N"
SENTENCE: Final = 110.0  # characters; the width of a column of sentences, at most
DIGITS: Final = 15  # that a number cell keeps
STATUSES: Final[Mapping[str, tuple[str, str]]] = {  # status → what it means, whose colours it has
    "found": ("The API told of it.", "created"),
    "not-found": ("The API knows nothing under this id.", "duplicate"),
    "denied": ("The API did not accept the key.", "rejected"),
    "failed": ("The API gave no answer that can be used; ask again later.", "rejected"),
    "invalid": ("It is no case id; it was not asked for.", "invalid"),
    "not-asked": ("It was stopped, or its limit came, before its turn; run it again.", "not-sent"),
}
SUMS: Final = ("capitalOutstanding", "interestOutstanding", "costsOutstanding", "totalOutstanding")
_LOOKS: Final[Mapping[str, Mapping[str, Any]]] = {
    **looks(),
    "day": {"num_format": "yyyy-mm-dd", "align": "left", "valign": "top"},
    "money": {"num_format": "#,##0.00######", "align": "right", "indent": 1, "valign": "top"},
    "figure": {"align": "right", "indent": 1, "valign": "top"},
    "figures": {**looks()["header"], "align": "right", "indent": 1},
    "warned": {"bg_color": "#FFF1CC", "font_color": "#7A4F01", "valign": "top"},
}


@dataclass(frozen=True, slots=True)
class Sheet:
    """A sheet of records.

    Attributes:
        name: Its own.
        columns: Of each the heading, and what it holds: "amount", "number", "moment", "text", "sentence", "status" (one
            of `STATUSES`), "place" (a row's number) or "right" (yes, or a no to look at).
    """

    name: str
    columns: tuple[tuple[str, str], ...]


@dataclass(slots=True)
class Findings:
    """What the first sheet tells.

    Attributes:
        counts: Status → rows.
        cases: How many cases were found.
        totals: Currency → name of a sum in `SUMS` → amount; "cases" has their number.
        faulty: Cases whose balance does not add up.
        strangers: Members of answers that nothing reads.
        unused: Columns of the source that nothing reads, as one text.
    """

    counts: dict[str, int]
    cases: int = 0
    totals: dict[str, dict[str, Decimal]] = field(default_factory=dict)
    faulty: int = 0
    strangers: set[str] = field(default_factory=set)
    unused: str = ""


class _Part:
    """One sheet that is being filled, and its successors where it is full."""

    def __init__(self, book: Any, formats: Mapping[str, Any], sheet: Sheet) -> None:
        self._book, self._formats, self._sheet = book, formats, sheet
        self._number = 0
        self._begin()

    def _begin(self) -> None:
        self._number += 1
        name = self._sheet.name if self._number == 1 else f"{self._sheet.name} ({self._number})"
        self._page = self._book.add_worksheet(name)
        self._row = 0
        self._widths = [max(NARROWEST, len(heading) + 4.0) for heading, _ in self._sheet.columns]
        for column, (heading, kind) in enumerate(self._sheet.columns):
            look = "figures" if kind in {"amount", "number"} else "header"
            self._page.write_string(0, column, heading, self._formats[look])
        self._page.set_paper(9)
        self._page.freeze_panes(1, 1)
        self._page.repeat_rows(0)
        self._page.set_landscape()
        self._page.fit_to_pages(1, 0)
        self._page.set_footer(FOOTER)

    def add(self, values: Sequence[object]) -> None:
        if self._row == TALLEST:
            self.end()
            self._begin()
        self._row += 1
        for column, (value, (_, kind)) in enumerate(zip(values, self._sheet.columns, strict=True)):
            self._write(column, value, kind)

    def _write(self, column: int, value: object, kind: str) -> None:
        shown = ""
        if value is None:
            return
        if isinstance(value, datetime):
            self._page.write_datetime(self._row, column, value, self._formats["moment"])
            shown = "2026-01-31 12:00:00"
        elif isinstance(value, date):
            self._page.write_datetime(self._row, column, value, self._formats["day"])
            shown = "2026-01-31"
        elif isinstance(value, Decimal) and len(value.normalize().as_tuple().digits) <= DIGITS:
            look = self._formats["money" if kind == "amount" else "figure"]
            self._page.write_number(self._row, column, float(value), look)
            shown = f"{value:,.2f}"
        elif isinstance(value, int):
            self._page.write_number(self._row, column, value, self._formats["place"])
        else:
            shown = make_legible(str(value))
            self._page.write_string(self._row, column, shown, self._formats[_look(kind, shown)])
        if self._row <= SAMPLED:
            widest = SENTENCE if kind == "sentence" else WIDEST
            self._widths[column] = min(widest, max(self._widths[column], len(shown) + 2.0))

    def end(self) -> None:
        self._page.autofilter(0, 0, max(1, self._row), len(self._sheet.columns) - 1)
        for column, width in enumerate(self._widths):
            self._page.set_column(column, column, width)


def _look(kind: str, text: str) -> str:
    if kind == "status":
        return f"status {STATUSES[text][1]}"
    return "warned" if kind == "right" and text == "no" else "plain"


class Book:
    """The workbook while it is written."""

    def __init__(self, book: Any, sheets: Sequence[Sheet]) -> None:
        self._formats = {name: book.add_format(look) for name, look in _LOOKS.items()}
        self._front = book.add_worksheet("Summary")
        self._parts = {sheet.name: _Part(book, self._formats, sheet) for sheet in sheets}
        self._last = book.add_worksheet("Run")

    def add(self, sheet: str, values: Sequence[object]) -> None:
        """Add a record to a sheet: `Decimal`, `int`, `date`, `datetime` (UTC), text, or None."""
        self._parts[sheet].add(values)

    def finish(self, run: Run, findings: Findings) -> None:
        """Write what is known at the end: the first sheet and the last."""
        for part in self._parts.values():
            part.end()
        self._summarise(run, findings)
        self._last.set_column(0, 0, 32)
        self._last.set_column(1, 1, VALUE_WIDTH)
        self._last.set_paper(9)
        self._last.set_landscape()
        self._last.fit_to_pages(1, 0)
        self._last.set_footer(FOOTER)
        self._last.write_string(0, 0, TITLE, self._formats["title"])
        for row, (name, value) in enumerate(tell_run(run), 1):
            self._last.set_row(row, LINE * -(-max(1, len(value)) // VALUE_WIDTH))
            self._last.write_string(row, 0, make_legible(name), self._formats["key"])
            self._last.write_string(row, 1, make_legible(value), self._formats["wrapped"])

    def _summarise(self, run: Run, findings: Findings) -> None:
        self._front.set_paper(9)
        self._front.set_footer(FOOTER)
        page = Page(self._front, self._formats)
        page.write_title(f"Case details for {', '.join(source.name for source in run.sources)}")
        page.write_text(_headline(run, findings), "lead")
        page.start_section("Rows")
        self._write_counts(page, findings.counts)
        page.start_section("Outstanding, as the API tells it")
        if findings.totals:
            self._write_totals(page, findings.totals)
        else:
            page.write_text("No balance was told.", "wrapped")
        notes = list(_notes(findings))
        if notes:
            page.start_section("To look at")
            for text in notes:
                page.write_text(text, "wrapped")

    def _write_counts(self, page: Page, counts: Mapping[str, int]) -> None:
        formats = self._formats
        lead = (("Status", "head left"), ("Rows", "head right"), ("Meaning", "head meaning"))
        for column, (text, look) in enumerate(lead):
            page.sheet.write_string(page.row, column, text, formats[look])
        for column in range(len(lead), WIDTH):
            page.sheet.write_blank(page.row, column, None, formats["head left"])
        for status, (meaning, look) in STATUSES.items():
            if counts.get(status):
                page.row += 1
                page.sheet.write_string(page.row, 0, status, formats[f"status {look}"])
                page.sheet.write_number(page.row, 1, counts[status], formats["count"])
                page.sheet.write_string(page.row, 2, meaning, formats["meaning"])
        page.row += 1
        page.sheet.write_string(page.row, 0, "All rows", formats["sum"])
        page.sheet.write_number(page.row, 1, sum(counts.values()), formats["sum count"])
        for column in range(2, WIDTH):
            page.sheet.write_blank(page.row, column, None, formats["sum"])
        page.row += 1

    def _write_totals(self, page: Page, totals: Mapping[str, Mapping[str, Decimal]]) -> None:
        heads = ("Currency", "Cases", "Capital", "Interest", "Costs", "Total")
        for column, text in enumerate(heads):
            page.sheet.write_string(page.row, column, text, self._formats["head right" if column else "head left"])
        for currency, sums in sorted(totals.items()):
            page.row += 1
            page.sheet.write_string(page.row, 0, make_legible(currency or "none told"), self._formats["currency"])
            page.sheet.write_number(page.row, 1, int(sums["cases"]), self._formats["count"])
            for column, name in enumerate(SUMS, 2):
                look = self._formats["total amount" if name == SUMS[-1] else "amount"]
                amount = sums[name]
                if len(amount.normalize().as_tuple().digits) <= DIGITS:
                    page.sheet.write_number(page.row, column, float(amount), look)
                else:
                    page.sheet.write_string(page.row, column, f"{amount:,f}", look)
        page.row += 1


@contextmanager
def open_book(path: Path, sheets: Sequence[Sheet]) -> Iterator[Book]:
    """Write a workbook beside *path*, renamed into place at the end; rows do not stay in memory.

    Raises:
        OSError: The disk does not take it; nothing is left of it.
    """
    options = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with written_beside(path) as file:
        book = xlsxwriter.Workbook(file, {**options, "constant_memory": True, "tmpdir": str(path.parent)})
        try:
            yield Book(book, sheets)
            book.close()
        except xlsxwriter.exceptions.FileCreateError as error:
            raise OSError(str(error)) from None
        finally:
            book.fileclosed = 1  # else it would write itself again, and warn, when it is collected


def _headline(run: Run, findings: Findings) -> str:
    rows = sum(findings.counts.values())
    found = findings.counts.get("found", 0)
    cases = "1 case" if findings.cases == 1 else f"{findings.cases:,} cases"
    said = f"{found:,} of {rows:,} {'row' if rows == 1 else 'rows'} found: {cases} in all."
    return f"{said} It stopped before its end. {run.stopped}" if run.stopped else said


def _notes(findings: Findings) -> Iterator[str]:
    if findings.faulty:
        cases = "1 case has" if findings.faulty == 1 else f"{findings.faulty:,} cases have"
        yield f"{cases} a balance that does not add up. Issues has the figures; nothing was corrected."
    if findings.counts.get("invalid"):
        yield "Issues says what is wrong with the rows that are invalid: mend the source, and run it again."
    if findings.strangers:
        told = ", ".join(sorted(findings.strangers))
        yield f"The API also sent what this program does not know; it is left out: {told}."
    if findings.unused:
        yield f"Columns of the source that were not used: {findings.unused}."
