"""A mapping: which columns feed which fields, and how, as its file has it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from importer.model.making import Making
from importer.model.sources import Reading, Styles

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class SavedMapping:
    """A mapping, as its file has it.

    Attributes:
        target: Whose fields these are; blank for any.
        headers: Of the layout that it is for, by which it is found; none where it is found by name alone.
        reading: How sources of that layout are to be read.
        columns: Header → field.
        constants: Field → value of every row.
        making: What is made of other columns.
        styles: Field → how its column is written.
    """

    target: str = ""
    headers: tuple[str, ...] = ()
    reading: Reading = Reading()  # noqa: RUF009 - it is frozen
    columns: Mapping[str, str] = field(default_factory=dict)
    constants: Mapping[str, str] = field(default_factory=dict)
    making: Making = field(default_factory=Making)
    styles: Styles = field(default_factory=Styles)
