"""Texts that a spreadsheet program could take for a formula when it opens a CSV: written behind one apostrophe more.

https://owasp.org/www-community/attacks/CSV_Injection names the signs. A text that has apostrophes of its own before
such a sign gets one more too, so that taking one off gives every text back as it was. The patterns are Python's and
RE2's.
"""

from __future__ import annotations

from typing import Final

FORMULA_GUARD: Final = "'"
_RISKY: Final = "'*(?:[ \\t\\n\\v\\f\\r\u00a0\ufeff]*[=+\\-@\uff1d\uff0b\uff0d\uff20]|[\\t\\r\\n])"
FORMULA_LIKE: Final = f"^{_RISKY}"  # what is written behind the guard
FORMULA_OPENINGS: Final = "' \t\n\v\f\r\u00a0\ufeff=+-@\uff1d\uff0b\uff0d\uff20"  # what any of that begins with
FORMULA_GUARDED: Final = f"^{FORMULA_GUARD}({_RISKY})"  # what was
NEGATIVE: Final = r"^-[0-9]+(?:[.,][0-9]+)*$"  # of amounts: no program makes more of it than a number below zero
