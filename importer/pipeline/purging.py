"""Purging old runs: their reports go, and of the journal all but what keeps their rows from being sent again."""

from __future__ import annotations

import re
import shutil
import time
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from importer.errors import CannotStart, Interrupted
from importer.journal import Journal, clients, deliveries, erasing
from importer.pipeline.reporting import delete_stale, rows_path
from importer.pipeline.sessions import count_requests

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from importer.journal import RowMapping
    from importer.settings import Settings

DAY: Final = 86_400.0  # seconds
COUNTED: Final = 2 * DAY  # the API's windows need the requests of a day
RUN_ID: Final = re.compile(r"\d{8}-\d{6}-.+-[0-9a-f]{4}")


@dataclass(frozen=True, slots=True)
class Purged:
    """What was purged.

    Attributes:
        runs: Ids.
        checks: Names of the checks' folders.
        left: What was old enough and was left, and why; sentences.
    """

    runs: tuple[str, ...]
    checks: tuple[str, ...]
    left: tuple[str, ...]


def read_age(text: str) -> float:
    """Read an age; returns seconds.

    >>> read_age("90d"), read_age("12w")
    (7776000.0, 7257600.0)

    Raises:
        ValueError: It is none.
    """
    found = re.fullmatch(r"([0-9]{1,5})([dw])", text)
    if not found:
        raise ValueError(text)
    return int(found[1]) * DAY * (7 if found[2] == "w" else 1)


def purge(age: float, settings: Settings, confirm: Callable[[int, int], bool]) -> Purged:
    """Erase the runs that finished, and the checks that were made, more than *age* seconds ago.

    Args:
        age: In seconds.
        settings: Of the command.
        confirm: Asked before anything is erased, with the numbers of runs and of checks.

    Raises:
        Interrupted: *confirm* said no.
        JournalError: The journal is busy.
        CannotStart: A folder cannot be deleted.
    """
    before = time.time() - age
    with ExitStack() as stack:
        journal = _hold(settings, stack)
        kept = {run["id"]: run for run in journal.runs()} if journal else {}
        due, left = _choose(journal, kept.values(), before)
        checks, strange = _old_checks(settings, kept, before)
        purged = [name for name, run in kept.items() if "purged" in run["summary"]]
        # Where an earlier purge was cut short, a folder is left.
        again = [name for name in purged if (settings.reports / name).exists()]
        if (due or checks or again) and not confirm(len(due) + len(again), len(checks)):
            raise Interrupted("Nothing was purged.")
        if journal and kept:
            _erase(journal, due, purged, before)
        for name in [*(run["id"] for run in due), *again, *checks]:
            _delete(settings.reports / name)
        delete_stale(settings)
    return Purged((*(run["id"] for run in due), *again), tuple(checks), (*left, *strange))


def _hold(settings: Settings, stack: ExitStack) -> Journal | None:
    """Open the journal, where there is one, and keep everyone from sending meanwhile."""
    if isinstance(settings.journal, Path) and not settings.journal.exists():
        return None
    journal = stack.enter_context(closing(Journal.open(settings.journal, settings.locks, create=False)))
    with journal.reading() as connection:
        accounts = clients.all_accounts(connection)
    stack.enter_context(journal.sender(*accounts, wait=False))
    return journal


def _choose(journal: Journal | None, runs: Iterable[RowMapping], before: float) -> tuple[list[RowMapping], list[str]]:
    """Choose the runs to purge; say of the other old ones why they are left."""
    if journal is None:
        return [], []
    with journal.reading() as connection:
        doubtful = erasing.runs_in_doubt(connection)
    due, left = [], []
    for run in runs:
        if "purged" in run["summary"] or (run["finished"] or run["started"]) >= before:
            continue
        if run["id"] in doubtful:
            left.append(f"Run {run['id']} has rows in doubt and was left: `importer resume {run['id']}` settles them.")
        elif run["finished"] is None:
            left.append(f"Run {run['id']} was cut short and was left: `importer resume {run['id']}` finishes it.")
        else:
            due.append(run)
    return due, left


def _old_checks(settings: Settings, runs: Mapping[str, Any], before: float) -> tuple[list[str], list[str]]:
    """Find the folders of old checks; those with rows are of runs that another journal has to answer for."""
    checks, strange = [], []
    for folder in sorted(settings.reports.glob("*/")):
        if folder.name in runs or not RUN_ID.fullmatch(folder.name):
            continue
        written = max((file.stat().st_mtime for file in [folder, *folder.iterdir()]), default=0.0)
        if written >= before:
            continue
        if rows_path(settings, folder.name).exists():
            strange.append(f"{folder} belongs to a run that this journal does not know, and was left.")
        else:
            checks.append(folder.name)
    return checks, strange


def _erase(journal: Journal, due: Iterable[RowMapping], purged: Iterable[str], before: float) -> None:
    """Erase the runs that are *due*, and the old requests of those and of the runs that were *purged* before."""
    today = f"{datetime.now(UTC):%Y-%m-%d}"
    gone = list(purged)
    for run in due:
        told = {**run["summary"], "requests": count_requests(journal, run["id"], run["summary"])}
        with journal.begin() as connection:
            erasing.purge_run(connection, run["id"], {**told, "report": None, "purged": today})
        gone.append(run["id"])
    with journal.begin() as connection:
        erasing.drop_requests(connection, gone, min(before, time.time() - COUNTED))
        deliveries.drop_old(connection, gone, before)
    erasing.scrub(journal)


def _delete(folder: Path) -> None:
    try:
        if folder.exists():
            shutil.rmtree(folder)
    except OSError as error:
        raise CannotStart(f"{folder} cannot be deleted: {error.strerror}. Delete it by hand.") from None
