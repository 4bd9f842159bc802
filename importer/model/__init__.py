"""The nouns of the program: frozen values that the stages hand to each other."""

from importer.model.breakdown import (
    LONGEST_TEXT,
    Invoice,
    add_exactly,
    head_breakdown,
    read_invoices,
    tell_invoice,
    tell_rest,
)
from importer.model.cases import Case, Entry
from importer.model.dialects import DELIMITERS, find_delimiter, find_encoding
from importer.model.doing import Doing, quietly
from importer.model.events import Event
from importer.model.headers import fold, layout, spellings
from importer.model.making import Made, Making
from importer.model.mappings import SavedMapping
from importer.model.rows import column_letters, quote, row_key, split_row_key
from importer.model.runs import Report, Run, Session, SourceInfo
from importer.model.sources import Bundling, Carried, LeftOut, Matching, Parsed, Reading, Styles, Table
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
    CELL_ERRORS,
    CHECK_STATUSES,
    EXPLAINED,
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
    "CELL_ERRORS",
    "CHECK_STATUSES",
    "DELIMITERS",
    "EXPLAINED",
    "FIGURES",
    "HELD",
    "ISSUE_COLUMNS",
    "LIFECYCLES",
    "LONGEST_TEXT",
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
    "Doing",
    "Entry",
    "Event",
    "Figures",
    "Invoice",
    "LeftOut",
    "Line",
    "Made",
    "Making",
    "Matching",
    "Parsed",
    "Reading",
    "Report",
    "Run",
    "SavedMapping",
    "Session",
    "Severity",
    "SourceInfo",
    "Standing",
    "Status",
    "StatusReport",
    "Styles",
    "Table",
    "add_exactly",
    "column_letters",
    "compare",
    "find_delimiter",
    "find_encoding",
    "fold",
    "head_breakdown",
    "layout",
    "lifecycle_named",
    "quietly",
    "quote",
    "read_invoices",
    "row_key",
    "spellings",
    "split_row_key",
    "split_template",
    "tell_invoice",
    "tell_rest",
]
