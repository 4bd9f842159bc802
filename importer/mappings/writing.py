"""A mapping as the TOML that people read: what each field means stands beside it; no cell of a source is in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import tomlkit
from tomlkit.items import KeyType, SingleKey

from importer.model import Reading

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tomlkit.items import Table
    from tomlkit.toml_document import TOMLDocument

    from importer.model import SavedMapping
    from schemas import Target

_ABOUT: Final = {
    "columns": 'A column = the field that it feeds; "Header as in the source" = "field".',
    "split": "A column with several fields in each cell = the form of its cells, with the fields in braces.",
    "join": "A field = the columns that it is made of, in braces. A blank cell leaves no gap.",
    "constants": "A field = its value in every row.",
    "values": "What a cell says = what is meant. What is not listed stays as it is, and the rules judge it.",
    "decimal": 'A field of amounts = "point" or "comma", where its cells do not tell.',
    "date_order": 'A field of dates = "dmy", "mdy" or "ymd", where its cells do not tell.',
    "source": "How the source is read.",
}


def to_toml(
    mapping: SavedMapping,
    target: Target,
    meanings: Mapping[str, str],
    *,
    source: str,
    missing: Iterable[str] = (),
    unused: Mapping[str, str] | None = None,
) -> str:
    """Write *mapping* with comments.

    Args:
        mapping: What is to be saved.
        target: Whose fields.
        meanings: Field → what it means, in a sentence.
        source: The name of the file that it was made for.
        missing: Fields that nothing feeds yet, though a case needs them; alternatives with `or`.
        unused: Headers that feed nothing → the field that they probably mean, or blank.
    """
    document = tomlkit.document()
    for line in (
        f"How the columns of {_one_line(source)} feed the fields of the target {target.NAME}.",
        "Made by `importer map`; edit it as you like. A source with these headers, in whatever order, finds this file",
        "by itself; any other takes it with --mapping.",
    ):
        document.add(tomlkit.comment(line))
    document.add(tomlkit.nl())
    document.add("target", tomlkit.item(target.NAME))
    _add_list(document, "headers", mapping.headers)
    document.add(tomlkit.nl())
    document.add(tomlkit.comment("Columns that feed no field, and that nobody needs to be told of."))
    _add_list(document, "ignore", mapping.making.ignored)
    reading = {name: getattr(mapping.reading, name) for name in Reading.__slots__}
    _add_table(document, "source", {name: value for name, value in reading.items() if value is not None}, {})
    columns = _add_table(document, "columns", mapping.columns, meanings, always=True)
    for header, likely in (unused or {}).items():
        guess = f"; is it {likely}?" if likely else ""
        columns.add(tomlkit.comment(_one_line(f"{header}: feeds nothing{guess}")))
    _add_table(document, "split", mapping.making.splits, {})
    _add_table(document, "join", mapping.making.joins, meanings)
    constants = _add_table(document, "constants", mapping.constants, meanings, always=True)
    for name in missing:
        constants.add(tomlkit.comment(f"Missing, as a column or here: {name}"))
    if mapping.making.values:
        tables = tomlkit.table(is_super_table=True)
        for name, values in mapping.making.values.items():
            table = tomlkit.table()
            table.add(tomlkit.comment(_ABOUT["values"]))
            for text, meant in values.items():
                table.add(_key(text), meant)
            tables.add(_key(name), table)
        document.add(tomlkit.nl())
        document.add("values", tables)
    _add_table(document, "decimal", mapping.styles.decimal, {})
    _add_table(document, "date_order", mapping.styles.order, {})
    return tomlkit.dumps(document).rstrip() + "\n" + _tell_fields(target, mapping, meanings)


def _key(text: str) -> SingleKey:
    """Quote a key, whatever is in it; left to itself tomlkit quotes without escaping."""
    return SingleKey(text, t=KeyType.Basic)


def _add_list(document: TOMLDocument, name: str, texts: Iterable[str]) -> None:
    array = tomlkit.array()
    array.extend(texts)
    document.add(name, array.multiline(multiline=len(array) > 0))


def _add_table(
    document: TOMLDocument,
    name: str,
    entries: Mapping[str, object],
    meanings: Mapping[str, str],
    *,
    always: bool = False,
) -> Table:
    """Add a table, with what each field means beside it; an empty one only where it is *always* there."""
    table = tomlkit.table()
    table.add(tomlkit.comment(_ABOUT[name]))
    for key, value in entries.items():
        item = tomlkit.item(value)
        meaning = meanings.get(key) or meanings.get(str(value))
        if meaning:
            item.comment(meaning)
        table.add(_key(key), item)
    if entries or always:
        document.add(tomlkit.nl())
        document.add(name, table)
    return table


def _tell_fields(target: Target, mapping: SavedMapping, meanings: Mapping[str, str]) -> str:
    """List the fields that nothing feeds, for those who edit the file."""
    made = " ".join(mapping.making.splits.values())
    fed = {*mapping.columns.values(), *mapping.making.joins, *mapping.constants}
    free = [name for name in target.FIELDS if name not in fed and f"{{{name}}}" not in made]
    lines = [f"#   {name}: {meanings[name]}" if name in meanings else f"#   {name}" for name in free]
    return "\n".join(["", "# Fields that nothing feeds:", *lines, ""]) if lines else ""


def _one_line(text: str) -> str:
    return "".join(sign if sign.isprintable() else " " for sign in " ".join(text.split()))
