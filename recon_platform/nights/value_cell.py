"""One cell of a value study: a works, a seed and a policy, night after night, measured every Monday.

Belongs here: the loop land → decide → call overtime → run the floor, reruns after major stops, and the weekly measures by
the definitions of `metrics`. Does not belong here: the grid of cells and its lake (`value_study`).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta

import numpy as np
import polars as pl

from recon_platform.metrics.definitions import Period
from recon_platform.metrics.effort import expedites, overtime, premium_freight
from recon_platform.metrics.otif import otif
from recon_platform.metrics.records import exceptions_per_100
from recon_platform.metrics.schedule_keeping import plan_adherence, schedule_stability
from recon_platform.nights.value_platform import VARIANTS, PlatformDecider, plan_inputs, settings_of
from recon_platform.planning.plan import run_stages
from recon_platform.planning.stages import STAGES
from recon_platform.plantsim.as_is import AsIs
from recon_platform.plantsim.chasing import chased
from recon_platform.plantsim.clock import DAY_MIN
from recon_platform.plantsim.deciding import Decider, Decision
from recon_platform.plantsim.executing import Landed, Plant, begin, land, next_night, run_on
from recon_platform.plantsim.master_resources import work_centers
from recon_platform.plantsim.parameters import Parameters
from recon_platform.plantsim.peer import FairPeer
from recon_platform.plantsim.policies import order_numbers

MONDAY = 1
LAG_DAYS = 7  # a week is judged a week later, when the last acceptable day of its lines is over
MAJOR_STOP_MIN = 240  # a stop of the constraint line so long has the platform plan again
NOTICED_MIN = 15  # after it began
FENCE, ADHERENCE, MOVED = timedelta(hours=24), timedelta(hours=4), timedelta(hours=1)
WEEKLY = (
    "otif_first_promised", "otif_requested", "expedites", "premium_freight", "premium_freight_occurrences", "overtime",
    "overtime_hours", "exceptions_to_decide", "exceptions_review", "exceptions_auto",
)  # fmt: skip
DAILY = ("plan_adherence", "schedule_stability")
POLICIES = ("as_is", "fair_peer", *VARIANTS)
Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Cell:
    """What is simulated: `works` named for people, its parameters, its size, the seed, who decides, how long."""

    works: str
    parameters: Parameters
    orders: int
    seed: int
    policy: str
    weeks: int
    drift: float = 0.05

    def __post_init__(self) -> None:
        if self.policy not in POLICIES:
            raise ValueError(f"policy {self.policy!r} is not known; known policies are {', '.join(POLICIES)}")

    @property
    def key(self) -> str:
        """Names the cell in the lake: a finished one is never run again."""
        return f"{self.works}/{self.orders}/{self.weeks}w/drift{self.drift:g}/seed{self.seed}/{self.policy}"


@dataclass(frozen=True, slots=True)
class Result:
    """`measures`: week, metric, numerator, denominator. CPU seconds in all and per night; nights refused; reruns."""

    measures: pl.DataFrame
    cpu_seconds: float
    nights: int
    reruns: int
    failed_nights: int


def run_cell(cell: Cell, progress: Progress | None = None) -> Result:
    """Run a cell from its first night to its last."""
    began = time.process_time()
    nights = 7 * cell.weeks
    plant = begin(orders=cell.orders, nights=nights, seed=cell.seed, drift=cell.drift, plant=cell.parameters)
    decider = _decider(cell.policy)
    start, rows, reruns = plant.day, _Rows(), 0
    opened: pl.DataFrame | None = None  # the plan of the last night, in force when its day opened
    in_force: pl.DataFrame | None = None  # the last plan, that of a rerun where there was one
    while (plant.day - start).days <= nights:
        number = (plant.day - start).days
        if progress is not None:
            progress(f"{cell.works} seed {cell.seed} {cell.policy}: night {number} of {nights}")
        monday = plant.day.isoweekday() == MONDAY and number > 0
        landed = land(plant) if monday or decider.needs_landing(plant) else None
        plant = replace(plant, expedited=plant.expedited | frozenset(np.flatnonzero(chased(plant)).tolist()))
        if number == nights:
            break
        rows.adherence(plant, opened)
        decision = decider.decide(plant, landed)
        rows.stability(plant, in_force, decision.plan)
        if monday and landed is not None:
            rows.week(plant, landed, _findings(decider, plant, landed))
        plant, opened, in_force = _take(plant, decision), decision.plan, decision.plan
        again = _major_stop(plant) if isinstance(decider, PlatformDecider) else None
        if again is not None:
            plant = run_on(plant, decision.dispatch, again)
            decision = decider.decide(plant, land(plant))
            plant, in_force = _take(plant, decision), decision.plan
            reruns += 1
        if isinstance(decider, PlatformDecider):
            plant = plant.with_corrected(order_numbers(pl.Series(decider.corrected, dtype=pl.String)))
        plant = replace(run_on(plant, decision.dispatch, next_night(plant)), day=plant.day + timedelta(days=1))
    if landed is not None:
        rows.week(plant, landed, _findings(decider, plant, landed, last=True))
    failed = decider.failed_nights if isinstance(decider, PlatformDecider) else 0
    return Result(rows.frame(), time.process_time() - began, nights, reruns, failed)


def _decider(policy: str) -> Decider:
    if policy == "as_is":
        return AsIs()
    return FairPeer() if policy == "fair_peer" else PlatformDecider(policy)


def _take(plant: Plant, decision: Decision) -> Plant:
    """The plant once a decision holds: overtime called, orders whose frozen days were broken chased."""
    called = plant.with_overtime(decision.overtime)
    return replace(called, expedited=called.expedited | frozenset(decision.broken))


def _major_stop(plant: Plant) -> int | None:
    """The minute at which the first major stop before the next night is known, or none."""
    history = plant.history
    parameters = history.world.parameters
    mine = [i for i, center in enumerate(parameters.work_centers) if center.line == parameters.constraint_line]
    machines = history.world.machines.filter(pl.col("wc").is_in(mine))["index"]
    stops = history.stops.filter(
        ~pl.col("planned") & pl.col("machine").is_in(machines.implode())
        & (pl.col("end") - pl.col("start") >= MAJOR_STOP_MIN)
        & (pl.col("start") > plant.now) & (pl.col("start") < next_night(plant) - 2 * NOTICED_MIN)
    )  # fmt: skip
    return None if stops.is_empty() else int(stops["start"].to_numpy().min()) + NOTICED_MIN


def _findings(
    decider: Decider, plant: Plant, landed: Landed, *, last: bool = False
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Findings and orders of a night: the platform's own, else its reconciliation run beside, for the count alone."""
    if isinstance(decider, PlatformDecider) and decider.frames and not last:
        return decider.frames["findings"], decider.frames["reconciled_orders"]
    frames, context = plan_inputs(plant, landed, settings_of(VARIANTS["platform"]))
    made = run_stages(STAGES[:2], frames, context)
    return made["findings"], made["reconciled_orders"]


class _Rows:
    """The measures of a cell as they come: week, metric, numerator, denominator."""

    def __init__(self) -> None:
        self.parts: list[pl.DataFrame] = []

    def add(self, plant: Plant, made: pl.DataFrame, metrics: tuple[str, ...]) -> None:
        first = plant.history.world.start
        week = (plant.day - first).days // 7
        rows = made.filter(
            (pl.col("scope") == "plant") & (pl.col("subject") == "all") & pl.col("metric").is_in(metrics)
        )
        self.parts.append(rows.select(pl.lit(week, pl.Int64).alias("week"), "metric", "numerator", "denominator"))

    def adherence(self, plant: Plant, plan: pl.DataFrame | None) -> None:
        """Of the day before: operations that ended as the plan had them that was in force when it opened."""
        if plan is None:
            return
        history, now = plant.history, plant.now
        ops = history.operations
        ended = np.flatnonzero((plant.floor.state.ended > now - DAY_MIN) & (plant.floor.state.ended <= now))
        codes = pl.Series([center.code for center in history.world.parameters.work_centers])
        finished = pl.DataFrame(
            {
                "work_order": history.book.orders["work_order"].gather(ops["order"].gather(ended)),
                "op_seq": ops["op_seq"].gather(ended), "work_center": codes.gather(ops["wc"].gather(ended)),
                "ended_at": history.world.clock.instants(plant.floor.state.ended[ended]),
            }
        )  # fmt: skip
        as_of = history.world.clock.instant(now)
        made = plan_adherence(
            plan, finished, work_centers(history.world), window_start=as_of - timedelta(days=1), window_end=as_of,
            tolerance=ADHERENCE,
        )  # fmt: skip
        self.add(plant, made, DAILY)

    def stability(self, plant: Plant, before: pl.DataFrame | None, after: pl.DataFrame | None) -> None:
        """Inside the next 24 hours: operations that the new plan leaves where the old one had them."""
        if before is None or after is None or before is after:
            return
        as_of = plant.history.world.clock.instant(plant.now)
        centers = work_centers(plant.history.world)
        made = schedule_stability(before, after, centers, as_of=as_of, fence=FENCE, tolerance=MOVED)
        self.add(plant, made, DAILY)

    def week(self, plant: Plant, landed: Landed, found: tuple[pl.DataFrame, pl.DataFrame]) -> None:
        """What Monday tells: service of the week before last, effort of the last week, exceptions of tonight."""
        true, yesterday = landed.true, landed.day - timedelta(days=1)
        last = Period(landed.day - timedelta(days=7), yesterday)
        judged = Period(last.start - timedelta(days=LAG_DAYS), last.end - timedelta(days=LAG_DAYS))
        lines = plant.history.book.lines.filter(pl.col("order").is_in(sorted(plant.expedited)))
        parts = [
            otif(true["sales_orders"], true["shipments"], true["customers"], period=judged, today=landed.day),
            expedites(true["sales_orders"], lines.select("sales_order"), period=judged),
            premium_freight(true["shipments"], period=last),
            overtime(true["labour_hours"], period=last),
            exceptions_per_100(*found),
        ]
        self.add(plant, pl.concat(parts), WEEKLY)

    def frame(self) -> pl.DataFrame:
        """Summed by week and metric."""
        return (
            pl.concat(self.parts)
            .group_by("week", "metric")
            .agg(
                pl.col("numerator").sum(),
                denominator=pl.when(pl.col("denominator").is_not_null().any()).then(pl.col("denominator").sum()),
            )
            .sort("week", "metric")
        )
