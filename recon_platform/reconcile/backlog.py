"""The reconciled backlog: one status and one set of quantities per work order, and the operations still to be done.

Reads which rules fired and which findings a person locked; tells nobody anything (`changes` does).
"""

from __future__ import annotations

from datetime import timedelta

import polars as pl

from recon_platform.reconcile.catalogue import POSITION
from recon_platform.reconcile.observe import ACTIVE
from recon_platform.reconcile.route import gathered, with_attributes
from recon_platform.tables.context import PlanContext
from recon_platform.tables.model import Frames
from recon_platform.tables.reconciled import RECONCILED_OPERATIONS, RECONCILED_ORDERS

OPEN = ("firm", "released", "in_process")
STAYS = ("complete", "closed", "cancelled")
NEGLIGIBLE = 1e-9
UNCONFIRMED = ("QT-07", "ST-05", "ST-08", "ST-09")


def reconciled_orders(orders: pl.DataFrame, findings: pl.DataFrame, context: PlanContext) -> pl.DataFrame:
    """Table `reconciled_orders` plus `order_no`, from judged orders and settled findings."""
    base = orders
    for said in (_rules(findings), _said(findings, "locked"), _said(findings, "accepted")):
        base = base.join(said, on="work_order", how="left", maintain_order="left")
    believed = {name: _fired(name) & ~pl.col("locked_rules").list.contains(name).fill_null(False) for name in LOCKABLE}
    over = pl.col("erp_status").is_in(STAYS)
    good = (
        pl.when(over | ~pl.col("has_mes")).then("erp_good")
        .when(believed["UM-01"]).then(_credible_side())
        .when(believed["QT-07"]).then(pl.min_horizontal("credible_good", "mes_good"))
        .when(believed["QT-01"] | _accepted("QT-02")).then("mes_good")
        .otherwise("erp_good")
    )  # fmt: skip
    posted_scrap = pl.when(~over & (believed["QT-03"] | _accepted("QT-04")))
    scrap = posted_scrap.then("mes_scrap").otherwise("erp_scrap")
    emptied = pl.col("has_mes") & pl.col("finished") & (pl.col("mes_wip") <= 0) & (pl.col("mes_rework") <= 0)
    kept_open = pl.any_horizontal(
        pl.col("locked_rules").list.contains(name).fill_null(False) for name in ("ST-01", "ST-02", "ST-03")
    )
    status = (
        pl.when(over).then("erp_status")
        .when(_accepted("ST-10")).then(pl.lit("cancelled"))
        .when(emptied & ~kept_open).then(pl.lit("complete"))
        .when(pl.col("has_mes") & pl.col("ops_started")).then(pl.lit("in_process"))
        .otherwise("erp_status")
    )  # fmt: skip
    rework_ready = context.as_of + timedelta(days=context.policy.reconciliation.rework_days)
    made = base.with_columns(status=status, good=good.clip(lower_bound=0.0), scrap=scrap.clip(0.0, pl.col("qty")))
    made = made.with_columns(
        over_qty=(pl.col("good") + pl.col("scrap") - pl.col("qty")).clip(lower_bound=0.0),
        completed_qty=pl.min_horizontal("good", pl.col("qty") - pl.col("scrap")),
    ).with_columns(remaining_qty=(pl.col("qty") - pl.col("completed_qty") - pl.col("scrap")).clip(lower_bound=0.0))
    coming = (pl.min_horizontal("coming_good", "qty") - pl.col("mes_good")).clip(lower_bound=0.0)
    by_yield = pl.col("remaining_qty") * pl.col("item_yield").fill_null(1.0)
    told = (pl.col("operations") > 0) & ~_fired("UM-01")
    expected = pl.min_horizontal(pl.when(told).then(coming).otherwise(by_yield), "remaining_qty")
    return RECONCILED_ORDERS.frame(
        made.select(
            "work_order", "item", "routing", "status", "qty", "completed_qty", scrapped_qty="scrap",
            remaining_qty="remaining_qty",
            expected_qty=pl.when(pl.col("status").is_in(STAYS)).then(0.0).otherwise(expected),
            start_date="start_date", due_date="due_date", sales_order="sales_order", line="line", lot="lot",
            campaign="campaign",
            supply_confirmed=~pl.any_horizontal(
                believed[name] if name in believed else _fired(name) for name in UNCONFIRMED
            ),
            not_before=pl.when(_fired("QT-08") & ~pl.col("status").is_in(STAYS)).then(pl.lit(rework_ready)),
            rules=pl.col("rules").fill_null(""),
            erp_status="erp_status",
            unposted_qty=pl.when(over).then(0.0).otherwise(
                (pl.col("completed_qty") - pl.col("erp_good")).clip(lower_bound=0.0)),
            over_qty="over_qty",
            rework_qty=pl.when(_fired("QT-08")).then("mes_rework").otherwise(0.0),
        )
    )  # fmt: skip


LOCKABLE = ("UM-01", "QT-07", "QT-01", "QT-03", "ST-08", "ST-09")


def _fired(name: str) -> pl.Expr:
    return pl.col(f"fired.{name}")


def _accepted(name: str) -> pl.Expr:
    return _fired(name) & pl.col("accepted_rules").list.contains(name).fill_null(False)


def _credible_side() -> pl.Expr:
    """Of two counts in different units, the larger one that the order quantity still allows."""
    ceiling = pl.col("qty") * 1.05
    larger, smaller = pl.max_horizontal("mes_good", "erp_good"), pl.min_horizontal("mes_good", "erp_good")
    return pl.when(larger <= ceiling).then(larger).otherwise(smaller)


def _rules(findings: pl.DataFrame) -> pl.DataFrame:
    position = pl.col("rule").replace_strict(POSITION, return_dtype=pl.Int64)
    return (
        findings.filter(pl.col("work_order").is_not_null()).with_columns(position=position)
        .select("work_order", "rule", "position").unique().sort("work_order", "position")
        .group_by("work_order", maintain_order=True).agg(pl.col("rule").str.join(",").alias("rules"))
    )  # fmt: skip


def _said(findings: pl.DataFrame, what: str) -> pl.DataFrame:
    """Rules of each order whose finding a person `locked` or `accepted`."""
    return (
        findings.filter(pl.col(what) & pl.col("work_order").is_not_null())
        .group_by("work_order").agg(pl.col("rule").unique().sort().alias(f"{what}_rules"))
    )  # fmt: skip


def reconciled_operations(
    frames: Frames, orders: pl.DataFrame, operations: pl.DataFrame, made: pl.DataFrame
) -> pl.DataFrame:
    """Table `reconciled_operations`: operations of orders that still need work."""
    alive = made.get_column("status").is_in(OPEN)  # `made` and `orders` stand in the order of `order_no`
    order_no = operations.get_column("order_no")
    facts = [gathered(orders, name, order_no) for name in ("work_order", "on_hold", "ops_hold")]
    place = frames["machines"].select(mes_machine="machine", machine_center="work_center")
    rows = operations.with_columns(*facts).filter(alive.gather(order_no)).with_columns(
        ended=pl.col("done") | (pl.col("remaining") <= NEGLIGIBLE)
    )  # fmt: skip
    if rows.get_column("work_center").null_count():  # reported by the MES alone: where its machine stands
        rows = rows.join(place, on="mes_machine", how="left", maintain_order="left").with_columns(
            work_center=pl.coalesce("work_center", "machine_center")
        )
        rows = rows.filter(pl.col("work_center").is_not_null())
    waits = rows.filter(pl.col("on_hold") & ~pl.col("ops_hold") & ~pl.col("ended"))  # held as a whole: the next one up
    next_held = waits.unique("order_no", keep="first", maintain_order=True).select("order_no", "op_seq", held=True)
    rows = rows.join(next_held, on=["order_no", "op_seq"], how="left", maintain_order="left")
    rows = with_attributes(rows, frames["routings"])
    held_order = pl.col("held").fill_null(False)
    status = (
        pl.when("ended").then(pl.lit("complete"))
        .when(held_order | (pl.col("mes_status") == "hold").fill_null(False)).then(pl.lit("hold"))
        .when(pl.col("mes_status").is_in(ACTIVE).fill_null(False)).then("mes_status")
        .otherwise(pl.lit("waiting"))
    )  # fmt: skip
    keep = ("setup_skill", "setup_people", "run_skill", "run_people", "max_wait_min", "setup_family", "overlap_qty",
            "yield", "batch_min", "batch_max", "batch_minutes", "tool", "external_days")  # fmt: skip
    return RECONCILED_OPERATIONS.frame(
        rows.select(
            "work_order", "op_seq", operation_code=pl.coalesce("operation_code", "mes_code"), work_center="work_center",
            machine=pl.coalesce("mes_machine", "machine"), status=status, qty="entering", good_qty="good",
            scrap_qty="scrap", in_process_qty=pl.when("ended").then("wip").otherwise("queue"),
            remaining_qty=pl.when("ended").then(0.0).otherwise("remaining"),
            setup_min=pl.col("setup_min").fill_null(0.0), run_min_per_unit=pl.col("run_min_per_unit").fill_null(0.0),
            started_at="started_at", ended_at="ended_at",
            queue_min=pl.col("queue_min").fill_null(0.0), move_min=pl.col("move_min").fill_null(0.0),
            pausable=pl.col("pausable").fill_null(True),
            **{name: pl.col(name) for name in keep},
        )
    )  # fmt: skip
