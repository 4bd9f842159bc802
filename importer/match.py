"""headers → fields: the API's own names, common headings, a saved mapping; near misses are suggested, never taken."""

from __future__ import annotations

import re
from collections import defaultdict
from difflib import get_close_matches
from typing import TYPE_CHECKING

from importer.errors import ColumnsError
from importer.model import TEMPLATED, Matching, column_letters, split_template

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from schemas import Field, Target


def match(
    header: Sequence[str],
    target: Target,
    *,
    mapping: Mapping[str, str],
    constants: Mapping[str, str],
    optional: Collection[str] = (),
) -> Matching:
    """Match each column of *header* to the field that it feeds.

    Args:
        header: The text of each column's header.
        target: Whose fields.
        mapping: Header → field, beating all that the header says by itself.
        constants: Field → text of every row, beating a column.
        optional: Needed fields that may be missing all the same.

    Raises:
        ColumnsError: Columns are missing, claimed twice, or the mapping names what is not there; all in one message.
    """
    names = _names(target)
    elsewhere = {_fold(name): field for name, field in target.UNSUPPORTED.items()}
    given = {_fold(column): name for column, name in mapping.items()}
    problems = list(_judge_mapping(header, target, mapping, constants))
    claims: dict[str, list[int]] = defaultdict(list)
    unsupported: dict[str, str] = {}
    idle = []
    for position, text in enumerate(header):
        folded = _fold(text)
        name = given.get(folded) or names.get(folded)
        if name and name in target.FIELDS:
            claims[name].append(position)
        elif folded in elsewhere and elsewhere[folded] not in unsupported:
            unsupported[elsewhere[folded]] = text
        else:
            idle.append(position)
    columns = {}
    for name, positions in claims.items():
        chosen = None if name in constants else _choose(header, positions, given)
        if chosen is not None:
            columns[name] = chosen
        elif name not in constants:
            problems.append(_tell_twice(header, name, positions))
        idle += [position for position in positions if position != chosen]
    templates = {}
    for name in TEMPLATED & constants.keys() & target.FIELDS.keys():
        try:
            templates[name] = tuple(_resolve(constants[name], header, names, columns, constants))
        except ValueError as error:
            problems.append(f"The text for {name} {error}.")
    used = {place for parts in templates.values() for _, place in parts}
    idle = [position for position in idle if position not in used]
    unmapped = tuple(header[position] or f"column {column_letters(position)}" for position in sorted(idle))
    problems += _tell_missing(target, {*claims, *constants}, unmapped, names, optional)
    if problems:
        found = ", ".join(f"“{text}”" for text in header if text)
        raise ColumnsError(f"{' '.join(problems)} The columns found are: {found}.")
    return Matching(columns, dict(constants), unmapped, unsupported, templates)


def _fold(text: str) -> str:
    """Compare headers without case, spaces and the signs that people decorate them with."""
    return re.sub(r"[\s*._\-\u2010-\u2015\u200b\ufeff]+", "", text).casefold()


def _names(target: Target) -> dict[str, str]:
    """Every folded name and alias → its field."""
    names = {_fold(alias): field.name for field in target.FIELDS.values() for alias in field.aliases}
    return names | {_fold(name): name for name in target.FIELDS}


def _judge_mapping(
    header: Sequence[str], target: Target, mapping: Mapping[str, str], constants: Mapping[str, str]
) -> Iterable[str]:
    there = {_fold(text) for text in header}
    for column, name in mapping.items():
        if name not in target.FIELDS:
            yield f"The mapping sends “{column}” to {name}, which is no field{_near(name, target.FIELDS)}."
        elif _fold(column) not in there:
            yield f"The mapping names a column “{column}” that is not there{_near(column, header)}."
    for name in constants:
        if name not in target.FIELDS:
            yield f"{name} is no field and cannot be set{_near(name, target.FIELDS)}."


def _resolve(
    text: str, header: Sequence[str], names: Mapping[str, str], columns: Mapping[str, int], constants: Mapping[str, str]
) -> Iterator[tuple[str, int | None]]:
    """Find the column of each name in braces: a header of the source, or a field by any of its names.

    Raises:
        ValueError: There is no such column, or several, or a brace stands alone; a sentence's end.
    """
    try:
        parts = split_template(text)
    except ValueError as error:
        raise ValueError(f"has a single {error}: write {{{{ or }}}} for the sign itself") from None
    for plain, name in parts:
        if name is None:
            yield plain, None
            continue
        places = [place for place, title in enumerate(header) if _fold(title) == _fold(name)]
        field = names.get(_fold(name), "")
        if len(places) == 1:
            yield plain, places[0]
        elif field in columns:
            yield plain, columns[field]
        elif field in constants and field not in TEMPLATED:
            yield plain + constants[field], None
        else:
            several = "are several such columns" if places else "is no such column or field"
            raise ValueError(f"names {{{name}}}, and there {several}{'' if places else _near(name, header)}")


def _choose(header: Sequence[str], positions: list[int], given: Mapping[str, str]) -> int | None:
    """Choose the one column of a field; None where several claim it and the mapping does not decide."""
    mapped = [position for position in positions if _fold(header[position]) in given]
    candidates = mapped or positions
    return candidates[0] if len(candidates) == 1 else None


def _tell_twice(header: Sequence[str], name: str, positions: list[int]) -> str:
    claimed = " and ".join(f"“{header[position]}” (column {column_letters(position)})" for position in positions)
    return (
        f"{claimed} both mean {name}: rename one of them, or say which it is in a --mapping file "
        f'("{header[positions[0]]}" = "{name}" under [columns]).'
    )


def _tell_missing(
    target: Target, there: set[str], unmapped: Sequence[str], names: Mapping[str, str], optional: Collection[str]
) -> Iterable[str]:
    groups = [(field.name,) for field in target.FIELDS.values() if field.needed]
    for group in [*groups, *target.EITHER]:
        if there.isdisjoint(group) and not set(group) <= set(optional):
            wanted = [target.FIELDS[name] for name in group]
            yield _tell_one_missing(wanted, unmapped, names)


def _tell_one_missing(wanted: Sequence[Field], unmapped: Sequence[str], names: Mapping[str, str]) -> str:
    known = {folded for folded, name in names.items() if name in {field.name for field in wanted}}
    near = [text for text in unmapped if get_close_matches(_fold(text), known, n=1, cutoff=0.75)]
    guess = f" (is it “{near[0]}”?)" if near else ""
    name = wanted[0].name
    example = {
        "creditorCompanyName": '"Example ApS"',
        "creditorCountryAlpha2": "DK",
        "currencyCode": "EUR",
        "debtor.countryAlpha2": "DE",
        "debtor.type": "Company",
        "externalTenantId": "acme",
    }.get(name)
    constant = f", or say it for all rows with --set {name}={example}" if example else ""
    either = " or ".join(field.name for field in wanted)
    return f"No column is {either}{guess}: rename its column, or name it in a --mapping file{constant}."


def _near(text: str, names: Iterable[str]) -> str:
    folded = {_fold(name): name for name in names if name}
    near = get_close_matches(_fold(text), folded, n=1, cutoff=0.6)
    return f" (do you mean {folded[near[0]]}?)" if near else ""
