"""Shapes: headers below titles, totals, footers, headers again."""

from __future__ import annotations

from typing import Any

from sources import Row, Source
from writers import Sheet, xlsx

HEADER: Row = ["Invoice", "Customer", "City", "Date", "Amount"]
ONE, TWO, THREE = (
    ["R-1", "Nord AG", "Kiel", "2026-01-31", "10.50"],
    ["R-2", "Süd KG", "Ulm", "2026-02-28", "7.25"],
    ["R-3", "Ost e.K.", "Gera", "2026-03-31", "100.00"],
)
DATA: list[Row] = [ONE, TWO, THREE]  # type: ignore[list-item]
BLANK: Row = [None] * 5


def shaped(name: str, *records: Row, first: int, rows: list[int], **more: Any) -> Source:
    """Write records as CSV and as XLSX; *first* is the header's row number, *rows* are those of data."""
    lines = "".join(",".join(cell or "" for cell in record) + "\n" for record in records)
    expected = {row: [*records[row - 1], *[None] * (5 - len(records[row - 1]))] for row in rows}
    facts = {"header row": str(first), **more.pop("facts", {})}
    return Source(f"{name}.csv", lines.encode(), list(records[first - 1]), expected, facts, **more)


def in_workbook(
    name: str, rows: list[list[Any]], header: Row, expected: dict[int, Row], merged: Any = (), **more: Any
) -> Source:
    """Write a workbook of one sheet."""
    return Source(f"{name}.xlsx", xlsx(Sheet(rows, merged=merged)), header, expected, **more)


TITLES = [
    shaped(
        "title",
        ["Open items"],
        HEADER,
        *DATA,
        first=2,
        rows=[3, 4, 5],
        left_out={1: "title"},
        facts={"titles, left out": "row 1"},
    ),
    shaped(
        "title-padded",
        ["Open items", None, None, None, None],
        BLANK,
        HEADER,
        *DATA,
        first=3,
        rows=[4, 5, 6],
        left_out={1: "title"},
    ),
    shaped(
        "named-values",
        ["Company:", "Beispiel AG"],
        ["Period:", "June 2026"],
        BLANK,
        HEADER,
        *DATA,
        first=4,
        rows=[5, 6, 7],
        left_out={1: "title", 2: "title"},
    ),
    shaped(
        "many-named-values",
        ["Company:", "Beispiel AG", "Period:", "June", "2026"],
        HEADER,
        *DATA,
        first=2,
        rows=[3, 4, 5],
        left_out={1: "title"},
    ),
    shaped("printed-first", ["2026-06-30", "12:30"], HEADER, *DATA, first=2, rows=[3, 4, 5], left_out={1: "title"}),
    shaped("blank-below-header", HEADER, BLANK, *DATA, first=1, rows=[3, 4, 5], facts={"blank rows": "1"}),
    shaped(
        "groups-above",
        ["Invoice", None, "Debtor", None, None],
        HEADER,
        *DATA,
        first=2,
        rows=[3, 4, 5],
        left_out={1: "title"},
    ),
    shaped(
        "unnamed-column",
        ["Invoice", "Customer", None, "Date", "Amount"],
        *DATA,
        first=1,
        rows=[2, 3, 4],
        facts={"columns without a header": "C"},
    ),
    shaped(
        "numbered-header", ["Invoice", "Customer", "30", "60", "90"], ["R-1", "Nord", "1", "2", "3"], first=1, rows=[2]
    ),
    shaped(
        "repeated-header",
        ["Invoice", "Customer", "Amount", "Date", "Amount"],
        *DATA,
        first=1,
        rows=[2, 3, 4],
        facts={"headers that repeat": "“Amount” in C, E"},
    ),
    shaped(
        "said-header",
        ["Invoice", "Customer", "Place", "Day", "Sum"],
        HEADER,
        *DATA,
        first=2,
        rows=[3, 4, 5],
        left_out={1: "title"},
        options={"header_row": 2},
    ),
    shaped("header-of-words", HEADER, ["a", "b", "c", "d", "e"], first=1, rows=[2]),
    Source(
        "said-header-blank.csv",
        b"a,b\n,\n1,2\n",
        refused="has nothing in row 2, where --header-row",
        options={"header_row": 2},
    ),
    Source(
        "said-header-beyond.csv",
        b"a,b\n1,2\n",
        refused="has nothing in row 9, where --header-row",
        options={"header_row": 9},
    ),
]

ENDS = [
    shaped(
        "total",
        HEADER,
        *DATA,
        ["Total", None, None, None, "117.75"],
        first=1,
        rows=[2, 3, 4],
        left_out={5: "total"},
        facts={"totals, left out": "row 5"},
    ),
    shaped(
        "total-wide",
        HEADER,
        *DATA,
        [None, None, None, "Total", "117.75"],
        first=1,
        rows=[2, 3, 4],
        left_out={5: "total"},
    ),
    shaped(
        "total-german",
        HEADER,
        *DATA,
        BLANK,
        ["Gesamtsumme EUR:", None, None, None, "117.75"],
        first=1,
        rows=[2, 3, 4],
        left_out={6: "total"},
    ),
    shaped(
        "total-danish",
        HEADER,
        *DATA,
        ["I alt", None, None, None, "117.75"],
        first=1,
        rows=[2, 3, 4],
        left_out={5: "total"},
    ),
    shaped(
        "total-french",
        HEADER,
        *DATA,
        ["Total général", None, None, None, "117.75"],
        first=1,
        rows=[2, 3, 4],
        left_out={5: "total"},
    ),
    shaped(
        "total-polish",
        HEADER,
        *DATA,
        ["Razem", None, None, "PLN", "117.75"],
        first=1,
        rows=[2, 3, 4],
        left_out={5: "total"},
    ),
    shaped(
        "subtotals",
        HEADER,
        ONE,
        ["Subtotal", None, None, None, "10.50"],
        TWO,
        ["Subtotal", None, None, None, "7.25"],
        ["Grand total", None, None, None, "17.75"],
        first=1,
        rows=[2, 4],
        left_out={3: "total", 5: "total", 6: "total"},
    ),
    shaped("total-without-amount", HEADER, *DATA, ["Total", None, None, None, None], first=1, rows=[2, 3, 4, 5]),
    shaped(
        "customer-called-total",
        HEADER,
        *DATA,
        ["Total", "Total SE", "Kiel", "2026-01-01", "1.00"],
        first=1,
        rows=[2, 3, 4, 5],
    ),
    shaped("total-with-date", HEADER, *DATA, ["Total", None, None, "2026-03-31", "117.75"], first=1, rows=[2, 3, 4, 5]),
    shaped("sums-without-word", HEADER, *DATA, [None, None, None, None, "117.75"], first=1, rows=[2, 3, 4, 5]),
    shaped(
        "footer",
        HEADER,
        *DATA,
        BLANK,
        ["Printed on 2026-06-30 by the desk"],
        first=1,
        rows=[2, 3, 4],
        left_out={6: "footer"},
        facts={"footers, left out": "row 6"},
    ),
    shaped("footer-pages", HEADER, *DATA, ["Seite 1 von 1"], first=1, rows=[2, 3, 4], left_out={5: "footer"}),
    shaped(
        "total-and-footer",
        HEADER,
        *DATA,
        ["Total", None, None, None, "117.75"],
        BLANK,
        ["All amounts in EUR"],
        first=1,
        rows=[2, 3, 4],
        left_out={5: "total", 7: "footer"},
    ),
    shaped("cut-in-the-middle", HEADER, *DATA, ["R-4"], first=1, rows=[2, 3, 4, 5]),
    shaped("name-alone-at-the-end", HEADER, *DATA, [None, "West GmbH", None, None, None], first=1, rows=[2, 3, 4, 5]),
    shaped("footer-in-the-middle", HEADER, ONE, ["Page 1 of 2"], TWO, THREE, first=1, rows=[2, 3, 4, 5]),
    shaped(
        "header-again",
        HEADER,
        ONE,
        HEADER,
        TWO,
        first=1,
        rows=[2, 4],
        left_out={3: "header again"},
        facts={"headers again, left out": "row 3"},
    ),
]

WORKBOOKS = [
    in_workbook(
        "merged-groups",
        [["Invoice", None, "Debtor", None], ["No", "Amount", "Name", "City"], ["1", 2, "a", "b"]],
        ["No", "Amount", "Name", "City"],
        {3: ["1", "2", "a", "b"]},
        merged=((0, 0, 0, 1), (0, 2, 0, 3)),
        left_out={1: "title"},
    ),
    in_workbook(
        "merged-groups-and-names",
        [["No", "Debtor", None, "Amount"], [None, "Name", "City", None], ["1", "a", "b", 2]],
        ["No", "Name", "City", "Amount"],
        {3: ["1", "a", "b", "2"]},
        merged=((0, 0, 1, 0), (0, 1, 0, 2), (0, 3, 1, 3)),
        left_out={1: "title"},
    ),
    in_workbook(
        "header-of-two-rows",
        [["No", "Name"], [None, None], ["1", "a"]],
        ["No", "Name"],
        {3: ["1", "a"]},
        merged=((0, 0, 1, 0), (0, 1, 1, 1)),
    ),
    in_workbook(
        "title-merged",
        [["Open items", None, None], ["No", "Name", "City"], ["1", "a", "b"]],
        ["No", "Name", "City"],
        {3: ["1", "a", "b"]},
        merged=((0, 0, 0, 2),),
        left_out={1: "title"},
    ),
    in_workbook(
        "empty-columns-before",
        [[None, None, "No", "Name"], [None, None, "1", "a"]],
        ["", "", "No", "Name"],
        {2: [None, None, "1", "a"]},
    ),
    in_workbook(
        "total-of-numbers",
        [["No", "Name", "City", "Amount"], ["1", "a", "b", 2], ["2", "a", "b", 3], ["Total", None, None, 5]],
        ["No", "Name", "City", "Amount"],
        {2: ["1", "a", "b", "2"], 3: ["2", "a", "b", "3"]},
        left_out={4: "total"},
    ),
]

SOURCES = [*TITLES, *ENDS, *WORKBOOKS]
