"""A scheduling problem as plain arrays of records: what the compiled kernels read.

Belongs here: the records, their meaning and units. Making them from tables is `prepare`'s task, solving them
`dispatch`'s. Times are whole minutes after the origin (the planning instant); durations are minutes; people are
counted in hundredths. `-1` means none.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

CACHE_LINE = 64  # bytes
FREE, RUNNING, FROZEN, SOFT, HELD = 0, 1, 2, 3, 4
"""State of an operation: dispatched freely; running now; kept inside the fence; kept by match-up unless beaten; kept like
one inside the fence, but no fence forbids that it gives up its place (being set up; soft in a plan that holds the sequence)."""

i4, i2, f4, f8, u1 = np.int32, np.int16, np.float32, np.float64, np.uint8

OPERATION = np.dtype(
    [
        ("order", i4),
        ("family", i4),  # queue family: same work center, same set-up
        ("kind", i4),  # people, tool, batch and pause rules, shared by many operations
        ("run", f4),  # at machine speed 1
        ("lag", i4),  # from the end to the earliest start of the next operation: move and queue time
        ("share", f4),  # part of the run after which the next operation of the order may start; 1: all of it
        ("ready", i4),  # earliest start by material, release or fence
        ("latest", i4),  # latest start that keeps the due date, working calendars counted
        ("urgency", f4),  # ln(weight / run)
        ("max_wait", i4),  # after the end of the operation before; -1: any
        ("qty", f4),
        ("group", i4),  # continuity group
        ("elapsed", i4),  # minutes at a vendor; -1: done here
        ("not_before", i4),  # start in force, for kept operations
        ("home", i4),  # machine in force
        ("preds", i2),  # operations to wait for
        ("ready_cause", u1),  # index into BOUND_BY of the capacity tables
        ("state", u1),
    ],
    align=True,
)
ORDER = np.dtype(
    [
        ("first", i4),  # first operation; a closing entry follows the last order
        ("due", i4),
        ("weight", f4),
        ("link_ptr", i4),  # into link_to: operations that wait for the end of the order
        ("scored", u1),  # 1 where lateness of the order counts
    ],
    align=True,
)
FAMILY = np.dtype(
    [
        ("center", i4),
        ("setup", f4),  # set-up where nothing is known of what stood on the machine
        ("alike", i4),  # families with the same number need no set-up between them; -1: always set up
        ("pinned", i4),  # the one machine its operations may go to; -1: any of the work center
    ],
    align=True,
)
KIND = np.dtype(
    [
        ("setup_pool", i4),
        ("setup_people", i4),
        ("run_pool", i4),
        ("run_people", i4),
        ("tool", i4),
        ("batch_max", f4),  # 0: not a batch resource
        ("batch_min", f4),
        ("pausable", u1),
    ],
    align=True,
)
MACHINE = np.dtype(
    [
        ("center", i4),
        ("speed", f4),
        ("family", i4),  # family standing on it; -1: unknown
        ("open_ptr", i4),  # into open_start, open_end; a closing entry follows the last machine
        ("kept_ptr", i4),  # into kept: running, frozen and soft operations in the sequence in force
    ],
    align=True,
)
STAFF = np.dtype(
    [
        ("start", i4),
        ("end", i4),
        ("people", i4),  # hundredths, at least one
        ("at", i4),  # place of its first minute in the list of all minutes with people, less `start`
    ],
    align=True,
)
CENTER = np.dtype(
    [
        ("machines", i4),  # first machine; a closing entry follows the last work center
        ("families", i4),  # first family
        ("sibling", i4),  # sibling group
        ("sibling_speed", f4),
        ("fence", i4),  # minute up to which its sequence in force is frozen
    ],
    align=True,
)


class Problem(NamedTuple):
    """Everything a dispatch pass needs. Operations are sorted by order then sequence, machines and families by center."""

    operation: Array
    order: Array
    link_to: Array
    family: Array
    family_value: Array  # [family, attribute] identity of the value; -1: the attribute does not matter
    family_code: Array  # [family, attribute] row and column in the matrix
    matrix_at: Array  # [work center, attribute] offset of its matrix; -1: none
    matrix_size: Array  # [work center, attribute] rows of it
    matrix: Array  # minutes; -1: no row, the family's own set-up holds
    kind: Array
    machine: Array
    open_start: Array
    open_end: Array
    kept: Array
    center: Array
    group_ptr: Array
    group_op: Array
    pool_ptr: Array  # into staff, per pool of people; one more entry than pools
    staff: Array  # when how many people are there
    tool_ptr: Array  # copies of each tool; one more entry than tools
    end_of_time: int
    batch_wait: int  # longest wait for a fuller load
    sibling_pull: int  # 1: idle machines take work of their siblings


Fields = tuple[tuple[str, Any, int], ...]
"""Name, type and dimensions of fields in order; 0 dimensions: a number."""
PROBLEM_FIELDS: Fields = (
    ("operation", OPERATION, 1), ("order", ORDER, 1), ("link_to", i4, 1), ("family", FAMILY, 1), ("family_value", i4, 2),
    ("family_code", i4, 2), ("matrix_at", i4, 2), ("matrix_size", i4, 2), ("matrix", i4, 1), ("kind", KIND, 1),
    ("machine", MACHINE, 1), ("open_start", i4, 1), ("open_end", i4, 1), ("kept", i4, 1), ("center", CENTER, 1),
    ("group_ptr", i4, 1), ("group_op", i4, 1), ("pool_ptr", i4, 1), ("staff", STAFF, 1), ("tool_ptr", i4, 1),
    ("end_of_time", int, 0), ("batch_wait", int, 0), ("sibling_pull", int, 0),
)  # fmt: skip


class Solution(NamedTuple):
    """What a pass decided: a placement per operation (`state.PLACEMENT`), how it came to it (`state.COURSE`), the recorded
    terms."""

    placement: Array
    course: Array
    terms: Array


def sealed(problem: Problem) -> Problem:
    """The same problem with every array contiguous, writable and of its declared type, as compiled code reads it."""
    fields: dict[str, Any] = {
        name: np.require(getattr(problem, name), kind, ["C", "W"]) if dimensions else int(getattr(problem, name))
        for name, kind, dimensions in PROBLEM_FIELDS
    }
    operation = fields["operation"]
    if operation.__array_interface__["data"][0] % CACHE_LINE:
        fields["operation"] = on_cache_lines(operation.shape[0], OPERATION)
        fields["operation"][:] = operation
    return Problem(**fields)


def on_cache_lines(number: int, kind: np.dtype[Any]) -> Array:
    """Room for so many records, from the start of a cache line on, so that none lies across two: a pass reads them in no
    order."""
    size = number * kind.itemsize
    room = np.empty(size + CACHE_LINE, np.uint8)
    at = -room.__array_interface__["data"][0] % CACHE_LINE
    result: Array = room[at : at + size].view(kind)
    return result


def mean_run(problem: Problem) -> float:
    """Mean run minutes of the operations done here; 1 at least."""
    inside = problem.operation["elapsed"] < 0
    return max(1.0, float(problem.operation["run"][inside].mean())) if inside.any() else 1.0


def mean_setup(problem: Problem) -> float:
    """Mean set-up minutes of the families that have one; 1 at least."""
    setup = problem.family["setup"]
    return max(1.0, float(setup[setup > 0].mean())) if (setup > 0).any() else 1.0
