"""The event loop against worlds with a known answer, and what must hold in any world."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recon_platform.plantsim.floor import Floor, empty_state, free_choice, run_until
from recon_platform.plantsim.floor_kernel import BLOCK_MIN, FloorArrays

ALWAYS = (0, 1 << 39)


def floor_of(
    ops: list[list[tuple[int, int]]],
    *,
    machines: tuple[int, ...],
    intervals: list[list[tuple[int, int]]] | None = None,
    setup: int = 0,
    setters: int = 0,
    batch: bool = False,
    load: float = 1.0,
    attribute: np.ndarray | None = None,
    queue: int = 0,
) -> Floor:
    """A floor of orders given as lists of (work center, minutes)."""
    flat = [(o, wc, minutes) for o, route in enumerate(ops) for wc, minutes in route]
    count, centers = len(flat), len(machines)
    spans = intervals or [[ALWAYS] for _ in range(sum(machines))]
    blocks = 4096
    arrays = FloorArrays(
        op_ptr=np.concatenate([[0], np.cumsum([len(route) for route in ops])]).astype(np.int64),
        op_order=np.array([o for o, _, _ in flat], np.int64),
        op_wc=np.array([wc for _, wc, _ in flat], np.int64),
        op_minutes=np.array([minutes for _, _, minutes in flat], np.int64),
        op_queue=np.full(count, queue, np.int64),
        op_external=np.zeros(count, np.int64),
        op_load=np.full(count, load),
        order_feeds=np.full(len(ops), -1, np.int64),
        order_attribute=np.zeros((len(ops), 4), np.int64) if attribute is None else attribute,
        wc_ptr=np.concatenate([[0], np.cumsum(machines)]).astype(np.int64),
        wc_setup=np.full((centers, 4), setup, np.int64),
        wc_pool=np.full(centers, 0 if setters else -1, np.int64),
        wc_batch=np.full(centers, int(batch), np.int64),
        machine_wc=np.repeat(np.arange(centers), machines).astype(np.int64),
        iv_ptr=np.concatenate([[0], np.cumsum([len(s) for s in spans])]).astype(np.int64),
        iv_start=np.array([a for s in spans for a, _ in s], np.int64),
        iv_end=np.array([b for s in spans for _, b in s], np.int64),
        setters=np.full((1, blocks), max(1, setters), np.int64),
    )
    waits = np.zeros(len(ops), np.int64)
    state = empty_state(arrays, len(ops), count, sum(machines), waits)
    if setup == 0:
        state.setup[:] = 0
    return Floor(arrays, state, 0)


def run(floor: Floor, release: list[int], until: int = 1 << 38, priority: list[float] | None = None) -> Floor:
    first = np.array(release, np.int64)
    key = first if priority is None else np.array(priority)
    plan = free_choice(floor, key[floor.arrays.op_order].astype(float), first, 1.0)
    return run_until(floor, plan, until)


def test_a_deterministic_line_gives_the_exact_times() -> None:
    # three machines in a row, 10/20/5 minutes, an order every 12 minutes: the second machine paces the line
    route = [(0, 10), (1, 20), (2, 5)]
    floor = run(floor_of([route] * 6, machines=(1, 1, 1)), [12 * k for k in range(6)])
    ended = floor.state.ended.reshape(6, 3)
    assert ended[:, 0].tolist() == [12 * k + 10 for k in range(6)]
    assert ended[:, 1].tolist() == [30 + 20 * k for k in range(6)]
    assert ended[:, 2].tolist() == [35 + 20 * k for k in range(6)]


@pytest.mark.parametrize("orders", [40_000, pytest.param(400_000, marks=pytest.mark.long)])
@pytest.mark.parametrize("load", [0.5, 0.8])
def test_one_machine_with_poisson_arrivals_waits_as_m_m_1(orders: int, load: float) -> None:
    """Mean time in the system 1 / (mu − lambda) (Kleinrock 1975, Queueing Systems I, 3.2), within its interval."""
    mean_service = 2_000.0  # minutes, so that whole minutes do not matter
    rng = np.random.default_rng(11)
    service = np.maximum(1, rng.exponential(mean_service, orders)).astype(np.int64)
    arrival = np.cumsum(rng.exponential(mean_service / load, orders)).astype(np.int64)
    floor = run(floor_of([[(0, int(s))] for s in service], machines=(1,)), arrival.tolist())
    stay = (floor.state.ended - arrival)[orders // 20 :] / mean_service
    batches = stay[: len(stay) // 20 * 20].reshape(20, -1).mean(axis=1)
    half_width = 2.86 * batches.std(ddof=1) / np.sqrt(20)  # 99 %, 19 degrees of freedom
    assert abs(batches.mean() - 1 / (1 - load)) < half_width + 0.01


def test_work_rests_outside_the_shifts() -> None:
    floor = floor_of([[(0, 100)], [(0, 50)]], machines=(1,), intervals=[[(0, 60), (100, 160), (200, 400)]])
    floor = run(floor, [0, 0], priority=[0, 1])
    assert floor.state.started.tolist() == [0, 140]
    assert floor.state.ended.tolist() == [140, 230]


def test_the_longest_change_counts_and_like_follows_like() -> None:
    attribute = np.array([[1, 1, 1, 1], [2, 1, 1, 1], [1, 1, 1, 1]], np.int64)
    floor = run(floor_of([[(0, 10)]] * 3, machines=(1,), setup=30, attribute=attribute), [0, 0, 0], priority=[0, 1, 2])
    # order 2 saves a set-up of 30 minutes for 1 minute of priority
    assert floor.state.started.tolist() == [30, 80, 40]


def test_one_setter_sets_one_machine_at_a_time() -> None:
    attribute = np.array([[k] * 4 for k in range(3)], np.int64)
    floor = run(floor_of([[(0, 100)]] * 3, machines=(3,), setup=30, setters=1, attribute=attribute), [0, 0, 0])
    assert sorted(floor.state.started.tolist()) == [30, 60, 90]
    floor = run(floor_of([[(0, 100)]] * 3, machines=(3,), setup=30, setters=3, attribute=attribute), [0, 0, 0])
    assert floor.state.started.tolist() == [30, 30, 30]


def test_a_furnace_takes_what_fits_its_load_and_is_of_one_class() -> None:
    attribute = np.zeros((5, 4), np.int64)
    attribute[3, 3] = 1
    floor = floor_of([[(0, 240)]] * 5, machines=(1,), batch=True, load=0.4, attribute=attribute)
    floor = run(floor, [0] * 5, priority=[0, 1, 2, 3, 4])
    assert floor.state.ended.tolist() == [240, 240, 480, 720, 480]


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    orders=st.integers(1, 60),
    stops=st.lists(st.integers(1, 4000), max_size=5, unique=True),
)
def test_minutes_are_conserved_and_stopping_changes_no_work(seed: int, orders: int, stops: list[int]) -> None:
    rng = np.random.default_rng(seed)
    ops = [
        [(int(wc), int(rng.integers(1, 90))) for wc in rng.integers(0, 3, rng.integers(1, 5))] for _ in range(orders)
    ]
    shifts = [[(k * BLOCK_MIN, k * BLOCK_MIN + 300) for k in range(400)] for _ in range(5)]
    attribute = rng.integers(0, 3, (orders, 4))
    floor = floor_of(ops, machines=(2, 1, 2), intervals=shifts, setup=15, setters=2, attribute=attribute)
    release = rng.integers(0, 2000, orders).tolist()
    for until in [*sorted(stops), 1 << 38]:
        floor = run(floor, release, until=until)
    state, arrays = floor.state, floor.arrays
    assert (state.ended > 0).all()
    for machine in range(5):
        mine = np.flatnonzero(state.machine == machine)
        mine = mine[np.argsort(state.setup_start[mine])]
        assert (state.setup_start[mine][1:] >= state.ended[mine][:-1]).all()
    worked = [_worked(shifts[m], a, b) for m, a, b in zip(state.machine, state.started, state.ended, strict=True)]
    assert worked == arrays.op_minutes.tolist()
    same = arrays.op_order[1:] == arrays.op_order[:-1]
    assert (state.setup_start[1:][same] >= state.ended[:-1][same]).all()


def _worked(spans: list[tuple[int, int]], start: int, end: int) -> int:
    return sum(max(0, min(b, end) - max(a, start)) for a, b in spans)
