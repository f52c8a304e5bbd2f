"""How long conforming takes: a plant with a given number of operation rows, as text, conformed in memory.

Half of the rows are operations of orders, half reports on them; every fiftieth key is written differently by the MES.
"""

from __future__ import annotations

import dataclasses
import json
import resource
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

import polars as pl

from recon_platform.conform import conform
from recon_platform.tables.context import PlanContext, Plant

OPERATIONS_PER_ORDER = 5
ITEMS = 2_000
CENTERS = 50
AS_OF = datetime(2026, 3, 2, 4, tzinfo=UTC)
WARM_UP_ROWS = 1_000


@dataclass(frozen=True, slots=True)
class ConformFigure:
    """One size: operation rows (operations and reports), all rows, seconds, rows per second, peak memory."""

    operation_rows: int
    rows: int
    wall_s: float
    cpu_s: float
    rows_per_s: float
    peak_mib: float


def plant(operation_rows: int) -> dict[str, pl.DataFrame]:
    """Landing frames, all text, with about `operation_rows` operations and reports together."""
    orders = max(1, operation_rows // 2 // OPERATIONS_PER_ORDER)
    number = pl.int_range(orders, eager=True)
    item = pl.format("I{}", (pl.col("n") % ITEMS).cast(pl.String).str.zfill(5))
    work_orders = pl.DataFrame({"n": number}).select(
        pl.format("WO-{}", pl.col("n").cast(pl.String).str.zfill(7)).alias("work_order"), item.alias("item"),
        pl.format("{}.0", pl.col("n") % 900 + 100).alias("qty"), pl.lit("PCE").alias("uom"),
        pl.lit("released").alias("status"), pl.lit("2026-03-02").alias("start_date"), pl.lit("2026-03-20").alias("due_date"),
    )  # fmt: skip
    steps = pl.DataFrame({"s": range(1, OPERATIONS_PER_ORDER + 1)})
    center = pl.format("WC{}", ((pl.col("row") + pl.col("s")) % CENTERS).cast(pl.String).str.zfill(2))
    operations = (
        work_orders.select("work_order")
        .with_row_index("row")
        .join(steps, how="cross")
        .with_columns(center.alias("work_center"))
    )
    seq = pl.format("{}0", "s")
    planned = operations.select(
        "work_order", seq.alias("op_seq"), pl.format("OP{}", "s").alias("operation_code"), "work_center",
        pl.lit("15").alias("setup_min"), pl.lit("0.25").alias("run_min_per_unit"),
        pl.lit("2026-03-03T06:00:00+01:00").alias("planned_start"), pl.lit("2026-03-03T09:30:00+01:00").alias("planned_end"),
    )  # fmt: skip
    odd = pl.when(pl.col("row") % 50 == 0).then(pl.col("work_order").str.to_lowercase()).otherwise("work_order")
    minute = (pl.col("row") % 60).cast(pl.String).str.zfill(2)
    reports = operations.select(
        odd.alias("order"), seq.alias("op_seq"), pl.format("{}-01", "work_center").alias("machine"),
        pl.lit("running").alias("status"), pl.format("{}.0", pl.col("row") % 90).alias("good_qty"), pl.lit("0.0").alias("scrap_qty"),
        pl.lit("PCE").alias("uom"), pl.format("2026-03-01T22:{}:00", minute).alias("started_at"),
        pl.format("2026-03-02T03:{}:00Z", minute).alias("reported_at"),
    )  # fmt: skip
    return {"work_orders": work_orders, "work_order_operations": planned, "operation_status": reports, **_master()}


def _master() -> dict[str, pl.DataFrame]:
    items = pl.DataFrame({"item": [f"I{n:05d}" for n in range(ITEMS)]})
    centers = [f"WC{n:02d}" for n in range(CENTERS)]

    def text(**columns: Sequence[str]) -> pl.DataFrame:
        return pl.DataFrame(columns, schema_overrides=dict.fromkeys(columns, pl.String))

    constant = {"make_buy": "make", "uom": "PCE", "lead_time_days": "5", "lot_rule": "lot_for_lot"}
    return {
        "feeds": text(table=["work_orders"], source=["erp"], extracted_at=["2026-03-02T04:00:00Z"], rows=["1"]),
        "items": items.with_columns(pl.lit(value).alias(name) for name, value in constant.items()),
        "customers": text(customer=["C1"], **{"class": ["A"]}),
        "sales_orders": text(
            sales_order=["S1"], line=["1"], customer=["C1"], item=["I00000"], qty=["5"], uom=["PCE"],
            requested_date=["2026-03-20"], status=["open"],
        ),
        "bom_lines": text(parent_item=["I00000"], component_item=["I00001"], qty_per=["1"], uom=["PCE"]),
        "routings": text(
            item=["I00000"], routing=["main"], op_seq=["10"], operation_code=["OP1"], work_center=["WC00"], setup_min=["15"],
            run_min_per_unit=["0.25"],
        ),
        "work_centers": text(work_center=centers, calendar=["DAY"] * CENTERS, machines=["1"] * CENTERS),
        "calendars": text(
            calendar=["DAY"] * 5, weekday=["1", "2", "3", "4", "5"], shift=["early"] * 5, kind=["regular"] * 5,
            start=["06:00"] * 5, end=["14:00"] * 5,
        ),
        "inventory": text(item=["I00001"], qty=["100"], uom=["PCE"], status=["available"]),
        "purchase_orders": text(
            purchase_order=["P1"], line=["1"], supplier=["V1"], item=["I00001"], qty=["5"], uom=["PCE"],
            due_date=["2026-03-10"], status=["open"],
        ),
    }  # fmt: skip


def measure(operation_rows: int) -> ConformFigure:
    """Conform a plant of that size once, after a small one."""
    context = PlanContext(Plant("BENCH", "Europe/Berlin", "EUR", "DAY"), date(2026, 3, 2), AS_OF)
    conform(plant(WARM_UP_ROWS), context)
    frames = plant(operation_rows)
    rows = sum(frame.height for frame in frames.values())
    wall, cpu = time.perf_counter(), time.process_time()
    made = conform(frames, context)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    kept = made["operation_status"].height + made["work_order_operations"].height
    if kept != frames["operation_status"].height + frames["work_order_operations"].height:
        raise ValueError(f"{kept} operation rows came through; every one is valid, so all should")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return ConformFigure(kept, rows, wall, cpu, rows / wall, peak)


def run(
    sizes: Sequence[int] = (100_000, 1_000_000), *, say: Callable[[str], None] | None = None
) -> list[ConformFigure]:
    """Figures of each size."""
    figures = []
    for size in sizes:
        if say is not None:
            say(f"{size:,} operation rows")
        figures.append(measure(size))
    return figures


def table(figures: Sequence[ConformFigure]) -> str:
    """The figures as a Markdown table."""
    lines = ["| operation rows | rows | wall s | CPU s | rows/s | peak MiB |", "| --- " * 6 + "|"]
    lines += [
        f"| {f.operation_rows:,} | {f.rows:,} | {f.wall_s:.2f} | {f.cpu_s:.2f} | {f.rows_per_s:,.0f} | {f.peak_mib:,.0f} |"
        for f in figures
    ]
    return "\n".join(lines)


def as_json(figures: Sequence[ConformFigure]) -> str:
    """The figures for a program."""
    return json.dumps([dataclasses.asdict(figure) for figure in figures])
