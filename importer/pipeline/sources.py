"""Sources and the mapping that holds for them: the one that is named, else the one whose layout they have."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from importer.errors import ColumnsError, SettingsError, SourceError
from importer.mappings import fitting, load_all, read_mapping, resolve, tell_several
from importer.model import Making, Reading, SavedMapping, Styles, layout, quietly, quote
from importer.read import read

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from importer.model import Carried, Doing, Table
    from importer.pipeline.job import Job
    from importer.settings import Settings
    from schemas import Target

FOUND: Final = "mapping, found by its headers"  # a fact about a source


def take_sources(
    job: Job, settings: Settings, target: Target, doing: Doing = quietly
) -> tuple[list[Table], SavedMapping]:
    """Read the sources of *job*, and find the mapping that holds for them; an empty one where none does.

    *doing* gets to know how far that is.

    Raises:
        SourceError: A source cannot be read.
        ColumnsError: The sources' headers differ, or several saved mappings fit.
        SettingsError: A mapping cannot be read, or is another target's.
    """
    if job.mapping:
        path = resolve(job.mapping, settings.workspace)
        mapping = read_mapping(path)
        if mapping.target not in {"", target.NAME}:
            raise SettingsError(
                f"{path} is a mapping for {mapping.target}: add --target {mapping.target}, or name another --mapping."
            )
        tables = [_read_as(source, job.reading, path, mapping, doing) for source in job.sources]
    else:
        tables, mapping = _find(job, load_all(settings.workspace, target.NAME), doing)
    compare_headers(tables)
    return tables, mapping


def find_mapping(source: Path, reading: Reading, workspace: Path, target: Target) -> tuple[Table, Path | None]:
    """Read one source as the saved mapping whose layout it has wants it; None where there is no such mapping.

    Raises:
        SourceError: It cannot be read.
        ColumnsError: Several saved mappings fit.
        SettingsError: A saved mapping cannot be read.
    """
    return _look(source, reading, load_all(workspace, target.NAME), quietly)


def _find(job: Job, known: Mapping[Path, SavedMapping], doing: Doing) -> tuple[list[Table], SavedMapping]:
    first, path = _look(job.sources[0], job.reading, known, doing)
    if path is None:
        return [first, *(read(source, job.reading, doing) for source in job.sources[1:])], SavedMapping()
    mapping = known[path]
    tables = [first, *(_read_as(source, job.reading, path, mapping, doing) for source in job.sources[1:])]
    return [replace(table, facts=(*table.facts, (FOUND, path.stem))) for table in tables], mapping


def _look(
    source: Path, reading: Reading, known: Mapping[Path, SavedMapping], doing: Doing
) -> tuple[Table, Path | None]:
    """Read a source as it is; where that finds no mapping, as each of those wants that says how to read."""
    once = str(source) == "-"
    others = {path: mapping for path, mapping in known.items() if merge_reading(reading, mapping.reading) != reading}
    try:
        table = read(source, reading, doing)
    except SourceError:
        told = _look_again(source, reading, {} if once else others, doing)
        if told is None:
            raise
        return told
    path = None if table.carried else fitting(table.header, known)
    if path is None:
        told = None if once or table.carried else _look_again(source, reading, others, doing)
        return told or (table, None)
    if path not in others:
        return table, path
    if once:
        raise SourceError(
            f"Standard input is read once, and the mapping {path.stem} says how: add --mapping {path.stem}."
        )
    return _read_as(source, reading, path, known[path], doing), path


def _look_again(
    source: Path, reading: Reading, known: Mapping[Path, SavedMapping], doing: Doing
) -> tuple[Table, Path] | None:
    """Read a source in each way that a mapping wants, and find the one that then fits."""
    found: dict[Path, Table] = {}
    for path, mapping in known.items():
        try:
            table = read(source, merge_reading(reading, mapping.reading), doing)
        except SourceError:
            continue
        if layout(table.header) == layout(mapping.headers):
            found[path] = table
    if not found:
        return None
    path = next(iter(found))
    if len(found) > 1:
        raise ColumnsError(tell_several(list(found)))
    return found[path], path


def merge_reading(said: Reading, saved: Reading) -> Reading:
    """Take what the user says, and what a mapping says of the rest."""
    values = {name: getattr(said, name) for name in Reading.__slots__}
    return Reading(**{name: getattr(saved, name) if value is None else value for name, value in values.items()})


def _read_as(source: Path, reading: Reading, path: Path, mapping: SavedMapping, doing: Doing) -> Table:
    merged = merge_reading(reading, mapping.reading)
    try:
        return read(source, merged, doing)
    except SourceError as error:
        if merged == reading:
            raise
        raise SourceError(f"{error} (It was read as [source] in the mapping {path.stem} says.)") from None


def compare_headers(tables: Sequence[Table]) -> None:
    """Refuse sources that are not of one layout.

    Raises:
        ColumnsError: Their headers differ.
    """
    first = tables[0]
    for other in tables[1:]:
        if other.header != first.header:
            raise ColumnsError(
                f"{other.path.name} has other columns than {first.path.name}: "
                f"{quote(other.header)} instead of {quote(first.header)}. "
                "Sources of one run need the same header; submit them one by one."
            )


def add_carried(tables: Sequence[Table], target: Target, saved: SavedMapping) -> SavedMapping:
    """Add what results workbooks carry to what a mapping says; where both feed a field, the mapping does.

    Raises:
        SettingsError: A results workbook is another target's.
        ColumnsError: The sources do not carry the same.
    """
    for table in tables:
        if table.carried and table.carried.target != target.NAME:
            raise SettingsError(
                f"{table.path.name} is the results workbook of a run for {table.carried.target}; "
                f"submit it with --target {table.carried.target}."
            )
    known = [_carried(table) for table in tables]
    if any(other != known[0] for other in known[1:]):
        names = ", ".join(table.path.name for table in tables if table.carried)
        raise ColumnsError(
            f"{names} brings a mapping, constants or options that the other sources do not share: "
            "submit the sources one by one."
        )
    if known[0] is None:
        return saved
    columns, constants, making = known[0].columns, known[0].constants, known[0].making
    ours = saved.making
    fed = " ".join(f"{{{name}}}" for name in (*saved.columns.values(), *ours.joins)) + " ".join(ours.splits.values())
    used = {*saved.columns, *ours.splits, *ours.ignored}

    def is_free(name: str) -> bool:
        return f"{{{name}}}" not in fed

    splits = {
        column: form
        for column, form in making.splits.items()
        if column not in used and not any(f"{{{name}}}" in form for name in target.FIELDS if not is_free(name))
    }
    return replace(
        saved,
        columns={
            **{text: name for text, name in columns.items() if text not in used and is_free(name)},
            **saved.columns,
        },
        constants={**constants, **saved.constants},
        making=Making(
            splits={**splits, **ours.splits},
            joins={**{name: form for name, form in making.joins.items() if is_free(name)}, **ours.joins},
            values={**making.values, **ours.values},
            ignored=tuple(dict.fromkeys([*(text for text in making.ignored if text not in used), *ours.ignored])),
        ),
    )


def _carried(table: Table) -> Carried | None:
    """Give what sources of one run have to share; how each writes its values is its own."""
    return table.carried and replace(table.carried, run="", styles=Styles(), mixed=frozenset())
