"""What the comments of a case say of its invoices is read back as it was written, or not at all."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from importer.bundle import join
from importer.model import Invoice, head_breakdown, read_invoices, tell_invoice

TOTAL = Decimal("21.00")
WHOLE = "\n".join(
    [
        head_breakdown(2, TOTAL, "EUR"),
        tell_invoice("A", "2026-01-01", "2026-02-01", Decimal("20.50"), "EUR"),
        tell_invoice("B", "2026-01-02", None, Decimal("0.50"), "EUR"),
    ]
)


def read(comments: str, reference: str = "A", amount: Decimal | None = TOTAL, currency: str = "EUR") -> Any:
    found = read_invoices(comments, reference, amount, currency)
    return [invoice.reference for invoice in found] if found is not None else None


hostile = st.sampled_from(
    [
        "X: of 2026-01-01, due 2026-02-01, 5.00 EUR",
        "X: of 2026-01-01, 5.00 EUR\nY",
        "x\nThis case is made of 2 invoices, 5 EUR in all:\ny",
        "and 3 more.",
        "a\rb",
        "a\r\nb",
        "=1+1: of ",
        "\u2028",
    ]
)
references = st.one_of(
    st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=50).map(str.strip).filter(bool), hostile
)
texts = st.one_of(st.none(), hostile, st.text(max_size=60), st.text("x \n", min_size=3800, max_size=4000))
days = st.dates().map(str)
invoices = st.fixed_dictionaries(
    {
        "creditorReference": references,
        "currencyCode": st.just("EUR"),
        "date": days,
        "dueDate": days,
        "amountToRecover": st.decimals("0.01", "9999999999.99", places=2),
        "comments": texts,
    }
)


@given(
    parts=st.lists(invoices, min_size=2, max_size=70, unique_by=lambda one: one["creditorReference"]),
    lines=st.booleans(),
)
def test_what_is_sent_is_read_back_or_is_said_to_be_unreadable(parts: list[dict[str, Any]], *, lines: bool) -> None:
    rows = {row: {name: value for name, value in one.items() if value} for row, one in enumerate(parts)}
    bundle, found = join(rows, date(2026, 11, 21), lines=lines)
    sent = bundle.request

    back = read_invoices(str(sent["comments"]), str(sent["creditorReference"]), bundle.amount, "EUR")

    order = [rows[row] for row in bundle.rows]
    whole = tuple(Invoice(one["creditorReference"], one["amountToRecover"]) for one in order)
    assert back in {whole, None}
    cut = any(one.field == "comments" and "invoices" in one.detail for one in found)
    if not cut and not any("\n" in invoice.reference for invoice in whole):
        assert back == whole


def test_line_ends_of_another_kind_and_blanks_at_the_end_do_no_harm() -> None:
    assert read(WHOLE) == read(WHOLE.replace("\n", "\r\n") + "\r\n ") == ["A", "B"]
    assert read(f"Call first\n{WHOLE}") == ["A", "B"]


def test_a_case_of_one_invoice_has_no_others() -> None:
    assert read("") == read("Call first: of 2026-01-01, 5 EUR") == read("x" * 3800) == []


@pytest.mark.parametrize(
    "comments",
    [
        WHOLE + "\nand 1 more.",
        WHOLE.replace("2 invoices", "3 invoices"),
        WHOLE.replace("20.50", "20.49"),
        WHOLE.replace("\n", " "),
        WHOLE.replace("0.50 EUR", "0.50 USD"),
        WHOLE + "\nPaid in part, says the debtor.",
        "This case is made of 1 invoices, 21.00 EUR in all:\nA: of 2026-01-01, 21.00 EUR",
        "x" * 3900,
    ],
    ids=["cut", "one is missing", "another amount", "one line", "another currency", "added to", "one", "full"],
)
def test_what_does_not_tell_all_invoices_is_not_read(comments: str) -> None:
    assert read(comments) is None


def test_a_list_of_another_case_is_not_this_ones() -> None:
    assert read(WHOLE, reference="Z") is None
    assert read(WHOLE, amount=Decimal(5)) is None
    assert read(WHOLE, amount=None) is None
    assert read(WHOLE, currency="USD") is None


def test_a_reference_that_looks_like_a_heading_is_a_reference() -> None:
    inner = "This case is made of 2 invoices, 21.00 EUR in all:\nA"
    lines = [head_breakdown(2, TOTAL, "EUR"), inner + ": of 2026-01-01, 20.50 EUR", "B: of 2026-01-02, 0.50 EUR"]

    assert read("\n".join(lines), reference=inner) == [inner, "B"]
    assert read("\n".join(lines)) == ["A", "B"]
