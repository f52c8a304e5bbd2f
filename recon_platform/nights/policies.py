"""The policy a night plans with: what the plant handed over, changed by what people approved.

An approved change is a decision in force like any other (kind `parameter`, subject `policy`), so a night reads it from
its snapshot and a replay finds it there again. The same is true of a line's rollout state (kind `switch`).
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from typing import Any

import polars as pl

from recon_platform.tables.policy import Policy, policy_from_dict

SUBJECT = "policy"
LINE = "line:"
ROLLOUT_STATES = ("shadow", "pilot", "on")


def effective_policy(policy: Policy, decisions: pl.DataFrame) -> Policy:
    """`policy` with the changes and rollout states in `decisions` (table `decisions_in_force`) made, oldest first."""
    rows = decisions.sort("decision").select("kind", "subject", "value").iter_rows()
    for kind, subject, value in rows:
        if kind == "parameter" and subject == SUBJECT:
            policy = changed(policy, json.loads(value)["policy"])
        elif kind == "switch" and subject.startswith(LINE):
            rollout = {**policy.publish.rollout, subject.removeprefix(LINE): str(json.loads(value)["state"])}
            policy = dataclasses.replace(policy, publish=dataclasses.replace(policy.publish, rollout=rollout))
    return policy


def changed(policy: Policy, changes: Mapping[str, Any]) -> Policy:
    """`policy` with the settings in `changes` (by section); ValueError names an unknown section or setting."""
    values = policy.to_dict()
    for section, settings in changes.items():
        if isinstance(settings, Mapping) and isinstance(values.get(section), dict):
            values[section] = {**values[section], **settings}
        else:
            values[section] = settings
    return policy_from_dict(values)


def differences(old: Policy, new: Policy) -> list[dict[str, Any]]:
    """Every setting that differs: `setting` (`section.name`), `from`, `to`."""
    before, after = old.to_dict(), new.to_dict()
    return [
        {"setting": f"{section}.{name}", "from": settings[name], "to": after[section][name]}
        for section, settings in before.items()
        if isinstance(settings, dict)
        for name in settings
        if settings[name] != after[section][name]
    ]
