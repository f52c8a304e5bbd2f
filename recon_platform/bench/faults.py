"""What survives when processes are killed: decisions and publications, each in a process ended by SIGKILL at random.

In every round a process decides a request and publishes what it decided, noting each step on disk once it was told that
the step is done, and is killed somewhere on the way. Then everything it was told is looked for, and what is visible is
checked for being whole. All of losses, duplicates and half publishes have to be zero.
"""

from __future__ import annotations

import random
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from recon_platform.bench.rounds import LOADED, Ground
from recon_platform.bench.victims import Victims

BEYOND = 1.3  # a round may also be killed after its last step was acknowledged


@dataclass(frozen=True, slots=True)
class FaultFigures:
    """What was found over all rounds."""

    rounds: int
    killed_deciding: int
    killed_publishing: int
    acknowledged_decisions: int
    acknowledged_publications: int
    resumed: int
    lost: int
    duplicates: int
    half_publishes: int
    seconds: float


def run(
    rounds: int, *, seed: int = 1, url: str | None = None, say: Callable[[str], None] | None = None
) -> FaultFigures:
    """`rounds` rounds on SQLite, or on the empty PostgreSQL database at `url`."""
    with tempfile.TemporaryDirectory() as folder:
        ground = Ground.prepare(Path(folder), url or str(Path(folder) / "governance.db"))
        figures = kill(ground, rounds, seed=seed, say=say)
        ground.store.close()
        return figures


def kill(ground: Ground, rounds: int, *, seed: int = 1, say: Callable[[str], None] | None = None) -> FaultFigures:
    """`rounds` rounds on a ground that is prepared."""
    chance, started = random.Random(seed), time.perf_counter()
    resumed = lost = half = 0
    with Victims("recon_platform.bench.rounds", "decide_and_publish", LOADED) as victims:
        where = (str(ground.folder), ground.url)
        full = min(victims.run(*where, -1), victims.run(*where, -2))
        for number in range(rounds):
            if say is not None and number % 10 == 0:
                say(f"round {number}")
            victims.run(*where, number, kill_after=chance.uniform(0, BEYOND * full))
            lost += ground.losses(number)
            half += ground.halves()
            if ground.resume():
                resumed += 1
                half += ground.halves()
    told = [ground.told(number) for number in range(rounds)]
    return FaultFigures(
        rounds=rounds,
        killed_deciding=sum("decided" not in steps for steps in told),
        killed_publishing=sum("decided" in steps and "published" not in steps for steps in told),
        acknowledged_decisions=sum("decided" in steps for steps in told),
        acknowledged_publications=sum("published" in steps for steps in told),
        resumed=resumed,
        lost=lost + ground.losses(*range(rounds)),
        duplicates=ground.duplicates(),
        half_publishes=half,
        seconds=round(time.perf_counter() - started, 1),
    )
