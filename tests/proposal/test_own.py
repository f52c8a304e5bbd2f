"""Planners' own proposals go through the evaluation of the platform's moves; what is wrong with one is said."""

from __future__ import annotations

import json
from dataclasses import replace

import polars as pl
import pytest

from recon_platform.planning.decisions import Change
from recon_platform.proposal.evaluate import compare, pinned, plan_again
from recon_platform.proposal.moves import move_digest
from recon_platform.proposal.own import evaluate_own, override, own_proposal
from tests.proposal.planted import CASES, siblings
from tests.proposal.small import Small, at


@pytest.fixture(scope="module")
def plant() -> Small:
    return siblings(1.0)


@pytest.fixture(scope="module")
def frames(plant: Small) -> dict[str, pl.DataFrame]:
    return plant.frames()


def test_a_planners_sibling_move_has_the_effect_of_planning_with_it(
    plant: Small, frames: dict[str, pl.DataFrame]
) -> None:
    own = own_proposal(frames, kind="sibling", subject="W2/10", value="OTHER", reason="the other press is idle")
    row = evaluate_own(frames, plant.context, [own])[0]
    changes: list[Change] = [*pinned(frames, plant.context), *own.changes]
    effect = compare(frames, plan_again(frames, plant.context, changes), plant.context)
    assert json.loads(row["lines"])["won"] == list(effect.won) != []
    assert row["operations_moved"] == effect.operations_moved > 0
    assert row["digest"] == move_digest(row)


def test_rush_resequence_split_and_override_are_measured(plant: Small, frames: dict[str, pl.DataFrame]) -> None:
    proposals = [
        own_proposal(frames, kind="rush", subject="W2", value="", reason="customer called"),
        own_proposal(frames, kind="resequence", subject="W1", value=at(30).isoformat(), reason="tool is away"),
        own_proposal(frames, kind="split", subject="W1", value="4", reason="half is enough"),
        override(
            "PRESS",
            [{"verb": "set", "table": "supply_orders", "where": {"order": "W1"}, "values": {"weight": 1.0}}],
            "x",
        ),
    ]
    rows = evaluate_own(frames, plant.context, proposals)
    assert [row["kind"] for row in rows] == ["rush", "resequence", "split", "override"]
    held = plan_again(frames, plant.context, proposals[1].changes)["schedule"].filter(pl.col("work_order") == "W1")
    assert held["setup_start"].min() >= at(30)  # type: ignore[operator]
    parts = plan_again(frames, plant.context, proposals[2].changes)["schedule"]
    assert dict(parts.filter(pl.col("work_order").str.starts_with("W1")).select("work_order", "qty").iter_rows()) == {
        "W1": 6.0, "W1-S": 4.0,
    }  # fmt: skip


def test_firming_a_planned_order_keeps_it_in_the_next_plan() -> None:
    plant = CASES["buy-instead"].plant()
    frames = plant.frames()
    order = frames["planned_orders"].filter(pl.col("item") == "BOLT").row(0, named=True)
    own = own_proposal(frames, kind="firm", subject=order["order"], value="", reason="agreed with sales")
    after = plan_again(frames, plant.context, own.changes)["planned_orders"].filter(pl.col("item") == "BOLT")
    assert after.filter(pl.col("firm"))["qty"].to_list() == [order["qty"]]
    frozen = replace(plant.context.policy.material, master_schedule_frozen_days=400)
    strict = replace(plant.context, policy=replace(plant.context.policy, material=frozen))
    asked = [evaluate_own(frames, context, [own])[0]["approval_needed"] for context in (plant.context, strict)]
    assert asked == ["supervisor", "manager"]  # inside the frozen master schedule the higher authority decides


@pytest.mark.parametrize(
    ("kind", "subject", "value", "wrong"),
    [
        ("firm", "P9", "", "subject: expected a planned order, found 'P9'"),
        ("resequence", "W1", "noon", "value: expected an instant"),
        ("split", "W1", "10", "more than 0 and less than 10"),
        ("split", "W1", "some", "value: expected the quantity split off"),
        ("sibling", "W1/10", "NOWHERE", "expected a sibling of PRESS (OTHER), found 'NOWHERE'"),
        ("sibling", "W1/99", "OTHER", "expected order/operation of the schedule"),
        ("frozen_break", "W1", "", "which has none"),
        ("juggle", "W1", "", "kind: expected one of firm"),
    ],
)
def test_what_is_wrong_is_said(
    frames: dict[str, pl.DataFrame], kind: str, subject: str, value: str, wrong: str
) -> None:
    with pytest.raises(ValueError, match=r"expected|has none") as caught:
        own_proposal(frames, kind=kind, subject=subject, value=value, reason="because")
    assert wrong in str(caught.value)


def test_a_proposal_without_a_reason_is_refused(frames: dict[str, pl.DataFrame]) -> None:
    with pytest.raises(ValueError, match="reason: expected why"):
        own_proposal(frames, kind="rush", subject="W1", value="", reason=" ")
