"""`Run`: what was run and how, and the mapping that a mended `To fix` takes with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from importer.model import DELIMITERS, MIXED
from importer.report.rows import make_legible

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from importer.model import Making, Run, Session, Styles, Writing
    from importer.report.package import Package

TITLE: Final = "Invoice importer"  # by this in A1 of `Run` a results workbook is recognised
CARRIED: Final = ("Field", "Column", "Constant", "Decimal", "Date order")
MADE: Final = ("Also mapped", "Of", "From", "To")  # the header of what is made of other columns
VALUE_WIDTH: Final = 66  # characters
LINE: Final = 15  # points


def add_run(package: Package, run: Run, remarks: Sequence[str]) -> None:
    """Add `Run`: names and values, then the table that the reader takes up again; all of it text."""
    sheet = package.add_small("Run")
    sheet.set_column(0, 0, 32)
    sheet.set_column(1, 1, VALUE_WIDTH)
    sheet.set_column(2, 4, 16)
    sheet.set_landscape()
    sheet.fit_to_pages(1, 0)
    sheet.write_string(0, 0, TITLE, package.formats["title"])
    row = 1
    for name, value in [*tell_run(run), *(("Remark", text) for text in remarks)]:
        sheet.write_string(row, 0, make_legible(name), package.formats["key"])
        sheet.write_string(row, 1, make_legible(value), package.formats["wrapped"])
        # Programs that print a workbook do not make room for what wraps.
        sheet.set_row(row, LINE * -(-max(1, len(value)) // VALUE_WIDTH))
        row += 1
    for header, lines in ((CARRIED, _carried(run)), (MADE, _made(run.making))):
        row += 1
        for column, text in enumerate(header):
            sheet.write_string(row, column, text, package.formats["header"])
        for line in lines:
            row += 1
            for column, text in enumerate(line):
                if text:
                    sheet.write_string(row, column, make_legible(text), package.formats["plain"])
        row += 1


def tell_run(run: Run) -> Iterator[tuple[str, str]]:
    """Name all that was run and how, each with its value."""
    yield "Run", run.id
    yield "Kind", "dry run: nothing was sent" if run.kind == "check" else run.kind
    yield "Target", run.target
    yield "Mode", run.mode
    if run.account:
        yield "Account", run.account
        yield "Host", run.host
    yield "Started", f"{run.started:%Y-%m-%d %H:%M:%S} UTC"
    yield "Finished", f"{run.finished:%Y-%m-%d %H:%M:%S} UTC" if run.finished else "not finished"
    yield "Exit code", str(run.exit_code)
    if run.stopped:
        yield "Stopped", run.stopped
    yield "Importer", run.version
    for number, session in enumerate(run.sessions, 1):
        yield f"Session {number}", _tell_session(session)
    if run.requests:
        yield "Requests", ", ".join(f"{kind} {count:,}" for kind, count in sorted(run.requests.items()))
    for source in run.sources:
        yield "Source", source.name
        yield "SHA-256", source.sha256
        yield "Read as", ", ".join(f"{name} {value}" for name, value in source.facts)
    if writing := written_like(run):
        yield "CSV encoding", writing.encoding
        yield "CSV delimiter", DELIMITERS.get(writing.delimiter, writing.delimiter)
    yield from run.settings


def written_like(run: Run) -> Writing | None:
    """Say how the rows to mend are written as CSV: as the first source, where all are texts; else not at all."""
    return run.sources[0].writing if run.sources and all(source.writing for source in run.sources) else None


def _tell_session(session: Session) -> str:
    ended = f"{session.ended:%Y-%m-%d %H:%M:%S} UTC, exit code {session.exit_code}" if session.ended else "cut short"
    return f"{session.by}, importer {session.version}: {session.began:%Y-%m-%d %H:%M:%S} UTC to {ended}"


def _carried(run: Run) -> Iterator[tuple[str, str, str, str, str]]:
    for header, name in run.columns.items():
        yield name, header, "", _agreed(run.styles, "decimal", name), _agreed(run.styles, "order", name)
    for name, value in run.constants.items():
        yield name, "", value, "", ""


def _agreed(styles: Sequence[Styles], kind: str, name: str) -> str:
    """Give the style that all sources share; several cannot all be right about the rows of the one sheet."""
    found = {getattr(style, kind).get(name, "") for style in styles} - {""}
    return MIXED if len(found) > 1 else next(iter(found), "")


def _made(making: Making) -> Iterator[tuple[str, str, str, str]]:
    yield from (("Split", column, "", form) for column, form in making.splits.items())
    yield from (("Join", name, form, "") for name, form in making.joins.items())
    for name, values in making.values.items():
        yield from (("Value", name, text, meant) for text, meant in values.items())
    yield from (("Ignored", column, "", "") for column in making.ignored)
