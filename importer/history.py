"""What the journal tells: runs, one run, one case; as plain values that print as a table or as JSON."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from importer.journal import Journal

if TYPE_CHECKING:
    from importer.settings import Settings


def runs(settings: Settings) -> list[dict[str, Any]]:
    """List the runs, newest first.

    Raises:
        JournalError: There is no journal, or it cannot be read.
    """
    with closing(_open(settings)) as journal:
        return [_run(run) for run in journal.runs()]


def show(settings: Settings, run: str) -> dict[str, Any]:
    """Tell one run: its counts and totals, where its report lies, how many requests it took.

    Raises:
        RunError: There is no such run.
    """
    with closing(_open(settings)) as journal:
        kept = journal.run(run)
        return {
            **_run(kept),
            "account": kept["account"],
            "target": kept["target"],
            "mode": kept["mode"],
            "finished": _moment(kept["finished"]),
            "stopped": kept["stopped"],
            "exit_code": kept["exit_code"],
            "report": kept["summary"].get("report"),
            "counts": kept["summary"].get("counts"),
            "totals": kept["summary"].get("totals"),
            "requests": journal.count_requests(run),
        }


def find(settings: Settings, value: str) -> list[dict[str, Any]]:
    """Find cases by Debitura's id, Debitura's reference or the creditor reference, newest first."""
    with closing(_open(settings)) as journal:
        return [
            {
                "creditor_reference": case["reference"] if case["has_reference"] else None,
                "status": case["status"],
                "case_id": case["case_id"],
                "reference": case["case_reference"],
                "lifecycle": case["lifecycle"],
                "amount": case["amount"],
                "currency": case["currency"],
                "sent_at": _moment(case["sent_at"]),
                "run": case["run"],
                "row": case["row"],
                "message": case["message"],
                "account": case["account"],
            }
            for case in journal.find(value)
        ]


def _open(settings: Settings) -> Journal:
    return Journal.open(settings.journal, settings.workspace / "locks", create=False)


def _run(kept: Any) -> dict[str, Any]:
    ended = "stopped" if kept["stopped"] else "finished"
    summary = kept["summary"]
    return {
        "run": kept["id"],
        "started": _moment(kept["started"]),
        "sources": summary.get("sources", []),
        "state": "open" if kept["finished"] is None else ended,
        "rows": summary.get("counts", {}).get("rows"),
    }


def _moment(seconds: float | None) -> str | None:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S}Z" if seconds is not None else None
