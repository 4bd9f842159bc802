"""The nouns of the program: frozen values that the stages hand to each other."""

from importer.model.cases import Case, Entry
from importer.model.events import Event
from importer.model.rows import column_letters, row_key, split_row_key
from importer.model.runs import Report, Run, Session, SourceInfo
from importer.model.sources import Bundling, Carried, Matching, Parsed, Styles, Table
from importer.model.standings import (
    FIGURES,
    LIFECYCLES,
    NOT_FOUND,
    Change,
    Figures,
    Line,
    Standing,
    StatusReport,
    compare,
    lifecycle_named,
)
from importer.model.templates import TEMPLATED, split_template
from importer.model.words import (
    CHECK_STATUSES,
    HELD,
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
    "FIGURES",
    "HELD",
    "ISSUE_COLUMNS",
    "LIFECYCLES",
    "MIXED",
    "NOT_FOUND",
    "OUTCOME_COLUMNS",
    "REFERENCE_STATUSES",
    "STATUSES",
    "TEMPLATED",
    "Bundling",
    "Carried",
    "Case",
    "Change",
    "DateOrder",
    "DecimalStyle",
    "Entry",
    "Event",
    "Figures",
    "Line",
    "Matching",
    "Parsed",
    "Report",
    "Run",
    "Session",
    "Severity",
    "SourceInfo",
    "Standing",
    "Status",
    "StatusReport",
    "Styles",
    "Table",
    "column_letters",
    "compare",
    "lifecycle_named",
    "row_key",
    "split_row_key",
    "split_template",
]
