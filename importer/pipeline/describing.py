"""A run before it begins: its id, and all that shaped it."""

from __future__ import annotations

import re
import secrets
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from importer import __version__
from importer.model import Run
from importer.pipeline.sessions import begin_session

if TYPE_CHECKING:
    from collections.abc import Mapping

    from importer.pipeline.job import Job, Judged
    from importer.settings import Settings

    Kind = Literal["check", "submit", "references", "details"]

RUN_ID_STEM: Final = 40  # characters of a source's name in a run's id
UNUSED: Final = "Columns not used"
BUNDLED: Final = "Bundle by"


def describe(judged: Judged, job: Job, settings: Settings, kind: Kind) -> Run:
    """Give a run its id, and say all that shaped it."""
    started = datetime.now(UTC)
    stem = _stem_of(*judged.mends[:1]) or re.sub(r"[^A-Za-z0-9._]+", "-", Path(judged.sources[0].name).stem)
    stem = stem.strip("-.")[:RUN_ID_STEM] or "source"
    shown = _tell_settings(judged, job, settings, kind)
    return Run(
        id=f"{started:%Y%m%d-%H%M%S}-{stem}-{secrets.token_hex(2)}",
        kind=kind,
        sources=judged.sources,
        target=judged.target.NAME,
        mode=job.mode,
        account="",
        host="",
        started=started,
        finished=None,
        version=__version__,
        settings=tuple((name, str(value)) for name, value in shown.items() if value is not None),
        columns=judged.columns,
        making=judged.making,
        constants=judged.constants,
        styles=judged.styles,
        stopped=None,
        exit_code=0,
        sessions=(begin_session(started),),
    )


def _tell_settings(judged: Judged, job: Job, settings: Settings, kind: Kind) -> dict[str, object]:
    """Name all that the user chose; None where that was left as it is."""
    return {
        "Rate": str(settings.rate),
        "Requests in flight at most": settings.concurrency,
        "Patience with a request (s)": settings.timeout,
        "Limit": job.limit,
        "Sheet": job.reading.sheet,
        "Encoding": job.reading.encoding,
        "Delimiter": job.reading.delimiter,
        "Header row": job.reading.header_row,
        "Hidden rows": job.reading.hidden_rows,
        "Mapping": job.mapping,
        "Mends run": ", ".join(judged.mends) or None,
        "Date order": _tell_styles(job.order, job.said.order),
        "Decimal": _tell_styles(job.decimal, job.said.decimal),
        "All or nothing": job.all_or_nothing or None,
        "Keep going": settings.keep_going or None,
        "Allow pending contracts": job.allow_pending_contracts or None,
        "Allow missing reference": job.allow_missing_reference or None,
        "Activate": job.activate or None,
        "Clear blank": job.clear_blank or None,
        "Reference path": settings.reference_path or None if kind == "references" else None,
        **_tell_bundling(judged),
        UNUSED: ", ".join(judged.unmapped) or None,
    }


def _stem_of(run: str = "") -> str:
    """Take the name out of a run's id: what mends its rows is called after the source, however many rounds it takes."""
    found = re.fullmatch(r"[0-9]{8}-[0-9]{6}-([A-Za-z0-9._-]+)-[0-9a-f]{4}", run)
    return found[1] if found else ""


def _tell_styles(everywhere: str | None, columns: Mapping[str, str]) -> str | None:
    """Tell how all columns, and single ones, were said to be written."""
    said = [everywhere] if everywhere else []
    return ", ".join([*said, *(f"{name}={style}" for name, style in columns.items())]) or None


def _tell_bundling(judged: Judged) -> dict[str, object]:
    """Say by what rows were bundled; a results workbook takes it along."""
    if judged.bundling is None:
        return {}
    names = {
        f"{BUNDLED} {number}" if number > 1 else BUNDLED: name for number, name in enumerate(judged.bundling.by, 1)
    }
    return {**names, "Claim lines": judged.bundling.lines or None}
