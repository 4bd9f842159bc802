"""The page of a report, and its issues as JSON Lines: whole, inert, bounded, and read without a network or a mouse."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shutil
import socket
import subprocess
import threading
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import pandas as pd
import pyarrow as pa
import pytest

from importer.model import (
    CHECK_STATUSES,
    ISSUE_COLUMNS,
    OUTCOME_COLUMNS,
    STATUSES,
    WAYS,
    Against,
    Forecast,
    Needed,
    Preview,
    PreviewGroup,
    Report,
    Run,
    SourceInfo,
    row_key,
)
from importer.report import web
from importer.report.digest import digest
from importer.report.lines import write_lines
from importer.report.web import drawing, texts

if TYPE_CHECKING:
    from collections.abc import Callable

SAMPLES = Path(__file__).parent.parent / "samples"
TEXT = pd.ArrowDtype(pa.string())
WHEN = datetime(2026, 11, 21, 10, 15, tzinfo=UTC)
RUN = Run(
    id="20261121-101500-june-3f2a",
    kind="check",
    sources=(SourceInfo("june.xlsx", "ab" * 32, (("format", "workbook"),)),),
    target="customer",
    mode="live",
    account="",
    host="",
    started=WHEN,
    finished=WHEN,
    version="0.1.0",
    settings=(),
    columns={},
    constants={},
    styles=(),
    stopped=None,
    exit_code=1,
)
STATE = (
    3,
    "State",
    "debtor.stateAlpha2",
    "error",
    "state-missing",
    "",
    "A debtor in the US needs a state.",
    "Write it.",
)
EMAIL = (4, "Email", "debtor.email", "warning", "email-malformed", "x@", "“x@” is no address.", "It is sent as it is.")
VOID = {"meta", "br", "input", "col", "img"}
HOSTILE = (
    "<script>alert(1)</script>",
    "</script></style></title><img src=x onerror=alert(1)>",
    "\"' onmouseover=alert(1) x='",
    "=cmd|' /C calc'!A0",
    "{{ 7 * 7 }}{% raw %}",
    "a\u202egpj.exe\x00\x1b[2J\u2066",
    "&lt;b&gt;&amp;",
    "]]><!--",
    "x" * 100_000,
)


def report(issues: list[tuple[Any, ...]], rows: int = 6, **changes: Any) -> Report:
    """Make a report of *rows* rows of 1,234.50 EUR from row 2 on: what has an error is invalid."""
    index = pd.Index(range(2, 2 + rows), name="row")
    faulty = {issue[0] for issue in issues if issue[3] == "error"}
    outcomes = pd.DataFrame({name: pd.Series(None, index, TEXT) for name in OUTCOME_COLUMNS})
    outcomes["status"] = pd.Series(["invalid" if row in faulty else "valid" for row in index], index, TEXT)
    amounts = pd.DataFrame(
        {
            "amount": pd.Series([Decimal("1234.50")] * rows, index).astype(pd.ArrowDtype(pa.decimal128(38, 18))),
            "currency": pd.Series(["EUR"] * rows, index, TEXT),
            "due": pd.Series([WHEN.date()] * rows, index).astype(pd.ArrowDtype(pa.date32())),
        }
    )
    frame = pd.DataFrame(issues, columns=list(ISSUE_COLUMNS)).astype({"row": "int64"})
    frame = frame.astype(dict.fromkeys(ISSUE_COLUMNS[1:], TEXT))
    return Report(replace(RUN, **changes), (), pd.DataFrame(index=index), {}, frame, outcomes, amounts)


def write(path: Path, told: Report) -> str:
    web.write_page(told, digest(told), path)
    return path.read_text(encoding="utf-8")


class Page(HTMLParser):
    """What a browser makes of a page: elements with their attributes and texts; refuses what is not well formed.

    Attributes:
        elements: Name, attributes, and the text within, of each in its order.
    """

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None], list[str]]] = []
        self._open: list[int] = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len({name for name, _ in attrs}) == len(attrs), f"<{tag}> has an attribute twice"
        self.elements.append((tag, dict(attrs), []))
        if tag not in VOID:
            self._open.append(len(self.elements) - 1)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs), []))

    def handle_endtag(self, tag: str) -> None:
        assert self.elements[self._open.pop()][0] == tag

    def handle_data(self, data: str) -> None:
        for number in self._open:
            self.elements[number][2].append(data)

    def all(self, name: str, **wanted: str) -> list[tuple[dict[str, str | None], str]]:
        return [
            (attributes, "".join(text))
            for tag, attributes, text in self.elements
            if tag == name and wanted.items() <= attributes.items()
        ]

    def texts(self, name: str, **wanted: str) -> list[str]:
        return [text for _, text in self.all(name, **wanted)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "report.html"


def test_the_page_says_what_the_summary_says(path: Path) -> None:
    told = report([STATE, EMAIL])
    page = Page(write(path, told))
    said = " ".join(page.texts("html")[0].split())

    summary = digest(told)
    assert page.texts("h1") == [summary.title] == ["Check of june.xlsx"]
    for sentence in (summary.verdict, summary.headline, *(reason.said for reason in summary.reasons)):
        assert " ".join(sentence.split()) in said
    for advice in summary.advice:
        assert advice.command in page.texts("code") or not advice.command
    assert ("1234.50", "1,234.50") in [(each["value"], text) for each, text in page.all("data")]
    assert ("7407.00", "7,407.00") in [(each["value"], text) for each, text in page.all("data")]


def test_the_page_lists_each_issue(path: Path) -> None:
    page = Page(write(path, report([STATE, EMAIL])))

    rows = [row for row in page.texts("tr") if re.match(r"\d+(error|warning)", row)]
    assert rows == [
        "3errorstate-missingState debtor.stateAlpha2A debtor in the US needs a state. Write it.",
        "4warningemail-malformedEmail debtor.emailx@“x@” is no address. It is sent as it is.",
    ]


def test_the_page_names_the_source_of_an_issue_where_there_are_several(path: Path, tmp_path: Path) -> None:
    told = report([STATE], sources=(RUN.sources[0], SourceInfo("july.xlsx", "cd" * 32, ())))
    key = row_key(1, 3)
    told = replace(
        told,
        issues=told.issues.assign(row=key),
        outcomes=told.outcomes.rename(index={3: key}),
        amounts=told.amounts.rename(index={3: key}),
        cells=told.cells.rename(index={3: key}),
    )

    assert "july.xlsx" in "".join(Page(write(path, told)).texts("th", scope="row"))
    write_lines(told, tmp_path / "issues.jsonl")
    assert json.loads((tmp_path / "issues.jsonl").read_text())["source"] == "july.xlsx"


def test_a_page_of_faultless_rows_has_no_list(path: Path) -> None:
    page = Page(write(path, report([])))

    assert "There are none." in page.texts("p")
    assert page.all("form") == []


def test_hostile_texts_stay_texts(path: Path) -> None:
    issues = [(3, text, text, "error", "required", text, text, text) for text in HOSTILE]
    plain = Page(write(path, report([STATE] * len(HOSTILE))))
    name = HOSTILE[1]
    page = Page(write(path, report(issues, sources=(SourceInfo(name, "", (("format", name),)),), stopped=name)))

    assert {tag for tag, _, _ in page.elements} - {tag for tag, _, _ in plain.elements} <= {"br"}
    assert [len(page.all(name)) for name in ("script", "style", "html", "body", "main")] == [1] * 5
    assert [name for _, attributes, _ in page.elements for name in attributes if name.startswith("on")] == []
    values = page.texts("td", **{"class": "value"})
    assert values[:5] == list(HOSTILE[:5])
    assert values[5] == "a\\u202egpj.exe\\x00\\x1b[2J\\u2066"
    assert values[8].endswith("… (100,000 characters in all)")
    assert not re.search("[\x00-\x08\x0b-\x1f\u202e\u2066]", path.read_text())


def test_the_page_may_load_nothing_and_run_nothing_but_its_own_script(path: Path) -> None:
    page = Page(write(path, report([STATE, EMAIL])))

    ((policy, _),) = page.all("meta", **{"http-equiv": "Content-Security-Policy"})
    rules = dict(rule.split(" ", 1) for rule in str(policy["content"]).split("; "))
    hashes = {
        name: f"'sha256-{base64.b64encode(hashlib.sha256(page.texts(name)[0].encode()).digest()).decode()}'"
        for name in ("style", "script")
    }
    assert rules == {
        "default-src": "'none'",
        "style-src": hashes["style"],
        "script-src": hashes["script"],
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    addresses = [attributes.get(name) for _, attributes, _ in page.elements for name in ("src", "href", "style")]
    assert [address for address in addresses if address and not address.startswith("#")] == []
    assert "url(" not in page.texts("style")[0]


def test_the_page_can_be_heard_and_walked_through(path: Path) -> None:
    page = Page(write(path, report([STATE, EMAIL])))

    assert page.all("html")[0][0]["lang"] == "en"
    assert [len(page.all(name)) for name in ("header", "nav", "main", "footer", "h1")] == [1] * 5
    levels = [int(tag[1]) for tag, _, _ in page.elements if re.fullmatch("h[1-6]", tag)]
    assert all(after <= before + 1 for before, after in pairwise(levels))
    ids = [attributes["id"] for _, attributes, _ in page.elements if "id" in attributes]
    assert len(set(ids)) == len(ids)
    named = [attributes.get(name) for _, attributes, _ in page.elements for name in ("aria-labelledby", "for")]
    named += [str(attributes["href"])[1:] for attributes, _ in page.all("a") if "=" not in str(attributes["href"])]
    assert {part for name in named if name for part in name.split()} <= set(ids)
    assert len(page.all("table")) == len(page.all("caption"))
    assert all(attributes.get("scope") in {"col", "row"} for attributes, _ in page.all("th"))
    charts = page.all("svg", role="img")
    assert len(charts) == 3
    assert all(text.strip() for name in ("title", "desc") for text in page.texts(name))
    assert all(attributes["aria-hidden"] == "true" for attributes, _ in page.all("svg") if "role" not in attributes)


def test_each_status_is_told_from_the_others_without_its_colour() -> None:
    shown = {name: drawing.LOOKS[name] for name in (*STATUSES, *CHECK_STATUSES)}
    drawn = {pattern.name: (pattern.lines, pattern.dots) for pattern in drawing.PATTERNS}

    beside = [{shown[name] for name in statuses} for statuses in (STATUSES, CHECK_STATUSES)]
    assert [len({drawn[name] for name in looks}) for looks in beside] == [len(STATUSES), len(CHECK_STATUSES)]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_texts_can_be_read_by_weak_eyes(path: Path, scheme: str) -> None:
    """As WCAG 2.2 has it for level AA: 4.5 for texts, 3 for what is drawn (https://www.w3.org/TR/WCAG22/)."""
    style = Page(write(path, report([]))).texts("style")[0]
    light, dark = (
        dict(re.findall(r"--(\w+): (#\w+)", block)) for block in re.findall(r":root \{(.*?)\}", style, re.DOTALL)[:2]
    )
    colours = light if scheme == "light" else {**light, **dark}

    def light_of(colour: str) -> float:
        digits = colour[1:] if len(colour) == 7 else "".join(sign * 2 for sign in colour[1:])
        parts = [int(digits[start : start + 2], 16) / 255 for start in (0, 2, 4)]
        linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))

    def contrast(one: str, other: str) -> float:
        lighter, darker = sorted((light_of(colours[one]), light_of(colours[other])), reverse=True)
        return (lighter + 0.05) / (darker + 0.05)

    inks = ("ink", "soft", "accent", "link", "good", "open", "bad")
    weak = {(ink, ground) for ink in inks for ground in ("card", "paper") if contrast(ink, ground) < 4.5}
    weak |= {(ink, "card") for ink in ("known", "double", "held", "left", "focus") if contrast(ink, "card") < 3}
    assert weak == set()
    assert contrast("ink", "mark") >= 4.5


def test_the_page_tells_what_the_api_would_say_and_offers_only_links_to_pages(path: Path) -> None:
    links = ("https://app.example/sign?a=1&b=2", "javascript:alert(1)")
    needed = tuple(
        Needed("MissingPowerOfAttorney", f"Sign number {number}.", link) for number, link in enumerate(links)
    )
    said = Forecast(
        eligible=True, reason="", place="", partner="", needed=needed, link="", base=None, surcharge=None,
        total=Decimal("9.5"), basis="",
    )  # fmt: skip
    group = PreviewGroup("", "US", "CA", "Company", "USD", 3, 3, Decimal(30), Decimal(10), "", said)

    page = Page(write(path, report([], preview=Preview((group,), 1, "The API is away."))))

    assert "The preview is not complete. The API is away." in page.texts("li")
    assert len(page.all("section", id="preview")) == 1
    (row,) = [text for text in page.texts("tr") if "US-CA" in text]
    assert row == (f"3 rowsUS-CA, Company, USD30.00 USD9.50 %contract missing Sign number 0. {links[0]} Sign number 1.")
    assert [each["href"] for each, _ in page.all("a", rel="noreferrer noopener")] == [links[0]]


def test_the_page_tells_what_differs_from_the_journal(path: Path) -> None:
    counts = {"new": 5, "changed": 1, **dict.fromkeys(WAYS, 0), "already-imported": 1}
    against = Against("Invented ApS", counts, columns={"Amount <b>": 1})

    page = Page(write(path, report([], against=against)))

    assert {*against.sentences} <= {*page.texts("p")}


def test_an_issue_with_the_header_is_told_like_any_other(path: Path) -> None:
    page = Page(
        write(path, report([(1, "State", "", "warning", "column-unused", "", "It feeds no field.", ""), STATE]))
    )

    assert [row[0] for row in listed(page)] == ["1", "3"]
    assert any("It feeds no field." in text for text in page.texts("table")[-2:-1])


def test_a_page_of_very_many_issues_has_the_first_of_each_kind_and_says_so(path: Path, tmp_path: Path) -> None:
    issues = [(row, *EMAIL[1:]) for row in range(2, 12_002)] + [(12_001, *STATE[1:])]
    told = report(issues, 12_000)
    text = write(path, told)
    write_lines(told, tmp_path / "issues.jsonl")

    page = Page(text)
    assert len(page.texts("td", **{"class": "value"})) == 5_000
    assert "5,000 of 12,001 issues are in this list: of each kind the first." in page.texts("strong")
    assert page.texts("td", **{"class": "code"}).count("state-missing") == 1
    assert page.texts("td", **{"class": "code"})[-1] == "state-missing"
    assert len(text) < 2_500_000
    assert (tmp_path / "issues.jsonl").read_bytes().count(b"\n") == 12_001


def test_each_line_of_the_issues_is_an_object(tmp_path: Path) -> None:
    path = tmp_path / "issues.jsonl"
    odd = (5, None, None, "error", "required", "=1+1\n\u2028\x00\u202e", "Ä “x” \\ /", "")
    write_lines(report([STATE, odd]), path)

    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n")[:-1]]
    assert [list(line) for line in lines] == [list(ISSUE_COLUMNS)] * 2
    assert lines[0] == dict(zip(ISSUE_COLUMNS, STATE, strict=True)) | {"value": None}
    assert lines[1] == dict(zip(ISSUE_COLUMNS, odd, strict=True)) | {"hint": None}
    assert path.stat().st_mode & 0o777 == 0o600


def test_without_issues_the_file_of_issues_is_empty(tmp_path: Path) -> None:
    write_lines(report([]), tmp_path / "issues.jsonl")

    assert (tmp_path / "issues.jsonl").read_bytes() == b""


def test_only_figures_of_ours_are_marked_to_be_grouped_otherwise() -> None:
    marked = str(texts.mark_words("1,234 of 5 rows: `importer submit 1,234.csv`, not 1,23 or 2026-11-21 or 1,234.56."))

    assert re.findall(r"<data[^>]*>[^<]*</data>", marked) == ['<data value="1234">1,234</data>']


def test_a_check_leaves_the_page_and_the_issues_beside_the_workbook(
    importer: Callable[..., Any], tmp_path: Path
) -> None:
    shutil.copy(SAMPLES / "all-good.csv", tmp_path / "good.csv")
    said = importer("check", "good.csv", "--json").said

    files = [Path(said[name]) for name in ("report", "page", "issues")]
    assert [file.name for file in files] == ["results.xlsx", "report.html", "issues.jsonl"]
    assert sorted(files[0].parent.iterdir()) == sorted(files)
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}
    assert files[2].read_bytes() == b""
    assert Path(importer("check", "good.csv").out.strip()).name == "results.xlsx"


def test_no_report_means_no_page_either(importer: Callable[..., Any], tmp_path: Path) -> None:
    shutil.copy(SAMPLES / "all-good.csv", tmp_path / "good.csv")

    said = importer("check", "good.csv", "--no-report", "--json").said

    assert [said[name] for name in ("report", "page", "issues")] == [None] * 3
    assert not (tmp_path / "reports").exists()


def test_a_run_has_its_page_too_and_a_rewritten_report_writes_it_again(
    importer: Callable[..., Any], tmp_path: Path
) -> None:
    shutil.copy(SAMPLES / "month-2026-10.xlsx", tmp_path / "month.xlsx")
    said = importer("submit", "month.xlsx", "--sandbox", "--yes", "--json").said
    before = Path(said["page"]).read_text(encoding="utf-8")
    Path(said["page"]).unlink()

    importer("report", said["run"])

    page = Page(before)
    assert page.texts("h1") == ["Import of month.xlsx"]
    assert {"created", "rejected"} <= {text.strip() for text in page.texts("th", scope="row")}
    assert Page(Path(said["page"]).read_text(encoding="utf-8")).texts("main") == page.texts("main")


BROWSERS = ("chromium", "chromium-browser", "google-chrome")
QUIET = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-crash-reporter"),
)


def browse(path: Path, *options: str, place: str = "") -> Page:
    """Open a page in a real browser, and give what its script made of it."""
    found = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if found is None:
        pytest.skip("There is no Chromium to test with: install it (on Debian: `apt install chromium`).")
    profile = f"--user-data-dir={path.parent / 'profile'}"
    command = [found, *QUIET, profile, *options, "--virtual-time-budget=3000", "--dump-dom", f"{path.as_uri()}{place}"]
    return Page(
        subprocess.run(command, capture_output=True, check=True, timeout=180, text=True, encoding="utf-8").stdout
    )


def listed(page: Page) -> list[str]:
    """Give the rows of the list of issues that are to be seen."""
    lines = [(attributes, text) for attributes, text in page.all("tr") if re.match(r"\d+(error|warning)", text)]
    return [text for attributes, text in lines if "hidden" not in attributes]


@pytest.mark.parametrize(
    ("place", "shown", "said"),
    [
        ("#q=WRITE+state", 1, "1 of 3 in this list"),
        ("#severity=warning&column=Email", 2, "2 of 3 in this list"),
        ("#code=state-missing&q=email", 0, "0 of 3 in this list: nothing fits"),
        ("#code=no-such-code", 3, ""),
    ],
)
def test_a_browser_shows_the_issues_that_its_address_asks_for(path: Path, place: str, shown: int, said: str) -> None:
    write(path, report([STATE, EMAIL, (5, *EMAIL[1:])]))

    page = browse(path, place=place)

    assert len(listed(page)) == shown
    assert page.texts("p", id="shown") == [said]
    assert page.texts("option") == [
        *("All", "warning (2)", "error (1)", "All", "email-malformed (2)", "state-missing (1)"),
        *("All", "Email (2)", "State (1)"),
    ]


def test_without_a_script_the_whole_list_is_there(path: Path) -> None:
    page = Page(write(path, report([STATE, EMAIL])))

    assert len(listed(page)) == 2
    assert "hidden" in page.all("form")[0][0]


def test_a_browser_groups_figures_as_the_reader_does_and_keeps_each_digit(path: Path) -> None:
    exact = Decimal("12345678901234567890.125")
    told = report([])
    amounts = told.amounts["amount"].mask(told.amounts.index == 2, exact)
    write(path, replace(told, amounts=told.amounts.assign(amount=amounts)))

    page = browse(path, "--lang=de", "--accept-lang=de")

    written = {each["value"]: text for each, text in page.all("data")}
    assert written["12345678901234574062.625"] == "12.345.678.901.234.574.062,625"
    assert written["100.0"] == "100,0"
    assert [text for text in page.texts("text") if "574" in text] == ["12.345.678.901.234.574.062,625"]
    assert page.texts("desc")[-1] == "EUR: 12.345.678.901.234.574.062,625; "
    assert all(re.fullmatch(r"[\d.]+(,\d+)?", text) for text in written.values())


class Listener:
    """A proxy that answers nothing, and notes what it is asked for.

    Attributes:
        calls: The first line of each request.
        port: Where it listens.
    """

    def __init__(self) -> None:
        self.calls: list[bytes] = []
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._listen)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join()

    def _listen(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            with connection:
                self.calls.append(connection.recv(1000).partition(b"\r\n")[0])


@pytest.mark.parametrize("barred", [True, False])
def test_a_browser_asks_nobody_even_if_a_text_had_become_markup(path: Path, *, barred: bool) -> None:
    text = write(path, report([STATE, EMAIL]))
    sneaked = (
        '<img src="http://images.example/a.png"><script>document.title = "run"</script>'
        '<p onclick="0" style="background: url(http://images.example/b.png)">x</p>'
    )
    text = text.replace("<main>", f"<main>{sneaked}")
    path.write_text(text if barred else re.sub("<meta http-equiv=[^>]*>", "", text), encoding="utf-8")

    with Listener() as listener:
        page = browse(path, f"--proxy-server=127.0.0.1:{listener.port}")
        # A browser asks for things of its own, such as the time.
        assert any(b"images.example" in call for call in listener.calls) != barred

    assert page.texts("title")[0] == ("Check of june.xlsx" if barred else "run")
    assert len(listed(page)) == 2


@pytest.mark.parametrize(
    ("currencies", "said"),
    [
        (8, "Each bar is the whole amount of its currency."),
        (9, "Each bar is the whole amount of its currency. The first 8 of 9 currencies; the table has all."),
    ],
)
def test_the_chart_of_amounts_says_that_it_does_not_draw_every_currency(currencies: int, said: str) -> None:
    told = report([], rows=currencies)
    told.amounts["currency"] = pd.Series([f"A{number:02}" for number in range(currencies)], told.amounts.index, TEXT)
    chart = drawing.draw_money(digest(told))
    assert (chart.caption, len(chart.bars)) == (said, 8)
