"""Benchmark of material planning: a synthetic plant of any size, netted, pegged, messaged and attributed.

Belongs here: making the frames and timing the parts. The plant is drawn with a seeded generator, so that two runs time
the same work.
"""

from __future__ import annotations

import resource
import time
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl

from recon_platform.bench.peer_netting import net as peer_net
from recon_platform.bench.peer_netting import read_workload
from recon_platform.material.attribution import prepare, shared_out
from recon_platform.material.changes import GROSS_ADD, OPEN_DAY_SET, OPEN_QTY_ADD, PARAMETER_ADD
from recon_platform.material.ledger import EVENT_SCHEMA
from recon_platform.material.lots import LEAD, MICRO, ON_HAND, SAFETY
from recon_platform.material.netting import net_all
from recon_platform.material.problem import Problem, assemble
from recon_platform.material.raw import raw_messages
from recon_platform.material.snapshot import snapshot
from recon_platform.material.solution import pegging_table, planned_orders_table, requirements_table, solve
from recon_platform.tables.context import PlanContext, Plant
from recon_platform.tables.model import Table
from recon_platform.tables.registry import conformed_table, table

TODAY = date(2026, 3, 2)


@dataclass(frozen=True, slots=True)
class Timing:
    """One measured part: wall and CPU seconds, rows made, peak memory of the process so far in MiB."""

    part: str
    seconds: float
    cpu_seconds: float
    rows: int
    peak_mib: float


def full(of: Table, rows: int, **columns: pl.Series | np.ndarray | str | float | bool) -> pl.DataFrame:
    """A frame of `of` with the columns given; the others are null."""
    filled = []
    for column in of.columns:
        value = columns.get(column.name)
        if value is None or isinstance(value, str | float | bool | int):
            filled.append(pl.Series(column.name, [value], dtype=column.dtype).new_from_index(0, rows))
        else:
            filled.append(pl.Series(column.name, value).cast(column.dtype))
    return pl.DataFrame(filled)


def named(prefix: str, numbers: np.ndarray) -> pl.Series:
    """Keys such as I000123."""
    return pl.select(pl.lit(prefix) + pl.Series(numbers).cast(pl.String).str.zfill(7)).to_series()


def plant_frames(orders: int, items: int, levels: int = 6, seed: int = 1) -> dict[str, pl.DataFrame]:
    """Conformed and reconciled tables: `items` over `levels` that double in size, two or three components each, `orders`
    open orders on them at random. Customers want about as much of the top level as supply covers; quantities grow with
    the level as use does."""
    rng = np.random.default_rng(seed)
    share = np.array([2.0**k for k in range(levels)])
    sizes = np.maximum((items * share / share.sum()).astype(int), 1)
    sizes[-1] += items - sizes.sum()
    start = np.concatenate([[0], np.cumsum(sizes)])
    n = int(start[-1])
    level = np.repeat(np.arange(levels), sizes)
    made = level < levels - 1
    scale = 1.66**level  # uses per item: 2.5 lines a parent × 1.33 a line, over twice as many items
    keys = named("I", np.arange(n))
    today = pl.Series([TODAY]).cast(pl.Int32).item()
    rule = rng.choice(["lot_for_lot", "lot_for_lot", "fixed", "minimum", "period"], n)
    catalogue = full(
        conformed_table("items"), n, item=keys, make_buy=pl.Series(np.where(made, "make", "buy")), uom="pcs",
        lead_time_days=np.where(made, rng.integers(1, 6, n), rng.integers(5, 40, n)).astype(float), lot_rule=rule,
        lot_qty=np.round(rng.choice([25.0, 50.0, 100.0], n) * scale), lot_periods=rng.integers(1, 4, n).astype(float),
        safety_stock=np.where(rng.random(n) < 0.3, np.round(rng.integers(1, 10, n) * scale), 0.0), cost=1.0, planner="P1",
    )  # fmt: skip
    parents, children = [], []
    for k in range(levels - 1):
        of_parent = np.repeat(np.arange(start[k], start[k + 1]), rng.integers(2, 4, sizes[k]))
        parents.append(of_parent)
        children.append(rng.integers(start[k + 1], start[k + 2], len(of_parent)))
    parent, child = np.concatenate(parents), np.concatenate(children)
    pairs = np.unique(np.stack([parent, child], axis=1), axis=0)
    bom = full(
        conformed_table("bom_lines"), len(pairs), parent_item=keys.gather(pairs[:, 0]),
        component_item=keys.gather(pairs[:, 1]), qty_per=rng.choice([1.0, 1.0, 2.0], len(pairs)), uom="pcs", op_seq=10,
    )  # fmt: skip
    of_item = rng.integers(0, n, orders)
    due = pl.Series((today + rng.integers(-5, 120, orders)).astype(np.int32)).cast(pl.Date)
    qty = np.round(rng.integers(5, 45, orders) * scale[of_item])
    bought = ~made[of_item]
    purchases = full(
        conformed_table("purchase_orders"), int(bought.sum()), purchase_order=named("PO", np.flatnonzero(bought)), line="1",
        supplier="V1", item=keys.gather(of_item[bought]), qty=qty[bought], uom="pcs", due_date=due.filter(pl.Series(bought)),
        status="open",
    )  # fmt: skip
    works = int((~bought).sum())
    work_due = due.filter(pl.Series(~bought))
    work = full(
        table("reconciled_orders"), works, work_order=named("WO", np.flatnonzero(~bought)), item=keys.gather(of_item[~bought]),
        qty=qty[~bought], completed_qty=0.0, scrapped_qty=0.0, remaining_qty=qty[~bought], expected_qty=qty[~bought],
        status="released", due_date=work_due, start_date=work_due - timedelta(days=7), supply_confirmed=True, rules="",
        erp_status="released", unposted_qty=0.0, over_qty=0.0, rework_qty=0.0,
    )  # fmt: skip
    lines = max(12 * int(sizes[0]), 1)
    sold = rng.integers(0, int(start[1]), lines)
    sales = full(
        conformed_table("sales_orders"), lines, sales_order=named("SO", np.arange(lines)), line="1", customer="C1",
        item=keys.gather(sold), qty=rng.integers(1, 10, lines).astype(float), uom="pcs", status="open",
        requested_date=pl.Series((today + rng.integers(0, 150, lines)).astype(np.int32)).cast(pl.Date),
    )  # fmt: skip
    stock = full(conformed_table("inventory"), n, item=keys, qty=np.round(rng.integers(0, 25, n) * scale), uom="pcs",
                 status="available")  # fmt: skip
    customers = full(conformed_table("customers"), 1, customer="C1", **{"class": "A"})
    made_frames = {
        "items": catalogue, "bom_lines": bom, "purchase_orders": purchases, "reconciled_orders": work,
        "sales_orders": sales, "inventory": stock, "customers": customers, "plant_days": calendar(),
    }  # fmt: skip
    for name in ("master_schedule", "allocations", "material_issues"):
        made_frames[name] = conformed_table(name).empty()
    return made_frames


def calendar() -> pl.DataFrame:
    """Table `plant_days`, Monday to Friday."""
    days = pl.date_range(TODAY - timedelta(days=400), TODAY + timedelta(days=600), eager=True).alias("day")
    open_days = days.filter(days.dt.weekday() < 6)
    zero = int((open_days < TODAY).sum())
    start = open_days.cast(pl.Datetime("us", "UTC"))
    return pl.DataFrame(
        {"day": open_days, "ordinal": np.arange(len(open_days)) - zero, "first_start": start + timedelta(hours=6),
         "last_end": start + timedelta(hours=22)}
    )  # fmt: skip


def plan_context() -> PlanContext:
    """The context the benchmark plans in."""
    return PlanContext(Plant("BENCH"), TODAY, datetime(TODAY.year, TODAY.month, TODAY.day, 4, tzinfo=UTC))


def drawn_events(problem: Problem, count: int, seed: int) -> pl.DataFrame:
    """`count` ledger events of six categories on items and orders drawn at random."""
    rng = np.random.default_rng(seed)
    items, orders = problem.items.get_column("item"), problem.orders
    kind = rng.choice(6, count, p=[0.25, 0.2, 0.15, 0.1, 0.1, 0.2])
    category = np.array(
        ["MPS_CHANGE", "RECORD_ERROR", "SCRAP", "LEAD_TIME_CHANGE", "SAFETY_STOCK_CHANGE", "VENDOR_FALLDOWN"]
    )[kind]
    top = int((problem.items.get_column("level") == 0).sum())
    at = np.where(kind == 0, rng.integers(0, top, count), rng.integers(0, len(items), count))
    row = rng.integers(0, orders.height, count)
    on_order = (kind == 2) | (kind == 5)
    operation = np.array(
        [GROSS_ADD, PARAMETER_ADD, OPEN_QTY_ADD, PARAMETER_ADD, PARAMETER_ADD, OPEN_DAY_SET], dtype=np.int64
    )[kind]
    amount = np.select(
        [kind == 0, kind == 1, kind == 2, kind == 3, kind == 4],
        [rng.integers(-10, 30, count) * MICRO, rng.integers(-20, 20, count) * MICRO, -5 * MICRO, 2, 5 * MICRO],
        0,
    )
    day = np.where(kind == 5, orders.get_column("day").to_numpy()[row] + rng.integers(1, 15, count), 0)
    day = np.where(kind == 0, problem.axis.today + rng.integers(5, 100, count), day)
    item = np.where(on_order, orders.get_column("ix").to_numpy()[row], at)
    nothing = pl.lit(None, dtype=pl.String)
    return (
        pl.DataFrame(
            {
                "category": category, "entity": named("E", np.arange(count)), "item": items.gather(item),
                "operation": operation,
                "column": np.select([kind == 1, kind == 3, kind == 4], [ON_HAND, LEAD, SAFETY], 0),
                "order_type": orders.get_column("order_type").gather(row), "order": orders.get_column("order").gather(row),
                "day": problem.days.ahead(day), "value": amount.astype(float), "detail": named("event ", np.arange(count)),
                "on_order": on_order,
            }
        )
        .with_columns(
            pl.when("on_order").then(c).otherwise(nothing).alias(c) for c in ("order_type", "order")
        )
        .select(pl.col(name).cast(dtype) for name, dtype in EVENT_SCHEMA.items())
    )  # fmt: skip


class Clock:
    """Collects timings of parts run one after the other."""

    def __init__(self) -> None:
        self.timings: list[Timing] = []
        self.restart()

    def restart(self) -> None:
        self._wall, self._cpu = time.perf_counter(), time.process_time()

    def note(self, part: str, rows: int) -> None:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        self.timings.append(Timing(part, time.perf_counter() - self._wall, time.process_time() - self._cpu, rows, peak))
        self.restart()


def bench_material(
    orders: int = 1_000_000, items: int = 400_000, levels: int = 6, seed: int = 1, events: int = 3_000
) -> list[Timing]:
    """Time netting, messages with pegging, and attribution on a synthetic plant. Kernels are compiled beforehand."""
    _timed(200, 100, levels, seed, 20)
    timings = _timed(orders, items, levels, seed, events)
    return [*timings, *sums(timings)]


def sums(timings: list[Timing]) -> list[Timing]:
    """What the parts come to: netting from the tables to the netted problem; messages and pegging from there to the tables
    `pegging` and `action_messages`. Solving nets a second time, which is taken off again."""
    by = {t.part: t for t in timings}
    made = []
    for name, parts, less in (
        ("in all: netting", ("assemble", "net"), ()),
        ("in all: messages and pegging", ("net again and peg", "pegging", "messages"), ("net",)),
    ):
        wall, cpu = (
            sum(getattr(by[part], of) for part in parts) - sum(getattr(by[part], of) for part in less)
            for of in ("seconds", "cpu_seconds")
        )
        made.append(Timing(name, wall, cpu, by[parts[-1]].rows, max(by[part].peak_mib for part in parts)))
    return made


def peer_timings(folder: Path) -> list[Timing]:
    """Read and net a workload of `peer_workload.py`: the tables the peer planner is given, demand through stock and lots to
    purchases. Raises ValueError naming a missing file."""
    workload = read_workload(folder)
    peer_net(workload)  # compiled beforehand
    clock = Clock()
    workload = read_workload(folder)
    clock.note("peer workload read", sum(frame.height for frame in workload.tables.values()))
    netted, _, _ = peer_net(workload)
    clock.note("peer workload netted", len(netted.item) + len(netted.purchases))
    return clock.timings


def _timed(orders: int, items: int, levels: int, seed: int, events: int) -> list[Timing]:
    context = plan_context()
    frames = plant_frames(orders, items, levels, seed)
    clock = Clock()
    facts = snapshot(frames, context)
    problem = assemble(facts, context)
    clock.note("assemble", problem.orders.height + problem.demands.height)
    netted = net_all(problem.inputs, problem.axis)
    clock.note("net", len(netted.gross_day))
    del netted
    solution = solve(problem, context)
    clock.note("net again and peg", solution.pegs.height)
    requirements = requirements_table(solution)
    clock.note("requirements", requirements.height)
    planned = planned_orders_table(solution)
    clock.note("planned orders", planned.height)
    clock.note("pegging", pegging_table(solution).height)
    clock.note("messages", raw_messages(frames, solution, requirements, context).height)
    drawn = drawn_events(problem, events, seed)
    del solution, requirements, planned
    unchanged = facts.lines.with_columns(
        pl.lit("both").alias("side"), *(pl.lit(None, dtype=pl.String).alias(c) for c in ("category", "entity"))
    )
    clock.restart()
    game = prepare(facts, drawn, unchanged, context)
    clock.note("baseline assembled and netted", problem.items.height)
    found = shared_out(game)
    clock.note("attribution", found.replays)
    clock.note("orders moved", found.shifts.height)
    return clock.timings
