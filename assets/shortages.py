"""Where material is missing, when, and what covers it."""

from __future__ import annotations

from assets.steps import stage_asset

ASSETS = [stage_asset("shortages")]
