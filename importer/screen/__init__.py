"""What people see on a terminal: the offer before a run, its progress, its summary, and the tables of the journal."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from importer.errors import printable
from importer.screen.progress import Watching, Working, duration, moment

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from importer.model import Against, Preview
    from importer.pipeline.details import Fetched
    from importer.pipeline.prepare import Offer
    from importer.pipeline.rebuild import Rebuilt
    from importer.pipeline.record import Figures
    from importer.pipeline.references import Errand
    from importer.pipeline.refreshing import Refreshed
    from importer.pipeline.reporting import Ending

__all__ = [
    "Watching",
    "Working",
    "console",
    "duration",
    "moment",
    "show_against",
    "show_ending",
    "show_errand",
    "show_facts",
    "show_fetched",
    "show_offer",
    "show_preview",
    "show_rebuilt",
    "show_referred",
    "show_refreshed",
    "show_table",
]

PREVIEWED: Final = 15  # lines of a preview
NAMED: Final = 20  # references in one sentence

_STYLES: Final[Mapping[str, str]] = {
    "created": "green",
    "valid": "green",
    "already-imported": "cyan",
    "duplicate": "yellow",
    "rejected": "red",
    "invalid": "red",
    "held": "magenta",
    "unknown": "bold yellow",
    "not-sent": "yellow",
    "set": "green",
    "unchanged": "cyan",
    "refused": "red",
    "by-hand": "yellow",
}
_VERDICTS: Final[Mapping[str, str]] = {
    "would be taken": "green",
    "contract missing": "bold yellow",
    "would be refused": "red",
    "not known": "yellow",
}


class _Screen(Console):
    """Prints nothing that would steer the terminal: names of files, sheets and columns are anybody's."""

    def print(self, *objects: Any, **how: Any) -> None:
        super().print(*(_plain(one) if isinstance(one, str) else one for one in objects), **how)


def _plain(text: str) -> str:
    return "\n".join(map(printable, text.split("\n")))


def console(*, quiet: bool) -> Console:
    """Open the screen: stderr, since stdout carries the one thing that scripts read."""
    return _Screen(stderr=True, quiet=quiet, highlight=False, soft_wrap=True)


def show_offer(screen: Console, offer: Offer) -> None:
    """Say what would be sent, whose and where to, before the question whether to send it."""
    for said in offer.noticed:
        screen.print(said, style="yellow", markup=False)
    if offer.preview:
        show_preview(screen, offer.preview)
    kind = "test case" if offer.test else "case"
    amounts = ", ".join(f"{amount:,.2f} {currency}" for currency, amount in sorted(offer.totals.items())) or "nothing"
    of_rows = "" if offer.rows == offer.cases else f" of {offer.rows:,} rows"
    screen.print(f"[bold]{offer.cases:,} {kind}{'' if offer.cases == 1 else 's'}[/]{of_rows} to create: {amounts}")
    screen.print(f"For {offer.account} at {offer.host}; this takes at least {duration(offer.seconds)}.", markup=False)
    for reason in offer.absent:
        screen.print(reason, style="yellow", markup=False)
    show_against(screen, offer.against)
    if offer.invalid:
        screen.print(
            "1 row has errors and is not sent."
            if offer.invalid == 1
            else f"{offer.invalid:,} rows have errors and are not sent."
        )
    if offer.held:
        waiting = "1 row waits for a row of its" if offer.held == 1 else f"{offer.held:,} rows wait for a row of their"
        screen.print(f"{waiting} bundle that has an error.")


def show_preview(screen: Console, preview: Preview) -> None:
    """Say what the API would do: a line a group, and each reason once with where it is settled."""
    from importer.pipeline.record import plain  # noqa: PLC0415 - imported by whoever has a preview

    shown = preview.groups[:PREVIEWED]
    table = Table(box=None, pad_edge=False)
    for column, right in (("Preview", False), ("rows", True), ("amount", True), ("fee", True), ("", False)):
        table.add_column(column, justify="right" if right else "left", overflow="fold")
    for group in shown:
        fee = group.forecast.total if group.forecast else None
        table.add_row(
            Text(_plain(group.title)),
            f"{group.rows:,}",
            _grouped(plain(group.amount)),
            "" if fee is None else f"{fee:.2f} %",
            Text(group.verdict, style=_VERDICTS[group.verdict]),
        )
    if shown:
        screen.print(table)
        screen.print("The fee is that of each line's largest case; smaller, older or younger ones may have another.")
    if len(preview.groups) > len(shown):
        screen.print(f"{len(preview.groups) - len(shown):,} more lines are in the report.")
    reasons = dict.fromkeys(f"{text} {link}".strip() for group in preview.groups for text, link in group.reasons())
    for reason in list(reasons)[:PREVIEWED]:
        screen.print(reason, style="yellow", markup=False)
    if preview.stopped:
        screen.print(f"The preview is not complete. {preview.stopped}", style="bold red", markup=False)


def show_against(screen: Console, against: Against) -> None:
    """Say what the journal knows of the rows, and what differs from the last time."""
    for said in against.sentences:
        screen.print(said, markup=False)


def show_ending(screen: Console, ending: Ending) -> None:
    """Say how it ended: counts and totals by status, what was noticed, where the report lies."""
    for warning in ending.warnings:
        screen.print(warning, style="yellow", markup=False)
    screen.print(_figures(ending.figures))
    if ending.cases is not None:
        screen.print(f"The valid rows make {ending.cases:,} case{'' if ending.cases == 1 else 's'}.")
    if ending.figures.unreadable:
        rows = "1 row is" if ending.figures.unreadable == 1 else f"{ending.figures.unreadable:,} rows are"
        screen.print(f"{rows} in no total: the amount, or its currency, cannot be read.")
    if ending.stopped and "not-sent" in ending.figures.counts:  # a check sends nothing, and is no run
        screen.print(ending.stopped, style="bold red", markup=False)
        left = ending.figures.counts["not-sent"]
        unknown = ending.figures.counts.get("unknown", 0)
        screen.print(f"Rows not sent: {left:,}, unknown: {unknown:,}. Go on with: importer resume {ending.run}")
    elif ending.figures.counts.get("unknown"):
        screen.print(f"Settle what is unknown with: importer resume {ending.run}")
    if ending.to_fix:
        screen.print(f"To mend as text, and submit again: {ending.to_fix}", markup=False, soft_wrap=True)
    if ending.page:
        screen.print(f"To read in a browser, print or mail: {ending.page}", markup=False, soft_wrap=True)


def show_errand(screen: Console, errand: Errand) -> None:
    """Say which cases would be started and changed, before the question whether to."""
    if errand.starts:
        cases = "1 case" if errand.starts == 1 else f"{errand.starts:,} cases"
        screen.print(f"[bold]{cases}[/] to start: accepted for collection, for good, and each creditor gets a message")
        screen.print(f"The messages are sent as {', '.join(errand.senders)}.", markup=False)
    if errand.changes:
        screen.print(f"[bold]{errand.changes:,}[/] references to change")
    screen.print(
        f"For {errand.account} at {errand.host}; this takes at least {duration(errand.seconds)}.", markup=False
    )
    if errand.counts:
        screen.print(f"The others: {', '.join(f'{count:,} {name}' for name, count in errand.counts.items())}.")


def show_referred(screen: Console, ending: Ending) -> None:
    """Say how the setting of references ended."""
    for warning in ending.warnings:
        screen.print(warning, style="yellow", markup=False)
    screen.print(_figures(ending.figures))
    if ending.started:
        screen.print(f"Cases started: rows {ending.started:,}.")
    if ending.stopped:
        screen.print(ending.stopped, style="bold red", markup=False)
    if ending.figures.counts.get("unknown") or ending.figures.counts.get("not-sent"):
        screen.print("The same command again looks up what is stored, and does what is left.")
    if ending.figures.counts.get("by-hand"):
        screen.print("Some references have to be set by hand in the portal; the report says where.")


def show_fetched(screen: Console, fetched: Fetched) -> None:
    """Say how many cases were found, what is outstanding, and what was noticed."""
    found = fetched.findings
    told = [f"{name} {rows:,}" for name, rows in found.counts.items() if rows]
    screen.print(f"Rows: {', '.join(told)}. Cases: {found.cases:,}.", markup=False)
    for currency, sums in sorted(found.totals.items()):
        screen.print(f"Outstanding: {sums['totalOutstanding']:,.2f} {currency}", markup=False)
    if found.faulty:
        screen.print(f"Cases whose balance does not add up: {found.faulty:,}; see Issues.", style="yellow")
    if found.strangers:
        told = sorted(found.strangers)
        screen.print(f"Left out, since this program does not know it: {', '.join(told)}", markup=False)
    if fetched.stopped:
        screen.print(fetched.stopped, style="bold red", markup=False)


def show_rebuilt(screen: Console, rebuilt: Rebuilt) -> None:
    """Say what a rebuilding of the journal found, and what it cannot know."""
    screen.print(
        f"The account has {rebuilt.cases:,} cases; {rebuilt.added:,} of them were not in the journal, and are now."
    )
    if rebuilt.invoices:
        screen.print(f"{rebuilt.invoices:,} further invoices, which are parts of these cases, were added with them.")
    if rebuilt.in_doubt:
        screen.print(f"{rebuilt.in_doubt:,} are in doubt in a run of this journal: `importer resume` settles them.")
    if rebuilt.without_reference:
        screen.print(
            f"{rebuilt.without_reference:,} have no creditor reference: rows without one cannot be recognised, and "
            "would be sent again.",
            style="yellow",
        )
    if rebuilt.incomplete:
        named = ", ".join(rebuilt.incomplete[:NAMED])
        more = len(rebuilt.incomplete) - NAMED
        screen.print(
            f"Do not submit yet: {len(rebuilt.incomplete):,} of the cases have, or may have, further invoices that "
            "their comments do not tell. Such an invoice would be pursued twice: look these cases up in the portal or "
            f"in your reports, and leave their invoices out of what you submit: {named}"
            f"{f', and {more:,} more (--json names all)' if more > 0 else ''}.",
            style="bold red",
            markup=False,
        )


def show_refreshed(screen: Console, done: Refreshed) -> None:
    """Say where cases stand, by lifecycle, and what changed."""
    lines = done.status.lines
    counts = Counter(line.standing.label for line in lines)
    changed = Counter(line.standing.label for line in lines if line.changes)
    table = Table(box=None, pad_edge=False)
    for column in ("lifecycle", "cases", "changed"):
        table.add_column(column, justify="left" if column == "lifecycle" else "right")
    for label, number in counts.most_common():
        table.add_row(Text(label), f"{number:,}", f"{changed[label]:,}")
    if lines:
        screen.print(table)
    waiting = sum(bool(line.standing.to_do) for line in lines)
    screen.print(
        f"{len(lines):,} cases, {sum(changed.values()):,} changed, {waiting:,} wait for you; "
        f"{done.status.requests:,} requests."
    )
    if done.left_out:
        screen.print(f"{done.left_out:,} cases of other accounts or targets were left out.", style="yellow")
    if done.status.stopped:
        screen.print(done.status.stopped, style="bold red", markup=False)


def _figures(figures: Figures) -> Table:
    """Make a table with a column a status and a line a currency; the last column is the whole source."""
    statuses = [status for status, rows in figures.counts.items() if rows and status != "rows"]
    table = Table(box=None, pad_edge=False)
    table.add_column("")
    for status in statuses:
        table.add_column(Text(status, style=_STYLES.get(status, "")), justify="right", no_wrap=True)
    table.add_column("all rows", justify="right", style="bold", no_wrap=True)
    table.add_row("rows", *(f"{figures.counts[status]:,}" for status in [*statuses, "rows"]))
    for total in figures.totals:
        table.add_row(total["currency"], *(_grouped(total.get(status, "")) for status in [*statuses, "rows"]))
    return table


def _grouped(amount: str) -> str:
    whole, _, fraction = amount.partition(".")
    return f"{int(whole):,}.{fraction}" if amount else ""


def show_facts(screen: Console, facts: Mapping[str, Any]) -> None:
    """Print what is known of a run or a case: a line each, and one for each entry of a list."""
    table = Table(box=None, pad_edge=False, show_header=False)
    for name, value in facts.items():
        if told := _tell(value):
            table.add_row(name.replace("_", " "), Text(_plain(told)))
    screen.print(table)
    screen.print()


def _tell(value: object) -> str:
    match value:
        case None:
            return ""
        case dict():
            told = ((name, f"{one:,}" if isinstance(one, int) else _tell(one)) for name, one in value.items())
            return ", ".join(f"{name} {text}" for name, text in told if text)
        case [dict(), *_]:
            return "\n".join(map(_tell, value))
        case list():
            return ", ".join(map(str, value))
        case _:
            return str(value)


def show_table(screen: Console, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print rows under their columns."""
    table = Table(box=None, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(Text("" if cell is None else _plain(str(cell))) for cell in row))
    screen.print(table)
