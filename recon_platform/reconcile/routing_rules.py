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
    parts = [
        _not_in_routing(operations, live),
        _other_routing(operations, live),
        _not_conforming(frames, operations, live),
    ]
    return pl.concat(parts, how="diagonal")


def _not_in_routing(operations: pl.DataFrame, live: pl.DataFrame) -> pl.DataFrame:
    other = (pl.col("mes_code") != pl.col("operation_code")).fill_null(True)
    coded = operations.filter(pl.col("mes_code").is_not_null() & other).join(live, on="order_no")
    routed = operations.filter("in_erp").join(coded.select("order_no").unique(), on="order_no", how="semi")
    codes = routed.group_by("order_no", maintain_order=True).agg(
        codes=pl.col("operation_code").drop_nulls().unique(maintain_order=True)
    )
    odd = (
        coded.join(codes, on="order_no")
        .filter(~pl.col("codes").list.contains(pl.col("mes_code")))
        .with_columns(uses=pl.len().over("mes_code"))
        .sort("order_no", "op_seq")
    )
    pairs = odd.select("mes_code", "codes").unique(maintain_order=True)
    by_name = pl.Series(
        "by_name", [nearest_code(code, known) for code, known in pairs.iter_rows()], dtype=pl.String
    )  # per distinct pair of code and routing, not per row
    odd = odd.join(pairs.with_columns(by_name), on=["mes_code", "codes"], how="left", maintain_order="left")
    return _listed(odd.with_columns(nearest=pl.coalesce("operation_code", "by_name")), "RT-02", "operation", "code")


def _other_routing(operations: pl.DataFrame, live: pl.DataFrame) -> pl.DataFrame:
    told = operations.filter(pl.col("mes_routing").is_not_null()).unique("order_no", keep="first", maintain_order=True)
    odd = (
        told.join(live, on="order_no")
        .filter(pl.col("mes_routing") != pl.col("erp_routing").fill_null("main"))
        .sort("order_no")
    )
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


def _not_conforming(frames: Frames, operations: pl.DataFrame, live: pl.DataFrame) -> pl.DataFrame:
    known = frames["operation_codes"].get_column("operation_code").unique().sort()
    strange = pl.Series(dtype=pl.String)
    if not known.is_empty():
        used = pl.concat([operations.get_column("operation_code").unique(), operations.get_column("mes_code").unique()])
        strange = used.drop_nulls().unique().sort()
        strange = strange.filter(~strange.is_in(known.implode()))
    ours, theirs = pl.col("operation_code").is_in(strange.implode()), pl.col("mes_code").is_in(strange.implode())
    odd = (
        operations.filter((ours & pl.col("in_erp")).fill_null(False) | theirs.fill_null(False))
        .join(live, on="order_no")
        .with_columns(code=pl.when(ours & pl.col("in_erp")).then("operation_code").otherwise("mes_code"))
        .with_columns(uses=pl.len().over("code"))
        .sort("order_no", "op_seq")
    )
    names = known.to_list()
    nearest = pl.DataFrame(
        {"code": strange, "nearest": pl.Series([nearest_code(code, names) for code in strange], dtype=pl.String)}
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
