"""Facts about an order that rules and limits need and that neither ERP nor MES states: unit factors, usual operation
time, customer orders behind, rollout state of its lines, accounting period.

Does not belong here: judging them (`order_rules`, `limits`).
"""

from __future__ import annotations

import polars as pl

from recon_platform.reconcile.limits import period_state
from recon_platform.reconcile.observe import Observation
from recon_platform.tables.context import PlanContext
from recon_platform.tables.model import Frames

COUNT_FACTORS = (1000.0, 100.0, 12.0)  # thousand, hundred, dozen: how pieces are written elsewhere
ROLLOUT_ORDER = {"shadow": 0, "pilot": 1, "on": 2}


def unit_factors(frames: Frames) -> pl.DataFrame:
    """Known unit factors above 1 per item (item null: every item)."""
    factor = pl.col("factor")
    table = frames["uom_conversions"].select("item", factor=pl.when(factor < 1.0).then(1.0 / factor).otherwise(factor))
    usual = pl.DataFrame({"item": [None] * len(COUNT_FACTORS), "factor": COUNT_FACTORS}, schema=table.schema)
    return pl.concat([table, usual]).filter(pl.col("factor") > 1.0).unique().sort("item", "factor", nulls_last=True)


def factor_between(  # noqa: PLR0917 - which columns of which frame are compared
    pairs: pl.DataFrame, key: list[str], item: str, one: str, other: str, frames: Frames, share: float
) -> pl.DataFrame:
    """`key` and `factor` of the rows of `pairs` whose two quantities differ by a known factor of `item`."""
    low, high = pl.min_horizontal(one, other), pl.max_horizontal(one, other)
    rows = pairs.filter(low > 0).select(*key, pl.col(item).alias("item"), (high / low).alias("ratio"))
    known = unit_factors(frames)
    everywhere = known.filter(pl.col("item").is_null()).drop("item")
    candidates = pl.concat(
        [rows.join(everywhere, how="cross"), rows.join(known.drop_nulls("item"), on="item", how="inner")],
        how="diagonal",
    )
    off = (pl.col("ratio") / pl.col("factor") - 1.0).abs()
    return (
        candidates.filter(off <= share).sort([*key, off], maintain_order=True)
        .unique(key, keep="first", maintain_order=True).select(*key, "factor")
    )  # fmt: skip


def with_facts(frames: Frames, observation: Observation, context: PlanContext) -> pl.DataFrame:
    """The observed orders with the facts above as columns."""
    policy = context.policy.reconciliation
    orders, operations = observation.orders, observation.operations
    differing = orders.filter((pl.col("mes_good") - pl.col("erp_good")).abs() > pl.col("tau"))
    factors = factor_between(
        differing, ["order_no"], "item", "mes_good", "erp_good", frames, policy.unit_factor_tolerance_share
    ).rename({"factor": "unit_factor"})
    posted_on = pl.coalesce(pl.col("last_report").dt.date(), pl.lit(context.planning_date))
    return (
        orders.join(factors, on="order_no", how="left", maintain_order="left")
        .join(_pegs(frames), on="work_order", how="left", maintain_order="left")
        .join(_usual_hours(operations), on="order_no", how="left", maintain_order="left")
        .join(_rollout(frames, operations, context), on="order_no", how="left", maintain_order="left")
        .with_columns(
            pl.max_horizontal(pl.col("wanted").cast(pl.Int64), pl.col("pegged_lines").fill_null(0)).alias(
                "orders_behind"
            ),
            (pl.col("wanted") | pl.col("pegged").fill_null(False)).alias("pegged"),
            pl.col("rollout").fill_null(context.policy.publish.default_rollout),
            period_state(posted_on, frames).alias("period"),
        )
    )


def _pegs(frames: Frames) -> pl.DataFrame:
    """Demand behind each order by the pegging of the run before: whether there is any, and how many customer lines."""
    pegging = frames.get("previous.pegging")
    if pegging is None:
        return pl.DataFrame(schema={"work_order": pl.String(), "pegged": pl.Boolean(), "pegged_lines": pl.Int64()})
    return (
        pegging.filter((pl.col("supply_type") == "work_order") & (pl.col("demand_type") != "surplus"))
        .group_by(work_order="supply")
        .agg(
            pegged=pl.lit(True),
            pegged_lines=pl.col("demand").filter(pl.col("demand_type") == "sales_order").n_unique().cast(pl.Int64),
        )
    )


def _usual_hours(operations: pl.DataFrame) -> pl.DataFrame:
    """Median planned hours, over the plant, of the operation code that holds the order's units now."""
    minutes = pl.col("setup_min").fill_null(0.0) + pl.col("run_min_per_unit").fill_null(0.0) * pl.col("entering")
    timed = operations.select(
        "order_no", "op_seq", "operation_code", "wip", hours=minutes / 60.0
    )  # fmt: skip
    usual = timed.group_by("operation_code").agg(pl.col("hours").median().alias("usual_hours"))
    busy = timed.filter(pl.col("wip") > 0).unique("order_no", keep="last", maintain_order=True)
    return busy.join(usual, on="operation_code", how="left", nulls_equal=True).select("order_no", "usual_hours")


def _rollout(frames: Frames, operations: pl.DataFrame, context: PlanContext) -> pl.DataFrame:
    """The least advanced rollout state among the lines an order runs through."""
    publish = context.policy.publish
    default = ROLLOUT_ORDER[publish.default_rollout]
    stage_by_line = {line: ROLLOUT_ORDER[state] for line, state in publish.rollout.items()}
    stages = frames["work_centers"].select(
        "work_center",
        stage=pl.col("line").replace_strict(stage_by_line, default=default, return_dtype=pl.Int64)
        if stage_by_line
        else pl.lit(default, dtype=pl.Int64),
    )
    names = {stage: name for name, stage in ROLLOUT_ORDER.items()}
    if stages.get_column("stage").n_unique() <= 1 and not stages.is_empty():
        name = names[stages.get_column("stage")[0]]
        return operations.select(pl.col("order_no").unique(maintain_order=True)).with_columns(rollout=pl.lit(name))
    return (
        operations.select("order_no", "work_center").join(stages, on="work_center", how="left")
        .group_by("order_no").agg(pl.col("stage").fill_null(default).min())
        .select("order_no", rollout=pl.col("stage").replace_strict(names, return_dtype=pl.String))
    )  # fmt: skip
