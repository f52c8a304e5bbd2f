"""The planner's workbook as a file: written as Excel, read back from Excel or CSV.

Text is written as text, so that an order note that begins with `=` is never run; a formula in a cell that is read back is
refused, because what it shows depends on who opened it.
"""

from __future__ import annotations

import csv
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import polars as pl

from recon_platform.proposal.own import LINE_KINDS
from recon_platform.proposal.workbook import LINE_COLUMNS, MOST_LINES, CellError, CellsError, shown_tables
from recon_platform.tables.model import Frames

if TYPE_CHECKING:
    from openpyxl.worksheet.worksheet import Worksheet

LINES_SHEET = "my proposals"
SHEETS = {"exception_moves": "moves", "proposal_changes": "changes", "order_promises": "customer lines"}
WIDEST = 60
HOW = (
    ("kind", "subject", "value"),
    ("firm", "a planned order", "nothing"),
    ("resequence", "an order", "not before: an instant such as 2026-03-02T06:00:00Z"),
    ("split", "a work order not begun", "the quantity split off"),
    ("rush", "an order", "nothing"),
    ("sibling", "an operation: order/operation", "the work center it should go to"),
    ("frozen_break", "an order with frozen operations", "nothing"),
)


def write_workbook(path: Path, frames: Frames, run_id: str, zone: ZoneInfo) -> None:
    """Write the night's moves, changes and customer lines, and an empty sheet for proposals. Instants in plant time.

    Raises ValueError where `path` is no `.xlsx`.
    """
    from openpyxl import Workbook  # noqa: PLC0415 - only who opens a workbook waits for it
    from openpyxl.worksheet.datavalidation import DataValidation  # noqa: PLC0415

    if path.suffix != ".xlsx":
        raise ValueError(f"workbook: expected a file name that ends in .xlsx, found {path.name!r}")
    book = Workbook()
    front = book.active
    front.title = "about"
    _fill(front, [(f"Plan of run {run_id}",), (f"Write your proposals on the sheet “{LINES_SHEET}”.",), (), *HOW])
    lines = book.create_sheet(LINES_SHEET)
    _fill(lines, [LINE_COLUMNS])
    kinds = DataValidation(type="list", formula1=f'"{",".join(LINE_KINDS)}"', allow_blank=True)
    kinds.add(f"A2:A{MOST_LINES + 1}")
    lines.add_data_validation(kinds)
    for name, frame in shown_tables(frames).items():
        local = frame.with_columns(
            pl.selectors.datetime(time_zone="*").dt.convert_time_zone(zone.key).dt.replace_time_zone(None)
        )
        _fill(book.create_sheet(SHEETS[name]), [local.columns, *local.iter_rows()])
    book.save(path)


def _fill(sheet: Worksheet, rows: list[Any]) -> None:
    """Write rows, the first of them as heading, each column about as wide as its longest text."""
    widths: dict[int, int] = {}
    for r, row in enumerate(rows, start=1):
        for c, value in enumerate(row, start=1):
            cell = sheet.cell(r, c, value)
            if isinstance(value, str):
                cell.data_type = "s"  # never a formula
                cell.quotePrefix = value.startswith(("=", "+", "-", "@"))
            widths[c] = min(max(widths.get(c, 8), len(str(value)) + 2), WIDEST)
    for c, width in widths.items():
        sheet.column_dimensions[sheet.cell(1, c).column_letter].width = width
    sheet.freeze_panes = "A2"


def read_lines(path: Path, zone: ZoneInfo) -> pl.DataFrame:
    """Proposals written into a workbook (`.xlsx`) or a CSV file with the same headings.

    Gives `row` (numbered as in the file) and LINE_COLUMNS as text, null where a cell is empty; empty lines are left out. A
    date and time typed into Excel is plant time (`zone`).
    Raises CellsError for missing headings and formulas, ValueError for a file that is neither.
    """
    rows = _csv_rows(path) if path.suffix == ".csv" else _excel_rows(path)
    heading = [str(value).strip() if value is not None else "" for value in rows[0]] if rows else []
    missing = [name for name in LINE_COLUMNS if name not in heading]
    if missing:
        found = ", ".join(name for name in heading if name) or "nothing"
        raise CellsError([CellError(1, name, f"a column headed {name}", found) for name in missing])
    place = {name: heading.index(name) for name in LINE_COLUMNS}
    made: list[dict[str, Any]] = []
    wrong: list[CellError] = []
    for number, row in enumerate(rows[1:], start=2):
        cells = {name: row[at] if at < len(row) else None for name, at in place.items()}
        wrong += [
            CellError(number, name, "text or a number", "a formula")
            for name, value in cells.items()
            if isinstance(value, str) and value.startswith("=")
        ]
        texts = {name: _text(value, zone) for name, value in cells.items()}
        if any(texts.values()):
            made.append({"row": number, **texts})
    if wrong:
        raise CellsError(wrong)
    return pl.DataFrame(made, schema={"row": pl.Int64, **dict.fromkeys(LINE_COLUMNS, pl.String)})


def _csv_rows(path: Path) -> list[tuple[Any, ...]]:
    """Rows of a CSV file, less the apostrophe that keeps a spreadsheet from running a text."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return [tuple(cell.removeprefix("'") or None for cell in row) for row in csv.reader(file, strict=True)]
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"{path.name}: expected a CSV file in UTF-8, found {error}") from error


def _excel_rows(path: Path) -> list[tuple[Any, ...]]:
    from zipfile import BadZipFile  # noqa: PLC0415

    from openpyxl import load_workbook  # noqa: PLC0415
    from openpyxl.utils.exceptions import InvalidFileException  # noqa: PLC0415

    try:
        book = load_workbook(path, read_only=True)
    except (InvalidFileException, BadZipFile, KeyError) as error:
        raise ValueError(f"{path.name}: expected an Excel workbook (.xlsx) or a .csv file, found {error}") from error
    if LINES_SHEET not in book.sheetnames:
        raise ValueError(f"{path.name}: expected a sheet “{LINES_SHEET}”, found {', '.join(book.sheetnames)}")
    return list(book[LINES_SHEET].iter_rows(values_only=True))


def _text(value: Any, zone: ZoneInfo) -> str | None:
    """A cell as a planner reads it: whole numbers without decimals, instants in ISO form."""
    if value is None:
        return None
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, datetime):
        return value.replace(tzinfo=zone).astimezone(UTC).isoformat()
    if isinstance(value, date):
        return value.isoformat()
    return str(value).strip() or None
