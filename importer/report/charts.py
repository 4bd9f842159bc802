"""The charts of `Summary`: the spreadsheet program's own, of the tables on the sheet, readable in black and white."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from importer.report.looks import INK, PALE, PATTERNS, STATUS_LOOKS
from importer.report.page import PIXELS, WIDTH

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from importer.report.figures import Lines
    from importer.report.page import Page

HALF: Final = PIXELS * WIDTH // 2 - 10  # pixels
BAR: Final = 20  # pixels of a bar and its gap
THICKEST: Final = 26  # pixels of a bar
REST: Final = 90  # pixels of title, axis and legend
LOWEST: Final = 230  # pixels of a chart
_GRID: Final = {"visible": True, "line": {"color": "#D9D9D9"}}
_LABELS: Final = {
    "value": True,
    "position": "outside_end",
    "num_format": "#,##0;-#,##0;;",
    "font": {"size": 9, "color": INK},
}


@dataclass(frozen=True, slots=True)
class Series:
    """Cells of the sheet that a chart draws: the column, and how it looks; the lines are those of all its series."""

    name: str
    column: int
    look: Mapping[str, Any]


def look_of(status: str) -> dict[str, Any]:
    """Say how a status is drawn: solid where all is well, else in a way of its own."""
    ink = STATUS_LOOKS[status][1]
    border = {"border": {"color": ink}}
    if status in PATTERNS:
        return {"pattern": {"pattern": PATTERNS[status], "fg_color": ink, "bg_color": "#FFFFFF"}, **border}
    return {"fill": {"color": PALE.get(status, ink)}, **border}


SOLID: Final = {"fill": {"color": INK}, "border": {"color": INK}}
HATCHED: Final = {
    "pattern": {"pattern": "wide_upward_diagonal", "fg_color": INK, "bg_color": "#FFFFFF"},
    "border": {"color": INK},
}


def height_of(bars: int) -> int:
    """Say how high a chart with so many bars is, in pixels."""
    return max(LOWEST, REST + BAR * bars)


def add_shares(page: Page, book: Any, title: str, lines: Lines, series: Sequence[Series]) -> Any:
    """Make a chart of bars that are 100 % each, the first line on top; its categories are in column 0 of the page."""
    chart = book.add_chart({"type": "bar", "subtype": "percent_stacked"})
    _dress(chart, page, title, lines, series)
    chart.set_x_axis({"num_format": "0%", "num_font": {"size": 9}, "major_gridlines": _GRID, "line": {"none": True}})
    return chart


def add_bars(page: Page, book: Any, title: str, lines: Lines, series: Sequence[Series]) -> Any:
    """Make a chart of bars with their figures, the first line on top; of several series each line has one."""
    chart = book.add_chart({"type": "bar"})
    _dress(chart, page, title, lines, series, {"data_labels": _LABELS, "overlap": 100})
    chart.set_x_axis({"visible": False, "major_gridlines": {"visible": False}, "min": 0})
    return chart


def place(page: Page, chart: Any, row: int, right: bool, height: int) -> None:  # noqa: FBT001 - a half of the page
    """Put a chart on the left or right half of the page; it moves with its cells and keeps its size."""
    chart.set_size({"width": HALF, "height": height})
    told = {"object_position": 2, "description": chart.title.name, "x_offset": 4, "y_offset": 6}
    page.sheet.insert_chart(row, WIDTH // 2 if right else 0, chart, told)


def _dress(
    chart: Any, page: Page, title: str, lines: Lines, series: Sequence[Series], more: Mapping[str, Any] | None = None
) -> None:
    name, (first, last) = page.sheet.get_name(), lines
    gap = min(500, max(45, 100 * (LOWEST - REST) // (THICKEST * (last - first + 1)) - 100))  # per cent of a bar
    for one in series:
        chart.add_series(
            {
                "name": one.name,
                "categories": [name, first, 0, last, 0],
                "values": [name, first, one.column, last, one.column],
                "gap": gap,
                **(more or {}),
                **one.look,
            }
        )
    chart.set_title({"name": title, "name_font": {"size": 11, "bold": True, "color": INK}, "overlay": False})
    chart.set_y_axis(
        {"reverse": True, "line": {"color": INK}, "major_tick_mark": "none", "num_font": {"size": 9}, "crossing": "max"}
    )
    chart.set_legend({"position": "bottom", "font": {"size": 9}} if len(series) > 1 else {"none": True})
