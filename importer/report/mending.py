"""`To fix`: the rows that did not get through, as they came, with the faulty cells marked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from importer.model import HELD
from importer.report.package import TALLEST, Large, Package
from importer.report.rows import CHUNK, Cells, make_legible
from importer.report.sheets import SAMPLED, as_slice, as_texts, fit_widths, moments, own_cells, stretches

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from importer.model import Report

REFUSED: Final = ("rejected", "refused")  # by the API
TO_MEND: Final = ("invalid", *REFUSED, "held")
DAMAGED: Final = "damaged-identifier"
DAY: Final = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}(?: [0-9]{2}:[0-9]{2}:[0-9]{2})?$"
REFERENCE: Final = "creditorReference"  # the field on whose cell stands what the API said
NOTES: Final = 5_000  # cells of the sheet; each note is a drawing of its own, slow to open
NOTE_WIDTH: Final = 320  # pixels
NOTE_LINE: Final = 16  # pixels; a line has about 48 characters
LONGEST_NOTE: Final = 2_000  # characters


@dataclass(frozen=True, slots=True)
class Marks:
    """What is wrong where on the sheet.

    Attributes:
        positions: Of the rows to mend, in the report's frames; as many as the sheet holds.
        left_out: Rows to mend that the sheet does not hold.
        said: One line a fault: "line" and "place", row and column of the sheet's data from 0, "damaged": the cell
            is no identifier any more, and "source": where it is told (see `_notes`).
        notes: Line and place → what is said of the cell, of as many cells as get a note.
        cells: How many cells are marked.
    """

    positions: np.ndarray
    left_out: int
    said: pd.DataFrame
    notes: Mapping[tuple[int, int], str]
    cells: int


def find_marks(report: Report) -> Marks:
    """Find the rows to mend, and the cells that must change: of a rejected row the one with its reference."""
    chosen = np.flatnonzero(report.outcomes["status"].isin(TO_MEND).to_numpy(dtype=bool))
    positions = chosen[:TALLEST]
    lines = np.full(len(report.cells) + 1, -1)  # the last is for what has no row of its own
    lines[positions] = np.arange(len(positions))
    headers = pa.array([make_legible(text) for text in report.header])
    reference = next((header for header, name in report.run.columns.items() if name == REFERENCE), None)
    fallback = report.header.index(reference) if reference in report.header else 0
    issues = report.issues
    errors = np.flatnonzero((issues["severity"] == "error") & (issues["code"] != HELD))
    # A fault of a constant, or of a column that is not there, has no cell of its own.
    places = pc.fill_null(pc.index_in(as_texts(issues["column"]), headers), fallback).to_numpy()[errors]
    rejected = np.flatnonzero(report.outcomes["status"].isin(REFUSED))
    said = pd.DataFrame(
        {
            "line": lines[np.concatenate([report.cells.index.get_indexer(pd.Index(issues["row"])[errors]), rejected])],
            "place": np.concatenate([places, np.full(len(rejected), fallback)]).astype("int64"),
            "damaged": np.concatenate([(issues["code"] == DAMAGED).to_numpy(dtype=bool)[errors], rejected < 0]),
            "source": np.concatenate([errors, len(issues) + rejected]),
        }
    )
    said = said[said["line"] >= 0]
    cells = said["line"].to_numpy() * max(1, len(headers)) + said["place"].to_numpy()
    order = np.argsort(cells, kind="stable")
    said, numbers = said.iloc[order], np.cumsum(np.diff(cells[order], prepend=-1) > 0)
    notes = _notes(report, said[numbers <= NOTES])
    return Marks(positions, len(chosen) - len(positions), said, notes, int(numbers[-1]) if len(said) else 0)


def _notes(report: Report, said: pd.DataFrame) -> dict[tuple[int, int], str]:
    """Gather what is said of each cell; "source" is the number of the issue or, after all of those, of the row."""
    sources, count = said["source"].to_numpy(), len(report.issues)
    errors = report.issues.iloc[sources[sources < count]]
    rejected = report.outcomes.iloc[sources[sources >= count] - count]
    told = _join(as_texts(errors["message"]), as_texts(errors["hint"])).to_pylist()
    refused = _join(_refusals(rejected), as_texts(rejected["solution"])).to_pylist()
    texts = np.empty(len(said), dtype=object)
    texts[sources < count], texts[sources >= count] = told, refused
    notes: dict[tuple[int, int], list[str]] = {}
    for line, place, text in zip(said["line"].tolist(), said["place"].tolist(), texts.tolist(), strict=True):
        notes.setdefault((line, place), []).append(text)
    return {cell: make_legible("\n".join(parts))[:LONGEST_NOTE] for cell, parts in notes.items()}


def _refusals(rejected: pd.DataFrame) -> pa.Array:
    said = _join(as_texts(rejected["error"]), as_texts(rejected["message"]), ": ")
    return _join(pa.array(["The API refused it."] * len(rejected), pa.string()), said)


def _join(left: Any, right: Any, between: str = " ") -> Any:
    """Join texts that are both there; else give the one that is."""
    return pc.fill_null(pc.coalesce(pc.binary_join_element_wise(left, right, between), left, right), "")


def add_to_fix(package: Package, report: Report, marks: Marks) -> None:
    """Add `To fix`: the source's own header and only the rows that did not get through, the faulty cells marked."""
    height = len(marks.positions)
    faulty = _masks(marks.said, height)
    damaged = _masks(marks.said[marks.said["damaged"]], height)

    def fill(styles: dict[str, str]) -> Iterator[list[Cells]]:
        for start, end in stretches(height, CHUNK):
            styled = []
            for place, column in enumerate(own_cells(report, as_slice(marks.positions[start:end]))):
                mask = faulty.get(place)
                plain, fault = styles["plain"], styles["fault"]
                looks = plain if mask is None else pc.if_else(pa.array(mask[start:end]), fault, plain)
                cells = Cells(column.texts, looks, column.numbers)
                styled.append(_with_days(cells, damaged[place][start:end], styles) if place in damaged else cells)
            yield styled

    def dress(sheet: Any) -> None:
        for (line, place), text in marks.notes.items():
            height = NOTE_LINE * (1 + sum(1 + len(part) // 48 for part in text.split("\n")))
            sheet.write_comment(line + 1, place, text, {"width": NOTE_WIDTH, "height": height})

    package.add_large(
        Large(
            name="To fix",
            header=report.header,
            height=height,
            formats=("plain", "fault", "faulty day"),
            fill=fill,
            widths=fit_widths(report.header, own_cells(report, marks.positions[:SAMPLED])),
            dress=dress,
        )
    )


def _masks(said: pd.DataFrame, height: int) -> dict[int, np.ndarray]:
    """Make a mask over the sheet's rows for each column that something is said of."""
    masks = {place: np.zeros(height, dtype=bool) for place in said["place"].unique().tolist()}
    for place, mask in masks.items():
        mask[said.loc[said["place"] == place, "line"]] = True
    return masks


def _with_days(cells: Cells, damaged: np.ndarray, styles: Mapping[str, str]) -> Cells:
    """Write days that were identifiers as days: as texts they would pass for identifiers when they are dropped in."""
    days = pc.and_(pa.array(damaged), pc.fill_null(pc.match_substring_regex(cells.texts, DAY), fill_value=False))
    found = pd.Series(pc.if_else(days, cells.texts, pa.scalar(None, pa.string())).to_pandas())
    counted = moments(pd.to_datetime(found, errors="coerce", utc=True))
    days = pc.and_(days, counted.texts.is_valid())
    return Cells(
        pc.if_else(days, counted.texts, cells.texts),
        pc.if_else(days, styles["faulty day"], cells.style),
        days if cells.numbers is None else pc.or_(days, cells.numbers),
    )
