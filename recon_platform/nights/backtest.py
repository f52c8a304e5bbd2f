"""Backtest: the same past nights under the policy of then and under a candidate, side by side. Writes nothing."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import polars as pl

from recon_platform.lake import Lake
from recon_platform.metrics.bias import tardiness_by_revenue
from recon_platform.nights.night import read_input
from recon_platform.nights.policies import changed, differences
from recon_platform.nights.records import Manifest
from recon_platform.planning import run_stages
from recon_platform.proposal.stages import NIGHT_STAGES
from recon_platform.tables.context import PlanContext
from recon_platform.tables.policy import Policy

COMPARED_METRICS = ("schedule_stability", "exceptions_auto", "exceptions_review", "backlog_health")


def backtest(
    lake: Lake, nights: Sequence[Manifest], changes: Mapping[str, Any], say: Callable[[str], None] | None = None
) -> pl.DataFrame:
    """Columns night, measure, unit, old, new: one row per night and measure, in order of the nights.

    Old is what the night itself wrote; new is the night planned again from the same inputs under the changed policy.
    """
    rows: list[dict[str, Any]] = []
    for manifest in nights:
        if say is not None:
            say(manifest.run_id)
        context = manifest.pins.context
        candidate = dataclasses.replace(context, policy=changed(context.policy, changes))
        read = {name for stage in NIGHT_STAGES for name in stage.reads} & set(manifest.pins.inputs)
        inputs = {name: read_input(lake, name, manifest.pins.inputs[name]) for name in sorted(read)}
        old = {name: manifest.read(lake, name) for name in manifest.outputs}
        new = run_stages(NIGHT_STAGES, inputs, candidate)
        before, after = measures(old, context), measures(new, candidate)
        rows.extend(
            {"night": manifest.run_id, "measure": name, "unit": unit, "old": value, "new": after[name][0]}
            for name, (value, unit) in before.items()
        )
    schema = {"night": pl.String, "measure": pl.String, "unit": pl.String, "old": pl.Float64, "new": pl.Float64}
    return pl.DataFrame(rows, schema=schema)


def candidate(
    lake: Lake, policy: Policy, changes: Mapping[str, Any], nights: Sequence[Manifest],
    say: Callable[[str], None] | None = None,
) -> dict[str, Any]:  # fmt: skip
    """What a request to change `policy` shows: `policy` (the changes), `from_digest`, `to_digest`, `differences`, `backtest`.

    Raises ValueError for a setting that is not there or a value that does not fit it.
    """
    new = changed(policy, changes)
    return {
        "policy": changes, "from_digest": policy.digest, "to_digest": new.digest, "differences": differences(policy, new),
        "backtest": backtest(lake, nights, changes, say).to_dicts(),
    }  # fmt: skip


def measures(frames: Mapping[str, pl.DataFrame], context: PlanContext) -> dict[str, tuple[float | None, str]]:
    """What a change of policy is judged by: messages, exceptions, OTIF forecast, stability, bias."""
    messages = frames["action_messages"]
    found: dict[str, tuple[float | None, str]] = {
        "messages": (float(messages.height), "messages"),
        "messages_shown": (
            float(messages.filter(pl.col("visibility").str.to_lowercase() == "shown").height), "messages",
        ),
        "findings": (float(frames["findings"].height), "findings"),
        "exceptions": (float(frames["exception_moves"].height), "moves"),
        "shortages": (float(frames["shortages"].height), "shortages"),
        "unscheduled": (float(frames["unscheduled"].height), "orders"),
    }  # fmt: skip
    impact = frames["expected_impact"].select("measure", "proposed", "unit").iter_rows()
    found.update({f"expected.{name}": (value, unit) for name, value, unit in impact})
    plant = frames["metrics"].filter(pl.col("scope") == "plant", pl.col("metric").is_in(COMPARED_METRICS))
    known = {name: (value, unit) for name, value, unit in plant.select("metric", "value", "unit").iter_rows()}
    found.update({name: known.get(name, (None, "")) for name in COMPARED_METRICS})
    for row in tardiness_by_revenue(frames["order_promises"], frames["customers"]).iter_rows(named=True):
        found[f"late_days.{row['customer_class']}.{row['revenue']}"] = (row["mean_late_days"], "days")
    return found
