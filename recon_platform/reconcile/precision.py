"""How often each rule is right, told by people; a rule that acts alone loses that right when it is wrong too often.

What people said is read from the decisions in force (a lock on a finding: wrong; an approved finding: right), each
counted in the night it was taken; the sums are carried from night to night in `rule_precision`. A rule stays without
its automatic mode until a switch `rule:<id>` turns it on again, which also starts its count anew.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime

import polars as pl

from recon_platform.reconcile.catalogue import BY_ID, FIX, RULES
from recon_platform.reconcile.said import APPROVAL, LOCK, said
from recon_platform.tables.context import PlanContext
from recon_platform.tables.model import Frames
from recon_platform.tables.reconciled import FINDING_SAMPLE, RULE_PRECISION

AGENT = "agent:reconciler"
EVER = datetime(1970, 1, 1, tzinfo=UTC)


def rule_precision(frames: Frames, context: PlanContext) -> pl.DataFrame:
    """Table `rule_precision` as of tonight: that of the run before (`previous.rule_precision`) and new decisions."""
    before = frames.get("previous.rule_precision")
    known = {row["rule"]: row for row in before.iter_rows(named=True)} if before is not None else {}
    since = max((row["as_of"] for row in known.values()), default=EVER)
    verdicts = _verdicts(frames, since, context.as_of)
    switches = _switches(frames)
    policy = context.policy.reconciliation
    rows = []
    for rule in RULES:
        old = known.get(rule.id, {"right": 0, "wrong": 0, "automatic": True, "rule_version": rule.version})
        right, wrong, automatic = old["right"], old["wrong"], old["automatic"]
        if old["rule_version"] != rule.version:  # another rule than the one people judged
            right, wrong = 0, 0
        on, at = switches.get(f"rule:{rule.id}", (None, EVER))
        if on and at > since:
            right, wrong, automatic = 0, 0, True
        new = verdicts.get(rule.id, (0, 0))
        right, wrong = right + new[0], wrong + new[1]
        judged = right + wrong
        share = right / judged if judged else None
        if judged >= policy.precision_reviews and share is not None and share < policy.precision_threshold:
            automatic = False
        switched_off = on is False or switches.get(AGENT, (True, EVER))[0] is False
        rows.append(
            {
                "rule": rule.id, "rule_version": rule.version, "right": right, "wrong": wrong, "precision": share,
                "threshold": policy.precision_threshold, "automatic": automatic,
                "switched_off": switched_off, "as_of": context.as_of,
            }
        )  # fmt: skip
    return RULE_PRECISION.frame(rows).sort("rule")


def off(precision: pl.DataFrame) -> frozenset[str]:
    """Rules that may not act alone tonight."""
    return frozenset(precision.filter(~pl.col("automatic") | pl.col("switched_off")).get_column("rule"))


def _verdicts(frames: Frames, since: datetime, until: datetime) -> dict[str, tuple[int, int]]:
    counted = (
        said(frames)
        .filter((pl.col("valid_from") > since) & (pl.col("valid_from") <= until))
        .with_columns(rule=pl.col("finding").str.split(":").list.first())
        .filter(pl.col("rule").is_in(list(BY_ID)))
        .group_by("rule")
        .agg(right=(pl.col("kind") == APPROVAL).sum(), wrong=(pl.col("kind") == LOCK).sum())
    )
    return {row["rule"]: (row["right"], row["wrong"]) for row in counted.iter_rows(named=True)}


def _switches(frames: Frames) -> dict[str, tuple[bool, datetime]]:
    """Subject → on or off, and since when; the latest switch of a subject counts."""
    decisions = frames.get("decisions_in_force")
    if decisions is None:
        return {}
    switches = {}
    for row in decisions.filter(pl.col("kind") == "switch").sort("valid_from", "decision").iter_rows(named=True):
        value = json.loads(row["value"])
        on = value.get("on", value.get("state") not in ("off", False)) if isinstance(value, dict) else bool(value)
        switches[row["subject"]] = (bool(on), row["valid_from"])
    return switches


def sample(findings: pl.DataFrame, context: PlanContext) -> pl.DataFrame:
    """Table `finding_sample`: of each rule's corrections that went out alone tonight, some for a person to judge.

    Chosen by a hash seeded with plant, date and sequence: nobody can foresee it, a replay repeats it.
    """
    seed = f"{context.plant.code}|{context.planning_date.isoformat()}|{context.sequence}|"
    alone = findings.filter((pl.col("mode") == FIX) & pl.col("applied"))
    draw = pl.concat_str(pl.lit(seed), pl.col("finding")).hash(seed=0)
    drawn = (
        alone.with_columns(draw=draw)
        .sort("rule", "draw", "finding")
        .filter(pl.int_range(pl.len()).over("rule") < context.policy.reconciliation.sample_per_rule)
    )
    return FINDING_SAMPLE.frame(
        drawn.select("finding", "rule", "rule_version", "work_order", "item", "correction", "evidence")
    ).sort("finding")
