"""A source's columns → the mapping that is certain, and what the rest probably is."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from functools import cache
from typing import TYPE_CHECKING, Final

from importer.match.names import likely_of, names_of, vague_of
from importer.match.splitting import split
from importer.model import Making, SavedMapping, fold, spellings, split_template
from schemas.claim import debtor_type
from schemas.countries import country_names
from schemas.geography import find_country
from schemas.headings import DEBTOR_TYPES, PARTS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from importer.model import Table
    from schemas import Target

ZIP_AND_CITY: Final = ("debtor.zipCode", "debtor.city")
NEAR: Final = 0.9  # as difflib measures how like two texts are
_BETWEEN: Final = re.compile(r"\s*[/,+&]\s*|\s+(?:und|og|och|en|et|y|e|ed|ja|i|and)\s+|\s+")


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a source's columns are.

    Attributes:
        mapping: What is certain.
        likely: Header → the field that it probably means, or the form in which it holds two; of columns that are not
            in *mapping*.
    """

    mapping: SavedMapping
    likely: Mapping[str, str] = field(default_factory=dict)


def propose(table: Table, target: Target, constants: Mapping[str, str]) -> Proposal:
    """Say which columns certainly feed which fields, and which fields the others probably mean."""
    names = names_of(target)
    single = [text for text in table.header if text and table.header.count(text) == 1]
    claims = {text: names[fold(text)] for text in single if fold(text) in names}
    fields = list(claims.values())
    columns = {text: name for text, name in claims.items() if fields.count(name) == 1 and name not in constants}
    likely, vague = likely_of(target), vague_of(target)
    rivals = {likely.get(fold(text)) for text in single if text not in claims}
    columns = {text: name for text, name in columns.items() if fold(text) not in vague or name not in rivals}
    splits = dict(_find_splits(table, target, columns.values()))
    rest = [text for text in single if text not in columns and text not in splits]
    joins = dict(_find_joins(rest, columns, target))
    columns = {text: name for text, name in columns.items() if name not in joins}
    mapping = SavedMapping(
        target=target.NAME,
        headers=tuple(dict.fromkeys(text for text in table.header if text)),
        columns=columns,
        constants=dict(constants),
        making=Making(splits=splits, joins=joins),
    )
    mapping = add_values(mapping, table)
    return Proposal(mapping, guess(mapping, table.header, target))


def _find_splits(table: Table, target: Target, fed: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Find the column whose header names postal code and city, and all of whose cells are both."""
    names = names_of(target)
    for position, text in enumerate(table.header):
        form = _find_form(text, target, fed, names)
        if form and _fits(table, position, form):
            yield text, form
            return


def _find_form(text: str, target: Target, fed: Iterable[str], names: Mapping[str, str]) -> str:
    """Say in which form a column of this header holds postal code and city; blank where it names no such two."""
    if not set(ZIP_AND_CITY) <= target.FIELDS.keys() or set(ZIP_AND_CITY) & set(fed):
        return ""
    for between in _BETWEEN.finditer(text.strip()):
        halves = text.strip()[: between.start()], text.strip()[between.end() :]
        meant = [names.get(fold(half), "") for half in halves]
        if sorted(meant) == sorted(ZIP_AND_CITY):
            return " ".join(f"{{{name}}}" for name in meant)
    return ""


def _fits(table: Table, position: int, form: str) -> bool:
    pattern = split_template(form)
    return all(split(text, pattern) is not None for text in distinct(table, position))


def distinct(table: Table, position: int) -> list[str]:
    """Give the distinct cells of a column, stripped, without blanks, in their order."""
    cells = table.cells[position].str.strip()
    return [str(text) for text in cells[cells != ""].dropna().unique()]


def _find_joins(rest: Sequence[str], columns: Mapping[str, str], target: Target) -> Iterator[tuple[str, str]]:
    """Find fields whose parts have columns of their own, such as street and number."""
    for name, ways in PARTS.items():
        taken = [text for text, other in columns.items() if other == name]
        parts = []
        for words in ways:
            known = {way for word in words for way in spellings(word)}
            parts.append([text for text in (*rest, *taken) if fold(text) in known])
        if name in target.FIELDS and all(len(found) == 1 for found in parts):
            (first,), (second,) = parts
            if set(taken) <= {first, second} and first != second:
                yield name, f"{{{first}}} {{{second}}}"


def add_values(mapping: SavedMapping, table: Table) -> SavedMapping:
    """Add a table of values for each field that is one of a list and has none yet: of words that only it knows."""
    values = dict(mapping.making.values)
    for name, (is_understood, words) in _lists().items():
        header = next((text for text, fed in mapping.columns.items() if fed == name), None)
        if header is None or name in values:
            continue
        said = distinct(table, table.header.index(header))
        known = {text: words[fold(text)] for text in said if fold(text) in words and is_understood(text) is None}
        values |= {name: known} if known else {}
    return replace(mapping, making=replace(mapping.making, values=values))


@cache
def _lists() -> dict[str, tuple[Callable[[str], str | None], dict[str, str]]]:
    """Say of each field that is one of a list what the rules understand, and which other words mean what."""
    types = {way: kind for word, kind in DEBTOR_TYPES.items() for way in spellings(word)}
    countries = {way: code for name, code in country_names().items() for way in spellings(name)}
    return {
        "debtor.type": (debtor_type, types),
        "debtor.country": (find_country, countries),
        "creditorCountry": (find_country, countries),
    }


def guess(mapping: SavedMapping, header: Sequence[str], target: Target) -> dict[str, str]:
    """Say what the columns that are not used probably mean: by their headings, or by ones that are near."""
    headings = {**likely_of(target), **names_of(target)}
    fed = fed_by(mapping)
    found = {}
    for text in unused_in(mapping, header):
        near = [fold(text), *get_close_matches(fold(text), headings, n=3, cutoff=NEAR)]
        name = next((headings[way] for way in near if way in headings and headings[way] not in fed), "")
        name = name or _find_form(text, target, fed, headings)
        if name:
            found[text] = name
    return found


def fed_by(mapping: SavedMapping) -> set[str]:
    """Name the fields that a mapping feeds."""
    parts = {name for form in mapping.making.splits.values() for _, name in split_template(form) if name}
    return {*mapping.columns.values(), *mapping.making.joins, *mapping.constants, *parts}


def missing_from(mapping: SavedMapping, target: Target) -> list[str]:
    """Name the fields that a case needs and nothing feeds; alternatives with `or`."""
    fed = fed_by(mapping)
    groups = [*((field.name,) for field in target.FIELDS.values() if field.needed), *target.EITHER]
    return [" or ".join(group) for group in groups if fed.isdisjoint(group)]


def unused_in(mapping: SavedMapping, header: Sequence[str]) -> list[str]:
    """Name the columns that a mapping neither uses nor ignores."""
    texts = " ".join([*mapping.making.joins.values(), *mapping.constants.values()])
    used = {*mapping.columns, *mapping.making.splits, *mapping.making.ignored}
    return [text for text in dict.fromkeys(header) if text and text not in used and f"{{{text}}}" not in texts]
