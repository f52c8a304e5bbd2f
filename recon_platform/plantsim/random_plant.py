"""Plants nobody tuned on: one of the plants that come with the package, its parameters drawn within wide limits.

Belongs here: the limits. A plant of one seed is the same for every policy.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from recon_platform.plantsim.parameters import PLANTS, Parameters, WorkCenter, plant_named
from recon_platform.plantsim.streams import stream

LOAD = (0.50, 0.92)
QUEUES = (1.0, 2.5)  # factor on planned lead times
FACTOR_OF_SETUPS, FACTOR_OF_MTBF = (0.4, 1.8), (0.5, 2.0)
SETUP_KINDS = ("setup_diameter_min", "setup_length_min", "setup_coil_min", "setup_class_min")


def random_plant(seed: int) -> Parameters:
    """The plant of a seed: its kind, loads, set-ups, breakdowns, absences, suppliers, order sizes, rush share, reserve for queues."""
    rng = stream(seed, "random plant")
    base = plant_named(PLANTS[int(rng.integers(len(PLANTS)))])
    return dataclasses.replace(
        base,
        code=f"{base.code}-R{seed}",
        work_centers=tuple(_center(rng, center) for center in base.work_centers),
        suppliers=tuple(
            dataclasses.replace(
                supplier, late_share=float(rng.uniform(0.02, 0.35)), late_median_days=float(rng.uniform(1.0, 5.0)),
                short_share=float(rng.uniform(0.0, 0.1)),
            )
            for supplier in base.suppliers
        ),
        quantity_sigma=float(rng.uniform(0.4, 1.1)),
        rush_share=float(rng.uniform(0.01, 0.08)),
        items_per_order=float(rng.uniform(0.12, 0.5)),
        breakdown_median_min=float(rng.uniform(30.0, 120.0)),
        breakdown_sigma=float(rng.uniform(0.8, 1.4)),
        absent_share=float(rng.uniform(0.0, 0.15)),
        lead_time_factor=float(rng.uniform(*QUEUES)),
    )  # fmt: skip


def _center(rng: np.random.Generator, center: WorkCenter) -> WorkCenter:
    draws = rng.random(3)
    if center.external:
        return center
    low, high = FACTOR_OF_SETUPS
    factor = low + (high - low) * draws[1]
    setups = {name: round(getattr(center, name) * factor) for name in SETUP_KINDS}
    between = FACTOR_OF_MTBF[0] + (FACTOR_OF_MTBF[1] - FACTOR_OF_MTBF[0]) * draws[2]
    load = LOAD[0] + (LOAD[1] - LOAD[0]) * draws[0]
    return dataclasses.replace(center, load=round(float(load), 3), mtbf_h=round(center.mtbf_h * between, 1), **setups)
