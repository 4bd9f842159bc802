"""`Preview`: what the API said of what was not sent yet, a line for all cases that are alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from importer.report.digest import LONGEST_LINK
from importer.report.figures import EXACT
from importer.report.rows import make_legible

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from decimal import Decimal

    from importer.model import Preview, PreviewGroup, Verdict
    from importer.report.package import Package

COLUMNS: Final = {  # header → width in characters
    "Client": 14.0,
    "Country": 9.0,
    "Debtor": 10.0,
    "Currency": 9.0,
    "Rows": 8.0,
    "Cases": 8.0,
    "Amount": 15.0,
    "Verdict": 17.0,
    "Why": 36.0,
    "Link": 8.0,
    "Partner": 18.0,
    "Fee": 8.0,
    "Of it for age": 8.0,
    "Largest case": 14.0,
    "Its age": 15.0,
    "Price list": 30.0,
}
NUMBERS: Final = frozenset({"Rows", "Cases", "Amount", "Fee", "Of it for age", "Largest case"})
LINE: Final = 15.0  # points
OPEN: Final = "Open"
NAMED: Final = 6  # groups in a sentence
LEAD: Final = (
    "What the API said before anything was sent: one question for all rows with the same country, US state, kind of "
    "debtor and currency. Fee is the success fee of the group's largest case, in percent of what is recovered. It "
    "depends on a claim's size and age too: other cases of the group may have another."
)
_LOOKS: Final[dict[Verdict, str]] = {
    "would be refused": "status invalid",
    "contract missing": "status duplicate",
    "not known": "status not-sent",
    "would be taken": "status valid",
}


def add_preview(package: Package, preview: Preview) -> None:
    """Add `Preview`: amounts and percentages are numbers, links can be opened."""
    sheet, formats = package.add_small("Preview"), package.formats
    several = any(group.client for group in preview.groups)
    bundled = any(group.cases != group.rows for group in preview.groups)
    left_out = {name for name, there in (("Client", several), ("Cases", bundled)) if not there}
    columns = [name for name in COLUMNS if name not in left_out]
    for column, name in enumerate(columns):
        sheet.set_column(column, column, COLUMNS[name])
    sheet.write_string(0, 0, "Preview", formats["title"])
    sheet.merge_range(1, 0, 1, len(columns) - 1, "", formats["wrapped"])
    sheet.write_string(1, 0, LEAD, formats["wrapped"])
    sheet.set_row(1, 2 * LINE)
    sheet.write_string(2, 0, make_legible(_tell_end(preview)), formats["key"])
    top = 4
    for column, name in enumerate(columns):
        sheet.write_string(top, column, name, formats[_head(name)])
    sheet.set_row(top, 2 * LINE)
    for row, group in enumerate(preview.groups, start=top + 1):
        # Programs that print a workbook do not make room for what wraps.
        sheet.set_row(row, LINE * max(_count_lines(name, group) for name in columns))
        for column, name in enumerate(columns):
            _write_cell(sheet, formats, (row, column), name, group)
    sheet.freeze_panes(top + 1, 0)
    if preview.groups:
        sheet.autofilter(top, 0, top + len(preview.groups), len(columns) - 1)
    sheet.repeat_rows(top)
    sheet.set_landscape()
    sheet.fit_to_pages(1, 0)
    sheet.set_footer("&L&A&RPage &P of &N")


def tell_preview(preview: Preview) -> Iterator[tuple[int, str]]:
    """Yield what a summary says: of how many rows, and what the API would do with them, with the fees it expects."""
    for verdict in _LOOKS:
        groups = [group for group in preview.groups if group.verdict == verdict]
        if not groups:
            continue
        fees = sorted(group.forecast.total for group in groups if group.forecast and group.forecast.total is not None)
        named = "; ".join(group.title for group in groups[:NAMED])
        more = f" and {len(groups) - NAMED:,} more" if len(groups) > NAMED else ""
        yield sum(group.rows for group in groups), f"{verdict}: {named}{more}{_tell_fees(fees)}."
    if preview.stopped:
        yield 0, f"The preview is not complete. {preview.stopped}"


def _tell_fees(fees: Sequence[Decimal]) -> str:
    if not fees:
        return ""
    lowest, highest = f"{fees[0].normalize():f} %", f"{fees[-1].normalize():f} %"
    return f" — expected success fee {lowest}" + (f" to {highest}" if lowest != highest else "")


def _head(name: str) -> str:
    return "header right" if name in NUMBERS else "header indented"


def _tell_end(preview: Preview) -> str:
    requests = "1 request" if preview.requests == 1 else f"{preview.requests:,} requests"
    if preview.stopped:
        return f"It is not complete. {preview.stopped}"
    return f"It took {requests}." if preview.groups else "There was nothing to ask about: no row would be sent."


def _write_cell(sheet: Any, formats: dict[str, Any], place: tuple[int, int], name: str, group: PreviewGroup) -> None:
    match _cell(name, group):
        case None:
            pass
        case str(text) if name == "Link":
            sheet.write_url(*place, text, formats["link"], OPEN)
        case str(text):
            look = _LOOKS[group.verdict] if name == "Verdict" else "indented"
            sheet.write_string(*place, make_legible(text), formats[look])
        case int(number):
            sheet.write_number(*place, number, formats["top count"])
        case number if name in {"Fee", "Of it for age"}:
            sheet.write_number(*place, float(number / 100), formats["fee"])
        case number:
            _write_amount(sheet, place, number, formats["top amount"])


def _count_lines(name: str, group: PreviewGroup) -> int:
    text = _cell(name, group)
    if not isinstance(text, str) or name == "Link":
        return 1
    width = int(COLUMNS[name] * 0.9)  # words do not break
    return sum(1 + len(part) // width for part in text.split("\n"))


def _cell(name: str, group: PreviewGroup) -> str | int | Decimal | None:
    """Say what stands in the column *name*; None where it is blank."""
    forecast = group.forecast
    reasons = list(group.reasons())
    found: dict[str, str | int | Decimal | None] = {
        "Client": group.client,
        "Country": group.place,
        "Debtor": group.debtor_type,
        "Currency": group.currency,
        "Rows": group.rows,
        "Cases": group.cases,
        "Amount": group.amount,
        "Verdict": group.verdict,
        "Why": "\n".join(dict.fromkeys(text for text, _ in reasons)),
        "Link": next((link for _, link in reasons if 0 < len(link) <= LONGEST_LINK), ""),
        "Largest case": group.asked,
        "Its age": group.age,
    }
    if forecast:
        found |= {
            "Partner": forecast.partner,
            "Fee": forecast.total,
            "Of it for age": forecast.surcharge,
            "Price list": forecast.basis,
        }
    value = found.get(name)
    return None if value == "" else value


def _write_amount(sheet: Any, place: tuple[int, int], amount: Decimal, look: Any) -> None:
    digits = f"{amount:f}".strip("0").replace(".", "")
    if len(digits) <= EXACT:
        sheet.write_number(*place, float(amount), look)
    else:
        sheet.write_string(*place, f"{amount.normalize():,f}", look)
