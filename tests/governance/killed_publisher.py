"""A publisher that is killed: what its process does until then."""

from __future__ import annotations

from pathlib import Path

from recon_platform.governance import Store, service
from recon_platform.lake import Lake
from recon_platform.nights.publish import publish
from tests.governance.plant import KEY, StandingClock


def publish_once(folder: str, run_id: str) -> None:
    """Publish `run_id`."""
    store = Store(str(Path(folder) / "governance.db"), clock=StandingClock(), key=KEY)
    publish(Lake(str(Path(folder) / "lake")), store, run_id, actor=service("publisher", "1"))
