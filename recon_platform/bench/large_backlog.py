"""A conformed backlog of any size, made in a second: for timing reconciliation alone, without generating a plant.

Every order has the same number of operations; a tenth is under way on the floor, some of it in disagreement with the
ERP in ways that several rules find. Nothing here resembles a real plant beyond its size.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import polars as pl

from recon_platform.tables.context import PlanContext, Plant
from recon_platform.tables.model import Frames, Layer
from recon_platform.tables.registry import TABLES, output_table

AS_OF = datetime(2026, 3, 2, 4, tzinfo=UTC)
TODAY = date(2026, 3, 2)
ITEMS = 2_000
ORDER_QTY = 1_000.0


def large_backlog(orders: int, *, operations: int = 8, reported: float = 0.4) -> tuple[Frames, PlanContext]:
    """Conformed frames of `orders` work orders with `operations` each; a share `reported` is known to the MES."""
    frames = {
        name: output_table(name).empty()
        for name, table in TABLES.items()
        if table.layer in (Layer.LANDING, Layer.CONFORMED)
    }

    def put(name: str, rows: pl.DataFrame) -> None:
        frames[name] = output_table(name).frame(rows)

    n = pl.col("n")
    numbers = pl.DataFrame({"n": range(orders)})
    told = n < reported * orders
    finished = told & (n % 4 == 0)
    short = n % 50 == 0
    book = numbers.with_columns(
        work_order=pl.format("WO{}", (n + 10_000_000).cast(pl.String)), item=pl.format("P{}", n % ITEMS),
        told=told, finished=finished, good=pl.when(finished & short).then(900.0).when(finished).then(1_000.0)
        .when(told).then(400.0).otherwise(0.0),
    )  # fmt: skip
    steps = pl.DataFrame({"op_seq": [10 * (k + 1) for k in range(operations)]}, schema={"op_seq": pl.Int64})
    codes = steps.with_columns(operation_code=pl.format("OP{}", "op_seq"), work_center=pl.format("W{}", "op_seq"))
    items = pl.DataFrame({"n": range(ITEMS)}).select(item=pl.format("P{}", "n"))
    put("items", pl.concat([items, pl.DataFrame({"item": ["C"]})]).with_columns(
        make_buy=pl.lit("make"), uom=pl.lit("PCE"), lead_time_days=1, lot_rule=pl.lit("lot_for_lot"), cost=0.5,
    ))  # fmt: skip
    put("work_centers", codes.select("work_center", calendar=pl.lit("PLANT"), machines=1, line=pl.lit("L")))
    put("machines", codes.select(pl.format("{}-01", "work_center").alias("machine"), "work_center"))
    put("operation_codes", codes.select("operation_code"))
    put("accounting_periods", pl.DataFrame({
        "period_start": [TODAY - timedelta(days=400)], "period_end": [TODAY + timedelta(days=400)], "open": [True],
    }))  # fmt: skip
    put("routings", items.join(codes, how="cross").with_columns(
        routing=pl.lit("main"), setup_min=10.0, run_min_per_unit=0.1,
    ))  # fmt: skip
    put("bom_lines", items.select(parent_item="item").with_columns(
        component_item=pl.lit("C"), qty_per=2.0, uom=pl.lit("PCE"), op_seq=10, backflush=True,
    ))  # fmt: skip
    put("inventory", pl.DataFrame({"item": ["C"], "qty": [1e12], "uom": ["PCE"], "status": ["available"]}))
    put("work_orders", book.select(
        "work_order", "item", routing=pl.lit("main"), qty=ORDER_QTY, completed_qty="good", scrapped_qty=0.0,
        uom=pl.lit("PCE"), status=pl.when("told").then(pl.lit("in_process")).otherwise(pl.lit("released")),
        start_date=TODAY, due_date=TODAY + timedelta(days=10),
    ))  # fmt: skip
    put("work_order_operations", book.select("work_order").join(codes, how="cross", maintain_order="left"))
    floor = book.filter("told").join(steps, how="cross", maintain_order="left")
    last = pl.col("op_seq") == 10 * operations
    made = pl.when(pl.col("finished") | ~last).then(ORDER_QTY).otherwise(400.0)
    put("operation_status", floor.select(
        order="work_order", op_seq="op_seq", operation_code=pl.format("OP{}", "op_seq"),
        status=pl.when(pl.col("finished") | ~last).then(pl.lit("complete")).otherwise(pl.lit("running")),
        good_qty=made, scrap_qty=0.0, in_process_qty=ORDER_QTY - made, rework_qty=0.0,
        reported_at=pl.lit(AS_OF - timedelta(hours=30)),
    ))  # fmt: skip
    put("material_issues", book.filter("told").select(
        "work_order", component_item=pl.lit("C"), required_qty=2_000.0, uom=pl.lit("PCE"), backflushed=True,
        issued_qty=pl.when(pl.col("n") % 100 == 1).then(4_000.0).otherwise(2_000.0),
    ))  # fmt: skip
    return frames, PlanContext(Plant("LARGE"), TODAY, AS_OF)
