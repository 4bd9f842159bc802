"""What the page's charts are drawn from: places in percent of their width, so that they fit any screen."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from importer.report.web.texts import group

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from importer.model import Currency, Digest

CURRENCIES: Final = 8  # drawn; the table has all
KINDS: Final = 12  # drawn; the reasons tell all
LONGEST_LABEL: Final = 40  # signs that fit a telephone's screen
SLASHES, BACKSLASHES = "M-2,2 2,-2 M0,8 8,0 M6,10 10,6", "M-2,6 2,10 M0,0 8,8 M6,-2 10,2"
LEVELS, UPRIGHTS = "M0,4 8,4", "M4,0 4,8"


@dataclass(frozen=True, slots=True)
class Pattern:
    """A fill that is told from the others without its colour, too."""

    name: str
    colour: str
    lines: str = ""
    dots: tuple[tuple[int, int], ...] = ()


_DOTS: Final = ((2, 2), (6, 6))
PATTERNS: Final = (
    Pattern("good", "good"),
    Pattern("known", "known", LEVELS),
    Pattern("double", "double", dots=_DOTS),
    Pattern("bad", "bad", SLASHES),
    Pattern("worse", "bad", SLASHES + BACKSLASHES),
    Pattern("held", "held", UPRIGHTS),
    Pattern("open", "open", BACKSLASHES),
    Pattern("left", "left", LEVELS + UPRIGHTS),
    Pattern("plain", "plain"),
)
LOOKS: Final[Mapping[str, str]] = {
    "created": "good",
    "valid": "good",
    "already-imported": "known",
    "duplicate": "double",
    "rejected": "worse",
    "invalid": "bad",
    "held": "held",
    "unknown": "open",
    "not-sent": "left",
    "error": "bad",
    "warning": "double",
}


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a bar: where it begins and how wide it is, in percent, and its pattern."""

    left: str
    width: str
    pattern: str


@dataclass(frozen=True, slots=True)
class Bar:
    """A line of a chart: its label, its figure, and what is drawn."""

    label: str
    figure: int | Decimal
    pieces: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart: its bars, and all of it in words."""

    name: str
    title: str
    caption: str
    bars: tuple[Bar, ...]

    @property
    def said(self) -> str:
        """What the bars show, for those who cannot see them."""
        return "".join(f"{bar.label}: {group(bar.figure)}; " for bar in self.bars)


def draw_money(digest: Digest) -> Chart:
    """Draw for each currency which part of its amount has which status; the largest eight by rows."""
    rest = len(digest.currencies) - CURRENCIES
    others = f" The first {CURRENCIES} of {len(digest.currencies):,} currencies; the table has all." if rest > 0 else ""
    return Chart(
        "money",
        "Amounts by status",
        f"Each bar is the whole amount of its currency.{others}",
        tuple(_split(currency, digest) for currency in digest.currencies[:CURRENCIES]),
    )


def _split(currency: Currency, digest: Digest) -> Bar:
    """Split a bar by status. A row that is faulty may be so for an amount below zero, which takes no room."""
    sizes = [max(Decimal(0), currency.amounts.get(standing.status, Decimal(0))) for standing in digest.standings]
    whole = sum(sizes)
    pieces, left = [], 0.0
    for standing, size in zip(digest.standings, sizes, strict=True):
        if size:
            width = float(size / whole) * 100
            pieces.append(Piece(f"{left:.3f}", f"{width:.3f}", LOOKS[standing.status]))
            left += width
    return Bar(currency.code, currency.total, tuple(pieces))


def draw_kinds(digest: Digest) -> Chart:
    """Draw how many issues of each code there are; the first twelve."""
    lines = [(kind.title, kind.issues, LOOKS[kind.severity]) for kind in digest.kinds[:KINDS]]
    rest = len(digest.kinds) - KINDS
    others = f" The first {KINDS} of {len(digest.kinds):,} kinds." if rest > 0 else ""
    return Chart("kinds", "Issues by kind", f"How many of each there are.{others}", _measure(lines))


def draw_ages(digest: Digest) -> Chart:
    """Draw how many rows have a debt of which age."""
    lines = [(age.label, age.rows, "plain") for age in digest.ages]
    without = f" {digest.undated:,} without a date are in none." if digest.undated else ""
    caption = f"Rows by how long ago they fell due, reckoned to {digest.today}.{without}"
    return Chart("ages", "Age of debt", caption, _measure(lines))


def _measure(lines: Sequence[tuple[str, int, str]]) -> tuple[Bar, ...]:
    """Make a bar of each label, number and look; the longest takes the whole width."""
    longest = max((number for _, number, _ in lines), default=0) or 1
    return tuple(
        Bar(_shorten(label), number, (Piece("0", f"{number / longest * 100:.3f}", look),))
        for label, number, look in lines
    )


def _shorten(label: str) -> str:
    label = label[:1].upper() + label[1:]
    return label if len(label) <= LONGEST_LABEL else f"{label[: LONGEST_LABEL - 1].rstrip()}…"


def plain(amounts: Mapping[str, Decimal], most: int = 3) -> tuple[tuple[tuple[Decimal, str], ...], int]:
    """Take the first amounts for a list, and say how many more there are."""
    taken = tuple((amount, currency) for currency, amount in list(amounts.items())[:most])
    return taken, max(0, len(amounts) - most)
