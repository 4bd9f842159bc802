"""Texts: encodings, dialects, uneven rows."""

from __future__ import annotations

import gzip

from sources import Row, Source

HEADER: Row = ["No", "Customer", "Amount"]
ROWS: dict[int, Row] = {2: ["R-1", "Nord AG", "10,50"], 3: ["R-2", "Süd KG", "7,25"]}
PLAIN = "No;Customer;Amount\nR-1;Nord AG;10,50\nR-2;Süd KG;7,25\n"


def text(
    name: str, content: str | bytes, rows: dict[int, Row] | None = None, header: Row = HEADER, **more: object
) -> Source:
    """Expect what `PLAIN` has, but for what is said."""
    data = content if isinstance(content, bytes) else content.encode()
    return Source(name, data, header, ROWS if rows is None else rows, **more)  # type: ignore[arg-type]


def refused(name: str, content: str | bytes, sentence: str, **options: str | int) -> Source:
    """Expect a sentence."""
    return Source(name, content if isinstance(content, bytes) else content.encode(), refused=sentence, options=options)


def words(name: str, encoding: str, *cells: str, said: str | None = None, **more: object) -> Source:
    """Write a column of words in an encoding, which has to be told from them."""
    content = "No;Word\n" + "".join(f"{number};{cell}\n" for number, cell in enumerate(cells, 1))
    rows: dict[int, Row] = {row: [str(row - 1), cell] for row, cell in enumerate(cells, 2)}
    return Source(name, content.encode(encoding), ["No", "Word"], rows, {"encoding": said or encoding}, **more)  # type: ignore[arg-type]


ENCODINGS = [
    text("utf-8.csv", PLAIN, facts={"encoding": "utf-8", "delimiter": "semicolon"}),
    text("utf-8-mark.csv", PLAIN.encode("utf-8-sig"), facts={"encoding": "utf-8"}),
    text("utf-16-le-mark.txt", b"\xff\xfe" + PLAIN.encode("utf-16-le"), facts={"encoding": "utf-16"}),
    text("utf-16-be-mark.txt", b"\xfe\xff" + PLAIN.encode("utf-16-be"), facts={"encoding": "utf-16"}),
    text("utf-16-le.txt", PLAIN.encode("utf-16-le"), facts={"encoding": "utf-16-le"}),
    text("utf-16-be.txt", PLAIN.encode("utf-16-be"), facts={"encoding": "utf-16-be"}),
    text("utf-32-mark.txt", PLAIN.encode("utf-32"), facts={"encoding": "utf-32"}),
    text(
        "utf-8-late.csv",
        PLAIN.replace("Süd", "Sud") + "x;y;1\n" * 220 + "R-9;Öst;1\n",
        facts={"encoding": "utf-8"},
        rows={
            2: ["R-1", "Nord AG", "10,50"],
            3: ["R-2", "Sud KG", "7,25"],
            **{row: ["x", "y", "1"] for row in range(4, 224)},
            224: ["R-9", "Öst", "1"],
        },
    ),
    words("german-1252.csv", "cp1252", "Müller", "Weiß", "Jörg Bäcker"),
    words("german-mac.csv", "mac-roman", "Müller", "Weiß", "Jörg Bäcker"),
    words("danish-1252.csv", "cp1252", "Sørensen", "Ærø", "Åbenrå"),
    words("danish-one-word-1252.csv", "cp1252", "Sørensen"),
    words("danish-mac.csv", "mac-roman", "Sørensen", "Ærø", "Åbenrå"),
    words("swedish-1252.csv", "cp1252", "Åkesson", "Göteborg", "Ängelholm"),
    words("french-1252.csv", "cp1252", "François", "Hélène", "Benoît", "Noël"),
    words("french-mac.csv", "mac-roman", "François", "Hélène", "Benoît", "Noël"),
    words("spanish-1252.csv", "cp1252", "Muñoz", "Málaga", "Cigüeña"),
    words("portuguese-1252.csv", "cp1252", "João", "Conceição", "Guimarães"),
    words("polish-1250.csv", "cp1250", "Łódź", "Wałęsa", "Gdańsk", "Żółw"),
    words("czech-1250.csv", "cp1250", "Dvořák", "Růžička", "Jiří", "Černý"),
    words("hungarian-1250.csv", "cp1250", "Erdős", "Győr", "Fűtő"),
    words("croatian-1250.csv", "cp1250", "Šarić", "Đurđević", "Čačić"),
    words("euro-1252.csv", "cp1252", "10 €", "Müller – Söhne", "“Alte” Mühle’s"),
    words("euro-8859-15.csv", "iso-8859-15", "10 €", "Müller"),
    words("finnish-8859-15.csv", "iso-8859-15", "Šakki", "Äänekoski"),
    words("said-1250.csv", "cp1250", "Gdańsk", options={"encoding": "cp1250"}),
    words("said-greek.csv", "iso-8859-7", "Αθήνα", options={"encoding": "iso-8859-7"}),
    refused(
        "polish-or-spanish.csv",
        "No;City;Country\n1;Gdańsk;PL\n".encode("cp1250"),
        "may be cp1252 (“Gdañsk”) or cp1250 (“Gdańsk”): say which with --encoding",
    ),
    refused("cyrillic-1251.csv", "No;City\n1;Москва\n2;Самара\n".encode("cp1251"), "say its encoding with --encoding"),
    refused(
        "utf-8-two-bytes-wrong.csv",
        PLAIN.encode() + b'"R-3";"two\nlines ' + "é".encode() + b'";1\nR-4;J\xf6rg;2\nR-5;\xe9;3\n',
        "is utf-8, but for bytes that mean nothing in it (rows 5-6)",
    ),
    refused(
        "said-wrongly.csv",
        PLAIN.encode("cp1252"),
        "is utf-8, but for bytes that mean nothing in it (row 3)",
        encoding="utf-8",
    ),
    refused("utf-16-cut.txt", PLAIN.encode("utf-16")[:-1], "is utf-16, but for bytes that mean nothing in it"),
    refused("nul.csv", PLAIN + "R-3;a\0b;1\n", "holds NUL characters (row 4)"),
]

DIALECTS = [
    text("comma.csv", 'No,Customer,Amount\nR-1,Nord AG,"10,50"\nR-2,Süd KG,"7,25"\n', facts={"delimiter": "comma"}),
    text("tab.tsv", PLAIN.replace(";", "\t"), facts={"delimiter": "tab"}),
    text("pipe.txt", PLAIN.replace(";", "|"), facts={"delimiter": "pipe"}),
    text("windows-ends.csv", PLAIN.replace("\n", "\r\n")),
    text("old-mac-ends.csv", PLAIN.replace("\n", "\r")),
    text("mixed-ends.csv", PLAIN.replace("\n", "\r\n", 1)),
    text("no-last-end.csv", PLAIN[:-1]),
    text(
        "sep-line.csv",
        "sep=;\n" + PLAIN,
        {row + 1: cells for row, cells in ROWS.items()},
        facts={"sep= line": "row 1", "header row": "2"},
    ),
    text(
        "sep-line-odd.csv",
        "sep=^\n" + PLAIN.replace(";", "^"),
        {row + 1: cells for row, cells in ROWS.items()},
        facts={"delimiter": "'^'"},
    ),
    text("said-delimiter.csv", PLAIN.replace(";", "~"), options={"delimiter": "~"}),
    text("all-quoted.csv", '"No";"Customer";"Amount"\n"R-1";"Nord AG";"10,50"\n"R-2";"Süd KG";"7,25"\n'),
    text(
        "single-quotes.csv",
        "'No';'Customer';'Amount'\n'R-1';'Nord; AG';'10,50'\n",
        {2: ["R-1", "Nord; AG", "10,50"]},
        facts={"quotes": "single"},
    ),
    text(
        "apostrophes.csv",
        "No;Customer;Amount\nR-1;'t Hoekje;10,50\nR-2;O'Hara;7,25\n",
        {2: ["R-1", "'t Hoekje", "10,50"], 3: ["R-2", "O'Hara", "7,25"]},
    ),
    text("doubled-quotes.csv", 'No;Customer;Amount\nR-1;"The ""Old"" Inn";1\n', {2: ["R-1", 'The "Old" Inn', "1"]}),
    text("inches.csv", 'No;Customer;Amount\nR-1;Pipes 5" AG;1\n', {2: ["R-1", 'Pipes 5" AG', "1"]}),
    text(
        "line-break.csv",
        'No;Customer;Amount\nR-1;"Nord\nAG";1\nR-2;Süd KG;2\n',
        {2: ["R-1", "Nord\nAG", "1"], 3: ["R-2", "Süd KG", "2"]},
    ),
    text("line-break-windows.csv", 'No;Customer;Amount\r\nR-1;"Nord\r\nAG";1\r\n', {2: ["R-1", "Nord\r\nAG", "1"]}),
    text(
        "commas-in-every-name.txt",
        "No\tCustomer, first\tAmount\n1\tNord, Ann\t1\n2\tSüd, Bo\t2\n",
        {2: ["1", "Nord, Ann", "1"], 3: ["2", "Süd, Bo", "2"]},
        ["No", "Customer, first", "Amount"],
    ),
    text("spaces-stay.csv", "No ; Customer;Amount\n R-1;Nord  AG ;1\n", {2: [" R-1", "Nord  AG ", "1"]}),
    text(
        "leading-zeros.csv", "No;Zip\n0001;01067\n0002;1E5\n", {2: ["0001", "01067"], 3: ["0002", "1E5"]}, ["No", "Zip"]
    ),
    text(
        "words-for-nothing.csv",
        "No;Country\nNA;NA\nnull;None\n",
        {2: ["NA", "NA"], 3: ["null", "None"]},
        ["No", "Country"],
    ),
    text("formula-texts.csv", "No;Note\n1;=1+1\n2;@x\n", {2: ["1", "=1+1"], 3: ["2", "@x"]}, ["No", "Note"]),
    text(
        "one-column.csv",
        "Reference\nR-1\nR-2\n",
        {2: ["R-1"], 3: ["R-2"]},
        ["Reference"],
        facts={"delimiter": "none: one column"},
    ),
    text("csv-called.xls", PLAIN, facts={"format": "text"}),
    text("csv-called.xlsx", PLAIN, facts={"format": "text"}),
    text("packed.csv.gz", gzip.compress(PLAIN.encode(), mtime=0), facts={"packed with": "gzip", "format": "text"}),
    text("packed-cp1252.csv.gz", gzip.compress(PLAIN.encode("cp1252"), mtime=0), facts={"encoding": "cp1252"}),
    text(
        "short-rows.csv",
        PLAIN + "R-3;Ost\nR-4\n",
        {**ROWS, 4: ["R-3", "Ost", None], 5: ["R-4", None, None]},
        facts={"short rows, filled up with blanks": "4-5"},
    ),
    text(
        "blank-rows.csv",
        "\n" + PLAIN.replace("R-2", "\n;;\nR-2"),
        {3: ["R-1", "Nord AG", "10,50"], 6: ["R-2", "Süd KG", "7,25"]},
        facts={"header row": "2", "blank rows": "2"},
    ),
    refused(
        "too-wide.csv", PLAIN + "R-3;Ost;1;x\n", "more cells than the header: 4. Quote cells that contain a semicolon"
    ),
    refused("shifted-blank.csv", "No,Name,Note\n1,Smith, John,\n", "more cells than the header: 2"),
    refused(
        "comma-or-semicolon.csv",
        "a;b,c\nd;e,f\ng;h,i\n",
        "comma or semicolon, and both fit: say which with --delimiter",
    ),
    refused("open-quote.csv", 'No;Name\n1;x\n2;"y\n3;z\n', "row 3: a quote that is opened there never closes"),
    refused("text-after-quote.csv", 'No;Name\n1;"x" y\n', "row 2: text follows a closing quote"),
    refused(
        "swallowed-rows.csv",
        'No;Name;a;b;c\n1;"x;1;2;3\n2;y;1;2;3\n3;z;1;2;3\n4;v";1;2;3\n',
        "has a quote in row 2 that closes 3 lines further down",
    ),
    refused(
        "html-called.xls",
        "<html><body><table><tr><td>No</td></tr></table></body></html>",
        "is HTML or XML, whatever its name says",
    ),
    refused(
        "old-xml-called.xls",
        '<?xml version="1.0"?><Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet"/>',
        "is HTML or XML",
    ),
    refused(
        "gzip-twice.csv.gz", gzip.compress(gzip.compress(PLAIN.encode(), mtime=0), mtime=0), "is packed with gzip twice"
    ),
    refused("gzip-cut.csv.gz", gzip.compress(PLAIN.encode(), mtime=0)[:-12], "is damaged"),
    refused("header-alone.csv", "No;Customer;Amount\n", "has a header but no rows"),
    refused("blank.csv", ";;\n;;\n", "has nothing in it"),
    refused("sheet-of-a-text.csv", PLAIN, "is no workbook and has no sheets; leave --sheet out", sheet="Data"),
]

SOURCES = [*ENCODINGS, *DIALECTS]
