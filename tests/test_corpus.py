"""A corpus of small sources, each with what is expected of it; `tests/corpus/make.py` makes both."""

from __future__ import annotations

import filecmp
import json
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from importer.errors import SourceError
from importer.model import Reading
from importer.read import read

CORPUS = Path(__file__).parent / "corpus"
EXPECTED: dict[str, dict[str, Any]] = json.loads((CORPUS / "expected.json").read_text(encoding="utf-8"))
READ = {name: expected for name, expected in EXPECTED.items() if "refused" not in expected}
REFUSED = {name: expected for name, expected in EXPECTED.items() if "refused" in expected}


@pytest.mark.parametrize("name", READ)
def test_a_source_is_read_as_expected(name: str) -> None:
    expected = READ[name]

    table = read(CORPUS / "sources" / name, Reading(**expected.get("options", {})))

    cells = table.cells.astype(object).where(table.cells.notna(), None)
    assert list(table.header) == [text or "" for text in expected["header"]]
    assert {str(row): list(found) for row, found in zip(cells.index, cells.to_numpy(), strict=True)} == expected["rows"]
    assert dict(table.facts) == dict(table.facts) | expected.get("facts", {})
    assert {str(out.row): out.why for out in table.left_out} == expected.get("left_out", {})


@pytest.mark.parametrize("name", REFUSED)
def test_a_source_that_is_undecidable_is_refused_in_one_sentence(name: str) -> None:
    expected = REFUSED[name]

    with pytest.raises(SourceError) as caught:
        read(CORPUS / "sources" / name, Reading(**expected.get("options", {})))

    said = str(caught.value)
    assert expected["refused"] in said
    assert said.startswith(name)
    assert said.endswith(".")
    assert "\n" not in said


def test_the_script_makes_the_corpus_that_is_here(tmp_path: Path) -> None:
    subprocess.run([sys.executable, CORPUS / "make.py", tmp_path], check=True)

    assert (tmp_path / "expected.json").read_bytes() == (CORPUS / "expected.json").read_bytes()
    made = sorted(path.name for path in (tmp_path / "sources").iterdir())
    assert made == sorted(path.name for path in (CORPUS / "sources").iterdir())
    assert filecmp.cmpfiles(tmp_path / "sources", CORPUS / "sources", made, shallow=False) == (made, [], [])


def test_the_documentation_has_every_sentence_that_refuses_a_source() -> None:
    refusals = runpy.run_path(str(CORPUS.parent / "refusals.py"))

    assert refusals["page"]() == refusals["PAGE"].read_text(encoding="utf-8")
