"""What the journal tells: runs, one run, one case with its attempts; as plain values, printed as tables or JSON."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from importer.errors import RunError
from importer.journal import Journal, auditing, clients, deliveries, identifying, kept_back
from importer.journal.bundles import own_amounts
from importer.model import split_row_key

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from importer.journal import Connection, RowMapping
    from importer.settings import Settings

# What people call the states of a case that has not come to its end.
SHOWN: Final = {"planned": "not-sent", "sending": "unknown", "waiting": "unknown"}


def runs(settings: Settings) -> list[dict[str, Any]]:
    """List the runs, newest first.

    Raises:
        JournalError: There is no journal, or it cannot be read.
    """
    with closing(_open(settings)) as journal:
        return [_run(run) for run in journal.runs()]


def show(settings: Settings, run: str) -> dict[str, Any]:
    """Tell one run: who, when, which files, with what settings; counts, totals, requests, and where its report lies.

    Raises:
        RunError: There is no such run.
    """
    from importer.pipeline.sessions import count_requests  # noqa: PLC0415 - pandas, which `find` need not wait for

    with closing(_open(settings)) as journal:
        kept = journal.run(run)
        summary = kept["summary"]
        with journal.reading() as connection:
            stands = deliveries.stands(connection, run)
            accounts = clients.accounts_of_run(connection, run)
        return {
            **_run(kept),
            "account": kept["account"],
            "clients": accounts,
            "account_name": summary.get("account_name"),
            "host": summary.get("host"),
            "target": kept["target"],
            "mode": kept["mode"],
            "finished": _moment(kept["finished"]),
            "stopped": kept["stopped"],
            "exit_code": kept["exit_code"],
            "purged": _purged(summary.get("purged")),
            "report": summary.get("report"),
            "counts": summary.get("counts"),
            "totals": summary.get("totals"),
            "stands": stands,
            "requests": count_requests(journal, run, summary),
            "sha256": summary.get("sha256", []),
            "version": summary.get("version"),
            "settings": summary.get("settings", {}),
            "sessions": [_session(session) for session in summary.get("sessions", ())],
        }


def show_row(settings: Settings, run: str, row: int) -> list[dict[str, Any]]:
    """Tell what became of row number *row* of a run, and each attempt at it; one for each source that has it.

    Raises:
        RunError: There is no such run, or it has no such row.
    """
    with closing(_open(settings)) as journal:
        journal.run(run)
        with journal.reading() as connection:
            found = _cases(connection, auditing.cases_of_row(connection, run, row))
            found += [_kept_back(one) for one in kept_back.of_row(connection, run, row)]
    if not found:
        raise RunError(
            f"Run {run} made no case of row {row} and kept none back: see Results in its report for the rows it has."
        )
    return found


def find(settings: Settings, value: str) -> list[dict[str, Any]]:
    """Find cases by Debitura's id, Debitura's reference or the creditor reference, newest first."""
    with closing(_open(settings)) as journal, journal.reading() as connection:
        return _cases(connection, identifying.find(connection, value))


def met(settings: Settings, *references: str) -> list[dict[str, Any]]:
    """List the rows of all runs that had one of *references*, oldest first: what became of each, and why."""
    with closing(_open(settings)) as journal, journal.reading() as connection:
        return [
            {
                "at": _moment(row["started"]),
                "run": row["run"],
                "row": split_row_key(row["row"])[1],
                "creditor_reference": row["reference"],
                "status": SHOWN.get(row["status"], row["status"]),
                "codes": row["codes"].split("\n") if row["codes"] else [],
                "case_id": row["case_id"],
                "target": row["target"],
                "mode": row["mode"],
            }
            for row in kept_back.met(connection, {reference for reference in references if reference})
        ]


def rows_of(settings: Settings, case_id: str) -> list[str]:
    """Name the rows of runs that have the case with this id, as `<run> row <number>`, newest first."""
    with closing(_open(settings)) as journal, journal.reading() as connection:
        found = identifying.find(connection, case_id)
    return [f"{case['run']} row {split_row_key(case['row'])[1]}" for case in found]


def _cases(connection: Connection, found: Sequence[RowMapping]) -> list[dict[str, Any]]:
    attempts = auditing.attempts_of(connection, (case["pk"] for case in found))
    purged = auditing.purged_on(connection, {case["run"] for case in found})
    told = deliveries.histories(connection, (case["case_id"] for case in found if case["case_id"]))
    own = own_amounts(connection, found)
    return [
        {
            "creditor_reference": case["reference"] if case["has_reference"] else None,
            "creditor": case["creditor"] or None,
            "status": case["status"],
            "case_id": case["case_id"],
            "reference": case["case_reference"],
            "lifecycle": case["lifecycle"],
            "amount": own.get(case["pk"], case["amount"]),
            "currency": case["currency"],
            "sent_at": _moment(case["sent_at"]),
            "run": case["run"],
            "row": split_row_key(case["row"])[1],
            "bundled_with_row": split_row_key(case["bundle"])[1]
            if case["bundle"] not in {None, 0, case["row"]}
            else None,
            "message": case["message"],
            "account": case["account"],
            "client": case["client"] or None,
            "purged": _purged(purged.get(case["run"])),
            "history": [_change(change) for change in told.get(case["case_id"], ())],
            "attempts": [_attempt(request) for request in attempts.get(case["pk"], ())],
        }
        for case in found
    ]


def _kept_back(row: RowMapping) -> dict[str, Any]:
    return {
        "creditor_reference": row["reference"],
        "status": row["status"],
        "codes": row["codes"].split("\n"),
        "run": row["run"],
        "row": split_row_key(row["row"])[1],
    }


def _change(change: Mapping[str, Any]) -> dict[str, Any]:
    return {**change, "at": _moment(change["at"])}


def _purged(when: str | None) -> str | None:
    return f"on {when}: what does not prevent duplicates is gone" if when else None


def _attempt(request: RowMapping) -> dict[str, Any]:
    return {
        "left": _moment(request["left_at"]),
        "ended": _moment(request["ended_at"]),
        "kind": request["kind"],
        "result": request["result"],
        "request_id": request["request_id"],
    }


def _session(session: Mapping[str, Any]) -> dict[str, Any]:
    stopped = session["stopped"] or (None if session["ended"] else "it runs still, or was cut short")
    return {**session, "began": _moment(session["began"]), "ended": _moment(session["ended"]), "stopped": stopped}


def _open(settings: Settings) -> Journal:
    return Journal.open(settings.journal, settings.locks, create=False)


def _run(kept: Any) -> dict[str, Any]:
    summary = kept["summary"]
    ended = "purged" if "purged" in summary else "stopped" if kept["stopped"] else "finished"
    return {
        "run": kept["id"],
        "started": _moment(kept["started"]),
        "sources": summary.get("sources", []),
        "state": "open" if kept["finished"] is None else ended,
        "rows": summary.get("counts", {}).get("rows"),
    }


def _moment(seconds: float | None) -> str | None:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S}Z" if seconds is not None else None
