"""What values may be called: severities, styles, statuses, and the columns of the frames."""

from __future__ import annotations

from typing import Final, Literal

Severity = Literal["error", "warning"]
DecimalStyle = Literal["point", "comma"]
DateOrder = Literal["dmy", "mdy", "ymd"]
HELD: Final = "bundle-held"  # the code of a row that has no fault but another row's of its bundle
MIXED: Final = "mixed"  # in a results workbook: its sources were written differently, so that nothing may be assumed
EXPLAINED: Final = "Invoice importer template"  # what A1 of a sheet begins with that is never data
Status = Literal[
    "created",
    "already-imported",
    "duplicate",
    "rejected",
    "invalid",
    "held",
    "unknown",
    "not-sent",
    "valid",
    "set",
    "unchanged",
    "refused",
    "by-hand",
]
STATUSES: Final[tuple[Status, ...]] = (
    "created",
    "already-imported",
    "duplicate",
    "rejected",
    "invalid",
    "held",
    "unknown",
    "not-sent",
)
CHECK_STATUSES: Final[tuple[Status, ...]] = ("valid", "already-imported", "invalid", "held")
REFERENCE_STATUSES: Final[tuple[Status, ...]] = (
    "set",
    "unchanged",
    "refused",
    "by-hand",
    "invalid",
    "unknown",
    "not-sent",
)
ISSUE_COLUMNS: Final = ("row", "column", "field", "severity", "code", "value", "message", "hint")
OUTCOME_COLUMNS: Final = (
    "status",
    "case_id",
    "reference",
    "creditor_reference",
    "lifecycle",
    "error",
    "message",
    "solution",
    "sent_at",
)
CELL_ERRORS: Final = (  # of Excel and Google Sheets
    *("#NULL!", "#DIV/0!", "#VALUE!", "#REF!", "#NAME?", "#NUM!", "#N/A", "#GETTING_DATA", "#SPILL!", "#CALC!"),
    *("#FIELD!", "#BLOCKED!", "#UNKNOWN!", "#CONNECT!", "#BUSY!", "#EXTERNAL!", "#PYTHON!", "#TIMEOUT!", "#ERROR!"),
)
IDENTIFIERS: Final = frozenset(  # fields whose cells lose something when a spreadsheet program takes them for numbers
    {
        *("creditorReference", "debtor.companyRegistrationNumber", "debtor.zipCode", "debtor.phone"),
        *("caseReference", "collectionPartnerReference", "caseId"),
    }
)
