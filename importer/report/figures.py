"""The tables of `Summary`: rows by status, and exact amounts by currency and status; both add up to the source."""

from __future__ import annotations

from decimal import localcontext
from typing import TYPE_CHECKING, Final

from importer.report.page import WIDTH

if TYPE_CHECKING:
    from decimal import Decimal

    from importer.model import Digest
    from importer.report.page import Page

EXACT: Final = 15  # digits that a number cell keeps
DIGITS: Final = 60  # more than a sum of amounts of 38 digits has


def write_counts(page: Page, digest: Digest) -> None:
    """Write rows by status, each with what it means: the legend of the colours on `Results`."""
    sheet, formats = page.sheet, page.formats
    for column, (text, look) in enumerate(
        (("Status", "head left"), ("Rows", "head right"), ("Share", "head right"), ("Meaning", "head meaning"))
    ):
        sheet.write_string(page.row, column, text, formats[look])
    for column in range(4, WIDTH):
        sheet.write_blank(page.row, column, None, formats["head left"])
    for standing in digest.standings:
        page.row += 1
        sheet.write_string(page.row, 0, standing.status, formats[f"status {standing.status}"])
        sheet.write_number(page.row, 1, standing.rows, formats["count"])
        sheet.write_number(page.row, 2, standing.share, formats["share"])
        sheet.write_string(page.row, 3, standing.meaning, formats["meaning"])
    page.row += 1
    sheet.write_string(page.row, 0, "All rows", formats["sum"])
    sheet.write_number(page.row, 1, digest.rows, formats["sum count"])
    sheet.write_number(page.row, 2, 1, formats["sum share"])
    for column in range(3, WIDTH):
        sheet.write_blank(page.row, column, None, formats["sum"])
    page.row += 1


def write_amounts(page: Page, digest: Digest) -> None:
    """Write amounts, a line a currency and a column a status; the last column is the whole source."""
    sheet, formats = page.sheet, page.formats
    statuses = [standing.status for standing in digest.standings]
    last = len(statuses) + 1
    sheet.write_string(page.row, 0, "Currency", formats["head left"])
    for column, status in enumerate(statuses, start=1):
        sheet.write_string(page.row, column, status, formats[f"head {status}"])
    sheet.write_string(page.row, last, "All rows", formats["head right"])
    page.row += 1
    for currency in digest.currencies:
        sheet.write_string(page.row, 0, currency.code, formats["currency"])
        for column, status in enumerate(statuses, start=1):
            if status in currency.amounts:
                write_amount(page, column, currency.amounts[status], "amount")
        write_amount(page, last, currency.total, "total amount")
        page.row += 1
    if digest.unreadable:
        rows = "1 row is" if digest.unreadable == 1 else f"{digest.unreadable:,} rows are"
        page.write_text(f"{rows} in no amount: the amount, or its currency, cannot be read.", "wrapped")


def write_amount(page: Page, column: int, amount: Decimal, look: str) -> None:
    """Write an amount as a number; as text where it has more digits than a number cell keeps."""
    with localcontext(prec=DIGITS):
        plain = amount.normalize()
    if len(plain.as_tuple().digits) <= EXACT:
        page.sheet.write_number(page.row, column, float(plain), page.formats[look])
    else:
        page.sheet.write_string(page.row, column, f"{plain:,f}", page.formats[look])
