"""What numbers look like: of a column of a million there are a few hundred shapes, and each is looked at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from schemas.rules import encode

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

_SHAPE_OF: Final = np.arange(256, dtype=np.uint8)  # bytes
_SHAPE_OF[ord("1") : ord("9") + 1] = ord("1")


class Shapes:
    r"""Texts in which each digit but 0 stands for all of these, as it does for any pattern that only tells 0 from them.

    >>> shapes = Shapes(pa.array(["1.25", "7.90", None, "12"]))
    >>> shapes.match(r"^[1-9]\.").tolist(), sorted(shapes.signs(r"\."))
    ([True, True, False, False], ['.', '0', '1'])
    """

    def __init__(self, texts: pa.StringArray) -> None:
        valid, offsets, signs = texts.buffers()
        alike = _SHAPE_OF[np.frombuffer(signs or b"", np.uint8)]
        shapes = encode(
            pa.StringArray.from_buffers(len(texts), offsets, pa.py_buffer(alike), valid, offset=texts.offset)
        )
        self._distinct = shapes.dictionary
        self._of = pc.fill_null(shapes.indices, len(self._distinct)).to_numpy()

    def match(self, pattern: str) -> np.ndarray:
        """Tell for each text whether it matches; null does not."""
        found = pc.match_substring_regex(self._distinct, pattern).to_numpy(zero_copy_only=False)
        mask: np.ndarray = np.append(found, [False])[self._of]
        return mask

    def signs(self, pattern: str) -> AbstractSet[str]:
        """Name the signs of all texts that match, of the digits but 0 and 1."""
        return set("".join(self._distinct.filter(pc.match_substring_regex(self._distinct, pattern)).to_pylist()))
