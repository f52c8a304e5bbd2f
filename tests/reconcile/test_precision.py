"""Adaptive honesty: a rule that people found wrong too often loses its automatic mode until somebody re-approves it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import polars as pl

from recon_platform.reconcile import reconcile
from tests.reconcile.small_plant import AS_OF, context, decision, decisions, finding, night, order, plant, report

ORDERS = [order(f"A{n}", good=960) for n in range(12)]
REPORTS = [report(f"A{n}", seq, 1000, hours_ago=2) for n in range(12) for seq in (10, 20)]


def said(kind: str, count: int, *, hours_ago: float = 5, first: int = 0) -> list[dict[str, Any]]:
    at = AS_OF - timedelta(hours=hours_ago)
    return [
        decision(f"{kind}{hours_ago}-{n}", kind, f"QT-01:OLD{n}:completed_qty", valid_from=at)
        for n in range(first, first + count)
    ]


def state(made: dict[str, pl.DataFrame], rule: str = "QT-01") -> dict[str, Any]:
    return made["rule_precision"].filter(pl.col("rule") == rule).row(0, named=True)


def run(rows: list[dict[str, Any]], before: pl.DataFrame | None = None) -> dict[str, pl.DataFrame]:
    frames = {**plant(ORDERS, REPORTS), "decisions_in_force": decisions(*rows)} if rows else plant(ORDERS, REPORTS)
    if before is not None:
        frames["previous.rule_precision"] = before
    return night(frames)


def test_few_judgements_or_good_ones_leave_the_rule_alone() -> None:
    assert state(run([]))["precision"] is None
    made = run(said("lock", 2) + said("approved_move", 2, first=50))
    assert (state(made)["precision"], state(made)["automatic"]) == (0.5, True)  # four judgements say little
    made = run(said("lock", 1) + said("approved_move", 99, first=50))
    assert (state(made)["precision"], state(made)["automatic"]) == (0.99, True)


def test_below_the_threshold_the_rule_stops_acting_alone() -> None:
    made = run(said("lock", 1) + said("approved_move", 9, first=50))
    assert (state(made)["right"], state(made)["wrong"], state(made)["automatic"]) == (9, 1, False)
    assert finding(made, "QT-01", "A1")["held_by"] == "automatic mode off"
    assert made["order_changes"]["approved_by"].null_count() == 12
    assert state(made, "ST-01")["automatic"] is True  # others are not concerned


def test_what_was_lost_stays_lost_until_a_person_approves_the_rule_again() -> None:
    lost = run(said("lock", 5, hours_ago=40))["rule_precision"].with_columns(as_of=pl.lit(AS_OF - timedelta(hours=24)))
    right_since = run(said("approved_move", 2000, hours_ago=5), lost)
    assert state(right_since)["right"] == 2000
    assert state(right_since)["automatic"] is False  # better figures alone bring nothing back
    again = run([decision("S1", "switch", "rule:QT-01", value='{"state": "on"}')], lost)
    assert (state(again)["right"], state(again)["wrong"], state(again)["automatic"]) == (0, 0, True)
    assert finding(again, "QT-01", "A1")["state"] == "applied"


def test_each_judgement_counts_once() -> None:
    rows = said("lock", 3, hours_ago=40) + said("approved_move", 1, hours_ago=5, first=50)
    first = run(said("lock", 3, hours_ago=40))["rule_precision"].with_columns(as_of=pl.lit(AS_OF - timedelta(hours=24)))
    assert (state(run(rows, first))["right"], state(run(rows, first))["wrong"]) == (1, 3)


def test_another_version_of_the_rule_starts_anew() -> None:
    old = run(said("lock", 3, hours_ago=40))["rule_precision"]
    old = old.with_columns(rule_version=pl.lit("0"), as_of=pl.lit(AS_OF - timedelta(hours=24)))
    assert state(run([], old))["wrong"] == 0


def test_a_person_can_switch_a_rule_or_the_whole_reconciler_off() -> None:
    made = run([decision("S1", "switch", "rule:QT-01", value='{"state": "off"}')])
    assert finding(made, "QT-01", "A1")["held_by"] == "automatic mode off"
    made = run([decision("S1", "switch", "agent:reconciler", value='{"on": false}')])
    assert made["order_changes"]["approved_by"].null_count() == 12
    assert made["rule_precision"]["switched_off"].all()


def test_a_sample_of_what_went_out_alone_is_put_before_a_person() -> None:
    frames = plant(ORDERS, REPORTS)
    sample = night(frames)["finding_sample"]
    assert sample.height == 5
    assert sample.equals(night(frames)["finding_sample"])  # a replay draws the same
    import dataclasses

    tomorrow = dataclasses.replace(context(), planning_date=context().planning_date + timedelta(days=1))
    other = reconcile(frames, tomorrow)["finding_sample"]
    assert set(other["finding"]) != set(sample["finding"])  # and another night others
    assert night(plant(ORDERS[:3], REPORTS))["finding_sample"].height == 3
