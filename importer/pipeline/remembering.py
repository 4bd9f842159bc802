"""What rows to mend bring along from their run besides their columns: what they are for, and what was allowed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from importer.errors import SourceError
from importer.read import recall

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from importer.model import Carried, Table
    from importer.pipeline.job import Job
    from importer.settings import Settings

MENDS: Final = "rows to mend of run"  # these are facts about a source, said aloud before anything is sent
AS_THEN: Final = "as in that run"
NOW: Final = "not as in that run"


def take_target(job: Job, settings: Settings, said: str | None) -> Settings:
    """Have the rows to mend go where their run went, whatever the settings have for other sources.

    Args:
        job: With the sources.
        settings: Of the command.
        said: The target that the user names: that holds, and `judge` refuses rows of another's.
    """
    carried = recall(job.sources[0]) if said is None else None
    return replace(settings, target=carried.target) if carried and carried.target else settings


def remember(job: Job, tables: list[Table]) -> tuple[Job, list[Table]]:
    """Complete what the user asked for by what the run of rows to mend was asked for; what is said now holds.

    Each of *tables* tells as facts what was remembered, and what is not as it was.

    Raises:
        SourceError: Two sources are the same, or rows of the same run, and nothing tells their rows apart.
    """
    carried = tables[0].carried
    test, lenient = job.test, job.allow_missing_reference
    if carried:
        test = carried.test if test is None else test
        lenient = carried.allow_missing_reference if lenient is None else lenient
        facts = tuple(_tell(job, carried))
        tables = [replace(table, facts=(*table.facts, *facts)) for table in tables]
    if lenient:
        _refuse_rows_twice(tables)
    return replace(job, test=bool(test), allow_missing_reference=bool(lenient)), tables


def _refuse_rows_twice(tables: Sequence[Table]) -> None:
    """Refuse sources of the same origin: within a run, equal rows without a reference are so many invoices."""
    seen: dict[str, Table] = {}
    for table in tables:
        for origin in {table.sha256, table.carried.run if table.carried else table.sha256}:
            first = seen.setdefault(origin, table)
            if first is not table:
                raise SourceError(
                    f"{first.path.name} and {table.path.name} are the same rows: those without a creditor reference "
                    "would become cases twice. Submit one of the two, or one after the other."
                )


def _tell(job: Job, carried: Carried) -> Iterator[tuple[str, str]]:
    yield MENDS, f"{carried.run}, for {carried.target}, {_mode(test=carried.test)}"
    if carried.test and job.test is None:
        yield AS_THEN, f"{_mode(test=True)}; --live makes live ones"
    elif job.test is not None and job.test != carried.test:
        yield NOW, f"{_mode(test=job.test)}, as --{'test' if job.test else 'live'} says"
    if carried.allow_missing_reference and job.allow_missing_reference is None:
        yield AS_THEN, "rows without a creditor reference are taken; --need-reference refuses them"
    elif job.allow_missing_reference is not None and job.allow_missing_reference != carried.allow_missing_reference:
        yield NOW, f"rows without a creditor reference are {'taken' if job.allow_missing_reference else 'refused'}"
    yield from _tell_bundling(job, carried)
    if job.mapping:
        yield NOW, f"where the mapping {job.mapping.stem} and that run both feed a field, the mapping does"
    for name, value in job.constants.items():
        if carried.constants.get(name, value) != value:
            yield NOW, f"{name} has another value in every row"
        elif name in carried.columns.values():
            yield NOW, f"{name} has one value in every row, whatever its column says"
    for name, now in _restyled(job, carried):
        yield NOW, f"{name} is read as {now}"


def _mode(*, test: bool) -> str:
    return f"{'test' if test else 'live'} cases"


def _tell_bundling(job: Job, carried: Carried) -> Iterator[tuple[str, str]]:
    earlier = carried.bundling
    if earlier and job.bundle_by in {(), earlier.by}:
        yield AS_THEN, f"bundled by {_name(earlier.by)}{', sent as claimLines' if earlier.lines else ''}"
    elif job.bundle_by:
        yield NOW, f"bundled by {_name(job.bundle_by)}"
    if earlier and job.claim_lines and not earlier.lines:
        yield NOW, "bundles are sent as claimLines"


def _name(fields: Sequence[str]) -> str:
    return ", ".join(fields)


def _restyled(job: Job, carried: Carried) -> Iterator[tuple[str, str]]:
    """Name the fields that the user wants to be read in another way than that run did."""
    fields = carried.columns
    for kind, everywhere in (("decimal", job.decimal), ("order", job.order)):
        said = {fields.get(name, name): style for name, style in getattr(job.said, kind).items()}
        for name, style in getattr(carried.styles, kind).items():
            now = said.get(name, everywhere)
            if now is not None and now != style:
                yield name, now
