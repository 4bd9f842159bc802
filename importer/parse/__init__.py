"""columns of text → columns of values, each decided from all of its cells; what nothing decides is refused."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, TypeVar

import numpy as np
import pandas as pd
import pyarrow as pa

from importer.errors import ColumnsError
from importer.model import CELL_ERRORS, ISSUE_COLUMNS, Parsed, Styles
from importer.parse import amounts, dates
from importer.parse.column import Column, Undecided, by_text, strip

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from importer.model import DateOrder, DecimalStyle, Matching, Table
    from schemas import Field, Target

Style = TypeVar("Style")

TEXT: Final = pd.ArrowDtype(pa.string())
TYPES: Final[Mapping[str, pa.DataType]] = {
    "text": pa.string(),
    "uuid": pa.string(),
    "amount": pa.decimal128(38, 18),
    "date": pa.date32(),
    "boolean": pa.bool_(),
}
BOOLEANS: Final[Mapping[str, bool]] = {
    **dict.fromkeys(("true", "yes", "y", "1"), True),
    **dict.fromkeys(("false", "no", "n", "0"), False),
}
IDENTIFIERS: Final = frozenset(
    {
        *("creditorReference", "debtor.companyRegistrationNumber", "debtor.zipCode", "debtor.phone"),
        *("caseReference", "collectionPartnerReference", "caseId"),
    }
)
NOTATION: Final = r"(?i)[+-]?[0-9]([.,][0-9]+)?E\+[0-9]{2,}"  # what a spreadsheet program makes of a long number
UUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE)


def parse(
    table: Table,
    matching: Matching,
    target: Target,
    *,
    decimal: DecimalStyle | None,
    order: DateOrder | None,
    carried: Styles | None = None,
) -> Parsed:
    """Read the columns of *table* that feed fields of *target*.

    Args:
        table: The source.
        matching: Which column feeds which field.
        target: Whose fields, and so whose kinds.
        decimal: How every column of amounts is written, whatever its cells say.
        order: The same for dates.
        carried: Styles by field, where neither option says anything.

    Raises:
        ColumnsError: The style of one or several columns is undecided or contradictory; names all of them.
    """
    given = carried or Styles()
    reader = _Reader(table, matching, target)
    values, texts, problems = {}, {}, []
    decided_decimal: dict[str, DecimalStyle] = {}
    decided_order: dict[str, DateOrder] = {}
    for field in target.FIELDS.values():
        column = reader.column(field)
        texts[field.name] = column.texts
        try:
            if field.kind == "amount":
                style = decimal or given.decimal.get(field.name) or reader.decide(field, column, amounts.decide)
                values[field.name] = reader.read(field, column, amounts.convert(column.texts, column.numbers, style))
                if style:
                    decided_decimal[field.name] = style
            elif field.kind == "date":
                way = order or given.order.get(field.name) or reader.decide(field, column, dates.decide)
                values[field.name] = reader.read(field, column, dates.convert(column.texts, way))
                if way:
                    decided_order[field.name] = way
            else:
                values[field.name] = reader.read_text(field, column)
        except Undecided as problem:
            problems.append(str(problem))
    if problems:
        raise ColumnsError(f"{table.path.name}: {' '.join(problems)}")
    return Parsed(
        values=pd.DataFrame(values, index=table.cells.index),
        unreadable=pd.DataFrame(reader.unreadable, index=table.cells.index, dtype=bool),
        texts=pd.DataFrame(texts, index=table.cells.index),
        issues=reader.issues(),
        styles=Styles(decided_decimal, decided_order),
    )


class _Reader:
    """Reads one source's columns, and gathers what cannot be read."""

    def __init__(self, table: Table, matching: Matching, target: Target) -> None:
        self._table = table
        self._matching = matching
        self._target = target
        self._issues: list[pd.DataFrame] = [self._unsupported()]
        self.unreadable: dict[str, pd.Series] = {}

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
            texts = pd.Series([constant] * len(index), index=index, dtype=TEXT)
            position = None
        else:
            texts = self._table.cells[position]
        return Column(
            header=field.name if position is None else self._table.header[position],
            texts=strip(texts),
            numbers=self._mask(self._table.numbers, position),
            damaged=self._mask(self._table.damaged, position),
        )

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

    def decide(self, field: Field, column: Column, decide: Callable[[Column], Style]) -> Style:
        """Decide how a column is written, unless its rows are known to come from sources that differ in it.

        Raises:
            Undecided: They do, or the cells do not tell.
        """
        carried = self._table.carried
        if carried and field.name in carried.mixed:
            option = "--decimal" if field.kind == "amount" else "--date-order"
            raise Undecided(
                f"{column.header} comes from sources that wrote it differently: mend the sources themselves, "
                f"or write all rows alike and say {option}."
            )
        return decide(column)

    def read_text(self, field: Field, column: Column) -> pd.Series:
        """Read a text, an id or a yes-or-no."""
        texts = column.texts
        if field.kind == "text":
            if field.name in IDENTIFIERS:
                self._note_damage(field, column)
            return self.read(field, column, texts)
        readers: dict[str, Callable[[str], object]] = {
            "uuid": lambda text: text.lower() if UUID.fullmatch(text) else None,
            "boolean": lambda text: BOOLEANS.get(text.casefold()),
        }
        return self.read(field, column, by_text(texts, readers[field.kind], TYPES[field.kind]))

    def read(self, field: Field, column: Column, values: pd.Series) -> pd.Series:
        """Note which cells could not be read, and give the values their type."""
        error = column.texts.isin(CELL_ERRORS)
        wrong = values.isna() & column.texts.notna() & ~error
        code = {"amount": "not-a-number", "date": "not-a-date", "boolean": "not-a-boolean", "uuid": "not-a-uuid"}
        self._note(field, column, error, "cell-error")
        if field.kind in code:
            self._note(field, column, wrong, code[field.kind])
        unread = (error | wrong).astype(bool)
        if unread.any():
            self.unreadable[field.name] = unread
        return values.mask(error) if error.any() else values

    def _note_damage(self, field: Field, column: Column) -> None:
        damaged = column.damaged | column.texts.str.fullmatch(NOTATION).fillna(value=False).to_numpy(dtype=bool)
        severity = "error" if field.name == self._target.REFERENCE else "warning"
        self._note(field, column, pd.Series(damaged, column.texts.index), "damaged-identifier", severity)

    def _note(
        self, field: Field, column: Column, cells: pd.Series, code_name: str, severity: str | None = None
    ) -> None:
        found = column.texts[cells.fillna(value=False).to_numpy(dtype=bool)]
        if found.empty:
            return
        code = self._target.CODES[code_name]
        sentences = {text: f"“{text[:80]}”" for text in found.unique()}
        self._issues.append(
            pd.DataFrame(
                {
                    "row": found.index,
                    "column": column.header,
                    "field": field.name,
                    "severity": severity or code.severity,
                    "code": code_name,
                    "value": found.array,
                    "message": found.map(
                        {
                            text: code.message.format(column=column.header, value=said)
                            for text, said in sentences.items()
                        }
                    ).array,
                    "hint": code.hint,
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

    def issues(self) -> pd.DataFrame:
        """Return what was noted; columns as `ISSUE_COLUMNS`, in the order of rows."""
        noted = [part for part in self._issues if len(part)] or self._issues[:1]
        found = pd.concat(noted, ignore_index=True).sort_values("row", kind="stable", ignore_index=True)
        return found.astype({name: "int64" if name == "row" else TEXT for name in ISSUE_COLUMNS})
