"""The results workbook: `Summary`, `Results`, `Issues`, `To fix`, `Run`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from importer.model import quietly
from importer.report.carried import add_run
from importer.report.digest import digest
from importer.report.mending import add_to_fix, find_marks
from importer.report.package import Package
from importer.report.remarks import remark
from importer.report.sheets import add_issues, add_results
from importer.report.summary import add_summary

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from importer.model import Doing, Report

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
_FAULT: Final = {"bg_color": "#FBE3B6", "bold": True, "border": 1, "border_color": "#9C5700", "valign": "top"}
LOOKS: Final[Mapping[str, Mapping[str, Any]]] = {
    "plain": {"valign": "top"},
    "header": {"bold": True, "bg_color": "#1F3A4D", "font_color": "#FFFFFF", "valign": "top", "text_wrap": True},
    "moment": {"num_format": "yyyy-mm-dd hh:mm:ss", "align": "left", "valign": "top"},
    "link": {"font_color": "#0B5394", "underline": 1, "valign": "top"},
    "fault": _FAULT,
    "faulty day": {**_FAULT, "num_format": "yyyy-mm-dd", "align": "left"},
    "title": {"bold": True, "font_size": 16, "font_color": "#1F3A4D"},
    "lead": {"font_size": 12, "text_wrap": True, "valign": "top"},
    "section": {"bold": True, "font_size": 12, "font_color": "#1F3A4D", "bottom": 1, "bottom_color": "#1F3A4D"},
    "wrapped": {"text_wrap": True, "valign": "top"},
    "key": {"bold": True, "valign": "top"},
    "currency": {"bold": True, "valign": "vcenter"},
    "count": {"num_format": "#,##0", "valign": "vcenter"},
    "amount": {"num_format": "#,##0.00######", "align": "right", "valign": "vcenter"},
    "head right": {"bold": True, "align": "right", "bottom": 1},
    "head left": {"bold": True, "bottom": 1},
    "head meaning": {"bold": True, "bottom": 1, "indent": 1},
    "meaning": {"indent": 1, "valign": "vcenter"},
    "place": {"align": "left", "valign": "top"},
    "share": {"num_format": "0.0%", "valign": "vcenter"},
    "sum": {"bold": True, "top": 1},
    "sum count": {"bold": True, "top": 1, "num_format": "#,##0"},
    "sum share": {"bold": True, "top": 1, "num_format": "0.0%"},
    "total amount": {"bold": True, "num_format": "#,##0.00######", "align": "right", "valign": "vcenter"},
    **{
        f"head {name}": {"bg_color": fill, "font_color": ink, "align": "right", "bottom": 1}
        for name, (fill, ink) in STATUS_LOOKS.items()
    },
    **{
        f"status {name}": {"bg_color": fill, "font_color": ink, "align": "left", "indent": 1, "valign": "top"}
        for name, (fill, ink) in STATUS_LOOKS.items()
    },
}


def write(report: Report, path: Path, doing: Doing = quietly) -> None:
    """Write the results workbook of *report*, beside *path* and renamed into place; *doing* is told how far that is.

    Raises:
        OSError: The disk does not take it; nothing is left of it.
    """
    package = Package({name: dict(look) for name, look in LOOKS.items()})
    marks = find_marks(report)
    remarks = remark(report, marks)
    add_summary(package, digest(report, remarks))
    add_results(package, report)
    add_issues(package, report)
    add_to_fix(package, report, marks)
    add_run(package, report.run, remarks)
    package.save(path, doing)
