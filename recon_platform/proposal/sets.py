"""Sets of moves: which exclude each other, which need each other, and a good set measured as a whole.

Belongs here: the search over sets. Effects of single moves do not add up (two overtime shifts win the same line once), so
every step is a plan of the whole set.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from recon_platform.planning.decisions import Change
from recon_platform.proposal.beside import effects_beside
from recon_platform.proposal.candidate import Candidate, canonical_json
from recon_platform.proposal.evaluate import Effect, compare, effects, pinned, plan_again, read_base
from recon_platform.tables.context import PlanContext
from recon_platform.tables.model import Frames
from recon_platform.tables.reuse import Reuse

LEAST_GAIN = 0.005  # plant currency: below it a step is rounding

PROCESSES = 2
WORTH_SHARING = 6_000_000
"""Operations of all trials together from which processes earn the seconds that they take to start and to read the plan."""


@dataclass(frozen=True, slots=True)
class Tried:
    """A candidate, its identity, and what it was measured to bring alone. `value`: worth less direct cost."""

    move: str
    candidate: Candidate
    effect: Effect
    value: float

    @property
    def changes_something(self) -> bool:
        """Whether the plan with it differs from the plan without: advice that changes nothing is none."""
        effect = self.effect
        return bool(effect.won or effect.lost or effect.operations_moved or abs(self.value) > LEAST_GAIN)


@dataclass(frozen=True, slots=True)
class MoveSet:
    """Moves to take together. `effect` and `plan` are of all of them at once; `plan` is None for the empty set."""

    moves: tuple[str, ...]
    value: float
    effect: Effect | None
    plan: Mapping[str, pl.DataFrame] | None
    trials: int


def excludes(one: Candidate, other: Candidate) -> bool:
    """Whether two moves cannot both be taken: they change the same row, send one operation to two places, draw the same
    lot, answer one shortage twice, or ask for more of something limited than there is."""
    if _touched(one) & _touched(other):
        return True
    if one.kind == other.kind and one.subject == other.subject:
        return True
    return any(
        name in other.claims and qty + other.claims[name][0] > limit + 1e-9 for name, (qty, limit) in one.claims.items()
    )


def _touched(candidate: Candidate) -> set[str]:
    """The rows a candidate changes and the operations it sends elsewhere, each as one text."""
    return {_target(change) for change in candidate.changes} - {""}


def _target(change: Change) -> str:
    if change["verb"] == "grant":
        given = change["grant"]
        return f"{given['work_order']}/{given['op_seq']}" if given["kind"] == "sibling" else ""
    if change["verb"] == "add":
        return ""
    return canonical_json([change["table"], change["where"]])


def over_limit(members: Sequence[Candidate]) -> bool:
    """Whether the members together claim more of something limited than there is."""
    used: dict[str, float] = {}
    for member in members:
        for name, (qty, limit) in member.claims.items():
            used[name] = used.get(name, 0.0) + qty
            if used[name] > limit + 1e-9:
                return True
    return False


def allowed(members: Sequence[Candidate]) -> bool:
    """Whether the members may be taken together."""
    pairs = ((a, b) for k, a in enumerate(members) for b in members[k + 1 :])
    return not over_limit(members) and not any(excludes(a, b) for a, b in pairs)


class Evaluator:
    """Plans of sets of moves against one base plan, each set measured once; what no move of theirs touches is made once."""

    def __init__(self, frames: Frames, context: PlanContext, setting: list[Change] | None = None) -> None:
        self.frames, self.context, self.reuse = frames, context, Reuse()
        self.setting = pinned(frames, context, self.reuse) if setting is None else setting
        self.trials = 0
        self._ready = False
        self._known: dict[frozenset[str], tuple[float, Effect]] = {}

    def plan(self, members: Sequence[Candidate]) -> dict[str, pl.DataFrame]:
        """The whole plan with all members in it."""
        return plan_again(self.frames, self.context, self._changes(members), self.reuse)

    def _changes(self, members: Sequence[Candidate]) -> list[Change]:
        return [*self.setting, *(change for member in members for change in member.changes)]

    def effect(self, members: Sequence[Candidate]) -> Effect:
        """What all members together bring."""
        return compare(self.frames, self.plan(members), self.context, self.reuse)

    def effects(self, sets: Sequence[Sequence[Candidate]], processes: int | None = None) -> list[Effect]:
        """What the members of each set bring together, measured by so many `processes`; None: as many as are worth starting."""
        trials = [self._changes(members) for members in sets]
        if not self._ready:  # sets are tried out here afterwards, whoever measures these
            read_base(self.frames, self.context, self.setting, self.reuse)
            self._ready = True
        if processes is None:
            processes = PROCESSES if len(trials) * self.frames["schedule"].height >= WORTH_SHARING else 1
        if processes > 1:
            return effects_beside(self.frames, self.context, self.setting, trials, processes)
        return effects(self.frames, self.context, trials, self.reuse)

    def value(self, members: Sequence[Tried]) -> tuple[float, Effect]:
        """(value, effect) of taking the members together."""
        key = frozenset(member.move for member in members)
        if key not in self._known:
            self.trials += 1
            made = [member.candidate for member in members]
            effect = self.effect(made)
            self._known[key] = (effect.worth(self.context) - sum(one.direct_cost for one in made), effect)
        return self._known[key]

    def know(self, one: Tried) -> None:
        """Take the measurement of a single move as made."""
        self._known[frozenset([one.move])] = (one.value, one.effect)


def good_set(tried: Sequence[Tried], evaluator: Evaluator, trials: int) -> MoveSet:
    """The set that a greedy search with re-evaluation finds in at most `trials` plans.

    Each round takes the move that adds most to the set so far; a move whose last known gain is below the best found in
    the round is not tried again in it. At the end a move without which the set is worth as much is given up again.
    """
    chosen: list[Tried] = []
    value, effect = 0.0, None
    gains = {one.move: one.value for one in tried}
    for one in tried:
        evaluator.know(one)
    spent = evaluator.trials
    open_ = [one for one in tried if one.effect.net_lines >= 0 or one.value > LEAST_GAIN]
    while open_:
        best: Tried | None = None
        best_gain, best_effect = LEAST_GAIN, effect
        for one in sorted(open_, key=lambda t: (-gains[t.move], t.move)):
            if best is not None and gains[one.move] <= best_gain:
                break
            if not allowed([*(c.candidate for c in chosen), one.candidate]):
                continue
            if chosen and evaluator.trials - spent >= trials:
                break
            together, measured = evaluator.value([*chosen, one])
            gains[one.move] = together - value
            keeps = measured.net_lines >= (effect.net_lines if effect is not None else 0)
            if gains[one.move] > best_gain and keeps:
                best, best_gain, best_effect = one, gains[one.move], measured
        if best is None:
            break
        chosen.append(best)
        value, effect = value + best_gain, best_effect
        open_ = [one for one in open_ if one is not best]
    for one in list(chosen[:-1]):
        rest = [other for other in chosen if other is not one]
        if evaluator.trials - spent >= trials or len(chosen) == 1:
            break
        without, measured = evaluator.value(rest)
        if without >= value - LEAST_GAIN:
            chosen, value, effect = rest, without, measured
    plan = evaluator.plan([one.candidate for one in chosen]) if chosen else None
    return MoveSet(tuple(one.move for one in chosen), value, effect, plan, evaluator.trials - spent)


def pairs_worth_trying(tried: Sequence[Tried], lines_of: Mapping[str, Sequence[str]], limit: int) -> list[Candidate]:
    """Bundles of two moves for lines that no single move wins: each takes away a part of what holds the line up.

    `lines_of`: late order → customer lines behind it. Both moves must be meant for orders of one such line.
    """
    won = {line for one in tried for line in one.effect.won}

    def open_lines(candidate: Candidate) -> set[str]:
        return {line for order in candidate.orders for line in lines_of.get(order, ())} - won

    found: list[tuple[float, str, Candidate]] = []
    for k, one in enumerate(tried):
        mine = open_lines(one.candidate)
        for other in tried[k + 1 :] if mine else ():
            if not mine & open_lines(other.candidate) or excludes(one.candidate, other.candidate):
                continue
            found.append((-(one.value + other.value), f"{one.move}+{other.move}", bundle(one, other)))
    found.sort(key=lambda entry: entry[:2])
    return [candidate for _, _, candidate in found[:limit]]


def bundle(one: Tried, other: Tried) -> Candidate:
    """Two moves as one that is decided as a whole."""
    a, b = one.candidate, other.candidate
    return Candidate(
        kind="bundle",
        subject=f"{a.subject} + {b.subject}",
        before=f"{a.before}; {b.before}",
        after=f"{a.after}; {b.after}",
        changes=[*a.changes, *b.changes],
        reason=f"only together: {a.reason}; {b.reason}",
        evidence={one.move: a.evidence, other.move: b.evidence},
        direct_cost=a.direct_cost + b.direct_cost,
        signature=a.signature or b.signature,
        approval="manager" if "manager" in (a.approval, b.approval) else "supervisor",
        orders=tuple(sorted({*a.orders, *b.orders})),
        claims={
            name: (a.claims.get(name, (0.0, 0.0))[0] + b.claims.get(name, (0.0, 0.0))[0],
                   (a.claims.get(name) or b.claims[name])[1])
            for name in {**a.claims, **b.claims}
        },
        parts=(one.move, other.move),
    )  # fmt: skip
