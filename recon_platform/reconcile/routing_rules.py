"""Findings on routings and operation codes: codes outside the order's routing, other routings, unknown codes.

The nearest known code is proposed by its spelling; a planner confirms it as an alias, nothing is renamed here.
"""

from __future__ import annotations

import polars as pl
from rapidfuzz import fuzz, process

from recon_platform.reconcile.catalogue import rule
from recon_platform.reconcile.text import json
from recon_platform.tables.model import Frames

LIVE = ("planned", "firm", "released", "in_process")
SIMILAR_ENOUGH = 50.0


def routing_findings(frames: Frames, orders: pl.DataFrame, operations: pl.DataFrame) -> pl.DataFrame:
    """Findings of RT-02, RT-03 and RT-04."""
    live = orders.filter(pl.col("erp_status").is_in(LIVE)).select(
        "order_no", "work_order", "item", pl.col("routing").alias("erp_routing"), "orders_behind"
    )
    used = operations.join(live, on="order_no", how="inner")
    return pl.concat([_not_in_routing(used), _other_routing(used), _not_conforming(frames, used)], how="diagonal")


def _not_in_routing(used: pl.DataFrame) -> pl.DataFrame:
    coded = used.filter(
        pl.col("mes_code").is_not_null() & (pl.col("mes_code") != pl.col("operation_code")).fill_null(True)
    )
    codes = used.filter(pl.col("in_erp")).select("order_no", mes_code="operation_code").unique()
    routed = used.filter(pl.col("in_erp")).select("order_no").unique()
    odd = coded.join(codes, on=["order_no", "mes_code"], how="anti").join(routed, on="order_no", how="semi")
    if odd.is_empty():
        return _listed(
            odd.with_columns(nearest=pl.lit(None, dtype=pl.String), uses=pl.lit(0)), "RT-02", "operation", "code"
        )
    routing_codes = (
        used.filter(pl.col("in_erp")).group_by("order_no", maintain_order=True)
        .agg(pl.col("operation_code").drop_nulls().unique(maintain_order=True).alias("codes"))
    )  # fmt: skip
    odd = odd.join(routing_codes, on="order_no", how="left", maintain_order="left").with_columns(
        uses=pl.len().over("mes_code")
    )
    same_place = pl.col("operation_code")
    pairs = odd.select("mes_code", "codes").unique(maintain_order=True).with_columns(
        pl.struct("mes_code", "codes").map_elements(
            lambda pair: nearest_code(pair["mes_code"], pair["codes"] or []), return_dtype=pl.String
        ).alias("by_name")
    )  # fmt: skip
    odd = odd.join(pairs, on=["mes_code", "codes"], how="left", maintain_order="left")
    return _listed(odd.with_columns(nearest=pl.coalesce(same_place, "by_name")), "RT-02", "operation", "code")


def _other_routing(used: pl.DataFrame) -> pl.DataFrame:
    odd = used.filter(
        pl.col("mes_routing").is_not_null() & (pl.col("mes_routing") != pl.col("erp_routing").fill_null("main"))
    ).unique("order_no", keep="first", maintain_order=True)
    definition = rule("RT-03")
    return odd.select(
        "order_no",
        pl.lit("RT-03").alias("rule"),
        pl.lit(definition.mode).alias("mode"),
        pl.lit("work_order").alias("entity_type"),
        pl.col("work_order").alias("entity"),
        pl.lit("routing").alias("field"),
        pl.col("erp_routing").fill_null("main").alias("erp_value"),
        pl.col("mes_routing").alias("mes_value"),
        pl.format("follow routing {}", "mes_routing").alias("correction"),
        pl.lit(0.0).alias("value_at_stake"),
        json(erp="erp_routing", mes="mes_routing", operation="op_seq").alias("evidence"),
        "work_order", "item", "orders_behind",
        pl.format("other_routing/{}/{}", "item", "mes_routing").alias("cause"),
    )  # fmt: skip


def _not_conforming(frames: Frames, used: pl.DataFrame) -> pl.DataFrame:
    known = frames["operation_codes"].get_column("operation_code").unique().sort()
    if known.is_empty():
        return _listed(
            used.head(0).with_columns(nearest=pl.lit(None, dtype=pl.String), uses=pl.lit(0)),
            "RT-04",
            "operation",
            "code",
        )
    kept = ("order_no", "op_seq", "work_order", "item", "orders_behind", "work_center", "operation_code", "mes_code")
    codes = pl.concat(
        [
            used.filter(pl.col("in_erp")).select(*kept, code="operation_code"),
            used.select(*kept, code="mes_code"),
        ]
    )  # fmt: skip
    odd = codes.filter(pl.col("code").is_not_null() & ~pl.col("code").is_in(known.implode()))
    odd = odd.unique(["order_no", "op_seq"], keep="first", maintain_order=True).with_columns(uses=pl.len().over("code"))
    names = known.to_list()
    nearest = (
        odd.select("code")
        .unique(maintain_order=True)
        .with_columns(
            nearest=pl.col("code").map_elements(lambda code: nearest_code(code, names), return_dtype=pl.String)
        )
    )
    return _listed(odd.join(nearest, on="code", how="left", maintain_order="left"), "RT-04", "operation", "code")


def nearest_code(code: str, known: list[str]) -> str | None:
    """The spelling in `known` nearest to `code`, ties by order; None when nothing is similar."""
    found = process.extractOne(code, known, scorer=fuzz.WRatio, score_cutoff=SIMILAR_ENOUGH)
    return None if found is None else str(found[0])


def _listed(odd: pl.DataFrame, name: str, entity_type: str, field: str) -> pl.DataFrame:
    written = pl.col("code") if "code" in odd.columns else pl.col("mes_code")
    return odd.select(
        "order_no",
        pl.lit(name).alias("rule"),
        pl.lit(rule(name).mode).alias("mode"),
        pl.lit(entity_type).alias("entity_type"),
        pl.format("{}/{}", "work_order", "op_seq").alias("entity"),
        pl.lit(field).alias("field"),
        pl.col("operation_code").alias("erp_value"),
        pl.col("mes_code").alias("mes_value"),
        pl.format("take {} for {}", written, pl.col("nearest").fill_null("?")).alias("correction"),
        pl.lit(0.0).alias("value_at_stake"),
        json(code=written, work_center="work_center", nearest="nearest", uses="uses").alias("evidence"),
        "work_order", "item", "orders_behind",
        pl.format("code/{}", written).alias("cause"),
    )  # fmt: skip
