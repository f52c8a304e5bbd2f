"""Netting through all levels, pegging, action messages and their causes."""

from __future__ import annotations

from assets.steps import stage_asset

ASSETS = [stage_asset("material")]
