"""Candidates: exceptions that might bring late customer lines back, each as a change to the tables a plan reads.

A candidate promises nothing: its effect is measured by planning again (`evaluate`). Each search looks at one kind of
remedy, takes only what policy and master data allow, and names the stored facts it rests on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice

import polars as pl

from recon_platform.proposal.candidate import Candidate, canonical_json
from recon_platform.proposal.capacity_moves import frozen_breaks, overtime, siblings
from recon_platform.proposal.late import late_orders
from recon_platform.proposal.order_moves import compressions, delays, overlaps, rushes, splits
from recon_platform.proposal.supply_moves import expedites, make_or_buy, reallocations, substitutes
from recon_platform.tables.context import PlanContext
from recon_platform.tables.model import Frames

RULE_VERSION = "2"

Search = Callable[[Frames, PlanContext, pl.DataFrame], Iterator[Candidate]]
SEARCHES: tuple[Search, ...] = (
    expedites, substitutes, overtime, siblings, frozen_breaks, rushes, reallocations, splits, overlaps, compressions,
    make_or_buy, delays,
)  # fmt: skip


def candidates(frames: Frames, context: PlanContext) -> list[Candidate]:
    """Candidates worth trying, the most promising of each kind first, kinds taken in turn up to policy's number."""
    late = late_orders(frames)
    if late.is_empty():
        return []
    limit = context.policy.proposal.max_moves
    found = [list(islice(search(frames, context, late), limit)) for search in SEARCHES]
    in_turn = [kind[i] for i in range(max(map(len, found))) for kind in found if i < len(kind)]
    return in_turn[:limit]


__all__ = ["RULE_VERSION", "SEARCHES", "Candidate", "candidates", "canonical_json", "late_orders"]
