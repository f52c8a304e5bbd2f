"""The schedule stage: schedule, then check with code that shares nothing with the scheduler, and refuse what fails."""

from __future__ import annotations

import polars as pl

from recon_platform.capacity import CHECKED_BEFORE, check_after, check_schedule, schedule
from recon_platform.tables.asked import laid_over
from recon_platform.tables.context import PlanContext
from recon_platform.tables.model import Frames
from recon_platform.tables.reuse import Reuse

SHOWN_VIOLATIONS = 5


class InfeasibleScheduleError(ValueError):
    """The independent checker found a schedule that breaks a constraint: a defect, never to be published."""


def schedule_and_check(frames: Frames, context: PlanContext, reuse: Reuse | None = None) -> dict[str, pl.DataFrame]:
    """Tables `schedule`, `unscheduled`, `capacity_load`, `dispatch_list`; raises InfeasibleScheduleError."""

    def judge(made: pl.DataFrame) -> None:
        _refuse(check_schedule(laid_over(frames, {"schedule": made}), context))

    return schedule(frames, context, reuse, judge)


def schedule_after_downtime(
    frames: Frames, context: PlanContext, reuse: Reuse | None = None
) -> dict[str, pl.DataFrame]:
    """The same tables where only downtime and the schedule in force differ from a plan that passed the check (`previous.NAME`):
    what differs from that one is checked, and all it can touch."""
    before = {name: frames[f"previous.{name}"] for name in CHECKED_BEFORE}

    def judge(made: pl.DataFrame) -> None:
        _refuse(check_after(laid_over(frames, {"schedule": made}), before, context))

    return schedule(frames, context, reuse, judge)


def _refuse(violations: pl.DataFrame) -> None:
    if not violations.is_empty():
        shown = "; ".join(
            f"{row['constraint']}: {row['work_order']}/{row['op_seq']} on {row['machine']} ({row['detail']})"
            for row in violations.head(SHOWN_VIOLATIONS).iter_rows(named=True)
        )
        raise InfeasibleScheduleError(f"the schedule breaks {violations.height} constraints: {shown}")
