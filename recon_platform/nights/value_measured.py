"""What a value study is made of: a cell (works, seed, policy), what running one gives, and its measures as they come.

Belongs here: the weekly measures by the definitions of `metrics`, always of the true floor. Does not belong here: who
decides (`value_cell`, `value_bound`), the grid of cells (`value_study`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl

from recon_platform.metrics.definitions import Period, total
from recon_platform.metrics.effort import expedites, overtime, premium_freight
from recon_platform.metrics.otif import otif
from recon_platform.metrics.records import exceptions_per_100
from recon_platform.metrics.schedule_keeping import plan_adherence, schedule_stability
from recon_platform.nights.value_platform import VARIANTS
from recon_platform.plantsim.buffers import reserve_cost
from recon_platform.plantsim.clock import DAY_MIN
from recon_platform.plantsim.demand import OrderBook
from recon_platform.plantsim.executing import Landed, Plant
from recon_platform.plantsim.master_resources import work_centers
from recon_platform.plantsim.parameters import Parameters

MONDAY = 1
LAG_DAYS = 7  # a week is judged a week later, when the last acceptable day of its lines is over
FENCE, ADHERENCE, MOVED = timedelta(hours=24), timedelta(hours=4), timedelta(hours=1)
SERVICE = ("otif_first_promised", "otif_requested")
WEEKLY = (
    *SERVICE, "expedites", "premium_freight", "premium_freight_occurrences", "overtime", "overtime_hours",
    "exceptions_to_decide", "exceptions_review", "exceptions_auto", "reserve_cost",
)  # fmt: skip
DAILY = ("plan_adherence", "schedule_stability")
UNLIMITED = "unlimited"
POLICIES = ("as_is", "fair_peer", *VARIANTS, UNLIMITED)
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


class Rows:
    """The measures of a cell as they come: week, metric, numerator, denominator."""

    def __init__(self, begun: OrderBook) -> None:
        self.parts: list[pl.DataFrame] = []
        self.begun = begun  # before anybody decided about a reserve

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

    def service(self, plant: Plant, true: Mapping[str, pl.DataFrame]) -> None:
        """What Monday tells of the lines due in the week before last."""
        self.add(plant, self._service(plant.day, true), SERVICE)

    @staticmethod
    def _service(monday: date, true: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
        return otif(true["sales_orders"], true["shipments"], true["customers"], period=_judged(monday), today=monday)

    def week(self, plant: Plant, landed: Landed, found: tuple[pl.DataFrame, pl.DataFrame]) -> None:
        """What Monday tells: service of the week before last, effort of the last week, exceptions of tonight."""
        true = landed.true
        last = Period(landed.day - timedelta(days=7), landed.day - timedelta(days=1))
        lines = plant.history.book.lines.filter(pl.col("order").is_in(sorted(plant.expedited)))
        parts = [
            self._service(landed.day, true),
            expedites(true["sales_orders"], lines.select("sales_order"), period=_judged(landed.day)),
            premium_freight(true["shipments"], period=last),
            overtime(true["labour_hours"], period=last),
            exceptions_per_100(*found),
            total("reserve_cost", self._reserve_cost(plant, last), period=last),
        ]
        self.add(plant, pl.concat(parts), WEEKLY)

    def _reserve_cost(self, plant: Plant, period: Period) -> pl.DataFrame:
        clock, world = plant.history.world.clock, plant.history.world
        days = clock.day_number(period.start), clock.day_number(period.end)
        return pl.DataFrame({"numerator": [reserve_cost(self.begun, plant.history.book, world.components, days)]})

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


def _judged(monday: date) -> Period:
    """The week whose lines are judged on a Monday."""
    return Period(monday - timedelta(days=7 + LAG_DAYS), monday - timedelta(days=1 + LAG_DAYS))
