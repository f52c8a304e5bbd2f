"""What a plan was made with: code version, rule version, libraries. Read once per process."""

from __future__ import annotations

import hashlib
import json
import platform
import sys
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import recon_platform

PACKAGE = Path(recon_platform.__file__).parent
DISTRIBUTION = "recon-platform"
LIBRARIES = ("polars", "deltalake", "numba", "numpy", "pandera")
AGENTS: dict[str, tuple[str, ...]] = {
    "reconciler": ("conform", "reconcile"), "shortage_finder": ("material",), "scheduler": ("capacity", "planning"),
    "parameter_learner": ("conform",), "replanner": ("proposal",),
}  # fmt: skip
"""The packages whose code an agent is."""
DIGITS = 12
NOT_PLANNING = ("cli", "console", "bench")


@cache
def source_digest(*packages: str) -> str:
    """SHA-256 over names and bytes of the source files below `packages` (default: all that takes part in a plan)."""
    digest = hashlib.sha256()
    for path in sorted(PACKAGE.rglob("*.py")):
        top = path.relative_to(PACKAGE).parts[0]
        if (packages and top not in packages) or (not packages and top in NOT_PLANNING):
            continue
        digest.update(path.relative_to(PACKAGE).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


@cache
def code_version() -> str:
    """Package version and source digest: two runs with one code version ran the same code."""
    return f"{_installed(DISTRIBUTION)}+{source_digest()[:16]}"


@cache
def rule_version() -> str:
    """Digest of the reconciliation rules as they stand in the code."""
    return source_digest("reconcile")[:16]


def agent_versions(policy_digest: str) -> dict[str, str]:
    """The version of each agent: digest of its code, and of the rules (reconciler) or else the policy it goes by."""
    rules = {"reconciler": rule_version()}
    return {
        name: f"{source_digest(*packages)[:DIGITS]}+{rules.get(name, policy_digest)[:DIGITS]}"
        for name, packages in AGENTS.items()
    }


@cache
def library_versions() -> dict[str, str]:
    """Versions of Python and of the libraries whose results end in a table."""
    return {"python": platform.python_version(), **{name: _installed(name) for name in LIBRARIES}}


def _installed(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "source"  # run from a checkout that is not installed: the source digest still tells the code


def all_versions() -> dict[str, str]:
    """Code, rules, Python and libraries of this environment, by the names under which a run records them."""
    return {"code": code_version(), "rules": rule_version(), **library_versions()}


if __name__ == "__main__":  # asked by a replay that is to run in this environment
    sys.stdout.write(json.dumps(all_versions()) + "\n")
