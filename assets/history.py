"""What was valid on any date: the history of master data and parameters, kept night by night."""

from __future__ import annotations

from assets.steps import stage_asset

ASSETS = [stage_asset("history")]
