"""The stages of a night, in order: what each reads, what it makes, and the function that does it.

This list is the one place that knows the order. A what-if walks it as it stands; a night, a rerun, a replay and the
asset graph walk `proposal.stages.NIGHT_STAGES`, which is this list, the history and the proposal made by planning again.

Names in `reads` say where a table comes from: a plain name is made by an earlier stage of the same run; `raw.NAME` is
a landing table as it came; `previous.NAME` a table of the run before; `published.NAME` a table of the schedule in
force; `decisions_in_force` the snapshot taken when the run was opened. All but plain names may be absent.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

import polars as pl

from recon_platform.planning.decisions import Made, decided, switched_off
from recon_platform.tables.context import PlanContext
from recon_platform.tables.history import PARAMETERS, RECORDED, history_name
from recon_platform.tables.model import Frames, Layer
from recon_platform.tables.registry import TABLES
from recon_platform.tables.reuse import Reuse

if TYPE_CHECKING:
    from recon_platform.capacity import Given

LANDING: tuple[str, ...] = tuple(table.name for table in TABLES.values() if table.layer is Layer.LANDING)

BEFORE = "previous."
DELIVERED = "previous.deliveries"
ROWS_BEFORE = "row_counts_before"  # as conforming calls the deliveries of earlier nights

StageFunction = Callable[..., dict[str, pl.DataFrame]]
"""Of tables and context; where a stage `shares`, also of what other stages of the run made on the way (`Reuse`)."""


@dataclass(frozen=True, slots=True)
class AfterDowntime:
    """How a rerun makes a stage from the tables of the night it stands on (`previous.NAME`), where only downtime changed.

    `run` gives tables of `writes`, those that downtime can change; all others of the stage are the night's. It gives
    None where it cannot tell: then the stage runs whole. It is given what stages of the run made where its stage `shares`.
    """

    reads: tuple[str, ...]
    writes: tuple[str, ...]
    run: Callable[..., dict[str, pl.DataFrame] | None]


@dataclass(frozen=True, slots=True)
class Stage:
    """One step of the night. `group` is the heading under which people look for it.

    `shares`: it is also given what other stages of the run made on the way. `columns`: of a table named there the stage reads these columns and no others; of any other it may read all.
    """

    name: str
    group: str
    meaning: str
    reads: tuple[str, ...]
    writes: tuple[str, ...]
    run: StageFunction
    after_downtime: AfterDowntime | None = None
    columns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    shares: bool = False

    @property
    def required(self) -> tuple[str, ...]:
        """The reads without which the stage cannot run: what earlier stages of the same run made."""
        return tuple(name for name in self.reads if "." not in name and name != "decisions_in_force")


# Functions import their stage when called: a door that only lists the stages must not pay for compiled kernels.
def _conform(frames: Frames, context: PlanContext) -> dict[str, pl.DataFrame]:
    from recon_platform.conform import conform  # noqa: PLC0415

    made = conform(_landed(frames, context), context)
    if switched_off(frames.get("decisions_in_force"), "parameter_learner"):
        made["parameter_proposals"] = made["parameter_proposals"].clear()
    return made


def _landed(frames: Frames, context: PlanContext) -> dict[str, pl.DataFrame]:
    """What conforming reads: landing tables by their plain names, and what earlier nights delivered."""
    raw = {name.removeprefix("raw."): frame for name, frame in frames.items() if name.startswith("raw.")}
    if DELIVERED in frames:
        raw[ROWS_BEFORE] = frames[DELIVERED].filter(pl.col("night") < context.planning_date)
    return raw


def _conform_downtime(frames: Frames, context: PlanContext) -> dict[str, pl.DataFrame] | None:
    from recon_platform.conform.downtime import conform_downtime  # noqa: PLC0415

    night = {name.removeprefix(BEFORE): frame for name, frame in frames.items() if name.startswith(BEFORE)}
    return conform_downtime(_landed(frames, context), night, context)


def _keep_history(frames: Frames, context: PlanContext) -> dict[str, pl.DataFrame]:
    from recon_platform.conform.keeping import keep_history  # noqa: PLC0415

    return keep_history(frames, context)


def _reconcile(frames: Frames, context: PlanContext) -> dict[str, pl.DataFrame]:
    from recon_platform.reconcile import reconcile  # noqa: PLC0415

    return reconcile(frames, context)


def _material(frames: Frames, context: PlanContext) -> dict[str, pl.DataFrame]:
    from recon_platform.material import plan_material  # noqa: PLC0415

    return plan_material(frames, context)


def _netted(frames: Frames, context: PlanContext, reuse: Reuse) -> dict[str, pl.DataFrame]:
    from recon_platform.material import netted  # noqa: PLC0415

    narrow = {name: frames[name].select(read) for name, read in _OF_OPERATIONS.items()}
    return netted({**frames, **narrow}, context, reuse)


def _load(frames: Frames, context: PlanContext) -> dict[str, pl.DataFrame]:
    from recon_platform.capacity import required_load  # noqa: PLC0415

    return required_load(frames, context)


def _load_after_downtime(frames: Frames, context: PlanContext) -> dict[str, pl.DataFrame] | None:
    from recon_platform.capacity import load_after_downtime  # noqa: PLC0415

    return load_after_downtime(frames, context)


def _shortages(frames: Frames, context: PlanContext) -> dict[str, pl.DataFrame]:
    from recon_platform.material import find_shortages  # noqa: PLC0415
    from recon_platform.tables.material import SHORTAGES  # noqa: PLC0415

    if switched_off(frames.get("decisions_in_force"), "shortage_finder"):
        return {"shortages": SHORTAGES.empty()}
    return find_shortages(frames, context)


def _schedule(frames: Frames, context: PlanContext, reuse: Reuse) -> dict[str, pl.DataFrame]:
    from recon_platform.planning.scheduling import schedule_and_check  # noqa: PLC0415

    return schedule_and_check(frames, context, reuse)


def _schedule_after_downtime(frames: Frames, context: PlanContext, reuse: Reuse) -> dict[str, pl.DataFrame]:
    from recon_platform.planning.scheduling import schedule_after_downtime  # noqa: PLC0415

    return schedule_after_downtime(frames, context, reuse)


def _schedule_unchecked(frames: Frames, context: PlanContext, reuse: Reuse) -> dict[str, pl.DataFrame]:
    from recon_platform.capacity import schedule  # noqa: PLC0415

    return schedule(frames, context, reuse)


def _schedule_compared(
    frames: Frames, context: PlanContext, reuse: Reuse, given: Given | None
) -> dict[str, pl.DataFrame]:
    from recon_platform.capacity import trial_schedule  # noqa: PLC0415

    return trial_schedule(frames, context, reuse, given)


def _promises(frames: Frames, context: PlanContext) -> dict[str, pl.DataFrame]:
    from recon_platform.planning.promises import order_promises  # noqa: PLC0415

    return order_promises(frames, context)


def _promises_compared(frames: Frames, context: PlanContext, reuse: Reuse) -> dict[str, pl.DataFrame]:
    from recon_platform.planning.promises import order_promises  # noqa: PLC0415

    return order_promises(frames, context, reuse)


def _metrics(frames: Frames, context: PlanContext) -> dict[str, pl.DataFrame]:
    from recon_platform.metrics import plan_metrics  # noqa: PLC0415

    return plan_metrics(frames, context)


_CONFORMED_EXTRAS = (
    "working_time", "plant_days", "key_map", "quarantine", "row_counts", "availability", "data_findings",
    "key_proposals", "lot_roots", "parameter_proposals",
)  # fmt: skip
_CONFORMED = (*LANDING, *_CONFORMED_EXTRAS)
_RECONCILED = (
    "findings", "reconciled_orders", "reconciled_operations", "order_changes", "finding_groups", "finding_sample",
    "rule_precision",
)  # fmt: skip
_NETTED = (
    "requirements", "planned_orders", "pegging", "action_messages", "message_causes", "supply_orders", "order_links",
)  # fmt: skip
_MATERIAL = (*_NETTED, "nervousness", "tool_needs", "vendor_dispatch", "plan_settings", "planned_forecast")
_PREVIOUS_MATERIAL = (
    "action_messages", "message_causes", "planned_orders", "requirements", "pegging", "reconciled_orders",
    "items", "inventory", "allocations", "sales_orders", "purchase_orders", "master_schedule", "bom_lines",
    "plant_days", "material_issues", "inventory_transactions", "plan_settings", "planned_forecast",
)  # fmt: skip

_SCHEDULED_FROM = (
    *_CONFORMED, *_RECONCILED, *_MATERIAL, "required_load", "published.schedule", "decisions_in_force",
)  # fmt: skip
_SCHEDULED = ("schedule", "unscheduled", "capacity_load", "dispatch_list", "dispatch_settings")
_REPORTED = ("planned_downtime", "downtime_events")
_DOWNTIME = AfterDowntime(
    reads=(
        *(f"raw.{name}" for name in _REPORTED), DELIVERED,
        *(f"{BEFORE}{name}" for name in (
            "machines", "work_centers", "work_center_xref", "calendars", "calendar_exceptions", "feeds", "key_map",
            "quarantine", "row_counts", "availability", "data_findings", "working_time",
        )),
    ),
    writes=(*_REPORTED, "working_time", "key_map", "quarantine", "row_counts", "availability", "data_findings"),
    run=_conform_downtime,
)  # fmt: skip

STAGES: tuple[Stage, ...] = (
    Stage(
        "conform", "conformed", "One key, one unit, one calendar; what cannot be trusted is quarantined.",
        reads=(*(f"raw.{name}" for name in LANDING), DELIVERED, "decisions_in_force"), writes=_CONFORMED, run=_conform,
        after_downtime=_DOWNTIME,
    ),
    Stage(
        "reconcile", "reconciled_backlog", "ERP and MES made to agree, with evidence for every correction.",
        reads=(*_CONFORMED, "decisions_in_force", DELIVERED, "previous.pegging", "previous.rule_precision"),
        # No exception changes a fact; but what an operation takes is the value people approved, of open orders too.
        writes=_RECONCILED, run=decided(_reconcile, ("parameter",)),
    ),
    Stage(
        "material", "material", "Netting through all levels, pegging, action messages and their causes.",
        reads=(
            *_CONFORMED, *_RECONCILED, "decisions_in_force", *(f"previous.{name}" for name in _PREVIOUS_MATERIAL),
        ),
        writes=_MATERIAL, run=decided(_material),
    ),
    Stage(
        "load", "capacity_load", "What the material plan asks of each work center before any schedule.",
        reads=(*_CONFORMED, *_RECONCILED, *_MATERIAL, "decisions_in_force"),
        writes=("required_load",), run=decided(_load),
        after_downtime=AfterDowntime(
            reads=("machines", "work_centers", "working_time", "downtime_events", f"{BEFORE}required_load", "decisions_in_force"),
            writes=("required_load",), run=decided(_load_after_downtime),
        ),
    ),
    Stage(
        "shortages", "shortages", "Where material is missing, when, and what covers it.",
        reads=(*_CONFORMED, *_RECONCILED, *_MATERIAL, "decisions_in_force"),
        writes=("shortages",), run=decided(_shortages),
    ),
    Stage(
        "schedule", "schedule_proposal", "Every operation on a machine, in working time, checked independently.",
        reads=_SCHEDULED_FROM, writes=_SCHEDULED, run=decided(_schedule), shares=True,
        after_downtime=AfterDowntime(
            reads=(*_SCHEDULED_FROM, *(f"{BEFORE}{name}" for name in ("schedule", "working_time", "downtime_events"))),
            writes=_SCHEDULED, run=decided(_schedule_after_downtime),
        ),
    ),
    Stage(
        "promises", "schedule_proposal", "The ship date of every customer line and what bounds it.",
        reads=(
            *_CONFORMED, *_RECONCILED, *_MATERIAL, "schedule", "unscheduled", "previous.order_promises",
            "decisions_in_force",
        ),
        writes=("order_promises",), run=decided(_promises),
    ),
    Stage(
        "metrics", "metrics", "The night's measures, by the definitions people agreed on.",
        reads=(
            *_CONFORMED, *_RECONCILED, *_MATERIAL, "shortages", "schedule", "unscheduled", "capacity_load",
            "order_promises", "published.schedule", "previous.order_promises", "previous.action_messages",
            "previous.capacity_load", "decisions_in_force",
        ),
        writes=("metrics",), run=decided(_metrics),
    ),
)  # fmt: skip
"""The stages that a single plan consists of. `proposal` adds what needs several plans (delta view, moves)."""


_HISTORY = ("deliveries", *(history_name(name) for name in (*RECORDED, PARAMETERS)))
HISTORY_STAGE = Stage(
    "history", "conformed", "What was valid on any date, as far back as nights were kept; no plan reads it.",
    reads=(*RECORDED, "row_counts", *(f"previous.{name}" for name in _HISTORY)), writes=_HISTORY, run=_keep_history,
)  # fmt: skip
"""Kept by every night behind its conformed tables. Not a stage of a plan: trying a plan out remembers nothing."""


def trial_stages() -> tuple[Stage, ...]:
    """Netting to promises, for plans that are compared and never published.

    Conforming and reconciling tell the facts, and no exception changes a fact. The independent check is left to the
    plan that is published: it takes longer than the trial itself.
    """
    names = ("material", "load", "shortages", "schedule", "promises")
    return tuple(
        replace(step, run=decided(_schedule_unchecked)) if step.name == "schedule" else step
        for step in STAGES
        if step.name in names
    )


_OF_OPERATIONS = {"reconciled_operations": ("work_order", "op_seq", "status", "work_center")}
"""Of operations netting reads where the next one runs, and nothing of how it runs."""


def compared_stages(reuse: Reuse, made: Made | None = None, given: Given | None = None) -> tuple[Stage, ...]:
    """Of `trial_stages` what an effect is computed from: netting, schedule and promises, without what only people read.

    The tables they make are those a night makes, but for the terms of a schedule and the days of its load. `reuse` holds
    what plans with other changes made of the same inputs; `made`: the decisions in force of the plan, where they are known; `given`: what its
    schedule was read from ahead (`capacity.read_alone`, `read_together`).
    """
    by_name = {step.name: step for step in trial_stages()}
    return (
        replace(by_name["material"], writes=_NETTED, columns=_OF_OPERATIONS, run=decided(partial(_netted, reuse=reuse), made=made)),
        replace(by_name["schedule"], writes=("schedule", "capacity_load"), shares=False, run=decided(partial(_schedule_compared, reuse=reuse, given=given), made=made)),
        replace(by_name["promises"], run=decided(partial(_promises_compared, reuse=reuse), made=made)),
    )  # fmt: skip


def stage(name: str) -> Stage:
    """The stage called `name`; KeyError lists the names."""
    for candidate in STAGES:
        if candidate.name == name:
            return candidate
    raise KeyError(f"no stage {name!r}; the stages are {', '.join(s.name for s in STAGES)}")
