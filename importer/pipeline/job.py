"""What the user asked for, and what came of judging it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import pandas as pd

import schemas
from importer.model import HELD, Reading, SourceInfo, Styles

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import date
    from pathlib import Path

    import numpy as np

    from importer.bundle import Bundle
    from importer.model import Against, Bundling, DateOrder, DecimalStyle, Making
    from importer.past import Past


@dataclass(frozen=True, slots=True)
class Job:
    """What the user asked for.

    Attributes:
        sources: In the order given.
        command: Which command takes them: the target's own.
        reading: How the sources are to be read.
        mapping: A mapping file, or the name of a saved one.
        constants: Field → text of every row, from `--set`.
        order: How dates are written, whatever the columns tell.
        decimal: How amounts are written, the same.
        said: How single columns are written, beating those two; by field, or by header.
        limit: The most cases to send.
        test: Make test cases; None, as `judge` gets it, where nothing is said: rows to mend know.
        all_or_nothing: One error, and nothing is sent.
        allow_pending_contracts: The API may take a case whose contracts are not signed yet.
        allow_missing_reference: A row may have no creditor reference; None as above.
        activate: Start the cases of a collection partner.
        clear_blank: A blank partner reference clears the one that is stored.
        bundle_by: Fields or headers by which rows are bundled.
        claim_lines: Send bundles as `claimLines`.
    """

    sources: tuple[Path, ...]
    command: str = "submit"
    reading: Reading = Reading()  # noqa: RUF009 - it is frozen
    mapping: Path | None = None
    constants: Mapping[str, str] = field(default_factory=dict)
    order: DateOrder | None = None
    decimal: DecimalStyle | None = None
    said: Styles = Styles()  # noqa: RUF009 - it is frozen
    limit: int | None = None
    test: bool | None = None
    all_or_nothing: bool = False
    allow_pending_contracts: bool = False
    allow_missing_reference: bool | None = None
    activate: bool = False
    clear_blank: bool = False
    bundle_by: tuple[str, ...] = ()
    claim_lines: bool = False

    @property
    def mode(self) -> Literal["live", "test"]:
        """Test cases are other cases than live ones."""
        return "test" if self.test else "live"


@dataclass(frozen=True, slots=True)
class Judged:
    """Every row of every source, judged; frames are indexed by row key.

    Attributes:
        job: What was asked for, completed by what the rows to mend of an earlier run remember.
        target: What the rows are judged for.
        sources: In the order given.
        header: Common to all.
        cells, numbers: As in `Table`, under each other.
        values: As in `Parsed`, under each other.
        issues: As in `Report`.
        headers: Field → header of the column that is named where its cell has to change.
        columns: Header → field, of columns that are a field as a whole.
        making: What is made of other columns.
        constants: Field → text.
        styles: One for each source.
        unmapped: Headers that feed no field.
        today: The day in the creditor's time zone.
        bundling: How rows become one case, where they do.
        bundles: Those of several rows.
        mends: The runs whose results workbooks the sources are.
        sent: Those of them that sent their valid rows.
    """

    job: Job
    target: schemas.Target
    sources: tuple[SourceInfo, ...]
    header: tuple[str, ...]
    cells: pd.DataFrame
    numbers: dict[int, np.ndarray]
    values: pd.DataFrame
    issues: pd.DataFrame
    headers: Mapping[str, str]
    columns: Mapping[str, str]
    making: Making
    constants: Mapping[str, str]
    styles: tuple[Styles, ...]
    unmapped: tuple[str, ...]
    today: date
    bundling: Bundling | None = None
    bundles: tuple[Bundle, ...] = ()
    mends: tuple[str, ...] = ()
    sent: tuple[str, ...] = ()

    @property
    def amounts(self) -> pd.DataFrame:
        """Amount, currency and due date of every row, null where they cannot be read; else the invoice's date."""
        amounts = self.values[["amountToRecover", "currencyCode"]].set_axis(["amount", "currency"], axis=1)
        amounts["due"] = self.values["dueDate"].fillna(self.values["date"])
        unknown = self.issues.loc[self.issues["code"] == "currency-unknown", "row"]
        amounts["currency"] = amounts["currency"].str.upper().mask(amounts.index.isin(unknown))
        return amounts

    @property
    def references(self) -> pd.Series:
        """The creditor reference of every row, null where there is none."""
        return self.values[self.target.REFERENCE]

    @property
    def has_clients(self) -> bool:
        """Whether each row says whose account it goes to."""
        return self.target.API == "referral"

    @property
    def clients(self) -> tuple[str, ...]:
        """Those that a valid row goes to."""
        return tuple(client for client, _ in self.by_client() if client)

    def by_client(self, *, faulty: bool = False) -> Iterator[tuple[str, pd.DataFrame]]:
        """Yield the values of the valid rows, client by client; all at once where there are none.

        With *faulty* those with errors are among them, as far as they have a client.
        """
        rows = self.values if faulty else self.values[~self.values.index.isin(self.faulty)]
        if not self.has_clients:
            yield "", rows
            return
        for client, values in rows.groupby(schemas.CLIENT):
            yield str(client), values

    @property
    def faulty(self) -> pd.Index:
        """Keys of the rows with at least one error."""
        errors = self.issues["severity"] == "error"
        faulty: pd.Index = pd.Index(self.issues["row"][errors].unique(), dtype="int64")
        return faulty

    @property
    def held(self) -> set[int]:
        """Keys of the rows that have no other error than that a row of their bundle has one."""
        errors = self.issues[self.issues["severity"] == "error"]
        return set(errors["row"]) - set(errors["row"][errors["code"] != HELD])


@dataclass(frozen=True, slots=True)
class Compared:
    """Rows, and what is known of them.

    Attributes:
        judged: With an issue for each field that is not what was sent, and with bundles as a submit would make them.
        against: For people and scripts.
        pasts: Row key → what the journal knows of it.
    """

    judged: Judged
    against: Against
    pasts: Mapping[int, Past] = field(default_factory=dict)

    @property
    def made(self) -> dict[int, Past]:
        """Those of them that are imported already."""
        return {row: past for row, past in self.pasts.items() if past.way == "already-imported"}
