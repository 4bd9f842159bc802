"""Every sentence for people: plain English, ended properly, with its remedy, and in the catalogue."""

from __future__ import annotations

import ast
import re
import runpy
from pathlib import Path
from string import Formatter
from typing import Any

import pytest

from importer.messages import CATALOGUE
from schemas.codes import CATALOGUE as CODES

ROOT = Path(__file__).parent.parent
WRITTEN: dict[str, Any] = runpy.run_path(str(Path(__file__).with_name("messages.py")))
SENTENCES = WRITTEN["sentences"]()
# Words of programmers, and of this program's inside.
JARGON = re.compile(
    r"\b(null|none type|exception|traceback|stack|parse[drs]?|invalid (value|literal)|regex|payload|boolean|string|"
    r"integer|float|tuple|"
    r"dict|kwargs?|arguments?|buffer|serializ\w*|deserializ\w*|schema|enum|timestamp|UUID|ISO \d+|UTF|EOF|errno|"
    r"unexpected|unable|failed to|oops|illegal|fatal|abort\w*|fate|stage)\b",
    re.IGNORECASE,
)
# What tells people what to do: a verb, a command or option of ours, or what would do.
REMEDY = re.compile(
    r"\b(add|ask|begin|check|choose|close|compare|copy|correct|delete|empty|enter|export|fill|find|finish|give|ignore|"
    r"install|keep|leave|let|link|list|look|make|map|mend|move|name|open|pack|print|put|quote|round|refresh|remove|rename|"
    r"report|resume|return|run|save|say|see|set|settle|shorten|sign|split|start|submit|take|tell|try|unpack|unset|use|wait|write)\b"
    r"|\bthere (is|are)|\bMail is|\bhas to (be|have)|\bbegins with|\bends with|\bnot of the form|\bit has\b|`importer"
    r"|\{remedy\}|\{again\}|\{said\}|\{absent\}|again from|nothing is to be done",
    re.IGNORECASE,
)


def test_the_page_of_messages_is_current() -> None:
    assert WRITTEN["page"]() == (ROOT / "docs" / "messages.md").read_text(encoding="utf-8"), (
        "Run `python tests/messages.py`."
    )


# The user's own doing, or what is put together elsewhere.
SETTLED = re.compile(
    r"^(Nothing was|Interrupted\b|\{…\}|(\{(line|origin|name)\}:? |Sending was stopped\. )?\{error\}|Client "
    r"\{client\}: |lies beside a \{beside\} that \{error\}|"
    r"cannot be read at row|The journal \{…\} cannot be used: \{text\})"
)


def plain(text: str) -> str:
    """Leave out what is filled in, and what people type."""
    return re.sub(r"`[^`]*`|\{[^}]*\}|--[a-z-]+|CSV UTF-8|utf-8", "", text)


def test_what_stops_a_command_is_a_sentence_in_plain_english() -> None:
    assert [one for one in SENTENCES if one.text[-1] not in ".?})" or JARGON.search(plain(one.text))] == []


def test_what_stops_a_command_says_what_to_do() -> None:
    assert [one for one in SENTENCES if not SETTLED.search(one.text) and not REMEDY.search(one.text)] == []


@pytest.mark.parametrize("name", CATALOGUE)
def test_what_is_said_of_a_row_is_in_plain_english(name: str) -> None:
    saying = CATALOGUE[name]
    part = saying.text[0].islower() or saying.text[0] == "{"

    assert part or saying.text.endswith(".") or saying.text.endswith("}"), saying
    assert not JARGON.search(plain(saying.text)), saying


def said() -> list[tuple[str, set[str]]]:
    """Find each place that says something of the catalogue, and what it fills in."""
    found = []
    for path in ROOT.glob("importer/**/*.py"):
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr == "say":
                named = [node for node in ast.walk(call.func.value) if ast.unparse(node).split(".")[-1] in CATALOGUE]
                names = {ast.unparse(node).split(".")[-1] for node in named}
                found += [(name, {str(keyword.arg) for keyword in call.keywords}) for name in names]
    return found


def test_all_that_is_said_of_rows_is_filled_in_and_nothing_in_the_catalogue_is_unused() -> None:
    fields = {
        name: {field for _, field, _, _ in Formatter().parse(one.text) if field} for name, one in CATALOGUE.items()
    }
    uses = said()

    assert {name for name, _ in uses} == set(CATALOGUE)
    assert [(name, given) for name, given in uses if given != fields[name]] == []


@pytest.mark.parametrize(("target", "name"), CODES)
def test_an_issue_names_its_column_or_value_and_a_remedy_in_plain_english(target: str, name: str) -> None:
    code = CODES[target, name]
    told = f"{code.message} {code.hint}"

    assert code.message.endswith((".", "{detail}"))
    assert code.hint.removesuffix("{detail}").endswith(".")
    assert not JARGON.search(plain(told)), told
    assert REMEDY.search(code.hint), code.hint
