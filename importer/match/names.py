"""What headers and fields are called, and which are near to each other."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

from importer.model import column_letters, fold, spellings

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from schemas import Target


def names_of(target: Target) -> dict[str, str]:
    """Give every folded name and certain alias → its field."""
    names = {way: field.name for field in target.FIELDS.values() for alias in field.aliases for way in spellings(alias)}
    return names | {fold(name): name for name in target.FIELDS}


def likely_of(target: Target) -> dict[str, str]:
    """Give every folded heading that is no certain one → the field that it probably means."""
    certain = names_of(target)
    found = {way: field.name for field in target.FIELDS.values() for text in field.likely for way in spellings(text)}
    return {way: name for way, name in found.items() if way not in certain}


def vague_of(target: Target) -> dict[str, str]:
    """Give every folded heading that means its field only where no likely one stands beside it → that field."""
    return {way: field.name for field in target.FIELDS.values() for text in field.vague for way in spellings(text)}


def find(header: Sequence[str], name: str) -> list[int]:
    """Find the columns that *name* means: those of exactly that header, else those that people take for the same."""
    exact = [position for position, text in enumerate(header) if text == name.strip()]
    return exact or [position for position, text in enumerate(header) if text and fold(text) == fold(name)]


def near(text: str, names: Iterable[str]) -> str:
    """Ask whether the nearest of *names* is meant; blank where none is near."""
    folded = {fold(name): name for name in names if name}
    found = get_close_matches(fold(text), folded, n=1, cutoff=0.6)
    return f" (do you mean {folded[found[0]]}?)" if found else ""


def title_of(header: Sequence[str], position: int) -> str:
    """Name a column for people: by its header, or by its letters."""
    return header[position] or f"column {column_letters(position)}"
