"""What a bug leaves in `importer.log`: where it happened and what kind it is, never what it was about.

The texts of exceptions quote values (a `KeyError` its key, a decoder the bytes, an HTTP library an address), and a log
is sent to others. So they are left out, but for the numbers of the operating system's errors.
"""

from __future__ import annotations

import platform
import traceback
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from importer import __version__

if TYPE_CHECKING:
    from collections.abc import Iterator


def describe(error: BaseException) -> str:
    """Tell the types and places of *error* and of those that led to it, without their texts."""
    head = (
        f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC invoice-importer {__version__}, Python {platform.python_version()}"
    )
    return "\n".join([head, *_lines(error, set())]) + "\n"


def _lines(error: BaseException, seen: set[int]) -> Iterator[str]:
    seen.add(id(error))
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if cause is not None and id(cause) not in seen:
        yield from _lines(cause, seen)
        yield "which led to:"
    for frame in traceback.extract_tb(error.__traceback__):
        yield f"  {frame.filename}, line {frame.lineno}, in {frame.name}"
    number = f" {error.errno}" if isinstance(error, OSError) and isinstance(error.errno, int) else ""
    length = len(str(error))
    left_out = f" (a text of {length} characters is left out: it may quote data)" if length else ""
    yield f"{type(error).__module__}.{type(error).__qualname__}{number}{left_out}"
    if isinstance(error, BaseExceptionGroup):
        for one in error.exceptions:
            if id(one) not in seen:
                yield "of which:"
                yield from _lines(one, seen)
