"""`Problem` and `State` as compiled code sees them: one reference each, so that calls stay cheap and compile fast.

Belongs here: the registration with the compiler only. Fields and meaning are those of `problem` and `state`.
"""

from __future__ import annotations

from typing import Any

from numba import types
from numba.experimental import structref

from recon_platform.capacity.problem import Problem

STATE_FIELDS = (
    "placement", "terms", "base", "early_key", "minus_latest", "early", "slack", "overdue", "queue", "active", "seat",
    "idle", "desk", "group", "ready_head", "machine_head", "touch_head", "touch_next", "touch_time", "touched", "free",
    "tool_free", "count",
)  # fmt: skip


@structref.register
class ProblemType(types.StructRef):
    """Compiled type of a problem."""

    def preprocess_fields(self, fields: Any) -> Any:
        return tuple((name, types.unliteral(kind)) for name, kind in fields)


@structref.register
class StateType(types.StructRef):
    """Compiled type of the state of a pass."""

    def preprocess_fields(self, fields: Any) -> Any:
        return tuple((name, types.unliteral(kind)) for name, kind in fields)


class ProblemRef(structref.StructRefProxy):
    """Made inside compiled code from the fields of a `Problem`, in order."""


class StateRef(structref.StructRefProxy):
    """Made inside compiled code from the arrays of a `State`, in order."""


structref.define_proxy(ProblemRef, ProblemType, list(Problem._fields))
structref.define_proxy(StateRef, StateType, list(STATE_FIELDS))
