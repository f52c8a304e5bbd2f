"""The measures of the night."""

from __future__ import annotations

from assets.steps import stage_asset

ASSETS = [stage_asset("metrics")]
