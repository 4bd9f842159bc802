"""The workbook's package: made whole by xlsxwriter but for the rows of its large sheets, which are streamed in."""

from __future__ import annotations

import io
import re
import shutil
import zipfile
from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
import xlsxwriter

from importer.model import column_letters, quietly
from importer.report.beside import written_beside
from importer.report.packing import packed
from importer.report.rows import Cells, count_lines, make_legible, rows_xml

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from importer.model import Doing

TALLEST: Final = 1_048_575  # rows of a sheet below its header
LONGEST_TITLE: Final = 100  # characters of a footer's 255
HEADER: Final = "header"  # the format of each large sheet's row 1

_SHEET_DATA: Final = re.compile(rb"<sheetData>(.*?)</sheetData>", re.DOTALL)
_STYLE: Final = re.compile(rb'<c r="[A-Z]+2" s="([0-9]+)"')
_DIMENSION: Final = re.compile(rb'<dimension ref="[^"]*"/>')


@dataclass(slots=True)
class Large:
    """A sheet whose rows are streamed.

    Attributes:
        name: Of the sheet.
        header: The texts of row 1.
        height: Rows below it.
        formats: The cell formats that its columns use, by name.
        fill: Given the index of each format, makes the columns, some rows at a time so that memory stays small.
        widths: In characters, one a column.
        dress: Adds what is not rows: links, notes, conditional formats; gets xlsxwriter's sheet.
        wrapped: Number of a column whose texts go over several lines → characters of a line.
        links: `<hyperlink>` elements beside those of *dress*, to cells of this workbook.
    """

    name: str
    header: Sequence[str]
    height: int
    formats: Sequence[str]
    fill: Callable[[dict[str, str]], Iterable[Sequence[Cells]]]
    widths: Sequence[float]
    dress: Callable[[Any], None] = field(default=lambda _sheet: None)
    wrapped: Mapping[int, float] = field(default_factory=dict)
    links: bytes = b""


class Package:
    """Makes one workbook: small sheets through xlsxwriter, large ones streamed.

    Attributes:
        book: xlsxwriter's workbook, for small sheets.
        formats: Name → xlsxwriter's format.
    """

    def __init__(self, formats: dict[str, dict[str, Any]], title: str = "") -> None:
        self._skeleton = io.BytesIO()
        # Texts stay texts, whatever they look like.
        options = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
        self.book = xlsxwriter.Workbook(self._skeleton, {**options, "in_memory": True})
        self.formats = {name: self.book.add_format(look) for name, look in formats.items()}
        self.book.set_properties({"title": make_legible(title), "author": "Invoice importer"})
        named = make_legible(title)[:LONGEST_TITLE].replace("&", "&&")
        self._footer = f"&L&A&C{named}&RPage &P of &N"
        self._streams: dict[str, Large] = {}
        self._count = 0

    def add_small(self, name: str) -> Any:
        """Add a sheet that is written cell by cell; returns xlsxwriter's sheet."""
        self._count += 1
        sheet = self.book.add_worksheet(name)
        sheet.set_paper(9)  # A4
        sheet.set_footer(self._footer)
        return sheet

    def add_large(self, large: Large) -> None:
        """Add a sheet whose rows are streamed when the workbook is saved."""
        sheet = self.add_small(large.name)
        last = len(large.header) - 1
        for column, width in enumerate(large.widths):
            sheet.set_column(column, column, width)
        sheet.freeze_panes(1, 0)
        sheet.autofilter(0, 0, max(1, large.height), last)
        sheet.repeat_rows(0)
        sheet.set_landscape()
        sheet.fit_to_pages(1, 0)
        sheet.set_margins(left=0.4, right=0.4, top=0.5, bottom=0.6)
        # Else spreadsheet programs offer to make numbers of references, and take the zeros before them away.
        sheet.ignore_errors({"number_stored_as_text": f"A1:{column_letters(last)}{max(1, large.height) + 1}"})
        large.dress(sheet)
        # After the links, which write cells of their own: these tell `_stream` the index of each format.
        for column, name in enumerate((HEADER, *large.formats)):
            sheet.write_blank(1, column, None, self.formats[name])
        self._streams[f"xl/worksheets/sheet{self._count}.xml"] = large

    def save(self, path: Path, doing: Doing = quietly) -> None:
        """Write the workbook beside *path* and rename it into place; readable by its owner alone.

        *doing* is told how far that is.

        Raises:
            OSError: The disk does not take it; nothing is left of it.
        """
        self.book.close()
        with written_beside(path) as file:
            self._write(file, doing)

    def _write(self, file: io.BufferedWriter, doing: Doing) -> None:
        height = sum(large.height for large in self._streams.values())
        done = 0
        with (
            zipfile.ZipFile(self._skeleton) as skeleton,
            zipfile.ZipFile(file, "w") as package,
        ):
            for info in skeleton.infolist():
                with packed(package, file, info.filename) as target:
                    large = self._streams.get(info.filename)
                    if large:
                        for rows in self._stream(skeleton.read(info), large, target):
                            done += rows
                            doing("Writing the report", done / max(1, height))
                    else:
                        with skeleton.open(info) as part:
                            shutil.copyfileobj(part, target)

    def _stream(self, xml: bytes, large: Large, target: Any) -> Iterator[int]:
        """Put the rows of a large sheet where xlsxwriter has written samples of its formats; yields how many."""
        before, samples, after = _SHEET_DATA.split(xml, maxsplit=1)
        names = (HEADER, *large.formats)
        indices = [index.decode() for index in _STYLE.findall(samples)][: len(names)]  # after them come cells of links
        styles = dict(zip(names, indices, strict=True))
        header = [Cells(pa.array([make_legible(text)]), styles[HEADER]) for text in large.header]
        corner = f"A1:{column_letters(len(large.header) - 1)}{large.height + 1}"
        target.write(_DIMENSION.sub(f'<dimension ref="{corner}"/>'.encode(), before))
        target.write(b"<sheetData>")
        first = 1
        for columns in chain([header], large.fill(styles)):
            lines = count_lines(columns, large.wrapped) if large.wrapped else None
            for part in rows_xml(columns, first, lines):
                target.write(part)
            first += len(columns[0].texts)
            yield len(columns[0].texts)
        target.write(b"</sheetData>")
        target.write(_add_links(after, large.links))


def _add_links(after: bytes, links: bytes) -> bytes:
    """Put links where the format wants them: into the sheet's own, or before what comes after those."""
    if not links:
        return after
    if b"<hyperlinks>" in after:
        return after.replace(b"<hyperlinks>", b"<hyperlinks>" + links, 1)
    return after.replace(b"<pageMargins", b"<hyperlinks>" + links + b"</hyperlinks><pageMargins", 1)
