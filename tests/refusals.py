"""Writes the sentences that refuse sources into docs/reading.md: one for each such source of the corpus.

`python tests/refusals.py` writes them; `tests/test_corpus.py` looks whether the page has others.
"""

from __future__ import annotations

import json
from pathlib import Path

import schemas
from importer.errors import ColumnsError, SourceError
from importer.model import Matching, Parsed, Reading, Table
from importer.parse import parse
from importer.read import read

CORPUS = Path(__file__).parent / "corpus"
PAGE = Path(__file__).parent.parent / "docs" / "reading.md"
HEADING = "| source | sentence |\n|---|---|\n"


def page() -> str:
    """Give the page with the sentences as they are now."""
    lines = (f"| `{name}` | {sentence.replace('|', '&#124;')} |\n" for name, sentence in sorted(refusals().items()))
    return PAGE.read_text(encoding="utf-8").partition(HEADING)[0] + HEADING + "".join(lines)


def refusals() -> dict[str, str]:
    """Refuse each source of the corpus that is to be refused; of those with the same sentence, one."""
    expected = json.loads((CORPUS / "expected.json").read_text(encoding="utf-8"))
    found: dict[str, str] = {}
    for name, told in expected.items():
        if "refused" in told or "undecided" in told:
            try:
                parse_fields(read(CORPUS / "sources" / name, Reading(**told.get("options", {}))))
            except (SourceError, ColumnsError) as error:
                found.setdefault(str(error).removeprefix(name).lstrip(": "), name)
    return {name: sentence for sentence, name in found.items()}


def parse_fields(table: Table) -> Parsed:
    """Read the values of columns that are named as fields."""
    target = schemas.load("customer")
    columns = {header: place for place, header in enumerate(table.header) if header in target.FIELDS}
    return parse(table, Matching(columns, {}, (), {}), target, latest=2027)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
