"""What may be said of how a text is written: its encoding, and what parts its cells."""

from __future__ import annotations

import codecs
from typing import Final

DELIMITERS: Final = {",": "comma", ";": "semicolon", "\t": "tab", "|": "pipe"}
NO_ENCODINGS: Final = frozenset({"idna", "punycode", "unicode-escape", "raw-unicode-escape"})  # Python's, and no file's


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
