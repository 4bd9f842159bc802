"""map: what a source's columns are, and whether a mapping of them is enough to judge its rows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from importer.errors import ColumnsError, SettingsError
from importer.mappings import read_mapping, resolve
from importer.match import make, match
from importer.match.judging import judge
from importer.match.proposing import Proposal, guess, propose
from importer.parse import parse
from importer.pipeline.sources import find_mapping, merge_reading
from importer.read import read

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from importer.model import Reading, SavedMapping, Table
    from importer.settings import Settings
    from schemas import Target


@dataclass(frozen=True, slots=True)
class Begun:
    """Where the work at a mapping begins.

    Attributes:
        table: The source.
        proposal: What is certain, or saved; and what the rest probably is.
        path: The saved mapping that it begins with, or None.
    """

    table: Table
    proposal: Proposal
    path: Path | None


def begin(
    source: Path,
    reading: Reading,
    settings: Settings,
    target: Target,
    *,
    constants: Mapping[str, str],
    mapping: Path | None,
) -> Begun:
    """Read a source, and begin with the mapping that is named, or fits, or is proposed.

    Raises:
        SourceError: It cannot be read.
        ColumnsError: Several saved mappings fit, or the one that is named does not, or a constant is for no field.
        SettingsError: A mapping cannot be read, or the source brings its own.
    """
    if mapping is None:
        table, path = find_mapping(source, reading, settings.workspace, target)
    else:
        path = resolve(mapping, settings.workspace)
        table = read(source, merge_reading(reading, read_mapping(path).reading))
    if table.carried:
        raise SettingsError(f"{table.path.name} is a results workbook and carries its mapping; map its source instead.")
    proposal = propose(table, target, constants)
    if path is not None:
        saved = read_mapping(path)
        saved = replace(saved, target=target.NAME, headers=proposal.mapping.headers)
        saved = replace(saved, constants={**saved.constants, **constants})
        proposal = Proposal(saved, guess(saved, table.header, target))
    begun = proposal.mapping
    problems = list(judge(table.header, target, begun.columns, begun.constants, begun.making, begun.styles))
    if problems:
        raise ColumnsError(" ".join(problems))
    kept = merge_reading(reading, proposal.mapping.reading)
    return Begun(table, replace(proposal, mapping=replace(proposal.mapping, reading=kept)), path)


def find_problem(table: Table, mapping: SavedMapping, target: Target) -> str:
    """Say what keeps the rows from being judged with this mapping; blank where nothing does."""
    try:
        matching = match(
            table.header,
            target,
            mapping=mapping.columns,
            constants=mapping.constants,
            making=mapping.making,
            styles=mapping.styles,
        )
        made, _, _ = make(table, matching, target)
        parse(made, matching, target, carried=mapping.styles, latest=datetime.now(UTC).year + 1)
    except ColumnsError as error:
        return str(error)
    return ""
