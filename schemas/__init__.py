"""The targets that rows are sent to, one module each; `schemas` never imports `importer`.

A target's module satisfies `Target`. `TARGETS` names them all; `load` imports the one that is wanted, since a schema
costs a second of imports.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Final, Literal, Protocol, cast

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import date

    import pandas as pd
    import pandera.pandas as pa

    from schemas.codes import Code

Kind = Literal["text", "amount", "date", "boolean", "uuid"]
Api = Literal["customer", "partner", "referral", "confirma"]

CLIENT: Final = "externalTenantId"  # for targets of the API "referral": whose account a row goes to


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a target.

    Attributes:
        name: As the API spells it, dotted.
        kind: What its text is read as.
        aliases: Other headers that certainly mean this field; compared without case, diacritics, spaces and the signs
            that people decorate headers with.
        needed: The column or a constant must be there for a source to start at all. A tuple of fields in
            `Target.EITHER` is needed as a group.
        likely: Headers that probably mean it: they are proposed, never taken.
        vague: Those of *aliases* that mean it only where no likely one stands beside them: of `Amount` and `Total`,
            neither says which of them is owed.
    """

    name: str
    kind: Kind = "text"
    aliases: tuple[str, ...] = ()
    needed: bool = False
    likely: tuple[str, ...] = ()
    vague: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Reading:
    """How the API tells the cases of a target that it has; paths below which one identifier follows.

    Attributes:
        by_id: For one case by its id.
        by_reference: For one case by Debitura's reference; blank where there is none.
        by_ids: For up to 100 cases by their ids, `?Ids=…` repeated; blank where that is not documented.
    """

    by_id: str
    by_reference: str = ""
    by_ids: str = ""


@dataclass(frozen=True, slots=True)
class Context:
    """What judging a row depends on besides the row.

    Attributes:
        today: The day in the creditor's time zone, fixed once a run.
        allow_missing_reference: A row without a creditor reference is warned about, not refused.
        activate: Cases are started; what that needs has to be there.
        clear_blank: A blank reference is one that is to be cleared.
        test: The cases will be test cases.
    """

    today: date
    allow_missing_reference: bool = False
    activate: bool = False
    clear_blank: bool = False
    test: bool = False


class Target(Protocol):
    """What a target's module offers.

    Attributes:
        NAME: As `--target` takes it.
        API: Which API it is an operation of; the sandbox serves each of them.
        COMMAND: Which command takes its sources.
        ENDPOINT: The path that rows are posted to.
        PRODUCTION_URL: Base URL of the live API.
        FIELDS: By name, in the order of reports.
        EITHER: Groups of fields of which one column (or constant) must be there.
        REFERENCE: The field that identifies a case to the creditor.
        GUARDED: The API refuses a second case under the same reference.
        LOOKUP: The path below which one case is looked up by the creditor's reference; blank where there is none.
        READING: How its cases are asked for once they are made; None where they cannot be.
        PREVIEW: The path that says what would become of a case, by country, state, kind of debtor and currency; blank
            where the API publishes none.
        STAND_INS: Field → the one whose column is to be mended where it has none itself.
        UNSUPPORTED: Aliases and names → field, for fields that other targets take and this one does not.
        CODES: The catalogue: every code that judging for this target may yield.
        Schema: The pandera schema of `judged` frames; checks only.
    """

    NAME: str
    API: Api
    COMMAND: str
    ENDPOINT: str
    PRODUCTION_URL: str
    FIELDS: Mapping[str, Field]
    EITHER: tuple[tuple[str, ...], ...]
    REFERENCE: str
    GUARDED: bool
    LOOKUP: str
    READING: Reading | None
    PREVIEW: str
    STAND_INS: Mapping[str, str]
    UNSUPPORTED: Mapping[str, str]
    CODES: Mapping[str, Code]
    Schema: type[pa.DataFrameModel]

    def judged(self, values: pd.DataFrame, unreadable: pd.DataFrame, context: Context) -> pd.DataFrame:
        """Add to *values* the derived columns that the schema's rules over several columns look at."""
        ...

    def details(self, code: str, field: str, rows: pd.Series, texts: pd.DataFrame) -> list[str]:
        """Say for each of *rows* (row keys with that issue) what its sentence needs besides the value."""
        ...

    def creditors(self, values: pd.DataFrame) -> Iterator[str]:
        """Name for each row of *values* whose claim it is, where an account serves several creditors; else blank."""
        ...

    def payload(
        self, values: pd.DataFrame, *, test: bool, allow_pending_contracts: bool
    ) -> Iterator[dict[str, object]]:
        """Yield the request of each row of *values* (all valid), in order; amounts are `Decimal`."""
        ...


TARGETS: Final[Mapping[str, str]] = {
    "customer": "schemas.customer",
    "managed": "schemas.managed",
    "referral": "schemas.referral",
    "references": "schemas.references",
    "details": "schemas.details",
}


def load(name: str) -> Target:
    """Import the target called *name*.

    Raises:
        KeyError: There is none of that name.
    """
    return cast("Target", import_module(TARGETS[name]))
