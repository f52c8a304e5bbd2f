"""The policy of a plant: every threshold, horizon, weight and cost a plan uses, each with a default and a unit.

A policy is data: it is read from `plant.toml`, stored with each run, compared and approved like a version of code.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class ReconciliationPolicy:
    """Tolerances and limits of the reconciliation rules."""

    quantity_tolerance_share: float = 0.005  # of the order quantity; at least one unit
    quantity_tolerance_units: float = 1.0
    component_tolerance_share: float = 0.02  # of the expected consumption
    component_tolerance_units: float = 0.001
    over_completion_share: float = 0.05
    unit_factor_tolerance_share: float = 0.01
    quiet_hours: float = 24.0
    stalled_days: float = 3.0
    not_dispatched_days: float = 2.0
    stale_past_due_days: float = 90.0
    auto_receipt_share: float = 0.05  # of the order quantity
    auto_fix_value_limit: float = 5_000.0  # plant currency, per order
    breaker_share: float = 0.02  # of open orders
    breaker_value: float = 250_000.0  # plant currency, per night
    feed_gap_minutes: float = 30.0
    feed_shrink_share: float = 0.8
    consecutive_bom_errors: int = 5
    rework_days: float = 2.0  # until units in rework are back in the flow
    attention_value: float = 50.0  # plant currency; below it, a mild finding nobody waits for gets no place on the list
    precision_threshold: float = 0.98  # a rule that is right less often loses its automatic mode
    precision_reviews: int = 5  # judgements before a rule's precision counts
    sample_per_rule: int = 5  # corrections per rule and night put before a person


@dataclass(frozen=True, slots=True)
class SpinePolicy:
    """Data gates: how keys are read, and from when a deviation is a finding."""

    key_prefixes: Mapping[str, list[str]] = field(default_factory=dict)  # source, or source.kind, as mes.work_orders
    proposal_score: float = 85.0  # of 100; a likeness below it is not proposed
    feed_stale_hours: float = 26.0
    future_minutes: float = 5.0  # a report later than the as-of instant by more is from another clock
    lead_time_share: float = 0.5  # of the planned lead time; at least 3 days
    lead_time_receipts: int = 4
    standard_time_share: float = 0.3  # of the standard
    standard_time_samples: int = 5
    unit_factor_tolerance_share: float = 0.01
    overlap_minutes: float = 1.0  # two runs on one machine


@dataclass(frozen=True, slots=True)
class MaterialPolicy:
    """Netting, action messages and their fences."""

    horizon_days: int = 180
    reschedule_horizon_days: int | None = None  # None: unlimited (reschedule-assumed everywhere)
    release_window_days: int = 5  # working days
    master_schedule_frozen_days: int = 0
    consumption_back_days: int = 5
    consumption_forward_days: int = 10
    forecast_significance_share: float = 0.1
    excess_tolerance_share: float = 0.1
    safety_stock_absorption: float = 0.5
    dampen_expedite_days: int = 0  # 0: off
    dampen_delay_days: int = 0
    fence_near_days: int | None = None
    fence_far_days: int | None = None
    escape_value: float = 25_000.0  # plant currency; filters never hide a message worth more
    escape_age_nights: int = 5  # nor one that has stood this many nights
    realistic_lead_time_percentile: float = 0.8
    buffer_level: float = 0.95  # share of a vendor's lines, and of orders, that a recommended reserve covers


@dataclass(frozen=True, slots=True)
class CapacityPolicy:
    """Finite scheduling."""

    horizon_days: int = 180
    frozen_hours: float = 24.0
    frozen_hours_by_work_center: Mapping[str, float] = field(default_factory=dict)
    major_downtime_minutes: float = 60.0
    major_constraint_minutes: float = 30.0  # at a work center whose load makes it a constraint
    constraint_load_share: float = 0.9  # required load over working time within match_up_days
    major_frozen_minutes: float = 30.0  # of frozen work that stands in the time lost
    class_weights: Mapping[str, float] = field(default_factory=lambda: {"A": 4.0, "B": 2.0, "C": 1.0})
    portfolio_passes: int = 8
    improvement_moves: int = 0  # 0: the best dispatch pass as it is
    stability_weight: float = 0.1  # pull to the start and the machine in force
    match_up_days: float = 7.0  # the sequence in force is kept so far, right-shifted
    pull_ahead_days: float = 14.0  # how long before its start date an order not yet begun may start
    give_way_days: float = 0.0  # an order that cannot be on time any more is sequenced as if due so much later
    assumed_repair_minutes: float = 240.0  # for a stop with no expected end
    batch_wait_minutes: float = 1_440.0  # longest wait for a load that reaches its minimum
    seed: int = 1


@dataclass(frozen=True, slots=True)
class CostPolicy:
    """Unit costs, in the plant's currency."""

    labour_hour: float = 38.0
    overtime_hour: float = 57.0
    late_day_by_class: Mapping[str, float] = field(default_factory=lambda: {"A": 400.0, "B": 150.0, "C": 50.0})
    expedite: float = 250.0
    premium_freight: float = 600.0


@dataclass(frozen=True, slots=True)
class PublishPolicy:
    """How a plan becomes the schedule in force."""

    publish_base: str = "approve"  # or "auto"
    rollout: Mapping[str, str] = field(default_factory=dict)  # line → shadow | pilot | on
    default_rollout: str = "on"
    effect_tolerance_lines: int = 0


@dataclass(frozen=True, slots=True)
class ProposalPolicy:
    """How many exceptions are tried out, and how far they reach."""

    max_moves: int = 12  # evaluated by planning again, each
    max_bundles: int = 2  # pairs of moves tried together for lines no single one wins
    max_set_trials: int = 12  # plans spent on finding a good set of moves
    rerun_moves: int = 4  # both, in a plan made again the same day
    rerun_operations: int = 200_000  # and no more of them than so many scheduled operations allow
    overtime_window_days: int = 7
    move_valid_hours: float = 24.0

    def of_run(self, sequence: int, operations: int) -> ProposalPolicy:
        """The policy for run `sequence` of a night with so many scheduled operations.

        After an event people wait for the plan, so fewer moves are tried: each costs a plan.
        """
        if sequence == 0:
            return self
        most = min(self.rerun_moves, self.rerun_operations // max(operations, 1))
        return dataclasses.replace(
            self, max_moves=min(self.max_moves, most), max_bundles=0, max_set_trials=min(self.max_set_trials, most)
        )


WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


@dataclass(frozen=True, slots=True)
class ReportPolicy:
    """When the weekly report goes to its readers. Raises ValueError for a day or an hour that is none."""

    weekly_day: str = "monday"  # or "never"
    weekly_hour: int = 6  # full hour of the plant's own clock

    def __post_init__(self) -> None:
        if self.weekly_day not in {*WEEKDAYS, "never"}:
            raise ValueError(
                f"policy: report.weekly_day must be a weekday in small letters or never, found {self.weekly_day!r}"
            )
        if not 0 <= self.weekly_hour <= 23:
            raise ValueError(f"policy: report.weekly_hour must be 0 to 23, found {self.weekly_hour}")


@dataclass(frozen=True, slots=True)
class Policy:
    """All of it. `digest` names its content; two policies with one digest are the same policy."""

    name: str = "default"
    spine: SpinePolicy = field(default_factory=SpinePolicy)
    reconciliation: ReconciliationPolicy = field(default_factory=ReconciliationPolicy)
    material: MaterialPolicy = field(default_factory=MaterialPolicy)
    capacity: CapacityPolicy = field(default_factory=CapacityPolicy)
    cost: CostPolicy = field(default_factory=CostPolicy)
    publish: PublishPolicy = field(default_factory=PublishPolicy)
    proposal: ProposalPolicy = field(default_factory=ProposalPolicy)
    report: ReportPolicy = field(default_factory=ReportPolicy)

    def to_dict(self) -> dict[str, Any]:
        return dataclasses.asdict(self)

    @property
    def digest(self) -> str:
        """SHA-256 of the canonical JSON of every value."""
        return hashlib.sha256(json.dumps(self.to_dict(), sort_keys=True).encode()).hexdigest()


SECTIONS: dict[str, type] = {
    "spine": SpinePolicy,
    "reconciliation": ReconciliationPolicy,
    "material": MaterialPolicy,
    "capacity": CapacityPolicy,
    "cost": CostPolicy,
    "publish": PublishPolicy,
    "proposal": ProposalPolicy,
    "report": ReportPolicy,
}


def policy_from_dict(values: Mapping[str, Any]) -> Policy:
    """A policy from nested values (the `[policy]` part of `plant.toml`, or a stored policy); what is absent is default.

    Raises ValueError naming section and key where a key is unknown or a value has the wrong type.
    """
    sections: dict[str, Any] = {}
    for section, content in values.items():
        if section == "name":
            sections["name"] = str(content)
            continue
        cls = SECTIONS.get(section)
        if cls is None:
            raise ValueError(f"policy: unknown section [{section}]; known sections are {', '.join(SECTIONS)}")
        if not isinstance(content, Mapping):
            raise ValueError(f"policy: [{section}] must be a table of settings, found {content!r}")
        defaults = cls()
        known = {f.name: getattr(defaults, f.name) for f in dataclasses.fields(cls)}
        settings: dict[str, Any] = {}
        for key, value in content.items():
            if key not in known:
                raise ValueError(f"policy: unknown setting {section}.{key}; known settings are {', '.join(known)}")
            settings[key] = _typed(f"{section}.{key}", value, known[key])
        sections[section] = dataclasses.replace(defaults, **settings)
    return Policy(**sections)


def _typed(where: str, value: Any, default: Any) -> Any:
    if default is None or value is None:
        return value
    if isinstance(default, bool) or isinstance(value, bool):
        ok = isinstance(default, bool) and isinstance(value, bool)
    elif isinstance(default, int):
        ok = isinstance(value, int)
    elif isinstance(default, float):
        ok = isinstance(value, int | float)
        value = float(value) if ok else value
    elif isinstance(default, str):
        ok = isinstance(value, str)
    elif isinstance(default, Mapping):
        ok = isinstance(value, Mapping)
        value = dict(value) if ok else value
    else:
        ok = True
    if not ok:
        raise ValueError(f"policy: {where} must be {type(default).__name__}, found {value!r}")
    return value
