"""A small sheet that is read like a page: A4 across, from top to bottom."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from importer.report.rows import make_legible

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

WIDTH: Final = 10  # columns of the page: a label, eight statuses and their sum
COLUMN: Final = 15.0  # characters: the longest status
PIXELS: Final = 110  # of such a column
HIGH: Final = 16.0  # points of a line
ROW: Final = 20  # pixels of a row that has no height of its own
HIGHEST: Final = 400.0  # points of a row
FITTING: Final = 1.2  # characters of a sentence that fit where a column has one
LINE: Final = 15.0  # points of a row that has no height of its own
PAPER: Final = 560.0  # points of rows that a printed page holds when the columns are as wide as it

Cell = tuple[int, int, str | float | None, str]  # first and last column, what is written, and how


class Page:
    """Writes a sheet from top to bottom.

    Attributes:
        sheet: xlsxwriter's sheet, for tables.
        formats: Name → xlsxwriter's format.
        row: The next free one.
    """

    def __init__(self, sheet: Any, formats: Mapping[str, Any]) -> None:
        self.sheet = sheet
        self.formats = formats
        self.row = 0
        sheet.hide_gridlines(2)
        sheet.set_column(0, WIDTH - 1, COLUMN)
        sheet.set_landscape()
        sheet.fit_to_pages(1, 0)
        sheet.set_margins(left=0.5, right=0.5, top=0.5, bottom=0.6)
        self._heights: dict[int, float] = {}  # of rows in points, where they are not `LINE`
        self._breaks = [0]  # the first row of each printed page

    def write_title(self, text: str) -> None:
        """Write the page's title."""
        self.write_line([(0, WIDTH - 1, text, "title")], height=26)

    def start_section(self, text: str, keep: float = 60.0) -> None:
        """Leave a line free and write a heading, underlined over the whole width.

        Args:
            text: The heading.
            keep: Points of what comes below it that are not to be printed on another page, as far as a page holds them.
        """
        used = sum(self._heights.get(row, LINE) for row in range(self._breaks[-1], self.row))
        if used + keep + 2 * LINE > PAPER:
            self._breaks.append(self.row)
            self.sheet.set_h_pagebreaks(self._breaks[1:])
        else:
            self.row += 1
        self.sheet.write_string(self.row, 0, text, self.formats["section"])
        for column in range(1, WIDTH):
            self.sheet.write_blank(self.row, column, None, self.formats["section"])
        self.row += 1

    def write_line(self, cells: Sequence[Cell], height: float = 0.0) -> None:
        """Write a row of texts and numbers, each over one or several columns; as high as the longest text needs."""
        lines = 1
        for first, last, value, look in cells:
            cell = self.formats[look]
            if last > first:
                self.sheet.merge_range(self.row, first, self.row, last, "", cell)
            if isinstance(value, str) and value:
                text = make_legible(value)
                lines = max(lines, _count_lines(text, (last - first + 1) * COLUMN * FITTING))
                self.sheet.write_string(self.row, first, text, cell)
            elif isinstance(value, (int, float)):
                self.sheet.write_number(self.row, first, value, cell)
            else:
                self.sheet.write_blank(self.row, first, None, cell)
        self._heights[self.row] = height or min(HIGHEST, HIGH * lines)
        self.sheet.set_row(self.row, self._heights[self.row])
        self.row += 1

    def write_text(self, text: str, look: str) -> None:
        """Write a sentence over the whole width, as high as it needs to be."""
        self.write_line([(0, WIDTH - 1, text, look)])

    def write_reason(self, count: str, text: str) -> None:
        """Write how often something happened, and what it is."""
        self.write_line([(0, 0, count, "key"), (1, WIDTH - 1, text, "wrapped")])

    def write_link(self, text: str, link: str, *, first: int = 0) -> None:
        """Write a sentence that opens a link, from column *first* on."""
        self.sheet.write_url(self.row, first, link, self.formats["link"], text)
        self.row += 1

    def leave(self, pixels: int) -> int:
        """Leave room for what lies above the cells, such as a chart; gives the row where it begins."""
        begin = self.row
        self.row += -(-pixels // ROW)
        return begin


def _count_lines(text: str, width: float) -> int:
    return sum(1 + int(len(part) / width) for part in text.split("\n"))
