"""The searches on plain job shops: known optima, no worse than their start, exact replay, feasible whatever the shop."""

from __future__ import annotations

import csv
import itertools
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recon_platform.bench.instances import lower_bound, read_shop, rule_values, run, seek, temperatures, verify

FT06 = (
    "2 1 0 3 1 6 3 7 5 3 4 6", "1 8 2 5 4 10 5 10 0 10 3 4", "2 5 3 4 5 8 0 9 1 1 4 7",
    "1 5 0 5 2 5 3 3 4 8 5 9", "2 9 1 3 4 5 5 4 0 3 3 1", "1 3 3 3 5 9 0 10 4 4 2 1",
)  # fmt: skip
"""Fisher & Thompson 1963, 6 × 6: machine and duration by turns. Optimal makespan 55."""


def job(operations: list[list[tuple[int, int]]], *, release: int = 0, due: int = 0, weight: int = 1) -> dict[str, Any]:
    """A job of the neutral form; each operation is a list of (machine, duration)."""
    alternatives = [{"alternatives": [{"machine": m, "duration": d} for m, d in one]} for one in operations]
    return {"release": release, "due": due, "weight": weight, "operations": alternatives}


def instance(jobs: list[dict[str, Any]], objective: str, **more: Any) -> dict[str, Any]:
    return {"name": "one", "family": "few", "objective": objective, "jobs": jobs, **more}


def ft06() -> dict[str, Any]:
    rows = [[int(number) for number in row.split()] for row in FT06]
    return instance([job([[pair] for pair in zip(row[::2], row[1::2], strict=True)]) for row in rows], "makespan")


def value(data: dict[str, Any], moves: int, seed: int = 1) -> float:
    """What `moves` moves reach, judged from the instance alone; never above the best rule."""
    shop = read_shop(data)
    _, start = rule_values(shop)
    hot, cold = temperatures(shop, start.value)
    made = seek(shop, start, moves, seed, hot=hot, cold=cold)
    found = verify(data, shop, made)
    assert found == made.value
    assert lower_bound(shop) <= found <= start.value
    return found


def test_the_six_by_six_of_fisher_and_thompson_is_solved() -> None:
    assert value(ft06(), 2000) == 55


@pytest.mark.parametrize("with_setup", [False, True])
def test_a_machine_with_seven_jobs_is_solved(with_setup: bool) -> None:
    rng = np.random.default_rng(4)
    jobs = [job([[(0, int(d))]], release=int(r), due=int(q), weight=int(w)) for d, r, q, w in zip(
        rng.integers(5, 20, 7), rng.integers(0, 10, 7), rng.integers(10, 70, 7), rng.integers(1, 9, 7), strict=True)]  # fmt: skip
    setup = rng.integers(0, 15, (7, 7)).tolist() if with_setup else None
    initial = rng.integers(0, 15, 7).tolist() if with_setup else None

    def cost(sequence: tuple[int, ...]) -> float:
        clock, total, last = 0, 0, None
        for j in sequence:
            if setup and initial:
                clock += initial[j] if last is None else setup[last][j]
            clock = max(clock, jobs[j]["release"]) + jobs[j]["operations"][0]["alternatives"][0]["duration"]
            total += jobs[j]["weight"] * max(0, clock - jobs[j]["due"])
            last = j
        return total

    data = instance(jobs, "total_weighted_tardiness", setup=setup, setup_initial=initial)
    assert value(data, 20_000) == min(map(cost, itertools.permutations(range(7))))


def test_three_jobs_on_three_machines_are_as_little_late_as_any_sequence_allows() -> None:
    rng = np.random.default_rng(111)
    jobs = [
        job([[(int(m), int(rng.integers(2, 20)))] for m in rng.permutation(3)], due=int(due), weight=int(weight))
        for due, weight in zip((14, 22, 30), (5, 2, 3), strict=True)
    ]
    data = instance(jobs, "total_weighted_tardiness")

    def cost(sequence: tuple[int, ...]) -> int:
        free, ends, step = [0] * 3, [0] * 3, [0] * 3
        for j in sequence:
            alternative = jobs[j]["operations"][step[j]]["alternatives"][0]
            step[j] += 1
            ends[j] = free[alternative["machine"]] = (
                max(ends[j], free[alternative["machine"]]) + alternative["duration"]
            )
        return sum(one["weight"] * max(0, end - one["due"]) for one, end in zip(jobs, ends, strict=True))

    places = range(9)
    sequences = (
        tuple(0 if k in first else 1 if k in second else 2 for k in places)
        for first in itertools.combinations(places, 3)
        for second in itertools.combinations([k for k in places if k not in first], 3)
    )
    least = min(map(cost, sequences))
    assert 0 < least < value(data, 1)
    assert value(data, 4000) == least


def test_a_job_may_visit_one_machine_twice_running() -> None:
    jobs = [job([[(0, 4), (1, 5)], [(0, 3)], [(1, 2), (0, 2)]], due=9), job([[(0, 2)], [(1, 6)], [(1, 1)]], due=9)]
    assert value(instance(jobs, "makespan"), 500) == 11
    assert value(instance(jobs, "total_weighted_tardiness"), 500) == 2


@st.composite
def shops(draw: st.DrawFn) -> dict[str, Any]:
    """Any small shop: alternatives, repeated machines, releases, set-ups between jobs, either objective."""
    machines = draw(st.integers(1, 4))
    alternative = st.tuples(st.integers(0, machines - 1), st.integers(1, 30))
    operation = st.lists(alternative, min_size=1, max_size=3, unique_by=lambda one: one[0])
    jobs = [
        job(operations, release=release, due=due, weight=weight)
        for operations, release, due, weight in draw(
            st.lists(
                st.tuples(
                    st.lists(operation, min_size=1, max_size=5),
                    st.integers(0, 20),
                    st.integers(0, 90),
                    st.integers(1, 5),
                ),
                min_size=2,
                max_size=7,
            )
        )
    ]
    more: dict[str, Any] = {}
    if draw(st.booleans()):
        number = st.integers(0, 25)
        row = st.lists(number, min_size=len(jobs), max_size=len(jobs))
        more = {"setup": draw(st.lists(row, min_size=len(jobs), max_size=len(jobs))), "setup_initial": draw(row)}
    return instance(jobs, draw(st.sampled_from(["makespan", "total_weighted_tardiness"])), **more)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(shops())
def test_every_search_is_feasible_repeatable_and_no_worse_than_its_start(data: dict[str, Any]) -> None:
    assert value(data, 300, seed=3) == value(data, 300, seed=3)


def test_the_command_writes_what_an_outside_check_reads(tmp_path: Path) -> None:
    data = ft06() | {"best_known": {"upper": 55}}
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "one.json").write_text(json.dumps(data), encoding="utf-8")
    (result,) = run(tmp_path / "in", cpu_seconds=0.2, out=tmp_path / "out", with_cpsat=True)
    assert (result.value, result.gap) == (55, 0.0)
    assert result.cpsat == 55
    with (tmp_path / "out" / "few" / "one.csv").open(encoding="utf-8") as file:
        rows = [{name: int(number) for name, number in row.items()} for row in csv.DictReader(file)]
    assert max(row["end"] for row in rows) == 55
    for row in rows:
        (alternative,) = data["jobs"][row["job"]]["operations"][row["op"]]["alternatives"]
        assert (row["machine"], row["end"] - row["start"]) == (alternative["machine"], alternative["duration"])
    with pytest.raises(ValueError, match="no scheduling instance"):
        run(tmp_path / "out", cpu_seconds=0.1)
