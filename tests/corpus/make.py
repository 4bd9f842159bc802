"""Makes the corpus: `python tests/corpus/make.py [FOLDER]` writes the sources, and what is expected of each.

Everything in it is invented. A source that is made here is never changed by hand.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import cells
import columns
import formats
import shapes
import texts

HERE = Path(__file__).parent
TOLD = ("options", "header", "rows", "facts", "left_out", "refused", "values", "undecided")


def main(folder: Path) -> None:
    """Write all sources below *folder*, and `expected.json` beside them."""
    (folder / "sources").mkdir(parents=True, exist_ok=True)
    expected: dict[str, object] = {}
    for source in (*texts.SOURCES, *formats.SOURCES, *shapes.SOURCES, *cells.SOURCES, *columns.SOURCES):
        if source.name in expected:
            raise SystemExit(f"Two sources are called {source.name}.")
        (folder / "sources" / source.name).write_bytes(source.content)
        told = {name: getattr(source, name) for name in TOLD}
        expected[source.name] = {name: value for name, value in told.items() if value}
    lines = (f"{json.dumps(name)}: {json.dumps(value, ensure_ascii=False)}" for name, value in expected.items())
    (folder / "expected.json").write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE)
