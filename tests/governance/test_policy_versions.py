"""Policy, rules and rollout change by decision only: numbered, hashed, read from the snapshot, fences by the manager."""

from __future__ import annotations

import pytest

from recon_platform.governance.errors import PermissionDeniedError
from recon_platform.governance.in_force import versions
from recon_platform.governance.requests import Draft, Request
from recon_platform.nights.policies import changed, differences, effective_policy
from recon_platform.tables.policy import Policy
from tests.governance.plant import PLANT, Governed


def policy_change(governed: Governed, **changes: dict[str, object]) -> Request:
    draft = Draft("policy", PLANT, "policy", "change", "furnace campaigns are longer", {"policy": changes})
    return governed.store.requests.propose(governed.actor("paula"), draft)


def test_an_approved_change_of_policy_is_a_numbered_version_and_counts_from_then_on(governed: Governed) -> None:
    for value in (0.2, 0.3):
        governed.approve("sam", policy_change(governed, capacity={"stability_weight": value}))
    governed.approve("sam", policy_change(governed, cost={"expedite": 300.0}))
    policy = effective_policy(Policy(), governed.store.decisions_in_force(PLANT, governed.clock()))
    assert (policy.capacity.stability_weight, policy.cost.expedite) == (0.3, 300.0)
    made = versions(governed.store, PLANT)
    assert [entry["version"] for entry in made] == [1, 2, 3]
    assert len({entry["digest"] for entry in made}) == 3
    assert {entry["approved_by"] for entry in made} == {"sam"}


def test_policy_on_fences_takes_the_higher_authority_whatever_the_proposer_says(governed: Governed) -> None:
    request = policy_change(governed, capacity={"frozen_hours": 4.0})
    with pytest.raises(PermissionDeniedError, match="takes the role manager"):
        governed.approve("sam", request)
    governed.approve("mia", request)
    in_force = governed.store.decisions_in_force(PLANT, governed.clock())
    assert effective_policy(Policy(), in_force).capacity.frozen_hours == 4.0


def test_a_rejected_change_changes_nothing(governed: Governed) -> None:
    request = policy_change(governed, capacity={"stability_weight": 0.9})
    governed.store.decisions.reject(governed.actor("sam"), request.request, digest=request.digest, reason="no")
    assert effective_policy(Policy(), governed.store.decisions_in_force(PLANT, governed.clock())) == Policy()


def test_a_line_is_rolled_out_by_decision(governed: Governed) -> None:
    for state in ("shadow", "pilot"):
        draft = Draft("switch", PLANT, "line:HEADING", f"to {state}", "rollout", {"line": "HEADING", "state": state})
        governed.approve("sam", governed.store.requests.propose(governed.actor("paula"), draft))
        policy = effective_policy(Policy(), governed.store.decisions_in_force(PLANT, governed.clock()))
        assert policy.publish.rollout == {"HEADING": state}


def test_differences_name_every_setting_that_changes() -> None:
    new = changed(Policy(), {"capacity": {"frozen_hours": 48}, "cost": {"expedite": 250.0}})
    assert differences(Policy(), new) == [{"setting": "capacity.frozen_hours", "from": 24.0, "to": 48.0}]
    with pytest.raises(ValueError, match=r"unknown setting capacity\.frozen_days"):
        changed(Policy(), {"capacity": {"frozen_days": 2}})
    with pytest.raises(ValueError, match="unknown section"):
        changed(Policy(), {"capacities": {"frozen_hours": 2}})
