"""How many requests of a plant wait for somebody, and how many of the newest run were decided."""

from __future__ import annotations

from recon_platform.console.services.nights import Night
from recon_platform.governance import Actor, Store


def waiting(store: Store, actor: Actor, night: Night) -> tuple[int, int]:
    """Open requests of the plant, and decided ones of the run."""
    requests = store.requests.find(actor, plant=night.context.plant.code, state=None)
    decided = sum(r.run_id == night.run_id and r.state in {"approved", "rejected"} for r in requests)
    return sum(request.state == "open" for request in requests), decided
