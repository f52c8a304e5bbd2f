"""`recon bench schedule`: the full model at 10 thousand, 100 thousand and a million operations.

Belongs here: a generated plant as a `Problem`, timing of the passes, and the check of the result. The check walks the
machines and orders itself; it shares no code with the scheduler.
"""

from __future__ import annotations

import ctypes
import resource
import time
from dataclasses import dataclass

import numpy as np
import polars as pl

from recon_platform.capacity.improve import improve
from recon_platform.capacity.people import THERE, staffed
from recon_platform.capacity.portfolio import NO_BIAS, Setting, best_of, objective, run_pass
from recon_platform.capacity.problem import (
    CENTER,
    FAMILY,
    KIND,
    MACHINE,
    OPERATION,
    ORDER,
    Array,
    Problem,
    sealed,
)

DAY, SHIFT_START = 1440, 360


@dataclass(frozen=True, slots=True)
class Row:
    """Figures of one size. Seconds are wall time unless they say CPU."""

    operations: int
    orders: int
    machines: int
    pass_seconds: float
    pass_cpu_seconds: float
    portfolio_seconds: float
    passes: int
    peak_mb: float
    violations: int
    unplaced: int
    weighted_tardiness: float
    first_pass_tardiness: float
    moves: int
    improve_cpu_seconds: float
    improved_pct: float  # of the portfolio's weighted tardiness, after so many moves


def build(operations: int, *, seed: int = 1) -> Problem:
    """A plant with everything: parallel machines, shifts, set-up families by two attributes, people, tools, furnaces,
    vendors, overlap, maximum waits, continuity, order links, running and frozen work. Deterministic for a seed."""
    rng = np.random.default_rng(seed)
    orders = max(1, operations // 8)
    steps = np.full(orders, 8)
    steps[: operations - 8 * orders] += 1
    n = int(steps.sum())
    machine_count = int(min(1200, max(40, operations // 800)))
    centers = max(8, machine_count // 12)
    days = int(max(30, np.ceil(n * 130.0 / (machine_count * 16 * 60 * 0.78 * 5 / 7) * 1.6))) + 20
    end_of_time = days * DAY
    # work centers: the last eighth are furnaces and vendors
    furnaces = max(1, centers // 16)
    vendors = max(1, centers // 16)
    normal = centers - furnaces - vendors
    per_center = np.full(centers, max(1, machine_count // centers))
    machine_center = np.repeat(np.arange(centers), per_center)
    machine = np.zeros(machine_center.size + 1, MACHINE)
    machine["center"][:-1] = machine_center
    machine["speed"] = 1.0
    machine["speed"][:-1] = rng.choice([1.0, 1.0, 0.9, 1.1], machine_center.size)
    machine["family"] = -1
    starts, ends = [], []
    pointers = [0]
    for m in range(machine_center.size):
        center = machine_center[m]
        if center >= normal + furnaces:
            starts.append(np.array([0]))
            ends.append(np.array([end_of_time]))
        else:
            day = np.arange(days)
            work = day % 7 < (7 if center >= normal else 5)
            begin = day[work] * DAY + (0 if center >= normal else SHIFT_START)
            length = DAY if center >= normal else (960 if m % 3 else 1080)
            if center >= normal:
                begin, length = np.array([0]), end_of_time
            starts.append(begin)
            ends.append(np.minimum(begin + length, end_of_time))
        pointers.append(pointers[-1] + len(starts[-1]))
    machine["open_ptr"] = pointers
    # families: per center two attributes, a matrix for each
    values = (5, 4)
    per = values[0] * values[1]
    family = np.zeros(centers * per, FAMILY)
    family["center"] = np.repeat(np.arange(centers), per)
    family["setup"] = 60.0
    family["alike"] = -1
    family["pinned"] = -1
    value = np.stack(
        [np.tile(np.repeat(np.arange(values[0]), values[1]), centers), np.tile(np.arange(per) % values[1], centers)],
        axis=1,
    )
    matrix_at = np.full((centers, 2), -1)
    matrix_size = np.zeros((centers, 2))
    cells = [np.full(1, -1)]
    offset = 1
    for center in range(normal):
        for a, (low, high) in enumerate(((60, 240), (15, 60))):
            size = values[a] + 1
            matrix_at[center, a] = offset
            matrix_size[center, a] = size
            cells.append(rng.integers(low, high, size * size))
            offset += size * size
    family["setup"][family["center"] >= normal] = 0.0
    # kinds: people, tools
    skills = max(2, centers // 4)
    kind = np.zeros(3 * centers + 2, KIND)
    for name in ("setup_pool", "run_pool", "tool"):
        kind[name] = -1
    kind["pausable"] = 1
    center_of_kind = np.repeat(np.arange(centers), 3)
    inside = np.flatnonzero(center_of_kind < normal)
    kind["setup_pool"][inside] = center_of_kind[inside] % skills
    kind["setup_people"] = 100
    kind["run_pool"][inside] = skills + center_of_kind[inside] % skills
    kind["run_people"] = 25
    tools = np.flatnonzero((np.arange(3 * centers) % 3 == 1) & (center_of_kind < normal))
    kind["tool"][tools] = np.arange(tools.size)
    kind["pausable"][np.flatnonzero((np.arange(3 * centers) % 3 == 2) & (center_of_kind < normal))] = 0
    tool_ptr = np.arange(tools.size + 1) * 2
    furnace_kinds = np.flatnonzero((center_of_kind >= normal) & (center_of_kind < normal + furnaces))
    kind["batch_max"][furnace_kinds] = 100.0
    kind["batch_min"][furnace_kinds] = 30.0
    # people: each pool enough for most of its machines
    working = np.arange(-(-end_of_time // DAY))
    working = working[(working % 7 < 5) & (working * DAY + SHIFT_START < end_of_time)]
    machines_of_pool = np.bincount((machine_center[machine_center < normal]) % skills, minlength=skills)
    setters = [100 * max(1, int(np.ceil(count / 3))) for count in machines_of_pool]
    operators = [25 * max(1, int(np.ceil(count * 0.95))) for count in machines_of_pool]
    counts = np.array(setters + operators)
    there = pl.DataFrame(
        [
            np.repeat(np.arange(counts.size), working.size),
            np.tile(working * DAY + SHIFT_START, counts.size),
            np.tile(np.minimum((working + 1) * DAY, end_of_time), counts.size),
            np.repeat(counts, working.size),
        ],
        schema=THERE,
    )
    pool_ptr, staff = staffed(there, counts.size)
    # operations
    operation = np.zeros(n, OPERATION)
    order_of = np.repeat(np.arange(orders), steps)
    first = np.concatenate([[0], np.cumsum(steps)])
    place = np.arange(n) - first[order_of]
    at_center = rng.integers(0, normal, n)
    at_center[(place == 5) & (order_of % 3 == 0)] = normal + rng.integers(
        0, furnaces, ((place == 5) & (order_of % 3 == 0)).sum()
    )
    at_center[(place == 6) & (order_of % 4 == 0)] = (
        normal + furnaces + rng.integers(0, vendors, ((place == 6) & (order_of % 4 == 0)).sum())
    )
    flavour = rng.choice(3, n, p=[0.9, 0.07, 0.03])
    operation["order"] = order_of
    operation["kind"] = at_center * 3 + flavour
    operation["family"] = at_center * per + rng.integers(0, per, n)
    run = np.exp(rng.normal(4.3, 0.6, n)).clip(10, 700).round()
    furnace = (at_center >= normal) & (at_center < normal + furnaces)
    vendor = at_center >= normal + furnaces
    run[furnace] = 240
    run[vendor] = 0
    operation["run"] = run
    operation["qty"] = rng.integers(5, 40, n)
    operation["elapsed"] = np.where(vendor, 3 * DAY, -1)
    operation["lag"] = np.where(np.append(order_of[1:] != order_of[:-1], True), 0, rng.choice([0, 30, 120], n))
    last = np.append(order_of[1:] != order_of[:-1], True)
    following_inside = np.append(~(furnace | vendor)[1:], False)
    overlap = ~last & ~furnace & ~vendor & following_inside & (rng.random(n) < 0.1)
    operation["share"] = np.where(overlap, 0.25, 1.0)
    operation["max_wait"] = -1
    wait = np.append(False, (~last & ~overlap)[:-1]) & (rng.random(n) < 0.01)
    wait &= ~np.append(False, vendor[:-1])  # a vendor's end is nobody's to choose
    operation["max_wait"][wait] = 2 * DAY
    operation["group"] = -1
    operation["not_before"] = -1
    operation["home"] = -1
    operation["preds"] = (place > 0).astype(np.int32)
    horizon = int(days * DAY / 1.6)
    release = np.sort(rng.integers(0, max(1, int(horizon * 0.75)), orders))
    release[: orders // 20] = 0
    operation["ready"] = np.where(place == 0, release[order_of], 0)
    operation["ready_cause"] = 1
    # continuity: pairs of orders whose first steps run together
    pair = np.flatnonzero((order_of % 50 < 2) & (place == 0))
    pair = pair[: 2 * (pair.size // 2)]
    operation["group"][pair] = np.repeat(np.arange(pair.size // 2), 2)
    operation["kind"][pair] = np.repeat(operation["kind"][pair][::2] // 3 * 3, 2)
    operation["family"][pair[1::2]] = operation["family"][pair[::2]]
    following = operation["max_wait"][np.minimum(pair + 1, n - 1)] >= 0
    operation["max_wait"][np.minimum(pair + 1, n - 1)[following]] = -1
    group_ptr = np.arange(pair.size // 2 + 1) * 2
    order = np.zeros(orders + 1, ORDER)
    order["first"] = first
    total = np.add.reduceat(run + 90, first[:-1])
    order["due"][:-1] = release + (total * 3.6 + rng.integers(1, 10, orders) * DAY).astype(np.int64)
    order["weight"][:-1] = rng.choice([4.0, 2.0, 1.0], orders, p=[0.2, 0.3, 0.5])
    # links: one order in ten feeds a later one
    feeds = np.flatnonzero(rng.random(orders) < 0.1)
    takes = np.minimum(feeds + rng.integers(1, 50, feeds.size), orders - 1)
    feeds, takes = feeds[takes > feeds], takes[takes > feeds]
    free_of_groups = (operation["group"][first[takes]] < 0) & (operation["group"][first[feeds]] < 0)
    feeds, takes = feeds[free_of_groups], takes[free_of_groups]
    np.add.at(operation["preds"], first[takes], 1)
    order["link_ptr"] = np.concatenate([[0], np.cumsum(np.bincount(feeds, minlength=orders))])
    order["scored"] = 1
    order["scored"][feeds] = 0
    operation["urgency"] = np.log(order["weight"][order_of] / np.maximum(run, 1.0))
    center = np.zeros(centers + 1, CENTER)
    center["machines"] = np.concatenate([[0], np.cumsum(per_center)])
    center["families"] = np.arange(centers + 1) * per
    center["sibling"] = -1
    center["sibling_speed"] = 1.0
    problem = sealed(
        Problem(
            operation,
            order,
            first[takes].astype(np.int32),
            family,
            value.astype(np.int32),
            value.astype(np.int32) + 1,
            matrix_at.astype(np.int32),
            matrix_size.astype(np.int32),
            np.concatenate(cells).astype(np.int32),
            kind,
            machine,
            np.concatenate(starts).astype(np.int32),
            np.concatenate(ends).astype(np.int32),
            np.zeros(0, np.int32),
            center,
            group_ptr.astype(np.int32),
            pair.astype(np.int32),
            pool_ptr,
            staff,
            tool_ptr.astype(np.int32),
            end_of_time,
            DAY,
            0,
        )
    )
    from recon_platform.capacity.latest import set_latest  # noqa: PLC0415 - compiled

    set_latest(problem, np.full(n, 7 * 24 / (5 * 16), np.float32))
    return problem


def violations(problem: Problem, placement: Array) -> int:
    """Constraints broken, counted from problem and placements alone: overlaps, closed time, durations, sequence, links,
    material, groups, people and tools."""
    operation, machine = problem.operation, problem.machine
    inside = (operation["elapsed"] < 0) & (placement["machine"] >= 0)
    rows = np.flatnonzero(inside)
    rows = rows[np.lexsort((placement["end"][rows], placement["setup_start"][rows], placement["machine"][rows]))]
    on, begin, finish = (placement[name][rows].astype(np.int64) for name in ("machine", "setup_start", "end"))
    same = on[1:] == on[:-1]
    shared = (
        same
        & (begin[1:] == begin[:-1])
        & (finish[1:] == finish[:-1])
        & (problem.kind["batch_max"][operation["kind"][rows[1:]]] > 0)
    )
    broken = int((same & ~shared & (begin[1:] < finish[:-1])).sum())
    # open time: every start and end inside, and enough minutes between
    span = np.int64(1) << 32
    owner = np.repeat(np.arange(machine.shape[0] - 1), np.diff(machine["open_ptr"]))
    opens, closes = owner * span + problem.open_start, owner * span + problem.open_end
    total = np.concatenate([[0], np.cumsum(closes - opens)])

    def worked(at: Array) -> Array:
        key = on * span + at
        k = np.searchsorted(opens, key, side="right") - 1
        return np.asarray(np.where(k >= 0, total[k] + np.minimum(key, closes[k]) - opens[k], 0))

    start = placement["start"][rows].astype(np.int64)
    needed = operation["run"][rows] / machine["speed"][on]
    broken += int((worked(finish) - worked(start) < needed - 0.02 - 1e-5 * needed).sum())
    broken += int((worked(begin + 1) - worked(begin) != 1).sum() + (worked(finish) - worked(finish - 1) != 1).sum())
    # sequence in the order
    follows = np.flatnonzero(operation["order"][1:] == operation["order"][:-1]) + 1
    both = follows[(placement["machine"][follows] >= 0) & (placement["machine"][follows - 1] >= 0)]
    whole_runs = operation["share"][both - 1] >= 1.0
    gap = placement["setup_start"][both].astype(np.int64) - placement["end"][both - 1] - operation["lag"][both - 1]
    broken += int((whole_runs & (gap < 0)).sum())
    broken += int((~whole_runs & (placement["setup_start"][both] < placement["start"][both - 1])).sum())
    waited = placement["start"][both].astype(np.int64) - placement["end"][both - 1]
    broken += int(((operation["max_wait"][both] >= 0) & (waited > operation["max_wait"][both])).sum())
    broken += int((placement["setup_start"][rows] < operation["ready"][rows]).sum())
    # links
    supply = np.repeat(np.arange(problem.order.shape[0] - 1), np.diff(problem.order["link_ptr"]))
    ends = placement["end"][problem.order["first"][supply + 1] - 1]
    takes = placement["setup_start"][problem.link_to]
    broken += int(((takes >= 0) & (ends >= 0) & (takes < ends)).sum())
    return broken + _people_broken(problem, placement, rows) + _tools_broken(problem, placement, rows)


def _people_broken(problem: Problem, placement: Array, rows: Array) -> int:
    """Pools of which more people are used in some minute than are there. Nobody is used while the machine is closed."""
    kind = problem.operation["kind"][rows]
    span = np.int64(1) << 32
    owner = np.repeat(np.arange(problem.machine.shape[0] - 1), np.diff(problem.machine["open_ptr"]))
    opens, closes = owner * span + problem.open_start, owner * span + problem.open_end
    used = np.zeros((problem.pool_ptr.shape[0] - 1, problem.end_of_time + 1), np.int32)
    for pool, need, low, high in (
        ("setup_pool", "setup_people", "setup_start", "start"),
        ("run_pool", "run_people", "start", "end"),
    ):
        mine = rows[(problem.kind[pool][kind] >= 0) & (placement[high][rows] > placement[low][rows])]
        which = problem.kind[pool][problem.operation["kind"][mine]]
        amount = problem.kind[need][problem.operation["kind"][mine]]
        key = placement["machine"][mine].astype(np.int64) * span
        begin, finish = key + placement[low][mine], key + placement[high][mine]
        first = np.searchsorted(closes, begin, side="right")
        count = np.searchsorted(opens, finish, side="left") - first
        piece = np.repeat(first - np.concatenate([[0], np.cumsum(count)[:-1]]), count) + np.arange(count.sum())
        of = np.repeat(np.arange(mine.size), count)
        np.add.at(used, (which[of], (np.maximum(opens[piece], begin[of]) - key[of]).astype(np.int64)), amount[of])
        np.add.at(used, (which[of], (np.minimum(closes[piece], finish[of]) - key[of]).astype(np.int64)), -amount[of])
    broken = 0
    for which_pool, changes in enumerate(used):
        people = np.zeros(problem.end_of_time + 1, np.int64)
        staff = problem.staff[problem.pool_ptr[which_pool] : problem.pool_ptr[which_pool + 1]]
        np.add.at(people, staff["start"], staff["people"])
        np.add.at(people, staff["end"], -staff["people"])
        there = np.cumsum(people)
        broken += int(((np.cumsum(changes, dtype=np.int64) > there) & (there > 0)).any())
    return broken


def _tools_broken(problem: Problem, placement: Array, rows: Array) -> int:
    broken = 0
    tool = problem.kind["tool"][problem.operation["kind"][rows]]
    for t in np.unique(tool[tool >= 0]):
        mine = rows[tool == t]
        copies = int(problem.tool_ptr[t + 1] - problem.tool_ptr[t])
        at = np.concatenate([placement["setup_start"][mine], placement["end"][mine]]).astype(np.int64)
        change = np.concatenate([np.ones(mine.size), -np.ones(mine.size)])
        order = np.lexsort((change, at))
        broken += int((np.cumsum(change[order]) > copies).any())
    return broken


LARGEST_IMPROVED = 20_000


def run(operations: int, *, passes: int = 8, threads: int = 2, seed: int = 1, moves: int = 100) -> Row:
    """Generate, schedule, improve (up to `LARGEST_IMPROVED` operations) and check one size. Compiled code is loaded on a small
    plant before the clock starts.

    `peak_mb` is the process's high-water mark after the portfolio, before the check. What making up the plant has left
    unused is handed back first: it is none of the scheduler's.
    """
    run_pass(build(64), Setting(16.0, 0.2), bias=NO_BIAS)
    problem = build(operations, seed=seed)
    _hand_back()
    wall, cpu = time.perf_counter(), time.process_time()
    first = run_pass(problem, Setting(16.0, 0.2))
    pass_wall, pass_cpu = time.perf_counter() - wall, time.process_time() - cpu
    first_value = objective(problem, first)
    del first
    wall = time.perf_counter()
    setting, value = best_of(problem, passes, threads=threads)
    portfolio = time.perf_counter() - wall
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    moves = moves if operations <= LARGEST_IMPROVED else 0
    cpu = time.process_time()
    bias, improved, start = improve(problem, setting, moves, threads=threads) if moves else (NO_BIAS, value, value)
    improve_cpu = time.process_time() - cpu
    placement = run_pass(problem, setting, bias=bias).placement
    return Row(
        problem.operation.shape[0], problem.order.shape[0] - 1, problem.machine.shape[0] - 1, round(pass_wall, 4), round(pass_cpu, 4),
        round(portfolio, 3), passes, round(peak, 1), violations(problem, placement), int((placement["machine"] < 0).sum()),
        round(value, 1), round(first_value, 1), moves, round(improve_cpu, 3),
        round(100 * (1 - improved / start), 2) if start else 0.0,
    )  # fmt: skip


def _hand_back() -> None:
    """Give freed memory back to the system, where the C library can (glibc keeps up to half of what numpy frees)."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def lines(rows: list[Row]) -> list[str]:
    """The rows as a table in plain text, with a bar for how seconds per operation grow."""
    text = [
        f"{'operations':>10} {'pass s':>8} {'pass CPU s':>10} {'portfolio s':>11} {'peak MB':>8} {'violations':>10} {'improved':>9} {'in CPU s':>8}  µs an operation"
    ]
    for row in rows:
        each = 1e6 * row.pass_cpu_seconds / row.operations
        text.append(
            f"{row.operations:>10,} {row.pass_seconds:>8.3f} {row.pass_cpu_seconds:>10.3f} {row.portfolio_seconds:>11.2f} "
            f"{row.peak_mb:>8.0f} {row.violations:>10} {f'{row.improved_pct:.1f} %' if row.moves else '-':>9} "
            f"{row.improve_cpu_seconds if row.moves else 0.0:>8.1f}  {'#' * max(1, round(each * 4))} {each:.2f}"
        )
    return text
