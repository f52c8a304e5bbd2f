"""Errors of reporting, planted at a known rate with the truth beside them.

Belongs here: who errs on a night and the frame of truth. Does not belong here: the single kinds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from recon_platform.plantsim.state import State
from recon_platform.tables.truth import TRUTH


@dataclass(frozen=True, slots=True)
class Planted:
    """Truth rows of one night."""

    truth: pl.DataFrame

    @classmethod
    def none(cls) -> Planted:
        return cls(TRUTH.empty())


def plant_drift(
    state: State, text: Mapping[str, pl.DataFrame], *, night: int, seed: int, rate: float, before: Planted
) -> tuple[dict[str, pl.DataFrame], Planted]:
    return dict(text), Planted.none()
