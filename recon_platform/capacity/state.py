"""What changes while a dispatch pass runs: queues, machines, time lists, and the placements made so far.

Belongs here: the records and how they start. What is done with them stands in `dispatch`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from recon_platform.capacity.compiled import inner
from recon_platform.capacity.kernel_types import StateRef
from recon_platform.capacity.problem import Array, Problem, f4, i4, u1

WAITS, PLACED, PUT_OFF, FAILED = 1, 2, 3, 4
"""Values of `here`; 0 is not ready yet."""
TOUCHED, DONE, RECORD, SOURCES_SEEN = 0, 1, 2, 3
"""Places in `State.count`."""

PLACEMENT = np.dtype(
    [
        ("machine", i4),  # -1: found no place
        ("setup_start", i4),
        ("start", i4),
        ("end", i4),
        ("cause", i4),  # operation that decided when it was ready
        ("ready", i4),  # earliest start as far as known
        ("min_end", i4),  # with overlap: when the last transfer batch arrives; it has still to be worked
        ("left", i4),  # predecessors not yet placed
        ("ready_next", i4),
        ("booked_next", i4),
        ("bound", u1),
        ("ready_bound", u1),
        ("here", u1),
        ("late", u1),
        ("watched", u1),  # stands in the slack heap
        ("state", u1),
    ],
    align=True,
)
QUEUE = np.dtype(
    [
        ("heap_at", i4),  # start of its slice in the three heaps
        ("early_size", i4),
        ("slack_size", i4),
        ("overdue_size", i4),
        ("waiting", i4),
        ("to_come", i4),
        ("waiting_qty", f4),
        ("since", i4),
        ("active_at", i4),
        ("top", i4),  # best operation now, and its index without set-up
        ("top_index", f4),
    ],
    align=True,
)
SEAT = np.dtype(
    [
        ("idle_at", i4),
        ("cursor", i4),  # first open interval not over
        ("family", i4),
        ("tail", i4),  # end of everything booked on it
        ("tail_family", i4),
        ("free_at", i4),
        ("kept_at", i4),
        ("limit", i4),  # what is to start now must end by then
        ("bar", f4),  # unless its index is better than this
        ("tried", i4),
        ("booked", i4),  # first operation booked ahead
        ("booked_last", i4),
        ("next", i4),
    ],
    align=True,
)
DESK = np.dtype([("active", i4), ("idle", i4), ("put_off", i4), ("touched", i4)], align=True)
GROUP = np.dtype([("left", i4), ("best", i4)], align=True)


class State(NamedTuple):
    """The state of one pass."""

    placement: Array
    terms: Array  # [operation, 6] index, urgency, slack, set-up, runner-up, its index; one row when not recorded
    base: Array
    early_key: Array
    minus_latest: Array
    early: Array
    slack: Array
    overdue: Array
    queue: Array  # per family
    active: Array  # families with work, in the slice of their work center
    seat: Array  # per machine
    idle: Array  # idle machines, in the slice of their work center
    desk: Array  # per work center
    group: Array
    ready_head: Array  # per minute
    machine_head: Array
    touch_head: Array
    touch_next: Array  # per machine, then per family
    touch_time: Array
    touched: Array
    free: Array  # [pool, minute] people not taken
    tool_free: Array
    count: Array


@inner
def fresh_state(p: Problem, bias: Array, record: bool, k1_inverse: float) -> State:
    """The state before the first minute. `bias` is added to the index of each operation; empty: none."""
    n = p.operation.shape[0]
    machines = p.machine.shape[0] - 1
    families = p.family.shape[0]
    centers = p.center.shape[0] - 1
    placement = np.zeros(n, PLACEMENT)
    base = np.empty(n, np.float32)
    early_key = np.empty(n, np.float32)
    minus_latest = np.empty(n, np.int32)
    queue = np.zeros(families, QUEUE)
    for i in range(n):
        o = p.operation[i]
        own = o.urgency
        if bias.shape[0] == n:
            own += bias[i]
        base[i] = own
        early_key[i] = own - o.latest * k1_inverse
        minus_latest[i] = -o.latest
        queue[o.family].to_come += 1
        place = placement[i]
        place.machine = -1
        place.setup_start = -1
        place.start = -1
        place.end = -1
        place.cause = -1
        place.ready = o.ready
        place.ready_bound = o.ready_cause
        place.min_end = -1
        place.left = o.preds
        place.state = o.state
        place.booked_next = -1
    at = 0
    for f in range(families):
        q = queue[f]
        q.heap_at = at
        at += q.to_come
        q.since = -1
        q.active_at = -1
        q.top = -1
    seat = np.zeros(machines, SEAT)
    for m in range(machines):
        here = seat[m]
        machine = p.machine[m]
        here.idle_at = -1
        here.cursor = machine.open_ptr
        here.family = machine.family
        here.tail_family = machine.family
        here.free_at = -1
        here.kept_at = machine.kept_ptr
        here.tried = -1
        here.booked = -1
        here.booked_last = -1
    desk = np.zeros(centers, DESK)
    for c in range(centers):
        desk[c].put_off = -1
    groups = p.group_ptr.shape[0] - 1
    group = np.zeros(groups, GROUP)
    for g in range(groups):
        group[g].left = p.group_ptr[g + 1] - p.group_ptr[g]
        group[g].best = -1
    rows = n if record else 1
    terms = np.zeros((rows, 6), np.float32)
    terms[:, 4] = -1.0
    minutes = p.end_of_time
    return StateRef(
        placement, terms, base, early_key, minus_latest,
        np.empty(n, np.int32), np.empty(n, np.int32), np.empty(n, np.int32),
        queue, np.zeros(families, np.int32), seat, np.zeros(machines, np.int32), desk, group,
        np.full(minutes, -1, np.int32), np.full(minutes, -1, np.int32), np.full(minutes, -1, np.int32),
        np.full(machines + families, -1, np.int32), np.full(machines + families, -1, np.int32),
        np.zeros(centers, np.int32), p.people.copy(), np.zeros(p.tool_ptr[-1], np.int32), np.zeros(4, np.int64),
    )  # fmt: skip
