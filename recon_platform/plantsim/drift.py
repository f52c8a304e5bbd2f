"""Errors of reporting at a known rate: every kind the generator plants, in the order of planting."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import numpy as np
import polars as pl

from recon_platform.plantsim.drift_clocks import CLOCK_KINDS
from recon_platform.plantsim.drift_components import COMPONENT_KINDS
from recon_platform.plantsim.drift_feeds import FEED_KINDS
from recon_platform.plantsim.drift_floor import FLOOR_KINDS
from recon_platform.plantsim.drift_master import MASTER_KINDS
from recon_platform.plantsim.drift_orders import ORDER_KINDS
from recon_platform.plantsim.drift_routing import ROUTING_KINDS
from recon_platform.plantsim.drift_spine import SPINE_KINDS
from recon_platform.plantsim.planting import DriftKind, Planting
from recon_platform.plantsim.state import State
from recon_platform.tables.truth import TRUTH

KINDS: tuple[DriftKind, ...] = (
    *ROUTING_KINDS, *COMPONENT_KINDS, *ORDER_KINDS, *FLOOR_KINDS, *SPINE_KINDS, *FEED_KINDS, *CLOCK_KINDS, *MASTER_KINDS,
)  # fmt: skip


def plant_drift(
    state: State,
    text: Mapping[str, pl.DataFrame],
    *,
    night: date,
    seed: int,
    rate: float,
    corrected: frozenset[int] = frozenset(),
    feed_share: float | None = None,
) -> tuple[dict[str, pl.DataFrame], pl.DataFrame]:
    """The night's text frames with errors at about `rate` per open order, and the truth (columns of `TRUTH`).

    Orders in `corrected` carry none: somebody has put their books right. `feed_share` is the share of nights on which a
    feed errs as a whole, for each such kind; none: as often as the kind says.
    """
    if rate == 0:
        return dict(text), TRUTH.empty()
    frames = {
        name: frame.hstack([pl.Series("_id", np.arange(frame.height, dtype=np.int64))]) for name, frame in text.items()
    }
    planting = Planting(state, frames, night, seed, rate, feed_share, taken=set(corrected))
    for kind in KINDS:
        planting.number = kind.number
        kind.plant(planting, kind.share)
    return planting.finish()
