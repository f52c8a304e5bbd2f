"""Attribution against brute force: full replay of every subset of categories, in code that shares nothing with it."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recon_platform.material.attribution import Attribution, attribute
from recon_platform.material.snapshot import snapshot
from tests.cases.material_support import bom_rows, case_frames, event_rows, neutral, week
from tests.material import reference
from tests.material.plant import context, day

BATCH = 30


def played(cases: list[reference.Case]) -> Attribution:
    """All cases attributed at once: they share no item, so they cannot touch each other."""
    records = [neutral(name, item) for case in cases for name, item in case["items"].items()]
    ctx = context(day(1), horizon_days=reference.HORIZON * 7 - 1)
    facts = snapshot(case_frames(records, 1), ctx)
    events, boms = event_rows([e for case in cases for e in case["events"]], records)
    return attribute(facts, events, bom_rows(facts.lines, boms), ctx)


def compare(cases: list[reference.Case]) -> int:
    """Every order of every case: need, date, shares and amplifier; gives how many orders moved."""
    made = played(cases)
    shifts = {row["order"]: row for row in made.shifts.iter_rows(named=True)}
    found = {
        (o, c): d / 7
        for o, c, d in made.shares.group_by("order", "category").agg(pl.col("contribution_days").sum()).iter_rows()
    }
    moved = 0
    reached = set(made.reached.get_column("item"))
    for case in cases:
        amplified = reference.amplifiers(case, reached)
        for order, (need, due, need_now, due_now, share) in reference.shares(case).items():
            row = shifts.get(order)
            if row is None:
                assert (need, due) == (need_now, due_now), (order, case)
                assert all(abs(v) < 1e-9 for v in share.values()), (order, case)
                continue
            moved += 1
            assert row["amplifier"] == amplified.get(order), (order, case)
            assert (week(row["need_before"]), week(row["due_before"])) == (need, due), (order, case)
            assert (week(row["need_now"]), week(row["due_now"])) == (need_now, due_now), (order, case)
            for category, value in share.items():
                assert found.get((order, category), 0.0) == pytest.approx(value, abs=1e-9), (order, category, case)
    return moved


@settings(max_examples=18, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(st.integers(0, 2**30))
def test_shares_equal_brute_force(seed: int) -> None:
    """More than 500 random multi-level cases with shared components, date changes and engineering changes."""
    cases = [reference.random_case(seed + n, f"C{n}") for n in range(BATCH)]
    assert compare(cases) > 0


@pytest.mark.long
@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.integers(0, 2**40))
def test_shares_equal_brute_force_on_more(seed: int) -> None:
    compare([reference.random_case(seed + n, f"C{n}") for n in range(BATCH)])
