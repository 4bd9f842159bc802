"""Each column of a template, explained: what is put together from a target's fields, its schema and its codes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal
from unicodedata import normalize

import pycountry

from schemas import claim, judging, references
from schemas.geography import currency_digits, states
from schemas.meanings import MEANINGS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from schemas import Kind, Target
    from schemas.codes import Code
    from schemas.meanings import Value

Choice = Literal["Countries", "Currencies", "States", "Debtor types", "Yes or no"]

# Metals, funds, units of account and codes for tests: no invoice is in them.
_NO_MONEY: Final = "XAG XAU XBA XBB XBC XBD XDR XPD XPT XSU XTS XUA XXX BOV CHE CHW CLF COU MXV USN UYI UYW"
_CHOICES: Final[Mapping[str, Choice]] = {
    "creditorCountry": "Countries",
    "currencyCode": "Currencies",
    "debtor.country": "Countries",
    "debtor.state": "States",
    "debtor.type": "Debtor types",
}
_LONGEST: Final[Mapping[str, int]] = {
    **judging.LONGEST_TEXTS,
    "creditorReference": claim.LONGEST_REFERENCE,
    references.REFERENCE: references.LONGEST_REFERENCE,
    "welcomeMessage": references.LONGEST_MESSAGE,
}
_TOO_LONG: Final = frozenset(("text-too-long", "reference-too-long"))
_FORMS: Final[Mapping[Kind, str]] = {
    "text": "Text",
    "amount": "Number, with the decimals of its currency",
    "date": "Date",
    "boolean": "yes or no",
    "uuid": "Id, such as 00000000-0000-4000-8000-000000000001",
}
_UNREADABLE: Final[Mapping[Kind, str]] = {
    "amount": "not-a-number",
    "date": "not-a-date",
    "boolean": "not-a-boolean",
    "uuid": "not-a-uuid",
}
# Codes that say when a column is required, rather than what may be in it.
_WHEN: Final[Mapping[str, str]] = {
    "required": "with --activate",
    "state-missing": "for debtors in the United States",
    "contact-missing": "for companies",
    "country-missing": "yes",
    "creditor-missing": "yes",
    "reference-missing": "yes",
    "case-missing": "yes",
}
_OF_TWO: Final = "country-mismatch"  # needs a column of codes beside that of names


@dataclass(frozen=True, slots=True)
class Check:
    """Something that is wrong with a cell, said without the cell.

    Attributes:
        severity: An error keeps the row from being sent, a warning does not.
        text: What is wrong, and what is to be done.
    """

    severity: Literal["error", "warning"]
    text: str


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a template.

    Attributes:
        field: What it feeds, as the API spells it.
        heading: Its header, without a mark.
        kind: What it holds.
        meaning: What it is.
        needed: No row goes through without it.
        required: When it has to be there: "yes", "no", or a condition.
        form: How it is written.
        choices: The list that it is chosen from; blank where there is none.
        longest: Most characters; None where there is no limit.
        checks: What may be wrong with it, errors first.
        examples: What stands in it in each row of the example.
    """

    field: str
    heading: str
    kind: Kind
    meaning: str
    needed: bool
    required: str
    form: str
    choices: Choice | Literal[""]
    longest: int | None
    checks: tuple[Check, ...]
    examples: tuple[Value, Value]


def explain(target: Target) -> tuple[Column, ...]:
    """Explain each column of the template of *target*, in the order of the sheet.

    A field that another one stands in for has no column of its own: where the API takes a country by code or by name,
    people choose the name, and both are judged there.
    """
    meanings = {name: meaning for name, meaning in MEANINGS[target.NAME].items() if name in target.FIELDS}
    found = _find_codes(target)
    columns = []
    for name, meaning in meanings.items():
        field = target.FIELDS[name]
        fed = (name, *(other for other, stand_in in target.STAND_INS.items() if stand_in == name))
        codes = [target.CODES[code] for one in fed if one == name or one not in meanings for code in found[one]]
        codes = list(dict.fromkeys(codes))
        required = _say_when(target, name, codes, {name: one.heading for name, one in meanings.items()})
        longest = _LONGEST[name] if any(code.code in _TOO_LONG for code in codes) else None
        columns.append(
            Column(
                field=name,
                heading=meaning.heading,
                kind=field.kind,
                meaning=meaning.text,
                needed=required == "yes",
                required=required,
                form=_FORMS[field.kind],
                choices="Yes or no" if field.kind == "boolean" else _CHOICES.get(name, ""),
                longest=longest,
                checks=tuple(_tell_checks(codes, meaning.heading, longest)),
                examples=meaning.examples,
            )
        )
    return tuple(columns)


def list_choices(choice: Choice) -> tuple[str, ...]:
    """List what a column of *choice* is chosen from, in the order in which people look for it."""
    if choice == "Countries":
        names = (getattr(country, "common_name", country.name) for country in pycountry.countries)
        return tuple(sorted(names, key=lambda name: normalize("NFKD", name)))  # Å beside A
    if choice == "Currencies":
        return tuple(sorted(currency_digits().keys() - set(_NO_MONEY.split())))
    if choice == "States":
        return states()
    return ("yes", "no") if choice == "Yes or no" else tuple(dict.fromkeys(claim.DEBTOR_TYPES.values()))


def _find_codes(target: Target) -> dict[str, list[str]]:
    """Find the codes that the schema, or reading its kind, may yield on each field."""
    found: dict[str, list[str]] = {name: [] for name in target.FIELDS}
    for name, field in target.FIELDS.items():
        if field.kind in _UNREADABLE and _UNREADABLE[field.kind] in target.CODES:
            found[name].append(_UNREADABLE[field.kind])
    for name, column in target.Schema.to_schema().columns.items():
        code, at, field_name = str(name).partition("@")
        if at:
            found[field_name].append(code)
        else:
            found[str(name)] += [str(check.error) for check in column.checks]
    return found


def _say_when(target: Target, name: str, codes: Sequence[Code], headings: Mapping[str, str]) -> str:
    """Say when a column has to be there."""
    either = next((group for group in target.EITHER if name in group), ())
    others = [headings[other] for other in either if other != name and other in headings]
    if others:
        return f"this or {others[0]}"
    if target.FIELDS[name].needed or either:
        return "yes"
    missing = next((code for code in codes if code.code in _WHEN), None)
    if missing is None:
        return "no"
    if name in missing.mild:
        return "wanted: a warning without it"
    when = _WHEN[missing.code]
    return when if missing.severity == "error" else f"wanted {when}"


def _tell_checks(codes: Sequence[Code], heading: str, longest: int | None) -> Iterator[Check]:
    for code in sorted(codes, key=lambda code: code.severity):
        if code.code not in _WHEN and code.code != _OF_TWO:
            text = f"{_generalise(code.message, heading, longest)} {_generalise(code.hint, heading, longest)}"
            yield Check(code.severity, text)


def _generalise(sentence: str, heading: str, longest: int | None) -> str:
    """Say a sentence about one cell of all cells.

    >>> _generalise("{value} is no country.", "Country", None)
    'It is no country.'
    >>> _generalise("The reference {value} is in more than one row: {detail}.", "Reference", None)
    'The reference is in more than one row.'
    """
    text = sentence.replace("{column}", heading).replace("{detail} characters", f"{longest} characters")
    text = re.sub(r"\bof \{detail\}", "of another row", text)
    text = re.sub(r"^\{value\}", "It", text)
    return re.sub(r":? ?\{(?:value|detail)\}", "", text)
