"""What maps a creditor reference to a case, for other systems: as CSV, XLSX or JSON, a part in memory at a time.

CSV and JSON carry every text unchanged, for programs, but that CSV can be made inert for people: in a workbook a text
that begins like a formula always is.
"""

from __future__ import annotations

import csv
import io
import json
import re
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from typing import IO, TYPE_CHECKING, Any, Final

from importer.errors import CannotStart, ImporterError, Interrupted
from importer.journal import Journal, identifying
from importer.model import FORMULA_GUARD, FORMULA_LIKE, split_row_key
from importer.report.beside import written_beside
from importer.report.listing import write_listing

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from importer.settings import Settings

COLUMNS: Final = {
    "creditor_reference": "Creditor reference",
    "case_id": "Case id",
    "reference": "Reference",
    "account": "Account",
    "client": "Client",
    "creditor": "Creditor",
    "target": "Target",
    "mode": "Mode",
    "status": "Status",
    "amount": "Amount",
    "currency": "Currency",
    "run": "Run",
    "source": "Source",
    "row": "Row",
}


class CutShort(ImporterError):  # noqa: N818 - reads as the statement it makes
    """The export ended before its end; where it is JSON, its object is closed and tells so itself."""

    def __init__(self, cause: ImporterError) -> None:
        super().__init__(str(cause))
        self.exit_code = cause.exit_code


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which cases.

    Attributes:
        of_runs: Ids of runs; none for all.
        since: Of runs that began then or later, seconds since the epoch; None for all.
        target: By name; None for all.
        inert: Write an apostrophe before texts in CSV that a spreadsheet program could take for formulas.
    """

    of_runs: tuple[str, ...] = ()
    since: float | None = None
    target: str | None = None
    inert: bool = False


def write(settings: Settings, wanted: Wanted, kind: str, path: Path) -> int:
    """Write the file, whole or not at all; returns how many rows it has.

    Raises:
        CannotStart: There is no journal or no such run, or the file cannot be written.
    """
    try:
        with written_beside(path) as file:
            if kind != "xlsx":
                return write_to(settings, wanted, kind, file)
            with closing(_open(settings)) as journal:
                listed = (tuple(row.values()) for row in _list(journal, wanted))
                header = tuple(COLUMNS.values())
                return write_listing(file, path.parent, "Identifiers", header, listed, numbers=("Amount", "Row"))
    except OSError as error:
        raise CannotStart(f"{path} cannot be written: {error.strerror}. Name another place with --output.") from None


def write_to(settings: Settings, wanted: Wanted, kind: str, file: IO[bytes]) -> int:
    """Write CSV (RFC 4180, UTF-8) or JSON (one object, a line a row) to *file*; returns how many rows there are.

    Raises:
        CannotStart: There is no journal, or no such run; nothing was written.
        CutShort: It was interrupted, or the journal failed.
    """
    with closing(_open(settings)) as journal:
        for run in wanted.of_runs:
            journal.run(run)
        text = io.TextIOWrapper(file, encoding="utf-8", newline="", write_through=False)
        try:
            rows = _list(journal, wanted)
            return _write_csv(text, rows, inert=wanted.inert) if kind == "csv" else _write_json(text, rows)
        finally:
            text.detach()


def _write_csv(text: IO[str], rows: Iterator[Mapping[str, Any]], *, inert: bool) -> int:
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    count = 0
    for count, row in enumerate(rows, start=1):  # noqa: B007 - told afterwards
        writer.writerow(map(_guard, row.values()) if inert else row.values())
    return count


def _guard(value: Any) -> Any:
    return f"{FORMULA_GUARD}{value}" if isinstance(value, str) and re.search(FORMULA_LIKE, value) else value


def _write_json(text: IO[str], rows: Iterator[Mapping[str, Any]]) -> int:
    text.write('{"identifiers": [')
    count = 0
    try:
        for count, row in enumerate(rows, start=1):
            text.write((",\n" if count > 1 else "\n") + json.dumps(row, ensure_ascii=False))
    except (ImporterError, KeyboardInterrupt) as error:
        cause = error if isinstance(error, ImporterError) else Interrupted("Interrupted; the rest is missing.")
        text.write(f'\n], "exit": {cause.exit_code}, "error": {json.dumps(str(cause), ensure_ascii=False)}}}\n')
        raise CutShort(cause) from None
    text.write('\n], "exit": 0}\n')
    return count


def _list(journal: Journal, wanted: Wanted) -> Iterator[dict[str, Any]]:
    for run in wanted.of_runs:
        journal.run(run)
    sources_of = cache(lambda run: journal.run(run)["summary"].get("sources", ()))
    with journal.reading() as connection:
        listed = identifying.list_all(connection, of_runs=wanted.of_runs, since=wanted.since, target=wanted.target)
        for case in listed:
            source, row = split_row_key(case["row"])
            sources = sources_of(case["run"])
            yield {
                "creditor_reference": case["reference"] if case["has_reference"] else None,
                "case_id": case["case_id"],
                "reference": case["case_reference"],
                "account": case["account"],
                "client": case["client"] or None,
                "creditor": case["creditor"] or None,
                "target": case["target"],
                "mode": case["mode"],
                "status": case["status"],
                "amount": case["amount"],
                "currency": case["currency"],
                "run": case["run"],
                "source": sources[source] if source < len(sources) else None,
                "row": row,
            }


def _open(settings: Settings) -> Journal:
    return Journal.open(settings.journal, settings.locks, create=False)
