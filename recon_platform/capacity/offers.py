"""What each family with work offers the idle machines of its work center, and the best of these offers.

A hundred machines that become idle in one minute would each be weighed against each family for every operation given out.
But machines only leave the idle list while work is given out, and what stands behind an offer is no better than it: so what
an offer was worth is a bound of what it is worth now, and the best one is found by looking again at those alone that lead
the others (the lazy greedy rule; Minoux 1978). No machine makes more of an operation than its index without set-up, which is
the bound before anybody has looked.

Belongs here: the offers of one work center in one minute. What becomes of the best one is `dispatch`.
"""

from __future__ import annotations

import numpy as np

from recon_platform.capacity.causes import BIG
from recon_platform.capacity.compiled import inner
from recon_platform.capacity.placing import NEVER, changeover, changes_from
from recon_platform.capacity.problem import Problem
from recon_platform.capacity.state import State
from recon_platform.capacity.together import NOBODY, chain_length
from recon_platform.capacity.views import soon
from recon_platform.capacity.waiting import find_top


@inner
def best_pair(
    p: Problem, s: State, center: int, now: int, k2_inverse: float, pull: float
) -> tuple[np.int64, np.int64, float, float, np.int64, float]:
    """(machine, operation, index, set-up, runner-up, its index) of the best offer, every idle machine weighed against every
    family; machine NOBODY: none takes any. Of equals the first operation, on the faster machine, then the first.
    """
    desk = s.desk[center]
    base, families = p.center[center].machines, p.center[center].families
    best = -BIG
    best_machine, best_operation = NOBODY, NOBODY
    best_speed, best_setup = np.float64(0.0), np.float64(0.0)
    second = NOBODY
    second_index = -BIG
    for k in range(desk.idle):
        m = np.int64(s.idle[base + k])
        seat = s.seat[m]
        if seat.tried == now:
            continue
        speed = np.float64(p.machine[m].speed)
        row = changes_from(p, s, center, np.int64(seat.family))
        for a in range(desk.active):
            f = np.int64(s.active[families + a])
            q = s.queue[f]
            o = np.int64(q.top)
            if o < 0 or (q.pinned >= 0 and q.pinned != m):
                continue
            setup = np.float64(s.change[row + f]) if row < NEVER else changeover(p, s, np.int64(seat.family), f)
            value = q.top_index - setup * k2_inverse
            if q.top_home >= 0 and q.top_home != m:
                value -= pull
            if value <= seat.bar and now + p.operation[o].run / speed > seat.limit:
                continue
            better = value > best
            if value == best:
                if o == best_operation:
                    better = speed > best_speed or (speed == best_speed and m < best_machine)
                else:
                    better = o < best_operation
            if better:
                if o != best_operation and (best > second_index or (best == second_index and best_operation < second)):
                    second = best_operation
                    second_index = best
                soon(p.operation, o)
                soon(s.course, o)
                soon(p.open_end, seat.cursor)
                soon(p.open_start, seat.cursor)
                best = value
                best_machine, best_operation, best_speed, best_setup = m, o, speed, setup
            elif o != best_operation and (value > second_index or (value == second_index and o < second)):
                second = o
                second_index = value
    return best_machine, best_operation, best, best_setup, second, second_index


@inner
def look_at_family(p: Problem, s: State, f: int, now: int, k1_inverse: float) -> bool:
    """Take the best operation of family `f` as its offer, for no machine yet; True where it may wait for a full load."""
    find_top(p, s, f, now, k1_inverse)
    q, offer = s.queue[f], s.offer[f]
    if q.top < 0:
        offer.worth = -BIG
        offer.machine = -1
        offer.operation = -1
    elif q.top != offer.operation:
        offer.worth = q.top_index
        offer.machine = -1
        offer.operation = q.top
    return bool(q.loads == 1)


@inner
def line_up(s: State, families: int, many: int) -> None:
    """Put the families that have offers in line (a heap), the one worth most in front."""
    for k in range((many >> 1) - 1, -1, -1):
        step_back(s, families, many, k)


@inner
def best_offer(p: Problem, s: State, center: int, many: int, now: int, k2_inverse: float, pull: float) -> np.int64:
    """The family of `center` whose offer is worth most, of equals that of the first operation; NOBODY: no machine takes any."""
    front = np.int64(p.center[center].families)
    while True:
        f = np.int64(s.line[front])
        if many == 0 or s.offer[f].worth <= -BIG:
            return NOBODY
        if s.offer[f].machine >= 0:
            return f
        _find_machine(p, s, center, f, now, k2_inverse, pull)
        step_back(s, front, many, np.int64(0))


@inner
def second_offer(p: Problem, s: State, center: int, many: int, now: int, k2_inverse: float, pull: float) -> int:
    """The family of the best offer but that of the one in front, which keeps its place."""
    front, last = np.int64(p.center[center].families), many - 1
    f = s.line[front]
    s.line[front] = s.line[front + last]
    s.line[front + last] = f
    step_back(s, front, last, np.int64(0))
    found = best_offer(p, s, center, last, now, k2_inverse, pull)
    k = last
    while k > 0:
        before = (k - 1) >> 1
        s.line[front + k] = s.line[front + before]
        k = before
    s.line[front] = f
    return found


@inner
def step_back(s: State, front: int, many: int, k: int) -> None:
    """Let the family at place `k` of the line fall back behind all that offer more."""
    if k >= many:
        return
    f = s.line[front + k]
    worth, operation = s.offer[f].worth, s.offer[f].operation
    while True:
        child = 2 * k + 1
        if child >= many:
            break
        one = s.offer[s.line[front + child]]
        if child + 1 < many:
            other = s.offer[s.line[front + child + 1]]
            if other.worth > one.worth or (other.worth == one.worth and other.operation < one.operation):
                child += 1
                one = other
        if worth > one.worth or (worth == one.worth and operation < one.operation):
            break
        s.line[front + k] = s.line[front + child]
        k = child
    s.line[front + k] = f


@inner
def _find_machine(p: Problem, s: State, center: int, f: int, now: int, k2_inverse: float, pull: float) -> None:
    """The idle machine on which the offer of family `f` is worth most: of equals the faster one, then the first."""
    q, offer = s.queue[f], s.offer[f]
    base = p.center[center].machines
    run = p.operation[offer.operation].run
    best, best_speed = -BIG, np.float64(0.0)
    best_machine = NOBODY
    for k in range(s.desk[center].idle):
        m = np.int64(s.idle[base + k])
        seat = s.seat[m]
        if seat.tried == now or (q.pinned >= 0 and q.pinned != m):
            continue
        value = q.top_index - setup_there(p, s, center, m, f) * k2_inverse
        if q.top_home >= 0 and q.top_home != m:
            value -= pull
        if value < best:
            continue
        speed = np.float64(p.machine[m].speed)
        if value <= seat.bar and now + run / speed > seat.limit:
            continue
        if value > best or speed > best_speed or (speed == best_speed and m < best_machine):
            best, best_speed, best_machine = value, speed, m
    offer.worth = best
    offer.machine = best_machine


@inner
def setup_there(p: Problem, s: State, center: int, m: int, f: int) -> float:
    """Set-up minutes for family `f` on machine `m` of `center` as it stands."""
    before = np.int64(s.seat[m].family)
    row = changes_from(p, s, center, before)
    return np.float64(s.change[row + f]) if row < NEVER else changeover(p, s, before, f)


@inner
def forget(s: State, families: int, many: int, m: int, all_machines: bool) -> None:
    """Machine `m` (or any) is not what it was: the offers that stand for it are bounds again."""
    for a in range(many):
        offer = s.offer[s.active[families + a]]
        if offer.machine == m or all_machines:
            offer.machine = -1


@inner
def follows_at_once(p: Problem, s: State, i: int) -> bool:
    """Whether placing operation `i` places others with it: a continuity group, or what may not wait long."""
    return bool(p.operation[i].group >= 0 or chain_length(p, s, i) > 0)
