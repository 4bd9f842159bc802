"""`report.html`: what the workbook's Summary says, and a list of issues to search, in one file that loads nothing."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

import pyarrow as pa
from jinja2 import Environment, PackageLoader, StrictUndefined

from importer.errors import printable
from importer.model import split_row_key
from importer.report.beside import written_beside
from importer.report.carried import tell_run
from importer.report.previewed import tell_preview
from importer.report.sheets import as_texts
from importer.report.web.drawing import LOOKS, PATTERNS, draw_ages, draw_kinds, draw_money, plain
from importer.report.web.texts import (
    group,
    hash_source,
    mark_code,
    mark_figure,
    mark_figures,
    mark_share,
    mark_unseen,
    mark_words,
    opens,
    shorten,
    write_exactly,
    write_plain,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import pandas as pd

    from importer.model import Digest, Reason, Report, Run

LISTED: Final = 5_000  # issues; a browser shows and searches as many in no time
LONGEST: Final = 300  # signs of a cell's text
REASONS: Final = 50  # of each kind
# What readers elsewhere need to know of the run: not who ran it on which machine, nor every setting.
FACTS: Final = ("Run", "Target", "Mode", "Account", "Started", "Finished", "Importer", "Source", "SHA-256", "Read as")
_CELLS: Final = ("column", "field", "severity", "code", "value", "message", "hint")


@dataclass(frozen=True, slots=True)
class Issue:
    """A line of the list of issues: as in `ISSUE_COLUMNS`, with the source's name where there are several."""

    source: str
    row: int
    column: str
    field: str
    severity: str
    code: str
    value: str
    message: str
    hint: str


def write_page(report: Report, digest: Digest, path: Path) -> None:
    """Write the page of *report*, of which *digest* is the summary, beside *path* and renamed into place.

    It is as large as 5,000 issues at most, whatever the size of the source.

    Raises:
        OSError: The disk does not take it; nothing is left of it.
    """
    text = _environment().get_template("page.html.j2").render(_tell(report, digest))
    with written_beside(path) as file:
        file.write(text.encode("utf-8", "replace"))


def _tell(report: Report, digest: Digest) -> dict[str, Any]:
    preview = digest.run.preview
    return {
        "digest": digest,
        "kind": _tell_kind(digest.run),
        "money": draw_money(digest),
        "kinds": draw_kinds(digest),
        "ages": draw_ages(digest),
        "previewed": list(tell_preview(preview)) if preview else [],
        "hindered": [group for group in preview.groups if group.verdict != "would be taken"] if preview else [],
        "issues": list(_list_issues(report)),
        "found": len(report.issues),
        "facts": [(name, value) for name, value in tell_run(digest.run) if name in FACTS],
        "reasons": REASONS,
        "patterns": PATTERNS,
        "looks": LOOKS,
        "style": _source("page.css"),
        "script": _source("page.js"),
    }


def _tell_kind(run: Run) -> str:
    what = "Dry run: nothing was sent" if run.kind == "check" else f"Account {run.account}"
    return what + (", test cases" if run.mode == "test" else "")


def _list_issues(report: Report) -> Iterator[Issue]:
    issues = _choose(report.issues)
    columns = [as_texts(issues[name]).to_pylist() for name in _CELLS]
    sources = [source.name if len(report.run.sources) > 1 else "" for source in report.run.sources]
    for key, *cells in zip(pa.array(issues["row"]).to_pylist(), *columns, strict=True):
        source, row = split_row_key(key)
        yield Issue(sources[source], row, *(shorten(cell or "", LONGEST) for cell in cells))


def _choose(issues: pd.DataFrame) -> pd.DataFrame:
    """Take what the page has room for: the first issues of each kind, so that none is missing; in the order of rows."""
    if len(issues) <= LISTED:
        return issues
    ranks = issues.groupby(["severity", "code", "column"], dropna=False, sort=False).cumcount().to_numpy()
    chosen = ranks.argsort(kind="stable")[:LISTED]
    chosen.sort()
    return issues.iloc[chosen]


def _link(reason: Reason) -> str:
    """Name the issues of a reason as the page's script understands it."""
    column = printable(shorten(reason.column, LONGEST))
    return urlencode({"severity": reason.severity, "code": reason.code} | ({"column": column} if column else {}))


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader(__name__, "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "code": mark_code,
        "exact": write_exactly,
        "figure": mark_figure,
        "figures": mark_figures,
        "group": group,
        "hashed": hash_source,
        "link": _link,
        "opens": opens,
        "plain": plain,
        "printable": write_plain,
        "seen": mark_unseen,
        "share": mark_share,
        "words": mark_words,
    }
    return environment


def _source(name: str) -> str:
    return resources.files(__name__).joinpath(name).read_text(encoding="utf-8")
