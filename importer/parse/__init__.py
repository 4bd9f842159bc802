"""columns of text → columns of values, each decided from all of its cells; what nothing decides is refused."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import pandas as pd
import pyarrow as pa

from importer.errors import ColumnsError
from importer.model import IDENTIFIERS, Parsed, Styles
from importer.parse.amounts import Amounts, explain
from importer.parse.column import Undecided, by_text
from importer.parse.dates import CENTURY, Dates
from importer.parse.reader import Reader
from schemas.geography import find_digits

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from importer.model import DateOrder, DecimalStyle, Matching, Table
    from importer.parse.column import Column
    from schemas import Field, Target

TYPES: Final[Mapping[str, pa.DataType]] = {"uuid": pa.string(), "boolean": pa.bool_()}
BOOLEANS: Final[Mapping[str, bool]] = {
    **dict.fromkeys(("true", "yes", "y", "1"), True),
    **dict.fromkeys(("false", "no", "n", "0"), False),
}
NOTATION: Final = r"(?i)[+-]?[0-9]([.,][0-9]+)?E\+[0-9]{2,}"  # what a spreadsheet program makes of a long number
UUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE)
CURRENCY: Final = "currencyCode"


def parse(
    table: Table,
    matching: Matching,
    target: Target,
    *,
    decimal: DecimalStyle | None = None,
    order: DateOrder | None = None,
    said: Styles | None = None,
    carried: Styles | None = None,
    latest: int = CENTURY + 99,
) -> Parsed:
    """Read the columns of *table* that feed fields of *target*.

    Args:
        table: The source.
        matching: Which column feeds which field.
        target: Whose fields, and so whose kinds.
        decimal: How every column of amounts is written, whatever its cells say.
        order: The same for dates.
        said: Styles by field, beating *decimal* and *order*.
        carried: Styles by field, where nothing else says anything.
        latest: The last year that two digits may mean; they are never one before 2000.

    Raises:
        ColumnsError: The style of one or several columns is undecided or contradictory; names all of them.
    """
    said, carried = said or Styles(), carried or Styles()
    reader = Reader(table, matching, target)

    def read(field: Field) -> _Read | Undecided:
        column, name = reader.column(field), field.name
        try:
            if field.kind == "amount":
                style = said.decimal.get(name) or decimal or carried.decimal.get(name)
                values, style = _read_amounts(reader, field, column, style)
                return _Read(column.texts, values, decimal=style)
            if field.kind == "date":
                way = said.order.get(name) or order or carried.order.get(name)
                values, way = _read_dates(reader, field, column, way, latest)
                return _Read(column.texts, values, order=way)
            return _Read(column.texts, _read_text(reader, field, column, is_reference=name == target.REFERENCE))
        except Undecided as problem:
            return problem

    with ThreadPoolExecutor(pa.cpu_count()) as pool:
        told = list(pool.map(read, target.FIELDS.values()))
    problems = [str(problem) for problem in told if isinstance(problem, Undecided)]
    if problems:
        raise ColumnsError(f"{table.path.name}: {' '.join(problems)}")
    found = {name: one for name, one in zip(target.FIELDS, told, strict=True) if isinstance(one, _Read)}
    index = table.cells.index
    return Parsed(
        values=pd.DataFrame({name: one.values for name, one in found.items()}, index=index),
        unreadable=reader.unreadable(),
        texts=pd.DataFrame({name: one.texts for name, one in found.items()}, index=index),
        issues=reader.issues(),
        styles=Styles(
            {name: one.decimal for name, one in found.items() if one.decimal},
            {name: one.order for name, one in found.items() if one.order},
        ),
    )


@dataclass(frozen=True, slots=True)
class _Read:
    """A field's texts, what they are worth, and how they were read."""

    texts: pd.Series
    values: pd.Series
    decimal: DecimalStyle | None = None
    order: DateOrder | None = None


def _read_amounts(
    reader: Reader, field: Field, column: Column, style: DecimalStyle | None
) -> tuple[pd.Series, DecimalStyle | None]:
    """Read amounts; one in another currency than its row's is none.

    Raises:
        Undecided: Nothing says, and the cells do not tell, how they are written.
    """
    amounts = Amounts(column)
    if style is None:
        reader.refuse_mixed(column, "--decimal")
        style = amounts.decide()
    values = reader.read(field, column, amounts.convert(style), lambda text: explain(text, style))
    if not amounts.names_currencies:
        return values, style
    codes = by_text(
        reader.texts(CURRENCY), lambda text: text.upper() if find_digits(text) is not None else None, pa.string()
    )
    for currencies, cells in amounts.named():
        wrong = values.notna() & cells & codes.notna() & ~codes.isin(list(currencies))
        reader.note(column, wrong, "currency-contradicts", details=codes[wrong])
        values = reader.hide(column, values, wrong)
    return values, style


def _read_dates(
    reader: Reader, field: Field, column: Column, order: DateOrder | None, latest: int
) -> tuple[pd.Series, DateOrder | None]:
    """Read dates.

    Raises:
        Undecided: Nothing says, and the cells do not tell, in which order they are written.
    """
    dates = Dates(column, latest)
    if order is None:
        reader.refuse_mixed(column, "--date-order")
        order = dates.decide()
    return reader.read(field, column, dates.convert(order), lambda text: dates.explain(text, order)), order


def _read_text(reader: Reader, field: Field, column: Column, *, is_reference: bool) -> pd.Series:
    """Read a text, an id or a yes-or-no."""
    texts = column.texts
    if field.kind == "text":
        if field.name in IDENTIFIERS:
            damaged = column.damaged | texts.str.fullmatch(NOTATION).fillna(value=False).to_numpy(dtype=bool)
            severity = "error" if is_reference else "warning"
            reader.note(column, pd.Series(damaged, texts.index), "damaged-identifier", severity=severity)
        return reader.read(field, column, texts)
    readers: dict[str, Callable[[str], object]] = {
        "uuid": lambda text: text.lower() if UUID.fullmatch(text) else None,
        "boolean": lambda text: BOOLEANS.get(text.casefold()),
    }
    return reader.read(field, column, by_text(texts, readers[field.kind], TYPES[field.kind]))
