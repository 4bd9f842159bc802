"""What is told of a long piece of work while it goes on."""

from __future__ import annotations

from collections.abc import Callable

Doing = Callable[[str, float | None], None]  # what is done, and which share of it; None where nobody knows


def quietly(_what: str, _share: float | None) -> None:
    """Tell nobody."""
