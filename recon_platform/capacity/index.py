"""The index of an operation on a machine, and the record of its terms.

Belongs here: the apparent-tardiness-cost index (formula and source in `dispatch`). Which operation wins is decided there.
"""

from __future__ import annotations

import numpy as np

from recon_platform.capacity.compiled import inner
from recon_platform.capacity.placing import changeover
from recon_platform.capacity.problem import Problem
from recon_platform.capacity.state import RECORD, State


@inner
def index_on(p: Problem, s: State, i: int, m: int, now: int, k1_inverse: float, k2_inverse: float) -> float:
    """Index of operation `i` if machine `m` started it now: urgency less slack less set-up."""
    slack = max(np.int64(0), p.operation[i].latest - now)
    return (
        s.course[i].base
        - slack * k1_inverse
        - changeover(p, s, np.int64(s.seat[m].family), np.int64(p.operation[i].family)) * k2_inverse
    )


@inner
def note(
    p: Problem, s: State, i: int, index: float, setup: float, now: int, k1_inverse: float, k2_inverse: float
) -> None:
    """Record the index of operation `i` and its three terms, where a pass records."""
    if s.count[RECORD] == 1:
        s.terms[i, 0] = index
        s.terms[i, 1] = s.course[i].base
        s.terms[i, 2] = -max(0, p.operation[i].latest - now) * k1_inverse
        s.terms[i, 3] = -setup * k2_inverse
