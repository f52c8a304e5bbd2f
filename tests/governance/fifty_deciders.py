"""Fifty processes that decide one request at once; prints `won` or `late` for each. Run with `python -m`."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from recon_platform.governance import Store, decisions, sessions  # noqa: F401 - loaded once, before the forks
from recon_platform.governance.errors import AlreadyDecidedError
from tests.governance.plant import KEY, StandingClock

PROCESSES = 50


def decide(number: int, url: str, request: int, digest: str, tokens: Sequence[str]) -> str:
    """Decide in this process, half as one approver and half as the other, a third of them against it."""
    store = Store(url, clock=StandingClock(), key=KEY)
    actor = store.sessions.authenticate(tokens[number % 2])
    call = store.decisions.approve if number % 3 else store.decisions.reject
    start.read(1)
    try:
        call(actor, request, digest=digest, reason=f"decider {number}")
    except AlreadyDecidedError:
        return "late"
    return "won"


if __name__ == "__main__":
    url, request, digest, *tokens = sys.argv[1:]
    gate, opened = os.pipe()
    start = os.fdopen(gate, "rb", buffering=0)
    children = []
    for number in range(PROCESSES):
        child = os.fork()
        if child == 0:
            os.close(opened)
            os.write(1, f"{decide(number, url, int(request), digest, tokens)}\n".encode())
            os._exit(0)
        children.append(child)
    os.close(opened)  # the gate opens for all of them at once
    for child in children:
        os.waitpid(child, 0)
