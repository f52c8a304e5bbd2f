"""What the material plan asks of each work center, before any schedule."""

from __future__ import annotations

from assets.steps import stage_asset

ASSETS = [stage_asset("load")]
