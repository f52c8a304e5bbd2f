"""A plant night after night: one world for every policy, everything conserved, the same again after a restart."""

from __future__ import annotations

from datetime import UTC
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from recon_platform.plantsim.clock import DAY_MIN
from recon_platform.plantsim.executing import Landed, Plant, begin, land, load, run_day, save, view_of
from recon_platform.plantsim.policies import (
    BEYOND_MIN,
    PATIENCE_MIN,
    POLICIES,
    EarliestDueDate,
    ErpDates,
    PublishedSchedule,
    order_numbers,
)

ORDERS, NIGHTS = 200, 6


@pytest.fixture(scope="module")
def first() -> Plant:
    return begin(orders=ORDERS, nights=NIGHTS, seed=4, drift=0.1)


def nights_of(plant: Plant, policy: str, count: int) -> list[Landed]:
    landed = []
    for _ in range(count):
        landed.append(land(plant))
        plant = run_day(plant, landed[-1], POLICIES[policy]())
    return landed


def test_pieces_kilograms_and_minutes_are_conserved_every_night(first: Plant) -> None:
    for night in nights_of(first, "edd", NIGHTS):
        state = night.state
        ops = state.operations.sort("order", "op_seq")
        after = ops["order"] == ops["order"].shift(1)
        begun = ops["status"] != "waiting"
        entered = pl.Series(
            np.where(after.fill_null(False), ops["good"].shift(1).fill_null(0), ops["units_in"] * begun)
        )
        assert (ops["good"] + ops["scrap"] + ops["in_process"] == entered).all()
        book = state.history.book
        today = state.history.world.clock.local_days(np.array([state.now]))[0]
        wires = book.purchases.filter((pl.col("kind") == "wire") & (pl.col("second_day") < today))
        drawn = state.drawn.group_by("purchase").agg(pl.col("issued").sum())
        stock = night.true["inventory"].group_by("lot").agg(pl.col("qty").sum())
        kilograms = wires.join(drawn, on="purchase", how="left").join(stock, on="lot", how="left").fill_null(0.0)
        assert (kilograms["qty"] - kilograms["issued"] - kilograms["qty_right"]).abs().max() < 0.06
        _minutes_add_up(night)


def _minutes_add_up(night: Landed) -> None:
    """Of every machine's day: run, set-up and idle minutes are its working minutes, never more."""
    history, now = night.state.history, night.state.now
    ops = history.operations.filter((pl.col("machine") >= 0) & (pl.col("batch_max") == 0))
    machine = ops["machine"].to_numpy()
    since = now - DAY_MIN
    begin_, end = (np.clip(ops[name].to_numpy(), since, now) for name in ("setup_start", "end"))
    worked = history.intervals.worked
    busy = np.bincount(
        machine, weights=worked(machine, end) - worked(machine, begin_), minlength=len(history.world.machines)
    )
    index = np.arange(len(history.world.machines))
    available = worked(index, np.full(len(index), now)) - worked(index, np.full(len(index), since))
    assert (busy <= available + 1e-9).all()


def test_two_policies_meet_the_same_world(first: Plant) -> None:
    one, two = nights_of(first, "edd", 4)[-1], nights_of(first, "erp", 4)[-1]
    for table in ("sales_orders", "purchase_orders", "receipts", "items", "routings", "downtime_events"):
        if table == "sales_orders":
            keys = ["sales_order", "line", "item", "qty", "requested_date"]
            left, right = (n.true[table].select(keys).sort(keys) for n in (one, two))
            assert left.join(right, on=keys, how="anti").height <= 0.1 * left.height  # shipped long ago or not
        else:
            assert one.true[table].equals(two.true[table]), table
    assert not one.true["operation_status"].equals(two.true["operation_status"])


def test_the_same_seed_gives_the_same_nights(first: Plant) -> None:
    again = begin(orders=ORDERS, nights=NIGHTS, seed=4, drift=0.1)
    for one, two in zip(nights_of(first, "edd", 3), nights_of(again, "edd", 3), strict=True):
        assert one.text.keys() == two.text.keys()
        for name in one.text:
            assert one.text[name].equals(two.text[name]), name
        assert one.truth.equals(two.truth)


def test_a_saved_plant_goes_on_as_if_nothing_had_happened(first: Plant, tmp_path: Path) -> None:
    policy = EarliestDueDate()
    plant = run_day(first, land(first), policy).with_corrected(pl.Series([3, 5]))
    save(plant, tmp_path / "floor.npz")
    loaded = load(begin(orders=ORDERS, nights=NIGHTS, seed=4, drift=0.1), tmp_path / "floor.npz")
    assert (loaded.day, loaded.now, loaded.corrected) == (plant.day, plant.now, plant.corrected)
    one, two = (run_day(p, land(p), policy) for p in (plant, loaded))
    for a, b in zip(one.floor.state, two.floor.state, strict=True):
        assert np.array_equal(a, b)


def test_earliest_due_date_takes_the_earlier_order_first(first: Plant) -> None:
    landed = land(first)
    plant = run_day(first, landed, EarliestDueDate())
    started = plant.floor.state.setup_start
    fresh = np.flatnonzero((started > first.now) & (plant.history.operations["wc"].to_numpy() == 1))
    assert len(fresh) > 0
    due = plant.history.book.orders["due_day"].to_numpy()[plant.floor.arrays.op_order]
    waiting = np.flatnonzero(
        (first.floor.state.arrived >= 0)
        & (first.floor.state.arrived <= first.now)
        & (first.floor.state.setup_start < 0)
        & (plant.history.operations["wc"].to_numpy() == 1)
    )  # fmt: skip
    taken, left = [i for i in waiting if started[i] >= 0], [i for i in waiting if started[i] < 0]
    if taken and left:
        assert max(due[taken]) <= max(due[left])


def test_a_published_schedule_is_followed_machine_by_machine(first: Plant) -> None:
    landed = land(first)
    world, ops, state = first.history.world, first.history.operations, first.floor.state
    free = [i for i in range(len(ops)) if state.arrived[i] >= 0 and state.setup_start[i] < 0 and ops["wc"][i] == 1]
    machines = world.machines.filter(pl.col("wc") == 1)
    names = first.history.book.orders["work_order"]
    rows = [
        {
            "work_order": names[int(first.floor.arrays.op_order[i])], "op_seq": int(ops["op_seq"][i]),
            "machine": machines["machine"][k % len(machines)],
            "setup_start": world.clock.instant(first.now + 10 * k).astimezone(UTC),
        }
        for k, i in enumerate(free)
    ]  # fmt: skip
    if not rows:
        pytest.fail("the plant has no operation waiting at the constraint; choose another seed")
    schedule = pl.DataFrame(rows).with_columns(pl.col("setup_start").cast(pl.Datetime("us", "UTC")))
    plant = run_day(first, landed, PublishedSchedule(), schedule)
    begun = [(k, i) for k, i in enumerate(free) if plant.floor.state.setup_start[i] >= 0]
    assert begun
    for k, i in begun:
        wanted = machines["machine"][k % len(machines)]
        in_time = plant.floor.state.setup_start[i] < first.now + 10 * k + PATIENCE_MIN
        assert not in_time or world.machines["machine"][int(plant.floor.state.machine[i])] == wanted


def test_a_floor_by_due_dates_takes_what_is_due_first_and_keeps_the_machines_of_the_schedule(first: Plant) -> None:
    landed = land(first)
    ops, book = first.history.operations, first.history.book
    listed = ops.filter(pl.col("wc") == 1).with_row_index("turn").head(40)
    machine = first.history.world.machines.filter(pl.col("wc") == 1)["machine"][0]
    schedule = listed.select(
        work_order=book.orders["work_order"].gather(listed["order"]), op_seq="op_seq", machine=pl.lit(machine),
        setup_start=first.history.world.clock.instants(first.now + 10 * listed["turn"].to_numpy().astype(np.int64)),
    )  # fmt: skip
    view = view_of(first, landed.text, schedule)
    lost = int(listed["order"][0])
    in_turn = PublishedSchedule().dispatch(view)
    by_due = PublishedSchedule(by_due=True, gives_way=frozenset([lost])).dispatch(view)
    for name in ("wanted", "anywhere_from", "release"):
        assert np.array_equal(getattr(in_turn, name), getattr(by_due, name))
    due = EarliestDueDate().dispatch(view).priority
    gave = by_due.priority - due
    assert set(np.unique(gave[view.op_order != lost])) == {0.0}
    assert set(np.unique(gave[view.op_order == lost])) == {float(BEYOND_MIN)}
    assert not np.array_equal(np.argsort(in_turn.priority), np.argsort(by_due.priority))


def test_erp_dates_differ_from_due_dates(first: Plant) -> None:
    landed = land(first)
    assert not np.array_equal(
        run_day(first, landed, ErpDates()).floor.state.setup_start,
        run_day(first, landed, EarliestDueDate()).floor.state.setup_start,
    )


def test_names_of_other_orders_are_no_orders_of_the_floor() -> None:
    names = pl.Series(["WO1000001", " WO1000007 ", "WX77001", "WO0900001", None, "wo1000003"])
    assert order_numbers(names).to_list() == [0, 6, None, None, None, None]


def test_an_order_put_right_errs_no_more(first: Plant) -> None:
    landed = land(first)
    wrong = order_numbers(landed.truth.filter(pl.col("entity_type") == "work_order")["entity"].unique())
    healed = land(first.with_corrected(wrong))
    still = order_numbers(healed.truth.filter(pl.col("entity_type") == "work_order")["entity"].unique())
    assert len(wrong.drop_nulls()) > 0
    assert not set(still.drop_nulls()) & set(wrong.drop_nulls())


def test_an_order_that_the_schedule_starts_before_its_release_is_reported(first: Plant) -> None:
    landed = land(first)
    history = first.history
    waiting = (history.book.orders["release"].to_numpy() > first.now + 2 * DAY_MIN) & (
        np.maximum(first.material, history.book.orders["created"].to_numpy()) <= first.now
    )
    early = np.flatnonzero(waiting & (first.floor.state.waits == 0))
    assert len(early) > 0
    ops = history.operations.with_columns(machine=pl.lit(None, pl.String)).filter(pl.col("order").is_in(early.tolist()))
    schedule = ops.select(
        work_order=history.book.orders["work_order"].gather(ops["order"]), op_seq="op_seq", machine="machine",
        setup_start=history.world.clock.instants(np.full(len(ops), first.now)),
    )  # fmt: skip
    plant = run_day(first, landed, PublishedSchedule(), schedule)
    begun = set(plant.floor.arrays.op_order[(plant.floor.state.setup_start >= 0)].tolist()) & set(early.tolist())
    assert begun
    reported = land(plant).true["operation_status"]
    names = [history.book.orders["work_order"][int(order)] for order in sorted(begun)]
    busy = reported.filter(pl.col("order").is_in(names) & (pl.col("status") != "waiting"))
    assert set(busy["order"]) == set(names)
    assert (reported["reported_at"] <= history.world.clock.instant(plant.now)).all()
