"""The proposal: a checked finite schedule, the ship date of every customer line, the delta view and exception moves."""

from __future__ import annotations

from assets.steps import stage_asset

ASSETS = [stage_asset("schedule"), stage_asset("promises"), stage_asset("proposal")]
