"""What a source brings that the journal does not have yet, and what differs since it was last submitted."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal, Self

if TYPE_CHECKING:
    from collections.abc import Mapping

# What the journal knows of a row, in the order in which it is told.
Way = Literal["already-imported", "unsettled", "not-sent", "rejected", "duplicate"]
How = Literal["bytes", "cells", "hashes"]  # what of an earlier run was compared
WAYS: Final[tuple[Way, ...]] = ("already-imported", "unsettled", "not-sent", "rejected", "duplicate")
NAMED: Final = 5  # columns, cells and runs in one sentence

_TOLD: Final[Mapping[Way, tuple[str, str]]] = {
    "already-imported": ("row is imported already and is not sent", "rows are imported already and are not sent"),
    "unsettled": (
        "row is not settled: an earlier run has sent it, and its answer was lost",
        "rows are not settled: an earlier run has sent them, and their answers were lost",
    ),
    "not-sent": ("row was left unsent by an earlier run", "rows were left unsent by an earlier run"),
    "rejected": (
        "row was refused by the API before, and is tried again",
        "rows were refused by the API before, and are tried again",
    ),
    "duplicate": (
        "row is of a case that was made elsewhere, as the API said before",
        "rows are of cases that were made elsewhere, as the API said before",
    ),
}


@dataclass(frozen=True, slots=True)
class Earlier:
    """How sources differ from those of the last run that had them.

    Attributes:
        run: Its id.
        day: On which it began, `YYYY-MM-DD` in UTC.
        sources: What they were called.
        by: What was compared: bytes, which are the same; cells; or, where the run's rows are gone, the hashes of fields
            that the journal keeps.
        mended: Whether the sources are the run's own results workbook, so that nothing is missing from it.
        same, changed, new: Rows of now.
        missing: Rows of then that are not there now.
        rewritten: How many of the *same* are written in another way, and mean what they meant.
        columns: Column → rows in which it changed, the most first.
        cells: Column → the first row in which it changed, as people name it; of some of *columns*.
        added, dropped: Columns that are there only now, or were only then.
    """

    run: str
    day: str
    sources: tuple[str, ...]
    by: How
    mended: bool
    same: int
    changed: int = 0
    new: int = 0
    missing: int = 0
    rewritten: int = 0
    columns: Mapping[str, int] = field(default_factory=dict)
    cells: Mapping[str, str] = field(default_factory=dict)
    added: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()

    @property
    def sentences(self) -> tuple[str, ...]:
        """What people are told of it; names rows and columns, and no values."""
        names = ", ".join(self.sources)
        when = f"on {self.day}, run {self.run}"
        if self.by == "bytes":
            return (f"The same bytes were submitted {when}, as {names}: nothing in them has changed.",)
        what = f"Of {names}, submitted {when}"
        if self.mended:
            what = f"Of the rows to fix of run {self.run}, {self.day}"
        told = [f"{count_rows(self.same)} {_is(self.same)} the same", f"{self.changed:,} changed", f"{self.new:,} new"]
        if not self.mended:
            told.append(f"{self.missing:,} of then {_is(self.missing)} missing")
        said = [f"{what}: {', '.join(told)}."]
        if self.rewritten:
            said.append(f"{count_rows(self.rewritten)} of the same {_is(self.rewritten)} only written in another way.")
        if self.columns:
            said.append(f"Changed since then: {tell_columns(self.columns, self.cells)}.")
        if self.by == "hashes":
            said.append("The rows of that run are not here any more: only what was sent is compared.")
        for label, names_of in (("New columns", self.added), ("Columns that are gone", self.dropped)):
            if names_of:
                more = f" and {len(names_of) - NAMED} more" if len(names_of) > NAMED else ""
                said.append(f"{label}: {', '.join(names_of[:NAMED])}{more}.")
        return tuple(said)


@dataclass(frozen=True, slots=True)
class Against:
    """What a submit of valid rows would do, as far as the journal tells.

    Attributes:
        account: Whose cases they were compared with, as people know it; blank where the journal has none of that API.
        others: Accounts of the same API that the journal also has, or where it has none of that API the others; their
            cases are other cases.
        counts: "new" and `WAYS` → rows, which are the valid and the already imported ones; and "changed", how many of
            the imported ones are not what they were.
        columns: Column → imported rows in which it is another now, the most first.
        resume: Runs that would settle, or send, what is "unsettled" or "not-sent".
        earlier: What differs from the last time; None where these sources were not submitted before.
        strange: Runs whose rows to mend these are, and that the journal does not know.
    """

    account: str
    counts: Mapping[str, int]
    others: tuple[str, ...] = ()
    columns: Mapping[str, int] = field(default_factory=dict)
    resume: tuple[str, ...] = ()
    earlier: Earlier | None = None
    strange: tuple[str, ...] = ()

    @property
    def sentences(self) -> tuple[str, ...]:
        """What people are told of it; the same before a submit, after a check, and in the report."""
        strange = [
            f"This journal does not know run {run}, whose rows to mend these are: rows that are cases by now would be "
            "sent again. Submit them in the workspace of that run."
            for run in self.strange
        ]
        if not self.account:
            named = " and ".join(self.others)
            return (*strange, *([f"Compared with nothing: the journal has cases of {named} alone."] if named else []))
        new = self.counts["new"]
        said = [*strange, f"Against the journal of {self.account}: {count_rows(new)} {_is(new)} new."]
        for way in WAYS:
            if rows := self.counts[way]:
                said.append(f"{rows:,} {_TOLD[way][rows != 1]}.")
            if way == "already-imported" and self.counts["changed"]:
                verb = "differs" if self.counts["changed"] == 1 else "differ"
                said.append(
                    f"{self.counts['changed']:,} of these {verb} from what was sent, and a case keeps what it has: "
                    f"{tell_columns(self.columns)}."
                )
        if self.resume:
            more = f", and {_count_more(len(self.resume) - NAMED, 'run')}" if len(self.resume) > NAMED else ""
            named = " and ".join(f"`importer resume {run}`" for run in self.resume[:NAMED])
            said.append(f"Finish first what earlier runs have left: {named}{more}.")
        if self.others:
            said.append(f"Not compared with {', '.join(self.others)}: another account's cases are other cases.")
        return (*said, *(self.earlier.sentences if self.earlier else ()))

    def to_dict(self) -> dict[str, Any]:
        """Make of it what JSON can hold; `of_dict` reads it back."""
        told = asdict(self)
        return {"account": told.pop("account"), **told.pop("counts"), **told}

    @classmethod
    def of_dict(cls, told: Mapping[str, Any]) -> Self:
        """Read what `to_dict` wrote."""
        earlier = dict(told["earlier"]) if told["earlier"] else None
        if earlier:
            for name in ("sources", "added", "dropped"):
                earlier[name] = tuple(earlier[name])
        return cls(
            account=told["account"],
            counts={name: told[name] for name in ("new", *WAYS, "changed")},
            others=tuple(told["others"]),
            columns=told["columns"],
            resume=tuple(told["resume"]),
            earlier=Earlier(**earlier) if earlier else None,
            strange=tuple(told.get("strange", ())),
        )


def tell_columns(columns: Mapping[str, int], cells: Mapping[str, str] | None = None) -> str:
    """Name the columns that changed, in how many rows, and the first of those.

    >>> tell_columns({"Amount": 3, "City": 1, "Name": 1}, {"Amount": "row 5", "City": "row 9"})
    'Amount in 3 rows (first in row 5), City in row 9, Name in 1 row'
    """
    told = []
    for name, rows in list(columns.items())[:NAMED]:
        first = (cells or {}).get(name)
        if first is None:
            told.append(f"{name} in {count_rows(rows)}")
        else:
            told.append(f"{name} in {first}" if rows == 1 else f"{name} in {count_rows(rows)} (first in {first})")
    more = [f"and {_count_more(len(columns) - NAMED, 'column')}"] if len(columns) > NAMED else []
    return ", ".join([*told, *more])


def count_rows(rows: int) -> str:
    """Count rows for a sentence.

    >>> count_rows(1), count_rows(1200)
    ('1 row', '1,200 rows')
    """
    return "1 row" if rows == 1 else f"{rows:,} rows"


def _is(rows: int) -> str:
    return "is" if rows == 1 else "are"


def _count_more(number: int, what: str) -> str:
    return f"{number:,} more {what}{'' if number == 1 else 's'}"
