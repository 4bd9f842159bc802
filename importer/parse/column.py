"""One column of a source on its way to values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from schemas.rules import encode

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from collections.abc import Set as AbstractSet

    import numpy as np

SAMPLES: Final = 3  # cells shown of a column that cannot be decided
MISFITS: Final = 5  # of those that most of the column contradicts

Style = TypeVar("Style", bound=str)


class Undecided(Exception):  # noqa: N818 - reads as the statement it makes
    """Nothing, or too much, decides how a column is written."""


def by_text(texts: pd.Series, read: Callable[[str], object], type_: pa.DataType) -> pd.Series:
    """Read each distinct text once; null where it is null, or where *read* gives None."""
    encoded = encode(pa.array(texts, pa.string()))
    values = pa.array([read(text) for text in encoded.dictionary.to_pylist()], type_)
    return pd.Series(pd.arrays.ArrowExtensionArray(values.take(encoded.indices)), index=texts.index)


def strip(texts: pd.Series) -> pd.Series:
    """Take the white space around each text away; null where nothing is left. What has none is not copied."""
    array = pa.array(texts, pa.string())
    chunks = array.chunks if isinstance(array, pa.ChunkedArray) else [array]
    stripped = pa.chunked_array([_strip(chunk) for chunk in chunks], pa.string())
    return pd.Series(pd.arrays.ArrowExtensionArray(stripped), index=texts.index)


def _strip(texts: pa.Array) -> pa.Array:
    stripped = pc.utf8_trim_whitespace(texts)
    if stripped.equals(texts):
        stripped = texts
    blank = pc.equal(stripped, "")
    return pc.if_else(blank, None, stripped) if pc.any(blank).as_py() else stripped


@dataclass(frozen=True, slots=True)
class Column:
    """The cells that feed one field.

    Attributes:
        header: As the source has it, or the field's name for a constant.
        field: The field.
        texts: Stripped, null where blank; index "row".
        numbers: Mask of the cells that are numbers in a workbook.
        damaged: Mask of the cells that are no identifiers any more: numbers that have lost digits, and dates.
    """

    header: str
    field: str
    texts: pd.Series
    numbers: np.ndarray
    damaged: np.ndarray

    def settle(
        self,
        reads: Mapping[Style, np.ndarray],
        matters: np.ndarray,
        differ: Callable[[AbstractSet[Style]], np.ndarray],
        *,
        option: str,
        words: Mapping[Style, str],
    ) -> Style | None:
        """Choose the one style that can read every cell; None where nothing needs one.

        Args:
            reads: Style → mask of the cells that can be read under it.
            matters: Mask of the cells that some style can read, and not all alike.
            differ: Styles → mask of the cells that they read differently.
            option: What says the style.
            words: Style → what cells have that are written in it.

        Raises:
            Undecided: Several styles read the cells, and differently; or none reads them all.
        """
        if not matters.any():
            return None
        able = {style for style, read in reads.items() if not (matters & ~read).any()}
        if not able:
            raise Undecided(self._tell_contradiction(reads, matters, option, words))
        undecided = differ(able)
        if undecided.any():
            ways = {2: "two", 3: "three"}[len(able)]
            raise Undecided(
                f"{self.header} may be read in {ways} ways ({self.show(undecided)}): say "
                f"{self._offer([style for style in reads if style in able], option)}, "
                "or set it for the column in a --mapping file."
            )
        return next(style for style in reads if style in able)

    def _tell_contradiction(
        self, reads: Mapping[Style, np.ndarray], matters: np.ndarray, option: str, words: Mapping[Style, str]
    ) -> str:
        fitting = {style: int((matters & read).sum()) for style, read in reads.items()}
        most = max(fitting, key=lambda style: fitting[style])
        others = matters & ~reads[most]
        offered = [style for style, read in reads.items() if (others & read).any()]
        return (
            f"{self.header} is not written in one way: some cells have {words[most]} "
            f"({self.show(matters & reads[most])}), others have not ({self.show(others, MISFITS)}). "
            f"Mend the one or the other, or say {self._offer([most, *offered], option)}: "
            "what does not fit is then named row by row."
        )

    def _offer(self, styles: list[Style], option: str) -> str:
        return " or ".join(f"{option} {self.field}={style}" for style in styles)

    def show(self, cells: np.ndarray, most: int = SAMPLES) -> str:
        """Show the first few of *cells*, and how many there are besides."""
        rows = self.texts[cells]
        shown = ", ".join(f"“{text[:40]}” in row {row}" for row, text in rows.head(most).items())
        return f"{shown} and {len(rows) - most} more" if len(rows) > most else shown
