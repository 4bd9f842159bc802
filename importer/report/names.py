"""What the files of a report are called, in its folder."""

from typing import Final

FILES: Final = ("results.xlsx", "report.html", "issues.jsonl", "to-fix.csv")
WORKBOOK, PAGE, LINES, TO_FIX = FILES
