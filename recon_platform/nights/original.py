"""Replay in the original environment: another Python, with the code and the lock that the run was made with.

Belongs here: proving that the environment is the one, and running the replay in it. Making it is for people: check out
the code, install its `requirements/run.lock` (docs/replay.md).
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path

from recon_platform.nights.records import Manifest
from recon_platform.nights.replay import differing_versions


class WrongEnvironmentError(ValueError):
    """An environment is not the one that a run was made in, or does not start."""


def replay_in(python: Path, manifest: Manifest, arguments: Sequence[str]) -> int:
    """Run `recon replay` with `arguments` by the interpreter `python`; gives its exit code, 0 for an identical run.

    Its output goes where this process's output goes. Raises WrongEnvironmentError where the environment has other code,
    rules or libraries than the run, naming each.
    """
    asked = _run([str(python), "-m", "recon_platform.nights.versions"], capture=True)
    if asked.returncode:
        raise WrongEnvironmentError(
            f"{python} does not tell its versions; expected an environment with this project installed: "
            f"{asked.stderr.strip()[-300:]}"
        )
    differing = differing_versions(manifest, json.loads(asked.stdout))
    if differing:
        raise WrongEnvironmentError(
            f"{python} is not the environment of run {manifest.run_id} ({'; '.join(differing)}); check out the code of "
            "then and install its requirements/run.lock"
        )
    return _run([str(python), "-m", "recon_platform.cli", "replay", *arguments], capture=False).returncode


def _run(command: Sequence[str], *, capture: bool) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(command, capture_output=capture, text=True, check=False)
    except OSError as error:
        raise WrongEnvironmentError(
            f"{command[0]} cannot be started: {error.strerror}; expected a Python interpreter"
        ) from error
