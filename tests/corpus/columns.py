"""Columns of amounts and dates: what their cells mean, or why the column is refused."""

from __future__ import annotations

from sources import Row, Source

AMOUNT, DATE = "amountToRecover", "date"


def column(
    name: str,
    field: str,
    cells: list[str],
    meant: list[str | None] | None = None,
    *,
    undecided: str | None = None,
    currencies: list[str] | None = None,
) -> Source:
    """Write a column of *cells*; expect what is *meant*, None where a cell cannot be read, or the sentence."""
    header: Row = ["creditorReference", field, "currencyCode"]
    rows: dict[int, Row] = {
        row: [f"R-{row}", cell, currencies[row - 2] if currencies else "EUR"] for row, cell in enumerate(cells, 2)
    }
    lines = (";".join(cell or "" for cell in line) for line in (header, *rows.values()))
    content = "".join(f"{line}\n" for line in lines).encode()
    return Source(name, content, header, rows, values={field: meant} if meant else {}, undecided=undecided)


SOURCES = [
    column("amounts-comma.csv", AMOUNT, ["1.234,56", "1.000", "7"], ["1234.56", "1000", "7"]),
    column("amounts-point.csv", AMOUNT, ["1,234.56", "1,000", "7"], ["1234.56", "1000", "7"]),
    column("amounts-zero-in-front.csv", AMOUNT, ["0.125", "1.000"], ["0.125", "1"]),
    column("amounts-undecided.csv", AMOUNT, ["7", "1.000"], undecided="may be read in two ways (“1.000” in row 3)"),
    column("amounts-both.csv", AMOUNT, ["1,5", "2.5"], undecided="amountToRecover is not written in one way"),
    column("amounts-swiss.csv", AMOUNT, ["CHF 1'234.50", "1’234’567.-"], ["1234.5", "1234567"], currencies=["CHF"] * 2),
    column(
        "amounts-spaces.csv",
        AMOUNT,
        ["1 234,50", "1\u00a0234,50", "1\u2009234,50", "1\u202f234,50", "1\u2007234\u2007567,00"],
        ["1234.5", "1234.5", "1234.5", "1234.5", "1234567"],
    ),
    column("amounts-indian.csv", AMOUNT, ["₹ 1,00,000.00", "12,34,567"], ["100000", "1234567"], currencies=["INR"] * 2),
    column(
        "amounts-signs.csv",
        AMOUNT,
        ["+50,00", "-50,00", "\u221250,00", "50,00-", "(50,00)", "(50,00 €)", "€ -50,00", "--50,00", "-(50,00)"],
        ["50", "-50", "-50", "-50", "-50", "-50", "-50", None, None],
    ),
    column(
        "amounts-currencies.csv",
        AMOUNT,
        ["€ 1,50", "1,50 EUR", "US$ 1,50", "1,50 kr.", "1,50 Kč", "1,50 zł", "kr 1,50", "£ 1,50", "1,50 points"],
        ["1.5", "1.5", "1.5", "1.5", "1.5", "1.5", None, None, None],
        currencies=["EUR", "EUR", "USD", "SEK", "CZK", "PLN", "EUR", "USD", "EUR"],
    ),
    column("amounts-whole.csv", AMOUNT, ["100,-", "1.000,--", ",50"], ["100", "1000", "0.5"]),
    column("amounts-none.csv", AMOUNT, ["nil", "N/A", "-", "1.25E+05", "12 %", "12,34,5"], [None] * 6),
    column("dates-days-first.csv", DATE, ["31/01/2026", "03/08/2026"], ["2026-01-31", "2026-08-03"]),
    column("dates-months-first.csv", DATE, ["01/31/2026", "03/08/2026"], ["2026-01-31", "2026-03-08"]),
    column("dates-undecided.csv", DATE, ["03/08/2026"], undecided="say --date-order date=dmy or --date-order date=mdy"),
    column("dates-both.csv", DATE, ["13/02/2026", "02/13/2026"], undecided="others have not (“02/13/2026” in row 3)"),
    column(
        "dates-iso.csv",
        DATE,
        ["2026-01-31", "20260131", "2026-01-31T23:30:00Z", "2026-01-31 23:30:00.000-05:00", "2026-W05-6"],
        ["2026-01-31", "2026-01-31", "2026-01-31", "2026-01-31", None],
    ),
    column(
        "dates-names.csv",
        DATE,
        [
            "3. März 2026",
            "12 juin 2026",
            "5 maj 2026",
            "15-okt-26",
            "1er aout 2026",
            "3 marca 2026",
            "5 de mayo de 2026",
        ],
        ["2026-03-03", "2026-06-12", "2026-05-05", "2026-10-15", "2026-08-01", "2026-03-03", "2026-05-05"],
    ),
    column(
        "dates-weekdays.csv",
        DATE,
        ["Tue 3 March 2026", "mandag den 4. maj 2026", "Wed 3 March 2026"],
        ["2026-03-03", "2026-05-04", None],
    ),
    column("dates-croatian.csv", DATE, ["3. listopada 2026.", "3. prosinca 2026."], ["2026-10-03", "2026-12-03"]),
    column("dates-short-years.csv", DATE, ["31/12/25", "03/08/26", "31/12/98"], ["2025-12-31", "2026-08-03", None]),
    column(
        "dates-short-years-undecided.csv",
        DATE,
        ["15/01/26"],
        undecided="say --date-order date=dmy or --date-order date=ymd",
    ),
    column("dates-short-years-first.csv", DATE, ["26-01-31"], undecided="years of two digits first"),
    column("dates-serials.csv", DATE, ["45356", "46100", "31.01.2026"], [None, None, "2026-01-31"]),
]
