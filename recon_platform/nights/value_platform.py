"""The platform as one of the deciders of a value study: it plans what was landed, scripted roles accept within policy.

Belongs here: a night of the planning core behind the decider's interface, and what it can be made to do without. Does
not belong here: the loop over nights (`value_cell`).
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import islice

import polars as pl

from recon_platform.capacity.results import GIVES_WAY
from recon_platform.connectors import landing_of
from recon_platform.material.buffers import safety_times, start_allowance
from recon_platform.nights.context import landing_context
from recon_platform.nights.programme import Causes
from recon_platform.nights.simulate import REMEMBERED
from recon_platform.nights.value_learning import Learner
from recon_platform.planning.plan import inputs, run_stage
from recon_platform.planning.scheduling import InfeasibleScheduleError
from recon_platform.planning.stages import STAGES, Stage, stage
from recon_platform.plantsim.buffers import Buffers
from recon_platform.plantsim.deciding import Decision, overtime_centers, saturday_shifts, tomorrow_is_saturday
from recon_platform.plantsim.executing import Landed, Plant, view_of
from recon_platform.plantsim.landing import without_empty_columns
from recon_platform.plantsim.night import as_of_minute, plant_toml
from recon_platform.plantsim.policies import EarliestDueDate, PublishedSchedule, order_numbers
from recon_platform.proposal.capacity_moves import frozen_breaks, overtime
from recon_platform.proposal.late import late_orders
from recon_platform.proposal.moves import measured, move_identity
from recon_platform.proposal.sets import Evaluator, Tried, good_set
from recon_platform.tables.context import PlanContext
from recon_platform.tables.governance import DECISIONS_IN_FORCE
from recon_platform.tables.model import Frames

PLAN = ("work_order", "op_seq", "work_center", "machine", "start", "end")
PROGRESS = ("raw.operation_status", "raw.order_status", "raw.material_consumption")
"""What the MES reports of orders: without it there is nothing to reconcile, and the plan stands on the ERP's own records."""
LEARNING_DAY = 1  # Monday
SAME_SHARE = 0.0025  # an allowance that differs by less stays
GIVE_WAY_DAYS = 60.0  # the works of a study are judged by lines on time: what is lost anyway takes no other with it
OVERTIME_MOVES, FENCE_MOVES, SET_TRIALS = 4, 2, 4


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What the platform may do in a run; each switched off alone shows what it is worth."""

    reconciliation: bool = True  # progress as ERP and MES together tell it; without it as the ERP alone has it
    causes: bool = True  # what an order change asks for, or keeps an order out of the plan, is put right the next day
    finite_capacity: bool = True  # the floor follows a schedule; without it due dates on reconciled orders
    remedies: bool = True  # overtime and breaks of the fence with their measured effect, accepted where they pay
    stability: bool = True  # frozen day, order kept beyond it
    buffers: bool = True  # safety times of vendors and pieces started beyond the standard yields, as the books call for
    floor_by_due: bool = False  # what waits goes by due date, not in the schedule's order
    learning: bool = False  # learned run and lead times, once a week, where they stood their backtest


BY_DUE = "by_due"
VARIANTS: dict[str, Capabilities] = {
    "platform": Capabilities(),
    "no_reconciliation": Capabilities(reconciliation=False),
    "no_causes": Capabilities(causes=False),
    "no_finite_capacity": Capabilities(finite_capacity=False, remedies=False),
    "no_remedies": Capabilities(remedies=False),
    "no_buffers": Capabilities(buffers=False),
    "no_stability": Capabilities(stability=False),
    "learning": Capabilities(learning=True),
    BY_DUE: Capabilities(floor_by_due=True),
}
WITHOUT = tuple(name for name in VARIANTS if name.startswith("no_"))


def settings_of(capabilities: Capabilities) -> str:
    """The policy of the plant file under these capabilities (docs/settings.md)."""
    calm = (
        "match_up_days = 1.0"
        if capabilities.stability
        else "match_up_days = 0.0\nfrozen_hours = 0.0\nstability_weight = 0.0"
    )
    return f"[policy.capacity]\ngive_way_days = {GIVE_WAY_DAYS}\n{calm}\n[policy.proposal]\novertime_window_days = 2\n"


class PlatformDecider:
    """Nights of the planning core on what was landed; knows nothing of the plant behind it."""

    def __init__(self, name: str = "platform") -> None:
        self.name, self.can = name, VARIANTS[name]
        self.previous: dict[str, pl.DataFrame] = {}
        self.published: dict[str, pl.DataFrame] = {}
        self.moves: list[dict[str, object]] = []  # rows of decisions_in_force that people took
        self.learner = Learner()
        self.frames: dict[str, pl.DataFrame] = {}
        self.corrected: tuple[str, ...] = ()
        self.failed_nights = 0
        self.causes = Causes()
        self.buffers: Buffers | None = None  # decided last
        self.context: PlanContext | None = None  # of the last night planned

    def needs_landing(self, plant: Plant) -> bool:
        return True

    def decide(self, plant: Plant, landed: Landed | None) -> Decision:
        """Plan, propose, accept. Raises ValueError without a landing."""
        if landed is None:
            raise ValueError("the platform plans what was landed: land the night first")
        frames, context = plan_inputs(plant, landed, settings_of(self.can))
        if not self.can.reconciliation:
            frames |= {name: frames[name].clear() for name in PROGRESS if name in frames}
        frames |= inputs({}, self._decisions(context.as_of), self.previous or None, self.published or None)
        view = view_of(plant, landed.text, None)
        looks_for_remedies = self.can.remedies and tomorrow_is_saturday(plant) and _is_night(plant)
        stages = _stages(self.can, looks_for_remedies)
        try:
            for step in stages:
                frames.update(run_stage(step, frames, context))
        except InfeasibleScheduleError:  # refused by the checker: the schedule in force stays
            self.failed_nights += 1
            kept = self.published.get("schedule")
            return Decision(PublishedSchedule().dispatch(replace(view, schedule=kept)), plan=_plan_of(kept))
        self.previous = {name: frames[name] for name in REMEMBERED if name in frames}
        self.frames = frames
        if self.can.finite_capacity and _is_night(plant):
            self.causes.note(frames, context)
            self.context = context
        if self.can.buffers and _is_night(plant) and (self.buffers is None or plant.day.isoweekday() == LEARNING_DAY):
            self.buffers = buffers_of(frames, context, self.buffers)
        if self.can.learning and plant.day.isoweekday() == LEARNING_DAY and _is_night(plant):
            self.learner.weekly(frames, context)
        self.corrected = asked_about(frames) if self.can.causes else ()
        if not self.can.finite_capacity:
            return Decision(EarliestDueDate(setup_weight=1.0).dispatch(view), buffers=self.buffers)
        taken: list[Tried] = []
        if looks_for_remedies:
            taken = self._accept(frames, context)
        schedule = frames["schedule"]
        self.published = {"schedule": schedule}
        broken = order_numbers(pl.Series([one.candidate.subject for one in taken if one.candidate.kind == "frozen_break"],
                                         dtype=pl.String)).drop_nulls()  # fmt: skip
        codes = {center.code: i for i, center in enumerate(plant.history.world.parameters.work_centers)}
        called = [codes[one.candidate.subject] for one in taken if one.candidate.kind == "overtime"]
        shifts = saturday_shifts(plant, [center for center in called if center in overtime_centers(plant)])
        by_due = self.can.floor_by_due
        rule = PublishedSchedule(by_due=by_due, gives_way=_gives_way(frames) if by_due else frozenset())
        dispatch = rule.dispatch(replace(view, schedule=schedule))
        return Decision(dispatch, shifts, _plan_of(schedule), tuple(broken), self.buffers)

    def _accept(self, frames: dict[str, pl.DataFrame], context: PlanContext) -> list[Tried]:
        """The scripted supervisor takes the good set where it pays; the schedule is made anew with it, and checked."""
        late = late_orders(frames)
        if late.is_empty():
            return []
        found = [
            *islice(overtime(frames, context, late), OVERTIME_MOVES),
            *islice(frozen_breaks(frames, context, late), FENCE_MOVES),
        ]
        evaluator = Evaluator(frames, context)
        tried = measured(found, evaluator)
        chosen = good_set(tried, evaluator, SET_TRIALS)
        taken = [one for one in tried if one.move in chosen.moves]
        if not taken:
            return []
        before = len(self.moves)
        self.moves += [_decision(one, context) for one in taken]
        decided = self._decisions(context.as_of)
        trial = {**frames} if decided is None else {**frames, "decisions_in_force": decided}
        try:
            for name in ("schedule", "promises"):
                trial.update(run_stage(stage(name), trial, context))
        except InfeasibleScheduleError:  # the base plan stands without them
            del self.moves[before:]
            return []
        frames.update(trial)
        return taken

    def _decisions(self, as_of: datetime) -> pl.DataFrame | None:
        rows = [row for row in self.moves if row["valid_until"] > as_of]  # type: ignore[operator]
        rows += self.learner.decisions.values()
        return DECISIONS_IN_FORCE.frame(rows) if rows else None


def buffers_of(frames: Frames, context: PlanContext, held: Buffers | None) -> Buffers:
    """The reserve that the scripted planner decides: what the books of tonight call for, `held` where they hardly differ."""
    level = context.policy.material.buffer_level
    days = dict(safety_times(frames, level).select("supplier", "safety_days").iter_rows())
    share = start_allowance(frames, level).share
    if held is not None and abs(share - held.allowance) < SAME_SHARE:
        share = held.allowance
    return Buffers(days, share)


def asked_about(frames: Frames) -> tuple[str, ...]:
    """Work orders that somebody is asked about in the morning: those the ERP is to change, and those that nothing could be
    planned for, with what stands against it (a hold that nobody lifted, a routing that is missing)."""
    named = pl.concat([frames[name]["work_order"] for name in ("order_changes", "unscheduled") if name in frames])
    return tuple(named.drop_nulls().unique().sort())


def _gives_way(frames: Frames) -> frozenset[int]:
    """Orders of which the dispatch list says that they give way."""
    marked = frames["dispatch_list"].filter(pl.col("note").str.contains(GIVES_WAY, literal=True))
    return frozenset(order_numbers(marked["work_order"].unique()).drop_nulls())


def _is_night(plant: Plant) -> bool:
    """Whether this is the nightly plan, not a rerun: remedies are decided once a day."""
    return plant.now == as_of_minute(plant.history, plant.day)


def _stages(can: Capabilities, looks_for_remedies: bool) -> tuple[Stage, ...]:
    """The stages that a decision needs: shortages and measures only where remedies are looked for."""
    if not can.finite_capacity:
        return STAGES[:3]
    if looks_for_remedies:
        return STAGES
    return tuple(step for step in STAGES if step.name not in ("shortages", "metrics"))


def plan_inputs(plant: Plant, landed: Landed, policy: str) -> tuple[dict[str, pl.DataFrame], PlanContext]:
    """The landing taken as its files would be, without the disk: the tables a plan starts from, and their frame."""
    settings = plant_toml(plant.history, landed.day, landed.state.now) + policy
    tables = {name: without_empty_columns(frame) for name, frame in landed.text.items()}
    landing = landing_of(tables, settings.encode())
    return inputs(landing.frames, None, None, None), landing_context(landing)


def _plan_of(schedule: pl.DataFrame | None) -> pl.DataFrame | None:
    return None if schedule is None else schedule.select(PLAN)


def _decision(one: Tried, context: PlanContext) -> dict[str, object]:
    days = context.policy.proposal.overtime_window_days
    return {
        "decision": f"{context.planning_date.isoformat()}:{one.move}", "kind": "approved_move",
        "subject": move_identity(one.candidate),
        "value": json.dumps({"move": one.move, "kind": one.candidate.kind, "change": one.candidate.changes}),
        "valid_from": context.as_of, "valid_until": context.as_of + timedelta(days=days),
        "approved_by": "scripted supervisor", "reason": "pays by its measured effect",
    }  # fmt: skip
