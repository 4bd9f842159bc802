"""What a mapping says, held against a source's header and a target's fields."""

from __future__ import annotations

from typing import TYPE_CHECKING

from importer.match.names import find, near
from importer.model import fold, split_template

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from importer.model import Making, Styles
    from schemas import Target


def judge(
    header: Sequence[str],
    target: Target,
    mapping: Mapping[str, str],
    constants: Mapping[str, str],
    making: Making,
    styles: Styles,
) -> Iterator[str]:
    """Say in a sentence each what names no field or column, or says a thing twice."""
    for name in constants:
        if name not in target.FIELDS:
            yield f"{name} is no field and cannot be set{near(name, target.FIELDS)}."
    for column in (*mapping, *making.splits, *making.ignored):
        if not find(header, column):
            yield f"The mapping names a column “{column}” that is not there{near(column, header)}."
    named = [(f"sends “{column}” to", name) for column, name in mapping.items()]
    named += [("joins columns to", name) for name in making.joins]
    named += [("has values for", name) for name in making.values]
    for said, name in named:
        if name not in target.FIELDS:
            yield f"The mapping {said} {name}, which is no field{near(name, target.FIELDS)}."
    for column, form in making.splits.items():
        yield from _judge_split(column, form, header, target)
    for name, form in making.joins.items():
        yield from _judge_join(name, form, header)
    for name, values in making.values.items():
        yield from _judge_values(name, values)
    yield from _judge_styles(target, styles)
    yield from _judge_claims(mapping, making)


def _judge_split(column: str, form: str, header: Sequence[str], target: Target) -> Iterator[str]:
    try:
        pattern = split_template(form)
    except ValueError as error:
        yield f"The mapping splits “{column}” by “{form}”, in which {error} stands alone."
        return
    names = [name for _, name in pattern if name is not None]
    for name in names:
        if name not in target.FIELDS:
            yield f"The mapping splits “{column}” into {name}, which is no field{near(name, target.FIELDS)}."
    if len(find(header, column)) > 1:
        yield f"The mapping splits “{column}”, and there are several such columns: rename one of them."
    if len(names) < 2 or len(set(names)) < len(names):  # noqa: PLR2004 - one part is no split
        yield f"The mapping splits “{column}” by “{form}”; name two or more fields, each once, in braces."
    elif any(not plain for (plain, name) in pattern[1:] if name is not None):
        yield f"The mapping splits “{column}” by “{form}”; put what parts two fields between them, such as a space."


def _judge_join(name: str, form: str, header: Sequence[str]) -> Iterator[str]:
    try:
        parts = [part for _, part in split_template(form) if part is not None]
    except ValueError as error:
        yield f"The mapping joins to {name} “{form}”, in which {error} stands alone."
        return
    if not parts:
        yield f"The mapping joins to {name} “{form}”, which names no column in braces; say it under [constants]."
    for part in parts:
        places = find(header, part)
        if not places:
            yield f"The mapping joins to {name} a column {{{part}}} that is not there{near(part, header)}."
        elif len(places) > 1:
            yield f"The mapping joins to {name} a column {{{part}}}, and there are several: rename one of them."


def _judge_values(name: str, values: Mapping[str, str]) -> Iterator[str]:
    said: dict[str, str] = {}
    for text, meant in values.items():
        other = said.setdefault(text.strip().casefold(), meant)
        if other != meant:
            yield f"The mapping's values for {name} say {other} and {meant} of “{text}”; keep one of them."


def _judge_styles(target: Target, styles: Styles) -> Iterator[str]:
    for table, kind, names in (("decimal", "amount", styles.decimal), ("date_order", "date", styles.order)):
        fields = [field.name for field in target.FIELDS.values() if field.kind == kind]
        for name in names:
            if name not in fields:
                yield f"[{table}] in the mapping has {name}, which is no field of {kind}s{near(name, fields)}."


def _judge_claims(mapping: Mapping[str, str], making: Making) -> Iterator[str]:
    """Name fields that are fed in two ways, and columns that are used in two."""
    made = [*making.joins, *(name for form in making.splits.values() for _, name in read_form(form) if name)]
    for name in dict.fromkeys(made):
        if made.count(name) > 1 or name in mapping.values():
            yield f"The mapping feeds {name} more than once; keep one of its columns."
    used = [fold(column) for column in (*mapping, *making.splits, *making.ignored)]
    for column in making.splits:
        if used.count(fold(column)) > 1:
            yield f"The mapping uses “{column}” more than once; keep one."
    for column in making.ignored:
        if used.count(fold(column)) > 1 and column not in making.splits:
            yield f"The mapping both uses and ignores “{column}”; keep one."


def read_form(form: str) -> tuple[tuple[str, str | None], ...]:
    """Read what a split looks for: pairs of a text and the field that follows it; none where a brace stands alone."""
    try:
        return tuple(split_template(form))
    except ValueError:
        return ()
