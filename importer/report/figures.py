"""The tables of `Summary`: rows by status, and exact amounts by currency and status; both add up to the source."""

from __future__ import annotations

from decimal import Decimal, localcontext
from typing import TYPE_CHECKING, Final

import pyarrow as pa
import pyarrow.compute as pc

from importer.report.page import WIDTH

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from importer.model import Report
    from importer.report.page import Page

EXACT: Final = 15  # digits that a number cell keeps
DIGITS: Final = 60  # more than a sum of amounts of 38 digits has

MEANINGS: Final = {
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


def write_counts(
    page: Page, counts: Mapping[str, int], statuses: Sequence[str], meanings: Mapping[str, str] = MEANINGS
) -> None:
    """Write rows by status, each with what it means: the legend of the colours on `Results`."""
    sheet, formats = page.sheet, page.formats
    total = sum(counts.values())
    for column, (text, look) in enumerate(
        (("Status", "head left"), ("Rows", "head right"), ("Share", "head right"), ("Meaning", "head meaning"))
    ):
        sheet.write_string(page.row, column, text, formats[look])
    for column in range(4, WIDTH):
        sheet.write_blank(page.row, column, None, formats["head left"])
    for status in statuses:
        page.row += 1
        sheet.write_string(page.row, 0, status, formats[f"status {status}"])
        sheet.write_number(page.row, 1, counts[status], formats["count"])
        sheet.write_number(page.row, 2, counts[status] / total, formats["share"])
        sheet.write_string(page.row, 3, meanings[status], formats["meaning"])
    page.row += 1
    sheet.write_string(page.row, 0, "All rows", formats["sum"])
    sheet.write_number(page.row, 1, total, formats["sum count"])
    sheet.write_number(page.row, 2, 1, formats["sum share"])
    for column in range(3, WIDTH):
        sheet.write_blank(page.row, column, None, formats["sum"])
    page.row += 1


def write_amounts(page: Page, report: Report, statuses: Sequence[str]) -> None:
    """Write amounts, a line a currency and a column a status; the last column is the whole source."""
    sheet, formats = page.sheet, page.formats
    sums, unreadable = _add_up(report)
    last = len(statuses) + 1
    sheet.write_string(page.row, 0, "Currency", formats["head left"])
    for column, status in enumerate(statuses, start=1):
        sheet.write_string(page.row, column, status, formats[f"head {status}"])
    sheet.write_string(page.row, last, "All rows", formats["head right"])
    page.row += 1
    for currency in sorted({currency for currency, _ in sums}):
        sheet.write_string(page.row, 0, currency, formats["currency"])
        amounts = [sums.get((currency, status)) for status in statuses]
        for column, amount in enumerate(amounts, start=1):
            if amount is not None:
                write_amount(page, column, amount, "amount")
        with localcontext(prec=DIGITS):
            total = sum((amount for amount in amounts if amount is not None), Decimal(0))
        write_amount(page, last, total, "total amount")
        page.row += 1
    if unreadable:
        rows = "1 row is" if unreadable == 1 else f"{unreadable:,} rows are"
        page.write_text(f"{rows} in no amount: the amount, or its currency, cannot be read.", "wrapped")


def _add_up(report: Report) -> tuple[dict[tuple[str, str], Decimal], int]:
    """Add up the amounts by currency and status; count the rows that have none."""
    amounts = report.amounts
    readable = amounts["amount"].notna() & amounts["currency"].notna()
    table = pa.table(
        {
            "currency": pa.array(amounts.loc[readable, "currency"]),
            "status": pa.array(report.outcomes.loc[readable, "status"]),
            # Wider than an amount is, since a sum that does not fit would wrap around in silence.
            "amount": pc.cast(pa.array(amounts.loc[readable, "amount"]), pa.decimal256(76, 18)),
        }
    )
    lines = table.group_by(["currency", "status"]).aggregate([("amount", "sum")]).to_pylist()
    sums = {(line["currency"], line["status"]): line["amount_sum"] for line in lines}
    return sums, int((~readable).sum())


def write_amount(page: Page, column: int, amount: Decimal, look: str) -> None:
    """Write an amount as a number; as text where it has more digits than a number cell keeps."""
    with localcontext(prec=DIGITS):
        plain = amount.normalize()
    if len(plain.as_tuple().digits) <= EXACT:
        page.sheet.write_number(page.row, column, float(plain), page.formats[look])
    else:
        page.sheet.write_string(page.row, column, f"{plain:,f}", page.formats[look])
