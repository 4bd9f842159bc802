"""report: what became of each row goes into the journal, `rows.arrow` and the results workbook."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import pandas as pd

from importer.errors import CannotStart, Stopped
from importer.model import Report, Run, quietly
from importer.past import tell_past as tell
from importer.pipeline.describing import BUNDLED, UNUSED
from importer.pipeline.record import TEXT, Figures, add_entries, count, run_to_dict, start_outcomes
from importer.pipeline.sessions import count_requests, end_session, sessions_of_list, sessions_to_list
from importer.report import archive
from importer.report.digest import digest
from importer.report.names import LINES, PAGE, WORKBOOK

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from importer.journal import Journal
    from importer.model import Against, Digest, Doing, Preview
    from importer.past import Past
    from importer.pipeline.job import Judged
    from importer.settings import Settings

STALE: Final = 3_600.0  # seconds after which nobody writes to a temporary file any more


@dataclass(frozen=True, slots=True)
class Ending:
    """How a command that judges rows ended.

    Attributes:
        run: Its id; of a check, its report's folder.
        sources: Names, in the order given.
        target: The API operation.
        report: The results workbook, or None where none was asked for.
        figures: Counts and totals.
        exit_code: As the process exits.
        stopped: Why it ended before its end.
        warnings: What was noticed about the sources as a whole.
        started: How many rows' cases were started, where partner references were set.
        requests: Kind → how many it took, in the same place.
        cases: Of a check with bundles: how many cases its valid rows make.
        page: What the workbook says as a page of HTML, beside it; None where there is none.
        to_fix: The rows to mend as text, beside it; None where there are none, or the source was no text.
        issues: The issues as JSON Lines, the same.
        preview: What the API said of what was not sent yet, where it was asked.
        digest: What its summary says; None where nobody asked for one.
        against: Of a check and a submit: what the journal knew of the rows before.
    """

    run: str
    sources: tuple[str, ...]
    target: str
    report: Path | None
    figures: Figures
    exit_code: int
    stopped: str | None
    warnings: tuple[str, ...]
    started: int = 0
    requests: Mapping[str, int] = field(default_factory=dict)
    cases: int | None = None
    page: Path | None = None
    to_fix: Path | None = None
    issues: Path | None = None
    preview: Preview | None = None
    digest: Digest | None = None
    against: Against | None = None


def keep(run: Run, judged: Judged, settings: Settings) -> None:
    """Put all that `report` and `resume` need beside where the report will lie.

    Raises:
        CannotStart: The disk does not take it.
    """
    path = rows_path(settings, run.id)
    make_folder(path.parent)
    try:
        archive.save(
            path,
            header=judged.header,
            cells=judged.cells,
            numbers=judged.numbers,
            issues=judged.issues,
            amounts=judged.amounts,
            references=judged.references,
            metadata=run_to_dict(run),
        )
    except OSError as error:
        raise CannotStart(
            f"{path} cannot be written: {error.strerror}. Nothing was sent. Make room, or ask who may write there."
        ) from None


def rows_path(settings: Settings, run: str) -> Path:
    """Say where a run's own copy of its rows lies."""
    return settings.reports / run / "rows.arrow"


def delete_stale(settings: Settings) -> None:
    """Delete what processes that were killed have left of files half written."""
    for file in settings.reports.glob("*/.*.part"):
        if file.stat().st_mtime < time.time() - STALE:
            file.unlink(missing_ok=True)


def report_check(
    run: Run,
    judged: Judged,
    pasts: Mapping[int, Past],
    settings: Settings,
    *,
    foretold: pd.DataFrame | None = None,
    written: bool,
    doing: Doing = quietly,
) -> Ending:
    """Count what a check found, and write its report where one is asked for.

    Args:
        run: The check.
        judged: Its rows.
        pasts: Row key → what the journal knows of it.
        settings: Of the command.
        foretold: By row key, "message" and "solution" of rows that the API would not take.
        written: Whether there is to be a report.
        doing: Gets to know how far that is.

    Raises:
        CannotStart: The report cannot be written.
    """
    outcomes = start_outcomes(judged.cells.index, judged.issues, judged.references)
    outcomes = _recall(outcomes, pasts)
    if foretold is not None:
        for column in ("message", "solution"):
            outcomes[column] = foretold[column].reindex(outcomes.index).combine_first(outcomes[column])
    figures = count(outcomes, judged.amounts, check=True, bundled=judged.bundling is not None)
    stopped = run.preview.stopped if run.preview else ""
    exit_code = Stopped.exit_code if stopped else figures.exit_code
    run = end_session(replace(run, finished=datetime.now(UTC), exit_code=exit_code))
    report = Report(run, judged.header, judged.cells, judged.numbers, judged.issues, outcomes, judged.amounts)
    if written:
        ending = _write(report, settings.reports / run.id / WORKBOOK, figures, doing)
    else:
        ending = replace(end(run, None, figures), digest=digest(report) if settings.notify_check else None)
    ending = replace(ending, stopped=stopped or None, against=run.against)
    if judged.bundling is None:
        return ending
    spared = sum(len(bundle.rows) - 1 for bundle in judged.bundles)
    return replace(ending, cases=figures.counts["valid"] - spared)


def _recall(outcomes: pd.DataFrame, pasts: Mapping[int, Past]) -> pd.DataFrame:
    """Say of the valid rows which of them are imported already, and what else the journal knows of them."""
    if not pasts:
        return outcomes
    told = pd.DataFrame.from_records(
        [
            (past.row, past.way == "already-imported", past.case_id, past.case_reference, past.lifecycle, tell(past))
            for past in pasts.values()
        ],
        columns=["row", "made", "case_id", "reference", "lifecycle", "message"],
        index="row",
    )
    made = outcomes.index.isin(told.index[told["made"].astype(bool)])
    outcomes["status"] = outcomes["status"].mask(made, "already-imported")
    for name in ("case_id", "reference", "lifecycle"):
        outcomes[name] = told[name].astype(TEXT).reindex(outcomes.index).where(made)
    outcomes["message"] = told["message"].astype(TEXT).reindex(outcomes.index).combine_first(outcomes["message"])
    return outcomes


def report_run(run: Run, journal: Journal, settings: Settings, *, ended: bool) -> Ending:
    """Gather what became of each row of a run, and write the report; note in the journal that the run has *ended*.

    Raises:
        CannotStart: The workbook cannot be written.
        RunError: The run's own copy of its rows is gone.
    """
    kept = archive.load(rows_path(settings, run.id))
    outcomes = start_outcomes(kept.cells.index, kept.issues, kept.references)
    outcomes = add_entries(outcomes, journal.of_run(run.id), run.stopped)
    figures = count(outcomes, kept.amounts, check=False, bundled=BUNDLED in dict(run.settings))
    told = journal.run(run.id)["summary"]
    run = replace(
        run,
        exit_code=run.exit_code or figures.exit_code,
        sessions=sessions_of_list(told["sessions"]),
        requests=count_requests(journal, run.id, told),
    )
    path = settings.reports / run.id / WORKBOOK
    if ended:
        run = end_session(run)
        summary = {
            **told,
            "sessions": sessions_to_list(run.sessions),
            "requests": dict(run.requests),
            "counts": dict(figures.counts),
            "totals": [dict(total) for total in figures.totals],
            "unreadable": figures.unreadable,
            "report": str(path),
        }
        journal.end_run(run.id, exit_code=run.exit_code, stopped=run.stopped, summary=summary)
    report = Report(run, kept.header, kept.cells, kept.numbers, kept.issues, outcomes, kept.amounts)
    return _write(report, path, figures)


def _write(report: Report, path: Path, figures: Figures, doing: Doing = quietly) -> Ending:
    """Write the workbook at *path*, and the page, the lines and the rows to mend beside it."""
    from importer.pipeline.writing import write_all  # noqa: PLC0415 - what makes workbooks, for those who want one

    page, lines = path.with_name(PAGE), path.with_name(LINES)
    make_folder(path.parent)
    try:
        said, to_fix = write_all(report, path, page, lines, doing)
    except OSError as error:
        raise CannotStart(f"The report {path} cannot be written: {error.strerror or error}.") from None
    return replace(end(report.run, path, figures), page=page, issues=lines, to_fix=to_fix, digest=said)


def make_folder(folder: Path) -> None:
    """Make a report's folder, readable by its owner alone.

    Raises:
        CannotStart: The disk does not take it.
    """
    try:
        # One by one, since only the last of several made at once gets the mode.
        for place in (folder.parent.parent, folder.parent, folder):
            place.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise CannotStart(
            f"The folder {folder} cannot be made: {error.strerror}. Ask who may write there, "
            "or name another --workspace."
        ) from None


def end(run: Run, path: Path | None, figures: Figures) -> Ending:
    """Say how a command ended."""
    unused = dict(run.settings).get(UNUSED)
    warnings = (f"Columns that feed no field, kept in the report only: {unused}.",) if unused else ()
    sources = tuple(source.name for source in run.sources)
    noticed = tuple(said for source in run.sources for said in source.noticed)
    said = (*noticed, *warnings)
    return Ending(run.id, sources, run.target, path, figures, run.exit_code, run.stopped, said, preview=run.preview)
