"""What changes while a dispatch pass runs: queues, machines, time lists, and the placements made so far.

Belongs here: the records and how they start. What is done with them stands in `dispatch`.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from recon_platform.capacity.compiled import inner
from recon_platform.capacity.problem import CACHE_LINE, Array, Fields, Problem, f4, f8, i2, i4, on_cache_lines, u1

WAITS, PLACED, PUT_OFF, FAILED = 1, 2, 3, 4
"""Values of `here`; 0 is not ready yet."""
TOUCHED, DONE, RECORD, SOURCES_SEEN, NOW = 0, 1, 2, 3, 4
"""Places in `State.count`."""
CHAIN = 8
"""Most operations that may follow one another under maximum waits."""
BLOCK = 6
"""Minutes with people are looked at in blocks of 2 to this power."""
NO_MINUTE = np.int64(2_000_000_000)
WIDEST = 40
"""Families of a work center up to which their changeovers are reckoned once a pass, not at every look."""

PLACEMENT = np.dtype(
    [
        ("machine", i4),  # -1: found no place
        ("setup_start", i4),
        ("start", i4),
        ("end", i4),
    ],
    align=True,
)
COURSE = np.dtype(
    [
        ("base", f4),  # index without slack and set-up
        ("ready", i4),  # earliest start as far as known
        ("cause", i4),  # operation that decided when it was ready
        ("ready_next", i4),
        ("min_end", i4),  # with overlap: when the last transfer batch arrives; it has still to be worked
        ("booked_next", i4),
        ("left", i2),  # predecessors not yet placed
        ("bound", u1),
        ("ready_bound", u1),
        ("here", u1),
        ("late", u1),
        ("again", u1),  # was put off: it may stand in the slack heap already
        ("state", u1),
    ],
    align=True,
)
"""How an operation comes to its place; as long as half a cache line."""
QUEUE = np.dtype(
    [
        ("top", i4),  # best operation now, its index without set-up, and its machine in force
        ("top_index", f4),
        ("top_home", i4),
        ("stale", i4),  # 1: the two that follow have to be found again
        ("late_at", i4),  # when the next operation runs out of slack
        ("early_top", i4),  # best of those with slack
        ("early_base", f4),
        ("early_latest", i4),
        ("early_home", i4),
        ("overdue_top", i4),  # best of the late ones
        ("overdue_base", f4),
        ("overdue_home", i4),
        ("loads", i4),  # 1: one of the two waits for a full load
        ("pinned", i4),
        ("heap_at", i4),  # start of its slice in the three heaps
        ("waiting", i4),
        ("early_size", i4),
        ("slack_size", i4),
        ("overdue_size", i4),
        ("to_come", i4),
        ("waiting_qty", f4),
        ("since", i4),
        ("active_at", i4),
        ("room", i4, 9),
    ],
    align=True,
)
"""What every look at a work center reads comes first: a cache line; the rest is a second one."""
SEAT = np.dtype(
    [
        ("idle_at", i4),
        ("cursor", i4),  # first open interval not over
        ("family", i4),
        ("tail", i4),  # end of everything booked on it
        ("tail_family", i4),
        ("free_at", i4),
        ("open_until", i4),  # end of the open interval seen last
        ("kept_end", i4),
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
OFFER = np.dtype([("worth", f8), ("operation", i4), ("machine", i4)], align=True)
"""What a family offers the idle machines of its work center: without a machine its worth is a bound."""
DESK = np.dtype([("active", i4), ("idle", i4), ("put_off", i4), ("touched", i4)], align=True)
GROUP = np.dtype([("left", i4), ("best", i4)], align=True)


class State(NamedTuple):
    """The state of one pass."""

    placement: Array
    course: Array
    terms: Array  # [operation, 6] index, urgency, slack, set-up, runner-up, its index; one row when not recorded
    early: Array  # heaps of ranks: with slack, by index; with slack, by when it runs out; late, by index
    slack: Array
    overdue: Array
    queue: Array  # per family
    offer: Array  # per family
    line: Array  # families by what they offer, in the slice of their work center
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
    pool_at: Array  # per pool: first stretch of its staff that is not over
    taken: Array  # people at work, per minute with people, in hundredths
    most: Array  # no fewer than are at work in any minute of a block
    tool_free: Array
    change_at: Array  # per work center: where its changeovers stand; -1: not reckoned beforehand
    change: Array  # minutes from family to family of a work center
    plan: Array  # [place in a chain, 4] machine, set-up start, start, end
    count: Array


i8 = np.int64
STATE_FIELDS: Fields = (
    ("placement", PLACEMENT, 1), ("course", COURSE, 1), ("terms", f4, 2), ("early", i8, 1), ("slack", i8, 1), ("overdue", i8, 1),
    ("queue", QUEUE, 1), ("offer", OFFER, 1), ("line", i4, 1), ("active", i4, 1), ("seat", SEAT, 1), ("idle", i4, 1), ("desk", DESK, 1), ("group", GROUP, 1),
    ("ready_head", i4, 1), ("machine_head", i4, 1), ("touch_head", i4, 1), ("touch_next", i4, 1), ("touch_time", i4, 1),
    ("touched", i4, 1), ("pool_at", i4, 1), ("taken", i2, 1), ("most", i2, 1), ("tool_free", i4, 1), ("change_at", i4, 1), ("change", f4, 1),
    ("plan", i4, 2), ("count", i8, 1),
)  # fmt: skip


def room_for(p: Problem, record: bool) -> State:
    """The arrays of a pass, which `begin` fills.

    All but what a solution keeps lie in one piece of memory, each from a cache line on: it goes back whole when the pass is
    over, and it comes as zeros.
    """
    n, minutes = p.operation.shape[0], int(p.end_of_time)
    machines, families, centers = p.machine.shape[0] - 1, p.family.shape[0], p.center.shape[0] - 1
    staffed = int((p.staff["end"] - p.staff["start"]).sum())
    wide = np.diff(p.center["families"]).astype(np.int64)
    cells = np.where(wide <= WIDEST, wide * wide, 0)
    terms = np.zeros((n if record else 1, 6), np.float32)
    terms[:, 4] = -1.0
    kept = {"placement": np.empty(n, PLACEMENT), "course": on_cache_lines(n, COURSE), "terms": terms}
    shapes: dict[str, tuple[int, ...]] = {
        "early": (n,), "slack": (n,), "overdue": (n,), "queue": (families,), "offer": (families,), "line": (families,), "active": (families,), "seat": (machines,),
        "idle": (machines,), "desk": (centers,), "group": (p.group_ptr.shape[0] - 1,), "ready_head": (minutes,),
        "machine_head": (minutes,), "touch_head": (minutes,), "touch_next": (machines + families,),
        "touch_time": (machines + families,), "touched": (centers,), "pool_at": (p.pool_ptr.shape[0] - 1,),
        "taken": (staffed,), "most": ((staffed >> BLOCK) + 1,), "tool_free": (int(p.tool_ptr[-1]),), "change_at": (centers,),
        "change": (int(cells.sum()),), "plan": (CHAIN + 1, 4), "count": (5,),
    }  # fmt: skip
    kinds = {name: np.dtype(kind) for name, kind, _ in STATE_FIELDS}
    lines = {name: -(-math.prod(shape) * kinds[name].itemsize // CACHE_LINE) for name, shape in shapes.items()}
    room = np.zeros((sum(lines.values()) + 1) * CACHE_LINE, np.uint8)
    at = -room.__array_interface__["data"][0] % CACHE_LINE
    carved: dict[str, Array] = {}
    for name, shape in shapes.items():
        size = math.prod(shape) * kinds[name].itemsize
        carved[name] = room[at : at + size].view(kinds[name]).reshape(shape)
        at += lines[name] * CACHE_LINE
    for name in ("ready_head", "machine_head", "touch_head", "touch_next", "touch_time"):
        carved[name][:] = -1
    carved["pool_at"][:] = p.pool_ptr[:-1]
    carved["change_at"][:] = np.where(wide <= WIDEST, np.cumsum(cells) - cells, -1)
    return State(**kept, **carved)


@inner
def begin(p: Problem, s: State, bias: Array) -> None:
    """The state before the first minute. `bias` is added to the index of each operation; empty: none."""
    for i in range(p.operation.shape[0]):
        o = p.operation[i]
        s.queue[o.family].to_come += 1
        place = s.placement[i]
        place.machine = -1
        place.setup_start = -1
        place.start = -1
        place.end = -1
        course = s.course[i]
        course.cause = -1
        course.ready = o.ready
        course.min_end = -1
        course.left = o.preds
        course.base = o.urgency
        if bias.shape[0] > 0:
            course.base = o.urgency + bias[i]
        course.ready_next = 0
        course.booked_next = -1
        course.bound = 0
        course.ready_bound = o.ready_cause
        course.here = 0
        course.late = 0
        course.again = 0
        course.state = o.state
    at = np.int64(0)
    for f in range(p.family.shape[0]):
        q = s.queue[f]
        q.heap_at = at
        at += q.to_come
        q.since = -1
        q.active_at = -1
        q.top = -1
        q.early_top = -1
        q.overdue_top = -1
        q.late_at = NO_MINUTE
        q.pinned = p.family[f].pinned
    for m in range(p.machine.shape[0] - 1):
        here = s.seat[m]
        machine = p.machine[m]
        here.idle_at = -1
        here.cursor = machine.open_ptr
        here.family = machine.family
        here.tail_family = machine.family
        here.free_at = -1
        here.kept_at = machine.kept_ptr
        here.kept_end = p.machine[m + 1].kept_ptr
        here.tried = -1
        here.booked = -1
        here.booked_last = -1
    for c in range(p.center.shape[0] - 1):
        s.desk[c].put_off = -1
    for g in range(p.group_ptr.shape[0] - 1):
        s.group[g].left = p.group_ptr[g + 1] - p.group_ptr[g]
        s.group[g].best = -1
