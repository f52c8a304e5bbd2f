"""The table of rules: complete, in order, and every rule has its predicate."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from recon_platform.reconcile.catalogue import BY_ID, POSITION, RULES, rule
from recon_platform.reconcile.component_findings import CORRECTION
from recon_platform.reconcile.order_findings import TELLING
from recon_platform.reconcile.order_rules import NOT_A_FINDING, PREDICATES, judge
from tests.reconcile.small_plant import context

DESIGN = Path(__file__).resolve().parents[3] / "shared" / "design" / "reconciliation_rules.json"
ELSEWHERE = {"G0-FRESH", "G1-BREAKER", "MP-01", "MP-02", "QT-09", "RT-02", "RT-03", "RT-04", "BF-11"}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "designed" in metafunc.fixturenames:
        rules = json.loads(DESIGN.read_text(encoding="utf-8"))["rules"] if DESIGN.exists() else [None]
        metafunc.parametrize("designed", rules, ids=[r["id"] if r else "no-design" for r in rules])


def test_rule_agrees_with_the_design(designed: dict[str, Any] | None) -> None:
    if designed is None:  # a checkout without the design has nothing to compare with
        assert len(RULES) == 43
        return
    ours = rule(designed["id"])
    modes = {"block": "BLOCK", "auto_overlay": "AUTO_OVERLAY", "auto_fix": "AUTO_FIX_WITHIN_LIMITS",
             "planner_review": "PLANNER_REVIEW"}  # fmt: skip
    assert ours.severity.upper() == designed["severity"]
    assert modes[ours.mode] == designed["mode"]
    assert (ours.category or "-") == designed["mrp_cause"]


def test_rules_stand_in_the_declared_order() -> None:
    families = ["G", "UM", "MP", "QT-09", "QT-07", "ST", "QT", "BF", "RT"]

    def family(rule_id: str) -> int:
        exact = {"QT-09": 3, "QT-07": 4}
        return exact.get(rule_id, families.index(rule_id.split("-", maxsplit=1)[0].rstrip("01")))

    places = [family(one.id) for one in RULES]
    assert places == sorted(places)


def test_a_rule_reads_only_earlier_rules() -> None:
    for one in RULES:
        for earlier in one.reads:
            assert POSITION[earlier] < POSITION[one.id], f"{one.id} reads {earlier}"


def test_every_rule_is_evaluated_somewhere() -> None:
    assert set(PREDICATES) | set(CORRECTION) | ELSEWHERE | NOT_A_FINDING == set(BY_ID)
    assert set(TELLING) == set(PREDICATES) - NOT_A_FINDING


def test_an_undeclared_look_at_another_rule_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    import polars as pl

    from tests.reconcile.small_plant import order, plant, report

    monkeypatch.setitem(PREDICATES, "ST-04", lambda policy, context: pl.col("fired.QT-07"))
    from recon_platform.reconcile.facts import with_facts
    from recon_platform.reconcile.observe import observe

    frames = plant([order("A")], [report("A", 10, 5)])
    facts = with_facts(frames, observe(frames, context()), context())
    with pytest.raises(ValueError, match=r"ST-04 reads .*QT-07"):
        judge(facts, context())


def test_an_unknown_rule_is_named() -> None:
    with pytest.raises(KeyError, match="XX-99"):
        rule("XX-99")
