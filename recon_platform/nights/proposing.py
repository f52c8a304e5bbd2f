"""Put a finished run before people: its base plan and each exception as a request that somebody else decides."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from recon_platform.governance.actors import Actor, service
from recon_platform.governance.agents import registry_of
from recon_platform.governance.allowed import without
from recon_platform.lake import Lake
from recon_platform.nights.autonomy import fall
from recon_platform.nights.corrections import corrections
from recon_platform.nights.records import Manifest
from recon_platform.nights.versions import code_version

DECISIONS = "decisions_in_force"

if TYPE_CHECKING:
    from recon_platform.governance import Store
    from recon_platform.governance.requests import Request


def night_service() -> Actor:
    """The platform itself, running a night: it proposes, and approves nothing."""
    return service("night", code_version())


def propose(lake: Lake, store: Store, manifest: Manifest, actor: Actor | None = None) -> list[Request]:
    """The requests of a run: its base plan, its moves, its corrections. Asking again for the same run changes nothing."""
    from recon_platform.nights.learned import asked_by_itself  # noqa: PLC0415 - it plans material, a night imports this

    pins, actor = manifest.pins, actor or night_service()
    decisions = pins.inputs[DECISIONS].read(lake)
    precision = manifest.read(lake, "rule_precision") if "rule_precision" in manifest.outputs else None
    fall(store, actor, pins.plant["code"], precision)
    rows = registry_of(decisions)
    waiting, automatic = corrections(lake, manifest, rows["reconciler"])
    return store.requests.open_run(
        actor, plant=pins.plant["code"], planning_date=pins.planning_date, sequence=pins.sequence,
        run_id=manifest.run_id, base=base_content(lake, manifest), moves=manifest.read(lake, "exception_moves"), corrections=waiting,
        automatic=automatic, parameters=asked_by_itself(lake, manifest, rows["parameter_learner"]), versions=pins.agents,
    )  # fmt: skip


def base_content(lake: Lake, manifest: Manifest) -> dict[str, Any]:
    """What whoever releases a base plan is shown, digest and versions included: an approval holds for exactly this."""
    pins = manifest.pins
    impact = manifest.read(lake, "expected_impact")
    rows = registry_of(pins.inputs[DECISIONS].read(lake))
    missing = without(name for name, row in rows.items() if not row.on)
    return {
        "run": manifest.run_id,
        "digest": manifest.digest,
        "schedule": manifest.outputs["schedule"].digest,
        "operations": manifest.outputs["schedule"].rows,
        "changes": manifest.outputs["proposal_changes"].rows,
        "moves": manifest.outputs["exception_moves"].rows,
        "unscheduled": manifest.outputs["unscheduled"].rows,
        "as_of": pins.as_of,
        "replaces": pins.schedule_version,
        "policy": pins.policy_digest,
        "rules": pins.rule_version,
        "code": pins.code_version,
        "impact": impact.to_dicts(),
        **({"missing": missing} if missing else {}),
    }
