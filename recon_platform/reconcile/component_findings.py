"""Findings of the component rules: one per order and component that does not agree, and the trend per item."""

from __future__ import annotations

import polars as pl

from recon_platform.reconcile.catalogue import rule
from recon_platform.reconcile.order_rules import NOT_A_FINDING
from recon_platform.reconcile.text import instant, json, number

CORRECTION: dict[str, pl.Expr] = {
    "BF-02": pl.format("issue {}", number("expected")),
    "BF-03": pl.when(pl.col("with_receipt"))
    .then(pl.format("issue {} with the receipt", number(pl.col("expected") - pl.col("issued"))))
    .otherwise(pl.format("look for a substitute for {}", number(pl.col("expected") - pl.col("issued")))),
    "BF-04": pl.format("reverse {}", number(pl.col("issued") - pl.col("expected"))),
    "BF-05": pl.format("explain {} more than expected", number(pl.col("issued") - pl.col("expected"))),
    "BF-06": pl.when(pl.col("substituted_by").is_not_null())
    .then(pl.format("{} was used instead", "substituted_by"))
    .otherwise(pl.format("used instead of {}", "substitute_for")),
    "BF-07": pl.format(
        "count: {} in stock, {} to issue", number("stock"), number(pl.col("expected") - pl.col("issued"))
    ),
    "BF-08": pl.format("issue {} by lot", number(pl.col("expected") - pl.col("issued"))),
    "BF-09": pl.format("one side counts in another unit, factor {}", number("component_factor")),
    "BF-10": pl.format("finance: issue {}", number(pl.col("expected") - pl.col("issued"))),
}


CAUSE: dict[str, pl.Expr] = {
    "BF-04": pl.format("backflush/{}", number((pl.col("issued") / pl.col("expected")).round(0))),
    "BF-09": pl.format("unit/component/{}", number("component_factor")),
}
"""What may explain many verdicts at once where it is not the component; see `groups`."""


def component_findings(judged: pl.DataFrame, orders: pl.DataFrame) -> pl.DataFrame:
    """`judged` (from `component_rules.verdicts`) as findings, with `component` and the quantity `to_post`."""
    rows = judged.rename({"item": "parent"}).filter(~pl.col("verdict").is_in(NOT_A_FINDING))
    # of a substitution the bill component carries the finding, its partner is named in it
    rows = rows.filter(~((pl.col("verdict") == "BF-06") & pl.col("substitute_for").is_not_null()))
    rows = rows.join(orders.select("work_order", "orders_behind"), on="work_order", how="left")
    gap = (pl.col("expected") - pl.col("issued")).abs()
    most = pl.when(pl.col("verdict") == "BF-09").then(pl.max_horizontal("expected", "expected_full").abs())
    evidence = json(
        expected="expected", expected_at_receipts="expected_erp", issued="issued", consumed="consumed",
        units="units", per_unit="per_unit",
        operation="op_seq", stock="stock", tolerance="tau_c", lots="lots",
        consumed_lots="consumed_lots", backflushed="issue_backflushed",
        substitute="substituted_by", factor="component_factor", last_report=instant("last_report"),
    )  # fmt: skip
    parts = []
    for name, correction in CORRECTION.items():
        parts.append(
            rows.filter(pl.col("verdict") == name).select(
                "order_no",
                pl.lit(name).alias("rule"),
                pl.lit(rule(name).mode).alias("mode"),
                pl.lit("component").alias("entity_type"),
                pl.format("{}/{}", "work_order", "component").alias("entity"),
                pl.lit("issued_qty").alias("field"),
                number("issued").alias("erp_value"),
                number("expected").alias("mes_value"),
                correction.alias("correction"),
                (pl.min_horizontal(gap, most) * pl.col("component_cost").fill_null(0.0)).alias("value_at_stake"),
                evidence.alias("evidence"),
                "work_order",
                pl.col("component").alias("item"),
                "orders_behind",
                CAUSE.get(name, pl.format("component/{}/{}", "verdict", "component")).alias("cause"),
                pl.format("{}/{}", "parent", "component").alias("bill_line"),
                (pl.col("expected") - pl.col("issued")).alias("to_post"),
                "with_receipt",
                "disputed",
            )
        )
    return pl.concat(parts)


def trend_findings(judged: pl.DataFrame, consecutive: int) -> pl.DataFrame:
    """BF-11: item and component whose issues were off in one direction on the last `consecutive` orders or more."""
    keys = ["item", "component"]
    compared = judged.filter(pl.col("on_bill") & (pl.col("expected") > 0) & ~pl.col("bulk") & (pl.col("issued") > 0))
    beyond = (pl.col("issued") - pl.col("expected")).abs() > pl.col("tau_c")
    often = compared.filter(beyond).group_by(keys).len().filter(pl.col("len") >= consecutive).select(keys)
    compared = compared.join(often, on=keys, how="semi")
    off = (pl.col("issued") - pl.col("expected")) / pl.col("expected")
    signed = compared.with_columns(sign=pl.when(beyond).then(off.sign()).otherwise(0.0), off=off).sort(
        "item", "component", "last_report", "work_order", nulls_last=False
    )
    runs = signed.with_columns(run=(pl.col("sign") != pl.col("sign").shift(1)).fill_null(True).cum_sum().over(keys))
    long = (
        runs.group_by([*keys, "run", "sign"], maintain_order=True)
        .agg(
            pl.len().alias("orders"), pl.col("work_order").alias("work_orders"), pl.col("off").median().alias("off"),
            (pl.col("issued") - pl.col("expected")).abs().sum().alias("gap"), pl.first("component_cost", "per_unit"),
        )
        .filter((pl.col("sign") != 0) & (pl.col("orders") >= consecutive))
        .unique(keys, keep="last", maintain_order=True)
    )  # fmt: skip
    return long.select(
        pl.lit(None, dtype=pl.Int64).alias("order_no"),
        pl.lit("BF-11").alias("rule"),
        pl.lit(rule("BF-11").mode).alias("mode"),
        pl.lit("component").alias("entity_type"),
        pl.format("{}/{}", "item", "component").alias("entity"),
        pl.lit("qty_per").alias("field"),
        number("per_unit").alias("erp_value"),
        number(pl.col("per_unit") * (1.0 + pl.col("off"))).alias("mes_value"),
        pl.format("correct the bill to {} per unit", number(pl.col("per_unit") * (1.0 + pl.col("off")))).alias(
            "correction"
        ),
        (pl.col("gap") * pl.col("component_cost").fill_null(0.0)).alias("value_at_stake"),
        json(orders="orders", work_orders="work_orders", median_deviation="off").alias("evidence"),
        pl.lit(None, dtype=pl.String).alias("work_order"),
        "item",
        pl.lit(0, dtype=pl.Int64).alias("orders_behind"),
    )
