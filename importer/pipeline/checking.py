"""check: every row is judged, and reported; nothing is sent."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from importer.errors import NoJournalError
from importer.model import Against, quietly
from importer.past import count
from importer.pipeline.bundling import bundle_rows
from importer.pipeline.describing import describe
from importer.pipeline.job import Compared
from importer.pipeline.judge import judge
from importer.pipeline.reporting import report_check

if TYPE_CHECKING:
    from importer.model import Doing
    from importer.pipeline.account import Api, Waiting
    from importer.pipeline.job import Job, Judged
    from importer.pipeline.reporting import Ending
    from importer.settings import Settings


def check(
    job: Job,
    settings: Settings,
    *,
    environment: str,
    written: bool = True,
    doing: Doing = quietly,
    ask: tuple[Api, Waiting] | None = None,
) -> Ending:
    """Judge every row, say what a submit would do by the journal and, where it is asked, what the API says; report.

    Args:
        job: What to judge.
        settings: Of the command.
        environment: Which world's cases count as imported.
        written: Whether to leave a results workbook.
        doing: Gets to know what is done and how far it is.
        ask: Whom to ask for previews, and who is told why and until when a request has to wait.

    Raises:
        CannotStart: A source or its columns cannot be used, or the workbook cannot be written.
    """
    judged = judge(job, settings, doing)
    job = judged.job
    compared = _compare(judged, job, settings, environment)
    judged, preview, foretold = compared.judged, None, None
    if ask:
        from importer.pipeline.previewing import preview_check  # noqa: PLC0415 - what speaks to the API

        judged, preview, foretold = preview_check(judged, job, compared.made, settings, *ask, doing)
    run = replace(describe(judged, job, settings, "check"), preview=preview, against=compared.against)
    return report_check(run, judged, compared.pasts, settings, foretold=foretold, written=written, doing=doing)


def _compare(judged: Judged, job: Job, settings: Settings, environment: str) -> Compared:
    if not isinstance(settings.journal, Path) or settings.journal.exists():
        from importer.pipeline.comparing import compare_check  # noqa: PLC0415 - what opens a database

        with suppress(NoJournalError):
            return compare_check(judged, job, settings, environment)
    judged = bundle_rows(judged, job, set(), {})
    return Compared(judged, Against("", count((), len(judged.values) - len(judged.faulty)), strange=judged.sent))
