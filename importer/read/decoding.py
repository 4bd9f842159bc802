"""Bytes → text: which encoding, told from the whole source.

UTF-8 and UTF-16 prove themselves. Between the encodings of one byte a sign, the words decide: one that is read rightly
has letters of one language (https://cldr.unicode.org/translation/core-data/exemplars), and neither capitals nor signs
inside it. Where two encodings explain as many words, the one that needs fewer languages is taken; of equals, cp1252,
which western spreadsheet programs write.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, replace
from itertools import combinations
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa

from importer.errors import SourceError
from importer.read.source import Text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from importer.read.source import Source

SINGLE: Final = ("cp1252", "iso-8859-15", "cp1250", "mac-roman")  # of equals, the first
SHOWN: Final = 40  # signs of a word
MOST_WORDS: Final = 20_000  # distinct ones that are looked at

_WESTERN: Final = {
    "German": "äöüß",
    "French": "àâæçéèêëîïôœùûüÿ",
    "Spanish": "áéíñóúü",
    "Portuguese": "áàâãçéêíóôõú",
    "Italian": "àèéìíòóùú",
    "Danish": "æøåéö",
    "Swedish": "äöåé",
    "Dutch": "áéèëïíóöü",
    "Catalan": "àçèéíïòóúü",
    "Icelandic": "áéíóúýþæöð",
}
_CENTRAL: Final = {
    "Polish": "ąćęłńóśźż",
    "Czech": "áčďéěíňóřšťúůýž",
    "Slovak": "áäčďéíľňóôšťúýž",
    "Hungarian": "áéíóöőúüű",
    "Croatian": "čćđšž",
    "Romanian": "âăîşţ",
    "German": "äöüß",
}
_LANGUAGES: Final = {
    "cp1252": _WESTERN,
    "iso-8859-15": _WESTERN | {"Finnish": "äöåšž"},
    "cp1250": _CENTRAL,
    "mac-roman": _WESTERN,
}
# Places where another encoding is at home: with them, equal evidence is not enough for cp1252.
_CENTRAL_PLACES: Final = re.compile(
    rb"(?:^|[,;\t|\"\r\n])(?:PL|CZ|SK|HU|RO|HR|SI|PLN|CZK|HUF|RON|HRK|Poland|Polska|Czechia|Hungary|Slovakia|Romania|"
    rb"Croatia|Slovenia)(?:[,;\t|\"\r\n]|$)|\.(?:pl|cz|sk|hu|ro|hr|si)\b"
)
_TOKEN: Final = re.compile(rb"(?<![A-Za-z\x80-\xff])[A-Za-z]*[\x80-\xff][A-Za-z\x80-\xff]*[.']?")
# Signs have their names where they look like others.
_NEVER: Final = re.compile("[¤¦¨\N{CEDILLA}¬]")
_QUOTES: Final = (
    "\N{LEFT DOUBLE QUOTATION MARK}\N{RIGHT DOUBLE QUOTATION MARK}"
    "\N{LEFT SINGLE QUOTATION MARK}\N{RIGHT SINGLE QUOTATION MARK}"
)
_DASHES: Final = "\N{EN DASH}\N{EM DASH}-"
_BEFORE_A_LETTER: Final = (
    "„«»¿¡'(·….\u00a0\N{SINGLE LOW-9 QUOTATION MARK}\N{SINGLE LEFT-POINTING ANGLE QUOTATION MARK}\N{ACUTE ACCENT}"
    + _QUOTES
    + _DASHES
)
_AFTER_A_LETTER: Final = (
    "'«»®™°²³¹ªº€£·….\u00a0\u00ad\N{ACUTE ACCENT}\N{SINGLE RIGHT-POINTING ANGLE QUOTATION MARK}" + _QUOTES + _DASHES
)
_WRONG: Final = re.compile("[\udc80-\udcff]")
_UTF8_LETTERS: Final = re.compile(rb"[\xc3\xc4\xc5][\x80-\xbf]")  # as in "Ã¼" for "ü"; no language has it in cp1252
_UTF16: Final = ("utf-16-le", "utf-16-be")


class UndecodableError(Exception):
    """Bytes that mean nothing in an encoding."""

    def __init__(self, encoding: str, remedy: str) -> None:
        super().__init__(encoding)
        self.encoding, self.remedy = encoding, remedy


def find_text(source: Source, said: str | None) -> Text:
    """Tell which encoding a source is in, from all of its bytes.

    Raises:
        SourceError: Several encodings are as likely, or none is.
        UndecodableError: Some bytes mean nothing in the encoding that it has, or that *said* names.
    """
    marked = _marked(source.start)
    if said is not None:
        encoding = marked if marked and marked.startswith(said) else said
        return _prove(Text(source, encoding, said), "Save it again as CSV UTF-8, or give another --encoding")
    found = _survey(source)
    certain = marked or found.utf16
    if certain and not (certain == "utf-8" and found.is_utf8):
        return _prove(Text(source, certain, certain), "Save it as CSV UTF-8")
    if found.is_utf8:
        return Text(source, "utf-8", "utf-8", found.nul)
    if _is_broken_utf8(source):
        raise UndecodableError("utf-8", "Mend it there, or save it as CSV UTF-8 again")
    chosen = _choose(source)
    return _prove(Text(source, chosen, chosen), "Save it as CSV UTF-8, or say its encoding with --encoding")


def _marked(data: bytes) -> str | None:
    marks = ((b"\xff\xfe\0\0", "utf-32"), (b"\0\0\xfe\xff", "utf-32"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
    return next((name for mark, name in (*marks, (b"\xef\xbb\xbf", "utf-8")) if data.startswith(mark)), None)


@dataclass(frozen=True, slots=True)
class _Survey:
    """What the bytes alone tell: whether they are UTF-8, or UTF-16 without a mark, and whether NUL is among them."""

    is_utf8: bool
    utf16: str | None
    nul: bool


def _survey(source: Source) -> _Survey:
    is_utf8 = True
    rest = b""
    length = even = odd = 0
    for chunk in source.chunks():
        length += len(chunk)
        if 0 in chunk:
            even += chunk[::2].count(0)
            odd += chunk[1::2].count(0)
        if is_utf8:
            signs = rest + chunk
            end = _end_of_signs(signs)
            is_utf8, rest = _are_utf8(signs, end), signs[end:]
    return _Survey(
        is_utf8=is_utf8 and not rest,
        utf16=_unmarked_utf16(length // 2, {"utf-16-le": odd, "utf-16-be": even}),
        nul=even + odd > 0,
    )


def _end_of_signs(data: bytes) -> int:
    """Count the bytes in front of the last sign of UTF-8, if some of its own are missing."""
    for back in range(1, min(3, len(data)) + 1):
        first = data[-back]
        if first >= 0xC0:  # noqa: PLR2004 - of two bytes, of three from 0xE0 on, of four from 0xF0 on
            return len(data) - back if 1 + (first >= 0xE0) + (first >= 0xF0) >= back else len(data)  # noqa: PLR2004
    return len(data)


def _are_utf8(data: bytes, end: int) -> bool:
    """Tell whether the bytes up to *end* are UTF-8; Arrow knows it four times as fast as a decoder does."""
    text = pa.StringArray.from_buffers(1, pa.py_buffer(np.array([0, end], np.int32)), pa.py_buffer(data))
    try:
        text.validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True


def _unmarked_utf16(half: int, nuls: Mapping[str, int]) -> str | None:
    """Tell UTF-16 without a mark: the high byte of most letters is NUL, the low byte of hardly any."""
    for name, other in (_UTF16, _UTF16[::-1]):
        if half and 2 * nuls[name] > half and 100 * nuls[other] < half:
            return name
    return None


def _prove(text: Text, remedy: str) -> Text:
    """Decode all of a text once, to know that it can be, and written as UTF-8: a lone surrogate cannot."""
    nul = False
    try:
        for piece in text.pieces():
            nul = nul or "\0" in piece
            if not piece.isascii():
                piece.encode()
    except UnicodeError:
        raise UndecodableError(text.encoding, remedy) from None
    return replace(text, nul=nul)


def _by_lines(source: Source) -> Iterator[bytes]:
    """Give the bytes again, cut where lines end, so that no word is cut."""
    rest = b""
    for chunk in source.chunks():
        end = max(chunk.rfind(b"\n"), chunk.rfind(b"\r")) + 1
        yield rest + chunk[:end]
        rest = chunk[end:]
    yield rest


def _is_broken_utf8(source: Source) -> bool:
    """Tell UTF-8 with some wrong bytes from text that never was UTF-8."""
    right = wrong = 0
    for lines in _by_lines(source):
        right += sum(1 for _ in _UTF8_LETTERS.finditer(lines))
        wrong += sum(1 for _ in _WRONG.finditer(lines.decode("utf-8", "surrogateescape")))
    return right > 0 and wrong <= right


def _choose(source: Source) -> str:
    words: Counter[bytes] = Counter()
    central = False
    for lines in _by_lines(source):
        words.update(_TOKEN.findall(lines))
        central = central or bool(_CENTRAL_PLACES.search(lines))
    tokens = [token for token, _ in words.most_common(MOST_WORDS)]
    judged = {name: _judge(tokens, name) for name in SINGLE if _is_possible(tokens, name)}
    if not judged:
        raise SourceError("is in no encoding that is known: say which it is with --encoding, or save it as CSV UTF-8.")
    best = min(judged.values())
    chosen = next(name for name, found in judged.items() if found == best)
    if 3 * best[0] > len(tokens):
        word = tokens[0].decode(chosen)[:SHOWN]
        raise SourceError(
            f"is not utf-8, and its words make little sense in {', '.join(SINGLE)} (“{word}” is one in {chosen}): "
            "say its encoding with --encoding, or save it as CSV UTF-8."
        )
    for other in (name for name, found in judged.items() if found == best and name != chosen):
        differing = [token for token in tokens if token.decode(chosen) != token.decode(other)]
        shown = [differing[0].decode(name)[:SHOWN] for name in (chosen, other)] if differing else []
        if shown and (chosen != SINGLE[0] or (other == "cp1250" and central)):
            raise SourceError(
                f"may be {chosen} (“{shown[0]}”) or {other} (“{shown[1]}”): "
                "say which with --encoding, or save it as CSV UTF-8."
            )
    return chosen


def _is_possible(tokens: Iterable[bytes], encoding: str) -> bool:
    try:
        text = b" ".join(tokens).decode(encoding)
    except UnicodeDecodeError:
        return False
    return not any("\x80" <= sign <= "\x9f" for sign in text)  # of what ISO 8859 has there, no text has anything


def _judge(tokens: Iterable[bytes], encoding: str) -> tuple[int, int]:
    """Count the words that cannot be right, and the languages that the rest needs."""
    odd = 0
    needed: set[str] = set()
    for token in tokens:
        text = token.decode(encoding)
        letters = _foreign_letters(text)
        if letters is None or not (
            letters == "" or any(set(letters) <= set(own) for own in _LANGUAGES[encoding].values())
        ):
            odd += 1
        elif letters:
            needed.add(letters)
    return odd, _fewest_languages(needed, _LANGUAGES[encoding])


def _foreign_letters(text: str) -> str | None:
    """Give the letters beyond ASCII, in lower case; None where no word is written like that."""
    if _NEVER.search(text) or (len(text) == 1 and text.isupper()):
        return None
    for before, sign, after in zip(f" {text[:-1]}", text, f"{text[1:]} ", strict=True):
        if not sign.isalpha():
            if after.isalpha() and sign not in _BEFORE_A_LETTER:
                return None
            if before.isalpha() and sign not in _AFTER_A_LETTER:
                return None
        elif sign.isupper() and not sign.isascii() and before.isalpha() and (before.islower() or after.islower()):
            return None
    return "".join(sorted({sign for sign in text.lower() if sign.isalpha() and not sign.isascii()} - set("ªº")))


def _fewest_languages(needed: set[str], languages: dict[str, str]) -> int:
    """Count the languages that explain all words; each word is one language's."""
    able = {frozenset(name for name, own in languages.items() if set(letters) <= set(own)) for letters in needed}
    for number in range(4):
        if any(all(names & set(chosen) for names in able) for chosen in combinations(languages, number)):
            return number
    return 4
