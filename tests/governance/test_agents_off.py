"""Real nights without some of the agents: each ends in a plan or in the schedule in force, whole, and says what is missing."""

from __future__ import annotations

import itertools
import json

import pytest

from recon_platform.connectors import read_landing
from recon_platform.governance import Store
from recon_platform.governance.agents import DEFAULTS, switch
from recon_platform.governance.allowed import OFF
from recon_platform.lake import Lake
from recon_platform.nights import records
from recon_platform.nights.night import run_night
from recon_platform.nights.publish import publish
from recon_platform.nights.records import Manifest
from recon_platform.proposal.stages import NIGHT_STAGES
from recon_platform.tables.registry import output_table
from tests.governance.night_lake import PUBLISHER, NightLake

NAMES = tuple(DEFAULTS)
QUICK = (
    NAMES, ("reconciler", "shortage_finder", "scheduler"), ("reconciler", "parameter_learner", "replanner"),
    ("shortage_finder", "parameter_learner"), ("scheduler", "replanner"),
)  # fmt: skip
"""With the night in which all are on: every two agents once both on, once both off, once either off."""
EVERY = [off for many in range(6) for off in itertools.combinations(NAMES, many)]
MADE_BY = {"shortage_finder": "shortages", "parameter_learner": "parameter_proposals", "replanner": "exception_moves"}


def test_the_quick_subsets_cover_every_pair_of_agents() -> None:
    assert len(EVERY) == 32
    for one, other in itertools.combinations(NAMES, 2):
        seen = {(one in off, other in off) for off in ((), *QUICK)}
        assert seen == set(itertools.product([True, False], repeat=2)), (one, other)


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    "off",
    [pytest.param(off, marks=[] if off in QUICK else [pytest.mark.long], id="+".join(off) or "none") for off in EVERY],
)
def test_a_night_without_them_is_whole_and_says_what_is_missing(second: NightLake, off: tuple[str, ...]) -> None:
    lake, store = second.lake, second.store()
    with_all = records.manifest(lake, second.run_id)
    in_force = store.publications.in_force(second.plant)
    assert in_force is not None
    for name in off:
        store.decisions.lower(second.actor(store, "sam"), switch(second.plant, name, "drill", on=False))
    folder = sorted(path for path in (second.folder / "landing").iterdir() if (path / "plant.toml").exists())[1]
    result = run_night(lake, read_landing(folder), store=store, clock=store.clock)
    whole(lake, result.manifest)
    for name, table in MADE_BY.items():
        expected = 0 if name in off else with_all.outputs[table].rows
        assert (result.manifest.outputs[table].rows > 0) == (expected > 0), table
        assert with_all.outputs[table].rows > 0  # or the test would show nothing
    assert with_all.read(lake, "findings")["applied"].any()
    if "reconciler" in off:
        assert not result.frames["findings"].filter(result.frames["findings"]["mode"] == "auto_fix")["applied"].any()
    asked = {request.kind: request for request in store.requests.find(second.actor(store, "sam"), plant=second.plant)}
    assert ("base" in asked) == ("scheduler" not in off)
    assert ("move" in asked) == ("replanner" not in off)
    assert not {"correction", "sample"} & set(asked) or "reconciler" not in off
    trail = store.audit.rows(second.actor(store, "ava"), action="run.proposed").row(-1, named=True)
    assert trail["subject"] == result.run_id
    assert json.loads(trail["detail"])["off"] == [name for name in NAMES if name in off]
    ends(second, store, result.manifest, off, in_force.run_id)
    store.close()


def whole(lake: Lake, manifest: Manifest) -> None:
    """Every table the stages make is in the manifest, and is in the lake what the manifest says of it."""
    assert set(manifest.outputs) == {name for stage in NIGHT_STAGES for name in stage.writes}
    for name, entry in manifest.outputs.items():
        frame = entry.read(lake)
        assert (frame.height, lake.digest(frame, output_table(name))) == (entry.rows, entry.digest), name


def ends(night: NightLake, store: Store, manifest: Manifest, off: tuple[str, ...], in_force: str) -> None:
    """A plan that can be put in force and names what it lacks, or else the schedule that was in force."""
    lacks = [OFF[name] for name in NAMES if name in off]
    if "scheduler" in off:
        standing = store.publications.in_force(night.plant)
        assert standing is not None and standing.run_id == in_force
        return
    (base,) = store.requests.find(night.actor(store, "sam"), kind="base")
    assert base.run_id == manifest.run_id and base.content.get("missing", []) == lacks
    night.approve(store, run_id=manifest.run_id)
    publish(night.lake, store, manifest.run_id, actor=PUBLISHER)
    standing = store.publications.in_force(night.plant)
    assert standing is not None and standing.run_id == manifest.run_id
    assert manifest.outputs["schedule"].rows > 0


def test_notices_name_what_is_missing_even_where_there_would_have_been_nothing(planned: NightLake) -> None:
    """A replanner that is off has found nothing that could be withheld; people are told all the same."""
    store = planned.store()
    store.notices.subscribe(planned.actor(store, "ian"), "shop", "shop@works.example", ["proposed"])
    for name in NAMES:
        store.decisions.lower(planned.actor(store, "sam"), switch(planned.plant, name, "drill", on=False))
    manifest = records.manifest(planned.lake, planned.run_id)
    store.requests.open_run(
        PUBLISHER, plant=planned.plant, planning_date=manifest.pins.planning_date, sequence=1, run_id="R1",
        base={"digest": "d"}, moves=manifest.read(planned.lake, "exception_moves").clear(),
    )  # fmt: skip
    told = [str(message.content["text"]) for message in store.outbox.find(limit=100) if message.kind == "notice"]
    assert told and all(text in told[-1] for text in OFF.values())
    store.close()
