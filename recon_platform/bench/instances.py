"""`recon bench instances`: public scheduling instances against their best known values, beside CP-SAT and simple rules.

Belongs here: reading the neutral instances, running each method at the same CPU time, checking every schedule from the
instance alone, and the table. The searches themselves are `tabu`, `single` and `sequence` of
`recon_platform.capacity`.
"""

from __future__ import annotations

import csv
import json
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from recon_platform.capacity.problem import Array
from recon_platform.capacity.sequence import anneal, temper
from recon_platform.capacity.shop import (
    ATC,
    MAKESPAN,
    RULES,
    TARDINESS,
    Shop,
    Timed,
    dispatch_order,
)
from recon_platform.capacity.single import anneal_sequence
from recon_platform.capacity.tabu import tabu

LOOK_AHEADS = (1.0, 2.0, 4.0)
SLICE_SECONDS = {MAKESPAN: 4.0, TARDINESS: 1.0}  # CPU seconds of one seed, as long as there are fewer than MAX_SEEDS
MAX_SEEDS = 5
FIRST_LADDER = 0.1  # share of a first, short tempering, which also tells how fast the long one will be
PROBE_MOVES = 2000

TARGETS = {
    "jsp_makespan_la": "mean gap 4 % at 20 CPU s",
    "jsp_makespan_ta": "mean gap 4 % at 20 CPU s",
    "fjsp_brandimarte": "mean gap 5 % at 20 CPU s",
    "fjsp_dauzere": "mean gap 5 % at 20 CPU s",
    "jsp_twt_singer_pinedo_f1.3": "sum-gap 5 % at 2 CPU s, 2 % at 10, 9 of 11 matched at 30",
}
"""What the design asks for, by family; the others have no target."""


@dataclass(frozen=True, slots=True)
class Result:
    """One instance: our value, the best known, CPU seconds, and what the others reached (null: not run)."""

    name: str
    family: str
    objective: str
    value: float
    best_known: float | None
    cpu_s: float
    start_value: float
    cpsat: float | None
    edd: float
    spt: float
    cr: float
    atc: float

    @property
    def gap(self) -> float | None:
        """(value − best known) / best known; null where nothing is known or the best known is 0."""
        return None if not self.best_known else self.value / self.best_known - 1.0


def read_shop(data: dict[str, Any]) -> Shop:
    """A neutral instance as arrays. Set-ups are given between jobs; here every job of such an instance has one operation."""
    job, first, pointer, machines, durations = [], [0], [0], [], []
    for j, entry in enumerate(data["jobs"]):
        for operation in entry["operations"]:
            job.append(j)
            for alternative in operation["alternatives"]:
                machines.append(alternative["machine"])
                durations.append(alternative["duration"])
            pointer.append(len(machines))
        first.append(len(job))
    setup = np.array(data["setup"], np.float64) if data.get("setup") else np.zeros((1, 1))
    initial = np.array(data["setup_initial"], np.float64) if data.get("setup_initial") else np.zeros(len(job))
    far = 10**9
    return Shop(
        np.array(job), np.array(first), np.array(pointer), np.array(machines), np.array(durations, np.float64),
        np.array([entry["release"] or 0 for entry in data["jobs"]], np.float64),
        np.array([far if entry["due"] is None else entry["due"] for entry in data["jobs"]], np.float64),
        np.array([entry["weight"] for entry in data["jobs"]], np.float64), setup, initial, max(machines) + 1,
        MAKESPAN if data["objective"] == "makespan" else TARDINESS,
    )  # fmt: skip


def timed(shop: Shop, order: Array, alternative: Array) -> Timed:
    """Times of an order, exactly as a search without moves gives them."""
    return anneal(shop, order, alternative, 0, 1, 1.0, 1.0)


def rule_values(shop: Shop) -> tuple[dict[str, float], Timed]:
    """Value of every dispatching rule, and the best schedule among them (ATC with several look-aheads)."""
    values: dict[str, float] = {}
    best: Timed | None = None
    for number, rule in enumerate(RULES):
        for look_ahead in LOOK_AHEADS if number == ATC else LOOK_AHEADS[:1]:
            made = timed(shop, *dispatch_order(shop, number, look_ahead))
            values[rule] = min(values.get(rule, np.inf), made.value)
            if best is None or made.value < best.value:
                best = made
    assert best is not None
    return values, best


def temperatures(shop: Shop, start: float) -> tuple[float, float]:
    """Where annealing starts and ends, in units of a mean operation, weighted for tardiness. Tuned by hand."""
    mean = float(shop.alt_duration.mean())
    if shop.machines == 1:
        mean *= float(shop.weight.mean()) if shop.objective == TARDINESS else 1.0
        return mean + 1e-9, 0.01 * mean + 1e-9
    if shop.objective == MAKESPAN:
        return 0.12 * mean + 1e-9, 0.006 * mean + 1e-9
    return 10.0 * float(shop.weight.mean()) * mean, 0.6 * float(shop.weight.mean()) * mean


def lower_bound(shop: Shop) -> float:
    """A makespan no schedule can beat: the longest job, or the load of a machine that has no alternative. 0: tardiness."""
    if shop.objective != MAKESPAN:
        return 0.0
    least = np.minimum.reduceat(shop.alt_duration, shop.alt_ptr[:-1])
    longest = float((np.add.reduceat(least, shop.first[:-1]) + shop.release).max())
    only = np.diff(shop.alt_ptr) == 1
    load = np.bincount(shop.alt_machine[shop.alt_ptr[:-1][only]], weights=least[only], minlength=1)
    return max(longest, float(load.max()))


def seek(shop: Shop, begin: Timed, moves: int, seed: int, *, hot: float, cold: float) -> Timed:
    """One run of the search that suits the shop: a sequence of one machine, tabu search for makespan, else annealing."""
    if shop.machines == 1 and shop.alt_machine.shape[0] == shop.release.shape[0]:
        return anneal_sequence(shop, begin.order, begin.alternative, moves, seed, hot, cold)
    if shop.objective == MAKESPAN and shop.setup.shape[0] == 1:
        return tabu(shop, begin.order, begin.alternative, moves, seed, lower_bound(shop))
    if _is_tempered(shop):
        return temper(shop, begin.order, begin.alternative, moves, seed, hot, cold)
    return anneal(shop, begin.order, begin.alternative, moves, seed, hot, cold)


def _is_tempered(shop: Shop) -> bool:
    """A job shop for tardiness without a choice of machine: one long parallel tempering beats several annealings."""
    several = shop.machines > 1 and shop.alt_machine.shape[0] == shop.job.shape[0]
    return bool(shop.objective == TARDINESS and several)


def search(shop: Shop, cpu_seconds: float) -> tuple[Timed, float, float]:
    """Best of several seeds within `cpu_seconds`; (solution, CPU seconds used, value of the start).

    The number of moves of every seed is fixed before it starts, from the speed of the run before it.
    """
    began = time.process_time()
    _, start = rule_values(shop)
    hot, cold = temperatures(shop, start.value)
    tick = time.process_time()
    best = min(start, seek(shop, start, PROBE_MOVES, 1, hot=hot, cold=cold), key=lambda made: made.value)
    per_move = max(1e-8, (time.process_time() - tick) / PROBE_MOVES)
    bound = lower_bound(shop)
    tempered = _is_tempered(shop)
    seeds = 2 if tempered else int(min(MAX_SEEDS, max(1, cpu_seconds // SLICE_SECONDS[shop.objective])))
    seed = 0
    while best.value > bound:
        left = cpu_seconds - (time.process_time() - began)
        share = FIRST_LADDER if tempered and seed == 0 else 1.0 / max(1, seeds - seed)
        moves = int(max(0.0, left) * share / per_move)
        if moves < PROBE_MOVES // 2:
            break
        seed += 1
        tick = time.process_time()
        # annealing forgets its start, tabu search goes on from the best there is
        made = seek(shop, best if shop.objective == MAKESPAN else start, moves, seed, hot=hot, cold=cold)
        spent = time.process_time() - tick
        if spent > 0.05:
            per_move = max(1e-8, spent / moves)
        best = min(best, made, key=lambda made: made.value)
    return best, time.process_time() - began, start.value


def verify(data: dict[str, Any], shop: Shop, made: Timed) -> float:
    """The value of a schedule, computed from the instance alone; raises ValueError where it is not feasible."""
    by_machine: dict[int, list[tuple[float, float, int]]] = defaultdict(list)
    ends = []
    i = 0
    for j, job in enumerate(data["jobs"]):
        free = float(job["release"] or 0)
        for operation in job["operations"]:
            a = int(made.alternative[i]) - int(shop.alt_ptr[i])
            chosen = operation["alternatives"][a]
            begin, finish = float(made.start[i]), float(made.end[i])
            if begin < free or finish - begin != chosen["duration"]:
                raise ValueError(f"{data['name']}: job {j} has an operation out of sequence or of the wrong length")
            by_machine[chosen["machine"]].append((begin, finish, j))
            free = finish
            i += 1
        ends.append(free)
    for machine, work in by_machine.items():
        work.sort()
        last, last_job = 0.0, -1
        for begin, finish, j in work:
            change = 0.0
            if data.get("setup"):
                change = (
                    data["setup"][last_job][j] if last_job >= 0 else (data.get("setup_initial") or [0] * len(ends))[j]
                )
            if begin < last + change:
                raise ValueError(f"{data['name']}: machine {machine} does two things at once at {begin}")
            last, last_job = finish, j
    if data["objective"] == "makespan":
        return max(ends)
    return sum(job["weight"] * max(0.0, e - job["due"]) for job, e in zip(data["jobs"], ends, strict=True))


def cp_sat(data: dict[str, Any], seconds: float) -> float | None:
    """Value that CP-SAT (one worker) reaches in CPU `seconds`; null where ortools is missing or it found nothing."""
    try:
        from ortools.sat.python import cp_model  # noqa: PLC0415 - test extra
    except ModuleNotFoundError:
        return None
    model = cp_model.CpModel()
    horizon = int(sum(max(a["duration"] for a in o["alternatives"]) for job in data["jobs"] for o in job["operations"]))
    horizon += int(max((max(row) for row in data["setup"]), default=0) * len(data["jobs"])) if data.get("setup") else 0
    horizon += int(max(job["release"] or 0 for job in data["jobs"]))
    on_machine: dict[int, list[Any]] = defaultdict(list)
    ends = []
    starts_of_jobs = []
    for job in data["jobs"]:
        previous: Any = int(job["release"] or 0)
        for operation in job["operations"]:
            start = model.new_int_var(0, horizon, "")
            end = model.new_int_var(0, horizon, "")
            model.add(start >= previous)
            literals = []
            for alternative in operation["alternatives"]:
                chosen = model.new_bool_var("")
                interval = model.new_optional_interval_var(start, alternative["duration"], end, chosen, "")
                on_machine[alternative["machine"]].append(interval)
                literals.append(chosen)
            model.add_exactly_one(literals)
            previous = end
        ends.append(previous)
        starts_of_jobs.append(start)
    for intervals in on_machine.values():
        model.add_no_overlap(intervals)
    if data.get("setup"):
        arcs = []
        count = len(ends)
        initial = data.get("setup_initial") or [0] * count
        for a in range(count):
            first, last = model.new_bool_var(""), model.new_bool_var("")
            arcs += [(count, a, first), (a, count, last)]
            model.add(starts_of_jobs[a] >= int(initial[a])).only_enforce_if(first)
            for b in range(count):
                if a != b:
                    follows = model.new_bool_var("")
                    arcs.append((a, b, follows))
                    model.add(starts_of_jobs[b] >= ends[a] + int(data["setup"][a][b])).only_enforce_if(follows)
        model.add_circuit(arcs)
    if data["objective"] == "makespan":
        value = model.new_int_var(0, horizon, "")
        model.add_max_equality(value, ends)
        model.minimize(value)
    else:
        terms = []
        for job, end in zip(data["jobs"], ends, strict=True):
            late = model.new_int_var(0, horizon, "")
            model.add(late >= end - int(job["due"]))
            terms.append(int(job["weight"]) * late)
        model.minimize(sum(terms))
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    status = _solve_within(lambda: solver.solve(model), solver.stop_search, seconds)
    return float(solver.objective_value) if status in (cp_model.OPTIMAL, cp_model.FEASIBLE) else None


def _solve_within(solve: Callable[[], Any], stop: Callable[[], None], cpu_seconds: float) -> Any:
    """Run `solve` and call `stop` once this process has used `cpu_seconds`: its own limits count wall time, which a
    shared machine gives to others.
    """
    began, over = time.process_time(), threading.Event()

    def watch() -> None:
        while not over.wait(0.02):
            if time.process_time() - began >= cpu_seconds:
                stop()

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        return solve()
    finally:
        over.set()
        watcher.join()


def run(
    folder: Path,
    *,
    cpu_seconds: float = 2.0,
    out: Path | None = None,
    with_cpsat: bool = True,
    say: Callable[[Result], None] | None = None,
) -> list[Result]:
    """Solve every instance below `folder` (neutral JSON). `out` receives OUT/<family>/<name>.csv: job, op, machine,
    start, end, indices from 0. Every schedule is verified. `say` is called after each instance."""
    results = []
    _warm_up()
    for data in read_instances(folder):
        shop = read_shop(data)
        rules, _ = rule_values(shop)
        made, cpu, start = search(shop, cpu_seconds)
        value = verify(data, shop, made)
        known = (data.get("best_known") or {}).get("upper")
        result = Result(
            data["name"], data["family"], data["objective"], value, known, round(cpu, 3), start,
            cp_sat(data, cpu_seconds) if with_cpsat else None, rules["edd"], rules["spt"], rules["cr"], rules["atc"],
        )  # fmt: skip
        results.append(result)
        if out is not None:
            write_schedule(out / data["family"] / f"{data['name']}.csv", shop, made)
        if say is not None:
            say(result)
    return results


def _warm_up() -> None:
    """Load compiled code, so that no instance pays for it: two jobs of two operations, either objective."""
    jobs: list[dict[str, Any]] = [
        {
            "release": 0,
            "due": 1,
            "weight": 1,
            "operations": [{"alternatives": [{"machine": m, "duration": 2}]} for m in row],
        }
        for row in ((0, 1), (1, 0))
    ]
    single = [{**job, "operations": job["operations"][:1]} for job in (jobs[0], jobs[0])]
    for some in (jobs, single):
        for objective in ("makespan", "total_weighted_tardiness"):
            shop = read_shop({"jobs": some, "objective": objective})
            seek(shop, rule_values(shop)[1], 4, 1, hot=1.0, cold=0.5)


def read_instances(folder: Path) -> Iterator[dict[str, Any]]:
    """Every neutral instance below `folder`, sorted by path; raises ValueError where there is none."""
    found = False
    for path in sorted(folder.rglob("*.json")):
        data = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(data, dict) and "jobs" in data and "objective" in data:
            found = True
            yield data
    if not found:
        raise ValueError(f"{folder}: no scheduling instance (*.json with jobs and objective) found below it")


def write_schedule(path: Path, shop: Shop, made: Timed) -> None:
    """One row per operation: job, op, machine, start, end; indices from 0."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["job", "op", "machine", "start", "end"])
        for i in range(shop.job.shape[0]):
            j = int(shop.job[i])
            machine = int(shop.alt_machine[made.alternative[i]])
            writer.writerow([j, i - int(shop.first[j]), machine, int(made.start[i]), int(made.end[i])])


def as_line(result: Result) -> str:
    """One line of JSON: name, family, objective, value, best_known, gap, cpu_s and the others' values."""
    return json.dumps({**asdict(result), "gap": result.gap})


def summary(results: list[Result]) -> list[dict[str, Any]]:
    """Per family: instances, sum of values and of best known, sum-gap, mean gap, share matched, and the others' sum-gaps."""
    rows = []
    for family in sorted({result.family for result in results}):
        mine = [r for r in results if r.family == family and r.best_known is not None]
        known = sum(r.best_known or 0.0 for r in mine)
        gaps = [r.gap for r in mine if r.gap is not None]
        row: dict[str, Any] = {
            "family": family, "instances": len(mine), "matched": sum(r.value <= (r.best_known or 0.0) for r in mine),
            "sum_gap": _share(sum(r.value for r in mine), known), "mean_gap": sum(gaps) / len(gaps) if gaps else None,
            "cpu_s": sum(r.cpu_s for r in mine),
        }  # fmt: skip
        for name in ("cpsat", "atc", "edd", "spt", "cr"):
            others = [getattr(r, name) for r in mine]
            row[name] = None if any(value is None for value in others) else _share(sum(others), known)
        rows.append(row)
    return rows


def _share(value: float, known: float) -> float | None:
    return value / known - 1.0 if known else None
