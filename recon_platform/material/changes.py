"""Changes to a baseline and what they did, as arrays: the words in which ledger, attribution and replay talk.

Belongs here: shapes only. Who makes changes of events is `attribution`, who plays them is `replay`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from recon_platform.material.rows import Ints

Floats = NDArray[np.float64]

PARAMETER_ADD, PARAMETER_SET, GROSS_ADD, OPEN_QTY_ADD, OPEN_DAY_SET = range(5)
NOBODY = -1


class Changes(NamedTuple):
    """Changes to a baseline, sorted by item (`at`: offsets). `column` is the parameter or the supply row, `day` the day of
    a gross requirement or the new date; `value` the amount or the new value. Replacements of one cell apply in order."""

    at: Ints
    operation: Ints
    player: Ints
    column: Ints
    day: Ints
    value: Floats


class Lines(NamedTuple):
    """BOM lines by component of baseline and now together; a line is there if its `added_by` player is in (NOBODY: it
    always was) and its `dropped_by` player is not."""

    at: Ints
    parent: Ints
    qty: Floats
    fixed: Ints
    begins: Ints
    ends: Ints
    added_by: Ints
    dropped_by: Ints


class Shifts(NamedTuple):
    """Per supply row that moved and player: how far (days) the need and the date moved because of it.

    In `LABELS` the shares are what the event does alone, and what is lost without it (`*_without`)."""

    row: Ints
    player: Ints
    need: Floats
    due: Floats
    need_without: Floats
    due_without: Floats
    sequential: NDArray[np.bool_]
    need_before: Ints
    need_now: Ints
    due_before: Ints
    due_now: Ints
    reached: NDArray[np.bool_]  # per item
    replays: int
