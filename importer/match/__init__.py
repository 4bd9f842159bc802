"""headers → fields: the API's own names, common headings, a saved mapping; near misses are suggested, never taken.

`match` decides, `make` makes what a mapping wants of several columns, or of a part of one.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from difflib import get_close_matches
from typing import TYPE_CHECKING

from importer.errors import ColumnsError
from importer.match.judging import judge, read_form
from importer.match.making import make
from importer.match.names import find, likely_of, names_of, near, title_of, vague_of
from importer.model import TEMPLATED, Made, Making, Matching, Styles, column_letters, fold, quote, split_template

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from schemas import Field, Target

__all__ = ["make", "match"]


def match(
    header: Sequence[str],
    target: Target,
    *,
    mapping: Mapping[str, str],
    constants: Mapping[str, str],
    making: Making = Making(),  # noqa: B008 - it is frozen
    styles: Styles = Styles(),  # noqa: B008 - the same
    optional: Collection[str] = (),
) -> Matching:
    """Match each column of *header* to the field that it feeds.

    Args:
        header: The text of each column's header.
        target: Whose fields.
        mapping: Header → field, beating all that the header says by itself.
        constants: Field → text of every row, beating a column.
        making: What the mapping makes of columns that are no fields as they stand.
        styles: What the mapping says of how columns are written.
        optional: Needed fields that may be missing all the same.

    Raises:
        ColumnsError: Columns are missing, claimed twice, or the mapping names what is not there; all in one message.
    """
    problems = list(judge(header, target, mapping, constants, making, styles))
    names = names_of(target)
    made = [one for one in _plan(header, making) if one.feeds not in constants]
    given = {place: name for column, name in mapping.items() for place in find(header, column) if name in target.FIELDS}
    settled = {place for column in (*making.splits, *making.ignored) for place in find(header, column)}
    claims, unsupported, idle = _claim(header, target, names, given, settled)
    _add_rivals(claims, idle, header, given, target)
    columns = {}
    for name, positions in claims.items():
        beaten = name in constants or name in {one.feeds for one in made}
        chosen = None if beaten else _choose(positions, given)
        if chosen is not None:
            columns[name] = chosen
        elif not beaten:
            problems.append(_tell_twice(header, name, positions))
        idle += [position for position in positions if position != chosen]
    made += [Made(name, (("", columns[name]),)) for name in making.values if name in columns]
    made = [replace(one, values=_folded(making.values.get(one.feeds, {}))) for one in made]
    columns |= {one.feeds: len(header) + number for number, one in enumerate(made)}
    templates = {}
    for name in TEMPLATED & constants.keys() & target.FIELDS.keys():
        try:
            templates[name] = tuple(_resolve(constants[name], header, names, columns, constants))
        except ValueError as error:
            problems.append(f"The text for {name} {error}.")
    parts = [*templates.values(), *(one.parts for one in made)]
    used = {place for one in parts for _, place in one}
    unmapped = tuple(title_of(header, position) for position in sorted({*idle} - used))
    problems += _tell_missing(target, {*claims, *columns, *constants}, unmapped, names, optional)
    if problems:
        raise _refuse(problems, header)
    return Matching(columns, dict(constants), unmapped, unsupported, templates, tuple(made))


def _refuse(problems: Iterable[str], header: Iterable[str]) -> ColumnsError:
    return ColumnsError(f"{' '.join(problems)} The columns found are: {quote(filter(None, header))}.")


def _claim(
    header: Sequence[str],
    target: Target,
    names: Mapping[str, str],
    given: Mapping[int, str],
    settled: Collection[int],
) -> tuple[dict[str, list[int]], dict[str, str], list[int]]:
    """Sort columns by the field that they claim, the field of another target that they are, and none."""
    elsewhere = {fold(name): field for name, field in target.UNSUPPORTED.items()}
    claims: dict[str, list[int]] = defaultdict(list)
    unsupported: dict[str, str] = {}
    idle = []
    for position, text in enumerate(header):
        if position in settled:
            continue
        folded = fold(text)
        name = given.get(position) or names.get(folded)
        if name:
            claims[name].append(position)
        elif folded in elsewhere and elsewhere[folded] not in unsupported:
            unsupported[elsewhere[folded]] = text
        else:
            idle.append(position)
    return claims, unsupported, idle


def _add_rivals(
    claims: Mapping[str, list[int]],
    idle: Iterable[int],
    header: Sequence[str],
    given: Collection[int],
    target: Target,
) -> None:
    """Let columns that probably mean a field claim it, where a heading that says little is all that claims it."""
    likely, vague = likely_of(target), vague_of(target)
    for name, positions in claims.items():
        if all(position not in given and fold(header[position]) in vague for position in positions):
            positions += [position for position in idle if likely.get(fold(header[position])) == name]


def _plan(header: Sequence[str], making: Making) -> list[Made]:
    """Say what is made of which columns, as far as they are there."""
    planned = []
    for column, form in making.splits.items():
        pattern = read_form(form)
        planned += [
            Made(name, (("", place),), pattern) for place in find(header, column)[:1] for _, name in pattern if name
        ]
    for name, form in making.joins.items():
        parts = tuple((plain, find(header, part)[:1] if part else None) for plain, part in read_form(form))
        if any(places for _, places in parts) and [] not in [places for _, places in parts]:
            planned.append(Made(name, tuple((plain, places[0] if places else None) for plain, places in parts)))
    return planned


def _folded(values: Mapping[str, str]) -> dict[str, str]:
    return {text.strip().casefold(): meant for text, meant in values.items()}


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
        places = find(header, name)
        field = names.get(fold(name), "")
        if len(places) == 1:
            yield plain, places[0]
        elif field in columns:
            yield plain, columns[field]
        elif field in constants and field not in TEMPLATED:
            yield plain + constants[field], None
        else:
            several = "are several such columns" if places else "is no such column or field"
            raise ValueError(f"names {{{name}}}, and there {several}{'' if places else near(name, header)}")


def _choose(positions: list[int], given: Collection[int]) -> int | None:
    """Choose the one column of a field; None where several claim it and the mapping does not decide."""
    mapped = [position for position in positions if position in given]
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
    likely = likely_of(target)
    groups = [*((field.name,) for field in target.FIELDS.values() if field.needed), *target.EITHER]
    missing = [group for group in groups if there.isdisjoint(group) and not set(group) <= set(optional)]
    for group in missing:
        yield _tell_one_missing([target.FIELDS[name] for name in group], unmapped, names, likely)
    if missing:
        its, it = ("its column", "it") if len(missing) == 1 else ("their columns", "them")
        yield f"Rename {its}, or name {it} in a --mapping file, as `importer map` makes one."


def _tell_one_missing(
    wanted: Sequence[Field], unmapped: Sequence[str], names: Mapping[str, str], likely: Mapping[str, str]
) -> str:
    sought = {field.name for field in wanted}
    known = {folded for folded, name in names.items() if name in sought}
    near_by = [text for text in unmapped if likely.get(fold(text)) in sought]
    near_by += [text for text in unmapped if get_close_matches(fold(text), known, n=1, cutoff=0.75)]
    guess = f" (is it “{near_by[0]}”?)" if near_by else ""
    name = wanted[0].name
    example = {
        "creditorCompanyName": '"Example ApS"',
        "creditorCountryAlpha2": "DK",
        "currencyCode": "EUR",
        "debtor.countryAlpha2": "DE",
        "debtor.type": "Company",
        "externalTenantId": "acme",
    }.get(name)
    constant = f": --set {name}={example} says it for all rows" if example else ""
    either = " or ".join(field.name for field in wanted)
    return f"No column is {either}{guess}{constant}."
