"""The effect shown is the effect after publishing: for every move of a night alone, and for the set proposed together.

A night of the generated plant in a lake. Each move is put in force as its approval would and solved by the function that
publishing calls; the set is approved by people and published, and measured on the schedule that then is in force.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pytest

from recon_platform.connectors import read_landing
from recon_platform.governance import Store, service
from recon_platform.governance.errors import StaleError
from recon_platform.governance.permissions import Permission
from recon_platform.governance.requests import Request
from recon_platform.governance.signatures import Signing
from recon_platform.nights import records, solving
from recon_platform.nights.in_force import schedule_in_force
from recon_platform.nights.night import run_night
from recon_platform.nights.proposing import propose
from recon_platform.nights.publish import publish
from recon_platform.plantsim import generate
from recon_platform.proposal.evaluate import COMPARED, compare
from recon_platform.proposal.impact import measures
from recon_platform.proposal.moves import shown_effect
from recon_platform.tables.governance import DECISIONS_IN_FORCE
from tests.governance.night_lake import NightLake
from tests.governance.plant import KEY, SECRET, StandingClock, furnish


@dataclass(frozen=True)
class Night:
    """A planned and proposed night, and the tables of its plan that an effect is computed from."""

    made: NightLake
    base: dict[str, pl.DataFrame]
    moves: pl.DataFrame

    @property
    def manifest(self) -> records.Manifest:
        return records.manifest(self.made.lake, self.made.run_id)


def night_of(folder: Path, orders: int, moves: int, trials: int) -> Night:
    landing = generate(folder / "landing", orders=orders, nights=1, seed=3).nights[0]
    with (landing / "plant.toml").open("a") as file:
        file.write(f"\n[policy.proposal]\nmax_moves = {moves}\nmax_set_trials = {trials}\n")
    store = Store.create(str(folder / "governance.db"), clock=StandingClock(), key=KEY)
    made = NightLake(folder, furnish(store))
    result = run_night(made.lake, read_landing(landing), store=store, clock=store.clock)
    propose(made.lake, store, result.manifest)
    made.run_id = result.run_id
    store.close()
    base = {name: result.manifest.read(made.lake, name) for name in COMPARED}
    return Night(made, base, result.manifest.read(made.lake, "exception_moves"))


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Night:
    return night_of(tmp_path_factory.mktemp("effects"), orders=60, moves=6, trials=4)


def each_move_has_its_effect(night: Night) -> None:
    context = night.manifest.pins.context
    for row in night.moves.iter_rows(named=True):
        decided = {
            "decision": "D1", "kind": "approved_move", "subject": row["move"], "valid_from": context.as_of,
            "value": json.dumps({"change": json.loads(row["change"]), "move": row["move"]}), "approved_by": "supervisor",
            "reason": "test",
        }  # fmt: skip
        solved = solving.solve_with(night.made.lake, night.manifest, DECISIONS_IN_FORCE.frame([decided]))
        effect = compare(night.base, solved, context)
        cost = json.loads(row["effect"])["direct_cost"]
        measured = shown_effect(effect, context, cost)
        assert measured == {name: row[name] for name in measured}, row["move"]


def the_set_has_its_effect(night: Night, folder: Path) -> None:
    made = night.made.copy(folder)
    store = made.store()
    chosen = night.moves.filter("in_set")
    assert chosen.height > 0, "the plant of this test has a set worth taking"
    for request in store.requests.find(made.actor(store, "sam"), kind="move"):
        if request.content["move"] in chosen["move"].to_list():
            approve(made, store, request)
    made.approve(store)
    publish(made.lake, store, made.run_id, actor=service("publisher", "1"))
    store.close()
    in_force = schedule_in_force(made.lake, made.plant)
    assert in_force is not None
    record = json.loads(made.lake.history("published", "published_schedule")[0]["record"])
    assert sorted(record["moves"]) == sorted(chosen["move"])
    decisions = solving.published_inputs(night.manifest, record)["decisions_in_force"].read(made.lake)
    solved = solving.solve_with(made.lake, night.manifest, decisions)
    assert in_force.rows.read(made.lake).drop("schedule_version").equals(solved["schedule"])
    shown = dict(night.manifest.read(made.lake, "expected_impact").select("measure", "with_moves").iter_rows())
    assert measures(solved["order_promises"], solved, night.manifest.pins.context) == shown


def approve(made: NightLake, store: Store, request: Request) -> None:
    """Approve a move as shown: with a signature where it needs one, by a manager where it needs one."""
    who = made.actor(store, "mia" if request.needs == Permission.APPROVE_HIGH else "sam")
    signing = Signing(SECRET, "released") if request.signature else None
    store.decisions.approve(who, request.request, digest=request.digest, reason="worth it", signing=signing)


def test_every_move_has_after_publishing_the_effect_that_was_shown(night: Night) -> None:
    assert night.moves["kind"].n_unique() >= 4
    each_move_has_its_effect(night)


def test_the_proposed_set_has_after_publishing_the_effect_that_was_shown(night: Night, tmp_path: Path) -> None:
    the_set_has_its_effect(night, tmp_path / "plant")


def test_a_move_that_is_granted_is_published_although_people_approve_it_after_the_night(
    night: Night, tmp_path: Path
) -> None:
    """Overtime, siblings and breaks of the fence are granted, not written into a table; the grant holds for the night's plan."""
    granted = pl.col("kind").is_in(["overtime", "sibling", "frozen_break"])
    grants = night.moves.filter(granted & (pl.col("operations_moved") > 0)).sort("rank")
    assert grants.height > 0
    made = night.made.copy(tmp_path / "plant")
    store = made.store()
    sam = made.actor(store, "sam")
    move = str(grants["move"][0])
    request = next(one for one in store.requests.find(sam, kind="move") if one.content["move"] == move)
    assert store.clock() > night.manifest.pins.context.as_of
    approve(made, store, request)
    made.approve(store)
    assert publish(made.lake, store, made.run_id, actor=service("publisher", "1")).record["moves"] == [move]
    store.close()
    in_force = schedule_in_force(made.lake, made.plant)
    assert in_force is not None
    solved = {**night.base, "schedule": in_force.rows.read(made.lake)}
    assert compare(night.base, solved, night.manifest.pins.context).operations_moved == grants["operations_moved"][0]


def test_moves_that_were_not_shown_together_come_back_with_what_they_bring_together(
    night: Night, tmp_path: Path
) -> None:
    """Two moves that touch the same lines do not add up: whoever approved each alone is shown both, and then decides."""
    made = night.made.copy(tmp_path / "plant")
    store, publisher = made.store(), service("publisher", "1")
    sam = made.actor(store, "sam")
    rows = night.moves.filter(~pl.col("kind").is_in(["bundle"])).sort("rank")
    moves = [
        str(rows["move"][0]),
        next(
            str(m) for m, x in rows.select("move", "excludes")[1:].iter_rows() if rows["move"][0] not in json.loads(x)
        ),
    ]
    for request in store.requests.find(sam, kind="move"):
        if request.content["move"] in moves:
            approve(made, store, request)
    made.approve(store)
    with pytest.raises(StaleError, match=r"is not what was shown .*decide on them as they are together"):
        publish(made.lake, store, made.run_id, actor=publisher)
    assert schedule_in_force(made.lake, made.plant) is None
    returned = [r for r in store.requests.find(sam, kind="move") if "together" in r.content]
    assert sorted(r.content["move"] for r in returned) == sorted(moves)
    for request in returned:
        assert request.content["together"]["moves"] == sorted(moves)
        approve(made, store, request)
    assert sorted(publish(made.lake, store, made.run_id, actor=publisher).record["moves"]) == sorted(moves)
    store.close()
    record = json.loads(made.lake.history("published", "published_schedule")[0]["record"])
    decisions = solving.published_inputs(night.manifest, record)["decisions_in_force"].read(made.lake)
    solved = solving.solve_with(made.lake, night.manifest, decisions)
    effect = compare(night.base, solved, night.manifest.pins.context)
    brings = returned[0].content["together"]["brings"]
    assert (list(effect.won), list(effect.lost), effect.operations_moved) == (
        brings["won"], brings["lost"], brings["operations_moved"],
    )  # fmt: skip


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_effects_hold_at_600_orders(tmp_path: Path) -> None:
    night = night_of(tmp_path / "night", orders=600, moves=36, trials=24)
    each_move_has_its_effect(night)
    the_set_has_its_effect(night, tmp_path / "plant")
