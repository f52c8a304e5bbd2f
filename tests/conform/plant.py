"""A small plant by hand: enough of every required table to conform a night, as text just as a CSV gives it."""

from __future__ import annotations

from datetime import UTC, date, datetime

import polars as pl

from recon_platform.tables.context import PlanContext, Plant

AS_OF = datetime(2026, 3, 2, 5, tzinfo=UTC)
PLANNING_DATE = date(2026, 3, 2)


def context(timezone: str = "Europe/Berlin", **changes: object) -> PlanContext:
    values: dict[str, object] = {
        "plant": Plant("TEST", timezone, "EUR", "DAY"),
        "planning_date": PLANNING_DATE,
        "as_of": AS_OF,
    }
    return PlanContext(**(values | changes))  # type: ignore[arg-type]


def table(header: str, *rows: str) -> pl.DataFrame:
    """Rows of text cells separated by blanks; `-` is an empty cell."""
    names = header.split()
    cells = [[None if cell == "-" else cell.replace("~", " ") for cell in row.split()] for row in rows]
    return pl.DataFrame(cells, schema=dict.fromkeys(names, pl.String), orient="row")


def landing(**changes: pl.DataFrame | None) -> dict[str, pl.DataFrame]:
    """The plant, with tables replaced, added, or (None) left out."""
    frames: dict[str, pl.DataFrame | None] = {
        "feeds": table(
            "table source extracted_at watermark rows", "work_orders erp 2026-03-02T05:00:00Z 2026-03-02T05:00:00Z 2"
        ),
        "items": table(
            "item make_buy uom lead_time_days lot_rule weight_kg",
            "BOLT make PCE 5 lot_for_lot 0.01",
            "WIRE buy KGM 10 lot_for_lot -",
            "00042 buy PCE 3 lot_for_lot -",
        ),
        "customers": table("customer class", "C1 A"),
        "sales_orders": table(
            "sales_order line customer item qty uom requested_date status", "SO1 10 C1 BOLT 2 MIL 2026-03-20 open"
        ),
        "bom_lines": table("parent_item component_item qty_per uom", "BOLT WIRE 10 GRM"),
        "routings": table(
            "item routing op_seq operation_code work_center setup_min run_min_per_unit",
            "BOLT main 10 HEAD HD 30 0.01",
            "BOLT main 20 PACK PK 0 0.005",
            "BOLT alt 10 HEAD PK 60 0.03",
        ),
        "work_centers": table(
            "work_center calendar machines external", "HD DAY 2 false", "PK DAY 1 false", "PLATE DAY 0 true"
        ),
        "calendars": table(
            "calendar weekday shift kind start end",
            *(f"DAY {weekday} early regular 06:00 14:00" for weekday in range(1, 6)),
            *(f"DAY {weekday} night regular 22:00 06:00" for weekday in range(1, 6)),
        ),
        "inventory": table("item lot qty uom status", "WIRE H1 500 KGM available", "00042 - -5 PCE available"),
        "purchase_orders": table(
            "purchase_order line supplier item qty uom due_date status", "PO1 1 S1 WIRE 1 TNE 2026-03-10 open"
        ),
        "work_orders": table(
            "work_order item qty uom status start_date due_date",
            "WO-1 BOLT 5 MIL released 2026-03-02 2026-03-10",
            "WO-2 BOLT 1000 PCE closed 2026-02-02 2026-02-10",
        ),
        "operation_status": table(
            "order op_seq machine status good_qty scrap_qty uom reported_at",
            "wo1 10 HD-01 running 1200 3 PCE 2026-03-02T05:30:00",
        ),
    }
    return {name: frame for name, frame in (frames | changes).items() if frame is not None}
