"""One column of a source on its way to values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    import numpy as np

SAMPLES: Final = 3  # cells shown of a column that cannot be decided


class Undecided(Exception):  # noqa: N818 - reads as the statement it makes
    """Nothing, or too much, decides how a column is written."""


def by_text(texts: pd.Series, read: Callable[[str], object], type_: pa.DataType) -> pd.Series:
    """Read each distinct text once; null where it is null, or where *read* gives None."""
    encoded = pa.array(texts, pa.string()).dictionary_encode()
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.combine_chunks()
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
    stripped = pc.if_else(pc.equal(stripped, ""), None, stripped)
    return texts if stripped.equals(texts) else stripped


@dataclass(frozen=True, slots=True)
class Column:
    """The cells that feed one field.

    Attributes:
        header: As the source has it, or the field's name for a constant.
        texts: Stripped, null where blank; index "row".
        numbers: Mask of the cells that are numbers in a workbook.
        damaged: Mask of the numbers that have lost digits.
    """

    header: str
    texts: pd.Series
    numbers: np.ndarray
    damaged: np.ndarray

    def settle(
        self, found: Mapping[str, Sequence[str]], undecided: Sequence[str], *, both: str, options: str
    ) -> str | None:
        """Choose the one style that has evidence; None where nothing needs one.

        Args:
            found: Style → texts that only it can read.
            undecided: Texts that several styles read differently.
            both: What a column has that contradicts itself.
            options: What settles it.

        Raises:
            Undecided: There is evidence for several, or for none though it is needed.
        """
        styles = [style for style, texts in found.items() if texts]
        if len(styles) > 1:
            shown = "; ".join(self.show(found[style][:1]) for style in styles)
            raise Undecided(f"{self.header} has {both} ({shown}): say {options}, and mend the others.")
        if undecided and not styles:
            raise Undecided(
                f"{self.header} may be read in two ways ({self.show(undecided)}): say {options}, "
                "or set it for the column in a --mapping file."
            )
        return styles[0] if styles else None

    def show(self, texts: Collection[str]) -> str:
        """Show the first few rows whose text is one of *texts*."""
        rows = self.texts[self.texts.isin(list(texts))].head(SAMPLES)
        return ", ".join(f"“{text}” in row {row}" for row, text in rows.items())
