"""`Summary`: how it went in five seconds, what to do next, charts, and why rows did not get through."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from importer.report.charts import HATCHED, SOLID, Series, add_bars, add_shares, height_of, look_of, place
from importer.report.figures import write_ages, write_amounts, write_counts, write_kinds, write_rows
from importer.report.page import HIGH, LINE, WIDTH, Page
from importer.report.previewed import tell_preview
from importer.report.saying import count, tell_money

if TYPE_CHECKING:
    from importer.model import Digest, Money
    from importer.report.package import Package
    from importer.report.page import Cell

    Room = dict[str, tuple[int, bool]]  # chart → the row where there is room for it, and whether that is on the right

REASONS: Final = 15  # shown of each kind
BARS: Final = 12  # of a chart on the first page
POINTS: Final = 0.75  # of a pixel
CARD: Final = 2  # columns
SIGNS: Final = {"good": "✓", "act": "!", "stopped": "■"}
PLACES: Final = (
    ("Results", "each row of the source: what became of it, its case, and the source's own columns"),
    ("Issues", "each fault, with a link to its cell"),
    ("To fix", "the rows that did not get through, to be mended in place and given back"),
    ("Run", "what was run and how: files, settings, mapping"),
)

PREVIEWED: Final = (("Preview", "what the API said before anything was sent: fees, contracts that are missing"),)


def add_summary(package: Package, digest: Digest) -> None:
    """Add `Summary`: how it went, what to do next, charts, the reasons, and the figures."""
    page = Page(package.add_small("Summary"), package.formats)
    _write_head(page, digest)
    _write_cards(page, digest)
    _write_advice(page, digest)
    charts = _leave_room(page, digest)
    _write_against(page, digest)
    _write_preview(page, digest)
    _write_reasons(page, digest)
    page.start_section("Rows by status")
    write_counts(page, digest)
    _write_figures(page, package.book, digest, charts)
    _write_places(page, digest)


def _write_head(page: Page, digest: Digest) -> None:
    run = digest.run
    mode = "test cases" if run.mode == "test" else ""
    told = (digest.title, run.account, mode, f"{run.started:%Y-%m-%d %H:%M} UTC")
    page.write_line([(0, WIDTH - 1, " · ".join(text for text in told if text), "subject")], height=20)
    page.write_line([(0, WIDTH - 1, f"{SIGNS[digest.mood]}  {digest.verdict}", f"verdict {digest.mood}")], height=36)
    page.write_text(digest.headline, "lead")


def _write_cards(page: Page, digest: Digest) -> None:
    """Write the figures that stand large, each a card of three lines."""
    page.row += 1
    cards = [(number * CARD, highlight) for number, highlight in enumerate(digest.highlights)]
    last = CARD - 1
    page.write_line(
        [(at, at + last, one.rows, f"large {one.statuses[0]}") for at, one in cards],
        height=32,
    )
    page.write_line(
        [(at, at + last, f"{one.caption} · {one.share:.0%}", f"caption {one.statuses[0]}") for at, one in cards]
    )
    page.write_line(
        [(at, at + last, tell_money(one.amounts, 2), f"money {one.statuses[0]}") for at, one in cards],
        height=2 * HIGH,
    )


def _write_advice(page: Page, digest: Digest) -> None:
    several = len(digest.advice) > 1
    weighed = several and digest.currencies
    page.start_section(f"What to do next{', in the order of the money at stake' if weighed else ''}")
    for number, advice in enumerate(digest.advice, 1):
        text = f"{number}. {advice.text}" if several else advice.text
        look = "wide link" if advice.link else "wrapped"
        page.write_line([(0, 6, text, look), (7, 9, tell_money(advice.amounts, 2), "stake")])
        if advice.link:
            page.sheet.write_url(page.row - 1, 0, advice.link, page.formats[look], text)
        if advice.command:
            page.write_line([(0, 6, advice.command, "command")])


def _leave_room(page: Page, digest: Digest) -> Room:
    """Leave room for two charts, which are drawn of tables that come after them."""
    wanted = [
        name
        for name, there in (("amounts", digest.currencies), ("kinds", digest.kinds), ("ages", digest.ages))
        if there
    ][:2]
    if not wanted:
        return {}
    page.start_section("At a glance", keep=height_of(BARS) * POINTS)
    row = page.leave(height_of(BARS) + 12)
    return {name: (row, bool(number)) for number, name in enumerate(wanted)}


def _write_preview(page: Page, digest: Digest) -> None:
    """Write what the API said of what was not sent yet."""
    if digest.run.preview and digest.run.preview.groups:
        page.start_section("What the API would say")
        for rows, text in tell_preview(digest.run.preview):
            page.write_reason(count(rows) if rows else "", text)


def _write_against(page: Page, digest: Digest) -> None:
    """Write what the journal knew, before anything was sent."""
    if digest.run.against and digest.run.against.sentences:
        page.start_section("Against the journal")
        for text in digest.run.against.sentences:
            page.write_text(text, "wrapped")


def _write_reasons(page: Page, digest: Digest) -> None:
    if digest.reasons:
        page.start_section("Why: faults found here")
        _write_reason_heads(page, "In words, and what to do", digest)
        for reason in digest.reasons[:REASONS]:
            title = reason.title if reason.severity == "error" else f"Warning: {reason.title}"
            _write_reason(page, reason.rows, title, reason.said, reason.amounts)
        _tell_rest(page, len(digest.reasons))
    if digest.answers:
        page.start_section("Why: what the API said")
        _write_reason_heads(page, "Its words", digest)
        for answer in digest.answers[:REASONS]:
            title = ": ".join(text for text in (answer.status, answer.error) if text)
            _write_reason(page, answer.rows, title, answer.message, answer.amounts)
        _tell_rest(page, len(digest.answers))


def _write_reason_heads(page: Page, said: str, digest: Digest) -> None:
    heads: list[Cell] = [
        (0, 0, "Rows", "head right"),
        (1, 3, "What is wrong", "head meaning"),
        (4, 7, said, "head left"),
    ]
    page.write_line([*heads, (8, 9, "At stake" if digest.currencies else "", "head right")])


def _write_reason(page: Page, rows: int, title: str, said: str, amounts: Money) -> None:
    told: list[Cell] = [(0, 0, rows, "rows"), (1, 3, title, "reason"), (4, 7, said, "wrapped")]
    page.write_line([*told, (8, 9, tell_money(amounts, 2), "stake")])


def _tell_rest(page: Page, kinds: int) -> None:
    if kinds > REASONS:
        page.write_text(f"… and {kinds - REASONS} more kinds.", "wrapped")


def _write_figures(page: Page, book: Any, digest: Digest, room: Room) -> None:
    """Write the tables that charts are drawn of, and draw them."""
    tall = len(digest.currencies) * LINE
    if digest.currencies:
        page.start_section("Amounts by currency and status", tall)
        first, last = write_amounts(page, digest)
        looks = [Series(one.status, column, look_of(one.status)) for column, one in enumerate(digest.standings, 1)]
        lines = first, min(last, first + BARS - 1)
        title = "What became of the money: each currency is 100 %"
        place(page, add_shares(page, book, title, lines, looks), *room["amounts"], height_of(BARS))
    elif digest.unreadable and digest.run.kind != "references":
        page.start_section("Amounts")
        write_amounts(page, digest)
    if len(digest.currencies) > 1:
        page.start_section("Rows by currency and status", tall)
        write_rows(page, digest)
    if digest.kinds:
        page.start_section("Issues by kind", len(digest.kinds[:BARS]) * LINE)
        lines = write_kinds(page, digest, BARS)
        severities = {kind.severity for kind in digest.kinds[:BARS]}
        series = [Series("Errors", 4, SOLID)] if "error" in severities else []
        series += [Series("Warnings", 5, HATCHED)] if "warning" in severities else []
        title = "What is wrong: issues by kind"
        place(page, add_bars(page, book, title, lines, series), *room["kinds"], height_of(BARS))
    if digest.ages:
        _write_ages(page, book, digest, room)


def _write_ages(page: Page, book: Any, digest: Digest, room: Room) -> None:
    height = height_of(len(digest.ages))
    here = "ages" not in room
    told = f"Age of the debts on {digest.today:%Y-%m-%d}: since they were due, else since the invoice"
    page.start_section(told, (height * POINTS if here else 0) + len(digest.ages) * LINE)
    where = (page.leave(height + 12), False) if here else room["ages"]
    lines = write_ages(page, digest)
    title = "How old the debts are: rows by time past due"
    chart = add_bars(page, book, title, lines, [Series("Rows", 1, SOLID)])
    place(page, chart, *where, height if here else height_of(BARS))


def _write_places(page: Page, digest: Digest) -> None:
    page.start_section("About this workbook")
    for name, text in (*PLACES, *(PREVIEWED if digest.run.preview else ())):
        page.sheet.write_url(page.row, 0, f"internal:'{name}'!A1", page.formats["link"], name)
        page.write_line([(1, WIDTH - 1, f"{text[:1].upper()}{text[1:]}.", "wrapped")])
    told = "A cell on To fix that is to be mended; its note says what is wrong."
    page.write_line([(0, 0, "like this", "fault"), (1, WIDTH - 1, told, "wrapped")])
    for text in digest.remarks:
        page.write_text(text, "wrapped")
