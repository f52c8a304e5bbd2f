"""The platform's own agents: nothing beyond their row, through any door; falling at once, rising only by approval."""

from __future__ import annotations

import itertools
import json

import pytest

from recon_platform.governance import Door, service
from recon_platform.governance.agents import ACTION_OF, DEFAULTS, Agent, Level, changed, registry, switch
from recon_platform.governance.errors import GovernanceError, PermissionDeniedError, PublishError
from recon_platform.governance.outbox import Message
from recon_platform.governance.requests import KINDS, Draft
from recon_platform.governance.scoreboard import scores
from recon_platform.nights.autonomy import draft, whole
from tests.governance.plant import AGENT, NIGHT, PLANT, Governed, moves_frame

NIGHTLY = service("night", "1")
DOORS = (Door.SERVICE, Door.CLI, Door.API, Door.WEB, Door.AGENT)


def row(governed: Governed, name: str) -> Agent:
    return governed.store.agents(governed.actor("ava"), PLANT)[name]


def off(governed: Governed, name: str, who: str = "sam") -> None:
    governed.store.decisions.lower(governed.actor(who), switch(PLANT, name, "it went wrong", on=False))


def plain(kind: str) -> Draft:
    """The least draft of a kind."""
    content = whole(DEFAULTS["reconciler"])
    subject = {"agent": "agent:reconciler", "switch": "agent:reconciler"}.get(kind, "X")
    return Draft(kind, PLANT, subject, "t", "why", {"agent": content, "on": True, "change": [], "evidence": {"n": 1}})


def night(governed: Governed, sequence: int = 0) -> list[str]:
    """Open a run in which every agent has something; gives the kinds of requests that came of it."""
    content = {"changes": [], "findings": ["QT-01:W"]}
    where = {"run_id": f"R{sequence}", "planning_date": NIGHT, "sequence": sequence}
    drafts = [Draft(kind, PLANT, "QT-01:W", "t", "why", content, **where) for kind in ("correction", "sample")]
    made = governed.store.requests.open_run(
        NIGHTLY, plant=PLANT, base={"digest": "d" * 64}, moves=moves_frame(1, governed.clock()), corrections=drafts,
        automatic=[Message(f"k{sequence}", "order_changes", "erp", "W", {"approved_by": "rule QT-01 version 1"})],
        parameters=[Draft("parameter", PLANT, f"items.lead_time_days {sequence}", "t", "why", {"change": []})],
        versions={name: f"{name}-1" for name in DEFAULTS}, **where,
    )  # fmt: skip
    return [request.kind for request in made]


def test_every_kind_of_request_through_every_door_is_one_agents_or_nobodys(governed: Governed) -> None:
    waiting = governed.pin()
    for name, kind, door in itertools.product(DEFAULTS, KINDS, DOORS):
        actor = service(name, "1")
        actor = type(actor)(actor.name, actor.kind, door, version="1")
        owner, action = ACTION_OF.get(kind, ("", ""))
        may = owner == name and row(governed, name).may(action, Level.PROPOSE)
        if may:
            assert governed.store.requests.propose(actor, plain(kind)).proposer == name
            continue
        with pytest.raises(PermissionDeniedError):
            governed.store.requests.propose(actor, plain(kind))
    for name, door in itertools.product(DEFAULTS, DOORS):
        actor = service(name, "1")
        actor = type(actor)(actor.name, actor.kind, door, version="1")
        for verdict in (governed.store.decisions.approve, governed.store.decisions.reject):
            with pytest.raises(PermissionDeniedError):
                verdict(actor, waiting.request, digest=waiting.digest, reason="mine")
    assert governed.store.requests.get(governed.actor("ava"), waiting.request).state == "open"


def test_what_a_night_proposes_names_its_agent_and_version(governed: Governed) -> None:
    night(governed)
    found = governed.store.requests.find(governed.actor("ava"), plant=PLANT, state=None)
    named = {request.kind: (request.proposer, request.proposer_version) for request in found}
    assert named == {
        kind: (owner, f"{owner}-1") for kind, (owner, _) in ACTION_OF.items() if owner != "parameter_learner"
    }


@pytest.mark.parametrize("on", list(itertools.product([True, False], repeat=5)))
def test_any_subset_of_agents_off_leaves_a_consistent_night(governed: Governed, on: tuple[bool, ...]) -> None:
    store = governed.store
    base = governed.night()[0]
    governed.approve("sam", base)
    begun = store.publications.begin(
        service("publisher", "1"), plant=PLANT, run_id=str(base.run_id), planning_date=NIGHT, digest="d" * 64, record={}
    )
    store.publications.finish(service("publisher", "1"), begun.publication, lake_version=1, messages=[])
    working = dict(zip(DEFAULTS, on, strict=True))
    for name, works in working.items():
        if not works:
            off(governed, name)
    kinds = night(governed, 1)
    expected = {"base": "scheduler", "move": "replanner", "correction": "reconciler", "sample": "reconciler"}
    assert set(kinds) == {kind for kind, name in expected.items() if working[name]}
    assert store.outbox.counts().get("waiting", 0) - len(notices(governed)) == int(working["reconciler"])
    assert night(governed, 1) == kinds  # proposing again changes nothing
    trail = store.audit.rows(governed.actor("ava"), action="run.proposed").row(-1, named=True)
    withheld = set(json.loads(trail["detail"])["withheld"]) - {"parameter"}
    assert withheld == {kind for kind, name in expected.items() if not working[name]} | (
        set() if working["reconciler"] else {"apply correction"}
    )
    assert ("schedule in force stays" in notices(governed)[-1]) is not working["scheduler"]
    standing = store.publications.in_force(PLANT)
    assert standing is not None and standing.run_id == base.run_id
    with pytest.raises(
        PublishError
    ):  # nobody approved the new one, and an agent that is off releases nothing by itself
        store.publications.begin(
            service("publisher", "1"), plant=PLANT, run_id="R1", planning_date=NIGHT, digest="d" * 64, record={},
            auto=not working["scheduler"],
        )  # fmt: skip
    assert store.audit.verify(governed.actor("ava")).holds


def notices(governed: Governed) -> list[str]:
    found = governed.store.outbox.find(limit=1_000)
    return [str(message.content["text"]) for message in found if message.kind == "notice"]


@pytest.fixture(autouse=True)
def told(governed: Governed) -> None:
    governed.store.notices.subscribe(governed.actor("ian"), "shop", "shop@works.example", ["proposed"])


def test_all_are_off_with_one_switch_and_come_back_only_by_approval(governed: Governed) -> None:
    off(governed, "all")
    assert not any(agent.on for agent in governed.store.agents(governed.actor("ava"), PLANT).values())
    assert night(governed) == []
    with pytest.raises(PermissionDeniedError, match="is switched off"):
        governed.pin(AGENT)  # the agent from outside too
    back = governed.store.requests.propose(governed.actor("sam"), switch(PLANT, "all", "mended", on=True))
    with pytest.raises(PermissionDeniedError, match="a different person"):
        governed.approve("sam", back)
    governed.approve("mia", back)
    governed.clock.move(hours=1)
    assert set(night(governed, 1)) == {"base", "move", "correction", "sample"}


def test_an_agent_from_outside_has_a_switch_of_its_own(governed: Governed) -> None:
    off(governed, AGENT)
    with pytest.raises(PermissionDeniedError, match="advisor is switched off"):
        governed.pin(AGENT)
    assert len(night(governed)) == 4


def test_falling_counts_at_once_and_rising_needs_evidence_and_somebody_else(governed: Governed) -> None:
    sam, reconciler = governed.actor("sam"), row(governed, "reconciler")
    less = draft(reconciler, PLANT, {"actions": {"correction": "propose"}}, "too many wrong", {})
    with pytest.raises(PermissionDeniedError):
        governed.store.decisions.lower(governed.actor("paula"), less)
    governed.store.decisions.lower(sam, less)
    assert not row(governed, "reconciler").may("correction", Level.APPLY)
    assert row(governed, "reconciler").may("correction", Level.PROPOSE)
    assert "order_changes" not in {message.kind for message in governed.store.outbox.find()}
    night(governed)
    assert "order_changes" not in {message.kind for message in governed.store.outbox.find()}
    more = draft(row(governed, "reconciler"), PLANT, {"actions": {"correction": "apply"}}, "mended", {})
    with pytest.raises(GovernanceError, match="gives more than it has"):
        governed.store.decisions.lower(sam, more)
    with pytest.raises(GovernanceError, match="needs evidence"):
        governed.store.requests.propose(sam, more)
    score = scores(governed.store, sam, PLANT).row(0, named=True)
    asked = draft(row(governed, "reconciler"), PLANT, {"actions": {"correction": "apply"}}, "mended", score)
    request = governed.store.requests.propose(sam, asked)
    with pytest.raises(PermissionDeniedError, match="a different person"):
        governed.approve("sam", request)
    governed.approve("mia", request)
    assert row(governed, "reconciler").may("correction", Level.APPLY)


@pytest.mark.parametrize(
    ("name", "change", "why"),
    [
        ("replanner", {"actions": {"move": "apply"}}, "may at most propose"),
        ("replanner", {"actions": {"correction": "propose"}}, "has no action"),
        ("reconciler", {"actions": {"correction": "always"}}, "expected observe, propose, apply"),
        ("reconciler", {"roles": ["manager"]}, "expected actions, limits, quota or owner"),
        ("reconciler", {"limits": {"orders_share": 2}}, "expected 0 to 1"),
        ("reconciler", {"limits": {"hours": [5, 30]}}, "expected \\[from, to\\]"),
        ("reconciler", {}, "found nothing"),
    ],
)
def test_no_change_gives_what_no_row_may_have(name: str, change: dict[str, object], why: str) -> None:
    with pytest.raises(GovernanceError, match=why):
        changed(DEFAULTS[name], change)


def test_a_forged_row_is_refused_before_anybody_sees_it(governed: Governed) -> None:
    for subject, content in (
        ("agent:nobody", {"agent": whole(DEFAULTS["scheduler"])}),
        ("agent:reconciler", {"levels": "all"}),
        ("agent:replanner", {"agent": {"actions": {"move": "apply"}}, "evidence": {"n": 1}}),
    ):
        with pytest.raises(GovernanceError):
            governed.store.requests.propose(governed.actor("sam"), Draft("agent", PLANT, subject, "t", "why", content))
    assert registry([]) == DEFAULTS


def test_flooding_ends_at_the_quota_of_the_row(governed: Governed) -> None:
    learner = row(governed, "parameter_learner")
    asked = draft(learner, PLANT, {"actions": {"parameter": "propose"}, "quota": 3}, "try it", {"samples": 40})
    governed.approve("mia", governed.store.requests.propose(governed.actor("sam"), asked))
    actor = service("parameter_learner", "1")
    for number in range(3):
        governed.store.requests.propose(actor, Draft("parameter", PLANT, f"P{number}", "t", "why", {"change": []}))
    with pytest.raises(PermissionDeniedError, match="quota of 3 requests"):
        governed.store.requests.propose(actor, Draft("parameter", PLANT, "P4", "t", "why", {"change": []}))
    assert "parameter" not in night(governed)
    governed.clock.move(hours=25)
    assert "parameter" in night(governed, 1)


def test_the_scoreboard_counts_what_people_said(governed: Governed) -> None:
    night(governed)
    ava = governed.actor("ava")
    for request in governed.store.requests.find(ava, plant=PLANT):
        if request.kind == "sample":
            governed.store.decisions.reject(governed.actor("sam"), request.request, digest=request.digest, reason="no")
        else:
            governed.approve("sam", request)
    found = {line["agent"]: line for line in scores(governed.store, ava, PLANT).iter_rows(named=True)}
    reconciler = found["reconciler"]
    assert (reconciler["proposed"], reconciler["accepted"], reconciler["rejected"]) == (2, 1, 1)
    assert (reconciler["precision"], reconciler["sent_alone"]) == (0.5, 1)
    assert (found["replanner"]["acceptance"], found["replanner"]["promised_lines"]) == (1.0, 2)
    assert found["shortage_finder"]["acceptance"] is None
