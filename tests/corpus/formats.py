"""Workbooks of every format: which sheet, and what of it is seen."""

from __future__ import annotations

import datetime as dt
import gzip
import io
import zipfile
from typing import Any

from sources import Row, Source
from writers import WRITERS, Error, Sheet, xls, xlsx

HEADER: Row = ["No", "Customer", "Amount", "Paid", "Note"]
TABLE: list[list[Any]] = [
    list(HEADER),
    ["0012", "Nord AG", 10.5, False, None],
    ["0013", "Süd & Søn <1>", 1200, True, Error("#N/A")],
    ["0014", "Łódź", -7.25, False, Error("#DIV/0!")],
]
ROWS: dict[int, Row] = {
    2: ["0012", "Nord AG", "10.5", "FALSE", None],
    3: ["0013", "Süd & Søn <1>", "1200", "TRUE", "#N/A"],
    4: ["0014", "Łódź", "-7.25", "FALSE", "#DIV/0!"],
}
TOLD = {"xlsx": "workbook", "xlsb": "workbook (xlsb)", "xls": "workbook (xls)", "ods": "workbook (ods)"}
SMALL: list[list[Any]] = [["No", "Name"], ["1", "a"], ["2", "b"], ["3", "c"]]
SMALL_ROWS: dict[int, Row] = {2: ["1", "a"], 3: ["2", "b"], 4: ["3", "c"]}


def each(kind: str) -> list[Source]:
    """Make what every format can say."""
    write = WRITERS[kind]
    notes = Sheet([["Prepared by the finance desk."], ["Not for the public."]], "Notes")
    two = (Sheet(SMALL, "June"), Sheet(SMALL, "July"))

    def small(name: str, *sheets: Sheet, rows: dict[int, Row] = SMALL_ROWS, **more: Any) -> Source:
        return Source(f"{name}.{kind}", write(*sheets), ["No", "Name"], rows, **more)

    def refused(name: str, sentence: str, *sheets: Sheet, **options: str | int) -> Source:
        return Source(f"{name}.{kind}", write(*sheets), refused=sentence, options=options)

    return [
        Source(f"plain.{kind}", write(Sheet(TABLE)), HEADER, ROWS, {"format": TOLD[kind], "sheet": "Data"}),
        Source(f"{kind}-called.csv", write(Sheet(TABLE)), HEADER, ROWS, {"format": TOLD[kind]}),
        Source(f"packed.{kind}.gz", gzip.compress(write(Sheet(TABLE)), mtime=0), HEADER, ROWS, {"packed with": "gzip"}),
        small("notes-beside", notes, Sheet(SMALL), facts={"sheet": "Data", "other sheets, not read": "“Notes”"}),
        small("empty-beside", Sheet([[None]], "Sheet2"), Sheet(SMALL), facts={"sheet": "Data"}),
        small(
            "hidden-sheet",
            Sheet(SMALL, "Old", state="hidden"),
            Sheet(SMALL),
            facts={"sheet": "Data", "hidden sheets, not read": "“Old”"},
        ),
        small("named-sheet", *two, facts={"sheet": "July"}, options={"sheet": "july"}),
        small("named-hidden-sheet", Sheet(SMALL, "Old", state="hidden"), Sheet(TABLE), options={"sheet": "Old"}),
        refused("two-tables", "has several sheets with data: “June”, “July”. Name one with --sheet", *two),
        refused("no-such-sheet", "has no sheet 'May'; it has “June”, “July”", *two, sheet="May"),
        refused("encoding-of-a-workbook", "is a workbook; leave --encoding out", Sheet(SMALL), encoding="utf-8"),
        refused("hidden-rows", "hides rows that have something in them", Sheet(SMALL, hidden_rows=(2,))),
        small(
            "hidden-rows-taken",
            Sheet(SMALL, hidden_rows=(2,)),
            facts={"hidden rows": "read: 3"},
            options={"hidden_rows": "take"},
        ),
        small(
            "hidden-rows-skipped",
            Sheet(SMALL, hidden_rows=(2,), filtered=True),
            rows={2: ["1", "a"], 4: ["3", "c"]},
            facts={"hidden rows": "left out: 3"},
            left_out={3: "hidden"},
            options={"hidden_rows": "skip"},
        ),
        small(
            "hidden-blank-row",
            Sheet([*SMALL[:2], [None, None], *SMALL[3:]], hidden_rows=(2,)),
            rows={2: ["1", "a"], 4: ["3", "c"]},
        ),
        small("hidden-column", Sheet(SMALL, hidden_columns=(1,)), facts={"hidden columns, read": "B"}),
        Source(
            f"merged-cells.{kind}",
            write(Sheet([["No", "Name"], ["1", "a"], ["2", None], ["3", "c"]], merged=((1, 1, 2, 1),))),
            ["No", "Name"],
            {2: ["1", "a"], 3: ["2", None], 4: ["3", "c"]},
            {"merged cells, read as their first cell": "B2:B3"},
        ),
        small(
            "title-above",
            Sheet([["Open items, June"], [None, None], *SMALL]),
            rows={row + 2: cells for row, cells in SMALL_ROWS.items()},
            facts={"header row": "3"},
            left_out={1: "title"},
        ),
        small("lines", Sheet([["No", "Name"], ["1", "two\nlines"]]), rows={2: ["1", "two\nlines"]}),
    ]


def broken(kind: str, sentence: str = "is damaged") -> list[Source]:
    """Cut a workbook short."""
    whole = WRITERS[kind](Sheet(TABLE))
    return [Source(f"cut.{kind}", whole[: len(whole) // 2], refused=sentence)]


def zipped(name: str) -> bytes:
    """Pack a file as people send it."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as file:
        file.writestr(zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0)), "No;Name\n1;a\n")
    return packed.getvalue()


DATES: list[list[Any]] = [["No", "Day"], ["1", dt.date(2026, 1, 31)], ["2", dt.datetime(2026, 2, 1, 12, 30)]]
DATE_ROWS: dict[int, Row] = {2: ["1", "2026-01-31"], 3: ["2", "2026-02-01 12:30:00"]}

SOURCES = [
    *(source for kind in WRITERS for source in each(kind)),
    *(source for kind in ("xlsx", "xlsb", "ods") for source in broken(kind)),
    *broken("xls", "or was cut short"),
    *(
        Source(f"dates.{kind}", WRITERS[kind](Sheet(DATES)), ["No", "Day"], DATE_ROWS)
        for kind in ("xlsx", "xls", "ods")
    ),
    Source("styled-emptiness.xlsx", xlsx(Sheet(SMALL, styled_rows=20_000)), ["No", "Name"], SMALL_ROWS, {"rows": "3"}),
    Source("styled-emptiness.ods", WRITERS["ods"](Sheet(SMALL, styled_rows=1_048_572)), ["No", "Name"], SMALL_ROWS),
    Source("macros.xlsm", xlsx(Sheet(SMALL)), ["No", "Name"], SMALL_ROWS),
    Source("archive.zip", zipped("june.csv"), refused="is a zip archive and no workbook"),
    Source("letter.doc", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), refused="not a workbook"),
    Source(
        "locked.xlsx",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600) + "EncryptedPackage".encode("utf-16-le") + bytes(60),
        refused="is protected by a password",
    ),
    Source("report.pdf", b"%PDF-1.7\n", refused="is a PDF"),
    Source("table.parquet", b"PAR1" + bytes(20), refused="is a Parquet file"),
    Source("letter.rtf", b"{\\rtf1 x}", refused="is a text document"),
    Source("hidden-alone.xlsx", xlsx(Sheet(SMALL, state="hidden")), refused="name a hidden one with --sheet: “Data”."),
    Source(
        "old-dates.xls",
        xls(Sheet([["No", "Day"], ["1", dt.date(1999, 12, 31)]])),
        ["No", "Day"],
        {2: ["1", "1999-12-31"]},
    ),
]
