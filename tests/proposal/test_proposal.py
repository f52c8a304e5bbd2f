"""The proposal on a small plant: effects are those of approving, reasons are there, digests bind what is shown."""

from __future__ import annotations

import json
import random
from itertools import islice

import polars as pl
import pytest

from assets.description import as_markdown
from assets.summaries import SHOWN_ROWS, SUMMARIES
from recon_platform.planning import plan, run_stages
from recon_platform.planning.decisions import with_trial
from recon_platform.planning.stages import compared_stages, trial_stages
from recon_platform.proposal.candidate import set_row
from recon_platform.proposal.candidates import SEARCHES, late_orders
from recon_platform.proposal.delta import proposal_changes
from recon_platform.proposal.evaluate import compare, concerned, plan_again
from recon_platform.proposal.impact import expected_impact
from recon_platform.proposal.moves import SHOWN, exception_moves, move_digest
from recon_platform.proposal.sets import Evaluator
from recon_platform.tables.context import PlanContext
from recon_platform.tables.governance import DECISIONS_IN_FORCE
from recon_platform.tables.model import Frames
from recon_platform.tables.reuse import Reuse
from tests.proposal.conftest import Proposed
from tests.proposal.planted import CASES


def decision(proposed: Proposed, move: dict[str, object], kind: str) -> pl.DataFrame:
    return DECISIONS_IN_FORCE.frame([
        {
            "decision": "D1", "kind": kind, "subject": move["move"],
            "value": json.dumps({"change": json.loads(str(move["change"]))}), "valid_from": proposed.context.as_of,
            "approved_by": "supervisor", "reason": "test",
        }
    ])  # fmt: skip


def test_the_plant_offers_several_kinds_of_moves(proposed: Proposed) -> None:
    moves = proposed.frames["exception_moves"]
    assert moves.height >= 3
    assert moves["kind"].n_unique() >= 2
    assert moves.sort("rank")["rank"].to_list() == list(range(1, moves.height + 1))
    parts = {part for needs in moves["needs"] for part in json.loads(needs)}
    idle = moves.filter((pl.col("operations_moved") == 0) & (pl.col("cost").abs() < 0.01))
    assert set(idle["move"]) <= parts  # advice that changes nothing is none, unless something else needs it


def test_an_approved_move_has_the_effect_that_was_shown(proposed: Proposed) -> None:
    move = proposed.frames["exception_moves"].sort("rank").row(0, named=True)
    approved = plan(
        proposed.landing.frames, proposed.context, decisions=decision(proposed, move, "approved_move"),
        published=proposed.published,
    )  # fmt: skip
    effect = compare(proposed.frames, approved, proposed.context)
    assert (len(effect.won), len(effect.lost), effect.operations_moved) == (
        move["lines_won"], move["lines_lost"], move["operations_moved"],
    )  # fmt: skip
    assert json.loads(move["lines"]) == {"won": list(effect.won), "lost": list(effect.lost)}
    assert (effect.late_days_saved, effect.labour_hours) == (move["late_days_saved"], move["labour_hours"])


def a_trial_that_reuses_is_the_plan_made_from_nothing(frames: Frames, context: PlanContext, each: int) -> set[str]:
    """Compare trials of `each` candidates of every kind and of pairs of them; gives the kinds."""
    evaluator = Evaluator(frames, context)
    late, stages = late_orders(frames), [step for step in trial_stages() if step.name not in ("load", "shortages")]
    found = [one for search in SEARCHES for one in islice(search(frames, context, late), each)]
    draw = random.Random(8)
    trials = [[one] for one in found] + [draw.sample(found, 2) for _ in range(min(2, len(found) - 1))]
    draw.shuffle(trials)
    for members in trials:
        changes = [*evaluator.setting, *(change for one in members for change in one.changes)]
        whole = run_stages(stages, with_trial(frames, context, changes), context)
        again = evaluator.plan(members)
        for name in ("schedule", "order_promises", "supply_orders", "order_links", "action_messages", "pegging"):
            mine, other = (plan[name].drop("terms", strict=False) for plan in (again, whole))
            assert mine.equals(other), (name, [one.subject for one in members])
        assert evaluator.effect(members) == compare(frames, whole, context), [one.subject for one in members]
    return {one.kind for one in found}


def test_a_trial_that_reuses_what_others_made_is_the_plan_made_from_nothing(proposed: Proposed) -> None:
    kinds = a_trial_that_reuses_is_the_plan_made_from_nothing(proposed.frames, proposed.context, 1)
    for name in ("coil-class", "split", "buy-instead", "make-instead"):
        plant = CASES[name].plant()
        kinds |= a_trial_that_reuses_is_the_plan_made_from_nothing(plant.frames(), plant.context, 1)
    assert len(kinds) == len(SEARCHES)


def test_a_trial_of_what_netting_does_not_read_nets_nothing(proposed: Proposed) -> None:
    frames, context = proposed.frames, proposed.context
    queues = set_row("reconciled_operations", {"work_order": "W"}, queue_min=0.0)
    halves = set_row("reconciled_operations", {"work_order": "W"}, queue_min=0.0, status="waiting")
    assert [step.name for step in concerned([queues], compared_stages(Reuse()))] == ["schedule", "promises"]
    assert [step.name for step in concerned([halves], compared_stages(Reuse()))] == ["material", "schedule", "promises"]
    netting = next(step for step in compared_stages(Reuse()) if step.name == "material")
    read = {name: frames[name] for name in netting.reads if name in frames}
    for name, columns in netting.columns.items():
        narrow = netting.run({**read, name: frames[name].select(columns)}, context)
        assert all(frame.equals(frames[made].select(frame.columns)) for made, frame in narrow.items())


def test_a_rejected_move_does_not_return_while_its_lock_holds(proposed: Proposed) -> None:
    move = proposed.frames["exception_moves"].row(0, named=True)
    frames = {**proposed.frames, "decisions_in_force": decision(proposed, move, "lock")}
    again = exception_moves(frames, proposed.context)
    assert move["move"] not in again["move"].to_list()
    assert again.height > 0


@pytest.mark.parametrize("column", SHOWN)
def test_a_digest_changes_with_anything_that_is_shown(proposed: Proposed, column: str) -> None:
    move = proposed.frames["exception_moves"].row(0, named=True)
    assert move_digest(move) == move["digest"]
    assert move_digest({**move, column: "something else"}) != move["digest"]


def test_trying_a_move_out_leaves_the_plan_as_it_is(proposed: Proposed) -> None:
    before = proposed.frames["schedule"].clone()
    changes = json.loads(proposed.frames["exception_moves"].row(0, named=True)["change"])
    plan_again(proposed.frames, proposed.context, changes)
    assert proposed.frames["schedule"].equals(before)
    assert "decisions_in_force" not in proposed.frames


def test_the_order_of_rows_changes_no_word_of_the_delta_view(proposed: Proposed) -> None:
    frames = proposed.frames
    shuffled = {
        name: frames[name].sample(fraction=1.0, shuffle=True, seed=7)
        for name in ("published.schedule", "schedule", "reconciled_orders", "reconciled_operations")
    }
    asked = {name: frame for name, frame in frames.items() if name != "proposal_changes"}
    assert proposal_changes({**asked, **shuffled}, proposed.context).equals(frames["proposal_changes"])


def test_against_itself_a_schedule_changes_nothing(proposed: Proposed) -> None:
    frames = {**proposed.frames, "published.schedule": proposed.frames["schedule"]}
    assert proposal_changes(frames, proposed.context).is_empty()


def test_every_operation_that_differs_is_listed_with_a_reason(proposed: Proposed) -> None:
    key = ["work_order", "op_seq"]
    before, after = proposed.frames["published.schedule"], proposed.frames["schedule"]
    both = before.join(after, on=key, how="full", coalesce=True, suffix="_new")
    differ = both.filter(
        pl.col("start").ne_missing(pl.col("start_new")) | pl.col("machine").ne_missing(pl.col("machine_new"))
    )
    changes = proposed.frames["proposal_changes"]
    assert changes.select(key).sort(key).equals(differ.select(key).sort(key))
    assert changes.filter(pl.col("reason").str.strip_chars() == "").is_empty()
    rootless = changes.filter(pl.col("root").is_null() & ~pl.col("sequenced_anew"))
    print(f"{changes.height} changes between two nights, {rootless.height} without a root")
    assert rootless.is_empty(), rootless.select("work_order", "op_seq", "reason").rows()


def test_impact_shows_both_plans_and_the_set_as_a_whole(proposed: Proposed) -> None:
    impact = {row["measure"]: row for row in proposed.frames["expected_impact"].iter_rows(named=True)}
    promises = proposed.frames["order_promises"]
    on_time = promises.filter(pl.col("projected_ship").is_not_null() & (pl.col("late_days") <= 0)).height
    assert impact["expected_otif"]["proposed"] == pytest.approx(100 * on_time / promises.height)
    assert impact["late_lines"]["in_force"] is not None
    without = {row["measure"]: row for row in expected_impact(proposed.frames, None, proposed.context).to_dicts()}
    assert all(row["with_moves"] == row["proposed"] for row in without.values())


def test_the_summaries_in_the_ui_say_what_the_tables_say(proposed: Proposed) -> None:
    frames = proposed.frames
    for name, summary in SUMMARIES.items():
        told = summary(frames[name])
        assert 0 < told.height <= SHOWN_ROWS, name
        assert as_markdown(told).count("\n") == told.height + 1
    by_cause = SUMMARIES["proposal_changes"](frames["proposal_changes"])
    assert by_cause["changes"].sum() == frames["proposal_changes"].height
    assert SUMMARIES["exception_moves"](frames["exception_moves"]).item(0, "rank") == 1
