"""A plan prepared again reads only the orders that differ, and is the plan prepared from nothing."""

from __future__ import annotations

import numpy as np
import polars as pl
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from recon_platform.capacity.kept import Hold
from recon_platform.capacity.own import read_together
from recon_platform.capacity.planning_stage import read_alone, schedule
from recon_platform.capacity.prepare import Prepared, prepare
from recon_platform.planning.decisions import apply_changes, with_trial
from recon_platform.proposal.candidate import grant, set_row
from recon_platform.tables.reuse import Reuse
from tests.capacity.plants import PlantBuilder, at, context
from tests.capacity.random_plants import plants

QUIET = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example, HealthCheck.filter_too_much]
CONTEXT = context({"capacity": {"portfolio_passes": 1}})


def same(one: Prepared, other: Prepared) -> None:
    for name, mine, whole in zip(one.problem._fields, one.problem, other.problem, strict=True):
        if isinstance(mine, np.ndarray):
            for part in mine.dtype.names or ("",):
                a, b = (array[part] if part else array for array in (mine, whole))
                assert np.array_equal(a, b, equal_nan=a.dtype.kind == "f"), (name, part)
        else:
            assert mine == whole, name
    for name in ("operations", "orders", "refused"):
        assert getattr(one, name).equals(getattr(other, name)), name
    assert one.kept.rows.equals(other.kept.rows)
    assert one.kept.sequence.equals(other.kept.sequence)


@st.composite
def edits(draw: st.DrawFn, builder: PlantBuilder) -> list[dict[str, object]]:
    """A few changes to orders and operations, and grants."""
    operations, centers = builder.rows["reconciled_operations"], builder.rows["work_centers"]
    made: list[dict[str, object]] = []
    for _ in range(draw(st.integers(1, 3))):
        row = draw(st.sampled_from(operations))
        order = {"work_order": row["work_order"]}
        here = {**order, "op_seq": row["op_seq"]}
        center = draw(st.sampled_from(centers))["work_center"]
        machine = draw(st.sampled_from(builder.rows["machines"]))["machine"]
        begun = {"status": "running", "machine": machine, "started_at": at(-1).isoformat()}
        made.append(draw(st.sampled_from([
            set_row("supply_orders", {"order": row["work_order"]}, weight=7.5),
            set_row("supply_orders", {"order": row["work_order"]}, due_at=at(30).isoformat()),
            set_row("reconciled_operations", here, setup_min=17.0, setup_family="another"),
            set_row("reconciled_operations", here, run_skill="operator", run_people=0.5),
            set_row("reconciled_operations", here, **begun),
            set_row("reconciled_operations", here, work_center=center),
            set_row("reconciled_operations", here, work_center="nowhere"),
            set_row("reconciled_operations", here, status="hold"),
            {"verb": "remove", "table": "reconciled_operations", "where": here},
            {"verb": "remove", "table": "supply_orders", "where": {"order": row["work_order"]}},
            {"verb": "remove", "table": "reconciled_orders", "where": order},
            {"verb": "remove", "table": "working_time", "where": {"work_center": center}},
            grant("sibling", **here, work_center=center), grant("fence", **order, op_seq=None), grant("fence", **here),
        ])))  # fmt: skip
    return made


@settings(
    max_examples=3,
    deadline=None,
    derandomize=True,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=QUIET,
)
@given(st.data(), plants())
def test_it_is_the_plan_prepared_from_nothing(data: st.DataObject, builder: PlantBuilder) -> None:
    frames = builder.frames()
    in_force = {**frames, "published.schedule": schedule(frames, CONTEXT)["schedule"]}
    reuse = Reuse()
    prepare(in_force, CONTEXT, reuse=reuse)
    trials = []
    for hold in (Hold.AS_POLICY, Hold.ALL, Hold.IN_TURN, Hold.AS_POLICY):
        changes = data.draw(edits(builder))
        trials.append(apply_changes(with_trial(in_force, CONTEXT, changes), changes))
        same(prepare(trials[-1], CONTEXT, hold=hold, reuse=reuse), prepare(trials[-1], CONTEXT, hold=hold))
    for trial, read in zip(trials, read_together([read_alone(trial, CONTEXT, reuse) for trial in trials]), strict=True):
        same(prepare(trial, CONTEXT, reuse=reuse, given=read), prepare(trial, CONTEXT))


def test_overtime_that_lets_an_order_be_done_or_takes_none_in_concerns_that_order_alone() -> None:
    builder = PlantBuilder()
    builder.center("L", 1)
    for name, run in (("A", 60.0), ("B", 60.0)):
        builder.order(name, [{"work_center": "L", "qty": 1.0, "run_min_per_unit": run, "pausable": False}])
    frames, reuse = builder.frames(), Reuse()
    assert prepare(frames, CONTEXT, reuse=reuse).orders["work_order"].to_list() == ["A", "B"]
    shorter = frames["working_time"].with_columns((pl.col("start") + pl.duration(minutes=30)).alias("end"))
    away = {**frames, "working_time": shorter}
    again = prepare(away, CONTEXT, reuse=reuse)
    assert again.refused["work_order"].to_list() == ["A", "B"]
    same(again, prepare(away, CONTEXT))


def test_which_of_a_furnace_load_takes_its_time_is_told_by_all_in_it() -> None:
    builder = PlantBuilder()
    builder.center("F", 1)
    load = {"work_center": "F", "batch_minutes": 300.0, "batch_max": 10.0, "machine": "F-01", "started_at": at(-1)}
    for name in ("A", "B", "C"):
        builder.order(name, [{**load, "status": "running"}])
    frames, reuse = builder.frames(), Reuse()
    first = prepare(frames, CONTEXT, reuse=reuse)
    assert first.operations["run"].to_list() == [240.0, 1.0, 1.0]
    gone = {name: frame.filter(pl.lit(True)) for name, frame in frames.items()}
    for table, key in (
        ("supply_orders", "order"),
        ("reconciled_orders", "work_order"),
        ("reconciled_operations", "work_order"),
    ):
        gone[table] = frames[table].filter(pl.col(key) != "A")
    again = prepare(gone, CONTEXT, reuse=reuse)
    assert again.operations["run"].to_list() == [240.0, 1.0]
    same(again, prepare(gone, CONTEXT))
