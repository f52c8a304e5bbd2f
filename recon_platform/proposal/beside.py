"""Many trials on a large plan, shared out among processes: threads would wait for one another at the interpreter.

Each process is given the plan once and measures what it is handed the way one process measures all (`evaluate.effects`), so
that their number changes nothing. Belongs here: starting them, sharing out, and what is done when one is lost.
"""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from threading import Lock
from typing import IO, TYPE_CHECKING, cast

from recon_platform.planning.decisions import Change
from recon_platform.proposal.evaluate import Effect, effects, plans_at_once, read_base
from recon_platform.tables.context import PlanContext
from recon_platform.tables.model import Frames
from recon_platform.tables.reuse import Reuse

if TYPE_CHECKING:
    from types import TracebackType

Trials = Sequence[Sequence[Change]]


def effects_beside(
    frames: Frames, context: PlanContext, setting: Sequence[Change], trials: Trials, processes: int
) -> list[Effect]:
    """The effects of `trials` on the plan in `frames`, all with `setting`, in their order, measured by so many processes.

    What a process that was lost should have measured is measured here, and so is what made it fail: the error is that of the
    trial.
    """
    found: dict[int, Effect] = {}
    parts = shares(len(trials), processes, plans_at_once(frames))
    turn = Lock()

    def next_part() -> range | None:
        with turn:
            return next(parts, None)

    def measure(process: Process) -> None:
        try:
            process.given(frames, context, setting)
            while (part := next_part()) is not None:
                found.update(zip(part, process.effects([trials[k] for k in part]), strict=True))
        except (EOFError, OSError, pickle.UnpicklingError):
            return

    with ExitStack() as stack:
        started = [stack.enter_context(Process()) for _ in range(processes)]
        with ThreadPoolExecutor(processes) as pool:
            list(pool.map(measure, started))
    left = [k for k in range(len(trials)) if k not in found]
    found.update(zip(left, effects(frames, context, [trials[k] for k in left], Reuse()), strict=True))
    return [found[k] for k in range(len(trials))]


def shares(count: int, processes: int, most: int) -> Iterator[range]:
    """Trials by number as they are handed out: `most` at a time, fewer towards the end, so that all finish about together."""
    first = 0
    while first < count:
        size = min(most, -(-(count - first) // (2 * processes)))
        yield range(first, first + size)
        first += size


class Process:
    """A process that measures trials against one plan. It ends with the one that started it, killed or not: what it reads
    from is closed then."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )

    @property
    def pid(self) -> int:
        return self._process.pid

    def given(self, frames: Frames, context: PlanContext, setting: Sequence[Change]) -> None:
        """Tell it the plan. Raises OSError where it is lost."""
        self._say((frames, context, setting))

    def effects(self, trials: Trials) -> list[Effect]:
        """What `trials` bring. Raises EOFError, OSError or UnpicklingError where it is lost."""
        self._say(trials)
        return cast("list[Effect]", pickle.load(cast("IO[bytes]", self._process.stdout)))

    def _say(self, what: object) -> None:
        pipe = cast("IO[bytes]", self._process.stdin)
        pickle.dump(what, pipe, protocol=pickle.HIGHEST_PROTOCOL)
        pipe.flush()

    def __enter__(self) -> Process:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.communicate()


def _serve() -> None:
    """Read a plan, then trials until there are no more; answer each with effects."""
    answers, sys.stdout = sys.stdout.buffer, sys.stderr  # whatever is printed must not stand between the answers
    frames, context, setting = pickle.load(sys.stdin.buffer)
    reuse = Reuse()
    read_base(frames, context, setting, reuse)
    while True:
        try:
            trials = pickle.load(sys.stdin.buffer)
        except EOFError:
            return
        pickle.dump(effects(frames, context, trials, reuse), answers, protocol=pickle.HIGHEST_PROTOCOL)
        answers.flush()


if __name__ == "__main__":
    _serve()
