"""What became of the rows of `importer references`: in the journal, in the workbook, in figures."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from importer import messages
from importer.errors import Stopped
from importer.model import REFERENCE_STATUSES, Report
from importer.partner.wish import Outcome
from importer.pipeline.record import MOMENT, TEXT, Figures, start_outcomes
from importer.pipeline.reporting import Ending, end, make_folder
from importer.pipeline.sessions import end_session, summarise
from importer.report import references as workbook
from importer.report.plain import write_to_fix

if TYPE_CHECKING:
    from collections.abc import Mapping

    from importer.errors import ImporterError
    from importer.journal import Journal
    from importer.model import Run
    from importer.pipeline.account import Account
    from importer.pipeline.job import Judged
    from importer.settings import Settings

UNRESUMABLE: Final = "it set partner references; the same `importer references` again does what is left"
BLANK: Final = Outcome("unchanged", message=messages.BLANK.say())


def begin(run: Run, account: Account, journal: Journal) -> None:
    """Note in the journal that a run begins, and who runs it."""
    summary = {**summarise(run), "unresumable": UNRESUMABLE}
    whose = {"account": account.id, "target": run.target, "mode": run.mode}
    with journal.begin() as connection:
        journal.add_run(connection, run.id, **whose, resumable=False, summary=summary)


def report(
    judged: Judged,
    outcomes: Mapping[int, Outcome],
    run: Run,
    stopped: ImporterError | None,
    requests: Mapping[str, int],
    journal: Journal,
    settings: Settings,
) -> Ending:
    """Write the workbook, and note in the journal how it ended.

    Raises:
        Stopped: The workbook cannot be written; what was set is set.
    """
    told = _tell(judged, outcomes)
    seen = told["status"].value_counts()
    counts = {"rows": len(told)} | {name: int(seen.get(name, 0)) for name in REFERENCE_STATUSES}
    code = stopped.exit_code if stopped else _exit_code(counts)
    said = str(stopped) if stopped else None
    ended = replace(run, finished=datetime.now(UTC), stopped=said, exit_code=code, requests=dict(requests))
    ended = end_session(ended)
    path = settings.reports / run.id / "results.xlsx"
    summary: dict[str, Any] = {**summarise(ended), "unresumable": UNRESUMABLE, "requests": dict(requests)}
    summary |= {"counts": counts, "report": str(path)}
    journal.end_run(run.id, exit_code=code, stopped=said, summary=summary)
    make_folder(path.parent)
    amounts = judged.cells[[]]
    whole = Report(ended, judged.header, judged.cells, judged.numbers, judged.issues, told, amounts)
    try:
        workbook.write(whole, path)
        to_fix = write_to_fix(whole, path.parent)
    except OSError as error:
        why = error.strerror or error
        raise Stopped(f"The report {path} cannot be written: {why}. What was set is set.") from None
    return replace(
        end(ended, path, Figures(counts, (), 0)),
        started=int(told["started"].sum()),
        requests=dict(requests),
        to_fix=to_fix,
    )


def _exit_code(counts: Mapping[str, int]) -> int:
    if counts["unknown"]:
        return 5
    return int(any(counts[name] for name in ("invalid", "refused", "by-hand")))


def _tell(judged: Judged, outcomes: Mapping[int, Outcome]) -> pd.DataFrame:
    """Put what became of each row into the frame of a report, with the columns "before", "after" and "started"."""
    told = start_outcomes(judged.cells.index, judged.issues, judged.references)
    rows = told.index[told["status"] == "valid"]
    known = [outcomes.get(int(row), BLANK) for row in rows]
    cases = [outcome.case for outcome in known]
    told["case_id"], told["reference"] = judged.values["caseId"], judged.values["caseReference"]
    told["before"] = told["after"] = pd.Series(None, index=told.index, dtype=TEXT)
    columns: dict[str, list[str | None]] = {
        "status": [outcome.status for outcome in known],
        "case_id": [case.id if case else None for case in cases],
        "reference": [case.reference if case else None for case in cases],
        "lifecycle": [case.lifecycle if case else None for case in cases],
        "before": [outcome.before or None for outcome in known],
        "after": [outcome.after or None for outcome in known],
        "error": [outcome.error or None for outcome in known],
        "message": [outcome.message or None for outcome in known],
    }
    for name, texts in columns.items():
        found = pd.Series(texts, index=rows, dtype=TEXT).reindex(told.index)
        told[name] = found.fillna(told[name])
    moments = [datetime.fromtimestamp(outcome.when, UTC) if outcome.when else None for outcome in known]
    told["sent_at"] = pd.Series(moments, index=rows, dtype=MOMENT).reindex(told.index)
    told["started"] = pd.Series([outcome.started for outcome in known], index=rows).reindex(told.index) == True  # noqa: E712
    return told
