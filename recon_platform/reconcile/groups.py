"""Findings that one cause explains, put together so that one decision settles them, with the one fix proposed.

Kinds of cause: a shared record (a bill line, a unit factor, an operation code, an item's routing), a place (one machine
with far more mistakes than its share, a line whose receipts or releases were not posted, one count round), and a shared
reason to wait (corrections that only wait to be signed).
"""

from __future__ import annotations

import polars as pl

from recon_platform.tables.context import PlanContext

SIGNED_TOGETHER = ("G0-FRESH", "G1-BREAKER", "lot-controlled", "period closed", "period unknown", "automatic mode off")
RECEIVED_TOGETHER = ("share of order", "lot-controlled", "share of order, lot-controlled")
"""A finished, balanced order held for these reasons alone needs no look of its own before it is received."""
COUNTED = ("QT-01", "QT-02", "QT-03", "QT-04", "QT-07", "QT-13")
BILL_RULES = ("BF-02", "BF-03", "BF-04", "BF-05", "BF-09")
SHARED_RECORDS = ("bill", "unit", "routing", "code", "other_routing", "component", "backflush")
SMALLEST_GROUP = 3
SMALLEST_COUNTER_GROUP = 5
COUNTER_LIFT = 3.0  # times the plant's share of mistakes per order

PROPOSAL = {
    "unit": "correct the unit of the posting interface for all of them",
    "routing": "give the item a routing",
    "code": "confirm the code as an alias, or correct it at its source",
    "other_routing": "make the routing the floor follows the valid one",
    "bill": "correct the bill of the item, not the orders",
    "backflush": "reverse what the backflush posted a second time",
    "component": "look at the postings of the component as a whole",
    "dispatch": "look at the interface to the work center",
    "release": "release what the work center started, or stop it",
    "receive": "receive and close the finished orders of the work center together: the floor's counts balance",
    "count": "count these items in one round; each order is corrected by what is counted",
    "forgotten": "cancel the orders nobody works on or waits for",
    "counter": "check the counter of the machine",
    "sign": "sign the corrections together",
}


def with_groups(findings: pl.DataFrame, orders: pl.DataFrame) -> pl.DataFrame:
    """`findings` with `group` (null: a case of its own), from their `cause` and what holds them back.

    `orders` are the observed ones: they say which machine reported last, and so how many orders each machine reported.
    """
    open_ = findings.filter(pl.col("state") == "open")
    alone = pl.col("cause").str.starts_with("receive/") & ~pl.col("held_by").is_in(RECEIVED_TOGETHER).fill_null(True)
    cause = (
        pl.when(pl.col("rule").is_in(BILL_RULES) & pl.col("wrong_bill").fill_null(False))
        .then(pl.format("bill/{}", "bill_line"))
        .when(alone.fill_null(False)).then(None)
        .otherwise(pl.col("cause"))
    )  # fmt: skip
    wrong = findings.filter(pl.col("rule") == "BF-11").select(bill_line="entity", wrong_bill=pl.lit(True))
    rows = open_.join(wrong, on="bill_line", how="left", maintain_order="left").with_columns(cause=cause)
    rows = rows.with_columns(
        cause=pl.when(pl.col("rule") == "BF-11").then(pl.format("bill/{}", "entity")).otherwise("cause")
    )
    rows = rows.join(_counters(rows, orders), on="finding", how="left", maintain_order="left")
    signed = pl.when(pl.col("held_by").is_in(SIGNED_TOGETHER) | pl.col("held_by").str.starts_with("rollout ")).then(
        pl.format("sign/{}/{}", "rule", "held_by")
    )
    named = rows.select(
        "finding",
        group=pl.coalesce(pl.when(pl.col("rule").is_in(COUNTED)).then("counter"), "cause", signed),
    )
    shared = named.filter(pl.col("group").is_not_null() & (pl.len().over("group") >= _smallest()))
    return findings.drop("group", strict=False).join(shared, on="finding", how="left", maintain_order="left")


def _smallest() -> pl.Expr:
    """Two findings on one record have one cause; a place or a signature needs more of them to be worth a decision."""
    kind = pl.col("group").str.split("/").list.first()
    return pl.when(kind.is_in(SHARED_RECORDS)).then(2).otherwise(SMALLEST_GROUP)


def _counters(rows: pl.DataFrame, orders: pl.DataFrame) -> pl.DataFrame:
    """`counter/<rule>/<machine>` for findings on a machine with far more of its rule than its share of orders."""
    by_order = orders.select("order_no", machine="last_machine").drop_nulls()
    reported = by_order.group_by("machine").agg(reported=pl.len())
    plant = by_order.height
    counted = rows.filter(pl.col("rule").is_in(COUNTED) & pl.col("order_no").is_not_null()).join(
        by_order, on="order_no"
    )
    per = counted.group_by("rule", "machine").agg(mistakes=pl.len()).join(reported, on="machine")
    usual = counted.group_by("rule").agg(all_mistakes=pl.len())
    suspects = per.join(usual, on="rule").filter(
        (pl.col("mistakes") >= SMALLEST_COUNTER_GROUP)
        & (pl.col("mistakes") / pl.col("reported") > COUNTER_LIFT * pl.col("all_mistakes") / plant)
    )
    return counted.join(suspects.select("rule", "machine"), on=["rule", "machine"], how="semi").select(
        "finding", counter=pl.format("counter/{}/{}", "rule", "machine")
    )


def finding_groups(ranked: pl.DataFrame) -> pl.DataFrame:
    """Columns of table `finding_groups`: one row per group, with its single fix."""
    kind = pl.col("group").str.split("/").list.first()
    return (
        ranked.filter(pl.col("group").is_not_null())
        .group_by("group")
        .agg(
            rules=pl.col("rule").unique().sort().str.join(","),
            findings=pl.len(),
            orders=pl.col("work_order").n_unique(),
            value_at_stake=pl.col("value_at_stake").sum(),
            orders_behind=pl.col("orders_behind").sum(),
            examples=pl.col("finding").sort_by("rank", "finding", nulls_last=True).head(3).str.join(", "),
            rank=pl.col("rank").min(),
        )
        .with_columns(proposal=kind.replace_strict(PROPOSAL, return_dtype=pl.String))
        .sort("group")
    )


def to_decide(findings: pl.DataFrame) -> int:
    """How many things a person has to decide: groups, else orders, else single findings, of what is ranked."""
    ranked = findings.filter(pl.col("rank").is_not_null())
    return ranked.select(pl.coalesce("group", "work_order", "finding").n_unique()).item()


def material(context: PlanContext) -> pl.Expr:
    """Whether a finding deserves a place on the list: grave, or somebody waits, or enough value is at stake."""
    return (
        pl.col("severity").is_in(["critical", "high"])
        | (pl.col("orders_behind") > 0)
        | (pl.col("value_at_stake") >= context.policy.reconciliation.attention_value)
        | pl.col("rule").is_in(["BF-11", "RT-02", "RT-03", "RT-04", "ST-07"])  # no value of their own
    )
