"""What the ERP is told: one change per correction, acting alone only where the finding's fix was applied."""

from __future__ import annotations

import polars as pl

from recon_platform.reconcile.catalogue import BY_ID, FIX
from recon_platform.reconcile.text import number
from recon_platform.tables.reconciled import ORDER_CHANGES

CLOSES = ("ST-01", "ST-02", "ST-03")
VERSION = {name: definition.version for name, definition in BY_ID.items()}


def order_changes(findings: pl.DataFrame) -> pl.DataFrame:
    """Table `order_changes` from settled findings: locked ones are left out, the others wait or act by their mode."""
    live = findings.filter(~pl.col("locked") & pl.col("work_order").is_not_null())
    name = pl.col("rule")
    to_component = pl.format("{}", number(pl.col("mes_value").cast(pl.Float64, strict=False)))
    shapes = [
        (name.is_in(CLOSES), "close", pl.lit("status"), pl.col("erp_value"), pl.lit("closed")),
        (name == "ST-10", "cancel", pl.lit("status"), pl.col("erp_value"), pl.lit("cancelled")),
        (name.is_in(["QT-01", "QT-02"]), "quantity", pl.lit("completed_qty"), pl.col("erp_value"), pl.col("mes_value")),
        (name == "QT-03", "quantity", pl.lit("scrapped_qty"), pl.col("erp_value"), pl.col("mes_value")),
        (name.is_in(["BF-02", "BF-03", "BF-04", "BF-08", "BF-10"]), "component", pl.col("item"), pl.col("erp_value"),
         to_component),
    ]  # fmt: skip
    parts = [
        live.filter(applies).select(
            "work_order",
            change=pl.lit(change),
            field=field,
            **{"from": before, "to": after},
            reason=pl.format("{}: {}", "rule", "correction"),
            approved_by=pl.when("accepted")
            .then("accepted_by")
            .when((pl.col("mode") == FIX) & pl.col("applied"))
            .then(pl.format("rule {} version {}", "rule", name.replace_strict(VERSION, return_dtype=pl.String))),
            idempotency_key=pl.format("{}|{}|{}|{}>{}", "work_order", pl.lit(change), field, before, after),
            finding="finding",
        )
        for applies, change, field, before, after in shapes
    ]
    changes = pl.concat(parts).unique("idempotency_key", keep="first", maintain_order=True)
    return ORDER_CHANGES.frame(changes).sort("idempotency_key")
