"""A small sheet that is read like a page: A4 across, from top to bottom."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from importer.report.rows import make_legible

if TYPE_CHECKING:
    from collections.abc import Mapping

WIDTH: Final = 9  # columns of the page: a label, seven statuses and their sum
COLUMN: Final = 15.0  # characters: the longest status
LINE: Final = 130  # characters of a sentence that are sure to fit into a line
HIGH: Final = 16.0  # points of a line


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
        sheet.set_margins(left=0.5, right=0.5)
        sheet.set_footer("&L&A&RPage &P of &N")

    def write_title(self, text: str) -> None:
        """Write the page's title."""
        self.sheet.set_row(self.row, 26)
        self.sheet.write_string(self.row, 0, make_legible(text), self.formats["title"])
        self.row += 1

    def start_section(self, text: str) -> None:
        """Leave a line free and write a heading, underlined over the whole width."""
        self.row += 1
        self.sheet.write_string(self.row, 0, text, self.formats["section"])
        for column in range(1, WIDTH):
            self.sheet.write_blank(self.row, column, None, self.formats["section"])
        self.row += 1

    def write_text(self, text: str, look: str) -> None:
        """Write a sentence over the whole width, as high as it needs to be."""
        self._write_wide(0, text, look, LINE)
        self.row += 1

    def write_reason(self, count: str, text: str) -> None:
        """Write how often something happened, and what it is."""
        self.sheet.write_string(self.row, 0, count, self.formats["key"])
        self._write_wide(1, text, "wrapped", LINE * (WIDTH - 1) // WIDTH)
        self.row += 1

    def write_link(self, text: str, link: str, *, first: int = 0) -> None:
        """Write a sentence that opens a link, from column *first* on."""
        self.sheet.write_url(self.row, first, link, self.formats["link"], text)
        self.row += 1

    def _write_wide(self, first: int, text: str, look: str, line: int) -> None:
        text = make_legible(text)
        lines = sum(1 + len(part) // line for part in text.split("\n"))
        self.sheet.set_row(self.row, min(400.0, HIGH * lines))
        self.sheet.merge_range(self.row, first, self.row, WIDTH - 1, "", self.formats[look])
        self.sheet.write_string(self.row, first, text, self.formats[look])
