"""The check of what differs from a plan that passed finds whatever the whole check finds."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recon_platform.capacity import CHECKED_BEFORE, check_after, check_schedule, schedule
from recon_platform.capacity.check_again import MOST
from tests.capacity.plants import PlantBuilder, at, context
from tests.capacity.random_plants import plants
from tests.capacity.test_feasible import PHASES, QUIET

NIGHT = context({"capacity": {"portfolio_passes": 1}})
RERUN = replace(NIGHT, sequence=1, in_turn=True)
TIMES = ("setup_start", "start", "end")


def broken(data: st.DataObject, made: pl.DataFrame, machines: list[str]) -> pl.DataFrame:
    """`made` with one operation elsewhere, at another time, shorter or gone."""
    row = data.draw(st.integers(0, made.height - 1))
    here = pl.int_range(pl.len()) == row
    how = data.draw(st.sampled_from(["earlier", "later", "machine", "shorter", "no set-up", "gone"]))
    if how == "gone":
        return made.filter(~here)
    if how == "machine":
        other = pl.lit(data.draw(st.sampled_from(machines)))
        return made.with_columns(pl.when(here).then(other).otherwise("machine").alias("machine"))
    if how == "no set-up":
        return made.with_columns(pl.when(here).then("start").otherwise("setup_start").alias("setup_start"))
    by = timedelta(minutes=data.draw(st.sampled_from([1, 30, 600])) * (1 if how == "later" else -1))
    which = ("end",) if how == "shorter" else TIMES
    return made.with_columns(pl.when(here).then(pl.col(name) + by).otherwise(name).alias(name) for name in which)


def judge(data: st.DataObject, builder: PlantBuilder) -> None:
    night = builder.frames()
    first = schedule(night, NIGHT)["schedule"]
    machines = night["machines"]["machine"].to_list()
    stopped = data.draw(st.sampled_from(machines))
    builder.add(
        "downtime_events", event="STOP", machine=stopped, started_at=at(-1), expected_end=at(20), reported_at=at(-1)
    )
    frames = {**builder.frames(), "published.schedule": first}
    before = {name: {**night, "schedule": first}[name] for name in CHECKED_BEFORE}
    made = schedule(frames, RERUN)["schedule"]
    assert check_after({**frames, "schedule": made}, before, RERUN, most=1.0).is_empty()
    for _ in range(5):
        wrong = {**frames, "schedule": broken(data, made, machines)}
        assert check_after(wrong, before, RERUN, most=1.0).equals(check_schedule(wrong, RERUN))


@settings(max_examples=2, deadline=None, derandomize=True, phases=PHASES, suppress_health_check=QUIET)
@given(st.data(), plants())
def test_what_is_broken_anywhere_is_found(data: st.DataObject, builder: PlantBuilder) -> None:
    judge(data, builder)


@pytest.mark.long
@pytest.mark.timeout(0)
@settings(max_examples=60, deadline=None, derandomize=True, phases=PHASES, suppress_health_check=QUIET)
@given(st.data(), plants())
def test_what_is_broken_anywhere_is_found_on_60_plants(data: st.DataObject, builder: PlantBuilder) -> None:
    judge(data, builder)


def test_a_fault_far_from_the_stop_is_found_too() -> None:
    """A stop at the end of one of forty lines touches that line; a fault elsewhere is one that differs, so it is touched too."""
    builder = PlantBuilder()
    for number in range(40):
        builder.center(f"C{number:02}")
        builder.order(f"W{number:02}", [{"work_center": f"C{number:02}", "run": 60.0}] * 2, due=200)
    night = builder.frames()
    first = schedule(night, NIGHT)["schedule"]
    builder.add(
        "downtime_events", event="STOP", machine="C39-01", started_at=at(-1), expected_end=at(3), reported_at=at(-1)
    )
    frames = {**builder.frames(), "published.schedule": first}
    before = {name: {**night, "schedule": first}[name] for name in CHECKED_BEFORE}
    made = schedule(frames, RERUN)["schedule"]
    assert made.join(first, on=["work_order", "op_seq", "start"], how="anti")["machine"].unique().to_list() == [
        "C39-01"
    ]
    at_once = pl.when(pl.col("work_order") == "W07").then(pl.col("setup_start").min()).otherwise("setup_start")
    wrong = {**frames, "schedule": made.with_columns(at_once.alias("setup_start"), at_once.alias("start"))}
    for tables in ({**frames, "schedule": made}, wrong):
        assert check_after(tables, before, RERUN, most=MOST).equals(check_schedule(tables, RERUN))
    assert not check_after(wrong, before, RERUN).is_empty()
