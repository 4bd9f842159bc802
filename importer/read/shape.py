"""The shape of a table: which record is its header, and which rows are no rows of data."""

from __future__ import annotations

import re
from itertools import chain
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from importer.errors import SourceError
from importer.model import LeftOut

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

SAMPLE: Final = 200  # records among which the header is looked for
NARROW: Final = 4  # columns: in a table of so few, a header has a text in each
LAST: Final = 50  # rows at the end that may be footers
LONGEST: Final = 64  # signs of a number or a date
NAMED: Final = 10  # rows or ranges of them named in a fact

# What is printed in front of a total in the languages of the countries that cases come from.
_TOTAL_WORDS: Final = (
    r"grand total|sub-?\s?total|total|totals|sum|summe|gesamt|gesamtsumme|gesamtbetrag|zwischensumme|endsumme|"
    r"insgesamt|i alt|ialt|total i alt|sum i alt|summa|totalt|delsumma|delsum|subtotaal|totaal|eindtotaal|"
    r"total général|somme|sous-total|totale|totale generale|subtotale|somma|total general|suma|suma total|"
    r"yhteensä|välisumma|razem|suma końcowa|ogółem|celkem|součet|spolu|összesen|skupaj|ukupno|"
    r"общо|σύνολο|kokku|kopā|iš viso|total geral|soma"
)
TOTAL: Final = rf"(?i)^\W*(?:{_TOTAL_WORDS})\s*(?:\(?[A-Z]{{3}}\)?|[€$£])?\s*:?\s*$"
_FOOTER: Final = re.compile(
    r"(?i)^\W*(?:printed|created|exported|generated|page|end of|report|gedruckt|erstellt|exportiert|seite|stand|"
    r"ende der|udskrevet|oprettet|side|utskriven|sida|afgedrukt|pagina|imprimé|édité|impreso|página|stampato|"
    r"tulostettu|sivu|wydrukowano|strona)\b"
)
_BESIDE: Final = re.compile(rf"[A-Z]{{3}}|[€$£]|(?i:{_TOTAL_WORDS}):?")  # what may stand in a row of totals
_ERROR: Final = re.compile(r"#(?:N/A|REF!|DIV/0!|VALUE!|NAME\?|NUM!|NULL!)")
_DATE: Final = re.compile(r"\d{1,4}([-./])\d{1,2}\1\d{1,4}(?:[T ]\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?Z?)?")
_NUMBER: Final = re.compile(
    r"[-+(]*\s*(?:[A-Z]{3}\s*(?=\d)|[A-Z]{3}\s+(?=[-+(])|[€$£]\s*)?[-+(]?\d[\d.,'\u2019\s\u00a0\u202f\u2009]*[-)%]*\s*(?:[A-Z]{3}|[€$£]|kr\.?)?[-)]*"
)


def find_header(
    records: Sequence[Sequence[str | None]], wanted: int | None, spread: Collection[int] = (), first: int = 1
) -> int:
    """Find the header: the first record of texts that is about as wide as what lies below it.

    Args:
        records: The first records of a source.
        wanted: The row number that the user says.
        spread: Positions of records with a cell that is merged over several columns: a heading of headers, perhaps.
        first: The row number of the first record.

    Raises:
        SourceError: Nothing is in any of them, or not in the one that is wanted.
    """
    filled = [[cell.strip() for cell in record if cell and cell.strip()] for record in records]
    if wanted is not None:
        if not (first <= wanted < first + len(records)) or not filled[wanted - first]:
            raise SourceError(
                f"has nothing in row {wanted}, where --header-row says its headers are; name another row."
            )
        return wanted - first
    widths = sorted(len(texts) for texts in filled if texts)
    if not widths:
        raise SourceError("has nothing in it; name the file with the invoices.")
    usual = widths[(len(widths) - 1) * 3 // 4]
    enough = usual if usual <= NARROW else -(-usual * 3 // 5)
    wide = [position for position, texts in enumerate(filled) if len(texts) >= enough]
    certain = (
        position
        for position in wide
        if position not in spread and all(is_label(text) and not text.endswith(":") for text in filled[position])
    )
    likely = (position for position in wide if 2 * sum(map(is_label, filled[position])) >= len(filled[position]))
    # A header with blanks in it, in a table of few columns; or none at all.
    names = (position for position, texts in enumerate(filled) if len(texts) > 1 and all(map(is_label, texts)))
    something = (position for position, texts in enumerate(filled) if texts)
    return next(chain(certain, likely, names, something))


def is_label(text: str) -> bool:
    """Tell what may be a header from values, and from the errors of formulas."""
    signs = any(map(str.isalpha, text)) or not any(map(str.isdigit, text))
    return signs and not is_value(text) and not _ERROR.fullmatch(text)


def is_value(text: str) -> bool:
    """Tell a number, an amount or a date from a text.

    >>> [is_value(text) for text in ("1.234,50-", "EUR 7", "31.12.2026", "INV-7", "30 days", "Müller")]
    [True, True, True, False, False, False]
    """
    return len(text) <= LONGEST and bool(_NUMBER.fullmatch(text) or _DATE.fullmatch(text))


def titles(records: Iterable[Sequence[str | None]], first: int = 1) -> tuple[LeftOut, ...]:
    """Take note of what lies above a header; *first* is the row number of the first of *records*."""
    return tuple(
        LeftOut(row, "title", tuple(cell or None for cell in record))
        for row, record in enumerate(records, first)
        if any(cell and cell.strip() for cell in record)
    )


def find_no_data(
    header: Sequence[str], columns: Sequence[pa.Array], filled: Sequence[np.ndarray], rows: np.ndarray
) -> Iterator[LeftOut]:
    """Find the rows that are certain to be no rows of data: the header again, totals, and footers.

    A total begins with a word for it, has nothing else but numbers and currencies, and leaves blank at least two of the
    columns that every full row fills. A footer is the only cell of its row, below all data: a phrase that begins as
    footers do, or lies below a total.

    Args:
        header: The headers' texts.
        columns: The cells below it.
        filled: For each column a mask: the cell is not blank.
        rows: The row number of each record.
    """
    again = _equal_to(header, columns)
    counts: np.ndarray = np.stack(filled).sum(axis=0, dtype=np.int32)
    found = {int(position): "header again" for position in np.flatnonzero(again)}
    data = (counts > 0) & ~again
    # Of the fuller rows: there may be a subtotal below each invoice.
    usual = np.quantile(counts[data], 0.75, method="higher") if data.any() else 0
    full = data & (counts * 5 > usual * 3)
    always = [number for number, mask in enumerate(filled) if mask[full].all()]
    sparse = np.flatnonzero(data & ~full)
    if len(always) > 1 and len(sparse):
        blank = np.sum([~filled[number][sparse] for number in always], axis=0) > 1
        sparse = sparse[blank]
        found |= dict.fromkeys(_find_totals(columns, filled, sparse), "total")
        found |= dict.fromkeys(_find_footers(columns, counts, sparse, found), "footer")
    for position in sorted(found):
        yield LeftOut(int(rows[position]), found[position], tuple(column[position].as_py() for column in columns))


def _equal_to(header: Sequence[str], columns: Sequence[pa.Array]) -> np.ndarray:
    named = [number for number, text in enumerate(header) if text.strip()]
    equal = np.full(len(columns[0]), len(named) > 1)
    for number in named:
        if not equal.any():
            break
        same = pc.equal(pc.utf8_trim_whitespace(columns[number]), header[number].strip())
        equal &= pc.fill_null(same, fill_value=False).to_numpy(zero_copy_only=False)
    return equal


def _find_totals(columns: Sequence[pa.Array], filled: Sequence[np.ndarray], sparse: np.ndarray) -> Iterator[int]:
    if not len(sparse):
        return
    taken = pa.array(sparse)
    cells = [
        pc.if_else(pa.array(mask[sparse]), column.take(taken), pa.scalar(None, pa.string()))
        for column, mask in zip(columns, filled, strict=True)
    ]
    words = pc.match_substring_regex(pc.utf8_trim_whitespace(pc.coalesce(*cells)), TOTAL)
    for number in np.flatnonzero(pc.fill_null(words, fill_value=False).to_numpy(zero_copy_only=False)):
        texts = [text.strip() for column in cells if (text := column[int(number)].as_py())]
        numbers = [text for text in texts[1:] if is_value(text) and not _DATE.fullmatch(text)]
        others = [text for text in texts[1:] if text not in numbers]
        if numbers and all(len(text) <= LONGEST and _BESIDE.fullmatch(text) for text in others):
            yield int(sparse[number])


def _find_footers(
    columns: Sequence[pa.Array], counts: np.ndarray, sparse: np.ndarray, known: Collection[int]
) -> list[int]:
    """Find footers from the last row up, as far as there is nothing else but blank rows and totals."""
    candidates = set(sparse.tolist())
    start = len(counts)
    while start > max(0, len(counts) - LAST):
        position = start - 1
        if counts[position] and position not in known and not (position in candidates and counts[position] == 1):
            break
        start = position
    footers: list[int] = []
    after_total = False
    for position in range(start, len(counts)):
        after_total |= position in known
        if counts[position] and position not in known:
            text = next(text for column in columns if (text := column[position].as_py()) and text.strip()).strip()
            if _FOOTER.match(text) or (after_total and not is_value(text)):
                footers.append(position)
    return footers


def tell_rows(rows: Sequence[int]) -> str:
    """Name rows, neighbours as ranges.

    >>> tell_rows([3, 5, 6, 7])
    '3, 5-7'
    """
    ranges: list[list[int]] = []
    for row in rows:
        if ranges and row == ranges[-1][1] + 1:
            ranges[-1][1] = row
        else:
            ranges.append([row, row])
    told = [str(start) if start == end else f"{start}-{end}" for start, end in ranges[:NAMED]]
    return ", ".join(told) + (" and more" if len(ranges) > NAMED else "")
