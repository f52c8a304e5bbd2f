"""Requests and decisions: what the store accepts, refuses and puts in force."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import polars as pl
import pytest

from recon_platform.governance import service
from recon_platform.governance.errors import (
    AlreadyDecidedError,
    GovernanceError,
    PermissionDeniedError,
    StaleError,
    UnknownRecordError,
)
from recon_platform.governance.requests import Draft, move_draft
from tests.governance.plant import NIGHT, NOON, PLANT, SECRET, Governed, moves_frame
from tests.governance.test_properties_people import MACHINE_CHANGE, MACHINE_PIN


def test_an_approved_pin_is_in_force_from_its_decision_on(governed: Governed) -> None:
    request = governed.pin(content={"machine": "M-7"})
    governed.approve("sam", request)
    frame = governed.store.decisions_in_force(PLANT, NOON)
    assert frame.select("kind", "subject", "approved_by", "valid_until").rows() == [("pin", "WO-1", "sam", None)]
    assert json.loads(frame["value"][0])["machine"] == "M-7"
    assert governed.store.decisions_in_force(PLANT, NOON - timedelta(seconds=1)).is_empty()
    assert governed.store.decisions_in_force("OTHER", NOON).is_empty()


def test_a_rejected_move_is_a_lock_until_it_expires(governed: Governed) -> None:
    _, move = governed.night()
    governed.store.decisions.reject(
        governed.actor("sam"), move.request, digest=move.digest, reason="too dear", lock=timedelta(days=2)
    )
    frame = governed.store.decisions_in_force(PLANT, NOON + timedelta(days=1))
    assert frame.select("kind", "subject").rows() == [("lock", "overtime:WC-0:0")]
    assert governed.store.decisions_in_force(PLANT, NOON + timedelta(days=2)).is_empty()


def test_an_approved_move_carries_its_change_as_data(governed: Governed) -> None:
    change = '[{"verb":"set","table":"machines","where":{"machine":"M1"},"values":{"speed":2.0}}]'
    _, move = governed.night(change=change)
    governed.approve("sam", move)
    value = json.loads(governed.store.decisions_in_force(PLANT, NOON)["value"][0])
    assert value["change"] == json.loads(change)
    assert value["move"] == "overtime:WC-0:0"


def test_an_override_expires_by_itself(governed: Governed) -> None:
    draft = Draft("override", PLANT, "WO-1", "run WO-1 first", "customer's line is down", {"change": []})
    governed.approve("sam", governed.store.requests.propose(governed.actor("paula"), draft))
    assert governed.store.decisions_in_force(PLANT, NOON + timedelta(days=2)).height == 1
    assert governed.store.decisions_in_force(PLANT, NOON + timedelta(days=3)).is_empty()


def test_a_newer_switch_replaces_the_older(governed: Governed) -> None:
    for state in ("shadow", "pilot"):
        draft = Draft("switch", PLANT, "line:HEADERS", f"headers to {state}", "rollout", {"state": state})
        governed.approve("mia", governed.store.requests.propose(governed.actor("paula"), draft))
        governed.clock.move(hours=1)
    frame = governed.store.decisions_in_force(PLANT, governed.clock())
    assert [json.loads(value)["state"] for value in frame["value"]] == ["pilot"]


def test_a_decision_needs_the_digest_that_was_shown(governed: Governed) -> None:
    request = governed.pin()
    with pytest.raises(StaleError, match="not what you were shown"):
        governed.store.decisions.approve(governed.actor("sam"), request.request, digest="0" * 64, reason="ok")
    assert governed.store.requests.get(governed.actor("sam"), request.request).state == "open"


def test_a_second_decision_is_refused(governed: Governed) -> None:
    request = governed.pin()
    governed.approve("sam", request)
    with pytest.raises(AlreadyDecidedError, match="by sam"):
        governed.approve("sue", request)


def test_what_is_past_its_validity_cannot_be_approved(governed: Governed) -> None:
    _, move = governed.night()
    governed.clock.move(days=1)
    login = governed.store.sessions.login("sam", SECRET)  # the session of the day before has ended
    sam = governed.store.sessions.authenticate(login.token)
    with pytest.raises(StaleError, match="was valid until"):
        governed.store.decisions.approve(sam, move.request, digest=move.digest, reason="ok")


def test_a_newer_run_retires_the_requests_of_the_older(governed: Governed) -> None:
    base, move = governed.night(0)
    governed.night(1)
    for request in (base, move):
        with pytest.raises(StaleError, match="superseded"):
            governed.approve("sam", request)
    states = governed.store.requests.find(governed.actor("sam"), state="open")
    assert [request.sequence for request in states] == [1, 1]
    with pytest.raises(StaleError, match="older than"):
        governed.store.requests.open_run(
            service("night", "1"), plant=PLANT, planning_date="2026-03-02", sequence=0, run_id="late", base={},
            moves=pl.DataFrame(),
        )  # fmt: skip


def test_opening_a_run_twice_changes_nothing(governed: Governed) -> None:
    first = governed.night()
    assert [request.request for request in governed.night()] == [request.request for request in first]


def test_a_decision_needs_a_reason_and_a_request(governed: Governed) -> None:
    request = governed.pin()
    with pytest.raises(GovernanceError, match="needs a reason"):
        governed.store.decisions.approve(governed.actor("sam"), request.request, digest=request.digest, reason=" ")
    with pytest.raises(UnknownRecordError):
        governed.store.decisions.approve(governed.actor("sam"), 10_000, digest="", reason="ok")


def test_only_the_proposer_withdraws(governed: Governed) -> None:
    request = governed.pin()
    with pytest.raises(PermissionDeniedError, match="only they withdraw"):
        governed.store.requests.withdraw(governed.actor("peter"), request.request, "mine now")
    assert governed.store.requests.withdraw(governed.actor("paula"), request.request, "mistake").state == "withdrawn"


def test_a_revoked_decision_is_no_longer_in_force(governed: Governed) -> None:
    decision = governed.approve("sam", governed.pin())
    governed.store.decisions.revoke(governed.actor("sue"), decision.decision, "the die is out")
    assert governed.store.decisions_in_force(PLANT, NOON).is_empty()


def test_what_needs_the_manager_is_not_decided_by_a_supervisor(governed: Governed) -> None:
    _, move = governed.night(approval_needed="manager")
    with pytest.raises(PermissionDeniedError, match="takes the role manager"):
        governed.approve("sam", move)
    assert governed.approve("mia", move).verdict == "approved"


def test_a_planners_pin_of_a_machine_is_in_force_at_once_and_logged(governed: Governed) -> None:
    made = governed.store.decisions.enter(governed.actor("paula"), MACHINE_PIN)
    assert made.request.state == "entered"
    frame = governed.store.decisions_in_force(PLANT, NOON)
    assert frame.select("kind", "subject", "approved_by").rows() == [("pin", "WO-1/10", "paula")]
    assert json.loads(frame["value"][0])["entered"] is True
    assert governed.store.audit.rows(governed.actor("ava"), action="request.entered").height == 1
    with pytest.raises(AlreadyDecidedError):
        governed.approve("sam", made.request)


@pytest.mark.parametrize(
    "change",
    [
        [],
        [{"verb": "grant", "kind": "fence", "work_order": "WO-1"}],
        [{**MACHINE_CHANGE, "values": {"machine": "M-1", "status": "complete"}}],
        [{**MACHINE_CHANGE, "table": "sales_orders"}],
        [{**MACHINE_CHANGE, "verb": "remove"}],
        [MACHINE_CHANGE, {"verb": "grant", "kind": "sibling_pull"}],
    ],
)
def test_nothing_else_takes_effect_without_approval(governed: Governed, change: list[dict[str, object]]) -> None:
    paula = governed.actor("paula")
    with pytest.raises(GovernanceError, match="only a pin"):
        governed.store.decisions.enter(paula, Draft("pin", PLANT, "WO-1", "keep", "why", {"change": change}))
    with pytest.raises(GovernanceError, match="only a pin"):
        governed.store.decisions.enter(
            paula, Draft("override", PLANT, "WO-1", "keep", "why", {"change": [MACHINE_CHANGE]})
        )
    assert governed.store.decisions_in_force(PLANT, NOON).is_empty()


ASIDE = Draft(
    "lock", PLANT, "message:DELAY|work_order|WO-1", "put aside", "why", {"to_date": "2026-03-09"},
    effect_until=NOON + timedelta(days=5),
)  # fmt: skip


def test_a_message_put_aside_is_in_force_at_once_until_its_day(governed: Governed) -> None:
    governed.store.decisions.enter(governed.actor("paula"), ASIDE)
    assert governed.store.decisions_in_force(PLANT, NOON).select("kind", "subject", "approved_by").rows() == [
        ("lock", ASIDE.subject, "paula")
    ]
    assert governed.store.decisions_in_force(PLANT, NOON + timedelta(days=6)).is_empty()


@pytest.mark.parametrize(
    "draft",
    [
        replace(ASIDE, subject="expedite:PO-1:0a1b2c3d"),
        replace(ASIDE, effect_until=None),
        replace(ASIDE, content={"to_date": None, "change": [MACHINE_CHANGE]}),
        replace(ASIDE, kind="override"),
    ],
)
def test_nothing_but_a_message_is_put_aside_without_approval(governed: Governed, draft: Draft) -> None:
    with pytest.raises(GovernanceError, match="put aside for a while"):
        governed.store.decisions.enter(governed.actor("paula"), draft)
    assert governed.store.decisions_in_force(PLANT, NOON).is_empty()


def test_an_agents_pin_waits_for_a_person(governed: Governed) -> None:
    with pytest.raises(PermissionDeniedError, match="no person"):
        governed.store.decisions.enter(governed.actor("advisor"), MACHINE_PIN)


def test_what_a_person_asked_of_a_run_before_it_was_proposed_hides_no_base_and_stays(governed: Governed) -> None:
    content = moves_frame(1, governed.clock()).row(0, named=True)
    where = {"planning_date": NIGHT, "sequence": 0, "run_id": f"{PLANT}.{NIGHT}.0"}
    own = governed.store.requests.propose(governed.actor("paula"), move_draft(content, {"plant": PLANT, **where}))
    made = governed.night(0)
    assert [request.kind for request in made] == ["base", "move"]
    again = governed.night(0)
    assert (again[0], {request.request for request in again}) == (made[0], {own.request, *(r.request for r in made)})
    governed.night(1)
    states = {r.request: r.state for r in governed.store.requests.find(governed.actor("ava"), state=None)}
    assert {states[request.request] for request in (own, *made)} == {"superseded"}
