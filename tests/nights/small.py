"""A night in miniature: three stages over real tables, so that what a run does can be tested without planning."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from recon_platform.connectors import Landing
from recon_platform.planning import Stage
from recon_platform.tables.context import PlanContext, Plant
from recon_platform.tables.model import Frames
from recon_platform.tables.policy import Policy
from recon_platform.tables.registry import conformed_table, table

AS_OF = datetime(2026, 1, 5, 4, 0, tzinfo=UTC)


def landing(rows: int = 3, *, as_of: datetime = AS_OF, plant: str = "P1", digest: str | None = None) -> Landing:
    """A landing with `items` as text, one unknown column, and `uom` left empty."""
    items = pl.DataFrame(
        {
            "item": [f"I{i:04d}" for i in range(rows)],
            "make_buy": ["make"] * rows,
            "uom": [None] * rows,
            "lead_time_days": [str(i % 7) for i in range(rows)],
            "lot_rule": ["lot_for_lot"] * rows,
            "colour (new)": [f"c{i}" for i in range(rows)],
            "_source": ["erp"] * rows,
            "_file": ["items.csv"] * rows,
            "_row": list(range(1, rows + 1)),
            "_extracted_at": [None] * rows,
            "_problem": [None] * rows,
        },
        schema_overrides=dict.fromkeys(("uom", "_extracted_at", "_problem"), pl.String),
    )
    return Landing(
        frames={"items": items}, plant=Plant(plant), policy=Policy(), as_of=as_of, digest=digest or f"landing-{rows}"
    )


def _items(frames: Frames, context: PlanContext) -> dict[str, pl.DataFrame]:
    raw = frames["raw.items"]
    made = raw.select(
        "item", "make_buy", pl.lit("EA").alias("uom"), pl.col("lead_time_days").cast(pl.Int64), "lot_rule",
        pl.col("_file").alias("source_file"), pl.col("_row").alias("source_row"),
    )  # fmt: skip
    return {"items": conformed_table("items").frame(made)}


def _planned(frames: Frames, context: PlanContext) -> dict[str, pl.DataFrame]:
    previous = frames.get("previous.unscheduled")
    seen = 0 if previous is None else previous.height
    rows = frames["items"].select(
        pl.col("item").alias("work_order"),
        pl.format("{} before, sequence {}", pl.lit(seen), pl.lit(context.sequence)).alias("reason"),
    )
    return {"unscheduled": table("unscheduled").frame(rows.reverse())}


def _counts(frames: Frames, context: PlanContext) -> dict[str, pl.DataFrame]:
    count = frames["unscheduled"].height
    return {
        "row_counts": table("row_counts").frame(
            [{"table": "items", "rows_in": count, "rows_out": count, "rows_quarantined": 0}]
        )
    }


STAGES: tuple[Stage, ...] = (
    Stage("conform", "a", "Items.", reads=("raw.items",), writes=("items",), run=_items),
    Stage(
        "schedule", "b", "Orders.",
        reads=("items", "previous.unscheduled", "decisions_in_force"), writes=("unscheduled",), run=_planned,
    ),
    Stage("metrics", "c", "Counts.", reads=("unscheduled",), writes=("row_counts",), run=_counts),
)  # fmt: skip


def folder_digest(folder: Path) -> list[str]:
    """Names of all files below `folder`, sorted."""
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
