"""What became of each row, counted and told: the frames of a report, and the figures of the summary."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from decimal import Decimal, localcontext
from typing import TYPE_CHECKING, Any, Final

import msgspec
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from importer import messages
from importer.model import (
    CHECK_STATUSES,
    HELD,
    OUTCOME_COLUMNS,
    STATUSES,
    Against,
    Making,
    Preview,
    Run,
    SourceInfo,
    Styles,
    Writing,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from importer.model import Entry, Status

TEXT: Final = pd.ArrowDtype(pa.string())
MOMENT: Final = pd.ArrowDtype(pa.timestamp("us", "UTC"))


_SHOWN: Final[Mapping[str, Status]] = {
    "planned": "not-sent",
    "sending": "unknown",
    "waiting": "unknown",
    "created": "created",
    "rejected": "rejected",
    "duplicate": "duplicate",
    "already-imported": "already-imported",
    "not-sent": "not-sent",
}


@dataclass(frozen=True, slots=True)
class Figures:
    """Counts and totals of a run, as its summary and `--json` tell them.

    Attributes:
        counts: Status → rows; "rows" is the sum of the rest.
        totals: For each currency: "currency", "rows", and one exact decimal a status present, in text.
        unreadable: Rows whose amount or currency cannot be read; in no total.
    """

    counts: Mapping[str, int]
    totals: Sequence[Mapping[str, str]]
    unreadable: int

    @property
    def exit_code(self) -> int:
        """Say how a run ends that came to its end: 5 with unknown rows, 1 with faulty ones, else 0."""
        if self.counts.get("unknown"):
            return 5
        return int(any(self.counts.get(status) for status in ("invalid", "held", "rejected", "duplicate")))


def start_outcomes(rows: pd.Index, issues: pd.DataFrame, references: pd.Series) -> pd.DataFrame:
    """Say of each row that it is valid, held, or invalid with its first error; shaped as `Report.outcomes`."""
    outcomes = pd.DataFrame(
        {name: pd.Series(None, index=rows, dtype=MOMENT if name == "sent_at" else TEXT) for name in OUTCOME_COLUMNS}
    )
    outcomes["creditor_reference"] = references.astype(TEXT)
    first = (issues["severity"] == "error").to_numpy(dtype=bool)
    first[first] = ~issues["row"][first].duplicated()
    errors = issues.loc[first, ["row", "code", "message"]].set_index("row")
    faulty = rows.isin(errors.index)
    held = rows.isin(errors.index[errors["code"] == HELD])
    outcomes["status"] = pd.Series("valid", index=rows, dtype=TEXT).mask(faulty, "invalid").mask(held, "held")
    for column, name in (("error", "code"), ("message", "message")):
        outcomes[column] = errors[name].reindex(rows).astype(TEXT)
    return outcomes


def tell_kept_back(issues: pd.DataFrame, references: pd.Series) -> Iterator[tuple[int, str | None, str, str]]:
    """Say of each row with errors its key, its creditor reference, whether it is invalid or held, and the codes."""
    errors = issues[issues["severity"] == "error"].drop_duplicates(["row", "code"])
    table = pa.table({"row": pa.array(errors["row"], pa.int64()), "code": pa.array(errors["code"], pa.string())})
    told = table.group_by("row", use_threads=False).aggregate([("code", "list")])
    rows = told["row"].to_pylist()
    whose = references.reindex(rows)
    for row, reference, codes in zip(rows, whose.tolist(), told["code_list"].to_pylist(), strict=True):
        yield row, None if pd.isna(reference) else reference, "held" if codes == [HELD] else "invalid", "\n".join(codes)


def add_entries(outcomes: pd.DataFrame, entries: Iterable[Entry], stopped: str | None) -> pd.DataFrame:
    """Put what the journal knows of a run's cases into *outcomes*; a row it did not send says why."""
    known = pd.DataFrame.from_records(
        [_told(entry, stopped) for entry in entries], columns=["row", *OUTCOME_COLUMNS], index="row"
    )
    merged = outcomes.copy()
    for name in OUTCOME_COLUMNS:
        told = known[name].astype(MOMENT if name == "sent_at" else TEXT)
        merged[name] = told.reindex(merged.index).combine_first(merged[name]) if len(told) else merged[name]
    return merged.astype({name: MOMENT if name == "sent_at" else TEXT for name in OUTCOME_COLUMNS})


def _told(entry: Entry, stopped: str | None) -> tuple[object, ...]:
    status = _SHOWN[entry.status]
    message = entry.message
    if status == "not-sent":
        message = message or stopped or messages.BEHIND.say()
    elif status == "unknown":
        message = message or messages.UNSETTLED.say()
    sent_at = datetime.fromtimestamp(entry.sent_at, UTC) if entry.sent_at else None
    reference = entry.case.reference if entry.case.has_reference else None
    return (
        entry.case.row,
        status,
        entry.case_id,
        entry.case_reference,
        reference,
        entry.lifecycle,
        entry.error,
        message,
        entry.solution,
        sent_at,
    )


def count(outcomes: pd.DataFrame, amounts: pd.DataFrame, *, check: bool, bundled: bool) -> Figures:
    """Count rows and add up amounts, exactly, by status and currency; only what is *bundled* has `held` rows."""
    statuses = [name for name in (CHECK_STATUSES if check else STATUSES) if bundled or name != "held"]
    seen = outcomes["status"].value_counts()
    counts = {"rows": len(outcomes)} | {status: int(seen.get(status, 0)) for status in statuses}
    readable = amounts["amount"].notna() & amounts["currency"].notna()
    table = pa.table(
        {
            "currency": pa.array(amounts.loc[readable, "currency"]),
            "status": pa.array(outcomes.loc[readable, "status"]),
            # Wider than an amount is, since a sum that does not fit would wrap around in silence.
            "amount": pc.cast(pa.array(amounts.loc[readable, "amount"]), pa.decimal256(76, 18)),
        }
    )
    sums = table.group_by(["currency", "status"]).aggregate([("amount", "sum")]).to_pylist()
    totals: list[dict[str, str]] = []
    for currency in sorted({line["currency"] for line in sums}):
        by_status = {line["status"]: line["amount_sum"] for line in sums if line["currency"] == currency}
        total = {"currency": currency, "rows": plain(add(by_status.values()))}
        totals.append(total | {status: plain(by_status[status]) for status in statuses if status in by_status})
    return Figures(counts, totals, int((~readable).sum()))


def add(amounts: Iterable[Decimal]) -> Decimal:
    """Add amounts exactly, however many digits they have."""
    with localcontext(prec=80):
        return sum(amounts, Decimal(0))


def plain(amount: Decimal) -> str:
    """Write an amount with at least two decimals, and as many as it has.

    >>> plain(Decimal("1150.000000")), plain(Decimal("0.125"))
    ('1150.00', '0.125')
    """
    digits = f"{amount:f}".rstrip("0") if "." in f"{amount:f}" else f"{amount:f}."
    whole, _, fraction = digits.partition(".")
    return f"{whole}.{fraction:0<2}"


def run_to_dict(run: Run) -> dict[str, Any]:
    """Make of a run what JSON can hold, but for what the journal knows better; `run_of_dict` reads it back."""
    return {
        "id": run.id,
        "kind": run.kind,
        "sources": [
            [
                source.name,
                source.sha256,
                [list(fact) for fact in source.facts],
                source.writing and asdict(source.writing),
            ]
            for source in run.sources
        ],
        "target": run.target,
        "mode": run.mode,
        "account": run.account,
        "host": run.host,
        "started": run.started.isoformat(),
        "finished": run.finished.isoformat() if run.finished else None,
        "version": run.version,
        "settings": [list(pair) for pair in run.settings],
        "columns": dict(run.columns),
        "constants": dict(run.constants),
        "making": {
            "splits": dict(run.making.splits),
            "joins": dict(run.making.joins),
            "values": {name: dict(values) for name, values in run.making.values.items()},
            "ignored": list(run.making.ignored),
        },
        "styles": [[dict(styles.decimal), dict(styles.order)] for styles in run.styles],
        "stopped": run.stopped,
        "exit_code": run.exit_code,
        "against": run.against.to_dict() if run.against else None,
        "preview": msgspec.to_builtins(run.preview),
    }


def run_of_dict(kept: Mapping[str, Any]) -> Run:
    """Read a run that `run_to_dict` wrote."""
    fields = dict(kept)
    fields["sources"] = tuple(
        SourceInfo(
            name, sha256, tuple((label, value) for label, value in facts), Writing(**how[0]) if any(how) else None
        )
        for name, sha256, facts, *how in kept["sources"]  # runs of earlier versions do not say how
    )
    fields["started"] = datetime.fromisoformat(kept["started"])
    fields["finished"] = datetime.fromisoformat(kept["finished"]) if kept["finished"] else None
    fields["settings"] = tuple((name, value) for name, value in kept["settings"])
    making = kept.get("making", {})  # runs of earlier versions have none
    fields["making"] = Making(**{**making, "ignored": tuple(making.get("ignored", ()))})
    told = kept.get("against")  # the same
    fields["against"] = Against.of_dict(told) if told else None
    fields["styles"] = tuple(Styles(decimal, order) for decimal, order in kept["styles"])
    fields["preview"] = msgspec.convert(kept.get("preview"), Preview | None)
    return Run(**fields)
