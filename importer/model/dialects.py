"""What may be said of how a text is written: its encoding, and what parts its cells."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from typing import Final, Literal

DELIMITERS: Final = {",": "comma", ";": "semicolon", "\t": "tab", "|": "pipe"}
NO_ENCODINGS: Final = frozenset({"idna", "punycode", "unicode-escape", "raw-unicode-escape"})  # Python's, and no file's

NUMBER: Final = r"^[-+]?[0-9][0-9., ']*$"  # what programs leave without quotes that quote all texts; Python's and RE2's


@dataclass(frozen=True, slots=True)
class Writing:
    """How a text source is written, so that another can be written like it.

    Attributes:
        encoding: As Python writes it, with its mark where it has one.
        delimiter: One character.
        quote: The same.
        line_end: What ends a record.
        quoted: Which cells are: all, all that is text, or those alone that need it.
        announced: Whether a line such as `sep=;` comes first.
    """

    encoding: str = "utf-8"
    delimiter: str = ","
    quote: str = '"'
    line_end: str = "\r\n"
    quoted: Literal["all", "texts", "few"] = "few"
    announced: bool = False

    def write(self, cells: list[str]) -> str:
        """Write one record, without its end."""
        needed = re.compile(f"[{re.escape(self.delimiter + self.quote)}\\r\\n]")

        def put(text: str) -> str:
            is_quoted = self.quoted == "all" or (self.quoted == "texts" and text and not re.search(NUMBER, text))
            if not is_quoted and not needed.search(text):
                return text
            return f"{self.quote}{text.replace(self.quote, 2 * self.quote)}{self.quote}"

        return self.delimiter.join(map(put, cells))


def find_encoding(name: str) -> str:
    """Give an encoding its usual name; blank where there is none of that name.

    >>> find_encoding("Windows-1252"), find_encoding("utf-9"), find_encoding("idna")
    ('cp1252', '', '')
    """
    try:
        "".encode(name)
        known = codecs.lookup(name).name
    except (LookupError, ValueError):
        return ""
    return "" if known in NO_ENCODINGS else known


def find_delimiter(text: str) -> str:
    r"""Give the sign that is meant; blank where it cannot part cells.

    >>> find_delimiter("TAB"), find_delimiter(r"\t"), find_delimiter("comma"), find_delimiter(";;"), find_delimiter("a")
    ('\t', '\t', ',', '', '')
    """
    named = {name: sign for sign, name in DELIMITERS.items()}
    sign = "\t" if text == r"\t" else named.get(text.casefold(), text)
    return "" if len(sign) != 1 or sign.isalnum() or sign in '\r\n"' else sign
