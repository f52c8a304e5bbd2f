"""One night's reconciliation, in the declared order: observe, guard, judge, hold back, settle, rank, tell."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from recon_platform.reconcile.backlog import reconciled_operations, reconciled_orders
from recon_platform.reconcile.catalogue import BY_ID, FIX
from recon_platform.reconcile.changes import order_changes
from recon_platform.reconcile.component_findings import component_findings, trend_findings
from recon_platform.reconcile.component_rules import pair_substitutes, verdicts
from recon_platform.reconcile.consumption import components
from recon_platform.reconcile.facts import factor_between, with_facts
from recon_platform.reconcile.groups import finding_groups, with_groups
from recon_platform.reconcile.guards import breaker_findings, feed_findings
from recon_platform.reconcile.limits import hold_back, settle, trip, with_receipts_only
from recon_platform.reconcile.mapping import mapping_findings
from recon_platform.reconcile.observe import Observation, observe
from recon_platform.reconcile.order_findings import order_findings
from recon_platform.reconcile.order_rules import judge
from recon_platform.reconcile.precision import off, rule_precision, sample
from recon_platform.reconcile.ranking import rank
from recon_platform.reconcile.reversals import reversal_findings
from recon_platform.reconcile.routing_rules import routing_findings
from recon_platform.tables.context import PlanContext
from recon_platform.tables.model import SIGNED, Frames
from recon_platform.tables.reconciled import FINDING_GROUPS, FINDINGS

FOUND = tuple(column.name for column in FINDINGS.columns if column not in SIGNED)


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the rules said, before limits: judged orders, verdicts per component, raw findings, feeds in doubt."""

    observation: Observation
    orders: pl.DataFrame
    components: pl.DataFrame
    findings: pl.DataFrame
    guarded: bool


def judge_night(frames: Frames, context: PlanContext) -> Judgement:
    """Evaluate every rule on conformed `frames`, in the declared order; nothing is corrected yet."""
    observation = observe(frames, context)
    orders = judge(with_facts(frames, observation, context), context)
    guards = feed_findings(frames, context)
    judged = _components(frames, observation, orders, context)
    findings = pl.concat(
        [
            guards,
            mapping_findings(observation.unknown, observation.parts, orders),
            reversal_findings(observation.reversals, orders),
            order_findings(orders, observation.operations),
            component_findings(judged, orders),
            trend_findings(judged, context.policy.reconciliation.consecutive_bom_errors),
            routing_findings(frames, orders, observation.operations),
        ],
        how="diagonal_relaxed",
    )
    return Judgement(observation, orders, judged, _defined(findings), not guards.is_empty())


def reconcile(frames: Frames, context: PlanContext) -> dict[str, pl.DataFrame]:
    """Make the backlog agree with the floor.

    `frames` holds the conformed tables and, if there are any, `decisions_in_force` and of the run before
    `previous.deliveries`, `previous.pegging` and `previous.rule_precision`. Makes `findings` with `finding_groups`,
    `finding_sample` and `rule_precision`, `reconciled_orders`, `reconciled_operations` and `order_changes`.
    Raises KeyError naming a conformed table that is missing.
    """
    judged = judge_night(frames, context)
    orders, operations = judged.orders, judged.observation.operations
    precision = rule_precision(frames, context)
    held = hold_back(judged.findings, orders, frames, context, guarded=judged.guarded, off=off(precision))
    held = with_receipts_only(held)
    open_orders = orders.filter(pl.col("erp_status").is_in(["firm", "released", "in_process"])).height
    breaker = breaker_findings(held.filter(pl.col("mode") == FIX), open_orders, context)
    if not breaker.is_empty():
        breaker = _defined(breaker).with_columns(locked=pl.lit(False), accepted=pl.lit(False))
        held = pl.concat([trip(held), breaker], how="diagonal_relaxed")
    settled = settle(held)
    made = reconciled_orders(orders, settled, context)
    ranked = rank(with_groups(settled, orders), context)
    return {
        "findings": FINDINGS.frame(ranked.select(FOUND)).sort("finding"),
        "finding_groups": FINDING_GROUPS.frame(finding_groups(ranked)),
        "finding_sample": sample(settled, context),
        "rule_precision": precision,
        "reconciled_orders": made,
        "reconciled_operations": reconciled_operations(frames, orders, operations, made),
        "order_changes": order_changes(settled),
    }


def _components(frames: Frames, observation: Observation, orders: pl.DataFrame, context: PlanContext) -> pl.DataFrame:
    used = pair_substitutes(components(frames, observation, orders, context), frames)
    keys = ["work_order", "component"]
    factors = factor_between(
        used.filter((pl.col("issued") - pl.col("expected")).abs() > pl.col("tau_c")), keys, "component", "issued",
        "expected", frames, context.policy.reconciliation.unit_factor_tolerance_share,
    ).rename({"factor": "component_factor"})  # fmt: skip
    return verdicts(used.join(factors, on=keys, how="left", maintain_order="left"), frames, context)


def _defined(findings: pl.DataFrame) -> pl.DataFrame:
    """Raw findings with their identity and what the catalogue says about their rule."""
    rules = pl.DataFrame(
        {
            "rule": list(BY_ID),
            "rule_version": [definition.version for definition in BY_ID.values()],
            "severity": [definition.severity for definition in BY_ID.values()],
            "category": [definition.category for definition in BY_ID.values()],
        },
        schema_overrides={"category": pl.String},
    )
    identity = pl.concat_str("rule", "entity", "field", separator=":", ignore_nulls=True)
    named = findings.with_columns(finding=identity).unique("finding", keep="first", maintain_order=True)
    return named.join(rules, on="rule", how="left", maintain_order="left")
