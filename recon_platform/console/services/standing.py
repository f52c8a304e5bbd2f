"""The version bar: what is in force, by whose approval, how old it is, and what became of tonight's run."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from recon_platform.console import words
from recon_platform.console.services.nights import Night, Nights
from recon_platform.governance import Store
from recon_platform.governance.clock import from_text
from recon_platform.nights.standing import STALE_HOURS


@dataclass(frozen=True, slots=True)
class Bar:
    """`state`: `current` (green), `waiting` (amber: a newer plan waits), `stale` or `none` (red). `words` says why."""

    plant: str
    state: str
    version: int | None
    approved_by: str
    published_at: datetime | None
    age: str
    run: str
    run_state: str
    as_of: datetime
    zone: Any
    words: str


def bar(store: Store, nights: Nights, night: Night) -> Bar:
    """What stands in the plant of `night`, its newest run."""
    context = night.context
    plant, now = context.plant.code, store.clock()
    publication = store.publications.in_force(plant)
    unfinished = store.publications.unfinished(plant)
    in_force = nights.in_force(plant)
    common: dict[str, Any] = {
        "plant": plant, "run": night.run_id, "as_of": context.as_of, "zone": context.plant.zone,
        "run_state": _run_state(night, now),
    }  # fmt: skip
    if publication is None or in_force is None:
        said = "Nothing was published yet: work by the manual procedure until the first plan is approved."
        return Bar(
            **common, state="none", version=None, approved_by=words.NOTHING, published_at=None, age="", words=said
        )
    age = in_force.age(now)
    approvals = [a for a in publication.record.get("approvals", []) if a["kind"] in {"base", "rollback"}]
    approver = approvals[0]["decided_by"] if approvals else "policy"
    state, said = "current", ""
    if night.run_id != publication.run_id:
        state, said = "waiting", "A newer plan is ready and not in force yet."
    if age > timedelta(hours=STALE_HOURS):
        state = "stale"
        said = f"The data behind this schedule are {words.age(age)} old: a night is missing. It stays in force."
    if unfinished is not None:
        state = "waiting" if state == "current" else state
        said = f"Publishing version {unfinished.schedule_version} was interrupted; publish again to finish it. {said}"
    return Bar(
        **common, state=state, version=publication.schedule_version, approved_by=approver,
        published_at=publication.published_at, age=words.age(age), words=said.strip(),
    )  # fmt: skip


def _run_state(night: Night, now: datetime) -> str:
    ago = now - night.manifest.finished_at
    which = "nightly run" if night.context.sequence == 0 else f"rerun {night.context.sequence}"
    return f"{which} of {words.day(night.context.planning_date)} finished {words.age(ago)} ago"


def approved_at(record: dict[str, Any]) -> datetime | None:
    """When the base plan behind a publication was approved."""
    times = [from_text(a["decided_at"]) for a in record.get("approvals", []) if a.get("decided_at")]
    return max(times) if times else None
