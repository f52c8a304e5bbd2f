"""A plan of the peer workload in its exchange form: operationplans.csv and demands.csv.

Belongs here: the two files. Whether what they say holds is for the workload's own checker to judge.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

from recon_platform.bench.peer_netting import Netted, Workload
from recon_platform.capacity.problem import Array, Problem


def write(
    load: Workload, netted: Netted, problem: Problem, steps: pl.DataFrame, tick: float, placement: Array, out: Path,
    names: list[str],
) -> tuple[float, float]:  # fmt: skip
    """Write the two files; returns share on time and total days late."""
    out.mkdir(parents=True, exist_ok=True)
    now = pl.lit(load.now).cast(pl.Datetime("us"))

    def moment(ticks: Array) -> pl.Series:
        return pl.Series(ticks.astype(np.int64) * int(tick * 1e6))

    def text(column: str) -> pl.Expr:
        return (now + pl.col(column).cast(pl.Duration("us"))).dt.to_string("%Y-%m-%dT%H:%M:%S%.f").alias(column)

    first = problem.order["first"]
    count = len(netted.item)
    reference = pl.format("MO{}", pl.col("mo"))
    step_rows = steps.with_columns(
        moment(placement["start"]).alias("start"), moment(placement["end"]).alias("end")
    ).select(
        pl.format("MO{}-{}", "mo", "operation").alias("reference"), pl.lit("STEP").alias("type"), pl.lit("proposed").alias("status"),
        "operation", "item", pl.col("qty").cast(pl.Float64), text("start"), text("end"), reference.alias("owner"), "workcenter",
    )  # fmt: skip
    mo = pl.DataFrame(
        {
            "mo": np.arange(count), "item": [names[int(i)] for i in netted.item], "qty": netted.qty.astype(float),
            "start": moment(placement["start"][first[:-1]]), "end": moment(placement["end"][first[1:] - 1]),
        }
    )  # fmt: skip
    blank = pl.lit(None, pl.String)
    mo_rows = mo.select(
        reference.alias("reference"), pl.lit("MO").alias("type"), pl.lit("proposed").alias("status"), blank.alias("operation"),
        "item", "qty", text("start"), text("end"), blank.alias("owner"), blank.alias("workcenter"),
    )  # fmt: skip
    confirmed = load.tables["purchase_orders"].select(
        pl.col("po").alias("reference"), pl.lit("PO").alias("type"), pl.lit("confirmed").alias("status"), blank.alias("operation"), "item",
        pl.col("qty").cast(pl.Float64), pl.lit(load.now.isoformat()).alias("start"), pl.col("receipt").alias("end"), blank.alias("owner"),
        blank.alias("workcenter"),
    )  # fmt: skip
    bought = pl.DataFrame(
        netted.purchases, schema={"item": pl.String, "qty": pl.Float64, "seconds": pl.Int64}, orient="row"
    ).with_row_index("nr")
    lead = load.tables["suppliers"].select("item", "leadtime_days")
    new_rows = bought.join(lead, on="item", how="left", maintain_order="left").with_columns(
        (pl.col("seconds") * 1_000_000).alias("end")
    ).with_columns((pl.col("end") - pl.col("leadtime_days").cast(pl.Int64) * 86_400_000_000).alias("start")).select(
        pl.format("NEW{}", "nr").alias("reference"), pl.lit("PO").alias("type"), pl.lit("proposed").alias("status"), blank.alias("operation"),
        "item", "qty", text("start"), text("end"), blank.alias("owner"), blank.alias("workcenter"),
    )  # fmt: skip
    orders = load.tables["sales_orders"].with_columns(pl.col("due").str.to_datetime().alias("due_at"))
    there = np.zeros(orders.height, np.int64)
    serves = netted.demand >= 0
    np.maximum.at(
        there, netted.demand[serves], placement["end"][first[1:] - 1][serves].astype(np.int64) * int(tick * 1e6)
    )
    demands = orders.with_columns((now + pl.Series(there).cast(pl.Duration("us"))).alias("there")).with_columns(
        pl.max_horizontal("there", "due_at").alias("delivered")
    ).with_columns(((pl.col("delivered") - pl.col("due_at")).dt.total_seconds() / 86400).alias("late_days"))  # fmt: skip
    delivered = pl.col("delivered").dt.to_string("%Y-%m-%dT%H:%M:%S%.f")
    demands.select(
        "order", "due", delivered.alias("delivered"), pl.col("qty").alias("planned_qty"), "qty", "late_days"
    ).write_csv(out / "demands.csv")
    shipped = demands.select(
        pl.format("DLVR-{}", "order").alias("reference"), pl.lit("DLVR").alias("type"), pl.lit("proposed").alias("status"), blank.alias("operation"),
        "item", pl.col("qty").cast(pl.Float64), delivered.alias("start"), delivered.alias("end"), blank.alias("owner"), blank.alias("workcenter"),
    )  # fmt: skip
    pl.concat([mo_rows, step_rows, confirmed, new_rows, shipped]).write_csv(out / "operationplans.csv")
    days = demands["late_days"].to_numpy()
    return float((days <= 1e-9).mean()), float(days.sum())
