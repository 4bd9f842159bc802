"""What the commands share: their options, and how each ends; one `try` maps exceptions to exit codes."""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import wraps
from glob import glob, has_magic
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Never

import click

from importer.cli import noticing
from importer.errors import ImporterError, Interrupted, SourceError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from importer.model import Reading

STANDARD_INPUT: Final = Path("-")

Command = Callable[..., Any]  # click hands options over by name


def common(command: Command) -> Command:
    """Add the options that every command has; whatever stops the command becomes its exit code."""

    @click.option(
        "--workspace",
        type=click.Path(path_type=Path, file_okay=False),
        envvar="IMPORTER_WORKSPACE",
        default=Path(),
        help="Folder of settings, journal and reports; by default the current one.",
    )
    @click.option("--json", "as_json", is_flag=True, help="Print one JSON object to stdout.")
    @click.option("--quiet", is_flag=True, help="Print no progress and no summary.")
    @wraps(command)
    def run(workspace: Path, as_json: bool, quiet: bool, **options: Any) -> Never:
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        # What libraries log may quote debtors' data; without this, their warnings go to stderr.
        logging.lastResort = None
        code, stopped = _end(lambda: command(workspace, as_json=as_json, quiet=quiet, **options), workspace)
        if stopped:
            _say(stopped, as_json=as_json)
        _notify(code, str(stopped or ""), workspace)
        sys.exit(code)

    return run


def _end(command: Callable[[], int], workspace: Path) -> tuple[int, ImporterError | None]:
    """Run a command to its end: the exit code, and what stopped it."""
    try:
        return command(), None
    except click.ClickException as error:
        _notify(error.exit_code, error.format_message(), workspace)
        raise
    except ImporterError as error:
        return error.exit_code, error
    except (KeyboardInterrupt, click.Abort):
        return Interrupted.exit_code, Interrupted("Interrupted; nothing more was done.")
    except Exception as error:  # noqa: BLE001 - the last resort: a bug has a sentence, too
        return ImporterError.exit_code, _confess(error, workspace)


def _notify(code: int, error: str, workspace: Path) -> None:
    try:
        noticing.tell(code, error)
    except Exception as bug:  # noqa: BLE001 - how the run ended stands, whatever happens to a notice of it
        click.echo(f"No notice was sent. {_confess(bug, workspace)}", err=True)


def _say(error: ImporterError, *, as_json: bool) -> None:
    click.echo(str(error), err=True)
    if as_json:
        print_json({"exit": error.exit_code, "error": str(error)})


def _confess(error: Exception, workspace: Path) -> ImporterError:
    """Write down where a bug happened, and say where that is; what it was about is personal data."""
    from importer import bugs  # noqa: PLC0415 - only for bugs

    log = workspace / "importer.log"
    said = bugs.describe(error)
    try:
        with os.fdopen(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "a", encoding="utf-8") as file:
            file.write(f"{said}\n")
    except OSError:
        click.echo(said, err=True)
        return ImporterError("This is a bug in the importer; please report what is told above.")
    return ImporterError(f"This is a bug in the importer. Its details are in {log}; please report them.")


def print_json(document: Mapping[str, object]) -> None:
    """Print the one object that `--json` promises to stdout."""
    click.echo(json.dumps(document, ensure_ascii=False, default=str))


targeted = click.option("--target", help="The API operation that rows are for; by default `customer`.")


def _styled(*allowed: str) -> Callable[[click.Context, click.Parameter, tuple[str, ...]], dict[str, str]]:
    """Take an option for the whole source, or as FIELD=… for single columns: field → style, blank for the whole."""

    def take(_context: click.Context, _option: click.Parameter, given: tuple[str, ...]) -> dict[str, str]:
        styles: dict[str, str] = {}
        for text in given:
            name, _, style = text.rpartition("=")
            if style not in allowed or text.startswith("="):
                raise click.BadParameter(
                    f"{text!r} is not {' or '.join(allowed)}, nor FIELD={allowed[0]}; say one of these."
                )
            if styles.setdefault(name, style) != style:
                raise click.BadParameter(f"{name or 'the whole source'} is said to be {styles[name]} and {style}.")
        return styles

    return take


_DECIMAL = click.option(
    "--decimal",
    multiple=True,
    callback=_styled("comma", "point"),
    metavar="[FIELD=]comma|point",
    help="How amounts are written, in all columns or in that of FIELD; repeatable.",
)
_DATE_ORDER = click.option(
    "--date-order",
    multiple=True,
    callback=_styled("dmy", "mdy", "ymd"),
    metavar="[FIELD=]dmy|mdy|ymd",
    help="How dates are written, in all columns or in that of FIELD; repeatable.",
)


def shaping(command: Command) -> Command:
    """Add the options that say how to read a source."""
    for option in reversed(
        (
            click.option("--sheet", help="The sheet to read, where a workbook has several."),
            click.option("--encoding", callback=_known_encoding, help="The encoding of a text, as utf-8 or cp1250."),
            click.option(
                "--delimiter",
                callback=_one_sign,
                help="What parts the cells of a text; a sign, or its name, such as tab.",
            ),
            click.option("--header-row", type=click.IntRange(min=1), help="The row that the headers are in."),
            click.option(
                "--hidden-rows",
                type=click.Choice(["take", "skip"]),
                help="Whether rows that a workbook hides, by a filter or by hand, are read.",
            ),
        )
    ):
        command = option(command)
    return command


def _known_encoding(_context: click.Context, _option: click.Parameter, name: str | None) -> str | None:
    if name is None:
        return None
    from importer.model import find_encoding  # noqa: PLC0415 - --help needs none

    known = find_encoding(name)
    if not known:
        raise click.BadParameter(f"{name!r} is no encoding; try utf-8, cp1252, cp1250 or mac-roman.")
    return known


def _one_sign(_context: click.Context, _option: click.Parameter, text: str | None) -> str | None:
    if text is None:
        return None
    from importer.model import find_delimiter  # noqa: PLC0415 - --help needs none

    sign = find_delimiter(text)
    if not sign:
        raise click.BadParameter(f"{text!r} cannot part cells; give one sign, such as ; or tab.")
    return sign


def take_reading(options: dict[str, Any]) -> Reading:
    """Take what `shaping` added out of *options*."""
    from importer.model import Reading  # noqa: PLC0415 - --help needs none

    return Reading(**{name: options.pop(name) for name in Reading.__slots__})


def read_constants(constants: Sequence[str]) -> dict[str, str]:
    """Read what `--set` says: field → text of every row."""
    fields = {}
    for constant in constants:
        name, equals, value = constant.partition("=")
        if not equals or not name.strip():
            raise click.BadParameter(f"{constant!r} is not of the form FIELD=VALUE.", param_hint="--set")
        fields[name.strip()] = value
    return fields


def find_sources(sources: Sequence[Path]) -> tuple[Path, ...]:
    """Put the files that a pattern names in its place; a pattern adds no file that is there already.

    Raises:
        SourceError: A pattern names no file, or standard input is named twice.
    """
    found: list[Path] = []
    for source in sources:
        if has_magic(str(source)) and not source.exists():
            pattern = str(source)  # perhaps absolute, which `Path.glob` does not take
            named = [Path(name) for name in sorted(glob(pattern, recursive=True)) if Path(name).is_file()]  # noqa: PTH207
            if not named:
                raise SourceError(f"No file is named like {source}; check the pattern and the folder.")
            found += [path for path in named if path not in found]
        else:
            found.append(source)
    if found.count(STANDARD_INPUT) > 1:
        raise SourceError("Standard input can be read once; name - once.")
    return tuple(found)


def sources_read(*, required: bool = True, amounts: bool = True) -> Callable[[Command], Command]:
    """Add the sources, and the options that say how to read and match them; with *amounts*, how those are written."""
    shared: list[Callable[[Command], Command]] = [
        click.argument("sources", nargs=-1, required=required, type=click.Path(path_type=Path), metavar="SOURCE..."),
        shaping,
        click.option(
            "--mapping",
            type=click.Path(path_type=Path),
            help="Which column is which field: a TOML file, or a saved mapping's name.",
        ),
        click.option("--set", "constants", multiple=True, metavar="FIELD=VALUE", help="A value for every row."),
    ]
    if amounts:
        shared.append(_DECIMAL)

    def add(command: Command) -> Command:
        for option in reversed(shared):
            command = option(command)
        return command

    return add


def reading(command: Command) -> Command:
    """Add what commands that judge invoices take: sources, and what is to be made of them."""
    for option in reversed(
        (
            sources_read(),
            targeted,
            click.option("--client", help="For the target `referral`: the client that all rows belong to."),
            _DATE_ORDER,
            click.option("--limit", type=click.IntRange(min=0), help="Send at most so many cases."),
            click.option(
                "--test/--live",
                default=None,
                help="Make test cases, which nobody collects, or live ones: the default, but for rows to mend of a "
                "run that made test cases.",
            ),
            click.option(
                "--bundle-by",
                multiple=True,
                metavar="FIELD",
                help="Make one case of all invoices that agree in this field or column, and in currency; repeatable.",
            ),
            click.option(
                "--claim-lines", is_flag=True, help="Send bundles as claimLines, for accounts that have them."
            ),
            click.option(
                "--allow-missing-reference/--need-reference",
                default=None,
                help="Take rows without a creditor reference, or refuse them: the default, but for rows to mend of a "
                "run that took them.",
            ),
        )
    ):
        command = option(command)
    return command


def sending(command: Command) -> Command:
    """Add the options of commands that make cases."""
    keep_going = click.option(
        "--keep-going",
        is_flag=True,
        default=None,
        help="Go on with a country and currency for which there is no partner or contract.",
    )
    return asking(in_flight(keep_going(command)))


def in_flight(command: Command) -> Command:
    """Add the option of commands that ask for several things at once."""
    return click.option("--concurrency", type=click.IntRange(min=1), help="Most requests in flight.")(command)


def asking(command: Command) -> Command:
    """Add the options of commands that call the API."""
    sandbox = click.option("--sandbox", is_flag=True, help="Serve the bundled sandbox and use it: no key, no network.")
    return sandbox(reaching(command))


def reaching(command: Command) -> Command:
    """Add the options that say where the API is, and how it is called."""
    for option in reversed(
        (
            click.option("--api-url", help="Base URL of the API; by default the target's production URL."),
            click.option("--referral-url", help="Base URL of the API that gives tokens for a partner's clients."),
            click.option("--rate", help="Most requests, as 2000/min,20000/h,100000/d."),
            click.option("--timeout", type=click.FloatRange(min=0, min_open=True), help="Seconds for one request."),
        )
    ):
        command = option(command)
    return command


def need_yes(command: str, *, yes: bool) -> None:
    """Refuse to go on without --yes where there is no terminal to ask on."""
    if not yes and not sys.stdin.isatty():
        raise click.UsageError(f"Without a terminal to ask on, `{command}` needs --yes.")


def read_day(text: str | None, option: str, *, end: bool = False) -> float | None:
    """Read a day or a moment, UTC where it does not say: when it begins or, with *end*, when a day is over."""
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise click.BadParameter(f"{text!r} is no date; say 2026-11-01.", param_hint=option) from None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    is_day = end and len(text) == len("2026-11-01")
    return (moment + timedelta(days=is_day)).timestamp()
