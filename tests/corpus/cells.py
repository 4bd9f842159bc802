"""Cells of every type, as programs write them: each row is a case by its name, and a cell.

The XML is written sign by sign, since most libraries write one spelling of many.
"""

from __future__ import annotations

import io
import re
import struct
import zipfile
from typing import Any, NamedTuple
from xml.sax.saxutils import quoteattr

import xlwt
from sources import Row, Source
from writers import RELATION, XLSX, Sheet, archive, ods, xlsb, xlsx

HEADER: Row = ["Case", "Cell"]
STRICT = {
    XLSX: "http://purl.oclc.org/ooxml/spreadsheetml/main",
    RELATION: "http://purl.oclc.org/ooxml/officeDocument/relationships",
}


class Case(NamedTuple):
    """A cell: what it shows, how it is written, what is read, and its number format."""

    name: str
    written: Any
    read: str | None
    code: str | int = "General"


def expected(cases: list[Case]) -> dict[int, Row]:
    """Give the rows of a sheet of cases."""
    return {row: [case.name, case.read] for row, case in enumerate(cases, 2)}


def unpack(book: bytes) -> dict[str, bytes | str]:
    """Give the parts of a workbook."""
    with zipfile.ZipFile(io.BytesIO(book)) as file:
        return {
            name: file.read(name) if name.endswith(".bin") else file.read(name).decode() for name in file.namelist()
        }


def number(text: str) -> str:
    """Write a number cell."""
    return f'<c r="@" s="%"><v>{text}</v></c>'


def in_xlsx(
    name: str, cases: list[Case], *, strings: str = "", is_1904: bool = False, spelt: Any = None, **more: Any
) -> Source:
    """Write XLSX; in a cell `@` is its place and `%` its style."""
    parts = unpack(xlsx(Sheet([[*HEADER]])))
    codes = sorted({case.code for case in cases}, key=str)
    styles = {code: style for style, code in enumerate(codes, 1)}
    cells = "".join(
        f'<row r="{row}"><c r="A{row}" t="inlineStr"><is><t>{case.name}</t></is></c>'
        + case.written.replace('"@"', f'"B{row}"').replace('"%"', f'"{styles[case.code]}"')
        + "</row>"
        for row, case in enumerate(cases, 2)
    )
    page = str(parts["xl/worksheets/sheet1.xml"])
    parts["xl/worksheets/sheet1.xml"] = page.replace("</sheetData>", cells + "</sheetData>")
    parts["xl/styles.xml"] = _styles(str(parts["xl/styles.xml"]), codes)
    kinds = '<Override PartName="/xl/styles.xml" ContentType="{0}styles+xml"/>'
    if strings:
        parts["xl/sharedStrings.xml"] = f'<sst xmlns="{XLSX}">{strings}</sst>'
        kinds += '<Override PartName="/xl/sharedStrings.xml" ContentType="{0}sharedStrings+xml"/>'
        link = f'<Relationship Id="t" Type="{RELATION}/sharedStrings" Target="sharedStrings.xml"/></Relationships>'
        rels = str(parts["xl/_rels/workbook.xml.rels"])
        parts["xl/_rels/workbook.xml.rels"] = rels.replace("</Relationships>", link)
    kinds = kinds.format("application/vnd.openxmlformats-officedocument.spreadsheetml.") + "</Types>"
    parts["[Content_Types].xml"] = str(parts["[Content_Types].xml"]).replace("</Types>", kinds)
    if is_1904:
        parts["xl/workbook.xml"] = str(parts["xl/workbook.xml"]).replace(
            "<sheets>", '<workbookPr date1904="1"/><sheets>'
        )
    if spelt:
        parts = {part: spelt(part, str(xml)) for part, xml in parts.items()}
    if "refused" in more:
        return Source(f"{name}.xlsx", archive(parts), **more)
    return Source(f"{name}.xlsx", archive(parts), HEADER, expected(cases), **more)


def _styles(xml: str, codes: list[str | int]) -> str:
    """Add number formats: those of a number are built in."""
    listed = [(n, code) for n, code in enumerate(codes, 164) if isinstance(code, str) and code != "General"]
    named = {code: n for n, code in listed} | {"General": 0}
    formats = "".join(f'<numFmt numFmtId="{n}" formatCode={quoteattr(code)}/>' for n, code in listed)
    xfs = "".join(f'<xf numFmtId="{named.get(code, code)}" applyNumberFormat="1"/>' for code in codes)
    xml = xml.replace("<fonts", f'<numFmts count="{len(listed)}">{formats}</numFmts><fonts', 1) if listed else xml
    return re.sub("<cellXfs.*</cellXfs>", f'<cellXfs count="{len(codes) + 1}"><xf numFmtId="0"/>{xfs}</cellXfs>', xml)


def strictly(part: str, xml: str) -> str:  # noqa: ARG001 - all parts alike
    """Write as strict Open XML."""
    for name, strict in STRICT.items():
        xml = xml.replace(name, strict)
    return xml


def prefixed(part: str, xml: str) -> str:
    """Write each tag of the spreadsheet's own with a prefix."""
    if not part.startswith("xl/") or part.endswith(".rels"):
        return xml
    return re.sub(r"<(/?)(\w)", r"<\1x:\2", xml).replace("xmlns=", "xmlns:x=")


def quoted_singly(part: str, xml: str) -> str:
    """Write attributes of cells in single quotes, one a line."""
    if not part.startswith("xl/worksheets/"):
        return xml
    return re.sub(r"<c ([^>]*)>", lambda cell: "<c\n" + cell[1].replace('"', "'").replace(" ", "\n") + ">", xml)


def placeless(part: str, xml: str) -> str:
    """Leave out where each cell is."""
    return re.sub(r'(<(?:c|row)) r="\w+"', r"\1", xml) if part.startswith("xl/worksheets/") else xml


DAY = "dd.mm.yyyy"
DATES = [
    Case("built-in 14", number("46053"), "2026-01-31", 14),
    Case("built-in 22, with a time", number("46053.520833333336"), "2026-01-31 12:30:00", 22),
    Case("day first", number("46053"), "2026-01-31", DAY),
    Case("month first", number("46053"), "2026-01-31", "mm/dd/yyyy"),
    Case("two digits of the year", number("46053"), "2026-01-31", "dd/mm/yy"),
    Case("German words", number("46053"), "2026-01-31", "[$-407]d. mmmm yyyy"),
    Case("the system's long date", number("46053"), "2026-01-31", "[$-F800]dddd\\,\\ mmmm\\ dd\\,\\ yyyy"),
    Case("month and year are shown, the day is stored", number("46053"), "2026-01-31", "mmm-yy"),
    Case("the year alone is shown", number("46053"), "2026-01-31", "yyyy"),
    Case("a text part in the format", number("46053"), "2026-01-31", "yyyy-mm-dd;@"),
    Case("colour and condition", number("46053"), "2026-01-31", "[Red]dd.mm.yyyy"),
    Case("the time is not shown", number("46053.5"), "2026-01-31 12:00:00", DAY),
    Case("a second before midnight", number("46053.999988425923"), "2026-01-31 23:59:59", DAY),
    Case("a fraction of a second", number("46053.52083912037"), "2026-01-31 12:30:00.5", "yyyy-mm-dd hh:mm"),
    Case("the last digit is noise", number("46053.00000000001"), "2026-01-31", DAY),
    Case("with an exponent", number("4.6053E4"), "2026-01-31", DAY),
    Case("ISO 8601, a date", '<c r="@" t="d"><v>2026-01-31</v></c>', "2026-01-31"),
    Case("ISO 8601, with a time", '<c r="@" s="%" t="d"><v>2026-01-31T12:30:00</v></c>', "2026-01-31 12:30:00", DAY),
    Case("a number that looks like a day", number("46053"), "46053"),
    Case("a text that looks like a day", '<c r="@" t="str"><v>31.01.2026</v></c>', "31.01.2026"),
    Case("a format of words in quotes", number("46053"), "46053", '0 "days"'),
    Case("an escaped letter", number("46053"), "46053", "\\d0.00"),
    Case("a colour that begins like a year", number("46053"), "46053", "[Yellow]0.00"),
]
EARLY = [
    Case("no day", number("0"), "1900-01-00", DAY),
    Case("no day, a time", number("0.5"), "1900-01-00 12:00:00", DAY),
    Case("the first day", number("1"), "1900-01-01", DAY),
    Case("the last of February", number("59"), "1900-02-28", DAY),
    Case("the day that never was", number("60"), "1900-02-29", DAY),
    Case("the day that never was, a time", number("60.5"), "1900-02-29 12:00:00", DAY),
    Case("the first of March", number("61"), "1900-03-01", DAY),
    Case("before all days", number("-1"), "-1", DAY),
    Case("before all days, a time", number("-1.5"), "-1.5", DAY),
    Case("the last day", number("2958465"), "9999-12-31", DAY),
    Case("beyond all days", number("2958466"), "2958466", DAY),
    Case("a text, as it must be before 1900", '<c r="@" t="str"><v>31.12.1899</v></c>', "31.12.1899"),
]
MAC = [
    Case("no day in 1900, the first in 1904", number("0"), "1904-01-01", DAY),
    Case("the first day, a time", number("0.5"), "1904-01-01 12:00:00", DAY),
    Case("the second day", number("1"), "1904-01-02", DAY),
    Case("sixty", number("60"), "1904-03-01", DAY),
    Case("today", number("44591"), "2026-01-31", DAY),
    Case("before all days", number("-1"), "-1", DAY),
    Case("a time", number("0.5"), "12:00:00", "hh:mm"),
    Case("a duration", number("1.5"), "36:00:00", "[h]:mm"),
    Case("the last day", number("2957003"), "9999-12-31", DAY),
    Case("beyond all days", number("2957004"), "2957004", DAY),
]
TIMES = [
    Case("a time", number("0.572916666666667"), "13:45:00", "hh:mm"),
    Case("morning", number("0.25"), "06:00:00", "[$-409]h:mm AM/PM"),
    Case("midnight", number("0"), "00:00:00", "hh:mm:ss"),
    Case("with a fraction", number("0.500005787037037"), "12:00:00.5", "mm:ss.0"),
    Case("built-in 20", number("0.25"), "06:00:00", 20),
    Case("a time of a day", number("46053.25"), "2026-01-31 06:00:00", "hh:mm"),
    Case("a duration", number("1.5"), "36:00:00", "[h]:mm:ss"),
    Case("a short duration", number("0.0625"), "01:30:00", "[mm]:ss"),
    Case("a negative duration", number("-0.0625"), "-01:30:00", "[hh]:mm"),
    Case("built-in 46", number("2"), "48:00:00", 46),
    Case("a duration of words", number("0.5"), "12:00:00", '[h]"h "mm"m"'),
]
ZEROS = [
    Case("a postal code", number("1234"), "01234", "00000"),
    Case("as many digits as zeros", number("80331"), "80331", "00000"),
    Case("more digits than zeros", number("123456"), "123456", "00000"),
    Case("zero", number("0"), "00000", "00000"),
    Case("two zeros", number("7"), "07", "00"),
    Case("one zero is no padding", number("7"), "7", "0"),
    Case("negative", number("-12"), "-00012", "00000"),
    Case("a fraction, which is not what is seen", number("12.5"), "12.5", "00000"),
    Case("a fraction of noise", number("1234.0000000000002"), "01234", "00000"),
    Case("with an exponent", number("1.234E3"), "01234", "00000"),
    Case("a text in front", number("12"), "INV-0012", '"INV-"0000'),
    Case("an escaped text", number("12"), "R/0012", "\\R\\/0000"),
    Case("a text behind", number("12"), "0012/26", '0000"/26"'),
    Case("US postal code", number("12345678"), "01234-5678", "00000-0000"),
    Case("US postal code, by length", number("1234"), "01234", "[<=99999]00000;00000-0000"),
    Case("US postal code, by length, long", number("12345678"), "01234-5678", "[<=99999]00000;00000-0000"),
    Case("Swedish postal code", number("11122"), "111 22", "000 00"),
    Case("with a locale", number("1234"), "01234", "[$-407]00000"),
    Case("a colour and a part for negatives", number("1234"), "01234", "[Blue]00000;[Red]-00000"),
    Case("the part for negatives", number("-1234"), "-01234", "[Blue]00000;[Red]-00000"),
    Case("the part for zero has a text", number("0"), "0", '00000;-00000;"none"'),
    Case("room for a bracket", number("1234"), "01234", "00000_)"),
    Case(
        "long, with more digits than are kept", number("4006381333931123"), "004006381333931120", "000000000000000000"
    ),
    Case("a result", '<c r="@" s="%"><f>1+1</f><v>2</v></c>', "00002", "00000"),
    Case("said to be a number", '<c r="@" s="%" t="n"><v>1234</v></c>', "01234", "00000"),
    Case("a text is as it is", '<c r="@" s="%" t="str"><v>1234</v></c>', "1234", "00000"),
    Case("nothing in it", '<c r="@" s="%"/>', None, "00000"),
    Case("zeros and a point are an amount", number("7.5"), "7.5", "00.00"),
    Case("zeros and groups are an amount", number("1234"), "1234", "00,000"),
    Case("zeros and a currency are an amount", number("1234"), "1234", "[$€-407] 00000"),
    Case("zeros in quotes are none", number("7"), "7", '"000"0'),
    Case("an optional digit is none", number("7"), "7", "#00"),
]
PERCENT = [
    Case("built-in 9", number("0.19"), "19%", 9),
    Case("built-in 10", number("0.0825"), "8.25%", 10),
    Case("all digits, not only those shown", number("0.1925"), "19.25%", "0%"),
    Case("no noise", number("0.07"), "7%", "0.0%"),
    Case("one", number("1"), "100%", "0%"),
    Case("an amount in the wrong format", number("1250"), "125000%", "0.00%"),
    Case("negative", number("-0.05"), "-5%", "0%;[Red]-0%"),
    Case("zero", number("0"), "0%", "0%"),
    Case("a sign in quotes is none", number("19"), "19", '0"%"'),
]
AMOUNTS = [
    Case("two decimals", number("1234.5"), "1234.5", "0.00"),
    Case("more than are shown", number("1234.567"), "1234.567", "0.00"),
    Case("grouped", number("1234567.8"), "1234567.8", "#,##0.00"),
    Case("euro behind", number("1234.5"), "1234.5", '#,##0.00 "€"'),
    Case("euro by locale", number("1234.5"), "1234.5", "#,##0.00\\ [$€-407]"),
    Case("a code in front", number("1234.5"), "1234.5", "[$USD]\\ #,##0.00"),
    Case("krone in quotes", number("1234.5"), "1234.5", '#,##0.00 "kr."'),
    Case("accounting", number("-1234.5"), "-1234.5", '_-* #,##0.00\\ "€"_-;\\-* #,##0.00\\ "€"_-'),
    Case("red brackets", number("-1234.5"), "-1234.5", "#,##0.00_);[Red](#,##0.00)"),
    Case("built-in 44", number("1234.5"), "1234.5", 44),
    Case("in thousands", number("12000"), "12000", "#,##0,"),
    Case("scientific", number("1234567"), "1234567", "0.00E+00"),
    Case("a fraction", number("0.5"), "0.5", "# ?/?"),
    Case("whole, without decimals", number("12.5"), "12.5", "0"),
    Case("as text", number("12.5"), "12.5", "@"),
    Case("hidden", number("12.5"), "12.5", ";;;"),
]
NUMBERS = [
    Case("whole", number("12"), "12"),
    Case("whole, with a point", number("12.0"), "12"),
    Case("noise of binary fractions", number("0.30000000000000004"), "0.3"),
    Case("cents", number("1234.5600000000002"), "1234.56"),
    Case("an exponent", number("1.5E2"), "150"),
    Case("small", number("1E-7"), "0.0000001"),
    Case("minus nothing", number("-0"), "0"),
    Case("15 digits", number("123456789012345"), "123456789012345"),
    Case("16 digits", number("1234567890123456"), "1234567890123460"),
    Case("18 digits, all in the file", number("123456789012345678"), "123456789012346000"),
    Case("large", number("1E20"), "100000000000000000000"),
    Case("a style that is nowhere", '<c r="@"><v>7</v></c>', "7"),
    Case("more than there is", number("1E400"), "#NUM!"),
]
BOOLEANS = [
    Case("true", '<c r="@" t="b"><v>1</v></c>', "TRUE"),
    Case("false", '<c r="@" t="b"><v>0</v></c>', "FALSE"),
    Case("a result", '<c r="@" t="b"><f>1=1</f><v>1</v></c>', "TRUE"),
    Case("one is a number", number("1"), "1"),
    Case("a text", '<c r="@" t="str"><v>true</v></c>', "true"),
]
ERRORS = [
    *(
        Case(text, f'<c r="@" t="e"><v>{text}</v></c>', text)
        for text in ("#NULL!", "#DIV/0!", "#VALUE!", "#REF!", "#NAME?", "#NUM!", "#N/A")
    ),
    Case("a result", '<c r="@" s="%" t="e"><f>1/0</f><v>#DIV/0!</v></c>', "#DIV/0!", "00000"),
    Case("a text that looks like one", '<c r="@" t="str"><v>#N/A</v></c>', "#N/A"),
]
LATER = [
    Case("of a later Excel", '<c r="@" t="e"><v>#SPILL!</v></c>', "#SPILL!"),
    Case("of Google Sheets", '<c r="@" t="e"><f>1+</f><v>#ERROR!</v></c>', "#ERROR!"),
    Case("of nobody", '<c r="@" t="e"><v>Err:508</v></c>', "#VALUE!"),
    Case("of all", '<c r="@" t="e"><v>#N/A</v></c>', "#N/A"),
    Case("a text beside", '<c r="@" t="str"><v>#SPILL!</v></c>', "#SPILL!"),
]
FORMULAS = [
    Case("a number", '<c r="@"><f>1+1</f><v>2</v></c>', "2"),
    Case("a date", '<c r="@" s="%"><f>TODAY()</f><v>46053</v></c>', "2026-01-31", DAY),
    Case("a text", '<c r="@" t="str"><f>"a"&amp;"b"</f><v>ab</v></c>', "ab"),
    Case("a blank text", '<c r="@" t="str"><f>""</f><v></v></c>', None),
    Case("shared", '<c r="@"><f t="shared" si="0"/><v>3</v></c>', "3"),
    Case("of an area", '<c r="@"><f t="array" ref="B7:B7">SUM(1,2)</f><v>3</v></c>', "3"),
]
STRINGS: list[tuple[str, str, str | None]] = [
    ("plain", "<t>plain</t>", "plain"),
    ("spaces around", '<t xml:space="preserve">  two  </t>', "  two  "),
    ("spaces that are not kept", "<t>  two  </t>", "two"),
    ("blank", "<t/>", None),
    ("nothing", "", None),
    ("a space", '<t xml:space="preserve"> </t>', " "),
    ("rich", '<r><t>Nord</t></r><r><rPr><b/></rPr><t xml:space="preserve"> AG</t></r>', "Nord AG"),
    ("phonetic", '<t>東京</t><rPh sb="0" eb="2"><t>トウキョウ</t></rPh><phoneticPr fontId="0"/>', "東京"),
    ("rich and phonetic", '<r><t>東</t></r><r><t>京</t></r><rPh sb="0" eb="2"><t>ト</t></rPh>', "東京"),
    ("a line feed", "<t>one\ntwo</t>", "one\ntwo"),
    ("an escaped return", "<t>one_x000D_\ntwo</t>", "one\r\ntwo"),
    ("an escaped return, small", "<t>one_x000d_two</t>", "one\rtwo"),
    ("an escaped escape", "<t>one_x005F_x000D_two</t>", "one_x000D_two"),
    ("an escaped escape, then an escape", "<t>one_x005F_x005F_x000D_</t>", "one_x005F\r"),
    ("an escaped tab", "<t>one_x0009_two</t>", "one\ttwo"),
    ("no escape", "<t>INV_x12_2026</t>", "INV_x12_2026"),
    ("entities", "<t>Süd &amp; Søn &lt;1&gt; &#x20AC;</t>", "Süd & Søn <1> €"),
    ("an entity of an entity", "<t>&amp;amp;</t>", "&amp;"),
    ("beyond the first plane", "<t>🙂</t>", "🙂"),
    ("digits", "<t>00123</t>", "00123"),
    ("a comment in the XML", "<t>one<!-- no --> two</t>", "one two"),
]
SHARED = [Case(name, f'<c r="@" t="s"><v>{place}</v></c>', read) for place, (name, _, read) in enumerate(STRINGS)]
INLINE = [
    Case(name, f'<c r="@" t="inlineStr"><is>{xml}</is></c>', read)
    for name, xml, read in STRINGS
    if name != "spaces that are not kept"
]
MIXED = [DATES[0], EARLY[4], ZEROS[0], PERCENT[0], AMOUNTS[3], ERRORS[1], BOOLEANS[0], TIMES[0]]
SST = "".join(f"<si>{xml}</si>" for _, xml, _ in STRINGS)

IN_XLSX = [
    in_xlsx("cells-dates", DATES),
    in_xlsx("cells-early-dates", EARLY),
    in_xlsx("cells-1904", MAC, is_1904=True),
    in_xlsx("cells-times", TIMES),
    in_xlsx("cells-zeros", ZEROS),
    in_xlsx("cells-percent", PERCENT),
    in_xlsx("cells-amounts", AMOUNTS),
    in_xlsx("cells-numbers", NUMBERS),
    in_xlsx("cells-booleans", BOOLEANS),
    in_xlsx("cells-errors", ERRORS),
    in_xlsx("cells-formulas", FORMULAS),
    in_xlsx("cells-shared-strings", SHARED, strings=SST),
    in_xlsx("cells-inline-strings", INLINE),
    in_xlsx("cells-strict", [*MIXED, SHARED[6]], strings=SST, spelt=strictly),
    in_xlsx("cells-strict-1904", MAC, is_1904=True, spelt=strictly),
    in_xlsx("cells-prefixed", MIXED, spelt=prefixed),
    in_xlsx("cells-single-quotes", MIXED, spelt=quoted_singly),
    in_xlsx("cells-without-places", MIXED, spelt=placeless),
    in_xlsx("never-calculated", [Case("x", '<c r="@"><f>1+1</f></c>', None)], refused="never calculated (cell B2)"),
    in_xlsx(
        "nul-in-a-cell",
        [Case("x", '<c r="@" t="inlineStr"><is><t>a_x0000_b</t></is></c>', None)],
        refused="holds NUL characters (row 2)",
    ),
    in_xlsx(
        "no-number",
        [Case("x", '<c r="@" t="n"><v>1,5</v></c>', None)],
        refused="is damaged or of a kind that cannot be read",
    ),
    in_xlsx("cells-later-errors", LATER),
    in_xlsx(
        "endless-duration",
        [Case("x", number("1E10"), None, "[h]:mm")],
        refused="has a duration of more days than can be counted",
    ),
]


OF_ODS = (
    'xmlns:number="urn:oasis:names:tc:opendocument:xmlns:datastyle:1.0" xmlns:dc="http://purl.org/dc/elements/1.1/" '
    'xmlns:xlink="http://www.w3.org/1999/xlink"'
)
ODS_STYLES = (
    '<number:number-style style:name="N1"><number:number number:decimal-places="0" number:min-integer-digits="5"/>'
    '</number:number-style><number:number-style style:name="N2"><number:text>INV-</number:text>'
    '<number:number number:decimal-places="0" number:min-integer-digits="4"/></number:number-style>'
    '<number:number-style style:name="N3"><number:number number:decimal-places="0" number:min-integer-digits="9">'
    '<number:embedded-text number:position="4">-</number:embedded-text></number:number>'
    '<style:map style:condition="value()&lt;=99999" style:apply-style-name="N1"/></number:number-style>'
    '<number:number-style style:name="N4"><number:number number:decimal-places="2" number:min-integer-digits="2"/>'
    '</number:number-style><number:number-style style:name="N5"><number:number number:decimal-places="0" '
    'number:min-integer-digits="2"/><style:map style:condition="value()&lt;9" style:apply-style-name="N4"/>'
    "</number:number-style>"
    + "".join(
        f'<style:style style:name="c{n}" style:family="table-cell" style:data-style-name="N{n}"/>' for n in range(1, 6)
    )
    + '<style:style style:name="heir" style:family="table-cell" style:parent-style-name="c1"/>'
)


def in_ods(name: str, cases: list[Case], column: str = "", **more: Any) -> Source:
    """Write ODS; *column* says more of the column of cells."""
    parts = unpack(ods(Sheet([[*HEADER]])))
    rows = "".join(
        f"<table:table-row{case.code if case.code != 'General' else ''}>"
        f'<table:table-cell office:value-type="string"><text:p>{case.name}</text:p></table:table-cell>{case.written}'
        "</table:table-row>"
        for case in cases
    )
    content = str(parts["content.xml"]).replace("</table:table>", rows + "</table:table>")
    content = content.replace("<office:document-content", f"<office:document-content {OF_ODS}", 1)
    content = content.replace("<office:automatic-styles>", f"<office:automatic-styles>{ODS_STYLES}")
    if column:
        content = content.replace(
            "<table:table-column/><table:table-row", f"<table:table-column {column}/><table:table-row"
        )
    parts["content.xml"] = content
    if "refused" in more:
        return Source(f"{name}.ods", archive(parts), **more)
    return Source(f"{name}.ods", archive(parts), HEADER, expected(cases), **more)


def ods_cell(kind: str, text: str | None = None, **attributes: str) -> str:
    """Write a cell of ODS."""
    told = "".join(
        f" {key.replace('__', ':').replace('_', '-')}={quoteattr(value)}" for key, value in attributes.items()
    )
    typed = f' office:value-type="{kind}"' if kind else ""
    return (
        f"<table:table-cell{typed}{told}>"
        + ("" if text is None else f"<text:p>{text}</text:p>")
        + "</table:table-cell>"
    )


def padded(value: str, text: str, style: str | None = "c1") -> str:
    """Write a number of ODS in a style."""
    named = {"table__style_name": style} if style else {}
    return ods_cell("float", text, office__value=value, **named)


IN_ODS = [
    in_ods(
        "cells-zeros",
        [
            Case("a postal code", padded("1234", "01234"), "01234"),
            Case("inherited", padded("1234", "01234", "heir"), "01234"),
            Case("a text in front", padded("12", "INV-0012", "c2"), "INV-0012"),
            Case("by length", padded("1234", "01234", "c3"), "01234"),
            Case("by length, long", padded("12345678", "01234-5678", "c3"), "01234-5678"),
            Case("negative", padded("-12", "-00012"), "-00012"),
            Case("a fraction, which is not what is seen", padded("12.5", "00013"), "12.5"),
            Case("decimals are an amount", padded("7.5", "07.50", "c4"), "7.5"),
            Case("whole, where decimals are shown", padded("7", "07.00", "c4"), "7"),
            Case("decimals for some", padded("7", "07.00", "c5"), "7"),
            Case("no style", padded("1234", "1234", None), "1234"),
            Case("more digits than are kept", padded("4006381333931123", "4006381333931120"), "4006381333931120"),
        ],
    ),
    in_ods(
        "cells-style-of-the-column",
        [
            Case("the column's", padded("1234", "01234", None), "01234"),
            Case("its own", padded("12", "INV-0012", "c2"), "INV-0012"),
            Case("the row's", padded("12", "INV-0012", None), "INV-0012", ' table:default-cell-style-name="c2"'),
            Case("none", padded("1234", "1234", "Default"), "1234"),
        ],
        'table:default-cell-style-name="c1"',
    ),
    in_ods(
        "cells-of-each-type",
        [
            Case("a number", ods_cell("float", "1.234,50", office__value="1234.5"), "1234.5"),
            Case("an exponent", ods_cell("float", "150", office__value="1.5E2"), "150"),
            Case("an amount", ods_cell("currency", "19,50 €", office__value="19.5", office__currency="EUR"), "19.5"),
            Case("a percentage", ods_cell("percentage", "19%", office__value="0.1925"), "19.25%"),
            Case("true", ods_cell("boolean", "WAHR", office__boolean_value="true"), "TRUE"),
            Case("false", ods_cell("boolean", "FALSCH", office__boolean_value="false"), "FALSE"),
            Case("a day", ods_cell("date", "31.01.26", office__date_value="2026-01-31"), "2026-01-31"),
            Case(
                "a time of a day",
                ods_cell("date", "31.01.26", office__date_value="2026-01-31T12:30:00"),
                "2026-01-31 12:30:00",
            ),
            Case("before 1900", ods_cell("date", "31.12.1899", office__date_value="1899-12-31"), "1899-12-31"),
            Case("a time", ods_cell("time", "13:45", office__time_value="PT13H45M00S"), "13:45:00"),
            Case("a duration", ods_cell("time", "36:00", office__time_value="PT36H00M00S"), "36:00:00"),
            Case("of days", ods_cell("time", "26:00", office__time_value="P1DT2H"), "26:00:00"),
            Case("negative", ods_cell("time", "-1:30", office__time_value="-PT01H30M00S"), "-01:30:00"),
            Case("a fraction", ods_cell("time", "00:00", office__time_value="PT0.5S"), "00:00:00.5"),
            Case(
                "a result",
                ods_cell("float", "2", office__value="2", table__formula="of:=1+1"),
                "2",
            ),
            Case(
                "an error of one program",
                ods_cell("string", "Err:508", office__string_value="", calcext__value_type="error"),
                "#VALUE!",
            ),
            Case("a blank result of LibreOffice", ods_cell("", table__formula='of:=""'), None),
            Case("a blank result", ods_cell("string", "", office__string_value="", table__formula='of:=""'), None),
        ],
    ),
    in_ods(
        "cells-texts",
        [
            Case("two lines", ods_cell("string", "one</text:p><text:p>two"), "one\ntwo"),
            Case("a line break", ods_cell("string", "one<text:line-break/>two"), "one\ntwo"),
            Case("a tab", ods_cell("string", "one<text:tab/>two"), "one\ttwo"),
            Case("spaces", ods_cell("string", 'one<text:s text:c="3"/>two'), "one   two"),
            Case(
                "spaces and a tab", ods_cell("string", 'one<text:s/><text:s text:c="2"/><text:tab/>two'), "one   \ttwo"
            ),
            Case("parts", ods_cell("string", "<text:span>No</text:span>rd<text:span> AG</text:span>"), "Nord AG"),
            Case("a link", ods_cell("string", '<text:a xlink:href="https://x.example">Nord</text:a> AG'), "Nord AG"),
            Case(
                "phonetic",
                ods_cell(
                    "string",
                    "<text:ruby><text:ruby-base>東京</text:ruby-base><text:ruby-text>トウ</text:ruby-text></text:ruby>",
                ),
                "東京",
            ),
            Case(
                "a comment",
                '<table:table-cell office:value-type="string"><office:annotation><dc:creator>Me</dc:creator>'
                "<text:p>call them</text:p></office:annotation><text:p>Nord AG</text:p></table:table-cell>",
                "Nord AG",
            ),
            Case(
                "a comment on nothing",
                "<table:table-cell><office:annotation><text:p>call!</text:p></office:annotation></table:table-cell>",
                None,
            ),
            Case("no type", ods_cell("", "Nord AG"), "Nord AG"),
            Case("no type, a style", ods_cell("", "Nord AG", table__style_name="c1"), "Nord AG"),
            Case("entities", ods_cell("string", "Süd &amp; Søn &lt;1&gt;"), "Süd & Søn <1>"),
            Case("digits", ods_cell("string", "00123"), "00123"),
            Case("a stored text", ods_cell("string", "shown", office__string_value="stored"), "stored"),
        ],
    ),
    in_ods(
        "cells-repeated",
        [
            Case(
                "a day",
                ods_cell("date", "x", office__date_value="2026-01-31", table__number_columns_repeated="1"),
                "2026-01-31",
            ),
            Case("a percentage", ods_cell("percentage", "19%", office__value="0.19"), "19%"),
        ],
    ),
    in_ods(
        "never-calculated",
        [Case("x", ods_cell("", table__formula="of:=1+1"), None)],
        refused="never calculated (cell B2)",
    ),
]


def in_xls(name: str, cases: list[Case], *, is_1904: bool = False) -> Source:
    """Write XLS."""
    book = xlwt.Workbook(encoding="utf-8")
    book.dates_1904 = is_1904
    page = book.add_sheet("Data")
    for column, text in enumerate(HEADER):
        page.write(0, column, text)
    for row, case in enumerate(cases, 1):
        page.write(row, 0, case.name)
        page.write(row, 1, case.written, xlwt.easyxf(num_format_str=str(case.code)))
    packed = io.BytesIO()
    book.save(packed)
    return Source(f"{name}.xls", packed.getvalue(), HEADER, expected(cases))


def in_xlsb(name: str, cases: list[Case], *, is_1904: bool = False) -> Source:
    """Write XLSB, whole numbers and hundredths as packed ones ([MS-XLSB] 2.5.122)."""
    parts = unpack(xlsb(Sheet([HEADER, *([case.name] for case in cases)])))
    codes = sorted({str(case.code) for case in cases} - {"General"})
    formats = b"".join(_record(44, struct.pack("<H", n) + _wide(code)) for n, code in enumerate(codes, 164))
    styles = b"".join(_record(47, struct.pack("<HH12x", 0, n)) for n in (0, *range(164, 164 + len(codes))))
    parts["xl/styles.bin"] = (
        _record(278)
        + (_record(615, struct.pack("<I", len(codes))) + formats + _record(616))
        + (_record(626, struct.pack("<I", 1)) + _record(47, bytes(16)) + _record(627))
        + (_record(617, struct.pack("<I", len(codes) + 1)) + styles + _record(618) + _record(279))
    )
    page = bytes(parts["xl/worksheets/sheet1.bin"])  # type: ignore[arg-type]
    for row, case in enumerate(cases, 1):
        name_cell = _record(7, struct.pack("<III", 0, 0, row + 1))
        style = codes.index(str(case.code)) + 1 if case.code != "General" else 0
        page = page.replace(name_cell, name_cell + _cell(case.written, style), 1)
    parts["xl/worksheets/sheet1.bin"] = page
    if is_1904:
        book = bytes(parts["xl/workbook.bin"])  # type: ignore[arg-type]
        parts["xl/workbook.bin"] = book.replace(
            _record(131), _record(131) + _record(153, struct.pack("<III", 1, 0, 0)), 1
        )
    return Source(f"{name}.xlsb", archive(parts), HEADER, expected(cases))


def _cell(value: Any, style: int) -> bytes:
    head = struct.pack("<II", 1, style)
    if isinstance(value, int) and abs(value) < 1 << 29:
        return _record(2, head + struct.pack("<i", value << 2 | 2))
    if isinstance(value, float) and (value * 100).is_integer():
        return _record(2, head + struct.pack("<i", int(value * 100) << 2 | 3))
    return _record(9, head + struct.pack("<dHI4x", value, 0, 0))


def _record(kind: int, body: bytes = b"") -> bytes:
    number_ = bytes([kind]) if kind < 128 else bytes([kind & 0x7F | 0x80, kind >> 7])
    assert len(body) < 16384
    length = bytes([len(body)]) if len(body) < 128 else bytes([len(body) & 0x7F | 0x80, len(body) >> 7])
    return number_ + length + body


def _wide(text: str) -> bytes:
    return struct.pack("<I", len(text)) + text.encode("utf-16-le")


BINARY = [
    Case("whole", 12, "12"),
    Case("hundredths", 12.25, "12.25"),
    Case("thirds", 1 / 3, "0.333333333333333"),
    Case("a postal code", 1234, "01234", "00000"),
    Case("a text in front", 12, "INV-0012", '"INV-"0000'),
    Case("a percentage", 0.19, "19%", "0%"),
    Case("an amount", 1234.5, "1234.5", '#,##0.00 "€"'),
    Case("a day", 46053, "2026-01-31", DAY),
    Case("a time of a day", 46053.5, "2026-01-31 12:00:00", DAY),
    Case("no day", 0, "1900-01-00", DAY),
    Case("the last of February", 59, "1900-02-28", DAY),
    Case("the day that never was", 60, "1900-02-29", DAY),
    Case("before all days", -1, "-1", DAY),
    Case("beyond all days", 2958466, "2958466", DAY),
    Case("a time", 0.25, "06:00:00", "hh:mm"),
    Case("a duration", 1.5, "36:00:00", "[h]:mm"),
    Case("16 digits", 4006381333931123, "4006381333931120"),
]
BINARY_MAC = [
    Case("today", 44591, "2026-01-31", DAY),
    Case("the first day", 0, "1904-01-01", DAY),
    Case("a time", 0.25, "06:00:00", "hh:mm"),
    Case("a duration", 1.5, "36:00:00", "[h]:mm"),
    Case("before all days", -1, "-1", DAY),
]

SOURCES = [
    *IN_XLSX,
    *IN_ODS,
    *(write("cells-of-each-type", BINARY) for write in (in_xls, in_xlsb)),
    *(write("cells-1904", BINARY_MAC, is_1904=True) for write in (in_xls, in_xlsb)),
]
