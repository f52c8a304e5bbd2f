"""Watching processes that tests start or kill."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

WAIT = 30.0


def until(look: Callable[[], bool], seconds: float = WAIT) -> bool:
    """Whether `look` says yes within so many seconds."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if look():
            return True
        time.sleep(0.02)
    return False


def alive(process: int) -> bool:
    """Whether it runs: one that ended and was not waited for does not."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False
