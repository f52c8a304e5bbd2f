"""Excel workbooks as landing files: each sheet becomes a CSV of its name, cells as text, nothing interpreted.

What a cell shows is not what it holds: days and instants are written ISO 8601, numbers without a thousands separator,
formulas as the values that were stored with them.
"""

from __future__ import annotations

import csv
from datetime import date, datetime, time
from pathlib import Path
from zipfile import BadZipFile

from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException

from recon_platform.connectors.landing_error import LandingError

SUFFIXES = (".xlsx", ".xlsm")


def sheets_to_csv(workbook: Path, folder: Path) -> list[str]:
    """Write each sheet that is not empty to `folder`; gives the names of the files. Raises LandingError."""
    try:
        book = load_workbook(workbook, read_only=True, data_only=True)
    except (BadZipFile, InvalidFileException, KeyError, ValueError, OSError) as error:
        raise LandingError(
            f"no Excel workbook ({str(error)[:100]})", file=workbook.name, action="save it as .xlsx"
        ) from None
    made = []
    try:
        for sheet in book.worksheets:
            rows = [[_text(cell) for cell in row] for row in sheet.iter_rows(values_only=True)]
            rows = [row for row in rows if any(row)]
            if not rows:
                continue
            width = max(number for number, name in enumerate(rows[0], 1) if name)
            if (folder / f"{sheet.title}.csv").exists():
                raise LandingError(f"{sheet.title} is delivered twice, as a file and as a sheet", file=workbook.name)
            with (folder / f"{sheet.title}.csv").open("w", encoding="utf-8", newline="") as file:
                csv.writer(file, lineterminator="\n").writerows(row[:width] for row in rows)
            made.append(f"{sheet.title}.csv")
    finally:
        book.close()
    if not made:
        raise LandingError("the workbook has no rows", file=workbook.name)
    return made


def _text(cell: object) -> str:
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return str(cell).lower()
    if isinstance(cell, datetime):
        whole = cell.time() == time(0)
        return cell.date().isoformat() if whole else cell.isoformat()
    if isinstance(cell, date | time):
        return cell.isoformat()
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell)
