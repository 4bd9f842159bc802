"""A line that a person types → a mapping, changed."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Final, cast, get_args

from importer.errors import ColumnsError
from importer.match.judging import judge
from importer.match.names import find, names_of, near
from importer.model import TEMPLATED, DateOrder, DecimalStyle, Styles, column_letters, fold

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from importer.model import SavedMapping
    from schemas import Target

HELP: Final = (
    ("C = debtor.name", "column C is the debtor's name"),
    ("C = {debtor.zipCode} {debtor.city}", "column C holds both"),
    ("C = -", "column C is not needed; nothing more is said of it"),
    ("C =", "column C feeds nothing"),
    ("debtor.type = Company", "the same in every row"),
    ("debtor.address = {Street} {No}", "made of several columns"),
    ("debtor.type: Firma = Company", "where a cell says Firma, Company is meant"),
    ("amountToRecover as comma", "how amounts are written: comma or point; dates: dmy, mdy or ymd"),
)
_STYLE: Final = re.compile(r"(?P<field>\S+)\s+as\s+(?P<style>\S+)", re.IGNORECASE)


def edit(mapping: SavedMapping, line: str, header: Sequence[str], target: Target) -> SavedMapping:
    """Change *mapping* as *line* says; see `HELP`.

    Raises:
        ColumnsError: It says nothing that can be done; a sentence that names what is wrong.
    """
    styled = _STYLE.fullmatch(line.strip())
    left, equals, right = (part.strip() for part in line.partition("="))
    if styled and not equals:
        changed = _style(mapping, _field(styled["field"], target), styled["style"].lower(), target)
    elif not equals:
        raise ColumnsError(f"“{line.strip()}” is none of what can be said; enter ? to see that.")
    elif column := _column(left, header, target):
        changed = _change_column(mapping, column, right, target)
    elif ":" in left:
        name, _, said = left.partition(":")
        changed = _change_value(mapping, _field(name, target), said.strip(), right)
    else:
        changed = _change_field(mapping, _field(left, target), right)
    problems = list(judge(header, target, changed.columns, changed.constants, changed.making, changed.styles))
    if problems:
        raise ColumnsError(" ".join(problems))
    return changed


def take_likely(mapping: SavedMapping, likely: Mapping[str, str]) -> SavedMapping:
    """Let each column feed what it probably means; of several for one field, the first."""
    first = {name: column for column, name in reversed(list(likely.items()))}
    columns = {column: name for name, column in first.items() if "{" not in name}
    splits = {column: form for form, column in first.items() if "{" in form}
    making = replace(mapping.making, splits={**mapping.making.splits, **splits})
    return replace(mapping, columns={**mapping.columns, **columns}, making=making)


def _column(text: str, header: Sequence[str], target: Target) -> str:
    """Find the column that is meant: by its letters, or by its header unless that is a field's name."""
    letters = [column_letters(position) for position in range(len(header))]
    if text in letters:
        text = header[letters.index(text)]
    elif text in target.FIELDS and text not in header:
        return ""
    places = find(header, text) if text else []
    if len(places) > 1:
        raise ColumnsError(f"There are several columns “{text}”; rename one of them in the source.")
    return header[places[0]] if places else ""


def _field(text: str, target: Target) -> str:
    name = names_of(target).get(fold(text))
    if name is None:
        raise ColumnsError(f"{text.strip()} is neither a column nor a field{near(text, target.FIELDS)}.")
    return name


def _change_column(mapping: SavedMapping, column: str, wanted: str, target: Target) -> SavedMapping:
    columns = {text: name for text, name in mapping.columns.items() if text != column}
    splits = {text: form for text, form in mapping.making.splits.items() if text != column}
    ignored = tuple(text for text in mapping.making.ignored if text != column)
    joins = dict(mapping.making.joins)
    constants = dict(mapping.constants)
    if wanted == "-" or (not wanted and fold(column) in names_of(target)):  # else its header would map it again
        ignored = (*ignored, column)
    elif "{" in wanted:
        splits[column] = wanted
    elif wanted:
        name = _field(wanted, target)
        columns = {text: other for text, other in columns.items() if other != name}
        joins.pop(name, None)
        constants.pop(name, None)
        columns[column] = name
    making = replace(mapping.making, splits=splits, joins=joins, ignored=ignored)
    return replace(mapping, columns=columns, constants=constants, making=making)


def _change_value(mapping: SavedMapping, name: str, said: str, meant: str) -> SavedMapping:
    values = {text: other for text, other in mapping.making.values.get(name, {}).items() if text != said}
    if meant:
        values[said] = meant
    tables = {**mapping.making.values, name: values}
    making = replace(mapping.making, values={field: table for field, table in tables.items() if table})
    return replace(mapping, making=making)


def _change_field(mapping: SavedMapping, name: str, wanted: str) -> SavedMapping:
    columns = {text: other for text, other in mapping.columns.items() if other != name}
    constants = _without(mapping.constants, name)
    joins = _without(mapping.making.joins, name)
    if "{" in wanted and name not in TEMPLATED:
        joins[name] = wanted
    elif wanted:
        constants[name] = wanted
    return replace(mapping, columns=columns, constants=constants, making=replace(mapping.making, joins=joins))


def _style(mapping: SavedMapping, name: str, style: str, target: Target) -> SavedMapping:
    decimal, order = _without(mapping.styles.decimal, name), _without(mapping.styles.order, name)
    if target.FIELDS[name].kind == "amount" and style in get_args(DecimalStyle):
        decimal[name] = style
    elif target.FIELDS[name].kind == "date" and style in get_args(DateOrder):
        order[name] = style
    else:
        raise ColumnsError(f"{name} cannot be written as {style}: amounts are comma or point, dates dmy, mdy or ymd.")
    styles = Styles(cast("Mapping[str, DecimalStyle]", decimal), cast("Mapping[str, DateOrder]", order))
    return replace(mapping, styles=styles)


def _without(texts: Mapping[str, str], name: str) -> dict[str, str]:
    return {other: text for other, text in texts.items() if other != name}
