"""The nouns of the program: frozen values that the stages hand to each other."""

from importer.model.cases import Case, Entry
from importer.model.events import Event
from importer.model.rows import column_letters, row_key, split_row_key
from importer.model.runs import Report, Run, Session, SourceInfo
from importer.model.sources import Carried, Matching, Parsed, Styles, Table
from importer.model.words import (
    CHECK_STATUSES,
    ISSUE_COLUMNS,
    MIXED,
    OUTCOME_COLUMNS,
    REFERENCE_STATUSES,
    STATUSES,
    DateOrder,
    DecimalStyle,
    Severity,
    Status,
)

__all__ = [
    "CHECK_STATUSES",
    "ISSUE_COLUMNS",
    "MIXED",
    "OUTCOME_COLUMNS",
    "REFERENCE_STATUSES",
    "STATUSES",
    "Carried",
    "Case",
    "DateOrder",
    "DecimalStyle",
    "Entry",
    "Event",
    "Matching",
    "Parsed",
    "Report",
    "Run",
    "Session",
    "Severity",
    "SourceInfo",
    "Status",
    "Styles",
    "Table",
    "column_letters",
    "row_key",
    "split_row_key",
]
