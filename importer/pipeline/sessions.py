"""Who worked at a run, when, with what, and how it ended: what the journal's `runs.summary` keeps for the record."""

from __future__ import annotations

import getpass
import socket
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from importer import __version__
from importer.model import Session

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from importer.journal import Journal
    from importer.model import Run


def begin_session(began: datetime) -> Session:
    """Note that this process, of this user on this machine, works at a run."""
    try:
        user = getpass.getuser()
    except (OSError, KeyError, ImportError):  # a container may run under a number that has no name
        user = "unknown"
    return Session(began, f"{user}@{socket.gethostname()}", __version__)


def end_session(run: Run) -> Run:
    """Note that the run's last session ended as the run did."""
    *earlier, last = run.sessions
    ended = replace(last, ended=run.finished, exit_code=run.exit_code, stopped=run.stopped)
    return replace(run, sessions=(*earlier, ended))


def summarise(run: Run) -> dict[str, Any]:
    """Say of a run that begins what is to be known of it when its report is gone; no debtor's data, no constants."""
    return {
        "sources": [source.name for source in run.sources],
        "sha256": [source.sha256 for source in run.sources],
        "account_name": run.account,
        "host": run.host,
        "version": run.version,
        "settings": dict(run.settings),
        "sessions": sessions_to_list(run.sessions),
    }


def sessions_to_list(sessions: Iterable[Session]) -> list[dict[str, Any]]:
    """Make of sessions what JSON can hold; `sessions_of_list` reads it back."""
    return [
        {
            "began": session.began.timestamp(),
            "by": session.by,
            "version": session.version,
            "ended": session.ended.timestamp() if session.ended else None,
            "exit_code": session.exit_code,
            "stopped": session.stopped,
        }
        for session in sessions
    ]


def sessions_of_list(kept: Iterable[Mapping[str, Any]]) -> tuple[Session, ...]:
    """Read the sessions that `sessions_to_list` wrote."""
    return tuple(
        Session(**{**one, "began": _moment(one["began"]), "ended": _moment(one["ended"]) if one["ended"] else None})
        for one in kept
    )


def count_requests(journal: Journal, run: str, summary: Mapping[str, Any]) -> dict[str, int]:
    """Count a run's requests by kind; those that ask whose key it is belong to no case: each session makes one."""
    if "purged" in summary:
        return dict(summary["requests"])
    told = summary.get("requests", {})  # those of no case are known to nothing else
    return {**told, **journal.count_requests(run), "me": len(summary.get("sessions", ()))}


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
