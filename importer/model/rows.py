"""How rows and columns are named."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

NAMED: Final = 50  # names in a sentence
LONGEST_NAME: Final = 60  # signs

_SOURCE_SHIFT: Final = 32  # bits; a spreadsheet has at most 2**20 rows, a CSV fewer than 2**32


def row_key(source: int, row: int) -> int:
    """Make one number of a source's position in its run and a row number in it.

    Frames of a whole run are indexed by it. For the first source, and so for every run of one source, it is the row
    number itself.

    >>> row_key(0, 17), split_row_key(row_key(2, 17))
    (17, (2, 17))
    """
    return (source << _SOURCE_SHIFT) | row


def split_row_key(key: int) -> tuple[int, int]:
    """Give back the source's position in its run, and the row number that the spreadsheet program shows."""
    return key >> _SOURCE_SHIFT, key & ((1 << _SOURCE_SHIFT) - 1)


def column_letters(position: int) -> str:
    """Name a column as a spreadsheet program does.

    >>> [column_letters(position) for position in (0, 25, 26, 702)]
    ['A', 'Z', 'AA', 'AAA']
    """
    name = ""
    position += 1
    while position:
        position, digit = divmod(position - 1, 26)
        name = chr(ord("A") + digit) + name
    return name


def quote(names: Iterable[str]) -> str:
    """Quote names of columns or sheets for a sentence: not more, and none longer, than can be read.

    >>> quote(["Amount", "x" * 100]) == f"“Amount”, “{'x' * 59}…”"
    True
    """
    named = list(names)
    shown = (name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…" for name in named[:NAMED])
    return ", ".join(f"“{name}”" for name in shown) + (
        f" and {len(named) - NAMED:,} more" if len(named) > NAMED else ""
    )
