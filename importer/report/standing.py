"""Where the money stands: a table and a chart for each currency, by lifecycle; readable without colour."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal, localcontext
from typing import TYPE_CHECKING, Any, Final

from importer.model import LIFECYCLES
from importer.report.figures import DIGITS, write_amount
from importer.report.rows import make_legible

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from importer.model import Line
    from importer.report.page import Page

CHARTS: Final = 4  # currencies that have one
SHOWN: Final = {"gross": "Claimed", "added": "Added", "paid": "Paid", "outstanding": "Outstanding"}
FIRST: Final = 3  # column of the first amount; the lifecycle has two, and the number of cases one
CHART_WIDTH: Final = 770  # pixels: the table's
BAR: Final = 28  # pixels of a chart's bar
REST: Final = 105  # pixels of its title, axis and legend
LINE: Final = 20  # pixels of a sheet's row
INK, PALE = "#1F3A4D", "#9FB4C2"


def write_money(page: Page, book: Any, lines: Iterable[Line]) -> None:
    """Write a table and a chart for each currency, that of the most cases first."""
    by_currency: defaultdict[str, defaultdict[str, list[Line]]] = defaultdict(lambda: defaultdict(list))
    for line in lines:
        by_currency[line.currency][line.standing.lifecycle].append(line)
    ordered = sorted(by_currency.items(), key=lambda item: (-sum(map(len, item[1].values())), item[0]))
    if not ordered:
        page.write_text("There are no cases.", "wrapped")
    for number, (currency, by_lifecycle) in enumerate(ordered):
        if number:
            page.row += 1
        first = page.row + 1
        _write_table(page, currency, by_lifecycle)
        if number < CHARTS:
            _add_chart(page, book, currency, first, len(by_lifecycle))
    if len(ordered) > CHARTS:
        page.write_text(f"Charts are drawn for the {CHARTS} currencies with the most cases.", "wrapped")


def _write_table(page: Page, currency: str, by_lifecycle: dict[str, list[Line]]) -> None:
    sheet, formats = page.sheet, page.formats
    sheet.write_string(page.row, 0, make_legible(currency), formats["head left"])
    sheet.write_blank(page.row, 1, None, formats["head left"])
    for column, title in enumerate(("Cases", *SHOWN.values()), start=FIRST - 1):
        sheet.write_string(page.row, column, title, formats["head money"])
    order = list(LIFECYCLES)
    known = sorted(by_lifecycle, key=lambda name: (order.index(name) if name in order else len(order), name))
    for lifecycle in known:
        page.row += 1
        lines = by_lifecycle[lifecycle]
        sheet.write_string(page.row, 0, make_legible(lines[0].standing.label), formats["meaning"])
        _write_sums(page, lines, "count", "money")
    page.row += 1
    sheet.write_string(page.row, 0, "All", formats["sum"])
    sheet.write_blank(page.row, 1, None, formats["sum"])
    _write_sums(page, [line for lines in by_lifecycle.values() for line in lines], "sum count", "total money")
    page.row += 1


def _write_sums(page: Page, lines: Sequence[Line], count: str, money: str) -> None:
    page.sheet.write_number(page.row, FIRST - 1, len(lines), page.formats[count])
    for column, name in enumerate(SHOWN, start=FIRST):
        amounts = [getattr(line.standing.figures, name) for line in lines]
        with localcontext(prec=DIGITS):
            total = sum((amount for amount in amounts if amount is not None), Decimal(0))
        write_amount(page, column, total, money)


def _add_chart(page: Page, book: Any, currency: str, first: int, bars: int) -> None:
    """Add a chart of bars: what is outstanding is solid, what is paid is hatched."""
    chart = book.add_chart({"type": "bar", "subtype": "stacked"})
    name, last = page.sheet.get_name(), first + bars - 1
    looks = {
        "outstanding": {"fill": {"color": INK}, "border": {"color": INK}},
        "paid": {"pattern": {"pattern": "wide_upward_diagonal", "fg_color": INK, "bg_color": "#FFFFFF"}},
    }
    for figure, look in looks.items():
        column = FIRST + list(SHOWN).index(figure)
        chart.add_series(
            {
                "name": SHOWN[figure],
                "categories": [name, first, 0, last, 0],
                "values": [name, first, column, last, column],
                "gap": 60,
                "border": {"color": INK},
                **look,
            }
        )
    chart.set_title({"name": f"{currency} by lifecycle", "name_font": {"size": 11, "color": INK}, "overlay": False})
    chart.set_y_axis({"reverse": True, "line": {"color": INK}, "major_tick_mark": "none", "crossing": "max"})
    chart.set_x_axis(
        {
            "num_format": "#,##0",
            "major_gridlines": {"visible": True, "line": {"color": "#D9D9D9"}},
            "line": {"none": True},
        }
    )
    chart.set_legend({"position": "bottom"})
    height = REST + BAR * bars
    chart.set_size({"width": CHART_WIDTH, "height": height})
    page.sheet.insert_chart(page.row + 1, 0, chart, {"object_position": 1, "description": f"{currency} by lifecycle"})
    page.row += 2 + -(-height // LINE)
