"""The columns of one source as they feed fields, and what is wrong with their cells."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd
import pyarrow as pa

from importer.model import CELL_ERRORS, ISSUE_COLUMNS
from importer.parse.column import Column, Undecided, by_text, strip

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from importer.model import Matching, Table
    from schemas import Field, Target

TEXT: Final = pd.ArrowDtype(pa.string())
SHOWN: Final = 80  # characters of a cell in a message
WRONG: Final[Mapping[str, str]] = {
    "amount": "not-a-number",
    "date": "not-a-date",
    "boolean": "not-a-boolean",
    "uuid": "not-a-uuid",
}


class Reader:
    """Takes one source's columns, several at once if need be, and gathers what cannot be read."""

    def __init__(self, table: Table, matching: Matching, target: Target) -> None:
        self._table = table
        self._matching = matching
        self._target = target
        self._issues: dict[str, list[pd.DataFrame]] = {name: [] for name in target.FIELDS}
        self._unreadable: dict[str, pd.Series] = {}

    def column(self, field: Field) -> Column:
        """Take the cells that feed *field*, stripped, blank ones null."""
        index = self._table.cells.index
        position = self._matching.columns.get(field.name)
        constant = self._matching.constants.get(field.name)
        template = self._matching.templates.get(field.name)
        if template is not None:
            texts = self._fill(template)
            position = None
        elif constant is not None or position is None:
            every = pa.repeat(pa.scalar(constant, pa.string()), len(index))
            texts = pd.Series(pd.arrays.ArrowExtensionArray(every), index=index)
            position = None
        else:
            texts = self._table.cells[position]
        return Column(
            header=field.name if position is None else self._table.header[position],
            field=field.name,
            texts=strip(texts),
            numbers=self._mask(self._table.numbers, position),
            damaged=self._mask(self._table.damaged, position),
        )

    def texts(self, name: str) -> pd.Series:
        """Take the texts that feed the field called *name*."""
        return self.column(self._target.FIELDS[name]).texts

    def _fill(self, template: Sequence[tuple[str, int | None]]) -> pd.Series:
        """Make the text of each row; a blank cell adds nothing."""
        index = self._table.cells.index
        texts = pd.Series([""] * len(index), index=index, dtype=TEXT)
        for plain, position in template:
            texts += plain
            if position is not None:
                texts += self._table.cells[position].str.strip().fillna("")
        return texts

    def _mask(self, masks: Mapping[int, np.ndarray], position: int | None) -> np.ndarray:
        none = np.zeros(len(self._table.cells), dtype=bool)
        return none if position is None else masks.get(position, none)

    def refuse_mixed(self, column: Column, option: str) -> None:
        """Refuse to decide how *column* is written if its rows are known to come from sources that differ in it.

        Raises:
            Undecided: They are.
        """
        carried = self._table.carried
        if carried and column.field in carried.mixed:
            raise Undecided(
                f"{column.header} comes from sources that wrote it differently: mend the sources themselves, "
                f"or write all rows alike and say {option}."
            )

    def read(
        self, field: Field, column: Column, values: pd.Series, explain: Callable[[str], str] = lambda _: ""
    ) -> pd.Series:
        """Note which cells could not be read, and hide what else is none of *values*."""
        error = column.texts.isin(CELL_ERRORS)
        wrong = values.isna() & column.texts.notna() & ~error
        self.note(column, error, "cell-error")
        if field.kind in WRONG:
            self.note(column, wrong, WRONG[field.kind], details=by_text(column.texts[wrong], explain, pa.string()))
        return self.hide(column, values, error | wrong)

    def hide(self, column: Column, values: pd.Series, cells: pd.Series) -> pd.Series:
        """Take *cells* out of *values*, and keep the rules from judging them."""
        hidden = cells.astype(bool)
        if hidden.any():
            before = self._unreadable.get(column.field)
            self._unreadable[column.field] = hidden if before is None else before | hidden
            return values.mask(hidden)
        return values

    def note(
        self,
        column: Column,
        cells: pd.Series,
        code_name: str,
        *,
        severity: str | None = None,
        details: pd.Series | None = None,
    ) -> None:
        """Make an issue of each of *cells*; *details* is what their messages and hints say besides, of each in turn."""
        chosen = cells.fillna(value=False).to_numpy(dtype=bool)
        if not chosen.any():
            return
        found = column.texts[chosen]
        code = self._target.CODES[code_name]
        lines = pd.DataFrame({"value": found, "detail": "" if details is None else details.to_numpy()})
        kinds = lines.groupby(["value", "detail"], sort=False).ngroup()
        said = [
            {"column": column.header, "value": f"“{value[:SHOWN]}”", "detail": detail}
            for value, detail in lines.drop_duplicates().itertuples(index=False)
        ]
        self._issues[column.field].append(
            pd.DataFrame(
                {
                    "row": found.index,
                    "column": column.header,
                    "field": column.field,
                    "severity": severity or code.severity,
                    "code": code_name,
                    "value": found.array,
                    "message": np.array([code.message.format(**parts) for parts in said], dtype=object)[kinds],
                    "hint": np.array([code.hint.format(**parts) for parts in said], dtype=object)[kinds],
                }
            )
        )

    def _unsupported(self) -> pd.DataFrame:
        """Warn once for each column whose field the target does not take, at the header's row."""
        row = int(dict(self._table.facts).get("header row", "1"))
        code = self._target.CODES["field-not-supported"]
        lines = [
            (
                row,
                header,
                name,
                code.severity,
                code.code,
                "",
                code.message.format(column=header, detail=name),
                code.hint,
            )
            for name, header in self._matching.unsupported.items()
        ]
        return pd.DataFrame(lines, columns=list(ISSUE_COLUMNS))

    def unreadable(self) -> pd.DataFrame:
        """Tell what is hidden from the rules, as in `Parsed`."""
        hidden = {name: self._unreadable[name] for name in self._issues if name in self._unreadable}
        return pd.DataFrame(hidden, index=self._table.cells.index, dtype=bool)

    def issues(self) -> pd.DataFrame:
        """Return what was noted; columns as `ISSUE_COLUMNS`, in the order of rows."""
        unsupported = self._unsupported()
        noted = [unsupported, *(part for parts in self._issues.values() for part in parts)]
        found = pd.concat([part for part in noted if len(part)] or [unsupported], ignore_index=True).sort_values(
            "row", kind="stable", ignore_index=True
        )
        return found.astype({name: "int64" if name == "row" else TEXT for name in ISSUE_COLUMNS})
