"""How the cells of the workbooks look. Fills are light and texts dark; nothing is told by colour alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

INK: Final = "#1F3A4D"
GREY: Final = "#5F6B73"
# Light fills with dark text, told apart in print by the words that stand in them.
STATUS_LOOKS: Final[Mapping[str, tuple[str, str]]] = {
    "created": ("#DDF0DD", "#1B5E20"),
    "valid": ("#DDF0DD", "#1B5E20"),
    "already-imported": ("#DCE9F5", "#0D3C61"),
    "duplicate": ("#FFF1CC", "#7A4F01"),
    "rejected": ("#F8D7D4", "#8A1C12"),
    "invalid": ("#F8D7D4", "#8A1C12"),
    "held": ("#EFE3F3", "#5B2A6E"),
    "unknown": ("#FFE0B2", "#7A3E00"),
    "not-sent": ("#ECECEC", "#404040"),
    "set": ("#DDF0DD", "#1B5E20"),
    "unchanged": ("#DCE9F5", "#0D3C61"),
    "refused": ("#F8D7D4", "#8A1C12"),
    "by-hand": ("#FFF1CC", "#7A4F01"),
}
MOODS: Final = {"good": "created", "act": "duplicate", "stopped": "rejected"}  # whose colours they have
# Of a chart: told apart without colour, by a pattern of ink on white, by a pale fill, or else by a solid one of ink.
PATTERNS: Final[Mapping[str, str]] = {
    "duplicate": "small_check",
    "by-hand": "small_check",
    "rejected": "dark_upward_diagonal",
    "refused": "dark_upward_diagonal",
    "invalid": "wide_downward_diagonal",
    "held": "light_horizontal",
    "unknown": "large_grid",
}
PALE: Final[Mapping[str, str]] = {"already-imported": "#A9C2D6", "unchanged": "#A9C2D6", "not-sent": "#FFFFFF"}
AMOUNT: Final = "#,##0.00######"  # its signs are the reader's own
_FAULT: Final = {"bg_color": "#FBE3B6", "bold": True, "border": 1, "border_color": "#9C5700", "valign": "top"}
_TOP: Final = {"valign": "top"}
_HEADER: Final = {"bold": True, "bg_color": INK, "font_color": "#FFFFFF", "text_wrap": True, **_TOP}
LOOKS: Final[Mapping[str, Mapping[str, Any]]] = {
    "plain": _TOP,
    "header": _HEADER,
    "header right": {**_HEADER, "align": "right"},
    "header indented": {**_HEADER, "align": "left", "indent": 1},
    "indented": {"align": "left", "indent": 1, "text_wrap": True, **_TOP},
    "top count": {"num_format": "#,##0", **_TOP},
    "top amount": {"num_format": AMOUNT, "align": "right", **_TOP},
    "fee": {"num_format": "0.0##%", "align": "right", **_TOP},
    "moment": {"num_format": 22, "align": "left", **_TOP},  # the format's own: day and time as the reader writes them
    "figure": {"num_format": AMOUNT, **_TOP},
    "link": {"font_color": "#0B5394", "underline": 1, **_TOP},
    "wide link": {"font_color": "#0B5394", "underline": 1, "text_wrap": True, **_TOP},
    "place": {"align": "left", **_TOP},
    "place link": {"align": "left", "font_color": "#0B5394", "underline": 1, **_TOP},
    "fault": _FAULT,
    "faulty day": {**_FAULT, "num_format": "yyyy-mm-dd", "align": "left"},
    "title": {"bold": True, "font_size": 16, "font_color": INK},
    "subject": {"font_size": 11, "font_color": GREY, "valign": "vcenter"},
    "lead": {"font_size": 12, "text_wrap": True, **_TOP},
    "section": {"bold": True, "font_size": 12, "font_color": INK, "bottom": 1, "bottom_color": INK},
    "reason": {"bold": True, "text_wrap": True, "align": "left", "indent": 1, **_TOP},
    "wrapped": {"text_wrap": True, **_TOP},
    "small": {"font_size": 9, "font_color": GREY, "text_wrap": True, **_TOP},
    "stake": {"text_wrap": True, "align": "right", **_TOP},
    "command": {"font_name": "Consolas", "font_size": 10, "bg_color": "#F1F3F5", "align": "left", "indent": 1},
    "rows": {"bold": True, "num_format": "#,##0", "align": "right", "indent": 1, **_TOP},
    "key": {"bold": True, **_TOP},
    "currency": {"bold": True, "valign": "vcenter"},
    "count": {"num_format": "#,##0", "valign": "vcenter"},
    "amount": {"num_format": AMOUNT, "align": "right", "valign": "vcenter"},
    "head right": {"bold": True, "align": "right", "bottom": 1},
    "head left": {"bold": True, "bottom": 1},
    "head meaning": {"bold": True, "bottom": 1, "indent": 1},
    "meaning": {"indent": 1, "valign": "vcenter"},
    "share": {"num_format": "0.0%", "valign": "vcenter"},
    "total count": {"bold": True, "num_format": "#,##0", "valign": "vcenter"},
    "sum": {"bold": True, "top": 1},
    "sum count": {"bold": True, "top": 1, "num_format": "#,##0"},
    "sum share": {"bold": True, "top": 1, "num_format": "0.0%"},
    "total amount": {"bold": True, "num_format": AMOUNT, "align": "right", "valign": "vcenter"},
    "severity error": {"bg_color": "#F8D7D4", "font_color": "#8A1C12", **_TOP},
    "severity warning": {"bg_color": "#FFF1CC", "font_color": "#7A4F01", **_TOP},
}


def looks() -> dict[str, dict[str, Any]]:
    """Give all looks, with those of each status: of its cells, its heading, and a figure that stands large."""
    made = {name: dict(look) for name, look in LOOKS.items()}
    for name, (fill, ink) in STATUS_LOOKS.items():
        both = {"bg_color": fill, "font_color": ink}
        made[f"head {name}"] = {**both, "align": "right", "bottom": 1}
        made[f"status {name}"] = {**both, "align": "left", "indent": 1, **_TOP}
        card = {
            **both,
            "align": "left",
            "indent": 1,
            "left": 5,
            "left_color": ink,
            "right": 5,
            "right_color": "#FFFFFF",
        }
        made[f"large {name}"] = {**card, "bold": True, "font_size": 24, "num_format": "#,##0"}
        made[f"caption {name}"] = {**card, "bold": True, "font_size": 11}
        made[f"money {name}"] = {**card, "font_size": 9, "text_wrap": True, **_TOP}
    for mood, status in MOODS.items():
        fill, ink = STATUS_LOOKS[status]
        made[f"verdict {mood}"] = {
            "bold": True,
            "font_size": 20,
            "font_color": ink,
            "bg_color": fill,
            "indent": 1,
            "valign": "vcenter",
            "left": 5,
            "left_color": ink,
        }
    return made
