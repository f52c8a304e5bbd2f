"""Processes made to be killed: forked one by one from a process that has loaded everything and started nothing.

Loading the platform takes longer than what is to be killed; a fork shares what was loaded. Each victim is a process of
its own, and what ends it is a SIGKILL from outside, wherever it stands, in native code too.
"""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from importlib import import_module
from types import TracebackType

SERVE = "import sys; from recon_platform.bench.victims import serve; serve(*sys.argv[1:])"
FEW_THREADS = {"POLARS_MAX_THREADS": "1", "TOKIO_WORKER_THREADS": "1", "OMP_NUM_THREADS": "1"}


class Victims:
    """Runs `function` of `module`, each time in a process that is killed. Use as a context; `modules` are loaded too."""

    def __init__(self, module: str, function: str, modules: Sequence[str] = ()) -> None:
        self._mother = subprocess.Popen(
            [sys.executable, "-c", SERVE, module, function, *modules],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ, **FEW_THREADS},
        )  # fmt: skip

    def __enter__(self) -> Victims:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._mother.communicate()

    def run(self, *arguments: str | float, kill_after: float | None = None) -> float:
        """One victim, called with `arguments`; SIGKILL after `kill_after` seconds, or (None) it ends by itself.

        Returns when it is dead, with the seconds it lived; one that is done before its time waits for its end. Raises
        RuntimeError where it ended by an error of its own: then nothing was shown.
        """
        if self._mother.stdin is None or self._mother.stdout is None:
            raise RuntimeError("the mother of the victims has no pipes")
        self._mother.stdin.write(json.dumps([kill_after, arguments]) + "\n")
        self._mother.stdin.flush()
        answer = self._mother.stdout.readline()
        status, seconds = json.loads(answer) if answer else (None, 0.0)
        if status != (0 if kill_after is None else -signal.SIGKILL):
            raise RuntimeError(f"the victim called with {arguments} ended with {status}, by an error of its own")
        return float(seconds)


def serve(module: str, function: str, *modules: str) -> None:
    """The mother: loads, then forks a victim for each line of standard input and tells its end on standard output."""
    target = getattr(import_module(module), function)
    for name in modules:
        import_module(name)
    for line in sys.stdin:
        kill_after, arguments = json.loads(line)
        started = time.perf_counter()
        child = os.fork()
        if child == 0:
            os.dup2(2, 1)  # its words must not be taken for the mother's
            target(*arguments)
            if kill_after is not None:
                signal.pause()
            os._exit(0)
        ended = os.pidfd_open(child)
        select.select([ended], [], [], kill_after)
        os.kill(child, signal.SIGKILL)  # one that has ended waits to be collected, so the number is still its own
        _, status = os.waitpid(child, 0)
        os.close(ended)
        answer = [os.waitstatus_to_exitcode(status), time.perf_counter() - started]
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()
