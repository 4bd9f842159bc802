"""Writes docs/messages.md: what reports say of rows, and every sentence that stops a command, from the code itself.

`python tests/messages.py` writes it; with `--check` it fails where the page has others.
"""

from __future__ import annotations

import ast
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from importer.messages import CATALOGUE
from importer.report.saying import MEANINGS

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT: Final = Path(__file__).parent.parent
PAGE: Final = ROOT / "docs" / "messages.md"
# What stops a command → under which heading its sentences stand.
KINDS: Final = {
    "SourceError": "A source cannot be read (exit code 3)",
    "ColumnsError": "Columns are missing or undecided (exit code 3)",
    "SettingsError": "Settings (exit code 3)",
    "JournalError": "The journal (exit code 3)",
    "NoJournalError": "The journal (exit code 3)",
    "MovedJournalError": "The journal (exit code 3)",
    "RunError": "Runs (exit code 3)",
    "CannotStart": "Files of a run (exit code 3)",
    "Stopped": "A run stops (exit code 4; `importer resume` goes on)",
    "Interrupted": "Somebody ended it (exit code 130)",
    "UsageError": "The command was used wrongly (exit code 2)",
    "BadParameter": "The command was used wrongly (exit code 2)",
    "ImporterError": "Bugs (exit code 70)",
}
HEAD: Final = """# Messages

Made by `python tests/messages.py`; a test holds it current. What is filled in stands in *italics*. What is wrong with
single cells is in [codes.md](codes.md); which sources are refused with which sentence, by example, in
[reading.md](reading.md).

## What reports say of rows
In the column `Message` of `Results`, and in `Error` where that is ours. What the API says of a row stands there in the
API's own words.

| of | error | message |
|---|---|---|
"""


@dataclass(frozen=True)
class Sentence:
    """What stops a command: which exception carries it, the text with names in braces, and where it is raised."""

    kind: str
    text: str
    place: str

    @property
    def heading(self) -> str:
        return KINDS[self.kind]


def sentences() -> list[Sentence]:
    """Find every sentence that is written where it is raised; those that are put together elsewhere are not seen."""
    found = []
    for path in sorted([*ROOT.glob("importer/**/*.py"), *ROOT.glob("schemas/**/*.py")]):
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(call, ast.Call) and call.args and (kind := name_of(call.func)) in KINDS:
                text = "".join(read(call.args[0]))
                if " " in text.replace("{…}", ""):
                    found.append(Sentence(kind, text, path.relative_to(ROOT).as_posix()))
    return sorted(found, key=lambda sentence: (list(KINDS.values()).index(sentence.heading), sentence.text.casefold()))


def name_of(called: ast.expr) -> str:
    return called.attr if isinstance(called, ast.Attribute) else called.id if isinstance(called, ast.Name) else ""


def read(node: ast.expr) -> Iterator[str]:
    """Give the text of an expression in parts; what is filled in is a name in braces, or … where it has none."""
    match node:
        case ast.Constant(str(text)):
            yield text
        case ast.JoinedStr(values):
            for value in values:
                yield from read(value)
        case ast.FormattedValue(value) if isinstance(value, ast.Name | ast.Attribute):
            yield f"{{{name_of(value).strip('_').replace('_', ' ').lower()}}}"
        case ast.Call(ast.Attribute(_, "say"), _, _) | ast.FormattedValue():
            yield "{…}"
        case ast.IfExp(_, one, other):
            yield from read(one)
            yield " / "
            yield from read(other)
        case _:
            yield "{…}"


def page() -> str:
    """Give the page as it should be."""
    lines = [HEAD]
    for saying in CATALOGUE.values():
        error = f"`{saying.error}`" if saying.error else ""
        lines.append(f"| {show(saying.when)} | {error} | {show(saying.text)} |\n")
    lines += ["\n## What each status means\n| status | meaning |\n|---|---|\n"]
    lines += [f"| `{status}` | {text} |\n" for status, text in MEANINGS.items()]
    heading = ""
    for sentence in sentences():
        if sentence.heading != heading:
            heading = sentence.heading
            lines.append(f"\n## {heading}\n")
        if (line := f"- {show(sentence.text)}\n") not in lines:
            lines.append(line)
    return "".join(lines)


def show(text: str) -> str:
    """Write a text as Markdown, with what is filled in in italics; a source's sentence begins with its name."""
    said = f"{{source}} {text}" if text.partition(" ")[0] in SOURCES_OWN else text
    return said.replace("{…}", "…").replace("{", "*").replace("}", "*").replace("|", "&#124;").replace("\n", " ")


SOURCES_OWN: Final = frozenset(
    {
        "has",
        "is",
        "holds",
        "hides",
        "parts",
        "may",
        "needs",
        "could",
        "cannot",
        "repeats",
        "declares",
        "unpacks",
        "begins",
        "lies",
    }
)


if __name__ == "__main__":
    if sys.argv[1:] == ["--check"]:
        sys.exit(0 if page() == PAGE.read_text(encoding="utf-8") else "docs/messages.md has other sentences.")
    PAGE.write_text(page(), encoding="utf-8")
