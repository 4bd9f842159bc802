"""Saved mappings: TOML files that people read and edit, and how the one for a source is found."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from difflib import get_close_matches
from typing import TYPE_CHECKING, Final, cast, get_args

from importer.errors import ColumnsError, SettingsError
from importer.model import (
    DateOrder,
    DecimalStyle,
    Making,
    Reading,
    SavedMapping,
    Styles,
    find_delimiter,
    find_encoding,
    layout,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

FOLDER: Final = "mappings"  # in the workspace
KEYS: Final = (
    *("target", "headers", "ignore", "source", "columns", "split", "join", "constants", "values"),
    *("decimal", "date_order"),
)
_HIDDEN: Final = ("take", "skip")


def read_mapping(path: Path) -> SavedMapping:
    """Read a mapping file.

    Raises:
        SettingsError: It cannot be read, or says something else; names what, and what is near to it.
    """
    document = read_toml(path)
    for key in document:
        if key not in KEYS:
            raise SettingsError(
                f"{path} has {key}{_near(key, KEYS)}; a mapping has {', '.join(KEYS)}. Rename or remove it."
            )
    target = document.get("target", "")
    if not isinstance(target, str):
        raise SettingsError(f"target in {path} has to be a text.")
    texts = {
        table: _texts(document.get(table, {}), f"[{table}] in {path}")
        for table in ("columns", "split", "join", "constants", "decimal", "date_order")
    }
    for table, allowed in (("decimal", get_args(DecimalStyle)), ("date_order", get_args(DateOrder))):
        for name, value in texts[table].items():
            if value not in allowed:
                raise SettingsError(
                    f"[{table}] in {path}: {name} is {value!r}; say one of {', '.join(sorted(allowed))}."
                )
    return SavedMapping(
        target=target,
        headers=_list(document.get("headers", []), f"headers in {path}"),
        reading=_reading(document.get("source", {}), f"[source] in {path}"),
        columns=texts["columns"],
        constants=texts["constants"],
        making=Making(
            splits=texts["split"],
            joins=texts["join"],
            values=_values(document.get("values", {}), path),
            ignored=_list(document.get("ignore", []), f"ignore in {path}"),
        ),
        styles=Styles(
            cast("dict[str, DecimalStyle]", texts["decimal"]), cast("dict[str, DateOrder]", texts["date_order"])
        ),
    )


def _texts(table: object, origin: str) -> dict[str, str]:
    entries = table if isinstance(table, Mapping) else {"": None}
    if all(isinstance(value, str) for value in entries.values()):
        return dict(entries)
    dotted = next((name for name, value in entries.items() if isinstance(value, Mapping)), "")
    hint = f' A name with a dot has to be quoted: "{dotted}.…" = "…".' if dotted else ""
    raise SettingsError(f'{origin} has to be a table of texts, such as "Invoice no" = "creditorReference".{hint}')


def _list(value: object, origin: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
        raise SettingsError(f'{origin} has to be a list of texts, such as ["Branch", "Page"].')
    return tuple(value)


def _values(table: object, path: Path) -> dict[str, dict[str, str]]:
    if not isinstance(table, Mapping) or not all(isinstance(value, Mapping) for value in table.values()):
        raise SettingsError(
            f'[values] in {path} has to have a table for each field, such as [values."debtor.type"] '
            'with "B2B" = "Company".'
        )
    return {name: _texts(values, f'[values."{name}"] in {path}') for name, values in table.items()}


def _reading(table: object, origin: str) -> Reading:
    if not isinstance(table, Mapping):
        raise SettingsError(f"{origin} has to be a table of {', '.join(Reading.__slots__)}.")
    for key, value in table.items():
        if key not in Reading.__slots__:
            near = _near(key, Reading.__slots__)
            raise SettingsError(f"{origin} has {key}{near}; there are {', '.join(Reading.__slots__)}.")
        is_row = isinstance(value, int) and not isinstance(value, bool) and value > 0
        if not (is_row if key == "header_row" else isinstance(value, str)):
            raise SettingsError(f"{origin}: {key} has to be {'a row number' if key == 'header_row' else 'a text'}.")
    return _settle(Reading(**table), origin)


def _settle(given: Reading, origin: str) -> Reading:
    """Take what the options of the same names take."""
    if given.hidden_rows not in {None, *_HIDDEN}:
        raise SettingsError(f"{origin}: hidden_rows is {given.hidden_rows!r}; say take or skip.")
    if given.delimiter is not None:
        sign = find_delimiter(given.delimiter)
        if not sign:
            raise SettingsError(f"{origin}: {given.delimiter!r} cannot part cells; give one sign, such as ; or tab.")
        given = replace(given, delimiter=sign)
    if given.encoding is not None:
        known = find_encoding(given.encoding)
        if not known:
            raise SettingsError(f"{origin}: {given.encoding!r} is no encoding; try utf-8 or cp1252.")
        given = replace(given, encoding=known)
    return given


def _near(text: str, names: Iterable[str]) -> str:
    found = get_close_matches(text, list(names), n=1, cutoff=0.6)
    return f" (do you mean {found[0]}?)" if found else ""


def read_toml(path: Path) -> dict[str, object]:
    """Read a TOML file.

    Raises:
        SettingsError: It cannot be read, or is none.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error.strerror}. Ask who may read it.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} is not TOML: {error}. Correct it there.") from None


def saved(workspace: Path) -> dict[str, Path]:
    """Give the mappings that are saved in a workspace: name → file, in the order of their names."""
    files = sorted((workspace / FOLDER).glob("[!.]*.toml"))  # other systems leave hidden ones beside them
    return {path.stem: path for path in files if path.is_file()}


def place_of(name: str, workspace: Path) -> Path:
    """Say where a mapping of this name is saved.

    Raises:
        SettingsError: It cannot be the name of a file.
    """
    if not re.fullmatch(r"[^\W_][\w .-]*", name) or name != name.strip():
        raise SettingsError(f"{name!r} cannot name a mapping: use letters, digits, spaces, dots, - and _.")
    return workspace / FOLDER / f"{name}.toml"


def resolve(named: Path, workspace: Path) -> Path:
    """Find the mapping that `--mapping` names: a file, or one that is saved in the workspace.

    Raises:
        SettingsError: There is neither; names the nearest.
    """
    if named.is_file():
        return named
    known = saved(workspace)
    name = named.name.removesuffix(".toml")
    if name in known and len(named.parts) == 1:
        return known[name]
    there = f"; saved are: {', '.join(known)}" if known else ""
    raise SettingsError(
        f"There is no mapping {named}{_near(name, known)}: neither a file nor saved in {workspace / FOLDER}{there}."
    )


def load_all(workspace: Path, target: str) -> dict[Path, SavedMapping]:
    """Read the saved mappings that are for a layout and for *target*: file → mapping.

    Raises:
        SettingsError: One cannot be read: it may be the one for the source, so nothing goes on without it.
    """
    found = {}
    for path in saved(workspace).values():
        try:
            mapping = read_mapping(path)
        except SettingsError as error:
            raise SettingsError(f"{error} Mend it, move it away, or say which mapping holds with --mapping.") from None
        if mapping.headers and mapping.target in {"", target}:
            found[path] = mapping
    return found


def fitting(header: Sequence[str], known: Mapping[Path, SavedMapping]) -> Path | None:
    """Find the one mapping whose layout *header* has; None where there is none.

    Raises:
        ColumnsError: There are several.
    """
    there = layout(header)
    found = [path for path, mapping in known.items() if layout(mapping.headers) == there]
    if len(found) > 1:
        raise ColumnsError(tell_several(found))
    return found[0] if found else None


def tell_several(found: Sequence[Path]) -> str:
    """Ask which of several mappings holds, in a sentence."""
    names = " and ".join(f"“{path.stem}”" for path in found)
    return f"The columns are those of the saved mappings {names}: say which with --mapping {found[0].stem}."


def write(path: Path, text: str) -> None:
    """Save a mapping, whole or not at all, readable by its owner alone.

    Raises:
        SettingsError: The disk does not take it.
    """
    beside = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            file.write(text)
        beside.replace(path)
    except OSError as error:
        raise SettingsError(f"The mapping {path} cannot be saved: {error.strerror}. Ask who may write there.") from None
