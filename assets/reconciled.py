"""The order backlog on which ERP and MES agree, with evidence for every correction."""

from __future__ import annotations

from assets.steps import stage_asset

ASSETS = [stage_asset("reconcile")]
