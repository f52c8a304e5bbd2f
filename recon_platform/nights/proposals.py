"""A finished night laid before the people who decide: one request for its base plan, one for each move."""

from __future__ import annotations

from typing import Any

import polars as pl

from recon_platform.governance import Store, service
from recon_platform.governance.requests import Request
from recon_platform.lake import Lake
from recon_platform.nights.records import Manifest

SCHEDULER = "scheduler"


def propose_night(store: Store, lake: Lake, manifest: Manifest) -> list[Request]:
    """Open the requests of a finished run, retiring those of earlier runs. Repeating it changes nothing."""
    pins = manifest.pins
    return store.requests.open_run(
        service(SCHEDULER, pins.rule_version),
        plant=str(pins.plant["code"]),
        planning_date=pins.planning_date,
        sequence=pins.sequence,
        run_id=manifest.run_id,
        base=base_content(lake, manifest),
        moves=manifest.read(lake, "exception_moves").sort("rank"),
    )


def base_content(lake: Lake, manifest: Manifest) -> dict[str, Any]:
    """What whoever releases the base plan is shown, and what the approval is bound to."""
    pins = manifest.pins
    changes = manifest.read(lake, "proposal_changes")
    counts = changes.group_by("what").len().sort("what")
    return {
        "run_id": manifest.run_id, "planning_date": pins.planning_date, "sequence": pins.sequence, "as_of": pins.as_of,
        "rule_version": pins.rule_version, "policy_digest": pins.policy_digest, "code_version": pins.code_version,
        "replaces": pins.schedule_version, "output_digest": manifest.digest,
        "schedule_digest": manifest.outputs["schedule"].digest, "operations": manifest.outputs["schedule"].rows,
        "changes": dict(counts.iter_rows()), "frozen_changes": changes.filter(pl.col("frozen")).height,
        "expected": {
            row["measure"]: {"in_force": row["in_force"], "proposed": row["proposed"], "unit": row["unit"]}
            for row in manifest.read(lake, "expected_impact").sort("measure").iter_rows(named=True)
        },
    }  # fmt: skip
