"""The proposed set against the best one: on small plants every allowed set of the moves offered is planned."""

from __future__ import annotations

import random
from dataclasses import replace
from itertools import combinations
from typing import Any

import pytest

from recon_platform.proposal import evaluate
from recon_platform.proposal.candidates import candidates
from recon_platform.proposal.evaluate import Trial, begin
from recon_platform.proposal.moves import measured, propose_moves
from recon_platform.proposal.sets import Evaluator, allowed, excludes, good_set
from tests.proposal.planted import CASES
from tests.proposal.small import Small, day

SHARE = 0.9
MOVES = 5


def random_plant(seed: int) -> Small:
    """Two sibling presses with overtime on offer, five orders of three classes, wire that comes late for some."""
    draw = random.Random(seed)
    plant = Small(proposal={"max_moves": MOVES, "max_bundles": 2, "max_set_trials": 20})
    for press in ("PRESS", "OTHER"):
        plant.center(press, draw.choice((1, 2)), hours=(6, 16), overtime=(16, 20), overtime_allowed=True, sibling_group="G",
                     sibling_speed=draw.choice((0.8, 1.0)))  # fmt: skip
    plant.add("items", item="WIRE", make_buy="buy", lead_time_days=20, tensile_mpa=800.0, corrosion_class="plain")
    plant.add(
        "items",
        item="WIRE2",
        make_buy="buy",
        lead_time_days=20,
        tensile_mpa=800.0,
        corrosion_class="plain",
        cost=draw.choice((10.0, 14.0)),
    )
    plant.add("substitutes", item="WIRE", substitute_item="WIRE2").add(
        "inventory", item="WIRE2", lot="L", qty=draw.choice((5.0, 20.0))
    )
    plant.add("inventory", item="WIRE", qty=float(draw.randrange(0, 30)))
    plant.add(
        "supplier_items",
        item="WIRE",
        expedite_days=draw.choice((1, 2, 3)),
        expedite_fee=float(draw.choice((50, 300, 900))),
    )
    plant.add(
        "purchase_orders",
        purchase_order="P1",
        item="WIRE",
        qty=60.0,
        received_qty=0.0,
        due_date=day(6),
        promised_date=day(6),
    )
    for k in range(5):
        item, due = f"I{k}", draw.randrange(1, 5)
        plant.add("items", item=item).line(f"S{k}", item, 10.0, due, draw.choice(("A1", "B1", "C1")))
        if draw.random() < 0.7:
            plant.add("bom_lines", parent_item=item, component_item="WIRE")
        steps = [{"work_center": draw.choice(("PRESS", "OTHER")), "hours": draw.choice((4, 8, 16)), "setup_min": 30.0}]
        plant.work_order(f"W{k}", item, 10.0, steps, start=draw.randrange(0, 2), due=due)
    return plant


def won(seed: int) -> tuple[float, float]:
    """(value of the proposed set, value of the best allowed set), in plant currency."""
    plant = random_plant(seed)
    frames, context = plant.frames(), plant.context
    evaluator = Evaluator(frames, context)
    tried = measured(candidates(frames, context), evaluator)
    proposed = good_set(tried, evaluator, context.policy.proposal.max_set_trials)
    best = 0.0
    for size in range(1, len(tried) + 1):
        for members in combinations(tried, size):
            if allowed([one.candidate for one in members]):
                best = max(best, evaluator.value(members)[0])
    return proposed.value, best


def compared(seeds: range) -> None:
    values = [won(seed) for seed in seeds]
    assert all(mine <= best + 1e-6 for mine, best in values)
    mine, best = (sum(side) for side in zip(*values, strict=True))
    assert best > 0
    assert mine >= SHARE * best, values


def test_the_proposed_set_wins_what_the_best_set_wins() -> None:
    compared(range(3))


@pytest.mark.long
def test_the_proposed_set_wins_what_the_best_set_wins_on_200_plants() -> None:
    compared(range(200))


def test_a_rerun_tries_fewer_moves_and_no_pairs_so_that_its_plan_comes_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    plant = random_plant(2)
    plant.policy["proposal"] |= {"rerun_moves": 2}
    frames, trials = plant.frames(), []

    def counted(*given: Any) -> Trial:
        trials.append(given)
        return begin(*given)

    monkeypatch.setattr(evaluate, "begin", counted)
    night = propose_moves(frames, plant.context)
    at_night = len(trials)
    rerun = propose_moves(frames, replace(plant.context, sequence=1))
    assert len(trials) - at_night <= 2 + 2 + 1 < at_night  # each move, steps of the set, the set as a whole
    assert set(rerun.table["move"]) < set(night.table["move"])
    plant.policy["proposal"] |= {"rerun_operations": frames["schedule"].height - 1}
    assert propose_moves(frames, replace(plant.context, sequence=1)).table.is_empty()  # too large a plant


def test_moves_that_ask_for_more_than_there_is_exclude_each_other() -> None:
    plant = CASES["expedite-inside-flex"].plant()
    plant.policy["proposal"] = {"max_moves": 4}
    plant.add(
        "purchase_orders",
        purchase_order="P2",
        item="WIRE",
        qty=15.0,
        received_qty=0.0,
        due_date=day(9),
        promised_date=day(9),
    )
    plant.add("items", item="NUT").add("bom_lines", parent_item="NUT", component_item="WIRE").line("S2", "NUT", 15.0, 4)
    plant.work_order("W2", "NUT", 15.0, [{"work_center": "PRESS", "hours": 4}], start=1, due=4)
    frames = plant.frames()
    expedites = [one for one in candidates(frames, plant.context) if one.kind == "expedite_purchase"]
    assert {one.subject for one in expedites} == {"P1/1", "P2/1"}
    assert excludes(*expedites), "10 and 15 of the 20 that may still be moved"
    assert not allowed(expedites)


def test_two_moves_of_one_row_exclude_each_other() -> None:
    plant = CASES["split"].plant()
    frames = plant.frames()
    by_kind = {one.kind: one for one in candidates(frames, plant.context)}
    assert excludes(by_kind["split"], by_kind["split"])
    assert all(not excludes(by_kind["split"], other) for kind, other in by_kind.items() if kind == "rush")
