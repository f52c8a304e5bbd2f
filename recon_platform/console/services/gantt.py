"""The Gantt's data: whole numbers in columns, so that 50,000 operations travel and are drawn without a word too many."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl

from recon_platform.console.services.nights import Night
from recon_platform.console.services.schedule import operations
from recon_platform.console.words import BOUND_WORDS, writing
from recon_platform.tables.locales import DateOrder

BOUND = tuple(BOUND_WORDS)
WAITS = {
    "nothing": ("now", "running", "release"), "material": ("material", "component"), "people": ("labour",),
    "the machine": ("machine", "calendar", "tool"),
    "the operation before": ("predecessor", "batch", "continuity", "max_wait"), "a vendor": ("vendor",),
    "kept as in force": ("fence", "stability"),
}  # fmt: skip
"""What decides a start, in as many groups as colours can tell apart."""
GROUP = {bound: place for place, bounds in enumerate(WAITS.values()) for bound in bounds}


def gantt(night: Night) -> bytes:
    """JSON: operations by machine, in minutes after `epoch` (UTC): `op` holds one list per column, in step.

    `lanes` are machines grouped by line and work center; `orders`, `items`, `classes` name what `op` numbers; `late` is
    hours the order ends late, `changed` whether it starts elsewhere or at another time than in force, `waits` numbers what
    its start waits for. `links` are pairs of `orders`: what the first makes goes into the second. `shifts` and `stops`
    are working time and downtime as lane, start, end.
    """
    made: bytes = night.derived("gantt", lambda: json.dumps(_gantt(night), separators=(",", ":")).encode(), 8 << 20)
    return made


def _gantt(night: Night) -> dict[str, Any]:
    context = night.context
    rows = operations(night)
    first = rows.select(pl.min_horizontal("setup_start", "start").min()).item() or context.as_of
    epoch = min(first, context.as_of).astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    lanes = (
        rows.select("work_center", "machine").unique()
        .join(night.read("work_centers").select("work_center", "line"), on="work_center", how="left")
        .sort("line", "work_center", "machine", nulls_last=True)
        .with_row_index("lane")
    )  # fmt: skip
    changed = (
        night.read("proposal_changes").filter(pl.col("what") != "finished").select("work_order", "op_seq").unique()
    )
    table = rows.join(lanes, on=["work_center", "machine"], how="left", maintain_order="left").join(
        changed.with_columns(pl.lit(1).alias("changed")), on=["work_order", "op_seq"], how="left", maintain_order="left"
    )
    orders, items, classes = (_named(table, name) for name in ("work_order", "item", "customer_class"))
    return {
        "epoch": epoch.isoformat(), "now": _minutes(context.as_of, epoch), "zone": context.plant.timezone,
        "language": "en-GB" if writing().order is DateOrder.DAY else "en-US", "noon": writing().noon,
        "fence": _minutes(context.as_of + timedelta(hours=context.policy.capacity.frozen_hours), epoch),
        "lanes": lanes.select("line", "work_center", "machine").to_dicts(),
        "orders": list(orders), "items": list(items), "classes": list(classes), "bounds": list(BOUND_WORDS.values()),
        "op": {
            "lane": table.get_column("lane").to_list(),
            "order": _numbers(table, "work_order", orders), "item": _numbers(table, "item", items),
            "cls": _numbers(table, "customer_class", classes), "seq": table.get_column("op_seq").to_list(),
            "setup": _column(table, "setup_start", epoch), "start": _column(table, "start", epoch),
            "end": _column(table, "end", epoch),
            "late": table.get_column("late_hours").fill_null(0).round(0).cast(pl.Int64).to_list(),
            "bound": table.get_column("bound_by").replace_strict(dict(zip(BOUND, range(len(BOUND)), strict=True))).to_list(),
            "waits": table.get_column("bound_by").replace_strict(GROUP, return_dtype=pl.Int64).to_list(),
            "changed": table.get_column("changed").fill_null(0).to_list(),
            "frozen": table.get_column("frozen").cast(pl.Int64).to_list(),
        },
        "links": _links(night.read("order_links"), orders), "waits": list(WAITS),
        "shifts": _spans(night.read("working_time").filter(pl.col("kind") == "regular"), lanes, epoch),
        "stops": _spans(night.read("planned_downtime"), lanes, epoch),
    }  # fmt: skip


def _minutes(instant: datetime, epoch: datetime) -> int:
    return round((instant - epoch).total_seconds() / 60)


def _column(table: pl.DataFrame, name: str, epoch: datetime) -> list[int]:
    return table.select((pl.col(name) - epoch).dt.total_minutes()).to_series().to_list()


def _named(table: pl.DataFrame, name: str) -> dict[str, int]:
    return {value: i for i, value in enumerate(table.get_column(name).drop_nulls().unique().sort())}


def _numbers(table: pl.DataFrame, name: str, numbers: dict[str, int]) -> list[int]:
    if not numbers:
        return [-1] * table.height
    return table.get_column(name).replace_strict(numbers, default=-1, return_dtype=pl.Int64).fill_null(-1).to_list()


def _links(links: pl.DataFrame, orders: dict[str, int]) -> list[list[int]]:
    if links.is_empty() or not orders:
        return []
    pairs = links.select(
        pl.col(name).replace_strict(orders, default=None, return_dtype=pl.Int64)
        for name in ("supply_order", "demand_order")
    )
    return [list(pair) for pair in pairs.drop_nulls().unique().sort("supply_order", "demand_order").iter_rows()]


def _spans(rows: pl.DataFrame, lanes: pl.DataFrame, epoch: datetime) -> list[list[int]]:
    if rows.is_empty():
        return []
    named = rows.filter(pl.col("machine").is_not_null()).join(lanes, on="machine")
    whole = rows.filter(pl.col("machine").is_null()).join(lanes, on="work_center", suffix="_lane")
    both = pl.concat([part.select("lane", "start", "end") for part in (named, whole)])
    minutes = [(pl.col(name) - epoch).dt.total_minutes() for name in ("start", "end")]
    return [list(row) for row in both.filter(pl.col("end") > epoch).select("lane", *minutes).iter_rows()]
