"""An empty workbook to fill in: a sheet for the rows, one that explains each column, an example, and hidden lists."""

from __future__ import annotations

import io
from contextlib import suppress
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import xlsxwriter

from importer.errors import CannotStart
from importer.model import EXPLAINED, column_letters
from importer.report.package import TALLEST
from schemas.guide import explain, list_choices
from schemas.meanings import SHEETS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from schemas import Target
    from schemas.guide import Choice, Column
    from schemas.meanings import Value

EXPLAINING: Final = ("Columns", "Example", "Lists")  # the sheets beside that of the rows
REQUIRED_MARK: Final = "*"
DARK, LIGHT, GREY = "#1F4E78", "#DDEBF7", "#595959"
_TEXT: Final = {"valign": "top", "text_wrap": True}
_LINED: Final = {"border": 1, "border_color": "#A6A6A6"}
LOOKS: Final[dict[str, dict[str, Any]]] = {
    "text": {"num_format": "@"},
    "amount": {"num_format": "0.00##"},  # no grouping: it would be in the text of a CSV that is saved from the sheet
    "date": {"num_format": "yyyy-mm-dd"},
    "required": {"bold": True, "font_color": "#FFFFFF", "bg_color": DARK, **_LINED, "valign": "vcenter"},
    "optional": {"bold": True, "font_color": DARK, "bg_color": LIGHT, **_LINED, "valign": "vcenter"},
    "title": {"bold": True, "font_size": 14, "font_color": DARK},
    "note": {"font_color": GREY},
    "heading": {"bold": True, "font_color": "#FFFFFF", "bg_color": DARK, **_LINED},
    "key": {**_TEXT, **_LINED, "bold": True},
    "cell": {**_TEXT, **_LINED},
}
NARROWEST, WIDEST = 11, 34  # characters
EARLIEST: Final = date(1900, 1, 1)
FEW: Final = 5  # choices that are named in a cell
NOTE_WIDTH: Final = 330  # pixels
NOTE_LINE: Final = 17  # pixels
NOTE_SIGNS: Final = 48  # in a line
# What may be written that is not in the list.
OPEN: Final = {
    "Countries": "It is not in the list. A country's code of two letters is taken, too. Keep it?",
    "States": "It is not in the list. The two letters of a state are taken, too, and any region outside the "
    "United States. Keep it?",
}
SAID: Final = {"error": "Refused", "warning": "Warned of"}
LINE: Final = 12.8  # points
EXPLANATIONS: Final = {  # columns, and how wide they are
    "Column": 22,
    "Required": 17,
    "What it is": 40,
    "Format": 22,
    "Allowed values": 16,
    "Longest": 9,
    "Example": 24,
    "What is refused, or warned of": 70,
    "Name at the API": 31,
}


def write_template(target: Target, path: Path) -> int:
    """Write the template of *target*; returns how many columns it has.

    Raises:
        CannotStart: The file is there already, or cannot be written; nothing was changed.
    """
    columns = explain(target)
    data = _make(target, columns)
    try:
        with path.open("xb") as file:
            try:
                file.write(data)
            except OSError:
                with suppress(OSError):
                    path.unlink()
                raise
    except FileExistsError:
        raise CannotStart(f"{path} exists already: name another file with --output, or remove that one.") from None
    except OSError as error:
        raise CannotStart(f"{path} cannot be written: {error.strerror}. Name another place with --output.") from None
    return len(columns)


def _make(target: Target, columns: Sequence[Column]) -> bytes:
    file = io.BytesIO()
    # Texts stay texts, whatever they look like.
    options = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with xlsxwriter.Workbook(file, {**options, "in_memory": True}) as book:
        looks = {name: book.add_format(look) for name, look in LOOKS.items()}
        looks["boolean"] = looks["uuid"] = looks["text"]
        sheets = [book.add_worksheet(name) for name in (SHEETS.get(target.NAME, "Invoices"), *EXPLAINING)]
        for sheet in sheets:
            sheet.set_paper(9)  # A4
            sheet.set_landscape()
            sheet.set_footer("&L&A&RPage &P of &N")
        empty, explained, example, lists = sheets
        _write_lists(book, lists, columns, looks)
        _write_header(empty, 0, columns, looks)
        empty.freeze_panes(1, 0)
        for number, column in enumerate(columns):
            empty.write_comment(0, number, *_note(column))
            _restrict(empty, number, column)
        _explain(explained, target, columns, looks)
        example.write_string(0, 0, f"{EXPLAINED}: an example; this sheet is never read", looks["title"])
        _write_header(example, 2, columns, looks)
        for row in range(len(columns[0].examples)):
            for number, column in enumerate(columns):
                _write(example, 3 + row, number, column.examples[row], looks[column.kind])
        example.freeze_panes(3, 0)
        empty.activate()
    return file.getvalue()


def _write_header(sheet: Any, row: int, columns: Sequence[Column], looks: dict[str, Any]) -> None:
    """Write the headers, and give whole columns the format that keeps what is entered below them."""
    for number, column in enumerate(columns):
        sheet.set_column(number, number, _width(column), looks[column.kind])
        sheet.write_string(row, number, _headed(column), looks["required" if column.needed else "optional"])
    sheet.set_row(row, 30)
    sheet.repeat_rows(row)
    sheet.fit_to_pages(1 + len(columns) // 15, 0)
    # Numbers as text are meant here, and want no green corner.
    sheet.ignore_errors({"number_stored_as_text": f"A1:{column_letters(len(columns) - 1)}{TALLEST + 1}"})


def _headed(column: Column) -> str:
    return column.heading + (REQUIRED_MARK if column.needed else "")


def _width(column: Column) -> float:
    texts = [_headed(column), *(str(example or "") for example in column.examples)]
    return min(WIDEST, max(NARROWEST, *(len(text) + 3 for text in texts)))


def _write(sheet: Any, row: int, number: int, value: Value, look: Any) -> None:
    if isinstance(value, date):
        sheet.write_datetime(row, number, value, look)
    elif isinstance(value, Decimal):
        sheet.write_number(row, number, value, look)
    elif value is not None:
        sheet.write_string(row, number, value, look)


def _note(column: Column) -> tuple[str, dict[str, Any]]:
    """Write the note on a header, and say how large it is."""
    lines = [column.meaning, "", f"Required: {column.required}", f"Format: {column.form}"]
    if column.longest:
        lines.append(f"At most {column.longest:,} characters")
    if column.choices:
        lines.append("Choose from the list")
    refused = [f"• {check.text}" for check in column.checks if check.severity == "error"]
    lines += ["", "Refused:", *refused] if refused else []
    height = NOTE_LINE * (1 + sum(1 + len(line) // NOTE_SIGNS for line in lines))
    return "\n".join(lines), {"width": NOTE_WIDTH, "height": height, "author": "Invoice importer"}


def _restrict(sheet: Any, number: int, column: Column) -> None:
    """Offer lists, and refuse what would not be read: a date that has stayed text, an amount with letters in it."""
    rule: dict[str, Any] = {"error_title": column.heading, "error_message": f"{column.form}."}
    if column.choices:
        rule |= {"validate": "list", "source": f"={_range_name(column.choices)}"}
        rule |= {"error_message": f"{_allowed(column)}: choose from the list."}
        if column.choices in OPEN:
            rule |= {"error_type": "warning", "error_message": OPEN[column.choices]}
    elif column.kind == "amount":
        rule |= {"validate": "decimal", "criteria": ">=", "value": 0}
    elif column.kind == "date":
        rule |= {"validate": "date", "criteria": ">=", "value": EARLIEST}
    elif column.longest:
        rule |= {"validate": "length", "criteria": "<=", "value": column.longest}
        rule |= {"error_message": f"At most {column.longest:,} characters."}
    else:
        return
    sheet.data_validation(1, number, TALLEST, number, rule)


def _range_name(choice: str) -> str:
    return choice.title().replace(" ", "")


def _write_lists(book: Any, sheet: Any, columns: Sequence[Column], looks: dict[str, Any]) -> None:
    sheet.write_string(0, 0, f"{EXPLAINED}: what the lists offer")
    choices: list[Choice] = list(dict.fromkeys(column.choices for column in columns if column.choices))
    for number, choice in enumerate(choices):
        letters, offered = column_letters(number), list_choices(choice)
        sheet.set_column(number, number, WIDEST)
        sheet.write_column(1, number, [choice, *offered], looks["text"])
        book.define_name(_range_name(choice), f"=Lists!${letters}$3:${letters}${len(offered) + 2}")
    sheet.hide()


def _explain(sheet: Any, target: Target, columns: Sequence[Column], looks: dict[str, Any]) -> None:
    """Write the sheet that explains each column, and how the workbook is used."""
    sheet.hide_gridlines(2)
    sheet.fit_to_pages(1, 0)
    sheet.set_margins(left=0.4, right=0.4)
    sheet.write_string(0, 0, f"{EXPLAINED}: what each column is", looks["title"])
    for row, text in enumerate(_tell_use(target), start=1):
        sheet.write_string(row, 0, text, looks["note"])
    top = row + 2
    for number, (text, width) in enumerate(EXPLANATIONS.items()):
        sheet.set_column(number, number, width)
        sheet.write_string(top, number, text, looks["heading"])
    for line, column in enumerate(columns, start=top + 1):
        told = (
            _headed(column),
            column.required,
            column.meaning,
            column.form,
            _allowed(column),
            f"{column.longest:,}" if column.longest else "",
            next((str(example) for example in column.examples if example is not None), ""),
            "\n".join(f"{SAID[check.severity]}: {check.text}" for check in column.checks),
            column.field,
        )
        sheet.set_row(line, LINE * max(map(_count_lines, told, EXPLANATIONS.values())) + 3)
        for number, text in enumerate(told):
            sheet.write_string(line, number, text, looks["cell" if number else "key"])
    sheet.freeze_panes(top + 1, 1)
    sheet.repeat_rows(top)


def _count_lines(text: str, width: int) -> int:
    """Count the lines that *text* takes in a column of *width* characters."""
    return sum(1 + len(part) // width for part in text.split("\n"))


def _tell_use(target: Target) -> tuple[str, ...]:
    name = "" if target.NAME in {"customer", target.COMMAND} else f" --target {target.NAME}"
    commands = ("check", "submit") if target.COMMAND == "submit" else (target.COMMAND,)
    told = ", then ".join(f"`importer {command} FILE{name}`" for command in commands)
    return (
        f"Fill in the first sheet, a row for each; headers with {REQUIRED_MARK} are required. Then {told}.",
        "Columns may be moved, removed if they are not required, and others added: what feeds no field is only kept.",
        "Enter dates and amounts as you always do; all else stays as it is typed, with its leading zeros.",
        "Paste values only (Ctrl+Shift+V): pasting brings the formats of elsewhere along, which may drop zeros.",
    )


def _allowed(column: Column) -> str:
    if not column.choices:
        return ""
    offered = list_choices(column.choices)
    return ", ".join(offered) if len(offered) <= FEW else f"{len(offered)} in the list"
