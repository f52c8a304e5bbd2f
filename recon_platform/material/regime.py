"""Calendar and policy as causes: what moved because the plant works other days, or plans by other settings.

Such a change reaches every item, so it is not a player in the replay: the baseline is netted once more under what held
last night, and its difference to the baseline of tonight is the cause's share. Policy is applied before the calendar
(the order of `CATEGORIES` reversed would give other shares only where both change in one night; `method` says so).
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import polars as pl

from recon_platform.material.attribution import SHARE_SCHEMA
from recon_platform.material.problem import assemble
from recon_platform.material.roll import roll
from recon_platform.material.snapshot import Snapshot
from recon_platform.material.solution import solve
from recon_platform.material.work_days import WorkDays, work_days
from recon_platform.tables.context import PlanContext
from recon_platform.tables.material import PLAN_SETTINGS
from recon_platform.tables.model import Frames

NETTING_SETTINGS = ("horizon_days", "reschedule_horizon_days", "consumption_back_days", "consumption_forward_days")
"""Settings of `[policy.material]` that move a need date by themselves; the others decide what is said and shown, and a
forecast that another `forecast_significance_share` lets in is a change of the forecast."""
NAMED_DAYS = 5


def plan_settings_table(context: PlanContext) -> pl.DataFrame:
    """Table `plan_settings`: what this night's netting was set to, for the next night to compare with."""
    policy = context.policy.material
    return PLAN_SETTINGS.frame(
        [{"setting": name, "value": json.dumps(getattr(policy, name))} for name in NETTING_SETTINGS]
    ).sort("setting")


def settings_then(before: Frames, context: PlanContext) -> dict[str, Any]:
    """Settings that were other than they are now, with the value they had."""
    rows = before.get("plan_settings")
    if rows is None:
        return {}
    was = {name: json.loads(value) for name, value in rows.select("setting", "value").iter_rows()}
    policy = context.policy.material
    return {name: was[name] for name in NETTING_SETTINGS if name in was and was[name] != getattr(policy, name)}


def changed_days(before: Frames, frames: Frames, context: PlanContext) -> tuple[list[Any], list[Any], pl.DataFrame]:
    """Days worked then but not now, days worked now but not then, and `plant_days` as last night knew them.

    Only days from the planning date to where both calendars reach are compared; beyond, and before, tonight's hold.
    """
    then, now = before["plant_days"].get_column("day"), frames["plant_days"].get_column("day")
    last = min(then.max(), now.max())  # type: ignore[type-var]
    inside = pl.col("day").is_between(context.planning_date, last)
    old = before["plant_days"].select("day").filter(inside)
    new = frames["plant_days"].select("day").filter(inside)
    gone = old.join(new, on="day", how="anti").get_column("day").sort().to_list()
    fresh = new.join(old, on="day", how="anti").get_column("day").sort().to_list()
    days = pl.concat([old, frames["plant_days"].select("day").filter(~inside)]).sort("day")
    zero = days.filter(pl.col("day") < context.planning_date).height
    return gone, fresh, days.with_columns((pl.int_range(pl.len()) - zero).alias("ordinal"))


def regime_shares(before: Frames, now: Snapshot, frames: Frames, context: PlanContext, never: int) -> pl.DataFrame:
    """Shares of CALENDAR and POLICY_VERSION in every open order's shift, in the schema of attribution shares.

    `never` is the day number that stands for “not needed” tonight. No rows where neither changed. Netting the baseline
    anew costs one run per state, and only on nights on which something of the kind changed.
    """
    settings = settings_then(before, context)
    gone, fresh, old_plant_days = changed_days(before, frames, context)
    if not settings and not gone and not fresh:
        return pl.DataFrame(schema=SHARE_SCHEMA)
    old_days = work_days(old_plant_days) if gone or fresh else now.days
    old_context = _with_settings(context, settings)
    states = [gaps(before, now, frames, old_days, old_context, never)]
    parts = []
    if settings:
        states.append(gaps(before, now, frames, old_days, context, never))
        words = ", ".join(
            f"{n} {_said(v)} to {_said(getattr(context.policy.material, n))}" for n, v in settings.items()
        )
        parts.append(_difference(states[-2], states[-1], "POLICY_VERSION", ",".join(settings), words))
    if gone or fresh:
        states.append(gaps(before, now, frames, now.days, context, never))
        parts.append(_difference(states[-2], states[-1], "CALENDAR", "plant_days", _calendar_words(gone, fresh)))
    return pl.concat(parts)


def _with_settings(context: PlanContext, settings: Mapping[str, Any]) -> PlanContext:
    material = dataclasses.replace(context.policy.material, **settings)
    return replace(context, policy=dataclasses.replace(context.policy, material=material))


def gaps(  # noqa: PLR0917 - two nights, a calendar and a policy: none of them belongs to another
    before: Frames, now: Snapshot, frames: Frames, days: WorkDays, context: PlanContext, never: int
) -> pl.DataFrame:
    """`order_type`, `order`, `item`, `need`, `due` (day numbers) of the baseline on the calendar `days` under `context`."""
    problem = assemble(roll(before, replace(now, days=days), frames, context).facts, context)
    need = pl.when(pl.col("need_day") >= problem.axis.never).then(never).otherwise(pl.col("need_day"))
    return solve(problem, context).orders.select(
        "order_type", "order", "item", need.alias("need"), pl.col("day").alias("due")
    )


def _difference(then: pl.DataFrame, now: pl.DataFrame, category: str, entity: str, words: str) -> pl.DataFrame:
    need = (pl.col("need_now") - pl.col("need")).cast(pl.Float64)
    due = (pl.col("due_now") - pl.col("due")).cast(pl.Float64)
    return (
        then.join(now.drop("item"), on=["order_type", "order"], suffix="_now")
        .with_columns(
            pl.lit(category).alias("category"), pl.lit(f"{category}:{entity}").alias("event"),
            (need - due).alias("contribution_days"), need.alias("need_days"), pl.lit("sole").alias("label"),
            pl.lit("sequential").alias("method"), pl.lit(False).alias("relieving"), pl.lit(words).alias("detail"),
        )
        .filter((pl.col("contribution_days") != 0) | (pl.col("need_days") != 0))
        .select(pl.col(name).cast(dtype) for name, dtype in SHARE_SCHEMA.items())
    )  # fmt: skip


def _said(value: object) -> str:
    return "unlimited" if value is None else f"{value}"


def _calendar_words(gone: list[Any], fresh: list[Any]) -> str:
    parts = []
    for words, days in (("no longer worked", gone), ("now worked", fresh)):
        if days:
            more = f" and {len(days) - NAMED_DAYS} more" if len(days) > NAMED_DAYS else ""
            parts.append(f"{words}: {', '.join(str(day) for day in days[:NAMED_DAYS])}{more}")
    return "; ".join(parts)
