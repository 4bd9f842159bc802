"""Draws the pictures in `docs/pictures`: each sheet of a month's results workbook, as LibreOffice prints it.

`python tests/pictures.py` needs soffice and pdftoppm. With `--all FOLDER` it draws there all sheets of
more reports, in colour and in grey, to be looked at: a month, a check, a faultless run, twelve currencies, a row.
"""

from __future__ import annotations

import csv
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
KEPT = ROOT / "docs" / "pictures"
DOTS = 80  # an inch
CLEAR = 100  # an inch, of what is kept
# Of each sheet's first page the part that is kept: pixels from the top, and its height. `Run` names who ran it.
SHEETS = {"Summary": (50, 530), "Results": (45, 300), "Issues": (45, 160), "To fix": (45, 100)}
MONTH = ROOT / "samples" / "month-2026-10.xlsx"
CURRENCIES = ("EUR", "DKK", "SEK", "NOK", "GBP", "USD", "CHF", "PLN", "CZK", "HUF", "AUD", "CAD")


def write_source(path: Path, rows: int, currencies: tuple[str, ...] = ("EUR",), *, faulty: bool = False) -> Path:
    """Write invented invoices; each fifth without a city where they are to be *faulty*."""
    header = ("creditorReference", "currencyCode", "date", "dueDate", "amountToRecover", "debtor.type", "debtor.name")
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow([*header, "debtor.address", "debtor.city", "debtor.countryAlpha2"])
        for number in range(rows):
            currency = currencies[number % len(currencies)]
            month = number * 7 % 24
            day = f"{2024 + month // 12}-{month % 12 + 1:02}"
            city = "" if faulty and number % 5 == 0 else "Invented"
            who = ("Company", f"Invented Trading {number}", f"Road {number}", city, "DE")
            writer.writerow([f"P-{number}", currency, f"{day}-01", f"{day}-15", f"{100 + number * 13.37:.2f}", *who])
    return path


def report_of(workspace: Path, command: str, source: Path) -> Path:
    """Run the importer, and say where the report lies."""
    options = ["--sandbox", *(["--yes"] if command == "submit" else []), "--json", "--workspace", str(workspace)]
    importer = [sys.executable, "-m", "importer", command, str(source), *options]
    ran = subprocess.run(importer, check=False, capture_output=True, text=True)
    return Path(json.loads(ran.stdout)["report"])


def draw(book: Path, folder: Path, dots: int = DOTS) -> list[Path]:
    """Print a workbook and draw its pages."""
    folder.mkdir(parents=True, exist_ok=True)
    profile = f"-env:UserInstallation=file://{folder.resolve()}/profile"
    to_pdf = ["soffice", "--headless", profile, "--convert-to", "pdf", "--outdir", str(folder), str(book)]
    subprocess.run(to_pdf, check=True, capture_output=True)
    shutil.rmtree(folder / "profile")
    for name, more in (("page", []), ("grey", ["-gray"])):
        to_png = ["pdftoppm", "-png", *more, "-r", str(dots), str(folder / f"{book.stem}.pdf"), str(folder / name)]
        subprocess.run(to_png, check=True)
    return sorted(folder.glob("page*.png"))


def draw_all(folder: Path) -> None:
    """Draw each of the reports that are to be looked at."""
    with tempfile.TemporaryDirectory() as place:
        work = Path(place)
        sources = {
            "month": ("submit", MONTH),
            "check": ("check", MONTH),
            "fine": ("submit", write_source(work / "fine.csv", 30)),
            "currencies": ("submit", write_source(work / "currencies.csv", 240, CURRENCIES, faulty=True)),
            "row": ("submit", write_source(work / "row.csv", 1)),
        }
        for name, (command, source) in sources.items():
            draw(report_of(work / name, command, source), folder / name)


def draw_kept() -> None:
    """Draw the first page of each sheet of the month's workbook."""
    with tempfile.TemporaryDirectory() as place:
        work = Path(place)
        pages = len(draw(report_of(work / "month", "submit", MONTH), work / "drawn"))
        pdf = str(work / "drawn" / "results.pdf")
        KEPT.mkdir(exist_ok=True)
        for page in range(pages, 0, -1):  # so that the first page of a sheet is drawn last
            one = ["-f", str(page), "-l", str(page)]
            to_text = ["pdftotext", *one, "-layout", pdf, "-"]
            told = subprocess.run(to_text, check=True, capture_output=True, text=True)
            footer = told.stdout.strip().splitlines()[-1]
            sheet = next((name for name in SHEETS if footer.startswith(name)), None)
            if sheet is None:
                continue
            top, height = (str(pixels) for pixels in SHEETS[sheet])
            to = str(KEPT / sheet.lower().replace(" ", "-"))
            part = ["-x", "30", "-y", top, "-W", "1110", "-H", height]
            to_png = ["pdftoppm", "-png", "-singlefile", "-r", str(CLEAR), *part, *one, pdf, to]
            subprocess.run(to_png, check=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--all"]:
        draw_all(Path(sys.argv[2]))
    else:
        draw_kept()
