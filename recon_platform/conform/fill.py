"""What the contract lets a plant leave out and every later stage needs: machines by name, operations of each order.

Belongs here: rows made from other rows, by rules of the contract. They carry no source row.
"""

from __future__ import annotations

import polars as pl

from recon_platform.conform.keys import form
from recon_platform.conform.sheet import ID, Sheet

NEEDS_NO_WORK = ("closed", "cancelled", "complete", "planned")
MAIN_ROUTING = "main"


def fill_machines(machines: pl.DataFrame, work_centers: pl.DataFrame) -> pl.DataFrame:
    """`machines` with `<work_center>-01 …` added until each work center has its number; a vendor has one."""
    have = machines.group_by("work_center").agg(pl.len().alias("have"))
    wanted = (
        work_centers.select(
            "work_center",
            pl.when(pl.col("external").fill_null(value=False))
            .then(pl.max_horizontal("machines", 1))
            .otherwise("machines")
            .alias("want"),
        )
        .join(have, on="work_center", how="left")
        .with_columns(pl.col("have").fill_null(0))
    )
    short = wanted.filter(pl.col("want") > pl.col("have"))
    if short.is_empty():
        return machines
    names = (
        short.with_columns(pl.int_ranges(1, pl.col("want") + pl.col("have") + 1).alias("number"))
        .explode("number")
        .with_columns(pl.format("{}-{}", "work_center", pl.col("number").cast(pl.String).str.zfill(2)).alias("machine"))
        .join(machines.select("machine"), on="machine", how="anti")
        .with_columns(pl.int_range(pl.len()).over("work_center").alias("_n"))
        .filter(pl.col("_n") < pl.col("want") - pl.col("have"))
    )
    made = names.select("machine", "work_center")
    return pl.concat([machines, made], how="diagonal").sort("machine")


def explode_operations(
    operations: pl.DataFrame, orders: pl.DataFrame, routings: pl.DataFrame, *, undated_start: pl.Expr
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """`operations` with those of every order that has none and still needs work, from the routing valid on its start.

    `undated_start` is the start date of an order that gives none. Also returns the orders no routing was found for:
    work_order, item, routing, start.
    """
    bare = (
        orders.filter(~pl.col("status").is_in(list(NEEDS_NO_WORK)))
        .join(operations.select("work_order").unique(), on="work_order", how="anti")
        .select(
            "work_order",
            "item",
            pl.col("routing").fill_null(MAIN_ROUTING),
            pl.coalesce("start_date", undated_start).alias("start"),
        )
    )
    steps = routings.select(
        "item",
        "routing",
        "op_seq",
        "operation_code",
        "work_center",
        "setup_min",
        "run_min_per_unit",
        "valid_from",
        "valid_to",
    )
    made = bare.join(steps, on=["item", "routing"], how="inner").filter(
        (pl.col("valid_from").is_null() | (pl.col("valid_from") <= pl.col("start")))
        & (pl.col("valid_to").is_null() | (pl.col("valid_to") >= pl.col("start")))
    )
    latest = pl.col("valid_from").fill_null(pl.date(1, 1, 1))
    made = made.filter(latest == latest.max().over("work_order", "op_seq")).unique(
        ["work_order", "op_seq"], keep="first", maintain_order=True
    )
    missing = bare.join(made.select("work_order").unique(), on="work_order", how="anti").sort("work_order")
    rows = made.select("work_order", "op_seq", "operation_code", "work_center", "setup_min", "run_min_per_unit")
    return pl.concat([operations, rows], how="diagonal").sort("work_order", "op_seq"), missing


def refuse_broken_routings(sheet: Sheet) -> None:
    """Refuse what is left of a routing of which an operation was refused: without it the routing would skip a step."""
    lost = [part.filter(~pl.col("gate").is_in(["duplicate_row", "duplicate_key"])).select(ID) for part in sheet.refused]
    if not lost:
        return
    text = {name: pl.col(name).cast(pl.String) for name in ("item", "routing", "op_seq")}
    broken = sheet.raw.join(pl.concat(lost).unique(), on=ID, how="semi").select(
        form(text["item"]).alias("_item"), form(text["routing"]).alias("_routing"), text["op_seq"].alias("_lost")
    )
    broken = broken.group_by("_item", "_routing").agg(pl.col("_lost").sort().str.join(", "))
    columns = sheet.frame.columns
    formed = sheet.frame.with_columns(form(pl.col("item")).alias("_item"), form(pl.col("routing")).alias("_routing"))
    sheet.frame = formed.join(broken, on=["_item", "_routing"], how="left", maintain_order="left")
    sheet.refuse(
        pl.col("_lost").is_not_null(),
        "routing",
        pl.format("operation {} of this routing was refused", "_lost"),
        "high",
        "routing_broken",
    )
    sheet.frame = sheet.frame.select(columns)
