"""A pass gives out work as weighing every idle machine against every waiting operation would, one at a time."""

from __future__ import annotations

import math
import random
from datetime import date

import numpy as np

from recon_platform.capacity.portfolio import Setting, run_pass
from recon_platform.capacity.prepare import prepare
from recon_platform.capacity.problem import Problem, mean_run, mean_setup
from tests.capacity.plants import PlantBuilder, context

SETTING = Setting(16.0, 0.2)
Placed = dict[int, tuple[int, int]]


def plant(seed: int, machines: int, orders: int) -> Problem:
    """One work center of machines of three speeds, all idle at once, and many more orders of nine set-up families."""
    draw, builder = random.Random(seed), PlantBuilder()
    builder.center("A", machines=machines)
    for row in builder.rows["machines"]:
        row["speed"] = draw.choice((0.8, 1.0, 1.25))
        row["current_setup"] = draw.choice((None, "F1", "F2"))
    for number in range(orders):
        step = {
            "work_center": "A", "run": draw.uniform(20, 400), "setup": draw.choice((15.0, 40.0, 90.0)),
            "setup_family": f"F{draw.randrange(9)}",
        }  # fmt: skip
        builder.order(
            f"W{number:03}", [step], due=draw.uniform(2, 200), weight=draw.uniform(0.5, 4), start=date(2026, 3, 1)
        )
    return prepare(builder.frames(), context()).problem


def one_by_one(p: Problem) -> Placed:
    """(machine, set-up start) of each operation by the rule itself: at each minute the best pair, of equals the first operation,
    then the faster machine, then the first."""
    k1, k2 = 1.0 / (SETTING.k1 * mean_run(p)), 1.0 / (SETTING.k2 * mean_setup(p))
    machines = range(p.machine.shape[0] - 1)
    free, stands = dict.fromkeys(machines, 0), {m: int(p.machine["family"][m]) for m in machines}
    waiting, made = set(range(p.operation.shape[0])), Placed()

    def setup(m: int, i: int) -> float:
        after = p.family[p.operation["family"][i]]
        before = p.family[stands[m]] if stands[m] >= 0 else None
        alike = before is not None and after["alike"] >= 0 and before["alike"] == after["alike"]
        return 0.0 if alike else float(after["setup"])

    def rank(m: int, i: int, now: int) -> tuple[float, int, float, int]:
        o = p.operation[i]
        index = np.float32(o["urgency"] - max(0, int(o["latest"]) - now) * k1)
        return float(index) - setup(m, i) * k2, -i, float(p.machine["speed"][m]), -m

    while waiting:
        now = min(free.values())
        idle = [m for m in machines if free[m] == now]
        while idle and waiting:
            m, i = max(((m, i) for m in idle for i in waiting), key=lambda pair: rank(*pair, now))
            made[i] = (m, now)
            run = float(p.operation["run"][i]) / float(p.machine["speed"][m])
            minutes = sum(math.ceil(part * 0.999999 - 1e-3) for part in (setup(m, i), run))
            free[m], stands[m] = now + minutes, int(p.operation["family"][i])
            idle.remove(m)
            waiting.remove(i)
    return made


def test_machines_idle_at_once_get_the_work_that_the_rule_gives_them() -> None:
    for seed, machines, orders in ((1, 12, 60), (2, 30, 70), (3, 2, 30)):
        problem = plant(seed, machines, orders)
        placed = run_pass(problem, SETTING, record=True)
        found = {i: (int(row["machine"]), int(row["setup_start"])) for i, row in enumerate(placed.placement)}
        assert found == one_by_one(problem), f"seed {seed}"
        runner_up = placed.terms[:, 4] >= 0
        assert runner_up.sum() > orders / 2
        assert (placed.terms[runner_up, 0] >= placed.terms[runner_up, 5]).all()
