"""What each setting of a policy means, in what unit: the source of `docs/settings.md`, one entry per setting.

Belongs here: words about settings. Their types and defaults stand in `policy`; a test holds both together.
"""
# fmt: off
# One line per setting reads as the table it is.

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Mapping
from pathlib import Path

from recon_platform.tables.policy import SECTIONS

FILE = Path(__file__).resolve().parents[2] / "docs" / "settings.md"

MEANING: dict[str, dict[str, tuple[str, str]]] = {
    "spine": {
        "key_prefixes": ("source → prefixes", "Prefixes a source puts before keys, by source or source.kind (`mes.work_orders`)."),
        "proposal_score": ("of 100", "Likeness from which an unknown key is proposed to be a known one."),
        "feed_stale_hours": ("hours", "A feed extracted longer ago than this is a finding."),
        "future_minutes": ("minutes", "A report later than the as-of instant by more is from another clock."),
        "lead_time_share": ("share of the planned lead time", "Deviation of received lead times that makes the planned one stale."),
        "lead_time_receipts": ("receipts", "How many receipts say something about a lead time."),
        "standard_time_share": ("share of the standard", "Deviation of observed run times that makes a standard stale."),
        "standard_time_samples": ("samples", "How many observations say something about a standard time."),
        "unit_factor_tolerance_share": ("share", "How close a ratio must be to a unit factor to be taken for one."),
        "overlap_minutes": ("minutes", "Two runs on one machine that overlap by more are a finding."),
    },
    "reconciliation": {
        "quantity_tolerance_share": ("share of the order quantity", "Differences of quantity below it are none; at least the units below."),
        "quantity_tolerance_units": ("units", "Least difference of quantity that counts."),
        "component_tolerance_share": ("share of the expected consumption", "Differences of consumption below it are none."),
        "component_tolerance_units": ("units", "Least difference of consumption that counts."),
        "over_completion_share": ("share of the order quantity", "More good units than ordered by this share is over-reporting."),
        "unit_factor_tolerance_share": ("share", "How close two quantities must be to a unit factor to be the same in two units."),
        "quiet_hours": ("hours", "Without a report for so long an order is quiet."),
        "stalled_days": ("days", "Without progress for so long an operation is stalled."),
        "not_dispatched_days": ("days", "Past its start for so long without a report, an order was not dispatched."),
        "stale_past_due_days": ("days", "Past due for so long and untouched, an order is stale."),
        "auto_receipt_share": ("share of the order quantity", "Missing receipts up to it are corrected without a person."),
        "auto_fix_value_limit": ("plant currency per order", "Corrections worth more wait for a person."),
        "breaker_share": ("share of open orders", "More corrections of one rule stop it for the night."),
        "breaker_value": ("plant currency per night", "Corrections worth more in all stop for the night."),
        "feed_gap_minutes": ("minutes", "Feeds whose watermarks lie further apart are not of the same moment."),
        "feed_shrink_share": ("share of the usual rows", "A feed with fewer rows is a finding."),
        "consecutive_bom_errors": ("orders", "The same component off in so many orders running points at the BOM."),
        "rework_days": ("days", "Time until units in rework are back in the flow."),
        "attention_value": ("plant currency", "Below it a mild finding that nobody waits for gets no place on the list."),
        "precision_threshold": ("share", "A rule that is right less often loses its automatic mode."),
        "precision_reviews": ("judgements", "How many judgements a rule's precision needs to count."),
        "sample_per_rule": ("corrections", "Corrections per rule and night put before a person."),
    },
    "material": {
        "horizon_days": ("days", "How far netting looks."),
        "reschedule_horizon_days": ("days", "Inside it a later open order is assumed to be moved; none: everywhere."),
        "release_window_days": ("working days", "Planned orders that start within it are to be released."),
        "master_schedule_frozen_days": ("days", "Inside it the master schedule changes by the higher authority only."),
        "consumption_back_days": ("days", "How far back customer orders consume forecast."),
        "consumption_forward_days": ("days", "How far ahead customer orders consume forecast."),
        "forecast_significance_share": ("share", "A forecast revised by at most this share of what was planned with is planned with as it was; 0 takes every revision."),
        "excess_tolerance_share": ("share", "Supply beyond demand below it is no excess."),
        "safety_stock_absorption": ("share of the safety stock", "How much of it may absorb a shortage before an order is moved."),
        "dampen_expedite_days": ("days", "Expedites by fewer days are not shown; 0: off."),
        "dampen_delay_days": ("days", "Delays by fewer days are not shown; 0: off."),
        "fence_near_days": ("days", "Messages on orders due sooner are not shown; none: off."),
        "fence_far_days": ("days", "Messages on orders due later are not shown; none: off."),
        "escape_value": ("plant currency", "No filter hides a message worth more."),
        "escape_age_nights": ("nights", "No filter hides a message that has stood so long."),
        "realistic_lead_time_percentile": ("share of receipts", "Lead time of a supplier that so many of its receipts kept."),
        "buffer_level": ("share", "Share of a vendor's lines, and of orders, for which a recommended reserve (safety time, pieces started) suffices."),
    },
    "capacity": {
        "horizon_days": ("days", "How far working time is laid out and operations are scheduled."),
        "frozen_hours": ("hours", "Frozen horizon: inside it the sequence stays."),
        "frozen_hours_by_work_center": ("work center → hours", "Another frozen horizon for single work centers."),
        "major_downtime_minutes": ("minutes", "A stop that changes machine time by so much leads to a rerun."),
        "major_constraint_minutes": ("minutes", "The same at a work center that is a constraint."),
        "constraint_load_share": (
            "share of working time", "A work center with so much required load within match_up_days is a constraint.",
        ),
        "major_frozen_minutes": ("minutes", "So much frozen work in the time newly lost leads to a rerun."),
        "class_weights": ("customer class → weight", "How much a day late weighs by class of the customer."),
        "portfolio_passes": ("passes", "Dispatch passes with different parameters, of which the best is kept."),
        "improvement_moves": ("moves", "Moves tried to improve the best pass; 0: taken as it is."),
        "stability_weight": ("weight", "Pull to the start and machine in force."),
        "match_up_days": ("days", "So far ahead the sequence in force is kept, shifted where it must."),
        "pull_ahead_days": ("days", "How long before its start date an order that has not begun may start."),
        "give_way_days": (
            "days",
            "An order that cannot be on time any more is sequenced as if due so much later, so that others are on time; 0: off.",
        ),
        "assumed_repair_minutes": ("minutes", "How long a stop without an expected end is taken to last."),
        "batch_wait_minutes": ("minutes", "Longest wait for a load that reaches its minimum."),
        "seed": ("", "Seed of everything random; the same seed gives the same schedule."),
    },
    "cost": {
        "labour_hour": ("plant currency per hour", "One person in regular time."),
        "overtime_hour": ("plant currency per hour", "One person in overtime."),
        "late_day_by_class": ("customer class → plant currency per day", "One line late by one day."),
        "expedite": ("plant currency", "Expediting one order, where the supplier states no fee."),
        "premium_freight": ("plant currency", "One premium shipment."),
    },
    "publish": {
        "publish_base": ("`approve` or `auto`", "Whether a supervisor releases the base plan, or it releases itself."),
        "rollout": ("line → `shadow`, `pilot`, `on`", "State of single lines; of a line in shadow nothing is written back."),
        "default_rollout": ("`shadow`, `pilot`, `on`", "State of every other line."),
        "effect_tolerance_lines": ("lines", "How many more late lines than signed for still pass at publishing; at 0 every figure that was shown must come out."),
    },
    "proposal": {
        "max_moves": ("moves", "Exceptions tried out each night, each by planning again."),
        "max_bundles": ("moves", "Pairs of moves tried together for lines that no single move wins."),
        "max_set_trials": ("plans", "Plans spent on finding the set of moves worth taking together."),
        "rerun_moves": ("moves; plans", "The most of both in a plan made again the same day, after an event; no pairs."),
        "rerun_operations": ("operations", "A rerun tries no more moves than go into this at the size of its schedule."),
        "overtime_window_days": ("days", "How far ahead overtime is proposed."),
        "move_valid_hours": ("hours", "How long a proposed exception may be decided."),
    },
    "report": {
        "weekly_day": ("weekday in small letters, or `never`", "Day on which the weekly report goes to its readers by itself."),
        "weekly_hour": ("full hour, 0 to 23", "Hour of the plant's own clock from which it goes, once that week has a night."),
    },
}
"""Section → setting → unit and meaning."""

INTRODUCTION = """# Settings

Generated from `recon_platform/tables/policy.py` and `settings.py` by `make docs`; do not edit by hand.

The policy of a plant stands in its `plant.toml` under `[policy.SECTION]`; what is left out has its default. The policy in
force, approved changes included, is stored with every run. A change is a request that another person approves
(`recon rules`).

```toml
[policy.capacity]
frozen_hours = 36
class_weights = { A = 5.0, B = 2.0, C = 1.0 }
```
"""


def page() -> str:
    """The whole page."""
    parts = [INTRODUCTION]
    for section, described in SECTIONS.items():
        parts.append(f"## {section}\n\n{described.__doc__}\n\n| setting | default | unit | meaning |\n| --- | --- | --- | --- |")
        defaults = described()
        for setting in dataclasses.fields(described):
            unit, meaning = MEANING[section][setting.name]
            parts.append(f"| `{setting.name}` | {_shown(getattr(defaults, setting.name))} | {unit} | {meaning} |")
        parts.append("")
    return "\n".join(parts)


def _shown(value: object) -> str:
    if value is None or (isinstance(value, Mapping) and not value):
        return "none"
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_shown(entry)}" for name, entry in value.items())
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:,}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)


def main(arguments: list[str]) -> None:
    """Write the page to the file named, or to `docs/settings.md`."""
    target = Path(arguments[0]) if arguments else FILE
    target.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
