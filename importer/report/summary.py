"""`Summary`: what happened in words and figures, what to do next, and why rows did not get through."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from importer.report.figures import write_amounts, write_counts
from importer.report.page import Page
from importer.report.saying import count

if TYPE_CHECKING:
    from importer.model import Digest
    from importer.report.package import Package

REASONS: Final = 15  # shown of each kind


def add_summary(package: Package, digest: Digest) -> None:
    """Add `Summary`: a headline, what to do next, figures by status and currency, and the reasons."""
    page = Page(package.add_small("Summary"), package.formats)
    page.write_title(digest.title)
    page.write_text(digest.headline, "lead")
    page.start_section("What to do next")
    for advice in digest.advice:
        if advice.link:
            page.write_link(advice.text, advice.link)
        else:
            page.write_text(f"{advice.text} {advice.command}".strip(), "wrapped")
    page.start_section("Rows")
    write_counts(page, digest)
    if digest.currencies or digest.run.kind != "references":
        page.start_section("Amounts")
        write_amounts(page, digest)
    _write_reasons(page, digest)
    if digest.remarks:
        page.start_section("About this workbook")
        for text in digest.remarks:
            page.write_text(text, "wrapped")


def _write_reasons(page: Page, digest: Digest) -> None:
    faults = [
        (reason.rows, f"{'' if reason.severity == 'error' else 'Warning: '}{reason.title}. {reason.said}")
        for reason in digest.reasons
    ]
    answers = [
        (answer.rows, ": ".join(text for text in (answer.status, answer.error, answer.message) if text))
        for answer in digest.answers
    ]
    for title, reasons in (("Faults found here", faults), ("What the API said", answers)):
        if reasons:
            page.start_section(title)
            for rows, text in reasons[:REASONS]:
                page.write_reason(count(rows), text)
            if len(reasons) > REASONS:
                page.write_text(f"… and {len(reasons) - REASONS} more kinds.", "wrapped")
