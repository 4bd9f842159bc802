"""How a text parts and quotes its cells, told from its first records."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING, Final

from importer.errors import SourceError
from importer.model import DELIMITERS, Writing
from importer.read.shape import SAMPLE, is_label

if TYPE_CHECKING:
    from _csv import Reader
    from collections.abc import Iterable, Iterator

    from importer.read.grid import Facts
    from importer.read.source import Text

QUOTES: Final = {'"': "double", "'": "single"}
SAMPLED: Final = 1 << 20  # characters that the first records are taken from
WIDEST_CELL: Final = 1 << 24  # characters

_SEPARATOR_LINE: Final = re.compile(r'"?sep=([^\w\s"]|\t)"?[ ]*(?:\r\n|\n|\r)', re.IGNORECASE)
_CONTENT: Final = re.compile(r"""[^,;\t| \r\n"']""")


@dataclass(frozen=True, slots=True)
class Dialect:
    """What parts cells, and what they are quoted with."""

    delimiter: str
    quote: str
    facts: Facts

    @property
    def name(self) -> str:
        """The delimiter, for people."""
        return name_of(self.delimiter)


def name_of(delimiter: str) -> str:
    """Name a delimiter for people."""
    return DELIMITERS.get(delimiter, repr(delimiter))


def records_of(lines: Iterable[str], dialect: Dialect, *, strict: bool = True) -> Reader:
    """Read record by record; `csv.Error` where quotes are out of place."""
    csv.field_size_limit(WIDEST_CELL)
    return csv.reader(lines, delimiter=dialect.delimiter, quotechar=dialect.quote, strict=strict)


def lines_of(text: str) -> Iterator[str]:
    """Give the lines of a text, each with what ends it."""
    return io.StringIO(text, newline="")


def start_of_content(text: str) -> int:
    """Find the line that the first sign stands in which is neither blank nor parts or quotes cells."""
    content = _CONTENT.search(text)
    return max(text.rfind(end, 0, content.start()) for end in "\r\n") + 1 if content else 0


def find_dialect(text: str, said: str | None) -> tuple[int, Dialect, int]:
    """Tell the delimiter by how evenly it parts the first records; a `sep=;` line in front decides.

    Args:
        text: The beginning of a source.
        said: The delimiter that the user names.

    Returns:
        How many characters that line has, the dialect, and the row number of the record below: the line is a row.

    Raises:
        SourceError: Two delimiters part the records alike.
    """
    separator = _SEPARATOR_LINE.match(text)
    if separator:
        said = said or separator[1]
        text = text[separator.end() :]
    first = 2 if separator else 1
    start = start_of_content(text)
    sampled = text[start : start + SAMPLED]
    quote = "'" if _is_single_quoted(sampled) else '"'
    delimiter = said or _choose(sampled, quote)
    facts = [("delimiter", name_of(delimiter) if delimiter else "none: one column")]
    if separator:
        facts.append(("sep= line", "row 1"))
    if quote != '"':
        facts.append(("quotes", QUOTES[quote]))
    return separator.end() if separator else 0, Dialect(delimiter or ",", quote, tuple(facts)), first


def find_writing(text: Text, head: str, dialect: Dialect, *, announced: bool) -> Writing:
    """Tell how a text is written: from its mark, its first line's end, and which cells of its first lines are quoted.

    Args:
        text: The source.
        head: Its beginning, without a `sep=` line.
        dialect: What parts and quotes its cells.
        announced: Whether there is such a line.
    """
    marked = text.source.start.startswith(codecs.BOM_UTF8)
    sampled = [line for line in islice(lines_of(head[start_of_content(head) :]), SAMPLE) if line.strip()]
    end = next((end for end in ("\r\n", "\n", "\r") if sampled and sampled[0].endswith(end)), "\r\n")
    writing = Writing(
        "utf-8-sig" if marked else text.encoding, dialect.delimiter, dialect.quote, end, announced=announced
    )
    for quoted in ("all", "texts"):
        tried = replace(writing, quoted=quoted)
        with suppress(csv.Error):
            if sampled and all(
                tried.write(next(records_of([line], dialect))) == line.rstrip("\r\n") for line in sampled
            ):
                return tried
    return writing


def _is_single_quoted(text: str) -> bool:
    """Tell `'a';'b'` from cells with an apostrophe: the first record has nothing but such cells."""
    line = text.splitlines()[0].strip() if text.strip() else ""
    return any(
        len(cells := line.split(delimiter)) > 1
        and all(len(cell) > 1 and cell.strip().startswith("'") and cell.strip().endswith("'") for cell in cells)
        for delimiter in DELIMITERS
    )


def _choose(text: str, quote: str) -> str:
    scores = {delimiter: _score(text, Dialect(delimiter, quote, ())) for delimiter in DELIMITERS}
    best = max(scores.values())
    if not best[0]:
        return ""
    chosen = [delimiter for delimiter, score in scores.items() if score == best]
    if len(chosen) > 1:
        named = " or ".join(map(name_of, chosen))
        raise SourceError(f"parts its cells with {named}, and both fit: say which with --delimiter.")
    return chosen[0]


def _score(text: str, dialect: Dialect) -> tuple[bool, bool, int, int, int]:
    """Say what speaks for a delimiter: records alike wide, the first of texts; then their width, and an early begin."""
    records: list[list[str]] = []
    with suppress(csv.Error):  # what was read before tells enough
        records += (record for record in islice(records_of(lines_of(text), dialect), SAMPLE) if record)
    widths = [len(record) for record in records]
    count = Counter(width for width in widths if width > 1)
    if not count:
        return False, False, 0, 0, 0
    width, times = max(count.items(), key=lambda item: (item[1], item[0]))
    begin = widths.index(width)
    named = all(is_label(cell.strip()) for cell in records[begin] if cell.strip())
    return True, named, times, width, -begin
