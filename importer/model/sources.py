"""A source: as it was read, as its columns were matched, as values."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from importer.model.making import Making

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import numpy as np
    import pandas as pd

    from importer.model.dialects import Writing
    from importer.model.making import Made
    from importer.model.words import DateOrder, DecimalStyle


@dataclass(frozen=True, slots=True)
class Styles:
    """How a source writes values, decided for each column from all of its cells.

    Attributes:
        decimal: For each field of amounts, the sign between units and fractions.
        order: For each field of dates, the order of day, month and year.
    """

    decimal: Mapping[str, DecimalStyle] = field(default_factory=dict)
    order: Mapping[str, DateOrder] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Bundling:
    """How rows become one case.

    Attributes:
        by: Fields, or headers of columns: rows that agree in all of them, and in currency, go together.
        lines: Send the invoices as `claimLines`, not their sum and ages.
    """

    by: tuple[str, ...]
    lines: bool = False


@dataclass(frozen=True, slots=True)
class Carried:
    """What a results workbook carries for the day its `To fix` sheet is dropped in again.

    Attributes:
        run: The run that wrote the workbook.
        target: Its target.
        columns: Header → field, as that run mapped them.
        constants: Field → value for every row.
        styles: The styles that run decided.
        mixed: Fields that its sources wrote differently.
        bundling: By what its rows were bundled; None where they were not.
        making: What it made of columns that are no fields as they stand.
        test: Whether it made test cases.
        allow_missing_reference: Whether its rows needed no creditor reference.
        encoding: In which its rows to mend were written as CSV; blank where they were not.
        delimiter: The same for what parts their cells.
        sent: Whether that run sent anything: a check's rows to mend were never sent.
    """

    run: str
    target: str
    columns: Mapping[str, str]
    constants: Mapping[str, str]
    styles: Styles
    mixed: frozenset[str] = frozenset()
    bundling: Bundling | None = None
    making: Making = field(default_factory=Making)
    test: bool = False
    allow_missing_reference: bool = False
    encoding: str = ""
    delimiter: str = ""
    sent: bool = False


@dataclass(frozen=True, slots=True)
class Reading:
    """What the user says about how a source is to be read; None where the source is to tell.

    Attributes:
        sheet: The sheet of a workbook that has several.
        encoding: Of a text, as Python names it.
        delimiter: Of a text, one character.
        header_row: The row number of the header.
        hidden_rows: Whether rows that a workbook hides are rows of data.
    """

    sheet: str | None = None
    encoding: str | None = None
    delimiter: str | None = None
    header_row: int | None = None
    hidden_rows: Literal["take", "skip"] | None = None


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A row that is no row of data.

    Attributes:
        row: Its row number.
        why: `title`, `header again`, `total`, `footer` or `hidden`.
        cells: Its cells.
    """

    row: int
    why: str
    cells: tuple[str | None, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """One source, read: every cell as the source's own text, nothing judged yet.

    Attributes:
        path: Where the source lies; people are shown its name.
        header: The text of each column's header, stripped of surrounding white space; blank where there is none.
        cells: One row a row of data. Index "row" (int64): the row number that a spreadsheet program shows, unique and
            increasing; columns 0 … n-1, one a header, `ArrowDtype(string)`, null where the cell is empty. Text is
            unchanged (not stripped); a workbook's typed cells are canonical text: whole numbers without `.0`, other
            numbers with a decimal point, dates as `YYYY-MM-DD`, times after it as ` HH:MM:SS`, with a fraction
            of a second where there is one, durations as `36:00:00`, booleans as TRUE and FALSE, error cells as their
            error (`#N/A`); whole numbers whose format is zeros alone as it shows them (`01234`), percentages as
            `19.25%`.
        numbers: Column position → mask over the rows of *cells* (bool): the cell is a number in a workbook, so that
            its text has a decimal point whatever the column's style. Positions without such cells are absent.
        damaged: The same for what is no identifier any more: numbers that have lost digits already (more than 15
            significant ones), and dates, which a spreadsheet program makes of a number such as 3-1.
        facts: How it was read, as pairs for people: format, encoding, delimiter, sheet, header row, blank rows …
        sha256: Of the source's bytes, in hexadecimal.
        carried: Set where the source is the `To fix` sheet of a results workbook.
        left_out: The rows that are neither blank nor data, in their order.
        writing: How the source is written, where it is a text.
    """

    path: Path
    header: tuple[str, ...]
    cells: pd.DataFrame
    numbers: Mapping[int, np.ndarray]
    damaged: Mapping[int, np.ndarray]
    facts: tuple[tuple[str, str], ...]
    sha256: str
    carried: Carried | None = None
    left_out: tuple[LeftOut, ...] = ()
    writing: Writing | None = None


@dataclass(frozen=True, slots=True)
class Matching:
    """Which column feeds which field.

    Attributes:
        columns: Field → position of its column in the table; those that are *made* come after the source's own.
        constants: Field → text that every row has, from `--set` or a mapping; a constant beats a column.
        unmapped: Headers that feed no field; kept in the report.
        unsupported: Field → header, for fields of other targets that this one does not take.
        templates: Field → pairs of a text and the position of the column whose cell follows it, None for no cell; made
            for each row in the place of the constant.
        made: Columns that are made of the source's own ones, in the order of their positions.
    """

    columns: Mapping[str, int]
    constants: Mapping[str, str]
    unmapped: tuple[str, ...]
    unsupported: Mapping[str, str]
    templates: Mapping[str, tuple[tuple[str, int | None], ...]] = field(default_factory=dict)
    made: tuple[Made, ...] = ()

    def whole(self, header: Sequence[str]) -> dict[str, str]:
        """Give header → field for the columns that feed one field as a whole, whatever other words it has for cells."""
        own = {name: position for name, position in self.columns.items() if position < len(header)}
        own |= {one.feeds: one.column for one in self.made if one.is_whole}
        return {header[position]: name for name, position in own.items()}


@dataclass(frozen=True, slots=True)
class Parsed:
    """A source's columns as values.

    Attributes:
        values: Index "row" as in the table; one column for each field of the target in the target's order, absent
            columns all null. Kinds: text, uuid → `ArrowDtype(string)`, stripped, null where blank; amount →
            `ArrowDtype(decimal128(38, 18))`; date → `ArrowDtype(date32)`; boolean → `ArrowDtype(bool_)`.
        unreadable: The same index; a bool column for each field in which at least one cell holds something that
            could not be read (null in *values*, and an issue already).
        texts: The same index and columns; the source's own text of each field, stripped, null where blank.
        issues: Columns as `ISSUE_COLUMNS`; "column" is the header in the source.
        styles: What was decided.
    """

    values: pd.DataFrame
    unreadable: pd.DataFrame
    texts: pd.DataFrame
    issues: pd.DataFrame
    styles: Styles
