"""Feasible always: random plants with every feature, judged by the independent check."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import HealthCheck, Phase, given, settings

from recon_platform.capacity import check_schedule, schedule
from recon_platform.tables.capacity import CAPACITY_LOAD, DISPATCH_LIST, SCHEDULE, UNSCHEDULED
from tests.capacity.plants import PlantBuilder, context
from tests.capacity.random_plants import plants

QUIET = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example, HealthCheck.filter_too_much]

PHASES = (Phase.explicit, Phase.generate)  # a failing plant is small enough to read; shrinking costs minutes


def judge(builder: PlantBuilder) -> None:
    """Plan, check, plan again on the result in force, check again; nothing is lost and nothing moves inside the fence."""
    plan_context = context({"capacity": {"portfolio_passes": 2}})
    frames = builder.frames()
    made = schedule(frames, plan_context)
    for table in (SCHEDULE, UNSCHEDULED, CAPACITY_LOAD, DISPATCH_LIST):
        assert made[table.name].schema == table.schema
    found = check_schedule({**frames, "schedule": made["schedule"]}, plan_context)
    assert found.is_empty(), found.rows()
    operations = frames["reconciled_operations"].filter(
        (pl.col("status") != "complete") & (pl.col("remaining_qty") > 0)
    )
    missing = operations.join(made["schedule"], on=["work_order", "op_seq"], how="anti")["work_order"].unique()
    assert set(missing) <= set(made["unscheduled"]["work_order"])
    again = schedule({**frames, "published.schedule": made["schedule"]}, plan_context)
    found = check_schedule(
        {**frames, "published.schedule": made["schedule"], "schedule": again["schedule"]}, plan_context
    )
    assert found.is_empty(), found.rows()


@settings(max_examples=25, deadline=None, derandomize=True, phases=PHASES, suppress_health_check=QUIET)
@given(plants())
def test_every_plan_is_feasible(builder: PlantBuilder) -> None:
    judge(builder)


@pytest.mark.long
@pytest.mark.timeout(0)  # ten minutes of one core
@settings(max_examples=2000, deadline=None, derandomize=True, phases=PHASES, suppress_health_check=QUIET)
@given(plants())
def test_every_plan_is_feasible_on_2000_plants(builder: PlantBuilder) -> None:
    judge(builder)
