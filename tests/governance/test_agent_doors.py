"""Every agent, every kind of action, every real door: command line, JSON API, protocol for agents, runner, relay.

What is let through is exactly what the agent's row allows. `test_agents` asks the store itself; here the doors are knocked at.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import polars as pl
import pytest
from starlette.testclient import TestClient

from recon_platform.agents.desk import Desk
from recon_platform.governance import Door, Permission, service
from recon_platform.governance.actors import Actor, ActorKind
from recon_platform.governance.agents import ACTION_OF, DEFAULTS, Level, switch
from recon_platform.governance.allowed import OUTSIDE
from recon_platform.governance.errors import GovernanceError, PermissionDeniedError, SignInError
from recon_platform.governance.outbox import Queued
from recon_platform.governance.permissions import MACHINE_GRANTS, REGISTERED_GRANTS
from recon_platform.governance.relay import Answer, deliver_due
from recon_platform.governance.requests import KINDS
from recon_platform.governance.scoreboard import scores
from recon_platform.nights.autonomy import BREAKERS, JUDGED, draft, fall
from recon_platform.tables.reconciled import RULE_PRECISION
from tests.governance.plant import AGENT, NIGHT, PLANT, SECRET, Governed
from tests.governance.test_agents import NIGHTLY, night, off, plain, row
from tests.governance.test_properties_doors import SITE, House, house

__all__ = ["house"]
NAMES = (*DEFAULTS, AGENT)


class Erp:
    """An ERP that takes everything and remembers who it came from."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def deliver(self, messages: Sequence[Queued]) -> Sequence[Answer]:
        self.told += [message.kind for message in messages]
        return [Answer(True, "taken") for _ in messages]


def put_level(governed: Governed, name: str, action: str, level: Level) -> None:
    """Give `name` this level by the way that is meant for it: down at once, up by somebody else's approval."""
    current = row(governed, name)
    if current.actions[action] is level:
        return
    evidence = scores(governed.store, governed.actor("sam"), PLANT).row(0, named=True)
    asked = draft(current, PLANT, {"actions": {action: str(level)}, "quota": None}, "matrix", evidence)
    if level.reaches(current.actions[action]):
        governed.approve("mia", governed.store.requests.propose(governed.actor("sam"), asked))
    else:
        governed.store.decisions.lower(governed.actor("sam"), asked)


def test_the_runner_hands_on_exactly_what_each_row_allows(governed: Governed) -> None:
    """Every agent × every level its ceiling has × on and off: one night each, with something of every agent in it."""
    sequence = 0
    made_by = {kind: name for kind, (name, _) in ACTION_OF.items()}
    for name, agent in DEFAULTS.items():
        for action, level in itertools.product(agent.actions, Level):
            if not agent.ceiling[action].reaches(level):
                with pytest.raises(GovernanceError, match="may at most"):
                    put_level(governed, name, action, level)
                continue
            put_level(governed, name, action, level)
            before = sum(message.kind == "order_changes" for message in governed.store.outbox.find(limit=1_000))
            kinds = set(night(governed, sequence))
            sent = sum(message.kind == "order_changes" for message in governed.store.outbox.find(limit=1_000)) - before
            rows = governed.store.agents(governed.actor("ava"), PLANT)
            for kind, maker in made_by.items():
                assert (kind in kinds) == rows[maker].may(ACTION_OF[kind][1], Level.PROPOSE), (name, level, kind)
            assert sent == int(rows["reconciler"].may("correction", Level.APPLY)), (name, level)
            sequence += 1
        put_level(governed, name, next(iter(agent.actions)), next(iter(agent.ceiling.values())))
    for name in DEFAULTS:
        off(governed, name)
        kinds = set(night(governed, sequence))
        assert kinds == {kind for kind, maker in made_by.items() if row(governed, maker).on}
        sequence += 1
    assert set(night(governed, sequence)) == set()


def test_no_agent_runs_publishes_delivers_or_decides(governed: Governed) -> None:
    """The relay, the publisher and the runner are services; an agent of the registry that knocks there is refused."""
    base = governed.night()[0]
    governed.approve("sam", base)
    night(governed, 1)
    erp = Erp()
    assert REGISTERED_GRANTS < MACHINE_GRANTS and Permission.RUN not in REGISTERED_GRANTS
    for name in DEFAULTS:
        agent = service(name, "1")
        knocks = (
            lambda agent=agent: deliver_due(governed.store, agent, {"erp": erp}),
            lambda agent=agent: governed.store.publications.begin(
                agent, plant=PLANT, run_id=str(base.run_id), planning_date=NIGHT, digest="d" * 64, record={}
            ),
            lambda agent=agent: governed.store.requests.open_run(
                agent, plant=PLANT, planning_date=NIGHT, sequence=9, run_id="R9", base={}, moves=pl.DataFrame()
            ),
            lambda agent=agent: governed.store.decisions.lower(agent, switch(PLANT, "all", "mine", on=False)),
            lambda agent=agent: governed.store.decisions.approve(
                agent, base.request, digest=base.digest, reason="mine"
            ),
            lambda agent=agent: governed.store.people.add(agent, "friend", "Friend", []),
        )
        for knock in knocks:
            with pytest.raises(PermissionDeniedError):
                knock()
    assert erp.told == []
    deliver_due(governed.store, service("relay", "1"), {"erp": erp})
    assert "order_changes" in erp.told  # what the reconciler's row let the night queue, by the service that delivers


def test_nobody_signs_in_as_an_agent_of_the_platform(governed: Governed) -> None:
    ian = governed.actor("ian")
    for name in DEFAULTS:
        with pytest.raises(GovernanceError, match="is an agent of the platform"):
            governed.store.people.add(ian, name, "An Impostor", [])
        with pytest.raises(SignInError):
            governed.store.sessions.login(name, SECRET)
        for kind, door in itertools.product((ActorKind.PERSON, ActorKind.AGENT), Door):
            with pytest.raises(SignInError):
                governed.store.requests.propose(Actor(name, kind, door, version="1"), plain("pin"))


def test_an_agent_from_outside_proposes_its_kinds_and_no_others(governed: Governed) -> None:
    for kind, door in itertools.product(KINDS, (Door.CLI, Door.API, Door.AGENT)):
        agent = governed.actor(AGENT, door)
        if kind in OUTSIDE:
            continue
        with pytest.raises(PermissionDeniedError, match="never a"):
            governed.store.requests.propose(agent, plain(kind))
    for kind in sorted(OUTSIDE)[:3]:  # its quota in these tests
        assert governed.store.requests.propose(governed.actor(AGENT, Door.AGENT), plain(kind)).state == "open"
    found = {
        line["agent"]: line["proposed"]
        for line in scores(governed.store, governed.actor("ava"), PLANT).iter_rows(named=True)
    }
    assert set(found.values()) == {0}  # nothing of an outsider's counts for the platform's own


def test_the_command_line_and_the_api_give_an_agent_no_more(house: House) -> None:
    request = house.asked("paula")
    before = house.store.audit.rows(house.night.actor(house.store, "ava")).height
    commands = (
        ("agents", "on", "all", "--reason", "mine"), ("agents", "off", "replanner", "--reason", "mine"),
        ("agents", "propose", "reconciler", "--change", '{"limits": {"value": 1}}', "--reason", "mine"),
        ("approve", str(request.request), "--reason", "mine"), ("reject", str(request.request), "--reason", "mine"),
        ("user", "disable", "sam"), ("publish",), ("deliver", "--erp", "http://127.0.0.1:9"),
    )  # fmt: skip
    for name, command in itertools.product(NAMES, commands):
        if name in DEFAULTS:
            house.night.tokens = {**house.night.tokens, name: f"token of {name}"}
        assert house.command(name, *command) != 0, (name, command)
    for name in DEFAULTS:
        bearer = {"authorization": f"Bearer {house.night.tokens[name]}"}
        visitor = TestClient(house.app, base_url=SITE, headers=bearer, follow_redirects=False)
        for path, body in (
            (f"requests/{request.request}/approve", {"digest": request.digest, "reason": "mine"}),
            (f"requests/{request.request}/reject", {"digest": request.digest, "reason": "mine"}),
            ("publish", {"run": house.night.run_id}),
        ):
            answer = visitor.post(f"/api/v1/plants/{house.night.plant}/{path}", json=body)
            assert answer.status_code == 401, (name, path, answer.text)
    program = house.program(AGENT)
    assert (
        program.post(f"/api/v1/plants/{house.night.plant}/publish", json={"run": house.night.run_id}).status_code == 403
    )
    desk = Desk(house.night.lake, house.store, what_ifs=4)
    for name in DEFAULTS:  # the protocol for agents is for those from outside: the platform's own have no session there
        for knock in (desk.stands, desk.proposals):
            with pytest.raises(PermissionDeniedError, match="is no agent"):
                knock(service(name, "1"), house.night.plant)
            with pytest.raises(SignInError):
                knock(Actor(name, ActorKind.AGENT, Door.AGENT, version="1"), house.night.plant)
    assert house.state(request) == "open"
    changed = house.store.audit.rows(house.night.actor(house.store, "ava")).slice(before)
    assert set(changed["action"]) <= {"sign_in.failed"}, changed


def judged(right: int, wrong: int) -> pl.DataFrame:
    """The night's precision of two rules that together were judged so."""
    base = {"rule_version": "1", "threshold": 0.98, "automatic": True, "switched_off": False, "as_of": None}
    return pl.DataFrame(
        [{"rule": "A", "right": right, "wrong": 0, **base}, {"rule": "B", "right": 0, "wrong": wrong, **base}],
        schema_overrides={"as_of": RULE_PRECISION.schema["as_of"]},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("right", "wrong", "falls"),
    [
        (JUDGED - 2, 1, False),  # too few judgements, however they went
        (0, JUDGED - 1, False),
        (16, 4, False),  # as many right as are needed
        (15, 5, True),
        (0, JUDGED, True),
        (1_000, 251, True),
    ],
)
def test_autonomy_falls_with_precision_and_comes_back_by_approval_only(
    governed: Governed, right: int, wrong: int, falls: bool
) -> None:
    assert BREAKERS["reconciler"].least == 0.8
    lowered = fall(governed.store, NIGHTLY, PLANT, judged(right, wrong))
    assert len(lowered) == int(falls)
    assert row(governed, "reconciler").may("correction", Level.APPLY) is not falls
    assert row(governed, "reconciler").may("correction", Level.PROPOSE)
    night(governed)
    sent = [message for message in governed.store.outbox.find(limit=100) if message.kind == "order_changes"]
    assert bool(sent) is not falls
    if not falls:
        return
    (made,) = lowered
    trail = governed.store.audit.rows(governed.actor("ava"), action="request.entered").row(-1, named=True)
    assert (trail["subject"], trail["actor"]) == (str(made.request.request), NIGHTLY.name)
    assert f"{right} of {right + wrong}" in made.request.reason
    assert fall(governed.store, NIGHTLY, PLANT, judged(right, wrong)) == []  # fallen once
    assert fall(governed.store, NIGHTLY, PLANT, judged(10_000, 0)) == []  # and never up by itself
    assert not row(governed, "reconciler").may("correction", Level.APPLY)
    back = draft(
        row(governed, "reconciler"), PLANT, {"actions": {"correction": "apply"}}, "mended",
        scores(governed.store, governed.actor("sam"), PLANT).row(0, named=True),
    )  # fmt: skip
    with pytest.raises(PermissionDeniedError):
        governed.store.requests.propose(service("reconciler", "1"), back)
    governed.approve("mia", governed.store.requests.propose(governed.actor("sam"), back))
    assert row(governed, "reconciler").may("correction", Level.APPLY)
    assert fall(governed.store, NIGHTLY, PLANT, judged(right, wrong)) == []  # old judgements do not take it again
    assert row(governed, "reconciler").may("correction", Level.APPLY)


@pytest.mark.parametrize(("approved", "falls"), [(4, False), (3, True)])
def test_an_agent_whose_asking_is_in_vain_asks_no_more(governed: Governed, approved: int, falls: bool) -> None:
    """Of 20 moves that people decided a fifth has to be worth it; then only new judgements count."""
    for sequence in range(JUDGED):
        governed.clock.move(minutes=1)
        (move,) = [request for request in governed.night(sequence) if request.kind == "move"]
        decide = governed.store.decisions.approve if sequence < approved else governed.store.decisions.reject
        assert fall(governed.store, NIGHTLY, PLANT) == []
        decide(governed.actor("sam"), move.request, digest=move.digest, reason="seen")
    governed.clock.move(minutes=1)
    assert [made.request.subject for made in fall(governed.store, NIGHTLY, PLANT)] == ["agent:replanner"] * falls
    assert ("move" in night(governed, JUDGED)) is not falls
    assert row(governed, "replanner").actions["move"] is (Level.OBSERVE if falls else Level.PROPOSE)
