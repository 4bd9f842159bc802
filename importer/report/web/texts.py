"""How texts and figures stand in HTML: escaped, whole, and with nothing in them that cannot be seen."""

from __future__ import annotations

import base64
import hashlib
import re
from decimal import Decimal
from itertools import groupby
from typing import Final

from markupsafe import Markup, escape

from importer.errors import printable
from importer.report.digest import LINK, LONGEST_LINK
from importer.report.saying import write_amount

LONGEST: Final = 1_000  # signs of any text
_GROUPED: Final = re.compile(r"(?<![\w.,-])\d{1,3}(?:,\d{3})+(?![\w,]|\.\d)")


def group(figure: int | Decimal) -> str:
    """Write a figure in groups of three digits, exactly.

    >>> group(1234), group(Decimal("1234.5"))
    ('1,234', '1,234.50')
    """
    return write_amount(figure) if isinstance(figure, Decimal) else f"{figure:,}"


def write_exactly(figure: int | Decimal) -> str:
    """Write a figure without groups, for programs.

    >>> write_exactly(Decimal("1234.5"))
    '1234.50'
    """
    return group(figure).replace(",", "")


def mark_figure(figure: int | Decimal) -> Markup:
    """Write a figure for the page's script, which may group it as the reader's language does; its digits stay.

    >>> str(mark_figure(1234))
    '<data value="1234">1,234</data>'
    """
    return Markup('<data value="{}">{}</data>').format(write_exactly(figure), group(figure))


def mark_share(share: float) -> Markup:
    """Write a share of 0 to 1 as percent; some is never nothing, nor all.

    >>> str(mark_share(0.775)), str(mark_share(0.99999))
    ('<data value="77.5">77.5</data> %', '&gt; <data value="99.9">99.9</data> %')
    """
    shown = min(max(share, 0.001), 0.999) if 0 < share < 1 else share
    sign = "> " if shown < share else "< " * (shown > share)
    return Markup('{0}<data value="{1}">{1}</data> %').format(sign, f"{shown * 100:.1f}")


def mark_figures(text: str) -> Markup:
    """Mark the figures within a sentence of ours: those in groups, since any other is written alike everywhere.

    >>> str(mark_figures("1,234 of 5 rows <&>"))
    '<data value="1234">1,234</data> of 5 rows &lt;&amp;&gt;'
    """
    made, end = Markup(), 0
    for found in _GROUPED.finditer(text):
        made += mark_unseen(text[end : found.start()]) + mark_figure(int(found[0].replace(",", "")))
        end = found.end()
    return made + mark_unseen(text[end:])


def mark_words(text: str) -> Markup:
    """Mark the commands, which stand between backticks, and the figures of a sentence of ours.

    >>> str(mark_words("`importer resume` settles 1,000."))
    '<code>importer resume</code> settles <data value="1000">1,000</data>.'
    """
    parts = enumerate(text.split("`"))
    return Markup().join(mark_code(part) if number % 2 else mark_figures(part) for number, part in parts)


def mark_code(text: str) -> Markup:
    """Write what is typed as it stands."""
    return Markup("<code>{}</code>").format(mark_unseen(text))


def mark_unseen(text: str) -> Markup:
    r"""Write signs that cannot be seen, or turn the direction of text, as programmers do, and mark them.

    >>> print(mark_unseen("a\u202e<b>"))
    a<code class="sign">\u202e</code>&lt;b&gt;
    """
    if text.isprintable():
        return escape(shorten(text))
    return Markup().join(_mark(seen, "".join(signs)) for seen, signs in groupby(shorten(text), str.isprintable))


def write_plain(text: str) -> str:
    """Write the same where nothing can be marked, as in a title."""
    return printable(shorten(text))


def shorten(text: str, longest: int = LONGEST) -> str:
    """Cut a text, and say so.

    >>> shorten("x" * 1234, 3)
    'xxx… (1,234 characters in all)'
    """
    return text if len(text) <= longest else f"{text[:longest]}… ({len(text):,} characters in all)"


def _mark(seen: bool, signs: str) -> Markup:  # noqa: FBT001 - as `groupby` gives it
    return escape(signs) if seen else Markup('<code class="sign">{}</code>').format(printable(signs))


def opens(link: str) -> bool:
    """Tell whether a link of the API's leads to a page, and so may be offered.

    >>> opens("https://app.example/sign?a=1"), opens("javascript:alert(1)")
    (True, False)
    """
    return len(link) <= LONGEST_LINK and re.fullmatch(LINK, link) is not None


def hash_source(text: str) -> str:
    """Name an inline style or script as a Content-Security-Policy does (https://www.w3.org/TR/CSP3/#framework-directive-source-list)."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
