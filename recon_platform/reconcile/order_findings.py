"""Findings of the order rules: what each side says, the correction in words, the evidence.

Belongs here: how a fired rule is told. Whether its correction may leave the platform is decided in `limits`.
"""

from __future__ import annotations

import polars as pl

from recon_platform.reconcile.catalogue import rule
from recon_platform.reconcile.order_rules import NOT_A_FINDING, PREDICATES
from recon_platform.reconcile.text import instant, json, number

_STATUS = pl.col("erp_status")
_MES_STATE = (
    pl.when(~pl.col("has_mes")).then(pl.lit("unknown"))
    .when(pl.col("on_hold")).then(pl.lit("hold"))
    .when(pl.col("finished") & (pl.col("mes_wip") <= 0)).then(pl.lit("complete"))
    .when(pl.col("running")).then(pl.lit("running"))
    .otherwise(pl.lit("waiting"))
)  # fmt: skip
_GOOD_GAP = (pl.col("mes_good") - pl.col("erp_good")).abs()
_SCRAP_GAP = (pl.col("mes_scrap") - pl.col("erp_scrap")).abs()
_LEFT = (pl.col("qty") - pl.col("erp_good") - pl.col("erp_scrap")).clip(lower_bound=0.0)
_EXPECTED = (pl.col("coming_good_plain").clip(upper_bound=pl.col("qty")) - pl.col("mes_good")).clip(lower_bound=0.0)

Telling = tuple[str | None, pl.Expr, pl.Expr, pl.Expr, pl.Expr]
"""Field, ERP value, MES value, correction, quantity at stake."""


def _text(words: str, *parts: pl.Expr) -> pl.Expr:
    return pl.format(words, *parts) if parts else pl.lit(words)


TELLING: dict[str, Telling] = {
    "UM-01": ("completed_qty", number("erp_good"), number("mes_good"),
              _text("one side counts in another unit, factor {}", number("unit_factor")),
              pl.min_horizontal(_GOOD_GAP, pl.col("qty"))),
    "QT-07": ("operations", number("erp_good"), number("mes_good"),
              _text("believe {} good until counted", number("credible_good")),
              pl.col("mes_good") - pl.col("credible_good")),
    "ST-01": ("status", _STATUS, _MES_STATE, _text("close"), _LEFT * 0.0),
    "ST-02": ("status", _STATUS, _MES_STATE,
              _text("receive {}, then close", number(pl.col("mes_good") - pl.col("erp_good"))), _GOOD_GAP),
    "ST-03": ("status", _STATUS, _MES_STATE,
              _text("close short by {}", number(pl.col("qty") - pl.col("mes_good") - pl.col("mes_scrap"))),
              pl.col("qty") - pl.col("mes_good") - pl.col("mes_scrap")),
    "ST-04": ("status", _STATUS, _text("{} in process", number("mes_wip")), _text("reopen or clear work in process"),
              pl.col("mes_wip")),
    "ST-05": ("status", _STATUS, _MES_STATE, _text("stop work"), pl.col("mes_wip") + pl.col("mes_good")),
    "ST-06": ("status", _STATUS, _MES_STATE, _text("release afterwards or stop"),
              pl.col("mes_wip") + pl.col("mes_good")),
    "ST-06b": ("status", _STATUS, _MES_STATE, _text("release afterwards, then receive by hand"), pl.col("mes_good")),
    "ST-07": ("status", _STATUS, _text("no report"), _text("find out whether it was dispatched"), pl.col("qty")),
    "ST-08": ("due_date", pl.col("due_date").cast(pl.String),
              _text("no report for {} h", number(pl.col("quiet_hours").round(1))),
              _text("supply date not believed"), pl.col("mes_wip")),
    "ST-09": ("status", _STATUS, _MES_STATE, _text("supply not confirmed"), _LEFT),
    "ST-10": ("status", _STATUS, _MES_STATE, _text("cancel"), _LEFT),
    "QT-01": ("completed_qty", number("erp_good"), number("mes_good"),
              _text("receive {}", number(pl.col("mes_good") - pl.col("erp_good"))), _GOOD_GAP),
    "QT-02": ("completed_qty", number("erp_good"), number("mes_good"), _text("count the stock"), _GOOD_GAP),
    "QT-03": ("scrapped_qty", number("erp_scrap"), number("mes_scrap"),
              _text("post {} scrap", number(pl.col("mes_scrap") - pl.col("erp_scrap"))), _SCRAP_GAP),
    "QT-04": ("scrapped_qty", number("erp_scrap"), number("mes_scrap"), _text("look for a missing reversal"),
              _SCRAP_GAP),
    "QT-05": ("remaining_qty", number(_LEFT), number("mes_wip"), _text("expect {}", number(_EXPECTED)), _LEFT * 0.0),
    "QT-06": ("completed_qty", number("qty"), number("mes_good"), _text("accept the surplus or find the double report"),
              pl.col("mes_good") - pl.col("qty")),
    "QT-13": ("operations", number("erp_good"), number("mes_good"),
              _text("look for {}", number("max_unaccounted")), pl.col("max_unaccounted")),
    "QT-08": ("rework_qty", _text("none"), number("mes_rework"), _text("expect after rework"), pl.col("mes_rework")),
    "RT-01": ("routing", pl.coalesce("routing", pl.lit("none")), _MES_STATE, _text("give the item a routing"), _LEFT),
}  # fmt: skip


CAUSE: dict[str, pl.Expr] = {
    "UM-01": pl.format("unit/{}", number("unit_factor")),
    "RT-01": pl.format("routing/{}", "item"),
    "ST-02": pl.format("receive/{}", "last_center"),
    "ST-06": pl.format("release/{}", "first_center"),
    "ST-07": pl.format("dispatch/{}", "first_center"),
    "ST-10": pl.lit("forgotten/orders"),
    "QT-01": pl.when(pl.col("fired.ST-02")).then(pl.format("receive/{}", "last_center")),
    "QT-02": pl.format("count/{}", "last_center"),
}
"""What may explain many findings of a rule at once; see `groups`."""


def order_findings(orders: pl.DataFrame, operations: pl.DataFrame) -> pl.DataFrame:
    """One row per order and fired rule (columns of `findings` before limits, with `order_no`)."""
    listed = [name for name in PREDICATES if name not in NOT_A_FINDING]
    fired = orders.filter(pl.any_horizontal(pl.col(f"fired.{name}") for name in listed))
    evidence = _evidence(fired, operations)
    fired = fired.join(evidence, on="order_no", how="left", maintain_order="left")
    parts = []
    for name in listed:
        field, erp, mes, correction, quantity = TELLING[name]
        definition = rule(name)
        parts.append(
            fired.filter(pl.col(f"fired.{name}")).select(
                "order_no",
                pl.lit(name).alias("rule"),
                pl.lit(definition.mode).alias("mode"),
                pl.lit("work_order").alias("entity_type"),
                pl.col("work_order").alias("entity"),
                pl.lit(field).alias("field"),
                erp.cast(pl.String).alias("erp_value"),
                mes.cast(pl.String).alias("mes_value"),
                correction.alias("correction"),
                (quantity.fill_null(0.0).clip(lower_bound=0.0) * pl.col("cost").fill_null(0.0)).alias("value_at_stake"),
                "evidence",
                "work_order",
                "item",
                "orders_behind",
                CAUSE.get(name, pl.lit(None, dtype=pl.String)).alias("cause"),
            )
        )
    return pl.concat(parts)


def _evidence(fired: pl.DataFrame, operations: pl.DataFrame) -> pl.DataFrame:
    table = (
        operations.join(fired.select("order_no", "qty"), on="order_no", how="inner", maintain_order="left")
        .select(
            "order_no",
            pl.struct(
                "op_seq", code=pl.coalesce("mes_code", "operation_code"), machine=pl.coalesce("mes_machine", "machine"),
                status="mes_status", good="good", scrap="scrap", rework="rework", in_process="wip",
                beyond_order=(pl.col("good") - pl.col("qty")).clip(lower_bound=0.0),
                started=instant("started_at"), ended=instant("ended_at"), reported=instant("reported_at"),
            ).alias("row"),
        )
        .group_by("order_no", maintain_order=True).agg(pl.col("row").alias("operation_table"))
    )  # fmt: skip
    return fired.join(table, on="order_no", how="left", maintain_order="left").select(
        "order_no",
        json(
            erp=pl.struct(status="erp_status", qty="qty", good="erp_good", scrap="erp_scrap",
                          start=pl.col("start_date").cast(pl.String), due=pl.col("due_date").cast(pl.String)),
            mes=pl.struct(state=_MES_STATE, good="mes_good", scrap="mes_scrap", rework="mes_rework",
                          in_process="mes_wip", last_report=instant("last_report")),
            tolerance="tau",
            sales_order="sales_order",
            operations="operation_table",
        ).alias("evidence"),
    )  # fmt: skip
