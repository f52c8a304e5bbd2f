"""The material stage: tables of the night in, requirements, planned orders, pegging, messages and causes out."""

from __future__ import annotations

import polars as pl

from recon_platform.material.causes import cause_rows, story
from recon_platform.material.filters import absorbed_orders, late_customers, with_filters
from recon_platform.material.forecast import planned_forecast_table
from recon_platform.material.lifecycle import with_lifecycle
from recon_platform.material.made_orders import order_links_table, supply_orders_table
from recon_platform.material.nervousness import nervousness_table
from recon_platform.material.problem import assemble, structure_of
from recon_platform.material.raw import raw_messages
from recon_platform.material.regime import plan_settings_table
from recon_platform.material.snapshot import snapshot
from recon_platform.material.snoozed import with_snoozed
from recon_platform.material.solution import pegging_table, planned_orders_table, requirements_table, solve
from recon_platform.material.tooling import tool_needs_table
from recon_platform.material.vendors import vendor_dispatch
from recon_platform.tables.context import PlanContext
from recon_platform.tables.material import MESSAGE_CAUSES, VENDOR_DISPATCH
from recon_platform.tables.model import Frames
from recon_platform.tables.reuse import Reuse


def plan_material(frames: Frames, context: PlanContext) -> dict[str, pl.DataFrame]:
    """Tables `requirements`, `planned_orders`, `pegging`, `action_messages`, `message_causes`, `supply_orders`,
    `order_links`, `nervousness`, `tool_needs`, `vendor_dispatch`, `plan_settings`,
    `planned_forecast`.

    Reads the conformed tables, `reconciled_orders`, and the run before under `previous.` where there is one: without it
    there is nothing to compare with, and messages have no causes. Raises ValueError where the plant calendar has no
    working day left.
    """
    made = netted(frames, context)
    made["plan_settings"] = plan_settings_table(context)
    made["planned_forecast"] = planned_forecast_table(frames, context)
    seen = {**frames, **made}
    made["nervousness"] = nervousness_table(seen, context)
    made["tool_needs"] = tool_needs_table(seen, made["supply_orders"], context)
    made["vendor_dispatch"] = VENDOR_DISPATCH.frame(vendor_dispatch(seen, context))
    return made


def netted(frames: Frames, context: PlanContext, reuse: Reuse | None = None) -> dict[str, pl.DataFrame]:
    """The tables of `plan_material` that later stages of a plan read, and no others: those that a trial is compared by.

    `reuse`: what was read of the same tables before.
    """
    reuse = reuse or Reuse()
    facts = snapshot(frames, context, reuse=reuse)
    structure = reuse.of(structure_of, facts.catalogue.select("item"), facts.lines, facts.uses)
    solution = solve(assemble(facts, context, structure, reuse), context)
    requirements = requirements_table(solution)
    messages = raw_messages(frames, solution, requirements, context, reuse)
    causes = MESSAGE_CAUSES.empty()
    told = story(frames, facts, context)
    if told is not None:
        causes, phoney = cause_rows(messages, told.attribution, frames, solution.problem.axis.never)
        messages = messages.with_columns(
            pl.col("message").is_in(phoney.get_column("message").implode()).alias("phoney")
        )
    return {
        "requirements": requirements,
        "planned_orders": planned_orders_table(solution),
        "pegging": pegging_table(solution),
        "action_messages": with_snoozed(
            with_filters(
                with_lifecycle(messages, frames, told),
                context.policy.material,
                solution.problem.axis.today,
                absorbed_orders(solution, context.policy.material.safety_stock_absorption),
                late_customers(solution),
            ),
            frames.get("decisions_in_force"),
        ),
        "message_causes": causes,
        "supply_orders": supply_orders_table(frames, solution, context),
        "order_links": order_links_table(solution),
    }
