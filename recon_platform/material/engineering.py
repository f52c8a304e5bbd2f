"""Engineering changes: when the old part is used up, one date for all changes of a product, what each choice costs.

Belongs here: dates of a change and what planning with them would bring. Nothing here changes a plan.
"""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl

from recon_platform.material.plan import plan_material
from recon_platform.material.what_if import MADE, Effects, what_if
from recon_platform.tables.context import PlanContext
from recon_platform.tables.model import Frames

CHOICE_SCHEMA = {
    "choice": pl.String, "date": pl.Date, "new_messages": pl.Int64, "infeasible": pl.Int64, "cleared": pl.Int64,
    "left_over_qty": pl.Float64, "left_over_value": pl.Float64, "planned_value": pl.Float64,
}  # fmt: skip


def use_up_dates(frames: Frames) -> pl.DataFrame:
    """`item`, `use_up_date`: the first day on which what is there and on order of an item no longer covers its needs; the
    earliest day to phase in its successor without scrapping. Null: what there is lasts for the whole horizon."""
    return (
        frames["requirements"]
        .group_by("item")
        .agg(pl.col("date").filter(pl.col("net") > 1e-9).min().alias("use_up_date"))
        .sort("item")
    )


def block_change(frames: Frames, parent: str) -> date | None:
    """One effectivity date for all engineering changes of a product: the latest use-up date among the components that
    change; None where nothing changes or something never runs out."""
    lines = frames["bom_lines"].filter(pl.col("parent_item") == parent)
    changes = lines.get_column("change_no").drop_nulls().unique()
    if frames.get("engineering_changes") is None or changes.is_empty():
        return None
    return _latest(_old_parts(lines, changes), use_up_dates(frames))


def _latest(items: pl.DataFrame, dates: pl.DataFrame) -> date | None:
    """The latest of the items' use-up dates; None where there is no item or one that lasts for the whole horizon."""
    found = items.join(dates, on="item", how="left").get_column("use_up_date")
    if found.is_empty() or found.null_count():
        return None
    latest = found.max()
    return latest if isinstance(latest, date) else None


def phase_in(frames: Frames, change_no: str, context: PlanContext) -> pl.DataFrame:
    """What each date of engineering change `change_no` would bring: as entered, when its own old parts are used up, and
    when those of all changes of the same products are (block change).

    Per choice the messages it brings (new, changed or turned round), how many of them cannot be carried out in time,
    those it clears, what is left over of the old parts, and the change of planned orders in value. A part that is never
    used up has no date and no figures. Use-up dates are those of a plan without the change. Raises ValueError where the
    change has no BOM line, or none that is still to come.
    """
    lines = frames["bom_lines"]
    day = pl.lit(context.planning_date)
    ahead = lines.filter(
        pl.coalesce(pl.col("valid_from") > day, pl.col("valid_to") >= day) & pl.col("change_no").is_not_null()
    )
    mine = ahead.filter(pl.col("change_no") == change_no)
    if mine.is_empty():
        raise ValueError(
            f"bom_lines.change_no: expected lines of engineering change {change_no} that begin or end after"
            f" {context.planning_date}, found none"
        )
    parents = mine.get_column("parent_item").unique().implode()
    alone = pl.Series([change_no])
    related = ahead.filter(pl.col("parent_item").is_in(parents)).get_column("change_no").unique().sort()
    old, all_old = _old_parts(lines, alone), _old_parts(lines, related)
    present = {name: frame for name, frame in frames.items() if not name.startswith("previous.")}
    if any(name not in present for name in MADE):
        present.update(plan_material(frames, context))
    choices = {
        "as entered": (_entered(frames, mine, change_no), alone, old),
        "use up": (_latest(old, use_up_dates(_without(present, alone, context))), alone, old),
        "block": (_latest(all_old, use_up_dates(_without(present, related, context))), related, all_old),
    }
    rows = []
    for choice, (on, changes, parts) in choices.items():
        row: dict[str, object] = {"choice": choice, "date": on}
        if on is not None:
            moved = lines if choice == "as entered" else _on(lines, changes, on)
            row |= _figures(what_if(present, {**present, "bom_lines": moved}, context), parts, frames)
        rows.append(row)
    return pl.DataFrame(rows, schema=CHOICE_SCHEMA)


def _begins(lines: pl.DataFrame, changes: pl.Series) -> pl.Series:
    """Per line: did one of the changes bring it?"""
    brought = pl.col("change_no").is_in(changes.implode()) & pl.col("valid_from").is_not_null()
    return lines.select(brought.fill_null(False)).to_series()


def _ends(lines: pl.DataFrame, changes: pl.Series) -> pl.Series:
    """Per line: does one of the changes end it? It names the change, or ends on the eve of a line that the change brings
    to the same parent."""
    eve = lines.filter(_begins(lines, changes)).select(
        "parent_item", (pl.col("valid_from") - timedelta(days=1)).alias("valid_to"), pl.lit(True).alias("_eve")
    )
    named = (
        pl.col("change_no").is_in(changes.implode()) & pl.col("valid_from").is_null() & pl.col("valid_to").is_not_null()
    )
    return (
        lines.join(eve.unique(), on=["parent_item", "valid_to"], how="left", maintain_order="left")
        .select(named.fill_null(False) | pl.col("_eve").fill_null(False))
        .to_series()
    )


def _old_parts(lines: pl.DataFrame, changes: pl.Series) -> pl.DataFrame:
    """`item`: components that the changes take out."""
    return lines.filter(_ends(lines, changes)).select(pl.col("component_item").alias("item")).unique()


def _entered(frames: Frames, mine: pl.DataFrame, change_no: str) -> date | None:
    """The date the change has now: its own, else that of its first new line."""
    changes = frames.get("engineering_changes")
    known = None if changes is None else changes.filter(pl.col("change_no") == change_no)
    if known is not None and known.height:
        return known.item(0, "effective_date")
    first = mine.get_column("valid_from").min()
    return first if isinstance(first, date) else None


def _on(lines: pl.DataFrame, changes: pl.Series, on: date) -> pl.DataFrame:
    """`lines` with the changes taking effect on a day: old lines end the day before, new ones begin on it."""
    ends, begins = _ends(lines, changes), _begins(lines, changes)
    return lines.with_columns(
        pl.when(ends).then(pl.lit(on - timedelta(days=1))).otherwise(pl.col("valid_to")).alias("valid_to"),
        pl.when(begins).then(pl.lit(on)).otherwise(pl.col("valid_from")).alias("valid_from"),
    )


def _without(present: Frames, changes: pl.Series, context: PlanContext) -> dict[str, pl.DataFrame]:
    """The plan had these changes never been entered: old lines do not end, new ones are not there."""
    lines = present["bom_lines"]
    kept = lines.with_columns(
        pl.when(_ends(lines, changes)).then(None).otherwise(pl.col("valid_to")).alias("valid_to")
    ).filter(~_begins(lines, changes))
    inputs = {name: frame for name, frame in present.items() if name not in MADE}
    return plan_material({**inputs, "bom_lines": kept}, context)


def _figures(effects: Effects, old: pl.DataFrame, frames: Frames) -> dict[str, object]:
    cleared = pl.col("lifecycle") == "CLEARED"
    counted = effects.messages.select(
        pl.col("messages").filter(~cleared).sum().alias("new"), pl.col("messages").filter(cleared).sum().alias("gone")
    ).row(0)
    surplus = (
        effects.tables["pegging"]
        .filter(pl.col("demand_type") == "surplus")
        .join(old, on="item", how="semi")
        .join(frames["items"].select("item", pl.col("cost").fill_null(0.0)), on="item", how="left")
    )
    return {
        "new_messages": counted[0], "infeasible": effects.infeasible, "cleared": counted[1],
        "left_over_qty": surplus.get_column("qty").sum(),
        "left_over_value": float((surplus.get_column("qty") * surplus.get_column("cost")).sum() or 0.0),
        "planned_value": effects.money,
    }  # fmt: skip
