"""The rules of reading that no single source of the corpus shows: at their edges, and over many rows."""

from __future__ import annotations

import gzip
import io
import time
import zipfile
from typing import TYPE_CHECKING

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from importer.errors import SourceError
from importer.model import Reading
from importer.read import decoding, opendocument, read
from importer.read.binary import records
from importer.read.decoding import find_text
from importer.read.shape import find_header, tell_rows
from importer.read.source import Plain

if TYPE_CHECKING:
    from pathlib import Path

UMLAUTS = ["Müller", "Größe", "Jürgen", "Bäcker", "Weiß", "Höhne", "Übel", "Ärger"]
POLISH = ["Łódź", "Wałęsa", "Gdańsk", "Żółw", "Święty", "Ćwik"]
CZECH = ["Dvořák", "Růžička", "Jiří", "Černý", "Němec", "Šťastný"]
DANISH = ["Sørensen", "Ærø", "Åbenrå", "Købke", "Nørgård", "Blåbær"]
FRENCH = ["François", "Hélène", "Benoît", "Noël", "Crêpe", "Lefèvre"]


def decode(data: bytes, said: str | None) -> tuple[str, str]:
    text = find_text(Plain(lambda: io.BytesIO(data)), said)
    assert b"".join(text.utf8()).decode() == "".join(text.pieces())
    return "".join(text.pieces()), text.name


@given(
    st.sampled_from(
        [("cp1252", UMLAUTS), ("cp1252", DANISH), ("cp1252", FRENCH), ("cp1250", POLISH), ("cp1250", CZECH)]
    ),
    st.data(),
)
def test_many_words_of_a_language_settle_the_encoding(case: tuple[str, list[str]], data: st.DataObject) -> None:
    encoding, words = case
    written = data.draw(st.permutations(words))
    content = "No;Name\n" + "".join(f"{number};{word}\n" for number, word in enumerate(written))

    assert decode(content.encode(encoding), None) == (content, encoding)


@given(st.permutations(UMLAUTS), st.sampled_from([DANISH, FRENCH]))
def test_words_of_several_languages_settle_the_encoding_together(umlauts: list[str], others: list[str]) -> None:
    content = "\n".join([*umlauts, *others])

    assert decode(content.encode("mac-roman"), None) == (content, "mac-roman")
    assert decode(content.encode("cp1252"), None) == (content, "cp1252")


def test_one_foreign_word_does_not_make_a_file_undecidable() -> None:
    content = "\n".join([*UMLAUTS, "Æøñ"])

    assert decode(content.encode("cp1252"), None) == (content, "cp1252")


def test_a_mark_and_a_said_encoding_go_together() -> None:
    for encoding, said in (("utf-8-sig", "utf-8"), ("utf-16", "utf-16"), ("utf-8", "utf-8")):
        assert decode("Müller".encode(encoding), said) == ("Müller", said)


def test_only_so_many_words_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding, "MOST_WORDS", 3)

    assert decode("\n".join(UMLAUTS).encode("cp1252"), None)[1] == "cp1252"


@pytest.mark.parametrize("cell", ["1" + " " * 200_000 + "x", "Total" + " " * 200_000 + "x", "x" * 2_000_000 + "\xfc"])
def test_a_cell_that_is_long_costs_no_more_than_its_length(tmp_path: Path, cell: str) -> None:
    began = time.monotonic()
    content = f"{cell};Name;Town;Day\nR-1;a;b;2026-01-01\nR-2;a;b;2026-01-01\n{cell};;;1\n"
    (tmp_path / "long.csv").write_bytes(content.encode("cp1252"))

    assert len(read(tmp_path / "long.csv").cells) == 3
    assert time.monotonic() - began < 20


def test_signs_may_be_headers(tmp_path: Path) -> None:
    (tmp_path / "signs.csv").write_text("#,Name,%\n1,a,2\n2,b,3\n", encoding="utf-8")

    assert read(tmp_path / "signs.csv").header == ("#", "Name", "%")


def test_rows_are_told_as_ranges_and_not_all() -> None:
    assert tell_rows([2, 3, 4, 7, *range(10, 40, 2)]) == "2-4, 7, 10, 12, 14, 16, 18, 20, 22, 24 and more"


@given(st.integers(1, 8), st.integers(0, 6), st.integers(1, 30))
def test_a_full_header_is_found_below_any_number_of_titles(width: int, titles: int, rows: int) -> None:
    header = [f"name {number}" for number in range(width + 1)]
    records_ = [["Some title"]] * titles + [header] + [[f"{row}.00" for _ in header] for row in range(rows + titles)]

    assert find_header(records_, None) == titles


def test_totals_and_footers_are_found_below_many_rows(tmp_path: Path) -> None:
    rows = "".join(f"R-{number},Nord AG,Kiel,2026-01-31,1.00\n" for number in range(50_000))
    (tmp_path / "long.csv").write_text(
        f"No,Name,Town,Date,Amount\n{rows}Total,,,,50000.00\nPage 1 of 1,,,,\n", encoding="utf-8"
    )

    table = read(tmp_path / "long.csv")

    assert len(table.cells) == 50_000
    assert [(out.row, out.why) for out in table.left_out] == [(50_002, "total"), (50_003, "footer")]


def test_a_million_rows_of_formats_alone_cost_nothing(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.append(["No", "Name"])
    book.active.append(["1", "a"])
    book.save(tmp_path / "styled.xlsx")
    _pad(
        tmp_path / "styled.xlsx",
        b"".join(b'<row r="%d"><c r="A%d" s="0"/></row>' % (n, n) for n in range(3, 1_048_577)),
    )

    began = time.monotonic()
    table = read(tmp_path / "styled.xlsx")

    assert len(table.cells) == 1
    assert time.monotonic() - began < 30


def _pad(path: Path, rows: bytes) -> None:
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    parts["xl/worksheets/sheet1.xml"] = parts["xl/worksheets/sheet1.xml"].replace(
        b"</sheetData>", rows + b"</sheetData>"
    )
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)


def test_a_large_packed_source_that_unpacks_to_far_more_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importer.read.source.SMALL", 1 << 16)
    (tmp_path / "bomb.csv.gz").write_bytes(gzip.compress(b"a,b\n" * (1 << 20)))

    with pytest.raises(SourceError, match="unpacks to far more"):
        read(tmp_path / "bomb.csv.gz")


def test_errors_in_repeated_cells_of_ods_are_each_an_error() -> None:
    cell = (
        '<t:table-cell o:value-type="string" c:value-type="error" t:number-columns-repeated="2">'
        "<x:p>#N/A</x:p></t:table-cell>"
    )
    content = (
        '<a xmlns:t="urn:oasis:names:tc:opendocument:xmlns:table:1.0" '
        'xmlns:x="urn:oasis:names:tc:opendocument:xmlns:text:1.0" '
        'xmlns:o="urn:oasis:names:tc:opendocument:xmlns:office:1.0" '
        'xmlns:c="urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0">'
        f'<t:table t:name="One"><t:table-row t:number-rows-repeated="2">{cell}</t:table-row></t:table></a>'
    )

    marks = opendocument.scan(content.encode(), "One")

    assert marks.texts == dict.fromkeys([(0, 0), (0, 1), (1, 0), (1, 1)], "#N/A")
    assert opendocument.scan(content.encode(), "Two").texts == {}


def test_records_of_xlsb_have_types_and_lengths_of_several_bytes() -> None:
    long = bytes(300)

    assert list(records(b"\x03\x01x" + b"\xb0\x01\xac\x02" + long)) == [(3, b"x"), (176, long)]


def test_hidden_rows_of_nothing_need_no_decision(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    for row in (["No", "Name"], ["1", "a"], [None, None], ["2", "b"]):
        book.active.append(row)
    book.active.row_dimensions[3].hidden = True
    book.active.row_dimensions[900].hidden = True
    book.active.row_dimensions[1].hidden = True
    book.save(tmp_path / "june.xlsx")

    assert list(read(tmp_path / "june.xlsx", Reading()).cells.index) == [2, 4]


def test_a_line_that_does_not_end_is_out_of_sight_soon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importer.read.source.CHUNK", 1 << 10)
    monkeypatch.setattr("importer.read.source.LONGEST_LINE", 1 << 12)
    (tmp_path / "long.csv").write_text("a,b\n1," + "x" * (1 << 14) + "\n", encoding="utf-8")

    with pytest.raises(SourceError, match="has a line of more than"):
        read(tmp_path / "long.csv")


def test_a_record_that_does_not_end_is_named_by_its_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importer.read.source.CHUNK", 1 << 10)
    monkeypatch.setattr("importer.read.blocks.LONGEST_RECORD", 1 << 12)
    (tmp_path / "open.csv").write_text('a,b\n1,2\n"' + "x,y\n" * 4000, encoding="utf-8")

    with pytest.raises(
        SourceError, match=r"at row 3: it is longer than .* or a quote that is opened there never closes"
    ):
        read(tmp_path / "open.csv")


def test_a_source_that_changes_while_it_is_read_is_not_half_of_each(tmp_path: Path) -> None:
    source = tmp_path / "june.csv"
    source.write_text("a,b\n1,2\n", encoding="utf-8")

    def write_more(what: str, share: float | None) -> None:
        if share is not None and what.startswith("Looking"):
            source.write_text("a,b\n1,2\n3,4\n", encoding="utf-8")

    with pytest.raises(SourceError, match=r"june\.csv changed while it was read"):
        read(source, doing=write_more)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252", "mac-roman"])
def test_signs_are_read_alike_wherever_chunks_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, encoding: str
) -> None:
    monkeypatch.setattr("importer.read.source.CHUNK", 2)
    words = [*UMLAUTS, *DANISH] if encoding not in {"cp1252", "mac-roman"} else UMLAUTS
    content = "sep=;\nNo;Name\n" + "".join(f'{number};"{word}; {word}"\n' for number, word in enumerate(words))
    (tmp_path / "june.csv").write_bytes(content.encode(encoding))

    table = read(tmp_path / "june.csv")

    assert table.cells[1].tolist() == [f"{word}; {word}" for word in words]
    assert table.cells.index.tolist() == list(range(3, 3 + len(words)))
