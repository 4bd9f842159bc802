"""What the user says of single columns: whose it is."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, TypeVar

from importer.errors import ColumnsError
from importer.model import Styles

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from importer.model import Matching
    from schemas import Target

Style = TypeVar("Style")


def find_fields(said: Styles, header: Sequence[str], matching: Matching, target: Target) -> Styles:
    """Give what was *said* by field; it may name a field, or the header of the column that feeds it.

    Raises:
        ColumnsError: It names neither, or something that is not written in such a way; all in one message.
    """
    fields = {header[position].strip().casefold(): name for name, position in matching.columns.items()}
    fields |= {name.casefold(): name for name in target.FIELDS}
    problems: list[str] = []

    def find(styles: Mapping[str, Style], option: str, kind: str) -> Iterator[tuple[str, Style]]:
        fitting = [field.name for field in target.FIELDS.values() if field.kind == kind]
        for name, style in styles.items():
            found = fields.get(name.strip().casefold())
            if found in fitting:
                yield found, style
            else:
                near = get_close_matches(name, fitting, n=1)
                fields_there = f"say one of {', '.join(fitting)}" if fitting else f"the target {target.NAME} has none"
                remedy = f"did you mean {near[0]}?" if near else f"{fields_there}."
                problems.append(f"{option} {name}={style} names no column of {kind}s: {remedy}")

    decimals = dict(find(said.decimal, "--decimal", "amount"))
    orders = dict(find(said.order, "--date-order", "date"))
    if problems:
        raise ColumnsError(" ".join(problems))
    return Styles(decimals, orders)
