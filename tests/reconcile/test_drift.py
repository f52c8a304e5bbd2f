"""Rules against planted truth on generated plants; the same at full size in the long run."""

from __future__ import annotations

import time
from pathlib import Path

import polars as pl
import pytest

from recon_platform.bench.reconciliation import (
    DriftFigures,
    RuleScore,
    conformed_night,
    expected_findings,
    fix_pool,
    nights,
    pooled,
    run,
    score,
    table,
    without_breaker,
)
from recon_platform.plantsim import generate
from recon_platform.reconcile import reconcile
from recon_platform.tables.reconciled import FINDINGS
from recon_platform.tables.truth import TRUTH

LEAST_F1 = 0.97
LEAST_FIX_PRECISION = 0.999
LEAST_REDUCTION = 0.6


def good_enough(figures: list[DriftFigures]) -> None:
    _, overall = pooled(figures)
    fixes, wrong = sum(f.fixes for f in figures), sum(f.wrong_fixes for f in figures)
    assert overall.f1 is not None, "nothing was planted"
    assert overall.f1 >= LEAST_F1, table(figures)
    assert fixes > 0, "no rule acted alone"
    assert 1 - wrong / fixes >= LEAST_FIX_PRECISION, [f.mistakes for f in figures]
    assert sum(f.critical_missed for f in figures) == 0


def test_a_small_plant_with_much_drift() -> None:
    figures = run(700, seeds=(1,), rates=(0.2,))
    good_enough(figures)
    assert figures[0].planted > 100
    assert "| all |" in table(figures)


def test_a_plant_without_drift_gives_nothing_to_look_at(tmp_path: Path) -> None:
    made = generate(tmp_path, orders=300, seed=4, drift=0.0)
    frames, context = conformed_night(made.nights[0])
    found = reconcile(frames, context)["findings"]
    assert set(found["rule"]) <= {"QT-05"}


def test_the_breaker_trips_on_a_bad_night() -> None:
    ((_, _, frames, context, _),) = nights(300, seeds=(1,), rates=(0.3,))
    with_it, without = reconcile(frames, context), reconcile(frames, without_breaker(context))
    assert "G1-BREAKER" in set(with_it["findings"]["rule"])
    assert with_it["order_changes"]["approved_by"].null_count() == with_it["order_changes"].height
    assert without["order_changes"]["approved_by"].null_count() < without["order_changes"].height


def test_scores_count_pairs_of_rule_and_entity() -> None:
    truth = TRUTH.frame(
        [
            {"kind": "k", "table": "t", "key": key, "field": "f", "night": None, "observable": seen,
             "expected_rules": rules, "entity_type": "work_order", "entity": key, "drift_kind": "1"}
            for key, rules, seen in (("A", "QT-01,ST-02", True), ("B", "QT-01", True), ("C", "QT-02", False))
        ]
    )  # fmt: skip
    row = {
        "rule_version": "1", "severity": "low", "mode": "planner_review", "entity_type": "work_order", "applied": False,
        "value_at_stake": 0.0, "evidence": "{}", "state": "open", "orders_behind": 0,
    }  # fmt: skip
    found = FINDINGS.frame(
        [
            {**row, "finding": f"{rule}:{entity}", "rule": rule, "entity": entity}
            for rule, entity in (("QT-01", "A"), ("ST-02", "A"), ("QT-02", "D"), ("QT-05", "A"))
        ]
    )
    scores, off = score(found, truth)
    assert expected_findings(truth).height == 3  # what cannot be seen is not asked for
    assert scores == (RuleScore("QT-01", 1, 0, 1), RuleScore("QT-02", 0, 1, 0), RuleScore("ST-02", 1, 0, 0))
    assert off["entity"].to_list() == ["B", "D"]
    assert RuleScore("X", 0, 0, 0).f1 is None


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_three_seeds_of_five_thousand_orders_at_every_rate() -> None:
    figures = run(5_000)
    good_enough(figures)
    for figure in figures:
        assert 1 - figure.after_per_100 / figure.before_per_100 >= LEAST_REDUCTION, table(figures)


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_three_thousand_corrections_without_a_wrong_one_in_a_thousand() -> None:
    fixes, wrong = fix_pool()
    assert fixes >= 3_000
    assert 1 - wrong / fixes >= LEAST_FIX_PRECISION


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_a_hundred_thousand_orders_in_seconds() -> None:
    from recon_platform.bench.large_backlog import large_backlog

    frames, context = large_backlog(100_000, operations=8)
    reconcile(*large_backlog(1_000, operations=8))  # compiled kernels are warm
    assert frames["work_order_operations"].height == 800_000
    best = float("inf")
    for _ in range(3):
        started = time.process_time()
        made = reconcile(frames, context)
        best = min(best, time.process_time() - started)
    assert made["reconciled_orders"].height == 100_000
    assert made["findings"].filter(pl.col("severity") != "info").height > 1_000
    assert best < 10.0, f"{best:.1f} CPU seconds, which is more than 5 s on two cores"
