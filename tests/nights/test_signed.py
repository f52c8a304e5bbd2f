"""What an agent makes in a night carries its name and version, and runs of before that stay as they were."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime

import polars as pl
import pytest

from recon_platform.governance.corrections import messages
from recon_platform.lake.digest import frame_digest
from recon_platform.nights.records import Pins
from recon_platform.nights.versions import AGENTS, agent_versions
from recon_platform.planning.plan import run_stage
from recon_platform.planning.stages import Stage, stage
from recon_platform.tables.context import PlanContext, Plant
from recon_platform.tables.model import SIGNED
from recon_platform.tables.registry import TABLES, output_table

SIGNED_TABLES = {
    "findings": "reconciler", "order_changes": "reconciler", "data_findings": "reconciler",
    "exception_moves": "replanner", "parameter_proposals": "parameter_learner", "shortages": "shortage_finder",
}  # fmt: skip
CONTEXT = PlanContext(Plant("P"), datetime(2026, 1, 5, tzinfo=UTC).date(), datetime(2026, 1, 5, 4, tzinfo=UTC))
ROW = {
    "work_order": "W", "change": "close", "reason": "made", "idempotency_key": "k", "finding": "ST-01:W",
    "agent": "somebody else",
}  # fmt: skip


def changes_made(agents: dict[str, str]) -> pl.DataFrame:
    """`order_changes` as the runner of stages hands it on, from a stage that signs for another."""
    made = output_table("order_changes").frame([ROW])
    one = replace(
        stage("reconcile"), reads=(), writes=("order_changes",), run=lambda _frames, _context: {"order_changes": made}
    )
    assert isinstance(one, Stage)
    return run_stage(one, {}, replace(CONTEXT, agents=agents))["order_changes"]


def test_tables_that_agents_make_end_in_their_name_and_version() -> None:
    assert {name: table.agent for name, table in TABLES.items() if table.agent is not None} == SIGNED_TABLES
    assert set(SIGNED_TABLES.values()) < set(AGENTS)
    for name in SIGNED_TABLES:
        assert TABLES[name].columns[-2:] == SIGNED


def test_the_runner_signs_and_no_stage_signs_for_another() -> None:
    versions = agent_versions("p" * 64)
    made = changes_made(versions)
    assert made.select("agent", "agent_version").rows() == [("reconciler", versions["reconciler"])]
    (message,) = messages("P", made.iter_rows(named=True), "mia")
    assert (message.content["agent"], message.content["agent_version"]) == ("reconciler", versions["reconciler"])


def test_a_run_of_before_agents_signed_is_made_again_as_it_was() -> None:
    made = changes_made({})
    assert made["agent"].null_count() == made["agent_version"].null_count() == 1
    (message,) = messages("P", made.iter_rows(named=True), "mia")
    assert "agent" not in message.content
    old = made.drop("agent", "agent_version")  # a column that holds nothing does not count
    assert frame_digest(old, ("idempotency_key",)) == frame_digest(made, ("idempotency_key",))


def test_a_version_is_that_of_code_and_rules_or_policy() -> None:
    one, other = agent_versions("a" * 64), agent_versions("b" * 64)
    assert one["reconciler"] == other["reconciler"]
    assert {name for name in one if one[name] != other[name]} == set(AGENTS) - {"reconciler"}
    assert {version.split("+")[1] for name, version in one.items() if name != "reconciler"} == {"a" * 12}


@pytest.mark.parametrize("agents", [None, {"reconciler": "1+2"}])
def test_pins_are_read_with_and_without_agents(agents: dict[str, str] | None) -> None:
    pins = {
        "run_id": "P.2026-01-05.0.x", "plant": {"code": "P"}, "planning_date": "2026-01-05", "sequence": 0,
        "as_of": "2026-01-05T04:00:00+00:00", "policy": CONTEXT.policy.to_dict(), "policy_digest": "d", "rule_version": "r",
        "code_version": "c", "libraries": {}, "landing_digest": "l", "previous_run": None, "schedule_version": None,
        "inputs": {}, "landing": {}, "rerun_of": None, "carried": [],
    }  # fmt: skip
    read = Pins.from_json(json.dumps(pins if agents is None else {**pins, "agents": agents}))
    assert read.context.agents == (agents or {})
