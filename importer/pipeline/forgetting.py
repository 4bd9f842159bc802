"""Forgetting one debtor: what the workspace keeps of a creditor reference goes, what prevents duplicates stays."""

from __future__ import annotations

from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

import schemas
from importer import messages
from importer.errors import Interrupted, RunError
from importer.journal import Journal, erasing, kept_back
from importer.pipeline.reporting import delete_stale, rows_path
from importer.pipeline.submitting import rewrite
from importer.report import archive
from importer.report.mentions import mentions
from importer.report.names import FILES, WORKBOOK

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from importer.journal import RowMapping
    from importer.settings import Settings

COUNTED: Final = {"amountToRecover": "amount", "currencyCode": "currency"}  # field → column of an archive's amounts
UNSENT: Final = ("planned", "not-sent")


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What there was of a reference, and what became of it.

    Attributes:
        cases: In the journal, erased.
        runs: Whose rows were blanked and whose report was written again.
        deleted: Files of reports that had the reference and could not be written again: of checks, mostly.
        left: Files that could not be looked into, and runs whose rows lie elsewhere; sentences.
    """

    cases: int
    runs: tuple[str, ...]
    deleted: tuple[Path, ...]
    left: tuple[str, ...]


def forget(reference: str, settings: Settings, confirm: Callable[[int, int], bool]) -> Forgotten | None:
    """Erase what the workspace keeps of the debtor of *reference*.

    Args:
        reference: The creditor reference.
        settings: Of the command.
        confirm: Asked before anything is erased, with the numbers of cases and of files.

    Returns:
        What was done; None where nothing is known of *reference*.

    Raises:
        RunError: A row of it is in doubt or may still be sent.
        Interrupted: *confirm* said no.
        JournalError: The journal is busy.
    """
    with ExitStack() as stack:
        journal, cases = _hold(reference, settings, stack)
        _refuse_unsettled(reference, cases)
        kept, gone, left = _search(reference, settings)
        noted = journal is not None and _is_noted(journal, reference)
        if not cases and not kept and not gone and not noted:
            return None
        if not confirm(len(cases), len(kept) + len(gone)):
            raise Interrupted("Nothing was forgotten.")
        if journal and (cases or noted):
            with journal.begin() as connection:
                erasing.forget_cases(connection, [case["pk"] for case in cases], messages.FORGOTTEN.say())
                kept_back.forget(connection, reference)
            erasing.scrub(journal)
        known = {run["id"] for run in journal.runs()} if journal else set()
        for run in kept:
            _blank(settings, run, reference)
            if run in known:
                rewrite(run, settings)
            else:
                gone.append(run)
        deleted = [path for run in gone for name in FILES if (path := settings.reports / run / name).exists()]
        for path in deleted:
            path.unlink(missing_ok=True)
        delete_stale(settings)
        left += [
            f"The rows of run {run} are not in this workspace: forget {reference} where they lie, too."
            for run in sorted({case["run"] for case in cases} - set(kept))
            if not (settings.reports / run).exists() and journal and "purged" not in journal.run(run)["summary"]
        ]
    return Forgotten(len(cases), tuple(kept), tuple(deleted), tuple(left))


def unread(settings: Settings) -> list[str]:
    """Say which files were not looked into, and may hold anybody.

    Confirma's cases have no creditor reference, and issues none without the workbook, which has their rows.
    """
    found = sorted(settings.reports.glob("*/details.xlsx"))
    alone = [
        path
        for path in sorted(settings.reports.glob("*/*"))
        if path.name in FILES and not (path.with_name(WORKBOOK).exists() or path.with_name("rows.arrow").exists())
    ]
    return [
        *(
            f"Not looked into, since it has case details under other ids: {path}. Delete it if it has them."
            for path in found
        ),
        *(f"Not looked into, since {WORKBOOK} beside it is gone: {path}. Delete it if in doubt." for path in alone),
    ]


def _hold(reference: str, settings: Settings, stack: ExitStack) -> tuple[Journal | None, list[RowMapping]]:
    """Open the journal, where there is one, and keep others from sending what is to be forgotten."""
    if isinstance(settings.journal, Path) and not settings.journal.exists():
        return None, []
    journal = stack.enter_context(closing(Journal.open(settings.journal, settings.locks, create=False)))
    with journal.reading() as connection:
        accounts = {case["account"] for case in erasing.cases_of_reference(connection, reference)}
    stack.enter_context(journal.sender(*accounts, wait=False))
    with journal.reading() as connection:
        return journal, list(erasing.cases_of_reference(connection, reference))


def _is_noted(journal: Journal, reference: str) -> bool:
    """Tell whether a run kept back a row of *reference*, of which there may be no case."""
    with journal.reading() as connection:
        return kept_back.is_noted(connection, reference)


def _refuse_unsettled(reference: str, cases: Iterable[RowMapping]) -> None:
    for case in cases:
        if case["status"] in erasing.IN_DOUBT:
            raise RunError(
                f"It is not known yet whether the case {reference} was made: settle it first with "
                f"`importer resume {case['run']}`. Nothing was forgotten."
            )
        if case["status"] in UNSENT and case["resumable"]:
            raise RunError(
                f"The row {reference} of run {case['run']} is still to be sent: finish that run first with "
                f"`importer resume {case['run']}`. Nothing was forgotten."
            )


def _search(reference: str, settings: Settings) -> tuple[list[str], list[str], list[str]]:
    """Find the runs that keep rows of *reference*, other reports that have it, and what cannot be looked into."""
    kept: list[str] = []
    gone: list[str] = []
    left: list[str] = []
    for folder in sorted(settings.reports.glob("*/")):
        workbook = folder / WORKBOOK
        try:
            if rows_path(settings, folder.name).exists():
                if len(_rows_of(archive.load(rows_path(settings, folder.name)), reference)):
                    kept.append(folder.name)
            elif workbook.exists() and mentions(workbook, reference):
                gone.append(folder.name)
        except RunError as error:
            left.append(f"{error} It was not looked into.")
        except OSError as error:
            left.append(f"{workbook} cannot be read ({error.strerror or error}), and was not looked into.")
    return kept, gone, left


def _rows_of(kept: archive.Archive, reference: str) -> list[int]:
    """Find the rows of *reference*: also those whose reference could not be used."""
    field = schemas.load(kept.metadata["target"]).REFERENCE
    found = (kept.references == reference).fillna(value=False)
    columns = kept.metadata["columns"]
    for position in (place for place, header in enumerate(kept.header) if columns.get(header) == field):
        found |= (kept.cells[position].str.strip() == reference).fillna(value=False)
    return [int(row) for row in kept.cells.index[found.to_numpy(dtype=bool)]]


def _blank(settings: Settings, run: str, reference: str) -> None:
    """Blank the cells of a run's rows of *reference*, but for the reference itself and what totals need."""
    path = rows_path(settings, run)
    kept = archive.load(path)
    rows = _rows_of(kept, reference)
    chosen = kept.cells.index.isin(rows)
    # Totals need these two; a cell that could not be read may hold anything.
    read = {name: chosen & kept.amounts[own].notna().to_numpy() for name, own in COUNTED.items()}
    read[schemas.load(kept.metadata["target"]).REFERENCE] = chosen
    cells = kept.cells.copy()
    for position, header in enumerate(kept.header):
        stays = read.get(kept.metadata["columns"].get(header), np.zeros(len(cells), dtype=bool))
        cells[position] = cells[position].mask(chosen & ~stays)
    amounts = kept.amounts.copy()
    if "due" in amounts:
        amounts["due"] = amounts["due"].mask(chosen)
    issues = kept.issues.copy()
    quoting = issues["row"].isin(rows)
    for name, text in (("value", ""), ("message", messages.FORGOTTEN.say()), ("hint", "")):
        issues[name] = issues[name].mask(quoting, text)
    archive.save(
        path,
        header=kept.header,
        cells=cells,
        numbers=kept.numbers,
        issues=issues,
        amounts=amounts,
        references=kept.references,
        metadata=kept.metadata,
    )
