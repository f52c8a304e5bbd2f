"""What if: the effects of a change on material, several levels down, shown before anybody accepts it.

A changed night is planned with the present plan as its night before, so that messages come out as new, changed or
cleared with their causes, by the same code that will run when the change is accepted.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from recon_platform.material.plan import plan_material
from recon_platform.material.tooling import main_routing
from recon_platform.tables.context import PlanContext
from recon_platform.tables.model import Frames

MADE = (
    "requirements", "planned_orders", "pegging", "action_messages", "message_causes", "supply_orders", "order_links",
    "nervousness", "tool_needs", "vendor_dispatch", "plan_settings", "planned_forecast",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Effects:
    """What a change of the inputs does, at every level it reaches.

    `messages`: code, feasible, lifecycle, count and value of what the change brings or clears. `orders`: planned orders
    added, removed or resized, with their low-level code. `levels`: the same counted by level. `load_hours`: change per
    work center; `tools` and `skills`: change of hours and first day of use; `vendors`: change of orders and value per
    supplier. `money`: change of the value of planned orders in the plant's currency. `frozen`: changed planned orders
    that start inside the frozen days of the master schedule; `fenced`: new ones inside the planning fence of their item.
    `tables`: the changed plan.
    """

    messages: pl.DataFrame
    orders: pl.DataFrame
    levels: pl.DataFrame
    load_hours: pl.DataFrame
    tools: pl.DataFrame
    skills: pl.DataFrame
    vendors: pl.DataFrame
    money: float
    frozen: int
    fenced: int
    tables: dict[str, pl.DataFrame]

    @property
    def infeasible(self) -> int:
        """New or changed messages that cannot be carried out in the lead time that is left."""
        return int(self.messages.filter(pl.col("feasible").eq(False)).get_column("messages").sum())


def what_if(frames: Frames, changed: Frames, context: PlanContext) -> Effects:
    """Effects of planning `changed` (inputs with a change of master schedule, parameter, supply or stock) in place of
    `frames`, which hold the present inputs and, if planned already, the present plan."""
    present = {name: frame for name, frame in frames.items() if not name.startswith("previous.")}
    if any(name not in present for name in MADE):
        present.update(plan_material(frames, context))
    base = {f"previous.{name}": frame for name, frame in present.items()}
    inputs = {name: frame for name, frame in changed.items() if not name.startswith("previous.") and name not in MADE}
    made = plan_material({**inputs, **base}, context)
    orders = changed_orders(present["planned_orders"], made["planned_orders"], [present["pegging"], made["pegging"]])
    cost = changed["items"].select("item", pl.col("cost").fill_null(0.0).alias("_cost"))
    valued = orders.join(cost, on="item", how="left").with_columns((pl.col("change") * pl.col("_cost")).alias("value"))
    first = (pl.col("start_date") - pl.lit(context.planning_date)).dt.total_days()
    tools, skills = equipment_effects(orders, changed, context)
    return Effects(
        messages=message_effects(made["action_messages"]),
        orders=orders,
        levels=level_effects(valued),
        load_hours=load_effects(orders, changed, context),
        tools=tools,
        skills=skills,
        vendors=vendor_effects(valued, changed),
        money=float(valued.get_column("value").sum() or 0.0),
        frozen=orders.filter(first < context.policy.material.master_schedule_frozen_days).height,
        fenced=made["action_messages"]
        .filter((pl.col("code") == "FENCE_CONFLICT") & pl.col("lifecycle").is_in(["NEW", "CHANGED"]))
        .height,
        tables=made,
    )


def message_effects(messages: pl.DataFrame) -> pl.DataFrame:
    """Messages the change brings (NEW, CHANGED, FLIPPED) or clears, by code and feasibility."""
    return (
        messages.filter(pl.col("lifecycle").is_in(["NEW", "CHANGED", "FLIPPED", "CLEARED"]))
        .group_by("code", "feasible", "lifecycle")
        .agg(pl.len().cast(pl.Int64).alias("messages"), pl.col("value").sum())
        .sort("code", "feasible", "lifecycle", nulls_last=True)
    )


def changed_orders(before: pl.DataFrame, after: pl.DataFrame, pegging: list[pl.DataFrame]) -> pl.DataFrame:
    """Planned orders that come, go or change size: `level`, `order`, `item`, `start_date`, `due_date`, `was`, `is`,
    `change`, from the top level down. `pegging` of both plans tells the levels."""
    key = ["order", "item", "start_date", "due_date"]
    levels = pl.concat([rows.select("item", "level") for rows in pegging]).group_by("item").agg(pl.col("level").max())
    return (
        before.select(*key, pl.col("qty").alias("was"))
        .join(after.select(*key, pl.col("qty").alias("is")), on=key, how="full", coalesce=True)
        .with_columns(pl.col("was", "is").fill_null(0.0))
        .with_columns((pl.col("is") - pl.col("was")).alias("change"))
        .filter(pl.col("change").abs() > 1e-9)
        .join(levels, on="item", how="left")
        .select("level", *key, "was", "is", "change")
        .sort("level", *key)
    )


def level_effects(orders: pl.DataFrame) -> pl.DataFrame:
    """`level`, `items`, `added`, `removed`, `resized` (planned orders), `value` (change, plant currency)."""
    was, now = pl.col("was") > 0, pl.col("is") > 0
    return (
        orders.group_by("level")
        .agg(
            pl.col("item").n_unique().cast(pl.Int64).alias("items"),
            (now & ~was).sum().cast(pl.Int64).alias("added"),
            (was & ~now).sum().cast(pl.Int64).alias("removed"),
            (was & now).sum().cast(pl.Int64).alias("resized"),
            pl.col("value").sum(),
        )
        .sort("level")
    )


def operations_touched(orders: pl.DataFrame, frames: Frames, context: PlanContext) -> pl.DataFrame:
    """Operations of the main routing per changed order, with `setup_hours` and `run_hours` as changes; batch operations
    count one load per order. No rows where the plant has no routings."""
    loads = (pl.col("is") > 0).cast(pl.Float64) - (pl.col("was") > 0).cast(pl.Float64)
    return orders.join(main_routing(frames, context), on="item").with_columns(
        (loads * pl.col("setup_min").fill_null(0.0) / 60).alias("setup_hours"),
        (
            (
                pl.col("change") * pl.col("run_min_per_unit").fill_null(0.0)
                + loads * pl.col("batch_minutes").fill_null(0.0)
            )
            / 60
        ).alias("run_hours"),
    )


def load_effects(orders: pl.DataFrame, frames: Frames, context: PlanContext) -> pl.DataFrame:
    """`work_center`, `hours`: change of run and set-up time on main routings."""
    return (
        operations_touched(orders, frames, context)
        .group_by("work_center")
        .agg((pl.col("setup_hours") + pl.col("run_hours")).sum().alias("hours"))
        .filter(pl.col("hours").abs() > 1e-9)
        .sort("work_center")
    )


def equipment_effects(orders: pl.DataFrame, frames: Frames, context: PlanContext) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Tools (`tool`, `orders`, `hours`, `first_date`) and skills (`skill`, `hours` of people, `first_date`) whose use
    changes; `first_date` is the first start among the changed orders."""
    touched = operations_touched(orders, frames, context)
    first = pl.col("start_date").min().alias("first_date")
    tools = (
        touched.filter(pl.col("tool").is_not_null())
        .group_by("tool")
        .agg(
            pl.col("order").n_unique().cast(pl.Int64).alias("orders"),
            (pl.col("setup_hours") + pl.col("run_hours")).sum().alias("hours"),
            first,
        )
        .sort("tool")
    )
    people = pl.concat(
        [
            touched.select(
                pl.col(f"{part}_skill").alias("skill"),
                (pl.col(f"{part}_hours") * pl.col(f"{part}_people").fill_null(1.0)).alias("hours"),
                "start_date",
            )
            for part in ("setup", "run")
        ]
    )
    skills = (
        people.filter(pl.col("skill").is_not_null())
        .group_by("skill")
        .agg(pl.col("hours").sum(), first)
        .filter(pl.col("hours").abs() > 1e-9)
        .sort("skill")
    )
    return tools, skills


def vendor_effects(orders: pl.DataFrame, frames: Frames) -> pl.DataFrame:
    """`supplier`, `items`, `orders` (changed), `value` (change) of bought items; the supplier is the one that lists the
    item at the lowest price, null where none does."""
    schema = {"item": pl.String, "supplier": pl.String}
    listed = frames.get("supplier_items")
    chosen = pl.DataFrame(schema=schema)
    if listed is not None and not listed.is_empty():
        chosen = (
            listed.sort("item", "price", "supplier", nulls_last=True)
            .unique("item", keep="first", maintain_order=True)
            .select(list(schema))
        )
    bought = frames["items"].filter(pl.col("make_buy") == "buy").select("item")
    return (
        orders.join(bought, on="item", how="semi")
        .join(chosen, on="item", how="left")
        .group_by("supplier")
        .agg(
            pl.col("item").n_unique().cast(pl.Int64).alias("items"), pl.len().cast(pl.Int64).alias("orders"),
            pl.col("value").sum(),
        )
        .sort("supplier", nulls_last=True)
    )  # fmt: skip
