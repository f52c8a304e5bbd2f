"""A publisher that is killed: publishes in a process of its own and is ended by SIGKILL after a while."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path

from recon_platform.governance import Store, service
from recon_platform.lake import Lake
from recon_platform.nights.publish import publish
from tests.governance.plant import KEY, StandingClock


def publish_and_be_killed(folder: str, run_id: str, after_seconds: float) -> None:
    """Publish `run_id`; end by SIGKILL after `after_seconds`, wherever it stands."""
    threading.Timer(after_seconds, lambda: os.kill(os.getpid(), signal.SIGKILL)).start()
    store = Store(str(Path(folder) / "governance.db"), clock=StandingClock(), key=KEY)
    publish(Lake(str(Path(folder) / "lake")), store, run_id, actor=service("publisher", "1"))
    os.kill(os.getpid(), signal.SIGKILL)
