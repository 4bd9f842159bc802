"""`rows.arrow`: what `report` and `resume` need of a run without its source.

Two Arrow streams in one file: the rows (cells, masks of number cells, amount, currency, reference) with the header and
the metadata in their schema, then the issues.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import pandas as pd
import pyarrow as pa

from importer.errors import RunError
from importer.report.beside import written_beside

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import numpy as np

TEXT: Final = pd.ArrowDtype(pa.string())
AMOUNTS: Final = ("amount", "currency", "due")  # runs of earlier versions have no "due"


@dataclass(frozen=True, slots=True)
class Archive:
    """What `save` was given; see there."""

    header: tuple[str, ...]
    cells: pd.DataFrame
    numbers: Mapping[int, np.ndarray]
    issues: pd.DataFrame
    amounts: pd.DataFrame
    references: pd.Series
    metadata: dict[str, Any]


def save(
    path: Path,
    *,
    header: tuple[str, ...],
    cells: pd.DataFrame,
    numbers: Mapping[int, np.ndarray],
    issues: pd.DataFrame,
    amounts: pd.DataFrame,
    references: pd.Series,
    metadata: Mapping[str, object],
) -> None:
    """Keep a run's rows, readable by their owner alone; they are on the disk on return.

    Args:
        path: Where to.
        header: As in `Report`.
        cells: As in `Report`.
        numbers: As in `Report`.
        issues: As in `Report`.
        amounts: As in `Report`.
        references: The creditor reference of each row; index as *cells*.
        metadata: What JSON can hold.

    Raises:
        OSError: The disk does not take it.
    """
    arrays = {"row": pa.array(cells.index, pa.int64())}
    arrays |= {f"cell {number}": pa.array(cells[number]) for number in cells}
    arrays |= {f"number {number}": pa.array(mask) for number, mask in numbers.items()}
    arrays |= {name: pa.array(amounts[name]) for name in AMOUNTS if name in amounts}
    arrays["reference"] = pa.array(references)
    told = {"header": json.dumps(header), "metadata": json.dumps(metadata)}
    rows = pa.table(arrays).replace_schema_metadata(told)
    faults = pa.Table.from_pandas(issues, preserve_index=False)
    with written_beside(path) as file:
        for table in (rows, faults):
            with pa.ipc.new_stream(file, table.schema) as stream:
                stream.write_table(table)


def load(path: Path) -> Archive:
    """Read what `save` has kept.

    Raises:
        RunError: It is not there, or damaged.
    """
    try:
        with pa.OSFile(str(path)) as file:
            rows = pa.ipc.open_stream(file).read_all()
            issues = pa.ipc.open_stream(file).read_all()
    except FileNotFoundError:
        raise RunError(f"{path} is gone; without it the run cannot be reported or resumed here.") from None
    except (OSError, pa.ArrowInvalid) as error:
        raise RunError(
            f"{path} cannot be read: {error}. Put it back from a backup, or submit the source again."
        ) from None
    index = pd.Index(rows["row"].to_numpy(), name="row")
    columns = {name: pd.Series(pd.arrays.ArrowExtensionArray(rows[name]), index=index) for name in rows.column_names}
    told = rows.schema.metadata
    return Archive(
        header=tuple(json.loads(told[b"header"])),
        cells=pd.DataFrame(
            {int(name[5:]): column for name, column in columns.items() if name.startswith("cell ")}, index=index
        ),
        numbers={
            int(name[7:]): column.to_numpy(dtype=bool) for name, column in columns.items() if name.startswith("number ")
        },
        issues=issues.to_pandas(types_mapper=lambda type_: TEXT if pa.types.is_string(type_) else None),
        amounts=pd.DataFrame({name: columns[name] for name in AMOUNTS if name in columns}),
        references=columns["reference"],
        metadata=json.loads(told[b"metadata"]),
    )
