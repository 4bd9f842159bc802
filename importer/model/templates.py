"""Texts with names in braces, such as `Invoice {Invoice number}`, to be filled in for each row."""

from __future__ import annotations

import re
from typing import Final

TEMPLATED: Final = frozenset({"claimDescription", "comments"})  # fields whose constants are templates
_PART: Final = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]|[^{}]+")


def split_template(text: str) -> list[tuple[str, str | None]]:
    """Split *text* into pairs of plain text and the name in braces after it, None where there is none.

    Raises:
        ValueError: A brace stands alone.

    >>> split_template("{{no}} Invoice {Invoice number}!")
    [('{no} Invoice ', 'Invoice number'), ('!', None)]
    """
    parts: list[tuple[str, str | None]] = []
    plain = ""
    for found in _PART.finditer(text):
        token, name = found.group(0), found.group(1)
        if name is not None:
            parts.append((plain, name.strip()))
            plain = ""
        elif token in {"{", "}"}:
            raise ValueError(token)
        else:
            plain += token[0] if token in {"{{", "}}"} else token
    return [*parts, (plain, None)] if plain else parts
