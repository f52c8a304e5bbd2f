"""Lists as CSV for spreadsheets. Text that a spreadsheet would run as a formula is made harmless with an apostrophe."""

from __future__ import annotations

import polars as pl

from recon_platform.console.page import Listing
from recon_platform.console.words import label, writing

FORMULA_STARTS = r"^\s*[=+\-@＝＋－＠]|^[\t\r\n]"
"""What spreadsheets take for the start of a formula, also after blanks and in full width (OWASP, CSV injection)."""


def to_csv(listing: Listing, rows: pl.DataFrame, zone: str) -> bytes:
    """The columns that the list shows, under their labels, instants in plant time.

    Where the plant writes decimals with a comma, its spreadsheets expect that, and semicolons between columns. Dates
    are ISO, which every spreadsheet reads as dates, and numbers are ungrouped.
    """
    made = rows.select([_cell(rows, column.name, label(column), zone) for column in listing.columns])
    comma = writing().decimal == ","
    return b"\xef\xbb\xbf" + made.write_csv(separator=";" if comma else ",", decimal_comma=comma).encode()


def _cell(rows: pl.DataFrame, name: str, label: str, zone: str) -> pl.Expr:
    column = pl.col(name)
    kind = rows.schema[name]
    if isinstance(kind, pl.Datetime):
        return column.dt.convert_time_zone(zone).dt.strftime("%Y-%m-%d %H:%M").alias(label)
    if kind == pl.String:
        return (
            pl.when(column.str.contains(FORMULA_STARTS))
            .then(pl.concat_str(pl.lit("'"), column))
            .otherwise(column)
            .alias(label)
        )
    return column.alias(label)
