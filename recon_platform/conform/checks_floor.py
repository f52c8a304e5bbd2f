"""Checks of what the floor and the stores report: twice at once, in the wrong place, by the wrong factor.

Belongs here: contradictions inside the reported data that need no rule on orders (those are `reconcile`).
"""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from recon_platform.conform.fill import MAIN_ROUTING
from recon_platform.conform.findings import found
from recon_platform.conform.units import PHYSICAL
from recon_platform.tables.policy import SpinePolicy

MIDNIGHT_SHARE = 0.05
MIDNIGHT_ROWS = 20


def floor_findings(
    made: Mapping[str, pl.DataFrame], spine: SpinePolicy, factors: pl.DataFrame, timezone: str
) -> list[pl.DataFrame]:
    """Findings on conformed reports."""
    return [
        _overlapping_runs(made, spine),
        _wrong_machine(made),
        _entered_later(made["operation_status"], timezone),
        *_off_by_a_factor(made, factors, spine),
        _repeated_postings(made),
    ]


def _overlapping_runs(made: Mapping[str, pl.DataFrame], spine: SpinePolicy) -> pl.DataFrame:
    """Runs on one machine that begin before the run before them ended: never add up their durations.

    Batch resources (ovens, baths) work on several orders at once and are left out.
    """
    batches = made["routings"].filter(pl.col("batch_max").is_not_null() | pl.col("batch_minutes").is_not_null())
    many = made["machines"].join(batches, on="work_center", how="semi").select("machine")
    cycle_times = made["cycle_times"].join(many, on="machine", how="anti")
    minutes = pl.col("run_min") + pl.col("setup_min").fill_null(0.0)
    runs = (
        cycle_times.with_columns(
            (pl.col("at") - pl.duration(seconds=(minutes * 60).round(0).cast(pl.Int64))).alias("from")
        )
        .sort("machine", "from", "at", "order", "op_seq")
        .with_columns(pl.col("at").shift(1).over("machine").alias("before"))
    )
    over = runs.filter((pl.col("before") - pl.col("from")).dt.total_seconds() >= spine.overlap_minutes * 60)
    summary = (
        over.group_by("machine")
        .agg(
            pl.len().alias("runs"),
            ((pl.col("before") - pl.col("from")).dt.total_seconds().sum() / 60).round(1).alias("minutes"),
            pl.col("from").min().alias("first"),
        )
        .sort("machine")
    )
    return found(
        summary,
        "machine_overlap",
        entity=pl.col("machine"),
        field="at",
        mes_value=pl.col("runs"),
        correction="busy time is the union of its runs, never their sum",
        evidence=pl.struct("machine", "runs", "minutes", "first"),
    )


def wrong_machine_rows(made: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """Rows of `operation_status` and `cycle_times` reported on a machine of another, unrelated work center.

    Columns: table, order, op_seq, machine, machine_center, work_center, source_row.
    """
    centers = made["work_centers"].select("work_center", pl.col("sibling_group").alias("group"))
    machines = made["machines"].select("machine", pl.col("work_center").alias("machine_center"))
    planned = _planned_centers(made)
    columns = ["order", "op_seq", "machine", "source_row"]
    reports = pl.concat(
        [made[name].filter(pl.col("machine").is_not_null()).select(pl.lit(name).alias("table"), *columns)
         for name in ("operation_status", "cycle_times")]
    )  # fmt: skip
    joined = (
        reports.join(planned, on=["order", "op_seq"])
        .join(machines, on="machine")
        .join(centers, on="work_center")
        .join(centers, left_on="machine_center", right_on="work_center", suffix="_machine")
    )
    same_group = (pl.col("group") == pl.col("group_machine")).fill_null(value=False)
    joined = joined.with_columns(((pl.col("work_center") == pl.col("machine_center")) | same_group).alias("related"))
    known = ["table", "order", "op_seq", "machine", "source_row"]
    stray = joined.filter(~pl.col("related").any().over(known)).drop("group", "group_machine", "related")
    return stray.sort("table", *columns, "work_center").unique(known, keep="first", maintain_order=True)


def _planned_centers(made: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """Where each operation may run: as its order says, else as any version of its routing."""
    own = made["work_order_operations"].select(pl.col("work_order").alias("order"), "op_seq", "work_center")
    bare = made["work_orders"].join(own.select("order").unique(), left_on="work_order", right_on="order", how="anti")
    bare = bare.select(pl.col("work_order").alias("order"), "item", pl.col("routing").fill_null(MAIN_ROUTING))
    steps = made["routings"].select("item", "routing", "op_seq", "work_center").unique()
    return pl.concat([own, bare.join(steps, on=["item", "routing"]).select("order", "op_seq", "work_center")])


def _wrong_machine(made: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    summary = wrong_machine_rows(made).group_by("order", "op_seq", "machine", "machine_center", "work_center").agg(
        pl.len().alias("reports"), pl.col("source_row").min().alias("first_row")
    ).sort("order", "op_seq", "machine")  # fmt: skip
    return found(
        summary,
        "machine_elsewhere",
        entity=pl.format("{}/{}", "order", "op_seq"),
        field=pl.format("machine {}", "machine"),
        erp_value=pl.col("work_center"),
        mes_value=pl.col("machine"),
        correction="correct the machine code, or the operation's work center",
        evidence=pl.struct("order", "op_seq", "machine", "machine_center", "work_center", "reports", "first_row"),
    )


def _entered_later(status: pl.DataFrame, timezone: str) -> pl.DataFrame:
    """Starts at exactly midnight, far more often than chance: entered afterwards, not to be learned from."""
    started = status.filter(pl.col("started_at").is_not_null())
    midnight = pl.col("started_at").dt.convert_time_zone(timezone).dt.time() == pl.time(0, 0)
    summary = started.select(
        pl.lit("operation_status").alias("table"), pl.len().alias("rows"), midnight.sum().alias("at_midnight")
    ).filter((pl.col("at_midnight") >= MIDNIGHT_ROWS) & (pl.col("at_midnight") > MIDNIGHT_SHARE * pl.col("rows")))
    return found(
        summary, "time_default", entity=pl.col("table"), field="started_at", mes_value=pl.col("at_midnight"),
        correction="left out when times are learned", evidence=pl.struct("table", "rows", "at_midnight"),
    )  # fmt: skip


def _off_by_a_factor(made: Mapping[str, pl.DataFrame], factors: pl.DataFrame, spine: SpinePolicy) -> list[pl.DataFrame]:
    """Quantities that miss what they should be by a factor between two units of their item."""
    pairs = [
        ("purchase_orders", pl.concat_str(["purchase_order", "line"], separator="/"), "received_qty", "qty"),
        ("inventory_transactions", pl.col("transaction"), "qty", "book_qty"),
    ]
    findings = []
    for table, entity, reported, expected in pairs:
        frame = made[table]
        if table == "inventory_transactions":
            frame = frame.filter(pl.col("kind") == "count")
        frame = frame.filter((pl.col(reported) > 0) & (pl.col(expected) > 0)).with_columns(
            entity.alias("_entity"), (pl.col(reported) / pl.col(expected)).alias("_ratio")
        )
        frame = frame.filter((pl.col("_ratio") > 5) | (pl.col("_ratio") < 0.2))
        if frame.is_empty():
            continue
        known = pl.concat(
            [factors.select("item", "factor"), frame.select("item").unique().join(_counts(), how="cross")]
        ).unique()
        near = (pl.col("_ratio") / pl.col("factor") - 1).abs() <= spine.unit_factor_tolerance_share
        hits = (
            frame.join(known, on="item").filter(near).sort("_entity", "factor")
            .unique("_entity", keep="first", maintain_order=True)
        )  # fmt: skip
        findings.append(
            found(
                hits, "quantity_factor", entity=pl.format("{}/{}", pl.lit(table), "_entity"), field=reported,
                erp_value=pl.col(expected), mes_value=pl.col(reported),
                correction=pl.format("entered in another unit? factor {}", pl.col("factor").round(6)),
                evidence=pl.struct("item", reported, expected, "factor", "source_row"),
            )
        )  # fmt: skip
    return findings


def _counts() -> pl.DataFrame:
    """Factors between count units, which fit every item: dozen, hundred, gross, thousand …"""
    sizes = sorted({float(size) for dimension, size in PHYSICAL.values() if dimension == "count" and size > 2})
    return pl.DataFrame({"factor": [*sizes, *(1 / size for size in sizes)]})


def _repeated_postings(made: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """Equal rows in tables whose rows add up: probably two postings, possibly one sent twice."""
    parts = []
    for table in ("receipts", "shipments", "material_issues", "allocations"):
        frame = made[table].drop("source_file", "source_row")
        if frame.height < 2:
            continue
        repeated = frame.filter(frame.is_duplicated())
        if not repeated.is_empty():
            distinct = repeated.unique().height
            parts.append(
                {"table": table, "rows": repeated.height, "distinct": distinct, "more": repeated.height - distinct}
            )
    summary = pl.DataFrame(parts, schema={"table": pl.String, "rows": pl.Int64, "distinct": pl.Int64, "more": pl.Int64})
    return found(
        summary,
        "posting_repeated",
        entity=pl.col("table"),
        field="*",
        erp_value=pl.col("more"),
        evidence=pl.struct("table", "rows", "distinct", "more"),
    )
