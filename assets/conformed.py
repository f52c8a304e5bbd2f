"""One key, one unit, one calendar; what cannot be trusted is in quarantine."""

from __future__ import annotations

from assets.steps import stage_asset

ASSETS = [stage_asset("conform")]
