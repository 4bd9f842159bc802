from __future__ import annotations

import ast
from pathlib import Path

import pytest

import importer
import schemas

ROOT = Path(importer.__file__).parent.parent
MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for package in ("importer", "schemas")
    for path in sorted((ROOT / package).rglob("*.py"))
}
STAGES = {"read", "match", "parse", "check", "bundle", "plan", "submit", "journal", "report"}
# What a stage may import of ours, besides itself and the targets' `schemas`.
FOR_ALL = {"importer", "importer.model", "importer.errors", "importer.messages"}
FOR_STAGE = {"submit": {"importer.protocol", "importer.throttle"}}
# What a stage is handed as an argument, and so may name in its types alone.
FOR_TYPES = {"submit": ("importer.client", "importer.journal")}
# Library → the modules that may know it, by what their names begin with.
HOMES = {
    # The sandbox delivers webhooks, as the API does.
    "aiohttp": ("importer.wire", "importer.sandbox.sender"),
    "yarl": ("importer.wire",),
    "sqlalchemy": ("importer.journal",),
    "alembic": ("importer.journal",),
    "psycopg": ("importer.journal",),
    "click": ("importer.cli",),
    "rich": ("importer.cli", "importer.screen"),
    "openpyxl": ("importer.read", "importer.report"),
    "xlsxwriter": ("importer.read", "importer.report"),
    "isal": ("importer.report",),  # packs the workbook
    "python_calamine": ("importer.read", "importer.report"),
    # What is in cells becomes HTML in one place.
    "jinja2": ("importer.report.web",),
    "markupsafe": ("importer.report.web",),
    "xlrd": ("importer.read",),
    "fastexcel": ("importer.read", "importer.report"),
    "apprise": ("importer.notify",),
    # A web server is what takes webhooks.
    "starlette": ("importer.sandbox", "importer.listen"),
    "uvicorn": ("importer.sandbox", "importer.listen"),
}
ABOVE = ("importer.pipeline", "importer.cli")
EDGES = ("importer.client", "importer.wire", "importer.protocol", "importer.throttle", "importer.settings")
WITHOUT_PANDAS = ("importer.submit", "importer.client", "importer.wire", "importer.protocol", "importer.throttle")


def imports(name: str, source: str, *, package: bool = False, types: bool = True) -> set[str]:
    """Name every module that *source* imports, wherever in it; without *types* leave out what only types need."""
    tree = ast.parse(source)
    blocks = [node for node in ast.walk(tree) if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"]
    left_out = set() if types else {id(node) for block in blocks for node in ast.walk(block)}
    found = set()
    for node in ast.walk(tree):
        if id(node) in left_out:
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = name.split(".")[: len(name.split(".")) - node.level + package] if node.level else []
            start = ".".join([*above, *([node.module] if node.module else [])])
            found |= {start, *(f"{start}.{alias.name}" for alias in node.names)}
    return found


def imports_of(name: str, *, types: bool = True) -> set[str]:
    path = MODULES[name]
    return imports(name, path.read_text(encoding="utf-8"), package=path.name == "__init__.py", types=types)


def within(name: str, *packages: str) -> bool:
    return any(name == package or name.startswith(package + ".") for package in packages)


def ours(name: str, *, types: bool = True) -> set[str]:
    """Name the modules of ours that module *name* imports; names taken from a module count as the module."""
    found = {module for module in imports_of(name, types=types) if within(module, "importer", "schemas")}
    return {module if module in MODULES else module.rpartition(".")[0] for module in found}


def stage_of(name: str) -> str | None:
    parts = name.split(".")
    return parts[1] if parts[0] == "importer" and len(parts) > 1 and parts[1] in STAGES else None


def test_imports_are_seen_wherever_and_however_they_are_written() -> None:
    source = "import a.b\ndef f():\n    from c import d\nif TYPE_CHECKING:\n    from . import e\n    from .f import g\n"

    assert imports("x.y", source) == {"a.b", "c", "c.d", "x", "x.e", "x.f", "x.f.g"}
    assert imports("x.y", source, types=False) == {"a.b", "c", "c.d"}
    assert imports("x.y", "from . import e\nfrom .. import h", package=True) == {"x.y", "x.y.e", "x", "x.h"}


@pytest.mark.parametrize("name", [name for name in MODULES if stage_of(name)])
def test_a_stage_imports_no_other_stage_and_nothing_above_it(name: str) -> None:
    stage = str(stage_of(name))
    allowed = FOR_ALL | FOR_STAGE.get(stage, set())

    named = {module for module in ours(name) - ours(name, types=False) if within(module, *FOR_TYPES.get(stage, ()))}
    strangers = ours(name) - allowed - named

    assert {module for module in strangers if not within(module, f"importer.{stage}", "schemas")} == set()


@pytest.mark.parametrize("name", MODULES)
def test_a_library_is_known_only_where_it_is_at_home(name: str) -> None:
    libraries = {module.partition(".")[0] for module in imports_of(name)} & set(HOMES)

    assert {library for library in libraries if not name.startswith(HOMES[library])} == set()


@pytest.mark.parametrize("name", [name for name in MODULES if within(name, "schemas")])
def test_a_target_never_imports_the_importer(name: str) -> None:
    assert {module for module in ours(name) if within(module, "importer")} == set()


@pytest.mark.parametrize("name", [name for name in MODULES if within(name, "importer.sandbox")])
def test_the_sandbox_shares_no_rule_with_the_importer(name: str) -> None:
    assert {module for module in ours(name) - FOR_ALL if not within(module, "importer.sandbox")} == set()


@pytest.mark.parametrize("name", [name for name in MODULES if within(name, "importer.model", "importer.errors")])
def test_the_words_that_all_share_import_nothing_of_ours(name: str) -> None:
    assert {module for module in ours(name) if not within(module, "importer.model")} == set()


@pytest.mark.parametrize("name", [name for name in MODULES if within(name, *WITHOUT_PANDAS)])
def test_the_sending_path_knows_no_frames(name: str) -> None:
    assert {module.partition(".")[0] for module in imports_of(name)} & {"pandas", "pandera", "pyarrow"} == set()


@pytest.mark.parametrize("name", [name for name in MODULES if within(name, *EDGES)])
def test_what_the_stages_stand_on_knows_neither_stages_nor_the_pipeline(name: str) -> None:
    known = {module for module in ours(name, types=False) if stage_of(module) or within(module, *ABOVE)}

    assert known == set()


def test_both_packages_lie_side_by_side() -> None:
    assert Path(schemas.__file__).parent.parent == Path(importer.__file__).parent.parent
