"""Checks of master data over more than one row: structures that loop, calendars, validities, what a make item lacks.

Belongs here: what is wrong with the plant's description of itself. What the floor reports stands in `checks_floor`.
"""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from recon_platform.conform.findings import found
from recon_platform.conform.history import validity_breaks
from recon_platform.conform.sheet import Sheet
from recon_platform.conform.units import PHYSICAL, canonical

VALIDITIES: dict[str, list[str]] = {
    "bom_lines": ["parent_item", "component_item", "op_seq"],
    "routings": ["item", "routing", "op_seq"],
}


def refuse_bom_loops(sheet: Sheet) -> None:
    """Refuse every structure line that lies on a loop: an item that consumes itself has no level."""
    edges = sheet.frame.select("parent_item", "component_item").unique()
    while not edges.is_empty():
        inner = edges.join(
            edges.select(pl.col("parent_item").alias("component_item")).unique(), on="component_item", how="semi"
        ).join(edges.select(pl.col("component_item").alias("parent_item")).unique(), on="parent_item", how="semi")
        if inner.height == edges.height:
            break
        edges = inner
    if edges.is_empty():
        return
    on_loop = _closing(edges)
    columns = sheet.frame.columns
    sheet.frame = sheet.frame.join(
        on_loop.with_columns(pl.lit(value=True).alias("_loop")),
        on=["parent_item", "component_item"],
        how="left",
        maintain_order="left",
    )
    sheet.refuse(
        pl.col("_loop").fill_null(value=False),
        "component_item",
        pl.format("{} contains itself through {}", "parent_item", "component_item"),
        "critical",
        "bom_loop",
    )
    sheet.frame = sheet.frame.select(columns)


def _closing(edges: pl.DataFrame) -> pl.DataFrame:
    """Of `edges`, those from whose component the parent can be reached again."""
    reach = edges.select(pl.col("parent_item").alias("a"), pl.col("component_item").alias("b"))
    while True:
        wider = pl.concat(
            [reach, reach.join(reach, left_on="b", right_on="a").select("a", pl.col("b_right").alias("b"))]
        ).unique()
        if wider.height == reach.height:
            break
        reach = wider
    return edges.join(reach, left_on=["component_item", "parent_item"], right_on=["a", "b"], how="semi").sort(
        "parent_item", "component_item"
    )


def master_findings(made: Mapping[str, pl.DataFrame]) -> list[pl.DataFrame]:
    """Findings on conformed master data: calendars, work centers, units, validities."""
    return [*calendar_findings(made), *_resources(made), _units(made["items"])]


def calendar_findings(made: Mapping[str, pl.DataFrame]) -> list[pl.DataFrame]:
    """Shifts that overlap, and calendars that leave a work center with machines no working time."""
    shifts = made["calendars"]
    minute = pl.col("start").dt.hour().cast(pl.Int32) * 60 + pl.col("start").dt.minute()
    until = pl.col("end").dt.hour().cast(pl.Int32) * 60 + pl.col("end").dt.minute()
    week = (
        shifts.with_columns(
            ((pl.col("weekday").cast(pl.Int32) - 1) * 1440 + minute).alias("from_min"),
            ((until - minute - 1) % 1440 + 1).alias("length"),
        )
        .with_columns((pl.col("from_min") + pl.col("length")).alias("to_min"))
        .select("calendar", "weekday", "shift", "from_min", "to_min")
    )
    again = week.filter(pl.col("to_min") > 7 * 1440).with_columns(
        pl.col("from_min") - 7 * 1440, pl.col("to_min") - 7 * 1440
    )
    line = (
        pl.concat([week, again])
        .sort("calendar", "from_min", "to_min", "shift")
        .with_columns(
            pl.col("to_min").cum_max().shift(1).over("calendar").alias("before"),
            pl.col("shift").shift(1).over("calendar").alias("other"),
        )
    )
    overlap = line.filter(pl.col("from_min") < pl.col("before")).unique(
        ["calendar", "weekday", "shift"], keep="first", maintain_order=True
    )
    used = made["work_centers"].filter(~pl.col("external").fill_null(value=False)).select("calendar", "work_center")
    idle = used.join(made["working_time"].select("work_center").unique(), on="work_center", how="anti").join(
        made["machines"].select("work_center").unique(), on="work_center", how="semi"
    )  # fmt: skip
    return [
        found(
            overlap, "calendar_overlap", entity=pl.format("{}/{}/{}", "calendar", "weekday", "shift"), field="start",
            erp_value=pl.col("other"), evidence=pl.struct("calendar", "weekday", "shift", "other"),
        ),
        found(
            idle, "calendar_empty", entity=pl.col("work_center"), field="calendar", erp_value=pl.col("calendar"),
            evidence=pl.struct("work_center", "calendar"),
        ),
    ]  # fmt: skip


def _resources(made: Mapping[str, pl.DataFrame]) -> list[pl.DataFrame]:
    bare = made["work_centers"].join(made["machines"].select("work_center").unique(), on="work_center", how="anti")
    makes = made["items"].filter(pl.col("make_buy") == "make")
    unrouted = makes.join(made["routings"].select("item").unique(), on="item", how="anti").select("item")
    wanted = pl.concat(
        [made[name].select("item") for name in ("sales_orders", "master_schedule", "work_orders")]
    ).unique()
    unrouted = unrouted.join(wanted, on="item", how="semi").sort("item")
    return [
        found(
            bare,
            "work_center_empty",
            entity=pl.col("work_center"),
            field="machines",
            erp_value=pl.col("machines"),
            evidence=pl.struct("work_center", "machines"),
        ),
        found(unrouted, "item_unrouted", entity=pl.col("item"), field="routing", evidence=pl.struct("item")),
    ]


def validity_findings(table: str, frame: pl.DataFrame) -> list[pl.DataFrame]:
    """Overlaps and gaps between the validities of one key of `table`."""
    keys = VALIDITIES[table]
    breaks = validity_breaks(frame, keys)
    parts = [pl.lit(table), *(pl.col(key).cast(pl.String) for key in keys)]
    return [
        found(
            breaks.filter(pl.col("break") == gate.removeprefix("validity_")), gate,
            entity=pl.concat_str(parts, separator="/", ignore_nulls=True), field=pl.col("valid_from").cast(pl.String),
            erp_value=pl.col("before_to"), applied=gate == "validity_overlap",
            correction="the earlier one ends the day before" if gate == "validity_overlap" else None,
            evidence=pl.struct(*keys, "before_to", "valid_from"),
        )
        for gate in ("validity_overlap", "validity_gap")
    ]  # fmt: skip


def _units(items: pl.DataFrame) -> pl.DataFrame:
    code = canonical(pl.col("uom"))
    unknown = items.filter(~code.is_in(list(PHYSICAL)) & ~code.str.starts_with("X")).select("item", "uom")
    return found(
        unknown.group_by("uom").agg(pl.len().alias("items")).sort("uom"),
        "unit_unknown",
        entity=pl.format("items/{}", "uom"),
        field="uom",
        erp_value=pl.col("uom"),
        evidence=pl.struct("uom", "items"),
    )
