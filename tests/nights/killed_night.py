"""The miniature night in a process of its own that kills itself after a while. Importing it opens no table."""

from __future__ import annotations

import os
import signal
import threading

from recon_platform.lake import Lake
from recon_platform.nights.night import run_night
from tests.nights.small import STAGES, landing


def run_and_be_killed(root: str, rows: int, seconds: float) -> None:
    """Run the night at `root`; SIGKILL to oneself after `seconds`, wherever it stands then."""
    threading.Timer(seconds, os.kill, (os.getpid(), signal.SIGKILL)).start()
    run_night(Lake(root), landing(rows), stages=STAGES)
    os._exit(0)
