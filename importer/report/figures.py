"""The tables of `Summary`: rows by status, exact amounts by currency, faults, ages; they add up to the source."""

from __future__ import annotations

from decimal import localcontext
from typing import TYPE_CHECKING, Final

from importer.report.page import WIDTH
from importer.report.rows import make_legible
from importer.report.saying import count

if TYPE_CHECKING:
    from collections.abc import Sequence
    from decimal import Decimal

    from importer.model import Digest
    from importer.report.page import Page

EXACT: Final = 15  # digits that a number cell keeps
DIGITS: Final = 60  # more than a sum of amounts of 38 digits has

Lines = tuple[int, int]  # the first and the last row of a table that a chart draws


def write_counts(page: Page, digest: Digest) -> None:
    """Write rows by status, each with what it means: the legend of the colours on `Results`."""
    sheet, formats = page.sheet, page.formats
    heads = (("Status", "head left"), ("Rows", "head right"), ("Share", "head right"), ("Meaning", "head meaning"))
    _write_heads(page, heads)
    for counted in digest.standings:
        sheet.write_string(page.row, 0, counted.status, formats[f"status {counted.status}"])
        sheet.write_number(page.row, 1, counted.rows, formats["count"])
        sheet.write_number(page.row, 2, counted.share, formats["share"])
        sheet.write_string(page.row, 3, counted.meaning, formats["meaning"])
        page.row += 1
    sheet.write_string(page.row, 0, "All rows", formats["sum"])
    sheet.write_number(page.row, 1, digest.rows, formats["sum count"])
    sheet.write_number(page.row, 2, 1, formats["sum share"])
    for column in range(3, WIDTH):
        sheet.write_blank(page.row, column, None, formats["sum"])
    page.row += 1


def write_amounts(page: Page, digest: Digest) -> Lines:
    """Write amounts, a line a currency and a column a status; the last column is the whole source."""
    statuses = [counted.status for counted in digest.standings]
    _write_statuses(page, "Currency", statuses)
    first = page.row
    for currency in digest.currencies:
        page.sheet.write_string(page.row, 0, make_legible(currency.code), page.formats["currency"])
        for column, status in enumerate(statuses, start=1):
            if status in currency.amounts:
                write_amount(page, column, currency.amounts[status], "amount")
        write_amount(page, len(statuses) + 1, currency.total, "total amount")
        page.row += 1
    lines = first, page.row - 1
    if digest.unreadable:
        verb = "is" if digest.unreadable == 1 else "are"
        told = f"{count(digest.unreadable)} {verb} in no amount: the amount, or its currency, cannot be read."
        page.write_text(told, "wrapped")
    return lines


def write_rows(page: Page, digest: Digest) -> None:
    """Write how many rows each currency has of each status."""
    statuses = [counted.status for counted in digest.standings]
    _write_statuses(page, "Currency", statuses)
    for currency in digest.currencies:
        page.sheet.write_string(page.row, 0, make_legible(currency.code), page.formats["currency"])
        for column, status in enumerate(statuses, start=1):
            if status in currency.rows:
                page.sheet.write_number(page.row, column, currency.rows[status], page.formats["count"])
        page.sheet.write_number(page.row, len(statuses) + 1, currency.total_rows, page.formats["total count"])
        page.row += 1


def write_ages(page: Page, digest: Digest) -> Lines:
    """Write how old the debts are: rows, and the amounts of the currencies with the most rows."""
    codes = [currency.code for currency in digest.currencies][: WIDTH - 2]
    _write_heads(page, [("Past due", "head left"), ("Rows", "head right"), *((code, "head right") for code in codes)])
    first = page.row
    for age in digest.ages:
        page.sheet.write_string(page.row, 0, age.label, page.formats["meaning"])
        page.sheet.write_number(page.row, 1, age.rows, page.formats["count"])
        for column, code in enumerate(codes, start=2):
            if code in age.amounts:
                write_amount(page, column, age.amounts[code], "amount")
        page.row += 1
    lines = first, page.row - 1
    if digest.undated:
        page.write_text(f"{count(digest.undated)} without a date that can be read.", "wrapped")
    if len(digest.currencies) > len(codes):
        page.write_text(f"Amounts are those of the {len(codes)} currencies with the most rows.", "wrapped")
    return lines


def write_kinds(page: Page, digest: Digest, most: int) -> Lines:
    """Write how many issues there are of each kind."""
    heads = [("What is wrong", "head left"), *[("", "head left")] * 3, ("Errors", "head right")]
    _write_heads(page, [*heads, ("Warnings", "head right"), ("Code", "head meaning")])
    first = page.row
    for kind in digest.kinds[:most]:
        page.sheet.write_string(page.row, 0, make_legible(kind.title), page.formats["meaning"])
        column = 4 if kind.severity == "error" else 5
        page.sheet.write_number(page.row, column, kind.issues, page.formats["count"])
        page.sheet.write_string(page.row, 6, kind.code, page.formats["meaning"])
        page.row += 1
    return first, page.row - 1


def _write_heads(page: Page, heads: Sequence[tuple[str, str]]) -> None:
    for column in range(WIDTH):
        text, look = heads[column] if column < len(heads) else ("", "head left")
        page.sheet.write_string(page.row, column, text, page.formats[look])
    page.row += 1


def _write_statuses(page: Page, label: str, statuses: Sequence[str]) -> None:
    heads = ((status, f"head {status}") for status in statuses)
    _write_heads(page, [(label, "head left"), *heads, ("All rows", "head right")])


def write_amount(page: Page, column: int, amount: Decimal, look: str) -> None:
    """Write an amount as a number; as text where it has more digits than a number cell keeps."""
    with localcontext(prec=DIGITS):
        plain = amount.normalize()
    if len(plain.as_tuple().digits) <= EXACT:
        page.sheet.write_number(page.row, column, float(plain), page.formats[look])
    else:
        page.sheet.write_string(page.row, column, f"{plain:,f}", page.formats[look])
